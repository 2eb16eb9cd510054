"""S3 as moto simulates it: one bucket, named as in the sample events."""

import boto3
import botocore.exceptions

from processes import Process, free_port

BUCKET = "transcripts"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}


class Storage:
    def __init__(self, moto_server, work):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.server = Process([moto_server, "--host", "127.0.0.1", "--port", port], port, work / "moto.log")

    def __enter__(self):
        self.server.__enter__()
        self.client = boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name=CREDENTIALS["AWS_REGION"],
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )
        self.client.create_bucket(Bucket=BUCKET)
        return self

    def __exit__(self, *failure):
        self.server.__exit__(*failure)

    def clear(self):
        for key in self.keys():
            self.client.delete_object(Bucket=BUCKET, Key=key)

    def upload(self, key, text):
        self.client.put_object(Bucket=BUCKET, Key=key, Body=text.encode())

    def keys(self):
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def read(self, key):
        return self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()

    def head(self, key):
        """The object's etag, size, content type and metadata, or None if there is no such object."""
        try:
            found = self.client.head_object(Bucket=BUCKET, Key=key)
        except botocore.exceptions.ClientError:
            return None
        return {
            "etag": found["ETag"].strip('"'),
            "size": found["ContentLength"],
            "content_type": found["ContentType"],
            "metadata": found["Metadata"],
        }
