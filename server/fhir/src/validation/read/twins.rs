//! `given` and `_given` become one element: its value, and its id and extensions.

use super::{Code, Problem, Problems, keep};
use crate::{
    names::Name,
    tree::{Form, Record, Tree},
};

/// The children of one object that have the same name, in their order.
struct Group {
    /// Without the underscore.
    name: String,
    values: Vec<usize>,
    twins: Vec<usize>,
}

/// Writes the object at `index`, the last one of the tree, anew with each twin in its element.
pub(super) fn join(tree: &mut Tree<'_>, index: usize, problems: &mut Problems) {
    let groups = groups(tree, index);
    let mut joined: Vec<Record> = Vec::with_capacity(tree.records.len() - index);
    for group in &groups {
        let count = group.values.len().max(group.twins.len());
        if !group.values.is_empty()
            && !group.twins.is_empty()
            && (group.values.len() != group.twins.len()
                || is_item(tree, &group.values) != is_item(tree, &group.twins))
        {
            let at = group.twins.first().and_then(|twin| tree.records.get(*twin));
            let at = at.map_or(0, |record| record.at as usize);
            keep(problems, Problem::new(Code::TwinLength, at).found(group.name.clone()));
        }
        for item in 0..count {
            let value = group.values.get(item).copied();
            let twin = group.twins.get(item).copied();
            element(tree, index + 1, value, twin, &mut joined, problems);
        }
    }
    tree.records.truncate(index + 1);
    tree.records.append(&mut joined);
    let end = u32::try_from(tree.records.len()).unwrap_or(u32::MAX);
    if let Some(record) = tree.records.get_mut(index) {
        record.end = end;
    }
}

/// Whether they stand in a list.
fn is_item(tree: &Tree<'_>, records: &[usize]) -> bool {
    let first = records.first().and_then(|at| tree.records.get(*at));
    first.is_some_and(|record| record.is_item)
}

fn groups(tree: &Tree<'_>, index: usize) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut next = index + 1;
    while let Some(record) = tree.records.get(next) {
        let written = tree.text(record.name);
        let plain = written.strip_prefix('_').unwrap_or(written);
        let position = groups.iter().position(|group| group.name == plain);
        let position = position.unwrap_or_else(|| {
            let name = plain.to_owned();
            groups.push(Group { name, values: Vec::new(), twins: Vec::new() });
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(position) {
            let is_twin = plain.len() < written.len();
            if is_twin { &mut group.twins } else { &mut group.values }.push(next);
        }
        next = (record.end as usize).max(next + 1);
    }
    groups
}

/// Adds one element; `first` is where the old records start that the new ones take the place of.
fn element(
    tree: &Tree<'_>,
    first: usize,
    value: Option<usize>,
    twin: Option<usize>,
    joined: &mut Vec<Record>,
    problems: &mut Problems,
) {
    let value = value.and_then(|at| Some((at, *tree.records.get(at)?)));
    let twin = twin.and_then(|at| Some((at, *tree.records.get(at)?)));
    let start = joined.len();
    match (value, twin) {
        (Some((at, record)), None) => copy(tree, at, record, joined),
        (value, Some((twin_at, twin))) => {
            let mut name = twin.name;
            name.start += 1;
            let number = Name::of(tree.text(name));
            let absent = Record { name, number, is_twin: true, ..twin };
            let head = value.map_or(absent, |(_, record)| record);
            let is_absent = matches!(head.form, Form::Null);
            let head = if is_absent { absent } else { head };
            joined.push(head);
            if value.is_some() && head.form == Form::Object && !is_absent {
                let name = tree.text(head.name).to_owned();
                keep(problems, Problem::new(Code::TwinOfObject, twin.at as usize).found(name));
            }
            if let Some((at, record)) = value.filter(|_| !is_absent) {
                below(tree, at, record, joined);
            }
            below(tree, twin_at, twin, joined);
        }
        (None, None) => {}
    }
    close(joined, start, first);
}

fn copy(tree: &Tree<'_>, at: usize, record: Record, joined: &mut Vec<Record>) {
    joined.push(record);
    below(tree, at, record, joined);
}

/// The records below one, their ends moved by as much as they are.
fn below(tree: &Tree<'_>, at: usize, record: Record, joined: &mut Vec<Record>) {
    let old = at + 1;
    let shift = joined.len();
    for child in tree.records.get(old..record.end as usize).unwrap_or_default() {
        let end = (child.end as usize) - old + shift;
        // Ends count from the first new record here; `close` makes them absolute.
        joined.push(Record { end: u32::try_from(end).unwrap_or(u32::MAX), ..*child });
    }
}

/// Sets the end of the element at `start`, and makes those below it absolute.
fn close(joined: &mut [Record], start: usize, first: usize) {
    let end = joined.len();
    let absolute = |end: usize| u32::try_from(end + first).unwrap_or(u32::MAX);
    for record in joined.iter_mut().skip(start + 1) {
        record.end = absolute(record.end as usize);
    }
    if let Some(record) = joined.get_mut(start) {
        record.end = absolute(end);
        // The list around it may be longer now.
        record.list = 0;
    }
}
