//! References of one entry. The patient is named by the `fullUrl` of the first entry; everything
//! else travels inside the resource (`#id`), in one list, because FHIR knows no contained inside
//! contained. What nothing refers to is left out (dom-3), what can't be found is not referred to.
//!
//! What only a contained resource refers to does not travel: a result would disclose the diagnoses
//! of its admission, and the profiles have one place for each contained resource.

use std::collections::BTreeMap;

use genkan_fhir::definitions::Definitions;
use genkan_fhir::reference::Reference;
use genkan_mapping::diagnostic::Text;
use genkan_mapping::emit::IssueSeverity;
use serde_json::{Map, Value};

use super::issue::UnitIssue;
use super::{Part, Places, flags, links};

/// What the references of all entries are looked up in.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'u> {
    /// `Patient/…`
    pub patient: &'u str,
    pub patient_url: &'u str,
    /// By `Type/id`.
    pub referred: &'u BTreeMap<String, Part>,
}

/// Packs the references of one entry into it.
pub struct Packing<'u> {
    surroundings: Surroundings<'u>,
    /// `Condition/…`
    entry: &'u str,
    places: &'u Places,
    /// Lists of contained resources by whose `#id` they are: first the entry's own, then those of
    /// what was put into it.
    scopes: Vec<Vec<Map<String, Value>>>,
    packed: Vec<Packed>,
    pub issues: Vec<UnitIssue>,
}

/// A resource on its way into `contained`.
struct Packed {
    /// Without an id, before its references were rewritten: two that are equal here are one.
    raw: Map<String, Value>,
    /// `Practitioner/…`; `None` for what the entry brought along itself.
    name: Option<String>,
    local_id: String,
    scope: usize,
}

/// Where a reference stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Entry,
    Contained,
}

impl<'u> Packing<'u> {
    pub fn new(surroundings: Surroundings<'u>, entry: &'u str, places: &'u Places) -> Self {
        let (scopes, packed, issues) = (Vec::new(), Vec::new(), Vec::new());
        Packing { surroundings, entry, places, scopes, packed, issues }
    }

    /// Rewrites the references of the resource and puts what they mean into its `contained`.
    pub fn pack(&mut self, resource: &mut Map<String, Value>) {
        let own = take_contained(resource);
        self.scopes.push(own);
        let mut path = type_of(resource).to_owned();
        let resource_type = path.clone();
        links::rewrite(resource, &mut path, &resource_type, &mut |text, at| {
            self.target(text, at, 0, Place::Entry)
        });
        let mut contained = Vec::new();
        while let Some(next) = self.packed.get(contained.len()) {
            let scope = next.scope;
            let mut body = Map::new();
            body.insert("resourceType".to_owned(), type_of(&next.raw).into());
            body.insert("id".to_owned(), next.local_id.as_str().into());
            body.extend(next.raw.clone());
            let mut path = format!("{}.contained[{}]", type_of(resource), contained.len());
            let contained_type = type_of(&body).to_owned();
            links::rewrite(&mut body, &mut path, &contained_type, &mut |text, at| {
                self.target(text, at, scope, Place::Contained)
            });
            contained.push(Value::Object(body));
        }
        if !contained.is_empty() {
            resource.insert("contained".to_owned(), Value::Array(contained));
        }
    }

    /// What becomes of a reference in a resource of this scope.
    fn target(&mut self, text: &str, at: &str, scope: usize, place: Place) -> Option<String> {
        match Reference::parse(Definitions::r4(), text) {
            Some(Reference::Contained(name)) => self.own(&name, at, scope),
            Some(Reference::Local { resource_type: Some(resource_type), id, .. }) => {
                self.local(&resource_type, &id, at, place)
            }
            _ => self.dangling(at),
        }
    }

    fn own(&mut self, name: &str, at: &str, scope: usize) -> Option<String> {
        let mut contained = self.scopes.get(scope).into_iter().flatten();
        match contained.find(|resource| resource.get("id").is_some_and(|id| id == name)) {
            Some(found) => {
                let found = found.clone();
                self.put(found, None, at, scope)
            }
            None => self.dangling(at),
        }
    }

