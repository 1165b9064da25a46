//! Chains and `_has` on the demo hospital, compared with reading everything and following the
//! references by hand: on SQLite always, on PostgreSQL and MariaDB where they are there.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use genkan_tests::following::Step::{Back, Forward};
use genkan_tests::following::{Everything, Holds, Step, entries, found, get, statements};
use genkan_tests::harness::{Engine, Genkan, available_engines, genkan_command};
use genkan_tests::hospital::{configuration, fill_database, serve};
use serde_json::Value;
use tempfile::TempDir;

fn has_code(resource: &Value, element: &str, code: &str) -> bool {
    let codings = resource[element]["coding"].as_array();
    codings.into_iter().flatten().any(|coding| coding["code"] == code)
}

fn born_before_1960(patient: &Value) -> bool {
    patient["birthDate"].as_str().is_some_and(|day| day < "1960")
}

fn is_female(patient: &Value) -> bool {
    patient["gender"] == "female"
}

fn is_emergency(encounter: &Value) -> bool {
    encounter["class"]["code"] == "EMER"
}

fn is_inpatient(encounter: &Value) -> bool {
    encounter["class"]["code"] == "IMP"
}

fn is_resolved(condition: &Value) -> bool {
    has_code(condition, "clinicalStatus", "resolved")
}

fn is_final(observation: &Value) -> bool {
    observation["status"] == "final"
}

fn of_2024(observation: &Value) -> bool {
    observation["effectiveDateTime"].as_str().is_some_and(|at| at.starts_with("2024"))
}

fn is_sodium(observation: &Value) -> bool {
    has_code(observation, "code", "00121")
}

fn is_serum(specimen: &Value) -> bool {
    specimen["type"]["coding"][0]["code"] == "023"
}

/// A search, and the same by hand.
type Chain = (&'static str, &'static str, Vec<Step>, Holds);

fn to_what_is_referred_to() -> Vec<Chain> {
    vec![
        ("Observation", "patient.birthdate=lt1960", vec![Forward("subject")], born_before_1960),
        ("Observation", "subject:Patient.gender=female", vec![Forward("subject")], is_female),
        ("Observation", "encounter.class=EMER", vec![Forward("encounter")], is_emergency),
        ("Observation", "encounter:Encounter.class=IMP", vec![Forward("encounter")], is_inpatient),
        (
            "Observation",
            "encounter.patient.birthdate=lt1960",
            vec![Forward("encounter"), Forward("subject")],
            born_before_1960,
        ),
        (
            "Observation",
            "based-on.encounter.class=EMER",
            vec![Forward("basedOn"), Forward("encounter")],
            is_emergency,
        ),
        ("Condition", "patient.gender=female", vec![Forward("subject")], is_female),
        ("Condition", "encounter.class=IMP", vec![Forward("encounter")], is_inpatient),
        (
            "Condition",
            "patient._has:Observation:patient:date=2024",
            vec![Forward("subject"), Back("Observation", "subject")],
            of_2024,
        ),
        (
            "Encounter",
            "diagnosis.clinical-status=resolved",
            vec![Forward("diagnosis.condition")],
            is_resolved,
        ),
        ("MedicationRequest", "encounter.class=IMP", vec![Forward("encounter")], is_inpatient),
        ("AllergyIntolerance", "patient.gender=female", vec![Forward("patient")], is_female),
        (
            "Coverage",
            "beneficiary.birthdate=lt1960",
            vec![Forward("beneficiary")],
            born_before_1960,
        ),
        ("Specimen", "subject:Patient.gender=female", vec![Forward("subject")], is_female),
    ]
}

fn to_what_refers() -> Vec<Chain> {
    vec![
        (
            "Patient",
            "_has:Observation:patient:code=00121",
            vec![Back("Observation", "subject")],
            is_sodium,
        ),
        (
            "Patient",
            "_has:Observation:patient:date=2024",
            vec![Back("Observation", "subject")],
            of_2024,
        ),
        (
            "Patient",
            "_has:Observation:patient:status=final",
            vec![Back("Observation", "subject")],
            is_final,
        ),
        (
            "Patient",
            "_has:Condition:patient:clinical-status=resolved",
            vec![Back("Condition", "subject")],
            is_resolved,
        ),
        (
            "Patient",
            "_has:Encounter:patient:class=EMER",
            vec![Back("Encounter", "subject")],
            is_emergency,
        ),
        (
            "Patient",
            "_has:Patient:link:gender=female",
            vec![Back("Patient", "link.other")],
            is_female,
        ),
        ("Patient", "link.birthdate=lt1960", vec![Forward("link.other")], born_before_1960),
        (
            "Patient",
            "_has:Encounter:patient:_has:Observation:encounter:code=00121",
            vec![Back("Encounter", "subject"), Back("Observation", "encounter")],
            is_sodium,
        ),
        (
            "Practitioner",
            "_has:Encounter:participant:patient.gender=female",
            vec![Back("Encounter", "participant.individual"), Forward("subject")],
            is_female,
        ),
        (
            "Encounter",
            "_has:Observation:encounter:code=00121",
            vec![Back("Observation", "encounter")],
            is_sodium,
        ),
        (
            "ServiceRequest",
            "_has:Observation:based-on:status=final",
            vec![Back("Observation", "basedOn")],
            is_final,
        ),
    ]
}

