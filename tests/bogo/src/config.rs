//! A test's settings as a config of ours.

use std::path::Path;
use std::str::FromStr;

use polytls::tls::{
    BackendInfo, Capabilities, CipherSuite, ClientAuth, ClientConfig, Error, Identity, NamedGroup,
    ProtocolVersion, Role, Roots, ServerConfig, SignatureScheme,
};

use crate::ending::{Class, Ending, Missing};
use crate::settings::Settings;

/// What both roles have in common, checked against the floor of the contract.
struct Common {
    versions: (ProtocolVersion, ProtocolVersion),
    suites: Option<Vec<CipherSuite>>,
    groups: Option<Vec<NamedGroup>>,
    schemes: Option<Vec<SignatureScheme>>,
    facts: Capabilities,
}

/// The config of a client. BoringSSL's shim looks at the server's certificate
/// only where a test says so, and never at its name.
pub(crate) fn client(settings: &Settings, info: &BackendInfo) -> Result<ClientConfig, Ending> {
    let common = Common::new(settings, info, Role::Client)?;
    let builder = ClientConfig::builder();
    let builder = match settings.verifies() {
        true => builder.roots(trust(settings)?).danger().accept_any_name(),
        false => builder.danger().accept_any_certificate(),
    };
    let builder = match identity(settings)? {
        Some(identity) => builder.identity(identity),
        None => builder,
    };
    let alpn = protocols(&settings.advertise_alpn)?;
    common.apply(builder.alpn(alpn)).build().map_err(refused)
}

/// The config of a server.
pub(crate) fn server(settings: &Settings, info: &BackendInfo) -> Result<ServerConfig, Ending> {
    let common = Common::new(settings, info, Role::Server)?;
    let Some(identity) = identity(settings)? else {
        return Err(missing("a server without a certificate"));
    };
    let builder = ServerConfig::builder().identity(identity);
    let builder = match (
        settings.verify_peer,
        settings.require_any_client_certificate,
    ) {
        (true, _) => builder.client_auth(ClientAuth::Optional(trust(settings)?)),
        (false, true) => builder.client_auth(ClientAuth::Required(trust(settings)?)),
        (false, false) if settings.expect_verify_result => {
            return Err(missing(
                "the verdict on a certificate that was not asked for",
            ));
        }
        (false, false) => builder,
    };
    let builder = match (settings.select_alpn.as_slice(), settings.reject_alpn) {
        ([], false) => builder,
        // A protocol that no client names is one that every client is refused for.
        (_, true) => builder.alpn([b"\0rejected"]),
        (protocol, false) => builder.alpn([protocol]),
    };
    common.apply(builder).build().map_err(refused)
}

/// The setters that both builders have.
trait Builder: Sized {
    fn common(self, common: Common) -> Self;
}

macro_rules! builders {
    ($($builder:ty),*) => {$(
        impl Builder for $builder {
            fn common(self, common: Common) -> Self {
                let (lowest, highest) = common.versions;
                let mut builder = self.min_version(lowest).max_version(highest);
                if let Some(suites) = common.suites {
                    builder = builder.cipher_suites(suites);
                }
                if let Some(groups) = common.groups {
                    builder = builder.groups(groups);
                }
                if let Some(schemes) = common.schemes {
                    builder = builder.signature_schemes(schemes);
                }
                builder.require(common.facts)
            }
        }
    )*};
}

builders!(
    polytls::tls::ClientConfigBuilder,
    polytls::tls::ServerConfigBuilder
);

