//! `genkan rules preview TYPE KEY…`: where every leaf of a resource came from.

use anyhow::Context;
use clap::Args;
use genkan_adapter::Value;
use genkan_fhir::search::Shape;
use genkan_mapping::diagnostic::Text;
use genkan_mapping::emit::{Emitted, Emitter, Issue, IssueSeverity, Leaf, duplicate_key};
use genkan_mapping::identity::Identity;
use genkan_mapping::plan::{self, ReadPlan};
use genkan_mapping::program::{ColumnUse, RuleSet};
use serde_json::json;

use super::{Workshop, WorkshopArgs};
use crate::command::{Failure, Manner, Output};
use crate::fetch::Fetch;

#[derive(Debug, Args)]
pub struct PreviewArgs {
    /// FHIR type
    resource_type: String,
    /// The row's key in the order of the rule, or the resource's id
    #[arg(required = true)]
    key: Vec<String>,
    #[command(flatten)]
    workshop: WorkshopArgs,
}

pub async fn run(args: &PreviewArgs, manner: Manner) -> Result<(), Failure> {
    if args.workshop.config.is_none() {
        return Err(Failure::usage(Text::new(
            "preview shows a row of the hospital's source: give --config genkan.toml",
            "preview は接続先の行を表示します。--config genkan.toml を指定してください",
        )));
    }
    let workshop = Workshop::open(&args.workshop, manner).await?;
    let plans = plans(&args.resource_type, &args.key, &workshop.rules, &workshop.identity);
    if plans.is_empty() {
        return Err(Failure::usage(no_plan(&args.resource_type, &workshop.rules)));
    }
    let mut found = false;
    for plan in plans {
        let mut fetch = Fetch::new(&workshop.sources, &workshop.rules);
        let records = fetch.of_key(&plan).await?;
        let rule = plan.rule;
        found |= !records.is_empty();
        let rules = &workshop.rules;
        let emitter = Emitter::new(rules, &workshop.identity).watching();
        for record in &records {
            let (mut emitted, leaves) = emitter.preview(&rules.rules[rule], record);
            if records.len() > 1 {
                emitted.issues.push(duplicate_key(&rules.rules[rule]));
            }
            match manner.output {
                Output::Text => print_text(rules, rule, &emitted, &leaves, manner)?,
                Output::Json => print_json(rules, rule, &emitted, &leaves)?,
            }
        }
    }
    let none = Text::new("there is no such row", "そのキーの行はありません");
    if found { Ok(()) } else { Err(Failure::runtime(none)) }
}

/// Which keys there are, for one that is none of them.
pub fn no_plan(resource_type: &str, rules: &RuleSet) -> Text {
    let keys: Vec<String> = rules
        .rules_of(resource_type)
        .map(|(_, rule)| {
            let part = |column: &ColumnUse| {
                let kind = format!("{:?}", column.kind);
                let kind = kind.split([' ', '(']).next().unwrap_or_default().to_owned();
                format!("{} ({kind})", column.column.column)
            };
            let parts: Vec<String> = rule.key.iter().map(part).collect();
            format!("{}: {}", rule.id, parts.join(" "))
        })
        .collect();
    if keys.is_empty() {
        let types = rules.resource_types().join(", ");
        return Text::new(
            format!("no rule makes {resource_type}; the rules make {types}"),
            format!("{resource_type} を作る規則はありません（あるもの: {types}）"),
        );
    }
    let keys = keys.join("; ");
    Text::new(
        format!(
            "this is neither an id of a {resource_type} nor a key of its rules; they are: {keys}"
        ),
        format!("{resource_type} の id でも規則のキーでもありません。規則のキー: {keys}"),
    )
}

