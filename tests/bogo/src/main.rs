//! The program that the runner of BoringSSL's protocol tests starts for each
//! test, over any backend of polytls.
//!
//! `cargo xtask bogo` builds the runner and starts it. The backend is chosen
//! by `-backend NAME`, which the runner passes on to every start. What a flag
//! does is in one table, `flags`; a flag or a value that today's contract or
//! the backend cannot honour ends the program with 89, which the runner counts
//! apart, and `-missing-log FILE` collects the reasons. With `-census` every
//! test ends so: the log then tells which tests are of TLS.

mod checks;
mod config;
mod ending;
mod exchange;
mod flags;
mod hello;
mod policy;
mod session;
mod settings;
mod wire;

use std::fs::OpenOptions;
use std::io::Write;
use std::process::ExitCode;

use polytls::tls::TlsBackend;
use polytls::{BackendVisitor, visit_backends};

use crate::ending::{Class, Ending, Missing};
use crate::settings::Settings;

fn main() -> ExitCode {
    let settings = flags::parse(std::env::args_os().skip(1));
    let outcome = settings.and_then(|settings| {
        if settings.handshaker_asked {
            // The test suite's second program, which tests BoringSSL's own API.
            println!("No");
            return Ok(());
        }
        run(settings)
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(ending) => {
            eprintln!("{ending}");
            ExitCode::from(ending.code())
        }
    }
}

fn run(mut settings: Settings) -> Result<(), Ending> {
    let outcome = match settings.missing.take() {
        Some(missing) => Err(missing.into()),
        None if settings.census => Err(Missing::new(Class::Shim, "a census, and no test").into()),
        None => with_backend(&settings),
    };
    if let Err(Ending::Unimplemented(missing)) = &outcome {
        log(&settings, missing)?;
    }
    outcome
}

/// Plays the test on the backend that the flags name.
fn with_backend(settings: &Settings) -> Result<(), Ending> {
    struct Play<'s> {
        settings: &'s Settings,
        outcome: Option<Result<(), Ending>>,
    }

    impl BackendVisitor for Play<'_> {
        fn visit<B: TlsBackend>(&mut self, backend: B) {
            if backend.info().name == self.settings.backend {
                self.outcome = Some(exchange::run(&backend, self.settings));
            }
        }
    }

    let mut play = Play {
        settings,
        outcome: None,
    };
    visit_backends(&mut play);
    play.outcome.unwrap_or_else(|| {
        let name = &settings.backend;
        Err(Ending::broken(format!("no backend is called {name:?}")))
    })
}

/// Appends the class and the reason in one write, as many shims share the file.
fn log(settings: &Settings, missing: &Missing) -> Result<(), Ending> {
    let Some(path) = &settings.missing_log else {
        return Ok(());
    };
    let line = format!("{}\t{}\n", missing.class.name(), missing.reason);
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .and_then(|mut file| file.write_all(line.as_bytes()))
        .map_err(|error| Ending::broken(format!("{}: {error}", path.display())))
}
