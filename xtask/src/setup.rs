//! `cargo xtask setup`: the system packages that a build and the tests need.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::command::{Failure, Invocation, Outcome};

/// One thing that must be there.
struct Need {
    what: &'static str,
    why: &'static str,
    is_met: fn() -> bool,
    /// The packages that bring it, by package manager.
    packages: fn(Manager) -> &'static [&'static str],
}

/// Everything that must be there.
const NEEDS: &[Need] = &[
    Need {
        what: "a C compiler",
        why: "linking, and the C libraries that are built here",
        is_met: has_c_compiler,
        packages: |manager| match manager {
            Manager::Apt => &["gcc", "libc6-dev"],
            Manager::Dnf => &["gcc", "glibc-devel"],
            Manager::Apk => &["gcc", "musl-dev", "linux-headers"],
            Manager::Pacman | Manager::Brew => &["gcc"],
        },
    },
    Need {
        what: "make",
        why: "OpenSSL built from source",
        is_met: || has_program("make"),
        packages: |_| &["make"],
    },
    Need {
        what: "perl",
        why: "OpenSSL built from source",
        is_met: has_perl,
        packages: |manager| match manager {
            Manager::Dnf => &["perl-core"],
            _ => &["perl"],
        },
    },
    Need {
        what: "pkg-config",
        why: "the system's OpenSSL",
        is_met: || has_program("pkg-config"),
        packages: |manager| match manager {
            Manager::Apt | Manager::Brew => &["pkg-config"],
            Manager::Dnf => &["pkgconf-pkg-config"],
            Manager::Apk | Manager::Pacman => &["pkgconf"],
        },
    },
    Need {
        what: "the headers of OpenSSL",
        why: "the system's OpenSSL",
        is_met: has_openssl_headers,
        packages: |manager| match manager {
            Manager::Apt => &["libssl-dev"],
            Manager::Dnf => &["openssl-devel"],
            Manager::Apk => &["openssl-dev"],
            Manager::Pacman => &["openssl"],
            Manager::Brew => &["openssl@3"],
        },
    },
    Need {
        what: "a C++ compiler",
        why: "BoringSSL",
        is_met: has_cxx_compiler,
        packages: |manager| match manager {
            Manager::Apt | Manager::Apk => &["g++"],
            Manager::Dnf => &["gcc-c++"],
            Manager::Pacman | Manager::Brew => &["gcc"],
        },
    },
    Need {
        what: "CMake",
        why: "BoringSSL",
        is_met: || has_program("cmake"),
        packages: |_| &["cmake"],
    },
    Need {
        what: "git",
        why: "BoringSSL, whose sources are patched",
        is_met: || has_program("git"),
        packages: |_| &["git"],
    },
    Need {
        what: "libclang",
        why: "the bindings of BoringSSL",
        is_met: has_libclang,
        packages: |manager| match manager {
            Manager::Apt => &["libclang-dev"],
            Manager::Dnf => &["clang-devel"],
            Manager::Apk => &["clang-libclang"],
            Manager::Pacman => &["clang"],
            Manager::Brew => &["llvm"],
        },
    },
    Need {
        what: "the openssl program",
        why: "tests against it",
        is_met: || has_program("openssl"),
        packages: |manager| match manager {
            Manager::Brew => &["openssl@3"],
            _ => &["openssl"],
        },
    },
    Need {
        what: "python3 with venv",
        why: "Go for BoGo, BoringSSL's protocol tests",
        is_met: has_venv,
        packages: |manager| match manager {
            Manager::Apt => &["python3", "python3-venv"],
            Manager::Dnf | Manager::Apk => &["python3"],
            Manager::Pacman | Manager::Brew => &["python"],
        },
    },
    Need {
        what: "Go modules of the x series",
        why: "BoGo, where the system has them as packages",
        // Elsewhere `cargo xtask bogo` says that it cannot be built.
        is_met: || !has_program("apt-get") || has_go_modules(),
        packages: |_| {
            &[
                "golang-golang-x-crypto-dev",
                "golang-golang-x-sys-dev",
                "golang-golang-x-term-dev",
            ]
        },
    },
    Need {
        what: "the curl program",
        why: "tests against it",
        is_met: || has_program("curl"),
        packages: |_| &["curl"],
    },
    Need {
        what: "QEMU and a static busybox",
        why: "kernel TLS in a virtual machine",
        // `cargo xtask ktls` takes its kernel from apt, and says so elsewhere.
        is_met: || {
            !cfg!(all(target_os = "linux", target_arch = "x86_64"))
                || !has_program("apt-get")
                || (has_program("qemu-system-x86_64") && has_program("busybox"))
        },
        packages: |manager| match manager {
            Manager::Apt => &["qemu-system-x86", "busybox-static"],
            Manager::Dnf | Manager::Pacman => &["qemu-system-x86", "busybox"],
            Manager::Apk => &["qemu-system-x86_64", "busybox-static"],
            Manager::Brew => &["qemu"],
        },
    },
    Need {
        what: "valgrind",
        why: "counting instructions and allocations",
        // There is none for macOS; `cargo xtask bench` says that it cannot
        // count there, and measures time all the same.
        is_met: || cfg!(target_os = "macos") || has_program("valgrind"),
        packages: |_| &["valgrind"],
    },
];

