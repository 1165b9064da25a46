//! FHIR over REST on the demo hospital, as a client sees it: on SQLite always, on PostgreSQL and
//! MariaDB where they are there. Every case asks the running binary.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::{Answer, Engine, Genkan, available_engines};
use genkan_tests::hospital::serve;
use serde_json::Value;

/// Runs the same checks on every engine that is there.
fn on_every_engine(check: impl Fn(&Genkan) -> Result<()>) -> Result<()> {
    for engine in available_engines()? {
        if let Some(served) = serve(engine)? {
            check(&served.genkan).with_context(|| format!("{engine:?}"))?;
        }
    }
    Ok(())
}

fn get(genkan: &Genkan, path: &str) -> Result<Value> {
    let answer = genkan.get(path)?;
    ensure!(answer.status == 200, "{path}: {} {}", answer.status, answer.text());
    answer.json()
}

fn entries<'v>(bundle: &'v Value, mode: &str) -> Vec<&'v Value> {
    let entries = bundle["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of_mode = entries.iter().filter(|entry| entry["search"]["mode"] == mode);
    of_mode.map(|entry| &entry["resource"]).collect()
}

fn ids(bundle: &Value) -> Vec<String> {
    let matches = entries(bundle, "match");
    matches.iter().filter_map(|r| r["id"].as_str().map(str::to_owned)).collect()
}

/// The path of a link, without the server's address.
fn link(genkan: &Genkan, bundle: &Value, relation: &str) -> Option<String> {
    let links = bundle["link"].as_array()?;
    let link = links.iter().find(|link| link["relation"] == relation)?;
    Some(link["url"].as_str()?.strip_prefix(&genkan.base)?.to_owned())
}

/// All ids of a search, page by page.
fn all_pages(genkan: &Genkan, first: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut next = Some(first.to_owned());
    while let Some(path) = next {
        let page = get(genkan, &path)?;
        found.extend(ids(&page));
        ensure!(found.len() < 100_000, "paging does not end");
        next = link(genkan, &page, "next");
    }
    Ok(found)
}

#[test]
fn metadata_declares_what_the_rules_offer() -> Result<()> {
    on_every_engine(|genkan| {
        let statement = get(genkan, "/fhir/metadata")?;
        ensure!(statement["resourceType"] == "CapabilityStatement");
        ensure!(statement["fhirVersion"] == "4.0.1");
        let resources = statement["rest"][0]["resource"].as_array().context("resources")?;
        let types: BTreeSet<&str> =
            resources.iter().filter_map(|resource| resource["type"].as_str()).collect();
        for wanted in [
            "AllergyIntolerance",
            "Condition",
            "Coverage",
            "Encounter",
            "Location",
            "MedicationRequest",
            "Observation",
            "Organization",
            "Patient",
            "Practitioner",
            "PractitionerRole",
            "Specimen",
        ] {
            ensure!(types.contains(wanted), "{wanted} is missing");
        }
        let patient = resources.iter().find(|r| r["type"] == "Patient").context("Patient")?;
        let parameters = patient["searchParam"].as_array().context("searchParam")?;
        let names: Vec<_> = parameters.iter().filter_map(|p| p["name"].as_str()).collect();
        ensure!(names.contains(&"birthdate") && !names.contains(&"address"), "{names:?}");
        Ok(())
    })
}

/// A type of which only some rules could sort was declared once.
#[test]
fn every_sort_that_is_declared_is_answered() -> Result<()> {
    on_every_engine(|genkan| {
        let statement = get(genkan, "/fhir/metadata")?;
        let resources = statement["rest"][0]["resource"].as_array().context("resources")?;
        let mut sorts = 0;
        for resource in resources {
            let resource_type = resource["type"].as_str().context("a type")?;
            let documentation = resource["documentation"].as_str().unwrap_or_default();
            let Some((_, list)) = documentation.split_once("`_sort` by: ") else { continue };
            for code in list.split('.').next().unwrap_or_default().split(", ") {
                get(genkan, &format!("/fhir/{resource_type}?_sort={code}&_count=1"))?;
                sorts += 1;
            }
        }
        ensure!(sorts > 10, "only {sorts} are declared");
        Ok(())
    })
}

