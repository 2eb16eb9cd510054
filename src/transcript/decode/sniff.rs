//! Detects encodings and binary formats by the first bytes of a file.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::transcript::decode::Rejection;

/// Number of bytes examined: enough for every signature and for the zero-byte pattern of UTF-16.
pub(crate) const HEAD_BYTES: usize = 1024;

/// Minimum number of characters below U+0100 that count as evidence of UTF-16.
const MIN_NARROW: usize = 3;

/// Lines of one length that encoded data has at least, unless it is all on one long line.
const MIN_ENCODED_LINES: usize = 5;

/// Of encoded data at least one character in this many is a digit, one a small letter, and one a capital.
const MIN_KIND_SHARE: usize = 25;

/// Minimum number of characters beyond U+00FF that tell whether they are pairs of ASCII characters.
const MIN_WIDE: usize = 16;

/// Signature of zip archives, such as Word documents.
pub(crate) const ARCHIVE: &[u8] = b"PK\x03\x04";

/// How an archive without files starts.
pub(crate) const EMPTY_ARCHIVE: &[u8] = b"PK\x05\x06";

/// Signatures and common names of formats that users upload as `.txt` by mistake.
const SIGNATURES: [(&[u8], &str); 24] = [
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (PDF, "PDF"),
    (b"%!PS", "PostScript"),
    (b"{\\rtf", "RTF"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"ID3", "MP3"),
    (b"OggS", "Ogg audio"),
    (b"fLaC", "FLAC"),
    (b"RIFF", "WAV audio or AVI video"),
    (b"\x1a\x45\xdf\xa3", "Matroska or WebM video"),
    (b"\xff\xfb", "MP3"),
    (b"\xff\xf1", "AAC audio"),
    (b"#!AMR", "AMR audio"),
    (b"FORM\0", "AIFF audio"),
    (b"\x30\x26\xb2\x75", "WMA audio or WMV video"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"\xff\xfe\0\0", "UTF-32 text"),
    (b"\0\0\xfe\xff", "UTF-32 text"),
];

const PDF: &[u8] = b"%PDF-";

/// Offset of the signature of MP4 files, after the size of their first box.
const MP4_OFFSET: usize = 4;

/// Returns the encoding suggested by the head of a file, and the length of its byte order mark.
///
/// # Errors
/// [`Rejection::NotText`] if the head has the signature of a binary format.
pub(crate) fn sniff(head: &[u8]) -> Result<(&'static Encoding, usize), Rejection> {
    let start = head.trim_ascii_start();
    let is = |magic: &[u8]| {
        // Readers of PDF accept its signature on any of the first lines.
        let is_in = || magic == PDF && lines(head).any(|line| line.starts_with(PDF));
        head.starts_with(magic) || start.starts_with(magic) || is_in()
    };
    if let Some((_, format)) = SIGNATURES.iter().find(|(magic, _)| is(magic)) {
        return Err(Rejection::NotText { format });
    }
    let boxed = head.get(MP4_OFFSET..).unwrap_or_default();
    if boxed.starts_with(b"ftyp") && head.starts_with(b"\0") {
        let format = "MP4 audio or video";
        return Err(Rejection::NotText { format });
    }
    if let Some(marked) = Encoding::for_bom(head) {
        return Ok(marked);
    }
    Ok((unmarked_utf16(head).unwrap_or(UTF_8), 0))
}

fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    head.split(|byte| matches!(byte, b'\n' | b'\r'))
}

/// Whether a text is nothing but data that was encoded as text, such as base64: lines of one length without blanks, in which
/// letters and digits of all kinds are mixed.
pub(crate) fn is_encoded(text: &str) -> bool {
    let is_header = |line: &[u8]| {
        let headers = [b"begin 6".as_slice(), b"begin-base64 ", b"-----BEGIN "];
        headers.iter().any(|header| line.starts_with(header))
    };
    let is_code = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=-_".contains(byte);
    let mut lines = lines(text.as_bytes())
        .filter(|line| !line.is_empty())
        .peekable();
    let has_header = lines.next_if(|line| is_header(line)).is_some();
    let width = lines.peek().map_or(0, |line| line.len());
    let (mut full, mut total, mut kinds) = (0, 0, [0; 3]);
    for line in lines {
        if line.len() == width {
            full += 1;
        } else if (line.len() > width || full < MIN_ENCODED_LINES) && !has_header {
            return false;
        }
        if !has_header && !line.iter().all(is_code) {
            return false;
        }
        total += line.len();
        let is_kind = [
            u8::is_ascii_uppercase,
            u8::is_ascii_lowercase,
            u8::is_ascii_digit,
        ];
        for (count, is) in kinds.iter_mut().zip(is_kind) {
            *count += line.iter().filter(|byte| is(byte)).count();
        }
    }
    // The last lines may be a checksum and a footer.
    let is_even = full >= MIN_ENCODED_LINES && full * width * 10 >= total * 9;
    match has_header {
        true => is_even,
        false => {
            (is_even || width >= HEAD_BYTES)
                && kinds.iter().all(|count| count * MIN_KIND_SHARE >= total)
        }
    }
}

