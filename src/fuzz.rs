//! Fuzz targets for all that comes from outside: events, files, the replies of endpoints, and what models write, as bytes.
//!
//! A target takes any bytes and asserts what holds for all of them: nothing panics, what was split on the way is read as the
//! whole, what is returned lies within what came in, and no secret or number slips through. `tests/fuzz` runs the targets under
//! libFuzzer. The tests run them over the same corpus and over mutations of it, and check that work grows with the length of a
//! text and no faster.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what is wrong is to be seen"
)]

use std::sync::LazyLock;

use reqwest::Url;
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::extract;
use crate::provider::runpod::output;
use crate::secret::Secret;
use crate::summary::check::numbers::readings;
use crate::summary::check::support::Comparable;
use crate::summary::edits::{self, Answer};
use crate::summary::flaw::flaw;
use crate::summary::outline::{Numbered, Outline};
use crate::summary::scaffold::without_repetitions;
use crate::summary::told::{self, Told};
use crate::summary::{fit_length, mends};
use crate::text::{Span, Tokens, sentence, words};
use crate::transcript::{Decoded, Decoder, Rejection, Transcript};
use crate::trigger::{Delivery, HttpRequest};
use crate::wire::answer::{Format, Reader};
use crate::wire::chat::Completion;
use crate::wire::converse::Conversation;
use crate::wire::error_text::ErrorText;
use crate::wire::failure::{Endpoint, Failure, JobEnd, Phase, SettingNames};
use crate::wire::generation::TaskReply;
use crate::wire::template;

/// A name, and what takes any bytes.
pub type Target = (&'static str, fn(&[u8]));

/// The targets. Each has a folder in the corpus.
pub const TARGETS: [Target; 11] = [
    ("event", event),
    ("decode", decode),
    ("format", format),
    ("chat", chat),
    ("task", task),
    ("converse", converse),
    ("runpod", runpod),
    ("answer", answer),
    ("outline", outline),
    ("edits", edits),
    ("error", error),
];

/// A limit of tokens that was asked for.
const MAX_TOKENS: usize = 500;

/// Inputs up to this length are cut everywhere, longer ones in as many places.
const CUTS: usize = 8;

/// What was said, where an answer is about something.
const SAID: &str = "Dana: The depot at Gasworks Lane is four months late, because of 212 cases of coal tar. It will not open before March.\n\
    Lee: Professor Ana Ruiz told us so in 2024. Who pays the 4.2 million?\n\
    Dana: I will ask the council by Friday. Some of the residents hoped that it would move.\n\
    Lee: Then we decided to wait. The Trust pays the rest.\n";

/// What the last reader edits.
const TEXTS: [&str; 2] = [
    "Dana said that the depot at Gasworks Lane is four months late. It will not open before March, and the members asked who pays \
     the 4.2 million. Dana called it “a bathtub with a roof”.",
    "Lee repeated that the depot is late. The council was also asked at that time. They decided to wait, which some of the \
     residents had hoped.\n\n- The council pays the rent.\n- The Trust pays the rest.",
];

static TRANSCRIPT: LazyLock<Transcript> =
    LazyLock::new(|| Transcript::new(Decoded::from(SAID.to_owned())).expect("it is a transcript"));

/// The payload of an invocation.
fn event(data: &[u8]) {
    let Ok(payload) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    if let Ok(request) = HttpRequest::read(&payload) {
        let _ = (request.body(), request.header("range"));
    }
    match Delivery::read(&payload) {
        Ok(delivery) => {
            let all = delivery.items.iter();
            let results = all.map(|_| Ok(Vec::new())).collect();
            assert!(delivery.answer(results).is_ok());
        }
        Err(error) => assert_ne!(error.to_string(), ""),
    }
}

/// A file in pieces.
fn decoded<'d>(pieces: impl IntoIterator<Item = &'d [u8]>) -> Result<Decoded, Rejection> {
    let mut decoder = Decoder::default();
    for piece in pieces {
        decoder.push(piece)?;
    }
    decoder.finish()
}

/// The halves of `data`, cut in many places, and its bytes one by one.
fn cuts(data: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    let step = data.len() / CUTS + 1;
    let halves = (0..data.len()).step_by(step).map(move |at| {
        let (before, after) = data.split_at(at);
        vec![before, after]
    });
    halves.chain([data.chunks(1).collect()])
}

