//! What two rule sets make of the same rows, compared: elements that are changed, added or removed, with
//! the rule line that makes them. For `genkan rules diff`. Of values it keeps what may be shown: codes,
//! constants of the rules, and of everything else the outline.

use std::collections::BTreeMap;

use genkan_fhir::definitions::Definitions;

use crate::diagnostic::Span;
use crate::emit::{Emitted, Leaf};
use crate::mask::outline;

/// Examples that are kept of one difference.
const EXAMPLES_MAX: usize = 3;
/// A longer value is cut when it is shown.
const SHOWN_MAX: usize = 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Changed,
    Added,
    Removed,
    /// The same values in another order.
    Order,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Changed => "changed",
            Kind::Added => "added",
            Kind::Removed => "removed",
            Kind::Order => "order",
        }
    }
}

/// One element of one rule, in so many resources.
#[derive(Debug, Default)]
pub struct Difference {
    pub resources: u64,
    /// Where the element is made: in the new rules, or in the old ones if it is removed.
    pub span: Option<Span>,
    /// Before and after, as they may be shown.
    pub examples: Vec<(String, String)>,
}

/// The resources of one rule.
#[derive(Debug, Default)]
pub struct OfRule {
    /// In both.
    pub compared: u64,
    pub only_old: u64,
    pub only_new: u64,
    pub elements: BTreeMap<(Kind, String), Difference>,
    /// Issues by code: before and after.
    pub issues: BTreeMap<&'static str, (u64, u64)>,
}

/// What one rule set makes of one row.
pub type Made = (Emitted, Vec<Leaf>);

impl OfRule {
    /// Takes in what became of one row: with the old rules, and with the new.
    pub fn take(&mut self, old: Option<&Made>, new: Option<&Made>) {
        if let Some((emitted, _)) = old {
            for issue in &emitted.issues {
                self.issues.entry(issue.code).or_default().0 += 1;
            }
        }
        if let Some((emitted, _)) = new {
            for issue in &emitted.issues {
                self.issues.entry(issue.code).or_default().1 += 1;
            }
        }
        let resource =
            |made: Option<&Made>| made.is_some_and(|(emitted, _)| emitted.json.is_some());
        match (resource(old), resource(new)) {
            (true, true) => {}
            (true, false) => self.only_old += 1,
            (false, true) => self.only_new += 1,
            (false, false) => {}
        }
        if let (Some((before, old)), Some((after, new))) = (old, new)
            && before.json.is_some()
            && after.json.is_some()
        {
            self.compared += 1;
            self.leaves(old, new);
        }
    }

    pub fn is_same(&self) -> bool {
        let issues = self.issues.values().all(|(old, new)| old == new);
        self.elements.is_empty() && self.only_old + self.only_new == 0 && issues
    }

    fn leaves(&mut self, old: &[Leaf], new: &[Leaf]) {
        let (old, new) = (by_element(old), by_element(new));
        let mut elements: Vec<&String> = old.keys().chain(new.keys()).collect();
        elements.sort_unstable();
        elements.dedup();
        for element in elements {
            let none = Vec::new();
            let (before, after) =
                (old.get(element).unwrap_or(&none), new.get(element).unwrap_or(&none));
            let (gone, come) = (without(before, after), without(after, before));
            let same =
                before.iter().map(|leaf| &leaf.value).eq(after.iter().map(|leaf| &leaf.value));
            let kind = match (gone.is_empty(), come.is_empty()) {
                (true, true) if same => continue,
                (true, true) => Kind::Order,
                (false, false) => Kind::Changed,
                (true, false) => Kind::Added,
                (false, true) => Kind::Removed,
            };
            let made = come.first().or(after.first()).filter(|_| kind != Kind::Removed);
            let difference = self.elements.entry((kind, element.clone())).or_default();
            difference.resources += 1;
            difference.span = difference.span.or(made.or(gone.first()).map(|leaf| leaf.span));
            let shown = |leaf: Option<&&Leaf>| leaf.map(|leaf| show(leaf)).unwrap_or_default();
            let example = (shown(gone.first()), shown(come.first()));
            let examples = &mut difference.examples;
            if examples.len() < EXAMPLES_MAX && kind != Kind::Order && !examples.contains(&example)
            {
                examples.push(example);
            }
        }
    }
}

/// `Condition.code.coding.code`: items of a list are one element. The version is another wherever the
/// rules are.
fn by_element(leaves: &[Leaf]) -> BTreeMap<String, Vec<&Leaf>> {
    let mut found: BTreeMap<String, Vec<&Leaf>> = BTreeMap::new();
    for leaf in leaves.iter().filter(|leaf| !leaf.expression.ends_with("meta.versionId")) {
        found.entry(without_indexes(&leaf.expression)).or_default().push(leaf);
    }
    found
}

