//! `genkan codes import FILE…`: all files or none, in the order of their dates.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chrono::NaiveDate;
use clap::Args;
use genkan_mapping::{Language, Text};
use genkan_masters::{Applied, ImportError, ReadError, ReadLimits, Reading, Scope, read_within};
use indicatif::ProgressBar;
use serde_json::json;

use super::masters_file::{self, MastersArgs};
use crate::command::{Failure, Manner, Output};

/// Rejected lines that are shown of each file; `--format json` shows all.
const REJECTED_SHOWN: usize = 20;

#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Files as they are published, in any order
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    masters: MastersArgs,
    /// From when on the files hold; from the date in each file's name if not given
    #[arg(long, value_name = "YYYY-MM-DD")]
    effective: Option<NaiveDate>,
}

/// A file that was read and waits for its turn.
struct Waiting {
    name: String,
    hash: [u8; 32],
    effective: NaiveDate,
    reading: Reading,
}

pub fn run(args: &ImportArgs, manner: Manner) -> Result<(), Failure> {
    let (path, limits) = (args.masters.path()?, args.masters.limits()?);
    let mut masters = masters_file::open(&path)?.unpack();
    let progress = ProgressBar::new(args.files.len() as u64 * 2);
    let mut waiting = Vec::with_capacity(args.files.len());
    for file in &args.files {
        waiting.push(wait(file, args.effective, &limits)?);
        progress.inc(1);
    }
    // Of one day, the full file is what its updates change.
    waiting
        .sort_by_key(|one| (one.effective, one.reading.scope == Scope::Update, one.name.clone()));
    let mut imported = 0;
    for one in &waiting {
        let applied = masters.apply(&one.reading, (&one.name, one.hash, one.effective));
        match &applied {
            Ok(_) => imported += 1,
            Err(ImportError::Known { .. }) => {}
            Err(error) => return Err(refused(&one.name, error)),
        }
        progress.suspend(|| tell(one, applied.as_ref().ok(), manner));
        progress.inc(1);
    }
    progress.finish_and_clear();
    if imported > 0 {
        masters_file::replace(&path, &masters.pack())?;
    }
    Ok(())
}

fn wait(
    file: &Path,
    effective: Option<NaiveDate>,
    limits: &ReadLimits,
) -> Result<Waiting, Failure> {
    let shown = file.display();
    let unread = |error: &ReadError| {
        let nothing = "nothing was imported";
        Failure::runtime(Text::new(
            format!("{shown}: {error}; {nothing}"),
            format!("{shown}: {}（何も取り込んでいません）", error.japanese()),
        ))
    };
    let size = std::fs::metadata(file).with_context(|| shown.to_string())?.len();
    if size > limits.file_bytes_max {
        // Of what is larger, nothing is read.
        return Err(unread(&ReadError::TooLarge { bytes_max: limits.file_bytes_max }));
    }
    let bytes = std::fs::read(file).with_context(|| shown.to_string())?;
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let reading = read_within(&name, &bytes, limits).map_err(|error| unread(&error))?;
    let effective = effective.or_else(|| date_in(&name)).ok_or_else(|| {
        Failure::usage(Text::new(
            format!("{shown}: its name has no date; say with --effective from when on it holds"),
            format!(
                "{shown}: ファイル名に日付がありません。--effective で適用日を指定してください"
            ),
        ))
    })?;
    let hash = *blake3::hash(&bytes).as_bytes();
    Ok(Waiting { name, hash, effective, reading })
}

/// `b_20240601.txt`, `tp20250814-01_01.xlsx`, `ippanmeishohoumaster_250814.xlsx`.
fn date_in(name: &str) -> Option<NaiveDate> {
    let digits = name.split(|c: char| !c.is_ascii_digit());
    digits.into_iter().find_map(|digits| match digits.len() {
        8 => NaiveDate::parse_from_str(digits, "%Y%m%d").ok(),
        6 => NaiveDate::parse_from_str(&format!("20{digits}"), "%Y%m%d").ok(),
        _ => None,
    })
}

