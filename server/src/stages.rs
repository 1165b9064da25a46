//! The stages of an interaction, and what each cost. One word per stage: the module, the log field
//! and the header `Server-Timing` all use it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use genkan_mapping::emit::Issue;

/// A room on the way of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Parse,
    Plan,
    Fetch,
    Emit,
    Respond,
}

impl Stage {
    pub fn name(self) -> &'static str {
        match self {
            Stage::Parse => "parse",
            Stage::Plan => "plan",
            Stage::Fetch => "fetch",
            Stage::Emit => "emit",
            Stage::Respond => "respond",
        }
    }
}

/// The times of one request, from its entrance on.
#[derive(Debug)]
pub struct Stages(RefCell<Course>);

#[derive(Debug)]
struct Course {
    started: Instant,
    current: Option<(Stage, Instant)>,
    spent: Vec<(Stage, Duration)>,
    statements: Option<usize>,
    /// By code, and by the code map where there is one.
    issues: BTreeMap<String, usize>,
}

impl Stages {
    pub fn start() -> Self {
        let started = Instant::now();
        Stages(RefCell::new(Course {
            started,
            current: None,
            spent: Vec::new(),
            statements: None,
            issues: BTreeMap::new(),
        }))
    }

    /// Ends the stage before and begins this one.
    pub fn enter(&self, stage: Stage) {
        let mut course = self.0.borrow_mut();
        let now = Instant::now();
        course.leave(now);
        course.current = Some((stage, now));
    }

    /// Statements sent to the source.
    pub fn count_statements(&self, statements: usize) {
        self.0.borrow_mut().statements = Some(statements);
    }

    pub fn statements(&self) -> Option<usize> {
        self.0.borrow().statements
    }

    /// A data problem of a row that was answered; `map`: the code map that it is about.
    pub fn count_issue(&self, code: &str, map: Option<&str>) {
        let kind = map.map_or_else(|| code.to_owned(), |map| format!("{code}:{map}"));
        *self.0.borrow_mut().issues.entry(kind).or_default() += 1;
    }

    /// Those of one row.
    pub fn count_issues(&self, issues: &[Issue]) {
        for issue in issues {
            self.count_issue(issue.code, issue.map.as_ref().map(|(map, _)| map.as_str()));
        }
    }

    /// `bad-date=3 unmapped:disease=12` for the log; `None` if there were none.
    pub fn issues(&self) -> Option<String> {
        let course = self.0.borrow();
        let counts = course.issues.iter().map(|(kind, count)| format!("{kind}={count}"));
        Some(counts.collect::<Vec<_>>().join(" ")).filter(|text| !text.is_empty())
    }

    /// Adds what a part of the request counted: an entry of a batch.
    pub fn add(&self, part: &Stages) {
        let part = part.0.borrow();
        let mut course = self.0.borrow_mut();
        if let Some(statements) = part.statements {
            course.statements = Some(course.statements.unwrap_or(0) + statements);
        }
        for (kind, count) in &part.issues {
            *course.issues.entry(kind.clone()).or_default() += count;
        }
    }

    /// Where it is, or where it ended.
    pub fn last(&self) -> Option<&'static str> {
        let course = self.0.borrow();
        let left = course.spent.last().map(|(stage, _)| *stage);
        course.current.map(|(stage, _)| stage).or(left).map(Stage::name)
    }

    pub fn total(&self) -> Duration {
        self.0.borrow().started.elapsed()
    }

    /// `parse;dur=0.1, …, fetch;dur=4.2;desc="statements=2"` in milliseconds.
    /// Spec: <https://www.w3.org/TR/server-timing/>
    pub fn server_timing(&self) -> String {
        let mut course = self.0.borrow_mut();
        course.leave(Instant::now());
        let mut text = String::with_capacity(128);
        for (stage, spent) in &course.spent {
            let separator = if text.is_empty() { "" } else { ", " };
            let millis = spent.as_secs_f64() * 1000.0;
            let _ = write!(text, "{separator}{};dur={millis:.3}", stage.name());
            if let (Stage::Fetch, Some(statements)) = (stage, course.statements) {
                let _ = write!(text, ";desc=\"statements={statements}\"");
            }
        }
        text
    }
}

impl Course {
    fn leave(&mut self, now: Instant) {
        if let Some((stage, since)) = self.current.take() {
            self.spent.push((stage, now.duration_since(since)));
            self.current = Some((stage, now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_timing_names_the_stages_in_order_and_the_statements() {
        let stages = Stages::start();
        stages.enter(Stage::Parse);
        stages.enter(Stage::Fetch);
        stages.count_statements(2);
        let header = stages.server_timing();
        let names: Vec<&str> =
            header.split(", ").filter_map(|entry| entry.split(';').next()).collect();
        assert_eq!(names, ["parse", "fetch"]);
        assert!(header.ends_with(";desc=\"statements=2\""), "{header}");
    }
}
