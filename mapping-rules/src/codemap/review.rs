//! The review of a code map's rows: who decides what, and when, in the CSV that lives in the site's
//! version control. Bytes in, bytes out; the server does the reading and the writing.

mod file;
mod state;

use chrono::NaiveDate;
use genkan_masters::{Crosswalk, Store};

use super::entry::MapRow;
use super::{CodeMap, RowProblem, complete, overlapping, read, verify};
use crate::diagnostic::Text;

pub use file::MapFile;
pub use state::{Event, Illegal, State, next};

/// What somebody says of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub local: String,
    /// Of the house code; for a row that is new.
    pub name: Option<String>,
    /// Needed where the house code has rows of several targets.
    pub target: Option<String>,
    /// Needed where it has several rows of one target.
    pub code: Option<String>,
    /// First day of the row; needed where one code has rows for several times.
    pub valid_from: Option<String>,
    pub event: Event,
    /// Who.
    pub by: String,
    pub on: NaiveDate,
    pub note: Option<String>,
}

/// Why nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotWritten {
    /// Neither UTF-8 nor Shift_JIS.
    NoText,
    /// The header lacks it.
    Column(&'static str),
    UnknownColumn(String),
    /// The file's encoding has no such letter.
    Letter,
    /// Of this house code there is no row like this.
    NoRow,
    /// Rows of these lines are meant, and only one can be.
    Several(Vec<usize>),
    Illegal(Illegal),
    /// The map has no such target.
    Target(String),
    /// A new row needs a target and a code.
    Incomplete,
    /// The loaded masters of its system don't have the code.
    UnknownCode {
        target: String,
    },
    /// The rules would be refused, or a row would not be used: the first finding.
    Problem {
        code: &'static str,
        line: u32,
        text: Text,
    },
}

impl NotWritten {
    /// Of the table of findings.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoText => "E0630",
            Self::Column(_) => "E0631",
            Self::UnknownColumn(_) => "E0632",
            Self::Letter => "E0633",
            Self::NoRow => "E0634",
            Self::Several(_) => "E0635",
            Self::Illegal(_) => "E0636",
            Self::Target(_) => "E0637",
            Self::Incomplete => "E0638",
            Self::UnknownCode { .. } => "E0639",
            Self::Problem { code, .. } => code,
        }
    }

    pub fn message(&self) -> Text {
        match self {
            Self::NoText => Text::new(
                "the file is neither UTF-8 nor Shift_JIS",
                "ファイルが UTF-8 でも Shift_JIS でもありません",
            ),
            Self::Column(name) => Text::new(
                format!("the header has no column `{name}`, which a review needs: add it"),
                format!("レビューに必要な列「{name}」が見出しにありません。追加してください"),
            ),
            Self::UnknownColumn(name) => Text::new(
                format!("the header has an unknown column `{name}`"),
                format!("見出しの列「{name}」は使えません"),
            ),
            Self::Letter => Text::new(
                "the file is in Shift_JIS, which lacks a letter of the row: save the file as UTF-8",
                "Shift_JIS にない文字があります。ファイルを UTF-8 で保存し直してください",
            ),
            Self::NoRow => Text::new(
                "the house code has no such row",
                "この院内コードに該当する行がありません",
            ),
            Self::Several(lines) => {
                let lines: Vec<String> = lines.iter().map(usize::to_string).collect();
                let lines = lines.join(", ");
                Text::new(
                    format!(
                        "several rows are meant (records {lines}): give target, code or valid_from"
                    ),
                    format!(
                        "該当する行が複数あります（{lines} 件目）。target、code、valid_from で絞ってください"
                    ),
                )
            }
            Self::Illegal(illegal) => illegal.message(),
            Self::Target(target) => Text::new(
                format!("the map has no target `{target}`"),
                format!("対象「{target}」は定義されていません"),
            ),
            Self::Incomplete => Text::new(
                "a new row needs a target and a code; without a code it can only be no-map",
                "新しい行には target と code が必要です（code なしは no-map だけ）",
            ),
            Self::UnknownCode { target } => Text::new(
                format!("the loaded masters have no such code of target `{target}`"),
                format!("対象「{target}」のマスタにこのコードはありません"),
            ),
            Self::Problem { code, line, text } => Text::new(
                format!("it would not work (line {line}, {code}): {}", text.en),
                format!("このままでは使えません（{line} 行目 {code}）: {}", text.ja),
            ),
        }
    }
}

