//! [`SqlAdapter`]: the plug's methods over a pool of sessions and a remembered catalog.

use std::sync::Arc;
use std::time::Duration;

use async_stream::try_stream;
use async_trait::async_trait;
use futures::TryStreamExt;
use genkan_adapter::{
    Adapter, AdapterError, Capabilities, ChangeFeed, ChangePage, ChangeRequest, ErrorCategory,
    Health, Row, RowQuery, RowStream, SourceSchema, Statement,
};
use sea_orm::DatabaseConnection;
use sea_orm::sqlx::{
    Column, MySql, Postgres, Row as _, Sqlite, TypeInfo as _, pool::PoolConnection,
};

use crate::catalog::{Catalog, Dialect};
use crate::charset::Charset;
use crate::config::{SqlConfig, redact};
use crate::connect;
use crate::driver::{Driver, Reading};
use crate::estimate;
use crate::failure::Failure;
use crate::file::File;
use crate::knowledge::Knowledge;
use crate::repertoire::Repertoire;
use crate::session::{Session, Sessions};
use crate::statement::{Cells, Plan, Wanted, plan};

/// The server ends a statement at its time limit; a server that does not is left after this long.
const PATIENCE: Duration = Duration::from_secs(2);

/// One SQL database, read only.
pub struct SqlAdapter {
    backend: Backend,
    knowledge: Knowledge,
    /// SQLite's.
    file: Option<File>,
    /// One reader of the catalog at a time; the others wait for what it found.
    reading: tokio::sync::Mutex<()>,
    /// The redacted URL, for messages.
    source: String,
    limits: Limits,
    /// Of text of which the source does not say it.
    text_encoding: Option<Charset>,
    _pool: DatabaseConnection,
    /// Holds a database in memory alive.
    pub(crate) keeper: Option<PoolConnection<Sqlite>>,
}

/// What one query goes by, until the source says that it is no longer so.
struct Known {
    catalog: Arc<Catalog>,
    repertoire: Arc<Repertoire>,
    /// Statements that may still be begun.
    attempts: u32,
}

enum Backend {
    Sqlite(Sessions<Sqlite>),
    Postgres(Sessions<Postgres>),
    Mysql(Sessions<MySql>),
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    statement_timeout: Duration,
    rows_max: u64,
}

/// Calls a generic function with the sessions of whichever database this is.
macro_rules! with_sessions {
    ($adapter:expr, $sessions:ident => $call:expr) => {
        match &$adapter.backend {
            Backend::Sqlite($sessions) => $call,
            Backend::Postgres($sessions) => $call,
            Backend::Mysql($sessions) => $call,
        }
    };
}

mod count;
mod explain;
mod learn;

impl SqlAdapter {
    /// Connects, and reads the catalog, so that a wrong password or a missing file shows at once.
    pub async fn connect(config: &SqlConfig) -> Result<Self, AdapterError> {
        let adapter = Self::open(config).await?;
        adapter.schema().await?;
        Ok(adapter)
    }

    /// Like [`SqlAdapter::connect`], but connects when it is first asked: a server that is down now
    /// may be up later.
    pub async fn open(config: &SqlConfig) -> Result<Self, AdapterError> {
        let url = config.resolve_url()?;
        let dialect = connect::dialect(&url)?;
        let pool = connect::open(config, &url, dialect).await?;
        Ok(Self::over(pool, dialect, config, redact(&url)))
    }

    pub(crate) fn over(
        pool: DatabaseConnection,
        dialect: Dialect,
        config: &SqlConfig,
        source: String,
    ) -> Self {
        let wait = Duration::from_millis(config.connect_timeout_ms);
        let most = config.connections_max.max(1);
        let backend = match dialect {
            Dialect::Sqlite => Backend::Sqlite(Sessions::new(
                pool.get_sqlite_connection_pool().clone(),
                most,
                wait,
                false,
            )),
            Dialect::Postgres => Backend::Postgres(Sessions::new(
                pool.get_postgres_connection_pool().clone(),
                most,
                wait,
                true,
            )),
            Dialect::Mysql => Backend::Mysql(Sessions::new(
                pool.get_mysql_connection_pool().clone(),
                most,
                wait,
                true,
            )),
        };
        let file = match &backend {
            Backend::Sqlite(sessions) => Some(File::new(&sessions.path())),
            Backend::Postgres(_) | Backend::Mysql(_) => None,
        };
        SqlAdapter {
            backend,
            file,
            knowledge: Knowledge::default(),
            reading: tokio::sync::Mutex::new(()),
            source,
            limits: Limits {
                statement_timeout: Duration::from_millis(config.statement_timeout_ms),
                rows_max: config.rows_max,
            },
            text_encoding: config.text_encoding,
            _pool: pool,
            keeper: None,
        }
    }

