//! Measures how many megabytes of transcript per CPU second are decoded, read and cut into chunks, for
//! texts of several shapes, compared with text-splitter and a tokenizer. Then how long the built-in model takes for texts
//! that are hostile to it and to the readers.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "figures are for people"
)]

mod support;

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use support::{Claims, least_cpu, meetings, repeated};
use text_splitter::{ChunkConfig, ChunkSizer, TextSplitter};
use tiktoken::CoreBpe;
use transcript_summarizer::extract;
use transcript_summarizer::text::Tokens;
use transcript_summarizer::transcript::{Decoded, Decoder, Transcript};

const MB: usize = 1_000_000;

/// Chunk size in tokens: the default of `CHUNK_TOKENS`.
const BUDGET: usize = 6000;

/// Bytes per piece, as they arrive from S3.
const PIECE: usize = 64 << 10;

/// Limits that the benchmark enforces, in MB per CPU-second.
const LEAST_CHUNKING: f64 = 100.0;
const LEAST_READING: f64 = 80.0;
const LEAST_READING_CAPTIONS: f64 = 40.0;
const MOST_GROWTH: f64 = 11.0;
const MOST_SECONDS_FOR_HOSTILE_MB: f64 = 2.0;
const LEAST_TIMES_TEXT_SPLITTER: f64 = 30.0;

/// If splitting 10 MB would take longer than this many CPU seconds, the time is extrapolated from 1 MB.
const LONGEST_SPLIT: f64 = 75.0;

fn main() -> ExitCode {
    let meetings = meetings();
    let mut claims = Claims::default();
    println!("MB per CPU-second\n");
    println!(
        "{:22} {:>8} {:>8} {:>8} {:>14}",
        "20 MB of", "decoding", "reading", "chunks", "time 20 : 2 MB"
    );
    let mut steepest: f64 = 0.0;
    for (name, shape) in SHAPES {
        let text = shape(&meetings);
        let small = Times::of(&repeated(&text, 2 * MB), 15);
        let large = Times::of(&repeated(&text, 20 * MB), 9);
        let growth = large.all() / small.all();
        let speed = |seconds: f64| 20.0 / seconds;
        let (reading, chunks) = (speed(large.reading), speed(large.chunks));
        println!(
            "{name:22} {:8.0} {reading:8.0} {chunks:8.0} {growth:14.2}",
            speed(large.decoding),
        );
        if name == USUAL {
            claims.check(
                &format!("chunking {chunks:.0} MB of {name} (at least {LEAST_CHUNKING})"),
                chunks >= LEAST_CHUNKING,
            );
        }
        let least = match name {
            USUAL => LEAST_READING,
            CAPTIONS => LEAST_READING_CAPTIONS,
            _ => 0.0,
        };
        claims.check(
            &format!("reading {reading:.0} MB of {name} (at least {least})"),
            reading >= least,
        );
        steepest = steepest.max(growth);
    }
    println!();
    claims.check(
        &format!("20 MB of any shape take at most {steepest:.2} times as long as 2 MB (at most {MOST_GROWTH})"),
        steepest <= MOST_GROWTH,
    );
    println!();
    let (slowest, seconds) = slowest_hostile();
    claims.check(
        &format!("1 MB of {slowest:?} is read and summarized in {seconds:.2} s (at most {MOST_SECONDS_FOR_HOSTILE_MB})"),
        seconds <= MOST_SECONDS_FOR_HOSTILE_MB,
    );
    println!();
    let times = against_text_splitter(&meetings);
    claims.check(
        &format!("{times:.0} times text-splitter with tiktoken at 10 MB (at least {LEAST_TIMES_TEXT_SPLITTER})"),
        times >= LEAST_TIMES_TEXT_SPLITTER,
    );
    claims.verdict()
}

/// CPU seconds of each step.
struct Times {
    decoding: f64,
    reading: f64,
    chunks: f64,
}

impl Times {
    fn of(text: &str, runs: usize) -> Self {
        let patience = Duration::from_secs(6);
        let read = || Transcript::new(Decoded::from(text.to_owned())).unwrap();
        let passage = read().whole();
        Self {
            decoding: least_cpu(runs, patience, || decode(text)),
            reading: least_cpu(runs, patience, read),
            chunks: least_cpu(runs, patience, || passage.divide(Tokens(BUDGET), 1)),
        }
    }

    fn all(&self) -> f64 {
        self.reading + self.chunks
    }
}

fn decode(text: &str) -> String {
    let mut decoder = Decoder::default();
    for piece in text.as_bytes().chunks(PIECE) {
        decoder.push(piece).unwrap();
    }
    decoder.finish().unwrap().text
}

/// How many times as fast as text-splitter (with the tokenizer it bundles) the chunking is on 10 MB. text-splitter is slow,
/// so it runs on 1 MB first, and 10 MB may be extrapolated.
fn against_text_splitter(meetings: &str) -> f64 {
    let config = ChunkConfig::new(BUDGET);
    let usual = TextSplitter::new(config.with_sizer(tiktoken_rs::o200k_base().unwrap()));
    let fastest = Fastest(tiktoken::get_encoding("o200k_base").unwrap());
    let fastest = TextSplitter::new(ChunkConfig::new(BUDGET).with_sizer(fastest));
    compare("the fastest tokenizer", &fastest, meetings);
    compare("tiktoken", &usual, meetings)
}

