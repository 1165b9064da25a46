//! The tables of the hospital, read from `lists/tables.csv` and `lists/columns.csv`, so that the
//! three DDLs, `schema.yaml` and `SCHEMA.md` say the same.

mod ddl;

use anyhow::{Context, bail};
use serde::Deserialize;

pub use ddl::Dialect;

/// Bytes of the two lists that describe the schema.
const TABLES: &str = include_str!("../lists/tables.csv");
const COLUMNS: &str = include_str!("../lists/columns.csv");

/// All tables in the order in which they are created and loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    pub tables: Vec<Table>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub name: String,
    /// Column names of the primary key.
    pub key: Vec<String>,
    /// Column names of each further index; none is unique.
    pub indexes: Vec<Vec<String>>,
    pub columns: Vec<Column>,
    pub meaning: String,
}

impl Table {
    /// Position of a column, in DDL order.
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|candidate| candidate.name == column)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub kind: ColumnType,
    pub meaning: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// `CHAR(n)`, padded with blanks.
    Char(u32),
    /// `VARCHAR(n)`, n in characters.
    Varchar(u32),
    Integer,
    Decimal {
        precision: u32,
        scale: u32,
    },
    /// Date and time without zone: Japanese wall clock.
    DateTime,
}

impl ColumnType {
    fn parse(text: &str) -> anyhow::Result<Self> {
        let (word, size) = match text.split_once('(') {
            Some((word, size)) => (word, size.strip_suffix(')').context("no closing bracket")?),
            None => (text, ""),
        };
        Ok(match word {
            "char" => ColumnType::Char(size.parse()?),
            "varchar" => ColumnType::Varchar(size.parse()?),
            "integer" => ColumnType::Integer,
            "decimal" => {
                let (precision, scale) = size.split_once(',').context("decimal needs p,s")?;
                ColumnType::Decimal { precision: precision.parse()?, scale: scale.parse()? }
            }
            "datetime" => ColumnType::DateTime,
            _ => bail!("unknown column type {text}"),
        })
    }

    /// The spelling of `schema.yaml`: `char(n)`, `varchar(n)`, `integer`, `decimal`, `datetime`.
    pub fn yaml(self) -> String {
        match self {
            ColumnType::Char(length) => format!("char({length})"),
            ColumnType::Varchar(length) => format!("varchar({length})"),
            ColumnType::Integer => "integer".to_owned(),
            ColumnType::Decimal { .. } => "decimal".to_owned(),
            ColumnType::DateTime => "datetime".to_owned(),
        }
    }
}

#[derive(Deserialize)]
struct TableLine {
    table: String,
    key: String,
    indexes: String,
    meaning: String,
}

#[derive(Deserialize)]
struct ColumnLine {
    table: String,
    column: String,
    #[serde(rename = "type")]
    kind: String,
    meaning: String,
}

/// Reads the schema; an error means that the lists in this package contradict themselves.
pub fn schema() -> anyhow::Result<Schema> {
    let mut tables = Vec::new();
    for line in csv::Reader::from_reader(TABLES.as_bytes()).deserialize() {
        let line: TableLine = line.context("lists/tables.csv")?;
        tables.push(Table {
            name: line.table,
            key: words(&line.key),
            indexes: line.indexes.split('|').map(words).filter(|index| !index.is_empty()).collect(),
            columns: Vec::new(),
            meaning: line.meaning,
        });
    }
    for line in csv::Reader::from_reader(COLUMNS.as_bytes()).deserialize() {
        let line: ColumnLine = line.context("lists/columns.csv")?;
        let table = tables
            .iter_mut()
            .find(|table| table.name == line.table)
            .with_context(|| format!("column {} of unknown table {}", line.column, line.table))?;
        let kind = ColumnType::parse(&line.kind).with_context(|| line.column.clone())?;
        table.columns.push(Column { name: line.column, kind, meaning: line.meaning });
    }
    for table in &tables {
        for column in table.key.iter().chain(table.indexes.iter().flatten()) {
            if table.position(column).is_none() {
                bail!("key or index names {column}, which {} does not have", table.name);
            }
        }
    }
    Ok(Schema { tables })
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// The recorded source schema of a rule set: keys, column types and indexes of every table.
pub fn schema_yaml() -> anyhow::Result<String> {
    let mut text = String::from("# みなと総合病院: written by `genkan-demo-hospital schema`\n");
    for table in schema()?.tables {
        let columns: Vec<_> =
            table.columns.iter().map(|c| format!("    {}: {}\n", c.name, c.kind.yaml())).collect();
        let indexes: Vec<_> = table.indexes.iter().map(|i| format!("[{}]", i.join(", "))).collect();
        text += &format!("{}: # {}\n", table.name, table.meaning);
        text += &format!("  key: [{}]\n  columns:\n{}", table.key.join(", "), columns.concat());
        text += &format!("  indexes: [{}]\n", indexes.join(", "));
    }
    Ok(text)
}

/// The tables for a reader, as Markdown (the second half of `SCHEMA.md`).
pub fn schema_markdown() -> anyhow::Result<String> {
    let mut text = String::new();
    for table in schema()?.tables {
        text +=
            &format!("\n### {}\n\n{}. Key: {}.", table.name, table.meaning, table.key.join(", "));
        if !table.indexes.is_empty() {
            let indexes: Vec<_> = table.indexes.iter().map(|i| i.join(" + ")).collect();
            text += &format!(" Indexes: {}.", indexes.join("; "));
        }
        text += "\n\n| column | type | meaning |\n|---|---|---|\n";
        for column in &table.columns {
            text += &format!("| {} | {} | {} |\n", column.name, column.kind.yaml(), column.meaning);
        }
    }
    Ok(text)
}
