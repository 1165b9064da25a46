//! The packages of a site: a folder with one file for each, written by `genkan package add`.
//!
//! A file starts with one line of JSON, its index. Behind it stand the definitions, each where the index says:
//! who opens a package reads the index, a profile when a resource claims it, and a value set or code system
//! when it is asked for a code. What of a definition is for people only is not kept.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use genkan_fhir::validation::{MakeDefinition, Package, slim};
use genkan_mapping::Text;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Unusable;

/// Of the file's layout; another one is to be added anew.
const LAYOUT: u32 = 3;
const EXTENSION: &str = "package";
/// Genkan's own fact table.
const CORE: &str = "hl7.fhir.r4.core";
/// One line of the index; 20,000 definitions have 4 MB.
const INDEX_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What a package says of itself, and where its definitions are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    layout: u32,
    pub name: String,
    pub version: String,
    pub fhir_versions: Vec<String>,
    pub dependencies: BTreeMap<String, String>,
    /// BLAKE3 of the archive that it was made from.
    pub blake3: String,
    pub code_systems: Vec<Definition>,
    pub value_sets: Vec<Definition>,
    /// ImplementationGuides that ask something of all resources of a type.
    guides: Vec<Definition>,
    pub profiles: Vec<Definition>,
}

/// A definition, and where it is behind the index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    pub url: String,
    pub version: Option<String>,
    at: u64,
    bytes: u64,
}

/// A package of the site.
#[derive(Debug)]
pub struct SitePackage {
    pub index: Index,
    pub path: PathBuf,
    body_at: u64,
}

/// A dependency that no package of the site is.
#[derive(Debug, PartialEq, Eq)]
pub struct Missing<'i> {
    pub of: &'i Index,
    pub name: &'i str,
    pub version: &'i str,
    /// There in another version.
    pub is_here_as: Option<&'i str>,
}

/// Those in a folder, by name and version; none when there is no folder.
pub fn open(folder: &Path) -> Result<Vec<SitePackage>, Unusable> {
    open_beside(folder, &[])
}

/// The same before these files are written: what can't be used of them is about to be mended.
pub fn open_beside(folder: &Path, written: &[PathBuf]) -> Result<Vec<SitePackage>, Unusable> {
    let unread = |path: &Path, error: io::Error| Unusable::Unread(path.to_owned(), error);
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unread(folder, error)),
    };
    let mut packages = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unread(folder, error))?.path();
        let is_hidden = path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
        if !is_hidden && path.extension().is_some_and(|extension| extension == EXTENSION) {
            match SitePackage::open(path.clone()) {
                Err(Unusable::Refused(_)) if written.contains(&path) => {}
                opened => packages.push(opened?),
            }
        }
    }
    packages.sort_by(|one, other| one.index.key().cmp(&other.index.key()));
    Ok(packages)
}

/// What of all these packages needs is not among them.
pub fn missing<'i>(all: &[&'i Index]) -> Vec<Missing<'i>> {
    let mut missing = Vec::new();
    for of in all {
        for (name, version) in of.dependencies.iter().filter(|(name, _)| *name != CORE) {
            let mut here =
                all.iter().filter(|one| one.name == *name).map(|one| one.version.as_str());
            if !here.clone().any(|here| fits(version, here)) {
                missing.push(Missing { of, name, version, is_here_as: here.next() });
            }
        }
    }
    missing
}

/// What versions are sorted by, the oldest first: their numbers, and what is no number as it is written. A
/// definition without one is older than all.
pub fn age(version: Option<&str>) -> Option<(Vec<u64>, String)> {
    let version = version?;
    let release = version.split(['-', '+']).next().unwrap_or_default();
    let numbers = release.split('.').map_while(|part| part.parse().ok()).collect();
    Some((numbers, version.to_owned()))
}

/// `1.1.2`, `1.1.x`, `latest` and what npm writes before a version.
fn fits(asked: &str, here: &str) -> bool {
    let asked = asked.trim_start_matches(['^', '~', '=']);
    if matches!(asked, "latest" | "current" | "dev" | "*" | "") {
        return true;
    }
    match asked.strip_suffix(".x") {
        Some(start) => here.strip_prefix(start).is_some_and(|rest| rest.starts_with('.')),
        None => asked == here,
    }
}

