//! The binary: which command, which language, which exit code. What commands do is in [`command`].
//!
//! The way of a request: [`parse`] → [`plan`] → [`fetch`] → [`emit`] → [`respond`]; only `fetch`
//! talks to the hospital's system. [`read`] and [`search`] name the rooms in this order.

mod batch;
mod bulk;
mod bundle;
mod capability;
mod clients;
mod coded_rows;
mod codes;
mod command;
mod conditional;
mod config;
mod documents;
mod emit;
mod error;
mod everything;
mod exchange;
mod export;
mod fetch;
mod governor;
mod http;
mod identity;
mod in_memory;
mod interaction;
mod lenient;
mod links;
mod log;
mod negotiate;
mod openapi;
mod operations;
mod parse;
mod plan;
mod read;
mod replace;
mod respond;
mod review;
mod rule_files;
mod search;
mod service;
mod site;
mod sources;
mod stages;
mod telemetry;
mod terminology;
mod trace;
mod validate;

use std::process::ExitCode;

use clap::Parser;

use command::{Cli, Failure};

pub const VERSION: &str = env!("CARGO_PKG_VERSION");

// Without huge pages (feature `no_thp`), which would keep 14 MB more for a server that idles.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let manner = cli.manner();
    match command::run(cli, manner) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.tell(manner);
            failure.exit_code()
        }
    }
}

/// Help and version are answers, not mistakes.
fn usage(error: &clap::Error) -> ExitCode {
    let asked = !error.use_stderr();
    if error.print().is_err() || asked {
        return ExitCode::SUCCESS;
    }
    Failure::usage(String::new()).exit_code()
}
