//! Chains and `_has`: the rows that each finds, what is offered, and what is refused.

use genkan_adapter::memory::SourceRow;
use genkan_fhir::search::Modifier;
use genkan_mapping::plan::{self, PlanProblem};
use genkan_mapping::search::Parameter;

use super::source::{Source, cell, source_row};

const PATIENT: &str = r#"
rule: pt
resource: Patient
from:
  p: {table: PT, key: [ID]}
where: = p.DEL != "1"
blank: {p.ORG: ["0"]}
emit:
  name: [{text: = p.NAME}]
  gender: = p.SEX | map 1=male 2=female
  birthDate: = p.BIRTH | date
  generalPractitioner: [{$ref: doctor, key: [= p.AGE]}]
  link:
    - other: {$ref: pt, key: [= p.ORG]}
      type: replaced-by
"#;

const DOCTOR: &str = r#"
rule: doctor
resource: Practitioner
from:
  m: {table: MST, key: [CD]}
emit:
  name: [{text: = m.NAME}]
  birthDate: = m.DAY
"#;

const WARD: &str = r#"
rule: ward
resource: Location
from:
  u: {table: UNI, key: [C]}
emit:
  name: = u.A
  partOf: {$ref: ward, key: [= u.B]}
"#;

const CONDITION: &str = r#"
rule: byo
resource: Condition
from:
  b: {table: BYO, key: [PT_ID, SEQ]}
  p: {table: PT, one: [ID = b.PT_ID]}
  s: {table: SYU, many: [PT_ID = b.PT_ID, BYO_SEQ = b.SEQ], order: [SEQ], where: = s.FLG != "9"}
emit:
  subject: {$ref: pt, key: [= b.PT_ID]}
  asserter: {$ref: doctor, key: [= b.TENKI | map 1=10 2=20 else 7]}
  code: {text: = b.NM}
  clinicalStatus: {coding: [{system: "urn:cs", code: = b.TENKI | map 1=resolved else active}]}
  evidence:
    - {$each: s, detail: [{$ref: lab, key: [= s.SEQ]}]}
"#;

/// A row without a code is no resource.
const LAB: &str = r#"
rule: lab
resource: Observation
from:
  l: {table: LAB, key: [NO]}
  p: {table: PT, maybe: [ID = l.PT_ID]}
emit:
  status: final
  code: {coding: [{system: "urn:k", code: = l.CD}]}
  subject: {$first: [{$ref: pt, key: [= l.PT_ID]}, {$ref: ward, key: [= l.UNIT]}]}
  effectiveDateTime: = l.DAY | date
  performer: [{$ref: doctor, key: [= l.UNIT else l.VAL]}]
  specimen: {$contained: specimen, key: [= l.NO]}
"#;

const SPECIMEN: &str = r#"
rule: specimen
resource: Specimen
from:
  l: {table: LAB, key: [NO]}
emit:
  type: {coding: [{system: "urn:s", code: = l.VAL}]}
  subject: {$ref: pt, key: [= l.PT_ID]}
"#;

pub fn source(rows: &[SourceRow]) -> Source {
    let files = [
        ("b.map.yaml", CONDITION),
        ("d.map.yaml", DOCTOR),
        ("l.map.yaml", LAB),
        ("p.map.yaml", PATIENT),
        ("s.map.yaml", SPECIMEN),
        ("w.map.yaml", WARD),
    ];
    Source::new(&files, rows)
}

