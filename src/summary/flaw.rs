//! Recognizes answers that are no prose about a transcript: refusals, thoughts about the task, data, pages, tables, tool calls,
//! dialogue and word salad.
//!
//! An answer is judged as it came: once its braces or bars are stripped, or it is cut to its last sentence, a data structure
//! looks like prose. Each rule is about the form of a line or of the whole, because what is told may be about anything: a summary
//! may speak of JSON, and quote somebody who was sorry.

use std::collections::{BTreeMap, HashMap};

use crate::summary::scaffold;
use crate::text::script::Script;
use crate::text::{sentence, words};
use crate::wire::error_text::starts_with_any;

/// Lines without a heading or preamble that are searched for the beginning of a refusal or of thoughts.
const FIRST_LINES: usize = 3;

/// Maximum length in words of a first line that may be a heading.
const HEADING_WORDS: usize = 12;

/// Minimum number of speaker's lines, and of words that they have on average if no speaker returns, in a dialogue.
const DIALOGUE_LINES: usize = 3;
const REMARK_WORDS: usize = 12;
const SPEAKER_WORDS: usize = 4;

/// Minimum number of lines in a table, of values in its rows, and of lines of a program.
const ROWS: usize = 2;
const VALUES: usize = 3;

/// Maximum length of a word in characters, and of a run of words without any punctuation.
const LONGEST_WORD: usize = 150;
const LONGEST_RUN: usize = 90;

/// Salad: minimum number of words, and maximum shares in percent of words with a capital letter inside, of symbols among the
/// characters, and of words that repeat the one before.
const SALAD_WORDS: usize = 25;
const GLUED_PERCENT: usize = 40;
const SYMBOL_PERCENT: usize = 25;
const REPEATED_PERCENT: usize = 12;

/// Minimum share of letters for a script to count, in percent, and the number of scripts that no text has.
const SCRIPT_PERCENT: usize = 6;
const SCRIPTS: usize = 3;

/// Why an answer is no prose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Flaw {
    /// The model declines, or asks for the transcript.
    Refusal,
    /// It thinks about the task.
    Thoughts,
    /// A data structure, a program or an error message.
    Data,
    /// A web page.
    Page,
    Table,
    ToolCall,
    /// Speakers talk to each other.
    Dialogue,
    /// Words without sentences.
    Salad,
    /// What a filter put in its place.
    Withheld,
}

impl Flaw {
    /// A name for messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Refusal => "a refusal",
            Self::Thoughts => "thoughts about the task",
            Self::Data => "data or a program",
            Self::Page => "a web page",
            Self::Table => "a table",
            Self::ToolCall => "a tool call",
            Self::Dialogue => "a dialogue",
            Self::Salad => "words without sentences",
            Self::Withheld => "withheld by a filter",
        }
    }
}

/// Beginnings of lines in which a model declines, in lower case and with straight apostrophes. Summaries have no "I".
const REFUSALS: &str = "i'm sorry|i am sorry|i'm afraid|sorry, |sorry but|i cannot |i can't |i can not |i'm unable|i am unable|\
    i'm not able|i am not able|i apologize|my apologies|apologies, |i won't |i must decline|as an ai|as a language model|i don't have |\
    i do not have |i don't see |i do not see |i didn't receive|unfortunately, i |unfortunately i |unfortunately, there is no transcript|\
    there is no transcript|no transcript was provided|no text was provided|it seems that you|it seems you|it looks like you|\
    it appears that you|it appears you|please provide|please share|please paste|could you please|could you provide|can you provide|\
    you haven't provided|you have not provided|es tut mir leid|tut mir leid|ich kann |leider kann ich|entschuldigung|\
    je suis désolé|désolé|je ne peux pas|je ne suis pas en mesure|malheureusement, je|lo siento|lamento no|no puedo |disculpa|\
    mi dispiace|non posso|spiacente|desculpe|sinto muito|lamento, mas|não posso|infelizmente, não posso|het spijt me|ik kan |helaas kan ik|\
    przepraszam|przykro mi|niestety nie mogę|nie mogę |omlouvám se|bohužel nemohu|извините|простите|к сожалению, я|я не могу|вибачте|\
    на жаль, я|对不起|抱歉|很抱歉|非常抱歉|我无法|我不能|作为一个人工智能|作为人工智能|申し訳|すみません|恐れ入りますが|죄송|미안|عذر|آسف|أعتذر|لا أستطيع|\
    क्षमा करें|माफ़ करें|मुझे खेद|üzgünüm|özür dilerim|tyvärr kan jag|jag kan inte|jag beklagar|beklager|jeg kan ikke|undskyld|\
    valitettavasti en|olen pahoillani|sajnálom|elnézést|xin lỗi|tôi xin lỗi|rất tiếc, tôi|maaf|mohon maaf|saya tidak dapat|λυπάμαι|δεν μπορώ|\
    אני מצטער|ขออภัย|ขอโทษ|متأسفم|متاسفم";

