//! `_include:iterate` and `_revinclude:iterate` on the demo hospital: what they bring, how far they go,
//! and what they cost.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, ensure};
use genkan_tests::following::Step::{Back, Forward};
use genkan_tests::following::{Everything, address, entries, get, statements};
use genkan_tests::harness::{Engine, Genkan, available_engines};
use genkan_tests::hospital::{configuration, fill_database, serve};
use serde_json::Value;
use tempfile::TempDir;

const ITERATED: &str = "/fhir/Observation?_count=20&_include=Observation:encounter\
    &_include:iterate=Encounter:location&_include:iterate=Location:partof\
    &_include:iterate=Location:organization";

fn included(page: &Value) -> BTreeSet<String> {
    entries(page, "include").into_iter().map(address).collect()
}

#[test]
fn iteration_brings_what_following_brings_each_once() -> Result<()> {
    for engine in available_engines()? {
        let Some(served) = serve(engine)? else { continue };
        let genkan = &served.genkan;
        let everything = Everything::read(genkan)?;
        forwards(genkan, &everything)
            .and_then(|()| backwards(genkan, &everything))
            .with_context(|| format!("{engine:?}"))?;
    }
    Ok(())
}

fn forwards(genkan: &Genkan, everything: &Everything) -> Result<()> {
    let page = get(genkan, ITERATED)?;
    let matches: BTreeSet<String> = entries(&page, "match").into_iter().map(address).collect();
    let encounters = everything.walk(&matches, &[Forward("encounter")]);
    let mut expected = encounters.clone();
    let mut last = everything.walk(&encounters, &[Forward("location.location")]);
    while !last.is_empty() {
        expected.extend(last.iter().cloned());
        let places = everything.walk(&last, &[Forward("partOf")]);
        let owners = everything.walk(&last, &[Forward("managingOrganization")]);
        let next: BTreeSet<String> = places.union(&owners).cloned().collect();
        last = next.difference(&expected).cloned().collect();
    }
    ensure!(included(&page) == expected, "{expected:?} {:?}", included(&page));
    ensure!(entries(&page, "include").len() == expected.len(), "one comes twice");
    let of = |name: &str| expected.iter().filter(|found| found.starts_with(name)).count();
    ensure!(of("Location/") > 1 && of("Organization/") > 0, "{expected:?}");
    ensure!(entries(&page, "outcome").iter().all(|o| !o.to_string().contains("GKN-211")));
    Ok(())
}

/// Backwards, and backwards again.
fn backwards(genkan: &Genkan, everything: &Everything) -> Result<()> {
    let path = "/fhir/Organization?_revinclude=Location:organization\
                &_revinclude:iterate=Location:partof&_revinclude:iterate=Encounter:location";
    let page = get(genkan, path)?;
    let matches: BTreeSet<String> = entries(&page, "match").into_iter().map(address).collect();
    let wards = everything.walk(&matches, &[Back("Location", "managingOrganization")]);
    let rooms = everything.walk(&wards, &[Back("Location", "partOf")]);
    let places: BTreeSet<String> = wards.union(&rooms).cloned().collect();
    let stays = everything.walk(&places, &[Back("Encounter", "location.location")]);
    let expected: BTreeSet<String> = places.union(&stays).cloned().collect();
    ensure!(included(&page) == expected && !stays.is_empty(), "{}", stays.len());
    Ok(())
}

/// A circle of patients: each refers to the next, and the last to the first.
#[test]
fn a_circle_ends_and_a_depth_is_kept_and_said() -> Result<()> {
    for engine in available_engines()? {
        let Some(database) = fill_database(engine, 1)? else { continue };
        let quote = if engine == Engine::MariaDb { '`' } else { '"' };
        let name = |name: &str| format!("{quote}{name}{quote}");
        let numbers: Vec<String> = {
            let folder = TempDir::new()?;
            let genkan = Genkan::serve_file(&configuration(&database, folder.path())?)?;
            let page = get(&genkan, "/fhir/Patient?_count=6")?;
            let patients = entries(&page, "match").into_iter();
            patients
                .filter_map(|patient| Some(patient["identifier"][0]["value"].as_str()?.to_owned()))
                .collect()
        };
        ensure!(numbers.len() == 6, "{numbers:?}");
        for (index, number) in numbers.iter().enumerate() {
            let next = &numbers[(index + 1) % numbers.len()];
            let (table, other, key) = (name("PT_MST"), name("TOUGOU_PT_ID"), name("PT_ID"));
            database
                .run(&format!("UPDATE {table} SET {other} = '{next}' WHERE {key} = '{number}'"))?;
        }
        let folder = TempDir::new()?;
        let config = configuration(&database, folder.path())?;
        let text = fs::read_to_string(&config)?;
        let first = format!("/fhir/Patient?identifier={}", numbers[0]);
        let path = format!("{first}&_include:iterate=Patient:link");
        for (depth, brought, ended) in [(1, 1, true), (4, 4, true), (5, 5, true), (6, 5, false)] {
            let limits = format!("[fhir]\ninclude_depth_max = {depth}\n[http]");
            fs::write(&config, text.replace("[http]", &limits))?;
            let genkan = Genkan::serve_file(&config)?;
            let page = get(&genkan, &path)?;
            ensure!(included(&page).len() == brought, "{engine:?} {depth}: {:?}", included(&page));
            let said = page.to_string().contains("GKN-211");
            ensure!(said == ended || depth == 5, "{engine:?} {depth}: {page}");
            // One for the match and its child, and for each round the same.
            let count = statements(&genkan, &path)?;
            ensure!(count == 2 + 2 * brought, "{engine:?} {depth}: {count} statements");
            // Without `:iterate`, one reference is followed.
            let plain = get(&genkan, &format!("{first}&_include=Patient:link"))?;
            ensure!(included(&plain).len() == 1 && !plain.to_string().contains("GKN-211"));
        }
        let limits = "[fhir]\ninclude_rows_max = 3\n[http]";
        fs::write(&config, text.replace("[http]", limits))?;
        let genkan = Genkan::serve_file(&config)?;
        let answer = genkan.get(&path)?;
        ensure!(answer.text().contains("GKN-116"), "{engine:?}: {}", answer.text());
    }
    Ok(())
}
