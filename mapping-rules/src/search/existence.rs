//! Which rows become resources, and which elements are written of a row. A chain leads to resources
//! and not to rows: one without a required element can be read by nobody, so that no chain may lead
//! there. And what stands in an element is there only if the element is.
//!
//! What only the bytes of a row tell is not asked: text that can't be read, a key too long for an id.

use genkan_adapter::Predicate;

use super::coded::appears;
use super::rows::Rows;
use crate::codemap::UnmappedPolicy;
use crate::diagnostic::Text;
use crate::image::{Blocked, Imaged, any};
use crate::lens::TextTarget;
use crate::program::{Coded, CodedShape, Node, NodeKind, Property, Rule};

/// The rows of the rule that become resources; `Err` if the source can't be asked.
pub(super) fn is_resource(rows: Rows) -> Imaged {
    let Rule { emit, required, .. } = rows.rule;
    emit.iter().try_for_each(|property| mapped_or_not(rows, &property.node))?;
    let all = required.iter().map(|name| rows.one_of(emit, name));
    Ok(Predicate::All(all.collect::<Result<_, _>>()?))
}

/// A code map may say that what it does not map is no resource. That would be a list of all its codes.
fn mapped_or_not(rows: Rows, node: &Node) -> Result<(), Blocked> {
    match &node.kind {
        NodeKind::Coded(coded) => {
            let map = &rows.maps[coded.map];
            if map.unmapped.policy == UnmappedPolicy::Error {
                let id = &map.id;
                let en = format!("a row whose code map `{id}` does not map is no resource");
                let ja =
                    format!("コードマップ「{id}」にない行はリソースにならないため、たどれません");
                return Err(Blocked { span: node.span, text: Text::new(en, ja) });
            }
            Ok(())
        }
        NodeKind::List(items) => items.iter().try_for_each(|item| mapped_or_not(rows, item)),
        NodeKind::Object { properties, .. } => {
            properties.iter().try_for_each(|property| mapped_or_not(rows, &property.node))
        }
        NodeKind::Primitive { .. } | NodeKind::Reference(_) => Ok(()),
    }
}

impl Rows<'_> {
    /// One of the properties that make this element is written.
    fn one_of(&self, properties: &[Property], element: &str) -> Imaged {
        let own = properties.iter().filter(|property| property.element == element);
        let ways = own.map(|property| self.written(&property.node, false));
        Ok(any(ways.collect::<Result<_, _>>()?))
    }

    /// Something is written of the node; `from_row`: something that the row says, on which the object
    /// around it lives.
    fn written(&self, node: &Node, from_row: bool) -> Imaged {
        if from_row && !node.from_row {
            return Ok(Predicate::FALSE);
        }
        let mut image = match &node.condition {
            Some(condition) => self.imaging.condition(condition)?,
            None => Predicate::TRUE,
        };
        image = image.and(self.made(node, from_row)?);
        Ok(match node.each {
            Some(child) => self.exists(child, image),
            None => image,
        })
    }

    /// Something is written of the node where its own condition holds, in the row that it stands for.
    pub(super) fn is_made(&self, node: &Node) -> Imaged {
        self.made(node, false)
    }

    fn made(&self, node: &Node, from_row: bool) -> Imaged {
        if node.fixed.is_some() {
            return Ok(Predicate::TRUE);
        }
        match &node.kind {
            NodeKind::Primitive { term, .. } => self.imaging.text(term, &TextTarget::Present),
            NodeKind::Coded(coded) => self.coded_is_made(coded),
            NodeKind::Reference(reference) if reference.contained.is_some() => {
                let en = "whether the element is there depends on the row that it would contain";
                let ja = "要素の有無が contained にする行によるため、検索できません";
                Err(Blocked { span: node.span, text: Text::new(en, ja) })
            }
            NodeKind::Reference(reference) => {
                let present = |term| self.imaging.text(term, &TextTarget::Present);
                let parts: Result<Vec<_>, _> = reference.key.iter().map(present).collect();
                Ok(Predicate::All(parts?))
            }
            NodeKind::List(items) => {
                let ways = items.iter().map(|item| self.written(item, from_row));
                Ok(any(ways.collect::<Result<_, _>>()?))
            }
            NodeKind::Object { properties, required } => {
                let ways =
                    properties.iter().map(|property| self.written(&property.node, node.from_row));
                let mut image = any(ways.collect::<Result<_, _>>()?);
                for name in required {
                    image = image.and(self.one_of(properties, name)?);
                }
                Ok(image)
            }
        }
    }

    fn coded_is_made(&self, coded: &Coded) -> Imaged {
        if coded.shape == CodedShape::Code && coded.codes.is_some() {
            let en = "which codes of the map FHIR has here is only known row by row";
            let ja =
                "FHIR の値集合にあるコードかどうかが行ごとにしか分からないため、検索できません";
            return Err(Blocked { span: coded.from.span, text: Text::new(en, ja) });
        }
        appears(coded, &self.maps[coded.map], self.imaging)
    }
}
