//! The benchmark as a program; `tests/bench/run` starts it with a database server.

use anyhow::Result;
use clap::Parser;
use genkan_tests::bench::{Arguments, run};

fn main() -> Result<()> {
    run(&Arguments::parse())
}
