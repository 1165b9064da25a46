//! `emit`: the YAML in the shape of the resource, checked against FHIR's element definitions and
//! turned into the program that the emitter runs.

mod alternatives;
mod fixed;
mod fragment;
mod reference;
mod reserved;
mod value;

use genkan_fhir::definitions::{Definitions, Element};

use crate::compile::Shared;
use crate::compile::sources::Scope;
use crate::compile::structure::no_expression;
use crate::diagnostic::{Diagnostic, Span};
use crate::expression::{Expression, ExpressionKind as K};
use crate::grammar;
use crate::program::{Contained, Node, NodeKind, Place, Property, Term};
use crate::projection::refuses;
use crate::yaml::{Key, Yaml, YamlKind};

use value::Bound;

/// The arguments of the fragment that is being read.
type Arguments = Vec<(String, Expression)>;

pub(crate) struct EmitCompiler<'c, 's> {
    pub scope: &'c mut Scope<'s>,
    pub shared: &'c Shared,
    pub contained: Vec<Contained>,
    pub found: &'c mut Vec<Diagnostic>,
    arguments: Arguments,
    each: Option<usize>,
    /// What binds the CodeableConcept that is being read.
    concept: Option<Bound>,
    /// What binds the code of the Coding that is being read.
    coding: Option<Bound>,
    /// Fragments being read, against fragments that use themselves.
    fragments: Vec<String>,
}

/// What FHIR says about the place that a value stands in.
#[derive(Clone, Copy)]
struct Slot<'d> {
    element: &'d Element,
    type_code: &'d str,
    type_path: &'d str,
}

impl<'c, 's> EmitCompiler<'c, 's> {
    pub fn new(
        scope: &'c mut Scope<'s>,
        shared: &'c Shared,
        found: &'c mut Vec<Diagnostic>,
    ) -> Self {
        EmitCompiler {
            scope,
            shared,
            contained: Vec::new(),
            found,
            arguments: Vec::new(),
            each: None,
            concept: None,
            coding: None,
            fragments: Vec::new(),
        }
    }

    /// The properties of the resource, and the elements it can't be without. `profiled`: the rule
    /// has a profile, so that its rows don't choose one.
    pub fn resource(
        &mut self,
        resource: &str,
        yaml: &Yaml,
        profiled: bool,
    ) -> (Vec<Property>, Vec<&'static str>) {
        let Some(entries) = yaml.as_map() else {
            let en = "`emit` holds the elements of the resource";
            self.found.push(Diagnostic::error("E0201", yaml.span, en, "emit には要素を書きます"));
            return (Vec::new(), Vec::new());
        };
        let entries: Vec<_> = entries.iter().collect();
        for (key, _) in &entries {
            if matches!(key.name.as_str(), "id" | "resourceType") {
                self.found.push(made_by_genkan(key));
            }
        }
        let meta = entries.iter().find(|(key, _)| key.name == "meta");
        for (key, _) in meta.and_then(|(_, meta)| meta.as_map()).unwrap_or_default() {
            if matches!(key.name.as_str(), "versionId" | "lastUpdated")
                || key.name == "profile" && profiled
            {
                self.found.push(made_by_genkan(key));
            }
        }
        let properties = self.properties(resource, &entries);
        if let (false, Some(own)) =
            (self.contained.is_empty(), properties.iter().find(|p| p.name == "contained"))
        {
            let en = "a rule uses either `$contained` or its own `contained`, not both";
            let ja = "$contained と contained 要素は併用できません";
            self.found.push(Diagnostic::error("E0510", own.node.span, en, ja));
        }
        let required = self.required(resource, &entries, yaml.span);
        (properties, required)
    }

