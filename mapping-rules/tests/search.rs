//! Searches as conditions on columns: the rows that each finds, and nothing else.

#[path = "search/binding.rs"]
mod binding;
#[path = "search/bulk.rs"]
mod bulk;
#[path = "search/chain.rs"]
mod chain;
#[path = "search/coded.rs"]
mod coded;
#[path = "search/differential.rs"]
mod differential;
#[path = "search/exact.rs"]
mod exact;
#[path = "search/followed.rs"]
mod followed;
#[path = "search/forms.rs"]
mod forms;
#[path = "search/indexes.rs"]
mod indexes;
#[path = "search/maps.rs"]
mod maps;
#[path = "support/masters.rs"]
mod masters;
#[path = "search/paging.rs"]
mod paging;
#[path = "support/rule_set.rs"]
mod rule_set;
#[path = "support/site.rs"]
mod site;
#[path = "support/source.rs"]
mod source;
#[path = "search/spellings.rs"]
mod spellings;

use genkan_mapping::plan::PlanProblem;
use source::{Source, source_row};

const PATIENT: &str = r#"
rule: pt
resource: Patient
from:
  p: {table: PT, key: [ID]}
where: = p.DEL != "1"
updated: = p.UPD | datetime
blank: {all: ["00000000", "99999999", "0"], p.NAME: ["NONE"]}
emit:
  identifier:
    - {system: "urn:pid", value: = p.ID}
    - {system: "urn:org", value: = "$(p.ORG)-$(p.ID)"}
    - {$if: = p.KANA exists, system: "urn:vip", value: "VIP"}
  active: true
  name:
    - {use: official, text: = p.NAME, family: {$value: = p.KANA | kana.full, $if: = p.SEX != "9"}}
    - {text: = p.SEX | map 1=Mister 2=Madam}
  gender: = p.SEX | map 1=male 2=female else unknown
  birthDate: = p.BIRTH else p.WAREKI | date.wareki
  deceasedBoolean: {$value: = p.DEAD, $if: = not p.DEATH exists}
  deceasedDateTime: = p.DEATH
  telecom:
    - {system: phone, value: = p.TEL | phone}
  maritalStatus:
    coding:
      - {$if: = p.AGE > "17", system: "urn:m", code: ADULT}
      - {system: "urn:m", code: NAMED, display: = p.NAME}
search:
  phonetic: = p.KANA | kana.half
  phone: = p.TEL | phone
"#;

const CONDITION: &str = r#"
rule: byo
resource: Condition
from:
  b: {table: BYO, key: [PT_ID, SEQ]}
  s: {table: SYU, many: [PT_ID = b.PT_ID, BYO_SEQ = b.SEQ], order: [SEQ], where: = s.FLG != "9"}
emit:
  subject: {$ref: pt, key: [= b.PT_ID]}
  onsetDateTime: = b.START | date
  clinicalStatus: {coding: [{system: "urn:cs", code: = b.TENKI | map 1=resolved 3=inactive else active}]}
  category:
    - coding: [{$each: s, system: "urn:syu", code: = s.CD}]
  bodySite:
    - {$each: s, coding: [{system: "urn:site", code: = s.NM}]}
  note: [{text: = b.NM}]
"#;

const LAB: &str = r#"
rule: lab
resource: Observation
from:
  l: {table: LAB, key: [NO]}
blank: ["00000000"]
emit:
  status: final
  code: {coding: [{system: "urn:k", code: = l.CD}]}
  subject: {$ref: pt, key: [= l.PT_ID]}
  effectiveDateTime: = (l.DAY & l.TIM) | datetime
  issued: = l.AT | datetime
  valueQuantity: {value: = l.NUM, unit: = l.UNIT, system: "http://unitsofmeasure.org", code: = l.UNIT}
"#;

