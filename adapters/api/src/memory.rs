//! The meaning of a [`RowQuery`], in plain Rust over rows held in memory.
//!
//! File sources read their rows into a [`MemoryAdapter`]; the other adapters' tests hold their
//! answers against it. It is kept naive: nested loops, no index, a cap on the work.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use async_trait::async_trait;
use futures::{StreamExt, stream};

use crate::{
    Adapter, AdapterError, Capabilities, ChangeFeed, ChangePage, ChangeRequest, ColumnKind,
    ColumnRef, Comparison, Decimal, ErrorCategory, Excess, Health, Join, JoinKind, Operand, Order,
    Position, Predicate, Row, RowQuery, RowStream, SourceSchema, Statement, TableAlias, Value,
};

/// Rows looked at in one query.
const LOOKS_MAX: u64 = 50_000_000;

static ALWAYS: Predicate = Predicate::TRUE;
const GO_ON: Result<ControlFlow<()>, AdapterError> = Ok(ControlFlow::Continue(()));

/// A row to be put into a table: its cells by column name; a column that is left out is NULL.
pub type SourceRow = (String, Vec<(String, Value)>);

/// A source whose rows are all in memory.
pub struct MemoryAdapter {
    schema: SourceSchema,
    tables: HashMap<String, MemoryTable>,
}

struct MemoryTable {
    columns: HashMap<String, (usize, ColumnKind)>,
    rows: Vec<Box<[Value]>>,
}

impl MemoryAdapter {
    /// Fails if a row names a table or column that the schema does not have.
    pub fn new(schema: SourceSchema, rows: &[SourceRow]) -> Result<Self, AdapterError> {
        let mut tables: HashMap<String, MemoryTable> = schema
            .tables
            .iter()
            .map(|(name, table)| {
                let columns = table.columns.iter().enumerate();
                let columns = columns.map(|(place, c)| (c.name.clone(), (place, c.kind))).collect();
                (name.clone(), MemoryTable { columns, rows: Vec::new() })
            })
            .collect();
        for (name, cells) in rows {
            let table = tables.get_mut(name).ok_or_else(|| missing("table", name))?;
            let mut row = vec![Value::Null; table.columns.len()].into_boxed_slice();
            for (column, value) in cells {
                let (place, kind) =
                    table.columns.get(column).ok_or_else(|| missing("column", column))?;
                if let Some(cell) = row.get_mut(*place) {
                    *cell = without_padding(*kind, value).into_owned();
                }
            }
            table.rows.push(row);
        }
        Ok(MemoryAdapter { schema, tables })
    }

    fn evaluation(&self) -> Evaluation<'_> {
        Evaluation { tables: &self.tables, bound: Vec::new(), looks: 0 }
    }

    fn answer(&self, query: &RowQuery) -> Result<Vec<Row>, AdapterError> {
        let mut evaluation = self.evaluation();
        let mut found: Vec<(Vec<Value>, Row)> = Vec::new();
        // Goes on to the end by itself.
        let _ = evaluation.scan(Selection::of(query), 0, &mut |evaluation| {
            let position = evaluation.cells(query.order.iter().map(|order| &order.column))?;
            if let Some(after) = &query.after
                && !evaluation.is_after(&query.order, &position, after)?
            {
                return GO_ON;
            }
            let cells = evaluation.cells(query.columns.iter())?;
            found.push((position, Row(cells.into())));
            GO_ON
        })?;
        found.sort_by(|(left, _), (right, _)| order_positions(&query.order, left, right));
        let limit =
            query.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found.into_iter().take(limit).map(|(_, row)| row).collect())
    }
}

#[async_trait]
impl Adapter for MemoryAdapter {
    fn capabilities(&self) -> Capabilities {
        Capabilities { exists: true, number_of_text: true, changes: ChangeFeed::Polled }
    }

    async fn schema(&self) -> Result<SourceSchema, AdapterError> {
        Ok(self.schema.clone())
    }

