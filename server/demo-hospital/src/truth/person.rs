//! Who a patient is: name, sex, birth, address, insurance.

use chrono::{Datelike, Days, NaiveDate};

use super::AS_OF;
use crate::lists::{Lists, Surname};
use crate::random::Stream;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sex {
    Male,
    Female,
}

impl Sex {
    /// 1 男 2 女
    pub fn code(self) -> u8 {
        match self {
            Sex::Male => 1,
            Sex::Female => 2,
        }
    }
}

#[derive(Debug, Clone)]
pub struct Person {
    pub sex: Sex,
    pub birth: NaiveDate,
    pub death: Option<NaiveDate>,
    pub family: String,
    pub given: String,
    /// Half-width kana.
    pub family_kana: String,
    pub given_kana: String,
    /// As [`Surname::variant`].
    pub variant: String,
    /// A B O AB
    pub abo: &'static str,
    pub rh_positive: bool,
    pub zip: String,
    pub address: String,
    /// With hyphens, half-width digits.
    pub phone: Option<String>,
    pub mobile: Option<String>,
}

impl Person {
    pub fn age_on(&self, day: NaiveDate) -> i32 {
        let before = (day.month(), day.day()) < (self.birth.month(), self.birth.day());
        day.year() - self.birth.year() - i32::from(before)
    }
}

#[derive(Debug, Clone)]
pub struct Insurance {
    pub scheme: Scheme,
    /// 保険者番号 as the law writes it: 6 digits for 国保, 8 otherwise; empty for 生活保護 and 自費.
    pub insurer: String,
    pub symbol: String,
    pub number: String,
    /// 枝番; None = not printed on the card.
    pub branch: Option<u32>,
    pub insured_self: bool,
    /// 公費負担者番号 and 受給者番号 of 生活保護.
    pub public: Option<(String, String)>,
    pub from: NaiveDate,
    pub to: Option<NaiveDate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    Employee,
    National,
    LateElderly,
    Welfare,
    OutOfPocket,
}

/// Family name, given name and whether the family name needs more than JIS X 0208.
pub fn person_name<'a>(stream: &mut Stream, lists: &'a Lists, sex: Sex) -> (&'a Surname, usize) {
    let total: u32 = lists.surnames.iter().map(|surname| surname.weight).sum();
    let mut left = stream.below(total);
    let mut family = &lists.surnames[0];
    for surname in &lists.surnames {
        family = surname;
        if left < surname.weight {
            break;
        }
        left -= surname.weight;
    }
    let first = lists.given_names.iter().position(|name| name.sex == sex.code()).unwrap_or(0);
    let count = lists.given_names.iter().filter(|name| name.sex == sex.code()).count();
    (family, first + stream.index(count))
}

pub(super) fn person(seed: u64, lists: &Lists, number: u32) -> Person {
    let mut s = Stream::of(seed, "PT_MST", number);
    let sex = if s.chance(480) { Sex::Male } else { Sex::Female };
    let (youngest, oldest) = match s.below(1000) {
        0..100 => (0, 14),
        100..270 => (15, 39),
        270..570 => (40, 64),
        570..850 => (65, 79),
        _ => (80, 98),
    };
    let days = s.between(youngest * 365 + 40, oldest * 365 + 360);
    let birth = AS_OF - Days::new(days.unsigned_abs());
    let deadly = if oldest >= 79 { 60 } else { 8 };
    let death = s.chance(deadly).then(|| AS_OF - Days::new(s.between(1, 900).unsigned_abs()));
    let death = death.filter(|day| *day > birth + Days::new(400));
    let (mut family, given) = person_name(&mut s, lists, sex);
    if number % 250 == 21 {
        family = lists.surnames.iter().find(|name| name.variant == "astral").unwrap_or(family);
    }
    let given = &lists.given_names[given];
    let town = &lists.towns[s.index(lists.towns.len())];
    let house = format!("{}-{}-{}", s.between(1, 9), s.between(1, 28), s.between(1, 30));
    let flat = if s.chance(300) {
        format!(" みなとハイツ{}", s.between(101, 909))
    } else {
        String::new()
    };
    let phone = s.chance(800).then(|| format!("046-{:03}-{:04}", s.below(1000), s.below(10000)));
    let mobile = s.chance(700).then(|| format!("090-{:04}-{:04}", s.below(10000), s.below(10000)));
    Person {
        sex,
        birth,
        death,
        family: family.name.clone(),
        given: given.name.clone(),
        family_kana: family.kana.clone(),
        given_kana: given.kana.clone(),
        variant: family.variant.clone(),
        abo: match s.below(100) {
            0..39 => "A",
            39..68 => "O",
            68..90 => "B",
            _ => "AB",
        },
        rh_positive: !s.chance(5),
        zip: town.zip.clone(),
        address: format!("{}{house}{flat}", town.name),
        phone,
        mobile,
    }
}

/// The cards of a patient, oldest first; the last one is in use.
pub(super) fn insurances(seed: u64, number: u32, person: &Person) -> Vec<Insurance> {
    let mut s = Stream::of(seed, "PT_HOKEN", number);
    let from = AS_OF - Days::new(s.between(200, 1500).unsigned_abs());
    let scheme = match (person.age_on(AS_OF), s.below(1000)) {
        (_, 0..20) => Scheme::Welfare,
        (_, 20..28) => Scheme::OutOfPocket,
        (75.., _) => Scheme::LateElderly,
        (..65, 28..720) | (65.., 28..150) => Scheme::Employee,
        _ => Scheme::National,
    };
    let current = card(&mut s, scheme, from);
    let mut cards = Vec::new();
    if s.chance(200) {
        let before = if scheme == Scheme::Employee { Scheme::National } else { Scheme::Employee };
        let mut old = card(&mut s, before, from - Days::new(1200));
        old.to = Some(from - Days::new(1));
        cards.push(old);
    }
    cards.push(current);
    cards
}

fn card(s: &mut Stream, scheme: Scheme, from: NaiveDate) -> Insurance {
    let insurer = match scheme {
        Scheme::Employee => s.pick("01140012", &["06130025", "06140114", "31140038"]).to_owned(),
        Scheme::National => s.pick("140012", &["140020", "138057"]).to_owned(),
        Scheme::LateElderly => format!("3914{:04}", s.between(1001, 1099)),
        Scheme::Welfare | Scheme::OutOfPocket => String::new(),
    };
    let covered = !insurer.is_empty();
    let symbol = match scheme {
        Scheme::Employee if s.chance(300) => s.pick("港総", &["み健", "船員"]).to_owned(),
        Scheme::Employee => s.between(1_000_000, 99_999_999).to_string(),
        Scheme::National => format!("み{}", s.between(1, 99)),
        _ => String::new(),
    };
    let number = if covered { s.between(1, 9_999_999).to_string() } else { String::new() };
    let branch = (covered && scheme != Scheme::LateElderly && s.chance(850)).then(|| s.below(5));
    let public = (scheme == Scheme::Welfare).then(|| {
        (format!("1214{:04}", s.between(1001, 1019)), format!("{:07}", s.below(9_999_999)))
    });
    let insured_self = s.chance(600);
    Insurance { scheme, insurer, symbol, number, branch, insured_self, public, from, to: None }
}
