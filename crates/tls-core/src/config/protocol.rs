//! The settings that both sides have.

use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::{
    AlpnProtocols, BackendInfo, Capabilities, CipherSuite, Error, KernelTls, KeyLog, NamedGroup,
    ProtocolVersion, Role, SignatureScheme, Unsupported,
};

/// The settings that a client and a server share, checked.
#[derive(Clone, Debug, Hash)]
pub struct Protocol {
    pub(super) min_version: ProtocolVersion,
    pub(super) max_version: ProtocolVersion,
    pub(super) cipher_suites: Option<Vec<CipherSuite>>,
    pub(super) groups: Option<Vec<NamedGroup>>,
    pub(super) signature_schemes: Option<Vec<SignatureScheme>>,
    pub(super) alpn: AlpnProtocols,
    pub(super) key_log: Option<Arc<dyn KeyLog>>,
    pub(super) prefers_kernel_tls: bool,
    pub(super) required: Capabilities,
}

impl Default for Protocol {
    fn default() -> Self {
        Self {
            min_version: ProtocolVersion::Tls12,
            max_version: ProtocolVersion::Tls13,
            cipher_suites: None,
            groups: None,
            signature_schemes: None,
            alpn: AlpnProtocols::default(),
            key_log: None,
            prefers_kernel_tls: false,
            required: Capabilities::empty(),
        }
    }
}

impl Protocol {
    /// The versions that may be negotiated.
    pub fn versions(&self) -> RangeInclusive<ProtocolVersion> {
        self.min_version..=self.max_version
    }

    /// Whether this version may be negotiated.
    pub fn allows(&self, version: ProtocolVersion) -> bool {
        self.versions().contains(&version)
    }

    /// The suites to offer or accept on this backend, in order: the config's
    /// own, or of [`CipherSuite::DEFAULT`] those that the backend has; for the
    /// versions that may be negotiated.
    pub fn cipher_suites(&self, info: &BackendInfo) -> Vec<CipherSuite> {
        let mut suites = chosen(
            &self.cipher_suites,
            CipherSuite::DEFAULT,
            &info.cipher_suites,
        );
        suites.retain(|suite| self.allows(suite.version()));
        suites
    }

    /// The groups to offer or accept on this backend, in order: the config's
    /// own, or of [`NamedGroup::DEFAULT`] those that the backend has.
    pub fn groups(&self, info: &BackendInfo) -> Vec<NamedGroup> {
        let mut groups = chosen(&self.groups, NamedGroup::DEFAULT, &info.groups);
        if !self.allows(ProtocolVersion::Tls13) {
            groups.retain(|group| !group.is_post_quantum());
        }
        groups
    }

    /// The signature schemes to accept and sign with on this backend, in
    /// order: the config's own, or of [`SignatureScheme::DEFAULT`] those that
    /// the backend has.
    pub fn signature_schemes(&self, info: &BackendInfo) -> Vec<SignatureScheme> {
        chosen(
            &self.signature_schemes,
            SignatureScheme::DEFAULT,
            &info.signature_schemes,
        )
    }

    /// The application protocols, empty when none is negotiated.
    pub fn alpn(&self) -> &AlpnProtocols {
        &self.alpn
    }

    /// Where secrets are logged, if at all.
    pub fn key_log(&self) -> Option<&Arc<dyn KeyLog>> {
        self.key_log.as_ref()
    }

    /// Whether sessions are handed to the kernel where that is possible.
    pub fn prefers_kernel_tls(&self) -> bool {
        self.prefers_kernel_tls
    }

    /// What the config asks of the kernel: how a session stands with it before
    /// the handshake.
    pub fn kernel_tls(&self) -> KernelTls {
        KernelTls {
            required: self.required & (Capabilities::KTLS_TX | Capabilities::KTLS_RX),
            ..KernelTls::inactive(self.prefers_kernel_tls)
        }
    }

    /// What is wrong whatever the backend.
    pub(super) fn validate(&self) -> Result<(), Error> {
        if self.min_version > self.max_version {
            return Err(Error::config(
                "min_version",
                format!(
                    "{} is above the max_version {}",
                    self.min_version, self.max_version
                ),
            ));
        }
        check_list("cipher_suites", self.cipher_suites.as_deref())?;
        check_list("groups", self.groups.as_deref())?;
        check_list("signature_schemes", self.signature_schemes.as_deref())?;
        if let Some(suites) = &self.cipher_suites {
            for &version in ProtocolVersion::ALL {
                let listed = suites.iter().any(|suite| suite.version() == version);
                if self.allows(version) && !listed {
                    return Err(Error::config(
                        "cipher_suites",
                        format!("{version} is allowed, but none of its suites is listed"),
                    ));
                }
            }
            if let Some(suite) = suites.iter().find(|suite| !self.allows(suite.version())) {
                let version = suite.version();
                return Err(Error::config(
                    "cipher_suites",
                    format!("{suite} is listed, but its {version} is not allowed"),
                ));
            }
        }
        let classical = |groups: &[NamedGroup]| groups.iter().any(|group| !group.is_post_quantum());
        if let Some(groups) = &self.groups
            && self.allows(ProtocolVersion::Tls12)
            && !classical(groups)
        {
            return Err(Error::config(
                "groups",
                "TLSv1.2 is allowed, but only TLSv1.3 has the groups that are listed",
            ));
        }
        Ok(())
    }

