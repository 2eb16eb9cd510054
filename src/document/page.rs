//! Renders a summary as a page to read, with the transcript beside it.
//!
//! The page is one file that needs nothing else and runs no script: a summary may hold what strangers said, so its
//! Content Security Policy allows the one style sheet below and nothing more. Links only lead to places of the page. Where a
//! recording or the summary read out lie beside the page, it also plays those ([`players`]).
//!
//! - Every sentence ends with the numbers of the passages that it rests on. They lead to the transcript, where `:target`
//!   highlights the passage; its numbers lead back.
//! - All text is shown as [`Shown`]: escaped, and without the characters that command a terminal or turn the reading direction.
//! - Headings are in the language of the summary. Sentences around the text are English, and say so by `lang` where the summary is
//!   in another language.

mod citations;
mod players;
mod turns;

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, Render, html};
use sha2::{Digest, Sha256};

use crate::document::page::citations::{Citations, Sentence};
use crate::document::page::players::Players;
use crate::document::page::turns::Turns;
use crate::document::report::{Report, SpeakerReport};
use crate::document::sources::Sources;
use crate::document::{Document, is_hidden};
use crate::store::Location;
use crate::summary::titles::{Titles, titles};
use crate::summary::{Section, Source, TokenTotals};
use crate::text::number::{counted, grouped};
use crate::text::{Language, Span, tag, words};
use crate::transcript::Timestamp;

const STYLE: &str = concat!(
    include_str!("page/palette.css"),
    include_str!("page/style.css")
);

/// Speakers that are listed at once. Others can be unfolded, up to the maximum.
const SPEAKERS_AT_ONCE: usize = 12;
const MOST_SPEAKERS: usize = 200;

/// Maximum number of words before the colon of an entry that are its subject.
const MOST_LEAD_WORDS: usize = 5;

/// Languages that are written from right to left.
const RIGHT_TO_LEFT: [&str; 9] = ["ar", "ckb", "dv", "fa", "he", "ps", "sd", "ur", "yi"];

/// The width of a bar, in its own units.
const BAR_WIDTH: f64 = 1000.0;

/// Renders the page. `sources` and `report` are those of the document.
#[must_use]
pub fn render(document: &Document<'_>, sources: &Sources, report: &Report) -> String {
    let transcript = document.transcript;
    let citations = Citations::new(transcript, sources);
    let language = |code: Option<&str>| code.and_then(Language::parse);
    let spoken = language(transcript.language().as_deref());
    let page = Page {
        document,
        report,
        language: language(document.summary.language.as_deref()).or(spoken.clone()),
        spoken,
        speakers: report.speakers.iter().map(name).collect(),
        citations: &citations,
        players: Players::of(document),
    };
    page.whole().into_string()
}

/// A text from outside: escaped, without [hidden](is_hidden) characters.
struct Shown<'a>(&'a str);

impl Render for Shown<'_> {
    fn render_to(&self, page: &mut String) {
        for kept in self.0.split(is_hidden) {
            kept.render_to(page);
        }
    }
}

/// What a speaker is called in the summary.
fn name(speaker: &SpeakerReport) -> &str {
    speaker.name.as_ref().unwrap_or(&speaker.label)
}

struct Page<'a> {
    document: &'a Document<'a>,
    report: &'a Report,
    /// The language of the summary, as far as it is known.
    language: Option<Language>,
    /// The language of the transcript.
    spoken: Option<Language>,
    /// What the speakers are called in the summary.
    speakers: HashSet<&'a str>,
    citations: &'a Citations,
    players: Players,
}

