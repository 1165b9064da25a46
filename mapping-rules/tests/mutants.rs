//! Broken on purpose: for each constraint of the profiles that an official example meets, the example
//! is broken in just that place, and must be refused; and changed where the profile leaves it free,
//! and must stay valid. The label is known by construction.
//!
//! The examples lie in `../shared`, or where `GENKAN_SHARED` says; without them this skips.
//! `GENKAN_MUTANTS_DIR=FOLDER` writes what was made to it, for another validator to judge: a folder
//! for each profile, and `mutants.tsv` with a line for each file: its name, the profile that it is to
//! be held against, `broken` or `free`, and what was done to which example.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use genkan_fhir::definitions::Definitions;
use genkan_fhir::validation::{Profiles, Report, Validator, ValueSets};
use genkan_mapping::conformance;
use serde_json::{Value, json};

const GUIDE: &str = "1.5.3";
/// Killed of a hundred.
const KILLED_MIN: usize = 99;

/// A place in a document: keys and indices.
type Place = Vec<Step>;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Key(String),
    At(usize),
}

/// A document that was changed in one place.
struct Mutant {
    /// `min Patient.name.text`
    what: String,
    document: Value,
    stays_valid: bool,
}

/// Where another validator finds what was made; nowhere unless it is asked for.
struct Corpus {
    folder: Option<PathBuf>,
    list: String,
    count: usize,
}

impl Corpus {
    fn of_environment() -> Self {
        let folder = std::env::var_os("GENKAN_MUTANTS_DIR").map(PathBuf::from);
        Self { folder, list: String::new(), count: 0 }
    }

    fn add(&mut self, url: &str, file: &str, mutant: &Mutant) {
        let Some(folder) = &self.folder else { return };
        let profile = url.rsplit('/').next().expect("a name");
        std::fs::create_dir_all(folder.join(profile)).expect("a folder");
        self.count += 1;
        let name = format!("{profile}/{:05}.json", self.count);
        let text = serde_json::to_string_pretty(&mutant.document).expect("JSON");
        std::fs::write(folder.join(&name), text).expect("written");
        let label = if mutant.stays_valid { "free" } else { "broken" };
        self.list += &format!("{name}\t{url}\t{label}\t{} in {file}\n", mutant.what);
    }

    fn finish(self) {
        let Some(folder) = self.folder else { return };
        std::fs::write(folder.join("mutants.tsv"), self.list).expect("written");
        println!("{} files written to {}", self.count, folder.display());
    }
}

struct Known {
    profiles: Profiles,
    value_sets: ValueSets,
    /// The elements of each profile's differential, by their ids.
    elements: BTreeMap<String, BTreeMap<String, Value>>,
}

fn known() -> Known {
    let version = GUIDE.parse().expect("a version");
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
    Known { profiles, value_sets, elements }
}

fn examples() -> Option<Vec<(String, Value)>> {
    let shared = std::env::var_os("GENKAN_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let folder = std::fs::read_dir(shared.join("examples/clins")).ok()?;
    let mut files: Vec<PathBuf> = folder.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    let read = |path: PathBuf| {
        let document = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
        Some((path.file_name()?.to_str()?.to_owned(), document))
    };
    Some(files.into_iter().filter_map(read).collect())
}

impl Known {
    fn validate(&self, document: &Value, url: &str) -> Report {
        let validator = Validator::new(&self.profiles, &self.value_sets);
        validator.validate(document.to_string().as_bytes(), None, &[url])
    }

    /// Where the elements of an id stand in a document.
    fn places(&self, url: &str, id: &str, document: &Value) -> Vec<Place> {
        let elements = &self.elements[url];
        let mut found: Vec<Place> = vec![Vec::new()];
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

fn at<'d>(document: &'d Value, place: &[Step]) -> &'d Value {
    place.iter().fold(document, |value, step| match step {
        Step::Key(key) => &value[key.as_str()],
        Step::At(index) => &value[*index],
    })
}

/// The items of an element, each by itself; `onset[x]` under whatever name it has.
fn below(document: &Value, place: &[Step], name: &str) -> Vec<Place> {
    let Some(parent) = at(document, place).as_object() else { return Vec::new() };
    let is_named = |key: &str| match name.strip_suffix("[x]") {
        Some(stem) => key
            .strip_prefix(stem)
            .is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_uppercase())),
        None => key == name,
    };
    let mut found = Vec::new();
    for (key, value) in parent.iter().filter(|(key, _)| is_named(key)) {
        let own = [place, &[Step::Key(key.clone())]].concat();
        match value.as_array() {
            Some(items) => {
                found.extend((0..items.len()).map(|index| [&own[..], &[Step::At(index)]].concat()));
            }
            None => found.push(own),
        }
    }
    found
}

