"""A worker for RunPod Serverless that summarizes whole transcripts (`RUNPOD_TASK=transcript`).

The input has a presigned link to a transcript in S3 and what its summary should be like; the output is the summary with its
report. In between, `transcript-summarizer` runs as on any command line: its own variables in the environment of this worker
choose the model, such as a vLLM server beside it (see Dockerfile). Works without the link's bucket being known here, and keeps
nothing.
"""

import fnmatch
import http.client
import json
import os
import pathlib
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

import runpod

SUMMARIZER = os.environ.get("SUMMARIZER", "transcript-summarizer")
# What the function takes; RunPod takes 10 MB. Usually these are some hundred thousand.
MAX_OUTPUT_BYTES = 5_000_000
LINK_SECONDS = 60
ALL_SECONDS = 600
# A job may name any address; these are read. Another server that stands in for S3 is named here.
LINK_ORIGINS = os.environ.get("LINK_ORIGINS", "https://*.amazonaws.com https://*.amazonaws.com.cn").split()
# What the program says of itself is at the end.
SHOWN_CHARACTERS = 1000


def handler(job):
    order = job["input"]["transcript"]
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        # The ending tells the format; the rest of the key may be no name of a file.
        ending = pathlib.PurePosixPath(order["key"]).suffix
        transcript = directory / f"transcript{ending if ending[1:].isalnum() and len(ending) < 10 else '.txt'}"
        transcript.write_bytes(read(order["url"], order["etag"], order["bytes"]))
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


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """What S3 is asked for it answers itself."""

    def redirect_request(self, *_):
        return None


def check_origin(url):
    try:
        address = urllib.parse.urlsplit(url)
        port = f":{address.port}" if address.port else ""
    except ValueError:
        raise RuntimeError("the link to the transcript is no address") from None
    origin = f"{address.scheme}://{address.hostname}{port}"
    is_plain = address.netloc == f"{address.hostname}{port}" and url.isascii() and url.isprintable() and " " not in url
    if not is_plain or not any(fnmatch.fnmatchcase(origin, known) for known in LINK_ORIGINS):
        raise RuntimeError(f"the link to the transcript leads elsewhere than to {' or '.join(LINK_ORIGINS)}: set LINK_ORIGINS")


def read(url, etag, size):
    """The object behind a link, in the state with this entity tag. Errors do not show the link, which is as good as a key."""
    check_origin(url)
    request = urllib.request.Request(url, headers={"If-Match": f'"{etag}"'})
    until = time.monotonic() + ALL_SECONDS
    try:
        with urllib.request.build_opener(NoRedirects).open(request, timeout=LINK_SECONDS) as answer:
            content = bytearray()
            while piece := answer.read1(65536):
                content += piece
                if len(content) > size:
                    raise RuntimeError(f"the transcript has more than the {size} bytes that were told")
                if time.monotonic() > until:
                    raise RuntimeError(f"the transcript could not be read within {ALL_SECONDS} seconds")
            if len(content) < size:
                raise RuntimeError(f"the transcript broke off: {len(content)} of {size} bytes were read")
            return bytes(content)
    except urllib.error.HTTPError as refused:
        said = refused.read(2000).decode(errors="replace")
        if "Request has expired" in said or "ExpiredToken" in said:
            # The function looks for these words, and sends another link.
            raise RuntimeError("the link to the transcript has expired") from None
        if refused.code == 412:
            raise RuntimeError("the transcript has been replaced since it was uploaded") from None
        raise RuntimeError(f"S3 answered {refused.code} to the link to the transcript") from None
    except (OSError, http.client.HTTPException) as broken:
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
