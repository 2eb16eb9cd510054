//! Checks whether an answer is acceptable: prose of about the right length, in the right language, about its part of the
//! transcript, not invented, copied, echoed or looping.

pub(crate) mod numbers;
pub(crate) mod support;

use std::collections::HashSet;

use crate::summary::flaw::Flaw;
use crate::summary::scaffold::ends_with_entry;
use crate::text::{Language, language, ngrams, sentence, words};

use support::Comparable;

/// Minimum and maximum length of an answer, in percent of the requested length.
const MIN_PERCENT: usize = 60;
const MAX_PERCENT: usize = 160;

/// Copying: maximum percentage of the answer's eight-word sequences that occur in the source.
const MAX_COPIED_PERCENT: usize = 25;

/// An answer that is too long and copied to more than this percentage is the source, sent back.
const ECHO_PERCENT: usize = 80;

/// Relevance: minimum percentage of the answer's distinct longer words that occur in the source.
const MIN_SHARED_PERCENT: usize = 15;

/// Minimum number of distinct longer words for the relevance check.
const MIN_CONTENT_WORDS: usize = 12;

/// Minimum length in words of a line of the prompt that an answer must not have.
const ECHO_WORDS: usize = 4;

/// What fences in prompts begin and end with.
const FENCES: [&str; 2] = ["<<<", ">>>"];

/// What an answer is checked against.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Requested length in words.
    pub words: usize,
    /// The text that the answer is based on.
    pub source: &'a str,
    /// What else the model was told, of which it may use the names and numbers; empty for nothing.
    pub notes: &'a str,
    /// The prompt without the source text.
    pub instructions: &'a str,
    /// The hex digits of the fences.
    pub fence: &'a str,
    /// The language that it should be in; `None` for that of its source.
    pub language: Option<&'a Language>,
}

/// Reasons why an answer is not acceptable as it is, from worst to mildest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Problem {
    /// It has no words.
    Empty,
    /// It is no prose, as its [`Flaw`] says.
    NotProse,
    /// It repeats the prompt, its fences or the source.
    Echo,
    /// It repeats the same words over and over.
    Loop,
    /// It is in another language than the transcript, or than was wished.
    Language,
    /// It has nothing to do with its part of the transcript.
    Unrelated,
    /// Most of its numbers or most of its names are not in the transcript.
    Invented,
    /// It repeats the transcript instead of summarizing it.
    Copied,
    /// It does not end with a complete sentence.
    Unfinished,
    /// Far shorter than requested.
    Short,
    /// Far longer than requested.
    Long,
}

/// How a problem affects the use of an answer, from worst to mildest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// The answer is never published.
    Fatal,
    /// The answer can be published after the repetitions are removed.
    Repetitive,
    /// The request is repeated. The answer is published if no better one is available.
    Content,
    /// Only the length is wrong. That is corrected later, together with the length of the whole summary.
    Length,
}

impl Problem {
    /// How the problem affects the use of the answer.
    pub(crate) fn severity(self) -> Severity {
        match self {
            Self::Empty | Self::NotProse | Self::Echo => Severity::Fatal,
            Self::Loop => Severity::Repetitive,
            Self::Language | Self::Unrelated | Self::Invented | Self::Copied => Severity::Content,
            Self::Unfinished | Self::Short | Self::Long => Severity::Length,
        }
    }

    /// What the answer is instead of what was asked for.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Empty => "nothing",
            Self::NotProse => "no prose",
            Self::Echo => "an echo of the prompt",
            Self::Loop => "the same words over and over",
            Self::Language => "in another language",
            Self::Unrelated => "about something else",
            Self::Invented => "with numbers or names that were not said",
            Self::Copied => "a copy of the transcript",
            Self::Unfinished => "without an end",
            Self::Short => "far too short",
            Self::Long => "far too long",
        }
    }

    /// Describes the problem for readers of the report. `None` if no published text has it, or if only the length is wrong.
    pub(crate) fn warning(self) -> Option<&'static str> {
        Some(match self {
            Self::Loop => "the answer repeated itself",
            Self::Language => "the answer is in another language than it should be",
            Self::Unrelated => "the answer has little to do with its part of the transcript",
            Self::Invented => {
                "most numbers or names of the answer are not in its part of the transcript"
            }
            Self::Copied => "the answer repeats much of the transcript word for word",
            _ => return None,
        })
    }
}

/// Whether the numbers and names of a heading occur in its source, as far as they can be compared. Names may be in the plural:
/// "A-levels" for "A-level".
pub(crate) fn is_borne_out(heading: &str, source: &str, by: Comparable) -> bool {
    bears_out(source, by)(heading)
}

/// The same, for several texts of one source.
pub(crate) fn bears_out(source: &str, by: Comparable) -> impl Fn(&str) -> bool {
    let words = support::all_words(source);
    let numbers = by.known_numbers(source);
    move |text| {
        let is_known = |name: &String| {
            let singular = name.strip_suffix('s');
            words.contains(name) || singular.is_some_and(|singular| words.contains(singular))
        };
        let known = support::names(text).into_iter().filter(is_known).collect();
        by.has_numbers(text, &numbers) && by.has_names(text, &known)
    }
}

