//! A result, as it is printed.

use serde::Serialize;

use crate::statistics::Ratio;

/// One line of output: a pair and what an instrument said of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The scenario, and behind it what of it is told (`/p50`).
    pub id: String,
    /// The backend.
    pub backend: &'static str,
    /// `wall`, `heap` or `calls`.
    pub instrument: &'static str,
    /// `ns` for each operation, `bytes` for each connection, `calls` for each operation.
    pub unit: &'static str,
    /// Through our traits.
    pub ours: f64,
    /// The library used directly.
    pub raw: f64,
    /// The first by the second.
    pub ratio: f64,
    /// Where the ratio lies with 95 % confidence; absent where it is exact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// The upper end of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// Plaintext octets of an operation, where that means something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub octets: Option<usize>,
}

impl Report {
    /// Of an instrument that counts.
    pub fn exact(
        id: String,
        backend: &'static str,
        instrument: &'static str,
        unit: &'static str,
        (ours, raw): (f64, f64),
    ) -> Self {
        Self {
            id,
            backend,
            instrument,
            unit,
            ours,
            raw,
            ratio: ours / raw,
            low: None,
            high: None,
            octets: None,
        }
    }

    /// With the ratio as it was found, and its interval.
    #[must_use]
    pub fn with_ratio(self, ratio: Ratio) -> Self {
        Self {
            ratio: ratio.value,
            low: Some(ratio.low),
            high: Some(ratio.high),
            ..self
        }
    }

    /// With the plaintext of an operation.
    #[must_use]
    pub fn with_octets(self, octets: Option<usize>) -> Self {
        Self { octets, ..self }
    }
}
