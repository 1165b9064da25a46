//! A question to a search: one parameter with its values, and how it is written in a URL.

use std::fmt;

/// What is asked of an element, in the form of its parameter's type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Asked {
    Token {
        system: TokenSystem,
        code: Option<String>,
    },
    /// `:of-type`
    Typed {
        system: String,
        code: String,
        value: String,
    },
    Text(String),
    Date(String),
    Number(String),
    Quantity {
        value: String,
        system: Option<String>,
        code: Option<String>,
    },
    Reference {
        resource_type: Option<String>,
        id: String,
    },
    Uri(String),
    Missing(bool),
    /// One value for each component.
    Composite(Vec<(Prefix, Asked)>),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TokenSystem {
    Any,
    /// `|code`
    None,
    Is(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Prefix {
    None,
    Eq,
    Ne,
    Gt,
    Lt,
    Ge,
    Le,
    Sa,
    Eb,
    Ap,
}

impl Prefix {
    pub const ALL: [Self; 10] = [
        Self::None,
        Self::Eq,
        Self::Ne,
        Self::Gt,
        Self::Lt,
        Self::Ge,
        Self::Le,
        Self::Sa,
        Self::Eb,
        Self::Ap,
    ];

    pub fn text(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Gt => "gt",
            Self::Lt => "lt",
            Self::Ge => "ge",
            Self::Le => "le",
            Self::Sa => "sa",
            Self::Eb => "eb",
            Self::Ap => "ap",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Modifier {
    Missing,
    Exact,
    Contains,
    Text,
    Not,
    OfType,
    Identifier,
    Below,
    Above,
    Type(String),
}

impl Modifier {
    pub fn text(&self) -> &str {
        match self {
            Self::Missing => "missing",
            Self::Exact => "exact",
            Self::Contains => "contains",
            Self::Text => "text",
            Self::Not => "not",
            Self::OfType => "of-type",
            Self::Identifier => "identifier",
            Self::Below => "below",
            Self::Above => "above",
            Self::Type(name) => name,
        }
    }
}

/// One search parameter of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    pub resource_type: String,
    pub code: String,
    pub modifier: Option<Modifier>,
    pub prefix: Prefix,
    pub asked: Asked,
}

impl Question {
    /// `code:modifier`
    pub fn name(&self) -> String {
        match &self.modifier {
            Some(modifier) => format!("{}:{}", self.code, modifier.text()),
            None => self.code.clone(),
        }
    }

    /// The value, with FHIR's escapes and not yet those of a URL.
    pub fn value(&self) -> String {
        format!("{}{}", self.prefix.text(), self.asked)
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token { system, code } => {
                match system {
                    TokenSystem::Any => {}
                    TokenSystem::None => f.write_str("|")?,
                    TokenSystem::Is(system) => write!(f, "{}|", escaped(system))?,
                }
                f.write_str(&escaped(code.as_deref().unwrap_or_default()))
            }
            Self::Typed { system, code, value } => {
                write!(f, "{}|{}|{}", escaped(system), escaped(code), escaped(value))
            }
            Self::Text(text) | Self::Uri(text) => f.write_str(&escaped(text)),
            Self::Date(text) | Self::Number(text) => f.write_str(text),
            Self::Quantity { value, system, code } => {
                f.write_str(value)?;
                if system.is_some() || code.is_some() {
                    let part = |part: &Option<String>| escaped(part.as_deref().unwrap_or_default());
                    write!(f, "|{}|{}", part(system), part(code))?;
                }
                Ok(())
            }
            Self::Reference { resource_type, id } => match resource_type {
                Some(resource_type) => write!(f, "{resource_type}/{id}"),
                None => f.write_str(id),
            },
            Self::Missing(missing) => write!(f, "{missing}"),
            Self::Composite(parts) => {
                for (index, (prefix, part)) in parts.iter().enumerate() {
                    let dollar = if index == 0 { "" } else { "$" };
                    write!(f, "{dollar}{}{part}", prefix.text())?;
                }
                Ok(())
            }
        }
    }
}

/// Spec: <https://hl7.org/fhir/R4/search.html#escaping>
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if ['\\', ',', '$', '|'].contains(&c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
