//! A system without kernel TLS.

use std::io;

use tls_core::Transport;

use crate::cipher::Cipher;
use crate::kernel::{Direction, Kernel, Received, Verdict};
use crate::schedule::Keys;

/// The system's kernel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct System;

impl System {
    pub(crate) fn is_available() -> bool {
        false
    }

    pub(crate) fn has(_: Cipher) -> bool {
        false
    }

    pub(crate) fn renews(_: Cipher) -> bool {
        false
    }

    pub(crate) fn take_over(_: &dyn Transport) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Kernel for System {
    fn install(&self, _: &dyn Transport, _: Direction, _: &Keys) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn read(&self, _: &dyn Transport, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn receive(&self, _: &dyn Transport, _: &mut [u8]) -> io::Result<Received> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn send(&self, _: &dyn Transport, _: u8, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn has_room(&self, _: &dyn Transport) -> io::Result<bool> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn clear_error(&self, _: &dyn Transport) {}

    fn judge(_: &io::Error) -> Verdict {
        Verdict::Failed
    }
}
