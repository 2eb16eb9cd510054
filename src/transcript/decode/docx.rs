//! Extracts the text of Word documents (`.docx`): paragraphs and table rows become lines, cells are separated by tabs.
//!
//! A document is a zip archive with the text in `word/document.xml`. That part is decompressed and parsed as a stream, and its
//! lines are handed on as they are read. What a reader of the document does not see as its text is left out: deleted and moved text,
//! headers and footers, footnotes and comments, the code of fields.

use std::io::{BufRead, BufReader, Read};

use flate2::bufread::DeflateDecoder;
use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, Event};
use rawzip::{CompressionMethod, ZipArchive};

/// Limits for archives that are made to exhaust memory and time. The XML of real documents is 10 to 30 times as long as their
/// archive, and the text a tenth of the XML.
const MAX_XML: Limit = Limit {
    base: 16 << 20,
    factor: 32,
};
const MAX_TEXT: Limit = Limit {
    base: 4 << 20,
    factor: 8,
};

/// Entries of an archive that are looked at. Documents with many pictures have thousands.
const MAX_ENTRIES: usize = 20_000;

#[derive(Clone, Copy)]
struct Limit {
    base: u64,
    factor: u64,
}

impl Limit {
    fn of(self, archive: &[u8]) -> u64 {
        self.base + self.factor * archive.len() as u64
    }
}

/// Bytes of text after which complete lines are handed on.
const PIECE_BYTES: usize = 64 * 1024;

/// Why a zip archive has no text to read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    /// The archive is something else, by its common name.
    #[error(
        "the file is {0}, not a Word document: export the transcript as text (UTF-8) or .docx and upload that"
    )]
    Other(&'static str),
    #[error(
        "the Word document unpacks to more than {0} bytes, which no transcript of its size does"
    )]
    Bomb(u64),
    #[error("the Word document is damaged: save it again and upload that")]
    Archive(#[source] rawzip::Error),
    #[error("the Word document is damaged: save it again and upload that")]
    Xml(#[source] quick_xml::Error),
    /// Elements that do not end.
    #[error("the Word document is incomplete: save it again and upload that")]
    Cut,
    /// Entities can stand for any amount of text, and Word writes none.
    #[error(
        "the Word document declares XML entities, which Word does not write: save it with Word and upload that"
    )]
    Entities,
    #[error(
        "the Word document is not in UTF-8, which Word writes: save it with Word and upload that"
    )]
    Encoding,
    /// A compression method other than deflate.
    #[error(
        "the Word document is packed in a way that Word does not use: save it again and upload that"
    )]
    Packing,
}

/// What an archive is, by the beginning of the name of one of its files.
const KINDS: [(&str, &str); 8] = [
    ("xl/", "an Excel workbook"),
    ("ppt/", "a PowerPoint presentation"),
    ("content.xml", "an OpenDocument file (LibreOffice)"),
    ("META-INF/container.xml", "an e-book (EPUB)"),
    ("Index/Document.iwa", "a Pages, Numbers or Keynote document"),
    ("index.apxl", "a Keynote presentation"),
    ("META-INF/MANIFEST.MF", "a Java archive"),
    ("AndroidManifest.xml", "an Android app"),
];

