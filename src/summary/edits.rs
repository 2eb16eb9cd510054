//! The edits with which a model that has read the whole summary makes its sections one document.
//!
//! An edit must not change what is said: it may drop a repetition, shorten a second introduction, smooth a seam. What is reported
//! wrongly is for [`mends`](crate::summary::mends). [`read`] takes the answer as lines `FIND: …`, `REPLACE: …`, `FLAG: …` and
//! `CUT: …`. [`apply`] compares the sentence before and after an edit, and refuses the edit in doubt:
//!
//! - The words occur once in the whole document, within one sentence of running text, which stays one sentence with its final stop.
//! - Numbers, dates, negations, hedges, conditions and quantities stay, in their order and beside the same words; verbs such as *said*
//!   and *expected* stay. Quotations stay as they are.
//! - No name is added or swapped, and none disappears from the document.
//! - Any other added word carries no facts, or says what a pronoun means with a word of the document. Outcomes and causes are not
//!   added, and no word is exchanged for another or turned into its opposite.
//! - A whole sentence is cut only if it has no number, two sentences remain, and the next one does not refer to it.
//!
//! What a language's negations and hedges are is known for English, German, French and Spanish ([`covers`]). Edits in other languages
//! are refused.

mod lexicon;

use std::collections::HashSet;

use crate::summary::edits::lexicon::{Lexicon, has};
use crate::summary::mends::{MAX_MENDS, Mend};
use crate::text::Span;
use crate::text::language;
use crate::text::script::is_ideograph;
use crate::text::sentence::{self, Mark, is_stop, mark};

/// Maximum number of edits and flags in an answer. Further ones are ignored.
const MAX_EDITS: usize = 30;
const MAX_FLAGS: usize = 10;

/// Maximum number of sentences named in an answer as those that may go.
pub(crate) const MAX_NAMED: usize = 80;

/// Maximum length of a flag in characters.
const MAX_FLAG_CHARS: usize = 300;

/// Maximum length of the replacement, as a fraction of what it replaces.
const MAX_GROWTH: (usize, usize) = (4, 3);

/// Maximum number of added words that are not in the sentence and may carry facts.
const MAX_NEW_WORDS: usize = 2;

/// Minimum number of words in a sentence after an edit, and their minimum share of those before. What is left of a sentence is
/// otherwise often none.
const MIN_WORDS: usize = 2;
const MIN_WORDS_PERCENT: usize = 33;

/// Minimum number of sentences that remain in a text from which one is cut.
const MIN_SENTENCES: usize = 2;

/// Two words are forms of one if they begin with this many common characters and end in at most `MAX_ENDING` others.
const MIN_STEM: usize = 5;
const MAX_ENDING: usize = 3;

/// What may stand for an empty replacement.
const EMPTY: [&str; 10] = [
    "(empty)",
    "[empty]",
    "<empty>",
    "(nothing)",
    "[nothing]",
    "(delete)",
    "[delete]",
    "(cut)",
    "[cut]",
    "∅",
];

/// Pairs of marks that enclose quotations.
const QUOTES: [(char, char); 9] = [
    ('"', '"'),
    ('“', '”'),
    ('”', '”'),
    ('„', '“'),
    ('«', '»'),
    ('»', '«'),
    ('‘', '’'),
    ('\'', '\''),
    ('`', '`'),
];

/// Marks other than letters and digits that an edit may add to a sentence.
const ADDED_MARKS: &str = " ,;-'’";

/// A replacement of words in the summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    /// Words of the summary.
    pub(crate) find: String,
    /// What stands there instead. Empty to cut the words.
    pub(crate) replace: String,
}

/// Whether edits are possible in a language, given by its code. If not, the model need not be asked.
pub(crate) fn covers(language: &str) -> bool {
    lexicon::of(language).is_some()
}

/// What a last reader answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// What the model would word otherwise.
    pub(crate) edits: Vec<Edit>,
    /// What it would report otherwise.
    pub(crate) mends: Vec<Mend>,
    /// What it believes to be wrong.
    pub(crate) flags: Vec<String>,
    /// How sentences begin that may go, those first that would be missed least.
    pub(crate) cuts: Vec<String>,
}

/// The kind of line that an answer consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Find,
    Replace,
    Flag,
    Wrong,
    Said,
    Right,
    Cut,
    /// A word and a colon, as in `Reason: told twice`.
    Other,
}

