//! Whether the keys that rules declare are keys: catalogs of legacy systems confirm few of them, and
//! two rows of one key would be two resources of one id.

use futures::TryStreamExt as _;
use genkan_adapter::{Adapter, Order, Row, RowQuery};
use genkan_mapping::Diagnostic;
use genkan_mapping::program::{Rule, RuleSet};

use crate::command::Failure;

/// The key, and the joins that may bring a second row, as far as the catalog does not confirm them.
const UNCONFIRMED: [&str; 2] = ["W0415", "W0417"];

/// Compares the keys of each rule's rows, as many as the first `most`. What all rows confirm is no
/// warning any more.
pub async fn verify(
    adapter: &dyn Adapter,
    rules: &RuleSet,
    most: u64,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<(), Failure> {
    for rule in &rules.rules {
        let looked = look(adapter, rule, most).await?;
        if looked.twice > 0 {
            diagnostics.push(twice(rule, &looked));
        } else if looked.all && rule.children.iter().all(|child| child.set.joins.is_empty()) {
            diagnostics.retain(|known| {
                known.span.file != rule.span.file || !UNCONFIRMED.contains(&known.code)
            });
        }
    }
    diagnostics.sort_by_key(|found| (found.span.file, found.span.line, found.span.column));
    Ok(())
}

struct Looked {
    rows: u64,
    /// Rows whose key the row before them has as well.
    twice: u64,
    all: bool,
}

/// The rows as a search would find them, in the order of the key: equal keys are neighbours.
async fn look(adapter: &dyn Adapter, rule: &Rule, most: u64) -> Result<Looked, Failure> {
    let key: Vec<_> = rule.key.iter().map(|column| column.column.clone()).collect();
    let order = key.iter().map(|column| Order { column: column.clone(), descending: false });
    let query = RowQuery {
        root: rule.root.root.clone(),
        joins: rule.root.joins.clone(),
        filter: rule.filter.clone(),
        order: order.collect(),
        columns: key,
        after: None,
        limit: Some(most),
    };
    let mut looked = Looked { rows: 0, twice: 0, all: true };
    let mut before: Option<Row> = None;
    let mut rows = adapter.rows(&query);
    while let Some(row) = rows.try_next().await? {
        looked.rows += 1;
        looked.twice += u64::from(before.as_ref() == Some(&row));
        before = Some(row);
    }
    looked.all = looked.rows < most;
    Ok(looked)
}

fn twice(rule: &Rule, looked: &Looked) -> Diagnostic {
    let columns: Vec<String> = rule.key.iter().map(|key| key.column.column.to_string()).collect();
    let (columns, Looked { rows, twice, .. }) = (columns.join(", "), looked);
    Diagnostic::error(
        "E0419",
        rule.span,
        format!(
            "the source has {twice} rows, of {rows} that were read, whose key [{columns}] another \
             row has as well"
        ),
        format!("読んだ {rows} 行のうち {twice} 行のキー [{columns}] が他の行と重複しています"),
    )
    .hint(
        "name all columns of the key, hide old versions in `where`, or make the join find one row",
        "キーの列をすべて挙げるか、where で旧版を除くか、結合先が 1 行になるようにします",
    )
}
