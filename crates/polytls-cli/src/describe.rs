//! Facts and certificates in words.

use std::fmt::{Display, Write as _};
use std::io::{self, Write};

use polytls::tls::SessionFacts;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;

use crate::style;

/// Writes what was negotiated, one fact a line.
pub(crate) fn facts(out: &mut dyn Write, backend: &str, facts: &SessionFacts) -> io::Result<()> {
    let mut line =
        |name: &str, value: &str| writeln!(out, "{}{name:11}{} {value}", style::HEAD, style::END);
    line("backend", backend)?;
    line("version", &or_unknown(facts.version))?;
    line("suite", &or_unknown(facts.cipher_suite))?;
    line("group", &or_unknown(facts.group))?;
    if let Some(scheme) = facts.peer_signature_scheme {
        line("signed by", scheme.name())?;
    }
    let alpn = facts
        .alpn
        .as_deref()
        .map_or("none".to_owned(), |name| name.escape_ascii().to_string());
    line("protocol", &alpn)?;
    line("name sent", facts.server_name.as_deref().unwrap_or("none"))?;
    line(
        "verified",
        if facts.peer_verified {
            "yes"
        } else {
            "NO: the certificate was accepted as it is"
        },
    )?;
    for (index, der) in facts.peer_certificates.iter().enumerate() {
        line(&format!("cert {index}"), &certificate(der))?;
    }
    Ok(())
}

pub(crate) fn or_unknown(value: Option<impl ToString>) -> String {
    value.map_or("unknown".to_owned(), |value| value.to_string())
}

/// A certificate's subject, issuer, names, validity and key.
fn certificate(der: &[u8]) -> String {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else {
        return format!("{} octets that cannot be parsed", der.len());
    };
    let mut words = String::new();
    let _ = write!(
        words,
        "{}\n            issued by {}\n            valid from {} to {}\n            key {}",
        clean(certificate.subject()),
        clean(certificate.issuer()),
        certificate.validity().not_before,
        certificate.validity().not_after,
        key(&certificate),
    );
    if let Ok(Some(names)) = certificate.subject_alternative_name() {
        let names: Vec<_> = names.value.general_names.iter().map(name).collect();
        let _ = write!(words, "\n            for {}", names.join(", "));
    }
    if certificate.is_ca() {
        words.push_str("\n            a certificate authority");
    }
    words
}

/// Text that the peer chose, without what would steer a terminal.
fn clean(text: impl Display) -> String {
    let mut cleaned = String::new();
    for c in text.to_string().chars() {
        if c.is_control() {
            cleaned.extend(c.escape_default());
        } else {
            cleaned.push(c);
        }
    }
    cleaned
}

fn name(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::DNSName(name) => clean(name),
        GeneralName::IPAddress(octets) => {
            if let Ok(v4) = <[u8; 4]>::try_from(*octets) {
                std::net::Ipv4Addr::from(v4).to_string()
            } else if let Ok(v6) = <[u8; 16]>::try_from(*octets) {
                std::net::Ipv6Addr::from(v6).to_string()
            } else {
                "a malformed address".to_owned()
            }
        }
        other => clean(other),
    }
}

fn key(certificate: &X509Certificate<'_>) -> String {
    match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => format!("RSA {} bits", key.key_size()),
        Ok(PublicKey::EC(point)) => format!("EC {} bits", point.key_size()),
        _ => match certificate
            .public_key()
            .algorithm
            .algorithm
            .to_id_string()
            .as_str()
        {
            "1.3.101.112" => "Ed25519".to_owned(),
            "1.3.101.113" => "Ed448".to_owned(),
            other => other.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::Pki;

    #[test]
    fn a_certificate_is_told_in_words() {
        let pki = Pki::new(&["localhost", "127.0.0.1"]).unwrap();
        let words = certificate(&pki.server.chain()[0]);
        for part in [
            "CN=polytls server",
            "issued by CN=polytls local CA",
            "EC 256 bits",
            "for localhost, 127.0.0.1",
        ] {
            assert!(words.contains(part), "{words}");
        }
        assert!(!words.contains("authority"), "{words}");
    }

    #[test]
    fn garbage_and_control_characters_do_no_harm() {
        assert!(certificate(b"\x30\x03abc").contains("cannot be parsed"));
        assert_eq!(clean("a\x1b\nb"), "a\\u{1b}\\nb");
    }
}