    fn dialect(&self) -> Dialect {
        with_sessions!(self, sessions => sessions.dialect())
    }

    /// Lets go of a file that another one has taken the place of.
    fn look_at_file(&self) {
        if self.file.as_ref().is_some_and(File::is_replaced) {
            with_sessions!(self, sessions => sessions.renew());
            self.knowledge.forget();
        }
    }

    async fn catalog(&self) -> Result<Arc<Catalog>, AdapterError> {
        if let Some(catalog) = self.knowledge.catalog() {
            return Ok(catalog);
        }
        let _turn = self.reading.lock().await;
        match self.knowledge.catalog() {
            Some(catalog) => Ok(catalog),
            None => self.read_catalog().await,
        }
    }

    async fn read_catalog(&self) -> Result<Arc<Catalog>, AdapterError> {
        let mut catalog =
            with_sessions!(self, sessions => self.read(sessions, Sessions::catalog).await)?;
        catalog.declare(self.text_encoding)?;
        let catalog = self.knowledge.remember(catalog);
        with_sessions!(self, sessions => sessions.close_own());
        Ok(catalog)
    }

    /// Runs one of the adapter's own small readings.
    async fn read<DB: Driver, T>(
        &self,
        sessions: &Sessions<DB>,
        reading: for<'c> fn(&Sessions<DB>, &'c mut DB::Connection) -> Reading<'c, T>,
    ) -> Result<T, AdapterError> {
        self.look_at_file();
        let mut attempts = sessions.connections_max() + 1;
        loop {
            attempts -= 1;
            let mut session = self.borrow(sessions).await?;
            let connection = session.start().map_err(|failure| self.classify(failure))?;
            let patience = self.limits.statement_timeout + PATIENCE;
            let result =
                match tokio::time::timeout(patience, reading(sessions, &mut **connection)).await {
                    Ok(result) => result.map_err(Failure::Driver),
                    Err(_) => Err(self.silent()),
                };
            match result {
                Ok(value) => {
                    session.finish();
                    return Ok(value);
                }
                Err(failure) if session.is_stale(&failure) && attempts > 0 => session.discard(),
                Err(failure) => {
                    session.discard();
                    return Err(self.classify(failure));
                }
            }
        }
    }

    async fn borrow<DB: Driver>(
        &self,
        sessions: &Sessions<DB>,
    ) -> Result<Session<DB>, AdapterError> {
        let mut session = sessions.borrow().await.map_err(|failure| self.classify(failure))?;
        if !session.prepared {
            let watch = session.watch.clone();
            let connection = session.start().map_err(|failure| self.classify(failure))?;
            let prepared = DB::prepare(&mut **connection, &watch).await;
            prepared.map_err(|error| self.classify(error.into()))?;
            session.prepared = true;
            session.finish();
        }
        Ok(session)
    }

    fn classify(&self, failure: Failure) -> AdapterError {
        let error = failure.classify(&self.source);
        if is_mismatch(&error) {
            // Tables changed under us: look again before the next query.
            self.knowledge.forget();
        }
        error
    }

    fn silent(&self) -> Failure {
        let message = format!("{}: no answer within the time limit of a statement", self.source);
        AdapterError::new(ErrorCategory::Unreachable, message).into()
    }

    fn too_many_rows(&self) -> AdapterError {
        let message = format!(
            "{}: more than {} rows; narrow the search or raise `rows_max`",
            self.source, self.limits.rows_max
        );
        AdapterError::new(ErrorCategory::LimitExceeded, message)
    }

    /// No more than the source may deliver, and one, which shows that there are more.
    fn rows_wanted(&self, query: &RowQuery) -> Wanted {
        let most = self.limits.rows_max.saturating_add(1);
        Wanted::Rows(query.limit.unwrap_or(most).min(most))
    }

    fn stream<'a, DB: Driver>(
        &'a self,
        sessions: &'a Sessions<DB>,
        query: &'a RowQuery,
        wanted: Wanted,
    ) -> RowStream<'a> {
        Box::pin(try_stream! {
            let most = self.limits.rows_max.saturating_add(1);
            let limit = wanted.limit();
            self.look_at_file();
            let mut known = Known {
                catalog: self.catalog().await?,
                repertoire: self.knowledge.repertoire(),
                attempts: sessions.connections_max() + 1,
            };
            while let Some(plan) = self.planned(&mut known, query, wanted).await? {
                let mut session = self.borrow(sessions).await?;
                session.watch.set(self.limits.statement_timeout);
                let mut count: u64 = 0;
                // The last row waits until the server has ended the statement: a caller that takes
                // it and goes leaves a clean session behind.
                let (last, failure) = {
                    let connection =
                        session.start().map_err(|failure| self.classify(failure))?;
                    let rows = DB::rows(&mut **connection, &plan);
                    let mut rows = rows.map_err(|error| self.classify(error.into()))?;
                    let patience = self.limits.statement_timeout + PATIENCE;
                    let mut last = None;
                    let mut before = None;
                    loop {
                        match tokio::time::timeout(patience, rows.try_next()).await {
                            Ok(Ok(Some(row))) => {
                                count += 1;
                                if count >= most {
                                    break (None, Some(self.too_many_rows().into()));
                                }
                                plan.ties.see::<DB>(&row, &plan, query, &mut before)?;
                                let row = decoded::<DB>(&row, &plan, &self.source)?;
                                if count < limit {
                                    yield row;
                                } else {
                                    last = Some(row);
                                }
                            }
                            Ok(Ok(None)) => break (last, None),
                            Ok(Err(error)) => break (None, Some(Failure::Driver(error))),
                            Err(_) => break (None, Some(self.silent())),
                        }
                    }
                };
                match failure {
                    Some(failure) if count == 0 => {
                        self.recover(sessions, session, query, &mut known, failure).await?;
                    }
                    Some(failure) => {
                        session.end(&failure);
                        Err(self.classify(failure))?;
                    }
                    None => {
                        session.finish();
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
            session.discard();
        } else if again && failure.is_outdated_statement() {
            // What else the session keeps prepared may be as old.
            session.discard();
            drop(session);
            self.knowledge.forget();
            known.catalog = self.catalog().await?;
        } else if failure.is_untranslatable() {
            session.finish();
            drop(session);
            known.repertoire = self.learn(sessions, query, &known.repertoire, failure).await?;
        } else {
            session.end(&failure);
            return Err(self.classify(failure));
        }
        Ok(())
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

fn is_mismatch(error: &AdapterError) -> bool {
    error.category == ErrorCategory::Mismatch
}

#[async_trait]
impl Adapter for SqlAdapter {
    fn capabilities(&self) -> Capabilities {
        Capabilities { exists: true, number_of_text: true, changes: ChangeFeed::Polled }
    }

    async fn schema(&self) -> Result<SourceSchema, AdapterError> {
        // What was told before counts no more.
        self.knowledge.tell(None);
        let schema = self.read_catalog().await?.schema.clone();
        self.knowledge.tell(Some(schema.clone()));
        Ok(schema)
    }

    fn rows<'a>(&'a self, query: &'a RowQuery) -> RowStream<'a> {
        let wanted = self.rows_wanted(query);
        with_sessions!(self, sessions => self.stream(sessions, query, wanted))
    }

    async fn count(&self, query: &RowQuery) -> Result<u64, AdapterError> {
        self.counted(query).await
    }

    async fn estimate(&self, query: &RowQuery) -> Result<Option<u64>, AdapterError> {
        self.expected(query).await
    }

    fn explain(&self, query: &RowQuery) -> Option<Statement> {
        let catalog = self.knowledge.catalog()?;
        let repertoire = self.knowledge.repertoire();
        let wanted = self.rows_wanted(query);
        let plan = plan(self.dialect(), &catalog, &repertoire, query, wanted).ok()??;
        let values = plan.values.iter().map(ToString::to_string).collect();
        Some(Statement { text: plan.sql, values })
    }

    async fn database_plan(&self, query: &RowQuery) -> Result<Vec<String>, AdapterError> {
        self.plan_lines(query).await
    }

    async fn changes(&self, request: &ChangeRequest) -> Result<ChangePage, AdapterError> {
        let query = request.query();
        Ok(request.page(self.rows(&query).try_collect().await?))
    }

    async fn health(&self) -> Result<Health, AdapterError> {
        with_sessions!(self, sessions => self.read(sessions, Sessions::health).await)
    }
}
