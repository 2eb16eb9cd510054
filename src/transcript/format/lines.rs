//! Writes plain text, once [`plain::analyze`](super::plain::analyze) has found its labels: labels of the usual form, blank
//! lines and line breaks stay as they are.

use crate::text::Span;
use crate::transcript::format::clean;
use crate::transcript::format::plain::Plain;
use crate::transcript::format::writer::{Block, Head, Writer};
use crate::transcript::segment::Timestamp;

/// Milliseconds within which a speaker goes on with a sentence under a new label.
const GOES_ON_MILLIS: i32 = 5_000;

/// The same where all lines are captions.
const CAPTION_MILLIS: i32 = 15_000;

pub(crate) struct Reader {
    plain: Plain,
    /// The next head and the next part to leave out.
    head: usize,
    drop: usize,
    /// Offset in the decoded text up to which it has been written.
    at: usize,
}

impl Reader {
    pub(crate) fn new(plain: Plain) -> Self {
        Self {
            plain,
            head: 0,
            drop: 0,
            at: 0,
        }
    }

    /// Writes a block of lines.
    pub(crate) fn read(&mut self, block: &Block<'_>, writer: &mut Writer) {
        self.at = self.at.max(block.start);
        while self.at < block.end() {
            let head = self.plain.heads.get(self.head).copied();
            let drop = self.plain.drops.get(self.drop).copied();
            let next_head = head.map_or(usize::MAX, |head| head.start as usize);
            let next_drop = drop.map_or(usize::MAX, |drop| drop.start as usize);
            let stop = next_head.min(next_drop).min(block.end());
            if stop > self.at {
                self.say(block, Span::from(self.at..stop), writer);
                self.at = stop;
            } else if let Some(drop) = drop.filter(|drop| drop.start as usize <= self.at) {
                self.at = self.at.max(drop.end as usize);
                self.drop += 1;
            } else if let Some(head) = head {
                self.head += 1;
                let body = head.body as usize;
                let label = Span::from(self.at..body.min(block.end()));
                let name = head
                    .speaker
                    .and_then(|speaker| self.plain.speakers.get(speaker.index()));
                let from = head.time.map(Timestamp);
                let written = (head.as_written && head.time.is_none())
                    .then(|| (block.at(label), block.position(self.at)));
                let head = Head {
                    speaker: name.map(String::as_str),
                    from,
                    written,
                    always_named: true,
                    is_change: head.speaker.is_none() && head.time.is_none(),
                };
                let within = match self.plain.are_captions {
                    true => CAPTION_MILLIS,
                    false => GOES_ON_MILLIS,
                };
                if writer.goes_on(&head, within) {
                    writer.blank();
                } else {
                    writer.turn(head);
                }
                self.at = body;
            }
        }
    }

    fn say(&self, block: &Block<'_>, part: Span, writer: &mut Writer) {
        if !self.plain.is_wrapped {
            writer.say(block, part);
            return;
        }
        // A line break inside a paragraph becomes a blank.
        let mut at = part.start;
        let mut is_divided = false;
        let mut lines = block.at(part).split_inclusive('\n').peekable();
        while let Some(line) = lines.next() {
            let end = at + line.len();
            let start = end - line.trim_start().len();
            let mut text = line.trim();
            if !(text.is_empty() || is_divided) {
                writer.blank();
            }
            is_divided = lines
                .peek()
                .is_some_and(|next| clean::is_divided(text, next));
            if is_divided {
                text = text.trim_end_matches('-');
            }
            let said = if text.is_empty() {
                at..end
            } else {
                start..start + text.len()
            };
            writer.say(block, Span::from(said));
            at = end;
        }
    }
}
