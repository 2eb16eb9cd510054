//! Estimates the tokens that a plan will use and what they cost, before anything is sent.

use std::fmt::{self, Write};

use crate::model::Usage;
use crate::summary::call_plan::Limits;
use crate::summary::plan::{CHECKS, Plan};
use crate::text::{Tokens, Words};

/// Tokens per word of English prose written by a model.
pub(crate) const TOKENS_PER_WORD: f64 = 1.4;

/// Usual tokens of what a request tells of the whole recording, of an outline, and of the last reader's edits.
const BRIEF_TOKENS: usize = 1000;
const OUTLINE_TOKENS: usize = 1500;
const EDITS_TOKENS: usize = 700;

/// Prices are given per million tokens.
const MILLION: f64 = 1_000_000.0;

/// Prices per million tokens, in any currency.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prices {
    /// Price of prompt tokens.
    pub input_per_mtok: f64,
    /// Price of completion tokens.
    pub output_per_mtok: f64,
    /// Both prices of the fallback model, if they are known.
    pub fallback: Option<(f64, f64)>,
    /// The currency, if it is known.
    pub currency: Option<Currency>,
}

/// A currency, by its code of three letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Currency([char; 3]);

impl Currency {
    /// Reads a code such as `EUR`.
    #[must_use]
    pub fn read(code: &str) -> Option<Self> {
        let letters: Vec<char> = code.chars().collect();
        let letters = <[char; 3]>::try_from(letters).ok()?;
        let is_code = letters.iter().all(char::is_ascii_uppercase);
        is_code.then_some(Self(letters))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|letter| f.write_char(*letter))
    }
}

impl Prices {
    /// A cost for people, with the currency if it is known.
    #[must_use]
    pub fn shown(&self, cost: f64) -> String {
        match self.currency {
            Some(currency) => format!("{cost:.4} {currency}"),
            None => format!("{cost:.4}"),
        }
    }

    /// The cost of `tokens`, in the currency of the prices.
    #[must_use]
    pub fn cost(&self, tokens: TokenTotals) -> f64 {
        (tokens.prompt as f64 * self.input_per_mtok
            + tokens.completion as f64 * self.output_per_mtok)
            / MILLION
    }

    /// The prices of the fallback model in the place of those of the first one.
    #[must_use]
    pub fn of_fallback(&self) -> Option<Self> {
        self.fallback.map(|(input_per_mtok, output_per_mtok)| Self {
            input_per_mtok,
            output_per_mtok,
            fallback: None,
            ..*self
        })
    }

    /// The cost of what was used. `None` if the endpoint has not counted tokens, or if a part of it is the fallback's, whose prices
    /// are not known.
    #[must_use]
    pub fn cost_of(&self, usage: &Usage) -> Option<f64> {
        if usage.calls > 0 && usage.prompt_tokens == 0 && usage.completion_tokens == 0 {
            return None;
        }
        let tokens = |prompt: u64, completion: u64| TokenTotals {
            prompt: usize::try_from(prompt).unwrap_or(usize::MAX),
            completion: usize::try_from(completion).unwrap_or(usize::MAX),
        };
        let second = usage.fallback;
        let first = tokens(
            usage.prompt_tokens.saturating_sub(second.prompt_tokens),
            usage
                .completion_tokens
                .saturating_sub(second.completion_tokens),
        );
        let second = match second.is_none() {
            true => 0.0,
            false => self
                .of_fallback()?
                .cost(tokens(second.prompt_tokens, second.completion_tokens)),
        };
        Some(self.cost(first) + second)
    }
}

/// Total tokens of all calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenTotals {
    /// Prompt tokens.
    pub prompt: usize,
    /// Completion tokens, not counting reasoning.
    pub completion: usize,
}

