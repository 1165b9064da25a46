//! The repository keeps its own promises, and the checks that say so find what they look for.

use anyhow::Result;
use genkan_tests::tidy::{CHECKS, Repository, Violation, root};

#[test]
fn the_repository_keeps_its_promises() -> Result<()> {
    let repository = Repository::read(&root())?;
    let mut broken = 0;
    for (name, check) in CHECKS {
        for violation in check(&repository) {
            println!("{name}: {violation}");
            broken += 1;
        }
    }
    assert_eq!(broken, 0, "each broken promise is listed above with what to do");
    Ok(())
}

/// Runs one check on one file and returns what it found as `line: what`.
fn findings(name: &str, path: &str, text: &str) -> Vec<String> {
    let (_, check) = CHECKS.iter().find(|(known, _)| *known == name).expect("a known check");
    let found = check(&Repository::of(&[(path, text)]));
    let here = found.into_iter().filter(|violation| violation.path == path);
    here.map(|Violation { line, what, .. }| format!("{line}: {what}")).collect()
}

/// Every case is `(path, text, the beginning of each finding)`; none means it is fine.
fn expect(name: &str, cases: &[(&str, &str, &[&str])]) {
    for (path, text, expected) in cases {
        let found = findings(name, path, text);
        let same = found.len() == expected.len()
            && found.iter().zip(*expected).all(|(found, start)| found.starts_with(start));
        assert!(same, "{path}:\n{text}\nexpected {expected:?}\nfound {found:?}");
    }
}

#[test]
fn dependencies_against_the_grain_are_found() {
    let package = |name: &str, rest: &str| format!("[package]\nname = \"{name}\"\n{rest}");
    let cases = [
        (
            "genkan-fhir",
            "[dependencies]\ngenkan-adapter.workspace = true\n",
            Some("4: `genkan-fhir` depends"),
        ),
        (
            "genkan-adapter-sql",
            "[dependencies]\ngenkan-fhir = { path = \"\" }",
            Some("4: `genkan-adapter-sql` depends"),
        ),
        (
            "genkan-adapter-sql",
            "[dev-dependencies.genkan-fhir]\npath = \"\"",
            Some("3: `genkan-adapter-sql` depends"),
        ),
        (
            "genkan-mapping",
            "[dependencies]\nx = { package = \"genkan\" }",
            Some("4: `genkan-mapping` depends on `genkan`"),
        ),
        (
            "genkan-mapping",
            "[target.'cfg(unix)'.dependencies]\ntokio = \"1\"",
            Some("4: `genkan-mapping` uses `tokio`"),
        ),
        (
            "genkan-fhir",
            "[dependencies]\nsea-query = \"1\"",
            Some("4: `genkan-fhir` uses `sea-query`"),
        ),
        (
            "genkan-adapter-odbc",
            "[dependencies]\nfhirbolt = \"1\"",
            Some("4: `genkan-adapter-odbc` uses"),
        ),
        ("genkan-stray", "", Some("1: package `genkan-stray` has no place")),
        ("genkan-mapping", "[dependencies]\ngenkan-fhir = \"1\"\ngenkan-adapter = \"1\"", None),
        ("genkan-mapping", "[dev-dependencies]\ntokio = \"1\"", None),
        ("genkan", "[dependencies]\ngenkan-adapter-sql = \"1\"\nactix-web = \"4\"", None),
    ];
    for (name, rest, expected) in cases {
        let manifest = package(name, rest);
        expect("crate graph", &[("x/Cargo.toml", &manifest, expected.as_slice())]);
    }
    expect("crate graph", &[("x/Cargo.toml", "[package", &["1: no TOML"])]);
}

