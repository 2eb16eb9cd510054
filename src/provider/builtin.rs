//! The built-in model: extractive summarization behind the same [`Model`] trait as the others, without network access or
//! cost.

use std::sync::Arc;

use async_trait::async_trait;

use crate::aside::aside;
use crate::extract;
use crate::http::Http;
use crate::model::{Answer, Capabilities, Finish, Model, ModelError, Reply};
use crate::prompt::{Prompt, Request, Style, Task};
use crate::provider::{ConnectError, Registration, Settings};
use crate::text::{Tokens, words};
use crate::transcript::Passage;

const NAME: &str = "extractive";

/// The entry in the registry.
pub(crate) const REGISTRATION: Registration = Registration {
    name: NAME,
    how_to_choose: "MODEL_PROVIDER=extractive for the built-in model",
    chosen_by: &[],
    suggested_by: &[],
    variables: &[],
    refused_elsewhere: &[],
    read: |_| Ok(Arc::new(BuiltIn)),
};

pub(crate) static CAPABILITIES: Capabilities = Capabilities {
    provider: NAME,
    model: None,
    context_tokens: None,
    reasoning_tokens: Tokens(0),
    style: Style::Full,
    quotes: true,
    local: true,
    reads_links: false,
};

/// The built-in model, which has no settings.
#[derive(Debug, Clone, Copy, Default)]
pub struct BuiltIn;

#[async_trait]
impl Settings for BuiltIn {
    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    fn fingerprint(&self) -> String {
        format!("{NAME} {}", env!("CARGO_PKG_VERSION"))
    }

    async fn connect(&self, _: &Http) -> Result<Arc<dyn Model>, ConnectError> {
        Ok(Arc::new(*self))
    }
}

#[async_trait]
impl Model for BuiltIn {
    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    async fn submit(&self, prompt: &Prompt) -> Result<Reply, ModelError> {
        let request = prompt.request().clone();
        let text = aside(request.block.len(), move || answer(&request)).await;
        Ok(Reply::Done(Answer {
            text,
            finish: Finish::Stop,
            ..Answer::default()
        }))
    }
}

fn answer(request: &Request) -> String {
    let words = request.target_words.0;
    let draft = request.draft.as_deref().unwrap_or("");
    match request.task {
        Task::Section => section(request),
        Task::Overview | Task::Notes => extract::extract(&request.block, words),
        Task::Condense => extract::extract(&Passage::of_text(draft), words),
        Task::Expand | Task::Continue => extract::extract_excluding(draft, &request.block, words),
        // It is never asked for them: see `Limits::outline` and `Capabilities::reads_links`.
        Task::Outline | Task::Check | Task::LastRead | Task::Transcript => String::new(),
    }
}

/// A heading, followed by the part's most important sentences within the remaining words.
fn section(request: &Request) -> String {
    let title = heading(request);
    let room = request.target_words.0.saturating_sub(words::count(&title));
    let body = extract::extract(&request.block, room);
    format!("{title}\n\n{body}")
}

/// What the part is about, or else who speaks. Without times, which tell parts with the same speakers apart, their number does.
fn heading(request: &Request) -> String {
    if let Some(subject) = extract::subject(&request.block) {
        return subject;
    }
    let (part, parts) = request.part;
    match extract::speakers(&request.block) {
        Some(names) if parts <= 1 || request.time_span.is_some() => names,
        Some(names) => format!("Part {part}: {names}"),
        None if parts <= 1 => "Summary".to_owned(),
        None => format!("Part {part} of {parts}"),
    }
}
