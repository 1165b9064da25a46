//! `from`: tables, keys and joins of a rule, looked up in the source's schema.
//!
//! One and maybe joins go into the SELECT of what they hang on; each `many` opens a child with a
//! SELECT of its own. Keys and cardinality are what the rule declares, because legacy catalogs lack
//! them.

use std::collections::BTreeMap;

use genkan_adapter::{
    Column, ColumnKind, ColumnRef, Name, Predicate, SourceSchema, Table, TableAlias,
};

use crate::compile::blanks::Blanks;
use crate::compile::structure::{Entries, no_expression, text_list};
use crate::diagnostic::{Diagnostic, Span};
use crate::expression::{self, Expression, ExpressionKind};
use crate::grammar;
use crate::image;
use crate::program::{Child, ColumnUse, LookupTables, Place, RecordSet, Site, Term};
use crate::search::LEVEL_MARK;
use crate::yaml::Yaml;

mod join;
mod unique;
mod validity;

type Result<T> = std::result::Result<T, Diagnostic>;

/// The names that a rule's expressions may use, and the columns they have used so far.
pub(crate) struct Scope<'a> {
    schema: &'a SourceSchema,
    site: &'a Site,
    lookups: &'a LookupTables,
    aliases: BTreeMap<String, Alias<'a>>,
    blanks: Blanks,
    /// What is wrong besides the error that ends an entry.
    found: Vec<Diagnostic>,
    pub root: RecordSet,
    pub children: Vec<Child>,
    pub key: Vec<ColumnUse>,
    pub filter: Predicate,
}

struct Alias<'a> {
    place: Place,
    name: Name,
    table_name: String,
    table: &'a Table,
}

impl<'a> Scope<'a> {
    /// Reads `from` and `blank`; the first entry is the root.
    pub fn open(
        from: &Yaml,
        blank: Option<&Yaml>,
        schema: &'a SourceSchema,
        (site, lookups): (&'a Site, &'a LookupTables),
        found: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let none = TableAlias::new("", "");
        let empty = RecordSet { root: none, joins: Vec::new(), columns: Vec::new() };
        let mut scope = Scope {
            schema,
            site,
            lookups,
            aliases: BTreeMap::new(),
            blanks: Blanks::parse(blank).map_err(|error| found.push(error)).unwrap_or_default(),
            found: Vec::new(),
            root: empty,
            children: Vec::new(),
            key: Vec::new(),
            filter: Predicate::TRUE,
        };
        let entries = match Entries::of(from) {
            Ok(entries) if !entries.is_empty() => entries,
            Ok(_) => {
                let en = "`from` needs a root table";
                found.push(Diagnostic::error("E0403", from.span, en, "from に根の表がありません"));
                return None;
            }
            Err(error) => {
                found.push(error);
                return None;
            }
        };
        for (index, (key, value)) in entries.iter().enumerate() {
            let read = scope.entry(index == 0, &key.name, key.span, value);
            found.append(&mut scope.found);
            if let Err(error) = read {
                found.push(error);
                if index == 0 {
                    return None;
                }
            }
        }
        scope.check_blanks(found);
        Some(scope)
    }

    fn entry(&mut self, is_root: bool, alias: &str, span: Span, yaml: &Yaml) -> Result<()> {
        if grammar::RESERVED_ALIASES.contains(&alias) {
            let en = format!("`{alias}` has a meaning of its own; choose another alias");
            let ja = format!("「{alias}」は予約語です。別の別名にしてください");
            return Err(Diagnostic::error("E0404", span, en, ja));
        }
        if alias.contains(LEVEL_MARK) {
            let en = format!("an alias has no `{LEVEL_MARK}`: that numbers the steps of a chain");
            let ja = format!("別名に {LEVEL_MARK} は使えません");
            return Err(Diagnostic::error("E0404", span, en, ja));
        }
        let entries = Entries::of(yaml)?;
        let has = |name: &str| entries.get(name).is_some();
        let known: &[&str] = match (is_root, has("many"), has("one") || has("maybe")) {
            (true, ..) => &grammar::ROOT,
            (_, true, false) => &grammar::MANY,
            (_, false, true) => &grammar::SINGLE,
            _ => &grammar::JOINED,
        };
        entries.only(known, &mut self.found);
        let (table_name, table_span) = entries.text("table")?;
        let Some(table) = self.schema.table(table_name) else {
            let en = format!("the source has no table `{table_name}`");
            let ja = format!("接続先に表「{table_name}」がありません");
            let names = self.schema.tables.keys().map(String::as_str);
            return Err(Diagnostic::error("E0401", table_span, en, ja).nearest(table_name, names));
        };
        let name = Name::from(alias);
        let target = TableAlias { table: table_name.into(), alias: name.clone() };
        let entry = Alias { place: Place::Root, name, table_name: table_name.to_owned(), table };
        if is_root {
            self.aliases.insert(alias.to_owned(), entry);
            self.root.root = target;
            return self.root_key(alias, (table_name, table), &entries);
        }
        self.join(alias, entry, target, &entries, span)
    }

