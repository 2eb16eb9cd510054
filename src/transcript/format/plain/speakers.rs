//! Decides which labels are speakers, from all labels of a text.
//!
//! A tool writes all its heads in one shape, so a shape counts if its labels recur and open enough of the turns, and a label
//! counts if its shape does and if it recurs too. A label that occurs only once counts where nearly every turn has a label.

use std::collections::HashMap;

use crate::transcript::segment::{Recent, Speaker};

use super::head::{self, Separator};
use super::name::{self, Shape};

/// Labels that alternate this often are those of speakers, however few they are.
const MIN_TURNS: u32 = 8;

/// A value for each separator.
#[derive(Debug, Default, Clone, Copy)]
struct BySeparator<T>([T; Separator::ALL.len()]);

impl<T: Copy + Default> BySeparator<T> {
    fn of(&self, separator: Separator) -> T {
        self.0.get(separator as usize).copied().unwrap_or_default()
    }
}

/// What is known about a label, and after [`Labels::merge`] about a person.
#[derive(Debug)]
struct Label<'t> {
    text: &'t str,
    shape: Shape,
    /// The label looks like a name and is none.
    is_other: bool,
    /// Number of occurrences with each separator.
    counts: BySeparator<u32>,
    /// The first label of the same person.
    person: usize,
    /// Number of occurrences of the person with separators that count.
    total: u32,
    /// The speaker, if the label counts as one and has occurred.
    speaker: Option<Speaker>,
}

/// All labels of a text.
#[derive(Default)]
pub(super) struct Labels<'t> {
    all: Vec<Label<'t>>,
    known: HashMap<&'t str, Speaker>,
    recent: Recent,
    /// For each separator the last label, and how often another one followed it.
    last: BySeparator<Option<Speaker>>,
    changes: BySeparator<u32>,
}

/// Numbers of lines in a text, with which the numbers of heads are compared.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Lines {
    /// Lines that may open a turn: after a blank line, a head or the end of a sentence.
    pub(super) openings: u32,
    /// Lines with a time stamp.
    pub(super) stamps: u32,
    /// Most labels are followed by values, not by sentences.
    pub(super) are_values: bool,
    /// Most lines are in capital letters or mark changes of speakers without names.
    pub(super) are_unnamed: bool,
}

/// How often a shape occurs.
#[derive(Debug, Default, Clone, Copy)]
struct Usage {
    /// Heads with labels that may be names.
    heads: u32,
    /// Heads with labels that recur.
    recurring: u32,
    /// Distinct labels that recur.
    labels: u32,
    /// Labels that another one came before.
    changes: u32,
}

/// The shapes in which a text writes its heads.
pub(super) struct Decision {
    lines: Lines,
    usage: BySeparator<Usage>,
    is_allowed: BySeparator<bool>,
}

impl<'t> Labels<'t> {
    /// Counts a label and returns its id. `None` if there are more distinct labels than possible speakers.
    pub(super) fn count(&mut self, line: &'t str, label: &head::Label) -> Option<Speaker> {
        let text = label.span.of(line);
        let recent = self.recent.find(|id| self.is(Some(id), text));
        let id = match recent.or_else(|| self.known.get(text).copied()) {
            Some(id) => id,
            None => {
                let id = Speaker::new(self.all.len())?;
                self.all.push(Label {
                    text,
                    shape: label.shape,
                    is_other: label.separator != Separator::Voice && name::is_other(text),
                    counts: BySeparator::default(),
                    person: self.all.len(),
                    total: 0,
                    speaker: None,
                });
                self.known.insert(text, id);
                id
            }
        };
        let separator = label.separator as usize;
        if let (Some(last), Some(changes)) = (
            self.last.0.get_mut(separator),
            self.changes.0.get_mut(separator),
        ) {
            *changes += u32::from(last.replace(id) != Some(id));
        }
        if recent.is_none() {
            self.recent.add(id);
        }
        self.change(id, label.separator, 1);
        Some(id)
    }

    /// Whether a label has this text.
    pub(super) fn is(&self, id: Option<Speaker>, text: &str) -> bool {
        id.and_then(|id| self.all.get(id.index()))
            .is_some_and(|label| label.text == text)
    }

    /// Whether a label, in all its variants, occurs once.
    pub(super) fn is_single(&self, id: Speaker) -> bool {
        let label = self.all.get(id.index());
        let person = label.and_then(|label| self.all.get(label.person));
        person.is_some_and(|person| person.counts.0.iter().sum::<u32>() == 1)
    }

    /// Whether a label consists of the initials of a name.
    pub(super) fn is_initials(&self, id: Option<Speaker>, name: &str) -> bool {
        id.and_then(|id| self.all.get(id.index()))
            .is_some_and(|label| name::is_initials(label.text, name))
    }

