//! `…&__explain=true`: the plan of a search, each statement as it was sent, with its values, what came
//! back and what it took, the database's own plan for it, and advice on indexes, as Parameters.
//!
//! The search runs: only then is it known which children and includes its rows ask for. Its resources
//! are not made. Values can name patients, so that the configuration has to allow it.

use genkan_adapter::Statement;
use genkan_fhir::search::SearchRequest;
use genkan_mapping::plan::SearchPlan;
use genkan_mapping::program::Unindexed;
use serde_json::{Value, json};

use crate::error::Error;
use crate::exchange::Exchange;
use crate::fetch::{Fetch, Of, Traced};
use crate::respond::Answer;
use crate::service::Service;
use crate::stages::Stage;

pub async fn explain(
    service: &Service,
    exchange: &Exchange,
    request: &SearchRequest,
    plan: &SearchPlan,
) -> Answer {
    exchange.stages.enter(Stage::Fetch);
    let mut fetch = Fetch::traced(&service.sources, &service.rules);
    let page = fetch.page(plan).await;
    exchange.stages.count_statements(fetch.statements());
    let mut parameters = vec![json!({"name": "plan", "valueString": plan.to_string().trim_end()})];
    // A search that fails is the one that most needs an explanation.
    if let Err(error) = page {
        let error = Error::from(error);
        let text = format!("{}: {}", error.code(), error.message().en);
        parameters.push(json!({"name": "failure", "valueString": text}));
    }
    for traced in fetch.into_trace() {
        let part = statement(service, &traced).await;
        parameters.push(json!({"name": "statement", "part": part}));
    }
    for advice in advice(service, request, plan) {
        parameters.push(json!({"name": "advice", "valueString": advice}));
    }
    exchange.stages.enter(Stage::Respond);
    let answer = json!({"resourceType": "Parameters", "parameter": parameters});
    Answer::of(answer.to_string().into_bytes())
}

async fn statement(service: &Service, traced: &Traced) -> Vec<Value> {
    let rule = &service.rules.rules[traced.rule];
    let source = service.sources.at(rule.source);
    let of = match traced.of {
        Of::Rows => "rows",
        Of::Count => "count",
        Of::Estimate => "estimate",
    };
    let mut part = vec![
        json!({"name": "of", "valueCode": of}),
        json!({"name": "rule", "valueString": rule.id}),
        json!({"name": "source", "valueString": source.name}),
    ];
    // Of a count: which rows it counts.
    if let Some(Statement { text, values }) = source.adapter().explain(&traced.query) {
        part.push(json!({"name": "text", "valueString": text}));
        let values = values.iter().map(|value| json!({"name": "value", "valueString": value}));
        part.extend(values);
    }
    if let Some(rows) = traced.rows {
        part.push(json!({"name": "rows", "valueDecimal": rows}));
    }
    let millis = (traced.took.as_secs_f64() * 1e6).round() / 1e3;
    part.push(json!({"name": "milliseconds", "valueDecimal": millis}));
    // The account may not be allowed to ask.
    let lines = source.adapter().database_plan(&traced.query).await;
    let lines = lines.unwrap_or_else(|error| vec![error.to_string()]);
    let lines = lines.iter().filter(|line| !line.is_empty());
    part.extend(lines.map(|line| json!({"name": "databasePlan", "valueString": line})));
    part
}

/// Of the columns that this search starts from or sorts by, those that lead no index.
fn advice(service: &Service, request: &SearchRequest, plan: &SearchPlan) -> Vec<String> {
    let filters = request.filters.iter().map(|filter| filter.code);
    let codes: Vec<&str> = filters.chain(request.sort.iter().map(|key| key.code)).collect();
    let mut found: Vec<String> = Vec::new();
    for scan in &plan.scans {
        for Unindexed { code, table, column } in &service.rules.rules[scan.rule].unindexed {
            let text = format!(
                "`{table}.{column}` leads no index, and `{code}` may read the whole table: CREATE \
                 INDEX … ON {table} ({column})"
            );
            if codes.contains(&code.as_str()) && !found.contains(&text) {
                found.push(text);
            }
        }
    }
    found
}