/// Beginnings of lines in which a model thinks about its task instead of doing it.
const THOUGHTS: &str = "okay, so |okay, let|okay, i |okay, the user|ok, so |ok, let|ok, i |alright, |hmm|wait, |let me |let's |we need to |\
    we are asked|we're asked|we have to |we must |we should |i need to |i'll |i will |i should |i have been asked|i was asked|i'm going to |\
    the user wants a |the user wants me|the user wants us|the user asks for|the user asks me|the user has asked|the user has given|the user has provided|the user is asking|the user gave|the user provided|first, i |first, let|so the task|\
    the task is to|my task is|thinking process|thought process|thinking:|thinking...|the prompt asks|got it|understood.|as requested, i|ich soll |\
    ich muss |der nutzer möchte|der benutzer möchte|l'utilisateur veut|l'utilisateur demande|je dois |el usuario quiere|el usuario pide|пользователь хочет|用户要求|用户希望|好的，我|首先，我需要|我需要|ユーザーは";

/// Beginnings of data, programs and messages of servers.
const DATA: &str = "traceback (most recent call last)|error:|internal server error|exception in thread|{|[{|[\"|['|[[|\
    \\begin{|\\documentclass|\\section{|---\ntitle:";

/// Beginnings and parts of web pages.
const PAGE_STARTS: &str = "<!doctype|<html|<?xml|<svg|<rss";
const PAGE_PARTS: [&str; 8] = [
    "<html", "<body", "<head>", "<script", "<style", "<table", "<iframe", "<svg",
];

/// Parts of tool calls.
const CALLS: [&str; 11] = [
    "<tool_call",
    "<toolcall",
    "<function=",
    "<function_call",
    "<invoke ",
    "<tool_use",
    "[tool_calls]",
    "[tool_call",
    "to=functions.",
    "\"arguments\":",
    "\"tool_calls\":",
];
const CALL_LINES: &str = "action input:|tool_code|print(default_api|default_api.|functions.|call: ";

/// Beginnings of lines of programs.
const CODE: &str =
    "const |var |function |#include|public class |select * |insert into |console.log|fn |def ";
const PYTHON: &str = "def |print(|class |return ";

/// What is wrong with the form of an answer. Of notes, each line may begin with its speaker: they are no `prose`.
pub(crate) fn flaw(answer: &str, is_prose: bool) -> Option<Flaw> {
    let lines: Vec<&str> = answer.lines().map(str::trim).collect();
    let lines: Vec<&str> = lines.into_iter().filter(|line| !line.is_empty()).collect();
    let lower = answer.to_lowercase().replace('’', "'");
    let checks: [(Flaw, &dyn Fn() -> bool); 8] = [
        (Flaw::ToolCall, &|| is_call(&lower)),
        (Flaw::Page, &|| is_page(&lower)),
        (Flaw::Data, &|| is_data(&lines, &lower)),
        (Flaw::Table, &|| is_table(&lines)),
        (Flaw::Refusal, &|| begins(&lines, REFUSALS)),
        (Flaw::Thoughts, &|| begins(&lines, THOUGHTS)),
        (Flaw::Dialogue, &|| is_prose && is_dialogue(&lines)),
        (Flaw::Salad, &|| is_salad(answer)),
    ];
    let mut found = checks.iter().filter(|(_, holds)| holds());
    found.next().map(|(flaw, _)| *flaw)
}

