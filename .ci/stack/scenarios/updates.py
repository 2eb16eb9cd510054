"""Changes of parameters on the running stack."""

from chat_endpoint import ChatEndpoint
from cloud import REGION
from deployment import eventually
from policies import check_named_when_missing, granted
from results import check_summary
from scenario import TOKEN, expect, scenario
from storage import Bucket
from transcripts import transcript


@scenario("a changed parameter takes effect with the next upload")
def words(stack):
    with stack.changed(SummaryWords="300"):
        stack.upload("meetings/shorter.txt", transcript(2000, 30))
        stack.result("meetings/shorter.txt")
        report = check_summary(stack.storage, "meetings/shorter.txt")
    expect(report["summary"]["target_words"] == 300, f"the target was {report['summary']}")


@scenario("with a model at Hugging Face the key comes from the secret; without its permission an error names it")
def paid_model(stack):
    secrets = stack.cloud.client("secretsmanager")
    arn = secrets.create_secret(Name="model", SecretString=TOKEN)["ARN"]
    with ChatEndpoint(tls=stack.cloud.tls) as chat:
        with stack.changed(ModelProvider="huggingface", SecretArn=arn, HfEndpointUrl=chat.url, SummaryWords="1500"):
            stack.upload("meetings/modelled.txt", transcript(4000, 31))
            stack.result("meetings/modelled.txt")
            report = check_summary(stack.storage, "meetings/modelled.txt")
            expect(report["model"]["provider"] == "huggingface", f"written by {report['model']}")
            expect(chat.requests, "the endpoint was not called")
            (pair,) = (pair for pair in granted(stack) if pair[1].startswith("secretsmanager:"))
            check_named_when_missing(stack, *pair)
    expect(TOKEN not in str(stack.said()), "the key is in the log")


@scenario("a model that needs a key is refused at deployment without one, and the stack stays as it was")
def refused(stack):
    message = stack.refusal({"ModelProvider": "huggingface"})
    expect("SecretArn" in message, f"the refusal does not name SecretArn: {message}")


# Settings of the new bucket are not tried: MiniStack sets no lifecycle rules, and tests the queue anew when any other changes.
@scenario("results go to a bucket of their own, with all that the function is allowed there")
def results_apart(stack):
    stack.s3.create_bucket(Bucket="results", CreateBucketConfiguration={"LocationConstraint": REGION})
    with stack.changed(OutputBucket="results"):
        stack.upload("meetings/apart.txt", transcript(2000, 32))
        results = Bucket(stack.s3, "results")
        eventually(lambda: "summaries/meetings/apart.txt_summary.txt" in results.keys(), lambda: f"no summary. {stack.said()}")
        expect(not [key for key in stack.storage.keys() if "apart.txt_" in key], "results are beside the transcript too")
