//! The rows of rules with a code map, one page after the other, through the same rooms as those of a
//! request: for who counts by house code.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Instant;

use clap::Args;
use genkan_fhir::definitions::Definitions;
use genkan_fhir::search;
use genkan_mapping::Text;
use genkan_mapping::emit::{Emitted, Record};
use genkan_mapping::plan::{self, PlanLimits, PlanProblem, SearchPlan};
use genkan_mapping::program::{NodeKind, Property, Rule, RuleSet};
use indicatif::ProgressBar;
use serde_json::Value as Json;

use crate::fetch::{Fetch, FetchError};
use crate::identity::plain_identity;
use crate::service::wall_clock;
use crate::sources::Sources;

const PAGE_ROWS: usize = 1000;
const LIMITS: PlanLimits = PlanLimits {
    page_size_default: PAGE_ROWS,
    page_size_max: PAGE_ROWS,
    include_rows_max: 0,
    include_depth_max: 0,
};

/// The clinical day of each type by which a period is chosen: the parameters of R4 in the order in which
/// they are taken, if the rules offer them.
const CLINICAL_DAYS: [(&str, &[&str]); 13] = [
    ("AllergyIntolerance", &["date", "onset"]),
    ("Condition", &["recorded-date", "onset-date"]),
    ("DiagnosticReport", &["date"]),
    ("Encounter", &["date"]),
    ("Immunization", &["date"]),
    ("MedicationAdministration", &["effective-time"]),
    ("MedicationDispense", &["whenhandedover", "whenprepared"]),
    ("MedicationRequest", &["authoredon", "date"]),
    ("MedicationStatement", &["effective"]),
    ("Observation", &["date"]),
    ("Procedure", &["date"]),
    ("ServiceRequest", &["authored", "occurrence"]),
    ("Specimen", &["collected"]),
];

/// Which rows are looked at.
#[derive(Debug, Clone, Args)]
pub struct RowsArgs {
    /// So many rows of each rule with a code map are read; 0 for none
    #[arg(long, value_name = "ROWS", default_value_t = 100_000)]
    pub rows: u64,
    /// Only rows that were updated on this day or later
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub since: Option<String>,
    /// Only rows whose clinical day (diagnosis recorded, specimen taken, prescribed …) is this one or later
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub from: Option<String>,
    /// Only rows whose clinical day is this one or earlier
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub to: Option<String>,
}

impl RowsArgs {
    /// Whether it needs rows to choose from.
    pub fn chooses(&self) -> bool {
        self.since.is_some() || self.is_period()
    }

    pub fn is_period(&self) -> bool {
        self.from.is_some() || self.to.is_some()
    }
}

/// Of one rule: rows that were read, and whether there are more.
#[derive(Debug)]
pub struct Looked {
    pub rule: usize,
    pub rows: u64,
    pub all: bool,
    /// Why `--since` could not choose among its rows.
    pub not_since: Option<Text>,
    /// Why `--from` and `--to` could not.
    pub not_period: Option<Text>,
}

/// Why rows could not be looked at.
#[derive(Debug)]
pub enum NotVisited {
    /// What is asked for is no search.
    Arguments(String),
    /// Nor one that these rules answer.
    Rules(PlanProblem),
    Source(FetchError),
}

impl From<FetchError> for NotVisited {
    fn from(error: FetchError) -> Self {
        NotVisited::Source(error)
    }
}

/// Who the rows are read for.
#[derive(Debug)]
pub enum Pace {
    /// A command with connections of its own, which says how far it is.
    Command(ProgressBar),
    /// A request, until its time is over: bulk work, which the governor of each source holds down.
    Bulk { until: Option<Instant> },
}

