//! A ClientHello that arrives in pieces.

use crate::fields::Fields;
use crate::{ClientHello, Error};

/// The octets of a ClientHello that are taken at most: 64 KiB. One
/// with post-quantum keys and a long session ticket has a few KiB.
pub const MAX_HELLO_OCTETS: usize = 64 * 1024;

/// The octets that a record in the clear may carry (RFC 8446, section 5.1).
const MAX_RECORD_OCTETS: usize = 1 << 14;

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;

/// Takes a client's first bytes and tells its ClientHello once it is whole.
///
/// The message may be spread over records of any size. Each octet is looked at
/// once, however it arrives.
#[derive(Clone, Debug, Default)]
pub struct ClientHelloReader {
    /// The header of the record that comes next, as far as it has come.
    header: Header,
    /// What the record that is being read still has.
    record_left: usize,
    /// The handshake message with its header, as far as it has come.
    message: Vec<u8>,
    failed: Option<Error>,
}

#[derive(Clone, Debug, Default)]
struct Header {
    octets: [u8; 5],
    length: usize,
}

impl ClientHelloReader {
    /// Nothing has come yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what has arrived. `None` as long as more must come. Give it no more
    /// bytes once it has answered: what follows belongs to the session.
    ///
    /// An error is final: every later call answers it again.
    pub fn push(&mut self, arrived: &[u8]) -> Result<Option<ClientHello>, Error> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let result = self.take(arrived);
        self.failed = result.as_ref().err().copied();
        result
    }

    /// What it means that the connection ends now.
    pub fn end(&self) -> Error {
        self.failed.unwrap_or(Error::Truncated)
    }

    fn take(&mut self, mut arrived: &[u8]) -> Result<Option<ClientHello>, Error> {
        while !arrived.is_empty() {
            if self.record_left == 0 {
                arrived = self.take_header(arrived)?;
                continue;
            }
            let (piece, rest) = arrived.split_at(self.record_left.min(arrived.len()));
            self.record_left -= piece.len();
            arrived = rest;
            if let Some(hello) = self.take_piece(piece)? {
                return Ok(Some(hello));
            }
        }
        Ok(None)
    }

    /// Takes a record's header, and answers what is behind it.
    fn take_header<'a>(&mut self, arrived: &'a [u8]) -> Result<&'a [u8], Error> {
        let header = &mut self.header;
        let room = &mut header.octets[header.length..];
        let taken = room.len().min(arrived.len());
        room[..taken].copy_from_slice(&arrived[..taken]);
        header.length += taken;
        let rest = &arrived[taken..];
        check_record(
            &header.octets[..header.length],
            self.message.is_empty(),
            rest,
        )?;
        if header.length < header.octets.len() {
            return Ok(rest);
        }
        let [_, _, _, high, low] = header.octets;
        self.header = Header::default();
        self.record_left = match usize::from(u16::from_be_bytes([high, low])) {
            // RFC 8446, section 5.1: no handshake record is empty.
            0 => return Err(Error::Malformed { field: "record" }),
            octets @ 1..=MAX_RECORD_OCTETS => octets,
            octets => return Err(Error::RecordTooLong { octets }),
        };
        Ok(rest)
    }

    /// Takes a part of the message, and answers it if it is whole now.
    fn take_piece(&mut self, piece: &[u8]) -> Result<Option<ClientHello>, Error> {
        // The length is known before more than its own octets are kept.
        let header = 4_usize.saturating_sub(self.message.len()).min(piece.len());
        let (header, body) = piece.split_at(header);
        self.message.extend_from_slice(header);
        match self.message.first() {
            None | Some(&CLIENT_HELLO) => {}
            Some(&message_type) => return Err(Error::NotClientHello { message_type }),
        }
        let Some(&[_, high, middle, low]) = self.message.first_chunk() else {
            return Ok(None);
        };
        let octets = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        if octets > MAX_HELLO_OCTETS {
            return Err(Error::TooLong { octets });
        }
        let missing = octets + 4 - self.message.len();
        self.message
            .extend_from_slice(&body[..missing.min(body.len())]);
        if self.message.len() < octets + 4 {
            return Ok(None);
        }
        ClientHello::parse(&self.message[4..]).map(Some)
    }
}

/// Judges a record's header as far as it has come, the first one by whether it
/// is TLS at all.
fn check_record(header: &[u8], is_first: bool, behind: &[u8]) -> Result<(), Error> {
    let Ok(content_type) = Fields::new(header).number8("record") else {
        return Ok(());
    };
    // change_cipher_spec, alert, handshake, application_data, heartbeat.
    let is_tls = (20..=24).contains(&content_type) && header.get(1).is_none_or(|&major| major == 3);
    if !is_tls {
        return Err(match is_first {
            true => Error::NotTls {
                http: is_http(&[header, behind].concat()),
            },
            false => Error::Malformed { field: "record" },
        });
    }
    // The version tells a record of TLS from an octet that only looks like it.
    if content_type != HANDSHAKE && header.len() > 1 {
        return Err(Error::NotHandshake { content_type });
    }
    Ok(())
}

/// Whether it begins like a request's method, as far as it has come.
fn is_http(octets: &[u8]) -> bool {
    const METHODS: [&[u8]; 10] = [
        b"GET ",
        b"HEAD ",
        b"POST ",
        b"PUT ",
        b"DELETE ",
        b"CONNECT ",
        b"OPTIONS ",
        b"TRACE ",
        b"PATCH ",
        b"PRI ",
    ];
    METHODS.iter().any(|method| {
        let length = octets.len().min(method.len());
        octets[..length] == method[..length]
    })
}
