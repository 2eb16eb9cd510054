//! Gets one text from the model: requests it, strips everything but the text, continues it if it was cut off, checks it,
//! and repeats the request if necessary. If no answer is usable, falls back to extracted sentences.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::extract;
use crate::model::{Answer, ErrorKind, Finish, ModelError};
use crate::prompt::{Prompt, Task};
use crate::summary::assemble::Source;
use crate::summary::check::{self, Expected, Problem, Severity};
use crate::summary::claims;
use crate::summary::flaw::{Flaw, flaw};
use crate::summary::scaffold;
use crate::summary::told::Told;
use crate::summary::write::draft::{Drafter, Failed, Material};
use crate::text::{Tokens, Words, ngrams, sentence, words};

/// A text that was cut off is not continued if it has at least this much of its length, in percent.
const ENOUGH_PERCENT: usize = 90;

/// A section that has fewer words than this, and less than this much of its length in percent, is no answer.
const ANSWER_WORDS: usize = 30;
const ANSWER_PERCENT: usize = 15;

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
    /// The labels in the text that are lines of their own.
    pub(crate) matters: Vec<String>,
    /// Calls beyond the first.
    pub(crate) extra_calls: usize,
    /// Words requested and words written. `None` if the answer says nothing about how well the model keeps to lengths.
    pub(crate) measured: Option<(usize, usize)>,
    /// Why the answer is no prose, if it is none.
    pub(crate) flaw: Option<Flaw>,
    /// Problems of the text.
    pub(crate) problems: Vec<Problem>,
    /// What the model answered instead of it, if the text is extractive.
    pub(crate) instead: Option<String>,
    /// Extractive if the model gave no usable answer.
    pub(crate) source: Source,
    /// Largest ratio of the server's token count of a prompt to our estimate.
    pub(crate) token_ratio: f64,
    /// The model gave thoughts in the place of an answer.
    pub(crate) only_thinks: bool,
    /// A filter has stopped or changed it.
    pub(crate) is_filtered: bool,
    /// The answer ends too early, where it has filled the context window together with its prompt.
    pub(crate) fills_window: bool,
    /// The name of the fallback model, if that wrote it.
    pub(crate) written_by: Option<Arc<str>>,
}

impl Piece {
    /// The worst problem, or none. Having none is best, and having no text of the model is worst.
    fn worst(&self) -> (Source, Option<Reverse<Problem>>) {
        (self.source, self.problems.first().copied().map(Reverse))
    }

    /// Whether the content of the text is not as it should be.
    pub(crate) fn is_dubious(&self) -> bool {
        let is_length = |problem: &Problem| problem.severity() == Severity::Length;
        self.source == Source::Extractive || !self.problems.iter().all(is_length)
    }

    /// The better one of two texts for the same job.
    pub(crate) fn better(self, other: Self) -> Self {
        let (kept, left) = if other.worst() < self.worst() {
            (other, self)
        } else {
            (self, other)
        };
        Self {
            extra_calls: kept.extra_calls + left.extra_calls,
            token_ratio: kept.token_ratio.max(left.token_ratio),
            only_thinks: kept.only_thinks || left.only_thinks,
            ..kept
        }
    }
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
    /// Number of the first attempt, which makes a request differ from those of earlier jobs for the same text.
    pub(crate) first_attempt: usize,
    /// Maximum number of calls beyond the first.
    pub(crate) allowance: usize,
    /// Problems that do not trigger a repeated request.
    pub(crate) tolerated: &'a [Problem],
    /// How many more times the part may be halved, if its request does not fit the context window.
    pub(crate) splits: usize,
}

