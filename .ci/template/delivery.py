"""Whether an upload reaches the function, and nothing is lost on the way. Each rule yields its complaints."""

import pathlib
import re

from access import many, statements

FOURTEEN_DAYS = 14 * 24 * 3600
WORKERS = ("SummarizerFunction", "BackfillFunction")
RECORDING_RULES = {"": set(), "amazon": {"RecordingRule", "TranscriptionRule"}, "runpod": {"RecordingRule"}}


def queue_keeps_what_it_was_given(stack):
    longest = stack.specifications["Timeout"]["MaxValue"]
    dead_letters = [name for name, queue in stack.of_type("AWS::SQS::Queue") if "RedrivePolicy" not in queue]
    if not {"DeadLetterQueue"} <= set(dead_letters) <= {"DeadLetterQueue", "ResultDeadLetterQueue"}:
        yield f"expected a dead-letter queue for uploads, and one for results: {dead_letters}"
    for name, queue in stack.of_type("AWS::SQS::Queue"):
        if queue.get("MessageRetentionPeriod") != FOURTEEN_DAYS:
            yield f"{name}: keeps messages for less than 14 days"
        if name in dead_letters:
            continue
        if queue.get("VisibilityTimeout", 30) < longest + 60:
            yield f"{name}: shows a message again while its invocation may still run"
        if queue["RedrivePolicy"]["maxReceiveCount"] != 100:
            yield f"{name}: maxReceiveCount is not 100, but each slice of a long job counts"
        if queue["RedrivePolicy"]["deadLetterTargetArn"] != stack.arn("DeadLetterQueue"):
            yield f"{name}: its dead letters go elsewhere"


def function_answers_per_message(stack):
    mappings = stack.of_type("AWS::Lambda::EventSourceMapping")
    if len(mappings) != 1:
        yield f"expected one event source mapping: {len(mappings)}"
    for name, mapping in mappings:
        if mapping.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
            yield f"{name}: ReportBatchItemFailures is missing, so failures would be deleted"
        if mapping.get("BatchSize") != 1:
            yield f"{name}: BatchSize is not 1"
        if not mapping.get("ScalingConfig", {}).get("MaximumConcurrency"):
            yield f"{name}: MaximumConcurrency is missing"
        function = stack.resources[mapping["FunctionName"]]["Properties"]
        if "ReservedConcurrentExecutions" in function:
            yield f"{mapping['FunctionName']}: reserved concurrency lets messages of the queue die unread"


def uploads_reach_the_queue(stack):
    existing = stack.parameters["ExistingBucket"]
    if bool(existing) == bool(stack.of_type("AWS::S3::Bucket")):
        yield "a bucket is made although one exists, or none is made"
    (queue,) = (name for name, queue in stack.of_type("AWS::SQS::Queue") if "RedrivePolicy" in queue)
    for _, bucket in stack.of_type("AWS::S3::Bucket"):
        sent_to = {item["Queue"] for item in bucket["NotificationConfiguration"]["QueueConfigurations"]}
        if sent_to != {stack.arn(queue)}:
            yield "the bucket does not notify the queue"
    rules = {rule for rule, properties in stack.of_type("AWS::Events::Rule") if stack.arn(queue) in targets(properties)}
    wanted = ({"UploadRule"} if existing else set()) | RECORDING_RULES[stack.parameters["Transcriber"]]
    if rules != wanted:
        yield f"the rules {sorted(rules)} send to the queue, and not {sorted(wanted)}"
    senders = {stack.arn(name) for name in rules} | {stack.arn(name) for name, _ in stack.of_type("AWS::S3::Bucket")}
    if senders_allowed(stack, "sqs:SendMessage", stack.arn(queue)) != senders:
        yield f"the queue does not take messages of {sorted(senders)} and of nobody else"


