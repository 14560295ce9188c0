//! What a server's settings have in common with a client's hello.

use boring::ssl::{ClientHello, ExtensionType};

/// In TLS 1.2 the library says "no shared cipher" whatever is not shared. This
/// tells the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shared {
    /// There is a group in common.
    pub(crate) group: bool,
    /// There is a signature scheme in common that is the server key's own.
    pub(crate) scheme: bool,
}

/// The numbers of what a server of TLS 1.2 takes.
#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) groups: Vec<u16>,
    pub(crate) schemes: Vec<u16>,
}

impl Offer {
    pub(crate) fn compare(&self, hello: &ClientHello<'_>) -> Shared {
        let shares = |extension, own: &[u16]| {
            let listed = hello.get_extension(extension).unwrap_or_default();
            numbers(listed).any(|number| own.contains(&number))
        };
        Shared {
            group: shares(ExtensionType::SUPPORTED_GROUPS, &self.groups),
            scheme: shares(ExtensionType::SIGNATURE_ALGORITHMS, &self.schemes),
        }
    }
}

/// The numbers in a list that begins with its length, of two octets each. The
/// library judges whether the list is sound.
fn numbers(list: &[u8]) -> impl Iterator<Item = u16> {
    let listed = list.get(2..).unwrap_or_default();
    listed
        .chunks_exact(2)
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_behind_its_length_and_as_far_as_it_is_whole() {
        let read = |list: &[u8]| numbers(list).collect::<Vec<_>>();
        assert_eq!(read(&[0, 4, 0, 29, 0x11, 0xec]), [29, 0x11ec]);
        assert_eq!(read(&[0, 4, 0, 29, 0x11]), [29]);
        assert_eq!(read(&[0]), [0; 0]);
        assert_eq!(read(&[]), [0; 0]);
    }
}