/// Gets the text for `job`. Returns an error only for failures that affect all calls.
pub(crate) async fn piece(mut drafter: Drafter<'_>, job: Job<'_>) -> Result<Piece, ModelError> {
    let mut best: Option<Piece> = None;
    let mut asked = Vec::new();
    let mut extra = 0;
    let mut answers = 0;
    let mut why = None;
    let mut instead = None;
    let halves = || job.material.halves().filter(|_| job.splits > 0);
    for attempt in job.first_attempt.. {
        let prompt = drafter.section_prompt(&job, attempt);
        if !drafter.fits(&prompt)
            && let Some(halves) = halves()
        {
            return split(drafter, job, halves, extra).await;
        }
        match drafter.call(&prompt).await {
            Ok(answer) => {
                answers += 1;
                let counted = answer.usage.map(|usage| usage.prompt_tokens);
                drafter.learn_ratio(&prompt, counted);
                let left = job.allowance.saturating_sub(extra);
                let is_reasoning = answer.is_reasoning;
                let mut piece = finished(drafter, &job, &prompt, answer, left).await?;
                extra += std::mem::take(&mut piece.extra_calls);
                // A shorter prompt leaves room for the text. Those that follow are divided before they are sent.
                if piece.fills_window
                    && extra < job.allowance
                    && let Some(halves) = halves()
                {
                    drafter
                        .caller
                        .mark_rejected(&prompt, "cut off where the window ends");
                    return split(drafter, job, halves, extra + 1).await;
                }
                if !drafter.settings.quotes {
                    piece = judged(piece, &prompt, &job);
                }
                if let Some(flaw) = piece.flaw {
                    why = Some(flaw.name());
                    tracing::warn!(
                        part = prompt.request().part.0,
                        task = job.task.name(),
                        answer = flaw.name(),
                        "no usable answer"
                    );
                }
                let is_wrong = |problem: &&Problem| problem.severity() < Severity::Length;
                if let Some(problem) = piece.problems.iter().find(is_wrong) {
                    let reason = piece.flaw.map_or(problem.name(), Flaw::name);
                    drafter.caller.mark_rejected(&prompt, reason);
                    instead = Some(reason.to_owned());
                }
                // Thoughts came in the place of an answer: the next one goes without.
                drafter.thinks &= !(is_reasoning && piece.is_dubious());
                let is_fatal = |problem: &Problem| problem.severity() == Severity::Fatal;
                let fatal = piece.problems.iter().copied().find(is_fatal);
                if let Some(fatal) = fatal.filter(|_| attempt == job.first_attempt) {
                    drafter
                        .fail(&job, Failed::Once, why.or(Some(fatal.name())))
                        .inspect_err(|_| drafter.caller.mark_unusable(&prompt))?;
                }
                // Problems are listed worst first, and having none is best.
                let worst = |piece: &Piece| piece.problems.first().copied().map(Reverse);
                if best.as_ref().is_none_or(|best| worst(&piece) < worst(best)) {
                    best = Some(piece);
                }
            }
            Err(error) => match error.kind {
                ErrorKind::Overflow { prompt_tokens, .. } => {
                    drafter.learn_ratio(&prompt, prompt_tokens);
                    let Some(halves) = halves() else {
                        break;
                    };
                    // The rejected request was a call, too.
                    return split(drafter, job, halves, extra + 1).await;
                }
                // The endpoint may not know how to be asked for an answer without reasoning.
                ErrorKind::BadInput if !prompt.thinks() => drafter.thinks = true,
                // The first part was rejected as bad input: the cause is probably something that is sent with every part.
                ErrorKind::BadInput if job.place.0 == 0 && job.place.1 > 0 => {
                    return Err(error);
                }
                kind if kind.concerns_one_call() => {
                    tracing::warn!(part = prompt.request().part.0, task = job.task.name(), %error, "no usable answer");
                    instead = Some(error.message.clone());
                }
                _ => return Err(error),
            },
        }
        let is_final = answers > 0 && !prompt.request().style.follows_instructions();
        asked.push(prompt);
        let is_settled = best.as_ref().is_some_and(|piece| {
            piece.problems.iter().all(|problem| {
                problem.severity() == Severity::Length || job.tolerated.contains(problem)
            })
        });
        if is_final
            || is_settled
            || extra >= job.allowance
            || attempt + 1 >= job.first_attempt + MAX_ATTEMPTS
            || job.first_attempt > 0 && why.is_some()
        {
            // The request for a text that another answer has spoiled is its second one.
            break;
        }
        extra += 1;
    }
    let piece = best
        .and_then(usable)
        .filter(|piece| is_answer(piece, &job, &drafter) && is_in_order(piece, &drafter));
    let piece = match piece {
        Some(piece) => piece,
        None => {
            for prompt in &asked {
                drafter.caller.mark_unusable(prompt);
            }
            if answers > 0 && (asked.len() > 1 || job.first_attempt > 0) {
                drafter.fail(&job, Failed::Finally, why)?;
            }
            Piece {
                instead,
                ..fallback(&job)
            }
        }
    };
    Ok(Piece {
        extra_calls: extra,
        token_ratio: drafter.token_ratio,
        only_thinks: !drafter.thinks,
        ..piece
    })
}