/// Hands the text of a Word document to `sink`, in pieces.
///
/// # Errors
/// If the bytes are no Word document, or a damaged one.
pub(crate) fn read(bytes: &[u8], sink: &mut dyn FnMut(&str)) -> Result<(), Unreadable> {
    let archive = ZipArchive::from_slice(bytes).map_err(Unreadable::Archive)?;
    let mut kind = "a zip archive";
    let mut document = None;
    for entry in archive.entries().take(MAX_ENTRIES) {
        let entry = entry.map_err(Unreadable::Archive)?;
        let path = entry.file_path();
        let path = path.as_ref();
        // Word Online writes document2.xml.
        if path.starts_with(b"word/document") && path.ends_with(b".xml") {
            document = Some((entry.wayfinder(), entry.compression_method()));
            break;
        }
        if let Some((_, name)) = KINDS
            .iter()
            .find(|(start, _)| path.starts_with(start.as_bytes()))
        {
            kind = name;
        }
    }
    let (place, method) = document.ok_or(Unreadable::Other(kind))?;
    let data = archive
        .get_entry(place)
        .map_err(Unreadable::Archive)?
        .data();
    let unpacked: &mut dyn Read = match method {
        CompressionMethod::DEFLATE => &mut DeflateDecoder::new(data),
        CompressionMethod::STORE => &mut &*data,
        _ => return Err(Unreadable::Packing),
    };
    let max = MAX_XML.of(bytes);
    let mut xml = BufReader::new(unpacked.take(max));
    // A part that cannot be unpacked is reported where it is read.
    if matches!(xml.fill_buf(), Ok([0xff, 0xfe, ..] | [0xfe, 0xff, ..])) {
        return Err(Unreadable::Encoding);
    }
    let read = paragraphs(&mut xml, MAX_TEXT.of(bytes), sink);
    if xml.get_ref().limit() == 0 {
        return Err(Unreadable::Bomb(max));
    }
    read
}

/// A reader that ends after a number of bytes, which is set anew for each event: the parser holds an event as a whole.
struct Metered<R> {
    inner: R,
    left: usize,
}

impl<R: BufRead> Read for Metered<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let mut available = self.fill_buf()?;
        let count = available.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Metered<R> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        let available = self.inner.fill_buf()?;
        Ok(available.get(..self.left).unwrap_or(available))
    }

    fn consume(&mut self, count: usize) {
        self.left = self.left.saturating_sub(count);
        self.inner.consume(count);
    }
}

/// Where the parser is in a document.
#[derive(Default)]
struct Place {
    /// Elements that have not ended.
    depth: usize,
    /// Elements whose content is left out, from the outermost.
    left_out: usize,
    in_text: bool,
    /// Tables around this place.
    rows: usize,
}

fn paragraphs(xml: impl BufRead, max: u64, sink: &mut dyn FnMut(&str)) -> Result<(), Unreadable> {
    let most = usize::try_from(max).unwrap_or(usize::MAX);
    let mut reader = Reader::from_reader(Metered {
        inner: xml,
        left: most,
    });
    reader.config_mut().check_end_names = false;
    let mut buffer = Vec::new();
    // The text that is not handed on yet, and the length of what is.
    let (mut text, mut length) = (String::new(), 0);
    let mut least = PIECE_BYTES;
    let mut place = Place::default();
    loop {
        reader.get_mut().left = most;
        let event = reader.read_event_into(&mut buffer);
        if reader.get_ref().left == 0 {
            return Err(Unreadable::Bomb(max));
        }
        match event.map_err(Unreadable::Xml)? {
            Event::DocType(declared) if declared.windows(8).any(|part| part == b"<!ENTITY") => {
                return Err(Unreadable::Entities);
            }
            Event::Start(element) => place.start(element.local_name().as_ref()),
            Event::Empty(element) => place.mark(element.local_name().as_ref(), &mut text),
            Event::End(element) => place.end(element.local_name().as_ref(), &mut text),
            Event::Text(characters) if place.is_spoken() => {
                let characters = characters
                    .decode()
                    .map_err(quick_xml::Error::from)
                    .map_err(Unreadable::Xml)?;
                text.push_str(&characters);
            }
            Event::CData(characters) if place.is_spoken() => {
                let characters = characters
                    .decode()
                    .map_err(quick_xml::Error::from)
                    .map_err(Unreadable::Xml)?;
                text.push_str(&characters);
            }
            Event::GeneralRef(reference) if place.is_spoken() => text.extend(character(&reference)),
            Event::Eof if place.depth > 0 => return Err(Unreadable::Cut),
            Event::Eof => break,
            _ => {}
        }
        buffer.clear();
        if length + text.len() as u64 > max {
            return Err(Unreadable::Bomb(max));
        }
        if text.len() > least && place.rows == 0 && text.ends_with('\n') {
            // The blanks at the end stay, for the text may end there.
            let rest = text.split_off(text.trim_end().len());
            sink(&text);
            length += text.len() as u64;
            text = rest;
            // Nothing but blanks takes linear time, too.
            least = PIECE_BYTES.max(2 * text.len());
        }
    }
    sink(text.trim_end());
    Ok(())
}

