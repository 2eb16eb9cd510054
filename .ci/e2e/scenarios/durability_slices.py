"""Jobs longer than an invocation: their messages go back until they are done, and nothing is paid twice."""

import concurrent.futures
import contextlib

from deliveries import until_done
from results import check_summary
from sample_events import created, in_sqs
from scenario import expect, scenario
from slow_chat import SlowChat
from slow_queue import SlowQueue
from state import check_nothing_said
from transcripts import transcript

CONCURRENCY = 3
TEXT = transcript(9000, seed=21)
# What an invocation may take; 60 s are enough for the whole job.
TIMEOUTS = [3, 4, 6, 10, 60]


@scenario("slices of 3 to 10 s at an endpoint with a queue: no call is submitted twice, and the summaries are the same")
def queue(world):
    sliced(world, lambda seed: SlowQueue((1, 4), seed=seed), TIMEOUTS)


@scenario("slices of 4 to 10 s at an endpoint that answers at once: the same")
def chat(world):
    sliced(world, lambda seed: SlowChat((1.0, 2.0), seed=seed), TIMEOUTS[1:])


def sliced(world, endpoint, timeouts):
    """The same transcript for each timeout, all at once, each at an endpoint of its own."""
    with contextlib.ExitStack() as stack:
        runs = []
        for timeout in timeouts:
            own = stack.enter_context(endpoint(timeout))
            settings = own.settings(MODEL_CONCURRENCY=str(CONCURRENCY), AWS_LAMBDA_FUNCTION_TIMEOUT=str(timeout))
            runs.append((timeout, own, stack.enter_context(world.function(**settings))))
        with concurrent.futures.ThreadPoolExecutor(len(runs)) as pool:
            deliveries = list(pool.map(lambda run: one(world, *run), runs))
    expect(deliveries[-1] == 1, f"the uninterrupted run took {deliveries[-1]} deliveries")
    expect(max(deliveries) >= 3, f"the runs took {deliveries} deliveries: not enough to show anything")
    print(f"     slices of {timeouts} s took {deliveries} deliveries")
    texts = {timeout: world.storage.read(f"summaries/{key(timeout)}_summary.txt") for timeout in timeouts}
    different = [timeout for timeout in timeouts if texts[timeout] != texts[timeouts[-1]]]
    expect(not different, f"the summaries of the runs with {different} s differ from the uninterrupted one")
    check_nothing_said(world.storage)


def key(timeout):
    return f"meetings/slices-of-{timeout}.txt"


def one(world, timeout, endpoint, function):
    world.storage.upload(key(timeout), TEXT)
    deliveries = until_done(function, in_sqs(created(world.storage, key(timeout))))
    seen = f"with {timeout} s, in {deliveries} deliveries,"
    extra = endpoint.account.extra()
    submits = len(endpoint.account.all)
    expect(not extra, f"{seen} {sum(extra.values())} of {submits} submissions were not the first of their call")
    expect("timed out" not in function.log, f"{seen} the program did not end in time: {function.log[-1000:]}")
    report = check_summary(world.storage, key(timeout))
    usage = report["usage"]
    expect(usage["calls"] == submits and usage["resubmitted"] == 0, f"{seen} {submits} were submitted: {usage}")
    expect(report["coverage"]["degraded"] == 0, f"{seen} not all is the model's: {report['coverage']}")
    most = endpoint.most_at_once()
    expect(most <= CONCURRENCY, f"{seen} {most} calls were in flight with MODEL_CONCURRENCY {CONCURRENCY}")
    if isinstance(endpoint, SlowQueue):
        left = endpoint.jobs.unaccounted()
        expect(not left, f"{seen} {len(left)} jobs were left alone")
    return deliveries
