//! What all plots have in common: a frame that is read aloud, text, marks.

use maud::{Markup, PreEscaped, html};

/// The width of every plot, in the units of its drawing. A narrow phone shows
/// one unit as about one pixel.
pub(crate) const WIDTH: f64 = 380.0;

/// One plot of a figure.
pub(crate) struct Panel {
    pub(crate) title: String,
    /// What it shows, for those who do not see it.
    pub(crate) description: String,
    pub(crate) height: f64,
    pub(crate) content: Markup,
}

/// Where a text ends up relative to its place.
#[derive(Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

impl Panel {
    /// The panel; `name` is the part of its ids that no other panel has.
    pub(crate) fn render(&self, name: &str) -> Markup {
        let (title, description) = (format!("{name}-title"), format!("{name}-description"));
        html! {
            div.panel {
                h3 aria-hidden="true" { (self.title) }
                svg viewBox={ "0 0 " (number(WIDTH)) " " (number(self.height)) }
                    role="img" aria-labelledby={ (title) " " (description) } {
                    title id=(title) { (self.title) }
                    desc id=(description) { (self.description) }
                    (self.content)
                }
            }
        }
    }
}

impl Panel {
    /// The plot as a file of its own, with the page's style.
    pub(crate) fn alone(&self, style: &str) -> Markup {
        /// Room around it, and for the heading above.
        const MARGIN: f64 = 16.0;
        const HEADING: f64 = 30.0;
        let (width, height) = (WIDTH + 2.0 * MARGIN, self.height + 2.0 * MARGIN + HEADING);
        let (left, top) = (-MARGIN, -MARGIN - HEADING);
        let frame = [left, top, width, height].map(number).join(" ");
        html! {
            svg xmlns="http://www.w3.org/2000/svg" viewBox=(frame) width=(number(2.0 * width))
                role="img" font-family="system-ui, sans-serif" {
                title { (self.title) }
                desc { (self.description) }
                style { (PreEscaped(style)) }
                rect x=(number(left)) y=(number(top)) width=(number(width))
                    height=(number(height)) fill="var(--card)" {}
                (text("label", Anchor::Start, 0.0, -14.0, &self.title))
                (self.content)
            }
        }
    }
}

/// How wide the longest of these names is when it is written beside a plot.
pub(crate) fn width_of<'a>(names: impl Iterator<Item = &'a str>) -> f64 {
    let longest = names.map(|name| name.chars().count()).max().unwrap_or(0);
    // No name is near the length at which this stops being exact.
    6.4 * f64::from(u16::try_from(longest).unwrap_or(u16::MAX))
}

/// A text.
pub(crate) fn text(class: &str, anchor: Anchor, x: f64, y: f64, text: &str) -> Markup {
    let anchor = match anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    html! { text class=(class) text-anchor=(anchor) x=(number(x)) y=(number(y)) { (text) } }
}

/// A straight line.
pub(crate) fn line(class: &str, from: (f64, f64), to: (f64, f64)) -> Markup {
    html! {
        line class=(class) x1=(number(from.0)) y1=(number(from.1))
            x2=(number(to.0)) y2=(number(to.1)) {}
    }
}

/// A filled rectangle; one without width is left out.
pub(crate) fn bar(class: &str, x: f64, y: f64, width: f64, height: f64) -> Markup {
    html! {
        @if width > 0.0 {
            rect class=(class) x=(number(x)) y=(number(y)) width=(number(width))
                height=(number(height)) {}
        }
    }
}

/// The mark of a series: no two differ by colour alone.
pub(crate) fn mark(series: usize, x: f64, y: f64) -> Markup {
    let class = format!("fill s{series}");
    let polygon = |points: &[(f64, f64)]| {
        let points: Vec<String> = points
            .iter()
            .map(|(dx, dy)| format!("{},{}", number(x + dx), number(y + dy)))
            .collect();
        html! { polygon class=(class) points=(points.join(" ")) {} }
    };
    match series {
        0 => html! { circle class=(class) cx=(number(x)) cy=(number(y)) r="3.6" {} },
        1 => polygon(&[(-3.3, -3.3), (3.3, -3.3), (3.3, 3.3), (-3.3, 3.3)]),
        2 => polygon(&[(0.0, -4.4), (4.2, 3.2), (-4.2, 3.2)]),
        3 => polygon(&[(0.0, -4.6), (4.6, 0.0), (0.0, 4.6), (-4.6, 0.0)]),
        4 => polygon(&[(0.0, 4.4), (4.2, -3.2), (-4.2, -3.2)]),
        _ => polygon(&[(-4.0, -1.8), (4.0, -1.8), (4.0, 1.8), (-4.0, 1.8)]),
    }
}

/// A coordinate with one digit behind the point, and none where it is zero.
pub(crate) fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_into_a_plot_is_escaped() {
        let hostile = "</text><script>alert(1)</script>&\"";
        let panel = Panel {
            title: hostile.to_owned(),
            description: hostile.to_owned(),
            height: 10.0,
            content: text("label", Anchor::Start, 0.0, 0.0, hostile),
        };
        let markup = panel.render("a").into_string();
        assert!(!markup.contains("<script"), "{markup}");
        assert_eq!(markup.matches("&lt;script&gt;").count(), 4, "{markup}");
        assert_eq!(markup.matches("&amp;").count(), 4, "{markup}");
    }

    #[test]
    fn coordinates_are_short() {
        assert_eq!(number(12.0), "12");
        assert_eq!(number(12.34), "12.3");
        assert_eq!(number(0.04), "0");
    }

    #[test]
    fn a_plot_says_what_it_shows_to_those_who_do_not_see_it() {
        let panel = Panel {
            title: "T".to_owned(),
            description: "D".to_owned(),
            height: 10.0,
            content: html! {},
        };
        let markup = panel.render("n").into_string();
        assert!(markup.contains("aria-labelledby=\"n-title n-description\""));
        assert!(markup.contains("<title id=\"n-title\">T</title>"));
        assert!(markup.contains("<desc id=\"n-description\">D</desc>"));
    }
}
