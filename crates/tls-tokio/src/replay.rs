//! Bytes that were read from a stream before its session was.

/// They come before anything that is read from the stream. The memory goes
/// back when the last is taken.
#[derive(Default)]
pub(crate) struct Replay {
    octets: Vec<u8>,
    taken: usize,
}

impl Replay {
    pub(crate) const fn new(octets: Vec<u8>) -> Self {
        Self { octets, taken: 0 }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    /// Copies as much as there is room for.
    pub(crate) fn take(&mut self, buf: &mut [u8]) -> usize {
        let left = &self.octets[self.taken..];
        let taken = left.len().min(buf.len());
        buf[..taken].copy_from_slice(&left[..taken]);
        self.taken += taken;
        if self.taken == self.octets.len() {
            *self = Self::default();
        }
        taken
    }

    /// All that is left.
    pub(crate) fn into_rest(mut self) -> Vec<u8> {
        self.octets.drain(..self.taken);
        self.octets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_come_in_order_and_their_memory_goes_back() {
        let mut replay = Replay::new(b"abcde".to_vec());
        let mut buf = [0; 2];
        assert_eq!(replay.take(&mut buf), 2);
        assert_eq!(&buf, b"ab");
        assert_eq!(replay.take(&mut buf), 2);
        assert!(!replay.is_empty());
        assert_eq!(replay.take(&mut buf), 1);
        assert_eq!(buf[0], b'e');
        assert!(replay.is_empty());
        assert_eq!(replay.octets.capacity(), 0);
        assert_eq!(replay.take(&mut buf), 0);
    }

    #[test]
    fn what_was_not_taken_is_given_back() {
        let mut replay = Replay::new(b"abcde".to_vec());
        replay.take(&mut [0; 2]);
        assert_eq!(replay.into_rest(), b"cde");
    }
}
