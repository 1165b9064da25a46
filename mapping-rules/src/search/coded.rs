//! Searches by code on a `$code` place: standard codes, house codes, and the codes for "not coded".

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use genkan_adapter::Predicate;
use genkan_fhir::search::Prefix;

use super::predicate::stored;
use crate::codemap::{CodeMap, Coding, Holder, LocalEmit, UnmappedPolicy};
use crate::diagnostic::Text;
use crate::image::{Blocked, Imaged, Imaging, any, negated};
use crate::lens::{DateSearch, TextTarget};
use crate::program::{Coded, CodedShape, Term};

/// House codes that one statement can ask for: databases take some 32,000 values, and the rest of
/// the search needs some.
pub(crate) const LOCALS_MAX: usize = 26_000;

/// House codes of one list. Adapters fill lists up to a power of two.
const LIST_MAX: usize = 4_096;

/// The reverse of `$code`: rows whose house code carries the standard code on their day, rows with
/// that house code, and for the official uncoded codes the rows that nothing maps.
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
    let wanted = |coding: &Coding| {
        system.is_none_or(|system| system == coding.system)
            && code.is_none_or(|code| code == coding.code)
    };
    ways.extend(uncoded(of, map, imaging, wanted)?);
    Ok(any(ways))
}

/// Rows that show an official code for "not coded" like this.
fn uncoded(
    of: &Coded,
    map: &CodeMap,
    imaging: Imaging,
    is_wanted: impl Fn(&Coding) -> bool,
) -> Result<Vec<Predicate>, Blocked> {
    if map.unmapped.policy != UnmappedPolicy::Uncoded {
        return Ok(Vec::new());
    }
    let all = of.shape == CodedShape::CodeableConcept;
    let shown = |with, coding| all || map.uncoded(with).first() == Some(coding);
    let choices =
        map.uncoded_choices().filter(|(with, coding)| is_wanted(coding) && shown(*with, *coding));
    let ways = choices.map(|(with, _)| {
        let chosen = chosen(of, map, imaging, with)?;
        Ok(appears(of, map, imaging)?.and(unmapped(of, map, imaging)?).and(chosen))
    });
    ways.collect()
}

/// The reverse of `$code` for `:text`: rows that show a text, or beside a coding a name, which begins
/// so.
pub(super) fn texts(of: &Coded, map: &CodeMap, imaging: Imaging, text: &str) -> Imaged {
    let begins = |term: &Term| {
        let imaging = Imaging { ignore_case: true, ..imaging };
        imaging.text(term, &TextTarget::StartsWith(text.to_owned()))
    };
    let start = text.to_ascii_lowercase();
    let named = |coding: &Coding| {
        let display = coding.display.as_ref();
        display.is_some_and(|display| display.to_ascii_lowercase().starts_with(&start))
    };
    let all = of.shape == CodedShape::CodeableConcept;
    let exact = imaging.complete();
    let mut ways = vec![held(of, exact, &map.carrying(!all, named))?];
    ways.extend(uncoded(of, map, exact, named)?);
    if let (true, Some(text)) = (all, &of.text) {
        ways.push(begins(text)?);
    }
    // The house code's own name is the text, unless it has one of its own.
    let mut names = Vec::new();
    if let Some(display) = &of.display {
        names.push(begins(display)?);
    }
    if let (false, Some(text)) = (all, &of.text) {
        let unnamed = match &of.display {
            Some(display) => exact.text(display, &TextTarget::Empty)?,
            None => Predicate::TRUE,
        };
        names.push(unnamed.and(begins(text)?));
    }
    if !names.is_empty() {
        ways.push(house_code(of, map, exact, None)?.and(any(names)));
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
                image = if empty {
                    image.and(chosen(of, map, imaging, None)?)
                } else {
                    Predicate::FALSE
                };
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

/// Rows that show anything: a code, or a text where the shape has room for one.
pub(super) fn appears(of: &Coded, map: &CodeMap, imaging: Imaging) -> Imaged {
    let uncoded = map.unmapped.policy == UnmappedPolicy::Uncoded;
    let text_only = map.unmapped.policy == UnmappedPolicy::TextOnly;
    let unmapped_too = uncoded || (!text_only && map.local_emit != LocalEmit::Never);
    let mut ways = vec![match unmapped_too {
        true => imaging.text(&of.from, &TextTarget::Present)?,
        false => held(of, imaging, &map.mapped(None))?,
    }];
    if let Some(text) = &of.text
        && (uncoded || of.shape == CodedShape::CodeableConcept)
    {
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
    if holders.len() > LOCALS_MAX {
        let en = format!("more than {LOCALS_MAX} house codes would have to be asked for at once");
        let ja = format!("一度に {LOCALS_MAX} 件を超える院内コードは検索できません");
        return Err(Blocked { span: of.from.span, text: Text::new(en, ja) });
    }
    let mut groups: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for holder in holders {
        groups.entry((holder.from, holder.until)).or_default().insert(holder.local.clone());
    }
    let mut ways = Vec::new();
    for ((from, until), locals) in groups {
        let lasts = during(of.at.as_ref(), imaging, from, until)?;
        let locals: Vec<String> = locals.into_iter().collect();
        let lists = locals
            .chunks(LIST_MAX)
            .map(|locals| imaging.text(&of.from, &TextTarget::OneOf(locals.to_vec())));
        ways.push(any(lists.collect::<Result<_, _>>()?).and(lasts));
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
    let midnight = |day: NaiveDate| -> NaiveDateTime { day.and_time(NaiveTime::MIN) };
    // A year or a month counts from its first day: it has to begin there, and not only to reach so far.
    if let Some(from) = from {
        let before = from.pred_opt().unwrap_or(from);
        let (start, end) = (midnight(before), midnight(from));
        inside = inside.and(imaging.date(at, &DateSearch { prefix: Prefix::Sa, start, end })?);
    }
    if let Some(until) = until {
        let (start, end) = (midnight(until), midnight(until.succ_opt().unwrap_or(until)));
        inside = inside.and(imaging.date(at, &DateSearch { prefix: Prefix::Lt, start, end })?);
    }
    if !open {
        return Ok(inside);
    }
    // Without a clinical date the coding without an end is taken.
    Ok(any(vec![inside, negated(stored(imaging.complete(), at)?)]))
}
