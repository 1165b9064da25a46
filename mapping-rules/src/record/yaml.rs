//! A test case in the words of a rule file, and its place there.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use genkan_adapter::Value;
use serde_json::Value as Json;

use super::RawRow;
use crate::emit::{Issue, IssueSeverity};

/// A test, before it is written.
#[derive(Debug, Clone)]
pub struct Case {
    pub name: String,
    pub rows: Vec<RawRow>,
    /// The resource that the rows make. The first pass, which finds it out, has none.
    pub expect: Option<Vec<Json>>,
    pub issues: Vec<Issue>,
    pub statements: usize,
}

/// Why a rule file takes no case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoPlace {
    /// `tests: [...]`
    Flow,
}

impl Case {
    /// The lines of one item of `tests`, from the dash on.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("- name: {}", scalar(&self.name)), "  rows:".to_owned()];
        let mut tables: BTreeMap<&str, Vec<&RawRow>> = BTreeMap::new();
        let mut order: Vec<&str> = Vec::new();
        for row in &self.rows {
            if !order.contains(&row.table.as_str()) {
                order.push(&row.table);
            }
            tables.entry(&row.table).or_default().push(row);
        }
        for table in order {
            lines.push(format!("    {}:", scalar(table)));
            for row in tables.get(table).into_iter().flatten() {
                lines.push(format!("      - {}", flow(row)));
            }
        }
        match self.expect.as_deref() {
            None => {}
            Some([]) => lines.push("  expect: []".to_owned()),
            Some([Json::Object(one)]) => {
                lines.push("  expect:".to_owned());
                for (name, value) in one {
                    block(name, value, 4, &mut lines);
                }
            }
            Some(several) => {
                lines.push("  expect:".to_owned());
                several.iter().for_each(|one| item(one, 4, &mut lines));
            }
        }
        if self.expect.is_some() {
            lines.push(format!("  issues: [{}]", issues(&self.issues)));
        }
        lines.push(format!("  statements: {}", self.statements));
        lines
    }
}

fn flow(row: &RawRow) -> String {
    let said = row.cells.iter().filter_map(|(column, value)| Some((column, cell(value)?)));
    let cells: Vec<String> =
        said.map(|(column, text)| format!("{}: {}", scalar(column), scalar(&text))).collect();
    format!("{{{}}}", cells.join(", "))
}

/// As a test writes it; a column that is not named is NULL.
fn cell(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null | Value::Bytes(_) | Value::Unreadable(_) => return None,
        Value::Text(text) => text.clone(),
        Value::Boolean(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Decimal(value) => value.to_string(),
        Value::Date(value) => value.to_string(),
        Value::Time(value) => value.to_string(),
        Value::DateTime(value) => value.format("%Y-%m-%dT%H:%M:%S%.f").to_string(),
        Value::Instant(value) => value.to_rfc3339(),
    })
}

/// Each issue that a test has to name, once.
fn issues(issues: &[Issue]) -> String {
    let mut said: Vec<String> = Vec::new();
    for issue in issues {
        let severity = match issue.severity {
            IssueSeverity::Error => "error",
            IssueSeverity::Warning => "warning",
            IssueSeverity::Information => continue,
        };
        let mut parts = vec![format!("severity: {severity}"), format!("code: {}", issue.code)];
        if let Some((map, local)) = &issue.map {
            parts.push(format!("map: {}, local: {}", scalar(map), scalar(local)));
        }
        let text = format!("{{{}}}", parts.join(", "));
        if !said.contains(&text) {
            said.push(text);
        }
    }
    said.join(", ")
}

fn block(name: &str, value: &Json, indent: usize, lines: &mut Vec<String>) {
    let space = " ".repeat(indent);
    match value {
        Json::Object(object) if !object.is_empty() => {
            lines.push(format!("{space}{name}:"));
            for (name, value) in object {
                block(name, value, indent + 2, lines);
            }
        }
        Json::Array(items) if items.iter().any(Json::is_object) => {
            lines.push(format!("{space}{name}:"));
            items.iter().for_each(|one| item(one, indent + 2, lines));
        }
        other => lines.push(format!("{space}{name}: {}", in_flow(other))),
    }
}

/// One item of a list: its first element stands behind the dash.
fn item(value: &Json, indent: usize, lines: &mut Vec<String>) {
    let first = lines.len();
    match value {
        Json::Object(object) if !object.is_empty() => {
            for (name, value) in object {
                block(name, value, indent + 2, lines);
            }
            if let Some(line) = lines.get_mut(first) {
                line.replace_range(indent..indent + 1, "-");
            }
        }
        other => lines.push(format!("{}- {}", " ".repeat(indent), in_flow(other))),
    }
}

