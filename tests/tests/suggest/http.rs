//! The operations that a console of reviewers asks for.

use std::fs;

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::Genkan;
use serde_json::{Value, json};

use super::{Site, read_only};

const REVIEW: &str = "[codes]\nreview = true\nreview_rows_max = 5000\n";
const LOADED: &str = "rules loaded";

fn get(genkan: &Genkan, path: &str) -> Result<(u16, Value)> {
    let answer = genkan.get(&format!("/fhir/ConceptMap/{path}"))?;
    Ok((answer.status, answer.json()?))
}

fn review(genkan: &Genkan, map: &str, given: &[(&str, &str)]) -> Result<(u16, Value)> {
    let parameters: Vec<Value> =
        given.iter().map(|(name, value)| json!({"name": name, "valueString": value})).collect();
    let body = json!({"resourceType": "Parameters", "parameter": parameters}).to_string();
    let header = [("Content-Type", "application/fhir+json")];
    let path = format!("/fhir/ConceptMap/{map}/$review");
    let answer = genkan.client.send("POST", &path, &header, Some(body.as_bytes()))?;
    Ok((answer.status, answer.json()?))
}

fn all<'v>(part: &'v Value, list: &str, name: &str) -> Vec<&'v Value> {
    let all = part[list].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().filter(|one| one["name"] == name).collect()
}

/// The text of a part by its name.
fn text(part: &Value, list: &str, name: &str) -> String {
    let fields = all(part, list, name).first().and_then(|one| one.as_object());
    let value = fields.into_iter().flatten().find(|(name, _)| name.starts_with("value"));
    value.map_or(String::new(), |(_, value)| match value.as_str() {
        Some(text) => text.to_owned(),
        None => value.to_string(),
    })
}

fn refused((status, outcome): &(u16, Value)) -> (u16, String) {
    let told = outcome["issue"][0]["diagnostics"].as_str().unwrap_or_default();
    (*status, told.get(..7).unwrap_or(told).to_owned())
}

#[test]
fn nobody_reviews_where_the_configuration_does_not_say_so() -> Result<()> {
    let site = Site::new("")?;
    site.import()?;
    let genkan = Genkan::serve_file(&site.config)?;
    let before = site.text("disease")?;
    for answer in [
        get(&genkan, "disease/$local-codes")?,
        get(&genkan, "disease/$suggest?code=B0135")?,
        review(&genkan, "disease", &[("code", "B0135"), ("state", "no-map"), ("by", "x")])?,
    ] {
        ensure!(refused(&answer) == (403, "GKN-150".to_owned()), "{answer:?}");
    }
    ensure!(site.text("disease")? == before);
    for path in ["/fhir/metadata", "/fhir/openapi.json"] {
        let told = genkan.get(path)?.text();
        ensure!(!told.contains("local-codes") && !told.contains("$suggest"), "{path}");
    }
    Ok(())
}

