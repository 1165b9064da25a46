//! [`Predicate`] as SQL. The plug's truth has two values, SQL's has three: negation is pushed down
//! to the comparisons, and each negated comparison says what NULL means to it.

use genkan_adapter::{
    AdapterError, ColumnKind, ColumnRef, Comparison, ErrorCategory, Operand, Predicate, Value,
    memory,
};
use sea_query::{BinOper, Expr, ExprTrait, Func, IntoIden};

use crate::catalog::{ColumnType, Dialect, Storage};
use crate::disguised;
use crate::equality;
use crate::from;
use crate::literal::{Class, literal};
use crate::loose;
use crate::matching;
use crate::padded;
use crate::scope::{Located, Scope};
use crate::wire::Wire;

/// A condition, as far as it needs SQL at all.
#[derive(Debug, Clone)]
pub(crate) enum Truth {
    True,
    False,
    /// Possibly NULL, which counts as false.
    Sql(Expr),
}

impl Truth {
    pub fn known(truth: bool) -> Truth {
        if truth { Truth::True } else { Truth::False }
    }

    pub fn and(self, other: Truth) -> Truth {
        match (self, other) {
            (Truth::False, _) | (_, Truth::False) => Truth::False,
            (Truth::True, truth) | (truth, Truth::True) => truth,
            (Truth::Sql(left), Truth::Sql(right)) => Truth::Sql(left.and(right)),
        }
    }

    fn negated(self) -> Truth {
        match self {
            Truth::True => Truth::False,
            Truth::False => Truth::True,
            Truth::Sql(expr) => Truth::Sql(enclosed(expr).is_not(word("TRUE"))),
        }
    }

    /// For places where SQL needs a condition.
    pub fn into_expr(self) -> Expr {
        match self {
            Truth::True => Expr::cust("1 = 1"),
            Truth::False => Expr::cust("1 = 0"),
            Truth::Sql(expr) => expr,
        }
    }
}

/// A word of SQL that stands as it is; sea-query puts other texts in parentheses.
pub(crate) fn word(word: impl IntoIden) -> Expr {
    Expr::custom_keyword(word)
}

pub(crate) fn enclosed(expr: Expr) -> Expr {
    Expr::tuple([expr])
}

/// A balanced tree: SQLite limits the depth of an expression to 1000.
pub(crate) fn any_of(mut terms: Vec<Expr>) -> Option<Expr> {
    if terms.len() > 2 {
        let right = any_of(terms.split_off(terms.len() / 2))?;
        let left = any_of(terms)?;
        return Some(enclosed(left).or(enclosed(right)));
    }
    terms.into_iter().reduce(Expr::or)
}

pub(crate) fn condition<'a>(
    scope: &mut Scope<'a>,
    predicate: &'a Predicate,
    negate: bool,
) -> Result<Truth, AdapterError> {
    let leaf = match predicate {
        Predicate::Not(inner) => return condition(scope, inner, !negate),
        Predicate::All(terms) => return connect(scope, terms, negate, !negate),
        Predicate::Any(terms) => return connect(scope, terms, negate, negate),
        Predicate::Exists { target, joins, filter } => {
            return Ok(match from::existing(scope, target, joins, filter)? {
                None => Truth::known(negate),
                Some(rows) if negate => Truth::Sql(Expr::not_exists(rows)),
                Some(rows) => Truth::Sql(Expr::exists(rows)),
            });
        }
        Predicate::Null(column) => {
            let column = scope.locate(column)?;
            return Ok(match (column.column.nullable, negate) {
                (true, false) => Truth::Sql(column.expr.is_null()),
                (true, true) => Truth::Sql(column.expr.is_not_null()),
                (false, negate) => Truth::known(negate),
            });
        }
        Predicate::Compare { left, comparison: Comparison::NotEqual, right } => {
            let equal = compare(scope, left, Comparison::Equal, right)?;
            return Ok(if negate { equal } else { equal.negated() });
        }
        Predicate::Compare { left, comparison, right } => compare(scope, left, *comparison, right)?,
        Predicate::In { operand, values } => contained(scope, operand, values)?,
        Predicate::KeyIn { columns, keys } => key_in(scope, columns, keys)?,
        Predicate::Like { operand, position, text, ignore_case } => match side(scope, operand)? {
            Side::Located(located) if located.column.kind.is_text() => {
                matching::like(scope, &located, *position, text, *ignore_case)
            }
            Side::Located(_) => return Err(unlike("text", "another type")),
            Side::Value(Value::Text(value)) => {
                Truth::known(memory::like(value, *position, text, *ignore_case))
            }
            Side::Value(_) => Truth::False,
        },
    };
    Ok(if negate { leaf.negated() } else { leaf })
}

