"""The payloads of events/, as AWS would send them for what really lies in the bucket."""

import json
import pathlib
import urllib.parse

EVENTS = pathlib.Path(__file__).parents[2] / "events"
# The key in most of them.
MEETING = "meetings/harbor-line-review.txt"


def load(name, storage=None):
    """The sample; with `storage`, every etag and size in it is the one of the object that is there."""
    event = json.loads((EVENTS / f"{name}.json").read_text())
    return describe(event, storage) if storage else event


def created(storage, key, sequencer="00673F2A1C8E4B90D1"):
    """The notification of the object that is there."""
    event, found = load("s3-put"), storage.head(key)
    described = {"key": urllib.parse.quote_plus(key, safe="/"), "eTag": found["etag"], "size": found["size"]}
    event["Records"][0]["s3"]["object"] = described | {"sequencer": sequencer}
    return event


def in_sqs(event):
    """The same event as the body of a queue message."""
    message = load("sqs-s3")
    message["Records"][0]["body"] = json.dumps(event)
    return message


def message_ids(event):
    return [record["messageId"] for record in event["Records"]]


def describe(value, storage):
    if isinstance(value, list):
        return [describe(item, storage) for item in value]
    if not isinstance(value, dict):
        return value
    described = {name: describe(item, storage) for name, item in value.items()}
    # SQS and SNS carry what they wrap as a string.
    for wrapped in {"body", "Message"} & value.keys():
        described[wrapped] = json.dumps(describe(json.loads(value[wrapped]), storage))
    # S3 notifications write eTag and encode the key as a form does; EventBridge writes etag and leaves the key alone.
    for etag, decode in (("eTag", urllib.parse.unquote_plus), ("etag", str)):
        if etag in value:
            found = storage.head(decode(value["key"]))
            described |= {etag: found["etag"], "size": found["size"]}
    return described
