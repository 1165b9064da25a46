//! FHIRPath: compiled once, evaluated on resources with R4's types, in JSON or as they were read.
//!
//! The language is FHIRPath N1 (<https://hl7.org/fhirpath/N1/>) with what R4 adds
//! (<https://hl7.org/fhir/R4/fhirpath.html>) and the functions on trial that the official test
//! suite for R4 asks for.
//!
//! ```
//! use genkan_fhir::fhirpath::{Context, Expression};
//!
//! let patient = serde_json::json!({
//!     "resourceType": "Patient",
//!     "name": [{"family": "山田", "given": ["花子"]}],
//! });
//! let context = Context::of_resource(&patient).expect("R4 has this type");
//! let family = Expression::compile("Patient.name.family").expect("an expression");
//! let found = family.evaluate(&context).expect("a result");
//! assert_eq!(found.items()[0].text().as_deref(), Some("山田"));
//! let invariant = Expression::compile("name.exists() implies name.given.exists()");
//! assert!(invariant.expect("an expression").holds(&context).expect("a result"));
//! ```
//!
//! # What it decides where the standard leaves room
//!
//! - An element that R4 doesn't have is not seen; [`Expression::check`] finds such names.
//! - `matches` finds anywhere in the text, as HL7's own engine does; patterns are those of the
//!   `regex` crate, in linear time, without look-around.
//! - `as` keeps the items of the type, as many as there are; so do R4's search parameters use it.
//! - A date-time without offset is compared with one that has an offset only if the answer is the
//!   same everywhere on earth; otherwise it is empty. No clock of a machine counts.
//! - `and`, `or` and `implies` don't evaluate what can't change the answer.
//! - What an Integer or Decimal can't hold is empty (N1); an element with more than 28 digits is
//!   an error where it is calculated with.
//! - `trace()` gives its input and logs nothing: it would log a hospital's values.
//!
//! # Bounds
//!
//! An expression has at most 64 KiB and 100 levels of nesting. An evaluation stops with an error
//! at its [`Limits`].

mod budget;
mod call;
mod check;
mod context;
mod convert;
mod decimal;
mod encoding;
mod equality;
mod error;
mod evaluate;
mod exactness;
mod function;
mod item;
mod items;
mod lambda;
mod lexer;
mod math;
mod model;
mod navigate;
mod operator;
mod parser;
mod place;
mod program;
mod quantity;
mod resolve;
mod settled;
mod temporal;
mod temporal_text;
mod term;
mod text;
mod truth;
mod types;

pub use context::{CanonicalCheck, Context, HtmlChecks, Limits, Resolved, Resolver};
pub use error::{CompileError, CompileProblem, EvaluationError, Fault, Needed, Place};
pub use item::{Collection, Item, Node, TypeName};
pub(crate) use model::TypeId;
pub use quantity::Quantity;
pub use temporal::Temporal;

use evaluate::Evaluation;
use program::Program;

use crate::names::Name;

/// A compiled expression. It belongs to no resource and can be shared between threads.
#[derive(Debug)]
pub struct Expression {
    program: Program,
    settled_without: Box<[Name]>,
}

impl Expression {
    /// # Errors
    /// Where and why the text is no expression, or asks for what isn't supported.
    pub fn compile(text: &str) -> Result<Self, CompileError> {
        let program = parser::parse(text)?;
        Ok(Self { settled_without: settled::without(&program), program })
    }

    /// The text that it was compiled from.
    pub fn text(&self) -> &str {
        &self.program.text
    }

    /// The children without any one of which [`Expression::holds`] on an element, as most invariants do
    /// on most elements. Whoever knows what an element has needs no evaluation.
    pub(crate) fn settled_without(&self) -> &[Name] {
        &self.settled_without
    }

    /// Looks for what can't be meant on a type (`Patient`, `Patient.contact`, `HumanName`): an
    /// element that R4 doesn't have, an order where there is none. Evaluating such an expression
    /// often finds nothing and says nothing.
    ///
    /// # Errors
    /// The first such place.
    pub fn check(&self, type_path: &str) -> Result<(), CompileError> {
        check::check(&self.program, type_path)
    }

    /// The items that the expression finds, in order.
    ///
    /// # Errors
    /// When FHIRPath says that evaluation ends with an error, when the context lacks something,
    /// and at the limits.
    pub fn evaluate<'a, 'c: 'a>(
        &'a self,
        context: &Context<'c>,
    ) -> Result<Collection<'a>, EvaluationError> {
        let evaluation = Evaluation::new(&self.program, context);
        let found = evaluation.root();
        evaluation.count_steps();
        found.map_err(|failure| *failure)
    }

    /// Whether an invariant is satisfied: the result is true. An empty result isn't; that is how
    /// HL7's validator reads it too.
    ///
    /// # Errors
    /// As [`Expression::evaluate`], and when the result has several items.
    pub fn holds(&self, context: &Context<'_>) -> Result<bool, EvaluationError> {
        let evaluation = Evaluation::new(&self.program, context);
        let truth = evaluation.root_boolean();
        evaluation.count_steps();
        truth.map(|truth| truth == Some(true)).map_err(|failure| *failure)
    }
}
