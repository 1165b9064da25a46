//! The CSV of a code map: one row for each local code, target and time. Only `accepted` rows are
//! used; the others are the history of the review and live in the same file.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::{Coding, Segment, Target};

/// Rows in use, by local code.
pub(crate) type Rows = BTreeMap<String, Vec<Row>>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub target: String,
    pub code: String,
    pub display: Option<String>,
    pub from: Option<NaiveDate>,
    pub until: Option<NaiveDate>,
    pub line: u32,
}

/// What is wrong with a line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowProblem {
    pub line: u32,
    pub code: &'static str,
    pub en: String,
    pub ja: String,
}

const STATES: [&str; 7] =
    ["proposed", "draft", "reviewed", "accepted", "rejected", "no-map", "auto"];
const REQUIRED: [&str; 4] = ["local", "target", "code", "status"];
const KNOWN: [&str; 13] = [
    "local",
    "local_name",
    "target",
    "code",
    "display",
    "relationship",
    "valid_from",
    "valid_to",
    "status",
    "reviewed_by",
    "reviewed_at",
    "master_version",
    "note",
];

/// Reads the whole file (UTF-8 with or without BOM, or Shift_JIS as Excel writes it) and reports
/// every bad line, not the first.
pub(crate) fn read(bytes: &[u8], targets: &[Target]) -> (Rows, Vec<RowProblem>) {
    let Some(text) = decode(bytes) else {
        let en = "the file is neither UTF-8 nor Shift_JIS";
        let ja = "UTF-8 でも Shift_JIS でもありません";
        return (Rows::new(), vec![problem(1, "E0602", en, ja)]);
    };
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let mut problems = Vec::new();
    let header: Vec<String> = match reader.headers() {
        Ok(header) => header.iter().map(|name| name.trim().to_owned()).collect(),
        Err(_) => {
            return (Rows::new(), vec![problem(1, "E0601", "no header", "見出し行がありません")]);
        }
    };
    for name in REQUIRED.iter().filter(|name| !header.iter().any(|h| h == *name)) {
        let en = format!("the header has no column `{name}`");
        problems.push(problem(1, "E0601", en, format!("見出しに列「{name}」がありません")));
    }
    for name in header.iter().filter(|name| !KNOWN.contains(&name.as_str())) {
        let en = format!("the header has an unknown column `{name}`");
        problems.push(problem(1, "E0601", en, format!("見出しの列「{name}」は使えません")));
    }
    for (index, name) in header.iter().enumerate().filter(|(i, name)| header[..*i].contains(name)) {
        let en = format!("the header has `{name}` twice, again as column {}", index + 1);
        problems.push(problem(1, "E0601", en, format!("見出しの列「{name}」が重複しています")));
    }
    if !problems.is_empty() {
        return (Rows::new(), problems);
    }
    let mut rows = Rows::new();
    for record in reader.records() {
        match record {
            Ok(record) => {
                let line = record.position().map_or(0, |p| u32::try_from(p.line()).unwrap_or(0));
                let field = |name: &str| {
                    let index = header.iter().position(|h| h == name)?;
                    record.get(index).map(str::trim).filter(|text| !text.is_empty())
                };
                if record.len() > header.len() {
                    let en = "the line has more fields than the header; quote texts with commas";
                    let ja = "見出しより列が多い行です。カンマを含む値は引用符で囲んでください";
                    problems.push(problem(line, "E0602", en, ja));
                    continue;
                }
                take(&field, line, targets, &mut rows, &mut problems);
            }
            Err(error) => {
                let line = error.position().map_or(0, |p| u32::try_from(p.line()).unwrap_or(0));
                problems.push(problem(
                    line,
                    "E0602",
                    "not readable as CSV",
                    "CSV として読めません",
                ));
            }
        }
    }
    (rows, problems)
}

