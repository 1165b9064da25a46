//! 被保険者番号: under which number the service files a patient. Exactly one of the two kinds, in the
//! form that the profile JP_Patient_eCS asks for (R1012, R1013); a unit without it is refused there.

use genkan_mapping::diagnostic::Text;
use serde_json::{Map, Value};

/// 保険者番号:記号:番号:枝番
const MEMBER_ID: &str = "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID";
/// 生活保護 (from 1.10 of the guide): 公費負担者番号::受給者番号:
const PUBLIC_PAYER: &str = "http://jpfhir.jp/fhir/clins/Idsystem/JP_PublicPayer_memberID";
/// Numbers of patients in one institution: `1` and the institution number go behind it (R1010).
const PATIENT_NUMBER: &str = "urn:oid:1.2.392.100495.20.3.51.";

/// What is wrong with the identifiers of a patient: a code and what to say.
pub fn problems(patient: &Map<String, Value>) -> Vec<(&'static str, Text)> {
    let identifiers = patient.get("identifier").and_then(Value::as_array);
    let identifiers: Vec<(&str, &str)> = identifiers
        .into_iter()
        .flatten()
        .filter_map(|one| Some((one.get("system")?.as_str()?, one.get("value")?.as_str()?)))
        .collect();
    let mut found = Vec::new();
    let insured: Vec<_> = identifiers
        .iter()
        .filter(|(system, _)| [MEMBER_ID, PUBLIC_PAYER].contains(system))
        .collect();
    match insured.as_slice() {
        [] => found.push(("no-insured-number", none())),
        [(MEMBER_ID, value)] if !is_member_id(value) => {
            found.push(("bad-insured-number", form("保険者番号8桁:記号:番号:枝番")));
        }
        [(PUBLIC_PAYER, value)] if !is_public_payer_id(value) => {
            found.push(("bad-insured-number", form("公費負担者番号8桁::受給者番号7桁:")));
        }
        [_] => {}
        [..] => found.push(("two-insured-numbers", several())),
    }
    let local = identifiers.iter().filter_map(|(system, _)| system.strip_prefix(PATIENT_NUMBER));
    if local.into_iter().any(|rest| rest.len() != 11 || !rest.starts_with('1') || !digits(rest)) {
        found.push(("bad-patient-number", patient_number()));
    }
    found
}

fn none() -> Text {
    Text::new(
        format!(
            "the patient has no insured number (R1012): an identifier of {MEMBER_ID}, or of {PUBLIC_PAYER}"
        ),
        "被保険者番号（または公費受給者番号）の identifier がありません（R1012）",
    )
}

fn several() -> Text {
    Text::new(
        "the patient has several insured numbers (R1012): the rule has to choose the one that counts",
        "被保険者番号の identifier が複数あります（R1012）。規則で 1 つに絞ってください",
    )
}

fn form(expected: &str) -> Text {
    Text::new(
        format!("the insured number is not of the form {expected} (R1013)"),
        format!("被保険者番号の形式が「{expected}」ではありません（R1013）"),
    )
}

fn patient_number() -> Text {
    Text::new(
        format!(
            "the system of the patient number is not {PATIENT_NUMBER}1 and the 10 digits of the institution (R1010)"
        ),
        "施設患者番号の system が「…51.1＋医療機関コード10桁」ではありません（R1010）",
    )
}

/// `^[0-9]{8}:[^:^\s^　]*:[^:^\s^　]*:(.{0}|[0-9][0-9])$`
fn is_member_id(value: &str) -> bool {
    let parts: Vec<&str> = value.split(':').collect();
    let [insurer, symbol, number, branch] = parts.as_slice() else { return false };
    is_payer(insurer)
        && is_word(symbol)
        && is_word(number)
        && (branch.is_empty() || branch.len() == 2 && digits(branch))
}

/// `^[0-9]{8}::[^:^\s^　]{7}:$`
fn is_public_payer_id(value: &str) -> bool {
    let parts: Vec<&str> = value.split(':').collect();
    let [payer, "", number, ""] = parts.as_slice() else { return false };
    is_payer(payer) && is_word(number) && number.chars().count() == 7
}

fn is_payer(text: &str) -> bool {
    text.len() == 8 && digits(text)
}

fn is_word(text: &str) -> bool {
    !text.contains(|letter: char| letter.is_whitespace() || letter == '^')
}

fn digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patient_has_exactly_one_insured_number_in_its_form() {
        let member = |value: &str| json!({"system": MEMBER_ID, "value": value});
        let payer = |value: &str| json!({"system": PUBLIC_PAYER, "value": value});
        let local = |tail: &str| json!({"system": format!("{PATIENT_NUMBER}{tail}"), "value": "1"});
        let good = "00012345:あいう:１８７:05";
        for (identifiers, expected) in [
            (vec![member(good)], vec![]),
            (vec![member("00012345::187:"), local("11312345670")], vec![]),
            (vec![payer("12131234::1234567:")], vec![]),
            (vec![], vec!["no-insured-number"]),
            (vec![local("11312345670")], vec!["no-insured-number"]),
            (vec![json!({"system": MEMBER_ID})], vec!["no-insured-number"]),
            (vec![member(good), member("06130025:7:8:01")], vec!["two-insured-numbers"]),
            (vec![member(good), payer("12131234::1234567:")], vec!["two-insured-numbers"]),
            (vec![member("12345:あ:1:05")], vec!["bad-insured-number"]),
            (vec![member("00012345:あ:1")], vec!["bad-insured-number"]),
            (vec![member("00012345:あ　い:1:05")], vec!["bad-insured-number"]),
            (vec![member("00012345:あ:1:5")], vec!["bad-insured-number"]),
            (vec![payer("12131234::123456:")], vec!["bad-insured-number"]),
            (vec![payer("12131234:x:1234567:")], vec!["bad-insured-number"]),
            (vec![member(good), local("1131234567")], vec!["bad-patient-number"]),
            (vec![member(good), local("21312345670")], vec!["bad-patient-number"]),
        ] {
            let patient = json!({"identifier": identifiers});
            let found = problems(patient.as_object().expect("an object"));
            let codes: Vec<&str> = found.iter().map(|(code, _)| *code).collect();
            assert_eq!(codes, expected, "{patient}");
        }
    }
}
