//! Which language a text is in, as far as it takes to see that an answer is in another one.

/// Scripts that stand for a language or a family of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Cyrillic,
    Greek,
    Arabic,
    Hebrew,
    Devanagari,
    Thai,
    Hangul,
    Kana,
    Han,
}

/// Function words that tell languages in Latin script apart.
const PROFILES: [(&str, &[&str]); 7] = [
    (
        "English",
        &[
            "the", "and", "of", "to", "that", "was", "with", "for", "they", "this", "have", "from",
        ],
    ),
    (
        "German",
        &[
            "der", "die", "und", "das", "nicht", "ist", "den", "mit", "ein", "auf", "sich", "wir",
        ],
    ),
    (
        "French",
        &[
            "les", "des", "est", "que", "une", "dans", "pour", "pas", "qui", "nous", "sur", "avec",
        ],
    ),
    (
        "Spanish",
        &[
            "los", "las", "que", "una", "por", "con", "para", "del", "como", "pero", "más", "el",
        ],
    ),
    (
        "Italian",
        &[
            "che", "di", "il", "per", "non", "una", "con", "sono", "della", "gli", "anche", "più",
        ],
    ),
    (
        "Portuguese",
        &[
            "que", "não", "uma", "para", "com", "os", "dos", "mais", "como", "foi", "ao", "isso",
        ],
    ),
    (
        "Dutch",
        &[
            "het", "een", "van", "niet", "dat", "zijn", "met", "voor", "ook", "maar", "wij", "naar",
        ],
    ),
];

/// A language is named only if its function words make up this much of a text, in percent, and twice those of any other.
const MIN_PERCENT: usize = 6;

/// Fewer words are no evidence.
const MIN_WORDS: usize = 30;

/// Whether `answer` is surely in another language than `source`. Both are words in lower case.
pub(crate) fn differs(answer: &[String], source: &[String]) -> bool {
    let (Some(a), Some(b)) = (script(answer), script(source)) else {
        return false;
    };
    // Japanese mixes both; a short passage may have one only.
    let east_asian = |script| matches!(script, Script::Han | Script::Kana);
    if a != b && !(east_asian(a) && east_asian(b)) {
        return true;
    }
    a == Script::Latin && matches!((latin(answer), latin(source)), (Some(a), Some(b)) if a != b)
}

/// The script of most words.
fn script(words: &[String]) -> Option<Script> {
    if words.len() < MIN_WORDS {
        return None;
    }
    let mut counts: Vec<(Script, usize)> = Vec::new();
    for script in words
        .iter()
        .filter_map(|word| word.chars().find_map(script_of))
    {
        match counts.iter_mut().find(|(known, _)| *known == script) {
            Some((_, count)) => *count += 1,
            None => counts.push((script, 1)),
        }
    }
    counts
        .into_iter()
        .max_by_key(|&(_, count)| count)
        .map(|(script, _)| script)
}

fn script_of(c: char) -> Option<Script> {
    Some(match c {
        'a'..='z' | '\u{c0}'..='\u{24f}' => Script::Latin,
        '\u{370}'..='\u{3ff}' => Script::Greek,
        '\u{400}'..='\u{52f}' => Script::Cyrillic,
        '\u{590}'..='\u{5ff}' => Script::Hebrew,
        '\u{600}'..='\u{6ff}' => Script::Arabic,
        '\u{900}'..='\u{97f}' => Script::Devanagari,
        '\u{e00}'..='\u{e7f}' => Script::Thai,
        '\u{1100}'..='\u{11ff}' | '\u{ac00}'..='\u{d7af}' => Script::Hangul,
        '\u{3040}'..='\u{30ff}' => Script::Kana,
        '\u{3400}'..='\u{9fff}' => Script::Han,
        _ => return None,
    })
}

fn latin(words: &[String]) -> Option<&'static str> {
    let mut counts: Vec<(usize, &str)> = PROFILES
        .iter()
        .map(|(name, known)| {
            (
                words
                    .iter()
                    .filter(|word| known.contains(&word.as_str()))
                    .count(),
                *name,
            )
        })
        .collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    match counts[..] {
        [(most, name), (next, _), ..]
            if most * 100 >= words.len() * MIN_PERCENT && most >= next * 2 =>
        {
            Some(name)
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
    fn languages_are_told_apart() {
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
    fn little_evidence_is_none() {
        assert!(!differs(&words("Das Depot ist spät."), &words(ENGLISH)));
        let numbers = "fuel 103 101 oxygen 78 100 amps 25 cabin 5 8 ".repeat(10);
        assert!(!differs(&words(ENGLISH), &words(&numbers)));
    }
}
