//! Writes a summary: an outline of the whole, then all sections and the overview at once, then the check, the last read and repairs
//! at once.
//! Requests and results depend only on the content of earlier answers, never on their order of arrival. So
//! `MODEL_CONCURRENCY` does not affect the summary, and a resumed run makes the same requests as the first one.

mod brief;
mod chapter;
mod draft;
mod last_read;
mod notes;
mod outline;
mod overview;
mod piece;
mod repair;
mod sample;

use std::borrow::Cow;
use std::sync::Arc;

use futures_util::future::join_all;
use tokio::task::yield_now;

use crate::aside::aside;
use crate::extract;
use crate::model::{ModelClient, ModelError};
use crate::prompt::{Brief, Task, Wishes};
use crate::run::{Phase, Run};
use crate::summary::assemble::{DEGRADED_SHARE, Section, Source, Summary};
use crate::summary::call_plan::Limits;
use crate::summary::check;
use crate::summary::check::support::Comparable;
use crate::summary::claims;
use crate::summary::fit_length;
use crate::summary::length_control::LengthControl;
use crate::summary::lists;
use crate::summary::people;
use crate::summary::plan::{CHECKS, Plan, apportion};
use crate::summary::quotations;
use crate::summary::titles::{Titles, titles};
use crate::text::{Tokens, tokens, words};
use crate::transcript::{Passage, Transcript};

use brief::Briefing;
use chapter::chapter;
use draft::{Drafter, FirstTexts, LATER, Material};
use overview::Order;
use piece::{Job, Piece, piece};

pub use sample::{Sample, sample};

/// Sections that are written together, on average.
const MEAN_SECTIONS: usize = 3;

/// Maximum number of extra calls per text, for repeated requests and continuations.
const MAX_ALLOWANCE: usize = 2;

/// Number of the attempt with which a text is requested again. Earlier ones may have been made.
const AGAIN: usize = 8;

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
    /// Words that the model has written per word requested in earlier jobs; 1 if there were none.
    pub ratio: f64,
    /// What the reader wishes.
    pub wishes: Wishes,
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
    pub(crate) fn of(what: String) -> impl FnOnce(ModelError) -> Self {
        |source| Self { what, source }
    }
}

/// State shared by all steps.
struct Writer<'a> {
    transcript: &'a Transcript,
    /// The language of the summary, if it is known.
    language: Option<String>,
    /// What the summary has in common with the transcript.
    comparable: Comparable,
    /// The fixed words in that language.
    titles: &'static Titles,
    drafter: Drafter<'a>,
    run: &'a Run,
    /// What is known of the whole; empty without an outline.
    briefing: Briefing,
    /// Claims are looked up in calls of their own.
    is_checked: bool,
    /// The first request was refused as bad input.
    is_first_refused: bool,
    /// Remaining calls beyond those planned.
    extra_calls: usize,
    /// Indices of the chunks of which the model gave no usable notes.
    unread: Vec<usize>,
    /// What the model answered instead of usable texts, by section or part.
    unusable: Vec<String>,
    warnings: Vec<String>,
}

