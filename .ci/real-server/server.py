"""llama.cpp's server with a tiny model, and what it counts itself."""

import http.client
import os
import pathlib
import re
import signal
import time
import urllib.request

from processes import Process, free_port

HERE = "127.0.0.1"
# Its own lines: one for each request that it works on, one for each that it refuses as too long or because of the key.
WORKS = re.compile(r"processing task,")
TOO_LONG = re.compile(r"exceeds the available context size|Context size has been exceeded")
UNAUTHORIZED = re.compile(r"unauthorized: Invalid API Key")
READY_SECONDS = 60


class LlamaServer(Process):
    """Listens on the same port whenever it is started. Its counters begin at 0 each time, its log goes on."""

    model = None
    binary = None

    def __init__(self, work, window, slots, *options):
        port = free_port()
        command = [self.binary, "--model", self.model, "--host", HERE, "--port", port, "--threads", os.cpu_count()]
        command += ["--ctx-size", window, "--parallel", slots, "--metrics", "--no-ui", "--offline", *options]
        super().__init__(command, port, work / f"server-{port}.log", env=os.environ | {"LLAMA_LOG_COLORS": "off"})
        self.url = f"http://{HERE}:{port}/v1"
        self.earlier = ""

    def __enter__(self):
        super().__enter__()
        self.until_ready()
        return self

    def until_ready(self):
        deadline = time.monotonic() + READY_SECONDS
        while self.status("GET", "/health") != 200:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the server is not ready:\n{self.log[-2000:]}")
            time.sleep(0.05)

    def status(self, method, path, body=None):
        """The status of one request, or 0 if there is no answer."""
        connection = http.client.HTTPConnection(HERE, self.port, timeout=10)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    def kill(self):
        """As by the system when memory runs out. Keeps the log."""
        os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()
        self.earlier += self.log_of_now()

    def start_again(self):
        super().__enter__()

    def log_of_now(self):
        return pathlib.Path(self.output).read_text(errors="replace")

    @property
    def log(self):
        return self.earlier + (self.log_of_now() if self.child.poll() is None else "")

    def count(self, lines):
        return len(lines.findall(self.log))

    def tokens(self):
        """Tokens of prompts, those from its cache included, and of answers."""
        with urllib.request.urlopen(f"http://{HERE}:{self.port}/metrics", timeout=10) as reply:
            text = reply.read().decode()
        number = lambda name: int(float(re.search(rf"^llamacpp:{name} (\S+)$", text, re.MULTILINE).group(1)))
        return number("prompt_tokens_total") + number("prompt_tokens_cached_total"), number("tokens_predicted_total")

    def until_idle(self):
        """Waits until nothing is being worked on: what a client left is noticed with a delay."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            with urllib.request.urlopen(f"http://{HERE}:{self.port}/metrics", timeout=10) as reply:
                if re.search(r"^llamacpp:requests_processing 0$", reply.read().decode(), re.MULTILINE):
                    return
            time.sleep(0.1)
        raise RuntimeError("the server still works on something")
