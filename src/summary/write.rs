//! The waves of calls that write a summary. What is asked and taken depends on the answers alone, never on their order of
//! arrival, so that `MODEL_CONCURRENCY` changes nothing and a resumed run asks what the first one asked.

mod draft;
mod notes;
mod piece;
mod repair;
mod split;

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;

use crate::extract;
use crate::model::ModelClient;
use crate::model::ModelError;
use crate::prompt::Task;
use crate::run::{Progress, Run};
use crate::summary::assemble::{Section, Source, Summary};
use crate::summary::call_plan::Limits;
use crate::summary::check::{Problem, Severity};
use crate::summary::fit_length;
use crate::summary::length_control::LengthControl;
use crate::summary::plan::{Plan, apportion};
use crate::text::words;
use crate::transcript::{Chunk, Passage, Transcript};

use draft::{Drafter, Material};
use piece::{Job, Piece, piece};

/// Sections in a wave at least; so that the loop is closed about three times, a third of them otherwise.
const MIN_WAVE: usize = 4;

/// Calls beyond the plan: half of it, and this many. Part of them is kept for repairs.
const EXTRA_CALLS: usize = 5;

/// How often one section may be asked for again or continued.
const MAX_ALLOWANCE: usize = 2;

/// How often a part may be divided whose request does not fit.
const MAX_SPLITS: usize = 4;

/// How a summary is written.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What the model allows.
    pub limits: Limits,
    /// What the fences are derived from: the job's id.
    pub seed: String,
    /// The model quotes, as the embedded one does: its answers need no judgement, and more quotations may complete them.
    pub quotes: bool,
}

/// A call that failed in a way that concerns all calls.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {source}")]
pub struct WriteError {
    /// Which call.
    what: String,
    /// Why.
    pub source: ModelError,
}

/// What all steps work with.
struct Writer<'a> {
    drafter: Drafter<'a>,
    caller: &'a ModelClient,
    run: &'a Run,
    /// Calls left beyond the plan.
    extra_calls: usize,
    warnings: Vec<String>,
}

/// Writes the summary that `plan` describes. `run` is told as chunks are done.
///
/// # Errors
/// If a call fails in a way that concerns all: a refused key, an endpoint that is down.
pub async fn write(
    transcript: &Transcript,
    plan: &Plan,
    settings: &Settings,
    caller: &ModelClient,
    run: &Run,
) -> Result<Summary, WriteError> {
    let allowed = settings.limits.max_calls.saturating_sub(plan.calls());
    let mut writer = Writer {
        drafter: Drafter {
            settings,
            token_ratio: 1.0,
        },
        caller,
        run,
        extra_calls: (plan.calls() / 2 + EXTRA_CALLS).min(allowed),
        warnings: Vec::new(),
    };
    let parts = materials(transcript, plan);
    let (materials, weights) = if plan.levels.is_empty() {
        (parts, plan.weights.clone())
    } else {
        writer.notes(plan, parts).await?
    };
    let targets = apportion(plan.section_words(), &weights);
    let (mut sections, control) = writer.sections(&materials, &targets, plan).await?;
    let overview = writer.overview(plan, &sections, &control).await?;
    let overview_words = overview.as_deref().map_or(0, |text| words::count(text) + 1);
    let wanted = plan.target_words.saturating_sub(overview_words);
    writer
        .repair(&materials, &mut sections, wanted, &control)
        .await?;
    let mut summary = Summary {
        overview,
        sections,
        warnings: writer.warnings,
    };
    let most = fit_length::longest(plan.target_words, plan.target_reduced);
    fit_length::fit(
        &mut summary,
        transcript,
        plan.target_words,
        most,
        settings.quotes,
    );
    Ok(summary)
}

/// The parts of the transcript, each as it will be shown.
fn materials(transcript: &Transcript, plan: &Plan) -> Vec<Material> {
    let material = |(index, chunk): (usize, &Chunk)| {
        let passage = transcript.passage(chunk.span);
        let block = match plan.shown_tokens {
            Some(most) => extract::within_tokens(&passage, most),
            None => passage.clone(),
        };
        Material {
            passage,
            chunks: vec![index],
            block,
            from_notes: false,
        }
    };
    plan.chunks.iter().enumerate().map(material).collect()
}

/// The results of all of `waiting`, in their order, or the first error. None is left in the middle: what has been sent is
/// paid for. `finished` is told how many are done. How many go on at a time is the caller's affair, not decided here.
async fn all<T, F: Future<Output = Result<T, WriteError>>>(
    waiting: impl Iterator<Item = F>,
    finished: impl Fn(usize),
) -> Result<Vec<T>, WriteError> {
    let count = AtomicUsize::new(0);
    let waiting = waiting.map(|work| async {
        let result = work.await;
        finished(count.fetch_add(1, Ordering::Relaxed) + 1);
        result
    });
    join_all(waiting).await.into_iter().collect()
}

