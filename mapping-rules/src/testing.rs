//! Tests that stand in the rule file: rows in, what the resource must hold, which searches find it.
//!
//! Running them needs a database and is done by the shell; here is what they say, and how a result is
//! compared with it.

use genkan_adapter::{ColumnKind, Value};
use genkan_fhir::definitions::Definitions;
use serde_json::Value as Json;

use crate::compile::Header;
use crate::compile::structure::{Entries, text, text_list};
use crate::diagnostic::{Diagnostic, Span};
use crate::emit::Issue;
use crate::grammar::{CLAIMS, ISSUE, TEST_REQUIRED};
use crate::image::value_of_kind;
use crate::program::RuleSet;
use crate::sources::SourceSchemas;
use crate::yaml::{Yaml, YamlKind};

/// Rows of a test, table by table.
pub type TestRows = Vec<TableRows>;

/// The rows of one table.
#[derive(Debug, Clone)]
pub struct TableRows {
    /// The place of the source that has the table.
    pub source: usize,
    pub table: String,
    /// Each row's columns with their values.
    pub rows: Vec<Vec<(String, Value)>>,
}

#[derive(Debug, Clone)]
pub struct RuleTest {
    pub name: String,
    pub span: Span,
    pub rows: TestRows,
    /// One entry for each resource that the rows make, in key order: a subset of it. `[]` says that
    /// they make none; `None` leaves it open.
    pub expect: Option<Vec<Json>>,
    /// Elements that must not be there, as dotted paths.
    pub absent: Vec<String>,
    pub issues: Option<Vec<ExpectedIssue>>,
    /// `Type?query` that must find (or miss) the first resource, with its place.
    pub finds: Vec<(String, Span)>,
    pub misses: Vec<(String, Span)>,
    /// Statements that reading all resources of the rule takes.
    pub statements: Option<usize>,
}

/// A subset of an issue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExpectedIssue {
    pub severity: Option<String>,
    pub code: Option<String>,
    pub map: Option<String>,
    pub local: Option<String>,
}

/// The tests of a rule that makes this resource.
pub(crate) fn read(
    yaml: &Yaml,
    rule: &Header,
    schemas: &SourceSchemas,
    found: &mut Vec<Diagnostic>,
) -> Vec<RuleTest> {
    let Some(items) = yaml.as_list() else {
        let en = "`tests` is a list";
        found.push(Diagnostic::error("E0208", yaml.span, en, "tests はリストです"));
        return Vec::new();
    };
    let mut tests = Vec::with_capacity(items.len());
    for item in items {
        match test(item, rule, schemas, found) {
            Ok(test) => tests.push(test),
            Err(diagnostic) => found.push(diagnostic),
        }
    }
    tests
}

fn test(
    yaml: &Yaml,
    rule: &Header,
    schemas: &SourceSchemas,
    found: &mut Vec<Diagnostic>,
) -> Result<RuleTest, Diagnostic> {
    let resource = rule.resource.as_str();
    let entries = Entries::of(yaml)?;
    entries.only(&[&TEST_REQUIRED[..], &CLAIMS[..]].concat(), found);
    if !CLAIMS.iter().any(|claim| entries.get(claim).is_some()) {
        let list = CLAIMS.join(", ");
        let en = format!("the test expects nothing: give one of {list}");
        let ja = format!("テストに期待値がありません（{list} のいずれか）");
        found.push(Diagnostic::error("E0803", yaml.span, en, ja));
    }
    let texts = |name: &str| -> Result<Vec<(String, Span)>, Diagnostic> {
        Ok(entries.get(name).map(text_list).transpose()?.unwrap_or_default())
    };
    let absent = texts("absent")?;
    for (path, span) in absent.iter().filter(|(path, _)| !is_path(resource, path)) {
        let en = format!("FHIR R4 has no element `{resource}.{path}`, so it is always absent");
        let ja = format!("FHIR R4 に要素「{resource}.{path}」はありません");
        found.push(Diagnostic::error("E0802", *span, en, ja));
    }
    let (finds, misses) = (texts("finds")?, texts("misses")?);
    for (search, span) in finds.iter().chain(&misses) {
        if search.split('?').next() != Some(resource) {
            let en = format!("a search of this rule's tests begins with `{resource}?`");
            let ja = format!("この規則のテストの検索は「{resource}?」で始まります");
            found.push(Diagnostic::error("E0804", *span, en, ja));
        }
    }
    let expect = entries.get("expect").map(|yaml| match &yaml.kind {
        YamlKind::List(items) => items.iter().map(json).collect(),
        _ => vec![json(yaml)],
    });
    let statements = match entries.get("statements") {
        None => None,
        Some(yaml) => Some(text(yaml)?.parse().map_err(|_| {
            let en = "`statements` is a number";
            Diagnostic::error("E0801", yaml.span, en, "statements は数値です")
        })?),
    };
    let issues = entries.get("issues").map(|yaml| issues(yaml, found)).transpose()?;
    Ok(RuleTest {
        name: entries.text("name")?.0.to_owned(),
        span: yaml.span,
        rows: rows(entries.required("rows")?, rule.source, schemas)?,
        expect,
        absent: absent.into_iter().map(|(path, _)| path).collect(),
        issues,
        finds,
        misses,
        statements,
    })
}