/// What an answer proposes.
///
/// Lines are read tolerantly, with bullets, numbers, emphasis, quotation marks and fences around them. A pair is dropped if
/// something other than a key or a blank line follows directly upon one of its values, because then the value's end is not known. An
/// answer that was cut off must be passed without its last pair.
pub(crate) fn read(answer: &str) -> Answer {
    let mut read = Answer::default();
    let mut pending = Pending::default();
    // The key whose value may still begin on the next line, and whether the last line ended a value.
    let mut open: Option<Key> = None;
    let mut follows_value = false;
    for line in split_lines(answer) {
        let (key, value) = match key(line) {
            Some((key, value)) => (key, value),
            None if is_rule(line) => {
                follows_value = false;
                // A fence may stand before a value.
                open = open.filter(|_| !line.trim().is_empty());
                continue;
            }
            None => match open.take() {
                Some(key) => (key, line),
                None => {
                    if follows_value {
                        pending = Pending::default();
                    }
                    continue;
                }
            },
        };
        let is_missing = value.trim().is_empty();
        follows_value = !is_missing && !matches!(key, Key::Flag | Key::Cut | Key::Other);
        open = (is_missing && key != Key::Other).then_some(key);
        match key {
            Key::Find | Key::Wrong => {
                pending.finish(&mut read);
                pending.first = Some((key, unquoted(value)));
            }
            Key::Replace | Key::Right => pending.last = Some((key, unquoted(value))),
            Key::Said => pending.said = unquoted(value),
            Key::Flag => {
                pending.finish(&mut read);
                let plain = value
                    .chars()
                    .filter(|&c| !c.is_control() && !is_invisible(c));
                let plain: String = plain.take(MAX_FLAG_CHARS).collect();
                let flag = Some(plain.trim().to_owned());
                read.flags.extend(flag.filter(|flag| !flag.is_empty()));
            }
            Key::Cut => {
                pending.finish(&mut read);
                read.cuts.push(unquoted(value));
            }
            Key::Other => {}
        }
    }
    pending.finish(&mut read);
    read.cuts.truncate(MAX_NAMED);
    read.edits.truncate(MAX_EDITS);
    read.mends.truncate(MAX_MENDS);
    read.flags.truncate(MAX_FLAGS);
    read
}

/// The values of a proposal whose lines are being read.
#[derive(Debug, Default)]
struct Pending {
    first: Option<(Key, String)>,
    said: String,
    last: Option<(Key, String)>,
}

impl Pending {
    fn finish(&mut self, read: &mut Answer) {
        let Self { first, said, last } = std::mem::take(self);
        match (first, last) {
            (Some((Key::Find, find)), Some((Key::Replace, replace))) if !find.is_empty() => {
                read.edits.push(Edit { find, replace });
            }
            (Some((Key::Wrong, wrong)), Some((Key::Right, right))) if !wrong.is_empty() => {
                read.mends.push(Mend { wrong, said, right });
            }
            _ => {}
        }
    }
}

/// The lines of an answer. A pair on one line is two.
fn split_lines(answer: &str) -> impl Iterator<Item = &str> {
    answer.lines().flat_map(|line| {
        let is_find = key(line).is_some_and(|(key, _)| key == Key::Find);
        let pair = line.find("REPLACE:").filter(|&at| at > 0 && is_find);
        let (find, replace) = line.split_at(pair.unwrap_or(line.len()));
        let find = find.trim_end_matches([' ', '\t', '*', '-', '→', '|', '>', '/']);
        let find = if replace.is_empty() { line } else { find };
        [Some(find), Some(replace).filter(|rest| !rest.is_empty())]
            .into_iter()
            .flatten()
    })
}

