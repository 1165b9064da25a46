//! Our answers against those of fhirpath.js, HL7's engine in JavaScript.
//!
//! It needs node and a folder with the npm package `fhirpath`, which `tests/run` installs and names
//! in `GENKAN_TEST_NODE`; the official examples and packages lie in `../shared`, or where
//! `GENKAN_SHARED` says. Without them it skips. `GENKAN_FHIRPATH_RESOURCES=FOLDER[:FOLDER…]` adds
//! resources of one's own.
//!
//! Every search parameter of R4 is evaluated on every resource; every invariant of R4 and of the
//! StructureDefinitions at hand on every element that it stands on; and each of them once more on
//! every resource as a whole, where most have nothing to find.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use genkan_fhir::{
    definitions::{Definitions, Element},
    fhirpath::{Context, Expression, Item, Node, Resolved},
    validation::Package,
    xml,
};
use serde_json::{Value, json};

/// Fewer cases of one expression on elements of one type say the same as more.
const CASES_OF_ONE_KIND_MAX: usize = 200;
/// Cases at least, when nothing is missing: a walk that finds nothing would agree, too.
const CASES_MIN: usize = 45_000;
const PACKAGES: [&str; 3] =
    ["jp-core.r4-1.1.2-url.tgz", "jp-clins.r4-1.5.2-snap.tgz", "jp-eCheckupReport.r4-snap.tgz"];
const SHOWN_MAX: usize = 400;

/// Where fhirpath.js is known to differ: a part of its answer or of the case, and the reason.
const EXPLAINED: &[(&str, &str)] = &[
    ("ctx.getDecimal is not a function", "fhirpath.js fails on a number as the focus"),
    ("on xhtml", "fhirpath.js says that a div has no value"),
    ("Invalid regular expression", "JavaScript refuses needless escapes and a lone ]"),
    ("asynchronous function", "fhirpath.js asks a server for memberOf()"),
    ("htmlChecks() on resource", "what stands for it in oracle.mjs says yes to anything"),
    ("InequalityExpression", "fhirpath.js looks at the right side of an `or` that is true already"),
    ("Expected string, but got", "fhirpath.js looks at an argument where there is no input"),
    (
        "ConceptMap.source as uri",
        "a canonical isn't taken as a uri: R4's primitives are independent",
    ),
    (
        "ConceptMap.target as uri",
        "a canonical isn't taken as a uri: R4's primitives are independent",
    ),
];

struct Case {
    root: usize,
    /// From the root to the resource that the focus is in.
    resource: Vec<Value>,
    focus: Vec<Value>,
    /// Without it the focus is a resource.
    base: Option<String>,
    expression: String,
}

