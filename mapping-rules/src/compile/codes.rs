//! `codes/codemaps.yaml` with its CSV files, and the lookup tables.

use std::collections::BTreeMap;

use genkan_masters::{Crosswalk, Kind};

use super::structure::{Entries, list, text, text_list};
use super::{Broken, Sources};
use crate::codemap::{
    self, Cell, CodeMap, Coding, Compared, Derive, LocalEmit, RowProblem, Rows, Sheet, Target,
    Unmapped, UnmappedPolicy, UnmappedSeverity,
};
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::grammar;
use crate::yaml::Yaml;

type Result<T> = std::result::Result<T, Diagnostic>;

/// The maps, and what the masters had to do with them.
pub(super) struct CodeMaps {
    pub maps: Vec<CodeMap>,
    pub compared: Vec<Compared>,
    /// Of all rows that masters made: they are as much a part of the resources as those of the files.
    pub derived: blake3::Hasher,
}

pub(super) fn read(
    sources: &Sources,
    masters: &Crosswalk<'_>,
    broken: &mut Broken,
    found: &mut Vec<Diagnostic>,
) -> CodeMaps {
    let (mut maps, mut compared) = (Vec::new(), Vec::new());
    let mut derived = blake3::Hasher::new();
    let entries = sources.code_maps.as_ref().map(Entries::of).transpose();
    match entries {
        Err(diagnostic) => {
            broken.code_maps = true;
            found.push(diagnostic);
        }
        Ok(None) => {}
        Ok(Some(entries)) => {
            for (key, yaml) in entries.iter() {
                match map(&key.name, key.span, yaml, found) {
                    Ok(map) => maps.push(map),
                    Err(diagnostic) => {
                        broken.maps.insert(key.name.clone());
                        found.push(diagnostic);
                    }
                }
            }
        }
    }
    for (name, file, bytes) in &sources.code_tables {
        let Some(map) = maps.iter_mut().find(|map| map.id == *name) else {
            if broken.has_map(name) {
                continue;
            }
            let at = place(*file, Cell { line: 1, column: 1 });
            let en = format!("`codemaps.yaml` declares no map `{name}`");
            let ja = format!("codemaps.yaml にマップ「{name}」の定義がありません");
            found.push(Diagnostic::error("E0608", at, en, ja));
            continue;
        };
        let (mut rows, mut problems) = codemap::read(bytes, &map.targets);
        problems.extend(codemap::overlapping(&rows, &map.targets));
        problems.extend(codemap::complete(&map.targets, &mut rows, masters));
        let (verified, of_map) = codemap::verify(&map.id, &map.targets, &rows, masters);
        problems.extend(verified);
        compared.extend(of_map);
        found.extend(problems.into_iter().map(|problem| diagnosed(*file, problem)));
        not_derived(map, masters, found);
        digest(&map.id, &rows, &mut derived);
        map.fill(*file, &rows);
    }
    for map in &maps {
        if !sources.code_tables.iter().any(|(name, ..)| *name == map.id) {
            let en = format!("there is no `codes/{}.csv`: every code is unmapped", map.id);
            let ja = format!("codes/{}.csv がないため、全コードが未マッピングになります", map.id);
            found.push(Diagnostic::warning("W0609", map.span, en, ja));
        }
    }
    CodeMaps { maps, compared, derived }
}

fn diagnosed(file: u16, problem: RowProblem) -> Diagnostic {
    let at = place(file, problem.cell);
    let severity = if problem.code.starts_with('W') { Severity::Warning } else { Severity::Error };
    let found = Diagnostic::error(problem.code, at, problem.en, problem.ja);
    let found = Diagnostic { severity, ..found };
    match problem.hint {
        Some((en, ja)) => found.hint(en, ja),
        None => found,
    }
}

