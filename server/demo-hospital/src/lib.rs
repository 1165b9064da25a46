//! みなと総合病院: an invented hospital with the database of a Japanese legacy system, made from a
//! seed. First the truth (what is clinically so), then the dirt (how such a system stores it).
//!
//! The same seed and size give the same rows on SQLite, PostgreSQL and MariaDB; see `SCHEMA.md` for
//! the tables and [`Manifest`] for what was made.

pub mod code_maps;
pub mod dirt;
pub mod fill;
pub mod lists;
pub mod manifest;
mod random;
pub mod rows;
pub mod schema;
pub mod truth;

pub use code_maps::code_maps;
pub use dirt::{DefectKind, OWN_INSTITUTION};
pub use fill::{Target, create_reader, fill};
pub use lists::Lists;
pub use manifest::Manifest;
pub use schema::{schema, schema_markdown, schema_yaml};

use rows::Batch;
use schema::Schema;

/// Which hospital: everything else follows from this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hospital {
    pub seed: u64,
    /// Number of patients, 1 to 1,000,000; duplicates come on top.
    pub patients: u32,
    /// Wanted rows of LAB_KEKKA, met within some percent; None = 100 for each patient.
    pub lab_rows: Option<u64>,
}

impl Hospital {
    pub const MAX_PATIENTS: u32 = 1_000_000;
    /// Order numbers leave room for 9,997 orders of one patient.
    pub const MAX_LAB_ROWS_PER_PATIENT: u64 = 30_000;

    /// The demonstration: 300 patients.
    pub fn demo(seed: u64) -> Self {
        Hospital { seed, patients: 300, lab_rows: None }
    }

    fn check(self) -> anyhow::Result<()> {
        let most = u64::from(self.patients) * Self::MAX_LAB_ROWS_PER_PATIENT;
        anyhow::ensure!(
            (1..=Self::MAX_PATIENTS).contains(&self.patients),
            "patients must be 1 to {}",
            Self::MAX_PATIENTS
        );
        anyhow::ensure!(
            self.lab_rows.unwrap_or(0) <= most,
            "lab_rows must be at most {} for each patient",
            Self::MAX_LAB_ROWS_PER_PATIENT
        );
        Ok(())
    }
}

/// Makes batches of rows without any database.
pub struct Generator {
    hospital: Hospital,
    schema: Schema,
    lists: Lists,
    names: Vec<&'static str>,
}

impl Generator {
    pub fn new(hospital: Hospital) -> anyhow::Result<Self> {
        hospital.check()?;
        let schema = schema()?;
        let names = TABLES.to_vec();
        anyhow::ensure!(
            schema.tables.iter().map(|table| table.name.as_str()).eq(TABLES),
            "lists/tables.csv and the generator name different tables"
        );
        Ok(Generator { hospital, schema, lists: Lists::load()?, names })
    }

    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    pub fn lists(&self) -> &Lists {
        &self.lists
    }

    /// Rows of the master tables.
    pub fn masters(&self) -> anyhow::Result<Batch> {
        let mut batch = Batch::new(&self.schema, &self.names);
        dirt::store_masters(self.hospital.seed, &self.lists, &mut batch);
        batch.check()
    }

    /// What is true of one patient, 1 to [`Hospital::patients`].
    pub fn truth(&self, number: u32) -> truth::Patient {
        truth::patient(&self.hospital, &self.lists, number)
    }

    /// Rows of the patients from `first` on, until `most_rows` rows or `last` is reached.
    pub fn patients(&self, first: u32, last: u32, most_rows: usize) -> anyhow::Result<Batch> {
        let mut batch = Batch::new(&self.schema, &self.names);
        for number in first..=last.min(self.hospital.patients) {
            dirt::store(self.hospital.seed, &self.lists, &self.truth(number), &mut batch);
            if batch.len() >= most_rows {
                break;
            }
        }
        batch.check()
    }
}

/// All tables in loading order, as in `lists/tables.csv`.
const TABLES: [&str; 27] = [
    "M_SISETU",
    "M_KA",
    "M_BYOTO",
    "M_BASYO",
    "M_SYOKUIN",
    "M_BYOMEI",
    "M_SYUSYOKU",
    "M_ALG",
    "M_YAKUHIN",
    "M_YOHO",
    "M_LAB_KOUMOKU",
    "M_DAICHO",
    "PT_MST",
    "PT_HOKEN",
    "PT_RAIIN",
    "PT_NYUIN",
    "PT_BYOMEI",
    "PT_BYOMEI_SYU",
    "PT_ALG",
    "PT_KINKI",
    "LAB_IRAI",
    "LAB_KEKKA",
    "LAB_KANSEN",
    "RX_HEAD",
    "RX_RP",
    "RX_YAKU",
    "PT_DAICHO",
];
