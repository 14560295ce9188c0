//! What rustls can do with this provider.

use rustls::crypto::CryptoProvider;
use tls_core::{BackendInfo, Capabilities, CipherSuite, NamedGroup, ProtocolVersion, Role};

use crate::backend::NAME;
use crate::names;

/// The release line of rustls. The manifest asks for it, so it cannot differ
/// from what is linked; rustls itself does not tell its patch version.
const RELEASE: &str = "0.23";

/// Asks the provider.
pub(crate) fn probe(provider: &CryptoProvider) -> BackendInfo {
    let library = format!("rustls {RELEASE} with {}", provider_name(provider));
    let mut info = BackendInfo::new(NAME, library);
    info.fips = provider.fips();
    info.cipher_suites = names::suites(provider);
    info.groups = names::groups(provider);
    info.signature_schemes = names::schemes(provider);
    let both = capabilities(&info.cipher_suites, &info.groups);
    info.client = both & Capabilities::of(Role::Client);
    info.server = both & Capabilities::of(Role::Server);
    info
}

/// What holds in each role that it means something in.
fn capabilities(suites: &[CipherSuite], groups: &[NamedGroup]) -> Capabilities {
    let mut flags = Capabilities::GROUPS
        | Capabilities::SIGNATURE_SCHEMES
        | Capabilities::ROOTS
        | Capabilities::VERIFY_IP
        | Capabilities::VERIFY_CHAIN_ONLY
        | Capabilities::VERIFY_NOTHING
        | Capabilities::IDENTITY
        | Capabilities::CLIENT_AUTH_OPTIONAL
        | Capabilities::CLIENT_AUTH_REQUIRED
        | Capabilities::SNI
        | Capabilities::ALPN
        | Capabilities::ALPN_STRICT
        | Capabilities::ALPN_OCTETS
        | Capabilities::CERTIFICATE_RULES
        | Capabilities::KEY_LOG
        | Capabilities::EXPORTER
        | Capabilities::FACT_VERSION
        | Capabilities::FACT_CIPHER_SUITE
        | Capabilities::FACT_GROUP
        | Capabilities::FACT_SIGNATURE_SCHEME
        | Capabilities::FACT_PEER_CHAIN;
    let has = |version| suites.iter().any(|suite| suite.version() == version);
    if has(ProtocolVersion::Tls12) {
        flags |= Capabilities::TLS12 | Capabilities::CIPHER_SUITES_TLS12;
    }
    if has(ProtocolVersion::Tls13) {
        flags |= Capabilities::TLS13 | Capabilities::CIPHER_SUITES_TLS13 | Capabilities::KEY_UPDATE;
        flags |= kernel_tls::capabilities();
        if groups.contains(&NamedGroup::X25519MLKEM768) {
            flags |= Capabilities::POST_QUANTUM_GROUPS;
        }
    }
    flags
}

/// What the provider calls itself: the name of its key provider's type.
pub(crate) fn provider_name(provider: &CryptoProvider) -> String {
    let shown = format!("{:?}", provider.key_provider);
    let name: String = shown
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    match name.as_str() {
        "AwsLcRs" => "aws-lc-rs".to_owned(),
        "Ring" => "ring".to_owned(),
        "" => "a custom provider".to_owned(),
        _ => name,
    }
}
