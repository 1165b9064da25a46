//! `_total`, `_count=0` and `_summary=count`: what is counted, and what that costs.

use super::*;

#[actix_web::test]
async fn a_total_costs_a_statement_for_each_scan_and_only_if_the_page_is_not_all() {
    for (uri, total, statements) in [
        ("/fhir/Patient?_count=2", None, 1),
        ("/fhir/Patient?_count=2&_total=none", None, 1),
        ("/fhir/Patient?_count=2&_total=accurate", Some(3), 2),
        ("/fhir/Patient?_total=accurate", Some(3), 1),
        ("/fhir/Patient?gender=female&_total=accurate", Some(1), 1),
        ("/fhir/Patient?_count=0", Some(3), 1),
        ("/fhir/Patient?_summary=count&gender=male", Some(1), 1),
        ("/fhir/Patient?_summary=count&_total=none", None, 0),
        ("/fhir/Patient?_count=0&_revinclude=Observation:subject", Some(3), 1),
        // A row that is no resource has its place on a page, and in the number.
        ("/fhir/Observation?_count=1&_total=accurate", Some(3), 2),
        ("/fhir/Observation?_total=accurate", Some(3), 1),
        ("/fhir/Observation?_count=0", Some(3), 1),
        ("/fhir/Observation?_count=1&_total=accurate&_include=Observation:subject", Some(3), 3),
        ("/fhir/Observation?_total=accurate&_id=lab.99", Some(0), 1),
    ] {
        let answered = get(uri).await;
        assert_eq!(answered.status, 200, "{uri}: {}", answered.body);
        let bundle = answered.json();
        assert_eq!(bundle.get("total").and_then(Value::as_u64), total, "{uri}: {bundle}");
        assert_eq!(answered.statements(), Some(statements), "{uri}");
    }
}

#[actix_web::test]
async fn a_number_alone_has_no_entries_and_no_next() {
    for uri in ["/fhir/Patient?_count=0", "/fhir/Patient?_summary=count&_count=1"] {
        let bundle = get(uri).await.json();
        assert!(bundle.get("entry").is_none(), "{bundle}");
        let links = bundle["link"].as_array().expect("links");
        assert_eq!(links.len(), 1, "{bundle}");
        assert_eq!(links[0]["relation"], "self");
        assert_eq!(bundle["total"], 3);
    }
}

#[actix_web::test]
async fn every_page_says_the_same_total() {
    let mut uri = "/fhir/Patient?_count=1&_total=accurate".to_owned();
    for page in 0..3 {
        let bundle = get(&uri).await.json();
        assert_eq!((&bundle["total"], page), (&serde_json::json!(3), page), "{uri}");
        if let Some(next) = bundle["link"][1]["url"].as_str() {
            uri = next.replace("https://fhir.test", "");
        }
    }
}

#[actix_web::test]
async fn a_source_that_expects_nothing_says_so_instead_of_a_number() {
    let answered = get("/fhir/Patient?_count=2&_total=estimate").await;
    let bundle = answered.json();
    assert!(bundle.get("total").is_none(), "{bundle}");
    let entries = bundle["entry"].as_array().expect("entries");
    let last = &entries[2];
    assert_eq!((entries.len(), &last["search"]["mode"]), (3, &serde_json::json!("outcome")));
    let told = last["resource"]["issue"][0]["diagnostics"].as_str().unwrap_or_default();
    assert!(told.starts_with("GKN-210: "), "{told}");
    // A page that is all there is needs no expectation.
    assert_eq!(get("/fhir/Patient?_total=estimate").await.json()["total"], 3);
}
