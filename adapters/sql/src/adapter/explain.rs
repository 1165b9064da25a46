//! The database's own word on how it would answer a query: `EXPLAIN`, which runs nothing.

use futures::TryStreamExt;
use genkan_adapter::{AdapterError, RowQuery};
use sea_orm::sqlx::{Column, Decode, Row, Type, TypeInfo};

use super::{Backend, SqlAdapter};
use crate::catalog::Dialect;
use crate::driver::Driver;
use crate::failure::Failure;
use crate::session::Sessions;
use crate::statement::{Plan, plan};

impl SqlAdapter {
    /// The lines of the database's plan; none for a query that no row can match.
    pub(super) async fn plan_lines(&self, query: &RowQuery) -> Result<Vec<String>, AdapterError> {
        let catalog = self.catalog().await?;
        let repertoire = self.knowledge.repertoire();
        let wanted = self.rows_wanted(query);
        let Some(mut plan) = plan(self.dialect(), &catalog, &repertoire, query, wanted)? else {
            return Ok(Vec::new());
        };
        let explain = match self.dialect() {
            Dialect::Sqlite => "EXPLAIN QUERY PLAN",
            Dialect::Postgres | Dialect::Mysql => "EXPLAIN",
        };
        plan.sql = format!("{explain} {}", plan.sql);
        with_sessions!(self, sessions => self.explained(sessions, &plan).await)
    }

    async fn explained<DB: Driver>(
        &self,
        sessions: &Sessions<DB>,
        plan: &Plan,
    ) -> Result<Vec<String>, AdapterError>
    where
        for<'r> String: Decode<'r, DB> + Type<DB>,
        for<'r> i64: Decode<'r, DB> + Type<DB>,
        usize: sea_orm::sqlx::ColumnIndex<DB::Row>,
    {
        let mut session = self.borrow(sessions).await?;
        session.watch(self.limits.statement_timeout);
        self.begin(&mut session).await.map_err(|failure| self.classify(failure))?;
        let connection = session.start().map_err(|failure| self.classify(failure))?;
        let lines = match DB::rows(connection, plan) {
            Ok(rows) => rows.map_ok(|row| line::<DB>(&row)).try_collect().await,
            Err(error) => Err(error),
        };
        let lines = lines.map_err(Failure::Driver);
        match lines {
            Ok(lines) => {
                session.finish().await;
                Ok(lines)
            }
            Err(failure) => {
                session.end(&failure).await;
                Err(self.classify(failure))
            }
        }
    }
}

/// PostgreSQL writes one text, SQLite one beside numbers, MySQL a table.
fn line<DB: Driver>(row: &DB::Row) -> String
where
    for<'r> String: Decode<'r, DB> + Type<DB>,
    for<'r> i64: Decode<'r, DB> + Type<DB>,
    usize: sea_orm::sqlx::ColumnIndex<DB::Row>,
{
    let cells = row.columns().iter().enumerate().filter_map(|(index, column)| {
        let text = if column.type_info().name().contains("INT") {
            row.try_get_unchecked::<Option<i64>, _>(index).ok()??.to_string()
        } else {
            row.try_get_unchecked::<Option<String>, _>(index).ok()??
        };
        match (DB::DIALECT, column.name()) {
            (Dialect::Mysql, name) => Some(format!("{name}={text}")),
            (Dialect::Sqlite, name) => (name == "detail").then_some(text),
            (Dialect::Postgres, _) => Some(text),
        }
    });
    cells.collect::<Vec<_>>().join("  ")
}
