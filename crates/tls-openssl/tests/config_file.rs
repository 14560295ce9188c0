//! OpenSSL's configuration file must not change how a session behaves.
//!
//! The library reads the file once a process, when it is first used. So this
//! program runs itself: the child has a file in force that changes every
//! setting it can, and prints what was negotiated.

use std::process::Command;

use openssl::ssl::{SslContext, SslMethod, SslVersion};
use tls_core::{
    ClientAuth, ClientConfig, Identity, PrivateKeyDer, Roots, ServerConfig, Step, TlsBackend,
    TlsSession, parse_server_name,
};
use tls_openssl::OpenSsl;
use wire::Loop;

mod wire;

const CHILD: &str = "POLYTLS_CONFIG_FILE_CHILD";

const FILE: &str = "\
openssl_conf = all
[all]
ssl_conf = modules
[modules]
system_default = changed
[changed]
MinProtocol = TLSv1
MaxProtocol = TLSv1.2
CipherString = AES128-SHA:@SECLEVEL=0
Ciphersuites = TLS_AES_128_GCM_SHA256
Groups = P-521
SignatureAlgorithms = RSA+SHA512
ClientSignatureAlgorithms = RSA+SHA512
Options = ServerPreference,UnsafeLegacyRenegotiation,UnsafeLegacyServerConnect,-MiddleboxCompat
VerifyMode = Peer
NumTickets = 4
";

fn main() {
    if std::env::var_os(CHILD).is_some() {
        println!("{}", negotiate());
        return;
    }
    let file = std::env::temp_dir().join(format!("polytls-openssl-{}.cnf", std::process::id()));
    std::fs::write(&file, FILE).expect("the folder for temporary files takes a file");
    let changed = child(file.as_os_str());
    std::fs::remove_file(&file).expect("the file is ours");
    let usual = child("/dev/null".as_ref());
    assert!(
        changed.contains("bare context up to Some(TLS1_2)"),
        "{changed}"
    );
    assert!(usual.contains("bare context up to None"), "{usual}");
    let behaviour = |output: &str| output.lines().skip(1).collect::<Vec<_>>().join("\n");
    assert!(behaviour(&usual).contains("TLSv1.3"), "{usual}");
    assert_eq!(behaviour(&changed), behaviour(&usual));
    println!("test the_configuration_file_changes_nothing ... ok");
}

fn child(config_file: &std::ffi::OsStr) -> String {
    let this = std::env::current_exe().expect("a test knows its own path");
    let output = Command::new(this)
        .env(CHILD, "1")
        .env("OPENSSL_CONF", config_file)
        .output()
        .expect("a test can run itself");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// What a bare context is like, and then what ours negotiate.
fn negotiate() -> String {
    let mut bare = SslContext::builder(SslMethod::tls()).expect("a context");
    let limit = bare.max_proto_version().map(|version| match version {
        SslVersion::TLS1_2 => "TLS1_2",
        _ => "another",
    });
    let mut report = format!("bare context up to {limit:?}\n").replace('"', "");

    let key = rcgen::KeyPair::generate().expect("a key");
    let certificate = rcgen::CertificateParams::new(["server.example".to_owned()])
        .and_then(|params| params.self_signed(&key))
        .expect("a certificate");
    let roots = Roots::from_der([certificate.der().clone()]).expect("roots");
    let identity = Identity::from_der(
        [certificate.der().clone()],
        PrivateKeyDer::Pkcs8(key.serialize_der().into()),
    )
    .expect("an identity");
    let client = ClientConfig::builder()
        .roots(roots.clone())
        .identity(identity.clone())
        .build()
        .expect("a client's config");
    let server = ServerConfig::builder()
        .identity(identity)
        .client_auth(ClientAuth::Required(roots))
        .build()
        .expect("a server's config");

    let backend = OpenSsl::new();
    let name = parse_server_name("server.example").expect("a name");
    let client = backend.client(&client).expect("a client's context");
    let server = backend.server(&server).expect("a server's context");
    let mut client = backend.connect(&client, &name).expect("a client");
    let mut server = backend.accept(&server).expect("a server");
    let mut end = Loop::default();
    for _ in 0..4 {
        let at_client = client.handshake(&mut end).expect("the client goes on");
        end.turn();
        let at_server = server.handshake(&mut end).expect("the server goes on");
        end.turn();
        if at_client.is_ready() && at_server.is_ready() {
            break;
        }
    }
    for session in [&client, &server] {
        let facts = session.facts().expect("the handshake is done");
        let mut facts = facts.clone();
        facts.peer_certificates = tls_core::PeerCertificates::default();
        report += &format!("{facts:?}\n");
    }
    let unread = client.read(&mut end, &mut [0]).expect("no more comes");
    assert_eq!(unread, Step::Blocked(tls_core::Interest::READ), "no ticket");
    let options = client.library().ssl().ssl_context().security_level();
    report + &format!("security level {options}\n")
}
