//! Whose compartments a Group's export is: its members as the Group resource shows them now.

use std::collections::HashMap;

use chrono::{DateTime, FixedOffset, Utc};
use genkan_fhir::datetime;
use genkan_mapping::emit::Record;
use genkan_mapping::program::RuleSet;
use genkan_mapping::search::{owners, places};
use serde::Deserialize;

use super::plan::COMPARTMENT;
use crate::bulk::BulkRefusal;
use crate::emit;
use crate::error::Error;
use crate::fetch::Fetch;
use crate::service::Service;

/// Members of one statement.
const BATCH: usize = 200;

#[derive(Debug, Deserialize)]
struct Group {
    #[serde(default)]
    member: Vec<Member>,
}

#[derive(Debug, Deserialize)]
struct Member {
    entity: Option<Reference>,
    #[serde(default)]
    inactive: bool,
    period: Option<Period>,
}

#[derive(Debug, Deserialize)]
struct Reference {
    reference: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Period {
    end: Option<String>,
}

/// The patients of a Group, in batches that one statement each asks for.
#[derive(Debug)]
pub struct Members {
    pub batches: Vec<Batch>,
    /// The batch of each patient.
    batch_of: HashMap<(usize, Vec<String>), usize>,
}

#[derive(Debug)]
pub struct Batch {
    /// The rule that makes these patients.
    pub rule: usize,
    pub keys: Vec<Vec<String>>,
}

/// Reads the Group.
pub async fn members(
    service: &Service,
    fetch: &mut Fetch<'_>,
    id: &str,
    now: DateTime<Utc>,
) -> Result<Members, Error> {
    let plan = crate::plan::read(service, "Group", id, &Default::default())?;
    let records = fetch.of_key(&plan).await?;
    let not_found = || Error::NotFound { resource_type: "Group".to_owned() };
    let emitted = emit::only(service, plan.rule, &records).ok_or_else(not_found)?;
    let json = emitted.json.ok_or(Error::Unmappable(emitted.issues))?;
    let group: Group = serde_json::from_slice(&json)
        .map_err(|_| Error::Internal("a Group of ours has no members as R4 has them"))?;
    let members_max = service.export.group_members_max;
    if group.member.len() > members_max {
        return Err(Error::Bulk(BulkRefusal::GroupTooLarge { members_max }));
    }
    let zone = service.rules.site.zone;
    let of_now = group.member.into_iter().filter(|member| member.is_of(now, zone));
    let patients = of_now.filter_map(|member| patient(service, &member.entity?.reference?));
    Ok(Members::of(patients))
}

impl Member {
    /// Whether it still is one. A period that can't be read has not ended.
    fn is_of(&self, now: DateTime<Utc>, zone: FixedOffset) -> bool {
        let end = self.period.as_ref().and_then(|period| period.end.as_deref());
        let end = end.and_then(|text| datetime::parse_date_time(text).ok());
        let ended =
            end.is_some_and(|end| end.period(zone).end <= now.with_timezone(&zone).naive_local());
        !self.inactive && !ended
    }
}

/// `Patient/[id]`: its rule and key; `None` of what else can be a member.
fn patient(service: &Service, reference: &str) -> Option<(usize, Vec<String>)> {
    let id = reference.strip_prefix(COMPARTMENT)?.strip_prefix('/')?;
    let mut rules = service.rules.rules_of(COMPARTMENT);
    rules.find_map(|(index, rule)| Some((index, service.identity.decode(&rule.id, id)?)))
}

impl Members {
    fn of(patients: impl Iterator<Item = (usize, Vec<String>)>) -> Self {
        let mut members = Members { batches: Vec::new(), batch_of: HashMap::new() };
        let mut open: HashMap<usize, usize> = HashMap::new();
        for (rule, key) in patients {
            if members.batch_of.contains_key(&(rule, key.clone())) {
                continue;
            }
            let room = open.get(&rule).copied();
            let room = room.filter(|place| members.batches[*place].keys.len() < BATCH);
            let place = room.unwrap_or_else(|| {
                members.batches.push(Batch { rule, keys: Vec::new() });
                members.batches.len() - 1
            });
            open.insert(rule, place);
            members.batches[place].keys.push(key.clone());
            members.batch_of.insert((rule, key), place);
        }
        members
    }

    /// The first batch in whose compartments a record is: it is shown there, and not again. `None` if
    /// it is in none.
    pub fn first_batch(&self, rules: &RuleSet, index: usize, record: &Record) -> Option<usize> {
        let rule = &rules.rules[index];
        let own = genkan_mapping::plan::key_texts(rules, rule, &record.row);
        let own = own.and_then(|key| self.batch_of.get(&(index, key)).copied());
        let mut first = own;
        for (owner, _) in rules.rules_of(COMPARTMENT) {
            for key in owners(rules, &places(rule, COMPARTMENT, owner), record) {
                let batch = self.batch_of.get(&(owner, key)).copied();
                first = [first, batch].into_iter().flatten().min();
            }
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Vec<String> {
        vec![text.to_owned()]
    }

    #[test]
    fn patients_are_asked_for_in_batches_of_one_rule_and_each_once() {
        let many = (0..BATCH + 1).map(|number| (3, key(&number.to_string())));
        let others = [(4, key("0")), (3, key("0")), (4, key("1"))];
        let members = Members::of(many.chain(others));
        let sizes: Vec<_> = members.batches.iter().map(|b| (b.rule, b.keys.len())).collect();
        assert_eq!(sizes, [(3, BATCH), (3, 1), (4, 2)]);
        assert_eq!(members.batch_of.len(), BATCH + 3);
    }

    #[test]
    fn who_has_left_is_no_member() {
        let now: DateTime<Utc> = "2026-04-01T15:30:00Z".parse().expect("an instant");
        let zone = FixedOffset::east_opt(9 * 3600).expect("an offset");
        for (json, expected) in [
            (r#"{"entity": {"reference": "Patient/a"}}"#, true),
            (r#"{"entity": {"reference": "Patient/a"}, "inactive": true}"#, false),
            (r#"{"period": {"start": "2020"}}"#, true),
            (r#"{"period": {"end": "2026-04-02"}}"#, true),
            // The second of April has begun in Japan.
            (r#"{"period": {"end": "2026-04-01"}}"#, false),
            (r#"{"period": {"end": "2026"}}"#, true),
            (r#"{"period": {"end": "2026-04-02T00:30:00+09:00"}}"#, true),
            (r#"{"period": {"end": "2026-04-02T00:29:59+09:00"}}"#, false),
        ] {
            let member: Member = serde_json::from_str(json).expect("a member");
            assert_eq!(member.is_of(now, zone), expected, "{json}");
        }
    }
}
