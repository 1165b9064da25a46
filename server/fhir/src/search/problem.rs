//! What is wrong with a search, said without repeating what it searched for.

use std::fmt;

/// Longer names, and names with other letters, aren't repeated: a value may have slipped into
/// the place of a name.
const MAX_SHOWN_NAME_BYTES: usize = 64;

/// One thing wrong with one parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchProblem {
    /// Which of the pairs, from 0.
    pub pair: usize,
    /// The name as it was given, modifier included; empty when it can't be shown.
    pub parameter: String,
    pub kind: ProblemKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    UnknownResourceType,
    /// R4 has no such parameter on this resource type.
    UnknownParameter {
        nearest: Option<&'static str>,
    },
    /// The value of `_sort` or `_include` names a parameter that R4 doesn't have there.
    NamesUnknown {
        nearest: Option<&'static str>,
    },
    /// The value of `_elements` names an element that R4 doesn't have at the top of the type.
    UnknownElement {
        nearest: Option<&'static str>,
    },
    /// R4 has the parameter but not this modifier, or not on this type of parameter.
    Modifier {
        allowed: &'static str,
    },
    /// R4 has it, Genkan doesn't do it.
    NotSupported(&'static str),
    /// There is no value.
    Empty,
    /// The value isn't what it should be.
    Malformed(&'static str),
    /// The name isn't what it should be.
    Form(&'static str),
    /// A step of a chain, counted from 1, leads nowhere.
    Step {
        step: usize,
        fault: StepFault,
    },
    /// A chain of more steps.
    TooDeep {
        max: usize,
    },
    /// A type that the reference can't point to, or not in this place.
    WrongTarget,
    /// May stand once only.
    Repeated,
    /// Can't stand beside another parameter.
    Contradicts(&'static str),
    /// More parameters, values or bytes than are read.
    TooMany {
        max: usize,
    },
}

/// What is wrong with a step of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepFault {
    /// R4 has no such parameter on the type that the chain has come to.
    UnknownParameter { nearest: Option<&'static str> },
    /// R4 has no such resource type.
    UnknownType { nearest: Option<&'static str> },
    /// A parameter, but of another type.
    NoReference,
    /// The reference can't point to that type.
    WrongTarget,
}

impl SearchProblem {
    pub(super) fn new(pair: usize, name: &str, kind: ProblemKind) -> Self {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-:.".contains(&byte);
        let may_be_shown = name.len() <= MAX_SHOWN_NAME_BYTES && name.bytes().all(is_plain);
        let parameter = if may_be_shown { name.to_owned() } else { String::new() };
        Self { pair, parameter, kind }
    }
}

impl fmt::Display for SearchProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parameter.as_str() {
            "" => write!(f, "parameter {}: ", self.pair + 1)?,
            name => write!(f, "{name}: ")?,
        }
        match self.kind {
            ProblemKind::UnknownResourceType => f.write_str("not a resource type of R4"),
            ProblemKind::UnknownParameter { nearest: None } => f.write_str("unknown parameter"),
            ProblemKind::UnknownParameter { nearest: Some(nearest) } => {
                write!(f, "unknown parameter, perhaps {nearest}")
            }
            ProblemKind::NamesUnknown { nearest: None } => {
                f.write_str("names a parameter that R4 doesn't have")
            }
            ProblemKind::NamesUnknown { nearest: Some(nearest) } => {
                write!(f, "names a parameter that R4 doesn't have, perhaps {nearest}")
            }
            ProblemKind::UnknownElement { nearest: None } => {
                f.write_str("names an element that isn't at the top of this type in R4")
            }
            ProblemKind::UnknownElement { nearest: Some(nearest) } => {
                write!(f, "names no element at the top of this type in R4, perhaps {nearest}")
            }
            ProblemKind::Modifier { allowed: "" } => f.write_str("takes no modifier"),
            ProblemKind::Modifier { allowed } => write!(f, "takes only the modifiers {allowed}"),
            ProblemKind::NotSupported(what) => write!(f, "{what} not supported"),
            ProblemKind::Empty => f.write_str("expected a value"),
            ProblemKind::Malformed(expected) => write!(f, "expected {expected}"),
            ProblemKind::Form(form) => write!(f, "expected {form}"),
            ProblemKind::Step { step, fault } => write!(f, "step {step} of the chain: {fault}"),
            ProblemKind::TooDeep { max } => write!(f, "a chain has at most {max} steps"),
            ProblemKind::WrongTarget => f.write_str("can't refer to that type"),
            ProblemKind::Repeated => f.write_str("may stand only once"),
            ProblemKind::Contradicts(other) => write!(f, "can't stand beside {other}"),
            ProblemKind::TooMany { max } => write!(f, "more than {max}"),
        }
    }
}

impl fmt::Display for StepFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, nearest) = match self {
            StepFault::UnknownParameter { nearest } => ("unknown parameter", nearest),
            StepFault::UnknownType { nearest } => ("no resource type of R4", nearest),
            StepFault::NoReference => ("no reference parameter", &None),
            StepFault::WrongTarget => ("can't refer to that type", &None),
        };
        f.write_str(what)?;
        match nearest {
            Some(nearest) => write!(f, ", perhaps {nearest}"),
            None => Ok(()),
        }
    }
}

/// The known name with the fewest edits, if it is near enough to be what was meant.
pub(super) fn nearest(
    name: &str,
    known: impl Iterator<Item = &'static str>,
) -> Option<&'static str> {
    if name.len() > MAX_SHOWN_NAME_BYTES {
        return None;
    }
    let max_edits = (name.chars().count() / 3).max(1);
    known
        .map(|known| (strsim::osa_distance(name, known), known))
        .filter(|(edits, _)| *edits <= max_edits)
        .min()
        .map(|(_, known)| known)
}