fn hospital() -> Source {
    let rows = [
        "PT ID=1 SEX=1 BIRTH=19300628 NAME=山田_太郎 KANA=ﾔﾏﾀﾞ TEL=０３−１２ DEL=0 UPD=20210705111941 ORG=A AGE=20i DEAD=false",
        "PT ID=2 SEX=2 BIRTH=00000000 WAREKI=S500302 NAME=Sato_Hanako KANA=サトウ DEL=- ORG=A AGE=10i DEAD=true",
        "PT ID=3 SEX=9 BIRTH=197503 NAME=none KANA=- UPD=20210706000000 ORG=B AGE=- DEATH=-",
        "PT ID=4 SEX=- NAME=NONE TEL=0 ORG=- AGE=18i",
        "PT ID=5 SEX=1 DEL=1 NAME=山田",
        "BYO PT_ID=1 SEQ=1i CD=B1 NM=肺炎 START=20200410 TENKI=1",
        "BYO PT_ID=1 SEQ=2i CD=B2 START=2021 TENKI=-",
        "BYO PT_ID=2 SEQ=1i CD=B3 START=- TENKI=9",
        "SYU PT_ID=1 BYO_SEQ=1i SEQ=1i CD=X NM=左",
        "SYU PT_ID=1 BYO_SEQ=1i SEQ=2i CD=Y NM=右 FLG=9",
        "SYU PT_ID=2 BYO_SEQ=1i SEQ=1i CD=Y NM=左",
        "LAB NO=1i PT_ID=1 CD=K1 NUM=#4.50 UNIT=mg DAY=20210705 TIM=0900",
        "LAB NO=2i PT_ID=1 CD=k1 NUM=#0 UNIT=g DAY=20210705 TIM=2400",
        "LAB NO=3i PT_ID=2 CD=K2 NUM=- UNIT=mg DAY=20210704 TIM=-",
        "LAB NO=4i PT_ID=9 NUM=#-5 UNIT=- DAY=00000000 TIM=0900",
    ];
    let rows: Vec<_> = rows.iter().map(|text| source_row(text)).collect();
    let files = [("pt.map.yaml", PATIENT), ("byo.map.yaml", CONDITION), ("lab.map.yaml", LAB)];
    Source::new(&files, &rows)
}

