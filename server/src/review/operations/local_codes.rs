//! `$local-codes`: what there is to review.

use std::collections::BTreeMap;

use genkan_mapping::codemap::MapRow;
use genkan_mapping::codemap::review::State;
use serde_json::{Value, json};

use super::{Call, at_most, refused, row_part, text};
use crate::error::{Error, Refusal};
use crate::review::Seen;
use crate::terminology::Given;

/// A house code, from the code map, the rows of the source, or both.
#[derive(Default)]
struct House {
    rows: Vec<MapRow>,
    seen: Option<Seen>,
}

/// Codes without any row of the map.
const NEW: &str = "none";

pub async fn run(call: &Call<'_>, mut given: Given) -> Result<Vec<Value>, Error> {
    let (only, state) = (given.text("code"), given.text("state"));
    let rows = call.rows(&mut given);
    let most = call.service.codes.review_codes_max;
    let offset = given.number("offset").unwrap_or_default();
    let count = at_most(&mut given, "count", most, most);
    let known = |state: &String| state == NEW || State::by_word(state).is_some();
    if !state.as_ref().is_none_or(known) {
        let words = State::ALL.map(State::word).join(", ");
        let en = format!("has to be {words} or {NEW}");
        given.refuse("state", Refusal::Invalid, &en, &format!("は {words}、{NEW} のいずれかです"));
    }
    given.end()?;
    let document = call.document().await?;
    let mut codes: BTreeMap<String, House> = BTreeMap::new();
    for row in document.rows().map_err(refused)?.rows() {
        codes.entry(row.local.clone()).or_default().rows.push(row);
    }
    for ((_, code), seen) in call.seen(rows).await?.codes {
        codes.entry(code).or_default().seen = Some(seen);
    }
    let wanted = |(code, house): &(String, House)| {
        let is_state = |wanted: &String| match wanted == NEW {
            true => house.rows.is_empty(),
            false => house.rows.iter().any(|row| row.status == *wanted),
        };
        only.as_ref().is_none_or(|only| only == code) && state.as_ref().is_none_or(is_state)
    };
    let mut codes: Vec<(String, House)> = codes.into_iter().filter(wanted).collect();
    // Those of most patients first: each of them helps most.
    codes.sort_by_cached_key(|(code, house)| {
        let weight = house.seen.as_ref().map_or((0, 0), |seen| (seen.patients(), seen.rows));
        (std::cmp::Reverse(weight), code.clone())
    });
    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, house) in &codes {
        let mut own: Vec<&str> = house.rows.iter().map(|row| row.status.as_str()).collect();
        own.sort_unstable();
        own.dedup();
        if own.is_empty() {
            own.push(NEW);
        }
        own.into_iter().for_each(|state| *states.entry(state).or_default() += 1);
    }
    let mut parts = vec![
        json!({"name": "version", "valueString": document.version()}),
        json!({"name": "total", "valueInteger": codes.len()}),
    ];
    parts.extend(states.iter().map(|(state, count)| {
        let part = [
            json!({"name": "state", "valueCode": state}),
            json!({"name": "codes", "valueInteger": count}),
        ];
        json!({"name": "states", "part": part})
    }));
    let page = codes.iter().skip(offset).take(count);
    parts.extend(page.map(|(code, house)| told(code, house)));
    Ok(parts)
}

fn told(code: &str, house: &House) -> Value {
    let own = house.rows.iter().map(|row| row.local_name.as_str()).find(|name| !name.is_empty());
    let of_source = house.seen.as_ref().map(|seen| seen.house_code(code));
    let name = own.or_else(|| of_source.as_ref()?.names.first().map(String::as_str));
    let mut parts: Vec<Value> = [text("code", code), name.and_then(|name| text("name", name))]
        .into_iter()
        .flatten()
        .collect();
    if let (Some(seen), Some(house)) = (&house.seen, &of_source) {
        parts.push(json!({"name": "rows", "valueInteger": seen.rows}));
        parts.push(json!({"name": "patients", "valueInteger": seen.patients()}));
        parts.push(json!({"name": "unmapped", "valueBoolean": seen.is_unmapped}));
        parts.extend(house.material.as_deref().and_then(|name| text("material", name)));
        parts.extend(house.method.as_deref().and_then(|name| text("method", name)));
        parts.extend(house.values.iter().map(|values| {
            let number = |name: &str, value: f64| json!({"name": name, "valueDecimal": value});
            let part: Vec<Value> = text("unit", &values.unit)
                .into_iter()
                .chain([
                    json!({"name": "count", "valueInteger": values.count}),
                    number("low", values.low),
                    number("median", values.median),
                    number("high", values.high),
                ])
                .collect();
            json!({"name": "values", "part": part})
        }));
    }
    parts.extend(house.rows.iter().map(row_part));
    json!({"name": "code", "part": parts})
}
