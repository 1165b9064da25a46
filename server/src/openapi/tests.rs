//! The document beside `/metadata`, and the expressions beside the parser.

use std::collections::BTreeSet;

use genkan_fhir::definitions::Definitions;
use genkan_fhir::search;
use genkan_mapping::plan;
use genkan_masters::{Masters, Store, read};
use regex::Regex;

use super::*;
use crate::bundle::tests::collected;
use crate::codes::CodesConfig;

const BASE: &str = "https://fhir.test/fhir";

async fn document_and_service() -> (Value, Service) {
    let service = collected::service().await.with_masters(modifiers(), &CodesConfig::default());
    (described(&service, BASE), service)
}

/// A master with one code.
fn modifiers() -> Store {
    let mut fields = [""; 19];
    [fields[0], fields[2], fields[6], fields[16]] = ["0", "8002", "の疑い", "27000001"];
    let reading = read("z_1.txt", fields.join(",").as_bytes()).expect("a master");
    let mut masters = Masters::default();
    let day = chrono::NaiveDate::from_ymd_opt(2026, 4, 1).expect("a day");
    masters.apply(&reading, ("z_1.txt", [0; 32], day)).expect("applied");
    Store::open(masters.pack()).expect("a store")
}

fn names(operation: &Value, place: &str) -> BTreeSet<String> {
    let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    let own = parameters.iter().filter(|one| one["in"] == place);
    own.filter_map(|one| one["name"].as_str().map(str::to_owned)).collect()
}

/// What `/metadata` says in words, and the parameters that shape an answer.
fn declared(service: &Service, resource_type: &str) -> BTreeSet<String> {
    let rules = &service.rules;
    let shaping = ["_count", "_total", "_summary", "_elements", "_format", "_pretty"];
    let mut found: BTreeSet<String> = shaping.map(str::to_owned).into();
    for parameter in plan::offered(rules, resource_type) {
        let forms = plan::forms(rules, resource_type, &parameter.code);
        found.extend(forms.plain().then(|| parameter.code.clone()));
        found.extend(
            forms.modifiers.iter().map(|modifier| format!("{}:{modifier}", parameter.code)),
        );
        if plan::sorts(rules, resource_type, &parameter.code) {
            found.insert("_sort".to_owned());
        }
    }
    for chain in plan::chains(rules, resource_type) {
        let name = |end: &&genkan_mapping::search::Parameter| {
            format!("{}:{}.{}", chain.parameter, chain.target, end.code)
        };
        found.extend(chain.ends.iter().map(name));
    }
    for chain in plan::reverse_chains(rules, resource_type) {
        let name = |end: &&genkan_mapping::search::Parameter| {
            format!("_has:{}:{}:{}", chain.source, chain.parameter, end.code)
        };
        found.extend(chain.ends.iter().map(name));
    }
    if !capability::includes(rules, resource_type).is_empty() {
        found.extend(["_include", "_include:iterate"].map(str::to_owned));
    }
    if !capability::rev_includes(rules, resource_type).is_empty() {
        found.extend(["_revinclude", "_revinclude:iterate"].map(str::to_owned));
    }
    found
}

#[actix_web::test]
async fn a_search_has_the_parameters_of_metadata_and_no_other() {
    let (document, service) = document_and_service().await;
    let types = service.rules.resource_types();
    assert!(types.contains(&"Patient") && types.contains(&"Observation"), "{types:?}");
    for resource_type in types {
        let expected = declared(&service, resource_type);
        let by_get = &document["paths"][format!("/{resource_type}")]["get"];
        assert_eq!(names(by_get, "query"), expected, "{resource_type}");
        let form = &document["paths"][format!("/{resource_type}/_search")]["post"]["requestBody"]["content"]
            ["application/x-www-form-urlencoded"]["schema"]["properties"];
        let form: BTreeSet<String> =
            form.as_object().expect("properties").keys().cloned().collect();
        assert_eq!(form, expected, "{resource_type}");
    }
}

