//! Read-only sessions in front of the connection pool.
//!
//! The pool of the driver asks the server for a sign of life each time that a connection is given
//! back; on the read path that is one more round trip for each query. Sessions stay here instead,
//! hot, and are closed when nobody has used them for a while. This also tells "all are busy" from
//! "the server is down", which the pool does not.
//!
//! Every statement runs in a transaction that says of itself that it is read-only: what the account
//! or an earlier statement set as a default has no say. To begin and end one for each statement would
//! be two more round trips. So statements that follow each other within [`FRESH`] share one, at READ
//! COMMITTED, where each sees what is committed when it begins. Then what ends one begins the next,
//! after the last row, and nobody waits for the answer: it is there before the next statement is.
//! A transaction holds locks against changes of tables it has read (never against rows), and
//! PostgreSQL takes its beginning for the time of `now()`; hence the short time. One that rests is
//! ended by an attendant, no later than twice that time after its last statement.
//!
//! A session belongs to the thread that opened it: its socket is watched there. Another thread can
//! use it, but then every answer of the server wakes two threads instead of one. So each thread
//! takes its own sessions first, opens one while it may, and takes another thread's last.

mod ending;
mod resting;
mod watch;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use futures::future::poll_immediate;
use genkan_adapter::{AdapterError, ErrorCategory, Limit, Load};
use sea_orm::sqlx::{self, Pool, Sqlite, pool::PoolConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::driver::Driver;
use crate::failure::Failure;
use ending::{Counted, Leaving};
pub(crate) use watch::Watch;

/// A session that nobody used for this long is closed.
const IDLE_MAX: Duration = Duration::from_secs(60);
/// No statement begins in a transaction that began so long ago.
const FRESH: Duration = Duration::from_millis(100);
/// For what takes a server that is there a moment.
const MOMENT: Duration = Duration::from_secs(1);

pub(crate) struct Sessions<DB: Driver>(Arc<Shared<DB>>);

/// What sessions share with those who see them off.
struct Shared<DB: Driver> {
    pool: Pool<DB>,
    permits: Arc<Semaphore>,
    waiting: AtomicU32,
    kept: Mutex<Kept<DB>>,
    /// For a connection that is free.
    wait: Duration,
    connections_max: u32,
    /// A server has ended a statement after this long, if it ends statements at all.
    statement_max: Duration,
}

/// What is open: the sessions that wait here, and how many there are with those at work.
struct Kept<DB: Driver> {
    idle: Vec<Idle<DB>>,
    open: u32,
    /// Sessions of an earlier generation are closed instead of kept.
    generation: u64,
    /// Somebody looks after those that rest.
    attended: bool,
    /// What the server calls sessions whose connections broke, until it is told.
    lost: Vec<i64>,
}

struct Idle<DB: Driver> {
    line: Line<DB>,
    since: Instant,
}

/// A connection and what is known of its other end.
struct Line<DB: Driver> {
    connection: PoolConnection<DB>,
    watch: Watch,
    /// What the server calls it; SQLite has no server.
    id: Option<i64>,
    /// Ready for a statement. Not so a new one, and one whose last statement may still be stopping.
    prepared: bool,
    /// When the transaction that is open began.
    transaction: Option<Instant>,
    /// Where its socket is watched.
    home: ThreadId,
}

/// One borrowed session; goes back when dropped.
pub(crate) struct Session<DB: Driver> {
    line: Option<Line<DB>>,
    shared: Arc<Shared<DB>>,
    permit: Option<OwnedSemaphorePermit>,
    /// It comes from an earlier query, so the server may have closed it meanwhile.
    reused: bool,
    generation: u64,
    state: State,
    /// It sees off another session, and nobody does so for it.
    sees_off: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Clean,
    /// A statement is running or its rows are not all read.
    Busy,
    /// The connection broke; the server may not know it.
    Lost,
    /// To be closed; the server does nothing for it.
    Over,
}

impl<DB: Driver> Sessions<DB> {
    pub fn new(
        pool: Pool<DB>,
        connections_max: u32,
        wait: Duration,
        statement_max: Duration,
    ) -> Self {
        let kept =
            Kept { idle: Vec::new(), open: 0, generation: 0, attended: false, lost: Vec::new() };
        Sessions(Arc::new(Shared {
            pool,
            permits: Arc::new(Semaphore::new(connections_max as usize)),
            waiting: AtomicU32::new(0),
            kept: Mutex::new(kept),
            wait,
            connections_max,
            statement_max,
        }))
    }

    pub fn connections_max(&self) -> u32 {
        self.0.connections_max
    }

    pub fn load(&self) -> Load {
        let Shared { permits, waiting, connections_max, .. } = &*self.0;
        let free = u32::try_from(permits.available_permits()).unwrap_or(u32::MAX);
        Load {
            connections_max: *connections_max,
            connections_in_use: connections_max.saturating_sub(free),
            waiting: waiting.load(Ordering::Relaxed),
        }
    }

    pub async fn borrow(&self) -> Result<Session<DB>, Failure> {
        self.0.borrow().await
    }

    /// Closes what this thread has open and does not use: it may be one that serves no requests.
    pub fn close_own(&self) {
        let here = thread::current().id();
        lock(&self.0.kept).close(|idle| idle.line.home == here);
    }

    /// Closes what is open, and what is at work as soon as it comes back.
    pub fn renew(&self) {
        let mut kept = lock(&self.0.kept);
        kept.generation += 1;
        kept.close(|_| true);
    }
}

impl Sessions<Sqlite> {
    /// Of the database's file.
    pub fn path(&self) -> PathBuf {
        self.0.pool.connect_options().get_filename().to_owned()
    }
}

impl<DB: Driver> Shared<DB> {
    async fn borrow(self: &Arc<Self>) -> Result<Session<DB>, Failure> {
        let permit = {
            let _waiting = Waiting::in_line(&self.waiting);
            tokio::time::timeout(self.wait, Arc::clone(&self.permits).acquire_owned())
                .await
                .map_err(|_| self.exhausted())?
                .map_err(|_| sqlx::Error::PoolClosed)?
        };
        let here = thread::current().id();
        let (hot, generation) = {
            let mut kept = lock(&self.kept);
            (kept.take(here, self.connections_max), kept.generation)
        };
        let mut session = Session::new(self, permit, hot, generation);
        if session.line.is_none() {
            session.line = Some(Line {
                connection: self.pool.acquire().await.map_err(Failure::of_connecting)?,
                watch: Watch::default(),
                id: None,
                prepared: false,
                transaction: None,
                home: here,
            });
        }
        Ok(session)
    }

    fn exhausted(&self) -> AdapterError {
        let message = format!(
            "all {} connections to the source are in use; raise `connections_max` or send fewer \
             requests at a time",
            self.connections_max
        );
        AdapterError::new(ErrorCategory::Busy, message).with_limit(Limit::Connections)
    }
}

impl<DB: Driver> Kept<DB> {
    fn close(&mut self, which: impl Fn(&Idle<DB>) -> bool) {
        let before = self.idle.len();
        for mut idle in self.idle.extract_if(.., |idle| which(idle)) {
            idle.line.connection.close_on_drop();
        }
        self.open -= (before - self.idle.len()) as u32;
    }

    /// A hot session; `None` if a new one is to be opened, which is counted from now on. Of other
    /// threads' sessions the one that was not used for the longest time.
    fn take(&mut self, here: ThreadId, most: u32) -> Option<Line<DB>> {
        self.close(|idle| idle.since.elapsed() >= IDLE_MAX);
        if let Some(own) = self.idle.iter().rposition(|idle| idle.line.home == here) {
            return Some(self.idle.remove(own).line);
        }
        if self.open >= most && !self.idle.is_empty() {
            return Some(self.idle.remove(0).line);
        }
        self.open += 1;
        None
    }
}

impl<DB: Driver> Session<DB> {
    fn new(
        shared: &Arc<Shared<DB>>,
        permit: OwnedSemaphorePermit,
        line: Option<Line<DB>>,
        generation: u64,
    ) -> Self {
        Session {
            reused: line.is_some(),
            line,
            shared: Arc::clone(shared),
            permit: Some(permit),
            generation,
            state: State::Clean,
            sees_off: false,
        }
    }

    /// Makes ready for a statement: in a read-only transaction that began just now. Busy from now on
    /// until [`Session::finish`].
    pub async fn begin(&mut self) -> Result<(), Failure> {
        self.state = State::Busy;
        let line = self.line.as_mut().ok_or(Failure::Driver(sqlx::Error::PoolClosed))?;
        if let Some(commands) = &DB::TRANSACTION {
            let command = match line.transaction {
                None => Some(commands.begin),
                Some(since) if is_old(since) => Some(commands.renew),
                Some(_) => None,
            };
            if let Some(command) = command {
                DB::command(&mut line.connection, command).await?;
                line.transaction = Some(Instant::now());
            }
        }
        if !line.prepared {
            line.id = DB::prepare(&mut line.connection, &line.watch).await?;
            line.prepared = true;
            self.end_lost().await?;
        }
        Ok(())
    }

    /// A new connection takes the place of those that broke.
    async fn end_lost(&mut self) -> Result<(), Failure> {
        let lost = std::mem::take(&mut lock(&self.shared.kept).lost);
        let Some(line) = &mut self.line else { return Ok(()) };
        for id in lost.into_iter().filter(|id| Some(*id) != line.id) {
            ending::end_lost::<DB>(&mut line.connection, id).await?;
        }
        Ok(())
    }

    /// The connection, from now on busy until [`Session::finish`].
    pub fn start(&mut self) -> Result<&mut DB::Connection, Failure> {
        self.state = State::Busy;
        let line = self.line.as_mut().ok_or(Failure::Driver(sqlx::Error::PoolClosed))?;
        Ok(&mut line.connection)
    }

    /// From when on the statement is stopped by ourselves, where nobody else does.
    pub fn watch(&self, timeout: Duration) {
        if let Some(line) = &self.line {
            line.watch.set(timeout);
        }
    }

    /// All rows are read. A transaction that is not fresh ends and the next one begins; nobody waits
    /// for that, and if it fails, the next statement says so before it is sent.
    pub async fn finish(&mut self) {
        self.rest();
        let (Some(line), Some(commands)) = (&mut self.line, &DB::TRANSACTION) else { return };
        if !line.transaction.is_some_and(is_old) {
            return;
        }
        match poll_immediate(DB::command(&mut line.connection, commands.renew)).await {
            Some(Err(_)) => self.discard(),
            Some(Ok(())) | None => line.transaction = Some(Instant::now()),
        }
    }

    /// The statement failed: a server that says so is ready for the next one.
    pub async fn end(&mut self, failure: &Failure) {
        match failure {
            Failure::Driver(sqlx::Error::Database(_)) => self.recover().await,
            Failure::Driver(_) => self.lose(),
            // What stopped it is our own limit: it goes on until the session is seen off.
            Failure::Adapter(_) | Failure::OtherType => {}
        }
    }

    /// Out of the failed transaction and into the next one, if the server is still there.
    async fn recover(&mut self) {
        self.rest();
        let (Some(line), Some(commands)) = (&mut self.line, &DB::TRANSACTION) else { return };
        // A transaction that could not begin is none to be ended.
        let Some(since) = &mut line.transaction else { return self.discard() };
        let renewal = DB::command(&mut line.connection, commands.renew);
        match tokio::time::timeout(MOMENT, renewal).await {
            Ok(Ok(())) => *since = Instant::now(),
            Ok(Err(_)) | Err(_) => self.discard(),
        }
    }

    /// Nobody needs it for now.
    async fn end_transaction(&mut self) {
        self.state = State::Busy;
        let (Some(line), Some(commands)) = (&mut self.line, &DB::TRANSACTION) else { return };
        match DB::command(&mut line.connection, commands.end).await {
            Ok(()) => {
                line.transaction = None;
                self.rest();
            }
            Err(_) => self.discard(),
        }
    }

    fn rest(&mut self) {
        self.state = State::Clean;
        if let Some(line) = &self.line {
            line.watch.rest();
        }
    }

    /// The connection was closed since its last use, which says nothing of the server now.
    pub fn is_stale(&self, failure: &Failure) -> bool {
        self.reused && failure.is_broken_connection()
    }

    /// It is of no use any more.
    pub fn lose(&mut self) {
        self.state = State::Lost;
    }

    /// To be closed; the server does nothing for it.
    pub fn discard(&mut self) {
        self.state = State::Over;
    }
}

impl<DB: Driver> Drop for Session<DB> {
    fn drop(&mut self) {
        let mut kept = lock(&self.shared.kept);
        let Some(mut line) = self.line.take() else {
            kept.open -= 1;
            return;
        };
        let has_server = DB::TRANSACTION.is_some();
        let current = self.generation == kept.generation;
        match (self.state, self.permit.take()) {
            (State::Clean, _) if current => kept.idle.push(Idle { line, since: Instant::now() }),
            (State::Busy, _) if current && !has_server => {
                line.watch.stop();
                line.prepared = false;
                kept.idle.push(Idle { line, since: Instant::now() });
            }
            (State::Busy, Some(permit)) if has_server && !self.sees_off => {
                drop(kept);
                let counted =
                    Counted { shared: Arc::clone(&self.shared), _permit: permit, kept: false };
                ending::see_off(Leaving { line, counted });
                return;
            }
            (state @ (State::Clean | State::Busy | State::Lost | State::Over), _) => {
                if let (State::Lost, Some(id)) = (state, line.id) {
                    kept.lost.push(id);
                }
                line.connection.close_on_drop();
                kept.open -= 1;
            }
        }
        let attended = kept.attended || kept.idle.is_empty();
        drop(kept);
        if !attended {
            resting::attend(&self.shared);
        }
    }
}

fn is_old(since: Instant) -> bool {
    since.elapsed() >= FRESH
}

/// Counts one who waits, also if the wait is given up.
struct Waiting<'a>(&'a AtomicU32);

impl<'a> Waiting<'a> {
    fn in_line(count: &'a AtomicU32) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Waiting(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
