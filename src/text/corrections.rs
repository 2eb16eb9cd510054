//! Replaces misheard words and names by the right ones, from lists with a line `heard = right` each.
//!
//! Only whole words are replaced; in scripts without spaces between words, any occurrence. Where several entries match, the one
//! that begins first counts, and of those the longest. A right form counts as an entry too, which is replaced by itself: with
//! `Smith = John Smith`, "John Smith" stays. What is written in lower case matches in any case; what has capital letters
//! matches as it is or all in capitals, so that `IT = information technology` leaves "it" alone. Addresses and handles are
//! replaced as a whole or not at all.
//!
//! Replacing a second time changes nothing. Where a replacement makes another one possible, that is made at once; a line that
//! does not settle after a few rounds stays as it is. Labels are looked up in any case, and all at once: speakers whose names
//! are exchanged (`spk_0 = spk_1`, `spk_1 = spk_0`) are renamed where they are labels, and nowhere else.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::iter;

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::text::script::Script;
use crate::text::{Span, sentence, terms, words};

/// Maximum length of a form in characters.
const MAX_CHARS: usize = 100;

/// How often the result of replacing is searched again.
const MAX_ROUNDS: usize = 8;

/// How many entries may replace the right form of another one in turn.
const MAX_STEPS: usize = 100;

/// What begins with a capital letter wherever it stands, or is a label in many transcripts: forms of address, months, days, and
/// roles.
const COMMON: &str = "mr mrs ms miss mister sir madam lady lord dr doctor prof professor frau herr herrn fräulein doktor \
    monsieur madame mademoiselle señor señora señorita signor signora senhor senhora meneer mevrouw sie ich man \
    january february march april may june july august september october november december \
    januar jänner februar märz mai juni juli oktober dezember janvier février mars avril juin juillet août septembre octobre \
    novembre décembre enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre \
    monday tuesday wednesday thursday friday saturday sunday montag dienstag mittwoch donnerstag freitag samstag sonnabend \
    sonntag lundi mardi mercredi jeudi vendredi samedi dimanche lunes martes miércoles jueves viernes sábado domingo \
    host guest moderator interviewer interviewee speaker chair chairman chairwoman chairperson president judge court witness \
    operator narrator announcer presenter panelist audience caller agent customer client patient counsel clerk secretary \
    student teacher participant facilitator reporter assistant user question answer male female woman person voice unknown \
    gast gastgeber gastgeberin moderatorin moderation interviewerin befragter befragte sprecher sprecherin vorsitzender \
    vorsitzende präsident präsidentin richter richterin zeuge zeugin publikum teilnehmer teilnehmerin unbekannt frage antwort \
    hôte invité invitée animateur animatrice modérateur modératrice président présidente juge témoin locuteur \
    anfitrión anfitriona invitado invitada moderadora entrevistador entrevistadora presidente testigo orador hablante";

/// Endings of host names. Others are not told from sentences without a space between them.
const DOMAINS: &str = "com org net edu gov info io ai app dev eu de at ch fr es it nl uk us";

/// The lists that entries come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// Names of speakers. An entry also renames the label that is its heard form, in any case.
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
    /// Whether it only renames a label: `Host = Anna` and `You = Anna` would otherwise replace words that everybody says.
    pub labels_only: bool,
    /// How often the transcript has what was heard; 0 before a transcript is read.
    pub found: usize,
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
    /// The heard forms of names, for labels.
    labels: Forms,
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
    case: Case,
    /// Index of its entry.
    entry: usize,
}

/// How a form has to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    /// As it is.
    Exact,
    /// As it is, or all in capitals.
    OrCapitals,
    Any,
}

/// A replacement of a part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) from: Span,
    pub(crate) to: String,
}

