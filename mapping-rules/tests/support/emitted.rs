//! One row through the emitter.

use genkan_mapping::emit::{Emitted, Emitter, Record};
use genkan_mapping::program::RuleSet;
use serde_json::Value as Json;

use super::site::{identity, row};

pub fn record(cells: &[&str]) -> Record {
    Record { row: row(cells), children: Vec::new(), contained: Vec::new() }
}

/// Emits one record with the rule that has this id.
pub fn emitted(rules: &RuleSet, rule: &str, record: &Record) -> Emitted {
    let identity = identity();
    let rule = rules.rules.iter().find(|known| known.id == rule).expect("a rule of the test");
    Emitter::new(rules, &identity).emit(rule, record)
}

/// The resource without what Genkan makes; `Null` if there is none.
pub fn body(emitted: &Emitted) -> Json {
    let Some(bytes) = &emitted.json else { return Json::Null };
    let mut json: Json = serde_json::from_slice(bytes).expect("valid JSON");
    let object = json.as_object_mut().expect("an object");
    for name in ["resourceType", "id", "meta"] {
        object.shift_remove(name);
    }
    json
}

pub fn issue_codes(emitted: &Emitted) -> Vec<&'static str> {
    emitted.issues.iter().map(|issue| issue.code).collect()
}
