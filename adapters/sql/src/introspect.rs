//! Reads the database's own catalog. One module for each family, because no two of them agree on
//! what a catalog is; information_schema knows neither views' keys nor PostgreSQL's padding.

pub(crate) mod mysql;
pub(crate) mod postgres;
pub(crate) mod sqlite;

use genkan_adapter::ColumnKind;

use crate::catalog::{ColumnType, Storage};
use crate::wire::Wire;

pub(crate) const fn column(kind: ColumnKind, storage: Storage, nullable: bool) -> ColumnType {
    ColumnType {
        kind,
        storage,
        nullable,
        exact: true,
        collation: 0,
        key: false,
        indexed: false,
        narrow: None,
        wire: Wire::Unicode,
        changed: false,
    }
}
