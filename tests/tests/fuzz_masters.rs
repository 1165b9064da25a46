//! The readers of the national masters with broken files: no panic, every line accounted for, and what
//! was refused has changed nothing. `GENKAN_FUZZ_RUNS` says how many inputs each target gets.

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, anyhow, ensure};
use chrono::NaiveDate;
use genkan_masters::{ImportError, Masters, ReadLimits, Store, read_within, system};
use genkan_tests::fuzz::{Target, run, runs};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};

#[path = "../../mapping-rules/masters/tests/support/hospital.rs"]
mod hospital;
#[path = "../../mapping-rules/masters/tests/support/line.rs"]
mod line;
#[path = "../../mapping-rules/masters/tests/support/workbook.rs"]
mod workbook;

use hospital::{disease, drug, hot, modifier, store};
use line::line;

/// Small, so that they are met.
const LIMITS: ReadLimits = ReadLimits {
    file_bytes_max: 1 << 20,
    unpacked_bytes_max: 1 << 20,
    line_bytes_max: 4 << 10,
    rows_max: 200,
    columns_max: 64,
    cells_max: 2_000,
    rejected_lines_max: 100,
};
/// As published files are.
const REAL_BYTES: usize = 6 << 10;

const ALLERGENS: &str = "DISPLAYSEQ,JFAGYCODE,JPTERM,JPKANA,ENTERM,LEVEL,MAINFLAG,GUIDELINE,CXGCATEGORY,RECORDDATE,ENDDATE
1,J9FA19140000,そば,ソバ,Buckwheat,3,1,,,00000000,99999999
2,D9M000000000,医薬品ダミーコード,,,1,1,,,00000000,99999999
";

/// A file of each master that is text, and its name.
fn texts() -> Vec<(&'static str, String)> {
    let diseases = disease(["0", "8830001", "8830001", "胃炎", "20050001", "AAAA", "K297"])
        + &disease(["9", "8830003", "8830001", "旧胃炎", "20050003", "CCCC", "K297"]);
    let of_medis = line(
        20,
        &[(1, "0"), (2, "20050001"), (3, "胃炎"), (6, "AAAA"), (7, "K297"), (15, "20260601")],
    );
    let modifiers = line(
        10,
        &[(1, "0"), (2, "27000225"), (3, "急性"), (5, "1051"), (6, "11"), (7, "A4"), (9, "4012")],
    );
    let open = "99999999";
    vec![
        ("b_20260401.txt", diseases),
        ("z_20260401.txt", modifier(["8002", "の疑い", "27000001", "5395", "A8000000"])),
        ("y_20260401.csv", drug(["620000001", "甲錠", "1111001F1011", "1111001F1ZZZ", open])),
        ("hot9.csv", hot(["1000000010101", "1111001F1011", "1111001F1011", "620000001", "甲錠"])),
        ("nmain518.txt", of_medis),
        ("mdfy518.txt", modifiers),
        ("index518.txt", line(9, &[(1, "胃カタル"), (2, "AAAA"), (3, "1"), (4, "1")])),
        ("jfagy.csv", ALLERGENS.to_owned()),
    ]
}

/// The masters as they are published, where they lie beside the repository.
fn published() -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/masters");
    let named =
        std::env::var_os("GENKAN_SHARED").map(|shared| PathBuf::from(shared).join("masters"));
    let folder = named.unwrap_or(beside);
    if !folder.is_dir() {
        eprintln!("without real files: {} is not there", folder.display());
        return None;
    }
    Some(folder)
}

fn day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 4, 1).unwrap_or_default()
}

/// What a file becomes, and whether the masters are as they were if it becomes nothing.
fn judge(name: &str, bytes: &[u8], before: &Masters) -> Result<(), String> {
    let reading = match read_within(name, bytes, &LIMITS) {
        Err(error) if error.to_string().is_empty() || error.japanese().is_empty() => {
            return Err("refused, and nobody says why".to_owned());
        }
        Err(_) => return Ok(()),
        Ok(reading) => reading,
    };
    if reading.rejected.len() > reading.rows || reading.rows > LIMITS.rows_max {
        return Err(format!("{} of {} rejected", reading.rejected.len(), reading.rows));
    }
    if let Some(one) = reading.rejected.iter().find(|one| one.line == 0) {
        return Err(format!("a line without a number: {one:?}"));
    }
    let mut masters = before.clone();
    let file = (name, [7; 32], day());
    match masters.apply(&reading, file) {
        Err(_) if masters != *before => return Err("half imported".to_owned()),
        Err(_) => return Ok(()),
        Ok(_) => {}
    }
    let after = masters.clone();
    match masters.apply(&reading, file) {
        Err(ImportError::Known { .. }) if masters == after => {}
        other => return Err(format!("imported twice: {other:?}")),
    }
    let store = Store::open(masters.pack()).map_err(|error| error.to_string())?;
    for of in store.systems() {
        for known in store.all(of) {
            if store.lookup(of, &known.concept.code).is_none() {
                return Err(format!("{of} {} is not found again", known.concept.code));
            }
        }
    }
    match store.unpack() == masters {
        true => Ok(()),
        false => Err("what is packed is something else".to_owned()),
    }
}

fn before() -> Masters {
    let files = texts();
    let files: Vec<_> =
        files.into_iter().take(3).map(|(name, text)| (name, "2026-04-01", text)).collect();
    store(&files).unpack()
}

fn finish(found: Result<(), String>) -> Result<()> {
    found.map_err(|said| anyhow!(said))
}

