//! What the `boring` crate does not wrap, each behind a safe function.
//!
//! Only the bindings of `boring-sys` are used: they know the prefix of the
//! library's symbols, which keeps them apart from OpenSSL's.

use std::ffi::{c_int, c_long, c_void};
use std::{ptr, slice};

use boring::error::ErrorStack;
use boring::pkey::PKeyRef;
use boring::ssl::{SslContextBuilder, SslRef};
use boring::stack::Stack;
use boring::x509::verify::X509VerifyParamRef;
use boring::x509::{
    X509, X509NameRef, X509Ref, X509StoreContextRef, X509VerifyError, X509VerifyResult,
};
use boring_sys as sys;
use foreign_types::{ForeignType, ForeignTypeRef, foreign_type};
use tls_core::{Alert, Role};

use crate::{presented, verify};

/// Of a suite in a server's list: the next one is preferred no less (`ssl.h`).
const EQUAL_PREFERENCE_WITH_NEXT: u32 = sys::SSL_CIPHER_FLAG_EQUAL_PREFERENCE_WITH_NEXT as u32;

/// Whether an error waits in the thread's queue.
pub(crate) fn has_queued_error() -> bool {
    // SAFETY: looks at the thread's own queue alone.
    unsafe { sys::ERR_peek_last_error() != 0 }
}

/// Empties the thread's error queue.
pub(crate) fn clear_queued_errors() {
    // SAFETY: changes the thread's own queue alone.
    unsafe { sys::ERR_clear_error() }
}

/// Sets the suites of TLS 1.3, of which a server takes the client's first. Of
/// an empty list the library makes its default.
pub(crate) fn set_tls13_suites(
    builder: &mut SslContextBuilder,
    suites: &[u16],
) -> Result<(), ErrorStack> {
    let mut flags = vec![EQUAL_PREFERENCE_WITH_NEXT; suites.len()];
    if let Some(last) = flags.last_mut() {
        *last = 0;
    }
    // SAFETY: the pointer comes from a live, exclusive reference; the two
    // lists have the length that is given, are read and not kept.
    let answer = unsafe {
        sys::SSL_CTX_set1_tls13_ciphers(
            builder.as_ptr(),
            suites.as_ptr(),
            flags.as_ptr(),
            suites.len(),
        )
    };
    checked(answer)
}

/// Sets the groups, most preferred first.
pub(crate) fn set_groups(
    builder: &mut SslContextBuilder,
    groups: &[u16],
) -> Result<(), ErrorStack> {
    // SAFETY: the pointer comes from a live, exclusive reference; the list has
    // the length that is given, is read and not kept.
    checked(unsafe { sys::SSL_CTX_set1_group_ids(builder.as_ptr(), groups.as_ptr(), groups.len()) })
}

/// Sets the groups that a client sends key shares of, in the order of its groups.
pub(crate) fn set_key_shares(ssl: &mut SslRef, groups: &[u16]) -> Result<(), ErrorStack> {
    // SAFETY: as in `set_groups`.
    checked(unsafe { sys::SSL_set1_client_key_shares(ssl.as_ptr(), groups.as_ptr(), groups.len()) })
}

/// Sets the schemes that this side signs with, most preferred first.
pub(crate) fn set_signing_schemes(
    builder: &mut SslContextBuilder,
    schemes: &[u16],
) -> Result<(), ErrorStack> {
    // SAFETY: as in `set_groups`.
    checked(unsafe {
        sys::SSL_CTX_set_signing_algorithm_prefs(builder.as_ptr(), schemes.as_ptr(), schemes.len())
    })
}

/// Keeps a server of TLS 1.3 from sending tickets.
pub(crate) fn send_no_tickets(builder: &mut SslContextBuilder) {
    // SAFETY: the pointer comes from a live, exclusive reference.
    unsafe { sys::SSL_CTX_set_num_tickets(builder.as_ptr(), 0) };
}

