//! `genkan.toml`: one file, unknown keys refused, secrets in files of their own. Each section is
//! defined next to the code that uses it; here they are only added up.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use genkan_adapter_sql::SqlConfig;
use genkan_mapping::Text;
use serde::Deserialize;

use crate::bundle::BundleConfig;
use crate::clients::{Clients, ClientsConfig};
use crate::codes::CodesConfig;
use crate::governor::Governor;
use crate::http::HttpConfig;
use crate::http::tls::{ClientCertificates, TlsConfig};
use crate::identity::IdentityConfig;
use crate::log::LogConfig;
use crate::operations::OperationsConfig;
use crate::rule_files::RulesConfig;
use crate::service::FhirConfig;
use crate::site::SiteConfig;
use crate::telemetry::TelemetryConfig;
use crate::validate::ValidationConfig;

/// What `genkan config example` prints; it is the documentation of the configuration.
pub const EXAMPLE: &str = include_str!("config/example.toml");

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default)]
    pub http: HttpConfig,
    #[serde(default)]
    pub fhir: FhirConfig,
    pub site: SiteConfig,
    pub identity: IdentityConfig,
    pub rules: RulesConfig,
    pub source: SqlConfig,
    /// Further sources by name: `[sources.lab]`.
    #[serde(default)]
    pub sources: BTreeMap<String, SqlConfig>,
    #[serde(default)]
    pub bundle: BundleConfig,
    /// Clients that are told apart: `[clients.gateway]`.
    #[serde(default)]
    pub clients: ClientsConfig,
    #[serde(default)]
    pub codes: CodesConfig,
    #[serde(default)]
    pub validation: ValidationConfig,
    #[serde(default)]
    pub operations: OperationsConfig,
    #[serde(default)]
    pub telemetry: TelemetryConfig,
    #[serde(default)]
    pub log: LogConfig,
}

/// What is wrong with a configuration file; the message names the line.
#[derive(Debug)]
pub struct ConfigError {
    path: PathBuf,
    reason: Text,
}

impl ConfigError {
    pub fn text(&self) -> Text {
        let path = self.path.display();
        Text::new(format!("{path}: {}", self.reason.en), format!("{path}: {}", self.reason.ja))
    }
}

/// What a library says, in its own language.
fn as_it_is(error: impl ToString) -> Text {
    Text::new(error.to_string(), error.to_string())
}

impl Config {
    /// Reads a file. Relative paths in it are relative to its folder, wherever Genkan is started.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let wrong = |reason: Text| ConfigError { path: path.to_owned(), reason };
        let text = std::fs::read_to_string(path).map_err(|error| wrong(as_it_is(error)))?;
        let mut config = Self::parse(&text).map_err(wrong)?;
        config.resolve(path.parent().unwrap_or(Path::new("")));
        Ok(config)
    }

    /// Keys, types and what sections say of themselves; no file is opened.
    pub fn parse(text: &str) -> Result<Self, Text> {
        let config: Config = toml::from_str(text).map_err(as_it_is)?;
        config.fhir.check()?;
        config.site.check()?;
        config.sources.keys().try_for_each(|name| check_source_name(name))?;
        check_source("[source]", &config.source)?;
        for (name, source) in &config.sources {
            check_source(&format!("[sources.{name}]"), source)?;
        }
        config.http.tls.iter().try_for_each(TlsConfig::check)?;
        config.check_clients()?;
        config.telemetry.check()?;
        config.validation.check()?;
        config.check_bulk()?;
        Ok(config)
    }

    /// Who is told apart by certificates has to show one.
    fn check_clients(&self) -> Result<(), Text> {
        Clients::new(&self.clients)?;
        let shown = |tls: &TlsConfig| tls.client_certificates != ClientCertificates::Off;
        if self.clients.is_empty() || self.http.tls.as_ref().is_some_and(shown) {
            return Ok(());
        }
        Err(Text::new(
            "[clients] are told apart by their certificates: set [http.tls] client_certificates",
            "[clients] は証明書で区別します。[http.tls] client_certificates を設定してください",
        ))
    }

    /// What bulk work may take of each source.
    fn check_bulk(&self) -> Result<(), Text> {
        let zone = self.site.site()?.zone;
        let further =
            self.sources.iter().map(|(name, section)| (format!("[sources.{name}]"), section));
        for (name, section) in std::iter::once(("[source]".to_owned(), &self.source)).chain(further)
        {
            Governor::new(section, zone).map_err(|told| {
                Text::new(format!("{name} {}", told.en), format!("{name} {}", told.ja))
            })?;
        }
        Ok(())
    }

    fn resolve(&mut self, folder: &Path) {
        let absolute = |path: &mut PathBuf| *path = folder.join(&*path);
        if let Some(tls) = &mut self.http.tls {
            absolute(&mut tls.certificate_file);
            absolute(&mut tls.key_file);
            tls.client_ca_file.iter_mut().for_each(absolute);
        }
        self.telemetry.ca_file.iter_mut().for_each(absolute);
        absolute(&mut self.rules.directory);
        absolute(&mut self.codes.masters_file);
        absolute(&mut self.validation.packages_dir);
        self.identity.keys.iter_mut().for_each(|key| absolute(&mut key.secret_file));
        for source in std::iter::once(&mut self.source).chain(self.sources.values_mut()) {
            source.url_file.iter_mut().for_each(absolute);
            source.password_file.iter_mut().for_each(absolute);
        }
    }
}

