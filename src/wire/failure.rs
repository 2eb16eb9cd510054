//! A call that failed, whom it was made to, and the error that becomes of it.

use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, LOCATION};

use crate::model::ModelError;
use crate::secret::Secret;
use crate::wire::advice;
use crate::wire::advice::Names;
use crate::wire::error_text::ErrorText;
use crate::wire::{classify, redact};

/// What a call is for, which decides what a failure costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It asks for work: whoever has received it may bill it.
    Submit,
    /// It asks after a job or gives it up: free, and safe to repeat.
    Poll,
}

/// How a job ended that gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobEnd {
    /// Done, but what it put out tells of an error. It cannot be run again under its ticket.
    Completed,
    /// Its worker gave it up.
    Failed,
    /// It took too long, or no worker began it in time.
    TimedOut,
    /// Somebody cancelled it, or purged the queue.
    Cancelled,
}

impl JobEnd {
    /// As RunPod names it.
    fn name(self) -> &'static str {
        match self {
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::TimedOut => "TIMED_OUT",
            Self::Cancelled => "CANCELLED",
        }
    }
}

/// How a call failed, as it was seen.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// No connection came about, so nothing was sent. Holds the causes, outermost first.
    Connect(String),
    /// The request cannot be put into HTTP, so nothing was sent: a token with a line break, for example.
    Unsendable(String),
    /// Time ran out.
    Timeout {
        /// The limit that was reached.
        after: Duration,
        /// It was the limit between two pieces of the answer, not the one for all of it.
        silent: bool,
    },
    /// The connection broke after the request had begun. Holds the causes.
    Disconnected(String),
    /// The status was not one of success.
    Refused {
        /// HTTP status.
        status: u16,
        /// All headers of the reply.
        headers: HeaderMap,
        /// The beginning of its body.
        body: Vec<u8>,
    },
    /// The status promised success, the body or a streamed event tells of an error.
    InBand(ErrorText),
    /// The status promised success, the body is not of this protocol. Says what it is instead.
    Garbled(String),
    /// The job is over without an answer, and what its worker said about that.
    Job(JobEnd, ErrorText),
    /// Jobs wait, and there is no worker to begin them.
    NoWorkers {
        /// Workers that were found to be broken.
        unhealthy: u64,
    },
    /// The job or its result is gone. Says what was found in its place.
    Lost(String),
    /// The reply is complete and holds no answer. Says what it holds instead.
    Unusable(String),
}

/// The endpoint that calls are made to, as far as errors need to know it.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    /// Host and port, for people.
    pub(crate) host: String,
    /// It starts when it is called (scale to zero), and its gateway answers 502 or 503 until it runs.
    pub(crate) starts_on_demand: bool,
    /// How its settings are called.
    pub(crate) names: Names,
    /// To be cut out of whatever it says.
    pub(crate) secret: Option<Secret>,
}

impl Peer {
    /// The error for a failed call. The texts that were `sent` are cut out of what the endpoint said, before anything is
    /// concluded from it: a transcript may well be about rate limits.
    pub(crate) fn error(&self, phase: Phase, failure: &Failure, sent: &[&str]) -> ModelError {
        let scrub = |text: &str| redact::scrub(text, self.secret.as_ref(), sent);
        let mut said = match failure {
            Failure::Refused {
                status: 300..=399,
                headers,
                ..
            } => ErrorText {
                message: location(headers),
                ..ErrorText::default()
            },
            Failure::Refused { body, .. } => ErrorText::from_body(body),
            Failure::InBand(said) | Failure::Job(_, said) => said.clone(),
            Failure::Unsendable(text)
            | Failure::Connect(text)
            | Failure::Disconnected(text)
            | Failure::Garbled(text)
            | Failure::Lost(text)
            | Failure::Unusable(text) => ErrorText {
                message: text.clone(),
                ..ErrorText::default()
            },
            Failure::Timeout { .. } | Failure::NoWorkers { .. } => ErrorText::default(),
        };
        said.message = scrub(&said.message);
        said.code = said.code.map(|code| scrub(&code));
        said.kind = said.kind.map(|kind| scrub(&kind));
        let cause = classify::cause(
            phase,
            self.starts_on_demand,
            failure,
            &said,
            SystemTime::now(),
        );
        let sentence = advice::sentence(cause, &self.names);
        let shown = redact::shorten(&said.message);
        let host = &self.host;
        let source = match failure {
            Failure::Refused { status, .. } if shown.is_empty() => {
                format!("{host} answered {status}")
            }
            Failure::Refused { status, .. } => format!("{host} answered {status}: {shown}"),
            Failure::InBand(_) => format!("{host} answered: {shown}"),
            Failure::Job(end, _) if shown.is_empty() => format!("{host}: job {}", end.name()),
            Failure::Job(end, _) => format!("{host}: job {}: {shown}", end.name()),
            Failure::NoWorkers { .. } => format!("{host}: jobs wait in its queue"),
            Failure::Timeout { after, silent } => {
                let what = if *silent {
                    "went silent for"
                } else {
                    "gave no complete answer within"
                };
                format!("{host} {what} {} s", after.as_secs_f32())
            }
            _ => format!("{host}: {shown}"),
        };
        ModelError {
            kind: classify::kind(cause, phase),
            message: format!("{sentence} ({source})"),
        }
    }
}

/// Where a redirect leads to, without a query that may hold keys.
fn location(headers: &HeaderMap) -> String {
    let target = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let target = target.unwrap_or("nowhere");
    target.split('?').next().unwrap_or(target).to_owned()
}
