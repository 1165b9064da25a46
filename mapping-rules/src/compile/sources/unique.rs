//! Keys and cardinality are what a rule declares, because legacy catalogs lack them. Where the
//! catalog doesn't confirm them, the author is told: a row that comes twice is two resources of one
//! id, and paging loses rows.

use genkan_adapter::Table;

use super::Scope;
use crate::diagnostic::{Diagnostic, Span};

impl Scope<'_> {
    /// `key` of the root.
    pub(super) fn check_key(&mut self, table: (&str, &Table), key: &[(String, Span)], span: Span) {
        for (index, (column, span)) in key.iter().enumerate() {
            if key[..index].iter().any(|(known, _)| known == column) {
                let en = format!("the key names column `{column}` twice");
                let ja = format!("key に列「{column}」が重複しています");
                self.found.push(Diagnostic::warning("W0416", *span, en, ja));
            }
        }
        let columns: Vec<&str> = key.iter().map(|(column, _)| column.as_str()).collect();
        if is_unique(table.1, &columns) {
            return;
        }
        let (list, name) = (columns.join(", "), table.0);
        let en = format!("nothing in the source says that [{list}] is unique in `{name}`");
        let ja = format!("表「{name}」で [{list}] が一意であることを確認できません");
        self.found.push(Diagnostic::warning("W0415", span, en, ja).hint(
            format!("rows that share it would share one id; {}", known_keys(table.1).0),
            format!("値が重複する行は同じ id になります。{}", known_keys(table.1).1),
        ));
    }

    /// The columns of a `one` or `maybe` table that its conditions fix.
    pub(super) fn check_single(&mut self, table: (&str, &Table), columns: &[&str], span: Span) {
        if is_unique(table.1, columns) {
            return;
        }
        let (list, name) = (columns.join(", "), table.0);
        let en = format!("several rows of `{name}` may have the same [{list}]");
        let ja = format!("表「{name}」では同じ [{list}] の行が複数あり得ます");
        self.found.push(Diagnostic::warning("W0417", span, en, ja).hint(
            format!("the root's row would come once for each; {}", known_keys(table.1).0),
            format!("根の行がその数だけ重複します。{}", known_keys(table.1).1),
        ));
    }
}

/// The columns cover a primary key or a unique index.
fn is_unique(table: &Table, columns: &[&str]) -> bool {
    unique_keys(table).any(|key| key.iter().all(|column| columns.contains(&column.as_str())))
}

fn unique_keys(table: &Table) -> impl Iterator<Item = &[String]> {
    let indexes = table.indexes.iter().filter(|index| index.unique);
    std::iter::once(&table.primary_key)
        .chain(indexes.map(|index| &index.columns))
        .map(Vec::as_slice)
        .filter(|key| !key.is_empty())
}

fn known_keys(table: &Table) -> (String, String) {
    let keys: Vec<String> = unique_keys(table).map(|key| format!("[{}]", key.join(", "))).collect();
    match keys.join(", ") {
        none if none.is_empty() => (
            "the source declares no unique key of this table".to_owned(),
            "この表には一意キーの宣言がありません".to_owned(),
        ),
        list => (format!("declared as unique: {list}"), format!("一意と宣言された列: {list}")),
    }
}
