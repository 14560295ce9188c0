//! The report: one HTML file that needs nothing else.

mod bars;
mod dots;
mod figures;
mod lines;
mod names;
mod plot;
mod scale;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::bench::bounds::Bounds;
use crate::bench::measurement::{Instrument, Measurement};
use crate::bench::saved::{About, Run};
use crate::bench::{table, units};

const STYLE: &str = include_str!("style.css");

/// The one figure that stands for all, as a picture; `None` if it was not
/// measured.
pub(crate) fn picture(run: &Run) -> Option<String> {
    let panel = figures::first(&run.results)?;
    Some(panel.alone(STYLE).into_string())
}

/// The file.
pub(crate) fn html(run: &Run, bounds: &Bounds) -> String {
    let figures = figures::all(&run.results, bounds);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "What polytls costs: " (run.date) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "What polytls costs" }
                    p.lede {
                        "polytls gives a program one API over several TLS libraries. Here each \
                         library is measured twice: through polytls, and used directly by a \
                         program written for that library alone, with the same certificates, \
                         cipher suites, buffer sizes and peer. The two are run in turns, so that \
                         what slows the machine down slows both."
                    }
                    (machine(run))
                    (tiles(&run.results, bounds))
                    (how_to_read())
                    nav aria-label="Contents" {
                        ul {
                            @for figure in &figures {
                                li { a href={ "#" (figure.anchor) } { (figure.heading) } }
                            }
                            li { a href="#all" { "All results" } }
                        }
                    }
                }
                main {
                    @for figure in &figures { (figure.render()) }
                    section {
                        h2 id="all" { "All results" }
                        @for instrument in table::instruments(&run.results) {
                            (results(&run.results, instrument, bounds))
                        }
                    }
                }
                footer {
                    p {
                        "Made by " code { "cargo xtask bench" } ". How each figure is measured, \
                         and how to repeat it, is in the guide's page on performance."
                    }
                }
            }
        }
    };
    page.into_string()
}

fn machine(run: &Run) -> Markup {
    let About {
        backends,
        rustc,
        cpu,
        cores,
        kernel,
    } = &run.about;
    html! {
        dl {
            dt { "Processor" } dd { (cpu) ", " (cores) " cores" }
            dt { "Kernel" } dd { (kernel) }
            dt { "Compiler" } dd { (rustc) }
            dt { "Libraries" }
            dd {
                @for (index, (name, library)) in backends.iter().enumerate() {
                    @if index > 0 { br; }
                    (library_of(name, library))
                }
            }
            dt { "Measured" }
            dd { (run.date) @if !run.commit.is_empty() { ", commit " (run.commit) } }
        }
    }
}

/// The library of a backend, with the backend's name where it does not begin
/// with that.
fn library_of(backend: &str, library: &str) -> String {
    let name = names::backend(backend);
    if library.to_lowercase().starts_with(&name.to_lowercase()) {
        library.to_owned()
    } else {
        format!("{name}: {library}")
    }
}

fn how_to_read() -> Markup {
    html! {
        section.note {
            h2 { "How to read a ratio" }
            p {
                "A ratio is the cost through polytls divided by the cost of direct use. "
                strong { "1.00" } " is the same, " strong { "1.02" } " is 2\u{a0}% more time, \
                 instructions or memory, and " strong { "0.95" } " is 5\u{a0}% less."
            }
            p {
                "A ratio of times comes with the interval that holds the true ratio with 95\u{a0}% \
                 certainty. Where that includes 1.00, no difference could be shown. Ratios \
                 hold on other machines as well; times and throughput do not."
            }
        }
    }
}

