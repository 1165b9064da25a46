//! Masters that come as workbooks: the list of JLAC10, the items of the service as they are published,
//! and usages; and workbooks that are none or too large.

use genkan_masters::{
    Change, Concept, Crosswalk, Kind, Masters, Property, ReadError, ReadLimits, Reading, Reason,
    Standing, Store, Unchecked, read, read_within, system,
};

#[path = "support/workbook.rs"]
mod workbook;

use workbook::{sheet, with_parts, workbook};

fn concepts<'r>(reading: &'r Reading, system: &str) -> Vec<&'r Concept> {
    let all = reading.of(system).iter();
    all.map(|change| match change {
        Change::Is(concept) => concept,
        other => panic!("{other:?}"),
    })
    .collect()
}

fn store(files: &[(&str, Vec<u8>)]) -> Store {
    let mut masters = Masters::default();
    for (name, bytes) in files {
        let reading = read(name, bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let hash = *blake3::hash(bytes).as_bytes();
        masters.apply(&reading, (name, hash, "2026-04-01".parse().expect("a day"))).expect(name);
    }
    Store::open(masters.pack()).expect("ours")
}

/// A row of 17桁コード表, from the column of the code on.
fn listed<'t>(code: &'t str, parts: [&'t str; 4], names: [&'t str; 6]) -> Vec<&'t str> {
    let [analyte, identification, material, method] = parts;
    let [of_analyte, of_identification, of_material, of_method, common, specific] = names;
    vec![
        "",
        "",
        code,
        "",
        analyte,
        of_analyte,
        "",
        identification,
        of_identification,
        "",
        material,
        of_material,
        "",
        method,
        of_method,
        "",
        "01",
        common,
        "",
        specific,
    ]
}

fn list(rows: &[Vec<&str>]) -> Vec<u8> {
    let head = ["変更区分", "", "JLAC10コード（17桁）", "分析物", "", "", "識別"];
    let below = ["", "", "", "拡張", "コード", "名称"];
    let mut all: Vec<&[&str]> = vec![&["臨床検査マスター"], &[], &head, &below];
    all.extend(rows.iter().map(Vec::as_slice));
    workbook("17桁コード表", &sheet(&all))
}

const ALBUMIN: [&str; 6] = ["アルブミン", "", "血清", "可視吸光光度法", "定量値", ""];

#[test]
fn a_code_of_jlac10_is_named_by_its_parts() {
    let rows = [
        // A part of zeros has become a number.
        listed("3A015000002327101", ["3A015", "0", "23", "271"], ALBUMIN),
        listed(
            "5F016141002302311",
            ["5F016", "1410", "023", "023"],
            ["HBs抗原", "定性", "血清", "EIA法", "", "判定"],
        ),
        vec!["", "", "JLAC10コード（17桁）"],
        vec!["", "", "新コード"],
        listed("3A016000002327101", ["3A015", "0000", "023", "271"], ALBUMIN),
        listed("3A017000002327101", ["3A017", "0000", "023", "271"], ["", "", "", "", "", ""]),
        listed("3A018", ["3A018", "0000", "023", "271"], ALBUMIN),
    ];
    let reading = Kind::Jlac10.read(&list(&rows), &ReadLimits::default()).expect("a list");
    assert_eq!(reading.rows, 5);
    let by_content = read("まとめ表2026.xlsx", &list(&rows[..1])).expect("a list");
    assert_eq!(by_content.kind, Kind::Jlac10);
    let names: Vec<&str> =
        concepts(&reading, system::JLAC10).iter().map(|one| one.display.as_str()).collect();
    assert_eq!(names, ["アルブミン 血清 可視吸光光度法 定量値", "HBs抗原 定性 血清 EIA法 判定"]);
    let told: Vec<_> =
        reading.rejected.iter().map(|one| (one.line, one.column, one.reason)).collect();
    let expected = [(9, 5, Reason::OtherParts), (10, 6, Reason::NoName), (11, 3, Reason::BadCode)];
    assert_eq!(told, expected);
}

#[test]
fn the_tables_of_the_parts_are_refused_by_name() {
    let parts = workbook("分析物コード", &sheet(&[&["大分類", "分析物コード", "名称"]]));
    for name in ["140jlac10_1.xlsx", "jlac10.xlsx"] {
        let refused = read(name, &parts).expect_err("no codes of 17 digits");
        assert_eq!(refused, ReadError::PartsOnly, "{name}");
        assert!(refused.to_string().contains("17桁コード表"), "{refused}");
        assert!(refused.japanese().contains("17桁コード表"));
    }
}

const ITEM_HEAD: &str = "区分名称,予備区分名称,救急フラグ,生活習慣病フラグ,データ区分,大項目,FHIR項目名称,FHIR識別文字列,略称,販売名称,材料(JLAC11),測定法(JLAC11),JLAC11コード,表示用単位,表示用単位2,XML用単位,XML用単位2,材料(JLAC10),検査方法(JLAC10-測定法),JLAC10コード,基準値フラグ(下限),基準値フラグ(上限),基準値フラグ(判定),データタイプ,値の下限,値の上限,数値型の場合の形式,コード型の場合の値リスト,コード型のOID,並び順,適用開始日,適用終了日";

