//! From a parameter's paths to places in the emit program.

use std::collections::BTreeMap;
use std::ptr;
use std::sync::Arc;

use genkan_adapter::{ColumnKind, Comparison};
use genkan_fhir::definitions::{Definitions, ParameterPath, ParameterType, SearchParameter};

use super::places::{
    coded_text, date_place, is_constant, quantity_places, text_places, token_places,
};
use super::probe::probe;
use super::rows::Rows;
use super::walk::{Around, Found, follow};
use super::{Branch, Object, Parameter, PlaceKind, Quantity, Sort, System, composite, forms};
use crate::codemap::CodeMap;
use crate::diagnostic::Text;
use crate::expression::{Expression, ExpressionKind as K};
use crate::image::Imaging;
use crate::lens::Lens;
use crate::program::{Node, NodeKind, Place, Rule, Term, Withheld};

/// `search:` of a rule.
#[derive(Debug, Clone)]
pub(crate) enum Override {
    Off,
    Column(Term),
}

/// Fills in `parameters` and `withheld` of a rule. `targets`: what each rule makes.
pub(crate) fn derive(
    rule: &mut Rule,
    overrides: &BTreeMap<String, Override>,
    maps: &[CodeMap],
    targets: &[&str],
    imaging: Imaging,
) {
    let mut parameters = Vec::new();
    let mut withheld = Vec::new();
    let deriving = Deriving { rows: Rows { imaging, maps, rule }, overrides, targets };
    for definition in Definitions::r4().search_parameters(&rule.resource) {
        match deriving.parameter(definition) {
            Ok(parameter) => parameters.push(parameter),
            Err(Refusal { reason, never_matches }) => {
                let code = definition.code.to_owned();
                withheld.push(Withheld { code, reason, never_matches });
            }
        }
    }
    parameters.sort_by(|a, b| a.code.cmp(&b.code));
    (rule.parameters, rule.withheld) = (parameters, withheld);
}

pub(super) type Derived = Result<Vec<Branch>, Refusal>;

/// Why a parameter is withheld.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub reason: Text,
    pub never_matches: bool,
}

impl From<Text> for Refusal {
    fn from(reason: Text) -> Self {
        Refusal { reason, never_matches: false }
    }
}

pub(super) fn nothing_emitted() -> Refusal {
    let en = "the rule emits nothing that this parameter looks at";
    let reason = Text::new(en, "この検索対象の要素を出力する規則がありません");
    Refusal { reason, never_matches: true }
}

/// A rule whose parameters are derived.
pub(super) struct Deriving<'a> {
    pub rows: Rows<'a>,
    pub overrides: &'a BTreeMap<String, Override>,
    pub targets: &'a [&'a str],
}

impl<'a> Deriving<'a> {
    fn parameter(&self, definition: &'a SearchParameter) -> Result<Parameter, Refusal> {
        let own = self.places_of(definition).and_then(|branches| self.answerable(branches));
        let forms = match &own {
            Err(refusal) if !refusal.never_matches => Vec::new(),
            own => forms::forms(self, definition, own.as_deref().unwrap_or_default()),
        };
        let branches = match own {
            Err(refusal) if !forms::find_something(&forms) => return Err(refusal),
            own => own.unwrap_or_default(),
        };
        Ok(Parameter {
            code: definition.code.to_owned(),
            kind: definition.kind,
            url: definition.url(),
            sort: sort(definition.kind, &branches),
            branches,
            forms,
        })
    }

    /// The places of a parameter, derived or named by the author.
    pub fn places_of(&self, definition: &'a SearchParameter) -> Derived {
        match self.overrides.get(definition.code) {
            Some(Override::Off) => Err(Refusal::from(Text::new(
                "switched off by the rule (`search:`)",
                "規則の search: で無効にされています",
            ))),
            Some(Override::Column(_)) if definition.code == "_id" => Err(Refusal::from(Text::new(
                "the id is sealed and stands in no column",
                "id は列の値ではないため、列では検索できません",
            ))),
            Some(Override::Column(term)) => self.overridden(definition, term),
            None => self.branches(definition),
        }
    }

