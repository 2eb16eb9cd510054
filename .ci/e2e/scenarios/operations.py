"""What whoever runs the function relies on: keys from Secrets Manager, errors of the start, metrics, jobs over a bucket."""

import json

import boto3
from results import check_summary
from sample_events import MEETING, load
from scenario import SECRETS, TOKEN, expect, extractive, hugging_face, scenario
from storage import CREDENTIALS
from transcripts import transcript

ROTATED = "hf_e2eRotatedSecretThatNoLogMayShow"
SECRETS.append(ROTATED)


def secrets_manager(world):
    return boto3.client(
        "secretsmanager",
        endpoint_url=world.storage.url,
        region_name=CREDENTIALS["AWS_REGION"],
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    )


@scenario("the key is read from Secrets Manager, and again when it has been rotated: the upload is summarized")
def rotation(world):
    secrets = secrets_manager(world)
    arn = secrets.create_secret(Name="model", SecretString=json.dumps({"HF_API_TOKEN": TOKEN}))["ARN"]
    settings = hugging_face(world, HF_API_TOKEN_SECRET_ARN=arn, AWS_ENDPOINT_URL_SECRETS_MANAGER=world.storage.url)
    del settings["HF_API_TOKEN"]
    with world.function(**settings) as function:
        world.storage.upload(MEETING, transcript(4000, 51))
        world.chat.accepts = TOKEN
        answer = function.invoke(load("s3-put", world.storage))
        expect("outcomes" in answer, f"with the key of the secret: {answer}")
        # The same sandbox goes on with the old key until it is refused.
        secrets.put_secret_value(SecretId=arn, SecretString=ROTATED)
        world.chat.accepts = ROTATED
        world.storage.upload(MEETING, transcript(4000, 52))
        world.chat.requests.clear()
        answer = function.invoke(load("s3-put", world.storage))
        expect("outcomes" in answer, f"after the rotation: {answer}")
        refused = [request for request in world.chat.requests if request["authorization"] == f"Bearer {TOKEN}"]
        expect(len(refused) == 1, f"one request with the old key should be refused, there were {len(refused)}")
        check_summary(world.storage, MEETING)


@scenario("a function with a wrong setting fails each invocation, and the answer names the variable and what is accepted")
def wrong_setting(world):
    with world.function(MODEL_PROVIDER="openai") as function:
        answer = function.invoke(load("s3-test-event"))
        message = json.dumps(answer)
        expect("MODEL_PROVIDER" in message and "extractive" in message, f"the answer is {message}")


@scenario("each upload has a line of metrics that CloudWatch reads")
def metrics(world):
    with world.function(**extractive(AWS_LAMBDA_FUNCTION_NAME="summarizer")) as function:
        world.storage.upload(MEETING, transcript(3000, 53))
        for _ in range(2):
            function.invoke(load("s3-put", world.storage))
        found = [json.loads(line) for line in function.log.splitlines() if '"_aws"' in line]
    expect(len(found) == 2, f"two invocations should write two lines of metrics, there are {len(found)}")
    done, duplicate = found
    expect((done["Done"], duplicate["Done"], duplicate["Status"]) == (1, 0, "duplicate"), f"{done} and {duplicate}")
    expect(400 < done["WordsOut"] < 600 and done["WordsIn"] > 2500, f"words in {done}")
    for line in found:
        check_metrics(line)
        expect(line["span"]["key"] == MEETING and line["span"]["job_id"], f"the line does not name its job: {line}")


@scenario("the calls of a job that fails count, and a refused key is told as such")
def metrics_of_failures(world):
    with world.function(**hugging_face(world, AWS_LAMBDA_FUNCTION_NAME="summarizer")) as function:
        world.storage.upload(MEETING, transcript(3000, 55))
        world.chat.accepts = "another key"
        function.invoke(load("s3-put", world.storage))
        found = [json.loads(line) for line in function.log.splitlines() if '"_aws"' in line]
    for line in found:
        check_metrics(line)
    (ended,) = (line for line in found if "Status" in line)
    expect((ended["Failed"], ended["Refused"], ended["Kind"]) == (1, 1, "ConfigurationError"), f"{ended}")
    counted = sum(line.get("ModelCalls", 0) for line in found)
    expect(counted == len(world.chat.requests) > 0, f"{len(world.chat.requests)} requests, and {counted} in {found}")


def check_metrics(line):
    """Every metric that the line declares has a value in it."""
    directives = line["_aws"]["CloudWatchMetrics"]
    declared = [metric["Name"] for directive in directives for metric in directive["Metrics"]]
    expect(all(isinstance(line[name], int | float) for name in declared), f"not all of {declared} in {line}")


@scenario("a task of S3 Batch Operations is done, and a second job over the same bucket pays nothing")
def batch_operations(world):
    with world.function(**hugging_face(world)) as function:
        world.storage.upload(MEETING, transcript(4000, 54))
        for name in ("s3-batch", "s3-batch-v2"):
            event = load(name)
            answer = function.invoke(event)
            expect(answer.get("invocationId") == event["invocationId"], f"{name}: {answer}")
            results = [(result["taskId"], result["resultCode"]) for result in answer["results"]]
            expect(results == [(event["tasks"][0]["taskId"], "Succeeded")], f"{name}: {answer}")
            if name == "s3-batch":
                check_summary(world.storage, MEETING)
                paid = len(world.chat.requests)
        expect(paid > 0 and len(world.chat.requests) == paid, f"{len(world.chat.requests) - paid} calls by the second job")
