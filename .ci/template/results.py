"""Whether every result is told, as a row and as a mail, and what fails on the way is kept. Each rule yields its complaints."""

from access import many
from delivery import senders_allowed, targets


def machine(stack):
    """The state machine's name and its states, or None."""
    found = [(name, properties["Definition"]["States"]) for name, properties in stack.of_type("AWS::StepFunctions::StateMachine")]
    return found[0] if found else None


def every_result_is_told(stack):
    wanted = bool(stack.parameters["NotificationEmail"]) or stack.parameters["ScoresTable"] == "on"
    if wanted != bool(machine(stack)):
        yield f"a state machine tells of results: {bool(machine(stack))}, and it should be {wanted}"
    if not machine(stack):
        return
    name, states = machine(stack)
    rules = [rule for rule in stack.of_type("AWS::Events::Rule") if stack.arn(name) in targets(rule[1])]
    if len(rules) != 1:
        yield f"{name}: is started by {len(rules)} rules"
        return
    ((rule, properties),) = rules
    prefix = stack.parameters["OutputPrefix"]
    keys = [key["wildcard"] for key in properties["EventPattern"]["detail"]["object"]["key"]]
    if keys != [f"{prefix}*_summary.txt", f"{prefix}*_error.json"]:
        yield f"{rule}: watches {keys}, and not summaries and errors"
    queue = stack.arn("ResultDeadLetterQueue")
    if [target.get("DeadLetterConfig") for target in properties["Targets"]] != [{"Arn": queue}]:
        yield f"{rule}: what it cannot deliver is lost"
    if senders_allowed(stack, "sqs:SendMessage", queue) != {stack.arn(rule)}:
        yield f"{rule}: its dead-letter queue does not let exactly it in"
    for bucket, settings in stack.of_type("AWS::S3::Bucket"):
        if settings["NotificationConfiguration"].get("EventBridgeConfiguration") != {"EventBridgeEnabled": True}:
            yield f"{bucket}: sends nothing to EventBridge, so its rules hear nothing"
    for other, properties in stack.of_type("AWS::Events::Rule"):
        if other != rule and any("RoleArn" in target for target in properties["Targets"]):
            yield f"{other}: has a role: EventBridge may then deliver nothing to an encrypted target"


def states_are_connected(stack):
    if not machine(stack):
        return
    name, states = machine(stack)
    reached = {"Begin"}
    for title, state in states.items():
        ways = [way["Next"] for way in state.get("Choices", []) + state.get("Catch", [])]
        reached |= {title for title in [state.get("Next"), state.get("Default"), *ways] if title}
        if state["Type"] == "Task":
            if not state.get("Retry"):
                yield f"{name}, {title}: is not tried again"
            if title != "GiveUp" and [way["Next"] for way in state.get("Catch", [])] != ["GiveUp"]:
                yield f"{name}, {title}: a failure is lost"
    if reached != states.keys():
        yield f"{name}: states that are missing or never reached: {sorted(reached ^ states.keys())}"


def machine_may_do_what_it_does(stack):
    if not machine(stack):
        return
    _, states = machine(stack)
    uses = {
        "s3:headObject": "s3:GetObject",
        "dynamodb:putItem": "dynamodb:PutItem",
        "sns:publish": "sns:Publish",
        "sqs:sendMessage": "sqs:SendMessage",
    }
    resources = [state["Resource"] for state in states.values() if state["Type"] == "Task"]
    needed = {action for ending, action in uses.items() if any(resource.endswith(ending) for resource in resources)}
    role = stack.resources["ResultRole"]["Properties"]
    statements = [statement for policy in role["Policies"] for statement in policy["PolicyDocument"]["Statement"]]
    allowed = {action for statement in statements for action in many(statement["Action"]) if not action.startswith("kms:")}
    if allowed != needed:
        yield f"ResultRole: is allowed {sorted(allowed)}, and its states use {sorted(needed)}"
    encrypted = stack.parameters["KmsKeyArn"] or stack.parameters["NotificationEmail"]
    if bool(encrypted) != any("kms:GenerateDataKey" in many(statement["Action"]) for statement in statements):
        yield "ResultRole: may not use the key of what it writes to"


RULES = [every_result_is_told, states_are_connected, machine_may_do_what_it_does]
