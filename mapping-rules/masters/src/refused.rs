//! Files of which nothing can be used.

use crate::kind::Kind;

/// Why nothing of a file can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error(
        "not a master that Genkan knows: neither name nor columns of one. It reads {}",
        known()
    )]
    Unknown,
    #[error(
        "no line of the file has the {expected} columns of this master: line {line} has {found}"
    )]
    Layout { expected: &'static str, line: u64, found: usize },
    #[error(
        "line {line}, column {column}: the heading is `{found}`, and this master has {expected} there"
    )]
    Heading { line: u64, column: usize, found: String, expected: &'static str },
    #[error("no sheet has the columns of this master: {expected}")]
    NoSheet { expected: &'static str },
    #[error(
        "the tables of the parts of JLAC10 (分析物, 識別, 材料, 測定法, 結果識別) name no code of 17 digits: \
         import the まとめ表 with its sheet 17桁コード表"
    )]
    PartsOnly,
    #[error("the text is {found}; masters are read in CP932 (Shift_JIS) or UTF-8")]
    Encoding { found: &'static str },
    #[error("the file is larger than {bytes_max} bytes, packed or unpacked")]
    TooLarge { bytes_max: u64 },
    #[error("line {line} has more than {bytes_max} bytes")]
    LongLine { line: u64, bytes_max: usize },
    #[error("the file has more than {rows_max} rows")]
    TooManyRows { rows_max: usize },
    #[error("the sheet `{sheet}` has more than {columns_max} columns")]
    TooManyColumns { sheet: String, columns_max: usize },
    #[error(
        "the workbook has more than {cells_max} cells, or texts of more than {bytes_max} bytes"
    )]
    TooManyCells { cells_max: usize, bytes_max: u64 },
    #[error("more than {lines_max} lines can't be used: this is another file")]
    TooManyRejected { lines_max: usize },
    #[error("the file is no workbook: {0}")]
    Workbook(String),
    #[error("the file is a zip and no workbook: unpack it, and import what is in it")]
    Packed,
    #[error("the file is empty")]
    Empty,
}

/// What there are readers for.
fn known() -> String {
    Kind::ALL.map(Kind::title).join(", ")
}

impl ReadError {
    /// Whether it may be a file of another master.
    pub(crate) fn is_of_another(&self) -> bool {
        matches!(
            self,
            ReadError::Layout { .. }
                | ReadError::Heading { .. }
                | ReadError::NoSheet { .. }
                | ReadError::Empty
        )
    }

    pub fn japanese(&self) -> String {
        match self {
            ReadError::Unknown => format!(
                "ファイル名にも列にも、取り込めるマスタの特徴がありません。取り込めるのは {} です",
                Kind::ALL.map(Kind::title).join("、")
            ),
            ReadError::Layout { expected, line, found } => {
                format!(
                    "このマスタの列数（{expected}）の行が一つもありません（{line} 行目は {found} 列）"
                )
            }
            ReadError::Heading { line, column, found, expected } => format!(
                "{line} 行目 {column} 列目の見出しが「{found}」です。このマスタでは「{expected}」の列です"
            ),
            ReadError::NoSheet { expected } => {
                format!("このマスタの見出し（{expected}）のあるシートがありません")
            }
            ReadError::PartsOnly => "JLAC10 の要素別コード表（分析物・識別・材料・測定法・結果識別）には 17 桁コードが\
                                     ありません。「17桁コード表」シートのあるまとめ表を取り込んでください"
                .to_owned(),
            ReadError::Encoding { found } => {
                format!("文字コードが {found} です。読めるのは CP932（Shift_JIS）か UTF-8 です")
            }
            ReadError::TooLarge { bytes_max } => {
                format!("ファイルが {bytes_max} バイトを超えています（展開後を含む）")
            }
            ReadError::LongLine { line, bytes_max } => {
                format!("{line} 行目が {bytes_max} バイトを超えています")
            }
            ReadError::TooManyRows { rows_max } => format!("{rows_max} 行を超えています"),
            ReadError::TooManyColumns { sheet, columns_max } => {
                format!("シート「{sheet}」が {columns_max} 列を超えています")
            }
            ReadError::TooManyCells { cells_max, bytes_max } => {
                format!("セルが {cells_max} 個、または文字が {bytes_max} バイトを超えています")
            }
            ReadError::TooManyRejected { lines_max } => {
                format!("読めない行が {lines_max} 行を超えています。別のファイルと思われます")
            }
            ReadError::Workbook(cause) => format!("Excel ブックとして読めません: {cause}"),
            ReadError::Packed => {
                "zip ファイルです。展開して、中のファイルを取り込んでください".to_owned()
            }
            ReadError::Empty => "ファイルが空です".to_owned(),
        }
    }
}
