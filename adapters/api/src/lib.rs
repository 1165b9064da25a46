//! The plug: everything that Genkan and a hospital's source know of each other.
//!
//! An adapter reads one source. It knows nothing of FHIR; the engine above knows nothing of SQL or
//! of file formats. The words MUST and SHOULD are those of RFC 2119; [`conformance`] tests each
//! MUST on any adapter.
//!
//! An adapter
//! - MUST only ever read, in a way in which the source itself refuses to write, and MUST tell what its
//!   account may do beyond reading;
//! - MUST pass every value of a query as a value, and quote every name;
//! - MUST deliver cells as [`ColumnKind`] says, with text and decimals exactly as stored, except that
//!   blanks at the end of [`ColumnKind::PaddedText`] are removed;
//! - MUST deliver a cell that does not fit its column's kind (a zero date) as [`Value::Text`] of what
//!   is there, and text whose bytes mean nothing in the source's encoding as [`Value::Unreadable`],
//!   so that the rules can say what was wrong: one bad cell never fails a query, and no `?` or
//!   U+FFFD stands for what was there;
//! - MUST answer a query for text that the source's encoding cannot express as if no row held it;
//! - MUST honour order, cursor and limit of a query exactly, with truth and NULL as [`query`] says;
//! - MUST stop reading when the stream is dropped, and end there what the source does for it;
//! - MUST keep its own connection cap, time limit and row limit, and answer [`ErrorCategory::Busy`]
//!   when all connections are taken, [`ErrorCategory::LimitExceeded`] when another limit is met, and say
//!   which [`Limit`] it was;
//! - MUST NOT put row content, bound values or secrets into an error, and MUST classify every error;
//! - SHOULD recover by itself when the source comes back.

#![forbid(unsafe_code)]

pub mod conformance;
mod error;
mod excess;
pub mod memory;
pub mod query;
pub mod schema;
mod value;

use async_trait::async_trait;
use futures::stream::BoxStream;

pub use error::{AdapterError, ErrorCategory, Limit};
pub use excess::{Excess, Gravity};
pub use query::{
    ColumnRef, Comparison, Join, JoinKind, Name, Operand, Order, Position, Predicate, RowQuery,
    TableAlias,
};
pub use schema::{Column, ColumnKind, Index, SourceSchema, Table};
pub use value::{Decimal, Row, Unreadable, Value};

/// Rows as they arrive. Dropping the stream stops the query.
pub type RowStream<'a> = BoxStream<'a, Result<Row, AdapterError>>;

/// One source of a hospital's rows.
#[async_trait]
pub trait Adapter: Send + Sync {
    fn capabilities(&self) -> Capabilities;

    /// Tables, columns, keys, indexes, as they are now.
    async fn schema(&self) -> Result<SourceSchema, AdapterError>;

    /// Runs one query. The number of calls is the number of statements: an adapter MUST NOT hide
    /// further queries behind one.
    fn rows<'a>(&'a self, query: &'a RowQuery) -> RowStream<'a>;

    /// How many rows match a query, whatever its columns, order, cursor and limit: the rows that
    /// [`Adapter::rows`] would bring page after page. One statement.
    async fn count(&self, query: &RowQuery) -> Result<u64, AdapterError>;

    /// How many rows of a query the source's own planner expects, without reading them: at most one
    /// statement, whose cost does not depend on how many rows there are. `None` for a source that
    /// can't say; never a guess of the adapter's own.
    async fn estimate(&self, query: &RowQuery) -> Result<Option<u64>, AdapterError>;

    /// The text of the statement, for people (`genkan rules explain`); `None` for sources that have
    /// no query language.
    fn explain(&self, query: &RowQuery) -> Option<Statement>;

    /// How the source says that it would answer a query, line by line, without answering it; empty
    /// for sources that say nothing. The lines may show values of the query: for who asked, and no
    /// log.
    async fn database_plan(&self, query: &RowQuery) -> Result<Vec<String>, AdapterError>;

    /// Keys of the rows changed after a cursor; see [`Capabilities::changes`].
    async fn changes(&self, request: &ChangeRequest) -> Result<ChangePage, AdapterError>;

    /// Reachable, and as what.
    async fn health(&self) -> Result<Health, AdapterError>;

    /// What the account may do beyond reading, as its rights are now; empty for one that can only
    /// read.
    async fn excess(&self) -> Result<Vec<Excess>, AdapterError>;

    /// What the server behind the source says of itself, for those who look after it.
    async fn server(&self) -> Result<SourceServer, AdapterError> {
        Ok(SourceServer::default())
    }

    /// The connections of this moment; `None` for a source without any. Asks nothing of the source.
    fn load(&self) -> Option<Load> {
        None
    }
}

/// What a source can do; a plan that needs more is refused when the rules are loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Evaluates [`Predicate::Exists`].
    pub exists: bool,
    /// Evaluates [`Operand::Number`].
    pub number_of_text: bool,
    pub changes: ChangeFeed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeFeed {
    /// No feed: the caller compares key sets.
    None,
    /// Rows in the order of a column that grows with each change; deleted rows are not seen.
    Polled,
}

/// Asks for the keys of changed rows in the order of `updated`.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeRequest {
    pub table: Name,
    pub key: Vec<Name>,
    pub updated: Name,
    /// The last position seen: the updated value and the key; `None` starts at the beginning.
    pub after: Option<Vec<Value>>,
    pub limit: u64,
}

impl ChangeRequest {
    /// The same question as a query, for sources whose feed is a poll: the updated value and the
    /// key, in their order.
    pub fn query(&self) -> RowQuery {
        let columns: Vec<ColumnRef> = std::iter::once(&self.updated)
            .chain(&self.key)
            .map(|column| ColumnRef::new("changed", column.clone()))
            .collect();
        RowQuery {
            root: TableAlias::new(self.table.clone(), "changed"),
            joins: Vec::new(),
            order: columns.iter().map(|column| Order::new(column.clone(), false)).collect(),
            columns,
            filter: Predicate::TRUE,
            after: self.after.clone(),
            limit: Some(self.limit),
        }
    }

    /// The answer, from the rows of [`ChangeRequest::query`].
    pub fn page(&self, rows: Vec<Row>) -> ChangePage {
        let next = rows.last().map(|row| row.values().to_vec()).or_else(|| self.after.clone());
        let key = |row: Row| row.0.into_vec().split_off(1);
        ChangePage { keys: rows.into_iter().map(key).collect(), next }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ChangePage {
    pub keys: Vec<Vec<Value>>,
    /// To be passed as `after` next time; unchanged when nothing was new.
    pub next: Option<Vec<Value>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Health {
    /// Product and version, as the source says it.
    pub product: String,
    /// The session refuses to write, whatever the account may do.
    pub read_only: bool,
}

/// A source's server in its own words; `None` is what it does not tell or does not have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceServer {
    /// Of its text.
    pub encoding: Option<String>,
    /// Connections that it lets this account open at one time, of all its clients together.
    pub connections_max: Option<u64>,
    /// Its clock: milliseconds since 1970-01-01T00:00:00Z.
    pub unix_time_ms: Option<i64>,
}

/// How much of a source's connections is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    pub connections_max: u32,
    pub connections_in_use: u32,
    /// Statements that wait for a connection.
    pub waiting: u32,
}

/// A statement with its values, for people.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    pub text: String,
    pub values: Vec<String>,
}
