//! Voices of Amazon Polly: one for each language, with the engine that has it.
//!
//! <https://docs.aws.amazon.com/polly/latest/dg/available-voices.html>

use crate::text::tag::primary;

/// An engine of Amazon Polly. They differ in quality and price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// The oldest and cheapest one.
    Standard,
    /// Sounds natural. Not every region has it.
    Neural,
    /// For long texts; few voices.
    LongForm,
    /// The newest one; few voices.
    Generative,
}

impl Engine {
    const ALL: [Self; 4] = [
        Self::Standard,
        Self::Neural,
        Self::LongForm,
        Self::Generative,
    ];

    /// Its name in requests.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Neural => "neural",
            Self::LongForm => "long-form",
            Self::Generative => "generative",
        }
    }
}

/// A voice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voice {
    /// Its id.
    pub id: String,
    /// The engine; `None` for the neural one, and the standard one where that does not have the voice.
    pub engine: Option<Engine>,
    /// The language to speak, for a voice that speaks two.
    pub language: Option<&'static str>,
}

/// Languages with their voices. Where a language has several regions, the first is for all that are not listed.
const VOICES: [(&str, &str); 43] = [
    ("en-US", "Joanna"),
    ("en-GB", "Amy"),
    ("en-AU", "Olivia"),
    ("en-IN", "Kajal"),
    ("en-IE", "Niamh"),
    ("en-NZ", "Aria"),
    ("en-ZA", "Ayanda"),
    ("de-DE", "Vicki"),
    ("de-AT", "Hannah"),
    ("de-CH", "Sabrina"),
    ("fr-FR", "Lea"),
    ("fr-CA", "Gabrielle"),
    ("fr-BE", "Isabelle"),
    ("es-ES", "Lucia"),
    ("es-MX", "Mia"),
    ("es-US", "Lupe"),
    ("es-419", "Mia"),
    ("it-IT", "Bianca"),
    ("pt-BR", "Camila"),
    ("pt-PT", "Ines"),
    ("nl-NL", "Laura"),
    ("nl-BE", "Lisa"),
    ("sv-SE", "Elin"),
    ("nb-NO", "Ida"),
    ("no-NO", "Ida"),
    ("nn-NO", "Ida"),
    ("da-DK", "Sofie"),
    ("fi-FI", "Suvi"),
    ("pl-PL", "Ola"),
    ("cs-CZ", "Jitka"),
    ("tr-TR", "Burcu"),
    ("ca-ES", "Arlet"),
    ("ar-XA", "Zeina"),
    ("ar-AE", "Hala"),
    ("hi-IN", "Kajal"),
    ("ja-JP", "Kazuha"),
    ("ko-KR", "Seoyeon"),
    ("zh-CN", "Zhiyu"),
    ("yue-CN", "Hiujin"),
    ("ru-RU", "Tatyana"),
    ("ro-RO", "Carmen"),
    ("is-IS", "Dora"),
    ("cy-GB", "Gwyneth"),
];

/// Voices that only the standard engine has.
const STANDARD_ONLY: [&str; 5] = ["Zeina", "Tatyana", "Carmen", "Dora", "Gwyneth"];

/// Voices that speak two languages, of which requests choose one.
const BILINGUAL: [&str; 1] = ["Kajal"];

impl Voice {
    /// Reads `Name` or `Name:engine`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (id, engine) = match text.trim().split_once(':') {
            Some((id, name)) => {
                let named = |engine: &Engine| engine.name() == name;
                (id, Some(Engine::ALL.into_iter().find(named)?))
            }
            None => (text.trim(), None),
        };
        let is_name = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let standard = STANDARD_ONLY.contains(&id).then_some(Engine::Standard);
        is_name.then(|| Self {
            id: id.to_owned(),
            engine: engine.or(standard),
            language: None,
        })
    }

    /// The same voice for a text in the language with this code.
    pub(crate) fn speaking(self, language: Option<&str>) -> Self {
        let code = primary(language.unwrap_or_default());
        let is_spoken = |(tag, id): &&(&str, &str)| *id == self.id.as_str() && primary(tag) == code;
        let spoken = VOICES.iter().find(is_spoken).map(|(tag, _)| *tag);
        let language = spoken.filter(|_| BILINGUAL.contains(&self.id.as_str()));
        Self { language, ..self }
    }
}

/// The voice for texts in the language with this code; `None` if there is none.
pub(crate) fn of_language(code: &str) -> Option<Voice> {
    let is_region = |(tag, _): &&(&str, &str)| tag.eq_ignore_ascii_case(code);
    let is_language = |(tag, _): &&(&str, &str)| primary(tag).eq_ignore_ascii_case(primary(code));
    let mut voices = VOICES.iter();
    let found = voices.clone().find(is_region);
    let (tag, id) = found.or_else(|| voices.find(is_language))?;
    Voice::parse(id).map(|voice| voice.speaking(Some(tag)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_has_a_voice_of_its_region_or_of_another() {
        for (code, expected) in [
            ("en", Some(("Joanna", None, None))),
            ("en-gb", Some(("Amy", None, None))),
            ("en-SG", Some(("Joanna", None, None))),
            ("en-IN", Some(("Kajal", None, Some("en-IN")))),
            ("hi", Some(("Kajal", None, Some("hi-IN")))),
            ("de-CH", Some(("Sabrina", None, None))),
            ("zh-Hant", Some(("Zhiyu", None, None))),
            ("ru", Some(("Tatyana", Some(Engine::Standard), None))),
            ("el", None),
        ] {
            let voice = of_language(code);
            let found = voice
                .as_ref()
                .map(|voice| (voice.id.as_str(), voice.engine, voice.language));
            assert_eq!(found, expected, "{code}");
        }
    }

    #[test]
    fn a_voice_is_named_with_or_without_its_engine() {
        for (text, expected) in [
            ("Matthew", Some(("Matthew", None))),
            (" Ruth:long-form ", Some(("Ruth", Some(Engine::LongForm)))),
            ("Tatyana", Some(("Tatyana", Some(Engine::Standard)))),
            ("Ruth:best", None),
            (":neural", None),
            ("Jo anna", None),
        ] {
            let voice = Voice::parse(text);
            let found = voice
                .as_ref()
                .map(|voice| (voice.id.as_str(), voice.engine));
            assert_eq!(found, expected, "{text}");
        }
    }
}
