"""A handler on the real RunPod SDK that answers as the usual workers do; FLAVOUR says as which of them.

With FAULT_EVERY=N, each N-th job fails, and its error quotes what it was asked. Needs the SDK's virtual environment.
"""

import asyncio
import itertools
import json
import os
import pathlib

import prose
import runpod
from runpod.serverless.utils import download_files_from_urls

# Long enough that jobs which may overlap do.
ANSWER_SECONDS = 0.05
CHARACTERS_PER_TOKEN = 4
# What worker-vllm up to 2.23 writes at most if it is not told.
OLD_MAX_TOKENS = 100
# Splits server-sent events anywhere, as a pipe does.
FRAGMENT = 37
FAULT = "CUDA out of memory. Tried to allocate 2.00 GiB"

fault_every = int(os.environ.get("FAULT_EVERY", "0"))
executions = itertools.count(1)


async def wait_and_fail_at_times(prompt):
    """The error that this job should fail with, if any."""
    await asyncio.sleep(ANSWER_SECONDS)
    if fault_every and next(executions) % fault_every == 0:
        return f"{FAULT} for {prompt[-300:]}"
    return None


async def vllm_new(job):
    """worker-vllm from 2.24 on: one response of its OpenAI server, or an error object."""
    given = job["input"]
    fault = await wait_and_fail_at_times(asked(given))
    yield failed(500, fault) if fault else completion(given)


async def vllm_old(job):
    """worker-vllm up to 2.23: texts by choice, no reason why it ended."""
    given = job["input"]
    fault = await wait_and_fail_at_times(asked(given))
    if fault:
        yield failed(500, fault)
        return
    text, _ = written(given, OLD_MAX_TOKENS)
    usage = {"input": tokens(asked(given)), "output": tokens(text)}
    yield {"choices": [{"tokens": [text]}], "usage": usage}


async def stream(job):
    """worker-vllm that was deployed to stream: fragments of server-sent events."""
    given = job["input"]
    fault = await wait_and_fail_at_times(asked(given))
    if fault:
        yield failed(500, fault)
        return
    events = "".join(f"data: {json.dumps(event)}\n\n" for event in chunks(completion(given))) + "data: [DONE]\n\n"
    for start in range(0, len(events), FRAGMENT):
        yield events[start : start + FRAGMENT]


async def plain(job):
    """A handler as the tutorials show it: reads `prompt`, returns a string."""
    return await simple(job["input"]["prompt"])


async def mapping(job):
    """The same with a name around the string."""
    return {"summary": await simple(job["input"]["prompt"])}


def whisper(job):
    """worker-faster_whisper: downloads the recording, and hears a segment in each line of it, which is text here."""
    given = job["input"]
    [path] = download_files_from_urls(job["id"], [given["audio"]])
    # Raises for `None`, as the worker does.
    said = pathlib.Path(str(path)).read_text().split("\n\n")
    segments = [
        {"id": at, "seek": 0, "start": 20.0 * at, "end": 20.0 * at + 19.5, "text": f" {text.strip()}", "tokens": [50364, at]}
        for at, text in enumerate(said)
    ]
    joined = " ".join(segment["text"].strip() for segment in segments)
    answer = {"segments": segments, "detected_language": "en", "transcription": joined, "translation": None}
    return answer | {"device": "cpu", "model": given["model"]}


async def simple(prompt):
    fault = await wait_and_fail_at_times(prompt)
    if fault:
        raise RuntimeError(fault)
    return prose.answer(prompt)


def asked(given):
    """`messages` win over `prompt`."""
    if "messages" in given:
        return "\n".join(message["content"] for message in given["messages"])
    return given["prompt"]


def written(given, max_tokens):
    """The text and why it ended."""
    text = prose.answer(asked(given))
    room = given.get("sampling_params", {}).get("max_tokens", max_tokens) * CHARACTERS_PER_TOKEN
    return (text, "stop") if len(text) <= room else (text[:room], "length")


def tokens(text):
    return len(text) // CHARACTERS_PER_TOKEN


def completion(given):
    text, reason = written(given, max_tokens=len(asked(given)))
    read, wrote = tokens(asked(given)), tokens(text)
    return {
        "id": "chatcmpl-simulated",
        "object": "chat.completion",
        "model": "simulated",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": reason}],
        "usage": {"prompt_tokens": read, "completion_tokens": wrote, "total_tokens": read + wrote},
    }


def chunks(whole):
    """The same response as the events of a stream."""
    [choice] = whole["choices"]
    common = {"id": whole["id"], "object": "chat.completion.chunk", "model": whole["model"]}
    for word in choice["message"]["content"].split(" "):
        delta = {"role": "assistant", "content": f"{word} "}
        yield common | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    yield common | {"choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]}
    yield common | {"choices": [], "usage": whole["usage"]}


def failed(status, message):
    said = json.dumps({"error": {"message": message, "code": status}})
    return {"error": {"message": f"vLLM returned HTTP {status}: {said}", "type": "worker_error", "code": None}}


FLAVOURS = {"vllm-new": vllm_new, "vllm-old": vllm_old, "stream": stream, "plain": plain, "dict": mapping, "whisper": whisper}

if __name__ == "__main__":
    runpod.serverless.start({"handler": FLAVOURS[os.environ["FLAVOUR"]], "return_aggregate_stream": True})
