//! What a black-box test needs: a database of its own and a running Genkan. Everything here
//! returns `anyhow::Result`, so that a test fails with the sentence that says what was missing.

mod authority;
mod database;
mod http;
mod http2;
mod network;
mod process;
mod server;

pub use authority::{Authority, Identity};
pub use database::{Database, Encoding, Engine, Held, available_engines};
pub use http::{Answer, Client};
pub use http2::{Begun, Http2};
pub use network::Network;
pub use process::{Genkan, genkan_command, pause};
pub use server::Server;

/// Types that are made of the rules and the masters, not of rows; they have tests of their own.
pub const NO_ROWS: [&str; 4] = ["CodeSystem", "ConceptMap", "SearchParameter", "ValueSet"];
