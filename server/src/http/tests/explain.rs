//! `__explain`: only where it is switched on, and then each statement that the search sends.

use super::*;

async fn explained(uri: &str) -> Answered {
    let fhir = FhirConfig { explain: true, ..FhirConfig::default() };
    let files = [("patient.map.yaml", PATIENT), ("lab.map.yaml", LAB)];
    let service = hospital(SCHEMA, &files, &rows(), &fhir, &HttpConfig::default()).await;
    send_to(service, TestRequest::get().uri(uri)).await
}

/// The values of a part's parameters of one name.
fn values(part: &Value, name: &str) -> Vec<String> {
    let parts = part["part"].as_array().map(Vec::as_slice).unwrap_or_default();
    let named = parts.iter().filter(|part| part["name"] == name);
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let value = |part: &Value| {
        let members = part.as_object()?;
        members.iter().find(|(key, _)| key.starts_with("value")).map(|(_, value)| text(value))
    };
    named.filter_map(value).collect()
}

#[actix_web::test]
async fn where_it_is_not_switched_on_it_is_refused() {
    for uri in ["/fhir/Patient?__explain=true", "/fhir/Observation?_count=1&__explain=true"] {
        let refused = get(uri).await;
        assert_eq!(refused.status, 400, "{}", refused.body);
        assert!(refused.body.contains("[fhir] explain"), "{}", refused.body);
    }
    assert_eq!(get("/fhir/Patient?__explain=false").await.json()["type"], "searchset");
    assert_eq!(explained("/fhir/Patient?__explain=1").await.status, 400);
}

#[actix_web::test]
async fn each_statement_is_shown_with_its_values_its_rows_and_the_databases_plan() {
    let uri = "/fhir/Observation?patient=Patient/patient.0001&date=ge2026-04-02&_count=1\
               &_total=accurate&_include=Observation:subject&__explain=true";
    let answered = explained(uri).await;
    assert_eq!(answered.status, 200, "{}", answered.body);
    let parameters = answered.json();
    assert_eq!(parameters["resourceType"], "Parameters");
    let named = |name: &str| -> Vec<Value> {
        let all = parameters["parameter"].as_array().expect("parameters").iter();
        all.filter(|one| one["name"] == name).cloned().collect()
    };
    let plan = named("plan")[0]["valueString"].as_str().expect("a plan").to_owned();
    assert!(plan.contains("search Observation: 1 per page"), "{plan}");
    let statements = named("statement");
    // The page, what it counts, what it includes: as a search would have sent them.
    assert_eq!(statements.len(), 3, "{parameters}");
    assert_eq!(answered.statements(), Some(3));
    for (statement, (of, rule, rows)) in statements.iter().zip([
        ("rows", "lab", "2"),
        ("count", "lab", "2"),
        ("rows", "patient", "1"),
    ]) {
        assert_eq!(values(statement, "of"), [of]);
        assert_eq!(values(statement, "rule"), [rule]);
        assert_eq!(values(statement, "source"), ["main"]);
        assert_eq!(values(statement, "rows"), [rows]);
        assert!(values(statement, "text")[0].starts_with("SELECT "), "{statement}");
        assert!(values(statement, "value").contains(&"'0001'".to_owned()), "{statement}");
        assert!(!values(statement, "databasePlan").is_empty(), "{statement}");
        assert_eq!(values(statement, "milliseconds").len(), 1);
    }
    let advice = named("advice");
    let told: Vec<&str> = advice.iter().filter_map(|one| one["valueString"].as_str()).collect();
    assert!(told.iter().any(|text| text.contains("`LAB.DAY`")), "{told:?}");
    assert!(!answered.body.contains("山田"), "no resource is made");
}