#[test]
fn a_console_lists_suggests_and_decides_and_what_is_accepted_serves() -> Result<()> {
    let site = Site::new(REVIEW)?;
    site.import()?;
    let genkan = Genkan::serve_file(&site.config)?;
    let (status, listed) = get(&genkan, "disease/$local-codes?state=none&rows=5000")?;
    ensure!(status == 200, "{listed}");
    let codes = all(&listed, "parameter", "code");
    let own = codes.iter().find(|one| text(one, "part", "code") == "B0135").context("B0135")?;
    ensure!(text(own, "part", "name") == "脂質異常症", "{own}");
    let patients: usize = text(own, "part", "patients").parse()?;
    ensure!(patients > 0 && text(own, "part", "unmapped") == "true", "{own}");
    let states = all(&listed, "parameter", "states");
    ensure!(states.len() == 1 && text(states[0], "part", "state") == "none", "{states:?}");
    let (status, found) = get(&genkan, "disease/$suggest?code=B0135&rows=5000&count=2")?;
    ensure!(status == 200, "{found}");
    let best = all(&found, "parameter", "match");
    let best = best.iter().find(|one| text(one, "part", "target") == "medis").context("medis")?;
    let coding = &all(best, "part", "concept")[0]["valueCoding"];
    ensure!(coding["code"] == "20091221" && coding["display"] == "脂質異常症", "{best}");
    let reason = all(best, "part", "reason");
    ensure!(text(reason[0], "part", "word") == "exact-name", "{reason:?}");
    let before = genkan.get("/fhir/Condition?code=20091221&_total=accurate&_count=1")?.json()?;
    ensure!(before["total"] == 0, "{before}");
    let mut version = text(&found, "parameter", "version");
    for (times, state) in ["draft", "reviewed", "accepted"].into_iter().enumerate() {
        let given = [
            ("code", "B0135"),
            ("target", "medis"),
            ("standard", "20091221"),
            ("name", "脂質異常症"),
            ("state", state),
            ("by", "佐藤"),
            ("version", &version),
        ];
        let (status, row) = review(&genkan, "disease", &given)?;
        ensure!(status == 200, "{state}: {row}");
        let written = all(&row, "parameter", "row");
        ensure!(text(written[0], "part", "state") == state, "{row}");
        ensure!(text(written[0], "part", "by") == "佐藤", "{row}");
        version = text(&row, "parameter", "version");
        genkan.says(LOADED, times + 1)?;
    }
    let after = genkan.get("/fhir/Condition?code=20091221&_total=accurate&_count=1")?.json()?;
    ensure!(after["total"].as_u64() > Some(0), "{after}");
    let row = site.text("disease")?.lines().last().unwrap_or_default().to_owned();
    ensure!(row.starts_with("B0135,脂質異常症,medis,20091221,,,,,accepted,佐藤,20"), "{row}");
    // Whoever saw what was there before sees too little.
    let stale = [("code", "B0149"), ("state", "no-map"), ("by", "x"), ("version", "0")];
    let answer = review(&genkan, "disease", &stale)?;
    ensure!(refused(&answer) == (409, "GKN-152".to_owned()), "{answer:?}");
    Ok(())
}

#[test]
fn what_can_not_be_answered_or_decided_is_refused_with_its_reason() -> Result<()> {
    let site = Site::new(REVIEW)?;
    site.import()?;
    let genkan = Genkan::serve_file(&site.config)?;
    let before = site.text("disease")?;
    for (path, status, code) in [
        ("colour/$local-codes", 404, "GKN-104"),
        ("colour/$suggest?code=B0135", 404, "GKN-104"),
        ("disease/$suggest?code=B9999", 404, "GKN-151"),
        ("disease/$suggest?code=B9999&rows=5000", 404, "GKN-151"),
        ("usage/$suggest?code=Y99&name=x", 422, "GKN-142"),
        ("disease/$review", 405, "GKN-102"),
    ] {
        let answer = get(&genkan, path)?;
        ensure!(refused(&answer) == (status, code.to_owned()), "{path}: {answer:?}");
    }
    for path in [
        "disease/$suggest",
        "disease/$suggest?code=B0135&colour=x",
        "disease/$suggest?code=B0135&median=x",
        "disease/$suggest?code=B0135&count=21",
        "disease/$local-codes?rows=5001",
        "disease/$local-codes?state=colour",
    ] {
        ensure!(get(&genkan, path)?.0 == 400, "{path}");
    }
    let long = "x".repeat(201);
    for (given, status, code) in [
        (
            vec![("state", "accepted"), ("target", "medis"), ("standard", "20091221")],
            422,
            "GKN-157",
        ),
        (vec![("state", "draft")], 400, "GKN-158"),
        (vec![("state", "draft"), ("target", "x"), ("standard", "1")], 400, "GKN-158"),
        (vec![("state", "draft"), ("target", "medis"), ("standard", "20999999")], 422, "GKN-159"),
    ] {
        let given = [&[("code", "B0135"), ("by", "佐藤")][..], &given].concat();
        let answer = review(&genkan, "disease", &given)?;
        ensure!(refused(&answer) == (status, code.to_owned()), "{given:?}: {answer:?}");
    }
    for given in [
        vec![("state", "no-map"), ("by", "x")],
        vec![("code", "B0135"), ("state", "no-map")],
        vec![("code", "B0135"), ("state", "colour"), ("by", "x")],
        vec![("code", "B0135"), ("state", "no-map"), ("by", long.as_str())],
        vec![("code", "B0135"), ("state", "no-map"), ("by", "a\nb")],
        vec![("code", "B0135"), ("state", "no-map"), ("by", "x"), ("colour", "x")],
    ] {
        ensure!(review(&genkan, "disease", &given)?.0 == 400, "{given:?}");
    }
    let several = [("code", "B0107"), ("state", "reopen"), ("by", "x")];
    let answer = review(&genkan, "disease", &several)?;
    ensure!(refused(&answer) == (400, "GKN-156".to_owned()), "{answer:?}");
    ensure!(site.text("disease")? == before, "nothing was written");
    Ok(())
}

