//! The masters that there are readers for, and how a file is known.

use crate::reading::{ReadLimits, Reading};
use crate::refused::ReadError;
use crate::{jfagy, jlac, jlac10, medis, mhlw, ssk, system, usage};

/// A master (標準コードマスタ) by its publisher and content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// 支払基金 傷病名マスター, `b_*.txt`
    ReceiptDisease,
    /// 支払基金 修飾語マスター, `z_*.txt`
    ReceiptModifier,
    /// 支払基金 医薬品マスター, `y_*.csv`
    ReceiptDrug,
    /// MEDIS 標準病名マスター, `nmain*.txt`
    MedisDisease,
    /// MEDIS 標準病名マスター 修飾語テーブル, `mdfy*.txt`
    MedisModifier,
    /// MEDIS HOTコードマスター, HOT13 or HOT9, `MEDIS*.TXT` or `hot9*.csv`
    Hot,
    /// 薬価基準収載品目リスト, `tp*.xlsx`
    PriceList,
    /// 一般名処方マスタ, `ippanmeishohoumaster_*.xlsx`
    GenericName,
    /// The service's table of items (共有項目JLACコードマスタ), xlsx or csv
    LabItems,
    /// 臨床検査マスター「まとめ表」, xlsx with the sheet 17桁コード表
    Jlac10,
    /// JFAGY アレルゲン
    Allergens,
    /// 電子処方箋用法マスタ, xlsx
    Usage,
    /// MEDIS 標準病名マスター 索引テーブル, `index*.txt`: it only adds names
    MedisIndex,
}

type Reader = fn(&[u8], &ReadLimits) -> Result<Reading, ReadError>;

/// What a master comes as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Workbook,
    Either,
}

impl Kind {
    pub const ALL: [Self; 13] = [
        Self::ReceiptDisease,
        Self::ReceiptModifier,
        Self::ReceiptDrug,
        Self::MedisDisease,
        Self::MedisModifier,
        Self::Hot,
        Self::PriceList,
        Self::GenericName,
        Self::LabItems,
        Self::Jlac10,
        Self::Allergens,
        Self::Usage,
        Self::MedisIndex,
    ];

    /// The word for it on the command line and in files.
    pub fn word(self) -> &'static str {
        match self {
            Self::ReceiptDisease => "receipt-disease",
            Self::ReceiptModifier => "receipt-modifier",
            Self::ReceiptDrug => "receipt-drug",
            Self::MedisDisease => "medis-disease",
            Self::MedisModifier => "medis-modifier",
            Self::Hot => "hot",
            Self::PriceList => "price-list",
            Self::GenericName => "generic-name",
            Self::LabItems => "lab-items",
            Self::Jlac10 => "jlac10",
            Self::Allergens => "allergens",
            Self::Usage => "usage",
            Self::MedisIndex => "medis-index",
        }
    }

    /// What its publisher calls it, with the file.
    pub fn title(self) -> &'static str {
        match self {
            Self::ReceiptDisease => "レセ電 傷病名マスター (b_*.txt)",
            Self::ReceiptModifier => "レセ電 修飾語マスター (z_*.txt)",
            Self::ReceiptDrug => "レセ電 医薬品マスター (y_*.csv)",
            Self::MedisDisease => "MEDIS 標準病名マスター 病名基本テーブル (nmain*.txt)",
            Self::MedisModifier => "同 修飾語テーブル (mdfy*.txt)",
            Self::Hot => "MEDIS HOTコードマスター HOT13/HOT9 (MEDIS*.TXT)",
            Self::PriceList => "薬価基準収載品目リスト (tp*.xlsx)",
            Self::GenericName => "一般名処方マスタ (ippanmeishohoumaster_*.xlsx)",
            Self::LabItems => "共有項目JLACコードマスタ (xlsx, csv)",
            Self::Jlac10 => "臨床検査マスター まとめ表 17桁コード表 (xlsx)",
            Self::Allergens => "JFAGY アレルゲンコード (csv, xlsx)",
            Self::Usage => "電子処方箋用法マスタ (xlsx)",
            Self::MedisIndex => "MEDIS 標準病名マスター 索引テーブル (index*.txt)",
        }
    }

    /// Counts what its reader has learned: a file that an earlier one has read is to be imported again.
    pub fn revision(self) -> u32 {
        match self {
            // The code above; HOT13; 検査 and 感染症 as the published master writes them.
            Self::Allergens | Self::Hot | Self::LabItems => 2,
            _ => 1,
        }
    }

    /// Whether it has no codes of its own, and only names for those of others.
    pub fn only_names(self) -> bool {
        self == Self::MedisIndex
    }

    pub fn by_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// The masters that fill a code system, or from whose rows its codes are taken; none of a system that
    /// we have no reader for.
    pub fn of_system(url: &str) -> &'static [Kind] {
        match url {
            system::RECEIPT_DISEASE => &[Self::ReceiptDisease],
            system::DISEASE_KEY | system::DISEASE_EXCHANGE | system::ICD10 => {
                &[Self::ReceiptDisease, Self::MedisDisease]
            }
            system::RECEIPT_MODIFIER => &[Self::ReceiptModifier],
            system::MODIFIER_KEY | system::MODIFIER_EXCHANGE => {
                &[Self::ReceiptModifier, Self::MedisModifier]
            }
            system::RECEIPT_DRUG => &[Self::ReceiptDrug],
            system::HOT9 | system::HOT13 => &[Self::Hot],
            system::YJ | system::INGREDIENT | system::JFAGY_PRODUCT | system::JFAGY_INGREDIENT => {
                &[Self::Hot, Self::PriceList, Self::ReceiptDrug]
            }
            system::PRICE_LIST => &[Self::PriceList, Self::ReceiptDrug],
            system::GENERIC_NAME => &[Self::GenericName],
            system::JLAC10 => &[Self::LabItems, Self::Jlac10],
            system::JLAC11
            | system::CORE_JLAC10
            | system::CORE_JLAC11
            | system::INFECTION_JLAC10
            | system::INFECTION_JLAC11 => &[Self::LabItems],
            system::USAGE => &[Self::Usage],
            system::JFAGY_FOOD | system::JFAGY_OTHER | system::JFAGY_MEDICATION => {
                &[Self::Allergens]
            }
            _ => &[],
        }
    }

    /// The words of the file name, in small letters, by which it is known. Some have names that say
    /// nothing, as `001056865.xlsx`.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::ReceiptDisease => &["b_"],
            Self::ReceiptModifier => &["z_"],
            Self::ReceiptDrug => &["y_"],
            Self::MedisDisease => &["nmain"],
            Self::MedisModifier => &["mdfy"],
            Self::Hot => &["medis", "hot"],
            Self::PriceList => &["tp"],
            Self::GenericName => &["ippanmei"],
            Self::LabItems => &["jlac", "clins-jlac"],
            Self::Allergens => &["jfagy", "utf8_jfagy", "sj_jfagy"],
            Self::MedisIndex => &["index"],
            Self::Jlac10 | Self::Usage => &[],
        }
    }

    fn reader(self) -> (Form, Reader) {
        match self {
            Self::ReceiptDisease => (Form::Text, ssk::diseases),
            Self::ReceiptModifier => (Form::Text, ssk::modifiers),
            Self::ReceiptDrug => (Form::Text, ssk::drugs),
            Self::MedisDisease => (Form::Text, medis::diseases),
            Self::MedisModifier => (Form::Text, medis::modifiers),
            Self::Hot => (Form::Text, medis::drugs),
            Self::PriceList => (Form::Workbook, mhlw::price_list),
            Self::GenericName => (Form::Workbook, mhlw::generic_names),
            Self::LabItems => (Form::Either, jlac::items),
            Self::Jlac10 => (Form::Workbook, jlac10::codes),
            Self::Allergens => (Form::Either, jfagy::allergens),
            Self::Usage => (Form::Workbook, usage::usages),
            Self::MedisIndex => (Form::Text, medis::index),
        }
    }

    /// Reads a file as this master.
    pub fn read(self, bytes: &[u8], limits: &ReadLimits) -> Result<Reading, ReadError> {
        self.reader().1(bytes, limits)
    }
}

