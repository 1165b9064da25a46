//! Date searches on expressions: through `else`, converters and columns down to the ranges that a
//! converter knows for its stored form.

use chrono::{Days, NaiveDateTime, NaiveTime};
use genkan_adapter::{ColumnKind, Predicate};
use genkan_fhir::search::Prefix;

use super::{Blocked, Imaged, Imaging, any, negated, present};
use crate::diagnostic::Text;
use crate::expression::ExpressionKind as K;
use crate::lens::{DateSearch, Lens, LensContext, MIDNIGHTS, TextTarget};
use crate::program::Term;

impl Imaging<'_> {
    /// The rows whose date, date time or instant meets the search (R4 search, "date").
    pub fn date(&self, term: &Term, search: &DateSearch) -> Imaged {
        match &term.kind {
            K::Pipe(inner, lens) => self.through(term, inner, lens, search),
            K::Name(column) => match column.kind {
                ColumnKind::Date => self.through(term, term, &Lens::Date, search),
                ColumnKind::Instant => self.through(term, term, &Lens::DateTime, search),
                _ => Err(not_a_date(term)),
            },
            K::Else(first, second) => self.fallback(first, second, |term| self.date(term, search)),
            _ => Err(not_a_date(term)),
        }
    }

    fn through(&self, whole: &Term, inner: &Term, lens: &Lens, search: &DateSearch) -> Imaged {
        match &inner.kind {
            K::Name(column) => {
                let context = LensContext { zone: self.zone };
                let image = lens
                    .date_image(&column.column, column.kind, search, &context)
                    .map_err(|reason| Blocked {
                        span: whole.span,
                        text: Text::new(reason.reason_en, reason.reason_ja),
                    })?;
                Ok(present(column).and(image))
            }
            K::Else(first, second) => {
                self.fallback(first, second, |term| self.through(whole, term, lens, search))
            }
            K::Concat(parts) if *lens == Lens::DateTime => match parts.as_slice() {
                [day, time] => self.day_and_time(whole, day, time, search),
                _ => Err(not_a_date(whole)),
            },
            _ => Err(not_a_date(whole)),
        }
    }

    /// Day and time in two columns: whole days are decided by the first alone, because a time that
    /// can't be read leaves the day. Only `24:00` belongs to the next one.
    fn day_and_time(&self, whole: &Term, day: &Term, time: &Term, search: &DateSearch) -> Imaged {
        let midnight = |at: NaiveDateTime| at.time() == NaiveTime::MIN;
        // What is about a day reaches to the ends of days here.
        let widened = match search.prefix {
            Prefix::Ap => DateSearch {
                start: search.start.date().and_time(NaiveTime::MIN),
                end: next_midnight(search.end),
                ..*search
            },
            _ => *search,
        };
        let search = &widened;
        if !midnight(search.start) || !midnight(search.end) {
            let en = "day and time stand in two columns; search for whole days";
            let ja = "日付と時刻が別の列のため、日単位で検索してください";
            return Err(Blocked::new(whole.span, en, ja));
        }
        let days = |search: &DateSearch| match &day.kind {
            K::Pipe(_, Lens::Date | Lens::Wareki) => self.date(day, search),
            _ => self.through(whole, day, &Lens::Date, search),
        };
        let midnights = TextTarget::OneOf(MIDNIGHTS.map(str::to_owned).to_vec());
        let next_day = self.complete().text(time, &midnights)?;
        if next_day.is_false() {
            return days(search);
        }
        let before = |at: NaiveDateTime| at.checked_sub_days(Days::new(1)).unwrap_or(at);
        let earlier =
            DateSearch { start: before(search.start), end: before(search.end), ..*search };
        let same = days(search)?.and(negated(next_day.clone()));
        Ok(any(vec![same, days(&earlier)?.and(next_day)]))
    }

    fn fallback(
        &self,
        first: &Term,
        second: &Term,
        image: impl Fn(&Term) -> Result<Predicate, Blocked>,
    ) -> Imaged {
        let fallen = self.text(first, &TextTarget::Empty)?.and(image(second)?);
        Ok(any(vec![image(first)?, fallen]))
    }
}

/// The first midnight that is not before.
fn next_midnight(at: NaiveDateTime) -> NaiveDateTime {
    let midnight = at.date().and_time(NaiveTime::MIN);
    if midnight == at { at } else { midnight.checked_add_days(Days::new(1)).unwrap_or(at) }
}

fn not_a_date(term: &Term) -> Blocked {
    Blocked::new(
        term.span,
        "a date search needs a date converter right behind a column",
        "日付で検索するには列に日付の変換関数を直接付けてください",
    )
}
