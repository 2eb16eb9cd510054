//! A simulated language model: deterministic, readable, and as unreliable as configured.

mod answer;
mod asked;
pub(crate) mod facts;
mod habit;
mod outline;
mod prose;
mod random;
mod vocabulary;

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use transcript_summarizer::model::{
    Answer, Capabilities, ErrorKind, Finish, Model, ModelError, Reply, TokenUsage,
};
use transcript_summarizer::prompt::{Prompt, Style, Task};
use transcript_summarizer::text::{Tokens, words};

pub(crate) use answer::REMARKS;
use asked::Asked;
pub(crate) use habit::{HOSTILE, Habit, PROFILES, Profile, USELESS};
use random::{Random, hash};

/// The server's error message, which must not appear in a summary.
pub(crate) const ERROR_TEXT: &str = "simulated 503: no healthy upstream";

/// Output tokens counted per word.
const TOKENS_PER_WORD: f64 = 1.35;

/// Share of calls that fail with [`Habit::Flaky`].
const FLAKY_SHARE: f64 = 0.1;

/// A model whose answers depend only on the wording of the request.
#[derive(Debug)]
pub(crate) struct SimulatedWriter {
    seed: u64,
    habit: Habit,
    window: Option<usize>,
    /// Ratio of the server's token count to the program's estimate.
    counting: f64,
    keeps_facts: bool,
    /// How long every answer takes, instead of a time that depends on the request.
    steady: Option<Duration>,
    seen: Mutex<Vec<Seen>>,
    /// Per prompt wording: how often it arrived, and the output limit of its first request.
    known: Mutex<HashMap<u64, (usize, usize)>>,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
}

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) task: Task,
    /// The part number stated in the prompt, or 0 if there is none.
    pub(crate) part: usize,
    /// The requested number of words.
    pub(crate) asked: usize,
    /// Prompt tokens as estimated by the program.
    pub(crate) estimated: usize,
    /// Prompt tokens as counted by the server.
    pub(crate) counted: usize,
    pub(crate) max_tokens: usize,
    /// Refused because it exceeded the context window.
    pub(crate) refused: bool,
    /// Failed with a transient error.
    pub(crate) failed: bool,
    /// A hash that identifies the wording of the prompt.
    pub(crate) wording: u64,
    pub(crate) fence: Option<String>,
    pub(crate) instructions: Vec<String>,
}

impl SimulatedWriter {
    pub(crate) fn new(habit: Habit) -> Self {
        Self {
            seed: 1,
            habit,
            window: None,
            counting: 1.0,
            keeps_facts: false,
            steady: None,
            seen: Mutex::default(),
            known: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            most_in_flight: AtomicUsize::new(0),
        }
    }

    /// Varies the answers without changing the habit.
    pub(crate) fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Refuses requests whose prompt and output limit together exceed a window of `tokens`.
    pub(crate) fn window(self, tokens: Option<usize>) -> Self {
        Self {
            window: tokens,
            ..self
        }
    }

    /// Counts `factor` times the estimated tokens.
    pub(crate) fn counting(self, factor: f64) -> Self {
        Self {
            counting: factor,
            ..self
        }
    }

    /// Takes the same time for every answer.
    pub(crate) fn steady(self, time: Duration) -> Self {
        Self {
            steady: Some(time),
            ..self
        }
    }

    /// Repeats every planted fact it is shown.
    pub(crate) fn keeping_facts(self) -> Self {
        Self {
            keeps_facts: true,
            ..self
        }
    }

