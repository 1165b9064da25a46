//! TLS as clients find it: handshakes with certificates of a small authority.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream as Stream};
use tokio_rustls::TlsConnector;

use super::*;
use crate::clients;

const MINUTE: Duration = Duration::from_secs(60);

type Authority = CertifiedIssuer<'static, KeyPair>;
type Pair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority")
}

/// A certificate of this authority in PEM, and its key.
fn issued(authority: &Authority, name: &str) -> (String, KeyPair) {
    let params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, authority).expect("a certificate");
    (certificate.pem(), key)
}

fn pair(authority: &Authority, name: &str) -> Pair {
    let (pem, key) = issued(authority, name);
    let chain = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    (chain.expect("a chain"), PrivateKeyDer::Pkcs8(key))
}

/// A folder with what `[http.tls]` needs.
struct Site {
    folder: TempDir,
    servers: Authority,
    clients: Authority,
}

impl Site {
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let (servers, clients) = (authority("servers"), authority("clients"));
        let site = Site { folder, servers, clients };
        site.renew("localhost");
        fs::write(site.path("clients-ca.crt"), site.clients.pem()).expect("written");
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A new pair of the server, in place of the old one.
    fn renew(&self, name: &str) {
        let (pem, key) = issued(&self.servers, name);
        fs::write(self.path("server.crt"), pem).expect("written");
        write_key(&self.path("server.key"), &key.serialize_pem());
    }

    fn config(&self, client_certificates: ClientCertificates) -> TlsConfig {
        let asks = client_certificates != ClientCertificates::Off;
        TlsConfig {
            certificate_file: self.path("server.crt"),
            key_file: self.path("server.key"),
            client_ca_file: asks.then(|| self.path("clients-ca.crt")),
            client_certificates,
            version_min: VersionMin::Tls13,
            reload_check_secs: 60,
        }
    }

    fn tls(&self, config: &TlsConfig) -> Tls {
        let certificates = vec!["DNS:gateway.example.jp".to_owned()];
        let section = ("gateway".to_owned(), clients::ClientConfig { certificates });
        let clients = Clients::new(&[section].into_iter().collect()).expect("clients");
        Tls::load(config, clients).unwrap_or_else(|refused| panic!("{refused:?}"))
    }

    /// A client that trusts the authority of this site's servers.
    fn client(&self, shown: Option<Pair>, version: &'static SupportedProtocolVersion) -> Client {
        let mut roots = RootCertStore::empty();
        roots.add(self.servers.der().clone()).expect("a root");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .expect("a version")
            .with_root_certificates(roots);
        let config = match shown {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => builder.with_client_auth_cert(chain, key).expect("a pair"),
        };
        Client(config)
    }
}

fn write_key(path: &Path, pem: &str) {
    fs::write(path, pem).expect("written");
    fs::set_permissions(path, Permissions::from_mode(0o600)).expect("changed");
}

struct Client(ClientConfig);

impl Client {
    /// The handshake and one byte to and fro: TLS 1.3 tells a client of a refusal after its own
    /// handshake. Returns whom the server took it for.
    async fn meet(self, tls: &Tls, name: &'static str) -> io::Result<Peer> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let near = Stream::connect(listener.local_addr()?).await?;
        let (far, _) = listener.accept().await?;
        let server = async {
            let mut stream = tls.accept(Unstalled::new(far, MINUTE), MINUTE).await?;
            let peer = tls.peer(&stream);
            stream.write_all(b"x").await?;
            stream.shutdown().await?;
            io::Result::Ok(peer)
        };
        let client = async {
            let name = ServerName::try_from(name).expect("a name");
            let mut stream = TlsConnector::from(Arc::new(self.0)).connect(name, near).await?;
            stream.read_exact(&mut [0]).await
        };
        let (peer, read) = tokio::join!(server, client);
        read?;
        peer
    }
}

#[tokio::test]
async fn a_client_is_let_in_by_its_certificate_as_the_configuration_says() {
    use ClientCertificates::{Off, Optional, Required};
    let site = Site::new();
    let stranger = authority("strangers");
    let known = || Some(pair(&site.clients, "gateway.example.jp"));
    let unknown = || Some(pair(&site.clients, "nobody.example.jp"));
    let foreign = || Some(pair(&stranger, "gateway.example.jp"));
    for (asked, shown, expected) in [
        (Off, None, Some("other")),
        (Optional, None, Some("other")),
        (Optional, known(), Some("gateway")),
        (Optional, foreign(), None),
        (Required, None, None),
        (Required, foreign(), None),
        (Required, unknown(), Some("other")),
        (Required, known(), Some("gateway")),
    ] {
        let tls = site.tls(&site.config(asked));
        let shows = shown.is_some();
        let met = site.client(shown, &TLS13).meet(&tls, "localhost").await;
        let name = met.as_ref().ok().map(|peer| peer.client.name());
        assert_eq!(name.as_deref(), expected, "{asked:?}, shows {shows}: {met:?}");
        assert!(met.is_err() || met.is_ok_and(|peer| peer.secure));
    }
}

#[tokio::test]
async fn tls_1_2_is_refused_unless_it_is_allowed() {
    let site = Site::new();
    for (version_min, version, taken) in [
        (VersionMin::Tls13, &TLS13, true),
        (VersionMin::Tls13, &TLS12, false),
        (VersionMin::Tls12, &TLS13, true),
        (VersionMin::Tls12, &TLS12, true),
    ] {
        let tls = site.tls(&TlsConfig { version_min, ..site.config(ClientCertificates::Off) });
        let met = site.client(None, version).meet(&tls, "localhost").await;
        assert_eq!(met.is_ok(), taken, "{version_min:?} {version:?}: {met:?}");
    }
}

