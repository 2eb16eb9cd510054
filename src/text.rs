//! Text analysis: words, sentences, scripts, languages, terms, n-grams and token estimates. Pure functions without I/O.

pub mod corrections;
pub(crate) mod eight;
pub(crate) mod language;
mod leaning;
pub(crate) mod ngrams;
pub(crate) mod number;
pub(crate) mod printable;
pub(crate) mod script;
pub mod sentence;
mod span;
pub(crate) mod tag;
pub(crate) mod terms;
pub mod tokens;
pub mod words;

pub use corrections::Corrections;
pub(crate) use leaning::{leans, refers_back};
pub use span::Span;
pub use tag::Language;
pub use tokens::Tokens;
pub use words::Words;
