//! The lent transport, as rustls reads and writes it.

use std::io::{self, IoSlice, Read, Write};

use tls_core::{ReadAhead, Transport};

use crate::tally::{Tally, data_of_one};

/// The reading end. Reads a record at a time, where rustls asks for 4 KiB, and
/// looks at the first octets that a peer ever sends.
pub(crate) struct Inbound<'a> {
    io: &'a mut dyn Transport,
    ahead: &'a mut ReadAhead,
    tally: &'a mut Tally,
    opening: Option<&'a mut Opening>,
    /// Whether rustls has read: an error without that is its own.
    pub(crate) asked: bool,
}

impl<'a> Inbound<'a> {
    pub(crate) fn new(
        io: &'a mut dyn Transport,
        ahead: &'a mut ReadAhead,
        tally: &'a mut Tally,
        opening: Option<&'a mut Opening>,
    ) -> Self {
        Self {
            io,
            ahead,
            tally,
            opening,
            asked: false,
        }
    }
}

impl Read for Inbound<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.asked = true;
        let received = self.ahead.read(buf, |room| self.io.read(room))?;
        let came = buf.get(..received).unwrap_or_default();
        self.tally.note(came);
        if let Some(opening) = &mut self.opening {
            opening.note(came);
        }
        Ok(received)
    }
}

/// The reading end where rustls's own buffer is large enough, and no part of a
/// record has come.
pub(crate) struct Direct<'a> {
    io: &'a mut dyn Transport,
    tally: &'a mut Tally,
    /// Whether rustls has read: an error without that is its own.
    pub(crate) asked: bool,
    /// How much data one whole record holds that came, of which the tally is
    /// not told; 0 if something else came.
    pub(crate) data: usize,
}

impl<'a> Direct<'a> {
    #[inline(always)]
    pub(crate) fn new(io: &'a mut dyn Transport, tally: &'a mut Tally) -> Self {
        Self {
            io,
            tally,
            asked: false,
            data: 0,
        }
    }
}

impl Read for Direct<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.asked = true;
        let received = self.io.read(buf)?;
        let came = buf.get(..received).unwrap_or_default();
        self.data = data_of_one(came);
        if self.data == 0 {
            self.tally.note(came);
        }
        Ok(received)
    }
}

/// The writing end.
pub(crate) struct Outbound<'a>(pub(crate) &'a mut dyn Transport);

impl Write for Outbound<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The first octets that came: enough to tell a TLS record from another
/// protocol or noise, and to see the version at the head of a ClientHello.
#[derive(Debug, Default)]
pub(crate) struct Opening {
    octets: [u8; 11],
    known: usize,
}

impl Opening {
    fn note(&mut self, received: &[u8]) {
        for (place, octet) in self.octets.iter_mut().skip(self.known).zip(received) {
            *place = *octet;
            self.known += 1;
        }
    }

    /// Whether a record of TLS may have begun: a content type from
    /// change_cipher_spec (20) to application_data (23), then the version's
    /// high octet, which is 3 for all of SSL 3 and TLS (RFC 8446, section 5.1).
    pub(crate) fn may_be_tls(&self) -> bool {
        match self.known {
            0 => true,
            1 => matches!(self.octets, [20..=23, ..]),
            _ => matches!(self.octets, [20..=23, 3, ..]),
        }
    }

    /// Whether this is a ClientHello of a client that knows nothing above TLS
    /// 1.1 (RFC 5246, section 7.4.1.2): a record of handshake (22), five octets
    /// with its head, then the message's type (1), length and version.
    pub(crate) fn is_hello_below_tls12(&self) -> bool {
        self.known == self.octets.len()
            && matches!(self.octets, [22, 3, _, _, _, 1, _, _, _, 3, 0..=2])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(octets: &[u8]) -> bool {
        let mut opening = Opening::default();
        for octet in octets {
            opening.note(&[*octet]);
        }
        let mut at_once = Opening::default();
        at_once.note(octets);
        assert_eq!(opening.may_be_tls(), at_once.may_be_tls());
        at_once.may_be_tls()
    }

    #[test]
    fn tls_is_told_from_other_protocols_by_its_first_octets() {
        for tls in [
            &b""[..],
            b"\x16",
            b"\x16\x03",
            b"\x16\x03\x01\x02",
            b"\x15\x03\x03",
        ] {
            assert!(after(tls), "{tls:02x?}");
        }
        for other in [
            &b"GET / HTTP/1.1"[..],
            b"SSH-2.0",
            b"\x80\x2e\x01\x03",
            b"\x16\x02",
        ] {
            assert!(!after(other), "{other:02x?}");
        }
    }

    #[test]
    fn an_old_client_is_known_by_the_version_in_its_hello() {
        for (version, old) in [(1, true), (2, true), (3, false)] {
            let mut opening = Opening::default();
            let hello = [22, 3, 1, 0, 99, 1, 0, 0, 95, 3, version, 7];
            opening.note(&hello[..10]);
            assert!(!opening.is_hello_below_tls12());
            opening.note(&hello[10..]);
            assert_eq!(opening.is_hello_below_tls12(), old);
        }
    }
}
