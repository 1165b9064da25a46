//! What a patient went through: diseases first, then the encounters that they cause, then what was
//! recorded on them.

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime};

use super::{
    AS_OF, Allergy, Contraindication, Encounter, InfectionTest, Outcome, Patient, Person, Problem,
    SINCE, Sex, Stay,
};
use crate::lists::{Disease, Lists};
use crate::random::Stream;

const REACTIONS: [&str; 6] =
    ["全身に発疹", "じんましん", "口腔内の違和感", "呼吸苦", "アナフィラキシー", "顔面浮腫"];

pub(super) fn course(seed: u64, lists: &Lists, number: u32, person: Person) -> Patient {
    let mut patient = Patient {
        number,
        person,
        insurances: Vec::new(),
        problems: Vec::new(),
        encounters: Vec::new(),
        allergies: Vec::new(),
        contraindications: Vec::new(),
        orders: Vec::new(),
        infections: Vec::new(),
        prescriptions: Vec::new(),
    };
    problems(&mut Stream::of(seed, "PT_BYOMEI", number), lists, &mut patient);
    encounters(&mut Stream::of(seed, "PT_RAIIN", number), lists, &mut patient);
    allergies(&mut Stream::of(seed, "PT_ALG", number), lists, &mut patient);
    contraindications(&mut Stream::of(seed, "PT_KINKI", number), lists, &mut patient);
    infections(&mut Stream::of(seed, "LAB_KANSEN", number), lists, &mut patient);
    patient
}

/// The last day on which anything can happen to a patient.
fn last_day(person: &Person) -> NaiveDate {
    person.death.unwrap_or(AS_OF - Days::new(1))
}

fn problems(s: &mut Stream, lists: &Lists, patient: &mut Patient) {
    let last = last_day(&patient.person);
    let age = patient.age_on(last);
    let sex = patient.person.sex;
    let fits = |disease: &Disease| {
        let of_sex = match disease.sex.as_str() {
            "M" => sex == Sex::Male,
            "F" => sex == Sex::Female,
            _ => true,
        };
        of_sex && (disease.age_from..=disease.age_to).contains(&age)
    };
    for (at, disease) in lists.diseases.iter().enumerate() {
        // Drawn for every disease, so that a longer list changes as few patients as possible.
        let drawn = s.chance(disease.permille);
        if drawn && fits(disease) {
            problem(s, lists, patient, at, last);
        }
    }
    if patient.problems.is_empty() {
        // Nobody comes to a hospital without a reason.
        let acute: Vec<usize> = (0..lists.diseases.len())
            .filter(|at| lists.diseases[*at].course == "A" && fits(&lists.diseases[*at]))
            .collect();
        let at = acute.get(s.index(acute.len())).copied().unwrap_or(0);
        problem(s, lists, patient, at, last);
    }
    patient.problems.sort_by_key(|problem| problem.start);
    if let Some(main) = patient.problems.iter_mut().find(|problem| problem.end.is_none()) {
        main.main = true;
    }
}

fn problem(s: &mut Stream, lists: &Lists, patient: &mut Patient, at: usize, last: NaiveDate) {
    let disease = &lists.diseases[at];
    let lived = (last - patient.person.birth).num_days().max(2);
    let back = match disease.course.as_str() {
        "C" => s.between(30, 5400),
        "N" => s.between(20, 2000),
        _ => s.between(1, (last - SINCE).num_days().max(2)),
    };
    let start = last - Days::new(back.min(lived - 1).unsigned_abs());
    let suspected = s.chance(if disease.course == "N" { 300 } else { 100 });
    let mut end = match disease.course.as_str() {
        "A" => Some((start + Days::new(s.between(4, 40).unsigned_abs()), Outcome::Cured)),
        _ if suspected => {
            Some((start + Days::new(s.between(7, 60).unsigned_abs()), Outcome::Stopped))
        }
        _ if s.chance(60) => {
            Some((start + Days::new(s.between(100, 900).unsigned_abs()), Outcome::Remission))
        }
        _ => None,
    };
    if end.is_some_and(|(day, _)| day > last) {
        end = None;
    }
    if end.is_none() && patient.person.death.is_some() {
        let outcome = if disease.course == "N" { Outcome::Death } else { Outcome::Stopped };
        end = Some((last, outcome));
    }
    let modifiers = modifiers(s, lists, disease, suspected);
    let stored = disease.course == "N" || disease.effects.contains('+');
    patient.problems.push(Problem {
        disease: at,
        modifiers,
        start,
        end,
        suspected,
        main: false,
        encounter: 0,
        long_term_storage: stored && s.chance(60),
        uninformed: disease.course == "N" && s.chance(250),
        undelivered: disease.department == "06" && s.chance(120) || s.chance(8),
    });
}

