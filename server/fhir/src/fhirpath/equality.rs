//! `=` and `~`, of items and of collections, and what is distinct
//! (<https://hl7.org/fhirpath/N1/#equality>, with R4's changes to `~`).

use std::{borrow::Cow, cmp::Ordering, collections::HashSet};

use rust_decimal::Decimal;

use super::{
    budget::Budget,
    decimal,
    error::Fault,
    item::{Collection, Item, Node},
    model::{Kind, Model},
    navigate::named_children,
    place::Scalar,
    quantity::Quantity,
    temporal::Temporal,
};

/// Fewer items than this are compared with each other; of more, strings are looked up.
const MAX_PAIRWISE: usize = 8;

/// `None` is FHIRPath's empty: it can't be said.
pub(super) fn equal_collections(
    left: &Collection<'_>,
    right: &Collection<'_>,
    budget: &Budget,
) -> Result<Option<bool>, Fault> {
    if left.is_empty() || right.is_empty() {
        return Ok(None);
    }
    if left.len() != right.len() {
        return Ok(Some(false));
    }
    let mut all = Some(true);
    for (left, right) in left.items().iter().zip(right.items()) {
        match equal(left, right, budget)? {
            Some(true) => {}
            Some(false) => return Ok(Some(false)),
            None => all = None,
        }
    }
    Ok(all)
}

pub(super) fn equal(
    left: &Item<'_>,
    right: &Item<'_>,
    budget: &Budget,
) -> Result<Option<bool>, Fault> {
    budget.spend(1)?;
    if let (Some(left), Some(right)) = (left.plain_text(), right.plain_text()) {
        // Long texts cost what they are long.
        budget.spend(left.len().min(right.len()) / 64)?;
        return Ok(Some(left == right));
    }
    let (left, right) = (left.simplified()?, right.simplified()?);
    Ok(match (left.as_ref(), right.as_ref()) {
        (Item::Boolean(left), Item::Boolean(right)) => Some(left == right),
        (Item::Integer(left), Item::Integer(right)) => Some(left == right),
        (Item::String(left), Item::String(right)) => Some(left == right),
        (Item::Temporal(left), Item::Temporal(right)) => equal_temporals(*left, *right),
        (Item::Node(left), Item::Node(right)) => Some(equal_nodes(*left, *right, budget)?),
        (Item::Type(left), Item::Type(right)) => Some(left == right),
        (left, right) => match (number(left), number(right)) {
            (Some(left), Some(right)) => Some(left == right),
            _ => match (quantity(left), quantity(right)) {
                (Some(left), Some(right)) => equal_quantities(&left, &right),
                _ => Some(false),
            },
        },
    })
}

fn equal_temporals(left: Temporal, right: Temporal) -> Option<bool> {
    let is_time = |of: Temporal| of.kind == super::temporal::TemporalKind::Time;
    if is_time(left) != is_time(right) {
        return Some(false);
    }
    left.compare(right).map(|order| order == Ordering::Equal)
}

fn equal_quantities(left: &Quantity<'_>, right: &Quantity<'_>) -> Option<bool> {
    left.compare(right).map(|order| order == Ordering::Equal)
}

/// A number that converts without being asked to.
pub(super) fn number(item: &Item<'_>) -> Option<Decimal> {
    match item {
        Item::Integer(integer) => Some(Decimal::from(*integer)),
        Item::Decimal(decimal) => Some(*decimal),
        _ => None,
    }
}

/// A quantity, or a number as one.
pub(super) fn quantity<'i, 'a>(item: &'i Item<'a>) -> Option<Cow<'i, Quantity<'a>>> {
    match item {
        Item::Quantity(quantity) => Some(Cow::Borrowed(quantity.as_ref())),
        other => number(other).map(|number| Cow::Owned(Quantity::number(number))),
    }
}

