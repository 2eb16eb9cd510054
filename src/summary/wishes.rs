//! Corrects a transcript as it is wished, and decides which wishes a model can obey.

use crate::prompt::{Style, Wishes};
use crate::summary::call_plan::Limits;
use crate::summary::check::support::Comparable;
use crate::summary::titles::titles;
use crate::text::{Language, language};
use crate::transcript::Transcript;

impl Wishes {
    /// The transcript with everything replaced that the lists have, which also replace words of the instructions. What the
    /// transcript tells about the entries is kept.
    pub(crate) fn correct(&mut self, transcript: Transcript) -> Transcript {
        if self.corrections.is_empty() {
            return transcript;
        }
        let spoken = transcript.language();
        let wished = self.language.as_ref().map(Language::tag);
        let speaker = [wished, spoken.as_deref()].map(|language| titles(language).speaker);
        let (transcript, corrections) = transcript.corrected(&self.corrections, &speaker);
        let written = language::detect(&self.instructions).or(wished);
        let written = written.and_then(Language::parse).zip(spoken);
        let is_other = written.is_some_and(|(written, spoken)| !written.is_that_of(&spoken));
        let corrected = match is_other {
            true => corrections.for_another_language().apply(&self.instructions),
            false => corrections.apply(&self.instructions),
        };
        self.instructions = corrected.into();
        self.corrections = corrections;
        transcript
    }

    /// The wishes that a model with these limits is told, and warnings about the others. `spoken` is the code of the transcript's
    /// language, if it is known: a model that ignores the wish for it obeys all the same.
    pub(crate) fn obeyed(&self, limits: &Limits, spoken: Option<&str>) -> (Self, Vec<String>) {
        let mut obeyed = self.clone();
        let mut warnings = Vec::new();
        let has_instructions = !self.instructions.is_empty();
        let quotes = !limits.outline;
        if quotes || !limits.style.follows_instructions() {
            let is_other = |wished: &Language| {
                spoken.is_none_or(|spoken| {
                    !wished.is_that_of(spoken) || wished.may_be_written_otherwise(spoken)
                })
            };
            let ignored = match (
                has_instructions,
                self.language.as_ref().is_some_and(is_other),
            ) {
                (true, true) => Some("instructions and language are"),
                (true, false) => Some("instructions are"),
                (false, true) => Some("language is"),
                (false, false) => None,
            };
            obeyed.instructions = "".into();
            obeyed.language = None;
            let why = match quotes {
                true => "the built-in model quotes what was said",
                false => "a summarization model follows no instructions",
            };
            warnings.extend(ignored.map(|ignored| format!("{why}: the wished {ignored} ignored")));
        } else if has_instructions
            && (limits.style != Style::Full || !self.have_room_in(limits.context_tokens))
        {
            obeyed.instructions = "".into();
            warnings.push(
                "the model's context window is too small for the instructions that were wished: they are left out".to_owned(),
            );
        }
        (obeyed, warnings)
    }

    /// Whether a summary is in another language than its transcript, with whose words its own cannot be compared.
    pub(crate) fn translate(&self, limits: &Limits, spoken: Option<&str>) -> bool {
        let (obeyed, _) = self.obeyed(limits, spoken);
        !Comparable::of(obeyed.language.as_ref(), spoken).has_words()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::summary::outline::Outline;
    use crate::summary::people;
    use crate::text::corrections::{List, read_list};
    use crate::text::{Corrections, Language, Tokens};

    #[test]
    fn speakers_are_named_as_they_are_printed_and_numbers_stay() {
        let text = "SPEAKER_00: We have to settle the date.\nSPEAKER_01: The numbers were wrong.\n\
            SPEAKER_02: The job takes three days.\nSPEAKER_03: That is too late.\n\
            SPEAKER_02: Then I need help.\nSPEAKER_00: You get it.\n\
            SPEAKER_01: From me.\nSPEAKER_03: And from me.\n";
        for (language, word, names) in [
            (None, "Speaker", "Speaker 3 = Mei-Ling"),
            (None, "Speaker", "SPEAKER_02 = Mei-Ling"),
            (Some("de"), "Sprecher", "sprecher 3 = Mei-Ling"),
        ] {
            let names = format!("SPEAKER_00 = Priya\nSPEAKER_01 = Tom\n{names}");
            let entries = read_list(&names, List::SpeakerNames).unwrap();
            let mut wishes = Wishes {
                language: language.and_then(Language::parse),
                corrections: Arc::new(Corrections::new(entries).unwrap()),
                ..Wishes::default()
            };
            let transcript = wishes.correct(Transcript::verbatim(text.to_owned()));
            let segments = &transcript.segments;
            assert_eq!(
                segments.speakers,
                ["Priya", "Tom", "Mei-Ling", "SPEAKER_03"]
            );
            assert!(
                wishes
                    .corrections
                    .entries()
                    .iter()
                    .all(|entry| entry.found > 0)
            );
            let renamings = people::renamings(segments, &Outline::default(), word);
            let said = people::renamed("Mei-Ling asked SPEAKER_03.", &renamings);
            assert_eq!(said, format!("Mei-Ling asked {word} 4."));
        }
    }

    #[test]
    fn what_a_model_cannot_obey_is_left_out_with_one_warning() {
        let limits = |context, style, outline| Limits {
            context_tokens: Some(Tokens(context)),
            reasoning_tokens: Tokens(0),
            chunk_tokens: Tokens(6000),
            max_calls: 150,
            style,
            outline,
        };
        let wishes = Wishes {
            instructions: "Name every cost. ".repeat(60).trim().into(),
            language: Language::parse("de"),
            ..Wishes::default()
        };
        for (limits, has_instructions, has_language, warning) in [
            (limits(32_768, Style::Full, true), true, true, None),
            (limits(4096, Style::Full, true), true, true, None),
            (
                limits(2048, Style::Compact, true),
                false,
                true,
                Some("too small"),
            ),
            (
                limits(2048, Style::Bare, true),
                false,
                false,
                Some("follows no instructions"),
            ),
            (
                limits(32_768, Style::Full, false),
                false,
                false,
                Some("the wished instructions and language are ignored"),
            ),
        ] {
            let (obeyed, warnings) = wishes.obeyed(&limits, None);
            assert_eq!(
                !obeyed.instructions.is_empty(),
                has_instructions,
                "{limits:?}"
            );
            assert_eq!(obeyed.language.is_some(), has_language, "{limits:?}");
            assert_eq!(warnings.len(), usize::from(warning.is_some()));
            assert!(warnings.iter().all(|text| text.contains(warning.unwrap())));
            let told = limits.beside(&wishes).context_tokens.unwrap();
            assert_eq!(
                told < limits.context_tokens.unwrap(),
                has_language,
                "{limits:?}"
            );
        }
        let long = Wishes {
            instructions: "说明".repeat(1000).into(),
            ..wishes
        };
        assert_eq!(
            &*long
                .obeyed(&limits(8192, Style::Full, true), None)
                .0
                .instructions,
            ""
        );
        assert!(
            long.obeyed(&limits(131_072, Style::Full, true), None)
                .1
                .is_empty()
        );
        assert!(
            Wishes::default()
                .obeyed(&limits(2048, Style::Bare, false), None)
                .1
                .is_empty()
        );
        for (spoken, ignored) in [
            ("de", "instructions are"),
            ("fr", "instructions and language are"),
        ] {
            let (_, warnings) = long.obeyed(&limits(32_768, Style::Full, false), Some(spoken));
            assert!(
                warnings[0].ends_with(&format!("the wished {ignored} ignored")),
                "{warnings:?}"
            );
        }
    }
}
