//! Equality, so that an index can serve it and yet no collation decides it.
//!
//! MySQL's usual collations hold あ and ア, ａ and A, or `x` and `x ` for equal. There the column is
//! compared twice: once as it is, for the index, and once byte by byte, for the truth.

use std::borrow::Cow;

use genkan_adapter::{ColumnKind, Comparison, Value};
use sea_query::{BinOper, Expr, ExprTrait, Func};

use crate::catalog::{ColumnType, Dialect, Storage};
use crate::digits;
use crate::literal::{Literal, expressible, literal, postgres_array, postgres_form, postgres_type};
use crate::loose;
use crate::padded;
use crate::predicate::{Truth, operator, pad, word};
use crate::scope::{Located, Scope};
use crate::wire::{Wire, postgres_text};

pub(crate) fn equal(scope: &Scope<'_>, located: &Located, value: &Value) -> Truth {
    let Some(bound) = literal(scope, located.column, value) else {
        return Truth::False;
    };
    let column = located.comparable(scope.dialect);
    Truth::Sql(match scope.dialect {
        Dialect::Postgres if !located.column.exact => code_points(column).eq(bound.expr()),
        Dialect::Postgres => column.eq(bound.expr()),
        Dialect::Mysql if folds(located) => {
            let exact = bytes(column.clone()).eq(bound.clone().bytes());
            column.eq(bound.expr()).and(exact)
        }
        Dialect::Mysql => column.eq(bound.expr()),
        Dialect::Sqlite => sqlite_equal_any(located, vec![bound]),
    })
}

pub(crate) fn equal_any<'v>(
    scope: &Scope<'_>,
    located: &Located,
    values: impl Iterator<Item = &'v Value> + Clone,
) -> Truth {
    // One value is an equality, which PostgreSQL can estimate: of an unknown array it takes any column
    // for used up, and plans the rest of the statement for a single row.
    let mut first = values.clone();
    if let (Some(only), None) = (first.next(), first.next()) {
        return equal(scope, located, only);
    }
    let bound = |value| literal(scope, located.column, value);
    let column = located.comparable(scope.dialect);
    if scope.dialect == Dialect::Postgres {
        let Some(array) = postgres_list(scope, located, values) else { return Truth::False };
        let column = if located.column.exact { column } else { code_points(column) };
        return Truth::Sql(column.eq(Func::cust("ANY").arg(array)));
    }
    let mut list: Vec<Literal> = values.filter_map(bound).collect();
    if list.is_empty() {
        return Truth::False;
    }
    pad(&mut list);
    if scope.dialect == Dialect::Sqlite {
        return Truth::Sql(sqlite_equal_any(located, list));
    }
    let exact = folds(located).then(|| {
        let list = list.iter().cloned().map(Literal::bytes);
        bytes(column.clone()).is_in(list)
    });
    let indexed = column.is_in(list.into_iter().map(Literal::expr));
    Truth::Sql(match exact {
        Some(exact) => indexed.and(exact),
        None => indexed,
    })
}

/// The values as one array parameter; `None` if no cell can equal any of them.
fn postgres_list<'v>(
    scope: &Scope<'_>,
    located: &Located,
    values: impl Iterator<Item = &'v Value> + Clone,
) -> Option<Expr> {
    let column = located.column;
    let fits = |value: &&Value| literal(scope, column, value).is_some();
    let fitting = values.filter(fits);
    // One type for the whole list: the widest.
    let widest = fitting
        .clone()
        .find(|value| matches!(value, Value::Decimal(_)))
        .or_else(|| fitting.clone().next())?;
    let name = array_type(postgres_type(column.storage, widest));
    let array = postgres_array(fitting.map(|value| postgres_item(scope, column, value)));
    Some(match String::from_utf8(array) {
        Ok(array) => Expr::val(array).cast_as(name),
        Err(array) => postgres_text(Expr::val(array.into_bytes()).cast_as("bytea")).cast_as(name),
    })
}

