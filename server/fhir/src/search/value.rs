//! The values of a search parameter, by its type, and the modifiers that change what they are.

use std::fmt;

use chrono::{FixedOffset, NaiveDateTime};

use super::{DecimalRange, ProblemKind, number::written_out};
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
    Number {
        prefix: Prefix,
        number: SearchNumber,
    },
    Quantity {
        prefix: Prefix,
        number: SearchNumber,
        /// Of `||code` both the code and the unit may match.
        system: Option<String>,
        code: Option<String>,
    },
    Reference(Reference),
    Uri(String),
    /// Of `:missing`: whether it should be.
    Missing(bool),
    /// Of `:of-type`: an Identifier with this value, and with this coding in its type.
    OfType {
        system: String,
        code: String,
        value: String,
    },
    /// One value for each component, in the order of the definition.
    Composite(Vec<SearchValue>),
}

impl SearchValue {
    pub(super) fn seen_from(self, own_base: &str) -> Self {
        match self {
            Self::Reference(reference) => Self::Reference(reference.seen_from(own_base)),
            Self::Composite(values) => {
                let seen = values.into_iter().map(|value| value.seen_from(own_base));
                Self::Composite(seen.collect())
            }
            other => other,
        }
    }

    pub(super) fn at(self, now: NaiveDateTime) -> Self {
        match self {
            Self::Date { prefix: Prefix::Ap, period } => {
                Self::Date { prefix: Prefix::Ap, period: period.about(now) }
            }
            Self::Composite(values) => {
                Self::Composite(values.into_iter().map(|value| value.at(now)).collect())
            }
            other => other,
        }
    }
}

/// A number that is searched for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SearchNumber {
    /// Written out, without an exponent.
    pub exact: String,
    /// What it means by its precision, without the upper bound; of `ap` a tenth around it, with both.
    pub range: DecimalRange,
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

impl Prefix {
    /// All of them, as R4 lists them.
    pub const ALL: [Prefix; 9] = [
        Prefix::Eq,
        Prefix::Ne,
        Prefix::Gt,
        Prefix::Lt,
        Prefix::Ge,
        Prefix::Le,
        Prefix::Sa,
        Prefix::Eb,
        Prefix::Ap,
    ];

    pub fn code(self) -> &'static str {
        PREFIXES.iter().find(|(_, known)| *known == self).map_or("eq", |(name, _)| name)
    }
}

/// As it is written behind the colon.
impl fmt::Display for Modifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "missing",
            Self::Exact => "exact",
            Self::Contains => "contains",
            Self::Text => "text",
            Self::Not => "not",
            Self::Above => "above",
            Self::Below => "below",
            Self::In => "in",
            Self::NotIn => "not-in",
            Self::OfType => "of-type",
            Self::Identifier => "identifier",
            Self::Type(name) => name,
        })
    }
}