/// Has the context's sessions share the certificates that their peers send.
pub(crate) fn share_certificates(builder: &mut SslContextBuilder) -> Result<(), ErrorStack> {
    // SAFETY: makes a pool of its own, or null.
    let pool = unsafe { sys::CRYPTO_BUFFER_POOL_new() };
    if pool.is_null() {
        return Err(ErrorStack::get());
    }
    // SAFETY: both are live, the context by an exclusive reference. It takes a
    // reference of its own to the pool.
    unsafe { sys::SSL_CTX_set1_buffer_pool(builder.as_ptr(), pool) };
    // SAFETY: this is the reference that was made above, not used any more.
    unsafe { sys::CRYPTO_BUFFER_POOL_free(pool) };
    Ok(())
}

/// How the library verifies the chains of the context's sessions.
pub(crate) fn verify_param_mut(builder: &mut SslContextBuilder) -> &mut X509VerifyParamRef {
    // SAFETY: the pointer comes from a live, exclusive reference.
    let param = unsafe { sys::SSL_CTX_get0_param(builder.as_ptr()) };
    // SAFETY: a context always has parameters, which live as long as it does;
    // the reference is bound to the exclusive one that was given.
    unsafe { X509VerifyParamRef::from_ptr_mut(param) }
}

fn checked(answer: c_int) -> Result<(), ErrorStack> {
    if answer == 1 {
        Ok(())
    } else {
        Err(ErrorStack::get())
    }
}

/// Makes a new session a client's.
pub(crate) fn set_connect_state(ssl: &mut SslRef) {
    // SAFETY: the pointer comes from a live, exclusive reference.
    unsafe { sys::SSL_set_connect_state(ssl.as_ptr()) }
}

/// Makes a new session a server's.
pub(crate) fn set_accept_state(ssl: &mut SslRef) {
    // SAFETY: the pointer comes from a live, exclusive reference.
    unsafe { sys::SSL_set_accept_state(ssl.as_ptr()) }
}

/// Has a session give up, when its handshake is done, the configuration that
/// only a handshake needs. It must not renegotiate either.
pub(crate) fn shed_config(ssl: &mut SslRef) {
    // SAFETY: the pointer comes from a live, exclusive reference. What reads
    // the configuration later fails, and the session's reference, by which
    // safe code could ask for it, is not handed out.
    unsafe { sys::SSL_set_shed_handshake_config(ssl.as_ptr(), 1) }
}

/// Keeps a session from renegotiating: a peer that asks for it is refused.
pub(crate) fn never_renegotiate(ssl: &mut SslRef) {
    let mode = sys::ssl_renegotiate_mode_t::ssl_renegotiate_never;
    // SAFETY: the pointer comes from a live, exclusive reference.
    unsafe { sys::SSL_set_renegotiate_mode(ssl.as_ptr(), mode) }
}

/// Whether decrypted octets wait inside the library.
#[inline]
pub(crate) fn has_pending(ssl: &SslRef) -> bool {
    // SAFETY: the pointer comes from a live reference.
    unsafe { sys::SSL_has_pending(ssl.as_ptr()) == 1 }
}

/// How many records were received with the keys for reading as they are.
#[inline]
pub(crate) fn read_sequence(ssl: &SslRef) -> u64 {
    // SAFETY: the pointer comes from a live reference.
    unsafe { sys::SSL_get_read_sequence(ssl.as_ptr()) }
}

/// How many records were sent with the present keys.
#[cfg(test)]
pub(crate) fn write_sequence(ssl: &SslRef) -> u64 {
    // SAFETY: the pointer comes from a live reference.
    unsafe { sys::SSL_get_write_sequence(ssl.as_ptr()) }
}

/// Makes a KeyUpdate that asks for one in return, to be sent by
/// [`send_messages`]. The library refuses (`false`, with an error queued) in
/// TLS 1.2, and makes none while another waits to be sent.
pub(crate) fn request_key_update(ssl: &mut SslRef) -> bool {
    // SAFETY: the pointer comes from a live, exclusive reference.
    unsafe { sys::SSL_key_update(ssl.as_ptr(), sys::SSL_KEY_UPDATE_REQUESTED) == 1 }
}

