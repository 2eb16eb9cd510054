//! Reads captions in XML: TTML, the two forms of YouTube's timed text, and SAMI, whose elements have no ends.

use std::collections::HashMap;

use crate::text::{Span, words};
use crate::transcript::format::captions::Raw;
use crate::transcript::format::captions::time::time;

/// Elements that hold the text of a caption.
const ELEMENTS: [&str; 6] = ["p", "tt:p", "text", "SYNC", "Sync", "sync"];

/// Reads the captions of one text, block by block.
#[derive(Debug, Default)]
pub(super) struct Xml {
    /// Inside a caption whose element has not ended yet.
    open: Option<Element>,
    /// Speakers of TTML by their identifiers, and the identifier whose name comes next.
    agents: HashMap<String, String>,
    agent: String,
    is_named: bool,
    /// The speaker of the elements inside a `div`.
    outer: Option<String>,
    /// Ticks per second, for times such as `90000t`.
    tick_rate: Option<i64>,
    /// The outermost element, and whether it has ended.
    root: Option<String>,
    is_over: bool,
    /// Words after its end.
    pub(super) strays: usize,
}

/// The beginning of characters that are not parsed.
const CDATA: &str = "![CDATA[";

#[derive(Debug, Default)]
struct Element {
    start: Option<i64>,
    end: Option<i64>,
    agent: Option<String>,
}

/// Whether a text that starts with `<` is captions, and no page.
pub(super) fn is_captions(sample: &str) -> bool {
    let is_timed = |at: usize| {
        let tag = sample.split_at(at).1.split('>').next().unwrap_or_default();
        ["begin", "start", "t"].iter().any(|name| {
            attribute(tag, name).is_some_and(|time| time.starts_with(|c: char| c.is_ascii_digit()))
        })
    };
    sample.contains("http://www.w3.org/ns/ttml")
        || ["<p ", "<tt:p ", "<text "].iter().any(|element| {
            sample
                .match_indices(element)
                .take(8)
                .any(|(at, _)| is_timed(at))
        })
}

/// The end of the last caption of a text.
pub(super) fn end_of_last(text: &str) -> Option<usize> {
    let ends = ELEMENTS.iter().filter_map(|name| {
        let end = format!("</{name}>");
        Some(text.rfind(&end)? + end.len())
    });
    let starts = ELEMENTS
        .iter()
        .filter(|name| name.eq_ignore_ascii_case("sync"))
        .filter_map(|name| text.rfind(&format!("<{name} ")).filter(|&at| at > 0));
    ends.chain(starts).max()
}

