//! The units that are chosen from: sentences, cleaned for reading, with who said them.

use std::ops::Range;

use crate::extract::clean;
use crate::text::{sentence, words};
use crate::transcript::turn::{Turn, Turns};

/// One sentence.
#[derive(Debug)]
pub(crate) struct Unit {
    /// Who said it, as an index into [`Units::names`], if the transcript tells.
    pub(crate) speaker: Option<usize>,
    /// Without fillers, stutter and odd spacing.
    pub(crate) text: String,
    /// Words of `text`.
    pub(crate) words: usize,
    /// It has no mark at its end, though most sentences of the text have one.
    pub(crate) broken_off: bool,
}

/// All units of a text, in order.
#[derive(Debug)]
pub(crate) struct Units {
    names: Vec<String>,
    all: Vec<Unit>,
}

impl Units {
    /// The units of `text`; `going_on` speaks at its beginning.
    pub(crate) fn of(text: &str, going_on: Option<&str>) -> Self {
        let turns = Turns::parse(text);
        let mut names = turns.speakers().to_vec();
        let mut going_on = going_on.map(|name| {
            names
                .iter()
                .position(|known| known == name)
                .unwrap_or_else(|| {
                    names.push(name.to_owned());
                    names.len() - 1
                })
        });
        let mut units = Self {
            names,
            all: Vec::new(),
        };
        let first = turns.all().first().map_or(text.len(), Turn::start);
        units.add(text, 0..first, going_on);
        let ends = turns
            .all()
            .iter()
            .skip(1)
            .map(Turn::start)
            .chain([text.len()]);
        for (turn, end) in turns.all().iter().zip(ends) {
            going_on = turns.speaker_id(turn).or(going_on);
            units.add(text, turn.body().min(end)..end, going_on);
        }
        units.find_broken_off();
        units
    }

    fn find_broken_off(&mut self) {
        let ends = |unit: &Unit| {
            unit.text
                .ends_with(['.', '!', '?', '…', '"', '”', '。', '！', '？'])
        };
        if self.all.iter().filter(|unit| ends(unit)).count() * 2 > self.all.len() {
            for unit in &mut self.all {
                unit.broken_off = !ends(unit);
            }
        }
    }

    fn add(&mut self, text: &str, range: Range<usize>, speaker: Option<usize>) {
        let spoken = text.get(range).unwrap_or_default();
        for sentence in sentence::sentences(spoken) {
            let text = clean::clean(spoken.get(sentence).unwrap_or_default());
            if text.chars().any(char::is_alphanumeric) {
                let words = words::count(&text);
                self.all.push(Unit {
                    speaker,
                    text,
                    words,
                    broken_off: false,
                });
            }
        }
    }

    /// The units in `count` successive parts of about as many words each.
    pub(crate) fn strata(&self, count: usize) -> Vec<Range<usize>> {
        let total: usize = self.all.iter().map(|unit| unit.words).sum();
        let mut starts = vec![0];
        let mut words = 0;
        for (at, unit) in self.all.iter().enumerate() {
            if starts.len() < count && words * count >= total * starts.len() && at > 0 {
                starts.push(at);
            }
            words += unit.words;
        }
        let ends = starts.iter().skip(1).copied().chain([self.all.len()]);
        starts
            .iter()
            .copied()
            .zip(ends)
            .map(|(start, end)| start..end)
            .collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn get(&self, at: usize) -> Option<&Unit> {
        self.all.get(at)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Unit> {
        self.all.iter()
    }

    pub(crate) fn name(&self, speaker: Option<usize>) -> Option<&str> {
        speaker
            .and_then(|id| self.names.get(id))
            .map(String::as_str)
    }

    /// Words that naming this speaker takes.
    pub(crate) fn label_words(&self, speaker: Option<usize>) -> usize {
        self.name(speaker).map_or(0, words::count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_know_their_speakers() {
        let text =
            "and so we did. It went well.\n[00:01] Lee: Um, fine. Next?\n[00:02] Dana: I I agree.";
        let units = Units::of(text, Some("Dana"));
        let said: Vec<_> = units
            .iter()
            .map(|unit| (units.name(unit.speaker), unit.text.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                (Some("Dana"), "And so we did."),
                (Some("Dana"), "It went well."),
                (Some("Lee"), "Fine."),
                (Some("Lee"), "Next?"),
                (Some("Dana"), "I agree."),
            ]
        );
    }
}
