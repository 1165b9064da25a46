//! How the items of a list are told apart.

use serde_json::Value;

use super::ProfileFault;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::validation) struct Slicing {
    pub discriminators: Vec<Discriminator>,
    pub rules: SliceRules,
    pub is_ordered: bool,
}

impl Slicing {
    /// How extensions are told apart.
    pub fn by_url(rules: SliceRules) -> Self {
        let path = vec![Step::Child("url".to_owned())];
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
    Child(String),
    /// `extension('url')`
    Extension(String),
    Resolve,
    OfType(String),
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
                steps.push(Step::Child(step.to_owned()));
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