def every_ending_is_delivered_and_read(stack):
    prefix, suffixes = stack.parameters["InputPrefix"], stack.parameters["InputSuffixes"].split(",")
    for name, function in stack.of_type("AWS::Lambda::Function"):
        if function["Environment"]["Variables"].get("INPUT_SUFFIXES", "").split(",") != suffixes:
            yield f"{name}: reads other endings than {suffixes}"
    for _, bucket in stack.of_type("AWS::S3::Bucket"):
        rules = [item["Filter"]["S3Key"]["Rules"] for item in bucket["NotificationConfiguration"]["QueueConfigurations"]]
        found = [{rule["Name"]: rule["Value"] for rule in of_one} for of_one in rules]
        if found != [{"suffix": suffix} | ({"prefix": prefix} if prefix else {}) for suffix in suffixes]:
            yield f"the bucket announces {found}, and not each of {suffixes}"
    patterns = [f"{prefix}*{suffix}" for suffix in suffixes]
    for name, rule in stack.of_type("AWS::Events::Rule"):
        keys = wildcards(rule)
        if name == "UploadRule" and keys != patterns:
            yield f"{name}: passes on {keys}, and not {patterns}"
    for sid, found in (
        ("ReadTranscriptsAndState", lambda statement: [arn.split("/", 1)[1] for arn in many(statement["Resource"])]),
        ("TellMissingFromForbidden", lambda statement: statement.get("Condition", {}).get("StringLike", {}).get("s3:prefix", [])),
    ):
        for name, _, statement in statements(stack):
            wanted = [stack.parameters["OutputPrefix"] + "*", *patterns]
            if statement.get("Sid") == sid and sorted(found(statement)) != sorted(wanted):
                yield f"{name}, statement {sid}: is for {found(statement)}, and not for {wanted}"


def summarizers(stack):
    """All functions but that of the API, which starts nothing."""
    functions = stack.of_type("AWS::Lambda::Function")
    return [(name, function) for name, function in functions if "API" not in function["Environment"]["Variables"]]


def recordings_are_transcribed(stack):
    """They reach the function, which may do what that takes, with what the program names."""
    source = pathlib.Path("src/transcriber.rs").read_text(encoding="utf-8")
    endings = re.findall(r'"(\.\w+)"', re.search(r"RECORDING_ENDINGS[^=]*= \[(.*?)\]", source, re.DOTALL).group(1))
    output = re.search(r'"TRANSCRIPT_PREFIX",.*?\.or\("([^"]*)"\)', source, re.DOTALL).group(1)
    if stack.specifications["TranscriptPrefix"]["Default"] != output:
        yield f"TranscriptPrefix is not {output} by default, as the program's is"
    policies = [name for name, _ in stack.of_type("AWS::IAM::ManagedPolicy") if name == "TranscribePolicy"]
    transcriber = stack.parameters["Transcriber"]
    if transcriber != "amazon" and any("transcribe:" in str(statement["Action"]) for _, _, statement in statements(stack)):
        yield "Amazon Transcribe may be used although it transcribes no recordings"
    if not transcriber:
        if policies:
            yield "recordings may be read although none are transcribed"
        return
    patterns = [f"{stack.parameters['InputPrefix']}*{ending}" for ending in endings]
    folder = stack.parameters["TranscriptPrefix"] + "*"
    found = [wildcards(rule) for name, rule in stack.of_type("AWS::Events::Rule") if name == "RecordingRule"]
    if found != [patterns]:
        yield f"RecordingRule: passes on {found}, and not {patterns}"
    of_policy = {statement["Sid"]: statement for name, _, statement in statements(stack) if name == "TranscribePolicy"}
    for sid, wanted, found in (
        ("ReadRecordings", patterns, keys_of(of_policy["ReadRecordings"])),
        ("KeepTranscripts", [folder], keys_of(of_policy["KeepTranscripts"])),
        (
            "TellMissingRecordingsFromForbidden",
            [folder, *patterns],
            of_policy["TellMissingRecordingsFromForbidden"]["Condition"]["StringLike"]["s3:prefix"],
        ),
    ):
        if found != wanted:
            yield f"TranscribePolicy, statement {sid}: is for {found}, and not for {wanted}"
    for name, function in summarizers(stack):
        variables = function["Environment"]["Variables"]
        if variables.get("TRANSCRIPT_PREFIX", "") + "*" != folder:
            yield f"{name}: puts transcripts elsewhere than in {folder}"
        role = stack.resources[function["Role"].rsplit(":", 1)[-1]]["Properties"]
        if stack.arn("TranscribePolicy") not in role["ManagedPolicyArns"]:
            yield f"{name}: may not have recordings transcribed"
    yield from runs_at_runpod(stack) if transcriber == "runpod" else runs_at_amazon(stack, of_policy, folder)


def runs_at_runpod(stack):
    """The functions know the endpoint and its key."""
    secret = stack.parameters["TranscriberSecretArn"] or None
    for name, function in summarizers(stack):
        variables = function["Environment"]["Variables"]
        if variables.get("TRANSCRIBER_RUNPOD_ENDPOINT_URL") != stack.parameters["TranscriberRunPodEndpointUrl"]:
            yield f"{name}: does not know the endpoint that transcribes"
        if variables.get("TRANSCRIBER_RUNPOD_API_KEY_SECRET_ARN") != secret:
            yield f"{name}: does not know the key of the endpoint that transcribes"


