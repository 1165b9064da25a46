//! Drafts of rules from what a scan has found: what is certain is written down, what is not is a
//! `# TODO`. A draft claims nothing that nobody knows: a status is `unknown`, a code is the house's
//! own, and what needs a decision stands in a comment.

mod cell;
mod codes;
mod elements;
mod tables;
mod text;

use std::collections::BTreeMap;

use genkan_masters::Store;

use crate::compile::{Compiled, RuleFiles, compile};
use crate::diagnostic::{Diagnostic, Language, Severity, Text};
use crate::program::Site;
use crate::sources::SourceSchemas;

use super::guess::{Guess, ResourceKind};
use super::join::Joined;
use super::profile::TableProfile;

use tables::Tables;
use text::Sheet;

pub use codes::{HouseNames, NameQuery, name_queries};

/// Rounds in which what does not compile is put into comments.
const ROUNDS_MAX: usize = 12;

/// What a scan found, in one place.
#[derive(Clone, Copy)]
pub struct Found<'a> {
    pub tables: &'a [TableProfile],
    pub joins: &'a [Joined],
    pub guesses: &'a [Option<Guess>],
}

/// The files of a drafted rule set: path relative to its folder, and text.
#[derive(Debug, Default)]
pub struct Drafts {
    pub files: Vec<(String, String)>,
    /// Rule, table and type of each draft.
    pub rules: Vec<(String, String, ResourceKind)>,
    /// What could not be drafted, and why.
    pub left_out: Vec<Text>,
}

/// A rule before it is written.
struct Rule {
    id: String,
    kind: ResourceKind,
    table: String,
    sheet: Sheet,
}

/// Drafts a rule for each table that may be a resource. The drafts compile: what does not is put
/// into a comment with the reason. `source`: the source of the tables.
pub fn drafts(
    found: Found,
    names: &[HouseNames],
    (schemas, source, site): (&SourceSchemas, &str, &Site),
    language: Language,
) -> Drafts {
    let ids = ids(found);
    let mut maps = codes::Maps::default();
    let mut rules = Vec::new();
    let mut drafts = Drafts::default();
    for (at, guess) in found.guesses.iter().enumerate() {
        let (Some(guess), Some(id)) = (guess, ids.get(&at)) else { continue };
        let table = &found.tables[at];
        if table.key.is_empty() {
            let name = &table.name;
            drafts.left_out.push(Text::new(
                format!("{name} may be {}, but no key of it was found", guess.kind.name()),
                format!("{name} は {} のようですが、キーが見つかりません", guess.kind.name()),
            ));
            continue;
        }
        let tables = Tables::around(found, at);
        let sheet = elements::sheet(found, &tables, (id, source, guess), &ids, &mut maps, language);
        rules.push(Rule { id: id.clone(), kind: guess.kind, table: table.name.clone(), sheet });
    }
    let code_files = maps.files(names, language);
    settle(&mut rules, &code_files, (schemas, site), language, &mut drafts.left_out);
    drafts.files = rules.iter().map(|rule| (path(&rule.id), rule.sheet.text())).collect();
    drafts.files.extend(code_files);
    drafts.rules = rules.into_iter().map(|rule| (rule.id, rule.table, rule.kind)).collect();
    drafts
}

fn path(id: &str) -> String {
    format!("{id}.map.yaml")
}

/// A name for each rule; the likeliest table of a type has the plain one.
fn ids(found: Found) -> BTreeMap<usize, String> {
    let mut guessed: Vec<(usize, &Guess)> =
        found.guesses.iter().enumerate().filter_map(|(at, g)| Some((at, g.as_ref()?))).collect();
    guessed.sort_by_key(|(at, guess)| (guess.kind, std::cmp::Reverse(guess.score), *at));
    let mut ids: BTreeMap<usize, String> = BTreeMap::new();
    for (at, guess) in guessed {
        let plain = elements::rule_id(guess.kind);
        let letters = found.tables[at].name.chars().filter(char::is_ascii_alphanumeric);
        let slug: String = letters.collect::<String>().to_ascii_lowercase();
        let numbered = (2..).map(|number| format!("{plain}-{number}"));
        let named =
            (!slug.is_empty() && plain.len() + slug.len() < 32).then(|| format!("{plain}-{slug}"));
        let mut wanted = std::iter::once(plain.to_owned()).chain(named).chain(numbered);
        if let Some(id) = wanted.find(|id| !ids.values().any(|known| known == id)) {
            ids.insert(at, id);
        }
    }
    ids
}

/// Compiles the drafts, and puts what is wrong into comments until nothing is.
fn settle(
    rules: &mut Vec<Rule>,
    code_files: &[(String, String)],
    (schemas, site): (&SourceSchemas, &Site),
    language: Language,
    left_out: &mut Vec<Text>,
) {
    for _ in 0..ROUNDS_MAX {
        let files = rules.iter().map(|rule| (path(&rule.id), rule.sheet.text()));
        let files = files.chain(code_files.iter().cloned());
        let files = RuleFiles(files.map(|(path, text)| (path, text.into_bytes())).collect());
        let Compiled { mut diagnostics, files, .. } =
            compile(&files, schemas, site, &Store::default());
        diagnostics.retain(|diagnostic| diagnostic.severity == Severity::Error);
        if diagnostics.is_empty() {
            return;
        }
        for rule in rules.iter_mut() {
            let own = path(&rule.id);
            let of_rule = |found: &&Diagnostic| {
                files.get(usize::from(found.span.file)).is_some_and(|file| file.path == own)
            };
            let wrong: Vec<&Diagnostic> = diagnostics.iter().filter(of_rule).collect();
            let lines = wrong.iter().map(|found| {
                let reason = found.message.in_language(language);
                (found.span.line as usize, format!("{} {reason}", found.code))
            });
            rule.sheet.comment_out(lines.collect());
        }
        rules.retain(|rule| {
            let whole = !rule.sheet.is_hopeless();
            if !whole {
                let (table, kind) = (&rule.table, rule.kind.name());
                left_out.push(Text::new(
                    format!("{table} may be {kind}, but FHIR requires more than was found in it"),
                    format!("{table} は {kind} のようですが、FHIR の必須要素がそろいません"),
                ));
            }
            whole
        });
    }
    // What is still wrong is nothing that can be used.
    rules.clear();
}
