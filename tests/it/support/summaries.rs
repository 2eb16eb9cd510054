//! Complete summaries in this process, on a paused clock.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;
use transcript_summarizer::clock::Clock;
use transcript_summarizer::document::text;
use transcript_summarizer::model::{CallOptions, Model, ModelClient, Usage};
use transcript_summarizer::prompt::{Prompt, Request, Style, Task, Wishes};
use transcript_summarizer::provider::builtin::BuiltIn;
use transcript_summarizer::run;
use transcript_summarizer::summary;
use transcript_summarizer::summary::{Limits, Plan, Settings, Summary, WriteError};
use transcript_summarizer::text::{Span, Tokens, Words, words};
use transcript_summarizer::transcript::{Decoder, Passage, Transcript};

/// Context windows below this size get short prompts, as in the configuration.
const FULL_PROMPT_CONTEXT: usize = 4096;

/// Context windows of at least this size reserve room for reasoning, as in the configuration.
const REASONING_CONTEXT: usize = 16_384;

/// The limits that the configuration derives for a chat model with this context window.
pub(crate) fn limits(context: usize) -> Limits {
    Limits {
        context_tokens: Some(Tokens(context)),
        reasoning_tokens: Tokens(if context < REASONING_CONTEXT { 0 } else { 1024 }),
        chunk_tokens: Tokens(6000),
        max_calls: 150,
        style: if context < FULL_PROMPT_CONTEXT {
            Style::Compact
        } else {
            Style::Full
        },
        outline: true,
    }
}

/// The same for an encoder-decoder summarizer, which receives only the text.
pub(crate) fn bare_limits(context: usize) -> Limits {
    Limits {
        style: Style::Bare,
        reasoning_tokens: Tokens(0),
        ..limits(context)
    }
}

/// A text parsed as the program does it.
pub(crate) fn transcript(text: &str) -> Transcript {
    let mut decoder = Decoder::default();
    decoder.push(text.as_bytes()).unwrap();
    Transcript::new(decoder.finish().unwrap()).unwrap()
}

/// The sample transcript of this repository.
pub(crate) fn sample() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/harbor-line-review.txt");
    std::fs::read_to_string(path).unwrap()
}

/// The sample with other vocabulary, different for each number up to 26.
pub(crate) fn renamed_sample(nth: u8) -> String {
    let word = |word: &str| {
        let plain = word.trim_end();
        if plain.len() > 3 && plain.bytes().all(|byte| byte.is_ascii_lowercase()) {
            format!("{plain}{} ", char::from(b'a' + nth))
        } else {
            word.to_owned()
        }
    };
    sample().split_inclusive(' ').map(word).collect()
}

/// The sample repeated `times` times, each time with other vocabulary.
pub(crate) fn samples(times: u8) -> String {
    (0..times).map(renamed_sample).collect()
}

/// Names and texts of the transcripts with at least `least` words: the sample, and the shared ones if available.
pub(crate) fn transcripts(least: usize) -> Vec<(String, String)> {
    let mut found = vec![("harbor-line-review".to_owned(), sample())];
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/transcripts");
    for folder in ["nasa", "qmsum"] {
        let Ok(entries) = std::fs::read_dir(shared.join(folder)) else {
            eprintln!("skipped: {} is not here", shared.join(folder).display());
            continue;
        };
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            if path.extension().is_some_and(|ending| ending == "txt") {
                let name = path.file_stem().unwrap().to_string_lossy().into_owned();
                found.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.retain(|(_, text)| words::count(text) >= least);
    found
}

/// A summary with its plan and its cost.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) plan: Plan,
    pub(crate) summary: Summary,
    pub(crate) text: String,
    pub(crate) usage: Usage,
    /// By the clock of the test, which stands still while anything is computed.
    pub(crate) took: Duration,
}

impl Run {
    pub(crate) fn words(&self) -> usize {
        words::count(&self.text)
    }

    /// Relative deviation of the length from the target; negative if too short.
    pub(crate) fn deviation(&self) -> f64 {
        self.words() as f64 / self.plan.target_words.0 as f64 - 1.0
    }

    /// Checks that every chunk is in exactly one section, and that the sections' spans cover the whole text once.
    pub(crate) fn assert_covers(&self, transcript: &Transcript) {
        let sections = &self.summary.sections;
        let mut spans: Vec<Span> = sections
            .iter()
            .flat_map(|section| section.spans.clone())
            .collect();
        spans.sort_by_key(|span| span.start);
        let end = spans.iter().fold(0, |at, span| {
            assert_eq!(span.start, at, "a gap or an overlap");
            assert!(span.end > at, "a section about nothing");
            span.end
        });
        assert_eq!(end, transcript.text().len(), "the end is missing");
        let mut chunks: Vec<usize> = sections
            .iter()
            .flat_map(|section| section.chunks.iter().copied())
            .collect();
        chunks.sort_unstable();
        assert_eq!(chunks, (0..self.summary.chunks).collect::<Vec<_>>());
        for section in sections {
            assert!(!section.text.trim().is_empty(), "an empty section");
        }
    }

    /// Checks that there are at most 1.5 times the planned calls, plus five.
    pub(crate) fn assert_calls_bounded(&self, what: &str) {
        let most = self.plan.calls() * 3 / 2 + 5;
        assert!(
            self.usage.calls <= most,
            "{what}: {} calls, {} planned",
            self.usage.calls,
            self.plan.calls()
        );
    }
}

/// Plans and writes a summary of `words` words.
pub(crate) fn summarize<M: Model + 'static>(
    transcript: &Transcript,
    words: usize,
    limits: Limits,
    model: &Arc<M>,
) -> Run {
    let plan = summary::plan(transcript, Words(words), &limits).unwrap();
    carry_out(plan, transcript, limits, 8, model)
}

