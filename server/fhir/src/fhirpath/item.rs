//! What an expression works on: elements of resources, and values of FHIRPath's own types.

use std::{borrow::Cow, fmt};

use rust_decimal::Decimal;
use serde_json::Value;
use smallvec::SmallVec;

use super::{
    decimal,
    error::Fault,
    model::{Kind, Model, TypeId},
    place::{Place, Scalar},
    program::{Literal, SystemType},
    quantity::{Quantity, Unit},
    temporal::{CalendarUnit, Temporal, TemporalKind},
};
use crate::{definitions::PrimitiveKind, tree::Node as Written};

/// A resource, or an element of one, with its type.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    pub(super) place: Place<'a>,
    pub(super) of: TypeId,
}

/// One item of a collection.
#[derive(Debug, Clone)]
pub enum Item<'a> {
    Node(Node<'a>),
    Boolean(bool),
    Integer(i32),
    Decimal(Decimal),
    String(Cow<'a, str>),
    Temporal(Temporal),
    Quantity(Box<Quantity<'a>>),
    /// The result of `type()`.
    Type(TypeName),
    /// The target of a reference, of which only the type is known.
    Unloaded(TypeName),
}

/// A type's name with its namespace: `FHIR.Patient`, `System.String`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TypeName {
    pub namespace: &'static str,
    pub name: &'static str,
    pub(super) of: Option<TypeId>,
}

/// The result of an expression: items in their order, often one or none.
#[derive(Debug, Clone, Default)]
pub struct Collection<'a>(pub(super) SmallVec<[Item<'a>; 2]>);

impl<'a> Node<'a> {
    /// A resource; `None` if its `resourceType` isn't one of R4.
    pub fn of_resource(resource: &'a Value) -> Option<Self> {
        Self::resource(Place::Json { value: Some(resource), sibling: None })
    }

    /// An element by its type: `HumanName`, `string`, `Observation.component`. `value` is its JSON
    /// without the array around it, `sibling` that of `_name`. `None` for an unknown type.
    pub fn of_element(
        type_path: &str,
        value: Option<&'a Value>,
        sibling: Option<&'a Value>,
    ) -> Option<Self> {
        let place = Place::Json { value, sibling };
        Some(Self { place, of: Model::r4().at(type_path)? })
    }

    /// A resource in a document that was read; `None` if its type isn't one of R4.
    pub fn of_written_resource(resource: Written<'a>) -> Option<Self> {
        Self::resource(Place::Written(resource))
    }

    /// An element in a document that was read, by its type.
    pub fn of_written(type_path: &str, element: Written<'a>) -> Option<Self> {
        Some(Self::written_as(Model::r4().at(type_path)?, element))
    }

    pub(crate) fn written_as(of: TypeId, element: Written<'a>) -> Self {
        Self { place: Place::Written(element), of }
    }

    pub(super) fn resource(place: Place<'a>) -> Option<Self> {
        let of = Model::r4().resource(place.resource_type()?)?;
        Some(Self { place, of })
    }

