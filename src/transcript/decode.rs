//! Decodes the bytes of a transcript as they arrive, detecting the encoding, or rejects files that are not transcripts.
//!
//! A byte order mark decides the encoding. Without one, UTF-16 is recognized by its zero bytes. Everything else is read as
//! ASCII up to the first byte that is none, or an escape sequence, where the encoding is detected in a window of bounded size.
//! ASCII is the same in all encodings that remain, so nothing is decoded twice.

mod clean;
mod detect;
mod docx;
mod sniff;
mod source_map;

use clean::TextBuilder;
use detect::{WINDOW_BYTES, detect, is_beginning};
use encoding_rs::{DecoderResult, Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE};
use sniff::{ARCHIVE, EMPTY_ARCHIVE, HEAD_BYTES, is_encoded, sniff};
pub(crate) use source_map::Position;
pub use source_map::SourceMap;

use crate::chain::chain;

/// Source bytes decoded per step, which limits the scratch buffer.
const PIECE_BYTES: usize = 8 * 1024;

/// The first byte of an escape sequence in ISO-2022-JP, and the length of the sequence.
const ESCAPE: u8 = 0x1b;
const ESCAPE_BYTES: u8 = 3;

/// Characters of UTF-16 that are looked at together to find a missing byte, and blanks that must be among them.
const SHIFT_UNITS: usize = 64;
const MIN_SHIFTED_BLANKS: usize = 4;

/// Maximum share of undecodable characters, in percent. Up to this the file counts as damaged text.
pub(crate) const UNDECODABLE_PERCENT: u64 = 1;

/// Why a file was rejected as a transcript. Retrying does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The file is empty or has only whitespace.
    #[error("the file is empty: there is nothing to summarize")]
    Empty,
    /// The file has no spoken words.
    #[error(
        "the transcript is empty: apart from time stamps, labels and markup it has no words, so there is nothing to summarize"
    )]
    NothingSaid,
    /// The file is a zip archive, but no Word document that can be read. Holds the reason.
    #[error("{0}")]
    Archive(String),
    /// The file is JSON, but not a transcript. Holds the reason.
    #[error("{0}")]
    Json(String),
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
    /// The file goes on in another encoding, as when text is appended to a file in UTF-16.
    #[error(
        "the file changes its encoding at byte {at}, from UTF-16 to one byte per character: export the transcript as text (UTF-8) \
         and upload that"
    )]
    Mixed {
        /// Byte offset in the source.
        at: u64,
    },
    /// The file is XML, but not a transcript. Holds the reason.
    #[error("{0}")]
    Xml(String),
    /// Too many bytes are invalid in the detected encoding, or no encoding makes them writing.
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

/// A streaming decoder. What it reads does not depend on where the input is split.
#[derive(Default)]
pub struct Decoder {
    bytes: u64,
    /// Buffered bytes: the head, the window in which the encoding is detected, or an incomplete character.
    held: Vec<u8>,
    stage: Stage,
    text: TextBuilder,
}

#[derive(Default)]
enum Stage {
    /// Waiting for the head of the file.
    #[default]
    Head,
    /// A zip archive, which is held to its end.
    Archive,
    /// Everything so far was ASCII.
    Ascii,
    /// Waiting for the window in which the encoding is detected.
    Window,
    Utf8,
    Other(encoding_rs::Decoder),
    /// UTF-16. Bytes are held until it is known whether one is missing.
    Utf16 {
        decoder: encoding_rs::Decoder,
        read_unit: fn([u8; 2]) -> u16,
    },
    /// An encoding with several bytes per character. `pending` bytes belong to characters that are not complete.
    MultiByte {
        decoder: encoding_rs::Decoder,
        pending: u64,
    },
    /// ISO-2022-JP. The next `escape` bytes end an escape sequence.
    Escaped {
        decoder: encoding_rs::Decoder,
        pending: u64,
        escape: u8,
    },
}

