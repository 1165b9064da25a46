//! FHIRPath where the official suite says nothing, or isn't at hand. The cases are in the folder of
//! the same name.

use std::{collections::BTreeMap, fs, path::Path};

use chrono::DateTime;
use genkan_fhir::{
    fhirpath::{
        Collection, Context, EvaluationError, Expression, Fault, Item, Limits, Needed, Node,
        Resolved,
    },
    validation::Text,
};
use serde_json::{Value, json};

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fhirpath").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn resource(name: &str) -> Value {
    serde_json::from_str(&file(&format!("{name}.json"))).expect("a fixture is JSON")
}

/// The lines `left ⇒ right` of a file, below the name of their resource.
fn cases(name: &str) -> BTreeMap<String, Vec<(String, String)>> {
    let mut cases: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let mut resource = String::new();
    for line in file(name).lines() {
        if let Some(name) = line.strip_prefix("# ") {
            name.clone_into(&mut resource);
        } else if !line.is_empty() && !line.starts_with("//") {
            let (left, right) = line.split_once("⇒").unwrap_or_else(|| panic!("{line}"));
            let left = left.strip_suffix(' ').unwrap_or(left).replace('↵', "\n");
            cases.entry(resource.clone()).or_default().push((left, right.trim().to_owned()));
        }
    }
    assert!(!cases.is_empty(), "{name} has no cases");
    cases
}

fn texts(found: &Collection<'_>) -> Vec<String> {
    let text = |item: &Item<'_>| match item.text() {
        Some(text) => text.into_owned(),
        None => item.node().and_then(|node| node.value()).map_or("?".to_owned(), Value::to_string),
    };
    found.items().iter().map(text).collect()
}

/// What the items are and say, and of complex ones their JSON.
type Answer = Result<(Vec<String>, Vec<String>), EvaluationError>;

fn answer(expression: &Expression, resource: Node<'_>) -> Answer {
    let now = DateTime::parse_from_rfc3339("2026-11-26T10:30:00.123456+09:00").expect("a time");
    let resolver =
        |text: &str| text.split('/').next().map_or(Resolved::Nothing, Resolved::type_only);
    let variables = [("limit", vec![Item::Integer(3)]), ("none", Vec::new())];
    let context = Context::of_node(resource).at_time(now);
    let context = context.with_variables(&variables).with_resolver(&resolver);
    expression.evaluate(&context).map(|found| (texts(&found), types(&found)))
}

fn evaluate(resource: &Value, text: &str) -> Result<Vec<String>, EvaluationError> {
    let expression =
        Expression::compile(text).unwrap_or_else(|error| panic!("{text:.200}: {error}"));
    let found = answer(&expression, Node::of_resource(resource).expect("R4 has this type"));
    let written = resource.to_string();
    let written = Text::of(written.as_bytes());
    // A document can't be as deep as JSON in memory.
    if let Some(tree) = written.read(None).tree {
        let root = tree.root().expect("a resource");
        let read = answer(&expression, Node::of_written_resource(root).expect("R4 has this type"));
        match (&found, read) {
            (Ok(found), Ok(read)) => assert_eq!(found.1, read.1, "as it was read: {text:.200}"),
            (found, read) => assert_eq!(found.is_err(), read.is_err(), "{text:.200}: {read:?}"),
        }
    }
    found.map(|(texts, _)| texts)
}

/// Without the JSON that only one of the places has.
fn types(found: &Collection<'_>) -> Vec<String> {
    let told = |item: &Item<'_>| format!("{} {:?}", item.type_name(), item.text());
    found.items().iter().map(told).collect()
}

fn expect(resource: &Value, text: &str, expected: &str) {
    let found = evaluate(resource, text).unwrap_or_else(|error| panic!("{text:.200}: {error}"));
    assert_eq!(found.join("|"), expected, "{text:.200}");
}

/// Whether the evaluation stops at a tenth of the usual limit.
fn is_limit(resource: &Value, text: &str) -> bool {
    let expression =
        Expression::compile(text).unwrap_or_else(|error| panic!("{text:.200}: {error}"));
    let limits = Limits { steps_max: 200_000, ..Limits::default() };
    let context = Context::of_resource(resource).expect("R4 has this type").with_limits(limits);
    match expression.evaluate(&context) {
        Ok(found) => panic!("{text:.200} gives {} items", found.len()),
        Err(error) => matches!(error.fault, Fault::Limit { .. }),
    }
}

