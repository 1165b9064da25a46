//! A compiled expression: flat tables, in which an operation names others by their number.
//!
//! Paths (`a.b.where(c)`) and operators of one rank (`a or b or c`) are lists, not trees, so that
//! evaluating a long expression needs no deep stack.

use std::ops::Range;

use regex::Regex;
use rust_decimal::Decimal;

use super::{
    error::Place, function::Function, model::TypeId, quantity::Quantity, temporal::Temporal,
};
use crate::names::Name;

#[derive(Debug)]
pub(super) struct Program {
    pub text: Box<str>,
    pub operations: Vec<Operation>,
    pub steps: Vec<Step>,
    pub links: Vec<Link>,
    pub arguments: Vec<OperationId>,
    pub names: Vec<Box<str>>,
    pub patterns: Vec<Regex>,
    pub root: OperationId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OperationId(u32);

#[derive(Debug, Clone)]
pub(super) enum Operation {
    /// `{}`
    Empty,
    Literal(Literal),
    Variable(Variable),
    Negate {
        of: OperationId,
        at: u32,
    },
    /// `+x`: a number stays as it is, anything else is refused.
    Affirm {
        of: OperationId,
        at: u32,
    },
    Path {
        head: Head,
        steps: Range<u32>,
    },
    Chain {
        first: OperationId,
        links: Range<u32>,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Boolean(bool),
    Integer(i32),
    Decimal(Decimal),
    String(Box<str>),
    Temporal(Temporal),
    Quantity(Box<Quantity<'static>>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Variable {
    Context,
    Resource,
    RootResource,
    /// One that the caller gives.
    Named {
        name: Box<str>,
        at: u32,
    },
}

/// What a path starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    /// `$this`, said or unsaid.
    This,
    Index,
    Total,
    Operation(OperationId),
}

#[derive(Debug, Clone)]
pub(super) struct Step {
    pub kind: StepKind,
    /// The byte of the text where it stands.
    pub at: u32,
}

#[derive(Debug, Clone)]
pub(super) enum StepKind {
    Child(Name, u32),
    /// A type at the head of a path: the item itself if it is of that type.
    Itself(TypeId),
    Index(OperationId),
    Is(TypeSpecifier),
    As(TypeSpecifier),
    OfType(TypeSpecifier),
    Call {
        function: Function,
        arguments: Range<u32>,
    },
    /// `children().count()`, which stands in `ele-1` and so on every element.
    CountChildren,
    /// `matches` or `matchesFull` with a literal, compiled beforehand.
    Matches(u32),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub operator: Operator,
    pub right: OperationId,
    pub at: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Multiply,
    Divide,
    Div,
    Mod,
    Add,
    Subtract,
    Concatenate,
    Union,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
    Equivalent,
    NotEquivalent,
    In,
    Contains,
    And,
    Or,
    Xor,
    Implies,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TypeSpecifier {
    Fhir(TypeId),
    System(SystemType),
    /// Without namespace both have it: `Quantity`.
    Either(TypeId, SystemType),
    /// `System.Patient`: nothing is of this type.
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SystemType {
    Any,
    Boolean,
    String,
    Integer,
    Decimal,
    Date,
    DateTime,
    Time,
    Quantity,
}

impl SystemType {
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "Any" => Self::Any,
            "Boolean" => Self::Boolean,
            "String" => Self::String,
            "Integer" => Self::Integer,
            "Decimal" => Self::Decimal,
            "Date" => Self::Date,
            "DateTime" => Self::DateTime,
            "Time" => Self::Time,
            "Quantity" => Self::Quantity,
            _ => return None,
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "Any",
            Self::Boolean => "Boolean",
            Self::String => "String",
            Self::Integer => "Integer",
            Self::Decimal => "Decimal",
            Self::Date => "Date",
            Self::DateTime => "DateTime",
            Self::Time => "Time",
            Self::Quantity => "Quantity",
        }
    }
}

impl Operator {
    /// The rank from `implies` (1) to multiplication (9); a type operator stands between `|` and
    /// `+` (N1, 6.8).
    pub fn rank(self) -> u8 {
        match self {
            Self::Implies => 1,
            Self::Or | Self::Xor => 2,
            Self::And => 3,
            Self::In | Self::Contains => 4,
            Self::Equal | Self::NotEqual | Self::Equivalent | Self::NotEquivalent => 5,
            Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual => 6,
            Self::Union => 7,
            Self::Add | Self::Subtract | Self::Concatenate => TYPE_RANK + 1,
            Self::Multiply | Self::Divide | Self::Div | Self::Mod => TYPE_RANK + 2,
        }
    }

