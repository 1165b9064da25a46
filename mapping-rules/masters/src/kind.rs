//! The masters that there are readers for, and how a file is known.

use crate::reading::{ReadError, Reading};
use crate::{jfagy, jlac, medis, mhlw, ssk, system};

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
    /// MEDIS HOTコードマスター, `MEDIS*.TXT` or `hot9*.csv`
    Hot,
    /// 薬価基準収載品目リスト, `tp*.xlsx`
    PriceList,
    /// 一般名処方マスタ, `ippanmeishohoumaster_*.xlsx`
    GenericName,
    /// The service's table of items, xlsx
    LabItems,
    /// JFAGY アレルゲン
    Allergens,
}

type Reader = fn(&[u8]) -> Result<Reading, ReadError>;

impl Kind {
    pub const ALL: [Self; 9] = [
        Self::ReceiptDisease,
        Self::ReceiptModifier,
        Self::ReceiptDrug,
        Self::MedisDisease,
        Self::Hot,
        Self::PriceList,
        Self::GenericName,
        Self::LabItems,
        Self::Allergens,
    ];

    /// The word for it on the command line and in files.
    pub fn word(self) -> &'static str {
        match self {
            Self::ReceiptDisease => "receipt-disease",
            Self::ReceiptModifier => "receipt-modifier",
            Self::ReceiptDrug => "receipt-drug",
            Self::MedisDisease => "medis-disease",
            Self::Hot => "hot",
            Self::PriceList => "price-list",
            Self::GenericName => "generic-name",
            Self::LabItems => "lab-items",
            Self::Allergens => "allergens",
        }
    }

    pub fn by_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// The masters that fill a code system; none of a system that we have no reader for.
    pub fn of_system(url: &str) -> &'static [Kind] {
        match url {
            system::RECEIPT_DISEASE => &[Self::ReceiptDisease],
            system::DISEASE_KEY | system::DISEASE_EXCHANGE => {
                &[Self::ReceiptDisease, Self::MedisDisease]
            }
            system::RECEIPT_MODIFIER | system::MODIFIER_KEY | system::MODIFIER_EXCHANGE => {
                &[Self::ReceiptModifier]
            }
            system::RECEIPT_DRUG => &[Self::ReceiptDrug],
            system::HOT9 => &[Self::Hot],
            system::YJ => &[Self::Hot, Self::PriceList],
            system::PRICE_LIST => &[Self::PriceList],
            system::GENERIC_NAME => &[Self::GenericName],
            system::JLAC10 | system::JLAC11 => &[Self::LabItems],
            system::JFAGY_FOOD | system::JFAGY_OTHER | system::JFAGY_MEDICATION => {
                &[Self::Allergens]
            }
            _ => &[],
        }
    }

    /// The words of the file name, in small letters, by which it is known.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::ReceiptDisease => &["b_"],
            Self::ReceiptModifier => &["z_"],
            Self::ReceiptDrug => &["y_"],
            Self::MedisDisease => &["nmain"],
            Self::Hot => &["medis", "hot"],
            Self::PriceList => &["tp"],
            Self::GenericName => &["ippanmei"],
            Self::LabItems => &["jlac", "clins-jlac"],
            Self::Allergens => &["jfagy", "utf8_jfagy", "sj_jfagy"],
        }
    }

    fn reader(self) -> Reader {
        match self {
            Self::ReceiptDisease => ssk::diseases,
            Self::ReceiptModifier => ssk::modifiers,
            Self::ReceiptDrug => ssk::drugs,
            Self::MedisDisease => medis::diseases,
            Self::Hot => medis::drugs,
            Self::PriceList => mhlw::price_list,
            Self::GenericName => mhlw::generic_names,
            Self::LabItems => jlac::items,
            Self::Allergens => jfagy::allergens,
        }
    }

    pub fn read(self, bytes: &[u8]) -> Result<Reading, ReadError> {
        self.reader()(bytes)
    }
}

/// Reads a file of any kind: by its name if that says it, or else by what is in it.
///
/// # Errors
/// Nothing of it can be used. A line that can't is in [`Reading::rejected`].
pub fn read(name: &str, bytes: &[u8]) -> Result<Reading, ReadError> {
    if bytes.is_empty() {
        return Err(ReadError::Empty);
    }
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name).to_lowercase();
    let named = |kind: &Kind| kind.names().iter().any(|start| name.starts_with(start));
    if let Some(kind) = Kind::ALL.into_iter().find(named) {
        return kind.read(bytes);
    }
    let mut readings = Kind::ALL.into_iter().filter_map(|kind| kind.read(bytes).ok());
    readings.find(|reading| reading.rejected.len() * 2 < reading.rows).ok_or(ReadError::Unknown)
}
