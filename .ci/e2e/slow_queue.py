"""RunPod's API over jobs that take their time, without the SDK's worker: for what is about time and not about workers."""

import random
import time

from accounts import Account
from chat_endpoint import completion
from runpod_adapter import RunPodAdapter
from runpod_endpoint import settings
from runpod_jobs import Jobs
from scenario import RUNPOD_KEY

# A submission takes so long: half before the job exists, half before the ticket is out.
SUBMIT_SECONDS = 0.1


class SlowJobs(Jobs):
    def __init__(self, seconds, workers, seed):
        super().__init__("no worker is asked", workers)
        self.seconds = seconds
        self.random = random.Random(seed)

    def ask_worker(self, given):
        time.sleep(self.random.uniform(*self.seconds))
        return {"output": completion({"model": "simulated"} | given)}


class SlowQueue(RunPodAdapter):
    """Jobs take between `seconds[0]` and `seconds[1]`."""

    def __init__(self, seconds, workers=4, seed=0):
        super().__init__("", RUNPOD_KEY, workers)
        self.jobs = SlowJobs(seconds, workers, seed)
        self.account = Account()

    def __enter__(self):
        super().__enter__()
        # A client that was killed does not take its answer.
        self.server.handle_error = lambda *_: None
        return self

    def answer(self, method, operation, name, body, query):
        if operation != "run":
            return super().answer(method, operation, name, body, query)
        submission = self.account.begin(body["input"]["correlation_id"])
        time.sleep(SUBMIT_SECONDS / 2)
        answer = super().answer(method, operation, name, body, query)
        time.sleep(SUBMIT_SECONDS / 2)
        self.account.end(submission)
        return answer

    def bury(self, moment, recorded):
        """The client died at `moment`; the calls that it may have to submit again. Nobody asks after jobs not `recorded`."""
        with self.jobs.changed:
            for job in self.jobs.all.values():
                if job.id not in recorded and not job.settled:
                    job.status, job.settled = "CANCELLED", True
        return self.account.abandon(moment)

    def most_at_once(self):
        return self.jobs.most_in_flight

    def settings(self, **others):
        return settings(self, **others)