    /// Requests so far, in order of arrival.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Number of requests.
    pub(crate) fn calls(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// Number of requests for `task`.
    pub(crate) fn calls_for(&self, task: Task) -> usize {
        self.seen
            .lock()
            .unwrap()
            .iter()
            .filter(|seen| seen.task == task)
            .count()
    }

    /// Requests that exceeded the context window.
    pub(crate) fn refused(&self) -> Vec<Seen> {
        self.seen
            .lock()
            .unwrap()
            .iter()
            .filter(|seen| seen.refused)
            .cloned()
            .collect()
    }

    /// The maximum number of requests in flight at once.
    pub(crate) fn most_in_flight(&self) -> usize {
        self.most_in_flight.load(Ordering::Relaxed)
    }

    /// Every instruction line and every fence it was shown, none of which may appear in a summary.
    pub(crate) fn scaffolding(&self) -> BTreeSet<String> {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .flat_map(|seen| seen.instructions.iter().chain(&seen.fence))
            .cloned()
            .collect()
    }

    /// Writes the answer to a prompt.
    pub(crate) async fn write(&self, prompt: &Prompt) -> Result<Answer, ModelError> {
        let now = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_in_flight.fetch_max(now, Ordering::Relaxed);
        // Later requests may be answered first. Tests run on a paused clock, so this takes no real time.
        let wait = hash((self.seed, &prompt.messages().user)) % 997;
        let wait = self.steady.unwrap_or(Duration::from_millis(3 + wait));
        tokio::time::sleep(wait).await;
        let answer = self.reply(prompt);
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        answer
    }

    fn reply(&self, prompt: &Prompt) -> Result<Answer, ModelError> {
        let (messages, max_tokens) = (prompt.messages(), prompt.max_tokens().0);
        let asked = Asked::of(messages, prompt.request().task, max_tokens);
        let wording = hash((self.seed, &messages.system, &messages.user));
        let estimated = prompt.tokens().0;
        let counted = (estimated as f64 * self.counting).ceil() as usize;
        let refused = self
            .window
            .is_some_and(|window| counted + max_tokens > window);
        let (attempt, first_limit) = {
            let mut known = self.known.lock().unwrap();
            let entry = known.entry(wording).or_insert((0, max_tokens));
            entry.0 += 1;
            *entry
        };
        let failed =
            self.habit == Habit::Flaky && Random::seeded((wording, attempt)).share() < FLAKY_SHARE;
        self.seen.lock().unwrap().push(Seen {
            task: asked.task,
            part: asked.part,
            asked: asked.words,
            estimated,
            counted,
            max_tokens,
            refused,
            failed,
            wording,
            fence: asked.fence.clone(),
            instructions: asked.instructions.clone(),
        });
        if failed {
            return Err(error(ErrorKind::Transient, ERROR_TEXT));
        }
        if refused {
            let kind = ErrorKind::Overflow {
                window: self.window.map(|tokens| tokens as u64),
                prompt_tokens: Some(counted as u64),
            };
            return Err(error(kind, "simulated 400: maximum context length"));
        }
        let roomier = max_tokens >= 2 * first_limit;
        let (text, finish) = self.answer(
            Random::seeded((wording, "answer")),
            &asked,
            max_tokens,
            roomier,
        );
        let written = match (finish, text.is_empty()) {
            // All tokens were spent on reasoning.
            (Finish::Length, true) => max_tokens,
            _ => (words::count(&text) as f64 * TOKENS_PER_WORD).ceil() as usize,
        };
        let usage = TokenUsage {
            prompt_tokens: counted as u64,
            completion_tokens: written as u64,
        };
        Ok(Answer {
            is_reasoning: false,
            is_interrupted: false,
            text,
            finish,
            usage: Some(usage),
            job_time: None,
            written_by: None,
        })
    }
}

static CAPABILITIES: Capabilities = Capabilities {
    provider: "simulated",
    model: None,
    context_tokens: None,
    reasoning_tokens: Tokens(0),
    style: Style::Full,
    quotes: false,
    local: false,
    reads_links: false,
};

#[async_trait]
impl Model for SimulatedWriter {
    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    async fn submit(&self, prompt: &Prompt) -> Result<Reply, ModelError> {
        self.write(prompt).await.map(Reply::Done)
    }
}

fn error(kind: ErrorKind, message: &str) -> ModelError {
    ModelError::new(kind, message)
}