fn shared() -> PathBuf {
    env::var_os("GENKAN_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    )
}

/// The folder with fhirpath.js.
fn modules() -> Option<String> {
    let folder = env::var("GENKAN_TEST_NODE").ok()?;
    Path::new(&folder).join("node_modules/fhirpath").is_dir().then_some(folder)
}

/// The definitions in the official packages; their invariants are asked about.
fn definitions() -> Vec<Value> {
    let mut definitions = Vec::new();
    for name in PACKAGES {
        let Ok(tgz) = fs::read(shared().join("packages").join(name)) else {
            println!("without {name}");
            continue;
        };
        definitions.extend(Package::read(&tgz).expect("a package").resources);
    }
    definitions
}

#[test]
fn fhirpath_js_gives_the_same_answers() {
    let examples = shared().join("examples/clins");
    let (Some(modules), true) = (modules(), examples.is_dir()) else {
        println!(
            "skipped: no npm package fhirpath in GENKAN_TEST_NODE (tests/run installs it), or no {}",
            examples.display()
        );
        return;
    };
    let folders = env::var("GENKAN_FHIRPATH_RESOURCES").unwrap_or_default();
    let mut resources = Vec::new();
    read_resources(&examples, &mut resources);
    for folder in folders.split(':').filter(|folder| !folder.is_empty()) {
        read_resources(Path::new(folder), &mut resources);
    }
    let cases = cases(&resources, &definitions());
    let theirs = ask(&modules, &resources, &cases);
    assert_eq!(theirs.len(), cases.len(), "an answer to each case");
    let mut compiled = BTreeMap::new();
    for case in &cases {
        compiled.entry(&case.expression).or_insert_with(|| Expression::compile(&case.expression));
    }
    let (mut agreed, mut differences) = (0, BTreeMap::<String, (usize, String)>::new());
    for (case, theirs) in cases.iter().zip(&theirs) {
        let expression = compiled[&case.expression].as_ref().expect("it compiles");
        let ours = evaluate(expression, &resources[case.root], case);
        let both_fail = ours.starts_with("error") && theirs["error"].is_string();
        if both_fail || ours == sorted(theirs) {
            agreed += 1;
            continue;
        }
        let on = case.base.as_deref().unwrap_or("resource");
        let kind = format!("{} on {on}", case.expression);
        let shown =
            format!("{} {:?}: ours {ours}, theirs {}", case.root, case.focus, sorted(theirs));
        differences.entry(kind).or_insert((0, shown)).0 += 1;
    }
    let count: usize = differences.values().map(|(count, _)| count).sum();
    println!(
        "{} resources, {} expressions, {} cases: {agreed} agree, {count} differ in {} kinds",
        resources.len(),
        compiled.len(),
        cases.len(),
        differences.len()
    );
    let mut unexplained = 0;
    for (kind, (count, example)) in &differences {
        let reason =
            EXPLAINED.iter().find(|(part, _)| kind.contains(part) || example.contains(part));
        unexplained += usize::from(reason.is_none());
        let reason = reason.map_or("UNEXPLAINED", |(_, reason)| reason);
        println!("{count} × {kind}\n      {reason}\n      {example}");
    }
    assert!(cases.len() >= CASES_MIN, "{} cases", cases.len());
    assert_eq!(unexplained, 0, "kinds of differences without an explanation");
}

fn read_resources(folder: &Path, into: &mut Vec<Value>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a file").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            read_resources(&path, into);
            continue;
        }
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let resource = match path.extension().and_then(|of| of.to_str()) {
            Some("json") => serde_json::from_str(&text).ok(),
            Some("xml") => xml::to_json(&text).ok(),
            _ => None,
        };
        into.extend(resource.filter(|resource| Context::of_resource(resource).is_some()));
    }
}

/// Invariants by the type or path that they stand on.
type Invariants = BTreeMap<String, BTreeSet<String>>;

fn cases(resources: &[Value], definitions: &[Value]) -> Vec<Case> {
    let profiles = profile_invariants(resources.iter().chain(definitions));
    let mut all: BTreeSet<String> = profiles.values().flatten().cloned().collect();
    println!("{} expressions of profiles", all.len());
    for name in Definitions::r4().resource_names() {
        core_invariants(name, &mut all);
    }
    println!("{} with those of R4", all.len());
    let mut walk =
        Walk { cases: Vec::new(), types: BTreeSet::new(), counts: BTreeMap::new(), profiles };
    for (root, resource) in resources.iter().enumerate() {
        walk.resource(root, resource, Vec::new());
        let name = resource["resourceType"].as_str().unwrap_or_default();
        for expression in &all {
            walk.case(root, &[], &[], None, expression, name);
        }
    }
    walk.cases
}

/// Those of a type, of its elements and of their types.
fn core_invariants(type_path: &str, into: &mut BTreeSet<String>) {
    let r4 = Definitions::r4();
    into.extend(r4.invariants(type_path).into_iter().map(|of| of.expression.to_owned()));
    for element in r4.children(type_path).into_iter().flatten() {
        into.extend(element.invariants.iter().map(|of| of.expression.to_owned()));
        for of in &element.types {
            match of.code {
                "BackboneElement" | "Element" if element.content_reference.is_none() => {
                    core_invariants(element.path, into);
                }
                code => {
                    into.extend(r4.invariants(code).into_iter().map(|of| of.expression.to_owned()))
                }
            }
        }
    }
}

