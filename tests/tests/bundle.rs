//! `$jp-clins-bundle` and `genkan bundle` on the demo hospital. Its rows are dirty on purpose: a unit
//! is either whole and sound or refused with reasons, and some of each kind have to be whole.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use genkan_tests::harness::{Engine, Genkan};
use genkan_tests::hospital::{rules, serve};
use serde_json::{Value, json};

const DAY: &str = "as-of=2026-04-01";

/// Kind and query of every unit of a patient.
fn units(genkan: &Genkan, patient: &str) -> Result<Vec<(&'static str, String)>> {
    let mut units = vec![
        ("condition", format!("kind=condition&{DAY}")),
        ("allergy", format!("kind=allergy&{DAY}")),
    ];
    let answer =
        genkan.get(&format!("/fhir/Patient/{patient}/$jp-clins-bundle?kind=observation"))?;
    let outcome = answer.json()?;
    let text = outcome["issue"][0]["diagnostics"].as_str().unwrap_or("");
    match text.split_once("name one: ") {
        // `L00000000001 (2026-03-01, 12), …`
        Some((_, reports)) => {
            let numbers = reports.split("), ").filter_map(|report| report.split(' ').next());
            let numbers = numbers.filter(|number| *number != "…").take(5);
            units.extend(
                numbers.map(|number| ("observation", format!("kind=observation&report={number}"))),
            );
        }
        None => units.push(("observation", "kind=observation".to_owned())),
    }
    Ok(units)
}

/// A Bundle that is given out is one that `$validate` has nothing against.
fn accepted(genkan: &Genkan, bundle: &str) -> Result<()> {
    let json = [("content-type", "application/fhir+json")];
    let outcome =
        genkan.client.send("POST", "/fhir/Bundle/$validate", &json, Some(bundle.as_bytes()))?;
    let outcome = outcome.json()?;
    let mut issues = outcome["issue"].as_array().context("issues")?.iter();
    let refused = issues.find(|issue| issue["severity"] == "error" || issue["severity"] == "fatal");
    refused.map_or(Ok(()), |issue| bail!("{issue}"))
}

/// The same by POST, and with what is to be said of it; whether there is anything.
fn called_otherwise(genkan: &Genkan, patient: &str, query: &str, bundle: &str) -> Result<bool> {
    let given = query.split('&').filter_map(|pair| pair.split_once('='));
    let given: Vec<Value> =
        given.map(|(name, value)| json!({"name": name, "valueString": value})).collect();
    let body = json!({"resourceType": "Parameters", "parameter": given}).to_string();
    let path = format!("{patient}/$jp-clins-bundle");
    let form = [("content-type", "application/fhir+json")];
    let by_post = genkan.client.send("POST", &path, &form, Some(body.as_bytes()))?;
    ensure!(by_post.text() == bundle, "another answer by POST: {}", by_post.text());
    let answer = genkan.get(&format!("{path}?{query}&with-issues=true"))?.json()?;
    let [returned, issues] = [0, 1].map(|index| &answer["parameter"][index]);
    ensure!(returned["name"] == "return" && issues["name"] == "issues");
    let bundle: Value = serde_json::from_str(bundle)?;
    ensure!(returned["resource"] == bundle, "another Bundle with its issues");
    let issue = &issues["resource"]["issue"][0];
    let said = issue["diagnostics"].as_str().unwrap_or_default();
    let is_well = issue["code"] == "informational";
    ensure!(said.starts_with("GKN-209: ") || is_well, "{issue}");
    let xml = genkan.get(&format!("{path}?{query}&with-issues=true&_format=xml"))?;
    ensure!(xml.status == 200 && xml.text().contains("<Parameters"), "{}", xml.text());
    Ok(!is_well)
}

