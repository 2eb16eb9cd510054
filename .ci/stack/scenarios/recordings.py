"""Recordings, transcribed by MiniStack's stand-in for Amazon Transcribe, where every recording says the same sentence, or on RunPod."""

import json

from policies import at_once_again, check_named_when_missing, granted
from scenario import expect, scenario
from transcripts import transcript
from whisper_endpoint import WhisperEndpoint

RECORDING = b"RIFF\x24\x00\x00\x00WAVEfmt "
SAID = "placeholder speech"
# MiniStack writes transcripts with rights of its own, and no recording of these scenarios fails.
UNSEEN = {"s3:PutObject", "transcribe:DeleteTranscriptionJob"}


@scenario("a recording is transcribed and gets its summary, which names the transcript, and a page that plays it")
def recording(stack):
    key = "meetings/a talk.wav"
    # The message of the recording stays in the queue until its transcript exists.
    with stack.changed(Transcriber="amazon"), at_once_again(stack):
        stack.upload(key, RECORDING)
        expect(SAID in stack.result(key), "the summary is not of what was said")
        source = json.loads(stack.result(key, "_summary.json"))["source"]
        expect(source["format"] == "amazon-transcribe", f"the source is {source}")
        transcripts = [found for found in stack.storage.keys() if found.startswith("transcripts/") and found.endswith(".json")]
        expect(transcripts == [source["transcript_key"]], f"there are {transcripts}, and the report names {source}")
        page = stack.result(key, "_summary.html")
        expect('src="../../meetings/a%20talk.wav"' in page, "the page does not play the recording")
        stack.quiet()
        for pair in granted(stack, "TranscribePolicy"):
            if pair[1] not in UNSEEN:
                check_named_when_missing(stack, *pair, policy="TranscribePolicy", ending=".wav", content=RECORDING)


@scenario("a recording is read from RunPod by a signed link; without a permission for that an error names it")
def on_runpod(stack):
    key, key_of_endpoint = "meetings/a second +talk é.wav", "rpa_stackSecret"
    secret = stack.cloud.client("secretsmanager").create_secret(Name="whisper", SecretString=key_of_endpoint)["ARN"]
    with WhisperEndpoint(stack.cloud.authority, key_of_endpoint) as whisper:
        given = {"TranscriberRunPodEndpointUrl": whisper.url, "TranscriberSecretArn": secret}
        with stack.changed(Transcriber="runpod", **given), at_once_again(stack):
            stack.upload(key, transcript(2000, 41))
            stack.result(key)
            source = json.loads(stack.result(key, "_summary.json"))["source"]
            expect(source["format"] == "whisper", f"the source is {source}")
            expect(len(whisper.jobs) == 1, f"there were {len(whisper.jobs)} jobs")
            stack.quiet()
            # The rest is as for Amazon Transcribe.
            for pair in [("KeepTranscripts", "s3:PutObject"), ("ReadTranscriberKey", "secretsmanager:GetSecretValue")]:
                expect(pair in granted(stack, "TranscribePolicy"), f"{pair} is not granted")
                check_named_when_missing(
                    stack, *pair, policy="TranscribePolicy", ending=".wav", content=transcript(2000, 42).encode()
                )
