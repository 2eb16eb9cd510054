"""llama.cpp's server with a tiny model, and what it counts itself."""

import http.client
import json
import os
import re
import signal
import time

from processes import Process, free_port

HERE = "127.0.0.1"
# Its own lines: one for each request that it works on, one for each that it refuses as too long or because of the key.
WORKS = re.compile(r"processing task,")
TOO_LONG = re.compile(r"exceeds the available context size|Context size has been exceeded")
UNAUTHORIZED = re.compile(r"unauthorized: Invalid API Key")
# Only a server that hangs takes as long, whatever else this machine does.
READY_SECONDS = 300
ASK_SECONDS = 60
# What `pace` takes on a machine that does nothing else.
USUAL_SECONDS = 2


class LlamaServer(Process):
    """Listens on the same port whenever it is started. What it counts and logs is that of all its runs."""

    model = None
    binary = None
    # How many times slower than usual this machine is, which all limits of time follow.
    slowness = 1

    def __init__(self, work, window, slots, *options, key=None):
        port = free_port()
        # Several threads wait for each other in loops: on a busy machine one is faster.
        command = [self.binary, "--model", self.model, "--host", HERE, "--port", port, "--threads", 1]
        command += ["--ctx-size", window, "--parallel", slots, "--metrics", "--no-ui", "--offline", *options]
        command += ["--api-key", key] if key else []
        super().__init__(command, port, work / f"server-{port}.log")
        self.url = f"http://{HERE}:{port}/v1"
        self.key = key
        self.earlier_log, self.earlier_tokens = "", (0, 0)

    def __enter__(self):
        self.start()
        self.until_ready()
        return self

    def start(self):
        """Returns when it listens, which is before it has loaded its model."""
        super().__enter__()

    def keep_tokens(self):
        """Keeps what it has counted so far for when it is killed."""
        self.earlier_tokens = self.tokens()

    def kill(self):
        """As by the system when memory runs out."""
        os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()
        self.earlier_log += super().log

    def until_ready(self):
        self.until(lambda: self.ask("GET", "/health")[0] == 200)

    def until_idle(self):
        """What a client has left is noticed with a delay."""
        self.until(lambda: self.metric("requests_processing") == self.metric("requests_deferred") == 0)

    def until(self, condition):
        deadline = time.monotonic() + READY_SECONDS * self.slowness
        while not condition():
            if time.monotonic() > deadline:
                raise RuntimeError(f"the server is not as it should be by now:\n{self.log[-2000:]}")
            time.sleep(0.05)

    def pace(self):
        """How many times longer than usual an answer takes, at least 1."""
        body = {"prompt": "word " * 128, "max_tokens": 32, "ignore_eos": True}
        began = time.monotonic()
        status, _ = self.ask("POST", "/v1/completions", json.dumps(body), 100 * USUAL_SECONDS)
        if status != 200:
            raise RuntimeError(f"the server gives no answer:\n{self.log[-2000:]}")
        return max(1, (time.monotonic() - began) / USUAL_SECONDS)

    def ask(self, method, path, body=None, seconds=None):
        """The status and the text of the reply; 0 if there is none."""
        seconds = seconds or ASK_SECONDS * self.slowness
        connection = http.client.HTTPConnection(HERE, self.port, timeout=seconds)
        try:
            connection.request(method, path, body, {"Authorization": f"Bearer {self.key}"})
            reply = connection.getresponse()
            return reply.status, reply.read().decode()
        except OSError:
            return 0, ""
        finally:
            connection.close()

    def metric(self, name):
        told = None

        def is_told():
            nonlocal told
            told = re.search(rf"^llamacpp:{name} (\S+)$", self.ask("GET", "/metrics")[1], re.MULTILINE)
            return told

        self.until(is_told)
        return int(float(told.group(1)))

    def tokens(self):
        """Tokens of prompts, those from its cache included, and of answers."""
        read = self.metric("prompt_tokens_total") + self.metric("prompt_tokens_cached_total")
        earlier_read, earlier_written = self.earlier_tokens
        return earlier_read + read, earlier_written + self.metric("tokens_predicted_total")

    @property
    def log(self):
        return self.earlier_log + super().log

    def count(self, lines):
        return len(lines.findall(self.log))
