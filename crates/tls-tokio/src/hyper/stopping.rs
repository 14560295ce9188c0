//! The word of a server to its connections that it stops.

use std::future::Future;
use std::pin::Pin;

use tokio::sync::watch;

/// Gives the word, when it is dropped at the latest.
pub(super) struct Stop(watch::Sender<bool>);

/// Hears it.
#[derive(Clone)]
pub(super) struct Stopping(watch::Receiver<bool>);

/// Both ends.
pub(super) fn channel() -> (Stop, Stopping) {
    let (sender, receiver) = watch::channel(false);
    (Stop(sender), Stopping(receiver))
}

impl Stop {
    pub(super) fn now(self) {
        self.0.send_replace(true);
    }
}

impl Stopping {
    /// Ready when the server stops, and from then on.
    pub(super) async fn begun(&mut self) {
        // An error is an end that was dropped.
        let _ = self.0.wait_for(|stops| *stops).await;
    }

    /// The future's outcome; `None` where the server stops before that.
    pub(super) async fn unless<T>(&mut self, future: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            // What has come already counts.
            biased;
            outcome = future => Some(outcome),
            () = self.begun() => None,
        }
    }

    /// Serves a connection to its end. When the server stops, the connection is
    /// told, and ends when its requests have been answered.
    pub(super) async fn serve<C: Future>(
        &mut self,
        mut connection: Pin<&mut C>,
        tell: impl FnOnce(Pin<&mut C>),
    ) -> C::Output {
        if let Some(ended) = self.unless(connection.as_mut()).await {
            return ended;
        }
        tell(connection.as_mut());
        connection.await
    }
}
