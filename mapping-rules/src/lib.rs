//! The rule language and its engine. One declaration is compiled three ways: rows → resource
//! ([`emit`]), FHIR search → source query ([`plan`]), and (in a later release) resource → rows.
//!
//! Pure: no I/O, no clock, no environment, no randomness, nothing async. What a rule set needs comes
//! in as arguments, and the same files, rows and context give the same bytes.
//!
//! The way through the crate: [`yaml`] → [`expression`] → [`compile()`] → [`program`], and from
//! there [`plan`] and [`emit`].

pub mod codemap;
pub mod compile;
pub mod conformance;
pub mod coverage;
pub mod diagnostic;
pub mod difference;
pub mod emit;
pub mod evaluate;
pub mod expression;
mod grammar;
pub mod identity;
mod image;
pub mod json_schema;
pub mod lens;
pub mod mask;
pub mod plan;
pub mod program;
pub mod projection;
pub mod reads;
pub mod record;
pub mod scan;
pub mod schema;
pub mod search;
mod sources;
pub mod terminology;
pub mod testing;
pub mod vocabulary;
mod yaml;

pub use codemap::Compared;
pub use compile::{Compiled, RuleFiles, compile};
pub use diagnostic::{Diagnostic, Language, Severity, Span, Text};
pub use sources::{MAIN, SourceSchemas};
