//! Everything that a server shows, and what a parameter's FHIRPath finds in it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, FixedOffset, Utc};
use genkan_fhir::definitions::{Component, Definitions, ParameterType, SearchParameter};
use genkan_fhir::fhirpath::{Context as PathContext, Expression, Item, Node, Resolved};
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization as _;

use super::ask::address;
use super::declared;
use super::question::Question;
use crate::harness::Genkan;

/// Something that a FHIRPath expression found, with its FHIR type.
#[derive(Debug, Clone)]
pub struct Element {
    pub kind: String,
    pub value: Value,
    /// Of a composite parameter: what each of its components finds here.
    pub parts: Vec<Vec<Element>>,
}

impl Element {
    fn of(kind: &str, value: Value) -> Self {
        Element { kind: kind.to_owned(), value, parts: Vec::new() }
    }
}

/// A resource with its `Type/id`.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    pub address: String,
    pub value: Value,
}

/// What a parameter looks at in each resource of a type, in the order of [`Archive::of`].
pub type Column = Vec<Vec<Element>>;

/// Resources of one type, by their places in [`Archive::of`].
pub type Set = BTreeSet<usize>;

/// The resources of a server, by type.
pub struct Archive {
    types: BTreeMap<String, Vec<Resource>>,
    /// Of each address among the resources of its type.
    places: HashMap<String, usize>,
    /// Of the hospital.
    pub zone: FixedOffset,
    pub now: DateTime<FixedOffset>,
    columns: RefCell<HashMap<(String, &'static str), Rc<Column>>>,
    pub(super) answers: RefCell<HashMap<Question, Option<Rc<Set>>>>,
    compiled: RefCell<HashMap<&'static str, Rc<Expression>>>,
}

impl Archive {
    /// Reads every page of every type that `/metadata` names.
    pub fn read(genkan: &Genkan) -> Result<Self> {
        let metadata = genkan.get("/fhir/metadata")?.json()?;
        let mut types = BTreeMap::new();
        for resource in declared::types(&metadata) {
            let name = resource["type"].as_str().context("a type")?;
            types.insert(name.to_owned(), all(genkan, name)?);
        }
        let places = types.values().flat_map(|of: &Vec<Resource>| of.iter().enumerate());
        let places = places.map(|(place, held)| (held.address.clone(), place)).collect();
        let zone = FixedOffset::east_opt(9 * 3600).context("the zone of the hospital")?;
        let now = Utc::now().with_timezone(&zone);
        Ok(Archive {
            types,
            places,
            zone,
            now,
            columns: RefCell::default(),
            answers: RefCell::default(),
            compiled: RefCell::default(),
        })
    }

    pub fn of(&self, resource_type: &str) -> &[Resource] {
        self.types.get(resource_type).map(Vec::as_slice).unwrap_or_default()
    }

    /// Of all types.
    pub fn resources(&self) -> impl Iterator<Item = &Resource> {
        self.types.values().flatten()
    }

    /// The place of `Type/id` among the resources of its type.
    pub fn place(&self, address: &str) -> Option<usize> {
        self.places.get(address).copied()
    }

    pub fn addresses(&self, resource_type: &str, set: &Set) -> BTreeSet<String> {
        let all = self.of(resource_type);
        set.iter().filter_map(|place| all.get(*place)).map(|held| held.address.clone()).collect()
    }

    /// What a parameter looks at in all resources of a type: each is evaluated once.
    pub fn column(&self, resource_type: &str, code: &str) -> Rc<Column> {
        let Some(parameter) = Definitions::r4().search_parameter(resource_type, code) else {
            return Rc::new(vec![Vec::new(); self.of(resource_type).len()]);
        };
        let key = (resource_type.to_owned(), parameter.code);
        if let Some(known) = self.columns.borrow().get(&key) {
            return Rc::clone(known);
        }
        let found = self.of(resource_type).iter().map(|held| self.elements(&held.value, parameter));
        let found = Rc::new(found.collect::<Column>());
        self.columns.borrow_mut().insert(key, Rc::clone(&found));
        found
    }

