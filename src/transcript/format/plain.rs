//! Plain text, in which each turn starts with a speaker label or a time stamp.
//!
//! One pass over the text collects what may be a head, and a second one keeps the heads whose labels are speakers. `head`
//! reads the head of a line, `name` judges a label by itself, `speakers` judges it by the whole text, and `frame` finds the
//! lines that nobody spoke. A text without heads has neither segments nor speakers, and no code depends on there being any.

mod frame;
mod head;
mod name;
mod opening;
mod speakers;
mod stamp;

use crate::text::eight::{self, Eight};
use crate::text::{Span, sentence};
use crate::transcript::segment::{Segment, Segments, Speaker, Timestamp};

use frame::{Frame, Recurring};
use head::Separator;
pub(super) use name::{MAX_BYTES, MAX_WORDS, PARTICLES, Shape, shape};
use speakers::{Labels, Lines};

pub(super) use frame::is_chapter;
pub(super) use name::{LOG_LEVELS, is_other};

/// Whether a line, wherever it stands, is written by a tool.
pub(super) fn is_written_by_tool(line: &str) -> bool {
    frame::frame(line, false) == Some(Frame::Anywhere)
}

/// In a line of this length there may be heads after each sentence.
const LONG_LINE_BYTES: usize = 1500;

/// The fields of an e-mail's head, besides its sender.
const MAIL_FIELDS: [&str; 10] = [
    "Date:",
    "Sent:",
    "To:",
    "Cc:",
    "CC:",
    "Bcc:",
    "Subject:",
    "Reply-To:",
    "Message-ID:",
    "Importance:",
];

/// A shorter line has no heads inside of it, even if it is most of the text.
const SHORT_LINE_BYTES: usize = 120;

/// A head inside of a line has a colon within so many bytes.
const INLINE_BYTES: usize = 120;

/// The lines of a text.
#[derive(Debug, Default)]
pub(crate) struct Plain {
    /// The heads of the turns, in order. Text before the first head has no speaker.
    pub(crate) heads: Vec<Head>,
    /// Names of the speakers, in order of first appearance.
    pub(crate) speakers: Vec<String>,
    /// Parts that nobody spoke: line numbers, page headers and footers, what tools write about themselves. They are in order
    /// and overlap neither each other nor the heads.
    pub(crate) drops: Vec<Unspoken>,
    /// Sentences run across line ends, so a newline inside a turn is a blank. Blank lines still separate paragraphs.
    pub(crate) is_wrapped: bool,
    /// The lines are captions: they have time stamps and no labels, and sentences run across them.
    pub(crate) are_captions: bool,
}

/// The head of a turn: a label, a time stamp or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// Where the head starts: at the start of a line, or after a sentence in a text on one line.
    pub(crate) start: u32,
    /// Where the spoken text starts.
    pub(crate) body: u32,
    /// Milliseconds since the start of the recording, or since midnight if the text has times of day.
    pub(crate) time: Option<Timestamp>,
    /// `None` if there is only a time stamp or a mark of a change (`>> `). After a time stamp the same speaker goes on.
    pub(crate) speaker: Option<Speaker>,
    /// The head has the form `Name: `, `[time] Name: `, `time Name: ` or `Name (time): ` and the name as in `speakers`.
    pub(crate) as_written: bool,
}

/// A part of the text that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unspoken {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// A line that may start with a head.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    start: u32,
    body: u32,
    time: Option<Timestamp>,
    /// The label's id.
    label: Option<Speaker>,
    separator: Separator,
    is_regular: bool,
    is_opening: bool,
    /// The time stamp has no brackets, no label, and text after it, so it may be a number that was said.
    is_bare: bool,
}

/// Splits a text into segments, without changing it.
pub(crate) fn read(text: &str) -> Segments {
    let Plain {
        heads, speakers, ..
    } = analyze(text);
    let mut current = None;
    let segments = heads.iter().filter_map(|head| {
        let start = head.start as usize;
        current = head.speaker.or(current.filter(|_| head.time.is_some()));
        let mut segment = Segment::new(start, current, head.time)?;
        segment.set_body(head.body as usize - start);
        Some(segment)
    });
    Segments::new(segments.collect(), speakers, text.len())
}

/// Finds the heads, the speakers and the unspoken parts of a text.
pub(crate) fn analyze(text: &str) -> Plain {
    let is_numbered = frame::is_numbered(text);
    let mut collector = Collector {
        text,
        is_numbered,
        has_pages: is_numbered || text.contains('\u{c}'),
        ..Collector::default()
    };
    for line in lines(text) {
        collector.line(line);
    }
    collector.finish()
}

/// The lines of a text, without their ends.
fn lines(text: &str) -> impl Iterator<Item = Span> {
    eight::lines(text).map(|line| {
        let content = line.of(text);
        let end = line.start + content.strip_suffix('\r').unwrap_or(content).len();
        Span { end, ..line }
    })
}

/// What stood on the line before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Previous {
    /// Nothing: the text starts here, or a blank line is before.
    #[default]
    Blank,
    /// A head without text after it.
    Head,
    /// A sentence that ended there.
    Ended,
    /// A sentence that goes on.
    Open,
}

