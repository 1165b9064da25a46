//! `_summary` and `_elements` of a resource that is there as a whole.
//!
//! Spec: <https://hl7.org/fhir/R4/search.html#summary>

use genkan_fhir::definitions::Definitions;
use genkan_fhir::search::Shape;
use serde_json::{Value, json};

const SUBSETTED: &str = "SUBSETTED";
const TAG_SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";
/// What a resource always shows.
const KEPT: [&str; 3] = ["resourceType", "id", "meta"];

/// The part of a resource that a shape shows, tagged as a part.
pub fn shaped(mut resource: Value, resource_type: &str, shape: &Shape) -> Value {
    if matches!(shape, Shape::Whole) {
        return resource;
    }
    if let Some(fields) = resource.as_object_mut() {
        fields.retain(|name, _| KEPT.contains(&name.as_str()) || shows(resource_type, name, shape));
        fields
            .insert("meta".to_owned(), json!({"tag": [{"system": TAG_SYSTEM, "code": SUBSETTED}]}));
    }
    resource
}

fn shows(resource_type: &str, name: &str, shape: &Shape) -> bool {
    let property = Definitions::r4().property(resource_type, name);
    let Some(element) = property.map(|property| property.element) else { return false };
    let is_mandatory = element.min > 0;
    match shape {
        Shape::Whole => true,
        Shape::Summary => element.is_summary || is_mandatory,
        Shape::Text => is_mandatory || element.name == "text",
        Shape::Data => element.name != "text",
        Shape::Elements(names) => is_mandatory || names.contains(&element.name),
    }
}
