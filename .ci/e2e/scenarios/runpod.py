"""The RunPod provider against workers on RunPod's own SDK."""

import json

from results import check_no_summary, check_outcomes, check_summary
from runpod_endpoint import endpoint, settings
from runpod_jobs import PROGRESS
from sample_events import MEETING, load
from scenario import RUNPOD_KEY, WRONG_RUNPOD_KEY, expect, scenario
from transcripts import CANARY, case_numbers, transcript

CONCURRENCY = 4
TEXT = transcript(6000, seed=9)
# No summary has any of it: markup, the wire's JSON, what a worker says of itself.
FOREIGN = ["<", "{", "}", "data:", "Traceback", "CUDA", "vLLM", "Bad gateway", "Server Error", PROGRESS]


def summarized(world, adapter, **others):
    """The report of the transcript's summary by the endpoint."""
    world.storage.upload(MEETING, TEXT)
    env = settings(adapter, MODEL_CONCURRENCY=str(CONCURRENCY), **others)
    with world.function(**env) as function:
        answer = function.invoke(load("s3-put", world.storage))
    check_outcomes(answer, "done", [MEETING])
    report = check_summary(world.storage, MEETING)
    expect(report["model"]["provider"] == "runpod", f"the provider is {report['model']}")
    expect(report["coverage"]["degraded"] == 0, f"not all was summarized by the model: {report['coverage']}")
    summary = world.storage.read(f"summaries/{MEETING}_summary.txt")
    for foreign in FOREIGN:
        expect(foreign not in summary, f"the summary has {foreign!r}")
    check_accounts(adapter)
    return report


def check_accounts(adapter):
    unaccounted = adapter.jobs.unaccounted()
    expect(not unaccounted, f"{len(unaccounted)} of {len(adapter.jobs.all)} jobs were left alone")
    most = adapter.jobs.most_in_flight
    expect(2 <= most <= CONCURRENCY, f"{most} jobs were in flight with MODEL_CONCURRENCY {CONCURRENCY}")


def check_jobs(adapter, report):
    """Without faults, each call is one job, executed once."""
    calls, jobs = report["usage"]["calls"], adapter.jobs
    seen = (len(adapter.submitted), len(jobs.all), jobs.executions)
    expect(seen == (calls, calls, calls), f"{calls} calls in the report; submitted, accepted, executed: {seen}")
    expect(jobs.cancelled == jobs.retries == 0, f"{jobs.cancelled} jobs were cancelled, {jobs.retries} retried")
    inputs = [body["input"] for body in adapter.submitted]
    names = {given.get("correlation_id") for given in inputs}
    expect(len(names) == len(inputs) and None not in names, f"{len(inputs)} jobs have {len(names)} correlation ids")
    asked = [json.dumps(given["messages"]) for given in inputs]
    missing = [case for case in case_numbers(TEXT) if not any(case in prompt for prompt in asked)]
    expect(not missing, f"{len(missing)} turns were never sent, among them {missing[:3]}")
    for body in adapter.submitted:
        check_submission(body)


def check_submission(body):
    given = body["input"]
    limit = given.get("max_tokens")
    expect(isinstance(limit, int) and limit > 0, f"max_tokens is {limit!r}")
    sampling = given["sampling_params"].get("max_tokens")
    expect(sampling == limit, f"max_tokens is {limit} and {sampling} in sampling_params")
    for bound in ("executionTimeout", "ttl"):
        expect(body.get("policy", {}).get(bound, 0) > 0, f"the policy has no {bound}: {body.get('policy')}")


def each_flavour(flavour):
    @scenario(f"RunPod, a worker like {flavour}: every job is waited for, and the summary is good")
    def run(world):
        with endpoint(world, flavour) as adapter:
            report = summarized(world, adapter)
            check_jobs(adapter, report)
            expect(not adapter.operations["status"], f"/status was used beside /status-sync: {adapter.operations}")


for name in ("vllm-new", "vllm-old", "stream", "plain", "dict"):
    each_flavour(name)


@scenario("RunPod without /status-sync: the jobs are polled, and it is not tried for each")
def without_status_sync(world):
    with endpoint(world, "vllm-new", status_sync=False) as adapter:
        check_jobs(adapter, summarized(world, adapter))
        asked = adapter.operations
        expect(asked["status"] >= len(adapter.jobs.all), f"not every job was polled: {asked}")
        expect(asked["status-sync"] <= CONCURRENCY, f"/status-sync is not there, but: {asked}")


def with_faults(flavour, status_sync):
    route = "/status-sync" if status_sync else "/status"
    title = f"RunPod, a worker like {flavour} and {route}: a tenth of jobs and answers fails, and the summary is good"

    @scenario(title)
    def run(world):
        with endpoint(world, flavour, fault_every=10, status_sync=status_sync) as adapter:
            # Small parts, so that there is enough to go wrong.
            summarized(world, adapter, CHUNK_TOKENS="600")
            expect(adapter.faults >= 3, f"only {adapter.faults} answers were faulty: {adapter.operations}")
            expect(adapter.jobs.failures, f"none of {adapter.jobs.executions} executions failed")
            expect(adapter.jobs.retries, f"{adapter.jobs.failures} jobs failed, and none was retried")


with_faults("vllm-new", status_sync=True)
with_faults("plain", status_sync=False)


@scenario("RunPod refuses the key: one request is sent, and the error names RUNPOD_API_KEY and not what it is")
def wrong_key(world):
    world.storage.upload(MEETING, TEXT)
    with endpoint(world, "vllm-new") as adapter:
        with world.function(**settings(adapter, RUNPOD_API_KEY=WRONG_RUNPOD_KEY)) as function:
            answer = function.invoke(load("s3-put", world.storage))
        error = answer.get("errorMessage", "")
        expect(MEETING in error and "RUNPOD_API_KEY" in error, f"the error should name object and setting: {answer}")
        for secret in (RUNPOD_KEY, WRONG_RUNPOD_KEY, CANARY):
            expect(secret not in error, f"the error says too much: {answer}")
        expect(len(adapter.requests) == 1, f"expected one request, got {adapter.operations}")
    check_no_summary(world.storage)
