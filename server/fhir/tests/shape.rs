//! `_summary`, `_elements`, `_count=0` and `_total`: what they ask for, and what they can't.

use chrono::FixedOffset;
use genkan_fhir::definitions::Definitions;
use genkan_fhir::search::{
    ProblemKind, SearchProblem, SearchRequest, Shape, Total, parse, read_shape,
};

fn pairs(query: &str) -> Vec<(String, String)> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').expect("name=value");
        (name.to_owned(), value.to_owned())
    };
    query.split('&').map(pair).collect()
}

fn search(query: &str) -> Result<SearchRequest, Vec<SearchProblem>> {
    let zone = FixedOffset::east_opt(9 * 3600).expect("an offset");
    parse(Definitions::r4(), "Observation", &pairs(query), zone)
}

fn problem(problems: Vec<SearchProblem>) -> (usize, ProblemKind) {
    assert_eq!(problems.len(), 1, "{problems:?}");
    (problems[0].pair, problems[0].kind)
}

#[test]
fn what_can_not_be_asked_for_is_said() {
    let nearest = |nearest| ProblemKind::UnknownElement { nearest };
    for (query, pair, expected) in [
        ("_elements=statsu", 0, nearest(Some("status"))),
        ("_elements=code,favourite", 0, nearest(None)),
        ("_elements=code.coding", 0, nearest(None)),
        ("_elements=status[x]", 0, nearest(Some("status"))),
        ("_elements=valueQuantity", 0, nearest(None)),
        ("_elements=code,", 0, nearest(None)),
        ("_elements=code&_elements=status", 1, ProblemKind::Repeated),
        ("_summary=yes", 0, ProblemKind::Malformed("true, text, data, count or false")),
        ("_summary=true&_summary=true", 1, ProblemKind::Repeated),
        ("_total=none&_total=none", 1, ProblemKind::Repeated),
        ("_summary=true&_elements=code", 1, ProblemKind::Contradicts("`_summary`")),
        (
            "_include=Observation:subject&_summary=text",
            1,
            ProblemKind::Contradicts("`_include` or `_revinclude`"),
        ),
    ] {
        assert_eq!(problem(search(query).expect_err(query)), (pair, expected), "{query}");
    }
}

#[test]
fn a_shape_is_read_with_its_names_in_one_order() {
    let elements = |names: &[&'static str]| Shape::Elements(names.to_vec());
    for (query, expected) in [
        ("_count=1", Shape::Whole),
        ("_summary=false", Shape::Whole),
        ("_summary=true", Shape::Summary),
        ("_summary=data", Shape::Data),
        ("_summary=text", Shape::Text),
        ("_elements=status,code", elements(&["code", "status"])),
        ("_elements=value[x],code,value", elements(&["code", "value"])),
        ("_elements=id,meta,contained", elements(&["contained", "id", "meta"])),
    ] {
        assert_eq!(search(query).map(|request| request.shape), Ok(expected), "{query}");
    }
}

#[test]
fn a_number_alone_is_accurate_unless_it_says_otherwise() {
    for (query, count_only, total) in [
        ("_count=5", false, Total::None),
        ("_total=none", false, Total::None),
        ("_total=accurate", false, Total::Accurate),
        ("_total=estimate", false, Total::Estimate),
        ("_count=0", true, Total::Accurate),
        ("_summary=count", true, Total::Accurate),
        ("_summary=count&_total=estimate", true, Total::Estimate),
        ("_count=0&_total=none", true, Total::None),
    ] {
        let request = search(query).expect(query);
        assert_eq!((request.count_only, request.total), (count_only, total), "{query}");
    }
}

#[test]
fn a_read_takes_a_shape_and_nothing_that_searches() {
    let read = |query: &str| read_shape(Definitions::r4(), "Patient", &pairs(query));
    assert_eq!(read("_format=json&_pretty=true"), Ok(Shape::Whole));
    assert_eq!(read("_elements=name"), Ok(Shape::Elements(vec!["name"])));
    assert_eq!(read("_summary=true&_format=xml"), Ok(Shape::Summary));
    let malformed = ProblemKind::Malformed("true, text, data or false");
    assert_eq!(problem(read("_summary=count").expect_err("no read counts")), (0, malformed));
    let twice = problem(read("_summary=true&_elements=name").expect_err("two shapes"));
    assert_eq!(twice.0, 1);
    assert!(matches!(twice.1, ProblemKind::Contradicts(_)));
    let searching = problem(read("_elements=name&name=x").expect_err("a filter"));
    assert!(matches!(searching, (1, ProblemKind::NotSupported(_))));
}
