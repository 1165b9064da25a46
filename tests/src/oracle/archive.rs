//! Everything that a server shows, and what a parameter's FHIRPath finds in it.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, FixedOffset};
use genkan_fhir::definitions::{Component, Definitions, ParameterType, SearchParameter};
use genkan_fhir::fhirpath::{Context as PathContext, Expression, Item, Node, Resolved};
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization as _;

use crate::harness::Genkan;

/// Something that a FHIRPath expression found, with its FHIR type.
#[derive(Debug, Clone)]
pub struct Element {
    pub kind: String,
    pub value: Value,
}

/// By resource and parameter.
type Known = HashMap<(usize, String), Rc<Vec<Element>>>;

/// The resources of a server, by type.
pub struct Archive {
    pub types: BTreeMap<String, Vec<Value>>,
    /// Of the hospital.
    pub zone: FixedOffset,
    pub now: DateTime<FixedOffset>,
    found: RefCell<Known>,
    compiled: RefCell<HashMap<&'static str, Rc<Expression>>>,
}

impl Archive {
    /// Reads every page of every type that `/metadata` names.
    pub fn read(genkan: &Genkan, now: DateTime<FixedOffset>) -> Result<Self> {
        let metadata = genkan.get("/fhir/metadata")?.json()?;
        let resources = metadata["rest"][0]["resource"].as_array().context("resources")?;
        let mut types = BTreeMap::new();
        for resource in resources {
            let name = resource["type"].as_str().context("a type")?;
            types.insert(name.to_owned(), all(genkan, name)?);
        }
        Ok(Archive {
            types,
            zone: *now.offset(),
            now,
            found: RefCell::default(),
            compiled: RefCell::default(),
        })
    }

    pub fn of(&self, resource_type: &str) -> &[Value] {
        self.types.get(resource_type).map(Vec::as_slice).unwrap_or_default()
    }

    /// What a parameter looks at in a resource.
    pub fn elements(&self, resource: &Value, code: &str) -> Rc<Vec<Element>> {
        let resource_type = resource["resourceType"].as_str().unwrap_or_default();
        // By its place in the archive: the id of a contained resource is one only inside the other.
        let key = (std::ptr::from_ref(resource) as usize, code.to_owned());
        if let Some(known) = self.found.borrow().get(&key) {
            return Rc::clone(known);
        }
        let parameter = Definitions::r4().search_parameter(resource_type, code);
        let found = parameter.map(|parameter| {
            let node = Node::of_resource(resource).expect("a resource of R4");
            self.evaluate(node, parameter.expression)
        });
        let mut found = found.unwrap_or_default();
        if code == "phonetic" {
            // R4 leaves the algorithm open; here it is the reading, from its beginning.
            found.retain(is_reading);
            found.iter_mut().for_each(whole);
        }
        let found = Rc::new(found);
        self.found.borrow_mut().insert(key, Rc::clone(&found));
        found
    }
}

impl Archive {
    /// What the part of a composite parameter finds in what the parameter itself found.
    pub fn component(
        &self,
        element: &Element,
        parameter: &SearchParameter,
        index: usize,
    ) -> Vec<Element> {
        let Some(component) = parameter.components.get(index) else { return Vec::new() };
        let node = Node::of_element(&element.kind, Some(&element.value), None);
        let Some(node) = node.or_else(|| Node::of_resource(&element.value)) else {
            return Vec::new();
        };
        self.evaluate(node, component.expression)
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
        Item::Node(node) => {
            Some(Element { kind: node.type_path().to_owned(), value: node.value()?.clone() })
        }
        Item::Boolean(value) => {
            Some(Element { kind: "boolean".to_owned(), value: Value::Bool(*value) })
        }
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

fn all(genkan: &Genkan, resource_type: &str) -> Result<Vec<Value>> {
    let mut found = Vec::new();
    let mut next = Some(format!("/fhir/{resource_type}?_count=1000"));
    while let Some(path) = next {
        let answer = genkan.get(&path)?;
        ensure!(answer.status == 200, "{path}: {} {}", answer.status, answer.text());
        let page = answer.json()?;
        let entries = page["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
        let matched = entries.iter().filter(|entry| entry["search"]["mode"] == "match");
        found.extend(matched.map(|entry| entry["resource"].clone()));
        let links = page["link"].as_array().map(Vec::as_slice).unwrap_or_default();
        let link = links.iter().find(|link| link["relation"] == "next");
        let url = link.and_then(|link| link["url"].as_str());
        next = url.and_then(|url| url.strip_prefix(&genkan.base)).map(str::to_owned);
    }
    Ok(found)
}
