//! One resource as an entry: what the Bundle's invariants and the resource's profile ask of it that
//! only the Bundle knows to ask. Element rules of the profiles are not checked here.

use genkan_mapping::diagnostic::Text;
use genkan_mapping::emit::IssueSeverity;
use serde_json::{Map, Value, json};

use super::contained::{Packing, Surroundings, type_of};
use super::identifier::is_institution_no;
use super::issue::UnitIssue;
use super::kind::{Kind, is_profile};
use super::{Part, flags, insured};

pub const PATIENT_PROFILE: &str = "http://jpfhir.jp/fhir/eCS/StructureDefinition/JP_Patient_eCS";
const INSTITUTION_NUMBER: &str =
    "http://jpfhir.jp/fhir/clins/Extension/StructureDefinition/JP_eCS_InstitutionNumber";
const INSTITUTION_NO_SYSTEM: &str =
    "http://jpfhir.jp/fhir/core/IdSystem/insurance-medical-institution-no";
const DEPARTMENT: &str =
    "http://jpfhir.jp/fhir/eCS/Extension/StructureDefinition/JP_eCS_Department";
/// The service compares them letter by letter: a `|version` behind them does not count.
const ENCOUNTER_PROFILES: [&str; 2] = [
    "http://jpfhir.jp/fhir/core/StructureDefinition/JP_Encounter",
    "http://jpfhir.jp/fhir/eCS/StructureDefinition/JP_Encounter_eCS",
];

/// What entries share.
pub struct Office<'u> {
    pub kind: Kind,
    pub institution_no: &'u str,
    pub surroundings: Surroundings<'u>,
}

impl Office<'_> {
    /// The first entry.
    pub fn patient(&self, part: &Part, issues: &mut Vec<UnitIssue>) -> Map<String, Value> {
        let name = part.name();
        let mut desk = Desk { part, name: &name, issues };
        desk.meta(PATIENT_PROFILE, &[]);
        for (code, message) in insured::problems(&part.resource) {
            desk.error(code, "identifier", message);
        }
        desk.packed(self.surroundings)
    }

    pub fn resource(&self, part: &Part, issues: &mut Vec<UnitIssue>) -> Map<String, Value> {
        let name = part.name();
        let mut desk = Desk { part, name: &name, issues };
        desk.meta(self.kind.profile(), self.kind.flags());
        let mut resource = desk.packed(self.surroundings);
        desk.subject(&resource, self.kind.subject(), self.surroundings.patient_url);
        desk.institution_number(&mut resource, self.institution_no);
        if self.kind.needs_encounter_and_department() {
            desk.department(&resource);
            desk.encounter(&resource);
        }
        if self.kind == Kind::Condition {
            desk.onset(&resource);
        }
        resource
    }
}

/// Looks at one resource.
struct Desk<'p, 'i> {
    part: &'p Part,
    /// `Condition/…`
    name: &'p str,
    issues: &'i mut Vec<UnitIssue>,
}

impl Desk<'_, '_> {
    fn packed(&mut self, surroundings: Surroundings<'_>) -> Map<String, Value> {
        let mut resource = self.part.resource.clone();
        // A hash of the rules is in it: a comment in a rule file would make another Bundle.
        if let Some(Value::Object(meta)) = resource.get_mut("meta") {
            meta.shift_remove("versionId");
        }
        let mut packing = Packing::new(surroundings, self.name, &self.part.places);
        packing.pack(&mut resource);
        self.issues.append(&mut packing.issues);
        resource
    }

    fn meta(&mut self, profile: &str, allowed_flags: &[&str]) {
        let meta = self.part.resource.get("meta");
        let profiles = meta.and_then(|meta| meta.get("profile")).and_then(Value::as_array);
        let mut declared = profiles.into_iter().flatten().filter_map(Value::as_str);
        if !declared.any(|declared| is_profile(declared, profile)) {
            let en = format!("it has to declare the profile {profile}");
            let ja = format!("プロファイル {profile} の宣言が必要です");
            self.error("wrong-profile", "meta.profile", Text::new(en, ja));
        }
        if self.part.last_updated().is_none() {
            let en = "the row says no time of its last change (`updated` of the rule)";
            let ja = "行の最終更新日時がありません（規則の updated）";
            self.error("no-last-updated", "meta.lastUpdated", Text::new(en, ja));
        }
        for problem in flags::problems(&self.part.resource, allowed_flags) {
            self.error("flag-not-allowed", "meta.tag", problem);
        }
    }