impl Stage {
    fn of(encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder_without_bom_handling();
        if encoding == UTF_8 {
            Self::Utf8
        } else if encoding.is_single_byte() {
            Self::Other(decoder)
        } else if encoding == UTF_16LE {
            Self::Utf16 {
                decoder,
                read_unit: u16::from_le_bytes,
            }
        } else if encoding == UTF_16BE {
            Self::Utf16 {
                decoder,
                read_unit: u16::from_be_bytes,
            }
        } else if encoding == ISO_2022_JP {
            Self::Escaped {
                decoder,
                pending: 0,
                escape: 0,
            }
        } else {
            Self::MultiByte {
                decoder,
                pending: 0,
            }
        }
    }
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
        if matches!(self.stage, Stage::Archive) {
            let mut clean = TextBuilder::new(UTF_8, 0);
            let mut pushed = Ok(());
            docx::read(&self.held, &mut |piece| {
                pushed = std::mem::replace(&mut pushed, Ok(())).and_then(|()| clean.push(piece));
            })
            .map_err(|error| Rejection::Archive(chain(&error)))?;
            pushed?;
            self.held = Vec::new();
            let decoded = clean.finish(self.bytes)?;
            return Ok(Decoded {
                source_map: decoded.source_map.in_archive(self.bytes, &decoded.text),
                ..decoded
            });
        }
        let decoded = self.text.finish(self.bytes)?;
        if is_encoded(&decoded.text) {
            let format = "encoded or encrypted data";
            return Err(Rejection::NotText { format });
        }
        Ok(decoded)
    }

    fn read(&mut self, mut bytes: &[u8], last: bool) -> Result<(), Rejection> {
        if matches!(self.stage, Stage::Head) {
            if !self.hold(&mut bytes, HEAD_BYTES) && !last {
                return Ok(());
            }
            if self.held.starts_with(ARCHIVE) || self.held.starts_with(EMPTY_ARCHIVE) {
                self.stage = Stage::Archive;
                return self.decode(bytes, last);
            }
            let head = std::mem::take(&mut self.held);
            let (encoding, mark) = sniff(&head)?;
            self.text = TextBuilder::new(encoding, mark as u64);
            let is_undecided = encoding == UTF_8 && mark == 0;
            self.stage = if is_undecided {
                Stage::Ascii
            } else {
                Stage::of(encoding)
            };
            self.decode(head.split_at(mark).1, false)?;
        }
        self.decode(bytes, last)
    }

    /// Buffers bytes up to `limit`. Returns whether it is reached.
    fn hold(&mut self, bytes: &mut &[u8], limit: usize) -> bool {
        let room = limit.saturating_sub(self.held.len()).min(bytes.len());
        let (taken, rest) = bytes.split_at(room);
        self.held.extend_from_slice(taken);
        *bytes = rest;
        self.held.len() >= limit
    }

    fn decode(&mut self, mut bytes: &[u8], last: bool) -> Result<(), Rejection> {
        if matches!(self.stage, Stage::Ascii) {
            let (ascii, rest) = bytes.split_at(Encoding::iso_2022_jp_ascii_valid_up_to(bytes));
            self.text.push(&String::from_utf8_lossy(ascii))?;
            bytes = rest;
            if bytes.is_empty() {
                return Ok(());
            }
            self.stage = Stage::Window;
        }
        if matches!(self.stage, Stage::Window) {
            if !self.hold(&mut bytes, WINDOW_BYTES) && !last {
                return Ok(());
            }
            let window = std::mem::take(&mut self.held);
            let encoding = detect(self.text.line(), self.text.len(), &window)?;
            self.text.switch(encoding);
            self.stage = Stage::of(encoding);
            self.decode(&window, false)?;
        }
        match &mut self.stage {
            Stage::Head | Stage::Ascii | Stage::Window => Ok(()),
            Stage::Archive => {
                self.held.extend_from_slice(bytes);
                Ok(())
            }
            Stage::Utf8 => {
                self.held.extend_from_slice(bytes);
                let held = std::mem::take(&mut self.held);
                self.held = read_utf8(&held, &mut self.text, last)?.to_vec();
                Ok(())
            }
            Stage::Other(decoder) => read_other(decoder, bytes, &mut self.text, last),
            Stage::Utf16 { decoder, read_unit } => {
                self.held.extend_from_slice(bytes);
                let held = std::mem::take(&mut self.held);
                self.held = read_utf16(decoder, *read_unit, &held, &mut self.text, last)?.to_vec();
                Ok(())
            }
            Stage::MultiByte { decoder, pending } => {
                read_multi_byte(decoder, pending, bytes, &mut self.text, last)
            }
            Stage::Escaped {
                decoder,
                pending,
                escape,
            } => {
                while let Some(&first) = bytes.first() {
                    if *escape == 0 && first == ESCAPE {
                        *escape = ESCAPE_BYTES;
                    }
                    let stretch = bytes.iter().position(|&byte| byte == ESCAPE);
                    let length = if *escape > 0 {
                        1
                    } else {
                        stretch.unwrap_or(bytes.len())
                    };
                    let (piece, rest) = bytes.split_at(length);
                    read_multi_byte(decoder, pending, piece, &mut self.text, false)?;
                    bytes = rest;
                    if *escape == 1 {
                        self.text.skip(std::mem::take(pending));
                    }
                    *escape = escape.saturating_sub(1);
                }
                read_multi_byte(decoder, pending, bytes, &mut self.text, last)
            }
        }
    }
}

