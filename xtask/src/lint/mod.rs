//! `cargo xtask lint`: the tools' checks, and the project's own rules.

mod backend_cfg;
mod dependencies;
mod lexer;
mod source;
mod unsafe_code;
mod words;

use crate::command::{Failure, Outcome, cargo};
use crate::features::BACKENDS;
use crate::metadata::Metadata;
use crate::readme;
use crate::report::Report;

/// All checks, the cheapest first.
pub(crate) fn everything(report: &mut Report) -> Outcome {
    report.step("formatting", || cargo("fmt --all -- --check").run())?;
    report.step("rules of the source", rules_of_the_source)?;
    report.step("rules of the dependencies", rules_of_dependencies)?;
    clippy(report)?;
    report.step("documentation", || {
        // The libraries only: the program `polytls` would write its pages
        // over those of the crate of that name.
        cargo("doc --workspace --no-deps --lib")
            .with("RUSTDOCFLAGS", "-Dwarnings")
            .run()
    })?;
    report.step("capabilities in the documents", readme::check)
}

fn rules_of_the_source() -> Outcome {
    let files = source::files()?;
    let mut found = Vec::new();
    for file in &files {
        found.extend(words::check(file));
        if file.is_rust() {
            let tokens = lexer::tokens(&file.text);
            found.extend(backend_cfg::check(file, &tokens));
            found.extend(unsafe_code::check(file, &tokens));
        }
    }
    println!("{} files", files.len());
    none_of(&found)
}

fn rules_of_dependencies() -> Outcome {
    let metadata = Metadata::load()?;
    let mut found = dependencies::leaks(&metadata);
    found.extend(dependencies::newer_rust(&metadata)?);
    found.extend(dependencies::without_lints(&metadata)?);
    none_of(&found)
}

/// Warnings are errors; a use of the standard library newer than the oldest
/// Rust that we promise is one of them.
fn clippy(report: &mut Report) -> Outcome {
    let mut selections = vec![
        ("all together".to_owned(), "--workspace".to_owned()),
        (
            "no TLS".to_owned(),
            "-p transport -p socket -p poll -p pool -p polytls --no-default-features".to_owned(),
        ),
        (
            "smallest".to_owned(),
            "-p tls-core -p tls-rustls --no-default-features".to_owned(),
        ),
    ];
    for backend in BACKENDS {
        let feature = backend.feature;
        selections.push((
            format!("{feature} alone"),
            format!(
                "-p polytls -p polytls-cli -p conformance --no-default-features --features {feature}"
            ),
        ));
    }
    for (name, packages) in selections {
        report.step(&format!("clippy: {name}"), || {
            cargo("clippy")
                .and(&packages)
                .and("--all-targets -- -D warnings -D clippy::incompatible_msrv")
                .run()
        })?;
    }
    Ok(())
}

fn none_of(violations: &[String]) -> Outcome {
    for violation in violations {
        println!("{violation}");
    }
    match violations.len() {
        0 => Ok(()),
        1 => Err(Failure::new("1 rule is broken")),
        more => Err(Failure::new(format!("rules are broken {more} times"))),
    }
}