/// Writes the summary that `plan` describes, and reports progress to `run`.
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
    let mut plan = plan.clone();
    let spoken = transcript.language();
    let (wishes, warnings) = settings.wishes.obeyed(&settings.limits, spoken.as_deref());
    let settings = &Settings {
        wishes,
        ..settings.clone()
    };
    let wished = settings.wishes.language.as_ref();
    let comparable = Comparable::of(wished, spoken.as_deref());
    let language = wished.map(|wished| wished.tag().to_owned()).or(spoken);
    let titles = titles(language.as_deref());
    let corrections = match comparable.has_words() {
        true => Arc::clone(&settings.wishes.corrections),
        false => Arc::new(settings.wishes.corrections.for_another_language()),
    };
    // Sections that are written together may have to be written one by one after all.
    let extra_calls = plan.extra_calls(&settings.limits);
    let is_checked = plan.is_checked(&settings.limits);
    let mut writer = Writer {
        transcript,
        language,
        comparable,
        titles,
        drafter: Drafter {
            settings,
            caller,
            corrections: &corrections,
            token_ratio: 1.0,
            first: &FirstTexts::default(),
            thinks: true,
        },
        run,
        briefing: Briefing::default(),
        is_checked,
        is_first_refused: false,
        extra_calls: extra_calls - if is_checked { CHECKS } else { 0 },
        unread: Vec::new(),
        unusable: Vec::new(),
        warnings,
    };
    run.begin(plan.expected_calls(&settings.limits));
    let (mut materials, weights) = if plan.levels.is_empty() {
        writer.outline_of_turns(&mut plan).await?;
        (shown(transcript, &plan).await, plan.weights.clone())
    } else {
        let parts = shown(transcript, &plan).await;
        let notes = writer.notes(&plan, parts).await?;
        writer.outline_of_notes(&plan, &notes).await?;
        writer.grouped_notes(&plan, &notes)
    };
    if settings.quotes {
        writer.take_cues().await;
    }
    writer.briefing.lists = writer.lists(&plan);
    let list_words = lists::length(&writer.briefing.lists);
    if plan.outline_tokens.is_some() && !writer.briefing.outline.is_empty() {
        let brief = |at: usize| {
            let (earlier, rest) = materials.split_at(at);
            let material = rest.first()?;
            Some(writer.briefing.section(material, earlier))
        };
        let briefs: Vec<Option<Brief>> = (0..materials.len()).map(brief).collect();
        for (material, brief) in materials.iter_mut().zip(briefs) {
            material.brief = brief;
        }
    }
    let section_words = plan.section_words().0.saturating_sub(list_words);
    let targets = apportion(section_words, &weights);
    let mut control = LengthControl::new(settings.ratio);
    run.enter(Phase::Sections);
    let order = writer.overview_of_transcript(&plan, &control);
    // What is promised to the overview is not for the sections.
    let spare = order.as_ref().map_or(0, |_| writer.extra_calls.min(1));
    writer.extra_calls -= spare;
    // Boxed: side by side they would be too large for a stack.
    let overview = Box::pin(Order::written(order.as_ref(), writer.drafter, spare));
    let sections = Box::pin(writer.sections(materials, &targets, &mut control));
    let (written, overview) = tokio::join!(sections, overview);
    let ((sections, materials), overview) = (written?, overview?);
    writer.extra_calls += spare;
    let mut summary = Summary {
        chunks: plan.chunks.len(),
        unread: writer.unread_beside(&sections),
        unusable: std::mem::take(&mut writer.unusable),
        sections,
        ..Summary::default()
    };
    if !settings.quotes && summary.degraded().is_some() {
        // It will not be published: nothing more is paid for.
        return Ok(summary);
    }
    let mut sections = std::mem::take(&mut summary.sections);
    let overview = writer.first_overview(order.as_ref(), overview);
    let beside = |overview: &str| {
        let overview_words = words::count(overview) + words::count(titles.overview);
        let rest = plan.target_words.0.saturating_sub(overview_words);
        rest.saturating_sub(list_words)
    };
    let wanted = overview.text().map_or(section_words, beside);
    // What the last reader and the writer of an overview of the sections are shown is what goes out.
    run.enter(Phase::Length);
    let is_repaired = writer
        .repair(&materials, &mut sections, wanted, &control)
        .await?;
    run.enter(Phase::Finish);
    let overview = writer
        .finish(&plan, overview, &mut sections, (wanted, &control))
        .await?;
    if !is_repaired {
        run.enter(Phase::Length);
        let without = plan.target_words.0.saturating_sub(list_words);
        let wanted = overview.as_deref().map_or(without, beside);
        writer
            .repair(&materials, &mut sections, wanted, &control)
            .await?;
    }
    people::shorten_names(&mut sections, &writer.briefing.outline);
    summary = Summary {
        language: writer.language,
        title: writer.briefing.outline.title.clone(),
        overview,
        lists: writer.briefing.lists,
        sections,
        ratio: control.ratio(),
        renamings: people::renamings(
            &transcript.segments,
            &writer.briefing.outline,
            titles.speaker,
        ),
        is_translated: !comparable.has_words(),
        warnings: writer.warnings,
        ..summary
    };
    summary.rename(&corrections);
    let (quotes, has_words) = (settings.quotes, comparable.has_words());
    let whole = transcript.clone();
    let fitted = aside(transcript.text().len(), move || {
        if quotes {
            fit_length::fit_quotations(&mut summary, &whole, &plan);
        } else if has_words {
            fit_length::fit(&mut summary, &whole, &plan);
        } else {
            fit_length::fit_translation(&mut summary, &whole, &plan);
        }
        summary
    });
    summary = fitted.await;
    if !settings.limits.style.follows_instructions() {
        // Summarizers keep to no length, and what they write is close to the speakers' own sentences anyway.
        summary.added_words = 0;
    }
    // Sentences of the transcript may have been added.
    summary.rename(&corrections);
    Ok(summary)
}

