//! How long files and functions get. Clippy counts the code of a function; this counts what a
//! reader scrolls past, with the signature, comments and blank lines, and files.

use super::{Repository, Violation};

pub const FILE_LINES_MAX: usize = 500;
pub const FUNCTION_LINES_MAX: usize = 70;

/// Files that a program writes: nobody scrolls through them.
const GENERATED: [&str; 0] = [];

pub fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in repository.rust_files() {
        if GENERATED.contains(&path) {
            continue;
        }
        let lines = text.raw.lines().count();
        if lines > FILE_LINES_MAX {
            violations.push(Violation {
                path: path.to_owned(),
                line: FILE_LINES_MAX + 1,
                what: format!("{lines} lines, and {FILE_LINES_MAX} is the limit"),
                remedy: "move one idea into a module of its own, named after it",
            });
        }
        let long = text.functions().into_iter().filter(|f| f.lines > FUNCTION_LINES_MAX);
        violations.extend(long.map(|function| Violation {
            path: path.to_owned(),
            line: function.first_line,
            what: format!(
                "`{}` has {} lines, limit {FUNCTION_LINES_MAX}",
                function.name, function.lines
            ),
            remedy: "keep the control flow here and move the leaves into functions below",
        }));
    }
    violations
}
