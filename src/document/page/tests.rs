use std::collections::{HashMap, HashSet};
use std::time::Duration;

use proptest::prelude::*;
use reqwest::Url;
use scraper::{ElementRef, Html, Node, Selector};

use super::*;
use crate::document::report::SpeechReport;
use crate::document::sources::Cited;
use crate::document::{Formats, title_of};
use crate::model::{Capabilities, SCRIPTED, Usage};
use crate::prompt::{Style, Wishes};
use crate::store::{Location, ObjectInfo};
use crate::summary::lists::{Entry, List, ListKind};
use crate::summary::{Limits, Plan, Prices, Summary};
use crate::text::{Tokens, Words};
use crate::transcript::{Decoder, Transcript};

/// A document with all that it borrows.
struct Case {
    at: Location,
    info: ObjectInfo,
    transcript: Transcript,
    plan: Plan,
    summary: Summary,
    wishes: Wishes,
    model: Capabilities,
    transcript_key: Option<&'static str>,
    speech: Option<SpeechReport>,
}

fn read(text: &str) -> Option<Transcript> {
    let mut decoder = Decoder::default();
    decoder.push(text.as_bytes()).ok()?;
    Transcript::new(decoder.finish().ok()?).ok()
}

impl Case {
    fn new(transcript: Transcript, summary: Summary) -> Self {
        let limits = Limits {
            context_tokens: None,
            reasoning_tokens: Tokens(0),
            chunk_tokens: Tokens(6000),
            max_calls: 150,
            style: Style::Full,
            outline: true,
        };
        Self {
            at: Location::new("bucket", "talks/2026-03-04_board-meeting.txt"),
            info: ObjectInfo {
                etag: "e".into(),
                version_id: None,
                size: transcript.text().len() as u64,
                modified_ms: None,
                metadata: crate::store::Metadata::new(),
            },
            plan: crate::summary::plan(&transcript, Words(200), &limits).unwrap(),
            transcript,
            summary,
            wishes: Wishes::default(),
            model: SCRIPTED.clone(),
            transcript_key: None,
            speech: None,
        }
    }

    fn sources(&self) -> Sources {
        Sources::of(&self.transcript, &self.summary)
    }

    fn page(&self) -> String {
        self.page_with(&self.sources())
    }

    fn page_with(&self, sources: &Sources) -> String {
        let document = Document {
            at: &self.at,
            info: &self.info,
            sequencer: None,
            transcript_key: self.transcript_key,
            transcript: &self.transcript,
            plan: &self.plan,
            summary: &self.summary,
            wishes: &self.wishes,
            model: &self.model,
            usage: Usage {
                calls: 7,
                retries: 2,
                prompt_tokens: 41_000,
                completion_tokens: 8000,
                ..Usage::default()
            },
            prices: Some(Prices {
                fallback: None,
                currency: None,
                input_per_mtok: 1.0,
                output_per_mtok: 2.0,
            }),
            duration: Duration::from_secs(3),
            output_bucket: "b",
            output_prefix: "summaries/",
            speech: self.speech.as_ref(),
            formats: Formats {
                page: true,
                markdown: false,
            },
        };
        let report = document.artifacts().unwrap().0;
        render(&document, sources, &report)
    }
}

const MEETING: &str = "[00:00:03] Ana Ruiz: Good morning. The bridge at Quay Street costs 417,250 dollars, and the board has to \
    decide on it today. It opens in March.\n\
    [00:00:41] Ben Okafor: I am against it. The ferry carries 9,300 people a week and costs nothing.\n\
    [00:01:30] Ana Ruiz: Then we vote. Four for the bridge, one against.\n\
    [00:02:10] Ben Okafor: I will write to the harbor master by Friday about the lights.\n";

fn section(transcript: &Transcript, title: &str, text: &str, span: Span) -> Section {
    let times = transcript.passage(span).time_span();
    Section {
        title: title.into(),
        times: times
            .iter()
            .map(|(from, until)| (from.to_string(), until.to_string()))
            .collect(),
        text: text.into(),
        matters: vec!["The vote".into()],
        target_words: 50,
        chunks: vec![0],
        spans: vec![span],
        source: Source::Model,
        written_by: None,
    }
}

