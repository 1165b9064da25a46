//! A filter of a request on the places of a parameter, as a condition for the source.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use genkan_adapter::{Comparison, Operand, Predicate};
use genkan_fhir::reference::Reference;
use genkan_fhir::search::{Filter, Modifier, Prefix, SearchValue, TokenSystem};

use super::{Branch, Parameter, PlaceKind, System};
use crate::codemap::{CodeMap, Coding, Holder, LocalEmit, UnmappedPolicy};
use crate::diagnostic::Text;
use crate::identity::Identity;
use crate::image::{Blocked, Imaged, Imaging, any, negated, value_of_kind};
use crate::lens::{DatePrefix, DateSearch, LensContext, TextTarget};
use crate::program::{Coded, CodedShape, ReferenceTo, Rule, RuleSet, Term};

/// What a filter is asked of.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    pub rules: &'a RuleSet,
    pub identity: &'a Identity,
    pub rule: &'a Rule,
    /// The answer will be turned round (`:not`).
    pub negated: bool,
}

/// The rows of the rule that meet the filter; `Err` says what of it can't be answered.
pub fn predicate(asked: Asked, parameter: &Parameter, filter: &Filter) -> Result<Predicate, Text> {
    let modifier = filter.modifier.as_ref();
    match modifier {
        None
        | Some(
            Modifier::Missing
            | Modifier::Not
            | Modifier::Exact
            | Modifier::Contains
            | Modifier::Type(_),
        ) => {}
        Some(_) => {
            return Err(Text::new(
                "this modifier is not supported",
                "この修飾子には対応していません",
            ));
        }
    }
    let mut found = Vec::new();
    for value in &filter.values {
        for branch in &parameter.branches {
            found.push(asked.branch(branch, value, modifier).map_err(|blocked| blocked.text)?);
        }
    }
    let found = any(found);
    let inverted = match (modifier, filter.values.first()) {
        (Some(Modifier::Not), _) | (_, Some(SearchValue::Missing(true))) => negated(found),
        _ => found,
    };
    Ok(inverted)
}

