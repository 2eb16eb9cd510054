//! The tasks that an endpoint may serve, whoever runs it: each has a format of its own.

use serde_json::Value;

use crate::wire::chat::COMPLETION_LIMIT;

/// How an endpoint is spoken to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EndpointTask {
    /// Chat completions, OpenAI's format.
    #[default]
    Chat,
    /// Continuation of a prompt: TGI's own route, the toolkit's containers, custom handlers, the task API.
    TextGeneration,
    /// Summarization of a text: encoder-decoder models such as BART, in the toolkit's containers and the task API.
    Summarization,
}

impl EndpointTask {
    /// All tasks.
    pub const ALL: [Self; 3] = [Self::Chat, Self::TextGeneration, Self::Summarization];

    /// Its name in settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::TextGeneration => "text-generation",
            Self::Summarization => "summarization",
        }
    }

    /// Why `MODEL_PARAMETERS` must not set a member of the request, because requests, limits or answers depend on it, and
    /// what to do instead; `None` if it may be set.
    pub(crate) fn reserved(self, name: &str, value: &Value) -> Option<&'static str> {
        use EndpointTask::{Chat, Summarization, TextGeneration};
        Some(match (name, self) {
            ("messages", Chat) | ("inputs", TextGeneration | Summarization) => {
                "the transcript is sent there"
            }
            ("parameters", TextGeneration | Summarization)
            | ("generate_parameters", Summarization) => "give its members themselves",
            ("stream", _) | ("return_full_text", TextGeneration) => {
                "the form of the answer is not a choice"
            }
            (COMPLETION_LIMIT, Chat) if value == true => return None,
            (COMPLETION_LIMIT, Chat) => {
                "only true is accepted, which sends the limit under that name; its number follows from SUMMARY_WORDS"
            }
            ("max_tokens", Chat)
            | ("max_new_tokens" | "max_length", TextGeneration | Summarization) => {
                "the limit follows from SUMMARY_WORDS and MODEL_REASONING_TOKENS"
            }
            ("min_new_tokens" | "min_length", Summarization) => {
                "the length follows from SUMMARY_WORDS"
            }
            ("n", Chat) | ("num_return_sequences", TextGeneration | Summarization) => {
                "one answer is read"
            }
            _ => return None,
        })
    }
}
