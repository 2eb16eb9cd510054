//! One text from the model: asked for, cleaned, finished, checked, asked for again, and replaced if nothing helps.

use crate::extract;
use crate::model::ModelClient;
use crate::model::{Answer, ErrorKind, Finish, ModelError};
use crate::prompt::{Prompt, Task};
use crate::summary::assemble::split_heading;
use crate::summary::check;
use crate::summary::check::{Expected, Problem, Severity};
use crate::summary::scaffold;
use crate::text::{sentence, words};

use crate::summary::write::draft::{Drafter, Material};
use crate::summary::write::split::{halves, split};

/// A text that was cut off is kept as it is if it has this much of its length, in percent.
const ENOUGH_PERCENT: usize = 90;

/// How often a text is asked for that has something wrong with what it says: another time seldom helps more.
const MAX_ATTEMPTS: usize = 2;

/// How often a text that was cut off is continued.
const MAX_CONTINUATIONS: usize = 2;

/// A continuation for fewer words is not worth a call.
const MIN_CONTINUATION_WORDS: usize = 30;

/// A text for the summary, or for its notes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Piece {
    pub(crate) title: Option<String>,
    pub(crate) text: String,
    /// Calls beyond the first.
    pub(crate) extra_calls: usize,
    /// Words asked for and words written, where the model's own answer shows how it keeps to lengths.
    pub(crate) measured: Option<(usize, usize)>,
    /// What is wrong with the text.
    pub(crate) problems: Vec<Problem>,
    /// What was wrong with every answer though it was asked for again.
    pub(crate) habits: Vec<Problem>,
    /// The model gave nothing that could be used: the text is extractive.
    pub(crate) degraded: bool,
    /// Largest ratio of the server's count of a prompt's tokens to the estimate.
    pub(crate) token_ratio: f64,
}

/// Which part of the transcript a text is about, and how it may be come by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Job<'a> {
    pub(crate) task: Task,
    pub(crate) material: &'a Material,
    /// Index and number of parts.
    pub(crate) place: (usize, usize),
    /// Words to ask for.
    pub(crate) ask: usize,
    /// Words that are wanted: less than asked of a model that writes too little.
    pub(crate) want: usize,
    /// Calls allowed beyond the first.
    pub(crate) allowance: usize,
    /// Problems that this model's answers have anyway: asking again has not helped before.
    pub(crate) tolerated: &'a [Problem],
    /// How often the part may be divided, if its request does not fit the window.
    pub(crate) splits: usize,
}

