"""Recordings that a worker on RunPod's own SDK transcribes, as the stock one for faster-whisper does."""

import json
import time

from deliveries import delivered, until_done
from results import check_summary
from runpod_endpoint import endpoint
from sample_events import created, in_sqs
from scenario import RUNPOD_KEY, expect, extractive, scenario
from transcripts import transcript

# A worker takes a moment.
PAUSE_SECONDS = 0.2
KEY = "calls 2026/Übergabe +1 100%.MP3"


def settings(adapter):
    return extractive(
        TRANSCRIBER="runpod", TRANSCRIBER_RUNPOD_ENDPOINT_URL=adapter.url, TRANSCRIBER_RUNPOD_API_KEY=RUNPOD_KEY
    )


@scenario("a recording is transcribed by one RunPod job, which downloads it by a link, and summarized under its own key")
def transcribed(world):
    world.storage.upload(KEY, transcript(3000, seed=12))
    message = in_sqs(created(world.storage, KEY))
    with endpoint(world, "whisper") as adapter, world.function(**settings(adapter)) as function:
        expect(not delivered(function, message), "the message was acknowledged before there is a transcript")
        until_done(function, message, meanwhile=lambda: time.sleep(PAUSE_SECONDS))
        until_done(function, message)
        expect(len(adapter.submitted) == 1, f"one job was wanted: {adapter.operations}")
        log = function.log
    report = check_summary(world.storage, KEY)
    expect(report["source"]["format"] == "whisper", f"the format is {report['source']['format']}")
    kept = json.loads(world.storage.read(report["source"]["transcript_key"]))
    expect(kept["segments"][1]["start"] == 20.0, f"the transcript is {str(kept)[:300]}")
    expect("X-Amz-Signature" not in log, "the link is in the log")
    state = [world.storage.read(key) for key in world.storage.keys() if "/.work/" in key]
    expect(state and not any("X-Amz-Signature" in text for text in state), f"the link is in one of {len(state)} objects of state")


@scenario("a worker on RunPod that cannot download the recording: the error says why, without the link, and is retryable")
def not_downloaded(world):
    world.storage.upload(KEY, transcript(3000, seed=12))
    message, error = in_sqs(created(world.storage, KEY)), f"summaries/{KEY}_error.json"
    with endpoint(world, "whisper", downloads=False) as adapter, world.function(**settings(adapter)) as function:
        for _ in range(30):
            expect(not delivered(function, message), "the message was acknowledged")
            if world.storage.head(error):
                break
            time.sleep(PAUSE_SECONDS)
    told = json.loads(world.storage.read(error))
    expect(told["retryable"] and "non-public address" in told["message"], f"the error is {told}")
    expect("X-Amz" not in str(told), f"the error has the link: {told}")
