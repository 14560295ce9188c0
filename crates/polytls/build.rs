//! Stops a build of BoringSSL beside OpenSSL that would end in a thousand
//! linker errors, or worse, in one library calling the other, and tells how to
//! make it work.

use std::env;
use std::fs;
use std::process::ExitCode;

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=build.rs");
    match check() {
        Ok(()) => ExitCode::SUCCESS,
        Err(advice) => {
            for line in advice.lines() {
                println!("cargo::error={line}");
            }
            ExitCode::FAILURE
        }
    }
}

fn check() -> Result<(), String> {
    if !feature("BORING") || !(feature("OPENSSL") || native_tls_is_openssl()) {
        return Ok(());
    }
    if !is_prefixed() {
        return Err(PREFIX_ADVICE.to_owned());
    }
    let built_here = feature("OPENSSL_VENDORED") || feature("NATIVE_TLS_VENDORED");
    if built_here || is_static() {
        return Ok(());
    }
    Err(STATIC_ADVICE.to_owned())
}

const PREFIX_ADVICE: &str = "\
polytls: BoringSSL and OpenSSL export the same symbols, so one of them needs a prefix.
Add these two lines to the workspace's .cargo/config.toml, under [env]:

    CMAKE_TOOLCHAIN_FILE = { value = \".cargo/boringssl-prefix.cmake\", relative = true }
    BINDGEN_EXTRA_CLANG_ARGS = \"-DBORINGSSL_PREFIX=polytls_bssl\"

and write the file .cargo/boringssl-prefix.cmake that the first one names:

    if(CMAKE_SOURCE_DIR MATCHES \"/boringssl$\")
      set(BORINGSSL_PREFIX polytls_bssl)
    endif()

Then run `cargo clean -p boring-sys`, so that nothing without the prefix is left.
The guide's page \"OpenSSL and BoringSSL together\" says more.";

const STATIC_ADVICE: &str = "\
polytls: beside BoringSSL, the system's OpenSSL cannot be linked as a shared library:
the linker would take BoringSSL's libssl.a for it.
Turn on the feature `openssl-vendored` (or `native-tls-vendored`) to build OpenSSL from
source; or name an OpenSSL of your own by OPENSSL_DIR, and set OPENSSL_STATIC=1.";

fn feature(name: &str) -> bool {
    env::var_os(format!("CARGO_FEATURE_{name}")).is_some()
}

fn native_tls_is_openssl() -> bool {
    let target = |key: &str| env::var(format!("CARGO_CFG_TARGET_{key}")).unwrap_or_default();
    feature("NATIVE_TLS") && target("OS") != "windows" && target("VENDOR") != "apple"
}

/// Whether bindings and library get the same prefix. A library that is built
/// elsewhere (`BORING_BSSL_PATH`) is taken to have the one of the bindings.
fn is_prefixed() -> bool {
    let arguments = variable("BINDGEN_EXTRA_CLANG_ARGS").unwrap_or_default();
    let prefix = arguments
        .split_whitespace()
        .find_map(|argument| argument.strip_prefix("-DBORINGSSL_PREFIX="));
    let Some(prefix) = prefix.filter(|prefix| !prefix.is_empty()) else {
        return false;
    };
    if variable("BORING_BSSL_PATH").is_some() {
        return true;
    }
    let Some(file) = variable("CMAKE_TOOLCHAIN_FILE") else {
        return false;
    };
    println!("cargo::rerun-if-changed={file}");
    let text = fs::read_to_string(file).unwrap_or_default();
    let setting = format!("set(BORINGSSL_PREFIX {prefix})");
    text.lines().any(|line| line.trim() == setting)
}

/// Whether OpenSSL is linked statically. The system's own, which pkg-config
/// finds, is not, whatever else is set.
fn is_static() -> bool {
    let is_named = ["OPENSSL_DIR", "OPENSSL_LIB_DIR"];
    is_named.iter().any(|name| variable(name).is_some())
        && variable("OPENSSL_STATIC").is_some_and(|value| value != "0")
}

/// A variable of the build, as the build scripts of BoringSSL and OpenSSL look
/// for it: one for the target alone comes first.
fn variable(name: &str) -> Option<String> {
    let target = env::var("TARGET").unwrap_or_default();
    let underscored = target.replace('-', "_");
    let names = [
        format!("{name}_{target}"),
        format!("{name}_{underscored}"),
        format!("{}_{name}", underscored.to_uppercase()),
        name.to_owned(),
    ];
    for name in &names {
        println!("cargo::rerun-if-env-changed={name}");
    }
    names.iter().find_map(|name| env::var(name).ok())
}
