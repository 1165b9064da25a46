//! `[http.tls]`: TLS of the data API by rustls, with certificates of clients. Certificates are read
//! again while requests are served; a pair that can't be used is refused and the old one serves on.
//!
//! TLS 1.3 only, unless the configuration allows 1.2 (the government's guideline 6.0 wants the
//! high-security type: 1.3 and client certificates).

mod certificate;
mod files;
mod keeping;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::rt::net::TcpStream;
use arc_swap::ArcSwap;
use genkan_mapping::Text;
use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use serde::Deserialize;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::connection::timed_out;
use super::stall::Unstalled;
use super::wire::Peer;
use crate::clients::Clients;
use files::Files;

pub use certificate::Certificate;
pub use files::{Secrecy, chain, secrecy};

pub use keeping::keep_current;

/// A certificate that ends so soon is told of every day.
pub const DAYS_LEFT_MIN: i64 = 30;

const HTTP_1_1: &[u8] = b"http/1.1";
const HTTP_2: &[u8] = b"h2";

/// `[http.tls]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// PEM: the server's certificate, then those up to the authority that its clients trust.
    pub certificate_file: PathBuf,
    /// PEM, for Genkan's account only.
    pub key_file: PathBuf,
    /// PEM: the authorities of client certificates.
    #[serde(default)]
    pub client_ca_file: Option<PathBuf>,
    #[serde(default)]
    pub client_certificates: ClientCertificates,
    #[serde(default)]
    pub version_min: VersionMin,
    /// How often the files are looked at; SIGHUP looks at once.
    #[serde(default = "reload_check_secs")]
    pub reload_check_secs: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientCertificates {
    #[default]
    Off,
    /// Who shows none is a client without a name.
    Optional,
    Required,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum VersionMin {
    #[serde(rename = "1.2")]
    Tls12,
    #[default]
    #[serde(rename = "1.3")]
    Tls13,
}

fn reload_check_secs() -> u64 {
    60
}

impl TlsConfig {
    /// # Errors
    /// What is wrong with the section, for a person.
    pub fn check(&self) -> Result<(), Text> {
        match (self.client_certificates, &self.client_ca_file) {
            (ClientCertificates::Off, Some(_)) => Err(Text::new(
                "[http.tls] client_ca_file is used only with client_certificates = \"optional\" or \
                 \"required\"",
                "[http.tls] client_ca_file は client_certificates が \"optional\" か \"required\" の\
                 ときだけ使います",
            )),
            (ClientCertificates::Optional | ClientCertificates::Required, None) => Err(Text::new(
                "[http.tls] client_certificates needs client_ca_file: the authorities that issue them",
                "[http.tls] client_certificates には client_ca_file（発行する認証局）が必要です",
            )),
            _ => Ok(()),
        }
    }
}

/// TLS as it is at this moment.
pub struct Tls {
    config: TlsConfig,
    clients: Clients,
    current: ArcSwap<Loaded>,
}

/// What was made of the files.
struct Loaded {
    server: Arc<ServerConfig>,
    certificate: Certificate,
    /// As they were when they were read.
    files: Files,
}

impl Tls {
    /// # Errors
    /// Which file can't be used and what to do, for a person.
    pub fn load(config: &TlsConfig, clients: Clients) -> Result<Self, Text> {
        let current = ArcSwap::from_pointee(loaded(config)?);
        Ok(Tls { config: config.clone(), clients, current })
    }

    /// Makes the files of this moment those that are used from now on. Connections that are open go on
    /// with what they began with.
    ///
    /// # Errors
    /// Why not; nothing has changed then.
    pub fn reload(&self) -> Result<(), Text> {
        self.current.store(Arc::new(loaded(&self.config)?));
        Ok(())
    }

    /// Whether a file is another one than what is used.
    pub fn is_outdated(&self) -> bool {
        Files::of(&self.config) != self.current.load().files
    }

    /// The server's own.
    pub fn certificate(&self) -> Certificate {
        self.current.load().certificate.clone()
    }

    /// The handshake. A client has so long for it.
    pub async fn accept(
        &self,
        stream: Unstalled<TcpStream>,
        patience: Duration,
    ) -> io::Result<TlsStream<Unstalled<TcpStream>>> {
        let acceptor = TlsAcceptor::from(Arc::clone(&self.current.load().server));
        let handshake = tokio::time::timeout(patience, acceptor.accept(stream));
        handshake.await.unwrap_or_else(|_| Err(timed_out()))
    }

    /// Who a client is that has finished the handshake; its certificate was verified there.
    pub fn peer<T>(&self, stream: &TlsStream<T>) -> Peer {
        let (_, session) = stream.get_ref();
        let shown = session.peer_certificates().and_then(|chain| chain.first());
        let certificate = shown.and_then(|der| Certificate::of(der));
        let client = certificate.map(|certificate| self.clients.name_of(&certificate));
        Peer { client: client.unwrap_or_default(), secure: true }
    }
}

/// The client has chosen HTTP/2.
pub fn speaks_http2<T>(stream: &TlsStream<T>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(HTTP_2)
}

pub fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

fn loaded(config: &TlsConfig) -> Result<Loaded, Text> {
    // Looked at first: what is changed meanwhile is read again.
    let files = Files::of(config);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = match config.version_min {
        VersionMin::Tls13 => &[&TLS13][..],
        VersionMin::Tls12 => &[&TLS13, &TLS12],
    };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .map_err(|error| files::unusable(&config.certificate_file, &error.to_string()))?;
    let builder = match &config.client_ca_file {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let roots = Arc::new(files::authorities(path)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
            let verifier = match config.client_certificates {
                ClientCertificates::Optional => verifier.allow_unauthenticated(),
                ClientCertificates::Off | ClientCertificates::Required => verifier,
            };
            let verifier = verifier.build();
            let verifier = verifier.map_err(|error| files::unusable(path, &error.to_string()))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let chain = files::chain(&config.certificate_file)?;
    let certificate = chain.first().and_then(|der| Certificate::of(der));
    let certificate = certificate
        .ok_or_else(|| files::unusable(&config.certificate_file, "no X.509 certificate"))?;
    let key = files::key(&config.key_file)?;
    let mut server = builder
        .with_single_cert(chain, key)
        .map_err(|error| files::no_pair(&config.certificate_file, &config.key_file, &error))?;
    server.alpn_protocols = vec![HTTP_2.to_vec(), HTTP_1_1.to_vec()];
    Ok(Loaded { server: Arc::new(server), certificate, files })
}

#[cfg(test)]
mod tests;
