//! The runner's flags: what each of them does here, or why it does nothing.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::ending::{Class, Ending, Missing};
use crate::policy::{FIPS_202205, WPA_202304};
use crate::settings::Settings;

/// What a flag that is honoured does.
enum Action {
    Switch(fn(&mut Settings)),
    /// With the word behind the flag.
    Value(fn(&mut Settings, Word) -> Result<(), Ending>),
}

/// Flags that are not honoured, with the reason.
struct Group {
    class: Class,
    reason: &'static str,
    flags: &'static [&'static str],
}

/// The word behind a flag, with its flag for messages.
struct Word {
    flag: String,
    value: Vec<u8>,
}

use Action::{Switch, Value};

/// What the contract can honour.
const HONOURED: &[(&str, Action)] = &[
    // Ours: `cargo xtask bogo` gives them through -shim-extra-flags.
    (
        "-backend",
        Value(|s, w| w.text().map(|name| s.backend = name)),
    ),
    (
        "-missing-log",
        Value(|s, w| {
            s.missing_log = Some(w.path());
            Ok(())
        }),
    ),
    ("-census", Switch(|s| s.census = true)),
    // The run.
    (
        "-is-handshaker-supported",
        Switch(|s| s.handshaker_asked = true),
    ),
    ("-port", Value(|s, w| w.number().map(|port| s.port = port))),
    (
        "-shim-id",
        Value(|s, w| w.number().map(|id| s.shim_id = id)),
    ),
    ("-ipv6", Switch(|s| s.ipv6 = true)),
    ("-server", Switch(|s| s.server = true)),
    ("-async", Switch(|s| s.asynchronous = true)),
    // Versions. Those below TLS 1.2 are below our floor.
    (
        "-min-version",
        Value(|s, w| w.number().map(|v| s.min_version = Some(v))),
    ),
    (
        "-max-version",
        Value(|s, w| w.number().map(|v| s.max_version = Some(v))),
    ),
    ("-no-tls13", Switch(|s| s.without.push(0x0304))),
    ("-no-tls12", Switch(|s| s.without.push(0x0303))),
    ("-no-tls11", Switch(|s| s.without.push(0x0302))),
    ("-no-tls1", Switch(|s| s.without.push(0x0301))),
    // Algorithms.
    (
        "-cipher",
        Value(|s, w| w.text().map(|list| s.cipher = Some(list))),
    ),
    (
        "-tls13-ciphers",
        Value(|s, w| w.number().map(|id| s.tls13_ciphers.push(id))),
    ),
    (
        "-curves",
        Value(|s, w| w.number().map(|id| s.curves.push(id))),
    ),
    (
        "-signing-prefs",
        Value(|s, w| w.number().map(|id| s.signing_prefs.push(id))),
    ),
    (
        "-verify-prefs",
        Value(|s, w| w.number().map(|id| s.verify_prefs.push(id))),
    ),
    ("-fips-202205", Switch(|s| s.policy = Some(&FIPS_202205))),
    ("-wpa-202304", Switch(|s| s.policy = Some(&WPA_202304))),
    // Certificates. One credential is an identity; `config` refuses more, and the
    // one that has no flag of its own counts.
    (
        "-new-x509-credential",
        Switch(|s| s.credentials = s.credentials.max(usize::from(s.cert_file.is_some())) + 1),
    ),
    (
        "-cert-file",
        Value(|s, w| {
            s.cert_file = Some(w.path());
            Ok(())
        }),
    ),
    (
        "-key-file",
        Value(|s, w| {
            s.key_file = Some(w.path());
            Ok(())
        }),
    ),
    (
        "-trust-cert",
        Value(|s, w| {
            s.trust_cert = (!w.value.is_empty()).then(|| w.path());
            Ok(())
        }),
    ),
    ("-verify-peer", Switch(|s| s.verify_peer = true)),
    (
        "-require-any-client-certificate",
        Switch(|s| s.require_any_client_certificate = true),
    ),
    // Names and application protocols.
    (
        "-host-name",
        Value(|s, w| w.text().map(|name| s.host_name = Some(name))),
    ),
    (
        "-advertise-alpn",
        Value(|s, w| {
            s.advertise_alpn = w.value;
            Ok(())
        }),
    ),
    (
        "-select-alpn",
        Value(|s, w| {
            s.select_alpn = w.value;
            Ok(())
        }),
    ),
    ("-reject-alpn", Switch(|s| s.reject_alpn = true)),
    // A server that names no protocol goes on without, which is to decline.
    ("-decline-alpn", Switch(|_| ())),
    // What the contract does anyway: no tickets, no renegotiation after the
    // handshake, and a write that may take less than it was given.
    ("-no-ticket", Switch(|_| ())),
    ("-forbid-renegotiation-after-handshake", Switch(|_| ())),
    ("-partial-write", Switch(|_| ())),
    // What the shim does.
    (
        "-implicit-handshake",
        Switch(|s| s.implicit_handshake = true),
    ),
    (
        "-handshake-never-done",
        Switch(|s| s.handshake_never_done = true),
    ),
    ("-handshake-twice", Switch(|s| s.repeat_handshake = true)),
    (
        "-no-op-extra-handshake",
        Switch(|s| s.repeat_handshake = true),
    ),
    (
        "-export-keying-material",
        Value(|s, w| w.number().map(|n| s.export = n)),
    ),
    (
        "-export-label",
        Value(|s, w| {
            s.export_label = w.value;
            Ok(())
        }),
    ),
    (
        "-export-context",
        Value(|s, w| {
            s.export_context = w.value;
            Ok(())
        }),
    ),
    (
        "-use-export-context",
        Switch(|s| s.use_export_context = true),
    ),
    (
        "-use-exporter-between-reads",
        Switch(|s| s.export_between_reads = true),
    ),
    ("-key-update", Switch(|s| s.key_update = true)),
    (
        "-key-update-before-read",
        Switch(|s| s.key_update_before_read = true),
    ),
    (
        "-write-different-record-sizes",
        Switch(|s| s.write_different_sizes = true),
    ),
    ("-shim-writes-first", Switch(|s| s.writes_first = true)),
    (
        "-shim-initial-write",
        Value(|s, w| {
            s.initial_write = w.value;
            Ok(())
        }),
    ),
    (
        "-repeat-shim-initial-write",
        Value(|s, w| w.number().map(|n| s.repeat_initial_write = n)),
    ),
    (
        "-read-with-unfinished-write",
        Switch(|s| s.read_with_unfinished_write = true),
    ),
    (
        "-read-size",
        Value(|s, w| w.number().map(|n| s.read_size = n)),
    ),
    ("-shim-shuts-down", Switch(|s| s.shuts_down = true)),
    (
        "-check-close-notify",
        Switch(|s| s.check_close_notify = true),
    ),
    // What it asserts.
    (
        "-expect-version",
        Value(|s, w| w.number().map(|v| s.expect_version = Some(v))),
    ),
    (
        "-expect-cipher",
        Value(|s, w| w.number().map(|id| s.expect_cipher = Some(id))),
    ),
    (
        "-expect-cipher-aes",
        Value(|s, w| w.number().map(|id| s.expect_cipher_aes = Some(id))),
    ),
    (
        "-expect-cipher-no-aes",
        Value(|s, w| w.number().map(|id| s.expect_cipher_no_aes = Some(id))),
    ),
    (
        "-expect-curve-id",
        Value(|s, w| w.number().map(|id| s.expect_curve_id = Some(id))),
    ),
    (
        "-expect-peer-signature-algorithm",
        Value(|s, w| {
            w.number()
                .map(|id| s.expect_peer_signature_algorithm = Some(id))
        }),
    ),
    (
        "-expect-alpn",
        Value(|s, w| {
            s.expect_alpn = w.value;
            Ok(())
        }),
    ),
    (
        "-expect-server-name",
        Value(|s, w| w.text().map(|name| s.expect_server_name = Some(name))),
    ),
    (
        "-expect-no-server-name",
        Switch(|s| s.expect_no_server_name = true),
    ),
    (
        "-expect-peer-cert-file",
        Value(|s, w| {
            s.expect_peer_cert_file = Some(w.path());
            Ok(())
        }),
    ),
    (
        "-expect-no-peer-cert",
        Switch(|s| s.expect_no_peer_cert = true),
    ),
    (
        "-expect-verify-result",
        Switch(|s| s.expect_verify_result = true),
    ),
    ("-expect-hrr", Switch(|s| s.expect_hrr = true)),
    ("-expect-no-hrr", Switch(|s| s.expect_no_hrr = true)),
    (
        "-expect-extended-master-secret",
        Switch(|s| s.expect_extended_master_secret = true),
    ),
    (
        "-expect-secure-renegotiation",
        Switch(|s| s.expect_secure_renegotiation = true),
    ),
    (
        "-expect-no-secure-renegotiation",
        Switch(|s| s.expect_no_secure_renegotiation = true),
    ),
    (
        "-expect-selected-credential",
        Value(|s, w| w.number().map(|n| s.expect_selected_credential = Some(n))),
    ),
];

