//! Bounds on what a config takes, so that absurd input fails when the config
//! is built and not in the middle of a handshake.

/// How many application protocols may be offered.
pub const MAX_ALPN_PROTOCOLS: usize = 16;

/// The octets of all application protocol names together, length bytes included.
pub const MAX_ALPN_OCTETS: usize = 1024;

/// The octets of a PEM or DER input that holds one identity's certificates or
/// its key: 1 MiB.
pub const MAX_IDENTITY_OCTETS: usize = 1 << 20;

/// The certificates in the chain that a peer presents or that an identity
/// holds, the end entity's own included.
pub const MAX_CHAIN_LENGTH: usize = 10;

/// The CA certificates between an end entity's and a root. webpki has this
/// bound built in, and no backend accepts what another refuses.
pub const MAX_INTERMEDIATES: u32 = 6;

/// The octets of a PEM input that holds trusted roots: 16 MiB.
pub const MAX_ROOTS_OCTETS: usize = 16 << 20;

/// The plaintext that one record carries at most (RFC 8446, section 5.1).
pub const MAX_RECORD_PLAINTEXT: usize = 16_384;

/// The plaintext that a session takes at most beyond what its transport takes
/// of it: four records' worth, because so many are sent at once.
pub const MAX_HELD_PLAINTEXT: usize = 4 * MAX_RECORD_PLAINTEXT;
