//! The figures of the report: which results each shows, and what it says.

use maud::{Markup, html};

use crate::bench::bounds::Bounds;
use crate::bench::measurement::{Instrument, Measurement, Unit};
use crate::bench::page::bars::{Bar, Bars, Group};
use crate::bench::page::dots::{Dot, Dots, Row};
use crate::bench::page::lines::{Lines, Series};
use crate::bench::page::names;
use crate::bench::page::plot::{Panel, line, mark};
use crate::bench::units;

/// Said where a legend has it.
const UNBUFFERED: &str = " \"rustls unbuffered\" is no backend: it compares polytls, which uses \
    the buffered API of rustls, with direct use of its unbuffered API.";

/// Plots under one heading, with a caption.
pub(crate) struct Figure {
    /// What links to it.
    pub(crate) anchor: &'static str,
    pub(crate) heading: &'static str,
    caption: &'static str,
    panels: Vec<Panel>,
    legend: Vec<String>,
    /// Signs of the plots that are no backend's.
    signs: &'static [Sign],
}

/// What else a plot draws.
#[derive(Clone, Copy)]
enum Sign {
    /// The library used directly.
    Raw,
    /// The interval of a ratio.
    Interval,
    /// The largest ratio that passes.
    Bound,
}

/// All figures for which there are results.
pub(crate) fn all(results: &[Measurement], bounds: &Bounds) -> Vec<Figure> {
    let figures = [
        handshakes(results),
        throughput(results),
        memory(results),
        time(results),
        instructions(results, bounds),
    ];
    figures
        .into_iter()
        .filter(|figure| !figure.panels.is_empty())
        .collect()
}

fn handshakes(results: &[Measurement]) -> Figure {
    let of_it = by_instrument(results, Instrument::Wall, |r| {
        names::family(&r.id) == "handshake"
    });
    let panels = names::SIDES.into_iter().filter_map(|side| {
        let of_side = of_it.iter().copied();
        let of_side: Vec<_> = of_side.filter(|r| names::is_of_side(&r.id, side)).collect();
        let bars = Bars {
            title: format!("Full handshakes, {side}"),
            axis: format!("handshakes per second of the {side}'s time"),
            groups: groups(&of_side, &["handshake", side]),
        };
        (!bars.groups.is_empty()).then(|| bars.panel())
    });
    Figure {
        anchor: "handshakes",
        heading: "Handshakes per second",
        caption: "Longer is better. A full handshake in memory, without a resumed session; only \
            the named side's work is timed, on one core, so a server that does nothing else could \
            accept as many connections. Where the bar ends at the mark, polytls costs nothing.",
        panels: panels.collect(),
        legend: legend(&of_it),
        signs: &[Sign::Raw],
    }
}

fn throughput(results: &[Measurement]) -> Figure {
    let of_it = by_instrument(results, Instrument::Wall, |r| {
        let moves_data = ["send", "receive"].contains(&names::family(&r.id));
        moves_data && size(r).is_some() && names::is_backend(&r.backend)
    });
    let mut panels = Vec::new();
    for family in ["send", "receive"] {
        let of_family = || {
            of_it
                .iter()
                .copied()
                .filter(|r| names::family(&r.id) == family)
        };
        for suite in distinct(of_family().filter_map(|r| names::parts(&r.id).get(1).copied())) {
            let of_suite = || of_family().filter(|r| names::parts(&r.id).get(1) == Some(&suite));
            let series = distinct(of_suite().map(|r| r.backend.as_str())).into_iter();
            let series = series.map(|backend| {
                let mut points: Vec<(u32, f64)> = of_suite()
                    .filter(|r| r.backend == backend)
                    .filter_map(|r| Some((size(r)?, units::amount(r, r.ours))))
                    .collect();
                points.sort_by_key(|(size, _)| *size);
                Series {
                    backend: backend.to_owned(),
                    points,
                }
            });
            let lines = Lines {
                title: format!("{}, {family}", names::word(suite)),
                axis: "MB/s of plaintext".to_owned(),
                series: series.collect(),
            };
            panels.push(lines.panel());
        }
    }
    Figure {
        anchor: "throughput",
        heading: "Throughput by cipher suite and size",
        caption: "Higher is better. Plaintext that one core encrypts and writes, or reads and \
            decrypts, in memory and through polytls; 1 MB is 1,000,000 bytes. Small writes are \
            bound by the work that each record takes, large ones by the cipher.",
        panels,
        legend: legend(&of_it),
        signs: &[],
    }
}

