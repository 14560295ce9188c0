//! What the server's first hello tells on the wire, for assertions on what the
//! contract has no fact for.

use crate::ending::Ending;
use crate::settings::Settings;

/// The random of a HelloRetryRequest (RFC 8446, section 4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

const HANDSHAKE: u8 = 22;
const SERVER_HELLO: u8 = 2;
const EXTENDED_MASTER_SECRET: u16 = 23;
const SUPPORTED_VERSIONS: u16 = 43;
const RENEGOTIATION_INFO: u16 = 0xff01;

/// A ServerHello, or a HelloRetryRequest, which has its form.
#[derive(Debug, PartialEq)]
struct Hello {
    is_retry: bool,
    extensions: Vec<u16>,
}

/// Compares the first hello in what the server has sent with what the test
/// expects, as BoringSSL's shim does after the handshake. TLS 1.3 has the
/// extended master secret and the secure renegotiation of TLS 1.2 built in.
pub(crate) fn check(settings: &Settings, sent_by_server: &[u8]) -> Result<(), Ending> {
    let asked = settings.expect_hrr
        || settings.expect_no_hrr
        || settings.expect_extended_master_secret
        || settings.expect_secure_renegotiation
        || settings.expect_no_secure_renegotiation;
    if !asked {
        return Ok(());
    }
    let hello = Hello::first(sent_by_server)
        .ok_or_else(|| Ending::broken("no ServerHello was seen".to_owned()))?;
    let has = |extension| {
        hello.extensions.contains(&SUPPORTED_VERSIONS) || hello.extensions.contains(&extension)
    };
    for (asked, holds, what) in [
        (settings.expect_hrr, hello.is_retry, "a HelloRetryRequest"),
        (
            settings.expect_no_hrr,
            !hello.is_retry,
            "no HelloRetryRequest",
        ),
        (
            settings.expect_extended_master_secret,
            has(EXTENDED_MASTER_SECRET),
            "an extended master secret",
        ),
        (
            settings.expect_secure_renegotiation,
            has(RENEGOTIATION_INFO),
            "secure renegotiation",
        ),
        (
            settings.expect_no_secure_renegotiation,
            !has(RENEGOTIATION_INFO),
            "no secure renegotiation",
        ),
    ] {
        if asked && !holds {
            return Err(Ending::broken(format!("{what} is expected: {hello:?}")));
        }
    }
    Ok(())
}

impl Hello {
    /// The first one in a stream of records.
    fn first(mut stream: &[u8]) -> Option<Self> {
        let mut messages = Vec::new();
        while let Some((&[kind, _, _, high, low], rest)) = stream.split_first_chunk() {
            let length = usize::from(u16::from_be_bytes([high, low])).min(rest.len());
            let (payload, behind) = rest.split_at(length);
            if kind == HANDSHAKE {
                messages.extend_from_slice(payload);
            }
            stream = behind;
        }
        Self::parse(&messages)
    }

    fn parse(messages: &[u8]) -> Option<Self> {
        let (&[kind, _, _, _, _, _], rest) = messages.split_first_chunk()?;
        if kind != SERVER_HELLO {
            return None;
        }
        let (random, rest) = rest.split_first_chunk::<32>()?;
        let (&session_id, rest) = rest.split_first()?;
        // The session's id, the suite, the compression.
        let rest = rest.get(usize::from(session_id) + 3..)?;
        let mut extensions = Vec::new();
        // A ServerHello of TLS 1.2 may have none at all.
        if let Some((length, rest)) = rest.split_first_chunk() {
            let mut rest = rest.get(..usize::from(u16::from_be_bytes(*length)))?;
            while let Some((&[a, b, high, low], behind)) = rest.split_first_chunk() {
                extensions.push(u16::from_be_bytes([a, b]));
                rest = behind.get(usize::from(u16::from_be_bytes([high, low]))..)?;
            }
        }
        Some(Self {
            is_retry: *random == RETRY,
            extensions,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(random: [u8; 32], extensions: &[u8]) -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend(random);
        body.extend([1, 9, 0x13, 1, 0]);
        body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
        body.extend(extensions);
        let mut message = vec![SERVER_HELLO, 0, 0, u8::try_from(body.len()).unwrap()];
        message.extend(body);
        // In two records, as a peer may cut it.
        let (one, two) = message.split_at(3);
        let record = |part: &[u8]| {
            let length = u16::try_from(part.len()).unwrap().to_be_bytes();
            [&[HANDSHAKE, 3, 3], &length[..], part].concat()
        };
        [record(one), record(two)].concat()
    }

    #[test]
    fn a_retry_is_told_from_a_hello() {
        let first = |random| Hello::first(&hello(random, &[0, 43, 0, 2, 3, 4])).unwrap();
        assert!(first(RETRY).is_retry);
        assert!(!first([7; 32]).is_retry);
        assert_eq!(first([7; 32]).extensions, [SUPPORTED_VERSIONS]);
    }

    #[test]
    fn what_is_cut_short_is_no_hello() {
        let whole = hello([7; 32], &[0, 23, 0, 0]);
        assert!(Hello::first(&whole).is_some());
        for length in 0..whole.len() - 6 {
            assert_eq!(Hello::first(&whole[..length]), None, "{length}");
        }
    }
}
