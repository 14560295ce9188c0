//! The name that a client asks for and verifies.

use rustls_pki_types::ServerName;

use crate::Error;

/// Reads a host name or an IP address, as a client is told whom to verify.
///
/// A host name has 1 to 253 octets in labels of 1 to 63 (RFC 1035) and is
/// ASCII: an internationalised name is given in its A-label form (`xn--`). One
/// trailing dot is taken off, as it never goes into the server name indication
/// (RFC 6066, section 3). An IPv6 address may stand in brackets.
pub fn parse_server_name(name: &str) -> Result<ServerName<'static>, Error> {
    let refuse = |reason: &str| Err(Error::config("server_name", format!("{name:?} {reason}")));
    if name.is_empty() {
        return refuse("is empty");
    }
    if name.contains('\0') {
        return refuse("has a NUL byte");
    }
    if !name.is_ascii() {
        return refuse(
            "is not ASCII: give an internationalised name in its A-label form (xn--...)",
        );
    }
    let bare = match name
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(inner) if inner.parse::<std::net::Ipv6Addr>().is_ok() => inner,
        _ => name.strip_suffix('.').unwrap_or(name),
    };
    if bare.len() > 253 {
        let octets = bare.len();
        return Err(Error::config(
            "server_name",
            format!("a host name has 253 octets at most, but this one has {octets}"),
        ));
    }
    match ServerName::try_from(bare) {
        Ok(parsed) => Ok(parsed.to_owned()),
        Err(_) => refuse("is neither a host name nor an IP address"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(name: &str) -> String {
        match parse_server_name(name) {
            Err(Error::Config(error)) => {
                assert_eq!(error.field, "server_name");
                error.reason.into_owned()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn host_names_and_addresses_are_told_apart() {
        assert!(matches!(
            parse_server_name("example.com"),
            Ok(ServerName::DnsName(_))
        ));
        assert_eq!(
            parse_server_name("example.com.").unwrap(),
            parse_server_name("example.com").unwrap()
        );
        for address in ["192.0.2.1", "2001:db8::1", "[2001:db8::1]"] {
            let parsed = parse_server_name(address);
            assert!(
                matches!(parsed, Ok(ServerName::IpAddress(_))),
                "{address}: {parsed:?}"
            );
        }
    }

    #[test]
    fn a_bad_name_is_refused_with_its_reason() {
        assert!(reason("").contains("empty"));
        assert!(reason("a\0.example").contains("NUL"));
        assert!(reason("bücher.example").contains("xn--"));
        let long = format!("{}.example", ["a"; 130].join("."));
        assert!(reason(&long).contains("253 octets"), "{}", reason(&long));
        for bad in [
            ".",
            "a..b",
            "-a.example/",
            "exa mple.com",
            &"a".repeat(64),
            "[example]",
            "1.2.3.4.5:80",
        ] {
            assert!(reason(bad).contains("neither"), "{bad}: {}", reason(bad));
        }
    }
}
