//! The canonical URLs of the code systems that the masters fill. Source: the profiles of JP-CLINS and
//! JP Core, and their terminology package.

/// レセプト電算処理 傷病名コード, 7 digits.
pub const RECEIPT_DISEASE: &str = "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/masterB-disease";
/// 病名管理番号, 8 digits.
pub const DISEASE_KEY: &str = "http://medis.or.jp/CodeSystem/master-disease-keyNumber";
/// 病名交換用コード, 4 characters; several diseases may share one.
pub const DISEASE_EXCHANGE: &str = "http://medis.or.jp/CodeSystem/master-disease-exCode";
/// ICD-10 (2013), without the dot.
pub const ICD10: &str = "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/ICD10-2013-full";
/// レセプト電算処理 修飾語コード, 4 digits.
pub const RECEIPT_MODIFIER: &str =
    "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/masterZ-disease-modifier";
/// 修飾語管理番号, 8 digits.
pub const MODIFIER_KEY: &str = "http://medis.or.jp/CodeSystem/master-disease-modKeyNumber";
/// 修飾語交換用コード, 4 characters.
pub const MODIFIER_EXCHANGE: &str = "http://medis.or.jp/CodeSystem/master-disease-modExCode";
/// レセプト電算処理 医薬品コード, 9 digits. No URL is published for it, so that this is a name of our own.
pub const RECEIPT_DRUG: &str = "urn:x-genkan:receipt-drug";
/// 個別医薬品コード (YJ), 12 characters.
pub const YJ: &str = "http://capstandard.jp/iyaku.info/CodeSystem/YJ-code";
/// HOT9, 9 digits.
pub const HOT9: &str = "http://medis.or.jp/CodeSystem/master-HOT9";
/// HOT13, 13 digits: a package of what HOT9 names.
pub const HOT13: &str = "http://medis.or.jp/CodeSystem/master-HOT13";
/// 電子処方箋用法マスタ, 16 characters, made by the rules of JAMI's standard. JAMI's own list
/// (`http://jami.jp/CodeSystem/MedicationUsage`) is published as text, and there is no reader for it.
pub const USAGE: &str = "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/MedicationUsage_ePrescription";
/// 一般名処方マスタ, 12 characters ending in `ZZZ`.
pub const GENERIC_NAME: &str =
    "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/MedicationGeneralOrderCode";
/// 薬価基準収載医薬品コード, 12 characters. A name of our own, as above.
pub const PRICE_LIST: &str = "urn:x-genkan:price-list";
/// JLAC10, 17 digits.
pub const JLAC10: &str = "http://medis.or.jp/CodeSystem/master-JLAC10-17digits";
/// JLAC11, 17 characters. A name of our own, as above.
pub const JLAC11: &str = "urn:x-genkan:jlac11";
/// JFAGY, food.
pub const JFAGY_FOOD: &str = "http://jpfhir.jp/fhir/core/CodeSystem/JP_JfagyFoodAllergen_CS";
/// JFAGY, neither food nor medication.
pub const JFAGY_OTHER: &str =
    "http://jpfhir.jp/fhir/core/CodeSystem/JP_JfagyNonFoodNonMedicationAllergen_CS";
/// JFAGY, medication: the dummy code; the others are made of YJ codes.
pub const JFAGY_MEDICATION: &str =
    "http://jpfhir.jp/fhir/core/CodeSystem/JP_JfagyMedicationAllergen_CS";
/// JFAGY, a product: `YCM` and its YJ code, or the dummy.
pub const JFAGY_PRODUCT: &str =
    "http://jpfhir.jp/fhir/core/CodeSystem/YCM/JP_JfagyMedicationAllergen_CS";
/// JFAGY, an ingredient: `GCM`, the first nine characters of its YJ codes, `ZZZ`.
pub const JFAGY_INGREDIENT: &str =
    "http://jpfhir.jp/fhir/core/CodeSystem/GCM/JP_JfagyMedicationAllergen_CS";
/// 規格別薬剤成分: the first nine characters of its YJ codes, `ZZZ`.
pub const INGREDIENT: &str = "http://capstandard.jp/CodeSystem/KikakubetsuYakuzaiSeibun";
/// The 43 items of the service by JLAC10, displayed by their FHIR識別名.
pub const CORE_JLAC10: &str =
    "http://jpfhir.jp/fhir/clins/CodeSystem/JLAC10/JP_CLINS_ObsLabResult_CoreLabo_CS";
