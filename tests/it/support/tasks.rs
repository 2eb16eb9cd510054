//! Simulated containers for Hugging Face tasks, each of which validates its input strictly: TGI, the toolkit's pipelines and
//! the task API.

use std::collections::HashSet;
use std::sync::Mutex;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use transcript_summarizer::text::sentence::sentences;

use super::behaviour::{Behaviour, End};
use super::chat_server::ChatRequest;

/// BART's limit for input and for output, in tokens.
const BART_TOKENS: usize = 1024;

/// Keyword arguments that the pipelines accept.
const GENERATION_KWARGS: [&str; 4] = ["max_new_tokens", "return_full_text", "temperature", "top_p"];
const SUMMARIZATION_KWARGS: [&str; 5] = [
    "max_length",
    "min_length",
    "truncation",
    "num_beams",
    "clean_up_tokenization_spaces",
];

impl ChatRequest {
    pub(crate) fn inputs(&self) -> &str {
        self.body["inputs"].as_str().unwrap_or_default()
    }

    pub(crate) fn parameters(&self) -> &Map<String, Value> {
        self.body["parameters"].as_object().unwrap()
    }

    /// A length parameter: a direct member of `parameters`, or a generation parameter as in the task API.
    pub(crate) fn length(&self, name: &str) -> usize {
        let own = &self.body["parameters"][name];
        let nested = &self.body["parameters"]["generate_parameters"][name];
        own.as_u64().or(nested.as_u64()).unwrap_or(0) as usize
    }
}

/// A rough token count of English text with a byte-pair vocabulary.
pub(crate) fn tokens(text: &str) -> usize {
    text.split_whitespace().count() * 13 / 10
}

/// TGI's native route: a stream if requested by the body or the path, an object at `/generate`, an array elsewhere.
pub(crate) fn tgi(request: &ChatRequest, text: &str) -> Behaviour {
    let limit = request.length("max_new_tokens");
    if request.inputs().is_empty() || limit == 0 {
        let body = r#"{"error":"Input validation error: `inputs` cannot be empty","error_type":"validation"}"#;
        return Behaviour::status(422, body);
    }
    let streams = request.path == "/generate_stream"
        || request.path != "/generate" && request.body["stream"] == true;
    let mut words: Vec<&str> = text.split_inclusive(' ').collect();
    let cut = words.len() >= limit;
    words.truncate(limit);
    let text = words.concat();
    if !streams {
        let answer = json!({ "generated_text": text });
        let body = if request.path == "/generate" {
            answer
        } else {
            json!([answer])
        };
        let generated = words.len() + usize::from(!cut);
        let headers = vec![
            ("x-prompt-tokens", tokens(request.inputs()).to_string()),
            ("x-generated-tokens", generated.to_string()),
        ];
        return Behaviour::Status(200, headers, body.to_string());
    }
    let mut events: Vec<Value> = words
        .iter()
        .map(|word| json!({"token": {"id": 7, "text": word, "logprob": -0.1, "special": false}, "generated_text": null, "details": null}))
        .collect();
    if !cut {
        events.push(json!({"token": {"id": 2, "text": "</s>", "logprob": 0.0, "special": true}}));
    }
    events.last_mut().unwrap()["generated_text"] = text.into();
    let pieces = events.iter().map(data).collect();
    Behaviour::Pieces("text/event-stream", pieces, End::Properly)
}

/// An event of TGI's stream, which has no space after the colon.
pub(crate) fn data(event: &Value) -> Bytes {
    Bytes::from(format!("data:{event}\n\n"))
}

/// A text-generation pipeline of the inference toolkit.
pub(crate) fn toolkit(request: &ChatRequest, text: &str) -> Behaviour {
    refusal(request, &GENERATION_KWARGS)
        .unwrap_or_else(|| json_body(&json!([{ "generated_text": text }])))
}

/// A summarization pipeline of the inference toolkit, running BART.
pub(crate) fn bart(request: &ChatRequest) -> Behaviour {
    refusal(request, &SUMMARIZATION_KWARGS).unwrap_or_else(|| summarized(request))
}

/// The same model behind the task API.
pub(crate) fn task_api(request: &ChatRequest) -> Behaviour {
    let known = [
        "generate_parameters",
        "truncation",
        "clean_up_tokenization_spaces",
    ];
    refusal(request, &known).unwrap_or_else(|| summarized(request))
}