/// Elements are equal if everything in them is: numbers by value, texts letter for letter.
fn equal_nodes(left: Node<'_>, right: Node<'_>, budget: &Budget) -> Result<bool, Fault> {
    budget.spend(1)?;
    let same_value = match (left.scalar(), right.scalar()) {
        (Some(Scalar::Number(left)), Some(Scalar::Number(right))) => equal_digits(left, right),
        (left, right) => left == right,
    };
    if !same_value || !same_resource_type(left, right) {
        return Ok(false);
    }
    let _deeper = budget.deeper()?;
    let (mut left, mut right) = (named_children(left, budget)?, named_children(right, budget)?);
    if left.len() != right.len() {
        return Ok(false);
    }
    // Names may come in any order, those of one name in theirs.
    left.sort_by_key(|(name, _)| *name);
    right.sort_by_key(|(name, _)| *name);
    for ((name, left), (other, right)) in left.into_iter().zip(right) {
        if name != other || !equal_nodes(left, right, budget)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn same_resource_type(left: Node<'_>, right: Node<'_>) -> bool {
    left.of == right.of || left.kind() != Kind::Resource && right.kind() != Kind::Resource
}

/// Numbers with more digits than are calculated with are equal only when written alike.
fn equal_digits(left: &str, right: &str) -> bool {
    left == right
        || match (decimal::parse_json(left), decimal::parse_json(right)) {
            (Some(left), Some(right)) => left == right,
            _ => false,
        }
}

/// Any order, and never empty.
pub(super) fn equivalent_collections(
    left: &Collection<'_>,
    right: &Collection<'_>,
    budget: &Budget,
) -> Result<bool, Fault> {
    if left.len() != right.len() {
        return Ok(false);
    }
    let mut rest: Vec<&Item<'_>> = right.items().iter().collect();
    for left in left.items() {
        let mut found = None;
        for (index, right) in rest.iter().enumerate() {
            if equivalent(left, right, budget)? {
                found = Some(index);
                break;
            }
        }
        match found {
            Some(index) => rest.swap_remove(index),
            None => return Ok(false),
        };
    }
    Ok(true)
}

fn equivalent(left: &Item<'_>, right: &Item<'_>, budget: &Budget) -> Result<bool, Fault> {
    budget.spend(1)?;
    if let (Item::Node(left), Item::Node(right)) = (left, right)
        && let Some(same) = equivalent_concepts(*left, *right, budget)?
    {
        return Ok(same);
    }
    let (left, right) = (left.simplified()?, right.simplified()?);
    Ok(match (left.as_ref(), right.as_ref()) {
        (Item::String(left), Item::String(right)) => equivalent_texts(left, right, budget)?,
        (Item::Boolean(left), Item::Boolean(right)) => left == right,
        (Item::Temporal(left), Item::Temporal(right)) => {
            equal_temporals(*left, *right).unwrap_or(false)
        }
        (Item::Node(left), Item::Node(right)) => equivalent_nodes(*left, *right, budget)?,
        (Item::Type(left), Item::Type(right)) => left == right,
        (left, right) => match (number(left), number(right)) {
            (Some(left), Some(right)) => decimal::is_equivalent(left, right),
            _ => match (quantity(left), quantity(right)) {
                (Some(left), Some(right)) => left.is_equivalent(&right).unwrap_or(false),
                _ => false,
            },
        },
    })
}

/// Without case, and any blanks as one.
fn equivalent_texts(left: &str, right: &str, budget: &Budget) -> Result<bool, Fault> {
    budget.spend((left.len() + right.len()) / 64)?;
    let letters = |text: &str| -> String {
        text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
    };
    Ok(left == right || letters(left) == letters(right))
}

/// R4: a Coding is its system and code, and of CodeableConcepts one Coding each must be the same.
/// `None` for other types.
fn equivalent_concepts(
    left: Node<'_>,
    right: Node<'_>,
    budget: &Budget,
) -> Result<Option<bool>, Fault> {
    let model = Model::r4();
    match (model.path(left.of), model.path(right.of)) {
        ("Coding", "Coding") => Ok(Some(same_coding(left, right))),
        ("CodeableConcept", "CodeableConcept") => {
            let (left, right) = (codings(left, budget)?, codings(right, budget)?);
            for left in left {
                for right in &right {
                    budget.spend(1)?;
                    if same_coding(left, *right) {
                        return Ok(Some(true));
                    }
                }
            }
            Ok(Some(false))
        }
        _ => Ok(None),
    }
}

fn codings<'a>(concept: Node<'a>, budget: &Budget) -> Result<Vec<Node<'a>>, Fault> {
    let children = named_children(concept, budget)?;
    let codings = children.into_iter().filter(|(name, _)| *name == "coding");
    Ok(codings.map(|(_, coding)| coding).collect())
}

fn same_coding(left: Node<'_>, right: Node<'_>) -> bool {
    ["system", "code"].into_iter().all(|name| left.place.text_of(name) == right.place.text_of(name))
}

/// As equal, without ids, in any order, and each value by its own equivalence.
fn equivalent_nodes(left: Node<'_>, right: Node<'_>, budget: &Budget) -> Result<bool, Fault> {
    budget.spend(1)?;
    let same_value = match (left.scalar(), right.scalar()) {
        (Some(Scalar::Text(left)), Some(Scalar::Text(right))) => {
            equivalent_texts(left, right, budget)?
        }
        (Some(Scalar::Number(left)), Some(Scalar::Number(right))) => {
            left == right
                || match (decimal::parse_json(left), decimal::parse_json(right)) {
                    (Some(left), Some(right)) => decimal::is_equivalent(left, right),
                    _ => false,
                }
        }
        (left, right) => left == right,
    };
    if !same_value || !same_resource_type(left, right) {
        return Ok(false);
    }
    let _deeper = budget.deeper()?;
    let (mut left, mut rest) = (named_children(left, budget)?, named_children(right, budget)?);
    left.retain(|(name, _)| *name != "id");
    rest.retain(|(name, _)| *name != "id");
    if left.len() != rest.len() {
        return Ok(false);
    }
    for (name, left) in left {
        let mut found = None;
        for (index, (other, right)) in rest.iter().enumerate() {
            if *other == name && equivalent_nodes(left, *right, budget)? {
                found = Some(index);
                break;
            }
        }
        let Some(index) = found else { return Ok(false) };
        rest.swap_remove(index);
    }
    Ok(true)
}

