//! `P` lines: the search parameters.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{
    corrections::{Correction, parameter_correction},
    package::{items, short_name, text, texts},
};

const R4: &str = "4.0.1";

/// Writes all parameters of R4, by id.
pub fn write(parameters: &[Value], out: &mut String) -> Result<()> {
    let mut lines = Vec::new();
    for parameter in parameters {
        let id = text(parameter, "id")?;
        if text(parameter, "version")? != R4 {
            continue;
        }
        match parameter_correction(id) {
            Correction::Drop => {}
            Correction::Replace(r4) => lines.push((id, r4.to_owned())),
            Correction::Keep => {
                lines.push((id, line(id, parameter).with_context(|| format!("in {id}"))?));
            }
        }
    }
    lines.sort();
    for (_, line) in lines {
        out.push_str(&line);
    }
    Ok(())
}

fn line(id: &str, parameter: &Value) -> Result<String> {
    let mut components = Vec::new();
    for component in items(parameter, "component") {
        let definition = short_name(text(component, "definition")?);
        components.push(format!("{definition}={}", text(component, "expression")?));
    }
    let expression = parameter.get("expression").and_then(Value::as_str).unwrap_or_default();
    let mut line = String::from("P");
    for field in [
        text(parameter, "code")?,
        text(parameter, "type")?,
        &texts(parameter, "base").join(","),
        &texts(parameter, "target").join(","),
        &texts(parameter, "comparator").join(","),
        &components.join(";"),
        id,
        &expression.split_whitespace().collect::<Vec<_>>().join(" "),
    ] {
        write!(line, "\t{field}")?;
    }
    line.push('\n');
    Ok(line)
}
