//! How the items of a list are told apart.

use std::sync::Arc;

use serde_json::Value;

use super::{ElementRule, ProfileFault, TypeRule};
use crate::{
    canonical,
    names::{Name, Table},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::validation) struct Slicing {
    pub discriminators: Vec<Discriminator>,
    pub rules: SliceRules,
    pub is_ordered: bool,
}

impl Slicing {
    /// How extensions are told apart.
    pub fn by_url(rules: SliceRules) -> Self {
        let path = vec![Step::child("url")];
        let kind = DiscriminatorKind::Value;
        let discriminators = vec![Discriminator { kind, path, text: "url".to_owned() }];
        Self { discriminators, rules, is_ordered: false }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::validation) enum SliceRules {
    Open,
    Closed,
    OpenAtEnd,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::validation) struct Discriminator {
    pub kind: DiscriminatorKind,
    pub path: Vec<Step>,
    /// As the profile writes it.
    pub text: String,
}

impl Discriminator {
    /// Whether it looks at the type of the item itself.
    pub fn is_own_type(&self) -> bool {
        self.kind == DiscriminatorKind::Type && self.path.is_empty()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::validation) enum DiscriminatorKind {
    /// R4's `pattern` is the same (it is deprecated for `value`).
    Value,
    Exists,
    Type,
    Profile,
}

/// The restricted FHIRPath of discriminators.
///
/// Spec: <https://hl7.org/fhir/R4/profiling.html#discriminator>
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::validation) enum Step {
    Child(Name, String),
    /// `extension('url')`
    Extension(String),
    Resolve,
    OfType(String),
}

impl Step {
    fn child(name: &str) -> Self {
        Self::Child(Name::of(name), name.to_owned())
    }
}

/// Reads `ElementDefinition.slicing`.
pub(super) fn read(slicing: &Value) -> Result<Slicing, ProfileFault> {
    let rules = match slicing.get("rules").and_then(Value::as_str) {
        Some("closed") => SliceRules::Closed,
        Some("openAtEnd") => SliceRules::OpenAtEnd,
        Some("open") => SliceRules::Open,
        _ => return Err(ProfileFault::Field("slicing.rules")),
    };
    let is_ordered = slicing.get("ordered").and_then(Value::as_bool).unwrap_or(false);
    let written = slicing.get("discriminator").and_then(Value::as_array);
    let discriminators =
        written.into_iter().flatten().map(discriminator).collect::<Result<_, _>>()?;
    Ok(Slicing { discriminators, rules, is_ordered })
}

fn discriminator(of: &Value) -> Result<Discriminator, ProfileFault> {
    let text = of.get("path").and_then(Value::as_str).ok_or(ProfileFault::Field("path"))?;
    let kind = match of.get("type").and_then(Value::as_str) {
        Some("value" | "pattern") => DiscriminatorKind::Value,
        Some("exists") => DiscriminatorKind::Exists,
        Some("type") => DiscriminatorKind::Type,
        Some("profile") => DiscriminatorKind::Profile,
        Some(other) => return Err(ProfileFault::Discriminator(format!("{other}:{text}"))),
        None => return Err(ProfileFault::Field("discriminator.type")),
    };
    Ok(Discriminator { kind, path: steps(text)?, text: text.to_owned() })
}

fn steps(text: &str) -> Result<Vec<Step>, ProfileFault> {
    let refused = || ProfileFault::Discriminator(text.to_owned());
    let mut steps = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = end_of_step(rest);
        let step = rest.get(..end).unwrap_or_default();
        rest = rest.get(end..).unwrap_or_default();
        rest = rest.strip_prefix('.').unwrap_or(rest);
        match step.strip_suffix(')').and_then(|step| step.split_once('(')) {
            Some(("resolve", "")) => steps.push(Step::Resolve),
            Some(("ofType", of)) => steps.push(Step::OfType(of.trim().to_owned())),
            Some(("extension", url)) => {
                let url = url.trim().trim_matches(['\'', '"', '`']);
                steps.push(Step::Extension(url.to_owned()));
            }
            Some(_) => return Err(refused()),
            None if step == "$this" => {}
            None if !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                steps.push(Step::child(step));
            }
            None => return Err(refused()),
        }
    }
    Ok(steps)
}

/// A dot inside brackets belongs to the step.
fn end_of_step(rest: &str) -> usize {
    let mut depth = 0;
    for (at, sign) in rest.char_indices() {
        match sign {
            '(' => depth += 1,
            ')' => depth -= 1,
            '.' if depth == 0 => return at,
            _ => {}
        }
    }
    rest.len()
}

