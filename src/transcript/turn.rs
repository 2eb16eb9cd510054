//! Turns: who said what when, wherever the transcript tells.

use std::collections::HashMap;
use std::num::NonZeroU16;
use std::ops::Range;

use crate::transcript::label;

/// One turn: from its label to the next one's. Offsets are bytes of the text; kept small, for there may be a million.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    start: u32,
    /// Where the spoken text begins, from `start`.
    body: u16,
    time_at: u16,
    time_len: u16,
    speaker: Option<NonZeroU16>,
}

impl Turn {
    /// Byte at which the line of this turn begins.
    #[must_use]
    pub fn start(&self) -> usize {
        self.start as usize
    }

    /// Byte at which the spoken text begins.
    #[must_use]
    pub fn body(&self) -> usize {
        self.start() + usize::from(self.body)
    }

    fn time(&self) -> Option<Range<usize>> {
        let start = self.start() + usize::from(self.time_at);
        (self.time_len > 0).then(|| start..start + usize::from(self.time_len))
    }
}

/// All turns of a transcript in order. Empty if it names no speakers and no times; nothing else depends on them.
#[derive(Debug, Clone, Default)]
pub struct Turns {
    turns: Vec<Turn>,
    speakers: Vec<String>,
}

/// Something that may be a speaker's name, and how often it occurs.
#[derive(Clone, Copy)]
struct Name<'t> {
    text: &'t str,
    with_colon: u32,
    alone: u32,
    /// Next to a time stamp, which leaves no doubt.
    timed: u32,
    /// Its place among the speakers, once it has one.
    speaker: Option<NonZeroU16>,
}

/// A line that begins a turn if its label is a speaker's name, or if it has a time.
#[derive(Clone, Copy)]
struct Candidate {
    /// As it is with a speaker.
    turn: Turn,
    /// Index of the label among the names.
    name: Option<u32>,
    colon: bool,
}

/// What the lines of a text begin with.
#[derive(Default)]
struct Heads<'t> {
    candidates: Vec<Candidate>,
    names: Vec<Name<'t>>,
    /// Where most lines carry a label, one that occurs once is a speaker too.
    mostly_labelled: bool,
}

impl<'t> Heads<'t> {
    /// Reads the head of each line.
    fn of(text: &'t str) -> Self {
        let mut heads = Self::default();
        let mut known: HashMap<&str, u32> = HashMap::new();
        let (mut lines, mut labelled) = (0_usize, 0_usize);
        for (start, line) in lines_of(text) {
            if line.chars().all(char::is_whitespace) {
                continue;
            }
            lines += 1;
            let head = label::head(line);
            if head.label.is_none() && head.time.is_none() {
                continue;
            }
            let name = head.label.clone().and_then(|range| line.get(range));
            let name = name.map(|name| {
                let index = *known.entry(name).or_insert_with(|| {
                    heads.names.push(Name::new(name));
                    heads.names.len() as u32 - 1
                });
                if let Some(name) = heads.names.get_mut(index as usize) {
                    name.timed += u32::from(head.time.is_some());
                    name.with_colon += u32::from(head.colon);
                    name.alone += u32::from(!head.colon);
                }
                labelled += usize::from(head.colon);
                index
            });
            let body = if name.is_some() {
                head.body
            } else {
                after_time(line, head.time.as_ref())
            };
            let time = head.time.unwrap_or(0..0);
            let small = |offset: usize| u16::try_from(offset).unwrap_or(0);
            if let Ok(start) = u32::try_from(start) {
                heads.candidates.push(Candidate {
                    turn: Turn {
                        start,
                        body: small(body),
                        time_at: small(time.start),
                        time_len: small(time.len()),
                        speaker: None,
                    },
                    name,
                    colon: head.colon,
                });
            }
        }
        heads.mostly_labelled = labelled * 2 > lines;
        heads
    }

