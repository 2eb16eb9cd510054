//! Writes plain text, once [`plain::analyze`](super::plain::analyze) has found its labels: labels of the usual form, blank
//! lines and line breaks stay as they are.

use crate::text::Span;
use crate::transcript::format::clean;
use crate::transcript::format::plain::Plain;
use crate::transcript::format::writer::{Block, Head, Writer};

/// The longest pause, in milliseconds, after which a speaker goes on with a sentence under a new label.
const PAUSE_MILLIS: i32 = 5_000;

/// The same if all lines are captions, or the label is followed by a lower-case letter.
const CONTINUED_MILLIS: i32 = 15_000;

pub(crate) struct Reader {
    /// The heads that are still to be read stand in reverse, so that those that were read can be freed.
    plain: Plain,
    /// The next part to leave out.
    drop: usize,
    /// Offset in the decoded text up to which it has been written.
    at: usize,
}

impl Reader {
    pub(crate) fn new(mut plain: Plain) -> Self {
        plain.heads.reverse();
        Self {
            plain,
            drop: 0,
            at: 0,
        }
    }

    /// The number of turns at most.
    pub(crate) fn turns(&self) -> usize {
        self.plain.heads.len()
    }

    /// Writes a block. Returns where the next one has to start.
    pub(crate) fn read(&mut self, block: &Block<'_>, writer: &mut Writer) -> usize {
        self.at = self.at.max(block.start);
        let block = &block.up_to(self.end_of(block));
        while self.at < block.end() {
            let head = self.plain.heads.last().copied();
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
                self.plain.heads.pop();
                let body = head.body as usize;
                let label = Span::from(self.at..body.min(block.end()));
                let name = head
                    .speaker
                    .and_then(|speaker| self.plain.speakers.get(speaker.index()));
                let from = head.time;
                let written = (head.as_written && head.time.is_none())
                    .then(|| (block.at(label), block.position(self.at)));
                let head = Head {
                    speaker: name.map(String::as_str),
                    from,
                    written,
                    always_named: true,
                    is_change: head.speaker.is_none() && head.time.is_none(),
                };
                let rest = Span::from(body.min(block.end())..block.end());
                let said = block.at(rest).trim_start();
                let is_continued = said.starts_with(char::is_lowercase);
                let pause = match self.plain.are_captions || is_continued {
                    true => CONTINUED_MILLIS,
                    false => PAUSE_MILLIS,
                };
                if writer.goes_on(&head, pause, is_continued) {
                    writer.blank();
                } else {
                    writer.turn(head);
                }
                self.at = body.max(block.end() - said.len());
            }
        }
        self.plain.heads.shrink_to_fit();
        block.end()
    }

    /// Where to stop in a block: after a line, or in a very long one after a word, but not inside a head.
    fn end_of(&self, block: &Block<'_>) -> usize {
        if block.is_last || block.text.ends_with('\n') {
            return block.end();
        }
        let cut = block.text.rfind('\n').or_else(|| block.text.rfind(' '));
        let end = cut.map_or(block.end(), |cut| block.start + cut + 1);
        let heads = &self.plain.heads;
        let after = heads.partition_point(|head| (head.start as usize) >= end);
        match heads.get(after) {
            Some(head) if head.body as usize > end => (head.start as usize).max(block.start),
            _ => end,
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

#[cfg(test)]
mod tests {
    use crate::transcript::decode::Decoded;
    use crate::transcript::format::read;

    /// A conversation in sentences that are cut into labelled lines of `words` words, each with the seconds it starts at.
    fn cut(words: usize, label: fn(&str, usize) -> String) -> String {
        let sentences = [
            "We looked at the mill in Hesse and found that the old wheel and both of the sluices will have to be replaced",
            "Then the guild has to find nine thousand euros before the frost sets in and nobody can work at the old stone weir",
        ];
        let (mut text, mut seconds) = (String::new(), 3600);
        for turn in 0..8 {
            let name = ["Vera Blum", "Ole Tang"][turn % 2];
            let sentence = sentences[turn % 2].split(' ').collect::<Vec<_>>();
            let count = sentence.len().div_ceil(words);
            for (at, line) in sentence.chunks(words).enumerate() {
                let stop = if at + 1 == count { "." } else { "" };
                text += &format!("{}{}{stop}\n\n", label(name, seconds), line.join(" "));
                seconds += words / 2;
            }
        }
        text
    }

    fn clock(seconds: usize) -> String {
        format!(
            "{:02}:{:02}:{:02}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        )
    }

    #[test]
    fn a_sentence_goes_on_under_its_speakers_next_label() {
        let labels: [fn(&str, usize) -> String; 4] = [
            |name, at| format!("[{name}] {}\n", clock(at)),
            |name, at| format!("{name}  {}\n", clock(at)),
            |name, at| format!("[{}] {name}: ", clock(at)),
            |name, _| format!("{name}: "),
        ];
        for (nth, label) in labels.into_iter().enumerate() {
            for words in [4, 7, 14, 20] {
                let source = cut(words, label);
                let (spoken, segments) = read(Decoded::from(source.clone())).unwrap();
                assert_eq!(
                    segments.starting_in(0..spoken.text.len()).len(),
                    8,
                    "{source}{}",
                    spoken.text
                );
                let lines = spoken
                    .text
                    .trim()
                    .split('\n')
                    .filter(|line| !line.is_empty());
                assert!(
                    lines.clone().all(|line| line.ends_with('.')),
                    "{}",
                    spoken.text
                );
                // All but the last turn last up to the next one.
                let seconds: f64 = spoken.talk.iter().map(|talk| talk.seconds).sum();
                let expected = (words / 2 * 23_usize.div_ceil(words) * 7) as f64;
                assert!(
                    nth == 3 || seconds >= expected - 1.0,
                    "{seconds} of {expected}"
                );
            }
        }
        let pause = "[00:00:01] Vera Blum: We looked at\n[00:00:21] Vera Blum: Nine mills.\n[00:00:25] Ole Tang: Good.\n";
        let (spoken, _) = read(Decoded::from(pause.to_owned())).unwrap();
        assert_eq!(
            spoken.text.lines().filter(|line| !line.is_empty()).count(),
            3,
            "{}",
            spoken.text
        );
    }
}