/// A package manager that we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manager {
    Apt,
    Dnf,
    Apk,
    Pacman,
    Brew,
}

/// How packages may be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Right {
    /// As who we are.
    Ours,
    /// With a sudo that asks nothing.
    Sudo,
    /// Not by us.
    None,
}

/// Says what is missing; fails if anything is.
pub(crate) fn check() -> Outcome {
    let missing = missing();
    if missing.is_empty() {
        println!("nothing is missing");
        return Ok(());
    }
    Err(Failure::new(advice(&missing, Manager::find())))
}

/// Installs what is missing. Fails, with the command to run, where that is not
/// for us to do, and when something is missing afterwards.
pub(crate) fn install() -> Outcome {
    let missing = missing();
    if missing.is_empty() {
        println!("nothing is missing");
        return Ok(());
    }
    let manager = Manager::find();
    let right = manager.map_or(Right::None, Right::find);
    let Some(manager) = manager.filter(|_| right != Right::None) else {
        return Err(Failure::new(advice(&missing, manager)));
    };
    for command in manager.install(&packages(&missing, manager), right) {
        command.run()?;
    }
    let missing = self::missing();
    if missing.is_empty() {
        return Ok(());
    }
    let list = list(&missing);
    Err(Failure::new(format!("still missing:\n{list}")))
}

fn missing() -> Vec<&'static Need> {
    NEEDS.iter().filter(|need| !(need.is_met)()).collect()
}

/// The packages of all of them, each once.
fn packages(needs: &[&Need], manager: Manager) -> Vec<&'static str> {
    let mut packages = Vec::new();
    for package in needs.iter().flat_map(|need| (need.packages)(manager)) {
        if !packages.contains(package) {
            packages.push(*package);
        }
    }
    packages
}

/// What is missing, and how to get it.
fn advice(needs: &[&Need], manager: Option<Manager>) -> String {
    let list = list(needs);
    let Some(manager) = manager else {
        return format!("missing:\n{list}and no package manager that we know to install it with");
    };
    let right = match manager {
        Manager::Brew => Right::Ours,
        _ => Right::Sudo,
    };
    let commands: Vec<String> = manager
        .install(&packages(needs, manager), right)
        .iter()
        .map(|command| command.to_string().replace("sudo -n ", "sudo "))
        .collect();
    let commands = commands.join(" && ");
    format!("missing:\n{list}install it with\n\n    {commands}\n")
}

