//! What differs between the three drivers: binding, reading a row, the catalog, the session.

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use genkan_adapter::{Health, Value};
use sea_orm::sqlx::{
    self, Arguments, AssertSqlSafe, Database, Executor, MySql, Postgres, Row, Sqlite,
    error::BoxDynError,
};

use crate::catalog::{Catalog, ColumnType, Dialect};
use crate::rights::{self, Right};
use crate::session::{Sessions, Watch};
use crate::statement::Plan;
use crate::{decode, introspect};

/// Virtual machine steps of SQLite between two looks at the watch; about 100 µs.
const SQLITE_STEPS: i32 = 10_000;

pub(crate) type Rows<'c, DB> = BoxStream<'c, Result<<DB as Database>::Row, sqlx::Error>>;
pub(crate) type Reading<'c, T> = BoxFuture<'c, Result<T, sqlx::Error>>;

/// The commands of transactions that are read-only whatever the session's default is.
pub(crate) struct Transaction {
    pub begin: &'static str,
    /// Ends the one that is open and begins the next.
    pub renew: &'static str,
    pub end: &'static str,
}

pub(crate) trait Driver: Database {
    const DIALECT: Dialect;

    /// `None` for SQLite: a file that is open read-only can't be written to by any statement, each of
    /// which is a transaction of its own, so that none holds a file that was replaced.
    const TRANSACTION: Option<Transaction>;

    /// The driver can read on where a reader was dropped. MySQL's loses the head of a packet then, and
    /// could take what is in a row for an answer.
    const READS_ON: bool;

    fn command<'c>(connection: &'c mut Self::Connection, command: &'static str) -> Reading<'c, ()>;

    /// Runs a plan as a prepared statement.
    fn rows<'c>(
        connection: &'c mut Self::Connection,
        plan: &'c Plan,
    ) -> Result<Rows<'c, Self>, sqlx::Error>;

    /// The cell travels as the type that the catalog knows the column with. Nothing else could tell a
    /// number from a text of as many bytes: what [`Driver::cell`] reads then would be a wrong value.
    fn fits(row: &Self::Row, index: usize, column: ColumnType) -> bool;

    /// `None` if the driver's answer makes no sense.
    fn cell(row: &Self::Row, index: usize, column: ColumnType) -> Option<Value>;

    fn catalog(connection: &mut Self::Connection) -> Reading<'_, Catalog>;

    /// Nothing fails, and no row shows it, where a column and a value are compared that the plan took
    /// for others.
    const COMPARES_ANYTHING: bool = false;

    /// The columns of a table as [`Catalog::declared`] has them.
    fn declared<'c>(_: &'c mut Self::Connection, _table: &'c str) -> Reading<'c, String> {
        Box::pin(async { Ok(String::new()) })
    }

    fn health(connection: &mut Self::Connection) -> Reading<'_, Health>;

    /// What the account may do beyond reading.
    fn rights(connection: &mut Self::Connection) -> Reading<'_, Vec<Right>>;

    /// Before the first statement of a connection, and after one that nobody waited for. What the
    /// server calls the session.
    fn prepare<'c>(connection: &'c mut Self::Connection, watch: &Watch)
    -> Reading<'c, Option<i64>>;

    /// Tells the server, from another session of the same account, to end the statement of a session;
    /// and the session, if its connection is `lost`.
    fn stop(connection: &mut Self::Connection, id: i64, lost: bool) -> Reading<'_, ()>;

    /// The server still has this session.
    fn is_there(connection: &mut Self::Connection, id: i64) -> Reading<'_, bool>;
}