fn connect<'a>(
    scope: &mut Scope<'a>,
    terms: &'a [Predicate],
    negate: bool,
    all: bool,
) -> Result<Truth, AdapterError> {
    let mut parts = Vec::with_capacity(terms.len());
    for term in terms {
        match (condition(scope, term, negate)?, all) {
            (Truth::True, true) | (Truth::False, false) => {}
            (Truth::False, true) => return Ok(Truth::False),
            (Truth::True, false) => return Ok(Truth::True),
            (Truth::Sql(expr), _) => parts.push(expr),
        }
    }
    let joined = if all { parts.into_iter().reduce(Expr::and) } else { any_of(parts) };
    Ok(joined.map_or(Truth::known(all), Truth::Sql))
}

pub(crate) enum Side<'a> {
    Value(&'a Value),
    Located(Located),
}

fn side<'a>(scope: &Scope<'a>, operand: &'a Operand) -> Result<Side<'a>, AdapterError> {
    Ok(match operand {
        Operand::Value(value) => Side::Value(value),
        Operand::Column(name) => Side::Located(scope.locate(name)?),
        Operand::Left { column, characters } => {
            let located = text_column(scope, column)?;
            let text = located.delivered(scope.dialect);
            // The number is a part of the rules, not of a request: written out, it is typed.
            let number = || Expr::cust(characters.to_string());
            let expr = match (scope.dialect, located.column.wire) {
                (dialect, Wire::Disguised(charset)) => {
                    disguised::left(dialect, charset, text, *characters)
                }
                (Dialect::Sqlite, _) => {
                    Func::cust("substr").arg(text).arg(word("1")).arg(number()).into()
                }
                _ => Func::cust("left").arg(text).arg(number()).into(),
            };
            let column =
                ColumnType { kind: ColumnKind::Text, storage: Storage::Text, ..located.column };
            Side::Located(Located { expr, column, ..located })
        }
        Operand::Text(name) => {
            let located = scope.locate(name)?;
            if located.column.kind != ColumnKind::Integer {
                let message = format!(
                    "column {name} is no integer; run `genkan rules check`",
                    name = name.column
                );
                return Err(AdapterError::new(ErrorCategory::Mismatch, message));
            }
            let column = ColumnType {
                kind: ColumnKind::Text,
                storage: Storage::Digits,
                exact: true,
                wire: Wire::Unicode,
                ..located.column
            };
            Side::Located(Located { column, ..located })
        }
        Operand::Number(name) => {
            let located = text_column(scope, name)?;
            let expr = matching::number(scope.dialect, located.delivered(scope.dialect));
            let column = ColumnType {
                kind: ColumnKind::Decimal,
                storage: Storage::Exact,
                nullable: true,
                exact: true,
                key: false,
                indexed: false,
                narrow: None,
                collation: 0,
                wire: Wire::Unicode,
                changed: false,
            };
            Side::Located(Located { expr, column, ..located })
        }
    })
}

fn text_column(scope: &Scope<'_>, name: &ColumnRef) -> Result<Located, AdapterError> {
    let located = scope.locate(name)?;
    if located.column.kind.is_text() {
        return Ok(located);
    }
    let message = format!("column {} is no text; run `genkan rules check`", name.column);
    Err(AdapterError::new(ErrorCategory::Mismatch, message))
}

