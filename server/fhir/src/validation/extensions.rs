//! The extensions that R4 itself defines, from the fact table.

use std::sync::{Arc, OnceLock};

use super::profile::{
    BindingRule, ElementRule, ExtensionContext, Profile, SliceRules, Slicing, TypeRule,
};
use crate::{
    definitions::{Definitions, ExtensionFacts, ExtensionPart, UNBOUNDED},
    names::Table,
};

/// The definition of one of R4's extensions; compiled when it is first met.
pub(super) fn core(url: &str) -> Option<&'static Arc<Profile>> {
    static KNOWN: OnceLock<Table<&'static str, OnceLock<Option<Arc<Profile>>>>> = OnceLock::new();
    let known = KNOWN.get_or_init(|| {
        Definitions::r4().extension_urls().map(|url| (url, OnceLock::new())).collect()
    });
    let (url, compiled) = known.get_key_value(url)?;
    let compiled = compiled
        .get_or_init(|| Definitions::r4().extension(url).map(|facts| Arc::new(compile(&facts))));
    compiled.as_ref()
}

fn compile(facts: &ExtensionFacts) -> Profile {
    let origin: Arc<str> = facts.url.into();
    let mut root = rule("Extension", &origin);
    for part in &facts.parts {
        let mut at = &mut root;
        for name in part.path.split('/').filter(|name| !name.is_empty()) {
            let id = at.id.clone();
            let extension = child(at, "extension", &origin);
            extension.slicing.get_or_insert_with(|| Slicing::by_url(SliceRules::Open));
            let position = extension.slices.iter().position(|(known, _)| known == name);
            let position = position.unwrap_or_else(|| {
                let mut slice = rule(&format!("{id}.extension:{name}"), &origin);
                let url = child(&mut slice, "url", &origin);
                url.fixed = Some(Arc::new(name.into()));
                slice.min = (part.min > 0).then_some(part.min);
                slice.max = (part.max != UNBOUNDED).then_some(part.max);
                extension.slices.push((name.to_owned(), slice));
                extension.slices.len() - 1
            });
            at = &mut extension.slices[position].1;
        }
        value(at, part, &origin);
    }
    root.finish();
    Profile {
        canonical: facts.url.to_owned(),
        url: facts.url.to_owned(),
        of_type: "Extension".to_owned(),
        root,
        contexts: facts
            .contexts
            .iter()
            .map(|context| ExtensionContext::Element((*context).to_owned()))
            .collect(),
        context_invariants: Vec::new(),
        is_modifier: facts.is_modifier,
    }
}

/// What an extension, or a part of one, may hold: a value of these types, or only parts.
fn value(at: &mut ElementRule, part: &ExtensionPart, origin: &Arc<str>) {
    let value = child(at, "value", origin);
    if !part.has_value {
        value.max = Some(0);
        return;
    }
    value.min = part.is_value_required.then_some(1);
    value.types = part
        .types
        .iter()
        .map(|of| TypeRule {
            code: of.code.to_owned(),
            profiles: Vec::new(),
            targets: of
                .targets
                .iter()
                .map(|target| format!("http://hl7.org/fhir/StructureDefinition/{target}"))
                .collect(),
            aggregation: Vec::new(),
        })
        .collect();
    value.binding = part.binding.map(|binding| BindingRule {
        strength: binding.strength,
        value_set: binding.value_set.to_owned(),
    });
}

fn rule(id: &str, origin: &Arc<str>) -> ElementRule {
    ElementRule { id: id.to_owned(), origin: Arc::clone(origin), ..ElementRule::default() }
}

fn child<'r>(of: &'r mut ElementRule, name: &str, origin: &Arc<str>) -> &'r mut ElementRule {
    let position = of.children.iter().position(|(known, _)| known == name);
    let position = position.unwrap_or_else(|| {
        let id = format!("{}.{name}", of.id);
        of.children.push((name.to_owned(), rule(&id, origin)));
        of.children.len() - 1
    });
    &mut of.children[position].1
}