fn refused(name: &str, error: &ImportError) -> Failure {
    let ja = match error {
        ImportError::Known { .. } => "既に取り込まれています".to_owned(),
        ImportError::Older { file, there, this } => {
            format!(
                "「{file}」（{there} 適用）より前の日付（{this}）です。日付順に取り込んでください"
            )
        }
        ImportError::NothingNamed { needed } => {
            format!(
                "他のマスタのコードに語を加えるファイルです。先に {needed} のどれかを取り込んでください"
            )
        }
        ImportError::NoFull => "差分ファイルの前に全件ファイルを取り込んでください".to_owned(),
        ImportError::MostlyRejected { rejected, rows } => {
            format!("{rows} 行のうち {rejected} 行が読めません")
        }
    };
    let nothing = "nothing was imported";
    Failure::runtime(Text::new(
        format!("{name}: {error}; {nothing}"),
        format!("{name}: {ja}（何も取り込んでいません）"),
    ))
}

fn tell(one: &Waiting, applied: Option<&BTreeMap<&'static str, Applied>>, manner: Manner) {
    let Waiting { name, effective, reading, .. } = one;
    let (kind, rows) = (reading.kind.word(), reading.rows);
    if manner.output == Output::Json {
        let systems: serde_json::Map<_, _> = applied
            .into_iter()
            .flatten()
            .map(|(system, done)| {
                let unapplied: Vec<&str> =
                    done.unapplied.iter().map(|one| one.code.as_str()).collect();
                let told = json!({
                    "added": done.added, "changed": done.changed, "retired": done.retired,
                    "unchanged": done.unchanged, "unapplied": unapplied,
                });
                ((*system).to_owned(), told)
            })
            .collect();
        let rejected: Vec<_> = reading
            .rejected
            .iter()
            .map(|one| {
                json!({
                    "line": one.line, "column": one.column,
                    "reason": one.reason.english(), "reason_ja": one.reason.japanese(),
                })
            })
            .collect();
        say!(
            "{}",
            json!({
                "file": name, "kind": kind, "effective": effective.to_string(), "rows": rows,
                "imported": applied.is_some(), "systems": systems, "rejected": rejected,
            })
        );
        return;
    }
    let Some(applied) = applied else {
        say!("{name}: {}", in_language(manner, "imported before", "取り込み済み"));
        return;
    };
    say!("{name}: {kind}, {effective}, {rows} rows");
    for (system, done) in applied {
        let Applied { added, changed, retired, unchanged, unapplied } = done;
        say!(
            "  {added:>6} added {changed:>6} changed {retired:>6} retired {unchanged:>6} unchanged  {system}"
        );
        for one in unapplied.iter().take(REJECTED_SHOWN) {
            let text = in_language(
                manner,
                "changes a code that is not there",
                "変更対象のコードがありません",
            );
            say!("  {}: {text}", one.code);
        }
    }
    for one in reading.rejected.iter().take(REJECTED_SHOWN) {
        let reason = in_language(manner, &one.reason.english(), &one.reason.japanese()).to_owned();
        let column = if one.column == 0 { String::new() } else { format!(":{}", one.column) };
        say!("  {name}:{}{column}: {reason}", one.line);
    }
    let more = reading.rejected.len().saturating_sub(REJECTED_SHOWN);
    if more > 0 {
        say!("  … {more}");
    }
}

fn in_language<'t>(manner: Manner, en: &'t str, ja: &'t str) -> &'t str {
    match manner.language {
        Language::English => en,
        Language::Japanese => ja,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_a_published_file_stands_in_its_name() {
        for (name, expected) in [
            ("b_20240601.txt", Some("2024-06-01")),
            ("y_ALL20240321.csv", Some("2024-03-21")),
            ("tp20250814-01_01.xlsx", Some("2025-08-14")),
            ("ippanmeishohoumaster_250814.xlsx", Some("2025-08-14")),
            ("utf8_JFAGY_J9FN_20250401_R01.csv", Some("2025-04-01")),
            ("clins-jlac10-jlac11.xlsx", None),
            ("b_20241399.txt", None),
        ] {
            assert_eq!(date_in(name).map(|date| date.to_string()).as_deref(), expected, "{name}");
        }
    }
}
