//! Which package may depend on which: `server → mapping-rules → {server/fhir, adapters/api}` and
//! `adapters/* → adapters/api`. Manifests are read as text of their own, so that a finding has a
//! line; development and build dependencies follow the same edges.

use toml::{Table, Value};

use super::{Repository, Violation};

/// A package and what of this workspace it may depend on. A name that ends in `*` is any name
/// with that start; a package takes the first line that fits it.
const EDGES: [(&str, &[&str]); 9] = [
    ("genkan-fhir", &[]),
    ("genkan-fhir-facts", &["genkan-fhir"]),
    ("genkan-adapter", &[]),
    ("genkan-adapter-*", &["genkan-adapter"]),
    ("genkan-masters", &[]),
    ("genkan-mapping", &["genkan-fhir", "genkan-adapter", "genkan-masters"]),
    ("genkan-demo-hospital", &[]),
    (
        "genkan",
        &[
            "genkan-fhir",
            "genkan-mapping",
            "genkan-masters",
            "genkan-adapter",
            "genkan-adapter-*",
            "genkan-demo-hospital",
        ],
    ),
    ("genkan-tests", &["*"]),
];

const EDGE_REMEDY: &str = "dependencies point one way; pass what is needed in, or move it to the \
     package that owns it";

/// What a package may not use from outside, except in its own tests.
const FOREIGN: [(&str, &[&str], &str); 5] = [
    ("genkan-fhir", &IMPURE, "this package is pure: no I/O, no async, no randomness, no SQL"),
    ("genkan-mapping", &IMPURE, "this package is pure: no I/O, no async, no randomness, no SQL"),
    ("genkan-masters", &IMPURE, "this package is pure: no I/O, no async, no randomness, no SQL"),
    ("genkan-adapter", &["sqlx*", "sea-*", "fhirbolt*"], "the plug knows neither engine nor FHIR"),
    ("genkan-adapter-*", &["fhirbolt*"], "an adapter knows rows and columns, not FHIR"),
];
const IMPURE: [&str; 12] = [
    "tokio*",
    "async-*",
    "futures*",
    "actix-*",
    "hyper*",
    "reqwest*",
    "ureq*",
    "sqlx*",
    "sea-*",
    "rand*",
    "getrandom*",
    "uuid*",
];

struct Dependency {
    name: String,
    line: usize,
    only_for_tests: bool,
}

pub fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    let manifests =
        repository.paths().filter(|path| *path == "Cargo.toml" || path.ends_with("/Cargo.toml"));
    for path in manifests {
        let text = repository.text(path).unwrap_or_default();
        match text.parse::<Table>() {
            Ok(manifest) => violations.extend(check_package(path, text, &manifest)),
            Err(error) => violations.push(Violation {
                path: path.to_owned(),
                line: 1,
                what: format!("no TOML: {}", error.message()),
                remedy: "correct the manifest",
            }),
        }
    }
    violations
}

fn check_package(path: &str, text: &str, manifest: &Table) -> Vec<Violation> {
    let Some(package) = manifest.get("package").and_then(|package| package["name"].as_str()) else {
        return Vec::new();
    };
    let violation = |line, what, remedy| Violation { path: path.to_owned(), line, what, remedy };
    let Some((_, allowed)) = EDGES.iter().find(|(name, _)| fits(name, package)) else {
        let what = format!("package `{package}` has no place in the crate graph");
        return vec![violation(1, what, "add it, with what it may depend on, to tidy's EDGES")];
    };
    let mut violations = Vec::new();
    for dependency in dependencies(text, manifest) {
        let name = &dependency.name;
        let ours = fits("genkan*", name);
        if ours && !allowed.iter().any(|pattern| fits(pattern, name)) {
            let what = format!("`{package}` depends on `{name}`");
            violations.push(violation(dependency.line, what, EDGE_REMEDY));
        }
        let foreign = FOREIGN.iter().filter(|(owner, ..)| fits(owner, package));
        for (_, banned, reason) in foreign.filter(|_| !dependency.only_for_tests) {
            if banned.iter().any(|pattern| fits(pattern, name)) {
                let what = format!("`{package}` uses `{name}`");
                violations.push(violation(dependency.line, what, reason));
            }
        }
    }
    violations
}

/// The dependencies of every section, also those of one platform.
fn dependencies(text: &str, manifest: &Table) -> Vec<Dependency> {
    let platforms = manifest.get("target").and_then(Value::as_table).into_iter().flatten();
    let tables = platforms.filter_map(|(_, table)| table.as_table()).chain([manifest]);
    let mut found = Vec::new();
    for table in tables {
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let entries = table.get(section).and_then(Value::as_table).into_iter().flatten();
            found.extend(entries.map(|(key, entry)| {
                // `package` is the real name of a dependency that was given another one.
                let renamed = entry.get("package").and_then(Value::as_str);
                Dependency {
                    name: renamed.unwrap_or(key).to_owned(),
                    line: line_of_key(text, section, key),
                    only_for_tests: section == "dev-dependencies",
                }
            }));
        }
    }
    found
}

/// The line of a key after the header of its section, or as a header of its own.
fn line_of_key(text: &str, section: &str, key: &str) -> usize {
    let mut in_section = false;
    for (index, line) in text.lines().enumerate() {
        if let Some(header) = line.strip_prefix('[') {
            in_section = header.ends_with(&format!("{section}]"));
            if header.ends_with(&format!("{section}.{key}]")) {
                return index + 1;
            }
        }
        let after = line.strip_prefix(key);
        if in_section && after.is_some_and(|rest| rest.starts_with([' ', '=', '.'])) {
            return index + 1;
        }
    }
    1
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => pattern == name,
    }
}