    fn rows<'a>(&'a self, query: &'a RowQuery) -> RowStream<'a> {
        match self.answer(query) {
            Ok(rows) => stream::iter(rows.into_iter().map(Ok)).boxed(),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    async fn count(&self, query: &RowQuery) -> Result<u64, AdapterError> {
        let mut count = 0;
        let _ = self.evaluation().scan(Selection::of(query), 0, &mut |_| {
            count += 1;
            GO_ON
        })?;
        Ok(count)
    }

    /// There is no planner: to know is to count.
    async fn estimate(&self, _query: &RowQuery) -> Result<Option<u64>, AdapterError> {
        Ok(None)
    }

    fn explain(&self, _query: &RowQuery) -> Option<Statement> {
        None
    }

    async fn database_plan(&self, _query: &RowQuery) -> Result<Vec<String>, AdapterError> {
        Ok(Vec::new())
    }

    async fn changes(&self, request: &ChangeRequest) -> Result<ChangePage, AdapterError> {
        Ok(request.page(self.answer(&request.query())?))
    }

    async fn health(&self) -> Result<Health, AdapterError> {
        Ok(Health { product: "memory".to_owned(), read_only: true })
    }

    async fn excess(&self) -> Result<Vec<Excess>, AdapterError> {
        Ok(Vec::new())
    }
}

/// The rows that the aliases stand for at the moment; `None` for a left join that found nothing.
struct Evaluation<'a> {
    tables: &'a HashMap<String, MemoryTable>,
    bound: Vec<(&'a str, &'a MemoryTable, Option<&'a [Value]>)>,
    looks: u64,
}

/// The rows of a table with its joins that meet a filter.
#[derive(Clone, Copy)]
struct Selection<'a> {
    root: &'a TableAlias,
    joins: &'a [Join],
    filter: &'a Predicate,
}

impl<'a> Selection<'a> {
    fn of(query: &'a RowQuery) -> Self {
        Selection { root: &query.root, joins: &query.joins, filter: &query.filter }
    }
}

/// An operand's value; `padded` if it comes from a column of padded text.
struct Operated<'v> {
    value: Cow<'v, Value>,
    literal: bool,
    padded: bool,
}

/// Whether to go on to further rows.
type Visit<'v, 'a> =
    &'v mut dyn FnMut(&mut Evaluation<'a>) -> Result<ControlFlow<()>, AdapterError>;

