//! Literals, variables and the calls of functions that are prepared while compiling.

use std::borrow::Cow;

use regex::{Regex, RegexBuilder};

use super::{
    decimal,
    error::{CompileError, CompileProblem},
    function::{Function, Text},
    lexer::TokenKind,
    parser::Parser,
    program::{Literal, Operation, OperationId, StepKind, Variable, append, narrow},
    quantity::{Quantity, Unit},
    temporal::CalendarUnit,
};

const UCUM: &str = "http://unitsofmeasure.org";
const SNOMED_CT: &str = "http://snomed.info/sct";
const LOINC: &str = "http://loinc.org";
const VALUE_SETS: &str = "http://hl7.org/fhir/ValueSet/";
const EXTENSIONS: &str = "http://hl7.org/fhir/StructureDefinition/";

pub(super) fn literal(parser: &mut Parser<'_>) -> Result<OperationId, CompileError> {
    let at = parser.at();
    let token = parser.peek().clone();
    let operation = match token {
        TokenKind::Word(word) => Operation::Literal(Literal::Boolean(word == "true")),
        TokenKind::String(text) => Operation::Literal(Literal::String(text.into())),
        TokenKind::Temporal(value) => Operation::Literal(Literal::Temporal(value)),
        TokenKind::Variable(name) => variable(name, narrow(at)),
        TokenKind::Number(digits) => {
            parser.skip();
            let literal = number(parser, digits, at)?;
            return parser.push(Operation::Literal(literal));
        }
        _ => return parser.unexpected("a literal"),
    };
    parser.skip();
    parser.push(operation)
}

fn variable(name: String, at: u32) -> Operation {
    let text = |text: String| Operation::Literal(Literal::String(text.into()));
    match name.as_str() {
        "context" => Operation::Variable(Variable::Context),
        "resource" => Operation::Variable(Variable::Resource),
        "rootResource" => Operation::Variable(Variable::RootResource),
        "ucum" => text(UCUM.to_owned()),
        "sct" => text(SNOMED_CT.to_owned()),
        "loinc" => text(LOINC.to_owned()),
        other => {
            if let Some(id) = other.strip_prefix("vs-") {
                text(format!("{VALUE_SETS}{id}"))
            } else if let Some(id) = other.strip_prefix("ext-") {
                text(format!("{EXTENSIONS}{id}"))
            } else {
                Operation::Variable(Variable::Named { name: name.into(), at })
            }
        }
    }
}

/// A number, with a unit if one follows.
fn number(parser: &mut Parser<'_>, digits: &str, at: usize) -> Result<Literal, CompileError> {
    let range = |expected| CompileProblem::Syntax { expected, found: digits.to_owned() };
    let value = || match decimal::parse_signed(digits) {
        Some(value) => Ok(value),
        None => parser.fail(at, range("a number of at most 28 digits")),
    };
    let unit = match parser.peek() {
        TokenKind::String(unit) => Some(Quantity::quoted(value()?, Cow::Owned(unit.clone()))),
        TokenKind::Word(word) => match CalendarUnit::from_word(word) {
            Some(unit) => Some(Quantity { value: value()?, unit: Unit::Calendar(unit) }),
            None => None,
        },
        _ => None,
    };
    if let Some(quantity) = unit {
        parser.skip();
        return Ok(Literal::Quantity(Box::new(quantity)));
    }
    if digits.contains('.') {
        return Ok(Literal::Decimal(value()?));
    }
    match digits.parse() {
        Ok(number) => Ok(Literal::Integer(number)),
        Err(_) => parser.fail(at, range("an integer up to 2147483647, or a decimal")),
    }
}

/// A call, with the pattern of `matches` compiled where it is a literal.
pub(super) fn call(
    parser: &mut Parser<'_>,
    function: Function,
    arguments: Vec<OperationId>,
    at: usize,
) -> Result<StepKind, CompileError> {
    if let (Function::Text(name @ (Text::Matches | Text::MatchesFull)), [pattern]) =
        (function, arguments.as_slice())
        && let Operation::Literal(Literal::String(text)) = parser.program.operation(*pattern)
    {
        let compiled = pattern_of(text, name == Text::MatchesFull);
        return match compiled {
            Ok(pattern) => {
                parser.program.patterns.push(pattern);
                Ok(StepKind::Matches(narrow(parser.program.patterns.len() - 1)))
            }
            Err(error) => parser.fail(at, CompileProblem::Pattern { reason: error.to_string() }),
        };
    }
    let arguments = append(&mut parser.program.arguments, arguments);
    Ok(StepKind::Call { function, arguments })
}

/// Unicode, case-sensitive, a dot matches line breaks too (N1: "single line mode"). Matching takes
/// time linear in the text.
pub(super) fn pattern_of(text: &str, is_full: bool) -> Result<Regex, regex::Error> {
    let anchored;
    let pattern = if is_full {
        anchored = format!("^(?:{text})$");
        &anchored
    } else {
        text
    };
    RegexBuilder::new(pattern).dot_matches_new_line(true).size_limit(MAX_PATTERN_BYTES).build()
}

/// Of the compiled pattern; R4's largest has about 200 KB.
const MAX_PATTERN_BYTES: usize = 4 * 1024 * 1024;