impl Index {
    fn all(&self) -> impl Iterator<Item = &Definition> {
        let Self { code_systems, value_sets, guides, profiles, .. } = self;
        code_systems.iter().chain(value_sets).chain(guides).chain(profiles)
    }

    pub fn key(&self) -> (&str, &str) {
        (&self.name, &self.version)
    }

    /// `jp-core.r4 1.1.2`
    pub fn shown(&self) -> String {
        format!("{} {}", self.name, self.version)
    }

    /// Where the package is kept. Its name and version are checked, so that it stays in the folder.
    pub fn path_in(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}#{}.{EXTENSION}", self.name, self.version))
    }
}

/// The bytes of a package's file, and its index.
///
/// # Errors
/// When the package is not for R4, or its name is none for a file.
pub fn pack(package: &Package, archive: &[u8]) -> Result<(Index, Vec<u8>), Text> {
    check_name(package)?;
    check_fhir_version(package)?;
    let mut index = Index {
        layout: LAYOUT,
        name: package.name.clone(),
        version: package.version.clone(),
        fhir_versions: package.fhir_versions.clone(),
        dependencies: package.dependencies.clone(),
        blake3: blake3::hash(archive).to_hex().to_string(),
        code_systems: Vec::new(),
        value_sets: Vec::new(),
        guides: Vec::new(),
        profiles: Vec::new(),
    };
    let mut body = Vec::new();
    for resource in &package.resources {
        let (list, kept) = match resource["resourceType"].as_str().unwrap_or_default() {
            "CodeSystem" => (&mut index.code_systems, resource.to_string()),
            "ValueSet" => (&mut index.value_sets, resource.to_string()),
            "StructureDefinition" => {
                let mut definition = resource.clone();
                slim(&mut definition);
                (&mut index.profiles, definition.to_string())
            }
            "ImplementationGuide" if resource["global"].is_array() => {
                (&mut index.guides, only(resource, &["resourceType", "global"]).to_string())
            }
            // Whatever else a package holds is no rule.
            _ => continue,
        };
        let url = match resource["url"].as_str() {
            Some(url) => url.to_owned(),
            None if resource["resourceType"] == "StructureDefinition" => return Err(no_url()),
            // A guide rules without being asked for.
            None if resource["resourceType"] == "ImplementationGuide" => String::new(),
            // Nobody can ask for it.
            None => continue,
        };
        let version = resource["version"].as_str().map(str::to_owned);
        list.push(Definition { url, version, at: body.len() as u64, bytes: kept.len() as u64 });
        body.extend_from_slice(kept.as_bytes());
    }
    let mut file =
        serde_json::to_vec(&index).map_err(|error| error.to_string()).map_err(as_it_is)?;
    file.push(b'\n');
    file.append(&mut body);
    Ok((index, file))
}

/// A resource with these of its members only.
fn only(resource: &Value, names: &[&str]) -> Value {
    let kept =
        names.iter().filter_map(|name| Some(((*name).to_owned(), resource.get(name)?.clone())));
    Value::Object(kept.collect())
}

fn as_it_is(said: String) -> Text {
    Text::new(said.clone(), said)
}

fn no_url() -> Text {
    Text::new("a StructureDefinition in it has no url", "url のない StructureDefinition があります")
}

/// What npm allows, and no more: both become the name of a file.
fn check_name(package: &Package) -> Result<(), Text> {
    let is_plain = |text: &str| {
        text.starts_with(|sign: char| sign.is_ascii_alphanumeric())
            && text.len() <= 100
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-+_".contains(&byte))
    };
    if is_plain(&package.name) && is_plain(&package.version) {
        return Ok(());
    }
    Err(Text::new(
        "its name or version has other signs than letters, digits and . - + _",
        "名前またはバージョンに英数字と . - + _ 以外の文字があります",
    ))
}