impl Asked<'_> {
    fn imaging(&self) -> Imaging<'_> {
        let (lookups, zone) = (&self.rules.lookups, self.rules.site.zone);
        Imaging { lookups, zone, ignore_case: false, complete: self.negated }
    }

    fn branch(&self, branch: &Branch, value: &SearchValue, modifier: Option<&Modifier>) -> Imaged {
        let mut image = Predicate::TRUE;
        for condition in &branch.conditions {
            image = image.and(self.imaging().condition(condition)?);
        }
        image = image.and(self.place(&branch.place, value, modifier)?);
        if image.is_false() {
            return Ok(Predicate::FALSE);
        }
        let Some(child) = branch.each.map(|index| &self.rule.children[index]) else {
            return Ok(image);
        };
        let mut filter = Predicate::TRUE;
        for (own, parent) in &child.link {
            filter = filter.and(Predicate::Compare {
                left: Operand::Column(child.set.columns[*own].clone()),
                comparison: Comparison::Equal,
                right: Operand::Column(parent.column.clone()),
            });
        }
        let filter = Box::new(filter.and(child.filter.clone()).and(image));
        Ok(Predicate::Exists { target: child.set.root.clone(), filter })
    }

    fn place(&self, place: &PlaceKind, value: &SearchValue, modifier: Option<&Modifier>) -> Imaged {
        let imaging = self.imaging();
        if matches!(value, SearchValue::Missing(_)) {
            return self.present(place);
        }
        match (place, value) {
            (PlaceKind::Id, SearchValue::Token { system: TokenSystem::Any, code: Some(id) }) => {
                Ok(self.own_id(id))
            }
            (PlaceKind::Id, _) => Ok(Predicate::FALSE),
            (
                PlaceKind::Token { system, code },
                SearchValue::Token { system: asked, code: text },
            ) => token(imaging, (system, code), asked, text.as_deref()),
            (PlaceKind::Flag(term), SearchValue::Token { code, .. }) => match code.as_deref() {
                Some("true") => imaging.condition(term),
                Some("false") => Ok(negated(imaging.complete().condition(term)?)),
                _ => Ok(Predicate::FALSE),
            },
            (PlaceKind::Coded(of), SearchValue::Token { system, code }) => {
                let map = &self.rules.code_maps[of.map];
                match system {
                    TokenSystem::Any => coded(of, map, imaging, None, code.as_deref()),
                    TokenSystem::Is(system) => {
                        coded(of, map, imaging, Some(system), code.as_deref())
                    }
                    TokenSystem::None => Ok(Predicate::FALSE),
                }
            }
            (PlaceKind::Text(term), SearchValue::Text(text)) => {
                string(imaging, term, text, modifier)
            }
            (PlaceKind::Folded { term, lens }, SearchValue::Text(text)) => {
                let context = LensContext { zone: imaging.zone };
                let folded = lens.forward(text, &context).ok().flatten().unwrap_or_default();
                string(imaging, term, &folded, modifier)
            }
            (PlaceKind::Date(term), SearchValue::Date { prefix, period }) => {
                let prefix = date_prefix(*prefix);
                let (start, end) = (period.start, period.end);
                imaging.date(term, &DateSearch { prefix, start, end })
            }
            (PlaceKind::Number(term), SearchValue::Number { prefix, text, range }) => {
                number(imaging, term, *prefix, text, (&range.low, &range.high))
            }
            (
                PlaceKind::Quantity { value, system, code, unit },
                SearchValue::Quantity { prefix, text, range, system: asked, code: asked_code },
            ) => {
                let range = (range.low.as_str(), range.high.as_str());
                let image = number(imaging, value, *prefix, text, range)?;
                let parts = (system.as_ref(), code.as_ref(), unit.as_ref());
                Ok(image.and(units(imaging, value, parts, asked.as_deref(), asked_code.as_deref())?))
            }
            (PlaceKind::Reference(reference), SearchValue::Reference(asked)) => {
                self.reference(reference, asked, modifier)
            }
            (PlaceKind::Uri(term), SearchValue::Uri(uri)) => {
                imaging.text(term, &TextTarget::equals(uri))
            }
            _ => Ok(Predicate::FALSE),
        }
    }

    fn present(&self, place: &PlaceKind) -> Imaged {
        let imaging = self.imaging();
        let has = |term: &Term| imaging.text(term, &TextTarget::Present);
        match place {
            PlaceKind::Id => Ok(Predicate::TRUE),
            PlaceKind::Flag(term) => imaging.condition(term),
            PlaceKind::Token { code: term, .. }
            | PlaceKind::Text(term)
            | PlaceKind::Folded { term, .. }
            | PlaceKind::Uri(term) => has(term),
            PlaceKind::Date(term) | PlaceKind::Number(term) => stored(imaging, term),
            PlaceKind::Quantity { value, .. } => stored(imaging, value),
            PlaceKind::Coded(coded) => appears(coded, imaging),
            PlaceKind::Reference(reference) => {
                let parts: Result<Vec<_>, Blocked> = reference.key.iter().map(has).collect();
                Ok(Predicate::All(parts?))
            }
        }
    }

    fn own_id(&self, id: &str) -> Predicate {
        let Some(key) = self.identity.decode(&self.rule.id, id) else { return Predicate::FALSE };
        let values: Option<Vec<_>> = (key.len() == self.rule.key.len())
            .then(|| {
                let pairs = self.rule.key.iter().zip(&key);
                pairs.map(|(column, text)| value_of_kind(column.kind, text)).collect()
            })
            .flatten();
        let columns = self.rule.key.iter().map(|column| column.column.clone()).collect();
        values.map_or(Predicate::FALSE, |values| Predicate::KeyIn { columns, keys: vec![values] })
    }

    fn reference(
        &self,
        reference: &ReferenceTo,
        asked: &Reference,
        modifier: Option<&Modifier>,
    ) -> Imaged {
        let Reference::Local { resource_type, id, .. } = asked else { return Ok(Predicate::FALSE) };
        let target = &self.rules.rules[reference.rule];
        let typed = match modifier {
            Some(Modifier::Type(name)) => Some(name),
            _ => resource_type.as_ref(),
        };
        if typed.is_some_and(|name| *name != target.resource) {
            return Ok(Predicate::FALSE);
        }
        let Some(key) = self.identity.decode(&target.id, id) else { return Ok(Predicate::FALSE) };
        let mut image = Predicate::TRUE;
        for (term, text) in reference.key.iter().zip(key) {
            image = image.and(self.imaging().text(term, &TextTarget::equals(text))?);
        }
        Ok(image)
    }
}

