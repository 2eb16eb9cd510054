"""On a running stack: template.yaml deployed to simulated AWS services, with the real binary as its function.

MiniStack transforms and deploys the template, runs the binary as `provided.al2023` behind the queue, speaks TLS, and enforces
signatures and policies, so that a permission that the template forgets fails here; `guarded` enforces them for two services that it
lacks. No Docker, no account.

Usage: python .ci/stack --binary FILE [--only SCENARIOS...]
"""

import argparse
import importlib
import pathlib
import signal
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
sys.path += [str(HERE.parent / "e2e"), str(HERE.parent / "template")]

from cloud import Cloud  # noqa: E402
from deployment import Deployment  # noqa: E402
from scenario import run_all  # noqa: E402

# Files of scenarios/, in the order they run. All share one stack; a scenario that changes it puts it back, and the last one
# deletes it.
SCENARIOS = [
    *("uploads", "failures", "mail", "permissions", "updates", "recordings"),
    *("bedrock", "sagemaker", "speech", "hours", "api", "deletion"),
]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--binary", required=True, type=lambda path: pathlib.Path(path).resolve(strict=True))
    options.add_argument("--only", nargs="+", default=SCENARIOS, metavar="SCENARIOS", help="files of scenarios/")
    given = options.parse_args()
    for name in given.only:
        importlib.import_module(f"scenarios.{name}")
    # However this ends, every `with` block still stops its process.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda number, _: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="transcript-summarizer-stack-") as directory:
        with Cloud(pathlib.Path(directory)) as cloud:
            sys.exit(0 if run_all(Deployment(cloud, given.binary)) else 1)


main()