/// It stands in rules, file names, logs and metrics.
fn check_source_name(name: &str) -> Result<(), Text> {
    let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if (1..=32).contains(&name.len()) && name.chars().all(valid) && name != genkan_mapping::MAIN {
        return Ok(());
    }
    Err(Text::new(
        format!(
            "[sources.{name}]: a name has 1 to 32 small letters, digits or hyphens and is not `main`, \
             which is [source]"
        ),
        format!(
            "[sources.{name}]: 名前は英小文字・数字・ハイフン 1〜32 文字です（main は [source] のことです）"
        ),
    ))
}

/// Of one source, however large the machine is that it runs on.
const SOURCE_CONNECTIONS: RangeInclusive<u32> = 1..=10;
const BREAKER_OPEN_SECS: u64 = 86_400;

fn check_source(section: &str, source: &SqlConfig) -> Result<(), Text> {
    let (connections, least, most) =
        (source.connections_max, SOURCE_CONNECTIONS.start(), SOURCE_CONNECTIONS.end());
    if !SOURCE_CONNECTIONS.contains(&connections) {
        return Err(Text::new(
            format!(
                "{section} connections_max = {connections}: {least} to {most}, for the hospital's own \
                 system needs its connections too; 4 are enough for most"
            ),
            format!(
                "{section} connections_max = {connections}: {least}〜{most} です。院内システム自身の接続を\
                 残すためです（通常は 4 で足ります）"
            ),
        ));
    }
    let (first, longest) = (source.breaker_open_secs, source.breaker_open_secs_max);
    if first > longest || longest > BREAKER_OPEN_SECS {
        return Err(Text::new(
            format!(
                "{section} breaker_open_secs = {first}, breaker_open_secs_max = {longest}: the first is \
                 no more than the second, and that no more than {BREAKER_OPEN_SECS}"
            ),
            format!(
                "{section} breaker_open_secs = {first}, breaker_open_secs_max = {longest}: 前者は後者以下、\
                 後者は {BREAKER_OPEN_SECS} 以下です"
            ),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printed_example_is_a_configuration() {
        let config = Config::parse(EXAMPLE).expect("the example parses");
        assert_eq!(config.site.institution_no, "1312345670");
    }

    #[test]
    fn the_example_shows_every_optional_key_with_its_default() {
        let config = Config::parse(EXAMPLE).expect("the example parses");
        let source = SqlConfig::new(config.source.url.as_deref().expect("a url"));
        assert_eq!(format!("{:?}", config.source), format!("{source:?}"));
        assert_eq!(config.rules.watch_interval_secs, 0);
        assert_eq!(format!("{:?}", config.http), format!("{:?}", HttpConfig::default()));
        let operations = OperationsConfig::default();
        assert_eq!(format!("{:?}", config.operations), format!("{operations:?}"));
        let telemetry = TelemetryConfig::default();
        assert_eq!(format!("{:?}", config.telemetry), format!("{telemetry:?}"));
        assert_eq!(format!("{:?}", config.log), format!("{:?}", LogConfig::default()));
        assert_eq!(format!("{:?}", config.bundle), format!("{:?}", BundleConfig::default()));
        assert_eq!(format!("{:?}", config.codes), format!("{:?}", CodesConfig::default()));
        assert_eq!(format!("{:?}", config.fhir), format!("{:?}", FhirConfig::default()));
    }

    #[test]
    fn wrong_keys_and_values_are_refused_with_their_name() {
        for (wrong, expected) in [
            ("listen = ", "listn = "),
            ("utc_offset = \"+09:00\"", "utc_offset = \"Asia/Tokyo\""),
            ("page_size_default = 50", "page_size_default = 0"),
            ("export_files_max = 16", "export_files_max = 0"),
            ("mode = \"opaque\"", "mode = \"secret\""),
            ("institution_no = \"1312345670\"", "institution_no = \"131234567\""),
            ("# base_url = \"https", "base_url = \"ftp"),
            ("format = \"text\"", "format = \"xml\""),
            ("traces_ratio = 0.1", "traces_ratio = 1.5"),
            ("# otlp_endpoint = \"http", "otlp_endpoint = \"grpc"),
            ("# otlp_endpoint = \"http", "otlp_endpoint = \"https"),
            (
                "# otlp_endpoint = \"http://127.0.0.1:4318\"",
                "otlp_endpoint = \"http://a/v1/traces\"",
            ),
            ("# ca_file = \"tls/collector-ca.crt\"", "ca_file = \"x\""),
            ("breaker_open_secs_max = 300", "breaker_open_secs_max = 9"),
            ("breaker_open_secs_max = 300", "breaker_open_secs_max = 86401"),
            ("connections_max = 4", "connections_max = 0"),
            ("connections_max = 4", "connections_max = 11"),
            ("# [sources.lab]", "[sources.lab]\nurl = \"sqlite:x\"\nbreaker_open_secs = 301"),
            ("# [sources.lab]", "[sources.main]\nurl = \"sqlite:x\""),
            ("# [sources.lab]", "[sources.Lab]\nurl = \"sqlite:x\""),
        ] {
            let text = EXAMPLE.replace(wrong, expected);
            assert_ne!(text, EXAMPLE, "{wrong}");
            let refusal = Config::parse(&text).expect_err(expected);
            let name = expected.split([' ', '\n']).next().unwrap_or_default();
            let told = [&refusal.en, &refusal.ja].iter().all(|told| told.contains(name));
            assert!(told, "{expected}: {refusal:?}");
        }
    }

    #[test]
    fn clients_without_certificates_and_tls_that_contradicts_itself_are_refused() {
        let tls = "[http.tls]\ncertificate_file = \"a\"\nkey_file = \"b\"\n";
        let asked = "client_ca_file = \"c\"\nclient_certificates = \"required\"\n";
        let client = "[clients.gateway]\ncertificates = [\"DNS:gw\"]\n";
        for (sections, named) in [
            (String::new(), None),
            (tls.to_owned(), None),
            ([tls, asked, client].concat(), None),
            (client.to_owned(), Some("client_certificates")),
            ([tls, client].concat(), Some("client_certificates")),
            ([tls, "client_certificates = \"required\""].concat(), Some("client_ca_file")),
            ([tls, "version_min = \"1.1\""].concat(), Some("1.1")),
            ([tls, "certificates = \"x\""].concat(), Some("certificates")),
            ([tls, asked, "[clients.other]\ncertificates = [\"DNS:gw\"]"].concat(), Some("other")),
        ] {
            let refusal = Config::parse(&[EXAMPLE, &sections].concat()).err();
            let told = refusal.as_ref().map(|text| text.en.as_str()).unwrap_or_default();
            assert_eq!(refusal.is_some(), named.is_some(), "{sections}: {told}");
            assert!(named.is_none_or(|named| told.contains(named)), "{sections}: {told}");
        }
    }
}
