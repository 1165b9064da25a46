//! The functions on collections of any items: existence, parts and combinations.

use super::{
    budget::Budget,
    equality::{Members, distinct},
    error::Fault,
    function::Items,
    item::{Collection, Item},
    operator,
};

pub(super) fn call<'a>(
    function: Items,
    input: Collection<'a>,
    arguments: &[Collection<'a>],
    budget: &Budget,
) -> Result<Collection<'a>, Fault> {
    let boolean = |answer: bool| Collection::of_boolean(Some(answer));
    let none = Collection::default();
    let other = arguments.first().unwrap_or(&none);
    Ok(match function {
        Items::Empty => boolean(input.is_empty()),
        Items::Not => Collection::of_boolean(input.boolean()?.map(|truth| !truth)),
        Items::Count => Collection::of_count(input.len()),
        Items::AllTrue => boolean(!any(&input, false)?),
        Items::AnyTrue => boolean(any(&input, true)?),
        Items::AllFalse => boolean(!any(&input, true)?),
        Items::AnyFalse => boolean(any(&input, false)?),
        Items::Distinct => distinct(input, budget)?,
        Items::IsDistinct => {
            let count = input.len();
            boolean(distinct(input, budget)?.len() == count)
        }
        Items::SubsetOf => boolean(is_subset(&input, other, budget)?),
        Items::SupersetOf => boolean(is_subset(other, &input, budget)?),
        Items::Single => {
            input.single()?;
            input
        }
        Items::First => input.into_iter().take(1).collect(),
        Items::Last => input.into_iter().last().into_iter().collect(),
        Items::Tail => input.into_iter().skip(1).collect(),
        Items::Skip => match operator::integer(other)? {
            Some(count) => input.into_iter().skip(usize::try_from(count).unwrap_or(0)).collect(),
            None => none,
        },
        Items::Take => match operator::integer(other)? {
            Some(count) => input.into_iter().take(usize::try_from(count).unwrap_or(0)).collect(),
            None => none,
        },
        Items::Intersect => filter(distinct(input, budget)?, other, true, budget)?,
        Items::Exclude => filter(input, other, false, budget)?,
        Items::Union => distinct(input.into_iter().chain(other.clone()), budget)?,
        Items::Combine => {
            budget.spend(other.len())?;
            input.into_iter().chain(other.clone()).collect()
        }
    })
}

/// Whether one of the items, all of which must be Booleans, is this one.
fn any(input: &Collection<'_>, wanted: bool) -> Result<bool, Fault> {
    let mut found = false;
    for item in input.items() {
        match item.simplified()?.as_ref() {
            Item::Boolean(boolean) => found |= *boolean == wanted,
            other => {
                let found = other.type_label();
                return Err(Fault::WrongType { expected: "Booleans", found });
            }
        }
    }
    Ok(found)
}

fn is_subset<'a>(
    part: &Collection<'a>,
    whole: &Collection<'a>,
    budget: &Budget,
) -> Result<bool, Fault> {
    let members = Members::of(whole, budget)?;
    for item in part.items() {
        if !members.hold(item, budget)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The items that the other collection holds, or that it doesn't hold.
fn filter<'a>(
    input: Collection<'a>,
    other: &Collection<'a>,
    is_held: bool,
    budget: &Budget,
) -> Result<Collection<'a>, Fault> {
    let members = Members::of(other, budget)?;
    let mut kept = Collection::default();
    for item in input {
        if members.hold(&item, budget)? == is_held {
            kept.0.push(item);
        }
    }
    Ok(kept)
}
