//! Replaces misheard words and names by the right ones, from lists with a line `heard = right` each.
//!
//! Only whole words are replaced; in scripts without spaces between words, any occurrence. Where several entries match, the one
//! that begins first counts, and of those the longest. A right form counts as an entry too, which is replaced by itself: with
//! `Smith = John Smith`, "John Smith" stays. What is written in lower case matches in any case; what has capital letters
//! matches as it is, so that `IT = information technology` leaves "it" alone.
//!
//! Replacing a second time changes nothing. Where a replacement makes another one possible, that is made at once; a line that
//! does not settle after a few rounds stays as it is.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::text::script::Script;
use crate::text::{Span, sentence, terms, words};

/// Maximum length of a form in characters.
const MAX_CHARS: usize = 100;

/// How often the result of replacing is searched again.
const MAX_ROUNDS: usize = 8;

/// How many entries may replace the right form of another one in turn.
const MAX_STEPS: usize = 100;

/// The lists that entries come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// Names of speakers. An entry also renames the label that is exactly its heard form.
    SpeakerNames,
    /// Any words.
    Glossary,
}

/// A line of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The list.
    pub list: List,
    /// Number of the line, from 1.
    pub line: usize,
    /// What the transcript has.
    pub heard: String,
    /// What it should have.
    pub right: String,
}

/// A line that is no entry, or contradicts another one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} {problem}")]
pub struct BadLine {
    /// The list.
    pub list: List,
    /// Number of the line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

/// All entries, in a form in which they are found quickly.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Corrections {
    entries: Vec<Entry>,
    forms: Forms,
}

/// Texts to be found, by their first character in lower case, the longest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Forms(HashMap<char, Vec<Form>>);

/// A text to be found.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Form {
    text: String,
    /// What replaces it; `None` for a right form.
    right: Option<String>,
    any_case: bool,
}

/// A replacement of a part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) from: Span,
    pub(crate) to: String,
}

/// Reads a list: lines `heard = right`, and comments after `#` at the beginning of a line.
///
/// # Errors
/// If a line is broken or contradicts an earlier one.
pub fn read_list(text: &str, list: List) -> Result<Vec<Entry>, BadLine> {
    let mut entries: Vec<Entry> = Vec::new();
    for (index, text) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let line = index + 1;
        let bad = |problem: &str| {
            let problem = problem.to_owned();
            BadLine {
                list,
                line,
                problem,
            }
        };
        let (heard, right) = text.split_once('=').ok_or_else(|| bad("has no `=`"))?;
        let (heard, right) = (plain(heard), plain(right));
        for (form, place) in [(&heard, "before"), (&right, "after")] {
            if !form.contains(is_word) {
                return Err(bad(&format!("has no word {place} `=`")));
            }
            if form.chars().count() > MAX_CHARS {
                return Err(bad(&format!(
                    "has more than {MAX_CHARS} characters {place} `=`"
                )));
            }
        }
        match entries.iter().find(|entry| entry.heard == heard) {
            Some(entry) if entry.right == right => {}
            Some(entry) => {
                let problem = format!(
                    "replaces the same as line {}, by something else",
                    entry.line
                );
                return Err(bad(&problem));
            }
            None => entries.push(Entry {
                list,
                line,
                heard,
                right,
            }),
        }
    }
    Ok(entries)
}

/// A form with single spaces and composed characters, as transcripts are decoded.
fn plain(form: &str) -> String {
    let spaced = form.split_whitespace().collect::<Vec<_>>().join(" ");
    ComposingNormalizerBorrowed::new_nfc()
        .normalize(&spaced)
        .into_owned()
}

impl Entry {
    /// Whether it only renames a label: `A = Anna` and `You = Anna` would otherwise replace words that everybody says.
    fn is_label_only(&self) -> bool {
        let is_common =
            self.heard.chars().count() == 1 || terms::is_stopword(&self.heard.to_lowercase());
        self.list == List::SpeakerNames && is_common
    }
}