/// The character that `&amp;` or `&#228;` stands for.
fn character(reference: &BytesRef) -> Option<char> {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return Some(character);
    }
    resolve_xml_entity(&reference.decode().ok()?)?
        .chars()
        .next()
}

impl Place {
    fn is_spoken(&self) -> bool {
        self.in_text && self.left_out == 0
    }

    fn start(&mut self, name: &[u8]) {
        self.depth += 1;
        match name {
            _ if is_left_out(name) => self.left_out += 1,
            b"t" => self.in_text = true,
            b"tr" => self.rows += 1,
            _ => {}
        }
    }

    /// An element without content.
    fn mark(&self, name: &[u8], text: &mut String) {
        if self.left_out == 0 {
            match name {
                b"tab" => text.push('\t'),
                b"br" | b"cr" => text.push('\n'),
                b"noBreakHyphen" => text.push('-'),
                b"p" => self.end_paragraph(text),
                _ => {}
            }
        }
    }

    fn end(&mut self, name: &[u8], text: &mut String) {
        self.depth = self.depth.saturating_sub(1);
        match name {
            _ if is_left_out(name) => self.left_out = self.left_out.saturating_sub(1),
            b"t" => self.in_text = false,
            _ if self.left_out > 0 => {}
            b"p" => self.end_paragraph(text),
            b"tc" => {
                text.truncate(text.trim_end_matches(' ').len());
                text.push('\t');
            }
            b"tr" => {
                self.rows = self.rows.saturating_sub(1);
                text.truncate(text.trim_end_matches('\t').len());
                self.end_paragraph(text);
            }
            _ => {}
        }
    }

    /// Ends a line, or in a table a paragraph of a cell.
    fn end_paragraph(&self, text: &mut String) {
        text.push(if self.rows > 0 { ' ' } else { '\n' });
    }
}

