//! Counts words, the unit of summary lengths.
//!
//! A word is a whitespace-separated token. In scripts without spaces between words, every ideograph counts as a word;
//! otherwise 33,000 Chinese characters would count as one word and never be chunked. In Thai, Lao, Khmer and Burmese, where
//! finding words takes a dictionary, every six characters count as a word.

use std::collections::HashMap;
use std::sync::LazyLock;

use icu_segmenter::GraphemeClusterSegmenter;

use crate::text::Span;
use crate::text::eight::Eight;
use crate::text::script::{Script, is_ideograph};
use crate::text::sentence::mark;

/// A number of words that is planned or requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Words(pub usize);

/// Characters per word in an unspaced alphabet, including vowel signs and tone marks.
const UNSPACED_CHARS_PER_WORD: u8 = 6;

/// Bytes around a cut in which boundaries between words are searched.
pub(crate) const REACH: usize = 512;

/// Words that begin a clause in unspaced text.
#[rustfmt::skip]
const UNSPACED_CLAUSE_WORDS: [&str; 64] = [
    "然后", "但是", "所以", "因为", "如果", "而且", "或者", "不过", "虽然", "还有", "另外", "其实", "那么", "首先",
    "最后", "接下来", "我们", "你们", "他们", "大家", "这个", "那个", "然後", "因為", "不過", "雖然", "還有", "其實",
    "那麼", "最後", "接下來", "我們", "你們", "他們", "這個", "那個", "それで", "それから", "だから", "でも", "しかし",
    "そして", "なので", "ですから",
    "เพราะ", "แต่", "และ", "ซึ่ง", "ถ้า", "เมื่อ", "แล้วก็", "ดังนั้น", "ແຕ່", "ແລະ", "ເພາະ", "ຖ້າ", "ເມື່ອ", "ប៉ុន្តែ", "ហើយ", "ព្រោះ",
    "ដើម្បី", "ប្រសិនបើ", "ဒါပေမယ့်", "ဒါကြောင့်",
];

/// Words that begin a clause, in the languages whose function words are known.
const CLAUSE_WORDS: [&str; 7] = [
    "but so because then although though while whereas unless until if when where which who since anyway okay well",
    "aber weil denn dann obwohl während wenn wo dass damit also sondern deshalb",
    "mais parce donc puis alors quand qui où car lorsque puisque",
    "pero porque entonces aunque mientras cuando donde si pues",
    "ma perché quindi poi allora quando dove mentre anche se",
    "mas porque então depois quando onde enquanto embora",
    "maar omdat dus dan toen terwijl als waar want hoewel",
];

/// Words that join clauses, but also the items of a list.
const JOINING_WORDS: &str = "and or und oder et ou y o e en of";

static KNOWN_CLAUSES: LazyLock<HashMap<&str, Clause>> = LazyLock::new(|| {
    let joining = JOINING_WORDS.split(' ').map(|word| (word, Clause::Perhaps));
    let others = CLAUSE_WORDS.iter().flat_map(|words| words.split(' '));
    joining
        .chain(others.map(|word| (word, Clause::Likely)))
        .collect()
});

/// State of the word counter, which reads a text character by character.
#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Blank,
    Word,
    Ideograph,
    /// Inside a word of an unspaced alphabet, after this number of characters.
    Unspaced(u8),
}

impl State {
    /// Takes the next character and returns whether a word starts with it.
    fn starts_at(&mut self, c: char) -> bool {
        // ASCII is the common case, and looking up a script is slow.
        let script = if c.is_ascii() { None } else { Script::of(c) };
        let (state, starts) = match (script, *self) {
            (Some(script), _) if script.is_ideographic() => (Self::Ideograph, true),
            (Some(script), Self::Unspaced(n))
                if script.is_unspaced() && n < UNSPACED_CHARS_PER_WORD =>
            {
                (Self::Unspaced(n + 1), false)
            }
            (Some(script), _) if script.is_unspaced() => (Self::Unspaced(1), true),
            _ if c.is_whitespace() => (Self::Blank, false),
            (_, Self::Blank) => (Self::Word, true),
            (_, Self::Word) => (Self::Word, false),
            // Punctuation after an ideograph belongs to it; a letter or digit starts a word of another script.
            (_, before) if !c.is_alphanumeric() => (before, false),
            _ => (Self::Word, true),
        };
        *self = state;
        starts
    }
}

