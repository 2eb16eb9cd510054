//! A server that gives the same canned response to every request, byte for byte, to simulate failures of S3.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A server with one canned response that counts its requests.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

impl Server {
    /// `head` is the status line and headers, each with its line ending. The connection is closed after `body`.
    pub(crate) async fn answering(head: impl Into<Vec<u8>>, body: &str) -> Self {
        let end = format!("Connection: close\r\n\r\n{body}");
        let answer = [b"HTTP/1.1 ", &head.into()[..], end.as_bytes()].concat();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let count = requests.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, answer.clone()));
            }
        });
        Self { address, requests }
    }

    /// Answers with an error in S3's XML format.
    pub(crate) async fn refusing(status: u16, code: &str, message: &str) -> Self {
        let body = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
        let head = format!(
            "{status} {code}\r\nx-amz-request-id: 4442587FB7D0A2F9\r\nContent-Type: application/xml\r\n\
             Content-Length: {}\r\n",
            body.len()
        );
        Self::answering(head, &body).await
    }

    /// Number of requests so far.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// Reads the whole request before it answers: closing a connection with unread data would reset it.
async fn serve(mut stream: TcpStream, answer: Vec<u8>) {
    let mut request = Vec::new();
    while !is_whole(&request) {
        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let _ = stream.write_all(&answer).await;
    let _ = stream.shutdown().await;
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .split_once("content-length: ")
        .map_or("0", |(_, rest)| rest);
    let length = length.lines().next().unwrap_or_default().parse();
    length.map_or(true, |length: usize| body.len() >= length)
}
