//! The embedded model against meetings with reference summaries.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::path::{Path, PathBuf};

use serde_json::Value;
use transcript_summarizer::extract::extract;

#[path = "support/rouge.rs"]
mod rouge;

/// Meetings and their reference summaries; `None` where the shared data is not at hand.
fn meetings() -> Option<Vec<(PathBuf, String, Value)>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/transcripts/qmsum");
    let mut found: Vec<_> = std::fs::read_dir(dir)
        .ok()?
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let reference = std::fs::read(path.with_extension("ref.json")).unwrap();
            (path, text, serde_json::from_slice(&reference).unwrap())
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Some(found)
}

fn joined(reference: &Value, field: &str) -> String {
    reference[field]
        .as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap())
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn probe() {
    let Some(meetings) = meetings() else { return };
    let (mut all, mut general, mut n) = (0.0, 0.0, 0.0);
    let mut lens = (0, 0);
    for (_, text, reference) in &meetings {
        let full = format!(
            "{} {}",
            joined(reference, "general"),
            joined(reference, "specific")
        );
        lens.0 += full.split_whitespace().count();
        lens.1 += joined(reference, "general").split_whitespace().count();
        all += rouge::rouge_1(&extract(text, None, 450), &full);
        general += rouge::rouge_1(&extract(text, None, 110), &joined(reference, "general"));
        n += 1.0;
    }
    println!(
        "ROUGE-1 at 450 {:.4}, at 110 {:.4}, {n} ref words {:?}",
        all / n,
        general / n,
        (lens.0 as f64 / n, lens.1 as f64 / n)
    );
}
