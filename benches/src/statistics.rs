//! Ratios with their uncertainty.
//!
//! `criterion` measures one thing after the other, and between the two the
//! machine changes more than our bounds allow. Here the two sides of a pair take
//! turns, each round gives a ratio, and the ratios' median is what is told; a
//! bootstrap gives the interval. So neither a slow drift nor a few rounds that
//! were disturbed move it.

/// A ratio and where it lies with 95 % confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// The median of the rounds.
    pub value: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Ratio {
    /// Of the ratio of each round. There must be one at least.
    pub fn of(rounds: &[f64]) -> Self {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let mut sample = vec![0.0; rounds.len()];
        let medians: Vec<f64> = (0..RESAMPLES)
            .map(|_| {
                for place in &mut sample {
                    *place = rounds[random.below(rounds.len())];
                }
                quantile(&mut sample, 0.5)
            })
            .collect();
        let of_medians = |part| quantile(&mut medians.clone(), part);
        Self {
            value: quantile(&mut rounds.to_vec(), 0.5),
            low: of_medians(0.025),
            high: of_medians(0.975),
        }
    }
}

const RESAMPLES: usize = 2000;

/// The value below which this part of the values lies, between neighbours in
/// proportion. There must be one value at least.
pub fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len() - 1;
    let place = part * last as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    let weight = place - place.floor();
    values[below] * (1.0 - weight) + values[above.min(last)] * weight
}

/// xorshift64*: the same numbers at each run, so that a result repeats.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        drawn as usize % bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_lies_between_its_neighbours() {
        let mut values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(quantile(&mut values, 0.0), 1.0);
        assert_eq!(quantile(&mut values, 0.5), 2.5);
        assert_eq!(quantile(&mut values, 1.0), 4.0);
        assert_eq!(quantile(&mut [7.0], 0.99), 7.0);
    }

    #[test]
    fn equal_rounds_leave_no_doubt() {
        let ratio = Ratio::of(&[1.25; 9]);
        assert_eq!((ratio.low, ratio.value, ratio.high), (1.25, 1.25, 1.25));
    }

    /// Rounds of a true ratio with noise: uniform, 2 % to each side.
    fn noisy(truth: f64, seed: u64, rounds: usize) -> Vec<f64> {
        let mut random = Random(seed);
        (0..rounds)
            .map(|_| truth * (0.98 + 0.04 * random.below(10_001) as f64 / 10_000.0))
            .collect()
    }

    #[test]
    fn the_interval_holds_the_truth_about_as_often_as_it_says() {
        let held = (1..=40u64)
            .map(|seed| Ratio::of(&noisy(1.1, seed * 7919, 40)))
            .filter(|ratio| (ratio.low..=ratio.high).contains(&1.1))
            .count();
        assert!(held >= 35, "{held} of 40");
    }

    #[test]
    fn a_few_disturbed_rounds_do_not_move_it() {
        let mut rounds = noisy(1.0, 5, 40);
        rounds[..4].fill(3.0);
        let ratio = Ratio::of(&rounds);
        assert!((ratio.value - 1.0).abs() < 0.01, "{ratio:?}");
        assert!(ratio.high < 1.02, "{ratio:?}");
    }

    #[test]
    fn more_rounds_narrow_the_interval() {
        let width = |rounds| {
            let ratio = Ratio::of(&noisy(1.0, 3, rounds));
            ratio.high - ratio.low
        };
        assert!(width(400) < width(16) / 2.0);
    }
}
