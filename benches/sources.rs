//! Measures how long it takes to find the sources of a summary's sentences.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "figures are for people"
)]

mod support;

use std::process::ExitCode;
use std::time::Duration;

use support::{Claims, least_cpu, meetings, repeated};
use transcript_summarizer::document::sources::Sources;
use transcript_summarizer::extract;
use transcript_summarizer::summary::{Section, Source, Summary};
use transcript_summarizer::text::{Tokens, words};
use transcript_summarizer::transcript::{Decoder, Passage, Transcript};

/// Length of the summary in words, and its sections.
const SUMMARY_WORDS: usize = 4000;
const SECTIONS: usize = 20;

fn transcript(text: &str) -> Transcript {
    let mut decoder = Decoder::default();
    decoder.push(text.as_bytes()).unwrap();
    Transcript::new(decoder.finish().unwrap()).unwrap()
}

/// A summary of quotations, which have more terms in common with the transcript than any other.
fn summary(transcript: &Transcript) -> Summary {
    let chunks = transcript.whole().divide(Tokens(usize::MAX), SECTIONS);
    let sections = chunks.iter().enumerate().map(|(nth, chunk)| Section {
        title: "A part".to_owned(),
        times: Vec::new(),
        text: extract::extract(
            &Passage::of_text(chunk.span.of(transcript.text())),
            SUMMARY_WORDS / SECTIONS,
        ),
        matters: Vec::new(),
        target_words: SUMMARY_WORDS / SECTIONS,
        chunks: vec![nth],
        spans: vec![chunk.span],
        source: Source::Model,
        written_by: None,
    });
    let sections: Vec<Section> = sections.collect();
    // An overview is searched in the whole transcript.
    let firsts = sections
        .iter()
        .filter_map(|section| section.text.lines().next());
    Summary {
        overview: Some(firsts.collect::<Vec<_>>().join("\n")),
        sections,
        ..Summary::default()
    }
}

fn main() -> ExitCode {
    let meetings = meetings();
    let mut claims = Claims::default();
    println!("bytes       milliseconds of CPU");
    let measure = |text: &str| {
        let transcript = transcript(text);
        let summary = summary(&transcript);
        let seconds = least_cpu(5, Duration::from_secs(20), || {
            Sources::of(&transcript, &summary)
        });
        println!("{:9} {:18.0}", text.len(), seconds * 1e3);
        seconds
    };
    let meeting = measure(words::prefix(&meetings, 10_000));
    let once = measure(&repeated(&meetings, 2_000_000));
    let large = measure(&repeated(&meetings, 10_000_000));
    let ten_times = measure(&repeated(&meetings, 20_000_000));
    claims.check("10,000 words take at most 150 ms", meeting <= 0.15);
    claims.check("10 MB take at most 10 s", large <= 10.0);
    claims.check(
        "ten times the text takes at most 11 times as long",
        ten_times <= 11.0 * once,
    );
    claims.verdict()
}
