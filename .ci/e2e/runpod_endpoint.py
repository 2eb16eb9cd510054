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
    own = {"SUMMARIZER": str(world.binary), "LINK_ORIGINS": "http://127.0.0.1:*"}
    return served(world, TRANSCRIPT_WORKER, own | beside | env)


@contextlib.contextmanager
def served(world, worker, env, downloads=True, **options):
    port = free_port()
    address = ["--rp_api_host", "127.0.0.1", "--rp_api_port", port]
    command = [world.runpod_python, "-B", worker, "--rp_serve_api", *address]
    if downloads:
        # From this machine, too, where the simulated S3 is.
        env = env | {"RUNPOD_ALLOW_PRIVATE_DOWNLOAD_URLS": "1"}
    with (
        # Workers put what they download into their directory.
        Process(command, port, world.work / "runpod-worker.log", env, cwd=world.directory()),
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
