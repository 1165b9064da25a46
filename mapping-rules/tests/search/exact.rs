//! Each rule here once found rows too many or too few, and said nothing.

use genkan_mapping::plan::PlanProblem;

use super::source::{Source, source_row};

/// One answer: the keys of the rows found, or why there is none.
fn answer(source: &Source, query: &str) -> String {
    match source.ids(query) {
        Ok(ids) => {
            let key = |id: &String| id.split_once('.').map_or("", |(_, key)| key).to_owned();
            ids.iter().map(key).collect::<Vec<_>>().join(" ")
        }
        Err(PlanProblem::Refused { .. }) => "refused".to_owned(),
        Err(PlanProblem::NotOffered { .. }) => "not offered".to_owned(),
        Err(PlanProblem::Modifier { .. }) => "not so".to_owned(),
        Err(other) => format!("{other:?}"),
    }
}

fn check(rule: &str, rows: &[&str], answers: &[(&str, &str)]) {
    let rows: Vec<_> = rows.iter().map(|text| source_row(text)).collect();
    let source = Source::new(&[("r.map.yaml", rule)], &rows);
    for (query, expected) in answers {
        assert_eq!(answer(&source, query), *expected, "{query}");
    }
}

fn patient(rest: &str) -> String {
    format!("rule: pt\nresource: Patient\nfrom:\n  p: {{table: PT, key: [ID]}}\n{rest}")
}

#[test]
fn a_search_text_that_the_converter_of_an_override_cannot_read_finds_nothing() {
    let rule = patient(
        "emit: {active: true}\nsearch: {given: = p.NAME | name.given, phonetic: = p.KANA | \
         kana.half, address-postalcode: = p.TEL | postal, name: = p.ORG | map 1=one 2=two, family: \
         = p.KANA | trim}",
    );
    check(
        &rule,
        &["PT ID=1 NAME=山田_太郎 KANA=ﾊﾟｰｸ TEL=1000001 ORG=1", "PT ID=2 KANA=ハル"],
        &[
            // Of a part of a name the stored spellings can't be listed.
            ("Patient?given=Smith", "not offered"),
            ("Patient?phonetic= ", ""),
            ("Patient?phonetic=パーク", "1"),
            ("Patient?phonetic=ﾊﾟ", "1"),
            ("Patient?phonetic=ハ", "2"),
            ("Patient?address-postalcode=xyz", ""),
            ("Patient?address-postalcode=100-0001", "1"),
            ("Patient?name=zzz", ""),
            ("Patient?name=on", "1"),
            ("Patient?family= ", ""),
        ],
    );
}

#[test]
fn spellings_that_cannot_be_listed_are_not_searched_by_code_or_key() {
    let rule = patient(
        "emit:\n  identifier:\n    - {system: a, value: = p.ORG | trim}\n  telecom: [{system: phone, \
         value: = p.TEL | hankaku}]\n  link: [{type: seealso, other: {$ref: pt, key: [= p.NAME | trim]}}]\n",
    );
    check(
        &rule,
        &["PT ID=1 ORG=_1 TEL=０3-１２ NAME=_2"],
        &[
            ("Patient?identifier=1", "not offered"),
            ("Patient?link=pt.2", "not offered"),
            ("Patient?phone=03-12", "1"),
            // More spellings than are listed.
            ("Patient?phone=0312345678901", "refused"),
        ],
    );
    let stated = patient("emit: {active: true}\nsearch: {phone: = p.TEL | phone}");
    check(
        &stated,
        &["PT ID=1 TEL=０３−１２"],
        &[("Patient?phone=03-12", "1"), ("Patient?phone=03-1", "")],
    );
}

#[test]
fn a_text_that_no_date_converter_reads_is_not_searched_by_date() {
    check(
        &patient("emit: {birthDate: = p.WAREKI}"),
        &["PT ID=1 WAREKI=20200101"],
        &[("Patient?birthdate=2020", "not offered")],
    );
    check(
        &patient("emit: {birthDate: = p.WAREKI | trim | date}"),
        &["PT ID=1 WAREKI=_20200101"],
        &[("Patient?birthdate=2020", "not offered")],
    );
}

