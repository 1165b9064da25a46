//! The values of a search parameter, by its type, and the modifiers that change what they are.

use chrono::FixedOffset;

use super::{DecimalRange, ProblemKind};
use crate::{
    datetime::{self, Period},
    definitions::{Definitions, ParameterType, SearchParameter},
    reference::Reference,
};

/// One value of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchValue {
    /// `code`, `|code`, `system|`, `system|code`; at least one of the two is there.
    Token {
        system: TokenSystem,
        code: Option<String>,
    },
    Text(String),
    Date {
        prefix: Prefix,
        period: Period,
    },
    /// `text` as written, `range` what it means.
    Number {
        prefix: Prefix,
        text: String,
        range: DecimalRange,
    },
    Quantity {
        prefix: Prefix,
        text: String,
        range: DecimalRange,
        /// Of `||code` both the system and the unit may match.
        system: Option<String>,
        code: Option<String>,
    },
    Reference(Reference),
    Uri(String),
    /// Of `:missing`: whether it should be.
    Missing(bool),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TokenSystem {
    /// `code`
    Any,
    /// `|code`: the coding has no system.
    None,
    Is(String),
}

/// How an ordered value is compared; `Eq` when nothing is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Prefix {
    Eq,
    Ne,
    Gt,
    Lt,
    Ge,
    Le,
    /// Starts after.
    Sa,
    /// Ends before.
    Eb,
    /// Approximately.
    Ap,
}

/// All the modifiers of R4.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Modifier {
    Missing,
    Exact,
    Contains,
    Text,
    Not,
    Above,
    Below,
    In,
    NotIn,
    OfType,
    Identifier,
    /// `subject:Patient`
    Type(String),
}

const PREFIXES: &[(&str, Prefix)] = &[
    ("eq", Prefix::Eq),
    ("ne", Prefix::Ne),
    ("gt", Prefix::Gt),
    ("lt", Prefix::Lt),
    ("ge", Prefix::Ge),
    ("le", Prefix::Le),
    ("sa", Prefix::Sa),
    ("eb", Prefix::Eb),
    ("ap", Prefix::Ap),
];

/// What Genkan takes on a type of parameter, and what R4 has beyond it: the plan refuses that.
pub(super) fn modifiers_of(kind: ParameterType) -> (&'static str, &'static [&'static str]) {
    match kind {
        ParameterType::String => ("missing, exact, contains", &[]),
        ParameterType::Token => {
            ("missing, not", &["text", "above", "below", "in", "not-in", "of-type"])
        }
        ParameterType::Reference => {
            ("missing, and resource types", &["identifier", "above", "below"])
        }
        ParameterType::Uri => ("missing", &["above", "below"]),
        _ => ("missing", &[]),
    }
}

/// Reads a modifier and asks whether R4 has it on this type of parameter.
pub(super) fn modifier(
    definitions: &Definitions,
    parameter: &SearchParameter,
    text: &str,
) -> Result<Modifier, ProblemKind> {
    let (allowed, beyond) = modifiers_of(parameter.kind);
    let is_allowed = allowed.split(", ").any(|known| known == text) || beyond.contains(&text);
    Ok(match text {
        "missing" => Modifier::Missing,
        "exact" if is_allowed => Modifier::Exact,
        "contains" if is_allowed => Modifier::Contains,
        "text" if is_allowed => Modifier::Text,
        "not" if is_allowed => Modifier::Not,
        "above" if is_allowed => Modifier::Above,
        "below" if is_allowed => Modifier::Below,
        "in" if is_allowed => Modifier::In,
        "not-in" if is_allowed => Modifier::NotIn,
        "of-type" if is_allowed => Modifier::OfType,
        "identifier" if is_allowed => Modifier::Identifier,
        name if parameter.kind == ParameterType::Reference && definitions.is_resource(name) => {
            may_target(parameter, name)?;
            Modifier::Type(name.to_owned())
        }
        _ => return Err(ProblemKind::Modifier { allowed }),
    })
}

fn may_target(parameter: &SearchParameter, name: &str) -> Result<(), ProblemKind> {
    if parameter.targets.is_empty() || parameter.targets.contains(&name) {
        Ok(())
    } else {
        Err(ProblemKind::WrongTarget)
    }
}

pub(super) struct Reader<'r> {
    pub definitions: &'r Definitions,
    pub site: FixedOffset,
    pub parameter: &'r SearchParameter,
    pub modifier: Option<&'r Modifier>,
}