impl Corrections {
    /// Makes them from the entries of all lists. If two have the same heard form, the first counts.
    ///
    /// # Errors
    /// If entries replace each other in a circle.
    pub fn new(mut entries: Vec<Entry>) -> Result<Self, BadLine> {
        let mut forms = Forms::default();
        let replacing = entries.iter().filter(|entry| !entry.is_label_only());
        replacing.map(Form::heard).for_each(|form| forms.add(form));
        // What is right by one entry may be what another one replaces.
        for entry in &mut entries {
            let mut steps = 0;
            while let Some(right) = forms.replacement(&entry.right) {
                steps += 1;
                if steps > MAX_STEPS {
                    let (list, line) = (entry.list, entry.line);
                    let problem =
                        "is part of a circle: what is right by it is replaced in turn".to_owned();
                    return Err(BadLine {
                        list,
                        line,
                        problem,
                    });
                }
                entry.right = right.to_owned();
            }
        }
        let mut forms = Forms::default();
        let replacing = entries.iter().filter(|entry| !entry.is_label_only());
        let all = replacing.map(Form::heard);
        all.chain(entries.iter().map(Form::right))
            .for_each(|form| forms.add(form));
        forms.sort();
        Ok(Self { entries, forms })
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All entries, with what they come to in the end.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entries whose right forms occur in a corrected text, in the order of the lists.
    pub fn occurring(&self, text: &str) -> Vec<&Entry> {
        let mut found: HashSet<&str> = HashSet::new();
        self.walk(text, |span, form| {
            let right = form.right.as_deref().unwrap_or(&form.text);
            if form.right.is_none() || right == span.of(text) {
                found.insert(right);
            }
        });
        let entries = self.entries.iter();
        entries
            .filter(|entry| found.contains(entry.right.as_str()))
            .collect()
    }

    /// The text with everything replaced.
    #[must_use]
    pub fn apply<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let edits = self.edits(text);
        if edits.is_empty() {
            Cow::Borrowed(text)
        } else {
            Cow::Owned(applied(text, &edits))
        }
    }

    /// The name of the speaker with this label.
    pub(crate) fn name(&self, label: &str) -> String {
        let is_label = |entry: &&Entry| {
            entry.list == List::SpeakerNames && Form::heard(entry).is_all_of(label)
        };
        match self.entries.iter().find(is_label) {
            Some(entry) => entry.right.clone(),
            None => self.apply(label).into_owned(),
        }
    }

    /// The replacements in `text`, in order.
    pub(crate) fn edits(&self, text: &str) -> Vec<Edit> {
        let mut all = Vec::new();
        if self.is_empty() {
            return all;
        }
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let moved = self.settled(line).into_iter().map(|edit| Edit {
                from: Span::from(start + edit.from.start..start + edit.from.end),
                to: edit.to,
            });
            all.extend(moved);
            start += line.len();
        }
        all
    }

    /// The replacements in a line, after which no further ones are possible. None if there is no such state.
    fn settled(&self, line: &str) -> Vec<Edit> {
        let edits = self.once(line);
        if edits.is_empty() {
            return edits;
        }
        let mut text = applied(line, &edits);
        for round in 0..MAX_ROUNDS {
            let more = self.once(&text);
            match more.is_empty() {
                true if round == 0 => return edits,
                true => return vec![difference(line, &text)],
                false => text = applied(&text, &more),
            }
        }
        Vec::new()
    }

    /// The replacements in one pass.
    fn once(&self, text: &str) -> Vec<Edit> {
        let mut edits = Vec::new();
        self.walk(text, |from, form| {
            let (Some(right), found) = (&form.right, from.of(text)) else {
                return;
            };
            // At the beginning of a sentence a word is capitalized whatever it is.
            let is_capitalized = form.any_case && found.starts_with(char::is_uppercase);
            let to = if is_capitalized {
                words::capitalized(right)
            } else {
                right.clone()
            };
            if to != found {
                edits.push(Edit { from, to });
            }
        });
        edits
    }

    /// Calls `each` with all occurrences of forms.
    fn walk<'c>(&'c self, text: &str, mut each: impl FnMut(Span, &'c Form)) {
        let (mut at, mut before) = (0, None);
        while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
            let forms = match are_joined(before, Some(c)) {
                true => &[],
                false => self.forms.beginning_with(c),
            };
            let rest = Span::from(at..text.len()).of(text);
            let mut found = forms.iter();
            let found = found.find_map(|form| form.starts(rest).map(|len| (form, len)));
            let len = match found {
                Some((form, len)) => {
                    each(Span::from(at..at + len), form);
                    len
                }
                None => c.len_utf8(),
            };
            at += len;
            before = Span::from(at - len..at).of(text).chars().next_back();
        }
    }
}

impl Forms {
    fn add(&mut self, form: Form) {
        if let Some(first) = form.text.chars().next() {
            self.0.entry(folded(first)).or_default().push(form);
        }
    }

    fn sort(&mut self) {
        for forms in self.0.values_mut() {
            forms.sort_by_key(|form| std::cmp::Reverse(form.text.chars().count()));
        }
    }

    /// The forms that may begin with `c`.
    fn beginning_with(&self, c: char) -> &[Form] {
        self.0.get(&folded(c)).map_or(&[], Vec::as_slice)
    }

