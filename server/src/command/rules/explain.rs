//! `genkan rules explain 'Condition?code=20064049'`: the plan of a search and its statements, as the
//! source would get them; with a configuration, also how the database would run each.

use clap::Args;
use genkan_adapter::Statement;
use genkan_fhir::definitions::Definitions;
use genkan_fhir::search;
use genkan_mapping::plan;
use serde_json::json;

use super::{Workshop, WorkshopArgs};
use crate::command::{Failure, Manner, Output};
use crate::fetch::{Explained, Fetch};
use crate::parse;
use crate::service::wall_clock;

#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// `Type?parameter=value&…`
    search: String,
    #[command(flatten)]
    workshop: WorkshopArgs,
}

pub async fn run(args: &ExplainArgs, manner: Manner) -> Result<(), Failure> {
    let workshop = Workshop::open(&args.workshop, manner).await?;
    let plan = plan_of(&workshop, &args.search)?;
    // Without a configuration the databases are empty ones, whose plans say nothing.
    let ask = args.workshop.config.is_some();
    let mut fetch = Fetch::new(&workshop.sources, &workshop.rules);
    let explained = fetch.explain(&plan, ask).await;
    if manner.output == Output::Text {
        say!("{}", plan.to_string().trim_end());
    }
    for Explained { statement, database, .. } in explained {
        let Some(Statement { text, values }) = statement else { continue };
        let lines = database.map_or_else(Vec::new, |database| {
            database.lines.unwrap_or_else(|error| vec![error.to_string()])
        });
        if manner.output == Output::Json {
            say!("{}", json!({"statement": text, "values": values, "database": lines}));
            continue;
        }
        say!("\n{text}");
        for (number, value) in values.iter().enumerate() {
            say!("  {:>3}  {value}", number + 1);
        }
        for line in lines {
            say!("  | {line}");
        }
    }
    Ok(())
}

fn plan_of(workshop: &Workshop, text: &str) -> Result<plan::SearchPlan, Failure> {
    let (resource_type, query) = text.split_once('?').unwrap_or((text, ""));
    let pairs = parse::pairs(query.as_bytes());
    let zone = workshop.rules.site.zone;
    let request = search::parse(Definitions::r4(), resource_type, &pairs, zone).map_err(|all| {
        let lines: Vec<String> = all.iter().map(ToString::to_string).collect();
        Failure::usage(lines.join("\n"))
    })?;
    let request = request.seen_from(workshop.fhir.base_url.as_deref().unwrap_or_default());
    let (limits, now) = (workshop.fhir.plan_limits(), wall_clock(zone));
    plan::search(&workshop.rules, &workshop.identity, &request, &limits, now)
        .map_err(|problem| Failure::usage(describe(&problem)))
}

pub fn describe(problem: &plan::PlanProblem) -> String {
    use plan::PlanProblem;
    match problem {
        PlanProblem::UnknownType { nearest: Some(nearest) } => {
            format!("no rule makes this type; did you mean `{nearest}`?")
        }
        PlanProblem::UnknownType { nearest: None } => "no rule makes this type".to_owned(),
        PlanProblem::UnknownId => "no rule made this id".to_owned(),
        PlanProblem::NotOffered { parameter, reason }
        | PlanProblem::Refused { parameter, reason } => format!("{parameter}: {}", reason.en),
        PlanProblem::Modifier { parameter, modifier, reason, offered } => {
            let told = crate::plan::modifier_message(parameter, modifier, reason, offered);
            told.en
        }
        PlanProblem::BadPage => "`_page` is not a page of this search".to_owned(),
    }
}
