//! From tokens to a program, by the grammar of FHIRPath N1
//! (<https://hl7.org/fhirpath/N1/grammar.html>).
//!
//! Two things are read beyond it, because FHIR's own pages write them: a keyword as a name behind
//! a dot (`text.div`), and a variable's name in double quotes (`%"vs-name"`).

use super::{
    error::{CompileError, CompileProblem, Place},
    function::{Elements, Function, Items, OF_TYPES, nearest},
    lexer::{Token, TokenKind, tokens},
    model::Model,
    program::{
        Head, Link, Literal, Operation, OperationId, Operator, Program, Step, StepKind, SystemType,
        TYPE_RANK, TypeSpecifier, append, narrow,
    },
    term,
};
use crate::names::Name;

/// Longer expressions aren't read; the longest of R4 has 2 KB.
pub(super) const MAX_TEXT_BYTES: usize = 64 * 1024;
/// How deep brackets, arguments and operators of different rank may nest.
pub(super) const MAX_DEPTH: usize = 100;
/// How deep operations may stand in each other. Those on the left (`a is B + c is D + …`) nest without
/// brackets; evaluation goes down by calls.
const MAX_OPERATION_DEPTH: usize = 200;

pub(super) struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Token<'t>>,
    next: usize,
    depth: usize,
    /// Of each operation of the program, how many levels it has.
    levels: Vec<usize>,
    pub(super) program: Program,
    pub(super) model: &'static Model,
}

pub(super) fn parse(text: &str) -> Result<Program, CompileError> {
    if text.len() > MAX_TEXT_BYTES {
        let problem = CompileProblem::TooLarge { what: "bytes of text", max: MAX_TEXT_BYTES };
        return Err(CompileError { at: Place::of(text, 0), problem });
    }
    let program = Program {
        text: text.into(),
        operations: Vec::new(),
        steps: Vec::new(),
        links: Vec::new(),
        arguments: Vec::new(),
        names: Vec::new(),
        patterns: Vec::new(),
        root: OperationId::FIRST,
    };
    let model = Model::r4();
    let (tokens, levels) = (tokens(text)?, Vec::new());
    let mut parser = Parser { text, tokens, next: 0, depth: 0, levels, program, model };
    parser.program.root = parser.expression(0)?;
    match parser.peek() {
        TokenKind::End => Ok(parser.program),
        _ => parser.unexpected("an operator or the end"),
    }
}

