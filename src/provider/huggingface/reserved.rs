//! Members of a request body that `MODEL_PARAMETERS` cannot override.

use serde_json::Value;

use crate::provider::task::EndpointTask;

/// Why a parameter must not be set, and what to do instead; `None` if it may be set.
pub(crate) fn reason(task: EndpointTask, name: &str, value: &Value) -> Option<&'static str> {
    match (name, task) {
        ("model", _) => Some("set HF_MODEL"),
        ("stream", EndpointTask::TextGeneration) => Some(
            "set HF_ENDPOINT_URL to the endpoint's /generate or /predict for answers in one piece",
        ),
        _ => task.reserved(name, value),
    }
}
