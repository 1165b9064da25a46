//! One rule file, section by section.

use std::collections::{BTreeMap, BTreeSet};

use genkan_adapter::{ColumnKind, Predicate};
use genkan_fhir::definitions::{Definitions, check_primitive};

use super::emit::EmitCompiler;
use super::sources::Scope;
use super::structure::{Entries, text};
use super::{Header, RuleWithSearch, Shared, version};
use crate::diagnostic::Diagnostic;
use crate::expression::ExpressionKind as K;
use crate::grammar;
use crate::lens::Lens;
use crate::program::{Place, Rule, Site, Term, Version};
use crate::search::Override;
use crate::sources::SourceSchemas;
use crate::testing;
use crate::yaml::Yaml;

pub(super) fn compile(
    yaml: &Yaml,
    header: &Header,
    shared: &Shared,
    schemas: &SourceSchemas,
    site: &Site,
    found: &mut Vec<Diagnostic>,
) -> Option<RuleWithSearch> {
    let entries = note(Entries::of(yaml), found)?;
    entries.only(&[&grammar::SECTIONS[..], &[grammar::WRITE]].concat(), found);
    if let Some(write) = entries.get(grammar::WRITE) {
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
        schemas.at(header.source),
        (site, &shared.lookups),
        found,
    )?;
    let filter = note(scope.condition(entries.get("where"), Place::Root), found).flatten();
    scope.filter = filter.unwrap_or(Predicate::TRUE);
    let updated = updated(&mut scope, &entries, found);
    let version = note(version::read(&entries, &updated), found).unwrap_or(Version::Image);
    let profile = entries.get("profile").and_then(|yaml| note(profile(yaml), found));
    let emit_yaml = note(entries.required("emit"), found)?;
    let mut compiler = EmitCompiler::new(&mut scope, shared, found);
    let (emit, required) = compiler.resource(&header.resource, emit_yaml, profile.is_some());
    let contained = compiler.contained;
    let overrides = overrides(&mut scope, header, &entries, found);
    let tests = match entries.get("tests") {
        Some(tests) => testing::read(tests, header, schemas, found),
        None => Vec::new(),
    };
    let Scope { root, children, key, filter, .. } = scope;
    let rule = Rule {
        id: header.id.clone(),
        span: yaml.span,
        resource: header.resource.clone(),
        source: header.source,
        profile,
        root,
        key,
        filter,
        children,
        updated,
        version,
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

/// `updated: = …`, a list of which the latest counts, or `updated: hash` where the source has no such
/// column.
fn updated(scope: &mut Scope, entries: &Entries, found: &mut Vec<Diagnostic>) -> Vec<Term> {
    let Some(yaml) = entries.get("updated").filter(|yaml| yaml.as_text() != Some(grammar::HASH))
    else {
        return Vec::new();
    };
    let items = yaml.as_list().unwrap_or(std::slice::from_ref(yaml));
    let terms = items.iter().map(|item| moment(scope, item));
    terms.filter_map(|term| note(term, found)).collect()
}

fn moment(scope: &mut Scope, yaml: &Yaml) -> Result<Term, Diagnostic> {
    let term = scope.expression(yaml)?;
    let mut children = BTreeSet::new();
    term.names(&mut |column| {
        if let Place::Child(index) = column.place {
            children.insert(index);
        }
    });
    if children.len() > 1 {
        let en = "an entry of `updated` may use one `many` table, not several";
        let ja = "updated の 1 つの式に使える many の表は 1 つだけです";
        return Err(Diagnostic::error("E0413", yaml.span, en, ja));
    }
    if is_moment(&term) {
        return Ok(term);
    }
    let en = "`updated` needs a day or a time, and this is neither";
    let ja = "updated には日付か日時が必要です";
    let diagnostic = Diagnostic::error("E0418", term.span, en, ja);
    Err(match term.kind {
        K::Concat(_) => diagnostic.hint(
            "`|` binds tighter than `&`: write `= (a.DAY & a.TIME) | datetime`",
            "「|」は「&」より強く結びつきます。= (a.DAY & a.TIME) | datetime と書いてください",
        ),
        _ => diagnostic.hint(
            "read the text as a date: `= alias.COLUMN | datetime`",
            "文字列の列は = alias.COLUMN | datetime のように変換してください",
        ),
    })
}

fn is_moment(term: &Term) -> bool {
    match &term.kind {
        K::Name(column) => {
            matches!(column.kind, ColumnKind::Date | ColumnKind::DateTime | ColumnKind::Instant)
        }
        K::Pipe(_, lens) => matches!(lens, Lens::Date | Lens::Wareki | Lens::DateTime),
        K::Else(first, second) => is_moment(first) && is_moment(second),
        _ => false,
    }
}

/// Canonicals of profiles are compared as a whole, so that half of one is none.
fn profile(yaml: &Yaml) -> Result<String, Diagnostic> {
    let url = text(yaml)?;
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    let absolute = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
        && url.len() > scheme.len() + 1;
    if absolute && check_primitive("canonical", url).is_ok() {
        return Ok(url.to_owned());
    }
    let en = "a profile is an absolute URL: http://…";
    Err(Diagnostic::error("E0210", yaml.span, en, "profile は絶対 URL（http://…）で書きます"))
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
        if let Some(replacement) = note(replacement(scope, value, found), found) {
            overrides.insert(key.name.clone(), replacement);
        }
    }
    overrides
}

fn replacement(
    scope: &mut Scope,
    yaml: &Yaml,
    found: &mut Vec<Diagnostic>,
) -> Result<Override, Diagnostic> {
    if yaml.as_text() == Some(grammar::OFF) {
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
            entries.only(&grammar::SEARCH, found);
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
