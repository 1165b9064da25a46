//! What a database seems to hold, from a sample of its rows: profiles of columns, keys, joins, the
//! resource type that a table may be, and drafts of rules. For `genkan rules scan`, which fetches.
//!
//! Nothing here is certain, so each finding says why. And nothing here is anybody's: a profile keeps
//! counts and shapes, and of values only the codes that many rows share.

mod dates;
pub mod draft;
mod guess;
mod join;
mod key;
mod profile;

pub use dates::{DateSpelling, spelling};
pub use guess::{Guess, ResourceKind, guess};
pub use join::{Candidate, Joined, candidates};
pub use key::{candidate_keys, key_value};
pub use profile::{CellHashes, ColumnProfile, Profiler, TableProfile};