/// The id if it is one of ours, or else the key for every rule of the type that it fits.
pub fn plans(
    resource_type: &str,
    key: &[String],
    rules: &RuleSet,
    identity: &Identity,
) -> Vec<ReadPlan> {
    if let [id] = key
        && let Ok(plan) = plan::read(rules, identity, resource_type, id, &Shape::Whole)
    {
        return vec![plan];
    }
    let by_key = |(rule, _)| {
        let query = plan::target_query(rules, rule, &[key.to_vec()])?;
        Some(ReadPlan { rule, query, part: None })
    };
    rules.rules_of(resource_type).filter_map(by_key).collect()
}

fn print_text(
    rules: &RuleSet,
    rule: usize,
    emitted: &Emitted,
    leaves: &[Leaf],
    manner: Manner,
) -> anyhow::Result<()> {
    say!("{}/{}  rule {}", rules.rules[rule].resource, emitted.id, rules.rules[rule].id);
    for leaf in leaves {
        say!("{} = {}", leaf.expression, leaf.value);
        let cells: Vec<String> =
            leaf.columns.iter().map(|(column, value)| format!("{column} {}", raw(value))).collect();
        let map = leaf.mapped_by.map_or(String::new(), |span| format!("  {}", rules.place(span)));
        let origin = format!("    {}{map}  {}", rules.place(leaf.span), cells.join(", "));
        say!("{}", origin.trim_end());
    }
    for issue in &emitted.issues {
        let message = issue.message.in_language(manner.language);
        say!("{} {} {}: {message}", severity(issue), issue.code, issue.expression);
        say!("    {}  {}", rules.place(issue.span), issue.columns.join(", "));
    }
    if let Some(json) = &emitted.json {
        let resource: serde_json::Value = serde_json::from_slice(json).context("no JSON")?;
        say!("{}", serde_json::to_string_pretty(&resource)?);
    }
    Ok(())
}

fn print_json(
    rules: &RuleSet,
    rule: usize,
    emitted: &Emitted,
    leaves: &[Leaf],
) -> anyhow::Result<()> {
    let leaf = |leaf: &Leaf| {
        let columns: Vec<_> = leaf
            .columns
            .iter()
            .map(|(column, value)| json!({"column": column, "raw": raw(value)}))
            .collect();
        json!({
            "expression": leaf.expression,
            "value": leaf.value,
            "place": rules.place(leaf.span),
            "columns": columns,
            "mapped_by": leaf.mapped_by.map(|span| rules.place(span)),
        })
    };
    let issue = |issue: &Issue| {
        json!({
            "severity": severity(issue),
            "code": issue.code,
            "expression": issue.expression,
            "place": rules.place(issue.span),
            "columns": issue.columns,
            "message": issue.message.en,
            "message_ja": issue.message.ja,
        })
    };
    let resource = emitted.json.as_ref().map(|json| serde_json::from_slice(json)).transpose()?;
    let resource: Option<serde_json::Value> = resource;
    say!(
        "{}",
        json!({
            "rule": rules.rules[rule].id,
            "id": emitted.id,
            "leaves": leaves.iter().map(leaf).collect::<Vec<_>>(),
            "issues": emitted.issues.iter().map(issue).collect::<Vec<_>>(),
            "resource": resource,
        })
    );
    Ok(())
}

pub fn severity(issue: &Issue) -> &'static str {
    match issue.severity {
        IssueSeverity::Error => "error",
        IssueSeverity::Warning => "warning",
        IssueSeverity::Information => "information",
    }
}

/// A cell as the source holds it: blanks and NULL can be told apart.
fn raw(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Text(text) => format!("{text:?}"),
        Value::Boolean(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Decimal(value) => value.to_string(),
        Value::Date(value) => value.to_string(),
        Value::Time(value) => value.to_string(),
        Value::DateTime(value) => value.to_string(),
        Value::Instant(value) => value.to_rfc3339(),
        Value::Bytes(value) => format!("{} bytes", value.len()),
        Value::Unreadable(value) => format!("{} bytes that are no text", value.bytes().len()),
    }
}
