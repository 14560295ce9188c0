//! The traffic secrets of a session, as a library shows them to a key log.

use std::fmt;

use zeroize::Zeroizing;

/// The labels of the first application traffic secrets in a key log.
const CLIENT: &str = "CLIENT_TRAFFIC_SECRET_0";
const SERVER: &str = "SERVER_TRAFFIC_SECRET_0";

/// The octets of the longest hash of TLS 1.3.
const MAX_LENGTH: usize = 48;

/// A secret, wiped when it is dropped. To move it moves no octet of it.
pub(crate) type Secret = Zeroizing<Vec<u8>>;

/// The application traffic secrets of one session (RFC 8446, section 7.1), as
/// far as they have come. They are wiped when this is dropped, and never shown.
#[derive(Default)]
pub struct Secrets {
    pub(crate) client: Option<Secret>,
    pub(crate) server: Option<Secret>,
}

impl Secrets {
    /// None yet.
    pub const fn new() -> Self {
        Self {
            client: None,
            server: None,
        }
    }

    /// Takes note of a secret, if it is one of the two.
    pub fn note(&mut self, label: &str, secret: &[u8]) {
        let place = match label {
            CLIENT => &mut self.client,
            SERVER => &mut self.server,
            _ => return,
        };
        *place = Some(Zeroizing::new(secret.to_vec()));
    }

    /// Takes note of a line of the NSS key log format, if it has one of the two.
    pub fn note_line(&mut self, line: &str) {
        let mut parts = line.split_ascii_whitespace();
        let (Some(label), Some(secret)) = (parts.next(), parts.nth(1)) else {
            return;
        };
        if (label == CLIENT || label == SERVER)
            && let Some(secret) = octets(secret)
        {
            self.note(label, &secret);
        }
    }

    /// Takes what the other has.
    pub fn merge(&mut self, other: Self) {
        self.client = other.client.or(self.client.take());
        self.server = other.server.or(self.server.take());
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets")
            .field("client", &self.client.is_some())
            .field("server", &self.server.is_some())
            .finish()
    }
}

/// Reads hexadecimal digits.
fn octets(digits: &str) -> Option<Secret> {
    let digits = digits.as_bytes();
    if !digits.len().is_multiple_of(2) || digits.len() > 2 * MAX_LENGTH {
        return None;
    }
    // Never grown: what a vector grows out of is not wiped.
    let mut octets = Zeroizing::new(Vec::with_capacity(MAX_LENGTH));
    for pair in digits.chunks_exact(2) {
        octets.push(value(pair[0])? << 4 | value(pair[1])?);
    }
    Some(octets)
}

fn value(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_secrets_are_picked_out_of_a_key_log() {
        let mut secrets = Secrets::new();
        secrets.note_line("CLIENT_HANDSHAKE_TRAFFIC_SECRET 01 02");
        secrets.note_line("CLIENT_RANDOM 01 02");
        assert!(secrets.client.is_none() && secrets.server.is_none());
        secrets.note_line("CLIENT_TRAFFIC_SECRET_0 0a0b 00ffA0");
        secrets.note_line("SERVER_TRAFFIC_SECRET_0 0a0b 07");
        assert_eq!(**secrets.client.as_ref().unwrap(), [0, 0xff, 0xa0]);
        assert_eq!(**secrets.server.as_ref().unwrap(), [7]);
    }

    #[test]
    fn a_line_that_is_none_brings_nothing() {
        let mut secrets = Secrets::new();
        let long = format!("CLIENT_TRAFFIC_SECRET_0 00 {}", "0".repeat(98));
        for line in [
            "",
            "CLIENT_TRAFFIC_SECRET_0",
            "CLIENT_TRAFFIC_SECRET_0 00",
            "CLIENT_TRAFFIC_SECRET_0 00 0",
            "CLIENT_TRAFFIC_SECRET_0 00 0g",
            "CLIENT_TRAFFIC_SECRET_0 00 +1",
            "CLIENT_TRAFFIC_SECRET_0 00 \u{e9}",
            &long,
        ] {
            secrets.note_line(line);
            assert!(secrets.client.is_none(), "{line}");
        }
    }

    #[test]
    fn what_comes_later_is_added() {
        let mut secrets = Secrets::new();
        let mut later = Secrets::new();
        secrets.note(CLIENT, &[1]);
        later.note(SERVER, &[2]);
        secrets.merge(later);
        assert!(secrets.client.is_some() && secrets.server.is_some());
        assert_eq!(
            format!("{secrets:?}"),
            "Secrets { client: true, server: true }"
        );
    }
}