    fn properties(&mut self, type_path: &str, entries: &[&(Key, Yaml)]) -> Vec<Property> {
        let mut properties = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            if key.name.starts_with('$') {
                self.found.push(reserved::misplaced(key));
                continue;
            }
            match value.get(grammar::FIRST) {
                Some(_) => properties.extend(self.alternatives(type_path, key, value)),
                None => properties.extend(self.property(type_path, key, value)),
            }
        }
        // FHIR's own order, so that the bytes do not depend on how the rule is written.
        let order = Definitions::r4().children(type_path).unwrap_or_default();
        let rank = |property: &Property| order.iter().position(|e| e.name == property.element);
        properties.sort_by_key(|property| rank(property).unwrap_or(0));
        properties
    }

    fn property(&mut self, type_path: &str, key: &Key, value: &Yaml) -> Option<Property> {
        let definitions = Definitions::r4();
        if key.name == "resourceType" {
            let node = self.constant_text(value)?;
            let (name, element) = (key.name.clone(), "");
            return Some(Property { name, element, summary: true, node });
        }
        let (bare, extends) = match key.name.strip_prefix('_') {
            Some(bare) => (bare, true),
            None => (key.name.as_str(), false),
        };
        let Some(known) = definitions.property(type_path, bare) else {
            self.found.push(unknown_element(type_path, key, bare));
            return None;
        };
        let primitive = definitions.primitive_kind(known.type_code).is_some();
        let slot = Slot {
            element: known.element,
            type_code: if extends { "Element" } else { known.type_code },
            type_path: if extends { "Element" } else { known.type_path },
        };
        if extends && !primitive {
            let en = "only primitive elements take extensions under `_name`";
            let ja = "「_要素名」は基本型の要素にだけ使えます";
            self.found.push(Diagnostic::error("E0512", key.span, en, ja));
            return None;
        }
        let node = match (&value.kind, slot.element.is_list()) {
            (YamlKind::List(items), true) => self.list(items, value.span, slot),
            (YamlKind::List(_), false) => {
                let en = format!("`{}` is a single element in FHIR, not a list", key.name);
                let ja = format!("「{}」は FHIR では繰り返しのない要素です", key.name);
                self.found.push(Diagnostic::error("E0503", value.span, en, ja));
                return None;
            }
            (_, true) => {
                let en = format!("`{}` is a list in FHIR", key.name);
                let ja = format!("「{}」は FHIR では繰り返し要素です", key.name);
                let hint = "write the items with `-`, or in brackets";
                let diagnostic = Diagnostic::error("E0502", value.span, en, ja)
                    .hint(hint, "「- 」または [ ] で書いてください");
                self.found.push(diagnostic);
                return None;
            }
            (_, false) => {
                let each = value.as_map().and_then(|e| e.iter().find(|(k, _)| k.name == "$each"));
                if let Some((each, _)) = each {
                    let en = "`$each` makes the items of a list; this element is single";
                    let ja = "$each はリストの項目にだけ使えます";
                    self.found.push(Diagnostic::error("E0515", each.span, en, ja));
                    return None;
                }
                self.node(value, slot)?
            }
        };
        let element = if extends { "" } else { slot.element.name };
        let summary = in_summary(type_path, slot.element);
        let summary = summary || refuses(&self.shared.code_maps, &node);
        Some(Property { name: key.name.clone(), element, summary, node })
    }

    fn list(&mut self, items: &[Yaml], span: Span, slot: Slot) -> Node {
        let items: Vec<Node> = items.iter().filter_map(|item| self.node(item, slot)).collect();
        let from_row = items.iter().any(|item| item.from_row);
        plain(span, slot.type_path, from_row, NodeKind::List(items))
    }

    /// One value: a constant, an expression, an object, or one of the reserved forms.
    fn node(&mut self, yaml: &Yaml, slot: Slot) -> Option<Node> {
        match &yaml.kind {
            YamlKind::Scalar { .. } | YamlKind::Bound(_) => self.primitive(yaml, slot),
            YamlKind::Map(entries) => self.map(yaml, entries, slot),
            YamlKind::List(_) => {
                let en = "a list inside a list is not FHIR";
                self.found.push(Diagnostic::error(
                    "E0503",
                    yaml.span,
                    en,
                    "リストの中にリストは書けません",
                ));
                None
            }
        }
    }

    fn map(&mut self, yaml: &Yaml, entries: &[(Key, Yaml)], slot: Slot) -> Option<Node> {
        let outer = self.each;
        let each = match entries.iter().find(|(key, _)| key.name == "$each") {
            Some((_, alias)) => Some(self.each_child(alias)?),
            None => None,
        };
        self.each = each.or(outer);
        let condition = match entries.iter().find(|(key, _)| key.name == "$if") {
            Some((_, condition)) if condition.expression().is_some() => self.expression(condition),
            Some((_, condition)) => {
                self.found.push(no_expression(condition));
                None
            }
            None => None,
        };
        let node = self.form(yaml, entries, slot);
        self.each = outer;
        let mut node = node?;
        // A fragment brings its own `$each` and `$if`.
        node.each = each.or(node.each);
        node.condition = match (condition, node.condition.take()) {
            (Some(outer), Some(inner)) => {
                let span = outer.span;
                Some(Expression { kind: K::And(vec![outer, inner]), span })
            }
            (outer, inner) => outer.or(inner),
        };
        node.from_row |= each.is_some();
        Some(node)
    }

    fn form(&mut self, yaml: &Yaml, entries: &[(Key, Yaml)], slot: Slot) -> Option<Node> {
        let has = |name: &str| entries.iter().any(|(key, _)| key.name == name);
        if has("$use") {
            return self.fragment(yaml, entries, slot);
        }
        if has("$code") {
            return self.coded(yaml, slot);
        }
        if has("$ref") || has("$contained") {
            return self.reference(yaml, slot);
        }
        if let Some((_, value)) = entries.iter().find(|(key, _)| key.name == "$value") {
            self.only(yaml, &grammar::VALUE);
            return self.primitive(value, slot);
        }
        if let Some((key, _)) = entries.iter().find(|(key, _)| key.name == "$section") {
            let en = "`$section` belongs to documents, which this release does not make";
            let ja = "$section（文書）はこの版では使えません";
            self.found.push(Diagnostic::error("E0513", key.span, en, ja));
            return None;
        }
        let own: Vec<&(Key, Yaml)> = entries
            .iter()
            .filter(|(key, _)| !grammar::BESIDE.contains(&key.name.as_str()))
            .collect();
        self.object(yaml.span, &own, slot)
    }

    fn object(&mut self, span: Span, entries: &[&(Key, Yaml)], slot: Slot) -> Option<Node> {
        let definitions = Definitions::r4();
        let mut type_path = slot.type_path.to_owned();
        if slot.type_code == "Resource" {
            let named = entries.iter().find(|(key, _)| key.name == "resourceType");
            type_path = named.and_then(|(_, value)| value.as_text()).unwrap_or_default().to_owned();
            if !definitions.is_resource(&type_path) {
                let en = "a contained resource needs a `resourceType` that FHIR has";
                let ja = "contained には FHIR の resourceType が必要です";
                self.found.push(Diagnostic::error("E0514", span, en, ja));
                return None;
            }
        }
        if definitions.primitive_kind(slot.type_code).is_some() {
            let en =
                format!("`{}` is a {}: one value, no elements", slot.element.name, slot.type_code);
            let ja = format!(
                "「{}」は {} 型で、値を 1 つだけ書きます",
                slot.element.name, slot.type_code
            );
            self.found.push(Diagnostic::error("E0504", span, en, ja));
            return None;
        }
        let outer = (self.concept, self.coding);
        self.enter(entries, slot);
        let properties = self.properties(&type_path, entries);
        (self.concept, self.coding) = outer;
        let required = self.required(&type_path, entries, span);
        let from_row = properties.iter().any(|property| property.node.from_row);
        Some(plain(span, &type_path, from_row, NodeKind::Object { properties, required }))
    }

    /// Which codes may stand in this object. What binds a CodeableConcept binds its codings.
    fn enter(&mut self, entries: &[&(Key, Yaml)], slot: Slot) {
        let around = match slot.element.path {
            "CodeableConcept.coding" => self.concept,
            _ => Bound::of(slot),
        };
        let system = entries.iter().find(|(key, _)| key.name == "system");
        let system = system.and_then(|(_, system)| system.as_text());
        (self.concept, self.coding) = match slot.type_code {
            "CodeableConcept" => (around, None),
            "Coding" => (None, around.zip(system).and_then(|(of, system)| of.in_system(system))),
            _ => (None, None),
        };
    }

    /// What FHIR requires in this type; all of it has to be in the rule. What is there and wrong was
    /// said already.
    fn required(
        &mut self,
        type_path: &str,
        entries: &[&(Key, Yaml)],
        span: Span,
    ) -> Vec<&'static str> {
        let definitions = Definitions::r4();
        let elements = definitions.children(type_path).unwrap_or_default();
        let required: Vec<&'static str> =
            elements.iter().filter(|element| element.min > 0).map(|element| element.name).collect();
        for name in &required {
            let meant = |key: &Key| {
                let known = definitions.property(type_path, &key.name);
                known.map_or(key.name == **name, |property| property.element.name == *name)
            };
            if !entries.iter().any(|(key, _)| meant(key)) {
                let en =
                    format!("FHIR requires `{type_path}.{name}`, which the rule does not emit");
                let ja = format!("FHIR の必須要素「{type_path}.{name}」がありません");
                self.found.push(Diagnostic::error("E0507", span, en, ja));
            }
        }
        required
    }

    fn primitive(&mut self, yaml: &Yaml, slot: Slot) -> Option<Node> {
        let Some(kind) = Definitions::r4().primitive_kind(slot.type_code) else {
            let en = format!("`{}` is a {}: give its elements", slot.element.name, slot.type_code);
            let ja = format!(
                "「{}」は {} 型です。要素を書いてください",
                slot.element.name, slot.type_code
            );
            self.found.push(Diagnostic::error("E0504", yaml.span, en, ja));
            return None;
        };
        let term = self.expression(yaml)?;
        let term = self.checked(term, slot);
        let from_row = from_row(&term);
        Some(plain(yaml.span, slot.type_code, from_row, NodeKind::Primitive { term, kind }))
    }

    fn constant_text(&mut self, yaml: &Yaml) -> Option<Node> {
        let term = Expression::text(yaml.as_text()?, yaml.span);
        let kind = Definitions::r4().primitive_kind("code")?;
        Some(plain(yaml.span, "code", false, NodeKind::Primitive { term, kind }))
    }

    /// An expression with fragments' arguments put in, names looked up, and children only where
    /// their row is.
    fn expression(&mut self, yaml: &Yaml) -> Option<Term> {
        let resolved = self.resolve(yaml);
        self.complain(resolved)
    }

    fn resolve(&mut self, yaml: &Yaml) -> Result<Term, Diagnostic> {
        let written = self.written(yaml)?;
        let term = self.scope.resolve(&written)?;
        let mut outside = None;
        term.names(&mut |column| {
            if let Place::Child(index) = column.place
                && self.each != Some(index)
            {
                outside = Some(column.column.alias.clone());
            }
        });
        if let Some(alias) = outside {
            let en = format!("`{alias}` has many rows here");
            let ja = format!("「{alias}」はここでは複数行です");
            return Err(Diagnostic::error("E0323", term.span, en, ja).hint(
                format!("put it under `$each: {alias}`"),
                format!("「$each: {alias}」の中に書いてください"),
            ));
        }
        Ok(term)
    }

    /// A text without `=`. One that begins with a column's name is an expression without its `=`.
    fn constant(&self, yaml: &Yaml) -> Result<Expression, Diagnostic> {
        let text = crate::compile::structure::text(yaml)?;
        if matches!(yaml.kind, YamlKind::Scalar { quoted: false, .. })
            && self.scope.names_column(text)
        {
            let en = "this names a column but is a constant: the `=` is missing";
            let ja = "列名ですが「=」がないため定数になります";
            return Err(Diagnostic::error("E0319", yaml.span, en, ja).hint(
                format!("write `= {text}`, or quote it if the letters themselves are meant"),
                format!("「= {text}」と書くか、文字そのものなら引用符で囲みます"),
            ));
        }
        Ok(Expression::text(text, yaml.span))
    }

    fn complain<T>(&mut self, result: Result<T, Diagnostic>) -> Option<T> {
        result.map_err(|diagnostic| self.found.push(diagnostic)).ok()
    }
}

