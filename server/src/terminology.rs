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

use serde_json::Value;

use crate::in_memory::Shelf;
use crate::service::Service;
use resources::Extent;

pub use declared::{capabilities, declared};
pub use given::{Given, of_body, of_query};
pub use operations::{Operation, property_names, run};
pub use refusal::message;

/// The types that are answered here; no rule can make them.
pub const TYPES: [&str; 3] = ["CodeSystem", "ConceptMap", "ValueSet"];

/// The search parameters of each of them.
pub const PARAMETERS: [&str; 5] = ["_id", "name", "status", "url", "version"];

/// One of [`TYPES`], where a master or a code map is there to be asked.
pub fn answers(service: &Service, resource_type: &str) -> Option<&'static str> {
    let own = TYPES.into_iter().find(|own| *own == resource_type)?;
    (!service.terminology.is_empty()).then_some(own)
}

/// The resources of one of them.
pub fn shelf<'s>(service: &'s Service, resource_type: &'static str) -> Shelf<'s> {
    let terminology = &service.terminology;
    let ids = resources::ids(terminology, resource_type).into_iter();
    let heads = ids.filter_map(|id| resources::head(terminology, resource_type, id)).collect();
    let whole = Box::new(move |head: &Value| of_id(service, resource_type, head["id"].as_str()?));
    Shelf { resource_type, parameters: &PARAMETERS, heads, whole }
}

/// A resource of one of them by its id.
pub fn of_id(service: &Service, resource_type: &str, id: &str) -> Option<Value> {
    let extent =
        Extent { codes_max: service.codes.read_codes_max, day: service.wall_clock().date() };
    resources::of_id(&service.terminology, resource_type, id, extent)
}

/// All that are answered here.
pub fn types(service: &Service) -> impl Iterator<Item = &'static str> {
    TYPES.into_iter().filter(|own| answers(service, own).is_some())
}
