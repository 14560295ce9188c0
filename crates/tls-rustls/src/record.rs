//! One record's worth of the caller's slices.

use std::io::{self, IoSlice, Write};

use tls_core::RecordBuffer;
use tls_core::limits::MAX_RECORD_PLAINTEXT;

/// So many octets are copied together at less cost than rustls, which allocates
/// for them, takes several slices.
const FEW: usize = 4096;

/// How many slices are gathered without allocating.
const WINDOW: usize = 64;

/// Whether these are the contents of one record.
#[inline(always)]
pub(crate) fn is_one(octets: usize) -> bool {
    (1..=MAX_RECORD_PLAINTEXT).contains(&octets)
}

/// Writes all of `bufs`, so many octets, which are the contents of one record.
#[inline(always)]
pub(crate) fn write_one(
    mut writer: impl Write,
    bufs: &[IoSlice<'_>],
    octets: usize,
) -> io::Result<usize> {
    match bufs {
        [one] => writer.write(one),
        _ if octets > FEW => writer.write_vectored(bufs),
        _ => writer.write(RecordBuffer::take().gather(bufs, octets)),
    }
}

/// Writes what follows the first `skip` octets of `bufs`: as much as one record
/// holds, in one write.
pub(crate) fn write(
    mut writer: impl Write,
    bufs: &[IoSlice<'_>],
    mut skip: usize,
) -> io::Result<usize> {
    let mut room = MAX_RECORD_PLAINTEXT;
    let mut parts = bufs
        .iter()
        .map_while(|buf| {
            let passed = skip.min(buf.len());
            skip -= passed;
            let part = &buf[passed..];
            let part = &part[..room.min(part.len())];
            let wanted = room > 0;
            room -= part.len();
            wanted.then(|| IoSlice::new(part))
        })
        .filter(|part| !part.is_empty());
    let mut window = [IoSlice::new(&[]); WINDOW];
    let mut filled = 0;
    for (place, part) in window.iter_mut().zip(&mut parts) {
        *place = part;
        filled += 1;
    }
    match parts.next() {
        None => writer.write_vectored(&window[..filled]),
        Some(next) => {
            let many: Vec<_> = window.into_iter().chain([next]).chain(parts).collect();
            writer.write_vectored(&many)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes all and remembers how much each write brought.
    #[derive(Default)]
    struct Taken(Vec<usize>);

    impl Write for Taken {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            self.write_vectored(&[IoSlice::new(buf)])
        }

        fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
            self.0.push(bufs.iter().map(|buf| buf.len()).sum());
            Ok(self.0[self.0.len() - 1])
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_write_brings_one_record_from_any_number_of_slices() {
        let octets = vec![7; 20_000];
        for (slice, count) in [
            (20_000, 1),
            (20_000, 3),
            (1, 1000),
            (1, 64),
            (1, 65),
            (64, 64),
            (2049, 2),
            (400, 100),
        ] {
            let slices = vec![IoSlice::new(&octets[..slice]); count];
            let whole = slice * count;
            let mut taken = Taken::default();
            if is_one(whole) {
                assert_eq!(write_one(&mut taken, &slices, whole).unwrap(), whole);
                assert_eq!(taken.0, [whole]);
                taken = Taken::default();
            }
            let mut skip = 0;
            while skip < whole {
                skip += write(&mut taken, &slices, skip).unwrap();
            }
            assert_eq!(skip, whole);
            let records = whole.div_ceil(MAX_RECORD_PLAINTEXT);
            assert_eq!(taken.0.len(), records, "{count} slices of {slice}");
        }
    }
}