/// FHIR has elements on this dotted path.
fn is_path(type_path: &str, path: &str) -> bool {
    let (first, rest) = path.split_once('.').map_or((path, None), |(a, b)| (a, Some(b)));
    let bare = first.strip_prefix('_').unwrap_or(first);
    let Some(property) = Definitions::r4().property(type_path, bare) else {
        return first == "resourceType" && rest.is_none();
    };
    match rest {
        None => true,
        // Which type it is depends on the rule.
        Some(_) if property.type_code == "Resource" => true,
        Some(rest) => is_path(if bare == first { property.type_path } else { "Element" }, rest),
    }
}

fn issues(yaml: &Yaml, found: &mut Vec<Diagnostic>) -> Result<Vec<ExpectedIssue>, Diagnostic> {
    let items = yaml.as_list().unwrap_or(std::slice::from_ref(yaml));
    items
        .iter()
        .map(|item| {
            let entries = Entries::of(item)?;
            entries.only(&ISSUE, found);
            let part = |name: &str| -> Result<Option<String>, Diagnostic> {
                Ok(entries.get(name).map(text).transpose()?.map(str::to_owned))
            };
            Ok(ExpectedIssue {
                severity: part("severity")?,
                code: part("code")?,
                map: part("map")?,
                local: part("local")?,
            })
        })
        .collect()
}

fn rows(yaml: &Yaml, own: usize, schemas: &SourceSchemas) -> Result<TestRows, Diagnostic> {
    let mut tables = Vec::new();
    for (table, list) in Entries::of(yaml)?.iter() {
        let source = schemas.holding(&table.name, own);
        let Some((source, known)) =
            source.and_then(|source| Some((source, schemas.at(source).table(&table.name)?)))
        else {
            let en = format!("the source has no table `{}`", table.name);
            let ja = format!("接続先に表「{}」がありません", table.name);
            let names = schemas.at(own).tables.keys().map(String::as_str);
            return Err(Diagnostic::error("E0401", table.span, en, ja).nearest(&table.name, names));
        };
        let mut rows = Vec::new();
        for item in list.as_list().unwrap_or(std::slice::from_ref(list)) {
            let mut row = Vec::new();
            for (column, cell) in Entries::of(item)?.iter() {
                let Some(known) = known.column(&column.name) else {
                    let en = format!("table `{}` has no column `{}`", table.name, column.name);
                    let ja = format!("表「{}」に列「{}」がありません", table.name, column.name);
                    let names = known.columns.iter().map(|column| column.name.as_str());
                    let diagnostic = Diagnostic::error("E0402", column.span, en, ja);
                    return Err(diagnostic.nearest(&column.name, names));
                };
                let cell_text = text(cell)?;
                let value = match cell_of_kind(known.kind, cell_text) {
                    Some(value) => value,
                    None if cell_text.is_empty() => Value::Null,
                    None => {
                        let en = format!("the value does not fit column `{}`", column.name);
                        let ja = format!("値が列「{}」の型に合いません", column.name);
                        return Err(Diagnostic::error("E0405", cell.span, en, ja));
                    }
                };
                row.push((column.name.clone(), value));
            }
            rows.push(row);
        }
        tables.push(TableRows { source, table: table.name.clone(), rows });
    }
    Ok(tables)
}

