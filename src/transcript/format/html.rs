//! Reduces HTML to the lines of text that a browser shows: saved pages, and what word processors export as HTML.
//!
//! Block elements start lines, the cells of a table are separated by tabs, and line breaks in the source are blanks. The
//! reader of plain text then finds labels and times in these lines. Entities that it may take for markup are left to the
//! cleaner.

use std::ops::Range;

use crate::text::Span;
use crate::transcript::format::clean::entity;
use crate::transcript::format::writer::Block;
use crate::transcript::format::{Piece, looked_at};

/// Elements that start and end lines.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "br",
    "caption",
    "center",
    "dd",
    "details",
    "dialog",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "li",
    "main",
    "nav",
    "ol",
    "option",
    "p",
    "pre",
    "section",
    "select",
    "summary",
    "table",
    "tbody",
    "tfoot",
    "thead",
    "tr",
    "ul",
];

/// Elements that are dropped with their content. The head is none: a browser shows nothing of one that is closed, and all of
/// the page after one that is not.
const DROPPED: &[&str] = &[
    "noscript", "script", "style", "svg", "template", "textarea", "title", "xml",
];

/// Bytes in which a page without a beginning of one must show that it is one.
const SAMPLE_BYTES: usize = 16 * 1024;

/// Whether a text is HTML: it begins like a page, or a line in four of its beginning has a block element.
pub(crate) fn is_html(text: &str) -> bool {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let sample = text.split_at(text.floor_char_boundary(SAMPLE_BYTES)).0;
    let mut at = 0;
    let mut blocks = 0;
    let mut is_first = true;
    while let Some(open) = sample.get(at..).and_then(|rest| rest.find('<')) {
        let tag = Tag::at(sample, at + open);
        let begins = at + open == 0;
        if begins
            && [
                "<!doctype html",
                "<html",
                "<?xml version=\"1.0\" encoding=\"utf-8\"?><html",
            ]
            .iter()
            .any(|page| starts_with(sample, page))
        {
            return true;
        }
        let is_block = tag.is_some_and(|tag| {
            tag.is_block() || tag.is_cell() || (tag.dropped().is_some() && !tag.is_end)
        });
        // What is dropped may be all that looks like a page: "<script>" may be typed, too.
        let is_shown = tag.is_some_and(|tag| tag.dropped().is_none());
        if is_block && begins && is_first && is_shown {
            blocks += 2;
        }
        is_first = false;
        blocks += usize::from(is_block);
        at += open + 1;
    }
    let lines = sample
        .lines()
        .filter(|line| !line.trim().is_empty())
        .count();
    blocks >= 3 && blocks * 4 >= lines
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(start))
}

/// What lies between two texts. The strongest of several wins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    Blank,
    Line,
    /// The border between two cells, also if these have paragraphs.
    Cell,
    Row,
}

/// Reduces a page, block by block.
#[derive(Default)]
pub(crate) struct Reader {
    /// What to insert before the next text.
    gap: Option<Gap>,
    has_text: bool,
    /// The last thing was an end tag.
    after_end: bool,
    /// One inline element ended and another one began since the last text.
    is_seam: bool,
    is_preformatted: bool,
    /// The table has a header, so that its columns mean something, also where cells are empty.
    has_header: bool,
    /// Cells of this row that began since the last text.
    cells: usize,
    search: Search,
}

/// Searches for the ends of tags and elements.
#[derive(Default)]
struct Search {
    /// What cannot be found once is not looked for again, so that the time is linear.
    missing: Vec<&'static str>,
    /// Nothing is known to be missing before the last block.
    is_last: bool,
    /// Something was not found that a later block may have.
    is_cut: bool,
}

impl Search {
    fn is_missing(&self, what: &str) -> bool {
        self.missing.contains(&what)
    }

    fn miss(&mut self, what: &'static str) {
        if self.is_last {
            self.missing.push(what);
        }
        self.is_cut = !self.is_last;
    }

