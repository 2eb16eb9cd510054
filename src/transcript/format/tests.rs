//! The same conversation in the formats of many tools, and other files that people upload.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::*;
use crate::extract::extract;
use crate::text::{Span, sentence, tokens};
use crate::transcript::{Decoder, Transcript};

thread_local! {
    /// Bytes that scans on this thread have looked at.
    static LOOKED_AT: Cell<usize> = const { Cell::new(0) };
}

pub(super) fn looked_at(bytes: usize) {
    LOOKED_AT.set(LOOKED_AT.get() + bytes);
}

/// The bytes that `run` looks at.
pub(super) fn work(run: impl FnOnce()) -> usize {
    let before = LOOKED_AT.get();
    run();
    LOOKED_AT.get() - before
}

/// One turn of a conversation. Times are in milliseconds.
struct Turn {
    name: &'static str,
    from: i64,
    until: i64,
    sentences: Vec<String>,
}

impl Turn {
    fn text(&self) -> String {
        self.sentences.join(" ")
    }

    /// The turn as captions of at most seven words, with their times.
    fn captions(&self) -> Vec<(i64, i64, String)> {
        let text = self.text();
        let words: Vec<&str> = text.split(' ').collect();
        let count = words.len().div_ceil(7) as i64;
        let at = |nth: i64| self.from + (self.until - self.from) * nth / count;
        let lines = words.chunks(7).zip(0..);
        lines
            .map(|(line, nth)| (at(nth), at(nth + 1), line.join(" ")))
            .collect()
    }
}

const NAMES: [&str; 3] = ["Ruth Alder", "Ben Okafor", "Mira Sol"];

const SENTENCES: [&str; 16] = [
    "The pump house at {place} needs {n} new valves before the frost comes.",
    "I walked the whole length of the dyke with the engineer on the {n}th of May.",
    "Nobody has told the tenants in {place} that their rent goes up by {n} euros.",
    "We should ask the province for {n} thousand euros and pay the rest ourselves.",
    "Is it true that the ferry to {place} was late on {n} days out of sixty?",
    "My own view is that {n} volunteers are plenty for the spring fair!",
    "The bakery in {place} sold {n} loaves on the first morning alone.",
    "If the school keeps {n} pupils it will not have to close this year.",
    "Let us put off the vote on the {place} quarry until we have read all {n} letters.",
    "The old lighthouse costs us {n} euros a week in paint and lamp oil.",
    "She counted {n} herons between {place} and the weir.",
    "It took the plumber {n} minutes to find the leak behind the wall.",
    "Our library lent {n} books to readers from {place} last quarter.",
    "The orchard needs a fence of {n} metres against the deer.",
    "There were {n} complaints about the noise from the {place} sawmill.",
    "Then we agree that the bus to {place} leaves at a quarter past and carries {n} people.",
];

const PLACES: [&str; 7] = [
    "Aldmoor", "Fenwick", "Grimsey", "Holt", "Kesteren", "Lowick", "Tarn End",
];

/// A conversation of about `words` words.
fn conversation(words: usize) -> Vec<Turn> {
    let (mut turns, mut said, mut nth, mut from) = (Vec::new(), 0, 0, 3_000);
    while said < words {
        let count = [3, 1, 5, 2, 4][turns.len() % 5];
        let sentences: Vec<String> = (nth..nth + count)
            .map(|nth: usize| {
                let place = PLACES[nth * 5 % 7];
                SENTENCES[nth * 7 % 16]
                    .replace("{place}", place)
                    .replace("{n}", &(nth % 389 + 11).to_string())
            })
            .collect();
        nth += count;
        let spoken: usize = sentences
            .iter()
            .map(|sentence| words::count(sentence))
            .sum();
        let until = from + spoken as i64 * 400;
        turns.push(Turn {
            name: NAMES[turns.len() * 2 % 3],
            from,
            until,
            sentences,
        });
        (said, from) = (said + spoken, until + 600);
    }
    turns
}