#[derive(Default)]
struct Collector<'t> {
    text: &'t str,
    is_numbered: bool,
    /// The line may be a page header by its surroundings.
    is_apart: bool,
    /// The text has pages: form feeds or line numbers.
    has_pages: bool,
    candidates: Vec<Candidate>,
    labels: Labels<'t>,
    lines: Lines,
    drops: Vec<(Unspoken, Frame)>,
    recurring: Recurring,
    /// Number of lines that are not blank.
    filled: u32,
    previous: Previous,
    /// The last candidate is a label on the line before, so that text has to follow.
    is_pending: bool,
    /// That line comes after a blank line.
    is_block: bool,
    /// Only blank lines are between the last head and this line.
    is_gap: bool,
    /// Bare time stamps with text after them.
    bare: u32,
    /// Line ends inside of a turn and without a blank line, by whether a sentence ends there.
    ended: u32,
    open: u32,
    /// Lines in which a sentence ends.
    marked: u32,
    /// Length of the longest line that ends inside of a sentence, and the sum of all their lengths.
    widths: (usize, usize),
    /// The last text ends inside of a sentence.
    is_cut: bool,
    /// Heads before which a sentence does not end.
    cut: u32,
    /// Time stamps in round brackets inside of turns, which may be numbers that were said.
    stamps_in_brackets: u32,
    /// Heads with a label that could as well be a field's, and those of them after whose colon there is a time without brackets.
    labelled: u32,
    timed: u32,
    /// Heads after whose label there is no sentence, but a value.
    values: u32,
    /// Lines in capital letters and lines with a mark of a change, in which capitals are no names.
    unnamed: u32,
    /// Lines after a blank line, by whether they continue the sentence before it.
    continued: u32,
    separate: u32,
    /// Heads of e-mails.
    mails: u32,
    is_in_mail_head: bool,
    /// In a list of people or keywords above the first turn.
    is_in_list: bool,
    /// Some time has too many frames, so its groups start with days.
    has_days: bool,
    /// Times of more than two groups.
    long_times: u32,
    /// Times at the ends of lines, with the offset after them.
    ends: Vec<(u32, i32)>,
}

