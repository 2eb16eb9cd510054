//! Removes what a model's chat template leaves in a text because the server does not parse it: reasoning, channels, and the
//! marks between turns.
//!
//! - Most models put reasoning between tags such as `<think>`. Some templates add the opening tag themselves, so that only
//!   the closing tag is generated.
//! - gpt-oss writes [harmony](https://cookbook.openai.com/articles/openai-harmony) channels; its answer is in the final one.
//!   Servers that drop special tokens leave the names of the channels glued to the text: `analysisWe need…assistantfinalThe…`.
//! - A server that does not know the token that ends a turn goes on, often with the next turn of an invented user. What
//!   follows the first mark is no part of the answer.

/// Opening and closing tags of reasoning, in lower case.
const TAGS: [(&str, &str); 10] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<reflection>", "</reflection>"),
    ("<scratchpad>", "</scratchpad>"),
    ("<seed:think>", "</seed:think>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("[think]", "[/think]"),
    ("◁think▷", "◁/think▷"),
];

/// Marks of chat templates besides those of the form `<|name|>`, in lower case.
const MARKS: [&str; 16] = [
    "</s>",
    "<s>",
    "[inst]",
    "[/inst]",
    "<<sys>>",
    "<</sys>>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<bos>",
    "<eos>",
    "<eot>",
    "<eod>",
    "<pad>",
    "<unk>",
    "[gmask]",
    "<sop>",
];

/// Beginnings of marks: `<|name|>` or `<|name>`, and DeepSeek's `<｜name｜>`.
const BARS: [&str; 2] = ["<|", "<｜"];

/// Marks that end a turn, as servers print them that do not know them.
const TURN_ENDS: [&str; 10] = [
    "<|im_end|>",
    "<|im_start|>",
    "<|eot_id|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<｜end▁of▁sentence｜>",
    "<end_of_turn>",
    "<start_of_turn>",
    "</s>",
    "[/INST]",
];

/// A text repeats itself if its last bytes, this many, are one run of at most so many over and over.
const LOOP_BYTES: usize = 2400;
const PERIOD_BYTES: usize = 400;

/// A text is compared with itself after so many more bytes.
const COMPARED_BYTES: usize = 1024;

/// Maximum length of the name in such a mark, in bytes.
const NAME_BYTES: usize = 40;

/// Within a sentence, longer reasoning is not looked for.
const THOUGHT_BYTES: usize = 10_000;

/// Names of roles and channels that may follow a mark.
const ROLES: [&str; 5] = ["assistant", "model", "final", "chatbot", "response"];

/// Starts the name of a channel, and the text in it.
const CHANNEL: &str = "<|channel|>";
const MESSAGE: &str = "<|message|>";

/// The channels of gpt-oss that are no answer.
const OTHER_CHANNELS: [&str; 4] = [
    "analysis",
    "commentary",
    "assistantanalysis",
    "assistantcommentary",
];

/// What is left of the start of the final channel where the marks are dropped.
const BARE_FINAL: &str = "assistantfinal";

/// Characters that end a sentence.
const ENDS: [char; 8] = ['.', '!', '?', '…', '。', '！', '？', '।'];

/// Returns the trimmed answer in `text`, and whether anything before it was removed, such as reasoning. Everything after an
/// unclosed opening tag is reasoning.
///
/// An opening tag counts at the start of a line, after the end of a sentence, and before whole sentences that it encloses. Else it is
/// quoted text.
pub(crate) fn strip(text: &str) -> (String, bool) {
    let channel = final_channel(text.trim());
    let has_channels = channel.is_none_or(|channel| channel.len() < text.trim().len());
    let answer = without_reasoning(channel.unwrap_or_default());
    let has_thought = has_channels || answer.len() < channel.unwrap_or_default().len();
    let answer = without_first_marks(&answer);
    let end = mark_in(answer).unwrap_or(answer.len());
    (answer.split_at(end).0.trim().to_owned(), has_thought)
}

/// Looks for the end of a text that grows, in what is new of it.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// Bytes that were searched for the end of a turn, and for a loop.
    searched: usize,
    compared: usize,
    /// A mark between channels ends no turn.
    has_channels: bool,
}

/// Why a text is complete, whatever follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    OfTurn,
    Loop,
}

