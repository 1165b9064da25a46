//! Everything that takes input from outside, with broken input: no panic, no promise broken, and
//! over HTTP no 500. `GENKAN_FUZZ_RUNS` says how many inputs each target gets.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, anyhow, ensure};
use chrono::NaiveDateTime;
use genkan_adapter::{Adapter as _, SourceSchema};
use genkan_adapter_sql::SqlAdapter;
use genkan_fhir::definitions::Definitions;
use genkan_fhir::search::Shape;
use genkan_fhir::{search, xml};
use genkan_mapping::identity::{IdMode, Identity, SiteKey};
use genkan_mapping::plan::{self, PlanLimits};
use genkan_mapping::program::{RuleSet, Site};
use genkan_mapping::{RuleFiles, compile, schema};
use genkan_masters::Store;
use genkan_tests::fuzz::{Target, run, runs};
use genkan_tests::harness::Engine;
use genkan_tests::hospital;

const LIMITS: PlanLimits = PlanLimits {
    page_size_default: 50,
    page_size_max: 1000,
    include_rows_max: 5000,
    include_depth_max: 3,
};

const SEARCH_WORDS: &[&str] = &[
    "Patient",
    "Observation",
    "Condition",
    "_sort",
    "_count",
    "_include",
    "_revinclude",
    "_page",
    "_has",
    "_total",
    "_summary",
    "_elements",
    "date",
    "birthdate",
    "code",
    "patient",
    "subject",
    "value-quantity",
    "identifier",
    ":not",
    ":missing",
    ":exact",
    ":contains",
    ":text",
    ":of-type",
    ":identifier",
    ":iterate",
    "patient.",
    "subject:Patient.",
    "_has:Observation:patient:",
    "ge",
    "lt",
    "sa",
    "ap",
    "ne",
    "2026-02-30",
    "昭和",
    "1e400",
    "&",
    "=",
    "?",
];

fn site() -> Site {
    let zone = chrono::FixedOffset::east_opt(9 * 3600)
        .unwrap_or_else(|| chrono::Offset::fix(&chrono::Utc));
    let constants = BTreeMap::from([("institution_no".to_owned(), "1312345670".to_owned())]);
    Site { constants, zone }
}

/// The demo's rule set, as files.
fn files() -> Result<Vec<(String, Vec<u8>)>> {
    let root = hospital::rules();
    let mut files = Vec::new();
    for folder in ["", "fragments", "codes", "lookups"] {
        for entry in fs::read_dir(root.join(folder))? {
            let path = entry?.path();
            let name = path.strip_prefix(&root)?.to_string_lossy().into_owned();
            if path.is_file()
                && (name.ends_with(".yaml") || name.ends_with(".csv"))
                && name != "schema.yaml"
            {
                files.push((name, fs::read(&path)?));
            }
        }
    }
    Ok(files)
}

fn recorded() -> Result<SourceSchema> {
    let text = fs::read_to_string(hospital::rules().join("schema.yaml"))?;
    schema::parse(&text).map_err(|diagnostic| anyhow!("{diagnostic:?}"))
}

fn rules() -> Result<RuleSet> {
    let compiled = compile(&RuleFiles(files()?), &recorded()?.into(), &site(), &Store::default());
    compiled.rules.context("the demo's rules compile")
}

fn identity(mode: IdMode) -> Result<Identity> {
    Ok(Identity::new(mode, &[SiteKey { generation: 'a', secret: [7; 32] }])?)
}

fn finish(found: Result<(), String>) -> Result<()> {
    found.map_err(|said| anyhow!(said))
}

