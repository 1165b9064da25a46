//! What a scan says: table by table, with counts, shapes, and of values only the codes that many rows
//! share.

use genkan_adapter::ColumnKind;
use genkan_mapping::scan::{ColumnProfile, Guess, Joined, TableProfile};
use genkan_mapping::{Language, Text};
use serde_json::{Value as Json, json};

use super::Scan;
use crate::command::{Manner, Output};

pub fn print(scan: &Scan, manner: Manner) {
    for (at, table) in scan.tables.iter().enumerate() {
        let joins: Vec<&Joined> =
            scan.joins.iter().filter(|joined| joined.candidate.from == at).collect();
        match manner.output {
            Output::Text => {
                text(scan, table, scan.guesses[at].as_ref(), &joins, manner.language);
            }
            Output::Json => say!("{}", json_of(scan, table, scan.guesses[at].as_ref(), &joins)),
        }
    }
    for trouble in &scan.troubles {
        match manner.output {
            Output::Text => say!("{}\n", trouble.in_language(manner.language)),
            Output::Json => say!("{}", json!({"trouble": trouble.en, "trouble_ja": trouble.ja})),
        }
    }
}

fn text(
    scan: &Scan,
    table: &TableProfile,
    guess: Option<&Guess>,
    joins: &[&Joined],
    language: Language,
) {
    let said = |text: Text| text.in_language(language).to_owned();
    say!("{}", table.name);
    say!("  {}; {}", said(rows(table)), said(key(table)));
    if let Some(guess) = guess {
        let reasons: Vec<&str> = guess.reasons.iter().map(|r| r.in_language(language)).collect();
        let (kind, separator) =
            (guess.kind.name(), if language == Language::English { ", " } else { "、" });
        let reasons = reasons.join(separator);
        say!(
            "  {}",
            said(Text::new(
                format!("may be {kind}: {reasons}"),
                format!("{kind} の可能性: {reasons}")
            ))
        );
    }
    let width = |of: fn(&ColumnProfile) -> usize| table.columns.iter().map(of).max().unwrap_or(0);
    let (names, kinds) =
        (width(|column| column.name.chars().count()), width(|column| kind(column.kind).len()));
    for column in &table.columns {
        let holds: Vec<String> = holds(column).into_iter().map(said).collect();
        let line = format!(
            "  {:names$}  {:kinds$}  {:>4}  {:>6}  {}",
            column.name,
            kind(column.kind),
            filled(column, table.rows),
            column.distinct,
            holds.join("; ")
        );
        say!("{}", line.trim_end());
    }
    for joined in joins.iter().filter(|joined| joined.found > 0) {
        say!("  → {}", said(join(scan, joined)));
    }
    say!("");
}

fn rows(table: &TableProfile) -> Text {
    let TableProfile { rows, all, rows_estimate, .. } = table;
    match (all, rows_estimate) {
        (true, _) => Text::new(format!("{rows} rows"), format!("{rows} 行")),
        (false, Some(estimate)) if estimate > rows => Text::new(
            format!("about {estimate} rows, {rows} read"),
            format!("約 {estimate} 行（うち {rows} 行を読取）"),
        ),
        _ => Text::new(format!("more than {rows} rows"), format!("{rows} 行より多い")),
    }
}

fn key(table: &TableProfile) -> Text {
    let columns = table.key.join(", ");
    match (table.key.is_empty(), table.key_is_declared) {
        (true, _) => Text::new("no key found", "キーなし"),
        (_, true) => Text::new(format!("key [{columns}]"), format!("キー [{columns}]")),
        (_, false) => Text::new(
            format!("probable key [{columns}]: not declared, no two rows read share it"),
            format!("推定キー [{columns}]（宣言なし、読んだ範囲で一意）"),
        ),
    }
}

fn filled(column: &ColumnProfile, rows: u64) -> String {
    match rows {
        0 => "-".to_owned(),
        rows => format!("{}%", column.filled * 100 / rows),
    }
}

fn kind(kind: ColumnKind) -> String {
    match kind {
        ColumnKind::PaddedText { length } => format!("char({length})"),
        other => format!("{other:?}").to_ascii_lowercase(),
    }
}

fn percent(count: u64, of: u64) -> u64 {
    (count * 100).checked_div(of).unwrap_or(0)
}

/// What stands in a column, as far as it may be shown.
fn holds(column: &ColumnProfile) -> Vec<Text> {
    let (mut said, real) = (Vec::new(), column.real());
    if let Some((codes, rarer)) = column.codes() {
        let mut parts: Vec<String> =
            codes.iter().map(|(code, rows)| format!("{code} ×{rows}")).collect();
        parts.extend((rarer > 0).then(|| format!("… ×{rarer}")));
        let list = parts.join(", ");
        said.push(Text::new(format!("codes {list}"), format!("コード {list}")));
    }
    if column.is_date() {
        let spellings: Vec<String> = column
            .spellings()
            .iter()
            .map(|(spelling, count)| format!("{} {}%", spelling.example(), percent(*count, real)))
            .collect();
        let list = spellings.join(", ");
        if !list.is_empty() {
            said.push(Text::new(format!("dates {list}"), format!("日付 {list}")));
        }
        let unread = real.saturating_sub(column.dates.values().sum());
        if unread > 0 && !list.is_empty() {
            said.push(Text::new(
                format!("{unread} are no dates"),
                format!("日付でないもの {unread} 件"),
            ));
        }
    }
    let sentinels: Vec<&str> = column.sentinels.keys().map(String::as_str).collect();
    if !sentinels.is_empty() {
        let list = sentinels.join(", ");
        said.push(Text::new(format!("also {list}"), format!("{list} もあり")));
    }
    said.extend(shapes(column, real));
    said.extend(column.doubt());
    said
}