    fn overridden(&self, definition: &'a SearchParameter, term: &Term) -> Derived {
        let place = match definition.kind {
            ParameterType::String => stored_as(term),
            ParameterType::Token => {
                PlaceKind::Token { system: System::Unknown, code: term.clone() }
            }
            ParameterType::Date => PlaceKind::Date(term.clone()),
            ParameterType::Number => PlaceKind::Number(term.clone()),
            ParameterType::Quantity => {
                PlaceKind::Quantity(Box::new(self.quantity_of(definition, term)?))
            }
            ParameterType::Uri => PlaceKind::Uri(term.clone()),
            ParameterType::Reference | ParameterType::Composite | ParameterType::Special => {
                return Err(Refusal::from(Text::new(
                    "a parameter of this type can't be put on a column",
                    "この種類の検索パラメータは列に割り当てられません",
                )));
            }
        };
        Ok(vec![Branch { stated: true, ..Branch::whole(place) }])
    }

    /// The column is the number of the Quantity that the rule emits: its unit stays where it is.
    fn quantity_of(&self, definition: &'a SearchParameter, term: &Term) -> Result<Quantity, Text> {
        let mut found = Vec::new();
        for path in definition.paths.iter().flatten() {
            for place in follow(self.rows.rule, path) {
                let mut push = |_: &Found, place: PlaceKind, _| found.push(place);
                // What can't be searched as a Quantity says nothing of a unit.
                let _ = quantity_places(&place, &mut push);
            }
        }
        let value = term.clone();
        let compared = |place: &PlaceKind| match place {
            PlaceKind::Quantity(quantity) => quantity.comparator.is_some(),
            _ => false,
        };
        match found.as_slice() {
            [PlaceKind::Quantity(quantity)] => Ok(Quantity { value, ..Quantity::clone(quantity) }),
            several if several.iter().any(compared) => Err(Text::new(
                "one column is named for several quantities, of which some have a comparator",
                "複数の数量に一つの列が指定されており、comparator の付くものがあるため検索できません",
            )),
            _ => Ok(Quantity { value, comparator: None, system: None, code: None, unit: None }),
        }
    }

    fn branches(&self, definition: &'a SearchParameter) -> Derived {
        match definition.code {
            "_id" => return Ok(vec![Branch::whole(PlaceKind::Id)]),
            "_lastUpdated" => return last_updated(&self.rows.rule.updated),
            _ => {}
        }
        if definition.kind == ParameterType::Composite {
            return composite::branches(self, definition);
        }
        let mut branches = Vec::new();
        // Every row declares the profile of its rule.
        if let (Some(profile), "_profile") = (&self.rows.rule.profile, definition.code) {
            let term = Expression::text(profile, self.rows.rule.span);
            branches.push(Branch::whole(PlaceKind::Uri(term)));
        }
        for path in paths(definition)? {
            for found in follow(self.rows.rule, path) {
                self.places(definition.kind, path, &found, &mut branches)?;
            }
        }
        if branches.is_empty() {
            return Err(nothing_emitted());
        }
        Ok(one_flag(branches))
    }

    /// The places that a found node offers to a parameter of this type.
    pub fn places(
        &self,
        kind: ParameterType,
        path: &ParameterPath,
        found: &Found,
        branches: &mut Vec<Branch>,
    ) -> Result<(), Text> {
        let mut push = |found: &Found, place: PlaceKind, constant: bool| {
            branches.push(branch(found, place, constant));
        };
        if path.exists {
            if let Some(condition) = is_so(found.node) {
                let mut all = found.trail.conditions.clone();
                all.push(condition);
                let span = found.node.span;
                let flag = Expression { kind: K::And(all), span };
                let each = found.trail.each;
                branches.push(Branch { each, ..Branch::whole(PlaceKind::Flag(flag)) });
            }
            return Ok(());
        }
        if let Some(name) = found.beyond {
            return match (&found.node.kind, name) {
                (NodeKind::Coded(coded), "text") if kind == ParameterType::String => {
                    coded_text(found, coded, &mut push);
                    Ok(())
                }
                _ => Err(made_as_a_whole()),
            };
        }
        match kind {
            ParameterType::Token => return token_places(found, &mut push),
            ParameterType::String => text_places(found, &mut push),
            ParameterType::Reference => return self.references(path, found, &mut push),
            ParameterType::Quantity => return quantity_places(found, &mut push),
            ParameterType::Date => push(found, date_place(found.node)?, false),
            ParameterType::Number | ParameterType::Uri => {
                if let NodeKind::Primitive { term, .. } = &found.node.kind {
                    let place = match kind {
                        ParameterType::Number => PlaceKind::Number(term.clone()),
                        _ => PlaceKind::Uri(term.clone()),
                    };
                    push(found, place, is_constant(term));
                }
            }
            ParameterType::Composite | ParameterType::Special => {}
        }
        Ok(())
    }