/// The key and the value of a line.
fn key(line: &str) -> Option<(Key, &str)> {
    let is_mark =
        |c: char| c.is_whitespace() || c.is_ascii_digit() || "-*•>#_\"'`“.()[]".contains(c);
    let rest = line.trim_start_matches(is_mark);
    let end = rest
        .find(|c: char| !c.is_alphabetic())
        .unwrap_or(rest.len());
    let (word, rest) = rest.split_at(end);
    // As in `FIND 1:` and `Replace with:`.
    let rest = [" with", " With", " WITH"]
        .iter()
        .find_map(|with| rest.strip_prefix(with))
        .unwrap_or(rest);
    let value = rest
        .trim_start_matches(|c: char| c.is_ascii_digit() || "*_`\"#) ]".contains(c))
        .strip_prefix([':', '：'])?;
    let key = match word.to_lowercase().as_str() {
        "find" => Key::Find,
        "replace" => Key::Replace,
        "flag" => Key::Flag,
        "wrong" => Key::Wrong,
        "said" => Key::Said,
        "right" => Key::Right,
        "cut" => Key::Cut,
        "" => return None,
        _ => Key::Other,
    };
    Some((key, value.trim_start_matches(['*', '_', ' ']).trim()))
}

/// Whether a line is blank or only separates pairs: a code fence, a rule, or a heading such as `Edit 2`.
fn is_rule(line: &str) -> bool {
    let plain = line
        .trim_matches(|c: char| !c.is_alphanumeric())
        .to_lowercase();
    let number = plain.trim_start_matches("edit").trim();
    line.trim_start().starts_with("```") || number.chars().all(|c| c.is_ascii_digit())
}

/// A value without the quotation marks around it.
fn unquoted(value: &str) -> String {
    let value = value.replace("**", "");
    let value = value.trim();
    let inside = QUOTES.iter().find_map(|&(open, close)| {
        let inside = value.strip_prefix(open)?.strip_suffix(close)?;
        (!inside.contains([open, close])).then_some(inside)
    });
    let value = inside.unwrap_or(value).trim();
    let is_empty = EMPTY.iter().any(|empty| empty.eq_ignore_ascii_case(value));
    if is_empty {
        String::new()
    } else {
        value.to_owned()
    }
}

/// Whether a character is a format character that is not shown: zero width, or one that changes the direction of writing.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Applies those of `edits` that change nothing that is said, one after the other, and returns their number.
///
/// `texts` are the running texts of the summary, such as the overview and the bodies of the sections. `others` are the rest of the
/// document, such as headings and lists, which stay as they are: words that occur there are not replaced.
pub(crate) fn apply(texts: &mut [&mut String], others: &[&str], edits: &[Edit]) -> usize {
    let all: Vec<&str> = texts.iter().map(|text| text.as_str()).collect();
    let language = language::detect(&all.join("\n"));
    let Some(lexicon) = language.and_then(lexicon::of) else {
        return 0;
    };
    let mut applied = 0;
    for edit in edits.iter().take(MAX_EDITS) {
        let all: Vec<&str> = texts.iter().map(|text| text.as_str()).collect();
        let edited = edited(&all, others, edit, lexicon);
        if let Some((at, changed)) = edited
            && let Some(text) = texts.get_mut(at)
        {
            **text = changed;
            applied += 1;
        }
    }
    applied
}

