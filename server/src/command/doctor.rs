//! `genkan doctor`: looks at everything that a site needs to serve and says what to do, for those who
//! look after the machine. It changes nothing, and asks the sources for little.
//!
//! Each module looks first, and judges what it saw in a pure function: tests are tables of what could
//! be seen.

mod files;
mod finding;
mod machine;
mod packages;
mod ports;
mod rules;
mod sources;
mod tls;

use std::path::Path;

use clap::Args;
use genkan_mapping::Language;
use serde_json::json;

use crate::command::{ConfigArg, Failure, Manner, Output};
use crate::config::Config;
use finding::{Blame, Finding, Severity};

#[derive(Debug, Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    config: ConfigArg,
    /// So many keys of each rule are read and compared; 0 for none
    #[arg(long, value_name = "ROWS", default_value_t = 10_000)]
    keys: u64,
}

pub async fn run(args: &DoctorArgs, manner: Manner) -> Result<(), Failure> {
    let findings = match Config::load(&args.config.config) {
        Ok(config) => examine(&config, &args.config.config, args.keys, manner).await,
        Err(error) => {
            let remedy = ("genkan config example", "genkan config example で例を表示できます");
            vec![Finding::error("GKN-701", Blame::Configuration, error.text()).remedy(remedy)]
        }
    };
    findings.iter().for_each(|finding| print(finding, manner));
    summary(&findings, manner);
    match findings.iter().filter_map(Finding::blame).min() {
        None => Ok(()),
        Some(Blame::Configuration) => Err(Failure::usage(String::new())),
        Some(Blame::Rules) => Err(Failure::rules()),
        Some(Blame::Surroundings) => Err(Failure::runtime(String::new())),
    }
}

async fn examine(config: &Config, path: &Path, keys: u64, manner: Manner) -> Vec<Finding> {
    let mut findings = vec![Finding::ok((
        format!("{}: every key is understood", path.display()),
        format!("{}: すべての設定項目を読めました", path.display()),
    ))];
    findings.extend(files::judge(&files::look(config, path)));
    findings.extend(files::site_key(config, manner));
    findings.extend(tls::judge(&tls::look(config)));
    for address in ports::addresses(config) {
        findings.extend(ports::judge(&address, &ports::look(&address)));
    }
    findings.extend(machine::judge(&machine::look(config, path), &machine::Needs::of(config)));
    findings.extend(packages::judge(&packages::look(config)));
    let (told, opened) = sources::examine(config).await;
    findings.extend(told);
    findings.extend(rules::examine(config, opened, keys).await);
    findings
}

fn print(finding: &Finding, manner: Manner) {
    let Finding { code, message, remedy, .. } = finding;
    let severity = finding.severity.name();
    if manner.output == Output::Json {
        let told = json!({
            "code": code,
            "severity": severity,
            "message": message.en,
            "message_ja": message.ja,
            "remedy": remedy.as_ref().map(|text| &text.en),
            "remedy_ja": remedy.as_ref().map(|text| &text.ja),
        });
        say!("{told}");
        return;
    }
    let code = code.unwrap_or("");
    say!("{severity:<8}{code:<8}{}", message.in_language(manner.language));
    if let Some(remedy) = remedy {
        say!("                → {}", remedy.in_language(manner.language));
    }
}

fn summary(findings: &[Finding], manner: Manner) {
    let count = |severity: Severity| {
        findings.iter().filter(|finding| finding.severity.name() == severity.name()).count()
    };
    let [ok, warnings] = [Severity::Ok, Severity::Warning].map(count);
    let errors = findings.iter().filter(|finding| finding.blame().is_some()).count();
    match (manner.output, manner.language) {
        (Output::Json, _) => say!("{}", json!({"ok": ok, "warnings": warnings, "errors": errors})),
        (Output::Text, Language::English) => say!("{ok} ok, {warnings} warnings, {errors} errors"),
        (Output::Text, Language::Japanese) => {
            say!("良好 {ok} 件、警告 {warnings} 件、エラー {errors} 件");
        }
    }
}
