//! Tells names from other labels, and variants of one name from different names.

use std::collections::HashSet;
use std::sync::LazyLock;

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::text::script::is_ideograph;
use crate::text::sentence;

use super::stamp::{is_date, is_month};

/// Maximum length of a speaker label, in bytes. Parliaments put office, name, riding and party into it.
pub(in crate::transcript::format) const MAX_BYTES: usize = 100;

/// Maximum number of words in a label, outside brackets.
pub(in crate::transcript::format) const MAX_WORDS: u32 = 5;

/// Maximum number of words in a label with lower-case words.
const MAX_LOOSE_WORDS: u32 = 3;

/// Maximum number of ideographs in a label.
const MAX_IDEOGRAPHS: usize = 12;

/// Words in a name that may be lower-case.
pub(in crate::transcript::format) const PARTICLES: [&str; 29] = [
    "de", "da", "di", "do", "dos", "du", "van", "von", "der", "den", "del", "la", "las", "le",
    "los", "al", "el", "bin", "ibn", "tot", "y", "zu", "zum", "of", "the", "and", "señor",
    "señora", "señores",
];

/// Those of them that do not belong to a family name.
const NOT_OF_NAMES: [&str; 6] = ["of", "the", "and", "señor", "señora", "señores"];

/// Lower-case words that a surname may start with.
const SURNAME_OPENINGS: [&str; 14] = [
    "de", "da", "di", "dos", "du", "van", "von", "zu", "ter", "ten", "del", "la", "le", "el",
];

/// Forms of address in the labels of parliaments, where a full stop follows the label: `Mr. HOLT of Ohio.`
const ADDRESSES: [&str; 9] = ["Mr", "Ms", "Mrs", "Miss", "M", "Mme", "Mlle", "Dr", "Hon"];

/// Words before a full stop that may end a name or stand in it.
const ABBREVIATIONS: [&str; 22] = [
    "dr", "mr", "mrs", "ms", "mx", "jr", "sr", "st", "prof", "rev", "hon", "gen", "col", "sgt",
    "lt", "capt", "esq", "inc", "ltd", "co", "corp", "pres",
];

/// Titles before a full stop that only precede a name.
const TITLES: [&str; 10] = [
    "sen", "rep", "gov", "maj", "cpl", "cllr", "supt", "amb", "hr", "fr",
];

/// Labels that head a passage, tag a sound or open a sentence, in lower case. None of them is a speaker, even if it recurs.
static OTHER_LABELS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    [
        // Headings.
        "note|notes|nb|n.b|ps|p.s|agenda|action|actions|action item|action items|summary|executive summary|\
        overview|background|introduction|conclusion|conclusions|outline|attendees|attendance|participants|\
        speakers|panelists|present|absent|apologies|date|time|start|end|start time|end time|duration|length|\
        location|venue|place|subject|topic|topics|title|meeting|meeting id|meeting title|meeting notes|pros|cons|recording|\
        recorded|transcript|transcription|transcribed by|page|chapter|section|step|slide|item|figure|table|\
        appendix|day|week|part|warning|caution|update|updates|todo|to do|next steps|decision|decisions|http|https|\
        url|link|links|website|email|e-mail|phone|tel|fax|kind|language|lang|re|fwd|to|from|source|file|filename|\
        note confidence|confidence|style|region|webvtt",
        // Fields of forms, recipes, field notes and change logs.
        "weather|equipment|food|ingredients|method|directions|instructions|serves|servings|prep time|cook time|total time|\
        yield|difficulty|flour|sugar|butter|salt|water|milk|oil|price|cost|costs|total|subtotal|amount|quantity|size|weight|\
        height|width|color|colour|material|address|city|country|state|zip|name|names|age|gender|birthday|occupation|\
        organization|department|status|priority|version|license|publisher|published|category|categories|\
        tags|keywords|description|abstract|results|methods|discussion|references|requirements|features|bug fixes|added|\
        changed|fixed|removed|deprecated|security|unreleased|breaking changes|content-type|content-length|server|\
        cache-control|connection|user-agent|accept|date sent|sent|bcc|reply-to|message-id|begin|fn|org|uid|\
        temperature|wind|rain|route|distance|gear|vehicle|route notes|sightings|observations|budget|risk|risks|\
        deadline|due date|objective|objectives|goals|scope|purpose|comments|remarks|attachments|file attached|type|\
        format|mode|model|serial number|reference|invoice|breakfast|lunch|dinner|monday|tuesday|wednesday|thursday|\
        friday|saturday|sunday|today|tomorrow|yesterday|tonight|morning|afternoon|evening",
        // Sounds.
        "music|applause|laughter|laughs|laughing|crosstalk|inaudible|unintelligible|silence|blank_audio|\
        blank audio|noise|pause|cheering|foreign|sighs|cough|coughs|sound|sounds|background noise",
        // Interjections and openings.
        "the|we|they|he|she|it|this|that|there|what|if|or|as|for|okay|ok|yeah|yes|yep|yup|no|nope|right|sure|mm|mhm|mm-hmm|mmhmm|uh-huh|uh|um|hmm|oh|ah|wow|well|so|and|\
        but|because|then|now|first|firstly|second|secondly|third|finally|lastly|again|also|however|therefore|\
        meanwhile|remember|look|listen|please|thanks|thank you|great|good|cool|exactly|absolutely|definitely|\
        correct|true|hello|hi|hey|bye|goodbye|welcome|sorry|amen|good morning|good afternoon|good evening|roger|\
        example|for example|fact|reason|result|results|problem|solution|idea|point|option|goal|quote|definition|\
        important|key|tip|tips|rule|answer is|bottom line|in short|ja|nein|genau|gut|oui|non|voilà|sí|si|claro|\
        bueno|vale|sim|não|da|нет|да|хорошо|ладно|好|好的|对|是|嗯|はい|うん|네|예",
    ]
    .into_iter()
    .flat_map(|labels| labels.split('|'))
    .collect()
});

