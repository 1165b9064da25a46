//! One test of a rule: its rows, what they become, which searches find it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use genkan_adapter_sql::SqlAdapter;
use genkan_fhir::definitions::Definitions;
use genkan_fhir::search::{self, SearchRequest};
use genkan_mapping::SourceSchemas;
use genkan_mapping::emit::{Emitted, Emitter, Issue, IssueSeverity};
use genkan_mapping::identity::Identity;
use genkan_mapping::plan::{self, PlanLimits, SearchPlan};
use genkan_mapping::program::RuleSet;
use genkan_mapping::testing::{ExpectedIssue, RuleTest, TableRows, differences, has};
use serde_json::Value as Json;

use super::super::explain::describe;
use super::super::preview::severity;
use super::counting::Counting;
use crate::fetch::Fetch;
use crate::parse;
use crate::service::wall_clock;
use crate::sources::{Source, Sources};

/// Rows of a test are few: one page holds what they make.
const LIMITS: PlanLimits = PlanLimits {
    page_size_default: 1000,
    page_size_max: 1000,
    include_rows_max: 1000,
    include_depth_max: 4,
};

pub struct Hospital<'a> {
    pub rules: &'a RuleSet,
    pub schemas: &'a SourceSchemas,
    pub identity: &'a Identity,
}

/// What a test reads.
struct Databases {
    sources: Sources,
    statements: Arc<AtomicUsize>,
}

impl Databases {
    /// Statements that reached any of them so far.
    fn statements(&self) -> usize {
        self.statements.load(Ordering::Relaxed)
    }
}

/// What is wrong, a line each; a test that passes says nothing.
type Complaints = Vec<String>;

/// What the rows of a test become.
pub struct Results {
    pub emitted: Vec<(Emitted, Option<Json>)>,
    /// Statements that it took.
    pub statements: usize,
}