/// What it cannot, and why.
const MISSING: &[Group] = &[
    Group {
        class: Class::NotTls,
        reason: "DTLS and QUIC",
        flags: &["-dtls", "-quic"],
    },
    Group {
        class: Class::Api,
        reason: "settings of DTLS and QUIC",
        flags: &[
            "-mtu",
            "-initial-timeout-duration-ms",
            "-srtp-profiles",
            "-quic-transport-params",
            "-expect-quic-transport-params",
            "-quic-use-legacy-codepoint",
            "-quic-early-data-context",
        ],
    },
    Group {
        class: Class::Api,
        reason: "resumption and session tickets",
        flags: &[
            "-resume-count",
            "-expect-session-miss",
            "-expect-ticket-renewal",
            "-expect-no-session",
            "-use-ticket-callback",
            "-use-ticket-aead-callback",
            "-renew-ticket",
            "-skip-ticket",
            "-ticket-key",
            "-expect-session-id",
            "-expect-no-session-id",
            "-expect-ticket-age-skew",
            "-resumption-delay",
            "-reverify-on-resume",
            "-session-id-context",
            "-resumption-across-names-enabled",
            "-expect-resumable-across-names",
            "-expect-not-resumable-across-names",
            "-retain-only-sha256-client-cert",
            "-expect-sha256-client-cert",
        ],
    },
    Group {
        class: Class::Api,
        reason: "early data",
        flags: &[
            "-enable-early-data",
            "-expect-ticket-supports-early-data",
            "-expect-accept-early-data",
            "-expect-reject-early-data",
            "-expect-no-offer-early-data",
            "-expect-early-data-reason",
            "-early-write-after-message",
        ],
    },
    Group {
        class: Class::Api,
        reason: "a verifier of the application's own",
        flags: &["-verify-fail", "-use-custom-verify-callback"],
    },
    Group {
        class: Class::Api,
        reason: "an identity chosen for each handshake",
        flags: &[
            "-use-early-callback",
            "-fail-early-callback",
            "-fail-cert-callback",
            "-fail-cert-callback-alert",
            "-use-old-client-cert-callback",
            "-install-ddos-callback",
            "-fail-ddos-callback",
            "-private-key-delay-ms",
        ],
    },
    Group {
        class: Class::Api,
        reason: "several credentials to choose from",
        flags: &["-must-match-issuer"],
    },
    Group {
        class: Class::Api,
        reason: "the names of CAs in a certificate request",
        flags: &[
            "-use-client-ca-list",
            "-expect-client-ca-list",
            "-expect-certificate-types",
        ],
    },
    Group {
        class: Class::Api,
        reason: "OCSP stapling and certificate timestamps",
        flags: &[
            "-enable-ocsp-stapling",
            "-expect-ocsp-response",
            "-ocsp-response",
            "-use-ocsp-callback",
            "-set-ocsp-in-callback",
            "-decline-ocsp-callback",
            "-fail-ocsp-callback",
            "-enable-signed-cert-timestamps",
            "-expect-signed-cert-timestamps",
            "-signed-cert-timestamps",
        ],
    },
    Group {
        class: Class::Api,
        reason: "Encrypted Client Hello",
        flags: &[
            "-enable-ech-grease",
            "-reject-unusable-ech-config",
            "-ech-server-config",
            "-ech-server-key",
            "-ech-is-retry-config",
            "-expect-ech-accept",
            "-expect-ech-name-override",
            "-expect-no-ech-name-override",
            "-expect-ech-retry-configs",
            "-expect-no-ech-retry-configs",
            "-ech-config-list",
            "-fail-early-callback-ech-rewind",
        ],
    },
    Group {
        class: Class::Api,
        reason: "pre-shared keys and password authentication",
        flags: &[
            "-psk",
            "-psk-identity",
            "-new-psk-credential",
            "-new-spake2plusv1-credential",
            "-psk-importer-key",
            "-psk-importer-identity",
            "-psk-importer-context",
            "-psk-importer-sha256",
            "-psk-importer-sha384",
            "-pake-context",
            "-pake-client-id",
            "-pake-server-id",
            "-pake-password",
            "-wrong-pake-role",
        ],
    },
    Group {
        class: Class::Api,
        reason: "raw public keys",
        flags: &[
            "-new-rpk-credential",
            "-accepted-peer-cert-types",
            "-available-client-cert-types",
            "-expect-peer-certificate-type",
            "-expect-peer-rpk-sha256",
        ],
    },
    Group {
        class: Class::Api,
        reason: "delegated credentials, trust anchors and certificate properties",
        flags: &[
            "-new-delegated-credential",
            "-delegated-credential",
            "-cert-properties",
            "-expect-peer-match-trust-anchor",
            "-expect-no-peer-match-trust-anchor",
            "-expect-peer-available-trust-anchors",
            "-requested-trust-anchors",
            "-available-trust-anchors",
        ],
    },
    Group {
        class: Class::Api,
        reason: "certificate compression",
        flags: &[
            "-install-cert-compression-algs",
            "-install-one-cert-compression-alg",
        ],
    },
    Group {
        class: Class::Api,
        reason: "the groups of the first key shares, and hints to a server's groups",
        flags: &[
            "-key-shares",
            "-no-key-shares",
            "-server-supported-groups-hint",
            "-curves-flags",
        ],
    },
    Group {
        class: Class::Api,
        reason: "the server's order of cipher suites",
        flags: &["-server-preference", "-tls13-ciphers-flags"],
    },
    Group {
        class: Class::Api,
        reason: "policies with ML-KEM-1024 or with the server's order of cipher suites",
        flags: &[
            "-fips-202609",
            "-cnsa-202407",
            "-cnsa1-202603",
            "-cnsa2-202603",
        ],
    },
    Group {
        class: Class::Api,
        reason: "a fact that the contract does not tell",
        flags: &[
            "-expect-peer-verify-pref",
            "-expect-advertised-alpn",
            "-expect-msg-callback",
        ],
    },
    Group {
        class: Class::Api,
        reason: "renegotiation, which stays off",
        flags: &[
            "-renegotiate-once",
            "-renegotiate-freely",
            "-renegotiate-ignore",
            "-renegotiate-explicit",
            "-expect-total-renegotiations",
            "-no-legacy-server-connect",
        ],
    },
    Group {
        class: Class::Api,
        reason: "extensions that are not standardised",
        flags: &[
            "-advertise-npn",
            "-advertise-empty-npn",
            "-expect-next-proto",
            "-expect-no-next-proto",
            "-select-next-proto",
            "-select-empty-next-proto",
            "-enable-channel-id",
            "-expect-channel-id",
            "-send-channel-id",
            "-application-settings",
            "-expect-peer-application-settings",
            "-alps-use-new-codepoint",
            "-defer-alps",
            "-request-server-padding",
            "-expect-server-sent-requested-padding",
            "-server-supports-padding",
        ],
    },
    Group {
        class: Class::Api,
        reason: "ALPN against RFC 7301",
        flags: &["-select-empty-alpn", "-allow-unknown-alpn-protos"],
    },
    Group {
        class: Class::Api,
        reason: "False Start and the fallback signal of TLS 1.2",
        flags: &[
            "-false-start",
            "-allow-false-start-without-alpn",
            "-fallback-scsv",
        ],
    },
    Group {
        class: Class::Api,
        reason: "limits of messages and records",
        flags: &[
            "-max-cert-list",
            "-max-send-fragment",
            "-cbc-record-splitting",
        ],
    },
    Group {
        class: Class::Api,
        reason: "an operation that the contract does not have",
        flags: &[
            "-peek-then-read",
            "-send-alert",
            "-tls-unique",
            "-export-traffic-secrets",
            "-no-server-name-ack",
            "-enable-grease",
            "-permute-extensions",
            "-jdk11-workaround",
        ],
    },
    Group {
        class: Class::Shim,
        reason: "the external handshaker and debuggers",
        flags: &[
            "-handshake-hints",
            "-allow-hint-mismatch",
            "-handshaker-path",
            "-handshaker-resume",
            "-write-settings",
            "-write-hint-trace",
            "-fuzzer-mode",
            "-wait-for-debugger",
        ],
    },
];