/// Only the kinds of values that plans contain.
fn bind<A: Arguments>(values: &[sea_query::Value]) -> Result<A, sqlx::Error>
where
    for<'v> &'v str: sqlx::Encode<'v, A::Database> + sqlx::Type<A::Database>,
    for<'v> &'v [u8]: sqlx::Encode<'v, A::Database> + sqlx::Type<A::Database>,
    i64: for<'v> sqlx::Encode<'v, A::Database> + sqlx::Type<A::Database>,
    f64: for<'v> sqlx::Encode<'v, A::Database> + sqlx::Type<A::Database>,
{
    let mut arguments = A::default();
    for value in values {
        let added: Result<(), BoxDynError> = match value {
            sea_query::Value::String(Some(text)) => arguments.add(text.as_str()),
            sea_query::Value::BigInt(Some(number)) => arguments.add(*number),
            sea_query::Value::BigUnsigned(Some(number)) => {
                arguments.add(i64::try_from(*number).unwrap_or(i64::MAX))
            }
            sea_query::Value::Double(Some(number)) => arguments.add(*number),
            sea_query::Value::Bytes(Some(bytes)) => arguments.add(bytes.as_slice()),
            _ => Err("a value of an unforeseen type".into()),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

fn run<'c, DB, A>(
    connection: &'c mut DB::Connection,
    plan: &'c Plan,
) -> Result<Rows<'c, DB>, sqlx::Error>
where
    DB: Database<Arguments = A>,
    A: Arguments<Database = DB> + sqlx::IntoArguments<DB> + 'c,
    &'c mut DB::Connection: sqlx::Executor<'c, Database = DB>,
    for<'v> &'v str: sqlx::Encode<'v, DB> + sqlx::Type<DB>,
    for<'v> &'v [u8]: sqlx::Encode<'v, DB> + sqlx::Type<DB>,
    i64: for<'v> sqlx::Encode<'v, DB> + sqlx::Type<DB>,
    f64: for<'v> sqlx::Encode<'v, DB> + sqlx::Type<DB>,
{
    let arguments: A = bind(&plan.values)?;
    // The text comes from sea-query: names are quoted, values are parameters.
    Ok(sqlx::query_with(AssertSqlSafe(plan.sql.as_str()), arguments).fetch(connection))
}

fn execute<'c, DB>(connection: &'c mut DB::Connection, command: &'static str) -> Reading<'c, ()>
where
    DB: Database,
    &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    Box::pin(async move { connection.execute(command).await.map(|_| ()) })
}

impl Driver for Sqlite {
    const DIALECT: Dialect = Dialect::Sqlite;
    const TRANSACTION: Option<Transaction> = None;
    const READS_ON: bool = true;

    fn command<'c>(connection: &'c mut Self::Connection, command: &'static str) -> Reading<'c, ()> {
        execute::<Sqlite>(connection, command)
    }

    fn rows<'c>(
        connection: &'c mut Self::Connection,
        plan: &'c Plan,
    ) -> Result<Rows<'c, Self>, sqlx::Error> {
        run::<Sqlite, _>(connection, plan)
    }

    /// Each value says its own.
    fn fits(_: &Self::Row, _: usize, _: ColumnType) -> bool {
        true
    }

    fn cell(row: &Self::Row, index: usize, column: ColumnType) -> Option<Value> {
        decode::sqlite::cell(row, index, column)
    }

    fn catalog(connection: &mut Self::Connection) -> Reading<'_, Catalog> {
        Box::pin(introspect::sqlite::read(connection))
    }

    fn health(connection: &mut Self::Connection) -> Reading<'_, Health> {
        Box::pin(async move {
            let version: String =
                sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&mut *connection).await?;
            let read_only: i64 =
                sqlx::query_scalar("PRAGMA query_only").fetch_one(&mut *connection).await?;
            Ok(Health { product: format!("SQLite {version}"), read_only: read_only == 1 })
        })
    }

    /// There is no account; the file's rights are looked at from outside.
    fn rights(_: &mut Self::Connection) -> Reading<'_, Vec<Right>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn prepare<'c>(
        connection: &'c mut Self::Connection,
        watch: &Watch,
    ) -> Reading<'c, Option<i64>> {
        let watch = watch.clone();
        Box::pin(async move {
            // Waits until a statement that was told to stop has stopped.
            let mut handle = connection.lock_handle().await?;
            handle.set_progress_handler(SQLITE_STEPS, move || !watch.is_over());
            Ok(None)
        })
    }

    /// Its watch has done so.
    fn stop(_: &mut Self::Connection, _: i64, _: bool) -> Reading<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn is_there(_: &mut Self::Connection, _: i64) -> Reading<'_, bool> {
        Box::pin(async { Ok(false) })
    }
}