impl<'a> Page<'a> {
    fn whole(&self) -> Markup {
        let lang = self.language.as_ref().map_or("en", Language::tag);
        let hash = STANDARD.encode(Sha256::digest(STYLE));
        let media = match self.players.are_any() {
            true => " media-src 'self';",
            false => "",
        };
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{hash}';{media} base-uri 'none'; form-action 'none'"
        );
        let title = self.document.title();
        let (written, spoken) = (self.language.as_ref(), self.spoken.as_ref());
        let other = spoken.filter(|_| written != spoken).map(Language::tag);
        let titles = written.filter(|_| other.is_some()).map(Language::tag);
        let (transcript, summary) = (self.document.transcript, self.document.summary);
        let turns = Turns::new(transcript, summary, self.citations, titles);
        html! {
            (DOCTYPE)
            html lang=(lang) dir=(direction(lang)) {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="referrer" content="no-referrer";
                    meta name="color-scheme" content="light dark";
                    meta name="generator" content=(self.report.generator);
                    title { (Shown(&title)) " – summary" }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    nav .skip lang=[self.english()] aria-label="Skip" {
                        a href="#summary" { "Skip to the summary" }
                        a href="#transcript" { "Skip to the transcript" }
                    }
                    main #summary tabindex="0" aria-labelledby="title" {
                        (self.header(&title))
                        (self.players())
                        (self.glance())
                        (self.contents())
                        @for (index, section) in summary.sections.iter().enumerate() {
                            (self.section(index, section))
                        }
                        (self.talk())
                        (self.making())
                    }
                    aside #transcript tabindex="0" aria-labelledby="said" {
                        header lang=[self.english()] {
                            h2 #said lang=[self.native()] dir="auto" { (self.titles().transcript) }
                            @if turns.is_partial() {
                                p .note {
                                    "The transcript is too long for one page: here are the passages that the summary rests on."
                                }
                            }
                            @if turns.are_unsure() {
                                p .note { "Dotted lines mark what the recognizer was unsure of." }
                            }
                        }
                        // Written here, not by a function that returns it: it may have megabytes, which would be copied. Browsers
                        // take minutes for that many under `dir="auto"`: each paragraph finds its direction by the style.
                        div .turns .long[turns.are_long()] lang=[other] dir=[other.map(direction)] { (turns) }
                    }
                }
            }
        }
    }

    /// The language of English words, where that of the page is another one.
    fn english(&self) -> Option<&'static str> {
        let is_other = |language: &Language| !language.is_that_of("en");
        self.language.as_ref().is_some_and(is_other).then_some("en")
    }

    fn header(&self, title: &str) -> Markup {
        let report = self.report;
        let spoken = report
            .source
            .words
            .and_then(|words| usize::try_from(words).ok());
        let time = self.document.transcript.whole().time_span();
        let length = time
            .filter(|(from, until)| until > from)
            .map(|(from, until)| {
                Timestamp::clamped(i64::from(until.millis()) - i64::from(from.millis())).to_string()
            });
        html! {
            header {
                p .kicker { (self.titles().summary) }
                h1 #title dir="auto" { (Shown(title)) }
                p .facts lang=[self.english()] {
                    span {
                        (counted(report.summary.words, "word"))
                        @if let Some(spoken) = spoken { " from " (grouped(spoken)) " spoken" }
                    }
                    @if let Some(length) = length { span { (length) } }
                    @if !report.speakers.is_empty() {
                        span { (counted(report.speakers.len(), "speaker")) }
                    }
                }
                (self.legend())
                @if !report.warnings.is_empty() {
                    section .warnings lang=[self.english()] {
                        h2 { "Before you rely on it" }
                        ul { @for warning in &report.warnings { li { (Shown(warning)) } } }
                    }
                }
            }
        }
    }

    /// Explains the marks.
    fn legend(&self) -> Markup {
        html! {
            div .legend lang=[self.english()] {
                @if !self.citations.passages.is_empty() {
                    p { "Small numbers lead to the words that a sentence rests on." }
                }
                @if self.citations.has_unsourced() {
                    p #unsourced {
                        "An asterisk marks a sentence for which no such words were found: check it before you rely on it."
                    }
                }
            }
        }
    }

    /// The overview and the lists.
    fn glance(&self) -> Markup {
        let summary = self.document.summary;
        let lists = summary.lists.iter().enumerate();
        html! {
            @if let Some(overview) = &summary.overview {
                section .overview {
                    h2 dir="auto" { (summary.overview_title()) }
                    (self.prose(overview, &self.citations.overview, &[]))
                }
            }
            @for (at, list) in lists.filter(|(_, list)| !list.entries.is_empty()) {
                section .list {
                    h2 dir="auto" { (list.title) }
                    ul {
                        @for (nth, entry) in list.entries.iter().enumerate() {
                            @let sentence = self.citations.lists.get(at).and_then(|list| list.get(nth));
                            li dir="auto" { (self.line(&entry.text, &Line::whole(&entry.text), sentence.map_or(&[], std::slice::from_ref))) }
                        }
                    }
                }
            }
        }
    }

    fn contents(&self) -> Markup {
        let summary = self.document.summary;
        html! {
            nav aria-labelledby="contents" {
                h2 #contents dir="auto" { (self.titles().contents) }
                ol {
                    @for (index, section) in summary.sections.iter().enumerate() {
                        li {
                            a href=(format_args!("#c{}", index + 1)) dir="auto" { (Shown(&section.title)) }
                            @if let Some(clock) = section.clock() { small { (clock) } }
                            (self.place(section))
                        }
                    }
                }
            }
        }
    }

    /// The fixed words in the language of the summary.
    fn titles(&self) -> &'static Titles {
        titles(self.language.as_ref().map(Language::tag))
    }

    /// The language of the page, inside an element with English words.
    fn native(&self) -> Option<&str> {
        self.english()?;
        self.language.as_ref().map(Language::tag)
    }

    /// A bar that tells where in the recording a section is; by the clock where the transcript has times.
    fn place(&self, section: &Section) -> Markup {
        let transcript = self.document.transcript;
        let all = transcript.whole().time_span();
        let by_clock = |span: &Span| {
            let (from, until) = transcript.passage(*span).time_span()?;
            let (first, last) = all.filter(|(first, last)| first < last)?;
            let share = |time: Timestamp| time.seconds_since(first) / last.seconds_since(first);
            Some((share(from), share(until)))
        };
        let by_text = |span: &Span| {
            let share = |at: usize| at as f64 / transcript.text().len().max(1) as f64;
            (share(span.start), share(span.end))
        };
        let timed: Option<Vec<_>> = section.spans.iter().map(by_clock).collect();
        let is_within = |&(from, until): &(f64, f64)| 0.0 <= from && from <= until && until <= 1.0;
        let timed = timed.filter(|stretches| stretches.iter().all(is_within));
        bar(timed.unwrap_or_else(|| section.spans.iter().map(by_text).collect()))
    }

    fn section(&self, index: usize, section: &Section) -> Markup {
        let number = index + 1;
        let empty = Vec::new();
        let sentences = self.citations.sections.get(index).unwrap_or(&empty);
        let is_stopgap = section.source == Source::Extractive && !self.document.model.quotes;
        html! {
            section .part {
                h2 id=(format_args!("c{number}")) dir="auto" {
                    span { (number) } " " (Shown(&section.title))
                }
                p .when {
                    @let way = section.clock();
                    a href=(format_args!("#t{number}")) dir="auto" {
                        (way.as_deref().unwrap_or(self.titles().in_transcript))
                    }
                    (self.play(section))
                }
                @if is_stopgap {
                    p .note lang=[self.english()] {
                        "Sentences of the transcript: the model gave no usable answer for this part."
                    }
                }
                (self.prose(&section.body(), sentences, &section.matters))
            }
        }
    }

    /// The paragraphs, entries and headings of a text.
    fn prose(&self, text: &str, sentences: &[Sentence], matters: &[String]) -> Markup {
        let lines = lines_of(text);
        let blocks = lines.chunk_by(|one, next| one.is_entry && next.is_entry);
        let is_matter = |line: &Line| matters.iter().any(|name| name == line.span.of(text));
        html! {
            @for block in blocks {
                @if block.iter().any(|line| line.is_entry) {
                    ul {
                        @for line in block {
                            li dir="auto" { (self.line(text, line, sentences)) }
                        }
                    }
                } @else {
                    @for line in block {
                        @if is_matter(line) {
                            h3 dir="auto" { (self.line(text, line, sentences)) }
                        } @else {
                            p dir="auto" { (self.line(text, line, sentences)) }
                        }
                    }
                }
            }
        }
    }

    /// A line of `text` with the marks of its sentences.
    fn line(&self, text: &str, line: &Line, sentences: &[Sentence]) -> Markup {
        let Span { start, end } = line.span;
        let mut written = String::new();
        let mut at = start;
        if let Some(lead) = self.lead(text, line, sentences) {
            html! { b { (Shown(lead.of(text))) } }.render_to(&mut written);
            at = lead.end;
        }
        let touching = |sentence: &&Sentence| sentence.at.start < end && sentence.at.end > start;
        for sentence in sentences.iter().filter(touching) {
            let from = sentence.at.start.clamp(at, end);
            let until = sentence.at.end.clamp(from, end);
            Shown(Span::from(at..from).of(text)).render_to(&mut written);
            at = until;
            // A sentence over several lines begins on its first and is marked on its last one.
            let begins = sentence.at.start >= line.before && !sentence.passages.is_empty();
            let id = begins.then(|| format!("s{}", sentence.number));
            html! {
                span id=[id] {
                    (Shown(Span::from(from..until).of(text)))
                    @if sentence.at.end <= line.after { (marks(sentence)) }
                }
            }
            .render_to(&mut written);
        }
        Shown(Span::from(at..end).of(text)).render_to(&mut written);
        PreEscaped(written)
    }

    /// What stands before the colon at the beginning of a line, with the colon: who is quoted, or what an entry is about.
    fn lead(&self, text: &str, line: &Line, sentences: &[Sentence]) -> Option<Span> {
        let lead = line.span.of(text).split_once(": ")?.0;
        let is_subject = line.is_entry && words::count(lead) <= MOST_LEAD_WORDS;
        let span = Span::from(line.span.start..line.span.start + lead.len() + 1);
        // A sentence is more than its lead.
        let is_whole =
            |sentence: &Sentence| (line.span.start + 1..=span.end).contains(&sentence.at.end);
        let is_lead = is_subject || self.speakers.contains(lead);
        (is_lead && !sentences.iter().any(is_whole)).then_some(span)
    }

    /// The speakers with their shares of the talk.
    fn talk(&self) -> Markup {
        let speakers = &self.report.speakers;
        let all: usize = speakers.iter().map(|speaker| speaker.words).sum();
        let mut by_words: Vec<&SpeakerReport> = speakers.iter().collect();
        by_words.sort_by_cached_key(|speaker| std::cmp::Reverse(speaker.words));
        let (first, others) = by_words.split_at(by_words.len().min(SPEAKERS_AT_ONCE));
        let (listed, rest) = others.split_at(others.len().min(MOST_SPEAKERS));
        html! {
            @if all > 0 {
                section .speakers lang=[self.english()] {
                    h2 #speakers lang=[self.native()] dir="auto" { (self.titles().shares) }
                    (shares(first, all))
                    @if !listed.is_empty() {
                        details {
                            summary { "Show " (counted(listed.len(), "more speaker")) }
                            (shares(listed, all))
                            @if !rest.is_empty() { p { "Another " (grouped(rest.len())) " said less than these." } }
                        }
                    }
                }
            }
        }
    }

    /// How the summary was made.
    fn making(&self) -> Markup {
        html! {
            footer lang=[self.english()] {
                h2 { "How this summary was made" }
                dl {
                    @for (term, told) in self.circumstances() {
                        div { dt { (term) } dd dir="auto" { (Shown(&told)) } }
                    }
                }
            }
        }
    }

    fn circumstances(&self) -> Vec<(&'static str, String)> {
        let (document, report) = (self.document, self.report);
        let (model, usage, source) = (document.model, &report.usage, &report.source);
        let (mut told, bytes) = match &source.transcript_key {
            // The size is that of the recording.
            Some(transcript) => {
                let recording = ("Recording", source.key.clone());
                (vec![recording, ("Transcript", transcript.clone())], None)
            }
            None => (vec![("Transcript", source.key.clone())], source.bytes),
        };
        let bytes = bytes.and_then(|bytes| usize::try_from(bytes).ok());
        let read = [
            source.format.clone(),
            source.encoding.clone(),
            bytes.map(|bytes| counted(bytes, "byte")),
        ];
        told.push((
            "Read as",
            read.into_iter().flatten().collect::<Vec<_>>().join(", "),
        ));
        if let Some(confidence) = source.confidence {
            let percent = confidence * 100.0;
            told.push((
                "Recognition",
                format!("{percent:.0} % confidence on average"),
            ));
        }
        told.push((
            "Model",
            match (&report.model.model, model.quotes) {
                (_, true) => "built in: it quotes sentences of the transcript".to_owned(),
                (Some(model), false) => format!("{model} ({})", report.model.provider),
                (None, false) => report.model.provider.clone(),
            },
        ));
        if !model.local {
            let retries = match usage.retries {
                0 => String::new(),
                retries => format!(", {} of them again", grouped(retries)),
            };
            told.push(("Requests", format!("{}{retries}", grouped(usage.calls))));
        }
        let tokens = |tokens: u64| usize::try_from(tokens).unwrap_or(usize::MAX);
        let tokens = TokenTotals {
            prompt: tokens(usage.prompt_tokens),
            completion: tokens(usage.completion_tokens),
        };
        if tokens != TokenTotals::default() {
            let (prompt, completion) = (grouped(tokens.prompt), grouped(tokens.completion));
            told.push((
                "Tokens",
                format!("{prompt} of prompts, {completion} of answers"),
            ));
            let cost = document.prices.and_then(|prices| prices.cost_of(usage));
            if let (Some(cost), Some(prices)) = (cost, document.prices) {
                let cost = prices.shown(cost);
                told.push(("Cost", format!("{cost}, by the prices that were set")));
            }
        }
        let (written, wanted) = (report.summary.words, report.summary.target_words);
        told.push((
            "Length",
            format!("{} of {} wanted", counted(written, "word"), grouped(wanted)),
        ));
        let corrected: usize = report.wishes.corrections.iter().map(|one| one.count).sum();
        if corrected > 0 {
            let told_of = counted(corrected, "misheard word or name");
            told.push(("Corrected", format!("{told_of}, as the glossary says")));
        }
        if let Some(speech) = &report.speech {
            let files = speech.keys.iter();
            let files = files.map(|key| Location::new(&speech.bucket, key).to_string());
            told.extend(files.map(|address| ("Read out", address)));
        }
        told.push(("Program", report.generator.replace('/', " ")));
        told
    }
}