/// The number of words in `text`.
#[must_use]
pub fn count(text: &str) -> usize {
    let mut state = State::default();
    let (mut at, mut count) = (0, 0);
    while at < text.len() {
        // Most characters are ASCII.
        let eight = Eight::at(text.as_bytes(), at);
        if eight.is_ascii() && matches!(state, State::Blank | State::Word) {
            let mut after_blank = matches!(state, State::Blank);
            let blanks = eight.blanks();
            let starts = blanks.not().and(blanks.following(&mut after_blank));
            count += starts.first(text.len() - at).count();
            state = if after_blank {
                State::Blank
            } else {
                State::Word
            };
            at += 8;
        } else {
            let c = text.split_at(at).1.chars().next();
            count += usize::from(c.is_some_and(|c| state.starts_at(c)));
            at += c.map_or(1, char::len_utf8);
        }
    }
    count
}

/// The number of words in `text` that are spoken: a lone dash or bullet is none.
pub(crate) fn spoken(text: &str) -> usize {
    let is_blank = |byte: u8| matches!(byte, b'\t'..=b'\r' | b' ');
    let (mut sum, mut rest) = (0, text);
    while !rest.is_empty() {
        // The last token before a character beyond ASCII may go on there.
        let ascii = rest.bytes().position(|byte| !byte.is_ascii());
        let end = ascii.map_or(rest.len(), |ascii| {
            let blank = rest.bytes().take(ascii).rposition(is_blank);
            blank.map_or(0, |blank| blank + 1)
        });
        let (plain, odd) = rest.split_at(end);
        let mut is_counted = false;
        for byte in plain.bytes() {
            let starts = !is_counted && byte.is_ascii_alphanumeric();
            sum += usize::from(starts);
            is_counted = (is_counted || starts) && !is_blank(byte);
        }
        let (token, after) = odd.split_at(odd.find(char::is_whitespace).unwrap_or(odd.len()));
        if token.contains(char::is_alphanumeric) {
            sum += count(token);
        }
        rest = after.trim_start();
    }
    sum
}

/// The longest prefix of `text` with at most `limit` words, cut after a word.
#[must_use]
pub fn prefix(text: &str, limit: usize) -> &str {
    let mut state = State::default();
    let mut seen = 0;
    for (at, c) in text.char_indices() {
        if state.starts_at(c) {
            if seen == limit {
                let end = if limit == 0 { at } else { last_break(text, at) };
                return text.split_at(end).0.trim_end();
            }
            seen += 1;
        }
    }
    text
}

/// Whether a letter belongs to a script without spaces between words.
pub(crate) fn is_unspaced(c: char) -> bool {
    Script::of(c).is_some_and(|script| script.is_ideographic() || script.is_unspaced())
}

/// The last boundary between words up to `at`, or `at` if there is none near.
fn last_break(text: &str, at: usize) -> usize {
    let (before, after) = text.split_at(at);
    if !before.ends_with(is_unspaced) || !after.starts_with(is_unspaced) {
        return at;
    }
    let start = text.ceil_char_boundary(at.saturating_sub(REACH));
    let end = text.floor_char_boundary(at + REACH);
    let near = Span { start, end }.of(text);
    let clusters = GraphemeClusterSegmenter::new().segment_str(near);
    // The last one is found first: in most texts it is near.
    let before: Vec<usize> = clusters.take_while(|&found| start + found <= at).collect();
    let found = before.into_iter().rev().find(|&at| is_break(near, at));
    found.map_or(at, |found| start + found)
}

/// Boundaries between the words of a short text, including those of scripts without spaces.
pub(crate) fn breaks(text: &str) -> impl Iterator<Item = usize> {
    let clusters = GraphemeClusterSegmenter::new().segment_str(text);
    clusters.filter(|&at| is_break(text, at))
}

fn is_break(text: &str, at: usize) -> bool {
    let (before, after) = text.split_at(at);
    !joins(before, after)
}

