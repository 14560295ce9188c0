//! What is held for a peer that has not taken it.

use std::collections::VecDeque;
use std::io::IoSlice;

/// Octets in order. It has no memory while it is empty.
#[derive(Debug, Default)]
pub(crate) struct Output(VecDeque<u8>);

impl Output {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes the front of `buf`, so that no more than `limit` octets are held,
    /// and answers how many octets that were.
    pub(crate) fn hold(&mut self, buf: &[u8], limit: usize) -> usize {
        let taken = buf.len().min(limit.saturating_sub(self.len()));
        let needed = self.len() + taken;
        if needed > self.0.capacity() {
            let capacity = needed.max(self.0.capacity() * 2).min(limit);
            self.0.reserve_exact(capacity - self.len());
        }
        self.0.extend(&buf[..taken]);
        taken
    }

    pub(crate) fn slices(&self) -> [IoSlice<'_>; 2] {
        let (front, back) = self.0.as_slices();
        [IoSlice::new(front), IoSlice::new(back)]
    }

    /// Drops what was sent.
    pub(crate) fn consume(&mut self, octets: usize) {
        if octets >= self.len() {
            self.clear();
        } else {
            self.0.drain(..octets);
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn into_vec(self) -> Vec<u8> {
        self.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_held_than_the_limit_and_nothing_is_kept_when_empty() {
        let mut output = Output::default();
        assert_eq!(output.hold(&[1; 60], 100), 60);
        assert_eq!(output.hold(&[2; 60], 100), 40);
        assert_eq!(output.hold(&[3; 60], 100), 0);
        assert!(output.0.capacity() <= 100, "{}", output.0.capacity());
        output.consume(50);
        assert_eq!(output.hold(&[4; 60], 100), 50);
        let sent: Vec<u8> = output
            .slices()
            .iter()
            .flat_map(|slice| slice.to_vec())
            .collect();
        assert_eq!(sent, [vec![1; 10], vec![2; 40], vec![4; 50]].concat());
        output.consume(100);
        assert!(output.is_empty());
        assert_eq!(output.0.capacity(), 0);
    }
}