    fn is_speaker(&self, name: &Name<'_>, colon: bool) -> bool {
        let often = if colon {
            name.with_colon > 1 || self.mostly_labelled
        } else {
            name.alone > 1 && !self.mostly_labelled
        };
        name.timed > 0 || often
    }
}

impl<'t> Name<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text,
            with_colon: 0,
            alone: 0,
            timed: 0,
            speaker: None,
        }
    }
}

impl Turns {
    /// Finds the turns of `text`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut heads = Heads::of(text);
        let mut found = Self::default();
        for candidate in std::mem::take(&mut heads.candidates) {
            let Candidate {
                mut turn,
                name,
                colon,
            } = candidate;
            let index = name.map(|index| index as usize);
            let named = index
                .and_then(|index| heads.names.get(index))
                .filter(|name| heads.is_speaker(name, colon))
                .copied();
            match named {
                Some(name) => {
                    turn.speaker = name.speaker.or_else(|| found.add_speaker(name.text));
                    if let Some(name) = index.and_then(|index| heads.names.get_mut(index)) {
                        name.speaker = turn.speaker;
                    }
                }
                None => {
                    let Some(time) = turn.time() else { continue };
                    if name.is_some() {
                        let rest = text.get(turn.start()..).unwrap_or_default();
                        let line = lines_of(rest).next().map_or("", |(_, line)| line);
                        let time = time.start - turn.start()..time.end - turn.start();
                        turn.body = u16::try_from(after_time(line, Some(&time))).unwrap_or(0);
                    }
                    // A time stamp alone is no change of speaker.
                    turn.speaker = found.turns.last().and_then(|turn| turn.speaker);
                }
            }
            found.turns.push(turn);
        }
        found
    }

    /// `None` for more of them than anybody tells apart.
    fn add_speaker(&mut self, name: &str) -> Option<NonZeroU16> {
        let id = u16::try_from(self.speakers.len() + 1).ok()?;
        self.speakers.push(name.to_owned());
        NonZeroU16::new(id)
    }

    /// All turns in order.
    #[must_use]
    pub fn all(&self) -> &[Turn] {
        &self.turns
    }

    /// Names of all speakers, in order of appearance.
    #[must_use]
    pub fn speakers(&self) -> &[String] {
        &self.speakers
    }

    /// Turns that begin in `range`.
    #[must_use]
    pub fn starting_in(&self, range: &Range<usize>) -> &[Turn] {
        let from = self
            .turns
            .partition_point(|turn| turn.start() < range.start);
        let to = self.turns.partition_point(|turn| turn.start() < range.end);
        self.turns.get(from..to).unwrap_or_default()
    }

    /// The turn that is going on at byte `at`.
    #[must_use]
    pub fn at(&self, at: usize) -> Option<&Turn> {
        let next = self.turns.partition_point(|turn| turn.start() <= at);
        next.checked_sub(1).and_then(|last| self.turns.get(last))
    }

    /// Who speaks in this turn, as an index into [`speakers`](Self::speakers).
    #[must_use]
    pub fn speaker_id(&self, turn: &Turn) -> Option<usize> {
        turn.speaker.map(|id| usize::from(id.get()) - 1)
    }

    /// Who speaks in this turn.
    #[must_use]
    pub fn speaker(&self, turn: &Turn) -> Option<&str> {
        self.speaker_id(turn)
            .and_then(|id| self.speakers.get(id))
            .map(String::as_str)
    }

    /// Who speaks in `range`, in order of appearance.
    #[must_use]
    pub fn speakers_in(&self, range: &Range<usize>) -> Vec<&str> {
        let mut names = Vec::new();
        for turn in self
            .at(range.start)
            .into_iter()
            .chain(self.starting_in(range))
        {
            if let Some(name) = self.speaker(turn)
                && !names.contains(&name)
            {
                names.push(name);
            }
        }
        names
    }

    /// First and last time stamp that apply to `range`, as they stand in the text.
    #[must_use]
    pub fn time_span<'a>(&self, text: &'a str, range: &Range<usize>) -> Option<(&'a str, &'a str)> {
        let stamp = |turn: &Turn| turn.time().and_then(|time| text.get(time));
        let inside = self.starting_in(range);
        let before = self.at(range.start).and_then(stamp);
        let first = before.or_else(|| inside.iter().find_map(stamp))?;
        let last = inside.iter().rev().find_map(stamp).unwrap_or(first);
        Some((first, last))
    }
}

