//! The CSV of a code map: one row for each local code, target and time. Only `accepted` rows are
//! used; the others are the history of the review and live in the same file.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::sheet::{Cell, Line, Sheet, decode};
use super::{Coding, Modifier, Segment, Target};
use crate::diagnostic::Span;

/// Rows in use, by local code.
pub(crate) type Rows = BTreeMap<String, Vec<Row>>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// The house's own name of the code.
    pub name: Option<String>,
    pub target: String,
    pub code: String,
    pub version: Option<String>,
    pub display: Option<String>,
    pub from: Option<NaiveDate>,
    /// The first day after it.
    pub until: Option<NaiveDate>,
    pub line: u32,
    pub code_at: Cell,
    pub display_at: Cell,
    /// `reviewed_at`, where it is a day.
    pub reviewed: Option<NaiveDate>,
    /// Not of the file: a master made it of the row in this line.
    pub derived: bool,
}

impl Row {
    /// Whether both hold on some day.
    pub fn meets(&self, other: &Row) -> bool {
        let begins = |a: &Row, b: &Row| a.from.zip(b.until).is_none_or(|(from, end)| from < end);
        begins(self, other) && begins(other, self)
    }
}

/// What is wrong with a field of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowProblem {
    pub cell: Cell,
    /// Of a diagnostic: `E…` or `W…`.
    pub code: &'static str,
    pub en: String,
    pub ja: String,
    /// What to do.
    pub hint: Option<(String, String)>,
}

impl RowProblem {
    pub fn new(
        cell: Cell,
        code: &'static str,
        en: impl Into<String>,
        ja: impl Into<String>,
    ) -> Self {
        RowProblem { cell, code, en: en.into(), ja: ja.into(), hint: None }
    }

    pub fn hint(mut self, en: impl Into<String>, ja: impl Into<String>) -> Self {
        self.hint = Some((en.into(), ja.into()));
        self
    }
}

pub(super) const STATES: [&str; 7] =
    ["proposed", "draft", "reviewed", "accepted", "rejected", "no-map", "auto"];
const REQUIRED: [&str; 4] = ["local", "target", "code", "status"];
pub(super) const KNOWN: [&str; 13] = [
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
    let top = Cell { line: 1, column: 1 };
    let Some(text) = decode(bytes) else {
        let (en, ja) =
            ("the file is neither UTF-8 nor Shift_JIS", "UTF-8 でも Shift_JIS でもありません");
        return (Rows::new(), vec![problem(top, "E0602", en, ja)]);
    };
    let mut sheet = Sheet::new(&text);
    let Some(header) = sheet.next() else {
        return (Rows::new(), vec![problem(top, "E0601", "no header", "見出し行がありません")]);
    };
    let names: Vec<&str> = header.record.iter().map(str::trim).collect();
    let mut problems = header_problems(&header, &names);
    let mut rows = Rows::new();
    if problems.is_empty() {
        for line in sheet {
            problems.extend(row(&Fields { names: &names, line }, targets, &mut rows).err());
        }
    }
    (rows, problems)
}

fn header_problems(header: &Line, names: &[&str]) -> Vec<RowProblem> {
    let mut problems = Vec::new();
    for name in REQUIRED.iter().filter(|name| !names.contains(name)) {
        let en = format!("the header has no column `{name}`");
        let ja = format!("見出しに列「{name}」がありません");
        problems.push(problem(header.cell(0), "E0601", en, ja));
    }
    for (index, name) in names.iter().enumerate() {
        let cell = header.cell(index);
        if !KNOWN.contains(name) {
            let en = format!("the header has an unknown column `{name}`");
            let ja = format!("見出しの列「{name}」は使えません");
            problems.push(problem(cell, "E0601", en, ja));
        } else if names[..index].contains(name) {
            let en = format!("the header has `{name}` twice, again as column {}", index + 1);
            let ja = format!("見出しの列「{name}」が重複しています");
            problems.push(problem(cell, "E0601", en, ja));
        }
    }
    problems
}

/// A record by the names of the header.
struct Fields<'h, 't> {
    names: &'h [&'h str],
    line: Line<'t>,
}

