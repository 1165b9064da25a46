//! One query: its rows as they come, its limits, and what another attempt mends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_stream::try_stream;
use futures::TryStreamExt;
use genkan_adapter::{AdapterError, ErrorCategory, Limit, Row, RowQuery, RowStream, Value};
use sea_orm::sqlx::{Column as _, Row as _, TypeInfo as _};
use tokio::time::timeout_at;

use super::{PATIENCE, SqlAdapter, is_mismatch};
use crate::catalog::Catalog;
use crate::driver::{Driver, Rows};
use crate::estimate;
use crate::failure::Failure;
use crate::repertoire::Repertoire;
use crate::session::{Session, Sessions};
use crate::statement::{Cells, Plan, Wanted, plan};
use crate::ties::Ties;

/// What one query goes by, until the source says that it is no longer so.
struct Known {
    catalog: Arc<Catalog>,
    repertoire: Arc<Repertoire>,
    /// Statements that may still be begun.
    attempts: u32,
    /// The catalog was read because a column did not fit: another look would find the same.
    looked: bool,
}

/// How far the answer to one statement has come.
struct Course {
    rows: u64,
    bytes: u64,
    /// When the server was last heard of.
    heard: Instant,
    /// The wall clock's end of the statement, whatever the server does about its own limit.
    deadline: Instant,
}

impl Course {
    fn begin(timeout: Duration) -> Self {
        let now = Instant::now();
        Course { rows: 0, bytes: 0, heard: now, deadline: now + timeout + PATIENCE }
    }
}

impl SqlAdapter {
    /// No more than the source may deliver, and one, which shows that there are more.
    pub(super) fn rows_wanted(&self, query: &RowQuery) -> Wanted {
        let most = self.limits.rows_max.saturating_add(1);
        Wanted::Rows(query.limit.unwrap_or(most).min(most))
    }

