"""Child processes: each in a group of its own that is ended with it, its output in a file."""

import os
import pathlib
import signal
import socket
import subprocess
import time

START_SECONDS = 60


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Process:
    """A server on a loopback port, ready when the `with` block begins."""

    def __init__(self, command, port, output, env=None, cwd=None):
        self.command = [str(part) for part in command]
        self.port = port
        self.output = pathlib.Path(output)
        self.env = env
        self.cwd = cwd

    def __enter__(self):
        with self.output.open("wb") as output:
            self.child = subprocess.Popen(
                self.command,
                env=self.env,
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self.wait_until_it_listens()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def wait_until_it_listens(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.child.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"{self.command[0]} does not listen on port {self.port}:\n{self.log[-2000:]}")

    def stop(self):
        for how in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.child.pid, how)
                self.child.wait(timeout=5)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self.child.wait()

    @property
    def log(self):
        return self.output.read_text(errors="replace")