/// The figures that sum the others up.
fn tiles(results: &[Measurement], bounds: &Bounds) -> Markup {
    let of = |instrument| {
        let all = results.iter().filter(|r| names::is_backend(&r.backend));
        all.filter(move |r| r.instrument == instrument)
    };
    let mut tiles: Vec<(String, String)> = Vec::new();
    let timed: Vec<_> = of(Instrument::Wall)
        .filter_map(Measurement::interval)
        .collect();
    if !timed.is_empty() {
        let fine = timed.iter().filter(|(low, _)| *low <= 1.0).count();
        tiles.push((
            format!("{fine} of {}", timed.len()),
            "comparisons of time show no cost: the interval includes 1.00 or lies below".to_owned(),
        ));
    }
    let counted: Vec<_> = of(Instrument::Instructions)
        .filter_map(|r| Some((r.ratio?, bounds.limit(&r.id, &r.backend)?)))
        .collect();
    if !counted.is_empty() {
        let fine = counted
            .iter()
            .filter(|(ratio, bound)| ratio <= bound)
            .count();
        tiles.push((
            format!("{fine} of {}", counted.len()),
            "ratios of instructions are within their bound".to_owned(),
        ));
    }
    for (handshake, what) in [(true, "handshake"), (false, "record")] {
        let more = of(Instrument::Allocations)
            .filter(|r| (names::family(&r.id) == "handshake") == handshake)
            .map(|r| r.ours - r.raw)
            .max_by(f64::total_cmp);
        if let Some(more) = more {
            tiles.push((
                units::count(more.max(0.0)),
                format!("more calls of the allocator per {what} than direct use, at most"),
            ));
        }
    }
    html! {
        ul.tiles {
            @for (figure, meaning) in tiles {
                li { strong { (figure) } span { (meaning) } }
            }
        }
    }
}

