//! Linux (`Documentation/networking/tls.rst`).

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::OnceLock;

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::sockopt::{TcpTlsRx, TcpTlsTx, TcpUlp, TlsCryptoInfo};
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, TlsGetRecordType, recv, recvmsg, setsockopt,
};
use socket2::{Domain, MsgHdr, SockRef, Socket, Type};
use tls_core::{Alert, PeerMisbehaved, Transport};
use zeroize::Zeroize;

use crate::cipher::Cipher;
use crate::kernel::{self, Direction, Kernel, Received, Verdict};
use crate::schedule::Keys;

/// The system's kernel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct System;

/// What it does for a cipher.
#[derive(Clone, Copy, Debug, Default)]
struct Ability {
    has: bool,
    renews: bool,
}

impl System {
    /// Whether it has kernel TLS for TLS 1.3 with any cipher.
    pub(crate) fn is_available() -> bool {
        static AVAILABLE: OnceLock<bool> = OnceLock::new();
        *AVAILABLE.get_or_init(|| {
            has_module().unwrap_or_default() && Cipher::ALL.into_iter().any(Self::has)
        })
    }

    /// Whether it takes both directions of a connection with this cipher.
    pub(crate) fn has(cipher: Cipher) -> bool {
        Self::ability(cipher).has
    }

    /// Whether it takes new keys for a connection that has some (Linux 6.14).
    pub(crate) fn renews(cipher: Cipher) -> bool {
        Self::ability(cipher).renews
    }

    /// Tried on a connection to nobody else, because half of it cannot be
    /// undone on one that is in use.
    fn ability(cipher: Cipher) -> Ability {
        static ABILITIES: [OnceLock<Ability>; 3] = [const { OnceLock::new() }; 3];
        let place = match cipher {
            Cipher::Aes128Gcm => &ABILITIES[0],
            Cipher::Aes256Gcm => &ABILITIES[1],
            Cipher::Chacha20Poly1305 => &ABILITIES[2],
        };
        *place.get_or_init(|| probe(cipher).unwrap_or_default())
    }

    /// Puts the module over the connection. Until keys are set it is TCP as
    /// before.
    pub(crate) fn take_over(io: &dyn Transport) -> io::Result<()> {
        Ok(setsockopt(&descriptor(io)?, TcpUlp::default(), b"tls")?)
    }
}

/// Whether the kernel has the module, or loads it: without a connection there
/// is nothing to put it over, and it says so.
fn has_module() -> io::Result<bool> {
    let unconnected = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    let refused = setsockopt(&unconnected, TcpUlp::default(), b"tls");
    Ok(refused == Err(Errno::ENOTCONN))
}

fn probe(cipher: Cipher) -> io::Result<Ability> {
    let loopback: [SocketAddr; 2] = [
        (Ipv4Addr::LOCALHOST, 0).into(),
        (Ipv6Addr::LOCALHOST, 0).into(),
    ];
    let listener = TcpListener::bind(&loopback[..])?;
    let connection = TcpStream::connect(listener.local_addr()?)?;
    setsockopt(&connection, TcpUlp::default(), b"tls")?;
    let keys = Keys {
        cipher,
        key: Default::default(),
        iv: Default::default(),
    };
    set(connection.as_fd(), Direction::Transmit, &keys)?;
    set(connection.as_fd(), Direction::Receive, &keys)?;
    let renewed = set(connection.as_fd(), Direction::Transmit, &keys);
    Ok(Ability {
        has: true,
        renews: renewed.is_ok(),
    })
}

impl Kernel for System {
    fn install(&self, io: &dyn Transport, direction: Direction, keys: &Keys) -> io::Result<()> {
        set(descriptor(io)?, direction, keys)
    }

    fn read(&self, io: &dyn Transport, buf: &mut [u8]) -> io::Result<usize> {
        Ok(recv(
            descriptor(io)?.as_raw_fd(),
            buf,
            MsgFlags::MSG_DONTWAIT,
        )?)
    }

