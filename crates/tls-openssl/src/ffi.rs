//! What the `openssl` crate does not wrap, each behind a safe function.

use std::ffi::{CString, c_int, c_long, c_void};
use std::mem::ManuallyDrop;
use std::ptr;
use std::sync::OnceLock;

use foreign_types::{ForeignType, ForeignTypeRef};
use openssl::ssl::{SslCipher, SslContextBuilder, SslMode, SslRef};
use openssl::stack::{Stack, StackRef};
use openssl::x509::{X509, X509Ref, X509StoreContextRef, X509VerifyResult};
use openssl_sys::{
    OPENSSL_STACK, OPENSSL_sk_value, SSL, SSL_CTX, X509_STORE_CTX, X509_STORE_CTX_set_cert,
    stack_st_SSL_CIPHER, stack_st_X509,
};

use crate::verify;

/// No KeyUpdate is due; one that asks for none in return; one that asks for
/// one (`ssl.h`).
const SSL_KEY_UPDATE_NONE: c_int = -1;
const SSL_KEY_UPDATE_NOT_REQUESTED: c_int = 0;
const SSL_KEY_UPDATE_REQUESTED: c_int = 1;
/// Control numbers (`ssl.h`).
const SSL_CTRL_CLEAR_MODE: c_int = 78;
const SSL_CTRL_GET_SHARED_GROUP: c_int = 93;
const SSL_CTRL_SET_CLIENT_SIGALGS_LIST: c_int = 102;
const SSL_CTRL_GET_PEER_SIGNATURE_NID: c_int = 108;
const SSL_CTRL_GET_NEGOTIATED_GROUP: c_int = 134;
/// A bit in `X509_get_extension_flags` (`x509v3.h`): basicConstraints says CA.
const EXFLAG_CA: u32 = 0x10;
/// A bit in `X509_get_key_usage` (`x509v3.h`).
const KU_DIGITAL_SIGNATURE: u32 = 0x80;
/// What a question of the security level is about (`ssl.h`): the kind of
/// thing, the kind "certificate", and a bit for the peer's.
const SSL_SECOP_OTHER_TYPE: c_int = !0xffff;
const SSL_SECOP_OTHER_CERT: c_int = 6 << 16;
const SSL_SECOP_PEER: c_int = 0x1000;
type CertVerifyCallback = extern "C" fn(*mut X509_STORE_CTX, *mut c_void) -> c_int;
type SecurityCallback = unsafe extern "C" fn(
    *const SSL,
    *const SSL_CTX,
    c_int,
    c_int,
    c_int,
    *mut c_void,
    *mut c_void,
) -> c_int;
type VerifyCallback = extern "C" fn(c_int, *mut X509_STORE_CTX) -> c_int;

unsafe extern "C" {
    fn EVP_default_properties_is_fips_enabled(library: *mut c_void) -> c_int;
    fn SSL_has_pending(ssl: *const SSL) -> c_int;
    fn SSL_free_buffers(ssl: *mut SSL) -> c_int;
    fn SSL_key_update(ssl: *mut SSL, kind: c_int) -> c_int;
    fn SSL_get_key_update_type(ssl: *const SSL) -> c_int;
    fn SSL_get1_supported_ciphers(ssl: *mut SSL) -> *mut stack_st_SSL_CIPHER;
    fn SSL_get_peer_signature_type_nid(ssl: *const SSL, nid: *mut c_int) -> c_int;
    fn SSL_get_shared_sigalgs(
        ssl: *mut SSL,
        index: c_int,
        sign: *mut c_int,
        hash: *mut c_int,
        both: *mut c_int,
        raw_sign: *mut u8,
        raw_hash: *mut u8,
    ) -> c_int;
    fn SSL_CTX_get_security_callback(context: *const SSL_CTX) -> Option<SecurityCallback>;
    fn SSL_CTX_set_security_callback(context: *mut SSL_CTX, callback: Option<SecurityCallback>);
    fn SSL_CTX_set_cert_verify_callback(
        context: *mut SSL_CTX,
        callback: Option<CertVerifyCallback>,
        argument: *mut c_void,
    );
    fn OPENSSL_sk_set(stack: *mut OPENSSL_STACK, index: c_int, value: *const c_void)
    -> *mut c_void;
    fn X509_STORE_CTX_set_verify_cb(context: *mut X509_STORE_CTX, callback: Option<VerifyCallback>);
    fn X509_STORE_CTX_get0_untrusted(context: *const X509_STORE_CTX) -> *mut stack_st_X509;
    fn X509_STORE_CTX_get_num_untrusted(context: *const X509_STORE_CTX) -> c_int;
    fn X509_get_key_usage(certificate: *mut openssl_sys::X509) -> u32;
    fn X509_get_extension_flags(certificate: *mut openssl_sys::X509) -> u32;
}

