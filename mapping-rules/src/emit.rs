//! Rows to resources: runs the emit program of a rule on one record and writes the JSON as it goes.
//!
//! An element whose row data are all empty disappears together with its constants; what a row could
//! not fill or a converter could not read becomes an [`Issue`], never an error. The same record makes
//! the same bytes.

mod coded;
mod reference;
mod subset;
mod telling;
mod unreadable;
mod unsent;
mod updated;
mod version;
mod writer;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use genkan_adapter::{Row, Value};

use crate::diagnostic::Span;
use crate::evaluate::{self, Frame};
use crate::identity::{Identity, Ids};
use crate::plan::Referring;
use crate::program::{ColumnUse, Rule, RuleSet};
use crate::projection::Projection;

pub(crate) use telling::columns_of;
use unsent::{Places, Watch};
pub use version::Tag;
use writer::Writer;

/// Everything that was fetched for one resource.
#[derive(Debug, Clone)]
pub struct Record {
    pub row: Row,
    /// For each child of the rule, its rows in order.
    pub children: Vec<Vec<Row>>,
    /// For each `$contained` of the rule, the target's record, if there is one.
    pub contained: Vec<Option<Arc<Record>>>,
}

/// A resource and what is to be said of it.
#[derive(Debug)]
pub struct Emitted {
    pub id: String,
    /// `meta.versionId`; of a part that has none, what stands for it in an ETag.
    pub version_id: String,
    /// `meta.lastUpdated`
    pub last_updated: Option<String>,
    /// The resource, or `None` if the row can't be one; the issues say why.
    pub json: Option<Vec<u8>>,
    pub issues: Vec<Issue>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssueSeverity {
    Error,
    Warning,
    Information,
}

/// A data problem of one row. Holds no content of the row but house codes (院内コード).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    pub severity: IssueSeverity,
    /// Stable: `unmapped`, `ambiguous`, `missing-required`, `missing-reference`, `two-types`,
    /// `bad-value`, `bad-code`, `bad-key`, `duplicate-key`, `bad-text`, `unsent`, or what a converter
    /// says (`bad-date` …).
    pub code: &'static str,
    /// Where in the resource, as FHIRPath.
    pub expression: String,
    /// Where in the rules.
    pub span: Span,
    /// `table alias.COLUMN` of everything that the place reads.
    pub columns: Vec<String>,
    pub message: crate::diagnostic::Text,
    /// Code map and house code of an unmapped code.
    pub map: Option<(String, String)>,
}

/// Where a leaf of the resource came from (`genkan rules preview`).
#[derive(Debug, Clone)]
pub struct Leaf {
    pub expression: String,
    pub value: String,
    pub span: Span,
    /// Column and raw cell.
    pub columns: Vec<(String, Value)>,
    /// Of a standard code: where its code map has it.
    pub mapped_by: Option<Span>,
}

/// Rules with keys of theirs.
pub type Followed = BTreeSet<(usize, Vec<String>)>;

/// Emits the records of one answer.
pub struct Emitter<'a> {
    rules: &'a RuleSet,
    identity: &'a Identity,
    referred: Ids<'a>,
    /// What resources refer to, for who wants to know.
    followed: Option<RefCell<Followed>>,
    /// What of a row has to arrive, by the address of its rule, for who wants to know what doesn't.
    watched: Option<RefCell<HashMap<*const Rule, Rc<Places>>>>,
}

impl<'a> Emitter<'a> {
    pub fn new(rules: &'a RuleSet, identity: &'a Identity) -> Self {
        Emitter { rules, identity, referred: Ids::new(identity), followed: None, watched: None }
    }

    /// Adds from now on an issue (`unsent`) for every 準必須 element that a row records and its resource
    /// doesn't have.
    #[must_use]
    pub fn watching(self) -> Self {
        Emitter { watched: Some(RefCell::default()), ..self }
    }

    /// Remembers from now on what the resources refer to.
    #[must_use]
    pub fn following(self) -> Self {
        Emitter { followed: Some(RefCell::default()), ..self }
    }

    /// What was referred to since this was last asked.
    pub fn take_followed(&self) -> Followed {
        self.followed.as_ref().map(RefCell::take).unwrap_or_default()
    }

    pub fn emit(&self, rule: &'a Rule, record: &'a Record) -> Emitted {
        self.run(rule, record, None, self.tag(rule, record, None), None)
    }

    /// Emits what a part shows, from a record that was fetched for it or for the whole. `tag`: the
    /// record's own; see [`Emitter::tag`].
    pub fn emit_part(
        &self,
        rule: &'a Rule,
        record: &'a Record,
        part: Option<&'a Projection>,
        tag: Tag,
    ) -> Emitted {
        self.run(rule, record, part, tag, None)
    }

    /// Emits, and says for every leaf where it came from.
    pub fn preview(&self, rule: &'a Rule, record: &'a Record) -> (Emitted, Vec<Leaf>) {
        let mut leaves = Vec::new();
        let tag = self.tag(rule, record, None);
        let emitted = self.run(rule, record, None, tag, Some(&mut leaves));
        (emitted, leaves)
    }

