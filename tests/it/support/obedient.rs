//! A writer that follows instructions: it writes the requested length about the given text, in a different word order.

use transcript_summarizer::text::words;

/// Whether the finished summary is to be corrected or smoothed.
pub(crate) fn reads_summary(prompt: &str) -> bool {
    prompt.ends_with("Write the edits now.") || prompt.ends_with("Write the corrections now.")
}

/// The beginning of the answer to a prompt, if the prompt has it.
pub(crate) fn begun(prompt: &str) -> Option<&str> {
    let (_, beginning) = prompt.split_once(BEGUN)?;
    Some(fenced(beginning))
}

const BEGUN: &str = "\n\nThe beginning of your answer is written already:\n";

/// The answer to a prompt. If its beginning is there, the rest.
pub(crate) fn answer(prompt: &str) -> String {
    if let Some(beginning) = begun(prompt) {
        let whole = answer(prompt.split(BEGUN).next().unwrap());
        let rest = whole.strip_prefix(beginning);
        return rest.expect("another beginning").trim().to_owned();
    }
    if reads_summary(prompt) {
        return "NONE".to_owned();
    }
    let asked = asked(prompt);
    let sections: Vec<(&str, &str)> = prompt
        .split(" of the transcript for section ")
        .skip(1)
        .map(|part| (part.split([':', ',']).next().unwrap(), fenced(part)))
        .collect();
    if !sections.is_empty() {
        let each = asked.unwrap() / sections.len();
        let sections = sections
            .iter()
            .map(|(number, block)| format!("## {number}. {}\n\n", text(block, each)));
        return sections.collect::<String>().trim().to_owned();
    }
    // Other texts than the one to write about are shorter.
    let blocks = prompt
        .match_indices("<<<")
        .map(|(at, _)| fenced(&prompt[at..]));
    let block = blocks.max_by_key(|block| block.len()).unwrap();
    match prompt.ends_with(" TOPIC lines.") {
        true => outline(block),
        false => text(block, asked.unwrap()),
    }
}

/// The first fenced text.
fn fenced(text: &str) -> &str {
    let (_, block) = text.split_once("<<<").unwrap();
    let (block, _) = block.split_once(">>>").unwrap();
    let (_, block) = block.split_once('\n').unwrap();
    block.rsplit_once('\n').unwrap().0
}

/// A heading and sentences about `block`, `asked` words in all.
fn text(block: &str, asked: usize) -> String {
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

/// A topic in every eighth of the lines.
fn outline(block: &str) -> String {
    let lines = block.lines().count();
    let topic =
        |eighth: usize| format!("TOPIC: {} | 3 | Matter {eighth}\n", eighth * lines / 8 + 1);
    (0..8).map(topic).collect()
}

/// The number directly before `words`.
fn asked(prompt: &str) -> Option<usize> {
    prompt
        .match_indices(" words")
        .find_map(|(at, _)| prompt[..at].rsplit(' ').next()?.parse().ok())
}
