//! Makes headings for sections that have none from the model: the phrase that only this part keeps coming back to, or else
//! who speaks.

use std::cell::LazyCell;
use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use crate::text::sentence::mark;
use crate::text::words::capitalized;
use crate::text::{language, terms, words};
use crate::transcript::Passage;

/// Minimum and maximum length of a word in a title, in characters.
const CHARS: RangeInclusive<usize> = 4..=40;

/// How often two words in a row occur in a part that is about them, and how often a single name, which may only be
/// mentioned.
const MIN_OCCURRENCES: usize = 3;
const MIN_NAME_OCCURRENCES: usize = 6;

/// Minimum share of a phrase's occurrences that are in its part, in percent.
const MIN_SHARE_PERCENT: usize = 70;

/// Text before and after a part that is searched for its phrases, in bytes.
const NEIGHBOURHOOD: usize = 256 * 1024;

/// Maximum number of phrases, the most frequent first, that are searched for elsewhere.
const MAX_CANDIDATES: usize = 12;

/// Maximum number of phrases in a title.
const MAX_PHRASES: usize = 2;

/// Maximum number of speakers in a title.
const MAX_SPEAKERS: usize = 3;

/// Minimum share of the words for a speaker to be named, in percent.
const MIN_SPOKEN_PERCENT: usize = 5;

/// Words that occur in every meeting without naming a topic: times, amounts, figures of speech.
const NOT_IN_TITLES: &str = "january february march april june july august september october november december monday \
    tuesday wednesday thursday friday saturday sunday today tomorrow yesterday morning afternoon evening tonight minute \
    minutes hour hours week weeks month months year years number numbers hundred thousand million billion percent dollars \
    twenty thirty forty fifty sixty seventy eighty ninety four five seven eight nine eleven twelve first second third half \
    question questions answer reason idea point example case meeting minute member members everybody everyone somebody \
    anybody nobody anything everything nothing person guys guess sorry please hello anyway actually basically probably \
    certainly obviously exactly already always never sometimes again back away around another different whole many able \
    affirmative negative stand read loud clear honourable minister chair friend speaker order word words talk course fact \
    else since though both next last same true wrong right left high low long short side kind";

/// A longer passage, in bytes, has no single subject, and counting its phrases would take many times its memory.
const LARGE_BYTES: usize = 256 * 1024;

/// A title for a passage: its [`subject`], or else its [`speakers`]. `None` if it has neither.
pub(crate) fn title(passage: &Passage) -> Option<String> {
    subject(passage).or_else(|| speakers(passage))
}

/// The phrases that a passage keeps coming back to while the rest of the transcript hardly has them, such as `Night market
/// and Tannery Road`.
pub(crate) fn subject(passage: &Passage) -> Option<String> {
    if passage.len() > LARGE_BYTES {
        return None;
    }
    let mut candidates: Vec<(usize, String)> = phrases(passage)
        .into_values()
        .filter_map(|phrase| {
            // A pair says more than a name: "Lantern Hill" is not about hills.
            let is_pair = phrase.surface.contains(' ');
            let (least, worth) = if is_pair {
                (MIN_OCCURRENCES, 2)
            } else {
                (MIN_NAME_OCCURRENCES, 1)
            };
            let is_frequent = phrase.count >= least && !phrase.is_common;
            is_frequent.then_some((phrase.count * worth, phrase.surface))
        })
        .collect();
    candidates.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    candidates.truncate(MAX_CANDIDATES);
    if candidates.is_empty() {
        return None;
    }
    let part = passage.to_lowercase();
    let around = neighbourhood(passage).to_lowercase();
    let mut chosen: Vec<String> = Vec::new();
    for (_, surface) in candidates {
        let plain = surface.to_lowercase();
        let [here, all] = [&part, &around].map(|text| text.matches(&plain).count());
        let used = chosen.iter().flat_map(|chosen: &String| chosen.split(' '));
        let used: Vec<String> = used.map(str::to_lowercase).collect();
        let is_new = |word: &str| !used.iter().any(|used| used == word);
        if here * 100 >= all * MIN_SHARE_PERCENT && plain.split(' ').all(is_new) {
            chosen.push(surface);
        }
    }
    chosen.truncate(MAX_PHRASES);
    let all = enumerated(&chosen, || is_english(passage));
    all.map(|all| capitalized(&all))
}