fn take<'a>(
    field: &impl Fn(&str) -> Option<&'a str>,
    line: u32,
    targets: &[Target],
    rows: &mut Rows,
    problems: &mut Vec<RowProblem>,
) {
    let Some(local) = field("local") else {
        return problems.push(problem(line, "E0603", "no local code", "院内コードが空です"));
    };
    let status = field("status").unwrap_or("");
    if !STATES.contains(&status) {
        let en = format!("`{status}` is no state of a row; use {}", STATES.join(", "));
        let ja = format!("状態「{status}」は使えません（{}）", STATES.join("、"));
        return problems.push(problem(line, "E0604", en, ja));
    }
    if !matches!(status, "accepted" | "auto") {
        return;
    }
    let (Some(target), Some(code)) = (field("target"), field("code")) else {
        let en = "an accepted row needs a target and a code";
        return problems.push(problem(
            line,
            "E0603",
            en,
            "accepted の行には target と code が必要です",
        ));
    };
    if !targets.iter().any(|known| known.id == target) {
        let en = format!("the map has no target `{target}`");
        return problems.push(problem(
            line,
            "E0605",
            en,
            format!("対象「{target}」は定義されていません"),
        ));
    }
    let (Ok(from), Ok(to)) = (day(field("valid_from")), day(field("valid_to"))) else {
        let en = "a date is written 2026-04-01";
        return problems.push(problem(line, "E0606", en, "日付は 2026-04-01 の形で書きます"));
    };
    let until = to.and_then(|to| to.succ_opt());
    if from.zip(until).is_some_and(|(from, until)| until <= from) {
        let en = "valid_to is before valid_from";
        return problems.push(problem(line, "E0606", en, "valid_to が valid_from より前です"));
    }
    let rows = rows.entry(local.to_owned()).or_default();
    let (target, code) = (target.to_owned(), code.to_owned());
    let same = |row: &&Row| row.target == target && row.code == code && row.from == from;
    if let Some(earlier) = rows.iter().find(same) {
        let en = format!("the same row stands in line {}", earlier.line);
        return problems.push(problem(
            line,
            "E0607",
            en,
            format!("{} 行目と重複しています", earlier.line),
        ));
    }
    let display = field("display").map(str::to_owned);
    rows.push(Row { target, code, display, from, until, line });
}

fn day(text: Option<&str>) -> Result<Option<NaiveDate>, chrono::ParseError> {
    text.map(|text| NaiveDate::parse_from_str(text, "%Y-%m-%d")).transpose()
}

fn problem(
    line: u32,
    code: &'static str,
    en: impl Into<String>,
    ja: impl Into<String>,
) -> RowProblem {
    RowProblem { line, code, en: en.into(), ja: ja.into() }
}

fn decode(bytes: &[u8]) -> Option<String> {
    [encoding_rs::UTF_8, encoding_rs::SHIFT_JIS].into_iter().find_map(|encoding| {
        let (text, _, malformed) = encoding.decode(bytes);
        (!malformed).then(|| text.into_owned())
    })
}

/// Rows that contradict an earlier one: two codes of one target hold on some day. Line and target of
/// the later row, line of the earlier.
pub(crate) fn ambiguous(rows: &Rows) -> Vec<(u32, &str, u32)> {
    let mut found = Vec::new();
    for rows in rows.values() {
        for (index, row) in rows.iter().enumerate() {
            let contradicts = |other: &&Row| {
                let begins =
                    |a: &Row, b: &Row| a.from.zip(b.until).is_none_or(|(begin, end)| begin < end);
                let meets = begins(row, other) && begins(other, row);
                other.target == row.target && other.code != row.code && meets
            };
            let earlier = rows.iter().take(index).find(contradicts);
            found.extend(earlier.map(|earlier| (row.line, row.target.as_str(), earlier.line)));
        }
    }
    found
}

/// Cuts the time of each local code wherever one of its rows begins or ends, and decides the codings
/// of each piece: order of targets, fallbacks, and no choice between two codes of one target.
pub(super) fn segments(targets: &[Target], rows: &Rows) -> Vec<(String, Vec<Segment>)> {
    rows.iter()
        .map(|(local, rows)| {
            let mut cuts: Vec<NaiveDate> =
                rows.iter().flat_map(|row| [row.from, row.until]).flatten().collect();
            cuts.sort_unstable();
            cuts.dedup();
            let starts = std::iter::once(None).chain(cuts.iter().copied().map(Some));
            let ends = cuts.iter().copied().map(Some).chain(std::iter::once(None));
            let pieces = starts.zip(ends).map(|(from, until)| piece(targets, rows, from, until));
            (local.clone(), pieces.collect())
        })
        .collect()
}

fn piece(
    targets: &[Target],
    rows: &[Row],
    from: Option<NaiveDate>,
    until: Option<NaiveDate>,
) -> Segment {
    let mut segment = Segment { from, until, codings: Vec::new(), ambiguous: Vec::new() };
    let holds = |row: &&Row| {
        let begun = row.from.is_none_or(|start| from.is_some_and(|from| start <= from));
        let lasts = row.until.is_none_or(|end| until.is_some_and(|until| until <= end));
        begun && lasts
    };
    let mut coded: Vec<&str> = Vec::new();
    for target in targets {
        let mut codes: Vec<&Row> =
            rows.iter().filter(holds).filter(|row| row.target == target.id).collect();
        codes.dedup_by_key(|row| &row.code);
        match codes.as_slice() {
            [] => {}
            [row] => {
                let replaced = target.only_if_none.iter().any(|id| coded.contains(&id.as_str()));
                if !replaced {
                    segment.codings.push(Coding {
                        system: target.system.clone(),
                        code: row.code.clone(),
                        display: row.display.clone(),
                    });
                    coded.push(&target.id);
                }
            }
            _ => segment.ambiguous.push(target.id.clone()),
        }
    }
    segment
}
