"""Summaries that Amazon Polly reads out."""

import json

from deployment import eventually
from policies import check_named_when_missing
from scenario import expect, scenario
from transcripts import transcript

SPEAK = "SpeakPolicy"


def spoken(stack, key):
    """The keys of the audio files that a summary's report names."""
    stack.result(key)
    return json.loads(stack.result(key, "_summary.json")).get("speech", {}).get("keys", [])


@scenario("a summary is read out, and its audio goes with its version; without a permission for that the log names it")
def speech(stack):
    polly, key = stack.cloud.polly, "meetings/a talk é.txt"
    polly.reset()
    with stack.changed(Speech="polly"):
        stack.upload(key, transcript(2000, 51))
        (first,) = spoken(stack, key)
        expect(stack.found(first) is not None, f"there is no {first}")
        # Nobody is told of the second task, which is found again.
        polly.loses_answers = True
        stack.upload(key, transcript(2000, 52))
        eventually(lambda: stack.found(first) is None, lambda: f"{first} is still there. {stack.said()}")
        (second,) = spoken(stack, key)
        expect(stack.found(second) is not None, f"there is no {second}")
        expect(len(polly.tasks) == 2, f"there were {len(polly.tasks)} tasks")
        check_named_when_missing(stack, "StartSpeech", "polly:ListSpeechSynthesisTasks", policy=SPEAK)
        polly.loses_answers = False
        check_named_when_missing(stack, "StartSpeech", "polly:StartSpeechSynthesisTask", policy=SPEAK)
        check_named_when_missing(stack, "ForgetSpeech", "s3:DeleteObject", policy=SPEAK, earlier=transcript(2000, 53))
