"""S3 that refuses at times, under a job of several slices."""

from faulty_store import FaultyStore
from scenario import expect, scenario
from slow_chat import SlowChat
from store_runs import run


@scenario("S3 refuses every eighth request with 503: no call is submitted twice, the summary is good")
def busy_store(world):
    # A refused write is tried again after up to a second. What is recorded at the end of an invocation has that second.
    refuses = lambda number, *_: number % 8 == 0
    with FaultyStore(world.storage, before=refuses) as store, SlowChat((2, 3)) as endpoint:
        run(world, store, endpoint, timeout=12)
        expect(store.refused >= 4, f"only {store.refused} of {store.count} requests were refused")
