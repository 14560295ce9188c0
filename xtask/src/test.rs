//! `cargo xtask test`: each combination of features that must build and pass.

use crate::command::{Invocation, Outcome, cargo};
use crate::features::{self, BACKENDS};
use crate::report::{Report, Tally};
use crate::{bench, bogo, ktls, sanitize, setup, soak};

/// The step that the others need.
pub(crate) fn setup(report: &mut Report) -> Outcome {
    report.step("system packages", setup::install)
}

/// All steps, the cheapest first.
pub(crate) fn everything(report: &mut Report) -> Outcome {
    without_tls(report)?;
    smallest(report)?;
    each_alone(report)?;
    together(report)?;
    report.step_with_note("crowds on one loop", soak::sample)?;
    kernel_tls(report)?;
    report.step_with_note("BoGo", || bogo::run(&bogo::Options::default()))?;
    sanitized(report)?;
    bounded(report)
}

/// Every crate and every backend in one build: unit tests, doc tests,
/// conformance and interoperation.
pub(crate) fn together(report: &mut Report) -> Outcome {
    report.step_with_note("all together: tests", || run(&cargo("test --workspace")))
}

/// Where the kernel has it. The tests are those of before.
fn kernel_tls(report: &mut Report) -> Outcome {
    const STEP: &str = "kernel TLS in a virtual machine";
    match ktls::obstacle() {
        None => report.step_with_note(STEP, || ktls::run(&ktls::Options::default())),
        Some(obstacle) => {
            report.not_run(STEP, obstacle);
            Ok(())
        }
    }
}

fn without_tls(report: &mut Report) -> Outcome {
    report.step("no TLS: dependencies", || {
        ["socket", "poll", "pool", "polytls"]
            .into_iter()
            .try_for_each(features::assert_no_tls)
    })?;
    report.step_with_note("no TLS: tests", || {
        run(&cargo(
            "test -p transport -p socket -p poll -p pool --no-default-features",
        ))
    })?;
    report.step("no TLS: polytls builds", || {
        cargo("build -p polytls --no-default-features --features poll,pool").run()
    })
}

/// Crates with optional parts, without them.
fn smallest(report: &mut Report) -> Outcome {
    report.step_with_note("tls-core without roots: tests", || {
        run(&cargo("test -p tls-core --no-default-features"))
    })?;
    report.step("tls-rustls without a provider builds", || {
        cargo("build -p tls-rustls --no-default-features").run()
    })
}

/// The conformance crate makes its certificates with a library of its own, so
/// it is the tree of `polytls` that shows what a backend alone brings.
fn each_alone(report: &mut Report) -> Outcome {
    for backend in BACKENDS {
        let feature = backend.feature;
        report.step(&format!("{feature} alone: dependencies"), || {
            features::assert_alone(backend)
        })?;
        report.step_with_note(&format!("{feature} alone: tests"), || {
            run(
                &cargo("test -p polytls -p polytls-cli -p conformance --no-default-features")
                    .and(&format!("--features {feature}")),
            )
        })?;
    }
    Ok(())
}

/// Miri knows more of Rust's rules and cannot run a C library; for
/// AddressSanitizer it is the other way round.
fn sanitized(report: &mut Report) -> Outcome {
    if sanitize::has_nightly() && !sanitize::has_miri() {
        // Where that fails the step below says that Miri was not run.
        let _ = sanitize::add_miri();
    }
    if sanitize::has_miri() {
        report.step_with_note("Miri", sanitize::miri)?;
    } else {
        report.not_run("Miri", "it is not installed (see `cargo xtask miri`)");
    }
    if sanitize::has_nightly() {
        report.step_with_note("AddressSanitizer", sanitize::asan)?;
    } else {
        report.not_run("AddressSanitizer", "no nightly toolchain is installed");
    }
    Ok(())
}

/// The cost of ours beside each library alone, in instructions. Comes last,
/// because the libraries are built once more for it, as they would be shipped.
fn bounded(report: &mut Report) -> Outcome {
    if bench::can_count() {
        report.step_with_note("instructions within bounds", bench::check)
    } else {
        report.not_run("instructions within bounds", "valgrind is not installed");
        Ok(())
    }
}

/// Runs tests; fails also when there was none.
pub(crate) fn run(tests: &Invocation) -> Outcome<String> {
    let mut tally = Tally::default();
    tests.run_reading(|line| tally.read(line))?;
    tally.judge()
}
