//! The keys of transcripts: `<prefix><key of the recording>.<entity tag>.<settings>.json`.
//!
//! Amazon Transcribe accepts at most 1,024 of the characters of [escaped keys](crate::store::escaped_key). A key that would become
//! too long is replaced by its hash, which cannot be read back.
//!
//! The entity tag tells the versions of a recording apart. The settings are a hash of what affects the transcript, so that a
//! change of them leads to another transcript.

use percent_encoding::percent_decode_str;
use sha2::{Digest, Sha256};

use crate::hex::hex;
use crate::store::escaped_key::{escape, unescape};
use crate::transcriber::is_recording;

const MAX_KEY: usize = 1024;

/// The folder of recordings whose keys are too long. No escaped key begins with a dot.
const LONG: &str = ".long/";

/// Bytes of the hash of a long key.
const LONG_BYTES: usize = 32;

/// Bytes of the hash of the settings.
const SETTINGS_BYTES: usize = 4;

/// Endings of what a transcriber may write: transcripts and, if it was told to, subtitles.
const ENDINGS: [&str; 3] = [".json", ".vtt", ".srt"];

/// The keys of transcripts under one configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranscriptKeys {
    prefix: String,
    settings: String,
    file_prefix: &'static str,
}

/// What a transcript is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A recording.
    Recording {
        /// Its key.
        key: String,
        /// Its entity tag when it was transcribed.
        etag: String,
    },
    /// A recording with a key too long to be read back.
    Unknown,
}

impl TranscriptKeys {
    /// The keys under `prefix` for settings with this `fingerprint`. A transcriber puts `file_prefix` before each file name.
    #[must_use]
    pub fn new(prefix: String, fingerprint: &str, file_prefix: &'static str) -> Self {
        let settings = hex(&Sha256::digest(fingerprint), SETTINGS_BYTES);
        Self {
            prefix,
            settings,
            file_prefix,
        }
    }

    /// The key of the transcript of a recording with this entity tag.
    #[must_use]
    pub fn of(&self, recording: &str, etag: &str) -> String {
        let key = self.named(&escape(recording), etag);
        match key.len() <= MAX_KEY {
            true => key,
            false => self.long(recording, etag),
        }
    }

    /// The same where a key is the path of a file, whose name and folders have at most `max_name` bytes each.
    pub(crate) fn of_file(&self, recording: &str, etag: &str, max_name: usize) -> String {
        let key = self.of(recording, etag);
        match key.split('/').all(|name| name.len() <= max_name) {
            true => key,
            false => self.long(recording, etag),
        }
    }

    fn long(&self, recording: &str, etag: &str) -> String {
        let hash = hex(&Sha256::digest(recording), LONG_BYTES);
        self.named(&format!("{LONG}{hash}"), etag)
    }

    fn named(&self, escaped: &str, etag: &str) -> String {
        let (folder, name) = at_last_slash(escaped);
        let Self {
            prefix,
            settings,
            file_prefix,
        } = self;
        let etag = escape(etag).replace('.', "!2E").replace('/', "!2F");
        format!("{prefix}{folder}{file_prefix}{name}.{etag}.{settings}.json")
    }

    /// What the object under `key` is the transcript of; `None` if it is not the transcript of a recording.
    #[must_use]
    pub fn origin(&self, key: &str) -> Option<Origin> {
        let rest = key.strip_prefix(&self.prefix)?;
        let rest = ENDINGS
            .iter()
            .find_map(|ending| rest.strip_suffix(ending))?;
        let (rest, settings) = rest.rsplit_once('.')?;
        let (escaped, etag) = rest.rsplit_once('.')?;
        let is_hash = |text: &str, bytes: usize| {
            let is_digit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
            text.len() == 2 * bytes && text.bytes().all(is_digit)
        };
        if !is_hash(settings, SETTINGS_BYTES) {
            return None;
        }
        let (folder, name) = at_last_slash(escaped);
        // Text before the file name is missing in what is written beside a redacted transcript.
        let name = name.strip_prefix(self.file_prefix).unwrap_or(name);
        if folder == LONG && is_hash(name, LONG_BYTES) {
            return Some(Origin::Unknown);
        }
        let key = unescape(&format!("{folder}{name}"))?;
        let etag = percent_decode_str(&etag.replace('!', "%"))
            .decode_utf8()
            .ok()?
            .into_owned();
        is_recording(&key).then_some(Origin::Recording { key, etag })
    }
}

/// Whether a prefix is a folder that a transcriber can write to.
pub(crate) fn is_folder(prefix: &str) -> bool {
    prefix.ends_with('/') && escape(prefix) == prefix
}

