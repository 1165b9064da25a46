//! What a value of a search parameter looks like, as a regular expression that says neither more nor
//! less than [`genkan_fhir::search`] reads, as far as one can.
//!
//! The expressions keep to what JSON Schema, Python and Rust understand alike: no look-around, no
//! `\d`, which is more than ten digits elsewhere.

use std::collections::BTreeSet;

use genkan_fhir::definitions::{Definitions, ParameterType, SearchParameter};
use genkan_fhir::search::{MAX_VALUES, Modifier};
use genkan_mapping::plan::Forms;

/// A letter of a value that is not taken apart further: commas and backslashes are escaped.
const LETTER: &str = r"(?:[^,\\]|\\[,|$\\])";
/// A letter of a part between bars.
const BETWEEN_BARS: &str = r"(?:[^,|\\]|\\[,|$\\])";
/// A letter of a component of a composite.
const COMPONENT_LETTER: &str = r"(?:[^,$\\]|\\[,|$\\])";
const COMPONENT_BETWEEN_BARS: &str = r"(?:[^,|$\\]|\\[,|$\\])";
const ID: &str = r"[A-Za-z0-9.\-]{1,64}";
/// A letter of a URI in a reference.
const URI_LETTER: &str = r"[^\s\u0000-\u001f\u007f-\u009f\ufdd0-\ufdef\ufffe\uffff,\\]";
const URI_FIRST: &str = r"[^\s\u0000-\u001f\u007f-\u009f\ufdd0-\ufdef\ufffe\uffff,\\#:]";

const YEAR: &str = "(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)";
const LEAP_YEAR: &str = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])\
                         |(?:0[48]|[2468][048]|[13579][26])00)";
const MONTH_AND_DAY: &str = "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])\
                             |(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)\
                             |02-(?:0[1-9]|1[0-9]|2[0-8]))";
const TIME: &str = r"T(?:[01][0-9]|2[0-3]):[0-5][0-9](?::(?:[0-5][0-9]|60)(?:\.[0-9]+)?)?";
const TIME_WITH_SECONDS: &str = r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?";
const OFFSET: &str = r"(?:Z|[+\-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))";

/// What is asked of one parameter.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub definition: &'a SearchParameter,
    pub modifier: Option<&'a Modifier>,
    pub forms: &'a Forms,
    /// The types that the rules refer to by it.
    pub targets: &'a BTreeSet<&'a str>,
}

impl Asked<'_> {
    /// The values of one parameter, joined by commas.
    pub fn pattern(&self) -> String {
        listed(&self.one())
    }

    fn one(&self) -> String {
        match self.modifier {
            Some(Modifier::Missing) => return "(?:true|false)".to_owned(),
            Some(Modifier::Identifier) => return token(BETWEEN_BARS, false),
            Some(Modifier::Text) => return text(LETTER),
            Some(Modifier::OfType) => {
                return format!(r"{BETWEEN_BARS}+\|{BETWEEN_BARS}+\|{BETWEEN_BARS}+");
            }
            // `:above` takes 500 letters behind it, which no expression for a list can say.
            Some(Modifier::Above | Modifier::Below) => return format!("{LETTER}*://{LETTER}*"),
            Some(Modifier::Type(named)) => return reference(&BTreeSet::from([named.as_str()])),
            _ => {}
        }
        let bare = self.forms.bare;
        match self.definition.kind {
            ParameterType::Token => token(BETWEEN_BARS, bare),
            ParameterType::Quantity => self.prefixed(&quantity(BETWEEN_BARS, bare)),
            ParameterType::Date => self.prefixed(&date()),
            ParameterType::Number => self.prefixed(&number()),
            ParameterType::Reference => reference(self.targets),
            ParameterType::Composite => composite(self.definition),
            ParameterType::String | ParameterType::Uri | ParameterType::Special => text(LETTER),
        }
    }

    fn prefixed(&self, value: &str) -> String {
        let prefixes: Vec<&str> = self.forms.prefixes.iter().map(|one| one.code()).collect();
        prefixed(&prefixes, value)
    }

    /// What the expression is called; two with one name are the same.
    pub fn name(&self) -> String {
        let bare = self.forms.bare;
        let plain = match self.modifier {
            Some(Modifier::Missing) => "missing",
            Some(Modifier::Identifier) => "token",
            Some(Modifier::Text) => "text",
            Some(Modifier::OfType) => "identifierOfType",
            Some(Modifier::Above | Modifier::Below) => "url",
            Some(Modifier::Type(named)) => return format!("referenceTo{named}"),
            _ => match self.definition.kind {
                ParameterType::Token if bare => "code",
                ParameterType::Token => "token",
                ParameterType::Quantity if bare => "quantityWithoutUnit",
                ParameterType::Quantity => "quantity",
                ParameterType::Date => "date",
                ParameterType::Number => "number",
                ParameterType::Reference => {
                    let targets: Vec<&str> = self.targets.iter().copied().collect();
                    return format!("referenceTo{}", targets.join("Or"));
                }
                ParameterType::Composite => return self.definition.id.to_owned(),
                ParameterType::String | ParameterType::Uri | ParameterType::Special => "text",
            },
        };
        plain.to_owned()
    }

    /// A value that every hospital answers, if with nothing.
    pub fn example(&self) -> String {
        match self.modifier {
            Some(Modifier::Missing) => return "false".to_owned(),
            Some(Modifier::OfType) => return "http://example.org/types|MR|1".to_owned(),
            Some(Modifier::Above | Modifier::Below) => return "http://example.org/a".to_owned(),
            Some(Modifier::Type(_)) => return "example".to_owned(),
            _ => {}
        }
        match self.definition.kind {
            ParameterType::Composite => {
                let parts = components(self.definition);
                let parts: Vec<&str> = parts.iter().map(|part| example(part.kind)).collect();
                parts.join("$")
            }
            kind => example(kind).to_owned(),
        }
    }
}