impl Driver for Postgres {
    const DIALECT: Dialect = Dialect::Postgres;

    const TRANSACTION: Option<Transaction> = Some(Transaction {
        begin: "BEGIN ISOLATION LEVEL READ COMMITTED, READ ONLY",
        renew: "COMMIT; BEGIN ISOLATION LEVEL READ COMMITTED, READ ONLY",
        end: "COMMIT",
    });
    const READS_ON: bool = true;

    fn command<'c>(connection: &'c mut Self::Connection, command: &'static str) -> Reading<'c, ()> {
        execute::<Postgres>(connection, command)
    }

    fn rows<'c>(
        connection: &'c mut Self::Connection,
        plan: &'c Plan,
    ) -> Result<Rows<'c, Self>, sqlx::Error> {
        run::<Postgres, _>(connection, plan)
    }

    fn fits(row: &Self::Row, index: usize, column: ColumnType) -> bool {
        decode::postgres::fits(row, index, column)
    }

    fn cell(row: &Self::Row, index: usize, column: ColumnType) -> Option<Value> {
        decode::postgres::cell(row, index, column)
    }

    fn catalog(connection: &mut Self::Connection) -> Reading<'_, Catalog> {
        Box::pin(introspect::postgres::read(connection))
    }

    fn health(connection: &mut Self::Connection) -> Reading<'_, Health> {
        Box::pin(async move {
            let row = sqlx::query(
                "SELECT current_setting('server_version'), \
                        current_setting('transaction_read_only')",
            )
            .fetch_one(&mut *connection)
            .await?;
            let (version, read_only): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            Ok(Health { product: format!("PostgreSQL {version}"), read_only: read_only == "on" })
        })
    }

    fn rights(connection: &mut Self::Connection) -> Reading<'_, Vec<Right>> {
        Box::pin(rights::postgres::read(connection))
    }

    fn prepare<'c>(connection: &'c mut Self::Connection, _: &Watch) -> Reading<'c, Option<i64>> {
        let own = "SELECT pg_catalog.pg_backend_pid()::int8";
        Box::pin(async move { sqlx::query_scalar(own).fetch_one(connection).await.map(Some) })
    }

    fn stop(connection: &mut Self::Connection, id: i64, lost: bool) -> Reading<'_, ()> {
        let stop = match lost {
            true => "SELECT pg_catalog.pg_terminate_backend($1::int4)",
            false => "SELECT pg_catalog.pg_cancel_backend($1::int4)",
        };
        let stop = sqlx::query(stop).bind(i32::try_from(id).unwrap_or_default());
        Box::pin(async move { stop.execute(connection).await.map(|_| ()) })
    }

    fn is_there(connection: &mut Self::Connection, id: i64) -> Reading<'_, bool> {
        let look = "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_stat_activity WHERE pid = $1::int4)";
        let look = sqlx::query_scalar(look).bind(i32::try_from(id).unwrap_or_default());
        Box::pin(async move { look.fetch_one(connection).await })
    }
}

impl Driver for MySql {
    const DIALECT: Dialect = Dialect::Mysql;

    /// The isolation level is the session's: a server whose default is SERIALIZABLE would let every
    /// reader lock what it reads.
    const TRANSACTION: Option<Transaction> = Some(Transaction {
        begin: "START TRANSACTION READ ONLY",
        // To start one ends the one before.
        renew: "START TRANSACTION READ ONLY",
        end: "COMMIT",
    });
    const READS_ON: bool = false;