/// Headings that a number follows, as in `Chapter 2`.
const NUMBERED: [&str; 22] = [
    "episode", "season", "chapter", "section", "part", "page", "slide", "item", "step", "figure",
    "table", "day", "week", "appendix", "point", "option", "question", "exhibit", "volume", "line",
    "article", "agenda",
];

/// How lines of logs start.
pub(in crate::transcript::format) const LOG_LEVELS: [&str; 9] = [
    "INFO", "WARN", "WARNING", "ERROR", "DEBUG", "TRACE", "FATAL", "CRITICAL", "SEVERE",
];

/// Words in the titles of speakers.
const ROLES: [&str; 14] = [
    "officer",
    "analyst",
    "director",
    "president",
    "chief",
    "vice",
    "manager",
    "chairman",
    "head",
    "partner",
    "professor",
    "engineer",
    "ceo",
    "cfo",
];

/// How much a label looks like a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::transcript::format) enum Shape {
    /// It has lower-case words, so it is a name only in a text where most lines have such labels.
    Loose,
    /// Each word is capitalized, a number or a word of a script without case.
    Strict,
}

/// The characters that no reader sees: marks of writing direction, zero-width spaces, soft hyphens.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

pub(super) fn is_blank(c: char) -> bool {
    match c.is_ascii() {
        true => matches!(c, '\t'..='\r' | ' '),
        false => c.is_whitespace() || is_invisible(c),
    }
}

/// Whether a character may stand around a name without being part of it.
pub(super) fn is_edge(c: char) -> bool {
    is_blank(c) || matches!(c, '*' | '_' | '`' | '"' | '“' | '”' | '«' | '»' | '=')
}

