//! Whether the machine's clock can be believed. Dates of searches and of what is registered come from
//! it; a clock that was set while Genkan runs shows as a jump against the time that has passed.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A clock that is set by degrees stays far below.
const JUMP_MIN: Duration = Duration::from_secs(2);
/// 2026-01-01T00:00:00Z: no machine that runs this release was switched on before.
pub const RELEASED: Duration = Duration::from_secs(1_767_225_600);

#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: SystemTime,
    running: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sanity {
    Sane,
    /// It shows a time before this release was made.
    NotSet,
    /// It was set by so many milliseconds since the start, forwards or backwards.
    Jumped(i64),
}

impl Clock {
    pub fn start() -> Self {
        Clock { started: SystemTime::now(), running: Instant::now() }
    }

    pub fn sanity(&self) -> Sanity {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let started = self.started.duration_since(UNIX_EPOCH).unwrap_or_default();
        judge(started, self.running.elapsed(), now)
    }
}

/// What a clock shows now that showed `started` when `passed` began.
fn judge(started: Duration, passed: Duration, now: Duration) -> Sanity {
    if now < RELEASED {
        return Sanity::NotSet;
    }
    let expected = started.saturating_add(passed);
    let jump = expected.abs_diff(now);
    if jump < JUMP_MIN {
        return Sanity::Sane;
    }
    let milliseconds = i64::try_from(jump.as_millis()).unwrap_or(i64::MAX);
    Sanity::Jumped(if now > expected { milliseconds } else { -milliseconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_or_never_was_is_noticed() {
        let start = RELEASED + Duration::from_secs(1_000_000);
        let hour = Duration::from_secs(3600);
        for (now, expected) in [
            (start + hour, Sanity::Sane),
            (start + hour + Duration::from_millis(1999), Sanity::Sane),
            (start + hour - Duration::from_millis(1999), Sanity::Sane),
            (start + hour * 2, Sanity::Jumped(3_600_000)),
            (start, Sanity::Jumped(-3_600_000)),
            (Duration::from_secs(86_400), Sanity::NotSet),
        ] {
            assert_eq!(judge(start, hour, now), expected, "{now:?}");
        }
    }

    #[test]
    fn the_clock_of_this_machine_is_sane() {
        assert_eq!(Clock::start().sanity(), Sanity::Sane);
    }
}
