//! LAB_IRAI and LAB_KEKKA.

use chrono::{Days, Duration, NaiveDate, NaiveDateTime, NaiveTime};

use super::spelling::{fixed, full_width, nothing, stamp};
use super::{DefectKind, Writer, running_number};
use crate::lists::Item;
use crate::random::Stream;
use crate::rows::{Cell, decimal_text, flag};
use crate::truth::{AS_OF, LabOrder, LabResult, Measured, Sex};

/// One version of a result as it is to be written.
struct Version<'a> {
    number: &'a str,
    item: &'a Item,
    generation: i64,
    latest: bool,
    text: String,
    shadow: Option<i64>,
    abnormal: Option<char>,
    status: &'static str,
    reported: NaiveDateTime,
    unit: &'a str,
    comment: Cell,
}

impl Writer<'_> {
    pub fn orders(&mut self) {
        let mut s = self.stream("dirt LAB_KEKKA");
        let patient = self.patient;
        for (turn, order) in patient.orders.iter().enumerate() {
            let number = running_number('L', patient.number, turn);
            self.order(&number, order);
            if order.cancelled {
                self.batch.note(DefectKind::CancelledRow, "LAB_IRAI", number);
                continue;
            }
            for result in &order.results {
                self.result(&mut s, &number, order, result);
            }
        }
    }

    fn order(&mut self, number: &str, order: &LabOrder) {
        let (visit, stay) = self.encounter_numbers(order.encounter);
        let (department, physician) = self.department_and_physician(order.encounter);
        self.batch.push(
            "LAB_IRAI",
            [
                ("IRAI_NO", Cell::from(number)),
                ("PT_ID", Cell::from(self.id())),
                ("IRAI_DT", stamp(order.ordered)),
                ("SAISYU_DT", stamp(order.taken)),
                ("KA_CD", Cell::from(department)),
                ("ISI_CD", Cell::from(physician)),
                ("NYUGAI_KBN", fixed(if stay.is_empty() { "2" } else { "1" })),
                ("RAIIN_NO", Cell::from(visit)),
                ("NYUIN_NO", Cell::from(stay)),
                ("GAICHU_FLG", flag(order.sent_out)),
                ("TORIKESI", flag(order.cancelled)),
                ("UPD_DT", stamp(order.taken + Duration::minutes(2))),
            ],
        );
    }

    fn result(&mut self, s: &mut Stream, number: &str, order: &LabOrder, result: &LabResult) {
        let lists = self.lists;
        let item = &lists.items[result.item];
        let key = |generation: i64| format!("{number}/{}/{generation}", item.code);
        let bad = s.chance(6);
        let corrected = !bad && s.chance(40);
        // The laboratory confirms once a week.
        let preliminary = order.reported.date() + Days::new(7) >= AS_OF;
        let unit = if s.chance(50) { item.unit.as_str() } else { "" };
        if corrected {
            let earlier = spoiled(s, &result.measured);
            let (text, shadow, kind) = spelled(s, item, &earlier);
            self.note_spelling(kind, &key(1));
            self.batch.note(DefectKind::Superseded, "LAB_KEKKA", key(1));
            let status = "F";
            self.version(Version {
                number,
                item,
                generation: 1,
                latest: false,
                text,
                shadow,
                status,
                unit,
                abnormal: result.abnormal,
                reported: order.reported,
                comment: nothing(s),
            });
        }
        let generation = if corrected { 2 } else { 1 };
        let (mut text, mut shadow, kind) = spelled(s, item, &result.measured);
        let (mut status, mut abnormal) = ("F", result.abnormal);
        match (bad, corrected) {
            (true, _) => {
                text = if s.chance(500) { "検体不良".to_owned() } else { String::new() };
                status = if text.is_empty() { "X" } else { "F" };
                (shadow, abnormal) = (None, None);
                self.batch.note(DefectKind::BadSpecimen, "LAB_KEKKA", key(generation));
            }
            (_, true) => status = "C",
            _ if preliminary => status = "P",
            _ => {}
        }
        if !bad {
            self.note_spelling(kind, &key(generation));
        }
        let known = item.jlac10.is_empty();
        self.note(known, DefectKind::UnmappedCode, "LAB_KEKKA", &key(generation));
        self.note(status == "P", DefectKind::Preliminary, "LAB_KEKKA", &key(generation));
        self.note(!unit.is_empty(), DefectKind::UnitInRow, "LAB_KEKKA", &key(generation));
        let reported = order.reported + Duration::hours(if corrected { 3 } else { 0 });
        let comment = match (bad, s.chance(10)) {
            (true, _) => fixed("溶血のため再採取依頼"),
            (_, true) => fixed("再検済"),
            _ => nothing(s),
        };
        self.version(Version {
            number,
            item,
            generation,
            latest: true,
            text,
            shadow,
            abnormal,
            status,
            reported,
            unit,
            comment,
        });
    }

    fn note_spelling(&mut self, kinds: [Option<DefectKind>; 2], key: &str) {
        for kind in kinds.into_iter().flatten() {
            self.batch.note(kind, "LAB_KEKKA", key.to_owned());
        }
    }

    fn version(&mut self, row: Version<'_>) {
        let item = row.item;
        let now = AS_OF.and_time(NaiveTime::MIN) - Duration::minutes(10);
        let reported = row.reported.min(now);
        let (low, high) = match self.patient.person.sex {
            Sex::Male => (item.low_m, item.high_m),
            Sex::Female => (item.low_f, item.high_f),
        };
        let limit = |limit: Option<i64>| {
            limit.map_or(fixed(""), |limit| Cell::from(decimal_text(limit, item.decimals)))
        };
        self.batch.push(
            "LAB_KEKKA",
            [
                ("IRAI_NO", Cell::from(row.number)),
                ("KOUMOKU_CD", Cell::from(item.code.as_str())),
                ("GEN_NO", Cell::from(row.generation)),
                ("LATEST_FLG", flag(row.latest)),
                ("KOUMOKU_NM", Cell::from(item.short.as_str())),
                ("KEKKA", Cell::from(row.text)),
                (
                    "KEKKA_NUM",
                    row.shadow.map_or(Cell::Null, |units| Cell::Decimal {
                        units: units * 10_i64.pow(3 - item.decimals.min(3)),
                        scale: 3,
                    }),
                ),
                ("TANI", Cell::from(row.unit)),
                ("KIJUN_L", limit(low)),
                ("KIJUN_H", limit(high)),
                (
                    "IJO_FLG",
                    fixed(match row.abnormal {
                        Some('H') => "H",
                        Some('L') => "L",
                        Some(_) => "A",
                        None => "",
                    }),
                ),
                ("KEKKA_STS", fixed(row.status)),
                ("HOUKOKU_DT", stamp(reported)),
                (
                    "GISI_CD",
                    fixed(match reported.and_utc().timestamp() % 3 {
                        0 => "400001",
                        1 => "400002",
                        _ => "400003",
                    }),
                ),
                ("COMMENT", row.comment),
                ("UPD_DT", stamp(reported + Duration::minutes(3))),
            ],
        );
    }

    pub(super) fn orphan_order(&mut self, s: &mut Stream, id: &str, day: NaiveDate) {
        let number = running_number('L', self.patient.number, 9_998);
        let at = day.and_time(NaiveTime::MIN) + Duration::hours(9);
        self.batch.note(DefectKind::Orphan, "LAB_IRAI", number.clone());
        self.batch.push(
            "LAB_IRAI",
            [
                ("IRAI_NO", Cell::from(number.as_str())),
                ("PT_ID", Cell::from(id)),
                ("IRAI_DT", stamp(at)),
                ("SAISYU_DT", stamp(at)),
                ("KA_CD", fixed("01")),
                ("ISI_CD", fixed("")),
                ("NYUGAI_KBN", fixed("2")),
                ("RAIIN_NO", fixed("")),
                ("NYUIN_NO", fixed("")),
                ("GAICHU_FLG", flag(false)),
                ("TORIKESI", flag(false)),
                ("UPD_DT", stamp(at)),
            ],
        );
        let item = &self.lists.items[0];
        let value = item.mean_m + s.between(-5, 5);
        self.version(Version {
            number: &number,
            item,
            generation: 1,
            latest: true,
            shadow: Some(value),
            abnormal: None,
            text: decimal_text(value, item.decimals),
            status: "F",
            reported: at,
            unit: "",
            comment: Cell::Null,
        });
    }
}

