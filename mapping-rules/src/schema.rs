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
//! The types stand in [`TYPES`]. `genkan rules schema` writes such a file.

use std::fmt::Write as _;

use genkan_adapter::{Column, ColumnKind, Index, SourceSchema, Table};

use crate::compile::structure::{Entries, list, text, text_list};
use crate::diagnostic::{Diagnostic, Span};
use crate::grammar;
use crate::yaml::{self, Yaml};

/// `char(n)` is padded with blanks; a length behind another type is for the reader. A rule can't
/// name a column of type `unsupported`.
pub(crate) const TYPES: [&str; 12] = [
    "char(n)",
    "varchar(n)",
    "text",
    "integer",
    "decimal",
    "boolean",
    "date",
    "time",
    "datetime",
    "instant",
    "bytes",
    "unsupported",
];

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
    entries.only(&grammar::TABLE, &mut unknown);
    if let Some(diagnostic) = unknown.into_iter().next() {
        return Err(diagnostic);
    }

    let names = |yaml: &Yaml| -> Result<Vec<String>, Diagnostic> {
        Ok(text_list(yaml)?.into_iter().map(|(name, _)| name).collect())
    };
    let primary_key = entries.get("key").map(names).transpose()?.unwrap_or_default();
    let mut columns = Vec::new();
    for (name, kind_yaml) in Entries::of(entries.required("columns")?)?.iter() {
        let written = text(kind_yaml)?;
        let kind = kind(written).ok_or_else(|| no_type(written, kind_yaml.span))?;
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

fn no_type(written: &str, span: Span) -> Diagnostic {
    let list = TYPES.join(", ");
    let en = format!("`{written}` is no column type of a recorded schema");
    let ja = format!("「{written}」は列の型として使えません");
    Diagnostic::error("E0414", span, en, ja)
        .hint(format!("the types: {list}"), format!("使える型: {list}"))
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
        "unsupported" => ColumnKind::Unsupported,
        _ => return None,
    })
}

/// Writes a schema as [`parse`] reads it. What tests in memory don't need is left out: estimates,
/// names of indexes, and which columns beside the key are never NULL.
pub fn write(schema: &SourceSchema) -> String {
    let mut out = String::new();
    let list = |names: &[String]| {
        let names: Vec<String> = names.iter().map(|name| scalar(name)).collect();
        format!("[{}]", names.join(", "))
    };
    for (name, table) in &schema.tables {
        // Writing to a String can't fail.
        let _ = writeln!(out, "{}:", scalar(name));
        if !table.primary_key.is_empty() {
            let _ = writeln!(out, "  key: {}", list(&table.primary_key));
        }
        // A table without columns is one that nothing can be read from.
        let _ = writeln!(out, "  columns:{}", if table.columns.is_empty() { " {}" } else { "" });
        for column in &table.columns {
            let _ = writeln!(out, "    {}: {}", scalar(&column.name), type_of(column.kind));
        }
        for (section, unique) in [("indexes", false), ("unique", true)] {
            // Sources list the index behind the primary key too.
            let other =
                |index: &&Index| index.unique == unique && index.columns != table.primary_key;
            let indexes = table.indexes.iter().filter(other);
            let indexes: Vec<String> = indexes.map(|index| list(&index.columns)).collect();
            if !indexes.is_empty() {
                let _ = writeln!(out, "  {section}: [{}]", indexes.join(", "));
            }
        }
    }
    out
}

fn type_of(kind: ColumnKind) -> String {
    match kind {
        ColumnKind::PaddedText { length } => return format!("char({length})"),
        ColumnKind::Text => "text",
        ColumnKind::Integer => "integer",
        ColumnKind::Decimal => "decimal",
        ColumnKind::Boolean => "boolean",
        ColumnKind::Date => "date",
        ColumnKind::Time => "time",
        ColumnKind::DateTime => "datetime",
        ColumnKind::Instant => "instant",
        ColumnKind::Bytes => "bytes",
        ColumnKind::Unsupported => "unsupported",
    }
    .to_owned()
}

/// A name that means something to YAML is quoted.
pub(crate) fn scalar(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || c == '_';
    match name.starts_with(plain) && name.chars().all(|c| plain(c) || matches!(c, '$' | '.')) {
        true => name.to_owned(),
        false => format!("'{}'", name.replace('\'', "''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let text = "\
PT$MST:
  key: [ID, 'B C']
  columns:
    ID: char(10)
    'B C': text
    患者名: text
    N: integer
    D: decimal
    F: boolean
    A: date
    T: time
    U: datetime
    I: instant
    P: bytes
    X: unsupported
  indexes: [[患者名], [N, D]]
  unique: [[A]]
'it''s: #1':
  columns:
    'yes, no': text
EMPTY:
  columns: {}
";
        let schema = parse(text).expect("valid");
        assert!(schema.table("it's: #1").is_some());
        assert!(schema.table("PT$MST").is_some_and(|table| table.indexes[2].unique));
        assert_eq!(parse(&write(&schema)).as_ref(), Ok(&schema));
        let lines = |text: &str| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(lines(&write(&schema)), lines(text));
    }

    #[test]
    fn an_unknown_type_is_told_the_types() {
        for wrong in ["varchr(10)", "char", "char(x)", "number"] {
            let diagnostic = parse(&format!("T:\n  columns: {{A: {wrong}}}\n")).expect_err(wrong);
            assert_eq!((diagnostic.code, diagnostic.span.line), ("E0414", 2), "{wrong}");
            let hint = diagnostic.hint.expect("a hint");
            assert!(hint.en.contains("char(n), varchar(n)"), "{}", hint.en);
        }
    }
}
