//! What a rule may say of its versions.

use super::cases::Case;

/// Whole rule files.
pub const VERSIONS: &[Case] = &[
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nversion: row\nemit: {}\n",
        "a.map.yaml:4:10 E0421",
        "`image`",
    ),
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nupdated: hash\nversion: updated\nemit: {}\n",
        "a.map.yaml:5:10 E0421",
        "there are none",
    ),
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nupdated: = p.UPD | datetime\nversion: updated\nemit: {birthDate: = p.BIRTH | date}\n",
        "",
        "",
    ),
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}, b: {table: BYO, many: [PT_ID = p.ID]}}\nupdated: = p.UPD | datetime\nversion: updated\nemit:\n  contact: [{$each: b, name: {text: = b.START}}]\n",
        "a.map.yaml:1:1 W0420",
        "no column of BYO",
    ),
];
