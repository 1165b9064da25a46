//! From a parameter's paths to places in the emit program.

use std::collections::BTreeMap;

use genkan_adapter::{ColumnKind, Comparison};
use genkan_fhir::definitions::{Definitions, ParameterPath, ParameterType, SearchParameter};

use super::places::{date_place, is_constant, quantity_places, text_places, token_places};
use super::probe::probe;
use super::walk::{Found, follow};
use super::{Branch, Parameter, PlaceKind, Sort, System};
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
    let definitions = Definitions::r4();
    let mut parameters = Vec::new();
    let mut withheld = Vec::new();
    for definition in definitions.search_parameters(&rule.resource) {
        if definition.code == "_id" && !overrides.contains_key("_id") {
            parameters.push(id_parameter());
            continue;
        }
        let derived = match overrides.get(definition.code) {
            Some(Override::Off) => Err(Refusal::from(Text::new(
                "switched off by the rule (`search:`)",
                "規則の search: で無効にされています",
            ))),
            Some(Override::Column(_)) if definition.code == "_id" => Err(Refusal::from(Text::new(
                "the id is sealed and stands in no column",
                "id は列の値ではないため、列では検索できません",
            ))),
            Some(Override::Column(term)) => overridden(definition, term),
            None => branches(rule, definition, targets),
        };
        let checked = derived.and_then(|branches| answerable(branches, maps, imaging));
        match checked {
            Ok(branches) => parameters.push(Parameter {
                code: definition.code.to_owned(),
                kind: definition.kind,
                url: definition.url(),
                sort: sort(definition.kind, &branches),
                branches,
            }),
            Err(Refusal { reason, never_matches }) => {
                let code = definition.code.to_owned();
                withheld.push(Withheld { code, reason, never_matches });
            }
        }
    }
    parameters.sort_by(|a, b| a.code.cmp(&b.code));
    (rule.parameters, rule.withheld) = (parameters, withheld);
}

fn id_parameter() -> Parameter {
    Parameter {
        code: "_id".to_owned(),
        kind: ParameterType::Token,
        url: "http://hl7.org/fhir/SearchParameter/Resource-id".to_owned(),
        branches: vec![whole(PlaceKind::Id)],
        sort: None,
    }
}

/// A place of the resource itself, without conditions.
fn whole(place: PlaceKind) -> Branch {
    Branch { each: None, conditions: Vec::new(), data: Vec::new(), stated: false, place }
}

type Derived = Result<Vec<Branch>, Refusal>;

/// Why a parameter is withheld.
struct Refusal {
    reason: Text,
    never_matches: bool,
}

impl From<Text> for Refusal {
    fn from(reason: Text) -> Self {
        Refusal { reason, never_matches: false }
    }
}

fn nothing_emitted() -> Refusal {
    let en = "the rule emits nothing that this parameter looks at";
    let reason = Text::new(en, "この検索対象の要素を出力する規則がありません");
    Refusal { reason, never_matches: true }
}

