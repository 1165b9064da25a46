//! Values: how they are written, their lexical rules, and what profiles say of them.

use super::{Code, ElementRule, Spot, Walk};
use crate::{
    definitions::{PrimitiveFault, PrimitiveKind, PrimitiveType},
    outcome::IssueSeverity,
    validation::tree::{Form, Format},
};

/// Of a decimal, as R5 has it.
const DIGITS_MAX: usize = 18;

impl<'w> Walk<'w> {
    pub(super) fn primitive(
        &mut self,
        spot: Spot<'w>,
        of_type: PrimitiveType,
        rules: &[&'w ElementRule],
    ) {
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
        if node.format() == Format::Json && !is_written_as(of_type.kind(), node.form()) {
            let found = match node.form() {
                Form::Number => "a number",
                Form::Boolean => "a boolean",
                _ => "a string",
            };
            self.report(node, Code::WrongForm, path, found, variant.code);
            return;
        }
        if of_type == PrimitiveType::Xhtml {
            self.narrative(node, path, text);
            return;
        }
        let checked = if node.is_plain() { of_type.check_plain(text) } else { of_type.check(text) };
        match (checked, of_type) {
            (Err(fault), _) => self.primitive_fault(spot, text, fault),
            (Ok(()), PrimitiveType::Uri | PrimitiveType::Url | PrimitiveType::Canonical) => {
                self.uri(spot, of_type, text);
            }
            (Ok(()), PrimitiveType::Decimal) => self.digits(spot, text),
            (Ok(()), PrimitiveType::String | PrimitiveType::Markdown) => self.tags(spot, text),
            (Ok(()), _) => {}
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
    fn uri(&mut self, spot: Spot<'w>, of_type: PrimitiveType, text: &str) {
        let Spot { child, variant, node } = spot;
        let path = child.element.path;
        let is_wanted = of_type == PrimitiveType::Canonical
            || matches!(path, "Coding.system" | "Identifier.system" | "Quantity.system");
        // A contained code system or canonical has its id there.
        let is_local = text.starts_with('#') && path != "Identifier.system";
        if is_wanted && !is_absolute(text) && !is_local {
            self.report(node, Code::RelativeUri, path, "", "");
        }
        if !is_good_urn(text) {
            self.report(node, Code::PrimitiveValue, path, "", variant.code);
        }
    }

    /// R4 sets no bound to a decimal. R5 says 18 digits, and what reads JSON numbers as IEEE 754 makes 0 or
    /// infinity of those that are too small or too large.
    ///
    /// Spec: <https://hl7.org/fhir/R5/datatypes.html#decimal>
    fn digits(&mut self, spot: Spot<'w>, text: &str) {
        let path = spot.child.element.path;
        let (mantissa, _) = text.split_once(['e', 'E']).unwrap_or((text, ""));
        let digits = mantissa.bytes().filter(u8::is_ascii_digit);
        let digits = digits.skip_while(|digit| *digit == b'0').count();
        if digits > DIGITS_MAX {
            let (found, allowed) = (format!("{digits} digits"), format!("{DIGITS_MAX} digits"));
            self.report(spot.node, Code::Digits, path, &found, &allowed);
        }
        let number = text.parse::<f64>().unwrap_or_default();
        if number.is_infinite() || digits > 0 && number.abs() < f64::MIN_POSITIVE {
            let allowed = format!("{:e} to {:e}", f64::MIN_POSITIVE, f64::MAX);
            self.report(spot.node, Code::Digits, path, "too small or too large", &allowed);
        }
    }

    /// What shows a text may take it for HTML: where that is refused, it is an error.
    fn tags(&mut self, spot: Spot<'w>, text: &str) {
        let Spot { child, node, .. } = spot;
        if !has_tag(text) {
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
    let of_type = PrimitiveType::named(type_code);
    of_type.is_some_and(|of_type| {
        matches!(of_type, PrimitiveType::DateTime | PrimitiveType::Instant)
            && text.contains('T')
            && of_type.check(&format!("{text}Z")).is_ok()
    })
}

/// An OID or a UUID in a URI is written as one; other URNs may be anything.
fn is_good_urn(uri: &str) -> bool {
    if !uri.starts_with("urn:") {
        return true;
    }
    let plain = uri.split(['|', '#']).next().unwrap_or(uri);
    if plain.starts_with("urn:oid:") {
        return PrimitiveType::Oid.check_plain(plain).is_ok();
    }
    !plain.starts_with("urn:uuid:")
        || PrimitiveType::Uuid.check(&plain.to_ascii_lowercase()).is_ok()
}

/// `<b>`, `</b>` or `<!--`; not `CRP < 0.3`.
fn has_tag(text: &str) -> bool {
    memchr::memchr(b'<', text.as_bytes()).is_some()
        && text.split('<').skip(1).any(|rest| {
            let name = rest.strip_prefix('/').unwrap_or(rest);
            let is_tag = name.starts_with(|sign: char| sign.is_ascii_alphabetic() || sign == '!');
            is_tag && rest.contains('>')
        })
}

/// A scheme and a colon (RFC 3986).
pub(super) fn is_absolute(uri: &str) -> bool {
    let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let bytes = uri.as_bytes();
    let scheme = bytes.iter().take_while(|byte| is_scheme(**byte)).count();
    bytes.first().is_some_and(u8::is_ascii_alphabetic)
        && bytes.get(scheme) == Some(&b':')
        && bytes.len() > scheme + 1
}

fn is_written_as(kind: PrimitiveKind, form: Form) -> bool {
    match kind {
        PrimitiveKind::Boolean => form == Form::Boolean,
        PrimitiveKind::Integer | PrimitiveKind::Decimal => form == Form::Number,
        _ => form == Form::String,
    }
}