fn hospital() -> Source {
    let rows = [
        "PT ID=1 NAME=山田 SEX=1 BIRTH=19300628 AGE=10i",
        "PT ID=2 NAME=佐藤 SEX=2 BIRTH=19700101 AGE=7i ORG=1",
        "PT ID=3 NAME=鈴木 SEX=2 ORG=2",
        "PT ID=4 NAME=伊藤 DEL=1 AGE=10i",
        "PT ID=5 NAME=加藤 ORG=4",
        "PT ID=0 NAME=零",
        "PT ID=6 NAME=渡辺 ORG=0",
        "MST CD=10 NAME=中村 DAY=1960-01-01",
        "MST CD=7 NAME=小林 DAY=1950-01-01",
        "MST CD=07 NAME=小沢",
        "MST CD=S NAME=大野",
        "MST CD=W2 NAME=青木",
        "UNI C=W1 A=北 B=W2",
        "UNI C=W2 A=南",
        "BYO PT_ID=1 SEQ=1i NM=肺炎 TENKI=1",
        "BYO PT_ID=2 SEQ=1i NM=骨折 TENKI=9",
        "BYO PT_ID=4 SEQ=1i NM=頭痛 TENKI=1",
        "SYU PT_ID=1 BYO_SEQ=1i SEQ=1i",
        "SYU PT_ID=1 BYO_SEQ=1i SEQ=4i FLG=9",
        "SYU PT_ID=2 BYO_SEQ=1i SEQ=3i",
        "LAB NO=1i PT_ID=1 CD=K1 DAY=20210705 VAL=S",
        "LAB NO=2i PT_ID=2 CD=K2 DAY=20210706 VAL=U",
        "LAB NO=3i PT_ID=2 DAY=20210707 VAL=S",
        "LAB NO=4i PT_ID=4 CD=K1 DAY=20210708 VAL=S",
        "LAB NO=5i UNIT=W1 CD=K3 DAY=20210709",
        "LAB NO=6i PT_ID=9 UNIT=W2 CD=K1",
    ];
    source(&rows.map(source_row))
}

/// A search and the last part of the ids that it must find.
const FINDS: &[(&str, &str)] = &[
    ("Observation?patient.birthdate=1930-06-28", "1"),
    ("Observation?patient.gender=female", "2 3"),
    ("Observation?subject:Patient.name=山田", "1"),
    ("Observation?patient.gender:not=male", "2 3"),
    ("Observation?patient.birthdate:missing=true", ""),
    ("Observation?patient._id=pt.2", "2 3"),
    // A deleted patient is no resource, nor is one that never was.
    ("Observation?patient.name=伊藤", ""),
    ("Observation?patient._id=pt.4", ""),
    ("Observation?patient._id=pt.9", ""),
    // Patient or Location: both have a name, only one a birth date.
    ("Observation?subject.name=北", "5"),
    ("Observation?subject.name=山田,北", "1 5"),
    ("Observation?subject:Location.partof.name=南", "5"),
    ("Observation?subject.partof:Location.name=南", "5"),
    ("Observation?subject.birthdate=ge1900", "1 2 3"),
    // A key that is a number here and text there: 7 is not 07.
    ("Patient?general-practitioner:Practitioner.name=中村", "1"),
    ("Patient?general-practitioner:Practitioner.name=小林", "2"),
    ("Patient?general-practitioner:Practitioner.name=小沢", ""),
    ("Observation?patient.general-practitioner:Practitioner.name=小林", "2 3"),
    ("Practitioner?_has:Patient:general-practitioner:gender=male", "10"),
    ("Practitioner?_has:Patient:general-practitioner:_has:Observation:patient:code=K2", "7"),
    // The same table again.
    ("Patient?link.name=山田", "2"),
    ("Patient?link.link.name=山田", "3"),
    ("Patient?link:Patient.link:Patient.name=佐藤", ""),
    ("Patient?_has:Patient:link:name=佐藤", "1"),
    ("Patient?_has:Patient:link:_has:Patient:link:name=鈴木", "1"),
    ("Patient?link._has:Patient:link:name=佐藤", "2"),
    // A blank is no reference, although there is a row of that name.
    ("Patient?link.name=零", ""),
    ("Patient?link.name=伊藤", ""),
    // Backwards.
    ("Patient?_has:Observation:patient:code=K1", "1"),
    ("Patient?_has:Observation:patient:code=K1,K2", "1 2"),
    ("Patient?_has:Observation:patient:code:not=K1", "2"),
    ("Patient?_has:Observation:patient:date=2021-07-07", ""),
    ("Patient?_has:Observation:patient:status=final", "1 2"),
    ("Patient?_has:Condition:patient:clinical-status=active", "2"),
    ("Location?_has:Observation:subject:code=K3", "W1"),
    ("Location?_has:Location:partof:name=北", "W2"),
    ("Condition?subject:Patient._has:Observation:patient:code=K1", "1.1"),
    ("Condition?patient._has:Observation:patient:code=K2&patient.name=佐藤", "2.1"),
    ("Patient?_has:Condition:patient:evidence-detail:Observation.code=K1", "1"),
    // From child rows, forwards and backwards; what a child's filter hides refers to nothing.
    ("Condition?evidence-detail:Observation.code=K1", "1.1"),
    ("Condition?evidence-detail:Observation.patient.name=佐藤", ""),
    ("Observation?_has:Condition:evidence-detail:clinical-status=resolved", "1"),
    ("Observation?_has:Condition:evidence-detail:clinical-status=active", "3"),
    // Keys made by tables and by alternatives.
    ("Condition?asserter:Practitioner.name=中村", "1.1 4.1"),
    ("Condition?asserter:Practitioner.name=小林", "2.1"),
    ("Practitioner?_has:Condition:asserter:clinical-status=active", "7"),
    ("Observation?performer:Practitioner.name=大野", "1 3 4"),
    ("Observation?performer:Practitioner.name=青木", "6"),
    ("Practitioner?_has:Observation:performer:code=K1", "S W2"),
    ("Condition?patient.name=山田&clinical-status=resolved", "1.1"),
    // Each chain for itself.
    ("Observation?patient.gender=female&patient.name=山田", ""),
    // What travels inside is searched inside, and refers outwards.
    ("Observation?specimen.type=S", "1 3 4"),
    ("Observation?specimen.type=urn:s|U", "2"),
    ("Observation?specimen.subject:Patient.name=山田", "1"),
    ("Specimen?subject:Patient.name=佐藤", "2 3"),
];