/// What is missing in the resources as long as a master is.
fn not_derived(map: &CodeMap, masters: &Crosswalk<'_>, found: &mut Vec<Diagnostic>) {
    for target in &map.targets {
        let Some(derive) = target.derive.as_ref().filter(|of| !masters.has(of.table)) else {
            continue;
        };
        let (id, word) = (&target.id, derive.table.word());
        let en = format!("no `{id}` codes are derived: master {word} is not loaded");
        let ja = format!("マスタ {word} が取り込まれていないため「{id}」を導出できません");
        found.push(Diagnostic::warning("W0626", derive.span, en, ja).hint(
            "genkan codes import it, and name the file with --config or --masters",
            "genkan codes import で取り込み、--config か --masters で指定します",
        ));
    }
}

fn digest(map: &str, rows: &Rows, derived: &mut blake3::Hasher) {
    let rows = rows.iter().flat_map(|(local, rows)| rows.iter().map(move |row| (local, row)));
    for (local, row) in rows.filter(|(_, row)| row.derived) {
        let day = |day: Option<chrono::NaiveDate>| day.map_or(String::new(), |day| day.to_string());
        let display = row.display.as_deref().unwrap_or_default();
        let (from, until) = (day(row.from), day(row.until));
        for text in [map, local, &row.target, &row.code, display, &from, &until] {
            derived.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        }
    }
}

fn map(id: &str, span: Span, yaml: &Yaml, found: &mut Vec<Diagnostic>) -> Result<CodeMap> {
    let entries = Entries::of(yaml)?;
    entries.only(&grammar::CODE_MAP, found);
    let local = Entries::of(entries.required("local")?)?;
    local.only(&grammar::LOCAL, found);
    let emit = match local.get("emit").map(text).transpose()?.unwrap_or("when-unmapped") {
        "always" => LocalEmit::Always,
        "when-unmapped" => LocalEmit::WhenUnmapped,
        "never" => LocalEmit::Never,
        other => {
            let at = local.required("emit")?.span;
            return Err(choice(at, other, &grammar::LOCAL_EMIT));
        }
    };
    let system = local.text("system")?.0.to_owned();
    let targets = targets(entries.required("targets")?, found)?;
    let unmapped = unmapped(entries.required("unmapped")?, &targets, found)?;
    Ok(CodeMap::new(id.to_owned(), span, (system, emit), targets, unmapped))
}

fn targets(yaml: &Yaml, found: &mut Vec<Diagnostic>) -> Result<Vec<Target>> {
    let mut targets: Vec<Target> = Vec::new();
    for item in list(yaml)? {
        let entries = Entries::of(item)?;
        entries.only(&grammar::TARGET, found);
        let only_if_none = match entries.get("only-if-none") {
            Some(ids) => text_list(ids)?,
            None => Vec::new(),
        };
        for (id, span) in &only_if_none {
            if !targets.iter().any(|target| target.id == *id) {
                let en = format!("`{id}` is no target before this one");
                let ja = format!("「{id}」はこれより前の target ではありません");
                return Err(Diagnostic::error("E0605", *span, en, ja));
            }
        }
        let (id, id_span) = entries.text("id")?;
        if targets.iter().any(|target| target.id == id) {
            let en = format!("target `{id}` stands twice");
            let ja = format!("target「{id}」が重複しています");
            return Err(Diagnostic::error("E0605", id_span, en, ja));
        }
        targets.push(Target {
            id: id.to_owned(),
            system: entries.text("system")?.0.to_owned(),
            only_if_none: only_if_none.into_iter().map(|(id, _)| id).collect(),
            derive: entries.get("derive").map(|yaml| derive(yaml, found)).transpose()?,
            extension: entries.get("extension").map(text).transpose()?.map(str::to_owned),
        });
    }
    targets.iter().try_for_each(|target| leads(target, &targets))?;
    Ok(targets)
}

/// `derive: {from: TARGET, table: MASTER}`
fn derive(yaml: &Yaml, found: &mut Vec<Diagnostic>) -> Result<Derive> {
    let entries = Entries::of(yaml)?;
    entries.only(&grammar::DERIVE, found);
    let (word, at) = entries.text("table")?;
    let words: Vec<&str> = Kind::ALL.into_iter().map(Kind::word).collect();
    let table = Kind::by_word(word).ok_or_else(|| choice(at, word, &words))?;
    Ok(Derive { from: entries.text("from")?.0.to_owned(), table, span: yaml.span })
}