fn items() -> String {
    let row = |section: &str, name: &str, jlac11: &str, jlac10: &str, until: &str| {
        format!(
            "生化学検査,,0,1,{section},{name},{name},{name},{name},,血清,比色法,{jlac11},g/dL,,g/dL,,血清,比色法,{jlac10},,,,PQ,,,NN.N,,,1,00000000,{until}\n"
        )
    };
    format!("{ITEM_HEAD}\n")
        + &row("1", "ALB", "C1003000025000155", "3A015000002327101", "99999999")
        + &row("2", "HBs抗原(定性)", "E1001000025000199", "5F016141002302311", "20261014")
        + &row("1", "TP", "C100200002500015", "3A010000002329101", "99999999")
}

#[test]
fn the_items_of_the_service_are_read_as_they_are_published() {
    let workbook = {
        let text = items();
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
        let rows: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
        workbook("共有項目JLACコード", &sheet(&rows))
    };
    let name = "［令和8年9月末頃以降本番環境適用開始］共有項目JLACコードマスタ_202609";
    for (name, bytes) in
        [(format!("{name}.csv"), items().into_bytes()), (format!("{name}.xlsx"), workbook)]
    {
        let reading = read(&name, &bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((reading.kind, reading.rows), (Kind::LabItems, 3), "{name}");
        let told: Vec<_> = reading.rejected.iter().map(|one| (one.line, one.column)).collect();
        assert_eq!(told, [(4, 13)], "{name}");
        let all = concepts(&reading, system::JLAC11);
        let of = |property| all.iter().map(|one| one.values(property)).collect::<Vec<_>>();
        assert_eq!(of(Property::Section), [["検査"], ["感染症"]], "{name}");
        assert_eq!(of(Property::Unit), [["g/dL"], ["g/dL"]], "{name}");
        assert_eq!(all[1].until, "2026-10-14".parse().ok(), "{name}");
    }
}

#[test]
fn a_code_of_the_list_is_no_item_of_the_service() {
    let rows = [
        listed("3A015000002327101", ["3A015", "0000", "023", "271"], ALBUMIN),
        listed(
            "3B035000002327101",
            ["3B035", "0000", "023", "271"],
            ["AST", "", "血清", "可視吸光光度法", "定量値", ""],
        ),
    ];
    let list = ("まとめ表.xlsx", list(&rows));
    let items = ("共有項目.csv", items().into_bytes());
    let both = store(&[items.clone(), list.clone()]);
    let walk = Crosswalk::new(&both);
    let named = |of: &str, code: &str| match walk.standing(of, code) {
        Standing::Known(fact) => fact.names.join(", "),
        other => format!("{other:?}"),
    };
    assert_eq!(named(system::CORE_JLAC10, "3A015000002327101"), "ALB");
    assert_eq!(
        named(system::JLAC10, "3A015000002327101"),
        "アルブミン 血清 可視吸光光度法 定量値",
        "an item's name is not the code's"
    );
    assert_eq!(named(system::CORE_JLAC10, "3B035000002327101"), "Unknown");
    assert_eq!(named(system::JLAC10, "3B035000002327101"), "AST 血清 可視吸光光度法 定量値");
    for (files, of, expected) in [
        (vec![items], system::JLAC10, Unchecked::Partial(&[Kind::Jlac10])),
        (vec![list.clone()], system::CORE_JLAC10, Unchecked::NotLoaded(&[Kind::LabItems])),
        (vec![list], system::JLAC10, Unchecked::Partial(&[])),
    ] {
        let store = store(&files);
        let standing = Crosswalk::new(&store).standing(of, "9Z999000002327101");
        assert_eq!(standing, Standing::Unchecked(expected), "{of}");
    }
}

#[test]
fn usages_are_known_by_what_their_codes_say() {
    let head = [
        "用法コード",
        "基本用法区分",
        "",
        "用法詳細区分",
        "",
        "タイミング指定区分",
        "",
        "用法名称",
    ];
    let row = |code, name, until| {
        [code, "1", "内服", "0", "経口", "1", "食事ベース型", name, "0101", "20230126", until, "0"]
    };
    let rows = [
        row("1013044400000000", "１日３回朝昼夕食後　服用", "99999999"),
        row("1012010100000000", "１日２回朝夕食前　服用", "20270331"),
        row("1012", "短い", "99999999"),
        row("1011000100000000", "日の無い日", "20270231"),
    ];
    let mut all: Vec<&[&str]> = vec![&["電子処方箋用法マスタ"], &head, &[], &[]];
    all.extend(rows.iter().map(<[&str; 12]>::as_slice));
    let good = workbook("電子処方箋用法マスタ", &sheet(&all[..6]));
    assert_eq!(read("001056865.xlsx", &good).expect("by its columns").kind, Kind::Usage);
    let bytes = workbook("電子処方箋用法マスタ", &sheet(&all));
    let reading = Kind::Usage.read(&bytes, &ReadLimits::default()).expect("usages");
    assert_eq!(reading.rows, 4);
    let told: Vec<_> = reading.rejected.iter().map(|one| (one.line, one.column)).collect();
    assert_eq!(told, [(7, 1), (8, 11)]);
    let all = concepts(&reading, system::USAGE);
    assert_eq!(all[0].display, "１日３回朝昼夕食後　服用");
    assert_eq!(
        (all[0].values(Property::Timing), all[1].until),
        (&["食事ベース型".to_owned()][..], "2027-03-31".parse().ok())
    );
    let store = store(&[("001056865.xlsx", good)]);
    let walk = Crosswalk::new(&store);
    assert_eq!(walk.standing(system::USAGE, "9999999999999999"), Standing::Unknown);
}

fn small() -> ReadLimits {
    ReadLimits { columns_max: 20, cells_max: 50, rows_max: 10, ..ReadLimits::default() }
}

#[test]
fn a_small_workbook_can_not_make_a_large_sheet() {
    let far = |cell: &str| {
        let text = |cell: &str| format!(r#"<c r="{cell}" t="inlineStr"><is><t>x</t></is></c>"#);
        let row = cell.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        format!(
            r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">{}</row><row r="{row}">{}</row></sheetData></worksheet>"#,
            text("A1"),
            text(cell)
        )
    };
    // As a dense table this would be 17 thousand million cells.
    let wide = read_within("tp1.xlsx", &workbook("x", &far("XFD1048576")), &small());
    assert!(matches!(wide, Err(ReadError::TooManyColumns { columns_max: 20, .. })), "{wide:?}");
    let deep = read("tp1.xlsx", &workbook("x", &far("A1048576")));
    assert!(matches!(deep, Err(ReadError::NoSheet { .. })), "two rows are two rows: {deep:?}");
    let row: &[&str] = &["x"; 19];
    let many = workbook("x", &sheet(&[row; 9]));
    let many = read_within("tp1.xlsx", &many, &small());
    assert!(matches!(many, Err(ReadError::TooManyCells { cells_max: 50, .. })), "{many:?}");
    let long: Vec<&[&str]> = vec![&["x"]; 11];
    let long = read_within("tp1.xlsx", &workbook("x", &sheet(&long)), &small());
    assert_eq!(long, Err(ReadError::TooManyRows { rows_max: 10 }));
}

#[test]
fn one_text_in_many_cells_is_counted_as_often_as_it_stands() {
    let text = "x".repeat(1 << 20);
    let shared = format!(
        r#"<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>{text}</t></si></sst>"#
    );
    let row = |row: usize| format!(r#"<row r="{row}"><c r="A{row}" t="s"><v>0</v></c></row>"#);
    let rows: String = (1..=9).map(row).collect();
    let sheet = format!(
        r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>"#
    );
    let parts = [("xl/sharedStrings.xml", &*shared), ("xl/worksheets/sheet1.xml", &*sheet)];
    let limits = ReadLimits { unpacked_bytes_max: 8 << 20, ..ReadLimits::default() };
    let refused = read_within("tp1.xlsx", &with_parts("x", &parts), &limits);
    assert!(matches!(refused, Err(ReadError::TooManyCells { .. })), "{refused:?}");
}

#[test]
fn a_number_that_lost_digits_is_no_code() {
    let head = r#"<row r="1"><c r="A1" t="inlineStr"><is><t>JLAC11コード</t></is></c><c r="B1" t="inlineStr"><is><t>JLAC10コード</t></is></c><c r="C1" t="inlineStr"><is><t>FHIR項目名称</t></is></c><c r="D1" t="inlineStr"><is><t>FHIR識別文字列</t></is></c></row>"#;
    let row = r#"<row r="2"><c r="B2"><v>12345678901234567</v></c><c r="C2" t="inlineStr"><is><t>名</t></is></c></row>"#;
    let xml = format!(
        r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{head}{row}</sheetData></worksheet>"#
    );
    let reading = read("jlac.xlsx", &workbook("x", &xml)).expect("read");
    let told: Vec<_> =
        reading.rejected.iter().map(|one| (one.line, one.column, one.reason)).collect();
    assert_eq!(told, [(2, 2, Reason::BrokenCell)]);
}

#[test]
fn an_archive_that_is_no_workbook_is_to_be_unpacked() {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    archive.start_file("MEDIS20260630.TXT", options).expect("a file");
    let bytes = archive.finish().expect("an archive").into_inner();
    for name in ["hot.zip", "h2026.zip", "tp1.zip"] {
        assert_eq!(read(name, &bytes), Err(ReadError::Packed), "{name}");
    }
}
