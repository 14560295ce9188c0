//! What a scenario is, what it needs, and what it is given.

use std::fmt::Display;

use polytls::tls::{
    BackendInfo, Capabilities, CertificateError, CipherSuite, ClientConfig, ClientConfigBuilder,
    Error, Identity, NamedGroup, ProtocolVersion, Role, ServerConfig, ServerConfigBuilder,
    ServerName, SignatureScheme, TlsBackend, TlsSession, Transport, parse_server_name,
};

use crate::checked::Checked;
use crate::pair::{Pair, Side};
use crate::pipe::{End, pipe};
use crate::pki::{HOST, Pki, pki};

/// One scenario over a client's and a server's backend.
pub struct Scenario<C, S> {
    /// Its name: what happens when.
    pub name: String,
    /// For which versions it is run.
    pub versions: Versions,
    /// What the client must have.
    pub client: Needs,
    /// What the server must have.
    pub server: Needs,
    /// Runs it; a panic fails it.
    pub run: Run<C, S>,
}

/// The body of a scenario.
pub type Run<C, S> = Box<dyn Fn(&Case<C, S>) + Send + Sync>;

/// For which versions a scenario is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versions {
    /// Once for each, alone.
    Each,
    /// For this one alone.
    Only(ProtocolVersion),
    /// Once, with whatever the configs allow.
    Unpinned,
}

/// What a scenario needs of one side.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// The flags without which it cannot run.
    pub flags: Capabilities,
    /// Of them, those that a pass proves.
    pub proves: Capabilities,
    /// The cipher suite that it uses.
    pub suite: Option<CipherSuite>,
    /// The group that it uses.
    pub group: Option<NamedGroup>,
    /// The signature scheme that it uses.
    pub scheme: Option<SignatureScheme>,
}

impl Needs {
    /// The first need that this backend does not meet, as `FLAG` or `FLAG(code point)`.
    fn missing(&self, info: &BackendInfo, role: Role) -> Option<String> {
        fn detail(flag: Capabilities, name: impl Display) -> String {
            format!("{flag}({name})")
        }
        if let Some(flag) = (self.flags - info.capabilities(role)).iter().next() {
            return Some(flag.to_string());
        }
        if let Some(suite) = self.suite
            && !info.cipher_suites.contains(&suite)
        {
            return Some(detail(suite_flag(suite), suite));
        }
        if let Some(group) = self.group
            && !info.groups.contains(&group)
        {
            return Some(detail(Capabilities::GROUPS, group));
        }
        let scheme = self.scheme?;
        (!info.signature_schemes.contains(&scheme))
            .then(|| detail(Capabilities::SIGNATURE_SCHEMES, scheme))
    }
}

/// The flag that stands for setting this suite.
pub const fn suite_flag(suite: CipherSuite) -> Capabilities {
    match suite.version() {
        ProtocolVersion::Tls12 => Capabilities::CIPHER_SUITES_TLS12,
        _ => Capabilities::CIPHER_SUITES_TLS13,
    }
}

/// The flag that stands for this version.
pub const fn version_flag(version: ProtocolVersion) -> Capabilities {
    match version {
        ProtocolVersion::Tls12 => Capabilities::TLS12,
        _ => Capabilities::TLS13,
    }
}

/// Starts a scenario that runs for each version and needs what all do: a
/// server with a certificate, and a client that trusts its root.
pub fn scenario<C, S>(
    name: impl Into<String>,
    run: impl Fn(&Case<C, S>) + Send + Sync + 'static,
) -> Scenario<C, S> {
    let needs = |flags| Needs {
        flags,
        ..Needs::default()
    };
    Scenario {
        name: name.into(),
        versions: Versions::Each,
        client: needs(Capabilities::ROOTS),
        server: needs(Capabilities::IDENTITY),
        run: Box::new(run),
    }
}

impl<C, S> Scenario<C, S> {
    /// Is not run for each version.
    #[must_use]
    pub fn versions(mut self, versions: Versions) -> Self {
        self.versions = versions;
        self
    }

    /// Needs these of both sides.
    #[must_use]
    pub fn needs(self, flags: Capabilities) -> Self {
        self.needs_client(flags).needs_server(flags)
    }

    /// Needs these of the client.
    #[must_use]
    pub fn needs_client(mut self, flags: Capabilities) -> Self {
        self.client.flags |= flags;
        self
    }

    /// Needs these of the server.
    #[must_use]
    pub fn needs_server(mut self, flags: Capabilities) -> Self {
        self.server.flags |= flags;
        self
    }

