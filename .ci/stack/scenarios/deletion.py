"""The end of the stack."""

import botocore.exceptions
from deployment import NAME, PARAMETERS, eventually
from scenario import Failed, expect, scenario
from transcripts import transcript


@scenario("deleting the stack keeps the bucket with every transcript and summary, and nothing else of it")
def deleted(stack):
    stack.quiet()
    before = stack.storage.keys()
    summaries = [key for key in before if key.endswith("_summary.txt")]
    function = stack.outputs["Function"]
    stack.stacks.delete_stack(StackName=NAME)
    eventually(lambda: gone(stack), lambda: f"it is still there: {stack.failures()}", 60)
    expect(stack.storage.keys() == before and summaries, "objects went with the stack")
    functions = [found["FunctionName"] for found in stack.lambdas.list_functions()["Functions"]]
    expect(function not in functions, f"the function is still there: {functions}")
    queues = [url.rsplit("/", 1)[1] for url in stack.sqs.list_queues().get("QueueUrls", [])]
    expect(queues == ["mailbox"], f"queues are still there: {queues}")


@scenario("a new stack of the same name cannot make the bucket that the old one left; it uses that one, or makes another")
def deployed_again(stack):
    left = stack.storage.name
    again(stack, lambda: refused(stack))
    # As src/guide/deploying.md says. It replaces the notification to the queue that is gone.
    stack.s3.put_bucket_notification_configuration(
        Bucket=left, NotificationConfiguration={"EventBridgeConfiguration": {}}, SkipDestinationValidation=True
    )
    again(stack, lambda: stack.deploy(**PARAMETERS, ExistingBucket=left))
    stack.upload("meetings/after.txt", transcript(2000, 90))
    stack.result("meetings/after.txt")
    stack.quiet()
    again(stack, lambda: stack.deploy(**PARAMETERS, BucketName="what-was-said"))
    expect(stack.outputs["Bucket"] == "what-was-said", f"the bucket is {stack.outputs['Bucket']}")
    stack.s3.put_object(Bucket="what-was-said", Key="meetings/other.txt", Body=transcript(2000, 91).encode())
    found = lambda: stack.s3.list_objects_v2(Bucket="what-was-said", Prefix="summaries/meetings/other.txt_summary.txt")["KeyCount"]
    eventually(found, lambda: f"there is no summary. {stack.said()}")
    stack.quiet()
    again(stack, lambda: None)


def again(stack, deploy):
    """Deletes the stack, if there is one, before it is deployed."""
    if not gone(stack):
        stack.stacks.delete_stack(StackName=NAME)
        eventually(lambda: gone(stack), lambda: f"it is still there: {stack.failures()}", 60)
    stack.parameters = {}
    deploy()


def refused(stack):
    try:
        stack.deploy(**PARAMETERS)
    except Failed:
        events = str(stack.stacks.describe_events(StackName=NAME))
        expect("TranscriptBucket" in events and "exist" in events, f"the failure does not name the bucket: {events}")
        return
    raise Failed("a second bucket of the same name was made")


def gone(stack):
    try:
        return stack.described()[0]["StackStatus"] == "DELETE_COMPLETE"
    except botocore.exceptions.ClientError:
        return True