impl Watch {
    /// Whether `text`, which begins as it did before, is at its end.
    pub(crate) fn end_of(&mut self, text: &str) -> Option<End> {
        let from = text.floor_char_boundary(self.searched.saturating_sub(NAME_BYTES));
        let new = text.split_at(from).1;
        self.searched = text.len();
        self.has_channels |= new.contains(CHANNEL);
        let has_end = !self.has_channels && TURN_ENDS.iter().any(|mark| new.contains(mark));
        if has_end {
            let answer = without_first_marks(text);
            // Marks and nothing else, for so long, are not the beginning of an answer.
            if mark_in(answer).is_some() || answer.is_empty() && text.len() > LOOP_BYTES {
                return Some(End::OfTurn);
            }
        }
        if text.len() < self.compared + COMPARED_BYTES {
            return None;
        }
        self.compared = text.len();
        repeats_itself(text).then_some(End::Loop)
    }
}

/// Whether the end of `text` is one run of bytes over and over.
fn repeats_itself(text: &str) -> bool {
    let bytes = text.as_bytes();
    let Some(tail) = bytes
        .len()
        .checked_sub(LOOP_BYTES)
        .and_then(|at| bytes.get(at..))
    else {
        return false;
    };
    // Where its last bytes stood before tells the length of the run.
    let (before, last) = tail.split_at(tail.len() - PERIOD_BYTES / 8);
    let periods = (1..=PERIOD_BYTES).find(|period| {
        let at = before.len().checked_sub(*period);
        at.and_then(|at| tail.get(at..at + last.len())) == Some(last)
    });
    periods.is_some_and(|period| {
        let shifted = tail.iter().skip(period);
        shifted.zip(tail).all(|(one, before)| one == before)
    })
}

/// The position of the first mark in `text` that ends an answer or begins another turn.
pub(crate) fn mark_in(text: &str) -> Option<usize> {
    let mut places = text.match_indices(['<', '[']).map(|(at, _)| at);
    places.find(|at| mark_len(text.split_at(*at).1).is_some())
}

/// The length of the mark at the start of `text`.
fn mark_len(text: &str) -> Option<usize> {
    for bar in BARS {
        if let Some(rest) = text.strip_prefix(bar) {
            let near = rest.split_at(rest.floor_char_boundary(NAME_BYTES)).0;
            let end = near.find('>');
            let name = near.split_at(end.unwrap_or(near.len())).0;
            let is_name = !name.contains(|c: char| c.is_whitespace() || c == '<');
            return match end {
                Some(end) => (is_name && !name.is_empty()).then_some(bar.len() + end + 1),
                // The text ends within the mark.
                None => (is_name && near.len() == rest.len()).then_some(text.len()),
            };
        }
    }
    MARKS
        .iter()
        .find(|mark| starts_with(text, mark))
        .map(|mark| mark.len())
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len())
        .is_some_and(|it| it.eq_ignore_ascii_case(start))
}

/// `text` without the marks and the role that it begins with.
fn without_first_marks(text: &str) -> &str {
    let mut rest = text.trim_start();
    while let Some(len) = mark_len(rest) {
        rest = rest.split_at(len).1.trim_start();
        let role = ROLES.iter().find_map(|role| rest.strip_prefix(role));
        if let Some(after) = role
            && (after.starts_with(['\n', ':']) || mark_len(after).is_some())
        {
            rest = after.trim_start_matches(':').trim_start();
        }
    }
    rest
}

/// What is in the final channel; all of a `text` without channels. `None` if it has channels but no final one.
fn final_channel(text: &str) -> Option<&str> {
    let finals = text.rmatch_indices(CHANNEL).filter_map(|(at, _)| {
        let rest = text.split_at(at + CHANNEL.len()).1;
        let header = rest.split_at(rest.floor_char_boundary(2 * NAME_BYTES)).0;
        let (header, _) = header.split_once(MESSAGE)?;
        let message = rest.split_at(header.len() + MESSAGE.len()).1;
        header.trim_start().starts_with("final").then_some(message)
    });
    let mut finals = finals.map(str::trim);
    if let Some(message) = finals.find(|message| !message.is_empty()) {
        let end = mark_in(message).unwrap_or(message.len());
        return Some(message.split_at(end).0);
    }
    let start = without_first_marks(text);
    if text.starts_with(CHANNEL) || start.len() < text.len() && text.contains(CHANNEL) {
        return None;
    }
    if let Some((_, answer)) = text.rsplit_once(BARE_FINAL) {
        return Some(answer.trim_start_matches([':', ' ', '\n']));
    }
    // Glued to the text, or in a line of its own.
    let glued = |name: &str| {
        let rest = start.strip_prefix(name)?;
        let next = rest.trim_start().chars().next();
        next.is_none_or(|next| !next.is_lowercase() || rest.trim_start().starts_with("to="))
            .then_some(rest)
    };
    if let Some(rest) = OTHER_CHANNELS.iter().find_map(|name| glued(name)) {
        let lines = rest.rmatch_indices("final").find_map(|(at, _)| {
            let (before, after) = rest.split_at(at);
            let is_line = before.ends_with('\n') && before.trim_end().ends_with("assistant");
            is_line.then(|| after.trim_start_matches("final").trim_start())
        });
        return lines;
    }
    let final_start = start.strip_prefix("final");
    let is_glued =
        |rest: &&str| rest.starts_with(|c: char| c.is_uppercase() || c == '\n' || c == '#');
    Some(final_start.filter(is_glued).unwrap_or(text))
}