/// The answer with its problems, without what it says of its instructions.
pub(crate) fn judged(mut piece: Piece, prompt: &Prompt, job: &Job<'_>) -> Piece {
    piece.problems = problems((&piece.text, piece.flaw), prompt, job.want);
    // Names may have been masked. What is not as it should be is the filter's own text.
    let is_wrong = |problem: &Problem| *problem != Problem::Long;
    if piece.is_filtered && piece.problems.iter().any(is_wrong) {
        piece.flaw.get_or_insert(Flaw::Withheld);
        piece.problems = problems((&piece.text, piece.flaw), prompt, job.want);
    }
    let instructions = prompt.instructions();
    piece.title = piece
        .title
        .filter(|title| !check::has_line_of(title, &instructions));
    if job.task != Task::Notes && !piece.problems.contains(&Problem::Echo) {
        piece.text = claims::without_instructions(&piece.text, &instructions);
    }
    piece
}

/// Requests the texts of both halves of a part that did not fit, and joins them. `extra_calls` is the number of calls that
/// were made for the part beyond the planned one.
async fn split(
    drafter: Drafter<'_>,
    job: Job<'_>,
    halves: [Material; 2],
    extra_calls: usize,
) -> Result<Piece, ModelError> {
    let mut joined = Piece {
        extra_calls,
        token_ratio: drafter.token_ratio,
        ..Piece::default()
    };
    for (at, material) in halves.iter().enumerate() {
        let half = Job {
            material,
            ask: (job.ask / 2).max(1),
            want: (job.want / 2).max(1),
            splits: job.splits - 1,
            ..job
        };
        let piece = Box::pin(piece(drafter, half)).await?;
        if at == 0 {
            joined.title = piece.title;
        }
        joined.matters.extend(piece.matters);
        joined.text = [joined.text, piece.text].join(if at == 0 { "" } else { "\n\n" });
        // The first half uses the planned call; the second half is an extra call.
        joined.extra_calls += piece.extra_calls + at;
        joined.problems.extend(piece.problems);
        joined.source = joined.source.max(piece.source);
        joined.instead = joined.instead.or(piece.instead);
        joined.token_ratio = joined.token_ratio.max(piece.token_ratio);
        joined.only_thinks |= piece.only_thinks;
        joined.written_by = joined.written_by.or(piece.written_by);
    }
    Ok(joined)
}

/// The usable text of the best answer. `None` if it has to be discarded.
fn usable(mut piece: Piece) -> Option<Piece> {
    if piece.problems.contains(&Problem::Loop) {
        piece.text = scaffold::without_repetitions(&piece.text);
        // The length that the answer would have had without the loop is unknown.
        piece.measured = None;
    }
    let is_fatal = |problem: &Problem| problem.severity() == Severity::Fatal;
    let is_discarded = piece.problems.iter().any(is_fatal)
        || piece.text.is_empty()
        || ngrams::loops(&ngrams::words(&piece.text));
    (!is_discarded).then_some(piece)
}

/// Whether an answer is in the language that was ordered, if one was.
fn is_in_order(piece: &Piece, drafter: &Drafter<'_>) -> bool {
    drafter.settings.wishes.language.is_none() || !piece.problems.contains(&Problem::Language)
}

/// Whether a section or overview has at least some of its words. A model that follows instructions and gives hardly any has not answered.
pub(crate) fn is_answer(piece: &Piece, job: &Job<'_>, drafter: &Drafter<'_>) -> bool {
    let written = words::count(&piece.text);
    let obeys = drafter.settings.limits.style.follows_instructions() && !drafter.settings.quotes;
    !matches!(job.task, Task::Section | Task::Overview)
        || !obeys
        || written >= ANSWER_WORDS
        || written * 100 >= job.want * ANSWER_PERCENT
}