/// A ClientHello of TLS 1.1, which no library of today would send.
/// Spec: RFC 4346, 7.4.1.2
fn hello_of_tls_1_1() -> Vec<u8> {
    let random = [0; 32];
    // No session, the suite TLS_RSA_WITH_AES_128_CBC_SHA, no compression, ecdsa_secp256r1_sha256.
    let rest = [0, 0, 2, 0, 0x2f, 1, 0, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3];
    let body = [&[3, 2][..], &random, &rest].concat();
    let length = |bytes: usize| u8::try_from(bytes).expect("it is small");
    let handshake = [&[1, 0, 0, length(body.len())][..], &body].concat();
    [&[22, 3, 1, 0, length(handshake.len())][..], &handshake].concat()
}

#[tokio::test]
async fn tls_1_1_is_refused_by_an_alert_whatever_is_allowed() {
    let site = Site::new();
    for version_min in [VersionMin::Tls12, VersionMin::Tls13] {
        let tls = site.tls(&TlsConfig { version_min, ..site.config(ClientCertificates::Off) });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let address = listener.local_addr().expect("an address");
        let mut near = Stream::connect(address).await.expect("a connection");
        let (far, _) = listener.accept().await.expect("it arrives");
        near.write_all(&hello_of_tls_1_1()).await.expect("sent");
        let refused = tls.accept(Unstalled::new(far, MINUTE), MINUTE).await;
        assert!(refused.is_err());
        let mut alert = Vec::new();
        near.read_to_end(&mut alert).await.expect("an answer");
        // An alert, fatal, protocol_version.
        assert_eq!((alert[0], &alert[5..7]), (21, &[2, 70][..]), "{alert:?}");
    }
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_cut() {
    let site = Site::new();
    let tls = site.tls(&site.config(ClientCertificates::Off));
    for sent in [&b""[..], &hello_of_tls_1_1()[..20]] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let address = listener.local_addr().expect("an address");
        let mut near = Stream::connect(address).await.expect("a connection");
        let (far, _) = listener.accept().await.expect("it arrives");
        near.write_all(sent).await.expect("sent");
        let cut = tls.accept(Unstalled::new(far, MINUTE), Duration::ZERO).await;
        assert_eq!(cut.err().map(|error| error.kind()), Some(io::ErrorKind::TimedOut));
        assert_eq!(near.read(&mut [0; 8]).await.expect("closed"), 0);
    }
}

#[test]
fn files_that_can_t_be_used_are_named_with_what_to_do() {
    let site = Site::new();
    let config = site.config(ClientCertificates::Required);
    let refused = |config: &TlsConfig| match Tls::load(config, Clients::default()) {
        Ok(_) => panic!("loaded"),
        Err(text) => format!("{} / {}", text.en, text.ja),
    };
    let other = TlsConfig { key_file: site.path("other.key"), ..config.clone() };
    write_key(&other.key_file, &KeyPair::generate().expect("a key").serialize_pem());
    let told = refused(&other);
    assert!(told.contains("other.key are no pair"), "{told}");
    let key = fs::read_to_string(&config.key_file).expect("the key");
    for (mode, said) in [(0o644, Some("chmod 600")), (0o602, Some("chmod 600")), (0o640, None)] {
        fs::set_permissions(&config.key_file, Permissions::from_mode(mode)).expect("changed");
        let refusal = Tls::load(&config, Clients::default()).err();
        assert_eq!(refusal.is_some(), said.is_some(), "{mode:o}: {refusal:?}");
        let told = refusal.map(|text| text.en).unwrap_or_default();
        assert!(said.is_none_or(|part| told.contains(part)), "{mode:o}: {told}");
    }
    for (name, content) in [
        ("server.crt", ""),
        ("server.crt", &*key),
        (
            "server.key",
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        ),
        ("clients-ca.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    ] {
        let site = Site::new();
        fs::write(site.path(name), content).expect("written");
        let told = refused(&site.config(ClientCertificates::Required));
        assert!(told.contains(name) && told.contains("[http.tls]"), "{name}: {told}");
    }
}

#[tokio::test]
async fn a_renewed_certificate_is_used_and_an_unusable_one_is_not() {
    let site = Site::new();
    let tls = site.tls(&site.config(ClientCertificates::Off));
    assert!(!tls.is_outdated());
    site.renew("renewed.example.jp");
    assert!(tls.is_outdated());
    let met = |name| site.client(None, &TLS13).meet(&tls, name);
    assert!(met("localhost").await.is_ok(), "the old one, until it is read again");
    tls.reload().expect("a good pair");
    assert!(!tls.is_outdated());
    assert!(met("renewed.example.jp").await.is_ok());
    assert!(met("localhost").await.is_err(), "it has another name now");
    fs::write(site.path("server.crt"), "half a file").expect("written");
    assert!(tls.is_outdated());
    let refused = tls.reload().expect_err("no certificate");
    assert!(refused.en.contains("server.crt"), "{refused:?}");
    assert!(met("renewed.example.jp").await.is_ok(), "the one before serves on");
}

#[test]
fn a_section_that_contradicts_itself_is_refused() {
    let site = Site::new();
    use ClientCertificates::{Off, Optional, Required};
    for (client_certificates, ca, right) in [
        (Off, false, true),
        (Off, true, false),
        (Optional, false, false),
        (Optional, true, true),
        (Required, false, false),
        (Required, true, true),
    ] {
        let client_ca_file = ca.then(|| site.path("clients-ca.crt"));
        let config = TlsConfig { client_certificates, client_ca_file, ..site.config(Off) };
        assert_eq!(config.check().is_ok(), right, "{client_certificates:?} {ca}");
    }
}