fn profile_invariants<'r>(resources: impl Iterator<Item = &'r Value>) -> Invariants {
    let mut invariants = Invariants::new();
    for profile in resources.filter(|of| of["resourceType"] == "StructureDefinition") {
        for part in ["snapshot", "differential"] {
            for element in profile[part]["element"].as_array().into_iter().flatten() {
                for constraint in element["constraint"].as_array().into_iter().flatten() {
                    let (Some(path), Some(expression)) =
                        (element["path"].as_str(), constraint["expression"].as_str())
                    else {
                        continue;
                    };
                    invariants.entry(path.to_owned()).or_default().insert(expression.to_owned());
                }
            }
        }
    }
    invariants
}

struct Walk {
    cases: Vec<Case>,
    /// Of the resources so far.
    types: BTreeSet<String>,
    counts: BTreeMap<(String, String), usize>,
    profiles: Invariants,
}

impl Walk {
    fn resource(&mut self, root: usize, resource: &Value, at: Vec<Value>) {
        let Some(name) = resource["resourceType"].as_str() else { return };
        if !Definitions::r4().is_resource(name) {
            return;
        }
        for parameter in Definitions::r4().search_parameters(name) {
            self.case(root, &at, &at, None, parameter.expression, name);
        }
        // Those of other types find nothing here; once for each type of resource will do.
        if self.types.insert(name.to_owned()) {
            for parameter in Definitions::r4()
                .resource_names()
                .flat_map(|of| Definitions::r4().search_parameters(of))
            {
                self.case(root, &at, &at, None, parameter.expression, name);
            }
        }
        self.element(root, resource, &at, at.clone(), name, name);
    }

    fn case(
        &mut self,
        root: usize,
        resource: &[Value],
        focus: &[Value],
        base: Option<&str>,
        expression: &str,
        of: &str,
    ) {
        if expression.is_empty() {
            return;
        }
        let count = self.counts.entry((expression.to_owned(), of.to_owned())).or_default();
        *count += 1;
        if *count <= CASES_OF_ONE_KIND_MAX {
            self.cases.push(Case {
                root,
                resource: resource.to_vec(),
                focus: focus.to_vec(),
                base: base.map(str::to_owned),
                expression: expression.to_owned(),
            });
        }
    }

    /// The invariants of an element and of all below it.
    fn element(
        &mut self,
        root: usize,
        value: &Value,
        resource: &[Value],
        at: Vec<Value>,
        type_path: &str,
        profile_path: &str,
    ) {
        let r4 = Definitions::r4();
        let base = (at != resource).then_some(type_path);
        let mut expressions: BTreeSet<String> =
            self.profiles.get(profile_path).cloned().unwrap_or_default();
        // Those of profiles on a data type stand under its own name.
        expressions.extend(self.profiles.get(type_path).into_iter().flatten().cloned());
        let name = if type_path.contains('.') { "BackboneElement" } else { type_path };
        expressions.extend(r4.invariants(name).into_iter().map(|of| of.expression.to_owned()));
        for expression in &expressions {
            self.case(root, resource, &at, base, expression, type_path);
        }
        let Some(object) = value.as_object() else { return };
        for (property, value) in object {
            let Some(found) = r4.property(type_path, property) else { continue };
            let below = |index: Option<usize>| {
                let mut below = at.clone();
                below.push(json!(property));
                below.extend(index.map(|index| json!(index)));
                below
            };
            let values: Vec<(Option<usize>, &Value)> = match value {
                Value::Array(values) => {
                    values.iter().enumerate().map(|(index, value)| (Some(index), value)).collect()
                }
                value => vec![(None, value)],
            };
            for (index, value) in values {
                if value.is_null() {
                    continue;
                }
                let at = below(index);
                if value["resourceType"].is_string() {
                    self.resource(root, value, at);
                    continue;
                }
                for invariant in &found.element.invariants {
                    let of = found.type_path;
                    self.case(root, resource, &at, Some(of), invariant.expression, of);
                }
                let profile_path = format!("{profile_path}.{}", element_name(found.element));
                self.element(root, value, resource, at, found.type_path, &profile_path);
            }
        }
    }
}

fn element_name(element: &Element) -> String {
    element.path.rsplit('.').next().unwrap_or_default().to_owned()
}