#[test]
fn what_is_no_expression_is_refused_with_its_place() {
    for (text, message) in cases("refusals.txt").into_values().flatten() {
        match Expression::compile(&text) {
            Ok(_) => panic!("{text} compiles"),
            Err(error) => {
                assert_eq!(error.to_string(), message, "{text}");
                assert!(error.japanese().contains("文字目: "), "{}", error.japanese());
            }
        }
    }
    let error = Expression::compile("name.matches('(')").expect_err("no pattern");
    assert!(error.to_string().starts_with("column 6: no regular expression: "), "{error}");
    let error = Expression::compile("name.frist()").expect_err("no function");
    assert_eq!(error.japanese(), "6文字目: 関数 frist() はありません。first ではありませんか");
}

#[test]
fn evaluation_says_what_went_wrong_and_where() {
    for (name, cases) in cases("faults.txt") {
        let resource = resource(&name);
        for (text, message) in cases {
            let error = evaluate(&resource, &text).expect_err(&text);
            assert_eq!(error.to_string(), message, "{text}");
            assert!(error.japanese().contains("文字目: "), "{}", error.japanese());
        }
    }
}

#[test]
fn values_are_as_the_specification_says() {
    for (name, cases) in cases("values.txt") {
        let resource = resource(&name);
        for (text, expected) in cases {
            expect(&resource, &text, &expected);
        }
    }
}

#[test]
fn hostile_expressions_end() {
    let patient = resource("patient");
    let numbers = (0..10).map(|n| n.to_string()).collect::<Vec<_>>().join(" | ");
    let all = format!("({numbers})");
    let nested = (0..9).fold("1".to_owned(), |inner, _| format!("{all}.select({inner})"));
    let (long, longer) = ("x".repeat(20_000), "y".repeat(20_000));
    for text in [
        nested,
        format!(
            "({all} | {all}.select($this + 10)).aggregate($total.combine($total), 1).select(1)"
        ),
        format!("({all} | {all}.select($this + 10)).aggregate($total & $total & 'x', 'x')"),
        format!("{all}.repeat({all}.select($this * 10).combine($this + 1))"),
        format!("'{long}'.replace('', '{longer}')"),
        format!("'{long}'.replaceMatches('x', '{}')", "$0".repeat(20_000)),
        format!("'{long}'.replaceMatches('.+', '{}')", "$0".repeat(20_000)),
        format!("'{long}{long}'.toChars().select(%context.descendants())"),
        // Each time new.
        "1.repeat(iif($this is Integer, $this + 1, {}))".to_owned(),
    ] {
        assert!(is_limit(&patient, &text), "{text:.80}");
    }
}

#[test]
fn hostile_resources_are_walked_to_their_end() {
    // Thousands of strings are told apart without comparing each with each.
    let extension = |n: u32| json!({"url": format!("urn:{n}"), "valueCode": "x"});
    let many: Vec<Value> = (0..10_000).map(extension).collect();
    let large = json!({"resourceType": "Patient", "extension": many});
    for (text, expected) in [
        ("extension.url.isDistinct()", "true"),
        ("extension.url.distinct().count()", "10000"),
        ("(extension.url | extension.url).count()", "10000"),
        ("extension.url.subsetOf(extension.url)", "true"),
        ("extension.url.exclude(extension.url).empty()", "true"),
        ("extension.url.intersect(extension.url).count()", "10000"),
        ("extension.value.distinct().count()", "1"),
    ] {
        expect(&large, text, expected);
    }
    // Deeper than serde_json reads by itself.
    let wrap = |inner: Value, _| json!({"url": "urn:x", "extension": [inner]});
    let deep = (0..500).fold(json!({"url": "urn:x"}), wrap);
    let deep = json!({"resourceType": "Patient", "extension": [deep.clone(), deep]});
    expect(&deep, "descendants().count()", "2004");
    for text in
        ["extension[0] = extension[1]", "extension[0] ~ extension[1]", "extension.isDistinct()"]
    {
        assert!(is_limit(&deep, text), "{text}");
    }
}

#[test]
fn a_reference_leads_to_the_resource_that_the_caller_has() {
    let patient = resource("patient");
    let doctor = json!({"resourceType": "Practitioner", "id": "d2", "name": [{"family": "佐藤"}]});
    let resolver = |text: &str| match text {
        "Practitioner/d2" => Resolved::Resource(&doctor),
        _ => Resolved::Nothing,
    };
    let context = Context::of_resource(&patient).expect("R4 has Patients").with_resolver(&resolver);
    let expression = Expression::compile("generalPractitioner.resolve().name.family").expect("one");
    assert_eq!(texts(&expression.evaluate(&context).expect("a name")), ["佐藤"]);
}

