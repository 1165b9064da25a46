//! How many invariants are evaluated in a second on one core. Nothing is asserted about time: run
//! it on a quiet machine and read what it prints.
//!
//! ```text
//! cargo test --release -p genkan-fhir --test fhirpath_speed -- --ignored --nocapture
//! ```

use std::time::{Duration, Instant};

use genkan_fhir::{
    definitions::{Definitions, Element},
    fhirpath::{Context, Expression, Node, Resolved},
};
use serde_json::{Value, json};

/// The best of so many batches counts: what else the machine does only makes others slower.
const BATCHES: u32 = 300;

fn best(batch: u32, mut work: impl FnMut()) -> Duration {
    let run = |_| {
        let start = Instant::now();
        for _ in 0..batch {
            work();
        }
        start.elapsed()
    };
    (0..BATCHES).map(run).min().unwrap_or_default() / batch
}

/// A result of a laboratory as 5情報 has it, with what it contains.
fn observation() -> Value {
    let coding = |system: &str, code: &str, display: &str| json!({"system": system, "code": code, "display": display});
    json!({
        "resourceType": "Observation",
        "id": "k-20260801-0001",
        "meta": {
            "lastUpdated": "2026-08-01T10:30:00+09:00",
            "profile": ["http://jpfhir.jp/fhir/eCS/StructureDefinition/JP_Observation_LabResult_eCS"],
            "tag": [coding("http://jpfhir.jp/fhir/clins/CodeSystem/JP_ehrshrs_indication", "LTEC", "")]
        },
        "text": {"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">K 4.2</div>"},
        "contained": [
            {
                "resourceType": "Specimen",
                "id": "s1",
                "type": {"coding": [coding("urn:oid:1.2.392.200119.4.504", "023", "血清")], "text": "血清"},
                "collection": {"collectedDateTime": "2026-08-01T09:00:00+09:00"}
            },
            {
                "resourceType": "Patient",
                "id": "p1",
                "identifier": [{"system": "urn:oid:1.2.392.100495.20.3.51.11311234567", "value": "00000010"}]
            }
        ],
        "extension": [{
            "url": "http://jpfhir.jp/fhir/clins/Extension/StructureDefinition/JP_eCS_InstitutionNumber",
            "valueIdentifier": {"system": "http://jpfhir.jp/fhir/core/IdSystem/insurance-medical-institution-no", "value": "1311234567"}
        }],
        "identifier": [{"system": "http://jpfhir.jp/fhir/core/IdSystem/resourceInstance-identifier", "value": "20260801-0001"}],
        "status": "final",
        "category": [{"coding": [
            coding("http://jpfhir.jp/fhir/core/CodeSystem/JP_SimpleObservationCategory_CS", "laboratory", "Laboratory"),
            coding("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory", "Laboratory")
        ]}],
        "code": {
            "coding": [
                coding("urn:oid:1.2.392.200119.4.504", "3H015000002326101", "カリウム(K)"),
                coding("http://abc-hospital.local/fhir/lab", "05102", "K")
            ],
            "text": "K"
        },
        "subject": {"reference": "#p1"},
        "effectiveDateTime": "2026-08-01T09:00:00+09:00",
        "issued": "2026-08-01T10:30:00+09:00",
        "valueQuantity": {"value": 4.2, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"},
        "interpretation": [{"coding": [coding("http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "N", "Normal")]}],
        "specimen": {"reference": "#s1"},
        "referenceRange": [{
            "low": {"value": 3.6, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"},
            "high": {"value": 4.8, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"},
            "text": "3.6～4.8"
        }]
    })
}

/// An invariant on the element that it stands on.
struct Place<'a> {
    expression: usize,
    resource: Node<'a>,
    focus: Node<'a>,
}

struct Walk<'a> {
    texts: Vec<&'static str>,
    places: Vec<Place<'a>>,
    /// Without `ele-1`, which stands on every single element.
    without_ele_1: bool,
}

impl<'a> Walk<'a> {
    fn add(&mut self, expression: &'static str, resource: Node<'a>, focus: Node<'a>) {
        // A contained resource has no narrative of its own.
        if expression == "text.`div`.exists()" {
            return;
        }
        if self.without_ele_1 && expression.starts_with("hasValue() or (children()") {
            return;
        }
        let known = self.texts.iter().position(|text| *text == expression);
        let place = known.unwrap_or(self.texts.len());
        if known.is_none() {
            self.texts.push(expression);
        }
        self.places.push(Place { expression: place, resource, focus });
    }

    fn element(&mut self, value: &'a Value, node: Node<'a>, resource: Node<'a>, type_path: &str) {
        let r4 = Definitions::r4();
        let name = if type_path.contains('.') { "BackboneElement" } else { type_path };
        for invariant in r4.invariants(name) {
            self.add(invariant.expression, resource, node);
        }
        for (property, value) in value.as_object().into_iter().flatten() {
            let Some(found) = r4.property(type_path, property) else { continue };
            let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            for value in values {
                self.child(value, resource, found.element, found.type_path);
            }
        }
    }

    fn child(&mut self, value: &'a Value, resource: Node<'a>, of: &Element, type_path: &str) {
        if let Some(contained) = Node::of_resource(value) {
            self.element(value, contained, contained, value["resourceType"].as_str().expect("one"));
            return;
        }
        let node = Node::of_element(type_path, Some(value), None).expect("a type of R4");
        for invariant in &of.invariants {
            self.add(invariant.expression, resource, node);
        }
        self.element(value, node, resource, type_path);
    }
}

struct Bench<'a> {
    expressions: Vec<Expression>,
    context: Context<'a>,
    root: Node<'a>,
}

impl<'a> Bench<'a> {
    fn holds(&self, place: &Place<'a>) -> bool {
        let context = self.context.at(place.focus).in_resource(place.resource, self.root);
        self.expressions[place.expression].holds(&context).expect("a result")
    }
}

#[test]
#[ignore = "measures; see the top of this file"]
fn invariants_of_a_laboratory_result_in_a_second() {
    let observation = observation();
    let root = Node::of_resource(&observation).expect("R4 has Observations");
    let nothing = |_: &str| Resolved::Nothing;
    let always = |_: &str| true;
    let context = Context::of_node(root).with_resolver(&nothing).with_html_checks(&always);
    for without_ele_1 in [false, true] {
        let mut walk = Walk { texts: Vec::new(), places: Vec::new(), without_ele_1 };
        walk.element(&observation, root, root, "Observation");
        let compile = |text: &&str| Expression::compile(text).expect("R4's own invariant");
        let expressions = walk.texts.iter().map(compile).collect();
        let bench = Bench { expressions, context, root };
        for place in &walk.places {
            assert!(bench.holds(place), "{}", walk.texts[place.expression]);
        }
        let taken = best(20, || {
            assert!(walk.places.iter().all(|place| bench.holds(place)));
        });
        let resources = 1.0 / taken.as_secs_f64();
        let (expressions, count) = (walk.texts.len(), walk.places.len());
        let less = if without_ele_1 { " without ele-1" } else { "" };
        println!(
            "{expressions} invariants at {count} places{less}: {resources:.0} resources a second of a core, \
             {:.2} million evaluations",
            resources * count as f64 / 1e6,
        );
        slowest(&walk, &bench);
    }
}

fn slowest<'a>(walk: &Walk<'a>, bench: &Bench<'a>) {
    let mut times = Vec::new();
    for (index, text) in walk.texts.iter().enumerate() {
        let places: Vec<&Place<'_>> =
            walk.places.iter().filter(|place| place.expression == index).collect();
        let nanos = best(100, || assert!(places.iter().all(|place| bench.holds(place)))).as_nanos();
        times.push((nanos, places.len(), text));
    }
    times.sort();
    for (nanos, count, text) in times.iter().rev().take(8) {
        let text: String = text.chars().take(90).collect();
        println!("{nanos:>7} ns at {count:>3} places: {text}");
    }
}