    fn run(
        &self,
        rule: &'a Rule,
        record: &'a Record,
        part: Option<&'a Projection>,
        tag: Tag,
        leaves: Option<&mut Vec<Leaf>>,
    ) -> Emitted {
        let Tag { text: version_id, is_version } = tag;
        let issues = unreadable::issues(self.rules, rule, record);
        if !issues.is_empty() {
            let id = self.id(rule, &record.row).unwrap_or_default();
            return Emitted { id, version_id, last_updated: None, json: None, issues };
        }
        let Some(id) = self.id(rule, &record.row) else {
            let issue = unusable_key(rule);
            let id = String::new();
            return Emitted { id, version_id, last_updated: None, json: None, issues: vec![issue] };
        };
        let mut writer = Writer::new(self, part, leaves);
        writer.watch = self.watch(rule);
        let shown = is_version.then_some(version_id.as_str());
        let last_updated = writer.resource(rule, record, &id, shown);
        let Writer { out, mut issues, unusable, watch, .. } = writer;
        issues.extend(watch.into_iter().flat_map(Watch::into_issues));
        Emitted { id, version_id, last_updated, json: (!unusable).then_some(out), issues }
    }

    /// The same places for all records of a rule.
    fn watch(&self, rule: &Rule) -> Option<Watch> {
        let mut watched = self.watched.as_ref()?.borrow_mut();
        let places = watched.entry(std::ptr::from_ref(rule));
        let places = places.or_insert_with(|| Rc::new(unsent::places(self.rules, rule)));
        Some(Watch::of(Rc::clone(places)))
    }

    /// The rule at this place of the rule set.
    pub fn rule(&self, index: usize) -> &'a Rule {
        &self.rules.rules[index]
    }

    /// `meta.lastUpdated` of a record; see [`Rule::updated_in_root`] for one without children.
    pub fn last_updated(&self, rule: &Rule, record: &Record) -> Option<String> {
        updated::of_record(self.rules, rule, record)
    }

    /// The logical id of a row; `None` if its key is empty or too long.
    pub fn id(&self, rule: &Rule, row: &Row) -> Option<String> {
        let texts: Option<Vec<_>> = rule
            .key
            .iter()
            .map(|column| {
                let value = row.values().get(column.index)?;
                let text = evaluate::value_text(value, self.rules.site.zone);
                text.filter(|text| !text.is_empty())
            })
            .collect();
        let texts = texts?;
        let key: Vec<&str> = texts.iter().map(|text| &**text).collect();
        self.identity.encode(&rule.id, &key)
    }
}

fn unusable_key(rule: &Rule) -> Issue {
    let text = crate::diagnostic::Text::new(
        "the key of this row is empty or too long to make an id",
        "この行のキーが空か、長すぎて id を作れません",
    );
    about_key(rule, "bad-key", text)
}

/// Of a second row with the key of another: which of them is the resource, nobody can say.
pub fn duplicate_key(rule: &Rule) -> Issue {
    let text = crate::diagnostic::Text::new(
        "the key of the rule finds more than one row: it is not unique, or a `one` or `maybe` \
         table has several partners",
        "規則のキーに該当する行が複数あります（キーが一意でないか、one・maybe の表が複数行に一致）",
    );
    about_key(rule, "duplicate-key", text)
}

fn about_key(rule: &Rule, code: &'static str, message: crate::diagnostic::Text) -> Issue {
    Issue {
        severity: IssueSeverity::Error,
        code,
        expression: format!("{}.id", rule.resource),
        span: rule.span,
        columns: rule.key.iter().map(column_name).collect(),
        message,
        map: None,
    }
}

pub(crate) fn column_name(column: &ColumnUse) -> String {
    format!("{}.{}", column.column.alias, column.column.column)
}

/// A frame on the root row of a record.
fn frame<'a>(rules: &'a RuleSet, record: &'a Record) -> Frame<'a> {
    Frame { root: &record.row, child: None, lookups: &rules.lookups, zone: rules.site.zone }
}

/// Key texts of a reference that a resource writes; `None` where it doesn't.
pub fn written_key(
    rules: &RuleSet,
    referring: &Referring,
    record_row: &Row,
    child: Option<(usize, &Row)>,
) -> Option<Vec<String>> {
    let frame = Frame { root: record_row, child, lookups: &rules.lookups, zone: rules.site.zone };
    let mut faults = Vec::new();
    let mut conditions = referring.conditions().iter();
    let written = conditions.all(|condition| evaluate::truth(condition, &frame, &mut faults));
    if !written {
        return None;
    }
    reference_key(rules, &referring.reference, record_row, child)
}

/// Key texts of a reference on the root row, for fetching what it points to.
pub fn reference_key(
    rules: &RuleSet,
    reference: &crate::program::ReferenceTo,
    record_row: &Row,
    child: Option<(usize, &Row)>,
) -> Option<Vec<String>> {
    let frame = Frame { root: record_row, child, lookups: &rules.lookups, zone: rules.site.zone };
    let mut faults = Vec::new();
    reference
        .key
        .iter()
        .map(|term| evaluate::text(term, &frame, &mut faults).map(|text| text.into_owned()))
        .collect()
}
