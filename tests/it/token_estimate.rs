//! The token estimate compared with real tokenizers, whose vocabularies are bundled with their crate.

use std::path::Path;

use transcript_summarizer::text::tokens;

/// Vocabularies of current models, one per family.
const VOCABULARIES: [&str; 8] = [
    "o200k_base",
    "cl100k_base",
    "llama3",
    "qwen2",
    "mistral_v3",
    "deepseek_v3",
    "kimi_k2",
    "glm4",
];

/// The ratio of the estimate to the real token count, per vocabulary.
fn ratios(text: &str) -> Vec<f64> {
    let estimate = tokens::estimate(text).0 as f64;
    VOCABULARIES
        .iter()
        .map(|name| estimate / tiktoken::get_encoding(name).unwrap().count(text) as f64)
        .collect()
}

fn show(name: &str, ratios: &[f64]) {
    let columns: Vec<String> = ratios.iter().map(|ratio| format!("{ratio:6.3}")).collect();
    println!("{name:28} {}", columns.join(" "));
}

/// The sample of this repository, and the shared transcripts if available.
fn transcripts() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [
        "samples",
        "../shared/data/transcripts/nasa",
        "../shared/data/transcripts/qmsum",
    ];
    let mut found: Vec<(String, String)> = folders
        .iter()
        .filter_map(|folder| std::fs::read_dir(root.join(folder)).ok())
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .map(|path| {
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                std::fs::read_to_string(&path).unwrap(),
            )
        })
        .collect();
    found.sort();
    found
}

#[test]
fn transcripts_are_never_under_and_on_average_at_most_a_fifth_over() {
    println!("{:28} {}", "", VOCABULARIES.join(" "));
    let mut all = Vec::new();
    for (name, text) in transcripts() {
        let ratios = ratios(&text);
        show(&name, &ratios);
        assert!(
            ratios.iter().all(|&ratio| ratio >= 1.0),
            "{name}: {ratios:?}"
        );
        all.extend(ratios);
    }
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    println!("mean {mean:.3} over {} counts", all.len());
    assert!(mean <= 1.2, "{mean}");
}

#[test]
fn other_languages_and_notations_are_never_under() {
    println!("{:28} {}", "", VOCABULARIES.join(" "));
    for (name, text) in crate::support::languages::TEXTS {
        let ratios = ratios(text);
        show(name, &ratios);
        assert!(
            ratios.iter().all(|&ratio| ratio >= 1.0),
            "{name}: {ratios:?}"
        );
    }
}
