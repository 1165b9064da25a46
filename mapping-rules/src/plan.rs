//! The plan of a read or a search: queries as plain values, made without touching the source and
//! printable for people.
//!
//! A search makes one scan for each rule of its type that can match. Paging is by key: the order
//! always ends with the rule's key, and the token holds the last key of each scan, sealed.

mod bulk;
mod chain;
mod cursor;
mod follow;
mod forms;
mod include;
mod shown;

use chrono::NaiveDateTime;
use genkan_adapter::{Order, Predicate, RowQuery, Value};
use genkan_fhir::search::{Modifier, SearchRequest, Shape, SortKey, Total};

use crate::diagnostic::{Text, nearest_name};
use crate::identity::Identity;
use crate::image::{blank_values, value_of_kind};
use crate::program::{ColumnUse, Rule, RuleSet, Term};
use crate::projection::Projection;
use crate::search::{Chaining, Parameter, rows_of};

pub use bulk::{BulkPlan, BulkRequest, Untold, UntoldOf, Within, alone, bulk};
pub use chain::{
    OfferedChain, OfferedHas, WithheldStep, chain_problems, chains, reverse_chains, withheld_steps,
};
pub use cursor::{Cursor, Position};
pub use follow::{child_query, key_texts, link_key, referrers_query, target_query};
pub use forms::{Forms, forms, modifier_problems};
pub use include::{Follow, Include, Referring, can_be_sought, references};

/// Limits of the configuration.
#[derive(Debug, Clone, Copy)]
pub struct PlanLimits {
    pub page_size_default: usize,
    pub page_size_max: usize,
    /// Rows that the includes of a page may bring, all together.
    pub include_rows_max: usize,
    /// Rounds of `:iterate`: how many references away from a match an included resource may be.
    pub include_depth_max: usize,
}

/// Why there is no plan. All of it is the caller's to mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanProblem {
    /// No rule makes this type.
    UnknownType { nearest: Option<String> },
    /// No rule of this site made the id.
    UnknownId,
    /// FHIR has the parameter, this server does not answer it.
    NotOffered { parameter: String, reason: Text },
    /// The parameter is answered, but not with this modifier.
    Modifier { parameter: String, modifier: Modifier, reason: Text, offered: Vec<Modifier> },
    /// The parameter is answered, but not in this form.
    Refused { parameter: String, reason: Text },
    /// The page token is not ours, or belongs to another search.
    BadPage,
}

/// One row by its key.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadPlan {
    pub rule: usize,
    pub query: RowQuery,
    /// What is shown of it, if not the whole.
    pub part: Option<Projection>,
}

/// One page of a search.
#[derive(Debug, Clone)]
pub struct SearchPlan {
    pub resource_type: String,
    pub scans: Vec<Scan>,
    /// Resources on the page; with 0 there is nothing to fetch but the total.
    pub count: usize,
    /// What the answer says of the number of rows that match: not only of those on the page.
    pub total: Total,
    /// `_sort` was asked: scans are merged by value instead of read one after the other.
    pub sorted: bool,
    pub includes: Vec<Include>,
    pub include_rows_max: usize,
    pub include_depth_max: usize,
    /// What a page token of this search is sealed with.
    pub context: Vec<u8>,
}

/// The rows of one rule.
#[derive(Debug, Clone)]
pub struct Scan {
    /// Index into [`RuleSet::rules`].
    pub rule: usize,
    /// Without a limit: the fetch asks for what the page still needs, and one more.
    pub query: RowQuery,
    /// The values of `_sort` as FHIR shows them.
    pub sort: Vec<(Term, bool)>,
    /// The columns of the query's order, as indexes into a row.
    pub order_columns: Vec<usize>,
    pub position: Position,
    /// What is shown of its resources, if not the whole. The query asks for the columns of the part.
    pub part: Option<Projection>,
}

impl SearchPlan {
    /// What is shown of the matches that a rule makes.
    pub fn part(&self, rule: usize) -> Option<&Projection> {
        self.scans.iter().find(|scan| scan.rule == rule)?.part.as_ref()
    }
}

