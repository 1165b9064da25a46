//! The truth of an expression: where only that is asked for, as in `where` and in an invariant, no
//! collection is made for it.

use std::ops::Range;

use super::{
    call::has_value,
    evaluate::{Evaluation, Failure, Scope},
    function::{Elements, Function, Items, Lambda},
    item::{Collection, Item, Node},
    model::TypeId,
    navigate::{self, Reach},
    operator,
    program::{Head, Link, Operation, OperationId, Operator, Step, StepKind},
};
use crate::tree::Node as Written;

impl<'c: 'a, 'a> Evaluation<'c, 'a> {
    /// The truth of an operation: `None` if it is empty.
    pub fn boolean(&self, id: OperationId, scope: Scope<'_, 'a>) -> Result<Option<bool>, Failure> {
        match self.program.operation(id) {
            Operation::Chain { first, links } => {
                let links = self.program.links(links);
                match links {
                    [link] if !link.operator.is_logical() => {
                        let left = self.evaluate(*first, scope)?;
                        if link.operator == Operator::In {
                            return self.membership(&left, link, scope);
                        }
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
            Operation::Path { head, steps } => match self.asked(*head, steps, scope)? {
                Some(answer) => Ok(answer),
                None => self.truth(id, &self.evaluate(id, scope)?),
            },
            _ => self.truth(id, &self.evaluate(id, scope)?),
        }
    }

    /// The truth of a path that ends with a question; `None` for another path.
    fn asked(
        &self,
        head: Head,
        steps: &Range<u32>,
        scope: Scope<'_, 'a>,
    ) -> Result<Option<Option<bool>>, Failure> {
        let Some((last, before)) = self.program.steps(steps).split_last() else { return Ok(None) };
        let StepKind::Call { function, arguments } = &last.kind else { return Ok(None) };
        if !arguments.is_empty() {
            return Ok(None);
        }
        Ok(Some(match function {
            Function::Lambda(Lambda::Exists) => Some(self.any(head, before, scope)?),
            Function::Items(Items::Empty) => Some(!self.any(head, before, scope)?),
            Function::Items(Items::Not) => {
                let inner = self.path(head, before, Reach::All, scope)?;
                inner.boolean().map_err(self.fail(last.at))?.map(|truth| !truth)
            }
            Function::Elements(Elements::HasValue) if before.is_empty() && head == Head::This => {
                let this = scope.this.map(std::slice::from_ref).unwrap_or_default();
                Some(has_value(this))
            }
            _ => return Ok(None),
        }))
    }

    /// Whether a path finds anything. Of nothing but names no collection is made.
    fn any(&self, head: Head, steps: &'a [Step], scope: Scope<'_, 'a>) -> Result<bool, Failure> {
        let are_names = steps.iter().all(|step| matches!(step.kind, StepKind::Child(..)));
        let written = match scope.this {
            Some(Item::Node(this)) if are_names && head == Head::This => this.written_of(),
            _ => None,
        };
        match written {
            Some(this) => self.any_below(this, steps),
            None => Ok(!self.path(head, steps, Reach::First, scope)?.is_empty()),
        }
    }

    fn any_below(&self, node: (Written<'a>, TypeId), steps: &[Step]) -> Result<bool, Failure> {
        let Some((Step { kind: StepKind::Child(name, _), at }, rest)) = steps.split_first() else {
            return Ok(true);
        };
        self.spend(2, *at)?;
        let mut is_found = Ok(false);
        let visit = |below: Node<'a>| {
            let below = below.written_of();
            is_found = below.map_or(Ok(false), |below| self.any_below(below, rest));
            matches!(is_found, Ok(false))
        };
        navigate::each_written(self, node, *name, visit).map_err(self.fail(*at))?;
        is_found
    }

    fn truth(&self, id: OperationId, of: &Collection<'a>) -> Result<Option<bool>, Failure> {
        of.boolean().map_err(|fault| self.fail(self.program.start(id))(fault))
    }

    /// `and`, `or`, `xor`, `implies` in three values (N1, 6.5). What can't change the answer any
    /// more isn't evaluated.
    pub fn logic(
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
}
