//! What a StructureDefinition holds for people goes before it is kept: it is most of its size.

use serde_json::Value;

use super::prune;

const OF_DEFINITION: [&str; 4] = ["text", "contact", "mapping", "copyright"];
const OF_ELEMENT: [&str; 13] = [
    "alias",
    "base",
    "comment",
    "condition",
    "definition",
    "example",
    "isModifierReason",
    "isSummary",
    "mapping",
    "meaningWhenMissing",
    "orderMeaning",
    "requirements",
    "short",
];

/// What of a StructureDefinition a validation goes by.
pub fn slim(definition: &mut Value) {
    let Some(object) = definition.as_object_mut() else { return };
    OF_DEFINITION.iter().for_each(|name| drop(object.remove(*name)));
    // It is the snapshot that counts where there is one.
    if object.get("snapshot").is_some_and(|of| of.get("element").is_some_and(Value::is_array)) {
        object.remove("differential");
    }
    for view in ["snapshot", "differential"] {
        let elements = object.get_mut(view).and_then(|of| of.get_mut("element"));
        for element in elements.and_then(Value::as_array_mut).into_iter().flatten() {
            let Some(element) = element.as_object_mut() else { continue };
            OF_ELEMENT.iter().for_each(|name| drop(element.remove(*name)));
            if let Some(constraints) = element.get_mut("constraint").and_then(Value::as_array_mut) {
                constraints.retain(|of| !is_of_r4(of));
            }
        }
    }
}

/// A snapshot repeats R4's own invariants at every element, which are most of it.
fn is_of_r4(constraint: &Value) -> bool {
    let text = |name: &str| constraint.get(name).and_then(Value::as_str);
    match (text("key"), text("expression")) {
        (Some(key), Some(expression)) => prune::is_of_r4(key, expression),
        _ => false,
    }
}
