//! What one backend refuses by itself: knobs that it lacks, and configs that
//! its library finds wrong.

use polytls::tls::{
    Capabilities, CertificateDer, CipherSuite, ClientAuth, ClientConfig, ClientConfigBuilder,
    Error, Identity, KeyLog, NamedGroup, PrivateKeyDer, ProtocolVersion, Role, Roots, ServerConfig,
    ServerConfigBuilder, SignatureScheme, TlsBackend, parse_server_name,
};

use crate::checked::Checked;
use crate::masked::Masked;
use crate::pki::{hollow, pki};
use crate::scenario::{role_name, suite_flag, version_flag};

/// A named check of one backend.
pub struct Solo {
    /// Its name, without the backend's.
    pub name: String,
    /// Runs it; a panic fails it.
    pub run: Box<dyn Fn() + Send>,
}

/// All of one backend: every capability that it does not advertise is
/// refused, every other would be if it were hidden, and so is each config
/// that no library could honour.
pub fn all<B: TlsBackend>(backend: &B) -> Vec<Solo> {
    let info = backend.info();
    let name = info.name;
    let mut table = Vec::new();
    for role in [Role::Client, Role::Server] {
        let advertised = info.capabilities(role);
        for flag in Capabilities::all().iter() {
            let role_name = role_name(role);
            let (name, masked) = if advertised.contains(flag) {
                (format!("refused::{flag}::{role_name}::masked-{name}"), flag)
            } else {
                (
                    format!("refused::{flag}::{role_name}::{name}"),
                    Capabilities::empty(),
                )
            };
            let backend = Checked(Masked::new(backend.clone(), role, masked));
            table.push(Solo {
                name,
                run: Box::new(move || refuses_flag(&backend, role, flag)),
            });
        }
        for Point {
            flag,
            also,
            name: point,
            client,
            server,
        } in missing_points(&info)
        {
            let backend = Checked(backend.clone());
            let refuse = move || {
                let error = match role {
                    Role::Client => build_client(&backend, client.clone()),
                    Role::Server => build_server(&backend, server.clone()),
                };
                assert_refused(error, flag | (also - advertised), name);
            };
            table.push(Solo {
                name: format!("refused::{flag}({point})::{}::{name}", role_name(role)),
                run: Box::new(refuse),
            });
        }
    }
    let checked = Checked(backend.clone());
    table.push(Solo {
        name: format!("kernel_tls_is_preferred_without_being_refused::{name}"),
        run: Box::new(move || prefers_kernel_tls(&checked)),
    });
    for (what, identity) in bad_identities() {
        let backend = Checked(backend.clone());
        table.push(Solo {
            name: format!("{what}_is_refused_at_build::{name}"),
            run: Box::new(move || refuses_identity(&backend, &identity)),
        });
    }
    let checked = Checked(backend.clone());
    table.push(Solo {
        name: format!("a_root_that_is_no_certificate_is_refused_at_build::{name}"),
        run: Box::new(move || refuses_roots(&checked)),
    });
    table
}

/// It is a preference. Whether it is promised depends on the kernel too; where
/// the environment says that the kernel has it (`POLYTLS_EXPECT_KTLS`), every
/// backend promises it that shows its secrets.
fn prefers_kernel_tls<B: TlsBackend>(backend: &Checked<B>) {
    use Capabilities as C;

    let client = trusting().prefer_kernel_tls(true);
    assert_eq!(build_client(backend, client), None);
    let server = identified().prefer_kernel_tls(true);
    assert_eq!(build_server(backend, server), None);
    let expected = std::env::var_os("POLYTLS_EXPECT_KTLS").is_some();
    for role in [Role::Client, Role::Server] {
        let advertised = backend.info().capabilities(role);
        let promises = advertised.contains(C::KTLS_TX | C::KTLS_RX);
        assert_eq!(promises, advertised.intersects(C::KTLS_TX | C::KTLS_RX));
        let shows_secrets = advertised.contains(C::TLS13 | C::KEY_LOG);
        assert!(shows_secrets || !promises, "the kernel has no keys");
        assert!(promises || !(expected && shows_secrets), "it is not there");
    }
}