/// The wrong value that was corrected later.
fn spoiled(s: &mut Stream, measured: &Measured) -> Measured {
    match measured {
        Measured::Number(value) => Measured::Number(value + value * s.between(4, 15) / 100 + 1),
        other => other.clone(),
    }
}

/// KEKKA, KEKKA_NUM and what is odd about the spelling.
fn spelled(
    s: &mut Stream,
    item: &Item,
    measured: &Measured,
) -> (String, Option<i64>, [Option<DefectKind>; 2]) {
    let wide = s.chance(12).then_some(DefectKind::FullWidthResult);
    let (text, shadow, comparator) = match measured {
        Measured::Number(value) => (decimal_text(*value, item.decimals), Some(*value), None),
        Measured::Below(limit) => {
            let text = format!("<{}", decimal_text(*limit, item.decimals));
            (text, Some(*limit), Some(DefectKind::Comparator))
        }
        Measured::Grade(grade) => {
            let text = match grade {
                0 => "(-)",
                1 => "(±)",
                2 => "1+",
                3 => "2+",
                _ => "3+",
            };
            (text.to_owned(), None, None)
        }
        Measured::Positive(true) => (s.pick("(+)", &["陽性", "(+)"]).to_owned(), None, None),
        Measured::Positive(false) => (s.pick("(-)", &["陰性", "(-)"]).to_owned(), None, None),
        Measured::Text(text) => ((*text).to_owned(), None, None),
    };
    match wide {
        Some(_) => (full_width(&text), shadow, [wide, comparator]),
        None => (text, shadow, [None, comparator]),
    }
}
