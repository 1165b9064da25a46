//! References: their form, what they point to, and whether it may be that.

use super::{Code, Contained, ElementRule, Node, Part, Path, Spot, Trial, Walk};
use crate::{
    definitions::Definitions,
    names::Name,
    validation::{
        profile::{TypeRule, core_type},
        walk::primitive::is_absolute,
    },
};

/// Where the target of a reference is.
#[derive(Debug, Clone)]
pub(super) enum Target<'w> {
    Contained(Node<'w>, Path<'w>),
    Bundled(Node<'w>, Path<'w>),
    /// Not in this document; of this type, if the reference says so.
    Outside(Option<String>),
    Missing,
}

impl<'w> Walk<'w> {
    pub(super) fn reference(&mut self, spot: Spot<'w>, rules: &[&'w ElementRule]) {
        let Spot { child, variant, node } = spot;
        let path = child.element.path;
        let Some(text) = node.get_text(Name::REFERENCE) else { return };
        if !text.starts_with('#') && !is_form(text) {
            self.report(node, Code::ReferenceForm, path, "", "");
        }
        let target = self.target(text);
        if matches!(target, Target::Missing) {
            let id = text.trim_start_matches('#');
            self.report(node, Code::ContainedMissing, path, id, "");
            return;
        }
        // A reference names a type too; its target may have another.
        let named = type_of_url(text).filter(|_| !text.contains("://"));
        let declared = node.get_text(Name::TYPE).map(short).or(named);
        let found = target.type_name();
        if let (Some(declared), Some(found)) = (declared, found)
            && declared != found
        {
            self.report(node, Code::TypeMismatch, path, declared, found);
        }
        let name = found.or(declared);
        let own = child.element.types.iter().find(|of| of.code == variant.code);
        let targets = own.map(|of| of.targets.as_slice()).unwrap_or_default();
        if let Some(name) = name
            && !targets.is_empty()
            && !targets.iter().any(|target| *target == name || *target == "Resource")
        {
            self.report(node, Code::TargetType, path, name, &targets.join(", "));
        }
        for rule in rules {
            self.rule_targets(spot, rule, &target, name);
        }
    }

    /// What a profile says of the target.
    fn rule_targets(
        &mut self,
        spot: Spot<'w>,
        rule: &'w ElementRule,
        target: &Target<'w>,
        name: Option<&str>,
    ) {
        let of: Vec<&'w TypeRule> =
            rule.types.iter().filter(|of| of.code == spot.variant.code).collect();
        self.aggregation(spot.node, rule, &of, target);
        let targets: Vec<&'w str> =
            of.iter().flat_map(|of| of.targets.iter().map(String::as_str)).collect();
        if targets.is_empty() {
            return;
        }
        let mut fitting = Vec::new();
        for canonical in &targets {
            let of_type = match core_type(canonical) {
                Some(core) => Some(core),
                None => self.outside.profiles.good(canonical).map(|of| of.of_type.as_str()),
            };
            match (of_type, name) {
                (Some("Resource"), _) | (_, None) => return,
                (Some(of_type), Some(name)) if of_type == name => fitting.push(*canonical),
                (Some(_), Some(_)) => {}
                (None, _) => {
                    self.report_rule(spot.node, Code::ProfileNotChecked, rule, canonical, "");
                    return;
                }
            }
        }
        if fitting.is_empty() {
            let name = name.unwrap_or_default();
            self.report_rule(spot.node, Code::TargetType, rule, name, &targets.join(", "));
            return;
        }
        if let Target::Contained(node, path) | Target::Bundled(node, path) = target {
            self.target_profiles(spot, rule, &fitting, *node, path);
        }
    }

    fn target_profiles(
        &mut self,
        spot: Spot<'w>,
        rule: &'w ElementRule,
        fitting: &[&'w str],
        node: Node<'w>,
        path: &Path<'w>,
    ) {
        let mut nearest: Option<Vec<_>> = None;
        for canonical in fitting {
            if core_type(canonical).is_some() {
                return;
            }
            let Some(profile) = self.outside.profiles.good(canonical) else { return };
            let mut found = self.trial(Trial::Resource(node, path.clone()), &profile.root);
            found.retain(super::Finding::is_error);
            if found.is_empty() {
                return;
            }
            if nearest.as_ref().is_none_or(|nearest| nearest.len() > found.len()) {
                nearest = Some(found);
            }
        }
        let names = fitting.join(", ");
        let mut finding = self.finding(spot.node, Code::TargetProfile, &rule.id, "", &names);
        finding.profile = Some(rule.origin.to_string());
        finding.consequences = nearest.unwrap_or_default();
        self.put(finding);
    }

    fn aggregation(
        &mut self,
        node: Node<'w>,
        rule: &'w ElementRule,
        of: &[&'w TypeRule],
        target: &Target<'w>,
    ) {
        let allowed: Vec<&str> =
            of.iter().flat_map(|of| of.aggregation.iter().map(String::as_str)).collect();
        let is_in_bundle = self.bundle.is_some();
        let found = match target {
            Target::Contained(..) => "contained",
            Target::Bundled(..) => "bundled",
            // A resource that stands alone: what it is sent with isn't known.
            Target::Outside(_) if !is_in_bundle => return,
            Target::Outside(_) | Target::Missing => "referenced",
        };
        let is_allowed =
            allowed.contains(&found) || (found == "bundled" && allowed.contains(&"referenced"));
        if !allowed.is_empty() && !is_allowed {
            self.report_rule(node, Code::Aggregation, rule, found, &allowed.join(", "));
        }
    }

    /// What a reference points to, from where the walk is.
    pub(super) fn target(&self, text: &str) -> Target<'w> {
        if let Some(id) = text.strip_prefix('#') {
            return self.contained_target(id);
        }
        let entry = self.frames.first().map(|frame| frame.node);
        if let Some(entry) = self.entry_of_walk().or(entry)
            && let Some((node, path)) = self.bundle.find(text, entry)
        {
            return Target::Bundled(node, path);
        }
        Target::Outside(type_of_url(text).map(str::to_owned))
    }

    /// The resource of the bundle's entry that the walk is in.
    fn entry_of_walk(&self) -> Option<Node<'w>> {
        let is_outer = |frame: &&super::Frame<'w>| !frame.is_contained && frame.name != "Bundle";
        self.frames.iter().rev().find(is_outer).map(|frame| frame.node)
    }

    fn contained_target(&self, id: &str) -> Target<'w> {
        let Some(outer) = self.frames.iter().rev().find(|frame| !frame.is_contained) else {
            return Target::Missing;
        };
        let here = self.path.first(outer.path);
        if id.is_empty() {
            return Target::Contained(outer.node, here);
        }
        let mut known = self.contained.borrow_mut();
        let known = known.entry(outer.node.index()).or_insert_with(|| Contained::of(outer.node));
        known.find(id).map_or(Target::Missing, |(index, node)| {
            let mut path = here;
            path.push(Part::Item("contained", index));
            Target::Contained(node, path)
        })
    }
}

impl Target<'_> {
    fn type_name(&self) -> Option<&str> {
        match self {
            Self::Contained(node, _) | Self::Bundled(node, _) => node.resource_type(),
            Self::Outside(name) => name.as_deref(),
            Self::Missing => None,
        }
    }
}

/// The resource type that a reference names: `Patient` of `…/Patient/123/_history/4`.
pub(super) fn type_of_url(text: &str) -> Option<&str> {
    memchr::memchr(b'/', text.as_bytes())?;
    let text = text.split(['?', '|']).next()?;
    let mut parts = text.rsplit('/');
    let mut id = parts.next()?;
    let mut name = parts.next()?;
    if name == "_history" {
        id = parts.next()?;
        name = parts.next()?;
    }
    (!id.is_empty() && Definitions::r4().is_resource(name)).then_some(name)
}

/// `Type/id`, with a version or as a search, or an absolute URL.
fn is_form(text: &str) -> bool {
    let is_uri = is_absolute(text) && !text.contains(char::is_whitespace);
    is_uri || type_of_url(text).is_some() || text.contains('?')
}

fn short(canonical: &str) -> &str {
    core_type(canonical).unwrap_or(canonical)
}
