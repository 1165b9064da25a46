//! Where files lie and what modules are called, so that a reader finds things without searching
//! and no grab-bag starts.

use super::{Repository, RustText, Violation};

/// As any word of a name. They say nothing about what is inside.
const EMPTY_WORDS: [&str; 8] =
    ["util", "utils", "common", "helper", "helpers", "manager", "misc", "stuff"];
/// As the whole name: FHIR's own `data_types` is fine.
const EMPTY_NAMES: [&str; 2] = ["data", "info"];

pub fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in repository.rust_files() {
        if path.ends_with("/mod.rs") {
            violations.push(Violation {
                path: path.to_owned(),
                line: 1,
                what: "a `mod.rs`".to_owned(),
                remedy: "name the file after the module: `x.rs` beside the folder `x/`",
            });
        }
        let in_src = path.starts_with("src/") || path.contains("/src/");
        let opens = text.raw.trim_start().starts_with("//!");
        if in_src && !opens {
            violations.push(Violation {
                path: path.to_owned(),
                line: 1,
                what: "the module does not say what it is".to_owned(),
                remedy: "open it with a `//!` paragraph: what is here and why it is separate",
            });
        }
        violations.extend(empty_module_names(path, &text));
    }
    violations.extend(repository.paths().filter_map(empty_file_name));
    violations
}

fn empty_module_names(path: &str, text: &RustText<'_>) -> Vec<Violation> {
    let bad = text.modules().filter(|(name, _)| is_empty_name(name));
    bad.map(|(name, at)| empty_name(path, text.line(at), name)).collect()
}

/// Any file counts, and the folders on its way: a grab-bag of YAML is one as well.
fn empty_file_name(path: &str) -> Option<Violation> {
    let stem = |part: &'_ str| part.split_once('.').map_or(part, |(stem, _)| stem).to_owned();
    let name = path.split('/').map(stem).find(|stem| is_empty_name(stem))?;
    Some(empty_name(path, 1, &name))
}

fn empty_name(path: &str, line: usize, name: &str) -> Violation {
    Violation {
        path: path.to_owned(),
        line,
        what: format!("the name `{name}` says nothing"),
        remedy: "put it where it is used, or name it after what it is",
    }
}

fn is_empty_name(name: &str) -> bool {
    EMPTY_NAMES.contains(&name) || name.split(['_', '-']).any(|part| EMPTY_WORDS.contains(&part))
}
