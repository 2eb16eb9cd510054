//! Detects languages by their scripts and function words.
//!
//! Answers two questions: whether a text is English, which decides its token cost because every vocabulary knows English
//! words, and whether an answer is in a different language from its transcript.

use std::sync::LazyLock;

use crate::text::script::Script;
use crate::text::tokens;

/// Function words of languages in Latin script. English comes first.
static FUNCTION_WORDS: LazyLock<Vec<(&str, Vec<&str>)>> = LazyLock::new(|| {
    [
        (
            "English",
            "the and of that with you we it this they have what for are not but be just to know would there from if about \
             can our your on at is think like will do all right okay roger which",
        ),
        ("German", "der die und das nicht ist den mit ein auf sich wir"),
        ("French", "les des est que une dans pour pas qui nous sur avec"),
        ("Spanish", "los las que una por con para del como pero más el"),
        ("Italian", "che di il per non una con sono della gli anche più"),
        ("Portuguese", "que não uma para com os dos mais como foi ao isso"),
        ("Dutch", "het een van niet dat zijn met voor ook maar wij naar"),
    ]
    .map(|(language, words)| (language, words.split_whitespace().collect()))
    .into()
});

/// Minimum share of English function words in an English text, in percent.
const ENGLISH_PERCENT: usize = 15;

/// Minimum number of words needed to recognize English.
const MIN_ENGLISH_WORDS: usize = 20;

/// A long text is judged by at most this number of samples of [`SAMPLE_BYTES`] bytes each.
const SAMPLES: usize = 16;
const SAMPLE_BYTES: usize = 2048;

/// Minimum share of function words for a language to be recognized, in percent. They must also be twice as frequent as
/// those of any other language.
const MIN_PERCENT: usize = 6;

/// Minimum number of words needed to recognize a language or script.
const MIN_WORDS: usize = 30;

/// Whether `text` is English, judged by samples.
pub(crate) fn is_english(text: &str) -> bool {
    let english = FUNCTION_WORDS.first().map_or(&[][..], |(_, words)| words);
    let step = (text.len() / SAMPLES).max(SAMPLE_BYTES);
    let (mut words, mut known) = (0, 0);
    for at in (0..text.len()).step_by(step) {
        let rest = text.as_bytes().split_at(at).1;
        let sample = rest.get(..SAMPLE_BYTES).unwrap_or(rest);
        let sampled = sample.split(|&byte| !tokens::is_letter(byte));
        for word in sampled.filter(|word| !word.is_empty()) {
            words += 1;
            let is_known = |english: &&str| english.as_bytes().eq_ignore_ascii_case(word);
            known += usize::from(english.iter().any(is_known));
        }
    }
    words >= MIN_ENGLISH_WORDS && known * 100 >= words * ENGLISH_PERCENT
}

/// Whether `answer` is clearly in a different language from `source`. Both are lists of lower-case words.
pub(crate) fn differs(answer: &[String], source: &[String]) -> bool {
    let (Some(a), Some(b)) = (script(answer), script(source)) else {
        return false;
    };
    // Japanese mixes Han and kana, and a short passage may have only one of them.
    if a != b && !(a.is_ideographic() && b.is_ideographic()) {
        return true;
    }
    a == Script::Latin && matches!((latin(answer), latin(source)), (Some(a), Some(b)) if a != b)
}

/// The most frequent script, or `None` if there are too few words.
fn script(words: &[String]) -> Option<Script> {
    if words.len() < MIN_WORDS {
        return None;
    }
    let mut counts: Vec<(Script, usize)> = Vec::new();
    let script_of = |word: &String| word.chars().find_map(Script::of);
    for script in words.iter().filter_map(script_of) {
        match counts.iter_mut().find(|(known, _)| *known == script) {
            Some((_, count)) => *count += 1,
            None => counts.push((script, 1)),
        }
    }
    let most = counts.into_iter().max_by_key(|&(_, count)| count);
    most.map(|(script, _)| script)
}

/// The language of words in Latin script, if it is clear.
fn latin(words: &[String]) -> Option<&'static str> {
    let counts = FUNCTION_WORDS.iter().map(|(language, known)| {
        let found = words.iter().filter(|word| known.contains(&word.as_str()));
        (found.count(), *language)
    });
    let mut counts: Vec<(usize, &str)> = counts.collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    match counts[..] {
        [(most, language), (next, _), ..]
            if most * 100 >= words.len() * MIN_PERCENT && most >= next * 2 =>
        {
            Some(language)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::ngrams::words;

    const ENGLISH: &str = "They agreed that the depot was late and that the contractor would have to pay for it from the \
                           reserve, which was not what the city had been told in March of this year.";
    const GERMAN: &str = "Sie waren sich einig, dass das Depot zu spät fertig wird und der Unternehmer die Kosten tragen muss, \
                          und das ist nicht, was man der Stadt im März gesagt hat, mit der wir das auf den Weg gebracht haben.";

    #[test]
    fn texts_in_different_languages_differ() {
        let russian = "они договорились что депо будет готово к марту и подрядчик заплатит за это из резерва ".repeat(3);
        let chinese =
            "他们同意车库将在三月完工承包商必须从储备金中支付费用这不是市政府在三月被告知的内容"
                .repeat(2);
        let texts = [ENGLISH.to_owned(), GERMAN.to_owned(), russian, chinese];
        for (i, a) in texts.iter().enumerate() {
            for (j, b) in texts.iter().enumerate() {
                assert_eq!(differs(&words(a), &words(b)), i != j, "{i} {j}");
            }
        }
    }

    #[test]
    fn texts_that_prove_no_language_do_not_differ() {
        assert!(!differs(&words("Das Depot ist spät."), &words(ENGLISH)));
        let numbers = "fuel 103 101 oxygen 78 100 amps 25 cabin 5 8 ".repeat(10);
        assert!(!differs(&words(ENGLISH), &words(&numbers)));
    }

    #[test]
    fn recognizes_english() {
        assert!(is_english(&ENGLISH.repeat(300)));
        assert!(!is_english(&GERMAN.repeat(300)));
        assert!(!is_english("the"));
    }
}
