//! A FHIR package (`.tgz`), read from its bytes.
//!
//! Spec: <https://confluence.hl7.org/display/FHIR/NPM+Package+Specification>

use std::{collections::BTreeMap, io::Read as _};

use flate2::read::GzDecoder;
use serde_json::Value;
use thiserror::Error;

/// What an archive may unpack to; JP Core has 40 MB.
pub const MAX_UNPACKED_BYTES: u64 = 512 * 1024 * 1024;
/// One file of it.
pub const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;
pub const MAX_FILES: usize = 20_000;

/// What is in a package.
#[derive(Debug)]
pub struct Package {
    /// `jp-core.r4`
    pub name: String,
    pub version: String,
    /// `4.0.1`; none when the manifest doesn't say.
    pub fhir_versions: Vec<String>,
    /// Other packages that it needs, with their versions.
    pub dependencies: BTreeMap<String, String>,
    /// The resources, in the order of the archive.
    pub resources: Vec<Value>,
}

#[derive(Debug, Error)]
pub enum PackageError {
    #[error("not a .tgz archive: {0}")]
    Archive(#[from] std::io::Error),
    #[error("it unpacks to more than {MAX_UNPACKED_BYTES} bytes or {MAX_FILES} files")]
    TooLarge,
    #[error("{0} in it is not JSON")]
    Json(String),
    #[error("it has no package/package.json with a name and a version: not a FHIR package")]
    NoManifest,
}

impl Package {
    /// # Errors
    /// When the bytes are no package archive, or more than the limits.
    pub fn read(tgz: &[u8]) -> Result<Self, PackageError> {
        let mut archive = tar::Archive::new(GzDecoder::new(tgz).take(MAX_UNPACKED_BYTES));
        let (mut manifest, mut resources, mut files) = (None, Vec::new(), 0);
        for entry in archive.entries()? {
            let mut entry = entry?;
            files += 1;
            if files > MAX_FILES || entry.size() > MAX_FILE_BYTES {
                return Err(PackageError::TooLarge);
            }
            let path = entry.path()?.to_string_lossy().into_owned();
            if !is_content(&path) {
                continue;
            }
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            let value: Value = serde_json::from_slice(without_mark(&bytes))
                .map_err(|_| PackageError::Json(path.clone()))?;
            if path == "package/package.json" {
                manifest = Some(value);
            } else if value.get("resourceType").is_some() {
                resources.push(value);
            }
        }
        // The checksum stands at the end.
        std::io::copy(&mut archive.into_inner(), &mut std::io::sink())?;
        let text = |name: &str| Some(manifest.as_ref()?.get(name)?.as_str()?.to_owned());
        let (Some(name), Some(version)) = (text("name"), text("version")) else {
            return Err(PackageError::NoManifest);
        };
        let manifest = manifest.unwrap_or_default();
        let (fhir_versions, dependencies) = (fhir_versions(&manifest), dependencies(&manifest));
        Ok(Self { name, version, fhir_versions, dependencies, resources })
    }
}

/// Older packages have them under another name.
fn fhir_versions(manifest: &Value) -> Vec<String> {
    let listed = ["fhirVersions", "fhir-version-list"].iter().find_map(|name| manifest.get(name));
    let listed = listed.and_then(Value::as_array).into_iter().flatten();
    listed.filter_map(|version| Some(version.as_str()?.to_owned())).collect()
}

fn dependencies(manifest: &Value) -> BTreeMap<String, String> {
    let listed = manifest.get("dependencies").and_then(Value::as_object).into_iter().flatten();
    listed
        .filter_map(|(name, version)| Some((name.clone(), version.as_str()?.to_owned())))
        .collect()
}

/// Examples and the other folders are not what a validator goes by.
fn is_content(path: &str) -> bool {
    let rest = path.strip_prefix("package/");
    let is_json = |rest: &str| !rest.contains('/') && rest.ends_with(".json");
    rest.is_some_and(|rest| is_json(rest) && !rest.starts_with('.'))
}

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)
}