/// The infections of the service by JLAC10.
pub const INFECTION_JLAC10: &str =
    "http://jpfhir.jp/fhir/clins/CodeSystem/JLAC10/JP_CLINS_ObsLabResult_InfectionLabo_CS";
/// The 43 items by JLAC11.
pub const CORE_JLAC11: &str =
    "http://jpfhir.jp/fhir/clins/CodeSystem/JLAC11/JP_CLINS_ObsLabResult_CoreLabo_CS";
/// The infections by JLAC11.
pub const INFECTION_JLAC11: &str =
    "http://jpfhir.jp/fhir/clins/CodeSystem/JLAC11/JP_CLINS_ObsLabResult_InfectionLabo_CS";

/// Every system above.
pub const ALL: [&str; 26] = [
    RECEIPT_DISEASE,
    DISEASE_KEY,
    DISEASE_EXCHANGE,
    ICD10,
    RECEIPT_MODIFIER,
    MODIFIER_KEY,
    MODIFIER_EXCHANGE,
    RECEIPT_DRUG,
    YJ,
    HOT9,
    HOT13,
    GENERIC_NAME,
    PRICE_LIST,
    USAGE,
    CORE_JLAC10,
    INFECTION_JLAC10,
    JLAC10,
    CORE_JLAC11,
    INFECTION_JLAC11,
    JLAC11,
    JFAGY_FOOD,
    JFAGY_OTHER,
    JFAGY_MEDICATION,
    JFAGY_PRODUCT,
    JFAGY_INGREDIENT,
    INGREDIENT,
];

/// 統一名収載: products of several makers share this 薬価基準コード, which is the YJ code of none (`01` behind the
/// form).
pub(crate) fn is_of_several_makers(price: &str) -> bool {
    price.get(9..11) == Some("01")
}

/// What a system is called, in the publisher's words.
pub fn title(url: &str) -> Option<&'static str> {
    Some(match url {
        RECEIPT_DISEASE => "レセプト電算処理 傷病名コード",
        DISEASE_KEY => "病名管理番号",
        DISEASE_EXCHANGE => "病名交換用コード",
        ICD10 => "ICD-10 (2013年版)",
        RECEIPT_MODIFIER => "レセプト電算処理 修飾語コード",
        MODIFIER_KEY => "修飾語管理番号",
        MODIFIER_EXCHANGE => "修飾語交換用コード",
        RECEIPT_DRUG => "レセプト電算処理 医薬品コード",
        YJ => "個別医薬品コード (YJ)",
        HOT9 => "HOT9",
        HOT13 => "HOT13",
        USAGE => "電子処方箋用法マスタ 用法コード",
        GENERIC_NAME => "一般名処方マスタ 一般名コード",
        PRICE_LIST => "薬価基準収載医薬品コード",
        JLAC10 => "JLAC10",
        JLAC11 => "JLAC11",
        JFAGY_FOOD => "JFAGY 食品",
        JFAGY_OTHER => "JFAGY 非食品・非医薬品",
        JFAGY_MEDICATION => "JFAGY 医薬品",
        JFAGY_PRODUCT => "JFAGY 医薬品 (YCM、YJコード)",
        JFAGY_INGREDIENT => "JFAGY 医薬品 (GCM、成分・剤形・規格)",
        INGREDIENT => "規格別薬剤成分コード",
        CORE_JLAC10 => "共有項目 検査 (JLAC10)",
        CORE_JLAC11 => "共有項目 検査 (JLAC11)",
        INFECTION_JLAC10 => "共有項目 感染症 (JLAC10)",
        INFECTION_JLAC11 => "共有項目 感染症 (JLAC11)",
        _ => return None,
    })
}

/// Whether its master has levels. The 親コード of the service's items belongs to panels, and is no level.
pub fn has_levels(url: &str) -> bool {
    matches!(url, JFAGY_FOOD | JFAGY_OTHER)
}

/// Whether the masters hold every code of a system. The service's table has a part of JLAC only, and YJ
/// codes and what is made of them are known as far as HOT and the price list name them.
pub fn is_whole(url: &str) -> bool {
    !matches!(
        url,
        ICD10
            | YJ
            | JLAC10
            | JLAC11
            | JFAGY_MEDICATION
            | JFAGY_PRODUCT
            | JFAGY_INGREDIENT
            | INGREDIENT
    )
}