/// Whether the master of `derive` knows the way that is asked of it.
fn leads(target: &Target, targets: &[Target]) -> Result<()> {
    let Some(Derive { from, table, span }) = &target.derive else { return Ok(()) };
    let Some(start) = targets.iter().find(|known| known.id == *from && known.derive.is_none())
    else {
        let en = format!("`{from}` is no target of this map whose codes stand in the file");
        let ja = format!("「{from}」は、コードを CSV に書く target ではありません");
        return Err(Diagnostic::error("E0605", *span, en, ja));
    };
    let (start, end) = (start.system.as_str(), target.system.as_str());
    if Crosswalk::leads(*table, start, end) {
        return Ok(());
    }
    let word = table.word();
    let en = format!("master `{word}` does not lead from {start} to {end}");
    let ja = format!("マスタ「{word}」では {start} から {end} を導出できません");
    let refused = Diagnostic::error("E0627", *span, en, ja);
    let others: Vec<&str> = Crosswalk::tables(start, end).map(Kind::word).collect();
    Err(match others.join(", ") {
        list if list.is_empty() => refused,
        list => refused.hint(format!("these do: {list}"), format!("導出できるマスタ: {list}")),
    })
}

fn unmapped(yaml: &Yaml, targets: &[Target], found: &mut Vec<Diagnostic>) -> Result<Unmapped> {
    let entries = Entries::of(yaml)?;
    entries.only(&grammar::UNMAPPED, found);
    let (policy, policy_span) = entries.text("policy")?;
    let policy = match policy {
        "error" => UnmappedPolicy::Error,
        "warn" => UnmappedPolicy::Warn,
        "text-only" => UnmappedPolicy::TextOnly,
        "uncoded" => UnmappedPolicy::Uncoded,
        other => {
            return Err(choice(policy_span, other, &grammar::POLICIES));
        }
    };
    let severity = match entries.get("severity").map(text).transpose()?.unwrap_or("warning") {
        "error" => UnmappedSeverity::Error,
        "warning" => UnmappedSeverity::Warning,
        "information" => UnmappedSeverity::Information,
        other => {
            let at = entries.required("severity")?.span;
            return Err(choice(at, other, &grammar::SEVERITIES));
        }
    };
    let (codings, by) = uncoded(&entries, policy, targets, found)?;
    if policy == UnmappedPolicy::Uncoded && codings.is_empty() && by.is_empty() {
        let en = "policy `uncoded` needs the official codes for \"not coded\" under `codings`";
        let ja = "policy: uncoded には未コード化の codings が必要です";
        return Err(Diagnostic::error("E0610", yaml.span, en, ja));
    }
    Ok(Unmapped { policy, severity, codings, by })
}

/// The codes for "not coded": all alike, or by the rule's `with`.
fn uncoded(
    entries: &Entries,
    policy: UnmappedPolicy,
    targets: &[Target],
    found: &mut Vec<Diagnostic>,
) -> Result<(Vec<Coding>, Chosen)> {
    let given = entries.iter().filter(|(key, _)| matches!(key.name.as_str(), "codings" | "by"));
    for (key, _) in given.filter(|_| policy != UnmappedPolicy::Uncoded) {
        let en =
            format!("`{}` belongs to policy `uncoded`; this policy never shows them", key.name);
        let ja = format!("「{}」は policy: uncoded のときだけ使われます", key.name);
        found.push(Diagnostic::error("E0613", key.span, en, ja));
    }
    let codings = entries.get("codings").map(|yaml| codings(yaml, targets, found)).transpose()?;
    let (mut by, mut otherwise) = (Vec::new(), None);
    let Some(choices) = entries.get("by") else { return Ok((codings.unwrap_or_default(), by)) };
    for (key, yaml) in Entries::of(choices)?.iter() {
        let chosen = self::codings(yaml, targets, found)?;
        match key.name.as_str() {
            "else" => otherwise = Some((chosen, key.span)),
            _ => by.push((key.name.clone(), chosen)),
        }
    }
    match (codings, otherwise) {
        (Some(_), Some((_, span))) => {
            let en = "`codings` are the rest already: give them or `else`, not both";
            let ja = "codings と else はどちらか一方だけ書きます";
            Err(Diagnostic::error("E0613", span, en, ja))
        }
        (None, None) => {
            let en = "`by` has no `else`: any other value of `with` gets no code for \"not coded\"";
            let ja = "by に else がなく、他の with の値では未コード化のコードが付きません";
            found.push(Diagnostic::warning("W0614", choices.span, en, ja));
            Ok((Vec::new(), by))
        }
        (codings, otherwise) => {
            let rest = codings.or(otherwise.map(|(chosen, _)| chosen));
            Ok((rest.unwrap_or_default(), by))
        }
    }
}

