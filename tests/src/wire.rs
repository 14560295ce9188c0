//! Reads what passed over the wire, without a key.

/// One record, as it went over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Where its header starts.
    pub offset: usize,
    /// The content type: 20 change_cipher_spec, 21 alert, 22 handshake, 23 application_data.
    pub content_type: u8,
    /// What follows the header.
    pub payload: &'a [u8],
}

/// The length of a record's header.
pub const HEADER: usize = 5;

/// The whole records in these octets; a cut one at the end is left out.
pub fn records(octets: &[u8]) -> Vec<Record<'_>> {
    let mut found = Vec::new();
    let mut offset = 0;
    while let Some([content_type, _, _, high, low]) = octets.get(offset..offset + HEADER) {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let start = offset + HEADER;
        let Some(payload) = octets.get(start..start + length) else {
            break;
        };
        found.push(Record {
            offset,
            content_type: *content_type,
            payload,
        });
        offset = start + length;
    }
    found
}

/// A record with this content.
pub fn record(content_type: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).expect("a record's length has two octets");
    let mut octets = vec![content_type, 3, 3];
    octets.extend_from_slice(&length.to_be_bytes());
    octets.extend_from_slice(payload);
    octets
}

/// What a scenario looks for in a ClientHello.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHello {
    /// The client's random.
    pub random: [u8; 32],
    /// Each extension's number and content, in order.
    pub extensions: Vec<(u16, Vec<u8>)>,
}

impl ClientHello {
    /// Reads the first message that a client sent.
    ///
    /// # Panics
    /// If it is no ClientHello, which fails the scenario.
    pub fn read(octets: &[u8]) -> Self {
        let mut message = Vec::new();
        for record in records(octets) {
            assert_eq!(record.content_type, 22, "the first record is no handshake");
            message.extend_from_slice(record.payload);
            if message.len() >= 4 && message.len() >= 4 + length(&message[1..4]) {
                break;
            }
        }
        assert_eq!(message[0], 1, "the first message is no ClientHello");
        let mut rest = Rest(&message[4..]);
        rest.take(2);
        let random = rest.take(32).try_into().expect("32 octets");
        rest.vector(1);
        rest.vector(2);
        rest.vector(1);
        let mut list = Rest(rest.vector(2));
        let mut extensions = Vec::new();
        while !list.0.is_empty() {
            let number = u16::from_be_bytes(list.take(2).try_into().expect("2 octets"));
            extensions.push((number, list.vector(2).to_vec()));
        }
        Self { random, extensions }
    }

    /// The content of this extension.
    pub fn extension(&self, number: u16) -> Option<&[u8]> {
        let found = self.extensions.iter().find(|(known, _)| *known == number);
        found.map(|(_, content)| content.as_slice())
    }

    /// The host name in the server name indication (RFC 6066, section 3).
    pub fn server_name(&self) -> Option<String> {
        let mut list = Rest(Rest(self.extension(0)?).vector(2));
        assert_eq!(list.take(1), [0], "the name is no host name");
        Some(String::from_utf8(list.vector(2).to_vec()).expect("a host name is ASCII"))
    }
}

/// What has not been read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, octets: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(octets);
        self.0 = rest;
        taken
    }

    /// A vector behind a length of so many octets.
    fn vector(&mut self, octets: usize) -> &'a [u8] {
        let length = length(self.take(octets));
        self.take(length)
    }
}

fn length(octets: &[u8]) -> usize {
    octets
        .iter()
        .fold(0, |sum, &octet| sum << 8 | usize::from(octet))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_told_apart_and_a_cut_one_is_left_out() {
        let mut octets = record(22, b"abc");
        octets.extend(record(21, b"de"));
        octets.extend([23, 3, 3, 0, 9, 1]);
        let found = records(&octets);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].payload, b"abc");
        assert_eq!((found[1].offset, found[1].content_type), (8, 21));
    }

    #[test]
    fn a_client_hello_is_read_across_records() {
        let name = [0, 0, 0, 6, 0, 4, 0, 0, 1, b'a'];
        let mut hello = vec![1, 0, 0, 0, 3, 3];
        hello.extend([7; 32]);
        hello.extend([0, 0, 2, 0x13, 1, 1, 0, 0, 10]);
        hello.extend(name);
        hello[3] = u8::try_from(hello.len() - 4).unwrap();
        let mut octets = record(22, &hello[..9]);
        octets.extend(record(22, &hello[9..]));
        let read = ClientHello::read(&octets);
        assert_eq!(read.random, [7; 32]);
        assert_eq!(read.server_name().as_deref(), Some("a"));
        assert_eq!(read.extension(16), None);
    }
}
