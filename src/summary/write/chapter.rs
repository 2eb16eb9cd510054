//! Writes several sections in a row with one request, as one author would, and takes the answer apart.

use std::ops::Range;

use futures_util::future::join_all;

use crate::model::{Answer, ErrorKind, Finish, ModelError};
use crate::summary::check::Severity;
use crate::summary::scaffold;
use crate::summary::told::{self, Told};
use crate::summary::write::draft::{Drafter, Material};
use crate::summary::write::piece::{Job, Piece, fallback, is_answer, judged, piece};
use crate::text::{ngrams, words};

/// An answer with at least this much of its length, in percent, tells all of its sections, under whatever headings; a section
/// that was cut off is complete with as much of its own.
const TOLD_PERCENT: usize = 80;
const ENOUGH_PERCENT: usize = 90;

/// A section with less than this of its length, in percent, is told too shortly beside the others.
const LEAST_PERCENT: usize = 40;

/// A section that repeats more of another than this, in percent of its sequences of words, is not about its part.
const REPEATED_PERCENT: usize = 50;

/// Gets the texts for `jobs`, consecutive sections: with each text, of how many of them it is. Sections that the answer leaves
/// out or spoils are requested by themselves, in `spare` calls more than there are sections: if none is left, the last one is
/// extractive. Returns an error only for failures that affect all calls.
pub(crate) async fn chapter(
    mut drafter: Drafter<'_>,
    jobs: &[Job<'_>],
    spare: usize,
) -> Result<Vec<(usize, Piece)>, ModelError> {
    let [first, _, ..] = jobs else {
        return alone(drafter, jobs).await;
    };
    let prompt = drafter.chapter_prompt(jobs);
    if !drafter.fits(&prompt) {
        return halves(drafter, jobs, (0, spare)).await;
    }
    let answer = match drafter.call(&prompt).await {
        Ok(answer) => answer,
        Err(error) => match error.kind {
            ErrorKind::Overflow { prompt_tokens, .. } => {
                drafter.learn_ratio(&prompt, prompt_tokens);
                return halves(drafter, jobs, (1, spare)).await;
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
    let mut found = pieces(&drafter, jobs, &answer);
    let has_none = found.iter().all(|(_, piece)| piece.is_none());
    drafter.thinks &= !(has_none && answer.is_reasoning);
    if found.iter().any(|(_, piece)| piece.is_none()) {
        drafter
            .caller
            .mark_rejected(&prompt, "some sections are missing or unusable");
    }
    if has_none
        && spare == 0
        && let (Some((_, last)), Some(job)) = (found.last_mut(), jobs.last())
    {
        *last = Some(fallback(job));
    }
    let waiting = found.into_iter().map(|(range, piece)| async move {
        let jobs = jobs.get(range).unwrap_or_default();
        match piece {
            Some(piece) => Ok(vec![(jobs.len(), piece)]),
            None => {
                let again = jobs.iter().map(|job| Job {
                    first_attempt: job.first_attempt + 1,
                    ..*job
                });
                alone(drafter, &again.collect::<Vec<_>>()).await
            }
        }
    });
    let written: Result<Vec<_>, ModelError> = join_all(waiting).await.into_iter().collect();
    let mut written: Vec<(usize, Piece)> = written?.into_iter().flatten().collect();
    if has_none {
        drafter.caller.mark_unusable(&prompt);
        extra(&mut written, spare.min(1));
    }
    Ok(written)
}

/// Gets each text with a request of its own.
async fn alone(drafter: Drafter<'_>, jobs: &[Job<'_>]) -> Result<Vec<(usize, Piece)>, ModelError> {
    let pieces = join_all(jobs.iter().map(|job| piece(drafter, *job))).await;
    pieces.into_iter().map(|piece| Ok((1, piece?))).collect()
}

/// Gets the texts with two requests. So many calls were made in vain, and so many are to spare.
async fn halves(
    drafter: Drafter<'_>,
    jobs: &[Job<'_>],
    (made, spare): (usize, usize),
) -> Result<Vec<(usize, Piece)>, ModelError> {
    let (first, second) = jobs.split_at(jobs.len() / 2);
    let (first, second) = tokio::join!(
        Box::pin(chapter(drafter, first, spare.saturating_sub(made))),
        Box::pin(chapter(drafter, second, 0))
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
    let is_cut_off = matches!(answer.finish, Finish::Length | Finish::Filter);
    let first = jobs.first().map_or(0, |job| job.place.0 + 1);
    let sections = told::sections(&answer.text, first..first + jobs.len());
    let written: usize = sections.iter().map(|one| words::count(&one.text)).sum();
    let asked: usize = jobs.iter().map(|job| job.ask).sum();
    let is_whole = !is_cut_off && written * 100 >= asked * TOLD_PERCENT;
    let mut found = Vec::new();
    let mut texts: Vec<Vec<String>> = Vec::new();
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
        let piece = usable(drafter, covered_jobs, one, is_last).map(|piece| Piece {
            written_by: answer.written_by.clone(),
            ..piece
        });
        let told: Vec<String> = ngrams::words(&one.text);
        let is_repeated =
            |earlier: &Vec<String>| ngrams::copied_percent(&told, earlier) > REPEATED_PERCENT;
        let piece = piece.filter(|_| !texts.iter().any(is_repeated));
        texts.push(told);
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
        flaw: told.flaw,
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
    let is_enough = is_enough && written * 100 >= job.ask * LEAST_PERCENT;
    (is_settled && is_enough && !piece.text.is_empty() && is_answer(&piece, &job, drafter))
        .then_some(piece)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;

    use super::*;
    use crate::clock::Clock;
    use crate::model::{CallOptions, Capabilities, Model, ModelClient, Reply, SCRIPTED};
    use crate::prompt::{Brief, Prompt, Task};
    use crate::run::Run;
    use crate::summary::assemble::Source;
    use crate::summary::write::draft::FirstTexts;
    use crate::summary::write::piece::tests::{material, settings};

    /// Answers to requests for several sections, and to those for one. Refuses prompts of more than so many tokens.
    #[derive(Debug)]
    struct Scripted {
        several: Result<Answer, ErrorKind>,
        one: Answer,
        window: usize,
        /// How many sections each request was for.
        asked: Mutex<Vec<usize>>,
    }

    #[async_trait]
    impl Model for Scripted {
        fn capabilities(&self) -> &Capabilities {
            &SCRIPTED
        }

        async fn submit(&self, prompt: &Prompt) -> Result<Reply, ModelError> {
            let count = prompt.request().portions.len().max(1);
            self.asked.lock().unwrap().push(count);
            if prompt.tokens().0 > self.window {
                let kind = ErrorKind::Overflow {
                    window: None,
                    prompt_tokens: None,
                };
                return Err(ModelError::new(kind, "too long"));
            }
            let answer = match count {
                1 => Ok(self.one.clone()),
                _ => self.several.clone(),
            };
            answer
                .map(Reply::Done)
                .map_err(|kind| ModelError::new(kind, "no"))
        }
    }

    const NAMES: [&str; 3] = ["depot", "tram", "ferry"];

    /// About 60 words about the `nth` matter.
    fn prose(nth: usize) -> String {
        let name = NAMES[nth];
        let sentence = |n: usize| {
            format!(
                "Lee said that {name} number {n} was late, which cost the city {n} thousand euros a month. "
            )
        };
        (0..4)
            .map(|n| sentence(n + 4 * nth))
            .collect::<String>()
            .trim()
            .to_owned()
    }

    fn answered(text: String, finish: Finish) -> Answer {
        Answer {
            text,
            finish,
            ..Answer::default()
        }
    }

    /// Requests three sections. Returns of how many each text is, its title, who wrote it and the extra calls of all, and what was
    /// asked for.
    async fn written(
        several: Result<Answer, ErrorKind>,
        window: usize,
        spare: usize,
    ) -> (Vec<(usize, Option<String>, Source)>, usize, Vec<usize>) {
        let one = answered(format!("## 1. Alone\n\n{}", prose(0)), Finish::Stop);
        let model = Arc::new(Scripted {
            several,
            one,
            window,
            asked: Mutex::default(),
        });
        let settings = settings(32_768);
        let headlines: Vec<String> = NAMES.iter().map(|name| format!("{name}: late")).collect();
        let materials: Vec<_> = (0..3)
            .map(|nth| {
                let said = (0..200).map(|n| format!("Lee: The {} is late, number {n}, at {n} thousand euros for the city each month.\n", NAMES[nth]));
                let mut material = material(&said.collect::<String>());
                material.brief = Some(Brief {
                    headlines: headlines.clone(),
                    ..Brief::default()
                });
                material
            })
            .collect();
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
        let job = |(nth, material)| Job {
            task: Task::Section,
            material,
            place: (nth, 3),
            ask: 60,
            want: 60,
            first_attempt: 0,
            allowance: 0,
            tolerated: &[],
            splits: 0,
        };
        let jobs: Vec<Job<'_>> = materials.iter().enumerate().map(job).collect();
        let written = chapter(drafter, &jobs, spare).await.unwrap();
        let extra = written.iter().map(|(_, piece)| piece.extra_calls).sum();
        let told = written
            .into_iter()
            .map(|(of, piece)| (of, piece.title, piece.source));
        let told = told.collect();
        let asked = model.asked.lock().unwrap().clone();
        (told, extra, asked)
    }

    /// The numbered sections of an answer.
    fn sections(numbers: &[usize]) -> String {
        let section =
            |nth: &usize| format!("## {nth}. {}\n\n{}\n\n", NAMES[nth - 1], prose(nth - 1));
        numbers.iter().map(section).collect()
    }

    fn titled(titles: &[(usize, &str)]) -> Vec<(usize, Option<String>, Source)> {
        let titles = titles.iter();
        titles
            .map(|(of, title)| {
                (
                    *of,
                    (!title.is_empty()).then(|| (*title).to_owned()),
                    Source::Model,
                )
            })
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn one_answer_tells_all_its_sections() {
        let answer = answered(sections(&[1, 2, 3]), Finish::Stop);
        let (told, extra, asked) = written(Ok(answer), usize::MAX, 1).await;
        assert_eq!(told, titled(&[(1, "depot"), (1, "tram"), (1, "ferry")]));
        assert_eq!((extra, asked), (0, vec![3]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_section_that_is_left_out_spoiled_or_cut_off_is_requested_by_itself() {
        let spoiled = sections(&[1, 2, 3]).replace(&prose(1), "I cannot help with that.");
        let whole = sections(&[1, 2, 3]);
        let repeated = whole.replace(&prose(1), &prose(0));
        let short = whole.replace(&prose(1), "Lee said that tram number 4 was late.");
        let cut = whole.split_at(whole.len() - 200).0.to_owned();
        for (answer, expected) in [
            (
                answered(sections(&[1, 3]), Finish::Length),
                ["depot", "Alone", "ferry"],
            ),
            (
                answered(sections(&[1]), Finish::Stop),
                ["depot", "Alone", "Alone"],
            ),
            (
                answered(sections(&[3]), Finish::Stop),
                ["Alone", "Alone", "ferry"],
            ),
            (
                answered(repeated, Finish::Stop),
                ["depot", "Alone", "ferry"],
            ),
            (answered(short, Finish::Stop), ["depot", "Alone", "ferry"]),
            (answered(spoiled, Finish::Stop), ["depot", "Alone", "ferry"]),
            (answered(cut, Finish::Length), ["depot", "tram", "Alone"]),
        ] {
            let alone = expected.iter().filter(|title| **title == "Alone").count();
            let text = answer.text.clone();
            let (told, extra, asked) = written(Ok(answer), usize::MAX, 1).await;
            assert_eq!(told, titled(&expected.map(|title| (1, title))), "{text}");
            assert_eq!((extra, asked.len()), (0, alone + 1), "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_of_full_length_without_its_headings_is_fewer_sections() {
        let all = format!("{}\n\n{}\n\n{}", prose(0), prose(1), prose(2));
        let two = format!(
            "## 1. depot\n\n{}\n\n{}\n\n## 3. ferry\n\n{}",
            prose(0),
            prose(1),
            prose(2)
        );
        for (answer, expected) in [
            (format!("Late\n\n{all}"), [(3, "Late")].as_slice()),
            (two, &[(2, "depot"), (1, "ferry")]),
        ] {
            let (told, extra, asked) =
                written(Ok(answered(answer, Finish::Stop)), usize::MAX, 1).await;
            assert_eq!(told, titled(expected));
            assert_eq!((extra, asked), (0, vec![3]));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_none_costs_one_call() {
        let failure = ErrorKind::SuspectOutput;
        for several in [Err(failure), Ok(answered("No.".to_owned(), Finish::Stop))] {
            let (told, extra, asked) = written(several, usize::MAX, 1).await;
            assert_eq!(told, titled(&[(1, "Alone"); 3]));
            assert_eq!((extra, asked), (1, vec![3, 1, 1, 1]));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_call_to_spare_the_last_section_of_a_useless_answer_is_extractive() {
        let answer = answered("No.".to_owned(), Finish::Stop);
        let (told, extra, asked) = written(Ok(answer), usize::MAX, 0).await;
        let sources: Vec<Source> = told.iter().map(|(.., source)| *source).collect();
        assert_eq!(sources, [Source::Model, Source::Model, Source::Extractive]);
        assert_eq!((extra, asked), (0, vec![3, 1, 1]));
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_fit_is_asked_for_in_two_requests() {
        let answer = answered(sections(&[2, 3]), Finish::Stop);
        let (told, extra, mut asked) = written(Ok(answer), 14_000, 1).await;
        asked.sort_unstable();
        assert_eq!(told, titled(&[(1, "Alone"), (1, "tram"), (1, "ferry")]));
        // And the shortest request, which shows that not everything is refused.
        assert_eq!((extra, asked), (1, vec![1, 1, 2, 3]));
    }
}
