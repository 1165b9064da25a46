//! `$ref` and `$contained`: a Reference to the resource that another rule makes of a row.

use std::borrow::Cow;

use super::writer::{ContainedResource, Step, Writer, Written};
use super::{IssueSeverity, Record, frame};
use crate::diagnostic::Text;
use crate::evaluate::{self, Frame};
use crate::program::{Node, ReferenceTo, Rule, Term};

impl<'a> Writer<'a, '_> {
    pub(super) fn reference(
        &mut self,
        node: &'a Node,
        reference: &'a ReferenceTo,
        record: &'a Record,
        frame: &Frame<'a>,
    ) -> Written {
        let target = &self.emitter.rules.rules[reference.rule];
        let mut key: Vec<Cow<str>> = Vec::with_capacity(reference.key.len());
        for term in &reference.key {
            let text = evaluate::text(term, frame, &mut self.faults);
            self.flush_faults(term);
            match text {
                Some(text) => key.push(text),
                None => return Written::Nothing,
            }
        }
        let link = match reference.contained {
            None => {
                let key: Vec<&str> = key.iter().map(|text| &**text).collect();
                let ids = &self.emitter.referred;
                let Some(id) = ids.encode(reference.rule, &target.id, &key) else {
                    let en = "the key of the referred row is too long to make an id";
                    let text = Text::new(en, "参照先のキーが長すぎて id を作れません");
                    self.issue(IssueSeverity::Warning, "bad-key", &reference.key[0], text, None);
                    return Written::Nothing;
                };
                if let Some(followed) = &self.emitter.followed {
                    let key = key.iter().map(|text| (*text).to_owned()).collect();
                    followed.borrow_mut().insert((reference.rule, key));
                }
                format!("{}/{id}", target.resource)
            }
            Some(edge) => {
                let found = record.contained.get(edge).and_then(Option::as_deref);
                let Some(index) = self.travelling(target, found, &reference.key[0]) else {
                    return Written::Nothing;
                };
                format!("#{}", local_id(target, index))
            }
        };
        self.out.extend_from_slice(b"{\"reference\":\"");
        self.out.extend_from_slice(link.as_bytes());
        self.out.push(b'"');
        self.path.push(Step::Name("reference"));
        self.leaf_of(&link, reference.key[0].span, None, &reference.key, frame);
        self.path.pop();
        if let Some(text) = self.checked_text(reference.display.as_ref(), "string", frame) {
            self.out.extend_from_slice(b",\"display\":");
            self.text(&text);
            self.path.push(Step::Name("display"));
            self.leaf(&text, reference.display.as_ref().unwrap_or(&reference.key[0]), frame);
            self.path.pop();
        }
        self.out.push(b'}');
        if node.from_row { Written::FromRow } else { Written::Constant }
    }

    /// Takes the target into the list of contained resources; its place there, if it can be one.
    fn travelling(
        &mut self,
        target: &'a Rule,
        found: Option<&'a Record>,
        key: &'a Term,
    ) -> Option<usize> {
        if let Some(found) = found {
            return self.contained_resource(target, found);
        }
        let en = format!("no {} row has this key, or more than one has", target.resource);
        let ja = format!("参照先の {} の行がないか、複数あります", target.resource);
        self.issue(IssueSeverity::Warning, "missing-reference", key, Text::new(en, ja), None);
        None
    }

    /// Writes a contained resource beside the one that is being written. What it contains in turn
    /// joins the same list, because FHIR knows no contained inside contained. A target whose row
    /// lacks a required element is left out, and said so; the resource around it stays.
    fn contained_resource(&mut self, rule: &'a Rule, record: &'a Record) -> Option<usize> {
        let index = self.contained.len();
        self.contained.push(ContainedResource::default());
        let resource = self.path[0];
        let path = vec![resource, Step::Name("contained"), Step::Index(index)];
        let path = std::mem::replace(&mut self.path, path);
        let out = std::mem::replace(&mut self.out, Vec::with_capacity(1024));
        let unusable = std::mem::replace(&mut self.unusable, false);
        let part = self.part.take();
        let first_leaf = self.leaves.as_ref().map_or(0, |leaves| leaves.len());
        let frame = frame(self.emitter.rules, record);
        self.head(rule, &local_id(rule, index), &frame);
        self.meta(rule, record, &frame, None, None);
        self.body(rule, record, &frame);
        self.out.push(b'}');
        self.path = path;
        self.part = part;
        let json = std::mem::replace(&mut self.out, out);
        let usable = !std::mem::replace(&mut self.unusable, unusable);
        let leaves = self.leaves.as_mut().map(|leaves| leaves.split_off(first_leaf));
        if !usable {
            self.contained.truncate(index);
            return None;
        }
        self.contained[index] = ContainedResource { json, leaves: leaves.unwrap_or_default() };
        Some(index)
    }

    /// The list behind `$contained`, in the order of the local ids.
    pub(super) fn contained_resources(&mut self) {
        let mut separator: &[u8] = b",\"contained\":[";
        for contained in std::mem::take(&mut self.contained) {
            self.out.extend_from_slice(separator);
            self.out.extend_from_slice(&contained.json);
            separator = b",";
            if let Some(leaves) = &mut self.leaves {
                leaves.extend(contained.leaves);
            }
        }
        if separator == b"," {
            self.out.push(b']');
        }
    }
}

/// The id of a contained resource, by its place in the list.
pub(super) fn local_id(rule: &Rule, index: usize) -> String {
    format!("{}-{}", rule.resource.to_ascii_lowercase(), index + 1)
}
