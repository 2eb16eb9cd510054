"""Whole transcripts at RunPod: the sample's worker, on RunPod's own SDK, reads them from S3 by their links."""

import json

from results import check_no_summary, check_outcomes, check_summary
from runpod_endpoint import settings, transcript_endpoint
from sample_events import MEETING, load
from scenario import expect, scenario
from storage import CREDENTIALS
from transcripts import transcript

TEXT = transcript(6000, seed=12)


def whole(adapter, **others):
    return settings(adapter, RUNPOD_TASK="transcript", **others)


def check_jobs(adapter, submitted, executions, retries):
    jobs = adapter.jobs
    seen = (len(adapter.submitted), jobs.executions, jobs.retries)
    expected = (submitted, executions, retries)
    expect(seen == expected, f"submitted, executed and retried should be {expected}, are {seen}")
    expect(not jobs.unaccounted(), f"jobs were left alone: {jobs.unaccounted()}")


@scenario("RunPod, whole transcripts: one job reads the link, and its summary is checked and published")
def one_job(world):
    world.storage.upload(MEETING, TEXT)
    with transcript_endpoint(world) as adapter:
        env = whole(adapter, SUMMARY_INSTRUCTIONS="Name every cost.", SUMMARY_FORMAT="markdown")
        with world.function(**env) as function:
            event = load("s3-put", world.storage)
            check_outcomes(function.invoke(event), "done", [MEETING])
            check_outcomes(function.invoke(event), "duplicate", [MEETING])
            log = function.log
        check_jobs(adapter, submitted=1, executions=1, retries=0)
        [body] = adapter.submitted
    order = body["input"]["transcript"]
    etag = world.storage.head(MEETING)["etag"]
    seen = {name: order[name] for name in ("key", "etag", "bytes", "words", "instructions")}
    expected = {"key": MEETING, "etag": etag, "bytes": len(TEXT.encode()), "words": 1500, "instructions": "Name every cost."}
    expect(seen == expected, f"the order is {seen}")
    signature = order["url"].split("X-Amz-Signature=")[1].split("&")[0]
    expect(order["url"].startswith(world.storage.url) and signature not in log, "the log shows the link")
    report = check_summary(world.storage, MEETING)
    expect(world.storage.head(f"summaries/{MEETING}_summary.md"), "there is no Markdown")
    expect(report["model"]["provider"] == "runpod" and report["usage"]["calls"] == 1, f"usage is {report['usage']}")
    worker = report["worker"]
    asked = len(world.chat.requests)
    expect(worker["provider"] == "huggingface" and worker["usage"]["calls"] == asked >= 3, f"{asked} requests, worker: {worker}")
    wished = [request for request in world.chat.requests if "Name every cost." in json.dumps(request["body"])]
    expect(wished, "the model was not told the instructions")


@scenario("RunPod, whole transcripts: a worker whose model refuses it says so, and once mended it writes the summary")
def failing_model(world):
    world.storage.upload(MEETING, TEXT)
    world.chat.fail_with(401, "Invalid credentials")
    with transcript_endpoint(world) as adapter, world.function(**whole(adapter)) as function:
        event = load("s3-put", world.storage)
        answer = function.invoke(event)
        error = answer.get("errorMessage", "")
        expect(MEETING in error and "HF_API_TOKEN" in error, f"the error should name object and setting: {answer}")
        told = json.loads(world.storage.read(f"summaries/{MEETING}_error.json"))
        expect(told["kind"] == "WorkerError" and told["retryable"], f"the error report is {told}")
        check_no_summary(world.storage)
        check_jobs(adapter, submitted=1, executions=2, retries=1)
        world.chat.reset()
        check_outcomes(function.invoke(event), "done", [MEETING])
        check_jobs(adapter, submitted=2, executions=3, retries=1)
    check_summary(world.storage, MEETING)
    expect(not world.storage.head(f"summaries/{MEETING}_error.json"), "the error report is still there")


@scenario("RunPod, whole transcripts on the command line: an object has a link, a file has none")
def command_line(world):
    world.storage.upload(MEETING, TEXT)
    out = world.directory()
    local = out / "local.txt"
    local.write_text(TEXT)
    with transcript_endpoint(world, MODEL_PROVIDER="extractive") as adapter:
        env = CREDENTIALS | {"AWS_ENDPOINT_URL_S3": world.storage.url} | whole(adapter)
        planned = world.run("plan", local, **env)
        expect("1 job to" in planned.stdout and not planned.returncode, f"the plan is {planned.stdout}{planned.stderr}")
        refused = world.run("summarize", local, "--out", out, **env)
        expect(refused.returncode == 1 and "s3://bucket/key" in refused.stderr, f"a file: {refused.stderr}")
        expect(not adapter.requests, f"for a file, the endpoint was asked {adapter.operations}")
        done = world.run("summarize", f"s3://{world.storage.name}/{MEETING}", "--out", out, **env)
        expect(not done.returncode, f"an object: {done.stderr}")
        check_jobs(adapter, submitted=1, executions=1, retries=0)
    report = json.loads((out / f"summaries/{MEETING}_summary.json").read_text())
    expect(report["worker"]["provider"] == "extractive", f"the worker is {report['worker']}")