impl<'t> Collector<'t> {
    fn line(&mut self, line: Span) {
        let mut line = line;
        let is_gap = std::mem::take(&mut self.is_gap);
        // Headers stand apart: after a blank line, or without a number among numbered lines.
        self.is_apart = self.is_numbered || self.previous == Previous::Blank;
        if self.is_numbered
            && let Some((_, content)) = frame::line_number(line.of(self.text))
        {
            self.is_apart = false;
            let start = line.start;
            line.start += content;
            self.drop(Span::from(start..line.start), Frame::Anywhere);
        }
        let content = line.of(self.text);
        if content.chars().all(name::is_blank) {
            self.is_in_mail_head = false;
            self.is_gap = is_gap || self.previous == Previous::Head;
            // The blank lines of a numbered page are no paragraphs.
            if !self.is_numbered {
                self.previous = Previous::Blank;
            }
            return;
        }
        self.filled += 1;
        let usual = head::usual(content);
        let is_prose = usual.is_none() && head::is_prose(content);
        self.is_in_mail_head &= !is_prose;
        if !is_prose && self.mail_head(line) {
            return;
        }
        let found = match is_prose {
            true => None,
            false => usual.or_else(|| head::in_any_shape(content)),
        };
        if self.is_in_list {
            self.is_in_list = is_item(content)
                && found.is_none_or(|found| found.stamp.is_none())
                && is_item_next(self.text, line.end);
            if self.is_in_list {
                self.drop(line, Frame::Header);
                return;
            }
        }
        if content.starts_with("Chapter ")
            && frame::is_chapter(content)
            && next_line(self.text, line.end)
                .is_some_and(|next| head::after_stamps(next) == Some(next.len()))
        {
            self.drop(line, Frame::Anywhere);
            return;
        }
        let after_stamps = found.map_or(0, |found| found.after_stamps);
        let unstamped = content
            .split_at(after_stamps)
            .1
            .trim_start_matches(|c| name::is_blank(c) || c == '-');
        let is_quote = |c| name::is_blank(c) || c == '>';
        if !is_prose && content.trim_matches(is_quote).is_empty() {
            self.drop(line, Frame::Anywhere);
            return;
        }
        // WhatsApp marks its own messages, and writes them under the name of the group.
        let body = content.split_at(found.map_or(0, |found| found.body)).0;
        let message = content
            .split_at(body.trim_end_matches(name::is_blank).len())
            .1
            .trim_start();
        if message.starts_with('\u{200e}') && frame::is_system_message(message) {
            self.drop(line, Frame::Anywhere);
            return;
        }
        let is_header =
            found.is_some_and(|found| found.label.is_none() && found.body >= content.len());
        if let Some(frame) = frame::frame(
            unstamped,
            after_stamps > 0 && found.is_some_and(|found| found.stamp.is_some()),
        ) {
            self.drop(line, frame);
            self.is_pending = false;
            self.is_in_list = frame == Frame::Header
                && self.labelled == 0
                && frame::heads_list(content)
                && is_item_next(self.text, line.end);
            let is_field = content.contains(": ");
            if frame != Frame::Header || is_header || is_field || self.is_in_list {
                return;
            }
        }
        // FactSet marks answers and questions between a speaker's title and the text.
        if matches!(content.trim(), "A" | "Q")
            && let Some(last) = self.candidates.last_mut()
            && last.separator == Separator::Line
            && text_lines(self.text, last.body as usize, line.start) < 2
        {
            last.body = offset(line.end);
            self.previous = Previous::Head;
            self.is_pending = false;
            return;
        }
        let is_opening = self.previous != Previous::Open;
        self.lines.openings += u32::from(is_opening && self.previous != Previous::Head);
        let is_alone = found.is_some_and(|found| {
            found.label.is_none() && found.stamp.is_some() && found.body >= content.trim_end().len()
        });
        // A blank line may stand between a name and its time, if no name comes after it.
        let is_named_after = || {
            next_line(self.text, line.end)
                .and_then(head::read)
                .is_some_and(|next| next.label.is_some())
        };
        if is_gap && is_alone && self.is_pending && !is_named_after() {
            self.previous = Previous::Head;
        }
        let is_head = found.is_some_and(|found| self.candidate(line, found, is_opening));
        if !is_head {
            match self.previous {
                Previous::Ended => self.ended += 1,
                Previous::Open => self.open += 1,
                Previous::Blank if self.is_cut && content.starts_with(char::is_lowercase) => {
                    self.continued += 1
                }
                Previous::Blank => self.separate += 1,
                Previous::Head => {}
            }
        }
        self.note_recurring(content, found, is_head);
        let body = found.map_or(0, |found| found.body);
        let rest = content.split_at(body).1;
        let ends = sentence::ends_sentence(rest);
        let is_change = content.starts_with(">>");
        self.unnamed += u32::from(is_change || name::is_capitals(content));
        let label = found.and_then(|found| found.label);
        // Of all brackets only square ones may be around the name of a field.
        let is_field = |label: &head::Label| match label.separator {
            Separator::Bracket => content.trim_start().starts_with('['),
            separator => separator != Separator::Address,
        };
        if is_head && let Some(label) = label.filter(is_field) {
            self.labelled += 1;
            let is_value =
                found.is_some_and(|found| found.stamp.is_none()) && !ends && is_value(rest);
            self.values += u32::from(is_value);
            self.timed +=
                u32::from(label.separator == Separator::Colon && head::bare_time(rest).is_some());
        }
        self.previous = if rest.trim().is_empty() {
            Previous::Head
        } else if ends {
            Previous::Ended
        } else {
            Previous::Open
        };
        if found.is_some_and(|found| found.label.is_some()) && frame::is_placeholder(rest) {
            self.drop(Span::from(line.start + body..line.end), Frame::Anywhere);
        }
        if !is_prose && has_opener(rest) {
            self.stamps_inside(line, body);
        }
        if !is_prose && let Some((len, end)) = frame::bullet(rest) {
            self.drop(Span::from(line.end - len..line.end), Frame::Anywhere);
            self.ends.push((offset(line.end), end));
        }
        self.note_end(rest);
        self.cut += u32::from(is_head && self.is_cut);
        self.is_cut = self.previous == Previous::Open;
        let is_most = content.len() * 4 > self.text.len() && content.len() > SHORT_LINE_BYTES;
        if content.len() > LONG_LINE_BYTES || is_most {
            self.inside(line, body);
        }
    }

