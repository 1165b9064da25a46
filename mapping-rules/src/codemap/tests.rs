//! Time, fallbacks, ambiguity, and what a bad file is told.

use super::*;

fn map(csv: &str) -> CodeMap {
    let target = |id: &str, only_if_none: &[&str]| Target {
        id: id.to_owned(),
        system: format!("urn:{id}"),
        only_if_none: only_if_none.iter().map(|id| (*id).to_owned()).collect(),
        derive: None,
        extension: None,
    };
    let targets = vec![target("yj", &[]), target("hot9", &[]), target("generic", &["yj"])];
    let unmapped = Unmapped {
        policy: UnmappedPolicy::Uncoded,
        severity: UnmappedSeverity::Warning,
        codings: Vec::new(),
        by: Vec::new(),
    };
    let local = ("urn:local".to_owned(), LocalEmit::Always);
    let mut map = CodeMap::new("drug".to_owned(), Span::default(), local, targets, unmapped);
    let (rows, problems) = table::read(csv.as_bytes(), &map.targets);
    assert_eq!(problems, []);
    map.fill(0, &rows);
    map
}

fn codes(map: &CodeMap, local: &str, day: Option<&str>) -> Vec<String> {
    let day = day.map(|day| day.parse().expect("a date"));
    let segment = map.translate(local, day);
    segment.map_or_else(Vec::new, |s| s.codings.iter().map(|c| c.code.clone()).collect())
}

#[test]
fn the_clinical_day_chooses_the_row_and_the_search_finds_it_back() {
    let map = map("local,target,code,valid_from,valid_to,status\n\
                   A,yj,OLD,,2019-12-31,accepted\n\
                   A,yj,NEW,2020-01-01,,accepted\n");
    assert_eq!(codes(&map, "A", Some("2019-12-31")), ["OLD"]);
    assert_eq!(codes(&map, "A", Some("2020-01-01")), ["NEW"]);
    assert_eq!(codes(&map, "A", None), ["NEW"]);
    let day = |text: &str| text.parse::<NaiveDate>().ok();
    let holder = |from, until| Holder { local: "A".to_owned(), from, until };
    assert_eq!(map.holders(None, "OLD"), [&holder(None, day("2020-01-01"))]);
    assert_eq!(map.holders(Some("urn:yj"), "NEW"), [&holder(day("2020-01-01"), None)]);
    assert!(map.holders(Some("urn:hot9"), "NEW").is_empty());
}

#[test]
fn a_fallback_is_used_only_where_the_preferred_target_has_no_code() {
    let map = map("local,target,code,valid_from,status\n\
                   A,generic,G1,,accepted\n\
                   A,yj,Y1,2021-01-01,accepted\n\
                   A,hot9,H1,,accepted\n");
    assert_eq!(codes(&map, "A", Some("2020-06-01")), ["H1", "G1"]);
    assert_eq!(codes(&map, "A", Some("2021-06-01")), ["Y1", "H1"]);
}

#[test]
fn two_codes_of_one_target_at_one_time_are_left_out_and_named() {
    let map = map("local,target,code,status\nA,hot9,H1,accepted\nA,hot9,H2,accepted\n");
    let segment = map.translate("A", None).expect("a segment");
    assert_eq!(
        (segment.codings.len(), segment.ambiguous.as_slice()),
        (0, &["hot9".to_owned()][..])
    );
}

#[test]
fn rows_under_review_are_not_used() {
    let map = map("local,target,code,status\nA,yj,Y1,proposed\nB,yj,Y2,auto\n");
    assert!(map.translate("A", None).is_none());
    assert_eq!(codes(&map, "B", None), ["Y2"]);
}

#[test]
fn every_bad_line_is_reported_with_its_number() {
    let csv = "local,target,code,valid_from,valid_to,status\n\
               A,yj,Y1,,,accepted\n\
               A,yj,Y1,,,accepted\n\
               B,nope,Y1,,,accepted\n\
               C,yj,Y1,20200101,,accepted\n\
               D,yj,Y1,2020-01-02,2020-01-01,accepted\n\
               E,yj,,,,accepted\n\
               F,yj,Y1,,,maybe\n";
    let targets = map("local,target,code,status\n").targets;
    let (_, problems) = table::read(csv.as_bytes(), &targets);
    let found: Vec<_> = problems.iter().map(|p| (p.cell.line, p.code)).collect();
    let expected =
        [(3, "E0607"), (4, "E0605"), (5, "E0606"), (6, "E0606"), (7, "E0603"), (8, "E0604")];
    assert_eq!(found, expected);
    let (_, problems) = table::read(b"local,cod\n", &targets);
    assert_eq!(problems.len(), 4);
}

#[test]
fn a_problem_stands_at_its_field_whatever_is_before_it() {
    let csv = "\n\nlocal,target,code,valid_from,status\r\n\r\n\"A,\nB\",yj,Y1,令和2年,accepted\n\n\n\
               C,yj,Y1,2020/4/1,accepted\nD,yj,Y1,20/4/1,accepted,x\nE,nope,Y1,,accepted\n";
    let targets = map("local,target,code,status\n").targets;
    let (rows, problems) = table::read(csv.as_bytes(), &targets);
    let found: Vec<_> = problems.iter().map(|p| (p.cell.line, p.cell.column, p.code)).collect();
    assert_eq!(found, [(6, 10, "E0606"), (10, 25, "E0602"), (11, 3, "E0605")]);
    assert!(problems[0].en.contains("`valid_from`"), "{}", problems[0].en);
    assert_eq!((rows["C"][0].line, rows["C"][0].from), (9, "2020-04-01".parse().ok()));
}

#[test]
fn shift_jis_from_a_spreadsheet_reads_as_well() {
    let csv = "local,local_name,target,code,display,status\nA,薬,yj,Y1,ミヤＢＭ錠①,accepted\n";
    let (bytes, _, _) = encoding_rs::SHIFT_JIS.encode(csv);
    let targets = map("local,target,code,status\n").targets;
    let (rows, problems) = table::read(&bytes, &targets);
    assert_eq!(problems, []);
    assert_eq!(rows["A"][0].display.as_deref(), Some("ミヤＢＭ錠①"));
}
