//! The HTTP API: what a request asks for, and what answers and errors look like. `openapi.json` describes it.
//!
//! [`route`] is a pure function from the head of a request to the work that it asks for, so that any server can carry the API:
//! `serve` on this machine does all of it, a function behind a Function URL what needs neither a job nor an open connection.
//! The state of a transcript is read from the objects in the store ([`library`]): there is no table that could contradict them.
//!
//! - `POST /v1/uploads` orders an upload and answers where and how to send it; `PUT` there stores it, and never overwrites.
//! - `GET /v1/summaries?key=` is the state of one transcript, `GET /v1/summaries` that of all, `POST /v1/summaries?key=` begins
//!   again what has failed.
//! - Keys are relative paths of plain names. A name that is encoded to look like something else, such as `..` or one with a
//!   slash, is refused and not repaired.

mod address;
pub mod library;
pub mod upload;

use bytes::Bytes;
use serde::Serialize;
use serde_json::json;

use crate::http_api::address::{Query, plain_key, plain_name, segments};
use crate::http_api::upload::Upload;

/// The description of this API.
pub(crate) const DESCRIPTION: &str = include_str!("http_api/openapi.json");

/// How many transcripts are listed at once.
pub const MOST_LISTED: usize = 100;

/// Maximum size of a body in JSON, in bytes.
pub const MAX_JSON_BYTES: u64 = 64 * 1024;

/// The path of uploads, and of results.
const UPLOADS: &str = "/v1/uploads/";
pub(crate) const RESULTS: &str = "/v1/results/";

/// The head of a request.
pub struct Head<'r> {
    /// The method in capitals.
    pub method: &'r str,
    /// The path, still encoded.
    pub path: &'r str,
    /// The query, still encoded.
    pub query: &'r str,
    /// The value of a header, of which the name is given in lower case.
    pub header: &'r dyn Fn(&str) -> Option<&'r str>,
}

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// The description of this API.
    Describe,
    /// Where to send an upload, which the body describes.
    Order,
    /// To store the body.
    Store(Upload),
    /// The state of the transcripts after this key, in the order of their keys.
    List {
        /// The last key that the client has.
        after: String,
        /// How many.
        limit: usize,
    },
    /// The state of one transcript.
    Look {
        /// Its key.
        key: String,
    },
    /// To summarize a transcript that is there.
    Begin {
        /// Its key.
        key: String,
    },
    /// A result.
    Read {
        /// Its key.
        key: String,
    },
    /// The settings that clients have to know.
    Settings,
    /// Every change of a state, as it happens.
    Watch,
}

/// A response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// MIME type.
    pub content_type: &'static str,
    /// Headers besides it.
    pub headers: Vec<(&'static str, String)>,
    /// Contents.
    pub body: Bytes,
}

impl Answer {
    /// A response in JSON.
    pub(crate) fn json(status: u16, value: &impl Serialize) -> Self {
        Self {
            status,
            content_type: "application/json",
            headers: Vec::new(),
            // Neither maps with keys that are no strings nor failing implementations are serialized here.
            body: serde_json::to_vec(value).unwrap_or_default().into(),
        }
    }

    /// The description of this API.
    pub(crate) fn description() -> Self {
        Self {
            status: 200,
            content_type: "application/json",
            headers: Vec::new(),
            body: Bytes::from_static(DESCRIPTION.as_bytes()),
        }
    }
}

/// The reason that a request is refused or failed, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// What is wrong.
    pub error: String,
    /// What to do.
    pub next_step: String,
    /// The methods that are allowed, if the method was wrong.
    allow: Option<&'static str>,
}

impl Problem {
    /// A problem with its HTTP status.
    pub(crate) fn new(status: u16, error: impl Into<String>, next_step: impl Into<String>) -> Self {
        Self {
            status,
            error: error.into(),
            next_step: next_step.into(),
            allow: None,
        }
    }

    /// There is no transcript under a key.
    pub(crate) fn no_transcript(key: &str) -> Self {
        let error = format!("there is no transcript {key:?}");
        Self::new(404, error, "upload it first: POST /v1/uploads")
    }

    /// There is a recording under a key, and no transcriber.
    pub(crate) fn not_transcribed(key: &str) -> Self {
        let error = format!("{key:?} is a recording, and nothing transcribes it");
        let next = "set TRANSCRIBER, such as TRANSCRIBER=runpod with TRANSCRIBER_RUNPOD_ENDPOINT_URL, and start again, or deploy with \
                    Transcriber; or upload its transcript";
        Self::new(400, error, next)
    }

