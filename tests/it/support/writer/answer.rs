//! Answers: prose of the desired length, distorted according to a habit.

use transcript_summarizer::model::Finish;
use transcript_summarizer::prompt::Task;
use transcript_summarizer::text::words;

use super::asked::Asked;
use super::random::Random;
use super::vocabulary::Vocabulary;
use super::{Habit, SimulatedWriter, TOKENS_PER_WORD, facts, outline, prose};

/// Remarks around an answer, which must not appear in a summary.
pub(crate) const REMARKS: [&str; 3] = [
    "Sure! Here is the section you asked for:",
    "Let me know if you would like any changes.",
    "Okay, the user wants me to summarize",
];

/// Share of a text that is written before it breaks off.
const CUT_OFF_AT: f64 = 0.6;

impl SimulatedWriter {
    pub(super) fn answer(
        &self,
        mut random: Random,
        asked: &Asked,
        max_tokens: usize,
        roomier: bool,
    ) -> (String, Finish) {
        let most = (max_tokens as f64 / TOKENS_PER_WORD) as usize;
        let about = Vocabulary::of(&asked.source);
        let aim = self.habit.words(&mut random, asked.words, asked.part);
        let text = match self.habit {
            Habit::Silent => return (String::new(), Finish::Stop),
            Habit::Brooding if !roomier => return (String::new(), Finish::Length),
            Habit::Echo => asked.source.clone(),
            // Hostile models answer in prose instead of lines.
            Habit::Measured(_) | Habit::Willing if asked.task == Task::Outline => {
                return (outline::write(&mut random, asked, &about), Finish::Stop);
            }
            Habit::Measured(_) | Habit::Willing if asked.task == Task::Check => {
                return ("NONE".to_owned(), Finish::Stop);
            }
            Habit::Measured(_) | Habit::Willing if asked.task == Task::LastRead => {
                return (outline::edits(asked), Finish::Stop);
            }
            Habit::CutOff => {
                let whole = self.text(&mut random, asked, &about, aim);
                return (
                    broken_off(&whole, (aim as f64 * CUT_OFF_AT) as usize),
                    Finish::Length,
                );
            }
            Habit::Chatty => {
                let text = self.text(&mut random, asked, &about, aim);
                let is_one = asked.sections.is_empty();
                let mark = if has_heading(asked) && is_one {
                    "## "
                } else {
                    ""
                };
                format!(
                    "{}\n\n```markdown\n{mark}{text}\n```\n\n{}",
                    REMARKS[0], REMARKS[1]
                )
            }
            habit if habit.loops(&mut random) => {
                let once = prose::sentences(&mut random, &about, 18).join(" ");
                let start = self.text(&mut random, asked, &about, (aim / 4).max(1));
                format!("{start} {}", vec![once; most / 18 + 1].join(" "))
            }
            _ => self.text(&mut random, asked, &about, aim),
        };
        if words::count(&text) > most {
            (broken_off(&text, most), Finish::Length)
        } else {
            (text, Finish::Stop)
        }
    }

    /// A text of `aim` words in the form required by the task.
    fn text(&self, random: &mut Random, asked: &Asked, about: &Vocabulary, aim: usize) -> String {
        if asked.sections.is_empty() {
            return self.one(random, asked, about, aim);
        }
        let sections = asked.sections.iter().map(|(number, share, source)| {
            let about = Vocabulary::of(source);
            let one = Asked {
                source: source.clone(),
                draft: None,
                sections: Vec::new(),
                instructions: Vec::new(),
                fence: None,
                ..*asked
            };
            let text = self.one(
                random,
                &one,
                &about,
                (aim * share / asked.words.max(1)).max(1),
            );
            format!("## {number}. {text}")
        });
        sections.collect::<Vec<_>>().join("\n\n")
    }

    /// One text.
    fn one(&self, random: &mut Random, asked: &Asked, about: &Vocabulary, aim: usize) -> String {
        let heading = has_heading(asked).then(|| prose::heading(random, about));
        let told = heading.as_deref().or(asked.draft.as_deref());
        let mut left = aim.saturating_sub(told.map_or(0, words::count));
        let mut sentences = Vec::new();
        if self.keeps_facts {
            for code in facts::codes(&asked.source) {
                let fact = format!(
                    "It was recorded that {code} was settled for the {}.",
                    random.pick(&about.terms)
                );
                left = left.saturating_sub(words::count(&fact));
                sentences.push(fact);
            }
        }
        sentences.extend(prose::sentences(random, about, left.max(4)));
        match asked.task {
            Task::Notes => sentences
                .iter()
                .enumerate()
                .map(|(at, sentence)| format!("{}. {sentence}", at + 1))
                .collect::<Vec<_>>()
                .join("\n"),
            Task::Overview => sentences.join(if about.is_wide { "" } else { " " }),
            _ => {
                let prose = prose::paragraphs(&sentences, about.is_wide);
                told.map_or_else(|| prose.clone(), |told| format!("{told}\n\n{prose}"))
            }
        }
    }
}

fn has_heading(asked: &Asked) -> bool {
    asked.task == Task::Section && !asked.is_bare
}

/// The first `most` words, without sentence-final punctuation.
fn broken_off(text: &str, most: usize) -> String {
    words::prefix(text, most)
        .trim_end_matches(|c: char| !c.is_alphanumeric())
        .to_owned()
}
