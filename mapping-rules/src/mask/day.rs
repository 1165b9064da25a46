//! A date in text, moved by some days and written as it was.

use chrono::{Datelike, FixedOffset, NaiveDate, TimeDelta};

use crate::lens::{Era, Lens, LensContext, era_of};
use crate::scan::{DateSpelling, spelling};

/// `None` for a text that is no date, and for a spelling that can't be written again.
pub(super) fn moved(text: &str, by: TimeDelta, zone: FixedOffset) -> Option<String> {
    let (spelt, _) = spelling(text, zone)?;
    let lens = match spelt {
        _ if spelt.is_japanese() => Lens::Wareki,
        _ if spelt.has_time() => Lens::DateTime,
        _ => Lens::Date,
    };
    let cx = LensContext { zone };
    let read = |text: &str| -> Option<String> {
        let read = lens.forward(text, &cx).ok().flatten()?.into_owned();
        Some(read.get(..10).map_or(read.clone(), str::to_owned))
    };
    let before = read(text)?;
    let mut parts = before.split('-');
    let year = parts.next()?.parse().ok()?;
    let mut part = || parts.next().map_or(Some(1), |part| part.parse().ok());
    let day = NaiveDate::from_ymd_opt(year, part()?, part()?)?.checked_sub_signed(by)?;
    let expected = day.to_string();
    // Month and day are padded alike, or they are no date.
    [true, false].into_iter().find_map(|padded| {
        let made = written(text, spelt, day, padded)?;
        (read(&made)? == expected.get(..before.len())?).then_some(made)
    })
}

fn written(text: &str, spelt: DateSpelling, day: NaiveDate, padded: bool) -> Option<String> {
    let in_era = matches!(
        spelt,
        DateSpelling::EraLetter
            | DateSpelling::EraLetterSigns
            | DateSpelling::EraKanji
            | DateSpelling::EraDigit
    );
    if !in_era {
        return numbers(text, [day.year().unsigned_abs(), day.month(), day.day()], 4, padded);
    }
    let era = era_of(day)?;
    let year = day.year().checked_sub(era.base)?;
    let (own, rest) = head(text, era)?;
    let rest = numbers(rest, [year.unsigned_abs(), day.month(), day.day()], 2, padded)?;
    Some(format!("{own}{rest}"))
}

/// The sign of the new era in the spelling of the old one, and what follows the old one.
fn head<'t>(text: &'t str, new: &'static Era) -> Option<(&'static str, &'t str)> {
    Era::all().iter().find_map(|old| {
        let signs = old.letters.iter().zip(&new.letters).chain(old.names.iter().zip(&new.names));
        let mut signs = signs.map(|(old, new)| (*old, *new)).chain([(old.digit, new.digit)]);
        signs.find_map(|(old, new)| Some((new, text.strip_prefix(old)?)))
    })
}

/// Year, month and day in the places of the digits, each as wide as before. What follows stays.
fn numbers(text: &str, new: [u32; 3], year_width: usize, padded: bool) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut new, mut width) = (text, new.into_iter(), year_width);
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits == 0 {
            let next = rest.chars().next()?;
            out.push(next);
            rest = &rest[next.len_utf8()..];
            continue;
        }
        let Some(number) = new.next() else {
            out.push_str(rest);
            break;
        };
        // Behind the year a run of digits is cut in twos.
        let taken = digits.min(width);
        let (old, behind) = rest.split_at(taken);
        match old {
            "00" => out.push_str(old),
            _ if padded => out.push_str(&format!("{number:0taken$}")),
            _ => out.push_str(&number.to_string()),
        }
        (rest, width) = (behind, 2);
    }
    Some(out)
}
