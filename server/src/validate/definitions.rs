//! Profiles, value sets and codes: what a resource is held against.

use std::fmt;
use std::path::{Path, PathBuf};

use genkan_fhir::validation::{
    CodeQuestion, Limits, Package, Profiles, Validator, ValueSets, definition_from_xml,
};
use genkan_mapping::conformance::{self, Codes, PlannedProfile, Version, WholeSets};
use genkan_mapping::{Diagnostic, Text};
use genkan_masters::Store;
use serde_json::Value;

use super::ValidationConfig;
use super::packages::{self, SitePackage};

/// Extensions of JP Core that Genkan has no rule for; its package brings them.
const OTHERS: [&str; 1] = ["http://jpfhir.jp/fhir/core/Extension/"];

/// Genkan's own profiles for every version of the guide, and what packages brought.
#[derive(Default)]
pub struct Definitions {
    profiles: Profiles,
    value_sets: ValueSets,
    /// Genkan's own value sets that the masters are asked for.
    of_masters: WholeSets,
    limits: Limits,
    refuses_html: bool,
}

/// Why there is nothing to validate against.
#[derive(Debug)]
pub enum Unusable {
    /// A file that can't be read.
    Unread(PathBuf, std::io::Error),
    /// A guide that is not known, a package or a profile that can't be used.
    Refused(Text),
}

impl Unusable {
    pub fn text(&self) -> Text {
        match self {
            Unusable::Unread(path, error) => {
                let path = path.display();
                Text::new(
                    format!("can't read {path}: {error}"),
                    format!("{path} を読めません: {error}"),
                )
            }
            Unusable::Refused(text) => text.clone(),
        }
    }
}

impl fmt::Debug for Definitions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Definitions").finish_non_exhaustive()
    }
}

impl Definitions {
    /// Those of every guide, so that a resource may say which it means, of the packages in the folder of
    /// the site, and of all others. `guide` is meant where a canonical has no version; the newest if it is
    /// not given.
    ///
    /// # Errors
    /// Also for a profile of a package that can't be compiled: it is told before anything is validated.
    pub fn load(
        guide: Option<Version>,
        site: Option<&Path>,
        packages: &[PathBuf],
    ) -> Result<Self, Unusable> {
        let mut definitions = Self::of_guides(guide)?;
        if let Some(folder) = site {
            definitions.add_site_packages(&packages::open(folder)?)?;
        }
        for path in packages {
            let bytes =
                std::fs::read(path).map_err(|error| Unusable::Unread(path.clone(), error))?;
            definitions.add_resources(path, resources(path, &bytes)?)?;
        }
        // Our own compile: a test says so. They are compiled when a resource claims them.
        let errors = if packages.is_empty() { Vec::new() } else { definitions.faults() };
        if errors.is_empty() {
            return Ok(definitions);
        }
        Err(refused(errors.join("\n")))
    }

    /// With the bounds of a configuration, and what it makes of texts that look like HTML.
    #[must_use]
    pub fn configured(self, config: &ValidationConfig) -> Self {
        Self { limits: config.limits(), refuses_html: config.refuse_html, ..self }
    }

    pub fn knows(&self, canonical: &str) -> bool {
        self.profiles.is_known(canonical)
    }

