//! What to try in the demo: URLs with ids and codes that this very hospital has. Each was answered
//! before it is shown.

use serde_json::Value;

use crate::exchange::Exchange;
use crate::read::Wanted;
use crate::respond::Body;
use crate::service::Service;
use crate::{parse, read, search};

pub struct Example {
    pub title: &'static str,
    pub title_ja: &'static str,
    pub url: String,
}

/// Only searches with a result, and only of parameters that the rules offer.
pub async fn of(service: &Service, base: &str) -> Vec<Example> {
    let exchange = Exchange::local(base);
    let archive = Archive { service, exchange: &exchange };
    let mut examples = vec![example("what is offered", "提供している機能", base, "metadata")];
    for candidate in archive.candidates().await {
        let shown = candidate.url.strip_prefix("/").unwrap_or(&candidate.url);
        if archive.answers(shown).await {
            examples.push(example(candidate.title, candidate.title_ja, base, shown));
        }
    }
    examples.push(example(
        "a parameter that does not exist is refused, never ignored",
        "存在しない検索条件は無視せず拒否",
        base,
        "Patient?brithdate=1950-01-01",
    ));
    examples
}

fn example(title: &'static str, title_ja: &'static str, base: &str, path: &str) -> Example {
    Example { title, title_ja, url: format!("{base}/{path}") }
}

struct Archive<'a> {
    service: &'a Service,
    exchange: &'a Exchange,
}

impl Archive<'_> {
    async fn candidates(&self) -> Vec<Example> {
        let mut found = vec![example(
            "women born before 1950: Japanese eras in the table, dates in the search",
            "1950年より前に生まれた女性（表の中は和暦）",
            "",
            "Patient?gender=female&birthdate=lt1950-01-01&_count=5",
        )];
        let mut add =
            |title, title_ja, path: String| found.push(example(title, title_ja, "", &path));
        if let Some(patient) = self.patient_of("Observation").await {
            add("a patient", "患者", format!("{patient}?_pretty=true"));
            add("the same in XML", "同じ患者を XML で", format!("{patient}?_format=xml"));
            add(
                "a patient's laboratory results, the newest first",
                "検体検査結果（新しい順）",
                format!("Observation?patient={patient}&date=ge2021&_sort=-date&_count=5"),
            );
        }
        if let Some(code) = self.disease_code().await {
            add(
                "by national disease code: house codes in the table",
                "病名を標準コードで検索（表の中は院内コード）",
                format!("Condition?code={code}&_count=5"),
            );
        }
        if let Some(patient) = self.patient_of("MedicationRequest").await {
            let include = "_include=MedicationRequest:subject";
            add(
                "prescriptions, and the patient with them",
                "処方と患者を一度に",
                format!("MedicationRequest?patient={patient}&{include}&_count=3"),
            );
        }
        if let Some(patient) = self.patient_of("AllergyIntolerance").await {
            let path = format!("AllergyIntolerance?patient={patient}");
            add("a patient's allergies", "アレルギー", path);
        }
        found
    }

    /// Reads and searches: is there something under this path?
    async fn answers(&self, path: &str) -> bool {
        let (resource, query) = path.split_once('?').unwrap_or((path, ""));
        match resource.split_once('/') {
            Some((resource_type, id)) => {
                let wanted = Wanted { resource_type, id, version_id: None, query };
                read::read(self.service, self.exchange, wanted).await.is_ok()
            }
            None => !self.entries(resource, query).await.is_empty(),
        }
    }

    /// `Patient/…` of the first resource of a type.
    async fn patient_of(&self, resource_type: &str) -> Option<String> {
        let found = self.entries(resource_type, "_count=1").await;
        let resource = found.first()?.get("resource")?;
        let reference = resource.get("subject").or_else(|| resource.get("patient"))?;
        reference.get("reference")?.as_str().map(str::to_owned)
    }

    /// A code of the first disease that the hospital has mapped; unmapped ones are all nines.
    async fn disease_code(&self) -> Option<String> {
        let found = self.entries("Condition", "_count=50").await;
        found.iter().find_map(|entry| {
            let codings = entry.pointer("/resource/code/coding")?.as_array()?;
            let code = codings.first()?.get("code")?.as_str()?;
            let mapped = !code.starts_with("9999999") && codings.len() > 1;
            mapped.then(|| code.to_owned())
        })
    }

    async fn entries(&self, resource_type: &str, query: &str) -> Vec<Value> {
        let pairs = parse::pairs(query.as_bytes());
        let answer = search::search(self.service, self.exchange, resource_type, pairs).await;
        let bundle = answer.ok().and_then(|answer| match answer.body {
            Body::Json(json) => serde_json::from_slice(&json).ok(),
            _ => None,
        });
        match bundle.map(|mut bundle: Value| bundle["entry"].take()) {
            Some(Value::Array(entries)) => entries,
            _ => Vec::new(),
        }
    }
}
