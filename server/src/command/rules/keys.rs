//! Whether the keys that rules declare are keys: catalogs of legacy systems confirm few of them, and
//! two rows of one key would be two resources of one id.

use genkan_mapping::Diagnostic;
use genkan_mapping::program::{Rule, RuleSet};

use crate::command::Failure;
use crate::fetch::{self, Keys};
use crate::sources::Sources;

/// Two rows with one key.
pub const REPEATED: &str = "E0419";
/// The key, and the joins that may bring a second row, as far as the catalog does not confirm them.
const UNCONFIRMED: [&str; 2] = ["W0415", "W0417"];

/// Compares the keys of each rule's rows, as many as the first `most`. What all rows confirm is no
/// warning any more.
pub async fn verify(
    sources: &Sources,
    rules: &RuleSet,
    most: u64,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<(), Failure> {
    for rule in &rules.rules {
        let keys = fetch::keys(sources.at(rule.source), rule, most).await?;
        if keys.repeated > 0 {
            diagnostics.push(repeated(rule, &keys));
        } else if keys.all && rule.children.iter().all(|child| child.set.joins.is_empty()) {
            diagnostics.retain(|known| {
                known.span.file != rule.span.file || !UNCONFIRMED.contains(&known.code)
            });
        }
    }
    diagnostics.sort_by_key(|found| (found.span.file, found.span.line, found.span.column));
    Ok(())
}

fn repeated(rule: &Rule, keys: &Keys) -> Diagnostic {
    let columns: Vec<String> = rule.key.iter().map(|key| key.column.column.to_string()).collect();
    let (columns, Keys { rows, repeated, .. }) = (columns.join(", "), keys);
    Diagnostic::error(
        REPEATED,
        rule.span,
        format!(
            "the source has {repeated} rows, of {rows} that were read, whose key [{columns}] another \
             row has as well"
        ),
        format!("読んだ {rows} 行のうち {repeated} 行のキー [{columns}] が他の行と重複しています"),
    )
    .hint(
        "name all columns of the key, hide old versions in `where`, or make the join find one row",
        "キーの列をすべて挙げるか、where で旧版を除くか、結合先が 1 行になるようにします",
    )
}
