//! What each writer is told of the whole recording, from its outline.

use crate::prompt::Brief;
use crate::summary::outline::{Outline, Person, Point, PointKind, Term};
use crate::text::{Span, Tokens, tokens};
use crate::transcript::Passage;

/// Maximum tokens of the notes on the whole, and of the points about a part.
const NOTES_TOKENS: Tokens = Tokens(900);
const POINTS_TOKENS: Tokens = Tokens(500);

/// Maximum tokens of the transcript after a part that is shown.
const FOLLOWING_TOKENS: Tokens = Tokens(160);

/// An outline together with the sections of the document.
#[derive(Debug, Clone, Default)]
pub(crate) struct Briefing {
    pub(crate) outline: Outline,
    /// What came out of each part.
    pub(crate) headlines: Vec<String>,
}

impl Briefing {
    /// What the writer of the section about `passage` is told.
    pub(crate) fn section(&self, passage: &Passage) -> Brief {
        let Outline { people, terms, .. } = &self.outline;
        let has = |term: &&Term| passage.contains(&term.term);
        let notes = self.subject().chain(people.iter().map(person));
        let notes = notes.chain(terms.iter().filter(has).map(term));
        Brief {
            notes: within(notes, NOTES_TOKENS),
            headlines: self.headlines.clone(),
            points: within(self.points_in(passage.span()).map(point), POINTS_TOKENS),
            following: following(passage),
        }
    }

    /// What the writer of the overview is told.
    pub(crate) fn overview(&self) -> Brief {
        let kinds = [
            PointKind::Decision,
            PointKind::Action,
            PointKind::Open,
            PointKind::Conflict,
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

    /// The points that rest on the part at `span`.
    pub(crate) fn points_in(&self, span: Span) -> impl Iterator<Item = &Point> {
        let touches = move |part: &Span| part.start < span.end && span.start < part.end;
        let points = self.outline.points.iter();
        points.filter(move |point| point.spans.iter().any(touches))
    }

    fn subject(&self) -> impl Iterator<Item = String> {
        let subject = self.outline.subject.iter();
        subject.map(|subject| format!("SUBJECT: {subject}"))
    }

    fn notes(&self, more: impl Iterator<Item = String>) -> Brief {
        let people = self.outline.people.iter().map(person);
        Brief {
            notes: within(self.subject().chain(people).chain(more), NOTES_TOKENS),
            ..Brief::default()
        }
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
