//! A writer that follows instructions: it writes the requested length about the given text, in a different word order.

use transcript_summarizer::text::words;

/// The answer to a prompt.
pub(crate) fn answer(prompt: &str) -> String {
    let asked = asked(prompt);
    let block = prompt
        .rsplit("<<<")
        .next()
        .unwrap()
        .split(">>>")
        .next()
        .unwrap();
    let (_, block) = block.split_once('\n').unwrap();
    let (block, _) = block.rsplit_once('\n').unwrap();
    let mut about: Vec<&str> = block
        .split_whitespace()
        .filter(|word| word.len() > 4 && word.is_ascii())
        .skip(1)
        .collect();
    about.sort_unstable();
    about.dedup();
    let about: Vec<&str> = about
        .into_iter()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .collect();
    let mut sentences = String::from("Matters of this part\n\n");
    let mut at = 0;
    while words::count(&sentences) + 9 <= asked {
        let word = |nth: usize| about[(at + nth * 11) % about.len()];
        sentences.push_str(&format!(
            "They noted {} with {} beside {} there. ",
            word(0),
            word(1),
            word(2)
        ));
        at += 1;
    }
    sentences.trim().to_owned()
}

/// The number directly before `words`.
fn asked(prompt: &str) -> usize {
    prompt
        .match_indices(" words")
        .find_map(|(at, _)| prompt[..at].rsplit(' ').next()?.parse().ok())
        .unwrap()
}
