//! From a StructureDefinition to its tree of rules.

use std::sync::Arc;

use serde_json::Value;

use super::{
    BindingRule, CORE, ElementRule, ExtensionContext, InvariantRule, Profile, ProfileError,
    ProfileFault, Profiles, TypeRule, core_type, discriminators, merge, prune, slicing,
};
use crate::{
    canonical,
    definitions::{BindingStrength, Definitions, Severity},
    fhirpath::Expression,
};

/// Names the element of a profile that an element must conform to, instead of the whole.
const PROFILE_ELEMENT: &str =
    "http://hl7.org/fhir/StructureDefinition/elementdefinition-profile-element";
const ADDITIONAL_BINDINGS: [&str; 2] =
    ["/extension-ElementDefinition.binding.additional", "/StructureDefinition/additional-binding"];
const MAX_BASES: usize = 16;
const MAX_ELEMENTS: usize = 20_000;
const MAX_PATH_PARTS: usize = 40;
/// Invariants whose published expression isn't what their words say, with what is meant.
const SLIPS: [(&str, &str, &str); 1] = [(
    "vs-1",
    // Of a Period, and of a time without a value, it is never true.
    "($this as dateTime).toString().length() >= 8",
    "($this is dateTime and $this.hasValue()) implies $this.toString().length() >= 10",
)];
/// R4's vital signs require these units of every component, a flow in L/min too; R4B recommends them.
const SLIP_UNITS: &str = "http://hl7.org/fhir/ValueSet/ucum-vitals-common";
/// Modifier extensions of an ElementDefinition would change what it says.
const MODIFIERS: &str = "modifierExtension";

/// Compiles a profile: its snapshot, or its differential on top of its base.
pub(super) fn compile(
    profiles: &Profiles,
    definition: &Value,
    depth: usize,
) -> Result<Profile, ProfileError> {
    let url = text(definition, "url").unwrap_or_default();
    let failed = |fault| ProfileError::new(url, fault);
    if text(definition, "resourceType") != Some("StructureDefinition") {
        return Err(failed(ProfileFault::NotStructureDefinition));
    }
    if depth > MAX_BASES {
        return Err(failed(ProfileFault::BaseDepth));
    }
    let of_type = text(definition, "type").ok_or_else(|| failed(ProfileFault::Field("type")))?;
    let of_type = of_type.strip_prefix(CORE).unwrap_or(of_type);
    if !Definitions::r4().is_type(of_type) {
        return Err(failed(ProfileFault::UnknownType(of_type.to_owned())));
    }
    let canonical = match text(definition, "version") {
        Some(version) => format!("{url}|{version}"),
        None => url.to_owned(),
    };
    let origin: Arc<str> = canonical.as_str().into();
    let mut root = match elements(definition, "snapshot") {
        Some(elements) => tree(elements, &origin).map_err(|error| error.of(url))?,
        None => {
            let elements = elements(definition, "differential");
            let elements = elements.ok_or_else(|| failed(ProfileFault::Field("differential")))?;
            let own = tree(elements, &origin).map_err(|error| error.of(url))?;
            let base = base_rules(profiles, definition, url, depth)?;
            let mut merged = merge::onto(base, own);
            unfold(profiles, &mut merged, depth).map_err(|error| error.of(url))?;
            merged
        }
    };
    prune::prune(&mut root, of_type);
    supported(&root).map_err(|error| error.of(url))?;
    discriminators::check(&root, of_type).map_err(|error| error.of(url))?;
    root.finish();
    let contexts = contexts(definition).map_err(failed)?;
    Ok(Profile {
        is_modifier: is_modifier(definition),
        context_invariants: context_invariants(definition).map_err(failed)?,
        contexts,
        canonical,
        url: url.to_owned(),
        of_type: of_type.to_owned(),
        root,
    })
}

impl ProfileError {
    fn of(mut self, url: &str) -> Self {
        url.clone_into(&mut self.profile);
        self
    }
}

fn base_rules(
    profiles: &Profiles,
    definition: &Value,
    url: &str,
    depth: usize,
) -> Result<ElementRule, ProfileError> {
    let Some(base) = text(definition, "baseDefinition") else {
        return Ok(ElementRule::default());
    };
    if core_type(base).is_some() {
        return Ok(ElementRule::default());
    }
    let Some(base_definition) = profiles.definition(base) else {
        return Err(ProfileError::new(url, ProfileFault::NoBase(base.to_owned())));
    };
    compile(profiles, base_definition, depth + 1).map(|profile| profile.root)
}

