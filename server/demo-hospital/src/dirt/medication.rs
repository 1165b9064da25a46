//! RX_HEAD, RX_RP and RX_YAKU.

use chrono::{Duration, NaiveDateTime};

use super::spelling::{fixed, full_width, nothing, stamp, ymd};
use super::{DefectKind, Writer, running_number};
use crate::random::Stream;
use crate::rows::{Cell, shortest};
use crate::truth::{Group, Line, Prescription};

pub(super) struct Head {
    pub number: String,
    pub id: String,
    pub at: NaiveDateTime,
    pub encounter: Option<usize>,
    pub status: &'static str,
    pub outside: bool,
}

impl Writer<'_> {
    pub fn prescriptions(&mut self) {
        let mut s = self.stream("dirt RX_HEAD");
        let patient = self.patient;
        for (turn, prescription) in patient.prescriptions.iter().enumerate() {
            let number = running_number('R', patient.number, turn);
            self.prescription(&mut s, &number, prescription);
        }
    }

    fn prescription(&mut self, s: &mut Stream, number: &str, prescription: &Prescription) {
        let deleted = s.chance(15);
        let status = match (deleted, prescription.stopped, prescription.dispensed) {
            (true, _, _) => "9",
            (_, true, _) => "8",
            (_, _, true) => "2",
            _ => "1",
        };
        self.note(deleted, DefectKind::DeletedRow, "RX_HEAD", number);
        self.head(&Head {
            number: number.to_owned(),
            id: self.id(),
            at: prescription.at,
            encounter: Some(prescription.encounter),
            status,
            outside: prescription.outside,
        });
        for (turn, group) in prescription.groups.iter().enumerate() {
            self.group(s, number, turn, group);
        }
    }

    pub(super) fn head(&mut self, head: &Head) {
        let none = || (String::new(), String::new());
        let (visit, stay) = head.encounter.map_or_else(none, |at| self.encounter_numbers(at));
        let (department, physician) = match head.encounter {
            Some(at) => self.department_and_physician(at),
            None => ("01".to_owned(), String::new()),
        };
        self.batch.push(
            "RX_HEAD",
            [
                ("RX_NO", Cell::from(head.number.as_str())),
                ("PT_ID", Cell::from(head.id.as_str())),
                ("RX_DT", stamp(head.at)),
                ("START_YMD", ymd(head.at.date())),
                ("KA_CD", Cell::from(department)),
                ("ISI_CD", Cell::from(physician)),
                ("INGAI_KBN", fixed(if head.outside { "1" } else { "2" })),
                ("NYUGAI_KBN", fixed(if stay.is_empty() { "2" } else { "1" })),
                ("RAIIN_NO", Cell::from(visit)),
                ("NYUIN_NO", Cell::from(stay)),
                ("STS", fixed(head.status)),
                ("UPD_DT", stamp(head.at + Duration::minutes(11))),
            ],
        );
    }

    fn group(&mut self, s: &mut Stream, number: &str, turn: usize, group: &Group) {
        let key = format!("{number}/{}", turn + 1);
        let usage = self.lists.usage(&group.usage);
        let free_text = s.chance(20);
        let unmapped = usage.is_some_and(|usage| usage.epresc.is_empty());
        self.note(free_text, DefectKind::FreeText, "RX_RP", &key);
        self.note(unmapped && !free_text, DefectKind::UnmappedCode, "RX_RP", &key);
        let name = match (free_text, usage) {
            (true, _) => "医師の指示どおり",
            (_, Some(usage)) => usage.name.as_str(),
            _ => "",
        };
        let days = match group.days {
            Some(days) => Cell::from(i64::from(days)),
            None if s.chance(500) => Cell::from(0),
            None => Cell::Null,
        };
        self.batch.push(
            "RX_RP",
            [
                ("RX_NO", Cell::from(number)),
                ("RP_NO", Cell::from(turn as i64 + 1)),
                ("YOHO_CD", if free_text { fixed("") } else { Cell::from(group.usage.as_str()) }),
                ("YOHO_NM", Cell::from(name)),
                ("NISSU", days),
                ("KAISU", group.doses.map_or(Cell::Null, |doses| Cell::from(i64::from(doses)))),
                ("COMMENT", nothing(s)),
            ],
        );
        for (order, line) in group.lines.iter().enumerate() {
            self.line(s, &key, (number, turn, order), line);
        }
    }

    fn line(&mut self, s: &mut Stream, rp: &str, at: (&str, usize, usize), line: &Line) {
        let (number, turn, order) = at;
        let drug = &self.lists.drugs[line.drug];
        let key = format!("{rp}/{}", order + 1);
        let wide = s.chance(25);
        let text = crate::rows::decimal_text(line.dose, 3);
        let dose = if wide { full_width(shortest(&text)) } else { shortest(&text).to_owned() };
        let unmapped = drug.yj.is_empty();
        self.note(wide, DefectKind::FullWidthDose, "RX_YAKU", &key);
        self.note(unmapped, DefectKind::UnmappedCode, "RX_YAKU", &key);
        let amount = |units: i64| Cell::Decimal { units, scale: 3 };
        self.batch.push(
            "RX_YAKU",
            [
                ("RX_NO", Cell::from(number)),
                ("RP_NO", Cell::from(turn as i64 + 1)),
                ("YAKU_NO", Cell::from(order as i64 + 1)),
                ("YAKU_CD", Cell::from(drug.code.as_str())),
                ("YAKU_NM", Cell::from(drug.name.as_str())),
                ("RYO", Cell::from(dose)),
                ("RYO_NITI", line.day.map_or(Cell::Null, amount)),
                ("SURYO", amount(line.total)),
                ("TANI", Cell::from(drug.unit.as_str())),
                ("COMMENT", if s.chance(30) { fixed("粉砕") } else { nothing(s) }),
            ],
        );
    }
}
