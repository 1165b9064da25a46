//! Runs an expression backwards: what a search asks of a FHIR text, as a condition on columns.
//!
//! An image is exact or it is refused. A refusal names the place and the reason; the parameter that
//! needs it is then left out of `/metadata`.

mod date;
mod fold;
mod split;
mod value;

use chrono::FixedOffset;
use genkan_adapter::{ColumnKind, Comparison, Decimal, Operand, Position, Predicate, Value};

use crate::diagnostic::{Span, Text};
use crate::expression::ExpressionKind as K;
use crate::lens::{DateSearch, Lens, TextTarget};
use crate::program::{ColumnUse, LookupTables, Term};

use split::{SPLITS_MAX, split};
pub(crate) use value::{blank_values, is_blank, value_of_kind};

/// Why an expression can't be searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    pub span: Span,
    pub text: Text,
}

impl Blocked {
    fn new(span: Span, en: impl Into<String>, ja: impl Into<String>) -> Self {
        Blocked { span, text: Text::new(en, ja) }
    }
}

pub type Imaged = Result<Predicate, Blocked>;

/// What images need besides the expression.
#[derive(Clone, Copy)]
pub struct Imaging<'a> {
    pub lookups: &'a LookupTables,
    pub zone: FixedOffset,
    /// ASCII letters match without regard to case (`string` parameters).
    pub ignore_case: bool,
    /// No row may be missed: converters that find only the usual spellings are refused. Strings are
    /// searched without it, and what an author names under `search:`; nothing negated is.
    pub complete: bool,
}

/// A condition of the rule itself (`where`).
pub(crate) fn condition(term: &Term, lookups: &LookupTables, zone: FixedOffset) -> Imaged {
    Imaging { lookups, zone, ignore_case: false, complete: true }.condition(term)
}

/// Text with text, numbers with numbers: sources refuse the rest, or find nothing.
pub(crate) fn comparable(left: ColumnKind, right: ColumnKind) -> bool {
    let family = |kind: ColumnKind| match kind {
        ColumnKind::Text | ColumnKind::PaddedText { .. } => 0,
        ColumnKind::Integer | ColumnKind::Decimal => 1,
        ColumnKind::Boolean => 2,
        ColumnKind::Date | ColumnKind::DateTime | ColumnKind::Instant => 3,
        ColumnKind::Time => 4,
        ColumnKind::Bytes | ColumnKind::Unsupported => 5,
    };
    family(left) == family(right)
}

