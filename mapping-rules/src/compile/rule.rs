//! One rule file, section by section.

use std::collections::BTreeMap;

use genkan_adapter::{Predicate, SourceSchema};
use genkan_fhir::definitions::Definitions;

use super::emit::EmitCompiler;
use super::sources::Scope;
use super::structure::{Entries, text};
use super::{Header, RuleWithSearch, Shared};
use crate::diagnostic::Diagnostic;
use crate::program::{Place, Rule, Site, Term};
use crate::search::Override;
use crate::testing;
use crate::yaml::Yaml;

const SECTIONS: [&str; 11] = [
    "rule", "resource", "profile", "from", "where", "updated", "blank", "emit", "search", "write",
    "tests",
];

pub(super) fn compile(
    yaml: &Yaml,
    header: &Header,
    shared: &Shared,
    schema: &SourceSchema,
    site: &Site,
    found: &mut Vec<Diagnostic>,
) -> Option<RuleWithSearch> {
    let entries = note(Entries::of(yaml), found)?;
    note(entries.only(&SECTIONS), found);
    if let Some(write) = entries.get("write") {
        let en = "`write` (incoming documents) is not part of this release";
        found.push(Diagnostic::error(
            "E0205",
            write.span,
            en,
            "write（書き込み）はこの版では使えません",
        ));
    }
    let mut scope = Scope::open(
        entries.get("from")?,
        entries.get("blank"),
        schema,
        (site, &shared.lookups),
        found,
    )?;
    let filter = note(scope.condition(entries.get("where"), Place::Root), found).flatten();
    scope.filter = filter.unwrap_or(Predicate::TRUE);
    let updated = updated(&mut scope, &entries, found);
    let profile = entries.get("profile").and_then(|yaml| note(text(yaml), found));
    let emit_yaml = note(entries.required("emit"), found)?;
    let mut compiler = EmitCompiler::new(&mut scope, shared, found);
    let (emit, required) = compiler.resource(&header.resource, emit_yaml);
    let contained = compiler.contained;
    let overrides = overrides(&mut scope, header, &entries, found);
    let tests = match entries.get("tests") {
        Some(tests) => testing::read(tests, schema, found),
        None => Vec::new(),
    };
    let Scope { root, children, key, filter, .. } = scope;
    let rule = Rule {
        id: header.id.clone(),
        span: yaml.span,
        resource: header.resource.clone(),
        profile: profile.map(str::to_owned),
        root,
        key,
        filter,
        children,
        updated,
        emit,
        required,
        contained,
        parameters: Vec::new(),
        withheld: Vec::new(),
        tests,
    };
    Some((rule, overrides))
}

fn note<T>(result: Result<T, Diagnostic>, found: &mut Vec<Diagnostic>) -> Option<T> {
    result.map_err(|diagnostic| found.push(diagnostic)).ok()
}

/// `updated: = …`, or `updated: hash` where the source has no such column.
fn updated(scope: &mut Scope, entries: &Entries, found: &mut Vec<Diagnostic>) -> Option<Term> {
    let yaml = entries.get("updated")?;
    if yaml.as_text() == Some("hash") {
        return None;
    }
    let term = note(scope.expression(yaml), found)?;
    let mut elsewhere = false;
    term.names(&mut |column| elsewhere |= column.place != Place::Root);
    if elsewhere {
        let en = "`updated` may only use the root and its one/maybe tables";
        let ja = "updated には many の表を使えません";
        found.push(Diagnostic::error("E0413", yaml.span, en, ja));
    }
    Some(term)
}

/// `search:` — `off`, or `{column: = …}`, or `= …` for short.
fn overrides(
    scope: &mut Scope,
    header: &Header,
    entries: &Entries,
    found: &mut Vec<Diagnostic>,
) -> BTreeMap<String, Override> {
    let mut overrides = BTreeMap::new();
    let Some(section) = entries.get("search") else { return overrides };
    let Some(section) = note(Entries::of(section), found) else { return overrides };
    let known = Definitions::r4().search_parameters(&header.resource);
    for (key, value) in section.iter() {
        if !known.iter().any(|parameter| parameter.code == key.name) {
            let en =
                format!("FHIR R4 has no search parameter `{}` for {}", key.name, header.resource);
            let ja = format!("{} に検索パラメータ「{}」はありません", header.resource, key.name);
            let names = known.iter().map(|parameter| parameter.code);
            found.push(Diagnostic::error("E0701", key.span, en, ja).nearest(&key.name, names));
            continue;
        }
        if let Some(replacement) = note(replacement(scope, value), found) {
            overrides.insert(key.name.clone(), replacement);
        }
    }
    overrides
}

fn replacement(scope: &mut Scope, yaml: &Yaml) -> Result<Override, Diagnostic> {
    if yaml.as_text() == Some("off") {
        return Ok(Override::Off);
    }
    let column = match yaml.as_map() {
        Some(_) => {
            let entries = Entries::of(yaml)?;
            if let Some(sql) = entries.get("sql") {
                let en = "raw SQL is not part of this release";
                return Err(Diagnostic::error(
                    "E0702",
                    sql.span,
                    en,
                    "SQL の直接記述はこの版では使えません",
                )
                .hint("name a column: `{column: = alias.COLUMN}`", "列を指定してください"));
            }
            entries.only(&["column"])?;
            entries.required("column")?
        }
        None => yaml,
    };
    let term = scope.expression(column)?;
    let mut elsewhere = false;
    term.names(&mut |column| elsewhere |= column.place != Place::Root);
    if elsewhere {
        let en = "a search column must be in the root or its one/maybe tables";
        let ja = "search の列は根の表か one / maybe の表に限ります";
        return Err(Diagnostic::error("E0703", column.span, en, ja));
    }
    Ok(Override::Column(term))
}
