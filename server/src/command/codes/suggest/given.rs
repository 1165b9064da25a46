//! House codes of a site that has no table of them: a CSV, as a spreadsheet saves it.

use std::path::Path;

use anyhow::Context as _;
use csv::ReaderBuilder;
use genkan_mapping::Text;
use genkan_masters::suggest::{HouseCode, Values};

use crate::command::Failure;

const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
const COLUMNS: [&str; 11] = [
    "code",
    "name",
    "kana",
    "unit",
    "material",
    "method",
    "ingredient",
    "strength",
    "form",
    "maker",
    "median",
];

pub fn house_codes(path: &Path) -> Result<Vec<HouseCode>, Failure> {
    let shown = path.display();
    let size = std::fs::metadata(path).with_context(|| shown.to_string())?.len();
    if size > FILE_BYTES_MAX {
        return Err(Failure::usage(format!("{shown}: more than {FILE_BYTES_MAX} bytes")));
    }
    let bytes = std::fs::read(path).with_context(|| shown.to_string())?;
    let wrong = |line: u64, column: &str, en: &str, ja: &str| {
        Failure::usage(Text::new(
            format!("{shown}:{line}: {column}: {en}"),
            format!("{shown}:{line}: {column}: {ja}"),
        ))
    };
    let text = genkan_mapping::codemap::text_of(&bytes).ok_or_else(|| {
        wrong(1, "", "neither UTF-8 nor Shift_JIS", "UTF-8 でも Shift_JIS でもありません")
    })?;
    let mut reader = ReaderBuilder::new().from_reader(text.as_bytes());
    let header = reader.headers().context(shown.to_string())?.clone();
    let names: Vec<&str> = header.iter().map(str::trim).collect();
    if let Some(name) = names.iter().find(|name| !COLUMNS.contains(name)) {
        let columns = COLUMNS.join(", ");
        let en = format!("no column of house codes; {columns} are");
        return Err(wrong(1, name, &en, &format!("使える列は {columns} です")));
    }
    for needed in &COLUMNS[..2] {
        if !names.contains(needed) {
            return Err(wrong(1, needed, "this column is missing", "この列が必要です"));
        }
    }
    let mut found = Vec::new();
    for record in reader.records() {
        // Its message has the line.
        let record = record.context(shown.to_string())?;
        let line = record.position().map_or(0, csv::Position::line);
        let field = |name: &str| {
            let index = names.iter().position(|known| *known == name)?;
            record.get(index).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let code = field("code").ok_or_else(|| wrong(line, "code", "no code", "コードが空です"))?;
        let unit = field("unit");
        let median = field("median").map(|text| text.parse::<f64>());
        let median = median.transpose().ok().filter(|number| number.is_none_or(f64::is_finite));
        let median =
            median.ok_or_else(|| wrong(line, "median", "no number", "数ではありません"))?;
        let values = median.map(|median| Values {
            unit: unit.clone().unwrap_or_default(),
            count: 1,
            low: median,
            median,
            high: median,
        });
        found.push(HouseCode {
            code,
            names: field("name").into_iter().collect(),
            kana: field("kana"),
            unit,
            material: field("material"),
            method: field("method"),
            ingredient: field("ingredient"),
            strength: field("strength"),
            form: field("form"),
            maker: field("maker"),
            values: values.into_iter().collect(),
            texts: 0,
        });
    }
    Ok(found)
}
