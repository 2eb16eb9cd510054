"""What a scenario is, what it has at hand, and how all of them are run and counted."""

import contextlib
import dataclasses
import pathlib
import subprocess
import tempfile
import time
import traceback

from chat_endpoint import ChatEndpoint
from function import Function
from storage import CREDENTIALS, Storage

TOKEN = "hf_e2eSecretThatNoLogMayShow"
RUNPOD_KEY = "rpa_e2eSecretThatNoLogMayShow"
WRONG_RUNPOD_KEY = "rpa_e2eOtherSecretThatNoLogMayShow"
SECRETS = [TOKEN, RUNPOD_KEY, WRONG_RUNPOD_KEY]
REPOSITORY = pathlib.Path(__file__).parents[2]
# A stuck command line is a failed scenario, not a stuck gate.
COMMAND_SECONDS = 120

ALL = []


class Failed(Exception):
    """A scenario did not see what it expected; the message says what it saw."""


def scenario(title):
    def register(run):
        ALL.append((title, run))
        return run

    return register


def expect(condition, otherwise):
    if not condition:
        raise Failed(otherwise)


@dataclasses.dataclass
class World:
    binary: pathlib.Path
    emulator: str
    cargo_lambda: pathlib.Path
    runpod_python: pathlib.Path
    work: pathlib.Path
    storage: Storage
    chat: ChatEndpoint
    # For what depends on the build, if there is one.
    release: pathlib.Path | None = None
    kills: int = 20
    logs: list = dataclasses.field(default_factory=list)

    @contextlib.contextmanager
    def function(self, binary=None, **settings):
        """The function, or another build of it, with these environment variables, over the simulated S3."""
        output = self.work / f"function-{len(self.logs)}.log"
        self.logs.append(output)
        env = CREDENTIALS | {"AWS_ENDPOINT_URL_S3": self.storage.url, "AWS_LAMBDA_LOG_FORMAT": "JSON"} | settings
        with Function(self.emulator, binary or self.binary, env, output) as function:
            yield function

    def reset(self):
        self.storage.clear()
        self.chat.reset()

    def directory(self):
        return pathlib.Path(tempfile.mkdtemp(dir=self.work))

    def run(self, *arguments, cwd=None, **env):
        """The command line, with nothing in its environment but `env`."""
        command = [self.binary, *arguments]
        return subprocess.run(
            command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=COMMAND_SECONDS
        )


def extractive(**settings):
    """Settings for quick work without a model endpoint."""
    return {"MODEL_PROVIDER": "extractive", "SUMMARY_WORDS": "500"} | settings


def hugging_face(world, **settings):
    """Settings for the simulated endpoint."""
    return {
        "MODEL_PROVIDER": "huggingface",
        "HF_API_TOKEN": TOKEN,
        "HF_ENDPOINT_URL": world.chat.url,
        "SUMMARY_WORDS": "1500",
    } | settings


def run_all(world):
    """Runs every scenario in the world as it is after a reset; true if none failed."""
    failed = 0
    for title, run in ALL:
        world.reset()
        started = time.monotonic()
        reason = reason_of_failure(run, world)
        print(f"{'FAIL' if reason else 'ok  '} {title} ({time.monotonic() - started:.1f} s)", flush=True)
        if reason:
            failed += 1
            print(f"     {reason}", flush=True)
    print(f"\n{len(ALL) - failed} passed, {failed} failed")
    return failed == 0


def reason_of_failure(run, world):
    try:
        run(world)
    except Failed as failure:
        return str(failure)
    except Exception:
        return traceback.format_exc()
    return None
