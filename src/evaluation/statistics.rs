//! Means with bootstrap intervals, and percentiles.

use serde::Serialize;

/// Samples that an interval is estimated from, as in `rouge-score`.
const SAMPLES: usize = 1000;

/// The interval that 95 of 100 samples have their means in.
const INTERVAL: [f64; 2] = [2.5, 97.5];

/// The same scores have the same intervals.
const SEED: u64 = 4000;

/// A mean with its 95 % bootstrap interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Estimates the mean of each column. The columns are drawn together, as what is measured of one summary belongs together. Without
/// rows there are no estimates.
#[must_use]
pub fn estimates<const N: usize>(rows: &[[f64; N]]) -> Option<[Estimate; N]> {
    if rows.is_empty() {
        return None;
    }
    let means = means(rows.iter());
    let mut random = fastrand::Rng::with_seed(SEED);
    let samples = (0..SAMPLES).map(|_| {
        let drawn = rows
            .iter()
            .filter_map(|_| rows.get(random.usize(..rows.len())));
        self::means(drawn)
    });
    let samples: Vec<[f64; N]> = samples.collect();
    let mut column = 0;
    Some(means.map(|mean| {
        let of_column = samples.iter().filter_map(|sample| sample.get(column));
        let mut sampled: Vec<f64> = of_column.copied().collect();
        column += 1;
        let [low, high] = INTERVAL.map(|percent| percentile(&mut sampled, percent).unwrap_or(mean));
        Estimate { mean, low, high }
    }))
}

fn means<'a, const N: usize>(rows: impl Iterator<Item = &'a [f64; N]>) -> [f64; N] {
    let mut sums = [0.0; N];
    let mut count = 0.0;
    for row in rows {
        count += 1.0;
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += value;
        }
    }
    sums.map(|sum| sum / count)
}

/// The mean, if there are values.
pub(crate) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
    (count > 0.0).then(|| sum / count)
}

/// The value that `percent` of the values are below, between the two nearest ones. Sorts the values.
#[must_use]
pub fn percentile(values: &mut [f64], percent: f64) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let place = values.len().checked_sub(1)? as f64 * percent / 100.0;
    let below = place.floor();
    let low = *values.get(below as usize)?;
    let high = *values.get(place.ceil() as usize)?;
    Some(low + (high - low) * (place - below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_lie_between_the_nearest_values() {
        let mut values = [4.0, 1.0, 3.0, 2.0];
        let found = [0.0, 50.0, 95.0, 100.0].map(|percent| percentile(&mut values, percent));
        // numpy.percentile([1, 2, 3, 4], [0, 50, 95, 100])
        assert_eq!(found, [Some(1.0), Some(2.5), Some(3.85), Some(4.0)]);
        assert_eq!(percentile(&mut [], 50.0), None);
    }

    #[test]
    fn intervals_are_those_of_the_mean_and_always_the_same() {
        let rows: Vec<[f64; 2]> = (0..100).map(|n| [f64::from(n % 10), 7.0]).collect();
        let [varied, constant] = estimates(&rows).unwrap();
        assert_eq!(estimates(&rows), Some([varied, constant]));
        assert!((varied.mean - 4.5).abs() < 1e-12);
        // The standard error of the mean is 0.287.
        assert!((varied.mean - varied.low - 0.56).abs() < 0.06, "{varied:?}");
        assert!(
            (varied.high - varied.mean - 0.56).abs() < 0.06,
            "{varied:?}"
        );
        let exact = Estimate {
            mean: 7.0,
            low: 7.0,
            high: 7.0,
        };
        assert_eq!(constant, exact);
        assert_eq!(estimates::<2>(&[]), None);
    }
}