/// Whether a text must not be cut here. Without dictionaries, of which the Chinese one takes 2 MB and the others .3 MB, a
/// boundary in unspaced text is known only before some function words, after Chinese particles, and where Japanese continues
/// with an ideograph or katakana after hiragana.
fn joins(before: &str, after: &str) -> bool {
    let (Some(last), Some(next)) = (before.chars().next_back(), after.chars().next()) else {
        return true;
    };
    let is_inner = |c: char| (is_unspaced(c) && mark(c).is_none()) || c.is_alphanumeric();
    if !is_inner(last) || !is_inner(next) {
        return !(is_inner(next) || next.is_whitespace());
    }
    if !is_unspaced(last) || !is_unspaced(next) {
        return !(is_unspaced(last) || is_unspaced(next));
    }
    let is_hiragana = |c: char| matches!(c, '\u{3041}'..='\u{3096}');
    let is_honorific = matches!(last, 'お' | 'ご');
    let begins = is_hiragana(last) && is_ideograph(next) && !is_hiragana(next) && !is_honorific;
    let is_particle = matches!(last, '的' | '了' | '吗' | '嗎' | '呢' | '吧' | '啊');
    let continues = matches!(next, '确' | '確' | '话' | '話' | '解' | '不' | '然');
    let ends = is_particle && !continues;
    !(begins || ends || starts_clause(after).is_some())
}

/// How well a clause can begin with a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Clause {
    /// The word joins clauses, but also the items of a list.
    Perhaps,
    Likely,
}

/// Whether a clause begins at the start of `text`.
pub(crate) fn starts_clause(text: &str) -> Option<Clause> {
    if text.starts_with(is_unspaced) {
        // Called for every letter of a text. Letters have three bytes.
        let letter = text.as_bytes().first_chunk::<3>();
        let begins = UNSPACED_CLAUSE_WORDS
            .iter()
            .filter(|word| word.as_bytes().first_chunk::<3>() == letter)
            .any(|word| text.starts_with(word));
        return begins.then_some(Clause::Likely);
    }
    let end = text
        .find(|c: char| !c.is_alphabetic())
        .unwrap_or(text.len());
    let word = text.split_at(end).0;
    // No known word is longer.
    let is_short = word.len() <= "although".len();
    let known = is_short.then(|| KNOWN_CLAUSES.get(word.to_ascii_lowercase().as_str()));
    known.flatten().copied()
}

/// Runs of letters and digits, including inner apostrophes. Terms and n-grams are built from these.
pub(crate) fn runs(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '\'' | '’')))
        .map(|run| run.trim_matches(['\'', '’']))
        .filter(|run| !run.is_empty())
}

/// `text` with its first letter capitalized.
pub(crate) fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first.chain(chars.as_str().chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_of_every_kind_separate_words() {
        assert_eq!(count(""), 0);
        assert_eq!(count("  \r\n\t "), 0);
        assert_eq!(count("well — that's\u{a0}4,000 words\u{3000}ok"), 6);
    }

    #[test]
    fn a_token_without_letters_and_digits_is_not_spoken() {
        assert_eq!(spoken("well – that's > 4,000 words • ok ..."), 5);
        assert_eq!(spoken("- 使用GPU和2台server。 -"), 7);
    }

    #[test]
    fn every_ideograph_is_a_word() {
        assert_eq!(count("会议记录"), 4);
        assert_eq!(count("会议记录。"), 4);
        assert_eq!(count("使用GPU和2台server。"), 7);
        assert_eq!(count("ひらがなカタカナ"), 8);
    }

    #[test]
    fn spaced_scripts_count_by_blanks() {
        assert_eq!(count("회의 기록을 요약"), 3);
        assert_eq!(count("Это запись совещания"), 3);
    }

    #[test]
    fn unspaced_alphabets_count_by_length() {
        assert_eq!(count("การประชุมครั้งนี้"), 3);
        assert_eq!(count(&"ก".repeat(600)), 100);
    }

    #[test]
    fn a_prefix_ends_after_a_word() {
        assert_eq!(prefix("one two three", 2), "one two");
        assert_eq!(prefix("one two", 5), "one two");
        assert_eq!(prefix("会议记录", 3), "会议记");
        assert_eq!(prefix("会议结束了我们回家", 7), "会议结束了");
        assert_eq!(prefix("カメラを買いました", 2), "カメ");
        assert_eq!(prefix("新しいカメラ", 5), "新しい");
        assert_eq!(
            prefix("เราจะเริ่มประชุมแล้ว พรุ่งนี้จะส่งรายงานให้ทุกคน", 5),
            "เราจะเริ่มประชุมแล้ว"
        );
        assert_eq!(prefix("ฝนตกหนักมากเมื่อวานนี้ถนนปิด", 3), "ฝนตกหนักมาก");
        assert_eq!(prefix("one", 0), "");
    }
}