fn meeting() -> Case {
    let transcript = read(MEETING).unwrap();
    let half = transcript.text().find("Then we vote").unwrap();
    let half = transcript.text()[..half].rfind('\n').unwrap() + 1;
    let whole = transcript.text().len();
    let sections = vec![
        section(
            &transcript,
            "The bridge & the ferry",
            "Ana Ruiz said that the bridge at Quay Street costs 417,250 dollars. Ben Okafor was against it, since the ferry carries \
             9,300 people a week and costs nothing. Nobody spoke of xylophones, quilts or marmalade.",
            Span::from(0..half),
        ),
        section(
            &transcript,
            "Vote",
            "The vote: Four voted for the bridge and one against.\n\nThey settled one thing:\n- Ben Okafor writes to the harbor \
             master by Friday about the lights.",
            Span::from(half..whole),
        ),
    ];
    let summary = Summary {
        language: Some("en".into()),
        overview: Some(
            "A board decided on a bridge.\n\n- Bridge: It costs 417,250 dollars and opens in March.\n- Ferry: It carries 9,300 \
             people a week."
                .into(),
        ),
        lists: vec![List {
            kind: ListKind::Actions,
            title: "Actions",
            entries: vec![Entry {
                text: "Ben Okafor writes to the harbor master by Friday.".into(),
                ..Entry::default()
            }],
        }],
        sections,
        chunks: 1,
        ..Summary::default()
    };
    Case::new(transcript, summary)
}

fn all<'a>(page: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    page.select(&Selector::parse(selector).unwrap()).collect()
}

/// The text of an element, without that of elements with the names in `skipped`.
fn text_of(element: ElementRef<'_>, skipped: &[&str]) -> String {
    let mut text = String::new();
    for child in element.children() {
        match child.value() {
            Node::Text(piece) => text.push_str(piece),
            Node::Element(inner) if !skipped.contains(&inner.name()) => {
                text.push_str(&text_of(ElementRef::wrap(child).unwrap(), skipped));
            }
            _ => {}
        }
    }
    text
}