    fn subject(&mut self, resource: &Map<String, Value>, element: &str, patient_url: &str) {
        let reference = resource.get(element).and_then(|subject| subject.get("reference"));
        if reference.is_none_or(|reference| reference != patient_url) {
            let en = "it does not refer to the patient of the unit";
            let ja = "登録単位の患者を参照していません";
            self.error("no-patient", element, Text::new(en, ja));
        }
    }

    /// R9011, R9012. What a rule wrote stays; otherwise it is the institution of the site.
    fn institution_number(&mut self, resource: &mut Map<String, Value>, institution_no: &str) {
        if let Some(found) = extension(resource, INSTITUTION_NUMBER) {
            let value = found["valueIdentifier"]["value"].as_str().unwrap_or("");
            if !is_institution_no(value) {
                let en = "the institution number is not of the form [0-4]d[1-3]ddddddd";
                let ja = "医療機関コードの形式が違います（10桁）";
                self.error("bad-institution-number", "extension", Text::new(en, ja));
            }
            return;
        }
        let added = json!({
            "url": INSTITUTION_NUMBER,
            "valueIdentifier": {"system": INSTITUTION_NO_SYSTEM, "value": institution_no},
        });
        match resource.get_mut("extension") {
            Some(Value::Array(extensions)) => extensions.push(added),
            _ => {
                resource.insert("extension".to_owned(), Value::Array(vec![added]));
            }
        }
    }

    /// R9014C, R9014O
    fn department(&mut self, resource: &Map<String, Value>) {
        if extension(resource, DEPARTMENT).is_none() {
            let en = "the department extension (JP_eCS_Department) is missing";
            let ja = "診療科拡張（JP_eCS_Department）がありません";
            self.error("no-department", "extension", Text::new(en, ja));
        }
    }

    /// R9013C, R9013O
    fn encounter(&mut self, resource: &Map<String, Value>) {
        let contained = resource.get("contained").and_then(Value::as_array);
        let mut profiles = contained
            .into_iter()
            .flatten()
            .filter(|resource| resource["resourceType"] == "Encounter")
            .filter_map(|resource| resource["meta"]["profile"].as_array())
            .flatten()
            .filter_map(Value::as_str);
        if !profiles.any(|profile| ENCOUNTER_PROFILES.contains(&profile)) {
            let en = "a contained Encounter that declares JP_Encounter, without a version, is \
                      missing";
            let ja = "contained の Encounter（JP_Encounter、版番号なし）がありません";
            self.error("no-encounter", "encounter", Text::new(en, ja));
        }
    }

    /// R9013C, R9015C
    fn onset(&mut self, resource: &Map<String, Value>) {
        if !resource.contains_key("onsetDateTime") {
            let text =
                Text::new("the date of onset is missing", "発症日（onsetDateTime）がありません");
            self.error("no-onset", "onset", text);
        }
    }

    fn error(&mut self, code: &'static str, element: &str, message: Text) {
        let expression = format!("{}.{element}", type_of(&self.part.resource));
        self.issues.push(UnitIssue {
            severity: IssueSeverity::Error,
            code,
            resource: Some(self.name.to_owned()),
            place: self.part.places.of(&expression).to_owned(),
            expression,
            columns: Vec::new(),
            message,
        });
    }
}

fn extension<'r>(resource: &'r Map<String, Value>, url: &str) -> Option<&'r Value> {
    let extensions = resource.get("extension").and_then(Value::as_array);
    extensions.into_iter().flatten().find(|extension| extension["url"] == url)
}
