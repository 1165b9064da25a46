//! The functions on strings (<https://hl7.org/fhirpath/N1/#string-manipulation>). Positions and
//! lengths count characters.

use std::borrow::Cow;

use regex::{Captures, Regex};

use super::{
    budget::Budget,
    encoding,
    error::Fault,
    function::Text,
    item::{Collection, Item},
    operator::{integer, string},
    term::pattern_of,
};

/// `matches` with a pattern that was compiled with the expression.
pub(super) fn matches<'a>(
    input: &Collection<'a>,
    pattern: Option<&Regex>,
) -> Result<Collection<'a>, Fault> {
    let text = string(input)?;
    let answer = text.zip(pattern).map(|(text, pattern)| pattern.is_match(&text));
    Ok(Collection::of_boolean(answer))
}

pub(super) fn call<'a>(
    function: Text,
    input: &Collection<'a>,
    arguments: &[Collection<'a>],
    budget: &Budget,
) -> Result<Collection<'a>, Fault> {
    if function == Text::Join {
        return join(input, arguments, budget);
    }
    let Some(text) = string(input)? else { return Ok(Collection::default()) };
    budget.spend(text.len() / 64)?;
    if function == Text::Substring {
        return substring(&text, arguments);
    }
    let mut strings = Vec::with_capacity(arguments.len());
    for argument in arguments {
        match string(argument)? {
            Some(argument) => strings.push(argument),
            None => return Ok(Collection::default()),
        }
    }
    match strings.as_slice() {
        [] => alone(function, text, budget),
        [other] => with_one(function, &text, other, budget),
        [other, third, ..] => with_two(function, &text, other, third, budget),
    }
}

fn owned<'a>(text: String, budget: &Budget) -> Result<Collection<'a>, Fault> {
    budget.spend_string(text.len())?;
    Ok(Collection::of(Item::String(Cow::Owned(text))))
}

fn alone<'a>(
    function: Text,
    text: Cow<'a, str>,
    budget: &Budget,
) -> Result<Collection<'a>, Fault> {
    Ok(match function {
        // Some letters grow: `ß` becomes `SS`, and three bytes are the most for one.
        Text::Upper => return owned(bounded(&text, 3, budget)?.to_uppercase(), budget),
        Text::Lower => return owned(bounded(&text, 3, budget)?.to_lowercase(), budget),
        Text::Length => Collection::of_count(text.chars().count()),
        Text::ToChars => {
            budget.spend(text.len())?;
            let item = |letter: char| Item::String(Cow::Owned(letter.to_string()));
            text.chars().map(item).collect()
        }
        Text::Trim => Collection::of(Item::String(match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
        })),
        // `join` was answered before; the others have arguments.
        _ => Collection::default(),
    })
}

/// Makes sure that a copy that is so many times as long may be made.
fn bounded<'t>(text: &'t str, times: usize, budget: &Budget) -> Result<&'t str, Fault> {
    budget.spend_string(text.len().saturating_mul(times))?;
    Ok(text)
}

fn with_one<'a>(
    function: Text,
    text: &str,
    other: &str,
    budget: &Budget,
) -> Result<Collection<'a>, Fault> {
    let boolean = |answer: bool| Ok(Collection::of_boolean(Some(answer)));
    let position = |found: Option<usize>| {
        let before = found.and_then(|at| text.get(..at));
        let place = before.map(|before| i32::try_from(before.chars().count()).unwrap_or(i32::MAX));
        Ok(Collection::of(Item::Integer(place.unwrap_or(-1))))
    };
    match function {
        Text::IndexOf => position(text.find(other)),
        Text::LastIndexOf => position(text.rfind(other)),
        Text::StartsWith => boolean(text.starts_with(other)),
        Text::EndsWith => boolean(text.ends_with(other)),
        Text::Contains => boolean(text.contains(other)),
        Text::Matches => boolean(pattern(other, false, budget)?.is_match(text)),
        Text::MatchesFull => boolean(pattern(other, true, budget)?.is_match(text)),
        Text::Split => {
            budget.spend(text.len())?;
            // Nothing separates nothing.
            let parts: Vec<&str> =
                if other.is_empty() { vec![text] } else { text.split(other).collect() };
            let item = |part: &str| Item::String(Cow::Owned(part.to_owned()));
            Ok(parts.into_iter().map(item).collect())
        }
        Text::Encode | Text::Decode | Text::Escape | Text::Unescape => {
            // HTML's longest escape makes six bytes of one.
            let converted = encoding::convert(function, bounded(text, 6, budget)?, other)?;
            converted.map_or(Ok(Collection::default()), |text| owned(text, budget))
        }
        _ => Ok(Collection::default()),
    }
}

