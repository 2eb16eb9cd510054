"""S3 that refuses at times, under a job of several slices."""

import random

from faulty_store import FaultyStore
from scenario import expect, scenario
from slow_chat import SlowChat
from store_runs import run


@scenario("S3 refuses every tenth request with 503: no call is submitted twice, the summary is good")
def busy_store(world):
    chance = random.Random(31)
    with FaultyStore(world.storage, before=lambda *_: chance.random() < 0.1) as store, SlowChat((0.5, 1)) as endpoint:
        run(world, store, endpoint)
        expect(store.refused >= 5, f"only {store.refused} of {store.count} requests were refused")
