//! A question to a source, in words that SQL and a folder of files can both answer.
//!
//! Names are the source's own, checked against its schema when the rules were compiled. Values are
//! always values, never text inside a statement.
//!
//! Truth has two values here: a comparison with NULL is false, and `Not` of it is true. SQL's third
//! value is the adapter's business.
//!
//! Numbers compare by value (`0.5` equals `0.50`), text by code points: no collation makes two
//! texts equal. A cell is compared as it is delivered; blanks at the end of a value that is compared
//! with [`PaddedText`](crate::ColumnKind::PaddedText) mean nothing. A value of another kind than its
//! column's equals no cell but one that does not fit the column and is delivered as it. A cell that can't be read equals no text, whatever `LIKE` and ranges make
//! of it, and stands in a cursor as its bytes. *Order* of text, in ranges and sorting, is the
//! source's own, so that its indexes serve; every source sorts the ASCII digits as everybody does.
//! [`memory`](crate::memory) is all of this in plain Rust.

use std::sync::Arc;

use crate::{Value, memory};

/// A name of a table, alias or column; shared, because plans are made for every request.
pub type Name = Arc<str>;

/// One statement: a root table, its single-valued joins, what to take, which rows, in which order.
#[derive(Debug, Clone, PartialEq)]
pub struct RowQuery {
    pub root: TableAlias,
    /// In this order; a join may refer to the root and to the joins before it.
    pub joins: Vec<Join>,
    /// The cells of each [`Row`](crate::Row), in this order.
    pub columns: Vec<ColumnRef>,
    pub filter: Predicate,
    /// Total when paging: the last terms MUST be the root's unique key.
    pub order: Vec<Order>,
    /// Start strictly after this position: one value for each term of `order`.
    pub after: Option<Vec<Value>>,
    pub limit: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TableAlias {
    pub table: Name,
    pub alias: Name,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ColumnRef {
    pub alias: Name,
    pub column: Name,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Join {
    pub kind: JoinKind,
    pub target: TableAlias,
    pub on: Predicate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinKind {
    /// Exactly one row: an inner join.
    One,
    /// At most one row: a left join; its columns are NULL when there is none.
    Maybe,
}

/// Which rows. `All(vec![])` is always true, `Any(vec![])` never.
#[derive(Debug, Clone, PartialEq)]
pub enum Predicate {
    All(Vec<Predicate>),
    Any(Vec<Predicate>),
    Not(Box<Predicate>),
    Compare {
        left: Operand,
        comparison: Comparison,
        right: Operand,
    },
    In {
        operand: Operand,
        values: Vec<Value>,
    },
    /// The columns together equal one of the keys: `(a, b) IN ((1, 2), …)`.
    KeyIn {
        columns: Vec<ColumnRef>,
        keys: Vec<Vec<Value>>,
    },
    /// `LIKE`, with the text taken literally. ASCII letters match without regard to case if
    /// `ignore_case`; nothing else is folded.
    Like {
        operand: Operand,
        position: Position,
        text: String,
        ignore_case: bool,
    },
    Null(ColumnRef),
    /// A row of another table exists, with its single-valued joins, correlated by its filter. Its
    /// aliases hide those of the same name around it, so that what refers outwards needs other ones.
    Exists {
        target: TableAlias,
        /// In this order; a join may also refer to the rows around.
        joins: Vec<Join>,
        filter: Box<Predicate>,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    Column(ColumnRef),
    Value(Value),
    /// The first characters of a text column: a `char(14)` time compared with a `char(8)` day.
    Left {
        column: ColumnRef,
        characters: u32,
    },
    /// A text column read as a number; text that is no plain decimal is NULL.
    Number(ColumnRef),
    /// The digits of an integer column, as text: a key that another table holds in a text column.
    Text(ColumnRef),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    /// True when either side is NULL, as the negation of `Equal`.
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    /// The same of the two sides the other way round.
    #[must_use]
    pub fn mirrored(self) -> Self {
        match self {
            Comparison::Less => Comparison::Greater,
            Comparison::LessOrEqual => Comparison::GreaterOrEqual,
            Comparison::Greater => Comparison::Less,
            Comparison::GreaterOrEqual => Comparison::LessOrEqual,
            same @ (Comparison::Equal | Comparison::NotEqual) => same,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    Exact,
    Start,
    Anywhere,
}

/// NULL sorts before every value, in both directions of reading: first when ascending, last when
/// descending.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    pub column: ColumnRef,
    pub descending: bool,
    /// Values, as they are delivered, that stand where NULL stands, all at one place: what a legacy
    /// table writes for nothing (`00000000`). A source may have to sort for them what an index has in
    /// order without them.
    pub blanks: Vec<Value>,
}

impl TableAlias {
    pub fn new(table: impl Into<Name>, alias: impl Into<Name>) -> Self {
        TableAlias { table: table.into(), alias: alias.into() }
    }
}

impl Order {
    pub fn new(column: ColumnRef, descending: bool) -> Self {
        Order { column, descending, blanks: Vec::new() }
    }

    /// A cell with this value stands where NULL stands.
    pub fn is_blank(&self, value: &Value) -> bool {
        let equal = |blank: &Value| memory::holds(value, Comparison::Equal, blank);
        value.is_null() || self.blanks.iter().any(equal)
    }
}

impl ColumnRef {
    pub fn new(alias: impl Into<Name>, column: impl Into<Name>) -> Self {
        ColumnRef { alias: alias.into(), column: column.into() }
    }
}

impl Predicate {
    pub const TRUE: Predicate = Predicate::All(Vec::new());
    pub const FALSE: Predicate = Predicate::Any(Vec::new());

    /// A row of one table, without joins.
    pub fn exists(target: TableAlias, filter: Predicate) -> Self {
        Predicate::Exists { target, joins: Vec::new(), filter: Box::new(filter) }
    }

    pub fn equal(column: ColumnRef, value: Value) -> Self {
        Predicate::Compare {
            left: Operand::Column(column),
            comparison: Comparison::Equal,
            right: Operand::Value(value),
        }
    }

    /// True for every row, whatever the source holds.
    pub fn is_true(&self) -> bool {
        matches!(self, Predicate::All(terms) if terms.iter().all(Predicate::is_true))
    }

    /// False for every row, so that no statement is needed.
    pub fn is_false(&self) -> bool {
        match self {
            Predicate::Any(terms) => terms.iter().all(Predicate::is_false),
            Predicate::All(terms) => terms.iter().any(Predicate::is_false),
            _ => false,
        }
    }

    /// Both hold. Flattens, so that printed plans stay readable.
    pub fn and(self, other: Predicate) -> Self {
        match (self, other) {
            (Predicate::All(mut terms), Predicate::All(more)) => {
                terms.extend(more);
                Predicate::All(terms)
            }
            (Predicate::All(mut terms), term) => {
                terms.push(term);
                Predicate::All(terms)
            }
            (term, Predicate::All(mut terms)) => {
                terms.insert(0, term);
                Predicate::All(terms)
            }
            (left, right) => Predicate::All(vec![left, right]),
        }
    }
}
