//! What `genkan rules coverage` says: codes, names of the schema and counts.

use std::collections::BTreeMap;

use genkan_mapping::coverage::{Need, Unfed};
use genkan_mapping::program::RuleSet;
use genkan_mapping::{Language, Text};
use serde_json::{Value as Json, json};

use super::codes::{Count, House, Uncoded};
use super::{Coverage, UnreadTable};
use crate::coded_rows::Looked;
use crate::command::{Failure, Manner, Output, printed};

pub fn print(found: &Coverage, rules: &RuleSet, most: usize, manner: Manner) {
    match manner.output {
        Output::Json => print_json(found, rules),
        Output::Text => Report { rules, most, language: manner.language }.print(found),
    }
}

struct Report<'a> {
    rules: &'a RuleSet,
    most: usize,
    language: Language,
}

impl Report<'_> {
    fn say(&self, en: impl Into<String>, ja: impl Into<String>) {
        say!("{}", Text::new(en, ja).in_language(self.language));
    }

    fn id(&self, rule: usize) -> &str {
        &self.rules.rules[rule].id
    }

    fn print(&self, found: &Coverage) {
        match &found.uncoded {
            Some(uncoded) => self.uncoded(uncoded),
            None => self.say(
                "House codes without a standard code: not counted; give --config genkan.toml",
                "標準コードのない院内コード: 未集計（--config genkan.toml を指定してください）",
            ),
        }
        say!("");
        self.unfed(&found.unfed);
        say!("");
        self.unread(&found.unread);
        say!("");
        let untested: Vec<&str> = found.untested.iter().map(|rule| self.id(*rule)).collect();
        let (count, list) = (untested.len(), untested.join(", "));
        self.say(
            format!("Rules that no test exercises: {count}"),
            format!("テストのない規則: {count} 件"),
        );
        if count > 0 {
            say!("  {list}");
        }
    }

    fn uncoded(&self, uncoded: &Uncoded) {
        let rows: Vec<String> = uncoded.looked.iter().map(|looked| self.looked(looked)).collect();
        let (count, rows) = (uncoded.codes.len(), rows.join(", "));
        self.say(
            format!("House codes without a standard code: {count} ({rows})"),
            format!("標準コードのない院内コード: {count} 件（{rows}）"),
        );
        for Looked { rule, not_since, not_period, .. } in &uncoded.looked {
            for reason in not_since.iter().chain(not_period) {
                say!("  {}: {}", self.id(*rule), reason.in_language(self.language));
            }
        }
        for (map, codes) in by_map(uncoded) {
            for (house, count) in codes.iter().take(self.most) {
                let shown = match house {
                    House::Code(code) => code.clone(),
                    House::Blank => self.word("(no code)", "（コードなし）"),
                    House::Words => self.word("(words, no code)", "（文章）"),
                };
                let (rows, patients) = (count.rows, count.patients());
                let rules: Vec<&str> = count.rules.iter().map(|rule| self.id(*rule)).collect();
                let rules = rules.join(", ");
                self.say(
                    format!("  {map}  {shown}  {rows} rows, {patients} patients  {rules}"),
                    format!("  {map}  {shown}  {rows} 行・患者 {patients} 人  {rules}"),
                );
            }
            let rest = codes.len().saturating_sub(self.most);
            if rest > 0 {
                let rows: u64 = codes.iter().skip(self.most).map(|(_, count)| count.rows).sum();
                self.say(
                    format!("  {map}  … {rest} more codes, {rows} rows: --most"),
                    format!("  {map}  … 他 {rest} コード・{rows} 行（--most）"),
                );
            }
        }
    }

    fn word(&self, en: &str, ja: &str) -> String {
        Text::new(en, ja).in_language(self.language).to_owned()
    }

    fn looked(&self, looked: &Looked) -> String {
        let Looked { rule, rows, all, .. } = looked;
        let id = self.id(*rule);
        match all {
            true => self.word(&format!("{id}: all {rows} rows"), &format!("{id}: 全 {rows} 行")),
            false => {
                self.word(&format!("{id}: the first {rows} rows"), &format!("{id}: 先頭 {rows} 行"))
            }
        }
    }

    fn unfed(&self, unfed: &[(usize, &str, Vec<Unfed>)]) {
        let count: usize = unfed.iter().map(|(_, _, missing)| missing.len()).sum();
        self.say(
            format!("必須 and 準必須 elements that a rule does not feed: {count}"),
            format!("値を入れていない必須・準必須要素: {count} 件"),
        );
        for (rule, profile, missing) in unfed {
            let name = profile.rsplit('/').next().unwrap_or(profile);
            let declared = self.rules.rules[*rule].profile.is_some();
            let undeclared = self.word("not declared", "profile の宣言なし");
            let note = if declared { String::new() } else { format!(", {undeclared}") };
            say!("  {} ({name}{note})", self.id(*rule));
            for Unfed { need, element } in missing {
                say!("    {}  {element}", word_of(*need));
            }
        }
    }

    fn unread(&self, unread: &[UnreadTable]) {
        let read: Vec<&UnreadTable> = unread.iter().filter(|table| table.unread.is_read).collect();
        let count: usize = read.iter().map(|table| table.unread.columns.len()).sum();
        self.say(
            format!("Columns that no rule reads, of tables that rules read: {count}"),
            format!("規則が使う表のうち、どの規則も読まない列: {count} 件"),
        );
        for UnreadTable { unread, filled } in read {
            let column = |(at, name): (usize, &String)| match filled {
                Some((rows, counts)) if *rows > 0 => {
                    format!("{name} {}%", counts[at] * 100 / rows)
                }
                _ => name.clone(),
            };
            let columns: Vec<String> = unread.columns.iter().enumerate().map(column).collect();
            say!("  {}: {}", self.table(unread.source, &unread.table), columns.join(", "));
        }
        let rest: Vec<String> = unread
            .iter()
            .filter(|table| !table.unread.is_read)
            .map(|table| self.table(table.unread.source, &table.unread.table))
            .collect();
        if !rest.is_empty() {
            let list = rest.join(", ");
            self.say(format!("  no rule reads: {list}"), format!("  規則のない表: {list}"));
        }
    }

    fn table(&self, source: usize, table: &str) -> String {
        match source {
            0 => table.to_owned(),
            further => format!("{}:{table}", self.rules.sources[further]),
        }
    }
}