fn build_client<B: TlsBackend>(backend: &B, config: ClientConfigBuilder) -> Option<Error> {
    let config = config.build().expect("the config is sound by itself");
    backend.client(&config).err()
}

fn build_server<B: TlsBackend>(backend: &B, config: ServerConfigBuilder) -> Option<Error> {
    let config = config.build().expect("the config is sound by itself");
    backend.server(&config).err()
}

/// Asserts that one of these is refused.
#[track_caller]
fn assert_refused(error: Option<Error>, flags: Capabilities, backend: &str) {
    let Some(Error::Unsupported(refusal)) = error else {
        panic!("{flags} is not refused: {error:?}");
    };
    let named = refusal.capability;
    assert!(!named.is_empty(), "the refusal names nothing");
    assert!(flags.contains(named), "{named} is refused, not {flags}");
    assert_eq!(refusal.backend, backend);
}

/// What the setting for a flag asks for: a backend that lacks several of these
/// may name any.
fn asked(flag: Capabilities) -> Capabilities {
    use Capabilities as C;

    match flag {
        C::CIPHER_SUITES_TLS12 | C::CIPHER_SUITES_TLS13 => {
            C::CIPHER_SUITES_TLS12 | C::CIPHER_SUITES_TLS13
        }
        C::POST_QUANTUM_GROUPS => C::POST_QUANTUM_GROUPS | C::GROUPS,
        C::ALPN | C::ALPN_STRICT => C::ALPN | C::ALPN_STRICT,
        C::ALPN_OCTETS => C::ALPN_OCTETS | C::ALPN | C::ALPN_STRICT,
        flag => flag,
    }
}

/// Asks for a flag in every way there is.
fn refuses_flag<B: TlsBackend>(backend: &Checked<Masked<B>>, role: Role, flag: Capabilities) {
    let info = backend.info();
    let name = info.name;
    let lacking = asked(flag) - info.capabilities(role);
    match role {
        Role::Client => {
            assert_refused(build_client(backend, trusting().require(flag)), flag, name);
            if let Some(knob) = client_knob(flag) {
                assert_refused(build_client(backend, knob), lacking, name);
            }
            if flag == Capabilities::VERIFY_IP {
                refuses_address(backend);
            }
        }
        Role::Server => {
            assert_refused(
                build_server(backend, identified().require(flag)),
                flag,
                name,
            );
            if let Some(knob) = server_knob(flag) {
                assert_refused(build_server(backend, knob), lacking, name);
            }
        }
    }
}

/// The address is known only when a session is made.
fn refuses_address<B: TlsBackend>(backend: &Checked<Masked<B>>) {
    let config = trusting().build().expect("a config");
    let name = parse_server_name("192.0.2.1").expect("an address");
    assert_refused(
        config.check_name(&backend.info(), &name).err(),
        Capabilities::VERIFY_IP,
        backend.info().name,
    );
}

fn trusting() -> ClientConfigBuilder {
    ClientConfig::builder().roots(pki().roots.clone())
}

fn identified() -> ServerConfigBuilder {
    ServerConfig::builder().identity(pki().p256.clone())
}

#[derive(Debug)]
struct Deaf;

impl KeyLog for Deaf {
    fn log(&self, _: &str) {}
}