fn at_last_slash(key: &str) -> (&str, &str) {
    let at = key.rfind('/').map_or(0, |slash| slash + 1);
    key.split_at(at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ETAG: &str = "9b2cf535f27731c974343645a3985328-3";

    fn keys(file_prefix: &'static str) -> TranscriptKeys {
        TranscriptKeys::new("transcripts/".into(), "amazon {}", file_prefix)
    }

    fn recording(key: &str) -> Option<Origin> {
        Some(Origin::Recording {
            key: key.into(),
            etag: ETAG.into(),
        })
    }

    #[test]
    fn a_name_that_is_too_long_for_a_file_is_a_hash() {
        let keys = keys("");
        let short = keys.of_file("calls/talk.mp4", ETAG, 240);
        assert_eq!(short, keys.of("calls/talk.mp4", ETAG));
        let long = keys.of_file(&format!("calls/{}.mp4", "é".repeat(60)), ETAG, 240);
        assert_eq!(keys.origin(&long), Some(Origin::Unknown));
        assert!(long.split('/').all(|name| name.len() <= 240), "{long}");
    }

    #[test]
    fn a_key_stays_readable() {
        let keys = keys("");
        let settings = &keys.settings;
        for (key, expected) in [
            ("calls/talk.mp4", "calls/talk.mp4"),
            ("a b+%/é!.MP3", "a!20b!2B!25/!C3!A9!21.MP3"),
            ("/a//.b/../c.wav", "!2Fa/!2F!2Eb/!2E./c.wav"),
        ] {
            let transcript = keys.of(key, ETAG);
            let expected = format!("transcripts/{expected}.{ETAG}.{settings}.json");
            assert_eq!(transcript, expected);
            assert_eq!(keys.origin(&transcript), recording(key));
            let subtitles = transcript.replace(".json", ".vtt");
            assert_eq!(keys.origin(&subtitles), recording(key));
        }
    }

    #[test]
    fn other_keys_are_not_transcripts_of_recordings() {
        let keys = keys("");
        for key in [
            "transcripts/board.json",
            "transcripts/board.mp4.json",
            "transcripts/talk.mp4.e.0123456.json",
            "transcripts/talk.mp4.e.0123456g.json",
            "transcripts/talk.txt.e.01234567.json",
            "transcripts/a b.mp4.e.01234567.json",
            "transcripts/a!2fb.mp4.e.01234567.json",
            "other/talk.mp4.e.01234567.json",
            "transcripts/calls/.write_access_check_file.temp",
        ] {
            assert_eq!(keys.origin(key), None, "{key}");
        }
    }

    #[test]
    fn a_redacted_transcript_has_its_name_as_it_is_written() {
        let keys = keys("redacted-");
        let transcript = keys.of("calls/talk.mp4", ETAG);
        assert!(
            transcript.starts_with("transcripts/calls/redacted-talk.mp4."),
            "{transcript}"
        );
        assert_eq!(keys.origin(&transcript), recording("calls/talk.mp4"));
        let other = transcript.replace("redacted-", "");
        assert_eq!(keys.origin(&other), recording("calls/talk.mp4"));
    }

    #[test]
    fn other_settings_and_versions_lead_to_other_transcripts() {
        let other = TranscriptKeys::new("transcripts/".into(), "amazon {\"a\":1}", "");
        assert_ne!(keys("").of("a.mp3", "e"), other.of("a.mp3", "e"));
        assert_ne!(keys("").of("a.mp3", "e"), keys("").of("a.mp3", "f"));
    }

    #[test]
    fn a_key_that_becomes_too_long_is_a_hash() {
        let keys = keys("");
        let long = format!("{}.mp4", "é".repeat(448));
        let transcript = keys.of(&long, ETAG);
        assert!(transcript.starts_with("transcripts/.long/"), "{transcript}");
        assert_eq!(keys.origin(&transcript), Some(Origin::Unknown));
        let plain = format!("{}.mp4", "a".repeat(896));
        assert_eq!(keys.origin(&keys.of(&plain, ETAG)), recording(&plain));
    }

    proptest! {
        #[test]
        fn every_key_is_legal_and_leads_back(
            key in prop_oneof!["\\PC{0,40}", "[./!%+ aé]{0,40}", "\\PC{200,260}"],
            ending in prop::sample::select(crate::transcriber::RECORDING_ENDINGS.to_vec()),
            etag in "[0-9a-f./!é\"-]{0,34}",
            file_prefix in prop::sample::select(vec!["", "redacted-"]),
        ) {
            let keys = keys(file_prefix);
            let key = format!("{key}{ending}");
            let transcript = keys.of(&key, &etag);
            prop_assert!(transcript.len() <= MAX_KEY);
            let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!*'()/".contains(&byte);
            prop_assert!(transcript.bytes().all(is_legal), "{}", transcript);
            let is_named = |part: &str| !part.is_empty() && (!part.starts_with('.') || part == ".long");
            prop_assert!(transcript.split('/').all(is_named), "{}", transcript);
            match keys.origin(&transcript) {
                Some(Origin::Unknown) => prop_assert!(key.len() > 300),
                origin => prop_assert_eq!(origin, Some(Origin::Recording { key, etag })),
            }
        }
    }
}
