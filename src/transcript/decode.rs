//! Decodes the bytes of a transcript as they arrive, detecting the encoding, or rejects files that are not transcripts.
//!
//! A byte order mark decides the encoding. Without one, UTF-16 is recognized by its zero bytes, and everything else is
//! first read as UTF-8. If a text that was pure ASCII so far turns out not to be UTF-8, decoding continues as windows-1252;
//! ASCII is the same in both, so nothing is decoded twice.

mod clean;
#[cfg_attr(not(test), expect(dead_code, reason = "the decoder calls it next"))]
mod docx;
mod sniff;
mod source_map;

use clean::TextBuilder;
use encoding_rs::{DecoderResult, Encoding, UTF_8, WINDOWS_1252};
use sniff::{HEAD_BYTES, sniff};
pub use source_map::SourceMap;

/// Source bytes decoded per step, which limits the scratch buffer.
const PIECE_BYTES: usize = 8 * 1024;

/// Maximum share of undecodable characters, in percent. Up to this the file counts as damaged text.
pub(crate) const UNDECODABLE_PERCENT: u64 = 1;

/// Why a file was rejected as a transcript. Retrying does not help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The file is empty or has only whitespace.
    #[error("the file is empty: there is nothing to summarize")]
    Empty,
    /// The file starts with the signature of a binary format.
    #[error(
        "the file is {format}, not plain text: export the transcript as text (UTF-8) and upload that"
    )]
    NotText {
        /// Common name of the format.
        format: &'static str,
    },
    /// The file contains a NUL character.
    #[error(
        "the file is binary (a NUL at byte {at}), not plain text: export the transcript as text (UTF-8) and upload that"
    )]
    Nul {
        /// Byte offset in the source.
        at: u64,
    },
    /// Too many bytes are invalid in the detected encoding.
    #[error(
        "{percent} % of the file's characters cannot be read in any encoding it might have (at most {UNDECODABLE_PERCENT} % \
         may be damaged): export the transcript as text (UTF-8) and upload that"
    )]
    Undecodable {
        /// Share of undecodable characters in percent, rounded up.
        percent: u64,
    },
}

/// The decoded text of a transcript, with the mapping back to its source.
#[derive(Debug, Clone)]
pub struct Decoded {
    /// The text. Lines end in `\n` or `\r\n`; these and tabs are the only control characters left.
    pub text: String,
    /// WHATWG name of the source encoding, such as `UTF-8` or `windows-1252`.
    pub encoding: &'static str,
    /// Size of the source in bytes.
    pub bytes: u64,
    /// Maps offsets in the text to offsets in the source.
    pub source_map: SourceMap,
}

impl From<String> for Decoded {
    fn from(text: String) -> Self {
        Self {
            bytes: text.len() as u64,
            encoding: UTF_8.name(),
            source_map: SourceMap::new(UTF_8, 0),
            text,
        }
    }
}

/// A streaming decoder. Input may be split at any byte.
#[derive(Default)]
pub struct Decoder {
    bytes: u64,
    /// Buffered bytes: the head until there is enough to detect the encoding, later an incomplete character.
    held: Vec<u8>,
    /// `None` until the encoding is known.
    text: Option<TextBuilder>,
    /// Used for encodings other than UTF-8.
    decoder: Option<encoding_rs::Decoder>,
}

