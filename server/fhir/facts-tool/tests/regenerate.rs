//! The committed table is what the tool makes of the package it names.

use std::{env, fs, path::Path};

#[test]
fn regenerating_gives_the_committed_bytes() {
    let Ok(package) = env::var("GENKAN_R4_DEFINITIONS_TGZ") else {
        println!("skipped: GENKAN_R4_DEFINITIONS_TGZ names no package archive");
        return;
    };
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src/definitions/r4.facts");
    let committed = fs::read_to_string(committed).expect("the table is committed");
    let made = genkan_fhir_facts::fact_table(&fs::read(package).expect("the archive is readable"))
        .expect("the archive is the known package");
    // Not assert_eq: it would print both tables.
    let difference = committed.lines().zip(made.lines()).find(|(left, right)| left != right);
    assert_eq!(difference, None, "first line that differs");
    assert!(committed == made, "one table is longer: {} and {} bytes", committed.len(), made.len());
}

#[test]
fn an_archive_that_is_not_the_package_is_refused() {
    assert!(genkan_fhir_facts::fact_table(b"not a gzip archive").is_err());
}
