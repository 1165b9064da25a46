//! `[codes]`: where the national code masters (標準コードマスタ) of this site are kept.

use std::path::PathBuf;

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
}

impl Default for CodesConfig {
    fn default() -> Self {
        CodesConfig {
            masters_file: PathBuf::from("masters.genkan"),
            expand_codes_max: 1000,
            read_codes_max: 500,
        }
    }
}