/// Dates and numbers have no image as texts; whether one is there is seen on the bare column.
fn stored(imaging: Imaging, term: &Term) -> Imaged {
    use crate::expression::ExpressionKind as K;
    match &term.kind {
        K::Pipe(inner, _) => stored(imaging, inner),
        _ => imaging.text(term, &TextTarget::Present),
    }
}

fn token(
    imaging: Imaging,
    (system, code): (&System, &Term),
    asked: &TokenSystem,
    text: Option<&str>,
) -> Imaged {
    let image = match text {
        Some(text) => imaging.text(code, &TextTarget::equals(text))?,
        None => imaging.text(code, &TextTarget::Present)?,
    };
    let system = match (asked, system) {
        (TokenSystem::Any, _) | (TokenSystem::None, System::None) => Predicate::TRUE,
        (TokenSystem::None, System::Term(term)) => imaging.text(term, &TextTarget::Empty)?,
        (TokenSystem::Is(asked), System::Term(term)) => {
            imaging.text(term, &TextTarget::equals(asked))?
        }
        (_, System::Unknown) => return Err(unknown_system(code)),
        (TokenSystem::Is(asked), System::Implied(system)) if asked == system => Predicate::TRUE,
        (TokenSystem::Is(_), _) | (TokenSystem::None, System::Implied(_)) => Predicate::FALSE,
    };
    Ok(system.and(image))
}

fn unknown_system(code: &Term) -> Blocked {
    let text = Text::new(
        "nothing is known of the system of this column; search by the code alone",
        "この列のコード体系は不明なため、コードだけで検索してください",
    );
    Blocked { span: code.span, text }
}

fn string(imaging: Imaging, term: &Term, text: &str, modifier: Option<&Modifier>) -> Imaged {
    let folding = Imaging { ignore_case: true, ..imaging };
    match modifier {
        Some(Modifier::Exact) => imaging.text(term, &TextTarget::equals(text)),
        Some(Modifier::Contains) => folding.text(term, &TextTarget::Contains(text.to_owned())),
        _ => folding.text(term, &TextTarget::StartsWith(text.to_owned())),
    }
}

fn number(
    imaging: Imaging,
    term: &Term,
    prefix: Prefix,
    text: &str,
    (low, high): (&str, &str),
) -> Imaged {
    let comparison = match prefix {
        Prefix::Eq => return imaging.number(term, low, high),
        Prefix::Ne => {
            let equal = imaging.number(term, low, high)?;
            return Ok(stored(imaging, term)?.and(negated(equal)));
        }
        Prefix::Gt | Prefix::Sa => Comparison::Greater,
        Prefix::Lt | Prefix::Eb => Comparison::Less,
        Prefix::Ge => Comparison::GreaterOrEqual,
        Prefix::Le => Comparison::LessOrEqual,
        Prefix::Ap => {
            let text = Text::new(
                "the prefix `ap` has no exact meaning and is not supported",
                "接頭辞 ap は意味が定まらないため対応していません",
            );
            return Err(Blocked { span: term.span, text });
        }
    };
    if text.contains(['e', 'E']) {
        let text = Text::new(
            "numbers with an exponent can only be compared without a prefix",
            "指数表記の数値は接頭辞なしでだけ検索できます",
        );
        return Err(Blocked { span: term.span, text });
    }
    imaging.number_compare(term, comparison, text)
}