impl Decoder {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// As soon as the bytes are known not to be text.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Rejection> {
        self.bytes += bytes.len() as u64;
        self.read(bytes, false)
    }

    /// Returns the whole text after the last byte.
    ///
    /// # Errors
    /// If the file is not a transcript.
    pub fn finish(mut self) -> Result<Decoded, Rejection> {
        self.read(&[], true)?;
        let text = self.text.ok_or(Rejection::Empty)?;
        text.finish(self.bytes)
    }

    fn read(&mut self, bytes: &[u8], last: bool) -> Result<(), Rejection> {
        if let (Some(text), Some(decoder)) = (&mut self.text, &mut self.decoder) {
            return read_other(decoder, bytes, text, last);
        }
        self.held.extend_from_slice(bytes);
        if self.text.is_none() && self.held.len() < HEAD_BYTES && !last {
            return Ok(());
        }
        let held = std::mem::take(&mut self.held);
        let mut rest = &held[..];
        let text = match &mut self.text {
            Some(text) => text,
            None => {
                let (encoding, mark) = sniff(&held)?;
                rest = held.split_at(mark).1;
                let other = (encoding != UTF_8).then_some(encoding);
                self.decoder = other.map(Encoding::new_decoder_without_bom_handling);
                self.text.insert(TextBuilder::new(encoding, mark as u64))
            }
        };
        if self.decoder.is_none() {
            rest = read_utf8(rest, text, last)?;
            if is_beginning(rest) && !last {
                self.held = rest.to_vec();
                return Ok(());
            }
            if !rest.is_empty() {
                text.switch(WINDOWS_1252);
                self.decoder = Some(WINDOWS_1252.new_decoder_without_bom_handling());
            }
        }
        match &mut self.decoder {
            Some(decoder) => read_other(decoder, rest, text, last),
            None => Ok(()),
        }
    }
}

/// Decodes UTF-8. Returns the undecoded rest: an incomplete character at the end, or everything from where the bytes turn
/// out not to be UTF-8.
fn read_utf8<'a>(
    bytes: &'a [u8],
    text: &mut TextBuilder,
    last: bool,
) -> Result<&'a [u8], Rejection> {
    let mut rest = bytes;
    for chunk in bytes.utf8_chunks() {
        let (valid, invalid) = (chunk.valid(), chunk.invalid());
        text.push(valid)?;
        rest = rest.split_at(valid.len()).1;
        if invalid.is_empty() {
            continue;
        }
        let may_continue = !last && rest.len() == invalid.len() && is_beginning(invalid);
        if may_continue || (!text.beyond_ascii && !mostly_utf8(rest)) {
            return Ok(rest);
        }
        text.push_undecodable(invalid.len() as u64)?;
        rest = rest.split_at(invalid.len()).1;
    }
    Ok(rest)
}

/// Whether these bytes are an incomplete UTF-8 character rather than an invalid one.
fn is_beginning(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes)
        .is_err_and(|error| error.error_len().is_none() && error.valid_up_to() == 0)
}

/// Whether, read as UTF-8, the bytes have more valid non-ASCII characters than invalid sequences.
fn mostly_utf8(bytes: &[u8]) -> bool {
    let (mut right, mut wrong) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        right += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        wrong += usize::from(!chunk.invalid().is_empty());
    }
    right > wrong
}

