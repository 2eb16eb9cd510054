//! Headings for sections that no model has given one.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::extract::reduce::{LARGE_BYTES, reduce};
use crate::extract::terms::{Stats, Terms};
use crate::extract::unit::Units;

/// What a very long text is reduced to, in words, before its terms are counted; some times more are kept.
const REDUCED_WORDS: usize = 500;

/// Words that come up in every meeting and name none of its topics: times, amounts, ways of speaking.
const NOT_IN_TITLES: &str = "january february march april june july august september october november december monday \
    tuesday wednesday thursday friday saturday sunday today tomorrow yesterday morning afternoon evening tonight minute \
    minutes hour hours week weeks month months year years number numbers hundred thousand million billion percent dollars \
    twenty thirty forty fifty sixty seventy eighty ninety four five seven eight nine eleven twelve first second third half \
    question questions answer reason idea point example case meeting minute member members everybody everyone somebody \
    anybody nobody anything everything nothing person guys guess sorry please hello anyway actually basically probably \
    certainly obviously exactly already always never sometimes again back away around another different whole many able \
    affirmative negative stand read loud clear honourable minister chair friend speaker order word words talk course fact \
    else since though both next last same true wrong right left high low long short side kind";

/// A term in more than this share of sentences names nothing in a title.
const TITLE_MAX_SHARE: f64 = 0.4;

/// Terms in a title at most.
const TERMS: usize = 3;

/// A title of the terms that tell this text from others: `Ridership, platforms and footnotes`. `None` if nothing stands out.
#[must_use]
pub fn title(text: &str) -> Option<String> {
    if text.len() > LARGE_BYTES {
        return title(&reduce(text, None, REDUCED_WORDS));
    }
    let units = Units::of(text, None);
    let terms = Terms::of(&units);
    let most_sentences = (units.len() as f64 * TITLE_MAX_SHARE).max(3.0);
    let mut ranked: Vec<(f64, &Stats)> = terms
        .stats()
        .iter()
        .filter(|term| names_a_topic(&term.surface) && f64::from(term.sentences) <= most_sentences)
        .map(|term| (weight(term, units.len()), term))
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut names: Vec<String> = ranked
        .into_iter()
        .take(TERMS)
        .map(|(_, term)| term.surface.clone())
        .collect();
    let first = names.first_mut()?;
    *first = capitalized(first);
    let last = names.pop()?;
    Some(if names.is_empty() {
        last
    } else {
        format!("{} and {last}", names.join(", "))
    })
}

/// Often, but not everywhere; long words say more than short ones.
fn weight(term: &Stats, units: usize) -> f64 {
    let sentences = f64::from(term.sentences.max(1));
    let length = (term.surface.chars().count() as f64).min(9.0);
    sentences.powf(0.75) * length.sqrt() * (1.0 + units as f64 / sentences).ln()
}

/// Whether a word may stand in a title: long enough, and by its form no verb or adverb (a name may look like one).
fn names_a_topic(surface: &str) -> bool {
    static SET: LazyLock<HashSet<&'static str>> =
        LazyLock::new(|| NOT_IN_TITLES.split_whitespace().collect());
    let is_name = surface.starts_with(char::is_uppercase);
    let looks_like_a_verb = ["ing", "ed", "ly"]
        .iter()
        .any(|ending| surface.ends_with(ending));
    surface.chars().count() >= 4
        && surface.chars().all(char::is_alphabetic)
        && (is_name || !looks_like_a_verb)
        && !SET.contains(surface.to_lowercase().as_str())
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn titles_name_what_the_text_is_about() {
        let text = "Dana: The depot is late in January.\nLee: Then we pile at night.\nDana: The depot floods in January.\n\
                    Lee: I heard so.\nDana: A council member objects.\nLee: They should see the depot.\nDana: In January, yes.\n";
        let title = crate::extract::title::title(text).unwrap();
        assert!(
            title.starts_with("Depot, ") && !title.contains("January"),
            "{title}"
        );
        assert_eq!(crate::extract::title::title("Yes. No."), None);
    }
}