/// Plans the read of one resource.
pub fn read(
    rules: &RuleSet,
    identity: &Identity,
    resource_type: &str,
    id: &str,
    shape: &Shape,
) -> Result<ReadPlan, PlanProblem> {
    let mut known = false;
    for (index, rule) in rules.rules_of(resource_type) {
        known = true;
        if let Some(key) = identity.decode(&rule.id, id) {
            let mut query = target_query(rules, index, &[key]).ok_or(PlanProblem::UnknownId)?;
            let part = Projection::of(rules, rule, shape);
            if let Some(part) = &part {
                query.columns = part.root().of(&rule.root);
            }
            return Ok(ReadPlan { rule: index, query, part });
        }
    }
    Err(if known { PlanProblem::UnknownId } else { unknown_type(rules, resource_type) })
}

fn unknown_type(rules: &RuleSet, resource_type: &str) -> PlanProblem {
    let nearest = nearest_name(resource_type, rules.resource_types());
    PlanProblem::UnknownType { nearest: nearest.map(str::to_owned) }
}

/// The parameters that every rule of a type can answer: what `/metadata` declares.
pub fn offered<'r>(rules: &'r RuleSet, resource_type: &'r str) -> Vec<&'r Parameter> {
    let mut offered: Vec<&Parameter> = Vec::new();
    for (_, rule) in rules.rules_of(resource_type) {
        for parameter in &rule.parameters {
            let known = offered.iter().any(|known| known.code == parameter.code);
            if !known && withheld(rules, resource_type, &parameter.code).is_none() {
                offered.push(parameter);
            }
        }
    }
    offered.sort_by(|a, b| a.code.cmp(&b.code));
    offered
}

/// True if a parameter is among the [`offered`] ones.
pub fn is_offered(rules: &RuleSet, resource_type: &str, code: &str) -> bool {
    let mut of_type = rules.rules_of(resource_type);
    of_type.any(|(_, rule)| rule.parameters.iter().any(|parameter| parameter.code == code))
        && withheld(rules, resource_type, code).is_none()
}

/// True if the resources of a type can be sorted by a parameter: each of its rules can.
pub fn sorts(rules: &RuleSet, resource_type: &str, code: &str) -> bool {
    let can = |rule: &Rule| {
        rule.parameters.iter().any(|known| known.code == code && known.sort.is_some())
    };
    rules.rules_of(resource_type).all(|(_, rule)| can(rule))
}

/// Why a rule of this type, which could match, can't answer a parameter.
fn withheld<'r>(rules: &'r RuleSet, resource_type: &'r str, code: &str) -> Option<&'r Text> {
    let mut found = rules.rules_of(resource_type).flat_map(|(_, rule)| &rule.withheld);
    found.find(|held| held.code == code && !held.never_matches).map(|held| &held.reason)
}

/// Plans one page of a search. `now` is that of the hospital's wall clock, for what is asked about a
/// date (`ap`).
pub fn search(
    rules: &RuleSet,
    identity: &Identity,
    request: &SearchRequest,
    limits: &PlanLimits,
    now: NaiveDateTime,
) -> Result<SearchPlan, PlanProblem> {
    let resource_type = request.resource_type;
    if rules.rules_of(resource_type).next().is_none() {
        return Err(unknown_type(rules, resource_type));
    }
    check_offered(rules, request)?;
    if let Some(problem) = chain_problems(rules, request).into_iter().next() {
        return Err(problem);
    }
    let mut scans = Vec::new();
    let asked = request.clone().at(now);
    for (index, rule) in rules.rules_of(resource_type) {
        if let Some(filter) = filter(rules, identity, index, &asked)? {
            scans.push(scan(index, rule, filter, &request.sort));
        }
    }
    // A page goes on in the search as it was asked, whatever the time is now.
    let context = context(rules, request, &scans);
    if let Some(token) = &request.page {
        resume(identity, &context, token, &mut scans)?;
    }
    let includes = include::includes(rules, request)?;
    for scan in &mut scans {
        let part = Projection::of(rules, &rules.rules[scan.rule], &request.shape);
        scan.part = part.map(|part| narrowed(rules, scan, part, &includes));
    }
    let count = if request.count_only { Some(0) } else { request.count };
    let count = count.map_or(limits.page_size_default, |count| count as usize);
    Ok(SearchPlan {
        resource_type: resource_type.to_owned(),
        scans,
        count: count.min(limits.page_size_max.max(1)),
        total: request.total,
        sorted: !request.sort.is_empty(),
        includes,
        include_rows_max: limits.include_rows_max,
        include_depth_max: limits.include_depth_max,
        context,
    })
}