/// The setting of a client that asks for this flag, where there is one.
fn client_knob(flag: Capabilities) -> Option<ClientConfigBuilder> {
    use Capabilities as C;
    use ProtocolVersion::{Tls12, Tls13};

    let all_suites = CipherSuite::DEFAULT.iter().copied();
    Some(match flag {
        C::TLS12 => trusting().max_version(Tls12),
        C::TLS13 => trusting().min_version(Tls13),
        C::CIPHER_SUITES_TLS12 | C::CIPHER_SUITES_TLS13 => trusting().cipher_suites(all_suites),
        C::GROUPS => trusting().groups([NamedGroup::X25519]),
        C::POST_QUANTUM_GROUPS => {
            trusting().groups([NamedGroup::X25519MLKEM768, NamedGroup::X25519])
        }
        C::SIGNATURE_SCHEMES => {
            trusting().signature_schemes([SignatureScheme::EcdsaSecp256r1Sha256])
        }
        C::ROOTS => trusting(),
        C::VERIFY_CHAIN_ONLY => trusting().danger().accept_any_name(),
        C::VERIFY_NOTHING => ClientConfig::builder().danger().accept_any_certificate(),
        C::IDENTITY => trusting().identity(pki().client.clone()),
        C::SNI => trusting().sni(false),
        C::ALPN => trusting().alpn(["h2"]),
        C::ALPN_OCTETS => trusting().alpn([b"\xff"]),
        C::KEY_LOG => trusting().key_log(std::sync::Arc::new(Deaf)),
        _ => return None,
    })
}

/// The setting of a server that asks for this flag, where there is one.
fn server_knob(flag: Capabilities) -> Option<ServerConfigBuilder> {
    use Capabilities as C;
    use ProtocolVersion::{Tls12, Tls13};

    let all_suites = CipherSuite::DEFAULT.iter().copied();
    let roots = || pki().roots.clone();
    Some(match flag {
        C::TLS12 => identified().max_version(Tls12),
        C::TLS13 => identified().min_version(Tls13),
        C::CIPHER_SUITES_TLS12 | C::CIPHER_SUITES_TLS13 => identified().cipher_suites(all_suites),
        C::GROUPS => identified().groups([NamedGroup::X25519]),
        C::POST_QUANTUM_GROUPS => {
            identified().groups([NamedGroup::X25519MLKEM768, NamedGroup::X25519])
        }
        C::SIGNATURE_SCHEMES => {
            identified().signature_schemes([SignatureScheme::EcdsaSecp256r1Sha256])
        }
        C::IDENTITY => identified(),
        C::CLIENT_AUTH_OPTIONAL => identified().client_auth(ClientAuth::Optional(roots())),
        C::CLIENT_AUTH_REQUIRED => identified().client_auth(ClientAuth::Required(roots())),
        C::ALPN | C::ALPN_STRICT => identified().alpn(["h2"]),
        C::ALPN_OCTETS => identified().alpn([b"\xff"]),
        C::KEY_LOG => identified().key_log(std::sync::Arc::new(Deaf)),
        _ => return None,
    })
}

/// A code point that a library lacks, with the configs that ask for it.
struct Point {
    /// The flag that is refused.
    flag: Capabilities,
    /// What else the configs ask for, which a backend may lack as well.
    also: Capabilities,
    name: String,
    client: ClientConfigBuilder,
    server: ServerConfigBuilder,
}

/// The code points that the library lacks.
fn missing_points(info: &polytls::tls::BackendInfo) -> Vec<Point> {
    let mut points = Vec::new();
    for &suite in CipherSuite::ALL {
        if !info.cipher_suites.contains(&suite) {
            let version = suite.version();
            points.push(Point {
                flag: suite_flag(suite),
                also: version_flag(version),
                name: suite.to_string(),
                client: trusting()
                    .min_version(version)
                    .max_version(version)
                    .cipher_suites([suite]),
                server: identified()
                    .min_version(version)
                    .max_version(version)
                    .cipher_suites([suite]),
            });
        }
    }
    for &group in NamedGroup::ALL {
        if !info.groups.contains(&group) {
            let other = if group == NamedGroup::X25519 {
                NamedGroup::Secp256r1
            } else {
                NamedGroup::X25519
            };
            let groups = [group, other];
            let needs_more =
                group.is_post_quantum() && !info.client.contains(Capabilities::POST_QUANTUM_GROUPS);
            let flag = if needs_more {
                Capabilities::POST_QUANTUM_GROUPS
            } else {
                Capabilities::GROUPS
            };
            points.push(Point {
                flag,
                also: asked(flag),
                name: group.to_string(),
                client: trusting().groups(groups),
                server: identified().groups(groups),
            });
        }
    }
    for &scheme in SignatureScheme::ALL {
        if !info.signature_schemes.contains(&scheme) {
            points.push(Point {
                flag: Capabilities::SIGNATURE_SCHEMES,
                also: Capabilities::empty(),
                name: scheme.to_string(),
                client: trusting().signature_schemes([scheme]),
                server: identified().signature_schemes([scheme]),
            });
        }
    }
    points
}

