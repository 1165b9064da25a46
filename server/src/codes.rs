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
    pub import: ImportConfig,
}

/// How much of one file `genkan codes import` reads.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImportConfig {
    pub file_bytes_max: u64,
    pub unpacked_bytes_max: u64,
    pub line_bytes_max: usize,
    pub rows_max: usize,
    pub columns_max: usize,
    pub cells_max: usize,
    pub rejected_lines_max: usize,
}

impl ImportConfig {
    pub fn limits(&self) -> ReadLimits {
        ReadLimits {
            file_bytes_max: self.file_bytes_max,
            unpacked_bytes_max: self.unpacked_bytes_max,
            line_bytes_max: self.line_bytes_max,
            rows_max: self.rows_max,
            columns_max: self.columns_max,
            cells_max: self.cells_max,
            rejected_lines_max: self.rejected_lines_max,
        }
    }
}

impl Default for ImportConfig {
    fn default() -> Self {
        let ReadLimits {
            file_bytes_max,
            unpacked_bytes_max,
            line_bytes_max,
            rows_max,
            columns_max,
            cells_max,
            rejected_lines_max,
        } = ReadLimits::default();
        ImportConfig {
            file_bytes_max,
            unpacked_bytes_max,
            line_bytes_max,
            rows_max,
            columns_max,
            cells_max,
            rejected_lines_max,
        }
    }
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
            import: ImportConfig::default(),
        }
    }
}
