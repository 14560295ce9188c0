//! Fields of a handshake message, each with its bounds.

use crate::Error;

/// What is left of a message, or of a part of it. Every read names the field,
/// for the error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) const fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn octets(&mut self, field: &'static str, length: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(Error::Malformed { field })?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn number8(&mut self, field: &'static str) -> Result<u8, Error> {
        self.octets(field, 1).map(|octets| octets[0])
    }

    pub(crate) fn number16(&mut self, field: &'static str) -> Result<u16, Error> {
        self.octets(field, 2)
            .map(|octets| u16::from_be_bytes([octets[0], octets[1]]))
    }

    /// A vector with a length of one octet.
    pub(crate) fn vector8(&mut self, field: &'static str) -> Result<&'a [u8], Error> {
        let length = self.number8(field)?;
        self.octets(field, usize::from(length))
    }

    /// A vector with a length of two octets.
    pub(crate) fn vector16(&mut self, field: &'static str) -> Result<&'a [u8], Error> {
        let length = self.number16(field)?;
        self.octets(field, usize::from(length))
    }

    /// Nothing may be left.
    pub(crate) const fn end(self, field: &'static str) -> Result<(), Error> {
        match self.is_empty() {
            true => Ok(()),
            false => Err(Error::Malformed { field }),
        }
    }
}

/// Numbers of two octets each, at least one.
pub(crate) fn numbers16(field: &'static str, octets: &[u8]) -> Result<Vec<u16>, Error> {
    let mut fields = Fields::new(octets);
    let mut numbers = Vec::with_capacity(octets.len() / 2);
    while !fields.is_empty() {
        numbers.push(fields.number16(field)?);
    }
    match numbers.is_empty() {
        true => Err(Error::Malformed { field }),
        false => Ok(numbers),
    }
}
