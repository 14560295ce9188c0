//! What the library can do, as it is built and loaded.

use std::sync::LazyLock;

use tls_core::{BackendInfo, Capabilities, Role};

use crate::platform;

/// The name by which this backend is chosen.
pub(crate) const NAME: &str = "native-tls";

/// Asked of the library once: a process loads one.
///
/// The lists of suites, groups and schemes are empty: the library does not tell.
pub(crate) fn info() -> &'static BackendInfo {
    static INFO: LazyLock<BackendInfo> = LazyLock::new(|| platform::scoped(probe));
    &INFO
}

fn probe() -> BackendInfo {
    let mut info = BackendInfo::new(NAME, format!("native-tls 0.2 over {}", platform::library()));
    info.client = platform::capabilities(Role::Client) & Capabilities::of(Role::Client);
    info.server = platform::capabilities(Role::Server) & Capabilities::of(Role::Server);
    info
}