def runs_at_amazon(stack, of_policy, folder):
    """Jobs write into the folder alone, and have the names that the stack's events and permissions are for."""
    (bucket,) = {arn.split("/")[0].rsplit(":", 1)[1] for arn in many(of_policy["KeepTranscripts"]["Resource"])}
    narrowed = {"StringEquals": {"transcribe:OutputBucketName": bucket}, "StringLike": {"transcribe:OutputKey": folder}}
    if of_policy["StartTranscriptions"].get("Condition") != narrowed:
        yield f"TranscribePolicy, statement StartTranscriptions: is not narrowed to {narrowed}"
    details = [rule["EventPattern"]["detail"] for _, rule in stack.of_type("AWS::Events::Rule")]
    named = [entry["prefix"] for detail in details for entry in detail.get("TranscriptionJobName", [])]
    name_prefix = "".join(named)
    for name, function in workers(stack):
        variables = function["Environment"]["Variables"]
        if variables.get("TRANSCRIBE_JOB_PREFIX") != name_prefix:
            yield f"{name}: its transcriptions are not named {name_prefix}, as those of its events are"
    jobs = [arn.rsplit("/", 1)[1] for arn in many(of_policy["FollowTranscriptions"]["Resource"])]
    if jobs != [name_prefix + "*"]:
        yield f"TranscribePolicy, statement FollowTranscriptions: is for {jobs}, and not for {name_prefix}*"


def summaries_are_read_out(stack):
    """Those who may do so are the functions, and only where it is wanted."""
    speaks = stack.parameters["Speech"] == "polly"
    allowed = [name for name, _, statement in statements(stack) if "polly:" in str(statement["Action"])]
    if allowed != (["SpeakPolicy"] if speaks else []):
        yield f"Amazon Polly may be used by {allowed or 'nobody'}"
    audio = [stack.parameters["OutputPrefix"] + "*.mp3"] if speaks else []
    removed = [keys_of(statement) for _, _, statement in statements(stack) if statement.get("Sid") == "ForgetSpeech"]
    if removed != ([audio] if speaks else []):
        yield f"outdated speech: {removed} may be removed, and not {audio}"
    for name, function in workers(stack):
        role = stack.resources[function["Role"].rsplit(":", 1)[-1]]["Properties"]
        if (stack.arn("SpeakPolicy") in role["ManagedPolicyArns"]) != speaks:
            yield f"{name}: may have summaries read out although Speech is {stack.parameters['Speech'] or 'empty'}, or may not"
        if function["Environment"]["Variables"].get("SPEECH", "") != stack.parameters["Speech"]:
            yield f"{name}: SPEECH is not the parameter"


def workers(stack):
    """The functions that summarize."""
    return [(name, function) for name, function in stack.of_type("AWS::Lambda::Function") if name in WORKERS]


def keys_of(statement):
    return [arn.split("/", 1)[1] for arn in many(statement["Resource"])]


def wildcards(rule):
    keys = rule["EventPattern"]["detail"].get("object", {}).get("key", [])
    return [key["wildcard"] for key in keys]


def endings_are_those_of_the_program(stack):
    source = pathlib.Path("src/job/config.rs").read_text(encoding="utf-8")
    found = re.search(r'"INPUT_SUFFIXES",.*?\.or\("([^"]*)"\)', source, re.DOTALL)
    default = stack.specifications["InputSuffixes"]["Default"]
    if found is None or found.group(1) != default:
        yield f"InputSuffixes is {default} by default, and the program's is not"


def targets(rule):
    return [target["Arn"] for target in rule["Targets"]]


def senders_allowed(stack, action, resource):
    """The resources on whose behalf a service may do it."""
    found = set()
    for _, _, statement in statements(stack):
        if statement["Effect"] == "Allow" and action in many(statement["Action"]) and resource in many(statement["Resource"]):
            arns = statement.get("Condition", {}).get("ArnEquals", {}).get("aws:SourceArn", [])
            found |= set(many(arns))
    return found


def state_is_forgotten(stack):
    prefix = stack.parameters["OutputPrefix"] + ".work/"
    for name, resource in stack.resources.items():
        if resource["Type"] != "AWS::S3::Bucket":
            continue
        rules = resource["Properties"]["LifecycleConfiguration"]["Rules"]
        expiring = {rule["Prefix"]: str(rule["ExpirationInDays"]) for rule in rules if "ExpirationInDays" in rule}
        wanted = {prefix: "30"}
        transcripts, summaries = stack.parameters["TranscriptRetentionDays"], stack.parameters["SummaryRetentionDays"]
        if transcripts != "0":
            wanted[stack.parameters["InputPrefix"]] = transcripts
            wanted |= {stack.parameters["TranscriptPrefix"]: transcripts} if stack.parameters["Transcriber"] else {}
        if summaries != "0":
            wanted[stack.parameters["OutputPrefix"]] = summaries
        if expiring != wanted:
            yield f"{name}: {expiring} expire, and not just {wanted}"
        versions = stack.parameters["Versioning"] == "on"
        if any(("NoncurrentVersionExpiration" in rule) != versions for rule in rules if "ExpirationInDays" in rule):
            yield f"{name}: earlier versions of what expires are kept"
        if resource.get("DeletionPolicy") != "RetainExceptOnCreate" or resource.get("UpdateReplacePolicy") != "Retain":
            yield f"{name}: is deleted with the stack"


