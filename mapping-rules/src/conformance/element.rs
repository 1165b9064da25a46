//! What a profile says of one element: `1..1 MS`, or a map with more.
//!
//! | key | |
//! |---|---|
//! | `count` | how often, and `MS` where it must be supported: `1..1 MS` |
//! | `type` | types, with `\|` between them |
//! | `profile` | profiles of the type; one must hold |
//! | `target` | what a reference may point to |
//! | `fixed` | the value, exactly |
//! | `pattern` | what has to be in it |
//! | `from` | strength and value set: `required http://…` |
//! | `slices` | how slices are told apart and whether there may be others: `value system, open` |

use serde_json::{Map, Value as Json, json};

use crate::compile::structure::{Entries, text, text_list};
use crate::diagnostic::Diagnostic;
use crate::yaml::{Yaml, YamlKind};

const KEYS: [&str; 8] =
    ["count", "type", "profile", "target", "fixed", "pattern", "from", "slices"];
const STRENGTHS: [&str; 4] = ["required", "extensible", "preferred", "example"];
const KINDS: [&str; 5] = ["value", "pattern", "exists", "type", "profile"];

/// The fields of its ElementDefinition, but for its name.
pub(super) fn read(
    yaml: &Yaml,
    found: &mut Vec<Diagnostic>,
) -> Result<Map<String, Json>, Diagnostic> {
    let mut fields = Map::new();
    if yaml.as_text().is_some() {
        count(yaml, &mut fields)?;
        return Ok(fields);
    }
    let entries = Entries::of(yaml)?;
    entries.only(&KEYS, found);
    if let Some(yaml) = entries.get("count") {
        count(yaml, &mut fields)?;
    }
    types(&entries, &mut fields)?;
    // The validator reads the value, whatever the type is called behind `fixed`.
    for (key, field) in [("fixed", "fixedValue"), ("pattern", "patternValue")] {
        if let Some(yaml) = entries.get(key) {
            fields.insert(field.to_owned(), value(yaml)?);
        }
    }
    if let Some(yaml) = entries.get("from") {
        fields.insert("binding".to_owned(), binding(yaml)?);
    }
    if let Some(yaml) = entries.get("slices") {
        fields.insert("slicing".to_owned(), slicing(yaml)?);
    }
    Ok(fields)
}

fn count(yaml: &Yaml, fields: &mut Map<String, Json>) -> Result<(), Diagnostic> {
    let refused = || {
        let (en, ja) = (
            "a count is `0..1`, `1..*` and the like, perhaps with `MS`",
            "個数は 0..1 や 1..* のように書きます（MS を付けられます）",
        );
        Diagnostic::error("E0706", yaml.span, en, ja)
    };
    let mut words = text(yaml)?.split_whitespace();
    let (min, max) = words.next().and_then(|word| word.split_once("..")).ok_or_else(refused)?;
    let min: u32 = min.parse().map_err(|_| refused())?;
    let fits = max == "*" || max.parse::<u32>().is_ok_and(|max| max >= min);
    match (words.next(), words.next()) {
        (None, None) => {}
        (Some("MS"), None) => {
            fields.insert("mustSupport".to_owned(), json!(true));
        }
        _ => return Err(refused()),
    }
    if !fits {
        return Err(refused());
    }
    fields.insert("min".to_owned(), json!(min));
    fields.insert("max".to_owned(), json!(max));
    Ok(())
}

fn types(entries: &Entries<'_>, fields: &mut Map<String, Json>) -> Result<(), Diagnostic> {
    let texts = |key: &str| -> Result<Vec<String>, Diagnostic> {
        let listed = entries.get(key).map(text_list).transpose()?.unwrap_or_default();
        Ok(listed.into_iter().map(|(text, _)| text).collect())
    };
    let (profiles, targets) = (texts("profile")?, texts("target")?);
    if profiles.is_empty() && targets.is_empty() && entries.get("type").is_none() {
        return Ok(());
    }
    let (codes, _) = entries.text("type")?;
    let one = |code: &str| {
        let mut of = Map::from_iter([("code".to_owned(), json!(code))]);
        if !profiles.is_empty() {
            of.insert("profile".to_owned(), json!(profiles));
        }
        if !targets.is_empty() && code == "Reference" {
            of.insert("targetProfile".to_owned(), json!(targets));
        }
        Json::Object(of)
    };
    let types: Vec<Json> = codes.split('|').map(|code| one(code.trim())).collect();
    fields.insert("type".to_owned(), Json::Array(types));
    Ok(())
}

fn binding(yaml: &Yaml) -> Result<Json, Diagnostic> {
    let known = |(strength, _): &(&str, &str)| STRENGTHS.contains(strength);
    let split = text(yaml)?.split_once(' ').filter(known);
    let (strength, value_set) = split.ok_or_else(|| {
        let en = "a binding is a strength and a value set: `required http://…`";
        let ja = "required http://… のように、強さとバリューセットを書きます";
        Diagnostic::error("E0707", yaml.span, en, ja)
    })?;
    Ok(json!({"strength": strength, "valueSet": value_set.trim()}))
}

/// `value system, open` · `value system, value display, closed ordered`
fn slicing(yaml: &Yaml) -> Result<Json, Diagnostic> {
    let refused = || {
        let en =
            "slices are told apart by a kind and a path: `value system, open`, `…, closed ordered`";
        let ja = "スライスの区別は value system, open のように書きます";
        Diagnostic::error("E0708", yaml.span, en, ja)
    };
    let mut parts: Vec<&str> = text(yaml)?.split(',').map(str::trim).collect();
    let mut rules = parts.pop().unwrap_or_default().split(' ');
    let (rule, ordered) = match (rules.next(), rules.next(), rules.next()) {
        (Some(rule @ ("open" | "closed")), None, None) => (rule, false),
        (Some(rule @ ("open" | "closed")), Some("ordered"), None) => (rule, true),
        _ => return Err(refused()),
    };
    let discriminator = |part: &&str| {
        let (kind, path) = part.split_once(' ').filter(|(kind, _)| KINDS.contains(kind))?;
        Some(json!({"type": kind, "path": path.trim()}))
    };
    let discriminators: Option<Vec<Json>> = parts.iter().map(discriminator).collect();
    let discriminators = discriminators.filter(|of| !of.is_empty()).ok_or_else(refused)?;
    Ok(json!({"discriminator": discriminators, "rules": rule, "ordered": ordered}))
}

/// Texts stay texts; a number of FHIR stands behind `number`.
pub(super) fn value(yaml: &Yaml) -> Result<Json, Diagnostic> {
    match &yaml.kind {
        YamlKind::Scalar { text, .. } => Ok(json!(text)),
        YamlKind::List(items) => items.iter().map(value).collect(),
        YamlKind::Map(entries) => match entries.as_slice() {
            [(key, only)] if key.name == "number" => number(only),
            entries => {
                let fields = entries.iter().map(|(key, of)| Ok((key.name.clone(), value(of)?)));
                Ok(Json::Object(fields.collect::<Result<_, Diagnostic>>()?))
            }
        },
        YamlKind::Bound(_) => text(yaml).map(|text| json!(text)),
    }
}

fn number(yaml: &Yaml) -> Result<Json, Diagnostic> {
    let number: Option<serde_json::Number> = text(yaml)?.parse().ok();
    number
        .map(Json::Number)
        .ok_or_else(|| Diagnostic::error("E0709", yaml.span, "no number", "数値ではありません"))
}