fn overridden(definition: &SearchParameter, term: &Term) -> Derived {
    let place = match definition.kind {
        ParameterType::String => stored_as(term),
        ParameterType::Token => PlaceKind::Token { system: System::Unknown, code: term.clone() },
        ParameterType::Date => PlaceKind::Date(term.clone()),
        ParameterType::Number => PlaceKind::Number(term.clone()),
        ParameterType::Quantity => {
            PlaceKind::Quantity { value: term.clone(), system: None, code: None, unit: None }
        }
        ParameterType::Uri => PlaceKind::Uri(term.clone()),
        ParameterType::Reference | ParameterType::Composite | ParameterType::Special => {
            return Err(Refusal::from(Text::new(
                "a parameter of this type can't be put on a column",
                "この種類の検索パラメータは列に割り当てられません",
            )));
        }
    };
    Ok(vec![Branch { stated: true, ..whole(place) }])
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

fn branches(rule: &Rule, definition: &SearchParameter, targets: &[&str]) -> Derived {
    if definition.code == "_lastUpdated" {
        return last_updated(&rule.updated);
    }
    if matches!(definition.kind, ParameterType::Composite | ParameterType::Special) {
        let en = "composite and special parameters are not part of this release";
        return Err(Text::new(en, "複合・特殊パラメータには未対応です").into());
    }
    let paths = definition
        .paths
        .as_ref()
        .map_err(|outside| Text::new(outside.to_string(), "検索パラメータの式が対応範囲外です"))?;
    let mut branches = Vec::new();
    for path in paths {
        for found in follow(rule, path) {
            places(definition, path, &found, targets, &mut branches)?;
        }
    }
    if branches.is_empty() {
        return Err(nothing_emitted());
    }
    Ok(one_flag(branches))
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
        [term] if in_root(term) => Ok(vec![whole(PlaceKind::Date(as_instant(term.clone())))]),
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

/// The places that a found node offers to a parameter of this type.
fn places(
    definition: &SearchParameter,
    path: &ParameterPath,
    found: &Found,
    targets: &[&str],
    branches: &mut Vec<Branch>,
) -> Result<(), Text> {
    let mut push = |found: &Found, place: PlaceKind, constant: bool| {
        let conditions = found.conditions.clone();
        let mut data = Vec::new();
        if let (true, Some(object)) = (constant, found.disappears) {
            gather(object, &mut data);
        }
        branches.push(Branch { each: found.each, conditions, data, ..whole(place) });
    };
    if path.exists {
        if let Some(condition) = is_so(found.node) {
            let mut all = found.conditions.clone();
            all.push(condition);
            let span = found.node.span;
            let flag = Expression { kind: K::And(all), span };
            branches.push(Branch { each: found.each, ..whole(PlaceKind::Flag(flag)) });
        }
        return Ok(());
    }
    match definition.kind {
        ParameterType::Token => return token_places(found, &mut push),
        ParameterType::String => text_places(found, &mut push),
        ParameterType::Reference => match &found.node.kind {
            NodeKind::Reference(reference)
                if path.target.is_none_or(|target| targets[reference.rule] == target) =>
            {
                push(found, PlaceKind::Reference(reference.clone()), false);
            }
            NodeKind::Object { properties, .. }
                if properties.iter().any(|property| property.name == "reference") =>
            {
                let en = "only references made with `$ref` can be searched";
                return Err(Text::new(en, "$ref 以外で作った参照は検索できません"));
            }
            _ => {}
        },
        ParameterType::Quantity => return quantity_places(found, &mut push),
        ParameterType::Date => push(found, date_place(found.node)?, false),
        ParameterType::Number | ParameterType::Uri => {
            if let NodeKind::Primitive { term, .. } = &found.node.kind {
                let place = match definition.kind {
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
        kept.push(whole(PlaceKind::Flag(Expression { kind: K::Or(flags), span })));
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

/// Tries every image once, so that what can't be answered is withheld now and not refused later.
fn answerable(branches: Vec<Branch>, maps: &[CodeMap], imaging: Imaging) -> Derived {
    let mut kept = Vec::with_capacity(branches.len());
    for branch in branches {
        if probe(&branch, maps, imaging)? {
            kept.push(branch);
        }
    }
    if kept.is_empty() { Err(nothing_emitted()) } else { Ok(kept) }
}

/// A parameter sorts when it has one place, straight on a column of the root's SELECT whose order is
/// the order of the values.
fn sort(kind: ParameterType, branches: &[Branch]) -> Option<Sort> {
    let [Branch { each: None, place, .. }] = branches else { return None };
    let term = match (kind, place) {
        (ParameterType::Date, PlaceKind::Date(term))
        | (ParameterType::Number, PlaceKind::Number(term))
        | (ParameterType::String, PlaceKind::Text(term)) => term,
        (_, PlaceKind::Quantity { value, .. }) => value,
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