/// Reads a command line without the program's name. Where a flag cannot be
/// honoured the settings say so, and the flags behind it are not looked at.
pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Settings, Ending> {
    let words: Vec<Vec<u8>> = words.into_iter().map(OsStringExt::into_vec).collect();
    let mut settings = Settings::default();
    // These stand last and decide first: what is no test of TLS over a stream
    // is not counted under the flags that it happens to have.
    let outside = ["-dtls", "-quic"];
    settings.missing = outside
        .iter()
        .find(|flag| words.iter().any(|word| word == flag.as_bytes()))
        .and_then(|flag| missing(flag));
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let word = String::from_utf8_lossy(&word).into_owned();
        let Some(flag) = for_this_connection(&word) else {
            settings.note(resumption(&word));
            break;
        };
        match HONOURED.iter().find(|(name, _)| *name == flag) {
            Some((_, Switch(act))) => act(&mut settings),
            Some((name, Value(act))) => {
                let Some(value) = words.next() else {
                    return Err(Ending::broken(format!("{word} lacks its value")));
                };
                let flag = (*name).to_owned();
                act(&mut settings, Word { flag, value })?;
            }
            None if flag == "-resume-count" && words.next().is_some_and(|n| n == b"0") => {}
            None => {
                settings.note(
                    missing(flag).unwrap_or_else(|| {
                        Missing::new(Class::Shim, format!("{flag} is not known"))
                    }),
                );
                break;
            }
        }
    }
    Ok(settings)
}

