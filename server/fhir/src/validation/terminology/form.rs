//! Code systems whose codes have a check digit: one that is miswritten is none, whether the code system
//! is loaded or not.

const SNOMED: &str = "http://snomed.info/sct";
const LOINC: &str = "http://loinc.org";

/// Whether no code of this system is written so.
pub(super) fn is_impossible(system: &str, code: &str) -> bool {
    match system {
        SNOMED => !is_expression(code) && !is_sctid(code),
        LOINC => !is_loinc(code),
        _ => false,
    }
}

/// An expression of SNOMED CT's grammar, which stands where a code does.
fn is_expression(code: &str) -> bool {
    code.contains([':', '=', '+', '{', '(', '|', ',']) || code.split_whitespace().count() > 1
}

/// 6 to 18 digits, the last one after Verhoeff.
///
/// Spec: <https://confluence.ihtsdotools.org/display/DOCRELFMT/6.2+SCTID+Constraints>
fn is_sctid(code: &str) -> bool {
    (6..=18).contains(&code.len()) && !code.starts_with('0') && has_verhoeff_digit(code)
}

/// `8310-5`, the last digit after Luhn; parts, answers and lists have letters before it.
fn is_loinc(code: &str) -> bool {
    let rest = code.trim_start_matches(|letter: char| letter.is_ascii_uppercase());
    if rest.len() < code.len() {
        return rest.starts_with(|sign: char| sign.is_ascii_digit());
    }
    code.split_once('-').is_some_and(|(number, check)| {
        (1..=7).contains(&number.len())
            && check.len() == 1
            && has_luhn_digit(&format!("{number}{check}"))
    })
}

fn digits(text: &str) -> Option<Vec<u8>> {
    text.bytes().rev().map(|byte| byte.is_ascii_digit().then(|| byte - b'0')).collect()
}

fn has_luhn_digit(text: &str) -> bool {
    let Some(digits) = digits(text) else { return false };
    let doubled = |digit: u8| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let weighted = digits
        .iter()
        .enumerate()
        .map(|(place, digit)| u32::from(if place % 2 == 1 { doubled(*digit) } else { *digit }));
    weighted.sum::<u32>() % 10 == 0
}

/// The digits multiply in the dihedral group of order 10, each after a permutation of its place.
fn has_verhoeff_digit(text: &str) -> bool {
    let Some(digits) = digits(text) else { return false };
    let product = digits.iter().enumerate().fold(0, |product, (place, digit)| {
        let permuted = (0..place % 8).fold(*digit, |digit, _| PERMUTATION[usize::from(digit % 10)]);
        dihedral(product, permuted)
    });
    product == 0
}

const PERMUTATION: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];

/// 0 to 4 turn a pentagon, 5 to 9 turn it over first.
fn dihedral(left: u8, right: u8) -> u8 {
    match (left < 5, right < 5) {
        (true, true) => (left + right) % 5,
        (true, false) => (left + right - 5) % 5 + 5,
        (false, true) => (left - right % 5) % 5 + 5,
        (false, false) => (5 + left - right) % 5,
    }
}

#[cfg(test)]
mod tests {
    use super::is_impossible;

    #[test]
    fn a_code_with_a_wrong_check_digit_is_none() {
        let cases = [
            ("http://snomed.info/sct", "276885007", false),
            ("http://snomed.info/sct", "73211009", false),
            ("http://snomed.info/sct", "35901911000001104", false),
            ("http://snomed.info/sct", "100000102", false),
            ("http://snomed.info/sct", "276885008", true),
            ("http://snomed.info/sct", "276885007x", true),
            ("http://snomed.info/sct", "276858007", true),
            ("http://snomed.info/sct", "1", true),
            ("http://snomed.info/sct", "", true),
            ("http://snomed.info/sct", "73211009:363698007=113331007", false),
            ("http://loinc.org", "8310-5", false),
            ("http://loinc.org", "85354-9", false),
            ("http://loinc.org", "4548-4", false),
            ("http://loinc.org", "LA6576-8", false),
            ("http://loinc.org", "LP7839-6", false),
            ("http://loinc.org", "MTHU000998", false),
            ("http://loinc.org", "8310-4", true),
            ("http://loinc.org", "test", true),
            ("http://loinc.org", "TEST", true),
            ("http://loinc.org", "8310", true),
            ("http://loinc.org", "収縮期", true),
            ("http://example.org/codes", "1", false),
        ];
        for (system, code, expected) in cases {
            assert_eq!(is_impossible(system, code), expected, "{system} {code}");
        }
    }
}
