//! All libraries of the build in one process: each does its own work, and no
//! symbol of one reaches another.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::Path;
use std::thread;

use conformance::pair::Pair;
use conformance::scenario::Case;
use object::{Object, ObjectSymbol};
use polytls::Backend;
use polytls::tls::{AnyBackend, Role, TlsBackend};

/// How each backend's library calls itself.
const LIBRARIES: [(&str, &str); 4] = [
    ("rustls", "rustls "),
    ("openssl", "OpenSSL 3."),
    ("boring", "BoringSSL"),
    ("native-tls", "native-tls "),
];

fn pairs() -> Vec<(AnyBackend, AnyBackend)> {
    let backends = Backend::available();
    let with_each = |client: &AnyBackend| {
        let client = client.clone();
        let servers = backends.clone().into_iter();
        servers.map(move |server| (client.clone(), server))
    };
    backends.iter().flat_map(with_each).collect()
}

fn connected((client, server): &(AnyBackend, AnyBackend)) -> Pair {
    let mut pair = Case::new(client.clone(), server.clone(), None).standard();
    pair.connect();
    pair
}

fn assert_talks(pair: &mut Pair) {
    for from in [Role::Client, Role::Server] {
        let data: Vec<u8> = (0..40_000_u32).map(|n| (n % 251) as u8).collect();
        assert!(pair.send(from, &data) == data, "other octets came");
    }
}

#[test]
fn each_backend_is_its_own_library() {
    let mut names = BTreeSet::new();
    for backend in Backend::available() {
        let info = backend.info();
        let (_, library) = LIBRARIES
            .into_iter()
            .find(|(name, _)| *name == info.name)
            .expect("a backend that this test knows");
        assert!(info.library.starts_with(library), "{}", info.library);
        assert!(names.insert(info.name), "{} is there twice", info.name);
    }
}

#[test]
fn sessions_of_every_pair_live_side_by_side() {
    let mut alive: Vec<_> = pairs().iter().map(connected).collect();
    assert_eq!(alive.len(), Backend::available().len().pow(2));
    for pair in alive.iter_mut().rev() {
        assert_talks(pair);
    }
    for pair in &mut alive {
        assert_talks(pair);
    }
    for backend in Backend::available() {
        assert_eq!(backend.leftover_errors(), 0, "{}", backend.info().name);
    }
}

#[test]
fn every_pair_works_on_many_threads_at_once() {
    thread::scope(|scope| {
        for pair in pairs() {
            scope.spawn(move || assert_talks(&mut connected(&pair)));
        }
    });
}

/// BoringSSL's functions have the workspace's prefix, those of aws-lc that of
/// their own build, those of OpenSSL none.
#[test]
fn no_library_has_the_symbols_of_another() {
    let program = fs::read(env::current_exe().unwrap()).unwrap();
    let program = object::File::parse(&*program).unwrap();
    let symbols: Vec<&str> = program
        .symbols()
        .filter_map(|symbol| symbol.name().ok())
        // Apple's linker puts an underscore before every name.
        .map(|name| name.strip_prefix('_').unwrap_or(name))
        .collect();
    // A function that each of them has, by its name without a prefix.
    let shared = |prefix: &str, name: &str| {
        let name = format!("{prefix}{name}");
        symbols.iter().any(|symbol| *symbol == name)
    };
    let has = |name: &str| Backend::by_name(name).is_ok();
    let prefix = format!("{}_", boringssl_prefix());
    assert_eq!(shared(&prefix, "SSL_do_handshake"), has("boring"));
    let openssl = has("openssl") || (cfg!(target_os = "linux") && has("native-tls"));
    assert_eq!(shared("", "SSL_do_handshake"), openssl);
    for symbol in &symbols {
        let others = symbol.contains("aws_lc") || symbol.contains("ossl_");
        assert!(!(symbol.starts_with(&prefix) && others), "{symbol}");
    }
}

fn boringssl_prefix() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.cargo/boringssl-prefix.cmake");
    let text = fs::read_to_string(file).unwrap();
    let setting = text.split_once("set(BORINGSSL_PREFIX ");
    let (prefix, _) = setting.and_then(|(_, rest)| rest.split_once(')')).unwrap();
    prefix.to_owned()
}
