"""Whether the HTTP API exists only where it is wanted, lets in whom it should, and may do no more than it does. Each rule yields its complaints."""

import access
from access import many, statements
from mutations import properties, statement

SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:api-AbCdEf"
OPTIONS = [
    {"Api": "iam"},
    {"Api": "token", "ApiSecretArn": SECRET},
    # A secret that is not used may not be read.
    {"Api": "iam", "ApiSecretArn": SECRET, "InputPrefix": "meetings/", "OutputPrefix": "out/put/", "ApiPrefix": "from/programs/"},
    {"Api": "token", "ApiSecretArn": SECRET, "ExistingBucket": "archive", "InputPrefix": "meetings/", "Transcriber": "amazon"},
    {"Api": "token", "ApiSecretArn": SECRET, "KmsKeyArn": "arn:aws:kms:eu-central-1:123456789012:key/1", "Backfill": "true"},
]
KINDS = {"AWS::Lambda::Url", "AWS::Lambda::Permission"}


def wanted(stack):
    return stack.parameters["Api"] != "none"


def folder(stack):
    return stack.parameters["InputPrefix"] + stack.parameters["ApiPrefix"]


def there_is_one_if_it_is_wanted(stack):
    parts = {name for name, resource in stack.resources.items() if name.startswith("Api") or resource["Type"] in KINDS}
    needed = {"ApiFunction", "ApiUrl", "ApiRole", "ApiPolicy", "ApiAlarm"} if wanted(stack) else set()
    if stack.parameters["Api"] == "token":
        needed |= {"ApiUrlIsOpen", "ApiIsCalledThroughUrl"}
    if parts != needed:
        yield f"of the API there are {sorted(parts)}, and not {sorted(needed)}"
    for name, function in stack.of_type("AWS::Lambda::Function"):
        variables = function["Environment"]["Variables"]
        if variables.get("API_PREFIX") != (folder(stack) if wanted(stack) else None):
            yield f"{name}: API_PREFIX is {variables.get('API_PREFIX')}"
        if ("API" in variables) != (name == "ApiFunction"):
            yield f"{name}: summarizes in place of answering, or the other way round"


def the_function_has_only_its_own_settings(stack):
    if not wanted(stack):
        return
    function = stack.resources["ApiFunction"]["Properties"]
    variables = function["Environment"]["Variables"]
    for variable in variables:
        if any(word in variable for word in ("MODEL", "HF_", "RUNPOD", "BEDROCK", "SAGEMAKER", "FALLBACK")):
            yield f"ApiFunction: has {variable}, and calls no model"
    has_token = stack.parameters["Api"] == "token"
    secret = stack.parameters["ApiSecretArn"] if has_token else None
    if (variables["API"], variables.get("API_TOKEN_SECRET_ARN")) != (stack.parameters["Api"], secret):
        yield f"ApiFunction: asks for {variables['API']} with {variables.get('API_TOKEN_SECRET_ARN')}"
    if "ReservedConcurrentExecutions" not in function:
        yield "ApiFunction: nothing limits how many requests are answered at once"
    if function["Role"] != stack.arn("ApiRole"):
        yield "ApiFunction: has the role of another function"


def the_url_lets_in_whom_it_should(stack):
    for name, url in stack.of_type("AWS::Lambda::Url"):
        expected = "NONE" if stack.parameters["Api"] == "token" else "AWS_IAM"
        if (url["AuthType"], url["TargetFunctionArn"]) != (expected, stack.arn("ApiFunction")):
            yield f"{name}: is {url['AuthType']} for {url['TargetFunctionArn']}"
        if "Cors" in url:
            yield f"{name}: lets pages of other sites in"
    allowed = {
        ("lambda:InvokeFunctionUrl", "NONE", None),
        ("lambda:InvokeFunction", None, True),
    }
    found = set()
    for name, permission in stack.of_type("AWS::Lambda::Permission"):
        found.add((permission["Action"], permission.get("FunctionUrlAuthType"), permission.get("InvokedViaFunctionUrl")))
        if permission["FunctionName"] != stack.arn("ApiFunction"):
            yield f"{name}: opens {permission['FunctionName']}"
    if found != (allowed if stack.parameters["Api"] == "token" else set()):
        yield f"the URL is open by {sorted(map(str, found))}"


def it_may_do_what_it_does(stack):
    if not wanted(stack):
        return
    role = stack.resources["ApiRole"]["Properties"]
    if role.get("Policies") or set(role["ManagedPolicyArns"]) - {access.NETWORK} != {stack.arn("ApiPolicy")}:
        yield "ApiRole: has other policies than its own"
    uploads, output = folder(stack), stack.parameters["OutputPrefix"]
    results = [f"{output}{uploads}*", f"{output}.work/progress/*"]
    expected = {
        ("s3:PutObject", f"{uploads}*"),
        *(("s3:GetObject", key) for key in [f"{uploads}*", *results]),
        *(("s3:ListBucket", key) for key in [f"{uploads}*", *results]),
        ("logs:CreateLogStream", "logs"),
        ("logs:PutLogEvents", "logs"),
    }
    if stack.parameters["Api"] == "token":
        expected.add(("secretsmanager:GetSecretValue", stack.parameters["ApiSecretArn"]))
    if key := stack.parameters["KmsKeyArn"]:
        expected |= {("kms:Decrypt", key), ("kms:GenerateDataKey", key)}
    found = set()
    for name, _, entry in statements(stack):
        if name != "ApiPolicy":
            continue
        for action in many(entry["Action"]):
            match action.split(":")[0]:
                case "s3" if action == "s3:ListBucket":
                    resources = entry["Condition"]["StringLike"]["s3:prefix"]
                case "s3":
                    resources = [arn.split("/", 1)[1] for arn in many(entry["Resource"])]
                case "logs":
                    resources = ["logs"]
                case _:
                    resources = many(entry["Resource"])
            found |= {(action, resource) for resource in resources}
        if "s3:PutObject" in many(entry["Action"]) and entry.get("Condition") != {"Null": {"s3:if-none-match": "false"}}:
            yield "ApiPolicy: its links may overwrite"
    if found != expected:
        yield f"ApiPolicy: allows {sorted(found - expected)} too much and {sorted(expected - found)} too little"


RULES = [
    there_is_one_if_it_is_wanted,
    the_function_has_only_its_own_settings,
    the_url_lets_in_whom_it_should,
    it_may_do_what_it_does,
]

FULL = {"Api": "token", "ApiSecretArn": SECRET}
MUTATIONS = [
    ("API that overwrites", "may overwrite", lambda s: statement(s, "ApiPolicy", "SendUploads").pop("Condition")),
    ("API reads everything", "too much", lambda s: statement(s, "ApiPolicy", "LookAtUploads").update(Resource="arn:aws:s3:::b/*")),
    ("API without its token", "too little", lambda s: statement(s, "ApiPolicy", "ReadToken").update(Action=[])),
    ("signed URL is open", "URL is open by", lambda s: properties(s, "ApiIsCalledThroughUrl").pop("InvokedViaFunctionUrl")),
    ("token is not asked for", "asks for iam", lambda s: properties(s, "ApiFunction")["Environment"]["Variables"].update(API="iam")),
    ("key of a model", "calls no model", lambda s: properties(s, "ApiFunction")["Environment"]["Variables"].update(HF_API_TOKEN_SECRET_ARN="x")),
    ("API without limit", "nothing limits", lambda s: properties(s, "ApiFunction").pop("ReservedConcurrentExecutions")),
    ("other sites", "other sites", lambda s: properties(s, "ApiUrl").update(Cors={"AllowOrigins": ["*"]})),
]
