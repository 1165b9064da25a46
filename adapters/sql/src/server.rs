//! What a database server says of itself: its encoding, how many connections it gives, its clock.

use genkan_adapter::SourceServer;
use sea_orm::sqlx::{self, Database, MySql, Postgres, Row as _, Sqlite};

use crate::driver::{Driver, Reading};
use crate::session::Sessions;

pub(crate) trait Server: Database {
    fn server(connection: &mut Self::Connection) -> Reading<'_, SourceServer>;
}

/// In the form of the adapter's other small readings.
pub(crate) fn of<'c, DB: Server + Driver>(
    _: &Sessions<DB>,
    connection: &'c mut DB::Connection,
) -> Reading<'c, SourceServer> {
    DB::server(connection)
}

impl Server for Sqlite {
    fn server(connection: &mut Self::Connection) -> Reading<'_, SourceServer> {
        Box::pin(async move {
            let encoding = sqlx::query_scalar("PRAGMA encoding").fetch_one(connection).await?;
            Ok(SourceServer { encoding: Some(encoding), ..SourceServer::default() })
        })
    }
}

impl Server for Postgres {
    fn server(connection: &mut Self::Connection) -> Reading<'_, SourceServer> {
        Box::pin(async move {
            // -1 is no limit; what is kept for administrators is not for this account.
            let row = sqlx::query(
                "SELECT current_setting('server_encoding'), \
                   current_setting('max_connections')::bigint \
                     - current_setting('superuser_reserved_connections')::bigint, \
                   (SELECT rolconnlimit::bigint FROM pg_roles WHERE rolname = current_user), \
                   (SELECT datconnlimit::bigint FROM pg_database \
                     WHERE datname = current_database()), \
                   (extract(epoch FROM clock_timestamp()) * 1000)::bigint",
            )
            .fetch_one(connection)
            .await?;
            let limits: [Option<i64>; 3] = [row.try_get(1)?, row.try_get(2)?, row.try_get(3)?];
            Ok(SourceServer {
                encoding: Some(row.try_get(0)?),
                connections_max: least(limits.into_iter().flatten().filter(|limit| *limit >= 0)),
                unix_time_ms: Some(row.try_get(4)?),
            })
        })
    }
}

impl Server for MySql {
    fn server(connection: &mut Self::Connection) -> Reading<'_, SourceServer> {
        Box::pin(async move {
            // 0 is no limit of the account's own.
            let row = sqlx::query(
                "SELECT CAST(@@character_set_database AS CHAR), \
                   CAST(@@max_connections AS SIGNED), CAST(@@max_user_connections AS SIGNED), \
                   CAST(UNIX_TIMESTAMP(SYSDATE(3)) * 1000 AS SIGNED)",
            )
            .fetch_one(connection)
            .await?;
            let limits: [i64; 2] = [row.try_get(1)?, row.try_get(2)?];
            Ok(SourceServer {
                encoding: Some(row.try_get(0)?),
                connections_max: least(limits.into_iter().filter(|limit| *limit > 0)),
                unix_time_ms: Some(row.try_get(3)?),
            })
        })
    }
}

fn least(limits: impl Iterator<Item = i64>) -> Option<u64> {
    limits.min().and_then(|limit| u64::try_from(limit).ok())
}
