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
    (CUSTOM, "Refused"),
    (CUSTOM, "Failed"),
}
# CloudWatch bills each for every function.
MOST_CUSTOM = 8
# One data point of these is no blip: a refusal has been tried again, and the thresholds of the others leave room for some.
ONE_POINT = {"Refused", "Resubmitted", "PromptTokens"}
# A message that was not done comes back after 16 minutes, and only then can fail once more.
UNTIL_AGAIN = 16 * 60
REFUSED_WITHIN = 15 * 60


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
        of_program = {row[1] for widget in body["widgets"] for row in widget["properties"].get("metrics", []) if row[0] == CUSTOM}
        if of_program != emitted() or len(of_program) > MOST_CUSTOM:
            yield f"{name}: shows {sorted(of_program)} of {sorted(emitted())}; what it does not need should be a field of log lines"
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
    found = {}
    topic = stack.parameters["AlarmTopicArn"] or next((stack.arn(name) for name, _ in stack.of_type("AWS::SNS::Topic")), None)
    for name, alarm in stack.of_type("AWS::CloudWatch::Alarm"):
        metrics = watched(alarm)
        for namespace, metric, dimension, value, _ in metrics:
            found.setdefault((namespace, metric), set()).add(value)
            problem = complaint(stack, namespace, metric, dimension, value)
            if problem:
                yield f"{name}: {problem}"
        (period,) = {metric[4] for metric in metrics}
        yield from (f"{name}: {problem}" for problem in points(alarm, metrics[0][1], period, tries_once=name == "BackfillFailedAlarm"))
        if alarm.get("TreatMissingData") != "notBreaching":
            yield f"{name}: an idle system would be alarming"
        for actions in ("AlarmActions", "OKActions"):
            if alarm.get(actions, []) != ([topic] if topic else []):
                yield f"{name}: does not tell {topic} ({actions})"
    for namespace, metric in EXPECTED_ALARMS - found.keys():
        yield f"no alarm on {namespace} {metric}"
    has_budget = int(stack.parameters["TokensPerDay"]) > 0
    tokens = [(CUSTOM, "PromptTokens"), (CUSTOM, "CompletionTokens")]
    if any((metric in found) != has_budget for metric in tokens):
        yield "the alarm on tokens does not follow TokensPerDay"
    if stack.parameters["Backfill"] == "true":
        budget = tokens if has_budget else []
        for metric in [("AWS/Lambda", "Errors"), (CUSTOM, "Failed"), (CUSTOM, "Refused"), *budget]:
            if "BackfillFunction" not in found.get(metric, set()):
                yield f"no alarm on {' '.join(metric)} of the backfill function"


def watched(alarm):
    """Namespace, name, dimension, its value and period of each metric of an alarm."""
    statistics = [metric["MetricStat"] for metric in alarm.get("Metrics", []) if "MetricStat" in metric]
    rows = [(of["Metric"], of["Period"]) for of in statistics] or [(alarm, alarm["Period"])]
    return [
        (metric["Namespace"], metric["MetricName"], dimension["Name"], dimension["Value"], period)
        for metric, period in rows
        for dimension in metric["Dimensions"]
    ]


def points(alarm, metric, period, tries_once):
    """Whether it waits for a second data point, and not for too long. What a job of S3 Batch Operations fails at is not tried again."""
    needed = alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"])
    if needed < 2 and metric not in ONE_POINT and not tries_once:
        yield "one data point raises it"
    # A lone upload comes back too late for a second one.
    if metric == "Refused" and (needed > 1 or period > REFUSED_WITHIN):
        yield f"tells only after {max(UNTIL_AGAIN, period)} seconds that settings are refused"
    again = metric in ("Failed", "Errors", "Refused") and not tries_once and period * (alarm["EvaluationPeriods"] - 1) < UNTIL_AGAIN
    if again:
        yield "has forgotten the first failure of a message when it fails again"


def queries_search_the_log(stack):
    source = pathlib.Path("src/lambda/metrics.rs").read_text(encoding="utf-8")
    known = emitted() | set(re.findall(r'\(\s*"([A-Z][A-Za-z]+)",', source))
    group = next(name for name, _ in stack.of_type("AWS::Logs::LogGroup"))
    queries = stack.of_type("AWS::Logs::QueryDefinition")
    if not queries:
        yield "there are no saved queries for what is no metric"
    for name, query in queries:
        if query["LogGroupNames"] != [group]:
            yield f"{name}: searches {query['LogGroupNames']}"
        # Our fields are in capitals or in the span; the rest of the words are the language's.
        for field in set(re.findall(r"\b[A-Z][a-z]+[A-Za-z]*\b", query["QueryString"])) - known:
            yield f"{name}: no line has the field {field}"
        for field in set(re.findall(r"span\.(\w+)", query["QueryString"])) - {"requestId", "bucket", "key", "job_id", "phase"}:
            yield f"{name}: no span has the field {field}"


RULES = [dashboard_shows_what_exists, alarms_watch_what_exists, queries_search_the_log]
