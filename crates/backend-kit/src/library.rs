//! What a session needs of a TLS library.

use std::fmt::Debug;

use kernel_tls::Secrets;
use tls_core::{Capabilities, Error, Role, SessionFacts, StagedTransport, Unsupported};

/// A library's own session over a [`StagedTransport`] that it owns, driven by
/// [`Session`](crate::Session).
///
/// A call is made with the transport lent, and never again after one that gave
/// [`Pause::Failed`]. There is nothing in the library's error queue then, but
/// for [`read`](Self::read) and [`write`](Self::write), where to look would cost
/// more than all else: they find out a pause whatever others have left there.
pub trait Library: Debug + Send {
    /// The name by which the backend is chosen.
    const NAME: &'static str;

    /// Which of the optional operations it has: of
    /// [`KEY_UPDATE`](Capabilities::KEY_UPDATE),
    /// [`EXPORTER`](Capabilities::EXPORTER) and, where it shows its
    /// [secrets](Self::secrets), [`KTLS_TX`](Capabilities::KTLS_TX).
    const OPERATIONS: Capabilities;

    /// Which side it is.
    fn role(&self) -> Role;

    /// The stream that it owns.
    fn stream(&self) -> &StagedTransport;

    /// The stream that it owns.
    fn stream_mut(&mut self) -> &mut StagedTransport;

    /// Goes on with the handshake, until it is done.
    fn handshake(&mut self) -> Result<(), Pause>;

    /// What was negotiated. Called once, when the handshake is done.
    fn facts(&mut self) -> Result<SessionFacts, Error>;

    /// Receives at least one octet into a buffer that is not empty.
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Pause>;

    /// Sends at least one octet of a piece that is not empty, in one record.
    fn write(&mut self, piece: &[u8]) -> Result<usize, Pause>;

    /// Sends `close_notify`.
    fn shutdown(&mut self) -> Result<(), Pause>;

    /// Gives back what memory the library holds for records, as far as there is
    /// nothing in it. Called when there is nothing to read.
    fn rest(&mut self) {}

    /// Whether octets that the library took from the stream, decrypted or not,
    /// wait inside.
    fn has_pending(&self) -> bool;

    /// Sends a KeyUpdate that asks for one in return. Called in TLS 1.3 only.
    fn key_update(&mut self) -> Result<(), Pause> {
        Err(Pause::Failed(refusal::<Self>(Capabilities::KEY_UPDATE)))
    }

    /// Whether the peer may have asked for a KeyUpdate that the library would
    /// send with the next data only. Called after each read.
    fn owes_key_update(&mut self) -> bool {
        false
    }

    /// Sends the KeyUpdate that the peer has asked for, if it has.
    fn answer_key_update(&mut self) -> Result<(), Pause> {
        Ok(())
    }

    /// Derives keying material. The label has 249 octets at most.
    fn export(&self, out: &mut [u8], label: &str, context: Option<&[u8]>) -> Result<(), Error> {
        let _ = (out, label, context);
        Err(refusal::<Self>(Capabilities::EXPORTER))
    }

    /// The traffic secrets that it has shown. Called when the handshake is
    /// done, for a config that prefers kernel TLS.
    fn secrets(&mut self) -> Secrets {
        Secrets::new()
    }

    /// Empties the library's error queue of this thread.
    fn clear_errors();
}

/// Why a call of the library did not go through.
#[derive(Debug)]
pub enum Pause {
    /// The transport has nothing.
    Blocked,
    /// Messages were taken in, but no data: the same call goes on.
    Message,
    /// The peer's `close_notify` came.
    Closed,
    /// The session is over.
    Failed(Error),
}

/// That the library has no call for an operation.
pub(crate) fn refusal<L: Library + ?Sized>(operation: Capabilities) -> Error {
    Unsupported::new(L::NAME, operation, "the library has no call for it").into()
}
