//! `$suggest`: what a house code may be.

use genkan_mapping::codemap::suggest::{Suggestion, told};
use genkan_mapping::terminology::Unanswered;
use genkan_masters::suggest::{HouseCode, Reason, Unsearchable, Values};
use serde_json::{Value, json};

use super::{Call, ReviewRefusal, at_most, refused};
use crate::error::{Error, Refusal};
use crate::terminology::Given;

/// Less likely codes are not worth reading.
pub const SCORE_MIN: f64 = 0.01;

pub async fn run(call: &Call<'_>, mut given: Given) -> Result<Vec<Value>, Error> {
    let mut house = HouseCode { code: given.needed("code"), ..HouseCode::default() };
    house.names = given.text("name").into_iter().collect();
    for (name, field) in [
        ("kana", &mut house.kana),
        ("unit", &mut house.unit),
        ("material", &mut house.material),
        ("method", &mut house.method),
        ("ingredient", &mut house.ingredient),
        ("strength", &mut house.strength),
        ("form", &mut house.form),
        ("maker", &mut house.maker),
    ] {
        *field = given.text(name);
    }
    house.values = median(&mut given, house.unit.as_deref());
    let rows = call.rows(&mut given);
    let most = call.service.codes.suggest_codes_max;
    let count = at_most(&mut given, "count", most.min(5), most);
    given.end()?;
    let document = call.document().await?;
    complete(call, &document, &mut house, rows).await?;
    let (suggester, rules) = (call.review.suggester.clone(), call.service.rules.clone());
    let place = call.map.place();
    let day = call.service.wall_clock().date();
    // The first question of a code system puts its names in order, which takes a moment.
    let asked = tokio::task::spawn_blocking(move || {
        let map = &rules.code_maps[place];
        let found = suggester.suggest(map, &house, (count, SCORE_MIN), day);
        (found, suggester.unsearchable(map, day), suggester.is_searchable(map, day))
    });
    let (found, unsearchable, is_searchable) =
        asked.await.map_err(|_| Error::Internal("candidates could not be ranked"))?;
    if let Some((target, why)) = unsearchable.first().filter(|_| !is_searchable) {
        return Err(not_loaded(call, target, *why));
    }
    let mut parts = vec![json!({"name": "version", "valueString": document.version()})];
    parts.extend(
        unsearchable
            .iter()
            .map(|(target, _)| json!({"name": "unsearchable", "valueString": target})),
    );
    parts.extend(found.iter().map(match_part));
    Ok(parts)
}

/// `median` with `unit`: where the middle of the hospital's results is.
fn median(given: &mut Given, unit: Option<&str>) -> Vec<Values> {
    let Some(text) = given.text("median") else { return Vec::new() };
    let Some(median) = text.parse::<f64>().ok().filter(|number| number.is_finite()) else {
        given.refuse("median", Refusal::Invalid, "has to be a number", "は数です");
        return Vec::new();
    };
    let unit = unit.unwrap_or_default().to_owned();
    vec![Values { unit, count: 1, low: median, median, high: median }]
}

/// What the question leaves out is what the code map and the rows of the source say.
async fn complete(
    call: &Call<'_>,
    document: &crate::review::Document,
    house: &mut HouseCode,
    rows: usize,
) -> Result<(), Error> {
    let own = document.rows().map_err(refused)?;
    let own = own.rows().find(|row| row.local == house.code && !row.local_name.is_empty());
    if house.names.is_empty() {
        house.names.extend(own.map(|row| row.local_name));
    }
    let seen = call.seen(rows).await?.codes.remove(&(call.map.place(), house.code.clone()));
    if let Some(seen) = seen {
        let of_source = seen.house_code(&house.code);
        for name in of_source.names {
            if !house.names.contains(&name) {
                house.names.push(name);
            }
        }
        house.material = house.material.take().or(of_source.material);
        house.method = house.method.take().or(of_source.method);
        if house.values.is_empty() {
            house.values = of_source.values;
        }
        house.texts = of_source.texts;
    }
    if house.names.is_empty() { Err(Error::Review(ReviewRefusal::NoHouseCode)) } else { Ok(()) }
}

fn not_loaded(call: &Call<'_>, target: &str, why: Unsearchable) -> Error {
    let own = call.code_map.targets.iter().find(|known| known.id == target);
    let system = own.map(|target| target.system.clone()).unwrap_or_default();
    let masters = match why {
        Unsearchable::NotLoaded(masters) => masters,
        Unsearchable::NoMaster => &[],
    };
    Error::Terminology(Unanswered::NotLoaded { system, masters })
}

fn match_part(one: &Suggestion) -> Value {
    let candidate = &one.candidate;
    let score = (candidate.score * 10_000.0).round() / 10_000.0;
    let coding =
        json!({"system": one.system, "code": candidate.code, "display": candidate.display});
    let mut parts = vec![
        json!({"name": "target", "valueCode": one.target}),
        json!({"name": "concept", "valueCoding": coding}),
        json!({"name": "score", "valueDecimal": score}),
        json!({"name": "exact", "valueBoolean": one.is_only_exact}),
    ];
    parts.extend(candidate.reasons.iter().map(reason_part));
    json!({"name": "match", "part": parts})
}

fn reason_part(reason: &Reason) -> Value {
    let text = told(reason);
    let part = [
        json!({"name": "word", "valueCode": reason.word()}),
        json!({"name": "text", "valueString": text.en}),
        json!({"name": "textJa", "valueString": text.ja}),
    ];
    json!({"name": "reason", "part": part})
}
