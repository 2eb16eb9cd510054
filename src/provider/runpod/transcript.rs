//! Whole transcripts (`RUNPOD_TASK=transcript`): the input of a job has a link to one, its output is the finished summary.
//! `samples/runpod-worker` has such a worker, which runs this program beside a model.
//!
//! ```json
//! {"transcript": {"url": "https://…", "key": "talk.vtt", "etag": "9c4d…", "bytes": 81920, "words": 4000, "language": "de"}}
//! {"summary": "…", "report": {"version": 1, …}}
//! ```
//!
//! - The link is as good as a key for the transcript, so it is left out of errors, and out of the ids of calls.
//! - `language`, `instructions`, `glossary`, `speaker_names` and `model` are there if they are set. The lists are texts as their
//!   files are.
//! - The answer that the ledger keeps is the output as it came. Whether it may be published is decided where the transcript is
//!   known ([`job`](crate::job)).

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::model::{Answer, Finish, TokenUsage};
use crate::prompt::{Linked, Prompt, Request};
use crate::text::corrections::List;
use crate::wire::error_text::ErrorText;
use crate::wire::failure::{Cause, Failure, JobEnd};

/// The longest run of a job. Ten hours of speech are about eighty answers, which a model on one GPU gives in less than an hour.
pub(crate) const EXECUTION_TIMEOUT: Duration = Duration::from_secs(2 * 3600);

/// The longest output that the ledger keeps, as a text in JSON. Of 4,000 words it has some hundred thousand bytes.
const MAX_OUTPUT_BYTES: usize = 5_000_000;

/// What the worker's error says if the link was no longer valid. Another run under the same id would be given the same link.
const EXPIRED: &str = "the link to the transcript has expired";

#[derive(Serialize)]
pub(crate) struct Input<'a> {
    transcript: Order<'a>,
    /// Helps to find the job in a worker's logs.
    correlation_id: String,
}

#[derive(Serialize)]
struct Order<'a> {
    url: &'a str,
    key: &'a str,
    etag: &'a str,
    bytes: u64,
    words: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    instructions: &'a str,
    #[serde(skip_serializing_if = "String::is_empty")]
    glossary: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    speaker_names: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
}

/// The input of a job.
pub(crate) fn input<'a>(
    prompt: &'a Prompt,
    linked: &'a Linked,
    model: Option<&'a str>,
) -> Input<'a> {
    let Request {
        target_words,
        wishes,
        ..
    } = prompt.request();
    Input {
        transcript: Order {
            url: linked.link.expose(),
            key: &linked.key,
            etag: &linked.etag,
            bytes: linked.bytes,
            words: target_words.0,
            language: wishes.language.as_ref().map(|language| language.tag()),
            instructions: &wishes.instructions,
            glossary: wishes.corrections.lines(List::Glossary),
            speaker_names: wishes.corrections.lines(List::SpeakerNames),
            model,
        },
        correlation_id: prompt.id(),
    }
}

/// Reads the output of a job.
///
/// # Errors
/// If it is no summary with its report.
pub(crate) fn output(output: &Value) -> Result<Answer, Failure> {
    let is_complete = output.get("summary").is_some_and(Value::is_string)
        && output.get("report").is_some_and(Value::is_object);
    if !is_complete {
        return Err(Cause::Unusable.seen(
            "the job is done and was paid, but its output is no object with `summary` and `report`: the endpoint's worker is not the \
             one for RUNPOD_TASK=transcript",
        ));
    }
    let text = output.to_string();
    if text.len() > MAX_OUTPUT_BYTES {
        let reason = format!("summary and report have more than {MAX_OUTPUT_BYTES} bytes");
        return Err(Cause::Unusable.seen(reason));
    }
    let tokens = |name: &str| {
        let used = output.pointer("/report/usage")?;
        used.get(name)?.as_u64()
    };
    let used = tokens("prompt_tokens").zip(tokens("completion_tokens"));
    Ok(Answer {
        text,
        finish: Finish::Stop,
        usage: used.map(|(prompt_tokens, completion_tokens)| TokenUsage {
            prompt_tokens,
            completion_tokens,
        }),
        ..Answer::default()
    })
}