/// The parts of the transcript that the sections are about, as they are shown to the model: of a long transcript, and few calls, an
/// extract of each.
async fn shown(transcript: &Transcript, plan: &Plan) -> Vec<Material> {
    let (transcript, plan) = (transcript.clone(), plan.clone());
    let bytes = transcript.text().len();
    aside(bytes, move || materials(&transcript, &plan)).await
}

fn materials(transcript: &Transcript, plan: &Plan) -> Vec<Material> {
    let is_log = plan.outline_tokens.is_some() && transcript.whole().is_log();
    let passage = |&index: &usize| {
        let chunk = plan.chunks.get(index)?;
        Some(transcript.passage(chunk.span))
    };
    let material = |chunks: Vec<usize>| {
        let mut stretches: Vec<Passage> = chunks.iter().filter_map(passage).collect();
        if stretches.is_empty() {
            return None;
        }
        let texts: Vec<Cow<str>> = stretches
            .iter()
            .map(|one| match is_log {
                true => one.by_the_clock().into(),
                false => Cow::Borrowed(&**one),
            })
            .collect();
        let joined = (is_log || texts.len() > 1).then(|| {
            let texts: Vec<&str> = texts.iter().map(|text| text.trim()).collect();
            Passage::of_text(texts.join(LATER))
        });
        let first = stretches.remove(0);
        let block = match plan.shown_tokens {
            Some(most) => extract::within_tokens(&first, most),
            None => joined.unwrap_or_else(|| first.clone()),
        };
        Some(Material {
            passage: first,
            more: stretches,
            chunks,
            block,
            has_times: is_log && plan.shown_tokens.is_none(),
            from_notes: false,
            whole: None,
            brief: None,
        })
    };
    let groups = match &plan.groups[..] {
        [] => (0..plan.chunks.len()).map(|index| vec![index]).collect(),
        groups => groups.to_vec(),
    };
    groups.into_iter().filter_map(material).collect()
}

/// The share of the `nth` of `count` texts in `spare` extra calls.
fn allowance(spare: usize, count: usize, nth: usize) -> usize {
    (spare / count + usize::from(nth < spare % count)).min(MAX_ALLOWANCE)
}

