//! `genkan validate`: what a receiver would refuse, found before sending.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use genkan_fhir::outcome::IssueSeverity;
use genkan_fhir::validation::{Finding, Report};
use genkan_mapping::conformance::Version;
use genkan_mapping::{Language, Text};
use genkan_masters::Store;
use serde_json::{Value, json};

use crate::command::{Failure, Manner, Output};
use crate::validate::{Definitions, Unusable};

/// Files of one run; a folder with more is given in parts.
const FILES_MAX: usize = 100_000;
/// Folders in folders.
const FOLDERS_MAX: usize = 32;

#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// Resources in JSON or XML; of folders, every .json and .xml file in them
    #[arg(required = true, value_name = "FILE|DIR")]
    files: Vec<PathBuf>,
    /// A FHIR package with profiles and value sets, or one definition; may be given several times
    #[arg(long = "package", value_name = "FILE.tgz")]
    packages: Vec<PathBuf>,
    /// The folder with the packages of the site, as `genkan package add` wrote them
    #[arg(long, value_name = "DIR")]
    packages_dir: Option<PathBuf>,
    /// The version of the implementation guide that profiles without a version mean; the newest if not given
    #[arg(long, value_name = "VERSION")]
    guide: Option<Version>,
    /// The national code masters, as `genkan codes import` wrote them
    #[arg(long, value_name = "FILE")]
    masters: Option<PathBuf>,
    /// The canonical of a profile that every resource must conform to, beside those it claims
    #[arg(long = "profile", value_name = "URL")]
    profiles: Vec<String>,
}

pub fn run(args: &ValidateArgs, manner: Manner) -> Result<(), Failure> {
    let definitions = Definitions::load(args.guide, args.packages_dir.as_deref(), &args.packages)?;
    for canonical in &args.profiles {
        if !definitions.knows(canonical) {
            return Err(Failure::usage(unknown_profile(canonical)));
        }
    }
    let mut files = BTreeSet::new();
    for path in &args.files {
        collect(path, 0, &mut files)?;
    }
    let masters = args.masters.as_deref().map(masters).transpose()?.unwrap_or_default();
    let profiles: Vec<&str> = args.profiles.iter().map(String::as_str).collect();
    let mut refused = 0;
    for file in &files {
        let source =
            std::fs::read(file).with_context(|| format!("can't read {}", file.display()))?;
        let report =
            definitions.judge(&masters, |validator| validator.validate(&source, None, &profiles));
        refused += usize::from(!report.is_valid());
        tell(file, &report, manner);
    }
    if matches!(manner.output, Output::Text) {
        say!("{}", summary(files.len(), refused).in_language(manner.language));
    }
    // Each file's faults were printed.
    if refused > 0 { Err(Failure::rules()) } else { Ok(()) }
}

impl From<Unusable> for Failure {
    fn from(unusable: Unusable) -> Self {
        let text = unusable.text();
        match unusable {
            Unusable::Unread(..) => Failure::runtime(text),
            Unusable::Refused(_) => Failure::usage(text),
        }
    }
}