#[test]
fn every_page_together_is_every_resource_once() -> Result<()> {
    on_every_engine(|genkan| {
        for resource_type in ["Patient", "Observation", "AllergyIntolerance", "Encounter"] {
            let few = all_pages(genkan, &format!("/fhir/{resource_type}?_count=7"))?;
            let many = all_pages(genkan, &format!("/fhir/{resource_type}?_count=500"))?;
            let distinct: BTreeSet<_> = few.iter().collect();
            ensure!(distinct.len() == few.len(), "{resource_type}: a page repeats a resource");
            ensure!(few == many, "{resource_type}: the order depends on the page size");
            ensure!(few.len() > 7, "{resource_type}: only {}", few.len());
        }
        Ok(())
    })
}

#[test]
fn sorted_pages_keep_the_order_across_pages_and_rules() -> Result<()> {
    on_every_engine(|genkan| {
        for (sort, descending) in [("date", false), ("-date", true)] {
            let mut dates = Vec::new();
            let mut next = Some(format!("/fhir/Observation?_sort={sort}&_count=50"));
            for _ in 0..6 {
                let Some(path) = next else { break };
                let page = get(genkan, &path)?;
                for resource in entries(&page, "match") {
                    dates.push(resource["effectiveDateTime"].as_str().unwrap_or("").to_owned());
                }
                next = link(genkan, &page, "next");
            }
            let mut ordered = dates.clone();
            ordered.sort();
            if descending {
                ordered.reverse();
            }
            ensure!(dates == ordered, "{sort}");
            ensure!(dates.len() > 100, "{}", dates.len());
        }
        Ok(())
    })
}

#[test]
fn a_read_has_an_etag_and_its_current_version_and_no_other() -> Result<()> {
    on_every_engine(|genkan| {
        let page = get(genkan, "/fhir/Condition?_count=3")?;
        for id in ids(&page) {
            let answer = genkan.get(&format!("/fhir/Condition/{id}"))?;
            let resource = answer.json()?;
            let version = resource["meta"]["versionId"].as_str().context("versionId")?;
            ensure!(answer.header("etag") == format!("W/\"{version}\""));
            let current = genkan.get(&format!("/fhir/Condition/{id}/_history/{version}"))?;
            ensure!(current.status == 200);
            let other = genkan.get(&format!("/fhir/Condition/{id}/_history/nothere"))?;
            ensure!(other.status == 404, "{}", other.status);
            // An id says nothing about another type.
            ensure!(genkan.get(&format!("/fhir/Patient/{id}"))?.status == 404);
        }
        Ok(())
    })
}

#[test]
fn searches_find_what_the_resources_say() -> Result<()> {
    on_every_engine(|genkan| {
        let patients = get(genkan, "/fhir/Patient?_count=200")?;
        for patient in entries(&patients, "match") {
            let id = patient["id"].as_str().context("id")?;
            let born = patient["birthDate"].as_str().context("birthDate")?;
            let found = all_pages(genkan, &format!("/fhir/Patient?birthdate={born}"))?;
            ensure!(found.iter().any(|found| found == id), "birthdate={born} misses its patient");
            let number = patient["identifier"][0]["value"].as_str().context("identifier")?;
            let found = all_pages(genkan, &format!("/fhir/Patient?identifier={number}"))?;
            ensure!(found == [id], "identifier={number}");
            let family = patient["name"][0]["family"].as_str().context("family")?;
            let family: String = url_encoded(family);
            let found = all_pages(genkan, &format!("/fhir/Patient?family={family}"))?;
            ensure!(found.iter().any(|found| found == id), "family={family}");
            let own = all_pages(genkan, &format!("/fhir/Condition?patient=Patient/{id}"))?;
            for condition in own {
                let resource = get(genkan, &format!("/fhir/Condition/{condition}"))?;
                ensure!(resource["subject"]["reference"] == format!("Patient/{id}"));
            }
        }
        Ok(())
    })
}

