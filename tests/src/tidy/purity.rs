//! Same rows + same rules + same context = same bytes. That holds because the pure packages reach
//! nothing that could differ; and adapters stay adapters because they know no FHIR.

use super::{Repository, RustText, Violation};

/// The sources of the packages that decide what a resource is.
const PURE: [&str; 3] = ["server/fhir/src/", "mapping-rules/src/", "mapping-rules/masters/src/"];

const IMPURE_PATHS: [(&str, &str); 8] = [
    ("std::fs", "the file system"),
    ("std::net", "the network"),
    ("std::env", "the environment"),
    ("std::process", "processes"),
    ("std::thread", "threads"),
    ("std::os", "the operating system"),
    ("std::time::Instant", "the clock"),
    ("std::time::SystemTime", "the clock"),
];

/// `std::time` itself is fine (`Duration`), and FHIR has an `Instant` of its own.
const IMPURE_WORDS: [(&str, &str); 20] = [
    ("std::io::stdin", "standard input"),
    ("std::io::stdout", "standard output"),
    ("std::io::stderr", "standard output"),
    ("print!", "standard output"),
    ("println!", "standard output"),
    ("eprint!", "standard output"),
    ("eprintln!", "standard output"),
    ("Instant::now", "the clock"),
    ("SystemTime::now", "the clock"),
    ("Utc::now", "the clock"),
    ("Local::now", "the clock"),
    ("Local::today", "the clock"),
    ("async fn", "async"),
    ("async move", "async"),
    (".await", "async"),
    ("tokio::", "async"),
    ("futures::", "async"),
    ("rand::", "randomness"),
    ("getrandom::", "randomness"),
    ("RandomState", "randomness"),
];

pub fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in repository.rust_files() {
        if PURE.iter().any(|start| path.starts_with(start)) && !repository.is_test_file(path) {
            violations.extend(impure_places(path, &text));
        }
        if is_adapter_source(path) && !repository.is_test_file(path) {
            violations.extend(fhir_names(path, &text));
        }
    }
    violations
}

fn impure_places(path: &str, text: &RustText<'_>) -> Vec<Violation> {
    let mut found: Vec<(usize, &str, &str)> = Vec::new();
    for (std_path, at) in text.std_paths() {
        let below = |start: &str| {
            std_path
                .strip_prefix(start)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        };
        let impure = IMPURE_PATHS.iter().find(|(start, _)| below(start));
        found.extend(impure.map(|(start, reach)| (at, *start, *reach)));
    }
    for (pattern, reach) in IMPURE_WORDS {
        found.extend(text.find(pattern).map(|at| (at, pattern, reach)));
    }
    found.retain(|(at, ..)| !text.in_tests(*at));
    found.sort_unstable();
    let violation = |(at, name, reach)| Violation {
        path: path.to_owned(),
        line: text.line(at),
        what: format!("`{name}`: a pure package reaches {reach}"),
        remedy: "take it as an argument; the server does the reaching",
    };
    found.into_iter().map(violation).collect()
}

fn is_adapter_source(path: &str) -> bool {
    path.starts_with("adapters/") && path.contains("/src/")
}

fn fhir_names(path: &str, text: &RustText<'_>) -> Vec<Violation> {
    let lower = text.code.to_ascii_lowercase();
    let found = lower.match_indices("fhir").filter(|(at, _)| !text.in_tests(*at));
    let violation = |(at, _)| Violation {
        path: path.to_owned(),
        line: text.line(at),
        what: "an adapter names FHIR".to_owned(),
        remedy: "an adapter knows rows and columns; FHIR belongs to the mapping or to the server",
    };
    found.map(violation).collect()
}
