//! Decides from an endpoint's [`/health`](https://docs.runpod.io/serverless/endpoints/operation-reference) whether queued
//! jobs will ever be started.
//!
//! After a week without requests, RunPod sets an endpoint's maximum number of workers to 0, and only a person can raise it
//! again. Meanwhile jobs stay in the queue until their time to live is over.

use serde_json::Value;

use crate::wire::failure::{Cause, Failure};

/// States of workers that will start a job sooner or later. `throttled` workers are waiting for a GPU.
const ALIVE: [&str; 5] = ["idle", "running", "initializing", "ready", "throttled"];

/// Evaluates a reply from `/health`.
///
/// # Errors
/// If jobs are queued and no worker is in one of the states in [`ALIVE`].
pub(crate) fn judge(health: &Value) -> Result<(), Failure> {
    let Some(workers) = health.get("workers").filter(|workers| workers.is_object()) else {
        return Ok(());
    };
    let count = |name: &str| workers.get(name).and_then(Value::as_u64).unwrap_or(0);
    let waiting = health.pointer("/jobs/inQueue").and_then(Value::as_u64);
    let alive: u64 = ALIVE
        .iter()
        .map(|name| count(name))
        .fold(0, u64::saturating_add);
    let throttled = count("throttled");
    if alive == 0 && waiting.unwrap_or(0) > 0 {
        let cause = match count("unhealthy") {
            0 => Cause::NoWorkers,
            _ => Cause::Unhealthy,
        };
        return Err(cause.seen("jobs wait in its queue"));
    }
    if throttled > 0 && throttled == alive {
        tracing::warn!(
            throttled,
            waiting,
            "all workers wait for a GPU: allow more GPU types or regions in the endpoint's settings if this lasts"
        );
    } else {
        tracing::info!(alive, waiting, "jobs wait for a worker");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_endpoint_fails_only_without_usable_workers() {
        for (jobs, workers, cause) in [
            (
                json!({"inQueue": 2}),
                json!({"idle": 0, "running": 0}),
                Some(Cause::NoWorkers),
            ),
            (json!({"inQueue": 2}), json!({}), Some(Cause::NoWorkers)),
            (
                json!({"inQueue": 2}),
                json!({"idle": 0, "unhealthy": 3}),
                Some(Cause::Unhealthy),
            ),
            (json!({"inQueue": 0}), json!({"idle": 0}), None),
            (json!({"inQueue": 2}), json!({"idle": 1}), None),
            (json!({"inQueue": 2}), json!({"running": 1}), None),
            (json!({"inQueue": 2}), json!({"initializing": 1}), None),
            (json!({"inQueue": 2}), json!({"ready": 1}), None),
            (
                json!({"inQueue": 2}),
                json!({"throttled": 1, "unhealthy": 1}),
                None,
            ),
            (json!({"inQueue": 2}), json!(null), None),
        ] {
            let verdict = judge(&json!({"jobs": jobs, "workers": workers}));
            let found = match verdict {
                Ok(()) => None,
                Err(Failure::Known(cause, _)) => Some(cause),
                Err(other) => panic!("{other:?}"),
            };
            assert_eq!(found, cause, "{jobs} {workers}");
        }
        assert!(judge(&json!("ok")).is_ok());
    }
}
