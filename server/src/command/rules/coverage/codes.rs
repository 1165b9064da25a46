//! House codes without a standard code: the rows of each rule go through the same rooms as those of a
//! request, and what the emitter says of their codes is counted.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use genkan_fhir::definitions::Definitions;
use genkan_fhir::search;
use genkan_mapping::Text;
use genkan_mapping::emit::{Emitted, Emitter};
use genkan_mapping::plan::{self, PlanLimits, SearchPlan};
use genkan_mapping::program::{NodeKind, Property, RuleSet};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value as Json;

use super::super::explain::describe;
use super::super::plain_identity;
use crate::command::Failure;
use crate::fetch::Fetch;
use crate::service::wall_clock;
use crate::sources::Sources;

const PAGE_ROWS: usize = 1000;
const LIMITS: PlanLimits = PlanLimits {
    page_size_default: PAGE_ROWS,
    page_size_max: PAGE_ROWS,
    include_rows_max: 0,
    include_depth_max: 0,
};
/// Longer texts, and those with other signs, are nobody's code; they may be anybody's words.
const CODE_LENGTH_MAX: usize = 20;

/// How often a house code stood without a standard code.
#[derive(Debug, Default)]
pub struct Count {
    pub rows: u64,
    patients: HashSet<u64>,
    /// The rules whose rows these are.
    pub rules: Vec<usize>,
}

impl Count {
    pub fn patients(&self) -> usize {
        self.patients.len()
    }
}

/// What stands in the place of a code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum House {
    Code(String),
    /// No code, only a text.
    Blank,
    /// A text that does not look like a code, and is not shown.
    Words,
}

/// Of one rule: rows that were read, and whether there are more.
pub struct Looked {
    pub rule: usize,
    pub rows: u64,
    pub all: bool,
    /// Why `--since` could not choose among its rows.
    pub not_since: Option<Text>,
}

/// By code map, then by house code.
#[derive(Default)]
pub struct Uncoded {
    pub looked: Vec<Looked>,
    pub codes: BTreeMap<(String, House), Count>,
}

pub async fn uncoded(
    sources: &Sources,
    rules: &RuleSet,
    rows_max: u64,
    since: Option<&str>,
) -> Result<Uncoded, Failure> {
    let identity = plain_identity()?;
    let emitter = Emitter::new(rules, &identity);
    let mut found = Uncoded::default();
    let progress = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} {msg}") {
        progress.set_style(style);
    }
    for (index, rule) in rules.rules.iter().enumerate() {
        if !rule.emit.iter().any(has_code) {
            continue;
        }
        progress.set_message(rule.id.clone());
        let (mut plan, not_since) = plan_of(rules, index, since)?;
        let mut looked = Looked { rule: index, rows: 0, all: false, not_since };
        let mut fetch = Fetch::new(sources, rules);
        while looked.rows < rows_max {
            let page = fetch.page(&plan).await?;
            for (_, record) in &page.matches {
                let emitted = emitter.emit(rule, record);
                found.take(index, &emitted);
            }
            looked.rows += page.matches.len() as u64;
            progress.inc(page.matches.len() as u64);
            match page.next {
                Some(cursor) => plan.go_on(cursor),
                None => {
                    looked.all = true;
                    break;
                }
            }
        }
        found.looked.push(looked);
    }
    progress.finish_and_clear();
    Ok(found)
}

/// All rows of one rule, or those that are as young as was asked.
fn plan_of(
    rules: &RuleSet,
    index: usize,
    since: Option<&str>,
) -> Result<(SearchPlan, Option<Text>), Failure> {
    let resource = rules.rules[index].resource.as_str();
    let identity = plain_identity()?;
    let planned = |since: Option<&str>| -> Result<SearchPlan, Failure> {
        let pairs: Vec<(String, String)> =
            since.iter().map(|day| ("_lastUpdated".to_owned(), format!("ge{day}"))).collect();
        let request = search::parse(Definitions::r4(), resource, &pairs, rules.site.zone);
        let request = request.map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Failure::usage(lines.join("; "))
        })?;
        let now = wall_clock(rules.site.zone);
        let mut plan = plan::search(rules, &identity, &request, &LIMITS, now)
            .map_err(|problem| Failure::runtime(describe(&problem)))?;
        plan.scans.retain(|scan| scan.rule == index);
        Ok(plan)
    };
    if plan::is_offered(rules, resource, "_lastUpdated") {
        return Ok((planned(since)?, None));
    }
    let reason = Text::new(
        "its rows can't be searched by _lastUpdated, so all of them count",
        "_lastUpdated で検索できないため、すべての行を数えています",
    );
    Ok((planned(None)?, since.map(|_| reason)))
}

fn has_code(property: &Property) -> bool {
    fn holds(kind: &NodeKind) -> bool {
        match kind {
            NodeKind::Coded(_) => true,
            NodeKind::Object { properties, .. } => properties.iter().any(has_code),
            NodeKind::List(items) => items.iter().any(|item| holds(&item.kind)),
            NodeKind::Primitive { .. } | NodeKind::Reference(_) => false,
        }
    }
    holds(&property.node.kind)
}

impl Uncoded {
    fn take(&mut self, rule: usize, emitted: &Emitted) {
        // What is contained is a resource of another rule, which counts its own rows.
        let own = |expression: &str| !expression.contains(".contained[");
        let issues = emitted.issues.iter().filter(|issue| own(&issue.expression));
        let uncoded: Vec<&(String, String)> =
            issues.filter_map(|issue| issue.map.as_ref()).collect();
        if uncoded.is_empty() {
            return;
        }
        let patient = patient(emitted);
        let mut counted: Vec<(&str, House)> = Vec::new();
        for (map, local) in uncoded {
            let key = (map.as_str(), house(local));
            if counted.contains(&key) {
                continue;
            }
            let count = self.codes.entry((map.clone(), key.1.clone())).or_default();
            count.rows += 1;
            count.patients.extend(patient);
            if !count.rules.contains(&rule) {
                count.rules.push(rule);
            }
            counted.push(key);
        }
    }
}

fn house(local: &str) -> House {
    let code = |text: &str| {
        text.chars().count() <= CODE_LENGTH_MAX && text.chars().all(|c| c.is_ascii_graphic())
    };
    match local {
        "" => House::Blank,
        text if code(text) => House::Code(text.to_owned()),
        _ => House::Words,
    }
}

/// A number for the patient, from which nobody can be told.
fn patient(emitted: &Emitted) -> Option<u64> {
    let json: Json = serde_json::from_slice(emitted.json.as_ref()?).ok()?;
    let elements = ["subject", "patient", "beneficiary"].into_iter();
    let reference = elements.filter_map(|name| json[name]["reference"].as_str()).next()?;
    let mut hasher = DefaultHasher::new();
    reference.hash(&mut hasher);
    Some(hasher.finish())
}