fn without_indexes(expression: &str) -> String {
    let parts = expression.split('[').enumerate();
    let parts = parts.map(|(at, part)| match at {
        0 => part,
        _ => part.split_once(']').map_or("", |(_, behind)| behind),
    });
    parts.collect()
}

/// The leaves whose values the others don't have as often.
fn without<'l>(leaves: &[&'l Leaf], others: &[&Leaf]) -> Vec<&'l Leaf> {
    let mut left: Vec<&str> = others.iter().map(|leaf| leaf.value.as_str()).collect();
    let mut found = Vec::new();
    for leaf in leaves {
        match left.iter().position(|value| *value == leaf.value) {
            Some(at) => {
                left.swap_remove(at);
            }
            None => found.push(*leaf),
        }
    }
    found
}

/// A value as it may be shown.
fn show(leaf: &Leaf) -> String {
    let open = leaf.columns.is_empty() || is_coded(&without_indexes(&leaf.expression));
    let shown = match leaf.value.split_once('/') {
        // The type says enough; the id is nobody's to read.
        Some((target, _)) if leaf.expression.ends_with(".reference") => format!("{target}/…"),
        _ if open => leaf.value.clone(),
        _ => outline(&leaf.value),
    };
    match shown.chars().count() > SHOWN_MAX {
        true => shown.chars().take(SHOWN_MAX).chain(['…']).collect(),
        false => shown,
    }
}

/// Of a type that holds codes and addresses, not words or numbers of people.
fn is_coded(element: &str) -> bool {
    let mut parts = element.split('.');
    let mut path = parts.next().unwrap_or_default();
    let mut code = "";
    for name in parts {
        let Some(property) = Definitions::r4().property(path, name) else { return false };
        (path, code) = (property.type_path, property.type_code);
        if code == "Resource" {
            return false;
        }
    }
    matches!(code, "code" | "boolean" | "canonical")
        || code == "uri" && element.ends_with(".system")
}

#[cfg(test)]
mod tests {
    use super::*;
    use genkan_adapter::Value;

    fn made(leaves: &[(&str, &str, bool)]) -> Made {
        let leaf = |(expression, value, from_row): &(&str, &str, bool)| Leaf {
            expression: (*expression).to_owned(),
            value: (*value).to_owned(),
            span: Span::default(),
            columns: from_row.then(|| ("d.X".to_owned(), Value::Null)).into_iter().collect(),
            mapped_by: None,
        };
        let emitted = Emitted {
            id: "1".to_owned(),
            version_id: String::new(),
            last_updated: None,
            json: Some(Vec::new()),
            issues: Vec::new(),
        };
        (emitted, leaves.iter().map(leaf).collect())
    }

    #[test]
    fn a_code_before_others_changes_nothing_of_them() {
        let old = made(&[("Condition.code.coding[0].code", "B", true)]);
        let new = made(&[
            ("Condition.code.coding[0].code", "A", true),
            ("Condition.code.coding[1].code", "B", true),
            ("Condition.meta.versionId", "x", false),
        ]);
        let mut rule = OfRule::default();
        rule.take(Some(&old), Some(&new));
        let kinds: Vec<_> = rule.elements.keys().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds, [Kind::Added]);
        let mut back = OfRule::default();
        back.take(Some(&new), Some(&old));
        assert!(back.elements.keys().all(|(kind, _)| *kind == Kind::Removed));
        let mut same = OfRule::default();
        same.take(Some(&new), Some(&new));
        assert!(same.is_same() && same.compared == 1);
        same.take(Some(&new), None);
        assert!(!same.is_same() && same.only_old == 1);
    }

    #[test]
    fn of_a_persons_values_only_the_outline_is_kept() {
        for (element, value, from_row, shown) in [
            ("Patient.name[0].text", "牧野　爛漫", true, "漢漢　漢漢"),
            ("Patient.birthDate", "1930-06-28", true, "9999-99-99"),
            ("Patient.gender", "female", true, "female"),
            ("Patient.identifier[0].value", "0012", true, "9999"),
            ("Patient.identifier[0].system", "urn:x", true, "urn:x"),
            ("Patient.maritalStatus.text", "既婚", false, "既婚"),
            ("Patient.extension[0].valueUri", "http://x/0012", true, "aaaa://a/9999"),
            ("Patient.link[0].other.reference", "Patient/p.0012", true, "Patient/…"),
            ("Patient.contained[0].gender", "male", true, "aaaa"),
        ] {
            let (_, leaves) = made(&[(element, value, from_row)]);
            assert_eq!(show(&leaves[0]), shown, "{element}");
        }
    }
}