/// Whether an error waits in the thread's queue.
pub(crate) fn has_queued_error() -> bool {
    // SAFETY: looks at the thread's own queue alone.
    unsafe { openssl_sys::ERR_peek_last_error() != 0 }
}

/// Empties the thread's error queue.
pub(crate) fn clear_queued_errors() {
    // SAFETY: changes the thread's own queue alone.
    unsafe { openssl_sys::ERR_clear_error() }
}

/// Whether the library takes its algorithms from a FIPS provider.
pub(crate) fn fips_enabled() -> bool {
    openssl::init();
    // SAFETY: the null pointer names the default library context, which `init` has set up.
    unsafe { EVP_default_properties_is_fips_enabled(ptr::null_mut()) == 1 }
}

/// Whether bytes of the transport, decrypted or not, wait inside the library.
pub(crate) fn has_pending(ssl: &SslRef) -> bool {
    // SAFETY: the pointer comes from a live reference.
    unsafe { SSL_has_pending(ssl.as_ptr()) == 1 }
}

/// Gives the buffers for records back, unless something is in them.
pub(crate) fn free_buffers(ssl: &SslRef) {
    // SAFETY: the pointer comes from a live reference, and the
    // library makes buffers anew when it needs them. The answer says only
    // whether they were empty.
    unsafe { SSL_free_buffers(ssl.as_ptr()) };
}

/// Whether the peer's `close_notify` has come.
pub(crate) fn has_received_close(ssl: &SslRef) -> bool {
    // SAFETY: the pointer comes from a live reference, and only a flag is read.
    let state = unsafe { openssl_sys::SSL_get_shutdown(ssl.as_ptr()) };
    state & openssl_sys::SSL_RECEIVED_SHUTDOWN != 0
}

/// Schedules a KeyUpdate that asks for one in return. The library refuses
/// (`false`, with an error queued) in TLS 1.2.
pub(crate) fn request_key_update(ssl: &SslRef) -> bool {
    schedule_key_update(ssl, SSL_KEY_UPDATE_REQUESTED)
}

/// Schedules the KeyUpdate that the peer has asked for.
pub(crate) fn answer_key_update(ssl: &SslRef) -> bool {
    schedule_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED)
}

fn schedule_key_update(ssl: &SslRef, kind: c_int) -> bool {
    // SAFETY: the pointer comes from a live reference. The crate gives no
    // exclusive one out of a stream, but the caller has the stream's.
    unsafe { SSL_key_update(ssl.as_ptr(), kind) == 1 }
}

/// Whether the peer has asked for a KeyUpdate that the library would send
/// before the next data.
#[inline]
pub(crate) fn owes_key_update(ssl: &SslRef) -> bool {
    // SAFETY: the pointer comes from a live reference.
    unsafe { SSL_get_key_update_type(ssl.as_ptr()) != SSL_KEY_UPDATE_NONE }
}

