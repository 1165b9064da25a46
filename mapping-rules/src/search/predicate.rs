//! A filter of a request on the places of a parameter, as a condition for the source.

use genkan_adapter::Predicate;
use genkan_fhir::reference::Reference;
use genkan_fhir::search::{Filter, Modifier, SearchValue, TokenSystem};

use super::coded::{appears, coded, texts};
use super::quantity::{number, quantity};
use super::rows::Rows;
use super::{Answer, Branch, Form, Parameter, PlaceKind, System, TypeOf, strings};
use crate::diagnostic::Text;
use crate::identity::Identity;
use crate::image::{Blocked, Imaged, Imaging, any, negated, value_of_kind};
use crate::lens::{DateSearch, TextTarget};
use crate::program::{Coded, ReferenceTo, Rule, RuleSet, Term};

/// The rows of a rule that meet a filter; `None` if none can. `Err` says what of it can't be answered.
pub fn rows_of(
    rules: &RuleSet,
    identity: &Identity,
    rule: &Rule,
    filter: &Filter,
) -> Result<Option<Predicate>, Text> {
    let missing = filter.values.contains(&SearchValue::Missing(true));
    let negated = filter.modifier == Some(Modifier::Not) || missing;
    let Some(parameter) = rule.parameters.iter().find(|p| p.code == filter.code) else {
        // The rule emits nothing there, so the element is missing in all its resources.
        return Ok(negated.then_some(Predicate::TRUE));
    };
    let asked = Asked { rows: Rows::of(rules, rule), rules, identity, negated };
    asked.filter(parameter, filter).map(Some)
}

/// What a filter is asked of.
#[derive(Clone, Copy)]
struct Asked<'a> {
    rows: Rows<'a>,
    rules: &'a RuleSet,
    identity: &'a Identity,
    /// The answer will be turned round (`:not`, `:missing=true`).
    negated: bool,
}

