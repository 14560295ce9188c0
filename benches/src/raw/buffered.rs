//! A stream with a read buffer.

use std::fmt::Debug;
use std::io::{self, BufReader, Read, Write};

use tls_core::RecordBuffer;

/// What an expert puts under a library that reads a record in two steps: as
/// much of a buffer as ours has there.
#[derive(Debug)]
pub struct Buffered<T: Debug>(BufReader<T>);

impl<T: Read + Debug> Buffered<T> {
    /// Room for one record.
    pub fn new(io: T) -> Self {
        Self(BufReader::with_capacity(RecordBuffer::LEN, io))
    }
}

impl<T: Read + Debug> Read for Buffered<T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl<T: Write + Debug> Write for Buffered<T> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.get_mut().write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.get_mut().flush()
    }
}
