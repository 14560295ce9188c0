//! Servers in the background.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{Files, LONG, polytls};

/// A server in the background, stopped when it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    log: Arc<Log>,
}

/// What it said on standard error.
#[derive(Default)]
struct Log {
    lines: Mutex<Vec<String>>,
    more: Condvar,
}

impl Log {
    fn read(&self, from: impl Read) {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            self.lines.lock().unwrap().push(line);
            self.more.notify_all();
        }
    }
}

impl Server {
    /// Starts it and waits for the line with this word and the address behind it.
    pub(crate) fn start(command: &mut Command, word: &'static str) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}; run `cargo xtask setup`"));
        let log = Arc::<Log>::default();
        let (stderr, lines) = (child.stderr.take().unwrap(), Arc::clone(&log));
        thread::spawn(move || lines.read(stderr));
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (told, address) = mpsc::channel();
        // Reads to the end, so that the server never waits for a full pipe.
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if let Some((_, rest)) = line.split_once(word) {
                    let address = rest.split_whitespace().next();
                    let _ = told.send(address.unwrap_or_default().to_owned());
                }
            }
        });
        let mut server = Self {
            child,
            address: String::new(),
            log,
        };
        server.address = address.recv_timeout(LONG).unwrap_or_else(|error| {
            let said = server.log.lines.lock().unwrap().join("\n");
            panic!("{command:?} does not tell its address: {error}: {said}")
        });
        server
    }

    pub(crate) fn polytls(args: &[&str]) -> Self {
        let own = ["serve", "--listen", "127.0.0.1:0", "--log-format", "json"];
        Self::start(&mut polytls(&[&own, args].concat()), "listening on ")
    }

    /// `polytls serve` on this backend, as who this certificate is for.
    pub(crate) fn serving(backend: &str, files: &Files, leaf: &str, args: &[&str]) -> Self {
        let (cert, key) = files.identity(leaf);
        let own = ["--backend", backend, "--cert", &cert, "--key", &key];
        Self::polytls(&[&own, args].concat())
    }

    /// `polytls proxy` in front of this upstream.
    pub(crate) fn proxy(upstream: &str, args: &[&str]) -> Self {
        let own = ["proxy", "--listen", "127.0.0.1:0", "--log-format", "json"];
        let upstream = ["--upstream", upstream];
        let mut command = polytls(&[&own, &upstream[..], args].concat());
        Self::start(&mut command, "listening on ")
    }

    /// `openssl s_server` as the server.
    pub(crate) fn openssl(files: &Files, args: &[&str]) -> Self {
        let (cert, key) = files.identity("server");
        let accept = ["s_server", "-accept", "127.0.0.1:0"];
        let identity = ["-cert", &cert, "-key", &key];
        let mut command = Command::new("openssl");
        command.args(accept).args(identity).args(args);
        Self::start(&mut command, "ACCEPT ")
    }

    /// `localhost` with the server's port.
    pub(crate) fn localhost(&self) -> String {
        let port = self.address.rsplit_once(':').unwrap().1;
        format!("localhost:{port}")
    }

    /// Writes to its standard input, which stays open.
    pub(crate) fn say(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(line.as_bytes()).unwrap();
    }

    /// Waits for the line of its log of which this holds.
    #[track_caller]
    pub(crate) fn told(&self, holds: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + LONG;
        let mut lines = self.log.lines.lock().unwrap();
        loop {
            if let Some(line) = find(&lines, &holds) {
                return line;
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "nothing of this: {}", lines.join("\n"));
            lines = self.log.more.wait_timeout(lines, left).unwrap().0;
        }
    }

    /// Whether its log has a line of which this holds.
    pub(crate) fn has_told(&self, holds: impl Fn(&Value) -> bool) -> bool {
        find(&self.log.lines.lock().unwrap(), holds).is_some()
    }

    /// Waits for the line of a connection that had this outcome.
    #[track_caller]
    pub(crate) fn ended(&self, outcome: &str) -> Value {
        self.told(|line| line["message"] == "connection" && line["outcome"] == outcome)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until it has gone.
    #[track_caller]
    pub(crate) fn gone(mut self) -> ExitStatus {
        exit_of(&mut self.child)
    }
}

fn find(lines: &[String], holds: impl Fn(&Value) -> bool) -> Option<Value> {
    let parsed = lines
        .iter()
        .filter_map(|line| serde_json::from_str(line).ok());
    parsed.into_iter().find(holds)
}

/// Waits until a program has ended.
#[track_caller]
pub(crate) fn exit_of(child: &mut Child) -> ExitStatus {
    let until = Instant::now() + LONG;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(Instant::now() < until, "it has not ended");
        thread::sleep(Duration::from_millis(10));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
