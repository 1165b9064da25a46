//! The lists that the hospital is made of: names, house codes and, beside them, the national codes
//! that they stand for. The national codes never enter a table; they are the truth for code maps.

use anyhow::Context;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Every list of this package. House code and national code of one thing stand in one record.
#[derive(Debug)]
pub struct Lists {
    pub surnames: Vec<Surname>,
    pub given_names: Vec<GivenName>,
    pub towns: Vec<Town>,
    pub departments: Vec<Department>,
    pub diseases: Vec<Disease>,
    pub modifiers: Vec<Modifier>,
    pub drugs: Vec<Drug>,
    pub usages: Vec<Usage>,
    pub items: Vec<Item>,
    pub infections: Vec<Infection>,
    pub allergens: Vec<Allergen>,
    pub registries: Vec<Registry>,
}

#[derive(Debug, Deserialize)]
pub struct Surname {
    pub name: String,
    pub kana: String,
    pub weight: u32,
    /// `variant`: not in JIS X 0208 (髙, 﨑); `astral`: outside the basic plane (𠮷).
    pub variant: String,
}

#[derive(Debug, Deserialize)]
pub struct GivenName {
    pub name: String,
    pub kana: String,
    /// 1 男 2 女
    pub sex: u8,
}

#[derive(Debug, Deserialize)]
pub struct Town {
    pub zip: String,
    pub name: String,
}

#[derive(Debug, Deserialize)]
pub struct Department {
    pub code: String,
    pub name: String,
    pub short: String,
    /// SS-MIX2 診療科; empty = unmapped.
    pub ssmix2: String,
    pub display: String,
}

/// 病名. An empty `medis` means that no national code exists.
#[derive(Debug, Deserialize)]
pub struct Disease {
    pub code: String,
    pub name: String,
    pub kana: String,
    /// レセ電算 傷病名コード, 7 digits
    pub receipt: String,
    /// 病名管理番号, 8 digits
    pub medis: String,
    /// 病名交換用コード, 4 characters
    pub exchange: String,
    /// ICD-10 (2013) without point
    pub icd10: String,
    pub department: String,
    /// B both, M men, F women
    pub sex: String,
    pub age_from: i32,
    pub age_to: i32,
    /// How many of 1000 people of that age and sex have it.
    pub permille: u32,
    /// C chronic, A acute, N neoplasm
    pub course: String,
    /// House drug codes, separated by blanks.
    pub drugs: String,
    /// `HBA1C+28`: item id and shift in tenths of a standard deviation.
    pub effects: String,
}

impl Disease {
    /// The shift of a laboratory item in thousandths of a standard deviation.
    pub fn effect(&self, item: &str) -> i64 {
        self.effects
            .split_whitespace()
            .filter_map(|effect| effect.strip_prefix(item)?.parse::<i64>().ok())
            .sum::<i64>()
            * 100
    }
}

#[derive(Debug, Deserialize)]
pub struct Modifier {
    pub code: String,
    pub name: String,
    /// 1 接頭語 2 接尾語
    pub place: String,
    pub receipt: String,
    pub medis: String,
    pub exchange: String,
}

/// 薬品. An empty `yj` means 院内製剤 or 治験薬.
#[derive(Debug, Deserialize)]
pub struct Drug {
    pub code: String,
    pub name: String,
    pub national_name: String,
    /// 個別医薬品コード (YJ), 12 characters
    pub yj: String,
    /// HOT9 where it is known
    pub hot9: String,
    /// 一般名コード where there is one
    pub generic: String,
    /// 一般名処方の標準的な記載 of that code
    pub generic_name: String,
    pub usage: String,
    pub dose: String,
    pub unit: String,
    /// 1 内服 4 注射 6 外用
    pub form: String,
    /// C regular, A for some days, P 頓服, X 外用
    pub course: String,
}

#[derive(Debug, Deserialize)]
pub struct Usage {
    pub code: String,
    pub name: String,
    pub kind: String,
    pub times: Option<u32>,
    /// 電子処方箋用法コード, 16 characters; empty = unmapped
    pub epresc: String,
    pub display: String,
}

