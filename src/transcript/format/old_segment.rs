//! Segments: stretches of a transcript with one speaker and one start time.

use std::num::{NonZeroU8, NonZeroU16};
use std::ops::Range;

use crate::text::Span;

/// A speaker of a transcript, as an index into [`Segments::speakers`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Speaker(NonZeroU16);

impl Speaker {
    /// The speaker at `index`, or `None` if the index exceeds the maximum number of speakers.
    pub(crate) fn new(index: usize) -> Option<Self> {
        let place = u16::try_from(index + 1).ok()?;
        NonZeroU16::new(place).map(Self)
    }

    pub(crate) fn index(self) -> usize {
        usize::from(self.0.get()) - 1
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timestamp {
    /// Position in the text, without brackets.
    pub(crate) written: Span,
    /// Milliseconds since the start of the recording, at most 24 days.
    pub(crate) millis: i32,
}

/// A segment starts at a line with a speaker label or a time stamp and ends where the next one starts.
///
/// A transcript may have a million segments, so each takes only 20 bytes: `start` and `end` are byte offsets in the text,
/// and `body` and `time_at` are small offsets from `start`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Segment {
    start: u32,
    end: u32,
    millis: i32,
    body: u16,
    time_at: u16,
    time_len: Option<NonZeroU8>,
    /// The speaker label ends in a colon.
    pub(crate) has_colon: bool,
    pub(crate) speaker: Option<Speaker>,
}

impl Segment {
    /// Creates a segment whose line starts at byte `start`; `body` and `time` are relative to it. `None` if `start` is
    /// beyond 4 GiB.
    pub(crate) fn new(start: usize, body: usize, time: Option<Timestamp>) -> Option<Self> {
        let mut segment = Self {
            start: start.try_into().ok()?,
            ..Self::default()
        };
        segment.set_body(body);
        // A time stamp that does not fit is dropped: it follows 64 KiB of blanks or is longer than any real one.
        if let Some(Timestamp { written, millis }) = time
            && let (Ok(at), Ok(len)) = (written.start.try_into(), u8::try_from(written.len()))
        {
            segment.millis = millis;
            segment.time_at = at;
            segment.time_len = NonZeroU8::new(len);
        }
        Some(segment)
    }

    /// Sets the offset of the spoken text from the start of the line.
    pub(crate) fn set_body(&mut self, body: usize) {
        self.body = body.try_into().unwrap_or(0);
    }

    /// Byte offset of the line with which the segment starts.
    pub(crate) fn start(&self) -> usize {
        self.start as usize
    }

    /// The spoken text, without speaker label and time stamp.
    pub(crate) fn body(&self) -> Span {
        Span {
            start: self.start() + usize::from(self.body),
            end: self.end as usize,
        }
    }

    pub(crate) fn time(&self) -> Option<Timestamp> {
        let start = self.start() + usize::from(self.time_at);
        let len = usize::from(self.time_len?.get());
        Some(Timestamp {
            written: Span::from(start..start + len),
            millis: self.millis,
        })
    }
}

/// All segments of a transcript, in order. Empty if the text has neither speaker labels nor time stamps.
#[derive(Debug, Clone, Default)]
pub struct Segments {
    all: Vec<Segment>,
    /// Names of all speakers, in order of first appearance.
    pub speakers: Vec<String>,
}

impl Segments {
    /// Builds the segments of a text of `len` bytes. Each segment ends where the next one starts.
    pub(crate) fn new(mut all: Vec<Segment>, speakers: Vec<String>, len: usize) -> Self {
        let mut end = u32::try_from(len).unwrap_or(u32::MAX);
        for segment in all.iter_mut().rev() {
            segment.end = end;
            end = segment.start;
        }
        Self { all, speakers }
    }

    /// The name of a speaker.
    pub(crate) fn name(&self, speaker: Option<Speaker>) -> Option<&str> {
        self.speakers.get(speaker?.index()).map(String::as_str)
    }

    /// The segments that start in `range`.
    pub(crate) fn starting_in(&self, range: Range<usize>) -> &[Segment] {
        let before = |end| self.all.partition_point(|segment| segment.start() < end);
        let (from, to) = (before(range.start), before(range.end));
        self.all.get(from..to).unwrap_or(&[])
    }

    /// The segment that contains byte `at`.
    pub(crate) fn at(&self, at: usize) -> Option<&Segment> {
        self.starting_in(0..at + 1).last()
    }
}
