//! `$ref` and `$contained`: a Reference to the resource that another rule makes of a row.

use std::borrow::Cow;

use super::writer::{Step, Writer, Written};
use super::{IssueSeverity, Record, frame};
use crate::diagnostic::Text;
use crate::evaluate::{self, Frame};
use crate::program::{Node, ReferenceTo, Rule};

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
                let Some(id) = self.emitter.identity.encode(&target.id, &key) else {
                    let en = "the key of the referred row is too long to make an id";
                    let text = Text::new(en, "参照先のキーが長すぎて id を作れません");
                    self.issue(IssueSeverity::Warning, "bad-key", &reference.key[0], text, None);
                    return Written::Nothing;
                };
                format!("{}/{id}", target.resource)
            }
            Some(edge) => match record.contained.get(edge).and_then(Option::as_deref) {
                Some(found) => {
                    self.contained.push((target, found));
                    format!("#{}", local_id(target, self.contained.len() - 1))
                }
                None => {
                    let en = format!("no {} row has this key", target.resource);
                    let ja = format!("参照先の {} の行がありません", target.resource);
                    let text = Text::new(en, ja);
                    let term = &reference.key[0];
                    self.issue(IssueSeverity::Warning, "missing-reference", term, text, None);
                    return Written::Nothing;
                }
            },
        };
        self.out.extend_from_slice(b"{\"reference\":\"");
        self.out.extend_from_slice(link.as_bytes());
        self.out.push(b'"');
        self.leaf(&link, &reference.key[0], frame);
        if let Some(text) = self.term_text(reference.display.as_ref(), frame) {
            self.out.extend_from_slice(b",\"display\":");
            self.text(&text);
        }
        self.out.push(b'}');
        if node.from_row { Written::FromRow } else { Written::Constant }
    }

    /// The list behind `$contained`, in the order of the local ids.
    pub(super) fn contained_resources(&mut self) {
        if self.contained.is_empty() {
            return;
        }
        self.out.extend_from_slice(b",\"contained\":[");
        let mut index = 0;
        // A contained resource may refer to further ones: they join the same list, because FHIR
        // knows no contained inside contained.
        while let Some(&(rule, record)) = self.contained.get(index) {
            if index > 0 {
                self.out.push(b',');
            }
            self.path.truncate(1);
            self.path.extend([Step::Name("contained"), Step::Index(index)]);
            let frame = frame(self.emitter.rules, record);
            self.head(rule, &local_id(rule, index));
            self.meta(rule, record, &frame, None, None);
            self.body(rule, record, &frame);
            self.out.push(b'}');
            index += 1;
        }
        self.out.push(b']');
    }
}

/// The id of a contained resource, by its place in the list.
pub(super) fn local_id(rule: &Rule, index: usize) -> String {
    format!("{}-{}", rule.resource.to_ascii_lowercase(), index + 1)
}
