//! Search requests: what the words mean, and what is refused.

use chrono::FixedOffset;
use genkan_fhir::{
    definitions::Definitions,
    reference::Reference,
    search::{
        DecimalRange, Include, MAX_PARAMETERS, Modifier, Prefix, ProblemKind, SearchProblem,
        SearchRequest, SearchValue, SortKey, TokenSystem, Total, known_name, parse,
    },
};
use proptest::prelude::*;

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

fn period(value: &str) -> (Prefix, String, String) {
    match values("Patient", "birthdate", value).remove(0) {
        SearchValue::Date { prefix, period } => {
            (prefix, period.start.to_string(), period.end.to_string())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn repeated_parameters_are_and_commas_are_or() {
    let request = search("Patient", &[("name", "山田,佐藤"), ("name", "太郎"), ("gender", "male")])
        .expect("a good search");
    let shape: Vec<_> = request.filters.iter().map(|of| (of.code, of.values.len())).collect();
    assert_eq!(shape, [("name", 2), ("name", 1), ("gender", 1)]);
}

#[test]
fn escapes_protect_separators() {
    let text = |text: &str| SearchValue::Text(text.to_owned());
    assert_eq!(values("Patient", "name", r"a\,b,c\\,d"), [text("a,b"), text(r"c\"), text("d")]);
    assert_eq!(
        values("Observation", "code", r"http://x\|y|a\$b\,c"),
        [token(TokenSystem::Is("http://x|y".to_owned()), Some("a$b,c"))]
    );
    assert_eq!(values("Patient", "name", "a|b"), [text("a|b")]);
    for malformed in [r"a\b", r"a\"] {
        assert!(matches!(problem("Patient", "name", malformed), ProblemKind::Malformed(_)));
    }
}

#[test]
fn tokens_have_four_forms() {
    let system = || TokenSystem::Is("http://loinc.org".to_owned());
    let forms = [
        ("2823-3", token(TokenSystem::Any, Some("2823-3"))),
        ("|2823-3", token(TokenSystem::None, Some("2823-3"))),
        ("http://loinc.org|", token(system(), None)),
        ("http://loinc.org|2823-3", token(system(), Some("2823-3"))),
    ];
    for (text, token) in forms {
        assert_eq!(values("Observation", "code", text), [token]);
    }
    for malformed in ["|", "a|b|c", "a,", ",a"] {
        assert!(matches!(problem("Observation", "code", malformed), ProblemKind::Malformed(_)));
    }
}

#[test]
fn dates_are_stretches_of_the_sites_wall_clock() {
    let expected = [
        ("2026", Prefix::Eq, "2026-01-01 00:00:00", "2027-01-01 00:00:00"),
        ("ge2026-02", Prefix::Ge, "2026-02-01 00:00:00", "2026-03-01 00:00:00"),
        ("lt2026-02-28", Prefix::Lt, "2026-02-28 00:00:00", "2026-03-01 00:00:00"),
        ("sa2026-02-28T10:20", Prefix::Sa, "2026-02-28 10:20:00", "2026-02-28 10:21:00"),
        ("2026-02-28T10:20:30+09:00", Prefix::Eq, "2026-02-28 10:20:30", "2026-02-28 10:20:31"),
        ("ap2026-02-28T20:20:30Z", Prefix::Ap, "2026-03-01 05:20:30", "2026-03-01 05:20:31"),
        (
            "eb2026-02-28T10:20:30.5",
            Prefix::Eb,
            "2026-02-28 10:20:30.500",
            "2026-02-28 10:20:30.600",
        ),
    ];
    for (text, prefix, start, end) in expected {
        assert_eq!(period(text), (prefix, start.to_owned(), end.to_owned()), "{text}");
    }
    for malformed in
        ["2026-13", "2026-02-30", "20260228", "xx2026", "2026-02-28 10:20", "ge", "0000"]
    {
        assert!(
            matches!(problem("Patient", "birthdate", malformed), ProblemKind::Malformed(_)),
            "{malformed}"
        );
    }
}

#[test]
fn numbers_mean_what_rounds_to_them() {
    let ranges = [
        ("100", "99.5", "100.5"),
        ("100.00", "99.995", "100.005"),
        ("5.4", "5.35", "5.45"),
        ("-1", "-1.5", "-0.5"),
        ("0", "-0.5", "0.5"),
        ("1.0e2", "95", "105"),
        ("5.40e-3", "0.005395", "0.005405"),
        ("1e2", "50", "150"),
        ("1e3", "500", "1500"),
        ("1.00e2", "99.5", "100.5"),
    ];
    for (text, low, high) in ranges {
        let range = DecimalRange::of(text).expect("a decimal");
        assert_eq!((range.low.as_str(), range.high.as_str()), (low, high), "{text}");
    }
    for malformed in ["", "1,5", "1.", ".5", "01", "+1", "1e99", "1e-2147483648", "５"] {
        assert_eq!(DecimalRange::of(malformed), None, "{malformed}");
    }
}

#[test]
fn quantities_have_unit_forms() {
    let forms = [
        ("5.4", None, None),
        ("5.4|http://unitsofmeasure.org|mg", Some("http://unitsofmeasure.org"), Some("mg")),
        ("5.4||mg", None, Some("mg")),
    ];
    for (text, wanted_system, wanted_code) in forms {
        let found = values("Observation", "value-quantity", &format!("gt{text}")).remove(0);
        let SearchValue::Quantity { prefix, number, system, code } = found else {
            panic!("{found:?}");
        };
        assert_eq!((prefix, number.exact.as_str()), (Prefix::Gt, "5.4"));
        assert_eq!((system.as_deref(), code.as_deref()), (wanted_system, wanted_code));
    }
    for malformed in ["5.4|mg", "mg", "|x|mg", "5.4|a|b|c"] {
        assert!(matches!(
            problem("Observation", "value-quantity", malformed),
            ProblemKind::Malformed(_)
        ));
    }
}

#[test]
fn references_by_id_by_type_and_by_url() {
    let local = |resource_type: Option<&str>| {
        SearchValue::Reference(Reference::Local {
            resource_type: resource_type.map(str::to_owned),
            id: "123".to_owned(),
            version: None,
        })
    };
    assert_eq!(values("Observation", "subject", "123"), [local(None)]);
    assert_eq!(values("Observation", "subject", "Patient/123"), [local(Some("Patient"))]);
    assert_eq!(values("Observation", "subject:Patient", "123"), [local(Some("Patient"))]);
    assert_eq!(values("Observation", "subject:Patient", "Patient/123"), [local(Some("Patient"))]);
    let url =
        values("Observation", "subject", "https://fhir.example.org/base/Patient/123").remove(0);
    let SearchValue::Reference(reference) = url else { panic!("{url:?}") };
    assert_eq!(
        SearchValue::Reference(reference.clone().seen_from("https://fhir.example.org/base/")),
        local(Some("Patient"))
    );
    assert_eq!(reference.clone().seen_from("https://other.example.org"), reference);
    assert_eq!(
        values("Observation", "subject:identifier", "urn:x|123"),
        [token(TokenSystem::Is("urn:x".to_owned()), Some("123"))]
    );
    for (name, value) in [
        ("subject", "Practitioner/123"),
        ("subject:Practitioner", "123"),
        ("subject:Patient", "Group/123"),
    ] {
        assert_eq!(problem("Observation", name, value), ProblemKind::WrongTarget, "{name}={value}");
    }
    for malformed in
        ["Patientt/123", "a b", "Patient/", "/123", "#contained", "Patient/1/_history/2*"]
    {
        assert!(
            matches!(problem("Observation", "subject", malformed), ProblemKind::Malformed(_)),
            "{malformed}"
        );
    }
}

#[test]
fn modifiers_are_read_and_checked_against_the_type() {
    let modifier = |resource: &str, name: &str, value: &str| {
        let request = search(resource, &[(name, value)]).expect("a good search");
        request.filters[0].modifier.clone().expect("a modifier")
    };
    assert_eq!(modifier("Patient", "name:exact", "x"), Modifier::Exact);
    assert_eq!(modifier("Patient", "name:contains", "x"), Modifier::Contains);
    assert_eq!(modifier("Patient", "gender:not", "male"), Modifier::Not);
    assert_eq!(modifier("Observation", "code:in", "http://x"), Modifier::In);
    assert_eq!(modifier("Observation", "subject:Patient", "1"), Modifier::Type("Patient".into()));
    assert_eq!(values("Patient", "birthdate:missing", "true"), [SearchValue::Missing(true)]);
    assert_eq!(modifier("Patient", "identifier:of-type", "a|b|c"), Modifier::OfType);
    assert_eq!(modifier("Observation", "code:text", "x"), Modifier::Text);
    assert_eq!(modifier("Patient", "_profile:below", "http://x"), Modifier::Below);
    // R4 has it, Genkan does not: the plan says what there is.
    assert_eq!(modifier("Patient", "name:text", "x"), Modifier::Text);
    for (resource, name) in [
        ("Patient", "name:not"),
        ("Patient", "gender:exact"),
        ("Patient", "_profile:exact"),
        ("Observation", "subject:text"),
        ("Observation", "code-value-quantity:missing"),
        ("Location", "near:missing"),
        ("Patient", "birthdate:exact"),
        ("Patient", "name:exactt"),
        ("Patient", "name:"),
        ("Patient", "name:Patient"),
    ] {
        assert!(matches!(problem(resource, name, "x"), ProblemKind::Modifier { .. }), "{name}");
    }
    assert!(matches!(problem("Patient", "name:missing", "yes"), ProblemKind::Malformed(_)));
}

#[test]
fn result_parameters_are_typed() {
    let request = search(
        "Observation",
        &[
            ("_count", "20"),
            ("_sort", "-date,_id"),
            ("_include", "Observation:subject:Patient"),
            ("_include", "Observation:performer"),
            ("_total", "accurate"),
            ("_page", "token"),
            ("_format", "application/fhir+xml"),
            ("_pretty", "true"),
        ],
    )
    .expect("a good search");
    assert_eq!(request.count, Some(20));
    assert_eq!(
        request.sort,
        [SortKey { code: "date", descending: true }, SortKey { code: "_id", descending: false }]
    );
    let include = |parameter, target: Option<&str>| Include {
        source: "Observation".to_owned(),
        parameter,
        target: target.map(str::to_owned),
        iterate: false,
    };
    assert_eq!(request.includes, [include("subject", Some("Patient")), include("performer", None)]);
    assert_eq!(request.total, Total::Accurate);
    assert_eq!(request.page.as_deref(), Some("token"));
    assert_eq!(request.format.as_deref(), Some("application/fhir+xml"));
    assert_eq!(request.pretty, Some(true));
    assert!(request.filters.is_empty());

    let request = search("Patient", &[("_revinclude", "Observation:subject")]);
    assert_eq!(request.map(|request| request.rev_includes), Ok(vec![include("subject", None)]));
}

#[test]
fn what_was_included_may_be_of_any_type() {
    let iterated = [
        ("_include", "Observation:encounter"),
        ("_include:iterate", "Encounter:location"),
        ("_include:iterate", "Observation:encounter"),
        ("_revinclude:iterate", "Encounter:part-of:Encounter"),
    ];
    let request = search("Observation", &iterated).expect("a good search");
    let of = |includes: &[Include]| -> Vec<_> {
        includes.iter().map(|include| (include.parameter, include.iterate)).collect()
    };
    assert_eq!(of(&request.includes), [("encounter", true), ("location", true)]);
    assert_eq!(of(&request.rev_includes), [("part-of", true)]);
    for value in ["Encounter:location:Patient", "Encounter:part-of:Patient"] {
        assert_eq!(problem("Observation", "_include:iterate", value), ProblemKind::WrongTarget);
    }
}

#[test]
fn result_parameters_can_be_wrong() {
    let malformed = [
        ("_count", "-1"),
        ("_count", "many"),
        ("_total", "yes"),
        ("_pretty", "1"),
        ("_include", "Observation"),
        ("_include", "Observation:code"),
        ("_include", "Observatoin:subject"),
    ];
    for (name, value) in malformed {
        assert!(matches!(problem("Observation", name, value), ProblemKind::Malformed(_)), "{name}");
    }
    let wrong_target = [
        ("_include", "Patient:link"),
        ("_include", "Observation:subject:Practitioner"),
        ("_revinclude", "Encounter:subject"),
    ];
    for (name, value) in wrong_target {
        assert_eq!(problem("Observation", name, value), ProblemKind::WrongTarget, "{value}");
    }
    for (name, value) in [
        ("_include:recurse", "Observation:subject"),
        ("_include", "*"),
        ("_include", "Observation:*"),
        ("_include:iterate", "*"),
        ("_sort", "subject.name"),
        ("_sort", "-_has:Observation:subject:date"),
        ("_filter", "x"),
    ] {
        assert!(
            matches!(problem("Observation", name, value), ProblemKind::NotSupported(_)),
            "{name}"
        );
    }
    let twice = search("Patient", &[("_count", "1"), ("_count", "2")]).expect_err("twice");
    assert_eq!((twice[0].pair, twice[0].kind), (1, ProblemKind::Repeated));
}

#[test]
fn an_unknown_parameter_is_named_with_the_nearest_one() {
    let nearest = |name| match problem("Patient", name, "x") {
        ProblemKind::UnknownParameter { nearest } => nearest,
        other => panic!("{other:?}"),
    };
    assert_eq!(nearest("brithdate"), Some("birthdate"));
    assert_eq!(nearest("_cuont"), Some("_count"));
    assert_eq!(nearest("favourite-colour"), None);
    for (name, value) in [("_sort", "brithdate"), ("_sort", "-_id,brithdate")] {
        let nearest = Some("birthdate");
        assert_eq!(problem("Patient", name, value), ProblemKind::NamesUnknown { nearest });
    }
    let nearest = Some("subject");
    let unknown = problem("Observation", "_include", "Observation:subjct");
    assert_eq!(unknown, ProblemKind::NamesUnknown { nearest });
    assert_eq!(problem("Patientt", "name", "x"), ProblemKind::UnknownResourceType);
}

#[test]
fn all_problems_are_found_in_one_pass_and_none_repeats_a_value() {
    let secret = "山田太郎";
    let problems = search(
        "Patient",
        &[
            ("name:not", secret),
            ("gender", "male"),
            ("birthdate", secret),
            (secret, "x"),
            ("nmae", secret),
        ],
    )
    .expect_err("four are wrong");
    assert_eq!(problems.iter().map(|problem| problem.pair).collect::<Vec<_>>(), [0, 2, 3, 4]);
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(shown[3], "nmae: unknown parameter, perhaps name");
    assert!(shown.iter().all(|message| !message.contains(secret)), "{shown:?}");
}

#[test]
fn no_chain_repeats_a_value() {
    let secret = "山田太郎";
    for name in ["subject.nmae", "subject:Patient.birthdate", "_has:Observation:patient:dat"] {
        let problems = search("Observation", &[(name, secret)]).expect_err("wrong");
        assert!(!problems[0].to_string().contains(secret), "{}", problems[0]);
    }
    let problems = search("Observation", &[("subject.山田太郎", "x")]).expect_err("wrong");
    assert!(!problems[0].to_string().contains(secret), "{}", problems[0]);
}

#[test]
fn only_names_that_are_known_may_be_repeated_elsewhere() {
    let known = |name| known_name(Definitions::r4(), name);
    assert_eq!(known("birthdate"), Some("birthdate"));
    assert_eq!(known("subject:Patient.name"), Some("subject"));
    assert_eq!(known("_count"), Some("_count"));
    assert_eq!(known("_has:Observation:patient:code"), Some("_has"));
    for name in ["0000000001", "yamada:exact", "", "brithdate"] {
        assert_eq!(known(name), None, "{name}");
    }
}

#[test]
fn limits_hold() {
    let many = vec![("gender", "male"); MAX_PARAMETERS + 1];
    assert!(search("Patient", &many[1..]).is_ok());
    let problems = search("Patient", &many).expect_err("too many");
    assert_eq!(problems[0].kind, ProblemKind::TooMany { max: MAX_PARAMETERS });
    let values = vec!["a"; 501].join(",");
    assert!(matches!(problem("Patient", "gender", &values), ProblemKind::TooMany { .. }));
}

proptest! {
    #[test]
    fn no_input_panics(name in "[a-z_:.|A-Z-]{0,20}|\\PC{0,8}", value in "\\PC{0,40}|[0-9eE.|,$\\\\:TZ+-]{0,40}") {
        for resource in ["Patient", "Observation", "Bundle"] {
            for name in [name.as_str(), "birthdate", "value-quantity", "code", "subject", "_sort", "_include", "_count"] {
                let _ = search(resource, &[(name, &value)]);
            }
        }
        for start in ["subject.", "subject:Patient.", "_has:", "_has:Observation:patient:"] {
            let _ = search("Observation", &[(&format!("{start}{name}"), &value)]);
        }
        let _ = search("RiskAssessment", &[("probability", &value)]);
    }

    /// Escaping any text and reading it gives the text back.
    #[test]
    fn escaped_text_comes_back(text in "[a-z,|$\\\\ 山]{1,20}") {
        let escaped: String = text
            .chars()
            .flat_map(|letter| {
                let escape = matches!(letter, ',' | '|' | '$' | '\\').then_some('\\');
                escape.into_iter().chain([letter])
            })
            .collect();
        prop_assert_eq!(values("Patient", "name", &escaped), vec![SearchValue::Text(text.clone())]);
        prop_assert_eq!(values("Observation", "code", &escaped), vec![token(TokenSystem::Any, Some(&text))]);
    }

    /// The range has the number in its middle and the width of one unit of its last digit.
    #[test]
    fn a_range_surrounds_its_number(number in -1_000_000_i64..1_000_000, scale in 0_usize..6) {
        let sign = if number < 0 { "-" } else { "" };
        let digits = format!("{:0width$}", number.unsigned_abs(), width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        let text = if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") };
        let range = DecimalRange::of(&text).expect("a decimal");
        let parse = |text: &str| text.replace('.', "").parse::<i64>().expect("digits");
        prop_assert_eq!(parse(&range.low), number * 10 - 5);
        prop_assert_eq!(parse(&range.high), number * 10 + 5);
    }
}