/// One hospital for each engine, read once.
#[test]
fn chains_find_what_following_the_references_finds() -> Result<()> {
    for engine in available_engines()? {
        let Some(served) = serve(engine)? else { continue };
        let genkan = &served.genkan;
        let everything = Everything::read(genkan)?;
        each_chain_finds_its_resources(genkan, &everything)
            .and_then(|()| a_contained_resource_is_searched_inside(genkan, &everything))
            .and_then(|()| pages_of_a_chain_are_pages_of_that_chain(genkan))
            .and_then(|()| a_chain_costs_no_statement(genkan))
            .with_context(|| format!("{engine:?}"))?;
    }
    Ok(())
}

fn each_chain_finds_its_resources(genkan: &Genkan, everything: &Everything) -> Result<()> {
    let mut silent = Vec::new();
    for (resource_type, query, steps, holds) in
        to_what_is_referred_to().into_iter().chain(to_what_refers())
    {
        let expected = everything.chained(resource_type, &steps, holds);
        let path = format!("/fhir/{resource_type}?{query}&_count=500");
        let found = found(genkan, &path)?;
        let missed: Vec<_> = expected.difference(&found).take(3).collect();
        let wrong: Vec<_> = found.difference(&expected).take(3).collect();
        ensure!(found == expected, "{query}: misses {missed:?}, finds {wrong:?}");
        if expected.is_empty() || expected.len() == everything.of_type(resource_type).count() {
            silent.push(query);
        }
    }
    ensure!(silent.len() <= 4, "these tell nothing: {silent:?}");
    Ok(())
}

/// R4: "a chained condition will be evaluated inside contained resources".
fn a_contained_resource_is_searched_inside(genkan: &Genkan, everything: &Everything) -> Result<()> {
    let carries = |resource: &Value| {
        let contained = resource["contained"].as_array().into_iter().flatten();
        contained.filter(|inside| inside["resourceType"] == "Specimen").any(is_serum)
    };
    let expected: BTreeSet<String> = everything
        .of_type("Observation")
        .filter(|(_, resource)| carries(resource))
        .map(|(address, _)| address.clone())
        .collect();
    let found = found(genkan, "/fhir/Observation?specimen.type=023&_count=500")?;
    ensure!(found == expected && !found.is_empty(), "{}", found.len());
    // It stands alone as well; there, no Observation refers to it.
    let refused = genkan.get("/fhir/Specimen?_has:Observation:specimen:status=final")?;
    ensure!(refused.status == 400, "{}", refused.text());
    Ok(())
}

/// However long a chain is, it is inside the statement of the scan.
fn a_chain_costs_no_statement(genkan: &Genkan) -> Result<()> {
    for (plain, chains) in [
        (
            "MedicationRequest?_count=2",
            &[
                "MedicationRequest?patient.gender=female&_count=2",
                "MedicationRequest?encounter.patient._has:Observation:patient:status=final&_count=2",
            ][..],
        ),
        (
            "Condition?_count=2",
            &[
                "Condition?patient._has:Encounter:patient:location.partof.name=x&_count=2",
                "Condition?subject:Patient.gender=female&encounter.status=finished&_count=2",
            ],
        ),
        (
            "Patient?_count=2",
            &[
                "Patient?_has:Observation:patient:code=00121&_count=2",
                "Patient?_has:Encounter:patient:_has:Observation:encounter:status=final&_count=2",
            ],
        ),
    ] {
        let expected = statements(genkan, &format!("/fhir/{plain}"))?;
        for chain in chains {
            let path = format!("/fhir/{chain}");
            let count = statements(genkan, &path)?;
            let empty = entries(&get(genkan, &path)?, "match").is_empty();
            // Without rows there are no children to ask for.
            ensure!(count == if empty { 1 } else { expected }, "{chain}: {count}");
        }
    }
    Ok(())
}

/// Pages of a chained search, small ones, make the whole; a token opens for its own chain only.
fn pages_of_a_chain_are_pages_of_that_chain(genkan: &Genkan) -> Result<()> {
    let chain = "/fhir/Observation?patient.gender=female";
    let few = found(genkan, &format!("{chain}&_count=37"))?;
    ensure!(few == found(genkan, &format!("{chain}&_count=1000"))? && few.len() > 37);
    let page = get(genkan, &format!("{chain}&_count=37"))?;
    let links = page["link"].as_array().context("links")?;
    let next = links.iter().find(|link| link["relation"] == "next").context("next")?;
    let next = next["url"].as_str().context("url")?.replace("female", "male");
    let other = genkan.get(next.strip_prefix(&genkan.base).context("own")?)?;
    ensure!(other.status == 400 && other.text().contains("_page"), "{}", other.text());
    Ok(())
}

