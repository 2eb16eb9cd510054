//! What each writer is told of the whole recording, from its outline.

use crate::prompt::Brief;
use crate::summary::lists::{List, ListKind};
use crate::summary::outline::{Outline, Person, Point, PointKind, Term, with_names};
use crate::summary::write::draft::Material;
use crate::text::{Span, Tokens, tokens, words};
use crate::transcript::Passage;

/// Maximum tokens of the notes on the whole, for a section and for all others, and of the points about a part.
const NOTES_TOKENS: Tokens = Tokens(900);
const MORE_NOTES_TOKENS: Tokens = Tokens(2400);
const POINTS_TOKENS: Tokens = Tokens(500);

/// Before what the reader does not know yet.
const NEW: &str = "NEW ";

/// Maximum tokens of the transcript after a part that is shown.
const FOLLOWING_TOKENS: Tokens = Tokens(160);

/// An outline together with the sections of the document.
#[derive(Debug, Clone, Default)]
pub(crate) struct Briefing {
    pub(crate) outline: Outline,
    /// What came out of each part.
    pub(crate) headlines: Vec<String>,
    /// The lists that the reader sees before the sections.
    pub(crate) lists: Vec<List>,
}

/// How well the reader of a section knows somebody or something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// From the lists, or from an earlier section.
    Already,
    /// It occurs here first.
    New,
    /// It does not occur.
    Absent,
}

impl Briefing {
    /// What the writer of the section about `material` is told, which follows on the sections about `earlier`.
    pub(crate) fn section(&self, material: &Material, earlier: &[Material]) -> Brief {
        let said = &*material.said();
        let Outline { people, terms, .. } = &self.outline;
        let people = people.iter().filter_map(|one| {
            let mut words: Vec<&str> = one.name.split(' ').collect();
            words.retain(|word| word.len() > 2 && word.starts_with(char::is_uppercase));
            words.extend(
                [one.name.as_str(), &one.short]
                    .iter()
                    .filter(|name| !name.is_empty()),
            );
            words.extend(one.label.as_deref());
            let has_short = !one.short.is_empty() && one.short != one.name;
            let tells = has_short || !one.role.is_empty() || one.label.is_some();
            let known = self.known(ListKind::People, &one.name, &words, said, earlier);
            marked(known, person(one)).filter(|_| tells)
        });
        let terms = terms.iter().filter_map(|one| {
            let words: Vec<&str> = one.term.split(" / ").collect();
            marked(
                self.known(ListKind::Terms, &one.term, &words, said, earlier),
                term(one),
            )
        });
        let notes = self.subject().chain(people).chain(terms);
        Brief {
            notes: within(notes, NOTES_TOKENS),
            headlines: self.headlines.clone(),
            points: within(self.points_in(material).map(point), POINTS_TOKENS),
            following: following(material.last()),
        }
    }

    /// What the writer of the overview is told.
    pub(crate) fn overview(&self) -> Brief {
        let kinds = [
            PointKind::Decision,
            PointKind::Open,
            PointKind::Figure,
            PointKind::Position,
            PointKind::Conflict,
            PointKind::Action,
        ];
        let points = kinds
            .into_iter()
            .flat_map(|kind| self.outline.of_kind(kind));
        self.notes(points.map(point))
    }

    /// What the last reader is told.
    pub(crate) fn last_read(&self) -> Brief {
        let open = self.outline.of_kind(PointKind::Open);
        self.notes(open.map(point))
    }

    /// The points that rest on the part: the outline names one of its lines first, or most of their lines are there. An open question
    /// belongs to the first part alone.
    fn points_in(&self, material: &Material) -> impl Iterator<Item = &Point> {
        let spans = material.spans();
        let touches = move |part: &&Span| {
            let mut own = spans.iter();
            own.any(|span| part.start < span.end && span.start < part.end)
        };
        let points = self.outline.points.iter();
        points.filter(move |point| {
            let here = point.spans.iter().filter(&touches).count();
            let begins = point.spans.first().is_some_and(|first| touches(&first));
            begins || point.kind != PointKind::Open && here * 2 > point.spans.len()
        })
    }

    /// What was said, with the names of those whose labels stand there, and what the terms that stand there mean.
    pub(crate) fn with_names(&self, said: &str) -> String {
        let Outline { people, terms, .. } = &self.outline;
        let mut text = with_names(said, people);
        for term in terms.iter().filter(|term| is_word(said, &term.term)) {
            text.push('\n');
            text.push_str(&term.meaning);
        }
        text
    }

