//! When bulk work may run (夜間帯): times of the day, by the hospital's clock.

use std::time::Duration;

use chrono::{NaiveTime, Timelike as _};
use genkan_mapping::Text;

const MINUTES_OF_A_DAY: u32 = 24 * 60;

/// Pure: the time is passed in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Windows(Vec<Window>);

/// Minutes of the day. The end is outside; one before the beginning is on the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    from: u32,
    to: u32,
}

impl Windows {
    /// Each as `22:00-06:00`; none is always.
    ///
    /// # Errors
    /// Which of them is wrong, for a person.
    pub fn parse(windows: &[String]) -> Result<Self, Text> {
        let read = |text: &String| {
            window(text).ok_or_else(|| {
                Text::new(
                    format!("bulk_windows: `{text}` has to be like \"22:00-06:00\""),
                    format!("bulk_windows:「{text}」は \"22:00-06:00\" の形で書きます"),
                )
            })
        };
        windows.iter().map(read).collect::<Result<_, _>>().map(Windows)
    }

    /// How long it is until the next one opens; `None` inside of one.
    pub fn opens_in(&self, now: NaiveTime) -> Option<Duration> {
        let second = now.num_seconds_from_midnight();
        let minute = second / 60;
        if self.0.is_empty() || self.0.iter().any(|window| window.contains(minute)) {
            return None;
        }
        let day = MINUTES_OF_A_DAY * 60;
        let until = self.0.iter().map(|window| (window.from * 60 + day - second) % day).min()?;
        Some(Duration::from_secs(u64::from(until)))
    }
}

impl Window {
    fn contains(self, minute: u32) -> bool {
        match self.from < self.to {
            true => (self.from..self.to).contains(&minute),
            false => minute >= self.from || minute < self.to,
        }
    }
}

fn window(text: &str) -> Option<Window> {
    let (from, to) = text.split_once('-')?;
    let window = Window { from: minute(from)?, to: minute(to)? };
    let has_length = window.from != window.to && window.from < MINUTES_OF_A_DAY;
    has_length.then_some(window)
}

/// `HH:MM`, up to 24:00.
fn minute(text: &str) -> Option<u32> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(hour) || !digits(minute) {
        return None;
    }
    let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
    let total = hour * 60 + minute;
    (minute < 60 && total <= MINUTES_OF_A_DAY).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opens_in(windows: &[&str], now: &str) -> Option<u64> {
        let windows: Vec<String> = windows.iter().map(|text| (*text).to_owned()).collect();
        let windows = Windows::parse(&windows).expect("windows");
        let now = NaiveTime::parse_from_str(now, "%H:%M:%S").expect("a time");
        windows.opens_in(now).map(|wait| wait.as_secs())
    }

    #[test]
    fn a_window_may_go_over_midnight_and_its_end_is_outside() {
        for (windows, now, expected) in [
            (&[] as &[&str], "12:00:00", None),
            (&["22:00-06:00"], "22:00:00", None),
            (&["22:00-06:00"], "23:59:59", None),
            (&["22:00-06:00"], "00:00:00", None),
            (&["22:00-06:00"], "05:59:59", None),
            (&["22:00-06:00"], "06:00:00", Some(16 * 3600)),
            (&["22:00-06:00"], "21:59:30", Some(30)),
            (&["12:00-13:00", "22:00-06:00"], "11:00:00", Some(3600)),
            (&["12:00-13:00", "22:00-06:00"], "13:00:00", Some(9 * 3600)),
            (&["12:00-13:00"], "14:00:00", Some(22 * 3600)),
            (&["18:00-24:00"], "23:59:00", None),
            (&["18:00-24:00"], "00:00:00", Some(18 * 3600)),
            (&["18:00-00:00"], "23:59:00", None),
            (&["00:00-24:00"], "12:00:00", None),
        ] {
            assert_eq!(opens_in(windows, now), expected, "{windows:?} at {now}");
        }
    }

    #[test]
    fn what_is_no_window_is_refused_with_its_text() {
        for text in [
            "",
            "22:00",
            "22-06",
            "22:00-6:00",
            "25:00-26:00",
            "12:60-13:00",
            "1:00-1:00",
            "12:00-12:00",
            "24:00-01:00",
            "12:00–13:00",
            "12:00-13:00-14:00",
        ] {
            let refused = Windows::parse(&[text.to_owned()]).expect_err(text);
            assert!(refused.en.contains(text) && refused.ja.contains(text), "{refused:?}");
        }
    }
}
