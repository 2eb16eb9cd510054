"""Whether dashboard and alarms look at metrics that exist, of resources that exist. Each rule yields its complaints."""

import pathlib
import re

from render import dashboards

CUSTOM = "TranscriptSummarizer"
# Of those that AWS publishes, the ones that are of use here; each with the dimension it has.
OF_AWS = {
    "AWS/Lambda": ("FunctionName", {"Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions", "Url5xxCount"}),
    "AWS/SQS": (
        "QueueName",
        {"ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible", "ApproximateAgeOfOldestMessage"},
    ),
}
EXPECTED_ALARMS = {
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"),
    ("AWS/Lambda", "Errors"),
    ("AWS/Lambda", "Throttles"),
    (CUSTOM, "Resubmitted"),
}


def emitted():
    """The names of the metrics that the program emits."""
    source = pathlib.Path("src/lambda/metrics.rs")
    names = set(re.findall(r'metric\(\s*"([A-Za-z]+)"', source.read_text(encoding="utf-8")))
    if not names:
        raise ValueError(f"{source} declares no metric in the form metric(\"Name\", …)")
    return names


def complaint(stack, namespace, metric, dimension, value):
    """What is wrong with a metric, or None."""
    by, known = OF_AWS.get(namespace, ("FunctionName", emitted() if namespace == CUSTOM else set()))
    if metric not in known:
        return f"nobody emits {namespace} {metric}"
    if dimension != by:
        return f"{namespace} {metric} has no dimension {dimension}"
    kind = "AWS::SQS::Queue" if by == "QueueName" else "AWS::Lambda::Function"
    names = [name + (".QueueName" if by == "QueueName" else "") for name, _ in stack.of_type(kind)]
    return None if value in names else f"{namespace} {metric}: no {by} {value}"


def dashboard_shows_what_exists(stack):
    try:
        found = list(dashboards(stack))
    except ValueError as error:
        yield f"a dashboard is no JSON: {error}"
        return
    if len(found) != 1:
        yield f"expected one dashboard: {len(found)}"
    alarms = {stack.arn(name) for name, _ in stack.of_type("AWS::CloudWatch::Alarm")}
    for name, body in found:
        for widget in body["widgets"]:
            properties = widget["properties"]
            where = f"{name}, {properties['title']}"
            if widget["type"] == "alarm" and set(properties["alarms"]) != alarms:
                yield f"{where}: does not show every alarm"
            for row in properties.get("metrics", []):
                problem = complaint(stack, *[cell for cell in row if isinstance(cell, str)])
                if problem:
                    yield f"{where}: {problem}"
                options = row[4] if len(row) > 4 else {}
                if not (options.get("stat") or properties.get("stat")):
                    yield f"{where}: {row[1]} has no statistic"
            if widget["x"] + widget["width"] > 24:
                yield f"{where}: is outside the grid"


def alarms_watch_what_exists(stack):
    found = set()
    topic = stack.parameters["AlarmTopicArn"] or next((stack.arn(name) for name, _ in stack.of_type("AWS::SNS::Topic")), None)
    for name, alarm in stack.of_type("AWS::CloudWatch::Alarm"):
        found.add((alarm["Namespace"], alarm["MetricName"]))
        (dimension,) = alarm["Dimensions"]
        problem = complaint(stack, alarm["Namespace"], alarm["MetricName"], dimension["Name"], dimension["Value"])
        if problem:
            yield f"{name}: {problem}"
        if alarm.get("TreatMissingData") != "notBreaching":
            yield f"{name}: an idle system would be alarming"
        if alarm.get("AlarmActions", []) != ([topic] if topic else []):
            yield f"{name}: does not tell {topic}"
    for namespace, metric in EXPECTED_ALARMS - found:
        yield f"no alarm on {namespace} {metric}"


RULES = [dashboard_shows_what_exists, alarms_watch_what_exists]
