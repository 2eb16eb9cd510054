//! The context window: no request exceeds it, however the server counts tokens, and a refused request is split in half.

use std::sync::Arc;

use crate::support::summaries::{bare_limits, limits, sample, samples, summarize, transcript};
use crate::support::writer::{Habit, PROFILES, SimulatedWriter};
use transcript_summarizer::summary::Limits;

/// From encoder-decoder summarizers to the largest common windows.
fn windows() -> [Limits; 6] {
    [
        bare_limits(1024),
        limits(2048),
        limits(4096),
        limits(8192),
        limits(32_768),
        limits(131_072),
    ]
}

/// Transcripts of about 600, 9,300 and 28,000 words.
fn texts() -> [String; 3] {
    let sample = sample();
    let short: Vec<&str> = sample.lines().take(15).collect();
    [short.join("\n"), sample.clone(), samples(3)]
}

#[test]
fn nothing_is_refused_by_servers_that_count_a_fifth_more_or_less() {
    let [short, sample, _] = texts();
    nothing_is_refused([short], &windows());
    nothing_is_refused([sample], &[bare_limits(1024), limits(8192)]);
}

#[test]
#[ignore = "long: run by the gate"]
fn nothing_is_refused_in_any_window_by_servers_that_count_a_fifth_more_or_less() {
    nothing_is_refused(texts(), &windows());
}

fn nothing_is_refused(texts: impl IntoIterator<Item = String>, windows: &[Limits]) {
    println!(" context    words  factor  calls  notes  sections  fullest request");
    for text in texts {
        let transcript = transcript(&text);
        for &limits in windows {
            for factor in [0.8, 1.0, 1.2] {
                let context = limits.context_tokens.unwrap().0;
                let model = Arc::new(
                    SimulatedWriter::new(Habit::Measured(PROFILES[0]))
                        .window(limits.context_tokens.map(|tokens| tokens.0))
                        .counting(factor),
                );
                let run = summarize(&transcript, 4000, limits, &model);
                let seen = model.seen();
                let fullest = seen
                    .iter()
                    .map(|seen| seen.counted + seen.max_tokens)
                    .max()
                    .unwrap();
                println!(
                    "{context:8} {:8} {factor:7} {:6} {:6} {:9} {fullest:16} {:.3}",
                    transcript.spoken.words,
                    run.usage.calls,
                    run.plan.levels.len(),
                    run.plan.sections,
                    run.deviation(),
                );
                let refused = model.refused();
                assert!(
                    refused.is_empty(),
                    "window of {context}, counting {factor}: {refused:?}"
                );
                assert!(seen.iter().all(|seen| seen.max_tokens > 0));
                run.assert_covers(&transcript);
            }
        }
    }
}

#[test]
fn what_is_refused_is_split() {
    let transcript = transcript(&sample());
    for limits in windows() {
        let model = Arc::new(
            SimulatedWriter::new(Habit::Measured(PROFILES[0]))
                .window(limits.context_tokens.map(|tokens| tokens.0))
                .counting(1.5),
        );
        let run = summarize(&transcript, 4000, limits, &model);
        println!(
            "window of {:?}: {} of {} requests refused, off by {:.2} %, {} sections degraded",
            limits.context_tokens.map(|tokens| tokens.0),
            model.refused().len(),
            run.usage.calls,
            run.deviation() * 100.0,
            run.degraded(),
        );
        assert!(run.deviation().abs() <= 0.05, "{} words", run.words());
        run.assert_covers(&transcript);
    }
}
