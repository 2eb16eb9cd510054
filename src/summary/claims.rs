//! Sentences that no text of the summary may have: that something was not answered, since open questions have their own list,
//! and what the request says.

use std::collections::HashSet;

use crate::text::{Span, ngrams, refers_back, sentence};

/// What is said of questions without an answer, in lower case.
const UNANSWERED: [&str; 21] = [
    "unanswered",
    "was not answered",
    "were not answered",
    "no answer was given",
    "no answer was offered",
    "gave no answer",
    "did not answer",
    "did not get an answer",
    "received no answer",
    "without an answer",
    "remained open",
    "remains open",
    "was left open",
    "were left open",
    "remained unresolved",
    "remains unresolved",
    "left unresolved",
    "blieb offen",
    "blieb unbeantwortet",
    "est restée sans réponse",
    "quedó sin respuesta",
];

/// A section keeps at least this many sentences.
const MIN_SENTENCES: usize = 2;

/// `text` without the sentences that say that something was not answered. The writer of a section cannot know that: the answer
/// may be in the next part.
pub(crate) fn without_unanswered(text: &str) -> String {
    let is_claim = |sentence: &str| {
        let lower = sentence.to_lowercase();
        UNANSWERED.iter().any(|claim| lower.contains(claim))
    };
    without(text, MIN_SENTENCES, is_claim).unwrap_or_else(|| text.to_owned())
}

/// What a writer says of the instructions, in lower case.
const OF_INSTRUCTIONS: [&str; 19] = [
    "as an ai",
    "i'm sorry",
    "i’m sorry",
    "i cannot ",
    "(word count",
    "word count:",
    "length: about ",
    "here is the section",
    "here is the summary",
    "here is the overview",
    "let me know if you",
    "[continued in",
    "[end of ",
    "(end of ",
    "end of section",
    "as instructed",
    "as the instructions",
    "the length given was",
    "the wish was",
];

/// `text` without the sentences that repeat a run of the `instructions` or speak of them.
pub(crate) fn without_instructions(text: &str, instructions: &str) -> String {
    let known: HashSet<u64> = ngrams::copy_runs(&ngrams::words(instructions)).collect();
    let is_told = |sentence: &str| {
        let lower = sentence.to_lowercase();
        OF_INSTRUCTIONS.iter().any(|start| lower.starts_with(start))
            || ngrams::copy_runs(&ngrams::words(sentence)).any(|run| known.contains(&run))
    };
    without(text, 1, is_told).unwrap_or_else(|| text.to_owned())
}

/// `text` without the sentences that `is_invented`, and without those that refer back to one of them: their "he" would be somebody else.
/// `None` if none would be left.
pub(crate) fn without_invented(text: &str, is_invented: impl Fn(&str) -> bool) -> Option<String> {
    let mut is_dropped = false;
    without(text, 1, |sentence| {
        is_dropped = is_invented(sentence) || is_dropped && refers_back(sentence);
        is_dropped
    })
}

/// `text` without the sentences that are claims. `None` if fewer than `least` would be left.
pub(crate) fn without(
    text: &str,
    least: usize,
    mut is_claim: impl FnMut(&str) -> bool,
) -> Option<String> {
    let all = sentence::sentences(text);
    let claims = all.iter().copied().filter(|found| is_claim(found.of(text)));
    let claims: Vec<Span> = claims.collect();
    if claims.is_empty() {
        return Some(text.to_owned());
    }
    if all.len() < claims.len() + least {
        return None;
    }
    let mut kept = String::with_capacity(text.len());
    let mut end = 0;
    for claim in claims {
        kept.push_str(Span::from(end..claim.start).of(text));
        end = claim.end;
        // The gap before it stays, the one after it goes.
        let rest = Span::from(end..text.len()).of(text);
        let gap = rest.len() - rest.trim_start().len();
        let starts_paragraph = kept.is_empty() || kept.ends_with("\n\n");
        let ends_paragraph = Span::from(end..end + gap).of(text).contains("\n\n");
        if starts_paragraph || !ends_paragraph {
            end += gap;
        } else {
            kept.truncate(kept.trim_end().len());
        }
    }
    kept.push_str(Span::from(end..text.len()).of(text));
    Some(kept.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_what_the_request_says() {
        let instructions =
            "Begin with what this was, who met or spoke and about what, in one sentence.";
        for (text, kept) in [
            (
                "They met. As the story says: begin with what this was, who met or spoke. Dana left.",
                "They met. Dana left.",
            ),
            ("They met.\n\nAs instructed, I left out staff.", "They met."),
            (
                "They met. As an AI, I cannot verify these figures. Lee left.",
                "They met. Lee left.",
            ),
            (
                "They met and spoke about what this was.",
                "They met and spoke about what this was.",
            ),
        ] {
            assert_eq!(without_instructions(text, instructions), kept);
        }
    }

    #[test]
    fn what_refers_back_to_an_invention_goes_with_it() {
        let invented = |sentence: &str| sentence.contains("Bob");
        for (text, expected) in [
            (
                "Ada chaired. Bob wanted nine. He also left. Ada stayed.",
                Some("Ada chaired. Ada stayed."),
            ),
            (
                "Ada chaired. She agreed. Bob left.",
                Some("Ada chaired. She agreed."),
            ),
            (
                "Bob left.\n\nHe was tired.\n\nAda stayed. She agreed.",
                Some("Ada stayed. She agreed."),
            ),
            ("Bob left. He was tired.", None),
        ] {
            assert_eq!(without_invented(text, invented).as_deref(), expected);
        }
    }

    #[test]
    fn drops_claims_that_nobody_answered() {
        for (text, kept) in [
            (
                "Lee asked who pays. The question remained unanswered. Dana left.",
                "Lee asked who pays. Dana left.",
            ),
            (
                "They met. Lee asked who pays.\n\nThis was left open. Dana left.",
                "They met. Lee asked who pays.\n\nDana left.",
            ),
            (
                "They met. Lee asked. Dana gave no answer.\n\nDana left.",
                "They met. Lee asked.\n\nDana left.",
            ),
            ("They met. It was left open.", "They met. It was left open."),
            (
                "They met. The shop remains closed. Lee left.",
                "They met. The shop remains closed. Lee left.",
            ),
        ] {
            assert_eq!(without_unanswered(text), kept);
        }
    }
}
