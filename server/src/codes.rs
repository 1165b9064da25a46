//! `[codes]`: where the national code masters (標準コードマスタ) of this site are kept.

use std::path::PathBuf;

use genkan_masters::ReadLimits;
use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CodesConfig {
    /// Written by `genkan codes import`, and by nobody else.
    pub masters_file: PathBuf,
    /// Codes in one answer of `$expand`.
    pub expand_codes_max: usize,
    /// Codes that a CodeSystem, ValueSet or ConceptMap spells out; larger ones are asked by operations.
    pub read_codes_max: usize,
    /// People may review the code maps over HTTP, and what they decide is written into the folder of the
    /// rules.
    pub review: bool,
    /// Rows of each rule that one question of a reviewer reads from the source.
    pub review_rows_max: usize,
    /// House codes in one answer of `$local-codes`.
    pub review_codes_max: usize,
    /// Candidates for each target in one answer of `$suggest`.
    pub suggest_codes_max: usize,
    /// How much of one file `genkan codes import` reads.
    pub import: ReadLimits,
}

impl Default for CodesConfig {
    fn default() -> Self {
        CodesConfig {
            masters_file: PathBuf::from("masters.genkan"),
            expand_codes_max: 1000,
            read_codes_max: 500,
            review: false,
            review_rows_max: 10_000,
            review_codes_max: 1000,
            suggest_codes_max: 20,
            import: ReadLimits::default(),
        }
    }
}