    fn find(&mut self, text: &str, end: &'static str) -> Option<usize> {
        if self.is_missing(end) {
            return None;
        }
        let found = text.find(end);
        looked_at(found.unwrap_or(text.len()));
        if found.is_none() {
            self.miss(end);
        }
        found
    }
}

impl Reader {
    /// Hands on the pieces of a block, in order, up to a tag or text that is cut. Returns where the next block has to start.
    pub(crate) fn read(&mut self, block: &Block<'_>, sink: &mut dyn FnMut(Piece)) -> usize {
        let text = block.text;
        (self.search.is_last, self.search.is_cut) = (block.is_last, false);
        let (mut at, mut from) = (0, 0);
        while from < block.wanted {
            let Some(open) = text.get(at..).and_then(|rest| rest.find('<')) else {
                let end = self.end_of_text(text, from);
                self.text(text, from..end, sink);
                return block.start + end;
            };
            let start = at + open;
            let tag = Tag::at(text, start);
            let end = tag.and_then(|tag| tag.end(text, &mut self.search));
            let end = tag.zip(end).map(|(tag, end)| match tag.dropped() {
                Some(name) if !tag.is_end => after_element(text, name, end, &mut self.search),
                _ => end,
            });
            // The last bytes may become a tag.
            self.search.is_cut |= !block.is_last && start + "</a".len() > text.len();
            if self.search.is_cut {
                self.text(text, from..start, sink);
                return block.start + start;
            }
            let Some((tag, end)) = tag.zip(end) else {
                at = start + 1;
                continue;
            };
            self.text(text, from..start, sink);
            self.tag(tag);
            (from, at) = (end, end);
        }
        block.start + from
    }

    /// Where to stop in a text without tags. An entity must not be cut.
    fn end_of_text(&self, text: &str, from: usize) -> usize {
        let rest = text.split_at(from).1;
        match rest.rfind(char::is_whitespace) {
            _ if self.search.is_last => text.len(),
            Some(blank) => from + blank,
            None => from,
        }
    }

    fn tag(&mut self, tag: Tag) {
        let gap = if tag.is("tr") || tag.is("table") {
            Some(Gap::Row)
        } else if tag.is_cell() {
            Some(Gap::Cell)
        } else {
            tag.is_block().then_some(Gap::Line)
        };
        if let Some(gap) = gap {
            self.widen(gap);
        }
        if tag.is("table") || tag.is("tr") {
            self.has_header &= tag.is("tr");
            self.cells = 0;
        } else if tag.is_cell() && !tag.is_end {
            self.has_header |= tag.is("th");
            self.cells += 1;
        }
        if tag.is("pre") {
            self.is_preformatted = !tag.is_end;
        } else if tag.is("html") && tag.is_end {
            // Nothing but text follows.
            self.is_preformatted = true;
        }
        self.is_seam |= self.after_end && !tag.is_end;
        self.after_end = tag.is_end;
    }

    fn widen(&mut self, gap: Gap) {
        self.gap = self.gap.max(Some(gap));
    }

    /// Takes the text between two tags.
    fn text(&mut self, text: &str, part: Range<usize>, sink: &mut dyn FnMut(Piece)) {
        let mut at = part.start;
        for line in Span::from(part).of(text).split_inclusive('\n') {
            let start = at + line.len() - line.trim_start().len();
            let words = line.trim();
            if start > at {
                self.widen(Gap::Blank);
            }
            at += line.len();
            if !words.is_empty() {
                self.keep(text, Span::from(start..start + words.len()), sink);
            }
            if line.ends_with('\n') && self.is_preformatted {
                self.widen(Gap::Line);
            } else if line.ends_with(char::is_whitespace) {
                self.widen(Gap::Blank);
            }
        }
    }