fn go_on(scans: &mut [Scan], cursor: Cursor) {
    for (scan, position) in scans.iter_mut().zip(cursor.0) {
        if let Position::After(values) = &position {
            scan.query.after = Some(values.clone());
        }
        scan.position = position;
    }
}

impl SearchPlan {
    /// The plan of the page that begins at this cursor, which a page of this very plan gave.
    pub fn go_on(&mut self, cursor: Cursor) {
        go_on(&mut self.scans, cursor);
    }
}

fn check_offered(rules: &RuleSet, request: &SearchRequest) -> Result<(), PlanProblem> {
    let resource_type = request.resource_type;
    let not_offered = |code: &str| {
        let reason = withheld(rules, resource_type, code).cloned().unwrap_or_else(|| {
            let en = "no rule emits anything that this parameter looks at";
            Text::new(en, "この検索対象の要素を出力する規則がありません")
        });
        PlanProblem::NotOffered { parameter: code.to_owned(), reason }
    };
    for filter in &request.filters {
        if !is_offered(rules, resource_type, filter.code) {
            return Err(not_offered(filter.code));
        }
    }
    if let Some(problem) = modifier_problems(rules, request).into_iter().next() {
        return Err(problem);
    }
    for SortKey { code, .. } in &request.sort {
        if !is_offered(rules, resource_type, code) {
            return Err(not_offered(code));
        }
    }
    order_problem(rules, request).map_or(Ok(()), Err)
}

/// What is wrong with the order of a request, by the rules.
pub fn order_problem(rules: &RuleSet, request: &SearchRequest) -> Option<PlanProblem> {
    let resource_type = request.resource_type;
    let offered = |key: &&SortKey| is_offered(rules, resource_type, key.code);
    let mut keys = request.sort.iter().filter(offered);
    let SortKey { code, .. } = keys.find(|key| !sorts(rules, resource_type, key.code))?;
    let en = "results can't be sorted by it: it is not one column in stored order";
    let reason = Text::new(en, "この項目では並べ替えできません");
    Some(PlanProblem::Refused { parameter: format!("_sort={code}"), reason })
}

/// What is wrong with the includes of a request, by the rules: the first of it.
pub fn include_problem(rules: &RuleSet, request: &SearchRequest) -> Option<PlanProblem> {
    include::includes(rules, request).err()
}

/// The condition on the rows of one rule; `None` when none can match.
fn filter(
    rules: &RuleSet,
    identity: &Identity,
    index: usize,
    request: &SearchRequest,
) -> Result<Option<Predicate>, PlanProblem> {
    let rule = &rules.rules[index];
    let mut all = rule.filter.clone();
    for filter in &request.filters {
        let rows = rows_of(rules, identity, rule, filter)
            .map_err(|reason| PlanProblem::Refused { parameter: filter.code.to_owned(), reason })?;
        let Some(rows) = rows else { return Ok(None) };
        all = all.and(rows);
    }
    for chain in &request.chains {
        let rows = Chaining::new(rules, identity, chain)
            .rows(index)
            .map_err(|reason| PlanProblem::Refused { parameter: chain.name.clone(), reason })?;
        all = all.and(rows);
    }
    Ok((!all.is_false()).then_some(all))
}