    pub(super) fn stream<'a, DB: Driver>(
        &'a self,
        sessions: &'a Sessions<DB>,
        query: &'a RowQuery,
        wanted: Wanted,
    ) -> RowStream<'a> {
        Box::pin(try_stream! {
            let limit = wanted.limit();
            self.look_at_file();
            let mut known = self.known(sessions).await?;
            while let Some(plan) = self.planned(&mut known, query, wanted).await? {
                let mut session = self.borrow(sessions).await?;
                let mut course = Course::begin(self.limits.statement_timeout);
                session.watch(self.limits.statement_timeout);
                // The last row waits until the server has ended the statement: a caller that takes
                // it and goes leaves a clean session behind.
                let (last, failure) = if let Err(failure) = self.ready(&mut session, &known, &plan).await {
                    (None, Some(failure))
                } else {
                    let connection =
                        session.start().map_err(|failure| self.classify(failure))?;
                    let rows = DB::rows(connection, &plan);
                    let mut rows = rows.map_err(|error| self.classify(error.into()))?;
                    let mut last = None;
                    let mut before = None;
                    loop {
                        match self.next::<DB>(&mut rows, &mut course).await {
                            Ok(Some(row)) => {
                                let first = course.rows == 0 && !known.looked;
                                if first && !fits::<DB>(&row, &plan) {
                                    break (None, Some(Failure::OtherType));
                                }
                                plan.ties.see::<DB>(&row, &plan, query, &mut before)?;
                                let row = decoded::<DB>(&row, &plan, &self.source)?;
                                if let Err(failure) = self.admit(&mut course, &row) {
                                    break (None, Some(failure.into()));
                                }
                                if course.rows < limit {
                                    yield row;
                                } else {
                                    last = Some(row);
                                }
                            }
                            Ok(None) => break (last, None),
                            Err(failure) => break (None, Some(failure)),
                        }
                    }
                };
                match failure {
                    Some(failure) if course.rows == 0 => {
                        self.recover(sessions, session, query, &mut known, failure).await?;
                    }
                    Some(failure) => {
                        session.end(&failure).await;
                        Err(self.classify(failure))?;
                    }
                    None => {
                        session.finish().await;
                        drop(session);
                        if let Some(row) = last {
                            yield row;
                        }
                        break;
                    }
                }
            }
        })
    }

    async fn known<DB: Driver>(&self, sessions: &Sessions<DB>) -> Result<Known, AdapterError> {
        Ok(Known {
            catalog: self.catalog().await?,
            repertoire: self.knowledge.repertoire(),
            attempts: sessions.connections_max() + 1,
            looked: false,
        })
    }

    /// In its transaction, and over tables that are what the plan was made for.
    async fn ready<DB: Driver>(
        &self,
        session: &mut Session<DB>,
        known: &Known,
        plan: &Plan,
    ) -> Result<(), Failure> {
        self.begin(session).await?;
        if !DB::COMPARES_ANYTHING || known.looked {
            return Ok(());
        }
        for table in &plan.tables {
            let now = Instant::now();
            if self.knowledge.is_checked(table, self.limits.catalog_check) {
                continue;
            }
            let declared = DB::declared(session.start()?, table);
            let patience = self.limits.statement_timeout + PATIENCE;
            let declared = tokio::time::timeout(patience, declared).await;
            if *known.catalog.declared(table) != *declared.map_err(|_| self.silent())?? {
                return Err(Failure::OtherType);
            }
            self.knowledge.checked(table, now);
        }
        Ok(())
    }

    /// The next row, if it comes in time.
    async fn next<DB: Driver>(
        &self,
        rows: &mut Rows<'_, DB>,
        course: &mut Course,
    ) -> Result<Option<DB::Row>, Failure> {
        match timeout_at(course.deadline.into(), rows.try_next()).await {
            Ok(row) => {
                course.heard = Instant::now();
                Ok(row?)
            }
            // A server that was heard of all the time is there, and does not keep its limit.
            Err(_) if course.heard.elapsed() < PATIENCE => Err(self.too_long().into()),
            Err(_) => Err(self.silent()),
        }
    }

    /// One row more, if it may be.
    fn admit(&self, course: &mut Course, row: &Row) -> Result<(), AdapterError> {
        course.rows += 1;
        course.bytes += row.values().iter().map(size).sum::<u64>();
        if course.rows > self.limits.rows_max {
            return Err(self.too_many("rows", self.limits.rows_max, "rows_max"));
        }
        if course.bytes > self.limits.bytes_max {
            return Err(self.too_many("bytes", self.limits.bytes_max, "bytes_max"));
        }
        Ok(())
    }

    fn too_many(&self, what: &str, most: u64, key: &str) -> AdapterError {
        let source = &self.source;
        let message =
            format!("{source}: more than {most} {what}; narrow the search or raise `{key}`");
        AdapterError::new(ErrorCategory::LimitExceeded, message).with_limit(Limit::Size)
    }

    fn too_long(&self) -> AdapterError {
        let message = format!(
            "{}: the rows of a statement took longer than `statement_timeout_ms`; narrow the search \
             or raise it",
            self.source
        );
        AdapterError::new(ErrorCategory::LimitExceeded, message).with_limit(Limit::Time)
    }

    async fn planned(
        &self,
        known: &mut Known,
        query: &RowQuery,
        wanted: Wanted,
    ) -> Result<Option<Plan>, AdapterError> {
        let planned = plan(self.dialect(), &known.catalog, &known.repertoire, query, wanted);
        if planned.as_ref().is_err_and(is_mismatch) && self.knowledge.forget_if_old() {
            // Tables may have come back, or grown, since the catalog was read.
            known.catalog = self.catalog().await?;
            return plan(self.dialect(), &known.catalog, &known.repertoire, query, wanted);
        }
        planned
    }

    /// Makes ready for another attempt after a failure before the first row; passes on what another
    /// attempt would not mend.
    async fn recover<DB: Driver>(
        &self,
        sessions: &Sessions<DB>,
        mut session: Session<DB>,
        query: &RowQuery,
        known: &mut Known,
        failure: Failure,
    ) -> Result<(), AdapterError> {
        known.attempts = known.attempts.saturating_sub(1);
        let again = known.attempts > 0;
        if again && session.is_stale(&failure) {
            session.lose();
        } else if again && failure.is_outdated_statement() {
            // What else the session keeps prepared may be as old.
            session.discard();
            drop(session);
            self.knowledge.forget();
            known.catalog = self.catalog().await?;
            known.looked = true;
        } else if failure.is_untranslatable() {
            session.end(&failure).await;
            drop(session);
            known.repertoire = self.learn(sessions, query, &known.repertoire, failure).await?;
        } else {
            session.end(&failure).await;
            return Err(self.classify(failure));
        }
        Ok(())
    }

    /// The repertoire without the characters of this query that the server has just refused.
    async fn learn<DB: Driver>(
        &self,
        sessions: &Sessions<DB>,
        query: &RowQuery,
        known: &Arc<Repertoire>,
        failure: Failure,
    ) -> Result<Arc<Repertoire>, AdapterError> {
        let refused = self.probe(sessions, known.suspects(query)).await?;
        if refused.is_empty() {
            return Err(self.classify(failure));
        }
        let mut wiser = Repertoire::clone(known);
        wiser.refused.extend(refused);
        Ok(self.knowledge.keep(wiser))
    }

    /// Asks the server which of these characters it cannot express; halves the text each time.
    async fn probe<DB: Driver>(
        &self,
        sessions: &Sessions<DB>,
        suspects: Vec<char>,
    ) -> Result<Vec<char>, AdapterError> {
        let mut refused = Vec::new();
        let mut open = vec![suspects];
        while let Some(mut characters) = open.pop() {
            let text: String = characters.iter().collect();
            if text.is_empty() || self.is_expressible(sessions, text).await? {
                continue;
            }
            match characters.as_slice() {
                [only] => refused.push(*only),
                _ => {
                    open.push(characters.split_off(characters.len() / 2));
                    open.push(characters);
                }
            }
        }
        Ok(refused)
    }

    async fn is_expressible<DB: Driver>(
        &self,
        sessions: &Sessions<DB>,
        text: String,
    ) -> Result<bool, AdapterError> {
        let probe = Plan {
            sql: "SELECT CAST($1 AS text)".to_owned(),
            values: vec![text.into()],
            cells: Cells::InOrder(Vec::new()),
            ties: Ties::default(),
            tables: Vec::new(),
        };
        let mut session = self.borrow(sessions).await?;
        self.begin(&mut session).await.map_err(|failure| self.classify(failure))?;
        let connection = session.start().map_err(|failure| self.classify(failure))?;
        let answer = match DB::rows(connection, &probe) {
            Ok(rows) => rows.try_for_each(|_| async { Ok(()) }).await,
            Err(error) => Err(error),
        };
        match answer.map_err(Failure::Driver) {
            Ok(()) => {
                session.finish().await;
                Ok(true)
            }
            Err(failure) if failure.is_untranslatable() => {
                session.end(&failure).await;
                Ok(false)
            }
            Err(failure) => Err(self.classify(failure)),
        }
    }
}

