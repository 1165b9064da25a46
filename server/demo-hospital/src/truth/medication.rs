//! Prescriptions: on each visit the drugs of the diseases that are active, grouped by their use.

use chrono::{Duration, NaiveDateTime};

use super::{Outcome, Patient};
use crate::lists::{Drug, Lists};
use crate::random::Stream;

#[derive(Debug)]
pub struct Prescription {
    pub encounter: usize,
    pub at: NaiveDateTime,
    /// True: dispensed in town (院外).
    pub outside: bool,
    pub dispensed: bool,
    pub stopped: bool,
    pub groups: Vec<Group>,
}

/// One RP: drugs that share usage and duration.
#[derive(Debug)]
pub struct Group {
    /// House usage code.
    pub usage: String,
    /// None for 頓服 and 外用.
    pub days: Option<u32>,
    /// Doses of a 頓服.
    pub doses: Option<u32>,
    pub lines: Vec<Line>,
}

#[derive(Debug)]
pub struct Line {
    /// Index into [`Lists::drugs`].
    pub drug: usize,
    /// One dose, in thousandths of the unit.
    pub dose: i64,
    /// One day, in thousandths; None for 頓服 and 外用.
    pub day: Option<i64>,
    /// To dispense in all, in thousandths.
    pub total: i64,
}

pub(super) fn prescriptions(seed: u64, lists: &Lists, patient: &Patient) -> Vec<Prescription> {
    let mut s = Stream::of(seed, "RX_HEAD", patient.number);
    let mut found = Vec::new();
    for (encounter, visit) in patient.encounters.iter().enumerate() {
        if visit.cancelled || !s.chance(if visit.stay.is_some() { 800 } else { 700 }) {
            continue;
        }
        let drugs = drugs(&mut s, lists, patient, encounter);
        if drugs.is_empty() {
            continue;
        }
        let days = if visit.stay.is_some() { 7 } else { *s.pick(&28, &[&14, &28, &56]) };
        let mut groups: Vec<Group> = Vec::new();
        for drug in drugs {
            add(lists, &mut groups, drug, days);
        }
        let at = visit.start + Duration::minutes(s.between(20, 90));
        found.push(Prescription {
            encounter,
            at,
            outside: visit.stay.is_none() && s.chance(850),
            dispensed: s.chance(930),
            stopped: s.chance(15),
            groups,
        });
    }
    found
}

/// Up to two drugs of each active disease that this department (or 内科) looks after; never one
/// that the patient must not have.
fn drugs(s: &mut Stream, lists: &Lists, patient: &Patient, encounter: usize) -> Vec<usize> {
    let visit = &patient.encounters[encounter];
    let day = visit.start.date();
    let mut found = Vec::new();
    for problem in &patient.problems {
        let disease = &lists.diseases[problem.disease];
        let ours = lists.departments[visit.department].code == disease.department
            || disease.course == "C" && s.chance(250);
        let over = problem.end.is_some_and(|(_, outcome)| outcome == Outcome::Death);
        if !ours || over || !patient.active_on(problem, day) {
            continue;
        }
        let mut codes: Vec<&str> = disease.drugs.split_whitespace().collect();
        if !codes.is_empty() {
            // The same patient keeps the same drug: the choice hangs on the start of the disease.
            let turn = usize::try_from(problem.start.to_epoch_days()).unwrap_or(0) % codes.len();
            codes.rotate_left(turn);
        }
        for drug in codes.into_iter().take(2).filter_map(|code| lists.drug(code)) {
            let banned = patient.contraindications.iter().any(|other| other.drug == drug);
            if !banned && !found.contains(&drug) {
                found.push(drug);
            }
        }
    }
    let house = lists.drugs.iter().position(|drug| drug.yj.is_empty()).unwrap_or(0);
    if s.chance(25) {
        found.push(house + s.index(lists.drugs.len() - house));
    }
    found
}

fn add(lists: &Lists, groups: &mut Vec<Group>, at: usize, days: u32) {
    let drug = &lists.drugs[at];
    let times = lists.usage(&drug.usage).and_then(|usage| usage.times).unwrap_or(1);
    let (days, doses) = match drug.course.as_str() {
        "C" => (Some(days), None),
        "A" => (Some(5), None),
        "P" => (None, Some(10)),
        _ => (None, None),
    };
    let dose = thousandths(drug);
    let day = days.map(|_| dose * i64::from(times));
    let total = match (day, days, doses) {
        (Some(day), Some(days), _) => day * i64::from(days),
        (_, _, Some(doses)) => dose * i64::from(doses),
        _ => dose * if drug.unit == "枚" { 14 } else { 1 },
    };
    let line = Line { drug: at, dose, day, total };
    match groups.iter_mut().find(|group| group.usage == drug.usage && group.days == days) {
        Some(group) => group.lines.push(line),
        None => groups.push(Group { usage: drug.usage.clone(), days, doses, lines: vec![line] }),
    }
}

fn thousandths(drug: &Drug) -> i64 {
    let (whole, fraction) = drug.dose.split_once('.').unwrap_or((&drug.dose, ""));
    format!("{whole}{fraction:0<3}").parse().unwrap_or(1000)
}
