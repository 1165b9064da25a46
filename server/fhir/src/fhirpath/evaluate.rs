//! Runs a program on a context.
//!
//! Where only a truth value is asked for, as in `where` and in an invariant, no collection is
//! made for it: see [`Evaluation::boolean`].

use std::cell::OnceCell;

use smallvec::SmallVec;

use super::{
    budget::Budget,
    context::Context,
    equality::{contains, equal_collections, equivalent_collections},
    error::{EvaluationError, Fault},
    function::{Elements, Function, Items},
    item::{Collection, Item},
    model::Model,
    navigate::{self, Reach},
    operator,
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
    /// Of `%resource`, once they are asked for.
    descendants: OnceCell<Collection<'a>>,
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
        Self { program, context: *context, model, budget, descendants: OnceCell::new() }
    }

    pub fn root(&self) -> Result<Collection<'a>, Failure> {
        let focus = Item::Node(self.context.focus);
        self.evaluate(self.program.root, Scope { this: Some(&focus), index: None, total: None })
    }

    pub fn root_boolean(&self) -> Result<Option<bool>, Failure> {
        let focus = Item::Node(self.context.focus);
        self.boolean(self.program.root, Scope { this: Some(&focus), index: None, total: None })
    }

    /// Adds what this one took to what its caller counts.
    pub fn count_steps(&self) {
        if let Some(steps) = self.context.steps {
            steps.set(steps.get().saturating_add(self.budget.spent()));
        }
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
                self.path(*head, self.program.steps(steps), Reach::All, scope)
            }
            Operation::Chain { first, links } => {
                self.chain(*first, self.program.links(links), scope)
            }
        }
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

    /// `x in (a | b)` looks into `a` and `b`; whether they have doubles doesn't matter.
    pub fn membership(
        &self,
        item: &Collection<'a>,
        link: &Link,
        scope: Scope<'_, 'a>,
    ) -> Result<Option<bool>, Failure> {
        let fail = self.fail(link.at);
        let Some(item) = item.single().map_err(&fail)? else { return Ok(None) };
        let is_in = |part: OperationId| {
            let part = self.evaluate(part, scope)?;
            contains(&part, item, &self.budget).map_err(&fail)
        };
        if let Operation::Chain { first, links } = self.program.operation(link.right)
            && let links = self.program.links(links)
            && links.first().is_some_and(|link| link.operator == Operator::Union)
        {
            let mut found = is_in(*first)?;
            for link in links {
                found = found || is_in(link.right)?;
            }
            return Ok(Some(found));
        }
        is_in(link.right).map(Some)
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
    pub fn comparison(
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
            Operator::In => member(left, right, budget),
            Operator::Contains => member(right, left, budget),
            Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual => operator::inequality(link.operator, left, right),
            _ => return Ok(None),
        };
        answer.map(Some).map_err(self.fail(link.at))
    }

    pub fn arithmetic(
        &self,
        link: &Link,
        left: Collection<'a>,
        right: Collection<'a>,
    ) -> Result<Collection<'a>, Failure> {
        if link.operator == Operator::Union {
            let items = left.into_iter().chain(right);
            return super::equality::distinct(items, &self.budget).map_err(self.fail(link.at));
        }
        operator::arithmetic(link.operator, &left, &right, &self.budget).map_err(self.fail(link.at))
    }

    /// `reach` is of the last step; what comes before one that takes the first item only reaches no
    /// further either.
    pub fn path(
        &self,
        head: Head,
        steps: &'a [Step],
        reach: Reach,
        scope: Scope<'_, 'a>,
    ) -> Result<Collection<'a>, Failure> {
        let mut rest = steps;
        let mut current = match head {
            Head::This => match steps {
                // The commonest beginning, without copying the item.
                [Step { kind: StepKind::Child(name, text), at }, after @ ..] => {
                    rest = after;
                    let child = navigate::Child { name: *name, text: *text };
                    let items = scope.this.map(std::slice::from_ref).unwrap_or_default();
                    self.children(items, child, reach_before(after, reach), *at)?
                }
                _ => scope.this.cloned().into_iter().collect(),
            },
            Head::Index => match scope.index {
                Some(index) => Collection::of_count(index),
                None => Collection::default(),
            },
            Head::Total => scope.total.cloned().unwrap_or_default(),
            Head::Operation(operation) => match self.in_descendants(operation, steps, reach)? {
                Some((found, after)) => {
                    rest = after;
                    found
                }
                None => self.evaluate(operation, scope)?,
            },
        };
        while let Some((step, after)) = rest.split_first() {
            current = match &step.kind {
                StepKind::Child(name, text) => {
                    let child = navigate::Child { name: *name, text: *text };
                    let reach = reach_before(after, reach);
                    self.children(current.items(), child, reach, step.at)?
                }
                _ => self.step(step, current, scope)?,
            };
            rest = after;
        }
        Ok(current)
    }

    /// `%resource.descendants()` with the step behind it. `dom-3` asks for it again and again, for
    /// each contained resource; it is always the same.
    fn in_descendants(
        &self,
        head: OperationId,
        steps: &'a [Step],
        reach: Reach,
    ) -> Result<Option<(Collection<'a>, &'a [Step])>, Failure> {
        const DESCENDANTS: Function = Function::Elements(Elements::Descendants);
        let Operation::Variable(Variable::Resource) = self.program.operation(head) else {
            return Ok(None);
        };
        let [Step { kind: StepKind::Call { function: DESCENDANTS, .. }, at }, next, rest @ ..] =
            steps
        else {
            return Ok(None);
        };
        let all = match self.descendants.get() {
            Some(all) => all,
            None => {
                let resource = Collection::of(Item::Node(self.context.resource));
                let all = navigate::descendants(self, &resource).map_err(self.fail(*at))?;
                self.descendants.get_or_init(|| all)
            }
        };
        self.spend(all.len(), *at)?;
        let found = match &next.kind {
            StepKind::Child(name, text) => {
                let child = navigate::Child { name: *name, text: *text };
                self.children(all.items(), child, reach_before(rest, reach), next.at)?
            }
            StepKind::As(of) | StepKind::OfType(of) => {
                types::of_type(self.model, all.items(), *of).map_err(self.fail(next.at))?
            }
            _ => return Ok(None),
        };
        Ok(Some((found, rest)))
    }

    fn children(
        &self,
        items: &[Item<'a>],
        child: navigate::Child,
        reach: Reach,
        at: u32,
    ) -> Result<Collection<'a>, Failure> {
        let mut found = Collection::default();
        self.spend(1 + items.len(), at)?;
        for item in items {
            navigate::child(self, item, child, reach, &mut found).map_err(self.fail(at))?;
            if reach == Reach::First && !found.is_empty() {
                break;
            }
        }
        Ok(found)
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
                let child = navigate::Child { name: *name, text: *text };
                self.children(input.items(), child, Reach::All, at)
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
                types::of_type(self.model, input.items(), *of).map_err(self.fail(at))
            }
            StepKind::CountChildren => {
                let count = navigate::count_children(self, input.items());
                count.map(Collection::of_count).map_err(self.fail(at))
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
                    Some((_, value)) => Ok(value.iter().cloned().collect()),
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

/// How far the step before these has to reach.
fn reach_before(after: &[Step], last: Reach) -> Reach {
    match after.first().map(|step| &step.kind) {
        None => last,
        Some(StepKind::Call { function: Function::Items(Items::First), .. }) => Reach::First,
        Some(_) => Reach::All,
    }
}

/// `in`, and `contains` the other way round.
fn member(
    item: &Collection<'_>,
    items: &Collection<'_>,
    budget: &Budget,
) -> Result<Option<bool>, Fault> {
    match item.single()? {
        Some(item) => contains(items, item, budget).map(Some),
        None => Ok(None),
    }
}
