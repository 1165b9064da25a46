//! The rows that two rule sets are compared on: those of some patients, and where a type has none, some
//! rows of its table.

use std::collections::{BTreeMap, BTreeSet};

use genkan_fhir::definitions::Definitions;
use genkan_fhir::search;
use genkan_mapping::difference::Made;
use genkan_mapping::emit::{Emitter, Record};
use genkan_mapping::plan::{self, PlanLimits, key_texts};
use genkan_mapping::program::RuleSet;
use genkan_mapping::scan::key_value;
use indicatif::ProgressBar;

use super::super::explain::describe;
use super::{Found, Pair, Side};
use crate::command::Failure;
use crate::fetch::Fetch;
use crate::fetch::sample::{self, Columns};
use crate::service::wall_clock;

/// Patients of one search.
const PATIENTS_AT_ONCE: usize = 10;
/// Keys of one statement.
const KEYS_AT_ONCE: usize = 200;
const LIMITS: PlanLimits = PlanLimits {
    page_size_default: 1000,
    page_size_max: 1000,
    include_rows_max: 0,
    include_depth_max: 0,
};

type Key = Vec<String>;
/// By rule and key.
type Rows = BTreeMap<(String, Key), Made>;

pub async fn compare(
    pair: &Pair<'_>,
    patients_max: u64,
    progress: &ProgressBar,
) -> Result<Found, Failure> {
    let mut found = Found::default();
    let mut types: BTreeSet<&str> = pair.old.rules.resource_types().into_iter().collect();
    types.extend(pair.new.rules.resource_types());
    let patients = patients(pair, patients_max).await?;
    found.patients = patients.len();
    for resource in types {
        progress.set_message(resource.to_owned());
        match is_of_patients(pair, resource) && !patients.is_empty() {
            true => of_patients(pair, resource, &patients, &mut found, progress).await?,
            false => of_table(pair, resource, patients_max, &mut found, progress).await?,
        }
    }
    Ok(found)
}

/// Both rule sets find the resources of a patient.
fn is_of_patients(pair: &Pair, resource: &str) -> bool {
    let of = |side: &Side| {
        let made = side.rules.rules_of(resource).next().is_some();
        !made || plan::is_offered(&side.rules, resource, "patient")
    };
    resource != "Patient" && of(pair.old) && of(pair.new)
}

/// The keys of some patients by rule, of either side.
async fn patients(pair: &Pair<'_>, most: u64) -> Result<Vec<Key>, Failure> {
    let mut found: Vec<Key> = Vec::new();
    for side in [pair.old, pair.new] {
        for (index, _) in side.rules.rules_of("Patient") {
            for key in keys(pair, side, index, most).await? {
                if !found.contains(&key) {
                    found.push(key);
                }
            }
        }
    }
    Ok(found)
}

/// Keys of the first and the last rows of a rule's table.
async fn keys(pair: &Pair<'_>, side: &Side, index: usize, most: u64) -> Result<Vec<Key>, Failure> {
    let rules = &side.rules;
    let rule = &rules.rules[index];
    let columns: Vec<genkan_adapter::Column> = rule
        .key
        .iter()
        .map(|key| genkan_adapter::Column {
            name: key.column.column.to_string(),
            kind: key.kind,
            nullable: true,
        })
        .collect();
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let of = Columns { table: &rule.root.root.table, columns: columns.iter().collect() };
    let mut found: Vec<Key> = Vec::new();
    let take = |row: &genkan_adapter::Row| {
        let texts = rule.key.iter().zip(row.values()).map(|(key, value)| {
            let value = key_value(key.kind, value)?;
            let text = genkan_mapping::evaluate::value_text(&value, rules.site.zone)?;
            (!text.is_empty()).then(|| text.into_owned())
        });
        found.extend(texts.collect::<Option<Key>>());
    };
    sample::sample(pair.sources.at(rule.source), &of, &names, most.max(2), take).await?;
    Ok(found)
}

