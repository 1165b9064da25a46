//! Values of searches by their type: numbers, what is about them, and values of several parts.

use chrono::FixedOffset;
use genkan_fhir::{
    definitions::Definitions,
    search::{Prefix, ProblemKind, SearchProblem, SearchRequest, SearchValue, TokenSystem, parse},
};

fn search(
    resource_type: &str,
    query: &[(&str, &str)],
) -> Result<SearchRequest, Vec<SearchProblem>> {
    let pairs: Vec<_> = query.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    let site = FixedOffset::east_opt(9 * 3600).expect("an offset");
    parse(Definitions::r4(), resource_type, &pairs, site)
}

fn values(resource_type: &str, name: &str, value: &str) -> Vec<SearchValue> {
    match search(resource_type, &[(name, value)]) {
        Ok(request) => request.filters.into_iter().next().expect("a filter").values,
        Err(problems) => panic!("{name}={value}: {problems:?}"),
    }
}

fn problem(resource_type: &str, name: &str, value: &str) -> ProblemKind {
    match search(resource_type, &[(name, value)]) {
        Ok(request) => panic!("{name}={value} was read as {request:?}"),
        Err(problems) => problems[0].kind,
    }
}

fn token(system: TokenSystem, code: Option<&str>) -> SearchValue {
    SearchValue::Token { system, code: code.map(str::to_owned) }
}

#[test]
fn a_number_is_exact_with_a_prefix_and_a_tenth_wide_when_approximate() {
    let number = |text: &str| match values("Observation", "value-quantity", text).remove(0) {
        SearchValue::Quantity { number, .. } => number,
        other => panic!("{other:?}"),
    };
    for (text, exact) in [
        ("gt1e2", "100"),
        ("le-5.40e-3", "-0.00540"),
        ("sa1.50", "1.50"),
        ("eb-0", "0"),
        ("lt12e1", "120"),
    ] {
        assert_eq!(number(text).exact, exact, "{text}");
    }
    for (text, low, high) in [
        ("ap100", "90.0", "110.0"),
        ("ap1e2", "90", "110"),
        ("ap-0.5", "-0.55", "-0.45"),
        ("ap0", "0.0", "0.0"),
        ("eq100", "99.5", "100.5"),
    ] {
        let range = number(text).range;
        assert_eq!((range.low.as_str(), range.high.as_str()), (low, high), "{text}");
    }
}

#[test]
fn what_is_about_a_date_is_as_long_as_a_tenth_of_its_distance() {
    let now = "2026-04-01T12:00:00".parse().expect("a time");
    for (value, start, end) in [
        ("ap2026-04-01", "2026-04-01T00:00:00", "2026-04-02T00:00:00"),
        ("ap2026-03-22", "2026-03-21T01:12:00", "2026-03-23T22:48:00"),
        ("ap2026-04-12T12:00", "2026-04-11T09:36:00", "2026-04-13T14:25:00"),
        ("ge2016", "2016-01-01T00:00:00", "2017-01-01T00:00:00"),
        ("ap2999", "2901-09-22T22:48:00", "3097-04-11T01:12:00"),
    ] {
        let request = search("Patient", &[("birthdate", value)]).expect("a search").at(now);
        let SearchValue::Date { period, .. } = &request.filters[0].values[0] else { panic!() };
        let shown = |at: chrono::NaiveDateTime| at.format("%Y-%m-%dT%H:%M:%S").to_string();
        assert_eq!((shown(period.start), shown(period.end)), (start.into(), end.into()), "{value}");
    }
}

#[test]
fn the_parts_of_a_composite_are_read_as_their_own_parameters() {
    let found =
        values("Observation", "code-value-quantity", r"http://loinc.org|2823-3$gt5.4||mmol\$L");
    let [SearchValue::Composite(parts)] = found.as_slice() else { panic!("{found:?}") };
    let system = TokenSystem::Is("http://loinc.org".to_owned());
    assert_eq!(parts[0], token(system, Some("2823-3")));
    let SearchValue::Quantity { prefix, number, code, .. } = &parts[1] else { panic!("{parts:?}") };
    assert_eq!((*prefix, number.exact.as_str()), (Prefix::Gt, "5.4"));
    assert_eq!(code.as_deref(), Some("mmol$L"));
    assert_eq!(values("Observation", "code-value-string", "a$b,c$d").len(), 2);
    let now = "2026-04-01T12:00:00".parse().expect("a time");
    let about = search("Observation", &[("code-value-date", "a$ap2016-04-01")]).expect("a search");
    let SearchValue::Composite(parts) = &about.at(now).filters[0].values[0] else { panic!() };
    let SearchValue::Date { period, .. } = &parts[1] else { panic!("{parts:?}") };
    assert_eq!(period.start.to_string(), "2015-04-01 20:24:00");
    for malformed in ["a", "a$1$2", "$1", "a$", "a$x", "a$1|b"] {
        assert!(
            matches!(
                problem("Observation", "code-value-quantity", malformed),
                ProblemKind::Malformed(_)
            ),
            "{malformed}"
        );
    }
}

#[test]
fn a_type_of_identifier_and_a_hierarchy_of_urls_need_all_their_parts() {
    let typed = SearchValue::OfType {
        system: "urn:t".to_owned(),
        code: "MR".to_owned(),
        value: "1|2".to_owned(),
    };
    assert_eq!(values("Patient", "identifier:of-type", r"urn:t|MR|1\|2"), [typed]);
    for malformed in ["MR|1", "|MR|1", "urn:t||1", "urn:t|MR|", "a|b|c|d"] {
        let found = problem("Patient", "identifier:of-type", malformed);
        assert!(matches!(found, ProblemKind::Malformed(_)), "{malformed}");
    }
    assert!(matches!(
        problem("Patient", "_profile:above", "urn:oid:1.2.3"),
        ProblemKind::Malformed(_)
    ));
    assert_eq!(problem("Patient", "name", ""), ProblemKind::Empty);
    assert!(matches!(problem("Location", "near", "1|2"), ProblemKind::NotSupported(_)));
}
