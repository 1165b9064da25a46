//! Turns the truth into rows as this hospital would have stored them, and notes every departure
//! from its own rules, so that tests can count what a reader has to cope with.

mod clinical;
mod laboratory;
mod masters;
mod medication;
mod patient;
mod registry;
mod spelling;

use serde::{Deserialize, Serialize};

use crate::lists::Lists;
use crate::random::Stream;
use crate::rows::Batch;
use crate::truth::Patient;

pub(crate) use masters::store_masters;
pub use masters::{OWN_INSTITUTION, physician};

/// One defect: which, and the row that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defect {
    pub kind: DefectKind,
    pub table: &'static str,
    /// The primary key, parts joined by `/`.
    pub key: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefectKind {
    /// Birth date in western form instead of 和暦.
    WesternBirth,
    /// Birth date 00000000.
    UnknownBirth,
    /// Family name and given name without a full-width space between them.
    NameSpacing,
    /// A character outside JIS X 0208 (髙 﨑).
    VariantCharacter,
    /// A character outside the basic plane (𠮷).
    AstralCharacter,
    /// Full-width digits in a phone number.
    FullWidthPhone,
    TestPatient,
    MergedPatient,
    DeletedPatient,
    /// 保険者番号 with six digits.
    ShortInsurer,
    /// Full-width 記号 or 番号.
    FullWidthCard,
    /// No card in use.
    NoInsurance,
    /// `00000000` or `99999999` where a date is missing.
    DateSentinel,
    /// A date that is in no calendar.
    ImpossibleDate,
    /// Year or year and month only.
    PartialDate,
    /// Time `9999` or `2460`.
    TimeSentinel,
    DeletedRow,
    CancelledRow,
    /// The patient of the row is not in PT_MST.
    Orphan,
    /// No code, only text.
    FreeText,
    /// A house code without a national one.
    UnmappedCode,
    /// An earlier version of a result that was corrected.
    Superseded,
    Preliminary,
    /// `<0.01`
    Comparator,
    /// `＜０．０１`
    FullWidthResult,
    /// 検体不良 instead of a value.
    BadSpecimen,
    /// The unit in the row, where the master would do.
    UnitInRow,
    /// Full-width digits in a dose.
    FullWidthDose,
    /// 長期保存
    LongTermStorage,
    /// 未告知
    Uninformed,
    /// 未提供
    Undelivered,
}

/// Everything that storing one patient needs.
pub(crate) struct Writer<'a> {
    pub seed: u64,
    pub lists: &'a Lists,
    pub patient: &'a Patient,
    pub batch: &'a mut Batch,
}

/// The patient number as stored.
pub fn patient_id(number: u32) -> String {
    format!("{number:010}")
}

/// The number of the duplicate that was merged into patient `number`.
pub fn duplicate_id(number: u32) -> String {
    patient_id(5_000_000 + number)
}

/// A number that no patient has.
pub fn orphan_id(number: u32) -> String {
    patient_id(9_000_000 + number)
}

/// A number of an order, a visit and so on: letter, patient and the how-manieth.
fn running_number(letter: char, number: u32, turn: usize) -> String {
    format!("{letter}{:011}", u64::from(number) * 10_000 + turn as u64 + 1)
}

/// Adds all rows of one patient to the batch.
pub(crate) fn store(seed: u64, lists: &Lists, patient: &Patient, batch: &mut Batch) {
    let mut writer = Writer { seed, lists, patient, batch };
    writer.patient();
    writer.insurances();
    writer.encounters();
    writer.problems();
    writer.allergies();
    writer.contraindications();
    writer.infections();
    writer.orders();
    writer.prescriptions();
    writer.registries();
    writer.orphans();
    writer.batch.patients += 1;
}

impl Writer<'_> {
    fn stream(&self, topic: &str) -> Stream {
        Stream::of(self.seed, topic, self.patient.number)
    }

    fn id(&self) -> String {
        patient_id(self.patient.number)
    }

    fn note(&mut self, when: bool, kind: DefectKind, table: &'static str, key: &str) {
        if when {
            self.batch.note(kind, table, key.to_owned());
        }
    }

    /// RAIIN_NO and NYUIN_NO of an encounter; one of them is blank.
    fn encounter_numbers(&self, encounter: usize) -> (String, String) {
        let stay = self.patient.encounters.get(encounter).is_some_and(|found| found.stay.is_some());
        match stay {
            true => (String::new(), running_number('N', self.patient.number, encounter)),
            false => (running_number('V', self.patient.number, encounter), String::new()),
        }
    }

    /// KA_CD and ISI_CD of an encounter.
    fn department_and_physician(&self, encounter: usize) -> (String, String) {
        let found = self.patient.encounters.get(encounter);
        let (department, turn) = found.map_or((0, 0), |found| (found.department, found.physician));
        let code = self.lists.departments.get(department).map_or("01", |found| &found.code);
        (code.to_owned(), physician(code, turn))
    }
}
