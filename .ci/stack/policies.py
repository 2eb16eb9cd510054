"""A policy of the function with one permission less, and what is heard of it."""

import contextlib
import copy
import json

from access import many
from deployment import eventually
from scenario import expect
from transcripts import transcript

# Of these nothing can be seen here: MiniStack writes the function's logs by itself, the bucket has no versions, and what is
# missing is answered 404 whether or not it may be listed.
UNSEEN = {"logs:CreateLogStream", "logs:PutLogEvents", "s3:GetObjectVersion", "s3:ListBucket"}
SUMMARIZE = "SummarizePolicy"


def granted(stack, policy=SUMMARIZE):
    """Statement and action of every permission that can be missed here."""
    _, document = current(stack, policy)
    pairs = [(statement["Sid"], action) for statement in document["Statement"] for action in many(statement["Action"])]
    return [pair for pair in pairs if pair[1] not in UNSEEN]


def check_named_when_missing(stack, sid, action, policy=SUMMARIZE, ending=".txt", content=None, resource=None, earlier=""):
    """Without the permission, or its `resource`, an error names it, and once it is back the upload gets its summary."""
    named = [action, resource.rsplit(":", 1)[1]] if resource else [action]
    key = f"permissions/{sid}/{'-'.join(named).translate(str.maketrans(':/', '--'))}{ending}"
    # An earlier version with its error report or summary, so that there is something to delete.
    if content is None:
        stack.upload(key, earlier)
        stack.result(key, "_summary.txt" if earlier else "_error.json")
        stack.quiet()
    stack.reset()
    with at_once_again(stack):
        with without(stack, sid, resource or action, policy):
            stack.restart()
            stack.upload(key, content or transcript(2000, 10))
            eventually(
                lambda: any(
                    all(word in text for word in named)
                    for text in [stack.found(f"summaries/{key}_error.json") or "", *stack.said()]
                ),
                lambda: f"without {named} of {sid} nothing names it: {stack.said()}",
            )
        stack.result(key)
        stack.quiet()


@contextlib.contextmanager
def without(stack, sid, missing, policy):
    """One of a statement's actions or resources is not allowed."""
    _, whole = current(stack, policy)
    less = copy.deepcopy(whole)
    (statement,) = (entry for entry in less["Statement"] if entry["Sid"] == sid)
    expect(missing in many(statement["Action"]) + many(statement["Resource"]), f"{sid} does not have {missing}")
    for element in ("Action", "Resource"):
        statement[element] = [kept for kept in many(statement[element]) if kept != missing]
    less["Statement"] = [entry for entry in less["Statement"] if entry["Action"] and entry["Resource"]]
    replace(stack, less, policy)
    try:
        yield
    finally:
        replace(stack, whole, policy)


@contextlib.contextmanager
def at_once_again(stack):
    """A message that failed comes back after seconds, not after the time that an invocation may take."""
    stack.sqs.set_queue_attributes(QueueUrl=stack.outputs["Queue"], Attributes={"VisibilityTimeout": "2"})
    try:
        yield
    finally:
        stack.sqs.set_queue_attributes(QueueUrl=stack.outputs["Queue"], Attributes={"VisibilityTimeout": "960"})


def current(stack, name):
    """The version of a policy that counts, and its document."""
    policy = stack.physical(name)
    version = stack.iam.get_policy(PolicyArn=policy)["Policy"]["DefaultVersionId"]
    found = stack.iam.get_policy_version(PolicyArn=policy, VersionId=version)["PolicyVersion"]["Document"]
    return version, json.loads(found) if isinstance(found, str) else found


def replace(stack, document, name):
    policy = stack.physical(name)
    # Updates of the stack leave versions too, and a policy has five at most.
    for version in stack.iam.list_policy_versions(PolicyArn=policy)["Versions"]:
        if not version["IsDefaultVersion"]:
            stack.iam.delete_policy_version(PolicyArn=policy, VersionId=version["VersionId"])
    stack.iam.create_policy_version(PolicyArn=policy, PolicyDocument=json.dumps(document), SetAsDefault=True)
