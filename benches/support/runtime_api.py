"""A simulated Lambda runtime API that gives a new process one invocation and tells when, and at what cost, it was answered."""

import contextlib
import dataclasses
import os
import pathlib
import re
import socket
import subprocess
import threading
import time

INVOCATION_SECONDS = 900
ENDING = b"\r\n\r\n"


@dataclasses.dataclass
class FirstAnswer:
    """Seconds from the spawn, CPU seconds in user and system mode until then, most bytes in memory until then."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    body: str


def first_answer(command, event, env=None):
    """Runs `command` until it has answered `event`, and ends it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        answered = threading.Event()
        answer = {}
        threading.Thread(target=accept, args=(listener, event, answer, answered), daemon=True).start()
        api = "127.0.0.1:%d" % listener.getsockname()[1]
        began = time.perf_counter()
        child = subprocess.Popen(
            [str(part) for part in command],
            env={**lambda_environment(), **(env or {}), "AWS_LAMBDA_RUNTIME_API": api},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            if not answered.wait(timeout=INVOCATION_SECONDS):
                raise RuntimeError(f"{command[0]} gave no answer")
            peak = peak_bytes(child.pid)
        finally:
            child.kill()
            # Unlike the clock ticks in /proc/PID/stat this is exact. What the process does after its answer is waiting.
            _, _, used = os.wait4(child.pid, 0)
            child.returncode = -9
        if b"errorType" in answer["body"]:
            raise RuntimeError(f"{command[0]} answered {answer['body'][:500]}")
        return FirstAnswer(
            seconds=answer["at"] - began,
            cpu_seconds=used.ru_utime + used.ru_stime,
            peak_bytes=peak,
            body=answer["body"].decode(),
        )


def lambda_environment():
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "AWS_LAMBDA_FUNCTION_NAME": "summarizer",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_LOG_STREAM_NAME": "log",
        "AWS_LAMBDA_LOG_GROUP_NAME": "log",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def peak_bytes(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) * 1024


def accept(listener, event, answer, answered):
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=serve, args=(connection, event, answer, answered), daemon=True).start()


def serve(connection, event, answer, answered):
    """Speaks just enough HTTP: the rest of the time would be this server's, not the function's."""
    received = b""
    with connection, contextlib.suppress(OSError):
        while True:
            while ENDING not in received:
                received += (more := connection.recv(65536))
                if not more:
                    return
            head, received = received.split(ENDING, 1)
            length = re.search(rb"(?i)content-length: *(\d+)", head)
            chunked = re.search(rb"(?i)transfer-encoding: *chunked", head)
            while len(received) < (int(length.group(1)) if length else 0) or chunked and not received.endswith(b"0" + ENDING):
                received += connection.recv(65536)
            if head.startswith(b"GET"):
                if answered.is_set() or answer.get("given"):
                    # Nothing more to do: Lambda would freeze the process here.
                    answered.wait()
                    threading.Event().wait()
                answer["given"] = True
                connection.sendall(invocation(event))
            else:
                answer.update(at=time.perf_counter(), body=received)
                answered.set()
                connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
            received = b""


def invocation(event):
    deadline = int((time.time() + INVOCATION_SECONDS) * 1000)
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        "Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n"
        f"Lambda-Runtime-Deadline-Ms: {deadline}\r\n"
        "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-central-1:123456789012:function:summarizer\r\n"
        "Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0\r\n"
        f"Content-Length: {len(event)}\r\n\r\n"
    )
    return head.encode() + event