/// The values that a column says nothing with, where its own order would not put all of them beside
/// NULL: an index serves only the column's own order. Empty text is always there.
fn unordered_blanks(column: &ColumnUse, last: bool) -> Vec<Value> {
    let blanks = blank_values(column);
    let empty = |blank: &Value| matches!(blank, Value::Text(text) if text.is_empty());
    if last && blanks.iter().all(empty) { Vec::new() } else { blanks }
}

fn scan(index: usize, rule: &Rule, filter: Predicate, keys: &[SortKey]) -> Scan {
    let mut order = Vec::new();
    let mut order_columns = Vec::new();
    let mut terms = Vec::new();
    for (place, key) in keys.iter().enumerate() {
        let parameter = rule.parameters.iter().find(|parameter| parameter.code == key.code);
        if let Some(sort) = parameter.and_then(|parameter| parameter.sort.as_ref()) {
            let column = sort.column.column.clone();
            let blanks = unordered_blanks(&sort.column, place + 1 == keys.len());
            order.push(Order { column, descending: key.descending, blanks });
            order_columns.push(sort.column.index);
            terms.push((sort.term.clone(), key.descending));
        }
    }
    for column in &rule.key {
        if !order_columns.contains(&column.index) {
            order.push(Order::new(column.column.clone(), false));
            order_columns.push(column.index);
        }
    }
    let query = RowQuery {
        root: rule.root.root.clone(),
        joins: rule.root.joins.clone(),
        columns: rule.root.columns.clone(),
        filter,
        order,
        after: None,
        limit: None,
    };
    let position = Position::Start;
    Scan { rule: index, query, sort: terms, order_columns, position, part: None }
}

/// Lets a scan ask for no more than a part needs, with what the order, the cursor and the includes
/// look at.
fn narrowed(
    rules: &RuleSet,
    scan: &mut Scan,
    mut part: Projection,
    includes: &[Include],
) -> Projection {
    let rule = &rules.rules[scan.rule];
    scan.order_columns.iter().for_each(|index| part.also_column(*index));
    scan.sort.iter().for_each(|(term, _)| part.also_term(rule, term));
    for include in includes {
        if let Follow::Forward(referring) = &include.follow
            && referring.source == scan.rule
        {
            part.also_reference(rule, &referring.reference, referring.each());
            referring.conditions().iter().for_each(|term| part.also_term(rule, term));
        }
    }
    scan.query.columns = part.root().of(&rule.root);
    part
}

/// Takes scans to where a token of the same context says that a page ended.
pub fn resume(
    identity: &Identity,
    context: &[u8],
    token: &str,
    scans: &mut [Scan],
) -> Result<(), PlanProblem> {
    let cursor = Cursor::open(identity, context, token, scans).ok_or(PlanProblem::BadPage)?;
    go_on(scans, cursor);
    Ok(())
}

/// What makes two requests the same search: a page token of one must not open in another.
/// So does a rule set in which other rules or other columns stand behind the positions.
fn context(rules: &RuleSet, request: &SearchRequest, scans: &[Scan]) -> Vec<u8> {
    let SearchRequest { resource_type, filters, chains, sort, .. } = request;
    context_of(rules, &format!("{resource_type}|{filters:?}|{chains:?}|{sort:?}"), scans)
}

/// The same of what a text asks for.
pub fn context_of(rules: &RuleSet, text: &str, scans: &[Scan]) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(text.as_bytes());
    for scan in scans {
        let scan = format!("|{}|{:?}", rules.rules[scan.rule].id, scan.query.order);
        hasher.update(scan.as_bytes());
    }
    hasher.finalize().as_bytes()[..16].to_vec()
}

/// The typed key of a rule from its texts.
pub(crate) fn typed_key(rule: &Rule, key: &[String]) -> Option<Vec<genkan_adapter::Value>> {
    if key.len() != rule.key.len() {
        return None;
    }
    rule.key.iter().zip(key).map(|(column, text)| value_of_kind(column.kind, text)).collect()
}
