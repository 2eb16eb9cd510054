//! A passage: a part of a transcript together with its segments, or a text written by a model.

use std::collections::HashSet;
use std::fmt;
use std::ops::{Deref, Range};

use crate::text::{Span, words};
use crate::transcript::segment::{Segment, Speaker};
use crate::transcript::{Timestamp, Transcript};

/// A record is a log if it has fewer words a minute, over some minutes. People in a meeting say 130 to 170.
const LOG_PACE: f64 = 100.0;
const MIN_LOG_MINUTES: f64 = 2.0;

/// A part of a transcript. Dereferences to its text; cheap to clone at any length.
#[derive(Clone)]
pub struct Passage {
    pub(super) of: Transcript,
    pub(super) span: Span,
}

impl Passage {
    /// Makes a passage from a standalone text, such as notes or sections written by a model. It is parsed like a
    /// transcript, since it may have speaker labels.
    #[must_use]
    pub fn of_text(text: impl Into<String>) -> Self {
        Transcript::verbatim(text.into()).whole()
    }

    /// Byte range in the transcript's text.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span
    }

    /// The speaker at the start of the passage, if the passage does not begin with the speaker's name.
    pub(crate) fn current_speaker(&self) -> Option<&str> {
        let segment = self.of.segments.at(self.span.start)?;
        let is_underway = segment.body().start <= self.span.start;
        self.name(segment.speaker.filter(|_| is_underway))
    }

    /// The name of a speaker of the transcript.
    pub(crate) fn name(&self, speaker: Option<Speaker>) -> Option<&str> {
        self.of.segments.name(speaker)
    }

    /// Names of the speakers in the passage, in order of first appearance.
    pub(crate) fn speakers(&self) -> Vec<&str> {
        // There may be tens of thousands.
        let mut known = HashSet::new();
        let names = self.segments().filter_map(|one| self.name(one.speaker));
        names.filter(|name| known.insert(*name)).collect()
    }

    /// The first and last times that are known of the passage.
    pub(crate) fn time_span(&self) -> Option<(Timestamp, Timestamp)> {
        let first = self.segments().find_map(Segment::from)?;
        let last = self.segments().rev().find_map(Segment::until);
        Some((first, last.unwrap_or(first)))
    }

    /// The same as people read them.
    pub(crate) fn shown_times(&self) -> Option<(String, String)> {
        let (from, until) = self.time_span()?;
        Some((from.to_string(), until.not_before(from).to_string()))
    }

    /// Whether it is the record of an operation, such as a flight, in which events are told by the clock: people do not talk all
    /// the time.
    pub(crate) fn is_log(&self) -> bool {
        let Some((from, until)) = self.time_span() else {
            return false;
        };
        let minutes = until.seconds_since(from) / 60.0;
        minutes >= MIN_LOG_MINUTES && words::spoken(self) as f64 <= LOG_PACE * minutes
    }

    /// The text with the time of each turn before it, in square brackets.
    pub(crate) fn by_the_clock(&self) -> String {
        let mut text = String::with_capacity(self.len() * 3 / 2);
        let Span { start, end } = self.span;
        let mut done = start;
        for segment in self.of.segments.starting_in(start..end) {
            if let Some(time) = segment.from() {
                text.push_str(Span::from(done..segment.start()).of(self.of.text()));
                text.push_str(&format!("[{time}] "));
                done = segment.start();
            }
        }
        text.push_str(Span::from(done..end).of(self.of.text()));
        text
    }

    /// The segment in progress at the start of the passage, followed by those that start inside it.
    fn segments(&self) -> impl DoubleEndedIterator<Item = &Segment> {
        let Span { start, end } = self.span;
        let first = self.of.segments.at(start).into_iter();
        first.chain(self.of.segments.starting_in(start + 1..end))
    }

    /// Speaker and spoken text of each segment, preceded by any text before the first segment.
    pub(crate) fn utterances(&self) -> impl Iterator<Item = (Option<Speaker>, &str)> {
        let text = self.of.text();
        let spans = self.utterance_spans();
        spans.map(move |(speaker, span)| (speaker, span.of(text)))
    }

    /// Like [`utterances`](Self::utterances), with spans of the transcript's text.
    pub(crate) fn utterance_spans(&self) -> impl Iterator<Item = (Option<Speaker>, Span)> {
        let Span { start, end } = self.span;
        let first = self.segments().next().map_or(end, Segment::start);
        let unlabelled = (first > start).then_some((None, Span::from(start..first)));
        let spoken = self
            .segments()
            .map(|segment| (segment.speaker, segment.body()));
        let all = unlabelled.into_iter().chain(spoken);
        all.map(move |(speaker, body)| {
            let start = body.start.clamp(start, end);
            (speaker, Span::from(start..body.end.clamp(start, end)))
        })
    }

    /// The whole transcript.
    pub(crate) fn whole(&self) -> Self {
        self.of.whole()
    }

    /// Offsets within `range` at which segments start. All offsets are relative to the passage.
    pub(crate) fn starts(&self, range: Range<usize>) -> impl Iterator<Item = usize> {
        let base = self.span.start;
        let range = base + range.start..base + range.end;
        let starting = self.of.segments.starting_in(range).iter();
        starting.map(move |segment| segment.start() - base)
    }

    /// Splits the passage at byte `at`, relative to its start, rounded down to a character boundary.
    pub(crate) fn split_at(&self, at: usize) -> (Self, Self) {
        let Span { start, end } = self.span;
        let cut = self.of.text().floor_char_boundary(start + at).min(end);
        (self.of.passage(start..cut), self.of.passage(cut..end))
    }

    /// The passage from the start of this one to the end of `last`, a later passage of the same transcript.
    pub(crate) fn through(&self, last: &Self) -> Self {
        self.of.passage(self.span.start..last.span.end)
    }

    /// The `count` segments directly before the passage. `None` if they do not all start within the `most` bytes before it.
    pub(crate) fn preceding(&self, count: usize, most: usize) -> Option<Self> {
        let end = self.span.start;
        let starting = self.of.segments.starting_in(end.saturating_sub(most)..end);
        let first = starting.get(starting.len().checked_sub(count)?)?;
        Some(self.of.passage(first.start()..end))
    }

    /// The `count` segments directly after the passage, or the rest of the transcript. `None` if they have more than `most` bytes.
    pub(crate) fn following(&self, count: usize, most: usize) -> Option<Self> {
        let (start, len) = (self.span.end, self.of.text().len());
        let starting = self.of.segments.starting_in(start..(start + most).min(len));
        let end = starting.get(count).map(|segment| segment.start());
        let end = end.or_else(|| (start + most >= len).then_some(len))?;
        (end > start).then(|| self.of.passage(start..end))
    }
}

