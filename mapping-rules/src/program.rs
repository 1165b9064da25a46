//! A compiled rule set: names looked up, types known, every column an index into a row. What stands
//! here can be run; what is wrong was said while compiling.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::FixedOffset;
use genkan_adapter::{ColumnKind, ColumnRef, Join, Name, Order, Predicate, TableAlias};
use genkan_fhir::definitions::{PrimitiveKind, ValueSetCode};

use crate::codemap::CodeMap;
use crate::diagnostic::Span;
use crate::expression::Expression;
use crate::search::{Parameter, Unindexed};
use crate::testing::RuleTest;

/// All rules of a site, and what they share.
#[derive(Debug)]
pub struct RuleSet {
    pub files: Vec<RuleFile>,
    /// In the order of files and, within a file, as written.
    pub rules: Vec<Rule>,
    pub code_maps: Vec<CodeMap>,
    pub lookups: LookupTables,
    pub site: Site,
    /// The names of the site's sources, the main one first.
    pub sources: Vec<String>,
    /// What the catalogs lacked for the searches that the rules offer, when they were compiled.
    pub unindexed: Vec<Unindexed>,
    /// Hash of all files of the rule set and of the site's constants: part of every `versionId`,
    /// because other rules make other resources from the same row.
    pub fingerprint: [u8; 32],
}

/// `lookups/NAME.csv`: by name, then by key.
pub type LookupTables = BTreeMap<String, BTreeMap<String, String>>;

/// One file of the rule set, kept for places in messages and previews.
#[derive(Debug, Clone)]
pub struct RuleFile {
    /// As the author knows it, relative to the rule set.
    pub path: String,
    pub text: String,
}

/// Constants of the installation: `site.NAME` in expressions, and the zone of its wall clock.
#[derive(Debug, Clone)]
pub struct Site {
    pub constants: BTreeMap<String, String>,
    pub zone: FixedOffset,
}

impl RuleSet {
    /// The rules that make resources of this type, with their index.
    pub fn rules_of<'a>(
        &'a self,
        resource: &'a str,
    ) -> impl Iterator<Item = (usize, &'a Rule)> + 'a {
        self.rules.iter().enumerate().filter(move |(_, rule)| rule.resource == resource)
    }

    /// `file:line` of a place in the rules.
    pub fn place(&self, span: Span) -> String {
        let file = self.files.get(usize::from(span.file));
        format!("{}:{}", file.map_or("", |file| &file.path), span.line)
    }

    /// Every resource type that some rule makes, sorted.
    pub fn resource_types(&self) -> Vec<&str> {
        let mut types: Vec<_> = self.rules.iter().map(|rule| rule.resource.as_str()).collect();
        types.sort_unstable();
        types.dedup();
        types
    }
}

impl RuleSet {
    /// The rules whose resources others refer to.
    pub fn referred(&self) -> BTreeSet<usize> {
        let mut referred = BTreeSet::new();
        for property in self.rules.iter().flat_map(|rule| &rule.emit) {
            property.node.any(&mut |node| {
                if let NodeKind::Reference(reference) = &node.kind {
                    referred.insert(reference.rule);
                }
                false
            });
        }
        referred
    }
}

/// One rule: one resource type from one root table.
#[derive(Debug)]
pub struct Rule {
    pub id: String,
    pub span: Span,
    pub resource: String,
    /// The place of the source that its rows are in, in [`RuleSet::sources`].
    pub source: usize,
    pub profile: Option<String>,
    pub root: RecordSet,
    /// The root's unique key, in the order of the rule.
    pub key: Vec<ColumnUse>,
    /// Which rows are resources at all.
    pub filter: Predicate,
    pub children: Vec<Child>,
    /// `meta.lastUpdated`: the latest of them, in all child rows that they read. Empty for
    /// `updated: hash`, where the source has no such column.
    pub updated: Vec<Term>,
    pub version: Version,
    pub emit: Vec<Property>,
    /// Elements without which the row is no resource.
    pub required: Vec<&'static str>,
    pub contained: Vec<Contained>,
    /// What `/metadata` declares.
    pub parameters: Vec<Parameter>,
    /// What it does not, and why.
    pub withheld: Vec<Withheld>,
    pub tests: Vec<RuleTest>,
}

/// `version`: what `meta.versionId` is a hash of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Every cell that the rule reads.
    Image,
    /// The key and the columns of `updated`: the author declares that nothing changes without them.
    Updated,
}

impl Rule {
    /// The root row alone says when it was updated.
    pub fn updated_in_root(&self) -> bool {
        let mut in_root = !self.updated.is_empty();
        for term in &self.updated {
            term.names(&mut |column| in_root &= column.place == Place::Root);
        }
        in_root
    }
}

/// Root table with its single-valued joins: what one SELECT reads.
#[derive(Debug, Clone)]
pub struct RecordSet {
    pub root: TableAlias,
    pub joins: Vec<Join>,
    /// The columns that the rule uses, and no other.
    pub columns: Vec<ColumnRef>,
}

