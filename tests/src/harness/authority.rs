//! Certificates of a test: an authority, what it issues, and how clients and `[http.tls]` use it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// Who issues certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
pub struct Identity {
    certificate: CertificateDer<'static>,
    pem: String,
    key: KeyPair,
}

impl Authority {
    pub fn new(name: &str) -> Result<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Ok(Self(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?))
    }

    /// A certificate for these hosts or addresses.
    pub fn issue(&self, names: &[&str]) -> Result<Identity> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(names)?.signed_by(&key, &self.0)?;
        let (pem, certificate) = (certificate.pem(), certificate.der().clone());
        Ok(Identity { certificate, pem, key })
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// How a client speaks to a server of this authority: TLS 1.3, with or without a certificate of
    /// its own.
    pub fn trusted_by(&self, shown: Option<&Identity>) -> Result<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots);
        Ok(match shown {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let key = PrivatePkcs8KeyDer::from(identity.key.serialize_der());
                let chain = vec![identity.certificate.clone()];
                builder.with_client_auth_cert(chain, PrivateKeyDer::Pkcs8(key))?
            }
        })
    }
}

impl Identity {
    /// As the files that `[http.tls]` names, the key for their owner only.
    pub fn write(&self, certificate: &Path, key: &Path) -> Result<()> {
        fs::write(certificate, &self.pem).with_context(|| certificate.display().to_string())?;
        fs::write(key, self.key.serialize_pem()).with_context(|| key.display().to_string())?;
        Ok(fs::set_permissions(key, Permissions::from_mode(0o600))?)
    }

    pub fn pem(&self) -> (String, String) {
        (self.pem.clone(), self.key.serialize_pem())
    }
}
