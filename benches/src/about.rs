//! What was measured, and on what.

use std::collections::BTreeMap;
use std::fs;
use std::thread;

use serde::Serialize;
use tls_boring::Boring;
use tls_core::TlsBackend;
use tls_native::Native;
use tls_openssl::OpenSsl;
use tls_rustls::Rustls;

/// The libraries and the machine.
#[derive(Debug, Serialize)]
pub struct About {
    /// Each backend's library, as it names itself.
    pub backends: BTreeMap<&'static str, String>,
    /// The compiler.
    pub rustc: &'static str,
    /// The processor; empty where the system does not tell.
    pub cpu: String,
    /// How many of its threads this process may use.
    pub cores: usize,
    /// The kernel's release; empty where the system does not tell.
    pub kernel: String,
}

impl About {
    /// Asks the libraries and the system.
    pub fn here() -> Self {
        let infos = [
            Rustls::default().info(),
            OpenSsl::new().info(),
            Boring::new().info(),
            Native::new().info(),
        ];
        Self {
            backends: infos.map(|info| (info.name, info.library)).into(),
            rustc: env!("BENCH_RUSTC"),
            cpu: cpu().unwrap_or_default(),
            cores: thread::available_parallelism().map_or(1, usize::from),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")
                .map(|release| release.trim().to_owned())
                .unwrap_or_default(),
        }
    }
}

fn cpu() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