    fn root_key(&mut self, alias: &str, table: (&str, &Table), entries: &Entries) -> Result<()> {
        let key = entries.required("key")?;
        let columns = text_list(key)?;
        for (column, span) in &columns {
            let column = self.column(alias, column, *span)?;
            self.key.push(column);
        }
        if self.key.is_empty() {
            let en = "the root needs a key: the columns that make a row unique";
            return Err(Diagnostic::error("E0406", key.span, en, "根の表に key が必要です"));
        }
        self.check_key(table, &columns, key.span);
        Ok(())
    }

    /// `where`, which has to be something that the source can answer from the same SELECT.
    pub fn condition(&mut self, yaml: Option<&Yaml>, place: Place) -> Result<Option<Predicate>> {
        let Some(yaml) = yaml else { return Ok(None) };
        let term = self.expression(yaml)?;
        let mut elsewhere = false;
        term.names(&mut |column| elsewhere |= column.place != place);
        if elsewhere {
            let en = "`where` may only use tables of the same SELECT";
            let ja = "where には同じ SELECT の表の列だけを書けます";
            return Err(Diagnostic::error("E0410", yaml.span, en, ja));
        }
        image::condition(&term, self.lookups, self.site.zone).map(Some).map_err(|reason| {
            let en = format!("the source can't evaluate this condition: {}", reason.text.en);
            let ja = format!("この条件は接続先で評価できません: {}", reason.text.ja);
            Diagnostic::error("E0411", reason.span, en, ja)
        })
    }

    /// An expression scalar (`= …`) with its names looked up.
    pub fn expression(&mut self, yaml: &Yaml) -> Result<Term> {
        let Some((text, span)) = yaml.as_expression() else {
            return Err(no_expression(yaml));
        };
        let parsed = expression::parse(text, span)?;
        self.resolve(&parsed)
    }

    /// Looks up every name: columns by alias, `site.` constants by value.
    pub fn resolve(&mut self, expression: &Expression) -> Result<Term> {
        let site = self.site;
        let mut missing = None;
        expression.lookups(&mut |table| {
            if !self.lookups.contains_key(table) {
                missing = Some(table.to_owned());
            }
        });
        if let Some(table) = missing {
            let en = format!("there is no file `lookups/{table}.csv`");
            let ja = format!("ファイル「lookups/{table}.csv」がありません");
            let known = self.lookups.keys().map(String::as_str);
            let diagnostic = Diagnostic::error("E0324", expression.span, en, ja);
            return Err(diagnostic.nearest(&table, known));
        }
        expression.bind(&mut |name, span| match name.qualifier.as_str() {
            "site" => match site.constants.get(&name.name) {
                Some(value) => Ok(Expression::text(value.clone(), span)),
                None => {
                    let en = format!("the configuration has no `site.{}`", name.name);
                    let ja = format!("設定に「site.{}」がありません", name.name);
                    let known = site.constants.keys().map(String::as_str);
                    Err(Diagnostic::error("E0322", span, en, ja).nearest(&name.name, known))
                }
            },
            alias => {
                let column = self.column(alias, &name.name, span)?;
                Ok(Expression { kind: ExpressionKind::Name(column), span })
            }
        })
    }