#[test]
fn a_file_that_may_not_or_can_not_be_written_stays_as_it_is() -> Result<()> {
    let site = Site::new(REVIEW)?;
    site.import()?;
    let genkan = Genkan::serve_file(&site.config)?;
    let before = site.text("disease")?;
    // A form of a foreign page can't write.
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let path = "/fhir/ConceptMap/disease/$review";
    let answer = genkan.client.send("POST", path, &form, Some(b"code=B0135&state=no-map&by=x"))?;
    ensure!(answer.status == 415, "{}", answer.text());
    read_only(&site.csv("disease"), true)?;
    let own = [("code", "B0135"), ("state", "no-map"), ("by", "x")];
    let answer = review(&genkan, "disease", &own)?;
    ensure!(refused(&answer) == (500, "GKN-153".to_owned()), "{answer:?}");
    read_only(&site.csv("disease"), false)?;
    ensure!(site.text("disease")? == before, "nothing was written");
    // A file that somebody has broken is not made worse.
    fs::write(site.csv("disease"), "local,colour\n")?;
    let answer = review(&genkan, "disease", &own)?;
    ensure!(refused(&answer) == (422, "GKN-154".to_owned()), "{answer:?}");
    ensure!(site.text("disease")? == "local,colour\n");
    Ok(())
}

#[test]
fn without_masters_nothing_is_suggested() -> Result<()> {
    let site = Site::new(REVIEW)?;
    let genkan = Genkan::serve_file(&site.config)?;
    let answer = get(&genkan, "disease/$suggest?code=B0135&name=x")?;
    ensure!(refused(&answer) == (422, "GKN-142".to_owned()), "{answer:?}");
    let told = genkan.get("/fhir/openapi.json")?.text();
    ensure!(told.contains("/ConceptMap/{id}/$review"), "declared where it is offered");
    Ok(())
}

/// Rows for reviewers are read as bulk work: at its hours, and not at others.
#[test]
fn rows_are_read_at_the_hours_of_bulk_work() -> Result<()> {
    let site = Site::new(REVIEW)?;
    site.import()?;
    let config = fs::read_to_string(&site.config)?;
    // Some hour of the hospital's clock that is neither this one nor the next.
    let hour =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs() / 3600 + 9;
    let window = format!("{:02}:00-{:02}:00", (hour + 3) % 24, (hour + 4) % 24);
    let keys = format!("[source]\nbulk_windows = [\"{window}\"]\n");
    ensure!(config.contains("[source]\n"), "{config}");
    fs::write(&site.config, config.replacen("[source]\n", &keys, 1))?;
    let genkan = Genkan::serve_file(&site.config)?;
    for path in ["disease/$local-codes?rows=100", "disease/$suggest?code=B0135&rows=100"] {
        let answer = genkan.get(&format!("/fhir/ConceptMap/{path}"))?;
        let wait: u64 = answer.header("retry-after").parse()?;
        ensure!((3600..=3 * 3600).contains(&wait), "{wait}");
        let answer = (answer.status, answer.json()?);
        ensure!(refused(&answer) == (503, "GKN-132".to_owned()), "{path}: {answer:?}");
    }
    // What asks for no rows is answered at any hour.
    for path in ["disease/$local-codes", "disease/$suggest?code=B0135&name=HDL"] {
        let (status, answer) = get(&genkan, path)?;
        ensure!(status == 200, "{path}: {answer}");
    }
    Ok(())
}
