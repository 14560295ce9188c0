//! PKCS#8 in its second version, which OpenSSL 3.0 and BoringSSL do not read.

use zeroize::Zeroizing;

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;

/// The same key in the first version: without the public key, which the
/// private one gives anyway (RFC 5958, section 2). `None` for what is not
/// version two.
pub fn first_version(der: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (whole, []) = take(SEQUENCE, der)? else {
        return None;
    };
    let (version, rest) = take(INTEGER, whole.value)?;
    if version.value != [1] {
        return None;
    }
    let (algorithm, rest) = take(SEQUENCE, rest)?;
    let (key, _) = take(OCTET_STRING, rest)?;
    let parts = [&[INTEGER, 1, 0], algorithm.whole, key.whole];
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut first = Zeroizing::new(Vec::with_capacity(length + 4));
    first.push(SEQUENCE);
    match u8::try_from(length) {
        Ok(short @ ..=0x7f) => first.push(short),
        Ok(long) => first.extend_from_slice(&[0x81, long]),
        Err(_) => {
            first.push(0x82);
            first.extend_from_slice(&u16::try_from(length).ok()?.to_be_bytes());
        }
    }
    for part in parts {
        first.extend_from_slice(part);
    }
    Some(first)
}

/// One value with its tag and length, and what is inside.
struct Element<'d> {
    whole: &'d [u8],
    value: &'d [u8],
}

/// Takes a value with this tag off the front.
fn take(tag: u8, der: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&[found, first], after) = der.split_first_chunk::<2>()?;
    if found != tag {
        return None;
    }
    let octets = match first {
        ..=0x7f => 0,
        0x81 | 0x82 => usize::from(first & 0x7f),
        _ => return None,
    };
    let (long, content) = after.split_at_checked(octets)?;
    let length = if octets == 0 {
        usize::from(first)
    } else {
        long.iter()
            .fold(0, |sum, &octet| sum << 8 | usize::from(octet))
    };
    let (value, rest) = content.split_at_checked(length)?;
    let whole = &der[..der.len() - rest.len()];
    Some((Element { whole, value }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8410, section 10.3, with the public key left in and the attributes out.
    fn second_version() -> Vec<u8> {
        let seed: Vec<u8> = (0..32).collect();
        let mut der = vec![SEQUENCE, 81, INTEGER, 1, 1];
        der.extend([SEQUENCE, 5, 6, 3, 0x2b, 0x65, 0x70]);
        der.extend([OCTET_STRING, 34, OCTET_STRING, 32]);
        der.extend(&seed);
        der.extend([0x81, 33, 0]);
        der.extend([9; 32]);
        der
    }

    #[test]
    fn the_key_is_the_same_in_the_first_version() {
        let mut expected = vec![SEQUENCE, 46, INTEGER, 1, 0];
        expected.extend([SEQUENCE, 5, 6, 3, 0x2b, 0x65, 0x70]);
        expected.extend([OCTET_STRING, 34, OCTET_STRING, 32]);
        expected.extend(0..32);
        assert_eq!(**first_version(&second_version()).unwrap(), expected);
    }

    #[test]
    fn the_first_version_and_what_is_broken_are_left_alone() {
        let whole = second_version();
        assert!(first_version(&first_version(&whole).unwrap()).is_none());
        for length in 0..whole.len() {
            assert!(first_version(&whole[..length]).is_none(), "{length}");
        }
        assert!(first_version(&[0x30, 0xff, 2, 1, 1]).is_none());
    }

    #[test]
    fn long_values_keep_their_length() {
        for octets in [100, 130, 300] {
            let mut inside = vec![INTEGER, 1, 1, SEQUENCE, 0, OCTET_STRING, 0x82];
            inside.extend(u16::try_from(octets).unwrap().to_be_bytes());
            inside.extend(vec![7; octets]);
            let mut der = vec![SEQUENCE, 0x82];
            der.extend(u16::try_from(inside.len()).unwrap().to_be_bytes());
            der.extend(&inside);
            let first = first_version(&der).unwrap();
            let (whole, rest) = take(SEQUENCE, &first).unwrap();
            assert!(rest.is_empty());
            assert_eq!(whole.value[..3], [INTEGER, 1, 0]);
            assert_eq!(whole.value[3..], inside[3..]);
        }
    }
}
