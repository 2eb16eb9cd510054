//! Writes one line of metrics for each upload, in CloudWatch's embedded metric format
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>),
//! which needs no agent and no API call, only a line in the log.

use std::io::Write;
use std::time::Duration;

use serde_json::{Value, json};

use crate::job::{JobError, Outcome, Status};

/// The CloudWatch namespace of the metrics.
const NAMESPACE: &str = "TranscriptSummarizer";

/// The metrics line for one upload that ended after `took`, written at `now_ms` (milliseconds since 1970). `properties` are
/// fields that can be searched for but are not metrics.
pub(crate) fn line(
    function: &str,
    ended: &Result<Outcome, JobError>,
    took: Duration,
    now_ms: i64,
    properties: &[(&str, &str)],
) -> Value {
    let metrics = metrics(ended, took);
    let definitions = metrics.iter();
    let definitions = definitions.map(|(name, unit, _)| json!({"Name": name, "Unit": unit}));
    let directive = json!({
        "Namespace": NAMESPACE,
        "Dimensions": [["FunctionName"]],
        "Metrics": definitions.collect::<Vec<Value>>(),
    });
    let header = json!({"Timestamp": now_ms, "CloudWatchMetrics": [directive]});
    let fixed = [("_aws", header), ("FunctionName", function.into())];
    let properties = properties.iter().map(|&(name, value)| (name, value.into()));
    let values = metrics.into_iter().map(|(name, _, value)| (name, value));
    let line = fixed.into_iter().chain(properties).chain(values);
    line.map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Writes a line to standard output, where CloudWatch Logs picks it up.
pub(crate) fn emit(line: &Value) {
    // A broken log is no reason to fail the invocation.
    let _: std::io::Result<()> = writeln!(std::io::stdout(), "{line}");
}

/// Name, one of CloudWatch's units, and value.
type Metric = (&'static str, &'static str, Value);

fn metric(name: &'static str, unit: &'static str, value: impl Into<Value>) -> Metric {
    (name, unit, value.into())
}

/// The metrics of one upload. CI compares the dashboard and the alarms of template.yaml with their names.
fn metrics(ended: &Result<Outcome, JobError>, took: Duration) -> Vec<Metric> {
    let ended_as = Status::of(ended);
    let is = |status| u8::from(status == ended_as);
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let mut metrics = vec![
        metric("Jobs", "Count", 1),
        // Write zeros too, so that sums and rates have no gaps.
        metric("Done", "Count", is(Status::Done)),
        metric("Rejected", "Count", is(Status::Rejected)),
        metric("Continued", "Count", is(Status::Continue)),
        metric("Failed", "Count", is(Status::Failed)),
        metric("Duplicates", "Count", is(Status::Duplicate)),
        metric("Superseded", "Count", is(Status::Superseded)),
        metric("Duration", "Milliseconds", took_ms),
    ];
    if let Ok(Outcome::Done(done)) = ended {
        let (report, usage) = (&done.report, &done.report.usage);
        let seconds = usage.endpoint_time.as_secs_f64();
        metrics.extend([
            metric("WordsIn", "Count", report.source.words.unwrap_or(0)),
            metric("WordsOut", "Count", report.summary.words),
            metric("ModelCalls", "Count", usage.calls),
            metric("Retries", "Count", usage.retries),
            metric("Resubmitted", "Count", usage.resubmitted),
            metric("Throttles", "Count", usage.throttled),
            metric("PromptTokens", "Count", usage.prompt_tokens),
            metric("CompletionTokens", "Count", usage.completion_tokens),
            metric("DegradedSections", "Count", report.coverage.degraded),
            metric("Slices", "Count", done.invocations),
            metric("Deviation", "None", report.summary.deviation),
            metric("EndpointSeconds", "Seconds", seconds),
        ]);
    }
    metrics
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_declares_every_value_that_is_not_a_property() {
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
