//! The text-generation and summarization tasks against simulated containers over real sockets: requests, answers, failures.

use std::time::Duration;

use crate::support::behaviour::{Behaviour, End};
use crate::support::chat_server::{ChatRequest, ChatServer};
use crate::support::huggingface::{
    SPOKEN, TOKEN, assert_discreet, client_for, prompt, request, submit,
};
use crate::support::tasks::{bart, data, task_api, tgi, toolkit};
use bytes::Bytes;
use reqwest::Url;
use serde_json::{Map, Value, json};
use transcript_summarizer::model::{
    Answer, ErrorKind, Finish, Model, ModelError, Reply, TokenUsage,
};
use transcript_summarizer::prompt::{Prompt, Request, Style};
use transcript_summarizer::provider::task::EndpointTask;
use transcript_summarizer::provider::task::EndpointTask::{Chat, Summarization, TextGeneration};
use transcript_summarizer::text::{Tokens, Words};
use transcript_summarizer::transcript::Passage;
use transcript_summarizer::wire::http::Timeouts;

const MET: &str = "The board met and chose a bid.";

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// Sends one request of a task to a server that responds like this at `path`. Returns the result and the request received.
async fn exchange(
    task: EndpointTask,
    path: &str,
    parameters: Value,
    respond: impl Fn(&ChatRequest) -> Behaviour + Send + Sync + 'static,
) -> (Result<Answer, ModelError>, ChatRequest) {
    let server = ChatServer::start(respond).await;
    let url = Url::parse(&server.at(path)).unwrap();
    let model = client_for(task, url, object(parameters));
    let result = if task == Summarization {
        match model.submit(&bare()).await {
            Ok(Reply::Done(answer)) => Ok(answer),
            Ok(Reply::Queued(ticket)) => panic!("a ticket: {ticket:?}"),
            Err(error) => Err(error),
        }
    } else {
        submit(&model).await
    };
    assert_discreet(&result);
    let requests = server.requests();
    assert_eq!(requests.len(), 1, "a request must be sent once");
    (result, requests[0].clone())
}

async fn generated(behaviour: Behaviour) -> Result<Answer, ModelError> {
    let respond = move |_: &ChatRequest| behaviour.clone();
    exchange(TextGeneration, "/", json!({}), respond).await.0
}

/// A request for a summary of about 20 words of a 60-word text.
fn bare() -> Prompt {
    let request = Request {
        style: Style::Bare,
        target_words: Words(20),
        block: Passage::of_text([SPOKEN; 4].join(" ")),
        ..request()
    };
    Prompt::new(request, Tokens(40))
}

#[tokio::test]
async fn a_prompt_is_sent_as_servers_expect() {
    let prompt = prompt();
    let words = prompt.messages();
    let inputs = format!("{}\n\n{}", words.system, words.user);
    let parameters = json!({"max_new_tokens": 100, "return_full_text": false, "temperature": 0.2});
    for (path, stream) in [
        ("/", Some(true)),
        ("/generate", None),
        ("/generate_stream", None),
        ("/hf-inference/models/org/model", Some(true)),
    ] {
        let wanted = json!({"temperature": 0.2, "max_new_tokens": 7, "return_full_text": true, "stream": false});
        let (answer, sent) =
            exchange(TextGeneration, path, wanted, |request| tgi(request, MET)).await;
        let answer = answer.unwrap();
        assert_eq!(
            (answer.text.as_str(), answer.finish),
            (MET, Finish::Stop),
            "{path}"
        );
        assert_eq!(answer.usage.unwrap().completion_tokens, 8, "{path}");
        assert_eq!(sent.path, path);
        let bearer = format!("Bearer {TOKEN}");
        assert_eq!(sent.header("authorization"), Some(bearer.as_str()));
        let mut expected = json!({"inputs": inputs, "parameters": parameters});
        if let Some(stream) = stream {
            expected["stream"] = stream.into();
        }
        assert_eq!(sent.body, expected);
    }
    let (answer, _) = exchange(TextGeneration, "/", json!({}), |request| {
        toolkit(request, MET)
    })
    .await;
    assert_eq!(answer.unwrap().text, MET);
}