#[test]
fn pure_packages_that_reach_out_are_found() {
    let (fhir, mapping) = ("server/fhir/src/a.rs", "mapping-rules/src/a.rs");
    expect(
        "purity",
        &[
            (fhir, "//! a\nuse std::fs;", &["2: `std::fs`"]),
            (mapping, "use std::{fmt, net::{self, IpAddr}};", &["1: `std::net`", "1: `std::net`"]),
            (mapping, "use std::{\n    collections::BTreeMap,\n    env,\n};", &["3: `std::env`"]),
            (fhir, "use std::time::{Duration, SystemTime};", &["1: `std::time::SystemTime`"]),
            (fhir, "fn f() { let now = chrono::Utc::now(); }", &["1: `Utc::now`"]),
            (fhir, "fn f() { println!(\"\"); }", &["1: `println!`"]),
            (mapping, "pub async fn f() {}", &["1: `async fn`"]),
            (mapping, "fn f() -> u8 { rand::random() }", &["1: `rand::`"]),
            (fhir, "use std::time::Duration; enum Type { Instant } // std::fs", &[]),
            (fhir, "fn f() -> &'static str { \"std::fs, tokio::spawn\" }", &[]),
            (fhir, "use std::fmt::Write as _; use std::process_like;", &[]),
            (fhir, "#[cfg(test)]\nmod tests {\n    use std::fs;\n}", &[]),
            ("server/fhir/tests/a.rs", "use std::fs;", &[]),
            ("server/src/a.rs", "use std::fs;", &[]),
            (
                "adapters/sql/src/a.rs",
                "// a FHIR server asks\nstruct FhirRow;",
                &["2: an adapter names"],
            ),
            ("adapters/sql/src/a.rs", "// a FHIR server asks\nstruct Row;", &[]),
        ],
    );
}

#[test]
fn a_file_of_tests_is_known_by_its_parent() {
    let text = "use std::fs;";
    let parent = "//! a\n#[cfg(test)]\nmod oracle;\n";
    let cases = [
        ("server/fhir/src/a.rs", "server/fhir/src/a/oracle.rs", 0),
        ("server/fhir/src/lib.rs", "server/fhir/src/oracle.rs", 0),
        ("server/fhir/src/a.rs", "server/fhir/src/a/real.rs", 1),
    ];
    let (_, purity) = CHECKS.iter().find(|(name, _)| *name == "purity").expect("a known check");
    for (parent_path, path, expected) in cases {
        let repository = Repository::of(&[(parent_path, parent), (path, text)]);
        assert_eq!(purity(&repository).len(), expected, "{path}");
    }
}

#[test]
fn long_files_and_long_functions_are_found() {
    let function = |lines: usize| format!("fn f(\n) {{\n{}}}\n", "    a; // }\n".repeat(lines - 3));
    let file = |lines: usize| "// x\n".repeat(lines);
    let inner = format!("impl A {{\n    pub {}}}\n", function(71));
    let quoted = format!("const A: &str = \"fn f() {{{}}}\";\n", "\n".repeat(80));
    expect(
        "lengths",
        &[
            ("a/src/x.rs", &function(71), &["1: `f` has 71 lines"]),
            ("a/src/x.rs", &inner, &["2: `f` has 71 lines"]),
            ("a/src/x.rs", &function(70), &[]),
            ("a/src/x.rs", &quoted, &[]),
            ("a/src/x.rs", "trait A { fn f(&self) -> [u8; 4]; }\ntype F = fn(u8) -> u8;", &[]),
            ("a/src/x.rs", &file(501), &["501: 501 lines"]),
            ("a/src/x.rs", &file(500), &[]),
            ("a/README.md", &file(501), &[]),
        ],
    );
}

#[test]
fn names_that_say_nothing_are_found() {
    let good = "//! What is here.\n";
    expect(
        "layout and names",
        &[
            ("a/src/x/mod.rs", good, &["1: a `mod.rs`"]),
            ("a/src/x.rs", "use a::b;\n", &["1: the module does not say"]),
            ("a/src/x.rs", "", &["1: the module does not say"]),
            ("a/tests/x.rs", "use a::b;\n", &[]),
            ("a/src/string_util.rs", good, &["1: the name `string_util`"]),
            ("a/src/common/x.rs", good, &["1: the name `common`"]),
            ("a/src/data.rs", good, &["1: the name `data`"]),
            ("rules/misc.map.yaml", "", &["1: the name `misc`"]),
            ("a/src/x.rs", "//! x\nmod helpers { }\n", &["2: the name `helpers`"]),
            ("a/src/data_types.rs", good, &[]),
            ("a/src/x.rs", "//! mod common;\nmod commons;\n", &[]),
        ],
    );
}

