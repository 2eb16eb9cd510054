//! Gets one text from the model: requests it, strips everything but the text, continues it if it was cut off, checks it,
//! and repeats the request if necessary. If no answer is usable, falls back to extracted sentences.

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

/// A text that was cut off is not continued if it has at least this much of its length, in percent.
const ENOUGH_PERCENT: usize = 90;

/// Maximum number of attempts at a text whose content has problems. More attempts rarely help.
const MAX_ATTEMPTS: usize = 2;

/// Maximum number of continuations of a text that was cut off.
const MAX_CONTINUATIONS: usize = 2;

/// Minimum number of missing words for a continuation. Fewer are not worth a call.
const MIN_CONTINUATION_WORDS: usize = 30;

/// A text for the summary or its notes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Piece {
    pub(crate) title: Option<String>,
    pub(crate) text: String,
    /// Calls beyond the first.
    pub(crate) extra_calls: usize,
    /// Words requested and words written. `None` if the answer says nothing about how well the model keeps to lengths.
    pub(crate) measured: Option<(usize, usize)>,
    /// Problems of the text.
    pub(crate) problems: Vec<Problem>,
    /// Problems that the best answer has although the request was repeated.
    pub(crate) habits: Vec<Problem>,
    /// Whether the text is extractive because the model gave no usable answer.
    pub(crate) degraded: bool,
    /// Largest ratio of the server's token count of a prompt to our estimate.
    pub(crate) token_ratio: f64,
}

/// A text to request: its task, its source, and how many calls it may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Job<'a> {
    pub(crate) task: Task,
    pub(crate) material: &'a Material,
    /// Index of the part and number of parts.
    pub(crate) place: (usize, usize),
    /// Number of words to request.
    pub(crate) ask: usize,
    /// Number of words wanted. Fewer than are requested if the model tends to write too little.
    pub(crate) want: usize,
    /// Maximum number of calls beyond the first.
    pub(crate) allowance: usize,
    /// Problems that do not trigger a repeated request, because repeating has not helped with this model before.
    pub(crate) tolerated: &'a [Problem],
    /// How many more times the part may be halved, if its request does not fit the context window.
    pub(crate) splits: usize,
}

/// Gets the text for `job`. Returns an error only for failures that affect all calls.
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
                        // The rejected request was a call, too.
                        piece.extra_calls += 1;
                        piece.token_ratio = piece.token_ratio.max(token_ratio);
                        return Ok(piece);
                    }
                    break;
                }
                // The first part was rejected as bad input: the cause is probably something that is sent with every part.
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
            asked
                .iter()
                .for_each(|prompt| caller.recorder.mark_unusable(prompt));
            fallback(&job)
        });
    piece.habits = habits;
    piece.extra_calls = extra;
    piece.token_ratio = token_ratio;
    Ok(piece)
}

/// The usable text of the best answer. `None` if it has to be discarded.
fn usable(problems: Vec<Problem>, mut piece: Piece) -> Option<Piece> {
    if problems.contains(&Problem::Loop) {
        piece.text = scaffold::without_repetitions(&piece.text);
        // The length that the answer would have had without the loop is unknown.
        piece.measured = None;
    }
    let bearable = problems
        .iter()
        .all(|&problem| problem.severity() != Severity::Fatal || problem == Problem::Loop);
    (bearable && !piece.text.is_empty() && !check::loops(&piece.text))
        .then_some(Piece { problems, ..piece })
}

/// Whether the problem justifies another attempt. Lengths do not: they are corrected for the summary as a whole.
fn asks_again(problem: Problem) -> bool {
    !matches!(
        problem,
        Problem::Short | Problem::Long | Problem::Unfinished
    )
}

/// Ranks answers by their worst problem: 0 for none, higher is worse.
fn severity(problems: &[Problem]) -> usize {
    problems
        .first()
        .map_or(0, |&worst| Problem::Long as usize + 1 - worst as usize)
}

/// Ratio of the server's token count of the prompt to our estimate. 0 if the server reports no count.
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
        // Encoder-decoder summarizers copy most sentences unchanged.
        found.retain(|&problem| problem != Problem::Copied);
    }
    if request.task == Task::Notes {
        // Notes may quote, need not end with a complete sentence, and may have any length.
        found.retain(|problem| {
            !matches!(
                problem,
                Problem::Copied | Problem::Unfinished | Problem::Short | Problem::Long
            )
        });
    }
    found
}

/// Strips everything but the text from an answer, and continues it if it was cut off.
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
        // Reasoning used up the whole output limit. Retry once with twice the limit.
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
        // The length that a cut-off answer would have had is unknown.
        if cut_off {
            piece.measured = None;
        }
    }
    piece.extra_calls = extra;
    Ok(piece)
}

/// Turns an error that affects only one call into an empty answer.
pub(crate) fn bearable(error: ModelError) -> Result<Answer, ModelError> {
    if error.kind.concerns_one_call() {
        Ok(Answer::default())
    } else {
        Err(error)
    }
}

/// An extractive text, for when the model gives no usable answer.
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
