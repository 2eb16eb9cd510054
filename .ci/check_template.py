"""Reads the template as it would be deployed, in every combination of its options, and says what is wrong with it.

Runs in the repository's root, with the Python of the SAM command line: it needs SAM's own transformation.
"""

import copy
import itertools
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent / "template"))

import access  # noqa: E402
import api  # noqa: E402
import delivery  # noqa: E402
import hours  # noqa: E402
import metrics  # noqa: E402
import models  # noqa: E402
import parameters  # noqa: E402
import results  # noqa: E402
from mutations import MUTATIONS, MUTATIONS_AT_RUNPOD  # noqa: E402
from published_template import published  # noqa: E402
from render import Stack  # noqa: E402

TEMPLATE = "template.yaml"
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:model-AbCdEf"
FALLBACK = {"FallbackSecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:second-GhIjKl"}
RUNPOD = "https://api.runpod.ai/v2/abc"
WHISPER = {
    "Transcriber": "runpod",
    "TranscriberRunPodEndpointUrl": "https://api.runpod.ai/v2/def",
    "TranscriberSecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:whisper-JkLmNo",
}
OPTIONS = [
    [
        {},
        {"ModelProvider": "huggingface", "SecretArn": SECRET, "FallbackProvider": "runpod", "FallbackRunPodEndpointUrl": RUNPOD, **FALLBACK},
        {"ModelProvider": "runpod", "SecretArn": SECRET, "RunPodEndpointUrl": RUNPOD, "FallbackProvider": "huggingface", **FALLBACK},
    ],
    [{}, {"ExistingBucket": "archive"}],
    [{}, {"KmsKeyArn": "arn:aws:kms:eu-central-1:123456789012:key/1"}],
    [{}, {"Backfill": "true"}],
    [{}, {"NotificationEmail": "someone@example.org"}],
    [{}, {"ScoresTable": "on"}],
    [{}, {"ProcessFrom": "22:00", "ProcessUntil": "06:30", "ProcessTimeZone": "Europe/Berlin"}],
    [{}, {"Transcriber": "amazon"}],
    # These two touch nothing in common, so they need not be told apart.
    [
        {},
        {
            "AlarmTopicArn": "arn:aws:sns:eu-central-1:123456789012:alarms",
            "InputPrefix": "meetings/",
            "InputSuffixes": ".txt,.vtt,.srt,.json,.docx,.csv",
            "SummaryInstructions": "Name every cost.",
            "SummaryLanguage": "pt-BR",
            "Glossary": "settings/glossary",
            "SpeakerNames": "settings/names",
            "SummaryPage": "off",
            "SummaryFormat": "markdown",
            "OutputPrefix": "out/put/",
            "TranscriptPrefix": "said/",
            "Speech": "polly",
            "SpeechVoice": "Ruth:generative",
        },
        {"InputSuffixes": ".vtt", "Glossary": "glossary"},
    ],
]
# What differs from Amazon Transcribe has nothing in common with the other options.
AT_RUNPOD = [
    WHISPER,
    {**WHISPER, "ExistingBucket": "archive", "Backfill": "true", "InputPrefix": "meetings/", "TranscriptPrefix": "said/"},
    {**WHISPER, "TranscriberSecretArn": "", "ModelProvider": "runpod", "SecretArn": SECRET, "RunPodEndpointUrl": RUNPOD},
]
# Whom operators ask about: none of these meets the other options in more than one place.
OPERATED = {
    "InputPrefix": "meetings/",
    "TranscriptRetentionDays": "400",
    "Versioning": "on",
    "AccessLogBucket": "logs",
    "VpcSubnetIds": "subnet-1a,subnet-2b",
    "VpcSecurityGroupIds": "sg-3c",
    "PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/boundary",
    "Architecture": "x86_64",
    "TokensPerDay": "2000000",
    "LogLevel": "DEBUG",
}
AS_OPERATED = [
    {**OPERATED, "SummaryRetentionDays": "800"},
    {**OPERATED, "OutputBucket": "results"},
    {**OPERATED, "Backfill": "true", "Transcriber": "amazon", "BucketName": "what-was-said", "Speech": "polly", "ScoresTable": "on"},
    {**OPERATED, **api.FULL, "ProcessFrom": "22:00", "ProcessUntil": "06:30", "NotificationEmail": "someone@example.org"},
    {"ExistingBucket": "archive", "OutputBucket": "results", "TokensPerDay": "1", **api.FULL},
]
# Has everything that a mutation changes.
FULL = {
    **OPERATED,
    "SummaryRetentionDays": "800",
    "Backfill": "true",
    "NotificationEmail": "someone@example.org",
    "ModelProvider": "bedrock",
    "BedrockModelId": models.BEDROCK_MODELS[1],
    "FallbackProvider": "huggingface",
    **FALLBACK,
    "Transcriber": "amazon",
    "Speech": "polly",
    "ScoresTable": "on",
    "ProcessFrom": "22:00",
    "ProcessUntil": "06:30",
    **api.FULL,
}
PLANTED = MUTATIONS + models.MUTATIONS + api.MUTATIONS


def complaints(stack):
    families = (access, api, delivery, hours, metrics, models, parameters, results)
    return [text for family in families for rule in family.RULES for text in rule(stack)]


def check_all():
    found = 0
    # Models of AWS have nothing in common with the other options, and the API only with those it names.
    for combination in itertools.chain(itertools.product(*OPTIONS), zip(models.OPTIONS), zip(api.OPTIONS), zip(AT_RUNPOD), zip(AS_OPERATED)):
        given = {name: value for option in combination for name, value in option.items()}
        try:
            problems = complaints(Stack(TEMPLATE, given))
        except LookupError as error:
            problems = [str(error)]
        for problem in problems:
            print(f"{problem}  [with {' '.join(given) or 'the defaults'}]")
        found += len(problems)
    return found


def check_the_checks():
    planted = missed = 0
    for given, mutations in ((FULL, PLANTED), (FULL | WHISPER, MUTATIONS_AT_RUNPOD), (FULL | models.OPTIONS[-1], models.MUTATIONS_AT_SAGEMAKER)):
        sound = Stack(TEMPLATE, given)
        for name, word, mutate in mutations:
            stack = copy.deepcopy(sound)
            mutate(stack)
            planted += 1
            if not any(word in problem for problem in complaints(stack)):
                print(f"the check missed a planted fault: {name}")
                missed += 1
    return planted, missed


def check_published():
    """The template of a release makes the same, of the code that it is told of."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(published(pathlib.Path(TEMPLATE).read_text(encoding="utf-8")))
        file.flush()
        stack = Stack(file.name, {**FULL, "CodeS3Bucket": "artifacts", "CodeS3Key": "code.zip"})
    if stack.resources == Stack(TEMPLATE, FULL).resources:
        return 0
    print("the template of a release makes other resources")
    return 1


found = check_all() + check_published()
planted, missed = check_the_checks()
print(f"{found} complaints; {planted - missed} of {planted} planted faults found")
sys.exit(1 if found or missed else 0)
