//! Lines over sizes: throughput of each backend.

use maud::{Markup, html};

use crate::bench::page::names;
use crate::bench::page::plot::{Anchor, Panel, WIDTH, line, mark, number, text};
use crate::bench::page::scale::{Doubling, Scale};
use crate::bench::units;

const LEFT: f64 = 46.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 216.0;
const HEIGHT: f64 = 260.0;

/// The lines of one panel.
pub(crate) struct Lines {
    pub(crate) title: String,
    /// What the upright axis says, with the unit.
    pub(crate) axis: String,
    pub(crate) series: Vec<Series>,
}

/// The line of a backend.
pub(crate) struct Series {
    pub(crate) backend: String,
    /// A size in octets and the value there, the smallest size first.
    pub(crate) points: Vec<(u32, f64)>,
}

impl Lines {
    pub(crate) fn panel(&self) -> Panel {
        let points = || self.series.iter().flat_map(|series| &series.points);
        let values: Vec<f64> = points().map(|(_, value)| *value).collect();
        let mut sizes: Vec<u32> = points().map(|(size, _)| *size).collect();
        sizes.sort_unstable();
        sizes.dedup();
        let across: Vec<f64> = sizes.iter().map(|size| f64::from(*size)).collect();
        let x = Doubling::new(&across, LEFT + 14.0, WIDTH - RIGHT);
        let y = Scale::from_zero(&values, BOTTOM, TOP);
        let content = html! {
            (text("axis", Anchor::Start, 0.0, 12.0, &self.axis))
            @for tick in y.ticks() {
                (line("grid", (LEFT, y.at(tick)), (WIDTH - RIGHT + 6.0, y.at(tick))))
                (text("tick", Anchor::End, LEFT - 6.0, y.at(tick) + 3.5, &units::short(tick)))
            }
            @for size in &sizes {
                (text("tick", Anchor::Middle, x.at(f64::from(*size)), BOTTOM + 16.0, &names::in_words(*size)))
            }
            (text("axis", Anchor::Middle, f64::midpoint(LEFT, WIDTH - RIGHT), BOTTOM + 35.0, "size of one write"))
            @for series in &self.series {
                (series.render(&x, &y))
            }
        };
        Panel {
            title: self.title.clone(),
            description: self.description(),
            height: HEIGHT,
            content,
        }
    }

    fn description(&self) -> String {
        let mut text = format!("Lines: {} over the size of one write. ", self.axis);
        for series in &self.series {
            let points: Vec<String> = series
                .points
                .iter()
                .map(|(size, value)| format!("{} {}", names::in_words(*size), units::count(*value)))
                .collect();
            let backend = names::backend(&series.backend);
            text.push_str(&format!("{backend}: {}. ", points.join(", ")));
        }
        text
    }
}

impl Series {
    fn render(&self, x: &Doubling, y: &Scale) -> Markup {
        let series = names::series(&self.backend);
        let place = |&(size, value): &(u32, f64)| (x.at(f64::from(size)), y.at(value));
        let places: Vec<(f64, f64)> = self.points.iter().map(place).collect();
        let path: Vec<String> = places
            .iter()
            .map(|(x, y)| format!("{},{}", number(*x), number(*y)))
            .collect();
        html! {
            polyline class={ "line s" (series) } points=(path.join(" ")) {}
            @for (x, y) in places {
                (mark(series, x, y))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_one_and_many_points_can_be_drawn() {
        for points in [
            vec![],
            vec![(64, 300.0)],
            vec![(64, 300.0), (16_384, 7_000.0)],
        ] {
            let count = points.len();
            let lines = Lines {
                title: "AES-128-GCM".to_owned(),
                axis: "MB/s".to_owned(),
                series: vec![Series {
                    backend: "rustls".to_owned(),
                    points,
                }],
            };
            let markup = lines.panel().render("a").into_string();
            assert_eq!(markup.matches("<circle").count(), count);
            assert!(
                !markup.contains("NaN") && !markup.contains("inf"),
                "{markup}"
            );
        }
    }
}
