//! What the library can do, found out by trying.

use std::io::{self, Read, Write};

use native_tls::{HandshakeError, Identity, Protocol, TlsAcceptor, TlsConnector};
use openssl::asn1::Asn1Time;
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::x509::X509Builder;
use tls_core::{Capabilities, Role};

/// The first version that refuses clients that want to renegotiate.
const OPENSSL_3: i64 = 0x3000_0000;

/// The library with its version.
pub(crate) fn library() -> &'static str {
    openssl::version::version()
}

/// Whether the library lets a peer of this side renegotiate a session of TLS
/// 1.2, and native-tls has no setting against it.
pub(crate) fn lets_renegotiate(role: Role) -> bool {
    role == Role::Client || openssl::version::number() < OPENSSL_3
}

/// Trust, identity and names do not depend on how the library is built; the
/// versions do.
pub(crate) fn capabilities(role: Role) -> Capabilities {
    let mut found = Capabilities::IDENTITY;
    if role == Role::Client {
        found |= Capabilities::VERIFY_IP
            | Capabilities::VERIFY_CHAIN_ONLY
            | Capabilities::VERIFY_NOTHING
            | Capabilities::SNI
            | Capabilities::ALPN;
        // There the system's roots are trusted in every case.
        if !cfg!(target_os = "android") {
            found |= Capabilities::ROOTS;
        }
    }
    let begins = |version| match role {
        Role::Client => client_begins(version),
        Role::Server => server_begins(version),
    };
    if begins(Protocol::Tlsv12) {
        found |= Capabilities::TLS12;
    }
    if begins(Protocol::Tlsv13) {
        found |= Capabilities::TLS13;
    }
    found
}

/// Whether a client of this version alone gets as far as to wait for an answer.
fn client_begins(version: Protocol) -> bool {
    let connector = TlsConnector::builder()
        .min_protocol_version(Some(version))
        .max_protocol_version(Some(version))
        .build();
    let Ok(connector) = connector else {
        return false;
    };
    let begun = connector.connect("server.example", Silence);
    matches!(begun, Err(HandshakeError::WouldBlock(_)))
}

/// Whether a server of this version alone gets as far as to wait for a client.
fn server_begins(version: Protocol) -> bool {
    let Some(identity) = some_identity() else {
        return false;
    };
    let acceptor = TlsAcceptor::builder(identity)
        .min_protocol_version(Some(version))
        .max_protocol_version(Some(version))
        .build();
    let Ok(acceptor) = acceptor else {
        return false;
    };
    let begun = acceptor.accept(Silence);
    matches!(begun, Err(HandshakeError::WouldBlock(_)))
}

/// A server must have one.
fn some_identity() -> Option<Identity> {
    let make = || -> Result<_, ErrorStack> {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
        let key = PKey::from_ec_key(EcKey::generate(&group)?)?;
        let mut builder = X509Builder::new()?;
        builder.set_version(2)?;
        builder.set_pubkey(&key)?;
        builder.set_not_before(Asn1Time::days_from_now(0)?.as_ref())?;
        builder.set_not_after(Asn1Time::days_from_now(1)?.as_ref())?;
        builder.sign(&key, MessageDigest::sha256())?;
        Ok((builder.build().to_pem()?, key.private_key_to_pem_pkcs8()?))
    };
    let (certificate, key) = make().ok()?;
    Identity::from_pkcs8(&certificate, &key).ok()
}

/// A peer that listens and says nothing.
#[derive(Debug)]
struct Silence;

impl Read for Silence {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

impl Write for Silence {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
