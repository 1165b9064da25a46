//! SQLite, PostgreSQL, MariaDB and MySQL as a source of rows.
//!
//! A query of the plug becomes one `SELECT`: names quoted by sea-query, every value a parameter,
//! cast to its column's type so that the hospital's own indexes serve it. Rows are decoded here,
//! cell by cell, and not by the driver's conversions, which lose digits and fail on zero dates.
//!
//! How it stays harmless: every statement runs in a read-only transaction, sessions are few and under
//! the server's own time limit, and a statement that nobody waits for is ended where it runs. What
//! the account may do beyond reading is told ([`genkan_adapter::Adapter::excess`]).
//!
//! Where databases differ, this crate gives one meaning. Equality of text is by code point on all
//! of them, whatever the column's collation. The *order* of text is the source's own, because
//! anything else would cost the index. Text of legacy encodings is read as it is stored ([`Charset`]),
//! because servers answer one character that they can't convert with an error or with `?`.

#![forbid(unsafe_code)]

mod adapter;
mod catalog;
mod charset;
mod config;
mod connect;
mod decode;
mod digits;
mod disguised;
mod driver;
mod equality;
mod estimate;
mod failure;
mod file;
mod from;
mod in_memory;
mod introspect;
mod joined;
mod knowledge;
mod literal;
mod loose;
mod matching;
mod misfit;
mod order;
mod padded;
mod predicate;
mod repertoire;
mod rights;
mod scope;
mod server;
mod session;
mod statement;
mod ties;
mod wire;

pub use adapter::SqlAdapter;
pub use charset::Charset;
pub use config::SqlConfig;
