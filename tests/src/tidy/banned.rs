//! Calls that the product's code does not make. Clippy forbids most of them too; here they also
//! hold in code that is compiled out, and HTTP status codes have their one place.

use super::{Repository, RustText, Violation};

const CALLS: [(&str, &str); 7] = [
    (".unwrap()", "return an error, or say the invariant with `expect` where no input reaches it"),
    (".unwrap_err()", "match on the result"),
    ("todo!", "finish it, or leave it out and say so in the README"),
    ("unimplemented!", "refuse it with an error that names what is not supported"),
    ("dbg!", "use `tracing`, without patient data"),
    ("#[allow(", "use `#[expect(lint, reason = \"…\")]`, which ends when its cause ends"),
    ("#![allow(", "use `#![expect(lint, reason = \"…\")]`, which ends when its cause ends"),
];

/// Where an HTTP status is decided: one table of errors, and the answers of success beside it.
/// An entry that ends in `/` is a folder.
const STATUS_PLACES: [&str; 3] =
    ["server/src/error.rs", "server/src/respond.rs", "server/src/respond/"];

pub fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in repository.rust_files() {
        if repository.is_test_file(path) {
            continue;
        }
        for (call, remedy) in CALLS {
            let found = text.find(call).filter(|at| !text.in_tests(*at));
            violations.extend(found.map(|at| Violation {
                path: path.to_owned(),
                line: text.line(at),
                what: format!("`{call}`"),
                remedy,
            }));
        }
        if path.starts_with("server/src/") && !may_name_status(path) {
            violations.extend(status_codes(path, &text));
        }
    }
    violations
}

fn may_name_status(path: &str) -> bool {
    STATUS_PLACES
        .iter()
        .any(|place| path == *place || (place.ends_with('/') && path.starts_with(place)))
}

/// `StatusCode::NOT_FOUND` and actix-web's short form of it, `HttpResponse::NotFound`.
fn status_codes(path: &str, text: &RustText<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for start in ["StatusCode::", "HttpResponse::"] {
        for at in text.find(start).filter(|at| !text.in_tests(*at)) {
            let rest = &text.code[at + start.len()..];
            if rest.starts_with(|first: char| first.is_ascii_uppercase()) {
                violations.push(Violation {
                    path: path.to_owned(),
                    line: text.line(at),
                    what: "an HTTP status is decided here".to_owned(),
                    remedy: "return an `Error` or go through `respond`: status codes have one place",
                });
            }
        }
    }
    violations
}