async fn of_patients(
    pair: &Pair<'_>,
    resource: &str,
    patients: &[Key],
    found: &mut Found,
    progress: &ProgressBar,
) -> Result<(), Failure> {
    let mut rows = 0;
    for some in patients.chunks(PATIENTS_AT_ONCE) {
        if rows >= pair.rows_max {
            found.cut.push(resource.to_owned());
            break;
        }
        let old = searched(pair, pair.old, resource, some).await?;
        let new = searched(pair, pair.new, resource, some).await?;
        let count = old.len().max(new.len()) as u64;
        progress.inc(count);
        rows += count;
        take(found, &old, &new);
    }
    Ok(())
}

async fn searched(
    pair: &Pair<'_>,
    side: &Side,
    resource: &str,
    patients: &[Key],
) -> Result<Rows, Failure> {
    let rules = &side.rules;
    let ids: Vec<String> = rules
        .rules_of("Patient")
        .flat_map(|(_, rule)| {
            let of_rule = patients.iter().filter(|key| key.len() == rule.key.len());
            of_rule.filter_map(|key| {
                let key: Vec<&str> = key.iter().map(String::as_str).collect();
                pair.identity.encode(&rule.id, &key).map(|id| format!("Patient/{id}"))
            })
        })
        .collect();
    let mut found = Rows::new();
    if ids.is_empty() || rules.rules_of(resource).next().is_none() {
        return Ok(found);
    }
    let pairs = [("patient".to_owned(), ids.join(","))];
    let request = search::parse(Definitions::r4(), resource, &pairs, rules.site.zone);
    let request = request.map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Failure::runtime(lines.join("; "))
    })?;
    let now = wall_clock(rules.site.zone);
    let mut plan = plan::search(rules, pair.identity, &request, &LIMITS, now)
        .map_err(|problem| Failure::runtime(describe(&problem)))?;
    loop {
        let page = Fetch::new(pair.sources, rules).page(&plan).await?;
        for (index, record) in &page.matches {
            insert(pair, rules, *index, record, &mut found);
        }
        match page.next {
            Some(cursor) => plan.go_on(cursor),
            None => return Ok(found),
        }
    }
}

async fn of_table(
    pair: &Pair<'_>,
    resource: &str,
    patients_max: u64,
    found: &mut Found,
    progress: &ProgressBar,
) -> Result<(), Failure> {
    let ids = |side: &Side| -> BTreeSet<String> {
        side.rules.rules_of(resource).map(|(_, rule)| rule.id.clone()).collect()
    };
    let most = if resource == "Patient" { patients_max } else { pair.rows_max };
    for id in ids(pair.old).union(&ids(pair.new)) {
        let place = |side: &Side| side.rules.rules.iter().position(|rule| rule.id == *id);
        let mut wanted: BTreeSet<Key> = BTreeSet::new();
        for side in [pair.old, pair.new] {
            if let Some(index) = place(side) {
                wanted.extend(keys(pair, side, index, most).await?);
            }
        }
        let wanted: Vec<Key> = wanted.into_iter().collect();
        for some in wanted.chunks(KEYS_AT_ONCE) {
            let mut sides = [Rows::new(), Rows::new()];
            for (side, rows) in [pair.old, pair.new].into_iter().zip(&mut sides) {
                let Some(index) = place(side) else { continue };
                let mut fetch = Fetch::new(pair.sources, &side.rules);
                for record in fetch.by_keys(index, some).await? {
                    insert(pair, &side.rules, index, &record, rows);
                }
            }
            progress.inc(some.len() as u64);
            take(found, &sides[0], &sides[1]);
        }
    }
    Ok(())
}

fn insert(pair: &Pair, rules: &RuleSet, index: usize, record: &Record, rows: &mut Rows) {
    let rule = &rules.rules[index];
    if let Some(key) = key_texts(rules, rule, &record.row) {
        let made = Emitter::new(rules, pair.identity).preview(rule, record);
        rows.insert((rule.id.clone(), key), made);
    }
}

fn take(found: &mut Found, old: &Rows, new: &Rows) {
    let keys: BTreeSet<&(String, Key)> = old.keys().chain(new.keys()).collect();
    for key in keys {
        let rule = found.rules.entry(key.0.clone()).or_default();
        rule.take(old.get(key), new.get(key));
    }
}
