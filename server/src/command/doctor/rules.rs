//! The rule set against the sources: whether it compiles, whether its tests pass, whether the keys
//! that it declares are keys, and which searches would read whole tables.

use genkan_mapping::program::{RuleFile, RuleSet};
use genkan_mapping::search::unindexed_warnings;
use genkan_mapping::{Compiled, Diagnostic, Severity, SourceSchemas, Text, compile};
use genkan_masters::Import;

use super::finding::{Blame, Finding};
use super::sources::Opened;
use crate::command::opening;
use crate::command::rules::keys;
use crate::command::serve::reload::{FailedTest, failed_tests};
use crate::config::Config;
use crate::rule_files;
use crate::sources::Sources;

/// More are as one: their file is to be opened in an editor.
const SHOWN_MAX: usize = 20;
const UNINDEXED: &str = "W0705";

pub async fn examine(config: &Config, opened: Opened, keys: u64) -> Vec<Finding> {
    let files = match rule_files::read(&config.rules.directory) {
        Ok(files) => files,
        Err(error) => {
            let said = format!("[rules] {error:#}");
            let message = Text::new(said.clone(), said);
            return vec![Finding::error("GKN-740", Blame::Configuration, message)];
        }
    };
    let Some((sources, schemas)) = opened else {
        return vec![
            Finding::warning(
                "GKN-741",
                (
                    "the rules were not compared with the sources: one does not answer",
                    "応答しない接続先があるため、規則と照合していません",
                ),
            )
            .remedy(("mend the source first", "先に接続先の問題を直します")),
        ];
    };
    let site = match config.site.site() {
        Ok(site) => site,
        Err(refused) => return vec![Finding::error("GKN-701", Blame::Configuration, refused)],
    };
    let masters = match opening::masters(config) {
        Ok(masters) => masters,
        Err(failed) => return vec![Finding::error("GKN-740", Blame::Configuration, failed.text())],
    };
    let Compiled { rules, mut diagnostics, files, .. } = compile(&files, &schemas, &site, &masters);
    let mut failures = Vec::new();
    if let Some(rules) = &rules {
        diagnostics.extend(unindexed_warnings(rules));
        failures = tested(rules, &schemas).await;
        failures.extend(compared(&sources, rules, keys, &mut diagnostics).await);
    }
    let mut findings = told(&diagnostics, &files);
    findings.extend(failures);
    findings.extend(masters.outdated().map(outdated));
    findings.push(offered(rules.as_ref()));
    findings
}

/// The keys of real rows, as far as they are read.
async fn compared(
    sources: &Sources,
    rules: &RuleSet,
    most: u64,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Finding> {
    if most == 0 {
        return None;
    }
    let failed = keys::verify(sources, rules, most, diagnostics).await.err()?;
    Some(Finding::error("GKN-743", Blame::Surroundings, failed.text()))
}

async fn tested(rules: &RuleSet, schemas: &SourceSchemas) -> Vec<Finding> {
    match failed_tests(rules, schemas).await {
        Ok(failing) => failing.iter().map(failed).collect(),
        Err(error) => {
            let said = format!("the tests of the rules can't be run: {error:#}");
            vec![Finding::error("GKN-742", Blame::Rules, (said.clone(), said))]
        }
    }
}

/// What this version has learned to read of a master is not in what an earlier one has read.
fn outdated(import: &Import) -> Finding {
    let (file, kind) = (&import.file, import.kind.word());
    let message = (
        format!(
            "`{file}` ({kind}) was read by an earlier version of Genkan, which took less from it"
        ),
        format!(
            "「{file}」（{kind}）は以前の版の Genkan が取り込んだもので、いまの版が読む内容の一部がありません"
        ),
    );
    Finding::warning("GKN-165", message).remedy((
        "import the same file again with `genkan codes import`",
        "同じファイルを genkan codes import でもう一度取り込みます",
    ))
}

fn failed(test: &FailedTest) -> Finding {
    let FailedTest { place, rule, test, differences } = test;
    let difference = differences.first().map_or("", String::as_str);
    let told = format!("{place} {rule}: {test}: {difference}");
    let message = (
        format!("a test of the rules fails: {told}"),
        format!("規則のテストが失敗しました: {told}"),
    );
    Finding::error("GKN-742", Blame::Rules, message).remedy((
        "genkan rules test shows all differences",
        "genkan rules test ですべての違いを表示します",
    ))
}

fn told(diagnostics: &[Diagnostic], files: &[RuleFile]) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        diagnostics.iter().take(SHOWN_MAX).map(|found| diagnosed(found, files)).collect();
    if let Some(more) = diagnostics.len().checked_sub(SHOWN_MAX).filter(|more| *more > 0) {
        let errors = diagnostics[SHOWN_MAX..].iter();
        let errors = errors.filter(|found| found.severity == Severity::Error).count();
        let message = (
            format!("{more} more findings in the rules, {errors} of them errors"),
            format!("規則の指摘がほかに {more} 件あります（うちエラー {errors} 件）"),
        );
        let finding = match errors {
            0 => Finding::warning("GKN-741", message),
            _ => Finding::error("GKN-740", Blame::Rules, message),
        };
        findings.push(finding.remedy((
            "genkan rules check DIR --config FILE shows all of them",
            "genkan rules check DIR --config FILE ですべて表示します",
        )));
    }
    findings
}

