//! Why a profile can't be used.

use std::{error::Error, fmt};

/// A profile that can't be compiled, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileError {
    /// Its canonical; empty when it has none.
    pub profile: String,
    /// The id of the element; empty for the whole.
    pub element: String,
    pub fault: ProfileFault,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProfileFault {
    NoUrl,
    NotStructureDefinition,
    /// A field that must be there, or has another form than R4 gives it.
    Field(&'static str),
    /// A type that R4 doesn't have.
    UnknownType(String),
    /// The profile that it builds on isn't loaded.
    NoBase(String),
    /// Profiles that build on each other in a circle, or too many on top of each other.
    BaseDepth,
    /// Its elements don't follow its base: an element whose parent isn't there.
    Path,
    /// A part of the definition that this validator doesn't check.
    NotSupported(String),
    /// An invariant that is no FHIRPath for this engine.
    Expression {
        key: String,
        reason: String,
    },
    Discriminator(String),
    /// Too many elements or too deep.
    TooLarge,
}

impl ProfileError {
    pub(super) fn new(profile: &str, fault: ProfileFault) -> Self {
        Self { profile: profile.to_owned(), element: String::new(), fault }
    }

    pub(super) fn at(mut self, element: &str) -> Self {
        element.clone_into(&mut self.element);
        self
    }
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { profile, element, fault } = self;
        let profile = if profile.is_empty() { "a profile" } else { profile };
        write!(f, "{profile} can't be used")?;
        if !element.is_empty() {
            write!(f, ", at {element}")?;
        }
        f.write_str(": ")?;
        match fault {
            ProfileFault::NoUrl => f.write_str("it has no url"),
            ProfileFault::NotStructureDefinition => f.write_str("it is no StructureDefinition"),
            ProfileFault::Field(name) => write!(f, "{name} is missing or has a wrong form"),
            ProfileFault::UnknownType(name) => write!(f, "R4 has no type {name}"),
            ProfileFault::NoBase(url) => write!(f, "it builds on {url}, which isn't loaded"),
            ProfileFault::BaseDepth => f.write_str("its bases go round in a circle"),
            ProfileFault::Path => f.write_str("the path doesn't follow the elements before it"),
            ProfileFault::NotSupported(what) => write!(f, "{what} isn't supported"),
            ProfileFault::Expression { key, reason } => {
                write!(f, "the invariant {key} can't be compiled: {reason}")
            }
            ProfileFault::Discriminator(path) => {
                write!(
                    f,
                    "the discriminator {path} isn't one that R4 knows, or looks at no element"
                )
            }
            ProfileFault::TooLarge => f.write_str("it has too many elements, or too deep ones"),
        }
    }
}

impl Error for ProfileError {}
