//! Work grows at most linearly with what is read, whatever its shape.
//!
//! Most parsers consist of searches in the standard library, which cannot be counted. So the processor time of the thread is
//! compared for two lengths of a text, one eight times the other: linear work takes eight times as long, quadratic work 64 times.
//! Neither other threads nor other programs count, and a shape fails only if it is above the bound in every one of many attempts.

use fastrand::Rng;
use rustix::time::{ClockId, clock_gettime};

use crate::extract;
use crate::summary::check::{self, Expected};
use crate::summary::{people, quotations};
use crate::transcript::Passage;

use super::*;

/// Length of the shorter text in bytes, also where there is more time, and how many times as long the other is.
const BYTES: usize = 2500;
const MORE_BYTES: usize = 20_000;
const TIMES: usize = 8;

/// Three times linear work.
const BOUND: f64 = 24.0;
const ATTEMPTS: usize = 12;

/// What endpoints say: `№` is the number of the repetition.
#[rustfmt::skip]
const WIRE: [&str; 36] = [
    " ", "\n", "\r", "\t", "a ", "№ ", "word№, ", "é", "1,", "1", "{", "[", "{\"", "\"", "\\", "\\\"", "'", "<", "<p>",
    "</p>", "<title>", "data: ", "data: {}\n\n", "data:\n", ": ping\n\n", "{\"error\":\"", "{\"error\":{\"message\":",
    "'message': '", "maximum context length is ", "1 input tokens ", "given: ", "request (", "resulted in ",
    "exceed context limit:", "try again in 1m ", "\u{feff}",
];

/// What models write.
#[rustfmt::skip]
const PROSE: [&str; 88] = [
    " ", "{\"", "word ", "[00:00", "It is so. <think>a</think>", "\n", "a ", "a\n", "é", "京", "\u{301}", "\u{200b}", ".", ". ", "? ", "a. ", "a?", "J.", "J. ", "U.S. ", "1. ",
    "J.東.京.", "http://a?", "ab, ", "\"a. ", "“A b c. ", "'a. ", "(a. ", "a: b. ", "A: b\n", "№ ", "w№. ",
    "Word№ is here. ", "Name№ Lee№ said so. ", "1 000 ", "twenty ", "and a half ", "L_C_", "A B ", "because we go on, ",
    "我们开会", "我们开会。", "ประชุม", "#\n", "# a\n", "## №. a\n\nb.\n\n", "### №\n\na. b.\n\n", "- \n", "- a\n", "a:\n- b\n",
    "**", "**a**\n", "```\n", "> ", "|", "| a | b |\n", "<", "[", "<think></think>", "<think>a.</think>", "<think>",
    "</think>", "a<think>", "a. <think>b</think>", "◁", "<|im_end|>", "<|im_end|>a", "<|a№|>", "<|", "<|channel|>",
    "<|channel|>final<|message|>", "<|channel|>final<|message|>a", "final", "\nassistant\nfinal", "assistantfinal", "</s>",
    "[1]", "TOPIC: a [1]\n", "TOPIC: №, № | 3 | a\n", "PERSON: Ana№ | chair | Ana\n", "TERM: a№ | b\n",
    "ACTION: Dana | to wait № | | [1]\n", "FIND: also\nREPLACE: b\n", "FIND: ", "FLAG: a\n",
    "WRONG: a№\nSAID: b\nRIGHT: c\n", "User: a\n", "Here is a section:\n",
];

/// What people say, and formats around it.
#[rustfmt::skip]
const SPOKEN: [&str; 52] = [
    " ", "\n", "\r", "a ", "a", "é", "京", "\u{301}", "\u{feff}", "\u{8}", ".", ". ", "a. ", "J. ", "J.東.京.", "'a. ", "№ ",
    "w№. ", "Word№ is here. ", "Speaker №: hi there.\n", "Ada Holt: yes.\n", "A: b\n", "a: ", "Ada Holt\n", "0:01\n",
    "[0:01] a\n", "[00:", "(0:01 ", "<v A№>a", "<v ", "<", "&amp;", "&", "<p", "<!--", "</", "WEBVTT\n\n",
    "№\n00:00:01,000 --> 00:00:02,000\na\n\n", "00:00:01,000 --> 00:00:02,000\na\n", "a,b\n", "\"\"", "{\"text\":\"",
    "{\"a\":", "[", "|", "ประชุม", "我们开会", "because ", "we'll ask him to do it by Friday. ", "Page №\n\n", "Thank you. ",
    "um, ",
];

