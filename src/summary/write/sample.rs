//! One section of a plan, requested to see how a model writes before the rest is paid for.

use std::time::Duration;

use tokio::time::Instant;

use crate::model::{Finish, ModelClient, ModelError, TokenUsage};
use crate::prompt::Task;
use crate::summary::call_plan::SECTION_MAX_WORDS;
use crate::summary::cost::{TOKENS_PER_WORD, TokenTotals};
use crate::summary::flaw::flaw;
use crate::summary::plan::Plan;
use crate::summary::scaffold;
use crate::summary::write::draft::{Drafter, FirstTexts};
use crate::summary::write::{Settings, materials};
use crate::text::{Tokens, Words, tokens, words};
use crate::transcript::Transcript;

/// What a model wrote when it was asked for one section.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Words requested.
    pub asked: Words,
    /// Words written.
    pub written: Words,
    /// Estimated tokens of the prompt.
    pub prompt: Tokens,
    /// Tokens of the prompt and of the answer: the endpoint's counts, or estimates.
    pub usage: TokenUsage,
    /// From the request to the end of the answer.
    pub took: Duration,
    /// Why the answer is no section, if it is none.
    pub flaw: Option<&'static str>,
}

impl Sample {
    /// Tokens of the answer in a second, reading the prompt included.
    #[must_use]
    pub fn tokens_per_second(&self) -> f64 {
        self.usage.completion_tokens as f64 / self.took.as_secs_f64().max(0.001)
    }

    /// What a summary takes that was estimated to take `planned`, if all calls go like this one: prompts as this endpoint counts
    /// them, and answers with the tokens that this model spends on a word.
    #[must_use]
    pub fn whole(&self, planned: TokenTotals) -> TokenTotals {
        let scaled = |tokens: usize, by: f64| (tokens as f64 * by) as usize;
        let usual = self.asked.0.max(1) as f64 * TOKENS_PER_WORD;
        let read = self.usage.prompt_tokens as f64 / self.prompt.0.max(1) as f64;
        TokenTotals {
            prompt: scaled(planned.prompt, read),
            completion: scaled(
                planned.completion,
                self.usage.completion_tokens as f64 / usual,
            ),
        }
    }

    /// How long a summary of `target` words takes that takes these tokens, if so many sections are written `at_once` at this speed.
    /// The outline and the last read stand alone.
    #[must_use]
    pub fn whole_time(&self, whole: TokenTotals, target: Words, at_once: usize) -> Duration {
        let per_word = self.usage.completion_tokens as f64 / self.asked.0.max(1) as f64;
        let sections = (target.0 as f64 * per_word).min(whole.completion as f64);
        let alone = whole.completion as f64 - sections;
        let seconds =
            (sections / at_once.max(1) as f64 + alone) / self.tokens_per_second().max(0.001);
        Duration::from_secs_f64(seconds.min(1e9))
    }
}

/// Requests the section about the first part of `plan`.
///
/// # Errors
/// If the endpoint gives no answer.
pub async fn sample(
    transcript: &Transcript,
    plan: &Plan,
    settings: &Settings,
    caller: &ModelClient,
) -> Result<Option<Sample>, ModelError> {
    let drafter = Drafter {
        settings,
        caller,
        corrections: &settings.wishes.corrections,
        token_ratio: 1.0,
        first: &FirstTexts::default(),
        thinks: true,
    };
    let materials = materials(transcript, plan);
    let Some(material) = materials.first() else {
        return Ok(None);
    };
    let words = Words(plan.section_words().0 / plan.sections.max(1)).min(SECTION_MAX_WORDS);
    let place = (0, materials.len());
    let prompt = drafter.prompt(Task::Section, material, place, None, words, 0);
    let began = Instant::now();
    let answer = drafter.call(&prompt).await?;
    let took = began.elapsed();
    let text = scaffold::strip_preamble(&answer.text);
    let flaw = match flaw(&text, true) {
        Some(flaw) => Some(flaw.name()),
        None if answer.is_reasoning => Some("only thoughts"),
        None if answer.finish == Finish::Filter => Some("withheld by a filter"),
        None if text.trim().is_empty() => Some("empty"),
        None => None,
    };
    let estimated = || TokenUsage {
        prompt_tokens: prompt.tokens().0 as u64,
        completion_tokens: tokens::estimate(&answer.text).0 as u64,
    };
    Ok(Some(Sample {
        asked: words,
        written: Words(words::count(&text)),
        prompt: prompt.tokens(),
        usage: answer.usage.unwrap_or_else(estimated),
        took,
        flaw,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_is_estimated_at_the_rate_of_the_sample() {
        let sample = Sample {
            asked: Words(100),
            written: Words(90),
            prompt: Tokens(1000),
            usage: TokenUsage {
                prompt_tokens: 1500,
                completion_tokens: 280,
            },
            took: Duration::from_secs(10),
            flaw: None,
        };
        // The server counts half as many tokens more, and the model spends twice the usual number on a word.
        let whole = sample.whole(TokenTotals {
            prompt: 20_000,
            completion: 2800,
        });
        assert_eq!((whole.prompt, whole.completion), (30_000, 5600));
        // Half of the answers are sections, written four at a time: 2800 / 4 / 28 s, and 2800 / 28 s for the rest.
        let time = sample.whole_time(whole, Words(1000), 4);
        assert_eq!(time, Duration::from_secs(125));
    }
}
