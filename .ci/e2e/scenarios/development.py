"""Development as the manual shows it: `cargo lambda watch` over a directory, `cargo lambda invoke` with a sample."""

import hashlib
import json
import os
import shutil
import subprocess

from processes import Process, free_port
from results import check_outcomes, check_report
from sample_events import EVENTS, MEETING, load
from scenario import REPOSITORY, expect, extractive, scenario
from storage import BUCKET

SAMPLE = REPOSITORY / "samples/harbor-line-review.txt"
# The first invocation waits for the compiler: a minute on an idle machine, several on a busy one.
COMPILE_SECONDS = 900


@scenario("cargo lambda watch and invoke summarize a sample from a directory")
def watch(world):
    # The manual's reader copies the sample and sends the event as it is, so the one must describe the other.
    described = load("s3-put")["Records"][0]["s3"]["object"]
    content = SAMPLE.read_bytes()
    seen = (hashlib.md5(content).hexdigest(), len(content))
    expect((described["eTag"], described["size"]) == seen, f"events/s3-put.json should have etag and size {seen}")
    store = world.directory()
    source = store / BUCKET / MEETING
    source.parent.mkdir(parents=True)
    shutil.copy(SAMPLE, source)
    port = free_port()
    address = ["--invoke-address", "127.0.0.1", "--invoke-port", port]
    env = os.environ | extractive(STORE_DIR=str(store))
    command = [world.cargo_lambda, "lambda", "watch", "--ignore-changes", *address]
    with Process(command, port, world.work / "watch.log", env=env, cwd=REPOSITORY):
        answer = invoke(world, address)
    check_outcomes(answer, "done", [MEETING])
    summary, report = (store / BUCKET / f"summaries/{MEETING}_summary.{suffix}" for suffix in ("txt", "json"))
    check_report(report.read_text(), summary.read_text(), SAMPLE.read_text())


def invoke(world, address):
    command = [world.cargo_lambda, "lambda", "invoke", *address, "--data-file", EVENTS / "s3-put.json"]
    command = [str(part) for part in command]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=COMPILE_SECONDS)
    expect(done.returncode == 0, f"cargo lambda invoke: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)
