//! The shape of answers, as clients see it, on every database that is there: parts of resources,
//! totals, what is not sent twice, batches, HEAD, and the OpenAPI document.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::{Answer, Engine, Genkan, available_engines};
use genkan_tests::hospital::serve;
use serde_json::{Value, json};

fn on_every_engine(check: impl Fn(&Genkan, Engine) -> Result<()>) -> Result<()> {
    for engine in available_engines()? {
        if let Some(served) = serve(engine)? {
            check(&served.genkan, engine).with_context(|| format!("{engine:?}"))?;
        }
    }
    Ok(())
}

fn get(genkan: &Genkan, path: &str) -> Result<Value> {
    let answer = genkan.get(path)?;
    ensure!(answer.status == 200, "{path}: {} {}", answer.status, answer.text());
    answer.json()
}

fn with(genkan: &Genkan, path: &str, headers: &[(&str, &str)]) -> Result<Answer> {
    genkan.client.send("GET", path, headers, None)
}

fn types(genkan: &Genkan) -> Result<Vec<String>> {
    let statement = get(genkan, "/fhir/metadata")?;
    let resources = statement["rest"][0]["resource"].as_array().context("resources")?;
    Ok(resources.iter().filter_map(|one| one["type"].as_str().map(str::to_owned)).collect())
}

fn statements(answer: &Answer) -> Result<usize> {
    let timing = answer.header("server-timing");
    let told = timing.split("statements=").nth(1).with_context(|| timing.to_owned())?;
    Ok(told.split('"').next().unwrap_or_default().parse()?)
}

fn matches(bundle: &Value) -> Vec<&Value> {
    let entries = bundle["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of_match = entries.iter().filter(|entry| entry["search"]["mode"] == "match");
    of_match.map(|entry| &entry["resource"]).collect()
}

/// What every part has besides what was asked for.
fn always(resource_type: &str) -> &'static [&'static str] {
    match resource_type {
        "Condition" | "Specimen" => &["subject"],
        "AllergyIntolerance" => &["patient"],
        "Coverage" => &["status", "beneficiary", "payor"],
        "Encounter" => &["status", "class"],
        "MedicationRequest" => &["status", "intent", "medicationCodeableConcept", "subject"],
        "Observation" => &["status", "code"],
        "ServiceRequest" => &["status", "intent", "subject"],
        _ => &[],
    }
}

/// `valueQuantity` is an element `value`: the names that `_elements` takes.
fn element(name: &str) -> &str {
    let choices = ["value", "medication", "effective", "onset", "abatement", "deceased"];
    choices.into_iter().find(|choice| name.starts_with(choice)).unwrap_or(name)
}

#[test]
fn a_part_is_the_whole_without_what_was_not_asked_for() -> Result<()> {
    on_every_engine(|genkan, _| {
        for resource_type in types(genkan)? {
            let path = format!("/fhir/{resource_type}?_count=20");
            let whole = genkan.get(&path)?;
            let bundle = whole.json()?;
            let wholes = matches(&bundle);
            let names: BTreeSet<&str> = wholes
                .iter()
                .filter_map(|one| one.as_object())
                .flat_map(|one| one.keys().map(|name| element(name)))
                .filter(|name| !["resourceType", "id", "meta", "contained"].contains(name))
                .collect();
            for name in names {
                let answer = genkan.get(&format!("{path}&_elements={name}"))?;
                ensure!(statements(&answer)? <= statements(&whole)?, "{resource_type}.{name}");
                let page = answer.json()?;
                let parts = matches(&page);
                ensure!(parts.len() == wholes.len(), "{resource_type}.{name}: {page}");
                for (part, whole) in parts.iter().zip(&wholes) {
                    is_part(part, whole, &[name]).context(resource_type.clone())?;
                }
            }
        }
        Ok(())
    })
}

fn is_part(part: &Value, whole: &Value, wanted: &[&str]) -> Result<()> {
    let resource_type = whole["resourceType"].as_str().context("a type")?;
    let mut expected = whole.clone();
    let shown = expected.as_object_mut().context("a resource")?;
    let kept = |name: &str| {
        let bare = element(name.trim_start_matches('_'));
        ["resourceType", "id"].contains(&name)
            || wanted.contains(&bare)
            || always(resource_type).contains(&name)
    };
    shown.retain(|name, _| kept(name));
    let mut part = part.clone();
    let found = part.as_object_mut().context("a part")?;
    let meta = found.remove("meta").context("meta")?;
    // What is referred to travels along.
    let contained = found.remove("contained");
    ensure!(contained.is_none() || contained.as_ref() == whole.get("contained"), "{part}");
    ensure!(part == expected, "{wanted:?}: {part} is not {expected}");
    let tags = meta["tag"].as_array().context("a tag")?;
    ensure!(tags.iter().any(|tag| tag["code"] == "SUBSETTED"), "{meta}");
    ensure!(meta.get("versionId").is_none() && meta["profile"] == whole["meta"]["profile"]);
    ensure!(meta["lastUpdated"] == whole["meta"]["lastUpdated"], "{meta}");
    Ok(())
}

