//! Looks for what can't be meant, before any resource is there: names that R4 doesn't have, and
//! functions on what is never of their type.
//!
//! Types are followed through the expression as far as they are known; where they aren't
//! (`children()`, `resolve()`, a contained resource) nothing is said.

use super::{
    error::{CompileError, CompileProblem},
    function::{Conversion, Elements, Exactness, Function, Items, Lambda, Surroundings, Text},
    model::{Model, TypeId},
    program::{
        Head, Literal, Operation, OperationId, Operator, Program, Step, StepKind, SystemType,
        TypeSpecifier, Variable,
    },
    temporal::TemporalKind,
};
use crate::{definitions::PrimitiveKind, names::Name};

const NOT_IN_ORDER: &str = "these items have no order, so none of them is the first";
const NO_STRING: &str = "a function of strings on what is never a string";
const NO_BOOLEAN: &str = "the criterion of iif() is never a Boolean";
const OTHER_TYPE: &str = "the path starts with a type that its context never has";

/// Of which types the items of a collection may be.
#[derive(Clone)]
struct Kinds {
    /// `None` if that isn't known.
    of: Option<Vec<Kind>>,
    is_ordered: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Fhir(TypeId),
    System(SystemType),
    TypeInfo,
}

impl Kinds {
    const UNKNOWN: Self = Self { of: None, is_ordered: true };

    fn system(of: SystemType) -> Self {
        Self { of: Some(vec![Kind::System(of)]), is_ordered: true }
    }

    fn boolean() -> Self {
        Self::system(SystemType::Boolean)
    }

    fn and(self, other: Self) -> Self {
        let of = self.of.zip(other.of).map(|(mut left, right)| {
            for kind in right {
                if !left.contains(&kind) {
                    left.push(kind);
                }
            }
            left
        });
        Self { of, is_ordered: self.is_ordered && other.is_ordered }
    }

    /// Whether it is known that no item is like this; an empty collection has none at all.
    fn are_never(&self, is_such: impl Fn(Kind) -> bool) -> bool {
        self.of.as_ref().is_some_and(|of| !of.is_empty() && !of.iter().any(|kind| is_such(*kind)))
    }
}

pub(super) fn check(program: &Program, type_path: &str) -> Result<(), CompileError> {
    let model = Model::r4();
    let checker = Checker { program, model, context: Kinds::UNKNOWN };
    let Some(of) = model.at(type_path) else {
        let name = type_path.to_owned();
        return Err(checker.fail(0, CompileProblem::UnknownType { name, nearest: None }));
    };
    let context = Kinds { of: Some(vec![Kind::Fhir(of)]), is_ordered: true };
    let checker = Checker { context: context.clone(), ..checker };
    checker.operation(program.root, &context).map(|_| ())
}

struct Checker<'p> {
    program: &'p Program,
    model: &'static Model,
    context: Kinds,
}

type Checked = Result<Kinds, CompileError>;

