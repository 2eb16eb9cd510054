//! Segments: the stretches of a transcript that one speaker says from one time on.

use std::num::{NonZeroU8, NonZeroU16};
use std::ops::Range;

use crate::text::Span;

/// A speaker of one transcript: a place among [`Segments::speakers`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Speaker(NonZeroU16);

impl Speaker {
    /// The speaker at `index`; `None` for more speakers than a transcript may have.
    pub(crate) fn new(index: usize) -> Option<Self> {
        let place = u16::try_from(index + 1).ok()?;
        NonZeroU16::new(place).map(Self)
    }

    pub(crate) fn index(self) -> usize {
        usize::from(self.0.get()) - 1
    }
}

/// A time stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timestamp {
    /// Where it is written, without its brackets.
    pub(crate) written: Span,
    /// Milliseconds since the beginning; 24 days at most.
    pub(crate) millis: i32,
}

/// From a line that names a speaker or a time to the next such line.
///
/// There may be a million of them, so they take 20 bytes each: offsets are bytes of the text, or of the line where they are small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    start: u32,
    end: u32,
    millis: i32,
    body: u16,
    time_at: u16,
    time_len: Option<NonZeroU8>,
    /// The label that names the speaker ends in a colon.
    pub(crate) has_colon: bool,
    pub(crate) speaker: Option<Speaker>,
}

impl Segment {
    /// A segment whose line begins at byte `start`; `body` and `time` are relative to that. `None` beyond four gigabytes of text.
    pub(crate) fn new(start: usize, body: usize, time: Option<Timestamp>) -> Option<Self> {
        let mut segment = Self {
            start: u32::try_from(start).ok()?,
            end: u32::MAX,
            millis: 0,
            body: 0,
            time_at: 0,
            time_len: None,
            has_colon: false,
            speaker: None,
        };
        segment.set_body(body);
        // What does not fit is behind 64 KiB of blanks, or no time that anybody wrote.
        if let Some(Timestamp { written, millis }) = time
            && let (Ok(at), Ok(len)) = (written.start.try_into(), u8::try_from(written.len()))
        {
            segment.millis = millis;
            segment.time_at = at;
            segment.time_len = NonZeroU8::new(len);
        }
        Some(segment)
    }

    /// Sets where in the line the spoken text begins.
    pub(crate) fn set_body(&mut self, body: usize) {
        self.body = body.try_into().unwrap_or(0);
    }

    /// Byte at which its line begins.
    pub(crate) fn start(&self) -> usize {
        self.start as usize
    }

    /// What is said in it, without speaker and time.
    pub(crate) fn body(&self) -> Span {
        Span {
            start: self.start() + usize::from(self.body),
            end: self.end as usize,
        }
    }

    /// Its time stamp.
    pub(crate) fn time(&self) -> Option<Timestamp> {
        let start = self.start() + usize::from(self.time_at);
        let len = usize::from(self.time_len?.get());
        Some(Timestamp {
            written: Span::from(start..start + len),
            millis: self.millis,
        })
    }
}

/// All segments of a transcript, in order. Empty if it names neither speakers nor times.
#[derive(Debug, Clone, Default)]
pub struct Segments {
    all: Vec<Segment>,
    /// Names of all speakers, in order of appearance.
    pub speakers: Vec<String>,
}

impl Segments {
    /// Segments of a text of `len` bytes, each of which ends where the next one starts.
    pub(crate) fn new(mut all: Vec<Segment>, speakers: Vec<String>, len: usize) -> Self {
        let mut end = u32::try_from(len).unwrap_or(u32::MAX);
        for segment in all.iter_mut().rev() {
            segment.end = end;
            end = segment.start;
        }
        Self { all, speakers }
    }

    /// The name of a speaker of this transcript.
    pub(crate) fn name(&self, speaker: Option<Speaker>) -> Option<&str> {
        self.speakers.get(speaker?.index()).map(String::as_str)
    }

    /// Segments that start in `range`.
    pub(crate) fn starting_in(&self, range: Range<usize>) -> &[Segment] {
        let before = |end| self.all.partition_point(|segment| segment.start() < end);
        let (from, to) = (before(range.start), before(range.end));
        self.all.get(from..to).unwrap_or(&[])
    }

    /// The segment that byte `at` belongs to.
    pub(crate) fn at(&self, at: usize) -> Option<&Segment> {
        self.starting_in(0..at + 1).last()
    }
}
