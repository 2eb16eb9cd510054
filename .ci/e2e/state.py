"""The program's own objects in the bucket, under `.work/`."""

import json
import time

from scenario import SECRETS, expect
from storage import BUCKET
from transcripts import CANARY, WHAT, WHY

PREFIX = "summaries/"


def objects(storage, ending, prefix=PREFIX):
    return [key for key in storage.keys() if key.startswith(f"{prefix}.work/") and key.endswith(ending)]


def expire_leases(storage, prefix=PREFIX):
    """Plays the clock: 90 seconds have passed since the owners died. Returns how many leases had not run out."""
    expired = 0
    for key in objects(storage, "/run.json", prefix):
        run, now = json.loads(storage.read(key)), int(time.time() * 1000)
        if run["expires_ms"] > now:
            run["expires_ms"] = now - 1
            storage.client.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(run).encode())
            expired += 1
    return expired


def leases(storage, prefix=PREFIX):
    """How many have not run out."""
    runs = [json.loads(storage.read(key)) for key in objects(storage, "/run.json", prefix)]
    return sum(run["expires_ms"] > time.time() * 1000 for run in runs)


def recorded_jobs(storage, prefix=PREFIX):
    """The ids of all jobs that the ledger knows."""
    return {json.loads(storage.read(key))["ticket"]["id"] for key in objects(storage, ".job", prefix)}


def check_nothing_said(storage, prefix=PREFIX):
    """Of the state only answers may quote what was said, and an error report may not; tokens are nowhere."""
    names = [key for key in storage.keys() if key.startswith(prefix)]
    for key in names:
        if not key.endswith(("_summary.txt", "_summary.json", "_summary.html", "_chapters.vtt")):
            text = storage.read(key)
            unwanted = SECRETS if key.endswith(".out") else [*SECRETS, CANARY, *WHAT, *WHY]
            shown = [said for said in unwanted if said in text]
            expect(not shown, f"{key} shows {shown}")


def forget(storage, prefix=PREFIX):
    """Removes the state of all jobs."""
    for key in objects(storage, "", prefix):
        storage.client.delete_object(Bucket=BUCKET, Key=key)
