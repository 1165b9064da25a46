//! Search parameters, derived: FHIR's own definition of a parameter says where it looks, the rule
//! says what stands there, and each place has an image in the source or the parameter is withheld.
//!
//! Spec: <https://hl7.org/fhir/R4/search.html>. Overrides under `search:` in a rule replace the
//! derived places by an expression, or switch the parameter off.

mod coded;
mod derive;
mod indexes;
mod period;
mod predicate;
mod probe;
mod walk;

use genkan_fhir::definitions::ParameterType;

use crate::lens::Lens;
use crate::program::{Coded, ColumnUse, ReferenceTo, Term};

pub(crate) use derive::{Override, appears, derive};
pub use indexes::unindexed;
pub use predicate::{Asked, predicate};

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
    /// One text of many in a HumanName or Address: FHIR leaves it to the server which are searched.
    pub optional: bool,
    pub place: PlaceKind,
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
    /// A column whose stored form the search text is folded to.
    Folded {
        term: Term,
        lens: Lens,
    },
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