def settings_are_read(stack):
    known = set()
    for source in pathlib.Path("src").rglob("*.rs"):
        known |= set(re.findall(r'Variable::new\(\s*"([A-Z0-9_]+)"', source.read_text(encoding="utf-8")))
    for name, function in summarizers(stack):
        variables = function["Environment"]["Variables"]
        for variable in variables.keys() - known:
            # The settings of the fallback model are those of a first one with a prefix.
            if variable.removeprefix("FALLBACK_") in known:
                continue
            yield f"{name}: the program does not read {variable}"
        for variable in variables.keys() & {"HF_API_TOKEN", "RUNPOD_API_KEY"}:
            yield f"{name}: {variable} stands in the template in clear"
        if function["Timeout"] > stack.specifications["Timeout"]["MaxValue"]:
            yield f"{name}: runs longer than the queue expects"


def renderings_are_those_of_the_program(stack):
    source = pathlib.Path("src/job/config.rs").read_text(encoding="utf-8")
    for parameter, variable in (("SummaryPage", "SUMMARY_PAGE"), ("SummaryFormat", "SUMMARY_FORMAT")):
        specification = stack.specifications[parameter]
        default = re.search(rf'"{variable}",.*?\.or\("([^"]*)"\)', source, re.DOTALL).group(1)
        choices = re.search(rf"choice\(\s*{variable},\s*&\[(.*?)\]", source, re.DOTALL).group(1)
        choices = re.findall(r'"([^"]*)"', choices)
        if (specification["Default"], specification["AllowedValues"]) != (default, choices):
            yield f"{parameter}: is not one of {choices} with the default {default}, as the program's is"
        for name, function in workers(stack):
            if function["Environment"]["Variables"].get(variable) != stack.parameters[parameter]:
                yield f"{name}: {variable} does not follow {parameter}"


def what_is_stale_can_be_removed(stack):
    """And nothing else: neither a summary nor its report."""
    source = pathlib.Path("src/document.rs").read_text(encoding="utf-8")
    endings = [re.search(rf'{name}_ENDING: &str = "([^"]*)"', source).group(1) for name in ("PAGE", "MARKDOWN", "CHAPTERS")]
    prefix = stack.parameters["OutputPrefix"]
    wanted = {f"{prefix}*{ending}" for ending in [*endings, "_error.json"]} | {f"{prefix}.work/*"}
    for name, _, statement in statements(stack):
        # What that one removes, `summaries_are_read_out` checks.
        if name == "SpeakPolicy":
            continue
        if statement["Effect"] == "Allow" and "s3:DeleteObject" in many(statement["Action"]):
            found = {arn.split("/", 1)[1] for arn in many(statement["Resource"])}
            if found != wanted:
                yield f"{name}, statement {statement.get('Sid')}: removes {sorted(found)}, and not {sorted(wanted)}"


def backfill_is_limited(stack):
    functions = [name for name, _ in stack.of_type("AWS::Lambda::Function") if name.startswith("Backfill")]
    if len(functions) != (stack.parameters["Backfill"] == "true"):
        yield "the backfill function does not follow its parameter"
    for name in functions:
        if "ReservedConcurrentExecutions" not in stack.resources[name]["Properties"]:
            yield f"{name}: nothing limits how many transcripts are worked on at once"
        callers = [
            statement
            for _, _, statement in statements(stack)
            if "lambda:InvokeFunction" in many(statement["Action"])
        ]
        if [many(statement["Resource"]) for statement in callers] != [[stack.arn(name)]]:
            yield f"{name}: the job's role may not call it, or may call others"


RULES = [
    queue_keeps_what_it_was_given,
    function_answers_per_message,
    uploads_reach_the_queue,
    every_ending_is_delivered_and_read,
    recordings_are_transcribed,
    summaries_are_read_out,
    endings_are_those_of_the_program,
    state_is_forgotten,
    settings_are_read,
    renderings_are_those_of_the_program,
    what_is_stale_can_be_removed,
    backfill_is_limited,
]
