//! What R4 says about its resources and data types.
//!
//! The facts come from one compact table made by `genkan-fhir-facts`; the format is described
//! there. Only the index is built at start; a type, a resource's search parameters and a value set
//! are read when they are first asked for, because a site uses a tenth of R4.

mod care;
mod element;
mod expression;
mod extension;
mod parameter;
mod primitive;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::OnceLock,
};

pub use element::{Binding, BindingStrength, Element, ElementType, Invariant, Severity, UNBOUNDED};
pub use expression::{OutsideSubset, ParameterPath, PathStep};
pub use extension::{ExtensionFacts, ExtensionPart};
pub use parameter::{Component, ParameterType, SearchParameter};
pub(crate) use primitive::PrimitiveType;
pub use primitive::{MAX_STRING_BYTES, PrimitiveFault, PrimitiveKind, check_primitive};
pub(crate) use primitive::{is_carried, is_decimal};

use crate::{canonical, names::Table};
use element::Structure;
use serde_json::{Value, json};

const R4_VERSION: &str = "4.0.1";
const R4_FACTS: &str = include_str!("definitions/r4.facts");

/// The definitions of one FHIR release. Everything in it lives as long as the program.
#[derive(Debug)]
pub struct Definitions {
    structures: BTreeMap<&'static str, Structure>,
    parameters: HashMap<&'static str, ParametersOf>,
    /// By the end of its canonical URL: a type that has it, and its code.
    parameter_ids: OnceLock<HashMap<&'static str, (&'static str, &'static str)>>,
    value_sets: Table<&'static str, ValueSet>,
    code_systems: Table<&'static str, CodeSystem>,
    /// By url: the rest of its line, and the lines below it.
    extensions: Table<&'static str, (&'static str, &'static str)>,
    /// Profiles: url and the rest of the line, and the lines below it.
    profiles: Vec<(&'static str, &'static str)>,
    /// By the type that a compartment is of.
    compartments: BTreeMap<&'static str, Vec<CompartmentMember>>,
}

#[derive(Debug, Default)]
struct ParametersOf {
    /// The lines that name this type as a base.
    lines: Vec<&'static str>,
    /// With those of the base types, by code.
    resolved: OnceLock<Vec<SearchParameter>>,
}

#[derive(Debug)]
struct ValueSet {
    body: &'static str,
    codes: OnceLock<Vec<ValueSetCode>>,
}

#[derive(Debug)]
struct CodeSystem {
    /// Flags and codes.
    fields: &'static str,
    codes: OnceLock<HashSet<&'static str>>,
}

/// One code of a value set that R4 spells out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ValueSetCode {
    pub system: &'static str,
    pub code: &'static str,
}

/// A type whose resources are in a compartment: those that refer to its resource by one of these
/// parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompartmentMember {
    pub resource: &'static str,
    pub parameters: Vec<&'static str>,
}

/// A JSON property of a type, with the type it has there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Property<'d> {
    pub element: &'d Element,
    /// The chosen type: `Quantity` for `valueQuantity`; `BackboneElement` for a nested element.
    pub type_code: &'static str,
    /// Where to go on: `Quantity`, `Patient.contact`, `Observation.referenceRange`, `string`.
    pub type_path: &'static str,
}

