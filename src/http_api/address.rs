//! Keys and names in addresses: decoded once, and refused unless they are what they seem to be.

use percent_encoding::percent_decode_str;

use crate::document::is_hidden;
use crate::http_api::Problem;

/// Maximum length of a key in bytes, which is that of S3.
const MAX_KEY_BYTES: usize = 1024;

/// Maximum length of the name of an upload in bytes. The names of its results, which are longer, are names of files too.
const MAX_NAME_BYTES: usize = 180;

/// The parameters of a query.
#[derive(Debug)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Decodes a query. A `+` is a blank, as in forms.
    pub(crate) fn parse(query: &str) -> Result<Self, Problem> {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let decoded = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = value.replace('+', " ");
            Ok((decoded(name)?, decoded(&value)?))
        });
        decoded.collect::<Result<_, _>>().map(Self)
    }

    /// The value of a parameter, which may be given once.
    pub(crate) fn value(&self, name: &str) -> Result<Option<String>, Problem> {
        let mut values = self.0.iter().filter(|(known, _)| known == name);
        let first = values.next().map(|(_, value)| value.clone());
        match values.next() {
            Some(_) => Err(Problem::new(
                400,
                format!("{name} is given twice"),
                "give it once",
            )),
            None => Ok(first),
        }
    }
}

/// The segments of a path, each decoded by itself, so that an encoded slash does not divide it.
pub(crate) fn segments(path: &str) -> Result<Vec<String>, Problem> {
    path.split('/').map(decoded).collect()
}

fn decoded(text: &str) -> Result<String, Problem> {
    let refused = |error: &str| Problem::new(400, error, "percent-encode it as UTF-8");
    let mut escapes = text.split('%').skip(1);
    let is_escape = |rest: &str| {
        let digits = rest.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if !escapes.all(is_escape) {
        return Err(refused("the address has a % without two hex digits"));
    }
    let text = percent_decode_str(text).decode_utf8();
    text.map(Into::into)
        .map_err(|_| refused("the address is not UTF-8"))
}

/// The key, if it is a relative path of plain names.
pub(crate) fn plain_key(key: String) -> Result<String, Problem> {
    let is_plain = |part: &str| {
        !["", ".", ".."].contains(&part) && !part.contains(|c| c == '\\' || is_hidden(c))
    };
    if key.len() <= MAX_KEY_BYTES && key.split('/').all(is_plain) && !key.contains('\n') {
        return Ok(key);
    }
    Err(Problem::new(
        400,
        format!(
            "the key {:?} is not one that can be asked for",
            shortened(&key)
        ),
        "expected a relative path such as meetings/board.txt, without `..`, `\\` and control characters",
    ))
}

/// The name of an upload, given as the segments of a path: one plain name.
pub(crate) fn plain_name(segments: &[String]) -> Result<String, Problem> {
    let [name] = segments else {
        return Err(wrong_name(&segments.join("/")));
    };
    checked_name(name)
}

/// The name of an upload, if it is a plain one.
pub(crate) fn checked_name(name: &str) -> Result<String, Problem> {
    let is_plain = !name.starts_with('.')
        && name.trim() == name
        && name.len() <= MAX_NAME_BYTES
        && !name.contains(|c: char| c == '/' || c.is_control());
    match plain_key(name.to_owned()) {
        Ok(name) if is_plain => Ok(name),
        _ => Err(wrong_name(name)),
    }
}

fn wrong_name(name: &str) -> Problem {
    Problem::new(
        400,
        format!("{:?} cannot be the name of an upload", shortened(name)),
        format!(
            "rename the file: at most {MAX_NAME_BYTES} bytes, without slashes and control characters, with no dot or blank at its start"
        ),
    )
}

/// The start of a text that somebody sent, for messages.
fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}