impl<'t> Parser<'t> {
    pub(super) fn peek(&self) -> &TokenKind<'t> {
        self.tokens.get(self.next).map_or(&TokenKind::End, |token| &token.kind)
    }

    fn peek_second(&self) -> &TokenKind<'t> {
        self.tokens.get(self.next + 1).map_or(&TokenKind::End, |token| &token.kind)
    }

    pub(super) fn at(&self) -> usize {
        self.tokens.get(self.next).map_or(self.text.len(), |token| token.at)
    }

    pub(super) fn skip(&mut self) {
        self.next += 1;
    }

    pub(super) fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self.peek(), TokenKind::Symbol(found) if *found == symbol)
    }

    fn eat(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol);
        self.next += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, symbol: &'static str) -> Result<(), CompileError> {
        if self.eat(symbol) { Ok(()) } else { self.unexpected(symbol) }
    }

    pub(super) fn unexpected<T>(&self, expected: &'static str) -> Result<T, CompileError> {
        let found = match self.peek() {
            TokenKind::End => "the end".to_owned(),
            _ => {
                let end = self.tokens.get(self.next + 1).map_or(self.text.len(), |token| token.at);
                let found = self.text.get(self.at()..end).unwrap_or_default().trim_end();
                // One token; but a comment may stand before the next one.
                found.chars().take(40).collect()
            }
        };
        self.fail(self.at(), CompileProblem::Syntax { expected, found })
    }

    pub(super) fn fail<T>(&self, at: usize, problem: CompileProblem) -> Result<T, CompileError> {
        Err(CompileError { at: Place::of(self.text, at), problem })
    }

    pub(super) fn deeper<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, CompileError>,
    ) -> Result<T, CompileError> {
        if self.depth >= MAX_DEPTH {
            let problem = CompileProblem::TooLarge { what: "levels of nesting", max: MAX_DEPTH };
            return self.fail(self.at(), problem);
        }
        self.depth += 1;
        let parsed = inner(self)?;
        self.depth -= 1;
        Ok(parsed)
    }

    /// Everything that binds at least as strongly as `rank`.
    pub(super) fn expression(&mut self, rank: u8) -> Result<OperationId, CompileError> {
        self.deeper(|parser| parser.operators(rank))
    }

    fn operators(&mut self, rank: u8) -> Result<OperationId, CompileError> {
        let mut left = self.polarity()?;
        let mut open: Vec<Link> = Vec::new();
        loop {
            let at = self.at();
            if let TokenKind::Word(word @ ("is" | "as")) = *self.peek()
                && TYPE_RANK >= rank
            {
                left = self.close(left, &mut open)?;
                self.skip();
                let of = self.type_specifier()?;
                let kind = if word == "is" { StepKind::Is(of) } else { StepKind::As(of) };
                let step = Step { kind, at: narrow(at) };
                let steps = append(&mut self.program.steps, [step]);
                left = self.push(Operation::Path { head: Head::Operation(left), steps })?;
                continue;
            }
            let operator = match self.peek() {
                TokenKind::Symbol(symbol) => Operator::of_symbol(symbol),
                TokenKind::Word(word) => Operator::of_word(word),
                _ => None,
            };
            let Some(operator) = operator.filter(|operator| operator.rank() >= rank) else {
                return self.close(left, &mut open);
            };
            if open.last().is_some_and(|link| link.operator.rank() != operator.rank()) {
                left = self.close(left, &mut open)?;
            }
            self.skip();
            let right = self.expression(operator.rank() + 1)?;
            open.push(Link { operator, right, at: narrow(at) });
        }
    }

    fn close(
        &mut self,
        first: OperationId,
        open: &mut Vec<Link>,
    ) -> Result<OperationId, CompileError> {
        if open.is_empty() {
            return Ok(first);
        }
        let links = append(&mut self.program.links, open.drain(..));
        self.push(Operation::Chain { first, links })
    }

    /// Adds an operation; those in it were added before.
    pub(super) fn push(&mut self, operation: Operation) -> Result<OperationId, CompileError> {
        let level = |id: &OperationId| self.levels.get(id.index()).copied().unwrap_or_default();
        let inner = match &operation {
            Operation::Empty | Operation::Literal(_) | Operation::Variable(_) => 0,
            Operation::Negate { of, .. } | Operation::Affirm { of, .. } => level(of),
            Operation::Path { head, steps } => {
                let head = match head {
                    Head::Operation(of) => level(of),
                    Head::This | Head::Index | Head::Total => 0,
                };
                let of_step = |step: &Step| match &step.kind {
                    StepKind::Index(of) => level(of),
                    StepKind::Call { arguments, .. } => {
                        let arguments = self.program.arguments(arguments).iter();
                        arguments.map(level).max().unwrap_or_default()
                    }
                    _ => 0,
                };
                self.program.steps(steps).iter().map(of_step).fold(head, usize::max)
            }
            Operation::Chain { first, links } => {
                let links = self.program.links(links).iter().map(|link| level(&link.right));
                links.fold(level(first), usize::max)
            }
        };
        if inner >= MAX_OPERATION_DEPTH {
            let (what, max) = ("levels of nesting", MAX_OPERATION_DEPTH);
            return self.fail(self.at(), CompileProblem::TooLarge { what, max });
        }
        self.levels.push(inner + 1);
        Ok(self.program.push(operation))
    }

    /// `-` and `+` before a path; they bind weaker than what is invoked on it.
    fn polarity(&mut self) -> Result<OperationId, CompileError> {
        let at = narrow(self.at());
        let is_negative = self.is_symbol("-");
        if !is_negative && !self.is_symbol("+") {
            return self.path();
        }
        self.skip();
        if is_negative && self.is_lowest_integer() {
            self.skip();
            return self.push(Operation::Literal(Literal::Integer(i32::MIN)));
        }
        let of = self.deeper(Self::polarity)?;
        let operation =
            if is_negative { Operation::Negate { of, at } } else { Operation::Affirm { of, at } };
        self.push(operation)
    }

    /// `2147483648` alone: only with its sign it is an Integer.
    fn is_lowest_integer(&self) -> bool {
        *self.peek() == TokenKind::Number("2147483648")
            && !matches!(self.peek_second(), TokenKind::Symbol("." | "["))
    }

    fn path(&mut self) -> Result<OperationId, CompileError> {
        let mut steps = Vec::new();
        let head = self.term(&mut steps)?;
        loop {
            let at = narrow(self.at());
            if self.eat(".") {
                let step = self.invocation(false)?;
                if is_count(&step) && steps.last().is_some_and(are_children) {
                    steps.pop();
                    steps.push(Step { kind: StepKind::CountChildren, ..step });
                } else {
                    steps.push(step);
                }
            } else if self.eat("[") {
                let index = self.expression(0)?;
                self.expect("]")?;
                steps.push(Step { kind: StepKind::Index(index), at });
            } else {
                break;
            }
        }
        match head {
            Head::Operation(operation) if steps.is_empty() => Ok(operation),
            _ => {
                let steps = append(&mut self.program.steps, steps);
                self.push(Operation::Path { head, steps })
            }
        }
    }

    fn term(&mut self, steps: &mut Vec<Step>) -> Result<Head, CompileError> {
        match self.peek().clone() {
            TokenKind::Symbol("(") => {
                self.skip();
                let inner = self.expression(0)?;
                self.expect(")")?;
                Ok(Head::Operation(inner))
            }
            TokenKind::Symbol("{") => {
                self.skip();
                self.expect("}")?;
                Ok(Head::Operation(self.push(Operation::Empty)?))
            }
            TokenKind::Dollar(name) => {
                self.skip();
                Ok(match name {
                    "index" => Head::Index,
                    "total" => Head::Total,
                    _ => Head::This,
                })
            }
            TokenKind::Word("true" | "false")
            | TokenKind::String(_)
            | TokenKind::Number(_)
            | TokenKind::Temporal(_)
            | TokenKind::Variable(_) => Ok(Head::Operation(term::literal(self)?)),
            TokenKind::Word(word) if !is_keyword(word) => {
                let step = self.invocation(true)?;
                steps.push(step);
                Ok(Head::This)
            }
            TokenKind::Delimited(_) => {
                let step = self.invocation(true)?;
                steps.push(step);
                Ok(Head::This)
            }
            _ => self.unexpected("an expression"),
        }
    }

    /// A name or a function. At the head of a path a name may be a type.
    fn invocation(&mut self, is_head: bool) -> Result<Step, CompileError> {
        let at = self.at();
        let name = match self.peek().clone() {
            TokenKind::Word(word) => word.to_owned(),
            TokenKind::Delimited(name) => name,
            TokenKind::Dollar("this") => {
                return self.unexpected("a name or a function after the dot, $this stands first");
            }
            _ => return self.unexpected("a name or a function"),
        };
        self.skip();
        if self.is_symbol("(") {
            let kind = self.call(&name, at)?;
            return Ok(Step { kind, at: narrow(at) });
        }
        let starts_as_type = name.starts_with(|letter: char| letter.is_ascii_uppercase());
        let of = self.model.structure(&name).filter(|_| is_head && starts_as_type);
        let kind = match of {
            Some(of) => StepKind::Itself(of),
            None => StepKind::Child(Name::of(&name), self.named(name)),
        };
        Ok(Step { kind, at: narrow(at) })
    }

    fn named(&mut self, name: String) -> u32 {
        let known = self.program.names.iter().position(|known| **known == *name);
        let index = known.unwrap_or(self.program.names.len());
        if known.is_none() {
            self.program.names.push(name.into());
        }
        narrow(index)
    }

    fn call(&mut self, name: &str, at: usize) -> Result<StepKind, CompileError> {
        if OF_TYPES.contains(&name) {
            self.expect("(")?;
            let of = self.type_specifier()?;
            self.expect(")")?;
            return Ok(match name {
                "is" => StepKind::Is(of),
                "as" => StepKind::As(of),
                _ => StepKind::OfType(of),
            });
        }
        let function = Function::named(name).or_else(|problem| self.fail(at, problem))?;
        self.expect("(")?;
        let mut arguments = Vec::new();
        if !self.is_symbol(")") {
            arguments.push(self.expression(0)?);
            while self.eat(",") {
                arguments.push(self.expression(0)?);
            }
        }
        self.expect(")")?;
        function.check_count(arguments.len()).or_else(|problem| self.fail(at, problem))?;
        term::call(self, function, arguments, at)
    }

    /// `Patient`, `FHIR.Patient`, `System.String`, also with backticks.
    fn type_specifier(&mut self) -> Result<TypeSpecifier, CompileError> {
        let at = self.at();
        let mut name = self.type_name()?;
        let mut namespace = None;
        if self.is_symbol(".") && matches!(name.as_str(), "FHIR" | "System") {
            self.skip();
            namespace = Some(name);
            name = self.type_name()?;
        }
        let fhir = self.model.structure(&name);
        let system = SystemType::named(&name);
        match (namespace.as_deref(), fhir, system) {
            (Some("System"), _, Some(system)) => Ok(TypeSpecifier::System(system)),
            (Some("System"), _, None) => Ok(TypeSpecifier::Nothing),
            (None, Some(fhir), Some(system)) => Ok(TypeSpecifier::Either(fhir, system)),
            (_, Some(fhir), _) => Ok(TypeSpecifier::Fhir(fhir)),
            (None, None, Some(system)) => Ok(TypeSpecifier::System(system)),
            _ => {
                let nearest = nearest(&name, self.model.structure_names());
                self.fail(at, CompileProblem::UnknownType { name, nearest })
            }
        }
    }

    fn type_name(&mut self) -> Result<String, CompileError> {
        let name = match self.peek().clone() {
            TokenKind::Word(word) => word.to_owned(),
            TokenKind::Delimited(name) => name,
            _ => return self.unexpected("the name of a type"),
        };
        self.skip();
        Ok(name)
    }
}

fn is_count(step: &Step) -> bool {
    matches!(step.kind, StepKind::Call { function: Function::Items(Items::Count), .. })
}

fn are_children(step: &Step) -> bool {
    matches!(step.kind, StepKind::Call { function: Function::Elements(Elements::Children), .. })
}

/// Words that can't be names at the head of a path; `as`, `is`, `in` and `contains` can.
fn is_keyword(word: &str) -> bool {
    matches!(word, "and" | "or" | "xor" | "implies" | "div" | "mod" | "true" | "false")
}
