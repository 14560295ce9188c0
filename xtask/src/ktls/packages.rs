//! The kernel, from a distribution's packages.

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::{Failure, Invocation, Outcome};

/// The package behind which the newest kernel for virtual machines is: small,
/// and with kernel TLS as a module.
const NEWEST: &str = "linux-image-cloud-amd64";

/// A kernel that has been unpacked.
#[derive(Debug)]
pub(crate) struct Kernel {
    pub(crate) vmlinuz: PathBuf,
    /// The folder with its modules, named after its version.
    pub(crate) modules: PathBuf,
}

/// The one that apt would install here.
pub(crate) fn of_this_system(folder: &Path) -> Outcome<Kernel> {
    Apt(Vec::new()).kernel(folder)
}

/// The one of another suite of the same archive. The suite's index is kept in
/// a folder of its own: what apt knows here stays as it is.
pub(crate) fn of_suite(folder: &Path, suite: &str) -> Outcome<Kernel> {
    let own = folder.join("apt").join(suite);
    for part in ["lists/partial", "cache/archives/partial"] {
        make(&own.join(part))?;
    }
    let sources = own.join("sources.list");
    let archive = archive()?;
    let line = format!("deb [signed-by={KEYRING}] {archive} {suite} main\n");
    fs::write(&sources, line).map_err(|error| failed(&sources, &error))?;
    let place = |part: &str| own.join(part).display().to_string();
    let apt = Apt(vec![
        format!("Dir::Etc::sourcelist={}", sources.display()),
        "Dir::Etc::sourceparts=/dev/null".to_owned(),
        format!("Dir::State::lists={}", place("lists")),
        format!("Dir::Cache={}", place("cache")),
        // Its own names of files and descriptions are of no use here.
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false".to_owned(),
        "Acquire::Languages=none".to_owned(),
    ]);
    apt.command("apt-get", "update --quiet").run()?;
    apt.kernel(folder)
}

/// The one in these packages.
pub(crate) fn of_files(folder: &Path, files: &[PathBuf]) -> Outcome<Kernel> {
    let into = folder.join("given");
    let _ = fs::remove_dir_all(&into);
    make(&into)?;
    for file in files {
        unpack(file, &into)?;
    }
    Kernel::find(&into)
}

/// The keys of Debian's archive, as its package installs them.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Where this system gets its packages from.
fn archive() -> Outcome<String> {
    let ask = Invocation::new([
        "apt-get",
        "indextargets",
        "--format",
        "$(REPO_URI) $(RELEASE)",
        "Created-By: Packages",
        "Origin: Debian",
        "Component: main",
    ]);
    let answer = ask.read()?;
    let targets = answer.lines().filter_map(|line| line.split_once(' '));
    let mut archives = targets.filter(|(_, release)| !release.contains('-'));
    let archive = archives.next().map(|(archive, _)| archive.to_owned());
    archive.ok_or_else(|| Failure::new("this system is not installed from Debian's archive"))
}

/// apt, with options of its configuration.
struct Apt(Vec<String>);

impl Apt {
    fn command(&self, program: &str, words: &str) -> Invocation {
        let options = self
            .0
            .iter()
            .fold(Invocation::new([program]), |command, option| {
                command.and_word("-o").and_word(option)
            });
        options.and(words)
    }

    /// Downloads and unpacks the newest kernel, unless that was done before.
    fn kernel(&self, folder: &Path) -> Outcome<Kernel> {
        let image = self.dependencies(NEWEST)?;
        let image = image
            .into_iter()
            .find(|name| name.starts_with("linux-image-"));
        let image = image.ok_or_else(|| {
            Failure::new(format!(
                "apt knows no kernel behind {NEWEST}: is its index there (apt-get update)?"
            ))
        })?;
        let into = folder.join(&image);
        if let Ok(kernel) = Kernel::find(&into) {
            return Ok(kernel);
        }
        // Some releases have image and modules in packages of their own.
        let mut names = vec![image.clone()];
        names.extend(self.dependencies(&image)?.into_iter().filter(|name| {
            ["linux-binary-", "linux-modules-"]
                .iter()
                .any(|part| name.starts_with(part))
        }));
        let _ = fs::remove_dir_all(&into);
        make(&into)?;
        let names = names.join(" ");
        let download = self.command("apt-get", &format!("download --quiet {names}"));
        // It downloads into the folder that it runs in.
        let script = format!("cd \"$0\" && exec {download}");
        Invocation::new(["sh", "-c", &script])
            .and_word(&into.display().to_string())
            .run()?;
        for file in files(&into)? {
            if file.extension().is_some_and(|extension| extension == "deb") {
                unpack(&file, &into)?;
            }
        }
        Kernel::find(&into)
    }

    /// What a package depends on.
    fn dependencies(&self, package: &str) -> Outcome<Vec<String>> {
        let ask = self.command("apt-cache", &format!("depends {package}"));
        let answer = ask.read()?;
        let names = answer.lines().filter_map(|line| {
            let name = line.trim_start().strip_prefix("Depends: ")?;
            Some(name.trim().to_owned())
        });
        Ok(names.collect())
    }
}

impl Kernel {
    /// Looks for it in a folder into which packages were unpacked.
    fn find(folder: &Path) -> Outcome<Self> {
        let missing = |what: &str| {
            let folder = folder.display();
            Failure::new(format!("there is no {what} in {folder}"))
        };
        let modules = ["lib/modules", "usr/lib/modules"]
            .iter()
            .flat_map(|place| files(&folder.join(place)).unwrap_or_default())
            .find(|place| place.join("kernel/net/tls").is_dir())
            .ok_or_else(|| missing("kernel module for TLS"))?;
        let in_boot = files(&folder.join("boot")).unwrap_or_default().into_iter();
        let vmlinuz = in_boot
            .chain([modules.join("vmlinuz")])
            .find(|file| {
                let name = file.file_name().unwrap_or_default();
                name.to_string_lossy().starts_with("vmlinuz") && file.is_file()
            })
            .ok_or_else(|| missing("kernel"))?;
        Ok(Self { vmlinuz, modules })
    }
}

fn unpack(package: &Path, into: &Path) -> Outcome {
    Invocation::parse("dpkg-deb --extract")
        .and_word(&package.display().to_string())
        .and_word(&into.display().to_string())
        .run()
}

fn files(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|error| failed(folder, &error))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    Ok(files)
}

pub(super) fn make(folder: &Path) -> Outcome {
    fs::create_dir_all(folder).map_err(|error| failed(folder, &error))
}

pub(super) fn failed(place: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{}: {error}", place.display()))
}
