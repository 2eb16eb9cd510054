"""Uploads that get no summary."""

import json

from deployment import eventually
from scenario import expect, scenario
from transcripts import transcript


@scenario("a file that is no transcript gets an _error.json that says why, and its message is not tried again")
def rejected(stack):
    stack.upload("meetings/picture.txt", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8)
    error = json.loads(stack.result("meetings/picture.txt", "_error.json"))
    expect(error["retryable"] is False, f"it is to be tried again: {error}")
    expect("PNG" in error["message"], f"it does not say why: {error['message']}")
    stack.quiet()


@scenario("of a batch with a good and a bad message only the bad one stays in the queue")
def partial_batch(stack):
    (mapping,) = stack.lambdas.list_event_source_mappings(FunctionName=stack.outputs["Function"])["EventSourceMappings"]
    stack.lambdas.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False, BatchSize=10)
    try:
        stack.upload("meetings/good.txt", transcript(2000, 3))
        stack.sqs.send_message(QueueUrl=stack.outputs["Queue"], MessageBody='{"Records": [{"s3": {}}]}')
        eventually(lambda: stack.waiting() == (2, 0), lambda: f"the queue has {stack.waiting()} messages")
        stack.lambdas.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
        stack.result("meetings/good.txt")
        # The summary's own message is skipped and gone.
        eventually(lambda: stack.waiting() == (0, 1), lambda: f"the queue has {stack.waiting()} messages. {stack.said()}")
    finally:
        stack.lambdas.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True, BatchSize=1)
        stack.sqs.purge_queue(QueueUrl=stack.outputs["Queue"])
