//! Segments: stretches of a transcript with one speaker and one start time.

use std::num::{NonZeroU16, NonZeroU32};
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

/// A few of the speakers that were named last. People talk in turns, so most names are among them, and comparing is cheaper than
/// hashing.
#[derive(Debug, Default)]
pub(crate) struct Recent([Option<Speaker>; 6]);

impl Recent {
    pub(crate) fn find(&self, is: impl Fn(Speaker) -> bool) -> Option<Speaker> {
        self.0
            .iter()
            .flatten()
            .copied()
            .find(|&speaker| is(speaker))
    }

    pub(crate) fn add(&mut self, speaker: Speaker) {
        self.0.rotate_right(1);
        self.0[0] = Some(speaker);
    }
}

/// A time in milliseconds from the start of the recording, at most 24 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timestamp(NonZeroU32);

impl Timestamp {
    /// The time nearest to `millis` that can be represented.
    pub(crate) fn new(millis: i32) -> Self {
        // The lowest number becomes zero, so that an optional time takes no more memory than a time.
        Self(NonZeroU32::new(millis as u32 ^ TOP_BIT).unwrap_or(NonZeroU32::MIN))
    }

    /// The time nearest to `millis` that can be represented.
    pub(crate) fn clamped(millis: i64) -> Self {
        let millis = millis.clamp(i32::MIN.into(), i32::MAX.into());
        Self::new(i32::try_from(millis).unwrap_or(i32::MAX))
    }

    pub(crate) fn millis(self) -> i32 {
        (self.0.get() ^ TOP_BIT) as i32
    }

    /// Seconds from `earlier` to this time.
    pub(crate) fn seconds_since(self, earlier: Self) -> f64 {
        (f64::from(self.millis()) - f64::from(earlier.millis())) / 1000.0
    }

    /// This time as the end of what begins at `start`: not before it, since a clock may have been started again, but for one
    /// that has passed midnight.
    pub(crate) fn not_before(self, start: Self) -> Self {
        const HALF_A_DAY: i64 = 12 * 3_600_000;
        let passes_midnight = i64::from(self.millis()) + HALF_A_DAY < i64::from(start.millis());
        match passes_midnight {
            true => self,
            false => self.max(start),
        }
    }
}

impl std::fmt::Display for Timestamp {
    /// Writes hours, minutes and seconds, as in `0:12:30`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.millis().unsigned_abs() / 1000;
        let sign = if self.millis() < 0 && seconds > 0 {
            "-"
        } else {
            ""
        };
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        write!(f, "{sign}{hours}:{minutes:02}:{:02}", seconds % 60)
    }
}

/// With this bit inverted, times in milliseconds have the order of numbers without a sign.
const TOP_BIT: u32 = 1 << 31;

/// The bit of a segment's `body` that says that the recognizer was unsure.
const UNSURE_BIT: u16 = 1 << 15;

/// A segment starts where a speaker begins or where a format gives a time, and ends where the next one starts.
///
/// A transcript may have a million segments, so each takes only 20 bytes: `start` and `end` are byte offsets in the text,
/// `body` is the length of the label and the time stamp before the spoken text, with [`UNSURE_BIT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    start: u32,
    end: u32,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    body: u16,
    pub(crate) speaker: Option<Speaker>,
}

impl Segment {
    /// Creates a segment that starts at byte `start`. `None` if that is beyond 4 GiB.
    pub(crate) fn new(
        start: usize,
        speaker: Option<Speaker>,
        time: Option<Timestamp>,
    ) -> Option<Self> {
        Some(Self {
            start: start.try_into().ok()?,
            end: 0,
            from: time,
            until: None,
            body: 0,
            speaker,
        })
    }

    /// Sets the length of what stands before the spoken text.
    pub(crate) fn set_body(&mut self, body: usize) {
        let length = u16::try_from(body).unwrap_or(UNSURE_BIT);
        let length = if length < UNSURE_BIT { length } else { 0 };
        self.body = length | (self.body & UNSURE_BIT);
    }

    /// Marks the segment as one of whose words the recognizer was unsure.
    pub(crate) fn set_unsure(&mut self) {
        self.body |= UNSURE_BIT;
    }

