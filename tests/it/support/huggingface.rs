//! The Hugging Face client and a request for it.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Url;
use serde_json::{Map, Value, json};
use transcript_summarizer::http::Http;
use transcript_summarizer::model::{Answer, Capabilities, Model, ModelError, Reply};
use transcript_summarizer::prompt::{Prompt, Request, Style, Task, Wishes};
use transcript_summarizer::provider::RemoteSettings;
use transcript_summarizer::provider::huggingface::HuggingFace;
use transcript_summarizer::provider::key::Key;
use transcript_summarizer::provider::task::EndpointTask;
use transcript_summarizer::secret::Secret;
use transcript_summarizer::text::{Tokens, Words};
use transcript_summarizer::transcript::Passage;
use transcript_summarizer::wire::http::Timeouts;

use super::behaviour::{Behaviour, End};
use super::chat_server::ChatServer;

pub(crate) const TOKEN: &str = "hf_AbCdEfGhIjKlMnOpQrStUvWx";

pub(crate) const SPOKEN: &str =
    "DANA: I never told anybody about the merger before today, not even my brother.";

pub(crate) fn client_to(endpoint: Url, parameters: Map<String, Value>) -> HuggingFace {
    client_for(EndpointTask::Chat, endpoint, parameters)
}

pub(crate) fn client_for(
    task: EndpointTask,
    endpoint: Url,
    parameters: Map<String, Value>,
) -> HuggingFace {
    let settings = settings(TOKEN, endpoint, parameters);
    let secret = Some(Secret::new(TOKEN));
    let mut model = HuggingFace::new(Http::default(), task, settings, secret);
    model.timeouts = Timeouts {
        first: Duration::from_secs(20),
        idle: Duration::from_secs(1),
    };
    model
}

pub(crate) fn settings(
    token: &str,
    endpoint: Url,
    parameters: Map<String, Value>,
) -> RemoteSettings {
    RemoteSettings {
        key: Some(Key::Plain(Secret::new(token))),
        capabilities: Capabilities {
            provider: "huggingface",
            model: Some("openai/gpt-oss-120b:fastest".to_owned()),
            context_tokens: None,
            reasoning_tokens: Tokens(0),
            style: Style::Full,
            quotes: false,
            local: false,
            reads_links: false,
        },
        endpoint,
        parameters,
    }
}

pub(crate) fn client(url: &str) -> HuggingFace {
    client_to(Url::parse(url).unwrap(), Map::new())
}

pub(crate) fn request() -> Request {
    Request {
        task: Task::Section,
        style: Style::Full,
        target_words: Words(450),
        part: (1, 3),
        time_span: None,
        speakers: vec!["DANA".to_owned()],
        context: String::new(),
        block: Passage::of_text(SPOKEN),
        portions: Vec::new(),
        has_times: false,
        from_notes: false,
        excerpts: String::new(),
        brief: None,
        draft: None,
        wishes: Wishes::default(),
        fence: "0badcafe".to_owned(),
    }
}

pub(crate) fn prompt() -> Prompt {
    Prompt::new(request(), Tokens(100))
}

pub(crate) async fn submit(model: &dyn Model) -> Result<Answer, ModelError> {
    match model.submit(&prompt()).await? {
        Reply::Done(answer) => Ok(answer),
        Reply::Queued(ticket) => {
            panic!("a ticket from an endpoint that answers at once: {ticket:?}")
        }
    }
}

/// The client's result for one server behaviour.
pub(crate) async fn answer_to(behaviour: Behaviour) -> Result<Answer, ModelError> {
    let server = ChatServer::start(move |_| behaviour.clone()).await;
    let result = submit(&client(server.url())).await;
    assert_eq!(server.requests().len(), 1, "a request must be sent once");
    assert_discreet(&result);
    result
}

/// Checks that an error shows neither the token nor the prompt, and is reasonably short.
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
