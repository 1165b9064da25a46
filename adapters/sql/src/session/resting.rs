//! Sessions that nobody uses: their transaction is ended, so that it holds nothing against changes of
//! the hospital's tables and its people do not find sessions that are "idle in transaction"; and after
//! a while they are closed.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

use super::{FRESH, IDLE_MAX, MOMENT, Session, Shared, is_old, lock};
use crate::driver::Driver;

/// Between two rounds.
const ROUND: Duration = FRESH;

/// One at a time for each source; it ends when there is nothing left to look after.
struct Attendant<DB: Driver> {
    shared: Weak<Shared<DB>>,
    done: bool,
}

impl<DB: Driver> Drop for Attendant<DB> {
    fn drop(&mut self) {
        // The runtime of its thread is ending; another thread's will look after them.
        if let Some(shared) = self.shared.upgrade().filter(|_| !self.done) {
            lock(&shared.kept).attended = false;
        }
    }
}

/// To be called when a session has come back and nobody attends.
pub(super) fn attend<DB: Driver>(shared: &Arc<Shared<DB>>) {
    if DB::TRANSACTION.is_none() {
        return;
    }
    let Ok(runtime) = Handle::try_current() else { return };
    if !std::mem::replace(&mut lock(&shared.kept).attended, true) {
        let attendant = Attendant { shared: Arc::downgrade(shared), done: false };
        runtime.spawn(rounds(attendant));
    }
}

async fn rounds<DB: Driver>(mut attendant: Attendant<DB>) {
    loop {
        sleep(ROUND).await;
        let Some(shared) = attendant.shared.upgrade() else { return };
        while let Some(mut session) = resting(&shared) {
            if timeout(MOMENT, session.end_transaction()).await.is_err() {
                session.discard();
            }
        }
        let mut kept = lock(&shared.kept);
        kept.close(|idle| idle.since.elapsed() >= IDLE_MAX);
        if kept.idle.is_empty() {
            kept.attended = false;
            attendant.done = true;
            return;
        }
    }
}

/// A session with a transaction that is old; none while all connections are at work.
fn resting<DB: Driver>(shared: &Arc<Shared<DB>>) -> Option<Session<DB>> {
    let permit = Arc::clone(&shared.permits).try_acquire_owned().ok()?;
    let mut kept = lock(&shared.kept);
    let rests = |idle: &super::Idle<DB>| idle.line.transaction.is_some_and(is_old);
    let place = kept.idle.iter().position(rests)?;
    let line = kept.idle.remove(place).line;
    let generation = kept.generation;
    drop(kept);
    Some(Session::new(shared, permit, Some(line), generation))
}