#[test]
fn a_day_and_its_time_are_read_each_for_itself() {
    let rule = "rule: lab\nresource: Observation\nfrom:\n  l: {table: LAB, key: [NO]}\nemit: {status: \
                final, code: {text: x}, effectiveDateTime: = (l.DAY & l.TIM) | datetime}";
    let rows: Vec<_> = [
        "LAB NO=1i DAY=- TIM=0930",
        "LAB NO=2i DAY=20210705 TIM=2400",
        "LAB NO=3i DAY=20210705 TIM=0960",
        "LAB NO=4i DAY=20210705 TIM=930",
        "LAB NO=5i DAY=2021 TIM=1130",
        "LAB NO=6i DAY=20210705 TIM=9999",
        "LAB NO=7i DAY=99999999 TIM=0930",
    ]
    .iter()
    .map(|text| source_row(text))
    .collect();
    let source = Source::new(&[("r.map.yaml", rule)], &rows);
    let made: Vec<String> = source
        .resources("Observation")
        .iter()
        .map(|(_, json)| json["effectiveDateTime"].as_str().unwrap_or("-").to_owned())
        .collect();
    let expected = [
        "-",
        "2021-07-06T00:00:00+09:00",
        "2021-07-05",
        "2021-07-05T09:30:00+09:00",
        "2021",
        "2021-07-05",
        "-",
    ];
    assert_eq!(made, expected);
    for (query, expected) in [
        ("Observation?date=2021-07-05", "3 4 6"),
        ("Observation?date=2021-07-06", "2"),
        ("Observation?date=2021", "2 3 4 5 6"),
        ("Observation?date=ge2021-07-06", "2 5"),
        ("Observation?date=lt2021-07-06", "3 4 5 6"),
    ] {
        assert_eq!(answer(&source, query), expected, "{query}");
    }
}

#[test]
fn a_name_is_found_by_each_of_its_words_and_an_address_by_its_code() {
    let rule = patient(
        "emit:\n  name: [{family: = p.NAME | name.family, given: [= p.NAME | name.given]}]\n  \
         address: [{text: = p.ORG, postalCode: = p.TEL | postal}]",
    );
    check(
        &rule,
        &["PT ID=1 NAME=山田_太郎 TEL=1000001", "PT ID=2 NAME=太田 ORG=東京"],
        &[
            ("Patient?name=太郎", "1"),
            ("Patient?name=太", "1 2"),
            ("Patient?name=山", "1"),
            ("Patient?given=太郎", "not offered"),
            ("Patient?address=100-0001", "1"),
            ("Patient?address=東", "2"),
            ("Patient?address-postalcode:contains=100-0001", "1"),
            ("Patient?address-postalcode:contains=0001-001", ""),
            ("Patient?address-postalcode:contains=0-0", "refused"),
            ("Patient?address:missing=true", "not so"),
        ],
    );
    // Without the family name of the same column it is no whole name.
    check(
        &patient("emit: {name: [{given: [= p.NAME | name.given], text: = p.ORG}]}"),
        &[],
        &[("Patient?name=太郎", "not offered")],
    );
}

#[test]
fn a_constant_beside_child_rows_is_there_when_one_of_them_is() {
    let rule = "rule: b\nresource: Condition\nfrom:\n  b: {table: BYO, key: [PT_ID, SEQ]}\n  s: {table: \
                SYU, many: [PT_ID = b.PT_ID], order: [SEQ]}\nemit:\n  subject: {display: x}\n  code: \
                {coding: [{$each: s, system: a, code: = s.CD}, {system: b, code: FIX}]}";
    check(
        rule,
        &["BYO PT_ID=1 SEQ=1i", "BYO PT_ID=2 SEQ=1i", "SYU PT_ID=1 BYO_SEQ=1i SEQ=1i CD=x"],
        &[("Condition?code=FIX", "1.1"), ("Condition?code=x", "1.1")],
    );
}

#[test]
fn a_date_that_is_none_is_missing() {
    check(
        &patient("emit: {birthDate: = p.WAREKI | date.wareki}"),
        &["PT ID=1 WAREKI=00000000", "PT ID=2 WAREKI=なし", "PT ID=3 WAREKI=S500302", "PT ID=4"],
        &[("Patient?birthdate:missing=true", "1 2 4"), ("Patient?birthdate:missing=false", "3")],
    );
}

