//! The socket of a connection. It disconnects a caller that does not read its answer, and replaces
//! hyper's own refusals by problem JSON.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use crate::problem::Problem;

/// A socket that fails when the caller reads too slowly.
pub(crate) struct PacedSocket {
    stream: TcpStream,
    /// While a write waits, at least `least` bytes must be sent in each window.
    window: Duration,
    least: usize,
    taken: usize,
    waiting: Option<Pin<Box<Sleep>>>,
    /// The answer that replaces one of hyper's, how many of its bytes were written, and the length
    /// of hyper's answer.
    replacement: Option<(Vec<u8>, usize, usize)>,
}

impl PacedSocket {
    pub(crate) fn new(stream: TcpStream, window: Duration, least: usize) -> Self {
        Self {
            stream,
            window,
            least,
            taken: 0,
            waiting: None,
            replacement: None,
        }
    }

    /// Waits for a blocked write. Fails when too few bytes were sent in the window.
    fn poll_stalled(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let window = self.window;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(window)));
        ready!(waiting.as_mut().poll(context));
        metrics::counter!("clippy_http_slow_readers_total").increment(1);
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the caller does not read the answer",
        )))
    }

    fn record_progress(&mut self, bytes: usize) {
        self.taken += bytes;
        if self.taken >= self.least {
            self.reset_window();
        }
    }

    fn reset_window(&mut self) {
        self.taken = 0;
        self.waiting = None;
    }

    /// Writes the answer that replaces hyper's, if there is one.
    fn write_replacement(&mut self, context: &mut Context<'_>) -> Option<Poll<io::Result<usize>>> {
        let (answer, mut written, length) = self.replacement.take()?;
        while written < answer.len() {
            match Pin::new(&mut self.stream).poll_write(context, &answer[written..]) {
                Poll::Ready(Ok(0)) => {
                    return Some(Poll::Ready(Err(io::ErrorKind::WriteZero.into())));
                }
                Poll::Ready(Ok(bytes)) => written += bytes,
                Poll::Ready(Err(error)) => return Some(Poll::Ready(Err(error))),
                Poll::Pending => {
                    self.replacement = Some((answer, written, length));
                    return Some(self.poll_stalled(context));
                }
            }
        }
        Some(Poll::Ready(Ok(length)))
    }
}

impl AsyncRead for PacedSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for PacedSocket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.replacement.is_none()
            && let Some(answer) = replacement_for(buffer)
        {
            self.replacement = Some((answer, 0, buffer.len()));
        }
        if let Some(written) = self.write_replacement(context) {
            return written;
        }
        match Pin::new(&mut self.stream).poll_write(context, buffer) {
            Poll::Pending => self.poll_stalled(context),
            Poll::Ready(written) => {
                self.record_progress(*written.as_ref().unwrap_or(&0));
                Poll::Ready(written)
            }
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut filled = buffers.iter().filter(|buffer| !buffer.is_empty());
        if let (Some(only), None) = (filled.next(), filled.next()) {
            return self.poll_write(context, only);
        }
        match Pin::new(&mut self.stream).poll_write_vectored(context, buffers) {
            Poll::Pending => self.poll_stalled(context),
            Poll::Ready(written) => {
                self.record_progress(*written.as_ref().unwrap_or(&0));
                Poll::Ready(written)
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Resets the window, since hyper has written everything.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.reset_window();
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Returns the answer that replaces hyper's refusal of an unreadable head, which has no body.
fn replacement_for(written: &[u8]) -> Option<Vec<u8>> {
    let status = written.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    let problem = match status {
        b"400" => {
            Problem::unreadable_head(StatusCode::BAD_REQUEST, "the request is not valid HTTP/1.1")
        }
        b"414" => Problem::unreadable_head(
            StatusCode::URI_TOO_LONG,
            "the URL of the request is too long",
        ),
        b"431" => Problem::unreadable_head(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "the head of the request is too long: send fewer or shorter headers",
        ),
        _ => return None,
    };
    let head = written.to_ascii_lowercase();
    let whole = head.ends_with(b"\r\n\r\n");
    let typed = head.windows(14).any(|part| part == b"\r\ncontent-type");
    (whole && !typed).then(|| problem.as_http())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hypers_own_refusals_are_replaced() {
        let own = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n\
            content-length: 0\r\n\r\n";
        let answer = String::from_utf8(replacement_for(own).expect("hyper's own")).expect("text");
        assert!(
            answer.starts_with("HTTP/1.1 431 ") && answer.contains("application/problem+json"),
            "{answer}"
        );
        for other in [
            &b"HTTP/1.1 200 OK\r\n\r\n"[..],
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\n\r\n",
            b"HTTP/1.1 404 Not Found\r\n\r\n",
            b"\x89PNG",
        ] {
            assert_eq!(replacement_for(other), None);
        }
    }
}
