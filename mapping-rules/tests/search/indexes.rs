//! What is said of columns without an index.

use genkan_adapter::{Index, SourceSchema};
use genkan_mapping::search::{unindexed, unindexed_warnings};

use super::rule_set::SCHEMA;
use super::site::rules;

const RULE: &str = r#"
rule: pt
resource: Patient
from:
  p: {table: PT, key: [ID]}
  s: {table: SYU, many: [PT_ID = p.ID]}
  m: {table: MST, maybe: [CD = p.ORG]}
updated: hash
emit:
  identifier:
    - {system: "urn:pid", value: = p.ID}
    - {$each: s, system: "urn:s", value: = s.CD}
  gender: = p.SEX | map 1=male 2=female
  birthDate: = p.BIRTH | date
  telecom: [{system: phone, value: = p.TEL | hankaku}]
  address: [{city: = m.NAME}]
"#;

fn said(schema: &SourceSchema) -> Vec<String> {
    let mut rules = rules(&[("p.map.yaml", RULE)]);
    rules.unindexed = unindexed(&rules.rules, &schema.clone().into());
    let warnings = unindexed_warnings(&rules);
    assert!(warnings.iter().all(|warning| warning.code == "W0705"));
    let text = |text: &str| text.split(" would").next().unwrap_or_default().to_owned();
    warnings.iter().map(|warning| text(&warning.message.en)).collect()
}

#[test]
fn each_column_that_searches_start_from_and_leads_no_index_is_told_once() {
    let mut schema = genkan_mapping::schema::parse(SCHEMA).expect("the schema of the tests");
    let index = |columns: &[&str]| Index {
        name: "i".to_owned(),
        columns: columns.iter().map(|column| (*column).to_owned()).collect(),
        unique: false,
    };
    // Of tables without any index, as views are, nothing is known.
    let of_views = said(&schema);
    assert!(of_views.iter().all(|warning| !warning.contains("MST")), "{of_views:?}");
    schema.tables.get_mut("MST").expect("MST").indexes.push(index(&["CD"]));
    assert_eq!(
        said(&schema),
        [
            "`MST.NAME` leads no index, and Patient?address, Patient?address-city",
            "`PT.BIRTH` leads no index, and Patient?birthdate",
            "`PT.TEL` leads no index, and Patient?phone, Patient?telecom",
            "`SYU.CD` leads no index, and Patient?identifier",
        ]
    );
    // The second column of an index does not help, and a small table needs none.
    for (table, columns) in [("PT", ["BIRTH", "TEL"]), ("SYU", ["PT_ID", "CD"])] {
        schema.tables.get_mut(table).expect(table).indexes.push(index(&columns));
    }
    schema.tables.get_mut("MST").expect("MST").rows_estimate = Some(20);
    assert_eq!(
        said(&schema),
        [
            "`PT.TEL` leads no index, and Patient?phone, Patient?telecom",
            "`SYU.CD` leads no index, and Patient?identifier",
        ]
    );
}