fn modifiers(s: &mut Stream, lists: &Lists, disease: &Disease, suspected: bool) -> Vec<usize> {
    let mut names = Vec::new();
    let sided = ["08", "12", "13"].contains(&disease.department.as_str());
    if sided && s.chance(600) {
        names.push(s.pick("右", &["左", "両側"]));
    } else if disease.course == "N" && s.chance(250) {
        names.push(s.pick("早期", &["再発性"]));
    } else if !disease.name.starts_with("急性") && !disease.name.starts_with("慢性") && s.chance(90)
    {
        names.push(s.pick("軽症", &["重症", "難治性", "再発性"]));
    }
    if suspected {
        names.push("の疑い");
    } else if disease.course == "N" && s.chance(300) {
        names.push("の術後");
    }
    names.iter().filter_map(|name| lists.modifier(name)).collect()
}

fn at_time(s: &mut Stream, day: NaiveDate, from_hour: i64, to_hour: i64) -> NaiveDateTime {
    let hour = u32::try_from(s.between(from_hour, to_hour)).unwrap_or(9);
    day.and_time(NaiveTime::from_hms_opt(hour, s.below(60), 0).unwrap_or_default())
}

fn department(lists: &Lists, code: &str) -> usize {
    lists.departments.iter().position(|department| department.code == code).unwrap_or(0)
}

/// Visits and stays, ordered by time; each problem learns which encounter recorded it.
fn encounters(s: &mut Stream, lists: &Lists, patient: &mut Patient) {
    let last = last_day(&patient.person);
    let mut found: Vec<(Encounter, Option<usize>)> = Vec::new();
    for (at, problem) in patient.problems.iter().enumerate() {
        let disease = &lists.diseases[problem.disease];
        let department = department(lists, &disease.department);
        let day = problem.start.max(SINCE);
        found.push((visit(s, day, department), Some(at)));
        let stays = match disease.course.as_str() {
            "N" => 600,
            "A" if patient.person.age_on(day) >= 60 => 200,
            "A" => 60,
            _ => 40,
        };
        if s.chance(stays) {
            let span = (last - day).num_days().clamp(0, 300);
            let day = day + Days::new(s.between(0, span).unsigned_abs());
            found.push((stay(s, patient, at, day, department), None));
        }
        if disease.course != "A" && s.chance(500) {
            let every = s.pick(&28_u64, &[&56, &56, &84]);
            let until = problem.end.map_or(last, |(end, _)| end);
            let mut next = day.max(last - Days::new(s.between(200, 800).unsigned_abs()));
            while next + Days::new(*every) <= until {
                next = next + Days::new(*every);
                let day = next + Days::new(u64::from(s.below(3)));
                found.push((visit(s, day, department), None));
            }
        }
    }
    found.retain(|(encounter, problem)| problem.is_some() || encounter.start.date() <= last);
    found.sort_by_key(|(encounter, _)| encounter.start);
    for (at, (_, problem)) in found.iter().enumerate() {
        if let Some(problem) = problem.and_then(|problem| patient.problems.get_mut(problem)) {
            problem.encounter = at;
        }
    }
    patient.encounters = found.into_iter().map(|(encounter, _)| encounter).collect();
    if let Some(first) = patient.encounters.first_mut() {
        first.first = true;
    }
}

fn visit(s: &mut Stream, day: NaiveDate, department: usize) -> Encounter {
    let emergency = s.chance(30);
    let start = if emergency { at_time(s, day, 0, 20) } else { at_time(s, day, 8, 16) };
    let (physician, cancelled) = (s.below(3), s.chance(12));
    Encounter { start, stay: None, department, physician, first: false, emergency, cancelled }
}