/// The suites that a client with these settings would offer.
pub(crate) fn supported_ciphers(ssl: &mut SslRef) -> Option<Stack<SslCipher>> {
    // SAFETY: the pointer comes from a live, exclusive reference.
    let stack = unsafe { SSL_get1_supported_ciphers(ssl.as_ptr()) };
    if stack.is_null() {
        return None;
    }
    // SAFETY: the function gives a stack that is the caller's to free; its
    // members are static, and freeing an `SslCipher` does nothing.
    Some(unsafe { Stack::from_ptr(stack) })
}

/// What `SSL_get_negotiated_group` gives: a NID, or a code point with a mark
/// where the library has no NID; 0 for none.
pub(crate) fn negotiated_group(ssl: &SslRef) -> c_long {
    control(ssl, SSL_CTRL_GET_NEGOTIATED_GROUP, 0)
}

/// How many groups a server has in common with its client.
pub(crate) fn shared_groups(ssl: &SslRef) -> c_long {
    control(ssl, SSL_CTRL_GET_SHARED_GROUP, -1)
}

fn control(ssl: &SslRef, command: c_int, number: c_long) -> c_long {
    // SAFETY: the pointer comes from a live reference, and the commands that
    // are given here read the session alone and take no pointer.
    unsafe { openssl_sys::SSL_ctrl(ssl.as_ptr(), command, number, ptr::null_mut()) }
}

/// How many signature schemes this side has in common with its peer.
pub(crate) fn shared_signature_schemes(ssl: &SslRef) -> c_int {
    let none = ptr::null_mut();
    // SAFETY: the pointer comes from a live reference; the function only reads
    // it, and takes null for each result that is not wanted.
    unsafe {
        SSL_get_shared_sigalgs(
            ssl.as_ptr(),
            0,
            none,
            none,
            none,
            ptr::null_mut(),
            ptr::null_mut(),
        )
    }
}

/// The NIDs of the key type and of the digest (0 for none) that the peer
/// signed the handshake with; `None` when it did not sign.
pub(crate) fn peer_signature(ssl: &SslRef) -> Option<(c_int, c_int)> {
    let mut kind = 0;
    // SAFETY: the pointer comes from a live reference, and `kind` outlives the call.
    if unsafe { SSL_get_peer_signature_type_nid(ssl.as_ptr(), &raw mut kind) } != 1 {
        return None;
    }
    let mut digest: c_int = 0;
    // SAFETY: as above; this command writes one `int` through the pointer.
    unsafe {
        openssl_sys::SSL_ctrl(
            ssl.as_ptr(),
            SSL_CTRL_GET_PEER_SIGNATURE_NID,
            0,
            (&raw mut digest).cast(),
        );
    }
    Some((kind, digest))
}

/// Takes mode bits away; the crate can only add them.
pub(crate) fn clear_mode(builder: &mut SslContextBuilder, bits: SslMode) {
    // SAFETY: the pointer comes from a live, exclusive reference, and this
    // command takes no pointer.
    unsafe {
        openssl_sys::SSL_CTX_ctrl(
            builder.as_ptr(),
            SSL_CTRL_CLEAR_MODE,
            bits.bits(),
            ptr::null_mut(),
        );
    }
}

/// Sets the signature schemes of client certificates, which a configuration
/// file could have set apart from the others.
pub(crate) fn set_client_sigalgs(builder: &mut SslContextBuilder, names: &str) -> bool {
    let Ok(names) = CString::new(names) else {
        return false;
    };
    // SAFETY: the pointer comes from a live, exclusive reference; this command
    // reads a C string and does not keep it.
    let answer = unsafe {
        openssl_sys::SSL_CTX_ctrl(
            builder.as_ptr(),
            SSL_CTRL_SET_CLIENT_SIGALGS_LIST,
            0,
            names.as_ptr().cast_mut().cast(),
        )
    };
    answer == 1
}

