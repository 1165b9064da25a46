//! SearchParameter resources: made of the rules, found and refused as resources of rows are.

use genkan_fhir::definitions::{Definitions, check_primitive};

use super::*;

const BASE: &str = "https://fhir.test/fhir";

fn local(url: &str) -> String {
    format!("/fhir{}", url.strip_prefix(BASE).expect("an address of ours"))
}

fn texts(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .filter_map(Value::as_str)
        .collect()
}

/// The ids of all pages.
async fn ids(uri: &str) -> Vec<String> {
    let (mut ids, mut next) = (Vec::new(), Some(uri.to_owned()));
    while let Some(page) = next {
        let answered = get(&page).await;
        assert_eq!(answered.status, 200, "{page}: {}", answered.body);
        let bundle = answered.json();
        let entries = bundle["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
        ids.extend(
            entries.iter().filter_map(|one| Some(one["resource"]["id"].as_str()?.to_owned())),
        );
        let links = bundle["link"].as_array().expect("links");
        let link = links.iter().find(|link| link["relation"] == "next");
        next = link.and_then(|link| link["url"].as_str()).map(local);
    }
    ids
}

#[actix_web::test]
async fn each_definition_of_metadata_is_there_and_has_in_fields_what_the_text_says() {
    let statement = get("/fhir/metadata").await.json();
    let codes = |set: &str| {
        let url = format!("http://hl7.org/fhir/ValueSet/{set}");
        let codes = Definitions::r4().value_set_codes(&url).expect(set);
        codes.iter().map(|one| one.code).collect::<Vec<_>>()
    };
    let (modifiers, comparators) = (codes("search-modifier-code"), codes("search-comparator"));
    let mut seen = Vec::new();
    for resource in statement["rest"][0]["resource"].as_array().expect("resources") {
        for parameter in resource["searchParam"].as_array().expect("parameters") {
            let url = parameter["definition"].as_str().expect("a URL");
            let answered = get(&local(url)).await;
            assert_eq!(answered.status, 200, "{url}: {}", answered.body);
            let told = answered.json();
            assert_eq!(
                (&told["url"], &told["code"]),
                (&parameter["definition"], &parameter["name"])
            );
            assert_eq!((&told["base"][0], &told["type"]), (&resource["type"], &parameter["type"]));
            let id = told["id"].as_str().expect("an id");
            assert!(url.ends_with(&format!("/{id}")), "{url}");
            assert!(check_primitive("id", id).is_ok(), "{id}");
            let code = told["code"].as_str().expect("a code");
            let of = resource["type"].as_str().expect("a type");
            let definition = Definitions::r4().search_parameter(of, code).expect("R4's own");
            assert_eq!(told["derivedFrom"], definition.url());
            assert_eq!(told["expression"], definition.expression_of(of));
            let text = parameter["documentation"].as_str().unwrap_or_default();
            let description = told["description"].as_str().expect("a description");
            assert!(description.ends_with(text), "{description}");
            let own = texts(&told["modifier"]);
            assert!(own.iter().all(|one| modifiers.contains(one)), "{own:?}");
            for (word, field) in [(":exact", "exact"), (":of-type", "ofType"), (":Patient", "type")]
            {
                assert_eq!(text.contains(word), own.contains(&field), "{url} {word}: {text}");
            }
            let own = texts(&told["comparator"]);
            assert!(own.iter().all(|one| comparators.contains(one)), "{own:?}");
            assert_eq!(text.contains("Prefixes: "), !own.is_empty(), "{url}: {text}");
            let own = texts(&told["chain"]);
            assert_eq!(text.contains("Chains: "), !own.is_empty(), "{url}: {text}");
            seen.push(id.to_owned());
        }
    }
    assert!(seen.contains(&"Observation-date".to_owned()), "{seen:?}");
    assert!(seen.contains(&"Patient.lastUpdated".to_owned()), "{seen:?}");
    seen.sort();
    let mut all = ids("/fhir/SearchParameter").await;
    all.sort();
    assert_eq!(all, seen, "and there are no others");
}

#[actix_web::test]
async fn one_says_what_the_rules_refer_to_and_what_chains_ask_there() {
    let told = get("/fhir/SearchParameter/Observation-subject").await.json();
    assert_eq!(told["name"], "ObservationSubject");
    assert_eq!(texts(&told["target"]), ["Patient"]);
    assert_eq!(texts(&told["modifier"]), ["missing", "type"]);
    assert!(texts(&told["chain"]).contains(&"identifier"), "{told}");
    assert_eq!((&told["multipleOr"], &told["multipleAnd"]), (&true.into(), &true.into()));
    let told = get("/fhir/SearchParameter/Observation-code-value-quantity").await;
    assert_eq!(told.status, 404, "no rule has a quantity: {}", told.body);
}

#[actix_web::test]
async fn they_are_found_by_a_few_parameters_and_everything_else_is_refused() {
    let all = ids("/fhir/SearchParameter").await;
    for (query, expected) in [
        ("base=Patient&code=gender", vec!["Patient-gender"]),
        ("_id=Patient-gender,Observation-date", vec!["Observation-date", "Patient-gender"]),
        ("code=_lastUpdated", vec!["Patient.lastUpdated"]),
        ("url=https://fhir.test/fhir/SearchParameter/Patient-gender", vec!["Patient-gender"]),
        ("url=http://hl7.org/fhir/SearchParameter/individual-gender", vec![]),
        ("name=patientg", vec!["Patient-gender"]),
        ("target=Patient&base=Observation", vec!["Observation-patient", "Observation-subject"]),
        ("base=SearchParameter&type=uri", vec!["SearchParameter-url"]),
        ("code=gender&code=date", vec![]),
        ("base=Procedure", vec![]),
    ] {
        assert_eq!(ids(&format!("/fhir/SearchParameter?{query}")).await, expected, "{query}");
    }
    for count in [1, 3, 1000] {
        assert_eq!(ids(&format!("/fhir/SearchParameter?_count={count}")).await, all, "{count}");
    }
    for (query, code) in [
        ("description=x", "GKN-113"),
        ("colour=red", "GKN-113"),
        ("code:missing=false", "GKN-113"),
        ("code=http://example.org|date", "GKN-113"),
        ("code=|date", "GKN-113"),
        ("_sort=code", "GKN-113"),
        ("_include=SearchParameter:component", "GKN-113"),
        ("component.code=date", "GKN-113"),
        ("_page=made-up", "GKN-113"),
        ("_summary=count&_elements=id", "GKN-113"),
    ] {
        let answered = get(&format!("/fhir/SearchParameter?{query}")).await;
        assert!(
            answered.status == 400 && answered.body.contains(code),
            "{query}: {}",
            answered.body
        );
    }
    for (uri, status) in [
        ("/fhir/SearchParameter/Patient-colour", 404),
        ("/fhir/SearchParameter/Patient-gender/_history/1", 404),
        ("/fhir/SearchParameter/Patient-gender?_summary=count", 400),
    ] {
        assert_eq!(get(uri).await.status, status, "{uri}");
    }
}

#[actix_web::test]
async fn a_search_for_them_has_the_ways_of_a_search_for_rows() {
    let uri = "/fhir/SearchParameter?base=Patient&_total=accurate&_count=2&_elements=code";
    let answered = get(uri).await;
    let page = answered.json();
    let first = &page["entry"][0];
    assert!(page["total"].as_u64().is_some_and(|total| total > 2), "{page}");
    assert_eq!(first["fullUrl"].as_str(), first["resource"]["url"].as_str());
    assert_eq!(first["search"]["mode"], "match");
    assert_eq!(first["resource"]["meta"]["tag"][0]["code"], "SUBSETTED");
    // Mandatory elements are there whatever is asked for.
    assert!(first["resource"]["url"].is_string() && first["resource"].get("expression").is_none());
    let count = get("/fhir/SearchParameter?base=Patient&_summary=count").await.json();
    assert_eq!((&count["total"], count.get("entry")), (&page["total"], None));
    // What the client has.
    let service = service(&HttpConfig::default()).await;
    for uri in [uri, "/fhir/SearchParameter/Patient-gender"] {
        let answered = send_to(service.clone(), TestRequest::get().uri(uri)).await;
        let tag = answered.header("etag").expect("an ETag").to_owned();
        let again = TestRequest::get().uri(uri).insert_header(("If-None-Match", tag));
        assert_eq!(send_to(service.clone(), again).await.status, 304, "{uri}");
        let statements = answered.statements();
        assert!(statements.is_none_or(|statements| statements == 0), "{uri}: {statements:?}");
    }
    // By a form, whose links show nothing of it, and by a batch.
    let form = TestRequest::post()
        .uri("/fhir/SearchParameter/_search")
        .set_form([("base", "Patient"), ("_count", "2")]);
    let page = send(form).await.json();
    let next = page["link"][1]["url"].as_str().expect("a next page");
    assert!(!next.contains("base"), "{next}");
    let behind = get(&local(next)).await.json();
    assert_ne!(behind["entry"][0], page["entry"][0]);
    let entry =
        serde_json::json!({"request": {"method": "GET", "url": "SearchParameter?code=gender"}});
    let batch = serde_json::json!({"resourceType": "Bundle", "type": "batch", "entry": [entry]});
    let batch = send(TestRequest::post().uri("/fhir").set_json(batch)).await.json();
    assert_eq!(batch["entry"][0]["resource"]["entry"][0]["resource"]["id"], "Patient-gender");
    // Lenient: left out and told, but not with a modifier.
    let lenient = |query: &str| {
        let uri = format!("/fhir/SearchParameter?{query}");
        send(TestRequest::get().uri(&uri).insert_header(("Prefer", "handling=lenient")))
    };
    let page = lenient("code=gender&description=x&_sort=code&colour=red").await;
    assert_eq!(page.json()["entry"][0]["resource"]["id"], "Patient-gender");
    assert_eq!(page.body.matches("GKN-212").count(), 3, "{}", page.body);
    assert_eq!(lenient("code:missing=true").await.status, 400);
    let xml = get("/fhir/SearchParameter/Patient-gender?_format=xml").await;
    assert!(xml.body.contains(
        "<derivedFrom value=\"http://hl7.org/fhir/SearchParameter/individual-gender\"/>"
    ));
}