/// The problems of an answer to `prompt`, by its text and its flaw, if `want` words are wanted.
pub(crate) fn problems(
    (text, flaw): (&str, Option<Flaw>),
    prompt: &Prompt,
    want: usize,
) -> Vec<Problem> {
    let request = prompt.request();
    let source = match &request.draft {
        Some(draft) if request.block.is_empty() => draft.to_string(),
        _ if request.task == Task::Overview => format!("{}\n{}", request.block, request.context),
        _ if request.excerpts.is_empty() => request.block.to_string(),
        _ => format!("{}\n{}", request.block, request.excerpts),
    };
    let expected = Expected {
        words: want,
        source: &source,
        notes: request.brief.as_ref().map_or("", |brief| &brief.notes),
        instructions: &prompt.instructions(),
        fence: &request.fence,
        language: request.wishes.language.as_ref(),
    };
    // Encoder-decoder summarizers leave the speakers before what they copy.
    let obeys = request.style.follows_instructions();
    let flaw = flaw.filter(|flaw| obeys || *flaw != Flaw::Dialogue);
    let mut found = check::check(text, flaw, &expected);
    let is_notes = request.task == Task::Notes;
    found.retain(|problem| match problem {
        // Notes may quote, and encoder-decoder summarizers copy most sentences unchanged.
        Problem::Copied => !is_notes && request.style.follows_instructions(),
        // Notes need not end with a complete sentence, and may have any length.
        _ => !is_notes || problem.severity() != Severity::Length,
    });
    found
}

/// Strips everything but the text from an answer, and continues it if it was cut off.
async fn finished(
    drafter: Drafter<'_>,
    job: &Job<'_>,
    prompt: &Prompt,
    mut answer: Answer,
    allowance: usize,
) -> Result<Piece, ModelError> {
    let style = prompt.request().style;
    let quotes = drafter.settings.quotes;
    let mut extra_calls = 0;
    let end = Answer {
        finish: answer.finish,
        usage: answer.usage,
        ..Answer::default()
    };
    // It may not be known before a longer request has been refused.
    let fills_window = || drafter.caller.fills_window(prompt, &end);
    if answer.finish == Finish::Length
        && scaffold::strip_preamble(&answer.text).is_empty()
        && allowance > 0
        && !fills_window()
    {
        // Reasoning used up the whole output limit. Retry once with twice the limit.
        let twice = Tokens(prompt.max_tokens().0 * 2);
        let roomier = prompt.clone().with_max_tokens(twice);
        if drafter.fits(&roomier) {
            extra_calls += 1;
            answer = drafter.call_or_empty(&roomier).await?;
        }
    }
    let cut_off = answer.finish == Finish::Length;
    let told = match job.task {
        _ if quotes => Told::verbatim(answer.text),
        Task::Section if style.follows_instructions() => Told::of_section(&answer.text),
        Task::Overview if job.material.brief.is_some() => Told::of_entries(&answer.text),
        _ => Told::of_text(&answer.text, job.task != Task::Notes),
    };
    let title = told.title.as_deref().map_or(0, words::count);
    let written = words::count(&told.text) + title;
    let body = &told.text;
    let mut piece = Piece {
        title: told.title,
        text: body.clone(),
        matters: told.matters,
        flaw: told.flaw,
        measured: Some((job.ask, written)),
        extra_calls,
        is_filtered: answer.finish == Finish::Filter,
        written_by: answer.written_by.clone(),
        ..Piece::default()
    };
    if job.task == Task::Notes || quotes {
        return Ok(piece);
    }
    piece.text = scaffold::complete(body, !cut_off && !piece.is_filtered).to_owned();
    if !cut_off {
        return Ok(piece);
    }
    // The length that a cut-off answer would have had is unknown.
    piece.measured = None;
    for attempt in 0..MAX_CONTINUATIONS {
        let written = words::count(&piece.text);
        let missing = job.want.saturating_sub(written);
        if !style.follows_instructions()
            || written * 100 >= job.want * ENOUGH_PERCENT
            || missing < MIN_CONTINUATION_WORDS
            || piece.extra_calls >= allowance
            || piece.text.is_empty()
            // What was written from the whole has no part to go on with.
            || job.material.whole.is_some()
            || fills_window()
        {
            break;
        }
        let draft = Some(&*piece.text);
        let prompt = drafter.prompt(
            Task::Continue,
            job.material,
            job.place,
            draft,
            Words(missing),
            attempt,
        );
        if !drafter.fits(&prompt) {
            break;
        }
        piece.extra_calls += 1;
        let more = drafter.call_or_empty(&prompt).await?;
        let is_flawed = flaw(&more.text, true).is_some();
        let more = scaffold::strip_preamble(&more.text);
        let more = sentence::complete(&more);
        let adds = sentence::ends_sentence(more) && !piece.text.contains(more);
        if more.is_empty() || is_flawed || !adds {
            break;
        }
        let gap = sentence::gap(&piece.text);
        piece.text = format!("{}{gap}{more}", piece.text);
    }
    let is_enough = words::count(&piece.text) * 100 >= job.want * ENOUGH_PERCENT;
    piece.fills_window = !is_enough && fills_window();
    Ok(piece)
}