impl Hospital<'_> {
    pub async fn results(&self, rule: usize, test: &RuleTest) -> Result<Results, String> {
        let databases = self.databases(test).await?;
        let emitted = self.emit(&databases, &self.all_of(rule)?).await?;
        Ok(Results { emitted, statements: databases.statements() })
    }

    pub async fn run(&self, rule: usize, test: &RuleTest) -> Complaints {
        let mut complaints = Vec::new();
        if let Err(complaint) = self.check(rule, test, &mut complaints).await {
            complaints.push(complaint);
        }
        complaints
    }

    async fn check(
        &self,
        rule: usize,
        test: &RuleTest,
        complaints: &mut Complaints,
    ) -> Result<(), String> {
        let databases = self.databases(test).await?;
        let emitted = self.emit(&databases, &self.all_of(rule)?).await?;
        if let Some(statements) = test.statements
            && statements != databases.statements()
        {
            complaints.push(format!("statements: -{statements} +{}", databases.statements()));
        }
        compare(test, &emitted, complaints);
        let first = emitted.first().map(|(emitted, _)| emitted.id.as_str());
        for (searches, expected) in [(&test.finds, true), (&test.misses, false)] {
            for (text, _) in searches {
                let word = if expected { "finds" } else { "misses" };
                match self.finds(&databases, text, first).await {
                    Ok(found) if found == expected => {}
                    Ok(found) => complaints.push(format!("{word}: {text} {}", opposite(found))),
                    Err(reason) => complaints.push(format!("{word}: {text}: {reason}")),
                }
            }
        }
        Ok(())
    }

    /// Every resource of one rule.
    fn all_of(&self, rule: usize) -> Result<SearchPlan, String> {
        let resource = &self.rules.rules[rule].resource;
        let mut names = Definitions::r4().resource_names();
        let Some(resource_type) = names.find(|name| name == resource) else {
            return Err("not a resource of R4".to_owned());
        };
        let mut plan = self.plan(&SearchRequest::of(resource_type))?;
        plan.scans.retain(|scan| scan.rule == rule);
        Ok(plan)
    }

    /// One database in memory for each source, with the rows of the test.
    async fn databases(&self, test: &RuleTest) -> Result<Databases, String> {
        let statements = Arc::new(AtomicUsize::new(0));
        let mut sources = Vec::new();
        for (place, (name, schema)) in self.schemas.names().zip(self.schemas.schemas()).enumerate()
        {
            let tables = test.rows.iter().filter(|table| table.source == place);
            let rows = tables.flat_map(|TableRows { table, rows, .. }| {
                rows.iter().map(|row| (table.clone(), row.clone()))
            });
            let adapter = SqlAdapter::in_memory(schema, &rows.collect::<Vec<_>>()).await;
            let adapter = adapter.map_err(|error| format!("rows: {error}"))?;
            let counting = Counting::new(adapter, Arc::clone(&statements));
            sources.push(Source::new(name, Arc::new(counting)));
        }
        Ok(Databases { sources: Sources::new(sources), statements })
    }

    /// A search as the test writes it: `Type?query`.
    pub fn search(&self, text: &str) -> Result<SearchPlan, String> {
        let (resource_type, query) = text.split_once('?').unwrap_or((text, ""));
        let pairs = parse::pairs(query.as_bytes());
        let zone = self.rules.site.zone;
        let request = search::parse(Definitions::r4(), resource_type, &pairs, zone);
        let request = request.map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            lines.join("; ")
        })?;
        self.plan(&request)
    }

    fn plan(&self, request: &SearchRequest) -> Result<SearchPlan, String> {
        let now = wall_clock(self.rules.site.zone);
        plan::search(self.rules, self.identity, request, &LIMITS, now)
            .map_err(|problem| describe(&problem))
    }

    /// Each resource, with its JSON as a value.
    async fn emit(
        &self,
        databases: &Databases,
        plan: &SearchPlan,
    ) -> Result<Vec<(Emitted, Option<Json>)>, String> {
        let mut fetch = Fetch::new(&databases.sources, self.rules);
        let page = fetch.page(plan).await.map_err(|error| error.to_string())?;
        let emitter = Emitter::new(self.rules, self.identity);
        let emitted = page.matches.iter().map(|(rule, record)| {
            let emitted = emitter.emit(&self.rules.rules[*rule], record);
            let json = emitted.json.as_ref().map(|json| serde_json::from_slice(json)).transpose();
            Ok((emitted, json.map_err(|error| format!("the resource is no JSON: {error}"))?))
        });
        emitted.collect()
    }

    async fn finds(
        &self,
        databases: &Databases,
        text: &str,
        id: Option<&str>,
    ) -> Result<bool, String> {
        let id = id.ok_or("the rows make no resource that a search could find")?;
        let plan = self.search(text)?;
        let found = self.emit(databases, &plan).await?;
        Ok(found.iter().any(|(emitted, _)| emitted.id == id))
    }
}

fn compare(test: &RuleTest, emitted: &[(Emitted, Option<Json>)], complaints: &mut Complaints) {
    if let Some(expected) = &test.expect {
        compare_resources(expected, emitted, complaints);
    }
    let made = emitted.iter().any(|(_, json)| json.is_some());
    if !test.absent.is_empty() && test.expect.is_none() && !made {
        complaints.push("absent: the rows make no resource".to_owned());
    }
    for path in &test.absent {
        let resources = emitted.iter().filter_map(|(_, json)| json.as_ref());
        if resources.into_iter().any(|resource| has(resource, path)) {
            complaints.push(format!("absent: {path} is there"));
        }
    }
    if let Some(expected) = &test.issues {
        let issues: Vec<&Issue> = emitted.iter().flat_map(|(emitted, _)| &emitted.issues).collect();
        compare_issues(expected, &issues, complaints);
    }
}

/// Rows that make no resource count only where a resource is expected of them.
fn compare_resources(
    expected: &[Json],
    emitted: &[(Emitted, Option<Json>)],
    complaints: &mut Complaints,
) {
    let mut emitted: Vec<_> = emitted.iter().collect();
    if expected.len() != emitted.len() {
        emitted.retain(|(_, json)| json.is_some());
    }
    if expected.len() != emitted.len() {
        complaints.push(format!("resources: -{} +{}", expected.len(), emitted.len()));
    }
    for (index, (expected_one, (emitted, json))) in expected.iter().zip(emitted).enumerate() {
        let at = if expected.len() > 1 { format!("[{index}]") } else { String::new() };
        match json {
            Some(json) => {
                let lines = differences(expected_one, json);
                complaints.extend(lines.into_iter().map(|line| format!("{at}{line}")));
            }
            None => complaints.push(format!("{at}: no resource{}", said(&emitted.issues))),
        }
    }
}

