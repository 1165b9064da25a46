//! A registration unit (登録単位) of 5情報 as a Bundle of the profile JP_Bundle_CLINS: the patient, and
//! resources of one type. [`build`] is pure: emitted resources in, bytes out, the same bytes every
//! time. [`collect`] plans and fetches what it needs, [`conformity`] holds the result against the profiles;
//! [`operation`] is what a client calls.
//!
//! Spec: JP-CLINS, <https://jpfhir.jp/fhir/clins/igv1/>; the unit is figure 39 of the technical guide
//! of 電子カルテ情報共有サービス.

pub mod collect;
mod conformity;
mod contained;
mod entry;
mod flags;
mod identifier;
mod insured;
mod issue;
mod kind;
mod links;
pub mod operation;
mod report;

#[cfg(test)]
pub mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, FixedOffset, SecondsFormat};
use genkan_mapping::diagnostic::Text;
use serde_json::{Map, Value, json};

use contained::Surroundings;
use entry::Office;

pub use collect::RESOURCES_MAX;
pub use issue::{NoBundle, UnitIssue};
pub use kind::Kind;
pub use report::BundleConfig;

const PROFILE: &str = "http://jpfhir.jp/fhir/clins/StructureDefinition/JP_Bundle_CLINS";
const TYPE_TAG_SYSTEM: &str = "http://jpfhir.jp/fhir/clins/CodeSystem/BundleResourceType_CS";
/// 「10 メガバイト」 for one transmission, read the stricter way.
pub const BYTES_MAX: usize = 10_000_000;

/// An emitted resource on its way into a Bundle.
#[derive(Debug, Clone)]
pub struct Part {
    pub resource: Map<String, Value>,
    pub places: Arc<Places>,
}

/// Where in the rules a resource and its elements are written, as `file:line`.
#[derive(Debug, Default)]
pub struct Places {
    pub rule: String,
    pub elements: Vec<Place>,
}

/// Where an element of a resource comes from.
#[derive(Debug, Clone)]
pub struct Place {
    /// The element's name in JSON.
    pub name: String,
    /// `file:line`
    pub place: String,
    /// `alias.COLUMN` of everything that it reads.
    pub columns: Vec<String>,
}

impl Places {
    /// The nearest place of a FHIRPath like `Condition.onset` or `Condition.stage[0].type`.
    fn of(&self, expression: &str) -> &str {
        self.element(expression).map_or(&self.rule, |element| &element.place)
    }

    fn element(&self, expression: &str) -> Option<&Place> {
        let element = expression.split(['.', '[']).nth(1).filter(|name| !name.is_empty())?;
        let named = self.elements.iter().find(|place| place.name == element);
        // `onset` is written `onsetDateTime`.
        named.or_else(|| self.elements.iter().find(|place| place.name.starts_with(element)))
    }
}

impl Part {
    /// `Type/id`
    pub fn name(&self) -> String {
        let id = self.resource.get("id").and_then(Value::as_str).unwrap_or("");
        format!("{}/{id}", contained::type_of(&self.resource))
    }

    fn last_updated(&self) -> Option<DateTime<FixedOffset>> {
        let text = self.resource.get("meta")?.get("lastUpdated")?.as_str()?;
        DateTime::parse_from_rfc3339(text).ok()
    }
}

/// Everything that a Bundle is made of.
#[derive(Debug)]
pub struct Unit {
    pub kind: Kind,
    /// 10桁医療機関コード
    pub institution_no: String,
    /// 発行年 in the identifier.
    pub year: i32,
    /// What tells this unit from every other of the institution: a keyed hash.
    pub unique: [u8; 16],
    /// In which zone times are written.
    pub zone: FixedOffset,
    pub patient: Part,
    /// In the order of the entries.
    pub resources: Vec<Part>,
    /// What they refer to, and so on, by `Type/id`.
    pub referred: BTreeMap<String, Part>,
    /// Found while the resources were emitted.
    pub issues: Vec<UnitIssue>,
    pub bytes_max: usize,
}

/// The bytes to send, and what is to be said of them.
#[derive(Debug)]
pub struct Built {
    pub json: Vec<u8>,
    /// Warnings and information; never an error.
    pub issues: Vec<UnitIssue>,
    /// Of each entry.
    pub origins: Vec<Origin>,
}

/// `Type/id` of a resource, and where its rule is written.
pub type Origin = (String, Arc<Places>);

/// Makes the Bundle of a unit, or says everything that stands against it.
pub fn build(unit: Unit) -> Result<Built, NoBundle> {
    if unit.resources.is_empty() {
        return Err(NoBundle::NothingToRegister(unit.kind));
    }
    let mut issues = unit.issues;
    check_identifier(&unit.institution_no, unit.year, &mut issues);
    let id = identifier::value(&unit.institution_no, unit.year, unit.kind, unit.unique);
    let patient = unit.patient.name();
    let patient_url = identifier::full_url(&id, &patient);
    let surroundings =
        Surroundings { patient: &patient, patient_url: &patient_url, referred: &unit.referred };
    let office = Office { kind: unit.kind, institution_no: &unit.institution_no, surroundings };
    let mut entries = Vec::with_capacity(unit.resources.len() + 1);
    let resource = office.patient(&unit.patient, &mut issues);
    entries.push(json!({"fullUrl": patient_url, "resource": resource}));
    for part in &unit.resources {
        let full_url = identifier::full_url(&id, &part.name());
        let resource = office.resource(part, &mut issues);
        entries.push(json!({"fullUrl": full_url, "resource": resource}));
    }
    if issues.iter().any(UnitIssue::is_error) {
        return Err(NoBundle::Refused(issues));
    }
    let parts = unit.resources.iter().chain([&unit.patient]).chain(unit.referred.values());
    // Each entry has one, or it would have been refused.
    let newest = parts.filter_map(Part::last_updated).max();
    let time = newest
        .map(|time| time.with_timezone(&unit.zone).to_rfc3339_opts(SecondsFormat::Millis, false));
    let bundle = json!({
        "resourceType": "Bundle",
        "meta": {
            "lastUpdated": time,
            "profile": [PROFILE],
            "tag": [{"system": TYPE_TAG_SYSTEM, "code": unit.kind.resource_type()}],
        },
        "language": "ja",
        "identifier": {"system": identifier::SYSTEM, "value": id},
        "type": "collection",
        "timestamp": time,
        "entry": entries,
    });
    let origins = [&unit.patient].into_iter().chain(&unit.resources);
    let origins = origins.map(|part| (part.name(), Arc::clone(&part.places))).collect();
    let json = bundle.to_string().into_bytes();
    if json.len() > unit.bytes_max {
        return Err(NoBundle::TooLarge { bytes: json.len(), bytes_max: unit.bytes_max });
    }
    Ok(Built { json, issues, origins })
}

/// R2152
fn check_identifier(institution_no: &str, year: i32, issues: &mut Vec<UnitIssue>) {
    if !identifier::is_institution_no(institution_no) {
        let message = Text::new(
            "[site] institution_no has to be prefecture (00-49), fee table (1-3) and 7 digits",
            "[site] institution_no は都道府県2桁・点数表1桁（1〜3）・番号7桁です",
        );
        let expression = "Bundle.identifier.value";
        issues.push(UnitIssue::of_unit("bad-institution-number", expression, message));
    }
    if !identifier::is_year(year) {
        let message = Text::new(
            format!("the year of the identifier, {year}, is not within 2020 … 2039"),
            format!("識別子の発行年 {year} が 2020〜2039 の範囲にありません"),
        );
        issues.push(UnitIssue::of_unit("bad-year", "Bundle.identifier.value", message));
    }
}