/// What remains of a text on the page.
fn kept(text: &str) -> String {
    let dropped = |c: char| {
        c.is_control() && c != '\n' && c != '\t'
            || ('\u{202a}'..='\u{202e}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c)
    };
    text.chars().filter(|&c| !dropped(c)).collect()
}

fn without_blanks(text: &str) -> String {
    text.split_whitespace().collect()
}

/// The passage that `:target` highlights for a link to `id`: a piece, and as many after it as its class says.
fn highlighted(page: &Html, id: &str) -> String {
    let first = all(page, &format!("mark#{id}"))[0];
    let class = first.value().attr("class").unwrap_or("n1");
    let pieces: usize = class[1..].parse().unwrap();
    let mut text = text_of(first, &["sup"]);
    let mut next = first.next_sibling();
    for _ in 1..pieces {
        let piece = ElementRef::wrap(next.unwrap()).unwrap();
        assert_eq!(piece.value().name(), "mark");
        text.push_str(&text_of(piece, &["sup"]));
        next = piece.next_sibling();
    }
    text
}

/// Elements of the page with their attributes.
const OURS: [(&str, &[&str]); 43] = [
    ("html", &["lang", "dir"]),
    ("head", &[]),
    ("meta", &["charset", "http-equiv", "content", "name"]),
    ("title", &[]),
    ("style", &[]),
    ("body", &[]),
    ("main", &["id", "tabindex", "aria-labelledby"]),
    ("aside", &["id", "tabindex", "aria-labelledby"]),
    ("nav", &["class", "lang", "aria-label", "aria-labelledby"]),
    ("header", &["lang"]),
    ("footer", &["lang"]),
    ("section", &["class", "lang"]),
    ("div", &["class", "lang", "dir"]),
    ("h1", &["id", "dir"]),
    ("h2", &["id", "dir", "lang"]),
    ("h3", &["id", "dir", "lang"]),
    ("p", &["id", "class", "dir", "lang"]),
    ("ul", &[]),
    ("ol", &["lang"]),
    ("li", &["dir"]),
    (
        "a",
        &["href", "role", "lang", "dir", "aria-label", "target"],
    ),
    ("figure", &["class", "lang"]),
    ("figcaption", &[]),
    ("audio", &["controls", "preload", "src"]),
    ("video", &["controls", "preload", "src"]),
    ("span", &["id"]),
    ("sup", &[]),
    ("b", &[]),
    ("i", &[]),
    ("small", &[]),
    ("mark", &["id", "class"]),
    ("svg", &["viewBox", "preserveAspectRatio", "aria-hidden"]),
    ("rect", &["x", "width", "height"]),
    ("table", &["aria-labelledby"]),
    ("tbody", &[]),
    ("tr", &[]),
    ("th", &["scope", "dir"]),
    ("td", &[]),
    ("details", &[]),
    ("summary", &[]),
    ("dl", &[]),
    ("dt", &[]),
    ("dd", &["dir"]),
];

/// Checks what holds of every page, and returns it.
fn checked(case: &Case, page: &str) -> Html {
    let parsed = Html::parse_document(page);
    assert_eq!(parsed.errors, Vec::<std::borrow::Cow<'static, str>>::new());
    let ours: HashMap<&str, &[&str]> = OURS.into_iter().collect();
    let (mut ids, mut links, mut files) = (HashSet::new(), Vec::new(), Vec::new());
    for element in all(&parsed, "*") {
        let element = element.value();
        let attributes = ours.get(element.name());
        let attributes = attributes.unwrap_or_else(|| panic!("<{}>", element.name()));
        for (name, value) in element.attrs() {
            assert!(attributes.contains(&name), "<{} {name}>", element.name());
            match name {
                "id" => assert!(ids.insert(value), "two elements are {value}"),
                "href" | "src" => match value.strip_prefix('#') {
                    Some(place) => links.push(place),
                    None => files.push(value.split('#').next().unwrap()),
                },
                _ => {}
            }
        }
    }
    for link in links {
        assert!(ids.contains(link), "nothing is #{link}");
    }
    let is_played = case.speech.is_some() || case.transcript_key.is_some();
    for file in &files {
        assert!(is_played, "{file} is out of the page");
        let page = Url::parse("https://host/b/summaries/talks/page.html").unwrap();
        let target = page.join(file).unwrap();
        assert!(target.as_str().starts_with("https://host/b/"), "{target}");
    }
    let media = if files.is_empty() {
        ""
    } else {
        " media-src 'self';"
    };
    let policy = all(&parsed, "meta[http-equiv]")[0]
        .value()
        .attr("content")
        .unwrap();
    let style = text_of(all(&parsed, "style")[0], &[]);
    let hash = STANDARD.encode(Sha256::digest(style));
    assert_eq!(
        policy,
        format!(
            "default-src 'none'; style-src 'sha256-{hash}';{media} base-uri 'none'; form-action 'none'"
        )
    );
    // The summary says what it says.
    let texts = |selector: &str| -> Vec<String> {
        let elements = all(&parsed, selector).into_iter();
        elements.map(|element| text_of(element, &["sup"])).collect()
    };
    let lines = |text: &str| -> Vec<String> {
        let lines = text
            .lines()
            .map(|line| line.strip_prefix("- ").unwrap_or(line));
        lines
            .map(|line| kept(line.trim_end()))
            .filter(|line| !line.is_empty())
            .collect()
    };
    let summary = &case.summary;
    assert_eq!(
        texts(".overview p, .overview li"),
        summary.overview.as_deref().map_or(Vec::new(), lines)
    );
    let entries = summary.lists.iter().flat_map(|list| &list.entries);
    let entries: Vec<String> = entries.map(|entry| kept(&entry.text)).collect();
    assert_eq!(texts(".list li"), entries);
    let bodies: Vec<String> = summary
        .sections
        .iter()
        .flat_map(|section| lines(&section.body()))
        .collect();
    assert_eq!(
        texts(".part p:not(.when):not(.note), .part li, .part h3"),
        bodies
    );
    // So does the transcript.
    let said = all(&parsed, ".turns p:not(.gap)").into_iter();
    let said: String = said.map(|turn| text_of(turn, &["sup", "b"])).collect();
    let whole = case.transcript.whole();
    let spoken: String = whole.utterances().map(|(_, text)| kept(text)).collect();
    if all(&parsed, ".gap").is_empty() {
        assert_eq!(without_blanks(&said), without_blanks(&spoken));
    }
    parsed
}

#[test]
fn what_lies_beside_the_page_is_played() {
    let mut case = meeting();
    case.at = Location::new("b", "talks/a b.mp4");
    case.transcript_key = Some("transcripts/talks/a!20b.mp4.e.01234567.json");
    case.speech = Some(SpeechReport {
        bucket: "b".into(),
        keys: vec![
            "summaries/talks/a!20b.mp4_summary.1of2.0.1.mp3".into(),
            "summaries/talks/a!20b.mp4_summary.2of2.0.2.mp3".into(),
        ],
        voice: "Joanna".into(),
    });
    let page = checked(&case, &case.page());
    let addresses = |selector: &str, name: &str| -> Vec<String> {
        let elements = all(&page, selector).into_iter();
        elements
            .map(|element| element.value().attr(name).unwrap().to_owned())
            .collect()
    };
    let first = "a%2120b.mp4_summary.1of2.0.1.mp3";
    assert_eq!(
        addresses("audio", "src"),
        [first, "a%2120b.mp4_summary.2of2.0.2.mp3"]
    );
    assert_eq!(addresses("video", "src"), ["../../talks/a%20b.mp4"]);
    let from: Vec<String> = case
        .summary
        .sections
        .iter()
        .map(|section| {
            let (from, _) = case
                .transcript
                .passage(section.spans[0])
                .time_span()
                .unwrap();
            format!("../../talks/a%20b.mp4#t={}", from.millis() / 1000)
        })
        .collect();
    assert_eq!(addresses(".when a[target]", "href"), from);

    // In other buckets, as for the command line, whose page is a local file.
    case.at = Location::new("other", "talks/a b.mp4");
    case.speech.as_mut().unwrap().bucket = "other".into();
    let page = checked(&case, &case.page());
    assert_eq!(all(&page, "audio, video, a[target]").len(), 0);
    let told = text_of(all(&page, "footer")[0], &[]);
    assert!(
        told.contains("s3://other/summaries/talks/a!20b.mp4_summary.2of2.0.2.mp3"),
        "{told}"
    );
}

#[test]
fn links_lead_to_the_words_that_a_sentence_rests_on_and_back() {
    let case = meeting();
    let page = checked(&case, &case.page());
    let cited = all(&page, "main span[id]");
    let of = |part: &str| {
        let found = cited
            .iter()
            .find(|span| text_of(**span, &["sup"]).contains(part));
        *found.unwrap_or_else(|| panic!("{part} has no link"))
    };
    let links = |span: ElementRef<'_>| -> Vec<String> {
        let links = span
            .select(&Selector::parse("sup a").unwrap())
            .collect::<Vec<_>>();
        links
            .iter()
            .map(|link| link.value().attr("href").unwrap()[1..].to_owned())
            .collect()
    };
    for (sentence, words) in [
        (
            "said that the bridge at Quay Street costs",
            "costs 417,250 dollars",
        ),
        ("Ben Okafor was against it", "ferry carries 9,300 people"),
        ("Four voted for", "Four for the bridge"),
        (
            "writes to the harbor master by Friday about the lights",
            "harbor master by Friday",
        ),
        ("It costs 417,250 dollars and opens", "417,250 dollars"),
        (
            "writes to the harbor master by Friday.",
            "harbor master by Friday",
        ),
    ] {
        let span = of(sentence);
        let passages = links(span);
        let found: Vec<String> = passages.iter().map(|id| highlighted(&page, id)).collect();
        assert!(
            found.iter().any(|passage| passage.contains(words)),
            "{sentence}: {found:?}"
        );
        for id in &passages {
            let back = links(all(&page, &format!("mark#{id}"))[0]);
            assert!(
                back.contains(&span.value().id().unwrap().to_owned()),
                "{back:?}"
            );
        }
    }
    // What nothing in the transcript says is marked, and the page says what the mark means.
    let unsourced = all(&page, "a[href='#unsourced']");
    assert_eq!(unsourced.len(), 1);
    let sentence = ElementRef::wrap(unsourced[0].parent().unwrap().parent().unwrap()).unwrap();
    assert!(text_of(sentence, &["sup"]).contains("xylophones"));
    assert!(text_of(all(&page, "#unsourced")[0], &[]).contains("asterisk"));
}

#[test]
fn the_page_has_what_a_reader_looks_for() {
    let mut case = meeting();
    case.summary
        .warnings
        .push("the recording <breaks off>".into());
    let page = checked(&case, &case.page());
    let texts = |selector| -> Vec<String> {
        all(&page, selector)
            .into_iter()
            .map(|element| text_of(element, &[]))
            .collect()
    };
    assert_eq!(texts("h1"), ["2026-03-04 board meeting"]);
    assert!(texts(".facts")[0].contains("2 speakers"));
    assert_eq!(texts("nav ol a"), ["The bridge & the ferry", "Vote"]);
    assert_eq!(
        texts("nav ol small"),
        ["0:00:03–0:00:41", "0:01:30–0:02:10"]
    );
    assert!(texts(".warnings li").contains(&"the recording <breaks off>".to_owned()));
    assert_eq!(texts(".speakers th"), ["Ana Ruiz", "Ben Okafor"]);
    assert_eq!(texts(".turns b")[0], "Ana Ruiz 0:00:03");
    assert_eq!(texts(".turns h3"), ["1. The bridge & the ferry", "2. Vote"]);
    assert_eq!(texts(".overview b"), ["Bridge:", "Ferry:"]);
    assert_eq!(texts(".part h3"), ["The vote"]);
    let made = texts("dl")[0].clone();
    for told in [
        "scripted",
        "7, 2 of them again",
        "41,000 of prompts",
        "0.0570",
        "transcript-summarizer ",
    ] {
        assert!(made.contains(told), "{told}: {made}");
    }
    // By the clock, the second section lies in the second half.
    let bars = all(&page, "nav svg rect");
    let x: Vec<f64> = bars
        .iter()
        .map(|bar| bar.value().attr("x").unwrap().parse().unwrap())
        .collect();
    assert_eq!(x, [0.0, (87.0_f64 / 127.0 * 1000.0).round()]);
}

#[test]
fn overlapping_passages_are_highlighted_in_full() {
    let case = meeting();
    let text = case.transcript.text();
    let passage = |from: &str, to: &str| {
        let start = text.find(from).unwrap();
        Span::from(start..start + text[start..].find(to).unwrap() + to.len())
    };
    let spans = [
        passage("Good morning", "bridge"),
        passage("The bridge at", "today."),
        passage("the board has", "March."),
        // A longer passage that begins at the same word, and one that begins in a label.
        passage("The bridge at", "decide"),
        passage("Ben Okafor: I am", "against"),
    ];
    let overview = case.summary.overview.clone().unwrap();
    let whole = Cited {
        at: 0..overview.find('\n').unwrap(),
        passages: spans.to_vec(),
    };
    let sources = Sources {
        overview: vec![whole],
        ..Sources::default()
    };
    let page = checked(&case, &case.page_with(&sources));
    let found: Vec<String> = (1..=4)
        .map(|number| highlighted(&page, &format!("p{number}")))
        .collect();
    assert_eq!(
        found[..3],
        [spans[0].of(text), spans[1].of(text), spans[2].of(text)]
    );
    assert_eq!(found[3], "I am against");
    assert!(all(&page, "mark#p5").is_empty());
    for pieces in 2..=turns::MOST_PIECES {
        assert!(
            STYLE.contains(&format!(".n{pieces}")),
            "no rule for {pieces} pieces"
        );
    }
}

#[test]
fn of_a_long_transcript_the_passages_are_shown_and_every_link_still_leads_somewhere() {
    let case = meeting();
    let at = case.transcript.text().find("I will write").unwrap();
    let sources = Sources {
        lists: vec![vec![Cited {
            at: 0..10,
            passages: vec![Span::from(at..at + 12)],
        }]],
        ..Sources::default()
    };
    let citations = Citations::new(&case.transcript, &sources);
    let turns = Turns::new(&case.transcript, &case.summary, &citations, None);
    assert!(!turns.is_partial());
    let turns = turns.around_passages();
    assert!(turns.is_partial());
    let written = Html::parse_fragment(&turns.render().into_string());
    let texts: Vec<String> = all(&written, "p, h3")
        .into_iter()
        .map(|element| text_of(element, &["sup"]).trim_end().to_owned())
        .collect();
    assert_eq!(
        texts,
        [
            "[…]",
            "1. The bridge & the ferry",
            "2. Vote",
            "Ben Okafor 0:02:10I will write to the harbor master by Friday about the lights.",
        ]
    );
    assert_eq!(all(&written, "#t1, #t2, #p1").len(), 3);
}

#[test]
fn a_long_speech_is_divided_between_sentences_and_outside_of_passages() {
    let speech: String = (0..400)
        .map(|nth| format!("Number {nth} of this speech is said by Dr. Lee here. "))
        .collect();
    let transcript = read(&format!("Lee: {speech}\n")).unwrap();
    let text = transcript.text();
    let middle = text.find("Number 200 of").unwrap();
    let passage = Span::from(middle..text.find(" Number 240 of").unwrap());
    let sources = Sources {
        overview: vec![Cited {
            at: 0..3,
            passages: vec![passage],
        }],
        ..Sources::default()
    };
    let summary = Summary {
        overview: Some("Lee spoke.".into()),
        sections: vec![section(
            &transcript,
            "A",
            "Lee spoke.",
            Span::from(0..text.len()),
        )],
        ..Summary::default()
    };
    let case = Case::new(transcript.clone(), summary);
    let page = checked(&case, &case.page_with(&sources));
    let paragraphs = all(&page, ".turns p");
    assert!((10..30).contains(&paragraphs.len()), "{}", paragraphs.len());
    for paragraph in &paragraphs {
        let said = text_of(*paragraph, &["sup", "b"]);
        assert!(said.trim_end().ends_with("here."), "{said}");
    }
    assert_eq!(highlighted(&page, "p1"), passage.of(text));
}

#[test]
fn a_word_of_a_megabyte_is_divided_and_no_passage_is_longer_than_one_of_words() {
    let text = format!("Ana: {}\n", "<".repeat(1_000_000));
    let transcript = read(&text).unwrap_or_else(|| Transcript::verbatim(text));
    let whole = Span::from(0..transcript.text().len());
    let summary = Summary {
        sections: vec![section(&transcript, "One", "So it was.", whole)],
        ..Summary::default()
    };
    let sources = Sources {
        sections: vec![vec![Cited {
            at: 0..10,
            passages: vec![whole],
        }]],
        ..Sources::default()
    };
    let page = Case::new(transcript, summary).page_with(&sources);
    let page = Html::parse_document(&page);
    let longest = |selector| {
        let lengths = all(&page, selector).into_iter();
        let lengths = lengths.map(|element| text_of(element, &[]).len());
        lengths.max().unwrap()
    };
    assert!((4000..4100).contains(&longest("#transcript mark")));
    assert!((4000..10_000).contains(&longest("#transcript p")));
}

#[test]
fn a_page_says_in_which_language_its_parts_are() {
    let mut case = meeting();
    case.summary.language = Some("ar".into());
    let page = checked(&case, &case.page());
    let html = all(&page, "html")[0].value();
    assert_eq!(
        (html.attr("lang"), html.attr("dir")),
        (Some("ar"), Some("rtl"))
    );
    let turns = all(&page, ".turns")[0].value();
    assert_eq!(
        (turns.attr("lang"), turns.attr("dir")),
        (Some("en"), Some("ltr"))
    );
    assert_eq!(all(&page, ".turns h3")[0].value().attr("lang"), Some("ar"));
    for english in [".facts", ".speakers", "footer", ".legend"] {
        assert_eq!(
            all(&page, english)[0].value().attr("lang"),
            Some("en"),
            "{english}"
        );
    }
    for (heading, words) in [
        (".kicker", "الملخص"),
        ("#contents", "المحتويات"),
        ("#said", "النص المفرّغ"),
        ("#speakers", "مدة حديث كل متحدث"),
    ] {
        let heading = all(&page, heading)[0];
        assert_eq!(text_of(heading, &[]), words);
        let nearest = heading.ancestors().filter_map(ElementRef::wrap);
        let mut languages = [heading].into_iter().chain(nearest);
        let language = languages.find_map(|element| element.value().attr("lang"));
        assert_eq!(language, Some("ar"));
    }
    case.summary.language = Some("en\" onload=\"alert(1)".into());
    let page = checked(&case, &case.page());
    assert_eq!(all(&page, "html")[0].value().attr("lang"), Some("en"));
    assert!(all(&page, "main [lang]").is_empty());
}

#[test]
fn turns_that_were_recognized_badly_are_dotted() {
    let cue = |nth: usize, name: &str, confidence: f64, text: &str| {
        format!(
            "{{\"start\": {nth}, \"end\": {nth}.9, \"speaker\": \"{name}\", \"confidence\": {confidence}, \"text\": \"{text}\"}}"
        )
    };
    let cues = [
        cue(1, "Ana", 0.98, "The bridge costs two million."),
        cue(2, "Ben", 0.41, "The furry cost nothing."),
        cue(3, "Ana", 0.9, "Then we vote."),
    ];
    let transcript = read(&format!("[{}]", cues.join(","))).unwrap();
    let whole = Span::from(0..transcript.text().len());
    let summary = Summary {
        sections: vec![section(&transcript, "A", "They voted.", whole)],
        ..Summary::default()
    };
    let case = Case::new(transcript, summary);
    let page = checked(&case, &case.page());
    let dotted: Vec<String> = all(&page, ".unsure")
        .into_iter()
        .map(|turn| text_of(turn, &["b"]).trim_end().to_owned())
        .collect();
    assert_eq!(dotted, ["The furry cost nothing."]);
    assert!(text_of(all(&page, "aside header")[0], &[]).contains("Dotted"));
}

#[test]
fn titles_are_made_of_keys() {
    for (key, title) in [
        ("talks/harbor-line-review.txt", "Harbor line review"),
        ("2026-03-04_board.vtt", "2026-03-04 board"),
        ("a/b/", "B"),
        ("no-ending", "No ending"),
        (".txt", ".txt"),
        ("café_überblick.json", "Café überblick"),
        ("", "Transcript"),
        ("___.txt", "Transcript"),
    ] {
        assert_eq!(title_of(key), title);
    }
}

/// What an attacker would say, and other things that are hard to show.
fn hostile() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "<script>alert(1)</script>",
        "</style><script>alert(1)</script>",
        "</title><img src=x onerror=alert(1)>",
        "<a href=\"javascript:alert(1)\">here</a>",
        "\" onmouseover=\"alert(1)\" x='",
        "' autofocus onfocus='alert(1)",
        "&lt;b&gt; &amp;amp; &#60;i&#62;",
        "<!-- --> ]]> <![CDATA[",
        "\u{202e}txt.exe\u{202c} \u{2066}left\u{2069}",
        "\u{0}nul \u{1b}[31mred\u{1b}[0m \u{7f}\u{85}\u{9b}2J",
        "\u{feff}\u{200b}\u{200f}\u{ad}\u{2028}\u{fffe}",
        "javascript:alert(1)",
        "我们开会讨论预算。然后表决！",
        "שלום לכולם. מתחילים עכשיו.",
        "- an entry. - another",
        "The bridge costs 417,250 dollars, said Ana Ruiz.",
        "a\tb  c",
    ]);
    prop_oneof![
        4 => known.prop_map(str::to_owned),
        2 => "[a-zA-Z ,.!?:<>&\"'/=-]{0,60}",
        1 => "\\PC{0,20}",
        1 => any::<String>().prop_map(|text| text.chars().take(30).collect()),
        1 => (1_usize..4).prop_map(|times| "N".repeat(times * 4000)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_is_said_the_page_only_has_elements_of_ours(
        turns in prop::collection::vec((hostile(), prop::collection::vec(hostile(), 1..4)), 1..12),
        written in prop::collection::vec(prop::collection::vec(hostile(), 1..5), 1..4),
        title in hostile(),
        key in hostile(),
        cuts in prop::collection::vec(0.0_f64..1.0, 2),
    ) {
        let turns = turns.iter().map(|(name, said)| format!("{}: {}\n", name.replace('\n', " "), said.join(" ")));
        let text: String = turns.collect();
        let Some(transcript) = read(&format!("{text}\nAna Ruiz: The bridge costs 417,250 dollars.\n")) else {
            return Ok(());
        };
        let whole = transcript.text().len();
        let mut cuts: Vec<usize> = cuts
            .iter()
            .map(|cut| transcript.text().floor_char_boundary((whole as f64 * cut) as usize))
            .collect();
        cuts.extend([0, whole]);
        cuts.sort_unstable();
        let spans = cuts.windows(2).map(|pair| Span::from(pair[0]..pair[1]));
        let texts = written.iter().cycle().map(|parts| parts.join(" "));
        let sections = spans.zip(texts.clone()).map(|(span, text)| section(&transcript, &title, &text, span));
        let line = written.concat().join(" ").replace('\n', " ");
        let entry = Entry { text: line, ..Entry::default() };
        let summary = Summary {
            language: Some("en".into()),
            overview: texts.clone().next().filter(|text| !text.trim().is_empty()),
            lists: vec![List { kind: ListKind::Figures, title: "Key figures", entries: vec![entry] }],
            sections: sections.collect(),
            warnings: vec![title.clone()],
            ..Summary::default()
        };
        let mut case = Case::new(transcript.clone(), summary);
        case.at.key = key;
        let page = case.page();
        checked(&case, &page);
        prop_assert!(page == case.page(), "two pages of one document differ");
    }
}
