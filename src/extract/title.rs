//! Makes headings for sections that have none from the model.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use crate::extract::unit;
use crate::extract::weight::Term;
use crate::text::words::capitalized;
use crate::transcript::Passage;

/// Word budget to which a very long passage is reduced before its terms are ranked; a few times as many are kept.
const REDUCED_WORDS: usize = 500;

/// Minimum and maximum length of a word in a title, in characters.
const CHARS: RangeInclusive<usize> = 4..=40;

/// Words that occur in every meeting without naming a topic: times, amounts, figures of speech.
const NOT_IN_TITLES: &str = "january february march april june july august september october november december monday \
    tuesday wednesday thursday friday saturday sunday today tomorrow yesterday morning afternoon evening tonight minute \
    minutes hour hours week weeks month months year years number numbers hundred thousand million billion percent dollars \
    twenty thirty forty fifty sixty seventy eighty ninety four five seven eight nine eleven twelve first second third half \
    question questions answer reason idea point example case meeting minute member members everybody everyone somebody \
    anybody nobody anything everything nothing person guys guess sorry please hello anyway actually basically probably \
    certainly obviously exactly already always never sometimes again back away around another different whole many able \
    affirmative negative stand read loud clear honourable minister chair friend speaker order word words talk course fact \
    else since though both next last same true wrong right left high low long short side kind";

/// A term that occurs in more than this share of the sentences is too common for a title.
const TITLE_MAX_SHARE: f64 = 0.4;

/// Maximum number of terms in a title.
const TERMS: usize = 3;

/// Makes a title from the most distinctive terms of a passage, such as `Ridership, platforms and footnotes`. `None` if
/// there are none.
pub(crate) fn title(passage: &Passage) -> Option<String> {
    let units = unit::candidates(passage, REDUCED_WORDS);
    let count = units.all.len() as f64;
    let most_sentences = (count * TITLE_MAX_SHARE).max(3.0);
    let mut ranked: Vec<(f64, &Term)> = units
        .terms
        .all
        .iter()
        .filter(|term| names_a_topic(&term.surface) && f64::from(term.units) <= most_sentences)
        .map(|term| (weight(term, count), term))
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let names = ranked.iter().take(TERMS).map(|(_, term)| &*term.surface);
    let title = match names.collect::<Vec<_>>()[..] {
        [] => return None,
        [name] => name.to_owned(),
        [ref names @ .., last] => format!("{} and {last}", names.join(", ")),
    };
    Some(capitalized(&title))
}

/// Favours terms that are frequent but not everywhere, and longer words over shorter ones.
fn weight(term: &Term, units: f64) -> f64 {
    let sentences = f64::from(term.units);
    let length = (term.surface.chars().count() as f64).min(9.0);
    sentences.powf(0.75) * length.sqrt() * (1.0 + units / sentences).ln()
}

/// Whether a word may be used in a title: its length is within bounds, and it does not look like a verb or an adverb, unless
/// it is a name.
fn names_a_topic(surface: &str) -> bool {
    static SET: LazyLock<HashSet<&'static str>> =
        LazyLock::new(|| NOT_IN_TITLES.split_whitespace().collect());
    let is_name = surface.starts_with(char::is_uppercase);
    let looks_like_a_verb = ["ing", "ed", "ly"]
        .iter()
        .any(|ending| surface.ends_with(ending));
    CHARS.contains(&surface.chars().count())
        && surface.chars().all(char::is_alphabetic)
        && (is_name || !looks_like_a_verb)
        && !SET.contains(surface.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use crate::transcript::Passage;

    #[test]
    fn a_title_names_what_the_text_is_about() {
        let text = "Dana: The depot is late in January.\nLee: Then we pile at night.\nDana: The depot floods in January.\n\
                    Lee: I heard so.\nDana: A council member objects.\nLee: They should see the depot.\nDana: In January, yes.\n";
        let title = |text: &str| super::title(&Passage::of_text(text));
        let named = title(text).unwrap();
        assert!(
            named.starts_with("Depot, ") && !named.contains("January"),
            "{named}"
        );
        assert_eq!(title("Yes. No."), None);
    }
}