/// A search and the last part of the ids that it must find.
const FINDS: &[(&str, &str)] = &[
    ("Patient", "1 2 3 4"),
    ("Patient?_id=pt.1", "1"),
    ("Patient?_id=pt.5", ""),
    ("Patient?_id=byo.1", ""),
    ("Patient?identifier=1", "1"),
    ("Patient?identifier=urn:pid|1", "1"),
    ("Patient?identifier=urn:org|1", ""),
    ("Patient?identifier=urn:org|A-1", "1"),
    ("Patient?identifier=A-1,B-3", "1 3"),
    ("Patient?identifier=urn:pid|", "1 2 3 4"),
    ("Patient?identifier=urn:org|", "1 2 3"),
    ("Patient?identifier=|1", ""),
    ("Patient?identifier=VIP", "1 2"),
    ("Patient?identifier:not=VIP", "3 4"),
    ("Patient?active=true", "1 2 3 4"),
    ("Patient?active=false", ""),
    ("Patient?gender=male", "1"),
    ("Patient?gender=unknown", "3 4"),
    ("Patient?gender:not=male", "2 3 4"),
    ("Patient?gender=http://hl7.org/fhir/administrative-gender|female", "2"),
    ("Patient?gender=urn:x|female", ""),
    ("Patient?name=山田", "1"),
    ("Patient?name:exact=山田 太郎", "1"),
    ("Patient?name:contains=太郎", "1"),
    ("Patient?name=sato", "2"),
    ("Patient?name:exact=sato hanako", ""),
    ("Patient?name=none", "3"),
    ("Patient?name=NONE", "3"),
    ("Patient?name=mister", "1"),
    ("Patient?name=MA", "2"),
    ("Patient?family=ヤマダ", "1"),
    ("Patient?family=サトウ", "2"),
    ("Patient?phonetic=ヤマダ", "1"),
    ("Patient?birthdate=1930-06-28", "1"),
    ("Patient?birthdate=1975-03", "2 3"),
    ("Patient?birthdate=1975-03-02", "2"),
    ("Patient?birthdate=ge1975", "2 3"),
    ("Patient?birthdate=lt1975", "1"),
    ("Patient?birthdate:missing=true", "4"),
    ("Patient?birthdate:missing=false", "1 2 3"),
    ("Patient?deceased=true", "2"),
    ("Patient?deceased=false", "1 3 4"),
    ("Patient?phone=03-12", "1"),
    ("Patient?_lastUpdated=2021-07-05", "1"),
    ("Patient?_lastUpdated=gt2021-07-05T12:00:00", "3"),
    ("Condition?subject=Patient/pt.1", "1.1 1.2"),
    ("Condition?patient=pt.2", "2.1"),
    ("Condition?subject=Patient/byo.1.1", ""),
    ("Condition?clinical-status=active", "1.2 2.1"),
    ("Condition?clinical-status:not=active", "1.1"),
    ("Condition?clinical-status=urn:cs|resolved", "1.1"),
    ("Condition?onset-date=2021-05", ""),
    ("Condition?onset-date=2021", "1.2"),
    ("Condition?onset-date=2020-04-10", "1.1"),
    ("Condition?onset-date:missing=true", "2.1"),
    ("Condition?category=X", "1.1"),
    ("Condition?category=Y", "2.1"),
    ("Condition?category=urn:syu|Y", "2.1"),
    ("Condition?category:not=X", "1.2 2.1"),
    ("Condition?body-site=左", "1.1 2.1"),
    ("Condition?body-site=右", ""),
    ("Condition?body-site:missing=true", "1.2"),
    ("Observation?code=K1", "1"),
    ("Observation?code=urn:k|k1", "2"),
    ("Observation?code:missing=true", "4"),
    ("Observation?date=2021-07-05", "1"),
    ("Observation?date=2021-07-04", "3"),
    ("Observation?value-quantity=4.5", "1"),
    ("Observation?value-quantity=4.50|http://unitsofmeasure.org|mg", "1"),
    ("Observation?value-quantity=4.5||g", ""),
    ("Observation?value-quantity=gt-1", "1 2"),
    ("Observation?value-quantity=0", "2"),
    ("Observation?patient=pt.1&code=k1", "2"),
];

