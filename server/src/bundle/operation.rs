//! `Patient/[id]/$jp-clins-bundle`: a registration unit as an operation of ours. It changes nothing
//! and sends nothing; it answers the Bundle that could be sent, or what stands against it.
//!
//! Spec: <https://hl7.org/fhir/R4/operations.html>

use chrono::NaiveDate;
use genkan_mapping::diagnostic::Text;
use serde_json::{Value, json};

use super::Built;
use super::collect::{self, Wanted};
use super::kind::Kind;
use crate::error::{Error, Refusal, RefusedParameter};
use crate::exchange::Exchange;
use crate::parse::Pairs;
use crate::respond::{self, Answer};
use crate::service::Service;
use crate::stages::Stage;

pub const NAME: &str = "jp-clins-bundle";
pub const KIND: &str = "kind";
pub const AS_OF: &str = "as-of";
pub const WITH_ISSUES: &str = "with-issues";
const WITH_ISSUES_TEXT: &str = "false, the default: the answer is the Bundle itself, as it can be sent. \
     true: the answer is Parameters with the Bundle as `return` and its warnings as `issues` (codes \
     without a standard code, elements that are left out)";
/// Read before any operation is: they choose the form of the answer.
const CONTROL: [&str; 2] = ["_format", "_pretty"];

pub async fn run(
    service: &Service,
    exchange: &Exchange,
    patient_id: &str,
    pairs: &Pairs,
) -> Result<Answer, Error> {
    exchange.stages.enter(Stage::Parse);
    let asked = asked(pairs).map_err(Error::Parameters)?;
    let Built { json, issues, .. } =
        collect::bundle(service, exchange, patient_id, &asked.wanted).await?;
    for issue in &issues {
        exchange.stages.count_issue(issue.code, None);
    }
    exchange.stages.enter(Stage::Respond);
    Ok(if asked.with_issues {
        respond::with_issues(&json, &issues, exchange.language)
    } else {
        Answer::of(json)
    })
}

/// What a call asks for.
#[derive(Debug, PartialEq, Eq)]
pub struct Asked {
    pub wanted: Wanted,
    /// Not the Bundle alone: what is to be said of it too.
    pub with_issues: bool,
}

/// What it takes: the name, whether it has to be there, and what it is.
pub fn parameters() -> [(&'static str, bool, &'static str); 4] {
    [
        (KIND, true, "condition, allergy or observation"),
        (AS_OF, false, "day of registration; for condition and allergy"),
        ("report", false, "number of the report; for observation"),
        (WITH_ISSUES, false, WITH_ISSUES_TEXT),
    ]
}

/// The kinds of which the rules make resources; without any there is no operation.
pub fn kinds(service: &Service) -> Vec<&'static str> {
    let offered = Kind::ALL.into_iter().filter(|kind| collect::is_offered(&service.rules, *kind));
    offered.map(Kind::name).collect()
}

/// The `rest.resource.operation` entries of a type in `/metadata`.
pub fn declared(service: &Service, base: &str, resource_type: &str) -> Vec<Value> {
    let kinds = kinds(service);
    if resource_type != "Patient" || kinds.is_empty() {
        return Vec::new();
    }
    vec![json!({
        "name": NAME,
        "definition": format!("{base}/OperationDefinition/Patient-{NAME}"),
        "documentation": format!(
            "On an instance, GET or POST: the JP_Bundle_CLINS of one registration unit. \
             `kind`: {}; `as-of` (date): the day of registration, for condition and allergy; \
             `report`: number of the report, for observation, if there is more than one; \
             `with-issues` (boolean): answer Parameters with the Bundle and its warnings.",
            kinds.join(", ")
        ),
    })]
}

/// The OperationDefinition that `/metadata` points to.
pub fn definition(base: &str) -> Value {
    let taken = parameters().map(|(name, required, text)| {
        let kind = match name {
            KIND => "code",
            AS_OF => "date",
            WITH_ISSUES => "boolean",
            _ => "string",
        };
        json!({
            "name": name, "use": "in", "min": u8::from(required), "max": "1", "type": kind,
            "documentation": text,
        })
    });
    let given = [
        json!({
            "name": "return", "use": "out", "min": 1, "max": "1", "type": "Bundle",
            "documentation": "a Bundle of the profile JP_Bundle_CLINS",
        }),
        json!({
            "name": "issues", "use": "out", "min": 0, "max": "1", "type": "OperationOutcome",
            "documentation": "what is to be said of the Bundle; only with `with-issues`",
        }),
    ];
    json!({
        "resourceType": "OperationDefinition",
        "id": format!("Patient-{NAME}"),
        "url": format!("{base}/OperationDefinition/Patient-{NAME}"),
        "name": "JpClinsBundle",
        "title": "登録単位の Bundle",
        "status": "active",
        "kind": "operation",
        "affectsState": false,
        "code": NAME,
        "resource": ["Patient"],
        "system": false,
        "type": false,
        "instance": true,
        "parameter": taken.into_iter().chain(given).collect::<Vec<Value>>(),
    })
}