fn list(needs: &[&Need]) -> String {
    let line = |need: &&Need| format!("  - {} (for {})\n", need.what, need.why);
    needs.iter().map(line).collect()
}

impl Manager {
    /// The one that this system has.
    fn find() -> Option<Self> {
        [Self::Apt, Self::Dnf, Self::Apk, Self::Pacman, Self::Brew]
            .into_iter()
            .find(|manager| has_program(manager.program()))
    }

    fn program(self) -> &'static str {
        match self {
            Self::Apt => "apt-get",
            Self::Dnf => "dnf",
            Self::Apk => "apk",
            Self::Pacman => "pacman",
            Self::Brew => "brew",
        }
    }

    /// The commands that install packages and ask nothing.
    fn install(self, packages: &[&str], right: Right) -> Vec<Invocation> {
        let lines: &[&str] = match self {
            Self::Apt => &[
                "apt-get update --quiet",
                "env DEBIAN_FRONTEND=noninteractive apt-get install --quiet --yes --no-install-recommends",
            ],
            Self::Dnf => &["dnf install --assumeyes"],
            Self::Apk => &["apk add --no-cache"],
            Self::Pacman => &["pacman --sync --refresh --needed --noconfirm"],
            Self::Brew => &["brew install"],
        };
        let sudo = match right {
            Right::Sudo => "sudo -n",
            Right::Ours | Right::None => "",
        };
        let mut commands: Vec<Invocation> = lines
            .iter()
            .map(|line| Invocation::parse(sudo).and(line))
            .collect();
        if let Some(last) = commands.pop() {
            commands.push(last.and(&packages.join(" ")));
        }
        commands
    }
}

impl Right {
    /// What we may do with this manager.
    fn find(manager: Manager) -> Self {
        let user = Invocation::parse("id -u").read().unwrap_or_default();
        if manager == Manager::Brew || user.trim() == "0" {
            Self::Ours
        } else if Invocation::parse("sudo -n true").succeeds() {
            Self::Sudo
        } else {
            Self::None
        }
    }
}

/// A compiler that finds the headers of the C library.
fn has_c_compiler() -> bool {
    compiles("CC", "cc", "-include stdlib.h -x c")
}

/// A compiler that finds the headers of the C++ library.
fn has_cxx_compiler() -> bool {
    compiles("CXX", "c++", "-include memory -x c++")
}

/// Whether the compiler that the variable names, or else the usual one, takes
/// an empty file with these headers.
fn compiles(variable: &str, usual: &str, headers: &str) -> bool {
    let compiler = env::var(variable).unwrap_or_default();
    let compiler = match compiler.trim() {
        "" => usual,
        named => named,
    };
    let empty = Invocation::parse(compiler).and("-E").and(headers);
    empty.and("/dev/null").succeeds()
}

/// Where `bindgen` would look.
fn has_libclang() -> bool {
    let told = env::var_os("LIBCLANG_PATH").map(PathBuf::from);
    let asked = Invocation::parse("llvm-config --libdir").read().ok();
    let asked = asked.map(|folder| PathBuf::from(folder.trim()));
    let usual = [
        "/usr/lib",
        "/usr/lib64",
        "/usr/local/lib",
        "/opt/homebrew/opt/llvm/lib",
        "/usr/local/opt/llvm/lib",
        "/Library/Developer/CommandLineTools/usr/lib",
    ];
    // Debian has a folder for each version and for each architecture.
    let below = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.flat_map(|entry| [entry.path(), entry.path().join("lib")])
    };
    let usual = usual.into_iter().map(PathBuf::from);
    let nested = below(Path::new("/usr/lib"));
    told.into_iter()
        .chain(asked)
        .chain(usual)
        .chain(nested)
        .any(|folder| has_file_named(&folder, is_libclang))
}

/// `libclang.so`, `libclang.so.19`, `libclang-14.so.1`, `libclang.dylib`.
fn is_libclang(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("libclang") else {
        return false;
    };
    let version = rest.trim_start_matches(|c: char| c == '-' || c == '.' || c.is_ascii_digit());
    version == "so" || version == "dylib" || version.starts_with("so.")
}

