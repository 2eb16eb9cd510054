//! Outlines and edits, in the lines that the prompts name.

use super::asked::Asked;
use super::prose;
use super::random::Random;
use super::vocabulary::Vocabulary;

/// An outline of the numbered lines shown: topics at equal distances, the second of which comes up again, with an invented figure and owner among the entries.
pub(super) fn write(random: &mut Random, asked: &Asked, about: &Vocabulary) -> String {
    let numbered: Vec<&str> = asked
        .source
        .lines()
        .filter(|line| line.starts_with('['))
        .collect();
    let topics = asked.topics.max(1);
    let mut lines = vec!["SUBJECT: a conversation".to_owned()];
    for topic in 0..topics {
        let first = topic * numbered.len() / topics + 1;
        // Three quarters through the fourth topic, people come back to the second.
        let first = match topic {
            1 if topics > 4 => format!("{first}, {}", 15 * numbered.len() / (4 * topics) + 1),
            _ => first.to_string(),
        };
        let weight = 1 + topic % 5;
        let headline = prose::heading(random, about);
        lines.push(format!("TOPIC: {first} | {weight} | {headline}"));
    }
    for (at, line) in numbered
        .iter()
        .enumerate()
        .step_by(numbered.len().div_ceil(8))
    {
        let said = line.split_once("] ").map_or(*line, |(_, said)| said);
        let words: Vec<&str> = said.split_whitespace().skip(1).take(9).collect();
        lines.push(format!("OPEN: {} [{}]", words.join(" "), at + 1));
    }
    lines.push("FIGURE: 918273 | an invented number [1]".to_owned());
    lines.push("ACTION: Nobody Atall | to invent an owner | tomorrow | promised [1]".to_owned());
    lines.join("\n")
}

/// An edit that changes nothing that matters, and one that must not be applied.
pub(super) fn edits(asked: &Asked) -> String {
    let prose = asked
        .source
        .lines()
        .filter(|line| line.split(' ').count() > 12);
    let mut edits = String::new();
    for line in prose.take(3) {
        let words: Vec<&str> = line.split(' ').take(6).collect();
        edits.push_str(&format!(
            "FIND: {}\nREPLACE: Instead 918273 people\n",
            words.join(" ")
        ));
    }
    edits
}
