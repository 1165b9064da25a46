//! The masters of a small hospital: the published layouts, and codes of nobody.

use genkan_masters::{Masters, Store, read};

use super::line::line;

pub fn disease([mark, code, next, name, key, exchange, icd10]: [&str; 7]) -> String {
    let until = if mark == "9" { "20260331" } else { "99999999" };
    let fields = [
        (1, mark),
        (2, "B"),
        (3, code),
        (4, next),
        (6, name),
        (11, key),
        (13, exchange),
        (16, icd10),
        (19, "00"),
        (24, until),
    ];
    line(46, &fields)
}

pub fn modifier([code, name, key, exchange, place]: [&str; 5]) -> String {
    let fields = [
        (1, "0"),
        (2, "Z"),
        (3, code),
        (7, name),
        (16, "99999999"),
        (17, key),
        (18, exchange),
        (19, place),
    ];
    line(19, &fields)
}

pub fn drug([code, name, price, generic, until]: [&str; 5]) -> String {
    let fields =
        [(1, "0"), (2, "Y"), (3, code), (5, name), (31, until), (32, price), (37, generic)];
    line(40, &fields)
}

pub fn hot([hot, price, yj, receipt, name]: [&str; 5]) -> String {
    line(24, &[(1, hot), (7, price), (8, yj), (9, receipt), (12, name), (24, "20260401")])
}

/// Files with their names, as `name_YYYYMMDD.…`, and their days, imported in this order.
pub fn store(files: &[(&str, &str, String)]) -> Store {
    let mut masters = Masters::default();
    for (index, (name, effective, text)) in files.iter().enumerate() {
        let reading = read(name, text.as_bytes()).expect(name);
        assert!(reading.rejected.is_empty(), "{name}: {:?}", reading.rejected);
        let hash = [u8::try_from(index).expect("few"); 32];
        masters.apply(&reading, (name, hash, effective.parse().expect("a day"))).expect(name);
    }
    Store::open(masters.pack()).expect("ours")
}