/// All problems of an answer, worst first. Preambles, closing remarks and markup are stripped beforehand, and its `flaw` is that
/// of the answer as it came.
#[must_use]
pub(crate) fn check(answer: &str, flaw: Option<Flaw>, expected: &Expected<'_>) -> Vec<Problem> {
    let length = words::count(answer);
    if length == 0 {
        return vec![Problem::Empty];
    }
    let answer_words = ngrams::words(answer);
    let source_words = ngrams::words(expected.source);
    let copied = ngrams::copied_percent(&answer_words, &source_words);
    let is_long = length * 100 > expected.words * MAX_PERCENT;
    let is_echo = is_long && copied > ECHO_PERCENT || echoes(answer, &answer_words, expected);
    let source_language = expected
        .language
        .and_then(|_| language::detect(expected.source));
    let by = Comparable::of(expected.language, source_language);
    let differs = match expected.language {
        Some(wished) if !by.has_words() => is_left_in(source_language, answer, wished),
        _ => language::differs(&answer_words, &source_words),
    };
    let is_invented = match expected.notes {
        "" => by.is_invented(answer, expected.source),
        notes => by.is_invented(answer, &format!("{}\n{notes}", expected.source)),
    };
    [
        (
            Problem::NotProse,
            flaw.is_some() || lacks_sentences(&answer_words, &source_words, expected),
        ),
        (Problem::Echo, is_echo),
        (Problem::Loop, ngrams::loops(&answer_words)),
        (Problem::Language, differs),
        (
            Problem::Unrelated,
            by.has_words() && is_unrelated(&answer_words, &source_words),
        ),
        (Problem::Invented, is_invented),
        (Problem::Copied, copied > MAX_COPIED_PERCENT),
        (
            Problem::Unfinished,
            !sentence::ends_sentence(answer) && !ends_with_entry(answer),
        ),
        (Problem::Short, length * 100 < expected.words * MIN_PERCENT),
        (Problem::Long, is_long),
    ]
    .into_iter()
    .filter_map(|(problem, holds)| holds.then_some(problem))
    .collect()
}

/// Whether an answer is in the language of its source, or in English, which models fall back to, where another one was wished.
fn is_left_in(source: Option<&str>, answer: &str, wished: &Language) -> bool {
    let found = language::detect(answer);
    found.is_some_and(|found| !wished.is_that_of(found) && (found == "en" || Some(found) == source))
}

/// Whether an answer hardly has the words that hold sentences together in the language of its source: words at random.
fn lacks_sentences(answer: &[String], source: &[String], expected: &Expected<'_>) -> bool {
    expected.language.is_none() && language::lacks_function_words(answer, source)
}

/// Whether the answer has a fence, or a line of its instructions, or repeats much of these word for word.
fn echoes(answer: &str, words: &[String], expected: &Expected<'_>) -> bool {
    const MAX_ECHO_PERCENT: usize = 5;
    let has_fence = FENCES.iter().any(|fence| answer.contains(fence))
        || (!expected.fence.is_empty() && answer.to_lowercase().contains(expected.fence));
    has_fence
        || has_line_of(answer, expected.instructions)
        || ngrams::copied_percent(words, &ngrams::words(expected.instructions)) > MAX_ECHO_PERCENT
}

/// Whether any line of `text` is one of the instructions.
pub(crate) fn has_line_of(text: &str, instructions: &str) -> bool {
    let known: HashSet<Vec<String>> = instructions.lines().map(ngrams::words).collect();
    let mut lines = text.lines().map(ngrams::words);
    lines.any(|line| line.len() >= ECHO_WORDS && known.contains(&line))
}

