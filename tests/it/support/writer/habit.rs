//! How models respond to a requested length: four measured profiles, and typical failure modes.

use super::random::Random;

/// The length of a model's answer as a function of the requested length, fitted to HelloBench:
/// `sat · (1 − exp(−b · asked / sat)) · lognormal(sd)`
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Profile {
    pub(crate) name: &'static str,
    /// The length in words that the model never exceeds, apart from the random factor.
    sat: f64,
    b: f64,
    sd: f64,
    /// Share of answers that loop.
    looping: f64,
}

/// The four measured profiles.
pub(crate) const PROFILES: [Profile; 4] = [
    Profile {
        name: "GPT-4o-mini",
        sat: 1638.0,
        b: 1.2,
        sd: 0.23,
        looping: 0.0,
    },
    Profile {
        name: "Claude 3.5",
        sat: 3076.0,
        b: 1.1,
        sd: 0.19,
        looping: 0.0,
    },
    Profile {
        name: "Llama-3.1-8B",
        sat: 1089.0,
        b: 1.2,
        sd: 0.18,
        looping: 0.05,
    },
    Profile {
        name: "Qwen2-7B",
        sat: 957.0,
        b: 1.2,
        sd: 0.25,
        looping: 0.0,
    },
];

/// Scatter (standard deviation of the logarithm) of the other habits around their target length.
const SD: f64 = 0.1;

/// How a simulated model behaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Habit {
    /// About the requested length, without defects.
    Willing,
    /// As measured for a real model.
    Measured(Profile),
    /// Always 220 words.
    Stuck,
    /// About a third longer than requested.
    TooLong,
    /// Returns the text it was shown.
    Echo,
    /// Each part is longer than the one before.
    Growing,
    /// Repeats the same sentence up to the output limit.
    Looping,
    /// Breaks off in the middle of a sentence, after 60 % of the length.
    CutOff,
    /// Reasons up to the output limit, and answers only if that limit is doubled.
    Brooding,
    /// Returns an empty answer.
    Silent,
    /// Fails on one call in ten.
    Flaky,
    /// Wraps its answer in remarks and Markdown.
    Chatty,
}

/// Habits of models that give no usable answers.
pub(crate) const USELESS: [Habit; 2] = [Habit::Echo, Habit::Silent];

/// All others except [`Habit::Measured`] and [`Habit::Willing`].
pub(crate) const HOSTILE: [Habit; 8] = [
    Habit::Stuck,
    Habit::TooLong,
    Habit::Growing,
    Habit::Looping,
    Habit::CutOff,
    Habit::Brooding,
    Habit::Flaky,
    Habit::Chatty,
];

impl Habit {
    /// The number of words written for part `part` when `asked` words are requested.
    pub(super) fn words(self, random: &mut Random, asked: usize, part: usize) -> usize {
        let asked = asked as f64;
        let words = match self {
            Self::Measured(Profile { sat, b, sd, .. }) => {
                sat * (1.0 - (-b * asked / sat).exp()) * random.lognormal(sd)
            }
            Self::Stuck => 220.0,
            Self::TooLong => asked * 1.35,
            Self::Growing => asked * (1.0 + 0.1 * part as f64),
            _ => asked * random.lognormal(SD),
        };
        (words.round() as usize).max(1)
    }

    /// Whether this answer loops.
    pub(super) fn loops(self, random: &mut Random) -> bool {
        match self {
            Self::Looping => true,
            Self::Measured(profile) => random.share() < profile.looping,
            _ => false,
        }
    }
}