fn diagnosed(found: &Diagnostic, files: &[RuleFile]) -> Finding {
    let file = files.get(usize::from(found.span.file)).map_or("", |file| &*file.path);
    let place = format!("{file}:{}:{} {}", found.span.line, found.span.column, found.code);
    let Text { en, ja } = &found.message;
    let message = (format!("{place} {en}"), format!("{place} {ja}"));
    let finding = match (found.severity, found.code) {
        (_, keys::REPEATED) => Finding::error("GKN-743", Blame::Rules, message),
        (Severity::Error, _) => Finding::error("GKN-740", Blame::Rules, message),
        (Severity::Warning, UNINDEXED) => Finding::warning("GKN-744", message),
        (Severity::Warning, _) => Finding::warning("GKN-741", message),
    };
    match &found.hint {
        Some(hint) => finding.remedy(Text::clone(hint)),
        None => finding,
    }
}

fn offered(rules: Option<&RuleSet>) -> Finding {
    match rules {
        Some(rules) => {
            let (count, types) = (rules.rules.len(), rules.resource_types().len());
            Finding::ok((
                format!("[rules] {count} rules for {types} resource types fit the sources"),
                format!("[rules] 規則 {count} 件（リソース {types} 種類）が接続先に合っています"),
            ))
        }
        None => Finding::error(
            "GKN-740",
            Blame::Rules,
            ("[rules] the rules can't be used", "[rules] この規則は使えません"),
        )
        .remedy(("mend the errors above", "上のエラーを直します")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use genkan_mapping::diagnostic::Span;

    #[test]
    fn findings_of_the_compiler_keep_their_place_and_get_a_code_of_their_kind() {
        let span = Span { file: 0, line: 3, column: 7, length: 1 };
        let error = |code| Diagnostic::error(code, span, "wrong", "誤り").hint("try", "試す");
        let warning = |code| Diagnostic::warning(code, span, "look", "確認");
        for (found, code, remedy) in [
            (error("E0402"), "GKN-740", true),
            // A wrong `version` had the code of repeated keys once.
            (error("E0421"), "GKN-740", true),
            (error(keys::REPEATED), "GKN-743", true),
            (warning(UNINDEXED), "GKN-744", false),
            (warning("W0415"), "GKN-741", false),
        ] {
            let finding = diagnosed(&found, &[]);
            assert_eq!(finding.code, Some(code));
            assert_eq!(finding.remedy.is_some(), remedy, "{code}");
            assert!(finding.message.en.starts_with(&format!(":3:7 {}", found.code)));
        }
    }

    #[test]
    fn a_flood_of_findings_ends_and_hides_no_error() {
        let span = Span::default();
        let mut many = vec![Diagnostic::warning("W0415", span, "look", "確認"); SHOWN_MAX + 1];
        let findings = told(&many, &[]);
        assert_eq!((findings.len(), findings[SHOWN_MAX].blame()), (SHOWN_MAX + 1, None));
        many.push(Diagnostic::error("E0402", span, "wrong", "誤り"));
        let findings = told(&many, &[]);
        assert_eq!(findings[SHOWN_MAX].blame(), Some(Blame::Rules));
        assert!(told(&many[..SHOWN_MAX], &[]).len() == SHOWN_MAX);
    }

    #[test]
    fn a_test_that_fails_is_an_error_of_the_rules() {
        let (place, rule) = ("a.map.yaml:7".to_owned(), "patient".to_owned());
        let (test, differences) = ("a name".to_owned(), vec!["-x +y".to_owned()]);
        let finding = failed(&FailedTest { place, rule, test, differences });
        assert_eq!(finding.blame(), Some(Blame::Rules));
        for part in ["a.map.yaml:7 patient: a name", "-x +y"] {
            assert!(finding.message.en.contains(part) && finding.message.ja.contains(part));
        }
    }
}
