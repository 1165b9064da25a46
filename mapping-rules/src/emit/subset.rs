//! `meta.tag` of a part of a resource, so that nobody takes it for the whole.
//!
//! Spec: <https://hl7.org/fhir/R4/search.html#summary>, <https://hl7.org/fhir/R4/valueset-common-tags.html>

use super::Record;
use super::writer::{Writer, Written};
use crate::evaluate::Frame;
use crate::program::Property;

const SUBSETTED: &[u8] = br#"{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED","display":"subsetted"}"#;

impl<'a> Writer<'a, '_> {
    /// The properties of `meta`, with SUBSETTED behind the rule's own tags.
    pub(super) fn tagged(
        &mut self,
        properties: &'a [Property],
        record: &'a Record,
        frame: &Frame<'a>,
        open: usize,
    ) {
        let is_tag = |property: &Property| property.name == "tag";
        let place = properties.iter().position(is_tag);
        // Without tags of the rule it stands where R4 has it, at the end.
        let (before, tag_and_after) = properties.split_at(place.unwrap_or(properties.len()));
        let (tag, after) = tag_and_after.split_at(tag_and_after.len().min(1));
        self.properties(before, record, frame, open);
        let (written, _) = self.properties(tag, record, frame, open);
        if written == Written::Nothing {
            self.name("tag", open);
            self.out.push(b'[');
        } else {
            // Behind the last of them, in the same list.
            self.out.pop();
            self.out.push(b',');
        }
        self.out.extend_from_slice(SUBSETTED);
        self.out.push(b']');
        self.properties(after, record, frame, open);
    }
}