#[test]
fn searches_are_planned_or_refused() -> Result<()> {
    let (rules, identity) = (rules()?, identity(IdMode::Plain)?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _entered = runtime.enter();
    let adapter = runtime.block_on(SqlAdapter::in_memory(&recorded()?, &[]))?;
    runtime.block_on(adapter.schema())?;
    let check = |input: &[u8]| {
        let text = String::from_utf8_lossy(input);
        let (resource_type, query) = text.split_once('?').unwrap_or((&text, ""));
        let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let pairs: Vec<(String, String)> =
            pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let asked = search::parse(Definitions::r4(), resource_type, &pairs, rules.site.zone);
        let Ok(request) = asked else { return Ok(()) };
        let planned = plan::search(&rules, &identity, &request, &LIMITS, NaiveDateTime::MIN);
        let Ok(plan) = planned else { return Ok(()) };
        for scan in &plan.scans {
            let shown = adapter.explain(&scan.query);
            if shown.is_some_and(|statement| statement.text.contains("OFFSET")) {
                return Err("an OFFSET".to_owned());
            }
        }
        Ok(())
    };
    let corpus = [
        "Observation?patient=Patient/patient.0000999739&date=ge2026-01-01&_sort=-date&_count=20",
        "Condition?code=http://medis.or.jp/CodeSystem/master-disease-keyNumber|20064049&_include=Condition:patient",
        "Patient?identifier=|123&birthdate=1950&name:contains=山田&gender:not=male&_id=a,b",
        "Observation?value-quantity=gt5.4|http://unitsofmeasure.org|mg&status:missing=false",
        "MedicationRequest?authoredon=sa2026-04-01T09:30&_revinclude=Observation:subject&_page=abc",
    ];
    let corpus = corpus.map(|text| text.as_bytes().to_vec()).to_vec();
    finish(run(
        &Target { name: "search", corpus, dictionary: SEARCH_WORDS, check: &check },
        runs(20_000),
    ))
}

#[test]
fn ids_and_page_tokens_open_only_if_they_are_ours() -> Result<()> {
    let rules = rules()?;
    for mode in [IdMode::Opaque, IdMode::Plain] {
        let identity = identity(mode)?;
        let id = identity.encode("patient", &["0000999739"]).context("an id")?;
        let token = identity.seal(b"x", &["after", "1"]);
        let check = |input: &[u8]| {
            let Ok(text) = std::str::from_utf8(input) else { return Ok(()) };
            for rule in &rules.rules {
                let opened = identity.decode(&rule.id, text);
                if mode == IdMode::Opaque && opened.is_some() && text != id {
                    return Err(format!("a made-up id opens for rule {}", rule.id));
                }
                let _ = plan::read(&rules, &identity, &rule.resource, text, &Shape::Whole);
            }
            match identity.open(b"x", text) {
                Some(_) if text != token => Err("a made-up token opens".to_owned()),
                _ => Ok(()),
            }
        };
        let corpus = vec![id.clone().into_bytes(), token.clone().into_bytes()];
        let dictionary = &["patient.", "a", "A", ".", "-", "="];
        finish(run(&Target { name: "id", corpus, dictionary, check: &check }, runs(20_000)))?;
    }
    Ok(())
}

#[test]
fn rule_files_compile_or_say_what_is_wrong_with_them() -> Result<()> {
    const WORDS: &[&str] = &[
        "rule: ",
        "resource: ",
        "from: ",
        "emit: ",
        "where: ",
        "search: ",
        "tests: ",
        "{table: ",
        "key: [",
        "one: [",
        "maybe: ",
        "many: ",
        "$each: ",
        "$code: ",
        "$ref: ",
        "$contained: ",
        "$if: ",
        "$use: ",
        "with: ",
        "= p.",
        " | date",
        " | num",
        " | map 1=a else b",
        " else ",
        " in ",
        "\n  - ",
        "\n",
        "  ",
        ": ",
        "{",
        "}",
        "[",
        "]",
        "\"",
        "'",
        "#",
        "&a",
        "*a",
        "!t",
        "---",
        "$(p.",
    ];
    let (schema, site) = (recorded()?.into(), site());
    let all = files()?;
    let small = all.iter().filter(|(_, bytes)| bytes.len() < 12_000);
    // The name of the file comes first, so that each kind of file is read as what it is.
    let corpus = small.map(|(name, bytes)| [name.as_bytes(), b"\n", bytes].concat()).collect();
    let check = |input: &[u8]| {
        let at = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
        let name = String::from_utf8_lossy(&input[..at]).into_owned();
        let bytes = input.get(at + 1..).unwrap_or_default().to_vec();
        let compiled = compile(&RuleFiles(vec![(name, bytes)]), &schema, &site, &Store::default());
        if compiled.rules.is_none() && compiled.diagnostics.is_empty() {
            return Err("no rules, and nobody says why".to_owned());
        }
        for diagnostic in &compiled.diagnostics {
            let file = compiled.files.get(usize::from(diagnostic.span.file));
            let (path, text) = file.map_or(("", ""), |file| (&*file.path, &*file.text));
            let _ = diagnostic.render(path, text, genkan_mapping::Language::Japanese);
        }
        Ok(())
    };
    finish(run(&Target { name: "rules", corpus, dictionary: WORDS, check: &check }, runs(3_000)))
}

#[test]
fn expressions_compile_or_say_what_is_wrong_with_them() -> Result<()> {
    const WORDS: &[&str] = &[
        "p.PT_ID",
        "p.BIRTH",
        "p.SEX",
        " | ",
        "date",
        "date.wareki",
        "datetime",
        "num",
        "kana.half",
        "zen",
        "map",
        "1=male",
        "else",
        " & ",
        " == ",
        " != ",
        "and",
        "or",
        "not ",
        "exists",
        " in ",
        "lookup(",
        ")",
        "(",
        "\"",
        "$(",
        "site.institution_no",
        "name.given",
        "substring",
        "join",
        "9",
    ];
    let (schema, site) = (recorded()?.into(), site());
    let check = |input: &[u8]| {
        let text = String::from_utf8_lossy(input).replace('\n', " ");
        let rule = format!(
            "rule: x\nresource: Patient\nfrom:\n  p: {{table: PT_MST, key: [PT_ID]}}\nemit:\n  birthDate: = {text}\n"
        );
        let compiled = compile(
            &RuleFiles(vec![("x.map.yaml".to_owned(), rule.into_bytes())]),
            &schema,
            &site,
            &Store::default(),
        );
        match compiled.rules.is_none() && compiled.diagnostics.is_empty() {
            true => Err("no rules, and nobody says why".to_owned()),
            false => Ok(()),
        }
    };
    let corpus = [
        "p.SEX | map 1=male 2=female else unknown",
        "\"$(p.PT_ID)-$(p.SEX)\" | zen",
        "p.BIRTH | date.wareki else p.SEX",
        "not (p.SEX in \"1\" \"2\") and p.BIRTH exists",
    ];
    let corpus = corpus.map(|text| text.as_bytes().to_vec()).to_vec();
    finish(run(
        &Target { name: "expression", corpus, dictionary: WORDS, check: &check },
        runs(5_000),
    ))
}

#[test]
fn resources_become_xml_and_back_or_are_refused() -> Result<()> {
    let patient = br#"{"resourceType":"Patient","id":"a","active":true,"name":[{"text":"\u5c71\u7530"}],"_birthDate":{"extension":[{"url":"x","valueCode":"unknown"}]},"multipleBirthInteger":2}"#;
    let check = |input: &[u8]| {
        if let Ok(json) = serde_json::from_slice(input) {
            let _ = xml::from_json(&json);
        }
        Ok(())
    };
    let corpus = vec![patient.to_vec()];
    let dictionary = &[
        "{", "}", "[", "]", "null", "[]", "{}", "\"", ":", "true", "1e999", "\"_id\":", "\\ud800",
    ];
    finish(run(&Target { name: "xml", corpus, dictionary, check: &check }, runs(20_000)))
}

/// As it stands in a request line: everything but what would end the line.
fn in_a_line(text: &str) -> String {
    let shown = |byte: u8| byte.is_ascii_graphic() && !b"#\"<>\\^`{|}".contains(&byte);
    let parts = text.bytes().map(|byte| match shown(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    });
    parts.collect()
}

#[test]
fn no_request_gets_a_500() -> Result<()> {
    let served = hospital::serve(Engine::Sqlite)?.context("SQLite is always there")?;
    let genkan = &served.genkan;
    let page = genkan.get("/fhir/Patient?_count=1")?.json()?;
    let id = page["entry"][0]["resource"]["id"].as_str().context("an id")?.to_owned();
    let next =
        page["link"].as_array().context("links")?.iter().find(|link| link["relation"] == "next");
    let next =
        next.and_then(|link| link["url"].as_str()?.strip_prefix(&genkan.base)).context("next")?;
    let refused = RefCell::new(BTreeMap::<u16, usize>::new());
    let check = |input: &[u8]| {
        let path = in_a_line(&String::from_utf8_lossy(input));
        let path = if path.starts_with('/') { path } else { format!("/{path}") };
        let Ok(answer) = genkan.get(&path) else { return Err("no answer".to_owned()) };
        *refused.borrow_mut().entry(answer.status).or_default() += 1;
        match answer.status {
            500.. => Err(format!("{}: {}", answer.status, answer.text())),
            200 => Ok(()),
            _ if path.starts_with("/fhir") && !answer.text().contains("OperationOutcome") => {
                Err(format!("{} without an OperationOutcome: {}", answer.status, answer.text()))
            }
            _ => Ok(()),
        }
    };
    let corpus = [
        format!("/fhir/Patient/{id}"),
        format!("/fhir/Patient/{id}/_history/1?_format=xml"),
        format!("/fhir/Observation?patient=Patient/{id}&date=ge2020-01-01&_sort=-date&_count=3"),
        format!("/fhir/Patient/{id}/$jp-clins-bundle?kind=condition&as-of=2026-04-01"),
        next.to_owned(),
        "/fhir/metadata?_pretty=true".to_owned(),
        "/fhir/Condition?code=20064049&clinical-status=active&_include=Condition:patient"
            .to_owned(),
    ];
    let corpus = corpus.map(String::into_bytes).to_vec();
    finish(run(
        &Target { name: "http", corpus, dictionary: SEARCH_WORDS, check: &check },
        runs(3_000),
    ))?;
    let statuses = refused.into_inner();
    ensure!(statuses.len() > 2, "the inputs are too much alike: {statuses:?}");
    println!("statuses: {statuses:?}");
    Ok(())
}
