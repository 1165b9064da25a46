//! A reference and the row that it names, inside one statement: the terms of the reference's key
//! against the columns of the target's. Exact, as the ids are: equal keys are equal texts.

use std::collections::BTreeSet;

use genkan_adapter::{ColumnKind, Comparison, Operand, Predicate};

use crate::diagnostic::Text;
use crate::expression::ExpressionKind as K;
use crate::image::{
    Blocked, Imaged, Imaging, any, blank_values, comparable, negated, value_of_kind,
};
use crate::lens::{Lens, TextTarget};
use crate::program::{ColumnUse, Term};

/// Values of a closed table (`map`, `lookup`) that a key may be made by.
const VALUES_MAX: usize = 64;

/// The rows for which the reference with these terms is to the row with these columns.
pub(crate) fn refers(imaging: Imaging, terms: &[Term], key: &[ColumnUse]) -> Imaged {
    let mut all = Predicate::TRUE;
    for (term, column) in terms.iter().zip(key) {
        all = all.and(equal(imaging, term, column)?);
    }
    Ok(all)
}

fn equal(imaging: Imaging, term: &Term, key: &ColumnUse) -> Imaged {
    match &term.kind {
        K::Name(column) => columns(term, column, key),
        K::Text(text) => Ok(is_value(key, text)),
        K::Pipe(inner, Lens::Text) => equal(imaging, inner, key),
        K::Pipe(_, Lens::Map(map) | Lens::Codes(map)) => {
            let values = map.pairs.iter().map(|(_, value)| value).chain(&map.otherwise);
            listed(imaging, term, values, key)
        }
        K::Lookup { table, .. } => {
            let values = imaging.lookups.get(table).into_iter().flat_map(|table| table.values());
            listed(imaging, term, values, key)
        }
        K::Else(first, second) => {
            let fallen = imaging.text(first, &TextTarget::Empty)?;
            let fallen = fallen.and(equal(imaging, second, key)?);
            Ok(any(vec![equal(imaging, first, key)?, fallen]))
        }
        _ => {
            let en = "the key of the reference is made by a converter, and no index knows what that \
                      makes; chains need a bare column there";
            let ja = "参照のキーが変換関数で作られているため、索引でたどれません。列をそのまま指定すると\
                      たどれます";
            Err(Blocked { span: term.span, text: Text::new(en, ja) })
        }
    }
}

/// Two columns that have one text, and it is not blank: of a blank column there is no reference.
fn columns(term: &Term, column: &ColumnUse, key: &ColumnUse) -> Imaged {
    let bare = || Operand::Column(column.column.clone());
    let left = match (column.kind, key.kind) {
        (ColumnKind::Decimal, _) => {
            let en = "decimal digits can't be compared as text";
            let text = Text::new(en, "小数の列は文字列として比較できません");
            return Err(Blocked { span: term.span, text });
        }
        (ColumnKind::Integer, kind) if kind.is_text() => Operand::Text(column.column.clone()),
        (own, kind) if comparable(own, kind) => bare(),
        _ => {
            let en = "the key of the reference has another type than the key that it names";
            let text = Text::new(en, "参照のキーと参照先のキーの型が違うため、たどれません");
            return Err(Blocked { span: term.span, text });
        }
    };
    let right = Operand::Column(key.column.clone());
    let mut all = Predicate::Compare { left, comparison: Comparison::Equal, right };
    let nothing = blank_values(column);
    if !nothing.is_empty() {
        all = all.and(negated(Predicate::In { operand: bare(), values: nothing }));
    }
    Ok(all)
}

fn is_value(key: &ColumnUse, text: &str) -> Predicate {
    match value_of_kind(key.kind, text) {
        Some(value) if !text.is_empty() => Predicate::equal(key.column.clone(), value),
        _ => Predicate::FALSE,
    }
}

/// The key is one of a few known texts, each with its own rows.
fn listed<'v>(
    imaging: Imaging,
    term: &Term,
    values: impl Iterator<Item = &'v String>,
    key: &ColumnUse,
) -> Imaged {
    let values: BTreeSet<&String> = values.filter(|value| !value.is_empty()).collect();
    if values.len() > VALUES_MAX {
        let en = format!("the key of the reference is made by a table of more than {VALUES_MAX}");
        let ja = format!("参照のキーが {VALUES_MAX} 件を超える表で作られているため、たどれません");
        return Err(Blocked { span: term.span, text: Text::new(en, ja) });
    }
    let mut ways = Vec::with_capacity(values.len());
    for value in values {
        let named = imaging.text(term, &TextTarget::equals(value))?;
        ways.push(named.and(is_value(key, value)));
    }
    Ok(any(ways))
}
