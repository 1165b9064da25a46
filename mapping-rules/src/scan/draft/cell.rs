//! A column as an expression.

use genkan_adapter::ColumnKind;

use super::tables::Cell;
use crate::scan::profile::ColumnProfile;

impl Cell<'_> {
    pub(super) fn name(&self) -> String {
        format!("{}.{}", self.alias, self.column.name)
    }

    /// As an expression: columns of other kinds are texts by themselves.
    pub(super) fn text(&self) -> String {
        self.name()
    }

    /// Through the converter that reads most of its values.
    pub(super) fn date(&self) -> String {
        format!("{} | {}", self.name(), self.converter(true))
    }

    pub(super) fn day(&self) -> String {
        format!("{} | {}", self.name(), self.converter(false))
    }

    fn converter(&self, time: bool) -> &'static str {
        let ColumnProfile { kind, .. } = self.column;
        let japanese = self.column.dates.keys().any(|spelling| spelling.is_japanese());
        let timed = self.column.dates.keys().any(|spelling| spelling.has_time());
        match kind {
            ColumnKind::DateTime | ColumnKind::Instant if time => "datetime",
            _ if japanese => "date.wareki",
            _ if timed && time => "datetime",
            _ => "date",
        }
    }

    /// The codes that are seen with their rows, or that there are others.
    pub(super) fn counts(&self) -> String {
        let name = &self.column.name;
        match self.column.codes() {
            Some((codes, rarer)) => {
                let mut parts: Vec<String> =
                    codes.iter().map(|(code, rows)| format!("{code} ×{rows}")).collect();
                parts.extend((rarer > 0).then(|| format!("… ×{rarer}")));
                format!("{name}: {}", parts.join(", "))
            }
            None => format!("{name}: {} values", self.column.distinct),
        }
    }
}