    /// What these settings ask of a backend, each with its reason.
    fn needs(&self) -> Vec<(Capabilities, String)> {
        let mut needs = Vec::new();
        let mut need = |capability, because: &str| needs.push((capability, because.to_owned()));
        for &(version, capability) in &[
            (ProtocolVersion::Tls12, Capabilities::TLS12),
            (ProtocolVersion::Tls13, Capabilities::TLS13),
        ] {
            // A version inside the range is a permission; both ends of a
            // range of one are a demand.
            if self.min_version == version && self.max_version == version {
                need(capability, &format!("{version} alone is allowed"));
            }
        }
        if let Some(suites) = &self.cipher_suites {
            let listed = |version| suites.iter().any(|suite| suite.version() == version);
            if listed(ProtocolVersion::Tls12) {
                need(
                    Capabilities::CIPHER_SUITES_TLS12,
                    "cipher_suites lists suites of TLSv1.2",
                );
            }
            if listed(ProtocolVersion::Tls13) {
                need(
                    Capabilities::CIPHER_SUITES_TLS13,
                    "cipher_suites lists suites of TLSv1.3",
                );
            }
        }
        if let Some(groups) = &self.groups {
            need(Capabilities::GROUPS, "groups is set");
            if groups.iter().any(|group| group.is_post_quantum()) {
                need(
                    Capabilities::POST_QUANTUM_GROUPS,
                    "groups lists an ML-KEM hybrid",
                );
            }
        }
        if self.signature_schemes.is_some() {
            need(Capabilities::SIGNATURE_SCHEMES, "signature_schemes is set");
        }
        if !self.alpn.is_empty() {
            need(Capabilities::ALPN, "alpn lists protocols");
        }
        if !self.alpn.iter().all(|name| str::from_utf8(name).is_ok()) {
            need(
                Capabilities::ALPN_OCTETS,
                "alpn lists a protocol whose name is not UTF-8",
            );
        }
        if self.key_log.is_some() {
            need(Capabilities::KEY_LOG, "key_log is set");
        }
        needs
    }

