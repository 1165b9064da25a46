//! `ValueSet/$expand`: the codes of a value set, whole or in pages.

use std::sync::Arc;

use genkan_mapping::terminology::{Asked, Content, Expansion, Member};
use genkan_masters::Words;
use serde_json::{Value, json};
use tokio::task;

use super::{Call, known_set};
use crate::error::{Error, Refusal};
use crate::terminology::given::Given;
use crate::terminology::resources;

pub async fn run(call: &Call<'_>, given: &mut Given) -> Result<Value, Error> {
    let set = call.value_set(given)?;
    let codes_max = call.service.codes.expand_codes_max;
    let filter = given.text("filter");
    let (offset, count) = (given.number("offset"), given.number("count"));
    let with_designations = given.boolean("includeDesignations").unwrap_or(false);
    let asked = Asked {
        words: Words::of(filter.as_deref().unwrap_or_default()),
        day: given.day(call.service),
        active_only: given.boolean("activeOnly").unwrap_or(false),
        offset: offset.unwrap_or(0),
        count,
        codes_max,
    };
    given.language();
    // There are no hierarchies in an expansion here, and no codes that are put together.
    given.boolean("excludeNested");
    given.boolean("excludePostCoordinated");
    given.never("includeDefinition");
    if count.is_some_and(|count| count > codes_max) {
        let (en, ja) = (format!("at most {codes_max}"), format!("は {codes_max} 以下です"));
        given.refuse("count", Refusal::Invalid, &en, &ja);
    }
    std::mem::take(given).end()?;
    let set = known_set(set)?;
    // The first search of a system reads all of it: not where others wait for their answers.
    let terminology = Arc::clone(&call.service.terminology);
    let (of, question) = (set.clone(), asked.clone());
    let searched = task::spawn_blocking(move || terminology.expand(&of, &question)).await;
    let expansion = searched.map_err(|_| Error::Internal("a panic; the log has its place"))??;
    Ok(told(call, &set, (&asked, filter.as_deref()), &expansion, with_designations))
}

fn told(
    call: &Call,
    set: &Content,
    (asked, filter): (&Asked, Option<&str>),
    expansion: &Expansion,
    with_designations: bool,
) -> Value {
    let mut used = Vec::new();
    let text = |name: &str, value: &str| json!({"name": name, "valueString": value});
    used.extend(filter.map(|filter| text("filter", filter)));
    // R4: only a part of an expansion says where it begins.
    let is_part = asked.count.is_some() || asked.offset > 0;
    if is_part {
        used.push(json!({"name": "offset", "valueInteger": asked.offset}));
    }
    used.extend(asked.count.map(|count| json!({"name": "count", "valueInteger": count})));
    if asked.active_only {
        used.push(json!({"name": "activeOnly", "valueBoolean": true}));
    }
    used.push(json!({"name": "date", "valueDateTime": asked.day.to_string()}));
    for (url, version) in &expansion.made_of {
        if let Some(version) = version {
            used.push(json!({"name": "version", "valueUri": format!("{url}|{version}")}));
        }
    }
    if expansion.members.iter().any(|member| member.unchecked) {
        used.push(json!({"name": "warning-unchecked", "valueBoolean": true}));
    }
    let mut shown = json!({
        "timestamp": chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now())
            .to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        "total": expansion.total,
        "parameter": used,
    });
    if is_part {
        shown["offset"] = asked.offset.into();
    }
    let members: Vec<Value> =
        expansion.members.iter().map(|one| member(one, with_designations)).collect();
    if !members.is_empty() {
        shown["contains"] = members.into();
    }
    let all = call.service.terminology.value_sets();
    let mut resource = all
        .iter()
        .find(|known| known.content == *set)
        .map_or_else(|| json!({}), resources::head_of_set);
    resource["expansion"] = shown;
    resource
}

fn member(member: &Member, with_designations: bool) -> Value {
    let coded = &member.coded;
    let mut value = json!({"system": member.system, "code": coded.code});
    if let Some(display) = &coded.display {
        value["display"] = display.as_str().into();
    }
    if !coded.active {
        value["inactive"] = true.into();
    }
    let designations = resources::designations(coded);
    if with_designations && !designations.is_empty() {
        value["designation"] = designations.into();
    }
    value
}