/// Codings by the value that chooses them.
type Chosen = Vec<(String, Vec<Coding>)>;

fn codings(yaml: &Yaml, targets: &[Target], found: &mut Vec<Diagnostic>) -> Result<Vec<Coding>> {
    list(yaml)?
        .iter()
        .map(|item| {
            let entries = Entries::of(item)?;
            entries.only(&grammar::CODING, found);
            let system = match entries.get("target") {
                Some(target) => {
                    let id = text(target)?;
                    let known = targets.iter().find(|known| known.id == id);
                    known.map(|known| known.system.clone()).ok_or_else(|| {
                        let en = format!("the map has no target `{id}`");
                        let ja = format!("対象「{id}」は定義されていません");
                        Diagnostic::error("E0605", target.span, en, ja)
                    })?
                }
                None => entries.text("system")?.0.to_owned(),
            };
            let code = entries.text("code")?.0.to_owned();
            let optional = |name: &str| -> Result<Option<String>> {
                Ok(entries.get(name).map(text).transpose()?.map(str::to_owned))
            };
            let (version, display) = (optional("version")?, optional("display")?);
            Ok(Coding { system, version, code, display, span: Some(item.span) })
        })
        .collect()
}

fn choice(span: Span, wrong: &str, known: &[&str]) -> Diagnostic {
    let list = known.join(", ");
    let en = format!("`{wrong}` is none of {list}");
    let ja = format!("「{wrong}」は使えません（{list}）");
    Diagnostic::error("E0209", span, en, ja).nearest(wrong, known.iter().copied())
}

/// `lookups/NAME.csv`: two columns, `key` and `value`.
pub(super) fn lookups(
    sources: &Sources,
    found: &mut Vec<Diagnostic>,
) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut tables = BTreeMap::new();
    for (name, file, bytes) in &sources.lookup_tables {
        tables.insert(name.clone(), lookup(*file, bytes, found));
    }
    tables
}

fn lookup(file: u16, bytes: &[u8], found: &mut Vec<Diagnostic>) -> BTreeMap<String, String> {
    let mut wrong = |cell: Cell, en: &str, ja: &str| {
        found.push(Diagnostic::error("E0611", place(file, cell), en, ja));
    };
    let mut table = BTreeMap::new();
    let top = Cell { line: 1, column: 1 };
    let Some(text) = codemap::decode(bytes) else {
        let ja = "UTF-8 でも Shift_JIS でもありません";
        wrong(top, "the file is neither UTF-8 nor Shift_JIS", ja);
        return table;
    };
    let mut sheet = Sheet::new(&text);
    if !sheet.next().is_some_and(|header| header.record.iter().eq(["key", "value"])) {
        wrong(top, "the header must be `key,value`", "見出しは key,value でなければなりません");
        return table;
    }
    for line in sheet {
        let (Some(key), Some(value), 2) =
            (line.record.get(0), line.record.get(1), line.record.len())
        else {
            let ja = "2 列ではありません。カンマを含む値は引用符で囲んでください";
            wrong(line.cell(2), "not two columns; quote texts with commas", ja);
            continue;
        };
        if table.insert(key.to_owned(), value.to_owned()).is_some() {
            wrong(line.cell(0), "the key stands twice", "キーが重複しています");
        }
    }
    table
}

fn place(file: u16, Cell { line, column }: Cell) -> Span {
    Span { file, line, column, length: 1 }
}
