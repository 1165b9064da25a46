//! `$validate` of a served hospital, as a client calls it: documents in both formats, resources that are
//! here, and calls that nobody can understand.

use std::fs;

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::{Answer, Engine, Genkan};
use genkan_tests::hospital::{own_rules, serve, serve_with};
use serde_json::Value;

const JSON: &str = "application/fhir+json";
const XML: &str = "application/fhir+xml; charset=utf-8";

fn post(genkan: &Genkan, path: &str, form: &str, body: &str) -> Result<Answer> {
    let headers = [("content-type", form), ("accept-language", "en")];
    genkan.client.send("POST", path, &headers, Some(body.as_bytes()))
}

/// Severity and diagnostics of each issue but the last, which says what was held against what.
fn issues(answer: &Answer) -> Result<Vec<(String, String)>> {
    ensure!(answer.status == 200, "{} {}", answer.status, answer.text());
    let outcome = answer.json()?;
    ensure!(outcome["resourceType"] == "OperationOutcome", "{outcome}");
    let mut issues = Vec::new();
    for issue in outcome["issue"].as_array().context("issues")? {
        let text = |name: &str| issue[name].as_str().unwrap_or_default().to_owned();
        issues.push((text("severity"), text("diagnostics")));
    }
    let last = issues.pop().context("an issue")?;
    ensure!(last.0 == "information" && last.1.starts_with("held against R4 4.0.1"), "{last:?}");
    Ok(issues)
}

/// Path, form, body, and of each issue its code and place.
type Case<'c> = (&'c str, &'c str, &'c str, &'c [(&'c str, &'c str)]);

#[test]
fn a_document_is_judged_where_it_stands_in_either_format() -> Result<()> {
    let served = serve(Engine::Sqlite)?.context("SQLite is always there")?;
    let genkan = &served.genkan;
    let in_json = "{\"resourceType\": \"Parameters\", \"parameter\": [\n  {\"name\": \"resource\",\n   \
        \"resource\": {\"resourceType\": \"Patient\",\n     \"gender\": \"man\"}}]}";
    let in_xml = "<Parameters xmlns=\"http://hl7.org/fhir\"><parameter><name value=\"resource\"/>\n\
        <resource><Patient>\n<gender value=\"man\"/></Patient></resource></parameter></Parameters>";
    let cases: [Case; 9] = [
        ("$validate", JSON, "{\"resourceType\": \"Patient\", \"active\": true}", &[]),
        (
            "Patient/$validate",
            JSON,
            "{\"resourceType\": \"Patient\",\n \"gender\": \"man\"}",
            &[("V1501", "[2,12]")],
        ),
        (
            "Resource/$validate",
            XML,
            "<Patient xmlns=\"http://hl7.org/fhir\">\n <gender value=\"man\"/></Patient>",
            &[("V1501", "[2,2]")],
        ),
        ("$validate", JSON, in_json, &[("V1501", "[4,16]")]),
        ("Patient/$validate", XML, in_xml, &[("V1501", "[3,1]")]),
        (
            "Parameters/$validate",
            JSON,
            "{\"resourceType\": \"Parameters\", \"parameter\": [{}]}",
            &[("V1007", "[1,46]")],
        ),
        // What can't be read is told too.
        (
            "$validate",
            JSON,
            "{\"resourceType\": \"Patient\",\n \"active\": tru}",
            &[("V2005", "[2,12]")],
        ),
        ("$validate", XML, "<Patient xmlns=\"http://hl7.org/fhir\">", &[("V20", "[1,")]),
        ("$validate", JSON, "", &[("V20", "[1,1]")]),
    ];
    for (path, form, body, expected) in cases {
        let answer = post(genkan, &format!("/fhir/{path}"), form, body)?;
        let found = issues(&answer).with_context(|| format!("{path} {body}"))?;
        let errors: Vec<_> =
            found.iter().filter(|(severity, _)| severity != "information").collect();
        let alike = errors.len() == expected.len()
            && errors
                .iter()
                .zip(expected)
                .all(|((_, said), (code, place))| said.starts_with(code) && said.contains(place));
        ensure!(alike, "{path} {body}: {errors:?}");
    }
    Ok(())
}

#[test]
fn a_profile_is_asked_for_by_name_and_a_mode_that_writes_is_refused_in_the_outcome() -> Result<()> {
    let served = serve(Engine::Sqlite)?.context("SQLite is always there")?;
    let genkan = &served.genkan;
    let patient = "{\"resourceType\": \"Patient\", \"active\": true}";
    let profile = "http://jpfhir.jp/fhir/eCS/StructureDefinition/JP_Patient_eCS";
    for (query, expected) in [
        ("mode=create", "GKN-166: nothing is ever written here, so that `create` would be refused"),
        ("mode=update", "GKN-166: "),
        ("mode=delete", "GKN-166: "),
        (&format!("profile={profile}"), "V1201 Patient.identifier is missing"),
        (&format!("mode=profile&profile={profile}|1.5.3"), "JP_Patient_eCS|1.5.3"),
        ("profile=http://example.org/unknown", "V2101"),
    ] {
        let found = issues(&post(genkan, &format!("/fhir/$validate?{query}"), JSON, patient)?)?;
        let told =
            found.iter().any(|(severity, said)| severity == "error" && said.contains(expected));
        ensure!(told, "{query}: {found:?}");
    }
    Ok(())
}