/// Reads a list: lines `heard = right`, and comments after `#` at the beginning of a line or after a blank.
///
/// # Errors
/// If a line is broken or contradicts an earlier one.
pub fn read_list(text: &str, list: List) -> Result<Vec<Entry>, BadLine> {
    let mut entries: Vec<Entry> = Vec::new();
    for (index, text) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let text = before_comment(text).trim();
        if text.is_empty() {
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
        if text.contains(|c: char| c.is_control() && !c.is_whitespace()) {
            return Err(bad("has control characters: it is not UTF-8"));
        }
        if text.contains([
            '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}',
        ]) || text.contains(|c| ('\u{2066}'..='\u{2069}').contains(&c))
        {
            return Err(bad("has marks that turn the direction of text"));
        }
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
                labels_only: list == List::SpeakerNames && is_common(&heard),
                list,
                line,
                heard,
                right,
                found: 0,
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

/// What stands before a comment.
fn before_comment(line: &str) -> &str {
    let begins = |at: &usize| {
        let before = Span::from(0..*at).of(line);
        before.is_empty() || before.ends_with(char::is_whitespace)
    };
    let mut signs = line.match_indices('#').map(|(at, _)| at);
    signs
        .find(begins)
        .map_or(line, |at| Span::from(0..at).of(line))
}

/// Whether a name is a number, or each of its words is common.
fn is_common(name: &str) -> bool {
    let is_common = |word: &str| {
        let word = word.trim_matches(|c: char| !is_word(c)).to_lowercase();
        word.chars().count() == 1 && word.contains(char::is_alphabetic)
            || terms::is_stopword(&word)
            || COMMON.split_whitespace().any(|common| common == word)
    };
    !name.contains(char::is_alphabetic) || name.split(' ').all(is_common)
}

impl Corrections {
    /// Makes them from the entries of all lists. If two have the same heard form, the first counts.
    ///
    /// # Errors
    /// If entries replace each other in a circle.
    pub fn new(mut entries: Vec<Entry>) -> Result<Self, BadLine> {
        let all = Forms::heard(&entries, |_| true);
        let everywhere = Forms::heard(&entries, |entry| !entry.labels_only);
        // What is right by one entry may be what another one replaces.
        for entry in &mut entries {
            let forms = match entry.list {
                List::SpeakerNames => &all,
                List::Glossary => &everywhere,
            };
            let next = |right: &&str| forms.replacement(right);
            let mut steps = iter::successors(Some(entry.right.as_str()), next);
            let last = steps.by_ref().take(MAX_STEPS).last().map(str::to_owned);
            match (steps.next(), last) {
                (None, Some(last)) => entry.right = last,
                _ if entry.list == List::SpeakerNames => entry.labels_only = true,
                _ => {
                    let (list, line) = (entry.list, entry.line);
                    let problem =
                        "is part of a circle: what is right by it is replaced in turn".to_owned();
                    return Err(BadLine {
                        list,
                        line,
                        problem,
                    });
                }
            }
        }
        Ok(Self::of(entries))
    }

    /// Corrections by entries that do not replace what is right by others.
    fn of(entries: Vec<Entry>) -> Self {
        let mut forms = Forms::heard(&entries, |entry| !entry.labels_only);
        for (at, entry) in entries.iter().enumerate() {
            forms.add(Form::of(&entry.right, at));
        }
        forms.sort();
        let mut labels = Forms::default();
        for (at, entry) in entries.iter().enumerate() {
            if entry.list == List::SpeakerNames {
                labels.add(Form::of(&entry.heard.to_lowercase(), at));
            }
        }
        Self {
            entries,
            forms,
            labels,
        }
    }

    /// The corrections as they hold for a transcript with this text: a name that is also a word there, in lower case, is
    /// replaced as a label only.
    pub(crate) fn fitted(&self, text: &str) -> Self {
        let mut words = Forms::default();
        for (at, entry) in self.entries.iter().enumerate() {
            let (heard, lower) = (&entry.heard, entry.heard.to_lowercase());
            if entry.list == List::SpeakerNames && *heard != lower && is_one_word(heard) {
                words.add(Form {
                    case: Case::Exact,
                    ..Form::of(&lower, at)
                });
            }
        }
        let mut common = HashSet::new();
        words.walk(text, |_, form| {
            common.insert(form.entry);
        });
        let mut entries = self.entries.clone();
        for (at, entry) in entries.iter_mut().enumerate() {
            entry.labels_only |= common.contains(&at);
        }
        Self::of(entries)
    }

    /// The corrections for texts in another language than the transcript's, whose words may be those of a list by chance:
    /// labels such as `spk_0`.
    pub(crate) fn for_another_language(&self) -> Self {
        let is_safe = |entry: &&Entry| {
            entry.list == List::SpeakerNames && !entry.labels_only && !is_one_word(&entry.heard)
        };
        Self::of(self.entries.iter().filter(is_safe).cloned().collect())
    }

    /// Notes how often each entry was found.
    pub(crate) fn count(&mut self, found: &[usize]) {
        for &at in found {
            if let Some(entry) = self.entries.get_mut(at) {
                entry.found += 1;
            }
        }
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

    /// A list as a text that [`read_list`] reads.
    pub(crate) fn lines(&self, list: List) -> String {
        let entries = self.entries.iter().filter(|entry| entry.list == list);
        let lines = entries.map(|entry| format!("{} = {}\n", entry.heard, entry.right));
        lines.collect()
    }

    /// The entries that were found in the transcript and whose right forms occur in a corrected text, in the order of the lists.
    pub(crate) fn occurring(&self, text: &str) -> Vec<&Entry> {
        let mut found: HashSet<&str> = HashSet::new();
        self.forms.walk(text, |span, form| {
            let right = form.right.as_deref().unwrap_or(&form.text);
            if form.right.is_none() || right == span.of(text) {
                found.insert(right);
            }
        });
        let entries = self.entries.iter();
        entries
            .filter(|entry| entry.found > 0 && found.contains(entry.right.as_str()))
            .collect()
    }

    /// The text with everything replaced, line by line.
    #[must_use]
    pub fn apply<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut edits = Vec::new();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            self.settle(line, start, &mut edits, &mut Vec::new());
            start += line.len();
        }
        if edits.is_empty() {
            Cow::Borrowed(text)
        } else {
            Cow::Owned(applied(text, &edits))
        }
    }

    /// The name of the speaker with this label, and the entry that renames it, if one does: by the label, or else as it is
    /// `printed`.
    pub(crate) fn name(
        &self,
        label: &str,
        printed: impl IntoIterator<Item = String>,
    ) -> (String, Option<usize>) {
        let mut printed = printed.into_iter();
        let found = self.renames(label);
        match found.or_else(|| printed.find_map(|printed| self.renames(&printed))) {
            Some((entry, at)) => (entry.right.clone(), Some(at)),
            None => (self.apply(label).into_owned(), None),
        }
    }

    /// The entry for a label, and its place.
    fn renames(&self, label: &str) -> Option<(&Entry, usize)> {
        let forms = self.labels.beginning_with(label.chars().next()?).iter();
        let found = forms.filter(|form| form.is_all_of(label));
        let entry = |form: &Form| Some((self.entries.get(form.entry)?, form.entry));
        // As it is written, if there are several.
        found
            .filter_map(entry)
            .min_by_key(|(entry, _)| entry.heard != label)
    }

    /// Adds the replacements in a part of a transcript, where the line breaks of wrapped lines count as spaces, and the entries
    /// that were found.
    pub(crate) fn edits(
        &self,
        text: &str,
        part: Span,
        edits: &mut Vec<Edit>,
        found: &mut Vec<usize>,
    ) {
        let text = part.of(text);
        let mut within = HashSet::new();
        if text.trim_end().contains('\n') {
            self.forms.walk(text, |span, _| {
                let breaks = span.of(text).match_indices('\n');
                within.extend(breaks.map(|(at, _)| span.start + at));
            });
        }
        let breaks = text.match_indices('\n').map(|(at, _)| at);
        let ends = breaks
            .filter(|at| !within.contains(at))
            .map(|at| at + 1)
            .chain([text.len()]);
        let mut start = 0;
        for end in ends {
            let lines = Span::from(start..end).of(text);
            self.settle(lines, part.start + start, edits, found);
            start = end;
        }
    }

    /// Adds the replacements in lines that begin at `start`, after which no further ones are possible. None if there is no such
    /// state.
    fn settle(&self, lines: &str, start: usize, edits: &mut Vec<Edit>, found: &mut Vec<usize>) {
        let (mut entries, mut first) = (Vec::new(), Vec::new());
        for (entry, edit) in self.once(lines) {
            entries.push(entry);
            if edit.changes(lines) {
                first.push(edit);
            }
        }
        let mut text = applied(lines, &first);
        for round in 0..MAX_ROUNDS {
            let mut changes = Vec::new();
            if !first.is_empty() {
                changes = self.once(&text);
                changes.retain(|(_, edit)| edit.changes(&text));
            }
            if changes.is_empty() {
                if round > 0 {
                    first = vec![difference(lines, &text)];
                }
                found.extend(entries);
                edits.extend(first.into_iter().map(|edit| Edit {
                    from: Span::from(start + edit.from.start..start + edit.from.end),
                    ..edit
                }));
                return;
            }
            entries.extend(changes.iter().map(|(entry, _)| *entry));
            let changes: Vec<Edit> = changes.into_iter().map(|(_, edit)| edit).collect();
            text = applied(&text, &changes);
        }
    }

    /// What one pass finds, with the index of the entry. Some of it may be right already.
    fn once(&self, text: &str) -> Vec<(usize, Edit)> {
        let mut all = Vec::new();
        self.forms.walk(text, |from, form| {
            let Some(right) = &form.right else {
                return;
            };
            // At the beginning of a sentence a word is capitalized whatever it is.
            let is_capitalized =
                form.case == Case::Any && from.of(text).starts_with(char::is_uppercase);
            let to = if is_capitalized {
                words::capitalized(right)
            } else {
                right.clone()
            };
            all.push((form.entry, Edit { from, to }));
        });
        all
    }
}

impl Edit {
    fn changes(&self, text: &str) -> bool {
        self.from.of(text) != self.to
    }
}

impl Forms {
    /// The heard forms of some entries.
    fn heard(entries: &[Entry], counts: impl Fn(&Entry) -> bool) -> Self {
        let mut forms = Self::default();
        for (at, entry) in entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| counts(entry))
        {
            forms.add(Form {
                right: Some(entry.right.clone()),
                ..Form::of(&entry.heard, at)
            });
        }
        forms
    }

    fn add(&mut self, form: Form) {
        if let Some(first) = form.text.chars().next() {
            self.0.entry(folded(first)).or_default().push(form);
        }
    }

    fn sort(&mut self) {
        for forms in self.0.values_mut() {
            // What matches as it is before what also matches in other cases.
            let is_capital = |form: &Form| form.right.is_some() && form.case == Case::Exact;
            forms.sort_by_cached_key(|form| {
                let length = form.text.chars().count();
                std::cmp::Reverse(length * 2 + usize::from(is_capital(form)))
            });
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

    /// Calls `each` with all occurrences of forms.
    fn walk<'c>(&'c self, text: &str, mut each: impl FnMut(Span, &'c Form)) {
        if self.0.is_empty() {
            return;
        }
        let mut addresses = addresses(text).into_iter().peekable();
        let (mut at, mut before) = (0, None);
        while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
            while addresses.next_if(|address| address.end <= at).is_some() {}
            let address = addresses.peek();
            let forms = match before == Some('@') || are_joined(before, Some(c)) {
                true => &[],
                false => self.beginning_with(c),
            };
            let rest = Span::from(at..text.len()).of(text);
            let is_part = |end: usize| address.is_some_and(|one| one.start < end && end < one.end);
            let found = forms.iter().find_map(|form| {
                let len = form.starts(rest).filter(|len| !is_part(at + len))?;
                Some((form, len))
            });
            let len = match found {
                Some((form, len)) => {
                    each(Span::from(at..at + len), form);
                    len
                }
                None => match address {
                    Some(address) if address.start == at => address.len(),
                    _ => c.len_utf8(),
                },
            };
            at += len;
            before = Span::from(at - len..at).of(text).chars().next_back();
        }
    }
}

impl Form {
    /// A right form, or one to look up.
    fn of(text: &str, entry: usize) -> Self {
        let has = |is: fn(char) -> bool| text.contains(is);
        Self {
            case: match (has(char::is_uppercase), has(char::is_lowercase)) {
                (false, _) => Case::Any,
                (true, true) => Case::OrCapitals,
                (true, false) => Case::Exact,
            },
            right: None,
            text: text.to_owned(),
            entry,
        }
    }

    /// Whether it is the whole of `text`.
    fn is_all_of(&self, text: &str) -> bool {
        self.starts(text) == Some(text.len())
    }

    /// The length of this form at the beginning of `text`, if it is there as whole words.
    fn starts(&self, text: &str) -> Option<usize> {
        let is_same = |wanted: char, c: char| {
            wanted == c || self.case == Case::Any && wanted.to_lowercase().eq(c.to_lowercase())
        };
        let found = self.length(text, is_same);
        let is_capital = |wanted: char, c: char| wanted.to_uppercase().eq([c]);
        match self.case {
            Case::OrCapitals => found.or_else(|| self.length(text, is_capital)),
            Case::Exact | Case::Any => found,
        }
    }

    fn length(&self, text: &str, is_same: impl Fn(char, char) -> bool) -> Option<usize> {
        let mut rest = text;
        let mut last = None;
        for wanted in self.text.chars() {
            let c = rest.chars().next()?;
            if wanted == ' ' {
                let after = rest.trim_start();
                let blank = Span::from(0..rest.len() - after.len()).of(rest);
                // An empty line begins something new.
                if blank.is_empty() || blank.matches('\n').count() > 1 {
                    return None;
                }
                rest = after;
                continue;
            }
            let is_apostrophe = |c| matches!(c, '\'' | '’');
            let are_apostrophes = is_apostrophe(wanted) && is_apostrophe(c);
            if !is_same(wanted, c) && !are_apostrophes {
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

/// Whether it is a part of words that stand between spaces.
fn is_spaced(c: char) -> bool {
    let script = if c.is_ascii() { None } else { Script::of(c) };
    is_word(c) && !script.is_some_and(|script| script.is_ideographic() || script.is_unspaced())
}

/// Whether two neighbouring characters belong to one word.
fn are_joined(a: Option<char>, b: Option<char>) -> bool {
    a.is_some_and(is_spaced) && b.is_some_and(is_spaced)
}

/// Whether nothing tells it from a word.
fn is_one_word(text: &str) -> bool {
    text.chars().all(char::is_alphabetic)
}

/// E-mail addresses, web addresses and handles, in order.
fn addresses(text: &str) -> Vec<Span> {
    let bytes = text.as_bytes().windows(2);
    let mut dots = bytes.filter(|pair| matches!(pair, [b'.', b'a'..=b'z'] | [b':', b'/']));
    if !text.contains('@') && dots.next().is_none() {
        return Vec::new();
    }
    let ends =
        |c: char| c.is_whitespace() || "<>()[]{}\"'|".contains(c) || !c.is_ascii() && !is_spaced(c);
    let mut all = Vec::new();
    let mut start = 0;
    for token in text.split_inclusive(ends) {
        let address = token.trim_end_matches(|c: char| ends(c) || ".,:;!?".contains(c));
        if is_address(address) {
            all.push(Span::from(start..start + address.len()));
        }
        start += token.len();
    }
    all
}

fn is_address(token: &str) -> bool {
    let is_mail = token
        .split_once('@')
        .is_some_and(|(_, after)| after.starts_with(is_word));
    let host = token.split('/').next().unwrap_or_default();
    let is_host = host.rsplit_once('.').is_some_and(|(name, domain)| {
        name.ends_with(is_word) && DOMAINS.split(' ').any(|known| known == domain)
    });
    is_mail || is_host || token.contains("://") || token.starts_with("www.")
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
            (
                "Jon = John # the boss\nc sharp = C#",
                "Jon, c sharp",
                "John, C#",
            ),
            // In capitals, too.
            (
                "Mr. Smith = John Smith",
                "MR. SMITH, mr. smith",
                "John Smith, mr. smith",
            ),
            (
                "Jon = John\nJON = Joint Network",
                "Jon of JON",
                "John of Joint Network",
            ),
            ("Bob = BOB", "Bob, BOB", "BOB, BOB"),
            // Addresses are replaced as a whole or not at all.
            (
                "brack = Brackwater\njon@brack.com = john@brack.com\nask brack = Ask",
                "brack@x.org, a.brack@x.org; https://brack.de/brack?q=brack, www.brack (brack.com), @brack, jon@brack.com. Ask brack.com",
                "brack@x.org, a.brack@x.org; https://brack.de/brack?q=brack, www.brack (brack.com), @brack, john@brack.com. Ask brack.com",
            ),
            (
                "布莱克 = 布拉克",
                "写信给@布莱克吧，布莱克a@x.org",
                "写信给@布莱克吧，布拉克a@x.org",
            ),
            (
                "brack = Brackwater",
                "the end.brack, brack@",
                "the end.Brackwater, Brackwater@",
            ),
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
        for (list, text, expected) in [
            (
                "A = Anna\nYou = Ben\nspk_1 = Cem",
                "A depot, You see, spk_1",
                "A depot, You see, Cem",
            ),
            (
                "Mai = Mailin\nFrau = Franka\nIch = Igor",
                "Am 3. Mai kommt Frau Zyl. Ich auch.",
                "",
            ),
            (
                "May = Mae\nHost = Dana\nThe Witness = Lee",
                "On May 3 the Host and The Witness",
                "",
            ),
            ("03 = Dana", "at 12:03", ""),
            (
                "Mark = Marc\nWolf = Wulf",
                "Mark the date, mark it, Wolf",
                "Mark the date, mark it, Wulf",
            ),
            (
                "Speaker 1 = Dana",
                "Speaker 1 and a speaker",
                "Dana and a speaker",
            ),
        ] {
            let fitted = corrections(list, "").fitted(text);
            let expected = if expected.is_empty() { text } else { expected };
            assert_eq!(fitted.apply(text), expected, "{list}");
        }
    }

    #[test]
    fn labels_are_renamed_in_any_case_and_all_at_once() {
        let name = |list: &str, label: &str| corrections(list, "").name(label, None).0;
        for (list, label, expected) in [
            ("A = Anna", "A", "Anna"),
            ("You = Ben", "YOU", "Ben"),
            ("Mr. Smith = John Smith", "MR. SMITH", "John Smith"),
            ("SPK_0 = Dana", "spk_0", "Dana"),
            ("spk_0 = Dana\nSPK_0 = Lee", "SPK_0", "Lee"),
            ("spk_0 = spk_1\nspk_1 = spk_0", "spk_0", "spk_1"),
            ("spk_0 = spk_1\nspk_1 = spk_0", "spk_1", "spk_0"),
            ("A = B\nB = C\nC = A", "B", "C"),
            ("spk_3 = spk_1\nspk_1 = Dana", "spk_3", "Dana"),
            ("spk_0 = Dana", "Lee", "Lee"),
        ] {
            assert_eq!(name(list, label), expected, "{list}: {label}");
        }
        // What the model was shown is right already.
        let swapped = corrections("spk_0 = spk_1\nspk_1 = spk_0", "");
        assert_eq!(swapped.apply("spk_0, spk_1"), "spk_0, spk_1");
    }

    #[test]
    fn only_labels_are_replaced_in_another_language() {
        let other = corrections(
            "spk_0 = Dana\nDie = Diana\nLee Ng = Lee Nguyen",
            "und = and",
        )
        .for_another_language();
        assert_eq!(
            other.apply("Die spk_0 und Lee Ng"),
            "Die Dana und Lee Nguyen"
        );
    }

    #[test]
    fn entries_that_occur_are_told() {
        let mut corrections = corrections(
            "",
            "brack water = Brackwater\nspree = Spree\nlee = Lee Novak\nBob = Jonathan",
        );
        let text = "Brack\nwater and the river Spree, Leeds, Jonathan. brack\n\nwater";
        let (mut edits, mut found) = (Vec::new(), Vec::new());
        corrections.edits(text, Span::from(0..text.len()), &mut edits, &mut found);
        let text = applied(text, &edits);
        assert_eq!(
            text,
            "Brackwater and the river Spree, Leeds, Jonathan. brack\n\nwater"
        );
        corrections.count(&found);
        let found: Vec<(&str, usize)> = corrections
            .occurring(&text)
            .iter()
            .map(|entry| (entry.right.as_str(), entry.found))
            .collect();
        assert_eq!(found, [("Brackwater", 1), ("Spree", 1)]);
    }

    #[test]
    fn broken_lines_are_errors_with_their_number() {
        let long = format!("x = {}", "y".repeat(101));
        for (list, line, problem) in [
            ("a = b\nc", 2, "has no `=`"),
            ("# comment\n = b", 2, "has no word before `=`"),
            ("a = -", 1, "has no word after `=`"),
            ("a # = b", 1, "has no `=`"),
            (
                "a = b\u{202e}",
                1,
                "has marks that turn the direction of text",
            ),
            ("a\0 = b", 1, "has control characters: it is not UTF-8"),
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
        let mut entries = read_list("a = b\nb = a", List::Glossary).unwrap();
        entries.extend(read_list("Dana = Lee\nLee = Dana", List::SpeakerNames).unwrap());
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
            let mut edits = Vec::new();
            corrections.edits(&text, Span::from(0..text.len()), &mut edits, &mut Vec::new());
            for edit in edits {
                proptest::prop_assert!(edit.from.start >= end && text.get(end..edit.from.start).is_some());
                end = edit.from.end;
            }
            proptest::prop_assert!(text.get(end..).is_some());
        }
    }
}