impl Common {
    fn new(settings: &Settings, info: &BackendInfo, role: Role) -> Result<Self, Ending> {
        let versions = versions(settings)?;
        if let Some(policy) = settings.policy {
            let (lowest, highest) = versions;
            let mut suites = policy.suites.to_vec();
            suites.retain(|suite| (lowest..=highest).contains(&suite.version()));
            return Ok(Self {
                versions,
                suites: Some(suites),
                groups: Some(policy.groups.to_vec()),
                schemes: Some(policy.schemes.to_vec()),
                facts: facts(settings),
            });
        }
        Ok(Self {
            versions,
            suites: suites(settings, info, versions, role)?,
            groups: match settings.curves.as_slice() {
                [] => None,
                ids => Some(known(ids, NamedGroup::from_number, "group")?),
            },
            schemes: schemes(settings, role)?,
            facts: facts(settings),
        })
    }

    fn apply<B: Builder>(self, builder: B) -> B {
        builder.common(self)
    }
}

/// What the assertions of a test depend on.
fn facts(settings: &Settings) -> Capabilities {
    let mut facts = Capabilities::empty();
    let mut need = |asked: bool, capability| {
        if asked {
            facts |= capability;
        }
    };
    need(
        settings.expect_version.is_some(),
        Capabilities::FACT_VERSION,
    );
    let cipher = settings.expect_cipher.or(settings.expect_cipher_aes);
    let cipher = cipher.or(settings.expect_cipher_no_aes);
    need(cipher.is_some(), Capabilities::FACT_CIPHER_SUITE);
    need(settings.expect_curve_id.is_some(), Capabilities::FACT_GROUP);
    let scheme = settings.expect_peer_signature_algorithm;
    need(scheme.is_some(), Capabilities::FACT_SIGNATURE_SCHEME);
    let chain = settings.expect_peer_cert_file.is_some();
    need(chain, Capabilities::FACT_PEER_CHAIN);
    let name = settings.expect_server_name.is_some() || settings.expect_no_server_name;
    need(name, Capabilities::SNI);
    need(
        settings.export > 0 || settings.export_between_reads,
        Capabilities::EXPORTER,
    );
    let update = settings.key_update || settings.key_update_before_read;
    need(update, Capabilities::KEY_UPDATE);
    facts
}

/// The versions that a test leaves, from TLS 1.2 on.
fn versions(settings: &Settings) -> Result<(ProtocolVersion, ProtocolVersion), Ending> {
    let below = |bound: Option<u16>| bound.is_some_and(|v| v < ProtocolVersion::Tls12.number());
    if below(settings.min_version) || below(settings.max_version) {
        return Err(missing(FLOOR));
    }
    let allowed = |version: &ProtocolVersion| {
        let number = version.number();
        settings.min_version.is_none_or(|lowest| number >= lowest)
            && settings.max_version.is_none_or(|highest| number <= highest)
            && !settings.without.contains(&number)
    };
    let mut versions = ProtocolVersion::ALL.iter().copied().filter(allowed);
    let lowest = versions.next().ok_or_else(|| missing(FLOOR))?;
    Ok((lowest, versions.next_back().unwrap_or(lowest)))
}

const FLOOR: &str = "TLS 1.0 and 1.1, which are below the floor";

/// `-cipher` is about TLS 1.2 and below, `-tls13-ciphers` about TLS 1.3; what
/// is not named keeps its default.
fn suites(
    settings: &Settings,
    info: &BackendInfo,
    (lowest, highest): (ProtocolVersion, ProtocolVersion),
    role: Role,
) -> Result<Option<Vec<CipherSuite>>, Ending> {
    if settings.cipher.is_none() && settings.tls13_ciphers.is_empty() {
        return Ok(None);
    }
    let default = |version| {
        let all = CipherSuite::DEFAULT.iter().copied();
        all.filter(move |suite| suite.version() == version && info.cipher_suites.contains(suite))
    };
    let mut suites = match settings.tls13_ciphers.as_slice() {
        [] => default(ProtocolVersion::Tls13).collect(),
        ids => known(ids, CipherSuite::from_number, "cipher suite")?,
    };
    match &settings.cipher {
        None => suites.extend(default(ProtocolVersion::Tls12)),
        Some(list) => {
            let named: Vec<_> = list
                .split(':')
                .map(CipherSuite::from_str)
                .collect::<Result<_, _>>()
                .map_err(|_| {
                    missing("cipher suites with CBC, with RSA key exchange or by alias")
                })?;
            if named.len() > 1 && role == Role::Server {
                return Err(missing("the server's order of cipher suites"));
            }
            suites.extend(named);
        }
    }
    suites.retain(|suite| (lowest..=highest).contains(&suite.version()));
    Ok(Some(suites))
}

