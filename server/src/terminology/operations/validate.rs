//! `$validate-code` of CodeSystem and of ValueSet.

use genkan_mapping::terminology::{Content, Unanswered, Verdict};
use serde_json::{Value, json};

use super::{Call, known_set, only_one, parameters};
use crate::error::{Error, Refusal};
use crate::terminology::given::{Coding, Given};

pub fn of_system(call: &Call, given: &mut Given) -> Result<Value, Error> {
    let own = ["code", "coding", "codeableConcept"];
    only_one(given, &own);
    // A Coding says its system itself; R4 wants `url` nevertheless where the code alone is given.
    let named = call.id.is_some() || given.has("url") || given.has("code");
    let system = named.then(|| call.system(given, "url")).transpose()?;
    let codings = codings(given);
    let day = given.day(call.service);
    given.language();
    given.never("abstract");
    if system.is_none() && codings.iter().any(|coding| coding.system.is_none()) {
        given.refuse(
            "url",
            Refusal::Invalid,
            "is needed where a coding has no system",
            "が必要です",
        );
    }
    std::mem::take(given).end()?;
    judged(call, &codings, |coding| {
        let url = coding.system.as_deref().or(system.as_ref().map(|(url, _)| url.as_str()));
        let (asked, version) = match &system {
            Some((url, version)) => (url.as_str(), version.as_deref()),
            None => (url.unwrap_or_default(), None),
        };
        if url.is_some_and(|url| url != asked) {
            return Ok(Verdict::NotFound(Unanswered::NoWay));
        }
        let system = (asked, version.or(coding.version.as_deref()));
        call.service.terminology.validate(system, (&coding.code, coding.display.as_deref()), day)
    })
}

pub fn of_set(call: &Call, given: &mut Given) -> Result<Value, Error> {
    only_one(given, &["code", "coding", "codeableConcept"]);
    let set = call.value_set(given)?;
    let mut codings = codings(given);
    let (system, version) = (given.text("system"), given.text("systemVersion"));
    for coding in &mut codings {
        coding.system = coding.system.take().or(system.clone());
        coding.version = coding.version.take().or(version.clone());
    }
    let day = given.day(call.service);
    given.language();
    given.never("abstract");
    std::mem::take(given).end()?;
    let set: Content = known_set(set)?;
    judged(call, &codings, |coding| {
        let system = (coding.system.as_deref(), coding.version.as_deref());
        let code = (coding.code.as_str(), coding.display.as_deref());
        call.service.terminology.validate_in(&set, system, code, day)
    })
}

fn codings(given: &mut Given) -> Vec<Coding> {
    let display = given.text("display");
    if let Some(code) = given.text("code") {
        return vec![Coding { code, display, ..Coding::default() }];
    }
    if display.is_some() {
        let (en, ja) = ("belongs to `code`; a Coding has its own", "は code と一緒に使います");
        given.refuse("display", Refusal::Invalid, en, ja);
    }
    let one = given.coding("coding").map(|coding| vec![coding]);
    one.or_else(|| given.concept("codeableConcept")).unwrap_or_default()
}

/// Of several codings one has to be right.
fn judged(
    call: &Call,
    codings: &[Coding],
    judge: impl Fn(&Coding) -> Result<Verdict, Unanswered>,
) -> Result<Value, Error> {
    let (mut wrong, mut unanswered) = (None, None);
    for coding in codings {
        match judge(coding) {
            Ok(verdict @ (Verdict::Valid(_) | Verdict::Unnamed(_))) => {
                return Ok(told(call, &verdict));
            }
            Ok(verdict) => wrong = wrong.or(Some(verdict)),
            Err(error) => unanswered = unanswered.or(Some(error)),
        }
    }
    match (unanswered, wrong) {
        // One of them may be right: nobody can say.
        (Some(unanswered), _) => Err(unanswered.into()),
        (None, Some(verdict)) => Ok(told(call, &verdict)),
        (None, None) => Err(Unanswered::NoWay.into()),
    }
}

fn told(call: &Call, verdict: &Verdict) -> Value {
    let (result, message) = match verdict {
        Verdict::Valid(coded) if !coded.active => (
            true,
            Some(call.say("not in use on this day", "この日は使われていないコードです").to_owned()),
        ),
        Verdict::Valid(_) => (true, None),
        Verdict::Unnamed(_) => {
            let text = call.say(
                "no loaded master names this code: its display was not judged",
                "取り込んだマスタにこのコードの名称がないため、display は判定していません",
            );
            (true, Some(text.to_owned()))
        }
        Verdict::OtherDisplay(_) => {
            let text = call.say("the code has another display", "コードの名称が違います");
            (false, Some(text.to_owned()))
        }
        Verdict::Outside(_) => {
            let text = call.say("the value set does not have it", "値集合に含まれていません");
            (false, Some(text.to_owned()))
        }
        Verdict::NotFound(Unanswered::NoWay) => {
            let text = call.say("a code of another system", "別のコード体系のコードです");
            (false, Some(text.to_owned()))
        }
        Verdict::NotFound(unanswered) => (false, Some(call.text(unanswered))),
    };
    let mut parts = vec![json!({"name": "result", "valueBoolean": result})];
    parts.extend(message.map(|text| json!({"name": "message", "valueString": text})));
    if let Verdict::Valid(coded)
    | Verdict::Unnamed(coded)
    | Verdict::OtherDisplay(coded)
    | Verdict::Outside(coded) = verdict
    {
        let display = coded.display.as_deref().unwrap_or(&coded.code);
        parts.push(json!({"name": "display", "valueString": display}));
        if !coded.active {
            parts.push(json!({"name": "inactive", "valueBoolean": true}));
        }
    }
    parameters(parts)
}
