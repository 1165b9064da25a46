//! The governor (負荷の制御): how much of a source's time bulk work gets. Everybody else goes first.
//!
//! Each statement of bulk work takes a turn. A turn waits until the share of the time before it is
//! spent, until one of the few connections for bulk work is free, and until the others leave the
//! source a connection. What the governor knows is of this process: with several of them in front of
//! one source, each has its own share.

mod pace;
mod windows;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, FixedOffset, Utc};
use genkan_adapter_sql::SqlConfig;
use genkan_mapping::Text;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use pace::Pace;
use windows::Windows;

/// Of one source.
#[derive(Debug)]
pub struct Governor {
    pace: Mutex<Pace>,
    connections: Semaphore,
    windows: Windows,
    zone: FixedOffset,
    /// Connections of the source for all work.
    connections_max: usize,
    /// Statements of requests that are no bulk work.
    others: AtomicUsize,
    /// Bulk statements at work.
    own: AtomicUsize,
    left: Notify,
    origin: Instant,
}

/// A statement of bulk work; what it spent counts when it is dropped.
pub struct Turn<'a> {
    governor: &'a Governor,
    began: Duration,
    _connection: Option<SemaphorePermit<'a>>,
}

/// A statement of a request that does not wait.
pub struct First<'a>(&'a Governor);

impl Default for Governor {
    /// Of a source without a section: it always gets all of its time.
    fn default() -> Self {
        Governor {
            pace: Mutex::new(Pace::new(100)),
            connections: Semaphore::new(1),
            windows: Windows::default(),
            zone: chrono::Offset::fix(&Utc),
            connections_max: usize::MAX,
            others: AtomicUsize::new(0),
            own: AtomicUsize::new(0),
            left: Notify::new(),
            origin: Instant::now(),
        }
    }
}

impl Governor {
    /// As the section of a source has it. The windows are of this clock.
    ///
    /// # Errors
    /// What is wrong with the section, for a person.
    pub fn new(source: &SqlConfig, zone: FixedOffset) -> Result<Self, Text> {
        if !(1..=100).contains(&source.bulk_share_percent) {
            return Err(Text::new(
                "bulk_share_percent has to be 1 … 100",
                "bulk_share_percent は 1〜100 です",
            ));
        }
        if !(1..=source.connections_max).contains(&source.bulk_connections_max) {
            return Err(Text::new(
                "bulk_connections_max has to be 1 … connections_max",
                "bulk_connections_max は 1〜connections_max です",
            ));
        }
        Ok(Governor {
            pace: Mutex::new(Pace::new(source.bulk_share_percent)),
            connections: Semaphore::new(source.bulk_connections_max as usize),
            windows: Windows::parse(&source.bulk_windows)?,
            zone,
            connections_max: source.connections_max as usize,
            ..Governor::default()
        })
    }

    /// How long it is until bulk work may begin; `None` if it may now.
    pub fn opens_in(&self, now: DateTime<Utc>) -> Option<Duration> {
        self.windows.opens_in(now.with_timezone(&self.zone).time())
    }

    /// Notes a statement that does not wait.
    pub fn first(&self) -> First<'_> {
        self.others.fetch_add(1, Ordering::SeqCst);
        First(self)
    }

    /// Waits for a statement of bulk work to be due.
    pub async fn turn(&self) -> Turn<'_> {
        // The semaphore is never closed; if it were, the pace would still hold.
        let connection = self.connections.acquire().await.ok();
        loop {
            let wait = self.pace().wait(self.origin.elapsed());
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
                continue;
            }
            // Whoever leaves after this is heard.
            let left = self.left.notified();
            self.own.fetch_add(1, Ordering::SeqCst);
            let taken = self.own.load(Ordering::SeqCst) + self.others.load(Ordering::SeqCst);
            if taken <= self.connections_max {
                let began = self.origin.elapsed();
                return Turn { governor: self, began, _connection: connection };
            }
            self.own.fetch_sub(1, Ordering::SeqCst);
            left.await;
        }
    }

    fn pace(&self) -> std::sync::MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let governor = self.governor;
        governor.pace().spend(self.began, governor.origin.elapsed());
        governor.own.fetch_sub(1, Ordering::SeqCst);
        governor.left.notify_waiters();
    }
}

impl Drop for First<'_> {
    fn drop(&mut self) {
        self.0.others.fetch_sub(1, Ordering::SeqCst);
        self.0.left.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    fn governor(change: impl FnOnce(&mut SqlConfig)) -> Result<Governor, Text> {
        let mut config = SqlConfig::new("sqlite::memory:");
        change(&mut config);
        let zone = FixedOffset::east_opt(9 * 3600).expect("an offset");
        Governor::new(&config, zone)
    }

    #[test]
    fn a_section_that_means_nothing_is_refused() {
        for (share, connections, window, accepted) in [
            (1, 1, "22:00-06:00", true),
            (100, 4, "00:00-24:00", true),
            (0, 1, "22:00-06:00", false),
            (101, 1, "22:00-06:00", false),
            (20, 0, "22:00-06:00", false),
            (20, 5, "22:00-06:00", false),
            (20, 1, "22:00", false),
        ] {
            let made = governor(|config| {
                config.bulk_share_percent = share;
                config.bulk_connections_max = connections;
                config.bulk_windows = vec![window.to_owned()];
            });
            assert_eq!(made.is_ok(), accepted, "{share} {connections} {window}: {made:?}");
        }
    }

    #[test]
    fn windows_are_of_the_hospitals_clock() {
        let governor = governor(|config| config.bulk_windows = vec!["22:00-06:00".to_owned()]);
        let governor = governor.expect("a governor");
        let at = |text: &str| governor.opens_in(text.parse().expect("an instant"));
        // 21:30 and 22:30 in Japan.
        assert_eq!(at("2026-04-01T12:30:00Z"), Some(Duration::from_secs(30 * 60)));
        assert_eq!(at("2026-04-01T13:30:00Z"), None);
    }

    #[tokio::test]
    async fn bulk_work_waits_while_others_have_every_connection() {
        let governor = governor(|config| {
            config.connections_max = 2;
            config.bulk_share_percent = 100;
        });
        let governor = governor.expect("a governor");
        let one = governor.first();
        let two = governor.first();
        let mut turn = Box::pin(governor.turn());
        assert!(turn.as_mut().now_or_never().is_none(), "both connections are taken");
        drop(one);
        let turn = turn.await;
        drop(two);
        // One connection for bulk work, whatever is free.
        assert!(governor.turn().now_or_never().is_none());
        drop(turn);
        assert!(governor.turn().now_or_never().is_some());
    }

    #[tokio::test]
    async fn what_a_statement_spent_is_paid_for_also_if_nobody_waits_for_its_rows() {
        let governor = governor(|config| config.bulk_share_percent = 1).expect("a governor");
        let turn = governor.turn().await;
        tokio::time::sleep(Duration::from_millis(2)).await;
        drop(turn);
        let wait = governor.pace().wait(governor.origin.elapsed());
        assert!(wait > Duration::from_millis(100), "{wait:?}");
        assert!(governor.turn().now_or_never().is_none());
    }
}
