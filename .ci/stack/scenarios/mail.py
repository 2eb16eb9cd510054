"""Rows and mail about results."""

import json

from cloud import REGION
from deployment import eventually
from results import check_summary
from scenario import expect, scenario
from transcripts import transcript


@scenario("a summary is announced by one mail that names it")
def summary(stack):
    key = "meetings/harbor review 1+1.txt"
    stack.upload(key, transcript(2000, 4))
    stack.result(key)
    mail = stack.mail.about(f"s3://{stack.storage.name}/summaries/{key}_summary.txt")
    expect(f"summary is ready: {key}\n" in mail, f"the mail says {mail!r}")
    words = check_summary(stack.storage, key)["summary"]["words"]
    expect(f"{words} words" in mail, f"the mail does not say {words} words: {mail!r}")
    page = f"?region={REGION}&prefix=summaries%2Fmeetings%2Fharbor%20review%201%2B1.txt_summary.html"
    expect(f"/s3/object/{stack.storage.name}{page}" in mail, f"the mail has no link to the page: {mail!r}")


@scenario("a transcript that got no summary is announced by one mail that names the error")
def error(stack):
    stack.upload("meetings/empty.txt", "")
    stack.result("meetings/empty.txt", "_error.json")
    mail = stack.mail.about(f"s3://{stack.storage.name}/summaries/meetings/empty.txt_error.json")
    expect("could not be summarized" in mail, f"the mail says {mail!r}")


def row(stack, transcript_key):
    table = stack.cloud.client("dynamodb")
    rows = table.query(
        TableName=stack.outputs["Scores"],
        KeyConditionExpression="transcript = :key",
        ExpressionAttributeValues={":key": {"S": transcript_key}},
    )["Items"]
    return rows[-1] if rows else None


@scenario("with a table of scores each result is a row with its figures; mail still comes")
def scores(stack):
    good, bad = "scores/é 1+1.txt", "scores/empty.txt"
    with stack.changed(ScoresTable="on"):
        stack.upload(good, recognized(transcript(2000, 5)))
        stack.result(good)
        found = eventually(lambda: row(stack, good), lambda: f"no row. {kept(stack)}")
        report = check_summary(stack.storage, good)
        expected = {
            "status": {"S": "done"},
            "result": {"S": f"summaries/{good}_summary.txt"},
            "words": {"N": str(report["summary"]["words"])},
            "warnings": {"N": str(len(report["warnings"]))},
            "confidence": {"N": "0.9"},
            "language": {"S": report["language"]},
        }
        seen = {name: found.get(name) for name in expected}
        expect(seen == expected, f"the row is {found}, expected {expected}")
        expect(abs(float(found["deviation"]["N"]) - report["summary"]["deviation"]) < 0.0001, f"deviation {found}")
        expect("confidence of 0.90" in stack.mail.about(f"summaries/{good}_summary.txt"), "the mail lacks the confidence")
        stack.upload(bad, "")
        stack.result(bad, "_error.json")
        found = eventually(lambda: row(stack, bad), lambda: f"no row. {kept(stack)}")
        expect(found["status"] == {"S": "failed"} and "words" not in found, f"the row is {found}")
        stack.mail.about(f"summaries/{bad}_error.json")
        expect(stack.waiting("ResultDeadLetterQueue") == (0, 0), kept(stack))


@scenario("a result that cannot be told is kept with the reason")
def kept_for_later(stack):
    name = "summaries/lost.txt_summary.txt"
    stack.s3.put_object(Bucket=stack.storage.name, Key=name, Body=b"x", Metadata={"words": "many"})
    kept_one = eventually(lambda: kept(stack), "nothing is kept")
    expect("lost.txt" in kept_one, f"the message does not name the result: {kept_one}")
    expect(json.loads(kept_one)["error"], f"the message has no reason: {kept_one}")


def kept(stack):
    """A message of the dead-letter queue for results."""
    found = stack.sqs.receive_message(QueueUrl=stack.outputs["ResultDeadLetterQueue"], VisibilityTimeout=0).get("Messages")
    return found[0]["Body"] if found else ""


def recognized(text):
    """What a recognizer writes that was sure of nine words in ten."""
    words = text.split()
    items = [
        {
            "id": number,
            "type": "pronunciation",
            "start_time": str(number),
            "end_time": str(number + 0.9),
            "alternatives": [{"confidence": "0.9", "content": word}],
        }
        for number, word in enumerate(words)
    ]
    results = {"transcripts": [{"transcript": text}], "items": items}
    return json.dumps({"jobName": "call", "status": "COMPLETED", "results": results})