/// Gets the text for `job`. Only failures that concern all calls are errors.
pub(crate) async fn piece(
    drafter: Drafter<'_>,
    caller: &ModelClient,
    job: Job<'_>,
) -> Result<Piece, ModelError> {
    let mut best: Option<(Vec<Problem>, Piece)> = None;
    let mut asked = Vec::new();
    let mut extra = 0;
    let mut answers = 0;
    let mut token_ratio: f64 = 0.0;
    for attempt in 0.. {
        let prompt = drafter.about(job.task, job.material, job.place, job.ask, attempt);
        let left = job.allowance.saturating_sub(extra);
        if !drafter.fits(&prompt)
            && job.splits > 0
            && let Some(halves) = halves(job.material)
        {
            return split(drafter, caller, job, halves).await;
        }
        let outcome = caller.call(&prompt).await;
        match outcome {
            Ok(answer) => {
                answers += 1;
                token_ratio = token_ratio.max(ratio_of(&prompt, &answer));
                let mut piece = finished(drafter, caller, &job, &prompt, answer, left).await?;
                extra += std::mem::take(&mut piece.extra_calls);
                let problems = if drafter.settings.quotes {
                    Vec::new()
                } else {
                    problems(&piece, &prompt, job.want)
                };
                let better = best
                    .as_ref()
                    .is_none_or(|(known, _)| severity(&problems) < severity(known));
                if better {
                    best = Some((problems, piece));
                }
            }
            Err(error) => match error.kind {
                ErrorKind::Overflow { prompt_tokens, .. } => {
                    let counted = prompt_tokens.map_or(0.0, |tokens| tokens as f64);
                    token_ratio = token_ratio.max(counted / prompt.tokens() as f64);
                    if job.splits > 0
                        && let Some(halves) = halves(job.material)
                    {
                        let learned = Drafter {
                            token_ratio: drafter.token_ratio.max(token_ratio),
                            ..drafter
                        };
                        let mut piece = split(learned, caller, job, halves).await?;
                        // The refused request was a call too.
                        piece.extra_calls += 1;
                        piece.token_ratio = piece.token_ratio.max(token_ratio);
                        return Ok(piece);
                    }
                    break;
                }
                // Refused from the start: it is not this part that is wrong, but what is sent with every one.
                ErrorKind::BadInput if job.place.0 == 0 && job.place.1 > 0 => {
                    return Err(error);
                }
                kind if kind.concerns_one_call() => {
                    tracing::warn!(part = prompt.request().part.0, task = job.task.name(), %error, "no usable answer");
                }
                _ => return Err(error),
            },
        }
        let answered = answers > 0 && !prompt.request().style.follows_instructions();
        asked.push(prompt);
        let settled = best.as_ref().is_some_and(|(problems, _)| {
            problems
                .iter()
                .all(|problem| !asks_again(*problem) || job.tolerated.contains(problem))
        });
        if answered || settled || extra >= job.allowance || attempt + 1 >= MAX_ATTEMPTS {
            break;
        }
        extra += 1;
    }
    let habits = best
        .as_ref()
        .filter(|_| answers > 1)
        .map_or_else(Vec::new, |(problems, _)| problems.clone());
    let mut piece = best
        .and_then(|(problems, piece)| usable(problems, piece))
        .unwrap_or_else(|| {
            asked.iter().for_each(|prompt| caller.mark_unusable(prompt));
            fallback(&job)
        });
    piece.habits = habits;
    piece.extra_calls = extra;
    piece.token_ratio = token_ratio;
    Ok(piece)
}

/// What can be used of the best answer there is; `None` for nothing.
fn usable(problems: Vec<Problem>, mut piece: Piece) -> Option<Piece> {
    if problems.contains(&Problem::Loop) {
        piece.text = scaffold::without_repetitions(&piece.text);
        // What it would have been without the loop is not known.
        piece.measured = None;
    }
    let bearable = problems
        .iter()
        .all(|&problem| problem.severity() != Severity::Fatal || problem == Problem::Loop);
    (bearable && !piece.text.is_empty() && !check::loops(&piece.text))
        .then_some(Piece { problems, ..piece })
}

/// Whether another attempt may help. Lengths are the business of the whole summary, not of one section.
fn asks_again(problem: Problem) -> bool {
    !matches!(
        problem,
        Problem::Short | Problem::Long | Problem::Unfinished
    )
}

/// The worst problem decides; none is best.
fn severity(problems: &[Problem]) -> usize {
    problems
        .first()
        .map_or(0, |&worst| Problem::Long as usize + 1 - worst as usize)
}

/// What the server's count of the prompt says about the estimate.
fn ratio_of(prompt: &Prompt, answer: &Answer) -> f64 {
    answer.usage.map_or(0.0, |usage| {
        usage.prompt_tokens as f64 / prompt.tokens().max(1) as f64
    })
}

fn problems(piece: &Piece, prompt: &Prompt, want: usize) -> Vec<Problem> {
    let (request, instructions) = (prompt.request(), prompt.instructions());
    let source = if request.excerpts.is_empty() {
        request.block.to_string()
    } else {
        format!("{}\n{}", request.block, request.excerpts)
    };
    let expected = Expected {
        words: want,
        source: &source,
        instructions: &instructions,
        fence: &request.fence,
    };
    let mut found = check::check(&piece.text, &expected);
    if !request.style.follows_instructions() {
        // Summarizers of this kind take over most sentences as they are.
        found.retain(|&problem| problem != Problem::Copied);
    }
    if request.task == Task::Notes {
        // Notes may quote, are lists, and are as long as they are.
        found.retain(|problem| {
            !matches!(
                problem,
                Problem::Copied | Problem::Unfinished | Problem::Short | Problem::Long
            )
        });
    }
    found
}

