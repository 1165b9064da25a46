//! `--compare-with`: where this validator and another one agree, file by file.

use std::path::{Path, PathBuf};

use genkan_fhir::validation::{Finding, Report};
use genkan_mapping::Text;
use serde_json::json;

use super::theirs::{self, TheirError, Theirs};
use crate::command::{Failure, Manner, Output};

/// What was compared so far, and the outcomes that wait for their file.
pub struct Comparison {
    manner: Manner,
    theirs: Vec<(PathBuf, Option<Theirs>)>,
    verdicts: Verdicts,
    places: Places,
}

/// Of files.
#[derive(Debug, Default)]
struct Verdicts {
    both_valid: usize,
    both_not: usize,
    only_theirs: usize,
    only_ours: usize,
    /// Nothing of theirs is about them.
    alone: usize,
}

/// Of errors.
#[derive(Debug, Default)]
struct Places {
    both: usize,
    only_theirs: usize,
    only_ours: usize,
}

impl Comparison {
    pub fn with(path: &Path, files: &[PathBuf], manner: Manner) -> Result<Self, Failure> {
        let lines = files.iter().find(|file| file.extension().is_some_and(|end| end == "ndjson"));
        if let Some(file) = lines {
            let shown = file.display();
            return Err(Failure::usage(Text::new(
                format!("{shown}: outcomes are of files; give the resources of NDJSON as files"),
                format!(
                    "{shown}: 比較はファイル単位です。NDJSON のリソースはファイルに分けてください"
                ),
            )));
        }
        let assigned = theirs::assign(theirs::read(path)?, files);
        if assigned.iter().all(Option::is_none) {
            let shown = path.display();
            return Err(Failure::usage(Text::new(
                format!("{shown}: no outcome is about any of the files; name it as the file"),
                format!(
                    "{shown}: 対象ファイルの結果がありません。ファイルと同じ名前にしてください"
                ),
            )));
        }
        let theirs = files.iter().cloned().zip(assigned).collect();
        Ok(Self { manner, theirs, verdicts: Verdicts::default(), places: Places::default() })
    }

    pub fn add(&mut self, file: &Path, _line: Option<u32>, report: &Report) {
        let known = self.theirs.iter_mut().find(|(of, _)| of == file);
        let Some(theirs) = known.and_then(|(_, theirs)| theirs.take()) else {
            self.verdicts.alone += 1;
            self.tell_alone(file);
            return;
        };
        let (is_ours, is_theirs) = (report.is_valid(), theirs.errors.is_empty());
        *match (is_theirs, is_ours) {
            (true, true) => &mut self.verdicts.both_valid,
            (false, false) => &mut self.verdicts.both_not,
            (false, true) => &mut self.verdicts.only_theirs,
            (true, false) => &mut self.verdicts.only_ours,
        } += 1;
        let all = errors(&report.findings);
        let told: Vec<&Finding> = report.findings.iter().filter(|one| one.is_error()).collect();
        let is_at = |place: &str, one: &Finding| {
            theirs::is_same_place(place, &theirs::plain(&one.expression))
        };
        // Theirs may be a consequence of ours; what is folded away by us is no difference.
        let (both, only_theirs): (Vec<&TheirError>, Vec<&TheirError>) = theirs
            .errors
            .iter()
            .partition(|one| all.iter().any(|ours| is_at(&one.expression, ours)));
        let is_only_ours =
            |ours: &&&Finding| !theirs.errors.iter().any(|one| is_at(&one.expression, ours));
        let only_ours: Vec<&&Finding> = told.iter().filter(is_only_ours).collect();
        self.places.both += both.len();
        self.places.only_theirs += only_theirs.len();
        self.places.only_ours += only_ours.len();
        match self.manner.output {
            Output::Json => say!(
                "{}",
                json!({
                    "file": file.display().to_string(), "theirs_valid": is_theirs, "ours_valid": is_ours,
                    "both": both.len(),
                    "only_theirs": only_theirs.iter().map(|one| json!({
                        "expression": one.expression, "code": one.code, "message_id": one.message_id,
                    })).collect::<Vec<_>>(),
                    "only_ours": only_ours.iter().map(|one| json!({
                        "expression": one.expression, "code": one.id(),
                        "line": one.place.line, "column": one.place.column,
                    })).collect::<Vec<_>>(),
                })
            ),
            Output::Text if only_theirs.is_empty() && only_ours.is_empty() => {}
            Output::Text => self.tell_file(file, (is_theirs, is_ours), &only_theirs, &only_ours),
        }
    }

