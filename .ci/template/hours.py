"""Whether the hours open and close the poller, and nothing else. Each rule yields its complaints."""

import json

from access import many

SWITCH = "arn:aws:scheduler:::aws-sdk:lambda:updateEventSourceMapping"
SIX_HOURS, DAY = 6 * 3600, 24 * 3600


def hours_open_and_close(stack):
    opening, closing, zone = (stack.parameters[name] for name in ("ProcessFrom", "ProcessUntil", "ProcessTimeZone"))
    ((mapping, properties),) = stack.of_type("AWS::Lambda::EventSourceMapping")
    # Without hours it has to be said, or a poller that was closed when they were given up stays so.
    if properties.get("Enabled") is not (None if opening else True):
        yield f"{mapping}: Enabled is {properties.get('Enabled')}"
    switches = {cron(opening): {"Uuid": mapping, "Enabled": True}, cron(closing): {"Uuid": mapping, "Enabled": False}}
    wanted = switches if opening else {}
    found = {}
    for name, schedule in stack.of_type("AWS::Scheduler::Schedule"):
        target = schedule["Target"]
        found[schedule["ScheduleExpression"]] = json.loads(target["Input"])
        if schedule["ScheduleExpressionTimezone"] != zone:
            yield f"{name}: is not in the zone {zone}"
        if target["Arn"] != SWITCH or target["RoleArn"] != stack.arn("HoursRole"):
            yield f"{name}: does something else than switching the poller"
    if found != wanted:
        yield f"the schedules are {found}, and not {wanted}"


def cron(time):
    hour, minute = time.split(":") if time else ("", "")
    return f"cron({minute} {hour} * * ? *)"


def schedules_may_only_switch(stack):
    if not stack.parameters["ProcessFrom"]:
        return
    ((mapping, _),) = stack.of_type("AWS::Lambda::EventSourceMapping")
    policies = stack.resources["HoursRole"]["Properties"]["Policies"]
    statements = [entry for policy in policies for entry in policy["PolicyDocument"]["Statement"]]
    allowed = [(many(entry["Action"]), many(entry["Resource"])) for entry in statements]
    arn = f"arn:aws:lambda:eu-central-1:123456789012:event-source-mapping:{mapping}"
    if allowed != [(["lambda:UpdateEventSourceMapping"], [arn])]:
        yield f"HoursRole: may do {allowed}, and not just switch {mapping}"


def waiting_is_no_alarm(stack):
    threshold = stack.resources["OldestMessageAlarm"]["Properties"]["Threshold"]
    if threshold != SIX_HOURS + (DAY if stack.parameters["ProcessFrom"] else 0):
        yield f"OldestMessageAlarm: is raised after {threshold} seconds, whatever the hours"


RULES = [hours_open_and_close, schedules_may_only_switch, waiting_is_no_alarm]
