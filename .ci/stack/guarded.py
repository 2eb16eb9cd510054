"""MiniStack's application with two services that it lacks: SageMaker's runtime, and the tasks of Amazon Polly.

Their requests pass MiniStack's own check of the signature, and of the policies of the role that signed. What is allowed goes on to
a simulated endpoint in the process of the scenarios. Hypercorn runs this in place of `ministack.app:app`.
"""

import asyncio
import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request

from ministack.app import app as ministack
from ministack.core import iam_actions, iam_evaluator, responses

ENDPOINTS = {"sagemaker": os.environ["GUARDED_SAGEMAKER"], "polly": os.environ["GUARDED_POLLY"]}
SCOPE = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request,")
INVOCATION = re.compile(r"/endpoints/([^/]+)/invocations(-response-stream)?")
TASKS = "/v1/synthesisTasks"


async def app(scope, receive, send):
    fields = scope.get("headers", []) if scope["type"] == "http" else []
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in fields}
    signed = SCOPE.match(headers.get("authorization", ""))
    if signed is None or signed[3] not in ENDPOINTS:
        return await ministack(scope, receive, send)
    body, more = b"", True
    while more:
        part = await receive()
        body, more = body + part.get("body", b""), part.get("more_body", False)
    status, answer = refusal(scope, signed, headers, body) or await asyncio.to_thread(forward, signed[3], scope, headers, body)
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": answer})


def refusal(scope, signed, headers, body):
    """The status and body of the answer to a request that is not signed well, or not allowed; otherwise None."""
    key, region, service = signed.groups()
    query = urllib.parse.parse_qs(scope["query_string"].decode())
    responses.set_request_account_id(iam_evaluator.find_iam_access_key_account(key) or key)
    responses.set_request_region(region)
    iam_evaluator.pin_signed_request(scope["method"], scope["raw_path"].decode(), query, scope["headers"])
    iam_evaluator.pin_signed_body(body)
    own = f":{region}:{responses.get_account_id()}:"
    for action, resource in needed(scope["method"], scope["path"], headers, body, own):
        denied = iam_evaluator.enforce(key, action, service, region, resource_arn=resource)
        if isinstance(denied, iam_evaluator.AuthError):
            return 403, json.dumps({"__type": denied.code, "message": denied.message}).encode()
        if denied:
            told = iam_actions.identity_denial_message(action, denied.principal_arn, resource, denied.decision == "Deny")
            return 403, json.dumps({"__type": "AccessDeniedException", "message": told}).encode()
    return None


def needed(method, path, headers, body, own):
    """Action and resource of everything that AWS asks of whoever sends this request."""
    if invocation := INVOCATION.fullmatch(path):
        action = "sagemaker:InvokeEndpoint" + ("WithResponseStream" if invocation[2] else "")
        # An endpoint's ARN is in lower case.
        yield action, f"arn:aws:sagemaker{own}endpoint/{invocation[1].lower()}"
        if component := headers.get("x-amzn-sagemaker-inference-component"):
            yield action, f"arn:aws:sagemaker{own}inference-component/{component}"
    elif (method, path) == ("GET", TASKS):
        yield "polly:ListSpeechSynthesisTasks", "*"
    elif (method, path) == ("POST", TASKS):
        yield "polly:StartSpeechSynthesisTask", "*"
        # Polly writes with the rights of its caller.
        task = json.loads(body)
        yield "s3:PutObject", f"arn:aws:s3:::{task['OutputS3BucketName']}/{task['OutputS3KeyPrefix']}.0.mp3"
    else:
        raise ValueError(f"{method} {path} is no request of these services")


def forward(service, scope, headers, body):
    query = scope["query_string"].decode()
    url = ENDPOINTS[service] + scope["raw_path"].decode() + (f"?{query}" if query else "")
    kept = {name: value for name, value in headers.items() if name in ("authorization", "content-type")}
    request = urllib.request.Request(url, body or None, kept, method=scope["method"])
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
