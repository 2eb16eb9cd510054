//! When to ask after a job at an endpoint that does not hold the question: as the jobs before it have taught.
//!
//! Doubling the wait asks often while nothing can be ready and seldom when it is. Here the first question comes when the
//! earliest jobs have been ready, the next ones at even distances, chosen so that little time is lost for few questions.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Jobs remembered: queues and prompts change.
const REMEMBERED: usize = 24;

/// Below so many, what is known is padded with what is usual.
const FEW: usize = 4;

/// Nothing is asked more often.
const SHORTEST_GAP: f64 = 0.25;

/// Nor less often: results are kept for half an hour, but people wait.
const LONGEST_GAP: f64 = 15.0;

/// The first question and the gaps after it, as long as nothing is known.
const UNLEARNED_FIRST: f64 = 0.6;
const UNLEARNED_GAP: f64 = 1.2;

/// Learns how long jobs take.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    seen: Mutex<VecDeque<f64>>,
}

/// Questions at `first` and every `gap` after it, in seconds since the job was submitted.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Rhythm {
    first: f64,
    gap: f64,
}

impl Schedule {
    /// Takes note of a job that took so long from its submission.
    pub(crate) fn learn(&self, took: Duration) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push_front(took.as_secs_f64());
        seen.truncate(REMEMBERED);
    }

    /// How long after its submission a job is to be asked after next, if it was not done after `elapsed`.
    pub(crate) fn next(&self, elapsed: Duration) -> Duration {
        let elapsed = elapsed.as_secs_f64();
        let seen: Vec<f64> = {
            let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.iter().copied().collect()
        };
        let next = if seen.is_empty() {
            elapsed + unlearned_gap(elapsed)
        } else {
            let Rhythm { first, gap } = best(&seen);
            let past = ((elapsed - first) / gap + 1e-6).floor() + 1.0;
            let planned = first + gap * past.max(0.0);
            // A job that takes far longer than any before it tells that this one is of another kind.
            let longest = seen.iter().copied().fold(0.0, f64::max);
            if elapsed > 1.5 * longest {
                planned.max(elapsed + unlearned_gap(elapsed))
            } else {
                planned.max(elapsed + SHORTEST_GAP)
            }
        };
        Duration::try_from_secs_f64(next).unwrap_or(Duration::from_secs(3600))
    }
}

/// Until the first jobs have taught something: all that are in flight are asked after like this, so it must not cost much. The
/// first question is for handlers that take a moment; later gaps grow with the root of the time, so that the loss stays small
/// beside it and the number of questions too.
fn unlearned_gap(elapsed: f64) -> f64 {
    if elapsed < UNLEARNED_FIRST {
        UNLEARNED_FIRST
    } else {
        (0.35 * elapsed.sqrt()).clamp(UNLEARNED_GAP, LONGEST_GAP)
    }
}

/// Questions that a job of `typical` seconds may cost on average once something is known: with those of the first jobs and
/// of stragglers it is under 3 for 4 seconds, under 6 for 15.
fn affordable(typical: f64) -> f64 {
    (1.45 + 0.27 * typical).clamp(1.8, 5.25)
}

/// The rhythm that loses least time for an affordable number of questions.
fn best(seen: &[f64]) -> Rhythm {
    let mut sorted = seen.to_vec();
    // The next job is none of those that were seen: each stands for what lies around it, more widely if there are few.
    let spread = if seen.len() < FEW { 0.25 } else { 0.08 };
    for factor in [
        1.0 - spread,
        1.0 - spread / 2.0,
        1.0 + spread / 2.0,
        1.0 + spread,
    ] {
        sorted.extend(seen.iter().map(|took| took * factor));
    }
    sorted.sort_by(f64::total_cmp);
    let typical = sorted.get(sorted.len() / 2).copied().unwrap_or(1.0);
    let most = affordable(typical);
    let mut found = (
        f64::INFINITY,
        Rhythm {
            first: typical,
            gap: LONGEST_GAP,
        },
    );
    for percent in [0, 5, 10, 15, 20, 30, 40, 50] {
        let first = sorted
            .get(sorted.len() * percent / 100)
            .copied()
            .unwrap_or(typical);
        let mut gap = SHORTEST_GAP;
        while gap < LONGEST_GAP {
            let rhythm = Rhythm { first, gap };
            let (asked, lost) = cost(rhythm, &sorted);
            if asked <= most && lost < found.0 {
                found = (lost, rhythm);
            }
            gap *= 1.2;
        }
    }
    found.1
}

/// Mean number of questions, and mean time between the end of a job and the question that finds it done.
fn cost(rhythm: Rhythm, jobs: &[f64]) -> (f64, f64) {
    let (mut asked, mut lost) = (0.0, 0.0);
    for took in jobs {
        let after_first = ((took - rhythm.first) / rhythm.gap).ceil().max(0.0);
        asked += 1.0 + after_first;
        lost += rhythm.first + after_first * rhythm.gap - took;
    }
    let count = jobs.len().max(1) as f64;
    (asked / count, lost / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers from 0 up to 1 (SplitMix64): the sample that the bounds below were measured with.
    fn random(seed: u64) -> impl FnMut() -> f64 {
        let mut state = seed;
        move || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut x = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((x ^ (x >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
        }
    }

    /// Lognormal times around `median` seconds, one job after the other: mean questions and mean loss.
    fn simulate(median: f64, sigma: f64, seed: u64) -> (f64, f64) {
        let (schedule, mut random) = (Schedule::default(), random(seed));
        let jobs = 60;
        let (mut asked, mut lost) = (0.0, 0.0);
        for _ in 0..jobs {
            // The sum of twelve even numbers is as good as normal.
            let normal = (0..12).map(|_| random()).sum::<f64>() - 6.0;
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
    fn waits_never_double() {
        let schedule = Schedule::default();
        let mut at = Duration::ZERO;
        let mut gaps = Vec::new();
        while at < Duration::from_secs(120) {
            let next = schedule.next(at);
            gaps.push((next - at).as_secs_f64());
            at = next;
        }
        assert!(gaps.iter().all(|gap| (0.4..=6.0).contains(gap)), "{gaps:?}");
        schedule.learn(Duration::from_secs(2));
        assert!(schedule.next(Duration::from_secs(60)) <= Duration::from_secs(65));
    }
}