/// The text that an edit changes, and what it becomes, unless the edit is refused.
fn edited(
    texts: &[&str],
    others: &[&str],
    edit: &Edit,
    lexicon: &Lexicon,
) -> Option<(usize, String)> {
    let (find, replace) = (edit.find.trim(), edit.replace.trim());
    let is_plain = |value: &str| !value.contains(|c: char| c.is_control() || is_invisible(c));
    let (most, of) = MAX_GROWTH;
    let grows = replace.chars().count() * of > find.chars().count() * most;
    if find.is_empty() || find == replace || !is_plain(find) || !is_plain(replace) || grows {
        return None;
    }
    if others.iter().any(|other| other.contains(find)) {
        return None;
    }
    let mut found = texts
        .iter()
        .enumerate()
        .filter_map(|(at, text)| Some((at, text.find(find)?)));
    let (at, start) = found.next()?;
    if found.next().is_some() {
        return None;
    }
    let text = *texts.get(at)?;
    let place = Span {
        start,
        end: start + find.len(),
    };
    let next = start + find.chars().next()?.len_utf8();
    if text.split_at(next).1.contains(find) || !is_whole(text, place) {
        return None;
    }
    let before = sentences(text);
    let index = before
        .iter()
        .position(|unit| unit.start <= place.start && place.end <= unit.end)?;
    let unit = *before.get(index)?;
    if is_listed(text, unit) {
        return None;
    }
    let head = Span::from(unit.start..place.start).of(text);
    let tail = Span::from(place.end..unit.end).of(text);
    let old = unit.of(text);
    let new = joined(head, replace, tail);
    let vocabulary = vocabulary(texts.iter().chain(others));
    let mut expected: Vec<&str> = before.iter().map(|unit| unit.of(text)).collect();
    let (changed, is_kept) = if new.contains(char::is_alphanumeric) {
        let changed = [text.split_at(unit.start).0, &new, text.split_at(unit.end).1].concat();
        expected.splice(index..=index, [new.as_str()]);
        let is_bounded = !replace.is_empty() || is_aside(head, find, tail, lexicon);
        let is_kept = is_bounded
            && has_shape_of(&new, old)
            && quotations(&changed) == quotations(text)
            && says_the_same(old, &new, &vocabulary, lexicon);
        (changed, is_kept)
    } else {
        let changed = without(text, unit);
        expected.remove(index);
        let next = before.get(index + 1).map_or("", |next| next.of(text));
        let is_kept = before.len() > MIN_SENTENCES
            && tokens(old, lexicon)
                .iter()
                .all(|word| word.kind != Kind::Number)
            && !tokens(next, lexicon)
                .first()
                .is_some_and(|word| has(lexicon.leaning, &word.lower))
            && quotations(&changed)
                .iter()
                .all(|quotation| quotations(text).contains(quotation));
        (changed, is_kept)
    };
    let is_rest_kept = || {
        let rest = sentences(&changed).into_iter();
        rest.map(|unit| unit.of(&changed)).eq(expected)
    };
    let are_names_left = || {
        let texts = texts.iter().enumerate();
        let rest = texts.map(|(other, text)| if other == at { &changed } else { *text });
        let rest = rest.chain(others.iter().copied()).flat_map(all_words);
        let rest: HashSet<String> = rest.map(str::to_lowercase).collect();
        names(old, &vocabulary, lexicon)
            .iter()
            .all(|name| rest.contains(name))
    };
    (is_kept && is_rest_kept() && are_names_left()).then_some((at, changed))
}

/// Whether a place begins and ends between words.
fn is_whole(text: &str, place: Span) -> bool {
    let (before, rest) = text.split_at(place.start);
    let (found, after) = rest.split_at(place.end - place.start);
    let splits = |left: &str, right: &str| {
        let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        letter(left.chars().next_back()) && letter(right.chars().next())
    };
    !splits(before, found) && !splits(found, after)
}

/// The sentences of a text. Unlike those of [`sentence::sentences`], they are whole however long they are.
pub(crate) fn sentences(text: &str) -> Vec<Span> {
    let mut units: Vec<Span> = Vec::new();
    for found in sentence::sentences(text) {
        match units.last_mut() {
            Some(last)
                if !sentence::ends_sentence(last.of(text))
                    && !Span::from(last.end..found.start).of(text).contains('\n') =>
            {
                last.end = found.end;
            }
            _ => units.push(found),
        }
    }
    units
}

/// Whether a sentence stands in a list.
fn is_listed(text: &str, unit: Span) -> bool {
    let start = text
        .split_at(unit.start)
        .0
        .rfind('\n')
        .map_or(0, |at| at + 1);
    let line = text.split_at(start).1.trim_start();
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    line.starts_with(['-', '*', '•', '–', '|', '#'])
        || (number.len() < line.len() && number.starts_with(['.', ')']))
}

/// The sentence with a replacement between `head` and `tail`. After a cut, the blanks around it become one.
fn joined(head: &str, replace: &str, tail: &str) -> String {
    if !replace.is_empty() {
        return [head, replace, tail].concat();
    }
    let (head, is_spaced) = (
        head.trim_end(),
        head.ends_with(' ') || tail.starts_with(' '),
    );
    let tail = tail.trim_start();
    let closes = tail.starts_with(|c| {
        matches!(mark(c), Some(Mark::Stop | Mark::Closer)) || matches!(c, ',' | ';' | ':')
    });
    let blank = if is_spaced && !closes && !head.is_empty() {
        " "
    } else {
        ""
    };
    [head, blank, tail].concat()
}

