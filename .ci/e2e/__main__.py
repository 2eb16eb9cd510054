"""End to end: the real binary under Lambda's emulator and as a command, over simulated S3 and a simulated model.

Everything runs on this machine's loopback.
Usage: python .ci/e2e --binary FILE --sam VENV --cargo-lambda VENV --runpod VENV
       [--release FILE] [--kills N] [--only SCENARIOS...]
"""

import argparse
import importlib
import pathlib
import signal
import sys
import tempfile

from chat_endpoint import ChatEndpoint
from function import find_emulator
from scenario import World, run_all
from storage import Storage

# Files of scenarios/, in the order they run: the logs are looked at when all has been logged.
SCENARIOS = [
    "uploads",
    "skipped",
    "failures",
    "endpoint",
    "bedrock",
    "encryption",
    "command_line",
    "development",
    "runpod",
    "runpod_transcripts",
    "operations",
    "durability_slices",
    "durability_kills",
    "durability_duplicates",
    "durability_overwritten",
    "durability_outages",
    "durability_store",
    "durability_tickets",
    "durability_poison",
    "durability_memory",
    "logs",
]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--binary", required=True, type=lambda path: pathlib.Path(path).resolve(strict=True))
    options.add_argument("--sam", required=True, type=pathlib.Path)
    options.add_argument("--cargo-lambda", required=True, type=pathlib.Path)
    options.add_argument("--runpod", required=True, type=pathlib.Path)
    options.add_argument("--only", nargs="+", default=SCENARIOS, metavar="SCENARIOS", help="files of scenarios/")
    options.add_argument("--release", type=lambda path: pathlib.Path(path).resolve(strict=True), help="for memory")
    options.add_argument("--kills", default=20, type=int, help="runs in which the program is killed")
    given = options.parse_args()
    for name in given.only:
        importlib.import_module(f"scenarios.{name}")
    # However this ends, every `with` block still stops its process.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda number, _: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="transcript-summarizer-e2e-") as directory:
        work = pathlib.Path(directory)
        with Storage(pathlib.Path(sys.executable).with_name("moto_server"), work) as storage, ChatEndpoint() as chat:
            world = World(
                binary=given.binary,
                emulator=find_emulator(given.sam),
                cargo_lambda=given.cargo_lambda / "bin/cargo-lambda",
                runpod_python=given.runpod / "bin/python",
                work=work,
                storage=storage,
                chat=chat,
                release=given.release,
                kills=given.kills,
            )
            sys.exit(0 if run_all(world) else 1)


main()
