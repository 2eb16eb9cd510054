//! Reproducible random numbers that do not depend on the order of requests.

use std::f64::consts::TAU;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A hash that depends only on `parts`.
pub(super) fn hash(parts: impl Hash) -> u64 {
    // Uses fixed keys, unlike the hasher of a `HashMap`.
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn seeded(parts: impl Hash) -> Self {
        Self(hash(parts))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Uniform in the open interval from 0 to 1.
    pub(super) fn share(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Uniform in 0..`most`.
    pub(super) fn below(&mut self, most: usize) -> usize {
        ((self.share() * most as f64) as usize).min(most.saturating_sub(1))
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// A log-normal factor with median 1 (Box and Muller, 1958).
    pub(super) fn lognormal(&mut self, sd: f64) -> f64 {
        let radius = (-2.0 * self.share().ln()).sqrt();
        (sd * radius * (TAU * self.share()).cos()).exp()
    }
}
