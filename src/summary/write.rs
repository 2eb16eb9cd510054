//! Writes a summary in waves of calls. Requests and results depend only on the content of earlier answers, never on their
//! order of arrival. So `MODEL_CONCURRENCY` does not affect the summary, and a resumed run makes the same requests as the
//! first one.

mod draft;
mod notes;
mod piece;
mod repair;

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;

use crate::extract;
use crate::model::{ModelClient, ModelError};
use crate::prompt::Task;
use crate::run::{Progress, Run};
use crate::summary::assemble::{Section, Source, Summary};
use crate::summary::call_plan::Limits;
use crate::summary::check::Problem;
use crate::summary::fit_length;
use crate::summary::length_control::LengthControl;
use crate::summary::plan::{Plan, apportion};
use crate::text::{Words, words};
use crate::transcript::{Chunk, Passage, Transcript};

use draft::{Drafter, Material};
use piece::{Job, Piece, piece};

/// Minimum number of sections in a wave. Otherwise a wave is a third of the sections, so that the requested length is
/// adjusted about three times.
const MIN_WAVE: usize = 4;

/// Calls beyond the plan: up to half the number of planned calls, plus this many. Some of them are reserved for repairs.
const EXTRA_CALLS: usize = 5;

/// Maximum number of extra calls per text, for repeated requests and continuations.
const MAX_ALLOWANCE: usize = 2;

/// Maximum number of times a part is halved because its request does not fit the context window.
const MAX_SPLITS: usize = 4;

/// Settings for writing a summary.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Limits set by the model and by the configuration.
    pub limits: Limits,
    /// The job's id, from which the fences are derived.
    pub seed: String,
    /// Whether the model only quotes the transcript, as the embedded one does. Its answers are not checked, and may be
    /// topped up with more quotations without a warning.
    pub quotes: bool,
}

/// A failed call whose cause affects all calls.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {source}")]
pub struct WriteError {
    /// The call that failed, such as `part 3 of 9`.
    what: String,
    /// The cause.
    pub source: ModelError,
}

impl WriteError {
    /// Says which call failed.
    fn of(what: String) -> impl FnOnce(ModelError) -> Self {
        |source| Self { what, source }
    }
}

/// State shared by all steps.
struct Writer<'a> {
    drafter: Drafter<'a>,
    run: &'a Run,
    /// Remaining calls beyond those planned.
    extra_calls: usize,
    warnings: Vec<String>,
}

/// Writes the summary that `plan` describes, and reports progress to `run` as chunks are finished.
///
/// # Errors
/// If a call fails for a reason that affects all calls, such as a rejected API key or an endpoint that is down.
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
            caller,
            token_ratio: 1.0,
        },
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
    let targets = apportion(plan.section_words().0, &weights);
    let (mut sections, control) = writer.sections(&materials, &targets, plan).await?;
    let overview = writer.overview(plan, &sections, &control).await?;
    let overview_words = overview.as_deref().map_or(0, |text| words::count(text) + 1);
    let wanted = plan.target_words.0.saturating_sub(overview_words);
    writer
        .repair(&materials, &mut sections, wanted, &control)
        .await?;
    let mut summary = Summary {
        overview,
        sections,
        warnings: writer.warnings,
    };
    if settings.quotes {
        fit_length::fit_quotations(&mut summary, transcript, plan);
    } else {
        fit_length::fit(&mut summary, transcript, plan);
    }
    Ok(summary)
}

/// The parts of the transcript, as they are shown to the model.
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

/// The share of the `nth` of `count` texts in `spare` extra calls.
fn allowance(spare: usize, count: usize, nth: usize) -> usize {
    (spare / count + usize::from(nth < spare % count)).min(MAX_ALLOWANCE)
}