    /// How well the reader of the section about what was `said` knows what one of `words` means, from the sections about `earlier`
    /// or from a list.
    fn known(
        &self,
        kind: ListKind,
        name: &str,
        words: &[&str],
        said: &str,
        earlier: &[Material],
    ) -> Known {
        let lists = self.lists.iter().filter(|list| list.kind == kind);
        let mut entries = lists.flat_map(|list| &list.entries);
        let is_listed =
            entries.any(|entry| entry.text.to_lowercase().starts_with(&name.to_lowercase()));
        let occurs = |text: &str| {
            let is_there = |word: &&str| is_word(text, word) || text.contains(&spelled(word));
            words.iter().any(is_there)
        };
        let is_earlier = || {
            let mut stretches = earlier.iter().flat_map(Material::stretches);
            stretches.any(|stretch| occurs(stretch))
        };
        match () {
            () if !occurs(said) => Known::Absent,
            () if is_listed || is_earlier() => Known::Already,
            () => Known::New,
        }
    }

    fn subject(&self) -> impl Iterator<Item = String> {
        let subject = self.outline.subject.iter();
        subject.map(|subject| format!("SUBJECT: {subject}"))
    }

    fn notes(&self, more: impl Iterator<Item = String>) -> Brief {
        let people = self.outline.people.iter().map(person);
        Brief {
            notes: within(self.subject().chain(people).chain(more), MORE_NOTES_TOKENS),
            ..Brief::default()
        }
    }
}

/// What the writer of several sections in a row is told, who is told of each part by itself.
pub(crate) fn together<'a>(briefs: impl Iterator<Item = &'a Brief>) -> Brief {
    let mut all = Brief::default();
    let mut notes: Vec<&str> = Vec::new();
    for brief in briefs {
        for line in brief.notes.lines() {
            // What is new in one of them is new to the reader.
            let bare = |line: &'a str| line.strip_prefix(NEW).unwrap_or(line);
            match notes.iter_mut().find(|known| bare(known) == bare(line)) {
                Some(known) if line.starts_with(NEW) => *known = line,
                Some(_) => {}
                None => notes.push(line),
            }
        }
        all.headlines.clone_from(&brief.headlines);
        all.following.clone_from(&brief.following);
    }
    all.notes = notes.iter().map(|line| format!("{line}\n")).collect();
    all
}

/// Whether `word` stands in `text` as it is, not as a part of another word.
fn is_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (text.get(..at), text.get(at + word.len()..));
        let is_part = |c: char| c.is_alphanumeric() && !words::is_unspaced(c);
        !before.is_some_and(|before| before.ends_with(is_part))
            && !after.is_some_and(|after| after.starts_with(is_part))
    })
}

/// An abbreviation as transcripts spell it: `L_C_D_`.
fn spelled(word: &str) -> String {
    word.chars().flat_map(|c| [c, '_']).collect()
}

/// A line of the notes, marked if the section has to say what it says.
fn marked(known: Known, line: String) -> Option<String> {
    match known {
        Known::Already => Some(line),
        Known::New => Some(format!("{NEW}{line}")),
        Known::Absent => None,
    }
}

fn person(person: &Person) -> String {
    let Person {
        label,
        name,
        role,
        short,
    } = person;
    let label = label
        .as_ref()
        .map_or_else(String::new, |label| format!("{label} = "));
    format!("PERSON: {label}{name} | {role} | {short}")
}

fn term(term: &Term) -> String {
    format!("TERM: {} | {}", term.term, term.meaning)
}

fn point(point: &Point) -> String {
    let Point {
        kind,
        text,
        subject,
        due,
        status,
        ..
    } = point;
    let fields = match kind {
        PointKind::Action => format!("{subject} | {text} | {due} | {status}"),
        PointKind::Figure => format!("{subject} | {text}"),
        _ => text.clone(),
    };
    format!("{}: {fields}", kind.name())
}

/// The first of `lines` that fit in `most`.
fn within(lines: impl Iterator<Item = String>, most: Tokens) -> String {
    let mut text = String::new();
    let mut left = most;
    for line in lines {
        let cost = tokens::estimate(&line) + Tokens(1);
        if cost > left {
            break;
        }
        left = left - cost;
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// The one or two turns after a passage, as far as they are short.
fn following(passage: &Passage) -> String {
    let shown = [2, 1]
        .into_iter()
        .filter_map(|count| passage.following(count, FOLLOWING_TOKENS.0 * 6));
    let mut shown = shown.filter(|shown| tokens::estimate(shown) <= FOLLOWING_TOKENS);
    shown
        .next()
        .map_or_else(String::new, |shown| shown.trim().to_owned())
}
