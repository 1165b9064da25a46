//! `schema.yaml`: a source's schema as recorded text, so that rules can be checked and tested away
//! from the hospital.
//!
//! ```yaml
//! PT_MST:
//!   key: [PT_ID]
//!   columns: {PT_ID: char(10), KANJI_NM: varchar(40), UPD_DT: char(14)}
//!   indexes: [[KANA_NM]]
//!   unique: [[KARTE_NO]]
//! ```
//! Types: `char(n)`, `varchar(n)`, `text`, `integer`, `decimal`, `boolean`, `date`, `time`,
//! `datetime`, `instant`, `bytes`.

use genkan_adapter::{Column, ColumnKind, Index, SourceSchema, Table};

use crate::compile::structure::{Entries, list, text, text_list};
use crate::diagnostic::Diagnostic;
use crate::yaml::{self, Yaml};

/// Reads a recorded schema.
pub fn parse(content: &str) -> Result<SourceSchema, Diagnostic> {
    let yaml = yaml::parse(0, content)?;
    let mut schema = SourceSchema::default();
    for (name, body) in Entries::of(&yaml)?.iter() {
        schema.tables.insert(name.name.clone(), table(body)?);
    }
    Ok(schema)
}

fn table(yaml: &Yaml) -> Result<Table, Diagnostic> {
    let entries = Entries::of(yaml)?;
    let mut unknown = Vec::new();
    entries.only(&["key", "columns", "indexes", "unique"], &mut unknown);
    if let Some(diagnostic) = unknown.into_iter().next() {
        return Err(diagnostic);
    }

    let names = |yaml: &Yaml| -> Result<Vec<String>, Diagnostic> {
        Ok(text_list(yaml)?.into_iter().map(|(name, _)| name).collect())
    };
    let primary_key = entries.get("key").map(names).transpose()?.unwrap_or_default();
    let mut columns = Vec::new();
    for (name, kind_yaml) in Entries::of(entries.required("columns")?)?.iter() {
        let kind = kind(text(kind_yaml)?).ok_or_else(|| {
            let en = "not a column type of a recorded schema";
            Diagnostic::error("E0414", kind_yaml.span, en, "列の型として使えません")
        })?;
        let nullable = !primary_key.contains(&name.name);
        columns.push(Column { name: name.name.clone(), kind, nullable });
    }
    let mut indexes = Vec::new();
    for (section, unique) in [("indexes", false), ("unique", true)] {
        let list = entries.get(section).map(list).transpose()?.unwrap_or_default();
        for (number, item) in list.iter().enumerate() {
            let columns = names(item)?;
            indexes.push(Index { name: format!("{section}_{number}"), columns, unique });
        }
    }
    Ok(Table { columns, primary_key, indexes, rows_estimate: None })
}

fn kind(text: &str) -> Option<ColumnKind> {
    let (name, size) = match text.split_once('(') {
        Some((name, rest)) => (name, rest.strip_suffix(')')),
        None => (text, None),
    };
    Some(match name.trim() {
        "char" => ColumnKind::PaddedText { length: size?.trim().parse().ok()? },
        "varchar" | "text" => ColumnKind::Text,
        "integer" => ColumnKind::Integer,
        "decimal" => ColumnKind::Decimal,
        "boolean" => ColumnKind::Boolean,
        "date" => ColumnKind::Date,
        "time" => ColumnKind::Time,
        "datetime" => ColumnKind::DateTime,
        "instant" => ColumnKind::Instant,
        "bytes" => ColumnKind::Bytes,
        _ => return None,
    })
}