impl Definitions {
    /// FHIR R4 (4.0.1).
    pub fn r4() -> &'static Self {
        static R4: OnceLock<Definitions> = OnceLock::new();
        R4.get_or_init(|| Self::index(R4_FACTS))
    }

    fn index(facts: &'static str) -> Self {
        let mut structures = BTreeMap::new();
        let mut parameters: HashMap<_, ParametersOf> = HashMap::new();
        let (mut value_sets, mut code_systems) = (Table::default(), Table::default());
        let mut extensions = Table::default();
        let mut profiles = Vec::new();
        let mut compartments: BTreeMap<_, Vec<CompartmentMember>> = BTreeMap::new();
        // A section is a `T`, `X`, `K`, `V` or `U` line and what belongs to it; it ends where the next one starts.
        let mut end = facts.len();
        for (start, line) in lines_backwards(facts) {
            let body = facts.get(start + line.len()..end).unwrap_or_default();
            match line.split_at_checked(2) {
                Some(("T\t", head)) => {
                    if let Some(structure) = Structure::new(head, body) {
                        structures.insert(structure.name, structure);
                    }
                }
                Some(("V\t", url)) => {
                    value_sets.insert(url, ValueSet { body, codes: OnceLock::new() });
                }
                Some(("U\t", line)) => {
                    if let Some((url, fields)) = line.split_once('\t') {
                        code_systems.insert(url, CodeSystem { fields, codes: OnceLock::new() });
                    }
                }
                Some(("X\t", fields)) => {
                    if let Some((url, head)) = fields.split_once('\t') {
                        extensions.insert(url, (head, body));
                    }
                }
                Some(("K\t", head)) => profiles.push((head, body)),
                Some(("P\t", fields)) => {
                    for base in parameter::bases(fields) {
                        parameters.entry(base).or_default().lines.push(fields);
                    }
                }
                Some(("M\t", fields)) => {
                    if let Some((of, member)) = compartment_member(fields) {
                        compartments.entry(of).or_default().push(member);
                    }
                }
                _ => continue,
            }
            end = start;
        }
        // The table was read backwards.
        compartments.values_mut().for_each(|members| members.reverse());
        let parameter_ids = OnceLock::new();
        Self {
            structures,
            parameters,
            parameter_ids,
            value_sets,
            code_systems,
            extensions,
            profiles,
            compartments,
        }
    }

    /// Whether it is a resource type that instances can have: not `DomainResource`.
    pub fn is_resource(&self, name: &str) -> bool {
        self.structures.get(name).is_some_and(|of| of.kind == element::StructureKind::Resource)
    }

    /// All concrete resource types, in alphabetical order.
    pub fn resource_names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.structures
            .values()
            .filter(|of| of.kind == element::StructureKind::Resource)
            .map(|of| of.name)
    }

    /// All types, in alphabetical order: resources, abstract ones, data types and primitives.
    pub(crate) fn type_names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.structures.keys().copied()
    }

    /// The names of all elements of all types, without `[x]`, as often as they occur. Reads the
    /// table without building its types.
    pub(crate) fn element_names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.structures.values().flat_map(Structure::element_names)
    }

    /// All types, and the paths of all elements that have elements of their own.
    pub(crate) fn type_paths(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.structures.values().flat_map(Structure::paths)
    }

    /// Keys and expressions of all invariants.
    pub(crate) fn all_invariants(&self) -> impl Iterator<Item = (&'static str, &'static str)> + '_ {
        self.structures.values().flat_map(Structure::all_invariants)
    }

    /// The canonical URLs of R4's own extensions.
    pub(crate) fn extension_urls(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.extensions.keys().copied()
    }

    /// The definition of one of R4's own extensions.
    pub fn extension(&self, url: &str) -> Option<ExtensionFacts> {
        let (url, (head, body)) = self.extensions.get_key_value(url)?;
        Some(extension::read(url, head, body))
    }

    /// Whether the name is a type at all: resource, abstract, data type or primitive.
    pub fn is_type(&self, name: &str) -> bool {
        self.structures.contains_key(name)
    }

    /// The type that this type specialises; `None` for `Element`, `Resource` and unknown names.
    pub fn base_of(&self, type_name: &str) -> Option<&'static str> {
        self.structures.get(type_name).map(|of| of.base).filter(|base| !base.is_empty())
    }

    /// The elements of a type (`Patient`, `HumanName`) or of a path below one
    /// (`Patient.contact`, `Observation.component.referenceRange`), in the standard's order, with
    /// the inherited ones first. A path that ends in an element of one complex type gives that
    /// type's elements; `None` for what doesn't exist, and for a choice.
    pub fn children(&self, type_path: &str) -> Option<&[Element]> {
        let root = type_path.split('.').next()?;
        let nodes = self.structures.get(root)?.nodes(self);
        if let Some(node) = nodes.get(type_path) {
            return Some(&node.elements);
        }
        let (parent, name) = type_path.rsplit_once('.')?;
        let property = self.property(parent, name)?;
        // An element's own path may come back here only if it has no node: then there is none.
        (property.type_path != type_path).then(|| self.children(property.type_path)).flatten()
    }

    /// The element of this name, without its type: `value` for `value[x]`.
    pub fn element(&self, type_path: &str, name: &str) -> Option<&Element> {
        self.children(type_path)?.iter().find(|element| element.name == name)
    }

    /// The element behind a JSON property name. A choice is found by the name with its type only
    /// (`valueQuantity`); `_birthDate` is found as `birthDate`, by who strips the underscore.
    pub fn property(&self, type_path: &str, json_name: &str) -> Option<Property<'_>> {
        self.children(type_path)?.iter().find_map(|element| {
            let type_code = element.type_of_property(json_name)?;
            Some(Property { element, type_code, type_path: element.path_of_type(type_code) })
        })
    }

    /// The invariants on a type as a whole, those of its base types first. Those on one element
    /// are in [`Element::invariants`].
    pub fn invariants(&self, type_name: &str) -> Vec<&Invariant> {
        let Some(structure) = self.structures.get(type_name) else { return Vec::new() };
        let mut invariants = self.invariants(structure.base);
        let nodes = structure.nodes(self);
        invariants.extend(nodes.get(structure.name).into_iter().flat_map(|node| &node.invariants));
        invariants
    }

    /// R4's own profiles on resources and data types, each as a StructureDefinition with its differential.
    pub fn profiles(&self) -> impl Iterator<Item = Value> + '_ {
        self.profiles.iter().filter_map(|(head, body)| profile(head, body))
    }

    /// How the value of a primitive type is written; `None` for complex and unknown types.
    pub fn primitive_kind(&self, type_code: &str) -> Option<PrimitiveKind> {
        PrimitiveType::named(type_code).map(PrimitiveType::kind)
    }

    /// All search parameters of a resource type with those of `DomainResource` and `Resource`, by
    /// code. Empty for what isn't a resource.
    pub fn search_parameters(&self, resource: &str) -> &[SearchParameter] {
        if !self.is_resource(resource) {
            return &[];
        }
        let Some((name, own)) = self.parameters.get_key_value(resource) else {
            return self.search_parameters_of_all();
        };
        own.resolved.get_or_init(|| {
            let mut bases = vec![*name];
            while let Some(base) = bases.last().and_then(|last| self.base_of(last)) {
                bases.push(base);
            }
            parameter::resolve(&bases, |base| {
                self.parameters.get(base).map(|of| of.lines.as_slice()).unwrap_or_default()
            })
        })
    }

    /// For the few resources without a parameter of their own.
    fn search_parameters_of_all(&self) -> &[SearchParameter] {
        self.parameters.get("Resource").map_or(&[], |of| {
            of.resolved.get_or_init(|| parameter::resolve(&["Resource"], |_| of.lines.as_slice()))
        })
    }

    /// One search parameter of a resource type.
    pub fn search_parameter(&self, resource: &str, code: &str) -> Option<&SearchParameter> {
        let parameters = self.search_parameters(resource);
        let found = parameters.binary_search_by(|parameter| parameter.code.cmp(code)).ok()?;
        parameters.get(found)
    }

    /// A search parameter by the end of its canonical URL (`clinical-code`), as one of its types has
    /// it: what composite parameters are made of.
    pub fn search_parameter_of_id(&self, id: &str) -> Option<&SearchParameter> {
        let ids = self.parameter_ids.get_or_init(|| {
            let of_base = |(base, of): (&&'static str, &ParametersOf)| {
                let base = *base;
                let lines = of.lines.clone().into_iter();
                lines.filter_map(move |line| {
                    let (code, id) = parameter::code_and_id(line)?;
                    Some((id, (base, code)))
                })
            };
            self.parameters.iter().flat_map(of_base).collect()
        });
        let (base, code) = ids.get(id)?;
        self.search_parameter(base, code).filter(|parameter| parameter.id == id)
    }

    /// What is in the compartment of a type's resources besides them, by type; empty for a type that has
    /// none here.
    ///
    /// Spec: <https://hl7.org/fhir/R4/compartmentdefinition.html>
    pub fn compartment(&self, of: &str) -> &[CompartmentMember] {
        self.compartments.get(of).map(Vec::as_slice).unwrap_or_default()
    }

    /// The codes of a value set, by URL with or without `|version`. `None` when the table doesn't
    /// spell it out: that is not an empty set.
    pub fn value_set_codes(&self, url: &str) -> Option<&[ValueSetCode]> {
        let value_set = self.value_sets.get(canonical::url(url))?;
        Some(value_set.codes.get_or_init(|| value_set_codes(value_set.body)))
    }

    /// Whether a code system of HL7 has the code, as R4 publishes it; `None` when the table doesn't hold
    /// it. Those of `terminology.hl7.org` go on after R4: there, a code that is missing may have come
    /// since.
    pub fn system_has_code(&self, url: &str, code: &str) -> Option<bool> {
        let system = self.code_systems.get(canonical::url(url))?;
        let (flags, codes) = system.fields.split_once('\t')?;
        let known = system.codes.get_or_init(|| codes.split('\t').collect());
        let is_folded = flags == "i";
        Some(
            known.contains(code)
                || (is_folded && known.iter().any(|known| known.eq_ignore_ascii_case(code))),
        )
    }
}