    /// Notes a line that may start with a head.
    fn candidate(&mut self, line: Span, found: head::Found, is_opening: bool) -> bool {
        let content = line.of(self.text);
        self.note_stamp(found.stamp);
        let is_empty = found.body >= content.trim_end().len();
        let label = found
            .label
            .filter(|label| label.separator != Separator::Line || is_empty);
        let is_name_line = label.is_some_and(|label| label.separator == Separator::Line);
        let was_pending = std::mem::replace(&mut self.is_pending, false);
        let previous = self.candidates.last_mut();
        let follows = self.previous == Previous::Head;
        // A name and a time on two lines are one head.
        if let Some(previous) = previous.filter(|_| follows) {
            if label.is_none() && is_empty && was_pending && previous.time.is_none() {
                previous.time = found.stamp.map(|stamp| Timestamp::new(stamp.millis));
                previous.body = offset(line.start + found.body);
                if let Some(id) = previous.label {
                    self.labels.change(id, previous.separator, -1);
                    self.labels.change(id, Separator::Clock, 1);
                    previous.separator = Separator::Clock;
                }
                self.lines.stamps += 1;
                return true;
            }
            let is_label = previous.separator == Separator::Colon && previous.label.is_some();
            // What is said may begin with a time: `10:15 is fine`.
            let stamp = found.stamp.filter(|stamp| stamp.is_bracketed || is_empty);
            if label.is_none() && is_label && previous.time.is_none() && stamp.is_some() {
                previous.time = stamp.map(|stamp| Timestamp::new(stamp.millis));
                previous.body = offset(line.start + found.body);
                self.lines.stamps += 1;
                return true;
            }
            if let Some(label) = label.filter(|_| {
                previous.label.is_none() && previous.time.is_some() && found.stamp.is_none()
            }) {
                let separator = if is_name_line {
                    Separator::Clock
                } else {
                    label.separator
                };
                let label = head::Label { separator, ..label };
                previous.label = self.labels.count(content, &label);
                previous.body = offset(line.start + found.body);
                previous.separator = separator;
                previous.is_bare = false;
                return true;
            }
            // Teams repeats the time, and then the name with the time.
            let is_again =
                label.is_none_or(|label| self.labels.is(previous.label, label.span.of(content)));
            if is_empty
                && found.stamp.is_some()
                && previous.label.is_some()
                && previous.time.is_some()
                && is_again
            {
                previous.body = offset(line.start + found.body);
                return true;
            }
            // Zoom shows the initials above the name.
            if let Some(label) = label.filter(|label| {
                was_pending
                    && is_name_line
                    && self
                        .labels
                        .is_initials(previous.label, label.span.of(content))
            }) {
                if let Some(id) = previous.label {
                    self.labels.change(id, previous.separator, -1);
                }
                previous.label = self.labels.count(content, &label);
                previous.body = offset(line.start + found.body);
                self.is_pending = true;
                return true;
            }
            // Of two names on two lines the first is no head, unless it is the first line of a block. A time makes the second
            // one a head.
            if was_pending && is_name_line {
                if found.stamp.is_none() && (self.is_block || name::is_role(content)) {
                    return false;
                }
                if let Some(id) = previous.label {
                    self.labels.change(id, previous.separator, -1);
                }
                self.candidates.pop();
            }
        }
        let id = label.and_then(|label| self.labels.count(content, &label));
        if id.is_none() && found.stamp.is_none() && !content.trim_start().starts_with(">>") {
            return false;
        }
        let is_bare =
            label.is_none() && !is_empty && found.stamp.is_some_and(|stamp| !stamp.is_bracketed);
        self.bare += u32::from(is_bare);
        self.lines.stamps += u32::from(found.stamp.is_some());
        self.candidates.push(Candidate {
            start: offset(line.start),
            body: offset(line.start + found.body),
            time: found.stamp.map(|stamp| Timestamp::new(stamp.millis)),
            label: id,
            separator: label.map_or(Separator::Colon, |label| label.separator),
            is_regular: label.is_some_and(|label| label.is_regular),
            is_opening,
            is_bare,
        });
        self.is_pending = is_name_line;
        self.is_block = self.previous == Previous::Blank;
        true
    }

    fn note_stamp(&mut self, stamp: Option<stamp::Stamp>) {
        const FRAMES: i32 = 30_000;
        if let Some(stamp) = stamp {
            self.has_days |= stamp.as_days.is_some_and(|days| days % 60_000 >= FRAMES);
            self.long_times += u32::from(!stamp.is_short);
        }
    }

    /// Notes a line that may be the header or footer of a page, which may look like a name.
    fn note_recurring(&mut self, content: &str, found: Option<head::Found>, is_head: bool) {
        let separator = found
            .and_then(|found| found.label)
            .map(|label| label.separator);
        let may_be_page = found.is_none_or(|found| found.stamp.is_none())
            && separator.is_none_or(|separator| {
                matches!(
                    separator,
                    Separator::Line | Separator::Column | Separator::Dash
                )
            });
        let is_name = separator == Some(Separator::Line) && self.has_pages;
        let is_candidate = || match self.is_apart {
            true => !is_head || is_name || self.is_cut,
            false => self.is_cut && content.len() < 100 && has_digit(content),
        };
        if may_be_page && is_candidate() {
            self.recurring
                .note(content, self.filled, self.is_apart, self.is_cut);
        }
    }

