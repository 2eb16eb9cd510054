"""AWS as MiniStack simulates it: its process, the endpoints behind it, and clients that trust it."""

import contextlib
import os
import pathlib
import sys

import boto3
import certificates
from chat_endpoint import ChatEndpoint
from polly_endpoint import PollyEndpoint
from processes import Process, free_port
from render import PSEUDO
from sagemaker_endpoint import SageMakerEndpoint

ACCOUNT, REGION = PSEUDO["AWS::AccountId"], PSEUDO["AWS::Region"]


class Cloud:
    """Policies that demand TLS hold here too, so MiniStack, the clients and the function trust an authority of this run."""

    def __init__(self, work):
        port = free_port()
        self.url = f"https://127.0.0.1:{port}"
        self.authority, self.tls = certificates.for_loopback(work)
        certificate = work / "server.pem"
        self.bedrock, self.sagemaker = ChatEndpoint(free_port()), SageMakerEndpoint(free_port())
        self.polly = PollyEndpoint(free_port(), lambda *audio: self.write(*audio))
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(work),
            "TMPDIR": str(work),
            "S3_DATA_DIR": str(work / "s3"),
            "STATE_DIR": str(work / "state"),
            "AUTH": "true",
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_REGION": REGION,
            "GATEWAY_PORT": str(port),
            "USE_SSL": "1",
            "MINISTACK_SSL_CERT": str(certificate),
            "MINISTACK_SSL_KEY": str(certificate),
            # Retries of the state machine wait for milliseconds.
            "SFN_WAIT_SCALE": "0.01",
            # What answers at Bedrock.
            "MINISTACK_BEDROCK_PROXY_URL": f"http://127.0.0.1:{self.bedrock.port}",
            # What answers where `guarded` lets requests through.
            "PYTHONPATH": str(pathlib.Path(__file__).parent),
            "GUARDED_SAGEMAKER": f"http://127.0.0.1:{self.sagemaker.port}",
            "GUARDED_POLLY": f"http://127.0.0.1:{self.polly.port}",
            # It would listen on a port of its own.
            "IOT_MTLS_ENABLED": "0",
            # The function inherits these two.
            "AWS_ENDPOINT_URL": self.url,
            "SSL_CERT_FILE": str(self.authority),
        }
        # Not the `ministack` command, which also binds port 443 where it may.
        command = [sys.executable, "-m", "hypercorn", "guarded:app", "--bind", f"127.0.0.1:{port}"]
        command += ["--certfile", certificate, "--keyfile", certificate]
        self.server = Process(command, port, work / "ministack.log", env=env, cwd=work)

    def __enter__(self):
        with contextlib.ExitStack() as started:
            for part in (self.bedrock, self.sagemaker, self.polly, self.server):
                started.enter_context(part)
            self.started = started.pop_all()
        return self

    def __exit__(self, *failure):
        self.started.__exit__(*failure)

    def write(self, bucket, key, content):
        self.client("s3").put_object(Bucket=bucket, Key=key, Body=content)

    def client(self, service):
        """With the rights of the account's root, as someone who deploys."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key="test",
            verify=str(self.authority),
        )