/// An extractive text, for when the model gives no usable answer.
pub(crate) fn fallback(job: &Job<'_>) -> Piece {
    // Stretches that do not follow on one another are one text only where they are shown.
    let passage = match &job.material.more[..] {
        [] => &job.material.passage,
        _ => &job.material.block,
    };
    let text = match job.task {
        Task::Notes => extract::within_tokens(passage, Tokens(job.want * 3 / 2)).to_string(),
        Task::Overview => extract::extract(passage, job.want),
        _ => {
            let title = extract::title(passage).map_or(0, |title| words::count(&title));
            extract::extract(passage, job.want.saturating_sub(title))
        }
    };
    Piece {
        text,
        source: Source::Extractive,
        ..Piece::default()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;

    use super::*;
    use crate::clock::Clock;
    use crate::model::{CallOptions, Capabilities, Model, ModelClient, Reply, SCRIPTED};
    use crate::prompt::{Style, Wishes};
    use crate::run::Run;
    use crate::summary::call_plan::Limits;
    use crate::summary::write::Settings;
    use crate::summary::write::draft::FirstTexts;
    use crate::transcript::Passage;

    pub(crate) fn settings(context_tokens: usize) -> Settings {
        Settings {
            limits: Limits {
                context_tokens: Some(Tokens(context_tokens)),
                reasoning_tokens: Tokens(0),
                chunk_tokens: Tokens(6000),
                max_calls: 100,
                style: Style::Full,
                outline: false,
            },
            seed: "job".to_owned(),
            quotes: false,
            ratio: 1.0,
            wishes: Wishes::default(),
        }
    }

    /// The material of a section about `text`.
    pub(crate) fn material(text: &str) -> Material {
        let passage = Passage::of_text(text);
        Material {
            passage: passage.clone(),
            more: Vec::new(),
            chunks: vec![0],
            block: passage,
            has_times: false,
            from_notes: false,
            whole: None,
            brief: None,
        }
    }

    /// Gives the same answer to every prompt, and refuses those of more than `window` tokens.
    #[derive(Debug)]
    struct Constant {
        answer: Answer,
        window: usize,
        /// The output limits of the prompts received.
        limits: Mutex<Vec<usize>>,
    }

    #[async_trait]
    impl Model for Constant {
        fn capabilities(&self) -> &Capabilities {
            &SCRIPTED
        }

        async fn submit(&self, prompt: &Prompt) -> Result<Reply, ModelError> {
            self.limits.lock().unwrap().push(prompt.max_tokens().0);
            let overflow = ErrorKind::Overflow {
                window: None,
                prompt_tokens: None,
            };
            if prompt.tokens().0 > self.window {
                return Err(ModelError::new(overflow, "too long"));
            }
            Ok(Reply::Done(self.answer.clone()))
        }
    }

    /// Requests a section of 100 words about a text of `words` words. Returns the extra calls and the output limits.
    async fn extra_calls(
        words: usize,
        answer: (&str, Finish),
        window: usize,
        context_tokens: usize,
        allowance: usize,
    ) -> (usize, Vec<usize>) {
        let (piece, limits) = written(words, answer, window, context_tokens, allowance).await;
        (piece.extra_calls, limits)
    }

    /// The same, with the section.
    async fn written(
        words: usize,
        answer: (&str, Finish),
        window: usize,
        context_tokens: usize,
        allowance: usize,
    ) -> (Piece, Vec<usize>) {
        let limits = Mutex::default();
        let answer = Answer {
            text: answer.0.to_owned(),
            finish: answer.1,
            ..Answer::default()
        };
        let model = Arc::new(Constant {
            answer,
            window,
            limits,
        });
        let settings = settings(context_tokens);
        let material = material(&"The depot is late. ".repeat(words / 4));
        let options = CallOptions {
            max_calls: 100,
            concurrency: 1,
            ..CallOptions::default()
        };
        let client = ModelClient::new(model.clone(), None, options, &Run::new(Clock::System));
        let drafter = Drafter {
            settings: &settings,
            caller: &client,
            corrections: &settings.wishes.corrections,
            token_ratio: 1.0,
            first: &FirstTexts::default(),
            thinks: true,
        };
        let job = Job {
            task: Task::Section,
            material: &material,
            place: (0, 1),
            ask: 100,
            want: 100,
            first_attempt: 0,
            allowance,
            tolerated: &[],
            splits: 2,
        };
        let piece = piece(drafter, job).await.unwrap();
        let limits = model.limits.lock().unwrap().clone();
        (piece, limits)
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_beyond_its_limit_is_cut() {
        let endless =
            |part: &str| format!("Late depot\n\nThe depot is late. {}", part.repeat(200_000));
        for answer in [
            endless("x"),
            endless("<<<0123456789abcdef\n"),
            endless("It is late. "),
        ] {
            let stop = (&*answer, Finish::Stop);
            let (piece, _) = written(400, stop, usize::MAX, 32_768, 0).await;
            assert!(piece.text.len() < 7000, "{}", piece.text.len());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_filter_puts_in_the_place_of_an_answer_is_none() {
        let withheld = "This exchange was withheld under policy 7714 of Example Corp. Write to Trust Desk or to Priya, \
                        quoting 4471, and they answer within 2 days. The Compliance Office has been told of it by Dana. "
            .repeat(2);
        for (finish, source) in [
            (Finish::Stop, Source::Model),
            (Finish::Filter, Source::Extractive),
        ] {
            let (piece, _) = written(400, (&withheld, finish), usize::MAX, 32_768, 0).await;
            assert_eq!(piece.source, source, "{finish:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_words_are_no_section() {
        let enough =
            "The depot is late, and the trams have to wait for it until the very end of March.";
        for (answer, source) in [("Nonsense.", Source::Extractive), (enough, Source::Model)] {
            let stop = (answer, Finish::Stop);
            let (piece, _) = written(400, stop, usize::MAX, 32_768, 0).await;
            assert_eq!(piece.source, source, "{answer}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn counts_one_extra_call_for_a_part_that_is_split_before_it_is_sent() {
        let (extra, limits) =
            extra_calls(800, ("They met.", Finish::Stop), usize::MAX, 1400, 0).await;
        assert_eq!((extra, limits.len()), (1, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn counts_the_refused_request_of_a_part_that_is_split() {
        let (extra, limits) = extra_calls(800, ("They met.", Finish::Stop), 1200, 32_768, 0).await;
        // And the shortest request, which shows that not everything is refused.
        assert_eq!((extra, limits.len()), (2, 4));
    }

    #[tokio::test(start_paused = true)]
    async fn counts_a_request_with_twice_the_output_limit_only_if_it_is_sent() {
        let (extra, limits) = extra_calls(40, ("", Finish::Length), usize::MAX, 750, 1).await;
        assert_eq!((extra, limits), (1, vec![199, 199]));
        let (extra, limits) = extra_calls(40, ("", Finish::Length), usize::MAX, 32_768, 1).await;
        assert_eq!((extra, limits), (1, vec![199, 398]));
    }
}
