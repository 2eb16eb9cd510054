"""RunPod's public API in front of the SDK's local server, which has neither its paths nor its life of a job.

Remembers what it was asked, and with `fault_every` answers each so many-th request as an overloaded or broken gateway
does. A faulty answer to a submission means that there is no job.
"""

import collections
import http.server
import json
import re
import threading
import urllib.parse

from runpod_jobs import Jobs

ENDPOINT = "e2e0simulated"
LONGEST_WAIT_SECONDS = 30
HTML = "<!DOCTYPE html><html><head><title>api.runpod.ai | 502: Bad gateway</title></head><body>cf-ray</body></html>"
FAULTS = [
    (429, {"Retry-After": "1"}, {"error": "too many requests"}),
    (502, {}, HTML),
    (500, {}, "Internal Server Error"),
]
NOT_FOUND = (404, {}, "404 page not found")


class RunPodAdapter:
    def __init__(self, worker_url, key, workers=4, status_sync=True, fault_every=0):
        self.jobs = Jobs(worker_url, workers)
        self.key = key
        self.status_sync = status_sync
        self.fault_every = fault_every
        self.lock = threading.Lock()
        # Every request, those that were refused too.
        self.requests = []
        self.faults = 0

    def __enter__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler_for(self))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/v2/{ENDPOINT}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.jobs.close()

    @property
    def operations(self):
        """How often each was asked for: `run`, `status`, `status-sync`, `retry`, `cancel`, `health`."""
        return collections.Counter(request["operation"] for request in self.requests)

    @property
    def submitted(self):
        """The bodies that became jobs, and those that met a fault."""
        return [request["body"] for request in self.requests if request["operation"] == "run"]

    def take(self, method, path, headers, content):
        """The status, headers and content of the answer to one request."""
        address = urllib.parse.urlsplit(path)
        route = re.fullmatch(rf"/v2/{ENDPOINT}/([a-z-]+)(?:/([^/]+))?", address.path)
        operation, name = route.groups() if route else (address.path, None)
        body = json.loads(content) if content else None
        fault = self.remember({"method": method, "operation": operation, "body": body})
        if headers.get("Authorization") != f"Bearer {self.key}":
            return 401, {}, {"error": "unauthorized"}
        if fault:
            return fault
        query = urllib.parse.parse_qs(address.query)
        return self.answer(method, operation, name, body, query)

    def remember(self, request):
        """The fault that it meets, if any."""
        with self.lock:
            self.requests.append(request)
            if not self.fault_every or len(self.requests) % self.fault_every:
                return None
            self.faults += 1
            return FAULTS[self.faults % len(FAULTS)]

    def answer(self, method, operation, name, body, query):
        match method, operation:
            case "POST", "run":
                if not isinstance(body, dict) or not isinstance(body.get("input"), dict) or not body["input"]:
                    return 400, {}, {"error": "input is required"}
                return 200, {}, self.jobs.submit(body["input"])
            case "GET", "status":
                return found(self.jobs.status(name))
            case "GET", "status-sync" if self.status_sync:
                wait = int(query.get("wait", ["90000"])[0]) / 1000
                return found(self.jobs.status(name, min(wait, LONGEST_WAIT_SECONDS)))
            case "POST", "cancel":
                return found(self.jobs.cancel(name))
            case "POST", "retry":
                again = self.jobs.retry(name)
                return (400, {}, {"error": "only a failed job can be retried"}) if again == {} else found(again)
            case "GET", "health":
                return 200, {}, self.jobs.health()
        return NOT_FOUND


def found(job):
    return (200, {}, job) if job else (404, {}, {"error": "job not found"})


def handler_for(adapter):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.respond()

        def do_POST(self):
            self.respond()

        def respond(self):
            content = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            status, headers, answer = adapter.take(self.command, self.path, self.headers, content)
            if isinstance(answer, str):
                kind = "text/html" if answer.startswith("<") else "text/plain"
            else:
                kind, answer = "application/json", json.dumps(answer)
            self.send_response(status)
            for name, value in ({"Content-Type": kind} | headers).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.encode())))
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, *_):
            """Requests are remembered, not printed."""

    return Handler
