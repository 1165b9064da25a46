//! From the files of a rule set to a program, or to everything that is wrong with them.
//!
//! One pass over all files reports all findings; a rule set with an error is not used at all.

mod blanks;
mod codes;
mod emit;
mod fragments;
mod rule;
mod same_row;
mod sources;
pub(crate) mod structure;
mod version;

use std::collections::{BTreeMap, BTreeSet};

use genkan_adapter::ColumnKind;
use genkan_fhir::definitions::Definitions;
use genkan_masters::{Crosswalk, Store};

use crate::codemap::{self, CodeMap, Compared};
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::image::Imaging;
use crate::program::{Rule, RuleFile, RuleSet, Site};
use crate::search;
use crate::sources::SourceSchemas;
use crate::yaml::{self, Yaml};

use structure::Entries;

/// Files beyond this number are refused: a folder with so many is not a rule set.
const FILES_MAX: usize = 4096;

/// The files of a rule set as the shell has read them: path relative to the folder, and content.
#[derive(Debug, Clone, Default)]
pub struct RuleFiles(pub Vec<(String, Vec<u8>)>);

/// What came out: the rules if nothing is wrong, and every finding.
#[derive(Debug)]
pub struct Compiled {
    pub rules: Option<RuleSet>,
    pub diagnostics: Vec<Diagnostic>,
    /// For rendering the findings.
    pub files: Vec<RuleFile>,
    /// How far the code maps could be compared with the masters.
    pub compared: Vec<Compared>,
}

/// What all rules share while they are compiled.
pub(crate) struct Shared {
    pub headers: Vec<Header>,
    pub fragments: BTreeMap<String, Yaml>,
    pub code_maps: Vec<CodeMap>,
    pub lookups: BTreeMap<String, BTreeMap<String, String>>,
    pub broken: Broken,
}

/// What is there but could not be read. That was said; nobody misses it a second time.
#[derive(Debug, Default)]
pub(crate) struct Broken {
    /// A rule file: any rule may be meant.
    pub rules: bool,
    /// A file of fragments: any fragment may be meant.
    pub fragments: bool,
    /// `codemaps.yaml` as a whole.
    code_maps: bool,
    /// Entries of `codemaps.yaml`.
    maps: BTreeSet<String>,
}

impl Broken {
    pub fn has_map(&self, id: &str) -> bool {
        self.code_maps || self.maps.contains(id)
    }
}

/// What other rules may know of a rule before it is compiled.
pub(crate) struct Header {
    pub id: String,
    pub resource: String,
    /// The place of its source.
    pub source: usize,
    /// The kind of each column of the key; `None` where it doesn't exist, which its own rule says.
    pub key: Vec<Option<ColumnKind>>,
}

/// Compiles a rule set against the schemas of its sources, and its code maps against the masters: an
/// empty store where none are loaded.
pub fn compile(
    files: &RuleFiles,
    schemas: &SourceSchemas,
    site: &Site,
    masters: &Store,
) -> Compiled {
    let mut found = Vec::new();
    let mut sources = Sources::read(files, &mut found);
    let mut broken = std::mem::take(&mut sources.broken);
    let yamls = std::mem::take(&mut sources.rules);
    let count = yamls.len();
    let rules: Vec<(Yaml, Header)> = headers(yamls, schemas, &mut found);
    broken.rules |= rules.len() < count;
    let (yamls, headers): (Vec<Yaml>, Vec<Header>) = rules.into_iter().unzip();
    let masters = Crosswalk::new(masters);
    let codes::CodeMaps { maps: code_maps, compared, derived } =
        codes::read(&sources, &masters, &mut broken, &mut found);
    let lookups = codes::lookups(&sources, &mut found);
    let fragments = fragments::read(&sources, &mut found);
    if !broken.rules {
        fragments::unused(&fragments, &yamls, &mut found);
    }
    let shared = Shared { headers, fragments, code_maps, lookups, broken };
    let mut rules = Vec::with_capacity(yamls.len());
    for (yaml, header) in yamls.iter().zip(&shared.headers) {
        rules.extend(rule::compile(yaml, header, &shared, schemas, site, &mut found));
    }
    let Shared { headers, code_maps, lookups, .. } = shared;
    let targets: Vec<&str> = headers.iter().map(|header| header.resource.as_str()).collect();
    let imaging =
        Imaging { lookups: &lookups, zone: site.zone, ignore_case: false, complete: true };
    let mut compiled = Vec::with_capacity(rules.len());
    for (mut rule, overrides) in rules {
        search::derive(&mut rule, &overrides, &code_maps, &targets, imaging);
        unanswered(&rule, &overrides, &mut found);
        large_maps(&rule, &code_maps, &mut found);
        compiled.push(rule);
    }
    same_row::link(&mut compiled);
    found.extend(compiled.iter().filter_map(|rule| version::unwatched(&compiled, rule)));
    in_order(&mut found);
    let files = sources.files;
    let refused = found.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    let rules = (!refused).then(|| RuleSet {
        files: files.clone(),
        unindexed: search::unindexed(&compiled, schemas),
        rules: compiled,
        code_maps,
        lookups,
        site: site.clone(),
        sources: schemas.names().map(str::to_owned).collect(),
        fingerprint: fingerprint(&sources.fingerprint, site, &derived),
    });
    Compiled { rules, diagnostics: found, files, compared }
}