/// The slices of a list by what tells them apart: a list may have hundreds, and a choice has its types.
#[derive(Debug, Default)]
pub(in crate::validation) struct SliceIndex {
    /// Which discriminator has the texts below, or the names of types.
    pub discriminator: usize,
    /// Slices that an item with this text or type may be in, and no other item.
    pub by_text: Table<Box<str>, Vec<usize>>,
    /// Those that every item may be in.
    pub others: Vec<usize>,
    /// Those that are looked at even if nothing is in them: needed, or with slices themselves.
    pub needed: Vec<usize>,
}

impl SliceIndex {
    fn of(slices: &[(String, ElementRule)], at: usize, discriminator: &Discriminator) -> Self {
        let mut index = Self { discriminator: at, ..Self::default() };
        for (at, (_, slice)) in slices.iter().enumerate() {
            match text(slice, discriminator) {
                Some(text) => index.by_text.entry(text).or_default().push(at),
                None => index.others.push(at),
            }
            if slice.min > Some(0) || !slice.slices.is_empty() {
                index.needed.push(at);
            }
        }
        index
    }
}

/// What the walk needs to tell the slices of a list apart, once the profile is complete.
pub(super) fn finish(list: &mut ElementRule) {
    list.implied = implied(list).map(Arc::new);
    let slicing = list.slicing.as_ref().or(list.implied.as_deref());
    let discriminators = slicing.map(|of| of.discriminators.as_slice()).unwrap_or_default();
    let indexes = discriminators.iter().enumerate();
    let indexes = indexes.map(|(at, of)| SliceIndex::of(&list.slices, at, of));
    // The one that tells most of them apart.
    let best = indexes.max_by_key(|index| index.by_text.len());
    list.index = Arc::new(best.unwrap_or_default());
}

/// The text that an item of the slice must have there, or the type that it must be of, where it is as
/// simple as that.
fn text(slice: &ElementRule, discriminator: &Discriminator) -> Option<Box<str>> {
    if discriminator.is_own_type() {
        return own_type(slice).map(Box::from);
    }
    let wanted = (discriminator.kind == DiscriminatorKind::Value)
        .then(|| plain(slice, &discriminator.path))
        .flatten();
    match wanted {
        Some(wanted) => match wanted.fixed.as_deref().or(wanted.pattern.as_deref())? {
            Value::String(text) => Some(text.as_str().into()),
            _ => None,
        },
        // An extension's definition is its url.
        None if discriminator.text == "url" => {
            let url = extension_url(slice)?;
            Some(canonical::url(url).into())
        }
        None => None,
    }
}

/// The one type of a slice, whose items are those of this type. A slice may be told by its name too, as
/// `valueQuantity` is: that has to say the same.
fn own_type(slice: &ElementRule) -> Option<&str> {
    let [TypeRule { code, targets, .. }] = slice.types.as_slice() else { return None };
    let (path, name) = slice.id.rsplit_once(':')?;
    let element = path.rsplit('.').next()?;
    let named = name.strip_prefix(element.strip_suffix("[x]").unwrap_or(element));
    let is_same = named.is_none_or(|named| named.eq_ignore_ascii_case(code));
    (is_same && targets.is_empty()).then_some(code)
}

/// The slicing that R4 gives where a profile leaves it out: extensions by url, choices by type.
fn implied(rule: &ElementRule) -> Option<Slicing> {
    if rule.slices.is_empty() || rule.slicing.is_some() {
        return None;
    }
    let last = rule.id.rsplit('.').next().unwrap_or_default();
    let (kind, path, text) = if last.ends_with("[x]") {
        (DiscriminatorKind::Type, Vec::new(), "$this")
    } else {
        (DiscriminatorKind::Value, vec![Step::child("url")], "url")
    };
    let discriminators = vec![Discriminator { kind, path, text: text.to_owned() }];
    Some(Slicing { discriminators, rules: SliceRules::Open, is_ordered: false })
}

/// The rule at the end of a path of names only, if it says what the value is and nothing else can.
pub(in crate::validation) fn plain<'r>(
    slice: &'r ElementRule,
    path: &[Step],
) -> Option<&'r ElementRule> {
    let is_plain = |rule: &ElementRule| rule.types.iter().all(|of| of.profiles.is_empty());
    let mut rule = slice;
    for step in path {
        let Step::Child(_, name) = step else { return None };
        if !is_plain(rule) {
            return None;
        }
        rule = rule.child(name).filter(|child| child.slices.is_empty())?;
    }
    (is_plain(rule) && rule.expects).then_some(rule)
}

pub(in crate::validation) fn extension_url(slice: &ElementRule) -> Option<&str> {
    let [of] = slice.types.as_slice() else { return None };
    if of.code != "Extension" {
        return None;
    }
    of.profiles.first().map(String::as_str)
}
