//! What a filled hospital consists of: enough to tell whether two of them are the same.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Hospital;
use crate::dirt::DefectKind;
use crate::rows::{Batch, MultisetHash};
use crate::schema::Schema;

/// Raised whenever the same seed gives other rows.
pub const GENERATOR_VERSION: u32 = 3;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub generator_version: u32,
    pub seed: u64,
    pub patients: u32,
    pub lab_rows: Option<u64>,
    /// The day on which the data stand.
    pub as_of: String,
    pub tables: BTreeMap<String, TableDigest>,
    /// Number of defects by kind and table.
    pub defects: BTreeMap<DefectKind, BTreeMap<String, u64>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableDigest {
    pub rows: u64,
    /// Sum of the BLAKE3 hashes of all rows, 64 hexadecimal digits; the order of rows is no part.
    pub hash: String,
}

/// Collects a manifest batch by batch, in any order.
#[derive(Debug)]
pub struct Tally {
    hospital: Hospital,
    names: Vec<String>,
    hashes: Vec<MultisetHash>,
    defects: BTreeMap<(DefectKind, &'static str), u64>,
}

impl Tally {
    pub fn new(hospital: Hospital, schema: &Schema) -> Self {
        let names: Vec<_> = schema.tables.iter().map(|table| table.name.clone()).collect();
        Tally {
            hospital,
            hashes: vec![MultisetHash::default(); names.len()],
            names,
            defects: BTreeMap::new(),
        }
    }

    pub fn add(&mut self, batch: &Batch) {
        for (hash, table) in self.hashes.iter_mut().zip(batch.tables()) {
            hash.merge(&table.hash);
        }
        for defect in &batch.defects {
            *self.defects.entry((defect.kind, defect.table)).or_default() += 1;
        }
    }

    pub fn manifest(&self) -> Manifest {
        let digest = |hash: &MultisetHash| TableDigest { rows: hash.rows, hash: hash.hex() };
        let mut defects: BTreeMap<_, BTreeMap<String, u64>> = BTreeMap::new();
        for ((kind, table), count) in &self.defects {
            defects.entry(*kind).or_default().insert((*table).to_owned(), *count);
        }
        Manifest {
            generator_version: GENERATOR_VERSION,
            seed: self.hospital.seed,
            patients: self.hospital.patients,
            lab_rows: self.hospital.lab_rows,
            as_of: crate::truth::AS_OF.to_string(),
            tables: self.names.iter().cloned().zip(self.hashes.iter().map(digest)).collect(),
            defects,
        }
    }
}

impl Manifest {
    pub fn rows(&self) -> u64 {
        self.tables.values().map(|table| table.rows).sum()
    }

    pub fn defect_count(&self, kind: DefectKind) -> u64 {
        self.defects.get(&kind).map_or(0, |tables| tables.values().sum())
    }
}