/// The text without a sentence. Of the blanks around it, those with more line breaks remain.
fn without(text: &str, unit: Span) -> String {
    let (head, tail) = (text.split_at(unit.start).0, text.split_at(unit.end).1);
    let (before, after) = (head.trim_end(), tail.trim_start());
    let gaps = [
        head.split_at(before.len()).1,
        tail.split_at(tail.len() - after.len()).0,
    ];
    let breaks = |gap: &&str| gap.matches('\n').count();
    let gap = match (before.is_empty(), after.is_empty()) {
        (true, _) => "",
        (_, true) => gaps[1],
        _ => gaps.into_iter().max_by_key(breaks).unwrap_or_default(),
    };
    [before, gap, after].concat()
}

/// Whether what is cut is an aside between commas, dashes or brackets, or carries no facts.
fn is_aside(head: &str, cut: &str, tail: &str, lexicon: &Lexicon) -> bool {
    let separates = |c: char| mark(c).is_some() || matches!(c, '(' | '[');
    let (inner, head, tail) = (cut.trim(), head.trim_end(), tail.trim_start());
    let begins = inner.starts_with(separates) || head.ends_with(separates) || head.is_empty();
    let ends = inner.ends_with(separates) || tail.starts_with(separates);
    let is_link = |word: &Word| word.kind == Kind::Link;
    (begins && ends) || tokens(cut, lexicon).iter().all(is_link)
}

/// Whether an edited sentence is still one, with the final stop, the brackets and the kinds of marks of the old one.
fn has_shape_of(new: &str, old: &str) -> bool {
    let stop = |text: &str| {
        let rest = text.trim_end_matches(|c: char| !c.is_alphanumeric());
        text.split_at(rest.len())
            .1
            .chars()
            .filter(|&c| is_stop(c))
            .collect::<String>()
    };
    let (first, old_first) = (new.chars().next(), old.chars().next());
    let begins =
        first == old_first || first.is_some_and(|c| c.is_alphanumeric() && !c.is_lowercase());
    let open = |text: &str| {
        let count = |c| text.matches(c).count() as isize;
        [count('(') - count(')'), count('[') - count(']')]
    };
    let flaws = |text: &str| {
        let pairs = text.chars().zip(text.chars().skip(1));
        let is_flaw = |&(a, b): &(char, char)| match a {
            ' ' | '(' | '[' => {
                b.is_whitespace() || matches!(b, ',' | ';' | ':' | '.' | '!' | '?' | ')' | ']')
            }
            ',' | ';' | ':' => {
                !b.is_whitespace() && !b.is_alphanumeric() && mark(b) != Some(Mark::Closer)
            }
            '.' | '!' | '?' => is_stop(b) || matches!(b, ',' | ';' | ':'),
            _ => false,
        };
        pairs.filter(is_flaw).count()
    };
    let is_known = |c: char| c.is_alphanumeric() || old.contains(c) || ADDED_MARKS.contains(c);
    begins
        && !stop(new).is_empty()
        && stop(new) == stop(old)
        && open(new) == open(old)
        && flaws(new) <= flaws(old)
        && new.chars().all(is_known)
}

/// The quotations of a text, each with its marks. One that is not closed extends to the end of its paragraph.
fn quotations(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for line in text.lines() {
        let mut rest = line;
        let mut before = None;
        while let Some(c) = rest.chars().next() {
            let inside = rest.split_at(c.len_utf8()).1;
            let after_letter = before.is_some_and(char::is_alphanumeric);
            let pair = QUOTES.iter().find(|(open, _)| *open == c && !after_letter);
            let length = pair.and_then(|&(_, close)| {
                let is_single = matches!(close, '\'' | '’');
                let ends = |at: usize| {
                    !is_single
                        || !inside
                            .split_at(at + close.len_utf8())
                            .1
                            .starts_with(char::is_alphanumeric)
                };
                let end = inside
                    .match_indices(close)
                    .map(|(at, _)| at)
                    .find(|&at| ends(at));
                match end {
                    Some(at) => Some(c.len_utf8() + at + close.len_utf8()),
                    None => (!is_single).then_some(rest.len()),
                }
            });
            let (taken, after) = rest.split_at(length.unwrap_or(c.len_utf8()));
            found.extend(length.map(|_| taken));
            before = taken.chars().next_back();
            rest = after;
        }
    }
    found
}

/// What a word is to an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A number in digits or letters, or a date.
    Number,
    /// A negation, a hedge, a condition or a quantity.
    Kept,
    /// A word that makes a statement somebody's view.
    Attribution,
    /// A word with a capital letter, or in a script without them.
    Capital,
    Link,
    Plain,
}

