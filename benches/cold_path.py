"""Measures how long it takes from the spawn of a new process to its first answer, and the CPU time, of the function, of the least
function in Rust and of one in Python with boto3 and requests, in turns.

Usage: python3 benches/cold_path.py --python VENV/bin/python [--target target/release] [--rounds 40]
"""

import argparse
import pathlib
import shutil
import statistics
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benches/support"))

import runtime_api  # noqa: E402
import inputs  # noqa: E402

WORDS = 10_000
KEY = "meeting.txt"
# What must hold.
MOST_TIMES_HELLO = 5
LEAST_SHARE_OF_BOTO3 = 10
MOST_CPU_MS = 6


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--python", required=True, help="one that has boto3 and requests")
    options.add_argument("--target", default=ROOT / "target/release", type=pathlib.Path)
    options.add_argument("--rounds", default=40, type=int)
    given = options.parse_args()
    skipped = (ROOT / "events/s3-skipped.json").read_bytes()
    function, hello = given.target / "transcript-summarizer", given.target / "examples/hello"
    with tempfile.TemporaryDirectory() as directory:
        bucket = pathlib.Path(directory) / inputs.BUCKET
        bucket.mkdir()
        (bucket / KEY).write_text(inputs.of_words(WORDS))
        summaries = bucket / "summaries"
        from_directory = {"STORE_DIR": directory}
        from_s3 = {"HF_API_TOKEN": "hf_none", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}
        boto3 = [given.python, ROOT / "benches/cold_path/boto3_function.py"]
        cases = {
            "hello": ([hello], skipped, {}),
            "nothing to do": ([function], skipped, from_directory),
            "nothing to do, S3 + HF": ([function], skipped, from_s3),
            f"{WORDS:,} words": ([function], inputs.event(KEY), from_directory),
            "boto3 + requests": (boto3, skipped, from_s3),
        }
        seen = {name: [] for name in cases}
        for _ in range(given.rounds):
            for name, (command, event, env) in cases.items():
                seen[name].append(runtime_api.first_answer(command, event, env))
                shutil.rmtree(summaries, ignore_errors=True)
    report(seen)


def report(seen):
    middle = {name: statistics.median(answer.seconds for answer in answers) * 1e3 for name, answers in seen.items()}
    least = {name: min(answer.seconds for answer in answers) * 1e3 for name, answers in seen.items()}
    cpu = {name: statistics.median(answer.cpu_seconds for answer in answers) * 1e3 for name, answers in seen.items()}
    least_cpu = {name: min(answer.cpu_seconds for answer in answers) * 1e3 for name, answers in seen.items()}
    print(f"{'spawn to first answer':24} {'median':>8} {'least':>8} {'/ hello':>8} {'CPU median':>11} {'CPU least':>10}  (ms)")
    for name in seen:
        ratio = middle[name] / middle["hello"]
        print(f"{name:24} {middle[name]:8.1f} {least[name]:8.1f} {ratio:8.2f} {cpu[name]:11.1f} {least_cpu[name]:10.1f}")
    print()
    holds = True
    for name in ("nothing to do", "nothing to do, S3 + HF"):
        times = middle[name] / middle["hello"]
        share = middle["boto3 + requests"] / middle[name]
        more = cpu[name] - cpu["hello"]
        holds &= check(f"{name}: {times:.2f} x hello (at most {MOST_TIMES_HELLO})", times <= MOST_TIMES_HELLO)
        holds &= check(f"{name}: 1/{share:.0f} of boto3 (at most 1/{LEAST_SHARE_OF_BOTO3})", share >= LEAST_SHARE_OF_BOTO3)
        holds &= check(f"{name}: {more:.1f} ms of CPU more than hello (at most {MOST_CPU_MS})", more <= MOST_CPU_MS)
    sys.exit(0 if holds else 1)


def check(claim, holds):
    print("holds:" if holds else "BROKEN:", claim)
    return holds


main()
