//! Resources between FHIR's JSON and FHIR's XML.
//!
//! fhirbolt's element model does the work, behind guards, for it was measured to panic on empty
//! arrays, to accept truncated XML, and to repair what it should refuse. It must not see anything
//! that the guards haven't seen, and it is no validator: what comes out is the same content in the
//! other form, no better and no worse.
//!
//! Narratives go round the library, byte for byte: it drops their white space and attributes.
//!
//! Messages never repeat content.

mod document;
mod json;

use std::panic::catch_unwind;

use fhirbolt::{FhirReleases, element::Element};
use serde_json::Value;
use thiserror::Error;

type R4 = Element<{ FhirReleases::R4 }>;

/// Deeper than any real resource; protects the stack.
pub const MAX_DEPTH: usize = 64;
/// Larger than any real document with its attachments.
pub const MAX_XML_BYTES: usize = 64 * 1024 * 1024;

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum XmlError {
    #[error("not a FHIR resource: no resourceType")]
    NoResourceType,
    #[error("{0} is not a resource type of R4")]
    UnknownResourceType(String),
    #[error("an empty array, empty object, empty string or null, which FHIR doesn't have")]
    Empty,
    #[error("a character that XML can't hold")]
    Character,
    #[error("nested deeper than {MAX_DEPTH}")]
    TooDeep,
    #[error("longer than {MAX_XML_BYTES} bytes")]
    TooLong,
    #[error("not well-formed XML, at byte {at}")]
    NotWellFormed { at: u64 },
    #[error("a DOCTYPE, processing instruction or entity, which FHIR doesn't allow")]
    Forbidden,
    #[error("a namespace prefix: write FHIR's namespace as the default one")]
    Prefixed,
    #[error("a narrative that is not one XHTML div")]
    Narrative,
    #[error("R4 has no element {0} there")]
    UnknownElement(String),
    #[error("not a resource as R4 defines it")]
    Content,
}

/// The resource as an XML document.
///
/// # Errors
/// When the value isn't a resource with R4's elements, or can't be written as XML.
pub fn from_json(resource: &Value) -> Result<String, XmlError> {
    let json::Checked { resource, narratives } = json::Checked::of(resource)?;
    let xml = guarded(|| {
        let element: R4 = fhirbolt::json::from_json_value(resource, None)
            .map_err(|error| described(&error.to_string()))?;
        fhirbolt::xml::to_string(&element, None).map_err(|_| XmlError::Content)
    })?;
    Ok(document::restore_in_xml(&json::restore_line_breaks(xml), &narratives))
}

/// The resource of an XML document.
///
/// # Errors
/// When the text isn't well-formed, uses what FHIR forbids, or isn't a resource with R4's
/// elements.
pub fn to_json(xml: &str) -> Result<Value, XmlError> {
    let document = document::Document::checked(xml)?;
    let mut resource = guarded(|| {
        let element: R4 = fhirbolt::xml::from_str(&document.xml, None)
            .map_err(|error| described(&error.to_string()))?;
        fhirbolt::json::to_json_value(element, None).map_err(|_| XmlError::Content)
    })?;
    document::restore_in_json(&mut resource, &document.narratives);
    Ok(resource)
}

/// The name of a type for a message, if it looks like one.
fn unknown_type(name: &str) -> XmlError {
    let is_plain = name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    XmlError::UnknownResourceType(if is_plain { name.to_owned() } else { "this".to_owned() })
}

/// A panic in the library is an error of the content, not the end of the server.
fn guarded<T>(
    work: impl FnOnce() -> Result<T, XmlError> + std::panic::UnwindSafe,
) -> Result<T, XmlError> {
    catch_unwind(work).unwrap_or(Err(XmlError::Content))
}

/// The library's messages may quote content: only the name of an unknown element is kept.
fn described(message: &str) -> XmlError {
    let name = message
        .split_once("unknown field `")
        .and_then(|(_, rest)| rest.split_once('`'))
        .map(|(name, _)| name)
        .filter(|name| name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    name.map_or(XmlError::Content, |name| XmlError::UnknownElement(name.to_owned()))
}
