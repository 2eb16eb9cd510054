"""Events that call for no work."""

from results import check_outcomes
from sample_events import in_sqs, load, message_ids
from scenario import expect, extractive, scenario
from transcripts import transcript

SKIPPED = ["meetings/whiteboard.jpg", "meetings/", "summaries/x_summary.txt"]


@scenario("own output, other suffixes and folder markers are skipped, though they exist")
def other_objects(world):
    for key in SKIPPED:
        world.storage.upload(key, transcript(2000, seed=1))
    answer = unchanged(world, load("s3-skipped", world.storage))
    check_outcomes(answer, "skipped", SKIPPED)


@scenario("a test event, a removal and another EventBridge event succeed without work")
def other_events(world):
    for name in ("s3-test-event", "s3-removed", "eventbridge-other"):
        answer = unchanged(world, load(name))
        expect("errorMessage" not in answer, f"{name}: {answer}")


@scenario("a test event and a removal in a queue are acknowledged")
def other_events_in_a_queue(world):
    for name in ("s3-test-event", "s3-removed"):
        answer = unchanged(world, in_sqs(load(name)))
        expect(answer == {"batchItemFailures": []}, f"{name}: {answer}")


def unchanged(world, event):
    """The answer to `event`, which must leave the bucket as it is."""
    before = world.storage.keys()
    with world.function(**extractive()) as function:
        answer = function.invoke(event)
    expect(world.storage.keys() == before, f"the bucket changed from {before} to {world.storage.keys()}")
    return answer


@scenario("an unknown payload fails, saying what was seen, and goes back to its queue")
def unknown_payload(world):
    payload = {"surprise": "party"}
    with world.function(**extractive()) as function:
        answer = function.invoke(payload)
        expect("surprise" in answer.get("errorMessage", ""), f"expected an error that names the field, got {answer}")
        message = in_sqs(payload)
        answer = function.invoke(message)
    expected = {"batchItemFailures": [{"itemIdentifier": name} for name in message_ids(message)]}
    expect(answer == expected, f"expected {expected}, got {answer}")
