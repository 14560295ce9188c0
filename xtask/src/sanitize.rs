//! Tests under Miri and AddressSanitizer. Both need a nightly toolchain.

use std::env;

use crate::command::{Failure, Invocation, Outcome};
use crate::test;

/// Names another way to run Miri than `cargo +nightly miri`.
const MIRI_COMMAND: &str = "POLYTLS_MIRI_COMMAND";

/// Whether Miri can be run.
pub(crate) fn has_miri() -> bool {
    miri_command().and("--version").succeeds()
}

/// Whether there is a nightly toolchain.
pub(crate) fn has_nightly() -> bool {
    Invocation::parse("cargo +nightly --version").succeeds()
}

/// Adds Miri to a nightly toolchain that is there already. A toolchain is a
/// large thing to install unasked; a part of it is not.
pub(crate) fn add_miri() -> Outcome {
    Invocation::parse("rustup component add --toolchain nightly miri rust-src").run()
}

/// Runs the unit tests of the modules of tls-core that are, or stand on,
/// unsafe code.
pub(crate) fn miri() -> Outcome<String> {
    if !has_miri() {
        return Err(Failure::new(
            "Miri is not installed; install it with\n\n    \
             rustup toolchain install nightly --profile minimal --component miri\n\n\
             or name the command that runs it in POLYTLS_MIRI_COMMAND",
        ));
    }
    test::run(
        &miri_command()
            .and("test --package tls-core --no-default-features --lib -- lent:: staged::"),
    )
}

/// Runs the unit tests of the crates with unsafe code. The C library itself is
/// the system's and not instrumented; its use of the heap is watched all the
/// same.
pub(crate) fn asan() -> Outcome<String> {
    if !has_nightly() {
        return Err(Failure::new(
            "AddressSanitizer needs a nightly toolchain; install it with\n\n    \
             rustup toolchain install nightly --profile minimal",
        ));
    }
    let host = host()?;
    test::run(
        &Invocation::parse("cargo +nightly test --lib --package tls-core --package tls-openssl")
            .and("--package tls-boring --package backend-kit")
            .and(&format!("--target {host}"))
            .with("RUSTFLAGS", "-Zsanitizer=address"),
    )
}

fn miri_command() -> Invocation {
    let command = env::var(MIRI_COMMAND).unwrap_or_default();
    if command.trim().is_empty() {
        return Invocation::parse("cargo +nightly miri");
    }
    Invocation::parse(&command)
}

/// The target that the nightly toolchain builds for by default.
fn host() -> Outcome<String> {
    let version = Invocation::parse("rustc +nightly -vV").read()?;
    version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(String::from)
        .ok_or_else(|| Failure::new("`rustc +nightly -vV` names no host"))
}
