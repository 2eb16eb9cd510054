"""Messages of a queue: delivered, answered, delivered again."""

from sample_events import message_ids
from scenario import Failed, expect

ACKNOWLEDGED = {"batchItemFailures": []}


def returned(message):
    """The answer that puts the message back."""
    return {"batchItemFailures": [{"itemIdentifier": name} for name in message_ids(message)]}


def delivered(function, message):
    """Whether the message is done with; any other answer than that, or that it goes back, is a failure."""
    answer = function.invoke(message)
    expect(answer in (ACKNOWLEDGED, returned(message)), f"the message was answered with {answer}")
    return answer == ACKNOWLEDGED


def until_done(function, message, most=30, meanwhile=lambda: None):
    """Delivers until it is acknowledged, with `meanwhile` in between; how often that was."""
    for delivery in range(1, most + 1):
        if delivered(function, message):
            return delivery
        meanwhile()
    raise Failed(f"the message went back {most} times; the log ends with {function.log[-1500:]}")