    fn method(path: &str, allow: &'static str) -> Self {
        let error = format!("{path} does not take this method");
        Self {
            allow: Some(allow),
            ..Self::new(405, error, format!("use {allow}; {SEE}"))
        }
    }

    /// The response.
    #[must_use]
    pub fn answer(self) -> Answer {
        let allow = self.allow.map(|allow| ("allow", allow.to_owned()));
        let json = json!({"error": self.error, "next_step": self.next_step});
        Answer {
            headers: allow.into_iter().collect(),
            ..Answer::json(self.status, &json)
        }
    }
}

const SEE: &str = "GET /openapi.json describes the API";

/// What a request asks for.
///
/// # Errors
/// If there is no such path, or it does not take the method, the query or the headers.
pub fn route(head: &Head<'_>) -> Result<Work, Problem> {
    // A response to HEAD is one to GET, of which the server leaves out the body.
    let method = match head.method {
        "HEAD" => "GET",
        method => method,
    };
    let query = || Query::parse(head.query);
    match (method, head.path) {
        ("GET", "/openapi.json") => Ok(Work::Describe),
        ("GET", "/v1/settings") => Ok(Work::Settings),
        ("GET", "/v1/events") => Ok(Work::Watch),
        ("POST", "/v1/uploads") => match (head.header)("content-type") {
            Some(kind) if is_json(kind) => Ok(Work::Order),
            _ => Err(Problem::new(
                415,
                "the body is not said to be JSON",
                "send it with Content-Type: application/json",
            )),
        },
        ("GET", "/v1/summaries") => listed_or_one(&query()?),
        ("POST", "/v1/summaries") => {
            let key = query()?.value("key")?.ok_or_else(|| {
                let next = "name the transcript: POST /v1/summaries?key=board.txt";
                Problem::new(400, "no key is given", next)
            })?;
            Ok(Work::Begin {
                key: plain_key(key)?,
            })
        }
        (_, "/openapi.json" | "/v1/settings" | "/v1/events") => {
            Err(Problem::method(head.path, "GET, HEAD"))
        }
        (_, "/v1/uploads") => Err(Problem::method(head.path, "POST")),
        (_, "/v1/summaries") => Err(Problem::method(head.path, "GET, HEAD, POST")),
        (method, path) => below(method, path, head),
    }
}

/// What is asked of a path that holds a key.
fn below(method: &str, path: &str, head: &Head<'_>) -> Result<Work, Problem> {
    if let Some(name) = path.strip_prefix(UPLOADS) {
        let name = plain_name(&segments(name)?)?;
        return match method {
            "PUT" => {
                Upload::announced(name, &Query::parse(head.query)?, head.header).map(Work::Store)
            }
            _ => Err(Problem::method(path, "PUT")),
        };
    }
    if let Some(key) = path.strip_prefix(RESULTS) {
        let key = plain_key(segments(key)?.join("/"))?;
        return match method {
            "GET" => Ok(Work::Read { key }),
            _ => Err(Problem::method(path, "GET, HEAD")),
        };
    }
    Err(Problem::new(404, "there is nothing under this path", SEE))
}

fn listed_or_one(query: &Query) -> Result<Work, Problem> {
    if let Some(key) = query.value("key")? {
        return Ok(Work::Look {
            key: plain_key(key)?,
        });
    }
    let limit = match query.value("limit")? {
        None => MOST_LISTED,
        Some(limit) => {
            let number = limit.parse().ok();
            number
                .filter(|number| (1..=MOST_LISTED).contains(number))
                .ok_or_else(|| {
                    let next = format!("expected a whole number from 1 to {MOST_LISTED}");
                    Problem::new(400, format!("limit is {limit:?}"), next)
                })?
        }
    };
    let after = query.value("after")?.map(plain_key).transpose()?;
    let after = after.unwrap_or_default();
    Ok(Work::List { after, limit })
}

