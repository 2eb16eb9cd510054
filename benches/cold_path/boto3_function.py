"""The same function as Python makes it: boto3 and requests set up at the start, under a runtime loop as small as it can be."""

import http.client
import json
import os

import boto3
import requests

s3 = boto3.client("s3")
endpoint = requests.Session()


def handle(event):
    outcomes = []
    for record in event["Records"]:
        key = record["s3"]["object"]["key"]
        if not key.endswith(".txt") or key.startswith("summaries/"):
            outcomes.append({"key": key, "status": "skipped"})
            continue
        s3.get_object(Bucket=record["s3"]["bucket"]["name"], Key=key)["Body"].read()
        outcomes.append({"key": key, "status": "done"})
    return {"outcomes": outcomes}


def main():
    runtime = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    while True:
        runtime.request("GET", "/2018-06-01/runtime/invocation/next")
        invocation = runtime.getresponse()
        answer = handle(json.loads(invocation.read()))
        path = f"/2018-06-01/runtime/invocation/{invocation.headers['Lambda-Runtime-Aws-Request-Id']}/response"
        runtime.request("POST", path, json.dumps(answer))
        runtime.getresponse().read()


main()