#[tokio::test]
async fn a_text_is_sent_with_the_length_of_its_summary() {
    let (answer, sent) = exchange(Summarization, "/", json!({"num_beams": 4}), bart).await;
    assert!(answer.unwrap().text.starts_with("I never told anybody"));
    let text = [SPOKEN; 4].join(" ");
    assert_eq!(
        sent.body,
        json!({"inputs": text, "parameters": {"min_length": 25, "max_length": 40, "num_beams": 4}})
    );

    let path = "/hf-inference/models/facebook/bart-large-cnn";
    let wanted = json!({"num_beams": 4, "min_length": 1});
    let (answer, sent) = exchange(Summarization, path, wanted, task_api).await;
    assert!(answer.is_ok());
    assert_eq!(
        sent.body,
        json!({"inputs": text, "parameters": {"truncation": "do_not_truncate",
            "generate_parameters": {"min_length": 25, "max_length": 40, "num_beams": 4}}})
    );
}

#[tokio::test]
async fn rejects_an_answer_that_repeats_the_prompt() {
    let echo = |request: &ChatRequest| {
        let text = format!("{}{MET}", request.inputs());
        Behaviour::body(
            "application/json",
            json!([{ "generated_text": text }]).to_string(),
        )
    };
    let (answer, _) = exchange(TextGeneration, "/", json!({}), echo).await;
    assert_eq!(answer.unwrap().text, MET);
    let nothing_else = |request: &ChatRequest| {
        Behaviour::body("application/json", json!(request.inputs()).to_string())
    };
    let (answer, _) = exchange(TextGeneration, "/", json!({}), nothing_else).await;
    assert_eq!(answer.unwrap_err().kind, ErrorKind::SuspectOutput);
}

#[tokio::test]
async fn answers_of_every_form() {
    let details = |reason| json!([{"generated_text": MET, "details": {"finish_reason": reason, "generated_tokens": 8, "input_length": 31}}]);
    let usage = Some(TokenUsage {
        prompt_tokens: 31,
        completion_tokens: 8,
    });
    for (body, finish, usage) in [
        (details("eos_token"), Finish::Stop, usage),
        (details("stop_sequence"), Finish::Stop, usage),
        (details("length"), Finish::Length, usage),
        (json!({"generated_text": MET}), Finish::Unknown, None),
        (json!(MET), Finish::Unknown, None),
        (json!([MET]), Finish::Unknown, None),
    ] {
        let answer = generated(Behaviour::body("application/json", body.to_string()))
            .await
            .unwrap();
        let expected = Answer {
            is_reasoning: false,
            is_interrupted: false,
            text: MET.to_owned(),
            finish,
            usage,
            job_time: None,
            written_by: None,
        };
        assert_eq!(answer, expected, "{body}");
    }
    // Truncated at the token limit, according to the token count: streamed, and as a single body.
    for path in ["/generate_stream", "/generate"] {
        let long = |request: &ChatRequest| tgi(request, &"word ".repeat(300));
        let (answer, _) = exchange(TextGeneration, path, json!({}), long).await;
        let answer = answer.unwrap();
        assert_eq!(
            (answer.finish, answer.usage.unwrap().completion_tokens),
            (Finish::Length, 100),
            "{path}"
        );
    }
    // The client does not wait for a server that keeps the connection open after the last event.
    let last = json!({"token": {"text": "met.", "special": false}, "generated_text": "They met."});
    let open = Behaviour::Pieces("text/event-stream", vec![data(&last)], End::Silence);
    assert_eq!(generated(open).await.unwrap().text, "They met.");
    for body in [
        json!([{"summary_text": MET}]),
        json!({"summary_text": MET}),
        json!(MET),
    ] {
        let respond = move |_: &ChatRequest| Behaviour::body("application/json", body.to_string());
        let (answer, _) = exchange(Summarization, "/", json!({}), respond).await;
        assert_eq!(answer.unwrap().text, MET);
    }
}