impl<'a> Evaluation<'a> {
    fn table(&self, target: &TableAlias) -> Result<&'a MemoryTable, AdapterError> {
        self.tables.get(&*target.table).ok_or_else(|| missing("table", &target.table))
    }

    /// Binds the root and the joins one after the other; visits where all and the filter hold.
    fn scan(
        &mut self,
        of: Selection<'a>,
        depth: usize,
        visit: Visit<'_, 'a>,
    ) -> Result<ControlFlow<()>, AdapterError> {
        let join = depth.checked_sub(1).map(|place| of.joins.get(place));
        let (target, on, optional) = match join {
            None => (of.root, &ALWAYS, false),
            Some(Some(join)) => (&join.target, &join.on, join.kind == JoinKind::Maybe),
            Some(None) => {
                return if self.holds(of.filter)? { visit(self) } else { GO_ON };
            }
        };
        let table = self.table(target)?;
        let mut found = false;
        for row in &table.rows {
            self.look()?;
            self.bound.push((&target.alias, table, Some(row)));
            let mut flow = ControlFlow::Continue(());
            if self.holds(on)? {
                found = true;
                flow = self.scan(of, depth + 1, visit)?;
            }
            self.bound.pop();
            if flow.is_break() {
                return Ok(flow);
            }
        }
        if optional && !found {
            self.bound.push((&target.alias, table, None));
            let flow = self.scan(of, depth + 1, visit)?;
            self.bound.pop();
            return Ok(flow);
        }
        GO_ON
    }

    fn look(&mut self) -> Result<(), AdapterError> {
        self.looks += 1;
        if self.looks > LOOKS_MAX {
            let message = format!("a query looked at more than {LOOKS_MAX} rows; narrow it");
            return Err(AdapterError::new(ErrorCategory::LimitExceeded, message));
        }
        Ok(())
    }

    fn cell(&self, name: &ColumnRef) -> Result<(&'a Value, ColumnKind), AdapterError> {
        let bound = self.bound.iter().rev().find(|(alias, ..)| **alias == *name.alias);
        let (_, table, row) = bound.ok_or_else(|| missing("alias", &name.alias))?;
        let (place, kind) =
            table.columns.get(&*name.column).ok_or_else(|| missing("column", &name.column))?;
        Ok((row.and_then(|row| row.get(*place)).unwrap_or(&Value::Null), *kind))
    }

    fn cells<'n>(
        &self,
        names: impl Iterator<Item = &'n ColumnRef>,
    ) -> Result<Vec<Value>, AdapterError> {
        names.map(|name| Ok(self.cell(name)?.0.clone())).collect()
    }

    fn holds(&mut self, predicate: &'a Predicate) -> Result<bool, AdapterError> {
        match predicate {
            Predicate::All(terms) => {
                terms.iter().try_fold(true, |all, term| Ok(all && self.holds(term)?))
            }
            Predicate::Any(terms) => {
                terms.iter().try_fold(false, |any, term| Ok(any || self.holds(term)?))
            }
            Predicate::Not(inner) => Ok(!self.holds(inner)?),
            Predicate::Null(column) => Ok(self.cell(column)?.0.is_null()),
            Predicate::Compare { left, comparison, right } => {
                let (left, right) = (self.operate(left)?, self.operate(right)?);
                let (left, right) = (left.beside(&right), right.beside(&left));
                Ok(holds(&left, *comparison, &right))
            }
            Predicate::In { operand, values } => {
                let operand = self.operate(operand)?;
                Ok(values.iter().any(|value| operand.equals(value)))
            }
            Predicate::KeyIn { columns, keys } => self.key_in(columns, keys),
            Predicate::Like { operand, position, text, ignore_case } => {
                let operand = self.operate(operand)?;
                let exact = *position == Position::Exact && operand.padded;
                let text = if exact { text.trim_end_matches(' ') } else { text };
                Ok(matches!(operand.value.as_ref(),
                    Value::Text(value) if like(value, *position, text, *ignore_case)))
            }
            Predicate::Exists { target, joins, filter } => {
                let of = Selection { root: target, joins, filter };
                let flow = self.scan(of, 0, &mut |_| Ok(ControlFlow::Break(())))?;
                Ok(flow.is_break())
            }
        }
    }

    fn key_in(&self, columns: &[ColumnRef], keys: &[Vec<Value>]) -> Result<bool, AdapterError> {
        if keys.iter().any(|key| key.len() != columns.len()) {
            let message = "a key has more or fewer values than columns";
            return Err(AdapterError::new(ErrorCategory::Mismatch, message));
        }
        let cells: Vec<_> = columns.iter().map(|name| self.cell(name)).collect::<Result<_, _>>()?;
        Ok(keys.iter().any(|key| {
            cells.iter().zip(key).all(|((cell, kind), value)| {
                holds(cell, Comparison::Equal, &without_padding(*kind, value))
            })
        }))
    }

    fn operate<'o>(&self, operand: &'o Operand) -> Result<Operated<'o>, AdapterError>
    where
        'a: 'o,
    {
        let (value, padded) = match operand {
            Operand::Value(value) => {
                let value = Cow::Borrowed(value);
                return Ok(Operated { value, literal: true, padded: false });
            }
            Operand::Column(name) => {
                let (value, kind) = self.cell(name)?;
                (Cow::Borrowed(value), matches!(kind, ColumnKind::PaddedText { .. }))
            }
            Operand::Left { column, characters } => match self.cell(column)?.0 {
                Value::Text(text) => {
                    let characters = usize::try_from(*characters).unwrap_or(usize::MAX);
                    (Cow::Owned(Value::Text(text.chars().take(characters).collect())), false)
                }
                _ => (Cow::Owned(Value::Null), false),
            },
            Operand::Text(column) => {
                let text = match self.cell(column)?.0 {
                    Value::Integer(number) => Value::Text(number.to_string()),
                    // It does not fit its column and is delivered as it is.
                    Value::Text(text) => Value::text(text),
                    _ => Value::Null,
                };
                (Cow::Owned(text), false)
            }
            Operand::Number(column) => match self.cell(column)?.0 {
                Value::Text(text) => {
                    let number = Decimal::parse(text).map_or(Value::Null, Value::Decimal);
                    (Cow::Owned(number), false)
                }
                _ => (Cow::Owned(Value::Null), false),
            },
        };
        Ok(Operated { value, literal: false, padded })
    }

    fn is_after(
        &self,
        order: &[Order],
        position: &[Value],
        after: &[Value],
    ) -> Result<bool, AdapterError> {
        if after.len() != order.len() {
            let message = "the cursor has more or fewer values than the order has terms";
            return Err(AdapterError::new(ErrorCategory::Mismatch, message));
        }
        let mut trimmed = Vec::with_capacity(after.len());
        for (order, value) in order.iter().zip(after) {
            let (_, kind) = self.cell(&order.column)?;
            trimmed.push(without_padding(kind, value).into_owned());
        }
        Ok(order_positions(order, position, &trimmed) == Ordering::Greater)
    }
}

