//! What a StructureDefinition holds for people goes before it is kept: it is most of its size.

use serde_json::Value;

const OF_DEFINITION: [&str; 4] = ["text", "contact", "mapping", "copyright"];
const OF_ELEMENT: [&str; 12] = [
    "alias",
    "base",
    "comment",
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

pub(super) fn slim(definition: &mut Value) {
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
        }
    }
}
