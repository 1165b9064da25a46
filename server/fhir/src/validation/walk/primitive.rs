//! Values: how they are written, their lexical rules, and what profiles say of them.

use super::{Code, ElementRule, Rules, Spot, Walk};
use crate::{
    definitions::{PrimitiveFault, PrimitiveKind, check_primitive},
    outcome::IssueSeverity,
    validation::tree::{Form, Format},
};

impl<'w> Walk<'w> {
    pub(super) fn primitive(&mut self, spot: Spot<'w>, rules: &Rules<'w>) {
        let Spot { child, variant, node } = spot;
        let path = child.element.path;
        let Some(text) = node.text() else {
            if !node.has_children() {
                self.report(node, Code::Empty, path, "{}", "");
            }
            if let Some(rule) = rules.iter().find(|rule| rule.value_required) {
                self.report_rule(node, Code::ValueRequired, rule, "", "");
            }
            return;
        };
        let kind = variant.shape().and_then(|shape| shape.primitive);
        if node.format() == Format::Json
            && let Some(kind) = kind
            && !is_written_as(kind, node.form())
        {
            let found = match node.form() {
                Form::Number => "a number",
                Form::Boolean => "a boolean",
                _ => "a string",
            };
            self.report(node, Code::WrongForm, path, found, variant.code);
            return;
        }
        if kind == Some(PrimitiveKind::Xhtml) {
            self.narrative(node, path, text);
            return;
        }
        match check_primitive(variant.code, text) {
            Err(fault) => self.primitive_fault(spot, text, fault),
            Ok(()) => {
                self.absolute(spot, text);
                self.tags(spot, text);
            }
        }
        for rule in rules {
            self.length(spot, rule, text);
        }
    }

    fn primitive_fault(&mut self, spot: Spot<'w>, text: &str, fault: PrimitiveFault) {
        let Spot { child, variant, node } = spot;
        let path = child.element.path;
        match fault {
            PrimitiveFault::Empty => self.report(node, Code::Empty, path, "\"\"", ""),
            PrimitiveFault::TooLong(max) => {
                let found = text.len().to_string();
                self.report(node, Code::TooLong, path, &found, &max.to_string());
            }
            PrimitiveFault::Range(range) => {
                self.report(node, Code::OutOfRange, path, "", range);
            }
            PrimitiveFault::DateTime(_) if lacks_offset(variant.code, text) => {
                self.report(node, Code::NoTimeZone, path, "", "");
            }
            PrimitiveFault::Form(_)
            | PrimitiveFault::DateTime(_)
            | PrimitiveFault::NotPrimitive => {
                self.report(node, Code::PrimitiveValue, path, "", variant.code);
            }
        }
    }

    /// Code systems and canonicals are the same everywhere: a relative one means nothing.
    fn absolute(&mut self, spot: Spot<'w>, text: &str) {
        let Spot { child, variant, node } = spot;
        let path = child.element.path;
        let is_wanted =
            matches!(path, "Coding.system" | "Identifier.system") || variant.code == "canonical";
        // A contained code system or canonical has its id there.
        let is_local = text.starts_with('#') && path != "Identifier.system";
        if is_wanted && !is_absolute(text) && !is_local {
            self.report(node, Code::RelativeUri, path, "", "");
        }
        if matches!(variant.code, "uri" | "url" | "canonical") && !is_good_urn(text) {
            self.report(node, Code::PrimitiveValue, path, "", variant.code);
        }
    }

    /// What shows a text may take it for HTML: where that is refused, it is an error.
    fn tags(&mut self, spot: Spot<'w>, text: &str) {
        let Spot { child, variant, node } = spot;
        if !matches!(variant.code, "string" | "markdown") || !has_tag(text) {
            return;
        }
        let mut finding = self.finding(node, Code::HtmlTag, child.element.path, "", "");
        if self.outside.refuses_html {
            finding.severity = IssueSeverity::Error;
        }
        self.put(finding);
    }

    fn length(&mut self, spot: Spot<'w>, rule: &'w ElementRule, text: &str) {
        let length = || u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
        let (node, found) = (spot.node, || length().to_string());
        if let Some(max) = rule.max_length.filter(|max| length() > *max) {
            self.report_rule(node, Code::TooLong, rule, &found(), &max.to_string());
        }
        if let Some(min) = rule.min_length.filter(|min| length() < *min) {
            self.report_rule(node, Code::TooShort, rule, &found(), &min.to_string());
        }
    }
}

/// Whether only the offset of a time is missing.
fn lacks_offset(type_code: &str, text: &str) -> bool {
    matches!(type_code, "dateTime" | "instant")
        && text.contains('T')
        && check_primitive(type_code, &format!("{text}Z")).is_ok()
}

/// An OID or a UUID in a URI is written as one; other URNs may be anything.
fn is_good_urn(uri: &str) -> bool {
    let plain = uri.split(['|', '#']).next().unwrap_or(uri);
    if plain.starts_with("urn:oid:") {
        return check_primitive("oid", plain).is_ok();
    }
    !plain.starts_with("urn:uuid:") || check_primitive("uuid", &plain.to_ascii_lowercase()).is_ok()
}

/// `<b>`, `</b>` or `<!--`; not `CRP < 0.3`.
fn has_tag(text: &str) -> bool {
    text.split('<').skip(1).any(|rest| {
        let name = rest.strip_prefix('/').unwrap_or(rest);
        let is_tag = name.starts_with(|sign: char| sign.is_ascii_alphabetic() || sign == '!');
        is_tag && rest.contains('>')
    })
}

/// A scheme and a colon (RFC 3986).
pub(super) fn is_absolute(uri: &str) -> bool {
    uri.split_once(':').is_some_and(|(scheme, rest)| {
        let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        scheme.starts_with(|letter: char| letter.is_ascii_alphabetic())
            && scheme.bytes().all(is_scheme)
            && !rest.is_empty()
    })
}

fn is_written_as(kind: PrimitiveKind, form: Form) -> bool {
    match kind {
        PrimitiveKind::Boolean => form == Form::Boolean,
        PrimitiveKind::Integer | PrimitiveKind::Decimal => form == Form::Number,
        _ => form == Form::String,
    }
}