impl Checker<'_> {
    fn fail(&self, at: u32, problem: CompileProblem) -> CompileError {
        CompileError { at: self.program.place(at), problem }
    }

    fn operation(&self, id: OperationId, this: &Kinds) -> Checked {
        match self.program.operation(id) {
            Operation::Empty => Ok(Kinds { of: Some(Vec::new()), is_ordered: true }),
            Operation::Literal(literal) => Ok(Kinds::system(literal_type(literal))),
            Operation::Variable(Variable::Context) => Ok(self.context.clone()),
            Operation::Variable(_) => Ok(Kinds::UNKNOWN),
            Operation::Negate { of, .. } | Operation::Affirm { of, .. } => {
                self.operation(*of, this)
            }
            Operation::Path { head, steps } => {
                let mut kinds = match head {
                    Head::This => this.clone(),
                    Head::Index => Kinds::system(SystemType::Integer),
                    Head::Total => Kinds::UNKNOWN,
                    Head::Operation(operation) => self.operation(*operation, this)?,
                };
                for step in self.program.steps(steps) {
                    kinds = self.step(step, kinds, this)?;
                }
                Ok(kinds)
            }
            Operation::Chain { first, links } => {
                let mut kinds = self.operation(*first, this)?;
                for link in self.program.links(links) {
                    let right = self.operation(link.right, this)?;
                    kinds = match link.operator {
                        Operator::Union => kinds.and(right),
                        Operator::Concatenate => Kinds::system(SystemType::String),
                        operator if operator.is_arithmetic() => Kinds::UNKNOWN,
                        _ => Kinds::boolean(),
                    };
                }
                Ok(kinds)
            }
        }
    }

    fn step(&self, step: &Step, input: Kinds, this: &Kinds) -> Checked {
        match &step.kind {
            StepKind::Child(name, text) => self.child(*name, *text, step.at, input),
            StepKind::Itself(of) => {
                let never = |kind: Kind| match kind {
                    Kind::Fhir(own) => self.model.is_a(own, *of) || self.model.is_a(*of, own),
                    _ => false,
                };
                if input.are_never(never) {
                    let problem = CompileProblem::Meaningless { why: OTHER_TYPE };
                    return Err(self.fail(step.at, problem));
                }
                Ok(self.narrowed(input, TypeSpecifier::Fhir(*of)))
            }
            StepKind::Index(index) => {
                self.operation(*index, this)?;
                self.in_order(input, step.at)
            }
            StepKind::Is(_) => Ok(Kinds::boolean()),
            StepKind::As(of) | StepKind::OfType(of) => Ok(self.narrowed(input, *of)),
            StepKind::CountChildren => Ok(Kinds::system(SystemType::Integer)),
            StepKind::Matches(_) => {
                self.text(&input, step.at)?;
                Ok(Kinds::boolean())
            }
            StepKind::Call { function, arguments } => {
                let arguments = self.program.arguments(arguments);
                self.call(*function, arguments, input, this, step.at)
            }
        }
    }

    fn child(&self, name: Name, text: u32, at: u32, input: Kinds) -> Checked {
        let Some(of) = &input.of else { return Ok(input) };
        let text = self.program.name(text);
        let (mut found, mut is_known) = (Vec::new(), false);
        for kind in of {
            match kind {
                // What it really is stands in its `resourceType`.
                Kind::Fhir(of) if self.model.is_abstract_resource(*of) => {
                    return Ok(Kinds { of: None, ..input });
                }
                Kind::Fhir(of) => {
                    if let Some(child) = self.model.shape(*of).and_then(|of| of.child(name)) {
                        is_known = true;
                        found.extend(child.variants.iter().map(|of| Kind::Fhir(of.of)));
                    }
                }
                Kind::TypeInfo => {
                    is_known |= matches!(text, "namespace" | "name" | "baseType");
                    found.push(Kind::System(SystemType::String));
                }
                Kind::System(_) => {}
            }
        }
        if is_known || of.is_empty() {
            return Ok(Kinds { of: Some(found), ..input });
        }
        let on: Vec<&str> = of.iter().map(|kind| self.name(*kind)).collect();
        let problem = CompileProblem::UnknownElement { name: text.to_owned(), on: on.join(" | ") };
        Err(self.fail(at, problem))
    }

    fn name(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::Fhir(of) => self.model.path(of),
            Kind::System(of) => of.name(),
            Kind::TypeInfo => "TypeInfo",
        }
    }

    fn narrowed(&self, input: Kinds, to: TypeSpecifier) -> Kinds {
        let (fhir, system) = match to {
            TypeSpecifier::Fhir(fhir) => (Some(fhir), None),
            TypeSpecifier::System(system) => (None, Some(system)),
            TypeSpecifier::Either(fhir, system) => (Some(fhir), Some(system)),
            TypeSpecifier::Nothing => (None, None),
        };
        let Some(known) = &input.of else {
            let mut of: Vec<Kind> = fhir.map(Kind::Fhir).into_iter().collect();
            of.extend(system.map(Kind::System));
            return Kinds { of: Some(of), ..input };
        };
        let narrow = |kind: &Kind| match (kind, fhir) {
            (Kind::Fhir(own), Some(to)) if self.model.is_a(*own, to) => Some(*kind),
            (Kind::Fhir(own), Some(to)) if self.model.is_a(to, *own) => Some(Kind::Fhir(to)),
            // A primitive may be taken as its value.
            (Kind::Fhir(_), None) => system.map(Kind::System),
            (Kind::System(own), _) => system.filter(|to| to == own).map(Kind::System),
            _ => None,
        };
        Kinds { of: Some(known.iter().filter_map(narrow).collect()), ..input }
    }

    fn in_order(&self, input: Kinds, at: u32) -> Checked {
        if input.is_ordered {
            return Ok(input);
        }
        Err(self.fail(at, CompileProblem::Meaningless { why: NOT_IN_ORDER }))
    }

    fn text(&self, input: &Kinds, at: u32) -> Result<(), CompileError> {
        let is_string = |kind: Kind| match kind {
            Kind::System(of) => of == SystemType::String,
            Kind::Fhir(of) => matches!(
                self.model.primitive(of),
                Some(PrimitiveKind::Text | PrimitiveKind::Base64 | PrimitiveKind::Xhtml)
            ),
            Kind::TypeInfo => false,
        };
        if input.are_never(is_string) {
            return Err(self.fail(at, CompileProblem::Meaningless { why: NO_STRING }));
        }
        Ok(())
    }

    fn call(
        &self,
        function: Function,
        arguments: &[OperationId],
        input: Kinds,
        this: &Kinds,
        at: u32,
    ) -> Checked {
        if let Function::Lambda(lambda) = function {
            return self.lambda(lambda, arguments, input, this, at);
        }
        let mut other = None;
        for argument in arguments {
            other = Some(self.operation(*argument, this)?);
        }
        match function {
            Function::Lambda(_) => Ok(input),
            Function::Items(name) => match name {
                Items::First | Items::Last | Items::Tail | Items::Skip | Items::Take => {
                    self.in_order(input, at)
                }
                Items::Single | Items::Distinct | Items::Intersect | Items::Exclude => Ok(input),
                Items::Union | Items::Combine => Ok(input.and(other.unwrap_or(Kinds::UNKNOWN))),
                Items::Count => Ok(Kinds::system(SystemType::Integer)),
                _ => Ok(Kinds::boolean()),
            },
            Function::Elements(name) => Ok(match name {
                Elements::Children | Elements::Descendants => Kinds { of: None, is_ordered: false },
                Elements::Extension => {
                    let of = self.model.structure("Extension").map(Kind::Fhir);
                    Kinds { of: Some(of.into_iter().collect()), ..input }
                }
                Elements::HasValue => Kinds::boolean(),
                Elements::GetValue => Kinds { of: None, ..input },
                Elements::CheckModifiers => input,
                Elements::Type => Kinds { of: Some(vec![Kind::TypeInfo]), ..input },
            }),
            Function::Conversion(name) => Ok(Kinds::system(conversion_type(name))),
            Function::Text(name) => {
                self.text(&input, at)?;
                Ok(Kinds::system(text_type(name)))
            }
            Function::Math(_) => Ok(Kinds::UNKNOWN),
            Function::Exactness(Exactness::Precision) => Ok(Kinds::system(SystemType::Integer)),
            Function::Exactness(Exactness::Comparable) => Ok(Kinds::boolean()),
            Function::Exactness(_) => Ok(Kinds::UNKNOWN),
            Function::Surroundings(name) => Ok(match name {
                Surroundings::Now => Kinds::system(SystemType::DateTime),
                Surroundings::Today => Kinds::system(SystemType::Date),
                Surroundings::TimeOfDay => Kinds::system(SystemType::Time),
                Surroundings::Resolve => Kinds { of: None, ..input },
                _ => Kinds::boolean(),
            }),
        }
    }

    fn lambda(
        &self,
        function: Lambda,
        arguments: &[OperationId],
        input: Kinds,
        this: &Kinds,
        at: u32,
    ) -> Checked {
        let all = |this: &Kinds| -> Result<Option<Kinds>, CompileError> {
            let mut last = None;
            for argument in arguments {
                last = Some(self.operation(*argument, this)?);
            }
            Ok(last)
        };
        match (function, arguments) {
            (Lambda::Exists | Lambda::All, _) => {
                all(&input)?;
                Ok(Kinds::boolean())
            }
            (Lambda::Select, _) => {
                let is_ordered = input.is_ordered;
                let of = all(&input)?.and_then(|kinds| kinds.of);
                Ok(Kinds { of, is_ordered })
            }
            (Lambda::Repeat, [projection, ..]) => {
                let once = self.operation(*projection, &input)?;
                // On what it gives, the name may be missing in one of the types, not in all.
                let again = self.operation(*projection, &once.clone().and(input))?;
                Ok(once.and(again))
            }
            (Lambda::Aggregate, [aggregator, start @ ..]) => {
                self.operation(*aggregator, &input)?;
                for start in start {
                    self.operation(*start, this)?;
                }
                Ok(Kinds::UNKNOWN)
            }
            (Lambda::Iif, [criterion, branches @ ..]) => {
                let is_boolean = |kind: Kind| match kind {
                    Kind::System(of) => of == SystemType::Boolean,
                    Kind::Fhir(of) => self.model.primitive(of) == Some(PrimitiveKind::Boolean),
                    Kind::TypeInfo => false,
                };
                if self.operation(*criterion, &input)?.are_never(is_boolean) {
                    return Err(self.fail(at, CompileProblem::Meaningless { why: NO_BOOLEAN }));
                }
                let mut kinds = Kinds { of: Some(Vec::new()), is_ordered: true };
                for branch in branches {
                    kinds = kinds.and(self.operation(*branch, &input)?);
                }
                Ok(kinds)
            }
            (Lambda::Sort, _) => {
                all(&input)?;
                Ok(Kinds { is_ordered: true, ..input })
            }
            (Lambda::Where | Lambda::Trace, _) => {
                all(&input)?;
                Ok(input)
            }
            _ => Ok(Kinds::UNKNOWN),
        }
    }
}

