//! The same expressions on the same resources in both places: as JSON in memory, and as a document
//! that was read. The answers are the same.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use genkan_fhir::{
    definitions::Definitions,
    fhirpath::{Collection, Context, Expression, Item, Node, Resolved},
    validation::{Text, Tree},
    xml,
};
use serde_json::{Value, json};

/// Asked of every element, beside its invariants.
const QUESTIONS: [&str; 16] = [
    "$this",
    "children()",
    "children().count()",
    "descendants().count()",
    "hasValue()",
    "getValue()",
    "toString()",
    "type().name",
    "extension.url",
    "extension.value",
    "id",
    "value",
    "children().isDistinct()",
    "descendants().distinct().count()",
    "(children() | children()).count()",
    "children().select($this ~ %context)",
];

/// A resource with what makes JSON and a document different: twins, holes, numbers, contained ones.
fn odd() -> Value {
    json!({
        "resourceType": "Observation",
        "id": "o1",
        "contained": [
            {"resourceType": "Specimen", "id": "s1", "receivedTime": "2026-01-02T03:04:05+09:00"},
            {"resourceType": "Patient", "id": "p1", "name": [{
                "family": "山田",
                "_family": {"extension": [{"url": "urn:a", "valueString": "ヤマダ"}]},
                "given": ["太", null, "郎"],
                "_given": [null, {"id": "g", "extension": [{"url": "urn:b", "valueBoolean": true}]}, null]
            }]}
        ],
        "_status": {"extension": [{"url": "urn:absent", "valueCode": "unknown"}]},
        "code": {"coding": [{"system": "urn:s", "code": "c"}, {"system": "urn:s", "code": "c"}]},
        "subject": {"reference": "#p1"},
        "effectivePeriod": {"start": "2026-01", "_start": {"id": "x"}},
        "valueQuantity": {"value": 1.50, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"},
        "component": [
            {"code": {"text": "a"}, "valueQuantity": {"value": 1.5, "comparator": "<"}},
            {"code": {"text": "a"}, "valueInteger": 3},
            {"code": {"text": "A "}, "valueDateTime": "2026", "_valueDateTime": {"id": "y"}},
            {"code": {"text": "b"}, "valueBoolean": false},
            {"code": {"text": "b"}, "_valueString": {"id": "z"}}
        ]
    })
}

fn shared() -> PathBuf {
    env::var_os("GENKAN_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    )
}

fn resources() -> Vec<(String, Value)> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fhirpath");
    let mut found = vec![("odd".to_owned(), odd())];
    for folder in [own, shared().join("examples/clins"), shared().join("fhirpath/input")] {
        let Ok(entries) = fs::read_dir(&folder) else {
            println!("skipped: there is no {}", folder.display());
            continue;
        };
        for entry in entries {
            let path = entry.expect("a file").path();
            if path.extension().is_some_and(|of| of == "json") {
                let text = fs::read_to_string(&path).expect("a text");
                let resource = serde_json::from_str(&text).expect("JSON");
                found.push((path.display().to_string(), resource));
            }
        }
    }
    found
}

fn told(found: &Collection<'_>) -> String {
    let one = |item: &Item<'_>| format!("{}={:?}", item.type_name(), item.text());
    found.items().iter().map(one).collect::<Vec<_>>().join(" | ")
}

fn nodes<'a>(root: Node<'a>, all: &'a Expression) -> Vec<Node<'a>> {
    let below = all.evaluate(&Context::of_node(root)).expect("a walk");
    let below = below.items().iter().filter_map(Item::node);
    std::iter::once(root).chain(below).collect()
}

struct Pair<'a> {
    name: &'a str,
    json: Node<'a>,
    read: Node<'a>,
    count: usize,
}