/// Reads a text.
type Parser = (&'static str, &'static [&'static str], fn(&str));

const PARSERS: [Parser; 25] = [
    ("a stream, byte by byte", &WIRE, |text| {
        let mut reader = Reader::new(Completion);
        let _ = text
            .as_bytes()
            .chunks(1)
            .find(|byte| !matches!(reader.push(byte), Ok(false)));
        let _ = reader.finish(MAX_TOKENS);
    }),
    ("a stream of texts", &PROSE, |text| {
        let mut reader = Reader::new(Completion);
        let pieces = text.as_bytes().chunks(30).map(String::from_utf8_lossy);
        let mut events =
            pieces.map(|piece| serde_json::json!({"choices": [{"delta": {"content": piece}}]}));
        let _ = events.find(|event| {
            !matches!(
                reader.push(format!("data: {event}\n\n").as_bytes()),
                Ok(false)
            )
        });
        let _ = reader.finish(MAX_TOKENS);
    }),
    ("an error", &WIRE, |text| {
        shown(&Failure::InBand(ErrorText::from_text(text)));
    }),
    ("a list of errors", &WIRE, |text| {
        let items: Vec<&str> = text.split_inclusive([' ', '\n', '.']).collect();
        shown(&Failure::InBand(ErrorText::from_value(
            &serde_json::json!({ "errors": items }),
        )));
    }),
    ("an error in errors", &WIRE, |text| {
        let nested = (0..3).fold(
            serde_json::json!(text),
            |inner, _| serde_json::json!({ "error": inner.to_string() }),
        );
        shown(&Failure::InBand(ErrorText::from_value(&nested)));
    }),
    ("an output", &WIRE, |text| {
        drop(output::read(
            &serde_json::json!([{ "output": text }]),
            MAX_TOKENS,
        ))
    }),
    ("an event", &WIRE, |text| {
        event(serde_json::json!({ "Records": [{ "eventSource": "aws:sqs", "messageId": "m", "body": text }] }).to_string().as_bytes());
    }),
    ("a text with marks", &PROSE, |text| {
        drop(template::strip(text))
    }),
    ("a section", &PROSE, |text| drop(Told::of_section(text))),
    ("entries", &PROSE, |text| drop(Told::of_entries(text))),
    ("sections", &PROSE, |text| drop(told::sections(text, 1..4))),
    ("sentences", &PROSE, |text| drop(without_repetitions(text))),
    ("a text that is too long", &PROSE, |text| {
        let words = words::count(text);
        fit_length::shorten(text, words - words / 10);
    }),
    ("an outline", &PROSE, |text| {
        Outline::read(
            &format!("{text}\nOPEN: {text}"),
            &Numbered::turns(&TRANSCRIPT, Tokens(9000)),
            Comparable::Words,
        );
    }),
    ("edits", &PROSE, |text| {
        let mut texts = TEXTS.map(str::to_owned);
        let mut all: Vec<&mut String> = texts.iter_mut().collect();
        edits::apply(&mut all, &["Depot: late"], &edits::read(text).edits);
    }),
    ("an edited text", &PROSE, |text| {
        let answer = edits::read("FIND: and the members asked\nREPLACE: and they asked\n");
        edits::apply(
            &mut [&mut format!("{} {text}", TEXTS[0])],
            &["Depot: late"],
            &answer.edits,
        );
    }),
    ("quotations", &PROSE, |text| {
        drop(quotations::checked(text, SAID))
    }),
    ("an answer that is checked", &PROSE, |text| {
        let expected = Expected {
            words: 300,
            source: SAID,
            notes: "",
            instructions: "Write about 300 words.",
            fence: "0a1b2c",
            language: None,
        };
        drop(check::check(text, None, &expected));
    }),
    ("a file", &SPOKEN, |text| {
        drop(decoded(text.as_bytes().chunks(7)))
    }),
    ("a transcript", &SPOKEN, |text| {
        drop(Transcript::new(Decoded::from(text.to_owned())))
    }),
    ("an extract", &SPOKEN, |text| {
        drop(extract::extract(&Passage::of_text(text), 100))
    }),
    ("a title", &SPOKEN, |text| {
        let passage = Passage::of_text(text);
        let _ = (extract::subject(&passage), extract::speakers(&passage));
    }),
    ("cues", &SPOKEN, |text| {
        drop(extract::cues(&Passage::of_text(text)))
    }),
    ("what an outline is about", &SPOKEN, |text| {
        let numbered = Numbered::turns(&Transcript::verbatim(text.to_owned()), Tokens(30_000));
        let answer =
            "PERSON: Ana | chair | Ana\nTOPIC: 1 | 3 | Depot\nDECIDED: the depot is late [1]\n";
        drop((
            numbered.text(),
            Outline::read(answer, &numbered, Comparable::Words),
        ));
    }),
    ("labels", &SPOKEN, |text| {
        let segments = Transcript::verbatim(text.to_owned()).segments;
        let renamings = people::renamings(&segments, &Outline::default(), "Speaker");
        people::renamed(SAID, &renamings);
    }),
];

/// Texts of one shape.
struct Shape {
    before: String,
    unit: String,
    after: String,
}

impl Shape {
    fn of(unit: &str) -> Self {
        Self {
            before: String::new(),
            unit: unit.to_owned(),
            after: String::new(),
        }
    }

    fn generated(units: &[&str], rng: &mut Rng) -> Self {
        let mut some = |most| -> String {
            let units = (0..rng.usize(0..=most)).map(|_| *rng.choice(units).unwrap());
            units.collect()
        };
        Self {
            before: some(2),
            unit: some(3) + units[0],
            after: some(2),
        }
    }
}

/// A text of a shape. `№` is the number of the repetition.
fn text(before: &str, unit: &str, after: &str, bytes: usize) -> String {
    let mut text = before.to_owned();
    for number in 1.. {
        if text.len() >= bytes {
            break;
        }
        text.push_str(&unit.replace('№', &number.to_string()));
    }
    text + after
}

/// Seconds of processor time.
fn seconds(run: impl FnOnce()) -> f64 {
    let now = || {
        let now = clock_gettime(ClockId::ThreadCPUTime);
        now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
    };
    let began = now();
    run();
    now() - began
}

/// How many times as long the longer text takes.
fn growth(read: fn(&str), texts: [String; 2]) -> f64 {
    let mut least = [f64::MAX; 2];
    for _ in 0..ATTEMPTS {
        for (text, least) in texts.iter().zip(&mut least) {
            *least = least.min(seconds(|| read(text)));
        }
        if least[1] <= least[0] * BOUND {
            break;
        }
    }
    least[1] / least[0]
}

/// With `FUZZ_SHAPES` in the environment, for so many more shapes that are put together at random, and for longer texts.
#[test]
fn work_grows_no_faster_than_what_is_read() {
    let wished = std::env::var("FUZZ_SHAPES").ok();
    let (count, bytes) = match wished {
        Some(count) => (count.parse().unwrap(), MORE_BYTES),
        None => (0, BYTES),
    };
    let mut rng = Rng::new();
    let mut failed = Vec::new();
    for (name, units, read) in PARSERS {
        let listed = units.iter().map(|unit| Shape::of(unit));
        let generated = (0..count).map(|_| Shape::generated(units, &mut rng));
        let all: Vec<Shape> = listed.chain(generated).collect();
        for Shape {
            before,
            unit,
            after,
        } in &all
        {
            let text = |bytes| text(before, unit, after, bytes);
            let found = growth(read, [text(bytes), text(TIMES * bytes)]);
            if found > BOUND {
                failed.push(format!("{name}: {before:?}, {unit:?} again and again, {after:?}: {found:.0} times the time"));
                println!("{}", failed[failed.len() - 1]);
            }
        }
    }
    assert!(
        failed.is_empty(),
        "of {TIMES} times the length:\n{}",
        failed.join("\n")
    );
}
