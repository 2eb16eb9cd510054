//! HTML entities, also those that were encoded more than once.

/// Longest entity, from `&` to `;`.
const MAX_BYTES: usize = 12;

/// Named entities that occur in transcripts, with their characters. Names are case-sensitive: `&Eacute;` is a capital letter.
const NAMED: [(&str, char); 107] = [
    ("amp", '&'),
    ("AMP", '&'),
    ("lt", '<'),
    ("LT", '<'),
    ("gt", '>'),
    ("GT", '>'),
    ("quot", '"'),
    ("QUOT", '"'),
    ("apos", '\''),
    ("nbsp", '\u{a0}'),
    ("ensp", '\u{a0}'),
    ("emsp", '\u{a0}'),
    ("thinsp", '\u{a0}'),
    ("shy", '\u{ad}'),
    ("zwnj", '\u{200c}'),
    ("zwj", '\u{200d}'),
    ("lrm", '\u{200e}'),
    ("rlm", '\u{200f}'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("hellip", '…'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("sbquo", '‚'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("bdquo", '„'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("lsaquo", '‹'),
    ("rsaquo", '›'),
    ("bull", '•'),
    ("middot", '·'),
    ("euro", '€'),
    ("pound", '£'),
    ("yen", '¥'),
    ("cent", '¢'),
    ("sect", '§'),
    ("copy", '©'),
    ("reg", '®'),
    ("trade", '™'),
    ("deg", '°'),
    ("plusmn", '±'),
    ("times", '×'),
    ("divide", '÷'),
    ("frac12", '½'),
    ("frac14", '¼'),
    ("frac34", '¾'),
    ("sup2", '²'),
    ("sup3", '³'),
    ("micro", 'µ'),
    ("iexcl", '¡'),
    ("iquest", '¿'),
    ("ordf", 'ª'),
    ("ordm", 'º'),
    ("szlig", 'ß'),
    ("agrave", 'à'),
    ("aacute", 'á'),
    ("acirc", 'â'),
    ("atilde", 'ã'),
    ("auml", 'ä'),
    ("aring", 'å'),
    ("aelig", 'æ'),
    ("ccedil", 'ç'),
    ("egrave", 'è'),
    ("eacute", 'é'),
    ("ecirc", 'ê'),
    ("euml", 'ë'),
    ("igrave", 'ì'),
    ("iacute", 'í'),
    ("icirc", 'î'),
    ("iuml", 'ï'),
    ("ntilde", 'ñ'),
    ("ograve", 'ò'),
    ("oacute", 'ó'),
    ("ocirc", 'ô'),
    ("otilde", 'õ'),
    ("ouml", 'ö'),
    ("oslash", 'ø'),
    ("oelig", 'œ'),
    ("ugrave", 'ù'),
    ("uacute", 'ú'),
    ("ucirc", 'û'),
    ("uuml", 'ü'),
    ("yacute", 'ý'),
    ("yuml", 'ÿ'),
    ("scaron", 'š'),
    ("Scaron", 'Š'),
    ("Agrave", 'À'),
    ("Aacute", 'Á'),
    ("Acirc", 'Â'),
    ("Auml", 'Ä'),
    ("Aring", 'Å'),
    ("AElig", 'Æ'),
    ("Ccedil", 'Ç'),
    ("Egrave", 'È'),
    ("Eacute", 'É'),
    ("Ecirc", 'Ê'),
    ("Iacute", 'Í'),
    ("Icirc", 'Î'),
    ("Ntilde", 'Ñ'),
    ("Oacute", 'Ó'),
    ("Ocirc", 'Ô'),
    ("Ouml", 'Ö'),
    ("Oslash", 'Ø'),
    ("Uacute", 'Ú'),
    ("Uuml", 'Ü'),
];

/// The character that an entity at the start of `text` stands for, with the length of the entity. `&amp;#39;` is an entity
/// that was encoded twice, and stands for an apostrophe.
pub(crate) fn entity(text: &str) -> Option<(char, usize)> {
    let (mut found, mut len) = once(text.strip_prefix('&')?)?;
    len += 1;
    while found == '&' {
        let Some((next, more)) = text.get(len..).and_then(once) else {
            break;
        };
        (found, len) = (next, len + more);
    }
    Some((found, len))
}

/// Reads the part of an entity after its `&`.
fn once(text: &str) -> Option<(char, usize)> {
    let end = text.bytes().take(MAX_BYTES).position(|byte| byte == b';')?;
    let name = text.get(..end)?;
    let found = match name.strip_prefix('#') {
        Some(number) => {
            let hex = number.strip_prefix(['x', 'X']);
            let digits = hex.unwrap_or(number);
            let is_number = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            let radix = if hex.is_some() { 16 } else { 10 };
            let code = u32::from_str_radix(digits, radix).ok()?;
            char::from_u32(code).filter(|_| is_number)?
        }
        None => NAMED.iter().find(|(known, _)| *known == name)?.1,
    };
    Some((found, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_are_decoded() {
        for (text, expected) in [
            ("&amp;", Some(('&', 5))),
            ("&amp;T", Some(('&', 5))),
            ("&#39;s", Some(('\'', 5))),
            ("&#x2019;s", Some(('’', 8))),
            ("&#X41;", Some(('A', 6))),
            ("&amp;#39;s", Some(('\'', 9))),
            ("&amp;amp;amp;", Some(('&', 13))),
            ("&amp;amp;lt;", Some(('<', 12))),
            ("&eacute;", Some(('é', 8))),
            ("&Eacute;", Some(('É', 8))),
            ("& more;", None),
            ("&unknown;", None),
            ("&#;", None),
            ("&#+5;", None),
            ("&#xd800;", None),
            ("&#99999999999;", None),
            ("&", None),
            ("&é;", None),
        ] {
            assert_eq!(entity(text), expected, "{text}");
        }
    }
}
