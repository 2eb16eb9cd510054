"""Measures the most memory that the function has in use from its start to its first answer, by the size of the transcript.

Usage: python3 benches/memory.py [--target target/release] [--sizes 0 1 10 50]
"""

import argparse
import pathlib
import shutil
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benches/support"))
sys.path.insert(0, str(ROOT / ".ci/e2e"))

import chat_endpoint  # noqa: E402
import runtime_api  # noqa: E402
import inputs  # noqa: E402

MB = 1_000_000
KEY = "meeting.txt"
# What must hold.
MOST_BYTES = 25 * MB
MOST_PER_BYTE = 1.3


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--target", default=ROOT / "target/release", type=pathlib.Path)
    options.add_argument("--sizes", default=[0, 1, 10, 50], type=int, nargs="+", help="MB; 0 for 10,000 words")
    given = options.parse_args()
    holds = True
    with tempfile.TemporaryDirectory() as directory, chat_endpoint.ChatEndpoint() as chat:
        bucket = pathlib.Path(directory) / inputs.BUCKET
        bucket.mkdir()
        models = {
            "built-in": {"STORE_DIR": directory},
            "chat": {"STORE_DIR": directory, "HF_API_TOKEN": "hf_none", "HF_ENDPOINT_URL": chat.url},
        }
        for size in given.sizes:
            text = inputs.of_bytes(size * MB) if size else inputs.of_words(10_000)
            (bucket / KEY).write_text(text)
            for name, env in models.items():
                answer = runtime_api.first_answer(
                    [given.target / "transcript-summarizer"], inputs.event(KEY), env
                )
                shutil.rmtree(bucket / "summaries", ignore_errors=True)
                most = MOST_BYTES + (MOST_PER_BYTE * size * MB if size else 0)
                fits = answer.peak_bytes <= most
                holds &= fits and '"done"' in answer.body
                print(
                    "holds:" if fits else "BROKEN:",
                    f"{len(text) / MB:5.2f} MB of text, {name:8} model: {answer.peak_bytes / MB:5.1f} MB"
                    f" (at most {most / MB:.1f}) in {answer.seconds:.1f} s; {answer.body[:160]}",
                    flush=True,
                )
    sys.exit(0 if holds else 1)


main()
