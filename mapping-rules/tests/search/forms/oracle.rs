//! Whether a resource matches, seen from its JSON alone, as R4 words it.

use chrono::{DateTime, Days, FixedOffset, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use serde_json::Value as Json;

use crate::source::now;

pub fn matches(resource: &Json, name: &str, value: &str) -> bool {
    let (code, modifier) = name.split_once(':').unwrap_or((name, ""));
    if let Some((base, parts)) = composite(code) {
        return value.split(',').any(|value| {
            let asked: Vec<&str> = value.split('$').collect();
            objects(resource, base).iter().any(|object| {
                parts.iter().zip(&asked).all(|(part, asked)| {
                    elements(object, part).iter().any(|element| meets(element, part, "", asked))
                })
            })
        });
    }
    let found = elements(resource, code);
    if modifier == "missing" {
        return value.split(',').any(|missing| found.is_empty() == (missing == "true"));
    }
    let any = value
        .split(',')
        .any(|value| found.iter().any(|element| meets(element, code, modifier, value)));
    if modifier == "not" { !any } else { any }
}

fn composite(code: &str) -> Option<(&'static [&'static str], [&'static str; 2])> {
    Some(match code {
        "code-value-quantity" => (&[""], ["code", "value-quantity"]),
        "component-code-value-quantity" => (&["component"], ["code", "value-quantity"]),
        "combo-code-value-quantity" => (&["", "component"], ["code", "value-quantity"]),
        _ => return None,
    })
}

fn objects<'j>(resource: &'j Json, bases: &[&str]) -> Vec<&'j Json> {
    let of = |base: &&str| match *base {
        "" => vec![resource],
        base => at(resource, base),
    };
    bases.iter().flat_map(of).collect()
}

/// Everything at a dotted path, through lists.
fn at<'j>(json: &'j Json, path: &str) -> Vec<&'j Json> {
    path.split('.').fold(vec![json], |found, step| {
        let inside = found.into_iter().filter_map(|json| json.get(step));
        inside
            .flat_map(|json| match json {
                Json::Array(items) => items.iter().collect(),
                one => vec![one],
            })
            .collect()
    })
}

fn elements<'j>(resource: &'j Json, code: &str) -> Vec<&'j Json> {
    let paths: &[&str] = match code {
        "component-code" => &["component.code"],
        "combo-code" => &["code", "component.code"],
        "component-value-concept" => &["component.valueCodeableConcept"],
        "value-quantity" => &["valueQuantity"],
        "component-value-quantity" => &["component.valueQuantity"],
        "combo-value-quantity" => &["valueQuantity", "component.valueQuantity"],
        "date" => &["effectivePeriod"],
        "_tag" => &["meta.tag"],
        "_profile" => &["meta.profile"],
        "_source" => &["meta.source"],
        own => &[own],
    };
    paths.iter().flat_map(|path| at(resource, path)).collect()
}

fn meets(element: &Json, code: &str, modifier: &str, asked: &str) -> bool {
    match (code, modifier) {
        (_, "text") => texts(element, code)
            .iter()
            .any(|text| text.to_ascii_lowercase().starts_with(&asked.to_ascii_lowercase())),
        (_, "of-type") => {
            let parts: Vec<&str> = asked.splitn(3, '|').collect();
            let typed = at(element, "type.coding")
                .iter()
                .any(|coding| coding["system"] == parts[0] && coding["code"] == parts[1]);
            typed && element["value"] == parts[2]
        }
        (_, "identifier") => {
            element.get("identifier").is_some_and(|found| token(found, "value", asked))
        }
        ("_profile" | "_source", _) => {
            let own = element.as_str().expect("a URI");
            match modifier {
                "below" => own.starts_with(asked),
                "above" => asked.starts_with(own),
                _ => own == asked,
            }
        }
        ("date", _) => period(element, asked),
        (code, _) if code.ends_with("quantity") => quantity(element, asked),
        ("identifier", _) => token(element, "value", asked),
        ("_tag", _) => token(element, "code", asked),
        _ => at(element, "coding").iter().any(|coding| token(coding, "code", asked)),
    }
}

fn texts<'j>(element: &'j Json, code: &str) -> Vec<&'j str> {
    let mut found = at(
        element,
        match code {
            "identifier" => "type.text",
            "_tag" => "display",
            _ => "text",
        },
    );
    if code != "identifier" {
        found.extend(at(element, "coding.display"));
    }
    found.into_iter().filter_map(Json::as_str).collect()
}