/// A file, of which only the encoding is read.
fn decode(data: &[u8]) {
    let reading = |pieces: Vec<&[u8]>| {
        let decoded = decoded(pieces).map_err(|rejection| rejection.to_string())?;
        let Decoded {
            text,
            encoding,
            bytes,
            source_map,
        } = decoded;
        let mut last = 0;
        for (at, _) in text.char_indices().step_by(text.len() / 30 + 1) {
            let source = source_map.source_offset(&text, at);
            assert!(last <= source && source <= bytes, "{source} after {last}");
            last = source;
        }
        Ok::<_, String>((text, encoding, bytes, last))
    };
    let whole = reading(vec![data]);
    for pieces in cuts(data) {
        assert!(reading(pieces) == whole, "it depends on the cut: {whole:?}");
    }
}

/// A file of any format.
fn format(data: &[u8]) {
    let Ok(decoded) = decoded([data]) else { return };
    let length = decoded.text.len();
    let Ok(transcript) = Transcript::new(decoded) else {
        return;
    };
    let (text, whole) = (transcript.text(), transcript.whole());
    let mut end = 0;
    for (speaker, span) in whole.utterance_spans() {
        assert!(end <= span.start && text.get(span.start..span.end).is_some());
        assert!(speaker.is_none() || whole.name(speaker).is_some());
        end = span.end;
    }
    let (mut end, bytes) = (0, transcript.spoken.bytes);
    for segment in transcript.segments.starting_in(0..text.len()) {
        let source = transcript.source_bytes(Span::from(segment.start()..text.len()));
        assert!(source.start <= bytes && source.end == bytes, "{source:?}");
        end = end.max(segment.start());
    }
    // A label and a line break for each turn, and marks for what was left out.
    assert!(
        text.len() <= 80 * length + 1000,
        "{} of {length}",
        text.len()
    );
    assert!(words::count(&extract::extract(&whole, 40)) <= 40);
    let _ = (extract::title(&whole), extract::cues(&whole));
    let _ = Numbered::turns(&transcript, Tokens(200)).text();
}

/// A reply, which gives the same answer however it was split on the way.
fn reply<F: Format>(format: impl Fn() -> F, data: &[u8]) {
    let read = |pieces: Vec<&[u8]>| {
        let mut reader = Reader::new(format());
        for piece in pieces {
            match reader.push(piece) {
                Ok(false) => {}
                Ok(true) => break,
                Err(failure) => return Err(shown(&failure)),
            }
        }
        let answer = reader.finish(MAX_TOKENS);
        answer.map_err(|failure| shown(&failure))
    };
    let whole = read(vec![data]);
    if let Ok(answer) = &whole {
        let escaped = answer.text.chars().filter(|c| !c.is_ascii()).count();
        assert!(answer.text.len() <= data.len() + 3 * escaped);
    }
    for pieces in cuts(data) {
        assert_eq!(read(pieces), whole, "it depends on the cut");
    }
}

/// The reply to a chat completion.
fn chat(data: &[u8]) {
    reply(|| Completion, data);
}

/// The reply to a task: the first bit tells which.
fn task(data: &[u8]) {
    match data.split_first() {
        Some((first, rest)) if first & 1 == 1 => reply(|| TaskReply::generation("Summarize"), rest),
        Some((_, rest)) => reply(TaskReply::default, rest),
        None => {}
    }
}

/// The reply of Bedrock, or of SageMaker in the same frames.
fn converse(data: &[u8]) {
    reply(|| Conversation, data);
    reply(|| Completion, data);
}

/// The output of a job.
fn runpod(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    match output::read(&value, MAX_TOKENS) {
        // In the events of a stream, it is what the model wrote.
        Ok(answer) => {
            assert!(!answer.text.starts_with("{\"") || value.to_string().contains("data:"))
        }
        Err(failure) => assert_ne!(shown(&failure), ""),
    }
}

