//! The contract of polytls.
//!
//! A backend crate implements [`TlsBackend`] and [`TlsSession`] for one TLS
//! library; sockets, loops and pools are generic over them. This crate holds
//! what all of them share: [capabilities](Capabilities), configuration
//! ([`ClientConfig`], [`ServerConfig`]), [errors](Error) and
//! [session facts](SessionFacts). It does no I/O and knows no TLS library.
//!
//! Three promises stand behind every item:
//!
//! 1. No knob is silently ignored. What a backend cannot do it does not
//!    advertise, and a config that asks for it is refused with
//!    [`Error::Unsupported`] before any byte is sent.
//! 2. The same input gives the same outcome, the same error variant and the
//!    same facts on every backend.
//! 3. The abstraction costs nothing that can be measured.
//!
//! To write a backend, read [`backend`](TlsBackend), then [`Lender`] if the
//! library wants to own its stream. To use one, start at the `polytls` crate.

mod alert;
mod alpn;
mod arena;
mod backend;
mod capability;
mod config;
mod erased;
mod error;
mod facts;
mod fingerprint;
mod iana;
mod identity;
mod kernel;
mod key_log;
mod lent;
pub mod limits;
mod peer_certificates;
mod promises;
mod read_ahead;
mod roots;
mod server_name;
mod staged;

pub use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
#[cfg(unix)]
pub use transport::WithDescriptor;
pub use transport::{Interest, IoError, Step, Transport};

pub use alert::Alert;
pub use alpn::AlpnProtocols;
pub use arena::RecordBuffer;
pub use backend::{BackendInfo, Role, TlsBackend, TlsSession};
pub use capability::Capabilities;
pub use config::{
    ClientAuth, ClientConfig, ClientConfigBuilder, DangerousClientConfigBuilder, Protocol,
    ServerConfig, ServerConfigBuilder, ServerVerification,
};
pub use erased::{AnyBackend, AnyContext};
pub use error::{
    BackendError, CertificateError, ConfigError, Error, PeerIncompatible, PeerMisbehaved,
    Unsupported,
};
pub use facts::SessionFacts;
pub use fingerprint::Fingerprint;
pub use iana::{CipherSuite, NamedGroup, ProtocolVersion, SignatureScheme};
pub use identity::Identity;
pub use kernel::KernelTls;
pub use key_log::{KeyLog, KeyLogFile, key_log_line};
pub use lent::{Lender, LentTransport};
pub use peer_certificates::{PeerCertificates, PeerChains};
pub use read_ahead::ReadAhead;
pub use roots::Roots;
pub use server_name::parse_server_name;
pub use staged::StagedTransport;
