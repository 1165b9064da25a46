//! The product from outside: a harness that runs the built binary against real databases, a
//! benchmark, and `tidy`, which keeps the promises that the repository makes about itself. Separate from the
//! product's packages so that nothing of it is ever shipped.

pub mod bench;
pub mod fhir_package;
pub mod following;
pub mod fuzz;
pub mod harness;
pub mod hospital;
pub mod illness;
pub mod oracle;
pub mod tidy;