impl Writer<'_> {
    /// Writes the sections: a pilot, then waves, each asked for in the light of the ones before.
    async fn sections(
        &mut self,
        materials: &[Material],
        targets: &[usize],
        plan: &Plan,
    ) -> Result<(Vec<Section>, LengthControl), WriteError> {
        let count = materials.len();
        let wave = MIN_WAVE.max(count.saturating_sub(1).div_ceil(3));
        let kept_for_repairs = (count / 2).min(self.extra_calls / 2);
        let mut control = LengthControl::new(targets.to_vec());
        let mut sections: Vec<Section> = Vec::with_capacity(count);
        let mut tolerated: Vec<Problem> = Vec::new();
        while sections.len() < count {
            let size = if sections.is_empty() {
                1
            } else {
                wave.min(count - sections.len())
            };
            let first = sections.len();
            let wanted = control.targets(size);
            let spare = self.extra_calls.saturating_sub(kept_for_repairs);
            let asked = materials
                .iter()
                .enumerate()
                .skip(first)
                .zip(&wanted)
                .enumerate();
            let jobs = asked.map(|(nth, ((index, material), &want))| Job {
                task: Task::Section,
                material,
                place: (index, count),
                ask: control.ask(want),
                want,
                allowance: (spare / size + usize::from(nth < spare % size)).min(MAX_ALLOWANCE),
                tolerated: &tolerated,
                splits: MAX_SPLITS,
            });
            let done_before = if plan.levels.is_empty() {
                first
            } else {
                plan.chunks.len()
            };
            let pieces = self
                .pieces(jobs.collect(), done_before, plan.chunks.len())
                .await?;
            let mut habits = Vec::new();
            for (nth, piece) in pieces.into_iter().enumerate() {
                let (Some(material), Some(&target)) =
                    (materials.get(first + nth), targets.get(first + nth))
                else {
                    break;
                };
                self.account(&piece);
                habits.extend(piece.habits.iter().copied());
                let measured = piece.measured;
                let section = self.section(piece, material, target, first + nth);
                control.learn(section.words(), measured);
                sections.push(section);
            }
            for habit in habits {
                if !tolerated.contains(&habit) {
                    tolerated.push(habit);
                }
            }
        }
        Ok((sections, control))
    }

    /// Gets several texts at a time, in their order.
    async fn pieces(
        &self,
        jobs: Vec<Job<'_>>,
        done: usize,
        chunks: usize,
    ) -> Result<Vec<Piece>, WriteError> {
        let (drafter, caller) = (self.drafter, self.caller);
        let waiting = jobs.into_iter().map(|job| async move {
            let (index, parts) = job.place;
            let what = if job.material.from_notes {
                "section"
            } else {
                "part"
            };
            piece(drafter, caller, job)
                .await
                .map_err(|source| WriteError {
                    what: format!("{what} {} of {parts}", index + 1),
                    source,
                })
        });
        all(waiting, |finished| {
            self.run.tell(Progress {
                done: (done + finished).min(chunks),
                chunks,
            });
        })
        .await
    }

    /// Takes note of what a text has cost, and of how the server counts tokens.
    fn account(&mut self, piece: &Piece) {
        self.extra_calls = self.extra_calls.saturating_sub(piece.extra_calls);
        self.drafter.token_ratio = self.drafter.token_ratio.max(piece.token_ratio);
    }

    fn section(
        &mut self,
        piece: Piece,
        material: &Material,
        target_words: usize,
        index: usize,
    ) -> Section {
        if piece.degraded {
            self.warnings.push(format!(
                "section {}: the model gave no usable answer, the text is extractive",
                index + 1
            ));
        } else if let Some(problem) = piece
            .problems
            .iter()
            .find(|problem| problem.severity() != Severity::Length)
        {
            self.warnings
                .push(format!("section {}: {}", index + 1, problem.describe()));
        }
        let Material {
            passage, chunks, ..
        } = material;
        let title = piece.title.or_else(|| extract::title(passage));
        Section {
            title: title.unwrap_or_else(|| format!("Part {}", index + 1)),
            time_span: passage
                .time_span()
                .map(|(a, b)| (a.to_owned(), b.to_owned())),
            text: piece.text,
            target_words,
            chunks: chunks.clone(),
            span: passage.span(),
            source: if piece.degraded {
                Source::Extractive
            } else {
                Source::Model
            },
        }
    }

    /// Writes the overview from the sections, or takes their most telling sentences.
    async fn overview(
        &mut self,
        plan: &Plan,
        sections: &[Section],
        control: &LengthControl,
    ) -> Result<Option<String>, WriteError> {
        if plan.overview_words == 0 {
            return Ok(None);
        }
        let want = plan.overview_words.saturating_sub(1).max(1);
        let bodies: Vec<&str> = sections
            .iter()
            .map(|section| section.text.as_str())
            .collect();
        let room = self
            .drafter
            .settings
            .limits
            .block_tokens(self.drafter.settings.limits.max_tokens(control.ask(want)));
        let Some(most) = room else {
            return Ok(None);
        };
        let bodies = Passage::of_text(bodies.join("\n\n"));
        let material = Material {
            passage: Passage::of_text(""),
            chunks: Vec::new(),
            block: extract::within_tokens(&bodies, most),
            from_notes: false,
        };
        if material.block.is_empty() {
            return Ok(None);
        }
        let job = Job {
            task: Task::Overview,
            material: &material,
            place: (0, 0),
            ask: control.ask(want),
            want,
            allowance: self.extra_calls.min(1),
            // Everything in the sections is a quotation to the overview.
            tolerated: &[Problem::Copied],
            splits: 0,
        };
        let written = piece(self.drafter, self.caller, job).await;
        let piece = written.map_err(|source| WriteError {
            what: "the overview".to_owned(),
            source,
        })?;
        self.account(&piece);
        let text = if piece.degraded {
            extract::extract(&bodies, want)
        } else {
            piece.text
        };
        // Far longer than wanted, it would take the sections' place.
        let text = fit_length::shorten(&text, want * 3 / 2);
        Ok((!text.is_empty()).then_some(text))
    }
}