/// Whether a label looks like a name: short, made of names' characters, and no sentence.
pub(in crate::transcript::format) fn shape(label: &str) -> Option<Shape> {
    if label.is_empty() || label.len() > MAX_BYTES {
        return None;
    }
    if is_simple(label) && label != "You" {
        return Some(Shape::Strict);
    }
    if is_doubtful(label) {
        return Some(Shape::Loose);
    }
    // Offices in parliaments are long: `The Minister for Transport (Ada Holt)`.
    let has_role = label.ends_with(')');
    let first = label.split(is_blank).next().unwrap_or_default();
    let opens_surname = SURNAME_OPENINGS.contains(&first) && label.contains(char::is_uppercase);
    let (mut words, mut depth, mut is_loose) = (0_u32, 0_usize, false);
    let (mut has_letter, mut has_comma) = (false, false);
    let mut words_of = label
        .split(is_blank)
        .filter(|word| !word.is_empty())
        .peekable();
    while let Some(word) = words_of.next() {
        let open = word.find(['(', '[', '（']);
        let is_inside = depth > 0 || open == Some(0);
        depth += word.matches(['(', '[', '（']).count();
        depth = depth.saturating_sub(word.matches([')', ']', '）']).count());
        if is_inside {
            continue;
        }
        // `議長(佐藤一郎君)` has no blank.
        let office = open.map(|open| word.split_at(open).0);
        let word = office.filter(|office| !office.is_ascii()).unwrap_or(word);
        // `Name | Company`, as people call themselves in meetings.
        if word == "|" && words > 0 && words_of.peek().is_some() {
            continue;
        }
        words += 1;
        let plain = word.trim_end_matches([',', '.']);
        if !plain.chars().all(is_in_names) || plain.bytes().all(|byte| byte == b'-') {
            return None;
        }
        if word.ends_with('.') && !is_abbreviation(plain, words_of.peek().is_none()) {
            return None;
        }
        // Titles do not make a name long.
        words -= u32::from(word.ends_with('.') && words_of.peek().is_some());
        has_comma |= word.ends_with(',');
        has_letter |= plain.contains(char::is_alphabetic);
        let is_id = plain.contains(['@', '_']) || plain.contains(|c: char| c.is_ascii_digit());
        let is_particle = !label.starts_with(plain)
            && (PARTICLES.contains(&plain) || (has_role && matches!(plain, "for" | "to" | "in")));
        // Nor do those of a family name.
        words -= u32::from(is_particle && !NOT_OF_NAMES.contains(&plain));
        let is_device = matches!(plain.as_bytes(), [b'i', b'A'..=b'Z', ..]);
        let is_lower = plain.starts_with(char::is_lowercase) && !is_device;
        if is_lower && !is_id && !is_particle {
            if is_function_word(plain) {
                return None;
            }
            // The number makes `speaker 1` a label.
            let is_numbered = words_of
                .peek()
                .is_some_and(|next| next.bytes().all(|byte| byte.is_ascii_digit()));
            is_loose |= !is_numbered;
        }
    }
    if is_loose && !opens_surname && (has_comma || is_sentence_start(label)) {
        return None;
    }
    let limit = match (is_loose, has_role) {
        (true, _) if opens_surname || is_address(label) => MAX_WORDS,
        (true, _) => MAX_LOOSE_WORDS,
        (false, true) => 2 * MAX_WORDS,
        (false, false) => MAX_WORDS,
    };
    let is_short = label
        .chars()
        .filter(|&c| is_ideograph(c))
        .take(MAX_IDEOGRAPHS + 1)
        .count()
        <= MAX_IDEOGRAPHS;
    if !(1..=limit).contains(&words) || depth > 0 || !is_short || !(has_letter || is_phone(label)) {
        return None;
    }
    Some(if is_loose {
        Shape::Loose
    } else {
        Shape::Strict
    })
}

/// Whether a label is a name as most are: a few capitalized words of Latin letters.
pub(super) fn is_simple(label: &str) -> bool {
    let (mut before, mut words) = (b' ', 0);
    let are_capitalized = label.bytes().all(|byte| {
        let starts = before == b' ';
        before = byte;
        words += u32::from(starts);
        match starts {
            true => byte.is_ascii_uppercase(),
            false => byte.is_ascii_alphabetic() || byte == b' ',
        }
    });
    are_capitalized && before != b' ' && words <= MAX_WORDS
}

/// Whether a label may as well be something else: `You`, `Q1`, a number with as many digits as a telephone's.
fn is_doubtful(label: &str) -> bool {
    let digits = label.bytes().filter(u8::is_ascii_digit).count();
    let is_number = || {
        label
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b' ' | b'-' | b'.' | b'(' | b')'))
            && !is_date(label)
    };
    matches!(label, "You" | "you")
        || (label.len() == 2 && label.starts_with('Q') && digits == 1)
        || (digits >= 7 && is_number())
}

/// Whether a label before a full stop starts as those of parliaments: `Mr. HOLT of Ohio`, `The PRESIDING OFFICER`,
/// `M. le président`.
pub(super) fn is_address(label: &str) -> bool {
    let Some((first, rest)) = label.split_once(' ') else {
        return false;
    };
    let is_office =
        |word: &str| word.len() > 2 && word.bytes().all(|byte| byte.is_ascii_uppercase());
    match first {
        "The" => rest.split(' ').take(2).any(is_office),
        _ => ADDRESSES.contains(&first.trim_end_matches('.')),
    }
}