fn read_other(
    decoder: &mut encoding_rs::Decoder,
    mut bytes: &[u8],
    text: &mut TextBuilder,
    last: bool,
) -> Result<(), Rejection> {
    let mut piece = String::with_capacity(PIECE_BYTES);
    loop {
        let (result, read) = decoder.decode_to_string_without_replacement(bytes, &mut piece, last);
        bytes = bytes.split_at(read).1;
        text.push(&piece)?;
        piece.clear();
        match result {
            DecoderResult::InputEmpty => return Ok(()),
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(length, _) => text.push_undecodable(u64::from(length))?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: &[u8], piece: usize) -> Result<Decoded, Rejection> {
        let mut decoder = Decoder::default();
        for piece in bytes.chunks(piece) {
            decoder.push(piece)?;
        }
        decoder.finish()
    }

    /// The text does not depend on where the input is split.
    fn decoded(bytes: &[u8]) -> (String, &'static str) {
        let whole = decode(bytes, usize::MAX).unwrap();
        for piece in [1, 2, 3, 1021] {
            assert_eq!(
                decode(bytes, piece).unwrap().text,
                whole.text,
                "pieces of {piece}"
            );
        }
        (whole.text, whole.encoding)
    }

    fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    const MIXED: &str = "Dana: naïve — 日本語 🙂 done.\r\nLee: fine.\n";

    #[test]
    fn utf8_is_read_with_and_without_a_mark() {
        assert_eq!(decoded(MIXED.as_bytes()), (MIXED.into(), "UTF-8"));
        assert_eq!(
            decoded(format!("\u{feff}{MIXED}").as_bytes()),
            (MIXED.into(), "UTF-8")
        );
    }

    #[test]
    fn utf16_is_read_in_both_byte_orders() {
        let marked = format!("\u{feff}{MIXED}");
        assert_eq!(
            decoded(&utf16(&marked, u16::to_le_bytes)),
            (MIXED.into(), "UTF-16LE")
        );
        assert_eq!(
            decoded(&utf16(&marked, u16::to_be_bytes)),
            (MIXED.into(), "UTF-16BE")
        );
        assert_eq!(
            decoded(&utf16(MIXED, u16::to_le_bytes)),
            (MIXED.into(), "UTF-16LE")
        );
    }

    #[test]
    fn windows_1252_is_the_last_resort() {
        let long = "x ".repeat(2000);
        assert_eq!(
            decoded(b"don\x92t caf\xe9"),
            ("don\u{2019}t café".into(), "windows-1252")
        );
        let late = [long.as_bytes(), b"caf\xe9"].concat();
        assert_eq!(decoded(&late), (format!("{long}café"), "windows-1252"));
    }

    #[test]
    fn damaged_utf8_stays_utf8() {
        let text = "é".repeat(300);
        let damaged = [text.as_bytes(), b"\xff", text.as_bytes()].concat();
        assert_eq!(
            decoded(&damaged),
            (format!("{text}\u{fffd}{text}"), "UTF-8")
        );
        // A file whose start was cut off begins in the middle of a character.
        let cut = [b"\xa9", text.as_bytes()].concat();
        assert_eq!(decoded(&cut).1, "UTF-8");
    }

    #[test]
    fn what_is_not_text_is_rejected_with_its_reason() {
        assert_eq!(decode(b"", 1).unwrap_err(), Rejection::Empty);
        assert_eq!(decode(b" \r\n\t", 1).unwrap_err(), Rejection::Empty);
        assert_eq!(decode(b"\xef\xbb\xbf", 1).unwrap_err(), Rejection::Empty);
        assert_eq!(
            decode(b"\x1f\x8b\x08\0", 1).unwrap_err(),
            Rejection::NotText { format: "gzip" }
        );
        assert_eq!(
            decode(b"text\0more", 3).unwrap_err(),
            Rejection::Nul { at: 4 }
        );
        let noise: Vec<u8> = (0..5000_u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8 | 0x81)
            .collect();
        assert!(
            matches!(
                decode(&noise, 100).unwrap_err(),
                Rejection::Undecodable { .. }
            ),
            "{:?}",
            decode(&noise, 100)
        );
    }

    #[test]
    fn an_offset_leads_back_to_its_byte_of_the_source() {
        let text = format!("{}é\u{1}ü 日本語 🙂 end", "filler ".repeat(900));
        let sources = [
            (text.clone().into_bytes(), "end".as_bytes().to_vec()),
            (
                format!("\u{feff}{text}").into_bytes(),
                "end".as_bytes().to_vec(),
            ),
            (
                utf16(&text, u16::to_be_bytes),
                utf16("end", u16::to_be_bytes),
            ),
            (b"caf\xe9 \x93quoted\x94 \x02end".to_vec(), b"end".to_vec()),
        ];
        for (source, end) in sources {
            for piece in [1, 700, usize::MAX] {
                let decoded = decode(&source, piece).unwrap();
                let at = decoded.text.find("end").unwrap();
                let offset = decoded.source_map.source_offset(&decoded.text, at) as usize;
                assert_eq!(
                    &source[offset..],
                    end,
                    "{} in pieces of {piece}",
                    decoded.encoding
                );
            }
        }
    }
}