/// A handler answers every exception with status 400.
fn refusal(request: &ChatRequest, known: &[&str]) -> Option<Behaviour> {
    let refuse = |message: String| {
        let body = json!({ "error": message }).to_string();
        Some(Behaviour::status(400, body))
    };
    if request.inputs().is_empty() {
        return refuse("Body needs to provide a inputs key".to_owned());
    }
    let unknown = request
        .parameters()
        .keys()
        .find(|name| !known.contains(&name.as_str()))?;
    refuse(format!(
        "The following `model_kwargs` are not used by the model: ['{unknown}']"
    ))
}

fn summarized(request: &ChatRequest) -> Behaviour {
    let (min, max) = (request.length("min_length"), request.length("max_length"));
    if tokens(request.inputs()) > BART_TOKENS || max > BART_TOKENS {
        return Behaviour::status(400, r#"{"error":"index out of range in self"}"#);
    }
    if min >= max {
        return Behaviour::status(400, r#"{"error":"Unfeasible length constraints"}"#);
    }
    let text = summary(request.inputs(), min, max);
    json_body(&json!([{ "summary_text": format!(" {text}") }]))
}

/// Imitates BART: sentences from the whole text, in order, until the minimum length is reached.
fn summary(inputs: &str, min: usize, max: usize) -> String {
    let plain: Vec<&str> = inputs
        .lines()
        .map(|line| line.split_once(": ").map_or(line, |(_, said)| said))
        .collect();
    let plain = plain.join(" ");
    let all: Vec<&str> = sentences(&plain)
        .into_iter()
        .map(|sentence| sentence.of(&plain))
        .collect();
    let share = min as f64 / tokens(&plain).max(1) as f64;
    let is_chosen = |at: usize| (at as f64 * share).floor() < ((at + 1) as f64 * share).floor();
    let mut chosen: Vec<usize> = (0..all.len()).filter(|&at| is_chosen(at)).collect();
    let length = |chosen: &[usize]| chosen.iter().map(|&at| tokens(all[at])).sum::<usize>();
    for at in 0..all.len() {
        if length(&chosen) >= min {
            break;
        }
        if !chosen.contains(&at) {
            chosen.push(at);
        }
    }
    chosen.sort_unstable();
    while length(&chosen) > min.max(1)
        && length(&chosen[..chosen.len() - 1]) >= min
        && chosen.len() > 1
    {
        chosen.pop();
    }
    let text: Vec<&str> = chosen.into_iter().map(|at| all[at]).collect();
    let text = text.join(" ");
    text.split_inclusive(' ')
        .take(max * 10 / 13)
        .collect::<String>()
        .trim()
        .to_owned()
}

fn json_body(body: &Value) -> Behaviour {
    Behaviour::body("application/json", body.to_string())
}

/// Four kinds of failure, each once among the first requests and later one request in ten. A repeated request succeeds.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<HashSet<Bytes>>);

impl Faults {
    /// Error texts of the failures, none of which may appear in a summary.
    pub(crate) const WORDS: [&str; 4] =
        ["Slow down", "exploded", "Bad Gateway", "currently loading"];

    /// The number of the kind of failure to inject for this request, if any.
    pub(crate) fn kind_of(&self, request: &ChatRequest) -> Option<usize> {
        let mut seen = self.0.lock().unwrap();
        let nth = seen.len();
        let is_new = seen.insert(request.raw.clone());
        let is_hit = is_new && (nth < 8 && nth % 2 == 1 || nth > 0 && nth.is_multiple_of(10));
        is_hit.then_some(nth / 2 % 4)
    }

    /// The failure to inject for this request, if any.
    pub(crate) fn fault_of(&self, request: &ChatRequest) -> Option<Behaviour> {
        let [slow, exploded, gateway, loading] = Self::WORDS;
        let now = || vec![("retry-after", "0.05".to_owned())];
        self.kind_of(request).map(|kind| match kind {
            0 => Behaviour::Status(429, now(), format!("{{\"error\":\"{slow}\"}}")),
            1 => Behaviour::status(500, format!("{{\"error\":\"the worker {exploded}\"}}")),
            2 => Behaviour::status(502, format!("<html><title>502 {gateway}</title></html>")),
            _ => Behaviour::status(
                503,
                format!("{{\"error\":\"Model m is {loading}\",\"estimated_time\":0.05}}"),
            ),
        })
    }
}
