//! The outcomes that HL7's validator gave, so that they can be compared with Genkan's.

use std::{collections::BTreeSet, path::Path};

use serde_json::Value;

use crate::{excluded::NEEDS_TERMINOLOGY, json};

/// Where an error is, without the comments of HL7's validator.
pub fn location(expression: &str) -> String {
    let mut plain = String::new();
    let mut rest = expression;
    while let Some((before, after)) = rest.split_once("/*") {
        plain.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    if let Some((before, after)) = plain.split_once("[url=") {
        let after = after.split_once(']').map_or("", |(_, after)| after).to_owned();
        plain = format!("{before}{after}");
    }
    // The document as a whole.
    if plain == "(xml)" || plain == "(json)" {
        return String::new();
    }
    // HL7's validator says `entry[0]` of every entry in its checks of fullUrls; the line is right.
    if plain.starts_with("Bundle.entry[") && plain.ends_with(']') && !plain.contains("].") {
        return "Bundle.entry".to_owned();
    }
    plain.trim_end_matches(['.', '/']).to_owned()
}

/// The recorded errors.
pub struct Recorded {
    pub locations: BTreeSet<String>,
    /// Those that only a terminology server can tell.
    pub left_out: BTreeSet<String>,
}

pub fn recorded(folder: &Path, outcome: &str) -> Option<Recorded> {
    let outcome = json(&folder.join(outcome))?;
    let is_error = |issue: &&Value| matches!(issue["severity"].as_str(), Some("error" | "fatal"));
    let (mut locations, mut left_out) = (BTreeSet::new(), BTreeSet::new());
    // Nothing is said where nothing is wrong.
    for issue in outcome["issue"].as_array().into_iter().flatten().filter(is_error) {
        let text = issue["details"]["text"].as_str().unwrap_or_default();
        let mut at = location(issue["expression"][0].as_str().unwrap_or_default());
        if ["Found ", "Can't find "].iter().any(|start| text.starts_with(start)) {
            // In its checks of documents HL7's validator counts from 1.
            at = from_zero(&at);
        }
        let needs_server = NEEDS_TERMINOLOGY.iter().any(|part| text.contains(part));
        if needs_server { &mut left_out } else { &mut locations }.insert(at);
    }
    left_out.retain(|at| !locations.contains(at));
    Some(Recorded { locations, left_out })
}

fn from_zero(location: &str) -> String {
    let mut parts = location.split('[');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (index, rest) = part.split_once(']').unwrap_or((part, ""));
        let index = index.parse().map_or(0, |index: usize| index.saturating_sub(1));
        text.push_str(&format!("[{index}]{rest}"));
    }
    text
}

/// Paths of XML have no indices and the names of JSON: one of them is ours if it is the same without.
pub fn as_ours(theirs: BTreeSet<String>, ours: &BTreeSet<String>) -> BTreeSet<String> {
    let same = |at: &String| ours.iter().find(|ours| is_same_in_xml(ours, at)).cloned();
    theirs.into_iter().map(|at| same(&at).unwrap_or(at)).collect()
}

fn is_same_in_xml(ours: &str, theirs: &str) -> bool {
    let Some(theirs) = theirs.strip_prefix("/f:") else { return ours == theirs };
    let plain = ours.split('[').map(|part| part.split_once(']').map_or(part, |(_, rest)| rest));
    let plain = plain.collect::<String>();
    let mut choice = plain.splitn(2, ".ofType(");
    let (stem, of_type) = (choice.next().unwrap_or_default(), choice.next().unwrap_or_default());
    let of_type = of_type.trim_end_matches(')');
    let capital = of_type.get(..1).map(str::to_uppercase).unwrap_or_default();
    let name = format!("{stem}{capital}{}", of_type.get(1..).unwrap_or_default());
    theirs.replace("/f:", ".") == name
}