#[test]
fn a_call_that_nobody_understands_is_refused() -> Result<()> {
    let served = serve(Engine::Sqlite)?.context("SQLite is always there")?;
    let genkan = &served.genkan;
    let patient = "{\"resourceType\": \"Patient\", \"id\": \"山田\"}";
    let without = "{\"resourceType\": \"Parameters\", \"parameter\": [{\"name\": \"mode\", \"valueCode\": \"create\"}]}";
    for (path, form, body, status, code) in [
        ("$validate?mode=burn", JSON, patient, 400, "GKN-113"),
        ("$validate?mode=profile", JSON, patient, 400, "GKN-113"),
        ("$validate?usageContext=x", JSON, patient, 400, "GKN-113"),
        ("$validate", JSON, without, 400, "GKN-113"),
        ("Observation/$validate", JSON, patient, 400, "GKN-113"),
        ("Patient/other/$validate", JSON, patient, 400, "GKN-113"),
        ("Patientt/$validate", JSON, patient, 404, "GKN-103"),
        ("Patient/no_id/$validate", JSON, patient, 404, "GKN-104"),
        ("$validate", "text/plain", patient, 415, "GKN-107"),
    ] {
        let answer = post(genkan, &format!("/fhir/{path}"), form, body)?;
        let said = answer.text();
        ensure!(answer.status == status && said.contains(code), "{path}: {} {said}", answer.status);
        ensure!(!said.contains("山田"), "{path}: {said}");
    }
    let get = genkan.get("/fhir/Patient/$validate")?;
    ensure!(get.status == 405 && get.header("allow") == "POST", "{}", get.text());
    let unknown = genkan.get("/fhir/Patient/none/$validate")?;
    ensure!(unknown.status == 404 && unknown.text().contains("GKN-104"), "{}", unknown.text());
    Ok(())
}

/// 準必須: the row has a day of registration, and the rule, changed here, keeps it back.
#[test]
fn what_a_row_records_and_its_rule_does_not_send_is_told_with_line_and_column() -> Result<()> {
    let served = serve(Engine::Sqlite)?.context("SQLite is always there")?;
    let (config, folder) =
        (served.folder.path().join("genkan.toml"), served.folder.path().join("own"));
    own_rules(&config, &folder)?;
    let file = folder.join("condition.map.yaml");
    let rule = fs::read_to_string(&file)?;
    let changed = rule.replace(
        "  recordedDate: = d.TOUROKU_YMD | date\n",
        "  recordedDate: {$if: = d.TENKI == \"none\", $value: = d.TOUROKU_YMD | date}\n",
    );
    ensure!(changed != rule, "the rule of the demo hospital has another recordedDate");
    let line =
        changed.lines().position(|line| line.contains("recordedDate:")).context("a line")? + 1;
    fs::write(&file, changed)?;
    let id = {
        let found = served.genkan.get("/fhir/Condition?_count=1")?.json()?;
        found["entry"][0]["resource"]["id"].as_str().context("a Condition")?.to_owned()
    };
    let path = format!("/fhir/Condition/{id}/$validate");
    let of_the_demo = issues(&served.genkan.get(&path)?)?;
    ensure!(!of_the_demo.iter().any(|(_, said)| said.contains("unsent")), "{of_the_demo:?}");
    let changed = Genkan::serve_file(&config)?;
    let found = issues(&changed.get(&path)?)?;
    let place = format!("[condition.map.yaml:{line} d.TOUROKU_YMD]");
    let told = found.iter().filter(|(severity, said)| {
        severity == "warning" && said.starts_with("GKN-209: unsent: ") && said.ends_with(&place)
    });
    ensure!(told.count() == 1, "{found:?}");
    // Nothing else hangs on it: the resource can be registered.
    ensure!(!found.iter().any(|(severity, _)| severity == "error"), "{found:?}");
    Ok(())
}

#[test]
fn the_configuration_says_how_far_a_validation_goes() -> Result<()> {
    let sections = "[validation]\nrefuse_html = true\nfindings_max = 3\n";
    let served = serve_with(Engine::Sqlite, sections)?.context("SQLite is always there")?;
    let html = "{\"resourceType\": \"Patient\", \"name\": [{\"text\": \"<b>a</b>\"}]}";
    let found = issues(&post(&served.genkan, "/fhir/$validate", JSON, html)?)?;
    ensure!(
        found.iter().any(|(severity, said)| severity == "error" && said.starts_with("V1110")),
        "{found:?}"
    );
    let unknown = (0..20).map(|at| format!("\"x{at}\": 1")).collect::<Vec<_>>().join(", ");
    let many = format!("{{\"resourceType\": \"Patient\", {unknown}}}");
    let found = issues(&post(&served.genkan, "/fhir/$validate", JSON, &many)?)?;
    ensure!(found.len() <= 4, "{found:?}");
    ensure!(found.iter().any(|(_, said)| said.contains("3 findings")), "{found:?}");
    Ok(())
}

#[test]
fn every_type_says_that_it_can_be_validated() -> Result<()> {
    let served = serve(Engine::Sqlite)?.context("SQLite is always there")?;
    let metadata = served.genkan.get("/fhir/metadata")?.json()?;
    let rest = &metadata["rest"][0];
    let own = |of: &Value| {
        let mut operations = of["operation"].as_array().into_iter().flatten();
        operations.any(|operation| operation["name"] == "validate")
    };
    ensure!(own(rest), "not of the server");
    let types = rest["resource"].as_array().context("resources")?;
    let mapped = types.iter().filter(|of| of["versioning"] == "versioned");
    let without: Vec<&Value> = mapped.filter(|of| !own(of)).map(|of| &of["type"]).collect();
    ensure!(without.is_empty(), "{without:?}");
    Ok(())
}
