"""A model behind an endpoint of SageMaker, with an inference component."""

from policies import check_named_when_missing
from render import PSEUDO
from results import check_summary
from scenario import expect, scenario
from transcripts import transcript

ENDPOINT, COMPONENT = "summaries", "Summarizer-1"
OWN = f"arn:aws:sagemaker:{PSEUDO['AWS::Region']}:{PSEUDO['AWS::AccountId']}:"
STREAMED, WHOLE = "sagemaker:InvokeEndpointWithResponseStream", "sagemaker:InvokeEndpoint"


@scenario("with a model on SageMaker its signed requests are accepted; without a permission for it an error names it and its resource")
def model(stack):
    container = stack.cloud.sagemaker
    container.reset()
    given = {"SageMakerEndpoint": ENDPOINT, "SageMakerInferenceComponent": COMPONENT}
    with stack.changed(ModelProvider="sagemaker", SummaryWords="1500", **given):
        stack.upload("meetings/sagemaker.txt", transcript(4000, 33))
        stack.result("meetings/sagemaker.txt")
        report = check_summary(stack.storage, "meetings/sagemaker.txt")
        expect(report["model"]["provider"] == "sagemaker", f"written by {report['model']}")
        expect(container.requests, "the container was not asked")
        check_named_when_missing(stack, "InvokeEndpoint", STREAMED)
        for resource in (f"endpoint/{ENDPOINT}", f"inference-component/{COMPONENT}"):
            asked = len(container.requests)
            check_named_when_missing(stack, "InvokeEndpoint", STREAMED, resource=OWN + resource)
            expect(len(container.requests) > asked, f"with {resource} again, the container was not asked")
        # Other containers answer in one piece.
        with stack.changed(SageMakerTask="text-generation"):
            check_named_when_missing(stack, "InvokeEndpoint", WHOLE)
