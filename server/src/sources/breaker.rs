//! The breaker of a source: one that does not answer, or not in time, is left alone for a while.
//! Those who ask meanwhile are told so at once, and do not queue up before a system that is ill.
//!
//! What counts is what the machine does: no connection, a connection that was lost, a time limit. What
//! was wrong with a question never does. [`next`] is the whole of it, and reads no clock.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use genkan_adapter::{AdapterError, ErrorCategory, Limit};

/// While a probe is under way nobody knows how long it takes.
const PROBE_WAIT: Duration = Duration::from_secs(1);

/// When it opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// In a row; `None`: it never opens.
    pub failures: Option<NonZeroU32>,
    /// The first time; twice as long after each probe that fails.
    pub open: Duration,
    /// No longer than that.
    pub open_max: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Everything passes; so many failures came in a row.
    Closed { failures: u32 },
    /// Nothing passes until then; the first that asks later is the probe.
    Open { until: Instant, open: Duration },
    /// The probe is under way after so long; nothing else passes.
    HalfOpen { open: Duration },
}

impl State {
    pub fn is_closed(self) -> bool {
        match self {
            State::Closed { .. } => true,
            State::Open { .. } | State::HalfOpen { .. } => false,
        }
    }

    /// For reports and metrics.
    pub fn name(self) -> &'static str {
        match self {
            State::Closed { .. } => "closed",
            State::Open { .. } => "open",
            State::HalfOpen { .. } => "half-open",
        }
    }
}

/// What happens to it. A statement that passed before it opened is not the probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Asked { now: Instant },
    Ended { sign: Sign, probe: bool, now: Instant },
}

/// What the end of a statement says of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// It is there and keeps up, whatever it thinks of the question.
    Answered,
    /// It is away, or does not keep up.
    Failed,
    /// Nothing: it was not asked, or who asked has gone.
    None,
}

impl Sign {
    fn of(error: &AdapterError) -> Sign {
        match (error.category, error.limit) {
            (ErrorCategory::Unreachable, _) => Sign::Failed,
            (ErrorCategory::Busy, Some(Limit::Connections)) => Sign::None,
            (ErrorCategory::Busy, Some(Limit::Time | Limit::Size | Limit::Question) | None) => {
                Sign::Failed
            }
            (ErrorCategory::LimitExceeded, Some(Limit::Time)) => Sign::Failed,
            (ErrorCategory::LimitExceeded, Some(Limit::Size)) => Sign::Answered,
            (ErrorCategory::LimitExceeded, Some(Limit::Connections | Limit::Question) | None) => {
                Sign::None
            }
            (ErrorCategory::Denied | ErrorCategory::Unreadable, _) => Sign::Answered,
            // The adapter may know it without asking.
            (ErrorCategory::Mismatch, _) => Sign::None,
        }
    }
}

fn next(state: State, event: Event, settings: Settings) -> State {
    let opened = |now: Instant, open: Duration| {
        let open = open.min(settings.open_max);
        State::Open { until: now + open, open }
    };
    match (state, event) {
        (State::Closed { .. }, Event::Asked { .. }) => state,
        (State::Open { until, open }, Event::Asked { now }) if now >= until => {
            State::HalfOpen { open }
        }
        (State::Open { .. }, Event::Asked { .. }) => state,
        (State::HalfOpen { .. }, Event::Asked { .. }) => state,
        (State::Closed { .. }, Event::Ended { sign: Sign::Answered, .. }) => {
            State::Closed { failures: 0 }
        }
        (State::Closed { failures }, Event::Ended { sign: Sign::Failed, now, .. }) => {
            let failures = failures.saturating_add(1);
            match settings.failures {
                Some(most) if failures >= most.get() => opened(now, settings.open),
                Some(_) | None => State::Closed { failures },
            }
        }
        (State::Closed { .. }, Event::Ended { sign: Sign::None, .. }) => state,
        (State::HalfOpen { .. }, Event::Ended { sign: Sign::Answered, probe: true, .. }) => {
            State::Closed { failures: 0 }
        }
        (State::HalfOpen { open }, Event::Ended { sign: Sign::Failed, probe: true, now }) => {
            opened(now, open.saturating_mul(2))
        }
        // The next one that asks is the probe.
        (State::HalfOpen { open }, Event::Ended { sign: Sign::None, probe: true, now }) => {
            State::Open { until: now, open }
        }
        // They began before it opened, and are no news.
        (State::HalfOpen { .. }, Event::Ended { probe: false, .. }) => state,
        (State::Open { .. }, Event::Ended { .. }) => state,
    }
}

