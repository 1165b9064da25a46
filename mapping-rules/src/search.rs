//! Search parameters, derived: FHIR's own definition of a parameter says where it looks, the rule
//! says what stands there, and each place has an image in the source or the parameter is withheld.
//!
//! Spec: <https://hl7.org/fhir/R4/search.html>. Overrides under `search:` in a rule replace the
//! derived places by an expression, or switch the parameter off.

mod chain;
mod coded;
mod derive;
mod existence;
mod indexes;
mod key;
mod level;
mod period;
mod places;
mod predicate;
mod probe;
mod rows;
mod walk;

use genkan_fhir::definitions::ParameterType;

use crate::image::Imaging;
use crate::lens::Lens;
use crate::program::{Coded, ColumnUse, ReferenceTo, Term};

pub(crate) use chain::{Chaining, can_follow, can_follow_back, references_in};
pub(crate) use coded::LOCALS_MAX;
pub(crate) use derive::{Override, appears, derive};
pub use indexes::{Unindexed, unindexed, unindexed_warnings};
pub(crate) use level::MARK as LEVEL_MARK;
pub use predicate::rows_of;

/// A parameter that the rule answers, as `/metadata` declares it.
#[derive(Debug, Clone)]
pub struct Parameter {
    pub code: String,
    pub kind: ParameterType,
    /// Canonical URL of the definition.
    pub url: String,
    /// Any of them may match.
    pub branches: Vec<Branch>,
    /// `_sort`: the column whose order is the order of the values.
    pub sort: Option<Sort>,
}

/// How a parameter sorts.
#[derive(Debug, Clone)]
pub struct Sort {
    pub column: ColumnUse,
    /// The value as FHIR shows it, to merge the rows of several rules.
    pub term: Term,
}

/// One place in the resource that a parameter looks at.
#[derive(Debug, Clone)]
pub struct Branch {
    /// The child in whose rows it stands.
    pub each: Option<usize>,
    /// What has to hold for the place to exist (`$if`, filters of the expression).
    pub conditions: Vec<Term>,
    /// Of a constant: the data of the object around it, of which one has to be there. Each may look
    /// into the root or into one child. Empty if the constant stands in every row.
    pub data: Vec<Term>,
    /// The author named the column under `search:` and answers for how it is written.
    pub stated: bool,
    pub place: PlaceKind,
}

impl Branch {
    /// How the place is to be searched: without missing a row, but for strings and for columns that
    /// the author answers for, where the usual spellings count.
    fn imaging<'a>(&self, imaging: Imaging<'a>, negated: bool) -> Imaging<'a> {
        let strings = matches!(
            self.place,
            PlaceKind::Text(_) | PlaceKind::Folded { .. } | PlaceKind::Words(_)
        );
        Imaging { complete: negated || !(strings || self.stated), ..imaging }
    }
}

#[derive(Debug, Clone)]
pub enum PlaceKind {
    /// Coding, Identifier, ContactPoint, code, boolean, string as a token.
    Token {
        system: System,
        code: Term,
    },
    Coded(Coded),
    Text(Term),
    /// A column behind a converter that the search text goes through as well.
    Folded {
        term: Term,
        lens: Lens,
    },
    /// A whole name of which the rule shows the words behind the first as `given`: `name` finds the
    /// beginning of any of them.
    Words(Term),
    Date(Term),
    /// A Period; an end that the rule does not emit is open.
    Period {
        start: Option<Term>,
        end: Option<Term>,
    },
    Number(Term),
    Quantity {
        value: Term,
        system: Option<Term>,
        code: Option<Term>,
        unit: Option<Term>,
    },
    Reference(ReferenceTo),
    Uri(Term),
    /// The resource's own id.
    Id,
    /// True if the condition holds: `Patient.deceased` as a token.
    Flag(Term),
}

/// The system of a token place.
#[derive(Debug, Clone)]
pub enum System {
    /// An element of its own.
    Term(Term),
    /// A `code` whose required value set has one system.
    Implied(&'static str),
    /// There is none.
    None,
    /// A column named under `search:`, of which the rule does not say it.
    Unknown,
}