/// The contract has one list for what is signed with and what is accepted, so
/// a list for one of them is honoured where the other does not matter. A list
/// to sign with is honoured besides where the peer's key is of another kind:
/// the schemes of other kinds cannot be signed with, and are accepted.
fn schemes(settings: &Settings, role: Role) -> Result<Option<Vec<SignatureScheme>>, Ending> {
    let signs = settings.cert_file.is_some();
    let asks = settings.verify_peer || settings.require_any_client_certificate;
    let verifies = role == Role::Client || asks;
    let list = match (
        settings.signing_prefs.as_slice(),
        settings.verify_prefs.as_slice(),
    ) {
        ([], []) => return Ok(None),
        (signing, []) if signs && !verifies => signing,
        ([], verify) if verifies && !signs => verify,
        (signing, verify) if signing == verify => signing,
        (signing, []) => {
            let mut list = known(signing, SignatureScheme::from_number, "signature scheme")?;
            let own = identity(settings)?.map(|identity| KeyKind::of(&identity));
            for &scheme in SignatureScheme::DEFAULT {
                if Some(KeyKind::for_scheme(scheme)) != own && !list.contains(&scheme) {
                    list.push(scheme);
                }
            }
            return Ok(Some(list));
        }
        _ => {
            return Err(missing(
                "signature schemes apart for signing and for verifying",
            ));
        }
    };
    Ok(Some(known(
        list,
        SignatureScheme::from_number,
        "signature scheme",
    )?))
}

/// What signs with a scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyKind {
    Rsa,
    Ecdsa,
    Edwards,
}

impl KeyKind {
    /// By the object identifier in the key.
    fn of(identity: &Identity) -> Self {
        const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
        const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
        let key = identity.key().secret_der();
        let names = |kind: &[u8]| key.windows(kind.len()).take(32).any(|part| part == kind);
        if names(RSA) {
            Self::Rsa
        } else if names(EC) {
            Self::Ecdsa
        } else {
            Self::Edwards
        }
    }

    fn for_scheme(scheme: SignatureScheme) -> Self {
        match scheme.name() {
            name if name.starts_with("rsa_") => Self::Rsa,
            name if name.starts_with("ecdsa_") => Self::Ecdsa,
            _ => Self::Edwards,
        }
    }
}

fn known<T>(ids: &[u16], find: fn(u16) -> Option<T>, what: &str) -> Result<Vec<T>, Ending> {
    ids.iter()
        .map(|&id| find(id).ok_or_else(|| missing(format!("a {what} that has no name here"))))
        .collect()
}

fn identity(settings: &Settings) -> Result<Option<Identity>, Ending> {
    if settings.credentials > 1 {
        return Err(missing("several credentials to choose from"));
    }
    if settings.expect_selected_credential.is_some() && !settings.server {
        return Err(missing("whether a client showed its certificate"));
    }
    match (&settings.cert_file, &settings.key_file) {
        (Some(chain), Some(key)) => Identity::from_pem_files(chain, key)
            .map(Some)
            .map_err(refused),
        (None, None) => Ok(None),
        _ => Err(missing("a certificate without its key, or the reverse")),
    }
}

/// Whom to trust; where the peer shows nothing it does not matter, and our own
/// certificate serves.
fn trust(settings: &Settings) -> Result<Roots, Ending> {
    match settings.trust_cert.as_ref().or(settings.cert_file.as_ref()) {
        Some(path) => Roots::from_pem(&read(path)?).map_err(refused),
        None => Err(missing("verification without a root")),
    }
}