impl Asked<'_> {
    fn filter(&self, parameter: &Parameter, filter: &Filter) -> Result<Predicate, Text> {
        let modifier = filter.modifier.as_ref();
        let branches = places(parameter, modifier)?;
        if modifier == Some(&Modifier::Missing) {
            return self.missing(branches, &filter.values);
        }
        let mut found = Vec::new();
        for value in &filter.values {
            for branch in branches {
                found.push(self.branch(branch, value, modifier).map_err(|blocked| blocked.text)?);
            }
        }
        let found = any(found);
        Ok(if modifier == Some(&Modifier::Not) { negated(found) } else { found })
    }

    /// `true`: there is nothing in any of the places; `false`: there is something in one of them.
    fn missing(&self, branches: &[Branch], values: &[SearchValue]) -> Result<Predicate, Text> {
        let there = branches.iter().map(|branch| {
            let imaging = branch.imaging(self.rows.imaging, self.negated);
            self.rows.around(branch, || self.present(&branch.place, imaging))
        });
        let there = any(there.collect::<Result<_, Blocked>>().map_err(|blocked| blocked.text)?);
        let ways = values.iter().map(|value| match value {
            SearchValue::Missing(true) => negated(there.clone()),
            _ => there.clone(),
        });
        Ok(any(ways.collect()))
    }

    fn branch(&self, branch: &Branch, value: &SearchValue, modifier: Option<&Modifier>) -> Imaged {
        self.rows.around(branch, || self.place(branch, value, modifier))
    }

    fn place(&self, branch: &Branch, value: &SearchValue, modifier: Option<&Modifier>) -> Imaged {
        let imaging = branch.imaging(self.rows.imaging, self.negated);
        match (&branch.place, value) {
            (PlaceKind::Id, SearchValue::Token { system: TokenSystem::Any, code: Some(id) }) => {
                Ok(self.own_id(id))
            }
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
            (
                PlaceKind::Typed { of, value },
                SearchValue::OfType { system, code, value: asked },
            ) => {
                let system = TokenSystem::Is(system.clone());
                let typed = match of {
                    TypeOf::Coding(own) => token(imaging, (&own.0, &own.1), &system, Some(code))?,
                    TypeOf::Coded(of) => self.coded(of, &system, Some(code))?,
                };
                Ok(typed.and(imaging.text(value, &TextTarget::equals(asked))?))
            }
            (PlaceKind::CodedText(of), SearchValue::Text(text)) => {
                texts(of, &self.rows.maps[of.map], imaging, text)
            }
            (place, SearchValue::Text(text)) => strings::image(imaging, place, text, modifier),
            (PlaceKind::Date(term), SearchValue::Date { prefix, period }) => {
                let (start, end) = (period.start, period.end);
                imaging.date(term, &DateSearch { prefix: *prefix, start, end })
            }
            (PlaceKind::Period { start, end }, SearchValue::Date { prefix, period }) => {
                let search = DateSearch { prefix: *prefix, start: period.start, end: period.end };
                super::period::image(imaging, (start.as_ref(), end.as_ref()), &search)
            }
            (PlaceKind::Number(term), SearchValue::Number { prefix, number: asked }) => {
                number(imaging, term, *prefix, asked)
            }
            (PlaceKind::Quantity(of), SearchValue::Quantity { prefix, number, system, code }) => {
                let unit = (system.as_deref(), code.as_deref());
                quantity(imaging, branch.stated, of, (*prefix, number), unit)
            }
            (PlaceKind::Reference(reference), SearchValue::Reference(asked)) => {
                self.reference(reference, asked, modifier)
            }
            (PlaceKind::Uri(term), SearchValue::Uri(text)) => uri(imaging, term, text, modifier),
            (PlaceKind::Uri(term), SearchValue::Reference(asked)) => {
                imaging.text(term, &TextTarget::equals(asked.to_string()))
            }
            (PlaceKind::Composite(components), SearchValue::Composite(values)) => {
                self.composite(branch.each, components, values)
            }
            _ => Ok(Predicate::FALSE),
        }
    }

    /// Every component is met in the one object that the rows in sight are.
    fn composite(
        &self,
        each: Option<usize>,
        components: &[Vec<Branch>],
        values: &[SearchValue],
    ) -> Imaged {
        let mut all = Predicate::TRUE;
        for (places, value) in components.iter().zip(values) {
            let ways = places
                .iter()
                .map(|place| self.rows.around_in(each, place, || self.place(place, value, None)));
            all = all.and(any(ways.collect::<Result<_, Blocked>>()?));
        }
        Ok(all)
    }

    fn coded(&self, of: &Coded, system: &TokenSystem, code: Option<&str>) -> Imaged {
        let (map, imaging) = (&self.rows.maps[of.map], self.rows.imaging);
        match system {
            TokenSystem::Any => coded(of, map, imaging, None, code),
            TokenSystem::Is(system) => coded(of, map, imaging, Some(system), code),
            // Every coding of a map has a system.
            TokenSystem::None => Ok(Predicate::FALSE),
        }
    }

    fn present(&self, place: &PlaceKind, imaging: Imaging) -> Imaged {
        let has = |term: &Term| imaging.text(term, &TextTarget::Present);
        match place {
            PlaceKind::Id => Ok(Predicate::TRUE),
            PlaceKind::Element(node) => self.rows.is_made(node),
            PlaceKind::Flag(term) => imaging.condition(term),
            PlaceKind::Token { code: term, .. }
            | PlaceKind::Text(term)
            | PlaceKind::Folded { term, .. }
            | PlaceKind::Words(term)
            | PlaceKind::Uri(term)
            | PlaceKind::Typed { value: term, .. }
            | PlaceKind::Date(term)
            | PlaceKind::Number(term) => has(term),
            PlaceKind::Period { start, end } => {
                let ends = start.iter().chain(end).map(has);
                Ok(any(ends.collect::<Result<Vec<_>, _>>()?))
            }
            PlaceKind::Quantity(quantity) => has(&quantity.value),
            PlaceKind::Coded(of) | PlaceKind::CodedText(of) => {
                appears(of, &self.rows.maps[of.map], imaging)
            }
            PlaceKind::Reference(reference) => {
                let parts: Result<Vec<_>, Blocked> = reference.key.iter().map(has).collect();
                Ok(Predicate::All(parts?))
            }
            PlaceKind::Composite(_) => Ok(Predicate::FALSE),
        }
    }

    fn own_id(&self, id: &str) -> Predicate {
        let Some(key) = self.identity.decode(&self.rows.rule.id, id) else {
            return Predicate::FALSE;
        };
        let values: Option<Vec<_>> = (key.len() == self.rows.rule.key.len())
            .then(|| {
                let pairs = self.rows.rule.key.iter().zip(&key);
                pairs.map(|(column, text)| value_of_kind(column.kind, text)).collect()
            })
            .flatten();
        let columns = self.rows.rule.key.iter().map(|column| column.column.clone()).collect();
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
            image = image.and(self.rows.imaging.text(term, &TextTarget::equals(text))?);
        }
        Ok(image)
    }
}