#[tokio::test]
async fn failures_are_taken_for_what_they_are() {
    let overflow = r#"{"error":"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens and 1024 `max_new_tokens`","error_type":"validation"}"#;
    let too_long = ErrorKind::Overflow {
        window: Some(4096),
        prompt_tokens: Some(5000),
    };
    let no_numbers = ErrorKind::Overflow {
        window: None,
        prompt_tokens: None,
    };
    let throttled = ErrorKind::Throttled { retry_after: None };
    let overloaded = r#"{"error":"Model is overloaded","error_type":"overloaded"}"#;
    let broken = r#"{"error":"Request failed during generation: Server error: probability tensor contains nan","error_type":"generation"}"#;
    let loading = r#"{"error":"Model m is currently loading","estimated_time":20.0}"#;
    let warming = ErrorKind::Warming {
        retry_after: Some(Duration::from_secs(20)),
    };
    let page = "<html><title>502 Bad Gateway</title></html>";
    let quoting = format!("{{\"error\":\"cannot read {SPOKEN} {TOKEN}\"}}");
    for (status, body, kind) in [
        (429, overloaded, throttled),
        (422, overflow, too_long),
        (424, broken, ErrorKind::Ambiguous),
        (
            400,
            r#"{"error":"CUDA out of memory. Tried to allocate 2.00 GiB"}"#,
            ErrorKind::Transient,
        ),
        (400, r#"{"error":"index out of range in self"}"#, no_numbers),
        (
            400,
            r#"{"error":"The following `model_kwargs` are not used by the model: ['x']"}"#,
            ErrorKind::BadInput,
        ),
        (
            400,
            "Bad Request: The endpoint is paused, ask a maintainer to restart it",
            ErrorKind::Configuration,
        ),
        (400, quoting.as_str(), ErrorKind::BadInput),
        (
            404,
            r#"{"error":"Model org/model does not exist"}"#,
            ErrorKind::Configuration,
        ),
        (502, page, ErrorKind::Ambiguous),
        (503, loading, warming),
        // The body reports an error although the status is 200.
        (200, overloaded, throttled),
        (200, overflow, too_long),
        (200, broken, ErrorKind::Ambiguous),
        (200, loading, warming),
        (200, page, ErrorKind::SuspectOutput),
        (
            200,
            r#"[{"generated_text":"The board"#,
            ErrorKind::Ambiguous,
        ),
        (200, r#"[{"generated_text":""}]"#, ErrorKind::SuspectOutput),
        (
            200,
            r#"[{"label":"POSITIVE","score":0.9}]"#,
            ErrorKind::SuspectOutput,
        ),
        (200, "", ErrorKind::SuspectOutput),
        (200, "null", ErrorKind::SuspectOutput),
    ] {
        for task in [TextGeneration, Summarization] {
            let behaviour = Behaviour::status(status, body);
            let (result, _) = exchange(task, "/", json!({}), move |_| behaviour.clone()).await;
            let error = result.unwrap_err();
            assert_eq!(error.kind, kind, "{status} {body}: {error}");
        }
    }
}

#[tokio::test]
async fn a_stream_that_breaks_may_have_been_billed() {
    let token =
        || data(&json!({"token": {"text": "The", "special": false}, "generated_text": null}));
    let error =
        data(&json!({"error": "Request failed during generation", "error_type": "generation"}));
    let overloaded = data(&json!({"error": "Model is overloaded", "error_type": "overloaded"}));
    let stream = |pieces: Vec<Bytes>, end| Behaviour::Pieces("text/event-stream", pieces, end);
    for (behaviour, kind) in [
        (
            stream(vec![token(), error], End::Properly),
            ErrorKind::Ambiguous,
        ),
        (
            stream(vec![overloaded], End::Properly),
            ErrorKind::Throttled { retry_after: None },
        ),
        (stream(vec![token()], End::Properly), ErrorKind::Ambiguous),
        (stream(vec![token()], End::Abort), ErrorKind::Ambiguous),
        (stream(vec![token()], End::Reset), ErrorKind::Ambiguous),
        (stream(vec![token()], End::Silence), ErrorKind::Ambiguous),
        (Behaviour::HangUp, ErrorKind::Ambiguous),
    ] {
        let error = generated(behaviour).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
    }
}

#[tokio::test]
async fn an_endpoint_that_starts_on_demand_holds_the_request() {
    let server = ChatServer::start(|request| match request.number {
        0 => Behaviour::status(502, "<html>Bad Gateway</html>"),
        1 => Behaviour::status(503, ""),
        _ => Behaviour::text(MET),
    })
    .await;
    let url = || Url::parse(server.url()).unwrap();
    let mut starting = client_for(Chat, url(), Map::new()).starting_on_demand();
    let total = Duration::from_secs(20);
    starting.timeouts = Timeouts {
        first: total,
        idle: total,
    };
    for _ in 0..2 {
        let error = submit(&starting).await.unwrap_err();
        assert_eq!(
            error.kind,
            ErrorKind::Warming { retry_after: None },
            "{error}"
        );
    }
    assert_eq!(submit(&starting).await.unwrap().text, MET);
    submit(&client_for(Chat, url(), Map::new())).await.unwrap();
    let requests = server.requests();
    let header = |at: usize| requests[at].header("x-scale-up-timeout");
    assert_eq!((header(0), header(3)), (Some("10"), None));
}
