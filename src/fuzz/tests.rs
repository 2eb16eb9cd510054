//! The targets over their corpus and over mutations of it, and how their work grows.

mod growth;

use std::fs;
use std::path::Path;

use fastrand::Rng;

use super::*;

/// Mutations of each target's corpus. A minute of libFuzzer makes a thousand times as many.
const MUTATIONS: usize = 150;

/// What mutations put in: what means something in one of the formats.
#[rustfmt::skip]
const TOKENS: [&str; 40] = [
    "\n", "\r\n\r\n", "data: ", "[DONE]", "{\"", "\":", "\"}", "[", "]", "null", "\\ud83d", "\\u0000", "1e999", "-1",
    "<think>", "</think>", "<|channel|>", "final", "<|message|>", "<|im_end|>", "[INST]", "## 1. ", "### ", "- ", "```\n",
    "Dana: ", "[00:00:01] ", "00:00:01,000 --> 00:00:02,000\n", "WEBVTT\n\n", "<v Ana>", "&amp;", "speaker,text\n",
    "PERSON: Ana | chair | Ana [1]\n", "FIND: ", "REPLACE: ", "京。", "\u{301}", "\u{202e}", "\u{0}", "\u{fffd}",
];

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let files = fs::read_dir(folder.join(target)).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{target} has no corpus");
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// One of `corpus`, changed in some places.
fn mutated(corpus: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let mut data = rng.choice(corpus).unwrap().clone();
    for _ in 0..rng.usize(1..6) {
        let at = rng.usize(0..=data.len());
        let end = (at + rng.usize(0..20)).min(data.len());
        match rng.usize(0..7) {
            0 => drop(data.splice(at..at, rng.choice(TOKENS).unwrap().bytes())),
            1 => drop(data.drain(at..end)),
            2 => data.truncate(at.max(1)),
            3 => {
                let piece = data[at..end].repeat(rng.usize(1..5));
                data.splice(at..at, piece);
            }
            4 => {
                let other = rng.choice(corpus).unwrap();
                let from = rng.usize(0..=other.len());
                data.splice(at..end, other[from..].iter().copied());
            }
            5 => data.insert(at, rng.u8(..)),
            _ => {
                if let Some(byte) = data.get_mut(at) {
                    *byte ^= 1 << rng.u8(0..8);
                }
            }
        }
        data.truncate(4000);
    }
    data
}

/// Runs a target over an input, and tells which it was if it fails.
fn run(name: &str, target: fn(&[u8]), data: &[u8]) {
    if std::panic::catch_unwind(|| target(data)).is_err() {
        let file = std::env::temp_dir().join(format!("fuzz-{name}"));
        fs::write(&file, data).unwrap();
        panic!(
            "{name} fails over {}: move it into its corpus",
            file.display()
        );
    }
}

/// With `FUZZ_MUTATIONS` in the environment, over so many mutations, from another seed each time; with `FUZZ_TARGET`, only that.
#[test]
fn what_comes_from_outside_does_no_harm() {
    let wished = std::env::var("FUZZ_MUTATIONS").ok();
    let wished = wished.map(|count| count.parse().unwrap());
    let mut rng = match wished {
        Some(_) => Rng::new(),
        None => Rng::with_seed(18),
    };
    for (name, target) in TARGETS {
        if std::env::var("FUZZ_TARGET").is_ok_and(|only| only != name) {
            continue;
        }
        let corpus = corpus(name);
        for data in &corpus {
            run(name, target, data);
        }
        for _ in 0..wished.unwrap_or(MUTATIONS) {
            run(name, target, &mutated(&corpus, &mut rng));
        }
    }
}