impl Xml {
    pub(super) fn read(&mut self, block: &str, sink: &mut dyn FnMut(&Raw<'_>)) {
        let mut lines = Vec::new();
        let mut at = 0;
        while at < block.len() {
            let (inside, after) = match block.split_at(at).1.split_once('<') {
                Some((inside, after)) => (inside, after),
                None => (block.split_at(at).1, ""),
            };
            let text_end = at + inside.len();
            if self.open.is_some() {
                extend(&mut lines, block, at..text_end);
            } else if self.is_over {
                self.strays += words::count(inside);
            }
            if let Some(characters) = after.strip_prefix(CDATA) {
                let start = text_end + 1 + CDATA.len();
                let end = start + characters.find("]]>").unwrap_or(characters.len());
                if self.open.is_some() {
                    extend(&mut lines, block, start..end);
                }
                at = (end + "]]>".len()).min(block.len());
                continue;
            }
            if std::mem::take(&mut self.is_named) {
                let id = std::mem::take(&mut self.agent);
                self.agents.insert(id, inside.trim().to_owned());
            }
            let tag = after.split(['>', '<']).next().unwrap_or_default();
            let tag_end = (text_end + 1 + tag.len() + 1).min(block.len());
            let tag_end = block.floor_char_boundary(tag_end);
            let name = tag
                .trim_start_matches('/')
                .split([' ', '\n', '\t', '\r', '/'])
                .next()
                .unwrap_or_default();
            self.note_root(name, tag);
            if !ELEMENTS.contains(&name) {
                self.note(name, tag);
                if self.open.is_some() {
                    // Spans and breaks stay for the cleaning of the text.
                    extend(&mut lines, block, text_end..tag_end);
                }
            } else {
                self.hand_on(block, &mut lines, sink);
                let is_closed = tag.starts_with('/') || tag.ends_with('/');
                self.open = (!is_closed).then(|| self.element(tag));
            }
            at = tag_end;
        }
        self.hand_on(block, &mut lines, sink);
    }

    fn hand_on(&self, block: &str, lines: &mut Vec<Span>, sink: &mut dyn FnMut(&Raw<'_>)) {
        lines.retain_mut(|line| {
            let text = line.of(block);
            let start = line.start + text.len() - text.trim_start().len();
            *line = Span::from(start..start + text.trim().len());
            line.len() > 0
        });
        if let Some(open) = &self.open
            && !lines.is_empty()
        {
            let agent = open.agent.as_ref().or(self.outer.as_ref());
            let name = agent.map(|id| self.agents.get(id).unwrap_or(id));
            sink(&Raw {
                block,
                identifier: None,
                label: name.map(String::as_str),
                start: open.start,
                end: open.end,
                confidence: None,
                lines,
            });
        }
        lines.clear();
    }

    /// Notes where the outermost element begins and ends.
    fn note_root(&mut self, name: &str, tag: &str) {
        match &self.root {
            None if name.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                self.root = Some(name.to_owned());
            }
            Some(root) => self.is_over |= tag.starts_with('/') && root == name,
            None => {}
        }
    }

    /// What a reader of the summary should know about the captions.
    pub(super) fn warning(&self) -> Option<String> {
        let is_cut = self.root.is_some() && !self.is_over;
        is_cut.then(|| "the file ends within its captions: the rest is missing".to_owned())
    }

    /// Notes what the tag of another element tells about the captions in it or after it.
    fn note(&mut self, name: &str, tag: &str) {
        let value = |name| attribute(tag, name).map(str::to_owned);
        let is_end = tag.starts_with('/');
        match name {
            "tt" | "tt:tt" => {
                self.tick_rate = attribute(tag, "ttp:tickRate").and_then(|rate| rate.parse().ok());
            }
            "ttm:agent" if !is_end => self.agent = value("xml:id").unwrap_or_default(),
            "ttm:name" => self.is_named = !is_end,
            "div" | "tt:div" => self.outer = value("ttm:agent"),
            _ => {
                if let Some(open) = self.open.as_mut().filter(|open| open.agent.is_none()) {
                    open.agent = value("ttm:agent");
                }
            }
        }
    }

    /// The times of an element: `begin` and `end` or `dur` in TTML, `start` and `dur` in seconds or `t` and `d` in
    /// milliseconds in YouTube's forms.
    fn element(&self, tag: &str) -> Element {
        let clock = |name| attribute(tag, name).and_then(|value| self.time(value));
        let millis = |name| attribute(tag, name).and_then(|value| value.parse().ok());
        let start = clock("begin")
            .or_else(|| clock("start"))
            .or_else(|| millis("t"))
            .or_else(|| millis("Start"))
            .or_else(|| millis("START"));
        let duration = clock("dur").or_else(|| millis("d"));
        let after = || Some(start?.saturating_add(duration?));
        Element {
            start,
            end: clock("end").or_else(after),
            agent: attribute(tag, "ttm:agent").map(str::to_owned),
        }
    }

    fn time(&self, value: &str) -> Option<i64> {
        if let Some(ticks) = value.strip_suffix('t') {
            let ticks: i64 = ticks.parse().ok()?;
            return ticks
                .checked_mul(1000)?
                .checked_div(self.tick_rate.unwrap_or(1));
        }
        if let Some(millis) = value.strip_suffix("ms") {
            return millis.parse().ok();
        }
        match time(value) {
            Some((millis, len)) if len == value.len() => Some(millis),
            _ => value.parse::<i64>().ok()?.checked_mul(1000),
        }
    }
}

/// Adds a part of the text, which continues the last one unless there is something between them.
fn extend(lines: &mut Vec<Span>, block: &str, part: std::ops::Range<usize>) {
    match lines.last_mut() {
        Some(last) if last.end == part.start => last.end = part.end,
        _ if block.get(part.clone()).is_some_and(|text| !text.is_empty()) => {
            lines.push(part.into())
        }
        _ => {}
    }
}

/// The value of an attribute of a tag.
fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    let mut from = 0;
    loop {
        let rest = tag.split_at(from).1;
        let at = rest.find(name)?;
        let (before, after) = rest.split_at(at);
        let value = after
            .split_at(name.len())
            .1
            .trim_start()
            .strip_prefix('=')
            .map(str::trim_start);
        if before.ends_with(char::is_whitespace)
            && let Some(value) = value
        {
            return match value.chars().next()? {
                quote @ ('"' | '\'') => value.split_at(1).1.split(quote).next(),
                _ => value.split(char::is_whitespace).next(),
            };
        }
        from += at + name.len();
    }
}
