"""A model on Bedrock, called with the credentials of the function."""

from bedrock_endpoint import BedrockEndpoint
from results import check_outcomes, check_summary
from sample_events import MEETING, load
from scenario import expect, scenario
from storage import CREDENTIALS
from transcripts import transcript

MODEL = "eu.anthropic.claude-haiku-4-5-20251001-v1:0"


@scenario("a model on Bedrock is called with signed requests, under its encoded id")
def bedrock(world):
    world.storage.upload(MEETING, transcript(6000, seed=5))
    with BedrockEndpoint() as endpoint:
        settings = {
            "MODEL_PROVIDER": "bedrock",
            "BEDROCK_MODEL_ID": MODEL,
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": endpoint.url.removesuffix("/v1"),
            "SUMMARY_WORDS": "1500",
        }
        with world.function(**settings) as function:
            answer = function.invoke(load("s3-put", world.storage))
        check_outcomes(answer, "done", [MEETING])
        report = check_summary(world.storage, MEETING)
        calls = len(endpoint.requests)
        expect(report["usage"]["calls"] == calls, f"the report counts {report['usage']['calls']} calls of {calls}")
        path = f"/model/{MODEL.replace(':', '%3A')}/converse-stream"
        key = f"AWS4-HMAC-SHA256 Credential={CREDENTIALS['AWS_ACCESS_KEY_ID']}/"
        for request in endpoint.requests:
            expect(request["path"] == path, f"path is {request['path']}")
            authorization = request["authorization"] or "nothing"
            signed = authorization.startswith(key) and "/bedrock/aws4_request" in authorization
            expect(signed, f"a request is authorized by {authorization}")
