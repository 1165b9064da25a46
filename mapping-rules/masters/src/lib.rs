//! The national code masters (標準コードマスタ): readers of the files as they are published, and the
//! codes that they hold.
//!
//! Pure: bytes in, values out. A file becomes a [`Reading`]: its rows as changes of code systems, and
//! every line that can't be used, with its reason.

#![forbid(unsafe_code)]

mod concept;
mod crosswalk;
mod jfagy;
mod jlac;
mod jlac10;
mod kind;
mod medis;
mod mhlw;
mod reading;
mod references;
mod refused;
mod sheet;
mod ssk;
mod store;
pub mod suggest;
pub mod system;
mod text;
mod usage;

pub use concept::{Change, Concept, Property};
pub use crosswalk::{
    Crosswalk, Described, Fact, Holding, Part, Split, Standing, Successor, Unchecked,
};
pub use kind::{Kind, read, read_within};
pub use reading::{ReadLimits, Reading, Reason, Rejected, Scope};
pub use refused::ReadError;
pub use store::{
    Applied, Edition, Import, ImportError, Known, Masters, Store, StoreError, Unapplied, Words,
    fold,
};