#[test]
fn banned_calls_and_stray_status_codes_are_found() {
    let path = "server/src/read.rs";
    expect(
        "banned calls",
        &[
            (path, "fn f() {\n    g().unwrap();\n}", &["2: `.unwrap()`"]),
            (path, "fn f() { todo!() }", &["1: `todo!`"]),
            (path, "#[allow(dead_code)]\nfn f() {}", &["1: `#[allow(`"]),
            (path, "fn f() { g().unwrap_or(1); // .unwrap() \n}", &[]),
            (path, "#[cfg(test)]\nmod tests { fn f() { g().unwrap() } }", &[]),
            ("server/tests/a.rs", "fn f() { g().unwrap() }", &[]),
            (path, "fn f() -> S { StatusCode::NOT_FOUND }", &["1: an HTTP status"]),
            (path, "fn f() -> S { HttpResponse::Ok().finish() }", &["1: an HTTP status"]),
            (path, "fn f() -> S { StatusCode::from_u16(x) }", &[]),
            ("server/src/error.rs", "fn f() -> S { StatusCode::NOT_FOUND }", &[]),
            ("server/src/respond/bundle.rs", "fn f() -> S { StatusCode::OK }", &[]),
            ("server/src/responders.rs", "fn f() -> S { StatusCode::OK }", &["1: an HTTP"]),
        ],
    );
}

#[test]
fn a_tree_that_is_not_the_folders_is_found() {
    let readme = |tree: &str| format!("# x\n```tree\n{tree}```\nafter/\n");
    let cases = [
        ("server/  x\nserver/fhir/  y\nmapping-rules/rules/demo/ z\nmapping-rules/ r\n", vec![]),
        (
            "server/  x\nserver/fhir/  y\nmapping-rules/ r\n",
            vec!["2: the tree lacks `mapping-rules/rules/demo/`"],
        ),
        (
            "server/\nserver/fhir/\nmapping-rules/\nmapping-rules/rules/demo/\nserver/old/ gone\nserver no slash\n",
            vec!["7: the tree names `server/old/`", "8: the tree names `server`"],
        ),
    ];
    let (_, check) = CHECKS.iter().find(|(name, _)| *name == "documents").expect("a known check");
    for (tree, expected) in cases {
        let readme = readme(tree);
        let files = [
            ("README.md", readme.as_str()),
            ("server/fhir/Cargo.toml", ""),
            ("mapping-rules/rules/demo/a.map.yaml", ""),
            (".ci/run", ""),
        ];
        let found = check(&Repository::of(&files)).into_iter().filter(|v| v.path == "README.md");
        let found: Vec<String> = found.map(|v| format!("{}: {}", v.line, v.what)).collect();
        assert_eq!(found.len(), expected.len(), "{found:?}");
        assert!(found.iter().zip(expected).all(|(f, start)| f.starts_with(start)), "{found:?}");
    }
    expect("documents", &[("README.md", "# x\n", &["1: there is no block"])]);
}

#[test]
fn missing_documents_are_found() {
    let (_, check) = CHECKS.iter().find(|(name, _)| *name == "documents").expect("a known check");
    let found = check(&Repository::of(&[("CHANGELOG.md", "# Changes\n")]));
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(
        found.contains(&"CHANGELOG.md:1: it does not say `## [Unreleased]`; add that".to_owned())
    );
    for path in ["README.md", "CONTRIBUTING.md", "LICENSE-MIT", "LICENSE-APACHE"] {
        assert!(found.contains(&format!("{path}:1: there is no such file; write it")), "{found:?}");
    }
}

#[test]
fn paths_of_one_machine_are_found() {
    let machine = concat!("/wo", "rk/");
    let cases = [
        (format!("a\nread `{machine}shared`"), vec!["2: a path of one machine"]),
        (format!("\"{machine}x\""), vec!["1: a path of one machine"]),
        (format!("https://example.org{machine}x and ./a{machine}x"), vec![]),
    ];
    for (text, expected) in cases {
        expect("paths of one machine", &[("docs/a.md", &text, &expected)]);
    }
}
