//! The socket of a connection. It gives up on a client that does not read, which would keep one of the few connections for ever, and
//! puts a body into what hyper answers by itself to a request that it cannot parse.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use crate::http_api::Problem;

/// How long a client may read nothing of what is sent to it.
const UNREAD_TIME: Duration = Duration::from_secs(30);

/// How such an answer can be told: those of this program all have a body.
const NO_BODY: &str = "content-length: 0\r\n";

/// A socket.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    deadline: Pin<Box<Sleep>>,
    is_unread: bool,
    /// What is left of the answer that is sent in place of hyper's.
    refusal: Vec<u8>,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            deadline: Box::pin(tokio::time::sleep(UNREAD_TIME)),
            is_unread: false,
            refusal: Vec::new(),
        }
    }

    fn send(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Poll::Ready(sent) = Pin::new(&mut self.stream).poll_write(cx, bytes) {
            self.is_unread = false;
            return Poll::Ready(sent);
        }
        if !self.is_unread {
            self.is_unread = true;
            self.deadline.as_mut().reset(Instant::now() + UNREAD_TIME);
        }
        ready!(self.deadline.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.refusal.is_empty() {
            match refusal(bytes) {
                None => return self.send(cx, bytes),
                Some(refusal) => self.refusal = refusal,
            }
        }
        while !self.refusal.is_empty() {
            let rest = std::mem::take(&mut self.refusal);
            let sent = self.send(cx, &rest);
            let kept = match &sent {
                Poll::Ready(Ok(sent)) => *sent,
                _ => 0,
            };
            self.refusal = rest.get(kept..).unwrap_or_default().to_vec();
            if ready!(sent)? == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

/// The answer to a request that cannot be parsed, with a body, if `bytes` are such an answer without one.
fn refusal(bytes: &[u8]) -> Option<Vec<u8>> {
    let head = str::from_utf8(bytes).ok()?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    if !head.ends_with("\r\n\r\n") || !head.contains(NO_BODY) {
        return None;
    }
    let (error, next_step) = match status {
        400 => (
            "the request is not one of HTTP/1.1",
            "send it with a client for HTTP/1.1, such as curl",
        ),
        414 => (
            "the address is too long",
            "send at most 16 KiB of address and headers",
        ),
        431 => (
            "the headers are too large or too many",
            "send at most 16 KiB of address and headers",
        ),
        _ => return None,
    };
    let body = Problem::new(status, error, next_step).answer().body;
    let length = format!(
        "content-type: application/json\r\ncontent-length: {}\r\n",
        body.len()
    );
    let mut refusal = head.replace(NO_BODY, &length).into_bytes();
    refusal.extend_from_slice(&body);
    Some(refusal)
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let _client = client.await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let mut socket = Socket::new(stream);
        let began = Instant::now();
        let error = loop {
            if let Err(error) = socket.write_all(&[b'x'; 65_536]).await {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(began.elapsed() >= UNREAD_TIME, "{:?}", began.elapsed());
    }

    #[test]
    fn only_an_answer_without_a_body_gets_one() {
        let answer = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\ndate: now\r\n\r\n";
        let refusal = String::from_utf8(refusal(answer).unwrap()).unwrap();
        let (head, body) = refusal.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(&format!("content-length: {}", body.len())),
            "{head}"
        );
        assert!(body.contains("next_step"), "{body}");
        for other in [
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "content-length: 0\r\n\r\n",
            "",
        ] {
            assert_eq!(super::refusal(other.as_bytes()), None, "{other}");
        }
    }
}
