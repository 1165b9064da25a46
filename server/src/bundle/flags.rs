//! 長期保存・未告知・未提供 (LTS, UNINFORMED, UNDELIVERED): codes in `meta.tag` that only a physician's
//! decision may set. The builder never adds one. It looks at those that a resource carries, and at
//! the rules: a flag has to come from a column.

use genkan_mapping::diagnostic::Text;
use genkan_mapping::expression::ExpressionKind;
use genkan_mapping::program::{Node, NodeKind, Property, Rule, Term};
use serde_json::{Map, Value};

pub const SYSTEM: &str = "http://jpfhir.jp/fhir/clins/CodeSystem/JP_ehrshrs_indication";

/// What is wrong with the flags of a resource that may carry these codes.
pub fn problems(resource: &Map<String, Value>, allowed: &[&str]) -> Vec<Text> {
    let tags = resource.get("meta").and_then(|meta| meta.get("tag")).and_then(Value::as_array);
    let mut seen: Vec<&str> = Vec::new();
    let mut found = Vec::new();
    for tag in tags.into_iter().flatten().filter(|tag| tag["system"] == SYSTEM) {
        let code = tag["code"].as_str().unwrap_or("");
        if !allowed.contains(&code) {
            found.push(Text::new(
                format!("flag `{code}` is not allowed on this resource"),
                format!("フラグ「{code}」はこのリソースに付けられません"),
            ));
        } else if seen.contains(&code) {
            found.push(Text::new(
                format!("flag `{code}` stands twice"),
                format!("フラグ「{code}」が重複しています"),
            ));
        }
        for element in ["id", "extension", "userSelected"] {
            if tag.get(element).is_some() {
                found.push(Text::new(
                    format!("a flag may not have `{element}`"),
                    format!("フラグに {element} は使えません"),
                ));
            }
        }
        seen.push(code);
    }
    found
}

/// The tag of a rule that sets a flag without looking at any column.
pub fn constant_in(rule: &Rule) -> Option<&Node> {
    let meta = rule.emit.iter().find(|property| property.name == "meta")?;
    let tag = properties(&meta.node).iter().find(|property| property.name == "tag")?;
    let NodeKind::List(tags) = &tag.node.kind else { return None };
    tags.iter().find(|node| may_flag(node) && !decided_by_row(node))
}

fn properties(node: &Node) -> &[Property] {
    match &node.kind {
        NodeKind::Object { properties, .. } => properties,
        _ => &[],
    }
}

/// Its system is the one of the flags, or can't be told without a row.
fn may_flag(node: &Node) -> bool {
    let system = properties(node).iter().find(|property| property.name == "system");
    match system.map(|property| &property.node.kind) {
        Some(NodeKind::Primitive { term, .. }) => match &term.kind {
            ExpressionKind::Text(text) => text == SYSTEM,
            _ => true,
        },
        _ => false,
    }
}

fn decided_by_row(node: &Node) -> bool {
    let code = properties(node).iter().find(|property| property.name == "code");
    let by_code = code.is_some_and(|property| match &property.node.kind {
        NodeKind::Primitive { term, .. } => reads_column(term),
        _ => property.node.from_row,
    });
    let conditions = [node.condition.as_ref(), code.and_then(|code| code.node.condition.as_ref())];
    by_code || conditions.into_iter().flatten().any(reads_column)
}

fn reads_column(term: &Term) -> bool {
    let mut reads = false;
    term.names(&mut |_| reads = true);
    reads
}
