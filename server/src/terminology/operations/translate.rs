//! `ConceptMap/$translate`: a house code to standard ones on a day, and back.

use genkan_mapping::terminology::{Content, Question, Translation, Unanswered};
use serde_json::{Value, json};

use super::{Call, only_one, parameters, versioned};
use crate::error::{Error, Refusal};
use crate::terminology::given::{Coding, Given};

pub fn run(call: &Call, given: &mut Given) -> Result<Value, Error> {
    only_one(given, &["code", "coding", "codeableConcept"]);
    let map = map(call, given)?;
    let codings = codings(given);
    let (source, target) = (given.text("source"), given.text("target"));
    let target_system = given.text("targetsystem");
    let reverse = given.boolean("reverse").unwrap_or(false);
    let day = given.day(call.service);
    if codings.iter().any(|coding| coding.system.is_none()) {
        given.refuse("system", Refusal::Invalid, "is needed with the code", "が必要です");
    }
    std::mem::take(given).end()?;
    let map = within(call, map, source.as_deref(), target.as_deref())?;
    let mut all = Translation::default();
    let mut unanswered = None;
    for coding in &codings {
        let question = Question {
            map,
            system: coding.system.as_deref().unwrap_or_default(),
            code: &coding.code,
            target_system: target_system.as_deref(),
            reverse,
            day,
        };
        match call.service.terminology.translate(&question) {
            Ok(found) => {
                all.matches.extend(found.matches);
                all.ambiguous.extend(found.ambiguous);
            }
            Err(error) => unanswered = unanswered.or(Some(error)),
        }
    }
    match unanswered {
        // Of several codings some may have no way.
        Some(error) if all == Translation::default() => Err(error.into()),
        _ => Ok(told(call, &all)),
    }
}

fn map(call: &Call, given: &mut Given) -> Result<Option<usize>, Error> {
    let all = call.service.terminology.maps();
    if let Some(id) = call.id {
        let found = all.iter().position(|map| map.id == id);
        return found.map(Some).ok_or_else(|| call.not_found("ConceptMap"));
    }
    let Some(url) = given.text("url") else { return Ok(None) };
    let (url, version) = versioned(&url, given.text("conceptMapVersion"));
    let found = all.iter().position(|map| map.url == url).ok_or(Unanswered::UnknownMap)?;
    match version {
        Some(asked) if all[found].version != asked => {
            let (here, earlier) = (Some(all[found].version.clone()), Vec::new());
            Err(Unanswered::OtherVersion { here, earlier }.into())
        }
        _ => Ok(Some(found)),
    }
}

fn codings(given: &mut Given) -> Vec<Coding> {
    if let Some(code) = given.text("code") {
        let system = given.text("system");
        let version = given.text("version");
        if version.is_some() {
            let (en, ja) = ("a code map has no version of its source", "は指定できません");
            given.refuse("version", Refusal::NotSupported, en, ja);
        }
        return vec![Coding { system, code, ..Coding::default() }];
    }
    let one = given.coding("coding").map(|coding| vec![coding]);
    one.or_else(|| given.concept("codeableConcept")).unwrap_or_default()
}

/// `source` and `target` are value sets of a code map: they name the map.
fn within(
    call: &Call,
    map: Option<usize>,
    source: Option<&str>,
    target: Option<&str>,
) -> Result<Option<usize>, Error> {
    let mut found = map;
    let sets = call.service.terminology.value_sets();
    for (url, is_source) in [(source, true), (target, false)] {
        let Some(url) = url else { continue };
        let set = sets.iter().find(|set| set.url == url).ok_or(Unanswered::UnknownValueSet)?;
        let place = match (&set.content, is_source) {
            (Content::Local(place), true) | (Content::Targets(place), false) => *place,
            _ => return Err(Unanswered::NoWay.into()),
        };
        if found.is_some_and(|known| known != place) {
            return Err(Unanswered::NoWay.into());
        }
        found = Some(place);
    }
    Ok(found)
}

fn told(call: &Call, all: &Translation) -> Value {
    let mut parts = vec![json!({"name": "result", "valueBoolean": all.is_translated()})];
    let message = if !all.ambiguous.is_empty() {
        let text = call.say(
            "more than one code holds on this day, and none of them is taken",
            "この日に有効なコードが複数あるため、どれも採用しません",
        );
        Some(format!("{}: {text}", all.ambiguous.join(", ")))
    } else if !all.is_translated() {
        let text = call.say("no code on this day", "この日に対応するコードはありません");
        Some(text.to_owned())
    } else {
        None
    };
    parts.extend(message.map(|text| json!({"name": "message", "valueString": text})));
    for one in &all.matches {
        let mut concept = json!({"system": one.coding.system, "code": one.coding.code});
        for (name, value) in [("version", &one.coding.version), ("display", &one.coding.display)] {
            if let Some(value) = value {
                concept[name] = value.as_str().into();
            }
        }
        parts.push(json!({"name": "match", "part": [
            {"name": "equivalence", "valueCode": one.equivalence},
            {"name": "concept", "valueCoding": concept},
            {"name": "source", "valueUri": one.map},
        ]}));
    }
    parameters(parts)
}
