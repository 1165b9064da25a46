//! What FHIR is, for the rest of Genkan: the definitions of R4, the search syntax, dates, XML, the
//! validator, and the OperationOutcome.
//!
//! Pure: no I/O, no clock, no environment, no randomness. Knows no SQL and no HTTP.

mod canonical;
pub mod datetime;
pub mod definitions;
pub mod fhirpath;
mod names;
pub mod outcome;
pub mod reference;
pub mod search;
mod tree;
pub mod validation;
pub mod xml;
