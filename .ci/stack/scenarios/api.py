"""The HTTP API: a Function URL that programs call, and links into S3 that they use.

MiniStack serves Function URLs, under a path in place of a host of their own. Its S3 recomputes signatures, so a wrong length is refused
as S3 refuses it. A link that has really expired is refused in `tests/it/api.rs`; here its date is changed, which MiniStack notices
before it looks at the signature.
"""

import datetime
import json
import pathlib
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request

import boto3
import openapi_spec_validator
from access import many
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from cloud import ACCOUNT, REGION
from deployment import eventually
from jsonschema import Draft202012Validator
from policies import current, without
from scenario import expect, scenario
from transcripts import transcript

TOKEN = "a-token-for-programs-0123456789"


class Caller:
    """A program that calls the API, and holds every answer to the API's own description."""

    def __init__(self, stack, token=None):
        host = urllib.parse.urlsplit(stack.outputs["ApiUrl"]).hostname
        self.base = f"{stack.cloud.url}/_aws/lambda-url/{host.split('.')[0]}"
        self.tls = ssl.create_default_context(cafile=str(stack.cloud.authority))
        self.token = token
        self.described = None

    def send(self, method, url, body=None, headers=None):
        request = urllib.request.Request(url, body, headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, context=self.tls, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()

    def headers(self, method, url, body):
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def ask(self, method, path, order=None, query=""):
        body = None if order is None else json.dumps(order).encode()
        url = self.base + path + query
        headers = {"Content-Type": "application/json", **self.headers(method, url, body)}
        status, found = self.send(method, url, body, headers)
        answer = json.loads(found)
        if self.described:
            schema = self.described["paths"][path][method.lower()]["responses"][str(status)]["content"]["application/json"]["schema"]
            Draft202012Validator({**schema, "components": self.described["components"]}).validate(answer)
        return status, answer

    def describe(self):
        status, description = self.ask("GET", "/openapi.json")
        expect(status == 200, f"the description is answered {status}: {description}")
        openapi_spec_validator.validate(description)
        self.described = description
        return self

    def order(self, name, content):
        status, link = self.ask("POST", "/v1/uploads", {"name": name, "bytes": len(content), "words": 300})
        expect(status == 201, f"no link: {status} {link}")
        return link

    def put(self, link, content, **headers):
        return self.send("PUT", link["url"], content, {**link["headers"], "Content-Type": "text/plain", **headers})

    def status(self, key):
        return self.ask("GET", "/v1/summaries", query="?key=" + urllib.parse.quote(key))


class SigningCaller(Caller):
    """With the account's own credentials."""

    def headers(self, method, url, body):
        credentials = boto3.Session(ACCOUNT, "test").get_credentials()
        request = AWSRequest(method, url, data=body, headers={"Content-Type": "application/json"})
        SigV4Auth(credentials, "lambda", REGION).add_auth(request)
        return dict(request.headers)


def secret(stack):
    return stack.cloud.client("secretsmanager").create_secret(Name="api-token", SecretString=TOKEN)["ARN"]


def an_hour_earlier(url):
    def moved(found):
        date = datetime.datetime.strptime(found.group(1), "%Y%m%dT%H%M%SZ") - datetime.timedelta(hours=1)
        return f"X-Amz-Date={date:%Y%m%dT%H%M%SZ}"

    return re.sub(r"X-Amz-Date=(\w+)", moved, url)


@scenario("without the HTTP API there is no function and no URL for it, and no job keeps its progress; its description is valid")
def none(stack):
    openapi_spec_validator.validate(json.loads(pathlib.Path("src/http_api/openapi.json").read_text(encoding="utf-8")))
    functions = stack.lambdas.list_functions()["Functions"]
    expect(len(functions) == 1 and "ApiUrl" not in stack.outputs, f"there are {[one['FunctionName'] for one in functions]}")
    kept = [key for key in stack.storage.keys() if ".work/progress/" in key]
    expect(not kept, f"there is progress: {kept}")


@scenario(
    "through the HTTP API: upload link, PUT, summary, link; wrong length, second PUT, expired link, wrong token refused; "
    "without each permission in turn an error"
)
def with_token(stack):
    content = transcript(2000, 7).encode()
    with stack.changed(Api="token", ApiSecretArn=secret(stack)):
        for wrong in (None, "", "a-token-for-programs-0123456788"):
            status, refused = Caller(stack, wrong).ask("GET", "/v1/settings")
            expect(status == 401 and refused["next_step"], f"token {wrong!r} is answered {status}: {refused}")
        caller = Caller(stack, TOKEN).describe()
        link = caller.order("board é 1+1.txt", content)
        key = link["key"]
        for wrong in (content[:-1], content + b"x"):
            status, refused = caller.put(link, wrong)
            expect(status == 403, f"{len(wrong)} bytes in place of {len(content)} are answered {status}: {refused}")
        status, refused = caller.put({**link, "headers": {}}, content)
        expect(status == 403, f"without its headers it is answered {status}: {refused}")
        status, refused = caller.put({**link, "url": an_hour_earlier(link["url"])}, content)
        expect(status == 403 and b"expired" in refused, f"an expired link is answered {status}: {refused}")
        expect(caller.status(key)[0] == 404, f"before the upload: {caller.status(key)}")
        status, refused = caller.put(link, content)
        expect(status == 200, f"the upload is answered {status}: {refused}")
        status, refused = caller.put(link, content)
        expect(status == 412, f"a second upload is answered {status}: {refused}")
        status, refused = caller.ask("POST", "/v1/uploads", {"name": "board é 1+1.txt", "bytes": 5})
        expect(status == 409, f"a name that is taken is answered {status}: {refused}")
        done = eventually(
            lambda: next((found for _, found in [caller.status(key)] if found["status"] == "done"), None),
            lambda: f"it is {caller.status(key)}. {stack.said()}",
        )
        expect(done["words"] in range(285, 316), f"300 words were wished for: {done}")
        for kind, ending in (("page", "html"), ("text", "txt"), ("report", "json")):
            status, found = caller.send("GET", done["links"][kind])
            there = stack.storage.read(f"summaries/{key}_summary.{ending}")
            expect(status == 200 and found.decode() == there, f"the link to the {kind} is answered {status}")
        status, refused = caller.send("GET", an_hour_earlier(done["links"]["text"]))
        expect(status == 403 and b"expired" in refused, f"an expired link is answered {status}: {refused}")
        kept = [found for found in stack.storage.keys() if ".work/progress/" in found]
        expect(len(kept) == 1, f"the progress of the job is in {kept}")
        expect(caller.ask("GET", "/v1/settings")[0] == 200, "there are no settings")
        each_permission(stack, caller, content)


def each_permission(stack, caller, content):
    caller = Caller(stack, TOKEN)
    for sid, action in (
        (entry["Sid"], action)
        for entry in current(stack, "ApiPolicy")[1]["Statement"]
        for action in many(entry["Action"])
        if action.startswith(("s3:Put", "s3:Get"))
    ):
        link = caller.order(f"{sid}.txt", content)
        with without(stack, sid, action, "ApiPolicy"):
            sent, _ = caller.put(link, content)
            asked, found = caller.status(link["key"])
        if action == "s3:PutObject":
            expect(sent == 403, f"without {action} of {sid} an upload is answered {sent}")
        else:
            expect(sent == 200 and asked == 500 and found["next_step"], f"without {action} of {sid}: {sent}, {asked} {found}")


@scenario("through the HTTP API with IAM: a request without a signature is refused, a signed one answered")
def with_iam(stack):
    content = transcript(2000, 8).encode()
    with stack.changed(Api="iam"):
        status, refused = Caller(stack).send("GET", Caller(stack).base + "/v1/settings")
        expect(status == 403, f"without a signature: {status} {refused}")
        caller = SigningCaller(stack).describe()
        link = caller.order("signed.txt", content)
        status, refused = caller.put(link, content)
        expect(status == 200, f"the upload is answered {status}: {refused}")
        eventually(
            lambda: caller.status(link["key"])[1]["status"] == "done",
            lambda: f"it is {caller.status(link['key'])}. {stack.said()}",
        )
