//! Whether two configs are the same.

use std::fmt;
use std::hash::{Hash, Hasher};

use sha2::{Digest, Sha256};

use crate::ClientConfig;

/// Stands for a whole config: a connection that was made with one config may
/// serve another only if both have the same fingerprint.
///
/// Every setting is in it, with the octets of certificates and keys. A hook
/// (the key log) counts by its place in memory, because nothing else tells two
/// hooks apart: keep the config as long as you compare its fingerprint.
///
/// It means something within one process only: do not store it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Its octets.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Enough of it to tell it from others in a log. It is made from a private
/// key too, so the rest is kept back.
impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "Fingerprint({a:02x}{b:02x}{c:02x}{d:02x}..)")
    }
}

impl ClientConfig {
    /// Stands for all settings of this config. It reads every root and the
    /// identity, so compute it once for a config and not for each connection.
    pub fn fingerprint(&self) -> Fingerprint {
        // A setting that is added later is in it without being named here,
        // because the config derives `Hash`.
        let mut settings = Settings(Sha256::new());
        self.hash(&mut settings);
        Fingerprint(settings.0.finalize().into())
    }
}

/// Takes what `Hash` feeds to it: values of fixed size, and lists behind their
/// lengths.
struct Settings(Sha256);

impl Hasher for Settings {
    fn write(&mut self, octets: &[u8]) {
        self.0.update(octets);
    }

    fn finish(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(self.0.clone().finalize());
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        Capabilities, CertificateDer, CipherSuite, ClientConfigBuilder, Identity, KeyLog,
        NamedGroup, PrivateKeyDer, ProtocolVersion, Roots, SignatureScheme,
    };

    #[derive(Debug)]
    struct Log;
    impl KeyLog for Log {
        fn log(&self, _: &str) {}
    }

    fn certificate(octet: u8) -> CertificateDer<'static> {
        CertificateDer::from(vec![0x30, 1, octet])
    }

    fn roots(octet: u8) -> Roots {
        Roots::from_der([certificate(octet)]).unwrap()
    }

    fn identity(certificates: &[u8], key: PrivateKeyDer<'static>) -> Identity {
        Identity::from_der(certificates.iter().map(|&octet| certificate(octet)), key).unwrap()
    }

    fn pkcs8(octet: u8) -> PrivateKeyDer<'static> {
        rustls_pki_types::PrivatePkcs8KeyDer::from(vec![0x30, 1, octet]).into()
    }

    fn trusting() -> ClientConfigBuilder {
        ClientConfig::builder().roots(roots(0))
    }

    fn of(builder: ClientConfigBuilder) -> Fingerprint {
        builder.build().unwrap().fingerprint()
    }

    #[test]
    fn the_same_settings_have_the_same_fingerprint() {
        let made = || {
            trusting()
                .alpn(["h2", "http/1.1"])
                .identity(identity(&[1, 2], pkcs8(1)))
        };
        let config = made().build().unwrap();
        assert_eq!(config.fingerprint(), of(made()));
        assert_eq!(config.fingerprint(), config.clone().fingerprint());
        assert_eq!(config.fingerprint(), config.fingerprint());
    }

    #[test]
    fn each_setting_changes_the_fingerprint() {
        let sec1 = rustls_pki_types::PrivateSec1KeyDer::from(vec![0x30, 1, 1]);
        let log: Arc<dyn KeyLog> = Arc::new(Log);
        let configs = [
            ("nothing", trusting()),
            ("another root", ClientConfig::builder().roots(roots(1))),
            (
                "two roots",
                ClientConfig::builder().roots(roots(0).and(&roots(1))),
            ),
            ("any name", trusting().danger().accept_any_name()),
            (
                "any certificate",
                ClientConfig::builder().danger().accept_any_certificate(),
            ),
            ("an identity", trusting().identity(identity(&[1], pkcs8(1)))),
            (
                "another certificate",
                trusting().identity(identity(&[2], pkcs8(1))),
            ),
            (
                "a longer chain",
                trusting().identity(identity(&[1, 2], pkcs8(1))),
            ),
            ("another key", trusting().identity(identity(&[1], pkcs8(2)))),
            (
                "another kind of key",
                trusting().identity(identity(&[1], sec1.into())),
            ),
            ("no server name", trusting().sni(false)),
            (
                "min_version",
                trusting().min_version(ProtocolVersion::Tls13),
            ),
            (
                "max_version",
                trusting().max_version(ProtocolVersion::Tls12),
            ),
            (
                "cipher_suites",
                trusting().cipher_suites(CipherSuite::DEFAULT.iter().copied()),
            ),
            ("groups", trusting().groups([NamedGroup::X25519])),
            (
                "two groups",
                trusting().groups([NamedGroup::X25519, NamedGroup::Secp256r1]),
            ),
            (
                "groups in another order",
                trusting().groups([NamedGroup::Secp256r1, NamedGroup::X25519]),
            ),
            (
                "signature_schemes",
                trusting().signature_schemes([SignatureScheme::Ed25519]),
            ),
            ("alpn", trusting().alpn(["ab", "c"])),
            ("alpn cut elsewhere", trusting().alpn(["a", "bc"])),
            ("key_log", trusting().key_log(log)),
            ("another key_log", trusting().key_log(Arc::new(OtherLog(0)))),
            ("kernel TLS", trusting().prefer_kernel_tls(true)),
            ("require", trusting().require(Capabilities::EXPORTER)),
        ];
        // Kept to the end, so that no hook takes another's place in memory.
        let configs = configs.map(|(what, builder)| (what, builder.build().unwrap()));
        for (index, (what, config)) in configs.iter().enumerate() {
            for (other, before) in &configs[..index] {
                assert_ne!(
                    config.fingerprint(),
                    before.fingerprint(),
                    "{what} is {other}"
                );
            }
        }
    }

    #[derive(Debug)]
    struct OtherLog(u8);
    impl KeyLog for OtherLog {
        fn log(&self, line: &str) {
            assert!(line.len() > usize::from(self.0));
        }
    }

    #[test]
    fn a_log_shows_little_of_it() {
        let shown = format!("{:?}", of(trusting()));
        assert_eq!(shown.len(), "Fingerprint(01234567..)".len(), "{shown}");
    }
}
