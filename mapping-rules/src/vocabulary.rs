//! What columns and tables of hospitals are called: a vocabulary in romaji, Japanese and English. It
//! proposes, and never decides alone: `scan` asks the values too, and `record` masks all that it does
//! not know for a code.

use std::sync::OnceLock;

const WORDS: &str = include_str!("vocabulary.txt");

/// Defines the enum with the names that the file uses.
macro_rules! meanings {
    ($($name:ident),* $(,)?) => {
        /// What a column means.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Meaning { $($name),* }

        impl Meaning {
            pub fn name(self) -> &'static str {
                match self { $(Meaning::$name => stringify!($name)),* }
            }

            fn by_name(name: &str) -> Option<Self> {
                match name { $(stringify!($name) => Some(Meaning::$name),)* _ => None }
            }
        }
    };
}

meanings! {
    PatientNumber, PersonName, PersonKana, Sex, BirthDate, Phone, Mobile, PostalCode, Address, Mail,
    DeathDate, StaffNumber, StaffName, DepartmentCode, DepartmentName, WardCode, VisitNumber,
    AdmissionNumber, VisitDate, AdmittedAt, DischargedAt, DiseaseCode, DiseaseName, Outcome,
    SuspectedFlag, MainFlag, StartDate, EndDate, AllergenCode, AllergenName, Severity, Reaction,
    OrderNumber, ItemCode, ItemName, ResultValue, ResultNumber, ResultStatus, Unit, LowerLimit,
    UpperLimit, AbnormalFlag, CollectedAt, ReportedAt, Specimen, PrescriptionNumber, PrescribedAt,
    DrugCode, DrugName, Dose, Quantity, UsageCode, UsageName, Days, GroupNumber, InsurerNumber,
    InsuranceSymbol, InsuranceNumber, InsuranceBranch, Sequence, ValidFrom, ValidTo, DeleteFlag,
    TestFlag, Updated, Created, Comment,
}

/// What kind of thing a column holds, as far as the end of its name says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    Code,
    Flag,
    Number,
    Name,
    Date,
    Text,
}

/// A word of the vocabulary that a name has, and what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known<T> {
    pub means: T,
    pub word: &'static str,
}

struct Vocabulary {
    columns: Vec<(Word, Meaning)>,
    roles: Vec<(Word, Role)>,
    tables: Vec<(Word, &'static str)>,
}

struct Word {
    text: &'static str,
    parts: Vec<String>,
    whole: String,
}

impl Meaning {
    /// Says who somebody is, or where to find them: never shown.
    pub fn is_personal(self) -> bool {
        use Meaning as M;
        matches!(
            self,
            M::PatientNumber
                | M::PersonName
                | M::PersonKana
                | M::BirthDate
                | M::Phone
                | M::Mobile
                | M::PostalCode
                | M::Address
                | M::Mail
                | M::DeathDate
                | M::StaffName
                | M::InsuranceSymbol
                | M::InsuranceNumber
                | M::InsuranceBranch
        )
    }

    /// Holds a day or a time.
    pub fn is_date(self) -> bool {
        use Meaning as M;
        matches!(
            self,
            M::BirthDate
                | M::DeathDate
                | M::VisitDate
                | M::AdmittedAt
                | M::DischargedAt
                | M::StartDate
                | M::EndDate
                | M::CollectedAt
                | M::ReportedAt
                | M::PrescribedAt
                | M::ValidFrom
                | M::ValidTo
                | M::Updated
                | M::Created
        )
    }

    /// Holds the number of a person or of a thing that happened to one.
    pub fn is_number(self) -> bool {
        use Meaning as M;
        matches!(
            self,
            M::PatientNumber
                | M::StaffNumber
                | M::VisitNumber
                | M::AdmissionNumber
                | M::OrderNumber
                | M::PrescriptionNumber
                | M::InsurerNumber
        )
    }

    /// Holds text that people write, results among it: its values are nobody's codes.
    pub fn is_written(self) -> bool {
        use Meaning as M;
        matches!(
            self,
            M::DiseaseName
                | M::AllergenName
                | M::Reaction
                | M::ItemName
                | M::ResultValue
                | M::ResultNumber
                | M::LowerLimit
                | M::UpperLimit
                | M::Specimen
                | M::DrugName
                | M::Dose
                | M::Quantity
                | M::UsageName
                | M::Days
                | M::Comment
                | M::DepartmentName
        )
    }
}

/// What a column's name says that it means: the longest word that it has.
pub fn of_column(name: &str) -> Option<Known<Meaning>> {
    longest(&vocabulary().columns, name, true)
}

/// What the end of a column's name says of it.
pub fn role_of(name: &str) -> Option<Known<Role>> {
    let parts = parts(name);
    let last = parts.last()?;
    let fits = |word: &Word| {
        *last == word.whole || (!word.whole.is_ascii() && name.ends_with(word.text)) || {
            // KANJACD, UPDYMD: short ends of a name that puts nothing between.
            word.whole.len() >= 2 && last.len() > word.whole.len() && last.ends_with(&word.whole)
        }
    };
    let found = vocabulary().roles.iter().filter(|(word, _)| fits(word));
    let best = found.max_by_key(|(word, _)| (*last == word.whole, word.whole.len()));
    best.map(|(word, role)| Known { means: *role, word: word.text })
}

/// The FHIR type, or `Master`, that a table's name speaks of.
pub fn of_table(name: &str) -> Vec<Known<&'static str>> {
    let parts = parts(name);
    let mut found: Vec<Known<&'static str>> = Vec::new();
    for (word, table) in &vocabulary().tables {
        if fits(word, name, &parts, false) && !found.iter().any(|known| known.means == *table) {
            found.push(Known { means: *table, word: word.text });
        }
    }
    found
}