    /// Adds to the occurrences of a label with a separator.
    pub(super) fn change(&mut self, id: Speaker, separator: Separator, by: i32) {
        let label = self.all.get_mut(id.index());
        if let Some(count) = label.and_then(|label| label.counts.0.get_mut(separator as usize)) {
            *count = count.saturating_add_signed(by);
        }
    }

    /// Finds the labels that are variants of one name, and decides which shapes count.
    pub(super) fn decide(&mut self, lines: Lines) -> Decision {
        // All have been counted.
        self.known = HashMap::new();
        self.merge();
        let mut usage = BySeparator::<Usage>::default();
        for (usage, changes) in usage.0.iter_mut().zip(self.changes.0) {
            usage.changes = changes;
        }
        let (mut has_question, mut has_answer) = (false, false);
        for label in self.all.iter().filter(|label| !label.is_other) {
            for (usage, &count) in usage.0.iter_mut().zip(&label.counts.0) {
                usage.heads += if label.shape == Shape::Strict {
                    count
                } else {
                    0
                };
                usage.recurring += if count > 1 { count } else { 0 };
                usage.labels += u32::from(count > 1);
            }
            let questions = label.counts.of(Separator::Question);
            has_question |= questions > 1 && label.text == "Q";
            has_answer |= questions > 1 && label.text == "A";
        }
        let mut decision = Decision {
            lines,
            usage,
            is_allowed: BySeparator::default(),
        };
        let is_plausible = |separator: &Separator| match separator {
            // Reporters are nameless beside those whom they ask.
            Separator::Question => {
                has_question && (has_answer || decision.of(Separator::Colon).labels > 0)
            }
            separator => decision.is_plausible(*separator),
        };
        // Typists forget blanks.
        let forgets_blanks =
            decision.of(Separator::TightColon).heads > 0 && decision.is_plausible(Separator::Colon);
        let size = |separator: &Separator| {
            let Usage {
                heads, recurring, ..
            } = decision.of(*separator);
            heads.max(recurring)
        };
        let main = Separator::ALL
            .into_iter()
            .filter(is_plausible)
            .max_by_key(size);
        if let Some(main) = main {
            let is_allowed = Separator::ALL.map(|separator| {
                let is_frequent = decision.of(separator).recurring * 4 >= size(&main);
                let is_apart = matches!(separator, Separator::Line | Separator::Inline);
                is_plausible(&separator) && (separator == main || (is_frequent && !is_apart))
                    || (separator == Separator::Question && is_plausible(&separator))
                    || separator == Separator::Voice
                    || (separator == Separator::TightColon
                        && main == Separator::Colon
                        && forgets_blanks)
            });
            decision.is_allowed = BySeparator(is_allowed);
        }
        for label in &mut self.all {
            let allowed = label.counts.0.iter().zip(decision.is_allowed.0);
            label.total = allowed
                .filter(|(_, is_allowed)| *is_allowed)
                .map(|(count, _)| count)
                .sum();
        }
        decision
    }

    /// Joins the counts of labels that are one name: in another case, composed differently, with or without a role.
    fn merge(&mut self) {
        let names: Vec<String> = self
            .all
            .iter()
            .map(|label| name::fold(&name::clean(label.text)))
            .collect();
        // The role of each name, or none if the name occurs with different roles.
        let mut roles: HashMap<&str, Option<&str>> = HashMap::new();
        for name in &names {
            if let (base, Some(role)) = name::split_role(name) {
                let known = roles.entry(base).or_insert(Some(role));
                *known = known.filter(|known| *known == role);
            }
        }
        // The only full name that ends in a surname.
        let mut surnames: HashMap<&str, Option<&str>> = HashMap::new();
        for (name, label) in names.iter().zip(&self.all) {
            let (base, _) = name::split_role(name);
            let is_on_line = label.counts.of(Separator::Line) > 0;
            if let Some((_, surname)) = base.rsplit_once(' ').filter(|_| !is_on_line) {
                let known = surnames.entry(surname).or_insert(Some(base));
                *known = known.filter(|known| *known == base);
            }
        }
        let mut persons: HashMap<&str, usize> = HashMap::new();
        for (index, name) in names.iter().enumerate() {
            let (base, role) = name::split_role(name);
            let is_one = role.is_none() || roles.get(base).copied().flatten().is_some();
            let key = if is_one { base } else { name };
            let full = surnames.get(key).copied().flatten();
            let person = *persons.entry(full.unwrap_or(key)).or_insert(index);
            let Some(label) = self.all.get_mut(index) else {
                continue;
            };
            label.person = person;
            let (text, counts, shape, is_other) =
                (label.text, label.counts, label.shape, label.is_other);
            if let Some(first) = self.all.get_mut(person).filter(|_| person != index) {
                for (sum, count) in first.counts.0.iter_mut().zip(counts.0) {
                    *sum += count;
                }
                first.shape = first.shape.max(shape);
                first.is_other |= is_other;
                let (own, first_role) = name::split_role(first.text);
                if full.is_none() && role.is_none() && first_role.is_some() {
                    first.text = text;
                } else if full.is_some() {
                    first.text = own;
                } else if own.split(' ').nth(1).is_none() && text.split(' ').nth(1).is_some() {
                    first.text = name::split_role(text).0;
                }
            }
            if person != index
                && let Some(label) = self.all.get_mut(index)
            {
                label.counts = BySeparator::default();
            }
        }
    }