    /// Refuses what the backend lacks: the one check behind
    /// [`ClientConfig::check`](crate::ClientConfig::check) and
    /// [`ServerConfig::check`](crate::ServerConfig::check).
    pub(super) fn check(
        &self,
        info: &BackendInfo,
        role: Role,
        more: Vec<(Capabilities, &'static str)>,
    ) -> Result<(), Error> {
        let advertised = info.capabilities(role);
        let refuse = |capability, because: String| {
            Err(Unsupported::new(info.name, capability, because).into())
        };
        let more = more
            .into_iter()
            .map(|(capability, because)| (capability, because.to_owned()));
        for (capability, because) in self.needs().into_iter().chain(more) {
            let missing = capability - advertised;
            if !missing.is_empty() {
                return refuse(missing, because);
            }
        }
        if let Some(missing) = (self.required - advertised).iter().next() {
            return refuse(missing, "the config requires it".to_owned());
        }
        let library = &info.library;
        for &suite in self.cipher_suites.iter().flatten() {
            if !info.cipher_suites.contains(&suite) {
                let capability = match suite.version() {
                    ProtocolVersion::Tls12 => Capabilities::CIPHER_SUITES_TLS12,
                    ProtocolVersion::Tls13 => Capabilities::CIPHER_SUITES_TLS13,
                };
                return refuse(capability, format!("{library} does not have {suite}"));
            }
        }
        for &group in self.groups.iter().flatten() {
            if !info.groups.contains(&group) {
                return refuse(
                    Capabilities::GROUPS,
                    format!("{library} does not have {group}"),
                );
            }
        }
        for &scheme in self.signature_schemes.iter().flatten() {
            if !info.signature_schemes.contains(&scheme) {
                return refuse(
                    Capabilities::SIGNATURE_SCHEMES,
                    format!("{library} does not have {scheme}"),
                );
            }
        }
        Ok(())
    }
}

fn chosen<T: Copy + PartialEq>(own: &Option<Vec<T>>, default: &[T], available: &[T]) -> Vec<T> {
    match own {
        Some(own) => own.clone(),
        None => default
            .iter()
            .copied()
            .filter(|item| available.contains(item))
            .collect(),
    }
}

fn check_list<T: PartialEq + std::fmt::Display>(
    field: &'static str,
    list: Option<&[T]>,
) -> Result<(), Error> {
    let Some(list) = list else { return Ok(()) };
    if list.is_empty() {
        return Err(Error::config(field, "the list is empty"));
    }
    for (index, item) in list.iter().enumerate() {
        if list[..index].contains(item) {
            return Err(Error::config(field, format!("{item} is listed twice")));
        }
    }
    Ok(())
}

/// The builder methods that a client and a server have in common.
macro_rules! protocol_setters {
    () => {
        /// The lowest version that may be negotiated. Default: TLS 1.2.
        pub fn min_version(mut self, version: crate::ProtocolVersion) -> Self {
            self.protocol.min_version = version;
            self
        }

        /// The highest version that may be negotiated. Default: TLS 1.3.
        pub fn max_version(mut self, version: crate::ProtocolVersion) -> Self {
            self.protocol.max_version = version;
            self
        }

        /// The cipher suites, most preferred first, for both versions in one
        /// list; each version that is allowed needs one at least. The server
        /// takes the first of the client's that it has. Default:
        /// [`CipherSuite::DEFAULT`](crate::CipherSuite::DEFAULT).
        pub fn cipher_suites(
            mut self,
            suites: impl IntoIterator<Item = crate::CipherSuite>,
        ) -> Self {
            self.protocol.cipher_suites = Some(suites.into_iter().collect());
            self
        }

        /// The key exchange groups, most preferred first. Default:
        /// [`NamedGroup::DEFAULT`](crate::NamedGroup::DEFAULT) without those
        /// that the library does not have. In TLS 1.2 the curve of a server's
        /// ECDSA key must be among the groups too (RFC 8422, section 5.1.1).
        pub fn groups(mut self, groups: impl IntoIterator<Item = crate::NamedGroup>) -> Self {
            self.protocol.groups = Some(groups.into_iter().collect());
            self
        }

        /// The signature schemes that are accepted from the peer and that this
        /// side signs with, most preferred first. Default:
        /// [`SignatureScheme::DEFAULT`](crate::SignatureScheme::DEFAULT)
        /// without those that the library does not have.
        pub fn signature_schemes(
            mut self,
            schemes: impl IntoIterator<Item = crate::SignatureScheme>,
        ) -> Self {
            self.protocol.signature_schemes = Some(schemes.into_iter().collect());
            self
        }

        /// The application protocols, most preferred first (RFC 7301). The
        /// server chooses by its own order; without one in common the
        /// handshake fails. Default: none, and none is negotiated.
        pub fn alpn<I>(mut self, protocols: I) -> Self
        where
            I: IntoIterator,
            I::Item: AsRef<[u8]>,
        {
            self.alpn = crate::AlpnProtocols::new(protocols);
            self
        }

        /// Logs the secrets of every session. Whoever reads the log can read
        /// the traffic: for debugging only. Default: off.
        pub fn key_log(mut self, log: std::sync::Arc<dyn crate::KeyLog>) -> Self {
            self.protocol.key_log = Some(log);
            self
        }

        /// Hands the records of a session to the kernel when its handshake is
        /// done (kernel TLS), where that is possible; otherwise the library
        /// goes on with them. So it is never refused, and
        /// [`TlsSession::kernel_tls`](crate::TlsSession::kernel_tls) tells what
        /// came of it. It takes a TLS 1.3 session, a transport that tells its
        /// [`descriptor`](crate::Transport::descriptor), and what
        /// [`KTLS_TX`](crate::Capabilities::KTLS_TX) and
        /// [`KTLS_RX`](crate::Capabilities::KTLS_RX) promise: to refuse a
        /// backend or a kernel without them, [`require`](Self::require) those;
        /// tokio's streams, which tell no descriptor, are refused then as well.
        /// Default: off.
        ///
        /// A kernel before Linux 6.14 cannot renew the keys of such a session.
        /// On it [`key_update`](crate::TlsSession::key_update) is refused, and
        /// the peer's KeyUpdate ends the session, both with
        /// [`Error::Unsupported`](crate::Error::Unsupported).
        pub fn prefer_kernel_tls(mut self, prefer: bool) -> Self {
            self.protocol.prefers_kernel_tls = prefer;
            self
        }

        /// Refuses backends that do not advertise these, although no setting
        /// asks for them: for a caller that depends on a fact or an operation.
        pub fn require(mut self, capabilities: crate::Capabilities) -> Self {
            self.protocol.required |= capabilities;
            self
        }
    };
}
pub(super) use protocol_setters;
