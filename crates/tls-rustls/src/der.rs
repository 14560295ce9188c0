//! The little of DER (X.690) that is read here.

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const SEQUENCE: u8 = 0x30;
/// `[0]`, explicit.
pub(crate) const CONTEXT_0: u8 = 0xa0;
/// `[3]`, explicit.
pub(crate) const CONTEXT_3: u8 = 0xa3;

/// Takes elements off the front of what is left.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    /// The content of the next element, which has this tag.
    pub(crate) fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (found, content, rest) = split(self.0)?;
        if found != tag {
            return None;
        }
        self.0 = rest;
        Some(content)
    }

    /// The next element whole, with its tag and length.
    pub(crate) fn take_whole(&mut self, tag: u8) -> Option<&'a [u8]> {
        let before = self.0;
        self.take(tag)?;
        before.get(..before.len() - self.0.len())
    }

    /// The content of the next element if it has this tag; else nothing is taken.
    pub(crate) fn take_optional(&mut self, tag: u8) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let content = ahead.take(tag)?;
        *self = ahead;
        Some(content)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The tag and content of the element at the front, and what follows it.
fn split(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if length.is_empty() || length.len() > 4 {
            return None;
        }
        let sum = length
            .iter()
            .fold(0, |sum: u64, &octet| sum << 8 | u64::from(octet));
        (usize::try_from(sum).ok()?, rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_taken_in_order_and_only_whole() {
        let mut reader = Reader(&[2, 1, 7, 0x30, 0x81, 2, 5, 0, 4, 0]);
        assert_eq!(reader.take(SEQUENCE), None);
        assert_eq!(reader.take_optional(SEQUENCE), None);
        assert_eq!(reader.take_optional(INTEGER), Some(&[7][..]));
        assert_eq!(
            reader.take_whole(SEQUENCE),
            Some(&[0x30, 0x81, 2, 5, 0][..])
        );
        assert_eq!(reader.take(OCTET_STRING), Some(&[][..]));
        assert!(reader.is_empty());
        for bad in [
            &[][..],
            &[2],
            &[2, 1],
            &[2, 0x80, 0, 0],
            &[2, 0x82, 1],
            &[2, 0x85, 0, 0, 0, 0, 1, 7],
            &[2, 0x84, 0xff, 0xff, 0xff, 0xff, 7],
        ] {
            assert_eq!(Reader(bad).take(INTEGER), None, "{bad:02x?}");
        }
    }
}