impl Imaging<'_> {
    /// For images that are negated afterwards.
    pub fn complete(self) -> Self {
        Imaging { complete: true, ..self }
    }

    /// Where case counts again: keys behind a table whose values were compared without it.
    fn exact(self) -> Self {
        Imaging { ignore_case: false, ..self }
    }

    fn meets(&self, target: &TextTarget, text: Option<&str>) -> bool {
        match self.ignore_case {
            true => fold::target(target).matches(text.map(str::to_ascii_lowercase).as_deref()),
            false => target.matches(text),
        }
    }

    /// The rows for which a condition holds.
    pub fn condition(&self, term: &Term) -> Imaged {
        match &term.kind {
            K::And(terms) => {
                let terms: Result<_, _> = terms.iter().map(|term| self.condition(term)).collect();
                Ok(Predicate::All(terms?))
            }
            K::Or(terms) => {
                let terms: Result<_, _> = terms.iter().map(|term| self.condition(term)).collect();
                Ok(Predicate::Any(terms?))
            }
            K::Not(inner) => Ok(negated(self.complete().condition(inner)?)),
            K::Exists(inner) => self.text(inner, &TextTarget::Present),
            K::In(inner, values) => self.text(inner, &TextTarget::OneOf(values.clone())),
            K::Compare(left, comparison, right) => self.compare(term, left, *comparison, right),
            _ => self.text(term, &TextTarget::equals("true")),
        }
    }

    fn compare(&self, term: &Term, left: &Term, comparison: Comparison, right: &Term) -> Imaged {
        match (&left.kind, comparison, &right.kind) {
            (_, Comparison::Equal, K::Text(text)) => self.text(left, &TextTarget::equals(text)),
            (_, Comparison::NotEqual, K::Text(text)) => {
                Ok(negated(self.complete().text(left, &TextTarget::equals(text))?))
            }
            (K::Text(_), _, _) => self.compare(term, right, comparison.mirrored(), left),
            (K::Name(column), _, K::Text(text)) => {
                let Some(value) = value_of_kind(column.kind, text) else {
                    let en = "the constant does not fit the column's type";
                    return Err(Blocked::new(right.span, en, "定数が列の型に合いません"));
                };
                let operand = Operand::Column(column.column.clone());
                let right = Operand::Value(value);
                let compared = Predicate::Compare { left: operand, comparison, right };
                Ok(present(column).and(compared))
            }
            (K::Name(a), _, K::Name(b)) if !comparable(a.kind, b.kind) => Err(Blocked::new(
                term.span,
                "the two columns have types that can't be compared",
                "2 つの列は型が異なり比較できません",
            )),
            (K::Name(_), Comparison::NotEqual, K::Name(_)) => {
                Ok(negated(self.compare(term, left, Comparison::Equal, right)?))
            }
            (K::Name(a), _, K::Name(b)) => {
                let (left, right) =
                    (Operand::Column(a.column.clone()), Operand::Column(b.column.clone()));
                let compared = Predicate::Compare { left, comparison, right };
                Ok(present(a).and(present(b)).and(compared))
            }
            _ => Err(Blocked::new(
                term.span,
                "only columns and constants can be compared inside the source",
                "接続先で比較できるのは列と定数だけです",
            )),
        }
    }

    /// The rows for which the text of an expression meets a target.
    pub fn text(&self, term: &Term, target: &TextTarget) -> Imaged {
        match &term.kind {
            K::Name(column) => self.column(term.span, column, target),
            K::Text(text) => {
                let text = (!text.is_empty()).then_some(text.as_str());
                Ok(decided(self.meets(target, text)))
            }
            K::Pipe(_, Lens::Date | Lens::Wareki | Lens::DateTime)
                if matches!(target, TextTarget::Present | TextTarget::Empty) =>
            {
                let there = self.date(term, &DateSearch::ANY)?;
                Ok(if *target == TextTarget::Empty { negated(there) } else { there })
            }
            // Only columns of a number kind can be searched by number, and those hold nothing else.
            K::Pipe(inner, Lens::Number)
                if matches!(target, TextTarget::Present | TextTarget::Empty)
                    && is_number_column(inner) =>
            {
                self.text(inner, target)
            }
            K::Pipe(_, lens)
                if let TextTarget::NoneOf { values, include_empty } = target
                    && !lens.image_is_complete(target) =>
            {
                self.others(term, values, *include_empty)
            }
            K::Pipe(_, lens) if self.complete && !lens.image_is_complete(target) => {
                let en = "the stored spellings behind this converter can't all be listed; compare the \
                          bare column, or name it under `search:`";
                let ja = "この変換では格納表記を網羅できません。列をそのまま比較するか search: で列を指定\
                          してください";
                Err(Blocked::new(term.span, en, ja))
            }
            K::Pipe(inner, Lens::Map(map)) if self.ignore_case => {
                let targets = fold::map(map).image(&fold::target(target)).into_iter();
                let images: Result<Vec<_>, _> =
                    targets.map(|target| self.exact().text(inner, &target)).collect();
                Ok(any(images?))
            }
            K::Pipe(inner, lens) => {
                let targets = lens.text_image(target).map_err(|reason| Blocked {
                    span: term.span,
                    text: Text::new(reason.reason_en, reason.reason_ja),
                })?;
                let images: Result<Vec<_>, _> =
                    targets.iter().map(|target| self.text(inner, target)).collect();
                Ok(any(images?))
            }
            K::Else(first, second) => {
                let first_matches = match target.matches(None) {
                    true => self.text(first, &present_part(target))?,
                    false => self.text(first, target)?,
                };
                let fallen = self.text(first, &TextTarget::Empty)?.and(self.text(second, target)?);
                Ok(any(vec![first_matches, fallen]))
            }
            K::Lookup { table, key } => self.lookup(table, key, target),
            K::Template(parts) => self.joined(term, parts, target, false),
            K::Concat(parts) => self.joined(term, parts, target, true),
            _ => {
                let (yes, no) = (target.matches(Some("true")), target.matches(Some("false")));
                match (yes, no) {
                    (true, true) => Ok(Predicate::TRUE),
                    (false, false) => Ok(Predicate::FALSE),
                    (true, false) => self.condition(term),
                    (false, true) => Ok(negated(self.complete().condition(term)?)),
                }
            }
        }
    }

    /// All but some values, where the values can be listed and the rest can't be turned round.
    fn others(&self, term: &Term, values: &[String], include_empty: bool) -> Imaged {
        let equal = self.complete().text(term, &TextTarget::OneOf(values.to_vec()))?;
        if include_empty {
            return Ok(negated(equal));
        }
        Ok(self.text(term, &TextTarget::Present)?.and(negated(equal)))
    }

    fn column(&self, span: Span, column: &ColumnUse, target: &TextTarget) -> Imaged {
        let operand = || Operand::Column(column.column.clone());
        let values = |texts: &[String]| -> Vec<Value> {
            let usable = texts.iter().filter(|text| !is_blank(column, text));
            usable.filter_map(|text| value_of_kind(column.kind, text)).collect()
        };
        let among = |values: Vec<Value>| match values.is_empty() {
            true => Predicate::FALSE,
            false => Predicate::In { operand: operand(), values },
        };
        Ok(match target {
            TextTarget::Present => present(column),
            TextTarget::Empty => negated(present(column)),
            TextTarget::OneOf(texts) if self.ignore_case && column.kind.is_text() => {
                let usable = texts.iter().filter(|text| !is_blank(column, text));
                any(usable.map(|text| like(column, Position::Exact, text, true)).collect())
            }
            TextTarget::OneOf(texts) => match column.kind {
                ColumnKind::Decimal => {
                    let en = "decimal digits can't be compared as text";
                    return Err(Blocked::new(span, en, "小数の列は文字列として検索できません"));
                }
                _ => among(values(texts)),
            },
            TextTarget::NoneOf { values: texts, include_empty } => {
                let others =
                    negated(self.column(span, column, &TextTarget::OneOf(texts.clone()))?);
                if *include_empty { others } else { present(column).and(others) }
            }
            TextTarget::StartsWith(text) | TextTarget::Contains(text) => {
                if !column.kind.is_text() {
                    let en = "parts of a text can only be searched in a text column";
                    return Err(Blocked::new(span, en, "部分一致は文字列の列でだけ使えます"));
                }
                let position = match target {
                    TextTarget::StartsWith(_) => Position::Start,
                    _ => Position::Anywhere,
                };
                let hit = like(column, position, text, self.ignore_case);
                let blank_hit = column.blanks.iter().any(|b| self.meets(target, Some(&**b)));
                if blank_hit || text.is_empty() { present(column).and(hit) } else { hit }
            }
            TextTarget::Except { target, not } => {
                let mut image = self.column(span, column, target)?;
                for target in not {
                    image = image.and(negated(self.column(span, column, target)?));
                }
                image
            }
        })
    }

    /// The rows whose number lies in `low <= number < high`.
    pub fn number(&self, term: &Term, low: &str, high: &str) -> Imaged {
        let at_least = self.number_compare(term, Comparison::GreaterOrEqual, low)?;
        Ok(at_least.and(self.number_compare(term, Comparison::Less, high)?))
    }

    /// The rows whose number compares so. Only number columns: digits in a text column are neither
    /// ordered nor all numbers, and no index would help.
    pub fn number_compare(&self, term: &Term, comparison: Comparison, bound: &str) -> Imaged {
        let column = match &term.kind {
            K::Name(column) => column,
            K::Pipe(inner, Lens::Number) => match &inner.kind {
                K::Name(column) => column,
                _ => return Err(not_a_number(term)),
            },
            _ => return Err(not_a_number(term)),
        };
        // An integer column compares with decimals as well: `>= 4.5`.
        let value = match column.kind {
            ColumnKind::Integer | ColumnKind::Decimal => Decimal::parse(bound).map(Value::Decimal),
            _ => return Err(not_a_number(term)),
        };
        let Some(value) = value else { return Ok(Predicate::FALSE) };
        let (left, right) = (Operand::Column(column.column.clone()), Operand::Value(value));
        Ok(present(column).and(Predicate::Compare { left, comparison, right }))
    }

    fn lookup(&self, table: &str, key: &Term, target: &TextTarget) -> Imaged {
        let Some(entries) = self.lookups.get(table) else { return Ok(Predicate::FALSE) };
        let wanted = |value: &str| self.meets(target, Some(value));
        let keys: Vec<String> =
            entries.iter().filter(|(_, v)| wanted(v)).map(|(key, _)| key.clone()).collect();
        let found = self.exact().text(key, &TextTarget::OneOf(keys))?;
        if !target.matches(None) {
            return Ok(found);
        }
        let known = TextTarget::OneOf(entries.keys().cloned().collect());
        Ok(any(vec![found, negated(self.exact().complete().text(key, &known)?)]))
    }

    /// Parts one after the other: every way to cut the wanted text that the parts allow.
    fn joined(&self, term: &Term, parts: &[Term], target: &TextTarget, gaps: bool) -> Imaged {
        match target {
            // A constant part alone makes a text: its neighbours need no image.
            TextTarget::Present if gaps && parts.iter().any(is_constant) => Ok(Predicate::TRUE),
            TextTarget::Present => {
                let parts: Result<Vec<_>, _> =
                    parts.iter().map(|part| self.text(part, &TextTarget::Present)).collect();
                Ok(if gaps { any(parts?) } else { Predicate::All(parts?) })
            }
            TextTarget::Empty => {
                let there = self.complete().joined(term, parts, &TextTarget::Present, gaps)?;
                Ok(negated(there))
            }
            TextTarget::OneOf(texts) => {
                let images: Result<Vec<_>, _> =
                    texts.iter().map(|text| self.cuts(term, parts, text, gaps)).collect();
                Ok(any(images?))
            }
            TextTarget::NoneOf { values, include_empty } => {
                self.others(term, values, *include_empty)
            }
            _ => Err(Blocked::new(
                term.span,
                "a text put together from parts can only be searched as a whole",
                "複数の部分からなる文字列は完全一致でだけ検索できます",
            )),
        }
    }

    fn cuts(&self, term: &Term, parts: &[Term], text: &str, gaps: bool) -> Imaged {
        let ways = split(parts, text, gaps);
        if ways.len() > SPLITS_MAX {
            return Err(Blocked::new(
                term.span,
                "the parts can't be told apart in the searched text",
                "検索文字列を部分に分けられません",
            ));
        }
        let mut images = Vec::new();
        for way in ways {
            let mut image = Predicate::TRUE;
            for (part, piece) in parts.iter().zip(way) {
                let target = match piece.is_empty() {
                    true => TextTarget::Empty,
                    false => TextTarget::equals(piece),
                };
                image = image.and(self.text(part, &target)?);
            }
            images.push(image);
        }
        Ok(any(images))
    }
}

