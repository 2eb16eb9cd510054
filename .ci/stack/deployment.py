"""The deployed stack: how it is created, changed and deleted, and how to look at what it did."""

import contextlib
import copy
import io
import json
import time
import zipfile

import botocore.exceptions
from access import many
from cloud import REGION
from render import PSEUDO, Stack, source_of
from scenario import Failed, expect
from storage import Bucket

NAME = PSEUDO["AWS::StackName"]
TEMPLATE = "template.yaml"
ARTIFACTS, CODE = "artifacts", "code.zip"
PARAMETERS = {"NotificationEmail": "someone@example.org", "SummaryWords": "500"}
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
OPERATIONS = {"bedrock:InvokeModel": "bedrock:Converse", "bedrock:InvokeModelWithResponseStream": "bedrock:ConverseStream"}
DEPLOY_SECONDS = 60
LOOK_SECONDS = 20


class Deployment:
    def __init__(self, cloud, binary):
        self.cloud = cloud
        self.stacks, self.lambdas, self.iam = cloud.client("cloudformation"), cloud.client("lambda"), cloud.client("iam")
        self.sqs, self.sns, self.logs = cloud.client("sqs"), cloud.client("sns"), cloud.client("logs")
        self.s3 = cloud.client("s3")
        self.s3.create_bucket(Bucket=ARTIFACTS, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.s3.put_object(Bucket=ARTIFACTS, Key=CODE, Body=zipped(binary))
        self.parameters = {}
        self.deploy(**PARAMETERS)
        self.storage = Bucket(self.s3, self.outputs["Bucket"])
        self.mail = Mailbox(self, self.physical("NotificationTopic"))

    def deploy(self, **changed):
        """Creates the stack, or changes these of its parameters."""
        action = self.stacks.update_stack if self.parameters else self.stacks.create_stack
        self.parameters |= changed
        # It is too long to be sent with the request, as it is for AWS.
        self.s3.put_object(Bucket=ARTIFACTS, Key="template.json", Body=json.dumps(deployable(self.parameters)).encode())
        action(
            StackName=NAME,
            TemplateURL=f"{self.cloud.url}/{ARTIFACTS}/template.json",
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in self.parameters.items()],
            Capabilities=CAPABILITIES,
        )
        stack = self.settled()
        expect(
            stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"),
            f"the stack is {stack['StackStatus']}: {self.failures()}",
        )
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    @contextlib.contextmanager
    def changed(self, **parameters):
        """The stack with other parameters, which are put back."""
        before = {name: self.parameters.get(name) for name in parameters}
        self.deploy(**parameters)
        try:
            yield
            # An invocation that an update ends leaves its message invisible for as long as it might have run.
            self.quiet()
        finally:
            defaults = source_of(TEMPLATE)["Parameters"]
            self.deploy(**{name: str(defaults[name]["Default"]) if old is None else old for name, old in before.items()})

    def refusal(self, parameters):
        """What an update with only these parameters is refused with; the stack has to stay as it was."""
        before = self.described()[0]["Parameters"]
        try:
            self.stacks.update_stack(
                StackName=NAME,
                UsePreviousTemplate=True,
                Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
                Capabilities=CAPABILITIES,
            )
        except botocore.exceptions.ClientError as error:
            expect(self.described()[0]["Parameters"] == before, "the stack has changed")
            return str(error)
        self.settled()
        raise Failed(f"{parameters} were not refused")

    def settled(self):
        return eventually(
            lambda: next((stack for stack in self.described() if not stack["StackStatus"].endswith("_IN_PROGRESS")), None),
            f"the stack is not done after {DEPLOY_SECONDS} seconds",
            DEPLOY_SECONDS,
        )

    def described(self):
        return self.stacks.describe_stacks(StackName=NAME)["Stacks"]

    def failures(self):
        events = self.stacks.describe_stack_events(StackName=NAME)["StackEvents"]
        failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
        return [f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}" for event in failed]

    def physical(self, name):
        """What a resource of the template became: its name or ARN."""
        found = self.stacks.describe_stack_resource(StackName=NAME, LogicalResourceId=name)
        return found["StackResourceDetail"]["PhysicalResourceId"]

    def reset(self):
        """Scenarios use keys of their own, and see only what was said and sent since they began."""
        self.since, self.logged = int(time.time() * 1000), len(self.cloud.server.log)
        self.mail.forget()

    def restart(self):
        """The next invocation starts the function anew."""
        self.lambdas.update_function_code(FunctionName=self.outputs["Function"], S3Bucket=ARTIFACTS, S3Key=CODE)

    def upload(self, key, content):
        body = content.encode() if isinstance(content, str) else content
        self.s3.put_object(Bucket=self.storage.name, Key=key, Body=body)

    def result(self, key, ending="_summary.txt"):
        """The text of a result, once it is there."""
        name = f"summaries/{key}{ending}"
        eventually(lambda: self.found(name) is not None, lambda: f"there is no {name}. {self.said()}")
        return self.storage.read(name)

    def found(self, key):
        """The text of an object that may come and go, or None."""
        try:
            return self.storage.read(key)
        except self.s3.exceptions.NoSuchKey:
            return None

    def said(self):
        """The function's log lines since the scenario began. What it says when it cannot start stands in MiniStack's own log."""
        group = self.physical("SummarizerLogs")
        pages = self.logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=self.since)
        lines = [event["message"].strip() for page in pages for event in page["events"]]
        refusals = [line for line in self.cloud.server.log[self.logged :].splitlines() if "init error" in line]
        return [line for line in lines if line.startswith("{") and '"_aws"' not in line] + refusals

    def waiting(self, queue="Queue"):
        """Messages in a queue: ready, and put back or in work."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.outputs[queue], AttributeNames=names)["Attributes"]
        return tuple(int(found[name]) for name in names)

    def quiet(self):
        """Waits until the queue is empty."""
        eventually(lambda: self.waiting() == (0, 0), lambda: f"the queue still has {self.waiting()} messages. {self.said()}")


class Mailbox:
    """A queue that subscribes to the topic, as the reader of the mail does."""

    def __init__(self, deployment, topic):
        self.sqs = deployment.sqs
        self.url = self.sqs.create_queue(QueueName="mailbox")["QueueUrl"]
        queue = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns = {"Service": "sns.amazonaws.com"}
        allowed = {"Effect": "Allow", "Principal": sns, "Action": "sqs:SendMessage", "Resource": queue}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": policy})
        deployment.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"})
        self.received = []

    def forget(self):
        self.fetch()
        self.received = []

    def fetch(self):
        while messages := self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages"):
            self.received += [message["Body"] for message in messages]
            for message in messages:
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return self.received

    def about(self, name):
        """The one mail that has this in it, once it is there."""
        found = eventually(
            lambda: [mail for mail in self.fetch() if name in mail],
            lambda: f"no mail has {name!r}: {self.received}",
        )
        expect(len(found) == 1, f"{len(found)} mails have {name!r}: {found}")
        return found[0]


def zipped(binary):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, binary.read_bytes())
    return file.getvalue()


def deployable(parameters):
    """The template, with what MiniStack 1.5 gets wrong written out.

    Its conditions know neither Fn::Split nor Fn::Sub, and a MaximumConcurrency from a parameter stays a text. It calls the actions
    of Bedrock by its operations, and knows neither the resources nor the conditions of Transcribe's, nor S3's condition on
    If-None-Match, nor saved queries.
    """
    template = copy.deepcopy(source_of(TEMPLATE))
    stack = Stack(TEMPLATE, parameters)
    template["Globals"]["Function"]["CodeUri"] = f"s3://{ARTIFACTS}/{CODE}"
    template["Conditions"] = {name: {"Fn::Equals": [str(holds), "True"]} for name, holds in stack.conditions.items()}
    uploads = template["Resources"]["SummarizerFunction"]["Properties"]["Events"]["Uploads"]["Properties"]
    uploads["ScalingConfig"]["MaximumConcurrency"] = int(stack.parameters["MaximumConcurrency"])
    for name in ("SummarizePolicy", "TranscribePolicy"):
        for entry in template["Resources"][name]["Properties"]["PolicyDocument"]["Statement"]:
            statement = entry.get("Fn::If", [None, entry])[1]
            statement["Action"] = [OPERATIONS.get(action, action) for action in many(statement["Action"])]
            if str(statement["Action"]).startswith("['transcribe:"):
                statement |= {"Resource": "*"}
                statement.pop("Condition", None)
    for entry in template["Resources"]["ApiPolicy"]["Properties"]["PolicyDocument"]["Statement"]:
        if entry.get("Sid") == "SendUploads":
            entry.pop("Condition")
    kinds = template["Resources"].items()
    template["Resources"] = {name: of for name, of in kinds if of["Type"] != "AWS::Logs::QueryDefinition"}
    return template


def eventually(look, otherwise, seconds=LOOK_SECONDS):
    """What `look` finds, as soon as it is not false."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise Failed(otherwise() if callable(otherwise) else otherwise)
        time.sleep(0.1)
    return found
