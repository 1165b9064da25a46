//! The DDL of the three databases: the same names, the same lengths, text compared by bytes.

use super::{Column, ColumnType, Table};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
    MariaDb,
}

impl Dialect {
    /// A quoted identifier; names come from `lists/` and hold no quotes.
    pub fn quote(self, name: &str) -> String {
        match self {
            Dialect::Sqlite | Dialect::Postgres => format!("\"{name}\""),
            Dialect::MariaDb => format!("`{name}`"),
        }
    }

    pub fn quote_all(self, names: &[String]) -> String {
        let quoted: Vec<_> = names.iter().map(|name| self.quote(name)).collect();
        quoted.join(", ")
    }

    fn column_type(self, kind: ColumnType) -> String {
        let collation = match (self, kind) {
            (Dialect::Sqlite, ColumnType::Char(_)) => " COLLATE RTRIM",
            (Dialect::Postgres, ColumnType::Char(_) | ColumnType::Varchar(_)) => " COLLATE \"C\"",
            _ => "",
        };
        let name = match (self, kind) {
            (_, ColumnType::Char(length)) => format!("char({length})"),
            (_, ColumnType::Varchar(length)) => format!("varchar({length})"),
            (_, ColumnType::Integer) => "integer".to_owned(),
            (_, ColumnType::Decimal { precision, scale }) => {
                format!("decimal({precision},{scale})")
            }
            (Dialect::Postgres, ColumnType::DateTime) => "timestamp".to_owned(),
            (_, ColumnType::DateTime) => "datetime".to_owned(),
        };
        format!("{name}{collation}")
    }

    fn column(self, table: &Table, column: &Column) -> String {
        let null = if table.key.contains(&column.name) { " NOT NULL" } else { "" };
        format!("{} {}{null}", self.quote(&column.name), self.column_type(column.kind))
    }

    /// `CREATE TABLE`; PostgreSQL gets its key after loading, the others hold rows in key order.
    pub fn create_table(self, table: &Table) -> String {
        let mut lines: Vec<_> = table.columns.iter().map(|c| self.column(table, c)).collect();
        if self != Dialect::Postgres {
            lines.push(format!("PRIMARY KEY ({})", self.quote_all(&table.key)));
        }
        let options = match self {
            Dialect::MariaDb => " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin",
            _ => "",
        };
        format!("CREATE TABLE {} ({}){options}", self.quote(&table.name), lines.join(", "))
    }

    /// What is created once the rows are in: key (PostgreSQL), indexes, statistics.
    pub fn after_loading(self, table: &Table) -> Vec<String> {
        let name = self.quote(&table.name);
        let mut statements = Vec::new();
        if self == Dialect::Postgres {
            let key = self.quote_all(&table.key);
            statements.push(format!("ALTER TABLE {name} ADD PRIMARY KEY ({key})"));
        }
        for (turn, index) in table.indexes.iter().enumerate() {
            let index_name = self.quote(&format!("IX_{}_{}", table.name, turn + 1));
            let columns = self.quote_all(index);
            statements.push(format!("CREATE INDEX {index_name} ON {name} ({columns})"));
        }
        statements.push(match self {
            Dialect::Sqlite | Dialect::Postgres => format!("ANALYZE {name}"),
            Dialect::MariaDb => format!("ANALYZE TABLE {name}"),
        });
        statements
    }

    /// All columns of a table as text, for reading a hospital back.
    pub fn select_as_text(self, table: &Table) -> String {
        let kind = if self == Dialect::MariaDb { "char" } else { "text" };
        let column = |c: &Column| format!("CAST({} AS {kind})", self.quote(&c.name));
        let columns: Vec<_> = table.columns.iter().map(column).collect();
        format!("SELECT {} FROM {}", columns.join(", "), self.quote(&table.name))
    }
}
