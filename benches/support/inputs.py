"""Transcripts for benchmarks, and the events that tell of them."""

import json
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUCKET = "transcripts"


def meetings():
    """The QMSum meetings after one another where they are at hand, otherwise the sample."""
    paths = sorted((ROOT / "../shared/data/transcripts/qmsum").glob("*.txt"))
    paths = paths or [ROOT / "samples/harbor-line-review.txt"]
    return "\n".join(path.read_text() for path in paths) + "\n"


def of_words(count):
    """A transcript of about `count` words, its lines whole."""
    lines, words = [], 0
    while words < count:
        for line in meetings().splitlines(keepends=True):
            lines.append(line)
            words += len(line.split())
            if words >= count:
                break
    return "".join(lines)


def of_bytes(count):
    text = meetings().encode()
    return (text * (count // len(text) + 1))[:count].decode(errors="ignore")


def event(key):
    """The notification of an upload, as S3 sends it."""
    record = {"bucket": {"name": BUCKET}, "object": {"key": key}}
    return json.dumps(
        {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": record}]}
    ).encode()