    /// Notes what may be heads inside of a line: a label or a time stamp after the end of a sentence.
    fn inside(&mut self, line: Span, from: usize) {
        let content = line.of(self.text);
        // Without a head the line starts with one of those that stand inside of it.
        let (mut is_after_end, mut after_stop, mut is_after_blank) = (from == 0, false, false);
        let mut end = from;
        for (at, c) in content.char_indices().skip_while(|&(at, _)| at < from) {
            let mark = sentence::mark(c);
            let rest = content.split_at(at).1;
            let starts = (is_after_end
                && !c.is_whitespace()
                && rest.bytes().take(INLINE_BYTES).any(|byte| byte == b':'))
                || (c == '['
                    && is_after_blank
                    && rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit));
            if starts
                && at >= end
                && let Some(found) = head::before_time(rest).or_else(|| head::read(rest))
            {
                let is_clear = |label: &head::Label| {
                    label.separator == Separator::Colon
                        && label.shape == Shape::Strict
                        && !label.span.of(rest).contains('[')
                };
                let label = found.label.filter(is_clear);
                let label = label.map(|label| head::Label {
                    separator: Separator::Inline,
                    ..label
                });
                let stamp = found.stamp.filter(|stamp| stamp.is_bracketed);
                let body = if label.is_some() {
                    found.body
                } else {
                    found.after_stamps
                };
                if label.is_some() || stamp.is_some() {
                    self.note_stamp(found.stamp);
                    end = at + body;
                    self.candidates.push(Candidate {
                        start: offset(line.start + at),
                        body: offset(line.start + at + body),
                        time: found.stamp.map(|stamp| Timestamp::new(stamp.millis)),
                        label: label.and_then(|label| self.labels.count(rest, &label)),
                        separator: Separator::Inline,
                        is_regular: label.is_some_and(|label| label.is_regular),
                        is_opening: true,
                        is_bare: false,
                    });
                }
            }
            is_after_end = (after_stop && c.is_whitespace())
                || (mark == Some(sentence::Mark::Stop) && sentence::is_wide(c))
                || (is_after_end && c.is_whitespace());
            is_after_blank = c.is_whitespace();
            let is_stop =
                mark == Some(sentence::Mark::Stop) && !(c == '.' && ends_in_title(content, at));
            after_stop = is_stop || (after_stop && mark == Some(sentence::Mark::Closer));
        }
    }

    /// Reads the head of an e-mail: `From: Name <name@example.org>` and the fields below it.
    fn mail_head(&mut self, line: Span) -> bool {
        let content = line.of(self.text);
        let is_field = |text: &str| MAIL_FIELDS.iter().any(|field| text.starts_with(field));
        if self.is_in_mail_head && is_field(content) {
            if let Some(head) = self.candidates.last_mut() {
                head.body = offset(line.end);
            }
            return true;
        }
        self.is_in_mail_head = false;
        let next = self
            .text
            .get(line.end..)
            .and_then(|rest| rest.trim_start_matches('\r').strip_prefix('\n'));
        if let Some(label) = head::mail_sender(content).filter(|_| next.is_some_and(is_field)) {
            self.candidates.push(Candidate {
                start: offset(line.start),
                body: offset(line.end),
                time: None,
                label: self.labels.count(content, &label),
                separator: label.separator,
                is_regular: false,
                is_opening: true,
                is_bare: false,
            });
            self.is_in_mail_head = true;
            self.mails += 1;
            self.lines.openings += 1;
            self.previous = Previous::Head;
            self.is_pending = false;
            return true;
        }
        let is_quoted = content.starts_with('>')
            || (content.starts_with("On ") && content.trim_end().ends_with(" wrote:"));
        if is_quoted && self.mails > 0 {
            self.drop(line, Frame::Anywhere);
        }
        is_quoted && self.mails > 0
    }

    /// Leaves out the time stamps in brackets that stand inside of a turn.
    fn stamps_inside(&mut self, line: Span, from: usize) {
        let content = line.of(self.text);
        let mut at = from;
        while let Some(next) = content.get(at..).and_then(|rest| {
            rest.bytes()
                .position(|byte| matches!(byte, b'[' | b'(' | b'#' | b'{'))
        }) {
            let start = at + next;
            let rest = content.split_at(start).1;
            at = start + 1;
            if !rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit) {
                continue;
            }
            if let Some((stamp, millis)) = head::bracketed_stamp(rest) {
                at = start + stamp;
                if content.split_at(at).1.trim().is_empty() {
                    self.ends.push((offset(line.end), millis));
                }
                let blanks = content
                    .get(from..start)
                    .map_or(0, |before| before.len() - before.trim_end().len());
                let frame = if rest.starts_with('(') {
                    Frame::Stamp
                } else {
                    Frame::Anywhere
                };
                self.stamps_in_brackets += u32::from(frame == Frame::Stamp);
                self.drop(
                    Span::from(line.start + start - blanks..line.start + at),
                    frame,
                );
            }
        }
    }

    fn drop(&mut self, part: Span, frame: Frame) {
        let part = Unspoken {
            start: offset(part.start),
            end: offset(part.end),
        };
        self.drops.push((part, frame));
    }

    /// Notes how a line ends, which tells whether lines are wrapped.
    fn note_end(&mut self, text: &str) {
        self.marked += u32::from(self.previous == Previous::Ended || has_stop(text));
        if self.previous == Previous::Open {
            let len = text.chars().count();
            self.widths = (self.widths.0.max(len), self.widths.1 + len);
        }
    }

    /// Whether sentences end with marks.
    fn has_marks(&self) -> bool {
        self.marked * 8 >= self.filled
    }

    fn is_wrapped(&self) -> bool {
        // Without marks the lines have to be about as long as each other.
        let (longest, sum) = self.widths;
        let is_even = sum * 10 >= longest * 8 * self.open as usize;
        self.open > 2 && self.open * 4 >= self.ended && (self.has_marks() || is_even)
    }

    fn finish(mut self) -> Plain {
        let text = self.text;
        // Each line of a double-spaced text is followed by a blank line.
        let mut headers = self.recurring.find(text, false);
        let continued = (self.continued as usize).saturating_sub(headers.len());
        let is_double =
            continued > 2 && continued * 3 >= self.separate as usize && self.has_marks();
        if is_double {
            headers = self.recurring.find(text, true);
            self.leave_out_gaps();
        }
        self.recurring = Recurring::default();
        self.leave_out(&headers);
        if !self.has_marks() {
            self.lines.openings = self.filled;
        }
        self.lines.are_values = self.labelled > 2 && self.values * 3 > self.labelled * 2;
        self.lines.are_unnamed = self.unnamed * 2 > self.filled;
        let decision = self.labels.decide(self.lines);
        let clock = match self.long_times {
            _ if self.has_days => ClockOf::Mission,
            0 if are_of_a_day(&self.candidates) || pass_midnight(&self.candidates) => ClockOf::Day,
            _ => ClockOf::Recording,
        };
        // A turn starts when the one before has ended.
        let end_in_times = self.lines.stamps == 0
            && self.ends.len() > 2
            && self.ends.len() * 4 >= self.labelled as usize * 3;
        let ends = if end_in_times {
            std::mem::take(&mut self.ends)
        } else {
            Vec::new()
        };
        let are_timed = self.timed > 2 && self.timed * 4 >= self.labelled * 3;
        let has_bare = self.bare > 2 && self.bare * 5 > self.lines.openings;
        let mut plain = Plain {
            is_wrapped: is_double || self.is_wrapped(),
            ..Plain::default()
        };
        let (labels, speakers) = (&mut self.labels, &mut plain.speakers);
        let heads = self.candidates.into_iter().filter_map(|candidate| {
            let Candidate {
                start,
                body,
                label,
                separator,
                is_regular,
                is_opening,
                is_bare,
                ..
            } = candidate;
            let time = clock.millis(&candidate, text).or_else(|| {
                let before = ends.partition_point(|&(end, _)| end <= start);
                let last = before.checked_sub(1).and_then(|last| ends.get(last));
                end_in_times.then(|| last.map_or(0, |&(_, millis)| millis))
            });
            // `Interviewee: Ada Holt`, above the first turn.
            if let Some(id) = label
                && speakers.is_empty()
                && labels.is_single(id)
                && is_name_after(text, body)
            {
                return None;
            }
            let speaker =
                label.and_then(|id| labels.speaker(id, separator, is_opening, &decision, speakers));
            let mut head = Head {
                start,
                body,
                time: time.map(Timestamp::new),
                speaker,
                as_written: false,
            };
            if are_timed && head.time.is_none() && speaker.is_some() {
                let (_, after) = text.split_at(body as usize);
                let line = after.split_once('\n').map_or(after, |(line, _)| line);
                if let Some((millis, end)) = head::bare_time(line) {
                    head.time = Some(Timestamp::new(millis));
                    head.body += offset(end);
                }
            }
            if let (Some(speaker), Some(id)) = (speaker, label) {
                let name = speakers.get(speaker.index()).map_or("", String::as_str);
                return Some(Head {
                    as_written: is_regular && head.body == body && labels.is_written(id, name),
                    ..head
                });
            }
            match label {
                None => (!is_bare || has_bare).then_some(head),
                Some(_) if separator == Separator::Inline => None,
                Some(_) => time_only(text, head).or_else(|| change_only(text, head)),
            }
        });
        plain.heads = heads.collect();
        join_times(&mut plain.heads, text);
        let first = plain
            .heads
            .iter()
            .find(|head| head.speaker.is_some())
            .or(plain.heads.first());
        let first = first.map_or(0, |head| head.start);
        if !plain.speakers.is_empty() {
            let preamble = preamble(text.split_at(first as usize).0);
            // A date with a time is no head.
            plain
                .heads
                .retain(|head| head.start >= first || head.start as usize >= preamble.len());
            self.drops
                .retain(|(part, _)| part.start as usize >= preamble.len());
            self.drops.insert(
                0,
                (
                    Unspoken {
                        start: 0,
                        end: offset(preamble.len()),
                    },
                    Frame::Header,
                ),
            );
        }
        let are_stamps = self.stamps_in_brackets > 2 && self.stamps_in_brackets * 4 >= self.filled;
        self.drops.retain(|(part, frame)| match frame {
            Frame::Header => part.start < first,
            Frame::Stamp => are_stamps,
            Frame::Anywhere | Frame::Page => true,
        });
        plain.drops = apart(self.drops, &plain.heads, text);
        let times = plain
            .heads
            .iter()
            .filter(|head| head.time.is_some())
            .count();
        plain.are_captions =
            plain.speakers.is_empty() && times > 2 && self.cut as usize * 5 >= times;
        plain
    }

    /// Leaves out blank lines.
    fn leave_out_gaps(&mut self) {
        let mut end = 0;
        for line in lines(self.text) {
            if line.of(self.text).chars().all(name::is_blank) {
                continue;
            }
            let gap = self.text.get(end..line.start).unwrap_or_default();
            if let Some((first, _)) = gap.split_once('\n').filter(|(_, rest)| rest.contains('\n')) {
                self.drop(
                    Span::from(end + first.len() + 1..line.start),
                    Frame::Anywhere,
                );
            }
            end = line.end;
        }
        self.drops.sort_by_cached_key(|(part, _)| part.start);
    }

    /// Leaves out lines that recur on each page.
    fn leave_out(&mut self, headers: &[Span]) {
        let mut headers = headers.iter().peekable();
        if headers.peek().is_none() {
            return;
        }
        let labels = &mut self.labels;
        let mut left_out = Vec::new();
        self.candidates.retain(|candidate| {
            let start = candidate.start as usize;
            while headers
                .next_if(|header| header.end <= start)
                .is_some_and(|header| {
                    left_out.push(*header);
                    true
                })
            {}
            let is_header = headers.peek().is_some_and(|header| header.start <= start);
            if is_header && let Some(id) = candidate.label {
                labels.change(id, candidate.separator, -1);
            }
            !is_header
        });
        left_out.extend(headers);
        for header in left_out {
            self.drop(header, Frame::Page);
        }
        self.drops.sort_by_cached_key(|(part, _)| part.start);
    }
}

