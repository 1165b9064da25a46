//! A workbook (`.xlsx`) with what a test puts into it.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

const TYPES: &str = r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>"#;
const RELATIONS: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const SHEETS: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";

/// One sheet, whose XML is this.
pub fn workbook(name: &str, sheet: &str) -> Vec<u8> {
    with_parts(name, &[("xl/worksheets/sheet1.xml", sheet)])
}

/// One sheet with this name, and these files.
pub fn with_parts(name: &str, parts: &[(&str, &str)]) -> Vec<u8> {
    let book = format!(
        r#"<?xml version="1.0"?><workbook xmlns="{SHEETS}" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="{name}" sheetId="1" r:id="rId1"/></sheets></workbook>"#
    );
    let of_book = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated);
    let frame = [
        ("[Content_Types].xml", TYPES),
        ("_rels/.rels", RELATIONS),
        ("xl/workbook.xml", &book),
        ("xl/_rels/workbook.xml.rels", of_book),
    ];
    for (path, text) in frame.iter().chain(parts) {
        archive.start_file(*path, options).expect("a file");
        archive.write_all(text.as_bytes()).expect("written");
    }
    archive.finish().expect("an archive").into_inner()
}

/// The XML of a sheet with rows of texts from the first row on; blank cells are left out.
pub fn sheet(rows: &[&[&str]]) -> String {
    let mut xml = format!(r#"<?xml version="1.0"?><worksheet xmlns="{SHEETS}"><sheetData>"#);
    for (row, cells) in rows.iter().enumerate() {
        let row = row + 1;
        let _ = write!(xml, r#"<row r="{row}">"#);
        for (column, text) in cells.iter().enumerate().filter(|(_, text)| !text.is_empty()) {
            let column = name(column);
            let _ = write!(xml, r#"<c r="{column}{row}" t="inlineStr"><is><t>{text}</t></is></c>"#);
        }
        xml += "</row>";
    }
    xml + "</sheetData></worksheet>"
}

/// `A`, `B` … `Z`, `AA`
fn name(column: usize) -> String {
    let letter = |index: usize| char::from(b'A' + u8::try_from(index % 26).expect("a letter"));
    match column.checked_sub(26) {
        None => letter(column).to_string(),
        Some(rest) => format!("{}{}", letter(rest / 26), letter(rest)),
    }
}
