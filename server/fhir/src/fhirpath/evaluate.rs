//! Runs a program on a context.
//!
//! Where only a truth value is asked for, as in `where` and in an invariant, no collection is
//! made for it: see [`Evaluation::boolean`].

use smallvec::SmallVec;

use super::{
    budget::Budget,
    context::Context,
    equality::{contains, equal_collections, equivalent_collections},
    error::{EvaluationError, Fault},
    function::{Function, Items, Lambda},
    item::{Collection, Item},
    model::Model,
    navigate, operator,
    program::{
        Head, Link, Operation, OperationId, Operator, Program, Step, StepKind, Variable, widen,
    },
    types,
};

/// Boxed: a failure is rare, and results are passed on often.
pub(super) type Failure = Box<EvaluationError>;

/// `'c` is what the context borrows, `'a` that and the program: what results borrow.
pub(super) struct Evaluation<'c, 'a> {
    pub program: &'a Program,
    pub context: Context<'c>,
    pub model: &'static Model,
    pub budget: Budget,
}

/// `$this`, `$index` and `$total`.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s, 'a> {
    pub this: Option<&'s Item<'a>>,
    pub index: Option<usize>,
    pub total: Option<&'s Collection<'a>>,
}

impl<'c: 'a, 'a> Evaluation<'c, 'a> {
    pub fn new(program: &'a Program, context: &Context<'c>) -> Self {
        let (model, budget) = (Model::r4(), Budget::new(context.limits));
        Self { program, context: *context, model, budget }
    }

    pub fn root(&self) -> Result<Collection<'a>, Failure> {
        let focus = Item::Node(self.context.focus);
        self.evaluate(self.program.root, Scope { this: Some(&focus), index: None, total: None })
    }

    pub fn root_boolean(&self) -> Result<Option<bool>, Failure> {
        let focus = Item::Node(self.context.focus);
        self.boolean(self.program.root, Scope { this: Some(&focus), index: None, total: None })
    }

    pub fn fail(&self, at: u32) -> impl Fn(Fault) -> Failure + '_ {
        move |fault| Box::new(EvaluationError { at: self.program.place(at), fault })
    }

    pub fn evaluate(
        &self,
        id: OperationId,
        scope: Scope<'_, 'a>,
    ) -> Result<Collection<'a>, Failure> {
        match self.program.operation(id) {
            Operation::Empty => Ok(Collection::default()),
            Operation::Literal(literal) => Ok(Collection::of(Item::of_literal(literal))),
            Operation::Variable(variable) => self.variable(variable),
            Operation::Negate { of, at } => {
                operator::negate(&self.evaluate(*of, scope)?).map_err(self.fail(*at))
            }
            Operation::Affirm { of, at } => {
                let number = self.evaluate(*of, scope)?;
                operator::negate(&number).map_err(self.fail(*at))?;
                Ok(number)
            }
            Operation::Path { head, steps } => {
                self.path(*head, self.program.steps(steps), scope)
            }
            Operation::Chain { first, links } => {
                self.chain(*first, self.program.links(links), scope)
            }
        }
    }

    /// The truth of an operation: `None` if it is empty.
    pub fn boolean(
        &self,
        id: OperationId,
        scope: Scope<'_, 'a>,
    ) -> Result<Option<bool>, Failure> {
        match self.program.operation(id) {
            Operation::Chain { first, links } => {
                let links = self.program.links(links);
                match links {
                    [link] if !link.operator.is_logical() => {
                        let left = self.evaluate(*first, scope)?;
                        let right = self.evaluate(link.right, scope)?;
                        match self.comparison(link, &left, &right)? {
                            Some(answer) => Ok(answer),
                            None => self.truth(id, &self.arithmetic(link, left, right)?),
                        }
                    }
                    [link, ..] if link.operator.is_logical() => self.logic(*first, links, scope),
                    _ => self.truth(id, &self.evaluate(id, scope)?),
                }
            }
            Operation::Path { head, steps } => {
                if let Some((last, before)) = self.program.steps(steps).split_last()
                    && let StepKind::Call { function, arguments } = &last.kind
                    && arguments.is_empty()
                {
                    let answer: fn(bool) -> bool = match function {
                        Function::Lambda(Lambda::Exists) => |is_empty| !is_empty,
                        Function::Items(Items::Empty) => |is_empty| is_empty,
                        Function::Items(Items::Not) => {
                            let inner = self.path(*head, before, scope)?;
                            let truth = inner.boolean().map_err(self.fail(last.at))?;
                            return Ok(truth.map(|truth| !truth));
                        }
                        _ => return self.truth(id, &self.evaluate(id, scope)?),
                    };
                    return Ok(Some(answer(self.path(*head, before, scope)?.is_empty())));
                }
                self.truth(id, &self.evaluate(id, scope)?)
            }
            _ => self.truth(id, &self.evaluate(id, scope)?),
        }
    }

    fn truth(&self, id: OperationId, of: &Collection<'a>) -> Result<Option<bool>, Failure> {
        of.boolean().map_err(|fault| self.fail(self.program.start(id))(fault))
    }

    /// `and`, `or`, `xor`, `implies` in three values (N1, 6.5). What can't change the answer any
    /// more isn't evaluated.
    fn logic(
        &self,
        first: OperationId,
        links: &[Link],
        scope: Scope<'_, 'a>,
    ) -> Result<Option<bool>, Failure> {
        let mut left = self.boolean(first, scope)?;
        for link in links {
            let is_decided = match link.operator {
                Operator::And => left == Some(false),
                Operator::Or => left == Some(true),
                Operator::Implies => left == Some(false),
                _ => left.is_none(),
            };
            if is_decided {
                left = if link.operator == Operator::Implies { Some(true) } else { left };
                continue;
            }
            let right = self.boolean(link.right, scope)?;
            left = operator::logic(link.operator, left, right);
        }
        Ok(left)
    }

    fn chain(
        &self,
        first: OperationId,
        links: &[Link],
        scope: Scope<'_, 'a>,
    ) -> Result<Collection<'a>, Failure> {
        if links.first().is_some_and(|link| link.operator.is_logical()) {
            return Ok(Collection::of_boolean(self.logic(first, links, scope)?));
        }
        let mut left = self.evaluate(first, scope)?;
        if links.first().is_some_and(|link| link.operator == Operator::Union) {
            return self.union(left, links, scope);
        }
        for link in links {
            let right = self.evaluate(link.right, scope)?;
            left = match self.comparison(link, &left, &right)? {
                Some(answer) => Collection::of_boolean(answer),
                None => self.arithmetic(link, left, right)?,
            };
        }
        Ok(left)
    }

    /// `a | b | c` looks for doubles once, not after each part.
    fn union(
        &self,
        first: Collection<'a>,
        links: &[Link],
        scope: Scope<'_, 'a>,
    ) -> Result<Collection<'a>, Failure> {
        let at = links.first().map_or(0, |link| link.at);
        let mut items = super::equality::DistinctItems::new();
        for item in first {
            items.add(item, &self.budget).map_err(self.fail(at))?;
        }
        for link in links {
            for item in self.evaluate(link.right, scope)? {
                items.add(item, &self.budget).map_err(self.fail(link.at))?;
            }
        }
        Ok(items.into_collection())
    }

    /// The operators whose result is a Boolean; `None` for the others.
    fn comparison(
        &self,
        link: &Link,
        left: &Collection<'a>,
        right: &Collection<'a>,
    ) -> Result<Option<Option<bool>>, Failure> {
        let not = |answer: Option<bool>| answer.map(|answer| !answer);
        let budget = &self.budget;
        let answer = match link.operator {
            Operator::Equal => equal_collections(left, right, budget),
            Operator::NotEqual => equal_collections(left, right, budget).map(not),
            Operator::Equivalent => equivalent_collections(left, right, budget).map(Some),
            Operator::NotEquivalent => {
                equivalent_collections(left, right, budget).map(|same| Some(!same))
            }
            Operator::In => membership(left, right, budget),
            Operator::Contains => membership(right, left, budget),
            Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual => operator::inequality(link.operator, left, right),
            _ => return Ok(None),
        };
        answer.map(Some).map_err(self.fail(link.at))
    }

    fn arithmetic(
        &self,
        link: &Link,
        left: Collection<'a>,
        right: Collection<'a>,
    ) -> Result<Collection<'a>, Failure> {
        if link.operator == Operator::Union {
            let items = left.into_iter().chain(right);
            return super::equality::distinct(items, &self.budget).map_err(self.fail(link.at));
        }
        operator::arithmetic(link.operator, &left, &right, &self.budget)
            .map_err(self.fail(link.at))
    }

    pub fn path(
        &self,
        head: Head,
        steps: &'a [Step],
        scope: Scope<'_, 'a>,
    ) -> Result<Collection<'a>, Failure> {
        let mut rest = steps;
        let mut current = match head {
            Head::This => match steps {
                // The commonest beginning, without copying the item.
                [Step { kind: StepKind::Child(name, text), at }, after @ ..] => {
                    rest = after;
                    let mut found = Collection::default();
                    if let Some(item) = scope.this {
                        self.spend(1, *at)?;
                        let child = navigate::Child { name: *name, text: *text };
                        navigate::child(self, item, child, &mut found).map_err(self.fail(*at))?;
                    }
                    found
                }
                _ => scope.this.cloned().into_iter().collect(),
            },
            Head::Index => match scope.index {
                Some(index) => Collection::of_count(index),
                None => Collection::default(),
            },
            Head::Total => scope.total.cloned().unwrap_or_default(),
            Head::Operation(operation) => self.evaluate(operation, scope)?,
        };
        for step in rest {
            current = self.step(step, current, scope)?;
        }
        Ok(current)
    }

    pub fn spend(&self, steps: usize, at: u32) -> Result<(), Failure> {
        self.budget.spend(steps).map_err(self.fail(at))
    }

    fn step(
        &self,
        step: &'a Step,
        input: Collection<'a>,
        scope: Scope<'_, 'a>,
    ) -> Result<Collection<'a>, Failure> {
        let at = step.at;
        self.spend(1 + input.len(), at)?;
        match &step.kind {
            StepKind::Child(name, text) => {
                let mut found = Collection::default();
                let child = navigate::Child { name: *name, text: *text };
                for item in input.items() {
                    navigate::child(self, item, child, &mut found).map_err(self.fail(at))?;
                }
                Ok(found)
            }
            StepKind::Itself(of) => {
                let mut items = input;
                items.0.retain(|item| types::is_fhir(self.model, item, *of));
                Ok(items)
            }
            StepKind::Index(index) => {
                let index = self.evaluate(*index, scope)?;
                let index = operator::integer(&index).map_err(self.fail(at))?;
                let place = index.and_then(|index| usize::try_from(index).ok());
                Ok(place.and_then(|place| input.into_iter().nth(place)).into_iter().collect())
            }
            StepKind::Is(of) => types::is(self.model, &input, *of).map_err(self.fail(at)),
            StepKind::As(of) | StepKind::OfType(of) => {
                types::of_type(self.model, input, *of).map_err(self.fail(at))
            }
            StepKind::Matches(pattern) => {
                let pattern = self.program.patterns.get(widen(*pattern));
                super::text::matches(&input, pattern).map_err(self.fail(at))
            }
            StepKind::Call { function, arguments } => {
                let arguments = self.program.arguments(arguments);
                self.call(*function, arguments, input, scope, at)
            }
        }
    }

    fn variable(&self, variable: &Variable) -> Result<Collection<'a>, Failure> {
        let node = match variable {
            Variable::Context => self.context.focus,
            Variable::Resource => self.context.resource,
            Variable::RootResource => self.context.root_resource,
            Variable::Named { name, at } => {
                let known = self.context.variables.iter().find(|(known, _)| *known == &**name);
                return match known {
                    Some((_, value)) => Ok(value.items().iter().cloned().collect()),
                    None => {
                        let name = name.to_string();
                        Err(self.fail(*at)(Fault::UnknownVariable { name }))
                    }
                };
            }
        };
        Ok(Collection::of(Item::Node(node)))
    }

    /// The values of arguments that aren't evaluated for each item.
    pub fn arguments(
        &self,
        arguments: &[OperationId],
        scope: Scope<'_, 'a>,
    ) -> Result<SmallVec<[Collection<'a>; 2]>, Failure> {
        arguments.iter().map(|argument| self.evaluate(*argument, scope)).collect()
    }
}

/// `in`, and `contains` the other way round.
fn membership(
    item: &Collection<'_>,
    items: &Collection<'_>,
    budget: &Budget,
) -> Result<Option<bool>, Fault> {
    match item.single()? {
        Some(item) => contains(items, item, budget).map(Some),
        None => Ok(None),
    }
}
