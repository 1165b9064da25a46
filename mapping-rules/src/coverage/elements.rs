//! 必須 and 準必須 elements by profile, and which of them the `emit` of a rule holds.

use std::sync::OnceLock;

use crate::codemap::{CodeMap, LocalEmit};
use crate::expression::ExpressionKind as K;
use crate::program::{Coded, CodedShape, Node, NodeKind, Property, Rule, RuleSet};

const FACTS: &str = include_str!("elements.txt");

/// How much 電子カルテ情報共有サービス needs an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// 必須: a resource without it is refused.
    Required,
    /// 準必須: to be sent where the hospital records it.
    IfRecorded,
}

/// An element that a rule feeds nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfed {
    pub need: Need,
    /// As the table of facts writes it: `code.coding[system=…]`.
    pub element: &'static str,
}

struct Profile {
    resource: &'static str,
    url: &'static str,
    elements: Vec<(Need, &'static str)>,
}

/// `name`, and what a constant of it has to be.
struct Segment {
    name: &'static str,
    has: Option<(&'static str, &'static str)>,
}

fn profiles() -> &'static [Profile] {
    static KNOWN: OnceLock<Vec<Profile>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let mut known: Vec<Profile> = Vec::new();
        for line in FACTS.lines() {
            let need = match line.split_once(' ') {
                Some(("profile", head)) => {
                    if let Some((resource, url)) = head.split_once(' ') {
                        known.push(Profile { resource, url, elements: Vec::new() });
                    }
                    continue;
                }
                Some(("!", element)) => (Need::Required, element),
                Some(("~", element)) => (Need::IfRecorded, element),
                _ => continue,
            };
            if let Some(profile) = known.last_mut() {
                profile.elements.push(need);
            }
        }
        known
    })
}

/// The profile whose elements are asked of a rule: the one it declares, or, if it declares none, the
/// one there is for its type. `None` where nothing is known.
pub fn profile_of(rule: &Rule) -> Option<&'static str> {
    profile(rule).map(|profile| profile.url)
}

fn profile(rule: &Rule) -> Option<&'static Profile> {
    let declared = rule.profile.as_deref().map(|url| url.split('|').next().unwrap_or(url));
    profiles().iter().find(|known| match declared {
        Some(url) => known.url == url,
        None => known.resource == rule.resource,
    })
}

/// The elements of its profile that a rule feeds nothing, as the profile has them. One inside another
/// that isn't there either is not told.
pub fn unfed(rules: &RuleSet, rule: &Rule) -> Vec<Unfed> {
    let Some(profile) = profile(rule) else { return Vec::new() };
    let walk = Walk { rules };
    let is_fed = |element: &'static str| match element {
        "meta.lastUpdated" => !rule.updated.is_empty(),
        "meta.profile" if rule.profile.is_some() => true,
        _ => walk.holds(&rule.emit, &segments(element)),
    };
    let around = |element: &'static str| match segments(element).as_slice() {
        [_] | [] => true,
        // Genkan makes `meta` in every resource.
        [Segment { name: "meta", .. }, _] => true,
        [outer @ .., _] => walk.holds(&rule.emit, outer),
    };
    let missing = profile.elements.iter().filter(|(_, element)| !is_fed(element));
    missing
        .filter(|(_, element)| around(element))
        .map(|(need, element)| Unfed { need: *need, element })
        .collect()
}

/// The places of a rule's `emit` that are to arrive where the row records something (準必須), with the
/// element as the table writes it.
pub fn to_be_sent<'a>(rules: &RuleSet, rule: &'a Rule) -> Vec<(&'a Node, &'static str)> {
    let Some(profile) = profile(rule) else { return Vec::new() };
    let walk = Walk { rules };
    let of = profile.elements.iter().filter(|(need, _)| *need == Need::IfRecorded);
    let places = of.flat_map(|(_, element)| {
        let found = walk.places(&rule.emit, &segments(element));
        found.into_iter().map(|node| (node, *element))
    });
    places.collect()
}

