//! What a test asks of one connection.

use std::path::PathBuf;

use crate::ending::Missing;
use crate::policy::Policy;

/// The flags of one connection, read.
#[derive(Debug)]
pub(crate) struct Settings {
    /// No test: only whether it is one of TLS is said. A flag of ours.
    pub(crate) census: bool,
    /// The backend's name: a flag of ours.
    pub(crate) backend: String,
    /// Where the reason for an exit with 89 is written: a flag of ours.
    pub(crate) missing_log: Option<PathBuf>,
    pub(crate) handshaker_asked: bool,
    pub(crate) port: u16,
    pub(crate) shim_id: u64,
    pub(crate) ipv6: bool,
    pub(crate) server: bool,
    pub(crate) asynchronous: bool,

    // The configuration.
    pub(crate) min_version: Option<u16>,
    pub(crate) max_version: Option<u16>,
    /// The versions that are switched off.
    pub(crate) without: Vec<u16>,
    pub(crate) cipher: Option<String>,
    pub(crate) tls13_ciphers: Vec<u16>,
    pub(crate) curves: Vec<u16>,
    pub(crate) signing_prefs: Vec<u16>,
    pub(crate) verify_prefs: Vec<u16>,
    /// A named policy, which decides over the lists above.
    pub(crate) policy: Option<&'static Policy>,
    /// How many credentials of the newer kind are named.
    pub(crate) credentials: usize,
    pub(crate) cert_file: Option<PathBuf>,
    pub(crate) key_file: Option<PathBuf>,
    pub(crate) trust_cert: Option<PathBuf>,
    pub(crate) verify_peer: bool,
    pub(crate) require_any_client_certificate: bool,
    pub(crate) host_name: Option<String>,
    /// In wire form.
    pub(crate) advertise_alpn: Vec<u8>,
    pub(crate) select_alpn: Vec<u8>,
    pub(crate) reject_alpn: bool,

    // What it does.
    pub(crate) implicit_handshake: bool,
    pub(crate) handshake_never_done: bool,
    pub(crate) repeat_handshake: bool,
    /// Octets of keying material to export and send; 0 for none.
    pub(crate) export: usize,
    pub(crate) export_label: Vec<u8>,
    pub(crate) export_context: Vec<u8>,
    pub(crate) use_export_context: bool,
    pub(crate) export_between_reads: bool,
    pub(crate) key_update: bool,
    pub(crate) key_update_before_read: bool,
    pub(crate) write_different_sizes: bool,
    pub(crate) writes_first: bool,
    pub(crate) initial_write: Vec<u8>,
    pub(crate) repeat_initial_write: usize,
    pub(crate) read_with_unfinished_write: bool,
    pub(crate) read_size: usize,
    pub(crate) shuts_down: bool,
    pub(crate) check_close_notify: bool,

    // What must hold after the handshake.
    pub(crate) expect_version: Option<u16>,
    pub(crate) expect_cipher: Option<u16>,
    pub(crate) expect_cipher_aes: Option<u16>,
    pub(crate) expect_cipher_no_aes: Option<u16>,
    pub(crate) expect_curve_id: Option<u16>,
    pub(crate) expect_peer_signature_algorithm: Option<u16>,
    pub(crate) expect_alpn: Vec<u8>,
    pub(crate) expect_server_name: Option<String>,
    pub(crate) expect_no_server_name: bool,
    pub(crate) expect_peer_cert_file: Option<PathBuf>,
    pub(crate) expect_no_peer_cert: bool,
    pub(crate) expect_verify_result: bool,
    pub(crate) expect_hrr: bool,
    pub(crate) expect_no_hrr: bool,
    pub(crate) expect_extended_master_secret: bool,
    pub(crate) expect_secure_renegotiation: bool,
    pub(crate) expect_no_secure_renegotiation: bool,
    /// -1 for none.
    pub(crate) expect_selected_credential: Option<i32>,

    /// The first thing that cannot be honoured.
    pub(crate) missing: Option<Missing>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            census: false,
            backend: String::new(),
            missing_log: None,
            handshaker_asked: false,
            port: 0,
            shim_id: 0,
            ipv6: false,
            server: false,
            asynchronous: false,
            min_version: None,
            max_version: None,
            without: Vec::new(),
            cipher: None,
            tls13_ciphers: Vec::new(),
            curves: Vec::new(),
            signing_prefs: Vec::new(),
            verify_prefs: Vec::new(),
            policy: None,
            credentials: 0,
            cert_file: None,
            key_file: None,
            trust_cert: None,
            verify_peer: false,
            require_any_client_certificate: false,
            host_name: None,
            advertise_alpn: Vec::new(),
            select_alpn: Vec::new(),
            reject_alpn: false,
            implicit_handshake: false,
            handshake_never_done: false,
            repeat_handshake: false,
            export: 0,
            export_label: Vec::new(),
            export_context: Vec::new(),
            use_export_context: false,
            export_between_reads: false,
            key_update: false,
            key_update_before_read: false,
            write_different_sizes: false,
            writes_first: false,
            initial_write: b"hello".to_vec(),
            repeat_initial_write: 1,
            read_with_unfinished_write: false,
            read_size: 512,
            shuts_down: false,
            check_close_notify: false,
            expect_version: None,
            expect_cipher: None,
            expect_cipher_aes: None,
            expect_cipher_no_aes: None,
            expect_curve_id: None,
            expect_peer_signature_algorithm: None,
            expect_alpn: Vec::new(),
            expect_server_name: None,
            expect_no_server_name: false,
            expect_peer_cert_file: None,
            expect_no_peer_cert: false,
            expect_verify_result: false,
            expect_hrr: false,
            expect_no_hrr: false,
            expect_extended_master_secret: false,
            expect_secure_renegotiation: false,
            expect_no_secure_renegotiation: false,
            expect_selected_credential: None,
            missing: None,
        }
    }
}