/// Whether a line may start with a label for [`is_address`], by its first bytes.
pub(super) fn may_be_address(line: &str) -> bool {
    match line.as_bytes() {
        [b'T', b'h', b'e', b' ', byte, ..] => byte.is_ascii_uppercase(),
        [b'M', b'r' | b's' | b'm' | b'l', ..] | [b'D', b'r', b'.' | b' ', ..] => true,
        [b'H', b'o', b'n', b'.' | b' ', ..] | [b'M', b'i', b's', b's', b'.' | b' ', ..] => true,
        _ => false,
    }
}

/// Whether a word before a full stop is the form of address at the start of a label, so that the label goes on.
pub(super) fn is_address_only(label: &str) -> bool {
    ADDRESSES.contains(&label) || matches!(label, "MR" | "MS" | "MRS" | "DR")
}

/// Whether a text is a name without any doubt that its shape could leave.
pub(super) fn is_full(text: &str) -> bool {
    shape(text) == Some(Shape::Strict) && !is_sentence_start(text) && !is_other(text)
}

/// Whether a label of the shape of a name is something else: a date, a heading, a sound, an interjection.
pub(in crate::transcript::format) fn is_other(label: &str) -> bool {
    let label = label.trim_end_matches('.');
    let mut words = label.split(is_blank);
    let first = words.next().unwrap_or_default();
    let has_digit = label.contains(|c: char| c.is_ascii_digit())
        // `Option A`
        || label.strip_prefix(first).is_some_and(|rest| rest.trim_start().len() == 1);
    let is_quarter =
        first.len() == 2 && first.starts_with(['Q', 'q']) && has_digit && label.len() > first.len();
    let is_numbered = || {
        NUMBERED
            .iter()
            .any(|heading| first.eq_ignore_ascii_case(heading))
    };
    OTHER_LABELS.contains(label.to_lowercase().as_str())
        || (first == "BY" && words.next().is_some())
        || first == "NOTE"
        || LOG_LEVELS.contains(&first)
        || (has_digit && (is_quarter || label.split(is_blank).any(is_month) || is_numbered()))
}

/// Whether the first word opens a sentence. `The` may open a label too.
fn is_sentence_start(label: &str) -> bool {
    let first = label
        .split(is_blank)
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    first != "the" && is_function_word(&first)
}

/// Words that occur in sentences and not in names.
fn is_function_word(word: &str) -> bool {
    matches!(
        word,
        "a" | "an"
            | "the"
            | "this"
            | "that"
            | "these"
            | "those"
            | "it"
            | "its"
            | "i"
            | "you"
            | "we"
            | "they"
            | "he"
            | "she"
            | "my"
            | "your"
            | "our"
            | "his"
            | "her"
            | "their"
            | "is"
            | "are"
            | "was"
            | "were"
            | "be"
            | "been"
            | "am"
            | "do"
            | "does"
            | "did"
            | "have"
            | "has"
            | "had"
            | "can"
            | "could"
            | "will"
            | "would"
            | "should"
            | "may"
            | "might"
            | "must"
            | "not"
            | "no"
            | "so"
            | "to"
            | "in"
            | "on"
            | "at"
            | "for"
            | "from"
            | "with"
            | "as"
            | "by"
            | "but"
            | "or"
            | "if"
            | "when"
            | "where"
            | "what"
            | "which"
            | "who"
            | "why"
            | "how"
            | "there"
            | "here"
            | "then"
            | "than"
            | "like"
            | "just"
            | "about"
            | "only"
            | "also"
            | "because"
            | "said"
            | "says"
            | "see"
    )
}

fn is_in_names(c: char) -> bool {
    match c {
        '\'' | '-' | '.' | '/' | '&' | '#' | '@' | '+' | '_' | '"' | '~' | '’' | '‘' | '“'
        | '”' | '‑' | '\u{200c}' | '\u{200d}' => true,
        // Other punctuation of Latin, CJK and Arabic texts.
        '\u{2010}'..='\u{205f}'
        | '\u{3000}'..='\u{3004}'
        | '\u{3008}'..='\u{301f}'
        | '\u{ff00}'..='\u{ff0f}'
        | '\u{ff1a}'..='\u{ff20}' => false,
        '¡' | '¿' | '«' | '»' | '؟' | '،' | '؛' | '।' => false,
        _ => c.is_alphanumeric() || !c.is_ascii(),
    }
}

