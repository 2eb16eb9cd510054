//! Uploads: ordered with their length and wishes, and sent as exactly that many bytes.
//!
//! An order changes nothing and is not remembered: all that it says is in the address and the headers that it is answered with,
//! like in a presigned request to S3.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::utf8_percent_encode;
use serde::{Deserialize, Serialize};

use crate::aws::signer::UNRESERVED;
use crate::chain::chain;
use crate::http_api::address::{Query, checked_name};
use crate::http_api::{Problem, UPLOADS};
use crate::job::filter::Skip;
use crate::job::order::WISHES;
use crate::job::{Config, JobError, Rejected};
use crate::store::Metadata;
use crate::text::number::grouped;
use crate::transcriber::is_recording;

/// Maximum size of the metadata of an object in S3: the bytes of all names and values, without how their headers begin.
const MAX_METADATA_BYTES: usize = 2048;

/// What to do about a transcript that is too large.
pub(crate) const SMALLER: &str = "upload the transcript in parts, or raise MAX_INPUT_BYTES";

/// How headers begin that carry metadata of objects.
pub(crate) const METADATA: &str = "x-amz-meta-";

/// An upload, before its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Its name, which becomes its key.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// The wishes, as metadata of the object.
    pub metadata: Metadata,
}

/// The body of an order.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ordered {
    name: String,
    bytes: u64,
    words: Option<u64>,
    language: Option<String>,
    instructions: Option<String>,
}

/// How to send an upload.
#[derive(Debug, Serialize)]
pub(crate) struct Instruction {
    pub(crate) key: String,
    pub(crate) method: &'static str,
    pub(crate) url: String,
    pub(crate) headers: BTreeMap<String, String>,
    /// Seconds for which the URL is good; `None` if it always is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires_in: Option<u64>,
}

/// A language as a header can carry it.
fn checked_language(language: &str) -> Result<String, Problem> {
    let language = language.trim_matches(' ');
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    match language.chars().all(is_plain) {
        true => Ok(language.to_owned()),
        false => {
            let error = format!("{language:?} is no language");
            let next = "send a code such as de or pt-BR, or auto";
            Err(Problem::new(400, error, next))
        }
    }
}

impl Upload {
    /// The upload that the body of an order describes, which has yet to be [checked](Self::check).
    pub(crate) fn ordered(body: &[u8]) -> Result<Self, Problem> {
        let ordered: Ordered = serde_json::from_slice(body).map_err(|error| {
            let error = format!("the body is not an order: {error}");
            let next = "send {\"name\": \"board.txt\", \"bytes\": 12345}, and words, language and instructions if you like";
            Problem::new(400, error, next)
        })?;
        let values = [
            ordered.words.map(|words| words.to_string()),
            ordered
                .language
                .map(|language| checked_language(&language))
                .transpose()?,
            ordered.instructions.map(|text| encoded(&text)),
        ];
        let metadata = WISHES.into_iter().zip(values);
        let metadata = metadata.filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Ok(Self {
            name: checked_name(&ordered.name)?,
            bytes: ordered.bytes,
            metadata: metadata.collect(),
        })
    }