/// Grows by items that it doesn't hold yet, by `=`.
pub(super) struct DistinctItems<'a> {
    items: Collection<'a>,
    /// The strings among them, once there are many items: a string equals strings only.
    strings: Option<HashSet<Cow<'a, str>>>,
    /// Those that are no strings, by their place.
    others: Vec<usize>,
}

impl<'a> DistinctItems<'a> {
    pub fn new() -> Self {
        Self { items: Collection::default(), strings: None, others: Vec::new() }
    }

    /// Whether the item is new.
    pub fn add(&mut self, item: Item<'a>, budget: &Budget) -> Result<bool, Fault> {
        budget.spend(1)?;
        if self.strings.is_none() && self.items.len() < MAX_PAIRWISE {
            for known in self.items.items() {
                if equal(known, &item, budget)? == Some(true) {
                    return Ok(false);
                }
            }
        } else if self.is_known(&item, budget)? {
            return Ok(false);
        }
        self.items.0.push(item);
        Ok(true)
    }

    fn is_known(&mut self, item: &Item<'a>, budget: &Budget) -> Result<bool, Fault> {
        if self.strings.is_none() {
            let mut strings = HashSet::new();
            for (index, known) in self.items.items().iter().enumerate() {
                match string_of(known)? {
                    Some(text) => {
                        strings.insert(text);
                    }
                    None => self.others.push(index),
                }
            }
            self.strings = Some(strings);
        }
        if let (Some(text), Some(strings)) = (string_of(item)?, &mut self.strings) {
            budget.spend(text.len() / 64)?;
            return Ok(!strings.insert(text));
        }
        for index in &self.others {
            let Some(known) = self.items.items().get(*index) else { continue };
            if equal(known, item, budget)? == Some(true) {
                return Ok(true);
            }
        }
        self.others.push(self.items.len());
        Ok(false)
    }

    pub fn into_collection(self) -> Collection<'a> {
        self.items
    }
}

fn string_of<'a>(item: &Item<'a>) -> Result<Option<Cow<'a, str>>, Fault> {
    Ok(match item {
        Item::String(text) => Some(text.clone()),
        Item::Node(node) => match node.system_value()? {
            Some(Item::String(text)) => Some(text),
            _ => None,
        },
        _ => None,
    })
}

/// The items once each.
pub(super) fn distinct<'a>(
    items: impl IntoIterator<Item = Item<'a>>,
    budget: &Budget,
) -> Result<Collection<'a>, Fault> {
    let mut distinct = DistinctItems::new();
    for item in items {
        distinct.add(item, budget)?;
    }
    Ok(distinct.into_collection())
}

/// Whether a collection holds an item. Of many questions to one collection, ask [`Members`].
pub(super) fn contains(
    items: &Collection<'_>,
    item: &Item<'_>,
    budget: &Budget,
) -> Result<bool, Fault> {
    for known in items.items() {
        if equal(known, item, budget)? == Some(true) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A collection that is asked often what it holds.
pub(super) struct Members<'c, 'a> {
    items: &'c Collection<'a>,
    strings: Option<HashSet<Cow<'a, str>>>,
    others: Vec<&'c Item<'a>>,
}

impl<'c, 'a> Members<'c, 'a> {
    pub fn of(items: &'c Collection<'a>, budget: &Budget) -> Result<Self, Fault> {
        let mut members = Self { items, strings: None, others: Vec::new() };
        if items.len() > MAX_PAIRWISE {
            let mut strings = HashSet::new();
            for item in items.items() {
                budget.spend(1)?;
                match string_of(item)? {
                    Some(text) => {
                        strings.insert(text);
                    }
                    None => members.others.push(item),
                }
            }
            members.strings = Some(strings);
        }
        Ok(members)
    }

    pub fn hold(&self, item: &Item<'a>, budget: &Budget) -> Result<bool, Fault> {
        let Some(strings) = &self.strings else { return contains(self.items, item, budget) };
        budget.spend(1)?;
        if let Some(text) = string_of(item)? {
            return Ok(strings.contains(&text));
        }
        for known in &self.others {
            if equal(known, item, budget)? == Some(true) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