fn shapes(column: &ColumnProfile, real: u64) -> Vec<Text> {
    let mut said = Vec::new();
    let mut share = |count: u64, en: &str, ja: &str| {
        if count > 0 && percent(count, real) > 0 {
            let percent = percent(count, real);
            said.push(Text::new(format!("{en} {percent}%"), format!("{ja} {percent}%")));
        }
    };
    if column.kind.is_text() && !column.is_date() && column.codes().is_none() {
        share(column.numbers, "numeric text", "数値文字列");
    }
    share(column.half_kana, "half-width kana", "半角カナ");
    share(column.full_kana, "full-width kana", "全角かな");
    share(column.kanji, "kanji", "漢字");
    share(column.wide_ascii, "full-width letters or digits", "全角英数字");
    if column.private_use > 0 {
        let count = column.private_use;
        said.push(Text::new(
            format!("{count} with characters of the private use area (外字)"),
            format!("外字を含む値 {count} 件"),
        ));
    }
    if column.unreadable > 0 {
        let count = column.unreadable;
        said.push(Text::new(
            format!("{count} are no text in this encoding: see `text_encoding`"),
            format!("この文字コードでは読めない値 {count} 件（text_encoding を確認）"),
        ));
    }
    if column.nulls > 0 && column.blanks > 0 {
        let (nulls, blanks) = (column.nulls, column.blanks);
        said.push(Text::new(
            format!("NULL ×{nulls}, blank ×{blanks}"),
            format!("NULL {nulls} 件・空白 {blanks} 件"),
        ));
    }
    said
}

fn join(scan: &Scan, joined: &Joined) -> Text {
    let Joined { candidate, tested, found } = joined;
    let own: Vec<&str> = candidate.columns.iter().map(|(own, _)| own.as_str()).collect();
    let key: Vec<&str> = candidate.columns.iter().map(|(_, key)| key.as_str()).collect();
    let (own, key, table) = (own.join(", "), key.join(", "), &scan.tables[candidate.to].name);
    let how = match joined.is_probable() {
        true => Text::new("probable", "結合の可能性大"),
        false => Text::new("unlikely", "結合の可能性小"),
    };
    Text::new(
        format!("{table} [{key}] by [{own}]: {found} of {tested} values there, {}", how.en),
        format!("{table} [{key}] ← [{own}]: {tested} 値中 {found} 値あり（{}）", how.ja),
    )
}

fn json_of(scan: &Scan, table: &TableProfile, guess: Option<&Guess>, joins: &[&Joined]) -> Json {
    let column = |column: &ColumnProfile| {
        let codes = column.codes().map(|(codes, rarer)| {
            let codes: serde_json::Map<String, Json> =
                codes.into_iter().map(|(code, rows)| (code.to_owned(), json!(rows))).collect();
            json!({"values": codes, "others": rarer})
        });
        let dates: serde_json::Map<String, Json> = column
            .spellings()
            .iter()
            .map(|(spelling, count)| (spelling.example().to_owned(), json!(count)))
            .collect();
        json!({
            "name": column.name,
            "kind": kind(column.kind),
            "means": column.meaning().map(|means| means.name()),
            "filled": column.filled,
            "null": column.nulls,
            "blank": column.blanks,
            "unreadable": column.unreadable,
            "distinct": column.distinct,
            "codes": codes,
            "dates": dates,
            "no_dates": column.sentinels,
            "numeric": column.numbers,
            "half_kana": column.half_kana,
            "full_kana": column.full_kana,
            "kanji": column.kanji,
            "wide_ascii": column.wide_ascii,
            "private_use": column.private_use,
        })
    };
    let join = |joined: &&Joined| {
        let Joined { candidate, tested, found } = joined;
        json!({
            "table": scan.tables[candidate.to].name,
            "columns": candidate.columns,
            "tested": tested,
            "found": found,
            "probable": joined.is_probable(),
        })
    };
    json!({
        "table": table.name,
        "rows_read": table.rows,
        "all": table.all,
        "rows_estimate": table.rows_estimate,
        "key": table.key,
        "key_is_declared": table.key_is_declared && !table.key.is_empty(),
        "resource": guess.map(|guess| guess.kind.name()),
        "why": guess.map(|guess| guess.reasons.iter().map(|r| r.en.clone()).collect::<Vec<_>>()),
        "columns": table.columns.iter().map(column).collect::<Vec<_>>(),
        "joins": joins.iter().map(join).collect::<Vec<_>>(),
    })
}