/// Runs all of `waiting` and returns their results in order, or the first error in that order. Even after an error, the
/// others run to completion, because requests that have been sent are paid for. `finished` receives the number of
/// completed futures. Concurrency is limited elsewhere, by the model client.
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
    /// Writes the sections: the first one alone, then the rest in waves. Each wave's requests are adjusted to the answers so
    /// far.
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
            let first = sections.len();
            let size = if first == 0 {
                1
            } else {
                wave.min(count - first)
            };
            let wanted = control.targets(size);
            let spare = self.extra_calls.saturating_sub(kept_for_repairs);
            let asked = materials.iter().enumerate().skip(first).zip(wanted);
            let jobs = asked.map(|((index, material), want)| Job {
                task: Task::Section,
                material,
                place: (index, count),
                ask: control.ask(want),
                want,
                allowance: allowance(spare, size, index - first),
                tolerated: &tolerated,
                splits: MAX_SPLITS,
            });
            let done = if plan.levels.is_empty() {
                first
            } else {
                plan.chunks.len()
            };
            let pieces = self.pieces(jobs.collect(), done, plan).await?;
            let parts = materials.iter().zip(targets).skip(first);
            for (piece, (material, &target)) in pieces.into_iter().zip(parts) {
                tolerated.extend(&piece.habits);
                let measured = piece.measured;
                let section = self.section(piece, material, target, sections.len() + 1);
                control.learn(section.words(), measured);
                sections.push(section);
            }
        }
        Ok((sections, control))
    }

    /// Requests several texts concurrently and returns them in order. `done` chunks were finished before.
    async fn pieces(
        &mut self,
        jobs: Vec<Job<'_>>,
        done: usize,
        plan: &Plan,
    ) -> Result<Vec<Piece>, WriteError> {
        let (drafter, chunks) = (self.drafter, plan.chunks.len());
        let waiting = jobs.into_iter().map(|job| async move {
            let (index, parts) = job.place;
            let what = if job.material.from_notes {
                "section"
            } else {
                "part"
            };
            let piece = piece(drafter, job).await;
            piece.map_err(WriteError::of(format!("{what} {} of {parts}", index + 1)))
        });
        let pieces = all(waiting, |finished| {
            self.run.report(Progress {
                done: (done + finished).min(chunks),
                chunks,
            });
        })
        .await?;
        pieces.iter().for_each(|piece| self.account(piece));
        Ok(pieces)
    }

    /// Records the extra calls that a text took, and the server's token ratio.
    fn account(&mut self, piece: &Piece) {
        self.extra_calls = self.extra_calls.saturating_sub(piece.extra_calls);
        self.drafter.token_ratio = self.drafter.token_ratio.max(piece.token_ratio);
    }

    fn section(
        &mut self,
        piece: Piece,
        material: &Material,
        target_words: usize,
        number: usize,
    ) -> Section {
        let is_degraded = piece.source == Source::Extractive && !self.drafter.settings.quotes;
        let warning = if is_degraded {
            Some("the model gave no usable answer, the text is extractive")
        } else {
            piece.problems.iter().find_map(|problem| problem.warning())
        };
        self.warnings
            .extend(warning.map(|warning| format!("section {number}: {warning}")));
        let title = piece.title.or_else(|| extract::title(&material.passage));
        Section {
            title: title.unwrap_or_else(|| format!("Part {number}")),
            time_span: material.time_span(),
            text: piece.text,
            target_words,
            chunks: material.chunks.clone(),
            span: material.passage.span(),
            source: piece.source,
        }
    }

    /// Writes the overview from the sections. If the model gives no usable answer, the overview consists of their most
    /// informative sentences.
    async fn overview(
        &mut self,
        plan: &Plan,
        sections: &[Section],
        control: &LengthControl,
    ) -> Result<Option<String>, WriteError> {
        if plan.overview_words == Words(0) {
            return Ok(None);
        }
        let want = plan.overview_words.0.saturating_sub(1).max(1);
        let bodies: Vec<&str> = sections
            .iter()
            .map(|section| section.text.as_str())
            .collect();
        let ask = control.ask(want);
        let room = self.drafter.settings.limits.block_beside(Words(ask));
        let Some(most) = room else {
            return Ok(None);
        };
        let bodies = Passage::of_text(bodies.join("\n\n"));
        let material = Material {
            block: extract::within_tokens(&bodies, most),
            passage: bodies,
            chunks: Vec::new(),
            from_notes: false,
        };
        if material.block.is_empty() {
            return Ok(None);
        }
        let job = Job {
            task: Task::Overview,
            material: &material,
            place: (0, 0),
            ask,
            want,
            allowance: self.extra_calls.min(1),
            // The source is the summary itself, so an overview may copy from it.
            tolerated: &[Problem::Copied],
            splits: 0,
        };
        let piece = piece(self.drafter, job).await;
        let piece = piece.map_err(WriteError::of("the overview".to_owned()))?;
        self.account(&piece);
        // An overview that is far too long would take up the words of the sections.
        let text = fit_length::shorten(&piece.text, want * 3 / 2);
        Ok((!text.is_empty()).then_some(text))
    }
}