fn is_constant(term: &Term) -> bool {
    matches!(&term.kind, K::Text(text) if !text.is_empty())
}

fn is_number_column(term: &Term) -> bool {
    let number = |kind| matches!(kind, ColumnKind::Integer | ColumnKind::Decimal);
    matches!(&term.kind, K::Name(column) if number(column.kind))
}

fn not_a_number(term: &Term) -> Blocked {
    Blocked::new(
        term.span,
        "a number search needs a number column; name one under `search:`",
        "数値検索には数値型の列が必要です。search: で列を指定してください",
    )
}

/// The part of a target that only present texts meet.
fn present_part(target: &TextTarget) -> TextTarget {
    match target {
        TextTarget::Empty => TextTarget::OneOf(Vec::new()),
        TextTarget::NoneOf { values, .. } => {
            TextTarget::NoneOf { values: values.clone(), include_empty: false }
        }
        other => other.clone(),
    }
}

fn like(column: &ColumnUse, position: Position, text: &str, ignore_case: bool) -> Predicate {
    let operand = Operand::Column(column.column.clone());
    // Folding costs an index; texts without ASCII letters (most Japanese names) need none.
    let ignore_case = ignore_case && text.bytes().any(|byte| byte.is_ascii_alphabetic());
    if position == Position::Exact && !ignore_case {
        return Predicate::In { operand, values: vec![Value::text(text)] };
    }
    Predicate::Like { operand, position, text: text.to_owned(), ignore_case }
}

/// There is something in the column: not NULL, and nothing that the rule calls blank.
pub(crate) fn present(column: &ColumnUse) -> Predicate {
    let known = negated(Predicate::Null(column.column.clone()));
    let blanks = blank_values(column);
    if blanks.is_empty() {
        return known;
    }
    let operand = Operand::Column(column.column.clone());
    known.and(negated(Predicate::In { operand, values: blanks }))
}

pub(crate) fn negated(predicate: Predicate) -> Predicate {
    match predicate {
        Predicate::Not(inner) => *inner,
        predicate if predicate.is_true() => Predicate::FALSE,
        predicate if predicate.is_false() => Predicate::TRUE,
        predicate => Predicate::Not(Box::new(predicate)),
    }
}

/// One of them holds; constants fold away.
pub(crate) fn any(mut terms: Vec<Predicate>) -> Predicate {
    if terms.iter().any(Predicate::is_true) {
        return Predicate::TRUE;
    }
    terms.retain(|term| !term.is_false());
    if terms.len() == 1 { terms.remove(0) } else { Predicate::Any(terms) }
}

fn decided(holds: bool) -> Predicate {
    if holds { Predicate::TRUE } else { Predicate::FALSE }
}
