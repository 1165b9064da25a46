//! What a visitor reads first has to be true: the README's tree, the change log, the licences;
//! and nothing in the repository may name a place that exists on one machine only.
//!
//! The tree in README.md is the fenced block that opens with three backticks and the word `tree`.
//! A line of it is the path of a folder from the root, ending in `/`, then what it is:
//!
//! ```text
//! server/fhir/      genkan-fhir: what FHIR is. Pure
//! ```
//!
//! It names each top-level folder, each folder with a package and each rule set; it may name
//! other folders that exist.

use std::collections::BTreeSet;

use super::{Repository, Violation};

const README: &str = "README.md";
const TREE_START: &str = "```tree";
const REQUIRED_FILES: [(&str, &str); 5] = [
    (README, "what this is"),
    ("CHANGELOG.md", "## [Unreleased]"),
    ("CONTRIBUTING.md", "tests/run"),
    ("LICENSE-MIT", "MIT License"),
    ("LICENSE-APACHE", "Apache License"),
];

pub fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, must_say) in REQUIRED_FILES {
        let violation =
            |what: String, remedy| Violation { path: path.to_owned(), line: 1, what, remedy };
        match repository.text(path) {
            None => violations.push(violation("there is no such file".to_owned(), "write it")),
            Some(text) if path != README && !text.contains(must_say) => {
                violations.push(violation(format!("it does not say `{must_say}`"), "add that"));
            }
            Some(_) => {}
        }
    }
    if let Some(readme) = repository.text(README) {
        violations.extend(check_tree(repository, readme));
    }
    violations
}

fn check_tree(repository: &Repository, readme: &str) -> Vec<Violation> {
    let violation = |line, what, remedy| Violation { path: README.to_owned(), line, what, remedy };
    let Some(start) = readme.lines().position(|line| line.trim_end() == TREE_START) else {
        let what = "there is no block that opens with ```tree".to_owned();
        return vec![violation(1, what, "list the folders in one, a path and its purpose a line")];
    };
    let mut violations = Vec::new();
    let mut missing = expected_folders(repository);
    let block = readme.lines().enumerate().skip(start + 1);
    for (index, line) in block.take_while(|(_, line)| !line.starts_with("```")) {
        let Some(path) = line.split_whitespace().next() else { continue };
        let folder = path.strip_suffix('/');
        if !folder.is_some_and(|folder| repository.has_folder(folder)) {
            let what = format!("the tree names `{path}`, which is no folder here");
            violations.push(violation(index + 1, what, "correct it; a folder ends in `/`"));
        }
        missing.remove(path);
    }
    let absent = |path| violation(start + 1, format!("the tree lacks `{path}`"), "add its line");
    violations.extend(missing.into_iter().map(absent));
    violations
}

fn expected_folders(repository: &Repository) -> BTreeSet<String> {
    let mut folders = BTreeSet::new();
    for path in repository.paths().filter(|path| !path.starts_with('.')) {
        if let Some((top, _)) = path.split_once('/') {
            folders.insert(format!("{top}/"));
        }
        if let Some(package) = path.strip_suffix("Cargo.toml").filter(|folder| !folder.is_empty()) {
            folders.insert(package.to_owned());
        }
        let rule_set =
            path.strip_prefix("mapping-rules/rules/").and_then(|rest| rest.split_once('/'));
        if let Some((name, _)) = rule_set {
            folders.insert(format!("mapping-rules/rules/{name}/"));
        }
    }
    folders
}

/// Written in two parts, so that this file is not its own finding.
const MACHINE_PATHS: [&str; 2] = [concat!("/wo", "rk/"), concat!("/fa", "rm/")];

/// Paths that only the machine of the one who wrote them has. `https://host/work/…` is none.
pub fn check_machine_paths(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    for path in repository.paths() {
        let lines = repository.text(path).unwrap_or_default().lines().enumerate();
        let named = |line: &str| MACHINE_PATHS.iter().any(|machine| names_path(line, machine));
        violations.extend(lines.filter(|(_, line)| named(line)).map(|(index, _)| Violation {
            path: path.to_owned(),
            line: index + 1,
            what: "a path of one machine".to_owned(),
            remedy: "take it from an environment variable or make it relative to the root",
        }));
    }
    violations
}

fn names_path(line: &str, machine: &str) -> bool {
    line.match_indices(machine).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '}' | '~'))
    })
}
