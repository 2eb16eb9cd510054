"""The program killed at random moments: what is in flight then may be paid again, and nothing else is lost."""

import concurrent.futures
import contextlib
import dataclasses
import random
import time

from bootstrap import invoke_and_kill
from deliveries import ACKNOWLEDGED, delivered, until_done
from function import Function
from results import check_summary
from sample_events import created, in_sqs
from scenario import World, expect, scenario
from slow_chat import SlowChat
from slow_queue import SlowQueue
from state import check_nothing_said, expire_leases, forget, leases, recorded_jobs
from transcripts import transcript
from watch import watched

CONCURRENCY = 3
TEXT = transcript(4000, seed=22)
# At once.
LANES = 4
# At most, in one run.
KILLS = 3
# Requests that were on their way when their sender died have come by then.
ARRIVAL_SECONDS = 0.1
SEED = 7


@scenario("kill -9 at random moments: one complete summary, and only what was in flight is paid again")
def kills(world):
    print(f"     {world.kills} runs with seed {SEED}")
    endpoints = [lambda seed: SlowChat((0.1, 0.5), seed=seed), lambda seed: SlowQueue((0.1, 0.5), seed=seed)]
    with contextlib.ExitStack() as stack:
        lanes = []
        for number in range(LANES):
            endpoint = stack.enter_context(endpoints[number % 2](number))
            settings = endpoint.settings(MODEL_CONCURRENCY=str(CONCURRENCY), OUTPUT_PREFIX=f"lane-{number}/")
            function = stack.enter_context(world.function(**settings))
            lanes.append(Lane(world, number, endpoint, function, random.Random(f"{SEED} {number}")))
        with concurrent.futures.ThreadPoolExecutor(LANES) as pool:
            totals = list(pool.map(Lane.run, lanes))
    killed, at_risk, extra = (sum(total) for total in zip(*totals))
    print(f"     {killed} kills, {at_risk} calls in flight at them, {extra} of these paid again")
    expect(killed >= world.kills * 0.8, f"only {killed} kills in {world.kills} runs hit the program at work")
    miscounted = [run for lane in lanes for run in lane.miscounted]
    expect(not miscounted, f"{len(miscounted)} reports count too few calls, among them {miscounted[:2]}")


@dataclasses.dataclass
class Lane:
    """Runs one after the other, beside those of the other lanes."""

    world: World
    number: int
    endpoint: SlowChat | SlowQueue
    function: Function
    chance: random.Random
    # Runs whose reports count too few calls.
    miscounted: list = dataclasses.field(default_factory=list)

    def run(self):
        """Kills, calls in flight at them, and extra submissions."""
        began = time.monotonic()
        whole = self.upload("whole")
        until_done(self.function, whole, most=1)
        self.usual = time.monotonic() - began
        self.text = self.world.storage.read(f"{self.prefix}{self.key('whole')}_summary.txt")
        totals = [0, 0, 0]
        for number in range(self.number, self.world.kills, LANES):
            check_nothing_said(self.world.storage, self.prefix)
            forget(self.world.storage, self.prefix)
            totals = [total + more for total, more in zip(totals, self.killed(number))]
        most = self.endpoint.most_at_once()
        expect(most <= CONCURRENCY, f"{most} calls were in flight with MODEL_CONCURRENCY {CONCURRENCY}")
        if isinstance(self.endpoint, SlowQueue):
            left = self.endpoint.jobs.unaccounted()
            expect(not left, f"{len(left)} jobs that the program knew of were left alone")
        return totals

    @property
    def prefix(self):
        return f"lane-{self.number}/"

    def key(self, run):
        return f"meetings/lane-{self.number}-{run}.txt"

    def upload(self, run):
        """The message that tells of it."""
        self.world.storage.upload(self.key(run), TEXT)
        return in_sqs(created(self.world.storage, self.key(run)))

    def killed(self, run):
        """Kills, calls in flight at them, and extra submissions of one run."""
        message = self.upload(run)
        before, submits, kills, at_risk = self.endpoint.account.extra(), len(self.endpoint.account.all), 0, []
        with watched(self.world.storage, f"{self.prefix}{self.key(run)}_summary.txt") as seen:
            for _ in range(self.chance.randint(1, KILLS)):
                answer, moment = invoke_and_kill(self.function, message, self.chance.uniform(0.02, self.usual))
                if moment is None:
                    expect(answer == ACKNOWLEDGED, f"run {run}: the message was answered with {answer}")
                    break
                kills += 1
                time.sleep(ARRIVAL_SECONDS)
                at_risk += self.endpoint.bury(moment, recorded_jobs(self.world.storage, self.prefix))
                self.meets_the_lease(message, run)
            until_done(self.function, message, most=1)
        extra = self.check(run, f"run {run} with {kills} kills", seen, before, submits, at_risk)
        return kills, len(at_risk), extra

    def meets_the_lease(self, message, run):
        """A dead owner's lease keeps the job from the next worker until it has run out."""
        summary = self.world.storage.head(f"{self.prefix}{self.key(run)}_summary.txt")
        if leases(self.world.storage, self.prefix) and not summary:
            submitted = len(self.endpoint.account.all)
            expect(not delivered(self.function, message), f"run {run}: acknowledged under a dead worker's lease")
            again = len(self.endpoint.account.all) - submitted
            expect(not again, f"run {run}: {again} calls were submitted under a dead worker's lease")
        expire_leases(self.world.storage, self.prefix)

    def check(self, number, run, seen, before, submits_before, at_risk):
        """How many submissions there were too many."""
        key = self.key(number)
        report = check_summary(self.world.storage, key, self.prefix)
        others = [len(text) for text, _ in seen if text != self.text]
        expect(seen and not others, f"{run}: under the key there were, beside the summary, texts of {others} letters")
        expect(not self.world.storage.head(f"{self.prefix}{key}_error.json"), f"{run}: there is an _error.json")
        extra = self.endpoint.account.extra()
        for call in before:
            extra[call] -= before[call]
        for call, times in extra.items():
            most = at_risk.count(call)
            expect(times <= most, f"{run}: {call} was submitted {times} times too often, in flight at {most} kills")
        # Intents whose requests never arrived are counted too: the program cannot know.
        total, usage = sum(extra.values()), report["usage"]
        submits = len(self.endpoint.account.all) - submits_before
        if usage["resubmitted"] < total or usage["calls"] < submits:
            self.miscounted.append(f"{run}: {submits} submissions, {total} of them again, the report has {usage}")
        return total
