//! `[clients]`: who may be told apart, by the certificates of TLS. A client has a name of the
//! configuration or none: whatever a caller says of itself, the names in metrics are few and known.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

use genkan_mapping::Text;
use serde::Deserialize;

use crate::http::tls::Certificate;

/// Of who is not in the configuration.
pub const OTHER: &str = "other";
/// Each name is a label of metrics.
const CLIENTS_MAX: usize = 100;

/// The kinds of names that a certificate has, as OpenSSL writes them.
const KINDS: [&str; 6] = ["DNS", "URI", "IP", "email", "CN", "SHA256"];

/// `[clients]`: sections by name.
pub type ClientsConfig = BTreeMap<String, ClientConfig>;

/// `[clients.NAME]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientConfig {
    /// Each of its certificates has one of these.
    pub certificates: Vec<String>,
}

/// The name of a client in metrics, logs and traces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientName(Arc<str>);

static NOBODY: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from(OTHER));

impl ClientName {
    pub fn name(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }

    /// Whether it has a name of the configuration.
    pub fn is_known(&self) -> bool {
        *self.0 != *OTHER
    }
}

impl Default for ClientName {
    fn default() -> Self {
        ClientName(Arc::clone(&NOBODY))
    }
}

/// The clients by what their certificates say.
#[derive(Debug, Default)]
pub struct Clients(HashMap<String, ClientName>);

impl Clients {
    /// # Errors
    /// What is wrong with the sections, for a person.
    pub fn new(config: &ClientsConfig) -> Result<Self, Text> {
        if config.len() > CLIENTS_MAX {
            return Err(Text::new(
                format!("[clients]: more than {CLIENTS_MAX} clients"),
                format!("[clients]: クライアントは {CLIENTS_MAX} 件までです"),
            ));
        }
        let mut clients = HashMap::new();
        for (name, section) in config {
            check_name(name)?;
            if section.certificates.is_empty() {
                return Err(wrong(name, "certificates is empty", "certificates が空です"));
            }
            let known = ClientName(Arc::from(name.as_str()));
            for text in &section.certificates {
                let identity = identity(text).ok_or_else(|| not_understood(name, text))?;
                if clients.insert(identity, known.clone()).is_some() {
                    let en = format!("`{text}` is named twice");
                    return Err(wrong(name, &en, &format!("「{text}」が重複しています")));
                }
            }
        }
        Ok(Clients(clients))
    }

    /// The first that fits: the certificate itself, then its alternative names, then its common
    /// name.
    pub fn name_of(&self, certificate: &Certificate) -> ClientName {
        let known = |identity: &String| self.0.get(identity).cloned();
        certificate.identities.iter().find_map(known).unwrap_or_default()
    }
}

/// One form for each name: hosts and digits of fingerprints are the same in both cases.
fn identity(text: &str) -> Option<String> {
    let (kind, name) = text.split_once(':')?;
    let kind = *KINDS.iter().find(|known| **known == kind)?;
    if name.is_empty() {
        return None;
    }
    let name = match kind {
        "DNS" => name.to_ascii_lowercase(),
        "IP" => name.parse::<std::net::IpAddr>().ok()?.to_string(),
        "SHA256" => {
            let digits: String = name.chars().filter(|c| *c != ':').collect();
            let is_digest = digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit());
            is_digest.then(|| digits.to_ascii_lowercase())?
        }
        _ => name.to_owned(),
    };
    Some(format!("{kind}:{name}"))
}

/// As the name of a source: it stands in logs and metrics.
fn check_name(name: &str) -> Result<(), Text> {
    let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if (1..=32).contains(&name.len()) && name.chars().all(valid) && name != OTHER {
        return Ok(());
    }
    Err(wrong(
        name,
        "a name has 1 to 32 small letters, digits or hyphens and is not `other`, which is everybody else",
        "名前は英小文字・数字・ハイフン 1〜32 文字です（other はその他全員のことです）",
    ))
}

fn not_understood(name: &str, text: &str) -> Text {
    let kinds = KINDS.join(":…, ");
    wrong(
        name,
        &format!("`{text}` is none of {kinds}:…"),
        &format!("「{text}」は {kinds}:… のいずれでもありません"),
    )
}

fn wrong(name: &str, en: &str, ja: &str) -> Text {
    Text::new(format!("[clients.{name}] {en}"), format!("[clients.{name}] {ja}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clients(sections: &[(&str, &[&str])]) -> Result<Clients, Text> {
        let section = |(name, certificates): &(&str, &[&str])| {
            let certificates = certificates.iter().map(|text| (*text).to_owned()).collect();
            ((*name).to_owned(), ClientConfig { certificates })
        };
        Clients::new(&sections.iter().map(section).collect())
    }

    fn certificate(identities: &[&str]) -> Certificate {
        let identities = identities.iter().map(|text| (*text).to_owned()).collect();
        Certificate { identities, ..Certificate::default() }
    }

    #[test]
    fn a_client_is_known_by_any_name_of_its_certificate_and_others_are_other() {
        let digest = "AB".repeat(32);
        let fingerprint = format!("SHA256:{digest}");
        let known = clients(&[
            ("gateway", &["DNS:GW.example.jp", "IP:10.0.0.5"]),
            ("lab", &["CN:lab-system", &fingerprint]),
        ])
        .expect("a configuration");
        for (identities, expected) in [
            (vec!["DNS:gw.example.jp"], "gateway"),
            (vec!["URI:urn:x", "IP:10.0.0.5"], "gateway"),
            (vec!["CN:lab-system"], "lab"),
            (vec!["DNS:lab-system"], OTHER),
            (vec!["CN:gw.example.jp"], OTHER),
            (vec![], OTHER),
        ] {
            let name = known.name_of(&certificate(&identities));
            assert_eq!(&*name.name(), expected, "{identities:?}");
        }
        let sealed = format!("SHA256:{}", digest.to_lowercase());
        let name = known.name_of(&certificate(&[&sealed, "DNS:gw.example.jp"]));
        assert_eq!(&*name.name(), "lab", "the certificate itself counts before its names");
    }

    #[test]
    fn what_would_not_tell_clients_apart_is_refused_with_its_section() {
        for (name, certificates) in [
            ("other", vec!["DNS:a"]),
            ("Lab", vec!["DNS:a"]),
            ("a", vec![]),
            ("a", vec!["gw.example.jp"]),
            ("a", vec!["dns:gw.example.jp"]),
            ("a", vec!["DNS:"]),
            ("a", vec!["IP:10.0.0"]),
            ("a", vec!["SHA256:ab"]),
            ("a", vec!["DNS:x", "DNS:X"]),
        ] {
            let refusal = clients(&[(name, &certificates)]).expect_err(name);
            assert!(refusal.en.starts_with(&format!("[clients.{name}]")), "{refusal:?}");
        }
        assert!(clients(&[("a", &["DNS:x"]), ("b", &["DNS:x"])]).is_err());
    }
}
