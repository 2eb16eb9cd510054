//! Replaces misheard words and labels in a transcript that has been read. Offsets still lead to what stands in the source.

use std::ops::Range;
use std::sync::Arc;

use crate::text::corrections::Edit;
use crate::text::{Corrections, Span};
use crate::transcript::decode::{Position, SourceMap};
use crate::transcript::{Numbering, Spoken, Transcript};

impl Transcript {
    /// The transcript with everything replaced that `corrections` have, labels of speakers included, and the corrections as they
    /// hold for it: with how often each was found. Labels may also be corrected as a summary prints them, with one of the words
    /// in `speaker` before the number.
    #[must_use]
    pub(crate) fn corrected(
        self,
        corrections: &Arc<Corrections>,
        speaker: &[&str],
    ) -> (Self, Arc<Corrections>) {
        if corrections.is_empty() {
            return (self, Arc::clone(corrections));
        }
        let mut corrections = corrections.fitted(self.text());
        let mut found = Vec::new();
        let mut names = Vec::new();
        let numbering = Numbering::of(&self.segments);
        for (at, label) in self.segments.labels.iter().enumerate() {
            let printed = speaker
                .iter()
                .filter_map(|speaker| numbering.printed(label, speaker));
            let (name, entry) = corrections.name(label, printed);
            let turns = self.spoken.talk.get(at).map_or(1, |talk| talk.turns.max(1));
            found.extend(entry.into_iter().cycle().take(turns));
            names.push(name);
        }
        let edits = self.edits(&corrections, &names, &mut found);
        corrections.count(&found);
        let mut moves = Moves::new(&edits);
        let segments = self.segments.moved(|at| moves.at(at), names);
        let mut spoken = Arc::unwrap_or_clone(self.spoken);
        if !edits.is_empty() {
            (spoken.text, spoken.source_map) = corrected(&spoken, &edits);
        }
        let transcript = Self {
            segments: Arc::new(segments.ending_at(spoken.text.len())),
            spoken: Arc::new(spoken),
        };
        (transcript, Arc::new(corrections))
    }

    /// The replacements in the text, in order: of labels where a turn begins, of words elsewhere.
    fn edits(
        &self,
        corrections: &Corrections,
        names: &[String],
        found: &mut Vec<usize>,
    ) -> Vec<Edit> {
        let text = self.text();
        let segments = self.segments.starting_in(0..text.len()).iter();
        let labels = segments.filter_map(|segment| {
            let index = segment.speaker?.index();
            let (label, name) = (self.segments.labels.get(index)?, names.get(index)?);
            let head = Span::from(segment.start()..segment.body().start);
            let at = head.start + head.of(text).rfind(label.as_str())?;
            let from = Span::from(at..at + label.len());
            Some((from, name))
        });
        let mut edits = Vec::new();
        let mut end = 0;
        for (from, name) in labels {
            corrections.edits(text, Span::from(end..from.start), &mut edits, found);
            if from.of(text) != name {
                let to = name.clone();
                edits.push(Edit { from, to });
            }
            end = from.end;
        }
        corrections.edits(text, Span::from(end..text.len()), &mut edits, found);
        edits
    }
}

/// The text after the replacements, and where it stands in the source.
fn corrected(spoken: &Spoken, edits: &[Edit]) -> (String, SourceMap) {
    let (old, old_map) = (spoken.text.as_str(), &spoken.source_map);
    let mut map = old_map.restarted();
    let mut text = String::with_capacity(old.len());
    let keep = |part: Range<usize>, text: &mut String, map: &mut SourceMap| {
        for (stretch, position) in old_map.stretches(old, (0, Position::new(0)), part.into()) {
            map.mark(text.len(), position);
            text.push_str(stretch);
        }
    };
    let mut end = 0;
    for Edit { from, to } in edits {
        keep(end..from.start, &mut text, &mut map);
        end = from.end;
        let (mut at, last) = (
            old_map.position(old, from.start),
            old_map.position(old, end),
        );
        map.mark(text.len(), at);
        for c in to.chars() {
            text.push(c);
            at = map.after(at, c.encode_utf8(&mut [0; 4]));
            // What is longer than it was does not reach beyond it in the source.
            if at.source > last.source {
                at = last;
                map.mark(text.len(), at);
            }
        }
    }
    keep(end..old.len(), &mut text, &mut map);
    (text, map)
}

/// Moves offsets in the old text, asked for in increasing order, to those in the new one.
struct Moves<'a> {
    edits: std::iter::Peekable<std::slice::Iter<'a, Edit>>,
    /// Lengths of the texts up to the last edit, old and new.
    old: usize,
    new: usize,
}

impl<'a> Moves<'a> {
    fn new(edits: &'a [Edit]) -> Self {
        Self {
            edits: edits.iter().peekable(),
            old: 0,
            new: 0,
        }
    }

