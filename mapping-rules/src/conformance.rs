//! Genkan's own conformance profiles (`profiles/`): what 電子カルテ情報共有サービス asks of 5情報 and
//! documents, in a compact form, for each version of the implementation guide (実装ガイド).
//!
//! A file says what it says of the oldest version that is known, and under `changes` what later ones
//! say otherwise. For one guide they become `StructureDefinition`s with a differential, which the
//! validator compiles like those of any package, and the value sets that they bind to.
//!
//! ```
//! use genkan_mapping::conformance::{self, Guide};
//!
//! let files = conformance::built_in();
//! let guides = conformance::guides(&files).expect("the guides");
//! let newest = guides.last().expect("a guide");
//! let made = conformance::read(&files, &newest.version).expect("the profiles");
//! assert!(made.profiles.iter().all(|profile| profile["version"] == newest.version.to_string()));
//! ```

mod codes;
mod element;
mod guide;
mod invariant;
mod profile;
mod value_set;

use std::sync::Arc;

use include_dir::{Dir, include_dir};
use serde_json::Value as Json;

use crate::compile::RuleFiles;
use crate::diagnostic::{Diagnostic, Span};
use crate::yaml::{self, Yaml};

pub use codes::{Codes, WholeSets};
pub use guide::{Guide, Version};

static BUILT_IN: Dir = include_dir!("$CARGO_MANIFEST_DIR/profiles");

const GUIDES: &str = "guides.yaml";
const VALUE_SETS: &str = "value-sets.yaml";

/// What the profiles are for one version of the guide, as FHIR resources.
#[derive(Debug, Clone, Default)]
pub struct Conformance {
    /// `StructureDefinition`s.
    pub profiles: Vec<Json>,
    /// `ValueSet`s and `CodeSystem`s.
    pub value_sets: Vec<Json>,
}

/// What [`planned`] gives.
#[derive(Default)]
pub struct Planned {
    pub profiles: Vec<PlannedProfile>,
    /// `ValueSet`s and `CodeSystem`s.
    pub value_sets: Vec<Json>,
}

/// A profile of one version of the guide.
pub struct PlannedProfile {
    pub url: String,
    pub version: String,
    pub make: Box<dyn FnOnce() -> Json + Send>,
}

/// The files that come with Genkan, by name.
pub fn built_in() -> RuleFiles {
    let mut files: Vec<(String, Vec<u8>)> = BUILT_IN
        .files()
        .filter(|file| file.path().extension().is_some_and(|extension| extension == "yaml"))
        .map(|file| (file.path().display().to_string(), file.contents().to_vec()))
        .collect();
    files.sort();
    RuleFiles(files)
}

/// The versions of the guide that the files know, the oldest first.
pub fn guides(files: &RuleFiles) -> Result<Vec<Guide>, Vec<Diagnostic>> {
    let tree = tree(files, |name| name == GUIDES)?;
    let (_, yaml) = tree.first().ok_or_else(|| vec![missing(GUIDES)])?;
    guide::read(yaml)
}

/// Everything that the files say of one version.
pub fn read(files: &RuleFiles, version: &Version) -> Result<Conformance, Vec<Diagnostic>> {
    let guides = guides(files)?;
    let Some(guide) = guides.iter().find(|guide| guide.version == *version) else {
        return Err(vec![guide::unknown(*version, guides.iter().map(|guide| guide.version))]);
    };
    made(&tree(files, |name| name != GUIDES)?, guide)
}

/// Every profile of every guide, each made when it is first needed, and the value sets, which are the
/// same for all. `meant` is the guide that a canonical without a version means, and comes last; the newest
/// if it is not given.
pub fn planned(files: &RuleFiles, meant: Option<Version>) -> Result<Planned, Vec<Diagnostic>> {
    let mut guides = guides(files)?;
    if let Some(meant) = meant {
        let place = guides.iter().position(|guide| guide.version == meant);
        let known = || guides.iter().map(|guide| guide.version);
        let place = place.ok_or_else(|| vec![guide::unknown(meant, known())])?;
        let last = guides.remove(place);
        guides.push(last);
    }
    let mut planned = Planned::default();
    for (name, yaml) in tree(files, |name| name != GUIDES)? {
        if name == VALUE_SETS {
            planned.value_sets = value_set::read(&yaml)?;
            continue;
        }
        let (url, yaml) = (profile::url(&yaml).map_err(|found| vec![found])?, Arc::new(yaml));
        for guide in &guides {
            for version in guide.names() {
                let (yaml, guide, named) = (Arc::clone(&yaml), guide.clone(), version.clone());
                // What can't be made is no definition, and the validator says so.
                let make = move || profile::read_as(&yaml, &guide, &named).unwrap_or_default();
                let (url, make) = (url.clone(), Box::new(make));
                planned.profiles.push(PlannedProfile { url, version, make });
            }
        }
    }
    Ok(planned)
}

fn made(trees: &[(&str, Yaml)], guide: &Guide) -> Result<Conformance, Vec<Diagnostic>> {
    let mut made = Conformance::default();
    let mut found = Vec::new();
    for (name, yaml) in trees {
        let done = match *name {
            VALUE_SETS => value_set::read(yaml).map(|sets| made.value_sets.extend(sets)),
            _ => profile::read(yaml, guide).map(|of| made.profiles.extend(of)),
        };
        found.extend(done.err().into_iter().flatten());
    }
    if found.is_empty() { Ok(made) } else { Err(found) }
}

/// The files of which the name is wanted, read as YAML.
fn tree(
    files: &RuleFiles,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<(&str, Yaml)>, Vec<Diagnostic>> {
    let (mut trees, mut found) = (Vec::new(), Vec::new());
    for (index, (name, bytes)) in (0_u16..).zip(&files.0).filter(|(_, (name, _))| wanted(name)) {
        let at_start = Span { file: index, line: 1, column: 1, length: 1 };
        let text = std::str::from_utf8(bytes).map_err(|_| {
            Diagnostic::error("E0103", at_start, "the file is not UTF-8", "UTF-8 ではありません")
        });
        match text.and_then(|text| yaml::parse(index, text)) {
            Ok(yaml) => trees.push((name.as_str(), yaml)),
            Err(diagnostic) => found.push(diagnostic),
        }
    }
    if found.is_empty() { Ok(trees) } else { Err(found) }
}

fn missing(name: &str) -> Diagnostic {
    let en = format!("{name} is missing");
    Diagnostic::error("E0701", Span::default(), en, format!("{name} がありません"))
}
