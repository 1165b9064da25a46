//! Searches by number: of numbers, and of quantities with their comparator and unit.
//!
//! A stored number is the one that it says, without a range of its own. A Quantity with a comparator is
//! all the numbers that it stands for: `<0.5` lies below 0.5, and is neither 0.3 nor 0.5.
//!
//! Spec: <https://hl7.org/fhir/R4/search.html#quantity>, <https://hl7.org/fhir/R4/search.html#prefix>

use genkan_adapter::{Comparison, Predicate};
use genkan_fhir::search::{Prefix, SearchNumber};

use super::{Part, Quantity};
use crate::diagnostic::Text;
use crate::expression::ExpressionKind as K;
use crate::image::{Blocked, Imaged, Imaging, any, negated};
use crate::lens::{Comparator, Lens, TextTarget};
use crate::program::Term;

use Comparison::{Greater, GreaterOrEqual, Less, LessOrEqual};

/// The rows whose number meets the search.
pub(super) fn number(
    imaging: Imaging,
    term: &Term,
    prefix: Prefix,
    asked: &SearchNumber,
) -> Imaged {
    let SearchNumber { exact, range } = asked;
    let comparison = match prefix {
        Prefix::Eq => return imaging.number(term, &range.low, &range.high),
        Prefix::Ne => {
            let equal = imaging.number(term, &range.low, &range.high)?;
            return Ok(imaging.text(term, &TextTarget::Present)?.and(negated(equal)));
        }
        Prefix::Ap => {
            let at_least = imaging.number_compare(term, GreaterOrEqual, &range.low)?;
            return Ok(at_least.and(imaging.number_compare(term, LessOrEqual, &range.high)?));
        }
        Prefix::Gt | Prefix::Sa => Greater,
        Prefix::Lt | Prefix::Eb => Less,
        Prefix::Ge => GreaterOrEqual,
        Prefix::Le => LessOrEqual,
    };
    imaging.number_compare(term, comparison, exact)
}

/// The rows whose quantity meets the search; `unit` is the system and the code that were asked for.
pub(super) fn quantity(
    imaging: Imaging,
    stated: bool,
    quantity: &Quantity,
    (prefix, asked): (Prefix, &SearchNumber),
    unit: (Option<&str>, Option<&str>),
) -> Imaged {
    // The author answers for the column of the number, not for what stands beside it.
    let beside = imaging.complete();
    let units = units(beside, stated, quantity, unit).map_err(about_unit)?;
    if units.is_false() {
        return Ok(Predicate::FALSE);
    }
    let Some(part) = &quantity.comparator else {
        return Ok(number(imaging, &quantity.value, prefix, asked)?.and(units));
    };
    let plain = has_none(beside, stated, part)?;
    let mut ways = vec![plain.and(number(imaging, &quantity.value, prefix, asked)?)];
    for comparator in Comparator::ALL {
        let image = match meets(comparator, prefix, asked) {
            Meets::Never => continue,
            Meets::Always => imaging.text(&quantity.value, &TextTarget::Present)?,
            Meets::If(comparison, bound) => {
                imaging.number_compare(&quantity.value, comparison, bound)?
            }
        };
        ways.push(has(beside, stated, part, comparator)?.and(image));
    }
    ways.retain(|way| !way.is_false());
    Ok(any(ways).and(units))
}

/// When the numbers that a comparator stands for meet a search.
enum Meets<'a> {
    Never,
    Always,
    /// If the number written compares so.
    If(Comparison, &'a str),
}

/// R4's prefixes on a range that is open on one side.
fn meets(comparator: Comparator, prefix: Prefix, asked: &SearchNumber) -> Meets<'_> {
    let SearchNumber { exact, range } = asked;
    let inclusive = comparator.is_inclusive();
    // The number written belongs to the range, or is where the range begins.
    let touches = |with, without| if inclusive { with } else { without };
    match (prefix, comparator.is_below()) {
        // A search that has an end contains nothing that has none.
        (Prefix::Eq, _) | (Prefix::Sa, true) | (Prefix::Eb, false) => Meets::Never,
        (Prefix::Ne, _) | (Prefix::Lt | Prefix::Le, true) | (Prefix::Gt | Prefix::Ge, false) => {
            Meets::Always
        }
        (Prefix::Gt, true) => Meets::If(Greater, exact),
        (Prefix::Ge, true) => Meets::If(touches(GreaterOrEqual, Greater), exact),
        (Prefix::Eb, true) => Meets::If(touches(Less, LessOrEqual), exact),
        (Prefix::Ap, true) => Meets::If(touches(GreaterOrEqual, Greater), &range.low),
        (Prefix::Lt, false) => Meets::If(Less, exact),
        (Prefix::Le, false) => Meets::If(touches(LessOrEqual, Less), exact),
        (Prefix::Sa, false) => Meets::If(touches(Greater, GreaterOrEqual), exact),
        (Prefix::Ap, false) => Meets::If(touches(LessOrEqual, Less), &range.high),
    }
}

