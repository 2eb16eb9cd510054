//! Players for the recording and for the summary read out, where both are beside the page: in the same bucket.
//!
//! Their addresses are relative. So they hold no secret and stay valid wherever bucket or folder are served or copied to; behind a
//! presigned link, which is for one object, they lead nowhere. What is played says where it lies.

use maud::{Markup, html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::document::page::{Page, Shown};
use crate::document::{Document, PAGE_ENDING};
use crate::summary::Section;

/// Endings of recordings with pictures.
const VIDEO: [&str; 2] = [".mp4", ".webm"];

/// The window that plays the recording from a section on.
const WINDOW: &str = "recording";

/// What is encoded in a segment of an address.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The addresses of what can be played.
pub(super) struct Players {
    recording: Option<String>,
    /// The parts of the summary read out, with their keys.
    speech: Vec<(String, String)>,
}

impl Players {
    pub(super) fn of(document: &Document<'_>) -> Self {
        let page = document.key(PAGE_ENDING);
        let beside = |bucket: &str, key: &str| {
            let is_here = bucket == document.output_bucket;
            is_here.then(|| relative(&page, key)).flatten()
        };
        let at = document.at;
        let recording = document
            .transcript_key
            .and_then(|_| beside(&at.bucket, &at.key));
        let speech = document.speech.map_or(Vec::new(), |speech| {
            let keys = speech.keys.iter();
            let parts = keys.filter_map(|key| Some((beside(&speech.bucket, key)?, key.clone())));
            parts.collect()
        });
        Self { recording, speech }
    }

    /// Whether the page loads anything from its own site.
    pub(super) fn are_any(&self) -> bool {
        self.recording.is_some() || !self.speech.is_empty()
    }
}

impl Page<'_> {
    /// The players.
    pub(super) fn players(&self) -> Markup {
        let Players { recording, speech } = &self.players;
        let key = &self.document.at.key;
        let lower_case = key.to_ascii_lowercase();
        let is_video = VIDEO.iter().any(|ending| lower_case.ends_with(ending));
        html! {
            @for (nth, (address, key)) in speech.iter().enumerate() {
                figure .player lang=[self.english()] {
                    audio controls preload="none" src=(address) {}
                    figcaption {
                        "The summary read out"
                        @if speech.len() > 1 { ", part " (nth + 1) " of " (speech.len()) }
                        ": " a href=(address) { (Shown(file_name(key))) }
                    }
                }
            }
            @if let Some(address) = recording {
                figure .player lang=[self.english()] {
                    @if is_video {
                        video controls preload="none" src=(address) {}
                    } @else {
                        audio controls preload="none" src=(address) {}
                    }
                    figcaption { "The recording: " a href=(address) dir="auto" { (Shown(file_name(key))) } }
                }
            }
        }
    }

    /// A link that plays the recording from where a section begins.
    pub(super) fn play(&self, section: &Section) -> Markup {
        let first = section.spans.first();
        let time = first.and_then(|&span| self.document.transcript.passage(span).time_span());
        let from = self.players.recording.as_ref().zip(time);
        html! {
            @if let Some((address, (from, _))) = from {
                " " a href=(format_args!("{address}#t={}", from.millis() / 1000)) target=(WINDOW) lang=[self.english()] {
                    "Play from " (from)
                }
            }
        }
    }
}

fn file_name(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}

/// The address of the object `target` as seen from the object `page` in the same bucket; `None` if no address leads there, because
/// a segment of dots would be resolved.
fn relative(page: &str, target: &str) -> Option<String> {
    let (folders, segments): (Vec<&str>, Vec<&str>) =
        (page.split('/').collect(), target.split('/').collect());
    let is_dots = |segment: &&str| matches!(*segment, "." | "..");
    if folders.iter().chain(&segments).any(is_dots) {
        return None;
    }
    let (_, folders) = folders.split_last()?;
    let (_, above) = segments.split_last()?;
    let shared = folders
        .iter()
        .zip(above)
        .take_while(|(one, other)| one == other);
    let shared = shared.count();
    let up = "../".repeat(folders.len() - shared);
    let down: Vec<String> = segments
        .iter()
        .skip(shared)
        .map(|segment| utf8_percent_encode(segment, ENCODED).to_string())
        .collect();
    let address = format!("{up}{}", down.join("/"));
    // Otherwise it would be an address on another host, or none.
    Some(match address.is_empty() || address.starts_with('/') {
        true => format!("./{address}"),
        false => address,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reqwest::Url;

    use super::*;

    #[test]
    fn addresses_are_as_short_as_can_be() {
        for (page, target, expected) in [
            (
                "s/a.txt_summary.html",
                "s/a.txt_summary.0.mp3",
                Some("a.txt_summary.0.mp3"),
            ),
            (
                "s/t/a.mp4_summary.html",
                "t/a b#1.mp4",
                Some("../../t/a%20b%231.mp4"),
            ),
            ("s/a.html", "javascript:x", Some("../javascript%3Ax")),
            ("a.html", "//b", Some(".///b")),
            ("s/../a.html", "b", None),
        ] {
            assert_eq!(
                relative(page, target).as_deref(),
                expected,
                "{page} {target}"
            );
        }
    }

    #[test]
    fn a_folder_has_an_address() {
        assert_eq!(relative("/ ", "/").as_deref(), Some("./"));
        assert_eq!(relative("a/b", "a/").as_deref(), Some("./"));
    }

    proptest! {
        #[test]
        fn an_address_leads_to_its_target(page in "[a/é? ]{0,8}", target in "[a/é%#:?. ]{1,8}") {
            let whole = |key: &str| {
                let segments = key.split('/').map(|segment| utf8_percent_encode(segment, ENCODED).to_string());
                Url::parse(&format!("https://host/bucket/{}", segments.collect::<Vec<_>>().join("/"))).unwrap()
            };
            if let Some(address) = relative(&page, &target) {
                prop_assert_eq!(whole(&page).join(&address).unwrap(), whole(&target), "{}", address);
            }
        }
    }
}
