//! Bars in groups: what each backend has, beside what its library has alone.

use maud::html;

use crate::bench::page::names;
use crate::bench::page::plot::{Anchor, Panel, WIDTH, bar, line, text, width_of};
use crate::bench::page::scale::Scale;
use crate::bench::units;

const RIGHT: f64 = 60.0;
/// How far a name stands from the axis.
const GAP: f64 = 6.0;
/// How far a value stands from its bar.
const SPACE: f64 = 5.0;
const ROW: f64 = 16.0;
const THICK: f64 = 11.0;
const HEADING: f64 = 24.0;
const AXIS: f64 = 40.0;

/// The bars of one panel.
pub(crate) struct Bars {
    pub(crate) title: String,
    /// What the axis says, with the unit.
    pub(crate) axis: String,
    pub(crate) groups: Vec<Group>,
}

/// Bars that belong together.
pub(crate) struct Group {
    pub(crate) label: String,
    pub(crate) bars: Vec<Bar>,
}

/// The bar of a backend.
pub(crate) struct Bar {
    pub(crate) backend: String,
    pub(crate) ours: f64,
    /// Where the mark is set: the library used directly.
    pub(crate) raw: f64,
}

impl Bars {
    pub(crate) fn panel(&self) -> Panel {
        let bars = || self.groups.iter().flat_map(|group| &group.bars);
        let values: Vec<f64> = bars().flat_map(|bar| [bar.ours, bar.raw]).collect();
        let left = GAP + width_of(bars().map(|bar| names::backend(&bar.backend)));
        let scale = Scale::from_zero(&values, left, WIDTH - RIGHT);
        let mut y = 0.0;
        let mut places = Vec::new();
        for group in &self.groups {
            let top = y;
            y += HEADING;
            let rows: Vec<_> = group
                .bars
                .iter()
                .map(|bar| {
                    let middle = y + ROW / 2.0;
                    y += ROW;
                    (bar, middle)
                })
                .collect();
            places.push((group, top, rows));
            y += 4.0;
        }
        let bottom = y + 4.0;
        let content = html! {
            @for tick in scale.ticks() {
                @let x = scale.at(tick);
                (line("grid", (x, HEADING - 4.0), (x, bottom)))
                (text("tick", Anchor::Middle, x, bottom + 14.0, &units::short(tick)))
            }
            (text("axis", Anchor::Middle, f64::midpoint(left, WIDTH - RIGHT), bottom + 31.0, &self.axis))
            @for (group, top, rows) in &places {
                (text("label", Anchor::Start, 0.0, top + 17.0, &group.label))
                @for (one, middle) in rows {
                    @let class = format!("fill s{}", names::series(&one.backend));
                    (text("name", Anchor::End, left - GAP, middle + 3.5, names::backend(&one.backend)))
                    (bar(&class, left, middle - THICK / 2.0, scale.at(one.ours) - left, THICK))
                    @let raw = scale.at(one.raw);
                    (line("raw", (raw, middle - ROW / 2.0 + 0.5), (raw, middle + ROW / 2.0 - 0.5)))
                    @let value = value(one.ours);
                    @let end = value_place(scale.at(one.ours), raw, &value);
                    (text("value", Anchor::Start, end + SPACE, middle + 3.5, &value))
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
        let mut text = format!("Bars: {}. ", self.axis);
        for group in &self.groups {
            let bars: Vec<String> = group
                .bars
                .iter()
                .map(|bar| format!("{} {}", names::backend(&bar.backend), value(bar.ours)))
                .collect();
            text.push_str(&format!("{}: {}. ", group.label, bars.join(", ")));
        }
        text
    }
}

/// Where a value stands: at the end of its bar, unless the mark is in the way.
fn value_place(bar: f64, mark: f64, value: &str) -> f64 {
    if mark - bar > width_of([value].into_iter()) + SPACE {
        bar
    } else {
        bar.max(mark)
    }
}

/// A number that fits beside a bar.
fn value(value: f64) -> String {
    match value {
        value if value < 100.0 => format!("{value:.1}"),
        value => units::count(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bars(values: &[(f64, f64)]) -> Bars {
        let bars = values.iter().map(|&(ours, raw)| Bar {
            backend: "openssl".to_owned(),
            ours,
            raw,
        });
        Bars {
            title: "Client".to_owned(),
            axis: "handshakes per second".to_owned(),
            groups: vec![Group {
                label: "TLS 1.3".to_owned(),
                bars: bars.collect(),
            }],
        }
    }

    #[test]
    fn each_value_has_a_bar_and_a_mark() {
        for values in [&[][..], &[(5_122.0, 5_130.0)], &[(1.0, 2.0), (3.0, 4.0)]] {
            let panel = bars(values).panel();
            let markup = panel.render("a").into_string();
            assert_eq!(markup.matches("<rect").count(), values.len());
            assert_eq!(markup.matches("class=\"raw\"").count(), values.len());
            assert!(!markup.contains("NaN"), "{markup}");
        }
    }

    #[test]
    fn a_value_of_zero_has_no_bar() {
        let markup = bars(&[(0.0, 0.0)]).panel().render("a").into_string();
        assert!(!markup.contains("<rect"), "{markup}");
        assert!(!markup.contains("NaN"), "{markup}");
    }

    #[test]
    fn a_value_stands_where_the_mark_is_not() {
        assert_eq!(value_place(100.0, 90.0, "27.3"), 100.0);
        assert_eq!(value_place(100.0, 101.0, "27.3"), 101.0);
        assert_eq!(value_place(100.0, 150.0, "27.3"), 100.0);
    }

    #[test]
    fn the_description_has_the_values() {
        let panel = bars(&[(5_122.0, 5_130.0)]).panel();
        assert!(panel.description.contains("TLS 1.3: OpenSSL 5,122."));
    }
}