/// A search that is refused, and what its refusal says.
const REFUSED: &[(&str, &str)] = &[
    ("Observation?patient.address=x", "step 2: `address` of Patient is not offered here"),
    ("Observation?encounter.status=finished", "step 1: `encounter` of Observation is not offered"),
    ("Observation?subject:Group.code=x", "step 1: no rule makes such a reference"),
    ("Observation?subject.code=x", "step 1: no rule makes such a reference"),
    ("Patient?_has:Encounter:patient:status=finished", "`patient` of Encounter is not offered"),
    ("Practitioner?_has:Observation:patient:code=x", "WrongTarget"),
    ("Specimen?_has:Observation:specimen:code=K1", "step 1: no rule makes such a reference"),
    ("Observation?specimen._id=specimen.1", "step 2 (Specimen): a resource that travels inside"),
    (
        "Observation?specimen._has:Observation:specimen:code=x",
        "step 2 (Specimen): nothing refers to a resource that travels inside another",
    ),
    ("Observation?patient.gender:in=http://x", "it needs the codes of value sets"),
    ("Practitioner?_has:Patient:general-practitioner:link.birthdate:above=x", "Modifier"),
];

fn refusal(source: &Source, query: &str) -> String {
    match source.asked(query) {
        Err(problems) => format!("{problems:?}"),
        Ok(request) => match source.planned(&request) {
            Err(
                PlanProblem::NotOffered { parameter, reason }
                | PlanProblem::Refused { parameter, reason },
            ) => {
                assert_eq!(parameter, request.chains[0].name);
                assert!(!reason.ja.is_empty());
                reason.en
            }
            other => format!("{other:?}"),
        },
    }
}

#[test]
fn a_chain_that_leads_nowhere_is_refused_at_its_step() {
    let source = hospital();
    for (query, expected) in REFUSED {
        let said = refusal(&source, query);
        assert!(said.contains(expected), "{query}: {said}");
    }
}