#[test]
fn a_search_finds_its_rows_and_no_others() {
    let source = hospital();
    let mut wrong = Vec::new();
    for (query, expected) in FINDS {
        let found = source.ids(query).map(|ids| {
            let tail = |id: &String| id.split_once('.').map_or("", |(_, key)| key).to_owned();
            ids.iter().map(tail).collect::<Vec<_>>().join(" ")
        });
        if found.as_deref() != Ok(*expected) {
            wrong.push(format!("{query}: expected {expected:?}, found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_condition_inside_a_codeable_concept_counts() {
    // `PATIENT` has no parameter on maritalStatus; the same shape in a Condition.
    let rule = r#"
rule: byo
resource: Condition
from:
  b: {table: BYO, key: [PT_ID, SEQ]}
emit:
  subject: {display: x}
  code:
    coding:
      - {$if: = b.KBN == "1", system: "urn:m", code: MAIN}
      - {system: "urn:m", code: NAMED, display: = b.NM}
      - {system: "urn:n", code: {$value: = b.CD, $if: = b.KBN == "1"}}
    text: = b.NOTE
"#;
    let rows = [
        source_row("BYO PT_ID=1 SEQ=1i KBN=1 NOTE=a CD=C"),
        source_row("BYO PT_ID=1 SEQ=2i KBN=2 NM=b CD=C"),
    ];
    let source = Source::new(&[("b.map.yaml", rule)], &rows);
    let found = |query: &str| source.ids(query).expect("an answer");
    assert_eq!(found("Condition?code=MAIN"), ["byo.1.1"]);
    assert_eq!(found("Condition?code=NAMED"), ["byo.1.2"]);
    assert_eq!(found("Condition?code=C"), ["byo.1.1"]);
}

#[test]
fn a_child_is_searched_with_what_it_is_joined_with() {
    let rule = r#"
rule: byo
resource: Condition
from:
  b: {table: BYO, key: [PT_ID, SEQ]}
  s: {table: SYU, many: [PT_ID = b.PT_ID, BYO_SEQ = b.SEQ], order: [SEQ]}
  m: {table: MST, maybe: [CD = s.CD]}
emit:
  subject: {display: x}
  bodySite:
    - {$each: s, coding: [{system: "urn:site", code: = m.NAME else s.NM}]}
"#;
    let rows = [
        source_row("BYO PT_ID=1 SEQ=1i"),
        source_row("BYO PT_ID=1 SEQ=2i"),
        source_row("SYU PT_ID=1 BYO_SEQ=1i SEQ=1i CD=X NM=左"),
        source_row("SYU PT_ID=1 BYO_SEQ=1i SEQ=2i CD=Z NM=上"),
        source_row("SYU PT_ID=1 BYO_SEQ=2i SEQ=1i CD=Y NM=左"),
        source_row("MST CD=X NAME=右"),
    ];
    let source = Source::new(&[("b.map.yaml", rule)], &rows);
    let found = |query: &str| source.ids(query).expect("an answer");
    assert_eq!(found("Condition?body-site=右"), ["byo.1.1"]);
    assert_eq!(found("Condition?body-site=上"), ["byo.1.1"]);
    assert_eq!(found("Condition?body-site=左"), ["byo.1.2"]);
    assert_eq!(found("Condition?body-site:not=右"), ["byo.1.2"]);
}

#[test]
fn a_key_behind_a_map_counts_with_its_case() {
    let rule = "rule: pt\nresource: Patient\nfrom:\n  p: {table: PT, key: [ID]}\nemit:\n  name: [{text: = p.ORG | map a=Alpha}]\n";
    let rows = [source_row("PT ID=1 ORG=a"), source_row("PT ID=2 ORG=A")];
    let source = Source::new(&[("p.map.yaml", rule)], &rows);
    assert_eq!(source.ids("Patient?name=alpha"), Ok(vec!["pt.1".to_owned()]));
}

#[test]
fn a_where_may_look_into_a_table_of_the_rule_set() {
    let rule = "rule: pt\nresource: Patient\nfrom:\n  p: {table: PT, key: [ID]}\nwhere: = lookup(\"org\", p.ORG) == \"in\"\nemit: {active: true}\n";
    let rows = [source_row("PT ID=1 ORG=a"), source_row("PT ID=2 ORG=b")];
    let files = [("p.map.yaml", rule), ("lookups/org.csv", "key,value\na,in\nb,out\n")];
    assert_eq!(Source::new(&files, &rows).ids("Patient"), Ok(vec!["pt.1".to_owned()]));
}

#[test]
fn what_cannot_be_answered_exactly_is_refused_and_not_guessed() {
    let rule = r#"
rule: pt
resource: Patient
from:
  p: {table: PT, key: [ID]}
emit:
  identifier: [{system: "urn:o", value: = "$(p.ORG)-$(p.ID)-$(p.NAME)"}]
  telecom: [{system: phone, value: = p.TEL | phone}]
search:
  email: = p.TEL
  family: off
  _id: off
"#;
    let source = Source::new(&[("p.map.yaml", rule)], &[]);
    let refused = |query: &str| match source.ids(query) {
        Err(PlanProblem::Refused { .. }) => "refused",
        Err(PlanProblem::NotOffered { .. }) => "not offered",
        Err(_) => "other",
        Ok(_) => "answered",
    };
    for (query, expected) in [
        ("Patient?telecom:not=03-12", "not offered"),
        ("Patient?email=x", "answered"),
        ("Patient?email=urn:x|x", "refused"),
        ("Patient?family=x", "not offered"),
        ("Patient?_id=pt.1", "not offered"),
        ("Patient?birthdate=2020", "not offered"),
        ("Patient?_total=accurate", "answered"),
        ("Patient?_sort=identifier", "refused"),
    ] {
        assert_eq!(refused(query), expected, "{query}");
    }
    // Too many ways to cut a long value are refused at once.
    let long = "-".repeat(4000);
    assert_eq!(refused(&format!("Patient?identifier={long}")), "refused");
}
