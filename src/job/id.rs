//! Computes job ids. The same object content at the same location, summarized with the same settings, has the same id.

use sha2::{Digest, Sha256};

use crate::hex::hex;
use crate::job::{Config, Order};
use crate::store::{Location, ObjectInfo};

/// Hashes the object's location and entity tag and all settings that affect the result. The version id is left out: a
/// repeated upload of the same bytes has a new version but needs no new summary. So are the wanted renderings: a finished job gets
/// a page that was off without paying again ([`complete`](super::complete)).
///
/// The key of a recording's `transcript` stands for the settings that affect it.
pub(crate) fn job_id(
    at: &Location,
    info: &ObjectInfo,
    transcript: Option<&Location>,
    config: &Config,
    order: &Order,
) -> String {
    let mut hash = Sha256::new();
    let limits = config.limits;
    let settings = format!("{} {limits:?}", order.words.0);
    let wishes = (!order.wishes.is_empty()).then(|| order.wishes.fingerprint());
    let parts = [
        &at.bucket,
        &at.key,
        &info.etag,
        &config.provider.fingerprint(),
        &settings,
    ];
    let transcript = transcript.map(|at| &at.key);
    for part in parts.into_iter().chain(&wishes).chain(transcript) {
        // Hash lengths too, to tell "a" + "bc" from "ab" + "c".
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hex(&hash.finalize(), 16)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Arc;

    use super::*;
    use crate::job::Surface;
    use crate::store::Metadata;
    use crate::text::corrections::{List, read_list};
    use crate::text::{Corrections, Language, Words};

    fn id(key: &str, etag: &str, words: &str) -> String {
        let config = Config::from_lookup(Surface::CommandLine, &|name| {
            (name == "SUMMARY_WORDS").then(|| words.to_owned())
        })
        .unwrap();
        let info = ObjectInfo {
            etag: etag.into(),
            version_id: None,
            size: 1,
            modified_ms: None,
            metadata: Metadata::new(),
        };
        let order = config.order(&info.metadata).unwrap();
        job_id(&Location::new("b", key), &info, None, &config, &order)
    }

    #[test]
    fn an_id_depends_on_the_wishes() {
        let config = Config::from_lookup(Surface::CommandLine, &|_| None).unwrap();
        let info = ObjectInfo {
            etag: "e".into(),
            version_id: None,
            size: 1,
            modified_ms: None,
            metadata: Metadata::new(),
        };
        let id = |change: &dyn Fn(&mut Order)| {
            let mut order = config.order(&info.metadata).unwrap();
            change(&mut order);
            job_id(&Location::new("b", "k"), &info, None, &config, &order)
        };
        let corrections = |line: &str, list| {
            let entries = read_list(line, list).unwrap();
            Arc::new(Corrections::new(entries).unwrap())
        };
        let ids: HashSet<String> = [
            id(&|_| ()),
            id(&|order| order.words = Words(700)),
            id(&|order| order.wishes.instructions = "Costs.".into()),
            id(&|order| order.wishes.language = Language::parse("de")),
            id(&|order| order.wishes.corrections = corrections("a = b", List::Glossary)),
            id(&|order| order.wishes.corrections = corrections("a = c", List::Glossary)),
            id(&|order| order.wishes.corrections = corrections("a = b", List::SpeakerNames)),
        ]
        .into();
        assert_eq!(ids.len(), 7);
        assert_eq!(id(&|_| ()), self::id("k", "e", "4000"));
    }

    #[test]
    fn an_id_depends_on_the_object_and_the_settings() {
        assert_eq!(id("k", "e", "4000"), id("k", "e", "4000"));
        assert_eq!(id("k", "e", "4000").len(), 32);
        for other in [
            id("l", "e", "4000"),
            id("k", "f", "4000"),
            id("k", "e", "3000"),
            id("ke", "", "4000"),
        ] {
            assert_ne!(other, id("k", "e", "4000"));
        }
    }
}
