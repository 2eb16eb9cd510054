"""A simulated RunPod endpoint: a worker on the real SDK behind the adapter, and the function's settings for it."""

import contextlib
import pathlib

from processes import Process, free_port
from runpod_adapter import RunPodAdapter
from scenario import REPOSITORY, RUNPOD_KEY, TOKEN

WORKER = pathlib.Path(__file__).with_name("runpod_worker.py")
TRANSCRIPT_WORKER = REPOSITORY / "samples/runpod-worker/handler.py"


def endpoint(world, flavour, fault_every=0, **options):
    """With `fault_every`, so many jobs and so many answers of the API go wrong."""
    env = {"FLAVOUR": flavour, "FAULT_EVERY": str(fault_every)}
    return served(world, WORKER, env, fault_every=fault_every, **options)


def transcript_endpoint(world, **env):
    """The sample's worker, which runs the program beside the simulated chat endpoint, or with other settings."""
    beside = {"MODEL_PROVIDER": "huggingface", "HF_ENDPOINT_URL": world.chat.url, "HF_API_TOKEN": TOKEN, "CHUNK_TOKENS": "1500"}
    return served(world, TRANSCRIPT_WORKER, {"SUMMARIZER": str(world.binary)} | beside | env)


@contextlib.contextmanager
def served(world, worker, env, **options):
    port = free_port()
    address = ["--rp_api_host", "127.0.0.1", "--rp_api_port", port]
    command = [world.runpod_python, "-B", worker, "--rp_serve_api", *address]
    with (
        Process(command, port, world.work / "runpod-worker.log", env),
        RunPodAdapter(f"http://127.0.0.1:{port}", RUNPOD_KEY, **options) as adapter,
    ):
        yield adapter


def settings(adapter, **others):
    return {
        "MODEL_PROVIDER": "runpod",
        "RUNPOD_API_KEY": RUNPOD_KEY,
        "RUNPOD_ENDPOINT_URL": adapter.url,
        "SUMMARY_WORDS": "1500",
        "CHUNK_TOKENS": "1500",
    } | others