    pub fn of_symbol(symbol: &str) -> Option<Self> {
        Some(match symbol {
            "*" => Self::Multiply,
            "/" => Self::Divide,
            "+" => Self::Add,
            "-" => Self::Subtract,
            "&" => Self::Concatenate,
            "|" => Self::Union,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            "=" => Self::Equal,
            "!=" => Self::NotEqual,
            "~" => Self::Equivalent,
            "!~" => Self::NotEquivalent,
            _ => return None,
        })
    }

    pub fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "div" => Self::Div,
            "mod" => Self::Mod,
            "in" => Self::In,
            "contains" => Self::Contains,
            "and" => Self::And,
            "or" => Self::Or,
            "xor" => Self::Xor,
            "implies" => Self::Implies,
            _ => return None,
        })
    }

    pub fn is_arithmetic(self) -> bool {
        self.rank() > TYPE_RANK
    }

    pub fn is_logical(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Xor | Self::Implies)
    }
}

/// Of `is` and `as`.
pub(super) const TYPE_RANK: u8 = 8;

impl Program {
    pub fn operation(&self, id: OperationId) -> &Operation {
        // Ids come from `push` of this very program.
        self.operations.get(id.index()).unwrap_or(&Operation::Empty)
    }

    pub fn steps(&self, range: &Range<u32>) -> &[Step] {
        slice(&self.steps, range)
    }

    pub fn links(&self, range: &Range<u32>) -> &[Link] {
        slice(&self.links, range)
    }

    pub fn arguments(&self, range: &Range<u32>) -> &[OperationId] {
        slice(&self.arguments, range)
    }

    pub fn name(&self, index: u32) -> &str {
        self.names.get(widen(index)).map_or("", |name| name)
    }

    /// Where in the text an operation is, for a message about its result.
    pub fn start(&self, id: OperationId) -> u32 {
        match self.operation(id) {
            Operation::Negate { at, .. } | Operation::Affirm { at, .. } => *at,
            Operation::Variable(Variable::Named { at, .. }) => *at,
            Operation::Path { steps, .. } => self.steps(steps).last().map_or(0, |step| step.at),
            Operation::Chain { links, .. } => self.links(links).first().map_or(0, |link| link.at),
            Operation::Empty | Operation::Literal(_) | Operation::Variable(_) => 0,
        }
    }

    pub fn place(&self, at: u32) -> Place {
        Place::of(&self.text, widen(at))
    }

    pub fn push(&mut self, operation: Operation) -> OperationId {
        let id = OperationId(narrow(self.operations.len()));
        self.operations.push(operation);
        id
    }
}

impl OperationId {
    /// For a program that is being built.
    pub const FIRST: Self = Self(0);

    pub fn index(self) -> usize {
        widen(self.0)
    }
}

/// Appends to a table and names the place.
pub(super) fn append<T>(table: &mut Vec<T>, entries: impl IntoIterator<Item = T>) -> Range<u32> {
    let start = narrow(table.len());
    table.extend(entries);
    start..narrow(table.len())
}

fn slice<'t, T>(table: &'t [T], range: &Range<u32>) -> &'t [T] {
    table.get(widen(range.start)..widen(range.end)).unwrap_or_default()
}

pub(super) fn widen(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// No table is longer than the text of the expression, which has at most 64 KiB.
pub(super) fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