/// Takes this side's own certificates out of the security level: they are the
/// peer's to judge. All other questions go to the library as before.
pub(crate) fn exempt_own_certificates(builder: &mut SslContextBuilder) {
    static LIBRARYS_OWN: OnceLock<Option<SecurityCallback>> = OnceLock::new();

    unsafe extern "C" fn judge(
        ssl: *const SSL,
        context: *const SSL_CTX,
        operation: c_int,
        bits: c_int,
        nid: c_int,
        other: *mut c_void,
        extra: *mut c_void,
    ) -> c_int {
        let is_certificate = operation & SSL_SECOP_OTHER_TYPE == SSL_SECOP_OTHER_CERT;
        if is_certificate && operation & SSL_SECOP_PEER == 0 {
            return 1;
        }
        match LIBRARYS_OWN.get() {
            // SAFETY: the library's own callback, with the library's arguments.
            Some(Some(own)) => unsafe { own(ssl, context, operation, bits, nid, other, extra) },
            _ => 0,
        }
    }
    LIBRARYS_OWN.get_or_init(|| {
        // SAFETY: the pointer comes from a live reference; the callback of a
        // context that nobody has changed is the library's.
        unsafe { SSL_CTX_get_security_callback(builder.as_ptr()) }
    });
    // SAFETY: the pointer comes from a live, exclusive reference, and the
    // callback is a function and lives for ever.
    unsafe { SSL_CTX_set_security_callback(builder.as_ptr(), Some(judge)) }
}

/// Lets [`verify::decide`] judge the peer's chain.
pub(crate) fn set_deciding(builder: &mut SslContextBuilder) {
    extern "C" fn decide(context: *mut X509_STORE_CTX, _: *mut c_void) -> c_int {
        // SAFETY: the library gives a live context that is this callback's
        // alone for as long as it runs.
        let context = unsafe { X509StoreContextRef::from_ptr_mut(context) };
        c_int::from(verify::decide(context))
    }
    set_cert_verify(builder, decide);
}

/// Lets any chain pass, without a look at it.
pub(crate) fn set_accepting(builder: &mut SslContextBuilder) {
    extern "C" fn accept(_: *mut X509_STORE_CTX, _: *mut c_void) -> c_int {
        1
    }
    set_cert_verify(builder, accept);
}

fn set_cert_verify(builder: &mut SslContextBuilder, callback: CertVerifyCallback) {
    // SAFETY: the pointer comes from a live, exclusive reference. The callback
    // is a function and lives for ever; it does not use the argument.
    unsafe {
        SSL_CTX_set_cert_verify_callback(builder.as_ptr(), Some(callback), ptr::null_mut());
    }
}

/// Makes every fault that the library finds in a chain go to
/// [`verify::collect`], and go on past it.
pub(crate) fn set_collecting(context: &mut X509StoreContextRef) {
    extern "C" fn collect(sound: c_int, context: *mut X509_STORE_CTX) -> c_int {
        if sound != 1 {
            // SAFETY: the library gives a live context that is not accessed
            // otherwise for as long as this callback runs.
            verify::collect(unsafe { X509StoreContextRef::from_ptr(context) });
        }
        1
    }
    // SAFETY: the pointer comes from a live, exclusive reference, and the
    // callback is a function and lives for ever.
    unsafe { X509_STORE_CTX_set_verify_cb(context.as_ptr(), Some(collect)) }
}

/// How many certificates of the chain, the end entity's first, are not
/// trusted by themselves.
pub(crate) fn untrusted(context: &X509StoreContextRef) -> u32 {
    // SAFETY: the pointer comes from a live reference.
    let count = unsafe { X509_STORE_CTX_get_num_untrusted(context.as_ptr()) };
    u32::try_from(count).unwrap_or(0)
}

/// The certificates that the peer sent.
pub(crate) fn presented_certificates(context: &X509StoreContextRef) -> Vec<X509> {
    presented_stack(context)
        .into_iter()
        .flatten()
        .map(ToOwned::to_owned)
        .collect()
}

