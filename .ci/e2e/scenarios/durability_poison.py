"""Uploads that are no transcripts, or strange ones: the right outcome, no second delivery, no more memory than planned."""

import gzip
import json
import random

from bootstrap import pid
from deliveries import delivered
from memory import MEGABYTE, Memory
from results import check_report
from sample_events import created, in_sqs
from scenario import expect, extractive, scenario
from storage import BUCKET
from transcripts import transcript

TEXT = transcript(3000, seed=27)
ONE_LINE = TEXT.replace("\n", " ") * (3 * MEGABYTE // len(TEXT))

# What is uploaded, and the `kind` of its error report.
REJECTED = {
    "empty": (b"", "NotText"),
    "blank": (b" \r\n\t\n" * 500, "NotText"),
    "binary": (random.Random(1).randbytes(200_000), "NotText"),
    "nul": (TEXT.encode()[:9000] + b"\0" + TEXT.encode()[9000:], "NotText"),
    "undecodable": (bytes((number * 2654435761 >> 13) & 0xFF | 0x81 for number in range(60_000)), "NotText"),
    "gzip": (gzip.compress(TEXT.encode()), "NotText"),
    "70 MB": (b"Amara Osei: It goes on and on. " * (70 * MEGABYTE // 31), "TooLarge"),
}
# What is uploaded, and the text that it is.
ACCEPTED = {
    "utf-16": TEXT.encode("utf-16"),
    "utf-16 without a mark": TEXT.encode("utf-16-be"),
    "invalid utf-8": TEXT.replace("crane", "cr\xe4ne").encode("latin-1"),
    "one line of 3 MB": ONE_LINE.encode(),
}
KEYS = ["100% done + é.txt", "a+b/ü%20c.txt", "%E9.txt", "日本 & co, (1)=@:$;'!*.txt"]


def upload(world, key, content):
    world.storage.client.put_object(Bucket=BUCKET, Key=key, Body=content)
    return in_sqs(created(world.storage, key))


@scenario("uploads that are no transcripts: _error.json says why, the messages are acknowledged, memory stays small")
def rejected(world):
    for name, (content, kind) in REJECTED.items():
        key = f"poison/{name}.txt"
        message = upload(world, key, content)
        with world.function(world.release, **extractive()) as function:
            memory = Memory(world, function)
            process = pid(function)
            for _ in range(2):
                expect(delivered(function, message), f"{name}: the message was not acknowledged")
            expect(pid(function) == process, f"{name}: the program died: {function.log[-1000:]}")
            # What is too large is not read.
            memory.check(name, 0 if kind == "TooLarge" else len(content))
        check_error(world, key, kind)


def check_error(world, key, kind):
    where = f"summaries/{key}_error.json"
    expect(world.storage.head(where), f"no {where}; the bucket has {world.storage.keys()}")
    error = json.loads(world.storage.read(where))
    seen = (error["kind"], error["retryable"], error["source"]["key"])
    expect(seen == (kind, False, key), f"expected {(kind, False, key)}, the error report is {error}")
    expect(error["message"] and error["next_step"], f"the error report does not help: {error}")
    for ending in ("txt", "json"):
        expect(not world.storage.head(f"summaries/{key}_summary.{ending}"), f"{key} has a summary")


@scenario("strange transcripts are summarized within 25 MB + 1.3 times their size")
def accepted(world):
    for name, content in ACCEPTED.items():
        key = f"strange/{name}.txt"
        message = upload(world, key, content)
        with world.function(world.release, **extractive()) as function:
            memory = Memory(world, function)
            expect(delivered(function, message), f"{name}: the message was not acknowledged: {function.log[-1000:]}")
            memory.check(name, len(content))
        check_done(world, key, len(content))


def check_done(world, key, size):
    where = f"summaries/{key}_summary"
    expect(not world.storage.head(f"summaries/{key}_error.json"), f"{key} has an error report")
    expect(world.storage.head(f"{where}.txt"), f"no {where}.txt; the bucket has {world.storage.keys()}")
    report = json.loads(world.storage.read(f"{where}.json"))
    # The decoded text has another length.
    expect(report["source"]["bytes"] == size, f"{key}: {size} bytes were uploaded, the report says {report['source']}")
    words, target = len(world.storage.read(f"{where}.txt").split()), report["summary"]["target_words"]
    expect(abs(words - target) <= target * 0.05, f"{key}: {words} words for a target of {target}")


@scenario("keys with + % and letters of any script get their summaries under the same names")
def strange_keys(world):
    with world.function(**extractive()) as function:
        for key in KEYS:
            message = upload(world, key, TEXT.encode())
            expect(delivered(function, message), f"{key}: the message was not acknowledged: {function.log[-1000:]}")
            check_report(
                world.storage.read(f"summaries/{key}_summary.json"),
                world.storage.read(f"summaries/{key}_summary.txt"),
                TEXT,
            )
