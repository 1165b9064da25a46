//! PT_DAICHO: who is in which 疾病登録台帳.

use chrono::Days;

use super::clinical::evening;
use super::spelling::{no_date, ymd};
use super::{DefectKind, Writer};
use crate::rows::Cell;
use crate::truth::AS_OF;

impl Writer<'_> {
    /// Four of five patients with a disease of the registry, from the visit that recorded it on; a
    /// few have left it. Who is no patient any more is not taken out: nobody looks after that.
    pub fn registries(&mut self) {
        let mut s = self.stream("dirt PT_DAICHO");
        let (patient, lists, id) = (self.patient, self.lists, self.id());
        for registry in &lists.registries {
            let mut problems = patient.problems.iter();
            let first = problems.find(|problem| {
                let code = lists.diseases[problem.disease].code.as_str();
                let of_registry = registry.diseases.split_whitespace().any(|known| known == code);
                of_registry && !problem.suspected
            });
            let (in_it, leaves) = (s.chance(800), s.chance(60));
            let Some(problem) = first.filter(|_| in_it) else { continue };
            let registered = self.encounter_day(problem.encounter).max(problem.start);
            let left = registered + Days::new(s.between(30, 400).unsigned_abs());
            let left = Some(left).filter(|day| leaves && *day < AS_OF);
            let (removed, sentinel) = left.map_or_else(|| no_date(&mut s), |day| (ymd(day), false));
            let key = format!("{}/{id}", registry.code);
            self.note(sentinel, DefectKind::DateSentinel, "PT_DAICHO", &key);
            self.batch.push(
                "PT_DAICHO",
                [
                    ("DAICHO_CD", Cell::from(registry.code.as_str())),
                    ("PT_ID", Cell::from(id.as_str())),
                    ("TOUROKU_YMD", ymd(registered)),
                    ("KAIJO_YMD", removed),
                    ("UPD_DT", evening(&mut s, left.unwrap_or(registered))),
                ],
            );
        }
    }
}
