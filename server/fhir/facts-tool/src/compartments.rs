//! `M` lines: which resources are in a compartment, and by which parameters.

use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::package::{items, text, texts};

/// Those that an operation of Genkan goes by.
const COMPARTMENTS: [&str; 2] = ["Encounter", "Patient"];
/// "The resource that the compartment is named after" as a parameter: it has no reference to itself.
const ITSELF: &str = "{def}";

/// Writes the compartments by their types, each in the order of its definition.
pub fn write(resources: &[Value], out: &mut String) -> Result<()> {
    for code in COMPARTMENTS {
        let is_it = |resource: &&Value| {
            resource.get("resourceType").and_then(Value::as_str) == Some("CompartmentDefinition")
                && resource.get("code").and_then(Value::as_str) == Some(code)
        };
        let found = resources.iter().find(is_it);
        let definition = found.with_context(|| format!("no compartment of {code}"))?;
        let mut members = 0;
        for member in items(definition, "resource") {
            let mut parameters = texts(member, "param");
            parameters.retain(|parameter| *parameter != ITSELF);
            if !parameters.is_empty() {
                writeln!(out, "M\t{code}\t{}\t{}", text(member, "code")?, parameters.join(","))?;
                members += 1;
            }
        }
        ensure!(members > 0, "the compartment of {code} is empty");
    }
    Ok(())
}