fn literal_type(literal: &Literal) -> SystemType {
    match literal {
        Literal::Boolean(_) => SystemType::Boolean,
        Literal::Integer(_) => SystemType::Integer,
        Literal::Decimal(_) => SystemType::Decimal,
        Literal::String(_) => SystemType::String,
        Literal::Temporal(of) => match of.kind {
            TemporalKind::Date => SystemType::Date,
            TemporalKind::DateTime => SystemType::DateTime,
            TemporalKind::Time => SystemType::Time,
        },
        Literal::Quantity(_) => SystemType::Quantity,
    }
}

fn conversion_type(name: Conversion) -> SystemType {
    match name {
        Conversion::ToInteger => SystemType::Integer,
        Conversion::ToDecimal => SystemType::Decimal,
        Conversion::ToDate => SystemType::Date,
        Conversion::ToDateTime => SystemType::DateTime,
        Conversion::ToTime => SystemType::Time,
        Conversion::ToQuantity => SystemType::Quantity,
        Conversion::ToString => SystemType::String,
        _ => SystemType::Boolean,
    }
}

fn text_type(name: Text) -> SystemType {
    match name {
        Text::IndexOf | Text::LastIndexOf | Text::Length => SystemType::Integer,
        Text::StartsWith | Text::EndsWith | Text::Contains | Text::Matches | Text::MatchesFull => {
            SystemType::Boolean
        }
        _ => SystemType::String,
    }
}