impl Plan {
    /// Estimates the tokens of the planned calls, without repairs. Prompt tokens are deliberately estimated high.
    #[must_use]
    pub fn usage(&self, limits: &Limits) -> TokenTotals {
        let most = self.shown_tokens.unwrap_or(Tokens(usize::MAX));
        let sizes = self.chunks.iter().map(|chunk| chunk.tokens.min(most).0);
        let shown: usize = sizes.sum();
        let written = (self.target_words.0 as f64 * TOKENS_PER_WORD) as usize;
        // Each level of notes is shorter than its input by its ratio, and is itself read by the next level or the sections.
        let (notes, _) = self
            .levels
            .iter()
            .fold((0, shown as f64), |(sum, read), level| {
                let notes = read / level.ratio;
                (sum + notes as usize, notes)
            });
        // The outline reads the whole once more, and so does the overview if it is not too long, which is written from the sections
        // otherwise. The last read has the summary, and the transcript if it is not too long; checks take that over from it, each
        // with a part of the summary. Each section is told what is in the outline.
        let calls = self.expected_calls(limits);
        let is_read_beside = self.is_read_beside();
        let overview = match self.overview_words.0 {
            0 => 0,
            _ if is_read_beside => self.tokens.0,
            _ => written,
        };
        let (read_more, written_more) = self.outline_tokens.map_or((0, 0), |most| {
            let outline = self.tokens.min(most).0;
            let (beside, mends) = match self.is_checked(limits) {
                true => (CHECKS * self.tokens.0 + written, EDITS_TOKENS),
                false if is_read_beside => (self.tokens.0, 0),
                false => (0, 0),
            };
            (
                outline + beside + written + calls * BRIEF_TOKENS,
                OUTLINE_TOKENS + EDITS_TOKENS + mends,
            )
        });
        TokenTotals {
            prompt: shown + notes + overview + read_more + calls * limits.style.overhead_tokens().0,
            completion: notes + written + written_more,
        }
    }
}

impl Plan {
    /// The most tokens of one of the calls beyond the plan, which take a part once more, with an answer up to its limit.
    #[must_use]
    pub fn extra_call(&self, limits: &Limits) -> TokenTotals {
        let part = self.chunks.iter().map(|chunk| chunk.tokens).max();
        let part = match self.is_read_beside() && self.overview_words > Words(0) {
            // An overview is repeated with all of it.
            true => self.tokens,
            false => part.unwrap_or_default().min(self.chunk_tokens),
        };
        let brief = self.outline_tokens.map_or(0, |_| BRIEF_TOKENS);
        let words = self.section_words().0.div_ceil(self.sections.max(1));
        // A text to repair is sent along with its part.
        let draft = (words as f64 * TOKENS_PER_WORD) as usize;
        TokenTotals {
            prompt: part.0 + brief + draft + limits.style.overhead_tokens().0,
            completion: limits.max_tokens(Words(words)).0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::Style;
    use crate::summary::plan;
    use crate::transcript::{Decoder, Transcript};

    #[test]
    fn a_plan_tells_what_it_will_use() {
        let mut decoder = Decoder::default();
        let text: String = (0..900)
            .map(|i| format!("Dana: The depot of the harbor line is late, and costs {i} thousand more than was planned.\n"))
            .collect();
        decoder.push(text.as_bytes()).unwrap();
        let transcript = Transcript::new(decoder.finish().unwrap()).unwrap();
        let limits = |context| Limits {
            context_tokens: Some(Tokens(context)),
            reasoning_tokens: Tokens(0),
            chunk_tokens: Tokens(6000),
            max_calls: 150,
            style: Style::Full,
            outline: false,
        };
        let wide = plan(&transcript, Words(4000), &limits(32_768)).unwrap();
        let tokens = wide.usage(&limits(32_768));
        assert!(tokens.prompt > wide.tokens.0 && tokens.prompt < 2 * wide.tokens.0);
        assert_eq!(tokens.completion, 5600);
        let again = wide.extra_call(&limits(32_768));
        let largest = wide.chunks.iter().map(|chunk| chunk.tokens.0).max();
        assert!(again.prompt > largest.unwrap() && again.prompt < tokens.prompt);
        assert!(again.completion * wide.sections > tokens.completion);
        let prices = Prices {
            fallback: None,
            currency: None,
            input_per_mtok: 1.0,
            output_per_mtok: 2.0,
        };
        let expected = (tokens.prompt as f64 + 2.0 * 5600.0) / 1e6;
        assert!((prices.cost(tokens) - expected).abs() < 1e-12);
    }
}
