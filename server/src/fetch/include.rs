//! What comes along with the matches: `_include` and `_revinclude`, and with `:iterate` round by round
//! what comes along with that. A round follows each include once, with one statement, from what the
//! round before has brought; a resource is brought once, so that circles end.

use std::collections::HashSet;

use genkan_adapter::RowQuery;
use genkan_mapping::emit::{Record, written_key};
use genkan_mapping::plan::{
    Follow, Include, Referring, SearchPlan, key_texts, referrers_query, target_query,
};
use genkan_mapping::program::RuleSet;

use super::{Fetch, FetchError, Fetched, distinct};

/// A rule and the key of one of its rows.
type Address = (usize, Vec<String>);

/// The resources of a page so far.
struct Brought<'a> {
    rules: &'a RuleSet,
    seen: HashSet<Address>,
    /// Included ones.
    rows: usize,
    rows_max: usize,
}

impl Fetch<'_> {
    /// The included records, and whether `:iterate` was ended before its end.
    pub(super) async fn includes(
        &mut self,
        plan: &SearchPlan,
        matches: &[(usize, Record)],
    ) -> Fetched<(Vec<(usize, Record)>, bool)> {
        let rules = self.rules;
        let seen = matches.iter().filter_map(|record| address(rules, record)).collect();
        let mut brought = Brought { rules, seen, rows: 0, rows_max: plan.include_rows_max };
        let mut included: Vec<(usize, Record)> = Vec::new();
        // What the round before has brought; the first one starts from the matches.
        let mut last: Option<Vec<(usize, Record)>> = None;
        for round in 0.. {
            let from = last.as_deref().unwrap_or(matches);
            let follows = |include: &&Include| round == 0 || include.iterate;
            let includes = plan.includes.iter().filter(follows);
            if round == plan.include_depth_max {
                let goes_on =
                    includes.into_iter().any(|i| brought.query(&i.follow, from).is_some());
                included.extend(last.unwrap_or_default());
                return Ok((included, goes_on));
            }
            let mut fresh = Vec::new();
            for include in includes {
                let Some((rule, query)) = brought.query(&include.follow, from) else { continue };
                let rows = self.rows(rule, &query).await?;
                let records = self.records(rule, rows, None, 0).await?;
                fresh.extend(brought.take(rule, records)?);
            }
            let none = fresh.is_empty();
            included.extend(last.replace(fresh).unwrap_or_default());
            if none {
                break;
            }
        }
        Ok((included, false))
    }
}

impl Brought<'_> {
    fn query(&self, follow: &Follow, from: &[(usize, Record)]) -> Option<(usize, RowQuery)> {
        let rules = self.rules;
        match follow {
            Follow::Forward(referring) => {
                let records = from.iter().filter(|(rule, _)| *rule == referring.source);
                let keys = records.flat_map(|(_, record)| referred(rules, referring, record));
                let target = referring.reference.rule;
                let fresh = keys.filter(|key| !self.seen.contains(&(target, key.clone())));
                let mut query = target_query(rules, target, &distinct(fresh))?;
                query.limit = Some(self.limit(target));
                Some((target, query))
            }
            Follow::Reverse(referring) => {
                let to = referring.reference.rule;
                let targets = from.iter().filter(|(rule, _)| *rule == to);
                let key = |record: &Record| key_texts(rules, &rules.rules[to], &record.row);
                let keys = distinct(targets.filter_map(|(_, record)| key(record)));
                if keys.is_empty() {
                    return None;
                }
                let limit = self.limit(referring.source);
                let query = referrers_query(rules, referring, &keys, limit)?;
                Some((referring.source, query))
            }
        }
    }

    /// One row more than there is room for; what is on the page already may come again.
    fn limit(&self, rule: usize) -> u64 {
        let known = self.seen.iter().filter(|(of, _)| *of == rule).count();
        (self.room() + known + 1) as u64
    }

    fn room(&self) -> usize {
        self.rows_max.saturating_sub(self.rows)
    }

    /// Keeps what is not on the page yet. Two rows of one key that come together are two: the emit room
    /// says so.
    fn take(&mut self, rule: usize, records: Vec<Record>) -> Fetched<Vec<(usize, Record)>> {
        let mut addresses = Vec::new();
        let mut fresh = Vec::new();
        for record in records.into_iter().map(|record| (rule, record)) {
            let Some(address) = address(self.rules, &record) else { continue };
            if !self.seen.contains(&address) {
                addresses.push(address);
                fresh.push(record);
            }
        }
        if fresh.len() > self.room() {
            return Err(FetchError::TooManyIncluded { rows_max: self.rows_max });
        }
        self.rows += fresh.len();
        self.seen.extend(addresses);
        Ok(fresh)
    }
}

fn address(rules: &RuleSet, (rule, record): &(usize, Record)) -> Option<Address> {
    key_texts(rules, &rules.rules[*rule], &record.row).map(|key| (*rule, key))
}

fn referred(rules: &RuleSet, referring: &Referring, record: &Record) -> Vec<Vec<String>> {
    let key = |child| written_key(rules, referring, &record.row, child);
    match referring.each() {
        None => key(None).into_iter().collect(),
        Some(child) => {
            let rows = record.children.get(child).into_iter().flatten();
            rows.filter_map(|row| key(Some((child, row)))).collect()
        }
    }
}