/// Shows every row of these rules to `take`.
pub async fn visit(
    (sources, rules): (&Sources, &RuleSet),
    of: impl Fn(&Rule) -> bool,
    args: &RowsArgs,
    pace: &Pace,
    mut take: impl FnMut(usize, &Record),
) -> Result<Vec<Looked>, NotVisited> {
    let mut all = Vec::new();
    for (index, rule) in rules.rules.iter().enumerate().filter(|(_, rule)| of(rule)) {
        let (mut plan, mut looked) = plan_of(rules, index, args)?;
        let (mut fetch, progress) = match pace {
            Pace::Command(progress) => (Fetch::new(sources, rules), Some(progress)),
            Pace::Bulk { until } => (Fetch::bulk(sources, rules).until(*until), None),
        };
        progress.inspect(|progress| progress.set_message(rule.id.clone()));
        while looked.rows < args.rows {
            let page = fetch.page(&plan).await?;
            page.matches.iter().for_each(|(_, record)| take(index, record));
            looked.rows += page.matches.len() as u64;
            progress.inspect(|progress| progress.inc(page.matches.len() as u64));
            match page.next {
                Some(cursor) => plan.go_on(cursor),
                None => {
                    looked.all = true;
                    break;
                }
            }
        }
        all.push(looked);
    }
    if let Pace::Command(progress) = pace {
        progress.finish_and_clear();
    }
    Ok(all)
}

/// All rows of one rule, or those that the arguments choose.
fn plan_of(
    rules: &RuleSet,
    index: usize,
    args: &RowsArgs,
) -> Result<(SearchPlan, Looked), NotVisited> {
    let resource = rules.rules[index].resource.as_str();
    let mut looked = Looked { rule: index, rows: 0, all: false, not_since: None, not_period: None };
    let offered = |code: &str| plan::is_offered(rules, resource, code);
    let mut pairs: Vec<(String, String)> = Vec::new();
    if let Some(since) = &args.since {
        match offered("_lastUpdated") {
            true => pairs.push(("_lastUpdated".to_owned(), format!("ge{since}"))),
            false => {
                looked.not_since = Some(Text::new(
                    "its rows can't be searched by _lastUpdated, so all of them count",
                    "_lastUpdated で検索できないため、すべての行を数えています",
                ));
            }
        }
    }
    if args.is_period() {
        let known = CLINICAL_DAYS.iter().find(|(of, _)| *of == resource);
        let days = known.map(|(_, codes)| *codes).unwrap_or_default();
        match days.iter().find(|code| offered(code)) {
            Some(code) => {
                let (from, to) = (args.from.iter(), args.to.iter());
                let ends =
                    from.map(|day| format!("ge{day}")).chain(to.map(|day| format!("le{day}")));
                pairs.extend(ends.map(|value| ((*code).to_owned(), value)));
            }
            None => {
                looked.not_period = Some(Text::new(
                    "its rows can't be searched by a clinical day, so all of them count",
                    "診療日で検索できないため、すべての行を数えています",
                ));
            }
        }
    }
    let request = search::parse(Definitions::r4(), resource, &pairs, rules.site.zone);
    let request = request.map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        NotVisited::Arguments(lines.join("; "))
    })?;
    let now = wall_clock(rules.site.zone);
    let identity = plain_identity().map_err(|error| NotVisited::Arguments(error.to_string()))?;
    let mut plan =
        plan::search(rules, &identity, &request, &LIMITS, now).map_err(NotVisited::Rules)?;
    plan.scans.retain(|scan| scan.rule == index);
    Ok((plan, looked))
}

/// Whether a rule shows codes of these maps (`None`: of any).
pub fn has_code(rule: &Rule, maps: Option<&[usize]>) -> bool {
    fn holds(kind: &NodeKind, maps: Option<&[usize]>) -> bool {
        let within = |property: &Property| holds(&property.node.kind, maps);
        match kind {
            NodeKind::Coded(coded) => {
                maps.is_none_or(|maps| maps.contains(&coded.map))
                    || coded.extension.iter().any(within)
            }
            NodeKind::Object { properties, .. } => properties.iter().any(within),
            NodeKind::List(items) => items.iter().any(|item| holds(&item.kind, maps)),
            NodeKind::Primitive { .. } | NodeKind::Reference(_) => false,
        }
    }
    rule.emit.iter().any(|property| holds(&property.node.kind, maps))
}

/// A number for the patient, from which nobody can be told.
pub fn patient(emitted: &Emitted) -> Option<u64> {
    let json: Json = serde_json::from_slice(emitted.json.as_ref()?).ok()?;
    let elements = ["subject", "patient", "beneficiary"].into_iter();
    let reference = elements.filter_map(|name| json[name]["reference"].as_str()).next()?;
    let mut hasher = DefaultHasher::new();
    reference.hash(&mut hasher);
    Some(hasher.finish())
}
