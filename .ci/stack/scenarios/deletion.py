"""The end of the stack."""

import botocore.exceptions
from deployment import NAME, eventually
from scenario import expect, scenario


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


def gone(stack):
    try:
        return stack.described()[0]["StackStatus"] == "DELETE_COMPLETE"
    except botocore.exceptions.ClientError:
        return True
