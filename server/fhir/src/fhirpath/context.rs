//! What an expression is evaluated on, and what the caller lends to it.

use std::cell::Cell;

use chrono::{DateTime, FixedOffset};
use serde_json::Value;

use super::{
    item::{Item, Node, TypeName},
    model::Model,
    temporal::Temporal,
};

/// The element in focus with its surroundings. Cheap to copy, so that one context serves all the
/// invariants of a resource: see [`Context::at`].
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub(super) focus: Node<'a>,
    pub(super) resource: Node<'a>,
    pub(super) root_resource: Node<'a>,
    pub(super) now: Option<Temporal>,
    pub(super) variables: &'a [(&'a str, Vec<Item<'a>>)],
    pub(super) resolver: Option<&'a Resolver<'a>>,
    pub(super) profiles: Option<&'a CanonicalCheck<'a>>,
    pub(super) terminology: Option<&'a CanonicalCheck<'a>>,
    pub(super) html_checks: Option<&'a HtmlChecks<'a>>,
    pub(super) limits: Limits,
    pub(super) steps: Option<&'a Cell<u64>>,
}

/// Finds the target of a reference, by its text as the resource has it. References to contained
/// resources (`#id`) don't come here.
pub type Resolver<'a> = dyn Fn(&str) -> Resolved<'a> + 'a;

/// Whether an item conforms to the profile, or is in the value set, of this canonical; `None` if
/// that canonical isn't known.
pub type CanonicalCheck<'a> = dyn Fn(&Item<'_>, &str) -> Option<bool> + 'a;

/// Whether the text of an xhtml element keeps FHIR's rules.
pub type HtmlChecks<'a> = dyn Fn(&str) -> bool + 'a;

/// What became of a reference.
#[derive(Debug, Clone, Copy)]
pub enum Resolved<'a> {
    /// A resource of R4; any other JSON counts as nothing.
    Resource(&'a Value),
    /// A resource that is known as a node.
    Node(Node<'a>),
    /// The resource isn't at hand, but the reference says of which type it is. `is`, `ofType` and
    /// `type()` can be answered; looking into it is an error.
    TypeOnly(TypeName),
    /// No such resource: the reference is passed over.
    Nothing,
}

impl Resolved<'_> {
    /// Only the type of the target is known; `Nothing` if R4 has no such resource type.
    pub fn type_only(resource_type: &str) -> Self {
        match Model::r4().resource(resource_type) {
            Some(of) => Self::TypeOnly(TypeName::fhir(of)),
            None => Self::Nothing,
        }
    }
}

/// How far an evaluation may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Steps of evaluation: about one for each operation, and for each item that comes out of one.
    pub steps_max: u64,
    /// Of a string that an expression makes.
    pub string_bytes_max: usize,
}

impl Default for Limits {
    /// Enough for every invariant of R4 on a document of 10 MB, and over in a tenth of a second.
    fn default() -> Self {
        Self { steps_max: 2_000_000, string_bytes_max: 1024 * 1024 }
    }
}

impl<'a> Context<'a> {
    /// A resource that stands alone: it is `%context`, `%resource` and `%rootResource`. `None` if
    /// its `resourceType` isn't one of R4.
    pub fn of_resource(resource: &'a Value) -> Option<Self> {
        Node::of_resource(resource).map(Self::of_node)
    }

    /// A resource as [`Context::of_resource`], or an element without any resource around it.
    pub fn of_node(focus: Node<'a>) -> Self {
        Self {
            focus,
            resource: focus,
            root_resource: focus,
            now: None,
            variables: &[],
            resolver: None,
            profiles: None,
            terminology: None,
            html_checks: None,
            limits: Limits::default(),
            steps: None,
        }
    }

    /// The same, looking at an element of the resource.
    pub fn at(self, focus: Node<'a>) -> Self {
        Self { focus, ..self }
    }

    /// The resource that the focus is in; for a contained one, `root_resource` is what contains it.
    pub fn in_resource(self, resource: Node<'a>, root_resource: Node<'a>) -> Self {
        Self { resource, root_resource, ..self }
    }

    /// The moment that `now()`, `today()` and `timeOfDay()` give; there is no other clock.
    pub fn at_time(self, now: DateTime<FixedOffset>) -> Self {
        Self { now: Some(Temporal::now(now)), ..self }
    }

    /// Values of `%name`.
    pub fn with_variables(self, variables: &'a [(&'a str, Vec<Item<'a>>)]) -> Self {
        Self { variables, ..self }
    }

    pub fn with_resolver(self, resolver: &'a Resolver<'a>) -> Self {
        Self { resolver: Some(resolver), ..self }
    }

    /// For `conformsTo()`.
    pub fn with_profiles(self, check: &'a CanonicalCheck<'a>) -> Self {
        Self { profiles: Some(check), ..self }
    }

    /// For `memberOf()`.
    pub fn with_terminology(self, check: &'a CanonicalCheck<'a>) -> Self {
        Self { terminology: Some(check), ..self }
    }

    /// For `htmlChecks()`.
    pub fn with_html_checks(self, check: &'a HtmlChecks<'a>) -> Self {
        Self { html_checks: Some(check), ..self }
    }

    /// Where the steps of all evaluations are added up.
    pub fn with_steps(self, steps: &'a Cell<u64>) -> Self {
        Self { steps: Some(steps), ..self }
    }

    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }
}
