"""Who may do what, and whether it is encrypted on the way and at rest. Each rule yields its complaints."""

import re

# The only places where a wildcard is the narrowest there is. A key's policy can only speak of the key itself, and AWS wants
# the account to administer it; TLS is demanded by refusing everything else.
KEY_POLICY = "AWS::KMS::Key"
# AWS knows no resource of this action, only conditions.
UNBOUND = "transcribe:StartTranscriptionJob"
# AWS knows neither resources nor conditions of these.
UNLIMITED = ["polly:StartSpeechSynthesisTask", "polly:ListSpeechSynthesisTasks"]
# For functions in a VPC; it allows nothing else.
NETWORK = "arn:aws:iam::aws:policy/service-role/AWSLambdaENIManagementAccess"
DOCUMENTS = {
    "AWS::IAM::ManagedPolicy": "PolicyDocument",
    "AWS::IAM::Policy": "PolicyDocument",
    "AWS::S3::BucketPolicy": "PolicyDocument",
    "AWS::SQS::QueuePolicy": "PolicyDocument",
    "AWS::SNS::TopicPolicy": "PolicyDocument",
    KEY_POLICY: "KeyPolicy",
}


def many(value):
    return value if isinstance(value, list) else [value]


def statements(stack):
    """Resource name, its type, and the statement, for every policy there is."""
    for name, resource in stack.resources.items():
        properties = resource.get("Properties", {})
        documents = [properties[DOCUMENTS[resource["Type"]]]] if resource["Type"] in DOCUMENTS else []
        if resource["Type"] == "AWS::IAM::Role":
            documents += [properties["AssumeRolePolicyDocument"]]
            documents += [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        for document in documents:
            for statement in document["Statement"]:
                yield name, resource["Type"], statement


def least_privilege(stack):
    for name, kind, statement in statements(stack):
        if statement["Effect"] != "Allow":
            continue
        where = f"{name}, statement {statement.get('Sid', '-')}"
        for element in ("NotAction", "NotResource", "NotPrincipal"):
            if element in statement:
                yield f"{where}: allows by exclusion ({element})"
        for action in many(statement["Action"]):
            own_key = kind == KEY_POLICY and action == "kms:*" and ":root" in str(statement["Principal"])
            if action.endswith(":*") or action == "*":
                if not own_key:
                    yield f"{where}: allows the action {action}"
        for resource in many(statement.get("Resource", [])):
            narrowed = statement["Action"] == UNBOUND and statement.get("Condition") or statement["Action"] == UNLIMITED
            if resource == "*" and kind != KEY_POLICY and not narrowed:
                yield f"{where}: allows every resource"
            if re.fullmatch(r"arn:aws:s3:::([^/]*\*[^/]*(/.*)?|[^/]+/\*)", resource):
                yield f"{where}: allows a whole bucket ({resource})"
        if "*" in many(statement.get("Principal", [])) or "*" in str(statement.get("Principal", {})):
            yield f"{where}: allows anyone"
        by_service = "Service" in str(statement.get("Principal", ""))
        if by_service and "AssumeRole" not in str(statement["Action"]) and not statement.get("Condition"):
            yield f"{where}: a service may act for anyone's resources (no condition)"
        if "s3:ListBucket" in many(statement["Action"]):
            prefixes = statement.get("Condition", {}).get("StringLike", {}).get("s3:prefix", [])
            own = stack.parameters["OutputPrefix"], stack.parameters["TranscriptPrefix"]
            if not any(prefix.startswith(own) for prefix in prefixes):
                yield f"{where}: s3:ListBucket is not limited to the prefixes of the program"
            if "*" in prefixes:
                yield f"{where}: s3:ListBucket reaches every key"


def state_can_be_told_from_forbidden(stack):
    state = stack.parameters["OutputPrefix"] + "*"
    if not any("s3:ListBucket" in many(statement["Action"]) and state in str(statement) for _, _, statement in statements(stack)):
        yield "no s3:ListBucket: state that was not written yet would be answered 403"


def tls_only(stack):
    for kind, policy_kind, targets in (
        ("AWS::S3::Bucket", "AWS::S3::BucketPolicy", "Bucket"),
        ("AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "Queues"),
        ("AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "Topics"),
    ):
        for name, _ in stack.of_type(kind):
            if not any(
                {name, stack.arn(name), stack.arn(name).rsplit(":", 1)[1]} & set(many(policy[targets])) and demands_tls(policy)
                for _, policy in stack.of_type(policy_kind)
            ):
                yield f"{name}: may be used without TLS"


def demands_tls(policy):
    return any(
        statement["Effect"] == "Deny"
        and statement["Principal"] == "*"
        and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
        for statement in policy["PolicyDocument"]["Statement"]
    )


def encrypted(stack):
    key = stack.parameters["KmsKeyArn"]
    for name, bucket in stack.of_type("AWS::S3::Bucket"):
        rules = bucket.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
        found = [rule["ServerSideEncryptionByDefault"] for rule in rules]
        wanted = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key} if key else {"SSEAlgorithm": "AES256"}
        if found != [wanted]:
            yield f"{name}: is not encrypted with {key or 'the key of S3'}"
    for name, queue in stack.of_type("AWS::SQS::Queue"):
        found = (queue.get("KmsMasterKeyId"), queue.get("SqsManagedSseEnabled"))
        if found != ((key, None) if key else (None, True)):
            yield f"{name}: is not encrypted with {key or 'the key of SQS'}"
    for name, topic in stack.of_type("AWS::SNS::Topic"):
        # Neither EventBridge nor CloudWatch may use the key that AWS keeps for SNS.
        if topic.get("KmsMasterKeyId") not in ([key] if key else [stack.arn(own) for own, _ in stack.of_type(KEY_POLICY)]):
            yield f"{name}: is not encrypted with a customer key"
    if key and not any(
        key in many(statement.get("Resource", [])) and "kms:Decrypt" in many(statement["Action"])
        for _, kind, statement in statements(stack)
        if kind == "AWS::IAM::ManagedPolicy"
    ):
        yield "the functions may not decrypt with the customer key"


def roles_are_bounded(stack):
    boundary = stack.parameters["PermissionsBoundaryArn"] or None
    for name, role in stack.of_type("AWS::IAM::Role"):
        if role.get("PermissionsBoundary") != boundary:
            yield f"{name}: is bounded by {role.get('PermissionsBoundary')}, and not by {boundary}"


def functions_are_in_the_network(stack):
    subnets, groups = stack.parameters["VpcSubnetIds"], stack.parameters["VpcSecurityGroupIds"]
    wanted = {"SubnetIds": subnets.split(","), "SecurityGroupIds": groups.split(",")} if subnets else None
    for name, function in stack.of_type("AWS::Lambda::Function"):
        if function.get("VpcConfig") != wanted:
            yield f"{name}: is in the network {function.get('VpcConfig')}, and not in {wanted}"
        role = stack.resources[function["Role"].rsplit(":", 1)[-1]]["Properties"]
        if (NETWORK in role["ManagedPolicyArns"]) != bool(subnets):
            yield f"{name}: may join a network although it is in none, or may not"


def results_go_where_they_may(stack):
    """Everything under the output prefix is allowed in the bucket of results alone, but for what S3 Batch Operations keeps."""
    source = stack.parameters["ExistingBucket"] or next(stack.arn(name) for name, _ in stack.of_type("AWS::S3::Bucket")).rsplit(":", 1)[1]
    results = stack.parameters["OutputBucket"] or source
    folder = stack.parameters["OutputPrefix"]
    for name, _, statement in statements(stack):
        for resource in many(statement.get("Resource", [])):
            bucket, _, key = resource.removeprefix("arn:aws:s3:::").partition("/")
            if key.startswith(folder) and not key.startswith(folder + ".backfill/") and bucket != results:
                yield f"{name}, statement {statement.get('Sid')}: is for {resource}, and results are in {results}"
        if "s3:ListBucket" in many(statement["Action"]) and statement["Effect"] == "Allow":
            listed = {resource.rsplit(":", 1)[1] for resource in many(statement["Resource"])}
            wanted = {source} if statement["Sid"] == "TellMissingRecordingsFromForbidden" else {source, results}
            if listed != wanted:
                yield f"{name}, statement {statement['Sid']}: lists {sorted(listed)}, and not {sorted(wanted)}"
    for name, function in stack.of_type("AWS::Lambda::Function"):
        if function["Environment"]["Variables"].get("OUTPUT_BUCKET") != stack.parameters["OutputBucket"]:
            yield f"{name}: writes results elsewhere than OutputBucket says"


def not_public(stack):
    blocks = ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"]
    for name, bucket in stack.of_type("AWS::S3::Bucket"):
        if not all(bucket.get("PublicAccessBlockConfiguration", {}).get(block) is True for block in blocks):
            yield f"{name}: public access is not blocked"


RULES = [
    least_privilege,
    state_can_be_told_from_forbidden,
    tls_only,
    encrypted,
    not_public,
    roles_are_bounded,
    functions_are_in_the_network,
    results_go_where_they_may,
]