    fn references(
        &self,
        path: &ParameterPath,
        found: &Found,
        push: &mut impl FnMut(&Found, PlaceKind, bool),
    ) -> Result<(), Text> {
        match &found.node.kind {
            NodeKind::Reference(reference) if self.is_target(path, reference.rule) => {
                push(found, PlaceKind::Reference(reference.clone()), false);
            }
            // A canonical. What it resolves to is not known here.
            NodeKind::Primitive { term, .. } if path.target.is_none() => {
                push(found, PlaceKind::Uri(term.clone()), is_constant(term));
            }
            NodeKind::Object { properties, .. }
                if properties.iter().any(|property| property.name == "reference") =>
            {
                let en = "only references made with `$ref` can be searched";
                return Err(Text::new(en, "$ref 以外で作った参照は検索できません"));
            }
            _ => {}
        }
        Ok(())
    }

    /// References to what this rule makes are among those that the path means.
    pub fn is_target(&self, path: &ParameterPath, rule: usize) -> bool {
        path.target.is_none_or(|target| self.targets[rule] == target)
    }

    /// Tries every image once, so that what can't be answered is withheld now and not refused later.
    pub fn answerable(&self, branches: Vec<Branch>) -> Derived {
        let mut kept = Vec::with_capacity(branches.len());
        for branch in branches {
            if probe(self.rows, &branch, false)? {
                kept.push(branch);
            }
        }
        if kept.is_empty() { Err(nothing_emitted()) } else { Ok(kept) }
    }
}

/// The paths of a parameter on its type, if R4 says them in words that are read here.
pub(super) fn paths(definition: &SearchParameter) -> Result<&[ParameterPath], Text> {
    definition.paths.as_deref().map_err(|outside| match definition.code {
        "_text" | "_content" => Text::new(
            "it needs an index of all words, which the source does not have",
            "全文検索の索引がないため対応していません",
        ),
        "_query" => Text::new("there are no named queries", "名前付き検索は定義されていません"),
        "near" => Text::new(
            "it needs distances, which the source does not compute",
            "距離の計算が必要なため対応していません",
        ),
        _ => Text::new(outside.to_string(), "検索パラメータの式が対応範囲外です"),
    })
}

/// What a node offers, with what has to hold for it.
pub(super) fn branch(found: &Found, place: PlaceKind, constant: bool) -> Branch {
    let trail = &found.trail;
    let needy = |around: &Around| trail.needy.iter().any(|needy| ptr::eq(needy.node, around.node));
    let disappearing = trail.disappears.filter(|around| constant && !needy(around));
    let around = trail.needy.iter().chain(&disappearing);
    let objects = around.map(|around| Object {
        node: Arc::new(around.node.clone()),
        within: around.each == trail.each,
    });
    let objects = objects.collect();
    let (each, conditions) = (trail.each, trail.conditions.clone());
    Branch { each, conditions, objects, ..Branch::whole(place) }
}

fn made_as_a_whole() -> Text {
    Text::new(
        "it looks inside what a code map or a `$ref` makes as a whole",
        "コードマップや $ref が一括で作る要素の内側は検索できません",
    )
}

/// `phonetic: = p.KANA_NM | kana.half`: column and search text go through the same converter, so
/// that neither's spelling counts. Only converters that fold spellings do that; `name.given` takes
/// a part of the column, which is compared with the search text as it is.
fn stored_as(term: &Term) -> PlaceKind {
    let K::Pipe(inner, lens) = &term.kind else { return PlaceKind::Text(term.clone()) };
    let lens = match lens {
        // `ﾊ` begins `ﾊﾟ`, but ハ does not begin パ: kana are compared as letters, which are full.
        Lens::KanaHalf => Lens::KanaFull,
        Lens::KanaFull | Lens::Zen | Lens::Hankaku | Lens::Squeeze | Lens::Trim | Lens::Postal => {
            lens.clone()
        }
        _ => return PlaceKind::Text(term.clone()),
    };
    let kind = K::Pipe(inner.clone(), lens.clone());
    PlaceKind::Folded { term: Expression { kind, span: term.span }, lens }
}