/// Where equality of the converted texts is no equality of the columns, nothing is followed.
#[test]
fn a_key_behind_a_converter_is_not_followed() {
    let rule = |key: &str| {
        format!(
            "rule: lab\nresource: Observation\nfrom:\n  l: {{table: LAB, key: [NO]}}\nemit:\n  \
             status: final\n  code: {{text: = l.CD}}\n  subject: {{$ref: pt, key: [= {key}]}}\n"
        )
    };
    let said = |key: &str, where_: &str| {
        let patient = PATIENT.replace("where: = p.DEL != \"1\"", where_);
        let lab = rule(key);
        let files =
            [("d.map.yaml", DOCTOR), ("l.map.yaml", lab.as_str()), ("p.map.yaml", &patient)];
        let source = Source::new(&files, &[]);
        let said = refusal(&source, "Observation?patient.name=x");
        let offered = plan::chains(&source.rules, "Observation");
        assert_eq!(offered.is_empty(), said.contains("step"), "{said}");
        said
    };
    assert!(said("l.PT_ID", "").starts_with("Ok("));
    assert!(said("l.PT_ID | text", "").starts_with("Ok("));
    assert!(said("\"1\"", "").starts_with("Ok("));
    for key in ["l.PT_ID | hankaku", "l.PT_ID | kana.full", "\"$(l.PT_ID)\" & l.CD", "l.CD & l.CD"]
    {
        let said = said(key, "");
        assert!(said.contains("made by a converter"), "{key}: {said}");
    }
    // Searches by it are not offered either.
    for key in ["l.PT_ID | trim", "l.PT_ID | squeeze"] {
        let said = said(key, "");
        assert!(said.contains("`patient` of Observation is not offered here"), "{key}: {said}");
    }
}

/// Which rows are resources may be more than the source can be asked.
#[test]
fn a_target_of_which_nobody_knows_whether_it_is_one_is_not_followed() {
    let order = r#"
rule: order
resource: ServiceRequest
from:
  u: {table: UNI, key: [C]}
emit:
  status: {$code: state, from: = u.A}
  intent: order
  subject: {display: x}
"#;
    let lab = LAB.replace("  specimen: {$contained: specimen, key: [= l.NO]}\n", "")
        + "  basedOn: [{$ref: order, key: [= l.UNIT]}]\n";
    let maps = "state:\n  local: {system: 'urn:l', emit: never}\n  targets: [{id: s, system: \
                'http://hl7.org/fhir/request-status'}]\n  unmapped: {policy: warn}\n";
    let codes = "local,target,code,status\nA,s,active,accepted\nB,s,active,accepted\n";
    let files = [
        ("codes/codemaps.yaml", maps),
        ("codes/state.csv", codes),
        ("d.map.yaml", DOCTOR),
        ("l.map.yaml", lab.as_str()),
        ("o.map.yaml", order),
        ("p.map.yaml", PATIENT),
        ("w.map.yaml", WARD),
    ];
    let source = Source::new(&files, &[]);
    let said = refusal(&source, "Observation?based-on:ServiceRequest.status=active");
    assert!(said.contains("only known row by row"), "{said}");
    let held = plan::withheld_steps(&source.rules, "Observation");
    let held: Vec<&str> = held.iter().map(|held| held.step.as_str()).collect();
    assert_eq!(held, ["based-on:ServiceRequest"]);
}

#[test]
fn what_is_offered_is_told_step_by_step() {
    let source = hospital();
    let chains: Vec<String> = plan::chains(&source.rules, "Observation")
        .iter()
        .map(|chain| {
            let ends: Vec<&str> = chain.ends.iter().map(|end| end.code.as_str()).collect();
            format!("{}:{} {}", chain.parameter, chain.target, ends.join(" "))
        })
        .collect();
    let patient = "_id birthdate gender general-practitioner link name phonetic";
    assert_eq!(
        chains,
        [
            format!("patient:Patient {patient}"),
            "performer:Practitioner _id name phonetic".to_owned(),
            "specimen:Specimen patient subject type".to_owned(),
            "subject:Location _id name partof".to_owned(),
            format!("subject:Patient {patient}"),
        ]
    );
    let has: Vec<String> = plan::reverse_chains(&source.rules, "Patient")
        .iter()
        .map(|has| format!("{}:{}", has.source, has.parameter))
        .collect();
    assert_eq!(
        has,
        [
            "Condition:patient",
            "Condition:subject",
            "Observation:patient",
            "Observation:subject",
            "Patient:link",
            "Specimen:patient",
            "Specimen:subject",
        ]
    );
    // A code that is nothing but text has no value to be compared with one.
    assert!(plan::forms(&source.rules, "Condition", "code").only_modifiers);
    let of_conditions = plan::reverse_chains(&source.rules, "Patient");
    let mut ends = of_conditions.iter().filter(|has| has.source == "Condition");
    assert!(ends.all(|has| has.ends.iter().all(|end| end.code != "code")));
    // What is told can be asked, each with each.
    let may_be_missing = |of: &str, end: &&Parameter| {
        plan::forms(&source.rules, of, &end.code).modifiers.contains(&Modifier::Missing)
    };
    for resource_type in source.rules.resource_types() {
        let forwards = plan::chains(&source.rules, resource_type).into_iter().flat_map(|chain| {
            let ends = chain.ends.into_iter().filter(move |end| may_be_missing(chain.target, end));
            ends.map(move |end| format!("{}:{}.{}", chain.parameter, chain.target, end.code))
        });
        let has = plan::reverse_chains(&source.rules, resource_type);
        let backwards = has.into_iter().flat_map(|has| {
            let ends = has.ends.into_iter().filter(move |end| may_be_missing(has.source, end));
            ends.map(move |end| format!("_has:{}:{}:{}", has.source, has.parameter, end.code))
        });
        for name in forwards.chain(backwards) {
            for (modifier, value) in [(":missing", "false"), (":missing", "true")] {
                let query = format!("{resource_type}?{name}{modifier}={value}");
                assert!(source.ids(&query).is_ok(), "{query}: {:?}", source.ids(&query));
            }
        }
    }
}