    fn receive(&self, io: &dyn Transport, buf: &mut [u8]) -> io::Result<Received> {
        /// Room for the control message with the type, aligned for its header.
        #[repr(align(16))]
        struct Control([u8; 64]);

        let mut control = Control([0; 64]);
        let mut bufs = [IoSliceMut::new(buf)];
        let message = recvmsg::<()>(
            descriptor(io)?.as_raw_fd(),
            &mut bufs,
            Some(&mut control.0),
            MsgFlags::MSG_DONTWAIT,
        )?;
        let content_type = message.cmsgs()?.find_map(|part| match part {
            ControlMessageOwned::TlsGetRecordType(kind) => Some(number(kind)),
            _ => None,
        });
        Ok(Received {
            content_type,
            octets: message.bytes,
        })
    }

    fn send(&self, io: &dyn Transport, content_type: u8, octets: &[u8]) -> io::Result<()> {
        let bufs = [IoSlice::new(octets)];
        let control = control_message(content_type);
        let message = MsgHdr::new().with_buffers(&bufs).with_control(&control);
        let fd = descriptor(io)?;
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        // A record is taken whole or not at all.
        match SockRef::from(&fd).sendmsg(&message, flags)? {
            taken if taken == octets.len() => Ok(()),
            _ => Err(io::ErrorKind::WriteZero.into()),
        }
    }

    /// Writable is a socket that has a third of its send buffer free. A part
    /// of a record waits beside that buffer only while it is full, and goes out
    /// before the next record.
    fn has_room(&self, io: &dyn Transport) -> io::Result<bool> {
        let fd = descriptor(io)?;
        let mut fds = [PollFd::new(fd, PollFlags::POLLOUT)];
        poll(&mut fds, PollTimeout::ZERO)?;
        // A connection that has failed is not waited for either.
        Ok(fds[0].any().unwrap_or(true))
    }

    fn clear_error(&self, io: &dyn Transport) {
        if let Ok(fd) = descriptor(io) {
            let _ = SockRef::from(&fd).take_error();
        }
    }

    fn judge(error: &io::Error) -> Verdict {
        match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::EIO) => Verdict::OtherRecord,
            Some(Errno::EBADMSG) => {
                Verdict::Fault(PeerMisbehaved::BadCryptography, Alert::BAD_RECORD_MAC)
            }
            Some(Errno::EMSGSIZE) => {
                Verdict::Fault(PeerMisbehaved::RecordOverflow, Alert::RECORD_OVERFLOW)
            }
            // A header with another version.
            Some(Errno::EINVAL) => Verdict::Fault(PeerMisbehaved::Malformed, Alert::DECODE_ERROR),
            // A KeyUpdate has begun, and has not come whole in its record.
            Some(Errno::EKEYEXPIRED) => {
                Verdict::Fault(PeerMisbehaved::UnexpectedMessage, Alert::UNEXPECTED_MESSAGE)
            }
            _ => Verdict::Failed,
        }
    }
}

/// The descriptor that the session was begun with.
fn descriptor(io: &dyn Transport) -> io::Result<BorrowedFd<'_>> {
    io.descriptor()
        .ok_or_else(|| io::ErrorKind::NotConnected.into())
}

fn set(fd: BorrowedFd<'_>, direction: Direction, keys: &Keys) -> io::Result<()> {
    let mut info = crypto_info(keys);
    let set = match direction {
        Direction::Transmit => setsockopt(&fd, TcpTlsTx, &info),
        Direction::Receive => setsockopt(&fd, TcpTlsRx, &info),
    };
    wipe(&mut info);
    Ok(set?)
}

/// The keys as the kernel takes them. Record numbers begin with 0. Of the
/// vector GCM has the first four octets as its salt.
fn crypto_info(keys: &Keys) -> TlsCryptoInfo {
    let info = |cipher_type| libc::tls_crypto_info {
        version: libc::TLS_1_3_VERSION,
        cipher_type,
    };
    match keys.cipher {
        Cipher::Aes128Gcm => TlsCryptoInfo::Aes128Gcm(libc::tls12_crypto_info_aes_gcm_128 {
            info: info(libc::TLS_CIPHER_AES_GCM_128),
            iv: part(&keys.iv[4..]),
            key: part(&keys.key[..]),
            salt: part(&keys.iv[..]),
            rec_seq: [0; 8],
        }),
        Cipher::Aes256Gcm => TlsCryptoInfo::Aes256Gcm(libc::tls12_crypto_info_aes_gcm_256 {
            info: info(libc::TLS_CIPHER_AES_GCM_256),
            iv: part(&keys.iv[4..]),
            key: part(&keys.key[..]),
            salt: part(&keys.iv[..]),
            rec_seq: [0; 8],
        }),
        Cipher::Chacha20Poly1305 => {
            TlsCryptoInfo::Chacha20Poly1305(libc::tls12_crypto_info_chacha20_poly1305 {
                info: info(libc::TLS_CIPHER_CHACHA20_POLY1305),
                iv: part(&keys.iv[..]),
                key: part(&keys.key[..]),
                salt: [],
                rec_seq: [0; 8],
            })
        }
    }
}