    /// Lends a validator that goes by all this and by these masters.
    pub fn judge<R>(&self, masters: &Store, judge: impl FnOnce(Validator<'_>) -> R) -> R {
        let codes = Codes::new(masters, &self.of_masters);
        let lookup = |question: &CodeQuestion<'_>| codes.ask(question);
        let validator = Validator::new(&self.profiles, &self.value_sets);
        let validator = validator.with_lookup(&lookup).with_unknown_extensions(&OTHERS);
        let validator = validator.with_limits(self.limits);
        judge(if self.refuses_html { validator.refusing_html() } else { validator })
    }

    fn of_guides(meant: Option<Version>) -> Result<Self, Unusable> {
        let planned = conformance::planned(&conformance::built_in(), meant);
        let planned = planned.map_err(|found| told(&found))?;
        let of_masters = WholeSets::of(&planned.value_sets);
        let mut definitions = Self { of_masters, ..Self::default() };
        for PlannedProfile { url, version, make } in planned.profiles {
            definitions.profiles.add_later(url, Some(version), make);
        }
        for resource in &planned.value_sets {
            definitions.value_sets.add(resource);
        }
        Ok(definitions)
    }

    /// The packages of a site were compiled when they were added. Of a profile that several of them have,
    /// the newest is meant where a canonical has no version.
    pub fn add_site_packages<'p>(
        &mut self,
        packages: impl IntoIterator<Item = &'p SitePackage>,
    ) -> Result<(), Unusable> {
        let mut profiles = Vec::new();
        for package in packages {
            let contents = package.contents()?;
            for (of, make) in contents.value_sets() {
                self.value_sets.add_value_set_later(of.url.clone(), make);
            }
            for (of, make) in contents.code_systems() {
                self.value_sets.add_code_system_later(of.url.clone(), make);
            }
            for guide in contents.guides()? {
                self.profiles.add_guide(&guide);
            }
            profiles.extend(contents.profiles());
        }
        profiles.sort_by_cached_key(|(definition, _)| packages::age(definition.version.as_deref()));
        for (definition, make) in profiles {
            let (url, version) = (definition.url.clone(), definition.version.clone());
            self.profiles.add_later(url, version, make);
        }
        Ok(())
    }

    /// Adds what is in a package that is not the site's.
    pub fn add_resources(&mut self, of: &Path, resources: Vec<Value>) -> Result<(), Unusable> {
        resources.into_iter().try_for_each(|resource| self.add(of, resource))
    }

    /// What is wrong with profiles, value sets and code systems: all are read and compiled.
    pub fn faults(&self) -> Vec<String> {
        let profiles = self.profiles.check();
        let unread = self.value_sets.unread();
        let unread = unread.iter().map(|url| format!("{url}: can't be read"));
        profiles.iter().map(ToString::to_string).chain(unread).collect()
    }

    fn add(&mut self, path: &Path, resource: Value) -> Result<(), Unusable> {
        if resource.get("resourceType").and_then(Value::as_str) == Some("StructureDefinition") {
            let added = self.profiles.add(resource);
            return added.map_err(|error| refused(format!("{}: {error}", path.display())));
        }
        self.add_other(&resource);
        Ok(())
    }

    /// A code system, a value set, or a guide that asks something of all resources of a type; whatever else
    /// a package holds is no rule.
    fn add_other(&mut self, resource: &Value) {
        if !self.profiles.add_guide(resource) {
            self.value_sets.add(resource);
        }
    }
}

fn refused(said: String) -> Unusable {
    Unusable::Refused(Text::new(said.clone(), said))
}

fn told(found: &[Diagnostic]) -> Unusable {
    let texts = |of: fn(&Text) -> &str| {
        found.iter().map(|one| of(&one.message)).collect::<Vec<_>>().join("\n")
    };
    Unusable::Refused(Text::new(texts(|text| &text.en), texts(|text| &text.ja)))
}

fn resources(path: &Path, bytes: &[u8]) -> Result<Vec<Value>, Unusable> {
    let failed = |why: String| refused(format!("{}: {why}", path.display()));
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("json") => {
            let value = serde_json::from_slice(bytes).map_err(|error| failed(error.to_string()))?;
            lone(path, value)
        }
        Some("xml") => match definition_from_xml(bytes) {
            Some(value) => lone(path, value),
            None => Err(failed("no resource of R4 in XML".to_owned())),
        },
        _ => match Package::read(bytes) {
            Ok(package) => Ok(package.resources),
            Err(error) => Err(failed(error.to_string())),
        },
    }
}

/// A definition by itself; a package may hold anything beside its definitions.
fn lone(path: &Path, value: Value) -> Result<Vec<Value>, Unusable> {
    let of = value.get("resourceType").and_then(Value::as_str).unwrap_or_default();
    if ["StructureDefinition", "ValueSet", "CodeSystem", "ImplementationGuide"].contains(&of) {
        return Ok(vec![value]);
    }
    let path = path.display();
    Err(Unusable::Refused(Text::new(
        format!(
            "{path}: no StructureDefinition, ValueSet, CodeSystem or ImplementationGuide; nothing here goes by it"
        ),
        format!(
            "{path}: StructureDefinition・ValueSet・CodeSystem・ImplementationGuide ではないため、検証に使えません"
        ),
    )))
}
