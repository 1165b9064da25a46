//! Laboratory orders and what was measured. Values follow the patient: a fixed part for the person,
//! a shared part for items that move together, the diseases active on that day, and noise.

use chrono::{Days, Duration, NaiveDate, NaiveDateTime};

use super::{Patient, Sex};
use crate::Hospital;
use crate::lists::{Item, Lists};
use crate::random::Stream;

/// About how many results an order brings.
const ROWS_PER_ORDER: u64 = 27;

/// One order: all results of one report.
#[derive(Debug)]
pub struct LabOrder {
    pub encounter: usize,
    pub ordered: NaiveDateTime,
    pub taken: NaiveDateTime,
    pub reported: NaiveDateTime,
    pub sent_out: bool,
    pub cancelled: bool,
    pub results: Vec<LabResult>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct LabResult {
    /// Index into [`Lists::items`].
    pub item: usize,
    pub measured: Measured,
    /// H L A or none
    pub abnormal: Option<char>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measured {
    /// Scaled by ten to the power of [`Item::decimals`].
    Number(i64),
    /// Below the smallest number that the analyser reports, which is given.
    Below(i64),
    /// 0 (-) 1 (±) 2 1+ 3 2+ 4 3+
    Grade(u8),
    Positive(bool),
    Text(&'static str),
}

/// Milli-sigma of a patient: fixed for an item, shared within a group of items.
struct Fixed {
    items: Vec<i64>,
    groups: Vec<i64>,
}

/// The group of each item as an index: the first item of that group.
fn group_of(lists: &Lists, item: &Item) -> usize {
    lists.items.iter().position(|other| other.group == item.group).unwrap_or(0)
}

pub(super) fn orders(hospital: &Hospital, lists: &Lists, patient: &Patient) -> Vec<LabOrder> {
    let mut s = Stream::of(hospital.seed, "LAB_IRAI", patient.number);
    let usable: Vec<usize> = patient
        .encounters
        .iter()
        .enumerate()
        .filter(|(_, encounter)| !encounter.cancelled)
        .map(|(at, _)| at)
        .collect();
    let target = rows_wanted(hospital, &mut s, patient);
    // Below one order, some patients have one and some none.
    let rare = target < ROWS_PER_ORDER
        && !s.chance(u32::try_from(target * 1000 / ROWS_PER_ORDER).unwrap_or(0));
    if usable.is_empty() || rare {
        return Vec::new();
    }
    let count = lists.items.len();
    let fixed = Fixed {
        items: (0..count).map(|_| s.milli_sigma()).collect(),
        groups: (0..count).map(|_| s.milli_sigma()).collect(),
    };
    let groups: Vec<usize> = lists.items.iter().map(|item| group_of(lists, item)).collect();
    let mut orders = Vec::new();
    let (mut rows, guessed) = (0_u64, (target / ROWS_PER_ORDER).max(1));
    // Half an order is left out, so that the orders end around the target and not behind it.
    while rows == 0 || rows + ROWS_PER_ORDER / 2 < target {
        let turn = orders.len() as u64;
        let at = usize::try_from(turn * usable.len() as u64 / guessed).unwrap_or(0) % usable.len();
        let mut order = order(&mut s, patient, usable[at], turn);
        let panels = panels(&mut s, lists, patient, &order);
        results(&mut s, lists, patient, &fixed, &groups, &panels, &mut order);
        rows += order.results.len() as u64;
        orders.push(order);
    }
    orders.sort_by_key(|order| order.taken);
    orders
}

/// The share of one patient in the rows of the hospital: the mean times 0.2 to 1.8.
fn rows_wanted(hospital: &Hospital, s: &mut Stream, patient: &Patient) -> u64 {
    let rows = hospital.lab_rows.unwrap_or(u64::from(hospital.patients) * 100);
    let before = rows * u64::from(patient.number - 1) / u64::from(hospital.patients.max(1));
    let after = rows * u64::from(patient.number) / u64::from(hospital.patients.max(1));
    (after - before) * u64::from(200 + s.below(1600)) / 1000
}

fn order(s: &mut Stream, patient: &Patient, encounter: usize, turn: u64) -> LabOrder {
    let found = &patient.encounters[encounter];
    let ordered = match found.stay {
        Some(stay) => {
            let last = stay.end.unwrap_or(super::AS_OF - Days::new(1));
            let days = (last - found.start.date()).num_days().max(0);
            found.start + Duration::days(s.between(0, days)) - Duration::hours(s.between(0, 3))
        }
        None => found.start + Duration::minutes(s.between(5, 40)),
    };
    let ordered = ordered.min(super::AS_OF.and_time(chrono::NaiveTime::MIN) - Duration::hours(6));
    let taken = ordered + Duration::minutes(s.between(5, 60)) + Duration::seconds(s.between(0, 59));
    let sent_out = s.chance(40);
    let hours = if sent_out { s.between(20, 96) } else { s.between(0, 1) };
    let reported = taken + Duration::hours(hours) + Duration::minutes(s.between(25, 59));
    let cancelled = turn > 0 && s.chance(10);
    LabOrder { encounter, ordered, taken, reported, sent_out, cancelled, results: Vec::new() }
}

/// The letters of [`Item::panel`] that this order asks for.
fn panels(s: &mut Stream, lists: &Lists, patient: &Patient, order: &LabOrder) -> String {
    let day = order.taken.date();
    let ill = |item: &str| {
        patient.problems.iter().any(|problem| {
            patient.active_on(problem, day) && lists.diseases[problem.disease].effect(item) != 0
        })
    };
    let first = order.encounter == 0;
    let asked = [
        ('C', 850),
        ('B', 800),
        ('L', if ill("LDL") || ill("TC") { 700 } else { 250 }),
        ('G', if ill("HBA1C") { 850 } else { 60 }),
        ('U', 250),
        ('P', if ill("PTINR") { 600 } else { 80 }),
        ('D', 100),
        ('S', if ill("CRE") { 400 } else { 40 }),
        ('H', if ill("BNP") { 600 } else { 15 }),
        ('I', if ill("BNP") { 150 } else { 10 }),
        ('T', if ill("TSH") || ill("FT4") { 800 } else { 20 }),
        ('M', if ill("CEA") || ill("PSA") || ill("AFP") { 700 } else { 30 }),
        ('F', 20),
        ('O', if first { 400 } else { 5 }),
        ('V', if first { 250 } else { 10 }),
        ('W', if ill("HBS") { 500 } else { 5 }),
    ];
    let panels: String =
        asked.into_iter().filter(|(_, odds)| s.chance(*odds)).map(|(panel, _)| panel).collect();
    if panels.is_empty() { "CB".to_owned() } else { panels }
}

fn results(
    s: &mut Stream,
    lists: &Lists,
    patient: &Patient,
    fixed: &Fixed,
    groups: &[usize],
    panels: &str,
    order: &mut LabOrder,
) {
    let day = order.taken.date();
    let today: Vec<i64> = (0..6).map(|_| s.milli_sigma()).collect();
    let mut kidney = 0;
    for (at, item) in lists.items.iter().enumerate() {
        if !panels.contains(item.panel.as_str())
            || item.id == "PSA" && patient.person.sex == Sex::Female
        {
            continue;
        }
        let group = groups[at];
        let shared = (fixed.groups[group] * 8 + today[group % today.len()] * 6) / 10;
        let ill = illness(lists, patient, item, day);
        let decades = i64::from(patient.age_on(day) - 40) * item.age_slope / 10;
        let mut z = (shared * 7 + fixed.items[at] * 5 + s.milli_sigma() * 5) / 10 + ill + decades;
        match item.id.as_str() {
            "CRE" => kidney = z,
            "EGFR" => z = -kidney,
            _ => {}
        }
        let measured = measure(item, patient, lists, z);
        order.results.push(LabResult {
            item: at,
            abnormal: abnormal(item, patient, &measured),
            measured,
        });
    }
}

/// What the active diseases add, in milli-sigma.
fn illness(lists: &Lists, patient: &Patient, item: &Item, day: NaiveDate) -> i64 {
    patient
        .problems
        .iter()
        .filter(|problem| patient.active_on(problem, day))
        .map(|problem| lists.diseases[problem.disease].effect(&item.id))
        .sum()
}

fn measure(item: &Item, patient: &Patient, lists: &Lists, z: i64) -> Measured {
    let (mean, sd) = match patient.person.sex {
        Sex::Male => (item.mean_m, item.sd_m),
        Sex::Female => (item.mean_f, item.sd_f),
    };
    match (item.kind.as_str(), item.id.as_str()) {
        ("T", "ABO") => Measured::Text(patient.person.abo),
        ("T", "RH") => Measured::Text(if patient.person.rh_positive { "+" } else { "-" }),
        ("T", _) => Measured::Positive(carries(patient, lists, &item.id)),
        ("C", _) => {
            let grade = (mean + sd * z / 1000 + 500).div_euclid(1000).clamp(item.min, item.max);
            Measured::Grade(u8::try_from(grade).unwrap_or(0))
        }
        (_, "HBSQ") if carries(patient, lists, "HBS") => Measured::Number(2000 + 50 * z.abs() / 10),
        _ => {
            let tail = if z > 0 { sd * item.skew * (z * z / 1000) / 10_000 } else { 0 };
            let value = mean + sd * z / 1000 + tail;
            if value < item.min && item.min <= 5 {
                Measured::Below(item.min.max(1))
            } else {
                Measured::Number(value.clamp(item.min, item.max))
            }
        }
    }
}

/// Whether the patient carries the infection that a test looks for, as the screening has it.
fn carries(patient: &Patient, lists: &Lists, id: &str) -> bool {
    patient
        .infections
        .iter()
        .any(|test| test.positive == Some(true) && lists.infections[test.infection].id == id)
        || patient
            .problems
            .iter()
            .any(|problem| !problem.suspected && lists.diseases[problem.disease].effect(id) > 0)
}

fn abnormal(item: &Item, patient: &Patient, measured: &Measured) -> Option<char> {
    let (low, high) = match patient.person.sex {
        Sex::Male => (item.low_m, item.high_m),
        Sex::Female => (item.low_f, item.high_f),
    };
    match measured {
        Measured::Number(value) if high.is_some_and(|high| *value > high) => Some('H'),
        Measured::Number(value) if low.is_some_and(|low| *value < low) => Some('L'),
        Measured::Grade(grade) if *grade >= 2 => Some('A'),
        Measured::Positive(true) => Some('A'),
        _ => None,
    }
}
