//! Numbers as people read them.

use crate::bench::measurement::{Measurement, Unit};

/// What a value of this result is best told as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// How many operations a second; more is better.
    Rate(&'static str),
    /// How much plaintext a second; more is better.
    Throughput,
    /// How long an operation takes.
    Duration,
    /// How much memory.
    Memory,
    /// How many of these.
    Count(&'static str),
}

/// How a result is read: a handshake by its rate, bulk data by its throughput.
pub(crate) fn reading(result: &Measurement) -> Reading {
    let mut family = result.id.as_str();
    for way in ["defaults/", "loop/", "pool/", "tokio/", "server/"] {
        family = family.strip_prefix(way).unwrap_or(family);
    }
    let family = family.split('/').next().unwrap_or_default();
    match result.unit {
        Unit::Bytes => Reading::Memory,
        Unit::Calls => Reading::Count("calls"),
        Unit::Instructions => Reading::Count("instructions"),
        Unit::Allocations => Reading::Count("allocations"),
        Unit::Ns => match family {
            "handshake" => Reading::Rate("handshakes/s"),
            "connect" => Reading::Rate("connections/s"),
            "load" if result.id != "tokio/load" => Reading::Rate("requests/s"),
            "send" | "receive" | "throughput" if result.octets.is_some() => Reading::Throughput,
            _ => Reading::Duration,
        },
    }
}

/// The number that is shown for a value of this result, without its unit.
pub(crate) fn amount(result: &Measurement, value: f64) -> f64 {
    match reading(result) {
        Reading::Rate(_) => 1e9 / value,
        Reading::Throughput => octets(result) / value * 1e3,
        Reading::Duration | Reading::Memory | Reading::Count(_) => value,
    }
}

/// A value of this result with its unit.
pub(crate) fn shown(result: &Measurement, value: f64) -> String {
    let amount = amount(result, value);
    match reading(result) {
        Reading::Rate(unit) => format!("{} {unit}", count(amount)),
        Reading::Throughput => format!("{} MB/s", count(amount)),
        Reading::Duration => duration(amount),
        Reading::Memory => memory(amount),
        Reading::Count(_) => count(amount),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a message is far smaller than 2^53 octets"
)]
fn octets(result: &Measurement) -> f64 {
    result.octets.unwrap_or_default() as f64
}

/// Nanoseconds as ns, us, ms or s, with three or four digits.
pub(crate) fn duration(ns: f64) -> String {
    let (scaled, unit) = match ns {
        ns if ns < 1e3 => (ns, "ns"),
        ns if ns < 1e6 => (ns / 1e3, "us"),
        ns if ns < 1e9 => (ns / 1e6, "ms"),
        ns => (ns / 1e9, "s"),
    };
    format!("{} {unit}", digits(scaled))
}

/// Bytes as B, KB of 1000 bytes, or MB.
pub(crate) fn memory(bytes: f64) -> String {
    match bytes {
        bytes if bytes < 1e3 => format!("{} B", count(bytes)),
        bytes if bytes < 1e6 => format!("{:.1} KB", bytes / 1e3),
        bytes => format!("{:.1} MB", bytes / 1e6),
    }
}

/// A number with its thousands apart; a small one with what is behind the
/// point.
pub(crate) fn count(value: f64) -> String {
    if !value.is_finite() {
        return "-".to_owned();
    }
    if value.abs() < 100.0 {
        let text = format!("{value:.2}");
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    let whole = format!("{:.0}", value.abs());
    let mut text = String::from(if value < 0.0 { "-" } else { "" });
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number for the label of an axis: 12k, 3.5M.
pub(crate) fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 1e6 => format!("{}M", count(value / 1e6)),
        size if size >= 1e3 => format!("{}k", count(value / 1e3)),
        _ => count(value),
    }
}

/// A ratio with three digits behind the point.
pub(crate) fn ratio(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.3}"))
}

/// The interval of a ratio; nothing where the ratio is exact.
pub(crate) fn interval(result: &Measurement) -> String {
    match (result.low, result.high) {
        (Some(low), Some(high)) => format!("{low:.3} to {high:.3}"),
        _ => String::new(),
    }
}

/// Three digits that count.
fn digits(value: f64) -> String {
    match value {
        value if value < 10.0 => format!("{value:.2}"),
        value if value < 100.0 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::measurement::tests::{sample, timed};

    #[test]
    fn a_duration_is_told_in_the_unit_that_fits() {
        let cases = [
            (0.0, "0.00 ns"),
            (64.04, "64.0 ns"),
            (999.0, "999 ns"),
            (8_780.0, "8.78 us"),
            (196_000.0, "196 us"),
            (1_250_000.0, "1.25 ms"),
            (2e9, "2.00 s"),
        ];
        for (ns, shown) in cases {
            assert_eq!(duration(ns), shown);
        }
    }

    #[test]
    fn memory_is_told_in_thousands_of_bytes() {
        assert_eq!(memory(640.0), "640 B");
        assert_eq!(memory(7_700.0), "7.7 KB");
        assert_eq!(memory(41_730.0), "41.7 KB");
        assert_eq!(memory(2_500_000.0), "2.5 MB");
    }

    #[test]
    fn a_count_has_its_thousands_apart() {
        let cases = [
            (0.0, "0"),
            (2.0, "2"),
            (2.5, "2.5"),
            (0.004, "0"),
            (151.0, "151"),
            (4_838.0, "4,838"),
            (3_402_112.4, "3,402,112"),
            (-12_345.0, "-12,345"),
            (f64::INFINITY, "-"),
        ];
        for (value, shown) in cases {
            assert_eq!(count(value), shown);
        }
        assert_eq!(short(12_000.0), "12k");
        assert_eq!(short(2_500_000.0), "2.5M");
        assert_eq!(short(800.0), "800");
    }

    #[test]
    fn a_handshake_is_told_by_its_rate_and_bulk_data_by_its_throughput() {
        let handshake = timed(
            "handshake/tls13/rsa/x25519/client",
            "openssl",
            1.0,
            0.9,
            1.1,
        );
        assert_eq!(shown(&handshake, 200_000.0), "5,000 handshakes/s");
        let mut send = timed("send/aes128gcm/1024", "openssl", 1.0, 0.9, 1.1);
        assert_eq!(shown(&send, 512.0), "512 ns");
        send.octets = Some(1024);
        assert_eq!(shown(&send, 512.0), "2,000 MB/s");
        send.id = "defaults/throughput/16384".to_owned();
        assert_eq!(reading(&send), Reading::Throughput);
        for (id, read) in [
            ("loop/throughput/16384", Reading::Throughput),
            ("pool/connect", Reading::Rate("connections/s")),
            ("loop/load", Reading::Rate("requests/s")),
            ("tokio/server/load", Reading::Rate("requests/s")),
            ("tokio/server/throughput/16384", Reading::Throughput),
            ("tokio/load", Reading::Duration),
            ("round/aes128gcm/1024", Reading::Duration),
        ] {
            send.id = id.to_owned();
            assert_eq!(reading(&send), read, "{id}");
        }
        let counted = sample("handshake/tls13/rsa/x25519/client", "openssl", 6e6, 6e6);
        assert_eq!(shown(&counted, 6_520_000.0), "6,520,000");
    }
}