/// Whether a time stamp may start inside of a line.
fn has_opener(text: &str) -> bool {
    Eight::any(text.as_bytes(), |eight| {
        let round = eight.equal(b'(').or(eight.equal(b'#'));
        round.or(eight.equal(b'[')).or(eight.equal(b'{'))
    })
}

fn has_digit(text: &str) -> bool {
    Eight::any(text.as_bytes(), |eight| eight.within(b'0', b'9'))
}

/// Whether a sentence ends inside of a line.
fn has_stop(text: &str) -> bool {
    let mut after_stop = false;
    Eight::any(text.as_bytes(), |eight| {
        let stops = eight.equal(b'.').or(eight.equal(b'?'));
        let stops = stops.or(eight.equal(b'!'));
        stops.following(&mut after_stop).and(eight.equal(b' '))
    })
}

/// The head of a line whose label is no speaker: the time stamp alone, if the line starts with one.
fn time_only(text: &str, head: Head) -> Option<Head> {
    head.time?;
    let mut start = head.start as usize;
    // A label and a time stamp that were on two lines were taken for one head.
    for _ in 0..2 {
        let line = text.split_at(start).1;
        let line = line.split_once('\n').map_or(line, |(line, _)| line);
        if let Some(body) = head::after_stamps(line) {
            return Some(Head {
                start: offset(start),
                body: offset(start + body),
                ..head
            });
        }
        start += line.len() + 1;
        if start >= head.body as usize {
            break;
        }
    }
    None
}

