//! The client's config.

use crate::config::protocol::protocol_setters;
use crate::{
    AlpnProtocols, BackendInfo, Capabilities, Error, Identity, Protocol, Role, Roots, ServerName,
};

/// What a client may and must do. Plain data: a backend compiles it with
/// [`TlsBackend::client`](crate::TlsBackend::client).
///
/// # Defaults
/// - TLS 1.2 and 1.3, with [`CipherSuite::DEFAULT`](crate::CipherSuite::DEFAULT),
///   [`NamedGroup::DEFAULT`](crate::NamedGroup::DEFAULT) and
///   [`SignatureScheme::DEFAULT`](crate::SignatureScheme::DEFAULT).
/// - The server's chain and name are verified. There are no default roots:
///   say whom to trust.
/// - The server name is sent unless it is an IP address.
/// - No application protocols, no client certificate, no key log.
/// - No resumption, no early data, no renegotiation, no compression.
#[derive(Clone, Debug, Hash)]
pub struct ClientConfig {
    protocol: Protocol,
    verification: ServerVerification,
    identity: Option<Identity>,
    sni: bool,
}

/// How much of the server's certificate a client verifies.
///
/// The handshake's signature is verified in every case: the server has the key
/// of the certificate that it shows.
#[derive(Clone, Debug, Hash)]
pub enum ServerVerification {
    /// The chain up to one of these roots, and the name.
    Full(Roots),
    /// The chain, but for any name.
    ChainOnly(Roots),
    /// Nothing: whoever answers is the server.
    Nothing,
}

impl ClientConfig {
    /// Starts a config with the defaults above.
    pub fn builder() -> ClientConfigBuilder {
        ClientConfigBuilder {
            protocol: Protocol::default(),
            alpn: Ok(AlpnProtocols::default()),
            roots: None,
            relaxed: None,
            identity: None,
            sni: true,
        }
    }

    /// The settings that a server has too.
    pub fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// How much of the server's certificate is verified.
    pub fn verification(&self) -> &ServerVerification {
        &self.verification
    }

    /// What is presented to a server that asks for a client certificate.
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// Whether the server name is sent.
    pub fn sni(&self) -> bool {
        self.sni
    }

    /// Refuses what the backend lacks. Every backend calls this first.
    pub fn check(&self, info: &BackendInfo) -> Result<(), Error> {
        let mut needs = Vec::new();
        match self.verification {
            ServerVerification::Full(_) => {
                needs.push((Capabilities::ROOTS, "roots is set"));
            }
            ServerVerification::ChainOnly(_) => {
                needs.push((Capabilities::ROOTS, "roots is set"));
                needs.push((Capabilities::VERIFY_CHAIN_ONLY, "accept_any_name is set"));
            }
            ServerVerification::Nothing => {
                needs.push((
                    Capabilities::VERIFY_NOTHING,
                    "accept_any_certificate is set",
                ));
            }
        }
        if self.identity.is_some() {
            needs.push((Capabilities::IDENTITY, "identity is set"));
        }
        if !self.sni {
            needs.push((Capabilities::SNI, "sni is off"));
        }
        self.protocol.check(info, Role::Client, needs)
    }

    /// Refuses a name that the backend cannot verify. Every backend calls this
    /// in [`TlsBackend::connect`](crate::TlsBackend::connect).
    pub fn check_name(&self, info: &BackendInfo, name: &ServerName<'_>) -> Result<(), Error> {
        let by_address = matches!(name, ServerName::IpAddress(_));
        if by_address
            && matches!(self.verification, ServerVerification::Full(_))
            && !info.client.contains(Capabilities::VERIFY_IP)
        {
            return Err(crate::Unsupported::new(
                info.name,
                Capabilities::VERIFY_IP,
                "the server is named by its IP address",
            )
            .into());
        }
        Ok(())
    }
}

/// Builds a [`ClientConfig`]; [`build`](Self::build) checks it.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct ClientConfigBuilder {
    protocol: Protocol,
    alpn: Result<AlpnProtocols, Error>,
    roots: Option<Roots>,
    relaxed: Option<Relaxed>,
    identity: Option<Identity>,
    sni: bool,
}

#[derive(Clone, Copy, Debug)]
enum Relaxed {
    AnyName,
    AnyCertificate,
}

impl ClientConfigBuilder {
    /// Whom to trust. There is no default.
    pub fn roots(mut self, roots: Roots) -> Self {
        self.roots = Some(roots);
        self
    }

    /// The certificate to present to a server that asks for one. Default: none.
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Whether the server name is sent (RFC 6066, section 3). An IP address
    /// never is. The name is verified either way. Default: on.
    pub fn sni(mut self, on: bool) -> Self {
        self.sni = on;
        self
    }

