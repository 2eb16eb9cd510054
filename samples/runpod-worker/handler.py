"""A worker for RunPod Serverless that summarizes whole transcripts (`RUNPOD_TASK=transcript`).

The input has a presigned link to a transcript in S3 and what its summary should be like; the output is the summary with its
report. In between, `transcript-summarizer` runs as on any command line: its own variables in the environment of this worker
choose the model, such as a vLLM server beside it (see Dockerfile). Works without the link's bucket being known here, and keeps
nothing.
"""

import json
import os
import pathlib
import subprocess
import tempfile
import urllib.error
import urllib.request

import runpod

SUMMARIZER = os.environ.get("SUMMARIZER", "transcript-summarizer")
# What the function takes; RunPod takes 10 MB. Usually these are some hundred thousand.
MAX_OUTPUT_BYTES = 5_000_000
LINK_SECONDS = 60
# What the program says of itself is at the end.
SHOWN_CHARACTERS = 1000


def handler(job):
    order = job["input"]["transcript"]
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        # The ending tells the format; the rest of the key may be no name of a file.
        ending = pathlib.PurePosixPath(order["key"]).suffix
        transcript = directory / f"transcript{ending if ending[1:].isalnum() and len(ending) < 10 else '.txt'}"
        transcript.write_bytes(read(order["url"], order["etag"]))
        summarize(transcript, order, directory)
        written = directory / "summaries" / f"{transcript.name}_summary"
        output = {
            "summary": pathlib.Path(f"{written}.txt").read_text(encoding="utf-8"),
            "report": json.loads(pathlib.Path(f"{written}.json").read_text(encoding="utf-8")),
        }
    size = len(json.dumps(output).encode())
    if size > MAX_OUTPUT_BYTES:
        raise RuntimeError(f"summary and report have {size} bytes, and at most {MAX_OUTPUT_BYTES} are taken: order fewer words")
    return output


def read(url, etag):
    """The object behind a link, in the state with this entity tag. Errors do not show the link, which is as good as a key."""
    request = urllib.request.Request(url, headers={"If-Match": f'"{etag}"'})
    try:
        with urllib.request.urlopen(request, timeout=LINK_SECONDS) as answer:
            return answer.read()
    except urllib.error.HTTPError as refused:
        said = refused.read(2000).decode(errors="replace")
        if "Request has expired" in said or "ExpiredToken" in said:
            # The function looks for these words, and sends another link.
            raise RuntimeError("the link to the transcript has expired") from None
        if refused.code == 412:
            raise RuntimeError("the transcript has been replaced since it was uploaded") from None
        raise RuntimeError(f"S3 answered {refused.code} to the link to the transcript") from None
    except OSError as broken:
        raise RuntimeError(f"the transcript could not be read: {type(broken).__name__}") from None


def summarize(transcript, order, directory):
    command = [SUMMARIZER, "summarize", transcript, "--out", directory, "--words", str(order["words"]), "--quiet"]
    # The function makes pages, Markdown and audio of the report.
    env = os.environ | {"SUMMARY_PAGE": "off", "SUMMARY_FORMAT": "text", "SPEECH": "", "GLOSSARY": "", "SPEAKER_NAMES": ""}
    if order.get("language"):
        command += ["--language", order["language"]]
    for name in ("instructions", "glossary", "speaker_names"):
        if order.get(name):
            path = directory / f"{name}.text"
            path.write_text(order[name], encoding="utf-8")
            if name == "instructions":
                command += ["--instructions", path]
            else:
                env[name.upper()] = str(path)
    if order.get("model"):
        env["HF_MODEL"] = order["model"]
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip()[-SHOWN_CHARACTERS:]
        raise RuntimeError(said or f"{SUMMARIZER} ended with status {done.returncode}")


if __name__ == "__main__":
    runpod.serverless.start({"handler": handler})