/// By the discriminators of the sliced element.
fn is_of_slice(
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

/// Without what stands there; an array that gets empty goes, and so does an object.
fn without(document: &Value, place: &[Step]) -> Value {
    let mut document = document.clone();
    let mut place = place.to_vec();
    while let Some(last) = place.pop() {
        let parent = place.iter().fold(&mut document, |value, step| match step {
            Step::Key(key) => &mut value[key.as_str()],
            Step::At(index) => &mut value[*index],
        });
        match (&last, &mut *parent) {
            (Step::Key(key), Value::Object(fields)) => {
                fields.remove(key);
                fields.remove(&format!("_{key}"));
            }
            (Step::At(index), Value::Array(items)) => {
                items.remove(*index);
            }
            _ => {}
        }
        let is_empty = match parent {
            Value::Object(fields) => fields.is_empty(),
            Value::Array(items) => items.is_empty(),
            _ => false,
        };
        if !is_empty {
            break;
        }
    }
    document
}

fn with(document: &Value, place: &[Step], change: impl FnOnce(&mut Value)) -> Value {
    let mut document = document.clone();
    change(place.iter().fold(&mut document, |value, step| match step {
        Step::Key(key) => &mut value[key.as_str()],
        Step::At(index) => &mut value[*index],
    }));
    document
}

/// What an element says of itself, as numbers.
fn count(element: &Value) -> (u64, Option<u64>) {
    let max = element["max"].as_str().and_then(|max| max.parse().ok());
    (element["min"].as_u64().unwrap_or(0), max)
}

/// The element tells the items of its slice apart, and the slice need not be there: without it, the
/// item is just another one.
fn frees_its_item(elements: &BTreeMap<String, Value>, id: &str) -> bool {
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

/// All that can be broken of one element in one document.
fn mutants(known: &Known, url: &str, id: &str, document: &Value) -> Vec<Mutant> {
    let elements = &known.elements[url];
    let element = &elements[id];
    let Some((parent, name)) = id.rsplit_once('.') else { return Vec::new() };
    let mut made = Vec::new();
    let mut add = |what: &str, document: Value| {
        made.push(Mutant { what: format!("{what} {id}"), document, stays_valid: false });
    };
    let (min, max) = count(element);
    let plain = name.split(':').next().unwrap_or(name);
    let frees = frees_its_item(elements, id);
    for place in known.places(url, parent, document) {
        let holder = at(document, &place);
        let own: Vec<Place> = known
            .places(url, id, document)
            .into_iter()
            .filter(|own| own.starts_with(&place))
            .collect();
        let keys = holder.as_object().map_or(0, serde_json::Map::len);
        if min > 0 && own.len() as u64 == min && keys > 1 && !frees {
            add("min", without(document, &own[0]));
        }
        if let (Some(max), Some(one)) = (max, own.first())
            && let (Some(Step::At(_)), true) = (one.last(), own.len() as u64 == max)
        {
            let list = &one[..one.len() - 1];
            let item = at(document, one).clone();
            add(
                "max",
                with(document, list, |items| items.as_array_mut().expect("a list").push(item)),
            );
        }
        if max == Some(0) && own.is_empty() && holder.is_object() {
            let of_type = id.split(['.', ':']).next().unwrap_or_default();
            if let Some(sample) = sample(of_type, parent, plain) {
                add("none", with(document, &place, |holder| holder[plain] = sample));
            }
        }
        for place in own {
            let value = at(document, &place);
            let asked = [&element["fixedValue"], &element["patternValue"]];
            let is_asked = asked.iter().any(|asked| asked.is_string() && *asked == value);
            if is_asked && !frees {
                let other = json!(format!("{}x", value.as_str().unwrap_or_default()));
                add("value", with(document, &place, |value| *value = other));
            }
        }
    }
    made
}

/// Something of the element's type.
fn sample(of_type: &str, parent: &str, name: &str) -> Option<Value> {
    let plain = |part: &str| part.split(':').next().unwrap_or(part).to_owned();
    let mut path = of_type.to_owned();
    for part in parent.split('.').skip(1) {
        let part = plain(part);
        let element = Definitions::r4().children(&path)?.iter().find(|one| one.name == part)?;
        path = match element.types.first()?.code {
            "BackboneElement" | "Element" => format!("{path}.{part}"),
            code => code.to_owned(),
        };
    }
    let element = Definitions::r4().children(&path)?.iter().find(|one| one.name == name)?;
    let one = match element.types.first()?.code {
        "boolean" => json!(true),
        "string" | "code" => json!("x"),
        "Extension" => json!({"url": "http://example.jp/x", "valueString": "x"}),
        "CodeableConcept" => json!({"text": "x"}),
        "Period" => json!({"start": "2024-04-01"}),
        "Identifier" => json!({"value": "x"}),
        _ => return None,
    };
    Some(if element.max > 1 { json!([one]) } else { one })
}

/// Changes that the profile leaves free: other words, and what need not be there.
fn twins(known: &Known, url: &str, id: &str, document: &Value) -> Vec<Mutant> {
    let element = &known.elements[url][id];
    let (min, _) = count(element);
    let is_said = !element["fixedValue"].is_null() || !element["patternValue"].is_null();
    let name = id.rsplit('.').next().unwrap_or_default();
    let mut made = Vec::new();
    for place in known.places(url, id, document) {
        if ["text", "note"].contains(&name) && at(document, &place).is_string() && !is_said {
            let other =
                json!(format!("{}（別記）", at(document, &place).as_str().unwrap_or_default()));
            made.push(with(document, &place, |value| *value = other));
        }
        let free = [
            "note",
            "recordedDate",
            "issued",
            "authoredOn",
            "interpretation",
            "versionId",
            "severity",
        ];
        if min == 0 && free.contains(&name) {
            made.push(without(document, &place));
        }
    }
    let twin = |document| Mutant { what: format!("free {id}"), document, stays_valid: true };
    made.into_iter().map(twin).collect()
}

/// Rules that are expressions: an example, where it is broken, by what, and the rule that says so.
fn broken_rules() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    const BUNDLE: &str = "Bundle-Bundle-CLINS-Observations-Example-01";
    const PATIENT: &str = "Patient-Example-JP-Patient-eCS-MAKINO";
    const DRUG: &str = "MedicationRequest-Example-JP-MedReq-PO-4timez-7days";
    vec![
        (
            PATIENT,
            "/identifier",
            json!([{"system": "urn:oid:1.2.392.100495.20.3.51.11234567890", "value": "1"}]),
            "R1012",
        ),
        (PATIENT, "/name/0/text", json!("牧野　富太郎"), "R1113"),
        (BUNDLE, "/meta/profile", json!(["http://example.jp/other"]), "R0213"),
        (BUNDLE, "/meta/tag/0/code", json!("MedicationRequest"), "R02142"),
        (BUNDLE, "/meta/tag/0/code", json!("Condition"), "R02143"),
        (BUNDLE, "/identifier/value", json!("1234567890^2024"), "R2152"),
        (BUNDLE, "/entry/1/resource/extension", Value::Null, "R9011"),
        (BUNDLE, "/entry/1/resource/contained", Value::Null, "R9013O"),
        (BUNDLE, "/entry/0/resource/meta/profile", json!(["http://example.jp/other"]), "R0212"),
        (
            DRUG,
            "/medicationCodeableConcept/coding",
            json!([{"system": "http://example.jp/house", "code": "1", "display": "x"}]),
            "R3010",
        ),
    ]
}

#[test]
fn what_is_broken_is_refused_and_what_is_free_is_not() {
    let Some(examples) = examples() else {
        println!("skipped: no official examples");
        return;
    };
    let known = known();
    let (mut broken, mut survived, mut free, mut alarms) = (0, Vec::new(), 0, Vec::new());
    let mut corpus = Corpus::of_environment();
    for (file, document) in &examples {
        let claimed = document["meta"]["profile"][0].as_str().unwrap_or_default();
        let url = claimed.split('|').next().unwrap_or_default();
        let Some(elements) = known.elements.get(url) else { continue };
        if !known.validate(document, url).is_valid() {
            continue;
        }
        let made = elements.keys().flat_map(|id| {
            let twins = twins(&known, url, id, document);
            mutants(&known, url, id, document).into_iter().chain(twins)
        });
        for mutant in made {
            corpus.add(url, file, &mutant);
            let Mutant { what, document, stays_valid } = mutant;
            let report = known.validate(&document, url);
            let list = if stays_valid { &mut alarms } else { &mut survived };
            *(if stays_valid { &mut free } else { &mut broken }) += 1;
            if report.is_valid() != stays_valid {
                let said = report.findings.iter().find(|one| one.is_error());
                list.push(format!(
                    "{file}: {what} {}",
                    said.map(|one| one.english()).unwrap_or_default()
                ));
            }
        }
    }
    corpus.finish();
    let killed = (broken - survived.len()) * 100 / broken.max(1);
    println!(
        "{} of {broken} mutants killed ({killed} %), {} false alarms of {free}",
        broken - survived.len(),
        alarms.len()
    );
    survived.iter().chain(&alarms).take(40).for_each(|one| println!("  {one}"));
    assert!(broken > 500 && free > 50, "{broken} mutants, {free} twins");
    assert!(killed >= KILLED_MIN && alarms.is_empty());
}

#[test]
fn each_rule_of_the_guide_is_told_by_its_id() {
    let Some(examples) = examples() else {
        println!("skipped: no official examples");
        return;
    };
    let known = known();
    let mut missed = BTreeSet::new();
    for (name, pointer, value, rule) in broken_rules() {
        let (_, document) = examples.iter().find(|(file, _)| file.starts_with(name)).expect(name);
        let mut document = document.clone();
        *document.pointer_mut(pointer).expect(pointer) = value;
        let claimed = format!(
            "http://jpfhir.jp/fhir/{}/StructureDefinition/{}",
            if name.starts_with("Bundle") { "clins" } else { "eCS" },
            match name.split('-').next() {
                Some("Bundle") => "JP_Bundle_CLINS",
                Some("Patient") => "JP_Patient_eCS",
                _ => "JP_MedicationRequest_eCS",
            }
        );
        let report = known.validate(&document, &claimed);
        let all =
            report.findings.iter().flat_map(|one| std::iter::once(one).chain(&one.consequences));
        let told: Vec<String> = all.map(|one| one.english()).collect();
        if !told.iter().any(|one| one.contains(&format!("{rule}: "))) {
            missed.insert(format!("{rule} {name}: {told:#?}"));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}
