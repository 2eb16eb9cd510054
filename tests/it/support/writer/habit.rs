//! What models do with a length: four that were measured, and what goes wrong elsewhere.

use super::random::Random;

/// How a model's lengths follow what it is asked for: `sat · (1 − exp(−b · asked / sat)) · lognormal(sd)`
/// (ALGORITHM.md, fitted to HelloBench).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Profile {
    pub(crate) name: &'static str,
    /// Words that it never gets beyond.
    sat: f64,
    b: f64,
    sd: f64,
    /// Share of answers that loop.
    looping: f64,
}

/// The four that were measured.
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

/// How the others scatter around the length they aim at.
const SD: f64 = 0.1;

/// How a simulated model behaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Habit {
    /// About as long as asked, and nothing wrong.
    Willing,
    /// As a model was measured to behave.
    Measured(Profile),
    /// Always 220 words.
    Stuck,
    /// A third more than asked.
    TooLong,
    /// Returns what it was shown.
    Echo,
    /// Each part longer than the one before.
    Growing,
    /// The same sentence until the limit.
    Looping,
    /// Breaks off after 60 % of the length, in the middle of a sentence.
    CutOff,
    /// Thinks aloud before it answers.
    Thinking,
    /// Thinks until the limit, and answers only if that is doubled.
    Brooding,
    /// Answers nothing.
    Silent,
    /// Fails once in ten times.
    Flaky,
    /// Wraps its answer in remarks and Markdown.
    Chatty,
}

/// All that are not [`Habit::Measured`] and not [`Habit::Willing`].
pub(crate) const HOSTILE: [Habit; 11] = [
    Habit::Stuck,
    Habit::TooLong,
    Habit::Echo,
    Habit::Growing,
    Habit::Looping,
    Habit::CutOff,
    Habit::Thinking,
    Habit::Brooding,
    Habit::Silent,
    Habit::Flaky,
    Habit::Chatty,
];

impl Habit {
    /// Words that it writes when asked for `asked` for part `part`.
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
