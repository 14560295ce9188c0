//! From values to places on an axis.

/// An axis: which values lie on it, and where.
#[derive(Clone, Debug)]
pub(crate) struct Scale {
    from: f64,
    to: f64,
    start: f64,
    end: f64,
    step: f64,
}

impl Scale {
    /// From zero to a round number that no value is above. Lies from place
    /// `start` to place `end`.
    pub(crate) fn from_zero(values: &[f64], start: f64, end: f64) -> Self {
        let largest = finite(values).fold(0.0, f64::max);
        let largest = if largest > 0.0 { largest } else { 1.0 };
        let step = round_step(largest / 4.0);
        Self {
            from: 0.0,
            to: (largest / step).ceil() * step,
            start,
            end,
            step,
        }
    }

    /// Round numbers around all values and around 1, the ratio of what costs
    /// nothing.
    pub(crate) fn around_one(values: &[f64], start: f64, end: f64) -> Self {
        let low = finite(values).fold(0.99, f64::min);
        let high = finite(values).fold(1.01, f64::max);
        let step = round_step((high - low) / 4.0);
        Self {
            from: (low / step).floor() * step,
            to: (high / step).ceil() * step,
            start,
            end,
            step,
        }
    }

    /// The place of a value. One that does not lie on the axis is put at its
    /// end.
    pub(crate) fn at(&self, value: f64) -> f64 {
        let part = (value - self.from) / (self.to - self.from);
        let part = if part.is_finite() {
            part.clamp(0.0, 1.0)
        } else {
            0.0
        };
        self.start + part * (self.end - self.start)
    }

    /// The values to write along the axis.
    pub(crate) fn ticks(&self) -> Vec<f64> {
        let mut ticks = Vec::new();
        let mut tick = self.from;
        // Half a step for what adding up loses.
        while tick < self.to + self.step / 2.0 && ticks.len() < 20 {
            ticks.push(tick);
            tick += self.step;
        }
        ticks
    }
}

/// Steps of the same length for values of which each is twice the one before.
#[derive(Clone, Debug)]
pub(crate) struct Doubling {
    low: f64,
    scale: f64,
    start: f64,
    middle: f64,
}

impl Doubling {
    /// From the smallest to the largest of the values. One value alone is in
    /// the middle.
    pub(crate) fn new(values: &[f64], start: f64, end: f64) -> Self {
        let logs = || finite(values).filter(|value| *value > 0.0).map(f64::log2);
        let low = logs().fold(f64::INFINITY, f64::min);
        let high = logs().fold(f64::NEG_INFINITY, f64::max);
        let scale = if high > low {
            (end - start) / (high - low)
        } else {
            0.0
        };
        Self {
            low,
            scale,
            start,
            middle: f64::midpoint(start, end),
        }
    }

    /// The place of a value.
    pub(crate) fn at(&self, value: f64) -> f64 {
        if self.scale == 0.0 {
            return self.middle;
        }
        self.start + (value.log2() - self.low) * self.scale
    }
}

fn finite(values: &[f64]) -> impl Iterator<Item = f64> {
    values.iter().copied().filter(|value| value.is_finite())
}

/// The next of 1, 2, 5, 10 and so on that is not below the value.
fn round_step(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let times = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|times| times * power >= value * 0.999_999);
    times.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_without_values_is_still_one() {
        for values in [&[][..], &[0.0], &[f64::NAN]] {
            let scale = Scale::from_zero(values, 0.0, 100.0);
            assert_eq!((scale.at(0.0), scale.at(1.0)), (0.0, 100.0));
            assert!(scale.ticks().len() >= 2);
        }
        let scale = Scale::around_one(&[], 0.0, 100.0);
        assert!((scale.at(1.0) - 50.0).abs() < 0.001);
        let doubling = Doubling::new(&[], 0.0, 100.0);
        assert_eq!(doubling.at(64.0), 50.0);
    }

    #[test]
    fn one_value_lies_on_its_axis() {
        let scale = Scale::from_zero(&[12_174.0], 10.0, 110.0);
        assert_eq!(scale.ticks(), [0.0, 5_000.0, 10_000.0, 15_000.0]);
        assert!(scale.at(12_174.0) > 80.0 && scale.at(12_174.0) < 110.0);
        assert_eq!(Doubling::new(&[64.0], 0.0, 100.0).at(64.0), 50.0);
    }

    #[test]
    fn many_values_keep_their_order_and_none_falls_off() {
        let values = [0.87, 0.99, 1.0, 1.004, 1.31];
        let scale = Scale::around_one(&values, 0.0, 100.0);
        let places: Vec<f64> = values.iter().map(|value| scale.at(*value)).collect();
        assert!(places.is_sorted(), "{places:?}");
        assert!(places[0] > 0.0 && places[4] < 100.0, "{places:?}");
        assert_eq!(scale.at(9.0), 100.0);
        assert_eq!(scale.at(f64::NAN), 0.0);
    }

    #[test]
    fn an_axis_may_run_upwards() {
        let scale = Scale::from_zero(&[8.0], 200.0, 0.0);
        assert_eq!(scale.at(0.0), 200.0);
        assert_eq!(scale.at(8.0), 0.0);
    }

    #[test]
    fn each_doubling_is_as_far_as_the_one_before() {
        let scale = Doubling::new(&[1.0, 2.0, 4.0], 0.0, 100.0);
        let places = [1.0, 2.0, 4.0].map(|value| scale.at(value));
        assert_eq!(places, [0.0, 50.0, 100.0]);
    }

    #[test]
    fn steps_are_round() {
        for (value, step) in [(0.9, 1.0), (1.0, 1.0), (1.1, 2.0), (3.0, 5.0), (7.0, 10.0)] {
            assert!((round_step(value) - step).abs() < 1e-9, "{value}");
            assert!(
                (round_step(value * 1e4) - step * 1e4).abs() < 1e-3,
                "{value}"
            );
        }
    }
}
