"""Uploads that cannot be summarized: the sender learns of it, and nothing looks like a summary."""

from results import check_no_summary
from sample_events import MEETING, in_sqs, load, message_ids
from scenario import TOKEN, expect, extractive, hugging_face, scenario
from transcripts import CANARY, transcript

# Bounds how long the function may go on trying.
SHORT = {"AWS_LAMBDA_FUNCTION_TIMEOUT": "20"}


@scenario("an object that is gone: the invocation fails and names it, or says it is superseded")
def missing_object(world):
    with world.function(**extractive(**SHORT)) as function:
        answer = function.invoke(load("s3-put"))
    statuses = [outcome["status"] for outcome in answer.get("outcomes", [])]
    expect(
        MEETING in answer.get("errorMessage", "") or statuses == ["superseded"],
        f"expected an error that names {MEETING} or the status superseded, got {answer}",
    )
    check_no_summary(world.storage)


@scenario("an endpoint that always answers 500: the invocation fails with object and cause, the message goes back")
def endpoint_down(world):
    # Real servers quote the request in such answers; none of it may come out again, see also logs.py.
    refused(world, 500, f"cannot process: {CANARY}")


@scenario("an endpoint that refuses the token: the invocation fails with object and cause, the message goes back")
def endpoint_refuses(world):
    refused(world, 401, f"Incorrect API key provided: {TOKEN}")


def refused(world, status, message):
    world.storage.upload(MEETING, transcript(2000, seed=3))
    world.chat.fail_with(status, message)
    event = load("s3-put", world.storage)
    with world.function(**hugging_face(world, **SHORT)) as function:
        answer = function.invoke(event)
        error = answer.get("errorMessage", "")
        expect(MEETING in error and str(status) in error, f"the error should name {MEETING} and {status}: {answer}")
        expect(TOKEN not in error and CANARY not in error, f"the error quotes the request: {answer}")
        check_no_summary(world.storage)
        queued = in_sqs(event)
        answer = function.invoke(queued)
    expected = {"batchItemFailures": [{"itemIdentifier": name} for name in message_ids(queued)]}
    expect(answer == expected, f"expected {expected}, got {answer}")
    check_no_summary(world.storage)