fn postgres_item<'v>(scope: &Scope<'_>, column: ColumnType, value: &'v Value) -> Cow<'v, [u8]> {
    let bytes = |text: String| Cow::Owned(text.into_bytes());
    match value {
        Value::Text(text) => {
            let mut text = expressible(scope, column, text).unwrap_or(Cow::Borrowed(text));
            if column.storage == Storage::Padded {
                text = Cow::Owned(text.trim_end_matches(' ').to_owned());
            }
            match column.wire {
                Wire::Disguised(charset) => {
                    Cow::Owned(charset.encode(&text).unwrap_or_default().into_owned())
                }
                _ => bytes(text.into_owned()),
            }
        }
        Value::Bytes(value) => bytes(format!("\\x{}", hex(value))),
        other => bytes(postgres_form(other)),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        // Writing to a String does not fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn array_type(name: &'static str) -> &'static str {
    match name {
        "text" => "text[]",
        "bpchar" => "bpchar[]",
        "bool" => "bool[]",
        "float4" => "float4[]",
        "float8" => "float8[]",
        "date" => "date[]",
        "time" => "time[]",
        "timestamp" => "timestamp[]",
        "timestamptz" => "timestamptz[]",
        "bytea" => "bytea[]",
        "int8" => "int8[]",
        _ => "numeric[]",
    }
}

/// Keys of several columns as one array for each column: `(a, b) IN (SELECT * FROM unnest($1, $2))`.
pub(crate) fn postgres_keys(scope: &Scope<'_>, located: &[Located], keys: &[Vec<Value>]) -> Truth {
    let fits = |key: &&Vec<Value>| {
        located
            .iter()
            .zip(key.iter())
            .all(|(located, value)| literal(scope, located.column, value).is_some())
    };
    let fitting: Vec<&Vec<Value>> = keys.iter().filter(fits).collect();
    let mut arrays = Vec::with_capacity(located.len());
    for (index, located) in located.iter().enumerate() {
        let values = fitting.iter().filter_map(|key| key.get(index));
        let Some(array) = postgres_list(scope, located, values) else { return Truth::False };
        arrays.push(array);
    }
    let marks: Vec<String> = (1..=arrays.len()).map(|number| format!("${number}")).collect();
    let rows =
        Expr::cust_with_exprs(format!("(SELECT * FROM unnest({}))", marks.join(", ")), arrays);
    let columns = located.iter().map(|located| located.comparable(scope.dialect));
    Truth::Sql(Expr::tuple(columns).binary(BinOper::In, rows))
}

/// Two columns. `probe` is the one whose index may serve: it stays bare.
pub(crate) fn columns(
    dialect: Dialect,
    probe: &Located,
    comparison: Comparison,
    other: &Located,
) -> Expr {
    let padded = |located: &Located| located.column.storage == Storage::Padded;
    let operator = operator(comparison);
    let (left, right) = (probe.comparable(dialect), other.comparable(dialect));
    let (whole_left, whole_right) = (probe.delivered(dialect), other.delivered(dialect));
    let equal = comparison == Comparison::Equal;
    let found = match dialect {
        Dialect::Postgres if padded(probe) == padded(other) => left.binary(operator, right),
        Dialect::Postgres if padded(probe) && equal => {
            left.eq(right.clone().cast_as("bpchar")).and(whole_left.eq(right))
        }
        Dialect::Postgres => whole_left.binary(operator, whole_right),
        Dialect::Mysql if equal && (folds(probe) || folds(other)) => {
            left.clone().eq(right.clone()).and(bytes(left).eq(bytes(right)))
        }
        Dialect::Mysql => left.binary(operator, right),
        Dialect::Sqlite => sqlite_columns((probe, &left), comparison, (other, &right)),
    };
    match probe.column.storage {
        Storage::Digits if equal => digits::looked_up(dialect, probe, other).and(found),
        _ => found,
    }
}

/// Said from both sides, so that the join can begin at either table.
fn sqlite_columns(
    (probe, left): (&Located, &Expr),
    comparison: Comparison,
    (other, right): (&Located, &Expr),
) -> Expr {
    let (whole_left, whole_right) =
        (probe.delivered(Dialect::Sqlite), other.delivered(Dialect::Sqlite));
    let exact = binary(whole_left).binary(operator(comparison), whole_right);
    if comparison != Comparison::Equal {
        return exact;
    }
    let found = [(probe, right), (other, left)].map(|(own, text)| match own.column.kind {
        ColumnKind::PaddedText { length } => Some(padded::joined(&own.expr, text, length)),
        _ => None,
    });
    found.into_iter().flatten().fold(exact, |exact, found| found.and(exact))
}

/// A column with a collation of its own (`NOCASE`, `RTRIM`) has an index in that collation: it is
/// compared as it is for the index, and by its bytes for the truth.
fn sqlite_equal_any(located: &Located, list: Vec<Literal>) -> Expr {
    let column = located.comparable(Dialect::Sqlite);
    let mut indexed = sqlite_among(located, column.clone(), list.clone());
    if located.column.storage == Storage::Loose
        && let Some(looked_up) = loose::equal_any(&located.expr, &list)
    {
        indexed = looked_up.and(indexed);
    }
    if located.column.exact {
        return indexed;
    }
    indexed.and(sqlite_among(located, binary(column), list))
}

fn sqlite_among(located: &Located, column: Expr, mut list: Vec<Literal>) -> Expr {
    if let ColumnKind::PaddedText { length } = located.column.kind {
        return padded::equal_any(&column, list, length);
    }
    match list.pop() {
        Some(only) if list.is_empty() => column.eq(only.expr()),
        last => column.is_in(list.into_iter().chain(last).map(Literal::expr)),
    }
}

/// The column may hold texts for equal that are not.
pub(crate) fn folds(located: &Located) -> bool {
    located.column.kind.is_text() && !located.column.exact
}

/// MySQL: the UTF-8 bytes of a text, whatever its column's character set is.
pub(crate) fn bytes(text: Expr) -> Expr {
    let unicode = text.binary(BinOper::Custom("USING"), word("utf8mb4"));
    Expr::from(Func::cust("CONVERT").arg(unicode)).cast_as("BINARY")
}

/// PostgreSQL: for columns with a collation that holds different texts for equal.
pub(crate) fn code_points(text: Expr) -> Expr {
    text.binary(BinOper::Custom("COLLATE"), word("\"C\""))
}

pub(crate) fn binary(text: Expr) -> Expr {
    text.binary(BinOper::Custom("COLLATE"), word("BINARY"))
}