    /// Settings that give up a protection, apart from the others so that a
    /// reader of the code sees them.
    pub fn danger(self) -> DangerousClientConfigBuilder {
        DangerousClientConfigBuilder(self)
    }

    protocol_setters!();

    /// Checks the settings and ends the building.
    pub fn build(self) -> Result<ClientConfig, Error> {
        let mut protocol = self.protocol;
        protocol.alpn = self.alpn?;
        protocol.validate()?;
        let verification = match (self.roots, self.relaxed) {
            (Some(roots), None) => ServerVerification::Full(roots),
            (Some(roots), Some(Relaxed::AnyName)) => ServerVerification::ChainOnly(roots),
            (None, Some(Relaxed::AnyCertificate)) => ServerVerification::Nothing,
            (Some(_), Some(Relaxed::AnyCertificate)) => {
                return Err(Error::config(
                    "accept_any_certificate",
                    "roots is set too: either certificates are verified, or they are not",
                ));
            }
            (None, _) => {
                return Err(Error::config(
                    "roots",
                    "no roots, so no server could be verified: set roots(Roots::system()?) for \
                     example",
                ));
            }
        };
        Ok(ClientConfig {
            protocol,
            verification,
            identity: self.identity,
            sni: self.sni,
        })
    }
}

/// The settings of a client that give up a protection.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct DangerousClientConfigBuilder(ClientConfigBuilder);

impl DangerousClientConfigBuilder {
    /// Verifies the chain, but accepts it for any name.
    ///
    /// # Danger
    /// Whoever has a certificate of one of the roots, for any name at all, can
    /// pose as the server. With public roots that is everybody.
    pub fn accept_any_name(mut self) -> ClientConfigBuilder {
        self.0.relaxed = Some(Relaxed::AnyName);
        self.0
    }

    /// Accepts any certificate. Do not set roots together with this.
    ///
    /// # Danger
    /// Whoever can reach the connection can pose as the server, read
    /// everything and change it. Only the handshake's signature is verified.
    pub fn accept_any_certificate(mut self) -> ClientConfigBuilder {
        self.0.relaxed = Some(Relaxed::AnyCertificate);
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        CertificateDer, CipherSuite, KeyLog, NamedGroup, ProtocolVersion, SignatureScheme,
    };

    #[derive(Debug)]
    struct Log;
    impl KeyLog for Log {
        fn log(&self, _: &str) {}
    }

    fn roots() -> Roots {
        Roots::from_der([CertificateDer::from(vec![0x30, 0])]).unwrap()
    }

    fn trusting() -> ClientConfigBuilder {
        ClientConfig::builder().roots(roots())
    }

    fn refused(builder: ClientConfigBuilder, field: &str) -> String {
        match builder.build() {
            Err(Error::Config(error)) => {
                assert_eq!(error.field, field);
                error.reason.into_owned()
            }
            other => panic!("{other:?}"),
        }
    }

    fn everything() -> BackendInfo {
        let mut info = BackendInfo::new("all", "All 1.0");
        info.client = Capabilities::all();
        info.cipher_suites = CipherSuite::ALL.to_vec();
        info.groups = NamedGroup::ALL.to_vec();
        info.signature_schemes = SignatureScheme::ALL.to_vec();
        info
    }

    #[test]
    fn whom_to_trust_must_be_said_and_only_once() {
        assert!(refused(ClientConfig::builder(), "roots").contains("Roots::system"));
        assert!(
            refused(ClientConfig::builder().danger().accept_any_name(), "roots")
                .contains("no roots")
        );
        let both = trusting().danger().accept_any_certificate();
        assert!(refused(both, "accept_any_certificate").contains("roots"));
    }

    #[test]
    fn contradictions_are_refused() {
        use ProtocolVersion::{Tls12, Tls13};
        let crossed = trusting().min_version(Tls13).max_version(Tls12);
        assert!(refused(crossed, "min_version").contains("TLSv1.3 is above"));
        assert!(refused(trusting().groups([]), "groups").contains("empty"));
        let twice = trusting().groups([NamedGroup::X25519, NamedGroup::X25519]);
        assert!(refused(twice, "groups").contains("twice"));
        let only_13 = [CipherSuite::TLS_AES_128_GCM_SHA256];
        assert!(
            refused(trusting().cipher_suites(only_13), "cipher_suites")
                .contains("TLSv1.2 is allowed")
        );
        let below = trusting()
            .max_version(Tls12)
            .cipher_suites(CipherSuite::DEFAULT.iter().copied());
        assert!(refused(below, "cipher_suites").contains("is not allowed"));
        let hybrid = trusting().groups([NamedGroup::X25519MLKEM768]);
        assert!(refused(hybrid.clone(), "groups").contains("TLSv1.2"));
        assert!(hybrid.min_version(Tls13).build().is_ok());
        assert!(refused(trusting().alpn([""]), "alpn").contains("empty"));
    }