fn clock(millis: i64, separator: char) -> String {
    let (seconds, rest) = (millis / 1000, millis % 1000);
    format!(
        "{:02}:{:02}:{:02}{separator}{rest:03}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// Hours, minutes and seconds.
fn hms(millis: i64) -> String {
    clock(millis, '.').split_once('.').unwrap().0.to_owned()
}

/// Minutes and seconds.
fn ms(millis: i64) -> String {
    format!("{}:{:02}", millis / 60_000, millis / 1000 % 60)
}

/// Writes each turn as `write` does.
fn turns(conversation: &[Turn], mut write: impl FnMut(&Turn, &mut String)) -> String {
    let mut text = String::new();
    for turn in conversation {
        write(turn, &mut text);
    }
    text
}

/// Writes each caption of each turn as `write` does.
fn captions(
    conversation: &[Turn],
    mut write: impl FnMut(&Turn, (i64, i64, &str), &mut String),
) -> String {
    turns(conversation, |turn, text| {
        for (from, until, line) in turn.captions() {
            write(turn, (from, until, &line), text);
        }
    })
}

fn speaker_number(turn: &Turn) -> usize {
    NAMES.iter().position(|name| *name == turn.name).unwrap()
}

/// What a format keeps of a conversation.
#[derive(Clone, Copy, PartialEq)]
enum Keeps {
    /// Names and times.
    All,
    Names,
    /// Speakers as numbers, and times.
    Numbers,
    Times,
}

/// A format: its name, the name in the report, what it keeps, and how it writes a conversation.
type Format = (&'static str, &'static str, Keeps, fn(&[Turn]) -> String);

const FORMATS: &[Format] = &[
    ("time and name", "plain", Keeps::All, |all| {
        turns(all, |turn, text| {
            writeln!(text, "[{}] {}: {}", hms(turn.from), turn.name, turn.text()).unwrap()
        })
    }),
    ("name", "plain", Keeps::Names, |all| {
        turns(all, |turn, text| {
            writeln!(text, "{}: {}", turn.name, turn.text()).unwrap()
        })
    }),
    (
        "name and time on a line of their own",
        "plain",
        Keeps::All,
        |all| {
            turns(all, |turn, text| {
                writeln!(text, "{}  {}\n{}\n", turn.name, ms(turn.from), turn.text()).unwrap()
            })
        },
    ),
    ("wrapped lines under names", "plain", Keeps::Names, |all| {
        turns(all, |turn, text| {
            let labelled = format!("{}: {}", turn.name.to_uppercase(), turn.text());
            let mut column = 0;
            for word in labelled.split(' ') {
                if column + word.len() >= 64 {
                    text.push('\n');
                    column = 0;
                } else if column > 0 {
                    text.push(' ');
                }
                text.push_str(word);
                column += word.len() + 1;
            }
            text.push_str("\n\n");
        })
    }),
    (
        "WebVTT with names, as Zoom writes it",
        "webvtt",
        Keeps::All,
        |all| {
            let mut number = 0;
            let cues = captions(all, |turn, (from, until, line), text| {
                number += 1;
                writeln!(
                    text,
                    "{number}\n{} --> {}\n{}: {line}\n",
                    clock(from, '.'),
                    clock(until, '.'),
                    turn.name
                )
                .unwrap();
            });
            format!("WEBVTT\n\n{cues}")
        },
    ),
    (
        "WebVTT with voices, as Teams writes it",
        "webvtt",
        Keeps::All,
        |all| {
            let cues = captions(all, |turn, (from, until, line), text| {
                let (a, b) = line.split_at(line.find(' ').unwrap_or(0));
                writeln!(
                    text,
                    "3f1c-{from}/12-0\n{} --> {}\n<v {}>{a}\n{}</v>\n",
                    clock(from, '.'),
                    clock(until, '.'),
                    turn.name,
                    b.trim()
                )
                .unwrap();
            });
            format!("WEBVTT\n\n{cues}")
        },
    ),
    ("SubRip", "subrip", Keeps::Times, |all| {
        let mut number = 0;
        captions(all, |_, (from, until, line), text| {
            number += 1;
            writeln!(
                text,
                "{number}\r\n{} --> {}\r\n<i>{line}</i>\r\n\r",
                clock(from, ','),
                clock(until, ',')
            )
            .unwrap();
        })
    }),
    (
        "rolling captions, as YouTube writes them",
        "webvtt",
        Keeps::Times,
        |all| {
            let mut before = String::from(" ");
            let cues = captions(all, |_, (from, until, line), text| {
                let tagged: Vec<String> = line
                    .split(' ')
                    .enumerate()
                    .map(|(nth, word)| match nth {
                        0 => word.to_owned(),
                        _ => format!("<{}><c> {word}</c>", clock(from + nth as i64 * 100, '.')),
                    })
                    .collect();
                let end = clock(until - 10, '.');
                writeln!(
                text,
                "{} --> {end} align:start position:0%\n{before}\n{}\n\n{end} --> {} align:start position:0%\n{line}\n \n",
                clock(from, '.'),
                tagged.concat(),
                clock(until, '.')
            )
            .unwrap();
                before = line.to_owned();
            });
            format!("WEBVTT\nKind: captions\nLanguage: en\n\n{cues}")
        },
    ),
    (
        "lines in brackets, as Whisper writes them",
        "bracketed",
        Keeps::Times,
        |all| {
            captions(all, |_, (from, until, line), text| {
                writeln!(
                    text,
                    "[{} --> {}]   {line}",
                    clock(from, '.'),
                    clock(until, '.')
                )
                .unwrap();
            })
        },
    ),
    (
        "JSON of Amazon Transcribe",
        "amazon-transcribe",
        Keeps::Numbers,
        |all| {
            let mut items = Vec::new();
            let segments: Vec<_> = all
            .iter()
            .enumerate()
            .map(|(id, turn)| {
                for word in turn.text().split(' ') {
                    items.push(serde_json::json!({"type": "pronunciation", "start_time": "1.0", "end_time": "1.1",
                        "speaker_label": "spk_0", "alternatives": [{"confidence": "0.97", "content": word}]}));
                }
                serde_json::json!({"id": id, "transcript": turn.text(), "start_time": format!("{:.2}", turn.from as f64 / 1e3),
                    "end_time": format!("{:.2}", turn.until as f64 / 1e3), "speaker_label": format!("spk_{}", speaker_number(turn))})
            })
            .collect();
            let whole: Vec<String> = all.iter().map(Turn::text).collect();
            serde_json::json!({"jobName": "a", "status": "COMPLETED", "results": {"transcripts": [{"transcript": whole.join(" ")}],
            "items": items, "audio_segments": segments, "language_code": "en-GB"}})
        .to_string()
        },
    ),
    ("JSON of WhisperX", "whisper", Keeps::Numbers, |all| {
        let segments: Vec<_> = all
            .iter()
            .flat_map(|turn| {
                let speaker = format!("SPEAKER_{:02}", speaker_number(turn));
                turn.captions().into_iter().map(move |(from, until, line)| {
                    serde_json::json!({"start": from as f64 / 1e3, "end": until as f64 / 1e3, "text": format!(" {line}"), "speaker": speaker})
                })
            })
            .collect();
        serde_json::to_string_pretty(&serde_json::json!({"segments": segments, "language": "en"}))
            .unwrap()
    }),
    ("CSV", "csv", Keeps::All, |all| {
        let rows = turns(all, |turn, text| {
            writeln!(
                text,
                "{},{},\"{}\"",
                hms(turn.from),
                turn.name,
                turn.text().replace('"', "\"\"")
            )
            .unwrap();
        });
        format!("Time,Speaker,Text\n{rows}")
    }),
    ("HTML", "html", Keeps::All, |all| {
        let body = turns(all, |turn, text| {
            writeln!(
                text,
                "<p><b>{}</b> <span>{}</span><br>{}</p>",
                turn.name,
                hms(turn.from),
                turn.text()
            )
            .unwrap();
        });
        format!(
            "<!DOCTYPE html>\n<html><head><title>Meeting</title><style>p {{ margin: 0 }}</style></head>\n<body>\n{body}</body></html>\n"
        )
    }),
];

fn transcript(source: &[u8]) -> Transcript {
    let mut decoder = Decoder::default();
    decoder.push(source).unwrap();
    Transcript::new(decoder.finish().unwrap()).unwrap()
}

/// Speaker, start and spoken text of each segment.
fn said(transcript: &Transcript) -> Vec<(Option<&str>, Option<String>, &str)> {
    let segments = &transcript.segments;
    let all = segments.starting_in(0..transcript.text().len()).iter();
    all.map(|segment| {
        let body = segment.body().of(transcript.text()).trim();
        let from = segment.from().map(|from| from.to_string());
        (segments.name(segment.speaker), from, body)
    })
    .collect()
}

/// The words of each speaker, in order.
fn by_speaker(transcript: &Transcript) -> BTreeMap<String, String> {
    let mut words = BTreeMap::<String, String>::new();
    for (name, _, body) in said(transcript) {
        let all = words.entry(name.unwrap_or("?").to_lowercase()).or_default();
        for word in body.split_whitespace() {
            write!(all, "{word} ").unwrap();
        }
    }
    words
}

#[test]
fn every_format_says_the_same() {
    let conversation = conversation(10_000);
    let words: usize = conversation
        .iter()
        .map(|turn| words::count(&turn.text()))
        .sum();
    for (format, name, keeps, write) in FORMATS {
        let source = write(&conversation);
        let transcript = transcript(source.as_bytes());
        assert_eq!(&transcript.spoken.format, name, "{format}");
        let off = transcript.spoken.words.abs_diff(words);
        assert!(
            off * 100 <= words,
            "{format}: {} words of {words}",
            transcript.spoken.words
        );
        let mut expected = BTreeMap::<String, String>::new();
        let mut plain = String::new();
        for turn in &conversation {
            let name = match keeps {
                Keeps::All | Keeps::Names => turn.name.to_owned(),
                Keeps::Numbers if *name == "whisper" => {
                    format!("SPEAKER_{:02}", speaker_number(turn))
                }
                Keeps::Numbers => format!("spk_{}", speaker_number(turn)),
                Keeps::Times => "?".to_owned(),
            };
            match keeps {
                Keeps::Times => writeln!(plain, "{}", turn.text()).unwrap(),
                _ => writeln!(plain, "{name}: {}", turn.text()).unwrap(),
            }
            write!(
                expected.entry(name.to_lowercase()).or_default(),
                "{} ",
                turn.text()
            )
            .unwrap();
        }
        let share =
            tokens::estimate(transcript.text()).0 as f64 / tokens::estimate(&plain).0 as f64;
        assert!(
            (0.9..=1.1).contains(&share),
            "{format}: {share} of the tokens of plain text"
        );
        assert_eq!(by_speaker(&transcript), expected, "{format}");
        if *keeps != Keeps::Names {
            let (from, until) = transcript.whole().time_span().unwrap();
            let last = conversation.last().unwrap();
            assert_eq!(from.millis() / 1000, 3, "{format}");
            let until = i64::from(until.millis());
            assert!(
                (last.from / 1000 * 1000..=last.until + 1000).contains(&until),
                "{format}: {until}"
            );
        }
        assert_words_have_their_bytes(format, &source, &transcript);
        assert_whole_sentences(format, &conversation, &transcript);
    }
}

/// The text, its segments and warnings, and the source offsets of some of its bytes, if the format is read in blocks of `size` bytes.
fn read_in(size: usize, source: &str) -> (String, String, Vec<u64>) {
    let (spoken, segments) = read_in_blocks(Decoded::from(source.to_owned()), size).unwrap();
    let text = &spoken.text;
    let words = text.match_indices(' ').step_by(7);
    let offsets = words.map(|(at, _)| spoken.source_map.source_offset(text, at + 1));
    let offsets = offsets.collect();
    let known = format!("{segments:?} {:?}", spoken.warnings);
    (spoken.text, known, offsets)
}

#[test]
fn what_is_read_in_blocks_is_what_is_read_at_once() {
    let conversation = conversation(1_500);
    let by_lines = [
        "plain",
        "webvtt",
        "subrip",
        "sbv",
        "bracketed",
        "lrc",
        "timed-lines",
    ];
    for (format, name, _, write) in FORMATS {
        let source = write(&conversation);
        let whole = read_in(usize::MAX, &source);
        // Blocks of lines are longer, since captions do not continue from one to the next.
        let sizes = if by_lines.contains(name) {
            &[8_000][..]
        } else {
            &[9, 100, 1_000]
        };
        for &size in sizes {
            assert_eq!(
                read_in(size, &source),
                whole,
                "{format} in blocks of {size}"
            );
        }
    }
    let captions = "1\n00:00:01,000 --> 00:00:02,000\nAna: We met.\n\n".repeat(20)
        + "2\n00:00:0x,000 --> 00:00:04,000\nBo: Yes.\n\n";
    for size in [500, 800] {
        assert_eq!(read_in(size, &captions), read_in(usize::MAX, &captions));
    }
    let bare =
        r#"{"text": "Ana: We \ud83d\ude42 caf\u00e9 \"met\".\nBo: Yes, we did.\n", "id": 1}"#;
    let quoted = "speaker,text\nAna,\"We met,\n\"\"all\"\" of us.\"\nBo,\"never closed\nAna,\"Yes.\"\nBo,No\n";
    let page = "<html><body><p title='a > b'>Ana: We &amp; they.</p><script>if (a < b) { x = '<p>' }</script><!-- <p> --><p>Bo: Caf&eacute; < bar</body></html>";
    let words = r#"{"results": {"channel_labels": {"channels": [{"items": [{"start_time": "1.0", "alternatives": [{"content": "Yes"}]}, {"start_time": "1.5", "alternatives": [{"content": "Ana"}]}]}, {"items": [{"start_time": "0.1", "alternatives": [{"content": "Bo?"}]}]}]}}}"#;
    let pages = [
        "<html><head><title>T<body><p>Ana: We met.<!-- never <br>closed<!-- c --><p>Bo: Yes.<style>p {}<p>Ana: No.",
        "<html><script>a('<param>');\n<body><p>Ana: We met.</p><script>b()</script><p>Bo: Yes.<!-- never closed",
        "<html><p>Ana: We met.<style>/* <param> */</style><script>;<headers>;</script><p>Bo: Yes.",
    ];
    let [ana, bo] = [
        r#"{"speaker": "Ana", "text": "The bridge opens in May."}"#,
        r#"{"speaker": "Bo", "text": "Who pays for it?"}"#,
    ];
    let records = format!("{ana}\n{bo}\nERROR lost\n{ana}\n{{\"speaker\": \n{bo}\n{bo}\n{ana}\n");
    let answers = format!("{{\"turns\": [{ana}, {bo}]}}\nERROR\n{{\"turns\": [{bo}, {ana}]}}\n");
    let logged = format!("09:30 INFO written\n[{ana},\n{bo}]\nupload finished\n");
    let logged_lines = format!("09:30 INFO written\n{ana}\n{bo}\n");
    let bare_logged = format!("INFO written\n{bare}\nfinished\n");
    let inserted = format!(
        "{{\"id\": 1}}\n\n{}\n{{\"id\": 2}}\n",
        "Ana: We met at the café.\nBo: Yes.\n".repeat(5)
    );
    let json = [&records, &answers, &logged, &logged_lines, &bare_logged];
    let small = [bare, quoted, page, words, &inserted].into_iter();
    for source in small.chain(pages).chain(json.map(String::as_str)) {
        for size in 1..60 {
            assert_eq!(
                read_in(size, source),
                read_in(usize::MAX, source),
                "{source} in blocks of {size}"
            );
        }
    }
}

#[test]
fn a_long_line_is_read_in_blocks() {
    // Everything on one line, as some exports are.
    let line =
        "Ana: We met and talked about the mill. Bo: Yes, we did, and about the weir. ".repeat(100);
    let whole = read_in(usize::MAX, &line);
    for size in [50, 333] {
        assert_eq!(read_in(size, &line), whole, "blocks of {size}");
    }
}

fn assert_words_have_their_bytes(format: &str, source: &str, transcript: &Transcript) {
    let text = transcript.text();
    let segments = transcript.segments.starting_in(0..text.len()).iter();
    for body in segments.map(|segment| segment.body()) {
        let Some(digit) = body.of(text).find(|c: char| c.is_ascii_digit()) else {
            continue;
        };
        let at = body.start + digit;
        let bytes = transcript.source_bytes(Span::from(at..at + 2));
        let start = usize::try_from(bytes.start).unwrap();
        assert!(
            source[start..].starts_with(&text[at..at + 2]),
            "{format}: {:?} at byte {start}",
            &text[at..at + 2]
        );
    }
}

/// Of the sentences in the extractive summary, at least 95 % are sentences that were said.
fn assert_whole_sentences(format: &str, conversation: &[Turn], transcript: &Transcript) {
    let all: Vec<&String> = conversation
        .iter()
        .flat_map(|turn| &turn.sentences)
        .collect();
    let summary = extract(&transcript.whole(), 1000);
    let sentences = sentence::sentences(&summary);
    let is_whole = |sentence: &&Span| {
        let sentence = sentence.of(&summary);
        let sentence = NAMES.iter().fold(sentence, |sentence, name| {
            let label = sentence
                .get(..name.len())
                .filter(|label| label.eq_ignore_ascii_case(name));
            label.map_or(sentence, |label| {
                sentence[label.len()..].trim_start_matches(": ")
            })
        });
        all.iter().any(|said| sentence.ends_with(said.as_str()))
    };
    let whole = sentences.iter().filter(is_whole).count();
    for broken in sentences.iter().filter(|sentence| !is_whole(sentence)) {
        eprintln!("{format}: {}", broken.of(&summary));
    }
    assert!(
        whole * 100 >= sentences.len() * 95,
        "{format}: {whole} of {} are whole: {summary}",
        sentences.len()
    );
}

#[test]
fn entities_of_a_page_are_decoded_before_labels_are_sought() {
    let page = |line: &dyn Fn(&str, &str, &str) -> String| {
        let lines = [
            line("0:01", "Ana Ruiz", "We met &amp; agreed."),
            line("0:05", "Zo&euml; Ode", "Yes &lt; no."),
            line("0:09", "Ana Ruiz", "It&#39;s fine."),
        ];
        format!(
            "<!DOCTYPE html><html><body>{}</body></html>",
            lines.concat()
        )
    };
    for source in [
        page(&|time, name, text| format!("<p>[{time}]&nbsp;<b>{name}:</b> {text}</p>")),
        page(&|time, name, text| format!("<p>&#91;{time}&#93; <b>{name}:</b>&nbsp;{text}</p>\n")),
    ] {
        let transcript = transcript(source.as_bytes());
        let from = |seconds: &str| Some(format!("0:00:0{seconds}"));
        let expected = [
            (Some("Ana Ruiz"), from("1"), "We met & agreed."),
            (Some("Zoë Ode"), from("5"), "Yes < no."),
            (Some("Ana Ruiz"), from("9"), "It's fine."),
        ];
        assert_eq!(said(&transcript), expected, "{source}");
        let at = transcript.text().find("no.").unwrap();
        let bytes = transcript.source_bytes(Span::from(at..at + 3));
        assert_eq!(bytes.start as usize, source.find("no.").unwrap());
    }
}

#[test]
fn speakers_without_ends_speak_until_the_next_begins_but_no_longer_than_their_words_take() {
    for source in [
        "Time,Speaker,Text\n0:03,Ana,We met.\n0:05,Ben,We did.\n0:09,Ana,Good.\n",
        "| Time | Speaker | Text |\n|---|---|---|\n| 0:03 | Ana | We met. |\n| 0:05 | Ben | We did. |\n| 0:09 | Ana | Good. |\n",
        "[0:03] Ana: We met.\n[0:05] Ben: We did.\n[0:09] Ana: Good.\n",
    ] {
        let talk = transcript(source.as_bytes()).spoken.talk.clone();
        assert_eq!((talk[0].seconds, talk[1].seconds), (2.0, 2.8), "{source}");
    }
}

#[test]
fn no_range_ends_within_an_escape_or_an_entity() {
    let json = r#"{"segments":[{"start":1,"speaker":"Ana","text":"We met\u3002"},{"start":9,"speaker":"Ben","text":"So\u2026 we did\ud83d\ude00"},{"start":15,"speaker":"Ana","text":"Good."}]}"#;
    let vtt = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ana>R&amp;D met&hellip;\n\n00:03.000 --> 00:04.000\n<v Ben>It did.\n";
    for (source, escapes) in [
        (json, &["\\u3002", "\\u2026", "\\ud83d\\ude00"][..]),
        (vtt, &["&amp;", "&hellip;"]),
    ] {
        let transcript = transcript(source.as_bytes());
        let segments = transcript.segments.starting_in(0..transcript.text().len());
        let mut ends: Vec<usize> = segments.iter().map(|segment| segment.body().end).collect();
        ends.extend(transcript.text().char_indices().map(|(at, _)| at));
        let lines = transcript.text().match_indices('\n').map(|(at, _)| at);
        ends.extend(lines);
        for end in ends {
            let bytes = transcript.source_bytes(Span::from(0..end));
            for escape in escapes {
                let at = source.find(escape).unwrap() as u64;
                let inside = at + 1..at + escape.len() as u64;
                assert!(
                    !inside.contains(&bytes.end),
                    "{escape} {end} of {:?}",
                    transcript.text()
                );
            }
        }
    }
}

#[test]
fn what_is_typed_does_not_vanish_in_markup() {
    let said = |text: String| {
        let transcript = transcript(text.as_bytes());
        (
            transcript.text().to_owned(),
            transcript.spoken.warnings.join("; "),
        )
    };
    let talk = |nth| {
        format!(
            "Item {nth} of the list is about the depot and took {} days.\n",
            nth * 7
        )
    };
    let talk: String = (0..20).map(talk).collect();
    let (text, warnings) = said(format!(
        "{talk}<!-- Ana said that it costs seven million. -->\nThen we left.\n"
    ));
    assert!(!text.contains("million") && text.contains("Then we left"));
    assert!(warnings.contains("7 words in comments"), "{warnings}");
    let (text, warnings) = said(format!(
        "{talk}<!-- page 3 --><![CDATA[It costs seven million.]]>\n"
    ));
    assert!(
        text.contains("It costs seven million.\n") && !text.contains(['[', ']']),
        "{text}"
    );
    assert_eq!(warnings, "");
    let (text, _) =
        said("<script>alert(1)</script>\nAna: It costs seven.\nBen: It does.\n".to_owned());
    assert!(
        text.contains("\nAna: It costs seven.\nBen: It does."),
        "{text}"
    );
}

#[test]
fn a_name_of_many_words_is_what_somebody_says() {
    let long = "and then we went to the depot ".repeat(200);
    let vtt = format!(
        "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ana>It is.\n\n00:03.000 --> 00:04.000\n<v {long}>It was.\n"
    );
    let csv =
        format!("Time,Speaker,Text\n0:01,Ana,It is.\n0:03,{long},It was.\n0:05,Ana,So it was.\n");
    for source in [vtt, csv] {
        let transcript = transcript(source.as_bytes());
        assert_eq!(transcript.segments.speakers, ["Ana"]);
        assert!(transcript.text().contains("and then we went to the depot"));
        assert!(transcript.text().contains("It was."));
    }
}

#[test]
fn the_ranges_of_parts_cover_a_file_once_even_if_channels_follow_each_other() {
    let channel = |number: usize| {
        let words = (0..300).map(|nth| {
            let start = nth as f64 + number as f64 / 4.0;
            serde_json::json!({"type": "pronunciation", "start_time": start.to_string(), "end_time": (start + 0.2).to_string(),
                "alternatives": [{"confidence": "0.9", "content": format!("w{number}x{nth}.")}]})
        });
        serde_json::json!({"channel_label": format!("ch_{number}"), "items": words.collect::<Vec<_>>()})
    };
    let channels: Vec<_> = (0..3).map(channel).collect();
    let source =
        serde_json::json!({"results": {"channel_labels": {"channels": channels}}}).to_string();
    let transcript = transcript(source.as_bytes());
    assert!(transcript.text().contains("w0x7."), "{}", transcript.text());
    let segments = &transcript.segments;
    let mut last = 0;
    for segment in segments.starting_in(0..transcript.text().len()).iter() {
        let body = segment.body();
        let bytes = transcript.source_bytes(Span::from(body.start..body.end));
        assert!(bytes.start >= last && bytes.end <= source.len() as u64);
        last = bytes.start;
    }
    let whole = transcript.source_bytes(Span::from(0..transcript.text().len()));
    assert_eq!(whole, 0..source.len() as u64);
}

#[test]
fn what_is_hardly_speech_gets_a_hint() {
    // A list may also be found to have no words at all.
    let warnings = |text: String| match Transcript::new(Decoded::from(text)) {
        Ok(transcript) => transcript.spoken.warnings.join("; "),
        Err(_) => "it hardly reads like speech".to_owned(),
    };
    let many = |line: &dyn Fn(usize) -> String| (0..40).map(line).collect::<String>();
    let code = "fn main() {\n    let x{n} = f(y, 3)?;\n    self.at += {n};\n    if a.is_empty() { return Err(x); }\n}\n";
    let picture = format!(
        "Ana: We met.\n\n![](data:image/png;base64,{})\n\nBen: Yes.\n",
        "aG9+c2/U3".repeat(500)
    );
    for (text, hint) in [
        (
            many(&|n| code.replace("{n}", &n.to_string())),
            "hardly reads like speech",
        ),
        (
            many(&|n| format!("{n}.5 7 -3 4,00{n} 1e5 x{n}\n")),
            "hardly reads like speech",
        ),
        (
            many(&|n| format!("ana{n}@example.org; ben{n}@example.org\n")),
            "hardly reads like speech",
        ),
        (
            many(&|n| format!("aGVs{n} bG8+ d29y/bGQ= Zm9v{n} YmFy9 {n}Fa 8xyz0 R2+R\n")),
            "hardly reads like speech",
        ),
        (picture, "are no words"),
        (
            many(&|n| format!("2025-03-12T09:00:{n:02}Z INFO depot: request id={n} took 3 ms\n")),
            "log of a program",
        ),
    ] {
        assert!(warnings(text.clone()).contains(hint), "{text}");
    }
    for text in [
        many(&|n| {
            format!(
                "Ana: We paid {n} euros, 12 pence (at the ferry) – \"each\".\nBen: That's {n} a year.\n"
            )
        }),
        many(&|n| format!("李: 我们在五月见面, 一共 {n} 人。\n王: 好的。\n")),
        many(&|n| {
            format!(
                "佐藤 00:{n:02}:01\n駅から{n}件の苦情があり、月曜日までに直します。次は{n}円の屋根です。\n\n"
            )
        }),
        many(&|n| format!("สมชาย: สวัสดีครับ วันนี้เราจะเริ่ม {n}\nมาลี: ขอบคุณค่ะ มีคำถามสองข้อ\n")),
        "Ana: 1 2 3 4 5.\n".to_owned(),
    ] {
        assert_eq!(warnings(text), "");
    }
}

#[test]
fn what_stands_beside_what_is_read_is_told() {
    let warnings = |text: &str| {
        let transcript = Transcript::new(Decoded::from(text.to_owned())).unwrap();
        transcript.spoken.warnings.join("; ")
    };
    let rows = |remark: &str| {
        let row = |n| format!("{n},Dana,We looked at item {n} and agreed on it,{remark}\n");
        (0..12).map(row).collect::<String>()
    };
    let table = |remark| format!("time,speaker,text,Note\n{}", rows(remark));
    assert_eq!(
        warnings(&table("It costs a thousand more than planned")),
        "the column \"Note\" was left out: 84 words"
    );
    assert_eq!(warnings(&table("checked by Lee")), "");
    let entries = |what: &str| {
        let entry = |n| format!(r#"{{"start": {n}, "text": "{what} item {n} and agreed on it."}}"#);
        let entries: Vec<String> = (0..12).map(entry).collect();
        format!("[{}]", entries.join(","))
    };
    let (ours, theirs) = (entries("We looked at"), entries("They asked about"));
    for (json, is_told) in [
        (format!(r#"{{"segments": {ours}, "chat": {theirs}}}"#), true),
        (
            format!(r#"{{"segments": {ours}, "segments": {theirs}}}"#),
            true,
        ),
        (
            format!(r#"{{"a": {{"segments": {ours}}}, "b": {{"segments": {theirs}}}}}"#),
            true,
        ),
        (format!(r#"{{"segments": {ours}, "copy": {ours}}}"#), false),
    ] {
        let found = warnings(&json);
        assert_eq!(
            found.contains("in others were left out"),
            is_told,
            "{found}"
        );
    }
}

/// What one speaker after another says in texts whose times or frames are of a special kind: the seconds at which they start,
/// their names, and their words.
#[test]
fn times_and_frames_of_special_kinds() {
    const ADA: &str = "We counted forty spare valves in the pump house on the dyke.";
    const SAM: &str = "Who pays for the rest of them before the frost comes?";
    let long: String = (0..60)
        .map(|n| format!("We counted {n} valves in the house at dyke {n}. "))
        .collect();
    let said = |source: &str| {
        let transcript = Transcript::new(Decoded::from(source.to_owned())).unwrap();
        let segments = transcript
            .segments
            .starting_in(0..transcript.text().len())
            .iter();
        let said = segments.map(|segment| {
            let name = transcript.segments.name(segment.speaker).unwrap_or("-");
            let seconds = segment.from().map_or(-1, |time| time.millis() / 1000);
            let text = segment.body().of(transcript.text()).trim();
            format!(
                "{seconds} {name}: {}",
                if text.starts_with(long.trim()) {
                    "long"
                } else {
                    text
                }
            )
        });
        (
            said.collect::<Vec<_>>().join("\n"),
            transcript.spoken.format,
        )
    };
    let expected = |times: [i32; 4]| {
        let turns = times
            .into_iter()
            .zip([("Ada", ADA), ("Sam", SAM)].into_iter().cycle());
        turns
            .map(|(time, (name, text))| format!("{time} {name}: {text}"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let lines = |write: &dyn Fn(usize, &str, &str) -> String| {
        let turns = [("Ada", ADA), ("Sam", SAM)]
            .into_iter()
            .cycle()
            .take(4)
            .enumerate();
        turns
            .map(|(at, (name, text))| write(at, name, text))
            .collect::<String>()
    };
    for (source, times, format) in [
        // A time that heads a block of turns.
        (
            lines(&|at, name, text| match at {
                0 | 2 => format!("Transcript\n\n00:0{at}:00\n\n{name}: {text}\n"),
                _ => format!("{name}: {text}\n\n"),
            })
            .replacen("\nTranscript\n", "", 1),
            [0, -1, 120, -1],
            "plain",
        ),
        // Times at the ends of turns.
        (
            lines(&|at, name, text| format!("{name}: {text} #00:00:0{}-2#\n", at + 1)),
            [0, 1, 2, 3],
            "plain",
        ),
        (
            lines(&|at, name, text| format!("{name}: {text} [00:0{}:00]\n", at + 1)),
            [0, 60, 120, 180],
            "plain",
        ),
        (
            format!(
                "@Begin\n@Languages:\teng\n@Participants:\tADA Ada Adult\n{}@End\n",
                lines(&|at, name, text| format!(
                    "*{name}:\t{text} \u{15}{at}000_{}000\u{15}\n",
                    at + 1
                ))
            ),
            [0, 1, 2, 3],
            "plain",
        ),
        // Frames, also after the first hour, and days.
        (
            lines(&|at, name, text| format!("0{at}:00:01:12 {name}: {text}\n")),
            [1, 3601, 7201, 10801],
            "plain",
        ),
        (
            lines(&|at, name, text| format!("00:0{at}:01:{:02} {name}: {text}\n", 12 + 15 * at)),
            [72, 3687, 7302, 10917],
            "plain",
        ),
        // Tables.
        (
            lines(&|at, name, text| {
                format!("{name}\t\t00:00:0{at}.500\t{at}.500\t00:00:0{at}.900\t{at}.900\t{text}\n")
            }),
            [0, 1, 2, 3],
            "tsv",
        ),
        (
            format!(
                "Timespan\tContent\tSpeaker\n{}",
                lines(&|at, name, text| format!("0:0{at}.5 - 0:0{at}.9\t{text}\t{name}\n"))
            ),
            [0, 1, 2, 3],
            "tsv",
        ),
        // Captions.
        (
            format!(
                "WEBVTT\n\n{}",
                lines(&|at, name, text| format!(
                    "00:00:0{at}.000 --> 00:00:0{at}.900\n{{\"id\": 1, \"speakerName\": \"{name}\", \"spokenText\": \"{text}\"}}\n\n"
                ))
            ),
            [0, 1, 2, 3],
            "webvtt",
        ),
        (
            format!(
                "<SAMI>\n<HEAD><TITLE>Dyke</TITLE></HEAD>\n<BODY>\n{}</BODY>\n</SAMI>\n",
                lines(&|at, name, text| format!(
                    "<SYNC Start={at}500><P Class=ENCC>{name}: {text}\n<SYNC Start={at}900><P Class=ENCC>&nbsp;\n"
                ))
            ),
            [0, 1, 2, 3],
            "sami",
        ),
        (
            format!(
                "Detected language 'en' with probability 0.98\n\n{}\nwhisper_print_timings:     load time =   113.81 ms\n",
                lines(&|at, name, text| format!("[{at}.00s -> {at}.90s] {name}: {text}\n"))
            ),
            [0, 1, 2, 3],
            "bracketed",
        ),
    ] {
        let (said, found) = said(&source);
        assert_eq!((said, found), (expected(times), format), "{source}");
    }
    let day = format!("[14:02] Ada: {long}\n[14:03] Sam: {long}\n[14:04] Ada: {long}\n");
    assert_eq!(
        said(&day).0,
        "50520 Ada: long\n50580 Sam: long\n50640 Ada: long"
    );
}

#[test]
fn copied_captions_have_no_times_and_no_chapters() {
    let text = "We counted forty spare valves in the pump house on the dyke and nobody pays for the rest. Then the frost \
                came early and broke nine of them, so the guild now asks the province for some money. If it says no we \
                close the lower gate, and the tenants of the polder move their cows before the first of May.";
    let words: Vec<&str> = text.split(' ').collect();
    let lines = |write: &dyn Fn(usize, &str) -> String| {
        let parts = words.chunks(3).map(|part| part.join(" ")).enumerate();
        parts.map(|(at, part)| write(at, &part)).collect::<String>()
    };
    let mut sources = vec![lines(&|at, part| format!("0:{at:02}{part}\n"))];
    for each in [3, 9] {
        sources.push(lines(&|at, part| {
            let chapter = format!("Chapter {}: The dyke part {at}\n", at / each + 1);
            let chapter = if at % each == 0 {
                chapter
            } else {
                String::new()
            };
            format!("{chapter}0:{at:02}\n{part}\n")
        }));
    }
    for source in sources {
        let transcript = Transcript::new(Decoded::from(source.clone())).unwrap();
        let said: Vec<_> = transcript.text().split_whitespace().collect();
        assert_eq!(said, words, "{source}");
    }
}

#[test]
fn a_plain_transcript_stays_as_it_is_except_for_its_time_stamps() {
    let untimed = "Dana: We met.\nLee: Yes, and we agreed.\n\nDana: Fine.\n";
    for text in [untimed, "Prose without any label\nin two lines."] {
        assert_eq!(transcript(text.as_bytes()).text(), text);
    }
    let timed = "[00:12:30] Dana: We met.\n[00:12:40] Lee: Yes, and we agreed.\n\nDana: Fine.\n";
    assert_eq!(transcript(timed.as_bytes()).text(), untimed);
}

#[test]
fn the_bytes_of_a_word_are_those_it_was_read_from() {
    let lines = |i: usize| {
        format!(
            "Zoë {}: The café n° {i} costs {i} pounds.\r\nAnd more\u{1} of it.\r\n",
            i % 3
        )
    };
    let text: String = (0..40_000).map(lines).collect();
    let (latin, _, _) = encoding_rs::WINDOWS_1252.encode(&text);
    for source in [text.as_bytes(), &latin] {
        let transcript = transcript(source);
        let text = transcript.text();
        for (at, word) in text.match_indices("costs ").step_by(997) {
            let bytes = transcript.source_bytes(Span::from(at..at + word.len()));
            let bytes = usize::try_from(bytes.start).unwrap()..usize::try_from(bytes.end).unwrap();
            assert_eq!(&source[bytes], word.as_bytes());
        }
    }
}

#[test]
fn words_are_those_that_are_spoken() {
    let transcript = transcript(b"[00:01] Dana Berg: Three words only.\n[00:03] Lee: Two more.\n");
    assert_eq!(transcript.spoken.words, 5);
    let talk = &transcript.spoken.talk;
    assert_eq!((talk[0].words, talk[0].turns, talk[0].seconds), (3, 1, 2.0));
    assert_eq!(
        said(&transcript)[1],
        (Some("Lee"), Some("0:00:03".to_owned()), "Two more.")
    );
}

#[test]
fn a_transcript_in_which_nothing_is_said_is_rejected() {
    for text in [
        "[00:01]\n[00:02]\n[00:03]\n",
        "0:01\n0:02\n\n",
        r#"{"text": "", "segments": [], "language": "en"}"#,
        r#"{"segments": [ ], "detected_language": "en", "transcription": "", "translation": null, "device": "cuda"}"#,
    ] {
        let decoded = Decoded::from(text.to_owned());
        assert_eq!(
            Transcript::new(decoded).unwrap_err(),
            Rejection::NothingSaid,
            "{text}"
        );
    }
}

#[test]
fn turns_in_which_nothing_is_said_disappear() {
    let transcript = transcript(b"Dana: Well then.\nLee:\nDana: Good.\nKim:   \nDana: Done.\n");
    assert_eq!(transcript.segments.speakers, ["Dana"]);
    assert_eq!(
        transcript.text(),
        "Dana: Well then.\nDana: Good.\nDana: Done.\n"
    );
}

#[test]
fn a_transcript_inside_a_json_string_is_read_like_any_other() {
    let text = r#"{"text": "Ana: We caf\u00e9 met.\nBo: Yes \"we\" did.\nAna: Fine."}"#;
    let transcript = transcript(text.as_bytes());
    let expected = [
        ("Ana", "We café met."),
        ("Bo", "Yes \"we\" did."),
        ("Ana", "Fine."),
    ];
    let said: Vec<_> = said(&transcript)
        .into_iter()
        .map(|(name, _, body)| (name.unwrap(), body))
        .collect();
    assert_eq!(said, expected);
}

#[test]
fn words_divided_at_line_ends_are_whole_again() {
    let line = "Ana: We counted all of the parcels that came in for the exam-\nination board on that day, and there were as many as on the\nday before, which nobody had thought to be possible at all, or so it\nseemed to us then.\n\nBo: I would like to see the list of what was in them before we de-\ncide on what to do about the parcels that are still on their way\nto us from the coast.\n\n";
    let transcript = transcript(
        line.repeat(4)
            .replacen("We counted", "We had counted", 1)
            .as_bytes(),
    );
    assert!(
        transcript.text().contains(
            "the examination board on that day, and there were as many as on the day before"
        ),
        "{}",
        transcript.text()
    );
}

#[test]
fn a_speaker_without_a_name_is_not_the_one_before() {
    let transcript =
        transcript(b"Ana: We met.\n>> And you were late.\nAna: I was not.\nBo: No.\nAna: See?\n");
    assert_eq!(said(&transcript)[1].0, None);
}

#[test]
fn words_without_a_speaker_are_nobodys() {
    let text = r#"[{"speaker": "Ana", "text": "We met at noon."}, {"speaker": null, "text": "Who is it?"}, {"text": "Me."},
        {"speaker": "Bo", "text": "Come in."}, {"speaker": "Ana", "text": "Sit down."}]"#;
    let transcript = transcript(text.as_bytes());
    let said = by_speaker(&transcript);
    assert_eq!(
        (&*said["ana"], &*said["bo"]),
        ("We met at noon. Sit down. ", "Come in. ")
    );
    let words: usize = transcript.spoken.talk.iter().map(|talk| talk.words).sum();
    assert_eq!((words, transcript.spoken.words), (8, 12));
}

#[test]
fn marks_of_a_format_alone_do_not_hide_the_text_below() {
    let transcript =
        transcript(b"WEBVTT\nBob: Hello there, friends of mine.\nAnn: We ship it now.\n");
    assert_eq!(transcript.spoken.words, 9);
}

#[test]
fn nothing_invisible_gets_into_names_and_text() {
    let text = r#"{"segments": [
        {"speaker": "Bo\u202e\n<b>b</b>", "start": 0, "end": 1, "text": "Red \u001b[31mplan\u0007 it is."},
        {"speaker": "Ann\u200b", "start": 1, "end": 2, "text": "Good \ud83d\ude00 then."}]}"#;
    let transcript = transcript(text.as_bytes());
    assert_eq!(transcript.segments.speakers, ["Bo b", "Ann"]);
    let odd = |c: char| c.is_control() && c != '\n';
    assert!(!transcript.text().contains(odd), "{:?}", transcript.text());
}

#[test]
fn damaged_files_keep_what_is_sound_and_say_what_is_not() {
    let json = r#"{"segments": [{"start": 0, "end": 2, "speaker": "Ana", "text": "The bridge opens in May."},
        {"start": 2, "end": 4, "speaker": "Ben", "text": "Who pays for it?"}]}"#;
    let lines = [
        r#"{"speaker": "Ana", "text": "The bridge opens in May."}"#,
        r#"{"speaker": "Ben", "text": "Who pays for it?"}"#,
        r#"{"speaker": "Ana", "text": "All of us."}"#,
    ];
    let [first, second, third] = lines;
    let srt = "1\n00:00:01,000 --> 00:00:0x,000\nAna: The bridge opens in May.\n\n2\n00:00:03,000 --> 00:00:04,000\nBen: Who pays for it?\n\n";
    let plain = "Ana: The bridge opens in May.\nBen: Who pays for it?\n".repeat(20);
    let utf16: Vec<u8> = format!("\u{feff}{plain}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let (before, after) = utf16.split_at(1001);
    let rows: [(&str, Vec<u8>, &str); 10] = [
        (
            "whisper",
            format!("{json}\nupload finished\nin 3 s\n").into(),
            "2 lines are no complete JSON and were left out: 22 bytes, the first in line 3",
        ),
        (
            "whisper",
            format!("09:30 INFO written\n\n{json}\n").into(),
            "line 1 is no complete JSON and was left out: 18 bytes",
        ),
        (
            "json",
            format!("{first}\n{second}\n{{\"speaker\": \"Ana\", \"text\": \"All\n{third}\n").into(),
            "line 3 is no complete JSON and was left out: 31 bytes",
        ),
        (
            "json",
            format!("{first}\n{{\"speaker\": \"Ana\",\n{second}\n{third}\n").into(),
            "line 2 is no complete JSON and was left out: 18 bytes",
        ),
        (
            "json",
            format!("{first}\n{second}\nERROR connection lost\n{third}\n").into(),
            "line 3 is no complete JSON and was left out: 21 bytes",
        ),
        (
            "json",
            format!("{first}\n{second}\n{third}\n{{\"speaker\": \"B").into(),
            "line 4 is no complete JSON and was left out: 14 bytes",
        ),
        (
            "plain",
            format!("{{\"date\": \"2026-06-01\"}}\n\n{plain}").into(),
            "22 bytes of JSON are no transcript and were left out",
        ),
        (
            "subrip",
            srt.into(),
            "time stamps of captions are damaged: 1, the first in line 2",
        ),
        (
            "plain",
            [before, after.split_at(1).1].concat(),
            "the file is damaged: 1 of its characters cannot be read and are shown as \u{fffd}",
        ),
        (
            "plain",
            plain
                .replace("for", "f\u{fffd}r")
                .replacen("f\u{fffd}r", "for", 19)
                .into(),
            "the file is damaged: 1 of its characters cannot be read and are shown as \u{fffd}",
        ),
    ];
    for (format, file, warning) in rows {
        let transcript = transcript(&file);
        let (text, spoken) = (transcript.text(), &transcript.spoken);
        assert_eq!(spoken.format, format, "{text}");
        for said in ["The bridge opens in May.", "Who pays for it?"] {
            let at = text
                .find(said)
                .unwrap_or_else(|| panic!("{said:?} in {text}"));
            let source = spoken.source_map.source_offset(text, at) as usize;
            let start = format!("{}\0", said.split_at(1).0);
            let is_there = file[source..].starts_with(said.as_bytes())
                || file[source..].starts_with(start.as_bytes());
            assert!(is_there, "{said:?} at {source}");
        }
        let warnings = spoken.warnings.iter();
        let of_loops = |warning: &&String| warning.contains("repeated itself");
        let found: Vec<_> = warnings.filter(|warning| !of_loops(warning)).collect();
        assert_eq!(found, [warning], "{text}");
    }
    // JSON inside a conversation is a part of it.
    let quoted = format!("Ana: look at this\n{first}\nBen: I see.\n{plain}");
    assert_eq!(transcript(quoted.as_bytes()).spoken.format, "plain");
}

#[test]
fn many_marks_in_a_turn_take_linear_time() {
    // Every second character of the source is dropped.
    let mut decoder = Decoder::default();
    decoder.push("a\u{8}".repeat(500_000).as_bytes()).unwrap();
    let decoded = decoder.finish().unwrap();
    assert_eq!(
        Transcript::new(decoded).unwrap_err(),
        Rejection::NothingSaid
    );
}