fn word_of(need: Need) -> &'static str {
    match need {
        Need::Required => "必須　",
        Need::IfRecorded => "準必須",
    }
}

/// The codes of each map, those of the most rows first.
fn by_map(uncoded: &Uncoded) -> BTreeMap<&str, Vec<(&House, &Count)>> {
    let mut maps: BTreeMap<&str, Vec<(&House, &Count)>> = BTreeMap::new();
    for ((map, house), count) in &uncoded.codes {
        maps.entry(map).or_default().push((house, count));
    }
    for codes in maps.values_mut() {
        codes.sort_by_key(|(house, count)| {
            (std::cmp::Reverse((count.rows, count.patients())), *house)
        });
    }
    maps
}

/// For spreadsheets: a line for each house code. The names of the rules are separated by blanks.
pub fn print_csv(uncoded: &Uncoded, rules: &RuleSet) -> Result<(), Failure> {
    let maps = by_map(uncoded);
    let lines = maps.iter().flat_map(|(map, codes)| codes.iter().map(move |of| (*map, of)));
    let lines = lines.map(|(map, (house, count))| {
        let code = match house {
            House::Code(code) => code,
            House::Blank => "",
            House::Words => "(words)",
        };
        let of: Vec<&str> = count.rules.iter().map(|rule| rules.rules[*rule].id.as_str()).collect();
        let (rows, patients) = (count.rows.to_string(), count.patients().to_string());
        [map.to_owned(), code.to_owned(), rows, patients, of.join(" ")]
    });
    printed::print_csv(["map", "local", "rows", "patients", "rules"], lines)
}

/// A line for each rule that was looked at, and for each house code.
fn print_json_uncoded(uncoded: &Uncoded, rules: &RuleSet) {
    let id = |rule: &usize| rules.rules[*rule].id.as_str();
    for Looked { rule, rows, all, not_since, not_period } in &uncoded.looked {
        let mut looked = json!({
            "looked": id(rule), "rows": rows, "all": all, "since": not_since.is_none(),
        });
        if not_period.is_some() {
            looked["period"] = json!(false);
        }
        say!("{looked}");
    }
    for (map, codes) in by_map(uncoded) {
        for (house, count) in codes {
            let code = match house {
                House::Code(code) => json!(code),
                House::Blank => json!(""),
                House::Words => Json::Null,
            };
            let rules: Vec<&str> = count.rules.iter().map(id).collect();
            say!(
                "{}",
                json!({
                    "unmapped": map,
                    "local": code,
                    "rows": count.rows,
                    "patients": count.patients(),
                    "rules": rules,
                })
            );
        }
    }
}

/// A line for each finding.
fn print_json(found: &Coverage, rules: &RuleSet) {
    let id = |rule: &usize| rules.rules[*rule].id.as_str();
    if let Some(uncoded) = &found.uncoded {
        print_json_uncoded(uncoded, rules);
    }
    for (rule, profile, missing) in &found.unfed {
        let declared = rules.rules[*rule].profile.is_some();
        for Unfed { need, element } in missing {
            let need = match need {
                Need::Required => "必須",
                Need::IfRecorded => "準必須",
            };
            say!(
                "{}",
                json!({
                    "unfed": element,
                    "need": need,
                    "rule": id(rule),
                    "profile": profile,
                    "declared": declared,
                })
            );
        }
    }
    for UnreadTable { unread, filled } in &found.unread {
        let columns = unread.columns.iter().enumerate().map(|(at, name)| {
            json!({"name": name, "filled": filled.as_ref().map(|(_, counts)| counts[at])})
        });
        say!(
            "{}",
            json!({
                "unread": unread.table,
                "source": rules.sources[unread.source],
                "is_read": unread.is_read,
                "rows": filled.as_ref().map(|(rows, _)| rows),
                "columns": columns.collect::<Vec<_>>(),
            })
        );
    }
    for rule in &found.untested {
        say!("{}", json!({"untested": id(rule)}));
    }
}
