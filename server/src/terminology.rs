//! The terminology service: CodeSystem, ValueSet and ConceptMap of the national masters and of the
//! site's code maps, and R4's operations on them.
//!
//! Nothing here asks the hospital's source: the answers are in the file of masters and in the rules.
//! What the answers are is [`genkan_mapping::terminology`]'s business; here they get FHIR's form.
//!
//! Spec: <https://hl7.org/fhir/R4/terminology-service.html>

mod declared;
mod given;
mod operations;
mod refusal;
mod resources;
mod search;
mod shaped;

use crate::service::Service;

pub use declared::{capabilities, declared};
pub use given::{of_body, of_query};
pub use operations::{Operation, property_names, run};
pub use refusal::message;
pub use search::{read, search};

/// The types that are answered here; no rule can make them.
pub const TYPES: [&str; 3] = ["CodeSystem", "ConceptMap", "ValueSet"];

/// The search parameters of each of them.
pub const PARAMETERS: [&str; 5] = ["_id", "name", "status", "url", "version"];

/// One of [`TYPES`], where a master or a code map is there to be asked.
pub fn answers(service: &Service, resource_type: &str) -> Option<&'static str> {
    let own = TYPES.into_iter().find(|own| *own == resource_type)?;
    (!service.terminology.systems.is_empty()).then_some(own)
}

/// All that are answered here.
pub fn types(service: &Service) -> impl Iterator<Item = &'static str> {
    TYPES.into_iter().filter(|own| answers(service, own).is_some())
}
