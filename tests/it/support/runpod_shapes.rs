//! The output shapes of different RunPod workers, and occasional job failures.

use serde_json::{Value, json};

use super::runpod_jobs::{JobPlan, SubmittedJob};

/// Reasoning text of the workers, which must never appear in a summary.
const THOUGHTS: &str = "Let me ponder what the user wants";

/// Error texts and text around answers; none of it may appear in a summary.
pub(crate) const FOREIGN: [&str; 14] = [
    THOUGHTS,
    "<think>",
    "<html",
    "Bad Gateway",
    "exploded",
    "too many requests",
    "vLLM",
    "worker_error",
    "Traceback",
    "{\"",
    "{'",
    "data:",
    "choices",
    "_reason",
];

/// The shape of a worker's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A chat completion in a list: worker-vllm since 2.24.
    VllmNew,
    /// Token lists in `choices`: worker-vllm before 2.24.
    VllmOld,
    /// A string that includes reasoning.
    Plain,
    /// `{"summary": …}`, as custom handlers return it.
    Summary,
    /// A streamed response, cut at arbitrary positions.
    Fragments,
    /// The native SGLang route.
    Sglang,
}

impl Shape {
    pub(crate) const ALL: [Self; 6] = [
        Self::VllmNew,
        Self::VllmOld,
        Self::Plain,
        Self::Summary,
        Self::Fragments,
        Self::Sglang,
    ];

    /// Whether the output includes token counts.
    pub(crate) fn counts_tokens(self) -> bool {
        !matches!(self, Self::Plain | Self::Summary)
    }

    /// `text` as the output of `job`.
    pub(crate) fn output(self, job: &SubmittedJob, text: &str) -> Value {
        let prompt = words(job.message("system")) + words(job.message("user"));
        let usage = json!({"prompt_tokens": prompt, "completion_tokens": words(text)});
        match self {
            Self::VllmNew => {
                let message =
                    json!({"role": "assistant", "content": text, "reasoning_content": THOUGHTS});
                json!([{"id": "chatcmpl-1", "object": "chat.completion",
                        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}])
            }
            Self::VllmOld => {
                json!([{"choices": [{"tokens": [text]}], "usage": {"input": prompt, "output": words(text)}}])
            }
            Self::Plain => json!(format!("<think>{THOUGHTS}.</think>\n\n{text}")),
            Self::Summary => json!({ "summary": text }),
            Self::Fragments => json!(fragments(text, &usage)),
            Self::Sglang => {
                json!({"text": text, "meta_info": {"finish_reason": {"type": "stop", "matched": 2},
                       "prompt_tokens": prompt, "completion_tokens": words(text)}})
            }
        }
    }
}

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

/// A stream cut into pieces of 97 characters, regardless of event boundaries.
fn fragments(text: &str, usage: &Value) -> Vec<String> {
    let delta = |delta: Value| json!({"choices": [{"index": 0, "delta": delta}]});
    let thought = delta(json!({"reasoning_content": THOUGHTS}));
    let pieces = text.split_inclusive(' ');
    let pieces = pieces.map(|piece| delta(json!({"content": piece})));
    let last =
        json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage});
    let stream: String = std::iter::once(thought)
        .chain(pieces)
        .chain([last])
        .map(|event| format!("data: {event}\n\n"))
        .chain(["data: [DONE]\n\n".to_owned()])
        .collect();
    let stream: Vec<char> = stream.chars().collect();
    stream
        .chunks(97)
        .map(|piece| piece.iter().collect())
        .collect()
}

/// Whether the first execution of the job with this number fails: one in ten, plus jobs 4 to 6.
pub(crate) fn is_hit(number: usize) -> bool {
    number % 10 == 2 || (4..7).contains(&number)
}

/// The failure planned for a job: no output, a worker error in Python notation, or a timeout, depending on its number.
pub(crate) fn fault_of(job: &SubmittedJob) -> Option<JobPlan> {
    if job.retries > 0 || !is_hit(job.number) {
        return None;
    }
    Some(match job.number % 3 {
        0 => JobPlan::without_output(),
        1 => JobPlan::failed(
            "{'error': {'message': 'vLLM returned HTTP 500: {\"error\":{\"message\":\"the engine exploded\"}}', \
             'type': 'worker_error', 'code': None}}",
        ),
        _ => JobPlan::timed_out(),
    })
}
