//! What the account may do beyond reading, from the database's own catalog of rights. A session that
//! refuses to write protects against mistakes only: who may write can tell it otherwise.
//!
//! Decided here, because databases give these to everybody: temporary tables and large objects of
//! the account's own (PostgreSQL) are no right too many; nobody else's rows are in them, and no
//! statement of this adapter makes one. Functions written in C are what their extension says.

pub(crate) mod mysql;
pub(crate) mod postgres;
pub(crate) mod sqlite;

use genkan_adapter::{Excess, Gravity};

/// A right beyond reading; of a function with the name by which the configuration can allow it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Right {
    excess: Excess,
    function: Option<String>,
}

impl Right {
    fn new(right: impl Into<String>, remedy: impl Into<String>) -> Self {
        let excess =
            Excess { right: right.into(), remedy: remedy.into(), gravity: Gravity::Writes };
        Right { excess, function: None }
    }
}

/// Those that are too many: all but functions that the configuration allows by their name.
pub(crate) fn excess(rights: Vec<Right>, functions_allowed: &[String]) -> Vec<Excess> {
    let allowed = |right: &Right| {
        right.function.as_ref().is_some_and(|function| functions_allowed.contains(function))
    };
    rights.into_iter().filter(|right| !allowed(right)).map(|right| right.excess).collect()
}