/// Whether a content type is JSON, whatever its parameters.
fn is_json(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(
        method: &str,
        target: &str,
        headers: &[(&str, &'static str)],
    ) -> Result<Work, Problem> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let header = |name: &str| {
            let found = headers.iter().find(|(known, _)| *known == name);
            found.map(|&(_, value)| value)
        };
        route(&Head {
            method,
            path,
            query,
            header: &header,
        })
    }

    #[test]
    fn each_request_asks_for_one_thing() {
        let key = |key: &str| key.to_owned();
        for (method, target, work) in [
            ("GET", "/openapi.json", Work::Describe),
            ("HEAD", "/v1/settings", Work::Settings),
            ("GET", "/v1/events", Work::Watch),
            (
                "GET",
                "/v1/summaries",
                Work::List {
                    after: String::new(),
                    limit: MOST_LISTED,
                },
            ),
            (
                "GET",
                "/v1/summaries?limit=2&after=a%2Fb+c.txt",
                Work::List {
                    after: key("a/b c.txt"),
                    limit: 2,
                },
            ),
            (
                "GET",
                "/v1/summaries?key=caf%C3%A9.txt",
                Work::Look {
                    key: key("café.txt"),
                },
            ),
            (
                "POST",
                "/v1/summaries?key=x.txt",
                Work::Begin { key: key("x.txt") },
            ),
            (
                "GET",
                "/v1/results/summaries/a%20b.txt_summary.html",
                Work::Read {
                    key: key("summaries/a b.txt_summary.html"),
                },
            ),
        ] {
            assert_eq!(asked(method, target, &[]), Ok(work), "{method} {target}");
        }
        let json = [("content-type", "Application/JSON; charset=utf-8")];
        assert_eq!(asked("POST", "/v1/uploads", &json), Ok(Work::Order));
    }

    #[test]
    fn what_no_client_of_good_will_sends_is_refused() {
        for (method, target, status) in [
            ("GET", "/v1/nothing", 404),
            ("GET", "/v1/results", 404),
            ("DELETE", "/v1/summaries", 405),
            ("PUT", "/v1/uploads", 405),
            ("POST", "/v1/uploads", 415),
            ("GET", "/v1/uploads/x.txt", 405),
            ("POST", "/v1/results/x", 405),
            ("POST", "/v1/summaries", 400),
            ("GET", "/v1/summaries?limit=0", 400),
            ("GET", "/v1/summaries?limit=101", 400),
            ("GET", "/v1/summaries?key=a&key=b", 400),
            ("GET", "/v1/summaries?key=..%2Fsecret", 400),
            ("GET", "/v1/summaries?key=%2Fetc%2Fpasswd", 400),
            ("GET", "/v1/summaries?key=a%5C..%5Cb", 400),
            ("GET", "/v1/summaries?key=a%00b", 400),
            ("GET", "/v1/summaries?key=%zz", 400),
            ("GET", "/v1/summaries?key=%ff", 400),
            ("GET", "/v1/summaries?key=", 400),
            ("GET", "/v1/results/../x", 400),
            ("GET", "/v1/results/%2e%2e/x", 400),
            ("GET", "/v1/results/a%2f..%2fx", 400),
            ("GET", "/v1/results//x", 400),
            ("GET", "/v1/results/", 400),
            ("PUT", "/v1/uploads/a/b.txt?bytes=1", 400),
            ("PUT", "/v1/uploads/a%2Fb.txt?bytes=1", 400),
            ("PUT", "/v1/uploads/..?bytes=1", 400),
            ("PUT", "/v1/uploads/.hidden.txt?bytes=1", 400),
            ("PUT", "/v1/uploads/x.txt", 400),
        ] {
            let problem = asked(method, target, &[]).unwrap_err();
            assert_eq!(problem.status, status, "{method} {target}: {problem:?}");
            assert!(!problem.error.is_empty() && !problem.next_step.is_empty());
            assert_eq!(problem.allow.is_some(), status == 405);
        }
    }

    #[test]
    fn the_description_names_every_path() {
        let described: serde_json::Value = serde_json::from_str(DESCRIPTION).unwrap();
        let paths = described.get("paths").unwrap().as_object().unwrap();
        let mut paths: Vec<&str> = paths.keys().map(String::as_str).collect();
        paths.sort_unstable();
        assert_eq!(
            paths,
            [
                "/openapi.json",
                "/v1/events",
                "/v1/results/{key}",
                "/v1/settings",
                "/v1/summaries",
                "/v1/uploads",
                "/v1/uploads/{name}",
            ]
        );
    }
}