/// Of one source, for everybody who asks it.
#[derive(Debug)]
pub struct Breaker {
    source_name: Arc<str>,
    settings: Settings,
    state: Mutex<State>,
    opened: AtomicU64,
}

/// A statement that may be sent; one that is dropped was given up.
#[derive(Debug)]
pub struct Passage<'a> {
    breaker: &'a Breaker,
    probe: bool,
    /// From then on nobody waits, because the time of the request is over.
    deadline: Option<Instant>,
    ended: bool,
}

/// A source that is not asked for now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("source `{source_name}` did not answer several times in a row, and is not asked for now")]
pub struct Spared {
    pub source_name: String,
    /// When to ask again.
    pub wait: Duration,
}

impl Breaker {
    pub fn new(source_name: Arc<str>, settings: Settings) -> Self {
        let state = Mutex::new(State::Closed { failures: 0 });
        Breaker { source_name, settings, state, opened: AtomicU64::new(0) }
    }

    /// As it is now; asks nothing.
    pub fn state(&self) -> State {
        *self.lock()
    }

    /// How often it has opened since the start.
    pub fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    /// Lets a statement pass, or says how long to wait. One that is given up at the deadline has failed.
    pub fn enter(&self, deadline: Option<Instant>) -> Result<Passage<'_>, Spared> {
        let now = Instant::now();
        let (before, after) = self.happens(Event::Asked { now });
        let probe = match (before, after) {
            (_, State::Closed { .. }) => false,
            (State::Open { .. }, State::HalfOpen { .. }) => true,
            (_, State::HalfOpen { .. }) => return Err(self.spared(PROBE_WAIT)),
            (_, State::Open { until, .. }) => return Err(self.spared(until - now)),
        };
        if probe {
            let source = &*self.source_name;
            tracing::info!(source, breaker = after.name(), "asked again, with one statement");
        }
        Ok(Passage { breaker: self, probe, deadline, ended: false })
    }

    fn spared(&self, wait: Duration) -> Spared {
        Spared { source_name: self.source_name.to_string(), wait }
    }

    fn ended(&self, sign: Sign, probe: bool, cause: &str) {
        let (before, after) = self.happens(Event::Ended { sign, probe, now: Instant::now() });
        let (source, breaker) = (&*self.source_name, after.name());
        match (before, after) {
            (State::Closed { .. } | State::HalfOpen { .. }, State::Open { open, .. })
                if sign == Sign::Failed =>
            {
                self.opened.fetch_add(1, Ordering::Relaxed);
                let open_secs = open.as_secs();
                tracing::warn!(source, breaker, open_secs, cause, "not asked for a while");
            }
            (State::HalfOpen { .. }, State::Open { .. }) => {
                tracing::info!(source, breaker, "nobody waited for the answer; asked again next");
            }
            (State::HalfOpen { .. }, State::Closed { .. }) => {
                tracing::info!(source, breaker, "answers again");
            }
            _ => {}
        }
    }

    fn happens(&self, event: Event) -> (State, State) {
        let mut state = self.lock();
        let before = *state;
        *state = next(before, event, self.settings);
        (before, *state)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Passage<'_> {
    /// The statement has its answer, or failed.
    pub fn end(mut self, failure: Option<&AdapterError>) {
        self.ended = true;
        let sign = failure.map_or(Sign::Answered, Sign::of);
        let cause = failure.map(|error| error.message.as_str()).unwrap_or_default();
        self.breaker.ended(sign, self.probe, cause);
    }
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let too_late = self.deadline.is_some_and(|deadline| Instant::now() >= deadline);
            let sign = if too_late { Sign::Failed } else { Sign::None };
            self.breaker.ended(sign, self.probe, "no answer in the time of a request");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Duration = Duration::from_secs(10);
    const OPEN_MAX: Duration = Duration::from_secs(35);
    const HALF_OPEN: State = State::HalfOpen { open: OPEN };
    const SIGNS: [Sign; 3] = [Sign::Answered, Sign::Failed, Sign::None];

    fn settings(failures: u32) -> Settings {
        Settings { failures: NonZeroU32::new(failures), open: OPEN, open_max: OPEN_MAX }
    }

    fn breaker(failures: u32, open: Duration) -> Breaker {
        Breaker::new(Arc::from("main"), Settings { open, ..settings(failures) })
    }

    fn error(category: ErrorCategory, limit: Option<Limit>) -> AdapterError {
        AdapterError { limit, ..AdapterError::new(category, "x") }
    }

    fn gone() -> AdapterError {
        error(ErrorCategory::Unreachable, None)
    }

    #[test]
    fn only_failures_in_a_row_open_it() {
        let now = Instant::now();
        let after = |signs: &[Sign]| {
            signs.iter().fold(State::Closed { failures: 0 }, |state, &sign| {
                next(state, Event::Ended { sign, probe: false, now }, settings(3))
            })
        };
        use Sign::{Answered, Failed, None};
        let open = State::Open { until: now + OPEN, open: OPEN };
        for (signs, expected) in [
            (&[Failed, Failed] as &[Sign], State::Closed { failures: 2 }),
            (&[Failed, Failed, Failed], open),
            (&[Failed, Failed, Answered, Failed, Failed], State::Closed { failures: 2 }),
            (&[Failed, Failed, None, Failed], open),
            (&[None, None, None, None], State::Closed { failures: 0 }),
        ] {
            assert_eq!(after(signs), expected, "{signs:?}");
        }
    }

    #[test]
    fn it_is_open_for_its_time_and_then_lets_one_probe_pass() {
        let now = Instant::now();
        let open = State::Open { until: now + OPEN, open: OPEN };
        let asked = |state, now| next(state, Event::Asked { now }, settings(3));
        assert_eq!(asked(open, now), open);
        assert_eq!(asked(open, now + OPEN - Duration::from_millis(1)), open);
        assert_eq!(asked(open, now + OPEN), HALF_OPEN);
        assert_eq!(asked(HALF_OPEN, now + OPEN * 9), HALF_OPEN, "one at a time");
    }

    #[test]
    fn the_probe_decides_and_nothing_else() {
        let now = Instant::now();
        let open = State::Open { until: now + OPEN, open: OPEN };
        for (sign, expected) in [
            (Sign::Answered, State::Closed { failures: 0 }),
            (Sign::Failed, State::Open { until: now + OPEN * 2, open: OPEN * 2 }),
            (Sign::None, State::Open { until: now, open: OPEN }),
        ] {
            let ended = Event::Ended { sign, probe: true, now };
            assert_eq!(next(HALF_OPEN, ended, settings(3)), expected, "{sign:?}");
        }
        for sign in SIGNS {
            let late = Event::Ended { sign, probe: false, now: now + OPEN };
            assert_eq!(next(HALF_OPEN, late, settings(3)), HALF_OPEN, "{sign:?}");
            assert_eq!(next(open, late, settings(3)), open, "{sign:?}: it began before");
        }
    }

    #[test]
    fn each_probe_that_fails_doubles_its_time_up_to_the_most_and_an_answer_ends_that() {
        let now = Instant::now();
        let ended =
            |state, sign, probe| next(state, Event::Ended { sign, probe, now }, settings(1));
        let asked = |state| match state {
            State::Open { until, .. } => next(state, Event::Asked { now: until }, settings(1)),
            State::Closed { .. } | State::HalfOpen { .. } => panic!("{state:?} is not open"),
        };
        let mut state = ended(State::Closed { failures: 0 }, Sign::Failed, false);
        for open in [OPEN, OPEN * 2, OPEN_MAX, OPEN_MAX] {
            assert_eq!(state, State::Open { until: now + open, open });
            // A probe that nobody waits for is none, and doubles nothing.
            let unheard = ended(asked(state), Sign::None, true);
            assert_eq!(unheard, State::Open { until: now, open });
            state = ended(asked(unheard), Sign::Failed, true);
        }
        let well = ended(asked(state), Sign::Answered, true);
        assert_eq!(well, State::Closed { failures: 0 });
        let open = State::Open { until: now + OPEN, open: OPEN };
        assert_eq!(ended(well, Sign::Failed, false), open, "as the first time");
    }

    #[test]
    fn what_was_wrong_with_the_question_is_no_failure_of_the_source() {
        use ErrorCategory::{Busy, Denied, LimitExceeded, Mismatch, Unreachable, Unreadable};
        for (category, limit, expected) in [
            (Unreachable, None, Sign::Failed),
            (Busy, None, Sign::Failed),
            (Busy, Some(Limit::Time), Sign::Failed),
            (Busy, Some(Limit::Connections), Sign::None),
            (LimitExceeded, Some(Limit::Time), Sign::Failed),
            (LimitExceeded, Some(Limit::Size), Sign::Answered),
            (LimitExceeded, Some(Limit::Question), Sign::None),
            (LimitExceeded, None, Sign::None),
            (Mismatch, None, Sign::None),
            (Denied, None, Sign::Answered),
            (Unreadable, None, Sign::Answered),
        ] {
            assert_eq!(Sign::of(&error(category, limit)), expected, "{category:?} {limit:?}");
        }
    }

    #[test]
    fn an_open_one_refuses_and_says_when_to_come_again() {
        let breaker = breaker(2, OPEN);
        for _ in 0..2 {
            assert_eq!(breaker.opened(), 0);
            breaker.enter(None).expect("closed").end(Some(&gone()));
        }
        let spared = breaker.enter(None).expect_err("open");
        assert!(spared.wait > Duration::ZERO && spared.wait <= OPEN, "{spared:?}");
        assert_eq!((breaker.opened(), breaker.state().name()), (1, "open"));
    }

    #[test]
    fn a_probe_that_nobody_waits_for_leaves_its_place_to_the_next() {
        let breaker = breaker(1, Duration::ZERO);
        breaker.enter(None).expect("closed").end(Some(&gone()));
        let probe = breaker.enter(None).expect("its time is over");
        assert_eq!(breaker.state().name(), "half-open");
        assert_eq!(breaker.enter(None).expect_err("one at a time").wait, PROBE_WAIT);
        drop(probe);
        breaker.enter(None).expect("the next probe").end(None);
        assert_eq!(breaker.state(), State::Closed { failures: 0 });
        assert_eq!(breaker.opened(), 1, "a probe without an answer is no failure");
    }

    #[test]
    fn a_statement_that_is_given_up_at_its_deadline_has_failed_and_one_before_has_not() {
        let breaker = breaker(2, OPEN);
        let past = Instant::now();
        for (deadline, failures) in [(Some(past + OPEN), 0), (None, 0), (Some(past), 1)] {
            drop(breaker.enter(deadline).expect("closed"));
            assert_eq!(breaker.state(), State::Closed { failures }, "{deadline:?}");
        }
        breaker.enter(Some(past)).expect("closed").end(None);
        assert_eq!(breaker.state(), State::Closed { failures: 0 }, "it answered after all");
    }

    #[test]
    fn without_a_number_of_failures_it_never_opens() {
        let breaker = breaker(0, OPEN);
        for _ in 0..1000 {
            breaker.enter(None).expect("never open").end(Some(&gone()));
        }
        assert_eq!(breaker.state().name(), "closed");
    }
}