    /// Needs these of both sides, and proves them.
    #[must_use]
    pub fn proves(self, flags: Capabilities) -> Self {
        self.proves_client(flags).proves_server(flags)
    }

    /// Needs these of the client, and proves them.
    #[must_use]
    pub fn proves_client(mut self, flags: Capabilities) -> Self {
        self.client.proves |= flags;
        self.needs_client(flags)
    }

    /// Needs these of the server, and proves them.
    #[must_use]
    pub fn proves_server(mut self, flags: Capabilities) -> Self {
        self.server.proves |= flags;
        self.needs_server(flags)
    }

    /// Uses this suite on both sides.
    #[must_use]
    pub fn suite(mut self, suite: CipherSuite) -> Self {
        self.client.suite = Some(suite);
        self.server.suite = Some(suite);
        self
    }

    /// Uses this group on both sides.
    #[must_use]
    pub fn group(mut self, group: NamedGroup) -> Self {
        self.client.group = Some(group);
        self.server.group = Some(group);
        self
    }

    /// Uses this signature scheme on both sides.
    #[must_use]
    pub fn scheme(mut self, scheme: SignatureScheme) -> Self {
        self.client.scheme = Some(scheme);
        self.server.scheme = Some(scheme);
        self
    }

    /// The versions to run it with; `None` stands for unpinned.
    pub fn runs(&self) -> Vec<Option<ProtocolVersion>> {
        match self.versions {
            Versions::Each => ProtocolVersion::ALL.iter().copied().map(Some).collect(),
            Versions::Only(version) => vec![Some(version)],
            Versions::Unpinned => vec![None],
        }
    }
}

impl<C: TlsBackend, S: TlsBackend> Scenario<C, S> {
    /// Why it cannot run on this case, if it cannot.
    pub fn missing(&self, case: &Case<C, S>) -> Option<Missing> {
        let sides = [
            (Role::Client, case.client.info(), &self.client),
            (Role::Server, case.server.info(), &self.server),
        ];
        sides.into_iter().find_map(|(role, info, needs)| {
            let mut needs = needs.clone();
            needs.flags |= case.version.map_or(Capabilities::empty(), version_flag);
            let capability = needs.missing(&info, role)?;
            Some(Missing {
                capability,
                backend: info.name,
                role,
            })
        })
    }
}

/// Why a scenario cannot run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What is not advertised.
    pub capability: String,
    /// By whom.
    pub backend: &'static str,
    /// In which role.
    pub role: Role,
}

impl Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            capability,
            backend,
            role,
        } = self;
        let role = role_name(*role);
        write!(
            f,
            "capability {capability} not advertised by {backend} ({role})"
        )
    }
}

/// `client` or `server`.
pub const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Client => "client",
        Role::Server => "server",
    }
}

/// How a version stands in a case's name.
pub const fn version_name(version: Option<ProtocolVersion>) -> &'static str {
    match version {
        None => "unpinned",
        Some(ProtocolVersion::Tls12) => "tls12",
        Some(_) => "tls13",
    }
}

/// What a scenario is given.
#[derive(Clone, Debug)]
pub struct Case<C, S> {
    /// The client's backend.
    pub client: Checked<C>,
    /// The server's backend.
    pub server: Checked<S>,
    /// The one version that both sides allow, if the scenario wants that.
    pub version: Option<ProtocolVersion>,
    /// The certificates.
    pub pki: &'static Pki,
}

impl<C: TlsBackend, S: TlsBackend> Case<C, S> {
    /// A case for these backends.
    pub fn new(client: C, server: S, version: Option<ProtocolVersion>) -> Self {
        Self {
            client: Checked(client),
            server: Checked(server),
            version,
            pki: pki(),
        }
    }

    /// Whether both sides can only speak TLS 1.2.
    pub fn is_tls12(&self) -> bool {
        self.version == Some(ProtocolVersion::Tls12)
    }

    /// What both sides advertise.
    pub fn both_advertise(&self, flags: Capabilities) -> bool {
        self.client.info().client.contains(flags) && self.server.info().server.contains(flags)
    }

    /// A client that trusts the PKI's root.
    pub fn client_config(&self) -> ClientConfigBuilder {
        self.client_without_roots().roots(self.pki.roots.clone())
    }

    /// A client that is yet to be told whom to trust.
    pub fn client_without_roots(&self) -> ClientConfigBuilder {
        let builder = ClientConfig::builder();
        match self.version {
            Some(version) => builder.min_version(version).max_version(version),
            None => builder,
        }
    }