/// An answer without its scaffolding, and its end where it was cut off.
async fn finished(
    drafter: Drafter<'_>,
    caller: &ModelClient,
    job: &Job<'_>,
    prompt: &Prompt,
    answer: Answer,
    allowance: usize,
) -> Result<Piece, ModelError> {
    let request = prompt.request();
    let mut extra = 0;
    let mut answer = answer;
    if answer.finish == Finish::Length
        && scaffold::strip_preamble(&answer.text).is_empty()
        && allowance > 0
    {
        // All went into reasoning: twice the room, once.
        extra += 1;
        let roomier = prompt.clone().with_max_tokens(prompt.max_tokens() * 2);
        if drafter.fits(&roomier) {
            answer = caller.call(&roomier).await.or_else(bearable)?;
        }
    }
    let stripped = if drafter.settings.quotes {
        answer.text.clone()
    } else {
        scaffold::strip_preamble(&answer.text)
    };
    let (title, body) = if job.task == Task::Section && request.style.has_headings() {
        let (title, body) = split_heading(&stripped);
        (title.map(str::to_owned), body.to_owned())
    } else {
        (None, stripped)
    };
    let written = words::count(&body) + title.as_deref().map_or(0, words::count);
    let mut piece = Piece {
        title,
        text: body,
        measured: Some((job.ask, written)),
        ..Piece::default()
    };
    if job.task != Task::Notes && !drafter.settings.quotes {
        piece.text = sentence::complete(&piece.text).to_owned();
        let cut_off = answer.finish == Finish::Length;
        for attempt in 0..MAX_CONTINUATIONS {
            let missing = job.want.saturating_sub(words::count(&piece.text));
            let enough = (job.want - missing) * 100 >= job.want * ENOUGH_PERCENT;
            if !cut_off
                || !request.style.follows_instructions()
                || enough
                || missing < MIN_CONTINUATION_WORDS
                || extra >= allowance
                || piece.text.is_empty()
            {
                break;
            }
            extra += 1;
            let more = drafter.on_draft(
                Task::Continue,
                job.material,
                job.place,
                &piece.text,
                missing,
                attempt,
            );
            if !drafter.fits(&more) {
                break;
            }
            let more = caller.call(&more).await.or_else(bearable)?;
            let more = scaffold::strip_preamble(&more.text);
            let more = sentence::complete(&more);
            if more.is_empty() || !sentence::ends_sentence(more) || piece.text.contains(more) {
                break;
            }
            piece.text = format!("{} {more}", piece.text);
        }
        // What a cut-off answer would have been is not known.
        if cut_off {
            piece.measured = None;
        }
    }
    piece.extra_calls = extra;
    Ok(piece)
}

/// An error that concerns one call only stands for an empty answer.
pub(crate) fn bearable(error: ModelError) -> Result<Answer, ModelError> {
    if error.kind.concerns_one_call() {
        Ok(Answer::default())
    } else {
        Err(error)
    }
}

/// The extractive text in place of one that could not be had.
fn fallback(job: &Job<'_>) -> Piece {
    let passage = &job.material.passage;
    let text = match job.task {
        Task::Notes => extract::within_tokens(passage, job.want * 3 / 2).to_string(),
        _ => {
            let title = extract::title(passage).map_or(0, |title| words::count(&title));
            extract::extract(passage, job.want.saturating_sub(title))
        }
    };
    Piece {
        text,
        degraded: true,
        ..Piece::default()
    }
}