    /// What replaces the whole of `text`, if that is something else.
    fn replacement(&self, text: &str) -> Option<&str> {
        let forms = self.beginning_with(text.chars().next()?).iter();
        let mut rights = forms
            .filter(|form| form.is_all_of(text))
            .filter_map(|form| form.right.as_deref());
        rights.next().filter(|right| *right != text)
    }
}

impl Form {
    fn heard(entry: &Entry) -> Self {
        Self {
            right: Some(entry.right.clone()),
            ..Self::of(&entry.heard)
        }
    }

    fn right(entry: &Entry) -> Self {
        Self::of(&entry.right)
    }

    fn of(text: &str) -> Self {
        Self {
            any_case: !text.contains(char::is_uppercase),
            right: None,
            text: text.to_owned(),
        }
    }

    /// Whether it is the whole of `text`.
    fn is_all_of(&self, text: &str) -> bool {
        self.starts(text) == Some(text.len())
    }

    /// The length of this form at the beginning of `text`, if it is there as whole words.
    fn starts(&self, text: &str) -> Option<usize> {
        let mut rest = text;
        let mut last = None;
        for wanted in self.text.chars() {
            let c = rest.chars().next()?;
            if wanted == ' ' {
                let after = rest.trim_start_matches(|c: char| c.is_whitespace() && c != '\n');
                if after.len() == rest.len() {
                    return None;
                }
                rest = after;
                continue;
            }
            let is_apostrophe = |c| matches!(c, '\'' | '’');
            let is_same = wanted == c
                || is_apostrophe(wanted) && is_apostrophe(c)
                || self.any_case && wanted.to_lowercase().eq(c.to_lowercase());
            if !is_same {
                return None;
            }
            last = Some(c);
            rest = rest.get(c.len_utf8()..)?;
        }
        let next = rest.chars().next();
        // Korean writes particles without a space after a name.
        let is_hangul = |c: Option<char>| c.and_then(Script::of) == Some(Script::Hangul);
        let has_particle = is_hangul(last) && is_hangul(next) && self.text.chars().count() > 1;
        (has_particle || !are_joined(last, next)).then_some(text.len() - rest.len())
    }
}

/// The first character in lower case.
fn folded(c: char) -> char {
    match c {
        '’' => '\'',
        c => c.to_lowercase().next().unwrap_or(c),
    }
}

fn is_word(c: char) -> bool {
    let is_mark = matches!(c, '\u{300}'..='\u{36f}' | '\u{200c}' | '\u{200d}');
    let is_sign = || !c.is_ascii() && Script::of(c).is_some() && sentence::mark(c).is_none();
    c.is_alphanumeric() || c == '_' || is_mark || is_sign()
}

/// Whether two neighbouring characters belong to one word.
fn are_joined(a: Option<char>, b: Option<char>) -> bool {
    let is_spaced = |c: char| {
        let script = if c.is_ascii() { None } else { Script::of(c) };
        is_word(c) && !script.is_some_and(|script| script.is_ideographic() || script.is_unspaced())
    };
    a.is_some_and(is_spaced) && b.is_some_and(is_spaced)
}

fn applied(text: &str, edits: &[Edit]) -> String {
    let mut result = String::with_capacity(text.len());
    let mut end = 0;
    for edit in edits {
        result.push_str(Span::from(end..edit.from.start).of(text));
        result.push_str(&edit.to);
        end = edit.from.end;
    }
    result.push_str(Span::from(end..text.len()).of(text));
    result
}

