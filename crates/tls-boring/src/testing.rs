//! Certificates and a wire in memory, for the tests of this crate.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::rc::Rc;

use boring::asn1::Asn1Time;
use boring::bn::BigNum;
use boring::hash::MessageDigest;
use boring::pkey::{PKey, Private};
use boring::ssl::{Ssl, SslContext, SslContextBuilder, SslMethod, SslStream};
use boring::x509::extension::SubjectAlternativeName;
use boring::x509::{X509, X509Builder, X509Name};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair,
};
use tls_core::{
    CertificateDer, ClientConfig, ClientConfigBuilder, Error, Identity, PrivateKeyDer, Roots,
    ServerConfig, ServerConfigBuilder, Step, TlsBackend, TlsSession, parse_server_name,
};

use crate::{Boring, BoringSession, ffi};

/// The name that [`Authority::leaf`] vouches for.
pub(crate) const NAME: &str = "server.example";

/// A CA and its key.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// With what `change` makes of the usual parameters.
    pub(crate) fn with(change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "polytls test CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        Self {
            issuer: CertifiedIssuer::self_signed(params, key).unwrap(),
        }
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    pub(crate) fn roots(&self) -> Roots {
        Roots::from_der([self.der()]).unwrap()
    }

    /// A certificate for [`NAME`] and 192.0.2.1, for servers and clients.
    pub(crate) fn leaf(&self) -> Identity {
        self.leaf_with(|_| {})
    }

    /// A certificate with what `change` makes of the usual parameters.
    pub(crate) fn leaf_with(&self, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        leaf_of(&self.issuer, change)
    }

    /// The same for a key of RSA.
    pub(crate) fn rsa_leaf_with(&self, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let key = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        leaf_for(&key, &self.issuer, change)
    }

    /// A certificate for [`NAME`], signed with this digest.
    pub(crate) fn leaf_by(&self, digest: MessageDigest) -> Identity {
        let key = PKey::private_key_from_der(&self.issuer.key().serialize_der()).unwrap();
        leaf_by(&self.der(), &key, digest)
    }

    /// The CA's own certificate as an end entity's.
    pub(crate) fn as_leaf(&self) -> Identity {
        identity(vec![self.der()], self.issuer.key())
    }

    /// A leaf with so many intermediates between it and this one.
    pub(crate) fn leaf_below(&self, count: usize) -> Identity {
        let mut chain = Vec::new();
        let mut lowest: Option<Issuer<'_, KeyPair>> = None;
        for index in 0..count {
            let mut params = CertificateParams::default();
            params.distinguished_name.push(
                DnType::CommonName,
                format!("polytls test intermediate {index}"),
            );
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let key = KeyPair::generate().unwrap();
            let signed = match &lowest {
                Some(issuer) => params.signed_by(&key, issuer),
                None => params.signed_by(&key, &self.issuer),
            };
            chain.insert(0, signed.unwrap().der().clone());
            lowest = Some(Issuer::new(params, key));
        }
        let leaf = match &lowest {
            Some(issuer) => leaf_of(issuer, |_| {}),
            None => self.leaf(),
        };
        chain.insert(0, leaf.chain()[0].clone());
        Identity::from_der(chain, leaf.key().clone_key()).unwrap()
    }

    /// An intermediate CA below this one.
    pub(crate) fn intermediate(&self, change: impl FnOnce(&mut CertificateParams)) -> Intermediate {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "polytls test intermediate");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let der = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        Intermediate {
            der,
            issuer: Issuer::new(params, key),
        }
    }
}

