//! The order in which the faults of a certificate chain count.

use tls_core::CertificateError;

/// Grounds to refuse a certificate chain, of which the weightiest is the
/// verdict: a chain with several faults is refused for the same one on every
/// backend. In this order:
///
/// 1. what is wrong with single certificates, the end entity's first: the
///    encoding, the validity, the basic constraints, the purpose;
/// 2. the length of the path;
/// 3. no path to a root;
/// 4. signatures and algorithms;
/// 5. constraints on names;
/// 6. revocation;
/// 7. the name that was asked for.
#[derive(Debug, Default)]
pub struct Grounds {
    weightiest: Option<(Place, CertificateError)>,
}

/// What a fault is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// A single certificate.
    Certificate,
    /// The length of the path.
    Length,
    /// No path leads to a root.
    Path,
    /// A signature, or an algorithm.
    Signature,
    /// Constraints on names and policies.
    Constraint,
    /// Revocation.
    Revocation,
    /// The name that was asked for.
    Name,
    /// What has no name.
    Other,
}

/// A place in the order: by class, within it by depth, then by kind.
type Place = (Class, u32, u8);

impl Grounds {
    /// Adds a fault at this depth: 0 is the end entity's certificate.
    pub fn add(&mut self, class: Class, depth: u32, error: CertificateError) {
        let kind = match error {
            CertificateError::Expired | CertificateError::NotYetValid => 1,
            CertificateError::CaUsedAsEndEntity | CertificateError::ConstraintViolated => 2,
            CertificateError::InvalidPurpose => 3,
            _ => 0,
        };
        // Only what is wrong with single certificates goes by their place.
        let depth = if class == Class::Certificate {
            depth
        } else {
            0
        };
        let place = (class, depth, kind);
        let outweighs = |(weightiest, _): &(Place, _)| place < *weightiest;
        if self.weightiest.as_ref().is_none_or(outweighs) {
            self.weightiest = Some((place, error));
        }
    }

    /// The weightiest ground, if there is one.
    pub fn verdict(self) -> Option<CertificateError> {
        self.weightiest.map(|(_, error)| error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use CertificateError as E;

    fn verdict(faults: &[(Class, u32, CertificateError)]) -> Option<CertificateError> {
        let mut grounds = Grounds::default();
        for (class, depth, error) in faults {
            grounds.add(*class, *depth, error.clone());
        }
        grounds.verdict()
    }

    #[test]
    fn the_verdict_does_not_depend_on_the_order_of_discovery() {
        let faults = [
            (Class::Name, 0, E::NameMismatch),
            (Class::Path, 1, E::UnknownIssuer),
            (Class::Certificate, 1, E::BadEncoding),
            (Class::Certificate, 0, E::InvalidPurpose),
            (Class::Certificate, 0, E::Expired),
        ];
        assert_eq!(verdict(&faults), Some(E::Expired));
        let mut reversed = faults.clone();
        reversed.reverse();
        assert_eq!(verdict(&reversed), Some(E::Expired));
        assert_eq!(verdict(&faults[..2]), Some(E::UnknownIssuer));
        assert_eq!(verdict(&faults[..4]), Some(E::InvalidPurpose));
        assert_eq!(verdict(&[]), None);
    }

    #[test]
    fn of_two_alike_the_first_stays_wherever_it_is() {
        let faults = [
            (Class::Signature, 2, E::BadSignature),
            (Class::Signature, 0, E::UnacceptableAlgorithm),
        ];
        assert_eq!(verdict(&faults), Some(E::BadSignature));
    }
}