#[actix_web::test]
async fn a_path_is_there_for_each_type_that_the_rules_make_and_for_no_other() {
    let (document, service) = document_and_service().await;
    let paths: BTreeSet<&str> =
        document["paths"].as_object().expect("paths").keys().map(String::as_str).collect();
    let mut expected: BTreeSet<String> = [
        "/",
        "/metadata",
        "/openapi.json",
        "/Patient/{id}/$jp-clins-bundle",
        "/OperationDefinition/Patient-jp-clins-bundle",
        "/Patient/{id}/$everything",
        "/Encounter/{id}/$everything",
        "/$export",
        "/Patient/$export",
        "/$export-status/{token}",
        "/$export-file/{token}",
        "/$validate",
        "/SearchParameter",
        "/SearchParameter/_search",
        "/SearchParameter/{id}",
    ]
    .map(str::to_owned)
    .into();
    for of in service.rules.resource_types() {
        let own = ["", "/_search", "/{id}", "/{id}/_history/{vid}"];
        expected.extend(own.map(|end| format!("/{of}{end}")));
        expected.extend(["", "/{id}"].map(|id| format!("/{of}{id}/$validate")));
    }
    for of in ["CodeSystem", "ConceptMap", "ValueSet"] {
        expected.extend(["", "/_search", "/{id}"].map(|end| format!("/{of}{end}")));
    }
    for operation in ["CodeSystem{}/$validate-code", "CodeSystem{}/$subsumes", "ValueSet{}/$expand"]
        .into_iter()
        .chain(["ValueSet{}/$validate-code", "ConceptMap{}/$translate"])
    {
        expected.extend(["", "/{id}"].map(|id| format!("/{}", operation.replace("{}", id))));
    }
    expected.insert("/CodeSystem/$lookup".to_owned());
    assert_eq!(paths, expected.iter().map(String::as_str).collect());
}

/// Every `$ref` of a value.
fn references<'v>(value: &'v Value, found: &mut BTreeSet<&'v str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[actix_web::test]
async fn what_is_referred_to_is_there_and_all_that_is_there_is_referred_to() {
    let (document, _) = document_and_service().await;
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.len() > 30);
    for reference in &found {
        let place = reference.strip_prefix('#').expect("inside the document");
        assert!(document.pointer(place).is_some(), "{reference}");
    }
    for part in ["schemas", "responses"] {
        for name in document["components"][part].as_object().expect("components").keys() {
            let reference = format!("#/components/{part}/{name}");
            assert!(found.contains(reference.as_str()), "{reference} is never used");
        }
    }
}

#[actix_web::test]
async fn the_limits_of_the_configuration_stand_in_the_document() {
    let mut service = collected::service().await;
    service.limits.page_size_default = 7;
    service.limits.page_size_max = 77;
    service.uri_bytes_max = 4321;
    service.batch.entries_max = 3;
    service.explain = true;
    let document = described(&service, BASE);
    let text = document.to_string();
    assert!(text.contains("7 if not said, 77 at most"));
    assert!(text.contains("longer than 4321 bytes"));
    let body = &document["paths"]["/"]["post"]["requestBody"]["content"]["application/fhir+json"];
    assert_eq!(body["schema"]["properties"]["entry"]["maxItems"], 3);
    assert!(names(&document["paths"]["/Patient"]["get"], "query").contains("__explain"));
    assert_eq!(document["servers"][0]["url"], BASE);
}

#[actix_web::test]
async fn refusals_have_the_statuses_of_the_table_of_errors() {
    let (document, _) = document_and_service().await;
    let statuses = |path: &str, method: &str| -> Vec<String> {
        let responses = document["paths"][path][method]["responses"].as_object();
        responses.expect("responses").keys().cloned().collect()
    };
    let gets = ["200", "304", "400", "406", "412", "414", "500", "502", "503", "504"];
    assert_eq!(statuses("/Patient", "get"), gets);
    let read = ["200", "304", "400", "404", "406", "412", "414", "422", "500", "502", "503", "504"];
    assert_eq!(statuses("/Patient/{id}", "get"), read);
    let batch = ["200", "400", "406", "408", "413", "414", "415", "500", "503", "504"];
    assert_eq!(statuses("/", "post"), batch);
    let kick_off = ["202", "304", "400", "404", "406", "412", "414", "500", "502", "503", "504"];
    assert_eq!(statuses("/$export", "get"), kick_off);
    let status = ["200", "202", "304", "400", "404", "406", "412", "414", "500", "503", "504"];
    assert_eq!(statuses("/$export-status/{token}", "get"), status);
    let end = ["202", "400", "404", "406", "414", "500", "503", "504"];
    assert_eq!(statuses("/$export-status/{token}", "delete"), end);
    let file: Vec<&str> =
        "200 304 400 404 406 412 414 422 426 429 500 502 503 504".split(' ').collect();
    assert_eq!(statuses("/$export-file/{token}", "get"), file);
    let everything: Vec<&str> =
        "200 304 400 404 406 412 414 422 426 500 502 503 504".split(' ').collect();
    assert_eq!(statuses("/Patient/{id}/$everything", "get"), everything);
}