/// Where a modifier looks; nowhere if the rule emits nothing there.
fn places<'p>(parameter: &'p Parameter, modifier: Option<&Modifier>) -> Result<&'p [Branch], Text> {
    let Some(modifier) = modifier.filter(|modifier| !matches!(modifier, Modifier::Type(_))) else {
        return Ok(&parameter.branches);
    };
    let form = parameter.forms.iter().find(|form| form.modifier == *modifier);
    match form.map(|Form { answer, .. }| answer) {
        Some(Answer::Same) => Ok(&parameter.branches),
        Some(Answer::Elsewhere(branches)) => Ok(branches),
        Some(Answer::Never(_)) => Ok(&[]),
        Some(Answer::Withheld(reason)) => Err(reason.clone()),
        None => Err(Text::new("R4 has no such modifier here", "この修飾子は R4 にありません")),
    }
}

/// There is a date or a number.
pub(super) fn stored(imaging: Imaging, term: &Term) -> Imaged {
    imaging.text(term, &TextTarget::Present)
}

pub(super) fn token(
    imaging: Imaging,
    (system, code): (&System, &Term),
    asked: &TokenSystem,
    text: Option<&str>,
) -> Imaged {
    let system = match (asked, system) {
        (TokenSystem::Any, _) | (TokenSystem::None, System::None) => Predicate::TRUE,
        (TokenSystem::None, System::Part(part)) => part.is_absent(imaging)?,
        (TokenSystem::Is(asked), System::Part(part)) => part.is(imaging, asked)?,
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

/// A URI as a whole; `:below` what begins with the one asked for, `:above` what that begins with.
pub(super) fn uri(
    imaging: Imaging,
    term: &Term,
    asked: &str,
    modifier: Option<&Modifier>,
) -> Imaged {
    let target = match modifier {
        Some(Modifier::Below) => TextTarget::StartsWith(asked.to_owned()),
        Some(Modifier::Above) => {
            let begin = asked.find("://").map_or(0, |scheme| scheme + "://".len());
            let ends = asked.char_indices().map(|(at, letter)| at + letter.len_utf8());
            let above: Vec<String> =
                ends.filter(|end| *end > begin).map(|end| asked[..end].to_owned()).collect();
            if above.len() > ABOVE_MAX {
                return Err(too_long(term));
            }
            TextTarget::OneOf(above)
        }
        _ => TextTarget::equals(asked),
    };
    imaging.text(term, &target)
}

/// Letters of a URL behind its scheme: one value of the statement each.
const ABOVE_MAX: usize = 500;

fn too_long(term: &Term) -> Blocked {
    let text = Text::new(
        format!("`:above` takes URLs of at most {ABOVE_MAX} letters behind `://`"),
        format!(":above の URL は「://」より後が {ABOVE_MAX} 文字までです"),
    );
    Blocked { span: term.span, text }
}
