//! Detects the encoding of a text that is not ASCII: UTF-8, or one of the encodings that came before it.
//!
//! `chardetng` compares the bytes with the languages that each legacy encoding was made for. Its best guess is accepted only
//! if it reads as writing: in most of these encodings every byte is *some* character, so that decoding alone proves nothing.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, ISO_2022_JP, MACINTOSH, UTF_8};

use crate::text::script::Script;
use crate::transcript::decode::{Rejection, UNDECODABLE_PERCENT};

/// Bytes that are examined, from the first that is not ASCII: an hour of speech or more.
pub(crate) const WINDOW_BYTES: usize = 256 * 1024;

/// Bytes that the detector is given, which scores them in 27 encodings.
const SAMPLE_BYTES: usize = 64 * 1024;

/// Up to this number, oddities are taken for damage and unusual names.
const MAX_ODD: usize = 2;

/// Maximum share of oddities among the characters beyond ASCII, in percent.
const ODD_PERCENT: usize = 15;

/// Maximum share of Latin letters beyond ASCII that follow another character beyond ASCII, in percent. In Czech or Vietnamese
/// up to a third do; in Russian that is read as windows-1252, nine in ten.
const ADJACENT_PERCENT: usize = 60;

/// The escape sequence with which ISO-2022-KR begins.
const TO_KOREAN: &[u8] = b"\x1b$)C";

/// Escape sequences that switch to Japanese characters, in ISO-2022-JP.
const TO_JAPANESE: [&[u8]; 2] = [b"\x1b$B", b"\x1b$@"];

/// The encoding of `window`, which begins with a byte beyond ASCII, or an escape sequence. `before` is the line that it goes on
/// with, and `ascii` the length of all the ASCII text before it.
///
/// # Errors
/// [`Rejection::Undecodable`] if no encoding makes it writing, [`Rejection::NotText`] if it is in an encoding that cannot be read.
pub(crate) fn detect(
    before: &str,
    ascii: usize,
    window: &[u8],
) -> Result<&'static Encoding, Rejection> {
    if window.starts_with(TO_KOREAN) {
        let format = "text in ISO-2022-KR";
        return Err(Rejection::NotText { format });
    }
    if TO_JAPANESE.iter().any(|escape| window.starts_with(escape)) {
        return Ok(ISO_2022_JP);
    }
    if window.is_ascii() || is_utf8(window) {
        return Ok(UTF_8);
    }
    let sample = sample(before, window);
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    // Not fed as the last bytes, since a character that is cut off at the end would rule out its encoding.
    detector.feed(&sample, false);
    let guess = detector.guess(None, Utf8Detection::Deny);
    // The detector does not know Mac OS Roman, which older Macs write.
    let mut candidates = [guess, MACINTOSH].into_iter();
    let is_plausible = |encoding: &&'static Encoding| {
        let (text, _) = encoding.decode_without_bom_handling(&sample);
        is_writing(&text)
    };
    if let Some(encoding) = candidates.find(is_plausible) {
        return Ok(encoding);
    }
    let beyond = window.iter().filter(|byte| !byte.is_ascii()).count();
    let percent = (100 * beyond).div_ceil((ascii + window.len()).max(1)) as u64;
    match percent {
        // A text with a little damage, which is marked.
        ..=UNDECODABLE_PERCENT => Ok(UTF_8),
        _ => Err(Rejection::Undecodable { percent }),
    }
}

/// Whether, read as UTF-8, the bytes have more valid characters beyond ASCII than invalid sequences. A character that is cut
/// off at the end is neither.
fn is_utf8(bytes: &[u8]) -> bool {
    let (mut right, mut wrong) = (0, 0);
    let mut rest = bytes.len();
    for chunk in bytes.utf8_chunks() {
        right += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        rest -= chunk.valid().len() + chunk.invalid().len();
        let is_cut = rest == 0 && is_beginning(chunk.invalid());
        wrong += usize::from(!chunk.invalid().is_empty() && !is_cut);
    }
    right > wrong
}

/// Whether these bytes are an incomplete UTF-8 character rather than an invalid one.
pub(crate) fn is_beginning(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes)
        .is_err_and(|error| error.error_len().is_none() && error.valid_up_to() == 0)
}

/// The lines that are not ASCII. In all encodings in question a newline is a newline.
fn sample(before: &str, window: &[u8]) -> Vec<u8> {
    let mut sample = before.as_bytes().to_vec();
    let lines = window.split_inclusive(|&byte| byte == b'\n');
    for line in lines.filter(|line| !line.is_ascii()) {
        let room = SAMPLE_BYTES.saturating_sub(sample.len());
        sample.extend_from_slice(line.get(..room).unwrap_or(line));
    }
    // A recorder's padding belongs to no language.
    let end = sample.iter().rposition(|&byte| byte != 0);
    sample.truncate(end.map_or(0, |end| end + 1));
    sample
}

/// Whether a decoded text is writing rather than bytes that were read in the wrong encoding.
fn is_writing(text: &str) -> bool {
    let (mut beyond, mut odd, mut latin, mut adjacent) = (0, 0, 0, 0);
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if (!c.is_ascii() && !c.is_whitespace()) || mixes(before, c) {
            let after = chars.peek().copied().unwrap_or(' ');
            let is_latin = script(c) == Some(Script::Latin) && !c.is_ascii();
            beyond += usize::from(!c.is_ascii());
            odd += usize::from(is_odd(before, c, after));
            latin += usize::from(is_latin);
            adjacent += usize::from(is_latin && !before.is_ascii() && !before.is_whitespace());
        }
        before = c;
    }
    (odd <= MAX_ODD || odd * 100 <= beyond * ODD_PERCENT)
        && (adjacent <= MAX_ODD || adjacent * 100 <= latin * ADJACENT_PERCENT)
}

/// Whether `c` is a character that writing hardly has between these two.
fn is_odd(before: char, c: char, after: char) -> bool {
    let is_cased = |c: char| c.is_lowercase() || c.is_uppercase();
    let joins = matches!(c, '\u{ad}' | '·' | '‘' | '’' | '–' | '—' | '…');
    let is_mark = matches!(c, '\u{300}'..='\u{36f}');
    let is_letter = c.is_alphanumeric() || script(c).is_some() || is_mark;
    let is_infix = !is_letter && !joins && is_cased(before) && is_cased(after);
    mixes(before, c) || is_infix || !(is_letter || is_usual(c))
}

/// Whether two letters of one word are in different alphabets, or a capital follows a small letter.
fn mixes(before: char, c: char) -> bool {
    let alphabet = |c| script(c).filter(|&script| script <= Script::Cyrillic);
    let differ = matches!((alphabet(before), alphabet(c)), (Some(a), Some(b)) if a != b);
    let beyond = !before.is_ascii() || !c.is_ascii();
    differ || (beyond && before.is_lowercase() && c.is_uppercase())
}

fn script(c: char) -> Option<Script> {
    Script::of(c.to_ascii_lowercase())
}

/// Whether speech is written with this character, which is no letter.
fn is_usual(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{ad}' | '¡' | '¿' | '«' | '»' | '·' | '°' | '§' | '£' | '№' | '™'
        | '\u{200b}'..='\u{203a}' | '\u{20a0}'..='\u{20bf}'
        | '\u{3000}'..='\u{303f}' | '\u{30fb}' | '\u{ff00}'..='\u{ffef}')
}