/// The document has the parameters of the tables by which requests are read, but what only links have.
#[actix_web::test]
async fn operations_have_the_parameters_that_they_are_read_by() {
    let (document, _) = document_and_service().await;
    let form = ["_format", "_pretty"];
    for (path, own) in [
        ("/$export", &["_type", "_since", "_elements", "_typeFilter", "_outputFormat"][..]),
        ("/Patient/{id}/$everything", &["start", "end", "_since", "_type", "_count"]),
        ("/$export-file/{token}", &["_after"]),
    ] {
        let get = &document["paths"][path]["get"];
        let expected: BTreeSet<String> = match path.contains("file") {
            true => own.iter().map(|name| (*name).to_owned()).collect(),
            false => own.iter().chain(&form).map(|name| (*name).to_owned()).collect(),
        };
        assert_eq!(names(get, "query"), expected, "{path}");
        let body =
            &document["paths"][path]["post"]["requestBody"]["content"]["application/fhir+json"];
        let in_body =
            &body["schema"]["properties"]["parameter"]["items"]["properties"]["name"]["enum"];
        let in_body: BTreeSet<String> = in_body
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|one| one.as_str())
            .map(str::to_owned)
            .collect();
        assert!(path.contains("file") || in_body == expected, "{path}: {in_body:?}");
    }
    assert_eq!(names(&document["paths"]["/$export"]["get"], "header").len(), 3);
}

/// Of every kind, right and wrong.
const VALUES: &[&str] = &[
    "a",
    "a,b",
    "a,,b",
    ",",
    "\\,",
    "\\a",
    "a\\",
    "|",
    "||",
    "a|",
    "|a",
    "a|b",
    "a|b|c",
    "a|b|",
    "2020",
    "0000",
    "2020-13",
    "2020-02-29",
    "2021-02-29",
    "2000-02-29",
    "1900-02-29",
    "ge2020-01-31T24:00",
    "ge2020-01-31T23:59",
    "2020-01-31T23:59:60.123456789Z",
    "xx2020",
    "2020-01-31T10:00:00+14:00",
    "2020-01-31T10:00:00+14:01",
    "eb2020-04-31",
    "2020-1-1",
    "1",
    "-1.50",
    "01",
    "1.",
    ".5",
    "1e5",
    "1e-5",
    "lt5.4|http://unitsofmeasure.org|mg",
    "5.4||mg",
    "5.4|mg",
    "99999999999999999999999999999",
    "999999999999999999999999999999",
    "0.00000000000001",
    "0.000000000000001",
    "true",
    "false",
    "True",
    "Patient/1",
    "Patient/",
    "Patient/1/_history/2",
    "Patient/1/_history/2*",
    "Nobody/1",
    "http://a/Nobody/1",
    "http://a/b",
    "urn:uuid:1",
    "#a",
    "#a:b",
    "a b",
    "a:b c",
    "a:b\n",
    "http://",
    "://",
    "a$b",
    "a$1",
    "a$b$c",
    "a\\$b",
    "a\u{fffe}:b",
    "\n",
    "2020\n",
];

/// For each kind of parameter: what is read as a value of it, and what is not.
#[actix_web::test]
async fn a_value_that_fits_the_document_is_read_and_one_that_does_not_is_refused() {
    let (document, service) = document_and_service().await;
    let read = |of: &str, name: &str, value: &str| {
        let pairs = [(name.to_owned(), value.to_owned())];
        search::parse(Definitions::r4(), of, &pairs, service.rules.site.zone).is_ok()
    };
    let mut compared = 0;
    for of in service.rules.resource_types() {
        let parameters = &document["paths"][format!("/{of}")]["get"]["parameters"];
        for parameter in parameters.as_array().expect("parameters") {
            let name = parameter["name"].as_str().expect("a name");
            let Some(place) = parameter["schema"]["items"]["$ref"].as_str() else { continue };
            let schema = document.pointer(&place[1..]).expect("a schema");
            let pattern = schema["pattern"].as_str().expect("a pattern");
            // Of the values here none is a longer list, and the library counts by writing out.
            let fits = Regex::new(&pattern.replace("{0,499}", "{0,3}")).expect("an expression");
            let example = parameter["example"][0].as_str().expect("an example");
            assert!(fits.is_match(example) && read(of, name, example), "{name}={example}");
            for value in VALUES {
                assert_eq!(fits.is_match(value), read(of, name, value), "{of}?{name}={value}");
                compared += 1;
            }
        }
    }
    assert!(compared > 1000);
}