/// Elements that repeat another place's rules: R4's own ones are gone by now.
fn supported(rule: &ElementRule) -> Result<(), ProfileError> {
    if let Some(path) = &rule.content_reference {
        let what = format!("a contentReference to {path}");
        return Err(ProfileError::new("", ProfileFault::NotSupported(what)).at(&rule.id));
    }
    rule.children.iter().chain(&rule.slices).try_for_each(|(_, below)| supported(below))
}

/// A differential goes into an element whose type has a profile: what that says comes first.
fn unfold(profiles: &Profiles, rule: &mut ElementRule, depth: usize) -> Result<(), ProfileError> {
    let below = rule.children.iter_mut().chain(rule.slices.iter_mut());
    for (_, child) in below {
        let profile = match child.types.as_slice() {
            [TypeRule { profiles, .. }] if !child.children.is_empty() => {
                match profiles.as_slice() {
                    [only] => Some(only.clone()),
                    _ => None,
                }
            }
            _ => None,
        };
        let definition = profile.as_deref().and_then(|url| profiles.definition(url));
        if let Some(definition) = definition {
            let base = compile(profiles, definition, depth + 1)?;
            *child = merge::onto(base.root, std::mem::take(child));
        }
        unfold(profiles, child, depth)?;
    }
    Ok(())
}

fn elements<'v>(definition: &'v Value, view: &str) -> Option<&'v [Value]> {
    definition.get(view)?.get("element")?.as_array().map(Vec::as_slice)
}

/// The elements as a tree, by path and slice name. They come in the order of the tree.
fn tree(elements: &[Value], origin: &Arc<str>) -> Result<ElementRule, ProfileError> {
    if elements.len() > MAX_ELEMENTS {
        return Err(ProfileError::new("", ProfileFault::TooLarge));
    }
    let mut root = ElementRule { origin: Arc::clone(origin), ..ElementRule::default() };
    // The slice of each part of the path of the element before.
    let mut open: Vec<(String, Option<String>)> = Vec::new();
    for element in elements {
        let path = text(element, "path").unwrap_or_default();
        let id = text(element, "id").unwrap_or(path);
        let failed = |fault| ProfileError::new("", fault).at(id);
        let parts: Vec<&str> = path.split('.').collect();
        if parts.len() > MAX_PATH_PARTS || path.is_empty() {
            return Err(failed(ProfileFault::Path));
        }
        let kept = parts.len() - 1;
        let is_below = open.len() >= kept
            && open.iter().zip(&parts).take(kept).all(|((known, _), part)| known == part);
        if is_below {
            open.truncate(kept);
        } else {
            // A differential may leave out the parents: they aren't sliced then.
            let same = open.iter().zip(&parts).take_while(|((known, _), part)| known == *part);
            let same = same.count().min(kept);
            open.truncate(same);
            open.extend(
                parts.iter().skip(same).take(kept - same).map(|part| ((*part).to_owned(), None)),
            );
        }
        let slice = text(element, "sliceName").map(str::to_owned);
        open.push((parts.last().copied().unwrap_or_default().to_owned(), slice));
        let rule = place(&mut root, &open, origin);
        fill(rule, element, &id_of(&open)).map_err(failed)?;
    }
    Ok(root)
}

/// The id that the element has in R4, whether it is written or not.
fn id_of(open: &[(String, Option<String>)]) -> String {
    let part = |(name, slice): &(String, Option<String>)| match slice {
        Some(slice) => format!("{name}:{slice}"),
        None => name.clone(),
    };
    open.iter().map(part).collect::<Vec<_>>().join(".")
}

/// The rule at this place, made with its parents where it isn't there yet.
fn place<'r>(
    root: &'r mut ElementRule,
    open: &[(String, Option<String>)],
    origin: &Arc<str>,
) -> &'r mut ElementRule {
    let mut at = root;
    for (depth, (name, slice)) in open.iter().enumerate().skip(1) {
        at = named(&mut at.children, name.trim_end_matches("[x]"), origin);
        // A list that only its slices tell of needs its name too.
        if at.id.is_empty() {
            at.id = format!("{}.{name}", id_of(open.get(..depth).unwrap_or_default()));
        }
        let mut rest = slice.as_deref();
        while let Some(slice) = rest {
            // `a/b` is slice b of slice a, where there is an a.
            let parent = slice.split_once('/');
            let parent = parent.filter(|(of, _)| at.slices.iter().any(|(known, _)| known == of));
            let (slice, inner) = parent.map_or((slice, None), |(of, inner)| (of, Some(inner)));
            at = named(&mut at.slices, slice, origin);
            rest = inner;
        }
    }
    at
}

