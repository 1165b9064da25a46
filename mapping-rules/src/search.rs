//! Search parameters, derived: FHIR's own definition of a parameter says where it looks, the rule
//! says what stands there, and each place has an image in the source or the parameter is withheld.
//!
//! Spec: <https://hl7.org/fhir/R4/search.html>. Overrides under `search:` in a rule replace the
//! derived places by an expression, or switch the parameter off.

mod chain;
mod coded;
mod compartment;
mod composite;
mod derive;
mod existence;
mod forms;
mod indexes;
mod key;
mod level;
mod period;
mod places;
mod predicate;
mod probe;
mod quantity;
mod rows;
mod strings;
mod walk;

use std::sync::Arc;

use genkan_fhir::definitions::ParameterType;
use genkan_fhir::search::Modifier;

use crate::diagnostic::Text;
use crate::image::Imaging;
use crate::lens::Lens;
use crate::program::{Coded, ColumnUse, Node, ReferenceTo, Term};

pub(crate) use chain::{Chaining, can_follow, can_follow_back, references_in};
pub(crate) use coded::LOCALS_MAX;
pub use compartment::{Owners, owners, parameters, places};
pub(crate) use compartment::{membership, to_one_of};
pub(crate) use derive::{Override, appears, derive};
pub use forms::prefixes;
pub use indexes::{Unindexed, unindexed, unindexed_warnings};
pub(crate) use level::MARK as LEVEL_MARK;
pub use predicate::rows_of;
pub(crate) use rows::Rows;

/// A parameter that the rule answers, as `/metadata` declares it.
#[derive(Debug, Clone)]
pub struct Parameter {
    pub code: String,
    pub kind: ParameterType,
    /// Canonical URL of the definition.
    pub url: String,
    /// Any of them may match. Empty where only a modifier finds something.
    pub branches: Vec<Branch>,
    /// The modifiers that R4 has for this type of parameter; `:Type` of references is none of them.
    pub forms: Vec<Form>,
    /// `_sort`: the column whose order is the order of the values.
    pub sort: Option<Sort>,
}

/// A modifier on a parameter.
#[derive(Debug, Clone)]
pub struct Form {
    pub modifier: Modifier,
    pub answer: Answer,
}

/// How a rule answers a modifier.
#[derive(Debug, Clone)]
pub enum Answer {
    /// By the parameter's own places, compared in another way.
    Same,
    /// By places of its own: any of them may match.
    Elsewhere(Vec<Branch>),
    /// The rule emits nothing that it looks at, so that no resource can match.
    Never(Text),
    /// The rule could match and can't say.
    Withheld(Text),
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
    /// Objects around the place that may not be there when what the place says of a row is.
    pub objects: Vec<Object>,
    /// The author named the column under `search:` and answers for how it is written.
    pub stated: bool,
    pub place: PlaceKind,
}

/// An object of the emit program that has to be written.
#[derive(Debug, Clone)]
pub struct Object {
    pub node: Arc<Node>,
    /// It stands in the child's row of the branch.
    pub within: bool,
}

impl Branch {
    /// A place of the resource itself, without conditions.
    fn whole(place: PlaceKind) -> Self {
        let (conditions, objects) = (Vec::new(), Vec::new());
        Branch { each: None, conditions, objects, stated: false, place }
    }

    /// A column that the author named, of which nothing says the system or the unit.
    pub fn is_bare(&self) -> bool {
        match &self.place {
            PlaceKind::Token { system, .. } => matches!(system, System::Unknown),
            PlaceKind::Quantity(quantity) => {
                let Quantity { system, code, unit, .. } = quantity.as_ref();
                self.stated && [system, code, unit].into_iter().all(Option::is_none)
            }
            _ => false,
        }
    }

    /// How the place is to be searched: without missing a row, but for strings and for columns that
    /// the author answers for, where the usual spellings count.
    fn imaging<'a>(&self, imaging: Imaging<'a>, negated: bool) -> Imaging<'a> {
        let strings = matches!(
            self.place,
            PlaceKind::Text(_)
                | PlaceKind::Folded { .. }
                | PlaceKind::Words(_)
                | PlaceKind::CodedText(_)
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
    Quantity(Box<Quantity>),
    Reference(ReferenceTo),
    Uri(Term),
    /// The resource's own id.
    Id,
    /// True if the condition holds: `Patient.deceased` as a token.
    Flag(Term),
    /// The texts beside the codes of a `$code`.
    CodedText(Coded),
    /// An Identifier with a coding of its type.
    Typed {
        of: TypeOf,
        value: Term,
    },
    /// For each component, the places that it may match, in one object.
    Composite(Vec<Vec<Branch>>),
    /// The element itself, whatever it holds.
    Element(Arc<Node>),
}

/// One coding of `Identifier.type`.
#[derive(Debug, Clone)]
pub enum TypeOf {
    /// Its system and its code.
    Coding(Box<(System, Term)>),
    Coded(Box<Coded>),
}

/// A Quantity, or the column that an author named for its value.
#[derive(Debug, Clone)]
pub struct Quantity {
    pub value: Term,
    pub comparator: Option<Part>,
    pub system: Option<Part>,
    pub code: Option<Part>,
    pub unit: Option<Part>,
}

/// An element beside the one that is searched.
#[derive(Debug, Clone)]
pub struct Part {
    pub term: Term,
    /// `$if`
    pub condition: Option<Term>,
}

/// The system of a token place.
#[derive(Debug, Clone)]
pub enum System {
    /// An element of its own.
    Part(Part),
    /// A `code` whose required value set has one system.
    Implied(&'static str),
    /// There is none.
    None,
    /// A column named under `search:`, of which the rule does not say it.
    Unknown,
}