fn units(
    imaging: Imaging,
    value: &Term,
    (system, code, unit): (Option<&Term>, Option<&Term>, Option<&Term>),
    asked_system: Option<&str>,
    asked_code: Option<&str>,
) -> Imaged {
    let equals = |term: Option<&Term>, text: &str| match term {
        Some(term) => imaging.text(term, &TextTarget::equals(text)),
        None => Ok(Predicate::FALSE),
    };
    let known = [system, code, unit].into_iter().any(|part| part.is_some());
    if !known && (asked_system.is_some() || asked_code.is_some()) {
        let text = Text::new(
            "nothing is known of the unit of this number; search without a unit",
            "この数値の単位は不明なため、単位なしで検索してください",
        );
        return Err(Blocked { span: value.span, text });
    }
    let mut image = match asked_system {
        Some(asked) => equals(system, asked)?,
        None => Predicate::TRUE,
    };
    if let Some(asked) = asked_code {
        let mut ways = vec![equals(code, asked)?];
        if asked_system.is_none() {
            ways.push(equals(unit, asked)?);
        }
        image = image.and(any(ways));
    }
    Ok(image)
}

fn date_prefix(prefix: Prefix) -> DatePrefix {
    match prefix {
        Prefix::Eq => DatePrefix::Eq,
        Prefix::Ne => DatePrefix::Ne,
        Prefix::Gt => DatePrefix::Gt,
        Prefix::Lt => DatePrefix::Lt,
        Prefix::Ge => DatePrefix::Ge,
        Prefix::Le => DatePrefix::Le,
        Prefix::Sa => DatePrefix::Sa,
        Prefix::Eb => DatePrefix::Eb,
        Prefix::Ap => DatePrefix::Ap,
    }
}

/// The reverse of `$code`: rows whose house code carries the standard code on their day, rows with
/// that house code, and for the official uncoded codes the rows that nothing maps.
///
/// A clinical date of which only the year is known counts from its first day forwards; backwards
/// its whole year is looked at. The two differ only where a map changes within that year.
pub(super) fn coded(
    of: &Coded,
    map: &CodeMap,
    imaging: Imaging,
    system: Option<&str>,
    code: Option<&str>,
) -> Imaged {
    // A Coding or a code shows only the first.
    let all = of.shape == CodedShape::CodeableConcept;
    let carriers: Vec<Holder> = match code {
        _ if !all => map.leading(system, code),
        Some(code) => map.holders(system, code).into_iter().cloned().collect(),
        None => map.mapped(system),
    };
    let mut ways = vec![held(of, imaging, &carriers)?];
    if system.is_none_or(|system| system == map.local_system) {
        ways.push(house_code(of, map, imaging, code)?);
    }
    if map.unmapped.policy == UnmappedPolicy::Uncoded {
        let wanted = |coding: &Coding| {
            system.is_none_or(|system| system == coding.system)
                && code.is_none_or(|code| code == coding.code)
        };
        let shown = |with, coding| all || map.uncoded(with).first() == Some(coding);
        let choices = map.uncoded_choices().filter(|(with, c)| wanted(c) && shown(*with, *c));
        for (with, _) in choices {
            let chosen = chosen(of, map, imaging, with)?;
            ways.push(appears(of, imaging)?.and(unmapped(of, map, imaging)?).and(chosen));
        }
    }
    Ok(any(ways))
}

