//! Read-only sessions in front of the connection pool.
//!
//! The pool of the driver asks the server for a sign of life each time that a connection is given
//! back; on the read path that is one more round trip for each query. Sessions stay here instead,
//! hot, and go back to the pool only when nobody has used them for a while. It also tells "all are
//! busy" from "the server is down", which the pool does not.
//!
//! A session belongs to the thread that opened it: its socket is watched there. Another thread can
//! use it, but then every answer of the server wakes two threads instead of one. So each thread
//! takes its own sessions first, opens one while it may, and takes another thread's last.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use genkan_adapter::{AdapterError, ErrorCategory, Load};
use sea_orm::sqlx::{self, Database, Pool, Sqlite, pool::PoolConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::failure::Failure;

/// A session that nobody used for this long is given back to the pool, which tests it first.
const IDLE_MAX: Duration = Duration::from_secs(30);

pub(crate) struct Sessions<DB: Database> {
    pool: Pool<DB>,
    permits: Arc<Semaphore>,
    waiting: AtomicU32,
    kept: Arc<Mutex<Kept<DB>>>,
    wait: Duration,
    connections_max: u32,
    /// Early drop leaves unread rows in the connection: closing it is cheaper than reading them.
    close_unfinished: bool,
}

/// What is open: the sessions that wait here, and how many there are with those at work.
struct Kept<DB: Database> {
    idle: Vec<Idle<DB>>,
    open: u32,
    /// Sessions of an earlier generation are closed instead of kept.
    generation: u64,
    /// The driver's pool must not keep what is of a file: it would outlive the file.
    closes_idle: bool,
}

struct Idle<DB: Database> {
    connection: PoolConnection<DB>,
    watch: Watch,
    since: Instant,
    prepared: bool,
    /// Where its socket is watched.
    home: ThreadId,
}

/// One borrowed session; goes back when dropped.
pub(crate) struct Session<DB: Database> {
    connection: Option<PoolConnection<DB>>,
    kept: Arc<Mutex<Kept<DB>>>,
    _permit: OwnedSemaphorePermit,
    pub watch: Watch,
    /// It comes from an earlier query, so the server may have closed it meanwhile.
    reused: bool,
    /// Ready for a statement. Not so a new one, and one whose last statement may still be stopping.
    pub prepared: bool,
    home: ThreadId,
    generation: u64,
    close_unfinished: bool,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Clean,
    /// A statement is running or its rows are not all read.
    Busy,
    Broken,
}

impl<DB: Database> Sessions<DB> {
    pub fn new(
        pool: Pool<DB>,
        connections_max: u32,
        wait: Duration,
        close_unfinished: bool,
    ) -> Self {
        Sessions {
            pool,
            permits: Arc::new(Semaphore::new(connections_max as usize)),
            waiting: AtomicU32::new(0),
            kept: Arc::new(Mutex::new(Kept {
                idle: Vec::new(),
                open: 0,
                generation: 0,
                closes_idle: !close_unfinished,
            })),
            wait,
            connections_max,
            close_unfinished,
        }
    }

    pub fn connections_max(&self) -> u32 {
        self.connections_max
    }

    pub fn load(&self) -> Load {
        let free = u32::try_from(self.permits.available_permits()).unwrap_or(u32::MAX);
        Load {
            connections_max: self.connections_max,
            connections_in_use: self.connections_max.saturating_sub(free),
            waiting: self.waiting.load(Ordering::Relaxed),
        }
    }

    pub async fn borrow(&self) -> Result<Session<DB>, Failure> {
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
        let (connection, watch, reused, prepared, home) = match hot {
            Some(idle) => (Some(idle.connection), idle.watch, true, idle.prepared, idle.home),
            None => (None, Watch::default(), false, false, here),
        };
        let mut session = Session {
            connection,
            kept: Arc::clone(&self.kept),
            _permit: permit,
            watch,
            reused,
            prepared,
            home,
            generation,
            close_unfinished: self.close_unfinished,
            state: State::Clean,
        };
        if session.connection.is_none() {
            session.connection = Some(self.pool.acquire().await?);
        }
        Ok(session)
    }

    /// Closes what this thread has open and does not use: it may be one that serves no requests.
    pub fn close_own(&self) {
        let here = thread::current().id();
        lock(&self.kept).close(|idle| idle.home == here);
    }

    /// Closes what is open, and what is at work as soon as it comes back.
    pub fn renew(&self) {
        let mut kept = lock(&self.kept);
        kept.generation += 1;
        kept.close(|_| true);
    }

    fn exhausted(&self) -> AdapterError {
        let message = format!(
            "all {} connections to the source are in use; raise `connections_max` or send fewer \
             requests at a time",
            self.connections_max
        );
        AdapterError::new(ErrorCategory::Busy, message)
    }
}

impl Sessions<Sqlite> {
    /// Of the database's file.
    pub fn path(&self) -> PathBuf {
        self.pool.connect_options().get_filename().to_owned()
    }
}

impl<DB: Database> Kept<DB> {
    fn close(&mut self, which: impl Fn(&Idle<DB>) -> bool) {
        let before = self.idle.len();
        for mut idle in self.idle.extract_if(.., |idle| which(idle)) {
            idle.connection.close_on_drop();
        }
        self.open -= (before - self.idle.len()) as u32;
    }

    /// A hot session; `None` if a new one is to be opened, which is counted from now on. Of other
    /// threads' sessions the one that was not used for the longest time.
    fn take(&mut self, here: ThreadId, most: u32) -> Option<Idle<DB>> {
        if self.closes_idle {
            self.close(|idle| idle.since.elapsed() >= IDLE_MAX);
        }
        let before = self.idle.len();
        self.idle.retain(|idle| idle.since.elapsed() < IDLE_MAX);
        self.open -= (before - self.idle.len()) as u32;
        if let Some(own) = self.idle.iter().rposition(|idle| idle.home == here) {
            return Some(self.idle.remove(own));
        }
        if self.open >= most && !self.idle.is_empty() {
            return Some(self.idle.remove(0));
        }
        self.open += 1;
        None
    }
}

impl<DB: Database> Session<DB> {
    /// The connection, from now on busy until [`Session::finish`].
    pub fn start(&mut self) -> Result<&mut PoolConnection<DB>, Failure> {
        self.state = State::Busy;
        self.connection.as_mut().ok_or(Failure::Driver(sqlx::Error::PoolClosed))
    }

    /// All rows are read, or the server ended the statement.
    pub fn finish(&mut self) {
        self.state = State::Clean;
        self.watch.rest();
    }

    /// The connection was closed since its last use, which says nothing of the server now.
    pub fn is_stale(&self, failure: &Failure) -> bool {
        self.reused && failure.is_broken_connection()
    }

    /// The statement failed: a server that says so is ready for the next one.
    pub fn end(&mut self, failure: &Failure) {
        match failure {
            Failure::Driver(sqlx::Error::Database(_)) => self.finish(),
            Failure::Driver(_) => self.discard(),
            Failure::Adapter(_) => {}
        }
    }

    pub fn discard(&mut self) {
        self.state = State::Broken;
    }
}

impl<DB: Database> Drop for Session<DB> {
    fn drop(&mut self) {
        let mut kept = lock(&self.kept);
        let close = match self.state {
            _ if self.generation != kept.generation => true,
            State::Clean => false,
            State::Busy => self.close_unfinished,
            State::Broken => true,
        };
        let connection = match self.connection.take() {
            Some(mut connection) if close => {
                connection.close_on_drop();
                None
            }
            connection => connection,
        };
        let Some(connection) = connection else {
            kept.open -= 1;
            return;
        };
        if self.state == State::Busy {
            self.watch.stop();
        }
        let prepared = self.prepared && self.state == State::Clean;
        let (watch, since, home) = (self.watch.clone(), Instant::now(), self.home);
        kept.idle.push(Idle { connection, watch, since, prepared, home });
    }
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

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The deadline of the statement that runs on a session, in milliseconds of a shared clock; for
/// SQLite, which knows no statement timeout and asks this from inside its loop.
#[derive(Clone)]
pub(crate) struct Watch {
    origin: Instant,
    deadline_ms: Arc<AtomicU64>,
}

impl Default for Watch {
    fn default() -> Self {
        Watch { origin: Instant::now(), deadline_ms: Arc::new(AtomicU64::new(u64::MAX)) }
    }
}

impl Watch {
    pub fn set(&self, timeout: Duration) {
        let deadline = (self.origin.elapsed() + timeout).as_millis();
        self.deadline_ms.store(u64::try_from(deadline).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub fn rest(&self) {
        self.deadline_ms.store(u64::MAX, Ordering::Relaxed);
    }

    /// The running statement ends at its next look at the watch.
    pub fn stop(&self) {
        self.deadline_ms.store(0, Ordering::Relaxed);
    }

    pub fn is_over(&self) -> bool {
        let deadline = self.deadline_ms.load(Ordering::Relaxed);
        deadline != u64::MAX && self.origin.elapsed().as_millis() >= u128::from(deadline)
    }
}