/// The head of a line whose label is no speaker: the mark of a change alone, if the line starts with one.
fn change_only(text: &str, head: Head) -> Option<Head> {
    let (_, line) = text.split_at(head.start as usize);
    let rest = line.strip_prefix(">>")?.trim_start_matches(['>', ' ']);
    let body = offset(text.len() - rest.len());
    Some(Head { body, ..head })
}

/// The parts to leave out, without those that overlap a head or another part. Page headers take the blank lines around them
/// along, because the text goes on after them.
fn apart(drops: Vec<(Unspoken, Frame)>, heads: &[Head], text: &str) -> Vec<Unspoken> {
    let mut heads = heads.iter().peekable();
    let mut kept: Vec<Unspoken> = Vec::new();
    for (part, frame) in drops {
        let mut part = part;
        if frame == Frame::Page {
            let (before, after) = (
                text.split_at(part.start as usize).0,
                text.split_at(part.end as usize).1,
            );
            let (_, blank) = before.split_at(before.trim_end().len());
            // The line end before the header stays.
            let others = blank.chars().skip(1).map(char::len_utf8);
            part.start -= offset(others.sum());
            part.end += offset(after.len() - after.trim_start().len());
        }
        part.start = part.start.max(kept.last().map_or(0, |last| last.end));
        while heads.next_if(|head| head.body <= part.start).is_some() {}
        if let Some(head) = heads.peek() {
            part.end = part.end.min(head.start.max(part.start));
        }
        if part.start < part.end {
            kept.push(part);
        }
    }
    kept
}

/// What the times of a text count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClockOf {
    /// Hours, minutes, seconds, and perhaps frames.
    Recording,
    /// Days before the hours, and no frames.
    Mission,
    /// Hours and minutes of a day.
    Day,
}

impl ClockOf {
    fn millis(self, candidate: &Candidate, text: &str) -> Option<i32> {
        let time = candidate.time?.millis();
        Some(match self {
            Self::Recording => time,
            Self::Mission => {
                let head = text.get(candidate.start as usize..candidate.body as usize);
                let stamps = head
                    .unwrap_or_default()
                    .lines()
                    .filter_map(|line| head::read(line)?.stamp);
                stamps
                    .filter_map(|stamp| stamp.as_days)
                    .next()
                    .unwrap_or(time)
            }
            Self::Day => time.saturating_mul(60),
        })
    }
}

/// Whether times of two groups are hours and minutes: nobody says more than five words a second for long.
fn are_of_a_day(candidates: &[Candidate]) -> bool {
    const WORD_BYTES: u32 = 6;
    const WORDS_A_SECOND: u32 = 5;
    const MINUTE: i32 = 60_000;
    let timed = || {
        candidates
            .iter()
            .filter_map(|candidate| Some((candidate.start, candidate.time?.millis())))
    };
    let (Some((start, first)), Some((end, last))) = (timed().next(), timed().next_back()) else {
        return false;
    };
    let seconds = u32::try_from(last.saturating_sub(first) / 1000).unwrap_or_default();
    let words = (end - start) / WORD_BYTES;
    seconds > 0
        && words / WORDS_A_SECOND > seconds
        && timed().count() > 2
        && timed().all(|(_, time)| (MINUTE..24 * MINUTE).contains(&time))
}