fn last_updated(updated: &[Term]) -> Derived {
    let in_root = |term: &Term| {
        let mut everywhere = true;
        term.names(&mut |column| everywhere &= column.place == Place::Root);
        everywhere
    };
    match updated {
        [] => {
            let en = "the rule has no `updated` column";
            Err(Text::new(en, "規則に updated の列がありません").into())
        }
        [term] if in_root(term) => {
            Ok(vec![Branch::whole(PlaceKind::Date(as_instant(term.clone())))])
        }
        _ => {
            let en = "it is the latest of several columns or rows, which no index holds";
            Err(Text::new(en, "複数の列・行の最新日時のため検索できません").into())
        }
    }
}

/// `meta.lastUpdated` puts the site's zone behind a local time.
fn as_instant(term: Term) -> Term {
    let span = term.span;
    let local = matches!(&term.kind, K::Name(column) if column.kind == ColumnKind::DateTime);
    let kind = if local { K::Pipe(Box::new(term), Lens::DateTime) } else { term.kind };
    Expression { kind, span }
}

/// There is one, and it is not `false`: `Patient.deceased`.
fn is_so(node: &Node) -> Option<Term> {
    match &node.kind {
        NodeKind::Primitive { term, .. } if node.type_path == "boolean" => {
            let span = term.span;
            let yes = Box::new(Expression::text("true", span));
            let kind = K::Compare(Box::new(term.clone()), Comparison::Equal, yes);
            Some(Expression { kind, span })
        }
        _ => appears(node),
    }
}

/// Several types of one choice answer together: not dead is neither a date nor a flag.
fn one_flag(branches: Vec<Branch>) -> Vec<Branch> {
    let mut flags = Vec::new();
    let mut kept = Vec::new();
    for branch in branches {
        match branch.place {
            PlaceKind::Flag(term) => flags.push(term),
            _ => kept.push(branch),
        }
    }
    if let Some(first) = flags.first() {
        let span = first.span;
        let flag = Expression { kind: K::Or(flags), span };
        kept.push(Branch::whole(PlaceKind::Flag(flag)));
    }
    kept
}

/// The condition under which a node that lives on row data appears: one of its data is there.
pub(crate) fn appears(node: &Node) -> Option<Term> {
    let exists = |term: Term| {
        let span = term.span;
        Expression { kind: K::Exists(Box::new(term)), span }
    };
    let mut terms = Vec::new();
    gather(node, &mut terms);
    let mut terms: Vec<Term> = terms.into_iter().map(exists).collect();
    let span = node.span;
    Some(match terms.len() {
        0 => return None,
        1 => terms.remove(0),
        _ => Expression { kind: K::Or(terms), span },
    })
}

fn gather(node: &Node, terms: &mut Vec<Term>) {
    match &node.kind {
        NodeKind::Primitive { term, .. } if !is_constant(term) => terms.push(term.clone()),
        NodeKind::Primitive { .. } => {}
        NodeKind::Coded(coded) => {
            terms.push(coded.from.clone());
            terms.extend(coded.text.clone());
        }
        NodeKind::Reference(reference) => terms.extend(reference.key.iter().cloned()),
        NodeKind::List(items) => items.iter().for_each(|item| gather(item, terms)),
        NodeKind::Object { properties, .. } => {
            properties.iter().for_each(|property| gather(&property.node, terms));
        }
    }
}

/// A parameter sorts when it has one place, straight on a column of the root's SELECT whose order is
/// the order of the values.
fn sort(kind: ParameterType, branches: &[Branch]) -> Option<Sort> {
    let [Branch { each: None, place, .. }] = branches else { return None };
    let term = match (kind, place) {
        (ParameterType::Date, PlaceKind::Date(term))
        | (ParameterType::Number, PlaceKind::Number(term))
        | (ParameterType::String, PlaceKind::Text(term)) => term,
        (_, PlaceKind::Quantity(quantity)) => &quantity.value,
        _ => return None,
    };
    let column = match &term.kind {
        K::Name(column) => column,
        K::Pipe(inner, Lens::Date | Lens::DateTime | Lens::Number) => match &inner.kind {
            K::Name(column) => column,
            _ => return None,
        },
        _ => return None,
    };
    let by_value = matches!(kind, ParameterType::Number | ParameterType::Quantity);
    // Texts of several spellings do not sort by date; what is as wide as the digits holds digits.
    let digits = matches!(column.kind, ColumnKind::PaddedText { length: 8 | 12 | 14 });
    let unordered = by_value || kind == ParameterType::Date && !digits;
    let as_text = unordered && column.kind.is_text();
    let term = term.clone();
    (!as_text).then(|| Sort { column: column.clone(), term })
}