impl Fields<'_, '_> {
    fn get(&self, name: &str) -> Option<&str> {
        let index = self.names.iter().position(|known| *known == name)?;
        self.line.record.get(index).map(str::trim).filter(|text| !text.is_empty())
    }

    /// Where a field stands, or would.
    fn cell(&self, name: &str) -> Cell {
        let index = self.names.iter().position(|known| *known == name).unwrap_or(0);
        self.line.cell(index)
    }

    /// `2026-04-01`, or `2026/4/1` as Excel writes it.
    fn day(&self, name: &str) -> Result<Option<NaiveDate>, RowProblem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let separator = if text.contains('/') { "%Y/%m/%d" } else { "%Y-%m-%d" };
        let year = text.bytes().take_while(u8::is_ascii_digit).count();
        match NaiveDate::parse_from_str(text, separator) {
            Ok(day) if year == 4 => Ok(Some(day)),
            _ => {
                let en = format!("`{name}` holds no date; write 2026-04-01 or 2026/4/1");
                let ja = format!("「{name}」は 2026-04-01 か 2026/4/1 の形で書きます");
                Err(problem(self.cell(name), "E0606", en, ja))
            }
        }
    }
}

fn row(fields: &Fields, targets: &[Target], rows: &mut Rows) -> Result<(), RowProblem> {
    let wrong =
        |name: &str, code, en: &str, ja: &str| Err(problem(fields.cell(name), code, en, ja));
    if fields.line.record.len() > fields.names.len() {
        let en = "the line has more fields than the header; quote texts with commas";
        let ja = "見出しより列が多い行です。カンマを含む値は引用符で囲んでください";
        return Err(problem(fields.line.cell(fields.names.len()), "E0602", en, ja));
    }
    let Some(local) = fields.get("local") else {
        return wrong("local", "E0603", "no local code", "院内コードが空です");
    };
    let status = fields.get("status").unwrap_or("");
    if !STATES.contains(&status) {
        let en = format!("`{status}` is no state of a row; use {}", STATES.join(", "));
        let ja = format!("状態「{status}」は使えません（{}）", STATES.join("、"));
        return wrong("status", "E0604", &en, &ja);
    }
    if !matches!(status, "accepted" | "auto") {
        return Ok(());
    }
    let (Some(target), Some(code)) = (fields.get("target"), fields.get("code")) else {
        let empty = if fields.get("target").is_none() { "target" } else { "code" };
        let en = "an accepted row needs a target and a code";
        return wrong(empty, "E0603", en, "accepted の行には target と code が必要です");
    };
    if !targets.iter().any(|known| known.id == target) {
        let en = format!("the map has no target `{target}`");
        let ja = format!("対象「{target}」は定義されていません");
        return wrong("target", "E0605", &en, &ja);
    }
    let (from, to) = (fields.day("valid_from")?, fields.day("valid_to")?);
    let until = to.and_then(|to| to.succ_opt());
    if from.zip(until).is_some_and(|(from, until)| until <= from) {
        let en = "valid_to is before valid_from";
        return wrong("valid_to", "E0606", en, "valid_to が valid_from より前です");
    }
    let rows = rows.entry(local.to_owned()).or_default();
    let (target, code) = (target.to_owned(), code.to_owned());
    let same = |row: &&Row| row.target == target && row.code == code && row.from == from;
    if let Some(earlier) = rows.iter().find(same) {
        let en = format!("the same row stands in line {}", earlier.line);
        let ja = format!("{} 行目と重複しています", earlier.line);
        return wrong("local", "E0607", &en, &ja);
    }
    let optional = |name: &str| fields.get(name).map(str::to_owned);
    rows.push(Row {
        name: optional("local_name"),
        target,
        code,
        version: optional("master_version"),
        display: optional("display"),
        from,
        until,
        line: fields.line.line,
        code_at: fields.cell("code"),
        display_at: fields.cell("display"),
        reviewed: fields.day("reviewed_at").ok().flatten(),
        derived: false,
    });
    Ok(())
}

fn problem(
    cell: Cell,
    code: &'static str,
    en: impl Into<String>,
    ja: impl Into<String>,
) -> RowProblem {
    RowProblem::new(cell, code, en, ja)
}