/// Asks node, through files in a temporary folder.
fn ask(modules: &str, resources: &[Value], cases: &[Case]) -> Vec<Value> {
    let folder = env::temp_dir().join(format!("genkan-fhirpath-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a temporary folder");
    let (asked, answered) = (folder.join("cases.ndjson"), folder.join("answers.ndjson"));
    let mut file = std::io::BufWriter::new(fs::File::create(&asked).expect("a temporary file"));
    writeln!(file, "{}", json!({"resources": resources})).expect("written");
    for case in cases {
        let line = json!({
            "root": case.root,
            "resource": case.resource,
            "focus": case.focus,
            "base": case.base,
            "expression": case.expression,
        });
        writeln!(file, "{line}").expect("written");
    }
    drop(file);
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fhirpath_differential/oracle.mjs");
    let status = Command::new("node").arg(script).arg(modules).arg(&asked).arg(&answered).status();
    assert!(status.expect("node runs").success(), "node failed");
    let text = fs::read_to_string(&answered).expect("the answers");
    fs::remove_dir_all(&folder).expect("the temporary folder goes");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn evaluate(expression: &Expression, root: &Value, case: &Case) -> String {
    let at = |steps: &[Value]| {
        steps.iter().fold(root, |value, step| match step {
            Value::String(name) => &value[name],
            index => &value[usize::try_from(index.as_u64().expect("an index")).expect("small")],
        })
    };
    let resource = Node::of_resource(at(&case.resource)).expect("a resource");
    let root = Node::of_resource(root).expect("a resource");
    let focus = match &case.base {
        None => resource,
        Some(base) => {
            let sibling = sibling(at, &case.focus);
            Node::of_element(base, Some(at(&case.focus)), sibling).expect("a type")
        }
    };
    let resolver = |text: &str| {
        let mut parts = text.rsplit('/');
        let name = parts.next().and(parts.next()).unwrap_or_default();
        Resolved::type_only(name)
    };
    let always = |_: &str| true;
    let context = Context::of_node(focus)
        .in_resource(resource, root)
        .with_resolver(&resolver)
        .with_html_checks(&always);
    match expression.evaluate(&context) {
        Err(error) => format!("error {error}"),
        Ok(found) => {
            sorted(&json!({"items": found.items().iter().map(as_json).collect::<Vec<_>>()}))
        }
    }
}

/// The `_name` beside a primitive.
fn sibling<'a>(at: impl Fn(&[Value]) -> &'a Value, focus: &[Value]) -> Option<&'a Value> {
    let place = focus.iter().rposition(Value::is_string)?;
    let name = format!("_{}", focus[place].as_str()?);
    let holder = at(&focus[..place]).get(&name)?;
    match focus.get(place + 1) {
        Some(index) => holder.get(usize::try_from(index.as_u64()?).ok()?),
        None => Some(holder),
    }
}

fn as_json(item: &Item<'_>) -> Value {
    match item {
        Item::Node(node) => node.value().cloned().unwrap_or(Value::Null),
        Item::Boolean(boolean) => json!(boolean),
        Item::Integer(integer) => json!(integer),
        Item::Decimal(decimal) => serde_json::from_str(&decimal.to_string()).expect("a number"),
        item => json!(item.text()),
    }
}

/// Without the order, which collections often don't have, and with JavaScript's numbers. Items
/// without a value are left out: fhirpath.js doesn't give them.
fn sorted(answer: &Value) -> String {
    if let Some(error) = answer["error"].as_str() {
        return format!("error {error}");
    }
    let items = answer["items"].as_array().expect("items").iter();
    let mut items: Vec<String> =
        items.filter(|item| !item.is_null()).map(|item| canonical(item).to_string()).collect();
    items.sort();
    let mut shown = items.join(" | ");
    if shown.len() > SHOWN_MAX {
        let hash = shown
            .bytes()
            .fold(0_u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte)));
        shown = shown.chars().take(SHOWN_MAX / 4).chain(format!("… {hash:x}").chars()).collect();
    }
    format!("[{shown}]")
}

fn canonical(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(values) => values.iter().map(canonical).collect(),
        Value::Object(object) => {
            let mut names: Vec<&String> = object.keys().collect();
            names.sort();
            names.into_iter().map(|name| (name.clone(), canonical(&object[name]))).collect()
        }
        other => other.clone(),
    }
}
