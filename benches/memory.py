"""Measures the most memory that the function has in use from its start to its first answer, by the size of the transcript.

Usage: python3 benches/memory.py [--target target/release] [--sizes 0 1 10 50] [--shapes txt chinese …]
"""

import argparse
import itertools
import json
import pathlib
import shutil
import sys
import tempfile
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benches/support"))
sys.path.insert(0, str(ROOT / ".ci/e2e"))

import chat_endpoint  # noqa: E402
import runtime_api  # noqa: E402
import inputs  # noqa: E402

MB = 1_000_000
# What must hold.
MOST_BYTES = 25 * MB
MOST_PER_BYTE = 1.3


def rows(text, row):
    """The lines of a transcript, each written by `row` from its number and its words."""
    return "".join(row(number, line) for number, line in enumerate(filter(None, text.splitlines())))


def chinese(text):
    """A transcript of as many bytes, in which every word is two characters, and as frequent as in English."""
    characters = "".join(chr(0x4E00 + number) for number in range(4000))
    words = {}

    def word(english):
        if english not in words:
            number = zlib.crc32(english.encode())
            words[english] = characters[number % 4000] + characters[number // 4000 % 4000]
        return words[english]

    lines = (line.split() for line in text.splitlines())
    return "".join("".join(map(word, line)) + "。\n" for line in lines if line)


# How the words of a transcript are written in other formats, scripts, and by a program that leaves control characters in them.
SHAPES = {
    "txt": lambda text: text,
    "csv": lambda text: "start,speaker,text\n" + rows(text, lambda n, line: f'{n},Person {n % 4},"{line.replace(chr(34), "")}"\n'),
    "html": lambda text: (
        "<!DOCTYPE html><html><body>\n"
        + rows(text, lambda n, line: f"<p><b>Person {n % 4}</b> {line}</p>\n")
        + "</body></html>\n"
    ),
    "chinese": chinese,
    "control": lambda text: "".join(text[at : at + 7] + "\x01" for at in range(0, len(text), 7)),
    "json": lambda text: rows(text, lambda n, line: json.dumps({"start": n, "speaker": f"Person {n % 4}", "text": line}) + "\n"),
}


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--target", default=ROOT / "target/release", type=pathlib.Path)
    options.add_argument("--sizes", default=[0, 1, 10, 50], type=int, nargs="+", help="MB; 0 for 10,000 words")
    options.add_argument("--shapes", default=list(SHAPES), choices=SHAPES, nargs="+")
    given = options.parse_args()
    holds = True
    with tempfile.TemporaryDirectory() as directory, chat_endpoint.ChatEndpoint() as chat:
        bucket = pathlib.Path(directory) / inputs.BUCKET
        bucket.mkdir()
        models = {
            "built-in": {"STORE_DIR": directory},
            "chat": {"STORE_DIR": directory, "HF_API_TOKEN": "hf_none", "HF_ENDPOINT_URL": chat.url},
        }
        for size, shape in itertools.product(given.sizes, given.shapes):
            text = SHAPES[shape](inputs.of_bytes(size * MB) if size else inputs.of_words(10_000))
            ending = shape if shape in ("csv", "html", "json") else "txt"
            key = f"meeting.{ending}"
            (bucket / key).write_text(text)
            length = (bucket / key).stat().st_size
            for name, env in models.items():
                if (name, shape) == ("chat", "chinese"):
                    # That endpoint answers in English, which is no summary of it.
                    continue
                suffixes = {"INPUT_SUFFIXES": f".{ending}", "MAX_INPUT_BYTES": str(1 << 30)}
                answer = runtime_api.first_answer(
                    [given.target / "transcript-summarizer"], inputs.event(key), {**env, **suffixes}
                )
                shutil.rmtree(bucket / "summaries", ignore_errors=True)
                most = MOST_BYTES + (MOST_PER_BYTE * length if size else 0)
                fits = answer.peak_bytes <= most
                holds &= fits and '"done"' in answer.body
                print(
                    "holds:" if fits else "BROKEN:",
                    f"{length / MB:5.2f} MB of {shape:7}, {name:8} model: {answer.peak_bytes / MB:5.1f} MB"
                    f" (at most {most / MB:.1f}) in {answer.seconds:.1f} s; {answer.body[:160]}",
                    flush=True,
                )
    sys.exit(0 if holds else 1)


main()