#[test]
fn a_chain_of_too_many_ways_is_refused() {
    // Each of three references, over and over.
    let rule = r#"
rule: ward
resource: Location
from:
  u: {table: UNI, key: [C]}
emit:
  name: = u.A
  partOf: {$first: [{$ref: ward, key: [= u.B]}, {$ref: ward, key: [= u.A]}, {$ref: ward, key: [= u.C]}]}
"#;
    let source = Source::new(&[("w.map.yaml", rule)], &[]);
    let found = |steps: usize| {
        let query = format!("Location?{}name=x", "partof.".repeat(steps));
        source.plan(&query).map(drop)
    };
    assert_eq!(found(3), Ok(()));
    let Err(PlanProblem::Refused { reason, .. }) = found(4) else { panic!("{:?}", found(4)) };
    assert!(reason.en.contains("64 ways"), "{}", reason.en);
}

#[test]
fn a_chain_is_one_statement_with_an_alias_for_each_step() {
    let source = hospital();
    let plan = source.plan("Patient?link.link.name=x").expect("a plan");
    assert_eq!(plan.scans.len(), 1);
    assert_eq!(
        plan.to_string(),
        "search Patient: 100 per page\n  scan PT as p\n    exists PT as p~1 on p.ORG = p~1.ID\n      \
         exists PT as p~2 on p~1.ORG = p~2.ID\n    order p.ID\n"
    );
}

#[test]
fn a_page_token_belongs_to_its_chain() {
    let source = hospital();
    let plan = |query: &str| source.plan(query).expect("a plan");
    let one = plan("Observation?patient.name=a");
    let contexts = [
        "Observation",
        "Observation?patient.name=b",
        "Observation?patient.name:exact=a",
        "Observation?subject:Patient.name=a",
        "Observation?patient._has:Condition:patient:clinical-status=active",
    ];
    for other in contexts {
        assert_ne!(plan(other).context, one.context, "{other}");
    }
    assert_eq!(plan("Observation?patient.name=a").context, one.context);
    let cursor = plan::Cursor(vec![plan::Position::After(vec![cell("1i")])]);
    let token = cursor.seal(&source.identity, &one.context);
    let next = plan(&format!("Observation?patient.name=a&_page={token}"));
    assert_eq!(next.scans[0].query.after, Some(vec![cell("1i")]));
    let other = source.plan(&format!("Observation?patient.name=b&_page={token}"));
    assert_eq!(other.map(drop), Err(PlanProblem::BadPage));
}

#[test]
fn an_alias_of_a_rule_has_no_level() {
    let rule = PATIENT.replace("  p: {table", "  p~1: {table").replace("p.", "p~1.");
    let compiled = super::rule_set::compiled(&[("p.map.yaml", &rule)]);
    assert!(compiled.diagnostics.iter().any(|found| found.code == "E0404"));
}

#[test]
fn a_chain_finds_its_rows_and_no_others() {
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
