//! The embedded model: extractive summarizing behind the same seam, with no network and no cost.

use crate::extract;
use crate::model::{Answer, Finish, Model, ModelError, Reply};
use crate::prompt::{Request, Task};
use crate::text::words;

/// The embedded model.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extractive;

impl Model for Extractive {
    async fn submit(&self, request: &Request) -> Result<Reply, ModelError> {
        let text = match request.task {
            Task::Section => section(request),
            Task::Overview | Task::Notes => {
                extract::extract(&request.block, None, request.target_words)
            }
            Task::Condense => extract::extract(draft(request), None, request.target_words),
            Task::Expand | Task::Continue => extract::beyond(
                draft(request),
                &request.block,
                request.going_on.as_deref(),
                request.target_words,
            ),
        };
        Ok(Reply::Done(Answer {
            text,
            finish: Finish::Stop,
            ..Answer::default()
        }))
    }

    fn is_local(&self) -> bool {
        true
    }
}

fn draft(request: &Request) -> &str {
    request.draft.as_deref().unwrap_or_default()
}

/// A heading of the part's terms, and its most telling sentences in what the heading leaves of the length.
fn section(request: &Request) -> String {
    let (part, parts) = request.part;
    let title = extract::title(&request.block).unwrap_or_else(|| format!("Part {part} of {parts}"));
    let room = request.target_words.saturating_sub(words::count(&title));
    let body = extract::extract(&request.block, request.going_on.as_deref(), room);
    format!("{title}\n\n{body}")
}