/// Whether times of two groups are hours and minutes because they pass midnight: what began after noon jumps back once, from near
/// 24:00 to near 0:00.
fn pass_midnight(candidates: &[Candidate]) -> bool {
    const HOUR: i32 = 60_000;
    let times = || {
        let times = candidates.iter().filter_map(|candidate| candidate.time);
        times.map(Timestamp::millis)
    };
    let jumps = || {
        times()
            .zip(times().skip(1))
            .filter(|(time, next)| next < time)
    };
    let (Some(first), Some(last)) = (times().next(), times().next_back()) else {
        return false;
    };
    let is_night = |(time, next)| time >= 22 * HOUR && next < 2 * HOUR;
    first >= 12 * HOUR
        && last < first
        && times().all(|time| time < 24 * HOUR)
        && jumps().count() == 1
        && jumps().all(is_night)
}

/// Joins a time on a line of its own with the head after it, if that has none. There may be a million heads, so they stay
/// where they are.
fn join_times(heads: &mut Vec<Head>, text: &str) {
    heads.dedup_by(|head, before| {
        let between = || text.get(before.body as usize..head.start as usize);
        let is_one = before.speaker.is_none()
            && before.time.is_some()
            && head.time.is_none()
            && between().is_some_and(|between| between.trim().is_empty());
        if is_one {
            *before = Head {
                start: before.start,
                time: before.time,
                as_written: false,
                ..*head
            };
        }
        is_one
    });
    heads.shrink_to_fit();
}

/// The next line that is not blank.
fn next_line(text: &str, end: usize) -> Option<&str> {
    const BYTES: usize = 400;
    let rest = text.get(end..text.floor_char_boundary(end + BYTES))?;
    rest.lines().map(str::trim).find(|line| !line.is_empty())
}

/// Whether a line may be one of a list of people or keywords above the first turn.
fn is_item(line: &str) -> bool {
    const BYTES: usize = 300;
    let line = line.trim();
    line.len() <= BYTES
        && !sentence::ends_sentence(line)
        && ![". ", "? ", ": "].iter().any(|mark| line.contains(mark))
        && !line.ends_with([':', ';'])
}

/// Whether another one is on the next line, or the head of a turn with its time. The name above a sentence is a head.
fn is_item_next(text: &str, end: usize) -> bool {
    const PREAMBLE_BYTES: usize = 4096;
    end < PREAMBLE_BYTES
        && next_line(text, end).is_some_and(|next| {
            let head = head::read(next).filter(|head| head.stamp.is_some());
            head.map_or_else(|| is_item(next), |head| head.label.is_some())
        })
}

/// Whether a text after a label, which does not end a sentence, is the value of a field rather than speech.
fn is_value(text: &str) -> bool {
    const WORDS: usize = 4;
    let text = text.trim();
    !text.is_empty()
        && text.split(name::is_blank).take(WORDS).count() < WORDS
        && text.chars().filter(|c| !c.is_ascii()).take(WORDS).count() < WORDS
}

/// Whether the rest of a line is a name.
fn is_name_after(text: &str, body: u32) -> bool {
    let (_, rest) = text.split_at(body as usize);
    let line = rest.split_once('\n').map_or(rest, |(line, _)| line).trim();
    line.contains(' ') && name::is_full(line)
}

/// The lines above the first turn, if they are titles and lists of people: short, and none of them a sentence.
fn preamble(text: &str) -> &str {
    const LINES: usize = 60;
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut is_in_list = false;
    let mut is_unspoken = |line: &str| {
        let is_listed = is_in_list && is_item(line);
        is_in_list = is_listed || frame::heads_list(line);
        is_listed || is_title(line) || frame::frame(line, false).is_some()
    };
    if lines().take(LINES + 1).count() <= LINES && lines().all(&mut is_unspoken) {
        text
    } else {
        ""
    }
}

/// Whether a line is short and no sentence.
fn is_title(line: &str) -> bool {
    const LINE_BYTES: usize = 120;
    let line = line.trim();
    line.len() <= LINE_BYTES
        && !line.starts_with(char::is_lowercase)
        && !sentence::ends_sentence(line)
        && !line.contains(". ")
        && !line.ends_with([',', ';'])
}

/// Number of lines with text in a short part of a text.
fn text_lines(text: &str, from: usize, to: usize) -> usize {
    const TITLE_BYTES: usize = 200;
    match text.get(from..to) {
        Some(part) if part.len() <= TITLE_BYTES => {
            part.lines().filter(|line| !line.trim().is_empty()).count()
        }
        _ => usize::MAX,
    }
}

/// Whether the word that ends at `at` is an initial or a title such as `Mr`, after which a full stop ends no sentence.
fn ends_in_title(text: &str, at: usize) -> bool {
    let near = text
        .split_at(at)
        .0
        .split_at(text.floor_char_boundary(at.saturating_sub(8)))
        .1;
    let word = near.rsplit(name::is_blank).next().unwrap_or_default();
    name::is_abbreviation(word, true)
}

/// A byte offset. Texts are far smaller than 4 GiB.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
#[cfg(test)]
mod tests;
