"""A RunPod endpoint's queue: each job is executed once, by the worker's local server, and kept with its result.

That server executes a job when its status is asked for, as often as it is asked, and then forgets it.
"""

import concurrent.futures
import dataclasses
import json
import threading
import time
import urllib.error
import urllib.request
import uuid

FINAL = {"COMPLETED", "FAILED", "CANCELLED"}
# Workers may report this much before they are done; it is not a result.
PROGRESS = "progress: half of it is written"
WORKER_SECONDS = 60


@dataclasses.dataclass
class Job:
    id: str
    input: dict
    submitted: float
    status: str = "IN_QUEUE"
    result: dict = dataclasses.field(default_factory=dict)
    started: float = 0.0
    executions: int = 0
    # The client has been told how it ended.
    settled: bool = False

    def view(self):
        shown = {"id": self.id, "status": self.status} | self.result
        if self.started:
            shown |= {"delayTime": int((self.started - self.submitted) * 1000), "workerId": "simulated"}
        return shown


class Jobs:
    """With no workers, what is submitted stays in the queue."""

    def __init__(self, worker_url, workers):
        self.worker_url = worker_url
        self.workers = workers
        self.pool = concurrent.futures.ThreadPoolExecutor(max(workers, 1))
        self.changed = threading.Condition()
        self.all = {}
        self.executions = self.failures = self.retries = self.cancelled = self.most_in_flight = 0

    def close(self):
        self.pool.shutdown(cancel_futures=True)

    def submit(self, given):
        with self.changed:
            job = Job(f"{uuid.uuid4()}-e1", given, time.monotonic())
            self.all[job.id] = job
            self.most_in_flight = max(self.most_in_flight, self.count("IN_QUEUE") + self.count("IN_PROGRESS"))
            self.enqueue(job)
            return {"id": job.id, "status": job.status}

    def enqueue(self, job):
        if self.workers:
            self.pool.submit(self.execute, job)

    def status(self, name, wait_seconds=0):
        """The job as it is now, or as soon as it has ended within `wait_seconds`; None if there is no such job."""
        with self.changed:
            job = self.all.get(name)
            if job is None:
                return None
            self.changed.wait_for(lambda: job.status in FINAL, wait_seconds)
            job.settled = job.status in FINAL
            return job.view()

    def cancel(self, name):
        with self.changed:
            job = self.all.get(name)
            if job is None:
                return None
            if job.status not in FINAL:
                job.status, job.result = "CANCELLED", {}
                self.cancelled += 1
                self.changed.notify_all()
            job.settled = True
            return {"id": job.id, "status": job.status}

    def retry(self, name):
        """None if there is no such job; an empty answer if it has not failed."""
        with self.changed:
            job = self.all.get(name)
            if job is None:
                return None
            if job.status != "FAILED":
                return {}
            job.status, job.result, job.settled = "IN_QUEUE", {}, False
            self.retries += 1
            self.enqueue(job)
            return {"id": job.id, "status": job.status}

    def health(self):
        with self.changed:
            running = self.count("IN_PROGRESS")
            return {
                "jobs": {
                    "completed": self.count("COMPLETED"),
                    "failed": self.count("FAILED"),
                    "inProgress": running,
                    "inQueue": self.count("IN_QUEUE"),
                    "retried": self.retries,
                },
                "workers": {
                    "idle": self.workers - running,
                    "running": running,
                    "initializing": 0,
                    "ready": self.workers,
                    "throttled": 0,
                    "unhealthy": 0,
                },
            }

    def count(self, status):
        return sum(job.status == status for job in self.all.values())

    def unaccounted(self):
        """Jobs that the client neither saw the end of nor cancelled."""
        with self.changed:
            return [job.id for job in self.all.values() if not job.settled]

    def execute(self, job):
        with self.changed:
            if job.status != "IN_QUEUE":
                return
            job.status, job.result, job.started = "IN_PROGRESS", {"output": PROGRESS}, time.monotonic()
            job.executions += 1
            self.executions += 1
        result = self.ask_worker(job.input)
        with self.changed:
            # It may have been cancelled meanwhile.
            if job.status == "IN_PROGRESS":
                job.status = "FAILED" if "error" in result else "COMPLETED"
                job.result = result
                self.failures += "error" in result
                self.changed.notify_all()

    def ask_worker(self, given):
        try:
            accepted = post(f"{self.worker_url}/run", {"input": given})
            answer = post(f"{self.worker_url}/status/{accepted['id']}", {})
        except (OSError, ValueError) as broken:
            return {"error": f"the worker is broken: {broken}"}
        return as_in_production(answer)


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=WORKER_SECONDS) as answer:
        return json.loads(answer.read())


def as_in_production(answer):
    """What the local server leaves out: a generator's error object fails the job, written as Python writes it."""
    output = answer.get("output")
    for part in output if isinstance(output, list) else []:
        if isinstance(part, dict) and part.get("error"):
            return {"error": str(part["error"])}
    return {name: answer[name] for name in ("output", "error") if name in answer}
