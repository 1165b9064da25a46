//! Everything of an owner, and everything of a type: which rows are read.

use genkan_adapter::Row;
use genkan_adapter::memory::SourceRow;
use genkan_fhir::definitions::Definitions;
use genkan_fhir::search::{Filter, SearchRequest, parse};
use genkan_mapping::emit::{Emitter, Record};
use genkan_mapping::plan::{self, BulkPlan, BulkRequest, PlanProblem, Position, UntoldOf, Within};
use genkan_mapping::search::{Owners, owners, places};

use super::source::{Source, source_row};

const PATIENT: &str = "
rule: patient
resource: Patient
from:
  p: {table: PT, key: [ID]}
where: = p.DEL != \"1\"
updated: = p.UPD | datetime
emit:
  name: [{text: = p.NAME}]
  link: [{other: {$ref: patient, key: [= p.ORG]}, type: replaced-by}]
";

const CONDITION: &str = "
rule: condition
resource: Condition
from:
  d: {table: BYO, key: [PT_ID, SEQ]}
updated: hash
emit:
  subject: {$ref: patient, key: [= d.PT_ID]}
  asserter: {$if: = d.KBN == \"1\", $ref: patient, key: [= d.CD]}
  onsetDateTime: = d.START | date
";

const TEAM: &str = "
rule: team
resource: CareTeam
from:
  d: {table: BYO, key: [PT_ID, SEQ]}
  s: {table: SYU, many: [PT_ID = d.PT_ID, BYO_SEQ = d.SEQ], order: [SEQ]}
updated: hash
emit:
  name: = d.NM
  participant:
    - $each: s
      member: {$ref: patient, key: [= s.CD]}
";

const LOCATION: &str = "
rule: place
resource: Location
from:
  m: {table: LAB, key: [NO]}
updated: hash
emit:
  name: = m.CD
";

fn rows() -> Vec<SourceRow> {
    let texts = [
        "PT ID=1 NAME=a UPD=20260401100000",
        "PT ID=2 NAME=b ORG=1 UPD=20260401100001",
        "PT ID=3 NAME=c UPD=20260402000000",
        "PT ID=4 NAME=d ORG=1 DEL=1",
        "BYO PT_ID=1 SEQ=1i NM=x START=20260101",
        "BYO PT_ID=2 SEQ=1i NM=y KBN=1 CD=1 START=20260201",
        "BYO PT_ID=3 SEQ=1i NM=z KBN=2 CD=1 START=20260301",
        "SYU PT_ID=3 BYO_SEQ=1i SEQ=1i CD=1",
        "SYU PT_ID=3 BYO_SEQ=1i SEQ=2i CD=2",
        "LAB NO=1i CD=x",
    ];
    texts.iter().map(|text| source_row(text)).collect()
}

fn source() -> Source {
    let files = [
        ("a.map.yaml", PATIENT),
        ("b.map.yaml", CONDITION),
        ("c.map.yaml", TEAM),
        ("d.map.yaml", LOCATION),
    ];
    Source::new(&files, &rows())
}

fn request(query: &str) -> SearchRequest {
    let (resource, query) = query.split_once('?').unwrap_or((query, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let pairs: Vec<_> = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let zone = chrono::FixedOffset::east_opt(9 * 3600).expect("an offset");
    parse(Definitions::r4(), resource, &pairs, zone).expect(query)
}

fn since(moment: &str) -> Filter {
    let mut request = request(&format!("Patient?_lastUpdated=ge{moment}"));
    request.filters.remove(0)
}

fn ids(source: &Source, plan: &BulkPlan) -> Vec<String> {
    let emitter = Emitter::new(&source.rules, &source.identity);
    let mut found = Vec::new();
    for scan in &plan.scans {
        let rule = &source.rules.rules[scan.rule];
        let rows = source.rows(&scan.query);
        found.extend(rows.iter().map(|row| emitter.id(rule, row).expect("an id")));
    }
    found
}

fn keys(keys: &[&str]) -> Vec<Vec<String>> {
    keys.iter().map(|key| vec![(*key).to_owned()]).collect()
}

fn planned(resource: &str, request: &BulkRequest) -> Vec<String> {
    let source = source();
    let plan = plan::bulk(&source.rules, &source.identity, resource, request).expect("a plan");
    assert_eq!(plan.untold, []);
    ids(&source, &plan)
}

#[test]
fn what_refers_to_an_owner_is_in_its_compartment_by_any_parameter_that_r4_names() {
    for (resource, owner, expected) in [
        // Its own, what it asserts, and not what only looks as if (`$if`).
        ("Condition", &["1"] as &[&str], &["condition.1.1", "condition.2.1"] as &[&str]),
        ("Condition", &["3"], &["condition.3.1"]),
        ("Condition", &["1", "3"], &["condition.1.1", "condition.2.1", "condition.3.1"]),
        ("Condition", &["9"], &[]),
        // In a row of a child.
        ("CareTeam", &["2"], &["team.3.1"]),
        ("CareTeam", &["3"], &[]),
        // A duplicate that was merged into it; a row that is no resource is none here either.
        ("Patient", &["1"], &["patient.2"]),
        ("Location", &["1"], &[]),
    ] {
        let keys = keys(owner);
        let owners = Owners::These { rule: 0, keys: &keys };
        let within = Within { compartment: "Patient", owners, with_owners: false };
        let request = BulkRequest { any_of: &[], since: None, within: Some(within) };
        assert_eq!(planned(resource, &request), expected, "{resource} of {owner:?}");
    }
}

#[test]
fn owners_are_in_their_own_compartments_if_that_is_asked_for() {
    let all = Within { compartment: "Patient", owners: Owners::Of("Patient"), with_owners: true };
    let of = |within| BulkRequest { any_of: &[], since: None, within: Some(within) };
    assert_eq!(planned("Patient", &of(all)), ["patient.1", "patient.2", "patient.3"]);
    assert_eq!(planned("Condition", &of(all)).len(), 3);
    assert_eq!(planned("CareTeam", &of(all)), ["team.3.1"]);
    assert_eq!(planned("Location", &of(all)).len(), 0);
    let keys = keys(&["1", "3"]);
    let owners = Owners::These { rule: 0, keys: &keys };
    let these = Within { owners, ..all };
    assert_eq!(planned("Patient", &of(these)), ["patient.1", "patient.2", "patient.3"]);
}

#[test]
fn several_searches_of_one_type_find_what_meets_any_of_them() {
    let any_of = ["Condition?onset-date=2026-01", "Condition?subject=patient.3"].map(request);
    let asked = BulkRequest { any_of: &any_of, since: None, within: None };
    assert_eq!(planned("Condition", &asked), ["condition.1.1", "condition.3.1"]);
    let none = [request("Condition?onset-date=2020"), request("Condition?subject=patient.7")];
    let asked = BulkRequest { any_of: &none, since: None, within: None };
    assert_eq!(planned("Condition", &asked).len(), 0);
    let whole = [request("Condition")];
    let asked = BulkRequest { any_of: &whole, since: None, within: None };
    assert_eq!(planned("Condition", &asked).len(), 3);
    let unknown = [request("Condition?severity=x")];
    let asked = BulkRequest { any_of: &unknown, ..asked };
    let source = source();
    let refused = plan::bulk(&source.rules, &source.identity, "Condition", &asked);
    let refused = refused.expect_err("no rule emits it");
    assert!(
        matches!(&refused, PlanProblem::NotOffered { parameter, .. } if parameter == "severity")
    );
}

#[test]
fn a_rule_that_does_not_know_when_it_was_changed_is_read_whole_and_said_so() {
    let source = source();
    let since = since("2026-04-01T10:00:01+09:00");
    let asked = BulkRequest { any_of: &[], since: Some(&since), within: None };
    let plan =
        |resource| plan::bulk(&source.rules, &source.identity, resource, &asked).expect("a plan");
    let patients = plan("Patient");
    assert_eq!(ids(&source, &patients), ["patient.2", "patient.3"]);
    assert_eq!(patients.untold, []);
    let conditions = plan("Condition");
    assert_eq!(ids(&source, &conditions).len(), 3);
    assert_eq!(conditions.untold.len(), 1);
    assert_eq!((conditions.untold[0].rule, &conditions.untold[0].of), (1, &UntoldOf::Since));
}

#[test]
fn a_parameter_that_can_not_be_searched_hides_nothing_without_being_told() {
    let hidden = CONDITION.to_owned() + "search: {subject: off, patient: off}\n";
    let files = [("a.map.yaml", PATIENT), ("b.map.yaml", hidden.as_str())];
    let source = Source::new(&files, &rows());
    let keys = keys(&["1"]);
    let owners = Owners::These { rule: 0, keys: &keys };
    let within = Within { compartment: "Patient", owners, with_owners: false };
    let asked = BulkRequest { any_of: &[], since: None, within: Some(within) };
    let plan = plan::bulk(&source.rules, &source.identity, "Condition", &asked).expect("a plan");
    assert_eq!(ids(&source, &plan), ["condition.2.1"]);
    let told: Vec<_> = plan.untold.iter().map(|untold| (untold.rule, &untold.of)).collect();
    let [(1, UntoldOf::Membership { parameter: "patient", reason })] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert!(reason.en.contains("switched off"), "{reason:?}");
}

#[test]
fn a_record_names_the_owners_that_its_rows_refer_to() {
    let source = source();
    let [condition, team] = [1, 2].map(|index| &source.rules.rules[index]);
    let record = |row: Row, children| Record { row, children, contained: Vec::new() };
    let found = |rule, record: &Record| {
        let mut found = owners(&source.rules, &places(rule, "Patient", 0), record);
        found.sort();
        found
    };
    let scan = |resource| {
        let plan = plan::bulk(
            &source.rules,
            &source.identity,
            resource,
            &BulkRequest { any_of: &[], since: None, within: None },
        );
        source.rows(&plan.expect("a plan").scans[0].query)
    };
    let mut of_conditions = Vec::new();
    for row in scan("Condition") {
        of_conditions.push(found(condition, &record(row, Vec::new())));
    }
    assert_eq!(of_conditions, [keys(&["1"]), keys(&["1", "2"]), keys(&["3"])]);
    let row = scan("CareTeam").pop().expect("the last");
    let children = plan::child_query(&team.children[0], None, &[&row]).expect("a query");
    let children = source.rows(&children);
    assert_eq!(found(team, &record(row, vec![children])), keys(&["1", "2"]));
}

#[test]
fn a_scan_goes_on_behind_the_row_with_an_id() {
    let source = source();
    let asked = BulkRequest { any_of: &[], since: None, within: None };
    let plan = plan::bulk(&source.rules, &source.identity, "Condition", &asked).expect("a plan");
    let scan = &plan.scans[0];
    let first = source.rows(&scan.from(&Position::Start, 1));
    assert_eq!(first.len(), 1);
    let key = source.identity.decode("condition", "condition.2.1").expect("an id of the rule");
    let position = scan.behind(&source.rules, &key).expect("a position");
    let rest = source.rows(&scan.from(&position, 10));
    let emitter = Emitter::new(&source.rules, &source.identity);
    let ids: Vec<_> =
        rest.iter().filter_map(|row| emitter.id(&source.rules.rules[1], row)).collect();
    assert_eq!(ids, ["condition.3.1"]);
    assert!(scan.behind(&source.rules, &["1".to_owned()]).is_none());
    assert!(scan.behind(&source.rules, &["1".to_owned(), "x".to_owned()]).is_none());
}

#[test]
fn what_resources_refer_to_is_remembered_once_it_is_written() {
    let source = source();
    let emitter = Emitter::new(&source.rules, &source.identity).following();
    let asked = BulkRequest { any_of: &[], since: None, within: None };
    let plan = plan::bulk(&source.rules, &source.identity, "Condition", &asked).expect("a plan");
    for row in source.rows(&plan.scans[0].query) {
        let record = Record { row, children: Vec::new(), contained: Vec::new() };
        emitter.emit(&source.rules.rules[1], &record);
    }
    // Not the asserter that `$if` keeps away.
    let followed: Vec<_> = emitter.take_followed().into_iter().collect();
    let patients = keys(&["1", "2", "3"]).into_iter().map(|key| (0, key)).collect::<Vec<_>>();
    assert_eq!(followed, patients);
    assert!(emitter.take_followed().is_empty());
}
