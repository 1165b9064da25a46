//! The masters of a small hospital: the published layouts, and codes of nobody.

use genkan_masters::Store;

#[path = "../../masters/tests/support/hospital.rs"]
mod hospital;
#[path = "../../masters/tests/support/line.rs"]
mod line;

use hospital::{disease, drug, hot, modifier, store};

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
    store(&[
        ("b_20250601.txt", "2025-06-01", before),
        ("b_20260401.txt", "2026-04-01", now),
        ("z_20260401.txt", "2026-04-01", modifiers),
        ("y_20260401.csv", "2026-04-01", drugs),
        ("hot9_20260401.csv", "2026-04-01", hots),
        ("utf8_JFAGY_20260401.csv", "2026-04-01", ALLERGENS.to_owned()),
    ])
}
