//! The suites and sizes of the scenarios that move data.

use tls_core::CipherSuite;

/// Each suite with its short name.
pub(super) const SUITES: [Suite; 3] = [
    Suite(CipherSuite::TLS_AES_128_GCM_SHA256, "aes128gcm"),
    Suite(CipherSuite::TLS_AES_256_GCM_SHA384, "aes256gcm"),
    Suite(CipherSuite::TLS_CHACHA20_POLY1305_SHA256, "chacha20"),
];

/// A suite and the name that it has here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Suite(pub(super) CipherSuite, pub(super) &'static str);

/// The plaintext of one operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) name: &'static str,
    /// How many slices.
    pub(super) slices: usize,
    /// Octets of each.
    pub(super) octets: usize,
}

impl Shape {
    pub(super) const fn one(name: &'static str, octets: usize) -> Self {
        Self {
            name,
            slices: 1,
            octets,
        }
    }

    pub(super) const fn total(self) -> usize {
        self.slices * self.octets
    }

    /// How many operations of these go into one batch: not so many that their
    /// records leave the processor's caches.
    pub(super) const fn batch(self) -> usize {
        match 128 * 1024 / self.total() {
            0 => 1,
            many if many > 64 => 64,
            many => many,
        }
    }
}

/// From a few octets to four full records.
pub(super) const SIZES: [Shape; 5] = [
    Shape::one("64", 64),
    Shape::one("1024", 1024),
    Shape::one("4096", 4096),
    Shape::one("16384", 16384),
    Shape::one("64k", 65536),
];

/// Every suite with every one of these.
pub(super) fn each(shapes: &[Shape]) -> Vec<(Suite, Shape)> {
    SUITES
        .iter()
        .flat_map(|&suite| shapes.iter().map(move |&shape| (suite, shape)))
        .collect()
}
