//! `genkan bundle`: the Bundle of one registration unit on standard output, what is to be said of it
//! on standard error. The bytes are those that would be sent.

use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::Context;
use chrono::{DateTime, NaiveDate, Utc};
use clap::{Args, ValueEnum};
use genkan_fhir::search::Shape;
use genkan_mapping::Text;

use crate::bundle::collect::{self, Wanted};
use crate::bundle::{Built, NoBundle, UnitIssue, operation};
use crate::command::{ConfigArg, Failure, Manner, serve};
use crate::config::Config;
use crate::error::Error;
use crate::exchange::Exchange;
use crate::fetch::Fetch;
use crate::plan;
use crate::service::Service;
use crate::{emit, parse};

#[derive(Debug, Args)]
pub struct BundleArgs {
    #[command(flatten)]
    config: ConfigArg,
    /// Logical id, or the patient's number (an identifier)
    #[arg(long, value_name = "ID")]
    patient: String,
    #[arg(long, value_enum)]
    kind: KindArg,
    /// Number of the report (依頼番号), for observation
    #[arg(long, value_name = "NUMBER")]
    report: Option<String>,
    /// Day of registration, for condition and allergy; today if not given
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = date)]
    as_of: Option<NaiveDate>,
    /// Write there instead of standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum KindArg {
    Condition,
    Allergy,
    Observation,
}

fn date(text: &str) -> Result<NaiveDate, &'static str> {
    operation::date(text).ok_or("a day like 2026-04-01")
}

pub async fn run(args: &BundleArgs, manner: Manner) -> Result<(), Failure> {
    let config = Config::load(&args.config.config)?;
    let service = serve::service(&config, manner).await?;
    let wanted = wanted(args, &service)?;
    let patient = patient(&service, &args.patient, manner).await?;
    let exchange = Exchange::local("");
    match collect::bundle(&service, &exchange, &patient, &wanted).await {
        Ok(Built { json, issues, .. }) => {
            report(&issues, manner);
            write(&json, args)
        }
        Err(error) => Err(failure(&error, manner)),
    }
}

fn wanted(args: &BundleArgs, service: &Service) -> Result<Wanted, Failure> {
    if args.report.is_some() && args.kind != KindArg::Observation {
        return Err(Failure::usage(Text::new(
            "--report goes with --kind observation",
            "--report は --kind observation のときに使います",
        )));
    }
    if args.as_of.is_some() && args.kind == KindArg::Observation {
        return Err(Failure::usage(Text::new(
            "--as-of goes with --kind condition or allergy",
            "--as-of は --kind condition か allergy のときに使います",
        )));
    }
    let today = || {
        let now = DateTime::<Utc>::from(SystemTime::now());
        now.with_timezone(&service.rules.site.zone).date_naive()
    };
    let day = args.as_of.unwrap_or_else(today);
    Ok(match args.kind {
        KindArg::Condition => Wanted::Conditions(day),
        KindArg::Allergy => Wanted::Allergies(day),
        KindArg::Observation => Wanted::Observations(args.report.clone()),
    })
}

/// The logical id of a patient, given as such or as an identifier that one patient has.
async fn patient(service: &Service, given: &str, manner: Manner) -> Result<String, Failure> {
    if plan::read(service, "Patient", given, &Shape::Whole).is_ok() {
        return Ok(given.to_owned());
    }
    let found = by_identifier(service, given).await.map_err(|error| failure(&error, manner))?;
    match found.as_slice() {
        [id] => Ok(id.clone()),
        [] => Err(Failure::no_bundle(Text::new("there is no such patient", "その患者はいません"))),
        _ => Err(Failure::no_bundle(Text::new(
            "several patients have this identifier; give the logical id",
            "この番号の患者が複数います。論理 id を指定してください",
        ))),
    }
}

async fn by_identifier(service: &Service, number: &str) -> Result<Vec<String>, Error> {
    let pairs = [("identifier", number), ("_count", "2")];
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let search = parse::search(service, "", "Patient", pairs.to_vec())?;
    let plan = plan::search(service, &search.request, service.wall_clock())?;
    let page = Fetch::new(&service.sources, &service.rules).page(&plan).await?;
    let tags = emit::tags(service, &plan, &page);
    let entries = emit::page(service, &plan, &page, tags);
    Ok(entries.into_iter().map(|entry| entry.emitted.id).collect())
}

/// Everything that stands against a Bundle, then the sentence that ends the command.
fn failure(error: &Error, manner: Manner) -> Failure {
    let message = error.message().in_language(manner.language).to_owned();
    let text = format!("{}: {message}", error.code());
    match error {
        Error::NoBundle(reason) => {
            if let NoBundle::Refused(issues) = reason {
                report(issues, manner);
            }
            Failure::no_bundle(text)
        }
        Error::Parameters(refused) => {
            let refused = refused.iter().map(|one| one.message.in_language(manner.language));
            Failure::no_bundle(format!("{text}\n{}", refused.collect::<Vec<_>>().join("\n")))
        }
        Error::NotFound { .. } | Error::UnknownType { .. } => Failure::no_bundle(text),
        Error::Source(failed) => Failure::from(anyhow::anyhow!("{text}: {failed}")),
        _ => Failure::from(anyhow::anyhow!(text)),
    }
}

fn report(issues: &[UnitIssue], manner: Manner) {
    for issue in issues {
        eprintln!("{}", issue.line(manner.language));
    }
}

fn write(json: &[u8], args: &BundleArgs) -> Result<(), Failure> {
    use std::io::Write as _;
    match &args.output {
        Some(path) => std::fs::write(path, json).with_context(|| path.display().to_string())?,
        None => {
            let mut out = std::io::stdout().lock();
            out.write_all(json).and_then(|()| out.flush()).context("standard output")?;
        }
    }
    Ok(())
}
