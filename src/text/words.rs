//! Counts words, the unit of summary lengths.
//!
//! A word is a whitespace-separated token. In scripts without spaces between words, every ideograph counts as a word;
//! otherwise 33,000 Chinese characters would count as one word and never be chunked. In Thai, Lao, Khmer and Burmese, where
//! finding words takes a model, every six characters count as a word. The model is asked only where such a text is cut.

use std::collections::HashMap;
use std::sync::LazyLock;

use icu_segmenter::options::WordBreakInvariantOptions;
use icu_segmenter::{GraphemeClusterSegmenter, WordSegmenter};

use crate::text::Span;
use crate::text::eight::Eight;
use crate::text::script::Script;
use crate::text::sentence::mark;

/// A number of words that is planned or requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Words(pub usize);

/// Characters per word in an unspaced alphabet, including vowel signs and tone marks.
const UNSPACED_CHARS_PER_WORD: u8 = 6;

/// Bytes around a cut in which boundaries between words are searched.
pub(crate) const REACH: usize = 512;

/// Letters on each side of a cut that the model of words looks at. It takes some microseconds for each of them, and most words
/// are shorter.
const MODEL_LETTERS: usize = 8;

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

/// The most frequent words of unspaced alphabets. The model of words is wrong about a tenth to a fifth of its boundaries in
/// Khmer and Burmese, but seldom about one of these.
#[rustfmt::skip]
const FREQUENT_WORDS: [&str; 34] = [
    "ที่", "ของ", "โดย", "จะ", "หรือ", "เป็น", "ได้", "ມີ", "ທີ່", "ຂອງ", "ໃນ", "ໂດຍ", "ຈະ", "ຫຼື", "ໃຫ້", "ເປັນ", "ໄດ້", "ដែល", "នៃ",
    "និង", "ក្នុង", "ដោយ", "ត្រូវ", "មាន", "ឬ", "នេះ", "နှင့်", "သည်", "ကို", "တွင်", "များ", "သော", "ဖြင့်", "မှ",
];

/// Characters that end a word of Chinese, or begin one, in 98 of 100 places or more, in news and in reviews.
const CHINESE_ENDS: &str = "的了吗嗎呢吧啊";
const CHINESE_BEGINS: &str = "这這很她最第";

/// The same in 95 of 100 places or more, but often in the middle of a phrase.
const LIKELY_ENDS: &str = "们們是在者些又";
const LIKELY_BEGINS: &str = "也每我你那又";

/// Hiragana that end a word before an ideograph. Others, as in 話し合い and お客, are often inside of one.
const JAPANESE_ENDS: &str = "はがをにでとものへやてただなうくばんからす";

/// Two characters that belong together all the same.
#[rustfmt::skip]
const TOGETHER: [&str; 48] = [
    "的确", "的確", "的话", "的話", "了解", "了不", "了然", "了结", "了結", "是否", "是非", "是正", "是認", "在于", "在於", "在场",
    "在場", "在座", "在乎", "在意", "在职", "在職", "在内", "在庫", "在住", "在籍", "在宅", "在学", "在留", "者们", "者們", "些细",
    "些細", "次第", "及第", "自我", "旦那", "刹那", "に対", "に関", "に際", "の他", "に応", "に伴",
    "维也", "維也", "记者", "記者",
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
    let Some(at) = start_after(text, limit) else {
        return text;
    };
    let end = if limit == 0 { at } else { last_break(text, at) };
    text.split_at(end).0.trim_end()
}

/// Where the word after the first `limit` ones starts.
pub(crate) fn start_after(text: &str, limit: usize) -> Option<usize> {
    let mut state = State::default();
    let mut starts = text.char_indices().filter(|&(_, c)| state.starts_at(c));
    starts.nth(limit).map(|(at, _)| at)
}

/// Whether a letter belongs to a script without spaces between words.
pub(crate) fn is_unspaced(c: char) -> bool {
    Script::of(c).is_some_and(|script| script.is_ideographic() || script.is_unspaced())
}

