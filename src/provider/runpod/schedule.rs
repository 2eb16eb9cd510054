//! The polling schedule for endpoints without long polling, learned from the durations of earlier jobs.
//!
//! Exponential backoff would poll often while no job can be done yet, and seldom once it may be. Instead, the median job
//! duration sets a target of n polls per job. The first poll comes at about the time when one job in n is done. The others
//! follow at even intervals, sized so that an average job takes about n polls.
//!
//! In a simulation with lognormal durations (sigma 0.3), jobs of 4 seconds take 2.8 polls and are noticed 0.44 s after their
//! end; jobs of 15 seconds take 5.7 polls and are noticed after 0.85 s.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How many jobs are remembered. Older ones say little, because queues and prompts change.
const REMEMBERED: usize = 24;

/// Longer durations are capped to this: an endpoint may report nonsense.
const LONGEST_JOB: Duration = Duration::from_secs(24 * 3600);

/// The shortest interval between polls in seconds, so that a round trip fits in between.
const SHORTEST_STEP: f64 = 0.25;

/// The longest interval between polls in seconds. Results are kept for half an hour, but people are waiting for them.
const LONGEST_STEP: f64 = 15.0;

/// When to poll first while no job has finished yet, in seconds. It is early because some handlers finish at once.
const UNLEARNED_FIRST: f64 = 0.6;

/// A job that has run for this many times the longest remembered duration is no longer predicted by it.
const STRAGGLER: f64 = 1.25;

/// Learns how long jobs take.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    /// Durations in seconds, newest first.
    seen: Mutex<VecDeque<f64>>,
}

impl Schedule {
    /// Records a job that took `took` from its submission.
    pub(crate) fn learn(&self, took: Duration) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push_front(took.min(LONGEST_JOB).as_secs_f64());
        seen.truncate(REMEMBERED);
    }

    /// When to poll a job next if it was not done after `elapsed`. Both are measured from its submission.
    pub(crate) fn next(&self, elapsed: Duration) -> Duration {
        elapsed + Duration::from_secs_f64(self.wait(elapsed.as_secs_f64()))
    }

    fn wait(&self, elapsed: f64) -> f64 {
        let mut seen: Vec<f64> = {
            let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.iter().copied().collect()
        };
        seen.sort_unstable_by(f64::total_cmp);
        let Some(&longest) = seen.last() else {
            return unlearned(elapsed);
        };
        let count = seen.len() as f64;
        let quantile = |share: f64| *seen.get((count * share) as usize).unwrap_or(&longest);
        let questions = (1.8 + quantile(0.5) / 4.0).min(5.4);
        // The next job may be slightly faster than the remembered ones.
        let first = 0.95 * quantile(1.0 / questions);
        if elapsed + SHORTEST_STEP < first {
            return first - elapsed;
        }
        // The first poll is one of `questions`, and an average job ends half a step before its last poll.
        let after_first = seen.iter().map(|took| (took - first).max(0.0)).sum::<f64>() / count;
        let step = (after_first / (questions - 1.5)).clamp(SHORTEST_STEP, LONGEST_STEP);
        if elapsed > STRAGGLER * longest {
            step.max(unlearned(elapsed))
        } else {
            step
        }
    }
}

/// Intervals that grow with the square root of the elapsed time, which keeps both the delay and the number of polls small
/// in proportion. They are used until the first job is done, and for stragglers.
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

    /// Simulates jobs with lognormal durations around `median` seconds, one after the other. Returns the mean number of
    /// polls and the mean delay in seconds.
    fn simulate(median: f64, sigma: f64, seed: u64) -> (f64, f64) {
        let (schedule, jitter) = (Schedule::default(), Jitter::new(seed));
        let jobs = 60;
        let (mut asked, mut lost) = (0.0, 0.0);
        for _ in 0..jobs {
            // The sum of twelve uniform numbers is close to a normal distribution.
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
