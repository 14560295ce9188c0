//! HTTP/1.1 and HTTP/2, by hyper.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response, Version, header};
use hyper::body::{Body, Bytes, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::Ending;
use super::body::Sending;
use crate::access;
use crate::serve::answer::{Answer, Asked, Content, answer};
use crate::serve::heads::MAX_HEAD;

/// So much of a request's body is taken off before the answer, and for so long.
const SHORT_BODY: usize = 64 * 1024;
const TIME_FOR_A_BODY: Duration = Duration::from_secs(1);

/// Serves a connection in the protocol that was negotiated.
pub(super) async fn serve<S>(
    stream: S,
    is_h2: bool,
    folder: &Arc<Path>,
    end: &Ending<'_>,
    line: &mut access::Connection,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let requests = Arc::new(AtomicU64::new(0));
    let peer: Arc<str> = line.peer().into();
    let (counter, folder) = (Arc::clone(&requests), Arc::clone(folder));
    let service = service_fn(move |request| {
        counter.fetch_add(1, Ordering::Relaxed);
        Box::pin(respond(Arc::clone(&folder), Arc::clone(&peer), request))
    });
    let stream = TokioIo::new(stream);
    let served = if is_h2 {
        let mut http = http2::Builder::new(TokioExecutor::new());
        http.timer(TokioTimer::new())
            .max_header_list_size(MAX_HEAD as u32);
        let mut connection = Box::pin(http.serve_connection(stream, service));
        end.drive(
            &mut connection,
            |connection, cx| connection.as_mut().poll(cx),
            |connection| connection.as_mut().graceful_shutdown(),
        )
        .await
    } else {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            // A client that has said all may still listen.
            .half_close(true)
            .max_buf_size(MAX_HEAD)
            // A connection that is idle so long has been ended in order.
            .header_read_timeout(end.timeout + end.grace());
        let mut connection = http.serve_connection(stream, service);
        let served = end
            .drive(
                &mut connection,
                http1::Connection::poll_without_shutdown,
                |connection| Pin::new(connection).graceful_shutdown(),
            )
            .await;
        // What cannot be understood was answered.
        let is_answered = |error: &End| matches!(error, End::Failed(error) if error.is_parse());
        if served.as_ref().err().is_none_or(is_answered) {
            end.in_order(connection.into_parts().io.into_inner()).await;
        }
        served
    };
    line.requests = requests.load(Ordering::Relaxed);
    match served {
        Ok(()) => line.ended("closed"),
        Err(End::TimedOut) => line.ended("timeout"),
        Err(End::Failed(error)) if error.is_timeout() => line.failed("timeout", error),
        Err(End::Failed(error)) => line.failed(access::kind(&error), error),
    }
}

/// Why a connection did not end in order.
enum End {
    TimedOut,
    Failed(hyper::Error),
}

impl Ending<'_> {
    /// Runs a connection. When it is time to stop, or nothing has passed for
    /// too long, it ends as soon as requests that have begun are answered: of
    /// an idle connection that is at once.
    async fn drive<C>(
        &self,
        connection: &mut C,
        mut poll: impl FnMut(&mut C, &mut Context<'_>) -> Poll<hyper::Result<()>>,
        finish: impl Fn(&mut C),
    ) -> Result<(), End> {
        let mut stops = false;
        loop {
            tokio::select! {
                done = poll_fn(|cx| poll(connection, cx)) => return done.map_err(End::Failed),
                () = self.stop.begun(), if !stops => {
                    stops = true;
                    finish(connection);
                }
                () = self.activity.idle(self.timeout) => break,
            }
        }
        finish(connection);
        let done = timeout(self.grace(), poll_fn(|cx| poll(connection, cx))).await;
        done.map_err(|_| End::TimedOut)?.map_err(End::Failed)
    }
}

async fn respond(
    folder: Arc<Path>,
    peer: Arc<str>,
    mut request: Request<Incoming>,
) -> Result<Response<Sending>, Infallible> {
    let asked = asked(&request);
    let mut line = access::Request::new(&peer, &asked.method, &asked.path);
    if asked.has_body {
        let _ = timeout(TIME_FOR_A_BODY, pass_over(request.body_mut())).await;
    }
    // It may wait for the disk.
    let answered = spawn_blocking(move || answer(&folder, &asked)).await;
    let answer = answered.unwrap_or_else(|error| {
        tracing::error!(%error, "a request was not answered");
        Answer::of(http::StatusCode::INTERNAL_SERVER_ERROR)
    });
    line.answered(answer.status);
    Ok(response(answer, request.version(), line))
}

/// Takes a short body off, although no answer needs it: over HTTP/2 the stream
/// of a request that is answered before its end is reset (RFC 9113, section
/// 8.1), and some clients take that for a failure.
async fn pass_over(body: &mut Incoming) {
    let mut left = SHORT_BODY;
    while let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
        left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
        if left == 0 {
            break;
        }
    }
}

fn asked(request: &Request<Incoming>) -> Asked {
    let fields = request.headers();
    let range = fields
        .get(header::RANGE)
        .and_then(|range| range.to_str().ok());
    // Nothing that we send can be matched by it.
    let range = range.filter(|_| !fields.contains_key(header::IF_RANGE));
    Asked {
        method: request.method().as_str().to_owned(),
        path: request.uri().path().to_owned(),
        range: range.map(str::to_owned),
        has_body: !request.body().is_end_stream(),
    }
}

fn response(answer: Answer, version: Version, line: access::Request) -> Response<Sending> {
    let is_last = answer.is_last() && version < Version::HTTP_2;
    let length = answer.content.length();
    let content = match answer.head_only {
        true => Content::Text(String::new()),
        false => answer.content,
    };
    let mut response = Response::new(Sending::new(content, line));
    *response.status_mut() = answer.status;
    let own = [("Content-Length", length.to_string())];
    let close = is_last.then(|| ("Connection", "close".to_owned()));
    for (name, value) in own.into_iter().chain(answer.headers).chain(close) {
        // The names are ours, and the values have passed a parser of URIs.
        if let (Ok(name), Ok(value)) = (
            header::HeaderName::try_from(name),
            header::HeaderValue::try_from(value),
        ) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
