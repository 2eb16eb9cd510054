//! Concurrency affects how long a summary takes and nothing else.

use std::sync::Arc;

use crate::support::summaries::{Run, carry_out, limits, sample, samples, transcript};
use crate::support::writer::{Habit, PROFILES, SimulatedWriter};
use transcript_summarizer::summary::plan;
use transcript_summarizer::text::Words;
use transcript_summarizer::transcript::Transcript;

const TARGET: usize = 4000;

fn run(
    transcript: &Transcript,
    context: usize,
    concurrency: usize,
    habit: Habit,
) -> (Run, Arc<SimulatedWriter>) {
    // The server counts more tokens than estimated, so that the program has a ratio to learn.
    let model = Arc::new(
        SimulatedWriter::new(habit)
            .window(Some(context))
            .counting(1.1),
    );
    let limits = limits(context);
    let plan = plan(transcript, Words(TARGET), &limits).unwrap();
    (
        carry_out(plan, transcript, limits, concurrency, &model),
        model,
    )
}

#[test]
fn one_call_at_a_time_or_sixteen_give_the_same_summary() {
    same_summary([(Habit::Measured(PROFILES[3]), 32_768, sample())]);
}

#[test]
#[ignore = "long: run by the gate"]
fn one_call_at_a_time_or_sixteen_give_the_same_summary_whatever_the_model_does() {
    let habits = PROFILES.map(Habit::Measured).into_iter().chain([
        Habit::Flaky,
        Habit::Looping,
        Habit::CutOff,
        Habit::Brooding,
        Habit::Growing,
    ]);
    for habit in habits {
        same_summary([(habit, 32_768, sample()), (habit, 2048, samples(2))]);
    }
}

fn same_summary(cases: impl IntoIterator<Item = (Habit, usize, String)>) {
    for (habit, context, text) in cases {
        let transcript = transcript(&text);
        let (alone, one) = run(&transcript, context, 1, habit);
        let (together, sixteen) = run(&transcript, context, 16, habit);
        assert_eq!(alone.text, together.text, "{habit:?} at {context}");
        assert_eq!(alone.summary, together.summary, "{habit:?} at {context}");
        assert_eq!(asked(&one), asked(&sixteen), "{habit:?} at {context}");
        assert_eq!(one.most_in_flight(), 1);
        assert!(
            (3..=16).contains(&sixteen.most_in_flight()),
            "{} in flight",
            sixteen.most_in_flight()
        );
    }
}

/// Wording and output limit of every request, sorted because requests may arrive in any order.
fn asked(model: &SimulatedWriter) -> Vec<(u64, usize)> {
    let mut asked: Vec<_> = model
        .seen()
        .iter()
        .map(|seen| (seen.wording, seen.max_tokens))
        .collect();
    asked.sort_unstable();
    asked
}

#[test]
fn another_job_asks_behind_other_fences() {
    let transcript = transcript(&sample());
    let (_, model) = run(&transcript, 32_768, 8, Habit::Willing);
    let fences: Vec<_> = model
        .seen()
        .into_iter()
        .filter_map(|seen| seen.fence)
        .collect();
    let mut distinct = fences.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(fences.len(), distinct.len(), "a fence is used twice");
}
