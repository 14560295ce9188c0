//! Application-layer protocol negotiation (RFC 7301).

use crate::limits::{MAX_ALPN_OCTETS, MAX_ALPN_PROTOCOLS};
use crate::{Error, PeerIncompatible};

/// Application protocols in order of preference.
///
/// The choice is the server's, by the server's order. When both sides name
/// protocols and none is common the handshake fails with
/// `no_application_protocol`; when one side names none it goes on without.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AlpnProtocols(Vec<Vec<u8>>);

impl AlpnProtocols {
    /// Checks each name: 1 to 255 octets, no name twice, at most
    /// [`MAX_ALPN_PROTOCOLS`] names and [`MAX_ALPN_OCTETS`] octets.
    pub fn new<I>(names: I) -> Result<Self, Error>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        let names: Vec<Vec<u8>> = names
            .into_iter()
            .map(|name| name.as_ref().to_vec())
            .collect();
        for (index, name) in names.iter().enumerate() {
            let shown = name.escape_ascii();
            if name.is_empty() {
                return Err(invalid(format!("entry {index} is empty")));
            }
            if name.len() > 255 {
                let octets = name.len();
                return Err(invalid(format!(
                    "entry {index} has {octets} octets, but a name has 255 at most"
                )));
            }
            if names[..index].contains(name) {
                return Err(invalid(format!("\"{shown}\" is listed twice")));
            }
        }
        if names.len() > MAX_ALPN_PROTOCOLS {
            return Err(invalid(format!(
                "{} names are listed, but {MAX_ALPN_PROTOCOLS} is the most",
                names.len()
            )));
        }
        let list = Self(names);
        if list.wire().len() > MAX_ALPN_OCTETS {
            return Err(invalid(format!(
                "the names take more than {MAX_ALPN_OCTETS} octets"
            )));
        }
        Ok(list)
    }

    /// The names, most preferred first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.0.iter().map(Vec::as_slice)
    }

    /// Whether no protocol is named, so that none is negotiated.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names as they go over the wire: each behind its length.
    pub fn wire(&self) -> Vec<u8> {
        let mut wire = Vec::new();
        for name in &self.0 {
            wire.push(u8::try_from(name.len()).expect("checked in `new`"));
            wire.extend_from_slice(name);
        }
        wire
    }

    /// The server's choice among the names that a client sent, in wire form.
    pub fn select<'c>(&self, client: &'c [u8]) -> Result<&'c [u8], Error> {
        self.0
            .iter()
            .find_map(|ours| offered(client).find(|theirs| theirs == ours))
            .ok_or_else(|| PeerIncompatible::NoCommonAlpn.into())
    }
}

/// The names in a wire-form list; a malformed tail ends it.
fn offered(mut wire: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (&length, rest) = wire.split_first()?;
        let (name, rest) = rest.split_at_checked(length.into())?;
        wire = rest;
        Some(name)
    })
}

fn invalid(reason: String) -> Error {
    Error::config("alpn", reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(names: &[&[u8]]) -> String {
        match AlpnProtocols::new(names) {
            Err(Error::Config(error)) => error.reason.into_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_name_of_no_or_too_many_octets_is_refused() {
        assert_eq!(reason(&[b"h2", b""]), "entry 1 is empty");
        assert!(reason(&[&[b'a'; 256]]).contains("256 octets"));
        assert!(AlpnProtocols::new([[b'a'; 255]]).is_ok());
    }

    #[test]
    fn a_list_is_bounded_and_has_no_doubles() {
        assert_eq!(reason(&[b"h2", b"h2"]), "\"h2\" is listed twice");
        let many: Vec<_> = (0..17).map(|n| format!("p{n}")).collect();
        assert!(AlpnProtocols::new(&many).is_err());
        assert!(AlpnProtocols::new(&many[..16]).is_ok());
        let long: Vec<_> = (0..5).map(|n| format!("{n}{}", "x".repeat(220))).collect();
        assert!(AlpnProtocols::new(&long).is_err());
    }

    #[test]
    fn the_server_chooses_by_its_own_order() {
        let server = AlpnProtocols::new(["h2", "http/1.1"]).unwrap();
        let client = AlpnProtocols::new(["http/1.1", "h2"]).unwrap();
        assert_eq!(server.select(&client.wire()).unwrap(), b"h2");
        let other = AlpnProtocols::new(["smtp"]).unwrap();
        assert_eq!(
            server.select(&other.wire()),
            Err(PeerIncompatible::NoCommonAlpn.into())
        );
    }

    #[test]
    fn a_malformed_offer_matches_only_what_is_whole() {
        let server = AlpnProtocols::new(["h2"]).unwrap();
        assert!(server.select(b"\x05h2").is_err());
        assert!(server.select(b"").is_err());
        assert_eq!(server.select(b"\x02h2\x09x").unwrap(), b"h2");
    }
}
