"""The binary as a Lambda function, under the Runtime Interface Emulator that the SAM command line ships."""

import json
import platform
import subprocess
import urllib.error
import urllib.request

from processes import Process, free_port

ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "arm64"}
# The only name the emulator serves.
INVOKE_PATH = "/2015-03-31/functions/function/invocations"


def find_emulator(sam):
    """`sam` is the virtual environment that aws-sam-cli is installed in."""
    where = "import pathlib, samcli.local.rapid as package; print(pathlib.Path(*package.__path__))"
    found = subprocess.run([sam / "bin/python", "-c", where], capture_output=True, text=True, check=True)
    return f"{found.stdout.strip()}/aws-lambda-rie-{ARCHITECTURES[platform.machine()]}"


class Function:
    """Takes one invocation at a time: the emulator dies of two."""

    def __init__(self, emulator, binary, env, output):
        port, runtime_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{port}{INVOKE_PATH}"
        command = [
            emulator,
            "--runtime-interface-emulator-address",
            f"127.0.0.1:{port}",
            "--runtime-api-address",
            f"127.0.0.1:{runtime_port}",
            binary,
        ]
        self.process = Process(command, port, output, env)

    def __enter__(self):
        self.process.__enter__()
        return self

    def __exit__(self, *failure):
        self.process.__exit__(*failure)

    def invoke(self, event):
        """The function's answer; a failed invocation answers with `errorMessage` and `errorType`."""
        request = urllib.request.Request(self.url, json.dumps(event).encode())
        try:
            with urllib.request.urlopen(request, timeout=300) as answer:
                body = answer.read()
        except urllib.error.HTTPError as died:
            body = died.read()
        return json.loads(body)

    @property
    def log(self):
        return self.process.log
