//! Validation: what a receiver would refuse, found before it is sent. [`genkan_fhir::validation`] judges;
//! here is what it judges by (Genkan's own profiles, the packages of the site, the masters), and who asks:
//! `$validate`, `genkan validate`, and every registration unit on its way.

mod definitions;
pub mod operation;
pub mod packages;

use std::path::PathBuf;
use std::sync::OnceLock;

use genkan_fhir::validation::{Finding, Format, Limits, Report};
use genkan_mapping::Text;
use genkan_mapping::conformance::{self, Version};
use genkan_masters::Store;
use serde::{Deserialize, Deserializer, de};

use crate::error::Error;

pub use definitions::{Definitions, Unusable};

/// `[validation]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ValidationConfig {
    /// The version of the implementation guide that a profile without a version means; the newest if it is
    /// not given.
    #[serde(deserialize_with = "version")]
    pub guide: Option<Version>,
    /// The packages of the site, written by `genkan package add`, and by nobody else.
    pub packages_dir: PathBuf,
    /// A text with what looks like an HTML tag is an error, not a warning.
    pub refuse_html: bool,
    pub document_bytes_max: usize,
    /// Of elements in each other.
    pub depth_levels_max: usize,
    /// Of one document.
    pub findings_max: usize,
    /// Elements of one document that are looked at: profiles on profiles can multiply them.
    pub elements_max: u64,
    /// Profiles that refer to each other are followed this deep.
    pub profiles_nested_max: usize,
}

impl Default for ValidationConfig {
    fn default() -> Self {
        let limits = Limits::default();
        ValidationConfig {
            guide: None,
            packages_dir: PathBuf::from("packages"),
            refuse_html: false,
            document_bytes_max: limits.document_bytes_max,
            depth_levels_max: limits.depth_levels_max,
            findings_max: limits.findings_max,
            elements_max: limits.elements_max,
            profiles_nested_max: limits.profiles_nested_max,
        }
    }
}

fn version<'d, D: Deserializer<'d>>(from: D) -> Result<Option<Version>, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map(Some).map_err(de::Error::custom)
}

impl ValidationConfig {
    pub fn limits(&self) -> Limits {
        Limits {
            document_bytes_max: self.document_bytes_max,
            depth_levels_max: self.depth_levels_max,
            findings_max: self.findings_max,
            elements_max: self.elements_max,
            profiles_nested_max: self.profiles_nested_max,
            ..Limits::default()
        }
    }

    /// # Errors
    /// What is wrong with the section, for a person.
    pub fn check(&self) -> Result<(), Text> {
        let Some(guide) = self.guide else { return Ok(()) };
        let known = conformance::guides(&conformance::built_in()).unwrap_or_default();
        if known.iter().any(|known| known.version == guide) {
            return Ok(());
        }
        let known: Vec<String> = known.iter().map(|known| known.version.to_string()).collect();
        let known = known.join(", ");
        Err(Text::new(
            format!("[validation] guide {guide} is not known; there are {known}"),
            format!("[validation] guide {guide} はありません。使えるのは {known} です"),
        ))
    }
}

/// What a server validates against, made when it is first needed: a start waits for nothing that nobody
/// may ask for.
#[derive(Debug, Default)]
pub struct Validation {
    config: ValidationConfig,
    made: OnceLock<Result<Definitions, Unusable>>,
}

impl Validation {
    pub fn new(config: ValidationConfig) -> Self {
        Validation { config, made: OnceLock::new() }
    }

    /// # Errors
    /// When there is nothing to validate against; the log says why.
    pub fn definitions(&self) -> Result<&Definitions, Error> {
        let made = self.made.get_or_init(|| {
            let made = Definitions::load(self.config.guide, Some(&self.config.packages_dir), &[]);
            let made = made.map(|made| made.configured(&self.config));
            if let Err(unusable) = &made {
                tracing::error!("validation: {}", unusable.text().en);
            }
            made
        });
        made.as_ref().map_err(|_| Error::Internal("nothing to validate against; the log says why"))
    }

    /// Validates a document in JSON against what it claims and against `profiles`.
    pub fn validate(
        &self,
        masters: &Store,
        json: &[u8],
        profiles: &[&str],
    ) -> Result<Report, Error> {
        let definitions = self.definitions()?;
        Ok(definitions
            .judge(masters, |validator| validator.validate(json, Some(Format::Json), profiles)))
    }
}

/// Does the work of a validation where other requests don't wait for it: a document of 10 MB takes longer
/// than they should.
pub async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.map_err(|_| {
        Error::Internal("a validation did not come to its end; the log has its place")
    })?
}

/// What a finding says and how to mend it.
pub fn text(finding: &Finding) -> Text {
    let entry = finding.code.entry();
    Text::new(
        format!("{}; {}", finding.english(), entry.mend_english),
        format!("{}。{}", finding.japanese(), entry.mend_japanese),
    )
}
