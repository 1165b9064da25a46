//! A client of HTTP/2 over TLS: several requests on one connection, and such that are taken back.

use std::future::poll_fn;
use std::io::Cursor;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, SendStream};
use http::Request;
use http::response::Parts;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

type Body = Cursor<Vec<u8>>;

pub struct Http2 {
    requests: SendRequest<Body>,
    base: String,
}

/// A request whose answer nobody has waited for yet.
pub struct Begun {
    _response: ResponseFuture,
    stream: SendStream<Body>,
}

impl Http2 {
    /// `base`: `https://127.0.0.1:<port>`, without a slash at its end.
    pub async fn connect(base: &str, mut config: ClientConfig) -> Result<Self> {
        config.alpn_protocols = vec![b"h2".to_vec()];
        let address = base.strip_prefix("https://").context("an address")?;
        let host = address.split(':').next().unwrap_or_default().to_owned();
        let stream = TcpStream::connect(address).await?;
        let connector = TlsConnector::from(Arc::new(config));
        let stream = connector.connect(ServerName::try_from(host)?, stream).await?;
        ensure!(stream.get_ref().1.alpn_protocol() == Some(b"h2"), "HTTP/2 is spoken");
        let (requests, connection) = h2::client::Builder::new().handshake(stream).await?;
        tokio::spawn(connection);
        Ok(Http2 { requests, base: base.to_owned() })
    }

    /// Reads the answer to its end.
    pub async fn send(
        &mut self,
        request: http::request::Builder,
        path: &str,
        body: Option<&str>,
    ) -> Result<(Parts, Vec<u8>)> {
        let (response, mut sent) = self.open(request, path, body.is_none()).await?;
        if let Some(body) = body {
            sent.send_data(Cursor::new(body.as_bytes().to_vec()), true)?;
        }
        let (parts, mut stream) = response.await?.into_parts();
        let mut bytes = Vec::new();
        while let Some(chunk) = stream.data().await {
            let chunk = chunk?;
            stream.flow_control().release_capacity(chunk.len())?;
            bytes.extend_from_slice(&chunk);
        }
        Ok((parts, bytes))
    }

    pub async fn begin(&mut self, path: &str) -> Result<Begun> {
        let (response, stream) = self.open(Request::builder(), path, true).await?;
        Ok(Begun { _response: response, stream })
    }

    async fn open(
        &mut self,
        request: http::request::Builder,
        path: &str,
        ends: bool,
    ) -> Result<(ResponseFuture, SendStream<Body>)> {
        let request = request.uri(format!("{}{path}", self.base)).body(())?;
        poll_fn(|cx| self.requests.poll_ready(cx)).await?;
        Ok(self.requests.send_request(request, ends)?)
    }
}

impl Begun {
    pub fn take_back(mut self) {
        self.stream.send_reset(Reason::CANCEL);
    }
}