    /// The speaker of a head, if its label counts as one. A new speaker's name is added to `names`.
    pub(super) fn speaker(
        &mut self,
        id: Speaker,
        separator: Separator,
        is_opening: bool,
        decision: &Decision,
        names: &mut Vec<String>,
    ) -> Option<Speaker> {
        let person = self.all.get(id.index())?.person;
        let label = self.all.get_mut(person)?;
        if !decision.is_speaker(label, separator, is_opening) {
            return None;
        }
        if label.speaker.is_none() {
            let speaker = Speaker::new(names.len())?;
            label.speaker = Some(speaker);
            names.push(name::clean(label.text));
        }
        label.speaker
    }

    /// Whether a label is written as the speaker's name is, apart from a role.
    pub(super) fn is_written(&self, id: Speaker, name: &str) -> bool {
        // A person keeps the first text of its own, which may have become another variant.
        let text = self.all.get(id.index()).map_or("", |label| label.text);
        text == name || name::split_role(text).0 == name::split_role(name).0
    }
}

impl Decision {
    fn of(&self, separator: Separator) -> Usage {
        self.usage.of(separator)
    }

    /// Whether a shape is used for heads: its labels recur and open enough of the turns.
    fn is_plausible(&self, separator: Separator) -> bool {
        let Usage {
            heads,
            recurring,
            labels,
            changes,
        } = self.of(separator);
        let Lines {
            openings, stamps, ..
        } = self.lines;
        // The same few people take turns, however long these are.
        let alternate = labels > 1
            && recurring >= MIN_TURNS
            && recurring * 10 >= heads * 9
            && changes * 4 >= recurring * 3;
        match separator {
            Separator::Voice => heads > 0,
            _ if self.lines.are_values => false,
            Separator::Colon => {
                (recurring > 0 && recurring * 33 >= openings) || heads * 2 > openings || alternate
            }
            Separator::Clock => {
                (heads > 0 && heads * 2 > stamps) || (labels > 1 && recurring * 4 >= stamps)
            }
            Separator::Address => labels > 1 && recurring > 3 && recurring * 33 >= openings,
            Separator::Line | Separator::Stop if self.lines.are_unnamed => false,
            Separator::Line => labels > 1 && recurring * 4 >= openings,
            Separator::Inline => labels > 1 && recurring > 3,
            Separator::Question => false,
            Separator::Column
                if recurring > 0 && recurring * 2 > stamps && stamps * 2 > openings =>
            {
                true
            }
            _ => labels > 1 && recurring * 2 >= openings,
        }
    }

    /// Whether nearly every turn has a head of this shape.
    fn is_usual(&self, separator: Separator) -> bool {
        let Usage {
            heads,
            recurring,
            labels,
            ..
        } = self.of(separator);
        let Lines {
            openings, stamps, ..
        } = self.lines;
        match separator {
            Separator::Voice => true,
            Separator::Clock => heads * 2 > stamps,
            Separator::Line => labels > 1 && recurring * 5 > openings * 2,
            Separator::Inline | Separator::Question => false,
            Separator::Address => heads.max(recurring) * 2 > openings,
            _ => heads * 2 > openings,
        }
    }

    fn is_speaker(&self, label: &Label, separator: Separator, is_opening: bool) -> bool {
        let total = label.total;
        // A known person may be named in another way once.
        let is_firm = matches!(separator, Separator::Colon | Separator::Clock) && total > 1;
        if label.is_other || !self.is_allowed.of(separator) {
            return is_firm && !label.is_other;
        }
        let shape = match separator {
            Separator::TightColon if self.is_allowed.of(Separator::Colon) => Separator::Colon,
            separator => separator,
        };
        let Usage {
            recurring, labels, ..
        } = self.of(shape);
        let is_shared =
            labels > 1 || recurring * 4 >= self.lines.openings || separator == Separator::Question;
        match label.shape {
            // `M. le président` is in lower case wherever he speaks.
            Shape::Loose if separator == Separator::Address => total > 1,
            Shape::Loose => total > 1 && labels > 1 && recurring * 2 > self.lines.openings,
            Shape::Strict => (total > 1 && is_shared) || (is_opening && self.is_usual(separator)),
        }
    }
}