/// Rows of one target that hold on the same day as an earlier one: two codes contradict each other,
/// and of one code one row is enough.
pub(crate) fn overlapping(rows: &Rows, targets: &[Target]) -> Vec<RowProblem> {
    let is_single = |id: &str| targets.iter().any(|of| of.id == id && of.extension.is_none());
    let mut found = Vec::new();
    for rows in rows.values() {
        for (index, row) in rows.iter().enumerate() {
            let Row { target, line, .. } = row;
            let mut earlier =
                rows.iter().take(index).filter(|other| other.target == *target && other.meets(row));
            let start = Cell { line: *line, column: 1 };
            let mut others = earlier.clone().filter(|_| is_single(target));
            if let Some(Row { line, .. }) = others.find(|other| other.code != row.code) {
                let en =
                    format!("two `{target}` codes hold at once, with line {line}: none is taken");
                let ja = format!(
                    "{line} 行目と期間が重なる「{target}」のコードです。どちらも使われません"
                );
                found.push(problem(start, "W0612", en, ja));
            } else if let Some(Row { line, .. }) = earlier.find(|other| other.code == row.code) {
                let en = format!("line {line} gives the same code at the same time");
                let ja = format!("{line} 行目が同じ期間に同じコードを定めています");
                let hint = "keep one row, or end the earlier one before this one begins";
                let hint_ja = "1 行にまとめるか、前の行の valid_to を直します";
                found.push(problem(start, "W0615", en, ja).hint(hint, hint_ja));
            }
        }
    }
    found
}

/// Cuts the time of each local code wherever one of its rows begins or ends, and decides the codings
/// of each piece: order of targets, fallbacks, and no choice between two codes of one target.
pub(super) fn segments(targets: &[Target], file: u16, rows: &Rows) -> Vec<(String, Vec<Segment>)> {
    rows.iter()
        .map(|(local, rows)| {
            let mut cuts: Vec<NaiveDate> =
                rows.iter().flat_map(|row| [row.from, row.until]).flatten().collect();
            cuts.sort_unstable();
            cuts.dedup();
            let starts = std::iter::once(None).chain(cuts.iter().copied().map(Some));
            let ends = cuts.iter().copied().map(Some).chain(std::iter::once(None));
            let pieces =
                starts.zip(ends).map(|(from, until)| piece(targets, file, rows, (from, until)));
            (local.clone(), pieces.collect())
        })
        .collect()
}

fn piece(
    targets: &[Target],
    file: u16,
    rows: &[Row],
    (from, until): (Option<NaiveDate>, Option<NaiveDate>),
) -> Segment {
    let (codings, modifiers, ambiguous) = (Vec::new(), Vec::new(), Vec::new());
    let mut segment = Segment { from, until, codings, modifiers, ambiguous };
    let holds = |row: &&Row| {
        let begun = row.from.is_none_or(|start| from.is_some_and(|from| start <= from));
        let lasts = row.until.is_none_or(|end| until.is_some_and(|until| until <= end));
        begun && lasts
    };
    let mut coded: Vec<&str> = Vec::new();
    for target in targets {
        let mut codes: Vec<&Row> =
            rows.iter().filter(holds).filter(|row| row.target == target.id).collect();
        if let Some(extension) = &target.extension {
            segment.modifiers.extend(codes.iter().map(|row| Modifier {
                extension: extension.clone(),
                coding: coding(target, file, row),
            }));
            continue;
        }
        codes.dedup_by_key(|row| &row.code);
        match codes.as_slice() {
            [] => {}
            [row] => {
                let replaced = target.only_if_none.iter().any(|id| coded.contains(&id.as_str()));
                if !replaced {
                    segment.codings.push(coding(target, file, row));
                    coded.push(&target.id);
                }
            }
            _ => segment.ambiguous.push(target.id.clone()),
        }
    }
    segment
}

fn coding(target: &Target, file: u16, row: &Row) -> Coding {
    Coding {
        system: target.system.clone(),
        version: row.version.clone(),
        code: row.code.clone(),
        display: row.display.clone(),
        span: Some(Span { file, line: row.line, column: 1, length: 1 }),
    }
}