#[test]
fn the_order_of_texts_is_offered_as_the_order_of_dates_only_in_columns_of_digits() {
    let sorts = |term: &str| {
        let rule = patient(&format!("emit: {{birthDate: = {term}}}"));
        let source = Source::new(&[("r.map.yaml", &rule)], &[]);
        answer(&source, "Patient?_sort=birthdate").is_empty()
    };
    assert!(sorts("p.BIRTH | date"));
    assert!(sorts("p.DEATH"));
    assert!(!sorts("p.NAME | date"));
    assert!(!sorts("p.BIRTH | date.wareki"));
}

#[test]
fn the_rest_of_a_table_is_found_behind_a_converter_or_not_offered() {
    let rule = patient(
        "emit:\n  identifier: [{system: a, value: = p.KANA | kana.full | map ヤマ=k else o}]\n",
    );
    check(
        &rule,
        &["PT ID=1 KANA=ﾔﾏ", "PT ID=2 KANA=ヤﾏ", "PT ID=3 KANA=カワ", "PT ID=4"],
        &[("Patient?identifier=k", "1 2"), ("Patient?identifier=o", "3 4")],
    );
    let rule =
        patient("emit:\n  identifier: [{system: a, value: = p.KANA | phone | map 1=k else o}]\n");
    check(&rule, &[], &[("Patient?identifier=o", "not offered")]);
}

#[test]
fn a_master_row_that_is_always_valid_is_found_without_a_day() {
    let rule = "rule: b\nresource: Condition\nfrom:\n  b: {table: BYO, key: [PT_ID, SEQ]}\n  m: {table: \
                MST, maybe: [CD = b.CD], valid: [FROM_YMD, TO_YMD], at: = b.START}\nblank: \
                [\"99999999\"]\nemit:\n  subject: {display: x}\n  note: [{text: = b.NM}]\n  identifier: \
                [{value: = m.NAME}]\n";
    check(
        rule,
        &[
            "BYO PT_ID=1 SEQ=1i CD=A",
            "BYO PT_ID=2 SEQ=1i CD=B",
            "BYO PT_ID=3 SEQ=1i CD=C",
            "MST CD=A NAME=null",
            "MST CD=B FROM_YMD= TO_YMD=99999999 NAME=blank",
            "MST CD=C FROM_YMD=20200101 TO_YMD=99999999 NAME=later",
        ],
        &[
            ("Condition?identifier=null", "1.1"),
            ("Condition?identifier=blank", "2.1"),
            ("Condition?identifier=later", ""),
        ],
    );
}

#[test]
fn more_codes_than_a_statement_takes_are_refused() {
    let maps = "m:\n  local: {system: urn:l, emit: always}\n  targets: [{id: a, system: urn:a}]\n  \
                unmapped: {policy: uncoded, codings: [{target: a, code: NONE}]}\n";
    let mut csv = "local,target,code,status\n".to_owned();
    for number in 0..30_000 {
        csv.push_str(&format!("L{number},a,C{number},accepted\n"));
    }
    let rule = "rule: b\nresource: Condition\nfrom:\n  b: {table: BYO, key: [PT_ID, SEQ]}\nemit:\n  \
                subject: {display: x}\n  code: {$code: m, from: = b.CD}\n";
    let rows = [source_row("BYO PT_ID=1 SEQ=1i CD=L7")];
    let files = [("codes/codemaps.yaml", maps), ("codes/m.csv", &*csv), ("b.map.yaml", rule)];
    let source = Source::new(&files, &rows);
    assert_eq!(answer(&source, "Condition?code=C7"), "1.1");
    assert_eq!(answer(&source, "Condition?code=NONE"), "refused");
    assert_eq!(answer(&source, "Condition?code=urn:a|"), "refused");
    let said = super::rule_set::compiled(&files).diagnostics;
    assert_eq!(said.iter().map(|d| d.code).collect::<Vec<_>>(), ["W0706"]);
}

#[test]
fn a_place_of_another_system_is_not_asked_for_its_spellings() {
    let rule = patient(
        "emit:\n  identifier:\n    - {system: pid, value: = p.ID}\n    - {system: org, value: = p.ORG | \
         zen}",
    );
    check(
        &rule,
        &["PT ID=1 ORG=ＡＢ"],
        &[
            ("Patient?identifier=pid|１２３４５６７８９０", ""),
            ("Patient?identifier=org|１２３４５６７８９０", "refused"),
        ],
    );
}
