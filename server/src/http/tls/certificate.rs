//! What there is to know of a certificate: its names, its fingerprint, how long it is valid.
//!
//! Spec: RFC 5280

use std::fmt::Write as _;
use std::net::IpAddr;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Certificate {
    /// `SHA256:…`, the names in its subjectAltName (`DNS:…`), its common name (`CN:…`), in this
    /// order.
    pub identities: Vec<String>,
    pub subject: String,
    pub issuer: String,
    /// Unix time
    pub not_before: i64,
    pub not_after: i64,
    pub is_authority: bool,
}

impl Certificate {
    /// `None` if it is no certificate.
    pub fn of(der: &[u8]) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(der).ok()?;
        let mut identities = vec![format!("SHA256:{}", HEXLOWER.encode(&Sha256::digest(der)))];
        let alternatives = parsed.subject_alternative_name().ok().flatten();
        let alternatives = alternatives.map(|extension| &extension.value.general_names);
        identities.extend(alternatives.into_iter().flatten().filter_map(identity));
        let common_name = parsed.subject().iter_common_name().filter_map(|name| name.as_str().ok());
        identities.extend(common_name.map(|name| format!("CN:{name}")));
        Some(Certificate {
            identities,
            subject: parsed.subject().to_string(),
            issuer: parsed.issuer().to_string(),
            not_before: parsed.validity().not_before.timestamp(),
            not_after: parsed.validity().not_after.timestamp(),
            is_authority: parsed.is_ca(),
        })
    }

    /// Whole days until it ends; negative when it has ended.
    pub fn days_left(&self, now: i64) -> i64 {
        self.not_after.saturating_sub(now).div_euclid(86_400)
    }
}

fn identity(name: &GeneralName<'_>) -> Option<String> {
    Some(match name {
        GeneralName::DNSName(name) => format!("DNS:{}", name.to_ascii_lowercase()),
        GeneralName::URI(name) => format!("URI:{name}"),
        GeneralName::RFC822Name(name) => format!("email:{name}"),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let v6 = || <[u8; 16]>::try_from(*bytes).map(IpAddr::from);
            let mut text = "IP:".to_owned();
            let _ = write!(text, "{}", v4.or_else(|_| v6()).ok()?);
            text
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair, SanType, date_time_ymd};

    #[test]
    fn names_fingerprint_and_validity_are_those_of_the_certificate() {
        let mut params = CertificateParams::new(vec!["GW.example.jp".to_owned()]).expect("names");
        let uri = "urn:oid:1.2.392.100495.20.3.51.11312345670".try_into().expect("a URI");
        params.subject_alt_names.push(SanType::URI(uri));
        params.subject_alt_names.push(SanType::IpAddress(IpAddr::from([10, 0, 0, 5])));
        params.distinguished_name.push(DnType::CommonName, "連携 gateway");
        (params.not_before, params.not_after) =
            (date_time_ymd(2026, 4, 1), date_time_ymd(2027, 4, 1));
        let key = KeyPair::generate().expect("a key");
        let der = params.self_signed(&key).expect("a certificate");
        let certificate = Certificate::of(der.der()).expect("it is one");
        let fingerprint = HEXLOWER.encode(&Sha256::digest(der.der()));
        let expected = [
            &*format!("SHA256:{fingerprint}"),
            "DNS:gw.example.jp",
            "URI:urn:oid:1.2.392.100495.20.3.51.11312345670",
            "IP:10.0.0.5",
            "CN:連携 gateway",
        ];
        assert!(expected.iter().all(|name| certificate.identities.iter().any(|id| id == name)));
        assert_eq!(certificate.identities.first().map(String::as_str), Some(expected[0]));
        assert!(!certificate.is_authority);
        let end = certificate.not_after;
        assert_eq!(end - certificate.not_before, 365 * 86_400);
        for (now, days) in [(end - 86_400, 1), (end - 86_399, 0), (end, 0), (end + 1, -1)] {
            assert_eq!(certificate.days_left(now), days);
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_names() {
        for der in [&b""[..], b"\x30\x00", b"-----BEGIN CERTIFICATE-----", &[0xff; 64]] {
            assert_eq!(Certificate::of(der), None);
        }
    }
}
