//! One result: a scenario on a backend, ours beside raw, by one instrument.

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::command::{Failure, Outcome};

/// What a result was measured with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Instrument {
    /// Time, ours and raw in turns
    Wall,
    /// Instructions under callgrind
    Instructions,
    /// Calls of the allocator under DHAT
    Allocations,
    /// Bytes of heap per connection
    Heap,
    /// Processor time of a server while nothing happens
    Idle,
    /// Reads and writes of the transport
    Calls,
}

/// What the numbers of a result count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unit {
    /// Nanoseconds per operation.
    Ns,
    /// Bytes per connection.
    Bytes,
    /// Calls of the transport per operation.
    Calls,
    /// Instructions per operation.
    Instructions,
    /// Calls of the allocator per operation.
    Allocations,
}

/// One result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measurement {
    /// The scenario, such as `send/aes128gcm/1024`.
    pub(crate) id: String,
    pub(crate) backend: String,
    pub(crate) instrument: Instrument,
    pub(crate) unit: Unit,
    /// Through polytls.
    pub(crate) ours: f64,
    /// The same library used directly.
    pub(crate) raw: f64,
    /// Ours over raw; none where raw is zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ratio: Option<f64>,
    /// The lower end of the ratio's 95 % interval; none where it is exact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) low: Option<f64>,
    /// Its upper end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) high: Option<f64>,
    /// Plaintext per operation, where it makes sense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) octets: Option<u64>,
}

/// A scenario on a backend.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pair {
    pub(crate) id: String,
    pub(crate) backend: String,
}

impl Instrument {
    /// Whether it counts from outside the program.
    pub(crate) fn needs_valgrind(self) -> bool {
        matches!(self, Self::Instructions | Self::Allocations)
    }
}

impl Measurement {
    /// A result that repeats: one without an interval.
    pub(crate) fn exact(pair: &Pair, instrument: Instrument, ours: f64, raw: f64) -> Self {
        let unit = match instrument {
            Instrument::Wall | Instrument::Idle => Unit::Ns,
            Instrument::Instructions => Unit::Instructions,
            Instrument::Allocations => Unit::Allocations,
            Instrument::Heap => Unit::Bytes,
            Instrument::Calls => Unit::Calls,
        };
        Self {
            id: pair.id.clone(),
            backend: pair.backend.clone(),
            instrument,
            unit,
            ours,
            raw,
            ratio: (raw > 0.0).then(|| ours / raw),
            low: None,
            high: None,
            octets: None,
        }
    }

    /// The interval of the ratio; both ends are the ratio where it is exact.
    pub(crate) fn interval(&self) -> Option<(f64, f64)> {
        let ratio = self.ratio?;
        Some((self.low.unwrap_or(ratio), self.high.unwrap_or(ratio)))
    }

    /// What is wrong with the numbers, if anything.
    fn fault(&self) -> Option<&'static str> {
        let sound = |value: f64| value.is_finite() && value >= 0.0;
        if !sound(self.ours) || !sound(self.raw) {
            return Some("a value is negative");
        }
        match (self.ratio, self.low, self.high) {
            (_, None, None) => None,
            (Some(ratio), Some(low), Some(high)) if low <= ratio && ratio <= high => None,
            _ => Some("the ratio does not lie in its interval"),
        }
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.backend)
    }
}

impl fmt::Display for Instrument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wall => "wall",
            Self::Instructions => "instructions",
            Self::Allocations => "allocations",
            Self::Heap => "heap",
            Self::Idle => "idle",
            Self::Calls => "calls",
        })
    }
}

/// Reads one JSON object a line. A line that is something else is a failure
/// that says which line of what, and what stands there.
pub(crate) fn parse_lines(source: &str, text: &str) -> Outcome<Vec<Measurement>> {
    let mut results = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let wrong = |what: &dyn fmt::Display| {
            let number = index + 1;
            Failure::new(format!(
                "line {number} of `{source}` is no result: {what}\n\n    {line}\n"
            ))
        };
        let result: Measurement = serde_json::from_str(line).map_err(|error| wrong(&error))?;
        if let Some(fault) = result.fault() {
            return Err(wrong(&fault));
        }
        results.push(result);
    }
    Ok(results)
}

