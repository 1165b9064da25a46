//! What the corpus is made from: the profiles of one guide, and the official examples.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use genkan_fhir::definitions::Definitions;
use genkan_fhir::validation::{Profiles, Report, Validator, ValueSets};
use genkan_mapping::conformance;
use serde_json::Value;

use crate::place::{Place, Step, at, below};

pub struct Known {
    pub profiles: Profiles,
    pub value_sets: ValueSets,
    /// The elements of each profile's differential, by their ids.
    pub elements: BTreeMap<String, BTreeMap<String, Value>>,
    /// The codes of the value sets that are spelled out, each with its system.
    pub codes: BTreeMap<String, Vec<(String, String)>>,
}

pub fn known(guide: &str) -> Known {
    let version = guide.parse().expect("a version");
    let made = conformance::read(&conformance::built_in(), &version).expect("the profiles");
    let (mut profiles, mut value_sets) = (Profiles::default(), ValueSets::default());
    let mut elements = BTreeMap::new();
    for profile in made.profiles {
        let url = profile["url"].as_str().expect("a url").to_owned();
        let listed = profile["differential"]["element"].as_array().expect("elements");
        let of =
            listed.iter().map(|one| (one["id"].as_str().expect("an id").to_owned(), one.clone()));
        elements.insert(url, of.collect());
        profiles.add(profile).expect("a url");
    }
    made.value_sets.iter().for_each(|set| assert!(value_sets.add(set)));
    let codes = spelled_out(&made.value_sets);
    Known { profiles, value_sets, elements, codes }
}

/// Value sets that take whole code systems which are complete here: the masters' ones are not.
fn spelled_out(resources: &[Value]) -> BTreeMap<String, Vec<(String, String)>> {
    let url = |resource: &Value| resource["url"].as_str().unwrap_or_default().to_owned();
    let of = |name: &'static str| resources.iter().filter(move |one| one["resourceType"] == name);
    let systems: BTreeMap<String, &Value> = of("CodeSystem")
        .filter(|system| system["content"] == "complete")
        .map(|system| (url(system), system))
        .collect();
    let codes = |include: &Value| {
        let name = include["system"].as_str()?;
        let concepts = systems.get(name)?["concept"].as_array()?;
        let code = |concept: &Value| Some((name.to_owned(), concept["code"].as_str()?.to_owned()));
        concepts.iter().map(code).collect::<Option<Vec<_>>>()
    };
    let sets = of("ValueSet").filter_map(|set| {
        let includes = set["compose"]["include"].as_array()?;
        let parts: Option<Vec<_>> = includes.iter().map(codes).collect();
        Some((url(set), parts?.concat()))
    });
    sets.collect()
}

pub fn examples() -> Option<Vec<(String, Value)>> {
    let shared = std::env::var_os("GENKAN_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let folder = std::fs::read_dir(shared.join("examples/clins")).ok()?;
    let mut files: Vec<PathBuf> = folder.filter_map(|entry| Some(entry.ok()?.path())).collect();
    // What is in a bundle stands alone too, and is quicker judged there.
    files.sort_by_key(|file| (file.to_string_lossy().contains("/Bundle-"), file.clone()));
    let read = |path: PathBuf| {
        let document = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
        Some((path.file_name()?.to_str()?.to_owned(), document))
    };
    Some(files.into_iter().filter_map(read).collect())
}

impl Known {
    /// The codes of a value set, of the profiles or of R4.
    pub fn codes(&self, value_set: &str) -> Option<Vec<(String, String)>> {
        let url = value_set.split('|').next()?;
        let of_r4 = || {
            let codes = Definitions::r4().value_set_codes(url)?;
            Some(codes.iter().map(|one| (one.system.to_owned(), one.code.to_owned())).collect())
        };
        self.codes.get(url).cloned().or_else(of_r4)
    }

    pub fn validate(&self, document: &Value, url: &str) -> Report {
        let validator = Validator::new(&self.profiles, &self.value_sets);
        validator.validate(document.to_string().as_bytes(), None, &[url])
    }

    /// Where the elements of an id stand in a document, below the resource at `base`.
    pub fn places(&self, url: &str, id: &str, document: &Value, base: &[Step]) -> Vec<Place> {
        let elements = &self.elements[url];
        let mut found: Vec<Place> = vec![base.to_vec()];
        let mut path = String::new();
        for part in id.split('.') {
            let (name, slice) = match part.split_once(':') {
                Some((name, slice)) => (name, Some(slice)),
                None => (part, None),
            };
            if path.is_empty() {
                path.push_str(name);
                continue;
            }
            path = format!("{path}.{name}");
            found = found.iter().flat_map(|place| below(document, place, name)).collect();
            if let Some(slice) = slice {
                let sliced = path.clone();
                path = format!("{path}:{slice}");
                found.retain(|place| is_of_slice(elements, (&sliced, &path), at(document, place)));
            }
        }
        found
    }
}

/// By the discriminators of the sliced element.
pub fn is_of_slice(
    elements: &BTreeMap<String, Value>,
    (sliced, slice): (&str, &str),
    item: &Value,
) -> bool {
    let slicing = elements.get(sliced).map(|element| &element["slicing"]["discriminator"]);
    let Some(discriminators) = slicing.and_then(Value::as_array) else {
        // Extensions are sliced by url, whether it is said or not.
        return item["url"].is_string() && item["url"] == elements[slice]["type"][0]["profile"][0];
    };
    discriminators.iter().all(|discriminator| {
        let path = discriminator["path"].as_str().unwrap_or_default();
        match discriminator["type"].as_str() {
            Some("value") if path == "url" => {
                item["url"] == elements[slice]["type"][0]["profile"][0]
            }
            Some("value" | "pattern") => {
                let own = elements.get(&format!("{slice}.{path}"));
                let value = own.map(|own| {
                    if own["fixedValue"].is_null() {
                        &own["patternValue"]
                    } else {
                        &own["fixedValue"]
                    }
                });
                value.is_some_and(|value| !value.is_null() && item[path] == *value)
            }
            Some("type") => item["resourceType"] == elements[slice]["type"][0]["code"],
            _ => false,
        }
    })
}

/// What an element says of itself, as numbers.
pub fn count(element: &Value) -> (u64, Option<u64>) {
    let max = element["max"].as_str().and_then(|max| max.parse().ok());
    (element["min"].as_u64().unwrap_or(0), max)
}

/// The element tells the items of its slice apart, and the slice need not be there: without it, the
/// item is just another one.
pub fn frees_its_item(elements: &BTreeMap<String, Value>, id: &str) -> bool {
    let parts: Vec<&str> = id.split('.').collect();
    (1..parts.len()).any(|length| {
        let slice = parts[..length].join(".");
        let Some((sliced, _)) = slice.rsplit_once(':') else { return false };
        if sliced.rsplit('.').next() != parts[length - 1].split(':').next() {
            return false;
        }
        let rest = parts[length..].join(".");
        let slicing = elements.get(sliced).map(|element| &element["slicing"]["discriminator"]);
        let mut paths = slicing.and_then(Value::as_array).into_iter().flatten();
        let tells = paths.any(|one| {
            one["path"]
                .as_str()
                .is_some_and(|path| path == rest || path.starts_with(&format!("{rest}.")))
        });
        tells && elements.get(&slice).is_none_or(|slice| count(slice).0 == 0)
    })
}