    /// A server with the PKI's P-256 identity.
    pub fn server_config(&self) -> ServerConfigBuilder {
        self.server_as(&self.pki.p256)
    }

    /// A server with this identity.
    pub fn server_as(&self, identity: &Identity) -> ServerConfigBuilder {
        let builder = ServerConfig::builder().identity(identity.clone());
        match self.version {
            Some(version) => builder.min_version(version).max_version(version),
            None => builder,
        }
    }

    /// Drives the handshakes, which one side must end because of the other's
    /// certificate, for this reason and with its alert. A side that does not
    /// judge by the rules of all may send another alert or none, and does not
    /// tell a forged issuer from an unknown one.
    #[track_caller]
    pub fn refuses_certificate(&self, by: Role, pair: &mut Pair, error: CertificateError) {
        let advertised = match by {
            Role::Client => self.client.info().client,
            Role::Server => self.server.info().server,
        };
        let meeting = pair.meet();
        if advertised.contains(Capabilities::CERTIFICATE_RULES) {
            let alert = error.alert();
            meeting.assert_refused(by, error, alert);
            return;
        }
        let (found, told) = match by {
            Role::Client => (meeting.client, meeting.server),
            Role::Server => (meeting.server, meeting.client),
        };
        let found = match found {
            Err(Error::Certificate(CertificateError::UnknownIssuer))
                if error == CertificateError::BadSignature =>
            {
                CertificateError::BadSignature
            }
            Err(Error::Certificate(found)) => found,
            other => panic!("it was not refused for its certificate: {other:?}"),
        };
        assert_eq!(found, error);
        assert!(told.is_err(), "the other side was not told");
    }

    /// Two sessions with the usual configs.
    pub fn standard(&self) -> Pair {
        self.pair(self.client_config(), self.server_config())
    }

    /// Two sessions, over plain ends; the client wants [`HOST`].
    #[track_caller]
    pub fn pair(&self, client: ClientConfigBuilder, server: ServerConfigBuilder) -> Pair {
        self.pair_to(HOST, client, server)
    }

    /// Two sessions, over plain ends; the client wants this name.
    #[track_caller]
    pub fn pair_to(
        &self,
        name: &str,
        client: ClientConfigBuilder,
        server: ServerConfigBuilder,
    ) -> Pair {
        let name = parse_server_name(name).expect("a server name");
        let plain = |end: End| -> Box<dyn Transport> { Box::new(end) };
        self.contexts(client, server)
            .expect("both backends take the configs")
            .pair(&name, plain, plain)
    }

    /// Compiles both configs, for several pairs.
    pub fn contexts(
        &self,
        client: ClientConfigBuilder,
        server: ServerConfigBuilder,
    ) -> Result<Contexts<'_, C, S>, Error> {
        Ok(Contexts {
            client: self.client.client(&client.build()?)?,
            server: self.server.server(&server.build()?)?,
            case: self,
        })
    }
}

/// Both sides' compiled configs.
#[derive(Debug)]
pub struct Contexts<'a, C: TlsBackend, S: TlsBackend> {
    case: &'a Case<C, S>,
    client: C::ClientContext,
    server: S::ServerContext,
}

impl<C: TlsBackend, S: TlsBackend> Contexts<'_, C, S> {
    /// Two sessions over a new pipe, whose ends are decorated.
    pub fn pair(
        &self,
        name: &ServerName<'_>,
        client_io: impl FnOnce(End) -> Box<dyn Transport>,
        server_io: impl FnOnce(End) -> Box<dyn Transport>,
    ) -> Pair {
        let client = self.case.client.connect(&self.client, name);
        let server = self.case.server.accept(&self.server);
        join(
            Box::new(client.expect("a client session")),
            Box::new(server.expect("a server session")),
            client_io,
            server_io,
        )
    }

    /// Two sessions over plain ends.
    pub fn plain(&self) -> Pair {
        let name = parse_server_name(HOST).expect("a server name");
        self.pair(&name, |end| Box::new(end), |end| Box::new(end))
    }
}

/// Puts two sessions on a new pipe. For odd scenarios the "client" may be any session.
pub fn join(
    client: Box<dyn TlsSession>,
    server: Box<dyn TlsSession>,
    client_io: impl FnOnce(End) -> Box<dyn Transport>,
    server_io: impl FnOnce(End) -> Box<dyn Transport>,
) -> Pair {
    let (client_end, server_end, wire) = pipe();
    let side = |role, session, io| Side { role, session, io };
    Pair {
        client: side(Role::Client, client, client_io(client_end)),
        server: side(Role::Server, server, server_io(server_end)),
        wire,
    }
}