/// Sends the messages that the library has made and kept: its answers to
/// KeyUpdates. What the library answers is `SSL_get_error`'s to read, and
/// negative when it failed.
pub(crate) fn send_messages(ssl: &mut SslRef) -> c_int {
    // SAFETY: the pointer comes from a live, exclusive reference; of no data
    // nothing is read.
    unsafe { sys::SSL_write(ssl.as_ptr(), ptr::null(), 0) }
}

/// Sends an alert, unless one was sent.
pub(crate) fn send_fatal_alert(ssl: &mut SslRef, alert: Alert) {
    // SAFETY: the pointer comes from a live, exclusive reference.
    unsafe { sys::SSL_send_fatal_alert(ssl.as_ptr(), alert.0) };
}

foreign_type! {
    /// A certificate's octets, which the library counts the holders of. They
    /// never change, and the count is safe from any thread (`pool.h`).
    pub(crate) unsafe type Buffer: Send + Sync {
        type CType = sys::CRYPTO_BUFFER;
        fn drop = sys::CRYPTO_BUFFER_free;
    }
}

impl BufferRef {
    /// Holds it too.
    pub(crate) fn hold(&self) -> Buffer {
        // SAFETY: the pointer comes from a live reference.
        unsafe { sys::CRYPTO_BUFFER_up_ref(self.as_ptr()) };
        // SAFETY: the hold that was taken above is this value's to give up.
        unsafe { Buffer::from_ptr(self.as_ptr()) }
    }

    fn octets(&self) -> &[u8] {
        // SAFETY: the pointer comes from a live reference.
        let data = unsafe { sys::CRYPTO_BUFFER_data(self.as_ptr()) };
        // SAFETY: as above.
        let length = unsafe { sys::CRYPTO_BUFFER_len(self.as_ptr()) };
        // SAFETY: a certificate has at least one octet, so the buffer has
        // data, which lives as long as it does.
        unsafe { slice::from_raw_parts(data, length) }
    }
}

/// The buffers of the certificates that the peer sent, its own first.
pub(crate) fn peer_buffers(ssl: &SslRef) -> impl Iterator<Item = &BufferRef> + Clone {
    // SAFETY: the pointer comes from a live reference.
    let stack = unsafe { sys::SSL_get0_peer_certificates(ssl.as_ptr()) };
    // SAFETY: the stack is the session's, which does not change while it is
    // borrowed; of null the function makes 0.
    let count = unsafe { sys::OPENSSL_sk_num(stack.cast()) };
    (0..count).map(move |index| {
        // SAFETY: as above, and the index is below the count.
        let buffer = unsafe { sys::OPENSSL_sk_value(stack.cast(), index) };
        // SAFETY: the members of this stack are buffers, and never null; they
        // live as long as the session is borrowed.
        unsafe { BufferRef::from_ptr(buffer.cast()) }
    })
}

/// The certificates as the peer sent them, its own first.
pub(crate) fn peer_certificates(ssl: &SslRef) -> impl Iterator<Item = &[u8]> + Clone {
    peer_buffers(ssl).map(BufferRef::octets)
}

/// Lets [`presented::inspect`] see the certificates of TLS 1.3 before the
/// library looks at them.
pub(crate) fn watch(builder: &mut SslContextBuilder) {
    unsafe extern "C" fn message(
        is_write: c_int,
        _: c_int,
        kind: c_int,
        octets: *const c_void,
        length: usize,
        ssl: *mut sys::SSL,
        _: *mut c_void,
    ) {
        if is_write != 0 || kind != sys::SSL3_RT_HANDSHAKE {
            return;
        }
        // SAFETY: the library gives that many octets of a whole message, which
        // has a header at least, and keeps them while the callback runs.
        let octets = unsafe { slice::from_raw_parts(octets.cast(), length) };
        // SAFETY: the library gives the live session that it reads for, and
        // lets callbacks call it.
        let ssl = unsafe { SslRef::from_ptr_mut(ssl) };
        presented::inspect(ssl, octets);
    }
    // SAFETY: the pointer comes from a live, exclusive reference, and the
    // callback is a function and lives for ever.
    unsafe { sys::SSL_CTX_set_msg_callback(builder.as_ptr(), Some(message)) }
}