/// Who says most in a passage, such as `Dana, Lee and Priya`. `None` if no speaker is known.
pub(crate) fn speakers(passage: &Passage) -> Option<String> {
    let mut spoken: Vec<(&str, usize)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (speaker, text) in passage.utterances() {
        let Some(name) = passage.name(speaker) else {
            continue;
        };
        let place = *places.entry(name).or_insert(spoken.len());
        if place == spoken.len() {
            spoken.push((name, 0));
        }
        if let Some((_, words)) = spoken.get_mut(place) {
            *words += words::count(text);
        }
    }
    let all: usize = spoken.iter().map(|(_, words)| words).sum();
    spoken.retain(|(_, words)| words * 100 >= all * MIN_SPOKEN_PERCENT);
    // A stable sort: of equals, who speaks first comes first.
    spoken.sort_by_cached_key(|(_, words)| std::cmp::Reverse(*words));
    let names = spoken.iter().take(MAX_SPEAKERS);
    let mut names: Vec<String> = names.map(|(name, _)| readable(name)).collect();
    let english = LazyCell::new(|| is_english(passage));
    if spoken.len() > MAX_SPEAKERS {
        names.push(if *english { "others" } else { "…" }.to_owned());
    }
    enumerated(&names, || *english)
}

/// `A, B and C`, or without a conjunction in other languages than English. `None` if there are none.
fn enumerated(all: &[String], is_english: impl Fn() -> bool) -> Option<String> {
    match all {
        [] => None,
        [one] => Some(one.clone()),
        [names @ .., last] if is_english() => Some(format!("{} and {last}", names.join(", "))),
        all => Some(all.join(", ")),
    }
}

fn is_english(passage: &Passage) -> bool {
    language::detect(passage).is_none_or(|language| language == "en")
}

/// A label without what is in brackets.
fn readable(label: &str) -> String {
    let name = label.split(['(', '[']).next().unwrap_or(label).trim();
    let name = if name.is_empty() { label } else { name };
    name.to_owned()
}

/// A name, or two words in a row.
struct Phrase {
    /// As first written.
    surface: String,
    count: usize,
    /// Whether it is a single word that is also written in lower case.
    is_common: bool,
}

/// The names and pairs of words of a passage that may name its subject, by their lower case.
fn phrases(passage: &Passage) -> HashMap<String, Phrase> {
    let speakers: HashSet<String> = passage
        .speakers()
        .iter()
        .flat_map(|name| words::runs(name))
        .map(str::to_lowercase)
        .collect();
    let mut phrases: HashMap<String, Phrase> = HashMap::new();
    for (_, text) in passage.utterances() {
        // The word before, if it is in the same clause.
        let mut last: Option<&str> = None;
        let mut is_inside = false;
        for word in text.split_whitespace() {
            let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
            let lower = bare.to_lowercase();
            let names = names_a_topic(bare, &lower) && !speakers.contains(&lower);
            let is_capitalized = bare.starts_with(char::is_uppercase);
            if names && (is_inside || !is_capitalized) {
                count(&mut phrases, bare.to_owned(), !is_capitalized);
            }
            if names
                && let Some(last) = last
                && !last.eq_ignore_ascii_case(bare)
            {
                count(&mut phrases, format!("{last} {bare}"), false);
            }
            let is_ended = word.ends_with(|c: char| mark(c).is_some());
            last = (names && !is_ended).then_some(bare);
            is_inside = !is_ended;
        }
    }
    phrases
}

