//! One run of the runner.

use std::fs::{self, File};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::bogo::results::Results;
use crate::bogo::runner::Runner;
use crate::command::{Failure, Outcome};

/// The runner with a shim and a choice of tests.
#[derive(Debug)]
pub(crate) struct Play<'a> {
    runner: &'a Runner,
    shim: &'a str,
    filter: Option<&'a str>,
}

impl<'a> Play<'a> {
    pub(crate) fn new(runner: &'a Runner, shim: &'a str, filter: Option<&'a str>) -> Self {
        Self {
            runner,
            shim,
            filter,
        }
    }

    /// Runs the tests on one backend under a configuration. The runner's own
    /// words go to a file, because it has a line for every test.
    pub(crate) fn run(
        &self,
        backend: &str,
        config: &Value,
        include_disabled: bool,
    ) -> Outcome<Results> {
        let file = |kind: &str| self.runner.folder().join(format!("{backend}.{kind}"));
        let (config_file, json, log) = (file("config.json"), file("json"), file("missing"));
        let words = file("out");
        let failure = |what: &str, error: &dyn std::fmt::Display| {
            Failure::new(format!("BoGo on {backend}: {what}: {error}"))
        };
        for old in [&json, &log] {
            match fs::remove_file(old) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(failure("an old result stays", &error));
                }
                _ => {}
            }
        }
        fs::write(&config_file, config.to_string()).map_err(|e| failure("config", &e))?;
        let out = File::create(&words).map_err(|e| failure("output", &e))?;
        let both = out.try_clone().map_err(|e| failure("output", &e))?;
        let extra = format!("-backend;{backend};-missing-log;{}", log.display());
        let mut command = Command::new(self.runner.program());
        command
            .args(["-pipe", "-allow-unimplemented", "-shim-path", self.shim])
            .args(["-shim-extra-flags", &extra])
            .arg("-shim-config")
            .arg(&config_file)
            .arg("-json-output")
            .arg(&json)
            .current_dir(self.runner.folder())
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(both);
        if let Some(filter) = self.filter {
            command.args(["-test", filter]);
        }
        if include_disabled {
            command.arg("-include-disabled");
        }
        // Its exit code says whether all passed, which the results say too.
        command.status().map_err(|e| failure("cannot run", &e))?;
        let told = words.display();
        let text = fs::read_to_string(&json)
            .map_err(|e| failure(&format!("no results (see {told})"), &e))?;
        let json = serde_json::from_str(&text).map_err(|e| failure("results", &e))?;
        let log = fs::read_to_string(&log).unwrap_or_default();
        Results::parse(&json, &log)
            .ok_or_else(|| failure("results", &"something else than we know"))
    }
}
