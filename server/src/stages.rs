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
    Validate,
    Respond,
}

impl Stage {
    pub fn name(self) -> &'static str {
        match self {
            Stage::Parse => "parse",
            Stage::Plan => "plan",
            Stage::Fetch => "fetch",
            Stage::Emit => "emit",
            Stage::Validate => "validate",
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
    spent: Vec<Spent>,
    statements: Option<usize>,
    in_source: Option<Duration>,
    /// Of the error that was answered.
    error: Option<&'static str>,
    /// By code, and by the code map where there is one.
    issues: BTreeMap<String, usize>,
}

/// One stay in a room.
#[derive(Debug, Clone, Copy)]
pub struct Spent {
    pub stage: Stage,
    /// Since the request came in.
    pub after: Duration,
    pub time: Duration,
}

impl Stages {
    pub fn start() -> Self {
        let started = Instant::now();
        Stages(RefCell::new(Course {
            started,
            current: None,
            spent: Vec::new(),
            statements: None,
            in_source: None,
            error: None,
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

    /// Statements sent to the source, and how long it took to answer them.
    pub fn count_statements(&self, statements: usize, in_source: Duration) {
        let mut course = self.0.borrow_mut();
        course.statements = Some(statements);
        course.in_source = Some(in_source);
    }

    /// Adds what an entry of a batch cost to what the batch costs: each room once, with the time of all.
    pub fn absorb(&self, of_entry: &Stages) {
        let mut course = self.0.borrow_mut();
        let mut entry = of_entry.0.borrow_mut();
        entry.leave(Instant::now());
        let began = entry.started.duration_since(course.started);
        for spent in &entry.spent {
            match course.spent.iter_mut().find(|known| known.stage == spent.stage) {
                Some(known) => known.time += spent.time,
                None => course.spent.push(Spent { after: began + spent.after, ..*spent }),
            }
        }
        if let Some(statements) = entry.statements {
            *course.statements.get_or_insert_default() += statements;
            *course.in_source.get_or_insert_default() += entry.in_source.unwrap_or_default();
        }
        for (kind, count) in &entry.issues {
            *course.issues.entry(kind.clone()).or_default() += count;
        }
    }

    pub fn statements(&self) -> Option<usize> {
        self.0.borrow().statements
    }

    /// How long the source worked or was waited for. A fetch that did not come to its end counts as a
    /// whole.
    pub fn in_source(&self) -> Duration {
        let course = self.0.borrow();
        let fetches = course.spent.iter().filter(|spent| spent.stage == Stage::Fetch);
        course.in_source.unwrap_or_else(|| fetches.map(|spent| spent.time).sum())
    }

    /// The request was answered with the error of this code.
    pub fn refuse(&self, code: &'static str) {
        self.0.borrow_mut().error = Some(code);
    }

    pub fn error(&self) -> Option<&'static str> {
        self.0.borrow().error
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

    /// Code, code map and number of the data problems.
    pub fn for_each_issue(&self, mut told: impl FnMut(&str, Option<&str>, usize)) {
        for (kind, count) in &self.0.borrow().issues {
            match kind.split_once(':') {
                Some((code, map)) => told(code, Some(map), *count),
                None => told(kind, None, *count),
            }
        }
    }

    /// Each stay in a room that has ended, in order.
    pub fn for_each_stage(&self, told: impl FnMut(&Spent)) {
        self.0.borrow().spent.iter().for_each(told);
    }

    /// Where it is, or where it ended.
    pub fn last(&self) -> Option<&'static str> {
        let course = self.0.borrow();
        let left = course.spent.last().map(|spent| spent.stage);
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
        for Spent { stage, time, .. } in &course.spent {
            let separator = if text.is_empty() { "" } else { ", " };
            let millis = time.as_secs_f64() * 1000.0;
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
            let after = since.duration_since(self.started);
            self.spent.push(Spent { stage, after, time: now.duration_since(since) });
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
        stages.count_statements(2, Duration::ZERO);
        let header = stages.server_timing();
        let names: Vec<&str> =
            header.split(", ").filter_map(|entry| entry.split(';').next()).collect();
        assert_eq!(names, ["parse", "fetch"]);
        assert!(header.ends_with(";desc=\"statements=2\""), "{header}");
    }

    #[test]
    fn a_fetch_that_did_not_end_has_kept_the_source_for_all_of_its_time() {
        let stages = Stages::start();
        stages.enter(Stage::Fetch);
        stages.enter(Stage::Respond);
        let mut fetched = Duration::ZERO;
        stages.for_each_stage(|spent| fetched += spent.time);
        assert_eq!(stages.in_source(), fetched);
        stages.count_statements(1, Duration::from_secs(7));
        assert_eq!(stages.in_source(), Duration::from_secs(7));
    }

    #[test]
    fn issues_are_told_by_code_and_code_map() {
        let stages = Stages::start();
        stages.count_issue("unmapped", Some("disease"));
        stages.count_issue("unmapped", Some("disease"));
        stages.count_issue("bad-date", None);
        let mut told = Vec::new();
        stages.for_each_issue(|code, map, count| {
            told.push((code.to_owned(), map.map(str::to_owned), count));
        });
        let disease = ("unmapped".to_owned(), Some("disease".to_owned()), 2);
        assert_eq!(told, [("bad-date".to_owned(), None, 1), disease]);
    }
}