/// What a model wrote where prose was asked for.
fn answer(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (plain, _) = template::strip(&text);
    assert!(plain.len() <= text.len());
    // What stood before a mark may look like the beginning of one.
    let mark = template::mark_in(&plain);
    assert!(mark.is_none_or(|at| at + 44 > plain.len()), "{plain:?}");
    for told in [
        Told::of_section(&plain),
        Told::of_text(&plain, true),
        Told::of_entries(&plain),
    ]
    .into_iter()
    .chain(told::sections(&plain, 1..4))
    {
        // An entry gets a bullet, a name a colon and an empty line.
        let most = plain.len() + 5 * (plain.lines().count() + 1);
        assert!(told.text.len() <= most, "{told:?} of {plain:?}");
        let _ = flaw(&told.text, true);
        assert!(without_repetitions(&told.text).len() <= told.text.len());
        let shorter = fit_length::shorten(&told.text, 10);
        // A blank may come between sentences that had none, which makes one more word.
        let most = words::count(&told.text) + sentence::sentences(&told.text).len();
        assert!(words::count(&shorter) <= most);
        assert!(told.text.trim().is_empty() || !shorter.is_empty());
        let mut end = 0;
        for sentence in sentence::sentences(&told.text) {
            let gap = told
                .text
                .get(end..sentence.start)
                .expect("they are in order");
            assert!(gap.trim().is_empty() && sentence.start < sentence.end);
            end = sentence.end;
        }
        let rest = told.text.get(end..).expect("they are inside");
        assert!(rest.trim().is_empty(), "{rest:?}");
    }
}

/// What a model wrote about the whole.
fn outline(data: &[u8]) {
    let answer = String::from_utf8_lossy(data);
    let numbered = Numbered::turns(&TRANSCRIPT, Tokens(9000));
    let by = match data.len() % 3 {
        0 => Comparable::Words,
        1 => Comparable::Names,
        _ => Comparable::Numbers,
    };
    let outline = Outline::read(&answer, &numbered, by);
    let text = TRANSCRIPT.text();
    for start in outline.topics.iter().flat_map(|topic| &topic.starts) {
        assert!(text.is_char_boundary(*start) && *start < text.len());
    }
    for point in &outline.points {
        assert!(!point.spans.is_empty() && !point.text.is_empty());
        let is_there = |span: &Span| text.get(span.start..span.end).is_some();
        assert!(point.spans.iter().all(is_there));
    }
    assert!(outline.people.iter().all(|person| !person.name.is_empty()));
}

/// What the last reader wrote.
fn edits(data: &[u8]) {
    let Answer {
        edits,
        mends,
        flags,
        cuts,
    } = edits::read(&String::from_utf8_lossy(data));
    assert!(mends.len() <= mends::MAX_MENDS);
    let is_plain = |flag: &String| !flag.contains(char::is_control) && !flag.is_empty();
    assert!(flags.iter().all(is_plain));
    assert!(cuts.len() <= edits::MAX_NAMED);
    let mut texts = TEXTS.map(str::to_owned);
    let mut all: Vec<&mut String> = texts.iter_mut().collect();
    edits::apply(&mut all, &["Depot: late"], &edits);
    for (text, before) in texts.iter().zip(TEXTS) {
        assert_eq!(readings(text), readings(before), "{edits:?}");
        assert!(text.len() * 2 > before.len(), "{text}");
    }
}

/// The error of an endpoint: the first byte tells how it arrived.
fn error(data: &[u8]) {
    const SECRET: &str = "hf_AbCdEfGhIjKlMnOpQrSt";
    const SENT: &str = "the words of somebody who did not mean them for a log";
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    let text = String::from_utf8_lossy(rest);
    let failure = match first % 4 {
        0 => {
            let statuses = [400, 401, 404, 413, 422, 429, 500, 503];
            Failure::Refused {
                status: statuses[usize::from(first / 4) % statuses.len()],
                headers: HeaderMap::new(),
                body: rest.to_vec(),
            }
        }
        1 => Failure::InBand(match serde_json::from_str(&text) {
            Ok(value) => ErrorText::from_value(&value),
            Err(_) => ErrorText::from_text(&text),
        }),
        2 => Failure::Job(JobEnd::Failed, ErrorText::from_text(&text)),
        _ => Failure::Exception("throttlingException".into(), ErrorText::from_text(&text)),
    };
    let error = endpoint().error(Phase::Submit, &failure, &[Secret::new(SECRET)], &[SENT]);
    for hidden in [SECRET, SENT] {
        assert!(!error.message.contains(hidden), "{}", error.message);
    }
    // A sentence, an address and 300 characters of the text.
    assert!(error.message.chars().count() <= 1000, "{}", error.message);
}

fn endpoint() -> Endpoint {
    let names = SettingNames {
        token: "HF_API_TOKEN",
        model: "HF_MODEL",
        url: "HF_ENDPOINT_URL",
    };
    let url = Url::parse("https://host:8443/v1").expect("it is an address");
    Endpoint::new(&url, names)
}

/// A failure as it is told.
fn shown(failure: &Failure) -> String {
    endpoint().error(Phase::Submit, failure, &[], &[]).message
}

#[cfg(test)]
mod tests;