/// Dots inside brackets belong to a URL.
fn segments(element: &'static str) -> Vec<Segment> {
    let mut found = Vec::new();
    let mut rest = element;
    while !rest.is_empty() {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        let (has, behind) = match behind.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
            Some((inner, behind)) => (inner.split_once('='), behind),
            None => (None, behind),
        };
        found.push(Segment { name, has });
        rest = behind.strip_prefix('.').unwrap_or(behind);
    }
    found
}

struct Walk<'a> {
    rules: &'a RuleSet,
}

impl Walk<'_> {
    /// The nodes that an element is written by; what a code map makes has none of its own.
    fn places<'a>(&self, properties: &'a [Property], path: &[Segment]) -> Vec<&'a Node> {
        let Some((first, rest)) = path.split_first() else { return Vec::new() };
        let named = properties.iter().filter(|property| property.element == first.name);
        let mut found = Vec::new();
        for property in named {
            if rest.is_empty() && first.has.is_none() {
                found.push(&property.node);
                continue;
            }
            for node in items(&property.node) {
                match &node.kind {
                    NodeKind::Object { properties, .. } if self.fits(node, first, &[]) => {
                        if rest.is_empty() {
                            found.push(node);
                        } else {
                            found.extend(self.places(properties, rest));
                        }
                    }
                    _ => {}
                }
            }
        }
        found
    }

    fn holds(&self, properties: &[Property], path: &[Segment]) -> bool {
        let Some((first, rest)) = path.split_first() else { return true };
        let named = properties.iter().filter(|property| property.element == first.name);
        named.flat_map(|property| items(&property.node)).any(|node| self.fits(node, first, rest))
    }

    fn fits(&self, node: &Node, segment: &Segment, rest: &[Segment]) -> bool {
        match &node.kind {
            NodeKind::Object { properties, .. } => {
                let chosen = segment.has.is_none_or(|(name, value)| {
                    let mut named = properties.iter().filter(|property| property.name == name);
                    named.any(|property| is_constant(&property.node, value))
                });
                chosen && self.holds(properties, rest)
            }
            NodeKind::Coded(coded) => segment.has.is_none() && self.coded(coded, rest),
            NodeKind::Reference(_) | NodeKind::Primitive { .. } | NodeKind::List(_) => {
                segment.has.is_none() && rest.is_empty()
            }
        }
    }

    /// What `$code` makes: codings of the map's systems, and a text.
    fn coded(&self, coded: &Coded, path: &[Segment]) -> bool {
        let Some((first, rest)) = path.split_first() else { return true };
        match (coded.shape, first.name) {
            (CodedShape::CodeableConcept, "coding") => {
                let map = &self.rules.code_maps[coded.map];
                first.has.is_none_or(|(_, system)| systems(map).any(|known| known == system))
                    && rest.len() < 2
            }
            (CodedShape::CodeableConcept, "text") => coded.text.is_some(),
            (CodedShape::CodeableConcept, "extension") => self.holds(&coded.extension, path),
            (CodedShape::Coding, "system" | "code" | "display" | "version") => true,
            _ => false,
        }
    }
}

/// Every system that a coding of the map may have.
fn systems(map: &CodeMap) -> impl Iterator<Item = &str> {
    let local = (map.local_emit != LocalEmit::Never).then_some(map.local_system.as_str());
    let targets = map.targets.iter().map(|target| target.system.as_str());
    let uncoded = map.uncoded_choices().map(|(_, coding)| coding.system.as_str());
    targets.chain(local).chain(uncoded)
}

/// A list's items, or the node itself.
fn items(node: &Node) -> Vec<&Node> {
    match &node.kind {
        NodeKind::List(items) => items.iter().collect(),
        _ => vec![node],
    }
}

