"""A model at Amazon Bedrock, which MiniStack has answered by a simulated chat endpoint."""

from policies import check_named_when_missing, granted
from results import check_summary
from scenario import expect, scenario
from transcripts import transcript

MODEL = "anthropic.claude-3-haiku-20240307-v1:0"


@scenario("with a model at Bedrock its signed requests are accepted; without a permission for it an error names it")
def model(stack):
    chat = stack.cloud.bedrock
    chat.reset()
    with stack.changed(ModelProvider="bedrock", BedrockModelId=MODEL, SummaryWords="1500"):
        stack.upload("meetings/bedrock.txt", transcript(4000, 32))
        stack.result("meetings/bedrock.txt")
        report = check_summary(stack.storage, "meetings/bedrock.txt")
        expect(report["model"]["provider"] == "bedrock", f"written by {report['model']}")
        expect(chat.requests, "the model was not asked")
        # Answers are streamed.
        (pair,) = (pair for pair in granted(stack) if pair == ("InvokeModel", "bedrock:ConverseStream"))
        check_named_when_missing(stack, *pair)