#[derive(Debug, Clone)]
struct Word {
    /// In lower case.
    lower: String,
    kind: Kind,
}

/// The words of a sentence. A number keeps its signs and marks.
fn tokens(sentence: &str, lexicon: &Lexicon) -> Vec<Word> {
    let mut found = Vec::new();
    for part in sentence.split_whitespace() {
        if part.contains(|c: char| c.is_numeric() || "%‰€£$¥°§#".contains(c)) {
            let outer = |c: char| {
                mark(c).is_some() || QUOTES.iter().any(|pair| pair.0 == c) || matches!(c, '(' | '[')
            };
            let lower = part.trim_matches(outer).to_lowercase();
            found.push(Word {
                lower,
                kind: Kind::Number,
            });
            continue;
        }
        found.extend(all_words(part).map(|word| {
            let lower = word.to_lowercase();
            let is_lower = word.chars().all(|c| c.is_lowercase() || !c.is_alphabetic());
            let kind = if has(lexicon.numbers, &lower) {
                Kind::Number
            } else if has(lexicon.kept, &lower) {
                Kind::Kept
            } else if has(lexicon.attributions, &lower) {
                Kind::Attribution
            } else if !is_lower {
                Kind::Capital
            } else if has(lexicon.links, &lower) {
                Kind::Link
            } else {
                Kind::Plain
            };
            Word { lower, kind }
        }));
    }
    found
}

/// The words of a text. Each ideograph is one, and an apostrophe separates two.
fn all_words(text: &str) -> impl Iterator<Item = &str> {
    let runs = text.split(|c: char| !c.is_alphanumeric());
    runs.flat_map(|run| run.split_inclusive(is_ideograph))
        .filter(|run| !run.is_empty())
}

/// The words that texts have in lower case.
fn vocabulary<'a>(texts: impl Iterator<Item = &'a &'a str>) -> HashSet<&'a str> {
    let words = texts.flat_map(|text| all_words(text));
    words
        .filter(|word| word.chars().all(char::is_lowercase))
        .collect()
}

/// The names in a sentence, in order: words with a capital letter. At the beginning only those that are not known as ordinary words.
fn names(sentence: &str, vocabulary: &HashSet<&str>, lexicon: &Lexicon) -> Vec<String> {
    let words = tokens(sentence, lexicon).into_iter().enumerate();
    let is_ordinary =
        |word: &Word| has(lexicon.links, &word.lower) || vocabulary.contains(word.lower.as_str());
    let names =
        words.filter(|(at, word)| word.kind == Kind::Capital && (*at > 0 || !is_ordinary(word)));
    names.map(|(_, word)| word.lower).collect()
}

/// Whether a sentence has the numbers, negations, hedges and attributions of the old one, and no name or fact that the old one has not.
fn says_the_same(old: &str, new: &str, vocabulary: &HashSet<&str>, lexicon: &Lexicon) -> bool {
    let (before, after) = (tokens(old, lexicon), tokens(new, lexicon));
    let lowers = |words: &[Word], kind| {
        let words = words.iter().filter(|word| word.kind == kind);
        words.map(|word| word.lower.clone()).collect::<Vec<_>>()
    };
    let sorted = |words: &[Word]| {
        let mut found = lowers(words, Kind::Attribution);
        found.sort_unstable();
        found
    };
    after.len() >= MIN_WORDS.max(before.len() * MIN_WORDS_PERCENT / 100)
        && numbers(&before) == numbers(&after)
        && kept_alike(&kept(&before), &kept(&after))
        && sorted(&before) == sorted(&after)
        && names_stay(old, new, vocabulary, lexicon)
        && adds_no_fact(&before, &after, vocabulary, lexicon)
}

/// The numbers of a sentence, each with what it counts: the next word, if that has a meaning of its own.
fn numbers(words: &[Word]) -> Vec<(&str, Option<&str>)> {
    let counted =
        |word: &Word| !matches!(word.kind, Kind::Link | Kind::Capital | Kind::Attribution);
    let pairs = words
        .iter()
        .enumerate()
        .filter(|(_, word)| word.kind == Kind::Number);
    pairs
        .map(|(at, word)| {
            let next = words.get(at + 1).filter(|next| counted(next));
            (word.lower.as_str(), next.map(|next| next.lower.as_str()))
        })
        .collect()
}