    fn at(&mut self, at: usize) -> usize {
        while let Some(edit) = self.edits.next_if(|edit| edit.from.end <= at) {
            self.new += edit.from.start - self.old + edit.to.len();
            self.old = edit.from.end;
        }
        match self.edits.peek() {
            Some(Edit { from, to }) if at > from.start => {
                self.new + from.start - self.old + to.floor_char_boundary(at - from.start)
            }
            _ => self.new + at - self.old,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::corrections::{List, read_list};
    use crate::transcript::Decoder;

    const MEETING: &str = "spk_0: Good morning. I am Dana from brack water.\n\
        A: A depot of Brack Water is late, spk_0.\n\
        Lee: Ask the tresury, says Müller.\n\
        spk_0: The tresury it is.\n";

    fn corrections(names: &str, glossary: &str) -> Arc<Corrections> {
        let mut entries = read_list(names, List::SpeakerNames).unwrap();
        entries.extend(read_list(glossary, List::Glossary).unwrap());
        Arc::new(Corrections::new(entries).unwrap())
    }

    fn transcript(bytes: &[u8]) -> Transcript {
        let mut decoder = Decoder::default();
        decoder.push(bytes).unwrap();
        Transcript::new(decoder.finish().unwrap()).unwrap()
    }

    #[test]
    fn labels_and_words_are_replaced_and_turns_stay() {
        let list = corrections(
            "spk_0 = Dana Whitfield\nA = Anna",
            "brack water = Brackwater\ntresury = Treasury",
        );
        let (corrected, list) = transcript(MEETING.as_bytes()).corrected(&list, &[]);
        assert_eq!(
            corrected.text().trim_end(),
            "Dana Whitfield: Good morning. I am Dana from Brackwater.\n\
             Anna: A depot of Brackwater is late, Dana Whitfield.\n\
             Lee: Ask the Treasury, says Müller.\n\
             Dana Whitfield: The Treasury it is."
        );
        assert_eq!(
            corrected.segments.speakers,
            ["Dana Whitfield", "Anna", "Lee"]
        );
        assert_eq!(corrected.segments.labels, ["spk_0", "A", "Lee"]);
        let whole = corrected.whole();
        let said: Vec<_> = whole
            .utterances()
            .map(|(who, said)| (whole.name(who).unwrap(), said.trim()))
            .collect();
        assert_eq!(
            said[1],
            ("Anna", "A depot of Brackwater is late, Dana Whitfield.")
        );
        assert_eq!(said[3], ("Dana Whitfield", "The Treasury it is."));
        let found: Vec<usize> = list.entries().iter().map(|entry| entry.found).collect();
        assert_eq!(found, [3, 1, 2, 2]);
    }

    #[test]
    fn wrapped_lines_are_read_on_and_turns_are_not() {
        let list = corrections(
            "spk_0 = spk_1\nspk_1 = spk_0",
            "brack water = Brackwater\nask lee = Asklee",
        );
        for (text, expected) in [
            (
                "spk_0: They are from brack\nwater in the north, and brack\n\nspk_1: Water it is.\n",
                "spk_1: They are from Brackwater in the north, and brack\n\nspk_0: Water it is.",
            ),
            (
                "SPK_0: Whom to ask\nLee: It is late.\nSPK_0: It is.\nLee: Late, yes.\n",
                "spk_1: Whom to ask\nLee: It is late.\nspk_1: It is.\nLee: Late, yes.",
            ),
        ] {
            let (corrected, _) = transcript(text.as_bytes()).corrected(&list, &[]);
            assert_eq!(corrected.text().trim_end(), expected);
        }
    }

    #[test]
    fn without_entries_nothing_is_done() {
        let before = transcript(MEETING.as_bytes());
        let (after, _) = before.clone().corrected(&Arc::default(), &[]);
        assert!(Arc::ptr_eq(&before.spoken, &after.spoken));
    }

    /// The texts of unchanged words stand where the corrected transcript says.
    fn assert_leads_to_the_source(bytes: &[u8], list: &Arc<Corrections>, words: &[&str]) {
        let (corrected, _) = transcript(bytes).corrected(list, &[]);
        let text = corrected.text();
        for word in words {
            let at = text
                .find(word)
                .unwrap_or_else(|| panic!("{word} in {text}"));
            let range = corrected.source_bytes(Span::from(at..at + word.len()));
            let found = bytes.get(range.start as usize..range.end as usize).unwrap();
            let decoded = String::from_utf8(found.to_vec())
                .unwrap_or_else(|_| encoding_rs::WINDOWS_1252.decode(found).0.into_owned());
            assert_eq!(decoded, *word);
        }
    }

    #[test]
    fn offsets_lead_to_the_source() {
        let list = corrections(
            "spk_0 = Dana\nLee = Professor Lee Novak",
            "brack water = B\ntresury = Her Majesty's Treasury",
        );
        let words = ["morning", "depot", "Ask", "says", "Müller", "it is"];
        assert_leads_to_the_source(MEETING.as_bytes(), &list, &words);
        let (latin, _, _) = encoding_rs::WINDOWS_1252.encode(MEETING);
        assert_leads_to_the_source(&latin, &list, &words);
        let captions = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v spk_0>We met at brack\n\n00:02.000 --> 00:04.000\n<v spk_0>water and left it at that.\n";
        let list = corrections("spk_0 = Dana", "brack water = Brackwater");
        assert_leads_to_the_source(captions.as_bytes(), &list, &["We met", "left it at that"]);
    }

    proptest::proptest! {
        #[test]
        fn parts_of_a_corrected_transcript_cover_the_source_once(
            heard in "[a-c]{1,3}( [a-c])?", right in "[a-cä]{1,12}( [a-c]{1,9})?", cuts in proptest::collection::vec(0..200_usize, 1..6),
            text in "([a-cä]{1,3}[ .]{1,2}){1,20}(\nspk_0: ([a-c]{1,3} ){1,9}){0,3}",
        ) {
            let text = format!("spk_0: said {text}");
            let list = corrections("spk_0 = Al", &format!("{heard} = {right}"));
            let (corrected, _) = transcript(text.as_bytes()).corrected(&list, &[]);
            let len = corrected.text().len();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| corrected.text().floor_char_boundary(cut % (len + 1))).collect();
            cuts.extend([0, len]);
            cuts.sort_unstable();
            let mut end = 0;
            for pair in cuts.windows(2) {
                let range = corrected.source_bytes(Span::from(pair[0]..pair[1]));
                proptest::prop_assert_eq!(range.start, end);
                end = range.end;
            }
            proptest::prop_assert_eq!(end, text.len() as u64);
        }
    }
}