fn with_two<'a>(
    function: Text,
    text: &str,
    other: &str,
    replacement: &str,
    budget: &Budget,
) -> Result<Collection<'a>, Fault> {
    match function {
        Text::Replace => {
            let count = text.matches(other).count();
            let grown = count.saturating_mul(replacement.len()).saturating_add(text.len());
            budget.spend_string(grown)?;
            owned(text.replace(other, replacement), budget)
        }
        // Nothing matches nothing (the suite's testReplaceMatches2).
        Text::ReplaceMatches if other.is_empty() => owned(text.to_owned(), budget),
        Text::ReplaceMatches => {
            let pattern = pattern(other, false, budget)?;
            let mut replaced = String::new();
            let mut end = 0;
            for found in pattern.captures_iter(text) {
                let Some(whole) = found.get(0) else { continue };
                replaced.push_str(text.get(end..whole.start()).unwrap_or_default());
                expand(replacement, &found, &mut replaced, budget)?;
                end = whole.end();
            }
            replaced.push_str(text.get(end..).unwrap_or_default());
            owned(replaced, budget)
        }
        _ => Ok(Collection::default()),
    }
}

/// `$1` and `${name}` are what a group matched, `$$` is a dollar.
fn expand(
    replacement: &str,
    found: &Captures<'_>,
    into: &mut String,
    budget: &Budget,
) -> Result<(), Fault> {
    let mut rest = replacement;
    while let Some((before, after)) = rest.split_once('$') {
        into.push_str(before);
        let digits = after.bytes().take_while(u8::is_ascii_digit).count().min(2);
        let name = after.strip_prefix('{').and_then(|after| after.split_once('}'));
        let (piece, after) = match (digits, name) {
            (0, Some((name, after))) => {
                let numbered = name.parse().ok().and_then(|number| found.get(number));
                (numbered.or_else(|| found.name(name)).map_or("", |group| group.as_str()), after)
            }
            (0, None) => ("$", after.strip_prefix('$').unwrap_or(after)),
            _ => {
                let (number, after) = after.split_at(digits);
                let group = number.parse().ok().and_then(|number| found.get(number));
                (group.map_or("", |group| group.as_str()), after)
            }
        };
        budget.spend(1 + piece.len() / 16)?;
        budget.check_string(into.len() + piece.len())?;
        into.push_str(piece);
        rest = after;
    }
    budget.spend(1 + rest.len() / 16)?;
    budget.check_string(into.len() + rest.len())?;
    into.push_str(rest);
    Ok(())
}

/// A pattern that is only known now.
fn pattern(text: &str, is_full: bool, budget: &Budget) -> Result<Regex, Fault> {
    // Compiling costs more than matching.
    budget.spend(text.len().saturating_mul(100))?;
    pattern_of(text, is_full).map_err(|_| Fault::Pattern)
}

fn substring<'a>(text: &str, arguments: &[Collection<'a>]) -> Result<Collection<'a>, Fault> {
    let none = Ok(Collection::default());
    let Some(start) = arguments.first().map_or(Ok(None), integer)? else { return none };
    let length = match arguments.get(1) {
        // An unknown length makes the whole unknown; a negative one takes nothing.
        Some(length) => match integer(length)? {
            Some(length) => usize::try_from(length).unwrap_or(0),
            None => return none,
        },
        None => usize::MAX,
    };
    let Ok(start) = usize::try_from(start) else { return none };
    let mut letters = text.chars().skip(start).peekable();
    if letters.peek().is_none() {
        return none;
    }
    let part: String = letters.take(length).collect();
    Ok(Collection::of(Item::String(Cow::Owned(part))))
}

fn join<'a>(
    input: &Collection<'a>,
    arguments: &[Collection<'a>],
    budget: &Budget,
) -> Result<Collection<'a>, Fault> {
    let separator = arguments.first().map_or(Ok(None), string)?.unwrap_or_default();
    let mut joined = String::new();
    for (index, item) in input.items().iter().enumerate() {
        let item = item.simplified()?;
        let Item::String(text) = item.as_ref() else {
            return Err(Fault::WrongType { expected: "Strings", found: item.type_label() });
        };
        budget.spend_string(text.len() + separator.len())?;
        budget.check_string(joined.len() + text.len() + separator.len())?;
        if index > 0 {
            joined.push_str(&separator);
        }
        joined.push_str(text);
    }
    if input.is_empty() { Ok(Collection::default()) } else { owned(joined, budget) }
}