/// What most programs do: each part is summarized, all at once, and one more call makes a summary of `words` words of that.
/// Returns the number of words written, and how long it took.
pub(crate) fn map_reduce<M: Model + 'static>(
    transcript: &Transcript,
    words: usize,
    parts: usize,
    model: &Arc<M>,
) -> (usize, Duration) {
    let prompt = |task, words, block: Passage, part| {
        let request = Request {
            task,
            style: Style::Full,
            target_words: Words(words),
            part: (part, parts),
            time_span: None,
            speakers: Vec::new(),
            context: String::new(),
            block,
            portions: Vec::new(),
            has_times: false,
            from_notes: false,
            excerpts: String::new(),
            brief: None,
            wishes: Wishes::default(),
            draft: None,
            fence: "c0ffee00".to_owned(),
        };
        Prompt::new(request, Tokens(words * 2))
    };
    timed(async {
        let options = CallOptions {
            max_calls: parts + 1,
            concurrency: parts,
            ..CallOptions::default()
        };
        let client = ModelClient::new(model.clone(), None, options, &run::Run::new(Clock::System));
        let chunks = transcript.whole().divide(Tokens(6000), parts);
        let prompts: Vec<Prompt> = chunks
            .iter()
            .enumerate()
            .map(|(at, chunk)| {
                prompt(
                    Task::Notes,
                    words / parts,
                    Passage::of_text(chunk.span.of(transcript.text())),
                    at + 1,
                )
            })
            .collect();
        let notes = join_all(prompts.iter().map(|prompt| client.call(prompt))).await;
        let notes: Vec<String> = notes
            .into_iter()
            .map(|answer| answer.unwrap().text)
            .collect();
        let merge = prompt(Task::Overview, words, Passage::of_text(notes.join("\n")), 0);
        words::count(&client.call(&merge).await.unwrap().text)
    })
}

/// Runs `work` on a clock that stands still while anything is computed, and says how long it took by that clock.
fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let began = Instant::now();
        let result = work.await;
        (result, began.elapsed())
    })
}

/// A summary of `words` words by the built-in model.
pub(crate) fn builtin(transcript: &Transcript, words: usize) -> Summary {
    let limits = Limits {
        context_tokens: None,
        outline: false,
        ..limits(REASONING_CONTEXT)
    };
    let plan = summary::plan(transcript, Words(words), &limits).unwrap();
    carry_out(plan, transcript, limits, 8, &Arc::new(BuiltIn)).summary
}

/// Carries out the plan with up to `concurrency` calls in flight.
pub(crate) fn carry_out<M: Model + 'static>(
    plan: Plan,
    transcript: &Transcript,
    limits: Limits,
    concurrency: usize,
    model: &Arc<M>,
) -> Run {
    let (summary, usage, took) = attempt(&plan, transcript, limits, concurrency, model);
    let summary = summary.unwrap();
    let text = text::render(&summary);
    Run {
        plan,
        summary,
        text,
        usage,
        took,
    }
}

/// The same, with the outcome.
pub(crate) fn attempt<M: Model + 'static>(
    plan: &Plan,
    transcript: &Transcript,
    limits: Limits,
    concurrency: usize,
    model: &Arc<M>,
) -> (Result<Summary, WriteError>, Usage, Duration) {
    let settings = Settings {
        limits,
        seed: "job".to_owned(),
        quotes: model.capabilities().quotes,
        ratio: 1.0,
        wishes: Wishes::default(),
    };
    let options = CallOptions {
        max_calls: limits.max_calls,
        concurrency,
        ..CallOptions::default()
    };
    let ((summary, usage), took) = timed(async {
        let run = run::Run::new(Clock::System);
        let client = ModelClient::new(model.clone(), None, options, &run);
        let summary = summary::write(transcript, plan, &settings, &client, &run).await;
        (summary, client.usage())
    });
    (summary, usage, took)
}
impl Run {
    /// Number of sections that no model wrote.
    pub(crate) fn degraded(&self) -> usize {
        self.summary
            .sections
            .iter()
            .filter(|section| section.source == summary::Source::Extractive)
            .count()
    }
}
