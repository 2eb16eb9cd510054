"""Endpoints that are down for longer than an invocation, hang, or refuse: nothing is lost, little is asked."""

import json
import threading
import time

from deliveries import delivered, until_done
from processes import free_port
from results import check_no_summary, check_summary
from sample_events import MEETING, created, in_sqs
from scenario import SECRETS, expect, hugging_face, scenario
from slow_chat import SlowChat
from state import check_nothing_said, objects
from storage import BUCKET
from transcripts import CANARY, transcript

CONCURRENCY = 3
TEXT = transcript(4000, seed=29)
TIMEOUT = 5
# Attempts of one call: then the endpoint is down, and not just its gateway restarted.
ATTEMPTS = 5
DELIVERIES = 3
STUCK_SECONDS = 60
ERROR = f"summaries/{MEETING}_error.json"


def function_for(world, endpoint):
    settings = endpoint.settings(MODEL_CONCURRENCY=str(CONCURRENCY), AWS_LAMBDA_FUNCTION_TIMEOUT=str(TIMEOUT))
    return world.function(**settings)


def upload(world):
    world.storage.upload(MEETING, TEXT)
    return in_sqs(created(world.storage, MEETING))


def goes_back(world, function, message, times=DELIVERIES):
    """The message is not done, `times` times, in time, and nothing is published."""
    for _ in range(times):
        began = time.monotonic()
        expect(not delivered(function, message), "a message was acknowledged though the endpoint is down")
        took = time.monotonic() - began
        expect(took < TIMEOUT, f"an invocation took {took:.1f} s of {TIMEOUT}")
        check_no_summary(world.storage)
    expect("timed out" not in function.log, f"the program did not end in time: {function.log[-1000:]}")


def finishes(world, endpoint, function, message):
    """After the outage: done, and nothing was paid twice."""
    until_done(function, message, most=5)
    report = check_summary(world.storage, MEETING)
    expect(report["coverage"]["degraded"] == 0, f"not all is the model's: {report['coverage']}")
    expect(not error(world), f"there still is the error report {error(world)}")
    extra, submits = endpoint.account.extra(), len(endpoint.account.all)
    expect(not extra, f"{sum(extra.values())} of {submits} submissions were not the first of their call")
    expect(report["usage"]["resubmitted"] == 0, f"nothing was paid twice, the report says {report['usage']}")
    check_nothing_said(world.storage)


def error(world):
    return json.loads(world.storage.read(ERROR)) if world.storage.head(ERROR) else None


@scenario("nothing listens at the endpoint, for several invocations: nothing is published, and the next invocation completes it")
def connection_refused(world):
    message, endpoint = upload(world), SlowChat((0, 0.1), port=free_port())
    endpoint.url = f"http://127.0.0.1:{endpoint.port}/v1"
    with function_for(world, endpoint) as function:
        goes_back(world, function, message)
        expect(not error(world), f"an outage that passes is nobody's task: {error(world)}")
        with endpoint:
            finishes(world, endpoint, function, message)


@scenario("the endpoint answers 503 from the middle of a job on, for several invocations: the job resumes where it stopped")
def unavailable(world):
    message = upload(world)

    def break_down(number):
        if number == 3:
            endpoint.fail_with(503, f"no healthy upstream for {CANARY}")

    with SlowChat((0, 0.1), break_down) as endpoint, function_for(world, endpoint) as function:
        goes_back(world, function, message)
        refused = len(endpoint.requests) - len(endpoint.account.all)
        most = DELIVERIES * ATTEMPTS * CONCURRENCY
        expect(refused <= most, f"{refused} requests were refused in {DELIVERIES} deliveries, more than {most}")
        expect(not error(world), f"an outage that passes is nobody's task: {error(world)}")
        endpoint.failure = None
        finishes(world, endpoint, function, message)


@scenario("an outage that seems to have no end: one request for each delivery, _error.json, and completed after it has ended")
def hopeless(world):
    message = upload(world)
    with SlowChat((0, 0.1)) as endpoint, function_for(world, endpoint) as function:
        endpoint.fail_with(503, "no healthy upstream")
        goes_back(world, function, message, times=1)
        [run] = objects(world.storage, "/run.json")
        counters = json.loads(world.storage.read(run))
        expect(counters["slices_without_progress"] == 1, f"a slice without progress was not counted: {counters}")
        # Plays nine more.
        counters["slices_without_progress"] = 10
        world.storage.client.put_object(Bucket=BUCKET, Key=run, Body=json.dumps(counters).encode())
        before = len(endpoint.requests)
        goes_back(world, function, message, times=2)
        sent = len(endpoint.requests) - before
        expect(sent == 2, f"2 deliveries without hope sent {sent} requests")
        told = error(world)
        expect(told and told["retryable"] and "503" in told["message"], f"the error report is {told}")
        endpoint.failure = None
        finishes(world, endpoint, function, message)


@scenario("the endpoint refuses the token: _error.json names HF_API_TOKEN, little is asked, and it is completed once the token is fixed")
def token_refused(world):
    message = upload(world)
    with SlowChat((0, 0.1)) as endpoint, function_for(world, endpoint) as function:
        endpoint.fail_with(401, f"Incorrect API key provided: {hugging_face(world)['HF_API_TOKEN']}, asked: {CANARY}")
        goes_back(world, function, message)
        sent = len(endpoint.requests)
        expect(sent == DELIVERIES, f"{DELIVERIES} deliveries sent {sent} requests with a token that is refused")
        told = error(world)
        expect(told and "HF_API_TOKEN" in told["message"], f"the error report should name HF_API_TOKEN: {told}")
        expect(told["retryable"] and told["kind"] == "ConfigurationError", f"the error report is {told}")
        shown = [said for said in (*SECRETS, CANARY) if said in json.dumps(told)]
        expect(not shown, f"the error report shows {shown}")
        endpoint.failure = None
        finishes(world, endpoint, function, message)


@scenario("an endpoint that does not answer at all: the program ends in time, and asks again only what was in flight")
def hanging(world):
    message = upload(world)
    with SlowChat((0, 0.1)) as endpoint, function_for(world, endpoint) as function:
        released = threading.Event()
        endpoint.meanwhile = lambda number: number > 3 and released.wait(STUCK_SECONDS)
        goes_back(world, function, message, times=1)
        at_risk = endpoint.account.abandon(time.monotonic())
        released.set()
        until_done(function, message, most=5)
    report = check_summary(world.storage, MEETING)
    extra = endpoint.account.extra()
    others = extra.keys() - at_risk
    expect(not others and set(extra.values()) <= {1}, f"asked again: {extra}, in flight were {at_risk}")
    expect(0 < len(extra) <= CONCURRENCY, f"{len(extra)} calls were asked again, {CONCURRENCY} can be in flight")
    counted = report["usage"]["resubmitted"]
    expect(counted == len(extra), f"{len(extra)} calls were asked again, the report says {counted}")