fn url_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn a_national_code_finds_house_coded_rows() -> Result<()> {
    on_every_engine(|genkan| {
        let page = get(genkan, "/fhir/Condition?_count=100")?;
        let mut checked = 0;
        for condition in entries(&page, "match") {
            let id = condition["id"].as_str().context("id")?;
            for coding in condition["code"]["coding"].as_array().into_iter().flatten() {
                let (Some(system), Some(code)) =
                    (coding["system"].as_str(), coding["code"].as_str())
                else {
                    continue;
                };
                let path =
                    format!("/fhir/Condition?code={}%7C{code}&_count=1000", url_encoded(system));
                let found = all_pages(genkan, &path)?;
                ensure!(found.iter().any(|found| found == id), "{path} misses {id}");
                checked += 1;
            }
            if checked > 60 {
                break;
            }
        }
        ensure!(checked > 20);
        Ok(())
    })
}

#[test]
fn includes_bring_each_target_once_and_cost_one_statement_each() -> Result<()> {
    on_every_engine(|genkan| {
        let path = "/fhir/Observation?_count=30&_include=Observation:patient";
        let answer = genkan.get(path)?;
        let page = answer.json()?;
        let wanted: BTreeSet<_> = entries(&page, "match")
            .iter()
            .filter_map(|r| r["subject"]["reference"].as_str().map(str::to_owned))
            .collect();
        let included: Vec<_> = entries(&page, "include")
            .iter()
            .filter_map(|r| Some(format!("Patient/{}", r["id"].as_str()?)))
            .collect();
        ensure!(included.len() == included.iter().collect::<BTreeSet<_>>().len(), "twice");
        ensure!(included.iter().all(|id| wanted.contains(id)));
        ensure!(!included.is_empty());
        let path = "/fhir/Patient?_count=3&_revinclude=Condition:patient";
        let page = get(genkan, path)?;
        let patients: Vec<_> = ids(&page).into_iter().map(|id| format!("Patient/{id}")).collect();
        for condition in entries(&page, "include") {
            let subject = condition["subject"]["reference"].as_str().context("subject")?;
            ensure!(patients.iter().any(|id| id == subject), "{subject}");
        }
        ensure!(!entries(&page, "include").is_empty());
        Ok(())
    })
}

#[test]
fn post_search_and_xml_say_the_same_as_get_and_json() -> Result<()> {
    on_every_engine(|genkan| {
        let by_get = get(genkan, "/fhir/Patient?gender=female&_count=5")?;
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        let body = b"gender=female&_count=5".as_slice();
        let by_post = genkan.client.send("POST", "/fhir/Patient/_search", &form, Some(body))?;
        ensure!(ids(&by_get) == ids(&by_post.json()?));
        let xml = genkan.get("/fhir/Patient?gender=female&_count=5&_format=xml")?;
        ensure!(xml.status == 200 && xml.header("content-type").contains("fhir+xml"));
        for id in ids(&by_get) {
            ensure!(xml.text().contains(&format!("<id value=\"{id}\"")), "{id}");
        }
        let accept = [("Accept", "application/fhir+xml")];
        let id = ids(&by_get).remove(0);
        let read = genkan.client.send("GET", &format!("/fhir/Patient/{id}"), &accept, None)?;
        ensure!(read.text().contains("<Patient xmlns=\"http://hl7.org/fhir\""), "{}", read.text());
        Ok(())
    })
}

/// A refusal: its status, and a part of the diagnostics.
const REFUSALS: &[(&str, u16, &str)] = &[
    ("/fhir/Patient?nonsense=1", 400, "nonsense"),
    ("/fhir/Patient?birthdat=1970", 400, "birthdate"),
    ("/fhir/Patient?birthdate=1970-13", 400, "birthdate"),
    ("/fhir/Patient?address=x", 400, "address"),
    ("/fhir/Patient?_count=x", 400, "_count"),
    ("/fhir/Patient?_page=aaaa", 400, "_page"),
    ("/fhir/Patient?_sort=address", 400, "address"),
    ("/fhir/Patient?name:above=x", 400, "name"),
    ("/fhir/Observation?_include=Patient:general-practitioner", 400, "_include"),
    ("/fhir/Observation?patient.nmae=x", 400, "patient.nmae"),
    ("/fhir/Basic", 404, "Basic"),
    ("/fhir/Pateint", 404, "Patient"),
    ("/fhir/Patient/abcdefg", 404, ""),
    ("/fhir/Patient/abc/def", 404, ""),
    ("/nowhere", 404, ""),
    ("/fhir/Patient?_format=text/html", 406, ""),
];