fn count(phrases: &mut HashMap<String, Phrase>, surface: String, is_common: bool) {
    let phrase = phrases.entry(surface.to_lowercase()).or_insert(Phrase {
        surface,
        count: 0,
        is_common,
    });
    phrase.count += 1;
    phrase.is_common |= is_common;
}

/// The transcript around a passage, with the passage.
fn neighbourhood(passage: &Passage) -> Passage {
    let whole = passage.whole();
    let span = passage.span();
    let (before, _) = whole.split_at(span.end + NEIGHBOURHOOD);
    before.split_at(span.start.saturating_sub(NEIGHBOURHOOD)).1
}

/// Whether a word may be used in a title: its length is within bounds, it says something, and it does not look like a verb or
/// an adverb, unless it is a name.
fn names_a_topic(surface: &str, lower: &str) -> bool {
    static SET: LazyLock<HashSet<&'static str>> =
        LazyLock::new(|| NOT_IN_TITLES.split_whitespace().collect());
    let is_name = surface.starts_with(char::is_uppercase);
    let looks_like_a_verb = ["ing", "ed", "ly"]
        .iter()
        .any(|ending| surface.ends_with(ending));
    CHARS.contains(&surface.chars().count())
        && surface.chars().all(char::is_alphabetic)
        && (is_name || !looks_like_a_verb)
        && !SET.contains(lower)
        && !terms::is_stopword(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_names_what_only_this_part_is_about() {
        let part = "Dana: The night market opened in January.\nLee: The night market is loud.\nDana: I like the night market.\n\
                    Lee: Tell Dana that the boats come to Fishmarket. In March the boats leave Fishmarket, and Fishmarket is full. Is Fishmarket loud? I like Fishmarket.\n\
                    Dana: We need boats at Fishmarket in March. Lee said March.\n";
        let named = |text: &str| subject(&Passage::of_text(text));
        assert_eq!(named(part).as_deref(), Some("Fishmarket and night market"));
        // What the rest speaks of as well is not the subject of this part.
        let rest =
            "Priya: The night market and Fishmarket, the night market and Fishmarket.\n".repeat(3);
        let (first, _) = Passage::of_text(format!("{part}{rest}")).split_at(part.len());
        assert_eq!(subject(&first), None);
        assert_eq!(title(&first).as_deref(), Some("Lee and Dana"));
    }

    #[test]
    fn without_a_subject_a_title_names_the_speakers() {
        let text = |speakers: &[(&str, usize)]| {
            let said = |(name, count): &(&str, usize)| {
                format!("{name}: {}\n", "So we go on. ".repeat(*count))
            };
            Passage::of_text(speakers.iter().map(said).collect::<String>().repeat(2))
        };
        for (speakers, expected) in [
            (&[("Lee", 2), ("Dana", 3)][..], "Dana and Lee"),
            (&[("spk_0", 9), ("SPEAKER_01", 3)], "spk_0 and SPEAKER_01"),
            (
                &[("Ms. Ana Ruiz (Lakes, Ind.)", 3), ("The Chair", 4)],
                "The Chair and Ms. Ana Ruiz",
            ),
            (
                &[("A", 5), ("B", 4), ("C", 3), ("D", 2)],
                "A, B, C and others",
            ),
            (&[("Lee", 90), ("Dana", 1)], "Lee"),
        ] {
            assert_eq!(title(&text(speakers)).as_deref(), Some(expected));
        }
        let german =
            "Wir haben das im Januar nicht gesehen und werden es auch im März nicht sehen. ";
        let german = ["A", "B", "C", "D"].map(|name| format!("{name}: {}\n", german.repeat(3)));
        let german = Passage::of_text(german.concat());
        assert_eq!(super::speakers(&german).as_deref(), Some("A, B, C, …"));
        assert_eq!(title(&Passage::of_text("Yes. No.")), None);
    }
}
