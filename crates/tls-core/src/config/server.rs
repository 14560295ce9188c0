//! The server's config.

use crate::config::protocol::protocol_setters;
use crate::{AlpnProtocols, BackendInfo, Capabilities, Error, Identity, Protocol, Role, Roots};

/// What a server may and must do. Plain data: a backend compiles it with
/// [`TlsBackend::server`](crate::TlsBackend::server).
///
/// # Defaults
/// - TLS 1.2 and 1.3, with [`CipherSuite::DEFAULT`](crate::CipherSuite::DEFAULT),
///   [`NamedGroup::DEFAULT`](crate::NamedGroup::DEFAULT) and
///   [`SignatureScheme::DEFAULT`](crate::SignatureScheme::DEFAULT); the
///   client's order decides.
/// - No client certificate is asked for.
/// - No application protocols, no key log.
/// - No resumption, no early data, no renegotiation, no compression.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    protocol: Protocol,
    identity: Identity,
    client_auth: ClientAuth,
}

/// Whether a client has to show a certificate.
#[derive(Clone, Debug, Default)]
pub enum ClientAuth {
    /// It is not asked for one.
    #[default]
    None,
    /// It is asked for one, and may have none; one that it shows must lead to
    /// these roots.
    Optional(Roots),
    /// It must show one that leads to these roots.
    Required(Roots),
}

impl ServerConfig {
    /// Starts a config with the defaults above.
    pub fn builder() -> ServerConfigBuilder {
        ServerConfigBuilder {
            protocol: Protocol::default(),
            alpn: Ok(AlpnProtocols::default()),
            identity: None,
            client_auth: ClientAuth::None,
        }
    }

    /// The settings that a client has too.
    pub fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// Who this server is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whether a client has to show a certificate.
    pub fn client_auth(&self) -> &ClientAuth {
        &self.client_auth
    }

    /// Refuses what the backend lacks. Every backend calls this first.
    pub fn check(&self, info: &BackendInfo) -> Result<(), Error> {
        let mut needs = vec![(Capabilities::IDENTITY, "identity is set")];
        match self.client_auth {
            ClientAuth::None => {}
            ClientAuth::Optional(_) => needs.push((
                Capabilities::CLIENT_AUTH_OPTIONAL,
                "client_auth is optional",
            )),
            ClientAuth::Required(_) => needs.push((
                Capabilities::CLIENT_AUTH_REQUIRED,
                "client_auth is required",
            )),
        }
        if !self.protocol.alpn().is_empty() {
            needs.push((Capabilities::ALPN_STRICT, "alpn lists protocols"));
        }
        self.protocol.check(info, Role::Server, needs)
    }
}

/// Builds a [`ServerConfig`]; [`build`](Self::build) checks it.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct ServerConfigBuilder {
    protocol: Protocol,
    alpn: Result<AlpnProtocols, Error>,
    identity: Option<Identity>,
    client_auth: ClientAuth,
}

impl ServerConfigBuilder {
    /// Who this server is. There is no default.
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Whether a client has to show a certificate. Default: it is not asked.
    pub fn client_auth(mut self, client_auth: ClientAuth) -> Self {
        self.client_auth = client_auth;
        self
    }

    protocol_setters!();

    /// Checks the settings and ends the building.
    pub fn build(self) -> Result<ServerConfig, Error> {
        let mut protocol = self.protocol;
        protocol.alpn = self.alpn?;
        protocol.validate()?;
        let Some(identity) = self.identity else {
            return Err(Error::config(
                "identity",
                "a server needs a certificate and its key",
            ));
        };
        Ok(ServerConfig {
            protocol,
            identity,
            client_auth: self.client_auth,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CertificateDer, CipherSuite, NamedGroup, SignatureScheme};

    fn certificate() -> CertificateDer<'static> {
        CertificateDer::from(vec![0x30, 0])
    }

    fn identified() -> ServerConfigBuilder {
        let key = rustls_pki_types::PrivatePkcs8KeyDer::from(vec![0x30, 0]).into();
        ServerConfig::builder().identity(Identity::from_der([certificate()], key).unwrap())
    }

    #[test]
    fn a_server_needs_an_identity() {
        let error = ServerConfig::builder().build().unwrap_err();
        assert!(matches!(error, Error::Config(error) if error.field == "identity"));
    }

    #[test]
    fn each_setting_is_refused_by_a_backend_that_lacks_just_that() {
        use Capabilities as C;
        let roots = || Roots::from_der([certificate()]).unwrap();
        let cases = [
            (C::IDENTITY, identified()),
            (
                C::CLIENT_AUTH_OPTIONAL,
                identified().client_auth(ClientAuth::Optional(roots())),
            ),
            (
                C::CLIENT_AUTH_REQUIRED,
                identified().client_auth(ClientAuth::Required(roots())),
            ),
            (C::ALPN, identified().alpn(["h2"])),
            (C::ALPN_OCTETS, identified().alpn([b"\xff"])),
            (C::ALPN_STRICT, identified().alpn(["h2"])),
            (C::SNI, identified().require(C::SNI)),
        ];
        for (capability, builder) in cases {
            let config = builder.build().unwrap();
            let mut info = BackendInfo::new("all", "All 1.0");
            info.server = Capabilities::all();
            info.cipher_suites = CipherSuite::ALL.to_vec();
            info.groups = NamedGroup::ALL.to_vec();
            info.signature_schemes = SignatureScheme::ALL.to_vec();
            assert_eq!(config.check(&info), Ok(()), "{capability}");
            info.server -= capability;
            let Err(Error::Unsupported(refusal)) = config.check(&info) else {
                panic!("{capability} is not refused");
            };
            assert_eq!(refusal.capability, capability);
        }
    }
}