impl MapFile {
    /// Does what somebody has decided; the answer is the row as it is now.
    ///
    /// # Errors
    /// Nothing has changed.
    pub fn decide(&mut self, map: &CodeMap, decision: &Decision) -> Result<MapRow, NotWritten> {
        let known = |id: &String| map.targets.iter().any(|target| target.id == *id);
        if let Some(target) = decision.target.as_ref().filter(|id| !known(id)) {
            return Err(NotWritten::Target(target.clone()));
        }
        let fits =
            |wanted: &Option<String>, own: &str| wanted.as_ref().is_none_or(|one| one == own);
        let meant: Vec<(usize, MapRow)> = self
            .rows()
            .enumerate()
            .filter(|(_, row)| {
                row.local == decision.local
                    && fits(&decision.target, &row.target)
                    && fits(&decision.code, &row.code)
                    && fits(&decision.valid_from, &row.valid_from)
            })
            .collect();
        let (place, row) = match meant.as_slice() {
            [] => return self.begin(decision),
            [(place, row)] => (*place, row),
            several => {
                return Err(NotWritten::Several(several.iter().map(|(at, _)| at + 1).collect()));
            }
        };
        let state = State::by_word(&row.status).ok_or(NotWritten::NoRow)?;
        let state = next(Some(state), decision.event).map_err(NotWritten::Illegal)?;
        let on = decision.on.to_string();
        let mut fields = vec![
            ("status", state.word()),
            ("reviewed_by", decision.by.as_str()),
            ("reviewed_at", on.as_str()),
        ];
        fields.extend(decision.note.as_deref().map(|note| ("note", note)));
        self.change(place, &fields);
        self.rows().nth(place).ok_or(NotWritten::NoRow)
    }

    /// A row that nobody has proposed.
    fn begin(&mut self, decision: &Decision) -> Result<MapRow, NotWritten> {
        let state = next(None, decision.event).map_err(NotWritten::Illegal)?;
        let complete = decision.target.is_some() && decision.code.is_some();
        if !complete && state != State::NoMap {
            return Err(NotWritten::Incomplete);
        }
        let row = MapRow {
            local: decision.local.clone(),
            local_name: decision.name.clone().unwrap_or_default(),
            target: decision.target.clone().unwrap_or_default(),
            code: decision.code.clone().unwrap_or_default(),
            status: state.word().to_owned(),
            reviewed_by: decision.by.clone(),
            reviewed_at: decision.on.to_string(),
            note: decision.note.clone().unwrap_or_default(),
            ..MapRow::default()
        };
        self.add(row.clone());
        Ok(row)
    }

    /// Whether the changed file can take the place of the one before: it brings no finding that wasn't
    /// there, and no two codes for one target at once.
    ///
    /// # Errors
    /// The first finding.
    pub fn check_against(
        before: &[u8],
        after: &[u8],
        map: &CodeMap,
        masters: &Store,
    ) -> Result<(), NotWritten> {
        let masters = Crosswalk::new(masters);
        let known: Vec<RowProblem> = problems(before, map, &masters);
        let is_new = |found: &RowProblem| {
            !known.iter().any(|one| one.code == found.code && one.en == found.en)
        };
        let serious = |found: &RowProblem| {
            found.code.starts_with('E') || matches!(found.code, "W0612" | "W0615" | "W0620")
        };
        let mut found = problems(after, map, &masters).into_iter();
        match found.find(|found| serious(found) && is_new(found)) {
            Some(RowProblem { cell, code, en, ja, .. }) => {
                Err(NotWritten::Problem { code, line: cell.line, text: Text::new(en, ja) })
            }
            None => Ok(()),
        }
    }
}

/// What the compiler of rules finds in a file.
fn problems(bytes: &[u8], map: &CodeMap, masters: &Crosswalk<'_>) -> Vec<RowProblem> {
    let (mut rows, mut found) = read(bytes, &map.targets);
    found.extend(overlapping(&rows, &map.targets));
    found.extend(complete(&map.targets, &mut rows, masters));
    found.extend(verify(&map.id, &map.targets, &rows, masters).0);
    found
}

#[cfg(test)]
mod tests;