/// Where the text goes on after a time stamp that no speaker follows.
fn after_time(line: &str, time: Option<&Range<usize>>) -> usize {
    let end = time.map_or(0, |time| time.end);
    let rest = line.get(end..).unwrap_or_default();
    if rest.contains("-->") {
        line.len()
    } else {
        line.len() - rest.trim_start_matches([']', ')', ' ', '\t', '-']).len()
    }
}

/// Lines with the byte at which each begins, without their newlines.
fn lines_of(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        let start = at;
        at += line.len();
        let line = line.strip_suffix('\n').unwrap_or(line);
        (start, line.trim_end_matches('\r'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (speaker, what is said) of each turn.
    fn said(text: &str) -> Vec<(String, String)> {
        let turns = Turns::parse(text);
        let ends = turns
            .all()
            .iter()
            .skip(1)
            .map(Turn::start)
            .chain([text.len()]);
        turns
            .all()
            .iter()
            .zip(ends)
            .map(|(turn, end)| {
                (
                    turns.speaker(turn).unwrap_or("?").to_owned(),
                    text[turn.body().min(end)..end].trim().to_owned(),
                )
            })
            .collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected
            .iter()
            .map(|&(who, what)| (who.to_owned(), what.to_owned()))
            .collect()
    }

    #[test]
    fn labels_with_colons() {
        let text = "Dana: Hi.\nLee: Two\nlines.\nGuest: Once only.\n";
        assert_eq!(
            said(text),
            pairs(&[
                ("Dana", "Hi."),
                ("Lee", "Two\nlines."),
                ("Guest", "Once only.")
            ])
        );
    }

    #[test]
    fn names_on_lines_of_their_own() {
        let text = "Dana Whitfield\nWe begin now.\n\nLee Ng\nFine with me.\n\nDana Whitfield\nGood then.\n\nLee Ng\nYes please.\n";
        let said = said(text);
        assert_eq!(said.len(), 4);
        assert_eq!(said[1], ("Lee Ng".to_owned(), "Fine with me.".to_owned()));
    }

    #[test]
    fn subtitles_have_times_and_no_speakers() {
        let text = "1\n00:00:01,000 --> 00:00:04,000\nHello there.\n\n2\n00:00:05,000 --> 00:00:09,000\nAnd more.\n";
        let turns = Turns::parse(text);
        assert!(turns.speakers().is_empty());
        assert_eq!(
            turns.time_span(text, &(0..text.len())),
            Some(("00:00:01,000", "00:00:05,000"))
        );
    }

    #[test]
    fn prose_has_no_turns() {
        let text = "It was said: nothing works.\nNote: this occurs once.\nAnd then there was a long line of text.\nAnd more.\n";
        assert_eq!(said(text), pairs(&[]));
    }

    #[test]
    fn spans_and_speakers_of_a_part() {
        let text = "[00:01] Dana: a b\n[00:02] Lee: c d\n[00:03] Dana: e f\n";
        let turns = Turns::parse(text);
        let second = text.find("[00:02]").unwrap();
        assert_eq!(
            turns.time_span(text, &(second..text.len())),
            Some(("00:02", "00:03"))
        );
        assert_eq!(
            turns.time_span(text, &(second + 12..text.len() - 20)),
            Some(("00:02", "00:02"))
        );
        assert_eq!(turns.speakers_in(&(second..text.len())), ["Lee", "Dana"]);
    }
}
