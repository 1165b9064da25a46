//! The functions that evaluate their argument for each item, with `$this`, `$index` and `$total`.

use std::cmp::Ordering;

use super::{
    equality::DistinctItems,
    error::Fault,
    evaluate::{Evaluation, Failure, Scope},
    function::Lambda,
    item::{Collection, Item},
    operator,
    program::{Operation, OperationId},
};

impl<'c: 'a, 'a> Evaluation<'c, 'a> {
    pub fn lambda(
        &self,
        function: Lambda,
        arguments: &[OperationId],
        input: Collection<'a>,
        scope: Scope<'_, 'a>,
        at: u32,
    ) -> Result<Collection<'a>, Failure> {
        let boolean = |answer: bool| Ok(Collection::of_boolean(Some(answer)));
        match (function, arguments) {
            (Lambda::Exists, []) => boolean(!input.is_empty()),
            (Lambda::Exists, [criteria, ..]) => {
                for (index, item) in input.items().iter().enumerate() {
                    if self.holds(*criteria, item, index, scope)? {
                        return boolean(true);
                    }
                }
                boolean(false)
            }
            (Lambda::All, [criteria, ..]) => {
                for (index, item) in input.items().iter().enumerate() {
                    if !self.holds(*criteria, item, index, scope)? {
                        return boolean(false);
                    }
                }
                boolean(true)
            }
            (Lambda::Where, [criteria, ..]) => {
                let mut kept = Collection::default();
                for (index, item) in input.into_iter().enumerate() {
                    if self.holds(*criteria, &item, index, scope)? {
                        kept.0.push(item);
                    }
                }
                Ok(kept)
            }
            (Lambda::Select, [projection, ..]) => {
                let mut selected = Collection::default();
                for (index, item) in input.items().iter().enumerate() {
                    let scope = Scope { this: Some(item), index: Some(index), ..scope };
                    let projected = self.evaluate(*projection, scope)?;
                    self.spend(1 + projected.len(), at)?;
                    selected.0.extend(projected);
                }
                Ok(selected)
            }
            (Lambda::Repeat, [projection, ..]) => self.repeat(*projection, input, scope, at),
            (Lambda::Aggregate, [aggregator, start @ ..]) => {
                let mut total = match start {
                    [start, ..] => self.evaluate(*start, scope)?,
                    [] => Collection::default(),
                };
                for (index, item) in input.items().iter().enumerate() {
                    self.spend(1 + total.len(), at)?;
                    let scope =
                        Scope { this: Some(item), index: Some(index), total: Some(&total) };
                    total = self.evaluate(*aggregator, scope)?;
                }
                Ok(total)
            }
            (Lambda::Iif, [criterion, then, otherwise @ ..]) => {
                let this = input.single().map_err(self.fail(at))?;
                let scope = Scope { this, ..scope };
                match (self.boolean(*criterion, scope)?, otherwise) {
                    (Some(true), _) => self.evaluate(*then, scope),
                    (_, [otherwise, ..]) => self.evaluate(*otherwise, scope),
                    (_, []) => Ok(Collection::default()),
                }
            }
            (Lambda::Sort, keys) => self.sort(keys, input, scope, at),
            // There is no log here that a hospital's values may go to.
            (Lambda::Trace, _) => Ok(input),
            // The number of arguments was checked when the call was compiled.
            _ => Ok(Collection::default()),
        }
    }

    fn holds(
        &self,
        criteria: OperationId,
        item: &Item<'a>,
        index: usize,
        scope: Scope<'_, 'a>,
    ) -> Result<bool, Failure> {
        let scope = Scope { this: Some(item), index: Some(index), ..scope };
        Ok(self.boolean(criteria, scope)? == Some(true))
    }

    /// What the projection gives, then what it gives of that, until nothing new comes.
    fn repeat(
        &self,
        projection: OperationId,
        input: Collection<'a>,
        scope: Scope<'_, 'a>,
        at: u32,
    ) -> Result<Collection<'a>, Failure> {
        let mut found = DistinctItems::new();
        let mut round = input;
        while !round.is_empty() {
            let mut new = Collection::default();
            for (index, item) in round.items().iter().enumerate() {
                let scope = Scope { this: Some(item), index: Some(index), ..scope };
                for item in self.evaluate(projection, scope)? {
                    if found.add(item.clone(), &self.budget).map_err(self.fail(at))? {
                        new.0.push(item);
                    }
                }
            }
            round = new;
        }
        Ok(found.into_collection())
    }

    /// By the items themselves or by keys, the first key first. A key behind `-` sorts downwards.
    /// What has no key comes first either way.
    fn sort(
        &self,
        keys: &[OperationId],
        input: Collection<'a>,
        scope: Scope<'_, 'a>,
        at: u32,
    ) -> Result<Collection<'a>, Failure> {
        let mut rows = Vec::with_capacity(input.len());
        for (index, item) in input.into_iter().enumerate() {
            let mut row = Vec::with_capacity(keys.len().max(1));
            for key in keys {
                let scope = Scope { this: Some(&item), index: Some(index), ..scope };
                let (key, is_downwards) = match self.program.operation(*key) {
                    Operation::Negate { of, .. } => (*of, true),
                    _ => (*key, false),
                };
                let key = self.evaluate(key, scope)?;
                let key = key.single().map_err(self.fail(at))?.cloned();
                row.push((key, is_downwards));
            }
            if keys.is_empty() {
                row.push((Some(item.clone()), false));
            }
            rows.push((row, item));
        }
        let mut fault = None;
        let width = keys.len().max(1);
        let comparisons = rows.len().saturating_mul(usize::BITS as usize - rows.len().leading_zeros() as usize);
        self.spend(comparisons.saturating_mul(width), at)?;
        rows.sort_by(|(left, _), (right, _)| {
            let order = compare_rows(left, right);
            order.unwrap_or_else(|found| {
                fault.get_or_insert(found);
                Ordering::Equal
            })
        });
        match fault {
            Some(fault) => Err(self.fail(at)(fault)),
            None => Ok(rows.into_iter().map(|(_, item)| item).collect()),
        }
    }
}

type Row<'a> = [(Option<Item<'a>>, bool)];

fn compare_rows(left: &Row<'_>, right: &Row<'_>) -> Result<Ordering, Fault> {
    for ((left, is_downwards), (right, _)) in left.iter().zip(right) {
        let order = match (left, right) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => return Ok(Ordering::Less),
            (Some(_), None) => return Ok(Ordering::Greater),
            (Some(left), Some(right)) => {
                operator::compare(left, right)?.unwrap_or(Ordering::Equal)
            }
        };
        let order = if *is_downwards { order.reverse() } else { order };
        if order != Ordering::Equal {
            return Ok(order);
        }
    }
    Ok(Ordering::Equal)
}