/// `text` without what stands between tags of reasoning.
fn without_reasoning(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let mut kept = String::new();
    let mut from = 0;
    // A template that opens the reasoning itself leaves only the closing tag.
    for (open, close) in TAGS {
        if let Some(at) = lower.find(close)
            && !lower.split_at(at).0.contains(open)
        {
            from = from.max(at + close.len());
        }
    }
    let closed = TAGS.map(|(_, close)| lower.rfind(close));
    let mut at = from;
    while let Some(found) = lower.get(at..).and_then(|rest| rest.find(['<', '[', '◁'])) {
        at += found;
        let rest = lower.split_at(at).1;
        let mut tags = TAGS.iter().zip(closed);
        let tag = tags.find(|((open, _), _)| rest.starts_with(open));
        let before = lower.get(from..at).unwrap_or_default();
        // Between quoted tags stands no whole sentence.
        let holds_sentence = |(open, close): &(&str, &str)| {
            let near = rest.split_at(rest.floor_char_boundary(THOUGHT_BYTES)).0;
            let thought = near.find(close).and_then(|end| near.get(open.len()..end));
            thought.is_some_and(|thought| thought.trim_end().ends_with(ENDS))
        };
        let opens = |(tags, last): &(&(&str, &str), Option<usize>)| {
            may_open(&kept, before) || *last > Some(at) && holds_sentence(tags)
        };
        match tag.filter(opens) {
            Some(((_, close), _)) => {
                kept.push_str(text.get(from..at).unwrap_or_default());
                at = rest
                    .find(close)
                    .map_or(text.len(), |end| at + end + close.len());
                from = at;
            }
            None => at += rest.chars().next().map_or(1, char::len_utf8),
        }
    }
    kept.push_str(text.get(from..).unwrap_or_default());
    kept.trim().to_owned()
}

/// Whether a tag may open reasoning after `before`, which follows upon `kept`.
fn may_open(kept: &str, before: &str) -> bool {
    let end = match before.trim_end() {
        "" => kept.trim_end(),
        end => end,
    };
    end.is_empty() || before.ends_with('\n') || end.ends_with(ENDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasoning_is_removed_and_the_answer_stays() {
        for (text, answer, found) in [
            (" The board met. ", "The board met.", false),
            (
                "<think>who?</think>\n\nThe board met.",
                "The board met.",
                true,
            ),
            (
                "<think>\n</think><think>b</think> The board met.",
                "The board met.",
                true,
            ),
            ("who spoke? </think>The board met.", "The board met.", true),
            ("[THINK]x[/THINK]The board met.", "The board met.", true),
            ("<think>never done", "", true),
            ("The board met. <think>more", "The board met.", true),
            (
                "The board met.\n<think>more?</think>\nIt closed.",
                "The board met.\n\nIt closed.",
                true,
            ),
            (
                "Budget: Lee<think>Hmm.</think> put it off.",
                "Budget: Lee put it off.",
                true,
            ),
            (
                "They say <think> is a tag.",
                "They say <think> is a tag.",
                false,
            ),
            (
                "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>The board met.<|return|>",
                "The board met.",
                true,
            ),
            ("<|channel|>analysis<|message|>hm", "", true),
            (
                "analysis of <|x or a < b | c > d.",
                "analysis of <|x or a < b | c > d.",
                false,
            ),
        ] {
            assert_eq!(strip(text), (answer.to_owned(), found), "{text}");
        }
    }
}
