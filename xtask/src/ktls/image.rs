//! The machine's file system.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::command::{Failure, Invocation, Outcome};
use crate::ktls::console::{COUNTERS, ENDED, KERNEL};
use crate::ktls::packages::{Kernel, failed, make};

/// The modules that are taken: kernel TLS, and whatever its ciphers are made of.
const MODULES: [&str; 4] = [
    "kernel/arch/x86/crypto",
    "kernel/crypto",
    "kernel/lib",
    "kernel/net/tls",
];

/// What busybox is called by the machine and by its kernel.
const APPLETS: [&str; 9] = [
    "bin/cat",
    "bin/ip",
    "bin/mount",
    "bin/poweroff",
    "bin/sh",
    "bin/uname",
    "sbin/modprobe",
    "bin/chmod",
    "bin/true",
];

/// A file system in a file, as the kernel unpacks it.
pub(crate) struct Image {
    pub(crate) file: PathBuf,
    /// How often the machine runs a test program.
    pub(crate) runs: usize,
}

impl Image {
    /// Puts it together in the folder. The scenarios are those of TLS 1.3 whose
    /// name contains one of the filters.
    pub(crate) fn build(
        folder: &Path,
        kernel: &Kernel,
        programs: &[PathBuf],
        filters: &[&str],
    ) -> Outcome<Self> {
        let root = folder.join("root");
        let _ = fs::remove_dir_all(&root);
        for part in ["bin", "sbin", "dev", "proc", "sys", "tmp"] {
            make(&root.join(part))?;
        }
        let busybox = found("busybox")?;
        copy(&busybox, &root.join("bin/busybox"))?;
        for applet in APPLETS {
            let place = root.join(applet);
            symlink("/bin/busybox", &place).map_err(|error| failed(&place, &error))?;
        }
        modules(&busybox, kernel, &root)?;
        let mut names = Vec::new();
        for program in programs {
            names.push(add(program, &root)?);
        }
        let runs = runs(&names, filters);
        let init = root.join("init");
        let script = script(&runs);
        fs::write(&init, script).map_err(|error| failed(&init, &error))?;
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(&init, mode).map_err(|error| failed(&init, &error))?;
        let image = folder.join("root.cpio.gz");
        let pack = "cd \"$0\" && \"$1\" find . | \"$1\" cpio -o -H newc | \"$1\" gzip -1 >\"$2\"";
        let mut command = Invocation::new(["sh", "-c", pack]);
        for word in [&root, &busybox, &image] {
            command = command.and_word(&word.display().to_string());
        }
        command.run()?;
        Ok(Self {
            file: image,
            runs: runs.len(),
        })
    }
}

/// The command lines of the tests.
fn runs(programs: &[String], filters: &[&str]) -> Vec<String> {
    let mut runs = Vec::new();
    for program in programs {
        let run = format!("/bin/{program} --color never --format terse");
        if program != "scenarios" {
            runs.push(run);
            continue;
        }
        for filter in filters {
            let filter = filter.replace('\'', "");
            runs.push(format!("{run} --skip ::tls12:: '{filter}'"));
        }
    }
    runs
}

/// What the machine does: the tests, between two looks at the counters.
fn script(runs: &[String]) -> String {
    let mut script = format!(
        "#!/bin/sh\n\
         mount -t proc proc /proc\n\
         mount -t sysfs sys /sys\n\
         mount -t devtmpfs dev /dev\n\
         mount -t tmpfs tmp /tmp\n\
         chmod 1777 /tmp\n\
         ip link set lo up\n\
         echo \"{KERNEL}$(uname -r)\"\n\
         modprobe tls\n\
         export POLYTLS_EXPECT_KTLS=1\n\
         echo '{COUNTERS}'\n\
         cat /proc/net/tls_stat\n"
    );
    for run in runs {
        script.push_str(&format!("{run}\necho \"{ENDED}$?\"\n"));
    }
    script.push_str(&format!(
        "echo '{COUNTERS}'\ncat /proc/net/tls_stat\npoweroff -f\n"
    ));
    script
}

/// Copies the modules, and has their index made.
fn modules(busybox: &Path, kernel: &Kernel, root: &Path) -> Outcome {
    let version = kernel.modules.file_name().unwrap_or_default();
    let own = root.join("lib/modules").join(version);
    let mut unpack = Vec::new();
    for part in MODULES {
        let from = kernel.modules.join(part);
        // What a release has no folder for is in the kernel itself.
        if from.is_dir() {
            tree(&from, &own.join(part), &mut unpack)?;
        }
    }
    if !unpack.is_empty() {
        let mut command = Invocation::new([busybox.display().to_string(), "unxz".to_owned()]);
        for file in &unpack {
            command = command.and_word(&file.display().to_string());
        }
        if !command.succeeds() {
            return Err(Failure::new("the modules of the kernel cannot be unpacked"));
        }
    }
    Invocation::new([busybox.display().to_string(), "depmod".to_owned()])
        .and_word("-b")
        .and_word(&root.display().to_string())
        .and_word(&version.to_string_lossy())
        .run()
}

/// Copies a folder, and tells which files in it are compressed.
fn tree(from: &Path, to: &Path, compressed: &mut Vec<PathBuf>) -> Outcome {
    make(to)?;
    let entries = fs::read_dir(from).map_err(|error| failed(from, &error))?;
    for entry in entries.flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            tree(&from, &to, compressed)?;
            continue;
        }
        copy(&from, &to)?;
        if to.extension().is_some_and(|extension| extension == "xz") {
            compressed.push(to);
        }
    }
    Ok(())
}

/// Puts a program and the libraries that it is linked with where it finds them.
/// Answers its name without the hash that cargo gives it.
fn add(program: &Path, root: &Path) -> Outcome<String> {
    let name = program.file_stem().unwrap_or_default().to_string_lossy();
    let name = name.rsplit_once('-').map_or(&*name, |(name, _)| name);
    let place = root.join("bin").join(name);
    copy(program, &place)?;
    let stripped = Invocation::new(["strip", &place.display().to_string()]);
    if !stripped.succeeds() {
        println!("{name} stays as large as it is: there is no `strip`");
    }
    let linked = Invocation::new(["ldd", &program.display().to_string()]).read()?;
    let words = linked.split_ascii_whitespace();
    for library in words.filter(|word| word.starts_with('/')) {
        let place = root.join(library.trim_start_matches('/'));
        if let Some(folder) = place.parent() {
            make(folder)?;
        }
        copy(Path::new(library), &place)?;
    }
    Ok(name.to_owned())
}

fn copy(from: &Path, to: &Path) -> Outcome {
    fs::copy(from, to)
        .map(drop)
        .map_err(|error| failed(from, &error))
}

/// Where a program is.
fn found(program: &str) -> Outcome<PathBuf> {
    let script = format!("command -v {program}");
    let place = Invocation::new(["sh", "-c", &script]).read()?;
    Ok(PathBuf::from(place.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_scenarios_are_filtered_and_each_run_tells_its_end() {
        let programs = ["scenarios".to_owned(), "live".to_owned()];
        let runs = runs(&programs, &["kernel'; rm", "file"]);
        assert_eq!(runs.len(), 3);
        assert!(runs[0].starts_with("/bin/scenarios "), "{}", runs[0]);
        assert!(runs[0].ends_with(" 'kernel; rm'"), "{}", runs[0]);
        assert!(runs[2].starts_with("/bin/live "), "{}", runs[2]);
        let script = script(&runs);
        assert_eq!(script.matches(ENDED).count(), 3);
        assert_eq!(script.matches(COUNTERS).count(), 2);
    }
}