#[test]
fn what_is_not_understood_is_refused_with_an_operation_outcome() -> Result<()> {
    on_every_engine(|genkan| {
        for (path, status, told) in REFUSALS {
            refused(&genkan.get(path)?, path, *status, told)?;
        }
        let post = |path: &str, kind: &str, body: &[u8]| {
            genkan.client.send("POST", path, &[("Content-Type", kind)], Some(body))
        };
        refused(&post("/fhir/Patient", "application/fhir+json", b"{}")?, "create", 405, "")?;
        refused(&post("/fhir/Patient/_search", "text/plain", b"a=b")?, "text/plain", 415, "")?;
        let large = vec![b'a'; 13 * 1024 * 1024];
        let form = "application/x-www-form-urlencoded";
        refused(&post("/fhir/Patient/_search", form, &large)?, "large", 413, "")?;
        refused(&genkan.client.send("DELETE", "/fhir/Patient/x", &[], None)?, "delete", 405, "")
    })
}

fn refused(answer: &Answer, what: &str, status: u16, told: &str) -> Result<()> {
    ensure!(answer.status == status, "{what}: {} {}", answer.status, answer.text());
    let outcome = answer.json().with_context(|| what.to_owned())?;
    ensure!(outcome["resourceType"] == "OperationOutcome", "{what}");
    ensure!(outcome["issue"][0]["severity"].is_string(), "{what}");
    ensure!(answer.text().contains(told), "{what}: {}", answer.text());
    Ok(())
}

/// The engines store, compare and order differently; the answers must not.
#[test]
fn every_engine_gives_the_same_bytes() -> Result<()> {
    let mut first: Option<(Engine, Vec<String>)> = None;
    for engine in available_engines()? {
        let Some(served) = serve(engine)? else { continue };
        let mut answers = Vec::new();
        for path in [
            "/fhir/Patient?_count=200",
            "/fhir/Condition?_count=500",
            "/fhir/AllergyIntolerance?_count=200",
            "/fhir/Observation?_count=300",
            "/fhir/Observation?_count=100&_sort=-date",
            "/fhir/Observation?category=laboratory&date=ge2025&_count=100",
            "/fhir/MedicationRequest?_count=200",
            "/fhir/Encounter?_count=200",
            "/fhir/Coverage?_count=200",
            "/fhir/Specimen?_count=100",
            "/fhir/Patient?birthdate=lt1950&gender=male",
            "/fhir/Condition?clinical-status=active&onset-date=ge2024&_count=200",
            "/fhir/Patient?_count=5&_revinclude=AllergyIntolerance:patient",
        ] {
            let answer = served.genkan.get(path)?;
            ensure!(answer.status == 200, "{engine:?} {path}: {}", answer.text());
            answers.push(comparable(&answer.text().replace(&served.genkan.base, "")));
        }
        match &first {
            None => first = Some((engine, answers)),
            Some((other, expected)) => {
                for (answer, expected) in answers.iter().zip(expected) {
                    let at = answer.bytes().zip(expected.bytes()).position(|(a, b)| a != b);
                    let at = at.unwrap_or(answer.len().min(expected.len()));
                    let around = |text: &str| {
                        let tail: Vec<char> = text.chars().collect();
                        let start = text[..floor(text, at)].chars().count().saturating_sub(200);
                        tail.iter().skip(start).take(400).collect::<String>()
                    };
                    ensure!(
                        answer == expected,
                        "{engine:?} differs from {other:?}:\n{}\n{}",
                        around(answer),
                        around(expected)
                    );
                }
            }
        }
    }
    Ok(())
}

/// SQLite holds decimals as binary numbers: `20.000` in a column is `20` there. That is another row
/// image, and so another version, of the same resource.
fn comparable(text: &str) -> String {
    let mut parts = text.split("\"versionId\":\"");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        kept.push_str(part.split_once('"').map_or(part, |(_, rest)| rest));
    }
    let mut values = kept.split("\"value\":");
    let mut same = values.next().unwrap_or_default().to_owned();
    for rest in values {
        let end = rest.find([',', '}']).unwrap_or(rest.len());
        let (value, rest) = rest.split_at(end);
        same.push_str("\"value\":");
        same.push_str(match value.contains('.') && !value.starts_with('"') {
            true => value.trim_end_matches('0').trim_end_matches('.'),
            false => value,
        });
        same.push_str(rest);
    }
    same
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
