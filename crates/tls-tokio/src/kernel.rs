//! Kernel TLS, which no stream here can have.

use tls_core::{Error, KernelTls, TlsBackend, Unsupported};

/// Refuses what a config requires of the kernel: a stream has no descriptor
/// that all its bytes reach.
pub(crate) fn check<B: TlsBackend>(backend: &B, asked: KernelTls) -> Result<(), Error> {
    if asked.required.is_empty() {
        return Ok(());
    }
    let because = "the config requires it, but a stream of tokio has no descriptor to lend";
    Err(Unsupported::new(backend.info().name, asked.required, because).into())
}