    /// What a parameter looks at in a resource.
    pub fn elements(&self, resource: &Value, parameter: &'static SearchParameter) -> Vec<Element> {
        let node = Node::of_resource(resource).expect("a resource of R4");
        let mut found = self.evaluate(node, parameter.expression);
        if parameter.code == "phonetic" {
            // R4 leaves the algorithm open; here it is the reading, from its beginning.
            found.retain(is_reading);
            found.iter_mut().for_each(whole);
        }
        for element in &mut found {
            let components = parameter.components.iter();
            element.parts = components.map(|one| self.component(element, one)).collect();
        }
        found
    }

    fn component(&self, element: &Element, component: &'static Component) -> Vec<Element> {
        let node = Node::of_element(&element.kind, Some(&element.value), None);
        let node = node.or_else(|| Node::of_resource(&element.value));
        node.map(|node| self.evaluate(node, component.expression)).unwrap_or_default()
    }

    fn evaluate(&self, node: Node, expression: &'static str) -> Vec<Element> {
        let compiled =
            Rc::clone(self.compiled.borrow_mut().entry(expression).or_insert_with(|| {
                Rc::new(Expression::compile(expression).expect("an expression of R4"))
            }));
        let resolver =
            |reference: &str| Resolved::type_only(reference.rsplit('/').nth(1).unwrap_or_default());
        let context = PathContext::of_node(node).with_resolver(&resolver).at_time(self.now);
        let found = compiled.evaluate(&context).expect("a result");
        found.items().iter().filter_map(element).collect()
    }
}

/// The type of a component, by the parameter that it names.
pub fn kind_of(component: &Component, resource_type: &str) -> Option<ParameterType> {
    let known = Definitions::r4().search_parameters(resource_type).iter();
    known
        .into_iter()
        .find(|parameter| parameter.id == component.parameter)
        .map(|parameter| parameter.kind)
}

fn element(item: &Item) -> Option<Element> {
    match item {
        Item::Node(node) => Some(Element::of(node.type_path(), node.value()?.clone())),
        Item::Boolean(value) => Some(Element::of("boolean", Value::Bool(*value))),
        _ => None,
    }
}

/// A name as one text.
fn whole(name: &mut Element) {
    if name.kind == "HumanName" {
        name.value = json!({"text": name.value["text"]});
    }
}

/// 読み: a name in syllables.
/// Spec: <http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation>
fn is_reading(name: &Element) -> bool {
    let extensions = name.value["extension"].as_array().into_iter().flatten();
    name.kind != "HumanName" || extensions.into_iter().any(|one| one["valueCode"] == "SYL")
}

/// As R4 lets strings differ: letters of both sizes, and here also of both widths, are alike.
pub fn fold(text: &str) -> String {
    text.nfkc().collect::<String>().to_lowercase()
}

fn all(genkan: &Genkan, resource_type: &str) -> Result<Vec<Resource>> {
    let mut found = Vec::new();
    let mut next = Some(format!("/fhir/{resource_type}?_count=1000"));
    while let Some(path) = next {
        let answer = genkan.get(&path)?;
        ensure!(answer.status == 200, "{path}: {} {}", answer.status, answer.text());
        let page = answer.json()?;
        let entries = page["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
        let matched = entries.iter().filter(|entry| entry["search"]["mode"] == "match");
        found.extend(matched.map(|entry| {
            let value = entry["resource"].clone();
            Resource { address: address(&value), value }
        }));
        let links = page["link"].as_array().map(Vec::as_slice).unwrap_or_default();
        let link = links.iter().find(|link| link["relation"] == "next");
        let url = link.and_then(|link| link["url"].as_str());
        next = url.and_then(|url| url.strip_prefix(&genkan.base)).map(str::to_owned);
    }
    Ok(found)
}
