//! The files of `[http.tls]`: read, and refused with what to do. The key is a secret: one that every
//! account of the machine can read is none.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::SystemTime;

use genkan_mapping::Text;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::TlsConfig;

/// No key, chain or list of authorities is larger.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// What tells one state of the files from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files(Vec<Option<(SystemTime, u64, u64)>>);

impl Files {
    pub fn of(config: &TlsConfig) -> Self {
        let paths = [Some(&config.certificate_file), Some(&config.key_file)];
        let paths = paths.into_iter().chain([config.client_ca_file.as_ref()]).flatten();
        let state = |path: &std::path::PathBuf| {
            let file = fs::metadata(path).ok()?;
            Some((file.modified().ok()?, file.len(), file.ino()))
        };
        Files(paths.map(state).collect())
    }
}

/// Who besides the owner can read a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrecy {
    Owner,
    Group,
    Everybody,
}

pub fn secrecy(mode: u32) -> Secrecy {
    match (mode & 0o007, mode & 0o070) {
        (0, 0) => Secrecy::Owner,
        (0, _) => Secrecy::Group,
        _ => Secrecy::Everybody,
    }
}

/// The certificates of a PEM file, in its order.
pub fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, Text> {
    let pem = read(path, &open(path)?)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let certificates = certificates.map_err(|error| unusable(path, &error.to_string()))?;
    if certificates.is_empty() {
        return Err(unusable(path, "no CERTIFICATE in PEM"));
    }
    Ok(certificates)
}

pub fn authorities(path: &Path) -> Result<RootCertStore, Text> {
    let mut roots = RootCertStore::empty();
    for certificate in chain(path)? {
        roots.add(certificate).map_err(|error| unusable(path, &error.to_string()))?;
    }
    Ok(roots)
}

pub fn key(path: &Path) -> Result<PrivateKeyDer<'static>, Text> {
    let file = open(path)?;
    let mode = file.metadata().map_err(|error| unusable(path, &error.to_string()))?;
    if secrecy(mode.permissions().mode()) == Secrecy::Everybody {
        let path = path.display();
        return Err(Text::new(
            format!(
                "[http.tls] {path}: every account of this machine can use this key; chmod 600 {path}"
            ),
            format!("[http.tls] {path}: どのアカウントからも使える鍵です。chmod 600 {path}"),
        ));
    }
    PrivateKeyDer::from_pem_slice(&read(path, &file)?)
        .map_err(|_| unusable(path, "no private key in PEM without a password"))
}

fn open(path: &Path) -> Result<File, Text> {
    File::open(path).map_err(|error| unusable(path, &error.to_string()))
}

fn read(path: &Path, file: &File) -> Result<Vec<u8>, Text> {
    let mut bytes = Vec::new();
    let read = file.take(FILE_BYTES_MAX).read_to_end(&mut bytes);
    read.map_err(|error| unusable(path, &error.to_string()))?;
    Ok(bytes)
}

pub fn unusable(path: &Path, reason: &str) -> Text {
    let path = path.display();
    Text::new(
        format!("[http.tls] {path}: {reason}"),
        format!("[http.tls] {path} を使えません: {reason}"),
    )
}

pub fn no_pair(certificate: &Path, key: &Path, error: &rustls::Error) -> Text {
    let (certificate, key) = (certificate.display(), key.display());
    Text::new(
        format!("[http.tls] {certificate} and {key} are no pair: {error}"),
        format!("[http.tls] {certificate} と {key} は対になっていません: {error}"),
    )
}