/// The flag without the prefixes that name the first connection or this
/// process; `None` where it is for another connection.
fn for_this_connection(word: &str) -> Option<&str> {
    let bare = |word, prefix| match str::strip_prefix(word, prefix) {
        Some(rest) if str::starts_with(rest, '-') => rest,
        _ => word,
    };
    let word = bare(word, "-on-shim");
    let other = ["-on-resume-", "-on-retry-", "-on-handshaker-"];
    if other.iter().any(|prefix| word.starts_with(prefix)) {
        return None;
    }
    Some(bare(word, "-on-initial"))
}

fn resumption(word: &str) -> Missing {
    if word.starts_with("-on-handshaker-") {
        return Missing::new(Class::Shim, "the external handshaker");
    }
    Missing::new(Class::Api, "resumption and session tickets")
}

fn missing(flag: &str) -> Option<Missing> {
    MISSING
        .iter()
        .find(|group| group.flags.contains(&flag))
        .map(|group| Missing::new(group.class, group.reason))
}

impl Settings {
    /// Keeps the first reason.
    fn note(&mut self, missing: Missing) {
        self.missing.get_or_insert(missing);
    }
}

impl Word {
    fn path(self) -> PathBuf {
        OsString::from_vec(self.value).into()
    }

    fn text(self) -> Result<String, Ending> {
        String::from_utf8(self.value)
            .map_err(|_| Ending::broken(format!("the value of {} is not UTF-8", self.flag)))
    }

