//! `cargo xtask ktls`: the tests of kernel TLS, in a virtual machine whose
//! kernel has it.
//!
//! The kernel is that of a distribution's package; its modules, the test
//! programs with their libraries and busybox make up the first and only file
//! system. So it does not matter what the kernel of this machine can do, and
//! nothing of it is changed.

mod console;
mod image;
mod machine;
mod packages;

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use crate::command::{Failure, Outcome, cargo};
use crate::ktls::console::Console;
use crate::ktls::image::Image;
use crate::metadata;
use crate::setup;

/// What is run.
#[derive(Args)]
pub(crate) struct Options {
    /// Take the kernel from this suite of Debian, such as `sid`, instead of
    /// the one that this system is installed from
    #[arg(long)]
    suite: Option<String>,
    /// Take the kernel from these packages: one with `vmlinuz`, one with the
    /// modules, or one with both
    #[arg(long = "kernel", value_name = "FILE.deb", conflicts_with = "suite")]
    packages: Vec<PathBuf>,
    /// Only the scenarios whose name contains this, instead of all of kernel
    /// TLS and some that send files
    #[arg(long)]
    filter: Option<String>,
    /// Let the processor run the machine (`/dev/kvm`) instead of a program
    #[arg(long)]
    kvm: bool,
    /// Stop the machine after so many seconds
    #[arg(long, default_value_t = SECONDS)]
    seconds: u32,
}

const FILTERS: &[&str] = &[
    "kernel_tls",
    "refused::KTLS_",
    "every_advertised_flag_is_proved",
    "::send_file_goes_on",
];
const SECONDS: u32 = 900;

impl Default for Options {
    fn default() -> Self {
        Self {
            suite: None,
            packages: Vec::new(),
            filter: None,
            kvm: false,
            seconds: SECONDS,
        }
    }
}

/// Why it cannot be run on this system, if it cannot.
pub(crate) fn obstacle() -> Option<&'static str> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Some("the machine is an x86-64 one, and its programs are built here");
    }
    ["apt-get", "dpkg-deb", "busybox", "qemu-system-x86_64"]
        .iter()
        .any(|program| !setup::has_program(program))
        .then_some("it takes apt, dpkg, busybox-static and qemu-system-x86")
}

/// Runs the tests in the machine, and fails if one fails there, or if the
/// kernel did not make the records. Answers how it went in a line.
pub(crate) fn run(options: &Options) -> Outcome<String> {
    if let Some(obstacle) = obstacle() {
        return Err(Failure::new(format!(
            "kernel TLS cannot be tested here: {obstacle}"
        )));
    }
    let programs = programs()?;
    let folder = metadata::target()?.join("ktls");
    let kernel = match (&options.packages[..], &options.suite) {
        ([], None) => packages::of_this_system(&folder)?,
        ([], Some(suite)) => packages::of_suite(&folder, suite)?,
        (files, _) => packages::of_files(&folder, files)?,
    };
    let filters = match &options.filter {
        Some(filter) => vec![filter.as_str()],
        None => FILTERS.to_vec(),
    };
    let image = Image::build(&folder, &kernel, &programs, &filters)?;
    let mut console = Console::new(image.runs);
    machine::run(&kernel, &image, options.kvm, options.seconds, |line| {
        console.read(line);
    })?;
    console.judge()
}

/// Builds the test programs, and answers where they are.
fn programs() -> Outcome<Vec<PathBuf>> {
    let build = cargo("test --quiet --no-run --message-format json")
        .and("--package conformance --test scenarios")
        .and("--package kernel-tls --test live");
    println!("$ {build}");
    let messages = build.read()?;
    let programs: Vec<PathBuf> = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .collect();
    if programs.len() == 2 {
        Ok(programs)
    } else {
        let found = programs.len();
        Err(Failure::new(format!(
            "`{build}` made {found} programs, not 2"
        )))
    }
}
