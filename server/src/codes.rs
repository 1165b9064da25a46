//! `[codes]`: where the national code masters (標準コードマスタ) of this site are kept.

use std::path::PathBuf;

use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CodesConfig {
    /// Written by `genkan codes import`, and by nobody else.
    pub masters_file: PathBuf,
}

impl Default for CodesConfig {
    fn default() -> Self {
        CodesConfig { masters_file: PathBuf::from("masters.genkan") }
    }
}