fn named<'r>(
    rules: &'r mut Vec<(String, ElementRule)>,
    name: &str,
    origin: &Arc<str>,
) -> &'r mut ElementRule {
    let position = rules.iter().position(|(known, _)| known == name);
    let position = position.unwrap_or_else(|| {
        let rule = ElementRule { origin: Arc::clone(origin), ..ElementRule::default() };
        rules.push((name.to_owned(), rule));
        rules.len() - 1
    });
    &mut rules[position].1
}

fn fill(rule: &mut ElementRule, element: &Value, id: &str) -> Result<(), ProfileFault> {
    id.clone_into(&mut rule.id);
    if element.get(MODIFIERS).is_some() {
        return Err(ProfileFault::NotSupported(MODIFIERS.to_owned()));
    }
    if let Some(min) = element.get("min") {
        let min = min.as_u64().and_then(|min| u32::try_from(min).ok());
        rule.min = Some(min.ok_or(ProfileFault::Field("min"))?);
    }
    rule.max = match text(element, "max") {
        Some("*") | None => None,
        Some(max) => Some(max.parse().map_err(|_| ProfileFault::Field("max"))?),
    };
    for of in items(element, "type") {
        rule.types.push(type_rule(of)?);
    }
    for (name, value) in element.as_object().into_iter().flatten() {
        let slot = match name.as_str() {
            name if name.starts_with("fixed") => &mut rule.fixed,
            name if name.starts_with("pattern") => &mut rule.pattern,
            name if name.starts_with("minValue") => &mut rule.min_value,
            name if name.starts_with("maxValue") => &mut rule.max_value,
            _ => continue,
        };
        *slot = Some(Arc::new(value.clone()));
    }
    rule.max_length = element.get("maxLength").and_then(Value::as_u64);
    rule.must_support = element.get("mustSupport").and_then(Value::as_bool) == Some(true);
    rule.content_reference =
        text(element, "contentReference").and_then(|to| Some(to.split_once('#')?.1.to_owned()));
    rule.binding = element.get("binding").map(binding).transpose()?.flatten();
    rule.more_bindings = more_bindings(element)?;
    for constraint in items(element, "constraint") {
        rule.invariants.extend(invariant(constraint)?.map(Arc::new));
    }
    rule.slicing = element.get("slicing").map(slicing::read).transpose()?;
    extensions(rule, element);
    Ok(())
}

/// Extensions that ask for something of the element.
fn extensions(rule: &mut ElementRule, element: &Value) {
    for extension in items(element, "extension") {
        let url = text(extension, "url").unwrap_or_default();
        match url.rsplit_once("/StructureDefinition/").map(|(_, name)| name) {
            Some("minLength") => {
                rule.min_length = extension.get("valueInteger").and_then(Value::as_u64);
            }
            Some("extension-ElementDefinition.mustHaveValue") => {
                rule.value_required =
                    extension.get("valueBoolean").and_then(Value::as_bool) == Some(true);
            }
            _ => {}
        }
    }
}

fn type_rule(of: &Value) -> Result<TypeRule, ProfileFault> {
    let code = text(of, "code").ok_or(ProfileFault::Field("type.code"))?;
    let texts = |name: &str| {
        items(of, name).filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
    };
    let code = if code.starts_with("http://hl7.org/fhirpath/System.") {
        // Of `id` and `url` only, which R4's own rules check.
        "System"
    } else {
        code.strip_prefix(CORE).unwrap_or(code)
    };
    if code != "System" && !Definitions::r4().is_type(code) {
        return Err(ProfileFault::UnknownType(code.to_owned()));
    }
    if text(of, "versioning").is_some_and(|versioning| versioning != "either") {
        return Err(ProfileFault::NotSupported("type.versioning".to_owned()));
    }
    let mut profiles = texts("profile");
    for (profile, twin) in profiles.iter_mut().zip(items(of, "_profile")) {
        let element = items(twin, "extension")
            .find(|extension| text(extension, "url") == Some(PROFILE_ELEMENT));
        if let Some(element) = element.and_then(|element| text(element, "valueString")) {
            *profile = format!("{profile}#{element}");
        }
    }
    Ok(TypeRule {
        code: code.to_owned(),
        profiles,
        targets: texts("targetProfile"),
        aggregation: texts("aggregation"),
    })
}

