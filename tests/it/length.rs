//! Length control: the summary has the requested length, however the model behaves.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::support::summaries::{
    Run, attempt, carry_out, limits, map_reduce, renamed_sample, sample, samples, summarize,
    transcript, transcripts,
};
use crate::support::writer::{
    ERROR_TEXT, HOSTILE, Habit, PROFILES, Profile, REMARKS, SimulatedWriter, USELESS,
};
use transcript_summarizer::model::ErrorKind;
use transcript_summarizer::prompt::Task;
use transcript_summarizer::summary::{Plan, plan};
use transcript_summarizer::text::Words;
use transcript_summarizer::transcript::Transcript;

const TARGET: usize = 4000;

/// For a shorter transcript the target would be reduced.
const LEAST_WORDS: usize = 6667;

const CONTEXT: usize = 32_768;

const GENERATED: u8 = 20;

#[test]
fn every_measured_model_keeps_to_the_length_on_the_sample() {
    let transcript = transcript(&sample());
    let plan = plan(&transcript, Words(TARGET), &limits(CONTEXT)).unwrap();
    for profile in PROFILES {
        let run = keeps_to_it(profile, "sample", &transcript, &plan);
        let off = run.deviation();
        assert!(off.abs() <= 0.05, "{}: off by {off}", profile.name);
    }
}

/// Over all transcripts: mean and worst deviation from the target, and the number of calls.
#[test]
#[ignore = "long: run by the gate"]
fn every_measured_model_keeps_to_the_length_on_average_and_in_few_calls() {
    let read = |(name, text): (String, String)| {
        let transcript = transcript(&text);
        let plan = plan(&transcript, Words(TARGET), &limits(CONTEXT)).unwrap();
        (name, transcript, plan)
    };
    // The available transcripts are too few for an average, so copies of the sample with other vocabulary are added.
    let generated = (0..GENERATED).map(|nth| (format!("sample {nth}"), renamed_sample(nth)));
    let all: Vec<_> = transcripts(LEAST_WORDS)
        .into_iter()
        .chain(generated)
        .map(read)
        .collect();
    for profile in PROFILES {
        on_average(profile, &all);
    }
}

fn on_average(profile: Profile, all: &[(String, Transcript, Plan)]) {
    let (mut off, mut shares) = (Vec::new(), Vec::new());
    let mut degraded = 0;
    for (name, transcript, plan) in all {
        let run = keeps_to_it(profile, name, transcript, plan);
        off.push(run.deviation().abs() * 100.0);
        shares.push(run.usage.calls as f64 / run.summary.sections.len() as f64);
        degraded += run.degraded();
    }
    off.sort_by(f64::total_cmp);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let p95 = off[(off.len() * 95).div_ceil(100) - 1];
    println!(
        "{:13} {} transcripts: off by {:.2} % on average, p95 {p95:.2} %, {:.3} calls per chunk, {degraded} degraded",
        profile.name,
        off.len(),
        mean(&off),
        mean(&shares),
    );
    assert!(mean(&off) <= 1.5 && p95 <= 4.0, "{off:?}");
    assert!(mean(&shares) <= 1.75, "{shares:?}");
}

/// Summarizes a transcript and checks what must hold for each: full coverage, bounded calls, and no refused request.
fn keeps_to_it(profile: Profile, name: &str, transcript: &Transcript, plan: &Plan) -> Run {
    let model = Arc::new(SimulatedWriter::new(Habit::Measured(profile)).window(Some(CONTEXT)));
    let run = carry_out(plan.clone(), transcript, limits(CONTEXT), 8, &model);
    run.assert_covers(transcript);
    run.assert_calls_bounded(name);
    assert_eq!(model.refused().len(), 0, "{name}");
    assert_eq!(run.usage.calls, model.calls(), "{name}");
    run
}