    /// The upload that the address and the headers of a `PUT` announce.
    pub(crate) fn announced<'r>(
        name: String,
        query: &Query,
        header: &dyn Fn(&str) -> Option<&'r str>,
    ) -> Result<Self, Problem> {
        let number = |text: &str| text.parse::<u64>().ok();
        let bytes = query.value("bytes")?.as_deref().and_then(number);
        let bytes = bytes.ok_or_else(|| {
            let next = "order the upload with POST /v1/uploads, and use the address of its answer";
            Problem::new(
                400,
                "the address does not say how many bytes are sent",
                next,
            )
        })?;
        let length = header("content-length").ok_or_else(|| {
            let next = "send it with a Content-Length";
            Problem::new(411, "the length of the body is not given", next)
        })?;
        if number(length) != Some(bytes) {
            let error = format!("the body has {length} bytes, and {bytes} were ordered");
            let next = "order the upload again, with its right length: POST /v1/uploads";
            return Err(Problem::new(400, error, next));
        }
        let wish = |name: &str| header(&format!("{METADATA}{name}")).map(str::to_owned);
        let metadata = WISHES.into_iter();
        Ok(Self {
            name,
            bytes,
            metadata: metadata
                .filter_map(|name| Some((name.to_owned(), wish(name)?)))
                .collect(),
        })
    }

    /// Refuses what could not be summarized anyway, before it is sent. `most` bytes are accepted.
    pub(crate) fn check(&self, config: &Config, most: u64) -> Result<(), Problem> {
        let Self { name, bytes, .. } = self;
        if let Some(skip) = config.skips(name) {
            if skip == Skip::OtherSuffix && is_recording(name) {
                return Err(Problem::not_transcribed(name));
            }
            let reason = match skip {
                Skip::OtherSuffix => "its name has another ending",
                skip => skip.reason(),
            };
            let error = format!("{name:?} is not a transcript: {reason}");
            let next_step = match skip {
                Skip::OtherSuffix => {
                    let endings = config.filter.suffixes.join(", ");
                    format!("export the transcript as one of {endings}")
                }
                _ => "give it another name".to_owned(),
            };
            return Err(Problem::new(400, error, next_step));
        }
        let of_wishes = self.metadata.iter();
        let of_wishes: usize = of_wishes
            .map(|(name, value)| name.len() + value.len())
            .sum();
        match bytes {
            0 => Err(Problem::new(
                400,
                format!("{name:?} is empty"),
                "export the transcript again, with its text",
            )),
            bytes if *bytes > most => Err(Problem::new(
                413,
                format!(
                    "{name:?} has {} bytes, and at most {} are accepted",
                    shown(*bytes),
                    shown(most)
                ),
                SMALLER,
            )),
            _ if of_wishes > MAX_METADATA_BYTES => Err(Problem::new(
                400,
                format!(
                    "the wishes have {of_wishes} bytes as headers, and S3 keeps at most {MAX_METADATA_BYTES}"
                ),
                "shorten the instructions; letters other than ASCII take up to eight bytes each",
            )),
            _ => match config.order(&self.metadata) {
                Ok(_) => Ok(()),
                Err(rejected) => Err(Problem::new(
                    400,
                    rejected.to_string(),
                    "order the upload with other wishes, or without",
                )),
            },
        }
    }

    /// How to send it.
    pub(crate) fn instruction(&self) -> Instruction {
        let name = utf8_percent_encode(&self.name, UNRESERVED);
        let headers = self.metadata.iter();
        Instruction {
            key: self.name.clone(),
            method: "PUT",
            url: format!("{UPLOADS}{name}?bytes={}", self.bytes),
            headers: headers
                .map(|(name, value)| (format!("{METADATA}{name}"), value.clone()))
                .collect(),
            expires_in: None,
        }
    }

    /// Whether its bytes are text that can be checked before they are stored.
    pub(crate) fn is_text(&self, config: &Config) -> bool {
        config.recordings.is_none() || !is_recording(&self.name)
    }
}

/// The problem with a text that is none.
pub(crate) fn rejected(name: &str, rejected: Rejected) -> Problem {
    let error = JobError::from(rejected);
    let message = format!("{name:?} is not a transcript: {}", chain(&error));
    Problem::new(422, message, error.next_step())
}

/// The problem with a name that is taken.
pub(crate) fn taken(name: &str) -> Problem {
    let error = format!("{name:?} is there already, and nothing is overwritten");
    let next = format!(
        "choose another name, or read GET /v1/summaries?key={}",
        utf8_percent_encode(name, UNRESERVED)
    );
    Problem::new(409, error, next)
}

/// A value as headers can carry it: as it is, or as an encoded word of RFC 2047.
fn encoded(text: &str) -> String {
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    match is_plain && !text.contains("=?") {
        true => text.trim().to_owned(),
        false => format!("=?UTF-8?B?{}?=", STANDARD.encode(text)),
    }
}

fn shown(bytes: u64) -> String {
    grouped(usize::try_from(bytes).unwrap_or(usize::MAX))
}