fn check_fhir_version(package: &Package) -> Result<(), Text> {
    let versions = &package.fhir_versions;
    if versions.iter().any(|version| version == "4.0" || version.starts_with("4.0.")) {
        return Ok(());
    }
    let versions = versions.join(", ");
    Err(match versions.as_str() {
        "" => Text::new(
            "its package.json does not say for which version of FHIR it is (fhirVersions)",
            "package.json に対応する FHIR のバージョン（fhirVersions）がありません",
        ),
        versions => Text::new(
            format!("it is for FHIR {versions}; Genkan validates R4 (4.0)"),
            format!("FHIR {versions} 用のパッケージです。Genkan が検証するのは R4（4.0）です"),
        ),
    })
}

impl SitePackage {
    fn open(path: PathBuf) -> Result<Self, Unusable> {
        let unread = |error: io::Error| Unusable::Unread(path.clone(), error);
        let broken = || {
            let shown = path.display();
            Unusable::Refused(Text::new(
                format!(
                    "{shown} is no package of this version of Genkan; add it again, all such packages at once"
                ),
                format!(
                    "{shown} はこの版の Genkan のパッケージではありません。該当するパッケージをまとめてもう一度追加してください"
                ),
            ))
        };
        let file = File::open(&path).map_err(unread)?;
        let length = file.metadata().map_err(unread)?.len();
        let mut line = Vec::new();
        let mut start = BufReader::new(file).take(INDEX_BYTES_MAX);
        start.read_until(b'\n', &mut line).map_err(unread)?;
        let index: Index = serde_json::from_slice(&line).map_err(|_| broken())?;
        let body_at = line.len() as u64;
        let all = index.all().try_fold(body_at, |sum, one| sum.checked_add(one.bytes));
        if index.layout != LAYOUT || all != Some(length) {
            return Err(broken());
        }
        Ok(Self { index, path, body_at })
    }

    /// What is in it.
    pub fn contents(&self) -> Result<Contents<'_>, Unusable> {
        let unread = |error: io::Error| Unusable::Unread(self.path.clone(), error);
        let file = Arc::new(Mutex::new(File::open(&self.path).map_err(unread)?));
        Ok(Contents { package: self, file })
    }
}

/// The definitions of a package, each with what reads it when it is needed. One that can't be read any more
/// is none, and told so.
pub struct Contents<'p> {
    package: &'p SitePackage,
    /// Open as long as it is needed: what takes its place in the folder is another file.
    file: Arc<Mutex<File>>,
}

impl<'p> Contents<'p> {
    pub fn profiles(&self) -> impl Iterator<Item = (&'p Definition, MakeDefinition)> {
        self.each(&self.package.index.profiles)
    }

    pub fn value_sets(&self) -> impl Iterator<Item = (&'p Definition, MakeDefinition)> {
        self.each(&self.package.index.value_sets)
    }

    pub fn code_systems(&self) -> impl Iterator<Item = (&'p Definition, MakeDefinition)> {
        self.each(&self.package.index.code_systems)
    }

    /// Read at once: what they ask of all resources may not be left out.
    pub fn guides(&self) -> Result<Vec<Value>, Unusable> {
        let SitePackage { index, path, body_at } = self.package;
        let read = |of: &Definition| {
            let read = read_definition(&self.file, body_at.saturating_add(of.at), of.bytes);
            read.map_err(|error| Unusable::Unread(path.clone(), error))
        };
        index.guides.iter().map(read).collect()
    }