/// Each expected issue is there, and no other but information.
fn compare_issues(expected: &[ExpectedIssue], issues: &[&Issue], complaints: &mut Complaints) {
    for wanted in expected {
        if !issues.iter().any(|issue| wanted.matches(issue)) {
            let parts = [&wanted.severity, &wanted.code, &wanted.map, &wanted.local];
            let text: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
            complaints.push(format!("issues: -{}", text.join(" ")));
        }
    }
    let grave = issues.iter().filter(|issue| issue.severity != IssueSeverity::Information);
    for issue in grave {
        if !expected.iter().any(|wanted| wanted.matches(issue)) {
            let (severity, code) = (severity(issue), issue.code);
            complaints.push(format!("issues: +{severity} {code} {}", issue.expression));
        }
    }
}

fn said(issues: &[Issue]) -> String {
    let texts = issues.iter().map(|issue| format!("; {} {}", issue.code, issue.expression));
    texts.collect()
}

fn opposite(found: bool) -> &'static str {
    if found { "found it" } else { "did not find it" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use genkan_mapping::{Span, Text};
    use serde_json::json;

    fn test(expect: impl Into<Option<Vec<Json>>>, issues: Option<Vec<ExpectedIssue>>) -> RuleTest {
        RuleTest {
            name: String::new(),
            span: Span::default(),
            rows: Vec::new(),
            expect: expect.into(),
            absent: vec!["text".to_owned()],
            issues,
            finds: Vec::new(),
            misses: Vec::new(),
            statements: None,
        }
    }

    fn emitted(json: Option<Json>, severity: IssueSeverity) -> (Emitted, Option<Json>) {
        let issue = Issue {
            severity,
            code: "unmapped",
            expression: "Condition.code".to_owned(),
            span: Span::default(),
            columns: Vec::new(),
            message: Text::default(),
            map: Some(("disease".to_owned(), "ZZ".to_owned())),
        };
        let emitted = Emitted {
            id: "1".to_owned(),
            version_id: String::new(),
            last_updated: None,
            json: None,
            issues: vec![issue],
        };
        (emitted, json)
    }

    #[test]
    fn every_difference_between_a_test_and_its_result_is_told() {
        let code = |code: &str| ExpectedIssue { code: Some(code.to_owned()), ..Default::default() };
        let there = || Some(json!({"status": "final", "text": "x"}));
        let wanted = || vec![json!({"status": "final"})];
        let warning = IssueSeverity::Warning;
        for (test, emitted, expected) in [
            (test(wanted(), None), emitted(there(), warning), vec!["absent: text is there"]),
            (
                test(vec![json!({"status": "preliminary"})], None),
                emitted(Some(json!({"status": "final"})), warning),
                vec![".status: -preliminary +final"],
            ),
            (
                test(wanted(), None),
                emitted(None, warning),
                vec![": no resource; unmapped Condition.code"],
            ),
            (
                test(Vec::new(), Some(vec![code("bad-date")])),
                emitted(None, warning),
                vec!["issues: -bad-date", "issues: +warning unmapped Condition.code"],
            ),
            (
                test(Vec::new(), Some(Vec::new())),
                emitted(None, warning),
                vec!["issues: +warning unmapped Condition.code"],
            ),
            (test(Vec::new(), Some(vec![code("unmapped")])), emitted(None, warning), vec![]),
            (test(Vec::new(), Some(Vec::new())), emitted(None, IssueSeverity::Information), vec![]),
            (test(None, None), emitted(None, warning), vec!["absent: the rows make no resource"]),
            (
                test(Vec::new(), None),
                emitted(there(), warning),
                vec!["resources: -0 +1", "absent: text is there"],
            ),
        ] {
            let mut complaints = Vec::new();
            compare(&test, &[emitted], &mut complaints);
            assert_eq!(complaints, expected);
        }
    }
}
