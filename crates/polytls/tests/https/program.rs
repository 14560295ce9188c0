//! The examples as programs, and curl.

use std::env;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
#[cfg(unix)]
use std::process::ExitStatus;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than any step of a program takes, so that one which hangs fails the
/// test instead of hanging it.
const LONG: Duration = Duration::from_secs(60);

/// An example that cargo has built along with this test.
pub(crate) fn example(name: &str) -> PathBuf {
    let test = env::current_exe().unwrap();
    // Of `<profile>/deps/<test>`.
    let profile = test.ancestors().nth(2).unwrap();
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    let path = profile.join("examples").join(file);
    assert!(
        path.exists(),
        "{} is not built: `cargo test` without a choice of targets builds it, and so does \
         `cargo build --examples` with the same packages and features",
        path.display()
    );
    path
}

/// Runs a program to its end.
pub(crate) fn run(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output();
    output.unwrap_or_else(|error| panic!("{command:?}: {error}; run `cargo xtask setup`"))
}

/// curl with HTTP/2; fails where it has none.
pub(crate) fn curl() -> Command {
    let version = run(Command::new("curl").arg("--version"));
    let version = text(&version.stdout);
    assert!(
        version.split_whitespace().any(|word| word == "HTTP2"),
        "this test needs a curl with HTTP/2, and this one has none: {version}"
    );
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--max-time", "60"]);
    curl
}

pub(crate) fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// `https_server` in the background, stopped when it is dropped.
pub(crate) struct Server {
    child: Child,
    port: String,
    errors: Receiver<String>,
}

impl Server {
    pub(crate) fn start(args: &[&OsStr]) -> Self {
        Self::start_as(Command::new(example("https_server")).args(args))
    }

    /// By a command that ends with the server's own arguments.
    pub(crate) fn start_as(command: &mut Command) -> Self {
        let mut child = command
            .args(["--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let said = lines(child.stdout.take().unwrap());
        let errors = lines(child.stderr.take().unwrap());
        let mut server = Self {
            child,
            port: String::new(),
            errors,
        };
        let line = said.recv_timeout(LONG).unwrap_or_else(|error| {
            let errors: Vec<String> = server.errors.try_iter().collect();
            panic!("{command:?} does not tell its address: {error} {errors:?}");
        });
        let address = line.strip_prefix("listening on ").unwrap();
        let address = address.split_whitespace().next().unwrap();
        address
            .rsplit_once(':')
            .unwrap()
            .1
            .clone_into(&mut server.port);
        server
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    /// Where it listens.
    #[cfg(unix)]
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Waits until it says a line that begins so, and gives the rest of it.
    pub(crate) fn wait_for(&self, beginning: &str) -> String {
        let end = Instant::now() + LONG;
        let mut said = Vec::new();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.errors.recv_timeout(left).unwrap_or_else(|error| {
                panic!("the server does not say {beginning:?}: {error} {said:?}")
            });
            if let Some(rest) = line.strip_prefix(beginning) {
                return rest.to_owned();
            }
            said.push(line);
        }
    }

    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: &str) {
        // The shell's own: not every system has a program of that name.
        let command = format!("kill -s {signal} {}", self.child.id());
        let kill = run(Command::new("sh").args(["-c", &command]));
        assert!(kill.status.success(), "{}", text(&kill.stderr));
    }

    /// Waits for its end, which it was asked for.
    #[cfg(unix)]
    pub(crate) fn ended(&mut self) -> ExitStatus {
        self.wait_for("stopped");
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads to the end, so that the program never waits for a full pipe.
fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    receiver
}