/// Reads `id backend` lines.
pub(crate) fn parse_pairs(source: &str, text: &str) -> Outcome<Vec<Pair>> {
    let pair = |(index, line): (usize, &str)| {
        let mut words = line.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some(id), Some(backend), None) => Ok(Pair {
                id: id.to_owned(),
                backend: backend.to_owned(),
            }),
            _ => Err(Failure::new(format!(
                "line {} of `{source}` is not an id and a backend: {line:?}",
                index + 1
            ))),
        }
    };
    text.lines().enumerate().map(pair).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A result as `backend-bench` would print it.
    pub(crate) fn sample(id: &str, backend: &str, ours: f64, raw: f64) -> Measurement {
        let pair = Pair {
            id: id.to_owned(),
            backend: backend.to_owned(),
        };
        Measurement::exact(&pair, Instrument::Instructions, ours, raw)
    }

    /// The same with an interval of the ratio.
    pub(crate) fn timed(id: &str, backend: &str, ratio: f64, low: f64, high: f64) -> Measurement {
        Measurement {
            instrument: Instrument::Wall,
            unit: Unit::Ns,
            ratio: Some(ratio),
            low: Some(low),
            high: Some(high),
            ..sample(id, backend, 1000.0 * ratio, 1000.0)
        }
    }

    const LINE: &str = r#"{"id":"handshake/tls13/ecdsa/x25519/server","backend":"openssl","instrument":"wall","unit":"ns","ours":101.0,"raw":100.0,"ratio":1.01,"low":0.99,"high":1.02,"octets":16384}"#;

    #[test]
    fn a_line_of_the_program_is_read_and_written_back() {
        let results = parse_lines("wall", &format!("{LINE}\n\n")).unwrap();
        assert_eq!(results.len(), 1);
        assert_eq!(results[0].instrument, Instrument::Wall);
        assert_eq!(results[0].interval(), Some((0.99, 1.02)));
        let again = serde_json::to_string(&results[0]).unwrap();
        assert_eq!(parse_lines("again", &again).unwrap(), results);
    }

    #[test]
    fn a_malformed_line_is_named_with_its_number() {
        let cases = [
            ("nonsense", "expected ident"),
            (r#"{"id":"a"}"#, "missing field `backend`"),
            (
                &LINE.replace("\"ours\":101.0", "\"ours\":null"),
                "expected f64",
            ),
            (&LINE.replace("wall", "sundial"), "unknown variant"),
            (&LINE.replace("101.0", "-101.0"), "a value is negative"),
            (&LINE.replace("1.02", "1.00"), "lie in its interval"),
            (&LINE.replace("\"low\":0.99,", ""), "lie in its interval"),
            (&LINE[..LINE.len() - 4], "EOF"),
        ];
        for (line, why) in cases {
            let failure = parse_lines("backend-bench wall", &format!("{LINE}\n{line}\n"));
            let message = failure.unwrap_err().to_string();
            assert!(
                message.starts_with("line 2 of `backend-bench wall`"),
                "{message}"
            );
            assert!(message.contains(why), "{message}");
            assert!(message.contains(line), "{message}");
        }
    }

    #[test]
    fn a_result_whose_raw_value_is_zero_has_no_ratio() {
        assert_eq!(sample("a", "b", 3.0, 0.0).ratio, None);
        assert_eq!(sample("a", "b", 3.0, 2.0).ratio, Some(1.5));
    }

    #[test]
    fn a_line_of_the_list_is_an_id_and_a_backend() {
        let pairs = parse_pairs("list", "a/b openssl\nc rustls\n").unwrap();
        assert_eq!(pairs[1].to_string(), "c rustls");
        for line in ["a/b", "", "a b c"] {
            let failure = parse_pairs("list", &format!("x y\n{line}\nx y"));
            assert!(failure.unwrap_err().to_string().starts_with("line 2 of"));
        }
    }
}