    fn number<N: FromStr>(self) -> Result<N, Ending> {
        let flag = self.flag.clone();
        let text = self.text()?;
        text.parse()
            .map_err(|_| Ending::broken(format!("the value of {flag} is no number: {text:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Settings {
        parse(line.split_whitespace().map(OsString::from)).unwrap()
    }

    #[test]
    fn a_flag_stands_in_one_place() {
        let mut all: Vec<&str> = HONOURED.iter().map(|(name, _)| *name).collect();
        all.extend(MISSING.iter().flat_map(|group| group.flags));
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn flags_of_the_first_connection_are_taken_and_those_of_others_are_missing() {
        let settings = parsed("-port 7 -on-initial-curves 29 -on-shim-curves 23 -server");
        assert_eq!(settings.curves, [29, 23]);
        assert_eq!(settings.port, 7);
        assert!(settings.server && settings.missing.is_none());
        let missing = parsed("-on-resume-curves 29").missing.unwrap();
        assert_eq!(missing.class, Class::Api);
        assert!(missing.reason.contains("resumption"));
    }

    #[test]
    fn the_first_flag_that_is_missing_is_the_reason_but_dtls_goes_before_it() {
        let missing = |line| parsed(line).missing.unwrap();
        assert_eq!(
            missing("-verify-fail -psk k").reason,
            missing("-verify-fail").reason
        );
        assert_eq!(missing("-verify-fail -dtls").class, Class::NotTls);
        assert_eq!(missing("-no-such-flag").class, Class::Shim);
    }

    #[test]
    fn no_resumption_is_asked_for_by_a_count_of_zero() {
        assert!(parsed("-resume-count 0 -server").missing.is_none());
        assert!(parsed("-resume-count 1").missing.is_some());
    }

    #[test]
    fn a_value_that_is_no_number_passes_no_test() {
        let bad = parse(["-port", "x"].map(OsString::from)).unwrap_err();
        assert_eq!(bad.code(), 90);
        let none = parse(["-port"].map(OsString::from)).unwrap_err();
        assert_eq!(none.code(), 90);
    }
}