fn memory(results: &[Measurement]) -> Figure {
    let of_it = by_instrument(results, Instrument::Heap, |r| r.unit == Unit::Bytes);
    let panels = names::SIDES.into_iter().filter_map(|side| {
        let of_side = of_it.iter().copied();
        let of_side: Vec<_> = of_side.filter(|r| names::is_of_side(&r.id, side)).collect();
        let mut groups = groups(&of_side, &["heap", side]);
        for bar in groups.iter_mut().flat_map(|group| &mut group.bars) {
            bar.ours /= 1e3;
            bar.raw /= 1e3;
        }
        let bars = Bars {
            title: format!("Memory of a connection, {side}"),
            axis: "KB of heap per connection".to_owned(),
            groups,
        };
        (!bars.groups.is_empty()).then(|| bars.panel())
    });
    Figure {
        anchor: "memory",
        heading: "Memory per connection",
        caption: "Shorter is better. Bytes on the heap for each of many open connections, the \
            library's own and ours, at different moments of a connection's life; 1 KB is 1,000 \
            bytes. What the kernel holds for a socket is not in it.",
        panels: panels.collect(),
        legend: legend(&of_it),
        signs: &[Sign::Raw],
    }
}

fn time(results: &[Measurement]) -> Figure {
    let of_it = by_instrument(results, Instrument::Wall, |r| r.ratio.is_some());
    Figure {
        anchor: "time",
        heading: "Time: polytls over direct use",
        caption: "Left of the line is better. Each dot is the time through polytls divided by \
            that of direct use, the bar through it the 95 % interval. Where the interval includes \
            1.00 no difference could be shown; a red number marks one that lies wholly above. \
            Each plot has a scale of its own.",
        panels: ratios(&of_it, "time, polytls / direct use", |_| None),
        legend: legend(&of_it),
        signs: &[Sign::Interval],
    }
}

/// What a user sees first: the usual round trip with the defaults of both.
pub(crate) fn first(results: &[Measurement]) -> Option<Panel> {
    let of_it = by_instrument(results, Instrument::Wall, |r| {
        let median = r.id.starts_with("defaults/round/") && r.id.ends_with("/p50");
        median && names::is_backend(&r.backend)
    });
    let mut panel = ratios(&of_it, "time, polytls / direct use", |_| None).pop()?;
    panel.title = "A round trip over TCP, each with its defaults".to_owned();
    Some(panel)
}

fn instructions(results: &[Measurement], bounds: &Bounds) -> Figure {
    let of_it = by_instrument(results, Instrument::Instructions, |r| r.ratio.is_some());
    let bound = |r: &Measurement| bounds.limit(&r.id, &r.backend);
    Figure {
        anchor: "instructions",
        heading: "Instructions: polytls over direct use",
        caption: "Left of the line is better. Instructions that the processor executes for one \
            operation, which repeat from run to run where time does not. The red mark is the \
            bound that the project's own checks enforce; a red number is above it. Each plot has a \
            scale of its own. Counted under \
            valgrind, which lacks the widest vector instructions: for large records the ratio \
            says more than the count.",
        panels: ratios(&of_it, "instructions, polytls / direct use", bound),
        legend: legend(&of_it),
        signs: &[Sign::Bound],
    }
}

/// A panel for each kind of scenario.
fn ratios(
    results: &[&Measurement],
    axis: &str,
    bound: impl Fn(&Measurement) -> Option<f64>,
) -> Vec<Panel> {
    let titles = distinct(results.iter().map(|r| title(&r.id).0));
    let panels = titles.into_iter().map(|heading| {
        let of_it = || {
            let all = results.iter().copied();
            all.filter(|r| title(&r.id).0 == heading)
        };
        let rows = distinct(of_it().map(|r| r.id.as_str())).into_iter();
        let rows = rows.map(|id| Row {
            label: names::label(id, &title(id).1),
            dots: of_it()
                .filter(|r| r.id == id)
                .filter_map(|r| {
                    let (low, high) = r.interval()?;
                    Some(Dot {
                        backend: r.backend.clone(),
                        ratio: r.ratio?,
                        low,
                        high,
                        bound: bound(r),
                    })
                })
                .collect(),
        });
        let dots = Dots {
            title: heading.clone(),
            axis: axis.to_owned(),
            rows: rows.collect(),
        };
        dots.panel()
    });
    panels.collect()
}

/// The panel that a scenario is in, and the parts of its id which that says.
fn title(id: &str) -> (String, Vec<&str>) {
    let parts = names::parts(id);
    let (family, second) = (names::family(id), parts.get(1).copied());
    let bulk = match family {
        "send" => Some("send"),
        "receive" => Some("receive"),
        "round" | "header-body" => Some("send and receive"),
        _ => None,
    };
    let side = names::SIDES
        .into_iter()
        .find(|side| names::is_of_side(id, side));
    match (bulk, second, side) {
        (Some(bulk), Some(suite), _) => {
            let said = match family {
                "header-body" => vec![suite],
                _ => vec![family, suite],
            };
            (format!("{}, {bulk}", names::word(suite)), said)
        }
        (_, _, Some(side)) if family == "handshake" => {
            (format!("Handshake, {side}"), vec!["handshake", side])
        }
        _ if family == "defaults" => (
            "Over TCP, each with its defaults".to_owned(),
            vec!["defaults"],
        ),
        _ if family == "tokio" => (
            "Over TCP with tokio, same settings".to_owned(),
            vec!["tokio"],
        ),
        _ if family == "loop" => (
            "A server's loop beside tokio, same settings".to_owned(),
            vec!["loop"],
        ),
        _ if family == "pool" => ("A client's pool, same settings".to_owned(), vec!["pool"]),
        _ => ("Over TCP, same settings".to_owned(), Vec::new()),
    }
}