/// Takes a session out of what [`watch`] began.
pub(crate) fn stop_watching(ssl: &mut SslRef) {
    // SAFETY: the pointer comes from a live, exclusive reference.
    unsafe { sys::SSL_set_msg_callback(ssl.as_ptr(), None) }
}

/// Prepares a chain's context as the library does for this session's peer.
pub(crate) fn set_peer_of(context: &mut X509StoreContextRef, ssl: &SslRef) -> bool {
    let purpose = if ssl.is_server() {
        c"ssl_client"
    } else {
        c"ssl_server"
    };
    // SAFETY: needs nothing, and gives the library's own index for sessions.
    let index = unsafe { sys::SSL_get_ex_data_X509_STORE_CTX_idx() };
    // SAFETY: a session's pointer is what belongs there; the context does not
    // free it, and is gone before the session.
    let belongs =
        unsafe { sys::X509_STORE_CTX_set_ex_data(context.as_ptr(), index, ssl.as_ptr().cast()) };
    // SAFETY: the pointer comes from a live, exclusive reference; the name is
    // a C string that is read and not kept.
    let purposeful = unsafe { sys::X509_STORE_CTX_set_default(context.as_ptr(), purpose.as_ptr()) };
    // SAFETY: the pointer comes from a live reference; what the function gives
    // is the session's own, which is only read here.
    let param = unsafe { sys::SSL_get0_param(ssl.as_ptr()) };
    // SAFETY: a session with a handshake under way has parameters.
    let param = unsafe { X509VerifyParamRef::from_ptr(param) };
    belongs == 1 && purposeful == 1 && context.verify_param_mut().copy_from(param).is_ok()
}

/// Makes every question that the library has about a chain go to
/// [`verify::passes`].
pub(crate) fn set_questioning(context: &mut X509StoreContextRef) {
    unsafe extern "C" fn ask(sound: c_int, context: *mut sys::X509_STORE_CTX) -> c_int {
        if sound == 1 {
            return 1;
        }
        // SAFETY: the library gives a live context that is not accessed
        // otherwise for as long as this callback runs.
        let context = unsafe { X509StoreContextRef::from_ptr(context) };
        c_int::from(verify::passes(context))
    }
    // SAFETY: the pointer comes from a live, exclusive reference, and the
    // callback is a function and lives for ever.
    unsafe { sys::X509_STORE_CTX_set_verify_cb(context.as_ptr(), Some(ask)) }
}

/// Whether there is a root of this name.
pub(crate) fn has_root(context: &X509StoreContextRef, name: &X509NameRef) -> bool {
    // SAFETY: the pointers come from live references. The library takes the
    // context for one that changes, but only looks into its store, under the
    // store's own lock.
    let found = unsafe { sys::X509_STORE_CTX_get1_certs(context.as_ptr(), name.as_ptr()) };
    if found.is_null() {
        return false;
    }
    // SAFETY: the function gives a stack that is the caller's to free, with
    // its members.
    let found: Stack<X509> = unsafe { Stack::from_ptr(found) };
    !found.is_empty()
}

/// The version of a certificate as it is encoded: 2 for version 3.
pub(crate) fn version(certificate: &X509Ref) -> c_long {
    // SAFETY: the pointer comes from a live reference.
    unsafe { sys::X509_get_version(certificate.as_ptr()) }
}

/// Whether a certificate says that it is a CA's (RFC 5280, section 4.2.1.9).
pub(crate) fn is_ca(certificate: &X509Ref) -> bool {
    // SAFETY: the pointer comes from a live reference. The function caches
    // what it parses under the certificate's own lock.
    let flags = unsafe { sys::X509_get_extension_flags(certificate.as_ptr()) };
    flags & sys::EXFLAG_CA as u32 != 0
}

