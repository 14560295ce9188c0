//! `polytls connect` in the background, as a client that takes its time.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::server::{Server, exit_of};
use crate::support::{Files, LONG, polytls};

/// A client whose input stays open and whose output is read when it is asked
/// for: what it has not read waits at the server.
pub(crate) struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
}

impl Client {
    pub(crate) fn connect(backend: &str, files: &Files, server: &Server, args: &[&str]) -> Self {
        let (target, ca) = (server.localhost(), files.path("ca.pem"));
        let own = ["connect", &target, "--backend", backend, "--ca", &ca];
        let mut child = polytls(&[&own, args].concat())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            stdin: child.stdin.take(),
            stdout: child.stdout.take().unwrap(),
            child,
        }
    }

    /// Sends this.
    pub(crate) fn say(&mut self, octets: &[u8]) {
        self.stdin.as_mut().unwrap().write_all(octets).unwrap();
    }

    /// Sends this, and whether what came back in the end is this.
    pub(crate) fn hears(&mut self, octets: &[u8], end: &[u8]) -> bool {
        // It may have gone already.
        let _ = self.stdin.as_mut().unwrap().write_all(octets);
        let mut heard = Vec::new();
        let mut octet = [0];
        while self.stdout.read_exact(&mut octet).is_ok() {
            heard.extend(octet);
            if heard.ends_with(end) {
                return true;
            }
        }
        false
    }

    /// Sends an octet now and then, as long as it is there.
    #[track_caller]
    pub(crate) fn drip(&mut self) {
        let until = Instant::now() + LONG;
        while self.is_there() {
            assert!(Instant::now() < until, "it is still there");
            // It may have gone since.
            let _ = self.stdin.as_mut().unwrap().write_all(b"x");
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// Sends this while it takes as much.
    pub(crate) fn exchange(&mut self, octets: &[u8]) -> Vec<u8> {
        let (stdin, stdout) = (self.stdin.as_mut().unwrap(), &mut self.stdout);
        let mut taken = vec![0; octets.len()];
        thread::scope(|scope| {
            scope.spawn(move || stdin.write_all(octets).unwrap());
            stdout.read_exact(&mut taken).unwrap();
        });
        taken
    }

    /// Ends its input, and so its direction.
    pub(crate) fn end(&mut self) {
        self.stdin = None;
    }

    /// Waits until so many octets have come.
    pub(crate) fn take(&mut self, octets: usize) -> Vec<u8> {
        let mut taken = vec![0; octets];
        self.stdout.read_exact(&mut taken).unwrap();
        taken
    }

    /// Waits until the head of a response has come.
    pub(crate) fn take_head(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            head.push(char::from(self.take(1)[0]));
        }
        head
    }

    /// Takes all that still comes, and its exit code.
    #[track_caller]
    pub(crate) fn rest(mut self) -> (Vec<u8>, i32) {
        let mut rest = Vec::new();
        self.stdout.read_to_end(&mut rest).unwrap();
        (rest, exit_of(&mut self.child).code().unwrap())
    }

    /// Whether it still runs.
    pub(crate) fn is_there(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

/// It leaves without `close_notify`.
impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
