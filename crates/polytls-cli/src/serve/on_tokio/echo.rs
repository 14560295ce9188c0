//! What comes goes back.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::Ending;
use crate::access;

const CHUNK: usize = 16 * 1024;

pub(super) async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    end: &Ending<'_>,
    line: &mut access::Connection,
) {
    match echo(&mut stream, end).await {
        Ok(()) => {
            line.ended("closed");
            end.in_order(stream).await;
        }
        Err(error) => line.failed(access::kind(&error), error),
    }
}

async fn echo(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    end: &Ending<'_>,
) -> io::Result<()> {
    let mut buf = vec![0; CHUNK];
    loop {
        let octets = tokio::select! {
            biased;
            octets = stream.read(&mut buf) => octets?,
            () = end.stop.begun() => return Ok(()),
            () = end.activity.idle(end.timeout) => return Ok(()),
        };
        if octets == 0 {
            return Ok(());
        }
        let sent = async {
            stream
                .write_all(buf.get(..octets).unwrap_or_default())
                .await?;
            stream.flush().await
        };
        tokio::select! {
            biased;
            sent = sent => sent?,
            () = end.activity.idle(end.timeout) => return Err(io::ErrorKind::TimedOut.into()),
        }
    }
}
