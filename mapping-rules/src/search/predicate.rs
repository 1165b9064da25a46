//! A filter of a request on the places of a parameter, as a condition for the source.

use genkan_adapter::{Comparison, Operand, Predicate};
use genkan_fhir::reference::Reference;
use genkan_fhir::search::{Filter, Modifier, Prefix, SearchValue, TokenSystem};

use super::coded::{appears, coded};
use super::{Branch, Parameter, PlaceKind, System};
use crate::diagnostic::Text;
use crate::identity::Identity;
use crate::image::{Blocked, Imaged, Imaging, any, negated, value_of_kind};
use crate::lens::{DatePrefix, DateSearch, Lens, LensContext, TextTarget};
use crate::program::{Coded, Place, ReferenceTo, Rule, RuleSet, Term};

/// What a filter is asked of.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    pub rules: &'a RuleSet,
    pub identity: &'a Identity,
    pub rule: &'a Rule,
    /// The answer will be turned round (`:not`, `:missing=true`).
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
    pub(super) fn imaging(&self) -> Imaging<'_> {
        let (lookups, zone) = (&self.rules.lookups, self.rules.site.zone);
        Imaging { lookups, zone, ignore_case: false, complete: true }
    }

    fn branch(&self, branch: &Branch, value: &SearchValue, modifier: Option<&Modifier>) -> Imaged {
        self.around(branch, || self.place(branch, value, modifier))
    }

    /// What holds of a place, where the place exists at all.
    pub(super) fn around(&self, branch: &Branch, place: impl FnOnce() -> Imaged) -> Imaged {
        let mut image = Predicate::TRUE;
        for condition in &branch.conditions {
            image = image.and(self.imaging().condition(condition)?);
        }
        if image.is_false() {
            return Ok(Predicate::FALSE);
        }
        image = image.and(self.data(branch)?).and(place()?);
        if image.is_false() {
            return Ok(Predicate::FALSE);
        }
        Ok(match branch.each {
            Some(child) => self.exists(child, image),
            None => image,
        })
    }

    /// The object around a constant is there. A child other than the branch's own is asked for any
    /// of its rows.
    fn data(&self, branch: &Branch) -> Imaged {
        if branch.data.is_empty() {
            return Ok(Predicate::TRUE);
        }
        let ways = branch.data.iter().map(|term| {
            let there = self.imaging().text(term, &TextTarget::Present)?;
            Ok(match child_of(term) {
                Some(child) if branch.each != Some(child) => self.exists(child, there),
                _ => there,
            })
        });
        Ok(any(ways.collect::<Result<_, Blocked>>()?))
    }

    /// A row of the child for which `image` holds.
    fn exists(&self, child: usize, image: Predicate) -> Predicate {
        let child = &self.rule.children[child];
        let mut filter = Predicate::TRUE;
        for (own, parent) in &child.link {
            filter = filter.and(Predicate::Compare {
                left: Operand::Column(child.set.columns[*own].clone()),
                comparison: Comparison::Equal,
                right: Operand::Column(parent.column.clone()),
            });
        }
        let filter = Box::new(filter.and(child.filter.clone()).and(image));
        Predicate::Exists { target: child.set.root.clone(), filter }
    }

    fn place(&self, branch: &Branch, value: &SearchValue, modifier: Option<&Modifier>) -> Imaged {
        let imaging = branch.imaging(self.imaging(), self.negated);
        if matches!(value, SearchValue::Missing(_)) {
            return self.present(&branch.place, imaging);
        }
        match (&branch.place, value) {
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
                Some("false") => Ok(negated(imaging.condition(term)?)),
                _ => Ok(Predicate::FALSE),
            },
            (PlaceKind::Coded(of), SearchValue::Token { system, code }) => {
                self.coded(of, system, code.as_deref())
            }
            (PlaceKind::Text(term), SearchValue::Text(text)) => {
                string(imaging, term, text, modifier)
            }
            (PlaceKind::Folded { term, lens }, SearchValue::Text(text)) => {
                folded(imaging, (term, lens), text, modifier)
            }
            (PlaceKind::Words(term), SearchValue::Text(text)) => {
                words(imaging, term, text, modifier)
            }
            (PlaceKind::Date(term), SearchValue::Date { prefix, period }) => {
                let prefix = date_prefix(*prefix);
                let (start, end) = (period.start, period.end);
                imaging.date(term, &DateSearch { prefix, start, end })
            }
            (PlaceKind::Period { start, end }, SearchValue::Date { prefix, period }) => {
                let prefix = date_prefix(*prefix);
                let search = DateSearch { prefix, start: period.start, end: period.end };
                super::period::image(imaging, (start.as_ref(), end.as_ref()), &search)
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
                Ok(image.and(units(
                    imaging,
                    value,
                    parts,
                    asked.as_deref(),
                    asked_code.as_deref(),
                )?))
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

    fn coded(&self, of: &Coded, system: &TokenSystem, code: Option<&str>) -> Imaged {
        let map = &self.rules.code_maps[of.map];
        match system {
            TokenSystem::Any => coded(of, map, self.imaging(), None, code),
            TokenSystem::Is(system) => coded(of, map, self.imaging(), Some(system), code),
            // Every coding of a map has a system.
            TokenSystem::None => Ok(Predicate::FALSE),
        }
    }

    pub(super) fn present(&self, place: &PlaceKind, imaging: Imaging) -> Imaged {
        let has = |term: &Term| imaging.text(term, &TextTarget::Present);
        match place {
            PlaceKind::Id => Ok(Predicate::TRUE),
            PlaceKind::Flag(term) => imaging.condition(term),
            PlaceKind::Token { code: term, .. }
            | PlaceKind::Text(term)
            | PlaceKind::Folded { term, .. }
            | PlaceKind::Words(term)
            | PlaceKind::Uri(term) => has(term),
            PlaceKind::Date(term) | PlaceKind::Number(term) => stored(imaging, term),
            PlaceKind::Period { start, end } => {
                let ends = start.iter().chain(end).map(|term| stored(imaging, term));
                Ok(any(ends.collect::<Result<Vec<_>, _>>()?))
            }
            PlaceKind::Quantity { value, .. } => stored(imaging, value),
            PlaceKind::Coded(coded) => appears(coded, &self.rules.code_maps[coded.map], imaging),
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

/// There is a date or a number.
pub(super) fn stored(imaging: Imaging, term: &Term) -> Imaged {
    imaging.text(term, &TextTarget::Present)
}

/// The child that a term looks into.
pub(super) fn child_of(term: &Term) -> Option<usize> {
    let mut child = None;
    term.names(&mut |column| {
        if let Place::Child(index) = column.place {
            child = Some(index);
        }
    });
    child
}

fn token(
    imaging: Imaging,
    (system, code): (&System, &Term),
    asked: &TokenSystem,
    text: Option<&str>,
) -> Imaged {
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
    // Of another system nothing is asked that might have to be refused.
    if system.is_false() {
        return Ok(Predicate::FALSE);
    }
    Ok(system.and(match text {
        Some(text) => imaging.text(code, &TextTarget::equals(text))?,
        None => imaging.text(code, &TextTarget::Present)?,
    }))
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

fn folded(
    imaging: Imaging,
    (term, lens): (&Term, &Lens),
    text: &str,
    modifier: Option<&Modifier>,
) -> Imaged {
    // What the converter makes nothing of is not in the column either.
    match lens.forward(text, &LensContext { zone: imaging.zone }).ok().flatten() {
        Some(folded) => string(imaging, term, &folded, modifier),
        None => Ok(Predicate::FALSE),
    }
}

fn words(imaging: Imaging, term: &Term, text: &str, modifier: Option<&Modifier>) -> Imaged {
    let folding = Imaging { ignore_case: true, ..imaging };
    match modifier {
        Some(Modifier::Exact) => {
            let text = Text::new(
                "the name is stored as a whole; search without `:exact`",
                "姓名が一つの列に格納されているため :exact は使えません",
            );
            Err(Blocked { span: term.span, text })
        }
        Some(Modifier::Contains) => folding.text(term, &TextTarget::Contains(text.to_owned())),
        _ => {
            let begins =
                [' ', '\u{3000}', '\t'].map(|blank| TextTarget::Contains(format!("{blank}{text}")));
            let ways: Result<_, _> =
                begins.iter().map(|target| folding.text(term, target)).collect();
            Ok(any(ways?))
        }
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