/// The first octets of these, which are as many at least.
fn part<const N: usize>(octets: &[u8]) -> [u8; N] {
    let mut part = [0; N];
    part.copy_from_slice(&octets[..N]);
    part
}

fn wipe(info: &mut TlsCryptoInfo) {
    match info {
        TlsCryptoInfo::Aes128Gcm(info) => {
            info.key.zeroize();
            info.iv.zeroize();
            info.salt.zeroize();
        }
        TlsCryptoInfo::Aes256Gcm(info) => {
            info.key.zeroize();
            info.iv.zeroize();
            info.salt.zeroize();
        }
        TlsCryptoInfo::Chacha20Poly1305(info) => {
            info.key.zeroize();
            info.iv.zeroize();
        }
    }
}

/// The octets of a control message's header (cmsg(3)): a length of the size of
/// a pointer, the level and the type. The data follow without a gap.
const CONTROL_HEADER: usize = size_of::<usize>() + 2 * size_of::<libc::c_int>();

/// The same with one octet behind it, filled up to the size of a pointer.
const CONTROL: usize = CONTROL_HEADER + size_of::<usize>();

/// The control message that says of which type a record is to be.
fn control_message(content_type: u8) -> [u8; CONTROL] {
    let mut octets = [0; CONTROL];
    let header = (CONTROL_HEADER + 1)
        .to_ne_bytes()
        .into_iter()
        .chain(libc::SOL_TLS.to_ne_bytes())
        .chain(libc::TLS_SET_RECORD_TYPE.to_ne_bytes())
        .chain([content_type]);
    for (place, octet) in octets.iter_mut().zip(header) {
        *place = octet;
    }
    octets
}

fn number(kind: TlsGetRecordType) -> u8 {
    match kind {
        TlsGetRecordType::ChangeCipherSpec => 20,
        TlsGetRecordType::Alert => kernel::ALERT,
        TlsGetRecordType::Handshake => kernel::HANDSHAKE,
        TlsGetRecordType::ApplicationData => kernel::APPLICATION_DATA,
        TlsGetRecordType::Unknown(other) => other,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_control_message_has_the_layout_of_the_system() {
        let message = control_message(21);
        assert_eq!(message.len(), nix::cmsg_space!(u8).capacity());
        let (length, _) = message.split_at(size_of::<usize>());
        assert_eq!(length, (CONTROL_HEADER + 1).to_ne_bytes());
        assert_eq!(message[CONTROL_HEADER], 21);
    }

    #[test]
    fn the_vector_is_split_as_the_kernel_wants_it() {
        let mut keys = Keys {
            cipher: Cipher::Aes256Gcm,
            key: Default::default(),
            iv: Default::default(),
        };
        keys.key.fill(7);
        for (place, octet) in keys.iv.iter_mut().zip(1..) {
            *place = octet;
        }
        let TlsCryptoInfo::Aes256Gcm(info) = crypto_info(&keys) else {
            panic!("another cipher");
        };
        assert_eq!(
            (info.salt, info.iv),
            ([1, 2, 3, 4], [5, 6, 7, 8, 9, 10, 11, 12])
        );
        assert_eq!((info.key, info.rec_seq), ([7; 32], [0; 8]));
        let mut info = TlsCryptoInfo::Aes256Gcm(info);
        wipe(&mut info);
        assert!(matches!(info, TlsCryptoInfo::Aes256Gcm(info) if info.key == [0; 32]));
    }
}
