//! Modifiers, prefixes and what a client lets be left out: what is answered is what `/metadata` says.

use super::*;

async fn lenient(uri: &str) -> Answered {
    send(TestRequest::get().uri(uri).insert_header(("Prefer", "handling=lenient"))).await
}

fn ids(bundle: &Value) -> Vec<String> {
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let matches = entries.iter().filter(|entry| entry["search"]["mode"] == "match");
    let id = |entry: &Value| entry["resource"]["id"].as_str().unwrap_or_default().to_owned();
    matches.map(id).collect()
}

fn diagnostics(outcome: &Value) -> Vec<String> {
    let issues = outcome["issue"].as_array().cloned().unwrap_or_default();
    let text = |issue: &Value| issue["diagnostics"].as_str().unwrap_or_default().to_owned();
    issues.iter().map(text).collect()
}

fn self_link(bundle: &Value) -> &str {
    bundle["link"][0]["url"].as_str().unwrap_or_default()
}

#[actix_web::test]
async fn modifiers_and_prefixes_are_answered() {
    for (query, expected) in [
        ("Patient?gender:not=male", "patient.0002 patient.0003"),
        ("Patient?gender:missing=true", "patient.0003"),
        ("Patient?gender:missing=false", "patient.0001 patient.0002"),
        ("Patient?identifier:missing=true", ""),
        ("Observation?code:text=na", "lab.1 lab.3"),
        ("Observation?subject:Patient=patient.0001", "lab.1 lab.3"),
        ("Observation?subject:missing=true", ""),
        ("Observation?date=eq2026-04-01", "lab.1"),
        ("Observation?date=ne2026-04-01", "lab.3"),
        ("Observation?date=gt2026-04-01", "lab.3"),
        ("Observation?date=ge2026-04-01", "lab.1 lab.3"),
        ("Observation?date=lt2026-04-03", "lab.1"),
        ("Observation?date=le2026-04-03", "lab.1 lab.3"),
        ("Observation?date=sa2026-04-01", "lab.3"),
        ("Observation?date=eb2026-04-03", "lab.1"),
        ("Observation?date=ap2026-04-01", "lab.1 lab.3"),
        ("Observation?date=ap1926-04-01", ""),
    ] {
        let answered = get(&format!("/fhir/{query}")).await;
        assert_eq!(answered.status, 200, "{query}: {}", answered.body);
        assert_eq!(ids(&answered.json()).join(" "), expected, "{query}");
    }
}

#[actix_web::test]
async fn a_modifier_that_is_not_offered_is_refused_with_those_that_are() {
    for (query, told) in [
        ("Patient?gender:in=http://x", "gender takes :missing :not"),
        ("Patient?gender:text=x", "gender takes :missing :not"),
        ("Patient?gender:exact=male", "takes only the modifiers"),
        ("Observation?subject:above=x", "subject takes :missing :Patient"),
        ("Observation?subject:Group=1", "subject takes :missing :Patient"),
        ("Observation?date:missing=perhaps", "true or false"),
        ("Observation?date:exact=2026", "takes only the modifiers"),
        ("Observation?date=xx2026", "expected"),
    ] {
        for answered in
            [get(&format!("/fhir/{query}")).await, lenient(&format!("/fhir/{query}")).await]
        {
            // Without its modifier or its value the parameter would be another question.
            assert_eq!(answered.status, 400, "{query}: {}", answered.body);
            assert!(answered.body.contains(told), "{query}: {}", answered.body);
        }
    }
}

