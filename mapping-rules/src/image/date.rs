//! Date searches on expressions: through `else`, converters and columns down to the ranges that a
//! converter knows for its stored form.

use chrono::NaiveTime;
use genkan_adapter::{ColumnKind, Comparison, Operand, Predicate, Value};

use super::{Blocked, Imaged, Imaging, any, negated, present};
use crate::diagnostic::Text;
use crate::expression::ExpressionKind as K;
use crate::lens::{DateSearch, Lens, LensContext, TextTarget};
use crate::program::Term;

impl Imaging<'_> {
    /// The rows whose date, date time or instant meets the search (R4 search, "date").
    pub fn date(&self, term: &Term, search: &DateSearch) -> Imaged {
        match &term.kind {
            K::Pipe(inner, lens) => self.through(term, inner, lens, search),
            K::Name(column) => {
                let lens = match column.kind {
                    ColumnKind::Date => Lens::Date,
                    _ => Lens::DateTime,
                };
                self.through(term, term, &lens, search)
            }
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
            // Day and time in two columns: whole days are decided by the first alone.
            K::Concat(parts) if *lens == Lens::DateTime && parts.len() == 2 => {
                let midnight = |time: NaiveTime| time == NaiveTime::MIN;
                if midnight(search.start.time()) && midnight(search.end.time()) {
                    let day = self.through(whole, &parts[0], &Lens::Date, search)?;
                    return Ok(day.and(self.time_of_day(&parts[1])?));
                }
                let en = "day and time stand in two columns; search for whole days";
                Err(Blocked::new(
                    whole.span,
                    en,
                    "日付と時刻が別の列のため、日単位で検索してください",
                ))
            }
            K::Pipe(deeper, Lens::Trim | Lens::Hankaku) => {
                self.through(whole, deeper, lens, search)
            }
            _ => Err(not_a_date(whole)),
        }
    }

    /// The time column holds a time of that day, or nothing: `2460` and `9999` make no date time,
    /// and `2400` belongs to the next day.
    fn time_of_day(&self, term: &Term) -> Imaged {
        let K::Name(column) = &term.kind else { return Err(not_a_date(term)) };
        if !column.kind.is_text() {
            return Err(not_a_date(term));
        }
        let within = Predicate::Compare {
            left: Operand::Left { column: column.column.clone(), characters: 2 },
            comparison: Comparison::LessOrEqual,
            right: Operand::Value(Value::text("23")),
        };
        Ok(any(vec![within, negated(present(column))]))
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

fn not_a_date(term: &Term) -> Blocked {
    Blocked::new(
        term.span,
        "a date search needs a column with a date converter",
        "日付で検索するには日付の変換関数を付けた列が必要です",
    )
}
