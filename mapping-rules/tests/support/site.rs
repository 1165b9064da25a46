//! Rules that compile, the site's identity, and rows by hand.

use genkan_adapter::{Decimal, Row, Value};
use genkan_mapping::emit::{Emitted, Emitter, Record};
use genkan_mapping::identity::{IdMode, Identity, SiteKey};
use genkan_mapping::program::RuleSet;
use serde_json::Value as Json;

use super::rule_set::compiled;

pub fn rules(files: &[(&str, &str)]) -> RuleSet {
    let compiled = compiled(files);
    let said: Vec<String> = compiled
        .diagnostics
        .iter()
        .map(|d| {
            let file = &compiled.files[usize::from(d.span.file)];
            d.render(&file.path, &file.text, genkan_mapping::Language::English)
        })
        .collect();
    compiled.rules.unwrap_or_else(|| panic!("{}", said.join("")))
}

/// Ids in plain form, so that tests can be read.
pub fn identity() -> Identity {
    let key = SiteKey { generation: 'a', secret: [7; 32] };
    Identity::new(IdMode::Plain, &[key]).expect("a valid key")
}

/// `-` is NULL, `#1.50` a decimal, `1i` an integer; all else is text.
pub fn row(cells: &[&str]) -> Row {
    let value = |cell: &&str| match *cell {
        "-" => Value::Null,
        "true" => Value::Boolean(true),
        "false" => Value::Boolean(false),
        cell => match (cell.strip_prefix('#'), cell.strip_suffix('i').map(str::parse)) {
            (Some(digits), _) => Value::Decimal(Decimal::parse(digits).expect("a decimal")),
            (_, Some(Ok(number))) => Value::Integer(number),
            _ => Value::text(cell),
        },
    };
    Row(cells.iter().map(value).collect())
}

pub fn record(cells: &[&str]) -> Record {
    Record { row: row(cells), children: Vec::new(), contained: Vec::new() }
}

/// Emits one record with the rule that has this id.
pub fn emitted(rules: &RuleSet, rule: &str, record: &Record) -> Emitted {
    let identity = identity();
    let rule = rules.rules.iter().find(|known| known.id == rule).expect("a rule of the test");
    Emitter { rules, identity: &identity }.emit(rule, record)
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
