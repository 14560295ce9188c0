//! Ratios as dots with their intervals, beside the line of what costs nothing.

use maud::{Markup, html};

use crate::bench::page::names;
use crate::bench::page::plot::{Anchor, Panel, WIDTH, line, mark, text, width_of};
use crate::bench::page::scale::Scale;

const RIGHT: f64 = 48.0;
const HEADING: f64 = 22.0;
const LANE: f64 = 14.0;
const AXIS: f64 = 40.0;
/// How far a name stands from the axis.
const GAP: f64 = 10.0;

/// The ratios of one panel.
pub(crate) struct Dots {
    pub(crate) title: String,
    /// What the axis says.
    pub(crate) axis: String,
    pub(crate) rows: Vec<Row>,
}

/// A scenario.
pub(crate) struct Row {
    pub(crate) label: String,
    pub(crate) dots: Vec<Dot>,
}

/// A backend in a scenario.
pub(crate) struct Dot {
    pub(crate) backend: String,
    pub(crate) ratio: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// The largest ratio that passes, where there is one.
    pub(crate) bound: Option<f64>,
}

impl Dot {
    /// Whether it shows that polytls costs more than it may: more than its
    /// bound, or where it has none, more than nothing beyond chance.
    fn is_too_high(&self) -> bool {
        match self.bound {
            Some(bound) => self.ratio > bound,
            None => self.low > 1.0,
        }
    }
}

impl Dots {
    pub(crate) fn panel(&self) -> Panel {
        let dots = || self.rows.iter().flat_map(|row| &row.dots);
        let ends = |dot: &Dot| [dot.low, dot.high, dot.bound.unwrap_or(1.0)];
        let values: Vec<f64> = dots().flat_map(ends).collect();
        let left = GAP + width_of(dots().map(|dot| names::backend(&dot.backend)));
        let scale = Scale::around_one(&values, left, WIDTH - RIGHT);
        let mut y = 0.0;
        let mut places = Vec::new();
        for row in &self.rows {
            let top = y;
            y += HEADING;
            let lanes: Vec<_> = row
                .dots
                .iter()
                .map(|dot| {
                    let middle = y + LANE / 2.0;
                    y += LANE;
                    (dot, middle)
                })
                .collect();
            places.push((row, top, lanes));
            y += 4.0;
        }
        let bottom = y + 4.0;
        let one = scale.at(1.0);
        let content = html! {
            @for tick in scale.ticks() {
                @let x = scale.at(tick);
                (line("grid", (x, HEADING - 4.0), (x, bottom)))
                (text("tick", Anchor::Middle, x, bottom + 14.0, &format!("{tick:.2}")))
            }
            (line("one", (one, HEADING - 4.0), (one, bottom)))
            (text("axis", Anchor::Middle, f64::midpoint(left, WIDTH - RIGHT), bottom + 31.0, &self.axis))
            @for (row, top, lanes) in &places {
                (text("label", Anchor::Start, 0.0, top + 16.0, &row.label))
                @for (dot, middle) in lanes {
                    (dot.render(&scale, left, *middle))
                }
            }
        };
        Panel {
            title: self.title.clone(),
            description: self.description(),
            height: bottom + AXIS,
            content,
        }
    }

    fn description(&self) -> String {
        let mut text = format!("Dots: {}. ", self.axis);
        for row in &self.rows {
            let dots: Vec<String> = row
                .dots
                .iter()
                .map(|dot| format!("{} {:.3}", names::backend(&dot.backend), dot.ratio))
                .collect();
            text.push_str(&format!("{}: {}. ", row.label, dots.join(", ")));
        }
        text
    }
}

impl Dot {
    fn render(&self, scale: &Scale, left: f64, middle: f64) -> Markup {
        let series = names::series(&self.backend);
        let whisker = format!("whisker s{series}");
        let value = if self.is_too_high() {
            "value high"
        } else {
            "value"
        };
        html! {
            (text("name", Anchor::End, left - GAP, middle + 3.5, names::backend(&self.backend)))
            @if let Some(bound) = self.bound {
                @let x = scale.at(bound);
                (line("bound", (x, middle - LANE / 2.0), (x, middle + LANE / 2.0)))
            }
            @if self.high > self.low {
                (line(&whisker, (scale.at(self.low), middle), (scale.at(self.high), middle)))
            }
            (mark(series, scale.at(self.ratio), middle))
            (text(value, Anchor::End, WIDTH, middle + 3.5, &format!("{:.3}", self.ratio)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dot(ratio: f64, low: f64, high: f64, bound: Option<f64>) -> Dot {
        Dot {
            backend: "rustls".to_owned(),
            ratio,
            low,
            high,
            bound,
        }
    }

    fn markup(dots: Vec<Dot>) -> String {
        let dots = Dots {
            title: "Send".to_owned(),
            axis: "ratio".to_owned(),
            rows: vec![Row {
                label: "64 B".to_owned(),
                dots,
            }],
        };
        dots.panel().render("a").into_string()
    }

    #[test]
    fn none_one_and_many_ratios_can_be_drawn() {
        assert!(markup(vec![]).contains("class=\"one\""));
        let one = markup(vec![dot(1.0, 1.0, 1.0, None)]);
        assert_eq!(one.matches("<circle").count(), 1);
        assert!(!one.contains("whisker"), "an exact ratio has no interval");
        let many = markup(vec![
            dot(1.0, 0.9, 1.1, None),
            dot(3.0, 2.9, 3.1, Some(1.02)),
        ]);
        assert_eq!(many.matches("whisker").count(), 2);
        assert_eq!(many.matches("class=\"bound\"").count(), 1);
        assert!(!many.contains("NaN"), "{many}");
    }

    #[test]
    fn what_costs_too_much_is_marked() {
        assert!(dot(1.03, 1.03, 1.03, Some(1.02)).is_too_high());
        assert!(!dot(1.02, 1.02, 1.02, Some(1.02)).is_too_high());
        assert!(dot(1.03, 1.01, 1.05, None).is_too_high());
        assert!(!dot(1.03, 0.99, 1.07, None).is_too_high());
    }
}
