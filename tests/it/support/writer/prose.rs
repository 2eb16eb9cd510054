//! Sentences about a text, using its terms but not its wording, of any length.

use super::random::Random;
use super::vocabulary::Vocabulary;

/// Words per paragraph.
const PARAGRAPH_WORDS: usize = 90;

/// Minimum and maximum words per sentence.
const SENTENCE_WORDS: (usize, usize) = (12, 24);

/// Subjects for texts that name no speaker.
const SOMEBODY: [&str; 5] = [
    "One speaker",
    "Another speaker",
    "The group",
    "Somebody",
    "They all",
];

const VERBS: [&str; 12] = [
    "said that",
    "asked whether",
    "explained that",
    "proposed that",
    "objected that",
    "noted that",
    "reported that",
    "agreed that",
    "doubted that",
    "recalled that",
    "made it clear that",
    "wanted to know whether",
];

const LINKS: [&str; 8] = [
    "depended on",
    "came before",
    "would change",
    "had to follow",
    "was part of",
    "mattered for",
    "had delayed",
    "could wait for",
];

/// Phrases that extend a sentence; `*` stands for a term, `#` for a number.
const TAILS: [&str; 12] = [
    "after the *",
    "despite the *",
    "without any *",
    "because of the *",
    "and for the *",
    "with regard to #",
    "or at least the *",
    "as well as * and *",
    "until the * was settled",
    "unless the * and the * changed",
    "in view of *",
    "at #",
];

const WIDE_OPENINGS: [&str; 6] = [
    "大家认为",
    "会上提出",
    "有人指出",
    "随后讨论",
    "他们同意",
    "也有人问",
];
const WIDE_LINKS: [&str; 8] = ["与", "和", "以及", "关于", "因此", "并且", "需要", "影响"];

/// Sentences with `words` words in total.
pub(super) fn sentences(random: &mut Random, about: &Vocabulary, words: usize) -> Vec<String> {
    let (short, long) = SENTENCE_WORDS;
    let mut left = words;
    let mut sentences = Vec::new();
    while left > 0 {
        let length = if left <= long {
            left
        } else {
            // Leave enough words for another sentence.
            (short + random.below(long - short + 1)).min(left - short)
        };
        left -= length;
        sentences.push(if about.is_wide {
            wide_sentence(random, about, length)
        } else {
            sentence(random, about, length)
        });
    }
    sentences
}

/// Joins the sentences into paragraphs.
pub(super) fn paragraphs(sentences: &[String], is_wide: bool) -> String {
    let mut text = String::new();
    let mut words = 0;
    for sentence in sentences {
        if words >= PARAGRAPH_WORDS {
            text.push_str("\n\n");
            words = 0;
        } else if words > 0 && !is_wide {
            text.push(' ');
        }
        words += transcript_summarizer::text::words::count(sentence);
        text.push_str(sentence);
    }
    text
}

/// A heading that names topics.
pub(super) fn heading(random: &mut Random, about: &Vocabulary) -> String {
    let mut term = || random.pick(&about.terms).clone();
    let (first, second, third) = (term(), term(), term());
    if about.is_wide {
        return format!("{first}与{second}");
    }
    let mut letters = first.chars();
    let first: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .chain(letters)
        .collect();
    format!("{first}, {second} and the {third}")
}

fn sentence(random: &mut Random, about: &Vocabulary, words: usize) -> String {
    let subject = if about.speakers.is_empty() {
        (*random.pick(&SOMEBODY)).to_owned()
    } else {
        random.pick(&about.speakers).clone()
    };
    let mut said: Vec<String> = Vec::new();
    let say = |phrase: &str, random: &mut Random, said: &mut Vec<String>| {
        for word in phrase.split(' ') {
            said.push(match word {
                "*" => random.pick(&about.terms).clone(),
                "#" => random.pick(&about.numbers).clone(),
                _ => word.to_owned(),
            });
        }
    };
    say(&subject, random, &mut said);
    say(random.pick::<&str>(&VERBS), random, &mut said);
    say("the *", random, &mut said);
    say(random.pick::<&str>(&LINKS), random, &mut said);
    say("the *", random, &mut said);
    while said.len() < words {
        let room = words - said.len();
        let fitting: Vec<&str> = TAILS
            .into_iter()
            .filter(|tail| {
                let length = tail.split(' ').count();
                // Do not leave room for exactly one word, which no phrase fills.
                (length == room || length + 1 < room)
                    && (!about.numbers.is_empty() || !tail.contains('#'))
            })
            .collect();
        match (fitting.is_empty(), room) {
            (false, _) => say(random.pick::<&str>(&fitting), random, &mut said),
            (true, 1) => say("too", random, &mut said),
            (true, 2) => say("with *", random, &mut said),
            (true, _) => say("and then *", random, &mut said),
        }
    }
    // A sentence too short for this pattern just names topics.
    if said.len() > words {
        said = vec!["They".to_owned(), "discussed".to_owned()];
        while said.len() < words {
            let joint = if said.len().is_multiple_of(2) {
                "*"
            } else {
                "and"
            };
            say(joint, random, &mut said);
        }
        said.truncate(words);
        if let Some(last) = said.last_mut().filter(|last| *last == "and") {
            last.clone_from(random.pick(&about.terms));
        }
    }
    said.join(" ") + "."
}

fn wide_sentence(random: &mut Random, about: &Vocabulary, words: usize) -> String {
    let mut said: Vec<char> = (*random.pick(&WIDE_OPENINGS)).chars().collect();
    while said.len() < words {
        said.extend(random.pick(&about.terms).chars());
        said.extend((*random.pick(&WIDE_LINKS)).chars());
        said.extend(random.pick(&about.terms).chars());
    }
    said.truncate(words);
    said.into_iter().chain(['。']).collect()
}