/// Identities whose outer layer is sound, and which no library can use.
fn bad_identities() -> Vec<(&'static str, Identity)> {
    let pki = pki();
    let make = |chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>| {
        Identity::from_der(chain, key).expect("the outer layer is sound")
    };
    let chain = pki.p256.chain().to_vec();
    let key = || pki.p256.key().clone_key();
    let hollow_leaf = vec![hollow(&chain[0]), chain[1].clone()];
    let hollow_issuer = vec![chain[0].clone(), hollow(&chain[1])];
    let empty = CertificateDer::from(vec![0x30, 0]);
    let hollow_key = || {
        let der = hollow(&CertificateDer::from(key().secret_der().to_vec()));
        PrivateKeyDer::Pkcs8(der.to_vec().into())
    };
    vec![
        (
            "a_key_of_another_certificate",
            make(chain.clone(), pki.short.key().clone_key()),
        ),
        (
            "a_key_of_another_kind",
            make(chain.clone(), pki.rsa.key().clone_key()),
        ),
        (
            "a_key_on_another_curve",
            make(chain.clone(), pki.p384.key().clone_key()),
        ),
        ("a_key_that_is_no_key", make(chain.clone(), hollow_key())),
        (
            "an_empty_key",
            make(chain.clone(), PrivateKeyDer::Pkcs8(vec![0x30, 0].into())),
        ),
        (
            "a_key_of_no_octets",
            make(chain.clone(), PrivateKeyDer::Pkcs8(Vec::new().into())),
        ),
        ("a_certificate_that_is_none", make(hollow_leaf, key())),
        (
            "an_issuer_that_is_no_certificate",
            make(hollow_issuer, key()),
        ),
        ("an_empty_certificate", make(vec![empty.clone()], key())),
        (
            "an_empty_issuer",
            make(vec![chain[0].clone(), empty], key()),
        ),
    ]
}

fn refuses_identity<B: TlsBackend>(backend: &B, identity: &Identity) {
    let server = build_server(backend, ServerConfig::builder().identity(identity.clone()));
    assert_field(server, "identity");
    assert_field(
        build_client(backend, trusting().identity(identity.clone())),
        "identity",
    );
}

fn refuses_roots<B: TlsBackend>(backend: &B) {
    let good = pki().p256.chain()[1].clone();
    let empty = CertificateDer::from(vec![0x30, 0]);
    for bad in [hollow(&good), empty] {
        let roots = Roots::from_der([good.clone(), bad]).expect("the outer layer is sound");
        let client = ClientConfig::builder().roots(roots.clone());
        assert_field(build_client(backend, client), "roots");
        for (flag, auth) in [
            (
                Capabilities::CLIENT_AUTH_OPTIONAL,
                ClientAuth::Optional(roots.clone()),
            ),
            (
                Capabilities::CLIENT_AUTH_REQUIRED,
                ClientAuth::Required(roots.clone()),
            ),
        ] {
            let error = build_server(backend, identified().client_auth(auth));
            if backend.info().server.contains(flag) {
                assert_field(error, "roots");
            } else {
                assert_refused(error, flag, backend.info().name);
            }
        }
    }
}

#[track_caller]
fn assert_field(error: Option<Error>, field: &str) {
    let Some(Error::Config(error)) = error else {
        panic!("a bad {field} is not refused as such: {error:?}");
    };
    assert_eq!(error.field, field);
    assert!(!error.reason.is_empty());
}
