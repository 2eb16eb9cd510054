//! Plain text: words, sentences, tokens, n-grams and languages. Pure.

pub(crate) mod language;
pub(crate) mod ngrams;
pub mod rate;
pub mod sentence;
pub mod tokens;
pub mod words;