    /// The JSON of the element, if it stands in JSON.
    pub fn value(&self) -> Option<&'a Value> {
        match self.place {
            Place::Json { value, .. } => value,
            Place::Written(_) => None,
        }
    }

    /// The JSON with the id and the extensions of a primitive.
    pub fn sibling(&self) -> Option<&'a Value> {
        match self.place {
            Place::Json { sibling, .. } => sibling,
            Place::Written(_) => None,
        }
    }

    /// The element of the document that was read, if it stands in one.
    pub fn written(&self) -> Option<Written<'a>> {
        match self.place {
            Place::Json { .. } => None,
            Place::Written(node) => Some(node),
        }
    }

    /// The same with its type.
    pub(super) fn written_of(&self) -> Option<(Written<'a>, TypeId)> {
        self.written().map(|written| (written, self.of))
    }

    /// `Patient`, `HumanName`, `string`; `Patient.contact` for an element without a type of its own.
    pub fn type_path(&self) -> &'static str {
        Model::r4().path(self.of)
    }

    pub(super) fn kind(&self) -> Kind {
        Model::r4().kind(self.of)
    }

    pub(super) fn is_primitive(&self) -> bool {
        matches!(self.kind(), Kind::Primitive(_))
    }

    pub(super) fn has_value(&self) -> bool {
        self.is_primitive() && self.place.has_value()
    }

    /// The value of a primitive as it was written.
    pub(super) fn scalar(&self) -> Option<Scalar<'a>> {
        match self.kind() {
            Kind::Primitive(kind) => self.place.scalar(kind),
            Kind::Quantity | Kind::Complex | Kind::Resource => None,
        }
    }

    /// The value in FHIRPath's own types; `None` if it has none, as a HumanName. A text that isn't
    /// what its type promises (`"birthDate": "昭和"`) is a String.
    pub(super) fn system_value(&self) -> Result<Option<Item<'a>>, Fault> {
        let kind = match self.kind() {
            Kind::Primitive(kind) => kind,
            Kind::Quantity => return self.quantity(),
            Kind::Complex | Kind::Resource => return Ok(None),
        };
        Ok(match self.place.scalar(kind) {
            Some(Scalar::Boolean(boolean)) => Some(Item::Boolean(boolean)),
            Some(Scalar::Number(digits)) => Some(number_item(digits, kind)?),
            Some(Scalar::Text(text)) => Some(text_item(text, kind)),
            None => None,
        })
    }

    /// Of a quantity without comparator; `<5` is no number.
    fn quantity(&self) -> Result<Option<Item<'a>>, Fault> {
        let text = |name: &str| self.place.text_of(name);
        let Some(digits) = self.place.number_of("value") else { return Ok(None) };
        if self.place.has("comparator") {
            return Ok(None);
        }
        let value = decimal::parse_json(digits).ok_or(Fault::NumberRange)?;
        let unit = match (text("system"), text("code"), text("unit")) {
            (Some(UCUM), Some(code), _) => match CalendarUnit::of_element(code) {
                Some(unit) => Unit::Calendar(unit),
                None => Unit::Ucum(Cow::Borrowed(code)),
            },
            (Some(system), Some(code), _) => Unit::Other(Cow::Owned(format!("{system}|{code}"))),
            (None, Some(unit), _) | (_, None, Some(unit)) => Unit::Other(Cow::Borrowed(unit)),
            (_, None, None) => Unit::Ucum(Cow::Borrowed("1")),
        };
        Ok(Some(Item::Quantity(Box::new(Quantity { value, unit }))))
    }

    pub(super) fn type_name(&self) -> TypeName {
        TypeName::fhir(self.of)
    }
}

const UCUM: &str = "http://unitsofmeasure.org";

fn number_item<'a>(digits: &str, kind: PrimitiveKind) -> Result<Item<'a>, Fault> {
    if kind == PrimitiveKind::Integer
        && let Ok(integer) = digits.parse()
    {
        return Ok(Item::Integer(integer));
    }
    decimal::parse_json(digits).map(Item::Decimal).ok_or(Fault::NumberRange)
}

fn text_item(text: &str, kind: PrimitiveKind) -> Item<'_> {
    let temporal = match kind {
        PrimitiveKind::Date => Temporal::parse_date(text),
        PrimitiveKind::DateTime | PrimitiveKind::Instant => Temporal::parse_date_time(text),
        PrimitiveKind::Time => Temporal::parse_time(text),
        _ => None,
    };
    temporal.map_or(Item::String(Cow::Borrowed(text)), Item::Temporal)
}

/// `FHIR.Patient`, `System.String`.
impl fmt::Display for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.namespace, self.name)
    }
}

impl TypeName {
    pub(super) fn fhir(of: TypeId) -> Self {
        Self { namespace: "FHIR", name: Model::r4().type_name(of), of: Some(of) }
    }

    pub(super) fn system(of: SystemType) -> Self {
        Self { namespace: "System", name: of.name(), of: None }
    }
}

impl<'a> Item<'a> {
    pub(super) fn of_literal(literal: &'a Literal) -> Self {
        match literal {
            Literal::Boolean(boolean) => Self::Boolean(*boolean),
            Literal::Integer(integer) => Self::Integer(*integer),
            Literal::Decimal(decimal) => Self::Decimal(*decimal),
            Literal::String(text) => Self::String(Cow::Borrowed(text)),
            Literal::Temporal(temporal) => Self::Temporal(*temporal),
            Literal::Quantity(quantity) => Self::Quantity(quantity.clone()),
        }
    }

