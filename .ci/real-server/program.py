"""The program as a command, over a directory, and what its ledger and its report say."""

import json
import pathlib
import signal
import subprocess
import time

from server import LlamaServer

# Only a program that hangs takes as long, whatever else this machine does.
PATIENCE_SECONDS = 900


class Program:
    binary = None
    # The processes of all programs that were started.
    started = []

    def __init__(self, work, server, transcript, words, **settings):
        self.folder = pathlib.Path(work)
        self.folder.mkdir()
        (self.folder / "meeting.txt").write_text(transcript)
        self.words = words
        self.env = {"HF_ENDPOINT_URL": server.url, "HF_MODEL": "tiny", "MODEL_CONTEXT_TOKENS": "2048"} | settings
        self.output = ""

    def start(self):
        command = [self.binary, "summarize", "meeting.txt", "--words", str(self.words), "--trace", "trace"]
        self.child = subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(self.child)
        return self

    @classmethod
    def end_all(cls):
        """Ends those that a case has left when it failed."""
        for child in cls.started:
            if child.poll() is None:
                child.kill()
                child.communicate()
        cls.started.clear()

    def wait(self):
        """Its exit status."""
        try:
            patience = PATIENCE_SECONDS * LlamaServer.slowness
            self.output, _ = self.child.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.output, _ = self.child.communicate()
            raise RuntimeError(f"the program is still running:\n{self.output[-1000:]}")
        return self.child.returncode

    def run(self):
        return self.start().wait()

    def kill(self):
        self.child.send_signal(signal.SIGKILL)
        self.child.communicate()

    def records(self, ending):
        found = self.folder.glob(f"summaries/.work/*/calls/*.{ending}")
        return [json.loads(path.read_text()) for path in found]

    def until_answers(self, most):
        """Waits until so many answers are recorded, or the program has ended."""
        deadline = time.monotonic() + PATIENCE_SECONDS * LlamaServer.slowness
        while self.child.poll() is None and len(self.records("out")) < most and time.monotonic() < deadline:
            time.sleep(0.02)

    @property
    def summary(self):
        path = self.folder / "summaries/meeting.txt_summary.txt"
        return path.read_text() if path.exists() else None

    @property
    def report(self):
        path = self.folder / "summaries/meeting.txt_summary.json"
        return json.loads(path.read_text()) if path.exists() else None

    def calls(self):
        """Every call that has ended, as it was traced."""
        return [json.loads(path.read_text()) for path in sorted(self.folder.glob("trace/*.json"))]

    def answered(self):
        return [call for call in self.calls() if "text" in call["answer"]]

    def tokens(self):
        """Tokens of prompts and of answers, as they were told with each answer but those that were left before their end."""
        usage = [call["answer"]["usage"] for call in self.answered() if call["answer"]["usage"]]
        return sum(one["prompt_tokens"] for one in usage), sum(one["completion_tokens"] for one in usage)