/// 検査項目. Numbers are scaled by ten to the power of `decimals`.
#[derive(Debug, Deserialize)]
pub struct Item {
    pub code: String,
    pub name: String,
    pub short: String,
    pub id: String,
    pub unit: String,
    pub material_code: String,
    pub material: String,
    /// N number, C graded, T text
    pub kind: String,
    pub decimals: u32,
    pub mean_m: i64,
    pub sd_m: i64,
    pub mean_f: i64,
    pub sd_f: i64,
    pub low_m: Option<i64>,
    pub high_m: Option<i64>,
    pub low_f: Option<i64>,
    pub high_f: Option<i64>,
    pub min: i64,
    pub max: i64,
    /// Tenths of a standard deviation added for each squared sigma above the mean.
    pub skew: i64,
    /// Milli-sigma for each decade above the age of 40.
    pub age_slope: i64,
    /// Items of one group move together.
    pub group: String,
    pub panel: String,
    /// JLAC10, 17 characters; empty = unmapped
    pub jlac10: String,
    /// Last day (YYYYMMDD) on which `jlac10_before` held; empty = never changed.
    pub jlac10_until: String,
    pub jlac10_before: String,
    pub display: String,
    /// core (43 items), infection, or empty
    pub class: String,
}

#[derive(Debug, Deserialize)]
pub struct Infection {
    pub code: String,
    pub name: String,
    /// Same as [`Item::id`], where the laboratory does the same test.
    pub id: String,
    pub jlac10: String,
    pub display: String,
    pub prevalence_per_10000: u32,
}

#[derive(Debug, Deserialize)]
pub struct Allergen {
    pub code: String,
    pub name: String,
    /// 1 薬 2 食物 3 その他
    pub kind: String,
    /// food, other, ycm, gcm; empty = unmapped
    pub target: String,
    pub jfagy: String,
    pub display: String,
}

/// 疾病登録台帳
#[derive(Debug, Deserialize)]
pub struct Registry {
    pub code: String,
    pub name: String,
    pub department: String,
    /// House codes of the diseases that bring a patient into it, separated by blanks.
    pub diseases: String,
}

impl Lists {
    /// Reads the lists of this package; an error means that one of them is malformed.
    pub fn load() -> anyhow::Result<Self> {
        Ok(Lists {
            surnames: read("surnames", include_str!("../lists/surnames.csv"))?,
            given_names: read("given_names", include_str!("../lists/given_names.csv"))?,
            towns: read("towns", include_str!("../lists/towns.csv"))?,
            departments: read("departments", include_str!("../lists/departments.csv"))?,
            diseases: read("diseases", include_str!("../lists/diseases.csv"))?,
            modifiers: read("modifiers", include_str!("../lists/modifiers.csv"))?,
            drugs: read("drugs", include_str!("../lists/drugs.csv"))?,
            usages: read("usages", include_str!("../lists/usages.csv"))?,
            items: read("items", include_str!("../lists/items.csv"))?,
            infections: read("infections", include_str!("../lists/infections.csv"))?,
            allergens: read("allergens", include_str!("../lists/allergens.csv"))?,
            registries: read("registries", include_str!("../lists/registries.csv"))?,
        })
    }

    pub fn drug(&self, code: &str) -> Option<usize> {
        self.drugs.iter().position(|drug| drug.code == code)
    }

    pub fn usage(&self, code: &str) -> Option<&Usage> {
        self.usages.iter().find(|usage| usage.code == code)
    }

    pub fn modifier(&self, name: &str) -> Option<usize> {
        self.modifiers.iter().position(|modifier| modifier.name == name)
    }
}

fn read<T: DeserializeOwned>(name: &str, text: &str) -> anyhow::Result<Vec<T>> {
    let rows: Vec<T> = csv::Reader::from_reader(text.as_bytes())
        .deserialize()
        .collect::<Result<_, _>>()
        .with_context(|| format!("lists/{name}.csv"))?;
    anyhow::ensure!(!rows.is_empty(), "lists/{name}.csv is empty");
    Ok(rows)
}