/// A CA that another one vouches for.
pub(crate) struct Intermediate {
    der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Intermediate {
    /// A leaf as [`Authority::leaf`], with this certificate behind it.
    pub(crate) fn leaf(&self) -> Identity {
        let bare = leaf_of(&self.issuer, |_| {});
        let chain = [bare.chain()[0].clone(), self.der.clone()];
        Identity::from_der(chain, bare.key().clone_key()).unwrap()
    }
}

fn leaf_of(issuer: &Issuer<'_, KeyPair>, change: impl FnOnce(&mut CertificateParams)) -> Identity {
    leaf_for(&KeyPair::generate().unwrap(), issuer, change)
}

fn leaf_for(
    key: &KeyPair,
    issuer: &Issuer<'_, KeyPair>,
    change: impl FnOnce(&mut CertificateParams),
) -> Identity {
    let mut params = CertificateParams::new([NAME.to_owned(), "192.0.2.1".to_owned()]).unwrap();
    params
        .distinguished_name
        .push(DnType::CommonName, "polytls test leaf");
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    change(&mut params);
    let der = params.signed_by(key, issuer).unwrap().der().clone();
    identity(vec![der], key)
}

/// A certificate for [`NAME`], signed by this CA with this digest.
pub(crate) fn leaf_by(ca: &[u8], ca_key: &PKey<Private>, digest: MessageDigest) -> Identity {
    let ca = X509::from_der(ca).unwrap();
    let key = KeyPair::generate().unwrap();
    let public = PKey::private_key_from_der(&key.serialize_der()).unwrap();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    builder.set_pubkey(&public).unwrap();
    let day = |number| Asn1Time::days_from_now(number).unwrap();
    builder.set_not_before(&day(0)).unwrap();
    builder.set_not_after(&day(1)).unwrap();
    let serial = BigNum::from_u32(7).unwrap().to_asn1_integer().unwrap();
    builder.set_serial_number(&serial).unwrap();
    builder.set_issuer_name(ca.subject_name()).unwrap();
    let name = SubjectAlternativeName::new()
        .dns(NAME)
        .build(&builder.x509v3_context(Some(&ca), None))
        .unwrap();
    builder.append_extension(&name).unwrap();
    builder.sign(ca_key, digest).unwrap();
    identity(vec![builder.build().to_der().unwrap().into()], &key)
}

/// A certificate that vouches for itself; its DER is the identity's chain.
pub(crate) fn self_signed(change: impl FnOnce(&mut CertificateParams)) -> Identity {
    let mut params = CertificateParams::new([NAME.to_owned()]).unwrap();
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let der = params.self_signed(&key).unwrap().der().clone();
    identity(vec![der], &key)
}

fn identity(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> Identity {
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    Identity::from_der(chain, key).unwrap()
}

/// A certificate of no name for this key, which signs it itself.
pub(crate) fn identity_of(key: &KeyPair) -> Identity {
    let certificate = CertificateParams::default().self_signed(key).unwrap();
    identity(vec![certificate.der().clone()], key)
}

/// A certificate for this key, signed by it with this digest.
pub(crate) fn signed_by_itself(
    key: &PKey<Private>,
    digest: MessageDigest,
) -> CertificateDer<'static> {
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    builder.set_pubkey(key).unwrap();
    let day = |number| Asn1Time::days_from_now(number).unwrap();
    builder.set_not_before(&day(0)).unwrap();
    builder.set_not_after(&day(1)).unwrap();
    let mut name = X509Name::builder().unwrap();
    name.append_entry_by_text("CN", "itself").unwrap();
    let name = name.build();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.sign(key, digest).unwrap();
    builder.build().to_der().unwrap().into()
}

/// What one side has sent and the other has not received.
#[derive(Default)]
struct Wire {
    bytes: VecDeque<u8>,
    ended: bool,
}

/// One end of a connection in memory.
pub(crate) struct End {
    incoming: Rc<RefCell<Wire>>,
    outgoing: Rc<RefCell<Wire>>,
    /// The most that one call reads or writes.
    pub(crate) most: usize,
    /// How many bytes are taken before writes block.
    pub(crate) room: usize,
    /// What every write fails with.
    pub(crate) write_fault: Option<ErrorKind>,
}

/// Two ends without limits.
pub(crate) fn wire() -> (End, End) {
    let there = Rc::new(RefCell::new(Wire::default()));
    let back = Rc::new(RefCell::new(Wire::default()));
    let end = |incoming: &Rc<_>, outgoing: &Rc<_>| End {
        incoming: Rc::clone(incoming),
        outgoing: Rc::clone(outgoing),
        most: usize::MAX,
        room: usize::MAX,
        write_fault: None,
    };
    (end(&back, &there), end(&there, &back))
}

impl End {
    /// Ends what this side sends.
    pub(crate) fn end(&mut self) {
        self.outgoing.borrow_mut().ended = true;
    }

    /// What waits to be received here.
    pub(crate) fn waiting(&self) -> usize {
        self.incoming.borrow().bytes.len()
    }

    /// Changes what waits to be received here.
    pub(crate) fn tamper(&mut self, change: impl FnOnce(&mut VecDeque<u8>)) {
        change(&mut self.incoming.borrow_mut().bytes);
    }
}

impl Read for End {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut wire = self.incoming.borrow_mut();
        if wire.bytes.is_empty() && !wire.ended {
            return Err(ErrorKind::WouldBlock.into());
        }
        let most = self.most.min(buf.len());
        wire.bytes.read(&mut buf[..most])
    }
}

