"""A model behind an endpoint of SageMaker, called with the credentials of the function."""

from results import check_no_summary, check_outcomes, check_summary
from sagemaker_endpoint import SageMakerEndpoint
from sample_events import MEETING, load
from scenario import expect, scenario
from storage import CREDENTIALS
from transcripts import transcript

NAME = "Summaries-1"


def settings(endpoint):
    return {
        "MODEL_PROVIDER": "sagemaker",
        "SAGEMAKER_ENDPOINT": NAME,
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": endpoint.url.removesuffix("/v1"),
        "SUMMARY_WORDS": "1500",
    }


@scenario("a model on SageMaker is called with signed requests, under the name of its endpoint")
def sagemaker(world):
    world.storage.upload(MEETING, transcript(6000, seed=6))
    with SageMakerEndpoint() as endpoint:
        with world.function(**settings(endpoint)) as function:
            answer = function.invoke(load("s3-put", world.storage))
        check_outcomes(answer, "done", [MEETING])
        report = check_summary(world.storage, MEETING)
        calls = len(endpoint.requests)
        expect(report["usage"]["calls"] == calls, f"the report counts {report['usage']['calls']} calls of {calls}")
        key = f"AWS4-HMAC-SHA256 Credential={CREDENTIALS['AWS_ACCESS_KEY_ID']}/"
        for request in endpoint.requests:
            expect(request["path"] == f"/endpoints/{NAME}/invocations-response-stream", f"path is {request['path']}")
            authorization = request["authorization"] or "nothing"
            signed = authorization.startswith(key) and "/sagemaker/aws4_request" in authorization
            expect(signed, f"a request is authorized by {authorization}")


@scenario("a container on SageMaker that refuses every request: the error is the container's, and there is no summary")
def refusing_container(world):
    world.storage.upload(MEETING, transcript(6000, seed=6))
    with SageMakerEndpoint() as endpoint:
        endpoint.fail_with(404, "The model `summaries` does not exist.")
        with world.function(**settings(endpoint)) as function:
            answer = function.invoke(load("s3-put", world.storage))
        error = answer.get("errorMessage", "")
        expect("SAGEMAKER_ENDPOINT" in error and "does not exist" in error, f"the error should name setting and reason: {answer}")
        expect(len(endpoint.requests) <= 4, f"expected a request or one for each call in flight, got {len(endpoint.requests)}")
    check_no_summary(world.storage)