/// Of the files with the codes that masters derived, and with the site's constants and zone, which are as
/// much a part of the resources, and of the release that runs them.
fn fingerprint(
    files: &[u8; 32],
    Site { constants, zone }: &Site,
    derived: &blake3::Hasher,
) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(env!("CARGO_PKG_VERSION").as_bytes());
    hasher.update(files).update(&zone.local_minus_utc().to_le_bytes());
    for text in constants.iter().flat_map(|(name, value)| [name, value]) {
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    }
    if derived.count() > 0 {
        hasher.update(derived.finalize().as_bytes());
    }
    *hasher.finalize().as_bytes()
}

/// By place. A fragment is read at each of its uses, and says the same each time.
fn in_order(found: &mut Vec<Diagnostic>) {
    let place = |d: &Diagnostic| (d.span.file, d.span.line, d.span.column, d.code);
    found.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| a.message.en.cmp(&b.message.en)));
    found.dedup_by(|a, b| place(a) == place(b) && a.message == b.message);
}

/// Who names a column for a parameter wants it answered.
fn unanswered(
    rule: &Rule,
    overrides: &BTreeMap<String, search::Override>,
    found: &mut Vec<Diagnostic>,
) {
    for withheld in &rule.withheld {
        if let Some(search::Override::Column(term)) = overrides.get(&withheld.code) {
            let (code, reason) = (&withheld.code, &withheld.reason);
            let en = format!("`{code}` can't be searched so: {}", reason.en);
            let ja = format!("「{code}」はこの指定では検索できません: {}", reason.ja);
            found.push(Diagnostic::warning("W0704", term.span, en, ja));
        }
    }
}

/// A statement takes a limited number of values, and what a map does not carry is asked for by all
/// that it does.
fn large_maps(rule: &Rule, maps: &[CodeMap], found: &mut Vec<Diagnostic>) {
    let branches = rule.parameters.iter().flat_map(|parameter| &parameter.branches);
    let searched: BTreeSet<usize> = branches
        .filter_map(|branch| match &branch.place {
            search::PlaceKind::Coded(coded) => Some(coded.map),
            _ => None,
        })
        .collect();
    for map in searched.into_iter().map(|index| &maps[index]) {
        let span = map.span;
        let said = |known: &Diagnostic| (known.code, known.span) == ("W0706", span);
        if map.mapped(None).len() > search::LOCALS_MAX && !found.iter().any(said) {
            let (most, id) = (search::LOCALS_MAX, &map.id);
            let en = format!(
                "map `{id}` has more than {most} house codes: searches for a whole system and for \
                 the codes of what is not mapped are refused"
            );
            let ja = format!(
                "マップ「{id}」の院内コードが {most} 件を超えるため、体系全体や未コード化の検索はできません"
            );
            found.push(Diagnostic::warning("W0706", span, en, ja));
        }
    }
}

/// The files by their role.
pub(crate) struct Sources {
    pub files: Vec<RuleFile>,
    rules: Vec<Yaml>,
    fragments: Vec<Yaml>,
    pub code_maps: Option<Yaml>,
    /// Name without extension, index of the file, bytes.
    pub code_tables: Vec<(String, u16, Vec<u8>)>,
    pub lookup_tables: Vec<(String, u16, Vec<u8>)>,
    fingerprint: [u8; 32],
    broken: Broken,
}

