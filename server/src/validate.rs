//! Validation: what a receiver would refuse, found before it is sent. [`genkan_fhir::validation`] judges;
//! here is what it judges by: Genkan's own profiles, the packages of the site, and the masters.

mod definitions;

pub use definitions::{Definitions, Unusable};