#[actix_web::test]
async fn what_a_lenient_search_left_out_is_told_and_not_in_its_links() {
    let all = "patient.0001 patient.0002 patient.0003";
    for (query, expected, kept, left_out) in [
        ("Patient?favourite=1&gender=male", "patient.0001", "?gender=male", "http.favourite"),
        ("Patient?name=x", all, "/Patient", "http.name"),
        ("Patient?name=x&_sort=name", all, "/Patient", "http.name"),
        ("Patient?_sort=gender", all, "/Patient", "http._sort"),
        ("Patient?gender=", all, "/Patient", "http.gender"),
        ("Patient?_include=Patient:organization", all, "/Patient", "http._include"),
        ("Patient?organization.name=x", all, "/Patient", "http.organization.name"),
        ("Patient?_has:Observation:subject:code-x=1", all, "/Patient", "http._has"),
    ] {
        let answered = lenient(&format!("/fhir/{query}")).await;
        assert_eq!(answered.status, 200, "{query}: {}", answered.body);
        let bundle = answered.json();
        assert_eq!(ids(&bundle).join(" "), expected, "{query}");
        assert!(self_link(&bundle).ends_with(kept), "{query}: {}", self_link(&bundle));
        let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
        let outcome = entries.iter().find(|entry| entry["search"]["mode"] == "outcome");
        let issue = &outcome.expect("an outcome")["resource"]["issue"][0];
        assert_eq!(issue["severity"], "warning", "{query}");
        let place = issue["expression"][0].as_str().unwrap_or_default();
        assert!(place.starts_with(left_out), "{query}: {issue}");
        let told = issue["diagnostics"].as_str().unwrap_or_default();
        assert!(told.starts_with("GKN-212: ignored: "), "{query}: {told}");
        // Strict is the default, and is said by name as well.
        let strict = TestRequest::get().uri(&format!("/fhir/{query}"));
        let strict = send(strict.insert_header(("Prefer", "handling=strict"))).await;
        assert_eq!(strict.status, 400, "{query}: {}", strict.body);
        assert_eq!(get(&format!("/fhir/{query}")).await.status, 400, "{query}");
    }
}

#[actix_web::test]
async fn what_was_left_out_belongs_to_the_version_of_a_page() {
    let plain = get("/fhir/Patient").await;
    let left_out = lenient("/fhir/Patient?favourite=1").await;
    let (plain, tag) = (plain.header("etag").expect("a tag"), left_out.header("etag"));
    assert_ne!(Some(plain), tag);
    let again = TestRequest::get().uri("/fhir/Patient?favourite=1");
    let again = again.insert_header(("Prefer", "handling=lenient"));
    let again = send(again.insert_header(("If-None-Match", plain))).await;
    assert_eq!(again.status, 200);
    assert!(again.body.contains("GKN-212"), "{}", again.body);
}

#[actix_web::test]
async fn what_metadata_says_of_a_parameter_is_what_is_answered() {
    let statement = get("/fhir/metadata").await.json();
    let all = "exact contains missing not text of-type in not-in above below identifier Patient";
    for resource in statement["rest"][0]["resource"].as_array().expect("resources") {
        let type_name = resource["type"].as_str().expect("a type");
        for parameter in resource["searchParam"].as_array().expect("parameters") {
            let (name, kind) = (&parameter["name"], &parameter["type"]);
            let name = name.as_str().expect("a name");
            let text = parameter["documentation"].as_str().unwrap_or_default();
            let told = |label: &str| {
                let told = text.split_once(label).and_then(|(_, rest)| rest.split('.').next());
                told.unwrap_or_default().split_whitespace().map(str::to_owned).collect::<Vec<_>>()
            };
            for modifier in all.split(' ') {
                let value = match modifier {
                    "missing" => "true",
                    "of-type" => "a|b|c",
                    _ => "a",
                };
                let uri = format!("/fhir/{type_name}?{name}:{modifier}={value}");
                let expected = told("Modifiers: ").contains(&format!(":{modifier}"));
                let status = get(&uri).await.status;
                assert_eq!(status == 200, expected, "{uri}: {status}, {text}");
            }
            let prefixes = told("Prefixes: ");
            assert_eq!(kind == "date", prefixes.len() == 9, "{name}: {text}");
            for prefix in prefixes {
                let uri = format!("/fhir/{type_name}?{name}={prefix}2026-04-01");
                assert_eq!(get(&uri).await.status, 200, "{uri}");
            }
        }
    }
}

#[actix_web::test]
async fn refusals_name_the_parameter_and_are_in_japanese_for_who_reads_it() {
    let request = TestRequest::get().uri("/fhir/Patient?gender:in=x&birthdate=2000");
    let outcome = send(request.insert_header(("Accept-Language", "ja"))).await.json();
    let told = diagnostics(&outcome);
    assert_eq!(told.len(), 2, "{outcome}");
    let places: Vec<&Value> =
        outcome["issue"].as_array().expect("issues").iter().map(|i| &i["expression"][0]).collect();
    assert_eq!(places, ["http.birthdate", "http.gender:in"]);
    let text = outcome["issue"][1]["details"]["text"].as_str().unwrap_or_default();
    assert!(text.contains("gender で使える修飾子: :missing :not"), "{text}");
}