fn example(kind: ParameterType) -> &'static str {
    match kind {
        ParameterType::Date => "ge2020-01-01",
        ParameterType::Number | ParameterType::Quantity => "1",
        ParameterType::Uri => "http://example.org/a",
        _ => "example",
    }
}

/// Several that may each be, of which the whole text is made.
pub fn listed(one: &str) -> String {
    let more = MAX_VALUES - 1;
    format!("^(?:{one})(?:,(?:{one})){{0,{more}}}$")
}

/// A day, and nothing else.
pub fn day() -> String {
    format!("^(?:{})$", day_that_exists())
}

pub fn id() -> String {
    format!("^{ID}$")
}

/// A day, a month or a year, and nothing else.
pub fn calendar() -> String {
    format!("^(?:{YEAR}(?:-(?:0[1-9]|1[0-2]))?|{})$", day_that_exists())
}

/// A moment, to the second at least.
pub fn instant() -> String {
    format!("^(?:{}){TIME_WITH_SECONDS}{OFFSET}$", day_that_exists())
}

/// Any of these words, joined by commas.
pub fn words<'w>(words: impl Iterator<Item = &'w str>) -> String {
    let words: Vec<&str> = words.collect();
    let any = words.join("|");
    format!("^(?:{any})(?:,(?:{any}))*$")
}

fn text(letter: &str) -> String {
    format!("{letter}+")
}

fn token(letter: &str, bare: bool) -> String {
    match bare {
        true => format!("{letter}+"),
        false => format!(r"\|?{letter}+|{letter}+\|{letter}*"),
    }
}

fn quantity(letter: &str, bare: bool) -> String {
    let number = number();
    match bare {
        true => format!(r"(?:{number})(?:\|\|)?"),
        false => format!(r"(?:{number})(?:\|{letter}*\|{letter}*)?"),
    }
}

fn prefixed(prefixes: &[&str], value: &str) -> String {
    match prefixes {
        [] => value.to_owned(),
        prefixes => format!("(?:{})?(?:{value})", prefixes.join("|")),
    }
}

fn day_that_exists() -> String {
    format!("{YEAR}-{MONTH_AND_DAY}|{LEAP_YEAR}-02-29")
}

fn date() -> String {
    format!("{YEAR}(?:-(?:0[1-9]|1[0-2]))?|(?:{})(?:{TIME}{OFFSET}?)?", day_that_exists())
}

/// No more than 30 digits, written out; with an exponent, what has them in any case.
fn number() -> String {
    let whole = |digits: usize| format!("(?:0|[1-9][0-9]{{0,{}}})", digits - 1);
    let mut ways = vec![whole(29)];
    ways.extend((1..=14).map(|digits| {
        let whole = whole(29 - 2 * digits);
        format!(r"{whole}\.[0-9]{{{digits}}}")
    }));
    ways.push(r"(?:0|[1-9][0-9]{0,7})(?:\.[0-9]{1,6})?[eE][+\-]?[0-9]".to_owned());
    format!("-?(?:{})", ways.join("|"))
}

/// An id, a type with an id, a URI. That a URL may not end in another type and an id is not said.
fn reference(targets: &BTreeSet<&str>) -> String {
    let uri = format!("(?:{URI_FIRST}{URI_LETTER}*)?:{URI_LETTER}*");
    let mut ways = vec![ID.to_owned(), uri];
    if !targets.is_empty() {
        let types: Vec<&str> = targets.iter().copied().collect();
        ways.push(format!("(?:{})/{ID}(?:/_history/{ID})?", types.join("|")));
    }
    ways.join("|")
}

fn components(definition: &SearchParameter) -> Vec<&'static SearchParameter> {
    let named = definition.components.iter().map(|component| component.parameter);
    named.filter_map(|id| Definitions::r4().search_parameter_of_id(id)).collect()
}

fn composite(definition: &SearchParameter) -> String {
    let parts: Vec<String> = components(definition)
        .into_iter()
        .map(|part| {
            let prefixes: Vec<&str> = genkan_fhir::search::Prefix::ALL.map(|one| one.code()).into();
            match part.kind {
                ParameterType::Token => token(COMPONENT_BETWEEN_BARS, false),
                ParameterType::Quantity => {
                    prefixed(&prefixes, &quantity(COMPONENT_BETWEEN_BARS, false))
                }
                ParameterType::Date => prefixed(&prefixes, &date()),
                ParameterType::Number => prefixed(&prefixes, &number()),
                ParameterType::Reference => ID.to_owned(),
                _ => text(COMPONENT_LETTER),
            }
        })
        .map(|part| format!("(?:{part})"))
        .collect();
    parts.join(r"\$")
}