/// The parameters of a POST: a Parameters resource with primitive values.
pub fn pairs_of_body(body: &[u8]) -> Result<Pairs, Error> {
    let resource: Value = serde_json::from_slice(body).map_err(|_| Error::BodyUnreadable)?;
    if resource["resourceType"] != "Parameters" {
        return Err(Error::BodyUnreadable);
    }
    let parameters = match resource.get("parameter") {
        None => return Ok(Pairs::new()),
        Some(parameters) => parameters.as_array().ok_or(Error::BodyUnreadable)?,
    };
    let pair = |parameter: &Value| {
        let name = parameter.get("name")?.as_str()?.to_owned();
        let mut values =
            parameter.as_object()?.iter().filter(|(element, _)| element.starts_with("value"));
        let value = match values.next()?.1 {
            Value::Bool(value) => value.to_string(),
            // The only parameter of an operation here that is a number.
            Value::Number(value) if name == "_count" => value.to_string(),
            value => value.as_str()?.to_owned(),
        };
        Some((name, value))
    };
    parameters.iter().map(|one| pair(one).ok_or(Error::BodyUnreadable)).collect()
}

/// Reads what is asked for; everything that is wrong with it at once.
pub fn asked(pairs: &Pairs) -> Result<Asked, Vec<RefusedParameter>> {
    let mut refused = Vec::new();
    let mut refuse = |name: &str, reason: Refusal, en: &str, ja: &str| {
        let message = Text::new(format!("{name}: {en}"), format!("「{name}」{ja}"));
        refused.push(RefusedParameter { name: name.to_owned(), reason, message });
    };
    let mut values: [Option<&str>; 4] = [None; 4];
    for (name, value) in pairs {
        match ["kind", "as-of", "report", "with-issues"].iter().position(|known| known == name) {
            _ if CONTROL.contains(&name.as_str()) => {}
            None => refuse(
                name,
                Refusal::NotSupported,
                "not a parameter of this operation",
                "はこの操作のパラメータではありません",
            ),
            Some(index) if values[index].is_some() => {
                refuse(name, Refusal::Invalid, "may stand once", "は一度しか書けません");
            }
            Some(index) => values[index] = Some(value.as_str()),
        }
    }
    let [kind, day, report, with_issues] = values;
    if !with_issues.is_none_or(|value| matches!(value, "true" | "false")) {
        refuse("with-issues", Refusal::Invalid, "has to be true or false", "は true か false です");
    }
    let kind = kind.and_then(Kind::named);
    let date = day.and_then(date);
    if kind.is_none() {
        let en = "has to be condition, allergy or observation";
        refuse("kind", Refusal::Invalid, en, "は condition、allergy、observation のいずれかです");
    }
    let by_day = matches!(kind, Some(Kind::Condition | Kind::Allergy));
    if day.is_some() && date.is_none() || day.is_none() && by_day {
        let en = "has to be the day of registration, YYYY-MM-DD";
        refuse("as-of", Refusal::Invalid, en, "は登録日（YYYY-MM-DD）です");
    }
    if day.is_some() && kind == Some(Kind::Observation) {
        let en = "has no meaning for observation";
        refuse("as-of", Refusal::Invalid, en, "は observation では使いません");
    }
    if report.is_some() && by_day || report.is_some_and(str::is_empty) {
        let en = "names a report of observation";
        refuse("report", Refusal::Invalid, en, "は observation の報告番号です");
    }
    if !refused.is_empty() {
        return Err(refused);
    }
    let wanted = match (kind, date) {
        (Some(Kind::Condition), Some(day)) => Wanted::Conditions(day),
        (Some(Kind::Allergy), Some(day)) => Wanted::Allergies(day),
        _ => Wanted::Observations(report.map(str::to_owned)),
    };
    Ok(Asked { wanted, with_issues: with_issues == Some("true") })
}

/// `YYYY-MM-DD` and nothing else: chrono alone would take `2026-4-1` too.
pub fn date(text: &str) -> Option<NaiveDate> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    (date.to_string() == text).then_some(date)
}