/// Whether a line below a name is the title of that person.
pub(super) fn is_role(line: &str) -> bool {
    line.split(|c: char| !c.is_alphanumeric())
        .any(|word| ROLES.iter().any(|role| word.eq_ignore_ascii_case(role)))
}

/// Whether `short` are the initials of a name.
pub(super) fn is_initials(short: &str, name: &str) -> bool {
    let initials = name.split(is_blank).filter_map(|word| word.chars().next());
    let mut expected = initials.filter(|c| c.is_alphanumeric()).peekable();
    expected.peek().is_some()
        && short.len() < name.len()
        && (1..=4).contains(&short.chars().count())
        && short
            .chars()
            .all(|c| expected.any(|initial| initial.to_uppercase().eq(c.to_uppercase())))
}

/// Whether a text has capital letters and no small ones.
pub(super) fn is_capitals(text: &str) -> bool {
    !text.contains(char::is_lowercase)
        && text.chars().filter(|c| c.is_uppercase()).take(2).count() == 2
}

/// Whether a full stop after a word may stand inside a name. At its end it needs a well-known abbreviation or an initial.
pub(super) fn is_abbreviation(word: &str, is_last: bool) -> bool {
    let letters = word.chars().count();
    let is_initial = letters == 1 || word.contains('.');
    (is_initial && !word.contains(|c: char| c.is_ascii_digit()))
        || (!is_last && letters <= 4)
        || ABBREVIATIONS
            .iter()
            .any(|short| word.eq_ignore_ascii_case(short))
}

/// Whether a full stop after this part of a label is that of an initial, a title or a suffix, not the end of a name.
pub(super) fn is_abbreviated(label: &str) -> bool {
    let word = label.rsplit(is_blank).next().unwrap_or_default();
    let is_title = TITLES.iter().any(|title| word.eq_ignore_ascii_case(title));
    is_title || is_abbreviation(word, true)
}

/// WhatsApp shows the number of a person who is not in the contacts.
fn is_phone(label: &str) -> bool {
    label.starts_with('+') && label.bytes().filter(u8::is_ascii_digit).count() >= 7
}

/// A name as it is shown: composed, without markup and invisible characters, with single blanks.
pub(super) fn clean(label: &str) -> String {
    let visible: String = label.chars().filter(|&c| !is_invisible(c)).collect();
    let visible = without_language(&visible);
    let words: Vec<&str> = visible
        .trim_matches(|c: char| is_edge(c) || matches!(c, ':' | ','))
        .trim_start_matches('@')
        .split_whitespace()
        .collect();
    ComposingNormalizerBorrowed::new_nfc()
        .normalize(&words.join(" "))
        .into_owned()
}

/// A label without the language at its end: `Ms. Holt (Norway) (spoke in French)`.
fn without_language(label: &str) -> &str {
    let spoken = label.rfind(" (spoke in ").filter(|_| label.ends_with(')'));
    spoken.map_or(label, |at| label.split_at(at).0)
}

/// What variants of one name have in common.
pub(super) fn fold(name: &str) -> String {
    name.to_lowercase()
}

/// Splits a role in brackets from the end of a name: `Dana Whitfield (CFO)`.
pub(super) fn split_role(name: &str) -> (&str, Option<&str>) {
    let Some(inner) = name.strip_suffix([')', ']']) else {
        // `ADA HOLT, CNN ANCHOR`. In `Holt, Ada` the surname comes first.
        let comma = name.find(", ").filter(|&at| name[..at].contains(' '));
        return comma.map_or((name, None), |at| (&name[..at], Some(&name[at..])));
    };
    match inner.find(['(', '[']) {
        Some(at) if at > 0 => (name[..at].trim_end(), Some(&name[at..])),
        _ => (name, None),
    }
}

