//! [`SqlAdapter`]: the plug's methods over a pool of sessions and a remembered catalog.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::TryStreamExt;
use genkan_adapter::{
    Adapter, AdapterError, Capabilities, ChangeFeed, ChangePage, ChangeRequest, ErrorCategory,
    Excess, Health, Load, RowQuery, RowStream, SourceSchema, SourceServer, Statement,
};
use sea_orm::DatabaseConnection;
use sea_orm::sqlx::{MySql, Postgres, Sqlite, pool::PoolConnection};

use crate::catalog::{Catalog, Dialect};
use crate::charset::Charset;
use crate::config::{SqlConfig, redact};
use crate::connect;
use crate::driver::{Driver, Reading};
use crate::failure::Failure;
use crate::file::File;
use crate::knowledge::Knowledge;
use crate::rights;
use crate::server;
use crate::session::{Session, Sessions};
use crate::statement::plan;

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
    /// That the account may run, though they run with the rights of others.
    functions_allowed: Vec<String>,
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
    bytes_max: u64,
    connect_timeout: Duration,
    /// How long a table counts as the one that was read.
    catalog_check: Duration,
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
mod reading;

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
        let statement_timeout = Duration::from_millis(config.statement_timeout_ms);
        let most_time = statement_timeout + PATIENCE;
        let backend = match dialect {
            Dialect::Sqlite => Backend::Sqlite(Sessions::new(
                pool.get_sqlite_connection_pool().clone(),
                most,
                wait,
                most_time,
            )),
            Dialect::Postgres => Backend::Postgres(Sessions::new(
                pool.get_postgres_connection_pool().clone(),
                most,
                wait,
                most_time,
            )),
            Dialect::Mysql => Backend::Mysql(Sessions::new(
                pool.get_mysql_connection_pool().clone(),
                most,
                wait,
                most_time,
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
                statement_timeout,
                rows_max: config.rows_max,
                bytes_max: config.bytes_max,
                connect_timeout: wait,
                catalog_check: Duration::from_secs(config.catalog_check_secs),
            },
            text_encoding: config.text_encoding,
            functions_allowed: config.functions_allowed.clone(),
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
        Ok(self.knowledge.remember(catalog))
    }

    /// Runs one of the adapter's own small readings, and keeps no session open for it.
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
            match self.attempt(sessions, &mut session, reading).await {
                Ok(value) => {
                    session.finish().await;
                    drop(session);
                    sessions.close_own();
                    return Ok(value);
                }
                Err(failure) if session.is_stale(&failure) && attempts > 0 => session.lose(),
                Err(failure) => {
                    session.end(&failure).await;
                    return Err(self.classify(failure));
                }
            }
        }
    }

    async fn attempt<DB: Driver, T>(
        &self,
        sessions: &Sessions<DB>,
        session: &mut Session<DB>,
        reading: for<'c> fn(&Sessions<DB>, &'c mut DB::Connection) -> Reading<'c, T>,
    ) -> Result<T, Failure> {
        self.begin(session).await?;
        let patience = self.limits.statement_timeout + PATIENCE;
        match tokio::time::timeout(patience, reading(sessions, session.start()?)).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(self.silent()),
        }
    }

    async fn borrow<DB: Driver>(
        &self,
        sessions: &Sessions<DB>,
    ) -> Result<Session<DB>, AdapterError> {
        sessions.borrow().await.map_err(|failure| self.classify(failure))
    }

    async fn begin<DB: Driver>(&self, session: &mut Session<DB>) -> Result<(), Failure> {
        let begun = tokio::time::timeout(self.limits.connect_timeout + PATIENCE, session.begin());
        begun.await.unwrap_or_else(|_| Err(self.silent()))
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

    async fn excess(&self) -> Result<Vec<Excess>, AdapterError> {
        let rights = with_sessions!(self, sessions => self.read(sessions, Sessions::rights).await)?;
        let mut excess = rights::excess(rights, &self.functions_allowed);
        if let Some(file) = &self.file {
            excess.extend(rights::sqlite::of_file(file.path()));
        }
        Ok(excess)
    }

    async fn server(&self) -> Result<SourceServer, AdapterError> {
        with_sessions!(self, sessions => self.read(sessions, server::of).await)
    }

    fn load(&self) -> Option<Load> {
        Some(with_sessions!(self, sessions => sessions.load()))
    }
}