/// Matches and rows that are no resources, over all pages.
fn rows(genkan: &Genkan, first: &str) -> Result<u64> {
    let (mut rows, mut next) = (0, Some(first.to_owned()));
    while let Some(path) = next {
        let page = get(genkan, &path)?;
        let entries = page["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
        let of_row = |entry: &&Value| {
            let issue = &entry["resource"]["issue"][0]["diagnostics"];
            let is_row = issue.as_str().is_some_and(|text| text.starts_with("GKN-201"));
            entry["search"]["mode"] == "match" || is_row
        };
        rows += entries.iter().filter(of_row).count() as u64;
        let links = page["link"].as_array().context("links")?;
        let link = links.iter().find(|link| link["relation"] == "next");
        let url = link.and_then(|link| link["url"].as_str());
        next = url.and_then(|url| url.strip_prefix(&genkan.base)).map(str::to_owned);
    }
    Ok(rows)
}

#[test]
fn a_total_is_what_all_pages_bring() -> Result<()> {
    on_every_engine(|genkan, engine| {
        for resource_type in types(genkan)? {
            for filter in ["", "&_lastUpdated=ge2020", "&_id=nothing"] {
                let path = format!("/fhir/{resource_type}?_count=200{filter}");
                if genkan.get(&path)?.status == 400 {
                    continue;
                }
                let rows = rows(genkan, &path)?;
                let alone = get(genkan, &format!("/fhir/{resource_type}?_summary=count{filter}"))?;
                ensure!(alone["total"] == json!(rows), "{path}: {alone}, not {rows}");
                ensure!(alone.get("entry").is_none(), "{alone}");
                let page = get(
                    genkan,
                    &format!("/fhir/{resource_type}?_count=3&_total=accurate{filter}"),
                )?;
                ensure!(page["total"] == json!(rows), "{path}: {}", page["total"]);
                let path = format!("/fhir/{resource_type}?_count=1&_total=estimate{filter}");
                let page = get(genkan, &path)?;
                let said = page["total"].is_u64();
                let outcome = page.to_string().contains("GKN-210");
                ensure!(said != outcome, "{path}: {page}");
                ensure!(said || engine == Engine::Sqlite, "{path}: {page}");
            }
        }
        Ok(())
    })
}

#[test]
fn what_the_client_has_is_not_sent_again() -> Result<()> {
    on_every_engine(|genkan, _| {
        for resource_type in types(genkan)? {
            let search = format!("/fhir/{resource_type}?_count=5");
            let page = get(genkan, &search)?;
            let mut paths = vec![search];
            if let Some(id) = matches(&page).first().and_then(|one| one["id"].as_str()) {
                paths.push(format!("/fhir/{resource_type}/{id}"));
                paths.push(format!("/fhir/{resource_type}/{id}?_summary=true"));
            }
            for path in paths {
                let first = genkan.get(&path)?;
                let tag = first.header("etag").to_owned();
                ensure!(tag.starts_with("W/\""), "{path}: {tag}");
                let again = with(genkan, &path, &[("If-None-Match", &tag)])?;
                ensure!(again.status == 304 && again.body.is_empty(), "{path}: {}", again.status);
                ensure!(again.header("etag") == tag, "{path}");
                let modified = first.header("last-modified").to_owned();
                if !modified.is_empty() {
                    let again = with(genkan, &path, &[("If-Modified-Since", &modified)])?;
                    ensure!(again.status == 304, "{path}: {}", again.status);
                }
            }
        }
        Ok(())
    })
}

#[test]
fn a_head_has_the_headers_of_its_get_and_no_body() -> Result<()> {
    on_every_engine(|genkan, _| {
        let page = get(genkan, "/fhir/Patient?_count=1")?;
        let id = matches(&page)[0]["id"].as_str().context("id")?.to_owned();
        for path in [
            "/fhir/metadata".to_owned(),
            "/openapi.json".to_owned(),
            "/fhir/Patient?_count=2".to_owned(),
            format!("/fhir/Patient/{id}"),
            "/fhir/Patient/nothing".to_owned(),
            "/livez".to_owned(),
        ] {
            let whole = genkan.get(&path)?;
            let head = genkan.client.send("HEAD", &path, &[], None)?;
            ensure!(head.status == whole.status && head.body.is_empty(), "{path}");
            for name in ["content-type", "content-length", "etag", "vary", "cache-control"] {
                let (own, other) = (head.header(name), whole.header(name));
                ensure!(own == other, "{path}: {name}: {own} is not {other}");
            }
            ensure!(whole.header("content-length") == whole.body.len().to_string(), "{path}");
        }
        Ok(())
    })
}

#[test]
fn packed_answers_keep_their_tags() -> Result<()> {
    on_every_engine(|genkan, _| {
        let path = "/fhir/Patient?_count=20";
        let plain = genkan.get(path)?;
        for coding in ["gzip", "zstd"] {
            let packed = with(genkan, path, &[("Accept-Encoding", coding)])?;
            ensure!(packed.header("content-encoding") == coding, "{coding}");
            ensure!(packed.header("etag") == plain.header("etag"), "{coding}");
            ensure!(packed.body.len() * 3 < plain.body.len(), "{}", packed.body.len());
        }
        Ok(())
    })
}

#[test]
fn a_batch_answers_what_its_entries_would_alone() -> Result<()> {
    on_every_engine(|genkan, _| {
        let mut urls = Vec::new();
        for resource_type in types(genkan)? {
            let page = get(genkan, &format!("/fhir/{resource_type}?_count=2"))?;
            for one in matches(&page) {
                urls.push(format!("{resource_type}/{}", one["id"].as_str().context("id")?));
            }
            urls.push(format!("{resource_type}?_count=2&_total=accurate"));
            urls.push(format!("{resource_type}/nothing"));
        }
        let entry = |url: &String| json!({"request": {"method": "GET", "url": url}});
        let entries: Vec<Value> = urls.iter().map(entry).collect();
        let batch = json!({"resourceType": "Bundle", "type": "batch", "entry": entries});
        let headers = [("Content-Type", "application/fhir+json")];
        let body = batch.to_string();
        let answer = genkan.client.send("POST", "/fhir", &headers, Some(body.as_bytes()))?;
        ensure!(answer.status == 200, "{}", answer.text());
        let bundle = answer.json()?;
        let answers = bundle["entry"].as_array().context("entries")?;
        ensure!(answers.len() == urls.len());
        let mut sum = 0;
        for (url, one) in urls.iter().zip(answers) {
            let alone = genkan.get(&format!("/fhir/{url}"))?;
            sum += statements(&alone).unwrap_or(0);
            let status = one["response"]["status"].as_str().context("status")?;
            ensure!(status.starts_with(&alone.status.to_string()), "{url}: {status}");
            if alone.status == 200 {
                ensure!(one["resource"] == alone.json()?, "{url}");
                ensure!(one["response"]["etag"] == alone.header("etag"), "{url}");
            }
        }
        ensure!(statements(&answer)? == sum, "{} statements, not {sum}", statements(&answer)?);
        Ok(())
    })
}

#[test]
fn the_openapi_document_says_what_metadata_says() -> Result<()> {
    let served = serve(Engine::Sqlite)?.context("SQLite is always there")?;
    let genkan = &served.genkan;
    let document = get(genkan, "/openapi.json")?;
    ensure!(document["openapi"] == "3.1.0", "{}", document["openapi"]);
    let statement = get(genkan, "/fhir/metadata")?;
    for resource in statement["rest"][0]["resource"].as_array().context("resources")? {
        let resource_type = resource["type"].as_str().context("type")?;
        let search = &document["paths"][format!("/{resource_type}")]["get"];
        let parameters = search["parameters"].as_array().context("parameters")?;
        let resolved = parameters.iter().map(|one| match one["$ref"].as_str() {
            Some(pointer) => document.pointer(pointer.trim_start_matches('#')).unwrap_or(one),
            None => one,
        });
        let names: BTreeSet<&str> = resolved.filter_map(|one| one["name"].as_str()).collect();
        for declared in resource["searchParam"].as_array().into_iter().flatten() {
            let name = declared["name"].as_str().context("name")?;
            ensure!(names.contains(name), "{resource_type}?{name}");
        }
        for path in ["", "/_search", "/{id}", "/{id}/_history/{vid}"] {
            let path = format!("/{resource_type}{path}");
            ensure!(document["paths"].get(&path).is_some(), "{path}");
        }
    }
    // Nothing points into the void.
    let mut pointers = Vec::new();
    references(&document, &mut pointers);
    ensure!(pointers.len() > 100);
    for pointer in pointers {
        ensure!(document.pointer(pointer.trim_start_matches('#')).is_some(), "{pointer}");
    }
    Ok(())
}

fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|member| references(member, found));
        }
        _ => {}
    }
}
