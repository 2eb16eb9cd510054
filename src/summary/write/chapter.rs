//! Writes several sections in a row with one request, as one author would, and takes the answer apart.

use std::ops::Range;

use futures_util::future::join_all;

use crate::model::{Answer, ErrorKind, Finish, ModelError};
use crate::summary::check::Severity;
use crate::summary::scaffold;
use crate::summary::told::{self, Told};
use crate::summary::write::draft::{Drafter, Material};
use crate::summary::write::piece::{Job, Piece, is_answer, judged, piece};
use crate::text::words;

/// An answer with at least this much of its length, in percent, tells all of its sections, under whatever headings; a section
/// that was cut off is complete with as much of its own.
const TOLD_PERCENT: usize = 80;
const ENOUGH_PERCENT: usize = 90;

/// Gets the texts for `jobs`, consecutive sections: with each text, of how many of them it is. Sections that the answer leaves
/// out or spoils are requested by themselves. Returns an error only for failures that affect all calls.
pub(crate) async fn chapter(
    mut drafter: Drafter<'_>,
    jobs: &[Job<'_>],
) -> Result<Vec<(usize, Piece)>, ModelError> {
    let [first, _, ..] = jobs else {
        return alone(drafter, jobs).await;
    };
    let prompt = drafter.chapter_prompt(jobs);
    if !drafter.fits(&prompt) {
        return halves(drafter, jobs, 0).await;
    }
    let answer = match drafter.call(&prompt).await {
        Ok(answer) => answer,
        Err(error) => match error.kind {
            ErrorKind::Overflow { prompt_tokens, .. } => {
                drafter.learn_ratio(&prompt, prompt_tokens);
                return halves(drafter, jobs, 1).await;
            }
            ErrorKind::BadInput if first.place.0 == 0 => return Err(error),
            kind if kind.concerns_one_call() => {
                tracing::warn!(part = prompt.request().part.0, sections = jobs.len(), %error, "no usable answer");
                Answer::default()
            }
            _ => return Err(error),
        },
    };
    drafter.learn_ratio(&prompt, answer.usage.map(|usage| usage.prompt_tokens));
    let found = pieces(&drafter, jobs, &answer);
    let has_none = found.iter().all(|(_, piece)| piece.is_none());
    let waiting = found.into_iter().map(|(range, piece)| async move {
        let jobs = jobs.get(range).unwrap_or_default();
        match piece {
            Some(piece) => Ok(vec![(jobs.len(), piece)]),
            None => alone(drafter, jobs).await,
        }
    });
    let written: Result<Vec<_>, ModelError> = join_all(waiting).await.into_iter().collect();
    let mut written: Vec<(usize, Piece)> = written?.into_iter().flatten().collect();
    if has_none {
        drafter.caller.recorder.mark_unusable(&prompt);
        extra(&mut written, 1);
    }
    Ok(written)
}

/// Gets each text with a request of its own.
async fn alone(drafter: Drafter<'_>, jobs: &[Job<'_>]) -> Result<Vec<(usize, Piece)>, ModelError> {
    let pieces = join_all(jobs.iter().map(|job| piece(drafter, *job))).await;
    pieces.into_iter().map(|piece| Ok((1, piece?))).collect()
}

/// Gets the texts with two requests. `made` calls were made in vain.
async fn halves(
    drafter: Drafter<'_>,
    jobs: &[Job<'_>],
    made: usize,
) -> Result<Vec<(usize, Piece)>, ModelError> {
    let (first, second) = jobs.split_at(jobs.len() / 2);
    let (first, second) = tokio::join!(
        Box::pin(chapter(drafter, first)),
        Box::pin(chapter(drafter, second))
    );
    let mut written = first?;
    written.extend(second?);
    extra(&mut written, made);
    Ok(written)
}

fn extra(written: &mut [(usize, Piece)], calls: usize) {
    if let Some((_, piece)) = written.first_mut() {
        piece.extra_calls += calls;
    }
}

/// The texts in an answer, for which of `jobs` each is, and nothing for those that have to be requested by themselves.
fn pieces(
    drafter: &Drafter<'_>,
    jobs: &[Job<'_>],
    answer: &Answer,
) -> Vec<(Range<usize>, Option<Piece>)> {
    let is_cut_off = answer.finish == Finish::Length;
    let first = jobs.first().map_or(0, |job| job.place.0 + 1);
    let sections = told::sections(&answer.text, first..first + jobs.len());
    let written: usize = sections.iter().map(|one| words::count(&one.text)).sum();
    let asked: usize = jobs.iter().map(|job| job.ask).sum();
    let is_whole = !is_cut_off && written * 100 >= asked * TOLD_PERCENT;
    let mut found = Vec::new();
    let mut end = 0;
    for (at, one) in sections.iter().enumerate() {
        let start = one.number.map_or(end, |number| number - first);
        let next = sections.get(at + 1);
        let next = next
            .and_then(|next| next.number)
            .map_or(jobs.len(), |number| number - first);
        // What has no heading of its own is told with the one before, if as much was told as was to be.
        let covered = match (is_whole, one.number) {
            (true, _) => end..next,
            (false, Some(_)) => start..start + 1,
            (false, None) => end..end,
        };
        found.extend((end..covered.start).map(|left| (left..left + 1, None)));
        end = covered.end;
        let covered_jobs = jobs.get(covered.clone()).unwrap_or_default();
        let is_last = is_cut_off && next == jobs.len();
        let piece = usable(drafter, covered_jobs, one, is_last);
        match piece {
            Some(piece) => found.push((covered, Some(piece))),
            None => found.extend(covered.map(|left| (left..left + 1, None))),
        }
    }
    found.extend((end..jobs.len()).map(|left| (left..left + 1, None)));
    found
}

/// The text of the sections for `jobs`, if it needs no other attempt.
fn usable(drafter: &Drafter<'_>, jobs: &[Job<'_>], told: &Told, is_cut_off: bool) -> Option<Piece> {
    let first = jobs.first()?;
    let job = Job {
        ask: jobs.iter().map(|job| job.ask).sum(),
        want: jobs.iter().map(|job| job.want).sum(),
        ..*first
    };
    let title = told.title.as_deref().map_or(0, words::count);
    let text = scaffold::complete(&told.text, !is_cut_off).to_owned();
    let written = words::count(&text) + title;
    let piece = Piece {
        title: told.title.clone(),
        text,
        matters: told.matters.clone(),
        measured: (!is_cut_off).then_some((job.ask, written)),
        token_ratio: drafter.token_ratio,
        ..Piece::default()
    };
    let joined = match jobs {
        [_] => None,
        _ => Some(
            jobs.iter()
                .map(|job| job.material.clone())
                .collect::<Vec<_>>(),
        ),
    };
    let joined = joined.and_then(|all| Material::joined(&all));
    let job = Job {
        material: joined.as_ref().unwrap_or(first.material),
        ..job
    };
    let prompt = drafter.section_prompt(&job, job.first_attempt);
    let piece = judged(piece, &prompt, &job);
    let is_settled = piece
        .problems
        .iter()
        .all(|problem| problem.severity() == Severity::Length);
    let is_enough = !is_cut_off || written * 100 >= job.want * ENOUGH_PERCENT;
    (is_settled && is_enough && !piece.text.is_empty() && is_answer(&piece, &job, drafter))
        .then_some(piece)
}