/// Whether one of the first lines, apart from headings and preambles, begins with one of `starts`.
fn begins(lines: &[&str], starts: &str) -> bool {
    let lines = lines
        .iter()
        .filter(|line| !scaffold::is_preamble(line))
        .take(FIRST_LINES);
    let mut is_open = true;
    for line in lines {
        let line = line.trim_start_matches(|c: char| "#*_->\u{a0} ".contains(c));
        let start: String = line.chars().take(60).collect();
        if is_open && starts_with_any(&start.to_lowercase().replace('’', "'"), starts) {
            return true;
        }
        // What comes after a line of prose is prose.
        is_open = words::count(line) <= HEADING_WORDS && !sentence::ends_sentence(line);
    }
    false
}

fn is_call(lower: &str) -> bool {
    CALLS.iter().any(|part| lower.contains(part))
        || lower
            .lines()
            .any(|line| starts_with_any(line.trim_start(), CALL_LINES))
}

fn is_page(lower: &str) -> bool {
    // Within a sentence it is told of.
    let stands_alone = |(at, _): (usize, &str)| {
        let before = lower.split_at(at).0.trim_end_matches(' ');
        before.is_empty() || before.ends_with(['\n', '.', '!', '?', '>'])
    };
    starts_with_any(lower.trim_start(), PAGE_STARTS)
        || PAGE_PARTS
            .iter()
            .any(|part| lower.match_indices(part).any(stands_alone))
}

fn is_data(lines: &[&str], lower: &str) -> bool {
    let is_member = |line: &&&str| {
        let is_key = line.starts_with(['"', '\'']) && line.contains("\": ")
            || line.starts_with('"') && line.contains("\":");
        is_key || matches!(**line, "{" | "}" | "]" | "[" | "}," | "]," | "}]" | "})")
    };
    let is_object = |line: &&str| line.starts_with("{\"") || line.starts_with("[{\"");
    let members = lines.iter().filter(is_member).count();
    let calls = |line: &str| {
        let pairs = line.as_bytes().windows(2);
        let mut pairs =
            pairs.filter(|pair| matches!(pair, [before, b'('] if before.is_ascii_alphanumeric()));
        pairs.next().is_some()
    };
    let is_code = |line: &&&str| match line.as_bytes().last() {
        Some(b';' | b'{') => {
            starts_with_any(&line.to_lowercase(), CODE) || line.contains(" = ") || calls(line)
        }
        Some(b':' | b')') => starts_with_any(line, PYTHON) && calls(line),
        _ => false,
    };
    let is_row = |line: &&&str| {
        let bytes = line.as_bytes();
        let is_between = |pair: &[u8]| matches!(pair, [b',' | b';', next] if !next.is_ascii_whitespace() && !next.is_ascii_digit());
        bytes.windows(2).filter(|pair| is_between(pair)).count() + 1 >= VALUES
    };
    let fences = lines.iter().filter(|line| scaffold::is_code_fence(line));
    starts_with_any(lower.trim_start(), DATA)
        || lines.iter().any(is_object)
        || members >= ROWS && members * 2 >= lines.len()
        || lines.iter().filter(is_code).count() >= ROWS
        || lines.iter().filter(is_row).count() > ROWS
        || fences.count() > 1
        || lower.contains("\n\"\"\"")
        || lower.split_whitespace().any(|word| {
            word.len() > LONGEST_WORD && word.bytes().all(|byte| byte.is_ascii_graphic())
        })
}

fn is_table(lines: &[&str]) -> bool {
    let is_row = |line: &&&str| {
        line.matches('|').count() >= 2 && (line.starts_with('|') || line.ends_with('|'))
    };
    let is_rule = |line: &&str| {
        line.matches('-').count() >= 3
            && line.contains(['|', '+'])
            && line.chars().all(|c| "|-+: ".contains(c))
    };
    let is_tabbed = |line: &&&str| line.matches('\t').count() + 1 >= VALUES;
    lines.iter().filter(is_row).count() >= ROWS
        || lines.iter().any(is_rule)
        || lines.iter().filter(is_tabbed).count() > ROWS
}

/// Whether most lines are remarks: each begins with a speaker, who returns, or says little at a time.
fn is_dialogue(lines: &[&str]) -> bool {
    let prose = lines.iter().filter(|line| !scaffold::is_entry(line));
    let prose: Vec<&str> = prose.copied().collect();
    let remarks: Vec<(&str, &str)> = prose.iter().filter_map(|line| remark(line)).collect();
    let mut turns: HashMap<&str, usize> = HashMap::new();
    for (speaker, _) in &remarks {
        *turns.entry(speaker).or_default() += 1;
    }
    let said: usize = remarks.iter().map(|(_, said)| words::count(said)).sum();
    let returns = turns.values().any(|turns| *turns > 1);
    let is_brief = said < remarks.len() * REMARK_WORDS;
    let are_most = remarks.len() >= DIALOGUE_LINES && remarks.len() * 2 > prose.len();
    let timed = prose.iter().filter(|line| after_clock(line).is_some());
    are_most && (returns || is_brief) || timed.count() >= ROWS
}