/// The very constant, or one of a row's values (which may be it).
fn is_constant(node: &Node, value: &str) -> bool {
    match &node.kind {
        NodeKind::Primitive { term, .. } => match &term.kind {
            K::Text(text) => text == value,
            _ => true,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use genkan_fhir::definitions::Definitions;

    use serde_json::Value as Json;

    use super::*;
    use crate::conformance;

    /// A line that names nothing of R4 would be missed in every rule.
    #[test]
    fn every_element_of_the_table_is_one_of_r4() {
        let definitions = Definitions::r4();
        let mut count = 0;
        for profile in profiles() {
            for (_, element) in &profile.elements {
                let mut at = vec![profile.resource];
                for Segment { name, .. } in segments(element) {
                    let known = at.iter().filter_map(|path| definitions.element(path, name));
                    let next: Vec<&str> = known
                        .flat_map(|known| {
                            known.types.iter().map(|of| of.code).zip(std::iter::repeat(known))
                        })
                        .map(|(code, known)| match code {
                            "BackboneElement" | "Element" => known.path,
                            other => other,
                        })
                        .collect();
                    assert!(!next.is_empty(), "{element}: no `{name}`");
                    at = next;
                    count += 1;
                }
            }
        }
        assert!(count > 200, "{count}");
        let lines = FACTS.lines().filter(|line| line.starts_with(['!', '~']));
        assert_eq!(lines.count(), profiles().iter().map(|p| p.elements.len()).sum::<usize>());
    }

    /// What a profile says of an element, `[x]` left out; of one in a type that has a profile of its own, what
    /// that one says.
    fn rule_of<'c>(all: &'c [Json], profile: &'c Json, path: &str) -> Option<&'c Json> {
        let rules = profile["differential"]["element"].as_array()?;
        let at = |path: &str| {
            rules
                .iter()
                .find(|rule| rule["id"].as_str().unwrap_or_default().replace("[x]", "") == path)
        };
        at(path).or_else(|| {
            path.match_indices('.').rev().find_map(|(dot, _)| {
                let url = at(&path[..dot])?["type"][0]["profile"][0].as_str()?;
                let inner = all.iter().find(|known| known["url"] == url)?;
                let path = format!("{}{}", inner["type"].as_str()?, &path[dot..]);
                rule_of(all, inner, &path)
            })
        })
    }

    /// The profiles that the validator goes by say the same: 必須 is at least one and mustSupport, 準必須 one
    /// of the two.
    #[test]
    fn the_profiles_need_what_the_table_says() {
        for (version, expected) in [("1.5.3", &[][..]), ("1.12.0", LATER)] {
            let (differences, count) = compared(version);
            assert_eq!(differences, expected, "{version}");
            assert!(count > 100, "{count}");
        }
    }

    /// What the newest guide changed; the table stays with 1.5, and the validator tells of the rest.
    const LATER: &[&str] = &[
        "Patient.name.family: Required, Some(IfRecorded) in the profile",
        "Condition.verificationStatus.coding: IfRecorded, Some(Required) in the profile",
    ];

    /// Where the profiles of a guide need something else, and how many elements were compared.
    fn compared(version: &str) -> (Vec<String>, usize) {
        let version = version.parse().expect("a guide");
        let all = conformance::read(&conformance::built_in(), &version).expect("profiles").profiles;
        let (mut differences, mut count) = (Vec::new(), 0);
        for Profile { resource, url, elements } in profiles() {
            let profile = all.iter().find(|known| known["url"] == *url).expect(url);
            for (need, element) in elements.iter().filter(|(_, element)| !element.contains('[')) {
                let path = format!("{resource}.{element}");
                let rule = rule_of(&all, profile, &path);
                let of_r4 = || {
                    let (outer, name) = path.rsplit_once('.')?;
                    Definitions::r4().element(outer, name).map(|known| known.min.into())
                };
                let min = rule.and_then(|rule| rule["min"].as_u64()).or_else(of_r4) > Some(0);
                let must_support = rule.is_some_and(|rule| rule["mustSupport"] == true);
                let own = match (min, must_support) {
                    (true, true) => Some(Need::Required),
                    (true, false) | (false, true) => Some(Need::IfRecorded),
                    (false, false) => None,
                };
                if own != Some(*need) {
                    differences.push(format!("{path}: {need:?}, {own:?} in the profile"));
                }
                count += 1;
            }
        }
        (differences, count)
    }
}