fn stay(
    s: &mut Stream,
    patient: &Patient,
    problem: usize,
    day: NaiveDate,
    department: usize,
) -> Encounter {
    let end = day + Days::new(s.between(3, 28).unsigned_abs());
    let died = patient.person.death.is_some_and(|death| death <= end);
    let end = if died { patient.person.death } else { Some(end).filter(|end| *end < AS_OF) };
    let (emergency, physician) = (s.chance(350), s.below(3));
    let start = at_time(s, day, 9, if emergency { 20 } else { 14 });
    let stay = Some(Stay { end, problem, died });
    Encounter {
        start,
        stay,
        department,
        physician,
        first: false,
        emergency,
        cancelled: s.chance(8),
    }
}

fn recorded(s: &mut Stream, patient: &Patient) -> (usize, NaiveDate) {
    let encounter = s.index(patient.encounters.len().min(4));
    let day = patient.encounters.get(encounter).map_or(SINCE, |found| found.start.date());
    (encounter, day)
}

fn allergies(s: &mut Stream, lists: &Lists, patient: &mut Patient) {
    let count = match s.below(1000) {
        0..140 => 1,
        140..180 => 2,
        _ => 0,
    };
    let first = s.index(lists.allergens.len());
    for turn in 0..count {
        let (encounter, recorded) = recorded(s, patient);
        let back = s.between(100, 9000).min((recorded - patient.person.birth).num_days().max(0));
        let onset = s.chance(700).then(|| recorded - Days::new(back.unsigned_abs()));
        let severe = match s.below(10) {
            0..5 => Some(false),
            5..7 => Some(true),
            _ => None,
        };
        let reaction = s.chance(600).then(|| REACTIONS[s.index(REACTIONS.len())]);
        patient.allergies.push(Allergy {
            allergen: (first + turn * 11) % lists.allergens.len(),
            severe,
            confirmed: match s.below(10) {
                0..6 => Some(true),
                6..8 => Some(false),
                _ => None,
            },
            onset,
            reaction,
            encounter,
            recorded,
            inactive: s.chance(60),
            long_term_storage: severe == Some(true) && s.chance(300),
        });
    }
}

fn contraindications(s: &mut Stream, lists: &Lists, patient: &mut Patient) {
    if !s.chance(60) {
        return;
    }
    for _ in 0..=s.below(2) {
        let (encounter, start) = recorded(s, patient);
        let reason = u8::try_from(s.between(1, 3)).unwrap_or(1);
        let drug = s.index(lists.drugs.len());
        let taken = patient.contraindications.iter().any(|other| other.drug == drug);
        let reaction = s.chance(500).then(|| REACTIONS[s.index(REACTIONS.len())]);
        let severe = s.chance(700).then(|| s.chance(400));
        let end = s.chance(80).then(|| start + Days::new(30)).filter(|end| *end < AS_OF);
        let long_term_storage = s.chance(80);
        if !taken {
            patient.contraindications.push(Contraindication {
                drug,
                reason,
                reaction,
                severe,
                start,
                end,
                encounter,
                long_term_storage,
            });
        }
    }
}

/// Screening before a stay or, now and then, on a visit. The truth about an infection is fixed for
/// the patient; only the judgement may be missing.
fn infections(s: &mut Stream, lists: &Lists, patient: &mut Patient) {
    let carried: Vec<bool> = lists
        .infections
        .iter()
        .map(|infection| s.below(10_000) < infection.prevalence_per_10000)
        .collect();
    for (encounter, found) in patient.encounters.iter().enumerate() {
        if found.cancelled || !s.chance(if found.stay.is_some() { 700 } else { 12 }) {
            continue;
        }
        for (infection, carried) in carried.iter().enumerate() {
            if infection >= 3 && !s.chance(450) {
                continue;
            }
            let known = lists.infections[infection].id.as_str();
            let carried = *carried
                || patient.problems.iter().any(|problem| {
                    lists.diseases[problem.disease].effect(known) > 0 && !problem.suspected
                });
            patient.infections.push(InfectionTest {
                infection,
                taken: found.start.date(),
                positive: (!s.chance(15)).then_some(carried),
                encounter,
                long_term_storage: carried && s.chance(300),
            });
        }
    }
}