/// What Genkan takes on a type of parameter, and what R4 has beyond it: the plan refuses that, with
/// what it could be asked instead.
fn modifiers_of(kind: ParameterType) -> (&'static str, &'static [&'static str]) {
    match kind {
        ParameterType::String => ("missing, exact, contains", &["text"]),
        ParameterType::Token => {
            ("missing, not, text, of-type", &["above", "below", "in", "not-in"])
        }
        ParameterType::Reference => {
            ("missing, identifier, and resource types", &["above", "below"])
        }
        ParameterType::Uri => ("missing, below, above", &[]),
        ParameterType::Date | ParameterType::Number | ParameterType::Quantity => ("missing", &[]),
        ParameterType::Composite | ParameterType::Special => ("", &[]),
    }
}

/// Reads a modifier and asks whether R4 has it on this type of parameter.
pub(super) fn modifier(
    definitions: &Definitions,
    parameter: &SearchParameter,
    text: &str,
) -> Result<Modifier, ProblemKind> {
    let (allowed, beyond) = modifiers_of(parameter.kind);
    let is_known = allowed.split(", ").any(|known| known == text) || beyond.contains(&text);
    if parameter.kind == ParameterType::Reference && definitions.is_resource(text) {
        may_target(parameter, text)?;
        return Ok(Modifier::Type(text.to_owned()));
    }
    Ok(match text {
        _ if !is_known => return Err(ProblemKind::Modifier { allowed }),
        "missing" => Modifier::Missing,
        "exact" => Modifier::Exact,
        "contains" => Modifier::Contains,
        "text" => Modifier::Text,
        "not" => Modifier::Not,
        "above" => Modifier::Above,
        "below" => Modifier::Below,
        "in" => Modifier::In,
        "not-in" => Modifier::NotIn,
        "of-type" => Modifier::OfType,
        "identifier" => Modifier::Identifier,
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
            Some(Modifier::Text) => return Ok(SearchValue::Text(unescape(text)?)),
            Some(Modifier::OfType) => return of_type(text),
            Some(Modifier::In | Modifier::NotIn) => return Ok(SearchValue::Uri(unescape(text)?)),
            _ => {}
        }
        match self.parameter.kind {
            ParameterType::Token => token(text),
            ParameterType::String => Ok(SearchValue::Text(unescape(text)?)),
            ParameterType::Uri => self.uri(text),
            ParameterType::Date => self.date(text),
            ParameterType::Number => {
                let (prefix, text) = prefix(text);
                Ok(SearchValue::Number { prefix, number: number(prefix, text)? })
            }
            ParameterType::Quantity => quantity(text),
            ParameterType::Reference => self.reference(text),
            ParameterType::Composite => self.composite(text),
            ParameterType::Special => Err(ProblemKind::NotSupported("searching by place")),
        }
    }

    /// Values joined by `$`, each read as the parameter that gives the component its type.
    fn composite(&self, text: &str) -> Result<SearchValue, ProblemKind> {
        let components = &self.parameter.components;
        let texts = split(text, '$');
        if texts.len() != components.len() {
            return Err(ProblemKind::Malformed("a value for each component, joined by $"));
        }
        let values = components.iter().zip(texts).map(|(component, text)| {
            let parameter = self
                .definitions
                .search_parameter_of_id(component.parameter)
                .ok_or(ProblemKind::NotSupported("this component"))?;
            Reader { parameter, modifier: None, ..*self }.read(text)
        });
        Ok(SearchValue::Composite(values.collect::<Result<_, _>>()?))
    }

    /// R4 has a hierarchy of URLs only: there is nothing above or below a URN.
    fn uri(&self, text: &str) -> Result<SearchValue, ProblemKind> {
        let uri = unescape(text)?;
        let hierarchical = matches!(self.modifier, Some(Modifier::Above | Modifier::Below));
        if hierarchical && !uri.contains("://") {
            return Err(ProblemKind::Malformed("a URL: above and below a URN there is nothing"));
        }
        Ok(SearchValue::Uri(uri))
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
    let number = self::number(prefix, number)?;
    let part = |text: &str| match text {
        "" => Ok(None),
        text => unescape(text).map(Some),
    };
    Ok(SearchValue::Quantity { prefix, number, system: part(system)?, code: part(code)? })
}

fn number(prefix: Prefix, text: &str) -> Result<SearchNumber, ProblemKind> {
    let range = match prefix {
        Prefix::Ap => DecimalRange::about(text),
        _ => DecimalRange::of(text),
    };
    let number = written_out(text).zip(range).map(|(exact, range)| SearchNumber { exact, range });
    number.ok_or(ProblemKind::Malformed("a decimal number"))
}

/// `system|code|value`, all of which R4 requires.
fn of_type(text: &str) -> Result<SearchValue, ProblemKind> {
    let parts = split(text, '|');
    match parts.as_slice() {
        [system, code, value] if parts.iter().all(|part| !part.is_empty()) => {
            Ok(SearchValue::OfType {
                system: unescape(system)?,
                code: unescape(code)?,
                value: unescape(value)?,
            })
        }
        _ => Err(ProblemKind::Malformed("system|code|value")),
    }
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