/// Elements without spoken text: properties (which have tab stops named `tab`), deleted and moved text, and the second version of a
/// drawing for old programs.
fn is_left_out(name: &[u8]) -> bool {
    matches!(
        name,
        b"pPr" | b"rPr" | b"sectPr" | b"tblPr" | b"del" | b"moveFrom" | b"Fallback"
    )
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::DeflateEncoder;
    use proptest::prelude::*;
    use rawzip::ZipArchiveWriter;

    use super::*;
    use crate::text::Span;
    use crate::transcript::{Decoder, Transcript};

    fn archive<T: AsRef<[u8]> + ?Sized>(files: &[(&str, &T)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut archive = ZipArchiveWriter::new(&mut bytes);
        for (name, content) in files {
            let method = CompressionMethod::DEFLATE;
            let (mut entry, config) = archive
                .new_file(name)
                .compression_method(method)
                .start()
                .unwrap();
            let mut writer = config.wrap(DeflateEncoder::new(&mut entry, Compression::default()));
            writer.write_all(content.as_ref()).unwrap();
            let (encoder, descriptor) = writer.finish().unwrap();
            encoder.finish().unwrap();
            entry.finish(descriptor).unwrap();
        }
        archive.finish().unwrap();
        bytes
    }

    fn text(bytes: &[u8]) -> Result<String, Unreadable> {
        let mut text = String::new();
        read(bytes, &mut |piece| text.push_str(piece))?;
        Ok(text)
    }

    fn document(body: &str) -> Vec<u8> {
        let xml = format!(
            r#"<?xml version="1.0" encoding="UTF-8"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{body}</w:body></w:document>"#
        );
        archive(&[
            ("[Content_Types].xml", "<Types/>"),
            ("word/styles.xml", "<w:styles/>"),
            ("word/document.xml", &xml),
            ("word/footnotes.xml", "<w:t>note</w:t>"),
        ])
    }

    #[test]
    fn the_ranges_of_parts_cover_the_document() {
        let paragraph =
            |nth| format!("<w:p><w:r><w:t>Ana {nth}: The bridge opens in May.</w:t></w:r></w:p>");
        let bytes = document(&(0..400).map(paragraph).collect::<String>());
        let mut decoder = Decoder::default();
        decoder.push(&bytes).unwrap();
        let transcript = Transcript::new(decoder.finish().unwrap()).unwrap();
        let (size, length) = (bytes.len() as u64, transcript.text().len());
        let ends = [0, length / 4, length / 2, length];
        let ranges = ends.windows(2).map(|ends| {
            let range = transcript.source_bytes(Span::from(ends[0]..ends[1]));
            (range.start, range.end)
        });
        let middle = size / 2;
        let expected = [(0, size / 4), (size / 4, middle), (middle, size)];
        for (range, expected) in ranges.zip(expected) {
            assert!(
                range.0.abs_diff(expected.0) < 9 && range.1.abs_diff(expected.1) < 9,
                "{range:?}"
            );
        }
        assert_eq!(transcript.spoken.bytes, size);
    }

    #[test]
    fn an_archive_without_files_is_no_text() {
        let mut decoder = Decoder::default();
        let pushed = decoder.push(b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        let result = pushed.and_then(|()| decoder.finish());
        assert!(
            matches!(result, Err(crate::transcript::Rejection::Archive(_))),
            "{result:?}"
        );
    }

    #[test]
    fn paragraphs_and_rows_become_lines() {
        for (body, expected) in [
            (
                "<w:p><w:r><w:t>Ana Ruiz</w:t></w:r><w:r><w:t xml:space=\"preserve\">  0:03</w:t></w:r></w:p><w:p><w:r><w:t>The bridge opens</w:t><w:t> in May.</w:t></w:r></w:p>",
                "Ana Ruiz  0:03\nThe bridge opens in May.",
            ),
            (
                "<w:p><w:pPr><w:tabs><w:tab w:val=\"left\" w:pos=\"720\"/></w:tabs></w:pPr><w:r><w:t>Ana:</w:t><w:tab/><w:t>Yes</w:t><w:br/><w:t>and no.</w:t></w:r></w:p><w:p/>",
                "Ana:\tYes\nand no.",
            ),
            (
                "<w:p><w:r><w:t>R&amp;D &#252;ber &lt;5</w:t></w:r></w:p>",
                "R&D über <5",
            ),
            (
                "<w:p><w:del><w:r><w:delText>gone</w:delText><w:t>gone</w:t></w:r></w:del><w:ins><w:r><w:t>new</w:t></w:r></w:ins><w:moveFrom><w:r><w:t>moved</w:t></w:r></w:moveFrom><w:r><w:instrText>PAGE</w:instrText></w:r></w:p>",
                "new",
            ),
            (
                "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>Ana</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>0:03</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>One.</w:t></w:r></w:p><w:p><w:r><w:t>Two.</w:t></w:r></w:p></w:tc></w:tr><w:tr><w:tc><w:p><w:r><w:t>Ben</w:t></w:r></w:p></w:tc></w:tr></w:tbl><w:p><w:r><w:t>End</w:t></w:r></w:p>",
                "Ana\t0:03\tOne. Two.\nBen\nEnd",
            ),
            (
                "<mc:AlternateContent><mc:Choice><w:p><w:r><w:t>Box</w:t></w:r></w:p></mc:Choice><mc:Fallback><w:p><w:r><w:t>Box</w:t></w:r></w:p></mc:Fallback></mc:AlternateContent>",
                "Box",
            ),
        ] {
            assert_eq!(text(&document(body)).unwrap(), expected);
        }
    }

    #[test]
    fn the_document_may_be_numbered() {
        let bytes = archive(&[("word/document2.xml", "<w:p><w:t>Yes.</w:t></w:p>")]);
        assert_eq!(text(&bytes).unwrap(), "Yes.");
    }

    #[test]
    fn other_archives_are_named() {
        for (file, name) in [
            ("xl/workbook.xml", "an Excel workbook"),
            ("ppt/presentation.xml", "a PowerPoint presentation"),
            ("content.xml", "an OpenDocument file (LibreOffice)"),
            ("holiday.jpg", "a zip archive"),
        ] {
            let error = text(&archive(&[("mimetype", "x"), (file, "x")])).unwrap_err();
            assert!(
                error
                    .to_string()
                    .starts_with(&format!("the file is {name}, not a Word document")),
                "{error}"
            );
        }
    }

    #[test]
    fn archives_that_unpack_to_too_much_are_refused() {
        let long_text = format!("<w:p><w:t>{}</w:t></w:p>", "a".repeat(6 << 20));
        let much_markup = "<w:p></w:p><w:b></w:b>".repeat(1 << 20);
        let one_tag = format!("<w:p {}>", "a".repeat(20 << 20));
        for body in [long_text, much_markup, one_tag] {
            assert!(matches!(text(&document(&body)), Err(Unreadable::Bomb(_))));
        }
    }

    #[test]
    fn the_unpacking_of_one_long_text_stops_at_the_limit() {
        const MAX: u64 = 100_000;
        let mut bomb = b"<w:p><w:t>".chain(std::io::repeat(b'a')).take(1 << 30);
        let read = paragraphs(BufReader::new(&mut bomb), MAX, &mut |_| {});
        assert!(matches!(read, Err(Unreadable::Bomb(MAX))));
        let unpacked = (1 << 30) - bomb.limit();
        assert!(unpacked < 2 * MAX, "{unpacked}");
    }

    #[test]
    fn what_is_not_as_word_writes_it_is_refused_by_name() {
        let declared = r#"<!DOCTYPE d [<!ENTITY a "Ana"><!ENTITY b "&a;&a;">]><w:p><w:t>&b;: Yes.</w:t></w:p>"#;
        let wide = format!("\u{feff}{}", "<w:p><w:t>Yes.</w:t></w:p>");
        let wide: Vec<u8> = wide.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let whole = "<w:p><w:r><w:t>Yes.</w:t></w:r></w:p>".repeat(9);
        for (xml, error) in [
            (
                declared.as_bytes(),
                "the Word document declares XML entities",
            ),
            (&wide, "the Word document is not in UTF-8"),
            (
                &whole.as_bytes()[..whole.len() / 2],
                "the Word document is incomplete",
            ),
            (
                b"<w:p><w:r><w:t>Ana: Yes.<w:p><w:r><w:t>Ben: No.",
                "the Word document is incomplete",
            ),
        ] {
            let found = text(&archive(&[("word/document.xml", xml)]))
                .unwrap_err()
                .to_string();
            assert!(found.starts_with(error), "{found}");
        }
        let characters = text(&document(
            "<w:p><w:t><![CDATA[Ana: 3 < 4]]> &amp; more</w:t></w:p>",
        ));
        assert_eq!(characters.unwrap(), "Ana: 3 < 4 & more");
    }

    #[test]
    fn what_is_cut_off_is_damaged() {
        let bytes = document(&"<w:p><w:r><w:t>Yes.</w:t></w:r></w:p>".repeat(100));
        let error = text(&bytes[..bytes.len() / 2]).unwrap_err();
        assert!(matches!(error, Unreadable::Archive(_)), "{error:?}");
    }

    proptest! {
        #[test]
        fn damage_does_not_make_it_panic(at in 0.0..1.0_f64, with in prop::collection::vec(any::<u8>(), 1..8)) {
            let mut bytes = document(&"<w:p><w:r><w:t>Yes &amp; no.</w:t></w:r></w:p>".repeat(9));
            let start = (bytes.len() as f64 * at) as usize;
            let end = (start + with.len()).min(bytes.len());
            bytes.splice(start..end, with);
            let _read = text(&bytes);
        }
    }
}