/// A line of a text.
#[derive(Debug, Clone, Copy)]
struct Line {
    /// Its bytes, without what begins an entry.
    span: Span,
    is_entry: bool,
    /// Where the line before it ends, and where the one after it starts.
    before: usize,
    after: usize,
}

impl Line {
    /// The line that is all of `text`.
    fn whole(text: &str) -> Self {
        Self {
            span: Span::from(0..text.len()),
            is_entry: false,
            before: 0,
            after: text.len(),
        }
    }
}

/// The lines of a text that are not blank.
fn lines_of(text: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.trim_end().len();
        let is_entry = line.starts_with("- ");
        let begin = if is_entry { start + 2 } else { start };
        start += line.len();
        if begin >= end {
            continue;
        }
        let before = lines.last_mut().map_or(0, |last| {
            last.after = begin;
            last.span.end
        });
        lines.push(Line {
            span: Span::from(begin..end),
            is_entry,
            before,
            after: text.len(),
        });
    }
    lines
}

/// The marks at the end of a sentence: numbers of its passages, or an asterisk if it has none.
fn marks(sentence: &Sentence) -> Markup {
    html! {
        sup {
            // Without blanks between them, numbers in a text from right to left would be one.
            @for (nth, index) in sentence.passages.iter().enumerate() {
                @let number = index + 1;
                @if nth > 0 { " " }
                a href=(format_args!("#p{number}")) role="doc-noteref" { (number) }
            }
            @if sentence.passages.is_empty() {
                a href="#unsourced" aria-label="No source found" { "*" }
            }
        }
    }
}