/// Decodes UTF-8. Returns an incomplete character at the end, which more bytes may complete.
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
        if !last && rest.len() == invalid.len() && is_beginning(invalid) {
            break;
        }
        if !invalid.is_empty() {
            text.push_undecodable(invalid.len() as u64)?;
        }
        rest = rest.split_at(invalid.len()).1;
    }
    Ok(rest)
}

/// Decodes UTF-16. Where a byte is missing, all that follows would be read from the wrong halves of the characters, so that one
/// more byte is dropped. Returns the bytes at the end, which must be seen together with more.
fn read_utf16<'a>(
    decoder: &mut encoding_rs::Decoder,
    read_unit: fn([u8; 2]) -> u16,
    bytes: &'a [u8],
    text: &mut TextBuilder,
    last: bool,
) -> Result<&'a [u8], Rejection> {
    let mut rest = bytes;
    loop {
        let (units, _) = rest.as_chunks::<2>();
        let seen = match last {
            true => units.len(),
            false => units.len().saturating_sub(SHIFT_UNITS),
        };
        let rests = || (0..seen).map(|at| units.split_at(at).1);
        if let Some(at) = rests().position(is_narrow) {
            let (sound, _) = rest.split_at(2 * at);
            read_other(decoder, sound, text, false)?;
            return Err(Rejection::Mixed { at: text.source() });
        }
        let shift = rests().position(|rest| is_shifted(rest, read_unit));
        let (sound, after) = rest.split_at(2 * shift.unwrap_or(seen));
        read_other(decoder, sound, text, false)?;
        rest = after;
        if shift.is_none() {
            break;
        }
        text.push_undecodable(1)?;
        rest = rest.split_at(1).1;
    }
    if last {
        read_other(decoder, rest, text, true)?;
        rest = &[];
    }
    Ok(rest)
}

/// Whether the next characters are read from pairs of ASCII characters.
fn is_narrow(units: &[[u8; 2]]) -> bool {
    let is_ascii = |unit: &[u8; 2]| {
        unit.iter()
            .all(|byte| matches!(byte, b'\t'..=b'\r' | b' '..=b'~'))
    };
    // A character such as 啊 may be shouted many times, but ASCII text has blanks.
    units.get(..SHIFT_UNITS).is_some_and(|near| {
        near.iter().all(is_ascii) && near.iter().any(|unit| unit.contains(&b' '))
    })
}

