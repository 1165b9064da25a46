//! Where an element stands: in the JSON of a resource, or in a document as it was written.
//!
//! Search parameters look at JSON that Genkan made, invariants at what a validator has read; neither
//! is copied into the other.

use serde_json::{Map, Value};

pub(super) use crate::tree::Scalar;
use crate::{
    definitions::PrimitiveKind,
    tree::{Form, Node as Written},
};

#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'a> {
    /// `value` is none for a primitive that has only an id or extensions; those are its `sibling`,
    /// the `_birthDate` of a `birthDate`.
    Json {
        value: Option<&'a Value>,
        sibling: Option<&'a Value>,
    },
    Written(Written<'a>),
}

impl<'a> Place<'a> {
    /// The value of a primitive of this kind. XML has its kind from R4 alone.
    pub fn scalar(self, kind: PrimitiveKind) -> Option<Scalar<'a>> {
        match self {
            Self::Json { value, .. } => Some(match value? {
                Value::Bool(boolean) => Scalar::Boolean(*boolean),
                Value::Number(number) => Scalar::Number(number.as_str()),
                Value::String(text) => Scalar::Text(text),
                Value::Null | Value::Array(_) | Value::Object(_) => return None,
            }),
            Self::Written(node) => node.scalar(kind),
        }
    }

    /// Whether a primitive has a value.
    pub fn has_value(self) -> bool {
        match self {
            Self::Json { value, .. } => value.is_some(),
            Self::Written(node) => node.text().is_some(),
        }
    }

    /// Of a complex element: whether it has this child.
    pub fn has(self, name: &str) -> bool {
        match self {
            Self::Json { value, .. } => object(value).is_some_and(|of| of.contains_key(name)),
            Self::Written(node) => node.child(name).is_some(),
        }
    }

    /// Of a complex element: the text of a child that is a string.
    pub fn text_of(self, name: &str) -> Option<&'a str> {
        match self {
            Self::Json { value, .. } => object(value)?.get(name)?.as_str(),
            Self::Written(node) => {
                let child = node.child(name)?;
                child.text().filter(|_| !matches!(child.form(), Form::Number | Form::Boolean))
            }
        }
    }

    /// What a resource says of its own type.
    pub fn resource_type(self) -> Option<&'a str> {
        match self {
            Self::Json { .. } => self.text_of("resourceType"),
            Self::Written(node) => node.resource_type(),
        }
    }

    /// Of a complex element: the digits of a child that is a number.
    pub fn number_of(self, name: &str) -> Option<&'a str> {
        match self {
            Self::Json { value, .. } => match object(value)?.get(name)? {
                Value::Number(number) => Some(number.as_str()),
                _ => None,
            },
            Self::Written(node) => {
                let scalar = Self::Written(node.child(name)?).scalar(PrimitiveKind::Decimal);
                match scalar {
                    Some(Scalar::Number(digits)) => Some(digits),
                    _ => None,
                }
            }
        }
    }

    /// The resource with this id inside this one.
    pub fn contained(self, id: &str) -> Option<Self> {
        let has_id = |place: &Self| place.text_of("id") == Some(id);
        match self {
            Self::Json { value, .. } => {
                let contained = object(value)?.get("contained")?.as_array()?;
                let place = |value| Self::Json { value: Some(value), sibling: None };
                contained.iter().map(place).find(has_id)
            }
            Self::Written(node) => node.all("contained").map(Self::Written).find(has_id),
        }
    }
}

pub(super) fn object(value: Option<&Value>) -> Option<&Map<String, Value>> {
    value.and_then(Value::as_object)
}
