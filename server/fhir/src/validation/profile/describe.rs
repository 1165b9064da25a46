//! A profile's rules as lines, for people and for comparing.

use std::fmt::Write as _;

use super::{ElementRule, Profile, TypeRule};

impl Profile {
    /// One line for each element that the profile asks something of, beyond R4.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        add(&self.root, &self.of_type, &mut lines);
        lines.sort();
        lines
    }
}

fn add(rule: &ElementRule, path: &str, lines: &mut Vec<String>) {
    let mut line = path.to_owned();
    // Writing to a String doesn't fail.
    let mut tell = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = write!(line, " {name}={value}");
        }
    };
    tell("min", rule.min.map(|min| min.to_string()));
    tell("max", rule.max.map(|max| max.to_string()));
    let types: Vec<String> = rule.types.iter().map(type_text).collect();
    tell("types", (!types.is_empty()).then(|| types.join("|")));
    tell("fixed", rule.fixed.as_ref().map(ToString::to_string));
    tell("pattern", rule.pattern.as_ref().map(ToString::to_string));
    tell("minValue", rule.min_value.as_ref().map(ToString::to_string));
    tell("maxValue", rule.max_value.as_ref().map(ToString::to_string));
    tell("minLength", rule.min_length.map(|length| length.to_string()));
    tell("maxLength", rule.max_length.map(|length| length.to_string()));
    tell("valueRequired", rule.value_required.then(|| "true".to_owned()));
    let binding = rule.binding.as_ref();
    tell("binding", binding.map(|of| format!("{:?} {}", of.strength, of.value_set)));
    let more: Vec<&str> = rule.more_bindings.iter().map(|of| of.value_set.as_str()).collect();
    tell("moreBindings", (!more.is_empty()).then(|| more.join(",")));
    let mut keys: Vec<&str> = rule.invariants.iter().map(|of| of.key.as_str()).collect();
    keys.sort_unstable();
    tell("invariants", (!keys.is_empty()).then(|| keys.join(",")));
    let slicing = rule.slicing.as_ref().filter(|_| !rule.slices.is_empty());
    tell(
        "slicing",
        slicing.map(|of| {
            let by: Vec<String> =
                of.discriminators.iter().map(|by| format!("{:?}:{}", by.kind, by.text)).collect();
            format!("{:?},{},{}", of.rules, of.is_ordered, by.join("+"))
        }),
    );
    if line.len() > path.len() {
        lines.push(line);
    }
    for (name, child) in &rule.children {
        add(child, &format!("{path}.{name}"), lines);
    }
    for (name, slice) in &rule.slices {
        add(slice, &format!("{path}:{name}"), lines);
    }
}

fn type_text(of: &TypeRule) -> String {
    format!("{}[{}]({})", of.code, of.profiles.join(","), of.targets.join(","))
}