/// One edit that makes `old` to `new`, without what they have in common at both ends.
fn difference(old: &str, new: &str) -> Edit {
    let alike = old.chars().zip(new.chars()).take_while(|(a, b)| a == b);
    let start: usize = alike.map(|(c, _)| c.len_utf8()).sum();
    let rest = |text: &str| Span::from(start..text.len()).of(text).to_owned();
    let (old_rest, new_rest) = (rest(old), rest(new));
    let alike = old_rest.chars().rev().zip(new_rest.chars().rev());
    let alike = alike.take_while(|(a, b)| a == b);
    let kept: usize = alike.map(|(c, _)| c.len_utf8()).sum();
    Edit {
        from: Span::from(start..old.len() - kept),
        to: Span::from(start..new.len() - kept).of(new).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corrections(names: &str, glossary: &str) -> Corrections {
        let mut entries = read_list(names, List::SpeakerNames).unwrap();
        entries.extend(read_list(glossary, List::Glossary).unwrap());
        Corrections::new(entries).unwrap()
    }

    #[test]
    fn whole_words_are_replaced_the_longest_first() {
        for (list, text, expected) in [
            (
                "brack water = Brackwater",
                "Brack water, brack  WATER's.",
                "Brackwater, Brackwater's.",
            ),
            (
                "brack = Brack AG",
                "bracket, unbrack, brack_1, brack",
                "bracket, unbrack, brack_1, Brack AG",
            ),
            (
                "Lee = Lee Novak\nLee Ng = Lee Nguyen",
                "Lee Ng and Lee",
                "Lee Nguyen and Lee Novak",
            ),
            (
                "Smith = John Smith",
                "Smith met John Smith.",
                "John Smith met John Smith.",
            ),
            (
                "IT = information technology",
                "It is IT.",
                "It is information technology.",
            ),
            ("kpi = key figure", "Kpi by kpi", "Key figure by key figure"),
            ("o'neil = O'Neill", "O’Neil went", "O'Neill went"),
            ("мария = Марья", "Мария и марияна", "Марья и марияна"),
            (
                "布莱克 = 布拉克",
                "我们和布莱克公司谈GPU",
                "我们和布拉克公司谈GPU",
            ),
            ("김철수 = 김철순", "김철수가 왔다", "김철순가 왔다"),
            ("राम = श्याम", "राम। रामायण", "श्याम। रामायण"),
            ("a = b\nb = c", "a b c", "c c c"),
            (
                "gas works = Gasworks\nGasworks lane = Gasworks Lane",
                "at gas works lane",
                "at Gasworks Lane",
            ),
            ("spk_0 = Dana", "spk_0 asked spk_01", "Dana asked spk_01"),
            ("# x = y\n\n x  =  y ", "x", "y"),
            ("x = y", "a x\nx", "a y\ny"),
            // Would never settle.
            (
                "a b = b a",
                &format!("{}b", "a ".repeat(20)),
                &format!("{}b", "a ".repeat(20)),
            ),
        ] {
            assert_eq!(corrections("", list).apply(text), expected, "{list}");
        }
    }

    #[test]
    fn common_words_are_replaced_as_labels_only() {
        let corrections = corrections("A = Anna\nYou = Ben\nspk_1 = Cem", "");
        assert_eq!(
            corrections.apply("A depot, You see, spk_1"),
            "A depot, You see, Cem"
        );
        let names = ["A", "You", "spk_1", "Dana"].map(|label| corrections.name(label));
        assert_eq!(names, ["Anna", "Ben", "Cem", "Dana"]);
    }

    #[test]
    fn entries_that_occur_are_told() {
        let corrections = corrections(
            "",
            "brack water = Brackwater\nspree = Spree\nlee = Lee Novak",
        );
        let text = corrections.apply("Brack water and the river Spree, Leeds");
        let found: Vec<&str> = corrections
            .occurring(&text)
            .iter()
            .map(|entry| entry.right.as_str())
            .collect();
        assert_eq!(found, ["Brackwater", "Spree"]);
    }

    #[test]
    fn broken_lines_are_errors_with_their_number() {
        let long = format!("x = {}", "y".repeat(101));
        for (list, line, problem) in [
            ("a = b\nc", 2, "has no `=`"),
            ("# comment\n = b", 2, "has no word before `=`"),
            ("a = -", 1, "has no word after `=`"),
            (long.as_str(), 1, "has more than 100 characters after `=`"),
            (
                "a = b\na = b\na = c",
                3,
                "replaces the same as line 1, by something else",
            ),
        ] {
            let error = read_list(list, List::Glossary).unwrap_err();
            assert_eq!((error.line, error.problem.as_str()), (line, problem));
        }
        let entries = read_list("a = b\nb = a", List::Glossary).unwrap();
        assert!(
            Corrections::new(entries)
                .unwrap_err()
                .problem
                .contains("circle")
        );
    }

    proptest::proptest! {
        #[test]
        fn replacing_twice_is_replacing_once(
            lines in proptest::collection::vec(("[aAb布]( ?[aBb布'_]){0,2}", "[aAb布]( ?[aBc布'_]){0,2}"), 1..5),
            text in "[aAbBc布' \n_.]{0,24}",
        ) {
            let list: String = lines.iter().map(|(heard, right)| format!("{heard} = {right}\n")).collect();
            let Ok(entries) = read_list(&list, List::Glossary) else { return Ok(()) };
            let Ok(corrections) = Corrections::new(entries) else { return Ok(()) };
            let once = corrections.apply(&text).into_owned();
            proptest::prop_assert_eq!(&*corrections.apply(&once), &once);
            let mut end = 0;
            for edit in corrections.edits(&text) {
                proptest::prop_assert!(edit.from.start >= end && text.get(end..edit.from.start).is_some());
                end = edit.from.end;
            }
            proptest::prop_assert!(text.get(end..).is_some());
        }
    }
}
