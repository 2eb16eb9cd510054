//! Python's `repr` of plain data, which workers send where JSON was meant.

use std::iter::Peekable;
use std::str::Chars;

use serde_json::Value;

/// Reads the dictionary, list or tuple that `text` begins with; `None` if it holds anything but plain data.
pub(crate) fn parse(text: &str) -> Option<Value> {
    let mut json = String::with_capacity(text.len());
    let mut depth = 0_usize;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' | '"' => json.push_str(&string(&mut chars, c)?),
            '{' | '[' | '(' => {
                depth += 1;
                json.push(if c == '(' { '[' } else { c });
            }
            '}' | ']' | ')' => {
                depth = depth.checked_sub(1)?;
                json.push(if c == ')' { ']' } else { c });
                if depth == 0 {
                    break;
                }
            }
            'N' | 'T' | 'F' => json.push_str(constant(&mut chars, c)?),
            _ => json.push(c),
        }
    }
    serde_json::from_str(&json).ok()
}

/// The rest of a string that `quote` has opened, as JSON.
fn string(chars: &mut Peekable<Chars<'_>>, quote: char) -> Option<String> {
    let mut text = String::new();
    loop {
        match chars.next()? {
            c if c == quote => return serde_json::to_string(&text).ok(),
            '\\' => match chars.next()? {
                'n' => text.push('\n'),
                'r' => text.push('\r'),
                't' => text.push('\t'),
                'x' => text.push(code_point(chars, 2)?),
                'u' => text.push(code_point(chars, 4)?),
                'U' => text.push(code_point(chars, 8)?),
                c => text.push(c),
            },
            c => text.push(c),
        }
    }
}

fn code_point(chars: &mut Peekable<Chars<'_>>, digits: usize) -> Option<char> {
    let digits: String = chars.take(digits).collect();
    let code = u32::from_str_radix(&digits, 16).ok()?;
    // A lone surrogate is no character; the rest of the text still counts.
    Some(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
}

fn constant(chars: &mut Peekable<Chars<'_>>, first: char) -> Option<&'static str> {
    let mut word = String::from(first);
    while let Some(c) = chars.next_if(char::is_ascii_alphabetic) {
        word.push(c);
    }
    match word.as_str() {
        "None" => Some("null"),
        "True" => Some("true"),
        "False" => Some("false"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn plain_data_is_read() {
        let text = r#"{'error': {'message': "it's \"late\"", 'code': None, 'ok': True, 'at': (1, -2.5), 'é': 'a\n\x41\u00e9'}} tail"#;
        assert_eq!(
            parse(text),
            Some(
                json!({"error": {"message": "it's \"late\"", "code": null, "ok": true, "at": [1, -2.5], "é": "a\nAé"}})
            )
        );
    }

    #[test]
    fn anything_else_is_not() {
        for text in [
            "",
            "text",
            "{'open': 'x",
            "{'a': <object at 0x1>}",
            "{'a': Nothing}",
            ")",
            "{'a': '\\u00",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