impl<'v> Operated<'v> {
    /// Blanks at the end of a value mean nothing to a column of padded text.
    fn beside(&self, other: &Operated<'_>) -> Cow<'v, Value> {
        match self.value.as_ref() {
            Value::Text(text) if self.literal && other.padded => {
                Cow::Owned(Value::text(text.trim_end_matches(' ')))
            }
            _ => self.value.clone(),
        }
    }

    fn equals(&self, value: &Value) -> bool {
        match value {
            Value::Text(text) if self.padded => {
                matches!(self.value.as_ref(), Value::Text(own) if own == text.trim_end_matches(' '))
            }
            value => holds(&self.value, Comparison::Equal, value),
        }
    }
}

fn without_padding(kind: ColumnKind, value: &Value) -> Cow<'_, Value> {
    match (kind, value) {
        (ColumnKind::PaddedText { .. }, Value::Text(text)) if text.ends_with(' ') => {
            Cow::Owned(Value::text(text.trim_end_matches(' ')))
        }
        _ => Cow::Borrowed(value),
    }
}

fn order_positions(order: &[Order], left: &[Value], right: &[Value]) -> Ordering {
    let terms = order.iter().zip(left.iter().zip(right));
    terms
        .map(|(order, (left, right))| {
            let place = |value| if order.is_blank(value) { &Value::Null } else { value };
            let ordering = sort(place(left), place(right));
            if order.descending { ordering.reverse() } else { ordering }
        })
        .find(|ordering| ordering.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// Two-valued truth of a comparison; only `NotEqual` holds with NULL or between unlike values.
pub fn holds(left: &Value, comparison: Comparison, right: &Value) -> bool {
    let Some(ordering) = compare(left, right) else { return comparison == Comparison::NotEqual };
    match comparison {
        Comparison::Equal => ordering.is_eq(),
        Comparison::NotEqual => ordering.is_ne(),
        Comparison::Less => ordering.is_lt(),
        Comparison::LessOrEqual => ordering.is_le(),
        Comparison::Greater => ordering.is_gt(),
        Comparison::GreaterOrEqual => ordering.is_ge(),
    }
}

/// By value: `0.5` and `0.50` are equal here. `None` with NULL and between unlike values.
pub fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    Some(match (left, right) {
        (Value::Boolean(left), Value::Boolean(right)) => left.cmp(right),
        (Value::Integer(left), Value::Integer(right)) => left.cmp(right),
        (Value::Integer(left), Value::Decimal(right)) => {
            right.compare(&Decimal::from(*left)).reverse()
        }
        (Value::Decimal(left), Value::Integer(right)) => left.compare(&Decimal::from(*right)),
        (Value::Decimal(left), Value::Decimal(right)) => left.compare(right),
        (Value::Text(left), Value::Text(right)) => left.cmp(right),
        (Value::Date(left), Value::Date(right)) => left.cmp(right),
        (Value::Time(left), Value::Time(right)) => left.cmp(right),
        (Value::DateTime(left), Value::DateTime(right)) => left.cmp(right),
        (Value::Instant(left), Value::Instant(right)) => left.cmp(right),
        (Value::Bytes(left), Value::Bytes(right)) => left.cmp(right),
        (Value::Unreadable(left), Value::Unreadable(right)) => left.bytes().cmp(right.bytes()),
        _ => return None,
    })
}

/// NULL first, then by value; a cell that does not fit its column (a text) after those that do, and
/// what can't be read last.
fn sort(left: &Value, right: &Value) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Null => 0,
        Value::Text(_) => 2,
        Value::Unreadable(_) => 3,
        _ => 1,
    };
    compare(left, right).unwrap_or_else(|| rank(left).cmp(&rank(right)))
}

/// [`Predicate::Like`] on one text.
pub fn like(value: &str, position: Position, text: &str, ignore_case: bool) -> bool {
    let found = |value: &str, text: &str| match position {
        Position::Exact => value == text,
        Position::Start => value.starts_with(text),
        Position::Anywhere => value.contains(text),
    };
    if ignore_case {
        found(&value.to_ascii_lowercase(), &text.to_ascii_lowercase())
    } else {
        found(value, text)
    }
}

fn missing(what: &str, name: &str) -> AdapterError {
    let message = format!("the source has no {what} {name}; run `genkan rules check`");
    AdapterError::new(ErrorCategory::Mismatch, message)
}

/// Groups rows by table, for whoever writes them elsewhere.
pub fn by_table(rows: &[SourceRow]) -> BTreeMap<&str, Vec<&[(String, Value)]>> {
    let mut tables: BTreeMap<&str, Vec<&[(String, Value)]>> = BTreeMap::new();
    for (table, cells) in rows {
        tables.entry(table).or_default().push(cells);
    }
    tables
}
