//! What commands print for spreadsheets, and what they show while they work.

use genkan_mapping::Text;
use genkan_mapping::program::RuleSet;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::coded_rows::{Looked, NotVisited};
use crate::command::rules::describe;
use crate::command::{Failure, Manner, Output};

/// Rows that were read; only on a terminal.
pub fn rows_so_far() -> ProgressBar {
    let progress = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} {msg}") {
        progress.set_style(style);
    }
    progress
}

/// How many rows of each rule were looked at, and what was not chosen among them.
pub fn print_looked(looked: &[Looked], rules: &RuleSet, manner: Manner) {
    for Looked { rule, rows, all, not_since, not_period } in looked {
        let id = &rules.rules[*rule].id;
        if manner.output == Output::Json {
            say!(
                "{}",
                json!({
                    "looked": id, "rows": rows, "all": all,
                    "since": not_since.is_none(), "period": not_period.is_none(),
                })
            );
            continue;
        }
        let text = match all {
            true => Text::new(format!("{id}: all {rows} rows"), format!("{id}: 全 {rows} 行")),
            false => {
                Text::new(format!("{id}: the first {rows} rows"), format!("{id}: 先頭 {rows} 行"))
            }
        };
        say!("{}", text.in_language(manner.language));
        for reason in not_since.iter().chain(not_period) {
            say!("  {id}: {}", reason.in_language(manner.language));
        }
    }
}

impl From<NotVisited> for Failure {
    fn from(why: NotVisited) -> Self {
        match why {
            NotVisited::Arguments(told) => Failure::usage(told),
            NotVisited::Rules(problem) => Failure::runtime(describe(&problem)),
            NotVisited::Source(error) => error.into(),
        }
    }
}

/// CSV on standard output, with a line of headings.
pub fn print_csv<const N: usize>(
    head: [&str; N],
    lines: impl Iterator<Item = [String; N]>,
) -> Result<(), Failure> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(head).map_err(anyhow::Error::from)?;
    for line in lines {
        out.write_record(line).map_err(anyhow::Error::from)?;
    }
    let bytes = out.into_inner().map_err(|error| Failure::runtime(error.to_string()))?;
    say!("{}", String::from_utf8_lossy(&bytes).trim_end());
    Ok(())
}