/// The failure of a job without an output. What its worker says of its own model is not about the endpoint, so it is not
/// searched for a cause.
pub(crate) fn failure(end: JobEnd, said: ErrorText) -> Failure {
    match end {
        JobEnd::Failed if said.message.contains(EXPIRED) => Cause::JobErred.seen(said.message),
        JobEnd::Failed => Cause::JobFailed.seen(said.message),
        JobEnd::Completed | JobEnd::TimedOut | JobEnd::Cancelled => Failure::Job(end, said),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::prompt::Wishes;
    use crate::secret::Secret;
    use crate::text::corrections::read_list;
    use crate::text::{Corrections, Language, Words};

    fn linked() -> Linked {
        Linked {
            link: Secret::new("https://bucket/talk.vtt?X-Amz-Signature=1"),
            key: "talk.vtt".to_owned(),
            etag: "e".to_owned(),
            bytes: 7,
        }
    }

    #[test]
    fn only_what_is_wished_is_sent() {
        let prompt = Prompt::of_transcript(linked(), Words(700), Wishes::default());
        let sent = serde_json::to_value(input(&prompt, &linked(), None)).unwrap();
        let least = json!({
            "url": "https://bucket/talk.vtt?X-Amz-Signature=1",
            "key": "talk.vtt",
            "etag": "e",
            "bytes": 7,
            "words": 700,
        });
        assert_eq!(
            sent,
            json!({"transcript": least, "correlation_id": prompt.id()})
        );
        let entries = [
            read_list("brack water = Brackwater # a firm", List::Glossary),
            read_list("spk_0 = Dana Ruiz", List::SpeakerNames),
        ];
        let entries = entries.into_iter().flat_map(Result::unwrap).collect();
        let wishes = Wishes {
            instructions: "Name every cost.".into(),
            language: Language::parse("de"),
            corrections: Corrections::new(entries).unwrap().into(),
        };
        let other = Prompt::of_transcript(linked(), Words(700), wishes);
        let sent = serde_json::to_value(input(&other, &linked(), Some("m"))).unwrap();
        let mut most = least;
        for (name, value) in [
            ("language", "de"),
            ("instructions", "Name every cost."),
            ("glossary", "brack water = Brackwater\n"),
            ("speaker_names", "spk_0 = Dana Ruiz\n"),
            ("model", "m"),
        ] {
            most[name] = json!(value);
        }
        assert_eq!(sent["transcript"], most);
        assert_ne!(prompt.id(), other.id());
    }

    #[test]
    fn the_id_of_a_call_does_not_depend_on_its_link() {
        let id = |linked| Prompt::of_transcript(linked, Words(700), Wishes::default()).id();
        let link = Secret::new("https://bucket/talk.vtt?X-Amz-Signature=2");
        assert_eq!(id(linked()), id(Linked { link, ..linked() }));
        let etag = "f".to_owned();
        assert_ne!(id(linked()), id(Linked { etag, ..linked() }));
    }

    #[test]
    fn what_is_no_summary_with_its_report_is_no_answer() {
        for (value, is_answer) in [
            (json!({"summary": "s", "report": {}}), true),
            (json!({"summary": "s"}), false),
            (json!({"summary": null, "report": {}}), false),
            (json!({"summary": "s", "report": "{}"}), false),
            (json!("s"), false),
            (json!([{"summary": "s", "report": {}}]), false),
        ] {
            assert_eq!(output(&value).is_ok(), is_answer, "{value}");
        }
        let usage = json!({"prompt_tokens": 5, "completion_tokens": 2});
        let answer = output(&json!({"summary": "s", "report": {"usage": usage}})).unwrap();
        assert_eq!(answer.usage.unwrap().prompt_tokens, 5);
    }

    #[test]
    fn an_expired_link_is_made_anew_and_the_words_of_a_worker_are_its_own() {
        for (said, cause) in [
            (EXPIRED, Cause::JobErred),
            (
                "the server refused the token: 401 Unauthorized",
                Cause::JobFailed,
            ),
        ] {
            let failure = failure(JobEnd::Failed, ErrorText::plain(said));
            assert!(
                matches!(failure, Failure::Known(found, _) if found == cause),
                "{failure:?}"
            );
        }
    }
}
