//! The globs of the files that say what is expected.

/// Whether a pattern with `*` for any characters matches the whole name. The
/// globs of BoringSSL's runner know more, and mean the same by these.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything_and_the_rest_for_itself() {
        let cases = [
            ("Basic", "Basic", true),
            ("Basic", "Basic-Server", false),
            ("Basic-*", "Basic-Server", true),
            ("Basic-*", "Basic", false),
            ("*-TLS1-*", "Curve-TLS1-Client", true),
            ("*-TLS1-*", "Curve-TLS12-Client", false),
            ("*-TLS1", "Curve-TLS1", true),
            ("a*b*a", "aba", true),
            ("a*a", "a", false),
            ("*", "", true),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
