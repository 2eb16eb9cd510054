//! Writes one line of metrics for each upload, in CloudWatch's embedded metric format
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>),
//! which needs no agent and no API call, only a line in the log.

use std::io::Write;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::job::{JobError, Outcome, Status};

/// The CloudWatch namespace of the metrics.
pub const NAMESPACE: &str = "TranscriptSummarizer";

/// The unit of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// A ratio without a unit.
    None,
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
}

/// A metric that a line may contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Metric name.
    pub name: &'static str,
    /// Unit.
    pub unit: Unit,
}

const fn metric(name: &'static str, unit: Unit) -> Metric {
    Metric { name, unit }
}

/// All metrics. CI compares the dashboard and the alarms of template.yaml with this list.
pub const METRICS: [Metric; 20] = [
    metric("Jobs", Unit::Count),
    metric("Done", Unit::Count),
    metric("Rejected", Unit::Count),
    metric("Continued", Unit::Count),
    metric("Failed", Unit::Count),
    metric("Duplicates", Unit::Count),
    metric("Superseded", Unit::Count),
    metric("WordsIn", Unit::Count),
    metric("WordsOut", Unit::Count),
    metric("ModelCalls", Unit::Count),
    metric("Retries", Unit::Count),
    metric("Resubmitted", Unit::Count),
    metric("Throttles", Unit::Count),
    metric("PromptTokens", Unit::Count),
    metric("CompletionTokens", Unit::Count),
    metric("DegradedSections", Unit::Count),
    metric("Slices", Unit::Count),
    metric("Deviation", Unit::None),
    metric("EndpointSeconds", Unit::Seconds),
    metric("Duration", Unit::Milliseconds),
];

/// The metrics line for one upload that ended after `took`, written at `now_ms` (milliseconds since 1970). `properties` are
/// fields that can be searched for but are not metrics.
#[must_use]
pub fn line(
    function: &str,
    ended: &Result<Outcome, JobError>,
    took: Duration,
    now_ms: i64,
    properties: &[(&str, &str)],
) -> Value {
    let values = values(ended, took);
    let definitions: Vec<Value> = METRICS
        .iter()
        .filter(|metric| values.contains_key(metric.name))
        .map(|metric| json!({"Name": metric.name, "Unit": format!("{:?}", metric.unit)}))
        .collect();
    let mut line = Map::new();
    line.insert(
        "_aws".to_owned(),
        json!({"Timestamp": now_ms, "CloudWatchMetrics": [
            {"Namespace": NAMESPACE, "Dimensions": [["FunctionName"]], "Metrics": definitions}]}),
    );
    line.insert("FunctionName".to_owned(), function.into());
    for (name, value) in properties {
        line.insert((*name).to_owned(), (*value).into());
    }
    line.extend(values);
    Value::Object(line)
}

/// Writes a line to standard output, where CloudWatch Logs picks it up.
pub fn emit(line: &Value) {
    // A broken log is no reason to fail the invocation.
    let _: std::io::Result<()> = writeln!(std::io::stdout(), "{line}");
}

fn values(ended: &Result<Outcome, JobError>, took: Duration) -> Map<String, Value> {
    let mut values = Map::new();
    let mut set = |name: &str, value: Value| {
        values.insert(name.to_owned(), value);
    };
    let status = Status::of(ended);
    set("Jobs", 1.into());
    // Write zeros too, so that sums and rates have no gaps.
    for counted in Status::COUNTED {
        set(metric_of(counted), u8::from(counted == status).into());
    }
    set("Duration", millis(took));
    if let Ok(Outcome::Done(done)) = ended {
        let report = &done.report;
        set("WordsIn", report.source.words.unwrap_or(0).into());
        set("WordsOut", report.summary.words.into());
        set("ModelCalls", report.usage.calls.into());
        set("Retries", report.usage.retries.into());
        set("Resubmitted", report.usage.resubmitted.into());
        set("Throttles", done.throttled.into());
        set("PromptTokens", report.usage.prompt_tokens.into());
        set("CompletionTokens", report.usage.completion_tokens.into());
        set("DegradedSections", report.coverage.degraded.into());
        set("Slices", done.invocations.into());
        set("Deviation", report.summary.deviation.into());
        set("EndpointSeconds", done.endpoint_time.as_secs_f64().into());
    }
    values
}

/// The metric that counts jobs with this status.
fn metric_of(status: Status) -> &'static str {
    match status {
        Status::Done => "Done",
        Status::Rejected => "Rejected",
        Status::Continue => "Continued",
        Status::Failed => "Failed",
        Status::Duplicate => "Duplicates",
        Status::Superseded => "Superseded",
        Status::Skipped => "Skipped",
    }
}

fn millis(duration: Duration) -> Value {
    u64::try_from(duration.as_millis())
        .unwrap_or(u64::MAX)
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_what_cloudwatch_reads() {
        let ended = Ok(Outcome::Superseded);
        let line = line(
            "summarizer",
            &ended,
            Duration::from_millis(1500),
            1_790_000_000_000,
            &[("key", "a.txt")],
        );
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "TranscriptSummarizer");
        assert_eq!(directive["Dimensions"], json!([["FunctionName"]]));
        assert_eq!(line["FunctionName"], "summarizer");
        // Every declared metric has a value, and every value except the properties is declared.
        let declared: Vec<&str> = directive["Metrics"]
            .as_array()
            .unwrap()
            .iter()
            .map(|metric| metric["Name"].as_str().unwrap())
            .collect();
        assert!(declared.iter().all(|name| line[*name].is_number()));
        assert_eq!(line.as_object().unwrap().len(), declared.len() + 3);
        assert_eq!(
            (
                line["Superseded"].as_u64(),
                line["Done"].as_u64(),
                line["Duration"].as_u64()
            ),
            (Some(1), Some(0), Some(1500))
        );
    }
}
