//! What can be wrong with an expression, and what can go wrong while it is evaluated.
//!
//! The texts are in English (`Display`) and Japanese. They may repeat the expression, which a
//! profile's author wrote, and never what stands in a resource.

use std::{error::Error, fmt};

/// Why a text is no FHIRPath expression that Genkan can evaluate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileError {
    pub at: Place,
    pub problem: CompileProblem,
}

/// Why an expression has no result on this resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvaluationError {
    pub at: Place,
    pub fault: Fault,
}

/// A place in an expression; both count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub line: u32,
    pub column: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompileProblem {
    /// The grammar wants something else here.
    Syntax { expected: &'static str, found: String },
    UnknownFunction { name: String, nearest: Option<&'static str> },
    UnknownType { name: String, nearest: Option<&'static str> },
    /// A function with too many or too few arguments.
    Arguments { function: &'static str, expected: &'static str, found: usize },
    /// FHIR has the function, Genkan doesn't.
    NotSupported { function: &'static str },
    /// A regular expression that the `regex` crate refuses, with its reason.
    Pattern { reason: String },
    /// Only of [`super::Expression::check`]: R4 has no such element there.
    UnknownElement { name: String, on: String },
    /// Only of [`super::Expression::check`]: what it says can't be meant.
    Meaningless { why: &'static str },
    /// More nesting or more text than is read.
    TooLarge { what: &'static str, max: usize },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Several items where one is wanted.
    NotSingle { count: usize },
    /// An item of another type than the function or operator takes.
    WrongType { expected: &'static str, found: &'static str },
    /// Two types that an operator doesn't take together.
    Mismatch { left: &'static str, right: &'static str },
    /// A unit that can't be added to a date or time of this type.
    Unit { allowed: &'static str },
    /// A number with more digits than are calculated with.
    NumberRange,
    /// A regular expression made while evaluating that is none.
    Pattern,
    /// An argument that isn't one of those that the function knows.
    Argument { expected: &'static str },
    UnknownVariable { name: String },
    /// The caller gives no such thing: a clock, a resolver, terminology …
    NotGiven { what: Needed },
    /// The caller's terminology or profiles don't hold this canonical.
    UnknownCanonical { url: String },
    /// What a resolved reference points to is known by its type only.
    NotLoaded,
    /// A modifier extension that the expression doesn't know.
    Modifier,
    /// More steps, or longer strings, than are allowed.
    Limit { what: &'static str, max: u64 },
}

/// What a caller may give to an evaluation beside the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needed {
    Clock,
    Resolver,
    Profiles,
    Terminology,
    HtmlChecks,
}

impl Needed {
    fn english(self) -> &'static str {
        match self {
            Self::Clock => "the time of evaluation",
            Self::Resolver => "a resolver of references",
            Self::Profiles => "profiles for conformsTo()",
            Self::Terminology => "value sets for memberOf()",
            Self::HtmlChecks => "a check of narrative for htmlChecks()",
        }
    }

    fn japanese(self) -> &'static str {
        match self {
            Self::Clock => "評価の時刻",
            Self::Resolver => "参照の解決手段",
            Self::Profiles => "conformsTo() に必要なプロファイル",
            Self::Terminology => "memberOf() に必要な値セット",
            Self::HtmlChecks => "htmlChecks() に必要な文章の検査",
        }
    }
}

impl Place {
    /// Where a byte of a text stands.
    pub(super) fn of(text: &str, byte: usize) -> Self {
        let before = text.get(..byte).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self { line: narrow(line), column: narrow(column) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            1 => write!(f, "column {}", self.column),
            line => write!(f, "line {line}, column {}", self.column),
        }
    }
}

impl Place {
    fn japanese(self) -> String {
        match self.line {
            1 => format!("{}文字目", self.column),
            line => format!("{line}行目{}文字目", self.column),
        }
    }
}

impl Error for CompileError {}
impl Error for EvaluationError {}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.problem)
    }
}

impl fmt::Display for EvaluationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.fault)
    }
}

impl CompileError {
    /// The text for a Japanese reader.
    pub fn japanese(&self) -> String {
        format!("{}: {}", self.at.japanese(), self.problem.japanese())
    }
}

impl EvaluationError {
    /// The text for a Japanese reader.
    pub fn japanese(&self) -> String {
        format!("{}: {}", self.at.japanese(), self.fault.japanese())
    }
}