/// Rows that show their house code: this one, or any.
fn house_code(of: &Coded, map: &CodeMap, imaging: Imaging, code: Option<&str>) -> Imaged {
    let own = match code {
        Some(code) => imaging.text(&of.from, &TextTarget::equals(code))?,
        None => imaging.text(&of.from, &TextTarget::Present)?,
    };
    // Of one house code it is known when it is mapped; no list of all others is needed.
    let mapped = |imaging| match code {
        Some(code) => held(of, imaging, &map.mapped_times(code)),
        None => held(of, imaging, &map.mapped(None)),
    };
    let first_only = of.shape != CodedShape::CodeableConcept;
    let text_only = map.unmapped.policy == UnmappedPolicy::TextOnly;
    match map.local_emit {
        LocalEmit::Never => Ok(Predicate::FALSE),
        LocalEmit::Always if !first_only && text_only => Ok(own.and(mapped(imaging)?)),
        LocalEmit::Always if !first_only => Ok(own),
        _ if text_only => Ok(Predicate::FALSE),
        _ => {
            let mut image = own.and(negated(mapped(imaging.complete())?));
            if first_only && map.unmapped.policy == UnmappedPolicy::Uncoded {
                // The uncoded codings stand before it.
                let empty = map.unmapped.codings.is_empty();
                image = if empty { image.and(chosen(of, map, imaging, None)?) } else { Predicate::FALSE };
            }
            Ok(image)
        }
    }
}

/// Rows whose `with` chooses these uncoded codings (`None`: those of all other values).
fn chosen(of: &Coded, map: &CodeMap, imaging: Imaging, with: Option<&str>) -> Imaged {
    match (&of.with, with) {
        (Some(term), Some(with)) => imaging.text(term, &TextTarget::equals(with)),
        (None, Some(_)) => Ok(Predicate::FALSE),
        (Some(term), None) => {
            let values = map.unmapped.by.iter().map(|(key, _)| key.clone()).collect();
            imaging.text(term, &TextTarget::NoneOf { values, include_empty: true })
        }
        (None, None) => Ok(Predicate::TRUE),
    }
}

fn appears(of: &Coded, imaging: Imaging) -> Imaged {
    let mut ways = vec![imaging.text(&of.from, &TextTarget::Present)?];
    if let Some(text) = &of.text {
        ways.push(stored(imaging, text)?);
    }
    Ok(any(ways))
}

fn unmapped(of: &Coded, map: &CodeMap, imaging: Imaging) -> Imaged {
    Ok(negated(held(of, imaging.complete(), &map.mapped(None))?))
}

/// Rows whose house code is one of these while its segment lasts. House codes of the same segment
/// go into one list, so that the statement stays short however large the map is.
fn held(of: &Coded, imaging: Imaging, holders: &[Holder]) -> Imaged {
    let mut groups: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for holder in holders {
        groups.entry((holder.from, holder.until)).or_default().insert(holder.local.clone());
    }
    let mut ways = Vec::new();
    for ((from, until), locals) in groups {
        let lasts = during(of.at.as_ref(), imaging, from, until)?;
        ways.push(imaging.text(&of.from, &TextTarget::OneOf(locals.into_iter().collect()))?.and(lasts));
    }
    Ok(any(ways))
}

fn during(
    at: Option<&Term>,
    imaging: Imaging,
    from: Option<NaiveDate>,
    until: Option<NaiveDate>,
) -> Imaged {
    if from.is_none() && until.is_none() {
        return Ok(Predicate::TRUE);
    }
    let open = until.is_none();
    let Some(at) = at else {
        return Ok(if open { Predicate::TRUE } else { Predicate::FALSE });
    };
    let mut inside = Predicate::TRUE;
    let day = |day: NaiveDate, prefix| {
        let start: NaiveDateTime = day.and_time(NaiveTime::MIN);
        let end = day.succ_opt().unwrap_or(day).and_time(NaiveTime::MIN);
        DateSearch { prefix, start, end }
    };
    if let Some(from) = from {
        inside = inside.and(imaging.date(at, &day(from, DatePrefix::Ge))?);
    }
    if let Some(until) = until {
        inside = inside.and(imaging.date(at, &day(until, DatePrefix::Lt))?);
    }
    if !open {
        return Ok(inside);
    }
    // Without a clinical date the coding without an end is taken.
    Ok(any(vec![inside, negated(stored(imaging.complete(), at)?)]))
}