/// Whether a text after a dash is the title or company of a speaker: `Chief Financial Officer`.
pub(super) fn is_title(text: &str) -> bool {
    let mut lower = 0;
    let mut words = 0;
    for word in text.split(is_blank).filter(|word| !word.is_empty()) {
        words += 1;
        let plain = word.trim_matches([',', '.', '(', ')', '&', '-', '–', '—']);
        let small = ["for", "at", "in", "to", "on", "a"];
        lower += usize::from(
            plain.starts_with(char::is_lowercase)
                && !PARTICLES.contains(&plain)
                && !small.contains(&plain),
        );
    }
    let last = text.split(is_blank).next_back().unwrap_or_default();
    let ends = sentence::ends_sentence(last) && !is_abbreviation(last.trim_end_matches('.'), true);
    text.len() <= 120 && (1..=14).contains(&words) && lower <= 1 && !ends
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_sentences() {
        use Shape::{Loose, Strict};
        for (label, expected) in [
            ("Dana Whitfield", Some(Strict)),
            ("Dr. Ng", Some(Strict)),
            ("Sammy Davis Jr.", Some(Strict)),
            ("J. R. R. Holt", Some(Strict)),
            ("O'Neill, Lee", Some(Strict)),
            ("Ludwig van der Berg", Some(Strict)),
            ("María del Carmen de la Cruz", Some(Strict)),
            ("Ana María de los Ángeles Gómez Pérez", Some(Strict)),
            ("Jan-Willem van der Berg tot Zuylen", Some(Strict)),
            ("The Head of the Board of the Harbor", None),
            ("SPEAKER_01", Some(Strict)),
            ("spk_0", Some(Strict)),
            ("speaker 1", Some(Strict)),
            ("lee@example.com", Some(Strict)),
            ("+44 7700 900123", Some(Strict)),
            ("Dwayne \"Rock\" Holt", Some(Strict)),
            ("Lee 🚀", Some(Strict)),
            ("Jose\u{301} Nu\u{303}nez", Some(Strict)),
            ("विक्रम सिंह", Some(Strict)),
            ("محمد علي", Some(Strict)),
            ("主席", Some(Strict)),
            ("The Chair (Hon. A. Rota (North Bay, Lib.))", Some(Strict)),
            ("interviewer", Some(Loose)),
            ("Project manager", Some(Loose)),
            ("Okay.", None),
            ("Hello there.", None),
            ("So the answer is", None),
            ("I mean, really", None),
            ("We agreed on this", None),
            ("van der Berg, Piet", Some(Loose)),
            ("de la Cruz, María", Some(Loose)),
            ("Ben Holt | Depot Corp.", Some(Strict)),
            ("Ada's iPhone", Some(Strict)),
            ("Prof. Dr. Ada Holt-Roe, University of Porto", Some(Strict)),
            ("議長(佐藤一郎君)", Some(Strict)),
            ("La señora NÚÑEZ PEÑA", Some(Strict)),
            ("The SPEAKER pro tempore", Some(Loose)),
            ("15550123456", Some(Loose)),
            ("You", Some(Loose)),
            ("Q1", Some(Loose)),
            ("2025-03-12", None),
            ("de nada, entonces", None),
            ("12", None),
            ("—", None),
            ("", None),
        ] {
            assert_eq!(shape(label), expected, "{label}");
        }
    }

    #[test]
    fn labels_that_are_no_names() {
        for label in [
            "Okay",
            "Mm-hmm",
            "NOTE Confidence",
            "Jun 15, 2026",
            "15 June 2026",
            "Agenda",
            "Action Items",
            "Q3 Results",
            "Music",
            "Chapter 2",
            "BY MR. WU",
            "HTTPS",
            "Thank You",
            "对",
        ] {
            assert!(is_other(label), "{label}");
        }
        for label in [
            "May",
            "June Holt",
            "Speaker 2",
            "Q",
            "A",
            "CC",
            "Will Day",
            "Mark",
        ] {
            assert!(!is_other(label), "{label}");
        }
    }

    #[test]
    fn a_role_in_brackets_is_split_off() {
        assert_eq!(split_role("Dana (CFO)"), ("Dana", Some("(CFO)")));
        assert_eq!(split_role("Dana"), ("Dana", None));
        assert_eq!(split_role("A (B (C))"), ("A", Some("(B (C))")));
    }

    #[test]
    fn a_cleaned_name_is_composed_and_has_no_marks() {
        assert_eq!(
            clean("\u{202a}**Jose\u{301}\u{a0} Holt**\u{202c}:"),
            "José Holt"
        );
    }
}
