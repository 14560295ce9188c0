//! The build script, compiled and run as cargo runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// The build script as a program, and a folder for it to work in.
struct Script {
    folder: TempDir,
    program: PathBuf,
}

impl Script {
    fn compiled() -> Self {
        let folder = TempDir::new().unwrap();
        let program = folder.path().join("build-script");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("build.rs");
        let compiler = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
        let status = Command::new(compiler)
            .args(["--edition", "2024", "-o"])
            .args([&program, &source])
            .status()
            .unwrap();
        assert!(status.success());
        Self { folder, program }
    }

    fn file(&self, text: &str) -> String {
        let path = self.folder.path().join("toolchain.cmake");
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Runs it for these features, on Linux unless the variables say otherwise.
    fn run(&self, features: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .env("TARGET", "x86_64-unknown-linux-gnu")
            .env("CARGO_CFG_TARGET_OS", "linux")
            .env("CARGO_CFG_TARGET_VENDOR", "unknown")
            .envs(variables.iter().copied());
        for feature in features {
            command.env(format!("CARGO_FEATURE_{feature}"), "1");
        }
        command.output().unwrap()
    }

    fn passes(&self, features: &[&str], variables: &[(&str, &str)]) {
        let output = self.run(features, variables);
        assert!(output.status.success(), "{features:?} {output:?}");
    }

    fn refusal(&self, features: &[&str], variables: &[(&str, &str)]) -> String {
        let output = self.run(features, variables);
        assert!(!output.status.success(), "{features:?} {variables:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        let lines = text.lines();
        let errors: Vec<&str> = lines
            .filter_map(|line| line.strip_prefix("cargo::error="))
            .collect();
        errors.join("\n")
    }
}

const BINDINGS: (&str, &str) = ("BINDGEN_EXTRA_CLANG_ARGS", "-DBORINGSSL_PREFIX=own");
const STATIC: (&str, &str) = ("OPENSSL_STATIC", "1");
const OWN: (&str, &str) = ("OPENSSL_DIR", "/opt/openssl");

#[test]
fn backends_that_share_no_symbols_need_no_advice() {
    let script = Script::compiled();
    for features in [
        &["BORING"][..],
        &["BORING", "RUSTLS"],
        &["OPENSSL", "NATIVE_TLS", "RUSTLS"],
        &[],
    ] {
        script.passes(features, &[]);
    }
    for elsewhere in [
        ("CARGO_CFG_TARGET_OS", "windows"),
        ("CARGO_CFG_TARGET_VENDOR", "apple"),
    ] {
        script.passes(&["BORING", "NATIVE_TLS"], &[elsewhere]);
    }
}

#[test]
fn without_the_prefix_the_build_stops_with_the_lines_that_it_needs() {
    let script = Script::compiled();
    let toolchain = script.file("set(BORINGSSL_PREFIX own)\n");
    let library = ("CMAKE_TOOLCHAIN_FILE", &*toolchain);
    for other in ["OPENSSL", "NATIVE_TLS"] {
        for variables in [&[][..], &[BINDINGS], &[library]] {
            let advice = script.refusal(&["BORING", other], variables);
            for line in [
                "CMAKE_TOOLCHAIN_FILE = { value = ",
                "BINDGEN_EXTRA_CLANG_ARGS = \"-DBORINGSSL_PREFIX=polytls_bssl\"",
                "set(BORINGSSL_PREFIX polytls_bssl)",
            ] {
                assert!(advice.contains(line), "{advice}");
            }
        }
    }
}

#[test]
fn the_prefix_must_be_the_same_in_bindings_and_library() {
    let script = Script::compiled();
    let toolchain = script.file("set(BORINGSSL_PREFIX other)\n");
    let library = ("CMAKE_TOOLCHAIN_FILE", &*toolchain);
    let both = ["BORING", "OPENSSL"];
    script.refusal(&both, &[BINDINGS, library, STATIC, OWN]);
    script.file("  set(BORINGSSL_PREFIX own)\n");
    script.passes(&both, &[BINDINGS, library, STATIC, OWN]);
}

#[test]
fn a_setting_for_the_target_or_a_library_built_elsewhere_counts() {
    let script = Script::compiled();
    let both = ["BORING", "OPENSSL_VENDORED", "OPENSSL"];
    script.passes(&both, &[BINDINGS, ("BORING_BSSL_PATH", "/opt/boringssl")]);
    let target = (
        "BINDGEN_EXTRA_CLANG_ARGS_x86_64-unknown-linux-gnu",
        "-DBORINGSSL_PREFIX=own",
    );
    script.passes(&both, &[target, ("BORING_BSSL_PATH", "/opt/boringssl")]);
}

#[test]
fn a_shared_openssl_is_refused_beside_boringssl() {
    let script = Script::compiled();
    let toolchain = script.file("set(BORINGSSL_PREFIX own)\n");
    let variables = [BINDINGS, ("CMAKE_TOOLCHAIN_FILE", &*toolchain)];
    let advice = script.refusal(&["BORING", "OPENSSL"], &variables);
    assert!(advice.contains("openssl-vendored"), "{advice}");
    let system = [variables[0], variables[1], STATIC];
    script.refusal(&["BORING", "OPENSSL"], &system);
    script.passes(&["BORING", "OPENSSL", "OPENSSL_VENDORED"], &variables);
    script.passes(&["BORING", "NATIVE_TLS", "NATIVE_TLS_VENDORED"], &variables);
}

#[test]
fn this_workspace_follows_its_own_advice() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let script = Script::compiled();
    let advice = script.refusal(&["BORING", "OPENSSL"], &[]);
    let config = fs::read_to_string(root.join(".cargo/config.toml")).unwrap();
    let toolchain = fs::read_to_string(root.join(".cargo/boringssl-prefix.cmake")).unwrap();
    let advised = advice.lines().filter_map(|line| line.strip_prefix("    "));
    let mut seen = 0;
    for line in advised {
        let line = line.trim();
        let is_followed = config
            .lines()
            .chain(toolchain.lines())
            .any(|own| own.trim() == line);
        assert!(is_followed, "{line}");
        seen += 1;
    }
    assert_eq!(seen, 5);
}