/// The last boundary between words up to `at`, or between characters if there is none near.
pub(crate) fn last_break(text: &str, at: usize) -> usize {
    let (before, after) = text.split_at(at);
    if !before.ends_with(is_unspaced) || !after.starts_with(is_unspaced) {
        return at;
    }
    let start = text.ceil_char_boundary(at.saturating_sub(REACH));
    let end = text.floor_char_boundary(at + REACH);
    let near = Span { start, end }.of(text);
    let clusters = GraphemeClusterSegmenter::new().segment_str(near);
    let before: Vec<usize> = clusters.take_while(|&found| start + found <= at).collect();
    // The last one is found first: in most texts it is near.
    let last = |least| {
        let mut latest = before.iter().rev();
        latest.find(|&&found| Break::of(near, found) >= Some(least))
    };
    let found = last(Break::Sure).or_else(|| last(Break::Likely));
    let found = found.map(|found| start + found);
    // Two that agree are seldom wrong, but the model takes longer than all the rest.
    let confirmed = found.filter(|&found| is_confirmed(text, found));
    let modelled = || {
        let mut found = model_breaks(text, at).into_iter();
        found.rfind(|&found| found <= at)
    };
    let cluster = before.last().map(|&last| start + last);
    let cluster = cluster.filter(|&found| found > 0);
    confirmed.or_else(modelled).or(cluster).unwrap_or(at)
}

/// Boundaries between the words of a short text, including those of scripts without spaces.
pub(crate) fn breaks(text: &str) -> impl Iterator<Item = (Break, usize)> {
    let clusters = GraphemeClusterSegmenter::new().segment_str(text);
    clusters.filter_map(|at| Some((Break::of(text, at)?, at)))
}

/// Boundaries near `at` between the words of Thai, Lao, Khmer or Burmese, if `at` is inside a run of their letters.
pub(crate) fn model_breaks(text: &str, at: usize) -> Vec<usize> {
    let (before, after) = text.split_at(at);
    let bytes = |letters: &mut dyn Iterator<Item = char>| -> usize {
        let near = letters.take_while(|&c| is_modelled(c)).take(MODEL_LETTERS);
        near.map(char::len_utf8).sum()
    };
    let start = at - bytes(&mut before.chars().rev());
    let end = at + bytes(&mut after.chars());
    if start == at || end == at {
        return Vec::new();
    }
    let run = Span { start, end }.of(text);
    let model = WordSegmenter::new_lstm(WordBreakInvariantOptions::default());
    // The model has seen words only: in other letters it would part a vowel sign from its consonant.
    let clusters: Vec<usize> = GraphemeClusterSegmenter::new().segment_str(run).collect();
    let found = model.segment_str(run).filter(|at| clusters.contains(at));
    let inner = found.map(|at| start + at);
    inner.filter(|&at| at > start && at < end).collect()
}

/// Whether the model of words agrees that `at` is a boundary, or is not the one to ask.
pub(crate) fn is_confirmed(text: &str, at: usize) -> bool {
    let (before, after) = text.split_at(at);
    let is_inside = before.ends_with(is_modelled) && after.starts_with(is_modelled);
    !is_inside || model_breaks(text, at).contains(&at)
}

/// Whether a letter belongs to a script whose words only a model can tell.
fn is_modelled(c: char) -> bool {
    Script::of(c).is_some_and(Script::is_unspaced)
}

/// How certain a boundary between words is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Break {
    Likely,
    Sure,
}

impl Break {
    /// Whether a text may be cut here, as far as that is known without a model of words (which takes long) or the Chinese
    /// dictionary (which takes 2 MB).
    fn of(text: &str, at: usize) -> Option<Self> {
        let (before, after) = text.split_at(at);
        let (last, next) = (before.chars().next_back()?, after.chars().next()?);
        let is_inner = |c: char| (is_unspaced(c) && mark(c).is_none()) || c.is_alphanumeric();
        let sure = |is_sure: bool| is_sure.then_some(Self::Sure);
        let likely = |is_likely: bool| is_likely.then_some(Self::Likely);
        if !is_inner(last) || !is_inner(next) {
            return sure(is_inner(next) || next.is_whitespace());
        }
        if !is_unspaced(last) || !is_unspaced(next) {
            return sure(is_unspaced(last) || is_unspaced(next));
        }
        if starts_clause(after).is_some() {
            return Some(Self::Sure);
        }
        let found = if is_hiragana(next) {
            None
        } else if is_modelled(next) {
            likely(FREQUENT_WORDS.iter().any(|word| after.starts_with(word)))
        } else if is_hiragana(last) {
            let is_honorific = matches!(last, 'お' | 'ご');
            sure(is_katakana(next) || JAPANESE_ENDS.contains(last)).or(likely(!is_honorific))
        } else if is_katakana(next) {
            None
        } else {
            let ends = likely(LIKELY_ENDS.contains(last) || LIKELY_BEGINS.contains(next));
            sure(CHINESE_ENDS.contains(last) || CHINESE_BEGINS.contains(next)).or(ends)
        };
        found.filter(|_| !TOGETHER.iter().any(|word| word.chars().eq([last, next])))
    }
}