/// The table of one instrument.
fn results(results: &[Measurement], instrument: Instrument, bounds: &Bounds) -> Markup {
    let rows: Vec<_> = results
        .iter()
        .filter(|r| r.instrument == instrument)
        .collect();
    let has_intervals = rows.iter().any(|r| r.low.is_some());
    let has_bounds = instrument == Instrument::Instructions;
    let heading = table::heading(instrument);
    html! {
        details {
            summary { (capitalized(heading)) ": " (rows.len()) " results" }
            div.scroll tabindex="0" role="region" aria-label=(heading) {
                table {
                    caption { (caption(instrument)) }
                    thead {
                        tr {
                            th scope="col" { "Scenario" }
                            th.text scope="col" { "Backend" }
                            th scope="col" { "polytls" }
                            th scope="col" { "Direct use" }
                            th scope="col" { "Ratio" }
                            @if has_intervals { th scope="col" { "95 % interval" } }
                            @if has_bounds { th scope="col" { "Bound" } }
                        }
                    }
                    tbody {
                        @for result in rows {
                            @let bound = bounds.limit(&result.id, &result.backend);
                            @let bound = bound.filter(|_| has_bounds);
                            tr {
                                th scope="row" { (result.id) }
                                td.text { (names::backend(&result.backend)) }
                                td { (units::shown(result, result.ours)) }
                                td { (units::shown(result, result.raw)) }
                                td class=[is_high(result, bound).then_some("high")] { (units::ratio(result.ratio)) }
                                @if has_intervals { td { (units::interval(result)) } }
                                @if has_bounds {
                                    td { @if let Some(bound) = bound { (format!("{bound:.2}")) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Whether a ratio is above what it may be, as in the plots.
fn is_high(result: &Measurement, bound: Option<f64>) -> bool {
    match (result.instrument, result.interval(), bound) {
        (_, Some((low, _)), Some(bound)) => low > bound,
        (Instrument::Wall, Some((low, _)), None) => low > 1.0,
        _ => false,
    }
}

fn caption(instrument: Instrument) -> &'static str {
    match instrument {
        Instrument::Wall => {
            "Of one core. The ratio is one of times: above 1.00 polytls is slower, also where \
             the columns show a rate or a throughput."
        }
        Instrument::Instructions => {
            "Executed in the subject's calls alone, under callgrind. The peer is not counted."
        }
        Instrument::Allocations => {
            "Blocks that the subject's calls allocate, by Rust and by C, under DHAT."
        }
        Instrument::Heap => "Bytes per connection, with many connections open at once.",
        Instrument::Idle => {
            "What the server's thread computes in a second in which nothing happens on any of \
             many connections. A ratio of figures so small says nothing."
        }
        Instrument::Calls => "Calls of the transport's read and write by the subject.",
    }
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::measurement::tests::{sample, timed};
    use crate::bench::saved::tests::run;

    fn page(results: Vec<Measurement>) -> String {
        html(&run(results), &Bounds::load().unwrap())
    }

    #[test]
    fn the_report_needs_no_other_file() {
        let page = page(vec![timed(
            "handshake/tls13/client",
            "openssl",
            1.0,
            0.9,
            1.1,
        )]);
        for outside in [
            "http:", "https:", "<link", "<script", "@import", "url(", "src=",
        ] {
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[test]
    fn the_picture_has_the_medians_of_the_backends_and_needs_no_other_file() {
        let of = |id, backend| timed(id, backend, 0.9, 0.8, 1.0);
        let results = vec![
            of("defaults/round/64/p50", "boring"),
            of("defaults/round/64/p50", "rustls-unbuffered"),
            of("defaults/round/64/p99", "openssl"),
            of("latency/64/p50", "rustls"),
        ];
        let picture = picture(&run(results)).unwrap();
        assert!(picture.contains("BoringSSL") && picture.starts_with("<svg"));
        for other in ["OpenSSL", "unbuffered", "rustls", "url(", "@import"] {
            assert!(!picture.contains(other), "{other}");
        }
        assert_eq!(
            super::picture(&run(vec![of("latency/64/p50", "rustls")])),
            None
        );
    }

    #[test]
    fn each_kind_of_result_has_its_figure() {
        let cases = [
            (
                timed(
                    "handshake/tls13/ecdsa/x25519/client",
                    "openssl",
                    1.0,
                    0.9,
                    1.1,
                ),
                "handshakes",
            ),
            (
                timed("send/aes128gcm/1024", "openssl", 1.0, 0.9, 1.1),
                "throughput",
            ),
            (timed("latency/64/p50", "openssl", 1.0, 0.9, 1.1), "time"),
            (
                sample("send/aes128gcm/64", "openssl", 2.0, 1.0),
                "instructions",
            ),
        ];
        for (result, anchor) in cases {
            let heading = format!("<h2 id=\"{anchor}\">");
            assert!(page(vec![result]).contains(&heading), "{anchor}");
            assert!(!page(vec![]).contains(&heading), "{anchor}");
        }
    }

    #[test]
    fn what_the_machine_says_of_itself_is_escaped() {
        let mut run = run(vec![sample("<b>", "<i>", 1.0, 1.0)]);
        run.about.cpu = "<script>".to_owned();
        run.commit = "</style>".to_owned();
        let page = html(&run, &Bounds::load().unwrap());
        for raw in ["<script>", "<b>", "<i>"] {
            assert!(!page.contains(raw), "{raw}");
        }
        assert_eq!(page.matches("</style>").count(), 1);
    }

    #[test]
    fn every_cell_of_a_heading_says_what_it_is_the_heading_of() {
        let page = page(vec![timed("connect/tls13", "rustls", 1.1, 1.05, 1.15)]);
        assert_eq!(
            page.matches("<th").count() - page.matches("<thead").count(),
            7
        );
        assert_eq!(page.matches("scope=").count(), 7);
        assert!(page.contains("<td class=\"high\">1.100</td>"), "{page}");
    }

    #[test]
    fn a_backend_is_named_once_beside_its_library() {
        assert_eq!(library_of("openssl", "OpenSSL 3.6.3"), "OpenSSL 3.6.3");
        assert_eq!(
            library_of("native-tls", "OpenSSL 3.6.3"),
            "native-tls: OpenSSL 3.6.3"
        );
    }

    #[test]
    fn a_ratio_above_its_bound_is_marked_in_the_table() {
        let high = sample("send/aes128gcm/64", "rustls", 106.0, 100.0);
        assert!(page(vec![high]).contains("<td class=\"high\">1.060</td>"));
        let fine = sample("send/aes128gcm/64", "rustls", 104.0, 100.0);
        assert!(page(vec![fine]).contains("<td>1.040</td>"));
    }
}
