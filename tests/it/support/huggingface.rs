//! The Hugging Face client and a request for it.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use transcript_summarizer::http::Http;
use transcript_summarizer::model::{Answer, Model, ModelError, Reply};
use transcript_summarizer::prompt::{Request, Style, Task};
use transcript_summarizer::provider::huggingface::{
    HuggingFace, HuggingFaceConfig, HuggingFaceTask,
};
use transcript_summarizer::secret::Secret;
use transcript_summarizer::wire::endpoint::{Url, parse_endpoint};
use transcript_summarizer::wire::http::Timeouts;

use super::behaviour::{Behaviour, End};
use super::chat_server::ChatServer;

pub(crate) const TOKEN: &str = "hf_AbCdEfGhIjKlMnOpQrStUvWx";

pub(crate) const SPOKEN: &str =
    "DANA: I never told anybody about the merger before today, not even my brother.";

pub(crate) fn client_to(endpoint: Url, parameters: Map<String, Value>) -> HuggingFace {
    client_for(HuggingFaceTask::Chat, endpoint, parameters)
}

pub(crate) fn client_for(
    task: HuggingFaceTask,
    endpoint: Url,
    parameters: Map<String, Value>,
) -> HuggingFace {
    let config = HuggingFaceConfig {
        task,
        token: Some(Secret::new(TOKEN)),
        model: "openai/gpt-oss-120b:fastest".to_owned(),
        endpoint,
        parameters,
    };
    HuggingFace::new(Http::default(), config).with_timeouts(Timeouts {
        total: Duration::from_secs(20),
        idle: Duration::from_secs(1),
    })
}

pub(crate) fn client(url: &str) -> HuggingFace {
    client_to(parse_endpoint("HF_ENDPOINT_URL", url).unwrap(), Map::new())
}

pub(crate) fn request() -> Request {
    Request {
        task: Task::Section,
        style: Style::Full,
        target_words: 450,
        max_tokens: 100,
        part: (1, 3),
        time_span: None,
        speakers: vec!["DANA".to_owned()],
        context: String::new(),
        going_on: None,
        block: SPOKEN.into(),
        from_notes: false,
        excerpts: String::new(),
        draft: None,
        fence: "0badcafe".to_owned(),
    }
}

pub(crate) async fn submit(model: &HuggingFace) -> Result<Answer, ModelError> {
    match model.submit(&request()).await? {
        Reply::Done(answer) => Ok(answer),
        Reply::Pending(ticket) => {
            panic!("a ticket from an endpoint that answers at once: {ticket:?}")
        }
    }
}

/// What the client makes of one behaviour.
pub(crate) async fn answer_to(behaviour: Behaviour) -> Result<Answer, ModelError> {
    let server = ChatServer::start(move |_| behaviour.clone()).await;
    let result = submit(&client(server.url())).await;
    assert_eq!(server.requests().len(), 1, "a request must be sent once");
    assert_discreet(&result);
    result
}

/// An error shows neither the token nor the prompt, and is of a bearable length.
pub(crate) fn assert_discreet(result: &Result<Answer, ModelError>) {
    if let Err(error) = result {
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("AbCdEfGh"), "the token shows: {shown}");
        assert!(
            !shown.contains("merger before today"),
            "the prompt shows: {shown}"
        );
        assert!(error.message.chars().count() < 700, "{shown}");
    }
}

pub(crate) async fn failure(behaviour: Behaviour) -> ModelError {
    answer_to(behaviour).await.unwrap_err()
}

pub(crate) fn event(value: &Value) -> Bytes {
    Bytes::from(format!("data: {value}\n\n"))
}

pub(crate) fn piece(text: &str) -> Bytes {
    event(&json!({"choices": [{"index": 0, "delta": {"content": text}}]}))
}

pub(crate) fn events(pieces: Vec<Bytes>, end: End) -> Behaviour {
    Behaviour::Pieces("text/event-stream", pieces, end)
}
