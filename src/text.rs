//! The lexicon: words, sentences, scripts, languages, terms, n-grams and tokens, each read in one way everywhere. Pure.

pub(crate) mod language;
pub(crate) mod ngrams;
mod script;
pub mod sentence;
mod span;
pub(crate) mod terms;
pub mod tokens;
pub mod words;

pub use span::Span;