impl Write for End {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if let Some(kind) = self.write_fault {
            return Err(kind.into());
        }
        let taken = buf.len().min(self.most).min(self.room);
        if taken == 0 && !buf.is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.room -= taken;
        self.outgoing.borrow_mut().bytes.extend(&buf[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A client and a server on one wire.
pub(crate) struct Pair {
    pub(crate) client: BoringSession,
    pub(crate) server: BoringSession,
    pub(crate) client_end: End,
    pub(crate) server_end: End,
}

impl Pair {
    pub(crate) fn new(client: ClientConfigBuilder, server: ServerConfigBuilder) -> Self {
        Self::to(NAME, client, server)
    }

    /// With a client that asks for this name.
    pub(crate) fn to(name: &str, client: ClientConfigBuilder, server: ServerConfigBuilder) -> Self {
        let backend = Boring::new();
        let context = backend.client(&client.build().unwrap()).unwrap();
        let name = parse_server_name(name).unwrap();
        let client = backend.connect(&context, &name).unwrap();
        let context = backend.server(&server.build().unwrap()).unwrap();
        let server = backend.accept(&context).unwrap();
        let (client_end, server_end) = wire();
        Self {
            client,
            server,
            client_end,
            server_end,
        }
    }

    /// With defaults, and the handshake done.
    pub(crate) fn connected() -> Self {
        let authority = Authority::new();
        let mut pair = Self::new(trusting(&authority), serving(&authority));
        pair.connect();
        pair
    }

    /// Drives both handshakes until each is done, has failed, or waits in vain.
    pub(crate) fn handshake(&mut self) -> (Outcome, Outcome) {
        let mut last = None;
        loop {
            let client = self.client.handshake(&mut self.client_end);
            assert_clean();
            let server = self.server.handshake(&mut self.server_end);
            assert_clean();
            let over = |outcome: &Outcome| !matches!(outcome, Ok(Step::Blocked(_)));
            let state = (self.client_end.waiting(), self.server_end.waiting());
            if over(&client) && over(&server) || last == Some(state) && state == (0, 0) {
                return (client, server);
            }
            last = Some(state);
        }
    }

    /// Drives the handshake, which succeeds.
    pub(crate) fn connect(&mut self) {
        assert_eq!(self.handshake(), (Ok(Step::Ready(())), Ok(Step::Ready(()))));
    }

    /// The errors of both sides; a client of TLS 1.3 learns of a refusal when
    /// it reads.
    pub(crate) fn errors(&mut self) -> (Error, Error) {
        let (client, server) = self.handshake();
        let late = |outcome: Outcome, session: &mut BoringSession, end: &mut End| {
            outcome
                .and_then(|_| session.read(end, &mut [0]))
                .expect_err("the handshake fails on both sides")
        };
        let client = late(client, &mut self.client, &mut self.client_end);
        let server = late(server, &mut self.server, &mut self.server_end);
        assert_clean();
        (client, server)
    }
}

pub(crate) type Outcome = Result<Step<()>, Error>;

/// The library's error queue is empty between calls.
pub(crate) fn assert_clean() {
    assert_eq!(Boring::new().leftover_errors(), 0);
}

/// A client that trusts this CA.
pub(crate) fn trusting(authority: &Authority) -> ClientConfigBuilder {
    ClientConfig::builder().roots(authority.roots())
}

/// A server with a certificate of this CA.
pub(crate) fn serving(authority: &Authority) -> ServerConfigBuilder {
    ServerConfig::builder().identity(authority.leaf())
}

/// A server that is the library itself, for what a session of ours never does.
pub(crate) fn raw_server(
    identity: &Identity,
    change: impl FnOnce(&mut SslContextBuilder),
) -> (End, SslStream<End>) {
    let mut builder = SslContext::builder(SslMethod::tls()).unwrap();
    let certificate = X509::from_der(&identity.chain()[0]).unwrap();
    builder.set_certificate(&certificate).unwrap();
    let key = PKey::private_key_from_der(identity.key().secret_der()).unwrap();
    builder.set_private_key(&key).unwrap();
    change(&mut builder);
    let mut ssl = Ssl::new(&builder.build()).unwrap();
    ffi::set_accept_state(&mut ssl);
    let (client_end, server_end) = wire();
    (client_end, SslStream::new(ssl, server_end).unwrap())
}

/// What a client with this config makes of such a server.
pub(crate) fn meet(
    client: ClientConfigBuilder,
    end: &mut End,
    server: &mut SslStream<End>,
) -> (BoringSession, Outcome) {
    let backend = Boring::new();
    let context = backend.client(&client.build().unwrap()).unwrap();
    let name = parse_server_name(NAME).unwrap();
    let mut client = backend.connect(&context, &name).unwrap();
    for _ in 0..5 {
        let outcome = client.handshake(end);
        let done = server.do_handshake();
        crate::queue::clear();
        if outcome.is_err() || (done.is_ok() && outcome == Ok(Step::Ready(()))) {
            return (client, outcome);
        }
    }
    panic!("the handshake goes nowhere");
}