    #[test]
    fn each_setting_is_refused_by_a_backend_that_lacks_just_that() {
        use Capabilities as C;
        use ProtocolVersion::{Tls12, Tls13};
        let nothing = || ClientConfig::builder().danger().accept_any_certificate();
        let identity = Identity::from_der(
            [CertificateDer::from(vec![0x30, 0])],
            rustls_pki_types::PrivatePkcs8KeyDer::from(vec![0x30, 0]).into(),
        )
        .unwrap();
        let cases = [
            (C::TLS12, trusting().max_version(Tls12)),
            (C::TLS13, trusting().min_version(Tls13)),
            (
                C::CIPHER_SUITES_TLS12,
                trusting().cipher_suites(CipherSuite::DEFAULT.iter().copied()),
            ),
            (
                C::CIPHER_SUITES_TLS13,
                trusting().cipher_suites(CipherSuite::DEFAULT.iter().copied()),
            ),
            (C::GROUPS, trusting().groups([NamedGroup::X25519])),
            (
                C::POST_QUANTUM_GROUPS,
                trusting().groups([NamedGroup::X25519MLKEM768, NamedGroup::X25519]),
            ),
            (
                C::SIGNATURE_SCHEMES,
                trusting().signature_schemes([SignatureScheme::Ed25519]),
            ),
            (C::ROOTS, trusting()),
            (C::VERIFY_CHAIN_ONLY, trusting().danger().accept_any_name()),
            (C::VERIFY_NOTHING, nothing()),
            (C::IDENTITY, trusting().identity(identity)),
            (C::SNI, trusting().sni(false)),
            (C::ALPN, trusting().alpn(["h2"])),
            (C::ALPN_OCTETS, trusting().alpn([b"\xff"])),
            (C::KEY_LOG, trusting().key_log(Arc::new(Log))),
            (C::EXPORTER, trusting().require(C::EXPORTER)),
            (C::FACT_GROUP, trusting().require(C::FACT_GROUP)),
        ];
        for (capability, builder) in cases {
            let config = builder.build().unwrap();
            assert_eq!(config.check(&everything()), Ok(()), "{capability}");
            let mut info = everything();
            info.client -= capability;
            let Err(Error::Unsupported(refusal)) = config.check(&info) else {
                panic!("{capability} is not refused");
            };
            assert_eq!(refusal.capability, capability);
            assert_eq!(refusal.backend, "all");
        }
    }

    #[test]
    fn a_suite_group_or_scheme_that_the_library_lacks_is_refused_by_name() {
        let mut info = everything();
        info.cipher_suites
            .retain(|&suite| suite != CipherSuite::TLS_AES_128_CCM_SHA256);
        info.groups.retain(|&group| group != NamedGroup::X448);
        info.signature_schemes
            .retain(|&scheme| scheme != SignatureScheme::Ed448);
        let ccm = trusting()
            .min_version(ProtocolVersion::Tls13)
            .cipher_suites([CipherSuite::TLS_AES_128_CCM_SHA256]);
        for (builder, name) in [
            (ccm, "TLS_AES_128_CCM_SHA256"),
            (trusting().groups([NamedGroup::X448]), "x448"),
            (
                trusting().signature_schemes([SignatureScheme::Ed448]),
                "ed448",
            ),
        ] {
            let refusal = builder.build().unwrap().check(&info).unwrap_err();
            assert!(refusal.to_string().contains(name), "{refusal}");
        }
    }

    #[test]
    fn an_address_is_refused_where_only_host_names_can_be_verified() {
        let mut info = everything();
        info.client -= Capabilities::VERIFY_IP;
        let name = crate::parse_server_name("192.0.2.1").unwrap();
        let config = trusting().build().unwrap();
        assert!(matches!(
            config.check_name(&info, &name),
            Err(Error::Unsupported(_))
        ));
        let relaxed = trusting().danger().accept_any_name().build().unwrap();
        assert_eq!(relaxed.check_name(&info, &name), Ok(()));
    }

    #[test]
    fn defaults_shrink_to_what_the_library_has() {
        let mut info = everything();
        info.groups.retain(|group| !group.is_post_quantum());
        let config = trusting().build().unwrap();
        assert_eq!(config.protocol().groups(&info)[0], NamedGroup::X25519);
        assert_eq!(config.protocol().groups(&everything()), NamedGroup::DEFAULT);
        let old = trusting()
            .max_version(ProtocolVersion::Tls12)
            .build()
            .unwrap();
        assert!(!old.protocol().groups(&everything())[0].is_post_quantum());
        assert_eq!(old.protocol().cipher_suites(&info).len(), 6);
    }
}
