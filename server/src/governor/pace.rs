//! How far apart statements begin, so that no more than a share of the time is spent in them.

use std::time::Duration;

/// Pure: moments are durations since some beginning, passed in.
#[derive(Debug)]
pub struct Pace {
    share_percent: u32,
    /// From when on the time before has paid for what was spent.
    free: Duration,
}

impl Pace {
    /// `share_percent`: 1 … 100.
    pub fn new(share_percent: u32) -> Self {
        Pace { share_percent: share_percent.clamp(1, 100), free: Duration::ZERO }
    }

    /// How long the next statement has to wait.
    pub fn wait(&self, now: Duration) -> Duration {
        self.free.saturating_sub(now)
    }

    /// A statement began and ended. Statements at one time are paid for one after the other.
    pub fn spend(&mut self, began: Duration, ended: Duration) {
        let spent = ended.saturating_sub(began);
        self.free = self.free.max(began).saturating_add(spent * 100 / self.share_percent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_fifth_of_the_time_is_a_fifth() {
        let mut pace = Pace::new(20);
        assert_eq!(pace.wait(ms(0)), ms(0));
        pace.spend(ms(1_000), ms(1_010));
        assert_eq!(pace.wait(ms(1_010)), ms(40));
        assert_eq!(pace.wait(ms(1_050)), ms(0));
        // Time that nobody asked for is not saved up.
        pace.spend(ms(60_000), ms(60_010));
        assert_eq!(pace.wait(ms(60_010)), ms(40));
    }

    #[test]
    fn all_of_the_time_is_no_pause() {
        let mut pace = Pace::new(100);
        pace.spend(ms(0), ms(500));
        assert_eq!(pace.wait(ms(500)), ms(0));
    }

    #[test]
    fn statements_at_one_time_share_it() {
        let mut pace = Pace::new(50);
        pace.spend(ms(0), ms(100));
        pace.spend(ms(0), ms(100));
        assert_eq!(pace.wait(ms(100)), ms(300));
    }

    proptest! {
        /// Who waits as told has spent, at every moment, no more than the share of the time since the
        /// first statement, but for the one that has just ended.
        #[test]
        fn the_share_holds_over_any_time(
            share in 1_u32..=100,
            statements in prop::collection::vec((0_u64..5_000, 0_u64..3_000), 1..60),
        ) {
            let mut pace = Pace::new(share);
            let (mut now, mut spent) = (ms(7), Duration::ZERO);
            for (pause, took) in statements {
                now += ms(pause);
                now += pace.wait(now);
                let most = (now - ms(7)) * share / 100;
                prop_assert!(spent <= most + Duration::from_micros(1), "{spent:?} of {most:?}");
                pace.spend(now, now + ms(took));
                spent += ms(took);
                now += ms(took);
            }
        }
    }
}
