//! What another validator found: OperationOutcomes, by the file that each is about.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use genkan_mapping::Text;
use serde_json::Value;

use crate::command::Failure;

/// The extension in which HL7's validator names the file.
const FILE: &str = "http://hl7.org/fhir/StructureDefinition/operationoutcome-file";
/// Which of its messages it is: a name that stays, without what the resource holds.
const MESSAGE_ID: &str = "http://hl7.org/fhir/StructureDefinition/operationoutcome-message-id";

/// One outcome.
pub struct Theirs {
    /// The file that it is about, as far as it says so.
    file: Option<PathBuf>,
    pub errors: Vec<TheirError>,
}

/// An error; the text is left out: it can repeat what the resource holds.
pub struct TheirError {
    pub expression: String,
    pub code: String,
    pub message_id: Option<String>,
}

/// All outcomes at a path.
pub fn read(path: &Path) -> Result<Vec<Theirs>, Failure> {
    if !path.is_dir() {
        return read_file(path, false);
    }
    let mut files = Vec::new();
    let entries = std::fs::read_dir(path);
    for entry in entries.with_context(|| format!("can't read {}", path.display()))? {
        let file = entry.map_err(anyhow::Error::from)?.path();
        if file.extension().is_some_and(|extension| extension == "json") {
            files.push(file);
        }
    }
    files.sort();
    let mut all = Vec::new();
    for file in files {
        all.append(&mut read_file(&file, true)?);
    }
    Ok(all)
}

/// `is_named` when the file has the name of the one that it is about.
fn read_file(path: &Path, is_named: bool) -> Result<Vec<Theirs>, Failure> {
    let shown = path.display();
    let bytes = std::fs::read(path).with_context(|| format!("can't read {shown}"))?;
    let value: Value = serde_json::from_slice(&bytes)
        .map_err(|error| Failure::usage(format!("{shown}: {error}")))?;
    let of_type = |value: &Value, name: &str| value["resourceType"] == name;
    let entries = value["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
    let outcomes: Vec<&Value> = if of_type(&value, "OperationOutcome") {
        vec![&value]
    } else if of_type(&value, "Bundle") && !entries.is_empty() {
        entries.iter().map(|entry| &entry["resource"]).collect()
    } else {
        Vec::new()
    };
    if outcomes.is_empty() || !outcomes.iter().all(|one| of_type(one, "OperationOutcome")) {
        return Err(Failure::usage(Text::new(
            format!("{shown}: no OperationOutcome, and no Bundle of them"),
            format!("{shown}: OperationOutcome でも、その Bundle でもありません"),
        )));
    }
    let of = |outcome: &Value| Theirs {
        file: extension(outcome, FILE)
            .map(PathBuf::from)
            .or_else(|| is_named.then(|| path.to_owned())),
        errors: errors(outcome),
    };
    Ok(outcomes.into_iter().map(of).collect())
}

/// Which of the outcomes is about each file: by its name, by its name without the ending, or by the
/// only one there is.
pub fn assign(mut theirs: Vec<Theirs>, files: &[PathBuf]) -> Vec<Option<Theirs>> {
    if let ([only], [_]) = (theirs.as_slice(), files)
        && only.file.is_none()
    {
        return vec![theirs.pop()];
    }
    let mut take = |is_it: &dyn Fn(&Path) -> bool| {
        let at = theirs.iter().position(|one| one.file.as_deref().is_some_and(is_it))?;
        Some(theirs.remove(at))
    };
    let by_name: Vec<Option<Theirs>> =
        files.iter().map(|file| take(&|of| of.file_name() == file.file_name())).collect();
    let pairs = by_name.into_iter().zip(files);
    pairs
        .map(|(found, file)| found.or_else(|| take(&|of| of.file_stem() == file.file_stem())))
        .collect()
}

fn errors(outcome: &Value) -> Vec<TheirError> {
    let issues = outcome["issue"].as_array().into_iter().flatten();
    let issues =
        issues.filter(|issue| matches!(issue["severity"].as_str(), Some("error" | "fatal")));
    let error = |issue: &Value| {
        // HAPI writes it as a location still.
        let place = ["expression", "location"].iter().find_map(|name| issue[name][0].as_str());
        TheirError {
            expression: plain(place.unwrap_or_default()),
            code: issue["code"].as_str().unwrap_or_default().to_owned(),
            message_id: extension(issue, MESSAGE_ID).map(str::to_owned),
        }
    };
    issues.map(error).collect()
}

fn extension<'v>(of: &'v Value, url: &str) -> Option<&'v str> {
    let mut extensions = of["extension"].as_array()?.iter();
    let found = extensions.find(|one| one["url"] == url)?;
    ["valueString", "valueCode", "valueUri"].iter().find_map(|name| found[name].as_str())
}

/// An expression as both write it: without comments (`/*Patient/1*/`), casts and names of slices.
pub fn plain(expression: &str) -> String {
    let mut plain = String::with_capacity(expression.len());
    let mut rest = expression;
    while let Some((before, after)) = rest.split_once("/*") {
        plain.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    let parts = plain.split('.').filter(|part| !part.starts_with("ofType("));
    let parts = parts.map(|part| {
        let (name, index) = match part.split_once('[') {
            Some((name, index)) => (name, format!("[{index}")),
            None => (part, String::new()),
        };
        let name = name.split(':').next().unwrap_or(name);
        if index == "[x]" { name.to_owned() } else { format!("{name}{index}") }
    });
    parts.collect::<Vec<_>>().join(".")
}

/// The same place, also where one of them leaves out which item it is.
pub fn is_same_place(one: &str, other: &str) -> bool {
    let (mut left, mut right) = (one.split('.'), other.split('.'));
    let name = |part: &str| part.split('[').next().unwrap_or_default().to_owned();
    loop {
        match (left.next(), right.next()) {
            (None, None) => return true,
            (Some(one), Some(other)) if one == other => {}
            (Some(one), Some(other))
                if name(one) == name(other) && (!one.contains('[') || !other.contains('[')) => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{is_same_place, plain};

    #[test]
    fn expressions_of_both_validators_are_the_same_place() {
        for (theirs, ours) in [
            ("Patient.name[0].family", "Patient.name[0].family"),
            ("Patient.birthDate", "Patient.birthDate"),
            (
                "Bundle.entry[4].resource/*Observation/a.b*/.value.ofType(Quantity).code",
                "Bundle.entry[4].resource.value.code",
            ),
            ("MedicationRequest.contained.language", "MedicationRequest.contained[0].language"),
            ("Observation.code.coding:local", "Observation.code.coding[1]"),
            ("Patient.deceased[x]", "Patient.deceased"),
        ] {
            assert!(is_same_place(&plain(theirs), &plain(ours)), "{theirs} {ours}");
        }
        for (theirs, ours) in [
            ("Patient.name[0]", "Patient.name[1]"),
            ("Patient.name[0]", "Patient.name[0].family"),
            ("Patient.name", "Patient.contact.name"),
        ] {
            assert!(!is_same_place(&plain(theirs), &plain(ours)), "{theirs} {ours}");
        }
    }
}