#[test]
fn what_the_caller_does_not_give_is_missed_not_guessed() {
    let patient = resource("patient");
    let context = Context::of_resource(&patient).expect("R4 has Patients");
    for (text, what) in [
        ("now()", Needed::Clock),
        ("today()", Needed::Clock),
        ("timeOfDay()", Needed::Clock),
        ("generalPractitioner[1].resolve()", Needed::Resolver),
        ("generalPractitioner.where(resolve() is Practitioner).exists()", Needed::Resolver),
        ("conformsTo('http://hl7.org/fhir/StructureDefinition/Patient')", Needed::Profiles),
        (
            "gender.memberOf('http://hl7.org/fhir/ValueSet/administrative-gender')",
            Needed::Terminology,
        ),
        ("text.div.htmlChecks()", Needed::HtmlChecks),
    ] {
        let expression = Expression::compile(text).expect("an expression");
        let fault = expression.evaluate(&context).expect_err(text).fault;
        assert_eq!(fault, Fault::NotGiven { what }, "{text}");
        assert!(expression.holds(&context).is_err(), "{text}");
    }
    // A canonical that the caller doesn't know is no `false` either.
    let knows_none = |_: &Item<'_>, _: &str| None;
    let context = context.with_terminology(&knows_none).with_profiles(&knows_none);
    for text in ["gender.memberOf('urn:x')", "conformsTo('urn:x')"] {
        let fault =
            Expression::compile(text).expect("one").evaluate(&context).expect_err(text).fault;
        assert_eq!(fault, Fault::UnknownCanonical { url: "urn:x".to_owned() });
    }
}

#[test]
fn an_expression_is_bounded() {
    let deep = format!("{}1{}", "(".repeat(99), ")".repeat(99));
    assert!(Expression::compile(&deep).is_ok());
    for text in [
        format!("{}1{}", "(".repeat(100), ")".repeat(100)),
        format!("{}1", "-".repeat(200)),
        format!("{}a{}", "where(".repeat(200), ")".repeat(200)),
        format!("name{}", " is string".repeat(6_000)),
        format!("1{}", " is string + 1".repeat(4_000)),
        format!("{}1{}", "(".repeat(50), " is string + 1 is string + 1 is string)".repeat(50)),
        "(".repeat(60_000),
        "[".repeat(60_000),
        "a".repeat(70_000),
    ] {
        let error = Expression::compile(&text).expect_err("too large").to_string();
        assert!(error.contains("limit") || error.contains("expected"), "{error}");
    }
    // Long, but not deep.
    let patient = resource("patient");
    let long = vec!["active"; 5_000].join(" and ");
    expect(&patient, &long, "true");
    let long = format!("name{}", ".first()".repeat(5_000));
    assert_eq!(evaluate(&patient, &long).expect("a name").len(), 1);
}

#[test]
fn the_deepest_expressions_are_evaluated_on_a_small_stack() {
    let patient = resource("patient");
    let nests = [
        ("(", "true", ")"),
        ("iif(true, ", "1", ")"),
        ("name.first().select(", "$this", ")"),
        ("(1 | ", "1", ")"),
        ("-(", "1", ")"),
        ("true and (false or (not true = ", "true", "))"),
        ("children().where(", "true", ").exists()"),
        ("(true implies ", "true", ")"),
        ("", "1", " as Integer + 1"),
    ];
    let run = move || {
        for (before, inner, after) in nests {
            let before = before.replace("not true = ", "true = ");
            let mut depth = 1;
            while depth < 100 {
                let text = format!("{}{inner}{}", before.repeat(depth), after.repeat(depth));
                let Ok(expression) = Expression::compile(&text) else { break };
                let context = Context::of_resource(&patient).expect("R4 has Patients");
                let _ = expression.evaluate(&context);
                let _ = expression.check("Patient");
                depth += 1;
            }
            assert!(depth > 20, "{before} nests {depth} levels only");
        }
    };
    let thread = std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(run);
    thread.expect("a thread").join().expect("no overflow");
}

