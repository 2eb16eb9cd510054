//! Claims that no section may make: that something was not answered. Open questions have their own list.

use crate::text::{Span, sentence};

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
    let all = sentence::sentences(text);
    let claims: Vec<Span> = all
        .iter()
        .copied()
        .filter(|found| {
            let lower = found.of(text).to_lowercase();
            UNANSWERED.iter().any(|claim| lower.contains(claim))
        })
        .collect();
    if claims.is_empty() || all.len() < claims.len() + MIN_SENTENCES {
        return text.to_owned();
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
    kept.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

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