/// The speaker at the beginning of a line and what they say.
fn remark(line: &str) -> Option<(&str, &str)> {
    let line = after_clock(line).unwrap_or(line);
    let (speaker, said) = line.split_once([':', '：'])?;
    let speaker = speaker.trim_matches(['*', '_', ' ', '[', ']']);
    let is_name = (1..=SPEAKER_WORDS).contains(&words::count(speaker))
        && !speaker.contains(sentence::is_stop)
        && !speaker.starts_with(char::is_lowercase)
        && said.chars().any(char::is_alphabetic)
        && !said.starts_with(|c: char| c.is_ascii_digit() || c == '/');
    is_name.then_some((speaker, said))
}

/// What follows the time at the beginning of a line, as in `[00:12:30] Dana`.
fn after_clock(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches(['[', '(', '*']);
    let clock = rest
        .bytes()
        .take_while(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.'));
    let (clock, rest) = rest.split_at(clock.count());
    let is_clock =
        clock.contains(':') && clock.len() >= 4 && clock.starts_with(|c: char| c.is_ascii_digit());
    let rest = rest.trim_start_matches([']', ')', '*', ' ', '-', '–']);
    (is_clock && rest.starts_with(char::is_alphabetic)).then_some(rest)
}

fn is_salad(answer: &str) -> bool {
    let all: Vec<&str> = answer.split_whitespace().collect();
    let chars = answer.chars().filter(|c| !c.is_whitespace());
    let (mut marks, mut count, mut broken) = (0, 0, 0);
    for c in chars {
        count += 1;
        marks += usize::from(!c.is_alphanumeric() && c.is_ascii() && !"'\".,;:()-?!%$".contains(c));
        broken += usize::from(c == char::REPLACEMENT_CHARACTER || c.is_control());
    }
    let is_glued = |word: &&&str| {
        let mut letters = word.chars().filter(|c| c.is_alphabetic());
        letters.next();
        let inner: Vec<char> = letters.collect();
        inner.iter().any(|c| c.is_lowercase()) && inner.iter().any(|c| c.is_uppercase())
    };
    let glued = all.iter().filter(is_glued).count();
    let mut pairs = all.windows(2);
    let repeated = pairs.by_ref().filter(
        |pair| matches!(pair, [a, b] if a.eq_ignore_ascii_case(b) && a.contains(char::is_alphabetic)),
    );
    let repeated = repeated.count();
    broken >= ROWS
        || marks * 100 > count * SYMBOL_PERCENT && count > SALAD_WORDS
        || all.len() >= SALAD_WORDS
            && (glued * 100 > all.len() * GLUED_PERCENT
                || repeated * 100 > all.len() * REPEATED_PERCENT)
        || longest_run(answer) > LONGEST_RUN
        || scripts(answer) >= SCRIPTS
}

/// The longest run of words without punctuation within a line. Thai and its neighbours have no punctuation.
fn longest_run(answer: &str) -> usize {
    let runs = answer.split(|c: char| c == '\n' || !c.is_alphanumeric() && !c.is_whitespace());
    let spaced = runs.filter(|run| !run.contains(words::is_unspaced));
    spaced
        .map(|run| run.split_whitespace().count())
        .max()
        .unwrap_or(0)
}

/// The number of scripts that have a share of the letters. Those of East Asia stand beside each other in one text.
fn scripts(answer: &str) -> usize {
    let mut letters: BTreeMap<Script, usize> = BTreeMap::new();
    for script in answer
        .chars()
        .flat_map(char::to_lowercase)
        .filter_map(Script::of)
    {
        let script = match script {
            Script::Kana | Script::Hangul => Script::Han,
            other => other,
        };
        *letters.entry(script).or_default() += 1;
    }
    let all: usize = letters.values().sum();
    let has_share = |count: &&usize| **count * 100 > all * SCRIPT_PERCENT;
    letters.values().filter(has_share).count()
}

#[cfg(test)]
mod tests;