    fn command<'c>(connection: &'c mut Self::Connection, command: &'static str) -> Reading<'c, ()> {
        execute::<MySql>(connection, command)
    }

    fn rows<'c>(
        connection: &'c mut Self::Connection,
        plan: &'c Plan,
    ) -> Result<Rows<'c, Self>, sqlx::Error> {
        run::<MySql, _>(connection, plan)
    }

    fn fits(row: &Self::Row, index: usize, column: ColumnType) -> bool {
        decode::mysql::fits(row, index, column)
    }

    fn cell(row: &Self::Row, index: usize, column: ColumnType) -> Option<Value> {
        decode::mysql::cell(row, index, column)
    }

    fn catalog(connection: &mut Self::Connection) -> Reading<'_, Catalog> {
        Box::pin(introspect::mysql::read(connection))
    }

    const COMPARES_ANYTHING: bool = true;

    fn declared<'c>(connection: &'c mut Self::Connection, table: &'c str) -> Reading<'c, String> {
        Box::pin(introspect::mysql::declared(connection, table))
    }

    fn health(connection: &mut Self::Connection) -> Reading<'_, Health> {
        Box::pin(async move {
            let version: String =
                sqlx::query_scalar("SELECT VERSION()").fetch_one(&mut *connection).await?;
            // MariaDB and MySQL have called it by both names.
            let row = sqlx::query(
                "SHOW SESSION VARIABLES WHERE Variable_name IN \
                 ('tx_read_only', 'transaction_read_only')",
            )
            .fetch_one(&mut *connection)
            .await?;
            let product = if version.contains("MariaDB") { "MariaDB" } else { "MySQL" };
            let read_only: String = row.try_get(1)?;
            Ok(Health { product: format!("{product} {version}"), read_only: read_only == "ON" })
        })
    }

    fn rights(connection: &mut Self::Connection) -> Reading<'_, Vec<Right>> {
        Box::pin(rights::mysql::read(connection))
    }

    fn prepare<'c>(connection: &'c mut Self::Connection, _: &Watch) -> Reading<'c, Option<i64>> {
        let own = "SELECT CAST(CONNECTION_ID() AS SIGNED)";
        Box::pin(async move { sqlx::query_scalar(own).fetch_one(connection).await.map(Some) })
    }

    fn stop(connection: &mut Self::Connection, id: i64, lost: bool) -> Reading<'_, ()> {
        let what = if lost { "CONNECTION" } else { "QUERY" };
        let stop = sqlx::raw_sql(AssertSqlSafe(format!("KILL {what} {id}")));
        Box::pin(async move { stop.execute(connection).await.map(|_| ()) })
    }

    fn is_there(connection: &mut Self::Connection, id: i64) -> Reading<'_, bool> {
        let look =
            "SELECT CAST(COUNT(*) AS SIGNED) FROM information_schema.PROCESSLIST WHERE ID = ?";
        let look = sqlx::query_scalar(look).bind(id);
        Box::pin(async move { look.fetch_one(connection).await.map(|found: i64| found > 0) })
    }
}

/// So that callers name the database once, by its sessions.
impl<DB: Driver> Sessions<DB> {
    pub fn dialect(&self) -> Dialect {
        DB::DIALECT
    }

    pub fn catalog<'c>(&self, connection: &'c mut DB::Connection) -> Reading<'c, Catalog> {
        DB::catalog(connection)
    }

    pub fn rights<'c>(&self, connection: &'c mut DB::Connection) -> Reading<'c, Vec<Right>> {
        DB::rights(connection)
    }

    pub fn health<'c>(&self, connection: &'c mut DB::Connection) -> Reading<'c, Health> {
        DB::health(connection)
    }
}
