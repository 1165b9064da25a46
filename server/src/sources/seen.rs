//! What was seen of a source while it answered requests, or when it was looked at: counts for
//! metrics, and whether it is well. Reading this asks nothing of the source.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use genkan_adapter::{AdapterError, ErrorCategory};

/// Every category with its name in metrics and reports.
pub const CATEGORIES: [(ErrorCategory, &str); 6] = [
    (ErrorCategory::Unreachable, "unreachable"),
    (ErrorCategory::Denied, "denied"),
    (ErrorCategory::Busy, "busy"),
    (ErrorCategory::LimitExceeded, "limit-exceeded"),
    (ErrorCategory::Mismatch, "mismatch"),
    (ErrorCategory::Unreadable, "unreadable"),
];

/// Whether a source can be asked at all. Others may be in its way, or a question too large for it:
/// that says nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    Well,
    Degraded(ErrorCategory),
}

/// Counts since the start, and the last of each.
#[derive(Debug)]
pub struct Seen {
    origin: Instant,
    statements: AtomicU64,
    rows: AtomicU64,
    nanoseconds: AtomicU64,
    /// Nobody waited for the answer: the client had gone, or its time was over.
    abandoned: AtomicU64,
    failures: [AtomicU64; CATEGORIES.len()],
    /// Milliseconds since the origin of the last answer, and of the last failure with the place of
    /// its category; 0 is never.
    answered: AtomicU64,
    failed: AtomicU64,
}

/// A copy of the counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub statements: u64,
    pub rows: u64,
    pub time: Duration,
    pub abandoned: u64,
    /// In the order of [`CATEGORIES`].
    pub failures: [u64; CATEGORIES.len()],
}

/// A statement at work; one that is dropped was abandoned.
pub struct Statement<'a> {
    seen: &'a Seen,
    since: Instant,
    ended: bool,
}

impl Default for Seen {
    fn default() -> Self {
        Seen {
            origin: Instant::now(),
            statements: AtomicU64::new(0),
            rows: AtomicU64::new(0),
            nanoseconds: AtomicU64::new(0),
            abandoned: AtomicU64::new(0),
            failures: Default::default(),
            answered: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        }
    }
}

impl Seen {
    pub fn begin(&self) -> Statement<'_> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        Statement { seen: self, since: Instant::now(), ended: false }
    }

    /// The answer to a look that was no statement of a request.
    pub fn looked<T>(&self, answer: Result<T, &AdapterError>) {
        self.note(answer.err().map(|error| error.category));
    }

    pub fn condition(&self) -> Condition {
        let (failed, place) = unpacked(self.failed.load(Ordering::Relaxed));
        match CATEGORIES.get(place) {
            Some((category, _)) if failed > self.answered.load(Ordering::Relaxed) => {
                Condition::Degraded(*category)
            }
            _ => Condition::Well,
        }
    }

    /// How long ago it last answered or failed; `None` if nobody has asked yet.
    pub fn last(&self) -> Option<Duration> {
        let (failed, _) = unpacked(self.failed.load(Ordering::Relaxed));
        let last = failed.max(self.answered.load(Ordering::Relaxed));
        (last > 0).then(|| self.origin.elapsed().saturating_sub(Duration::from_millis(last)))
    }

    pub fn counts(&self) -> Counts {
        let mut failures = [0; CATEGORIES.len()];
        for (copy, count) in failures.iter_mut().zip(&self.failures) {
            *copy = count.load(Ordering::Relaxed);
        }
        Counts {
            statements: self.statements.load(Ordering::Relaxed),
            rows: self.rows.load(Ordering::Relaxed),
            time: Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed)),
            abandoned: self.abandoned.load(Ordering::Relaxed),
            failures,
        }
    }

    fn note(&self, failure: Option<ErrorCategory>) {
        let now = u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (failed, _) = unpacked(self.failed.load(Ordering::Relaxed));
        // What comes now is later than what came in the same millisecond.
        let now = now.max(failed.max(self.answered.load(Ordering::Relaxed)) + 1);
        match failure {
            None => self.answered.store(now, Ordering::Relaxed),
            Some(ErrorCategory::Busy | ErrorCategory::LimitExceeded) => {}
            Some(category) => self.failed.store(packed(now, place(category)), Ordering::Relaxed),
        }
    }
}

impl Statement<'_> {
    /// All its rows are here, or it failed. Returns how long it took.
    pub fn end(mut self, answer: Result<usize, &AdapterError>) -> Duration {
        self.ended = true;
        match answer {
            Ok(rows) => {
                self.seen.rows.fetch_add(rows as u64, Ordering::Relaxed);
                self.seen.note(None);
            }
            Err(error) => {
                self.seen.failures[place(error.category)].fetch_add(1, Ordering::Relaxed);
                self.seen.note(Some(error.category));
            }
        }
        self.spend()
    }

    fn spend(&self) -> Duration {
        let time = self.since.elapsed();
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.seen.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
        time
    }
}

impl Drop for Statement<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.seen.abandoned.fetch_add(1, Ordering::Relaxed);
            self.spend();
        }
    }
}

fn place(category: ErrorCategory) -> usize {
    CATEGORIES.iter().position(|(known, _)| *known == category).unwrap_or_default()
}

fn packed(milliseconds: u64, place: usize) -> u64 {
    milliseconds << 3 | place as u64
}

fn unpacked(failed: u64) -> (u64, usize) {
    (failed >> 3, (failed & 7) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(category: ErrorCategory) -> AdapterError {
        AdapterError::new(category, "x")
    }

    #[test]
    fn a_source_is_degraded_from_a_failure_to_the_next_answer() {
        for (category, name) in CATEGORIES {
            let seen = Seen::default();
            assert_eq!((seen.condition(), seen.last()), (Condition::Well, None), "{name}");
            seen.begin().end(Ok(3));
            seen.begin().end(Err(&failed(category)));
            let of_others = ["busy", "limit-exceeded"].contains(&name);
            let expected = if of_others { Condition::Well } else { Condition::Degraded(category) };
            assert_eq!(seen.condition(), expected, "{name}");
            seen.looked(Ok(()));
            assert_eq!(seen.condition(), Condition::Well, "{name}");
            assert!(seen.last().is_some());
        }
    }

    #[test]
    fn a_look_that_fails_degrades_and_counts_as_no_statement() {
        let seen = Seen::default();
        seen.looked::<()>(Err(&failed(ErrorCategory::Denied)));
        assert_eq!(seen.condition(), Condition::Degraded(ErrorCategory::Denied));
        let counts = seen.counts();
        assert_eq!((counts.statements, counts.failures), (0, [0; CATEGORIES.len()]));
    }

    #[test]
    fn statements_rows_failures_and_what_nobody_waited_for_are_counted() {
        let seen = Seen::default();
        seen.begin().end(Ok(2));
        seen.begin().end(Ok(5));
        seen.begin().end(Err(&failed(ErrorCategory::Busy)));
        drop(seen.begin());
        let counts = seen.counts();
        assert_eq!((counts.statements, counts.rows, counts.abandoned), (4, 7, 1));
        assert_eq!(counts.failures, [0, 0, 1, 0, 0, 0]);
        assert!(counts.time > Duration::ZERO);
    }
}