fn has(imaging: Imaging, stated: bool, part: &Part, comparator: Comparator) -> Imaged {
    match result_text(stated, &part.term) {
        Some(result) => {
            let there = written(imaging, result, comparator)?;
            part.only_where(imaging, there)
        }
        None => part.is(imaging, comparator.code()),
    }
}

fn has_none(imaging: Imaging, stated: bool, part: &Part) -> Imaged {
    match result_text(stated, &part.term) {
        Some(result) => {
            let all = Comparator::ALL.map(|comparator| written(imaging, result, comparator));
            let all: Vec<Predicate> = all.into_iter().collect::<Result<_, _>>()?;
            Ok(negated(part.only_where(imaging, any(all))?))
        }
        None => part.is_absent(imaging),
    }
}

/// The text whose comparator `num.comparator` reads. Where the author named a column for the number,
/// that text is a number where the column holds one, and its signs say all.
fn result_text(stated: bool, term: &Term) -> Option<&Term> {
    match &term.kind {
        K::Pipe(inner, Lens::Codes(_)) => result_text(stated, inner),
        K::Pipe(inner, Lens::NumberComparator) if stated => Some(inner),
        _ => None,
    }
}

/// The text of a number is written with this comparator.
fn written(imaging: Imaging, result: &Term, comparator: Comparator) -> Imaged {
    let contains = |words: Vec<String>| {
        let ways = words.into_iter().map(|word| imaging.text(result, &TextTarget::Contains(word)));
        Ok::<_, Blocked>(any(ways.collect::<Result<_, _>>()?))
    };
    let own = contains(comparator.words())?;
    // `<` stands in `<=` too.
    match comparator.longer() {
        Some(longer) => Ok(own.and(negated(contains(longer.words())?))),
        None => Ok(own),
    }
}

fn about_unit(Blocked { span, text: Text { en, ja } }: Blocked) -> Blocked {
    let text = Text::new(
        format!("search without a unit, which can't be asked for here: {en}"),
        format!("単位では検索できません。単位なしで検索してください（{ja}）"),
    );
    Blocked { span, text }
}

fn units(
    imaging: Imaging,
    stated: bool,
    quantity: &Quantity,
    (asked_system, asked_code): (Option<&str>, Option<&str>),
) -> Imaged {
    let Quantity { value, system, code, unit, .. } = quantity;
    let equals = |part: &Option<Part>, text: &str| match part {
        Some(part) => part.is(imaging, text),
        None => Ok(Predicate::FALSE),
    };
    let known = [system, code, unit].into_iter().any(|part| part.is_some());
    // A Quantity that the rule emits without a unit has none.
    if stated && !known && (asked_system.is_some() || asked_code.is_some()) {
        let text =
            Text::new("nothing is known of the unit of this number", "この数値の単位は不明です");
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

impl Part {
    /// The rows that show this text in it.
    pub fn is(&self, imaging: Imaging, text: &str) -> Imaged {
        let there = imaging.text(&self.term, &TextTarget::equals(text))?;
        self.only_where(imaging, there)
    }

    /// The rows that don't show it.
    pub fn is_absent(&self, imaging: Imaging) -> Imaged {
        let there = imaging.complete().text(&self.term, &TextTarget::Present)?;
        Ok(negated(self.only_where(imaging.complete(), there)?))
    }

    fn only_where(&self, imaging: Imaging, image: Predicate) -> Imaged {
        match &self.condition {
            Some(condition) => Ok(imaging.condition(condition)?.and(image)),
            None => Ok(image),
        }
    }
}
