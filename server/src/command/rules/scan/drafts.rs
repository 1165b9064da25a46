//! The folder of a drafted rule set. Nothing that is there already is touched.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use genkan_mapping::program::Site;
use genkan_mapping::scan::ResourceKind;
use genkan_mapping::scan::draft::{HouseNames, NameQuery, drafts, name_queries};
use genkan_mapping::{SourceSchemas, Text, schema};
use serde_json::json;

use super::{Scan, Scanner};
use crate::command::{Failure, Manner, Output};
use crate::fetch::sample::{self, Columns};
use crate::rule_files;

/// Rows of a house master whose names are drafted.
const NAMES_MAX: u64 = 50_000;

/// A folder that holds something may hold somebody's work.
pub fn check_folder(folder: &Path) -> Result<(), Failure> {
    let empty = fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
    if empty && !folder.is_file() {
        return Ok(());
    }
    let shown = folder.display();
    Err(Failure::usage(Text::new(
        format!("{shown} is not empty: drafts go into a new folder"),
        format!("{shown} は空ではありません。下書きは新しいフォルダに書き出します"),
    )))
}

impl Scanner<'_> {
    /// What the house's masters call their codes. One that can't be read leaves its names out.
    pub async fn names(&self, scan: &Scan) -> Vec<HouseNames> {
        let mut found = Vec::new();
        for NameQuery { table, code, name } in name_queries(scan.found()) {
            let Some(known) = scan.schema.table(&table) else { continue };
            let columns = [&code, &name].into_iter().filter_map(|name| known.column(name));
            let of = Columns { table: &table, columns: columns.collect() };
            if let Ok(names) = sample::pairs(self.source, &of, NAMES_MAX).await {
                found.push(HouseNames { table, names });
            }
        }
        found
    }
}

/// What the drafts are compiled against and recorded with.
pub struct Recorded<'a> {
    pub schemas: SourceSchemas,
    /// The source that was scanned.
    pub source: &'a str,
    pub site: Site,
}

pub fn write(
    folder: &Path,
    scan: &Scan,
    names: &[HouseNames],
    recorded: &Recorded,
    manner: Manner,
) -> Result<(), Failure> {
    let Recorded { schemas, source, site } = recorded;
    let made = drafts(scan.found(), names, (schemas, source, site), manner.language);
    for (path, text) in &made.files {
        put(&folder.join(path), text)?;
    }
    for (name, known) in schemas.names().zip(schemas.schemas()) {
        let path = match name {
            genkan_mapping::MAIN => rule_files::SCHEMA.to_owned(),
            further => format!("schema.{further}.yaml"),
        };
        put(&folder.join(path), &schema::write(known))?;
    }
    for text in &made.left_out {
        eprintln!("{}", text.in_language(manner.language));
    }
    if manner.output == Output::Json {
        let rule = |(rule, table, kind): &(String, String, ResourceKind)| json!({"rule": rule, "table": table, "resource": kind.name()});
        let rules: Vec<_> = made.rules.iter().map(rule).collect();
        let files: Vec<&String> = made.files.iter().map(|(path, _)| path).collect();
        say!("{}", json!({"drafts": rules, "files": files}));
        return Ok(());
    }
    let todos: usize = made.files.iter().map(|(_, text)| text.matches("TODO").count()).sum();
    let (shown, count) = (folder.display(), made.rules.len());
    let text = Text::new(
        format!(
            "{count} rules drafted in {shown}, with {todos} TODOs; then: genkan rules check {shown}"
        ),
        format!(
            "{shown} に規則の下書き {count} 件（TODO {todos} 件）。次は: genkan rules check {shown}"
        ),
    );
    say!("{}", text.in_language(manner.language));
    Ok(())
}

fn put(path: &Path, text: &str) -> Result<(), Failure> {
    let shown = || path.display().to_string();
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(shown)?;
    }
    fs::write(path, text).with_context(shown)?;
    Ok(())
}
