//! An I/O error that can be compared and cloned.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

/// An error of a transport. Two of them are equal when their kind and the
/// operating system's number are.
#[derive(Clone, Debug)]
pub struct IoError(Arc<io::Error>);

impl IoError {
    /// Its kind.
    pub fn kind(&self) -> io::ErrorKind {
        self.0.kind()
    }

    /// The operating system's number, if it came from there.
    pub fn raw_os_error(&self) -> Option<i32> {
        self.0.raw_os_error()
    }
}

impl From<io::Error> for IoError {
    fn from(error: io::Error) -> Self {
        Self(Arc::new(error))
    }
}

impl fmt::Display for IoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for IoError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

impl PartialEq for IoError {
    fn eq(&self, other: &Self) -> bool {
        self.kind() == other.kind() && self.raw_os_error() == other.raw_os_error()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_compare_by_kind_and_number() {
        let reset = || IoError::from(io::Error::from_raw_os_error(104));
        assert_eq!(reset(), reset());
        assert_ne!(
            reset(),
            io::Error::from(io::ErrorKind::ConnectionReset).into()
        );
    }
}