fn masters(path: &Path) -> Result<Store, Failure> {
    let bytes = std::fs::read(path).with_context(|| format!("can't read {}", path.display()))?;
    let opened = Store::open(bytes);
    opened.map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

/// The files at a path, in the order of their names.
fn collect(path: &Path, depth: usize, files: &mut BTreeSet<PathBuf>) -> Result<(), Failure> {
    if files.len() >= FILES_MAX || depth > FOLDERS_MAX {
        return Err(Failure::usage(Text::new(
            format!("more than {FILES_MAX} files or {FOLDERS_MAX} levels of folders: give a part"),
            format!(
                "{FILES_MAX} ファイルまたは {FOLDERS_MAX} 階層を超えています。分けて指定してください"
            ),
        )));
    }
    if !path.is_dir() {
        files.insert(path.to_owned());
        return Ok(());
    }
    let entries = std::fs::read_dir(path);
    for entry in entries.with_context(|| format!("can't read {}", path.display()))? {
        let entry = entry.map_err(anyhow::Error::from)?.path();
        let extension = entry.extension().and_then(|extension| extension.to_str());
        if entry.is_dir() || matches!(extension, Some("json" | "xml")) {
            collect(&entry, depth + 1, files)?;
        }
    }
    Ok(())
}

fn tell(file: &Path, report: &Report, manner: Manner) {
    match manner.output {
        Output::Json => say!("{}", to_json(file, report)),
        Output::Text => {
            for finding in &report.findings {
                tell_finding(file, finding, 0, manner.language);
            }
        }
    }
}

fn tell_finding(file: &Path, finding: &Finding, depth: usize, language: Language) {
    let entry = finding.code.entry();
    let (text, mend) = match language {
        Language::Japanese => (finding.japanese(), entry.mend_japanese),
        Language::English => (finding.english(), entry.mend_english),
    };
    let severity = severity(finding.severity);
    let severity = severity.in_language(language);
    let indent = "  ".repeat(depth);
    say!("{indent}{} {severity} {text}", entry.id);
    let place = finding.place;
    say!(
        "{indent}  at   {}:{}:{} {}",
        file.display(),
        place.line,
        place.column,
        finding.expression
    );
    if let Some(profile) = &finding.profile {
        say!("{indent}  rule {profile} {}", finding.element);
    }
    say!("{indent}  fix  {mend}");
    for consequence in &finding.consequences {
        tell_finding(file, consequence, depth + 1, language);
    }
}

fn severity(of: IssueSeverity) -> Text {
    match of {
        IssueSeverity::Fatal | IssueSeverity::Error => Text::new("error", "エラー"),
        IssueSeverity::Warning => Text::new("warning", "警告"),
        IssueSeverity::Information => Text::new("note", "情報"),
    }
}

fn to_json(file: &Path, report: &Report) -> Value {
    json!({
        "file": file.display().to_string(),
        "valid": report.is_valid(),
        "profiles": report.profiles,
        "findings": report.findings.iter().map(finding_json).collect::<Vec<_>>(),
    })
}

fn finding_json(finding: &Finding) -> Value {
    let entry = finding.code.entry();
    json!({
        "code": entry.id,
        "severity": finding.severity.code(),
        "line": finding.place.line,
        "column": finding.place.column,
        "expression": finding.expression,
        "element": finding.element,
        "found": finding.found,
        "allowed": finding.allowed,
        "profile": finding.profile,
        "message": finding.english(),
        "message_ja": finding.japanese(),
        "mend": entry.mend_english,
        "mend_ja": entry.mend_japanese,
        "consequences": finding.consequences.iter().map(finding_json).collect::<Vec<_>>(),
    })
}

fn unknown_profile(canonical: &str) -> Text {
    Text::new(
        format!("the profile {canonical} is in none of the packages; add it with --package"),
        format!(
            "プロファイル {canonical} がどのパッケージにもありません。--package で追加してください"
        ),
    )
}

fn summary(count: usize, refused: usize) -> Text {
    Text::new(
        format!("{count} files, {refused} with errors"),
        format!("{count} ファイル中 {refused} ファイルにエラー"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"resourceType": "Patient", "active": true}"#;
    const BAD: &str = r#"<Patient xmlns="http://hl7.org/fhir"><gender value="man"/></Patient>"#;

    fn run_on(files: &[(&str, &str)], more: &[&str]) -> Option<String> {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).expect("written");
        }
        let mut args = ValidateArgs {
            files: vec![folder.path().to_owned()],
            packages: Vec::new(),
            packages_dir: None,
            guide: None,
            masters: None,
            profiles: more.iter().map(|url| (*url).to_owned()).collect(),
        };
        args.packages.extend(
            files
                .iter()
                .filter(|(name, _)| name.ends_with(".tgz") || name.starts_with("package"))
                .map(|(name, _)| folder.path().join(name)),
        );
        let manner = Manner { language: Language::English, output: Output::Json };
        run(&args, manner).err().map(|failure| failure.text().en)
    }

    #[test]
    fn a_folder_is_valid_if_all_its_resources_are() {
        assert_eq!(run_on(&[("a.json", GOOD), ("notes.txt", "x")], &[]), None);
        assert_eq!(run_on(&[("a.json", GOOD), ("b.xml", BAD)], &[]), Some(String::new()));
    }

    #[test]
    fn what_cannot_be_checked_is_refused_before_anything_is() {
        let unknown = run_on(&[("a.json", GOOD)], &["http://example.org/p"]);
        assert!(unknown.is_some_and(|text| text.contains("is in none of the packages")));
        let broken = run_on(&[("a.json", GOOD), ("p.tgz", "no archive")], &[]);
        assert!(broken.is_some_and(|text| text.contains("p.tgz: not a .tgz archive")));
        let other = run_on(&[("a.json", GOOD), ("package.json", GOOD)], &[]);
        assert!(other.is_some_and(|text| text.contains("package.json: no StructureDefinition")));
    }
}