/// What R4 says of the elements of resources and of those nested in them.
fn in_summary(type_path: &str, element: &Element) -> bool {
    let root = type_path.split('.').next().unwrap_or_default();
    !Definitions::r4().is_resource(root) || element.is_summary || element.min > 0
}

fn plain(span: Span, type_path: &str, from_row: bool, kind: NodeKind) -> Node {
    let (condition, each) = (None, None);
    let fixed = if from_row { None } else { fixed::json(type_path, &kind) };
    Node { span, condition, each, type_path: type_path.to_owned(), from_row, kind, fixed }
}

fn from_row(term: &Term) -> bool {
    let mut found = false;
    term.names(&mut |_| found = true);
    found
}

fn made_by_genkan(key: &Key) -> Diagnostic {
    let en = format!("`{}` is made by Genkan, from the key and the rule", key.name);
    let ja = format!("「{}」は Genkan がキーと規則から作ります", key.name);
    Diagnostic::error("E0509", key.span, en, ja)
}

fn unknown_element(type_path: &str, key: &Key, bare: &str) -> Diagnostic {
    let elements = Definitions::r4().children(type_path).unwrap_or_default();
    let en = format!("FHIR R4 has no element `{type_path}.{bare}`");
    let ja = format!("FHIR R4 に要素「{type_path}.{bare}」はありません");
    let diagnostic = Diagnostic::error("E0501", key.span, en, ja);
    let names: Vec<String> = elements
        .iter()
        .flat_map(|element| element.types.iter().map(|of| element.property_name(of.code)))
        .collect();
    if let Some(choice) = elements.iter().find(|e| e.name == bare && e.is_choice()) {
        let types: Vec<String> =
            choice.types.iter().map(|of| choice.property_name(of.code)).collect();
        let list = types.join(", ");
        return diagnostic
            .hint(format!("choose its type: {list}"), format!("型を選んでください: {list}"));
    }
    diagnostic.nearest(bare, names.iter().map(String::as_str))
}
