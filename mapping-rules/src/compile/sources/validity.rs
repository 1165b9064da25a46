//! Effective-dated masters: the row that is valid on a day.

use genkan_adapter::{ColumnKind, Comparison, Operand, Predicate, Value};

use super::{Result, Scope};
use crate::compile::structure::{Entries, text_list};
use crate::diagnostic::{Diagnostic, Span};
use crate::expression::ExpressionKind;
use crate::image;
use crate::lens::Lens;
use crate::yaml::Yaml;

impl Scope<'_> {
    /// `valid: [FROM, TO], at: = …`: the row of an effective-dated master on a day. An empty end is
    /// open. A time is cut to the day when the master's dates are shorter texts.
    pub(super) fn validity(
        &mut self,
        alias: &str,
        valid: &Yaml,
        entries: &Entries,
    ) -> Result<Predicate> {
        let columns = text_list(valid)?;
        let [from, to] = columns.as_slice() else {
            let en = "`valid` takes two columns: [FROM, TO]";
            return Err(Diagnostic::error("E0412", valid.span, en, "valid には列を 2 つ書きます"));
        };
        let (from_column, from_kind) = self.plain_column(alias, from)?;
        let (to_column, to_kind) = self.plain_column(alias, to)?;
        let at_yaml = entries.required("at")?;
        let at = self.expression(at_yaml)?;
        self.same_select(self.aliases[alias].place, &at)?;
        let at = match at.kind {
            ExpressionKind::Name(column) => column,
            // These leave the order of the stored days as it is; others would be compared unread.
            ExpressionKind::Pipe(inner, Lens::Date | Lens::DateTime | Lens::Text | Lens::Trim) => {
                match inner.kind {
                    ExpressionKind::Name(column) => column,
                    _ => return Err(not_a_day(at_yaml.span)),
                }
            }
            _ => return Err(not_a_day(at_yaml.span)),
        };
        for kind in [from_kind, to_kind] {
            if !image::comparable(kind, at.kind) {
                let en = "the day and the ends of the validity have types that can't be compared";
                let ja = "基準日と有効期間の列の型が異なり比較できません";
                return Err(Diagnostic::error("E0405", at_yaml.span, en, ja));
            }
        }
        let table = &self.aliases[alias].table_name;
        let mut open = vec![Value::text("")];
        let blanks = self.blanks.of(alias, table, &to.0);
        open.extend(blanks.iter().filter(|b| !b.is_empty()).map(|b| Value::text(&**b)));
        let day = match (from_kind, at.kind) {
            (ColumnKind::PaddedText { length }, kind) if kind.is_text() => {
                Operand::Left { column: at.column.clone(), characters: length }
            }
            _ => Operand::Column(at.column.clone()),
        };
        let compare = |left, comparison, right| Predicate::Compare { left, comparison, right };
        let mut started = vec![
            compare(Operand::Column(from_column.clone()), Comparison::LessOrEqual, day.clone()),
            Predicate::Null(from_column.clone()),
        ];
        if from_kind.is_text() {
            let operand = Operand::Column(from_column);
            started.push(Predicate::In { operand, values: open.clone() });
        }
        let mut ended = vec![
            compare(Operand::Column(to_column.clone()), Comparison::GreaterOrEqual, day),
            Predicate::Null(to_column.clone()),
        ];
        if to_kind.is_text() {
            ended.push(Predicate::In { operand: Operand::Column(to_column), values: open });
        }
        Ok(Predicate::Any(started).and(Predicate::Any(ended)))
    }
}

/// The days are compared inside the source, as they are stored.
fn not_a_day(span: Span) -> Diagnostic {
    let en = "`at` must be a column that holds days as the master does";
    Diagnostic::error("E0412", span, en, "at は有効期間と同じ形式の日付の列でなければなりません")
        .hint(
            "stored days are compared: name a column with western days; 和暦 and days made of two columns can't be",
            "格納された値どうしを比較するため、西暦の日付の列を指定します。和暦や 2 列を合わせた日付は使えません",
        )
}
