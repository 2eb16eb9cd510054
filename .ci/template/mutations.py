"""Faults put into a rendered template, each with a word of the complaint it must cause: a check that cannot fail is none."""

import json


def properties(stack, name):
    return stack.resources[name]["Properties"]


def statement(stack, name, sid):
    document = next(properties(stack, name)[key] for key in ("PolicyDocument", "KeyPolicy") if key in properties(stack, name))
    return next(entry for entry in document["Statement"] if entry.get("Sid") == sid)


def edit_dashboard(stack, old, new):
    dashboard = properties(stack, "Dashboard")
    assert old in dashboard["DashboardBody"]
    dashboard["DashboardBody"] = dashboard["DashboardBody"].replace(old, new)


def states(stack):
    return properties(stack, "ResultMachine")["Definition"]["States"]


def drop_tls(stack, name):
    document = properties(stack, name)["PolicyDocument"]
    document["Statement"] = [entry for entry in document["Statement"] if entry.get("Sid") != "TlsOnly"]


MUTATIONS = [
    ("action s3:*", "the action s3:*", lambda s: statement(s, "SummarizePolicy", "WriteResults").update(Action="s3:*")),
    ("action *", "the action *", lambda s: statement(s, "SummarizePolicy", "WriteLogs").update(Action=["*"])),
    ("key for a service", "the action kms:*", lambda s: statement(s, "NotificationKey", "AlarmsPublish").update(Action="kms:*")),
    ("every resource", "every resource", lambda s: statement(s, "SummarizePolicy", "WriteLogs").update(Resource="*")),
    ("whole bucket", "whole bucket", lambda s: statement(s, "SummarizePolicy", "WriteResults").update(Resource="arn:aws:s3:::b/*")),
    ("every bucket", "whole bucket", lambda s: statement(s, "SummarizePolicy", "WriteResults").update(Resource="arn:aws:s3:::*/a")),
    ("anyone sends", "allows anyone", lambda s: statement(s, "TranscriptQueuePolicy", "OnlyThisBucketSends").update(Principal="*")),
    ("any bucket sends", "no condition", lambda s: statement(s, "TranscriptQueuePolicy", "OnlyThisBucketSends").pop("Condition")),
    ("lists all", "s3:ListBucket is not", lambda s: statement(s, "SummarizePolicy", "TellMissingFromForbidden").pop("Condition")),
    ("lists nothing", "no s3:ListBucket", lambda s: statement(s, "SummarizePolicy", "TellMissingFromForbidden").update(Action=[])),
    ("bucket without TLS", "without TLS", lambda s: drop_tls(s, "TranscriptBucketPolicy")),
    ("queue without TLS", "without TLS", lambda s: drop_tls(s, "DeadLetterQueuePolicy")),
    ("topic without TLS", "without TLS", lambda s: drop_tls(s, "NotificationTopicPolicy")),
    ("bucket in clear", "TranscriptBucket: is not encrypted", lambda s: properties(s, "TranscriptBucket").pop("BucketEncryption")),
    ("queue in clear", "TranscriptQueue: is not", lambda s: properties(s, "TranscriptQueue").pop("SqsManagedSseEnabled")),
    ("key of SNS", "customer key", lambda s: properties(s, "NotificationTopic").update(KmsMasterKeyId="alias/aws/sns")),
    ("public", "public access", lambda s: properties(s, "TranscriptBucket").pop("PublicAccessBlockConfiguration")),
    ("short retention", "14 days", lambda s: properties(s, "DeadLetterQueue").update(MessageRetentionPeriod=345600)),
    ("visible too early", "still run", lambda s: properties(s, "TranscriptQueue").update(VisibilityTimeout=900)),
    ("few slices", "maxReceiveCount", lambda s: properties(s, "TranscriptQueue")["RedrivePolicy"].update(maxReceiveCount=5)),
    ("failures ignored", "ReportBatch", lambda s: properties(s, "SummarizerFunctionUploads").pop("FunctionResponseTypes")),
    ("reserved", "die unread", lambda s: properties(s, "SummarizerFunction").update(ReservedConcurrentExecutions=5)),
    ("unknown setting", "does not read", lambda s: properties(s, "SummarizerFunction")["Environment"]["Variables"].update(TYPO="1")),
    ("key in clear", "in clear", lambda s: properties(s, "SummarizerFunction")["Environment"]["Variables"].update(HF_API_TOKEN="x")),
    ("summaries expire", "expire", lambda s: properties(s, "TranscriptBucket")["LifecycleConfiguration"]["Rules"][0].update(Prefix="summaries/")),
    ("bucket deleted", "deleted with", lambda s: s.resources["TranscriptBucket"].pop("DeletionPolicy")),
    ("no events", "hear nothing", lambda s: properties(s, "TranscriptBucket")["NotificationConfiguration"].pop("EventBridgeConfiguration")),
    ("no events for rows", "is lost", lambda s: properties(s, "ResultRule")["Targets"][0].pop("DeadLetterConfig")),
    ("rule not let in", "exactly it in", lambda s: statement(s, "ResultDeadLetterQueuePolicy", "OnlyThisRuleGivesUp").update(Condition={"ArnEquals": {"aws:SourceArn": ["arn:aws:DoneRule"]}})),
    ("errors not told", "not summaries and errors", lambda s: properties(s, "ResultRule")["EventPattern"]["detail"]["object"]["key"].pop()),
    ("row lost", "a failure is lost", lambda s: states(s)["Record"].pop("Catch")),
    ("mail tried once", "not tried again", lambda s: states(s)["MailSummary"].pop("Retry")),
    ("mail skipped", "never reached", lambda s: states(s)["Record"].update(Next="End")),
    ("row not allowed", "ResultRole: is allowed", lambda s: properties(s, "ResultRole")["Policies"][0]["PolicyDocument"]["Statement"].pop(1)),
    ("ending not announced", "and not each of", lambda s: properties(s, "TranscriptBucket")["NotificationConfiguration"]["QueueConfigurations"].pop()),
    ("ending not readable", "ReadTranscriptsAndState: is for", lambda s: statement(s, "SummarizePolicy", "ReadTranscriptsAndState")["Resource"].pop(1)),
    ("ending not told missing", "TellMissingFromForbidden: is for", lambda s: statement(s, "SummarizePolicy", "TellMissingFromForbidden")["Condition"]["StringLike"]["s3:prefix"].pop()),
    ("ending not read", "reads other endings", lambda s: properties(s, "SummarizerFunction")["Environment"]["Variables"].update(INPUT_SUFFIXES=".txt")),
    ("other default", "by default", lambda s: s.specifications["InputSuffixes"].update(Default=".txt")),
    ("page always on", "does not follow", lambda s: properties(s, "SummarizerFunction")["Environment"]["Variables"].pop("SUMMARY_PAGE")),
    ("other formats", "is not one of", lambda s: s.specifications["SummaryFormat"].update(AllowedValues=["text", "html"])),
    ("stale page stays", "and not", lambda s: statement(s, "SummarizePolicy", "ForgetWhatIsMended")["Resource"].pop(0)),
    ("summary removed", "and not", lambda s: statement(s, "SummarizePolicy", "ForgetWhatIsMended")["Resource"].append("arn:aws:s3:::b/summaries/*_summary.txt")),
    ("recording not announced", "RecordingRule: passes on", lambda s: properties(s, "RecordingRule")["EventPattern"]["detail"]["object"]["key"].pop()),
    ("recording not readable", "ReadRecordings: is for", lambda s: statement(s, "TranscribePolicy", "ReadRecordings")["Resource"].pop()),
    ("transcripts elsewhere", "puts transcripts elsewhere", lambda s: properties(s, "SummarizerFunction")["Environment"]["Variables"].update(TRANSCRIPT_PREFIX="x/")),
    ("writes anywhere", "is not narrowed", lambda s: statement(s, "TranscribePolicy", "StartTranscriptions").update(Condition={"StringLike": {"transcribe:OutputKey": "*"}})),
    ("starts anything", "every resource", lambda s: statement(s, "TranscribePolicy", "StartTranscriptions").pop("Condition")),
    ("jobs of others", "FollowTranscriptions: is for", lambda s: statement(s, "TranscribePolicy", "FollowTranscriptions").update(Resource="arn:aws:transcribe:::transcription-job/*")),
    ("nameless jobs", "are not named", lambda s: properties(s, "SummarizerFunction")["Environment"]["Variables"].pop("TRANSCRIBE_JOB_PREFIX")),
    ("may not transcribe", "may not have recordings", lambda s: properties(s, "BackfillFunctionRole")["ManagedPolicyArns"].remove(s.arn("TranscribePolicy"))),
    ("may speak unasked", "Amazon Polly may be used by", lambda s: s.parameters.update(Speech="")),
    ("speech stays", "outdated speech", lambda s: statement(s, "SpeakPolicy", "ForgetSpeech").update(Resource="arn:aws:s3:::b/summaries/*.txt")),
    ("function is mute", "read out although", lambda s: properties(s, "BackfillFunctionRole")["ManagedPolicyArns"].remove(s.arn("SpeakPolicy"))),
    ("end not heard", "send to the queue", lambda s: s.resources.pop("TranscriptionRule")),
    ("rule not let in to the queue", "does not take messages", lambda s: statement(s, "TranscriptQueuePolicy", "TheseRulesSendRecordings").pop("Condition")),
    ("unlimited backfill", "nothing limits", lambda s: properties(s, "BackfillFunction").pop("ReservedConcurrentExecutions")),
    ("never opens", "the schedules are", lambda s: properties(s, "OpenSchedule")["Target"].update(Input='{"Uuid": "SummarizerFunctionUploads", "Enabled": false}')),
    ("other zone", "is not in the zone", lambda s: properties(s, "CloseSchedule").update(ScheduleExpressionTimezone="America/Lima")),
    ("stops more", "something else", lambda s: properties(s, "CloseSchedule")["Target"].update(Arn="arn:aws:scheduler:::aws-sdk:lambda:deleteFunction")),
    ("switches all", "HoursRole: may do", lambda s: properties(s, "HoursRole")["Policies"][0]["PolicyDocument"]["Statement"][0].update(Resource="arn:aws:lambda:eu-central-1:123456789012:event-source-mapping:*")),
    ("alarm by day", "whatever the hours", lambda s: properties(s, "OldestMessageAlarm").update(Threshold=21600)),
    ("deployment closes", "Enabled is False", lambda s: properties(s, "SummarizerFunctionUploads").update(Enabled=False)),
    ("unknown metric", "nobody emits", lambda s: edit_dashboard(s, '"Done"', '"Dune"')),
    ("metric for nobody", "should be a field", lambda s: edit_dashboard(s, '"Rejected"', '"Failed"')),
    ("unwatched backfill", "of the backfill function", lambda s: s.resources.pop("BackfillRefusedAlarm")),
    ("unwatched budget", "TokensPerDay", lambda s: s.resources.pop("TokenBudgetAlarm")),
    ("late refusal", "settings are refused", lambda s: properties(s, "RefusedAlarm").update(EvaluationPeriods=5, DatapointsToAlarm=2)),
    ("blip", "one data point", lambda s: properties(s, "ErrorAlarm").update(DatapointsToAlarm=1)),
    ("short memory", "has forgotten", lambda s: properties(s, "FailedAlarm").update(EvaluationPeriods=2)),
    ("never well again", "(OKActions)", lambda s: properties(s, "RefusedAlarm").pop("OKActions")),
    ("query of nothing", "no line has", lambda s: properties(s, "OutcomeQuery").update(QueryString="stats sum(Wurds)")),
    ("query elsewhere", "searches", lambda s: properties(s, "UploadQuery").update(LogGroupNames=["other"])),
    ("unbounded role", "is bounded by None", lambda s: properties(s, "HoursRole").pop("PermissionsBoundary")),
    ("function outside", "is in the network", lambda s: properties(s, "BackfillFunction").pop("VpcConfig")),
    ("no way in", "may join", lambda s: properties(s, "SummarizerRole")["ManagedPolicyArns"].pop()),
    ("results in the wrong bucket", "results are in", lambda s: statement(s, "SummarizePolicy", "WriteResults").update(Resource="arn:aws:s3:::b/summaries/*")),
    ("results not told missing", "lists", lambda s: statement(s, "SummarizePolicy", "TellMissingFromForbidden")["Resource"].pop()),
    ("results elsewhere", "OutputBucket says", lambda s: properties(s, "ApiFunction")["Environment"]["Variables"].pop("OUTPUT_BUCKET")),
    ("old versions stay", "are kept", lambda s: properties(s, "TranscriptBucket")["LifecycleConfiguration"]["Rules"][0].pop("NoncurrentVersionExpiration")),
    ("transcripts stay", "and not just", lambda s: properties(s, "TranscriptBucket")["LifecycleConfiguration"]["Rules"].pop(2)),
    ("parameter without group", "in 0 groups", lambda s: s.groups[0]["Parameters"].pop()),
    ("parameter without default", "has no default", lambda s: s.specifications["LogLevel"].pop("Default")),
    ("foreign metric", "nobody emits", lambda s: properties(s, "ErrorAlarm").update(Namespace="AWS/EC2")),
    ("unknown function", "no FunctionName", lambda s: edit_dashboard(s, '"BackfillFunction"', '"GoneFunction"')),
    ("broken dashboard", "no JSON", lambda s: edit_dashboard(s, "]}}\n", "]}},\n")),
    ("alarming idleness", "alarming", lambda s: properties(s, "ThrottleAlarm").pop("TreatMissingData")),
    ("missing alarm", "no alarm on", lambda s: s.resources.pop("ResubmittedAlarm")),
    ("silent alarm", "does not tell", lambda s: properties(s, "ErrorAlarm").pop("AlarmActions")),
]

# In a stack whose recordings are transcribed on RunPod.
MUTATIONS_AT_RUNPOD = [
    ("uses Transcribe", "Amazon Transcribe may be used", lambda s: statement(s, "TranscribePolicy", "KeepTranscripts").update(Action=["transcribe:GetTranscriptionJob"])),
    ("recordings not heard", "send to the queue", lambda s: s.resources.pop("RecordingRule")),
    ("no endpoint", "does not know the endpoint", lambda s: properties(s, "SummarizerFunction")["Environment"]["Variables"].pop("TRANSCRIBER_RUNPOD_ENDPOINT_URL")),
    ("no key", "does not know the key", lambda s: properties(s, "BackfillFunction")["Environment"]["Variables"].pop("TRANSCRIBER_RUNPOD_API_KEY_SECRET_ARN")),
    ("key not readable", "may not read", lambda s: statement(s, "TranscribePolicy", "ReadTranscriberKey").update(Resource="arn:aws:secretsmanager:eu-central-1:123456789012:secret:x")),
]