/// A word that has to stay, with the words before and after it.
type Kept<'a> = (&'a str, [Option<&'a str>; 2]);

fn kept(words: &[Word]) -> Vec<Kept<'_>> {
    let other = |word: &&Word| word.kind != Kind::Kept;
    let kept = words
        .iter()
        .enumerate()
        .filter(|(_, word)| word.kind == Kind::Kept);
    kept.map(|(at, word)| {
        let (before, after) = words.split_at(at);
        let before = before.iter().rev().find(other);
        let after = after.iter().find(other);
        (
            word.lower.as_str(),
            [before, after].map(|word| word.map(|word| word.lower.as_str())),
        )
    })
    .collect()
}

/// Whether the words that have to stay are the same, each beside at least one of its old neighbours.
fn kept_alike(old: &[Kept<'_>], new: &[Kept<'_>]) -> bool {
    let alike =
        |((a, [a1, a2]), (b, [b1, b2])): (&Kept<'_>, &Kept<'_>)| a == b && (a1 == b1 || a2 == b2);
    old.len() == new.len() && old.iter().zip(new).all(alike)
}

/// Whether the names of a sentence are some of the old one's, in the same order.
fn names_stay(old: &str, new: &str, vocabulary: &HashSet<&str>, lexicon: &Lexicon) -> bool {
    let before = tokens(old, lexicon);
    let known = names(old, vocabulary, lexicon);
    let after = tokens(new, lexicon).into_iter().enumerate();
    let is_ordinary = |word: &Word| {
        let is_old = |old: &Word| old.lower == word.lower && old.kind != Kind::Capital;
        let is_first = before
            .first()
            .is_some_and(|first| first.lower == word.lower)
            && !known.contains(&word.lower);
        has(lexicon.links, &word.lower) || before.iter().any(is_old) || is_first
    };
    let mut rest = known.iter();
    after
        .filter(|(at, word)| word.kind == Kind::Capital && !(*at == 0 && is_ordinary(word)))
        .all(|(_, word)| rest.any(|name| *name == word.lower))
}

/// Whether the words that a sentence has and the old one has not carry no facts. A few that the document has elsewhere may say what
/// a pronoun means, but not stand for a word that is dropped: `the council` is not exchanged for `the members`.
fn adds_no_fact(old: &[Word], new: &[Word], vocabulary: &HashSet<&str>, lexicon: &Lexicon) -> bool {
    let is_in = |words: &[Word], word: &Word| {
        let is_same = |other: &Word| other.lower == word.lower;
        words.iter().any(is_same)
    };
    let has_form = |words: &[Word], word: &Word| {
        let mut plain = words.iter().filter(|other| other.kind == Kind::Plain);
        plain.any(|other| is_form(&other.lower, &word.lower))
    };
    let is_plain = |word: &&Word| word.kind == Kind::Plain;
    let mut foreign = 0;
    for word in new.iter().filter(is_plain).filter(|word| !is_in(old, word)) {
        let is_opposite = |other: &Word| {
            is_reversed(&other.lower, &word.lower) || is_reversed(&word.lower, &other.lower)
        };
        if has(lexicon.outcomes, &word.lower) || old.iter().any(is_opposite) {
            return false;
        }
        if !has_form(old, word) {
            if !vocabulary.contains(word.lower.as_str()) {
                return false;
            }
            foreign += 1;
        }
    }
    let is_left = |word: &Word| is_in(new, word) || has_form(new, word);
    foreign == 0 || (foreign <= MAX_NEW_WORDS && old.iter().filter(is_plain).all(is_left))
}

/// Whether two words differ only in their endings.
fn is_form(a: &str, b: &str) -> bool {
    let common = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    let rest = |word: &str| word.chars().count() - common;
    common >= MIN_STEM && rest(a) <= MAX_ENDING && rest(b) <= MAX_ENDING
}

/// Whether `word` is the opposite of `base` by its beginning.
fn is_reversed(base: &str, word: &str) -> bool {
    let rest = word.strip_suffix(base);
    rest.is_some_and(|beginning| lexicon::REVERSALS.contains(&beginning))
}

#[cfg(test)]
mod tests;