fn compare<'a>(
    scope: &Scope<'a>,
    left: &'a Operand,
    comparison: Comparison,
    right: &'a Operand,
) -> Result<Truth, AdapterError> {
    match (side(scope, left)?, side(scope, right)?) {
        (Side::Value(left), Side::Value(right)) => {
            Ok(Truth::known(memory::holds(left, comparison, right)))
        }
        (Side::Located(column), Side::Value(value)) => {
            Ok(with_value(scope, &column, comparison, value))
        }
        (Side::Value(value), Side::Located(column)) => {
            Ok(with_value(scope, &column, comparison.mirrored(), value))
        }
        (Side::Located(left), Side::Located(right)) => {
            let same = Class::of_kind(left.column.kind) == Class::of_kind(right.column.kind);
            if !same {
                return Err(unlike("one type", "another type"));
            }
            // The innermost table is looked up row by row: its column is to stay bare.
            Ok(Truth::Sql(if left.depth >= right.depth {
                equality::columns(scope.dialect, &left, comparison, &right)
            } else {
                equality::columns(scope.dialect, &right, comparison.mirrored(), &left)
            }))
        }
    }
}

fn unlike(left: &str, right: &str) -> AdapterError {
    let message = format!("{left} is compared with {right}; run `genkan rules check`");
    AdapterError::new(ErrorCategory::Mismatch, message)
}

pub(crate) fn operator(comparison: Comparison) -> BinOper {
    match comparison {
        Comparison::Equal => BinOper::Equal,
        Comparison::NotEqual => BinOper::NotEqual,
        Comparison::Less => BinOper::SmallerThan,
        Comparison::LessOrEqual => BinOper::SmallerThanOrEqual,
        Comparison::Greater => BinOper::GreaterThan,
        Comparison::GreaterOrEqual => BinOper::GreaterThanOrEqual,
    }
}

fn with_value(
    scope: &Scope<'_>,
    located: &Located,
    comparison: Comparison,
    value: &Value,
) -> Truth {
    if comparison == Comparison::Equal {
        return equality::equal(scope, located, value);
    }
    let Some(bound) = literal(scope, located.column, value) else {
        return Truth::False;
    };
    if scope.dialect == Dialect::Sqlite && located.column.storage == Storage::Padded {
        return Truth::Sql(padded::range(located, comparison, bound));
    }
    let column = located.comparable(scope.dialect);
    let exact = column.binary(operator(comparison), bound.clone().expr());
    let looked_up = match located.column.storage {
        Storage::Loose => loose::range(&located.expr, comparison, &bound),
        _ => None,
    };
    Truth::Sql(match looked_up {
        Some(looked_up) => looked_up.and(exact),
        None => exact,
    })
}

fn contained<'a>(
    scope: &Scope<'a>,
    operand: &'a Operand,
    values: &'a [Value],
) -> Result<Truth, AdapterError> {
    Ok(match side(scope, operand)? {
        Side::Located(located) => equality::equal_any(scope, &located, values.iter()),
        Side::Value(left) => {
            Truth::known(values.iter().any(|right| memory::holds(left, Comparison::Equal, right)))
        }
    })
}

fn key_in<'a>(
    scope: &Scope<'a>,
    columns: &'a [ColumnRef],
    keys: &'a [Vec<Value>],
) -> Result<Truth, AdapterError> {
    let located: Vec<Located> =
        columns.iter().map(|name| scope.locate(name)).collect::<Result<_, _>>()?;
    if keys.iter().any(|key| key.len() != located.len()) || located.is_empty() {
        let message = "a key has more or fewer values than columns";
        return Err(AdapterError::new(ErrorCategory::Mismatch, message));
    }
    if let [only] = located.as_slice() {
        return Ok(equality::equal_any(scope, only, keys.iter().flatten()));
    }
    if scope.dialect == Dialect::Postgres && located.iter().all(|l| l.column.exact) {
        return Ok(equality::postgres_keys(scope, &located, keys));
    }
    let mut terms: Vec<Expr> = Vec::with_capacity(keys.len().next_power_of_two());
    for key in keys {
        let whole = located
            .iter()
            .zip(key)
            .map(|(located, value)| equality::equal(scope, located, value))
            .fold(Truth::True, Truth::and);
        match whole {
            Truth::False => {}
            Truth::True => return Ok(Truth::True),
            Truth::Sql(expr) => terms.push(expr),
        }
    }
    pad(&mut terms);
    Ok(any_of(terms).map_or(Truth::False, Truth::Sql))
}

/// Repeats the last item up to a power of two, so that lists of many lengths share a few
/// statements in the driver's cache.
pub(crate) fn pad<T: Clone>(items: &mut Vec<T>) {
    if let Some(last) = items.last().cloned() {
        let length = items.len().next_power_of_two();
        items.resize(length, last);
    }
}
