//! Computes job ids. The same object content at the same location, summarized with the same settings, has the same id.

use sha2::{Digest, Sha256};

use crate::hex::hex;
use crate::job::Config;
use crate::store::{Location, ObjectInfo};

/// Hashes the object's location and entity tag and all settings that affect the result. The version id is left out: a
/// repeated upload of the same bytes has a new version but needs no new summary.
pub(crate) fn job_id(at: &Location, info: &ObjectInfo, config: &Config) -> String {
    let mut hash = Sha256::new();
    let limits = config.limits;
    let settings = format!("{} {limits:?}", config.summary_words.0);
    for part in [
        &at.bucket,
        &at.key,
        &info.etag,
        &config.provider.fingerprint(),
        &settings,
    ] {
        // Hash lengths too, to tell "a" + "bc" from "ab" + "c".
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hex(&hash.finalize(), 16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Surface;
    use crate::store::Metadata;

    fn id(key: &str, etag: &str, words: &str) -> String {
        let config = Config::from_lookup(Surface::CommandLine, &|name| {
            (name == "SUMMARY_WORDS").then(|| words.to_owned())
        })
        .unwrap();
        let info = ObjectInfo {
            etag: etag.into(),
            version_id: None,
            size: 1,
            metadata: Metadata::new(),
        };
        job_id(&Location::new("b", key), &info, &config)
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