/// The columns are of the types that the plan was made for.
fn fits<DB: Driver>(row: &DB::Row, plan: &Plan) -> bool {
    match &plan.cells {
        Cells::InOrder(cells) => {
            cells.iter().enumerate().all(|(index, column)| DB::fits(row, index, *column))
        }
        Cells::Named(_) => true,
    }
}

fn decoded<DB: Driver>(row: &DB::Row, plan: &Plan, source: &str) -> Result<Row, AdapterError> {
    let cells: Option<Box<[_]>> = match &plan.cells {
        Cells::InOrder(cells) => {
            let cells = cells.iter().enumerate();
            cells.map(|(index, column)| DB::cell(row, index, *column)).collect()
        }
        Cells::Named(names) => {
            let cell = |name: &&str| {
                let place = row.columns().iter().position(|column| column.name() == *name)?;
                let stored = estimate::cell(row.columns()[place].type_info().name());
                DB::cell(row, place, stored)
            };
            names.iter().map(cell).collect()
        }
    };
    cells.map(Row).ok_or_else(|| {
        let message = format!("{source}: the database answered in an unforeseen form");
        AdapterError::new(ErrorCategory::Unreadable, message)
    })
}

/// Of a cell in memory, without what it takes to keep it.
fn size(value: &Value) -> u64 {
    let bytes = match value {
        Value::Null | Value::Boolean(_) => 1,
        Value::Integer(_) | Value::Date(_) | Value::Time(_) => 8,
        Value::DateTime(_) | Value::Instant(_) => 16,
        Value::Decimal(decimal) => decimal.as_str().len(),
        Value::Text(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Unreadable(cell) => cell.bytes().len(),
    };
    bytes as u64
}