/// The speakers' shares of `all` words.
fn shares(speakers: &[&SpeakerReport], all: usize) -> Markup {
    let clock = |seconds: f64| Timestamp::clamped((seconds * 1000.0) as i64).to_string();
    html! {
        table aria-labelledby="speakers" {
            @for speaker in speakers {
                @let share = speaker.words as f64 / all as f64;
                tr {
                    th scope="row" dir="auto" {
                        (Shown(name(speaker)))
                        @if speaker.name.is_some() { " " small { (Shown(&speaker.label)) } }
                    }
                    td { (bar(vec![(0.0, share)])) }
                    td { (format_args!("{:.0} %", share * 100.0)) }
                    td { (counted(speaker.words, "word")) }
                    @if let Some(seconds) = speaker.seconds { td { (clock(seconds)) } }
                }
            }
        }
    }
}

/// A picture of stretches between 0 and 1. What it shows stands beside it in words.
fn bar(stretches: Vec<(f64, f64)>) -> Markup {
    let unit = |share: f64| (share * BAR_WIDTH).round();
    html! {
        svg viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" {
            @for (from, until) in stretches {
                rect x=(unit(from)) width=(unit(until - from).max(6.0)) height="10" {}
            }
        }
    }
}

/// The direction in which a language is written.
fn direction(tag: &str) -> &'static str {
    match RIGHT_TO_LEFT.contains(&tag::primary(tag)) {
        true => "rtl",
        false => "ltr",
    }
}

#[cfg(test)]
mod tests;