fn is_hiragana(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{3096}')
}

fn is_katakana(c: char) -> bool {
    matches!(c, '\u{30a1}'..='\u{30ff}')
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
pub(crate) mod tests {
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
        assert_eq!(prefix("遅れてコンクリートの", 7), "遅れて");
        assert_eq!(prefix("住民との話し合いについて", 6), "住民との");
        assert_eq!(prefix("专家认为维也纳是最好的城市", 7), "专家认为维也纳");
        assert_eq!(
            prefix("亚洲金融危机是去年最大问题", 10),
            "亚洲金融危机是去年"
        );
        assert_eq!(
            prefix("เราจะเริ่มประชุมแล้ว พรุ่งนี้จะส่งรายงานให้ทุกคน", 5),
            "เราจะเริ่มประชุมแล้ว"
        );
        assert_eq!(prefix("ฝนตกหนักมากเมื่อวานนี้ถนนปิด", 3), "ฝนตกหนักมาก");
        assert_eq!(prefix("one", 0), "");
    }

    /// Sentences of meetings in the scripts whose words a model tells, with words that must stay whole.
    pub(crate) const UNSPACED: [(&str, &[&str]); 4] = [
        (
            "การประชุมวันนี้เราจะพูดถึงโครงการสะพานใหม่และแผนก่อสร้างในเดือนหน้าหลังจากเขาแต่งงาน",
            &["ประชุม", "โครงการ", "สะพาน", "ก่อสร้าง", "เดือน", "แต่งงาน"],
        ),
        (
            "កិច្ចប្រជុំថ្ងៃនេះយើងនិយាយអំពីថវិកានិងគម្រោងសាងសង់ស្ពានថ្មី",
            &["យើង", "និយាយ", "ថវិកា", "គម្រោង", "សាងសង់", "ស្ពាន"],
        ),
        (
            "ກອງປະຊຸມມື້ນີ້ພວກເຮົາຈະເວົ້າກ່ຽວກັບແຜນແລະໂຄງການກໍ່ສ້າງຂົວໃໝ່",
            &["ປະຊຸມ", "ເຮົາ", "ເວົ້າ", "ໂຄງການ", "ກໍ່ສ້າງ"],
        ),
        (
            "ဒီနေ့အစည်းအဝေးမှာတံတားသစ်အကြောင်းပြောကြမယ်",
            &["အစည်းအဝေး", "အကြောင်း", "ပြော"],
        ),
    ];

    /// Whether a cut at `at` is inside of one of the words.
    pub(crate) fn is_cut(text: &str, words: &[&str], at: usize) -> bool {
        let mut places = words.iter().flat_map(|word| text.match_indices(word));
        places.any(|(start, word)| start < at && at < start + word.len())
    }

    #[test]
    fn a_prefix_ends_between_characters_whatever_the_letters_are() {
        // Khmer letters and signs in no order.
        let letters = (0..1500_u32).map(|n| 0x1780 + n.wrapping_mul(2_654_435_761) % 1009 % 83);
        let text: String = letters.filter_map(char::from_u32).collect();
        let clusters: Vec<usize> = GraphemeClusterSegmenter::new().segment_str(&text).collect();
        for limit in 1..count(&text) {
            assert!(clusters.contains(&prefix(&text, limit).len()), "{limit}");
        }
    }

    #[test]
    fn a_prefix_ends_outside_of_the_words_of_unspaced_alphabets() {
        for (sentence, words) in UNSPACED {
            let text = sentence.repeat(3);
            for limit in 3..count(&text) {
                let end = prefix(&text, limit).len();
                assert!(
                    !is_cut(&text, words, end),
                    "{}|{}",
                    &text[..end],
                    &text[end..]
                );
            }
        }
    }
}