fn has_file_named(folder: &Path, is_it: impl Fn(&str) -> bool) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .any(|name| is_it(&name))
}

/// A perl with the modules that OpenSSL's `Configure` uses; some systems ship
/// it without.
fn has_perl() -> bool {
    Invocation::parse("perl -MFile::Compare -MFile::Copy -MFindBin -MIPC::Cmd -MTime::Piece -e 1")
        .succeeds()
}

/// Where the build script of `openssl-sys` would look.
fn has_openssl_headers() -> bool {
    let kegs = ["/opt/homebrew/opt/openssl@3", "/usr/local/opt/openssl@3"];
    env::var_os("OPENSSL_DIR").is_some()
        || Invocation::parse("pkg-config --atleast-version=1.1.1 openssl").succeeds()
        || (cfg!(target_os = "macos") && kegs.iter().any(|keg| Path::new(keg).exists()))
}

/// Debian's python3 comes without what `venv` needs to install pip.
fn has_venv() -> bool {
    Invocation::new(["python3", "-c", "import ensurepip, venv"]).succeeds()
}

fn has_go_modules() -> bool {
    let modules = Path::new("/usr/share/gocode/src/golang.org/x");
    ["crypto", "sys", "term"]
        .iter()
        .all(|module| modules.join(module).is_dir())
}

pub(crate) fn has_program(name: &str) -> bool {
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).any(|folder: PathBuf| folder.join(name).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Manager; 5] = [
        Manager::Apt,
        Manager::Dnf,
        Manager::Apk,
        Manager::Pacman,
        Manager::Brew,
    ];

    fn every_need() -> Vec<&'static Need> {
        NEEDS.iter().collect()
    }

    #[test]
    fn every_need_has_a_package_of_every_manager() {
        for manager in ALL {
            for need in NEEDS {
                assert!(!(need.packages)(manager).is_empty(), "{}", need.what);
            }
        }
    }

    #[test]
    fn libclang_is_known_by_its_many_names() {
        for name in [
            "libclang.so",
            "libclang.so.19",
            "libclang-14.so.1",
            "libclang-14.0.6.so",
            "libclang.dylib",
        ] {
            assert!(is_libclang(name), "{name}");
        }
        for name in [
            "libclang-cpp.so.14",
            "libclang.a",
            "libc.so",
            "libclangAST.so",
        ] {
            assert!(!is_libclang(name), "{name}");
        }
    }

    #[test]
    fn a_package_that_brings_two_things_is_named_once() {
        let packages = packages(&every_need(), Manager::Brew);
        let twice = packages.iter().filter(|name| **name == "openssl@3");
        assert_eq!(twice.count(), 1);
    }

    #[test]
    fn sudo_is_used_for_each_command_when_we_are_not_root() {
        for manager in ALL {
            for command in manager.install(&["curl"], Right::Sudo) {
                assert!(command.to_string().starts_with("sudo -n "), "{command}");
            }
        }
    }

    #[test]
    fn the_lists_of_apt_are_updated_before_it_installs() {
        let commands = Manager::Apt.install(&["curl", "make"], Right::Ours);
        let shown: Vec<String> = commands.iter().map(ToString::to_string).collect();
        assert_eq!(shown.len(), 2);
        assert!(shown[0].starts_with("apt-get update"));
        assert!(shown[1].ends_with(" curl make"), "{}", shown[1]);
    }

    #[test]
    fn the_advice_names_what_is_missing_and_one_line_to_run() {
        let advice = advice(&every_need(), Some(Manager::Apt));
        assert!(advice.contains("  - perl (for OpenSSL built from source)\n"));
        assert!(advice.contains("    sudo apt-get update --quiet && sudo env "));
        assert!(!advice.contains("sudo -n"));
    }
}