#[test]
fn limits_are_the_callers() {
    let patient = resource("patient");
    let context = Context::of_resource(&patient).expect("R4 has Patients");
    let few = context.with_limits(Limits { steps_max: 10, ..Limits::default() });
    let short = context.with_limits(Limits { string_bytes_max: 8, ..Limits::default() });
    let descendants = Expression::compile("descendants().count()").expect("an expression");
    assert!(descendants.evaluate(&few).is_err() && descendants.evaluate(&context).is_ok());
    let joined = Expression::compile("name.given.join(', ')").expect("an expression");
    assert!(joined.evaluate(&short).is_err() && joined.evaluate(&context).is_ok());
}

#[test]
fn an_element_is_evaluated_in_its_resource() {
    let patient = resource("patient");
    let contact = Node::of_element("Patient.contact", Some(&patient["contact"][0]), None);
    let birth_date =
        Node::of_element("date", Some(&patient["birthDate"]), Some(&patient["_birthDate"]));
    let context = Context::of_resource(&patient).expect("R4 has Patients");
    for (focus, text, expected) in [
        (contact, "name.family", "山田"),
        (contact, "%resource.id & %context.relationship.text & %rootResource.id", "p1配偶者p1"),
        (contact, "$this is BackboneElement and Patient.exists().not()", "true"),
        (birth_date, "$this = @1970-03-30 and extension.exists() and $this is date", "true"),
        (birth_date, "hasValue() or (children().count() > id.count())", "true"),
    ] {
        let expression = Expression::compile(text).expect("an expression");
        let found = expression.evaluate(&context.at(focus.expect("a type of R4"))).expect(text);
        assert_eq!(texts(&found), [expected], "{text}");
    }
    assert!(Node::of_element("Patient.nobody", None, None).is_none());
    assert!(Context::of_resource(&json!({"resourceType": "SubscriptionStatus"})).is_none());
    assert!(Context::of_resource(&json!({"name": []})).is_none());
}

#[test]
fn an_invariant_holds_only_when_it_is_true() {
    let patient = resource("patient");
    let context = Context::of_resource(&patient).expect("R4 has Patients");
    for (text, holds) in [
        ("name.exists()", true),
        ("name.empty()", false),
        ("{}", false),
        ("link.other", false),
        ("gender", true),
        ("deceased", false),
        ("name.first()", true),
    ] {
        let expression = Expression::compile(text).expect("an expression");
        assert_eq!(expression.holds(&context), Ok(holds), "{text}");
    }
    let several = Expression::compile("name").expect("an expression");
    assert!(several.holds(&context).is_err());
}

#[test]
fn a_check_finds_what_cannot_be_meant() {
    for (on, text, message) in [
        ("Patient", "name.given1", "column 6: HumanName has no element given1"),
        (
            "Patient",
            "Observation.status",
            "column 1: the path starts with a type that its context never has",
        ),
        ("Observation", "valueQuantity.unit", "column 1: Observation has no element valueQuantity"),
        ("Observation", "value.ofType(Quantity).text", "column 24: Quantity has no element text"),
        ("Patient", "name.where(familly = 'x')", "column 12: HumanName has no element familly"),
        (
            "Patient",
            "children().first()",
            "column 12: these items have no order, so none of them is the first",
        ),
        ("Patient", "name.upper()", "column 6: a function of strings on what is never a string"),
        ("Patient", "iif('a', 1, 2)", "column 1: the criterion of iif() is never a Boolean"),
        (
            "Patient.contact",
            "organisation",
            "column 1: Patient.contact has no element organisation",
        ),
        ("Patient", "1.foo", "column 3: Integer has no element foo"),
        ("Foo", "name", "column 1: unknown type Foo"),
    ] {
        let expression = Expression::compile(text).expect("an expression");
        let error = expression.check(on).expect_err(text);
        assert_eq!(error.to_string(), message, "{text}");
    }
    for (on, text) in [
        ("Patient", "contained.anything and resolve().anything and children().anything"),
        ("Patient", "name.select(given | family).distinct().first()"),
        ("Observation", "value.unit or value.coding.exists() or (value as Quantity).code = 'x'"),
        ("Questionnaire", "repeat(item).linkId.isDistinct()"),
        ("Patient", "DomainResource.contained.empty() and type().name = 'Patient'"),
        ("Bundle", "entry.resource.name"),
    ] {
        let expression = Expression::compile(text).expect("an expression");
        assert_eq!(expression.check(on), Ok(()), "{text}");
    }
}