/// As [`read_within`] the limits that are right for the published files.
///
/// # Errors
/// Nothing of it can be used. A line that can't is in [`Reading::rejected`].
pub fn read(name: &str, bytes: &[u8]) -> Result<Reading, ReadError> {
    read_within(name, bytes, &ReadLimits::default())
}

/// Reads a file of any kind: by its name if that says it, or else by what is in it.
///
/// # Errors
/// Nothing of it can be used, or it is beyond a limit. A line that can't be used is in
/// [`Reading::rejected`].
pub fn read_within(name: &str, bytes: &[u8], limits: &ReadLimits) -> Result<Reading, ReadError> {
    if bytes.is_empty() {
        return Err(ReadError::Empty);
    }
    if bytes.len() as u64 > limits.file_bytes_max {
        return Err(ReadError::TooLarge { bytes_max: limits.file_bytes_max });
    }
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name).to_lowercase();
    let is_named = |kind: &Kind| kind.names().iter().any(|start| name.starts_with(start));
    // An archive is no text, whatever it is called.
    let fits = |kind: &Kind| !is_packed(bytes) || kind.reader().0 != Form::Text;
    let named = Kind::ALL.into_iter().find(is_named).filter(fits);
    let as_named = named.map(|kind| kind.read(bytes, limits));
    match as_named {
        Some(Err(error)) if error.is_of_another() => {
            by_content(bytes, named, limits).map_err(|other| match other {
                ReadError::Unknown => error,
                other => other,
            })
        }
        Some(read) => read,
        None => by_content(bytes, None, limits),
    }
}

fn is_packed(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK")
}

/// The first of the masters whose layout most lines have.
fn by_content(
    bytes: &[u8],
    tried: Option<Kind>,
    limits: &ReadLimits,
) -> Result<Reading, ReadError> {
    let other_form = if is_packed(bytes) { Form::Text } else { Form::Workbook };
    for kind in Kind::ALL {
        let (form, reader) = kind.reader();
        if Some(kind) == tried || form == other_form {
            continue;
        }
        match reader(bytes, limits) {
            Ok(reading) if reading.rejected.len() * 2 < reading.rows => return Ok(reading),
            Err(error) if !error.is_of_another() => return Err(error),
            _ => {}
        }
    }
    Err(ReadError::Unknown)
}
