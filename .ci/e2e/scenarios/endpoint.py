"""The Hugging Face provider against the simulated chat endpoint."""

import json

from results import check_outcomes, check_summary
from sample_events import MEETING, load
from scenario import TOKEN, expect, hugging_face, scenario
from transcripts import case_numbers, transcript

CONCURRENCY = 3


@scenario("every part of a transcript is asked about once, with token and output limit, within MODEL_CONCURRENCY")
def chat(world):
    text = transcript(6000, seed=4)
    world.storage.upload(MEETING, text)
    settings = hugging_face(world, MODEL_CONCURRENCY=str(CONCURRENCY), CHUNK_TOKENS="1500")
    with world.function(**settings) as function:
        answer = function.invoke(load("s3-put", world.storage))
    check_outcomes(answer, "done", [MEETING])
    report = check_summary(world.storage, MEETING)
    check_requests(world.chat.requests)
    check_coverage(world.chat.requests, text)
    calls = len(world.chat.requests)
    expect(report["usage"]["calls"] == calls, f"the report counts {report['usage']['calls']} calls of {calls}")
    most = world.chat.most_in_flight
    expect(2 <= most <= CONCURRENCY, f"{most} calls were in flight with MODEL_CONCURRENCY {CONCURRENCY}")


def check_requests(requests):
    for request in requests:
        expect(request["path"] == "/v1/chat/completions", f"path is {request['path']}")
        expect(request["authorization"] == f"Bearer {TOKEN}", "a request does not carry the token")
        limit = request["body"].get("max_tokens")
        expect(isinstance(limit, int) and limit > 0, f"max_tokens is {limit!r}")


def check_coverage(requests, text):
    asked = [json.dumps(request["body"]["messages"]) for request in requests]
    expect(len(set(asked)) == len(asked), "the same request was sent twice")
    missing = [case for case in case_numbers(text) if not any(case in prompt for prompt in asked)]
    expect(not missing, f"{len(missing)} turns were never sent in {len(asked)} requests, among them {missing[:3]}")