    /// The element of the resource that the item is; `None` for a calculated value.
    pub fn node(&self) -> Option<Node<'a>> {
        match self {
            Self::Node(node) => Some(*node),
            _ => None,
        }
    }

    /// The type, as `type()` says it.
    pub fn type_name(&self) -> TypeName {
        match self {
            Self::Node(node) => node.type_name(),
            Self::Unloaded(of) => *of,
            Self::Type(_) => TypeName { namespace: "System", name: "TypeInfo", of: None },
            _ => self
                .system_type()
                .map_or(TypeName { namespace: "System", name: "Any", of: None }, TypeName::system),
        }
    }

    pub(super) fn system_type(&self) -> Option<SystemType> {
        Some(match self {
            Self::Boolean(_) => SystemType::Boolean,
            Self::Integer(_) => SystemType::Integer,
            Self::Decimal(_) => SystemType::Decimal,
            Self::String(_) => SystemType::String,
            Self::Temporal(of) => match of.kind {
                TemporalKind::Date => SystemType::Date,
                TemporalKind::DateTime => SystemType::DateTime,
                TemporalKind::Time => SystemType::Time,
            },
            Self::Quantity(_) => SystemType::Quantity,
            Self::Node(_) | Self::Type(_) | Self::Unloaded(_) => return None,
        })
    }

    /// The text of what is a String whatever stands in it: no date, no number.
    pub(super) fn plain_text(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            Self::Node(node) => {
                let kind = Model::r4().primitive(node.of)?;
                let is_plain = matches!(
                    kind,
                    PrimitiveKind::Text | PrimitiveKind::Base64 | PrimitiveKind::Xhtml
                );
                match node.place.scalar(kind) {
                    Some(Scalar::Text(text)) if is_plain => Some(text),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The item in FHIRPath's own types where it has such a value, and as it is otherwise.
    pub(super) fn simplified(&self) -> Result<Cow<'_, Self>, Fault> {
        match self {
            Self::Node(node) => Ok(match node.system_value()? {
                Some(value) => Cow::Owned(value),
                None => Cow::Borrowed(self),
            }),
            _ => Ok(Cow::Borrowed(self)),
        }
    }

    /// As `toString()` writes it; `None` for what has no such form.
    pub fn text(&self) -> Option<Cow<'a, str>> {
        Some(match self {
            Self::Boolean(true) => Cow::Borrowed("true"),
            Self::Boolean(false) => Cow::Borrowed("false"),
            Self::Integer(integer) => Cow::Owned(integer.to_string()),
            Self::Decimal(decimal) => Cow::Owned(decimal.to_string()),
            Self::String(text) => text.clone(),
            Self::Temporal(temporal) => Cow::Owned(temporal.to_string()),
            Self::Quantity(quantity) => Cow::Owned(quantity.to_string()),
            Self::Node(node) if node.is_primitive() => match node.scalar()? {
                Scalar::Text(text) | Scalar::Number(text) => Cow::Borrowed(text),
                Scalar::Boolean(true) => Cow::Borrowed("true"),
                Scalar::Boolean(false) => Cow::Borrowed("false"),
            },
            Self::Node(node) => return node.system_value().ok()??.text(),
            Self::Type(of) => Cow::Owned(of.to_string()),
            Self::Unloaded(_) => return None,
        })
    }
}

impl<'a> Collection<'a> {
    pub fn items(&self) -> &[Item<'a>] {
        &self.0
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn of(item: Item<'a>) -> Self {
        let mut items = SmallVec::new();
        items.push(item);
        Self(items)
    }

    pub(super) fn of_boolean(boolean: Option<bool>) -> Self {
        boolean.map_or(Self::default(), |boolean| Self::of(Item::Boolean(boolean)))
    }

    pub(super) fn of_count(count: usize) -> Self {
        Self::of(Item::Integer(i32::try_from(count).unwrap_or(i32::MAX)))
    }

    /// The one item, or none; several are a fault.
    pub(super) fn single(&self) -> Result<Option<&Item<'a>>, Fault> {
        match self.items() {
            [] => Ok(None),
            [item] => Ok(Some(item)),
            several => Err(Fault::NotSingle { count: several.len() }),
        }
    }

    /// As the criterion of `where` and the operands of `and` are read: a Boolean counts as it is,
    /// one item of another type is true (N1, 4.5).
    pub(super) fn boolean(&self) -> Result<Option<bool>, Fault> {
        let Some(item) = self.single()? else { return Ok(None) };
        Ok(Some(match item {
            Item::Boolean(boolean) => *boolean,
            Item::Node(node) => match node.scalar() {
                Some(Scalar::Boolean(boolean)) => boolean,
                _ => true,
            },
            _ => true,
        }))
    }
}

impl<'a> FromIterator<Item<'a>> for Collection<'a> {
    fn from_iter<I: IntoIterator<Item = Item<'a>>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl<'a> IntoIterator for Collection<'a> {
    type Item = Item<'a>;
    type IntoIter = smallvec::IntoIter<[Item<'a>; 2]>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