/// A group for each scenario, with a bar for each backend.
fn groups(results: &[&Measurement], without: &[&str]) -> Vec<Group> {
    let ids = distinct(results.iter().map(|r| r.id.as_str())).into_iter();
    let groups = ids.map(|id| Group {
        label: names::label(id, without),
        bars: results
            .iter()
            .filter(|r| r.id == id)
            .map(|r| Bar {
                backend: r.backend.clone(),
                ours: units::amount(r, r.ours),
                raw: units::amount(r, r.raw),
            })
            .collect(),
    });
    groups.collect()
}

fn by_instrument(
    results: &[Measurement],
    instrument: Instrument,
    wanted: impl Fn(&Measurement) -> bool,
) -> Vec<&Measurement> {
    results
        .iter()
        .filter(|result| result.instrument == instrument && wanted(result))
        .collect()
}

/// The size of a write, where the id ends in one.
fn size(result: &Measurement) -> Option<u32> {
    names::size_of(names::parts(&result.id).last()?)
}

/// Each once, in the order of the first.
fn distinct<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut once = Vec::new();
    for one in all {
        if !once.contains(&one) {
            once.push(one);
        }
    }
    once
}

fn legend(results: &[&Measurement]) -> Vec<String> {
    let mut backends = distinct(results.iter().map(|r| r.backend.clone()));
    backends.sort_by_key(|backend| names::series(backend));
    backends
}

impl Figure {
    pub(crate) fn render(&self) -> Markup {
        html! {
            section {
                h2 id=(self.anchor) { (self.heading) }
                figure {
                    ul.legend {
                        @for backend in &self.legend {
                            li {
                                svg viewBox="0 0 26 14" aria-hidden="true" {
                                    (mark(names::series(backend), 13.0, 7.0))
                                }
                                (names::backend(backend))
                            }
                        }
                        @for sign in self.signs { (sign.render()) }
                    }
                    div.panels {
                        @for (index, panel) in self.panels.iter().enumerate() {
                            (panel.render(&format!("{}-{index}", self.anchor)))
                        }
                    }
                    figcaption {
                        (self.caption)
                        @if !self.legend.iter().all(|name| names::is_backend(name)) { (UNBUFFERED) }
                    }
                }
            }
        }
    }
}

impl Sign {
    fn render(self) -> Markup {
        let (class, from, to, meaning) = match self {
            Self::Raw => (
                "raw",
                (13.0, 0.0),
                (13.0, 14.0),
                "the library used directly",
            ),
            Self::Interval => ("whisker key", (2.0, 7.0), (24.0, 7.0), "95 % interval"),
            Self::Bound => ("bound", (13.0, 0.0), (13.0, 14.0), "the bound"),
        };
        html! {
            li {
                svg viewBox="0 0 26 14" aria-hidden="true" { (line(class, from, to)) }
                (meaning)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panel_says_what_its_labels_leave_out() {
        let cases = [
            (
                "handshake/tls13/rsa/x25519/client",
                "Handshake, client",
                "TLS 1.3, RSA-2048, X25519",
            ),
            ("send/aes128gcm/16x64", "AES-128-GCM, send", "16 x 64 B"),
            ("round/chacha20/64k", "ChaCha20, send and receive", "64 KiB"),
            (
                "header-body/chacha20/1024",
                "ChaCha20, send and receive",
                "header and body, 1 KiB",
            ),
            (
                "defaults/round/64",
                "Over TCP, each with its defaults",
                "round, 64 B",
            ),
            (
                "tokio/round/64",
                "Over TCP with tokio, same settings",
                "round, 64 B",
            ),
            (
                "loop/round/64",
                "A server's loop beside tokio, same settings",
                "round, 64 B",
            ),
            ("pool/reuse", "A client's pool, same settings", "reuse"),
            (
                "connect/tls13",
                "Over TCP, same settings",
                "connect, TLS 1.3",
            ),
        ];
        for (id, heading, label) in cases {
            let (title, said) = title(id);
            assert_eq!(title, heading, "{id}");
            assert_eq!(names::label(id, &said), label, "{id}");
        }
    }
}
