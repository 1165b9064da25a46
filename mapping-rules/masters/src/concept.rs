//! A code with what its master says of it, and one row of a file as a change of it.

use std::collections::BTreeMap;

use chrono::NaiveDate;

/// What a master says of a code beside its name; [`Property::code`] is its name in FHIR's
/// `CodeSystem.property`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Property {
    /// 病名・修飾語管理番号
    KeyNumber,
    /// 病名・修飾語交換用コード
    Exchange,
    /// レセプト電算処理コード
    Receipt,
    /// ICD-10 (2013), without the dot.
    Icd10,
    /// The second of a double classification.
    Icd10Second,
    /// 単独使用禁止区分
    NotAlone,
    /// 保険請求外区分
    OutsideInsurance,
    /// 修飾語区分: `prefix` or `suffix`.
    Position,
    Unit,
    /// 規格
    Strength,
    /// 成分名
    Ingredient,
    /// 剤形 or 区分: 内用, 外用, 注射 …
    Form,
    Maker,
    Yj,
    Hot9,
    /// JANコード of a package.
    Gtin,
    /// 薬価基準収載医薬品コード
    PriceList,
    /// 一般名コード
    GenericName,
    Jlac10,
    Jlac11,
    /// FHIR識別文字列 of the service's item table: the display of its slices.
    Item,
    /// データ区分 of the service's item table: 検査 or 感染症.
    Section,
    /// 大項目
    Group,
    /// 材料
    Material,
    /// 測定法
    Method,
    /// 分析物 or 測定物: the first five characters of a JLAC code.
    Analyte,
    /// タイミング指定区分 of a 用法.
    Timing,
    /// 用法コード区分: 0 standard, 1 to be completed by a supplement, 2 general.
    UsageKind,
    /// 数値型, コード型
    ValueType,
    /// The code above it in the hierarchy.
    Parent,
    Level,
}

impl Property {
    pub const ALL: [Self; 31] = [
        Self::KeyNumber,
        Self::Exchange,
        Self::Receipt,
        Self::Icd10,
        Self::Icd10Second,
        Self::NotAlone,
        Self::OutsideInsurance,
        Self::Position,
        Self::Unit,
        Self::Strength,
        Self::Ingredient,
        Self::Form,
        Self::Maker,
        Self::Yj,
        Self::Hot9,
        Self::Gtin,
        Self::PriceList,
        Self::GenericName,
        Self::Jlac10,
        Self::Jlac11,
        Self::Item,
        Self::Section,
        Self::Group,
        Self::Material,
        Self::Method,
        Self::Analyte,
        Self::Timing,
        Self::UsageKind,
        Self::ValueType,
        Self::Parent,
        Self::Level,
    ];

    pub fn by_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|property| property.code() == code)
    }

    pub fn code(self) -> &'static str {
        match self {
            Self::KeyNumber => "keyNumber",
            Self::Exchange => "exchange",
            Self::Receipt => "receipt",
            Self::Icd10 => "icd10",
            Self::Icd10Second => "icd10-second",
            Self::NotAlone => "not-alone",
            Self::OutsideInsurance => "outside-insurance",
            Self::Position => "position",
            Self::Unit => "unit",
            Self::Strength => "strength",
            Self::Ingredient => "ingredient",
            Self::Form => "form",
            Self::Maker => "maker",
            Self::Yj => "yj",
            Self::Hot9 => "hot9",
            Self::Gtin => "gtin",
            Self::PriceList => "price-list",
            Self::GenericName => "generic-name",
            Self::Jlac10 => "jlac10",
            Self::Jlac11 => "jlac11",
            Self::Item => "item",
            Self::Section => "section",
            Self::Group => "group",
            Self::Material => "material",
            Self::Method => "method",
            Self::Analyte => "analyte",
            Self::Timing => "timing",
            Self::UsageKind => "usage-kind",
            Self::ValueType => "value-type",
            Self::Parent => "parent",
            Self::Level => "level",
        }
    }
}

/// A code of a code system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Concept {
    pub code: String,
    pub display: String,
    /// 読み
    pub kana: Option<String>,
    /// Other names that people find it by: short forms, English, brands.
    pub synonyms: Vec<String>,
    /// First and last day of use; `None` is open.
    pub from: Option<NaiveDate>,
    pub until: Option<NaiveDate>,
    /// 移行先: the code that takes its place.
    pub successor: Option<String>,
    /// A property may have several values: one name carries two YJ codes.
    pub properties: BTreeMap<Property, Vec<String>>,
}

impl Concept {
    pub fn new(code: impl Into<String>, display: impl Into<String>) -> Self {
        Concept { code: code.into(), display: display.into(), ..Concept::default() }
    }

    /// With a property, if there is a value and it is not there yet.
    #[must_use]
    pub fn with(mut self, property: Property, value: &str) -> Self {
        self.add(property, value);
        self
    }

    pub fn add(&mut self, property: Property, value: &str) {
        let value = value.trim();
        if value.is_empty() {
            return;
        }
        let values = self.properties.entry(property).or_default();
        if !values.iter().any(|known| known == value) {
            values.push(value.to_owned());
        }
    }

    /// Takes in what another concept of the same code says.
    pub(crate) fn absorb(&mut self, other: Concept) {
        let names = std::iter::once(other.display).chain(other.synonyms);
        for name in names {
            if name != self.display && !self.synonyms.contains(&name) {
                self.synonyms.push(name);
            }
        }
        for (property, values) in other.properties {
            values.iter().for_each(|value| self.add(property, value));
        }
    }

    /// The values of a property; none if the master says nothing.
    pub fn values(&self, property: Property) -> &[String] {
        self.properties.get(&property).map(Vec::as_slice).unwrap_or_default()
    }

    /// In use on a day.
    pub fn valid_on(&self, day: NaiveDate) -> bool {
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day <= until)
    }
}

/// What a row of a file says of a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The code as it now is: of a full file, or new, or changed as a whole.
    Is(Concept),
    /// Only what is there changes; everything else stays.
    Amends(Concept),
    /// Names for a code that another master has; this one has none of its own.
    Adds(Concept),
    /// 廃止: last day of use, and the code that takes its place. Without a day it ends when the file
    /// begins to hold.
    Ends { code: String, until: Option<NaiveDate>, successor: Option<String> },
}

impl Change {
    pub fn code(&self) -> &str {
        match self {
            Change::Is(concept) | Change::Amends(concept) | Change::Adds(concept) => &concept.code,
            Change::Ends { code, .. } => code,
        }
    }
}