fn binding(of: &Value) -> Result<Option<BindingRule>, ProfileFault> {
    let strength = match text(of, "strength") {
        Some("required") => BindingStrength::Required,
        Some("extensible") => BindingStrength::Extensible,
        Some("preferred") => BindingStrength::Preferred,
        Some("example") => BindingStrength::Example,
        _ => return Err(ProfileFault::Field("binding.strength")),
    };
    let value_set = text(of, "valueSet");
    let is_slip = value_set.is_some_and(|url| canonical::url(url) == SLIP_UNITS);
    let strength = if is_slip { strength.min(BindingStrength::Extensible) } else { strength };
    Ok(value_set.map(|url| BindingRule { strength, value_set: url.to_owned() }))
}

/// The additional bindings that R5 brought and R4 has as an extension; those that are rules.
fn more_bindings(element: &Value) -> Result<Vec<BindingRule>, ProfileFault> {
    let mut bindings = Vec::new();
    let Some(binding) = element.get("binding") else { return Ok(bindings) };
    for extension in items(binding, "extension") {
        let url = text(extension, "url").unwrap_or_default();
        if !ADDITIONAL_BINDINGS.iter().any(|end| url.ends_with(end)) {
            continue;
        }
        let part =
            |name: &str| items(extension, "extension").find(|of| text(of, "url") == Some(name));
        if part("usage").is_some() {
            return Err(ProfileFault::NotSupported(
                "an additional binding with a usage".to_owned(),
            ));
        }
        let strength = match part("purpose").and_then(|of| text(of, "valueCode")) {
            Some("required") => BindingStrength::Required,
            Some("extensible") => BindingStrength::Extensible,
            // For people and user interfaces.
            _ => continue,
        };
        let value_set = part("valueSet").and_then(|of| text(of, "valueCanonical"));
        let value_set = value_set.ok_or(ProfileFault::Field("binding.additional.valueSet"))?;
        bindings.push(BindingRule { strength, value_set: value_set.to_owned() });
    }
    Ok(bindings)
}

fn invariant(constraint: &Value) -> Result<Option<InvariantRule>, ProfileFault> {
    let key = text(constraint, "key").ok_or(ProfileFault::Field("constraint.key"))?;
    let severity = match text(constraint, "severity") {
        Some("error") => Severity::Error,
        Some("warning") => Severity::Warning,
        _ => return Err(ProfileFault::Field("constraint.severity")),
    };
    // Without an expression it is for people.
    let Some(expression) = text(constraint, "expression") else { return Ok(None) };
    if prune::is_of_r4(key, expression) {
        return Ok(None);
    }
    let slip = SLIPS.iter().find(|(of, slip, _)| *of == key && *slip == expression);
    let expression = slip.map_or(expression, |(_, _, meant)| meant);
    let expression = Expression::compile(expression).map_err(|error| ProfileFault::Expression {
        key: key.to_owned(),
        reason: error.to_string(),
    })?;
    let human = text(constraint, "human").unwrap_or_default().to_owned();
    Ok(Some(InvariantRule { key: key.to_owned(), severity, human, expression }))
}

fn is_modifier(definition: &Value) -> bool {
    let elements =
        elements(definition, "snapshot").or_else(|| elements(definition, "differential"));
    let root = elements.and_then(<[Value]>::first);
    root.and_then(|root| root.get("isModifier")).and_then(Value::as_bool) == Some(true)
}

fn contexts(definition: &Value) -> Result<Vec<ExtensionContext>, ProfileFault> {
    let context = |of: &Value| {
        let expression = text(of, "expression").ok_or(ProfileFault::Field("context.expression"))?;
        let expression = expression.to_owned();
        Ok(match text(of, "type") {
            Some("element") => ExtensionContext::Element(expression),
            Some("extension") => ExtensionContext::Extension(expression),
            Some("fhirpath") => ExtensionContext::Path(expression),
            _ => return Err(ProfileFault::Field("context.type")),
        })
    };
    items(definition, "context").map(context).collect()
}

fn context_invariants(definition: &Value) -> Result<Vec<Expression>, ProfileFault> {
    let invariants = items(definition, "contextInvariant").filter_map(Value::as_str);
    invariants
        .map(|text| {
            Expression::compile(text).map_err(|error| ProfileFault::Expression {
                key: "contextInvariant".to_owned(),
                reason: error.to_string(),
            })
        })
        .collect()
}

pub(super) fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}

fn items<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}