impl Sources {
    fn read(files: &RuleFiles, found: &mut Vec<Diagnostic>) -> Self {
        let mut hasher = blake3::Hasher::new();
        let mut sources = Sources {
            files: Vec::new(),
            rules: Vec::new(),
            fragments: Vec::new(),
            code_maps: None,
            code_tables: Vec::new(),
            lookup_tables: Vec::new(),
            fingerprint: [0; 32],
            broken: Broken::default(),
        };
        let mut sorted: Vec<_> = files.0.iter().collect();
        sorted.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        if sorted.len() > FILES_MAX {
            let en = format!("a rule set has at most {FILES_MAX} files");
            let ja = format!("規則集のファイルは {FILES_MAX} 個までです");
            found.push(Diagnostic::error("E0108", Span::default(), en, ja));
            sorted.truncate(FILES_MAX);
        }
        for (path, bytes) in sorted {
            let role = Role::of(path);
            if matches!(role, Role::Aside) {
                continue;
            }
            if !matches!(role, Role::Unknown) {
                hasher.update(&(path.len() as u64).to_le_bytes()).update(path.as_bytes());
                hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
            }
            sources.take(path, role, bytes, found);
        }
        sources.fingerprint = *hasher.finalize().as_bytes();
        sources
    }

    fn take(&mut self, path: &str, role: Role, bytes: &[u8], found: &mut Vec<Diagnostic>) {
        let index = u16::try_from(self.files.len()).unwrap_or(u16::MAX);
        let lossy = || String::from_utf8_lossy(bytes).into_owned();
        // As a table is read: its problems are shown with their lines.
        let decoded = path.ends_with(".csv").then(|| codemap::decode(bytes)).flatten();
        let text = decoded.unwrap_or_else(lossy);
        self.files.push(RuleFile { path: path.to_owned(), text });
        let read = match role {
            Role::CodeTable(name) => {
                return self.code_tables.push((name.to_owned(), index, bytes.to_vec()));
            }
            Role::LookupTable(name) => {
                return self.lookup_tables.push((name.to_owned(), index, bytes.to_vec()));
            }
            Role::Unknown | Role::Aside => return found.push(no_role(index, path)),
            Role::Rule | Role::Fragments | Role::CodeMaps => std::str::from_utf8(bytes),
        };
        let read = match read {
            Ok(text) => yaml::parse(index, text),
            Err(error) => Err(not_utf8(index, &bytes[..error.valid_up_to()])),
        };
        match read {
            Ok(yaml) => match role {
                Role::Rule => self.rules.push(yaml),
                Role::Fragments => self.fragments.push(yaml),
                _ => self.code_maps = Some(yaml),
            },
            Err(diagnostic) => {
                match role {
                    Role::Rule => self.broken.rules = true,
                    Role::Fragments => self.broken.fragments = true,
                    _ => self.broken.code_maps = true,
                }
                found.push(diagnostic);
            }
        }
    }
}