/// Whether characters of UTF-16 are read from the wrong halves: the first is a blank in the other byte order, and so are
/// others that follow, but none is a blank as it is read.
fn is_shifted(units: &[[u8; 2]], read: fn([u8; 2]) -> u16) -> bool {
    let is_blank = |unit: u16| matches!(unit, 0x20 | 0x0a | 0x0d);
    let swapped = |unit: &&[u8; 2]| is_blank(read(**unit).swap_bytes());
    let near = || units.iter().take(SHIFT_UNITS);
    // Two halves of neighbours make a NUL where one of them lost its other half.
    let may_begin = |first: &[u8; 2]| swapped(&first) || *first == [0, 0];
    near().next().is_some_and(may_begin)
        && near().filter(swapped).count() >= MIN_SHIFTED_BLANKS
        && !near().any(|&unit| is_blank(read(unit)))
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

/// Decodes an encoding with characters of different widths, one character at a time: the decoder tells how many bytes it has
/// read, but not for which of the characters that it returns.
fn read_multi_byte(
    decoder: &mut encoding_rs::Decoder,
    pending: &mut u64,
    mut bytes: &[u8],
    text: &mut TextBuilder,
    last: bool,
) -> Result<(), Rejection> {
    let mut piece = String::with_capacity(PIECE_BYTES);
    // Room for one character. ASCII characters may come before it.
    let mut next = String::with_capacity(4);
    loop {
        let (result, read) = decoder.decode_to_string_without_replacement(bytes, &mut next, last);
        bytes = bytes.split_at(read).1;
        *pending += read as u64;
        let (bad, after) = match result {
            DecoderResult::Malformed(bad, after) => (u64::from(bad), u64::from(after)),
            _ => (0, 0),
        };
        let wide = next.chars().filter(|c| !c.is_ascii()).count() as u64;
        if !next.is_empty() {
            let ascii = next.chars().count() as u64 - wide;
            let width = (*pending - bad - after - ascii).checked_div(wide);
            if let Some(width) = width
                && width != text.wide()
            {
                text.push(&std::mem::take(&mut piece))?;
                text.set_wide(width);
            }
            *pending -= ascii + width.unwrap_or(0) * wide;
            piece.push_str(&next);
            next.clear();
        }
        if bad > 0 || piece.len() >= PIECE_BYTES || matches!(result, DecoderResult::InputEmpty) {
            text.push(&piece)?;
            piece.clear();
        }
        if bad > 0 {
            text.push_undecodable(*pending - after)?;
            *pending = after;
        }
        if matches!(result, DecoderResult::InputEmpty) {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{
        BIG5, EUC_JP, EUC_KR, GB18030, ISO_2022_JP, ISO_8859_2, ISO_8859_5, ISO_8859_7, KOI8_R,
        MACINTOSH, SHIFT_JIS, WINDOWS_874, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252, WINDOWS_1253,
        WINDOWS_1254, WINDOWS_1255, WINDOWS_1256, WINDOWS_1257, WINDOWS_1258,
    };
    use proptest::prelude::*;

    use super::*;

    /// What people say in the languages for which the legacy encodings were made.
    #[rustfmt::skip]
    const LEGACY: [(&Encoding, &str); 21] = [
        (WINDOWS_1251, "[00:00:04] Вера: Добрый день, коллеги. Начнём с отчёта за март.\r\nОлег: Да, у меня 14 вопросов.\r\n"),
        (KOI8_R, "[00:00:04] Вера: Добрый день, коллеги. Начнём с отчёта за март.\r\nОлег: Да, у меня 14 вопросов.\r\n"),
        (ISO_8859_5, "Вера: Добрый день, коллеги. Начнём с отчёта за март.\nОлег: Да, у меня 14 вопросов о бюджете.\n"),
        (WINDOWS_1250, "Jiří: Dobrý den, začneme zprávou o rozpočtu. Příští týden přijede ředitelka ze Žďáru.\nŠárka: Děkuji, řeknu to všem.\n"),
        (ISO_8859_2, "Łucja: Dzień dobry, zaczniemy od sprawozdania. Środki są już rozdzielone, a źródło jest pewne.\nJózef: Dziękuję, powtórzę to wszystkim.\n"),
        (WINDOWS_1252, "Zoë: That’s the “naïve” café plan — 20 € a head.\nJosé: Sí, mañana también.\n"),
        (WINDOWS_1252, "Désirée: L’été dernier, nous avons déjà relevé le problème à la régie.\nÉric: Très bien, ça ira.\n"),
        (MACINTOSH, "Désirée: L’été dernier, nous avons déjà relevé le problème à la régie.\nÉric: Très bien, ça ira, même après la fête.\n"),
        (WINDOWS_1253, "Ελένη: Καλημέρα σας, αρχίζουμε με τον προϋπολογισμό του Μαρτίου.\nΝίκος: Συμφωνώ, έχω δύο ερωτήσεις.\n"),
        (ISO_8859_7, "Ελένη: Καλημέρα σας, αρχίζουμε με τον προϋπολογισμό του Μαρτίου.\nΝίκος: Συμφωνώ, έχω δύο ερωτήσεις.\n"),
        (WINDOWS_1254, "Ayşe: Günaydın, bugün bütçeyle başlıyoruz. Geçen yıl çok iş yaptık.\nİbrahim: Teşekkürler, şimdi değişiklikleri anlatacağım.\n"),
        (WINDOWS_1255, "שרה: בוקר טוב לכולם, נתחיל בתקציב של חודש מרץ.\nיוסי: תודה, יש לי שתי שאלות על הדוח.\n"),
        (WINDOWS_1256, "سارة: صباح الخير جميعا، نبدأ بميزانية شهر مارس.\nكريم: شكرا، عندي سؤالان عن التقرير.\n"),
        (WINDOWS_1257, "Rūta: Laba diena, pradėsime nuo biudžeto ataskaitos. Kitą savaitę atvyks direktorė.\nĄžuolas: Ačiū, pranešiu visiems žmonėms.\n"),
        (WINDOWS_874, "สมชาย: สวัสดีครับ วันนี้เราจะเริ่มจากงบประมาณเดือนมีนาคม\nมาลี: ขอบคุณค่ะ มีคำถามสองข้อ\n"),
        (GB18030, "王芳: 大家好，今天我们先讨论三月的预算。🙂\n李强: 好的，我有两个问题，关于GPU和人员。\n"),
        (BIG5, "王芳: 大家好，今天我們先討論三月的預算。\n李強: 好的，我有兩個問題，關於GPU和人員。\n"),
        (SHIFT_JIS, "田中: おはようございます。今日は三月の予算から始めます。\n鈴木: はい、ﾃｽﾄについて質問が二つあります。\n"),
        (EUC_JP, "田中: おはようございます。今日は三月の予算から始めます。\n鈴木: はい、報告書について質問が二つあります。\n"),
        (EUC_KR, "김민수: 안녕하세요. 오늘은 삼월 예산부터 시작하겠습니다.\n이영희: 네, 보고서에 대해 질문이 두 개 있습니다.\n"),
        (WINDOWS_1258, "Lan: Chào các anh chi\u{323}, chúng ta bă\u{301}t đâ\u{300}u vơ\u{301}i ngân sách tháng ba.\nMinh: Vâng, tôi có hai câu ho\u{309}i vê\u{300} báo cáo.\n"),
    ];

    fn encoded(encoding: &'static Encoding, text: &str) -> Vec<u8> {
        let (bytes, _, unmappable) = encoding.encode(text);
        assert!(!unmappable, "{} {text}", encoding.name());
        bytes.into_owned()
    }

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
    fn a_few_bytes_beyond_ascii_are_read_as_windows_1252() {
        let long = "x ".repeat(2000);
        assert_eq!(
            decoded(b"don\x92t caf\xe9"),
            ("don\u{2019}t café".into(), "windows-1252")
        );
        let late = [long.as_bytes(), b"caf\xe9"].concat();
        assert_eq!(decoded(&late), (format!("{long}café"), "windows-1252"));
    }

    #[test]
    fn legacy_encodings_are_recognized_by_what_is_said() {
        for (encoding, text) in LEGACY {
            let name = encoding.name();
            let clean = text.to_owned();
            for before in ["", &"Chair: this part is in English.\n".repeat(100)] {
                let bytes = encoded(encoding, &format!("{before}{text}"));
                let decoded = decode(&bytes, usize::MAX).expect(name);
                assert_eq!(decoded.text, format!("{before}{clean}"), "{name}");
                // A download that stopped early ends within a character.
                let cut = decode(&bytes[..bytes.len() - 4], usize::MAX).unwrap();
                let (whole, _) = decoded
                    .text
                    .split_at(decoded.text.floor_char_boundary(decoded.text.len() - 10));
                assert!(cut.text.starts_with(whole), "{name}: {}", cut.text);
            }
        }
    }

    #[test]
    fn japanese_for_seven_bits_is_recognized_and_leads_back_to_its_bytes() {
        let text = "Chair: OK.\n田中: おはようございます。A5の予算です。\n鈴木: はい、質問が2つあります。\n".repeat(90);
        let bytes = encoded(ISO_2022_JP, &text);
        for piece in [1, 2, 7, 1000, bytes.len()] {
            let decoded = decode(&bytes, piece).unwrap();
            assert_eq!((decoded.encoding, &decoded.text), ("ISO-2022-JP", &text));
            for (at, c) in text.char_indices().step_by(61) {
                let offset = decoded.source_map.source_offset(&text, at) as usize;
                let alone = encoded(ISO_2022_JP, &c.to_string());
                let c = if alone.len() > 1 {
                    &alone[3..5]
                } else {
                    &alone[..]
                };
                assert!(bytes[offset..].starts_with(c), "{at}");
            }
        }
        let colours = decode(b"\x1b[1mAna:\x1b[0m we met.\n", 4).unwrap();
        assert_eq!(
            (colours.encoding, &*colours.text),
            ("UTF-8", "Ana: we met.\n")
        );
    }

    #[test]
    fn what_a_terminal_obeys_is_dropped() {
        for (bytes, text) in [
            ("\u{1b}[1;31mAna:\u{1b}[0m we\u{1b}[K met.", "Ana: we met."),
            ("\u{1b}]0;a title\u{7}Ana: we met.", "Ana: we met."),
            (
                "\u{1b}]8;;https://example.org\u{1b}\\Ana\u{1b}]8;;\u{1b}\\: we met.",
                "Ana: we met.",
            ),
            (
                "\u{1b}]never ended\nAna: we met [31 of us].\u{1b}[",
                "\nAna: we met [31 of us].",
            ),
            ("é\u{1b}[1mé\u{1b}", "éé"),
        ] {
            let (read, _) = decoded(bytes.as_bytes());
            assert_eq!(read, text);
            let map = decode(bytes.as_bytes(), usize::MAX).unwrap().source_map;
            for (at, c) in text.char_indices() {
                let offset = map.source_offset(text, at) as usize;
                assert!(bytes[offset..].starts_with(c), "{at} {text}");
            }
        }
    }

    #[test]
    fn a_change_of_encoding_is_named() {
        let text = "Dana: the ferry leaves the island at noon, and nobody waits.\n".repeat(9);
        let mixed = [utf16(&text, u16::to_le_bytes), text.clone().into_bytes()].concat();
        for piece in [usize::MAX, 3, 1021] {
            let Err(Rejection::Mixed { at }) = decode(&mixed, piece) else {
                panic!("pieces of {piece}");
            };
            assert_eq!(at, 2 * text.len() as u64);
        }
        // A character whose halves are ASCII, shouted.
        let shout = format!("王芳: {} 好。", "啊".repeat(200));
        assert_eq!(
            decoded(&utf16(&format!("\u{feff}{shout}"), u16::to_le_bytes)).0,
            shout
        );
        // A zero byte after each blank is no UTF-16.
        let zeros = text.replace(' ', " \0");
        assert!(matches!(
            decode(zeros.as_bytes(), usize::MAX),
            Err(Rejection::Nul { .. })
        ));
    }

    #[test]
    fn damage_is_measured_by_the_whole_text() {
        let text = "Dana: the ferry leaves the island at noon, and nobody waits.\n".repeat(90);
        let noise: Vec<u8> = (0..20).map(|n| 0x81 + (n * 47 % 120) as u8).collect();
        let little = decode(&[text.as_bytes(), &noise].concat(), usize::MAX).unwrap();
        assert!(little.text.starts_with(&text));
        let much = decode(&[text.as_bytes(), &noise.repeat(20)].concat(), usize::MAX);
        let Err(Rejection::Undecodable { percent }) = much else {
            panic!("{much:?}");
        };
        assert!((2..=8).contains(&percent), "{percent}");
    }

    #[test]
    fn every_offset_of_a_legacy_text_leads_back_to_its_byte() {
        for (encoding, text) in LEGACY {
            let bytes = encoded(encoding, text);
            let decoded = decode(&bytes, 5).unwrap();
            for (at, c) in decoded.text.char_indices() {
                let expected = encoded(encoding, decoded.text.split_at(at).0).len();
                let found = decoded.source_map.source_offset(&decoded.text, at);
                assert_eq!(found, expected as u64, "{}: {c} at {at}", encoding.name());
            }
        }
    }

    #[test]
    fn padding_is_dropped() {
        for (text, padding) in [
            ("Dana: yes.\n", 1),
            ("Dana: naïve.", 700),
            ("Dana: ok\r", 5000),
        ] {
            let utf8 = [text.as_bytes(), &vec![0; padding]].concat();
            assert_eq!(decoded(&utf8).0.trim_end(), text.trim_end());
            let wide = [utf16(text, u16::to_le_bytes), vec![0; 2 * padding]].concat();
            assert_eq!(decoded(&wide), (decoded(&utf8).0, "UTF-16LE"));
        }
        let (encoding, text) = LEGACY[0];
        let padded = [encoded(encoding, text), vec![0; 900]].concat();
        assert_eq!(decoded(&padded), (text.to_owned(), "windows-1251"));
        assert_eq!(decode(&[0; 3000], 7).unwrap_err(), Rejection::Empty);
    }

    #[test]
    fn what_no_encoding_makes_writing_is_rejected() {
        let ebcdic: Vec<u8> = b"\xc4\x81\x95\x81\x7a\x40\xa8\x85\xa2\x4b\x25".repeat(40);
        let twice = encoded(WINDOWS_1252, "Ã–Ã¼ ").repeat(3);
        for bytes in [ebcdic, [&b"\x8f\x9d\x81\xff"[..]; 200].concat()] {
            let found = decode(&bytes, 100);
            assert!(
                matches!(found, Err(Rejection::Undecodable { .. })),
                "{found:?}"
            );
        }
        assert!(
            decode(&twice, 100).is_ok(),
            "mojibake that was saved as UTF-8 stays text"
        );
    }

    /// Everything that is known of a decoded file.
    fn reading(
        pieces: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<(String, &'static str, Vec<u64>), Rejection> {
        let mut decoder = Decoder::default();
        for piece in pieces {
            decoder.push(piece.as_ref())?;
        }
        let Decoded {
            text,
            encoding,
            source_map,
            ..
        } = decoder.finish()?;
        let starts = text
            .char_indices()
            .map(|(at, _)| source_map.source_offset(&text, at));
        let offsets = starts.collect();
        Ok((text, encoding, offsets))
    }

    /// Files of valid, damaged and mixed texts.
    fn files(longest: usize) -> impl Strategy<Value = Vec<u8>> {
        let mut parts: Vec<Vec<u8>> = LEGACY
            .map(|(encoding, text)| encoded(encoding, text))
            .into();
        parts.extend([
            MIXED.as_bytes().to_vec(),
            utf16(MIXED, u16::to_le_bytes),
            b"\xef\xbb\xbf".to_vec(),
            "plain ascii, ".repeat(90).into_bytes(),
            b"\xc3".to_vec(),
            b"\xe6\x97".to_vec(),
            b"\xff\r".to_vec(),
            b"\r\n\x85\0".to_vec(),
        ]);
        let part = (prop::sample::select(parts), 0..60_usize, 1..400_usize);
        prop::collection::vec(part, 1..5).prop_map(move |parts| {
            let cut = |(part, from, length): (Vec<u8>, usize, usize)| {
                part.into_iter().skip(from).take(length)
            };
            parts.into_iter().flat_map(cut).take(longest).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]
        #[test]
        fn the_reading_of_a_small_file_does_not_depend_on_the_cut(file in files(150)) {
            let whole = reading([&file]);
            for at in 0..=file.len() {
                let (before, after) = file.split_at(at);
                prop_assert_eq!(&reading([before, after]), &whole, "cut at {}", at);
            }
            prop_assert_eq!(&reading(file.chunks(1)), &whole);
        }

    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(12) })]
        #[test]
        fn the_reading_of_a_large_file_does_not_depend_on_the_cuts(
            file in files(1500),
            times in prop::sample::select(vec![1, 3, 200]),
            cuts in prop::collection::vec(1..6000_usize, 1..20),
        ) {
            let file = file.repeat(times);
            let mut pieces = Vec::new();
            let mut rest = &file[..];
            for cut in cuts.iter().cycle() {
                let (piece, after) = rest.split_at((*cut).min(rest.len()));
                pieces.push(piece);
                rest = after;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert!(reading(pieces) == reading([&file]));
        }
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
    fn utf16_is_read_again_after_a_missing_or_an_additional_byte() {
        let text = "Dana: we met in May, naïve as we were — да.\r\n".repeat(40);
        for to_bytes in [u16::to_le_bytes, u16::to_be_bytes] {
            let whole = utf16(&text, to_bytes);
            for at in 1800..1840 {
                let (before, after) = whole.split_at(at);
                for damaged in [
                    [before, after.split_at(1).1].concat(),
                    [before, b"!", after].concat(),
                ] {
                    let (text, _) = decoded(&damaged);
                    let sound = text
                        .matches("Dana: we met in May, naïve as we were — да.")
                        .count();
                    assert!(sound >= 38 && text.contains('\u{fffd}'), "{at}: {text}");
                    let noise = |c: char| c > '\u{1000}' && !"—\u{fffd}".contains(c);
                    assert!(text.matches(noise).count() <= 8, "{at}: {text}");
                }
            }
        }
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
