//! Commands that are run, and how they fail.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

/// What a command or a check of ours ends in.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// Why it failed, and the code to exit with.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    /// A failure that is not that of a command: exits with 1.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: 1,
        }
    }

    /// The code to exit with; never 0.
    pub(crate) fn code(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// One command line, run at the root of the workspace without input.
/// Displayed as it would be typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invocation {
    words: Vec<String>,
    variables: Vec<(&'static str, String)>,
}

impl Invocation {
    /// A command line from its words, of which the first is the program.
    pub(crate) fn new<W: Into<String>>(words: impl IntoIterator<Item = W>) -> Self {
        Self {
            words: words.into_iter().map(Into::into).collect(),
            variables: Vec::new(),
        }
    }

    /// A command line without quotes in it, split at spaces.
    pub(crate) fn parse(line: &str) -> Self {
        Self::new(line.split_whitespace())
    }

    /// Adds words, split at spaces.
    pub(crate) fn and(mut self, words: &str) -> Self {
        self.words
            .extend(words.split_whitespace().map(String::from));
        self
    }

    /// Adds one word, whatever is in it.
    pub(crate) fn and_word(mut self, word: &str) -> Self {
        self.words.push(word.to_owned());
        self
    }

    /// The same command run by another program, whose words are split at
    /// spaces.
    pub(crate) fn under(mut self, program: &str) -> Self {
        let words = program.split_whitespace().map(String::from);
        self.words.splice(0..0, words);
        self
    }

    /// Sets a variable of its environment.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// Runs it with our output as its own.
    pub(crate) fn run(&self) -> Outcome {
        println!("$ {self}");
        let status = self.command().status();
        self.judge(status.map_err(|error| self.not_started(&error))?)
    }

    /// Runs it, passes its standard output on and hands over each line of it.
    pub(crate) fn run_reading(&self, mut each: impl FnMut(&str)) -> Outcome {
        println!("$ {self}");
        let mut child = self
            .command()
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| self.not_started(&error))?;
        if let Some(output) = child.stdout.take() {
            for line in BufReader::new(output).split(b'\n') {
                let line = line.map_err(|error| self.not_started(&error))?;
                let line = String::from_utf8_lossy(&line);
                println!("{line}");
                each(&line);
            }
        }
        let status = child.wait();
        self.judge(status.map_err(|error| self.not_started(&error))?)
    }

    /// Runs it and answers its standard output.
    pub(crate) fn read(&self) -> Outcome<String> {
        let output = self.command().stderr(Stdio::inherit()).output();
        let output = output.map_err(|error| self.not_started(&error))?;
        self.judge(output.status)?;
        String::from_utf8(output.stdout)
            .map_err(|_| Failure::new(format!("`{self}` wrote something else than UTF-8")))
    }

    /// Whether it can be run and succeeds. Its output is dropped.
    pub(crate) fn succeeds(&self) -> bool {
        self.command()
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    fn command(&self) -> Command {
        let (program, arguments) = self.words.split_first().expect("no empty command line");
        let mut command = Command::new(program);
        command
            .args(arguments)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(root())
            .stdin(Stdio::null());
        // Set by the cargo that runs us, for us alone.
        for variable in ["CARGO", "RUSTUP_TOOLCHAIN"] {
            if self.words.iter().any(|word| word.starts_with('+')) {
                command.env_remove(variable);
            }
        }
        command
    }

    fn judge(&self, status: ExitStatus) -> Outcome {
        if status.success() {
            return Ok(());
        }
        Err(Failure {
            message: format!("{status}; repeat it with\n\n    {self}\n"),
            code: exit_code(status),
        })
    }

    fn not_started(&self, error: &std::io::Error) -> Failure {
        Failure::new(format!("cannot run `{self}`: {error}"))
    }
}

impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.variables {
            write!(f, "{name}={} ", quoted(value))?;
        }
        for (index, word) in self.words.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{}", quoted(word))?;
        }
        Ok(())
    }
}

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask is a folder of the workspace")
}

/// A cargo command of the toolchain that runs us, split at spaces.
pub(crate) fn cargo(words: &str) -> Invocation {
    Invocation::parse("cargo").and(words)
}

/// The code of a command that failed; 128 and the signal as a shell has it.
fn exit_code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(128 + signal).unwrap_or(1);
    }
    status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .filter(|&code| code != 0)
        .unwrap_or(1)
}

/// A word as a shell reads it back.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=+:,@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_a_failed_command_is_ours() {
        let failure = Invocation::new(["sh", "-c", "exit 7"]).run().unwrap_err();
        assert_eq!(failure.code(), 7);
        assert!(failure.to_string().contains("sh -c 'exit 7'"));
    }

    #[cfg(unix)]
    #[test]
    fn a_signal_gives_the_code_that_a_shell_gives() {
        let failure = Invocation::new(["sh", "-c", "kill -9 $$"])
            .run()
            .unwrap_err();
        assert_eq!(failure.code(), 137);
    }

    #[test]
    fn a_program_that_is_not_there_is_a_failure() {
        let none = Invocation::parse("no-such-program-of-ours");
        assert!(!none.succeeds());
        assert_eq!(none.run().unwrap_err().code(), 1);
    }

    #[test]
    fn a_command_is_shown_as_it_would_be_typed() {
        let shown = Invocation::new(["echo", "a b", "it's", ""])
            .with("FLAGS", "-x y")
            .to_string();
        assert_eq!(shown, r"FLAGS='-x y' echo 'a b' 'it'\''s' ''");
    }

    #[test]
    fn a_command_can_be_run_by_another() {
        let command = Invocation::parse("ls").and_word("a b").with("A", "1");
        let shown = command.under("nice -n 5").to_string();
        assert_eq!(shown, "A=1 nice -n 5 ls 'a b'");
    }

    #[test]
    fn lines_are_handed_over_while_it_runs() {
        let mut lines = Vec::new();
        Invocation::new(["printf", r"a\nb\n"])
            .run_reading(|line| lines.push(line.to_owned()))
            .unwrap();
        assert_eq!(lines, ["a", "b"]);
    }
}