/// What has to hold for every Bundle.
fn check(bundle: &Value) -> Result<()> {
    let entries = bundle["entry"].as_array().context("entries")?;
    ensure!(entries.len() > 1 && entries[0]["resource"]["resourceType"] == "Patient");
    let patient = entries[0]["fullUrl"].as_str().context("fullUrl")?;
    let tag = &bundle["meta"]["tag"][0]["code"];
    for entry in &entries[1..] {
        let resource = &entry["resource"];
        ensure!(resource["resourceType"] == *tag, "{tag}: {}", resource["resourceType"]);
        let contained = resource["contained"].as_array().map(Vec::as_slice).unwrap_or_default();
        for reference in references(resource) {
            let local = reference.strip_prefix('#');
            let known = local.is_some_and(|name| contained.iter().any(|one| one["id"] == name));
            ensure!(known || reference == patient, "broken reference {reference}");
        }
        let all = references(resource);
        for one in contained {
            let id = format!("#{}", one["id"].as_str().context("id")?);
            ensure!(all.contains(&id), "{id} is contained and nobody refers to it");
            ensure!(one["meta"]["profile"].is_array() && one["meta"]["lastUpdated"].is_null());
        }
    }
    Ok(())
}

fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(object) => {
            let own = object.get("reference").and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain(object.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn units_of_the_demo_hospital_are_whole_and_sound_or_refused_with_reasons() -> Result<()> {
    let names = std::fs::read_dir(rules())?.filter_map(|entry| Some(entry.ok()?.file_name()));
    let names: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    let is_there = |start: &&str| names.iter().any(|name| name.starts_with(*start));
    if !["patient.", "condition", "allergy", "observation"].iter().all(is_there) {
        eprintln!("skipped: the rule set of the demo hospital is not whole yet");
        return Ok(());
    }
    let served = serve(Engine::Sqlite)?.context("SQLite is always there")?;
    let genkan = &served.genkan;
    let patients = genkan.get("/fhir/Patient?_count=1000")?.json()?;
    let patients = patients["entry"].as_array().context("patients")?;
    let mut whole: BTreeMap<&str, usize> = BTreeMap::new();
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let mut is_told = false;
    for patient in patients {
        let Some(id) = patient["resource"]["id"].as_str() else { continue };
        for (kind, query) in units(genkan, id)? {
            let path = format!("/fhir/Patient/{id}/$jp-clins-bundle?{query}");
            let answer = genkan.get(&path)?;
            match answer.status {
                200 => {
                    check(&answer.json()?).with_context(|| query.clone())?;
                    ensure!(genkan.get(&path)?.text() == answer.text(), "other bytes: {query}");
                    accepted(genkan, &answer.text()).with_context(|| query.clone())?;
                    if !whole.contains_key(kind) || kind == "condition" && !is_told {
                        let patient = format!("/fhir/Patient/{id}");
                        is_told |= called_otherwise(genkan, &patient, &query, &answer.text())?;
                    }
                    *whole.entry(kind).or_default() += 1;
                }
                404 => {}
                422 => {
                    let outcome = answer.json()?;
                    for issue in outcome["issue"].as_array().context("issues")? {
                        if issue["severity"] == "error" {
                            let text = issue["diagnostics"].as_str().unwrap_or("");
                            let reason = text.split(": ").nth(1).unwrap_or("").to_owned();
                            *reasons.entry(format!("{kind} {reason}")).or_default() += 1;
                        }
                    }
                }
                status => bail!("{query}: {status} {}", answer.text()),
            }
        }
    }
    for kind in ["condition", "allergy", "observation"] {
        let count = whole.get(kind).copied().unwrap_or(0);
        ensure!(count > 0, "no {kind} unit is whole; {whole:?}, refused for {reasons:?}");
    }
    ensure!(is_told, "of no whole unit is there anything to be said");
    // A patient who is wrong is told once, not with each resource that refers to them.
    ensure!(!reasons.keys().any(|reason| reason.ends_with("V1605")), "{reasons:?}");
    eprintln!("whole: {whole:?}; refused for: {reasons:?}");
    Ok(())
}