    fn keep(&mut self, text: &str, words: Span, sink: &mut dyn FnMut(Piece)) {
        // Pages put name, time and speech into elements beside each other and separate them by style. Word processors split
        // words that way, but hardly before a capital or a digit.
        let starts_word = |c: char| c.is_uppercase() || c.is_ascii_digit() || "([".contains(c);
        if self.gap.is_none() && self.is_seam && words.of(text).starts_with(starts_word) {
            self.gap = Some(Gap::Blank);
        }
        if let Some(gap) = self.gap.take().filter(|_| self.has_text) {
            sink(Piece::Insert(match gap {
                Gap::Blank => ' ',
                Gap::Line | Gap::Row => '\n',
                Gap::Cell => '\t',
            }));
            // The first cell of a row follows a newline, and each other one a tab.
            let empty = match gap {
                Gap::Row | Gap::Cell if self.has_header => self.cells.saturating_sub(1),
                _ => 0,
            };
            (0..empty).for_each(|_| sink(Piece::Insert('\t')));
        }
        self.cells = 0;
        let (mut from, mut at) = (words.start, words.start);
        while let Some(found) = Span::from(at..words.end).of(text).find('&') {
            let start = at + found;
            at = start + 1;
            let decoded = entity(Span::from(start..words.end).of(text));
            let decoded = decoded.filter(|(c, _)| !matches!(c, '<' | '&') && !c.is_control());
            if let Some((character, length)) = decoded {
                if from < start {
                    sink(Piece::Keep(Span::from(from..start)));
                }
                at = start + length;
                from = at;
                sink(Piece::Replace(Span::from(start..at), character));
            }
        }
        if from < words.end {
            sink(Piece::Keep(Span::from(from..words.end)));
        }
        self.has_text = true;
        self.after_end = false;
        self.is_seam = false;
    }
}

/// The byte after the element `name`, whose content starts at `at`, or `at` if the element has no end.
fn after_element(text: &str, name: &'static str, at: usize, search: &mut Search) -> usize {
    if search.is_missing(name) {
        return at;
    }
    let mut rest = at;
    while let Some(open) = text.get(rest..).and_then(|rest| rest.find('<')) {
        looked_at(open + 1);
        rest += open;
        match Tag::at(text, rest) {
            // A name that the block cuts may be that of another tag.
            Some(next) if next.at == text.len() && !search.is_last => break,
            Some(next) if next.is_end && next.is(name) => {
                return next.end(text, search).unwrap_or(text.len());
            }
            // The page goes on, so the element is not closed.
            Some(next) if next.is_beyond(name, text.split_at(rest).0) => return at,
            _ => rest += 1,
        }
    }
    search.miss(name);
    at
}

/// A tag, by its name.
#[derive(Clone, Copy)]
struct Tag<'t> {
    /// Byte after the name.
    at: usize,
    /// Empty for comments and declarations.
    name: &'t str,
    is_end: bool,
    is_comment: bool,
}

