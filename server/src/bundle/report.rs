//! Which report (1 依頼) a result belongs to. The rules say it, no table is known here: by an
//! identifier of the configured system, or else by the order that `basedOn` points to.

use std::collections::BTreeMap;
use std::fmt;

use genkan_mapping::expression::ExpressionKind;
use genkan_mapping::program::{NodeKind, Rule};
use serde::Deserialize;
use serde_json::{Map, Value};

/// `[bundle]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BundleConfig {
    /// System of the identifier of an Observation that holds the number of its report (依頼番号).
    pub report_identifier_system: String,
}

impl Default for BundleConfig {
    fn default() -> Self {
        BundleConfig { report_identifier_system: "urn:oid:1.2.392.100495.20.3.11".to_owned() }
    }
}

/// What a person chooses among.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub number: String,
    /// The first day of its results.
    pub date: Option<String>,
    pub results: usize,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = self.date.as_deref().unwrap_or("-");
        write!(f, "{} ({date}, {})", self.number, self.results)
    }
}

/// The number of the report. `order_key` gives the key of the row behind `ServiceRequest/id`.
pub fn number(
    resource: &Map<String, Value>,
    system: &str,
    order_key: &dyn Fn(&str) -> Option<String>,
) -> Option<String> {
    let identifiers = items(resource, "identifier");
    let mut own = identifiers.filter(|identifier| identifier["system"] == system);
    if let Some(number) = own.find_map(|identifier| identifier["value"].as_str()) {
        return Some(number.to_owned());
    }
    let mut orders = items(resource, "basedOn").filter_map(|order| order["reference"].as_str());
    orders.find_map(|order| match order.strip_prefix('#') {
        Some(name) => {
            let order = items(resource, "contained").find(|contained| contained["id"] == name)?;
            let identifiers = order["identifier"].as_array()?;
            identifiers
                .iter()
                .find_map(|identifier| identifier["value"].as_str())
                .map(str::to_owned)
        }
        None => order_key(order),
    })
}

/// Does the rule write an identifier of this system?
pub fn writes_identifier(rule: &Rule, system: &str) -> bool {
    let identifier = rule.emit.iter().find(|property| property.name == "identifier");
    let Some(NodeKind::List(items)) = identifier.map(|property| &property.node.kind) else {
        return false;
    };
    // A condition could leave it out in some rows, and they would never be found.
    items.iter().filter(|item| item.condition.is_none()).any(|item| {
        let NodeKind::Object { properties, .. } = &item.kind else { return false };
        let own = properties.iter().find(|property| property.name == "system");
        own.is_some_and(|own| match &own.node.kind {
            NodeKind::Primitive { term, .. } => {
                matches!(&term.kind, ExpressionKind::Text(text) if text == system)
            }
            _ => false,
        })
    })
}

/// The reports of these results, the newest first.
pub fn reports<'r>(
    results: impl Iterator<Item = (&'r str, &'r Map<String, Value>)>,
) -> Vec<Report> {
    let mut found: BTreeMap<&str, Report> = BTreeMap::new();
    for (number, resource) in results {
        let date = day(resource);
        let report = found.entry(number).or_insert_with(|| Report {
            number: number.to_owned(),
            date: None,
            results: 0,
        });
        report.results += 1;
        report.date = match (report.date.take(), date) {
            (Some(known), Some(date)) => Some(known.min(date)),
            (known, date) => known.or(date),
        };
    }
    let mut reports: Vec<Report> = found.into_values().collect();
    reports.sort_by(|a, b| b.date.cmp(&a.date));
    reports
}

/// Year, month, day or less of `effectiveDateTime`.
pub fn day(resource: &Map<String, Value>) -> Option<String> {
    let effective = resource.get("effectiveDateTime")?.as_str()?;
    Some(effective.split('T').next().unwrap_or(effective).to_owned())
}

fn items<'r>(resource: &'r Map<String, Value>, name: &str) -> impl Iterator<Item = &'r Value> {
    resource.get(name).and_then(Value::as_array).into_iter().flatten()
}