/// Cells as people write them: a flag is `1` as well as `true`.
fn cell_of_kind(kind: ColumnKind, text: &str) -> Option<Value> {
    match (kind, text) {
        (ColumnKind::Boolean, "1") => Some(Value::Boolean(true)),
        (ColumnKind::Boolean, "0") => Some(Value::Boolean(false)),
        (ColumnKind::PaddedText { .. }, text) => Some(Value::text(text)),
        _ => value_of_kind(kind, text),
    }
}

/// Expectations are texts: a JSON number or boolean is compared by its digits.
fn json(yaml: &Yaml) -> Json {
    match &yaml.kind {
        YamlKind::Scalar { text, .. } => Json::String(text.clone()),
        YamlKind::Bound(_) => Json::Null,
        YamlKind::List(items) => Json::Array(items.iter().map(json).collect()),
        YamlKind::Map(entries) => Json::Object(
            entries.iter().map(|(key, value)| (key.name.clone(), json(value))).collect(),
        ),
    }
}

/// What differs between an expectation and a resource, one line a path: `.code.text: -a +b`.
pub fn differences(expected: &Json, actual: &Json) -> Vec<String> {
    let mut lines = Vec::new();
    compare("", expected, Some(actual), &mut lines);
    lines
}

fn compare(path: &str, expected: &Json, actual: Option<&Json>, lines: &mut Vec<String>) {
    match (expected, actual) {
        (Json::Object(wanted), Some(Json::Object(there))) => {
            for (name, value) in wanted {
                compare(&format!("{path}.{name}"), value, there.get(name), lines);
            }
        }
        (Json::Array(wanted), Some(Json::Array(there))) => {
            for index in 0..wanted.len().max(there.len()) {
                let path = format!("{path}[{index}]");
                match wanted.get(index) {
                    Some(value) => compare(&path, value, there.get(index), lines),
                    None => lines.push(format!("{path}: +{}", show(&there[index]))),
                }
            }
        }
        (wanted, None) => lines.push(format!("{path}: -{}", show(wanted))),
        (wanted, Some(there)) => {
            let (wanted, there) = (show(wanted), show(there));
            if wanted != there {
                lines.push(format!("{path}: -{wanted} +{there}"));
            }
        }
    }
}

fn show(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// True if the resource has something at a dotted path (`name.family`, list items included).
pub fn has(resource: &Json, path: &str) -> bool {
    let (first, rest) = path.split_once('.').map_or((path, None), |(a, b)| (a, Some(b)));
    match resource {
        Json::Array(items) => items.iter().any(|item| has(item, path)),
        Json::Object(object) => match (object.get(first), rest) {
            (Some(_), None) => true,
            (Some(value), Some(rest)) => has(value, rest),
            (None, _) => false,
        },
        _ => false,
    }
}

impl ExpectedIssue {
    pub fn matches(&self, issue: &Issue) -> bool {
        let severity = match issue.severity {
            crate::emit::IssueSeverity::Error => "error",
            crate::emit::IssueSeverity::Warning => "warning",
            crate::emit::IssueSeverity::Information => "information",
        };
        let is = |wanted: &Option<String>, there: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| there == Some(wanted))
        };
        let (map, local) = issue.map.as_ref().map(|(m, l)| (m.as_str(), l.as_str())).unzip();
        is(&self.severity, Some(severity))
            && is(&self.code, Some(issue.code))
            && is(&self.map, map)
            && is(&self.local, local)
    }
}

/// Number of tests in a rule set.
pub fn count(rules: &RuleSet) -> usize {
    rules.rules.iter().map(|rule| rule.tests.len()).sum()
}