fn in_flow(value: &Json) -> String {
    match value {
        Json::String(text) => scalar(text),
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(in_flow).collect();
            format!("[{}]", items.join(", "))
        }
        Json::Object(object) => {
            let entries: Vec<String> =
                object.iter().map(|(name, value)| format!("{name}: {}", in_flow(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

/// A text that YAML reads as this text, in brackets too.
fn scalar(text: &str) -> String {
    if text.chars().any(char::is_control) {
        let mut quoted = String::from("\"");
        for c in text.chars() {
            // Writing to a String can't fail.
            let _ = match c {
                '"' | '\\' => write!(quoted, "\\{c}"),
                c if c.is_control() => write!(quoted, "\\U{:08X}", u32::from(c)),
                c => write!(quoted, "{c}"),
            };
        }
        quoted.push('"');
        return quoted;
    }
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '/' | '-' | '+');
    let plain = text.starts_with(char::is_alphanumeric) && text.chars().all(inside);
    // A number with a zero before it is a text to every reader but ours.
    let number = text.starts_with(|c: char| c.is_ascii_digit()) && text.len() > 1;
    match plain && !number {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "''")),
    }
}

/// The rule file with one test more, behind those that it has.
pub fn with_case(file: &str, case: &Case) -> Result<String, NoPlace> {
    let lines: Vec<&str> = file.lines().collect();
    let Some(at) = lines.iter().position(|line| line.starts_with("tests:")) else {
        let added: Vec<String> = case.lines().iter().map(|line| format!("  {line}")).collect();
        return Ok(format!("{}\n\ntests:\n{}\n", file.trim_end(), added.join("\n")));
    };
    let behind = lines[at]["tests:".len()..].trim();
    if !behind.is_empty() && !behind.starts_with('#') {
        return Err(NoPlace::Flow);
    }
    let section = &lines[at + 1..];
    let goes_on = |line: &&str| line.is_empty() || line.starts_with([' ', '#', '-', '\t']);
    let mut end = section.iter().take_while(|line| goes_on(line)).count();
    while end > 0 && !section[end - 1].starts_with([' ', '-']) {
        end -= 1;
    }
    let dash = section[..end].iter().find(|line| line.trim_start().starts_with('-'));
    let indent = dash.map_or(2, |line| line.len() - line.trim_start().len());
    let space = " ".repeat(indent);
    let mut out: Vec<String> =
        lines[..at + 1 + end].iter().map(|line| (*line).to_owned()).collect();
    out.extend(case.lines().iter().map(|line| format!("{space}{line}")));
    out.extend(section[end..].iter().map(|line| (*line).to_owned()));
    Ok(out.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::yaml;

    fn case() -> Case {
        let text = |text: &str| Value::text(text);
        let cells = vec![
            ("ID".to_owned(), text("0012")),
            ("X Y".to_owned(), text("a: b, 'c' # d")),
            ("N".to_owned(), Value::Null),
            ("M".to_owned(), text("1\n2")),
        ];
        Case {
            name: "名前: 1".to_owned(),
            rows: vec![RawRow { source: 0, table: "T".to_owned(), cells }],
            expect: Some(vec![json!({
                "status": "=final",
                "code": {"coding": [{"system": "http://x", "code": "1"}, {}], "text": ""},
                "given": ["a", "b c"],
                "active": true,
            })]),
            issues: Vec::new(),
            statements: 2,
        }
    }

    #[test]
    fn every_text_is_read_again_as_it_was() {
        let yaml = yaml::parse(0, &case().lines().join("\n")).expect("valid");
        let test = &yaml.as_list().expect("a list")[0];
        assert_eq!(test.get("name").and_then(yaml::Yaml::as_text), Some("名前: 1"));
        let row = &test
            .get("rows")
            .and_then(|rows| rows.get("T"))
            .expect("rows")
            .as_list()
            .expect("rows")[0];
        let cell = |name: &str| row.get(name).and_then(yaml::Yaml::as_text);
        assert_eq!(cell("X Y"), Some("a: b, 'c' # d"));
        assert_eq!((cell("M"), cell("ID"), cell("N")), (Some("1\n2"), Some("0012"), None));
        let expect = test.get("expect").expect("expect");
        assert_eq!(expect.get("status").and_then(yaml::Yaml::as_text), Some("=final"));
        let coding = expect.get("code").and_then(|code| code.get("coding")).expect("coding");
        assert_eq!(coding.as_list().map(<[_]>::len), Some(2));
    }

    #[test]
    fn a_case_stands_behind_those_that_are_there() {
        for (before, after) in [
            ("rule: x\n", "rule: x\n\ntests:\n  - name"),
            ("tests:\n- name: a\n", "tests:\n- name: a\n- name"),
            ("tests:   # all\n    - name: a\n\nsearch: {}\n", "    - name: a\n    - name"),
        ] {
            let made = with_case(before, &case()).expect(before);
            assert!(made.contains(after), "{made}");
            let yaml = yaml::parse(0, &made).expect("valid");
            assert!(yaml.get("tests").and_then(yaml::Yaml::as_list).is_some());
            assert_eq!(before.contains("search"), yaml.get("search").is_some());
        }
        assert_eq!(with_case("tests: [{name: a}]\n", &case()), Err(NoPlace::Flow));
    }
}