/// The names in a list in wire form. One that breaks RFC 7301 cannot be said.
fn protocols(mut wire: &[u8]) -> Result<Vec<&[u8]>, Ending> {
    let mut names = Vec::new();
    while let Some((&length, rest)) = wire.split_first() {
        let Some((name, rest)) = rest.split_at_checked(length.into()) else {
            return Err(missing("ALPN against RFC 7301"));
        };
        names.push(name);
        wire = rest;
    }
    Ok(names)
}

/// Reads a file of the runner's.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Ending> {
    std::fs::read(path).map_err(|error| Ending::broken(format!("{}: {error}", path.display())))
}

/// A refusal of the contract, whatever the backend.
fn refused(error: Error) -> Ending {
    match error {
        Error::Config(error) => missing(format!("refused by the contract: {}", error.field)),
        error => Ending::broken(format!("building the config: {error}")),
    }
}

/// What a backend answers to a config: a capability that it lacks is the
/// library's, anything else is a failure of the test.
pub(crate) fn judged<T>(result: Result<T, Error>) -> Result<T, Ending> {
    result.map_err(|error| match error {
        Error::Unsupported(refusal) => Missing::new(
            Class::Library,
            format!("{} is not advertised", refusal.capability),
        )
        .into(),
        error => Ending::Failed(error),
    })
}

fn missing(reason: impl Into<String>) -> Ending {
    Missing::new(Class::Api, reason).into()
}

impl Settings {
    /// Whether the peer's certificate is verified, as a client.
    pub(crate) fn verifies(&self) -> bool {
        self.verify_peer || self.expect_verify_result
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn everything() -> BackendInfo {
        let mut info = BackendInfo::new("all", "All 1.0");
        info.cipher_suites = CipherSuite::ALL.to_vec();
        info
    }

    fn settings(line: &str) -> Settings {
        crate::flags::parse(line.split_whitespace().map(OsString::from)).unwrap()
    }

    fn lack(line: &str) -> String {
        match client(&settings(line), &everything()) {
            Err(Ending::Unimplemented(missing)) => missing.reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn versions_below_the_floor_are_missing_and_not_clamped() {
        assert!(lack("-max-version 770").contains("floor"));
        assert!(lack("-min-version 769").contains("floor"));
        assert!(lack("-no-tls12 -no-tls13").contains("floor"));
        let only = client(&settings("-no-tls12 -no-tls11"), &everything()).unwrap();
        let versions = only.protocol().versions();
        assert_eq!(versions, ProtocolVersion::Tls13..=ProtocolVersion::Tls13);
    }

    #[test]
    fn a_suite_without_a_name_here_is_missing() {
        let named = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";
        let config = client(&settings(&format!("-cipher {named}")), &everything()).unwrap();
        let suites = config.protocol().cipher_suites(&everything());
        let of_12 = suites
            .iter()
            .filter(|s| s.version() == ProtocolVersion::Tls12);
        assert_eq!(of_12.map(|s| s.name()).collect::<Vec<_>>(), [named]);
        assert!(lack("-cipher ALL:3DES").contains("CBC"));
    }

    #[test]
    fn a_list_of_schemes_for_one_purpose_is_honoured_only_where_the_other_is_idle() {
        assert!(client(&settings("-verify-prefs 2052"), &everything()).is_ok());
        assert!(lack("-verify-prefs 2052 -cert-file c -key-file k").contains("apart"));
    }

    #[test]
    fn a_list_of_protocols_is_taken_apart() {
        assert_eq!(protocols(b"\x02h2\x03foo").unwrap(), [&b"h2"[..], b"foo"]);
        assert!(protocols(b"\x05h2").is_err());
        assert!(protocols(b"").unwrap().is_empty());
    }
}
