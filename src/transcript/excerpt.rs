//! A text that many hold and nobody copies: a part of a transcript, or a text of its own.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

use crate::transcript::Decoded;

/// Cheap to clone, whatever its length.
#[derive(Clone)]
pub struct Excerpt(Held);

#[derive(Clone)]
enum Held {
    Part {
        of: Arc<Decoded>,
        /// Bytes of its text, between characters.
        range: Range<usize>,
    },
    Own(Arc<str>),
}

impl Excerpt {
    /// The bytes `range` of the text of `of`; nothing, if they are not whole characters of it.
    #[must_use]
    pub fn part(of: &Arc<Decoded>, range: Range<usize>) -> Self {
        Self(Held::Part {
            of: Arc::clone(of),
            range,
        })
    }
}

impl Deref for Excerpt {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.0 {
            Held::Part { of, range } => of.text.get(range.clone()).unwrap_or_default(),
            Held::Own(text) => text,
        }
    }
}

impl From<&str> for Excerpt {
    fn from(text: &str) -> Self {
        Self(Held::Own(text.into()))
    }
}

impl From<String> for Excerpt {
    fn from(text: String) -> Self {
        Self(Held::Own(text.into()))
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
