//! Answers by hand: each rule and its rows, a question, and the keys that it must find.

use super::by_hand;
use crate::source::Source;

fn check(source: &Source, answers: &[(&str, &str)]) {
    let wrong: Vec<String> = answers
        .iter()
        .filter_map(|(query, expected)| {
            let found = source.ids(query).map(|ids| {
                let key = |id: &String| id.split_once('.').map_or("", |(_, key)| key).to_owned();
                ids.iter().map(key).collect::<Vec<_>>().join(" ")
            });
            (found.as_deref() != Ok(*expected)).then(|| format!("{query}: {expected:?}, {found:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_number_is_found_by_every_prefix_and_precision() {
    let rule = "rule: ra\nresource: RiskAssessment\nfrom:\n  p: {table: PT, key: [ID]}\nemit:\n  status: \
                final\n  subject: {display: x}\n  prediction: [{probabilityDecimal: = p.WEIGHT}]\n";
    let rows = [
        "PT ID=1 WEIGHT=#99.5",
        "PT ID=2 WEIGHT=#100",
        "PT ID=3 WEIGHT=#100.4999",
        "PT ID=4 WEIGHT=#100.5",
        "PT ID=5 WEIGHT=#-100",
        "PT ID=6 WEIGHT=-",
        "PT ID=7 WEIGHT=#0",
        "PT ID=8 WEIGHT=#149.9",
        "PT ID=9 WEIGHT=#110",
    ];
    check(
        &by_hand(&[("r.map.yaml", rule)], &rows),
        &[
            ("RiskAssessment?probability=100", "1 2 3"),
            ("RiskAssessment?probability=100.00", "2"),
            ("RiskAssessment?probability=1e2", "1 2 3 4 8 9"),
            ("RiskAssessment?probability=1.00e2", "1 2 3"),
            ("RiskAssessment?probability=ne100", "4 5 7 8 9"),
            ("RiskAssessment?probability=gt1e2", "3 4 8 9"),
            ("RiskAssessment?probability=ge1e2", "2 3 4 8 9"),
            ("RiskAssessment?probability=lt100.0", "1 5 7"),
            ("RiskAssessment?probability=le-1.00e2", "5"),
            ("RiskAssessment?probability=sa100.4999", "4 8 9"),
            ("RiskAssessment?probability=eb0", "5"),
            ("RiskAssessment?probability=ap100", "1 2 3 4 9"),
            ("RiskAssessment?probability=ap-95", "5"),
            ("RiskAssessment?probability=ap0", "7"),
            ("RiskAssessment?probability:missing=true", "6"),
        ],
    );
}

#[test]
fn a_column_named_for_a_quantity_keeps_the_comparator_and_the_unit_that_are_emitted() {
    let rule = |search: &str| {
        format!(
            "rule: l\nresource: Observation\nfrom:\n  l: {{table: LAB, key: [NO]}}\nemit:\n  status: \
             final\n  code: {{text: x}}\n  valueQuantity: {{$if: = l.VAL | is.number, value: = l.VAL | \
             num, comparator: = l.VAL | num.comparator, unit: = l.UNIT, system: {{$if: = l.UNIT in \
             \"mg\", $value: \"urn:u\"}}, code: = l.UNIT | map mg=mg}}\nsearch: {{{search}}}\n"
        )
    };
    let rows = [
        "LAB NO=1i VAL=＜５ NUM=#5 UNIT=mg",
        "LAB NO=2i VAL=5以上 NUM=#5 UNIT=g",
        "LAB NO=3i VAL=5 NUM=#5 UNIT=mg",
        "LAB NO=4i VAL=<=5 NUM=#5",
        "LAB NO=5i VAL=1+ NUM=-",
        "LAB NO=6i VAL=5超 NUM=#5",
    ];
    let stated = rule("value-quantity: = l.NUM");
    check(
        &by_hand(&[("r.map.yaml", &stated)], &rows),
        &[
            ("Observation?value-quantity=5", "3"),
            ("Observation?value-quantity=ne5", "1 2 4 6"),
            ("Observation?value-quantity=lt5", "1 4"),
            ("Observation?value-quantity=le5", "1 2 3 4"),
            ("Observation?value-quantity=gt5", "2 6"),
            ("Observation?value-quantity=ge5", "2 3 4 6"),
            ("Observation?value-quantity=sa5", "6"),
            ("Observation?value-quantity=eb5", "1"),
            ("Observation?value-quantity=gt4", "1 2 3 4 6"),
            ("Observation?value-quantity=ap4.6", "1 2 3 4 6"),
            ("Observation?value-quantity=5|urn:u|mg", "3"),
            ("Observation?value-quantity=ge5||g", "2"),
            ("Observation?value-quantity=lt9|urn:u|", "1 3"),
            ("Observation?value-quantity=lt9|urn:x|", ""),
        ],
    );
    // The column says which numbers are found, not which resources have a number.
    let source = by_hand(&[("r.map.yaml", &stated)], &rows);
    assert!(source.ids("Observation?value-quantity:missing=true").is_err());
    // Of a text nobody knows where it lies.
    let derived = by_hand(&[("r.map.yaml", &rule("code: off"))], &rows);
    assert!(derived.ids("Observation?value-quantity=5").is_err());
}

#[test]
fn every_parameter_of_a_quantity_compares_it_alike() {
    let rule = |emit: &str| {
        format!(
            "rule: l\nresource: Observation\nfrom:\n  l: {{table: LAB, key: [NO]}}\nemit:\n  status: \
             final\n  code: {{coding: [{{system: k, code: c}}]}}\n  valueQuantity: {{$if: = l.VAL | \
             is.number, value: = l.VAL | num, comparator: = l.VAL | num.comparator}}\n{emit}search: \
             {{value-quantity: = l.NUM, combo-value-quantity: = l.NUM}}\n"
        )
    };
    let rows =
        ["LAB NO=1i VAL=<0.5 NUM=#0.5", "LAB NO=2i VAL=0.5 NUM=#0.5", "LAB NO=3i VAL=1 NUM=#1"];
    let source = by_hand(&[("r.map.yaml", &rule(""))], &rows);
    for (value, expected) in [
        ("0.5", "2"),
        ("ne0.5", "1 3"),
        ("lt0.5", "1"),
        ("le0.5", "1 2"),
        ("gt0.5", "3"),
        ("ge0.5", "2 3"),
        ("eb0.5", "1"),
        ("sa0.4", "2 3"),
        ("ap0.5", "1 2"),
        ("lt0.1", "1"),
    ] {
        for parameter in ["value-quantity=", "combo-value-quantity=", "code-value-quantity=c$"] {
            check(&source, &[(&format!("Observation?{parameter}{value}"), expected)]);
        }
    }
    // One column for several quantities can't say to which of them a comparator belongs.
    let component = "  component: [{code: {text: x}, valueQuantity: {value: = l.NO}}]\n";
    let source = by_hand(&[("r.map.yaml", &rule(component))], &rows);
    check(&source, &[("Observation?value-quantity=lt0.5", "1")]);
    let told = format!("{:?}", source.ids("Observation?combo-value-quantity=0.5"));
    assert!(told.contains("comparator"), "{told}");
}

#[test]
fn the_unit_beside_a_named_column_is_exact_or_refused() {
    // Blanks around a unit can't all be listed: who is asked for `mg` would lose the third.
    let rule = |unit: &str| {
        format!(
            "rule: l\nresource: Observation\nfrom:\n  l: {{table: LAB, key: [NO]}}\nemit:\n  status: \
             final\n  code: {{text: x}}\n  valueQuantity: {{value: = l.NUM, unit: = {unit}}}\nsearch: \
             {{value-quantity: = l.NUM}}\n"
        )
    };
    let rows =
        ["LAB NO=1i NUM=#5 UNIT=mg", "LAB NO=2i NUM=#5 UNIT=g", "LAB NO=3i NUM=#5 UNIT=mg__"];
    let source = by_hand(&[("r.map.yaml", &rule("l.UNIT | trim"))], &rows);
    check(&source, &[("Observation?value-quantity=5", "1 2 3")]);
    assert!(source.ids("Observation?value-quantity=5||mg").is_err());
    let source = by_hand(&[("r.map.yaml", &rule("l.UNIT"))], &rows);
    check(&source, &[("Observation?value-quantity=5||mg", "1")]);
}

const TWO_RULES: [(&str, &str); 2] = [
    (
        "a.map.yaml",
        "rule: a\nresource: Patient\nprofile: http://p.example/a\nfrom:\n  p: {table: PT, key: \
         [ID]}\nemit:\n  meta: {tag: [{system: t, code: = p.SEX}]}\n  identifier: [{type: {coding: \
         [{system: s, code: MR}], text: Number}, value: = p.ORG}]\n  generalPractitioner: [{$ref: doctor, \
         key: [= p.TEL]}]\n  maritalStatus: {text: = p.NAME}\n",
    ),
    (
        "b.map.yaml",
        "rule: b\nresource: Patient\nfrom:\n  b: {table: BYO, key: [CD]}\nemit:\n  meta: {profile: [{$if: = \
         b.KBN == \"1\", $value: \"http://p.example/b\"}]}\n  active: true\n",
    ),
];

const DOCTOR: (&str, &str) = (
    "d.map.yaml",
    "rule: doctor\nresource: Practitioner\nfrom:\n  m: {table: UNI, key: [C]}\nemit: {active: true}\n",
);

#[test]
fn each_rule_of_a_type_answers_for_its_own_rows() {
    let rows = [
        "PT ID=1 ORG=x SEX=1 TEL=d",
        "PT ID=2 ORG=- SEX=-",
        "BYO PT_ID=1 SEQ=1i CD=3 KBN=1",
        "BYO PT_ID=1 SEQ=2i CD=4 KBN=-",
    ];
    let files = [TWO_RULES[0], TWO_RULES[1], DOCTOR];
    check(
        &by_hand(&files, &rows),
        &[
            ("Patient?_profile=http://p.example/a", "1 2"),
            ("Patient?_profile=http://p.example/b", "3"),
            ("Patient?_profile:below=http://p.example/", "1 2 3"),
            ("Patient?_profile:above=http://p.example/a/b", "1 2"),
            ("Patient?_profile:missing=true", "4"),
            ("Patient?_profile=http://p.example/", ""),
            ("Patient?_tag=t|1", "1"),
            ("Patient?_tag:missing=true", "2 3 4"),
            ("Patient?_tag:not=t|1", "2 3 4"),
            ("Patient?identifier:of-type=s|MR|x", "1"),
            ("Patient?identifier:of-type=s|XX|x", ""),
            ("Patient?identifier:text=num", "1"),
            ("Patient?identifier:not=x", "2 3 4"),
            ("Patient?identifier:missing=false", "1"),
            ("Patient?active:missing=true", "1 2"),
            ("Patient?general-practitioner:Practitioner=doctor.d", "1"),
            ("Patient?general-practitioner:missing=true", "2 3 4"),
        ],
    );
}

#[test]
fn a_place_is_there_only_if_the_objects_around_it_are() {
    // A constant lives on a sibling with a condition of its own, a component on its required code.
    let rule = "rule: l\nresource: Observation\nfrom:\n  l: {table: LAB, key: [NO]}\nemit:\n  status: \
                final\n  code: {text: x}\n  category: [{coding: [{system: a, code: FIX, display: {$if: = \
                l.UNIT exists, $value: = l.VAL}}]}]\n  component: [{code: {coding: [{system: k, code: = \
                l.CD}]}, valueQuantity: {value: = l.NUM}}]\n";
    let rows = [
        "LAB NO=1i VAL=v UNIT=- CD=- NUM=#1",
        "LAB NO=2i VAL=v UNIT=u CD=c NUM=#1",
        "LAB NO=3i VAL=- UNIT=u CD=c NUM=-",
    ];
    check(
        &by_hand(&[("r.map.yaml", rule)], &rows),
        &[
            ("Observation?category=FIX", "2"),
            ("Observation?category:not=FIX", "1 3"),
            ("Observation?category:missing=true", "1 3"),
            ("Observation?component-value-quantity=1", "2"),
            ("Observation?component-value-quantity:missing=true", "1 3"),
            ("Observation?component-code-value-quantity=c$1", "2"),
        ],
    );
}

#[test]
fn a_composite_is_met_by_one_repetition() {
    let rule = "rule: b\nresource: Observation\nfrom:\n  b: {table: BYO, key: [PT_ID, SEQ]}\n  s: {table: \
                SYU, many: [PT_ID = b.PT_ID, BYO_SEQ = b.SEQ], order: [SEQ]}\nemit:\n  status: final\n  \
                code: {coding: [{$each: s, system: k, code: = s.CD}, {system: k, code: = b.CD}]}\n  \
                valueString: = b.NM\n  component:\n    - $each: s\n      code: {coding: [{system: k, code: \
                = s.CD}]}\n      valueQuantity: {value: = s.SEQ}\n";
    let rows = [
        "BYO PT_ID=1 SEQ=1i CD=a NM=Red",
        "SYU PT_ID=1 BYO_SEQ=1i SEQ=1i CD=x",
        "SYU PT_ID=1 BYO_SEQ=1i SEQ=2i CD=y",
        "BYO PT_ID=2 SEQ=1i CD=a NM=-",
        "SYU PT_ID=2 BYO_SEQ=1i SEQ=2i CD=x",
    ];
    check(
        &by_hand(&[("r.map.yaml", rule)], &rows),
        &[
            ("Observation?component-code-value-quantity=x$1", "1.1"),
            ("Observation?component-code-value-quantity=x$2", "2.1"),
            ("Observation?component-code-value-quantity=x$gt0", "1.1 2.1"),
            ("Observation?component-code-value-quantity=y$1,k|y$2", "1.1"),
            ("Observation?component-code=x&component-value-quantity=2", "1.1 2.1"),
            // Any of the codes of the one Observation, with its one value.
            ("Observation?code-value-string=y$re", "1.1"),
            ("Observation?code-value-string=a$red", "1.1"),
            ("Observation?code-value-string=a$r,z$red", "1.1"),
            ("Observation?code-value-string=a$blue", ""),
        ],
    );
}

#[test]
fn a_composite_takes_the_column_that_its_part_is_given() {
    let rule = |search: &str| {
        format!(
            "rule: l\nresource: Observation\nfrom:\n  l: {{table: LAB, key: [NO]}}\nemit: {{status: final, \
             code: {{coding: [{{system: k, code: = l.CD}}]}}, valueQuantity: {{value: = l.VAL | \
             num}}}}\nsearch: {{{search}}}\n"
        )
    };
    let rows = ["LAB NO=1i CD=a VAL=5 NUM=#5", "LAB NO=2i CD=b VAL=5 NUM=#5"];
    let source = by_hand(&[("r.map.yaml", &rule("value-quantity: = l.NUM"))], &rows);
    check(&source, &[("Observation?code-value-quantity=a$ge5", "1")]);
    let source = by_hand(&[("r.map.yaml", &rule("value-quantity: off"))], &rows);
    let told = format!("{:?}", source.ids("Observation?code-value-quantity=a$5"));
    assert!(told.contains("`value-quantity` is switched off"), "{told}");
}

#[test]
fn texts_behind_a_code_map_are_searched_where_they_are_shown() {
    let maps = "m:\n  local: {system: urn:l, emit: when-unmapped}\n  targets: [{id: a, system: urn:a}]\n  \
                unmapped: {policy: warn}\n";
    let csv =
        "local,target,code,display,valid_from,valid_to,status\nK,a,1,Kalium,2021-04-01,,accepted\n";
    let rule = "rule: l\nresource: Observation\nfrom:\n  l: {table: LAB, key: [NO]}\nemit:\n  status: \
                final\n  code: {$code: m, from: = l.CD, display: = l.UNIT, at: = l.DAY | date}\n  \
                valueCodeableConcept: {$code: m, from: = l.CD, text: = l.VAL}\n";
    let files = [("l.map.yaml", rule), ("codes/codemaps.yaml", maps), ("codes/m.csv", csv)];
    let rows = [
        "LAB NO=1i CD=K VAL=High UNIT=pot DAY=20210401",
        "LAB NO=2i CD=K VAL=low UNIT=Pot DAY=202103",
        "LAB NO=3i CD=N VAL=- UNIT=Sodium",
        "LAB NO=4i CD=- VAL=High",
        // Known to the year: its first day counts.
        "LAB NO=5i CD=K VAL=- UNIT=x DAY=2021",
    ];
    check(
        &by_hand(&files, &rows),
        &[
            ("Observation?code:text=kal", "1"),
            ("Observation?code:text=POT", "2"),
            ("Observation?code:text=sod", "3"),
            ("Observation?code=1", "1"),
            ("Observation?code=urn:l|K", "2 5"),
            ("Observation?value-string=hi", "1 4"),
            ("Observation?value-string:exact=High", "1 4"),
            ("Observation?value-string:missing=true", "3 5"),
            ("Observation?value-concept:text=low", "2"),
            ("Observation?value-concept:missing=true", ""),
        ],
    );
}

#[test]
fn a_canonical_is_searched_as_it_is_written() {
    let rule = "rule: s\nresource: ServiceRequest\nfrom:\n  p: {table: PT, key: [ID]}\nemit:\n  status: \
                active\n  intent: order\n  subject: {display: x}\n  instantiatesCanonical: [= p.NAME]\n  \
                instantiatesUri: [= p.KANA]\n";
    let rows = [
        "PT ID=1 NAME=http://x/PlanDefinition/p|1.0 KANA=urn:oid:1.2",
        "PT ID=2 NAME=http://x/PlanDefinition/p",
        "PT ID=3 NAME=- KANA=http://x/a",
    ];
    check(
        &by_hand(&[("r.map.yaml", rule)], &rows),
        &[
            ("ServiceRequest?instantiates-canonical=http://x/PlanDefinition/p", "2"),
            ("ServiceRequest?instantiates-canonical=http://x/PlanDefinition/p|1.0", "1"),
            ("ServiceRequest?instantiates-canonical:missing=true", "3"),
            ("ServiceRequest?instantiates-uri=urn:oid:1.2", "1"),
            ("ServiceRequest?instantiates-uri:below=http://x", "3"),
            ("ServiceRequest?instantiates-uri:above=http://x/a/b", "3"),
        ],
    );
}

#[test]
fn what_is_missing_is_the_element_and_not_the_column_named_for_it() {
    let rule = "rule: l\nresource: Observation\nfrom:\n  l: {table: LAB, key: [NO]}\nemit:\n  status: \
                final\n  code: {text: x}\n  valueQuantity: {value: = l.NO, unit: = l.UNIT, $if: = l.UNIT \
                exists}\nsearch: {value-quantity: = l.NUM}\n";
    // The second has a value, of which the column does not know.
    let rows = ["LAB NO=1i UNIT=g NUM=#1", "LAB NO=2i UNIT=g NUM=-", "LAB NO=3i UNIT=- NUM=#3"];
    check(
        &by_hand(&[("r.map.yaml", rule)], &rows),
        &[
            ("Observation?value-quantity:missing=true", "3"),
            ("Observation?value-quantity:missing=false", "1 2"),
        ],
    );
}

#[test]
fn an_element_that_every_resource_needs_is_never_missing() {
    // Whether the text is an insurer's number can't be asked; that there is a payor is known.
    let rule = "rule: c\nresource: Coverage\nfrom:\n  l: {table: LAB, key: [NO]}\nemit:\n  status: active\n  \
                beneficiary: {display: x}\n  payor: [{identifier: {value: = l.VAL | insurer}}]\n  \
                policyHolder: {identifier: {value: = l.VAL | insurer}}\n";
    let source =
        by_hand(&[("r.map.yaml", rule)], &["LAB NO=1i VAL=06130025", "LAB NO=2i VAL=138057"]);
    check(
        &source,
        &[
            ("Coverage?payor:identifier=06130025", "1"),
            ("Coverage?payor:missing=true", ""),
            ("Coverage?payor:missing=false", "1 2"),
        ],
    );
    assert!(source.ids("Coverage?policy-holder:missing=true").is_err());
}