    fn local(&mut self, resource_type: &str, id: &str, at: &str, place: Place) -> Option<String> {
        let name = format!("{resource_type}/{id}");
        let Surroundings { patient, patient_url, referred } = self.surroundings;
        if name == patient {
            return Some(patient_url.to_owned());
        }
        if resource_type == "Patient" {
            let message = Text::new(
                "refers to another patient than the one of the unit",
                "登録単位の患者とは別の患者を参照しています",
            );
            return self.error("other-patient", at, message);
        }
        if place == Place::Contained {
            return self.already_there(&name);
        }
        let Some(part) = referred.get(&name).filter(|_| name != self.entry) else {
            return self.dangling(at);
        };
        let mut resource = part.resource.clone();
        let own = take_contained(&mut resource);
        // Its own `#id`s are looked up in a scope of its own.
        self.scopes.push(own);
        self.put(resource, Some(name), at, self.scopes.len() - 1)
    }

    /// How a contained resource refers to the entry, or to what the entry refers to as well.
    fn already_there(&self, name: &str) -> Option<String> {
        if name == self.entry {
            return Some("#".to_owned());
        }
        let known = self.packed.iter().find(|packed| packed.name.as_deref() == Some(name));
        known.map(|packed| format!("#{}", packed.local_id))
    }

    /// Puts a resource into `contained`, once, and says how it is referred to.
    fn put(
        &mut self,
        mut resource: Map<String, Value>,
        name: Option<String>,
        at: &str,
        scope: usize,
    ) -> Option<String> {
        make_contained(&mut resource);
        if type_of(&resource) == "Patient" {
            let message = Text::new(
                "the patient is the first entry of the Bundle and can't be contained",
                "患者は Bundle の先頭の entry です。contained にはできません",
            );
            return self.error("contained-patient", at, message);
        }
        // With a reference of its own in it, a scope decides what it means.
        let same = |packed: &&Packed| {
            packed.raw == resource && (packed.scope == scope || !refers_locally(&resource))
        };
        if let Some(known) = self.packed.iter().find(same) {
            return Some(format!("#{}", known.local_id));
        }
        self.check(&resource, at);
        let resource_type = type_of(&resource).to_ascii_lowercase();
        let local_id = format!("{resource_type}-{}", self.packed.len() + 1);
        let target = format!("#{local_id}");
        self.packed.push(Packed { raw: resource, name, local_id, scope });
        Some(target)
    }

    fn check(&mut self, resource: &Map<String, Value>, at: &str) {
        let profiles = resource.get("meta").and_then(|meta| meta.get("profile"));
        if profiles.and_then(Value::as_array).is_none_or(Vec::is_empty) {
            let message = Text::new(
                format!("the {} that is contained for it declares no profile", type_of(resource)),
                format!("contained の {} に meta.profile がありません", type_of(resource)),
            );
            self.issue(IssueSeverity::Error, "contained-profile", at, message);
        }
        for message in flags::problems(resource, &[]) {
            self.issue(IssueSeverity::Error, "flag-not-allowed", at, message);
        }
    }

    fn dangling(&mut self, at: &str) -> Option<String> {
        let message = Text::new(
            "what this refers to can't travel with it; the reference is left out",
            "参照先を同梱できないため、この参照を除きました",
        );
        self.issue(IssueSeverity::Warning, "dangling-reference", at, message);
        None
    }

    fn error(&mut self, code: &'static str, at: &str, message: Text) -> Option<String> {
        self.issue(IssueSeverity::Error, code, at, message);
        None
    }

    fn issue(&mut self, severity: IssueSeverity, code: &'static str, at: &str, message: Text) {
        self.issues.push(UnitIssue {
            severity,
            code,
            resource: Some(self.entry.to_owned()),
            expression: at.to_owned(),
            place: self.places.of(at).to_owned(),
            columns: Vec::new(),
            message,
        });
    }
}

pub fn type_of(resource: &Map<String, Value>) -> &str {
    resource.get("resourceType").and_then(Value::as_str).unwrap_or("")
}

fn take_contained(resource: &mut Map<String, Value>) -> Vec<Map<String, Value>> {
    match resource.shift_remove("contained") {
        Some(Value::Array(items)) => {
            let objects = items.into_iter().filter_map(|item| match item {
                Value::Object(object) => Some(object),
                _ => None,
            });
            objects.collect()
        }
        _ => Vec::new(),
    }
}

/// Without the id of the server, version and time, which a contained resource does not have (dom-4).
fn make_contained(resource: &mut Map<String, Value>) {
    resource.shift_remove("id");
    if let Some(Value::Object(meta)) = resource.get_mut("meta") {
        meta.shift_remove("versionId");
        meta.shift_remove("lastUpdated");
        if meta.is_empty() {
            resource.shift_remove("meta");
        }
    }
}

fn refers_locally(resource: &Map<String, Value>) -> bool {
    let mut found = false;
    let mut see = |reference: &str| found |= reference.starts_with('#');
    resource.values().for_each(|value| links::each(value, &mut see));
    found
}