    fn tell_file(
        &self,
        file: &Path,
        (is_theirs, is_ours): (bool, bool),
        only_theirs: &[&TheirError],
        only_ours: &[&&Finding],
    ) {
        let word = |is_valid: bool| match is_valid {
            true => Text::new("valid", "適合"),
            false => Text::new("with errors", "エラーあり"),
        };
        let (theirs, ours) = (word(is_theirs), word(is_ours));
        let (shown, language) = (file.display(), self.manner.language);
        let head = Text::new(
            format!("{shown}: theirs {}, ours {}", theirs.en, ours.en),
            format!("{shown}: 相手 {}、Genkan {}", theirs.ja, ours.ja),
        );
        say!("{}", head.in_language(language));
        for one in only_theirs {
            let said = one.message_id.as_deref().unwrap_or(&one.code);
            let text = Text::new("only theirs", "相手のみ");
            say!("  {} {} {said}", text.in_language(language), one.expression);
        }
        for one in only_ours {
            let text = Text::new("only ours", "Genkan のみ");
            let place = one.place;
            say!(
                "  {} {} {} {}:{} {}",
                text.in_language(language),
                one.expression,
                one.id(),
                place.line,
                place.column,
                super::told::words(one, language).0
            );
        }
    }

    fn tell_alone(&self, file: &Path) {
        let shown = file.display().to_string();
        let text = Text::new(
            format!("{shown}: no outcome of theirs"),
            format!("{shown}: 相手の結果がありません"),
        );
        match self.manner.output {
            Output::Json => say!("{}", json!({"file": shown, "theirs_valid": null})),
            Output::Text => say!("{}", text.in_language(self.manner.language)),
        }
    }

    /// The table. An error unless each file has the same verdict.
    pub fn finish(self) -> Result<(), Failure> {
        let Verdicts { both_valid, both_not, only_theirs, only_ours, alone } = self.verdicts;
        let all = both_valid + both_not + only_theirs + only_ours;
        let agreed = both_valid + both_not;
        let places = &self.places;
        match self.manner.output {
            Output::Json => say!(
                "{}",
                json!({
                    "files": all, "agreed": agreed, "both_valid": both_valid, "both_with_errors": both_not,
                    "only_theirs_with_errors": only_theirs, "only_ours_with_errors": only_ours,
                    "without_outcome": alone,
                    "errors": {
                        "both": places.both, "only_theirs": places.only_theirs,
                        "only_ours": places.only_ours,
                    },
                })
            ),
            Output::Text => {
                let text = Text::new(
                    format!(
                        "same verdict: {agreed} of {all} files\n\
                         {:24}{:>14}{:>14}\n{:24}{both_valid:>14}{only_ours:>14}\n{:24}{only_theirs:>14}{both_not:>14}\n\
                         errors at the same place: {}; only theirs: {}; only ours: {}",
                        "",
                        "ours valid",
                        "with errors",
                        "theirs valid",
                        "theirs with errors",
                        places.both,
                        places.only_theirs,
                        places.only_ours,
                    ),
                    format!(
                        "判定の一致: {all} ファイル中 {agreed}\n\
                         両方とも適合 {both_valid}、両方ともエラー {both_not}、相手のみエラー {only_theirs}、Genkan のみエラー {only_ours}\n\
                         同じ場所のエラー: {}、相手のみ: {}、Genkan のみ: {}",
                        places.both, places.only_theirs, places.only_ours,
                    ),
                );
                say!("{}", text.in_language(self.manner.language));
            }
        }
        if agreed == all && alone == 0 { Ok(()) } else { Err(Failure::rules()) }
    }
}

/// With their consequences.
fn errors(findings: &[Finding]) -> Vec<&Finding> {
    let mut all = Vec::new();
    for one in findings.iter().filter(|one| one.is_error()) {
        all.push(one);
        all.append(&mut errors(&one.consequences));
    }
    all
}