impl Deref for Passage {
    type Target = str;

    fn deref(&self) -> &str {
        self.span.of(self.of.text())
    }
}

impl fmt::Display for Passage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Passage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(test)]
mod tests {
    use crate::transcript::{Decoder, Transcript};

    fn transcript(turns: usize, seconds: usize, words: usize) -> Transcript {
        let said = |words| {
            (0..words)
                .map(|word| format!(" and w{word}"))
                .collect::<String>()
        };
        let turn = |i: usize| {
            let (minute, second) = (i * seconds / 60, i * seconds % 60);
            let name = ["CC", "P"][i % 2];
            format!(
                "[00:{minute:02}:{second:02}] {name}: Fuel{} is go.\n",
                said(words)
            )
        };
        let mut decoder = Decoder::default();
        let text: String = (0..turns).map(turn).collect();
        decoder.push(text.as_bytes()).unwrap();
        Transcript::new(decoder.finish().unwrap()).unwrap()
    }

    #[test]
    fn a_clock_passes_midnight_and_may_be_started_again() {
        for (times, shown) in [
            (
                ["[23:40:10]", "[23:59:10]", "[00:40:10]"],
                ("23:40:10", "0:40:10"),
            ),
            (["[23:40]", "[23:59]", "[00:40]"], ("23:40:00", "0:40:00")),
            (["[00:00]", "[23:59]", "[00:40]"], ("0:00:00", "0:00:40")),
            (["[03:00]", "[23:59]", "[00:40]"], ("0:03:00", "0:03:00")),
            (["[23:40]", "[20:59]", "[21:40]"], ("0:23:40", "0:23:40")),
        ] {
            let text: String = times.map(|time| format!("{time} Ada: We met.\n")).concat();
            let (from, until) = Transcript::verbatim(text).whole().shown_times().unwrap();
            assert_eq!((&*from, &*until), shown, "{times:?}");
        }
    }

    #[test]
    fn a_log_is_told_by_the_clock_and_a_meeting_is_not() {
        let flight = transcript(40, 20, 3);
        assert!(flight.whole().is_log());
        let timed = flight.whole().by_the_clock();
        assert!(timed.starts_with("[0:00:00] CC: Fuel"), "{timed}");
        assert!(timed.contains("\n[0:00:20] P: Fuel"), "{timed}");
        // Nothing else is changed, and a later part has its own times.
        let lines = timed.lines().filter_map(|line| line.split_once("] "));
        let plain: Vec<&str> = lines.map(|(_, line)| line).collect();
        assert_eq!(plain.join("\n"), flight.text().trim_end());
        let (_, later) = flight.whole().split_at(flight.text().len() / 2);
        assert!(later.by_the_clock().contains("[0:07:00] "));
        assert!(!transcript(40, 10, 20).whole().is_log());
        assert!(!transcript(3, 10, 1).whole().is_log());
        assert!(!Transcript::verbatim("CC: Go.\n".into()).whole().is_log());
    }
}