fn compare(name: &str, splitter: &TextSplitter<impl ChunkSizer>, meetings: &str) -> f64 {
    let split = |text: &str| least_cpu(1, Duration::ZERO, || splitter.chunks(text).count());
    let [one, ten] = [1, 10].map(|size| repeated(meetings, size * MB));
    let theirs_one = split(&one);
    let (theirs, how) = if theirs_one * 10.0 > LONGEST_SPLIT {
        (theirs_one * 10.0, "reckoned from 1 MB")
    } else {
        (split(&ten), "measured")
    };
    let times = theirs / Times::of(&ten, 5).chunks;
    println!(
        "text-splitter with {name}: {:.2} MB per CPU-second at 10 MB ({how}), {:.2} at 1 MB: {times:.0} times as long",
        10.0 / theirs,
        1.0 / theirs_one,
    );
    times
}

/// A tokenizer optimized for speed, unlike `tiktoken_rs`.
struct Fastest(&'static CoreBpe);

impl ChunkSizer for Fastest {
    fn size(&self, chunk: &str) -> usize {
        self.0.count(chunk)
    }
}

/// The shape of ordinary transcripts.
const USUAL: &str = "meetings with turns";

type Shape = (&'static str, fn(&str) -> String);

const CAPTIONS: &str = "subtitles";

const SHAPES: [Shape; 4] = [
    (USUAL, str::to_owned),
    ("sentences, no newline", |text| text.replace('\n', " ")),
    ("Chinese", chinese),
    (CAPTIONS, subtitles),
];

/// One ideograph for every four letters, with full-width punctuation and unchanged turns.
fn chinese(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'\n' => written.push('\n'),
            b'.' => written.push('。'),
            b',' => written.push('，'),
            b':' => written.push('：'),
            _ if at % 4 == 0 => {
                let nth = (usize::from(byte) * 131 + at * 7) % 3000;
                written.extend(char::from_u32(0x4e00 + nth as u32));
            }
            _ => {}
        }
    }
    written
}

/// Subtitles of ten words each.
fn subtitles(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut written = String::with_capacity(text.len() * 2);
    for (nth, line) in words.chunks(10).enumerate() {
        let [hours, minutes, seconds] = [nth / 1200 % 100, nth / 20 % 60, nth * 3 % 60];
        let stamp = format!("{hours:02}:{minutes:02}:{seconds:02}");
        let _ = write!(
            written,
            "{}\n{stamp},000 --> {stamp},900\n{}\n\n",
            nth + 1,
            line.join(" ")
        );
    }
    written
}

/// Beginnings that choose a reader.
const BEGINNINGS: [&str; 7] = [
    "",
    "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n",
    "1\n00:00:01,000 --> 00:00:02,000\n",
    "<p>a<p>b<p>c",
    "<tt><p begin=\"1s\" end=\"2s\">so</p>",
    "[Script Info]\n",
    "{1}{2}so\n{2}{3}we\n",
];

/// Shapes that make a careless reader look at the same bytes many times.
#[rustfmt::skip]
const HOSTILE: [&str; 75] = [
    "00:00:01.000 --> 00:00:02.000\n", "\n", "1\n", "<v ", "<v a>", "a: ", "[", "[a] ", "<p begin=",
    "<p begin=\"1s\">", "<p ", "NOTE\n", "\"", ":", "&gt;", "<i>", ">> ", ">> a ", "{1}{2}", "{1}{2}a|\n",
    "Dialogue: ,", "\\N", "{\"a\":", "<ttm:name>", "<", "&", "\\ ", "> ", "*", "_", "(", "{\\", "![", "<i ", "<!--",
    "&amp;", "&amp;lt;", "[a](", "[a]:", "**a ", "*a", "*a*", ">", "\\*", "x", "\u{a0}", "我", "&lt;i", "[a](b.c",
    "*a [b", "* *", "x/", "é", "\u{200d}", "(a", "！", "1", "🙂", "e\u{301}", "a: a: a:", "a\n", "ก", "\x1b[31m",
    "a \u{8}", "<<b", "&amp;amp;", "Ann: so.\n", "140, ", "{\"text\": \"a\"}\n", "a. ", "one ", "<script>",
    "[0:01] a\n", "แต่งงาน", "အစည်းအဝေး",
];

/// The hostile text that takes longest, with its seconds of CPU time.
fn slowest_hostile() -> (String, f64) {
    let texts = HOSTILE.iter().flat_map(|shape| {
        BEGINNINGS.map(|beginning| format!("{beginning}{}", repeated(shape, MB)))
    });
    let mut slowest = (String::new(), 0.0);
    for text in texts.chain([numbers(",\n"), numbers(","), numbers(" ")]) {
        let seconds = least_cpu(1, Duration::ZERO, || {
            // Most of these texts are no transcripts.
            let transcript = Transcript::new(Decoded::from(text.clone())).ok()?;
            Some(extract::extract(&transcript.whole(), 4000))
        });
        if seconds > slowest.1 {
            slowest = (text.chars().take(60).collect(), seconds);
        }
    }
    slowest
}

/// Different numbers, as one word or as many.
fn numbers(separator: &str) -> String {
    let numbers = (0..140_000_u32).map(|nth| nth.wrapping_mul(2_654_435_761).to_string());
    let mut text = format!("[{}", numbers.collect::<Vec<_>>().join(separator));
    text.truncate(MB);
    text
}
