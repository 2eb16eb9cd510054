//! The page, its style and its script, as files with their MIME types.

use bytes::Bytes;

use crate::http_api::Answer;

/// The files of the page by path. Browsers ask for an icon by themselves; this one is empty.
const FILES: [(&str, &str, &str); 4] = [
    (
        "/",
        "text/html; charset=utf-8",
        include_str!("page/index.html"),
    ),
    (
        "/style.css",
        "text/css; charset=utf-8",
        concat!(
            include_str!("../document/page/palette.css"),
            include_str!("page/style.css")
        ),
    ),
    (
        "/script.js",
        "text/javascript; charset=utf-8",
        include_str!("page/script.js"),
    ),
    ("/favicon.ico", "image/x-icon", ""),
];

/// The file under a path.
pub(crate) fn file(path: &str) -> Option<Answer> {
    let found = FILES.iter().find(|(known, _, _)| *known == path);
    found.map(|&(_, content_type, text)| Answer {
        status: 200,
        content_type,
        headers: Vec::new(),
        body: Bytes::from_static(text.as_bytes()),
    })
}