/// Detects UTF-16 without a byte order mark. In most scripts blanks, digits and punctuation are below U+0100, so that one of
/// their two bytes is zero.
fn unmarked_utf16(head: &[u8]) -> Option<&'static Encoding> {
    let (mut units, _) = head.as_chunks::<2>();
    // A recorder may pad the file.
    while let [text @ .., [0, 0]] = units {
        units = text;
    }
    // In real text, blanks alone are a tenth of the characters.
    let enough = units.len().div_ceil(10).max(MIN_NARROW);
    // The number of characters below U+0100, and of blanks among them, in one byte order.
    let count = |read: fn([u8; 2]) -> u16| {
        let narrow = units
            .iter()
            .filter_map(|&unit| u8::try_from(read(unit)).ok());
        let blanks = narrow.clone().filter(u8::is_ascii_whitespace);
        (narrow.count(), blanks.count())
    };
    // Read in the wrong byte order, U+3000 (the ideographic space) becomes the digit 0, but hardly anything becomes a blank.
    let fits = |(narrow, blanks), (swapped_narrow, swapped_blanks)| {
        narrow >= enough && (swapped_narrow == 0 || (blanks > 0 && swapped_blanks == 0))
    };
    let (little, big) = (count(u16::from_le_bytes), count(u16::from_be_bytes));
    // Text in one byte per character with single zero bytes among them. In Chinese, one pair in four looks so.
    let wide = units.iter().filter(|unit| !unit.contains(&0));
    let is_ascii = |unit: &&[u8; 2]| {
        unit.iter()
            .all(|byte| matches!(byte, b'\t'..=b'\r' | b' '..=b'~'))
    };
    let (pairs, all) = (wide.clone().filter(is_ascii).count(), wide.count());
    // A file with NUL characters in it is not text.
    let is_narrow = all >= MIN_WIDE && pairs * 5 >= all * 4 && pairs * 2 > units.len();
    if units.contains(&[0, 0]) || is_narrow {
        None
    } else if fits(little, big) {
        Some(UTF_16LE)
    } else {
        fits(big, little).then_some(UTF_16BE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    #[test]
    fn a_byte_order_mark_decides() {
        assert_eq!(sniff(b"\xef\xbb\xbfhello"), Ok((UTF_8, 3)));
        assert_eq!(sniff(b"\xff\xfeh\0"), Ok((UTF_16LE, 2)));
        assert_eq!(sniff(b"\xfe\xff\0h"), Ok((UTF_16BE, 2)));
    }

    #[test]
    fn utf16_without_a_mark_is_recognized() {
        for text in [
            "Hello there, this is all of it.",
            "Привет, это запись на пленку 12 мая.",
        ] {
            assert_eq!(
                sniff(&utf16(text, u16::to_le_bytes)),
                Ok((UTF_16LE, 0)),
                "{text}"
            );
            assert_eq!(
                sniff(&utf16(text, u16::to_be_bytes)),
                Ok((UTF_16BE, 0)),
                "{text}"
            );
        }
        assert_eq!(
            sniff("plain ascii, naïve or 日本語".as_bytes()),
            Ok((UTF_8, 0))
        );
        assert_eq!(sniff(b""), Ok((UTF_8, 0)));
    }

    #[test]
    fn utf16_without_a_mark_may_have_characters_whose_low_byte_is_zero() {
        let text = "李: \u{3000}\u{3000}\u{3000}第一项: 3 月 12 日。\r\n王: \u{3000}\u{3000}\u{3000}同意, 一共 45 人。\r\n";
        assert_eq!(sniff(&utf16(text, u16::to_le_bytes)), Ok((UTF_16LE, 0)));
        assert_eq!(sniff(&utf16(text, u16::to_be_bytes)), Ok((UTF_16BE, 0)));
    }

    #[test]
    fn lists_separated_by_nuls_are_not_utf16() {
        for list in ["depot\0tram\0".repeat(40), "a line\0".repeat(60)] {
            assert_eq!(sniff(list.as_bytes()), Ok((UTF_8, 0)), "{list:?}");
        }
    }

    #[test]
    fn other_formats_are_named() {
        assert_eq!(
            sniff(b"\x1f\x8b\x08\0\0"),
            Err(Rejection::NotText { format: "gzip" })
        );
        for (head, format) in [
            ("%PDF-1.7", "PDF"),
            ("\n\r\n%PDF-1.4\n", "PDF"),
            ("HTTP/1.1 200 OK\r\n\r\n%PDF-1.4\n", "PDF"),
            ("  \n%!PS-Adobe-3.0\n", "PostScript"),
        ] {
            assert_eq!(
                sniff(head.as_bytes()),
                Err(Rejection::NotText { format }),
                "{head}"
            );
        }
        let text = "Ana: the file begins with %PDF-1.4, I think.\n";
        assert_eq!(sniff(text.as_bytes()), Ok((UTF_8, 0)));
    }

    #[test]
    fn encoded_data_is_told_from_text() {
        for data in [
            base64(64, 9) + "QWxp\n",
            base64(2000, 1),
            format!(
                "-----BEGIN PGP MESSAGE-----\n\n{}=a4B9\n-----END PGP MESSAGE-----\n",
                base64(64, 40)
            ),
            format!(
                "begin 644 call.mp3\n{}`\nend\n",
                "M(5!D/SY#:&0]86QL(&]F('1H96T*\n".repeat(9)
            ),
        ] {
            assert!(is_encoded(&data), "{data}");
        }
        for text in [
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nAna: we met.\nBen: Yes, we did, at noon.\nAna: And then?\n",
            "begin 6 minutes late\nAna: we met.\nBen: Yes, we did, at noon.\nAna: And then we left.\n",
            &"yes\n".repeat(300),
            &"x".repeat(3000),
            &(base64(64, 40) + "Ana: that was the picture.\n"),
            "",
        ] {
            assert!(!is_encoded(text), "{text}");
        }
    }

    /// Lines of letters and digits of all kinds.
    fn base64(width: usize, lines: usize) -> String {
        let digits = "QWxpY2UgTW9vcmU6IHRoZSBmZXJyeSBsZWF2ZXMgdGhlIGlzbGFuZCBhdCBub29uLgo2";
        let line: String = digits.chars().cycle().take(width).collect();
        format!("{line}\n").repeat(lines)
    }
}