impl<'t> Tag<'t> {
    /// The tag that starts at `at`, if it is one: text may have `<` too.
    fn at(text: &'t str, at: usize) -> Option<Self> {
        let rest = text.get(at..)?.strip_prefix('<')?;
        let (rest, is_end) = match rest.strip_prefix('/') {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let len = rest
            .bytes()
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-'))
            .count();
        let name = rest.split_at(len).0;
        let is_declaration = rest.starts_with(['!', '?']);
        if !is_declaration && !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        Some(Self {
            at: at + 1 + usize::from(is_end) + len,
            name,
            is_end,
            is_comment: rest.starts_with("!--"),
        })
    }

    /// The byte after the tag. A `>` inside quotes does not end it, unless a quote is not closed.
    fn end(self, text: &str, search: &mut Search) -> Option<usize> {
        let rest = text.get(self.at..)?;
        if self.is_comment {
            // Another comment begins inside only if this one is not closed.
            let inner = rest.get("!--".len()..).and_then(|rest| rest.find("<!--"));
            let near = inner.map_or(rest, |inner| rest.split_at("!--".len() + inner).0);
            looked_at(near.len());
            if let Some(end) = near.find("-->") {
                return Some(self.at + end + "-->".len());
            }
            if inner.is_none() {
                search.miss("-->");
            }
        } else if !search.is_missing("\"") {
            let (mut quote, mut before) = (None, b' ');
            let end = rest.bytes().position(|byte| {
                match (quote, byte) {
                    (None, b'"' | b'\'') if before == b'=' => quote = Some(byte),
                    (Some(open), _) if open == byte => quote = None,
                    (None, b'>') => return true,
                    _ => {}
                }
                before = byte;
                false
            });
            looked_at(end.unwrap_or(rest.len()));
            match end {
                Some(end) => return Some(self.at + end + 1),
                None => search.miss("\""),
            }
        }
        match search.find(rest, ">") {
            Some(end) => Some(self.at + end + 1),
            // Nothing closes the comment.
            None => (self.is_comment && search.is_last).then_some(self.at + "!--".len()),
        }
    }

    /// Whether the page must be over an element `name` where this tag follows the text `before`: a script hardly writes tags
    /// at the start of a statement, and a style sheet has none at all.
    fn is_beyond(self, name: &str, before: &str) -> bool {
        let is_statement = || {
            let before = before.trim_end_matches([' ', '\t']);
            before.is_empty() || before.ends_with(['\n', ';', '}', '>'])
        };
        match name {
            "style" => self.is_block(),
            "script" => self.is_in(&["script", "head", "body"]) && is_statement(),
            "title" => self.is_in(&["head", "body"]),
            _ => false,
        }
    }

    fn is(self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    fn is_in(self, names: &[&str]) -> bool {
        names.iter().any(|name| self.is(name))
    }

    fn is_block(self) -> bool {
        self.is_in(BLOCKS)
    }

    fn is_cell(self) -> bool {
        self.is("td") || self.is("th")
    }

    /// The name of the element if it is dropped with its content.
    fn dropped(self) -> Option<&'static str> {
        DROPPED.iter().find(|name| self.is(name)).copied()
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::UTF_8;
    use proptest::prelude::*;

    use super::*;
    use crate::transcript::decode::SourceMap;
    use crate::transcript::format::work;

    fn pieces(html: &str, sink: &mut dyn FnMut(Piece)) {
        let map = SourceMap::new(UTF_8, 0);
        Reader::default().read(&Block::whole(html, &map), sink);
    }

    fn shown(html: &str) -> String {
        let mut text = String::new();
        pieces(html, &mut |piece| match piece {
            Piece::Keep(span) => text.push_str(span.of(html)),
            Piece::Replace(_, character) | Piece::Insert(character) => text.push(character),
        });
        text
    }

    #[test]
    fn a_page_is_reduced_to_its_lines() {
        for (html, text) in [
            (
                "<p><b>Ana Ruiz</b> <span>00:00:03</span><br>The bridge\n opens in May.</p>\n<p><b>Ben</b></p>",
                "Ana Ruiz 00:00:03\nThe bridge opens in May.\nBen",
            ),
            (
                "<!DOCTYPE html><html><head><title>T</title><style>p > a {}</style></head><body><p>Yes.</p></body></html>",
                "Yes.",
            ),
            ("<html><head><meta charset=utf-8><body>Yes.", "Yes."),
            (
                "<div>a</div><script>if (a < b) {}</script><div>b<!-- <p>c --></div>",
                "a\nb",
            ),
            (
                "<table><tr><th>Who</th><th>What</th></tr>\n<tr><td><p>Ana</p></td>\n<td><p>One.</p><p>Two.</p></td></tr></table>",
                "Who\tWhat\nAna\tOne.\nTwo.",
            ),
            (
                "<table><tr><th>Who<th>When<th>What<tr><td>Ana</td><td></td><td>Yes.</td></tr><tr><td></td><td></td><td>No.</td></tr></table><table><tr><td></td><td>x</td></tr></table>",
                "Who\tWhen\tWhat\nAna\t\tYes.\n\t\tNo.\nx",
            ),
            (
                "<p>Ana: yes</p></html>\nBen: no\nAna: so",
                "Ana: yes\nBen: no\nAna: so",
            ),
            ("<p>Ana: yes</p><!-- <!-- <!--", "Ana: yes"),
            ("<ul><li>one<li>two</ul>", "one\ntwo"),
            (
                "<div><span>Ana</span><span>0:03</span></div><div>un<b>clear</b>, H<sub>2</sub>O <i>is</i>.</div>",
                "Ana 0:03\nunclear, H2O is.",
            ),
            ("<span>wo</span><span>rd</span>", "word"),
            ("<pre>Ana: yes\nBen: no</pre>", "Ana: yes\nBen: no"),
            ("<p title=\"a > b\">3 < 4 &amp; x<5</p>", "3 < 4 &amp; x<5"),
            ("<p class='x>yes</p>", "yes"),
            ("<style>never closed <p>yes", "never closed\nyes"),
            ("<!-- never closed <p>yes", "yes"),
            ("<p>a<!-- never closed <br>b<!-- c --><p>d", "ab\nd"),
            ("<!--> a <!---> b <!-- c -- d --> e", "a b e"),
            (
                "<style>p {}<p>yes</p><style>p {}</style><p>no",
                "p {}\nyes\nno",
            ),
            (
                "<script>a();\n<p>yes</p>\n<script>b()</script><p>no",
                "a();\nyes\nno",
            ),
            (
                "<script>a('<script>b<\\/script>' + \"<body>\")</script><p>yes",
                "yes",
            ),
            (
                "<script>a()</head><body><p>yes</p><script>b()</script>",
                "a()\nyes",
            ),
            (
                "<head><title>T<body><p>yes<svg><title>x</title></svg>",
                "T\nyes",
            ),
            (
                "<head><title>T</title><p>yes</p><header>no</header>",
                "yes\nno",
            ),
            ("<P>A<BR/>B</P>", "A\nB"),
            ("", ""),
            ("a <", "a <"),
        ] {
            assert_eq!(shown(html), text, "{html}");
        }
    }

    #[test]
    fn html_is_told_from_text_with_tags() {
        for html in [
            "<!DOCTYPE html><html>",
            "\n<html lang=en>",
            "<p><b>Ana</b><br>Yes.</p>",
            "<div>Ana</div>\n<div>Yes.</div>",
            "Ana<br>\nYes.<br>\nBen<br>\nNo.<br>\n",
            "<meta charset='utf-8'><b id=\"docs\"><p>Ana: yes</p><p>Ben: no</p>",
        ] {
            assert!(is_html(html), "{html}");
        }
        for text in [
            "Ana: we <b>must</b> go.\nBen: no.\n",
            "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ana>Yes.</v>\n",
            "1\n00:00:01,000 --> 00:00:02,000\n<i>Yes.</i>\n",
            "<v Ana>Yes.</v>\n<v Ben>No.</v>",
            "<script>alert(1)</script>\nAna: yes\nBen: no\n",
            "Ana: write a <p> tag\nBen: I did\nAna: and\nBen: that is it\n",
            "",
        ] {
            assert!(!is_html(text), "{text}");
        }
    }

    #[test]
    fn unclosed_markup_takes_linear_time() {
        for html in [
            "<",
            "<p",
            "<p a=\"",
            "<!--",
            "<!-- --><!--",
            "<script>",
            "<script>;",
            "<style><p>",
            "<a b='<",
            "</",
            "<head><style><title>",
        ] {
            let work = |times| {
                let html = html.repeat(times);
                work(|| drop(shown(&html)))
            };
            let (small, large) = (work(1 << 8), work(1 << 11));
            assert!(large <= small * 10, "{html}: {small} bytes, then {large}");
        }
    }

    proptest! {
        #[test]
        fn pieces_are_in_order_and_inside_the_text(html in "([a-z é\n\"'=>]|<(/?(p|td|tr|script|head|b)>?|!--|)|-->){0,60}") {
            let mut last = 0;
            pieces(&html, &mut |piece| if let Piece::Keep(span) = piece {
                assert!(span.start >= last && html.get(span.start..span.end).is_some());
                last = span.end;
            });
            let _is_html = is_html(&html);
        }
    }
}