/// The `K` line and the `R` lines of a profile.
fn profile(head: &str, body: &str) -> Option<Value> {
    let mut fields = head.split('\t');
    let (url, of_type, base) = (fields.next()?, fields.next()?, fields.next()?);
    let elements = body.lines().filter_map(|line| line.strip_prefix("R\t"));
    let elements: Vec<Value> = elements.map(serde_json::from_str).collect::<Result<_, _>>().ok()?;
    Some(json!({
        "resourceType": "StructureDefinition",
        "url": url,
        "version": R4_VERSION,
        "type": of_type,
        "baseDefinition": format!("http://hl7.org/fhir/StructureDefinition/{base}"),
        "differential": {"element": elements},
    }))
}

/// The fields of an `M` line.
fn compartment_member(fields: &'static str) -> Option<(&'static str, CompartmentMember)> {
    let mut fields = fields.split('\t');
    let (of, resource) = (fields.next()?, fields.next()?);
    Some((of, CompartmentMember { resource, parameters: fields.next()?.split(',').collect() }))
}

fn value_set_codes(body: &'static str) -> Vec<ValueSetCode> {
    let systems = body.lines().filter_map(|line| line.strip_prefix("S\t")?.split_once('\t'));
    systems
        .flat_map(|(system, codes)| {
            codes.split('\t').map(move |code| ValueSetCode { system, code })
        })
        .collect()
}

/// The lines with their byte offsets, last first: a section's end is then known when its head is.
fn lines_backwards(facts: &'static str) -> impl Iterator<Item = (usize, &'static str)> {
    let mut end = facts.len();
    facts.rsplit('\n').map(move |line| {
        let start = end - line.len();
        end = start.saturating_sub(1);
        (start, line)
    })
}