/// Calls that wait for one another: the outline, the sections, and what follows them.
#[test]
fn an_uninterrupted_summary_takes_three_rounds_and_one_more_for_repairs() {
    const CALL: Duration = Duration::from_secs(20);
    let transcript = transcript(&sample());
    let (mut unrepaired, mut repaired) = (0, Vec::new());
    let mut for_sections: HashMap<usize, usize> = HashMap::new();
    let habits = [
        (Habit::Willing, TARGET),
        (Habit::Willing, 1000),
        (Habit::Measured(PROFILES[3]), TARGET),
    ];
    for (seed, (habit, target)) in (1..=6).flat_map(|seed| habits.map(|habit| (seed, habit))) {
        let model = SimulatedWriter::new(habit)
            .seed(seed)
            .window(Some(CONTEXT))
            .steady(CALL);
        let model = Arc::new(model);
        let plan = plan(&transcript, Words(target), &limits(CONTEXT)).unwrap();
        let run = carry_out(plan, &transcript, limits(CONTEXT), 12, &model);
        let rounds = run.took.as_secs_f64() / CALL.as_secs_f64();
        let plain = Arc::new(
            SimulatedWriter::new(habit)
                .window(Some(CONTEXT))
                .steady(CALL),
        );
        let parts = run.summary.sections.len();
        let (merged, took) = map_reduce(&transcript, target, parts, &plain);
        println!(
            "{habit:?}, {target} words: {rounds:.1} rounds of {} calls, {parts} sections, {} words; \
             plain map-reduce: {:.1} rounds of {} calls, {merged} words",
            run.usage.calls,
            run.words(),
            took.as_secs_f64() / CALL.as_secs_f64(),
            parts + 1,
        );
        let repairs = model.calls_for(Task::Expand) + model.calls_for(Task::Condense);
        // The first one leaves out nothing. What others leave out is asked for again.
        let calls = model.calls_for(Task::Section);
        let is_complete = calls <= *for_sections.entry(target).or_insert(calls);
        let is_unrepaired = repairs == 0 && is_complete;
        assert!(run.usage.calls <= parts + 3 + repairs, "{parts} sections");
        if is_unrepaired {
            unrepaired += 1;
            assert!(rounds <= 3.2, "{rounds} rounds");
        } else if is_complete {
            repaired.push(rounds);
        }
    }
    assert!(repaired.iter().all(|&rounds| rounds <= 4.2), "{repaired:?}");
    assert!(unrepaired > 0 && !repaired.is_empty());
}

#[test]
fn no_model_can_break_it() {
    // Sections written from the transcript itself, and from notes on it.
    let cases = [(sample(), CONTEXT), (samples(2), 2048)];
    let mut refused = Vec::new();
    println!("habit      context  words  off %  calls  planned  sections degraded of");
    for (text, context) in cases {
        let sample = transcript(&text);
        for habit in HOSTILE {
            let model = Arc::new(SimulatedWriter::new(habit).window(Some(context)));
            let run = summarize(&sample, TARGET, limits(context), &model);
            println!(
                "{:9} {context:8} {:6} {:6.2} {:6} {:8} {:18} {:2}",
                format!("{habit:?}"),
                run.words(),
                run.deviation() * 100.0,
                run.usage.calls,
                run.plan.calls(),
                run.degraded(),
                run.summary.sections.len(),
            );
            let what = format!("{habit:?} at {context}");
            if run.summary.degraded().is_some() {
                run.assert_calls_bounded(&what);
                refused.push(what);
                continue;
            }
            assert!(
                run.deviation().abs() <= 0.05,
                "{what}: {} words",
                run.words()
            );
            run.assert_covers(&sample);
            run.assert_calls_bounded(&what);
            assert_is_a_summary(&run, &model, &what);
        }
    }
    // Too much of these would be the speakers' own words.
    let expected = [
        "Looping at 32768",
        "Brooding at 32768",
        "Looping at 2048",
        "CutOff at 2048",
        "Brooding at 2048",
    ];
    for what in refused {
        assert!(expected.contains(&what.as_str()), "{what} is refused");
    }
}

#[test]
fn a_model_that_gives_nothing_usable_is_given_up_early() {
    let cases = [(sample(), CONTEXT), (samples(2), 2048)];
    for (text, context) in cases {
        let sample = transcript(&text);
        let limits = limits(context);
        for habit in USELESS {
            let model = Arc::new(SimulatedWriter::new(habit).window(Some(context)));
            let plan = plan(&sample, Words(TARGET), &limits).unwrap();
            let (summary, usage, _) = attempt(&plan, &sample, limits, 1, &model);
            let error = summary.unwrap_err().source;
            assert_eq!(error.kind, ErrorKind::Unusable, "{error}");
            // The overview is requested beside the first sections.
            assert!(usage.calls <= 8, "{habit:?}: {} calls", usage.calls);
        }
    }
}

/// Checks that the text contains nothing a reader would not expect in a summary.
fn assert_is_a_summary(run: &Run, model: &SimulatedWriter, what: &str) {
    let text = &run.text;
    let marks = ["<think>", "</think>", "```", "<<<", ">>>", "**", "## "];
    for mark in marks.iter().chain(&REMARKS).chain(&[ERROR_TEXT]) {
        assert!(!text.contains(mark), "{what}: {mark} is in {text}");
    }
    for line in model.scaffolding() {
        let line = line.trim_start_matches("- ");
        let tells = line.len() == 16 || line.split(' ').count() > 5;
        assert!(
            !(tells && text.contains(line)),
            "{what}: {line} is in {text}"
        );
    }
    let sections = run.summary.sections.iter().map(|section| &section.text);
    for text in sections.chain(&run.summary.overview) {
        assert!(!loops(text), "{what}: it loops: {text}");
    }
}

/// Whether any run of twelve words occurs three times.
fn loops(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut seen: HashMap<&[&str], usize> = HashMap::new();
    words.windows(12).any(|run| {
        let times = seen.entry(run).or_default();
        *times += 1;
        *times == 3
    })
}