/// Whether a certificate has a critical extension that the library does not know.
pub(crate) fn has_unknown_critical_extension(certificate: &X509Ref) -> bool {
    // SAFETY: as in `is_ca`.
    let flags = unsafe { sys::X509_get_extension_flags(certificate.as_ptr()) };
    flags & sys::EXFLAG_CRITICAL as u32 != 0
}

/// Whether an end entity's certificate is for the peers of this role.
pub(crate) fn is_for_peers_of(certificate: &X509Ref, role: Role) -> bool {
    let purpose = match role {
        Role::Client => sys::X509_PURPOSE_SSL_SERVER,
        Role::Server => sys::X509_PURPOSE_SSL_CLIENT,
    };
    // SAFETY: as in `is_ca`.
    unsafe { sys::X509_check_purpose(certificate.as_ptr(), purpose, 0) == 1 }
}

/// Whether a certificate's key may sign a handshake, as far as its key usage
/// says (RFC 8446, section 4.4.2.2).
pub(crate) fn may_sign_handshakes(certificate: &X509Ref) -> bool {
    // SAFETY: as in `is_ca`. Without a key usage all bits are set.
    let usage = unsafe { sys::X509_get_key_usage(certificate.as_ptr()) };
    usage & sys::X509v3_KU_DIGITAL_SIGNATURE as u32 != 0
}

/// The NID of the algorithm that a certificate is signed with.
pub(crate) fn signature_algorithm(certificate: &X509Ref) -> c_int {
    // SAFETY: the pointer comes from a live reference.
    unsafe { sys::X509_get_signature_nid(certificate.as_ptr()) }
}

/// The NID of the curve that a key is on; 0 for one that is on none.
pub(crate) fn curve<T>(key: &PKeyRef<T>) -> c_int {
    // SAFETY: the pointer comes from a live reference.
    unsafe { sys::EVP_PKEY_get_ec_curve_nid(key.as_ptr()) }
}

/// The result with this number (`X509_V_...`).
pub(crate) fn verify_result(code: c_int) -> X509VerifyResult {
    // SAFETY: the number is all that the type holds, and the library has
    // words for any.
    unsafe { X509VerifyError::from_raw(code) }
}

/// Makes a server present these certificates, the end entity's first, however
/// they are encoded.
#[cfg(test)]
pub(crate) fn present<T: boring::pkey::HasPrivate>(
    builder: &mut SslContextBuilder,
    chain: &[Vec<u8>],
    key: &PKeyRef<T>,
) {
    let buffers: Vec<_> = chain
        .iter()
        .map(|der| {
            // SAFETY: the data has the length that is given and is copied; no
            // pool is needed.
            unsafe { sys::CRYPTO_BUFFER_new(der.as_ptr(), der.len(), ptr::null_mut()) }
        })
        .collect();
    // SAFETY: the pointers come from live references and from the library; the
    // context takes references of its own, and no method of signing is needed.
    let answer = unsafe {
        sys::SSL_CTX_set_chain_and_key(
            builder.as_ptr(),
            buffers.as_ptr(),
            buffers.len(),
            key.as_ptr(),
            ptr::null(),
        )
    };
    assert_eq!(answer, 1);
    for buffer in buffers {
        // SAFETY: made above, and not used any more.
        unsafe { sys::CRYPTO_BUFFER_free(buffer) }
    }
}

/// Leaves an error of TLS in the thread's queue, as the library does.
#[cfg(test)]
pub(crate) fn queue_error(reason: c_int) {
    let library = sys::ERR_LIB_SSL.0 as c_int;
    // SAFETY: adds to the thread's own queue; the name of a file is a C string
    // that lives for ever.
    unsafe { sys::ERR_put_error(library, 0, reason, c"test".as_ptr(), 0) }
}
