"""S3 that is slow, under a job of several slices. Not in the default run: it shows that MODEL_CONCURRENCY is exceeded."""

import time

from faulty_store import FaultyStore
from scenario import scenario
from slow_queue import SlowQueue
from store_runs import run


@scenario("S3 is slow to show recorded jobs: a resumed run does not start more than it may")
def slow_tickets(world):
    def after(method, path, status):
        if method == "GET" and ".job" in path and status == 200:
            time.sleep(0.4)

    with FaultyStore(world.storage, after=after) as store, SlowQueue((3, 4), workers=8) as endpoint:
        run(world, store, endpoint)
