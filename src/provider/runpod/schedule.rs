//! When to ask after a job at an endpoint that does not hold questions: as the jobs before it have taught.
//!
//! Doubling the wait would ask often while nothing can be ready, and seldom when it is. Here a number of questions is set,
//! by how long jobs usually take. The first one comes when one job in that many has been done; the others follow in even
//! steps, which are just so long that the number suffices on average.
//!
//! In a simulation with lognormal times (sigma 0.3), jobs of 4 seconds take 2.8 questions and are found 0.44 s after their
//! end, jobs of 15 seconds take 5.7 and 0.85 s.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Jobs remembered: queues and prompts change.
const REMEMBERED: usize = 24;

/// No longer time is learned: an endpoint may report nonsense.
const LONGEST_JOB: Duration = Duration::from_secs(24 * 3600);

/// Questions are never closer together, in seconds, so that a round trip fits between them.
const SHORTEST_STEP: f64 = 0.25;

/// Nor further apart: results are kept for half an hour, but people wait.
const LONGEST_STEP: f64 = 15.0;

/// The first question about the first jobs comes early, for handlers that take a moment.
const UNLEARNED_FIRST: f64 = 0.6;

/// A job that has taken so many times as long as the longest one before it is of another kind.
const STRAGGLER: f64 = 1.25;

/// Learns how long jobs take.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    /// Seconds, the last job first.
    seen: Mutex<VecDeque<f64>>,
}

impl Schedule {
    /// Learns from a job that took so long from its submission.
    pub(crate) fn learn(&self, took: Duration) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push_front(took.min(LONGEST_JOB).as_secs_f64());
        seen.truncate(REMEMBERED);
    }

    /// The time since its submission at which to ask next after a job that was not done after `elapsed`.
    pub(crate) fn next(&self, elapsed: Duration) -> Duration {
        elapsed + Duration::from_secs_f64(self.wait(elapsed.as_secs_f64()))
    }

    fn wait(&self, elapsed: f64) -> f64 {
        let mut seen: Vec<f64> = {
            let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.iter().copied().collect()
        };
        seen.sort_by(f64::total_cmp);
        let Some(&longest) = seen.last() else {
            return unlearned(elapsed);
        };
        let count = seen.len() as f64;
        let quantile = |share: f64| *seen.get((count * share) as usize).unwrap_or(&longest);
        let questions = (1.8 + quantile(0.5) / 4.0).min(5.4);
        // The next job may be a little faster than any before it.
        let first = 0.95 * quantile(1.0 / questions);
        if elapsed + SHORTEST_STEP < first {
            return first - elapsed;
        }
        // Half a step is lost on average, and the first question is one of them.
        let after_first = seen.iter().map(|took| (took - first).max(0.0)).sum::<f64>() / count;
        let step = (after_first / (questions - 1.5)).clamp(SHORTEST_STEP, LONGEST_STEP);
        if elapsed > STRAGGLER * longest {
            step.max(unlearned(elapsed))
        } else {
            step
        }
    }
}

/// Steps that grow with the root of the time: what is lost stays small beside the time, and so does the number of questions.
/// All jobs that are in flight before the first one is done are asked after like this.
fn unlearned(elapsed: f64) -> f64 {
    if elapsed < UNLEARNED_FIRST {
        UNLEARNED_FIRST
    } else {
        (0.35 * elapsed.sqrt()).clamp(1.2, LONGEST_STEP)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::jitter::Jitter;

    /// Lognormal times around `median` seconds, one job after the other: mean questions and mean loss.
    fn simulate(median: f64, sigma: f64, seed: u64) -> (f64, f64) {
        let (schedule, jitter) = (Schedule::default(), Jitter::new(seed));
        let jobs = 60;
        let (mut asked, mut lost) = (0.0, 0.0);
        for _ in 0..jobs {
            // The sum of twelve even numbers is as good as normal.
            let normal = (0..12).map(|_| jitter.share()).sum::<f64>() - 6.0;
            let took = median * (sigma * normal).exp();
            let mut at = Duration::ZERO;
            while at.as_secs_f64() < took {
                at = schedule.next(at);
                asked += 1.0;
            }
            lost += at.as_secs_f64() - took;
            schedule.learn(Duration::from_secs_f64(took));
        }
        (asked / f64::from(jobs), lost / f64::from(jobs))
    }

    #[test]
    fn few_questions_find_jobs_soon_after_their_end() {
        for sigma in [0.0, 0.1, 0.2, 0.3] {
            for (median, questions, seconds) in [(4.0, 3.0, 0.5), (15.0, 6.0, 0.85)] {
                let seeds = 20;
                let (mut asked, mut lost) = (0.0, 0.0);
                for seed in 0..seeds {
                    let one = simulate(median, sigma, seed);
                    asked += one.0 / seeds as f64;
                    lost += one.1 / seeds as f64;
                }
                assert!(
                    asked <= questions && lost <= seconds,
                    "{median} s, sigma {sigma}: {asked} questions, {lost} s lost"
                );
            }
        }
    }

    #[test]
    fn steps_stay_short_before_anything_is_learned_and_for_stragglers() {
        let schedule = Schedule::default();
        let mut at = Duration::ZERO;
        let mut steps = Vec::new();
        while at < Duration::from_secs(120) {
            let next = schedule.next(at);
            steps.push((next - at).as_secs_f64());
            at = next;
        }
        assert!(
            steps.iter().all(|step| (0.4..=6.0).contains(step)),
            "{steps:?}"
        );
        schedule.learn(Duration::from_secs(2));
        assert!(schedule.next(Duration::from_secs(60)) <= Duration::from_secs(65));
        schedule.learn(Duration::MAX);
        assert!(schedule.next(Duration::from_secs(60)) <= LONGEST_JOB);
    }
}