/// What `/metadata` says of chains is answered, each with each.
#[test]
fn every_chain_that_is_declared_is_answered() -> Result<()> {
    let served = serve(Engine::Sqlite)?.context("SQLite is always there")?;
    let statement = get(&served.genkan, "/fhir/metadata")?;
    let resources = statement["rest"][0]["resource"].as_array().context("resources")?;
    let mut asked = 0;
    for resource in resources {
        let resource_type = resource["type"].as_str().context("type")?;
        let parameters = resource["searchParam"].as_array().into_iter().flatten();
        let texts = parameters.filter_map(|parameter| parameter["documentation"].as_str());
        let texts = texts.chain(resource["documentation"].as_str());
        for text in texts {
            for (start, ends) in declared(text) {
                for end in ends {
                    let of = start.trim_end_matches('.').split(':').nth(1).context("a type")?;
                    let value = value(resources, of, &end).context("a declared parameter")?;
                    let path = format!("/fhir/{resource_type}?{start}{end}={value}&_count=1");
                    let answer = served.genkan.get(&path)?;
                    ensure!(answer.status == 200, "{path}: {}", answer.text());
                    asked += 1;
                }
            }
        }
    }
    ensure!(asked > 300, "only {asked} chains are declared");
    Ok(())
}

/// A value that a parameter of this type takes.
fn value(resources: &[Value], resource_type: &str, code: &str) -> Option<&'static str> {
    let resource = resources.iter().find(|resource| resource["type"] == resource_type)?;
    let parameters = resource["searchParam"].as_array()?;
    let parameter = parameters.iter().find(|parameter| parameter["name"] == code)?;
    Some(match parameter["type"].as_str()? {
        "date" => "2024",
        "number" | "quantity" => "1",
        "uri" => "urn:x",
        "composite" if code.ends_with("-quantity") => "x$1",
        "composite" if code.ends_with("-date") => "x$2024",
        "composite" => "x$x",
        _ => "x",
    })
}

/// `` `subject:Patient.` with _id, gender; … ``
fn declared(text: &str) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    let mut parts = text.split('`');
    parts.next();
    while let (Some(start), Some(after)) = (parts.next(), parts.next()) {
        if let Some(ends) = after.strip_prefix(" with ") {
            let ends = ends.trim_end().trim_end_matches(['.', ';']);
            let ends = ends.split("; ").next().unwrap_or_default().split(", ");
            found.push((start.to_owned(), ends.map(str::to_owned).collect()));
        }
    }
    found
}

/// A refusal, and a part of what it says.
const REFUSALS: &[(&str, &str)] = &[
    ("Observation?patient.address=x", "step 2: `address` of Patient is not offered here"),
    ("Observation?patient.nmae=x", "step 2 of the chain: unknown parameter, perhaps name"),
    ("Observation?code.name=x", "step 1 of the chain: no reference parameter"),
    ("Observation?subject:Practitioner.name=x", "step 1 of the chain: can't refer to that type"),
    ("Observation?subject:Group.code=x", "no rule makes such a reference"),
    ("Patient?_has:Observation:patient=x", "expected _has:Type:reference:parameter"),
    ("Patient?_has:Coverage:beneficiary:status=active", "`coverage` are resources"),
    ("Observation?_sort=patient.birthdate", "sorting by a chain not supported"),
    ("Observation?_include:recurse=Observation:patient", ":iterate"),
    ("Observation?_include=*", "name each"),
    ("Observation?_include:iterate=Location:partof", "neither the search nor another include"),
    ("Location?partof.partof.partof.partof.partof.partof.name=x", "a chain has at most 5 steps"),
];

#[test]
fn what_cannot_be_followed_is_refused_with_its_step() -> Result<()> {
    let served = serve(Engine::Sqlite)?.context("SQLite is always there")?;
    for (query, told) in REFUSALS {
        let japanese = [("Accept-Language", "ja")];
        let path = format!("/fhir/{query}");
        let answer = served.genkan.client.send("GET", &path, &japanese, None)?;
        ensure!(answer.status == 400, "{query}: {} {}", answer.status, answer.text());
        ensure!(answer.text().contains(told), "{query}: {}", answer.text());
        let details = &answer.json()?["issue"][0]["details"]["text"];
        ensure!(details.as_str().is_some_and(|text| !text.is_ascii()), "{query}: {details}");
    }
    Ok(())
}

/// SQLite is not to begin a subquery, for each row around it, at a flag that nearly all rows have.
#[test]
fn the_plan_of_a_chain_is_told_and_makes_no_index() -> Result<()> {
    let database = fill_database(Engine::Sqlite, 1)?.context("SQLite is always there")?;
    let folder = TempDir::new()?;
    let config = configuration(&database, folder.path())?;
    for (search, part) in [
        ("Practitioner?_has:Observation:performer:_lastUpdated=2024", "exists LAB_KEKKA as r~1"),
        ("Patient?link.link.gender=male", "exists PT_MST as p~2 on p~1.TOUGOU_PT_ID = p~2.PT_ID"),
    ] {
        let mut explain = genkan_command()?;
        let told = explain.args(["rules", "explain", search, "--config"]).arg(&config).output()?;
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        ensure!(told.contains(part), "{told}");
        ensure!(told.contains("  | ") && !told.contains("AUTOMATIC"), "{told}");
    }
    Ok(())
}