    /// Whether the recognizer was unsure of its words.
    pub(crate) fn is_unsure(&self) -> bool {
        self.body & UNSURE_BIT != 0
    }

    /// Sets the time at which the segment ends.
    pub(crate) fn set_until(&mut self, time: Timestamp) {
        self.until = Some(time);
    }

    /// Byte offset of the start, label and time stamp included.
    pub(crate) fn start(&self) -> usize {
        self.start as usize
    }

    /// The spoken text, without speaker label and time stamp.
    pub(crate) fn body(&self) -> Span {
        Span {
            start: self.start() + usize::from(self.body & !UNSURE_BIT),
            end: self.end as usize,
        }
    }

    /// The time at which it starts.
    pub(crate) fn from(&self) -> Option<Timestamp> {
        self.from
    }

    /// The latest time that is known to belong to it: its end, or else its start.
    pub(crate) fn until(&self) -> Option<Timestamp> {
        self.until.or(self.from)
    }
}

/// All segments of a transcript, in order. Empty if the text has neither speaker labels nor time stamps.
#[derive(Debug, Clone, Default)]
pub struct Segments {
    all: Vec<Segment>,
    /// Names of all speakers, in order of first appearance.
    pub speakers: Vec<String>,
    /// What the source calls them, in the same order.
    pub labels: Vec<String>,
}

impl Segments {
    /// Builds the segments of a text of `len` bytes. Each segment ends where the next one starts.
    pub(crate) fn new(all: Vec<Segment>, speakers: Vec<String>, len: usize) -> Self {
        let labels = speakers.clone();
        let segments = Self {
            all,
            speakers,
            labels,
        };
        segments.ending_at(len)
    }

    /// The segments of a text of `len` bytes.
    pub(crate) fn ending_at(mut self, len: usize) -> Self {
        let mut end = u32::try_from(len).unwrap_or(u32::MAX);
        for segment in self.all.iter_mut().rev() {
            segment.end = end;
            end = segment.start;
        }
        self
    }

    /// The segments at other offsets, for which `to` is called in increasing order, and with other names for the speakers.
    pub(crate) fn moved(&self, mut to: impl FnMut(usize) -> usize, names: Vec<String>) -> Self {
        let moved = self.all.iter().map(|segment| {
            let (start, body) = (to(segment.start()), to(segment.body().start));
            let mut moved = Segment {
                start: start.try_into().unwrap_or(u32::MAX),
                ..*segment
            };
            moved.set_body(body.saturating_sub(start));
            moved
        });
        Self {
            all: moved.collect(),
            speakers: names,
            labels: self.labels.clone(),
        }
    }

    /// What the source calls the first speaker with this name.
    pub(crate) fn label<'a>(&'a self, name: &'a str) -> &'a str {
        let at = self.speakers.iter().position(|known| known == name);
        at.and_then(|at| self.labels.get(at))
            .map_or(name, String::as_str)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_hours_minutes_and_seconds() {
        for (millis, written) in [
            (0, "0:00:00"),
            (750_999, "0:12:30"),
            (-3_000, "-0:00:03"),
            (-3, "0:00:00"),
            (360_000_000, "100:00:00"),
        ] {
            assert_eq!(Timestamp::new(millis).to_string(), written);
        }
    }

    #[test]
    fn a_segment_knows_how_long_its_label_is_and_whether_it_was_recognized_surely() {
        let mut segment = Segment::new(100, None, None).unwrap();
        segment.end = 40_000;
        segment.set_unsure();
        for (label, start) in [(0, 100), (32_767, 32_867), (32_768, 100), (70_000, 100)] {
            segment.set_body(label);
            assert_eq!((segment.body().start, segment.is_unsure()), (start, true));
        }
        assert!(!Segment::new(100, None, None).unwrap().is_unsure());
        assert_eq!(size_of::<Segment>(), 20);
    }

    #[test]
    fn times_keep_their_values_and_order() {
        let times = [i32::MIN, i32::MIN + 1, -1, 0, 1, i32::MAX];
        assert!(times.map(Timestamp::new).is_sorted());
        let read = times.map(|millis| Timestamp::new(millis).millis());
        assert_eq!(read[1..], times[1..]);
        assert_eq!(read[0], i32::MIN + 1);
        assert_eq!(size_of::<Option<Timestamp>>(), 4);
    }
}