    fn each(
        &self,
        all: &'p [Definition],
    ) -> impl Iterator<Item = (&'p Definition, MakeDefinition)> + use<'p> {
        let (file, start) = (Arc::clone(&self.file), self.package.body_at);
        all.iter().map(move |definition| {
            let (file, at, bytes) =
                (Arc::clone(&file), start.saturating_add(definition.at), definition.bytes);
            let make = move || read_definition(&file, at, bytes).unwrap_or_default();
            (definition, Box::new(make) as MakeDefinition)
        })
    }
}

fn read_definition(file: &Mutex<File>, at: u64, bytes: u64) -> io::Result<Value> {
    let mut text = Vec::new();
    {
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(at))?;
        (&mut *file).take(bytes).read_to_end(&mut text)?;
    }
    Ok(serde_json::from_slice(&text)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn package(name: &str, version: &str, fhir: &[&str]) -> Package {
        Package {
            name: name.to_owned(),
            version: version.to_owned(),
            fhir_versions: fhir.iter().map(|version| (*version).to_owned()).collect(),
            dependencies: BTreeMap::new(),
            resources: vec![
                json!({"resourceType": "StructureDefinition", "url": "urn:a", "version": "1", "n": "山"}),
                json!({"resourceType": "ValueSet", "url": "urn:v"}),
                json!({"resourceType": "Patient"}),
                json!({"resourceType": "ImplementationGuide", "n": 1, "global": []}),
                json!({"resourceType": "StructureDefinition", "url": "urn:b"}),
            ],
        }
    }

    #[test]
    fn versions_are_sorted_by_their_numbers() {
        let mut versions =
            [Some("1.12.0"), None, Some("1.9.0"), Some("1.9"), Some("1.5.2-snap"), Some("next")];
        versions.sort_by_cached_key(|version| age(*version));
        let sorted =
            [None, Some("next"), Some("1.5.2-snap"), Some("1.9"), Some("1.9.0"), Some("1.12.0")];
        assert_eq!(versions, sorted);
    }

    #[test]
    fn what_was_packed_is_read_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let (index, bytes) = pack(&package("a.r4", "1.0.0-x", &["4.0.1"]), b"tgz").expect("packed");
        let path = index.path_in(folder.path());
        std::fs::write(&path, &bytes).expect("written");
        std::fs::write(folder.path().join(".x.package.new"), "half").expect("written");
        let found = open(folder.path()).expect("opened");
        assert_eq!((found.len(), &found[0].index), (1, &index));
        let contents = found[0].contents().expect("open");
        let value_sets: Vec<Value> = contents.value_sets().map(|(_, make)| make()).collect();
        assert_eq!(value_sets, [json!({"resourceType": "ValueSet", "url": "urn:v"})]);
        let guides = contents.guides().expect("read");
        assert_eq!(guides, [json!({"resourceType": "ImplementationGuide", "global": []})]);
        let profiles: Vec<Value> = contents.profiles().map(|(_, make)| make()).collect();
        assert_eq!(profiles[0]["n"], "山");
        assert_eq!(profiles[1]["url"], "urn:b");
        for cut in [0, 10, bytes.len() - 1] {
            std::fs::write(&path, &bytes[..cut]).expect("written");
            assert!(matches!(open(folder.path()), Err(Unusable::Refused(_))), "cut at {cut}");
        }
    }

    #[test]
    fn only_packages_of_r4_with_a_plain_name_are_packed() {
        for (name, version, fhir, why) in [
            ("a", "1", &["5.0.0"][..], "FHIR 5.0.0"),
            ("a", "1", &[], "fhirVersions"),
            ("../a", "1", &["4.0.1"], "signs"),
            ("a", "1/../../b", &["4.0.1"], "signs"),
            (".a", "1", &["4.0.1"], "signs"),
        ] {
            let refused = pack(&package(name, version, fhir), b"").expect_err(name);
            assert!(refused.en.contains(why), "{}", refused.en);
        }
        assert!(pack(&package("a", "1", &["4.3.0", "4.0.1"]), b"").is_ok());
    }

    #[test]
    fn a_dependency_is_there_in_the_version_that_is_asked_for() {
        let index = |name: &str, version: &str, needs: &[(&str, &str)]| {
            let mut package = package(name, version, &["4.0.1"]);
            package.dependencies = needs
                .iter()
                .map(|(name, version)| ((*name).to_owned(), (*version).to_owned()))
                .collect();
            pack(&package, b"").expect("packed").0
        };
        let core = index("core", "1.1.2", &[("hl7.fhir.r4.core", "4.0.1")]);
        for (asked, is_here) in
            [("1.1.2", true), ("1.1.x", true), ("latest", true), ("1.2.x", false), ("1.1.3", false)]
        {
            let clins = index("clins", "1", &[("core", asked)]);
            let found = missing(&[&core, &clins]);
            assert_eq!(found.is_empty(), is_here, "{asked}");
            assert!(found.iter().all(|one| one.is_here_as == Some("1.1.2")), "{asked}");
        }
        let lone = index("clins", "1", &[("core", "1")]);
        assert_eq!(missing(&[&lone])[0].is_here_as, None);
    }
}