/// A `many` child: read by one SELECT for a whole page of parents.
#[derive(Debug)]
pub struct Child {
    pub set: RecordSet,
    /// Child column (an index into `set.columns`) and the parent's column that it equals.
    pub link: Vec<(usize, ColumnUse)>,
    pub filter: Predicate,
    pub order: Vec<Order>,
}

/// Where a column's cell is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    Root,
    /// Index into [`Rule::children`].
    Child(usize),
}

/// A column in an expression.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnUse {
    pub place: Place,
    /// Index into the columns of that place.
    pub index: usize,
    pub column: ColumnRef,
    pub kind: ColumnKind,
    /// Stored texts that mean "nothing", besides NULL and the empty text.
    pub blanks: Arc<[Name]>,
}

/// An expression over the columns of a rule.
pub type Term = Expression<ColumnUse>;

/// One element of an object, by its JSON name.
#[derive(Debug, Clone)]
pub struct Property {
    pub name: String,
    /// The element behind the name: `value` for `valueQuantity`; empty for `_name`.
    pub element: &'static str,
    /// A summary shows it inside an element that it shows: R4 marks it, or requires it, or it is of
    /// a data type, whose values are shown whole.
    pub summary: bool,
    pub node: Node,
}

/// A place in the resource.
#[derive(Debug, Clone)]
pub struct Node {
    pub span: Span,
    /// `$if`
    pub condition: Option<Term>,
    /// `$each`: index into [`Rule::children`].
    pub each: Option<usize>,
    /// FHIR type, or the path of a backbone element.
    pub type_path: String,
    /// Holds something that comes from a row: disappears when all of it is empty.
    pub from_row: bool,
    pub kind: NodeKind,
    /// The JSON of what no row can change, made once: most of a resource is systems, URLs and codes.
    pub fixed: Option<Box<[u8]>>,
}

impl Node {
    /// `alias.COLUMN` of everything that its value comes from.
    pub fn columns(&self) -> Vec<String> {
        crate::emit::columns_of(self)
    }

    /// Whether it holds for this place or for one inside it.
    pub fn any(&self, holds: &mut impl FnMut(&Node) -> bool) -> bool {
        if holds(self) {
            return true;
        }
        match &self.kind {
            NodeKind::Object { properties, .. } => any_of(properties, holds),
            NodeKind::Coded(coded) => any_of(&coded.extension, holds),
            NodeKind::List(items) => items.iter().any(|item| item.any(holds)),
            NodeKind::Primitive { .. } | NodeKind::Reference(_) => false,
        }
    }
}

fn any_of(properties: &[Property], holds: &mut impl FnMut(&Node) -> bool) -> bool {
    properties.iter().any(|property| property.node.any(holds))
}

#[derive(Debug, Clone)]
pub enum NodeKind {
    Object {
        properties: Vec<Property>,
        /// Elements that the base definition requires.
        required: Vec<&'static str>,
    },
    List(Vec<Node>),
    Primitive {
        term: Term,
        kind: PrimitiveKind,
    },
    Coded(Box<Coded>),
    Reference(ReferenceTo),
}

/// `$code`: a local code through a code map.
#[derive(Debug, Clone)]
pub struct Coded {
    /// Index into [`RuleSet::code_maps`].
    pub map: usize,
    pub from: Term,
    pub text: Option<Term>,
    /// The name of the house code, for its coding; `text` if there is none.
    pub display: Option<Term>,
    /// `extension` of the CodeableConcept (病名の修飾語).
    pub extension: Arc<[Property]>,
    /// The clinical date that chooses among dated rows.
    pub at: Option<Term>,
    /// Chooses among the unmapped codings of the map (`by`).
    pub with: Option<Term>,
    pub shape: CodedShape,
    /// What a code may be, where FHIR requires a value set that it lists.
    pub codes: Option<&'static [ValueSetCode]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodedShape {
    CodeableConcept,
    /// The first coding.
    Coding,
    /// The code of the first coding.
    Code,
}

/// `$ref` and `$contained`: the resource that another rule makes of the row with this key.
#[derive(Debug, Clone)]
pub struct ReferenceTo {
    /// Index into [`RuleSet::rules`].
    pub rule: usize,
    pub key: Vec<Term>,
    pub display: Option<Term>,
    /// Index into [`Rule::contained`]: the target travels inside the resource.
    pub contained: Option<usize>,
}

/// `$contained`: what has to be fetched besides the row, if anything.
#[derive(Debug)]
pub struct Contained {
    pub reference: ReferenceTo,
    /// The target is made of the very row: its columns, as indexes into the parent's.
    pub same_row: Option<Vec<usize>>,
}

/// A search parameter of FHIR that this rule can't answer, or that its author switched off.
#[derive(Debug, Clone)]
pub struct Withheld {
    pub code: String,
    pub reason: crate::diagnostic::Text,
    /// The rule emits nothing that the parameter looks at: no resource of this rule can match, which
    /// is an answer. Otherwise the rule could match and can't say.
    pub never_matches: bool,
}
