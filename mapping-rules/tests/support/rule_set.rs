//! A rule set from texts, and the tables of a small hospital.

use std::collections::BTreeMap;

use chrono::FixedOffset;
use genkan_mapping::program::Site;
use genkan_mapping::{Compiled, RuleFiles, compile};
use genkan_masters::Store;

pub const SCHEMA: &str = "
PT:
  key: [ID]
  columns: {ID: char(10), SEX: char(1), BIRTH: char(8), WAREKI: varchar(20), NAME: varchar(40),
    KANA: varchar(40), DEL: char(1), TEL: varchar(20), UPD: char(14), DEAD: boolean, DEATH: date,
    WEIGHT: decimal, AGE: integer, PHOTO: bytes, ORG: varchar(10)}
BYO:
  key: [PT_ID, SEQ]
  columns: {PT_ID: char(10), SEQ: integer, CD: varchar(10), NM: varchar(40), START: char(8),
    TENKI: char(1), KBN: char(1), NOTE: varchar(40)}
SYU:
  key: [PT_ID, BYO_SEQ, SEQ]
  columns: {PT_ID: char(10), BYO_SEQ: integer, SEQ: integer, CD: varchar(10), NM: varchar(40),
    FLG: char(1)}
LAB:
  key: [NO]
  columns: {NO: integer, PT_ID: char(10), CD: varchar(10), VAL: varchar(20), NUM: decimal,
    UNIT: varchar(10), DAY: char(8), TIM: char(4), AT: datetime, URGENT: boolean}
UNI:
  columns: {A: varchar(10), B: varchar(10), C: varchar(10)}
  unique: [[C], [B, A]]
MST:
  columns: {CD: varchar(10), NAME: varchar(40), FROM_YMD: char(8), TO_YMD: char(8), DAY: date}
";

pub fn compiled(files: &[(&str, &str)]) -> Compiled {
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
    compiled_bytes(files.collect())
}

pub fn compiled_bytes(files: Vec<(String, Vec<u8>)>) -> Compiled {
    compiled_against(files, &Store::default())
}

pub fn compiled_against(files: Vec<(String, Vec<u8>)>, masters: &Store) -> Compiled {
    let schema = genkan_mapping::schema::parse(SCHEMA).expect("the schema of the tests");
    let zone = FixedOffset::east_opt(9 * 3600).expect("an offset");
    let constants = BTreeMap::from([("institution_no".to_owned(), "1312345670".to_owned())]);
    compile(&RuleFiles(files), &schema.into(), &Site { constants, zone }, masters)
}
