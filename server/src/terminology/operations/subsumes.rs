//! `CodeSystem/$subsumes`: whether one code is above another.

use genkan_mapping::terminology::{Relation, Unanswered};
use serde_json::{Value, json};

use super::{Call, only_one, parameters, versioned};
use crate::error::{Error, Refusal};
use crate::terminology::given::{Coding, Given};

pub fn run(call: &Call, given: &mut Given) -> Result<Value, Error> {
    let own = match call.id {
        Some(_) => Some(call.system(given, "system")?),
        None if given.has("system") => {
            Some(versioned(&given.needed("system"), given.text("version")))
        }
        None => None,
    };
    let a = one(given, ["codeA", "codingA"]);
    let b = one(given, ["codeB", "codingB"]);
    let of = |coding: &Coding| coding.system.clone().or(own.as_ref().map(|(url, _)| url.clone()));
    let (Some(system), Some(other)) = (of(&a), of(&b)) else {
        let (en, ja) = ("is needed where a coding has none", "が必要です");
        given.refuse("system", Refusal::Invalid, en, ja);
        std::mem::take(given).end()?;
        return Err(Unanswered::UnknownSystem.into());
    };
    if system != other || own.as_ref().is_some_and(|(url, _)| *url != system) {
        let (en, ja) =
            ("both codes have to be of one system", "は両方のコードで同じでなければなりません");
        given.refuse("system", Refusal::Invalid, en, ja);
    }
    std::mem::take(given).end()?;
    let version = own.and_then(|(_, version)| version).or(a.version);
    let asked = (system.as_str(), version.as_deref());
    let outcome = match call.service.terminology.subsumes(asked, (&a.code, &b.code))? {
        Relation::Equivalent => "equivalent",
        Relation::Subsumes => "subsumes",
        Relation::SubsumedBy => "subsumed-by",
        Relation::NotSubsumed => "not-subsumed",
    };
    Ok(parameters(vec![json!({"name": "outcome", "valueCode": outcome})]))
}

fn one(given: &mut Given, [code, coding]: [&str; 2]) -> Coding {
    only_one(given, &[code, coding]);
    let plain = given.text(code).map(|code| Coding { code, ..Coding::default() });
    let whole = given.coding(coding);
    plain.or(whole).unwrap_or_default()
}
