"""Simulated tasks of Amazon Polly, done at once: each leaves an audio file in the bucket that it names."""

from json_server import JsonServer


class PollyEndpoint(JsonServer):
    def __init__(self, port, write):
        """Files are written with `write`, which gets a bucket, a key and the content."""
        super().__init__(port)
        self.write = write
        self.reset()

    def reset(self):
        self.tasks = []
        # Tasks are started, and whoever starts one is not told.
        self.loses_answers = False

    def answer(self, method, path, headers, body):
        if method == "GET":
            return 200, {"SynthesisTasks": self.tasks}
        name = f"00000000-0000-4000-8000-{len(self.tasks):012}"
        bucket, key = body["OutputS3BucketName"], f"{body['OutputS3KeyPrefix']}.{name}.{body['OutputFormat']}"
        self.write(bucket, key, b"ID3")
        uri = f"https://s3.eu-central-1.amazonaws.com/{bucket}/{key}"
        task = {"TaskId": name, "TaskStatus": "scheduled", "VoiceId": body["VoiceId"], "OutputUri": uri}
        self.tasks.append(task)
        if self.loses_answers:
            return 500, {"__type": "ServiceFailureException", "message": "An unknown condition has caused a service failure."}
        return 200, {"SynthesisTask": task}
