"""The transcript is overwritten or removed while it is worked on: its last version is the one that is summarized."""

import concurrent.futures
import contextlib
import threading

from deliveries import ACKNOWLEDGED, delivered
from results import check_no_summary, check_outcomes, check_summary
from sample_events import MEETING, created, in_sqs
from scenario import expect, scenario
from slow_chat import SlowChat
from state import check_nothing_said
from storage import BUCKET
from transcripts import transcript
from watch import watched

SUMMARY = f"summaries/{MEETING}_summary.txt"
OLD, NEW = transcript(3000, seed=25), transcript(3000, seed=26)
EARLIER, LATER = "00673F2A1C8E4B90D1", "00673F2A1C8E4B90D2"
STUCK_SECONDS = 60


class Moment:
    """What happens when the endpoint is asked the n-th time, once."""

    def __init__(self, number, happen):
        self.number, self.happen = number, happen

    def __call__(self, number):
        if number == self.number:
            self.happen()


@contextlib.contextmanager
def at_work(world, endpoint, count=2, **others):
    settings = endpoint.settings(MODEL_CONCURRENCY="2", SUMMARY_WORDS="800") | others
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(world.function(**settings)) for _ in range(count)]


def calls_of_a_run(world):
    """How often the endpoint is asked for the old version's summary."""
    world.storage.upload(MEETING, OLD)
    with SlowChat((0, 0.05)) as endpoint, at_work(world, endpoint, 1) as [function]:
        check_outcomes(function.invoke(created(world.storage, MEETING)), "done", [MEETING])
        return len(endpoint.requests)


def forget_all(world):
    world.storage.clear()
    world.storage.upload(MEETING, OLD)
    return in_sqs(created(world.storage, MEETING, EARLIER))


@scenario("the transcript overwritten at the first, a middle and the last call: the summary is of the new version alone")
def overwritten(world):
    calls = calls_of_a_run(world)
    for number in (1, calls // 2, calls):
        older, newer = forget_all(world), []

        def overwrite():
            world.storage.upload(MEETING, NEW)
            newer.append(in_sqs(created(world.storage, MEETING, LATER)))

        when = f"overwritten at call {number} of {calls}:"
        with SlowChat((0, 0.1), Moment(number, overwrite)) as endpoint, at_work(world, endpoint) as (first, second):
            with watched(world.storage, SUMMARY) as seen, concurrent.futures.ThreadPoolExecutor(1) as pool:
                running = pool.submit(first.invoke, older)
                wait_until(lambda: newer, f"{when} the call did not come")
                done = delivered(second, newer[0])
                answer = running.result()
            expect(done, f"{when} the new version was not done at once: {second.log[-1000:]}")
            expect(answer == ACKNOWLEDGED, f"{when} the old version's message was answered with {answer}")
            expect('"message":"done"' not in first.log, f"{when} the old version was published")
        check_newest(world, seen, when)


def wait_until(condition, otherwise):
    pause = threading.Event()
    for _ in range(STUCK_SECONDS * 100):
        if condition():
            return
        pause.wait(0.01)
    expect(False, otherwise)


def check_newest(world, seen, when):
    """The summary is of the object that is there, and never was of another."""
    etag = world.storage.head(MEETING)["etag"]
    expect([of for _, of in seen] == [etag], f"{when} summaries were of {[of for _, of in seen]}, not only of {etag}")
    check_summary(world.storage, MEETING)
    check_nothing_said(world.storage)


@scenario("an old run that ends after the new version's summary is there does not replace it")
def late_end(world):
    older, newer = forget_all(world), threading.Event()
    finished = threading.Event()

    def overwrite():
        world.storage.upload(MEETING, NEW)
        newer.set()
        finished.wait(STUCK_SECONDS)

    with SlowChat((0, 0.1), Moment(2, overwrite)) as endpoint, at_work(world, endpoint) as (first, second):
        with watched(world.storage, SUMMARY) as seen, concurrent.futures.ThreadPoolExecutor(1) as pool:
            running = pool.submit(first.invoke, older)
            expect(newer.wait(STUCK_SECONDS), "the second call did not come")
            done = second.invoke(created(world.storage, MEETING, LATER))
            finished.set()
            answer = running.result()
    check_outcomes(done, "done", [MEETING])
    expect(answer == ACKNOWLEDGED, f"the old version's message was answered with {answer}")
    check_newest(world, seen, "with a late end:")


@scenario("a transcript removed while it is worked on: nothing is published, the message is acknowledged")
def removed(world):
    message = forget_all(world)

    def remove():
        world.storage.client.delete_object(Bucket=BUCKET, Key=MEETING)

    with SlowChat((0, 0.1), Moment(2, remove)) as endpoint, at_work(world, endpoint, 1) as [function]:
        answer = function.invoke(message)
    expect(answer == ACKNOWLEDGED, f"the message was answered with {answer}")
    check_no_summary(world.storage)


@scenario("events out of order: the newest version is summarized, older events are superseded and send nothing")
def out_of_order(world):
    forget_all(world)
    older = created(world.storage, MEETING, EARLIER)
    world.storage.upload(MEETING, NEW)
    newer = created(world.storage, MEETING, LATER)
    with SlowChat((0, 0.05)) as endpoint, watched(world.storage, SUMMARY) as seen:
        with at_work(world, endpoint, 1) as [function]:
            check_outcomes(function.invoke(older), "superseded", [MEETING])
            expect(not endpoint.requests, f"an event that came too late sent {len(endpoint.requests)} requests")
            check_outcomes(function.invoke(newer), "done", [MEETING])
            check_outcomes(function.invoke(older), "superseded", [MEETING])
        requests = len(endpoint.requests)
        # Another length is another job, so nothing but the sequencer says that the event is old.
        without_etag = created(world.storage, MEETING, EARLIER)
        del without_etag["Records"][0]["s3"]["object"]["eTag"]
        with at_work(world, endpoint, 1, SUMMARY_WORDS="600") as [function]:
            check_outcomes(function.invoke(without_etag), "superseded", [MEETING])
        more = len(endpoint.requests) - requests
        expect(more == 0, f"an event with an older sequencer sent {more} requests")
    check_newest(world, seen, "out of order:")
