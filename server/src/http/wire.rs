//! The bytes between a client and HTTP: plain, or in TLS; and who is at the other end.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::rt::net::TcpStream;
use actix_web::{HttpMessage as _, HttpRequest};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;

use super::stall::Unstalled;
use crate::clients::ClientName;

type Tcp = Unstalled<TcpStream>;

pub enum Wire {
    Plain(Tcp),
    Tls(Box<TlsStream<Tcp>>),
}

/// What a connection says of its client, for all of its requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Peer {
    pub client: ClientName,
    /// Nobody between reads along.
    pub secure: bool,
}

impl Peer {
    /// The other end of the connection that a request came by: HTTP/1.1 keeps it beside the
    /// connection, HTTP/2 beside each request.
    pub fn of(request: &HttpRequest) -> Self {
        let of_connection = request.conn_data::<Peer>().cloned();
        of_connection.or_else(|| request.extensions().get().cloned()).unwrap_or_default()
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Wire::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Wire::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Wire::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Wire::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Wire::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Wire::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Wire::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Wire::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
