//! A date as the stretch of time that it means.

use chrono::{DateTime, FixedOffset, Months, NaiveDate, NaiveTime, TimeDelta, TimeZone};

/// From `start` up to but not including `end`; `None` is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub start: Option<DateTime<FixedOffset>>,
    pub end: Option<DateTime<FixedOffset>>,
}

impl Span {
    /// `2026`, `2026-04`, `2026-04-01`, `2026-04-01T09:30[:00[.5]][+09:00]`; a date without an
    /// offset is one of the hospital's clock.
    pub fn of(text: &str, zone: FixedOffset) -> Option<Self> {
        let (start, end) = match text.len() {
            4 => months(&format!("{text}-01-01"), 12)?,
            7 => months(&format!("{text}-01"), 1)?,
            10 => {
                let day: NaiveDate = text.parse().ok()?;
                (day.and_time(NaiveTime::MIN), day.succ_opt()?.and_time(NaiveTime::MIN))
            }
            _ => return moment(text, zone),
        };
        let at = |moment| zone.from_local_datetime(&moment).single();
        Some(Span { start: Some(at(start)?), end: Some(at(end)?) })
    }

    pub fn contains(&self, other: &Span) -> bool {
        let starts = match (self.start, other.start) {
            (None, _) => true,
            (Some(own), Some(theirs)) => own <= theirs,
            (Some(_), None) => false,
        };
        let ends = match (self.end, other.end) {
            (None, _) => true,
            (Some(own), Some(theirs)) => theirs <= own,
            (Some(_), None) => false,
        };
        starts && ends
    }

    pub fn overlaps(&self, other: &Span) -> bool {
        let before = |end: Option<DateTime<FixedOffset>>, start: Option<DateTime<FixedOffset>>| matches!((end, start), (Some(end), Some(start)) if end <= start);
        !before(self.end, other.start) && !before(other.end, self.start)
    }
}

fn months(first: &str, count: u32) -> Option<(chrono::NaiveDateTime, chrono::NaiveDateTime)> {
    let day: NaiveDate = first.parse().ok()?;
    let next = day.checked_add_months(Months::new(count))?;
    Some((day.and_time(NaiveTime::MIN), next.and_time(NaiveTime::MIN)))
}

fn moment(text: &str, zone: FixedOffset) -> Option<Span> {
    let (clock, offset) = match text.get(11..)?.find(['Z', '+', '-']) {
        Some(at) => text.split_at(11 + at),
        None => (text, ""),
    };
    let length = match clock.get(16..)? {
        "" => TimeDelta::minutes(1),
        rest => match rest.split_once('.') {
            None => TimeDelta::seconds(1),
            Some((_, digits)) => {
                TimeDelta::nanoseconds(10_i64.checked_pow(9 - u32::try_from(digits.len()).ok()?)?)
            }
        },
    };
    let seconds = if clock.len() == 16 { ":00" } else { "" };
    let start = if offset.is_empty() {
        let local: chrono::NaiveDateTime = format!("{clock}{seconds}").parse().ok()?;
        zone.from_local_datetime(&local).single()?
    } else {
        DateTime::parse_from_rfc3339(&format!("{clock}{seconds}{offset}")).ok()?
    };
    Some(Span { start: Some(start), end: Some(start + length) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_as_long_as_its_precision() {
        let zone = FixedOffset::east_opt(9 * 3600).expect("an offset");
        for (text, start, end) in [
            ("2026", "2026-01-01T00:00:00+09:00", "2027-01-01T00:00:00+09:00"),
            ("2026-02", "2026-02-01T00:00:00+09:00", "2026-03-01T00:00:00+09:00"),
            ("2026-02-28", "2026-02-28T00:00:00+09:00", "2026-03-01T00:00:00+09:00"),
            ("2026-02-28T09:30", "2026-02-28T09:30:00+09:00", "2026-02-28T09:31:00+09:00"),
            ("2026-02-28T09:30:01Z", "2026-02-28T18:30:01+09:00", "2026-02-28T18:30:02+09:00"),
        ] {
            let at = |text: &str| DateTime::parse_from_rfc3339(text).ok();
            assert_eq!(
                Span::of(text, zone),
                Some(Span { start: at(start), end: at(end) }),
                "{text}"
            );
        }
    }
}
