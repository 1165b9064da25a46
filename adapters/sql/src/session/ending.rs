//! Statements that nobody waits for any more. Closing their connection does not end them: a server
//! looks at its client only when it has something to send. So another session of ours tells the
//! server to stop, and the place of the connection stays taken until the server has let it go: the
//! cap is one of the server's, not only of ours.
//!
//! There is no further connection for this. Where all are at work for nobody, and where there is but
//! one, the statement ends at its own time limit, as it would have for somebody. Of a connection that
//! broke the server may know nothing: the next one that is opened ends its session before it does
//! anything else.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::{Either, select};
use sea_orm::sqlx::{self, Connection as _, pool::PoolConnection};
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{sleep, timeout};

use super::{Idle, Line, MOMENT, Session, Shared, lock, resting};
use crate::driver::Driver;

/// Between two looks whether it is gone.
const LOOK: Duration = Duration::from_millis(10);

/// A connection on its way out, which is counted until it is gone.
pub(super) struct Leaving<DB: Driver> {
    pub line: Line<DB>,
    pub counted: Counted<DB>,
}

pub(super) struct Counted<DB: Driver> {
    pub shared: Arc<Shared<DB>>,
    pub _permit: OwnedSemaphorePermit,
    pub kept: bool,
}

impl<DB: Driver> Counted<DB> {
    /// It can be used again.
    fn keep(mut self, line: Line<DB>) {
        self.kept = true;
        line.watch.rest();
        lock(&self.shared.kept).idle.push(Idle { line, since: Instant::now() });
        resting::attend(&self.shared);
    }
}

impl<DB: Driver> Drop for Counted<DB> {
    fn drop(&mut self) {
        if !self.kept {
            lock(&self.shared.kept).open -= 1;
        }
    }
}

/// Sees to it in the background. Without a runtime the process is ending, and so are its connections.
pub(super) fn see_off<DB: Driver>(leaving: Leaving<DB>) {
    match Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn(end(leaving))),
        Err(_) => drop(leaving),
    }
}

async fn end<DB: Driver>(leaving: Leaving<DB>) {
    let Leaving { mut line, counted } = leaving;
    let shared = &counted.shared;
    let (over, mut another) = stopped_or_over(shared, line.id, &mut line.connection).await;
    if over && DB::READS_ON && renewed(&mut line).await {
        counted.keep(line);
        return;
    }
    let _ = timeout(MOMENT, line.connection.close()).await;
    match (&mut another, line.id) {
        (Some(another), Some(id)) => drop(timeout(MOMENT, gone_for(another, id)).await),
        // Nobody can ask whether it is gone.
        (_, _) => sleep(LOOK).await,
    }
}

/// Tells the server to stop, and reads what is still under way, so that the server is not cut off in
/// the middle. Whether the statement is over, and the session by which the server was told.
async fn stopped_or_over<DB: Driver>(
    shared: &Arc<Shared<DB>>,
    id: Option<i64>,
    connection: &mut PoolConnection<DB>,
) -> (bool, Option<Session<DB>>) {
    let over = pin!(drained::<DB>(connection));
    let Some(id) = id.filter(|_| shared.connections_max > 1) else {
        return (timeout(shared.statement_max, over).await == Ok(true), None);
    };
    let told = pin!(timeout(shared.statement_max, stopped(shared, id)));
    match select(over, told).await {
        Either::Left((true, _)) => (true, None),
        Either::Left((over, told)) => (over, told.await.ok().flatten()),
        Either::Right((told, over)) => {
            let another = told.ok().flatten();
            let patience = if another.is_some() { MOMENT } else { shared.statement_max };
            (timeout(patience, over).await == Ok(true), another)
        }
    }
}

/// Out of the transaction that was stopped. A server may have been told to stop when there was nothing
/// left to do, and then it stops the next command.
async fn renewed<DB: Driver>(line: &mut Line<DB>) -> bool {
    let Some(commands) = &DB::TRANSACTION else { return true };
    for _ in 0..2 {
        let command = DB::command(&mut line.connection, commands.renew);
        if let Ok(Ok(())) = timeout(MOMENT, command).await {
            line.transaction = Some(Instant::now());
            return true;
        }
    }
    false
}

/// The session by which the server was told; `None` if there was none, or the server does not answer.
async fn stopped<DB: Driver>(shared: &Arc<Shared<DB>>, id: i64) -> Option<Session<DB>> {
    let mut another = shared.borrow().await.ok()?;
    another.sees_off = true;
    let told = timeout(MOMENT, async {
        another.begin().await.ok()?;
        DB::stop(another.start().ok()?, id, false).await.ok()
    });
    told.await.ok().flatten()?;
    another.finish().await;
    Some(another)
}

async fn gone_for<DB: Driver>(another: &mut Session<DB>, id: i64) {
    let gone = async {
        another.begin().await.ok()?;
        gone::<DB>(another.start().ok()?, id).await.ok()?;
        another.finish().await;
        Some(())
    };
    gone.await;
}

/// Waits until the server has let a session go.
async fn gone<DB: Driver>(connection: &mut DB::Connection, id: i64) -> Result<(), sqlx::Error> {
    while DB::is_there(connection, id).await? {
        sleep(LOOK).await;
        // PostgreSQL shows the same picture as long as a transaction lasts.
        if let Some(commands) = &DB::TRANSACTION {
            DB::command(connection, commands.renew).await?;
        }
    }
    Ok(())
}

/// Ends the session of a connection that broke, if the server has not noticed yet.
pub(super) async fn end_lost<DB: Driver>(
    connection: &mut DB::Connection,
    id: i64,
) -> Result<(), sqlx::Error> {
    if !DB::is_there(connection, id).await? {
        return Ok(());
    }
    match (DB::stop(connection, id, true).await, &DB::TRANSACTION) {
        // It has gone meanwhile, or is another account's by now.
        (Err(sqlx::Error::Database(_)), Some(commands)) => {
            DB::command(connection, commands.renew).await
        }
        (Err(error), _) => Err(error),
        (Ok(()), _) => {
            let _ = timeout(MOMENT, gone::<DB>(connection, id)).await;
            Ok(())
        }
    }
}

/// Reads whatever the statement still answers, to its end.
async fn drained<DB: Driver>(connection: &mut DB::Connection) -> bool {
    // The first sign of life may be the error that ended the statement.
    connection.ping().await.is_ok() || connection.ping().await.is_ok()
}
