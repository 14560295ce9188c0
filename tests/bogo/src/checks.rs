//! The assertions of a test on what was negotiated.

use polytls::tls::{
    CipherSuite, NamedGroup, ProtocolVersion, Roots, SessionFacts, SignatureScheme,
};

use crate::config::read;
use crate::ending::Ending;
use crate::settings::Settings;

/// Compares the facts with what the test expects, as BoringSSL's shim does
/// after the handshake.
pub(crate) fn facts(settings: &Settings, facts: &SessionFacts) -> Result<(), Ending> {
    let number = |found: Option<u16>, expected: Option<u16>, what: &str| match expected {
        Some(expected) if found != Some(expected) => Err(Ending::broken(format!(
            "{what} is {found:04x?} and not {expected:04x}"
        ))),
        _ => Ok(()),
    };
    number(
        facts.version.map(ProtocolVersion::number),
        settings.expect_version,
        "the version",
    )?;
    let suite = facts.cipher_suite.map(CipherSuite::number);
    number(suite, settings.expect_cipher, "the cipher suite")?;
    let for_this_machine = match has_aes() {
        true => settings.expect_cipher_aes,
        false => settings.expect_cipher_no_aes,
    };
    number(suite, for_this_machine, "the cipher suite")?;
    let group = facts.group.map(NamedGroup::number);
    number(group, settings.expect_curve_id, "the group")?;
    number(
        facts.peer_signature_scheme.map(SignatureScheme::number),
        settings.expect_peer_signature_algorithm,
        "the peer's signature scheme",
    )?;
    protocol(settings, facts)?;
    names(settings, facts)?;
    certificates(settings, facts)
}

/// On a server it is the one that it was told to select.
fn protocol(settings: &Settings, facts: &SessionFacts) -> Result<(), Ending> {
    let expected = match settings.server {
        true => &settings.select_alpn,
        false => &settings.expect_alpn,
    };
    let found = facts.alpn.as_deref().unwrap_or_default();
    ensure(found == expected, || {
        let (found, expected) = (found.escape_ascii(), expected.escape_ascii());
        format!("the protocol is \"{found}\" and not \"{expected}\"")
    })
}

fn names(settings: &Settings, facts: &SessionFacts) -> Result<(), Ending> {
    let found = &facts.server_name;
    if settings.expect_no_server_name {
        ensure(found.is_none(), || format!("a server name came: {found:?}"))?;
    }
    let Some(expected) = &settings.expect_server_name else {
        return Ok(());
    };
    ensure(found.as_ref() == Some(expected), || {
        format!("the server name is {found:?} and not {expected}")
    })
}

fn certificates(settings: &Settings, facts: &SessionFacts) -> Result<(), Ending> {
    let found = &facts.peer_certificates;
    let count = found.len();
    if settings.expect_no_peer_cert {
        ensure(count == 0, || {
            format!("{count} certificates came, but none is expected")
        })?;
    } else if !settings.server || settings.require_any_client_certificate {
        ensure(count > 0, || "no certificate came".to_owned())?;
    }
    if let Some(path) = &settings.expect_peer_cert_file {
        let expected = Roots::from_pem(&read(path)?)
            .map_err(|error| Ending::broken(format!("{}: {error}", path.display())))?;
        let expected = expected.required();
        ensure(found == expected, || {
            let other = expected.len();
            format!("the {count} certificates are not the {other} expected ones")
        })?;
    }
    // A server has one identity, and no handshake is done without it.
    if let Some(expected) = settings.expect_selected_credential {
        let selected = match settings.credentials {
            0 => -1,
            _ => 0,
        };
        ensure(selected == expected, || {
            format!("credential {selected} was used")
        })?;
    }
    if settings.expect_verify_result {
        ensure(facts.peer_verified, || {
            "the peer was not verified".to_owned()
        })?;
    }
    Ok(())
}

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Ending> {
    match holds {
        true => Ok(()),
        false => Err(Ending::broken(otherwise())),
    }
}

/// Whether this machine has instructions for AES-GCM, by which libraries order
/// their suites.
fn has_aes() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("aes");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("aes");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return false;
}