/// The parts that a request is about, as messages name them.
fn parts(jobs: &[Job<'_>]) -> String {
    let ([first, ..], [.., last]) = (jobs, jobs) else {
        return String::new();
    };
    let what = match first.material.from_notes {
        true => "section",
        false => "part",
    };
    let (number, of) = (first.place.0 + 1, first.place.1);
    match jobs.len() {
        1 => format!("{what} {number} of {of}"),
        _ => format!("{what}s {number} to {} of {of}", last.place.0 + 1),
    }
}

/// Runs all of `waiting` and returns their results in order, or the first error in that order. Even after an error, the
/// others run to completion, because requests that have been sent are paid for. Concurrency is limited elsewhere, by the model
/// client.
async fn all<T, F: Future<Output = Result<T, WriteError>>>(
    waiting: impl Iterator<Item = F>,
) -> Result<Vec<T>, WriteError> {
    join_all(waiting).await.into_iter().collect()
}

impl Writer<'_> {
    /// The chunks without usable notes, apart from those of sections that are extractive themselves.
    fn unread_beside(&self, sections: &[Section]) -> Vec<usize> {
        let extractive = sections
            .iter()
            .filter(|one| one.source == Source::Extractive);
        let known: Vec<usize> = extractive.flat_map(|one| one.chunks.clone()).collect();
        let mut unread = self.unread.clone();
        unread.sort_unstable();
        unread.dedup();
        unread.retain(|chunk| !known.contains(chunk));
        unread
    }

    /// The limits for the requests of this plan.
    fn limits(&self, plan: &Plan) -> Limits {
        let Settings { limits, wishes, .. } = self.drafter.settings;
        let limits = limits.beside(wishes);
        match plan.outline_tokens {
            Some(_) => limits.briefed(),
            None => limits,
        }
    }

    /// Writes all sections at once, those in a row together where the model is told of the whole. Also returns their materials:
    /// what an answer tells under one heading is one section.
    async fn sections(
        &mut self,
        materials: Vec<Material>,
        targets: &[usize],
        control: &mut LengthControl,
    ) -> Result<(Vec<Section>, Vec<Material>), WriteError> {
        let count = materials.len();
        let jobs = self.section_jobs(&materials, targets, control);
        let chapters = self.chapters(&jobs);
        let (first, rest) = match self.is_first_refused {
            true => chapters.split_at(1.min(chapters.len())),
            false => (&chapters[..], &[][..]),
        };
        let mut written = self.write_chapters(first).await?;
        written.extend(self.write_chapters(rest).await?);
        let lengths: Vec<usize> = written.iter().map(|(length, _)| *length).collect();
        let mut pieces: Vec<Piece> = written.into_iter().map(|(_, piece)| piece).collect();
        let (mut materials, mut targets) = (materials, targets.to_vec());
        if lengths.len() < count {
            (materials, targets) = self.merged(&materials, &targets, &lengths);
        }
        let jobs = self.section_jobs(&materials, &targets, control);
        self.ask_again(&mut pieces, &jobs).await?;
        let mut sections = Vec::with_capacity(count);
        for (piece, (material, target)) in pieces.into_iter().zip(materials.iter().zip(targets)) {
            if let Some(measured) = piece.measured {
                control.learn(measured);
            }
            let section = self.section(piece, material, target, sections.len() + 1);
            sections.push(section);
            // Each is compared with all that its part says.
            yield_now().await;
        }
        Ok((sections, materials))
    }

    fn section_jobs<'a>(
        &self,
        materials: &'a [Material],
        targets: &[usize],
        control: &LengthControl,
    ) -> Vec<Job<'a>> {
        let count = materials.len();
        let kept_for_repairs = (count / 2).min(self.extra_calls / 2);
        // An answer with several sections may be in vain.
        let chapters = count.div_ceil(MEAN_SECTIONS);
        let spare = self.extra_calls.saturating_sub(kept_for_repairs + chapters);
        let parts = materials.iter().zip(targets).enumerate();
        let jobs = parts.map(|(index, (material, &target))| Job {
            task: Task::Section,
            material,
            place: (index, count),
            ask: match self.drafter.settings {
                Settings { quotes: true, .. } => target,
                // In one long answer they write more than they are asked for: 7 to 26 percent in eight runs.
                Settings { limits, .. } if limits.are_for_long_answers() => control.ask(target),
                _ => control.ask_at_least(target),
            },
            want: target.max(1),
            first_attempt: 0,
            allowance: allowance(spare, count, index),
            tolerated: &[],
            splits: MAX_SPLITS,
        });
        jobs.collect()
    }

    /// Which sections are requested together.
    fn chapters<'a, 'b>(&self, jobs: &'b [Job<'a>]) -> Vec<&'b [Job<'a>]> {
        if jobs.iter().any(|job| job.material.brief.is_none()) {
            return jobs.chunks(1).collect();
        }
        let sizes = jobs
            .iter()
            .map(|job| (job.want, tokens::estimate(&job.material.block)));
        let sizes: Vec<(usize, Tokens)> = sizes.collect();
        let Settings { limits, wishes, .. } = self.drafter.settings;
        let chapters = limits.beside(wishes).chapters(&sizes).into_iter();
        chapters.filter_map(|range| jobs.get(range)).collect()
    }

    async fn write_chapters(
        &mut self,
        chapters: &[&[Job<'_>]],
    ) -> Result<Vec<(usize, Piece)>, WriteError> {
        let drafter = self.drafter;
        // Calls that are not set aside for repairs or promised to sections.
        let promised: usize = chapters
            .iter()
            .copied()
            .flatten()
            .map(|job| job.allowance)
            .sum();
        let left = (self.extra_calls - self.extra_calls / 2).saturating_sub(promised);
        let waiting = chapters.iter().enumerate().map(|(at, &jobs)| async move {
            let written = chapter(drafter, jobs, usize::from(at < left)).await;
            written.map_err(WriteError::of(parts(jobs)))
        });
        let written: Vec<_> = all(waiting).await?.into_iter().flatten().collect();
        written.iter().for_each(|(_, piece)| self.account(piece));
        Ok(written)
    }

    /// The materials and targets of sections that were written as one, by how many each text is about.
    fn merged(
        &mut self,
        materials: &[Material],
        targets: &[usize],
        lengths: &[usize],
    ) -> (Vec<Material>, Vec<usize>) {
        let mut merged = (Vec::new(), Vec::new());
        let mut headlines = Vec::new();
        let mut start = 0;
        for length in lengths {
            let range = start..start + length;
            start = range.end;
            headlines.extend(self.briefing.headlines.get(range.start).cloned());
            merged.0.extend(Material::joined(
                materials.get(range.clone()).unwrap_or_default(),
            ));
            merged
                .1
                .push(targets.get(range).unwrap_or_default().iter().sum());
        }
        for brief in merged
            .0
            .iter_mut()
            .filter_map(|material| material.brief.as_mut())
        {
            brief.headlines.clone_from(&headlines);
        }
        self.briefing.headlines = headlines;
        merged
    }

    /// Requests those texts again that are not usable, or are dubious and had no further call of their own, as far as there are
    /// calls left.
    async fn ask_again(
        &mut self,
        pieces: &mut [Piece],
        jobs: &[Job<'_>],
    ) -> Result<(), WriteError> {
        let settings = self.drafter.settings;
        if settings.quotes {
            return Ok(());
        }
        // A summarizer gives the same answer again, but a call that failed may succeed.
        let obeys = settings.limits.style.follows_instructions();
        let may_improve = |piece: &Piece| {
            piece.source == Source::Extractive
                || obeys && piece.extra_calls == 0 && piece.is_dubious()
        };
        let dubious = pieces.iter().zip(jobs).enumerate();
        let dubious = dubious.filter(|(_, (piece, _))| may_improve(piece));
        let most = self.extra_calls.saturating_sub(1);
        let lost = pieces
            .iter()
            .filter(|piece| piece.source == Source::Extractive);
        let kept = pieces.len() - lost.count().saturating_sub(most);
        if kept * DEGRADED_SHARE < pieces.len() * (DEGRADED_SHARE - 1) {
            // Even if all of these succeed, the summary will not be published.
            return Ok(());
        }
        let again: Vec<(usize, Job<'_>)> = dubious
            .take(most)
            .map(|(at, (_, job))| {
                let job = Job {
                    first_attempt: AGAIN,
                    allowance: 0,
                    splits: 0,
                    ..*job
                };
                (at, job)
            })
            .collect();
        if again.is_empty() {
            return Ok(());
        }
        let jobs = again.iter().map(|(_, job)| *job).collect();
        let written = self.pieces(jobs).await?;
        self.extra_calls = self.extra_calls.saturating_sub(again.len());
        for ((at, _), new) in again.iter().zip(written) {
            if let Some(piece) = pieces.get_mut(*at) {
                *piece = std::mem::take(piece).better(new);
            }
        }
        Ok(())
    }

    /// Requests several texts concurrently and returns them in order.
    async fn pieces(&mut self, jobs: Vec<Job<'_>>) -> Result<Vec<Piece>, WriteError> {
        let drafter = self.drafter;
        let waiting = jobs.into_iter().map(|job| async move {
            let piece = piece(drafter, job).await;
            piece.map_err(WriteError::of(parts(&[job])))
        });
        let pieces = all(waiting).await?;
        pieces.iter().for_each(|piece| self.account(piece));
        Ok(pieces)
    }

    /// Records the extra calls that a text took, and the server's token ratio.
    fn account(&mut self, piece: &Piece) {
        self.extra_calls = self.extra_calls.saturating_sub(piece.extra_calls);
        self.drafter.token_ratio = self.drafter.token_ratio.max(piece.token_ratio);
        self.drafter.thinks &= !piece.only_thinks;
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
            let instead = piece.instead.as_deref().unwrap_or("nothing about it");
            self.unusable.push(format!("section {number}: {instead}"));
            Some(format!(
                "the model gave no usable answer ({instead}), the text is extractive"
            ))
        } else {
            let mut problems = piece.problems.iter();
            problems.find_map(|problem| problem.warning().map(str::to_owned))
        };
        self.warnings
            .extend(warning.map(|warning| format!("section {number}: {warning}")));
        let (source, by) = (&material.passage, self.comparable);
        let said = self.briefing.with_names(&material.said());
        // Of a heading such as `Board: depot sold`, each half may hold without the other.
        let borne_out = |title: String| {
            let bears_out = check::bears_out(&said, by);
            let halves = title.split_once([':', '：']);
            let halves = halves
                .into_iter()
                .flat_map(|(matter, outcome)| [outcome, matter]);
            let long = halves.map(str::trim).filter(|half| words::count(half) > 1);
            let mut all = [title.as_str()].into_iter().chain(long);
            let found = all.find(|title| bears_out(title));
            found.map(words::capitalized)
        };
        let title = piece.title.and_then(borne_out);
        let planned = || self.briefing.headlines.get(number - 1).cloned();
        let title = title.or_else(|| planned().and_then(borne_out));
        let quoted = || extract::title(source).filter(|_| by.has_words());
        let title = title.or_else(quoted);
        // The outline was made from the whole: what it lists as open was open to the end.
        let text = match &material.brief {
            Some(brief) if !brief.points.contains("OPEN: ") => {
                claims::without_unanswered(&piece.text)
            }
            _ => piece.text,
        };
        let mut text = match piece.source {
            Source::Model if by.has_words() && !self.drafter.settings.quotes => {
                quotations::checked(&text, &self.drafter.corrections.apply(&said))
            }
            _ => text,
        };
        let (kept, foreign) = match &piece.matters[..] {
            [] => (Vec::new(), Vec::new()),
            _ => {
                let bears_out = check::bears_out(&said, by);
                let matters = piece.matters.into_iter();
                matters.partition::<Vec<String>, _>(|matter| bears_out(matter))
            }
        };
        for matter in foreign {
            text = text.replacen(&format!("{matter}: "), "", 1);
        }
        Section {
            title: title.unwrap_or_else(|| format!("{} {number}", self.titles.part)),
            times: material.times(),
            text,
            matters: kept,
            target_words,
            chunks: material.chunks.clone(),
            spans: material.spans(),
            source: piece.source,
            written_by: piece.written_by.map(|name| name.to_string()),
        }
    }
}