impl<'a> Pair<'a> {
    /// The answer in both places.
    fn same(&mut self, text: &str, json: Node<'a>, read: Node<'a>) {
        let expression = Expression::compile(text).expect("an expression");
        let resolver = |text: &str| {
            let name = text.rsplit('/').nth(1).unwrap_or_default();
            Resolved::type_only(name)
        };
        let good = |html: &str| html.starts_with("<div");
        let member = |item: &Item<'_>, _: &str| Some(item.text().is_some());
        let on = |focus: Node<'a>, root: Node<'a>| {
            let context = Context::of_node(focus)
                .in_resource(root, root)
                .with_resolver(&resolver)
                .with_html_checks(&good)
                .with_terminology(&member);
            expression.evaluate(&context).map(|found| told(&found)).map_err(|of| of.to_string())
        };
        let (in_json, as_read) = (on(json, self.json), on(read, self.read));
        assert_eq!(in_json, as_read, "{}: {text} on {}", self.name, json.type_path());
        self.count += 1;
    }

    /// Every element and all that is asked of it.
    fn walk(&mut self, all: &'a Expression) {
        let r4 = Definitions::r4();
        let (json, read) = (nodes(self.json, all), nodes(self.read, all));
        assert_eq!(json.len(), read.len(), "{}", self.name);
        for parameter in r4.search_parameters(self.json.type_path()) {
            if !parameter.expression.is_empty() {
                self.same(parameter.expression, self.json, self.read);
            }
        }
        let is_small = json.len() < 400;
        for (json, read) in json.into_iter().zip(read) {
            assert_eq!(json.type_path(), read.type_path(), "{}", self.name);
            let path = json.type_path();
            let name = if path.contains('.') { "BackboneElement" } else { path };
            for invariant in r4.invariants(name) {
                self.same(invariant.expression, json, read);
            }
            for question in QUESTIONS.into_iter().filter(|_| is_small) {
                self.same(question, json, read);
            }
            // An element equals itself, wherever the other one stands.
            let others = [("other", vec![Item::Node(json)])];
            let context = Context::of_node(read).with_variables(&others);
            let other = holds("$this = %other and ($this ~ %other) = ($this ~ $this)", &context);
            let itself = holds("$this = $this and true", &Context::of_node(json));
            assert_eq!(other, itself, "{}: {path}", self.name);
        }
    }
}

/// `None` if it fails: of some numbers nothing can be said.
fn holds(text: &str, context: &Context<'_>) -> Option<bool> {
    Expression::compile(text).expect("an expression").holds(context).ok()
}

fn walked(name: &str, resource: &Value, tree: &Tree<'_>) -> usize {
    let all = Expression::compile("descendants()").expect("an expression");
    let root = tree.root().expect("a resource");
    let json = Node::of_resource(resource).expect("R4 has this type");
    let read = Node::of_written_resource(root).expect("R4 has this type");
    let mut pair = Pair { name, json, read, count: 0 };
    pair.walk(&all);
    pair.count
}

#[test]
fn an_expression_gives_the_same_on_json_and_on_a_document_that_was_read() {
    let mut count = 0;
    for (name, resource) in resources() {
        let text = resource.to_string();
        let text = Text::of(text.as_bytes());
        let reading = text.read(None);
        count += walked(&name, &resource, &reading.tree.expect("it can be read"));
    }
    println!("{count} answers are the same");
    assert!(count > 500);
}

#[test]
fn and_on_xml() {
    let resource = odd();
    let text = xml::from_json(&resource).expect("XML");
    let text = Text::of(text.as_bytes());
    let reading = text.read(None);
    assert!(reading.problems.is_empty(), "{:?}", reading.problems);
    assert!(walked("odd", &resource, &reading.tree.expect("it can be read")) > 500);
}

#[test]
fn every_type_that_the_validator_knows_is_known_to_fhirpath() {
    let r4 = Definitions::r4();
    let mut paths: Vec<&str> = r4.resource_names().collect();
    let mut seen = BTreeSet::new();
    while let Some(path) = paths.pop() {
        if !seen.insert(path) {
            continue;
        }
        assert!(Node::of_element(path, None, None).is_some(), "{path}");
        for element in r4.children(path).unwrap_or_default() {
            paths.extend(element.content_reference);
            paths.extend(element.types.iter().map(|of| match of.code {
                "BackboneElement" | "Element" => element.path,
                code => code,
            }));
        }
        paths.retain(|path| r4.children(path).is_some());
    }
    assert!(seen.len() > 600, "{} types", seen.len());
}