/// Puts others in the place of the first certificates that the peer sent, the
/// same octet for octet. It is the session's own list that changes: what the
/// library takes from it after the chain is judged are the others.
pub(crate) fn replace_presented(context: &mut X509StoreContextRef, others: Vec<X509>) {
    // SAFETY: the pointer comes from a live, exclusive reference.
    let stack = unsafe { X509_STORE_CTX_get0_untrusted(context.as_ptr()) };
    for (index, other) in (0..).zip(others) {
        // SAFETY: the stack is live; of null, and of an index that is too
        // high, the function makes null.
        let old = unsafe { OPENSSL_sk_value(stack.cast(), index) };
        if old.is_null() {
            break;
        }
        let other = ManuallyDrop::new(other).as_ptr();
        // SAFETY: as above, and nothing else refers to the stack, because the
        // context is borrowed exclusively. The stack takes over the reference
        // that is not dropped here.
        unsafe { OPENSSL_sk_set(stack.cast(), index, other.cast()) };
        // SAFETY: the members are certificates, and the stack has given up its
        // reference to this one.
        drop(unsafe { X509::from_ptr(old.cast()) });
        if index == 0 {
            // SAFETY: the pointer comes from a live, exclusive reference. The
            // context takes no reference to the certificate: the stack has
            // one, and outlives the context.
            unsafe { X509_STORE_CTX_set_cert(context.as_ptr(), other) };
        }
    }
}

/// How many certificates the peer sent.
pub(crate) fn presented(context: &X509StoreContextRef) -> usize {
    presented_stack(context).map_or(0, StackRef::len)
}

fn presented_stack(context: &X509StoreContextRef) -> Option<&StackRef<X509>> {
    // SAFETY: the pointer comes from a live reference.
    let stack = unsafe { X509_STORE_CTX_get0_untrusted(context.as_ptr()) };
    if stack.is_null() {
        return None;
    }
    // SAFETY: the stack is the context's and lives as long; it is not changed
    // while the context is borrowed.
    Some(unsafe { StackRef::from_ptr(stack) })
}

/// Whether a certificate says that it is a CA's (RFC 5280, section 4.2.1.9).
pub(crate) fn is_ca(certificate: &X509Ref) -> bool {
    // SAFETY: the pointer comes from a live reference. The function caches
    // what it parses under the certificate's own lock.
    let flags = unsafe { X509_get_extension_flags(certificate.as_ptr()) };
    flags & EXFLAG_CA != 0
}

/// Whether a certificate's key may sign a handshake, as far as its key usage
/// says (RFC 8446, section 4.4.2.2).
pub(crate) fn may_sign_handshakes(certificate: &X509Ref) -> bool {
    // SAFETY: as in `is_ca`. Without a key usage all bits are set.
    let usage = unsafe { X509_get_key_usage(certificate.as_ptr()) };
    usage & KU_DIGITAL_SIGNATURE != 0
}

/// The result with this number (`X509_V_...`).
pub(crate) fn verify_result(code: c_int) -> X509VerifyResult {
    // SAFETY: the number is all that the type holds, and the library has
    // words for any.
    unsafe { X509VerifyResult::from_raw(code) }
}

/// Leaves an error in the thread's queue, as the library does.
#[cfg(test)]
pub(crate) fn queue_error(library: c_int, reason: c_int) {
    // SAFETY: starts an error in the thread's own queue.
    unsafe { openssl_sys::ERR_new() };
    // SAFETY: fills the error that was started; without a format the function
    // takes no further arguments.
    unsafe { openssl_sys::ERR_set_error(library, reason, ptr::null()) }
}

/// Schedules a request to renegotiate, which no session of ours makes.
#[cfg(test)]
pub(crate) fn request_renegotiation(ssl: &SslRef) -> bool {
    unsafe extern "C" {
        fn SSL_renegotiate(ssl: *mut SSL) -> c_int;
    }
    // SAFETY: the pointer comes from a live reference; the caller has the stream.
    unsafe { SSL_renegotiate(ssl.as_ptr()) == 1 }
}