fn longest<T: Copy>(words: &[(Word, T)], name: &str, squashed: bool) -> Option<Known<T>> {
    let parts = parts(name);
    let found = words.iter().filter(|(word, _)| fits(word, name, &parts, squashed));
    // Of two spellings of one word, the first of the file.
    let best = found.rev().max_by_key(|(word, _)| word.whole.chars().count());
    best.map(|(word, means)| Known { means: *means, word: word.text })
}

/// The word's parts follow one another in the name; a Japanese word stands anywhere in it; a longer
/// one may stand in a name without separators. `squashed`: of a column.
fn fits(word: &Word, name: &str, parts: &[String], squashed: bool) -> bool {
    if !word.whole.is_ascii() {
        return name.to_lowercase().contains(&word.whole);
    }
    let whole = parts.concat();
    // BYOMEI_SEQ is no name of a disease: one word alone has to be what the column's name ends with.
    let windows = parts.windows(word.parts.len());
    let mut windows =
        windows.skip(if word.parts.len() == 1 && squashed { parts.len() - 1 } else { 0 });
    windows.any(|window| window == word.parts)
        || whole == word.whole
        || (squashed && parts.len() == 1 && word.whole.len() >= 5 && whole.contains(&word.whole))
}

/// `PT_ID`, `PtId` and `pt-id` have the parts `pt` and `id`.
fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut before: Option<char> = None;
    for c in name.chars() {
        let begins = c.is_ascii_uppercase()
            && before.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if !c.is_alphanumeric() || begins {
            parts.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(part) = parts.last_mut()
        {
            part.extend(c.to_lowercase());
        }
        before = Some(c);
    }
    parts.retain(|part| !part.is_empty());
    parts
}

fn vocabulary() -> &'static Vocabulary {
    static KNOWN: OnceLock<Vocabulary> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let mut known = Vocabulary { columns: Vec::new(), roles: Vec::new(), tables: Vec::new() };
        let lines = WORDS.lines().filter(|line| !line.starts_with('#'));
        for (head, words) in lines.filter_map(|line| line.split_once(": ")) {
            let words = words.split_whitespace().map(word);
            match head.split_once(' ') {
                Some(("table", name)) => known.tables.extend(words.map(|word| (word, name))),
                Some(("role", name)) => {
                    known.roles.extend(words.filter_map(|word| Some((word, role(name)?))));
                }
                _ => known
                    .columns
                    .extend(words.filter_map(|word| Some((word, Meaning::by_name(head)?)))),
            }
        }
        known
    })
}

fn word(text: &'static str) -> Word {
    let parts: Vec<String> = text.split('_').map(str::to_lowercase).collect();
    Word { text, whole: parts.concat(), parts }
}

fn role(name: &str) -> Option<Role> {
    Some(match name {
        "Code" => Role::Code,
        "Flag" => Role::Flag,
        "Number" => Role::Number,
        "Name" => Role::Name,
        "Date" => Role::Date,
        "Text" => Role::Text,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_three_habits_mean_the_same() {
        for (name, meaning) in [
            ("PT_ID", Some(Meaning::PatientNumber)),
            ("KanjaNo", Some(Meaning::PatientNumber)),
            ("患者番号", Some(Meaning::PatientNumber)),
            ("patient_id", Some(Meaning::PatientNumber)),
            ("SYUJII_CD", Some(Meaning::StaffNumber)),
            ("KANA_NM", Some(Meaning::PersonKana)),
            ("KANJI_NM", Some(Meaning::PersonName)),
            ("BIRTH", Some(Meaning::BirthDate)),
            ("UPD_DT", Some(Meaning::Updated)),
            ("END_YMD", Some(Meaning::EndDate)),
            ("kekka_num", Some(Meaning::ResultNumber)),
            ("検査結果", Some(Meaning::ResultValue)),
            ("検査項目コード", Some(Meaning::ItemCode)),
            ("BYOMEI_SEQ", Some(Meaning::Sequence)),
            ("ZAIRYO_CD", None),
            ("BED_SU", None),
            ("XYZ", None),
        ] {
            assert_eq!(of_column(name).map(|known| known.means), meaning, "{name}");
        }
    }

    #[test]
    fn the_end_of_a_name_says_what_kind_of_thing_it_is() {
        for (name, role) in [
            ("KA_CD", Some(Role::Code)),
            ("KACD", Some(Role::Code)),
            ("UKE_YMD", Some(Role::Date)),
            ("SETUMEI_NM", Some(Role::Name)),
            ("MIKOKUTI_FLG", Some(Role::Flag)),
            ("科コード", Some(Role::Code)),
            ("BED_SU", None),
        ] {
            assert_eq!(role_of(name).map(|known| known.means), role, "{name}");
        }
    }

    #[test]
    fn every_line_of_the_file_is_known() {
        let known = vocabulary();
        let lines = WORDS.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let words =
            lines.map(|line| line.split_once(": ").expect(line).1.split_whitespace().count());
        let taken = known.columns.len() + known.roles.len() + known.tables.len();
        assert_eq!(words.sum::<usize>(), taken);
    }

    #[test]
    fn tables_speak_of_what_they_hold() {
        let of = |name| of_table(name).into_iter().map(|known| known.means).collect::<Vec<_>>();
        assert_eq!(of("PT_BYOMEI"), ["Patient", "Condition"]);
        assert_eq!(of("LAB_KEKKA"), ["Observation"]);
        assert_eq!(of("M_BYOMEI"), ["Condition", "Master"]);
        assert_eq!(of("患者基本"), ["Patient"]);
    }
}
