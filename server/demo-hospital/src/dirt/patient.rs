//! PT_MST, PT_HOKEN, PT_RAIIN and PT_NYUIN.

use chrono::{Days, Duration, NaiveTime};

use super::spelling::{fixed, full_width, no_date, nothing, stamp, wareki, ymd};
use super::{DefectKind, Writer, duplicate_id};
use crate::random::Stream;
use crate::rows::{Cell, flag};
use crate::truth::{AS_OF, Encounter, Insurance, Scheme, Stay};

/// What is odd about one row of PT_MST.
#[derive(Clone)]
struct Registered {
    id: String,
    kanji: String,
    birth: String,
    test: bool,
    deleted: bool,
    merged_into: String,
}

impl Writer<'_> {
    pub fn patient(&mut self) {
        let mut s = self.stream("dirt PT_MST");
        let number = self.patient.number;
        let (person, id) = (&self.patient.person, self.id());
        let (test, deleted) = (number % 300 == 13, number % 200 == 77);
        let gap = match s.below(100) {
            0..3 => "",
            3..6 => " ",
            _ => "\u{3000}",
        };
        let western = s.chance(30);
        let unknown = s.chance(2);
        let birth = match (unknown, western) {
            (true, _) => "00000000".to_owned(),
            (_, true) => person.birth.format("%Y%m%d").to_string(),
            _ => wareki(person.birth),
        };
        let kanji = if test {
            format!("テスト{gap}患者{}", full_width(&number.to_string()))
        } else {
            format!("{}{gap}{}", person.family, person.given)
        };
        let row =
            Registered { id: id.clone(), kanji, birth, test, deleted, merged_into: String::new() };
        let variant = person.variant.clone();
        self.note(unknown, DefectKind::UnknownBirth, "PT_MST", &id);
        self.note(western && !unknown, DefectKind::WesternBirth, "PT_MST", &id);
        self.note(gap != "\u{3000}", DefectKind::NameSpacing, "PT_MST", &id);
        self.note(test, DefectKind::TestPatient, "PT_MST", &id);
        self.note(deleted, DefectKind::DeletedPatient, "PT_MST", &id);
        self.note(variant == "variant" && !test, DefectKind::VariantCharacter, "PT_MST", &id);
        self.note(variant == "astral" && !test, DefectKind::AstralCharacter, "PT_MST", &id);
        self.patient_row(&mut s, &row);
        if number % 50 == 9 {
            let twin = Registered { id: duplicate_id(number), merged_into: id, ..row };
            self.note(true, DefectKind::MergedPatient, "PT_MST", &twin.id);
            self.patient_row(&mut s, &twin);
        }
    }

    fn patient_row(&mut self, s: &mut Stream, row: &Registered) {
        let person = &self.patient.person;
        let wide = s.chance(120);
        let phone = |number: Option<&String>, wide: bool| match number {
            Some(number) if wide => Cell::from(full_width(number)),
            Some(number) => Cell::from(number.as_str()),
            None => fixed(""),
        };
        let (tel, mobile) =
            (phone(person.phone.as_ref(), wide), phone(person.mobile.as_ref(), false));
        let full_width_phone = wide && person.phone.is_some();
        let (death, sentinel) = match person.death {
            Some(day) => (ymd(day), false),
            None => (fixed(if s.chance(200) { "00000000" } else { "" }), false),
        };
        let zip = match s.chance(150) {
            true => format!("{}-{}", &person.zip[..3], &person.zip[3..]),
            false => person.zip.clone(),
        };
        let known = s.chance(500);
        let kana = match row.test {
            true => Cell::from("ﾃｽﾄ ｶﾝｼﾞｬ"),
            false => Cell::from(format!("{} {}", person.family_kana, person.given_kana)),
        };
        let first = self.patient.encounters.first().map_or(crate::truth::SINCE, |e| e.start.date());
        let touched =
            first + Days::new(s.between(0, (AS_OF - first).num_days() - 1).unsigned_abs());
        self.note(full_width_phone, DefectKind::FullWidthPhone, "PT_MST", &row.id);
        self.note(sentinel, DefectKind::DateSentinel, "PT_MST", &row.id);
        self.batch.push(
            "PT_MST",
            [
                ("PT_ID", Cell::from(row.id.as_str())),
                ("KANJI_NM", Cell::from(row.kanji.as_str())),
                ("KANA_NM", kana),
                ("SEX", Cell::from(person.sex.code().to_string())),
                ("BIRTH", Cell::from(row.birth.as_str())),
                ("TEL", tel),
                ("KEITAI", mobile),
                ("ZIP", Cell::from(zip)),
                ("ADDR", Cell::from(person.address.as_str())),
                ("ABO", if known { fixed(person.abo) } else { fixed("") }),
                (
                    "RH",
                    fixed(match (known, person.rh_positive) {
                        (false, _) => "",
                        (true, true) => "+",
                        (true, false) => "-",
                    }),
                ),
                ("SIBOU_YMD", death),
                ("TEST_FLG", flag(row.test)),
                ("TOUGOU_PT_ID", Cell::from(row.merged_into.as_str())),
                ("DEL_FLG", flag(row.deleted)),
                ("TOUROKU_YMD", ymd(first)),
                (
                    "UPD_DT",
                    stamp(
                        touched.and_time(NaiveTime::MIN)
                            + Duration::seconds(s.between(28_800, 79_200)),
                    ),
                ),
            ],
        );
    }

    pub fn insurances(&mut self) {
        let mut s = self.stream("dirt PT_HOKEN");
        let count = self.patient.insurances.len();
        let missing = s.chance(8);
        for turn in 0..count {
            let card = &self.patient.insurances[turn];
            let in_use = turn + 1 == count && card.scheme != Scheme::OutOfPocket && !missing;
            self.insurance(&mut s, turn, in_use);
        }
        let id = self.id();
        let none = missing
            || self.patient.insurances.iter().all(|card| card.scheme == Scheme::OutOfPocket);
        self.note(none, DefectKind::NoInsurance, "PT_HOKEN", &id);
    }

    fn insurance(&mut self, s: &mut Stream, turn: usize, in_use: bool) {
        let card: &Insurance = &self.patient.insurances[turn];
        // A 記号 with kanji or kana is written full width, and the number then too.
        let wide = !card.symbol.is_ascii() || s.chance(200);
        let spelled = |text: &str| if wide { full_width(text) } else { text.to_owned() };
        let (kind, insurer) = match card.scheme {
            Scheme::Employee => ("01", card.insurer.clone()),
            Scheme::National => ("02", card.insurer.clone()),
            Scheme::LateElderly => ("03", card.insurer.clone()),
            Scheme::Welfare => ("12", String::new()),
            Scheme::OutOfPocket => ("90", String::new()),
        };
        let (public, recipient) = card.public.clone().unwrap_or_default();
        let key = format!("{}/{}", self.id(), turn + 1);
        let to = card.to.map_or(fixed("99999999"), ymd);
        let row = [
            ("PT_ID", Cell::from(self.id())),
            ("HOKEN_SEQ", Cell::from(turn as i64 + 1)),
            ("HOKEN_SYU", fixed(kind)),
            ("HOKENSYA_NO", Cell::from(insurer.as_str())),
            ("KIGOU", Cell::from(spelled(&card.symbol))),
            ("BANGOU", Cell::from(spelled(&card.number))),
            ("EDABAN", card.branch.map_or(fixed(""), |branch| Cell::from(format!("{branch:02}")))),
            ("HONKE_KBN", fixed(if card.insured_self { "1" } else { "2" })),
            ("KOUHI_NO", Cell::from(public)),
            ("JYUKYU_NO", Cell::from(recipient)),
            ("YUKO_FROM", ymd(card.from)),
            ("YUKO_TO", to),
            ("YUKO_FLG", flag(in_use)),
            ("UPD_DT", stamp(card.from.and_time(NaiveTime::MIN) + Duration::seconds(36_000))),
        ];
        let full = wide && !card.number.is_empty();
        self.note(insurer.len() == 6, DefectKind::ShortInsurer, "PT_HOKEN", &key);
        self.note(full, DefectKind::FullWidthCard, "PT_HOKEN", &key);
        self.batch.push("PT_HOKEN", row);
    }

    pub fn encounters(&mut self) {
        let mut s = self.stream("dirt PT_RAIIN");
        for at in 0..self.patient.encounters.len() {
            let encounter = &self.patient.encounters[at];
            match encounter.stay {
                Some(stay) => self.stay(&mut s, at, encounter, stay),
                None => self.visit(&mut s, at, encounter),
            }
        }
    }

    fn visit(&mut self, s: &mut Stream, at: usize, visit: &Encounter) {
        let (number, _) = self.encounter_numbers(at);
        let (department, physician) = self.department_and_physician(at);
        let unknown = s.chance(15);
        let time = match (unknown, s.chance(500)) {
            (true, true) => "9999".to_owned(),
            (true, false) => "2460".to_owned(),
            _ => visit.start.format("%H%M").to_string(),
        };
        let complaint = match s.chance(150) {
            true => fixed(s.pick("発熱", &["咳嗽", "腹痛", "頭痛", "めまい", "定期受診", "腰痛"])),
            false => nothing(s),
        };
        let machine = match visit.start.format("%Y").to_string().as_str() {
            "2021" | "2022" => Cell::Null,
            _ => Cell::from(
                (visit.start - Duration::minutes(9)).format("%Y-%m-%d %H:%M:%S").to_string(),
            ),
        };
        self.note(unknown, DefectKind::TimeSentinel, "PT_RAIIN", &number);
        self.note(visit.cancelled, DefectKind::CancelledRow, "PT_RAIIN", &number);
        self.batch.push(
            "PT_RAIIN",
            [
                ("RAIIN_NO", Cell::from(number)),
                ("PT_ID", Cell::from(self.id())),
                ("RAIIN_YMD", ymd(visit.start.date())),
                ("RAIIN_HM", Cell::from(time)),
                ("KA_CD", Cell::from(department.as_str())),
                ("ISI_CD", Cell::from(physician)),
                (
                    "BASYO_CD",
                    Cell::from(if visit.emergency {
                        "G90".into()
                    } else {
                        format!("G{department}")
                    }),
                ),
                ("SYOSAI_KBN", fixed(if visit.first { "1" } else { "2" })),
                ("KYUKYU_FLG", flag(visit.emergency)),
                ("STS", fixed(if visit.cancelled { "9" } else { "3" })),
                ("SYUSO", complaint),
                ("UKETUKE_DT", machine),
                ("UPD_DT", stamp(visit.start + Duration::seconds(s.between(600, 7200)))),
            ],
        );
    }

    fn stay(&mut self, s: &mut Stream, at: usize, encounter: &Encounter, stay: Stay) {
        let (_, number) = self.encounter_numbers(at);
        let (department, physician) = self.department_and_physician(at);
        let ward = s.pick("3E", &["3W", "4E", "4W", "ICU"]);
        let route = if encounter.emergency { "4" } else { s.pick("1", &["1", "1", "2", "3"]) };
        let to = match (stay.end, stay.died) {
            (None, _) => "",
            (_, true) => "4",
            _ => s.pick("1", &["1", "1", "1", "2", "3"]),
        };
        let status = match (encounter.cancelled, stay.end) {
            (true, _) => "9",
            (_, None) => "1",
            _ => "2",
        };
        let end = stay.end.map_or(fixed("99999999"), ymd);
        let touched = stay.end.unwrap_or(encounter.start.date());
        let (_, sentinel) = no_date(s);
        self.note(encounter.cancelled, DefectKind::CancelledRow, "PT_NYUIN", &number);
        let problem = if sentinel { Cell::Null } else { Cell::from(stay.problem as i64 + 1) };
        self.batch.push(
            "PT_NYUIN",
            [
                ("NYUIN_NO", Cell::from(number)),
                ("PT_ID", Cell::from(self.id())),
                ("NYUIN_DT", Cell::from(encounter.start.format("%Y%m%d%H%M").to_string())),
                ("TAIIN_YMD", end),
                ("KA_CD", Cell::from(department)),
                ("SYUJII_CD", Cell::from(physician)),
                ("BYOTO_CD", Cell::from(ward)),
                ("BASYO_CD", Cell::from(format!("{ward}{}", s.between(1, 4)))),
                ("NYUIN_KEIRO", fixed(route)),
                ("TAIIN_KBN", fixed(to)),
                ("SYUBYO_SEQ", problem),
                ("STS", fixed(status)),
                (
                    "UPD_DT",
                    stamp(
                        touched.and_time(NaiveTime::MIN)
                            + Duration::seconds(s.between(30_000, 79_000)),
                    ),
                ),
            ],
        );
    }
}