    /// The child that an alias opens, for `$each`.
    pub fn child(&self, alias: &str) -> Option<usize> {
        match self.aliases.get(alias)?.place {
            Place::Child(index) if *self.children[index].set.root.alias == *alias => Some(index),
            _ => None,
        }
    }

    /// A misspelt name under `blank` would leave `00000000` a date.
    fn check_blanks(&self, found: &mut Vec<Diagnostic>) {
        let mut known: Vec<String> = Vec::new();
        for (name, alias) in &self.aliases {
            known.extend([name.clone(), alias.table_name.clone()]);
            known
                .extend(alias.table.columns.iter().map(|column| format!("{name}.{}", column.name)));
        }
        for (name, span) in self.blanks.names().filter(|(name, _)| !known.contains(name)) {
            let en = format!("`{name}` is no table, alias or column of this rule");
            let ja = format!("「{name}」はこの規則の表・別名・列ではありません");
            let known = known.iter().map(String::as_str);
            found.push(Diagnostic::error("E0203", *span, en, ja).nearest(name, known));
        }
    }

    /// The column that a plain text names, if its author forgot the `=`.
    pub fn names_column(&self, text: &str) -> bool {
        let word = text.split([' ', '|']).next().unwrap_or_default();
        let column = word
            .split_once('.')
            .and_then(|(alias, column)| self.aliases.get(alias)?.table.column(column));
        column.is_some()
    }

    pub fn child_aliases(&self) -> impl Iterator<Item = &str> {
        self.children.iter().map(|child| &*child.set.root.alias)
    }

    fn set_of(&mut self, place: Place) -> &mut RecordSet {
        match place {
            Place::Root => &mut self.root,
            Place::Child(index) => &mut self.children[index].set,
        }
    }

    /// Looks a column up and takes it into the SELECT of its place.
    fn column(&mut self, alias: &str, name: &str, span: Span) -> Result<ColumnUse> {
        let (column, kind) = self.plain_column(alias, &(name.to_owned(), span))?;
        if kind == ColumnKind::Bytes {
            return Err(unreadable(name, span));
        }
        let entry = &self.aliases[alias];
        let (place, blanks) = (entry.place, self.blanks.of(alias, &entry.table_name, name));
        let columns = &mut self.set_of(place).columns;
        let index = columns.iter().position(|known| *known == column).unwrap_or_else(|| {
            columns.push(column.clone());
            columns.len() - 1
        });
        Ok(ColumnUse { place, index, column, kind, blanks })
    }

    /// Looks a column up without reading it: join conditions, orders, filters.
    fn plain_column(
        &self,
        alias: &str,
        (name, span): &(String, Span),
    ) -> Result<(ColumnRef, ColumnKind)> {
        let Some(entry) = self.aliases.get(alias) else {
            let en = format!("`from` declares no alias `{alias}` before this place");
            let ja = format!("別名「{alias}」が from で宣言されていません");
            let known = self.aliases.keys().map(String::as_str);
            return Err(Diagnostic::error("E0320", *span, en, ja).nearest(alias, known));
        };
        let Some(column) = entry.table.column(name) else {
            let en = format!("table `{}` has no column `{name}`", entry.table_name);
            let ja = format!("表「{}」に列「{name}」がありません", entry.table_name);
            let known = entry.table.columns.iter().map(|column| column.name.as_str());
            return Err(Diagnostic::error("E0402", *span, en, ja).nearest(name, known));
        };
        if column.kind == ColumnKind::Unsupported {
            return Err(unreadable(name, *span));
        }
        Ok((reference(entry, column), column.kind))
    }
}

/// An expression works on text, and bytes have none.
fn unreadable(name: &str, span: Span) -> Diagnostic {
    let en = format!("the type of column `{name}` can't be read by this source's adapter");
    let ja = format!("列「{name}」の型には対応していません");
    Diagnostic::error("E0405", span, en, ja)
}

fn reference(entry: &Alias, column: &Column) -> ColumnRef {
    ColumnRef { alias: entry.name.clone(), column: Name::from(column.name.as_str()) }
}
