"""A bucket, and S3 as moto simulates it: one bucket, named as in the sample events."""

import boto3
import botocore.exceptions

from processes import Process, free_port

BUCKET = "transcripts"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}


class Bucket:
    def __init__(self, client, name):
        self.client = client
        self.name = name

    def clear(self):
        for key in self.keys():
            self.client.delete_object(Bucket=self.name, Key=key)

    def upload(self, key, text):
        self.client.put_object(Bucket=self.name, Key=key, Body=text.encode())

    def keys(self):
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def read(self, key):
        return self.client.get_object(Bucket=self.name, Key=key)["Body"].read().decode()

    def head(self, key):
        """The object's etag, size, content type and metadata, or None if there is no such object."""
        try:
            found = self.client.head_object(Bucket=self.name, Key=key)
        except botocore.exceptions.ClientError:
            return None
        return {
            "etag": found["ETag"].strip('"'),
            "size": found["ContentLength"],
            "content_type": found["ContentType"],
            "metadata": found["Metadata"],
        }


class Storage(Bucket):
    def __init__(self, moto_server, work):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.server = Process([moto_server, "--host", "127.0.0.1", "--port", port], port, work / "moto.log")
        client = boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name=CREDENTIALS["AWS_REGION"],
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )
        super().__init__(client, BUCKET)

    def __enter__(self):
        self.server.__enter__()
        self.client.create_bucket(Bucket=self.name)
        return self

    def __exit__(self, *failure):
        self.server.__exit__(*failure)
