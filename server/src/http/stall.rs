//! A byte stream that a client can't hold by taking nothing of what it asked for. The HTTP library
//! has no such limit. It stands below TLS, where each byte that is taken shows.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::connection::timed_out;

pub struct Unstalled<T> {
    io: T,
    /// Without a byte taken by a client that has an answer to read.
    patience: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<T> Unstalled<T> {
    pub fn new(io: T, patience: Duration) -> Self {
        Unstalled { io, patience, timer: None }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Unstalled<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Unstalled<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let stream = self.get_mut();
        let written = Pin::new(&mut stream.io).poll_write(cx, bytes);
        if written.is_ready() {
            stream.timer = None;
            return written;
        }
        let timer = stream.timer.get_or_insert_with(|| Box::pin(sleep(stream.patience)));
        timer.as_mut().poll(cx).map(|()| Err(timed_out()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_cut_and_one_that_reads_is_not() {
        let (server, mut client) = duplex(16);
        let mut stream = Unstalled::new(server, Duration::ZERO);
        let stalled = stream.write_all(&[0; 17]).await.expect_err("nobody reads");
        assert_eq!(stalled.kind(), io::ErrorKind::TimedOut);
        client.read_exact(&mut [0; 16]).await.expect("it reads now");
        stream.patience = Duration::from_secs(3600);
        stream.write_all(&[0; 16]).await.expect("there is room");
        assert!(stream.timer.is_none(), "each byte that is taken starts it anew");
    }
}
