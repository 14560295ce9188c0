//! What rustls can do with this provider.

use rustls::crypto::CryptoProvider;
use tls_core::BackendInfo;

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
    // A version whose suites the provider has can be chosen.
    info.promise_all(kernel_tls::capabilities(), |_| true);
    info
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
