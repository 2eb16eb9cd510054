"""Which models the functions may call: the one that is configured, in every way in which AWS asks for permission."""

import fnmatch

from access import many, statements
from mutations import statement

OWN = "arn:aws:bedrock:eu-central-1:123456789012:"
HAIKU = "anthropic.claude-haiku-4-5-20251001-v1:0"
BEDROCK_MODELS = [
    "openai.gpt-oss-120b-1:0",
    f"eu.{HAIKU}",
    f"global.{HAIKU}",
    f"{OWN}inference-profile/eu.{HAIKU}",
    f"{OWN}application-inference-profile/a1b2c3",
    f"{OWN}imported-model/x7y8z9",
    f"arn:aws:bedrock:eu-central-1::foundation-model/{HAIKU}",
    "arn:aws:sagemaker:eu-central-1:123456789012:endpoint/from-the-marketplace",
]
OPTIONS = [
    *({"ModelProvider": "bedrock", "BedrockModelId": model} for model in BEDROCK_MODELS),
    {"ModelProvider": "sagemaker", "SageMakerEndpoint": "flan-t5", "SageMakerTask": "summarization"},
    {"ModelProvider": "sagemaker", "SageMakerEndpoint": "flan-t5", "SageMakerInferenceComponent": "Summarizer"},
]
CALLS = {"bedrock": "bedrock:InvokeModel", "sagemaker": "sagemaker:InvokeEndpoint"}


def asked(stack):
    """Action, resource and profile of what AWS checks when the program calls its model."""
    given, provider = stack.parameters, stack.parameters["ModelProvider"]
    model, ways = given["BedrockModelId"], ("", "WithResponseStream")
    if provider == "sagemaker":
        own = "arn:aws:sagemaker:eu-central-1:123456789012:"
        resources = [(f"{own}endpoint/{given['SageMakerEndpoint']}", None)]
        if given["SageMakerInferenceComponent"]:
            resources.append((f"{own}inference-component/{given['SageMakerInferenceComponent']}", None))
    elif model.startswith("arn:"):
        resources = [(model, None)]
    elif model.split(".")[0] in ("eu", "global"):
        resources = [(f"{OWN}inference-profile/{model}", None)]
    else:
        resources = [(f"arn:aws:bedrock:eu-central-1::foundation-model/{model}", None)]
    # The models behind a profile, in its regions; a global one has none.
    if "inference-profile/" in resources[0][0]:
        behind = [f"arn:aws:bedrock:{region}::foundation-model/{HAIKU}" for region in ("eu-central-1", "eu-north-1", "")]
        resources += [(resource, resources[0][0]) for resource in behind]
    for way in ways:
        for resource, profile in resources:
            yield CALLS[provider] + way, resource, profile
        if provider == "bedrock" and ":sagemaker:" in model:
            yield CALLS["sagemaker"] + way, model, None


def allows(entry, action, resource, profile):
    wanted = entry.get("Condition", {}).get("StringEquals", {}).get("bedrock:InferenceProfileArn")
    fits = any(fnmatch.fnmatchcase(resource, pattern) for pattern in many(entry["Resource"]))
    return action in many(entry["Action"]) and fits and wanted in (None, profile)


def model_entries(stack):
    for _, _, entry in statements(stack):
        if any(action.startswith(("bedrock:", "sagemaker:")) for action in many(entry["Action"])):
            yield entry


def the_model_may_be_called(stack):
    if stack.parameters["ModelProvider"] not in CALLS:
        return
    for action, resource, profile in asked(stack):
        if not any(allows(entry, action, resource, profile) for entry in model_entries(stack)):
            yield f"the functions may not {action} on {resource}"


def no_other_model(stack):
    others = [
        ("bedrock:InvokeModel", "arn:aws:bedrock:us-east-1::foundation-model/other.model", None),
        ("bedrock:InvokeModel", f"{OWN}inference-profile/us.other.model", None),
        ("bedrock:InvokeModel", "arn:aws:bedrock:us-east-1::foundation-model/other.model", f"{OWN}inference-profile/us.other.model"),
        ("sagemaker:InvokeEndpoint", "arn:aws:sagemaker:eu-central-1:123456789012:endpoint/other", None),
    ]
    for action, resource, profile in others:
        if any(allows(entry, action, resource, profile) for entry in model_entries(stack)):
            yield f"the functions may {action} on any model ({resource})"
    if stack.parameters["ModelProvider"] not in CALLS and any(model_entries(stack)):
        yield "the functions may call models of AWS that they do not use"


def the_keys_may_be_read(stack):
    # That of the API has a check of its own.
    of_models = [entry for name, _, entry in statements(stack) if name != "ApiPolicy"]
    entries = [entry for entry in of_models if "secretsmanager:GetSecretValue" in many(entry["Action"])]
    readable = {resource for entry in entries for resource in many(entry["Resource"])}
    keys = {stack.parameters[name] for name in ("SecretArn", "FallbackSecretArn", "TranscriberSecretArn")} - {""}
    for key in sorted(keys ^ readable):
        yield f"the functions may not read {key}" if key in keys else f"the functions may read {key}, which is no key of an endpoint"


RULES = [the_model_may_be_called, no_other_model, the_keys_may_be_read]

MUTATIONS = [
    ("key of the fallback", "may not read", lambda s: statement(s, "SummarizePolicy", "ReadFallbackKey").update(Action=[])),
    ("any secret", "no key of an endpoint", lambda s: statement(s, "SummarizePolicy", "ReadFallbackKey").update(Resource="*")),
    ("any model", "on any model", lambda s: statement(s, "SummarizePolicy", "InvokeModelBehindProfile").pop("Condition")),
    ("profile alone", "may not bedrock:", lambda s: statement(s, "SummarizePolicy", "InvokeModelBehindProfile").update(Action=[])),
    ("no stream", "may not bedrock:", lambda s: statement(s, "SummarizePolicy", "InvokeModel").update(Action="bedrock:InvokeModel")),
]

# In a stack whose model is behind an endpoint of SageMaker.
MUTATIONS_AT_SAGEMAKER = [
    ("endpoint alone", "inference-component/", lambda s: statement(s, "SummarizePolicy", "InvokeEndpoint")["Resource"].pop()),
    ("any endpoint", "on any model", lambda s: statement(s, "SummarizePolicy", "InvokeEndpoint").update(Resource="arn:aws:sagemaker:eu-central-1:123456789012:endpoint/*")),
    ("no answers in one piece", "may not sagemaker:InvokeEndpoint on", lambda s: statement(s, "SummarizePolicy", "InvokeEndpoint")["Action"].remove("sagemaker:InvokeEndpoint")),
]
