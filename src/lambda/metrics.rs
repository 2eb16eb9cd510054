//! Writes lines of metrics in CloudWatch's embedded metric format
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>),
//! which needs no agent and no API call, only a line in the log: one for each upload that has ended, and one whenever a call has
//! used something, so that what a failed or killed job used counts too.
//!
//! CloudWatch bills each metric of each function, so only those are metrics that alarms or the dashboard of `template.yaml` need.
//! The rest are fields of the same lines, for its saved queries.

use std::io::Write;
use std::time::Duration;

use serde_json::{Value, json};

use crate::job::{JobError, Outcome, Status};
use crate::run::Spending;

/// The CloudWatch namespace of the metrics.
const NAMESPACE: &str = "TranscriptSummarizer";

/// Name and value of a metric. All are counts. CI compares the dashboard and the alarms of template.yaml with their names.
type Metric = (&'static str, Value);

fn metric(name: &'static str, value: impl Into<Value>) -> Metric {
    (name, value.into())
}

/// The line for one upload that ended after `took`, written at `now_ms` (milliseconds since 1970). `span` holds what all log lines
/// of the job have.
pub(crate) fn ended(
    function: &str,
    ended: &Result<Outcome, JobError>,
    took: Duration,
    now_ms: i64,
    span: Value,
) -> Value {
    let ended_as = Status::of(ended);
    let is = |status| u8::from(status == ended_as);
    let is_refused = ended.as_ref().is_err_and(JobError::is_refused);
    let metrics = [
        // Write zeros too, so that sums and rates have no gaps.
        metric("Done", is(Status::Done)),
        metric("Rejected", is(Status::Rejected)),
        metric("Failed", is(Status::Failed)),
        metric("Refused", u8::from(is_refused)),
    ];
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let mut fields = vec![
        ("span", span),
        ("Status", json!(ended_as)),
        ("Duration", took_ms.into()),
    ];
    match ended {
        Ok(Outcome::Done(done)) => {
            let report = &done.report;
            fields.extend([
                ("WordsIn", report.source.words.unwrap_or(0).into()),
                ("WordsOut", report.summary.words.into()),
                ("Deviation", report.summary.deviation.into()),
                ("DegradedSections", report.coverage.degraded.into()),
                ("Retries", report.usage.retries.into()),
                ("Invocations", done.invocations.into()),
            ]);
        }
        Ok(_) => {}
        Err(error) => fields.push(("Kind", error.kind().into())),
    }
    line(function, now_ms, &metrics, fields)
}

/// The line for what a call has used.
pub(crate) fn spent(function: &str, spending: &Spending, now_ms: i64, span: Value) -> Value {
    let metrics = [
        metric("ModelCalls", spending.calls),
        metric("Resubmitted", spending.resubmitted),
        metric("Refused", spending.refused),
        metric("PromptTokens", spending.prompt_tokens),
        metric("CompletionTokens", spending.completion_tokens),
    ];
    let used: Vec<Metric> = metrics
        .into_iter()
        .filter(|(_, value)| *value != 0)
        .collect();
    let seconds = spending.endpoint_time.as_secs_f64();
    let fields = vec![
        ("span", span),
        ("Throttles", spending.throttled.into()),
        ("EndpointSeconds", seconds.into()),
    ];
    line(function, now_ms, &used, fields)
}

/// The line for a function that cannot start because a setting or its key is refused.
pub(crate) fn not_started(function: &str, now_ms: i64) -> Value {
    line(function, now_ms, &[metric("Refused", 1)], Vec::new())
}

fn line(
    function: &str,
    now_ms: i64,
    metrics: &[Metric],
    fields: Vec<(&'static str, Value)>,
) -> Value {
    let definitions = metrics.iter();
    let definitions = definitions.map(|(name, _)| json!({"Name": name, "Unit": "Count"}));
    let directive = json!({
        "Namespace": NAMESPACE,
        "Dimensions": [["FunctionName"]],
        "Metrics": definitions.collect::<Vec<Value>>(),
    });
    // A directive without metrics is an error to CloudWatch.
    let directives: &[Value] = if metrics.is_empty() {
        &[]
    } else {
        &[directive]
    };
    let header = json!({"Timestamp": now_ms, "CloudWatchMetrics": directives});
    let line = [("_aws", header), ("FunctionName", function.into())].into_iter();
    let line = line.chain(fields).chain(metrics.iter().cloned());
    line.map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Writes a line to standard output, where CloudWatch Logs picks it up.
pub(crate) fn emit(line: &Value) {
    // A broken log is no reason to fail the invocation.
    let _: std::io::Result<()> = writeln!(std::io::stdout(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ErrorKind, ModelError};
    use crate::summary::WriteError;

    const NOW_MS: i64 = 1_790_000_000_000;

    /// The names of a line's metrics. Each must have a value.
    fn declared(line: &Value) -> Vec<&str> {
        let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
        let metrics = directives.iter().flat_map(|directive| {
            assert_eq!(directive["Namespace"], "TranscriptSummarizer");
            assert_eq!(directive["Dimensions"], json!([["FunctionName"]]));
            directive["Metrics"].as_array().unwrap()
        });
        let names: Vec<&str> = metrics
            .map(|metric| metric["Name"].as_str().unwrap())
            .collect();
        assert!(names.iter().all(|name| line[*name].is_number()), "{line}");
        assert_eq!(line["FunctionName"], "summarizer");
        names
    }

    fn of(outcome: &Result<Outcome, JobError>) -> Value {
        let took = Duration::from_millis(1500);
        ended("summarizer", outcome, took, NOW_MS, json!({"key": "a.txt"}))
    }

    fn failure(kind: ErrorKind) -> Result<Outcome, JobError> {
        let error = ModelError::new(kind, "no");
        Err(WriteError::of("a section".to_owned())(error).into())
    }

    #[test]
    fn an_upload_that_has_ended_counts_under_its_status() {
        let superseded = of(&Ok(Outcome::Superseded));
        assert_eq!(
            declared(&superseded),
            ["Done", "Rejected", "Failed", "Refused"]
        );
        assert_eq!(superseded["span"]["key"], "a.txt");
        assert_eq!(superseded["Duration"], 1500);
        for (outcome, status, failed, refused) in [
            (Ok(Outcome::Superseded), "superseded", 0, 0),
            (failure(ErrorKind::Transient), "continue", 0, 0),
            (failure(ErrorKind::Unusable), "failed", 1, 0),
            (failure(ErrorKind::Configuration), "failed", 1, 1),
        ] {
            let line = of(&outcome);
            let found = (&line["Status"], &line["Failed"], &line["Refused"]);
            assert_eq!(
                found,
                (&json!(status), &json!(failed), &json!(refused)),
                "{line}"
            );
        }
    }

    #[test]
    fn a_call_counts_what_it_used_and_a_wait_counts_as_no_metric() {
        let spending = Spending {
            calls: 1,
            prompt_tokens: 700,
            endpoint_time: Duration::from_millis(250),
            ..Spending::default()
        };
        let line = spent("summarizer", &spending, NOW_MS, json!({}));
        assert_eq!(declared(&line), ["ModelCalls", "PromptTokens"]);
        assert_eq!(line["PromptTokens"], 700);
        assert_eq!(line["EndpointSeconds"], 0.25);
        let throttled = Spending {
            throttled: 1,
            ..Spending::default()
        };
        let line = spent("summarizer", &throttled, NOW_MS, json!({}));
        assert!(declared(&line).is_empty());
        assert_eq!(line["Throttles"], 1);
    }

    #[test]
    fn a_function_that_cannot_start_is_refused_too() {
        let line = not_started("summarizer", NOW_MS);
        assert_eq!(
            (declared(&line), &line["Refused"]),
            (vec!["Refused"], &json!(1))
        );
    }
}
