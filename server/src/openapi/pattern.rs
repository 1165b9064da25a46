//! What values of search parameters look like, as regular expressions of ECMA-262 (JSON Schema): as
//! `genkan_fhir::search` reads them, and nothing that it refuses.

use genkan_fhir::definitions::ParameterType;

/// A letter of a text, or an escaped separator.
const LETTER: &str = r"(?:[^,\\]|\\[,|$\\])";
/// The same between the `|` of a token.
const PART: &str = r"(?:[^,|\\]|\\[,|$\\])";
const PREFIX: &str = "(?:eq|ne|gt|lt|ge|le|sa|eb|ap)?";
/// `ap` has no exact meaning of a day.
const DATE_PREFIX: &str = "(?:eq|ne|gt|lt|ge|le|sa|eb)?";
const YEAR: &str = "(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])";
const LEAP_YEAR: &str = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|\
     (?:0[48]|[2468][048]|[13579][26])00)";
const MONTH_AND_DAY: &str = "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|\
     (?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))";
/// To the second, as tables hold it.
const TIME: &str = r"T(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))?";
/// So many digits that no number that is measured is left out.
const NUMBER: &str = r"-?(?:0|[1-9][0-9]{0,9})(?:\.[0-9]{1,9})?";
pub const ID: &str = r"[A-Za-z0-9\-.]{1,64}";

/// A value of this type, or several joined by commas. `targets`: what a reference may point to.
pub fn of(kind: ParameterType, targets: &[&str]) -> String {
    let value = match kind {
        ParameterType::String | ParameterType::Uri => format!("{LETTER}+"),
        ParameterType::Token => format!(r"(?:{PART}+(?:\|{PART}*)?|\|{PART}+)"),
        ParameterType::Date => format!("{DATE_PREFIX}{}", date()),
        ParameterType::Number => format!("{PREFIX}{NUMBER}"),
        ParameterType::Quantity => format!(r"{PREFIX}{NUMBER}(?:\|{PART}*\|{PART}*)?"),
        ParameterType::Reference => reference(targets),
        // As many parts as the parameter has; which, its own definition says.
        ParameterType::Composite | ParameterType::Special => format!("{LETTER}+"),
    };
    format!("^{value}(?:,{value})*$")
}

fn date() -> String {
    let day = format!("(?:{YEAR}-{MONTH_AND_DAY}|{LEAP_YEAR}-02-29)");
    format!("(?:{day}(?:{TIME})?|{YEAR}(?:-(?:0[1-9]|1[0-2]))?)")
}

/// An id, `Type/id`, or a URI; but no URL of a type that the parameter can't point to.
fn reference(targets: &[&str]) -> String {
    let types = if targets.is_empty() { "[A-Z][A-Za-z]+".to_owned() } else { targets.join("|") };
    let version = format!("(?:/_history/{ID})?");
    let local = format!("(?:{ID}|(?:{types})/{ID}{version})");
    let letter = r"(?:[^\s,|\\\u0000-\u001f\u007f-\u009f]|\\[,|$\\])";
    let other = format!(r"https?://{letter}+/(?!(?:{types})/)[A-Z][A-Za-z]+/{ID}{version}(?:,|$)");
    format!("(?:{local}|(?!{other}){letter}*:{letter}*)")
}

/// Words of a list, joined by commas.
pub fn list(words: &[&str]) -> String {
    let escaped: Vec<String> =
        words.iter().map(|word| word.replace('[', r"\[").replace(']', r"\]")).collect();
    let word = format!("(?:{})", escaped.join("|"));
    format!("^{word}(?:,{word})*$")
}

/// Keys of `_sort`, each once.
pub fn sort(codes: &[&str]) -> String {
    let key = format!("-?(?:{})", codes.join("|"));
    format!(r"^(?!(?:.*,)?-?([^,-][^,]*),(?:.*,)?-?\1(?:,|$)){key}(?:,{key})*$")
}
