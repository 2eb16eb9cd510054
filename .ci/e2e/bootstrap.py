"""The process of the program under the emulator, which starts it anew at the next invocation once it is dead."""

import concurrent.futures
import os
import pathlib
import re
import signal
import time

from sample_events import load

START_SECONDS = 10


def pid(function):
    """Of the running program, None if there is none."""
    emulator, binary = function.process.child.pid, os.path.realpath(function.process.command[-1])
    for status in pathlib.Path("/proc").glob("[0-9]*/status"):
        try:
            parent = int(re.search(r"^PPid:\s*(\d+)", status.read_text(), re.M).group(1))
            if parent == emulator and os.path.realpath(status.with_name("exe")) == binary:
                return int(status.parent.name)
        except (OSError, AttributeError):
            continue
    return None


def peak_bytes(function):
    """Most memory that it had in use at once."""
    status = pathlib.Path(f"/proc/{pid(function)}/status").read_text()
    return int(re.search(r"^VmHWM:\s*(\d+) kB", status, re.M).group(1)) * 1024


def send(function, number):
    """Signals the program, as soon as there is one."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if found := pid(function):
            os.kill(found, number)
            return
        time.sleep(0.01)
    raise RuntimeError(f"there is no program to signal:\n{function.log[-1000:]}")


def invoke_and_kill(function, event, seconds):
    """The answer, if it came within `seconds`, and None; otherwise None and the moment at which the program was killed."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(function.invoke, event)
        try:
            return running.result(seconds), None
        except TimeoutError:
            moment = time.monotonic()
            send(function, signal.SIGKILL)
        answer = running.result()
    if "errorType" in answer:
        return None, moment
    # It had just answered. The emulator fails the next invocation then, before it starts the program anew.
    function.invoke(load("s3-test-event"))
    return answer, None
