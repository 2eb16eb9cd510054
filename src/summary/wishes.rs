//! Decides which wishes a model can obey.

use crate::prompt::{Style, Wishes};
use crate::summary::call_plan::Limits;
use crate::summary::check::support::Comparable;
use crate::text::Language;

impl Wishes {
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
    use super::*;
    use crate::text::{Language, Tokens};

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
