//! `genkan rules check`: all findings of one pass, and what the rules offer.

use std::path::PathBuf;

use clap::Args;
use genkan_mapping::plan::WithheldStep;
use genkan_mapping::program::{RuleFile, RuleSet};
use genkan_mapping::search::{Parameter, unindexed_warnings};
use genkan_mapping::{Compiled, Diagnostic, Language, Severity, SourceSchemas, compile, plan};
use serde_json::json;

use super::test::Hospital;
use super::{Draft, SourceArgs, keys, plain_identity};
use crate::command::codes::compared;
use crate::command::{Failure, Manner, Output, opening};

#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Folder of the rule set
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    #[command(flatten)]
    source: SourceArgs,
    /// With --config: so many keys of each rule are read and compared; 0 for none
    #[arg(long, value_name = "ROWS", default_value_t = 100_000)]
    keys: u64,
    /// Also list the search parameters that are not offered, and why
    #[arg(long, short)]
    verbose: bool,
}

pub async fn run(args: &CheckArgs, manner: Manner) -> Result<(), Failure> {
    let draft = Draft::read(&args.directory, &args.source, manner).await?;
    let compiled = compile(&draft.files, &draft.schemas, &draft.site, &draft.masters);
    let Compiled { rules, mut diagnostics, files, compared } = compiled;
    if let Some(rules) = &rules {
        diagnostics.extend(searches_of_tests(rules, &draft.schemas)?);
        if let Some(sources) = &draft.sources {
            diagnostics.extend(unindexed_warnings(rules));
            if args.keys > 0 {
                keys::verify(sources, rules, args.keys, &mut diagnostics).await?;
            }
        }
    }
    let paths: Vec<String> = files.iter().map(|file| shown_path(args, file)).collect();
    let sources: Vec<(&str, &str)> =
        paths.iter().zip(&files).map(|(path, file)| (path.as_str(), file.text.as_str())).collect();
    opening::print(&diagnostics, &sources, manner);
    if let Some(rules) = &rules {
        offered(rules, manner, args.verbose);
    }
    compared::print(&compared, manner);
    let count = |severity| diagnostics.iter().filter(|found| found.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    summary(rules.as_ref(), errors, warnings, manner);
    if errors == 0 { Ok(()) } else { Err(Failure::rules()) }
}

/// A test whose search can't be asked fails later; its author should know now.
fn searches_of_tests(rules: &RuleSet, schemas: &SourceSchemas) -> Result<Vec<Diagnostic>, Failure> {
    let identity = plain_identity()?;
    let hospital = Hospital { rules, schemas, identity: &identity };
    let tests = rules.rules.iter().flat_map(|rule| &rule.tests);
    let searches = tests.flat_map(|test| test.finds.iter().chain(&test.misses));
    let found = searches.filter_map(|(text, span)| {
        let reason = hospital.search(text).err()?;
        let en = format!("this search can't be asked: {reason}");
        let ja = format!("この検索は実行できません: {reason}");
        Some(Diagnostic::error("E0805", *span, en, ja))
    });
    Ok(found.collect())
}

/// A path that an editor can open from where the command was started.
fn shown_path(args: &CheckArgs, file: &RuleFile) -> String {
    args.directory.join(&file.path).display().to_string()
}

fn offered(rules: &RuleSet, manner: Manner, verbose: bool) {
    if manner.output == Output::Json {
        return offered_json(rules);
    }
    for resource_type in rules.resource_types() {
        let codes: Vec<&str> = plan::offered(rules, resource_type)
            .into_iter()
            .map(|parameter| parameter.code.as_str())
            .collect();
        say!("{resource_type}: {}", codes.join(" "));
        if verbose {
            for (_, rule) in rules.rules_of(resource_type) {
                for withheld in &rule.withheld {
                    let reason = withheld.reason.in_language(manner.language);
                    say!("  - {} ({}): {reason}", withheld.code, rule.id);
                }
            }
            withheld_modifiers(rules, resource_type, manner);
            for WithheldStep { step, reason, .. } in plan::withheld_steps(rules, resource_type) {
                say!("  - {step}.…: {}", reason.in_language(manner.language));
            }
        }
    }
}

/// Each modifier of R4 that an offered parameter does not take.
fn withheld_modifiers(rules: &RuleSet, resource_type: &str, manner: Manner) {
    for parameter in plan::offered(rules, resource_type) {
        let code = &parameter.code;
        for (modifier, reason) in plan::forms(rules, resource_type, code).withheld {
            say!("  - {code}:{modifier}: {}", reason.in_language(manner.language));
        }
    }
}

/// What each offered parameter takes beside a plain value.
fn forms_json(rules: &RuleSet, resource_type: &str) -> serde_json::Value {
    let of_parameter = |parameter: &Parameter| {
        let forms = plan::forms(rules, resource_type, &parameter.code);
        let modifiers: Vec<String> = forms.modifiers.iter().map(ToString::to_string).collect();
        let prefixes: Vec<&str> = forms.prefixes.iter().map(|prefix| prefix.code()).collect();
        let withheld = forms.withheld.iter().map(|(modifier, reason)| {
            json!({
                "modifier": modifier.to_string(),
                "reason": reason.en,
                "reason_ja": reason.ja,
            })
        });
        let withheld: Vec<_> = withheld.collect();
        json!({
            "code": parameter.code,
            "modifiers": modifiers,
            "prefixes": prefixes,
            "withheld_modifiers": withheld,
        })
    };
    plan::offered(rules, resource_type).into_iter().map(of_parameter).collect()
}

fn offered_json(rules: &RuleSet) {
    for rule in &rules.rules {
        let offered: Vec<&str> =
            rule.parameters.iter().map(|parameter| parameter.code.as_str()).collect();
        let withheld: Vec<_> = rule
            .withheld
            .iter()
            .map(|withheld| {
                json!({
                    "code": withheld.code,
                    "reason": withheld.reason.en,
                    "reason_ja": withheld.reason.ja,
                })
            })
            .collect();
        say!(
            "{}",
            json!({
                "rule": rule.id,
                "resource": rule.resource,
                "offered": offered,
                "withheld": withheld,
            })
        );
    }
    for resource_type in rules.resource_types() {
        let chains = plan::chains(rules, resource_type);
        let chains: Vec<String> =
            chains.iter().map(|chain| format!("{}:{}", chain.parameter, chain.target)).collect();
        let has = plan::reverse_chains(rules, resource_type);
        let has: Vec<String> =
            has.iter().map(|has| format!("{}:{}", has.source, has.parameter)).collect();
        let withheld: Vec<_> = plan::withheld_steps(rules, resource_type)
            .into_iter()
            .map(|WithheldStep { step, reason, .. }| {
                json!({"step": step, "reason": reason.en, "reason_ja": reason.ja})
            })
            .collect();
        let all = json!({
            "resource": resource_type,
            "parameters": forms_json(rules, resource_type),
            "chains": chains,
            "has": has,
            "withheld_chains": withheld,
        });
        say!("{all}");
    }
}

fn summary(rules: Option<&RuleSet>, errors: usize, warnings: usize, manner: Manner) {
    let count = rules.map_or(0, |rules| rules.rules.len());
    match (manner.output, manner.language) {
        (Output::Json, _) => {
            say!("{}", json!({"rules": count, "errors": errors, "warnings": warnings}));
        }
        (Output::Text, Language::English) => {
            say!("{count} rules, {errors} errors, {warnings} warnings");
        }
        (Output::Text, Language::Japanese) => {
            say!("規則 {count} 件、エラー {errors} 件、警告 {warnings} 件");
        }
    }
}
