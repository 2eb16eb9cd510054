"""The same event many times: one summary, every call paid once."""

import concurrent.futures
import contextlib
import queue
import signal
import time

from bootstrap import send
from deliveries import ACKNOWLEDGED, delivered, returned
from results import check_outcomes, check_summary
from sample_events import MEETING, created, in_sqs
from scenario import expect, scenario
from slow_chat import SlowChat
from state import check_nothing_said, expire_leases
from transcripts import transcript
from watch import watched

CONCURRENCY = 3
TIMES = 100
WORKERS = 8
# A message that goes back is not seen for a while.
VISIBILITY_SECONDS = 0.5
SUMMARY = f"summaries/{MEETING}_summary.txt"


@contextlib.contextmanager
def functions(world, endpoint, count):
    """The emulator takes one invocation at a time, so there are several."""
    settings = endpoint.settings(MODEL_CONCURRENCY=str(CONCURRENCY), CHUNK_TOKENS="700")
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(world.function(**settings)) for _ in range(count)]


@scenario(f"the same message {TIMES} times, {WORKERS} at a time: one summary, every call paid once; late ones are duplicates")
def at_once(world):
    world.storage.upload(MEETING, transcript(6000, seed=23))
    event = created(world.storage, MEETING)
    with SlowChat((0.2, 0.6)) as endpoint, functions(world, endpoint, WORKERS) as workers:
        messages = queue.Queue()
        for _ in range(TIMES):
            messages.put(in_sqs(event))
        with watched(world.storage, SUMMARY) as seen, concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            work = list(pool.map(lambda function: work_off(function, messages), workers))
        acknowledged, deliveries = (sum(column) for column in zip(*work))
        print(f"     {deliveries} deliveries, {len(endpoint.requests)} requests to the endpoint")
        expect(acknowledged == TIMES, f"{acknowledged} of {TIMES} messages were acknowledged")
        expect(len(seen) == 1, f"the summary changed: {len(seen)} texts, of {[len(text) for text, _ in seen]} letters")
        published = sum(function.log.count('"message":"done"') for function in workers)
        expect(published == 1, f"{published} workers published")
        paid_once(world, endpoint)
        requests = len(endpoint.requests)
        for function in workers:
            check_outcomes(function.invoke(event), "duplicate", [MEETING])
        late = len(endpoint.requests) - requests
        expect(late == 0, f"late duplicates sent {late} requests")


def work_off(function, messages):
    """Works on messages until there are no more; how many it acknowledged, and how many it was given."""
    acknowledged = deliveries = 0
    while True:
        try:
            message = messages.get_nowait()
        except queue.Empty:
            return acknowledged, deliveries
        deliveries += 1
        if delivered(function, message):
            acknowledged += 1
        else:
            time.sleep(VISIBILITY_SECONDS)
            messages.put(message)


def paid_once(world, endpoint):
    report = check_summary(world.storage, MEETING)
    extra, submits = endpoint.account.extra(), len(endpoint.account.all)
    expect(not extra, f"{sum(extra.values())} of {submits} submissions were not the first of their call")
    calls = report["usage"]["calls"]
    expect(calls == submits, f"the report counts {calls} calls of {submits}")
    most = endpoint.most_at_once()
    expect(most <= CONCURRENCY, f"{most} calls were in flight with MODEL_CONCURRENCY {CONCURRENCY}")
    check_nothing_said(world.storage)


@scenario("a worker that is frozen while another takes its job over, and woken: it pays for nothing and publishes nothing")
def frozen(world):
    world.storage.upload(MEETING, transcript(6000, seed=24))
    message = in_sqs(created(world.storage, MEETING))
    with SlowChat((0.2, 0.6)) as endpoint, functions(world, endpoint, 2) as (first, second):
        with watched(world.storage, SUMMARY) as seen, concurrent.futures.ThreadPoolExecutor(1) as pool:
            running = pool.submit(first.invoke, message)
            wait_for_requests(endpoint, 3)
            moment = time.monotonic()
            send(first, signal.SIGSTOP)
            expect(not delivered(second, message), "the second worker did not mind the first one's lease")
            expire_leases(world.storage)
            at_risk = endpoint.account.abandon(moment)
            expect(delivered(second, message), f"the second worker did not end: {second.log[-1000:]}")
            submits = len(endpoint.account.all)
            send(first, signal.SIGCONT)
            answer = running.result()
        expect(answer in (ACKNOWLEDGED, returned(message)), f"the woken worker answered {answer}")
        late = len(endpoint.account.all) - submits
        expect(late == 0, f"the woken worker submitted {late} calls")
        expect(len(seen) == 1, f"the summary changed: {len(seen)} texts")
        extra = endpoint.account.extra()
        expect(extra.keys() <= at_risk, f"{len(extra.keys() - at_risk)} calls were paid twice that were not in flight")
        check_summary(world.storage, MEETING)
        expect(delivered(first, message), "the woken worker's message was not acknowledged as a duplicate")
    check_nothing_said(world.storage)


def wait_for_requests(endpoint, count, seconds=30):
    deadline = time.monotonic() + seconds
    while len(endpoint.requests) < count:
        expect(time.monotonic() < deadline, f"only {len(endpoint.requests)} requests came in {seconds} s")
        time.sleep(0.01)