fn token(found: &Json, of: &str, asked: &str) -> bool {
    let own = found["system"].as_str();
    let Some(code) = found[of].as_str() else { return false };
    match asked.split_once('|') {
        None => code == asked,
        Some(("", wanted)) => own.is_none() && code == wanted,
        Some((system, "")) => own == Some(system),
        Some((system, wanted)) => own == Some(system) && code == wanted,
    }
}

/// Prefix and the rest.
fn prefix(asked: &str) -> (&str, &str) {
    match asked.split_at_checked(2) {
        Some((prefix, rest)) if prefix.bytes().all(|byte| byte.is_ascii_lowercase()) => {
            (prefix, rest)
        }
        _ => ("eq", asked),
    }
}

/// In millionths.
fn number(text: &str) -> (i64, i64) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let decimals = mantissa.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let unit = 10_f64.powi(exponent.parse::<i32>().expect("digits") - decimals as i32) * 1e6;
    let digits: f64 = mantissa.replace('.', "").parse().expect("digits");
    ((digits * unit).round() as i64, unit.round() as i64)
}

fn quantity(element: &Json, asked: &str) -> bool {
    let parts: Vec<&str> = asked.split('|').collect();
    let has = |name: &str, text: &str| element[name] == text;
    let right = match parts.as_slice() {
        [_] => true,
        [_, "", code] => has("code", code) || has("unit", code),
        [_, system, ""] => has("system", system),
        [_, system, code] => has("system", system) && has("code", code),
        _ => panic!("{asked}"),
    };
    let Some(own) = element.get("value").filter(|_| right) else { return false };
    let own = number(&own.to_string()).0;
    let (low, high) = match element["comparator"].as_str() {
        None => (own, own),
        Some("<") => (i64::MIN, own - 1),
        Some("<=") => (i64::MIN, own),
        Some(">=") => (own, i64::MAX),
        Some(">") => (own + 1, i64::MAX),
        Some(other) => panic!("{other}"),
    };
    let (prefix, wanted) = prefix(parts[0]);
    let (exact, unit) = number(wanted);
    let equal = exact - unit / 2 <= low && high < exact + unit / 2;
    match prefix {
        "eq" => equal,
        "ne" => !equal,
        "gt" => high > exact,
        "lt" => low < exact,
        "ge" => high >= exact,
        "le" => low <= exact,
        "sa" => low > exact,
        "eb" => high < exact,
        _ => high >= exact - exact.abs() / 10 && low <= exact + exact.abs() / 10,
    }
}

fn span(text: &str) -> (NaiveDateTime, NaiveDateTime) {
    let first = |day: &str| day.parse::<NaiveDate>().expect("a day");
    let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN);
    match text.len() {
        4 => {
            let day = first(&format!("{text}-01-01"));
            (midnight(day), midnight(day + Months::new(12)))
        }
        7 => {
            let day = first(&format!("{text}-01"));
            (midnight(day), midnight(day + Months::new(1)))
        }
        10 => (midnight(first(text)), midnight(first(text) + Days::new(1))),
        16 => {
            let at: NaiveDateTime = format!("{text}:00").parse().expect("a minute");
            (at, at + TimeDelta::minutes(1))
        }
        _ => {
            let zone = FixedOffset::east_opt(9 * 3600).expect("an offset");
            let at: DateTime<FixedOffset> = text.parse().expect("a time");
            let at = at.with_timezone(&zone).naive_local();
            (at, at + TimeDelta::seconds(1))
        }
    }
}

fn period(element: &Json, asked: &str) -> bool {
    let end = |name: &str| element[name].as_str().map(span);
    let start = end("start").map_or(NaiveDateTime::MIN, |(start, _)| start);
    let end = end("end").map_or(NaiveDateTime::MAX, |(_, end)| end);
    let (prefix, wanted) = prefix(asked);
    let (low, high) = span(wanted);
    let inside = low <= start && end <= high;
    match prefix {
        "eq" => inside,
        "ne" => !inside,
        "gt" => end > high,
        "lt" => start < low,
        "ge" => end > high || inside,
        "le" => start < low || inside,
        "sa" => start >= high,
        "eb" => end <= low,
        _ => {
            let distance = if now() < low { low - now() } else { now() - high };
            let tenth = TimeDelta::seconds(distance.num_seconds().max(0) / 10);
            start < high + tenth && end > low - tenth
        }
    }
}