/// What a file of the folder is for.
#[derive(Clone, Copy)]
enum Role<'p> {
    Rule,
    Fragments,
    CodeMaps,
    CodeTable(&'p str),
    LookupTable(&'p str),
    /// Lies beside the rules and is none: the recorded schema, texts for people, hidden files.
    Aside,
    Unknown,
}

impl<'p> Role<'p> {
    fn of(path: &'p str) -> Self {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let hidden = path.split('/').any(|part| part.starts_with('.'));
        match (folder, name, name.strip_suffix(".csv")) {
            _ if hidden || name.ends_with(".md") || is_schema(path) => Role::Aside,
            ("", ..) if name.ends_with(".map.yaml") => Role::Rule,
            ("fragments", ..) if name.ends_with(".yaml") => Role::Fragments,
            ("codes", "codemaps.yaml", _) => Role::CodeMaps,
            ("codes", _, Some(table)) => Role::CodeTable(table),
            ("lookups", _, Some(table)) => Role::LookupTable(table),
            _ => Role::Unknown,
        }
    }
}

/// `schema.yaml`, or `schema.NAME.yaml` of a further source.
fn is_schema(path: &str) -> bool {
    let name = path.strip_prefix("schema.").and_then(|rest| rest.strip_suffix("yaml"));
    name.is_some_and(|name| !path.contains('/') && (name.is_empty() || name.ends_with('.')))
}

/// A misspelt name would silently leave out what the file says.
fn no_role(file: u16, path: &str) -> Diagnostic {
    let at = Span { file, line: 1, column: 1, length: 1 };
    let en = format!("`{path}` has no role in a rule set, so nothing of it is used");
    let ja = format!("「{path}」は規則集のどの役割にも当たらず、使われません");
    let roles = "*.map.yaml, fragments/*.yaml, codes/codemaps.yaml, codes/*.csv, lookups/*.csv";
    Diagnostic::warning("W0110", at, en, ja)
        .hint(format!("files of a rule set: {roles}"), format!("規則集のファイル: {roles}"))
}

/// At the first byte that is none.
fn not_utf8(file: u16, valid: &[u8]) -> Diagnostic {
    let before = String::from_utf8_lossy(valid);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let at = Span { file, line: number(line), column: number(column), length: 1 };
    let en = "the file is not UTF-8";
    Diagnostic::error("E0109", at, en, "UTF-8 ではないファイルです")
        .hint("save it as UTF-8", "UTF-8 で保存してください")
}

/// Reads what rules know of each other; a rule without a usable header is left out.
fn headers(
    yamls: Vec<Yaml>,
    schemas: &SourceSchemas,
    found: &mut Vec<Diagnostic>,
) -> Vec<(Yaml, Header)> {
    let mut headers: Vec<(Yaml, Header)> = Vec::new();
    for yaml in yamls {
        match header(&yaml, schemas) {
            Ok(header) if headers.iter().any(|(_, known)| known.id == header.id) => {
                let span = yaml.get("rule").map_or(yaml.span, |rule| rule.span);
                let en = format!("another file has a rule `{}` already", header.id);
                let ja = format!("規則「{}」は別のファイルにもあります", header.id);
                found.push(Diagnostic::error("E0206", span, en, ja));
            }
            Ok(header) => headers.push((yaml, header)),
            Err(diagnostic) => found.push(diagnostic),
        }
    }
    headers
}

/// What the server says of itself and of codes.
const NO_ROWS: [&str; 4] = ["CodeSystem", "ConceptMap", "SearchParameter", "ValueSet"];

fn header(yaml: &Yaml, schemas: &SourceSchemas) -> Result<Header, Diagnostic> {
    let entries = Entries::of(yaml)?;
    let (id, id_span) = entries.text("rule")?;
    let valid = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if id.is_empty() || id.len() > 32 || !id.chars().all(valid) {
        let en = "the id of a rule has 1 to 32 letters, digits or hyphens";
        let ja = "規則の id は英数字とハイフン 1〜32 文字です";
        return Err(Diagnostic::error("E0207", id_span, en, ja));
    }
    let (resource, span) = entries.text("resource")?;
    let definitions = Definitions::r4();
    if !definitions.is_resource(resource) {
        let en = format!("FHIR R4 has no resource `{resource}`");
        let ja = format!("FHIR R4 にリソース「{resource}」はありません");
        let known = definitions.resource_names();
        return Err(Diagnostic::error("E0500", span, en, ja).nearest(resource, known));
    }
    if NO_ROWS.contains(&resource) {
        let en = format!("`{resource}` is made from the rules and masters, never from rows");
        let ja =
            format!("「{resource}」は規則と標準コードマスタから作られます。行からは作れません");
        return Err(Diagnostic::error("E0525", span, en, ja));
    }
    let source = source(&entries, schemas)?;
    let schema = schemas.at(source);
    let root = entries.required("from")?.as_map().and_then(|entries| entries.first());
    let table = root.and_then(|(_, root)| schema.table(root.get("table")?.as_text()?));
    let key = root.and_then(|(_, root)| root.get("key"));
    let parts = key.map_or(&[][..], |key| key.as_list().unwrap_or(std::slice::from_ref(key)));
    let kind = |part: &Yaml| Some(table?.column(part.as_text()?)?.kind);
    let key = parts.iter().map(kind).collect();
    Ok(Header { id: id.to_owned(), resource: resource.to_owned(), source, key })
}

/// `source: NAME`; the main source where the rule names none.
fn source(entries: &Entries, schemas: &SourceSchemas) -> Result<usize, Diagnostic> {
    if entries.get("source").is_none() {
        return Ok(0);
    }
    let (name, span) = entries.text("source")?;
    schemas.place(name).ok_or_else(|| {
        let en = format!("the configuration has no source `{name}` (`[sources.{name}]`)");
        let ja = format!("設定に接続先「{name}」（[sources.{name}]）がありません");
        Diagnostic::error("E0209", span, en, ja).nearest(name, schemas.names())
    })
}

/// A rule with the `search:` overrides that still have to be put in.
type RuleWithSearch = (Rule, BTreeMap<String, search::Override>);
