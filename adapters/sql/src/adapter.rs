//! [`SqlAdapter`]: the plug's methods over a pool of sessions and a remembered catalog.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_stream::try_stream;
use async_trait::async_trait;
use futures::TryStreamExt;
use genkan_adapter::{
    Adapter, AdapterError, Capabilities, ChangeFeed, ChangePage, ChangeRequest, ErrorCategory,
    Health, Row, RowQuery, RowStream, SourceSchema, Statement,
};
use sea_orm::DatabaseConnection;
use sea_orm::sqlx::{MySql, Postgres, Sqlite, pool::PoolConnection};

use crate::catalog::{Catalog, Dialect};
use crate::charset::Charset;
use crate::config::{SqlConfig, redact};
use crate::connect;
use crate::driver::{Driver, Reading};
use crate::failure::Failure;
use crate::repertoire::Repertoire;
use crate::session::{Session, Sessions};
use crate::statement::{Plan, plan};

/// The server ends a statement at its time limit; a server that does not is left after this long.
const PATIENCE: Duration = Duration::from_secs(2);

/// One SQL database, read only.
pub struct SqlAdapter {
    backend: Backend,
    catalog: RwLock<Option<Arc<Catalog>>>,
    /// What is known of the server's repertoire; grows less with each character that it refuses.
    repertoire: RwLock<Arc<Repertoire>>,
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

mod explain;

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
        SqlAdapter {
            backend,
            catalog: RwLock::new(None),
            repertoire: RwLock::default(),
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
        match self.backend {
            Backend::Sqlite(_) => Dialect::Sqlite,
            Backend::Postgres(_) => Dialect::Postgres,
            Backend::Mysql(_) => Dialect::Mysql,
        }
    }

    fn remembered(&self) -> Option<Arc<Catalog>> {
        self.catalog.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn remember(&self, catalog: Option<Arc<Catalog>>) {
        *self.catalog.write().unwrap_or_else(PoisonError::into_inner) = catalog;
    }

    fn repertoire(&self) -> Arc<Repertoire> {
        Arc::clone(&self.repertoire.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep(&self, repertoire: Repertoire) -> Arc<Repertoire> {
        let repertoire = Arc::new(repertoire);
        let mut kept = self.repertoire.write().unwrap_or_else(PoisonError::into_inner);
        *kept = Arc::clone(&repertoire);
        repertoire
    }

    async fn catalog(&self) -> Result<Arc<Catalog>, AdapterError> {
        if let Some(catalog) = self.remembered() {
            return Ok(catalog);
        }
        let _turn = self.reading.lock().await;
        match self.remembered() {
            Some(catalog) => Ok(catalog),
            None => self.read_catalog().await,
        }
    }

    async fn read_catalog(&self) -> Result<Arc<Catalog>, AdapterError> {
        let mut catalog =
            with_sessions!(self, sessions => self.read(sessions, Sessions::catalog).await)?;
        catalog.declare(self.text_encoding)?;
        let catalog = Arc::new(catalog);
        // A server can be replaced by one of another encoding.
        self.keep(Repertoire::default());
        self.remember(Some(Arc::clone(&catalog)));
        with_sessions!(self, sessions => sessions.close_own());
        Ok(catalog)
    }

    /// Runs one of the adapter's own small readings.
    async fn read<DB: Driver, T>(
        &self,
        sessions: &Sessions<DB>,
        reading: for<'c> fn(&Sessions<DB>, &'c mut DB::Connection) -> Reading<'c, T>,
    ) -> Result<T, AdapterError> {
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
        if error.category == ErrorCategory::Mismatch {
            // Tables changed under us: look again before the next query.
            self.remember(None);
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

    fn stream<'a, DB: Driver>(
        &'a self,
        sessions: &'a Sessions<DB>,
        query: &'a RowQuery,
    ) -> RowStream<'a> {
        Box::pin(try_stream! {
            let catalog = self.catalog().await?;
            let most = self.limits.rows_max.saturating_add(1);
            let limit = query.limit.unwrap_or(u64::MAX).min(most);
            let mut repertoire = self.repertoire();
            let mut attempts = sessions.connections_max() + 1;
            while let Some(plan) = plan(DB::DIALECT, &catalog, &repertoire, query, limit)? {
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
                    loop {
                        match tokio::time::timeout(patience, rows.try_next()).await {
                            Ok(Ok(Some(row))) => {
                                count += 1;
                                if count >= most {
                                    break (None, Some(self.too_many_rows().into()));
                                }
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
                let Some(failure) = failure else {
                    session.finish();
                    drop(session);
                    if let Some(row) = last {
                        yield row;
                    }
                    break;
                };
                attempts -= 1;
                if count == 0 && attempts > 0 && session.is_stale(&failure) {
                    session.discard();
                } else if count == 0 && failure.is_untranslatable() {
                    session.finish();
                    drop(session);
                    repertoire = self.learn(sessions, query, &repertoire, failure).await?;
                } else {
                    session.end(&failure);
                    Err(self.classify(failure))?;
                }
            }
        })
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
        Ok(self.keep(wiser))
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
            cells: Vec::new(),
        };
        let mut session = self.borrow(sessions).await?;
        let connection = session.start().map_err(|failure| self.classify(failure))?;
        let answer = match DB::rows(&mut **connection, &probe) {
            Ok(rows) => rows.try_for_each(|_| async { Ok(()) }).await,
            Err(error) => Err(error),
        };
        match answer.map_err(Failure::Driver) {
            Ok(()) => {
                session.finish();
                Ok(true)
            }
            Err(failure) if failure.is_untranslatable() => {
                session.finish();
                Ok(false)
            }
            Err(failure) => Err(self.classify(failure)),
        }
    }
}

fn decoded<DB: Driver>(row: &DB::Row, plan: &Plan, source: &str) -> Result<Row, AdapterError> {
    let cells = plan.cells.iter().enumerate();
    let cells: Option<Box<[_]>> =
        cells.map(|(index, column)| DB::cell(row, index, *column)).collect();
    cells.map(Row).ok_or_else(|| {
        let message = format!("{source}: the database answered in an unforeseen form");
        AdapterError::new(ErrorCategory::Unreadable, message)
    })
}

#[async_trait]
impl Adapter for SqlAdapter {
    fn capabilities(&self) -> Capabilities {
        Capabilities { exists: true, number_of_text: true, changes: ChangeFeed::Polled }
    }

    async fn schema(&self) -> Result<SourceSchema, AdapterError> {
        Ok(self.read_catalog().await?.schema.clone())
    }

    fn rows<'a>(&'a self, query: &'a RowQuery) -> RowStream<'a> {
        with_sessions!(self, sessions => self.stream(sessions, query))
    }

    fn explain(&self, query: &RowQuery) -> Option<Statement> {
        let catalog = self.remembered()?;
        let repertoire = self.repertoire();
        let limit = query.limit.unwrap_or_else(|| self.limits.rows_max.saturating_add(1));
        let plan = plan(self.dialect(), &catalog, &repertoire, query, limit).ok()??;
        let values = plan.values.iter().map(ToString::to_string).collect();
        Some(Statement { text: plan.sql, values })
    }

    async fn changes(&self, request: &ChangeRequest) -> Result<ChangePage, AdapterError> {
        let query = request.query();
        Ok(request.page(self.rows(&query).try_collect().await?))
    }

    async fn health(&self) -> Result<Health, AdapterError> {
        with_sessions!(self, sessions => self.read(sessions, Sessions::health).await)
    }
}