impl Reader<'_> {
    /// One value between the commas, with its escapes.
    pub fn read(&self, text: &str) -> Result<SearchValue, ProblemKind> {
        if text.is_empty() {
            return Err(ProblemKind::Malformed("a value before and after each comma"));
        }
        match self.modifier {
            Some(Modifier::Missing) => {
                let missing = text.parse().map_err(|_| ProblemKind::Malformed("true or false"))?;
                return Ok(SearchValue::Missing(missing));
            }
            Some(Modifier::Identifier) => return token(text),
            Some(Modifier::Text | Modifier::OfType) => {
                return Ok(SearchValue::Text(unescape(text)?));
            }
            Some(Modifier::In | Modifier::NotIn) => return Ok(SearchValue::Uri(unescape(text)?)),
            _ => {}
        }
        match self.parameter.kind {
            ParameterType::Token => token(text),
            ParameterType::String => Ok(SearchValue::Text(unescape(text)?)),
            ParameterType::Uri => Ok(SearchValue::Uri(unescape(text)?)),
            ParameterType::Date => self.date(text),
            ParameterType::Number => {
                let (prefix, number) = prefix(text);
                let (text, range) = decimal(number)?;
                Ok(SearchValue::Number { prefix, text, range })
            }
            ParameterType::Quantity => quantity(text),
            ParameterType::Reference => self.reference(text),
            ParameterType::Composite => Err(ProblemKind::NotSupported("composite parameters")),
            ParameterType::Special => Err(ProblemKind::NotSupported("this parameter")),
        }
    }

    fn date(&self, text: &str) -> Result<SearchValue, ProblemKind> {
        let (prefix, date) = prefix(text);
        let date = datetime::parse_search(date).map_err(|error| match error {
            datetime::DateTimeError::Form(form) => ProblemKind::Malformed(form),
            datetime::DateTimeError::Calendar => {
                ProblemKind::Malformed("a day and time that exist")
            }
        })?;
        Ok(SearchValue::Date { prefix, period: date.period(self.site) })
    }

    fn reference(&self, text: &str) -> Result<SearchValue, ProblemKind> {
        let mut reference = Reference::parse(self.definitions, &unescape(text)?)
            .filter(|reference| !matches!(reference, Reference::Contained(_)))
            .ok_or(ProblemKind::Malformed("an id, Type/id or a URL"))?;
        if let Some(named) = reference.resource_type() {
            may_target(self.parameter, named)?;
        }
        if let Some(Modifier::Type(wanted)) = self.modifier {
            match &mut reference {
                Reference::Local { resource_type: of @ None, .. } => *of = Some(wanted.clone()),
                other if other.resource_type().is_some_and(|of| of != wanted) => {
                    return Err(ProblemKind::WrongTarget);
                }
                _ => {}
            }
        }
        Ok(SearchValue::Reference(reference))
    }
}

fn token(text: &str) -> Result<SearchValue, ProblemKind> {
    let parts = split(text, '|');
    let (system, code) = match parts.as_slice() {
        [code] => (TokenSystem::Any, *code),
        ["", code] => (TokenSystem::None, *code),
        [system, code] => (TokenSystem::Is(unescape(system)?), *code),
        _ => return Err(ProblemKind::Malformed("code, |code, system| or system|code")),
    };
    if code.is_empty() && !matches!(system, TokenSystem::Is(_)) {
        return Err(ProblemKind::Malformed("a code after the |"));
    }
    let code = if code.is_empty() { None } else { Some(unescape(code)?) };
    Ok(SearchValue::Token { system, code })
}

fn quantity(text: &str) -> Result<SearchValue, ProblemKind> {
    let (prefix, text) = prefix(text);
    let parts = split(text, '|');
    let (number, system, code) = match parts.as_slice() {
        [number] => (*number, "", ""),
        [number, system, code] => (*number, *system, *code),
        _ => return Err(ProblemKind::Malformed("number or number|system|code")),
    };
    let (text, range) = decimal(number)?;
    let part = |text: &str| match text {
        "" => Ok(None),
        text => unescape(text).map(Some),
    };
    Ok(SearchValue::Quantity { prefix, text, range, system: part(system)?, code: part(code)? })
}

fn decimal(text: &str) -> Result<(String, DecimalRange), ProblemKind> {
    let range = DecimalRange::of(text).ok_or(ProblemKind::Malformed("a decimal number"))?;
    Ok((text.to_owned(), range))
}

fn prefix(text: &str) -> (Prefix, &str) {
    PREFIXES
        .iter()
        .find_map(|(name, prefix)| Some((*prefix, text.strip_prefix(name)?)))
        .unwrap_or((Prefix::Eq, text))
}

/// The parts between the separators that no backslash escapes, escapes kept.
pub(super) fn split(text: &str, separator: char) -> Vec<&str> {
    let mut escaped = false;
    text.split(|letter: char| {
        let is_separator = letter == separator && !escaped;
        escaped = letter == '\\' && !escaped;
        is_separator
    })
    .collect()
}

/// Takes the backslash from `\,` `\|` `\$` and `\\`; a `|` without one stands for itself.
fn unescape(text: &str) -> Result<String, ProblemKind> {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some(escaped @ (',' | '|' | '$' | '\\')) => plain.push(escaped),
                _ => return Err(ProblemKind::Malformed(r"one of , | $ \ after a \")),
            },
            other => plain.push(other),
        }
    }
    Ok(plain)
}
