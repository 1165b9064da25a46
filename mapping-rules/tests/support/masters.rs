//! The masters of a small hospital: the published layouts, and codes of nobody.

use chrono::NaiveDate;
use genkan_masters::{Masters, Store, read};

fn line(columns: usize, fields: &[(usize, &str)]) -> String {
    let value = |number| fields.iter().find(|(of, _)| *of == number).map_or("", |(_, text)| text);
    let all: Vec<String> = (1..=columns).map(|number| format!("\"{}\"", value(number))).collect();
    all.join(",") + "\r\n"
}

fn disease([mark, code, next, name, key, exchange, icd10]: [&str; 7]) -> String {
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

fn modifier([code, name, key, exchange, place]: [&str; 5]) -> String {
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

fn drug([code, name, price, generic, until]: [&str; 5]) -> String {
    let fields =
        [(1, "0"), (2, "Y"), (3, code), (5, name), (31, until), (32, price), (37, generic)];
    line(40, &fields)
}

fn hot([hot, price, yj, receipt, name]: [&str; 5]) -> String {
    line(24, &[(1, hot), (7, price), (8, yj), (9, receipt), (12, name), (24, "20260401")])
}

const ALLERGENS: &str = "DISPLAYSEQ,JFAGYCODE,JPTERM,JPKANA,ENTERM,LEVEL,MAINFLAG,GUIDELINE,CXGCATEGORY,RECORDDATE,ENDDATE
1,J9FA19140000,そば,ソバ,Buckwheat,3,1,,,00000000,99999999
2,J9NA10000000,杉,スギ,Cedar,3,1,,,00000000,99999999
3,D9M000000000,医薬品ダミーコード,,,1,1,,,00000000,99999999
";

/// 傷病名, 修飾語, 医薬品, HOT and JFAGY.
pub fn masters() -> Store {
    let open = "99999999";
    let others = disease(["0", "8830001", "8830001", "胃炎", "20050001", "AAAA", "K297"])
        + &disease(["0", "8830002", "8830002", "急性胃炎", "20050002", "BBBB", "K291"])
        + &disease(["0", "8830004", "8830004", "肺炎", "20050004", "DDDD", "J189"]);
    let before =
        others.clone() + &disease(["0", "8830003", "", "旧胃炎", "20050003", "CCCC", "K297"]);
    let now = others + &disease(["9", "8830003", "8830001", "旧胃炎", "20050003", "CCCC", "K297"]);
    let modifiers = modifier(["4012", "急性", "27000225", "1051", "A4000000"])
        + &modifier(["8002", "の疑い", "27000001", "5395", "A8000000"]);
    let drugs = drug(["620000001", "甲錠", "1111001F1011", "1111001F1ZZZ", open])
        + &drug(["620000002", "乙錠", "1111001F1020", "1111001F1ZZZ", "20260331"])
        + &drug(["620000003", "丙錠", "2222001F1018", "2222001F1ZZZ", open]);
    let hots = hot(["100000001", "1111001F1011", "1111001F1011", "620000001", "甲錠"])
        + &hot(["100000002", "1111001F1020", "1111001F1020", "620000002", "乙錠"])
        + &hot(["100000003", "2222001F1018", "2222001F1115", "620000003", "丙錠「甲社」"])
        + &hot(["100000004", "2222001F1018", "2222001F1115", "620000003", "丙錠「甲社」　大"])
        + &hot(["100000005", "1111001F1011", "1111001F1038", "620000001", "丁錠　大"])
        + &hot(["100000006", "1111001F1011", "1111001F1038", "620000001", "丁錠　小"])
        + &hot(["100000007", "3333001F1010", "3333001F1010", "620000009", "戊錠"]);
    let mut masters = Masters::default();
    let files = [
        ("b_20250601.txt", "2025-06-01", before),
        ("b_20260401.txt", "2026-04-01", now),
        ("z_20260401.txt", "2026-04-01", modifiers),
        ("y_20260401.csv", "2026-04-01", drugs),
        ("hot9_20260401.csv", "2026-04-01", hots),
        ("utf8_JFAGY_20260401.csv", "2026-04-01", ALLERGENS.to_owned()),
    ];
    for (index, (name, effective, text)) in files.into_iter().enumerate() {
        let reading = read(name, text.as_bytes()).expect(name);
        assert!(reading.rejected.is_empty(), "{name}: {:?}", reading.rejected);
        let hash = [u8::try_from(index).expect("few"); 32];
        let effective: NaiveDate = effective.parse().expect("a day");
        masters.apply(&reading, (name, hash, effective)).expect(name);
    }
    Store::open(masters.pack()).expect("ours")
}
