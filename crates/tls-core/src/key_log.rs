//! Secrets for traffic analysis.

use std::fmt::{self, Write as _};
use std::fs::{File, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::Write as _;
use std::path::Path;
use std::sync::Mutex;

use crate::Error;

/// Takes the secrets of sessions, for a tool such as Wireshark.
///
/// Whoever has these lines can read the traffic: turn this on for debugging
/// only, and never by default.
pub trait KeyLog: fmt::Debug + Send + Sync {
    /// One line of the NSS key log format, without its line end: a label, the
    /// client random and the secret, in hexadecimal.
    fn log(&self, line: &str);
}

/// Two key logs are the same if they are in the same place.
impl Hash for dyn KeyLog {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::ptr::from_ref(self).addr().hash(state);
    }
}

/// Appends to a file in the NSS key log format, which `SSLKEYLOGFILE` made known.
#[derive(Debug)]
pub struct KeyLogFile(Mutex<File>);

impl KeyLogFile {
    /// Opens the file for appending and makes it if need be, for its owner
    /// alone to read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options
            .open(path)
            .map_err(|error| Error::config("key_log", format!("{}: {error}", path.display())))?;
        Ok(Self(Mutex::new(file)))
    }
}

impl KeyLog for KeyLogFile {
    /// A line that cannot be written is lost: the session must not suffer.
    fn log(&self, line: &str) {
        let mut file = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let _ = file.write_all(format!("{line}\n").as_bytes());
    }
}

/// Writes one line of the NSS key log format, for a library that hands out the parts.
pub fn key_log_line(label: &str, client_random: &[u8], secret: &[u8]) -> String {
    let mut line =
        String::with_capacity(label.len() + 2 + 2 * (client_random.len() + secret.len()));
    line.push_str(label);
    for part in [client_random, secret] {
        line.push(' ');
        for octet in part {
            let _ = write!(line, "{octet:02x}");
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_three_parts() {
        assert_eq!(
            key_log_line("CLIENT_RANDOM", &[1, 0xab], &[0xff]),
            "CLIENT_RANDOM 01ab ff"
        );
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_a_config_error() {
        let error = KeyLogFile::open("/no/such/folder/keys").unwrap_err();
        assert!(matches!(error, Error::Config(error) if error.field == "key_log"));
    }
}
