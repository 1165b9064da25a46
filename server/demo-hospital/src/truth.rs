//! What is clinically true of one patient, before the hospital's tables spoil it. A patient depends
//! on the seed and the patient's number alone.

mod course;
mod laboratory;
mod medication;
mod person;

use chrono::{NaiveDate, NaiveDateTime};

use crate::Hospital;
use crate::lists::Lists;

pub use laboratory::{LabOrder, LabResult, Measured};
pub use medication::{Group, Line, Prescription};
pub use person::{Insurance, Person, Scheme, Sex, person_name};

/// The day on which the data stand; nothing in the hospital is younger.
pub const AS_OF: NaiveDate = day(2026, 4, 1);
/// The first day of electronic records.
pub const SINCE: NaiveDate = day(2021, 4, 1);

/// A date that exists, at compile time.
const fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    match NaiveDate::from_ymd_opt(year, month, day) {
        Some(date) => date,
        None => NaiveDate::MIN,
    }
}

/// One patient with everything that happened. Indexes point into [`Lists`] and into the vectors here.
#[derive(Debug)]
pub struct Patient {
    /// 1-based; the patient number of the hospital is derived from it.
    pub number: u32,
    pub person: Person,
    pub insurances: Vec<Insurance>,
    pub problems: Vec<Problem>,
    pub encounters: Vec<Encounter>,
    pub allergies: Vec<Allergy>,
    pub contraindications: Vec<Contraindication>,
    pub orders: Vec<LabOrder>,
    pub infections: Vec<InfectionTest>,
    pub prescriptions: Vec<Prescription>,
}

#[derive(Debug)]
pub struct Problem {
    /// Index into [`Lists::diseases`].
    pub disease: usize,
    /// Indexes into [`Lists::modifiers`], in the order of the name.
    pub modifiers: Vec<usize>,
    pub start: NaiveDate,
    pub end: Option<(NaiveDate, Outcome)>,
    pub suspected: bool,
    pub main: bool,
    /// Index into [`Patient::encounters`] of the encounter that recorded it.
    pub encounter: usize,
    pub long_term_storage: bool,
    pub uninformed: bool,
    pub undelivered: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Cured,
    Remission,
    Death,
    Stopped,
}

/// A visit, or a stay when `stay` is there.
#[derive(Debug)]
pub struct Encounter {
    pub start: NaiveDateTime,
    pub stay: Option<Stay>,
    /// Index into [`Lists::departments`].
    pub department: usize,
    /// Which physician of the department.
    pub physician: u32,
    pub first: bool,
    pub emergency: bool,
    pub cancelled: bool,
}

#[derive(Debug, Clone, Copy)]
pub struct Stay {
    /// None while the patient is still in hospital.
    pub end: Option<NaiveDate>,
    /// Index into [`Patient::problems`].
    pub problem: usize,
    pub died: bool,
}

#[derive(Debug)]
pub struct Allergy {
    /// Index into [`Lists::allergens`].
    pub allergen: usize,
    pub severe: Option<bool>,
    pub confirmed: Option<bool>,
    pub onset: Option<NaiveDate>,
    pub reaction: Option<&'static str>,
    pub encounter: usize,
    pub recorded: NaiveDate,
    pub inactive: bool,
    pub long_term_storage: bool,
}

#[derive(Debug)]
pub struct Contraindication {
    /// Index into [`Lists::drugs`].
    pub drug: usize,
    /// 1 アレルギー 2 副作用 3 疾患禁忌
    pub reason: u8,
    pub reaction: Option<&'static str>,
    pub severe: Option<bool>,
    pub start: NaiveDate,
    pub end: Option<NaiveDate>,
    pub encounter: usize,
    pub long_term_storage: bool,
}

#[derive(Debug)]
pub struct InfectionTest {
    /// Index into [`Lists::infections`].
    pub infection: usize,
    pub taken: NaiveDate,
    /// None: not judged.
    pub positive: Option<bool>,
    pub encounter: usize,
    pub long_term_storage: bool,
}

/// The truth about one patient of the hospital.
pub fn patient(hospital: &Hospital, lists: &Lists, number: u32) -> Patient {
    let seed = hospital.seed;
    let person = person::person(seed, lists, number);
    let insurances = person::insurances(seed, number, &person);
    let mut patient = course::course(seed, lists, number, person);
    patient.insurances = insurances;
    patient.orders = laboratory::orders(hospital, lists, &patient);
    patient.prescriptions = medication::prescriptions(seed, lists, &patient);
    patient
}

impl Patient {
    /// Age in full years on a day.
    pub fn age_on(&self, day: NaiveDate) -> i32 {
        self.person.age_on(day)
    }

    /// True if the disease `problem` belongs to was active on `day`.
    pub fn active_on(&self, problem: &Problem, day: NaiveDate) -> bool {
        problem.start <= day && problem.end.is_none_or(|(end, _)| day <= end) && !problem.suspected
    }
}