#[test]
fn texts_are_read_or_refused() -> Result<()> {
    const WORDS: &[&str] = &[
        "\"",
        "\",\"",
        ",",
        "\r\n",
        "\n",
        "\"0\"",
        "\"9\"",
        "99999999",
        "20260230",
        "\u{1b}$B",
        "J9F",
        "b_1.txt\n",
        "hot9.csv\n",
        "index1.txt\n",
    ];
    let mut corpus = Vec::new();
    for (name, text) in texts() {
        let cp932 = encoding_rs::SHIFT_JIS.encode(&text).0.into_owned();
        for bytes in [text.into_bytes(), cp932] {
            corpus.push([name.as_bytes(), b"\n", &bytes].concat());
        }
    }
    if let Some(folder) = published() {
        for name in [
            "ssk/b_20240601.txt",
            "ssk/z_20250601.txt",
            "ssk/y_ALL20240321.csv",
            "ssk/y_delta/y_20240906.csv",
            "hot/hot9_sample_20260930.csv",
            "jfagy/sj_JFAGY_J9FN_20250401_R01.csv",
            "jfagy/utf8_JFAGY_J9FN_20250401_R01.csv",
        ] {
            let bytes = fs::read(folder.join(name))?;
            let own = name.rsplit('/').next().unwrap_or(name);
            let bytes = &bytes[..bytes.len().min(REAL_BYTES)];
            corpus.push([own.as_bytes(), b"\n", bytes].concat());
        }
    }
    let before = before();
    let check = |input: &[u8]| {
        let at = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
        let name = String::from_utf8_lossy(&input[..at]).into_owned();
        judge(&name, input.get(at + 1..).unwrap_or_default(), &before)
    };
    finish(run(&Target { name: "texts", corpus, dictionary: WORDS, check: &check }, runs(4_000)))
}

/// The XML of a sheet of each master that comes as one.
fn sheets() -> Vec<Vec<u8>> {
    let price = [
        "薬価基準収載医薬品コード",
        "品名",
        "区分",
        "成分名",
        "規格",
        "メーカー名",
        "経過措置による使用期限",
    ];
    let priced = ["1111001F1011", "甲錠", "内用薬", "甲", "１錠", "甲社", "R8.3.31まで"];
    let list = ["", "", "JLAC10コード（17桁）", "分析物"];
    let listed = [
        "",
        "",
        "3A015000002327101",
        "",
        "3A015",
        "アルブミン",
        "",
        "0000",
        "",
        "",
        "023",
        "血清",
        "",
        "271",
        "比色法",
        "",
        "01",
        "定量値",
    ];
    let usage = ["用法コード", "", "", "", "", "", "", "用法名称"];
    let used = [
        "1013044400000000",
        "1",
        "内服",
        "0",
        "経口",
        "1",
        "食事",
        "毎食後",
        "",
        "20230126",
        "99999999",
        "0",
    ];
    let sheets: [&[&[&str]]; 3] =
        [&[&["表題"], &price, &priced], &[&[], &list, &listed], &[&usage, &[], &used]];
    sheets.map(|rows| workbook::sheet(rows).into_bytes()).to_vec()
}

#[test]
fn sheets_are_read_or_refused() -> Result<()> {
    const WORDS: &[&str] = &[
        "<row r=\"1\">",
        "</row>",
        "<c r=\"A1\"",
        "<c r=\"XFD1048576\" t=\"s\"><v>0</v></c>",
        "<v>",
        "</v>",
        "<is><t>",
        "t=\"s\"",
        "t=\"e\"",
        "t=\"d\"",
        "#REF!",
        "1e308",
        "NaN",
        "&lt;",
        "&x;",
        "<!DOCTYPE",
        "JLAC10コード（17桁）",
        "薬価基準収載医薬品コード",
    ];
    let corpus = sheets();
    let before = before();
    let check = |input: &[u8]| {
        let text = String::from_utf8_lossy(input);
        judge("x.xlsx", &workbook::workbook("17桁コード表", &text), &before)
    };
    finish(run(&Target { name: "sheets", corpus, dictionary: WORDS, check: &check }, runs(1_500)))
}

#[test]
fn archives_are_read_or_refused() -> Result<()> {
    let sheet = workbook::sheet(&[&["用法コード"], &["1013044400000000", "1"]]);
    let corpus = vec![workbook::workbook("x", &sheet)];
    let before = before();
    let check = |input: &[u8]| judge("x.xlsx", input, &before);
    let dictionary = &["PK\u{3}\u{4}", "PK\u{1}\u{2}", "PK\u{5}\u{6}", "xl/workbook.xml"];
    finish(run(&Target { name: "archives", corpus, dictionary, check: &check }, runs(3_000)))
}

#[test]
fn real_workbooks_with_broken_bytes_are_read_or_refused() -> Result<()> {
    let Some(folder) = published() else { return Ok(()) };
    let limits = ReadLimits::default();
    for name in ["mhlw/ippanmeishohoumaster_250814.xlsx", "jlac/laboitemset_20231104.xlsx"] {
        let good = fs::read(folder.join(name))?;
        for seed in 1..=runs(24) {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let mut below = |bound: usize| {
                usize::try_from(random.next_u64() % bound.max(1) as u64).unwrap_or_default()
            };
            let mut bytes = good.clone();
            if seed % 4 == 0 {
                bytes.truncate(below(good.len()));
            }
            for _ in 0..=below(4) {
                let at = below(bytes.len());
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << below(8);
                }
            }
            // A panic fails the test; whatever is read is whole.
            if let Ok(reading) = read_within("x.xlsx", &bytes, &limits) {
                ensure!(reading.rejected.len() <= reading.rows, "{name} {seed}");
                ensure!(reading.systems.keys().all(|of| system::ALL.contains(of)), "{name} {seed}");
            }
        }
    }
    Ok(())
}
