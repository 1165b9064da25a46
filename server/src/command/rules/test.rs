//! `genkan rules test`: runs the tests that stand in the rules, each on a database of its own in
//! memory, through the same rooms as a request.

mod counting;
mod run;

pub use run::{Hospital, Results};

use std::path::PathBuf;

use clap::Args;
use genkan_mapping::Language;
use genkan_mapping::program::RuleSet;
use genkan_mapping::reads;
use genkan_mapping::testing::{self, RuleTest};
use indicatif::ProgressBar;
use serde_json::json;

use super::{Draft, SourceArgs, plain_identity};
use crate::command::{Failure, Manner, Output};

#[derive(Debug, Args)]
pub struct TestArgs {
    /// Folder of the rule set
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    #[command(flatten)]
    source: SourceArgs,
    /// Only tests whose rule or name contains this text
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
}

pub async fn run(args: &TestArgs, manner: Manner) -> Result<(), Failure> {
    let draft = Draft::read(&args.directory, &args.source, manner).await?;
    let rules = draft.rules(manner)?;
    let identity = plain_identity()?;
    let schemas = reads::for_tests(&draft.schemas, &rules);
    let hospital = Hospital { rules: &rules, schemas: &schemas, identity: &identity };
    let progress = ProgressBar::new(testing::count(&rules) as u64);
    let (mut passed, mut failed) = (0, 0);
    for (index, rule) in rules.rules.iter().enumerate() {
        for test in rule.tests.iter().filter(|test| wanted(args, &rule.id, test)) {
            let complaints = hospital.run(index, test).await;
            if complaints.is_empty() {
                passed += 1;
            } else {
                failed += 1;
            }
            progress.suspend(|| report(&rules, index, test, &complaints, manner));
            progress.inc(1);
        }
    }
    progress.finish_and_clear();
    if let (Some(only), 0) = (&args.only, passed + failed) {
        let message = format!(
            "no rule or test has `{only}` in its name / 「{only}」を名前に含む規則・テストがありません"
        );
        return Err(Failure::usage(message));
    }
    summary(passed, failed, manner);
    if failed == 0 { Ok(()) } else { Err(Failure::rules()) }
}

fn wanted(args: &TestArgs, rule: &str, test: &RuleTest) -> bool {
    let only = args.only.as_deref();
    only.is_none_or(|text| rule.contains(text) || test.name.contains(text))
}

fn report(rules: &RuleSet, rule: usize, test: &RuleTest, complaints: &[String], manner: Manner) {
    let file = rules.files.get(usize::from(test.span.file));
    let place = format!("{}:{}", file.map_or("", |file| &file.path), test.span.line);
    let rule = &rules.rules[rule].id;
    if manner.output == Output::Json {
        let passed = complaints.is_empty();
        say!(
            "{}",
            json!({
                "rule": rule,
                "test": test.name,
                "place": place,
                "passed": passed,
                "differences": complaints,
            })
        );
        return;
    }
    if complaints.is_empty() {
        say!("ok      {rule}: {}", test.name);
        return;
    }
    say!("FAILED  {rule}: {}  ({place})", test.name);
    for complaint in complaints {
        say!("        {complaint}");
    }
}

fn summary(passed: usize, failed: usize, manner: Manner) {
    match (manner.output, manner.language) {
        (Output::Json, _) => say!("{}", json!({"passed": passed, "failed": failed})),
        (Output::Text, Language::English) => say!("{passed} passed, {failed} failed"),
        (Output::Text, Language::Japanese) => {
            say!("{passed} passed, {failed} failed（合格 {passed} 件、不合格 {failed} 件）");
        }
    }
}