impl fmt::Display for CompileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let perhaps = |nearest: &Option<&str>| match nearest {
            Some(nearest) => format!(", perhaps {nearest}"),
            None => String::new(),
        };
        match self {
            Self::Syntax { expected, found } => write!(f, "expected {expected}, found {found}"),
            Self::UnknownFunction { name, nearest } => {
                write!(f, "unknown function {name}(){}", perhaps(nearest))
            }
            Self::UnknownType { name, nearest } => {
                write!(f, "unknown type {name}{}", perhaps(nearest))
            }
            Self::Arguments { function, expected, found } => {
                write!(f, "{function}() takes {expected} arguments, found {found}")
            }
            Self::NotSupported { function } => {
                write!(f, "{function}() isn't supported; say it without this function")
            }
            Self::Pattern { reason } => write!(f, "no regular expression: {reason}"),
            Self::UnknownElement { name, on } => write!(f, "{on} has no element {name}"),
            Self::Meaningless { why } => f.write_str(why),
            Self::TooLarge { what, max } => write!(f, "{what}, the limit is {max}"),
        }
    }
}

impl CompileProblem {
    fn japanese(&self) -> String {
        let perhaps = |nearest: &Option<&str>| match nearest {
            Some(nearest) => format!("。{nearest} ではありませんか"),
            None => String::new(),
        };
        match self {
            Self::Syntax { expected, found } => {
                format!("構文の誤り。ここに必要なもの: {expected}、実際: {found}")
            }
            Self::UnknownFunction { name, nearest } => {
                format!("関数 {name}() はありません{}", perhaps(nearest))
            }
            Self::UnknownType { name, nearest } => {
                format!("型 {name} はありません{}", perhaps(nearest))
            }
            Self::Arguments { function, expected, found } => {
                format!("{function}() の引数は {expected} 個です（実際は {found} 個）")
            }
            Self::NotSupported { function } => {
                format!("{function}() には対応していません。この関数を使わずに書いてください")
            }
            Self::Pattern { reason } => format!("正規表現の誤り: {reason}"),
            Self::UnknownElement { name, on } => format!("{on} に要素 {name} はありません"),
            Self::Meaningless { why } => format!("意味をなさない式: {why}"),
            Self::TooLarge { what, max } => format!("式が大きすぎます: {what}（上限 {max}）"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSingle { count } => {
                write!(f, "{count} items where one is wanted; choose one, as with first()")
            }
            Self::WrongType { expected, found } => write!(f, "expected {expected}, found {found}"),
            Self::Mismatch { left, right } => write!(f, "{left} and {right} don't go together"),
            Self::Unit { allowed } => write!(f, "the unit must be one of {allowed}"),
            Self::NumberRange => f.write_str("a number with more than 28 digits"),
            Self::Pattern => f.write_str("no regular expression"),
            Self::Argument { expected } => write!(f, "the argument must be {expected}"),
            Self::UnknownVariable { name } => write!(f, "the variable %{name} has no value"),
            Self::NotGiven { what } => {
                write!(f, "{} is not available in this place", what.english())
            }
            Self::UnknownCanonical { url } => write!(f, "{url} is not loaded"),
            Self::NotLoaded => f.write_str("of this reference only the type is known"),
            Self::Modifier => f.write_str("a modifier extension that isn't expected"),
            Self::Limit { what, max } => write!(f, "more than {max} {what}"),
        }
    }
}

impl Fault {
    fn japanese(&self) -> String {
        match self {
            Self::NotSingle { count } => {
                format!("1個であるべき所に {count} 個あります。first() などで1個に絞ってください")
            }
            Self::WrongType { expected, found } => {
                format!("型が違います。必要: {expected}、実際: {found}")
            }
            Self::Mismatch { left, right } => format!("{left} と {right} は組み合わせられません"),
            Self::Unit { allowed } => format!("単位は {allowed} のいずれかです"),
            Self::NumberRange => "28桁を超える数です".to_owned(),
            Self::Pattern => "正規表現の誤りです".to_owned(),
            Self::Argument { expected } => format!("引数は {expected} です"),
            Self::UnknownVariable { name } => format!("変数 %{name} に値がありません"),
            Self::NotGiven { what } => format!("{} がここにはありません", what.japanese()),
            Self::UnknownCanonical { url } => format!("{url} は読み込まれていません"),
            Self::NotLoaded => "この参照先は型しか分かりません".to_owned(),
            Self::Modifier => "想定されていない modifierExtension があります".to_owned(),
            Self::Limit { what, max } => format!("上限を超えました: {what}（上限 {max}）"),
        }
    }
}
