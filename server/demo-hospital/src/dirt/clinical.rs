//! PT_BYOMEI with its modifiers, PT_ALG, PT_KINKI, LAB_KANSEN, and the orphans.

use chrono::{Datelike, Duration, NaiveDate, NaiveTime};

use super::spelling::{decision, fixed, no_date, nothing, stamp, ymd};
use super::{DefectKind, Writer, orphan_id, running_number};
use crate::random::Stream;
use crate::rows::{Cell, flag};
use crate::truth::{AS_OF, Outcome, Problem};

impl Writer<'_> {
    pub fn problems(&mut self) {
        let mut s = self.stream("dirt PT_BYOMEI");
        for turn in 0..self.patient.problems.len() {
            let patient = self.patient;
            self.problem(&mut s, turn, &patient.problems[turn]);
        }
    }

    fn problem(&mut self, s: &mut Stream, turn: usize, problem: &Problem) {
        let (id, lists) = (self.id(), self.lists);
        let key = format!("{id}/{}", turn + 1);
        let disease = &lists.diseases[problem.disease];
        let name = self.full_name(problem);
        let free_text = s.chance(15);
        let deleted = s.chance(50);
        let (end, sentinel) = match problem.end {
            Some((day, _)) if s.chance(4) => {
                self.note(true, DefectKind::ImpossibleDate, "PT_BYOMEI", &key);
                (Cell::from(format!("{}0231", day.year())), false)
            }
            Some((day, _)) => (ymd(day), false),
            None => no_date(s),
        };
        let outcome = problem.end.map_or("", |(_, outcome)| match outcome {
            Outcome::Cured => "1",
            Outcome::Remission => "2",
            Outcome::Death => "3",
            Outcome::Stopped => "9",
        });
        let inpatient = patient_is_in(self, problem.encounter);
        let (visit, stay) = self.encounter_numbers(problem.encounter);
        let (department, physician) = self.department_and_physician(problem.encounter);
        let recorded = self.encounter_day(problem.encounter).max(problem.start);
        let touched = problem.end.map_or(recorded, |(day, _)| day.max(recorded));
        for (when, kind) in [
            (sentinel, DefectKind::DateSentinel),
            (free_text, DefectKind::FreeText),
            (deleted, DefectKind::DeletedRow),
            (!free_text && disease.medis.is_empty(), DefectKind::UnmappedCode),
            (problem.long_term_storage, DefectKind::LongTermStorage),
            (problem.uninformed, DefectKind::Uninformed),
            (problem.undelivered, DefectKind::Undelivered),
        ] {
            self.note(when, kind, "PT_BYOMEI", &key);
        }
        let note = if s.chance(60) { fixed("紹介状あり") } else { nothing(s) };
        self.batch.push(
            "PT_BYOMEI",
            [
                ("PT_ID", Cell::from(id.as_str())),
                ("BYOMEI_SEQ", Cell::from(turn as i64 + 1)),
                (
                    "BYOMEI_CD",
                    if free_text { fixed("") } else { Cell::from(disease.code.as_str()) },
                ),
                ("BYOMEI_NM", Cell::from(name)),
                ("START_YMD", ymd(problem.start)),
                ("END_YMD", end),
                ("TENKI", fixed(outcome)),
                ("UTAGAI_FLG", flag(problem.suspected)),
                ("SYUBYO_FLG", flag(problem.main)),
                ("NYUGAI_KBN", fixed(if inpatient { "1" } else { "2" })),
                ("KA_CD", Cell::from(department)),
                ("ISI_CD", Cell::from(physician)),
                ("RAIIN_NO", Cell::from(visit)),
                ("NYUIN_NO", Cell::from(stay)),
                ("LTS_FLG", decision(problem.long_term_storage)),
                ("MIKOKUTI_FLG", decision(problem.uninformed)),
                ("MITEIKYO_FLG", decision(problem.undelivered)),
                ("TOUROKU_YMD", ymd(recorded)),
                ("BIKO", note),
                ("DEL_FLG", flag(deleted)),
                ("UPD_DT", evening(s, touched)),
            ],
        );
        self.modifiers(&id, turn, problem);
    }

    /// Prefixes, disease, suffixes: 両側変形性膝関節症の疑い.
    fn full_name(&self, problem: &Problem) -> String {
        let part = |place: &str| -> String {
            let modifiers = problem.modifiers.iter().map(|at| &self.lists.modifiers[*at]);
            modifiers.filter(|m| m.place == place).map(|m| m.name.as_str()).collect()
        };
        format!("{}{}{}", part("1"), self.lists.diseases[problem.disease].name, part("2"))
    }

    fn modifiers(&mut self, id: &str, turn: usize, problem: &Problem) {
        for (order, at) in problem.modifiers.iter().enumerate() {
            let modifier = &self.lists.modifiers[*at];
            self.batch.push(
                "PT_BYOMEI_SYU",
                [
                    ("PT_ID", Cell::from(id)),
                    ("BYOMEI_SEQ", Cell::from(turn as i64 + 1)),
                    ("SYU_SEQ", Cell::from(order as i64 + 1)),
                    ("SYU_CD", Cell::from(modifier.code.as_str())),
                    ("SYU_NM", Cell::from(modifier.name.as_str())),
                    ("ICHI", Cell::from(modifier.place.as_str())),
                ],
            );
        }
    }

    pub fn allergies(&mut self) {
        let mut s = self.stream("dirt PT_ALG");
        let patient = self.patient;
        for (turn, allergy) in patient.allergies.iter().enumerate() {
            let key = format!("{}/{}", self.id(), turn + 1);
            let allergen = &self.lists.allergens[allergy.allergen];
            let (free_text, deleted) = (s.chance(400), s.chance(40));
            let (onset, partial) = onset(&mut s, allergy.onset);
            let (department, physician) = self.department_and_physician(allergy.encounter);
            for (when, kind) in [
                (free_text, DefectKind::FreeText),
                (!free_text && allergen.jfagy.is_empty(), DefectKind::UnmappedCode),
                (deleted, DefectKind::DeletedRow),
                (partial, DefectKind::PartialDate),
                (allergy.long_term_storage, DefectKind::LongTermStorage),
            ] {
                self.note(when, kind, "PT_ALG", &key);
            }
            let name = match free_text {
                true => format!("{}で症状あり（本人より）", allergen.name),
                false => allergen.name.clone(),
            };
            self.batch.push(
                "PT_ALG",
                [
                    ("PT_ID", Cell::from(self.id())),
                    ("ALG_NO", Cell::from(turn as i64 + 1)),
                    ("KBN", Cell::from(allergen.kind.as_str())),
                    (
                        "ALG_CD",
                        if free_text { fixed("") } else { Cell::from(allergen.code.as_str()) },
                    ),
                    ("ALG_NM", Cell::from(name)),
                    ("JUTOKU", severity(allergy.severe)),
                    (
                        "KAKUTEI_KBN",
                        fixed(match allergy.confirmed {
                            Some(true) => "1",
                            Some(false) => "2",
                            None => "",
                        }),
                    ),
                    ("SYOJO", allergy.reaction.map_or_else(|| nothing(&mut s), fixed)),
                    ("HASSYO_YMD", onset),
                    ("MUKO_FLG", flag(allergy.inactive)),
                    ("KA_CD", Cell::from(department)),
                    ("ISI_CD", Cell::from(physician)),
                    ("LTS_FLG", decision(allergy.long_term_storage)),
                    ("TOUROKU_YMD", ymd(allergy.recorded)),
                    ("BIKO", nothing(&mut s)),
                    ("DEL_FLG", flag(deleted)),
                    ("UPD_DT", evening(&mut s, allergy.recorded)),
                ],
            );
        }
    }

    pub fn contraindications(&mut self) {
        let mut s = self.stream("dirt PT_KINKI");
        let patient = self.patient;
        for (turn, banned) in patient.contraindications.iter().enumerate() {
            let key = format!("{}/{}", self.id(), turn + 1);
            let drug = &self.lists.drugs[banned.drug];
            let (free_text, deleted) = (s.chance(150), s.chance(30));
            let (end, sentinel) =
                banned.end.map_or_else(|| no_date(&mut s), |day| (ymd(day), false));
            let (department, physician) = self.department_and_physician(banned.encounter);
            for (when, kind) in [
                (free_text, DefectKind::FreeText),
                (!free_text && drug.yj.is_empty(), DefectKind::UnmappedCode),
                (deleted, DefectKind::DeletedRow),
                (sentinel, DefectKind::DateSentinel),
                (banned.long_term_storage, DefectKind::LongTermStorage),
            ] {
                self.note(when, kind, "PT_KINKI", &key);
            }
            self.batch.push(
                "PT_KINKI",
                [
                    ("PT_ID", Cell::from(self.id())),
                    ("KINKI_NO", Cell::from(turn as i64 + 1)),
                    ("YAKU_CD", if free_text { fixed("") } else { Cell::from(drug.code.as_str()) }),
                    ("YAKU_NM", Cell::from(drug.name.as_str())),
                    ("RIYU_KBN", Cell::from(banned.reason.to_string())),
                    ("RIYU", banned.reaction.map_or_else(|| nothing(&mut s), fixed)),
                    ("JUTOKU", severity(banned.severe)),
                    ("START_YMD", ymd(banned.start)),
                    ("END_YMD", end),
                    ("KA_CD", Cell::from(department)),
                    ("ISI_CD", Cell::from(physician)),
                    ("LTS_FLG", decision(banned.long_term_storage)),
                    ("DEL_FLG", flag(deleted)),
                    ("UPD_DT", evening(&mut s, banned.start)),
                ],
            );
        }
    }

    pub fn infections(&mut self) {
        let mut s = self.stream("dirt LAB_KANSEN");
        let patient = self.patient;
        for (turn, test) in patient.infections.iter().enumerate() {
            let key = format!("{}/{}", self.id(), turn + 1);
            let infection = &self.lists.infections[test.infection];
            let deleted = s.chance(15);
            let (visit, stay) = self.encounter_numbers(test.encounter);
            let (department, physician) = self.department_and_physician(test.encounter);
            for (when, kind) in [
                (infection.jlac10.is_empty(), DefectKind::UnmappedCode),
                (deleted, DefectKind::DeletedRow),
                (test.long_term_storage, DefectKind::LongTermStorage),
            ] {
                self.note(when, kind, "LAB_KANSEN", &key);
            }
            let (result, judged) = match test.positive {
                Some(true) => (s.pick("(+)", &["陽性", "＋"]), "1"),
                Some(false) => (s.pick("(-)", &["(-)", "陰性", "−"]), "2"),
                None => (s.pick("±", &["判定保留"]), s.pick("3", &[""])),
            };
            self.batch.push(
                "LAB_KANSEN",
                [
                    ("PT_ID", Cell::from(self.id())),
                    ("KANSEN_SEQ", Cell::from(turn as i64 + 1)),
                    ("KANSEN_CD", Cell::from(infection.code.as_str())),
                    ("KANSEN_NM", Cell::from(infection.name.as_str())),
                    ("KENSA_YMD", ymd(test.taken)),
                    ("KEKKA", fixed(result)),
                    ("HANTEI", fixed(judged)),
                    ("ZAIRYO_NM", fixed(if infection.id == "MRSA" { "鼻腔粘液" } else { "血清" })),
                    ("KA_CD", Cell::from(department)),
                    ("ISI_CD", Cell::from(physician)),
                    ("RAIIN_NO", Cell::from(visit)),
                    ("NYUIN_NO", Cell::from(stay)),
                    ("LTS_FLG", decision(test.long_term_storage)),
                    ("DEL_FLG", flag(deleted)),
                    ("UPD_DT", evening(&mut s, test.taken)),
                ],
            );
        }
    }

    pub(super) fn encounter_day(&self, encounter: usize) -> NaiveDate {
        self.patient.encounters.get(encounter).map_or(AS_OF, |found| found.start.date())
    }

    /// Rows that a migration of 2019 left behind: their patient is gone.
    pub fn orphans(&mut self) {
        let number = self.patient.number;
        if number % 100 != 42 {
            return;
        }
        let mut s = self.stream("dirt orphans");
        let id = orphan_id(number);
        let day = AS_OF - chrono::Days::new(s.between(1000, 1800).unsigned_abs());
        let rx = running_number('R', number, 9_998);
        self.orphan_problem(&mut s, &id, day);
        self.orphan_order(&mut s, &id, day);
        self.note(true, DefectKind::Orphan, "RX_HEAD", &rx);
        let at = day.and_time(NaiveTime::MIN) + Duration::hours(10);
        let head = super::medication::Head {
            number: rx,
            id,
            at,
            encounter: None,
            status: "2",
            outside: true,
        };
        self.head(&head);
    }

    fn orphan_problem(&mut self, s: &mut Stream, id: &str, day: NaiveDate) {
        let disease = &self.lists.diseases[s.index(self.lists.diseases.len())];
        self.batch.note(DefectKind::Orphan, "PT_BYOMEI", format!("{id}/1"));
        self.batch.push(
            "PT_BYOMEI",
            [
                ("PT_ID", Cell::from(id)),
                ("BYOMEI_SEQ", Cell::from(1)),
                ("BYOMEI_CD", Cell::from(disease.code.as_str())),
                ("BYOMEI_NM", Cell::from(disease.name.as_str())),
                ("START_YMD", ymd(day)),
                ("END_YMD", fixed("")),
                ("TENKI", fixed("")),
                ("UTAGAI_FLG", flag(false)),
                ("SYUBYO_FLG", flag(false)),
                ("NYUGAI_KBN", fixed("2")),
                ("KA_CD", Cell::from(disease.department.as_str())),
                ("ISI_CD", fixed("")),
                ("RAIIN_NO", fixed("")),
                ("NYUIN_NO", fixed("")),
                ("LTS_FLG", fixed("")),
                ("MIKOKUTI_FLG", fixed("")),
                ("MITEIKYO_FLG", fixed("")),
                ("TOUROKU_YMD", ymd(day)),
                ("BIKO", Cell::Null),
                ("DEL_FLG", flag(false)),
                ("UPD_DT", evening(s, day)),
            ],
        );
    }
}

fn patient_is_in(writer: &Writer<'_>, encounter: usize) -> bool {
    writer.patient.encounters.get(encounter).is_some_and(|found| found.stay.is_some())
}

fn severity(severe: Option<bool>) -> Cell {
    fixed(match severe {
        Some(true) => "2",
        Some(false) => "1",
        None => "",
    })
}

/// `20050000`, `200500`, `2005` or a whole date; true if it is not whole.
fn onset(s: &mut Stream, onset: Option<NaiveDate>) -> (Cell, bool) {
    let Some(day) = onset else { return (fixed(""), false) };
    match s.below(10) {
        0..2 => (Cell::from(format!("{}0000", day.year())), true),
        2 => (Cell::from(format!("{}00", day.year())), true),
        3 => (Cell::from(day.year().to_string()), true),
        4 => (Cell::from(format!("{}{:02}00", day.year(), day.month())), true),
        _ => (ymd(day), false),
    }
}

/// UPD_DT in working hours of that day.
pub(super) fn evening(s: &mut Stream, day: NaiveDate) -> Cell {
    stamp(day.and_time(NaiveTime::MIN) + Duration::seconds(s.between(61_200, 79_200)))
}