/// Whether an answer shares too few longer words with its source to be about it.
fn is_unrelated(answer: &[String], source: &[String]) -> bool {
    // Longer words are compared by their first five letters. Words that are not ASCII count at any length, because
    // ideographs are short but specific.
    let stem = |word: &String| -> Option<String> {
        let long = word.chars().count() >= 5;
        (long || !word.is_ascii()).then(|| word.chars().take(5).collect())
    };
    let known: HashSet<String> = source.iter().filter_map(stem).collect();
    let used: HashSet<String> = answer.iter().filter_map(stem).collect();
    let shared = used.intersection(&known).count();
    used.len() >= MIN_CONTENT_WORDS && shared * 100 < used.len() * MIN_SHARED_PERCENT
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::summary::flaw::flaw;

    pub(crate) const SOURCE: &str = "Dana: The depot at Gasworks Lane is four months late, because the ground was full of coal tar. \
        Lee: So the new trams stay in the yard until March? Dana: Until the 27th of March, and the contractor, Brackwater, \
        has asked for 1.2 million more. Tobias: We do not have that, the contingency is 2.74 million in all. Lee: Then we \
        should ask the city before December. Dana: I will write the paper by November 7th.";
    pub(crate) const GOOD: &str = "Dana reported that the depot at Gasworks Lane was four months behind, since coal tar had been found in the \
        ground, and that the trams would stay in their yard until March 27. Brackwater wanted another 1.2 million. Tobias \
        objected that the whole contingency was 2.74 million. Lee proposed to ask the city, and Dana took on the paper.";
    const INSTRUCTIONS: &str = "You write one section of a long written summary of a transcript. Other sections cover the other parts.";

    fn problems(answer: &str) -> Vec<Problem> {
        check(
            answer,
            flaw(answer, true),
            &Expected {
                words: 55,
                source: SOURCE,
                notes: "",
                instructions: INSTRUCTIONS,
                fence: "c0ffee00",
                language: None,
            },
        )
    }

    #[test]
    fn a_heading_may_have_names_in_the_plural() {
        let source = "In the summer nobody sits an A-level or a GCSE.";
        for (heading, is_known) in [
            ("The A-levels and GCSEs", true),
            ("The GCSE and BTECs", false),
        ] {
            let found = is_borne_out(heading, source, Comparable::Words);
            assert_eq!(found, is_known, "{heading}");
        }
    }

    #[test]
    fn a_good_answer_has_no_problem() {
        assert_eq!(problems(GOOD), []);
    }

    #[test]
    fn an_answer_in_the_wished_language_has_no_problem() {
        let german = "Dana berichtete, dass das Depot an der Gasworks Lane vier Monate zu spät fertig wird, weil der Boden voll Teer \
            war, und dass die Bahnen bis zum 27. März auf dem Hof bleiben. Brackwater will noch 1,2 Millionen. Tobias hielt \
            dagegen, dass die Reserve im Ganzen nur 2,74 Millionen hat. Lee will die Stadt fragen, und Dana schreibt das Papier.";
        let problems = |answer: &str, language: &str| {
            let language = Language::parse(language);
            let expected = Expected {
                words: 55,
                source: SOURCE,
                notes: "",
                instructions: INSTRUCTIONS,
                fence: "c0ffee00",
                language: language.as_ref(),
            };
            check(answer, None, &expected)
        };
        assert_eq!(problems(german, "de"), []);
        assert_eq!(problems(GOOD, "de"), [Problem::Language]);
        assert_eq!(problems(GOOD, "en-GB"), []);
        assert_eq!(problems(german, "en").first(), Some(&Problem::Language));
        let invented = german
            .replace("27.", "77.")
            .replace("1,2", "9,7")
            .replace("2,74", "88,8");
        assert_eq!(problems(&invented, "de"), [Problem::Invented]);
    }

    #[test]
    fn each_problem_is_found() {
        let half = "Dana reported that the depot was four months late. ";
        let german = "Dana berichtete, dass das Depot vier Monate zu spät ist, und dass die Bahnen nicht auf die Strecke kommen. Das \
            ist nicht gut, sagte Lee, und der Unternehmer will mit dem Geld der Stadt bezahlt werden. Sie schreibt das Papier, \
            und die Stadt wird im Dezember gefragt, ob sie sich mit ein paar Millionen daran beteiligen kann.";
        let unrelated = "Photosynthesis converts sunlight, water and carbon dioxide into glucose within chloroplasts. Chlorophyll \
            absorbs mainly blue and red wavelengths, whereas green light bounces off leaves. Stomata regulate gaseous exchange, \
            while roots transport minerals upward through xylem vessels, sustaining metabolic processes, growth and reproduction.";
        for (problem, answer) in [
            (Problem::Empty, " \n".to_owned()),
            (
                Problem::NotProse,
                format!("<!DOCTYPE html><html><title>502</title>{GOOD}</html>."),
            ),
            (Problem::NotProse, format!("{{\"error\": \"{GOOD}\"}}")),
            (Problem::Echo, format!("{GOOD} c0ffee00>>>.")),
            (Problem::Echo, format!("{INSTRUCTIONS} {GOOD}")),
            (
                Problem::Loop,
                "The depot was late because of coal tar under the whole of Gasworks Lane. "
                    .repeat(4),
            ),
            (Problem::Language, german.to_owned()),
            (Problem::Unrelated, unrelated.to_owned()),
            (
                Problem::Invented,
                format!(
                    "{} Napoleon said 77 to Wellington, and Bluecher 88 to Castlereagh and Metternich in 1815.",
                    half.trim()
                ),
            ),
            (Problem::Echo, format!("{SOURCE} {SOURCE}")),
            (Problem::Copied, SOURCE.to_owned()),
            (
                Problem::NotProse,
                format!("I’m sorry, but I can't help with that. {GOOD}"),
            ),
            (Problem::NotProse, format!("Es tut mir leid. {GOOD}")),
            (Problem::Unfinished, GOOD.trim_end_matches('.').to_owned()),
            (Problem::Short, half.to_owned()),
            (Problem::Long, format!("{GOOD} {GOOD}")),
        ] {
            assert!(
                problems(&answer).contains(&problem),
                "{problem:?}: {:?} of {answer}",
                problems(&answer)
            );
        }
    }
}
